#include "link/fec.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/error.h"
#include "link/root.h"

const char *const fec_names[FEC_N] = {"none", "rs528", "rs544", "rs272", "rs544+hamming"};

#define RS544_LIMIT 2.4e-4
static const struct fec_parameters parameters[FEC_N] = {
	[FEC_NONE] = {0, 0, 0, 1, 1, 1e-12},
	[FEC_RS528] = {528, 514, 7, 8, 1.03125, 2.1e-5},
	[FEC_RS544] = {544, 514, 15, 8, 1.0625, RS544_LIMIT},
	[FEC_RS272] = {272, 258, 7, 4, 1.0625, 9.92e-5},
	[FEC_RS544_INNER] = {544, 514, 15, 8, 1.0625 * 128 / 120, 4.85e-3},
};

const struct fec_parameters *fec_parameters(enum fec_code code) { return &parameters[code]; }

double fec_symbol_error_ratio(double ber, double bits) { return -expm1(bits * log1p(-ber)); }

static double uncorrectable(enum fec_code code, double symbol_error_ratio)
{
	const struct fec_parameters *p = &parameters[code];
	return gsl_cdf_binomial_Q(p->t, symbol_error_ratio, p->n);
}

double fec_codeword_error_ratio(enum fec_code code, double ber)
{
	if (code == FEC_NONE)
		return fec_symbol_error_ratio(ber, 64 * 8);
	if (code == FEC_RS544_INNER)
		return uncorrectable(code, inner_code_soft_symbol_error_ratio(ber));
	return uncorrectable(code, fec_symbol_error_ratio(ber, FEC_SYMBOL_BITS));
}

#define PAM4_PER_SYMBOL (FEC_SYMBOL_BITS / 2)
#define SPANS_MAX 64 /* a burst longer than 64 RS symbols has probability a^320 */

/* P(a burst spoils k RS symbols), its length geometric, its first PAM4 symbol anywhere in an RS symbol. */
static void burst_spans(double propagation, double spans[SPANS_MAX + 1])
{
	for (int k = 0; k <= SPANS_MAX; k++)
		spans[k] = 0;
	for (int offset = 0; offset < PAM4_PER_SYMBOL; offset++) {
		double probability = (1 - propagation) / PAM4_PER_SYMBOL;
		for (int length = 1; offset + length <= SPANS_MAX * PAM4_PER_SYMBOL; length++) {
			spans[(offset + length + PAM4_PER_SYMBOL - 1) / PAM4_PER_SYMBOL] += probability;
			probability *= propagation;
		}
	}
}

double fec_codeword_error_ratio_bursts(enum fec_code code, double ber, double propagation)
{
	const struct fec_parameters *p = &parameters[code];
	double spans[SPANS_MAX + 1], spoilt[544 + SPANS_MAX], tail = 0, expected;
	if (!(propagation > 0) || code == FEC_NONE || code == FEC_RS544_INNER)
		return fec_codeword_error_ratio(code, ber);
	burst_spans(propagation, spans);
	/* A Gray-coded PAM4 error costs one bit of two: BER = bursts per PAM4 symbol × mean length / 2. */
	expected = (double)p->n * PAM4_PER_SYMBOL * fmin(2 * ber * (1 - propagation), 1);
	spoilt[0] = exp(-expected);
	for (uint32_t m = 1; m <= p->t + SPANS_MAX; m++) {
		double sum = 0;
		for (uint32_t k = 1; k <= m && k <= SPANS_MAX; k++)
			sum += k * spans[k] * spoilt[m - k];
		spoilt[m] = expected / m * sum;
		tail += m > p->t ? spoilt[m] : 0;
	}
	/* Far above the limit the tail is longer than what was summed: then the complement counts. */
	if (expected > 4) {
		tail = 1;
		for (uint32_t m = 0; m <= p->t; m++)
			tail -= spoilt[m];
	}
	return fmin(fmax(tail, 0), 1);
}

double fec_frame_loss_ratio(enum fec_code code, double codeword_error_ratio, uint32_t interleaved)
{
	double frames = parameters[code].frames_per_codeword;
	if (code == FEC_NONE)
		return codeword_error_ratio; /* the ratio is already that of 64-byte frames */
	return fmin(codeword_error_ratio * (1 + interleaved * frames) / frames, 1);
}

struct ber_search {
	enum fec_code code;
	double log_target;
};

static double ber_excess(double log_ber, void *context)
{
	const struct ber_search *search = context;
	double ratio = fec_codeword_error_ratio(search->code, pow(10, log_ber));
	return (ratio > 0 ? log10(ratio) : -320) - search->log_target;
}

int fec_ber_for_codeword_errors(enum fec_code code, double codeword_error_ratio, double *ber, struct error *err)
{
	struct ber_search search = {code, log10(codeword_error_ratio)};
	gsl_function function = {ber_excess, &search};
	const double low = -18, high = log10(0.4);
	double log_ber;
	if (!(codeword_error_ratio > 0 && ber_excess(low, &search) < 0 && ber_excess(high, &search) > 0))
		return error_set(err, ERROR_INPUT, "no bit error ratio gives a codeword error ratio of %g",
		                 codeword_error_ratio);
	if (root_find(&function, low, high, 1e-12, "the bit error ratio", &log_ber, err))
		return -1;
	*ber = pow(10, log_ber);
	return 0;
}

int fec_ber_for_frame_loss(enum fec_code code, double frame_loss_ratio, uint32_t interleaved, double *ber, struct error *err)
{
	double frames = parameters[code].frames_per_codeword;
	double codeword = code == FEC_NONE ? frame_loss_ratio : frame_loss_ratio * frames / (1 + interleaved * frames);
	return fec_ber_for_codeword_errors(code, codeword, ber, err);
}

double inner_code_hard_ber(double ber)
{
	double sum = 0;
	for (unsigned j = 2; j <= 11; j++)
		sum += (j + (j & 1)) * gsl_ran_binomial_pdf(j, ber, 128);
	return sum / 128;
}

/* Chase-2 on the 6 least reliable bits, PAM4 max-log likelihoods, 6·10^5 words per point; test_inner_code.c repeats it. */
static const struct { double ber, after, symbol; } soft_table[] = {
	{2e-3, 1.08e-5, 9.82e-5}, {3e-3, 4.60e-5, 4.13e-4}, {4e-3, 1.27e-4, 1.14e-3}, {4.85e-3, 2.58e-4, 2.32e-3},
	{6e-3, 5.25e-4, 4.69e-3},
};
#define SOFT_POINTS (sizeof soft_table / sizeof soft_table[0])

static double soft_column(size_t i, int symbol) { return log(symbol ? soft_table[i].symbol : soft_table[i].after); }

static double soft_interpolate(double ber, int symbol)
{
	double x = log(ber), slope;
	size_t i = 0;
	if (!(ber > 0))
		return 0;
	while (i + 2 < SOFT_POINTS && ber > soft_table[i + 1].ber)
		i++;
	slope = (soft_column(i + 1, symbol) - soft_column(i, symbol)) / log(soft_table[i + 1].ber / soft_table[i].ber);
	return exp(soft_column(i, symbol) + slope * (x - log(soft_table[i].ber)));
}

/* The inner code is never counted as worse than none. */
double inner_code_soft_ber(double ber) { return fmin(soft_interpolate(ber, 0), ber); }
double inner_code_soft_symbol_error_ratio(double ber)
{
	return fmin(soft_interpolate(ber, 1), fec_symbol_error_ratio(ber, FEC_SYMBOL_BITS));
}

double fec_block_fill_ns(enum fec_code code, uint32_t interleaved, double line_rate_bits_per_s)
{
	return interleaved * (double)parameters[code].n * FEC_SYMBOL_BITS / line_rate_bits_per_s * 1e9;
}

uint32_t fec_interleaving(double nominal_bits_per_s)
{
	if (nominal_bits_per_s >= 700e9)
		return 4;
	return nominal_bits_per_s >= 175e9 ? 2 : 1;
}
