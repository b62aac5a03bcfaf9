#include "link/wdm.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"

/* ---- grids ------------------------------------------------------------------------------------------------------------- */

static const struct wdm_grid grid_oci_a = {"oci-a", "OCI Gen1 v1.0, 400 GHz, one direction (second hand)", 4,
	{1308.00, 1310.28, 1312.58, 1314.88}};
static const struct wdm_grid grid_oci_b = {"oci-b", "OCI Gen1 v1.0, 400 GHz, the other direction (second hand)", 4,
	{1327.69, 1330.05, 1332.41, 1334.78}};
static const struct wdm_grid grid_cwdm4 = {"cwdm4", "CWDM4 MSA, 20 nm (ITU-T G.694.2)", 4, {1271, 1291, 1311, 1331}};
const struct wdm_grid *const wdm_grids[] = {&grid_cwdm4, &grid_oci_a, &grid_oci_b, NULL};

/* Even ones around 1310 nm, which is assumed: the agreement's own anchor and spacings are not among our sources. */
static const struct even { const char *name, *source; uint32_t n; double ghz; } evens[] = {
	{"cw-wdm-8", "CW-WDM MSA, 8 wavelengths (C); 400 GHz around 1310 nm are assumed", 8, 400},
	{"cw-wdm-16", "CW-WDM MSA, 16 wavelengths (C); 200 GHz around 1310 nm are assumed", 16, 200},
	{"cw-wdm-32", "CW-WDM MSA, 32 wavelengths (C); 100 GHz around 1310 nm are assumed", 32, 100},
	{"nvidia-8", "8 x 32 Gb/s NRZ at 200 GHz (B: ECOC 2026 slides); 1310 nm are assumed", 8, 200},
};
#define N_EVENS (sizeof evens / sizeof *evens)

int wdm_grid_named(struct wdm_grid *grid, const char *name, struct error *err)
{
	const char *names[sizeof wdm_grids / sizeof *wdm_grids + N_EVENS];
	char known[256];
	size_t n = 0;
	for (; wdm_grids[n]; n++) {
		if (!strcmp(wdm_grids[n]->name, name)) {
			*grid = *wdm_grids[n];
			return 0;
		}
		names[n] = wdm_grids[n]->name;
	}
	for (size_t i = 0; i < N_EVENS; i++) {
		names[n++] = evens[i].name;
		if (strcmp(evens[i].name, name))
			continue;
		wdm_grid_even(grid, 1310, evens[i].ghz, evens[i].n);
		grid->name = evens[i].name;
		grid->source = evens[i].source;
		return 0;
	}
	return error_set(err, ERROR_INPUT, "unknown wavelength grid '%s'%s", name, text_known(known, sizeof known, name, names, n));
}

#define LIGHT_NM_THZ 299792.458 /* c in nm × THz */

double wdm_thz(double nm) { return LIGHT_NM_THZ / nm; }

void wdm_grid_even(struct wdm_grid *grid, double center_nm, double spacing_ghz, uint32_t n)
{
	assert(n >= 1 && n <= WDM_GRID_MAX);
	*grid = (struct wdm_grid){.name = "even", .source = "evenly spaced in frequency", .n = n};
	for (uint32_t i = 0; i < n; i++)
		grid->nm[i] = LIGHT_NM_THZ / (wdm_thz(center_nm) + ((n - 1) / 2.0 - i) * spacing_ghz * 1e-3);
}

/* ---- assignment -------------------------------------------------------------------------------------------------------- */

const char *const wdm_policy_names[WDM_POLICIES] = {"first-fit", "most-used", "least-used", "random"};

static uint32_t length(const struct wdm_demands *demands, uint32_t i) { return demands->first[i + 1] - demands->first[i]; }

/* Demands by falling length, equal ones in their order: by counting, as lengths are at most n_fibres. */
static uint32_t *longest_first(const struct wdm_demands *demands)
{
	uint32_t *start = memory_zero((size_t)demands->n_fibres + 2, sizeof *start), *order = memory_zero((size_t)demands->n + 1, sizeof *order);
	for (uint32_t i = 0; i < demands->n; i++) {
		assert(length(demands, i) <= demands->n_fibres);
		start[demands->n_fibres - length(demands, i) + 1]++;
	}
	for (uint32_t l = 1; l <= demands->n_fibres + 1; l++)
		start[l] += start[l - 1];
	for (uint32_t i = 0; i < demands->n; i++)
		order[start[demands->n_fibres - length(demands, i)]++] = i;
	free(start);
	return order;
}

struct plane {
	uint8_t *taken;  /* [wavelength][fibre] */
	uint32_t *used;  /* [wavelength] fibres that it is on */
	uint32_t n_fibres;
};

static bool is_free(const struct plane *plane, const struct wdm_demands *demands, uint32_t i, uint32_t wavelength)
{
	for (uint32_t h = demands->first[i]; h < demands->first[i + 1]; h++)
		if (plane->taken[(size_t)wavelength * plane->n_fibres + demands->path[h]])
			return false;
	return true;
}

static bool better(const struct plane *plane, enum wdm_policy policy, uint32_t wavelength, uint32_t best)
{
	if (best == WDM_BLOCKED)
		return true;
	return policy == WDM_MOST_USED ? plane->used[wavelength] > plane->used[best]
				       : policy == WDM_LEAST_USED && plane->used[wavelength] < plane->used[best];
}

static uint32_t choose(const struct plane *plane, const struct wdm_demands *demands, uint32_t i, uint32_t n_wavelengths,
	enum wdm_policy policy, struct random_stream *stream)
{
	uint32_t best = WDM_BLOCKED, n_free = 0;
	for (uint32_t w = 0; w < n_wavelengths; w++) {
		if (policy != WDM_RANDOM && !better(plane, policy, w, best))
			continue;
		if (!is_free(plane, demands, i, w))
			continue;
		if (policy != WDM_RANDOM || random_below(stream, ++n_free) == 0) /* each of those seen so far is as likely */
			best = w;
		if (policy == WDM_FIRST_FIT)
			break;
	}
	return best;
}

static void take(struct plane *plane, const struct wdm_demands *demands, uint32_t i, uint32_t wavelength)
{
	for (uint32_t h = demands->first[i]; wavelength != WDM_BLOCKED && h < demands->first[i + 1]; h++) {
		plane->taken[(size_t)wavelength * plane->n_fibres + demands->path[h]] = 1;
		plane->used[wavelength]++;
	}
}

uint32_t wdm_assign(const struct wdm_demands *demands, uint32_t n_wavelengths, enum wdm_policy policy, const struct wdm_choice *choice,
	uint32_t *wavelength)
{
	struct plane plane = {.n_fibres = demands->n_fibres,
		.taken = memory_zero((size_t)n_wavelengths * demands->n_fibres + 1, 1),
		.used = memory_zero((size_t)n_wavelengths + 1, sizeof *plane.used)};
	struct random_stream stream = random_stream(choice->seed, "wdm", 0);
	uint32_t *order = longest_first(demands), n_blocked = 0;
	for (uint32_t i = 0; choice->fixed && i < demands->n; i++)
		take(&plane, demands, i, choice->fixed[i]);
	for (uint32_t k = 0; k < demands->n; k++) {
		uint32_t i = order[k], w = choice->fixed ? choice->fixed[i] : WDM_BLOCKED;
		if (w == WDM_BLOCKED) {
			w = length(demands, i) ? choose(&plane, demands, i, n_wavelengths, policy, &stream) : 0;
			take(&plane, demands, i, w);
		}
		wavelength[i] = w;
		n_blocked += w == WDM_BLOCKED;
	}
	free(plane.taken);
	free(plane.used);
	free(order);
	return n_blocked;
}

bool wdm_clashes(const struct wdm_demands *demands, const uint32_t *fixed, struct wdm_clash *clash)
{
	for (uint32_t i = 0; i < demands->n; i++)
		for (uint32_t other = 0; fixed[i] != WDM_BLOCKED && other < i; other++)
			for (uint32_t h = demands->first[i]; fixed[other] == fixed[i] && h < demands->first[i + 1]; h++)
				for (uint32_t g = demands->first[other]; g < demands->first[other + 1]; g++)
					if (demands->path[g] == demands->path[h]) {
						*clash = (struct wdm_clash){i, other, demands->path[h]};
						return true;
					}
	return false;
}

uint32_t wdm_load(const struct wdm_demands *demands)
{
	uint32_t *load = memory_zero((size_t)demands->n_fibres + 1, sizeof *load), most = 0;
	for (uint32_t h = 0; h < demands->first[demands->n]; h++)
		if (++load[demands->path[h]] > most)
			most = load[demands->path[h]];
	free(load);
	return most;
}

/* Blocking need not fall with every wavelength more (the policies are greedy), so the first count without any is looked for. */
uint32_t wdm_needed(const struct wdm_demands *demands, enum wdm_policy policy, const struct wdm_choice *choice)
{
	uint32_t *wavelength = memory_zero((size_t)demands->n + 1, sizeof *wavelength), n = wdm_load(demands);
	for (uint32_t i = 0; choice->fixed && i < demands->n; i++)
		if (choice->fixed[i] != WDM_BLOCKED && choice->fixed[i] >= n)
			n = choice->fixed[i] + 1;
	while (wdm_assign(demands, n, policy, choice, wavelength))
		n++;
	free(wavelength);
	return n;
}

/* ---- a ring ------------------------------------------------------------------------------------------------------------ */

static uint32_t ring_hops(uint32_t n, uint32_t source, uint32_t away, bool *clockwise)
{
	*clockwise = 2 * away < n || (2 * away == n && source % 2 == 0);
	return *clockwise ? away : n - away;
}

void wdm_ring_all_to_all(struct wdm_demands *demands, uint32_t n)
{
	uint64_t n_hops = 0;
	bool clockwise;
	for (uint32_t away = 1; away < n; away++)
		n_hops += ring_hops(n, 0, away, &clockwise);
	n_hops *= n;
	uint32_t *first = memory_zero((size_t)n * (n ? n - 1 : 0) + 1, sizeof *first), *path = memory_zero(n_hops + 1, sizeof *path);
	uint32_t i = 0, h = 0;
	for (uint32_t source = 0; source < n; source++) {
		for (uint32_t away = 1; away < n; away++) {
			uint32_t hops = ring_hops(n, source, away, &clockwise);
			for (uint32_t step = 0; step < hops; step++)
				path[h++] = clockwise ? (source + step) % n : n + (source + n - step) % n;
			first[++i] = h;
		}
	}
	*demands = (struct wdm_demands){.n = i, .n_fibres = 2 * n, .first = first, .path = path};
}

void wdm_demands_release(struct wdm_demands *demands)
{
	free((void *)(uintptr_t)demands->first);
	free((void *)(uintptr_t)demands->path);
	*demands = (struct wdm_demands){0};
}
