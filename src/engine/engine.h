/* One event queue, one clock. An instant (one picosecond) is worked off in rounds of phases:
 *
 *   1. every pending event of this instant, in any order: handlers may not depend on it, they only note what they touched;
 *   2. each phase of `enum engine_phase` that was requested, once, in the order of the enumeration: programs issue what became
 *      ready (by rank), networks arbitrate touched ports and solve touched components (by id).
 *
 * Events scheduled for the same instant by a phase start another round. So no result depends on the order of insertion.
 *
 * There is no cancel: an entity keeps the time of its next event itself, and its handler ignores an event that is not it. */
#ifndef WEFT_ENGINE_ENGINE_H
#define WEFT_ENGINE_ENGINE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "engine/queue.h"

struct error;

typedef void engine_handler(void *context, uint32_t argument);
typedef void engine_phase_handler(void *context);

enum engine_phase {
	ENGINE_PHASE_CONTROL, /* link changes, failures, circuit switches: the fabric of this instant is settled first */
	ENGINE_PHASE_ISSUE,   /* the executor issues operations and messages */
	ENGINE_PHASE_NETWORK, /* arbitration, rate solving */
	ENGINE_PHASE_N
};

enum engine_result {
	ENGINE_DRAINED,  /* no event is left */
	ENGINE_SLICED,   /* the event budget of this call is used up; call again */
	ENGINE_STOPPED,  /* engine_stop was called */
};

struct engine {
	int64_t now_ps;   /* read-only for others */
	uint64_t n_events; /* handled so far */
	/* Pending events that matter only while others are pending too (chances of an error on a link). Who schedules one counts it
	 * here and takes it off in its handler; when nothing else is left the queue counts as drained. */
	uint64_t n_background;
	uint64_t n_pushed; /* pops are n_events: what is counted per packet-hop is n_pushed + n_events */
	bool requested[ENGINE_PHASE_N];
	bool stopping;
	bool overflowed;  /* something was scheduled at TIME_NEVER or later: the run must end with an error */
	struct event_queue *queue;
	struct { engine_handler *function, *preview; void *context; } handlers[256];
	bool previews;    /* some handler has one */
	int64_t previewed_day; /* of the queue */
	struct { engine_phase_handler *function; void *context; } phases[ENGINE_PHASE_N];
	uint32_t n_handlers;
};

void engine_init(struct engine *engine);
void engine_release(struct engine *engine);

/* A handler id for engine_schedule; at most 256 kinds of events. */
uint8_t engine_register(struct engine *engine, engine_handler *function, void *context);
/* `preview` is called with the argument of an event that probably comes soon, while others are worked off: it may fetch what that event
 * will read into the cache, and must not change anything. */
void engine_register_preview(struct engine *engine, uint8_t handler, engine_handler *preview);
/* Each phase has one handler; registering again replaces it. */
void engine_register_phase(struct engine *engine, enum engine_phase phase, engine_phase_handler *function, void *context);

/* Whether somebody will act in it. Without a control phase links never change. */
static inline bool engine_has_phase(const struct engine *engine, enum engine_phase phase) { return engine->phases[phase].function; }

/* time_ps >= now_ps (asserted). TIME_NEVER is not queued but sets `overflowed`: code that means "never" does not schedule. */
static inline void engine_schedule(struct engine *engine, int64_t time_ps, uint8_t handler, uint32_t argument)
{
	assert(time_ps >= engine->now_ps && handler < engine->n_handlers);
	if (__builtin_expect(time_ps == TIME_NEVER, 0)) {
		engine->overflowed = true;
		return;
	}
	engine->n_pushed++;
	event_queue_push(engine->queue, (struct event){.time_ps = time_ps, .argument = argument, .handler = handler});
}
/* The phase runs once in this instant, after the events of this round. */
static inline void engine_request(struct engine *engine, enum engine_phase phase) { engine->requested[phase] = true; }

/* Runs until `budget` more events were handled (an instant is never cut), nothing is left, or someone stopped it. */
enum engine_result engine_run(struct engine *engine, uint64_t budget);
/* Ends engine_run after the current instant. */
void engine_stop(struct engine *engine);
/* Whether nothing is pending but what matters only while other things are. */
bool engine_is_idle(const struct engine *engine);
/* Time of the earliest pending event, TIME_NEVER when there is none. */
int64_t engine_next_ps(const struct engine *engine);

#endif
