/* Summaries of samples: order statistics whose coverage is known, quantiles, Student's t. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/sample.h"

/* The interval of the median for n values 1 … n is a pair of ranks: tables of the sign test, at least 95 %. */
static void median_has_the_ranks_of_the_sign_test(void **state)
{
	static const struct { size_t n; double low, high; } table[] = {
		{6, 1, 6}, {7, 1, 7}, {8, 1, 8}, {9, 2, 8}, {10, 2, 9}, {15, 4, 12}, {20, 6, 15}, {25, 8, 18}, {100, 40, 61},
	};
	(void)state;
	for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
		double values[100];
		struct sample_summary s;
		for (size_t i = 0; i < table[t].n; i++)
			values[i] = (double)(table[t].n - i);
		sample_summarize(values, table[t].n, &s);
		assert_true(s.median_low == table[t].low && s.median_high == table[t].high);
		assert_true(s.median == (double)(table[t].n + 1) / 2);
	}
}

static void few_values_have_no_interval_of_the_median(void **state)
{
	double values[] = {3, 1, 2, 5, 4};
	struct sample_summary s;
	(void)state;
	sample_summarize(values, 5, &s);
	assert_true(isnan(s.median_low) && isnan(s.median_high));
	assert_true(s.minimum == 1 && s.maximum == 5 && s.q25 == 2 && s.q75 == 4);
	sample_summarize(values, 1, &s);
	assert_true(s.mean == 1 && isnan(s.deviation) && isnan(s.mean_low));
}

/* t(0.975, 4) = 2.7764; deviation of 1 … 5 is sqrt(2.5). */
static void mean_has_the_interval_of_student(void **state)
{
	double values[] = {1, 2, 3, 4, 5};
	struct sample_summary s;
	(void)state;
	sample_summarize(values, 5, &s);
	assert_true(fabs(s.mean_high - (3 + 2.776445 * sqrt(2.5 / 5))) < 1e-5);
	assert_true(fabs(s.mean_low - (3 - 2.776445 * sqrt(2.5 / 5))) < 1e-5);
}

/* Of 2,000 samples of an exponential, 95 % of the intervals hold the true median and at least so many of the order statistics' do. */
static void intervals_cover_what_they_say(void **state)
{
	struct random_stream stream = random_stream(11, "coverage", 0);
	unsigned median = 0, mean = 0;
	(void)state;
	for (int i = 0; i < 2000; i++) {
		double values[30];
		struct sample_summary s;
		for (int k = 0; k < 30; k++)
			values[k] = -log1p(-random_uniform(&stream));
		sample_summarize(values, 30, &s);
		median += s.median_low <= log(2) && log(2) <= s.median_high;
		mean += s.mean_low <= 1 && 1 <= s.mean_high;
	}
	assert_true(median >= 1900 && median < 1960); /* the pair of ranks covers 95.7 % */
	assert_true(mean > 1820 && mean < 1930);      /* Student's t is for normal values: 93 % here */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(median_has_the_ranks_of_the_sign_test),
		cmocka_unit_test(few_values_have_no_interval_of_the_median),
		cmocka_unit_test(mean_has_the_interval_of_student),
		cmocka_unit_test(intervals_cover_what_they_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
