/* A peer for the event queue: a radix heap (Ahuja, Mehlhorn, Orlin, Tarjan, JACM 37(2), 1990) laid out as a hierarchical timing
 * wheel (Varghese, Lauck, SOSP 1987). An event waits in the list of (place of the highest digit in which its time differs from
 * now, that digit's value). Each advance empties the first list: its earliest events become due, the rest go to lower digits. */
#ifndef WEFT_BENCH_QUEUE_RADIX_H
#define WEFT_BENCH_QUEUE_RADIX_H

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "engine/queue.h"

#ifndef RADIX_DIGIT
#define RADIX_DIGIT 11
#endif
/* A waiting event stores 56 bits of its time; the digit of its list supplies the rest, so the top digit starts at 56 or below. */
#define RADIX_PLACES ((63 + RADIX_DIGIT - 1) / RADIX_DIGIT)
#define RADIX_VALUES (1u << RADIX_DIGIT)
#define RADIX_NONE UINT32_MAX
_Static_assert((RADIX_PLACES - 1) * RADIX_DIGIT <= 56, "the top digit must start within the stored bits");

struct radix_waiting {
	uint64_t time_handler; /* low 56 bits of the time, then the handler */
	uint32_t argument;
	uint32_t next;
};

struct radix {
	int64_t now_ps;        /* every event is at this time (due) or later (waiting) */
	struct event_due *due; /* the rest of this instant; taken from the end */
	uint32_t n_due, due_capacity;
	struct radix_waiting *waiting;
	uint32_t free_head, waiting_capacity, n_waiting;
	uint16_t places;       /* bit per place that has a list which is not empty */
	uint64_t summary[RADIX_PLACES];
	uint64_t bits[RADIX_PLACES][RADIX_VALUES / 64];
	uint32_t head[RADIX_PLACES][RADIX_VALUES]; /* valid where the bit is set */
};

static inline struct radix *radix_new(void);
static inline void radix_free(struct radix *queue);
static inline void radix_grow_due(struct radix *queue);
static inline void radix_grow_waiting(struct radix *queue);

/* Call with nothing due: goes to the earliest instant and makes its events due. Returns its time, INT64_MAX when empty. */
static inline int64_t radix_advance(struct radix *queue);

static inline void radix_link(struct radix *queue, uint32_t index, uint64_t time)
{
	uint64_t differs = time ^ (uint64_t)queue->now_ps; /* not 0 */
	unsigned place = (63u - (unsigned)__builtin_clzll(differs)) / RADIX_DIGIT;
	unsigned value = (unsigned)(time >> place * RADIX_DIGIT) & (RADIX_VALUES - 1);
	uint64_t *bits = &queue->bits[place][value / 64], bit = UINT64_C(1) << value % 64;
	queue->waiting[index].next = *bits & bit ? queue->head[place][value] : RADIX_NONE;
	queue->head[place][value] = index;
	*bits |= bit;
	queue->summary[place] |= UINT64_C(1) << value / 64;
	queue->places |= (uint16_t)(1u << place);
}

static inline void radix_push_due(struct radix *queue, uint32_t argument, uint8_t handler)
{
	if (__builtin_expect(queue->n_due == queue->due_capacity, 0))
		radix_grow_due(queue);
	queue->due[queue->n_due++] = (struct event_due){.argument = argument, .handler = handler};
}

/* event.time_ps >= now_ps. */
static inline void radix_push(struct radix *queue, struct event event)
{
	uint64_t time = (uint64_t)event.time_ps;
	if (event.time_ps == queue->now_ps) {
		radix_push_due(queue, event.argument, event.handler);
		return;
	}
	if (__builtin_expect(queue->free_head == RADIX_NONE, 0))
		radix_grow_waiting(queue);
	uint32_t index = queue->free_head;
	struct radix_waiting *waiting = &queue->waiting[index];
	queue->free_head = waiting->next;
	queue->n_waiting++;
	waiting->time_handler = time << 8 | event.handler;
	waiting->argument = event.argument;
	radix_link(queue, index, time);
}

/* Takes one event of this instant; false when none is left. */
static inline bool radix_take(struct radix *queue, struct event_due *event)
{
	if (queue->n_due == 0)
		return false;
	*event = queue->due[--queue->n_due];
	return true;
}

static inline struct radix *radix_new(void)
{
	struct radix *queue = memory_zero(1, sizeof *queue);
	queue->free_head = RADIX_NONE;
	return queue;
}

static inline void radix_free(struct radix *queue)
{
	if (!queue)
		return;
	free(queue->due);
	free(queue->waiting);
	free(queue);
}

static inline uint32_t radix_doubled(uint32_t capacity)
{
	if (capacity > UINT32_MAX / 4)
		memory_failed(SIZE_MAX);
	return capacity ? capacity * 2 : 64;
}

static inline void radix_grow_due(struct radix *queue)
{
	queue->due_capacity = radix_doubled(queue->due_capacity);
	queue->due = memory_resize(queue->due, queue->due_capacity, sizeof *queue->due);
}

static inline void radix_grow_waiting(struct radix *queue)
{
	uint32_t old = queue->waiting_capacity, capacity = radix_doubled(old);
	queue->waiting = memory_resize(queue->waiting, capacity, sizeof *queue->waiting);
	for (uint32_t i = capacity; i-- > old;) {
		queue->waiting[i].next = queue->free_head;
		queue->free_head = i;
	}
	queue->waiting_capacity = capacity;
}

struct radix_slot {
	unsigned place, value;
};

static inline struct radix_slot radix_first_slot(const struct radix *queue)
{
	unsigned place = (unsigned)__builtin_ctz(queue->places);
	unsigned word = (unsigned)__builtin_ctzll(queue->summary[place]);
	return (struct radix_slot){place, word * 64 + (unsigned)__builtin_ctzll(queue->bits[place][word])};
}

/* What all times in a slot share, ready to be joined with the stored bits below `mask`. */
static inline uint64_t radix_slot_base(const struct radix *queue, struct radix_slot slot, uint64_t *mask)
{
	unsigned shift = slot.place * RADIX_DIGIT, above = shift + RADIX_DIGIT;
	uint64_t high = above < 64 ? (uint64_t)queue->now_ps >> above << above : 0;
	*mask = (UINT64_C(1) << shift) - 1;
	return high | (uint64_t)slot.value << shift;
}

static inline uint64_t radix_earliest(const struct radix *queue, struct radix_slot slot)
{
	uint64_t mask, base = radix_slot_base(queue, slot, &mask), low = UINT64_MAX;
	if (slot.place == 0)
		return base;
	for (uint32_t i = queue->head[slot.place][slot.value]; i != RADIX_NONE; i = queue->waiting[i].next) {
		uint64_t time = queue->waiting[i].time_handler >> 8 & mask;
		if (time < low)
			low = time;
	}
	return base | low;
}

static inline void radix_clear(struct radix *queue, struct radix_slot slot)
{
	uint64_t *bits = &queue->bits[slot.place][slot.value / 64];
	*bits &= *bits - 1; /* it is the lowest */
	if (*bits)
		return;
	queue->summary[slot.place] &= queue->summary[slot.place] - 1;
	if (!queue->summary[slot.place])
		queue->places &= (uint16_t)(queue->places - 1);
}

static inline void radix_give_back(struct radix *queue, uint32_t index)
{
	queue->waiting[index].next = queue->free_head;
	queue->free_head = index;
	queue->n_waiting--;
}

static inline int64_t radix_advance(struct radix *queue)
{
	assert(queue->n_due == 0);
	if (!queue->places)
		return INT64_MAX;
	struct radix_slot slot = radix_first_slot(queue);
	uint64_t mask, base = radix_slot_base(queue, slot, &mask), now = radix_earliest(queue, slot);
	uint32_t next, i = queue->head[slot.place][slot.value];
	queue->now_ps = (int64_t)now;
	radix_clear(queue, slot);
	for (; i != RADIX_NONE; i = next) {
		struct radix_waiting *waiting = &queue->waiting[i];
		uint64_t time = base | (waiting->time_handler >> 8 & mask);
		next = waiting->next;
		if (time == now) {
			radix_push_due(queue, waiting->argument, (uint8_t)waiting->time_handler);
			radix_give_back(queue, i);
		} else {
			radix_link(queue, i, time);
		}
	}
	return queue->now_ps;
}

#endif
