/* Bins against their definition: random runs, kept as a list and distributed at the end by 128-bit arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/time.h"
#include "timeline/bins.h"

struct told {
	uint32_t link;
	int64_t start_ps, end_ps, bytes;
};

/* Bytes of the run that lie in [0, time). */
static int64_t upto(const struct told *run, int64_t time_ps)
{
	if (time_ps <= run->start_ps)
		return run->start_ps == run->end_ps && time_ps > run->start_ps ? run->bytes : 0;
	return time_ps >= run->end_ps ? run->bytes : scale_floor(run->bytes, time_ps - run->start_ps, run->end_ps - run->start_ps);
}

static int64_t overlap(const struct told *run, int64_t from, int64_t to)
{
	int64_t start = run->start_ps > from ? run->start_ps : from, end = run->end_ps < to ? run->end_ps : to;
	return end > start ? end - start : 0;
}

static void check(uint32_t n_links, uint32_t max_bins, int64_t base_ps, int64_t gap_ps, int64_t span_ps, uint64_t seed)
{
	enum { N = 700 };
	struct told *told = memory_zero(N, sizeof *told);
	struct random_stream random = random_stream(seed, "bins", 0);
	struct bins bins;
	int64_t now = 0;
	bins_init(&bins, n_links, max_bins, base_ps);
	for (int i = 0; i < N; i++) {
		int64_t start = now + (int64_t)random_below(&random, (uint64_t)gap_ps), length = 1 + (int64_t)random_below(&random, (uint64_t)span_ps);
		told[i] = (struct told){(uint32_t)random_below(&random, n_links), start, start + length,
					(int64_t)random_below(&random, UINT64_C(1) << random_below(&random, 50))};
		bins_add_bytes(&bins, told[i].link, start, start + length, told[i].bytes);
		bins_add_busy(&bins, told[i].link, start, start + length);
		bins_extra_add(&bins, BINS_OVERHEAD, told[i].link, start, start + length, told[i].bytes / 3);
		bins_extra_max(&bins, BINS_QUEUE_MAX, told[i].link, start, start + length, told[i].bytes);
		if (i % 3 == 0)
			now = start;
	}
	assert_true(bins_count(&bins, bins.end_ps) <= max_bins);
	for (uint32_t link = 0; link < n_links; link++)
		for (uint32_t bin = 0; bin < max_bins; bin++) {
			int64_t from = bin * bins.width_ps, to = from + bins.width_ps, bytes = 0, busy = 0, overhead = 0, largest = 0;
			for (int i = 0; i < N; i++) {
				if (told[i].link != link || !overlap(&told[i], from, to))
					continue;
				struct told third = told[i];
				third.bytes /= 3;
				bytes += upto(&told[i], to) - upto(&told[i], from);
				overhead += upto(&third, to) - upto(&third, from);
				busy += overlap(&told[i], from, to);
				largest = told[i].bytes > largest ? told[i].bytes : largest;
			}
			assert_int_equal(bins.bytes[bins_at(&bins, link, bin)], bytes);
			assert_int_equal(bins.busy_ps[bins_at(&bins, link, bin)], busy);
			assert_int_equal(bins.extra[BINS_OVERHEAD][bins_at(&bins, link, bin)], overhead);
			assert_int_equal(bins.extra[BINS_QUEUE_MAX][bins_at(&bins, link, bin)], largest);
		}
	bins_release(&bins);
	free(told);
}

static void bins_hold_what_their_definition_says(void **state)
{
	static const int64_t bases[] = {2, 3, 1000, 1013, 7777777};
	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++)
		for (size_t b = 0; b < sizeof bases / sizeof *bases; b++) {
			check(3, 16, bases[b], 100, 3000, seed);
			check(300, 64, bases[b], 1000003, 50000017, seed);
			check(1, 512, bases[b], 40, 1000000007, seed);
		}
}

static void indices_are_exact_quotients_up_to_the_end_of_time(void **state)
{
	struct random_stream random = random_stream(3, "quotients", 0);
	struct bins bins;
	(void)state;
	bins_init(&bins, 1, 16, 2);
	for (int i = 0; i < 200000; i++) {
		int64_t width = 2 + (int64_t)(random_next(&random) >> (1 + random_below(&random, 62)));
		bins_set_width(&bins, width);
		int64_t quotient = (int64_t)random_below(&random, UINT64_C(1) << 32);
		int64_t product, time_ps;
		if (__builtin_mul_overflow(width, quotient, &product))
			continue;
		for (int64_t step = -1; step <= 1; step++) {
			time_ps = product + step;
			if (time_ps >= 0 && time_ps / width <= UINT32_MAX)
				assert_int_equal(bins_index(&bins, time_ps), time_ps / width);
		}
	}
	bins_release(&bins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bins_hold_what_their_definition_says),
		cmocka_unit_test(indices_are_exact_quotients_up_to_the_end_of_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
