/* Lives and repairs as they are drawn: means, what an age leaves of a life, ranges. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "link/failure.h"
#include "scenario/failures.h"
#include "scenario/goodput.h"

#define N 40000

static double mean_life(double mttf, double shape, double age)
{
	struct random_stream stream = random_stream(3, "life", (uint64_t)(shape * 1000));
	double sum = 0;
	for (int i = 0; i < N; i++)
		sum += draw_remaining_life(&stream, mttf, shape, age);
	return sum / N;
}

/* The mean of N lives is off by deviation / sqrt(N); for shape 0.7 the deviation is 1.46 means. */
static void lives_have_their_mean(void **state)
{
	static const double shapes[] = {0.7, 1, 1.5, 3};
	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_true(fabs(mean_life(86.8, shapes[i], 0) / 86.8 - 1) < 4 * 1.5 / sqrt(N));
}

/* Exponential lives do not age; below shape 1 survivors live longer, above it shorter. For shape 2 and age = scale the mean of what is
 * left is scale * (e * erfc(1) * sqrt(pi) / 2). */
static void age_leaves_what_it_leaves(void **state)
{
	double scale = 86.8 / tgamma(1.5), expected = scale * exp(1) * erfc(1) * sqrt(M_PI) / 2;
	(void)state;
	assert_true(fabs(mean_life(86.8, 1, 500) / 86.8 - 1) < 4 / sqrt(N));
	assert_true(mean_life(86.8, 0.7, 500) > 1.5 * 86.8);
	assert_true(fabs(mean_life(86.8, 2, scale) / expected - 1) < 4 / sqrt(N));
}

static void ranges_have_their_mean_and_ends(void **state)
{
	static const struct spread spreads[] = {{4, 4, 4, false}, {1, 30.5, 60, false}, {0.5, 4, 24, true}, {2, 2, 9, true}, {1, 2, 3, true}};
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct random_stream stream = random_stream(5, "spread", i);
		double sum = 0, squares = 0, least = INFINITY, most = -INFINITY;
		for (int k = 0; k < N; k++) {
			double value = spread_draw(&spreads[i], &stream);
			sum += value;
			squares += value * value;
			least = fmin(least, value);
			most = fmax(most, value);
		}
		assert_true(least >= spreads[i].low && most <= spreads[i].high);
		assert_true(fabs(sum / N - spread_mean(&spreads[i])) <= 4 * (spreads[i].high - spreads[i].low) / sqrt(N));
		if (i == 4) /* a triangle, not even: variance width^2 / 24 instead of / 12 */
			assert_true(fabs(squares / N - 4 - 4.0 / 24) < 0.01);
	}
	assert_true(spread_mean(&spreads[2]) == 9.5); /* (0.5 + 4 + 24) / 3 */
}

/* Daly's estimate is near Young's for short writes, below it, and the time between failures for writes longer than twice that. */
static void intervals_follow_their_formulas(void **state)
{
	(void)state;
	assert_true(fabs(young_interval_s(33, 11124) - 856.84) < 0.01);
	assert_true(fabs(daly_interval_s(33, 11124) - (young_interval_s(33, 11124) * (1 + sqrt(33 / 22248.0) / 3 + 33 / 22248.0 / 9) - 33)) < 1e-9);
	assert_true(daly_interval_s(500, 200) == 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lives_have_their_mean),
		cmocka_unit_test(age_leaves_what_it_leaves),
		cmocka_unit_test(ranges_have_their_mean_and_ends),
		cmocka_unit_test(intervals_follow_their_formulas),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
