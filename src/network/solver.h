/* Max-min fair rates, kept up to date. The definition (Bertsekas and Gallager, Data Networks, §6.5.2): a flow's rate, divided
 * by its weight, is the level of its bottleneck, the tightest link on its way; a link's level is what its capacity leaves to the
 * flows that it holds back, after what the flows held back elsewhere take.
 *
 * So the state is per link: its level, and the flows that it holds back in a heap by the service at which they end. Service is
 * the integral of the level, bytes per unit of weight: while levels change, the order of ends on one link does not, and a change
 * of level costs nothing per flow except the load that it adds to the flow's other links. Flows move only when their bottleneck
 * changes.
 *
 * Levels and loads are whole numbers in units of 2^-shift bytes per second: what one link adds to another and takes away again
 * cancels exactly, sums do not depend on their order, nothing drifts. Levels that differ by less than 2^-44 of themselves count as
 * equal. Weights are whole multiples of 2^-40.
 *
 * A change is propagated from link to link in increasing order of level (relax.c), for a link's level depends on lower ones
 * only; when a large part of the flows starts or ends at once, the part of the network that they reach is filled anew by
 * the definition (fill.c). */
#ifndef WEFT_NETWORK_SOLVER_H
#define WEFT_NETWORK_SOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOLVER_NONE UINT32_MAX
#define LEVEL_FREE INT64_MAX    /* of a link that holds nobody back */
#define SOLVER_UNIT_SHIFT 40
#define SOLVER_UNIT (INT64_C(1) << SOLVER_UNIT_SHIFT)
/* A flow whose last byte arrives within this time after an instant still ends in it. Flows that end within one picosecond end
 * together, at the last one's exact time, to which rates change; the time that is told is that rounded up. */
#define SOLVER_RESIDUE_PS (1.0 / 256)

/* What changes of other links touch. */
struct solver_link {
	int64_t load;    /* of the flows held back elsewhere */
	int64_t level;
	int64_t highest; /* no flow held back elsewhere has a higher level */
	int64_t limit;   /* capacity */
};

struct finish {
	double target;       /* service at which it ends */
	uint32_t flow, slot; /* places[slot]: where it stands in this heap */
};
/* How a flow loads links. n = 0: it has one other link, `first`, else n hops from `first` on. unit_class 0: it takes its whole rate on
 * every link, with weight 1 and no limit of its own. */
struct spread {
	uint32_t first;
	uint16_t n, unit_class;
};
/* A flow that crosses a link and is held back elsewhere. */
struct other {
	uint32_t flow, bottleneck, slot;
};

/* So many of the flows held back on a link cross `link` (group.c). */
struct group {
	uint32_t link, count;
};

struct solver_queue {
	int64_t weight;      /* Σ over the flows held back here, in 2^-40 */
	double served, pace; /* service until since_ps, in bytes per unit of weight, and per ps */
	int64_t since_ps, next_ps;
	double since_early;  /* `served` is of since_ps - since_early */
	struct finish *finish; /* a 4-ary heap by target */
	struct spread *spread; /* in the same order */
	struct other *others;
	struct group *groups;
	size_t finish_capacity, spread_capacity, others_capacity, groups_capacity;
	uint32_t n_here, n_others, n_general, n_far; /* of those here, with unit_class > 0; with more than one other link */
	uint32_t n_groups;
	bool grouped;          /* groups are those of the flows here */
	uint32_t calendar_place;
};

struct solver_flow {
	uint64_t id;
	double weight, left;  /* left: bytes, while in no link's lists */
	int64_t unit;         /* weight / total path weight, in 2^-40 */
	uint32_t first, n;    /* hops */
	uint32_t slots;       /* its places, one per hop and one more for the cap */
	uint32_t bottleneck;
	uint32_t cap;         /* a link beyond the real ones that stands for the flow's own limit; or SOLVER_NONE */
	uint16_t unit_class;
	bool marked;
};

/* Links whose level may have to change, lowest first: level << 32 | link. */
__extension__ typedef unsigned __int128 solver_key;

struct solver {
	const uint32_t *hop_link, *hop_weight; /* the routes' merged links; set again before use, they move */
	int64_t now_ps;
	double early;         /* ends happened this part of a picosecond before now_ps: [-SOLVER_RESIDUE_PS, 1) */
	uint32_t n_real, n_links; /* links of the fabric; and with those that stand for caps */
	size_t link_capacity, queue_capacity, flag_capacity;
	struct solver_link *links;
	struct solver_queue *queues;
	uint8_t *flags;
	int shift;
	double scale;         /* bytes per ps of one unit of level */

	struct solver_flow *flows;
	size_t flow_capacity;
	uint32_t n_flows;

	uint32_t *places;     /* [slot]; free runs of equal size are chained */
	size_t places_capacity, free_capacity;
	uint32_t n_places, *free_run;
	int64_t *units;       /* [unit_class] */
	size_t units_capacity;
	uint32_t n_units;

	uint32_t *pending;    /* flows that were added since the last solve */
	size_t pending_capacity;
	uint32_t n_pending, n_removed;
	uint32_t *touched;    /* links whose level, load or flows changed since */
	size_t touched_capacity;
	uint32_t n_touched;
	solver_key *dirty;    /* a heap */
	size_t dirty_capacity;
	uint32_t n_dirty;
	uint32_t *watched;
	size_t watched_capacity;
	uint32_t n_watched;
	uint32_t *calendar;   /* heap of links by next_ps */
	size_t calendar_capacity;
	uint32_t n_calendar;
	struct candidate *candidates;
	size_t candidate_capacity;
	uint32_t *released;
	size_t released_capacity;
	struct fill_scratch *scratch;
	uint32_t *group_place; /* [link] */
	size_t group_place_capacity;

	uint64_t n_solves, n_fills, n_steps;
	bool always_fill;     /* tests: solve by the definition every time */
};

enum { SOLVER_TOUCHED = 1, SOLVER_DIRTY = 2, SOLVER_REGION = 4, SOLVER_JOINED = 8 /* holds back new flows */,
       SOLVER_WATCHED = 16 /* not full when it was marked: looked at when nothing else is dirty */ };

void solver_init(struct solver *solver, uint32_t n_links, int64_t fastest_bytes_per_s);
void solver_release(struct solver *solver);

/* All changes below happen at solver->now_ps; solver_solve brings the levels up to date. */
void solver_set_capacity(struct solver *solver, uint32_t link, int64_t bytes_per_s);
/* Flow `flow` (the caller's small index) of `left` > 0 bytes over hops first … first + n - 1, of which the fraction
 * hop_weight/total takes each. cap_bytes_per_s: its own limit, 0 for none. */
void solver_add(struct solver *solver, uint32_t flow, uint64_t id, uint32_t first, uint32_t n, uint32_t total, double weight,
		int64_t cap_bytes_per_s, double left);
void solver_remove(struct solver *solver, uint32_t flow);
/* Bytes that it still has to send. */
double solver_left(struct solver *solver, uint32_t flow);
void solver_solve(struct solver *solver);
/* After a solve and before the next change: forgets what was touched. */
void solver_settle(struct solver *solver);
/* Earliest end of a flow; TIME_NEVER. */
int64_t solver_next_ps(const struct solver *solver);
/* Removes a flow that ends now and returns it; SOLVER_NONE when there is none. */
uint32_t solver_expire(struct solver *solver);
/* Bytes per ps that all flows take on a link. */
double solver_link_rate(const struct solver *solver, uint32_t link);

/* Among the solver's files. */
static inline int64_t solver_share(int64_t level, int64_t unit)
{
	__extension__ typedef __int128 wide;
	return unit == SOLVER_UNIT ? level : (int64_t)((wide)level * unit >> SOLVER_UNIT_SHIFT);
}
static inline int64_t solver_tolerance(int64_t level) { return (level >> 44) + 1; }
static inline bool solver_is_cap(const struct solver *solver, uint32_t link) { return link >= solver->n_real; }
static inline uint32_t solver_hop(const struct solver *solver, const struct solver_flow *flow, uint32_t i)
{
	return i < flow->n ? solver->hop_link[flow->first + i] : flow->cap;
}
static inline uint32_t solver_hops(const struct solver_flow *flow) { return flow->n + (flow->cap != SOLVER_NONE); }
static inline int64_t solver_hop_weight(const struct solver *solver, const struct solver_flow *flow, uint32_t i)
{
	return i < flow->n ? solver->hop_weight[flow->first + i] : 1;
}
/* The other links of a plain flow, and perhaps its bottleneck: `first` of a pair, or hops. */
static inline const uint32_t *solver_spread_links(const struct solver *solver, const struct spread *spread, uint32_t *n)
{
	*n = spread->n ? spread->n : 1;
	return spread->n ? &solver->hop_link[spread->first] : &spread->first;
}
void solver_touch(struct solver *solver, uint32_t link);
/* Touches it, and queues it when its level may have to change. */
void solver_mark(struct solver *solver, uint32_t link);
int64_t solver_fair_level(const struct solver *solver, uint32_t link);
void solver_here_add(struct solver *solver, uint32_t link, uint32_t flow, uint32_t hop, double left, bool in_order);
void solver_here_order(struct solver *solver, uint32_t link);
void solver_here_remove(struct solver *solver, uint32_t link, uint32_t place, int64_t weight);
void solver_other_add(struct solver *solver, uint32_t link, uint32_t flow, uint32_t hop, uint32_t bottleneck);
/* Moves a flow from its bottleneck to another of its links, at that link's present level. */
void solver_move(struct solver *solver, uint32_t flow, uint32_t link);
/* Makes the groups of a link if it can; says whether they are there. */
bool solver_group(struct solver *solver, uint32_t link);
/* A flow comes to a link that has groups, or goes. */
void solver_group_add(struct solver *solver, uint32_t link, const struct spread *spread);
void solver_group_remove(struct solver *solver, uint32_t link, const struct spread *spread);
void solver_push_dirty(struct solver *solver, uint32_t link);
uint32_t solver_pop_dirty(struct solver *solver);
bool solver_relax(struct solver *solver);
void solver_fill(struct solver *solver);
void solver_fill_release(struct solver *solver);

#endif
