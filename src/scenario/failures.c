/* Failures by chance while the run goes on. Events only note which unit is due; the control phase acts, units in their order. */
#include "scenario/circuits.h"
#include "scenario/failures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "base/units.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "network/network.h"
#include "scenario/changes.h"
#include "scenario/physics.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

struct failing {
	struct failure_units units;
	struct bitset due;
	struct failure_event *events;
	uint32_t n_events;
	size_t capacity;
	uint8_t on_due, on_failure;
	uint32_t aborted;       /* unit for which the run was given up; UINT32_MAX */
};

static void note_due(struct simulation *simulation, uint32_t unit)
{
	bitset_add(&simulation->failing->due, unit);
	engine_request(&simulation->engine, ENGINE_PHASE_CONTROL);
}

static void on_due(void *context, uint32_t unit) { note_due(context, unit); }

/* What fails next matters only while something else goes on. */
static void on_failure(void *context, uint32_t unit)
{
	struct simulation *simulation = context;
	simulation->engine.n_background--;
	note_due(simulation, unit);
}

/* When `wait_ps` is over; -1 when that is later than time goes. */
static int64_t schedule(struct simulation *simulation, uint32_t unit, double wait_ps, bool background)
{
	struct failing *failing = simulation->failing;
	if (!(wait_ps < 9e18) || simulation->engine.now_ps > INT64_MAX - (int64_t)wait_ps - 2)
		return -1;
	int64_t at_ps = simulation->engine.now_ps + (int64_t)wait_ps + background; /* a life is never nothing */
	simulation->engine.n_background += background;
	engine_schedule(&simulation->engine, at_ps, background ? failing->on_failure : failing->on_due, unit);
	return at_ps;
}

/* What a failure does, and undoes */

static void each_link(struct simulation *simulation, const struct failure_unit *unit, bool fails)
{
	enum outage_effect effect = (enum outage_effect)unit->entry->effect;
	if (unit->circuit_switch && (effect == OUTAGE_DOWN || effect == OUTAGE_FLAP)) {
		circuits_switch_fails(simulation, unit->circuit_switch - 1, fails ? 1 : -1);
		return;
	}
	for (uint32_t i = 0; i < unit->n_links; i++) {
		struct link_condition *condition = &simulation->conditions[unit->links[i]];
		if (effect == OUTAGE_LANE)
			condition->n_lost += fails ? 1u : UINT32_MAX;
		else if (effect == OUTAGE_CONTAMINATION)
			physics_contaminate(simulation->physics, simulation, unit->links[i], fails ? unit->loss_db : -unit->loss_db);
		else
			condition->n_down += fails ? 1u : UINT32_MAX;
		condition_settle(simulation, unit->links[i]);
	}
}

/* All throttles that are on it together. */
static void set_speed(struct simulation *simulation, uint32_t rank)
{
	const struct failure_units *units = &simulation->failing->units;
	double times = 1;
	for (uint32_t u = 0; u < units->n; u++)
		for (uint32_t i = 0; units->list[u].failed && units->list[u].entry->effect == OUTAGE_THROTTLE && i < units->list[u].n_ranks; i++)
			if (units->list[u].ranks[i] == rank)
				times *= units->list[u].entry->slow;
	executor_rank_slow(simulation->executor, rank, times);
}

static bool is_dead(const struct simulation *simulation, uint32_t rank)
{
	const struct failure_units *units = &simulation->failing->units;
	for (uint32_t u = 0; u < units->n; u++)
		for (uint32_t i = 0; units->list[u].failed && units->list[u].entry->effect == OUTAGE_CRASH && i < units->list[u].n_ranks; i++)
			if (units->list[u].ranks[i] == rank)
				return true;
	return false;
}

/* `unit->failed` has its new value. */
static void act(struct simulation *simulation, const struct failure_unit *unit)
{
	static const enum link_cause causes[OUTAGE_EFFECTS] = {LINK_CAUSE_FAILURE, LINK_CAUSE_FLAP, LINK_CAUSE_LANE_LOSS,
		LINK_CAUSE_CONTAMINATION, LINK_CAUSE_CRASH, LINK_CAUSE_FAILURE};
	simulation->links.cause = causes[unit->entry->effect];
	if (unit->entry->effect != OUTAGE_THROTTLE)
		each_link(simulation, unit, unit->failed);
	for (uint32_t i = 0; i < unit->n_ranks; i++) {
		if (unit->entry->effect == OUTAGE_THROTTLE)
			set_speed(simulation, unit->ranks[i]);
		else
			executor_rank_crashed(simulation->executor, unit->ranks[i], is_dead(simulation, unit->ranks[i]));
	}
	simulation->links.cause = LINK_CAUSE_SCHEDULE;
}

/* One hop more while a spare stands in. */
static void add_latency(struct simulation *simulation, const struct failure_unit *unit, int64_t latency_ps)
{
	for (uint32_t i = 0; latency_ps && i < unit->n_links; i++) {
		simulation->conditions[unit->links[i]].latency_ps += latency_ps;
		condition_settle(simulation, unit->links[i]);
	}
}

static struct failure_event *new_event(struct simulation *simulation, uint32_t unit)
{
	struct failing *failing = simulation->failing;
	ARRAY_RESERVE(failing->events, failing->n_events + 1u, failing->capacity);
	failing->events[failing->n_events] = (struct failure_event){.unit = unit, .start_ps = simulation->engine.now_ps, .detected_ps = TIME_NEVER, .end_ps = TIME_NEVER,
		.repaired_ps = TIME_NEVER};
	failing->units.list[unit].event = failing->n_events;
	return &failing->events[failing->n_events++];
}

static void fail(struct simulation *simulation, uint32_t index)
{
	struct failing *failing = simulation->failing;
	struct failure_unit *unit = &failing->units.list[index];
	const struct scenario_failure *entry = unit->entry;
	double repair_ps = entry->repaired ? failure_draw_repair_ps(unit) : INFINITY;
	struct failure_event *event = new_event(simulation, index);
	unit->fail_ps = -1;
	unit->failed = true;
	unit->loss_db = entry->loss_text ? spread_draw(&entry->loss_db, &unit->stream) : 0;
	act(simulation, unit);
	unit->repair_ps = schedule(simulation, index, repair_ps, false);
	if (failing->units.spares[unit->pool] && (double)entry->switchover_ps < repair_ps) {
		failing->units.spares[unit->pool]--;
		event->spare = true;
		unit->over_ps = schedule(simulation, index, (double)entry->switchover_ps, false);
	}
	unit->detect_ps = entry->detect_ps < 0 ? -1 : schedule(simulation, index, (double)entry->detect_ps, false);
	unit->abort_ps = entry->abort_ps < 0 ? -1 : schedule(simulation, index, (double)entry->abort_ps, false);
}

/* It works again, or a spare does in its place. */
static void end_failure(struct simulation *simulation, struct failure_unit *unit)
{
	simulation->failing->events[unit->event].end_ps = simulation->engine.now_ps;
	unit->failed = false;
	unit->detect_ps = unit->abort_ps = unit->over_ps = -1;
	act(simulation, unit);
}

static void take_over(struct simulation *simulation, struct failure_unit *unit)
{
	end_failure(simulation, unit);
	unit->stands_in = true;
	add_latency(simulation, unit, unit->entry->spare_latency_ps);
}

static void repair(struct simulation *simulation, uint32_t index)
{
	struct failing *failing = simulation->failing;
	struct failure_unit *unit = &failing->units.list[index];
	failing->events[unit->event].repaired_ps = simulation->engine.now_ps;
	if (unit->failed)
		end_failure(simulation, unit);
	if (unit->stands_in)
		add_latency(simulation, unit, -unit->entry->spare_latency_ps);
	if (failing->events[unit->event].spare)
		failing->units.spares[unit->pool]++;
	unit->stands_in = unit->weak = false; /* what comes in its place is one that has not died early */
	unit->repair_ps = -1;
	unit->fail_ps = schedule(simulation, index, failure_draw_life_ps(unit, 0), true);
}

static void detect(struct simulation *simulation, const struct failure_unit *unit)
{
	for (uint32_t i = 0; i < unit->n_links; i++)
		if (simulation->links.state[unit->links[i]] == LINK_DOWN && !simulation->links.avoid[unit->links[i]])
			network_avoid_link(simulation->network, unit->links[i], true);
}

/* The state that the run is about. */
static void force(struct simulation *simulation)
{
	const struct scenario *scenario = simulation->scenario;
	for (uint32_t i = 0; i < scenario->n_forced; i++) {
		struct failure_unit *unit = &simulation->failing->units.list[scenario->forced[i].unit];
		if (scenario->forced[i].mode == FORCED_SPARE) {
			add_latency(simulation, unit, unit->entry->spare_latency_ps);
			continue;
		}
		unit->failed = true;
		unit->loss_db = spread_mean(&unit->entry->loss_db);
		act(simulation, unit);
		if (scenario->forced[i].mode == FORCED_AVOIDED)
			detect(simulation, unit);
	}
}

static bool take(int64_t *at_ps, int64_t now_ps)
{
	if (*at_ps != now_ps)
		return false;
	*at_ps = -1;
	return true;
}

void failures_control(struct simulation *simulation)
{
	struct failing *failing = simulation->failing;
	int64_t now_ps = simulation->engine.now_ps;
	bool running = !executor_finished(simulation->executor);
	uint32_t index;
	if (simulation->scenario->failures_forced) {
		if (bitset_take(&failing->due, 0) != UINT32_MAX)
			force(simulation);
		return;
	}
	for (uint32_t from = 0; (index = bitset_take(&failing->due, from)) != UINT32_MAX; from = index + 1) {
		struct failure_unit *unit = &failing->units.list[index];
		if (!running || failing->aborted != UINT32_MAX)
			continue; /* what comes after the last rank has ended changes nothing */
		if (take(&unit->repair_ps, now_ps))
			repair(simulation, index);
		if (take(&unit->over_ps, now_ps) && unit->failed)
			take_over(simulation, unit);
		if (take(&unit->fail_ps, now_ps))
			fail(simulation, index);
		if (take(&unit->detect_ps, now_ps) && unit->failed) {
			failing->events[unit->event].detected_ps = now_ps;
			detect(simulation, unit);
		}
		if (take(&unit->abort_ps, now_ps) && unit->failed) {
			failing->aborted = index;
			engine_stop(&simulation->engine);
		}
	}
}

int failures_start(struct simulation *simulation, struct error *err)
{
	struct failing *failing = arena_array(&simulation->arena, 1, sizeof *failing);
	conditions_init(simulation);
	failing->aborted = UINT32_MAX;
	simulation->failing = failing;
	if (failure_units_init(&failing->units, simulation, err))
		return -1;
	bitset_init(&failing->due, failing->units.n + 1);
	failing->on_due = engine_register(&simulation->engine, on_due, simulation);
	failing->on_failure = engine_register(&simulation->engine, on_failure, simulation);
	if (simulation->scenario->failures_forced && failing->units.n)
		engine_schedule(&simulation->engine, 0, failing->on_due, 0);
	for (uint32_t i = 0; !simulation->scenario->failures_forced && i < failing->units.n; i++) {
		struct failure_unit *unit = &failing->units.list[i];
		unit->fail_ps = schedule(simulation, i, failure_draw_life_ps(unit, unit->entry->age_ps), true);
	}
	return 0;
}

void failures_release(struct simulation *simulation)
{
	if (!simulation->failing)
		return;
	free(simulation->failing->events);
	if (simulation->failing->due.words)
		bitset_release(&simulation->failing->due);
}

void failures_finish(struct simulation *simulation)
{
	const struct failing *failing = simulation->failing;
	for (uint32_t i = 0; failing && i < failing->n_events; i++) {
		const struct failure_event *event = &failing->events[i];
		const struct failure_unit *unit = &failing->units.list[event->unit];
		struct outage_record record = {.name = unit->name, .effect = (uint8_t)unit->entry->effect, .rank = -1, .start_ps = event->start_ps,
			.detected_ps = event->detected_ps, .end_ps = event->end_ps, .spare = event->spare,
			.slow = unit->entry->effect == OUTAGE_THROTTLE ? unit->entry->slow : 1};
		for (uint32_t r = 0; r < unit->n_ranks || !r; r++) {
			record.rank = r < unit->n_ranks ? (int32_t)unit->ranks[r] : -1;
			OBSERVE(&simulation->observers, outage, &record);
		}
	}
}

const struct failure_event *failures_events(const struct simulation *simulation, uint32_t *n)
{
	*n = simulation->failing ? simulation->failing->n_events : 0;
	return *n ? simulation->failing->events : NULL;
}

const struct failure_unit *failures_unit(const struct simulation *simulation, uint32_t unit)
{
	return &simulation->failing->units.list[unit];
}

const struct failure_units *failures_units(const struct simulation *simulation) { return &simulation->failing->units; }

#define SHOWN 4
void failures_describe(const struct simulation *simulation, struct text *out)
{
	const struct failing *failing = simulation->failing;
	char time[64];
	uint32_t n = 0;
	for (uint32_t i = 0; i < failing->n_events; i++) {
		const struct failure_unit *unit = &failing->units.list[failing->events[i].unit];
		enum outage_effect effect = (enum outage_effect)unit->entry->effect;
		bool stops = effect == OUTAGE_DOWN || effect == OUTAGE_FLAP || effect == OUTAGE_CRASH;
		if (failing->events[i].end_ps != TIME_NEVER || !stops || n++ >= SHOWN)
			continue;
		text_printf(out, "%s%s '%s'", n > 1 ? "; " : "", unit->entry->chip ? "chip" : unit->entry->link ? "link" : "component", unit->name);
		for (uint32_t r = 0; r < unit->n_ranks && r < SHOWN; r++)
			text_printf(out, "%srank %u%s", r ? ", " : " (", unit->ranks[r], r + 1 == unit->n_ranks ? ")" : r + 1 == SHOWN ? ", …)" : "");
		text_printf(out, " %s at %s", effect == OUTAGE_CRASH ? "crashed" : "failed",
			    units_format_time(time, sizeof time, failing->events[i].start_ps));
	}
	if (n > SHOWN)
		text_printf(out, "; and %u more", n - SHOWN);
	if (failing->aborted != UINT32_MAX)
		text_printf(out, "%sthe library gave up %s after '%s' failed", n ? "; " : "",
			    units_format_time(time, sizeof time, failing->units.list[failing->aborted].entry->abort_ps),
			    failing->units.list[failing->aborted].name);
}
