/* What `auto` goes by on a given fabric: round by round, what the schedule's messages put on the links that they share; for groups too
 * large for that the closed forms of α and β, with what the group's own routes say. */
#ifndef WEFT_WORKLOAD_JUDGING_H
#define WEFT_WORKLOAD_JUDGING_H

#include <stdbool.h>
#include <stdint.h>

#include "collective/collective.h"
#include "fabric/route.h"

/* α (latency) and β (of the slowest link, by the share of a message that crosses it) of the worst of a few pairs of the group: each
 * position with the one half a group away and with the next, of at most 32 positions. Untouched when no two ranks are apart. */
void judging_sample(struct routes *routes, const uint32_t *npus, uint32_t n_ranks, double *alpha_ps, double *beta_ps_per_byte);

struct judging {
	struct collective_judge judge; /* for a request; its context is this */
	struct routes routes;          /* its own, so that judging leaves no trace in those of the run */
	const uint32_t *npus;
	double *load_ps;               /* [n_links], 0 between rounds */
	uint32_t stride;               /* links are looked up for one pair in so many, the same number of every rank's; else 1 */
	double typical_ps;             /* latency of the pairs left out */
};
/* Groups larger than this are left to the closed forms: looking would take longer than running. Of longer schedules so many steps are
 * looked at; of those that have more threads than that (a thread per peer) all steps up to the wide limit, with the links of one pair in
 * JUDGING_STRIDE: routes cost more than steps. */
#define JUDGING_MAX_RANKS 1024
#define JUDGING_MAX_STEPS 100000
#define JUDGING_MAX_WIDE_STEPS 1000000
#define JUDGING_STRIDE 13
/* Like the routes given (fabric, routing, seed). `npus` stays the caller's. */
void judging_init(struct judging *judging, const struct routes *like, const uint32_t *npus);
void judging_release(struct judging *judging);

#endif
