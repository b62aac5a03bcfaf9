#include "network/delay.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PROBES 8u

static void line_due(void *context, uint32_t index)
{
	struct delays *delays = context;
	struct delay_line *line = &delays->lines[index];
	int64_t now_ps = delays->engine->now_ps;
	while (line->count && line->ring[line->head].due_ps == now_ps) {
		struct delay_entry entry = line->ring[line->head];
		line->head = (line->head + 1) & (line->capacity - 1);
		bool last = --line->count == 0;
		delays->due(delays->context, entry.item, entry.stamp);
		if (last)
			return; /* whoever entered since has scheduled the head */
	}
	if (line->count)
		engine_schedule(delays->engine, line->ring[line->head].due_ps, delays->line_handler, index);
}

static void single_due(void *context, uint32_t index)
{
	struct delays *delays = context;
	struct delay_entry entry = *(struct delay_entry *)pool_at(&delays->singles, index);
	pool_give(&delays->singles, index);
	delays->due(delays->context, entry.item, entry.stamp);
}

void delays_init(struct delays *delays, struct engine *engine, delay_due *due, void *context)
{
	memset(delays, 0, sizeof *delays);
	delays->engine = engine;
	delays->due = due;
	delays->context = context;
	delays->line_handler = engine_register(engine, line_due, delays);
	delays->single_handler = engine_register(engine, single_due, delays);
	pool_init(&delays->singles, sizeof(struct delay_entry));
}

void delays_release(struct delays *delays)
{
	for (uint32_t i = 0; i < DELAY_LINES; i++)
		free(delays->lines[i].ring);
	pool_release(&delays->singles);
}

static void grow(struct delay_line *line)
{
	uint32_t capacity = line->capacity ? line->capacity * 2 : 8;
	struct delay_entry *ring = memory_alloc(capacity * sizeof *ring);
	for (uint32_t i = 0; i < line->count; i++)
		ring[i] = line->ring[(line->head + i) & (line->capacity - 1)];
	free(line->ring);
	line->ring = ring;
	line->head = 0;
	line->capacity = capacity;
}

/* The line of this delay, or an empty one that becomes it; DELAY_LINES when all near its place hold other delays. */
static uint32_t find_line(const struct delays *delays, int64_t delay_ps)
{
	uint32_t start = (uint32_t)((uint64_t)delay_ps * UINT64_C(0x9e3779b97f4a7c15) >> 56), empty = DELAY_LINES;
	for (uint32_t i = 0; i < PROBES; i++) {
		uint32_t index = (start + i) % DELAY_LINES;
		const struct delay_line *line = &delays->lines[index];
		if (line->count && line->delay_ps == delay_ps)
			return index;
		if (!line->count && empty == DELAY_LINES)
			empty = index;
	}
	return empty;
}

static void add_single(struct delays *delays, struct delay_entry entry)
{
	uint32_t index = pool_take(&delays->singles);
	*(struct delay_entry *)pool_at(&delays->singles, index) = entry;
	engine_schedule(delays->engine, entry.due_ps, delays->single_handler, index);
}

void delays_add(struct delays *delays, int64_t delay_ps, uint32_t item, uint32_t stamp)
{
	struct delay_entry entry = {.due_ps = time_add(delays->engine->now_ps, delay_ps), .item = item, .stamp = stamp};
	uint32_t index = find_line(delays, delay_ps);
	if (index == DELAY_LINES) {
		add_single(delays, entry);
		return;
	}
	struct delay_line *line = &delays->lines[index];
	if (line->count == line->capacity)
		grow(line);
	line->delay_ps = delay_ps;
	line->ring[(line->head + line->count++) & (line->capacity - 1)] = entry;
	if (line->count == 1)
		engine_schedule(delays->engine, entry.due_ps, delays->line_handler, index);
}
