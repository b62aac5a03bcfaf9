/* Wavelengths on fibres: grids, and which wavelength each demand takes (routing and wavelength assignment).
 *
 * A demand needs one wavelength that is free on every fibre of its path: nothing converts wavelengths on the way (continuity).
 * Demands are served longest path first, equal ones in their order; the wavelength is chosen by a policy:
 *   first-fit    the lowest that is free
 *   most-used    of the free ones the one on most fibres already (packs), the lowest of equals
 *   least-used   of the free ones the one on fewest fibres (spreads), the lowest of equals
 *   random       any of the free ones, by seed
 * (Zang, Jue, Mukherjee: A review of routing and wavelength assignment approaches, Optical Networks Magazine 1(1), 2000.) A demand for
 * which no wavelength is free is blocked. No assignment needs fewer wavelengths than the largest number of demands on one fibre. */
#ifndef WEFT_LINK_WDM_H
#define WEFT_LINK_WDM_H

#include <stdbool.h>
#include <stdint.h>

struct error;

/* A grid: the middle of each wavelength in vacuum. */
#define WDM_GRID_MAX 32
struct wdm_grid {
	const char *name, *source;
	uint32_t n;
	double nm[WDM_GRID_MAX];
};
/* Those written out wavelength by wavelength; NULL at the end. */
extern const struct wdm_grid *const wdm_grids[];
/* Any grid by name, the evenly spaced ones of agreements too. */
int wdm_grid_named(struct wdm_grid *grid, const char *name, struct error *err);
/* The frequency of a wavelength in vacuum. */
double wdm_thz(double nm);
/* n wavelengths `spacing_ghz` apart in frequency around `center_nm`, shortest first; 1 <= n <= WDM_GRID_MAX. */
void wdm_grid_even(struct wdm_grid *grid, double center_nm, double spacing_ghz, uint32_t n);

enum wdm_policy { WDM_FIRST_FIT, WDM_MOST_USED, WDM_LEAST_USED, WDM_RANDOM, WDM_POLICIES };
extern const char *const wdm_policy_names[WDM_POLICIES];

/* Demand i crosses the fibres path[first[i]] … path[first[i + 1] - 1], each at most once; fibres count from 0 and carry one direction. */
struct wdm_demands {
	uint32_t n, n_fibres;
	const uint32_t *first, *path;
};

/* What else decides. */
struct wdm_choice {
	uint64_t seed;         /* of WDM_RANDOM */
	const uint32_t *fixed; /* [n] the wavelength that a demand insists on, WDM_BLOCKED: any; taken before the others. NULL: none insists */
};

#define WDM_BLOCKED UINT32_MAX
/* Fills wavelength[n] (WDM_BLOCKED where none is free) and returns how many demands are blocked. A demand over no fibre takes 0. Fixed
 * wavelengths must be below n_wavelengths and not clash. */
uint32_t wdm_assign(const struct wdm_demands *demands, uint32_t n_wavelengths, enum wdm_policy policy, const struct wdm_choice *choice,
	uint32_t *wavelength);
/* Two demands that insist on one wavelength on one fibre. */
struct wdm_clash { uint32_t demand, other, fibre; };
/* Whether there are such: the first demand that clashes with an earlier one. */
bool wdm_clashes(const struct wdm_demands *demands, const uint32_t *fixed, struct wdm_clash *clash);
/* The most demands on one fibre: the lower bound of the wavelengths needed. */
uint32_t wdm_load(const struct wdm_demands *demands);
/* With how many wavelengths the policy blocks nothing; at least wdm_load. */
uint32_t wdm_needed(const struct wdm_demands *demands, enum wdm_policy policy, const struct wdm_choice *choice);

/* All ordered pairs of a ring of n nodes, each the shorter way round; opposite nodes of an even ring: even sources clockwise. Fibre i
 * leads from node i clockwise, fibre n + i from node i the other way. For even n the load is ceil(n²/8) per direction. Owned by the
 * caller: wdm_demands_release. */
void wdm_ring_all_to_all(struct wdm_demands *demands, uint32_t n);
void wdm_demands_release(struct wdm_demands *demands);

#endif
