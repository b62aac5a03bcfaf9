/* Wavelengths: grids, assignments that hold continuity, their lower bound, and optima of small cases by trying everything. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "link/wdm.h"

static const struct wdm_choice any = {0};

static void grids_are_spaced_as_they_say(void **state)
{
	(void)state;
	struct error err = {0};
	struct wdm_grid named, *oci = &named;
	assert_int_equal(wdm_grid_named(oci, "oci-a", &err), 0);
	for (uint32_t i = 1; i < oci->n; i++)
		assert_true(fabs(1e3 * (wdm_thz(oci->nm[i - 1]) - wdm_thz(oci->nm[i])) - 400) < 3); /* written to 0.01 nm: 1.7 GHz */
	struct wdm_grid even;
	wdm_grid_even(&even, 1311.43, 400, 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(fabs(even.nm[i] - oci->nm[i]) < 0.02);
	assert_int_equal(wdm_grid_named(&even, "oci-c", &err), -1);
	assert_non_null(strstr(err.message, "unknown wavelength grid 'oci-c'"));
}

static void check_continuity(const struct wdm_demands *demands, const uint32_t *wavelength, uint32_t n_wavelengths)
{
	for (uint32_t a = 0; a < demands->n; a++) {
		assert_true(wavelength[a] == WDM_BLOCKED || wavelength[a] < n_wavelengths);
		for (uint32_t b = 0; b < a; b++)
			for (uint32_t g = demands->first[a]; wavelength[a] != WDM_BLOCKED && wavelength[a] == wavelength[b] && g < demands->first[a + 1]; g++)
				for (uint32_t h = demands->first[b]; h < demands->first[b + 1]; h++)
					assert_int_not_equal(demands->path[g], demands->path[h]);
	}
}

/* The reference: N²/8 wavelengths per direction for even rings; N = 8, 16, 32 give 8, 32, 128. */
static void ring_all_to_all_has_the_published_load(void **state)
{
	(void)state;
	static const struct { uint32_t n, load; } cases[] = {{2, 1}, {4, 2}, {6, 5}, {8, 8}, {10, 13}, {16, 32}, {32, 128}};
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		struct wdm_demands demands;
		uint32_t n = cases[c].n, *wavelength = calloc((size_t)n * n, sizeof *wavelength);
		wdm_ring_all_to_all(&demands, n);
		assert_int_equal(demands.n, n * (n - 1));
		assert_int_equal(wdm_load(&demands), cases[c].load);
		for (enum wdm_policy policy = 0; policy < WDM_POLICIES && n <= 16; policy++) {
			uint32_t needed = wdm_needed(&demands, policy, &any);
			assert_true(needed >= cases[c].load && needed <= 2 * cases[c].load);
			assert_int_equal(wdm_assign(&demands, needed, policy, &any, wavelength), 0);
			check_continuity(&demands, wavelength, needed);
			assert_true(wdm_assign(&demands, cases[c].load - 1, policy, &any, wavelength) > 0); /* below the bound: blocked */
			check_continuity(&demands, wavelength, cases[c].load - 1);
		}
		wdm_demands_release(&demands);
		free(wavelength);
	}
}

static int conflict(const struct wdm_demands *demands, uint32_t a, uint32_t b)
{
	for (uint32_t g = demands->first[a]; g < demands->first[a + 1]; g++)
		for (uint32_t h = demands->first[b]; h < demands->first[b + 1]; h++)
			if (demands->path[g] == demands->path[h])
				return 1;
	return 0;
}

/* Whether `n` wavelengths are enough, by trying everything. */
static int fits(const struct wdm_demands *demands, uint32_t n, uint32_t i, uint32_t *wavelength)
{
	if (i == demands->n)
		return 1;
	for (uint32_t w = 0; w < n; w++) {
		uint32_t b = 0;
		while (b < i && !(wavelength[b] == w && conflict(demands, i, b)))
			b++;
		wavelength[i] = w;
		if (b == i && fits(demands, n, i + 1, wavelength))
			return 1;
	}
	return 0;
}

/* Random arcs on rings of 5 fibres, where circles of conflicts make the optimum exceed the load now and then. */
static void greedy_lies_between_the_optimum_and_its_double(void **state)
{
	(void)state;
	struct random_stream stream = random_stream(11, "wdm", 0);
	uint32_t above_load = 0, above_optimum = 0;
	for (uint32_t trial = 0; trial < 300; trial++) {
		uint32_t first[9] = {0}, path[8 * 4], wavelength[8], n = 3 + (uint32_t)random_below(&stream, 6), h = 0, optimum;
		for (uint32_t i = 0; i < n; i++) {
			uint32_t start = (uint32_t)random_below(&stream, 5), hops = 1 + (uint32_t)random_below(&stream, 4);
			for (uint32_t k = 0; k < hops; k++)
				path[h++] = (start + k) % 5;
			first[i + 1] = h;
		}
		struct wdm_demands demands = {.n = n, .n_fibres = 5, .first = first, .path = path};
		for (optimum = wdm_load(&demands); !fits(&demands, optimum, 0, wavelength); optimum++)
			above_load += optimum == wdm_load(&demands);
		for (enum wdm_policy policy = 0; policy < WDM_POLICIES; policy++) {
			uint32_t needed = wdm_needed(&demands, policy, &any);
			assert_true(needed >= optimum && needed <= 2 * optimum);
			above_optimum += needed > optimum;
			assert_int_equal(wdm_assign(&demands, needed, policy, &any, wavelength), 0);
			check_continuity(&demands, wavelength, needed);
		}
	}
	assert_true(above_load > 0 && above_optimum > 0); /* the cases are not all easy */
}

/* Two short demands far apart, then what each policy does with a third one elsewhere. */
static void policies_pack_and_spread(void **state)
{
	(void)state;
	static const uint32_t first[] = {0, 2, 4, 5}, path[] = {0, 1, 1, 2, 3};
	static const struct wdm_demands demands = {.n = 3, .n_fibres = 4, .first = first, .path = path};
	static const uint32_t expected[WDM_RANDOM][3] = {{0, 1, 0}, {0, 1, 0}, {0, 1, 2}};
	uint32_t wavelength[3];
	for (enum wdm_policy policy = 0; policy < WDM_RANDOM; policy++) {
		assert_int_equal(wdm_assign(&demands, 3, policy, &any, wavelength), 0);
		assert_memory_equal(wavelength, expected[policy], sizeof wavelength);
	}
	assert_int_equal(wdm_assign(&demands, 1, WDM_FIRST_FIT, &any, wavelength), 1);
	assert_int_equal(wavelength[1], WDM_BLOCKED);
	assert_int_equal(wavelength[2], 0);
}

/* 64 demands over fibres of their own: each takes any of 4, by seed; every wavelength is taken by some. */
static void random_is_even_and_keeps_to_its_seed(void **state)
{
	(void)state;
	uint32_t first[65], path[64], a[64], b[64], c[64], counts[4] = {0};
	for (uint32_t i = 0; i < 64; i++) {
		first[i] = path[i] = i;
	}
	first[64] = 64;
	struct wdm_demands demands = {.n = 64, .n_fibres = 64, .first = first, .path = path};
	assert_int_equal(wdm_assign(&demands, 4, WDM_RANDOM, &(struct wdm_choice){.seed = 7}, a), 0);
	assert_int_equal(wdm_assign(&demands, 4, WDM_RANDOM, &(struct wdm_choice){.seed = 7}, b), 0);
	assert_int_equal(wdm_assign(&demands, 4, WDM_RANDOM, &(struct wdm_choice){.seed = 8}, c), 0);
	assert_memory_equal(a, b, sizeof a);
	assert_memory_not_equal(a, c, sizeof a);
	for (uint32_t i = 0; i < 64; i++)
		counts[a[i]]++;
	for (uint32_t w = 0; w < 4; w++)
		assert_in_range(counts[w], 6, 26);
}

/* The longest demand gives way to a shorter one that insists on the first wavelength. */
static void fixed_wavelengths_come_first_and_clashes_are_found(void **state)
{
	(void)state;
	static const uint32_t first[] = {0, 2, 3, 5}, path[] = {0, 1, 1, 1, 2};
	static const struct wdm_demands demands = {.n = 3, .n_fibres = 3, .first = first, .path = path};
	static const uint32_t fixed[] = {WDM_BLOCKED, 0, WDM_BLOCKED}, clashing[] = {2, WDM_BLOCKED, 2}, apart[] = {2, WDM_BLOCKED, 1};
	uint32_t wavelength[3];
	struct wdm_clash clash;
	assert_int_equal(wdm_assign(&demands, 3, WDM_FIRST_FIT, &(struct wdm_choice){.fixed = fixed}, wavelength), 0);
	assert_int_equal(wavelength[0], 1);
	assert_int_equal(wavelength[1], 0);
	assert_int_equal(wavelength[2], 2);
	assert_int_equal(wdm_needed(&demands, WDM_FIRST_FIT, &(struct wdm_choice){.fixed = fixed}), 3);
	assert_true(wdm_clashes(&demands, clashing, &clash));
	assert_int_equal(clash.demand, 2);
	assert_int_equal(clash.other, 0);
	assert_int_equal(clash.fibre, 1);
	assert_false(wdm_clashes(&demands, apart, &clash));
	assert_false(wdm_clashes(&demands, fixed, &clash));
}

static void every_named_grid_has_its_wavelengths(void **state)
{
	(void)state;
	static const struct { const char *name; uint32_t n; } grids[] = {{"cwdm4", 4}, {"oci-b", 4}, {"cw-wdm-8", 8}, {"cw-wdm-16", 16}, {"cw-wdm-32", 32}, {"nvidia-8", 8}};
	struct wdm_grid grid;
	struct error err = {0};
	for (size_t i = 0; i < sizeof grids / sizeof *grids; i++) {
		assert_int_equal(wdm_grid_named(&grid, grids[i].name, &err), 0);
		assert_int_equal(grid.n, grids[i].n);
		for (uint32_t w = 1; w < grid.n; w++)
			assert_true(grid.nm[w] > grid.nm[w - 1]);
	}
	assert_int_equal(wdm_grid_named(&grid, "cw-wdm-64", &err), -1);
	assert_non_null(strstr(err.message, "unknown wavelength grid"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grids_are_spaced_as_they_say),
		cmocka_unit_test(ring_all_to_all_has_the_published_load),
		cmocka_unit_test(greedy_lies_between_the_optimum_and_its_double),
		cmocka_unit_test(policies_pack_and_spread),
		cmocka_unit_test(random_is_even_and_keeps_to_its_seed),
		cmocka_unit_test(fixed_wavelengths_come_first_and_clashes_are_found),
		cmocka_unit_test(every_named_grid_has_its_wavelengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
