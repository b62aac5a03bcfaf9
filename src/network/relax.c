/* Propagates changes through the links they reach, lowest levels first. It ends when every link's level is what its capacity
 * leaves to the flows it holds back, and no flow has a tighter link than its bottleneck: that is max-min, and there is only
 * one such state. The order only decides how much work it takes. */
#include <stdlib.h>

#include "base/memory.h"
#include "network/solver.h"

struct candidate {
	int64_t level;
	uint64_t id;
	uint32_t flow;
};

/* Rounding of the shares of n flows may exceed a limit by so much. */
static int64_t slack(const struct solver *solver, uint32_t link)
{
	return (int64_t)solver->queues[link].n_others + solver_tolerance(solver->links[link].limit);
}

static int by_level_down(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->level != y->level)
		return x->level < y->level ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

/* Flows that are held back elsewhere at a higher level than this link can give; sets `highest` of the rest. */
static size_t find_faster(struct solver *solver, uint32_t link, int64_t level)
{
	const struct solver_queue *queue = &solver->queues[link];
	int64_t highest = 0, above = level + solver_tolerance(level);
	size_t n = 0;
	for (uint32_t i = 0; i < queue->n_others; i++) {
		const struct other *other = &queue->others[i];
		int64_t its_level = solver->links[other->bottleneck].level;
		if (its_level > above) {
			ARRAY_RESERVE(solver->candidates, n + 1, solver->candidate_capacity);
			solver->candidates[n++] = (struct candidate){its_level, solver->flows[other->flow].id, other->flow};
		} else if (its_level > highest) {
			highest = its_level;
		}
	}
	solver->links[link].highest = highest;
	return n;
}

/* The link has become tighter: takes over the fastest flows that only pass through, until the rest is slower than its level. */
static void capture(struct solver *solver, uint32_t link, int64_t level)
{
	struct solver_queue *queue = &solver->queues[link];
	struct solver_link *hot = &solver->links[link];
	size_t n = find_faster(solver, link, level), taken = 0;
	if (n)
		qsort(solver->candidates, n, sizeof *solver->candidates, by_level_down);
	for (; taken < n; taken++) {
		struct candidate next = solver->candidates[taken];
		if (!queue->n_here) {
			if (hot->load <= hot->limit + slack(solver, link))
				break;
			hot->level = next.level;
		} else {
			int64_t fair = solver_fair_level(solver, link);
			if (next.level <= fair + solver_tolerance(fair))
				break;
		}
		solver_move(solver, next.flow, link);
	}
	if (taken < n && hot->highest < solver->candidates[taken].level)
		hot->highest = solver->candidates[taken].level;
}

/* Adds to another link's load; says whether that link holds flows back more than `tolerated`. */
static bool change_load(struct solver *solver, uint32_t link, int64_t delta, int64_t level, int64_t tolerated)
{
	struct solver_link *hot = &solver->links[link];
	if (hot->highest < level)
		hot->highest = level;
	hot->load += delta;
	solver_mark(solver, link);
	return hot->level < tolerated;
}

static bool capped_below(const struct solver *solver, uint32_t flow, int64_t level)
{
	uint32_t cap = solver->flows[flow].cap;
	return cap != SOLVER_NONE && solver->links[cap].level < level;
}

static bool spread_load(struct solver *solver, uint32_t link, struct spread spread, int64_t old, int64_t level, int64_t tolerated)
{
	int64_t unit = solver->units[spread.unit_class], delta = solver_share(level, unit) - solver_share(old, unit);
	bool slower = false;
	for (uint32_t h = spread.first; h < spread.first + spread.n; h++)
		if (solver->hop_link[h] != link)
			slower |= change_load(solver, solver->hop_link[h], delta * solver->hop_weight[h], level, tolerated);
	return slower;
}

static void mark_others(struct solver *solver, const struct solver_queue *queue)
{
	for (uint32_t i = 0; queue->grouped && i < queue->n_groups; i++)
		solver_mark(solver, queue->groups[i].link);
	for (uint32_t i = 0; !queue->grouped && i < queue->n_here; i++) {
		uint32_t n;
		const uint32_t *others = solver_spread_links(solver, &queue->spread[i], &n);
		for (uint32_t h = 0; h < n; h++)
			solver_mark(solver, others[h]);
	}
}

static size_t find_slower(struct solver *solver, const struct solver_queue *queue, int64_t tolerated)
{
	size_t n_found = 0;
	for (uint32_t i = 0; i < queue->n_here; i++) {
		uint32_t n;
		const uint32_t *others = solver_spread_links(solver, &queue->spread[i], &n);
		bool slower = false;
		for (uint32_t h = 0; h < n; h++)
			slower |= solver->links[others[h]].level < tolerated;
		if (slower)
			solver->released[n_found++] = queue->finish[i].flow;
	}
	return n_found;
}

/* What a pass over other links found: the lowest level among them, and whether one of them is not marked yet. Nearly always all
 * are marked and none is tighter: one pass without branches. */
struct passed {
	int64_t lowest;
	bool unmarked;
};

static inline void pass_to(const struct solver *solver, uint32_t link, int64_t delta, int64_t level, struct passed *passed)
{
	struct solver_link *hot = &solver->links[link];
	int64_t highest = hot->highest, its_level = hot->level;
	hot->load += delta;
	hot->highest = highest < level ? level : highest;
	passed->lowest = its_level < passed->lowest ? its_level : passed->lowest;
	passed->unmarked |= !(solver->flags[link] & (SOLVER_DIRTY | SOLVER_WATCHED));
}

/* Every flow has one other link. */
static struct passed pass_near(const struct solver *solver, const struct solver_queue *queue, int64_t delta, int64_t level)
{
	struct passed passed = {.lowest = INT64_MAX};
	for (uint32_t i = 0; i < queue->n_here; i++)
		pass_to(solver, queue->spread[i].first, delta, level, &passed);
	return passed;
}

static struct passed pass_groups(const struct solver *solver, const struct solver_queue *queue, int64_t delta, int64_t level)
{
	struct passed passed = {.lowest = INT64_MAX};
	for (uint32_t i = 0; i < queue->n_groups; i++)
		pass_to(solver, queue->groups[i].link, delta * queue->groups[i].count, level, &passed);
	return passed;
}

/* Takes the link itself along where it is among the hops: the caller puts its state back. */
static struct passed pass_far(const struct solver *solver, const struct solver_queue *queue, int64_t delta, int64_t level)
{
	struct passed passed = {.lowest = INT64_MAX};
	for (uint32_t i = 0; i < queue->n_here; i++) {
		uint32_t n;
		const uint32_t *others = solver_spread_links(solver, &queue->spread[i], &n);
		for (uint32_t h = 0; h < n; h++)
			pass_to(solver, others[h], delta, level, &passed);
	}
	return passed;
}

/* All flows are plain. */
static size_t pass_on_plain(struct solver *solver, uint32_t link, int64_t old, int64_t level)
{
	const struct solver_queue *queue = &solver->queues[link];
	struct solver_link own = solver->links[link];
	struct passed passed;
	uint8_t own_flags = solver->flags[link];
	solver->flags[link] |= SOLVER_DIRTY;
	if (!queue->n_far)
		passed = pass_near(solver, queue, level - old, level);
	else if (solver_group(solver, link))
		passed = pass_groups(solver, queue, level - old, level);
	else
		passed = pass_far(solver, queue, level - old, level);
	solver->links[link] = own;
	if (passed.unmarked)
		mark_others(solver, queue);
	solver->flags[link] = own_flags;
	int64_t tolerated = level - solver_tolerance(level);
	return passed.lowest < tolerated ? find_slower(solver, queue, tolerated) : 0;
}

/* Passes a change of level on to the other links of the flows held back here. Notes the flows that another of their links holds
 * back more, and returns how many. */
static size_t pass_on(struct solver *solver, uint32_t link, int64_t old, int64_t level)
{
	const struct solver_queue *queue = &solver->queues[link];
	int64_t tolerated = level - solver_tolerance(level);
	bool caps = solver->n_links > solver->n_real;
	size_t n = 0;
	ARRAY_RESERVE(solver->released, queue->n_here, solver->released_capacity);
	if (!queue->n_general)
		return pass_on_plain(solver, link, old, level);
	for (uint32_t i = 0; i < queue->n_here; i++) {
		struct spread spread = queue->spread[i];
		bool slower = caps && capped_below(solver, queue->finish[i].flow, tolerated);
		if (spread.n)
			slower |= spread_load(solver, link, spread, old, level, tolerated);
		else
			slower |= change_load(solver, spread.first, level - old, level, tolerated);
		if (slower)
			solver->released[n++] = queue->finish[i].flow;
	}
	return n;
}

/* Its tightest link, lowest id first. */
static uint32_t tightest(const struct solver *solver, const struct solver_flow *flow)
{
	uint32_t best = flow->bottleneck;
	for (uint32_t hop = 0; hop < solver_hops(flow); hop++) {
		uint32_t link = solver_hop(solver, flow, hop);
		if (solver->links[link].level < solver->links[best].level)
			best = link;
	}
	return best;
}

static void relax_link(struct solver *solver, uint32_t link)
{
	struct solver_queue *queue = &solver->queues[link];
	struct solver_link *hot = &solver->links[link];
	if (!queue->n_here) {
		hot->level = LEVEL_FREE;
		if (hot->load <= hot->limit + slack(solver, link))
			return;
		capture(solver, link, 0);
		if (!queue->n_here) {
			hot->level = LEVEL_FREE;
			return;
		}
	} else {
		int64_t level = solver_fair_level(solver, link);
		if (hot->highest > level + solver_tolerance(level))
			capture(solver, link, level);
	}
	int64_t old = hot->level, level = solver_fair_level(solver, link);
	if (level == old && !(solver->flags[link] & SOLVER_JOINED))
		return;
	hot->level = level;
	solver->flags[link] &= (uint8_t)~SOLVER_JOINED;
	size_t n = pass_on(solver, link, old, level);
	for (size_t i = 0; i < n; i++) {
		uint32_t flow = solver->released[i], to = tightest(solver, &solver->flows[flow]);
		if (to != link)
			solver_move(solver, flow, to);
	}
}

/* Links that were not full when their load changed: those that are over-full now become dirty. */
static void look_at_watched(struct solver *solver)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < solver->n_watched; i++) {
		uint32_t link = solver->watched[i];
		if (!(solver->flags[link] & SOLVER_WATCHED))
			continue;
		if (solver->links[link].load <= solver->links[link].limit)
			solver->watched[kept++] = link;
		else
			solver_push_dirty(solver, link);
	}
	solver->n_watched = kept;
}

/* False when it takes so long that filling anew is cheaper (or rounding makes two links pass a flow to and fro). */
bool solver_relax(struct solver *solver)
{
	uint32_t most = 1000;
	for (uint32_t done = 0;; done++) {
		if (!solver->n_dirty)
			look_at_watched(solver);
		if (!solver->n_dirty)
			return true;
		if (done > most && done > 6 * solver->n_touched)
			return false;
		relax_link(solver, solver_pop_dirty(solver));
		solver->n_steps++;
	}
}
