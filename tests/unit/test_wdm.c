/* Wavelengths: grids, assignments that hold continuity, their lower bound, and optima of small cases by trying everything. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "link/wdm.h"

static void grids_are_spaced_as_they_say(void **state)
{
	(void)state;
	struct error err = {0};
	const struct wdm_grid *oci = wdm_grid_find("oci-a", &err);
	assert_non_null(oci);
	for (uint32_t i = 1; i < oci->n; i++)
		assert_true(fabs(1e3 * (wdm_thz(oci->nm[i - 1]) - wdm_thz(oci->nm[i])) - 400) < 3); /* written to 0.01 nm: 1.7 GHz */
	struct wdm_grid even;
	wdm_grid_even(&even, 1311.43, 400, 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(fabs(even.nm[i] - oci->nm[i]) < 0.02);
	assert_null(wdm_grid_find("oci-c", &err));
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
			uint32_t needed = wdm_needed(&demands, policy);
			assert_true(needed >= cases[c].load && needed <= 2 * cases[c].load);
			assert_int_equal(wdm_assign(&demands, needed, policy, wavelength), 0);
			check_continuity(&demands, wavelength, needed);
			assert_true(wdm_assign(&demands, cases[c].load - 1, policy, wavelength) > 0); /* below the bound: blocked */
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
			uint32_t needed = wdm_needed(&demands, policy);
			assert_true(needed >= optimum && needed <= 2 * optimum);
			above_optimum += needed > optimum;
			assert_int_equal(wdm_assign(&demands, needed, policy, wavelength), 0);
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
	static const uint32_t expected[WDM_POLICIES][3] = {{0, 1, 0}, {0, 1, 0}, {0, 1, 2}};
	uint32_t wavelength[3];
	for (enum wdm_policy policy = 0; policy < WDM_POLICIES; policy++) {
		assert_int_equal(wdm_assign(&demands, 3, policy, wavelength), 0);
		assert_memory_equal(wavelength, expected[policy], sizeof wavelength);
	}
	assert_int_equal(wdm_assign(&demands, 1, WDM_FIRST_FIT, wavelength), 1);
	assert_int_equal(wavelength[1], WDM_BLOCKED);
	assert_int_equal(wavelength[2], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grids_are_spaced_as_they_say),
		cmocka_unit_test(ring_all_to_all_has_the_published_load),
		cmocka_unit_test(greedy_lies_between_the_optimum_and_its_double),
		cmocka_unit_test(policies_pack_and_spread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
