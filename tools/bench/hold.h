/* The hold model (Jones, CACM 29(4), 1986): n events are pending; take the earliest, put it back later. What differs is how
 * much later. Shared by bench_queue.c and its peer in C++. */
#ifndef WEFT_BENCH_HOLD_H
#define WEFT_BENCH_HOLD_H

#include <stdint.h>

enum hold_delay {
	HOLD_DISTINCT, /* uniform over 2 µs */
	HOLD_LINKS,    /* serializations of 4106 B at 224 Gb/s and 400 Gb/s, flights of 500 ns: what a packet model makes */
	HOLD_SKEWED,   /* one in 16 is 1 ms away, the others as in links */
	HOLD_GROUPS,   /* 1000 events share each instant */
	HOLD_EQUAL,    /* all events at one instant */
	HOLD_N
};

static inline uint64_t hold_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline int64_t hold_delay(enum hold_delay kind, uint64_t *state)
{
	static const int64_t links[4] = {146643, 82120, 500000, 582120};
	switch (kind) {
	case HOLD_DISTINCT: return 1 + (int64_t)(hold_random(state) & 0x1fffff);
	case HOLD_LINKS: return links[hold_random(state) & 3];
	case HOLD_SKEWED: return hold_random(state) & 15 << 4 ? links[hold_random(state) & 3] : 1000000000;
	case HOLD_GROUPS:
	case HOLD_EQUAL: return 82120;
	default: return 1;
	}
}

static inline int64_t hold_start(enum hold_delay kind, uint32_t i, uint64_t *state)
{
	if (kind == HOLD_GROUPS)
		return 977 * (int64_t)(i / 1000);
	return kind == HOLD_EQUAL ? 0 : (int64_t)(hold_random(state) & 0x1fffff);
}

#endif
