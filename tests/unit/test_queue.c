/* The event queue against an obviously right one: random programs of push, peek and advance give the same events, instant by
 * instant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "engine/engine.h"

/* The oracle: an unsorted array, searched. */
struct oracle {
	struct event entries[4096];
	uint32_t n;
};

static int64_t oracle_next(const struct oracle *oracle)
{
	int64_t next = INT64_MAX;
	for (uint32_t i = 0; i < oracle->n; i++)
		if (oracle->entries[i].time_ps < next)
			next = oracle->entries[i].time_ps;
	return next;
}

static void oracle_remove(struct oracle *oracle, int64_t time_ps, struct event_due due)
{
	for (uint32_t i = 0; i < oracle->n; i++)
		if (oracle->entries[i].time_ps == time_ps && oracle->entries[i].argument == due.argument &&
		    oracle->entries[i].handler == due.handler) {
			oracle->entries[i] = oracle->entries[--oracle->n];
			return;
		}
	fail_msg("an event that was never pushed, or twice");
}

static int64_t random_delay(struct random_stream *random, unsigned kind)
{
	switch (kind) {
	case 0: return (int64_t)random_below(random, 4);
	case 1: return 82120;
	case 2: return (int64_t)random_below(random, 1000000);
	case 3: return (int64_t)(random_next(random) >> (2 + random_below(random, 60)));
	default: return (int64_t)random_below(random, random_below(random, 10) ? 50 : 1000000000000);
	}
}

static void push_both(struct event_queue *queue, struct oracle *oracle, struct random_stream *random, unsigned kind)
{
	struct event event = {.time_ps = time_add(queue->now_ps, random_delay(random, kind)),
			      .argument = (uint32_t)random_next(random),
			      .handler = (uint8_t)random_next(random)};
	if (event.time_ps == INT64_MAX || oracle->n == 4096)
		return;
	event_queue_push(queue, event);
	oracle->entries[oracle->n++] = event;
}

static void run_instant(struct event_queue *queue, struct oracle *oracle, struct random_stream *random, unsigned kind)
{
	struct event_due due;
	int64_t next = oracle_next(oracle);
	assert_int_equal(event_queue_advance(queue), next);
	while (event_queue_take(queue, &due)) {
		oracle_remove(oracle, next, due);
		if (random_below(random, 16) == 0)
			push_both(queue, oracle, random, kind);
	}
}

static void run_program(uint64_t seed)
{
	struct random_stream random = random_stream(seed, "test.queue", 0);
	struct event_queue *queue = event_queue_new();
	struct oracle *oracle = memory_zero(1, sizeof *oracle);
	struct event_due due;
	uint32_t target = 1 + (uint32_t)random_below(&random, seed % 16 ? 60 : 3000);
	for (int step = 0; step < 400; step++) {
		unsigned kind = (unsigned)(seed % 7 < 5 ? seed % 7 : random_below(&random, 5));
		while (oracle->n < target && random_below(&random, 8))
			push_both(queue, oracle, &random, kind);
		assert_int_equal(event_queue_count(queue), oracle->n);
		if (random_below(&random, 4) == 0)
			assert_int_equal(event_queue_next(queue), oracle_next(oracle));
		if (random_below(&random, 4) == 0)
			push_both(queue, oracle, &random, kind);
		while (event_queue_take(queue, &due))
			oracle_remove(oracle, queue->now_ps, due);
		run_instant(queue, oracle, &random, kind);
		if (step % 64 == 0)
			event_queue_verify(queue);
	}
	free(oracle);
	event_queue_free(queue);
}

static void queue_agrees_with_a_searched_array(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++)
		run_program(seed);
}

/* Long holds: many reviews, growing and shrinking calendars; times must never go back and nothing may get lost. */
static void queue_keeps_order_through_reviews(void **state)
{
	(void)state;
	static const uint32_t loads[] = {100, 50000, 10, 20000, 3};
	struct event_queue *queue = event_queue_new();
	struct random_stream random = random_stream(9, "test.queue", 1);
	struct event_due due;
	uint64_t pushed = 0, taken = 0;
	for (uint32_t i = 0; i < 750000; i++) {
		for (; event_queue_count(queue) < loads[i / 150000]; pushed++) {
			int64_t delay_ps = random_delay(&random, 2 + 2 * (i / 150000 % 2));
			event_queue_push(queue, (struct event){.time_ps = queue->now_ps + delay_ps});
		}
		if (!queue->n_due) {
			int64_t before = queue->now_ps, next = event_queue_next(queue);
			assert_int_equal(event_queue_advance(queue), next);
			assert_true(queue->now_ps > before);
		}
		taken += event_queue_take(queue, &due);
		if (i % 30000 == 0)
			event_queue_verify(queue);
	}
	while (queue->n_due || event_queue_advance(queue) != INT64_MAX)
		taken += event_queue_take(queue, &due);
	assert_int_equal(pushed, taken);
	event_queue_free(queue);
}

static void queue_allocates_nothing_once_warm(void **state)
{
	(void)state;
	struct event_queue *queue = event_queue_new();
	struct random_stream random = random_stream(3, "test.queue", 2);
	struct event_due due;
	uint64_t before = 0;
	for (int i = 0; i < 1000; i++)
		event_queue_push(queue, (struct event){.time_ps = (int64_t)random_below(&random, 600000)});
	for (int i = 0; i < 1000000; i++) {
		if (i == 500000)
			before = memory_count();
		if (!queue->n_due)
			event_queue_advance(queue);
		event_queue_take(queue, &due);
		event_queue_push(queue, (struct event){.time_ps = queue->now_ps + (int64_t)random_below(&random, 600000)});
	}
	assert_int_equal(memory_count(), before);
	event_queue_free(queue);
}

struct script {
	struct engine engine;
	uint8_t handler;
	char log[64];
};

static void note(struct script *script, char what) { script->log[strlen(script->log)] = what; }

static void on_event(void *context, uint32_t argument)
{
	struct script *script = context;
	note(script, (char)('a' + argument));
	if (argument == 0) {
		engine_request(&script->engine, ENGINE_PHASE_NETWORK);
		engine_request(&script->engine, ENGINE_PHASE_CONTROL);
	}
}

static void on_control(void *context) { note(context, 'C'); }

static void on_network(void *context)
{
	struct script *script = context;
	note(script, 'N');
	engine_schedule(&script->engine, script->engine.now_ps, script->handler, 1);
	engine_schedule(&script->engine, script->engine.now_ps + 7, script->handler, 2);
}

static void instant_runs_events_then_phases_in_order_then_what_they_scheduled_for_now(void **state)
{
	(void)state;
	struct script script = {.handler = 0};
	engine_init(&script.engine);
	script.handler = engine_register(&script.engine, on_event, &script);
	engine_register_phase(&script.engine, ENGINE_PHASE_CONTROL, on_control, &script);
	engine_register_phase(&script.engine, ENGINE_PHASE_NETWORK, on_network, &script);
	engine_schedule(&script.engine, 5, script.handler, 0);
	engine_schedule(&script.engine, 5, script.handler, 0);
	engine_schedule(&script.engine, 9, script.handler, 3);
	assert_int_equal(engine_run(&script.engine, 1), ENGINE_SLICED);
	assert_string_equal(script.log, "aaCNb");
	assert_int_equal(engine_next_ps(&script.engine), 9);
	engine_schedule(&script.engine, 6, script.handler, 4);
	assert_int_equal(engine_run(&script.engine, 1000), ENGINE_DRAINED);
	assert_string_equal(script.log, "aaCNbedc");
	assert_int_equal(script.engine.now_ps, 12);
	assert_int_equal(script.engine.n_events, 6);
	assert_int_equal(script.engine.n_pushed, 6);
	engine_release(&script.engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_agrees_with_a_searched_array),
		cmocka_unit_test(queue_keeps_order_through_reviews),
		cmocka_unit_test(queue_allocates_nothing_once_warm),
		cmocka_unit_test(instant_runs_events_then_phases_in_order_then_what_they_scheduled_for_now),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
