/* The table of the inner code, simulated again: random words of extended Hamming(128,120) sent as Gray-coded PAM4 through Gaussian
 * noise, decoded by Chase-2 on the 6 least reliable bits with max-log likelihoods. */
#include "near.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <stdbool.h>
#include <string.h>

#include "base/random.h"
#include "link/budget.h"
#include "link/fec.h"

#define BITS 128
#define SOFT 6

/* Position 0 is the overall parity, the powers of two are Hamming's checks, the other 120 carry information in order. */
static bool is_information(unsigned position) { return position & (position - 1); }

static void encode(struct random_stream *stream, uint8_t word[BITS])
{
	unsigned syndrome = 0, parity = 0;
	memset(word, 0, BITS);
	for (unsigned i = 3; i < BITS; i++)
		if (is_information(i) && random_next(stream) >> 63) {
			word[i] = 1;
			syndrome ^= i;
		}
	for (unsigned bit = 1; bit < BITS; bit <<= 1)
		word[bit] = (syndrome & bit) != 0;
	for (unsigned i = 1; i < BITS; i++)
		parity ^= word[i];
	word[0] = (uint8_t)parity;
}

static const double levels[4] = {-3, -1, 3, 1}; /* of the bits 00, 01, 10, 11: neighbours differ in one */

static void channel(gsl_rng *rng, double sigma, const uint8_t word[BITS], double likelihood[BITS])
{
	for (unsigned i = 0; i < BITS; i += 2) {
		double seen = levels[word[i] * 2 + word[i + 1]] + gsl_ran_gaussian(rng, sigma), distance[4];
		for (int s = 0; s < 4; s++)
			distance[s] = (seen - levels[s]) * (seen - levels[s]);
		/* > 0: the bit is more likely a one */
		likelihood[i] = fmin(distance[0], distance[1]) - fmin(distance[2], distance[3]);
		likelihood[i + 1] = fmin(distance[0], distance[2]) - fmin(distance[1], distance[3]);
	}
}

static void least_reliable(const double likelihood[BITS], unsigned chosen[SOFT])
{
	bool taken[BITS] = {false};
	for (int k = 0; k < SOFT; k++) {
		unsigned best = BITS;
		for (unsigned i = 0; i < BITS; i++)
			if (!taken[i] && (best == BITS || fabs(likelihood[i]) < fabs(likelihood[best])))
				best = i;
		taken[best] = true;
		chosen[k] = best;
	}
}

/* Flips in `word` what the likeliest of the candidates flips. */
static void decode(const double likelihood[BITS], uint8_t word[BITS])
{
	unsigned chosen[SOFT], syndrome = 0, parity = 0, best_pattern = 0, best_extra = BITS;
	double best = INFINITY;
	for (unsigned i = 0; i < BITS; i++) {
		word[i] = likelihood[i] > 0;
		syndrome ^= word[i] ? i : 0;
		parity ^= word[i];
	}
	least_reliable(likelihood, chosen);
	for (unsigned pattern = 0; pattern < 1u << SOFT; pattern++) {
		unsigned s = syndrome, p = parity, extra = BITS;
		double cost = 0;
		for (unsigned k = 0; k < SOFT; k++)
			if (pattern >> k & 1) {
				s ^= chosen[k];
				p ^= 1;
				cost += fabs(likelihood[chosen[k]]);
			}
		if (p)
			extra = s; /* one error, at s */
		else if (s)
			continue; /* two errors: detected only */
		for (unsigned k = 0; extra < BITS && k < SOFT; k++) /* flipped back: counted by its other pattern */
			if (pattern >> k & 1 && chosen[k] == extra)
				cost = INFINITY;
		cost += extra < BITS ? fabs(likelihood[extra]) : 0;
		if (cost < best) {
			best = cost;
			best_pattern = pattern;
			best_extra = extra;
		}
	}
	for (unsigned k = 0; k < SOFT; k++)
		word[chosen[k]] = word[chosen[k]] != (best_pattern >> k & 1);
	if (best_extra < BITS)
		word[best_extra] ^= 1;
}

static void simulate(double ber, unsigned n_words, double *before, double *after, double *symbols)
{
	struct random_stream stream = random_stream(12, "test.inner", (uint64_t)(ber * 1e6));
	gsl_rng rng = random_gsl(&stream);
	uint64_t raw = 0, wrong = 0, spoilt = 0;
	double q;
	assert_int_equal(q_from_ber(MODULATION_PAM4, ber, &q, NULL), 0);
	for (unsigned n = 0; n < n_words; n++) {
		uint8_t sent[BITS], got[BITS];
		double likelihood[BITS];
		unsigned information = 0, bad = 0;
		encode(&stream, sent);
		channel(&rng, 1 / q, sent, likelihood);
		for (unsigned i = 0; i < BITS; i++)
			raw += (likelihood[i] > 0) != sent[i];
		decode(likelihood, got);
		for (unsigned i = 0; i < BITS; i++) {
			if (!is_information(i))
				continue;
			wrong += got[i] != sent[i];
			bad |= got[i] != sent[i];
			if (++information % FEC_SYMBOL_BITS == 0) {
				spoilt += bad;
				bad = 0;
			}
		}
	}
	*before = (double)raw / (128.0 * n_words);
	*after = (double)wrong / (120.0 * n_words);
	*symbols = (double)spoilt / (12.0 * n_words);
}

static void the_table_is_what_a_decoder_reaches(void **state)
{
	static const double points[] = {4e-3, 4.85e-3, 6e-3};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		double before, after, symbols;
		simulate(points[i], 200000, &before, &after, &symbols);
		assert_close(before, points[i], 0.01);
		assert_close(after, inner_code_soft_ber(points[i]), 0.05);
		assert_close(symbols, inner_code_soft_symbol_error_ratio(points[i]), 0.05);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_table_is_what_a_decoder_reaches)};
	gsl_set_error_handler_off();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
