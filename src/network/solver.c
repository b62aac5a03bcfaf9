#include "network/solver.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/time.h"

/* Levels leave this many bits above the fastest link, for loads of many links that pass through one before it is settled. */
#define LIMIT_BITS 53
#define MAX_CAPS 65536u

static void grow_links(struct solver *solver, uint32_t n_links)
{
	uint32_t old = solver->n_links;
	ARRAY_RESERVE(solver->links, n_links, solver->link_capacity);
	ARRAY_RESERVE(solver->queues, n_links, solver->queue_capacity);
	ARRAY_RESERVE(solver->flags, n_links, solver->flag_capacity);
	ARRAY_RESERVE(solver->touched, n_links, solver->touched_capacity);
	ARRAY_RESERVE(solver->dirty, n_links, solver->dirty_capacity);
	ARRAY_RESERVE(solver->watched, n_links, solver->watched_capacity);
	ARRAY_RESERVE(solver->calendar, n_links, solver->calendar_capacity);
	memset(solver->queues + old, 0, (n_links - old) * sizeof *solver->queues);
	memset(solver->flags + old, 0, n_links - old);
	for (uint32_t l = old; l < n_links; l++) {
		solver->links[l] = (struct solver_link){.level = LEVEL_FREE};
		solver->queues[l].next_ps = TIME_NEVER;
		solver->queues[l].calendar_place = SOLVER_NONE;
	}
	solver->n_links = n_links;
}

void solver_init(struct solver *solver, uint32_t n_links, int64_t fastest_bytes_per_s)
{
	memset(solver, 0, sizeof *solver);
	solver->n_real = n_links;
	while (solver->shift < 32 && fastest_bytes_per_s << solver->shift < INT64_C(1) << (LIMIT_BITS - 1))
		solver->shift++;
	solver->scale = ldexp(1e-12, -solver->shift);
	grow_links(solver, n_links);
	ARRAY_RESERVE(solver->units, 1, solver->units_capacity);
	solver->units[solver->n_units++] = SOLVER_UNIT;
}

void solver_release(struct solver *solver)
{
	for (uint32_t l = 0; l < solver->n_links; l++) {
		free(solver->queues[l].finish);
		free(solver->queues[l].spread);
		free(solver->queues[l].others);
		free(solver->queues[l].groups);
	}
	free(solver->links);
	free(solver->queues);
	free(solver->flags);
	free(solver->flows);
	free(solver->places);
	free(solver->free_run);
	free(solver->units);
	free(solver->pending);
	free(solver->touched);
	free(solver->dirty);
	free(solver->watched);
	free(solver->calendar);
	free(solver->candidates);
	free(solver->released);
	free(solver->group_place);
	solver_fill_release(solver);
}

/* The calendar: a binary heap of links by the time of their next end; each knows its place. */

static void calendar_put(struct solver *solver, uint32_t place, uint32_t link)
{
	solver->calendar[place] = link;
	solver->queues[link].calendar_place = place;
}

static void calendar_sift(struct solver *solver, uint32_t place, uint32_t link)
{
	int64_t next_ps = solver->queues[link].next_ps;
	uint32_t start = place;
	while (place > 0 && solver->queues[solver->calendar[(place - 1) / 2]].next_ps > next_ps) {
		calendar_put(solver, place, solver->calendar[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	if (place != start) {
		calendar_put(solver, place, link);
		return;
	}
	for (uint32_t child; (child = 2 * place + 1) < solver->n_calendar; place = child) {
		if (child + 1 < solver->n_calendar &&
		    solver->queues[solver->calendar[child + 1]].next_ps < solver->queues[solver->calendar[child]].next_ps)
			child++;
		if (solver->queues[solver->calendar[child]].next_ps >= next_ps)
			break;
		calendar_put(solver, place, solver->calendar[child]);
	}
	calendar_put(solver, place, link);
}

static void calendar_set(struct solver *solver, uint32_t link, int64_t next_ps)
{
	struct solver_queue *queue = &solver->queues[link];
	uint32_t place = queue->calendar_place;
	queue->next_ps = next_ps;
	if (next_ps == TIME_NEVER) {
		if (place == SOLVER_NONE)
			return;
		queue->calendar_place = SOLVER_NONE;
		uint32_t last = solver->calendar[--solver->n_calendar];
		if (last != link)
			calendar_sift(solver, place, last);
	} else {
		calendar_sift(solver, place == SOLVER_NONE ? solver->n_calendar++ : place, link);
	}
}

int64_t solver_next_ps(const struct solver *solver)
{
	return solver->n_calendar ? solver->queues[solver->calendar[0]].next_ps : TIME_NEVER;
}

/* What changed. */

static double served_now(const struct solver *solver, const struct solver_queue *queue)
{
	return queue->served + queue->pace * ((double)(solver->now_ps - queue->since_ps) + queue->since_early - solver->early);
}

void solver_touch(struct solver *solver, uint32_t link)
{
	struct solver_queue *queue = &solver->queues[link];
	if (solver->flags[link] & SOLVER_TOUCHED)
		return;
	solver->flags[link] |= SOLVER_TOUCHED;
	solver->touched[solver->n_touched++] = link;
	queue->served = served_now(solver, queue);
	queue->since_ps = solver->now_ps;
	queue->since_early = solver->early;
}

/* Something other than an end happens at now_ps itself. */
static void clear_early(struct solver *solver)
{
	for (uint32_t i = 0; i < solver->n_touched && solver->early != 0; i++) {
		struct solver_queue *queue = &solver->queues[solver->touched[i]];
		queue->served += queue->pace * queue->since_early;
		queue->since_early = 0;
	}
	solver->early = 0;
}

void solver_mark(struct solver *solver, uint32_t link)
{
	uint8_t flags = solver->flags[link];
	bool free = solver->links[link].level == LEVEL_FREE && !solver->queues[link].n_here;
	if (flags & SOLVER_DIRTY || (flags & SOLVER_WATCHED && free))
		return;
	if (!(flags & SOLVER_TOUCHED))
		solver_touch(solver, link);
	if (solver_is_cap(solver, link))
		return;
	if (free) {
		ARRAY_RESERVE(solver->watched, solver->n_watched + 1u, solver->watched_capacity);
		solver->flags[link] |= SOLVER_WATCHED;
		solver->watched[solver->n_watched++] = link;
	} else {
		solver_push_dirty(solver, link);
	}
}

void solver_push_dirty(struct solver *solver, uint32_t link)
{
	solver->flags[link] = (uint8_t)((solver->flags[link] | SOLVER_DIRTY) & ~SOLVER_WATCHED);
	solver_key item = (solver_key)(uint64_t)solver->links[link].level << 32 | link;
	uint32_t i = solver->n_dirty++;
	for (; i > 0 && item < solver->dirty[(i - 1) / 2]; i = (i - 1) / 2)
		solver->dirty[i] = solver->dirty[(i - 1) / 2];
	solver->dirty[i] = item;
}

uint32_t solver_pop_dirty(struct solver *solver)
{
	solver_key *dirty = solver->dirty;
	uint32_t link = (uint32_t)dirty[0], i = 0, n = --solver->n_dirty;
	solver_key last = dirty[n];
	/* To the bottom along the smaller children, without asking at each level whether `last` would stop there: it is from the
	 * bottom and nearly always returns to it. */
	for (uint32_t child; (child = 2 * i + 1) + 1 < n; i = child) {
		child += dirty[child + 1] < dirty[child];
		dirty[i] = dirty[child];
	}
	if (2 * i + 1 < n) {
		dirty[i] = dirty[2 * i + 1];
		i = 2 * i + 1;
	}
	for (; i > 0 && last < dirty[(i - 1) / 2]; i = (i - 1) / 2)
		dirty[i] = dirty[(i - 1) / 2];
	dirty[i] = last;
	solver->flags[link] &= (uint8_t)~SOLVER_DIRTY;
	return link;
}

void solver_set_capacity(struct solver *solver, uint32_t link, int64_t bytes_per_s)
{
	int64_t most = INT64_C(1) << (62 - solver->shift);
	clear_early(solver);
	solver->links[link].limit = (bytes_per_s < most ? bytes_per_s : most) << solver->shift;
	solver_touch(solver, link);
	if (solver->queues[link].n_here || solver->queues[link].n_others)
		solver_mark(solver, link);
}

/* Lists of a link. */

static void here_put(struct solver *solver, struct solver_queue *queue, uint32_t place, struct finish finish, struct spread spread)
{
	queue->finish[place] = finish;
	queue->spread[place] = spread;
	solver->places[finish.slot] = place;
}

static void here_sift_up(struct solver *solver, struct solver_queue *queue, uint32_t place, struct finish finish, struct spread spread)
{
	for (uint32_t parent; place > 0 && queue->finish[parent = (place - 1) / 4].target > finish.target; place = parent)
		here_put(solver, queue, place, queue->finish[parent], queue->spread[parent]);
	here_put(solver, queue, place, finish, spread);
}

static void here_sift_down(struct solver *solver, struct solver_queue *queue, uint32_t place, struct finish finish, struct spread spread)
{
	for (;;) {
		uint32_t first = 4 * place + 1, end = first + 4 < queue->n_here ? first + 4 : queue->n_here, best = first;
		for (uint32_t child = first + 1; child < end; child++)
			if (queue->finish[child].target < queue->finish[best].target)
				best = child;
		if (first >= queue->n_here || queue->finish[best].target >= finish.target)
			break;
		here_put(solver, queue, place, queue->finish[best], queue->spread[best]);
		place = best;
	}
	here_put(solver, queue, place, finish, spread);
}

static struct spread flow_spread(const struct solver *solver, const struct solver_flow *flow, uint32_t hop)
{
	if (flow->n == 2 && !flow->unit_class)
		return (struct spread){.first = solver->hop_link[flow->first + 1 - hop]};
	return (struct spread){.first = flow->first, .n = (uint16_t)flow->n, .unit_class = flow->unit_class};
}

void solver_here_add(struct solver *solver, uint32_t link, uint32_t index, uint32_t hop, double left, bool in_order)
{
	struct solver_queue *queue = &solver->queues[link];
	struct solver_flow *flow = &solver->flows[index];
	struct finish finish = {.target = queue->served + left / flow->weight, .flow = index, .slot = flow->slots + hop};
	struct spread spread = flow_spread(solver, flow, hop);
	ARRAY_RESERVE(queue->finish, queue->n_here + 1u, queue->finish_capacity);
	ARRAY_RESERVE(queue->spread, queue->n_here + 1u, queue->spread_capacity);
	flow->bottleneck = link;
	queue->weight += flow->unit * solver_hop_weight(solver, flow, hop);
	queue->n_general += spread.unit_class > 0;
	queue->n_far += spread.n > 0;
	if (queue->grouped)
		solver_group_add(solver, link, &spread);
	if (in_order)
		here_sift_up(solver, queue, queue->n_here++, finish, spread);
	else
		here_put(solver, queue, queue->n_here++, finish, spread);
}

void solver_here_order(struct solver *solver, uint32_t link)
{
	struct solver_queue *queue = &solver->queues[link];
	for (uint32_t i = (queue->n_here + 2) / 4; i-- > 0;)
		here_sift_down(solver, queue, i, queue->finish[i], queue->spread[i]);
}

void solver_here_remove(struct solver *solver, uint32_t link, uint32_t place, int64_t weight)
{
	struct solver_queue *queue = &solver->queues[link];
	uint32_t last = --queue->n_here;
	double target = queue->finish[place].target;
	queue->weight -= weight;
	queue->n_general -= queue->spread[place].unit_class > 0;
	queue->n_far -= queue->spread[place].n > 0;
	if (queue->grouped)
		solver_group_remove(solver, link, &queue->spread[place]);
	if (place == last)
		return;
	if (queue->finish[last].target < target)
		here_sift_up(solver, queue, place, queue->finish[last], queue->spread[last]);
	else
		here_sift_down(solver, queue, place, queue->finish[last], queue->spread[last]);
}

void solver_other_add(struct solver *solver, uint32_t link, uint32_t index, uint32_t hop, uint32_t bottleneck)
{
	struct solver_queue *queue = &solver->queues[link];
	uint32_t slot = solver->flows[index].slots + hop;
	ARRAY_RESERVE(queue->others, queue->n_others + 1u, queue->others_capacity);
	solver->places[slot] = queue->n_others;
	queue->others[queue->n_others++] = (struct other){.flow = index, .bottleneck = bottleneck, .slot = slot};
}

static void other_remove(struct solver *solver, uint32_t link, uint32_t place)
{
	struct solver_queue *queue = &solver->queues[link];
	struct other last = queue->others[--queue->n_others];
	queue->others[place] = last;
	solver->places[last.slot] = place;
}

/* Flows. */

static uint32_t take_slots(struct solver *solver, uint32_t n)
{
	if (n >= solver->free_capacity) {
		size_t old = solver->free_capacity;
		ARRAY_RESERVE(solver->free_run, n + 1u, solver->free_capacity);
		for (size_t i = old; i < solver->free_capacity; i++)
			solver->free_run[i] = SOLVER_NONE;
	}
	uint32_t slots = solver->free_run[n];
	if (slots != SOLVER_NONE) {
		solver->free_run[n] = solver->places[slots];
		return slots;
	}
	ARRAY_RESERVE(solver->places, (size_t)solver->n_places + n, solver->places_capacity);
	slots = solver->n_places;
	solver->n_places += n;
	return slots;
}

static void give_slots(struct solver *solver, uint32_t slots, uint32_t n)
{
	solver->places[slots] = solver->free_run[n];
	solver->free_run[n] = slots;
}

static uint16_t unit_class(struct solver *solver, int64_t unit)
{
	for (uint32_t i = 1; i < solver->n_units; i++)
		if (solver->units[i] == unit)
			return (uint16_t)i;
	ARRAY_RESERVE(solver->units, solver->n_units + 1u, solver->units_capacity);
	assert(solver->n_units < UINT16_MAX);
	solver->units[solver->n_units] = unit;
	return (uint16_t)solver->n_units++;
}

/* The link that stands for a limit of so much level: all flows of that limit share it, and its level never changes. */
static uint32_t cap_link(struct solver *solver, int64_t level)
{
	for (uint32_t l = solver->n_real; l < solver->n_links; l++)
		if (solver->links[l].level == level)
			return l;
	assert(solver->n_links - solver->n_real < MAX_CAPS);
	grow_links(solver, solver->n_links + 1);
	solver->links[solver->n_links - 1].level = level;
	return solver->n_links - 1;
}

void solver_add(struct solver *solver, uint32_t index, uint64_t id, uint32_t first, uint32_t n, uint32_t total, double weight,
		int64_t cap_bytes_per_s, double left)
{
	clear_early(solver);
	ARRAY_RESERVE(solver->flows, index + 1u, solver->flow_capacity);
	struct solver_flow *flow = &solver->flows[index];
	*flow = (struct solver_flow){.id = id, .weight = weight, .left = left, .first = first, .n = n, .bottleneck = SOLVER_NONE,
		.cap = SOLVER_NONE, .unit = (int64_t)(weight / total * (double)SOLVER_UNIT + 0.5)};
	bool plain = total == 1 && weight == 1 && cap_bytes_per_s <= 0;
	flow->unit_class = plain ? 0 : unit_class(solver, flow->unit);
	if (cap_bytes_per_s > 0)
		flow->cap = cap_link(solver, (int64_t)(ldexp((double)cap_bytes_per_s, solver->shift) / weight));
	flow->slots = take_slots(solver, solver_hops(flow));
	ARRAY_RESERVE(solver->pending, solver->n_pending + 1u, solver->pending_capacity);
	solver->pending[solver->n_pending++] = index;
	solver->n_flows++;
}

double solver_left(struct solver *solver, uint32_t index)
{
	const struct solver_flow *flow = &solver->flows[index];
	if (flow->bottleneck == SOLVER_NONE)
		return flow->left;
	const struct solver_queue *queue = &solver->queues[flow->bottleneck];
	uint32_t hop = 0;
	while (solver_hop(solver, flow, hop) != flow->bottleneck)
		hop++;
	double target = queue->finish[solver->places[flow->slots + hop]].target;
	return fmax(0, target - served_now(solver, queue)) * flow->weight;
}

static void forget_pending(struct solver *solver, uint32_t index)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < solver->n_pending; i++)
		if (solver->pending[i] != index)
			solver->pending[kept++] = solver->pending[i];
	solver->n_pending = kept;
}

void solver_remove(struct solver *solver, uint32_t index)
{
	struct solver_flow *flow = &solver->flows[index];
	uint32_t bottleneck = flow->bottleneck, n = solver_hops(flow);
	if (bottleneck == SOLVER_NONE)
		forget_pending(solver, index);
	for (uint32_t hop = 0; hop < n && bottleneck != SOLVER_NONE; hop++) {
		uint32_t link = solver_hop(solver, flow, hop), place = solver->places[flow->slots + hop];
		int64_t weight = solver_hop_weight(solver, flow, hop);
		if (link != bottleneck && solver_is_cap(solver, link))
			continue;
		solver_touch(solver, link);
		if (link == bottleneck) {
			solver_here_remove(solver, link, place, flow->unit * weight);
		} else {
			other_remove(solver, link, place);
			solver->links[link].load -= solver_share(solver->links[bottleneck].level, flow->unit) * weight;
		}
		solver_mark(solver, link);
	}
	give_slots(solver, flow->slots, n);
	solver->n_flows--;
	solver->n_removed++;
}

void solver_move(struct solver *solver, uint32_t index, uint32_t link)
{
	struct solver_flow *flow = &solver->flows[index];
	uint32_t from = flow->bottleneck, n = solver_hops(flow);
	solver_touch(solver, from);
	solver_touch(solver, link);
	double left = solver_left(solver, index);
	int64_t level = solver->links[link].level;
	int64_t old_share = solver_share(solver->links[from].level, flow->unit), new_share = solver_share(level, flow->unit);
	for (uint32_t hop = 0; hop < n; hop++) {
		uint32_t at = solver_hop(solver, flow, hop), place = solver->places[flow->slots + hop];
		int64_t weight = solver_hop_weight(solver, flow, hop);
		struct solver_link *hot = &solver->links[at];
		if (at == link) {
			if (!solver_is_cap(solver, at)) {
				other_remove(solver, at, place);
				hot->load -= old_share * weight;
			}
			solver_here_add(solver, at, index, hop, left, true);
			solver->flags[at] |= SOLVER_JOINED;
			solver_mark(solver, at);
			continue;
		}
		if (at == from)
			solver_here_remove(solver, at, place, flow->unit * weight);
		if (solver_is_cap(solver, at))
			continue;
		if (at == from) {
			solver_other_add(solver, at, index, hop, link);
			hot->load += new_share * weight;
		} else {
			solver->queues[at].others[place].bottleneck = link;
			hot->load += (new_share - old_share) * weight;
		}
		if (hot->highest < level)
			hot->highest = level;
		solver_mark(solver, at);
	}
}

int64_t solver_fair_level(const struct solver *solver, uint32_t link)
{
	const struct solver_link *hot = &solver->links[link];
	int64_t room = hot->limit - hot->load;
	if (room <= 0)
		return 0;
	double level = (double)room / (double)solver->queues[link].weight * (double)SOLVER_UNIT;
	return level < 0x1p61 ? (int64_t)level : INT64_C(1) << 61;
}

double solver_link_rate(const struct solver *solver, uint32_t link)
{
	const struct solver_link *hot = &solver->links[link];
	bool full = solver->queues[link].n_here || hot->load > hot->limit;
	return (double)(full ? hot->limit : hot->load) * solver->scale;
}

/* Solving. */

/* Puts a new flow where it would be held back as things stand; the rest is propagation. */
static void place_flow(struct solver *solver, uint32_t index)
{
	struct solver_flow *flow = &solver->flows[index];
	uint32_t n = solver_hops(flow), best = SOLVER_NONE;
	double tightest = INFINITY;
	for (uint32_t hop = 0; hop < n; hop++) {
		uint32_t link = solver_hop(solver, flow, hop);
		const struct solver_link *hot = &solver->links[link];
		double room = fmax(0, (double)(hot->limit - hot->load));
		double weight = (double)(solver->queues[link].weight + flow->unit * solver_hop_weight(solver, flow, hop));
		double level = solver_is_cap(solver, link) ? (double)hot->level : room / weight * (double)SOLVER_UNIT;
		solver_touch(solver, link);
		if (level < tightest) {
			tightest = level;
			best = hop;
		}
	}
	uint32_t bottleneck = solver_hop(solver, flow, best);
	if (solver->links[bottleneck].level == LEVEL_FREE)
		solver->links[bottleneck].level = tightest < 0x1p61 ? (int64_t)tightest : INT64_C(1) << 61;
	int64_t level = solver->links[bottleneck].level, share = solver_share(level, flow->unit);
	for (uint32_t hop = 0; hop < n; hop++) {
		uint32_t link = solver_hop(solver, flow, hop);
		struct solver_link *hot = &solver->links[link];
		if (hop == best) {
			solver_here_add(solver, link, index, hop, flow->left, true);
			solver->flags[link] |= SOLVER_JOINED;
		} else if (!solver_is_cap(solver, link)) {
			solver_other_add(solver, link, index, hop, bottleneck);
			hot->load += share * solver_hop_weight(solver, flow, hop);
			if (hot->highest < level)
				hot->highest = level;
		}
		solver_mark(solver, link);
	}
}

static void plan_next(struct solver *solver, uint32_t link)
{
	struct solver_queue *queue = &solver->queues[link];
	int64_t next_ps = TIME_NEVER;
	if (!queue->n_here) {
		queue->served = queue->pace = 0;
		if (!solver_is_cap(solver, link))
			solver->links[link].level = LEVEL_FREE;
	} else {
		queue->pace = (double)solver->links[link].level * solver->scale;
		double wait = (queue->finish[0].target - queue->served) / queue->pace - queue->since_early - SOLVER_RESIDUE_PS;
		if (wait < 9e18) /* also false when nothing moves */
			next_ps = time_add(solver->now_ps, wait > 0 ? (int64_t)wait + ((double)(int64_t)wait < wait) : 0);
	}
	calendar_set(solver, link, next_ps);
}

void solver_solve(struct solver *solver)
{
	uint32_t n_changed = solver->n_pending + solver->n_removed;
	bool fill = solver->always_fill || (n_changed > 64 && n_changed > solver->n_flows / 8);
	solver->n_solves++;
	if (!fill) {
		for (uint32_t i = 0; i < solver->n_pending; i++)
			place_flow(solver, solver->pending[i]);
		solver->n_pending = 0;
		fill = !solver_relax(solver);
	}
	if (fill)
		solver_fill(solver);
	solver->n_pending = solver->n_removed = 0;
	for (uint32_t i = 0; i < solver->n_touched; i++)
		plan_next(solver, solver->touched[i]);
}

void solver_settle(struct solver *solver)
{
	for (uint32_t i = 0; i < solver->n_touched; i++)
		solver->flags[solver->touched[i]] = 0;
	solver->n_touched = solver->n_watched = 0;
	solver->early = 0;
}

/* The exact time, before now_ps, of the last of the first ends of all links that have one now: those at the calendar's top. */
static double least_early(const struct solver *solver, uint32_t place, double early)
{
	if (place >= solver->n_calendar)
		return early;
	const struct solver_queue *queue = &solver->queues[solver->calendar[place]];
	if (queue->next_ps > solver->now_ps)
		return early;
	double wait = (queue->finish[0].target - queue->served) / queue->pace;
	double its = (double)(solver->now_ps - queue->since_ps) + queue->since_early - wait;
	early = least_early(solver, 2 * place + 1, fmin(early, its));
	return least_early(solver, 2 * place + 2, early);
}

uint32_t solver_expire(struct solver *solver)
{
	if (!solver->n_touched && solver_next_ps(solver) <= solver->now_ps)
		solver->early = fmax(least_early(solver, 0, 1), -SOLVER_RESIDUE_PS);
	while (solver_next_ps(solver) <= solver->now_ps) {
		uint32_t link = solver->calendar[0];
		struct solver_queue *queue = &solver->queues[link];
		solver_touch(solver, link);
		if (queue->n_here && queue->finish[0].target - queue->served <= (queue->since_early + SOLVER_RESIDUE_PS) * queue->pace) {
			uint32_t flow = queue->finish[0].flow;
			solver_remove(solver, flow);
			return flow;
		}
		calendar_set(solver, link, TIME_NEVER); /* planned again by the solve of this instant */
	}
	return SOLVER_NONE;
}
