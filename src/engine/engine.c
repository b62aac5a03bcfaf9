#include "engine/engine.h"

#include <string.h>

void engine_init(struct engine *engine)
{
	memset(engine, 0, sizeof *engine);
	engine->queue = event_queue_new();
}

void engine_release(struct engine *engine)
{
	event_queue_free(engine->queue);
	memset(engine, 0, sizeof *engine);
}

uint8_t engine_register(struct engine *engine, engine_handler *function, void *context)
{
	assert(engine->n_handlers < 256);
	engine->handlers[engine->n_handlers].function = function;
	engine->handlers[engine->n_handlers].context = context;
	return (uint8_t)engine->n_handlers++;
}

void engine_register_preview(struct engine *engine, uint8_t handler, engine_handler *preview)
{
	engine->handlers[handler].preview = preview;
	engine->previews = true;
}

void engine_register_phase(struct engine *engine, enum engine_phase phase, engine_phase_handler *function, void *context)
{
	engine->phases[phase].function = function;
	engine->phases[phase].context = context;
}

static bool run_phases(struct engine *engine)
{
	bool any = false;
	for (int phase = 0; phase < ENGINE_PHASE_N; phase++) {
		if (!engine->requested[phase])
			continue;
		engine->requested[phase] = false;
		if (engine->phases[phase].function)
			engine->phases[phase].function(engine->phases[phase].context);
		any = true;
	}
	return any;
}

/* Once a day. */
static inline void preview(struct engine *engine)
{
	const struct event_queue *queue = engine->queue;
	if (queue->day == engine->previewed_day)
		return;
	engine->previewed_day = queue->day;
	for (uint32_t i = event_queue_ahead(queue); i != EVENT_QUEUE_NONE; i = queue->waiting[i].next) {
		uint8_t handler = (uint8_t)queue->waiting[i].time_handler;
		if (engine->handlers[handler].preview)
			engine->handlers[handler].preview(engine->handlers[handler].context, queue->waiting[i].argument);
	}
}

static void run_instant(struct engine *engine)
{
	struct event_due event;
	do {
		while (event_queue_take(engine->queue, &event)) {
			engine->n_events++;
			engine->handlers[event.handler].function(engine->handlers[event.handler].context, event.argument);
		}
	} while (run_phases(engine) || engine->queue->n_due);
}

enum engine_result engine_run(struct engine *engine, uint64_t budget)
{
	uint64_t limit = engine->n_events + budget;
	run_instant(engine); /* what was requested or scheduled for now from outside */
	while (!engine->stopping && !engine->overflowed) {
		if (engine->n_events >= limit)
			return event_queue_count(engine->queue) ? ENGINE_SLICED : ENGINE_DRAINED;
		if (engine->n_background && event_queue_count(engine->queue) <= engine->n_background)
			return ENGINE_DRAINED;
		int64_t next_ps = event_queue_advance(engine->queue);
		if (next_ps == TIME_NEVER)
			return ENGINE_DRAINED;
		engine->now_ps = next_ps;
		if (engine->previews)
			preview(engine);
		run_instant(engine);
	}
	engine->stopping = false;
	return ENGINE_STOPPED;
}

void engine_stop(struct engine *engine) { engine->stopping = true; }

bool engine_is_idle(const struct engine *engine) { return event_queue_count(engine->queue) <= engine->n_background; }

int64_t engine_next_ps(const struct engine *engine) { return event_queue_next(engine->queue); }
