/* Water-filling from the definition, over all links and flows that the changed ones can reach: the level rises; the link that
 * is full first holds its flows back at that level; what they take elsewhere is gone from there; and so on with the rest. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "network/solver.h"

struct rising {
	int64_t key;
	uint32_t place; /* in the region */
};

struct fill_scratch {
	uint32_t *region;  /* links */
	uint32_t *place;   /* [link], valid while SOLVER_REGION is set */
	uint32_t *flows;
	uint32_t *first;   /* [region + 1] into crossing */
	uint32_t *crossing; /* flows by link */
	int64_t *weight;   /* [region] of flows that still rise */
	struct rising *heap;
	size_t region_capacity, place_capacity, flows_capacity, first_capacity, crossing_capacity, weight_capacity, heap_capacity;
	uint32_t n_region, n_flows, n_heap;
};

void solver_fill_release(struct solver *solver)
{
	struct fill_scratch *scratch = solver->scratch;
	if (!scratch)
		return;
	free(scratch->region);
	free(scratch->place);
	free(scratch->flows);
	free(scratch->first);
	free(scratch->crossing);
	free(scratch->weight);
	free(scratch->heap);
	free(scratch);
}

static void reach_link(struct solver *solver, uint32_t link)
{
	struct fill_scratch *scratch = solver->scratch;
	if (solver->flags[link] & SOLVER_REGION)
		return;
	solver_touch(solver, link);
	solver->flags[link] |= SOLVER_REGION;
	ARRAY_RESERVE(scratch->region, scratch->n_region + 1u, scratch->region_capacity);
	scratch->place[link] = scratch->n_region;
	scratch->region[scratch->n_region++] = link;
}

static void reach_flow(struct solver *solver, uint32_t index)
{
	struct fill_scratch *scratch = solver->scratch;
	struct solver_flow *flow = &solver->flows[index];
	if (flow->marked)
		return;
	flow->marked = true;
	ARRAY_RESERVE(scratch->flows, scratch->n_flows + 1u, scratch->flows_capacity);
	scratch->flows[scratch->n_flows++] = index;
	for (uint32_t hop = 0; hop < solver_hops(flow); hop++)
		reach_link(solver, solver_hop(solver, flow, hop));
}

static void find_region(struct solver *solver)
{
	struct fill_scratch *scratch = solver->scratch;
	scratch->n_region = scratch->n_flows = 0;
	ARRAY_RESERVE(scratch->place, solver->n_links, scratch->place_capacity);
	for (uint32_t i = 0; i < solver->n_pending; i++)
		reach_flow(solver, solver->pending[i]);
	for (uint32_t i = 0; i < solver->n_touched; i++)
		reach_link(solver, solver->touched[i]);
	for (uint32_t i = 0; i < scratch->n_region; i++) {
		uint32_t link = scratch->region[i];
		if (solver_is_cap(solver, link))
			continue; /* shared by flows that have nothing to do with each other */
		for (uint32_t k = 0; k < solver->queues[link].n_here; k++)
			reach_flow(solver, solver->queues[link].finish[k].flow);
		for (uint32_t k = 0; k < solver->queues[link].n_others; k++)
			reach_flow(solver, solver->queues[link].others[k].flow);
	}
}

static void empty_region(struct solver *solver)
{
	struct fill_scratch *scratch = solver->scratch;
	for (uint32_t i = 0; i < scratch->n_flows; i++) {
		struct solver_flow *flow = &solver->flows[scratch->flows[i]];
		flow->left = solver_left(solver, scratch->flows[i]);
	}
	for (uint32_t i = 0; i < scratch->n_flows; i++) {
		struct solver_flow *flow = &solver->flows[scratch->flows[i]];
		if (flow->bottleneck != SOLVER_NONE && solver_is_cap(solver, flow->bottleneck))
			solver_here_remove(solver, flow->bottleneck, solver->places[flow->slots + flow->n], flow->unit);
		flow->bottleneck = SOLVER_NONE;
	}
	for (uint32_t i = 0; i < scratch->n_region; i++) {
		uint32_t link = scratch->region[i];
		if (solver_is_cap(solver, link))
			continue;
		solver->queues[link].n_here = solver->queues[link].n_others = 0;
		solver->queues[link].n_general = solver->queues[link].n_far = 0;
		solver->queues[link].grouped = false;
		solver->queues[link].weight = 0;
		solver->queues[link].served = 0;
		solver->links[link].load = solver->links[link].highest = 0;
		solver->links[link].level = LEVEL_FREE;
	}
}

static void index_flows(struct solver *solver)
{
	struct fill_scratch *scratch = solver->scratch;
	uint32_t n = scratch->n_region;
	ARRAY_RESERVE(scratch->first, n + 2u, scratch->first_capacity);
	ARRAY_RESERVE(scratch->weight, n + 1u, scratch->weight_capacity);
	memset(scratch->first, 0, (n + 2u) * sizeof *scratch->first);
	memset(scratch->weight, 0, n * sizeof *scratch->weight);
	for (uint32_t i = 0; i < scratch->n_flows; i++) {
		const struct solver_flow *flow = &solver->flows[scratch->flows[i]];
		for (uint32_t hop = 0; hop < solver_hops(flow); hop++) {
			uint32_t place = scratch->place[solver_hop(solver, flow, hop)];
			scratch->first[place + 2]++;
			scratch->weight[place] += flow->unit * solver_hop_weight(solver, flow, hop);
		}
	}
	for (uint32_t r = 0; r < n; r++)
		scratch->first[r + 2] += scratch->first[r + 1];
	ARRAY_RESERVE(scratch->crossing, scratch->first[n + 1] + 1u, scratch->crossing_capacity);
	for (uint32_t i = 0; i < scratch->n_flows; i++) {
		const struct solver_flow *flow = &solver->flows[scratch->flows[i]];
		for (uint32_t hop = 0; hop < solver_hops(flow); hop++)
			scratch->crossing[scratch->first[scratch->place[solver_hop(solver, flow, hop)] + 1]++] = scratch->flows[i];
	}
}

static bool before(const struct solver *solver, struct rising a, struct rising b)
{
	const uint32_t *region = solver->scratch->region;
	return a.key < b.key || (a.key == b.key && region[a.place] < region[b.place]);
}

static void heap_sift(struct solver *solver, uint32_t i, struct rising item)
{
	struct fill_scratch *scratch = solver->scratch;
	for (uint32_t child; (child = 2 * i + 1) < scratch->n_heap; i = child) {
		if (child + 1 < scratch->n_heap && before(solver, scratch->heap[child + 1], scratch->heap[child]))
			child++;
		if (!before(solver, scratch->heap[child], item))
			break;
		scratch->heap[i] = scratch->heap[child];
	}
	scratch->heap[i] = item;
}

/* The level at which a link would be full if all that still rises rose together, were `spare` of its room not there. */
static int64_t full_level(const struct solver *solver, uint32_t place, int64_t spare)
{
	const struct solver_link *hot = &solver->links[solver->scratch->region[place]];
	int64_t room = hot->limit - hot->load - spare;
	if (solver_is_cap(solver, solver->scratch->region[place]))
		return hot->level;
	if (room <= 0)
		return 0;
	double level = (double)room / (double)solver->scratch->weight[place] * (double)SOLVER_UNIT;
	return level < 0x1p61 ? (int64_t)level : INT64_C(1) << 61;
}

static void hold_back(struct solver *solver, uint32_t place, int64_t level)
{
	struct fill_scratch *scratch = solver->scratch;
	uint32_t link = scratch->region[place];
	solver->links[link].level = level;
	for (uint32_t k = scratch->first[place]; k < scratch->first[place + 1]; k++) {
		struct solver_flow *flow = &solver->flows[scratch->crossing[k]];
		if (!flow->marked)
			continue;
		flow->marked = false;
		flow->bottleneck = link;
		int64_t share = solver_share(level, flow->unit);
		for (uint32_t hop = 0; hop < solver_hops(flow); hop++) {
			uint32_t at = solver_hop(solver, flow, hop);
			int64_t weight = solver_hop_weight(solver, flow, hop);
			scratch->weight[scratch->place[at]] -= flow->unit * weight;
			if (at != link)
				solver->links[at].load += share * weight;
		}
	}
}

static void rise(struct solver *solver)
{
	struct fill_scratch *scratch = solver->scratch;
	int64_t reached = 0;
	ARRAY_RESERVE(scratch->heap, scratch->n_region + 1u, scratch->heap_capacity);
	scratch->n_heap = 0;
	for (uint32_t place = 0; place < scratch->n_region; place++)
		if (scratch->weight[place])
			scratch->heap[scratch->n_heap++] = (struct rising){full_level(solver, place, 0), place};
	for (uint32_t i = scratch->n_heap / 2; i-- > 0;)
		heap_sift(solver, i, scratch->heap[i]);
	while (scratch->n_heap) {
		struct rising top = scratch->heap[0];
		if (scratch->weight[top.place]) {
			/* The shares of n flows are each rounded down: links that differ by no more than that are full together. */
			int64_t spare = scratch->first[top.place + 1] - scratch->first[top.place];
			int64_t level = full_level(solver, top.place, 0);
			bool together = full_level(solver, top.place, spare) <= reached && level > reached &&
				!solver_is_cap(solver, scratch->region[top.place]);
			if (!together && level > top.key) {
				heap_sift(solver, 0, (struct rising){level, top.place});
				continue;
			}
			if (!together && level > reached)
				reached = level;
			hold_back(solver, top.place, solver_is_cap(solver, scratch->region[top.place]) ? level : reached);
		}
		struct rising last = scratch->heap[--scratch->n_heap];
		if (scratch->n_heap)
			heap_sift(solver, 0, last);
	}
}

static void list_flows(struct solver *solver)
{
	struct fill_scratch *scratch = solver->scratch;
	for (uint32_t i = 0; i < scratch->n_flows; i++) {
		uint32_t index = scratch->flows[i], bottleneck = solver->flows[index].bottleneck;
		int64_t level = solver->links[bottleneck].level;
		for (uint32_t hop = 0; hop < solver_hops(&solver->flows[index]); hop++) {
			uint32_t link = solver_hop(solver, &solver->flows[index], hop);
			if (link == bottleneck) {
				solver_here_add(solver, link, index, hop, solver->flows[index].left, solver_is_cap(solver, link));
			} else if (!solver_is_cap(solver, link)) {
				solver_other_add(solver, link, index, hop, bottleneck);
				if (solver->links[link].highest < level)
					solver->links[link].highest = level;
			}
		}
	}
	for (uint32_t r = 0; r < scratch->n_region; r++) {
		if (!solver_is_cap(solver, scratch->region[r]))
			solver_here_order(solver, scratch->region[r]);
		solver->flags[scratch->region[r]] &= (uint8_t)~(SOLVER_REGION | SOLVER_DIRTY | SOLVER_WATCHED);
	}
}

void solver_fill(struct solver *solver)
{
	if (!solver->scratch)
		solver->scratch = memory_zero(1, sizeof *solver->scratch);
	solver->n_fills++;
	find_region(solver);
	empty_region(solver);
	index_flows(solver);
	rise(solver);
	list_flows(solver);
	solver->n_dirty = solver->n_watched = 0;
}
