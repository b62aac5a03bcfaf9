/* The walk through days of training, from failure to failure. Seconds are doubles here: days are longer than picoseconds count. */
#include "scenario/goodput.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/scenario.h"

#define S_PER_PS 1e-12

const char *const goodput_loss_names[GOODPUT_LOSSES] = {
	[GOODPUT_DEGRADED] = "degraded", [GOODPUT_WRITING] = "checkpoints", [GOODPUT_LOST_WORK] = "lost_work", [GOODPUT_STALLED] = "stalled",
	[GOODPUT_DETECTION] = "detection", [GOODPUT_WAITING] = "waiting", [GOODPUT_RESTART] = "restart",
};

/* What a failed unit means for the job. */
enum role {
	ROLE_NONE,       /* works, or its failure changes nothing that is simulated */
	ROLE_STATE,      /* part of the machine's state: `mode` */
	ROLE_BLOCKS,     /* the job cannot run until it is repaired */
};

struct life {
	struct failure_unit unit; /* a copy, with the draws of this sample */
	uint32_t entry;
	enum role role, next_role; /* next: once a restart has begun */
	enum forced_mode mode;
	bool has_spare;
};

struct due { double at_s; uint32_t unit; bool repair; };

enum job_phase { JOB_RUNS, JOB_STALLS, JOB_GIVES_UP /* stalls, and ends then */, JOB_DETECTS, JOB_WAITS, JOB_RESTARTS };

struct walk {
	struct goodput *goodput;
	const struct scenario_goodput *setup;
	struct goodput_result *result;
	struct life *lives;
	uint32_t *spares;
	uint32_t *failed, n_failed;  /* units that are not repaired, ascending */
	size_t failed_capacity;
	struct due *heap;
	uint32_t n_heap;
	size_t heap_capacity;
	struct random_stream stream; /* of restarts */
	double now_s, until_s, end_s; /* until: of the phase, INFINITY */
	enum job_phase phase;
	double switchover_s;         /* of the spares that came in for this restart */
	uint32_t state, n_blocking;
	bool state_old, unknown;
	/* Since the last checkpoint: steps done, and the time that took as healthy steps and beyond. */
	double healthy_s, interval_s, write_s, steps, useful_s, degraded_s, write_left_s;
	uint32_t steps_per_checkpoint;
	uint32_t culprit;            /* entry that ends or stalls the job */
};

/* Failures and repairs to come, the earliest first; of one moment, by unit. */

static bool before(const struct due *a, const struct due *b)
{
	return a->at_s != b->at_s ? a->at_s < b->at_s : a->unit != b->unit ? a->unit < b->unit : a->repair && !b->repair;
}

static void push(struct walk *walk, double at_s, uint32_t unit, bool repair)
{
	if (!(at_s < walk->end_s))
		return;
	ARRAY_RESERVE(walk->heap, walk->n_heap + 1u, walk->heap_capacity);
	uint32_t at = walk->n_heap++;
	struct due due = {at_s, unit, repair};
	for (; at && before(&due, &walk->heap[(at - 1) / 2]); at = (at - 1) / 2)
		walk->heap[at] = walk->heap[(at - 1) / 2];
	walk->heap[at] = due;
}

static struct due pop(struct walk *walk)
{
	struct due top = walk->heap[0], last = walk->heap[--walk->n_heap];
	uint32_t at = 0;
	for (uint32_t child; (child = 2 * at + 1) < walk->n_heap; at = child) {
		child += child + 1 < walk->n_heap && before(&walk->heap[child + 1], &walk->heap[child]);
		if (!before(&walk->heap[child], &last))
			break;
		walk->heap[at] = walk->heap[child];
	}
	if (walk->n_heap)
		walk->heap[at] = last;
	return top;
}

/* States */

/* The k-th unit that stands for others of its entry: spread over them. */
static uint32_t representative(const struct goodput *goodput, uint32_t entry, uint32_t k)
{
	uint32_t first = goodput->entry_first[entry], n = goodput->entry_first[entry + 1] - first;
	uint32_t stride = n > GOODPUT_STATE_UNITS ? n / GOODPUT_STATE_UNITS : 1;
	struct random_stream stream = random_stream((uint64_t)goodput->scenario->seed, "goodput.representatives", entry);
	return first + (uint32_t)((random_below(&stream, n) + (uint64_t)k * stride) % n);
}

static bool has_unit(const struct goodput_state *state, uint32_t unit)
{
	for (uint32_t i = 0; i < state->n; i++)
		if (state->units[i].unit == unit)
			return true;
	return false;
}

/* Adds a failed unit to a state, as the first of its entry's representatives, from its own on, that is not there yet. */
static bool add_unit(const struct goodput *goodput, struct goodput_state *state, uint32_t entry, uint32_t unit, enum forced_mode mode)
{
	uint32_t n = goodput->entry_first[entry + 1] - goodput->entry_first[entry];
	uint32_t many = n < GOODPUT_STATE_UNITS ? n : GOODPUT_STATE_UNITS;
	uint32_t own = (unit - goodput->entry_first[entry]) % (uint32_t)goodput->scenario->goodput.representatives % many;
	for (uint32_t k = 0; state->n < GOODPUT_STATE_UNITS && k < many; k++) {
		uint32_t stands_for = representative(goodput, entry, (own + k) % many);
		if (has_unit(state, stands_for))
			continue;
		state->units[state->n++] = (struct forced_failure){stands_for, mode};
		return true;
	}
	return false;
}

static int by_unit(const void *a, const void *b)
{
	uint32_t p = ((const struct forced_failure *)a)->unit, q = ((const struct forced_failure *)b)->unit;
	return p < q ? -1 : p > q;
}

static uint32_t find_state(struct goodput *goodput, struct goodput_state *wanted)
{
	uint32_t s = 0;
	qsort(wanted->units, wanted->n, sizeof *wanted->units, by_unit);
	for (; s < goodput->n_states; s++) {
		const struct goodput_state *state = &goodput->states[s];
		bool same = state->n == wanted->n;
		for (uint32_t i = 0; same && i < wanted->n; i++)
			same = state->units[i].unit == wanted->units[i].unit && state->units[i].mode == wanted->units[i].mode;
		if (same)
			return s;
	}
	ARRAY_RESERVE(goodput->states, s + 1u, goodput->capacity);
	goodput->states[goodput->n_states++] = *wanted;
	return s;
}

static const struct goodput_state *state_at(struct walk *walk, uint32_t s)
{
	if (!walk->goodput->states[s].known)
		walk->unknown = true;
	return &walk->goodput->states[s];
}

/* What one unit alone does. */
static const struct goodput_state *alone(struct walk *walk, uint32_t unit, enum forced_mode mode)
{
	struct goodput_state state = {0};
	add_unit(walk->goodput, &state, walk->lives[unit].entry, unit, mode);
	return state_at(walk, find_state(walk->goodput, &state));
}

/* The machine as it is now. */
static void renew_state(struct walk *walk)
{
	struct goodput_state state = {0};
	for (uint32_t i = 0; i < walk->n_failed; i++) {
		uint32_t u = walk->failed[i];
		if (walk->lives[u].role == ROLE_STATE && !add_unit(walk->goodput, &state, walk->lives[u].entry, u, walk->lives[u].mode))
			walk->result->n_crowded++;
	}
	walk->state = find_state(walk->goodput, &state);
	walk->state_old = false;
}

static double step_s(struct walk *walk)
{
	if (walk->state_old)
		renew_state(walk);
	const struct goodput_state *state = state_at(walk, walk->state);
	return state->known ? state->step_s : walk->healthy_s;
}

/* Failures that a step survives one by one may stop it together. */
static bool can_run(struct walk *walk) { return isfinite(step_s(walk)); }

/* The job */

static void save(struct walk *walk)
{
	walk->result->useful_s += walk->useful_s;
	walk->result->loss_s[GOODPUT_DEGRADED] += walk->degraded_s;
	walk->result->steps += walk->steps;
	walk->steps = walk->useful_s = walk->degraded_s = 0;
}

static void work(struct walk *walk, double steps, double each_s)
{
	walk->steps += steps;
	walk->useful_s += steps * walk->healthy_s;
	walk->degraded_s += steps * (each_s - walk->healthy_s);
	walk->goodput->states[walk->state].used_s += steps * each_s;
}

/* Whole checkpoint cycles at once, then what is left. */
static void run(struct walk *walk, double for_s)
{
	double each_s = step_s(walk), per = walk->steps_per_checkpoint, cycle_s = per * each_s + walk->write_s;
	while (for_s > 0) {
		double to_write_s = (per - walk->steps) * each_s;
		if (walk->write_left_s > 0) {
			double part_s = fmin(walk->write_left_s, for_s);
			walk->write_left_s -= part_s;
			walk->result->loss_s[GOODPUT_WRITING] += part_s;
			for_s -= part_s;
			if (!(walk->write_left_s > 0)) {
				save(walk);
				walk->result->n_checkpoints++;
			}
		} else if (walk->steps == 0 && for_s > cycle_s) {
			double cycles = floor(for_s / cycle_s);
			work(walk, cycles * per, each_s);
			save(walk);
			walk->result->loss_s[GOODPUT_WRITING] += cycles * walk->write_s;
			walk->result->n_checkpoints += (uint64_t)cycles;
			for_s -= cycles * cycle_s;
		} else if (for_s < to_write_s) {
			work(walk, for_s / each_s, each_s);
			for_s = 0;
		} else {
			work(walk, per - walk->steps, each_s);
			walk->steps = per;
			for_s -= to_write_s;
			walk->write_left_s = walk->write_s;
			if (!(walk->write_s > 0))
				save(walk);
		}
	}
}

static void pass(struct walk *walk, double until_s)
{
	static const enum goodput_loss losses[] = {[JOB_STALLS] = GOODPUT_STALLED, [JOB_GIVES_UP] = GOODPUT_STALLED,
		[JOB_DETECTS] = GOODPUT_DETECTION, [JOB_WAITS] = GOODPUT_WAITING, [JOB_RESTARTS] = GOODPUT_RESTART};
	double for_s = until_s - walk->now_s;
	assert(for_s >= 0);
	if (walk->phase == JOB_RUNS)
		run(walk, for_s);
	else
		walk->result->loss_s[losses[walk->phase]] += for_s;
	walk->now_s = until_s;
}

static void enter(struct walk *walk, enum job_phase phase, double until_s)
{
	walk->phase = phase;
	walk->until_s = until_s;
}

/* The restart begins when nothing blocks it; what failed is known by then and avoided. */
static void wait_or_restart(struct walk *walk)
{
	for (uint32_t i = 0; i < walk->n_failed; i++) {
		struct life *life = &walk->lives[walk->failed[i]];
		walk->state_old |= life->role != life->next_role;
		life->role = life->next_role;
	}
	if (walk->n_blocking || !can_run(walk)) {
		enter(walk, JOB_WAITS, INFINITY);
		return;
	}
	enter(walk, JOB_RESTARTS, walk->now_s + walk->switchover_s + spread_draw(&walk->setup->restart_ps, &walk->stream) * S_PER_PS);
	walk->switchover_s = 0;
}

/* The job has ended: what it did since its last checkpoint is lost. */
static void interrupt(struct walk *walk, double detect_s)
{
	walk->result->loss_s[GOODPUT_LOST_WORK] += walk->useful_s + walk->degraded_s;
	walk->steps = walk->useful_s = walk->degraded_s = walk->write_left_s = 0;
	walk->result->n_interruptions++;
	walk->result->interruptions[walk->culprit]++;
	enter(walk, JOB_DETECTS, walk->now_s + detect_s);
}

static void phase_over(struct walk *walk)
{
	switch (walk->phase) {
	case JOB_STALLS:
	case JOB_RESTARTS:
		if (can_run(walk))
			enter(walk, JOB_RUNS, INFINITY);
		else if (walk->phase == JOB_STALLS)
			enter(walk, JOB_GIVES_UP, walk->now_s + (double)walk->setup->detect_ps * S_PER_PS);
		else
			wait_or_restart(walk);
		break;
	case JOB_GIVES_UP: interrupt(walk, 0); break;
	case JOB_DETECTS: wait_or_restart(walk); break;
	case JOB_RUNS:
	case JOB_WAITS: break;
	}
}

/* Failures */

static void set_role(struct walk *walk, struct life *life, enum role now, enum role next, enum forced_mode mode)
{
	walk->n_blocking += next == ROLE_BLOCKS;
	walk->n_blocking -= life->next_role == ROLE_BLOCKS;
	walk->state_old |= life->role != now || life->mode != mode;
	life->role = now;
	life->next_role = next;
	life->mode = mode;
}

static bool take_spare(struct walk *walk, struct life *life)
{
	life->has_spare = walk->spares[life->unit.pool] > 0;
	walk->spares[life->unit.pool] -= life->has_spare;
	return life->has_spare;
}

/* Whatever was under way begins again. A job that is down already stays so: its restart fails. */
static void end_job(struct walk *walk, uint32_t entry, double detect_s)
{
	walk->culprit = entry;
	if (walk->phase == JOB_RUNS || walk->phase == JOB_STALLS || walk->phase == JOB_GIVES_UP)
		interrupt(walk, detect_s);
	else if (walk->phase == JOB_RESTARTS)
		enter(walk, JOB_DETECTS, walk->now_s + detect_s);
}

static void crash(struct walk *walk, struct life *life)
{
	const struct scenario_failure *entry = life->unit.entry;
	int64_t detect_ps = entry->detect_ps >= 0 ? entry->detect_ps : entry->abort_ps >= 0 ? entry->abort_ps : walk->setup->detect_ps;
	bool hop = entry->spare_latency_ps > 0, spare = take_spare(walk, life);
	set_role(walk, life, ROLE_NONE, spare ? (hop ? ROLE_STATE : ROLE_NONE) : ROLE_BLOCKS, FORCED_SPARE);
	if (spare)
		walk->switchover_s = fmax(walk->switchover_s, (double)entry->switchover_ps * S_PER_PS);
	end_job(walk, life->entry, (double)detect_ps * S_PER_PS);
}

static void stall(struct walk *walk, uint32_t entry, double for_s, bool gives_up)
{
	double until_s = walk->now_s + for_s;
	bool stalls = walk->phase == JOB_STALLS || walk->phase == JOB_GIVES_UP;
	if (walk->phase != JOB_RUNS && !stalls)
		return; /* it is down anyway */
	if (stalls && (walk->phase == JOB_GIVES_UP ? until_s >= walk->until_s || !gives_up : !gives_up && until_s <= walk->until_s))
		return;
	walk->culprit = entry;
	enter(walk, gives_up ? JOB_GIVES_UP : JOB_STALLS, until_s);
}

/* A link is down for `repair_s`. */
static void link_down(struct walk *walk, uint32_t u, double repair_s)
{
	struct life *life = &walk->lives[u];
	const struct scenario_failure *entry = life->unit.entry;
	double give_up_s = (double)(entry->abort_ps >= 0 ? entry->abort_ps : walk->setup->detect_ps) * S_PER_PS;
	double reroute_s = entry->detect_ps >= 0 ? (double)entry->detect_ps * S_PER_PS : INFINITY;
	bool around = alone(walk, u, FORCED_AVOIDED)->completes;
	if (take_spare(walk, life)) {
		set_role(walk, life, entry->spare_latency_ps > 0 ? ROLE_STATE : ROLE_NONE, entry->spare_latency_ps > 0 ? ROLE_STATE : ROLE_NONE,
			 FORCED_SPARE);
		if (!alone(walk, u, FORCED_UNDETECTED)->completes)
			stall(walk, life->entry, fmin(repair_s, (double)entry->switchover_ps * S_PER_PS), false);
		return;
	}
	if (alone(walk, u, FORCED_UNDETECTED)->completes) { /* nothing needs it, or its traffic has another way at once */
		set_role(walk, life, ROLE_STATE, ROLE_STATE, FORCED_UNDETECTED);
		return;
	}
	set_role(walk, life, around ? ROLE_STATE : ROLE_NONE, around ? ROLE_STATE : ROLE_BLOCKS, FORCED_AVOIDED);
	if (repair_s <= fmin(give_up_s, around ? reroute_s : INFINITY))
		stall(walk, life->entry, repair_s, false);
	else if (around && reroute_s <= give_up_s)
		stall(walk, life->entry, reroute_s, false);
	else
		stall(walk, life->entry, give_up_s, true);
	if (walk->phase == JOB_RESTARTS && !around)
		enter(walk, JOB_DETECTS, walk->now_s); /* the restart does not come up */
}

static void list_failed(struct walk *walk, uint32_t u)
{
	ARRAY_RESERVE(walk->failed, walk->n_failed + 1u, walk->failed_capacity);
	uint32_t at = walk->n_failed++;
	for (; at && walk->failed[at - 1] > u; at--)
		walk->failed[at] = walk->failed[at - 1];
	walk->failed[at] = u;
}

static void unlist_failed(struct walk *walk, uint32_t u)
{
	uint32_t at = 0;
	while (walk->failed[at] != u)
		at++;
	memmove(walk->failed + at, walk->failed + at + 1, (--walk->n_failed - at) * sizeof *walk->failed);
}

static void fail(struct walk *walk, uint32_t u)
{
	struct life *life = &walk->lives[u];
	double repair_s = life->unit.entry->repaired ? failure_draw_repair_ps(&life->unit) * S_PER_PS : INFINITY;
	walk->result->n_failures++;
	walk->result->failures[life->entry]++;
	list_failed(walk, u);
	push(walk, walk->now_s + repair_s, u, true);
	switch ((enum outage_effect)life->unit.entry->effect) {
	case OUTAGE_CRASH: crash(walk, life); break;
	case OUTAGE_DOWN:
	case OUTAGE_FLAP: link_down(walk, u, repair_s); break;
	default: set_role(walk, life, ROLE_STATE, ROLE_STATE, FORCED_UNDETECTED);
	}
}

static void repair(struct walk *walk, uint32_t u)
{
	struct life *life = &walk->lives[u];
	unlist_failed(walk, u);
	set_role(walk, life, ROLE_NONE, ROLE_NONE, life->mode);
	walk->spares[life->unit.pool] += life->has_spare;
	life->has_spare = life->unit.weak = false;
	push(walk, walk->now_s + failure_draw_life_ps(&life->unit, 0) * S_PER_PS, u, false);
	if (walk->phase == JOB_WAITS && !walk->n_blocking)
		wait_or_restart(walk);
}

/* The walk */

static void start(struct walk *walk, uint64_t seed)
{
	struct goodput *goodput = walk->goodput;
	uint32_t entry = 0;
	for (uint32_t u = 0; u < goodput->units->n; u++) {
		struct life *life = &walk->lives[u];
		while (u >= goodput->entry_first[entry + 1])
			entry++;
		*life = (struct life){.unit = goodput->units->list[u], .entry = entry};
		failure_unit_seed(goodput->scenario, &life->unit, seed);
		push(walk, failure_draw_life_ps(&life->unit, life->unit.entry->age_ps) * S_PER_PS, u, false);
	}
	memcpy(walk->spares, goodput->units->spares, goodput->units->n_pools * sizeof *walk->spares);
	renew_state(walk);
	walk->healthy_s = 1; /* until it is known */
	const struct goodput_state *healthy = state_at(walk, walk->state);
	walk->healthy_s = healthy->known ? healthy->step_s : 1;
	walk->write_s = (double)walk->setup->write_ps * S_PER_PS;
	walk->steps_per_checkpoint = (uint32_t)fmin(fmax(round(walk->interval_s / walk->healthy_s), 1), 1e9);
	enter(walk, JOB_RUNS, INFINITY);
}

bool goodput_sample(struct goodput *goodput, uint64_t seed, double interval_s, struct goodput_result *result)
{
	const struct scenario *scenario = goodput->scenario;
	struct walk walk = {.goodput = goodput, .setup = &scenario->goodput, .result = result, .interval_s = interval_s,
		.lives = memory_zero(goodput->units->n + 1u, sizeof *walk.lives),
		.spares = memory_zero(goodput->units->n_pools + 1u, sizeof *walk.spares), .stream = random_stream(seed, "goodput.restart", 0)};
	double end_s = walk.end_s = (double)scenario->goodput.days * 86400;
	*result = (struct goodput_result){.failures = memory_zero(scenario->n_failures + 1u, sizeof *result->failures),
		.interruptions = memory_zero(scenario->n_failures + 1u, sizeof *result->interruptions)};
	start(&walk, seed);
	while (walk.now_s < end_s && !(walk.unknown && !goodput->states[0].known)) {
		double next_s = fmin(fmin(walk.n_heap ? walk.heap[0].at_s : INFINITY, walk.until_s), end_s);
		pass(&walk, next_s);
		if (next_s >= end_s)
			break;
		if (walk.until_s <= next_s) {
			phase_over(&walk);
			continue;
		}
		struct due due = pop(&walk);
		if (due.repair)
			repair(&walk, due.unit);
		else
			fail(&walk, due.unit);
		if (walk.phase == JOB_RUNS && !can_run(&walk)) {
			walk.culprit = walk.lives[due.unit].entry;
			enter(&walk, JOB_GIVES_UP, walk.now_s + (double)scenario->goodput.detect_ps * S_PER_PS);
		}
	}
	save(&walk); /* the job goes on after the end: what is not saved then is not lost */
	result->elapsed_s = walk.now_s;
	result->stopped = walk.phase == JOB_WAITS && !walk.n_heap;
	free(walk.lives);
	free(walk.spares);
	free(walk.failed);
	free(walk.heap);
	return !walk.unknown;
}

void goodput_result_release(struct goodput_result *result)
{
	free(result->failures);
	free(result->interruptions);
}

void goodput_init(struct goodput *goodput, const struct scenario *scenario, const struct failure_units *units)
{
	memset(goodput, 0, sizeof *goodput);
	goodput->scenario = scenario;
	goodput->units = units;
	goodput->entry_first = memory_zero(scenario->n_failures + 2u, sizeof *goodput->entry_first);
	for (uint32_t e = 0, u = 0; e < scenario->n_failures; e++) {
		while (u < units->n && units->list[u].entry == &scenario->failures[e])
			u++;
		goodput->entry_first[e + 1] = u;
	}
	struct goodput_state healthy = {0};
	find_state(goodput, &healthy);
}

void goodput_release(struct goodput *goodput)
{
	free(goodput->entry_first);
	free(goodput->states);
	memset(goodput, 0, sizeof *goodput);
}
