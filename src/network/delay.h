/* Delay lines: things that come due a while from now. Entries with the same delay come due in the order in which they entered,
 * so they wait in a ring buffer and only its head is in the engine's queue: thousands of equal messages cost one queue entry.
 * Delays beyond the number of lines go to the engine one by one; nothing but the cost depends on it. */
#ifndef WEFT_NETWORK_DELAY_H
#define WEFT_NETWORK_DELAY_H

#include <stdint.h>

#include "base/memory.h"
#include "engine/engine.h"

#define DELAY_LINES 256

struct delay_entry {
	int64_t due_ps;
	uint32_t item, stamp; /* the owner's; a stamp lets it recognise an entry that is no longer meant */
};

struct delay_line {
	int64_t delay_ps;
	struct delay_entry *ring;
	uint32_t head, count, capacity; /* capacity is a power of two */
};

typedef void delay_due(void *context, uint32_t item, uint32_t stamp);

struct delays {
	struct engine *engine;
	delay_due *due;
	void *context;
	uint8_t line_handler, single_handler;
	struct delay_line lines[DELAY_LINES];
	struct pool singles;
};

void delays_init(struct delays *delays, struct engine *engine, delay_due *due, void *context);
void delays_release(struct delays *delays);
/* `due` is called with item and stamp at now + delay_ps, from an event handler; delay_ps >= 0. */
void delays_add(struct delays *delays, int64_t delay_ps, uint32_t item, uint32_t stamp);

#endif
