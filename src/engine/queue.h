/* The event queue of the engine: a lazy calendar, the fastest of those measured in docs/performance.md.
 *
 * Time is cut into days of 2^shift ps, about as long as the gap between two instants. Bucket (day mod n_buckets) holds the
 * events of one day of the coming turn in an unsorted list; a bitmap finds the next bucket that is not empty. Only the day being
 * worked off is ordered, in a small heap, which mostly holds nothing: the events of the earliest instant go straight to `due`.
 * What lies beyond one turn waits in a heap, `far`. Length of day and number of buckets follow the load (queue.c, review).
 * A calendar queue (Brown, CACM 31(10), 1988) that sorts late, as ladder queues do (Tang, Goh, Thng, TOMACS 15(3), 2005).
 *
 * Ties come in no particular order: the engine's phases make it irrelevant. */
#ifndef WEFT_ENGINE_QUEUE_H
#define WEFT_ENGINE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_QUEUE_NONE UINT32_MAX

struct event {
	int64_t time_ps;
	uint32_t argument;
	uint8_t handler;
};

struct event_due {
	uint32_t argument;
	uint8_t handler;
};

/* In a bucket. A turn is shorter than 2^56 ps, so the low bits of the time and now_ps give it back. */
struct event_waiting {
	uint64_t time_handler; /* low 56 bits of the time, then the handler */
	uint32_t argument;
	uint32_t next;
};

struct event_heap { /* 4-ary: children of i are 4i+1 … 4i+4 */
	struct event *entries;
	size_t count, capacity;
};

struct event_queue {
	int64_t now_ps;         /* every event is at this time (due) or later */
	struct event_due *due;  /* the rest of this instant; taken from the end */
	uint32_t n_due, due_capacity;

	int64_t day;            /* `today` has all other events up to this day, buckets those of day + 1 … day + n_buckets - 1 */
	unsigned shift;
	uint32_t n_buckets;     /* a power of two >= 64 */
	uint32_t *head;         /* [n_buckets], valid where the bit is set */
	uint64_t *bits, *summary;
	struct event_waiting *waiting;
	uint32_t free_head, waiting_capacity, n_waiting;
	struct event_heap today, far, spare;

	/* Since the last review: */
	int64_t work_left;      /* the next review comes when this is used up */
	uint64_t n_days, n_instants, n_events, n_far;
};

struct event_queue *event_queue_new(void);
void event_queue_free(struct event_queue *queue);
void event_queue_grow_due(struct event_queue *queue);
void event_queue_grow_waiting(struct event_queue *queue);
void event_queue_push_ordered(struct event_queue *queue, struct event event);

/* Earliest time, or INT64_MAX when empty. Earlier events (not before now_ps) may still be pushed. */
int64_t event_queue_next(struct event_queue *queue);
/* Call with nothing due: goes to the earliest instant and makes its events due. Returns its time, INT64_MAX when empty. */
int64_t event_queue_advance(struct event_queue *queue);
/* Walks everything and asserts the invariants. */
void event_queue_verify(const struct event_queue *queue);

static inline uint64_t event_queue_count(const struct event_queue *queue)
{
	return queue->n_due + queue->n_waiting + queue->today.count + queue->far.count;
}

static inline void event_queue_push_due(struct event_queue *queue, uint32_t argument, uint8_t handler)
{
	if (__builtin_expect(queue->n_due == queue->due_capacity, 0))
		event_queue_grow_due(queue);
	queue->due[queue->n_due++] = (struct event_due){.argument = argument, .handler = handler};
}

/* event.time_ps >= now_ps. */
static inline void event_queue_push(struct event_queue *queue, struct event event)
{
	int64_t day = event.time_ps >> queue->shift;
	if (day <= queue->day || day - queue->day >= queue->n_buckets) {
		event_queue_push_ordered(queue, event);
		return;
	}
	if (__builtin_expect(queue->free_head == EVENT_QUEUE_NONE, 0))
		event_queue_grow_waiting(queue);
	uint32_t index = queue->free_head, bucket = (uint32_t)day & (queue->n_buckets - 1);
	struct event_waiting *waiting = &queue->waiting[index];
	uint64_t *bits = &queue->bits[bucket >> 6], bit = UINT64_C(1) << (bucket & 63);
	queue->free_head = waiting->next;
	queue->n_waiting++;
	waiting->time_handler = (uint64_t)event.time_ps << 8 | event.handler;
	waiting->argument = event.argument;
	waiting->next = *bits & bit ? queue->head[bucket] : EVENT_QUEUE_NONE;
	queue->head[bucket] = index;
	*bits |= bit;
	queue->summary[bucket >> 12] |= UINT64_C(1) << (bucket >> 6 & 63);
}

/* Events that probably come soon: those of the second day after today that has any; EVENT_QUEUE_NONE: there is none near. A list
 * through waiting[].next. */
static inline uint32_t event_queue_ahead(const struct event_queue *queue)
{
	uint32_t bucket = (uint32_t)(queue->day + 1) & (queue->n_buckets - 1), word = bucket >> 6;
	uint64_t bits = queue->bits[word] & ~UINT64_C(0) << (bucket & 63);
	for (uint32_t skip = 1, words = 0; words < 3; words++) {
		for (; bits; bits &= bits - 1)
			if (skip-- == 0)
				return queue->head[word * 64 + (uint32_t)__builtin_ctzll(bits)];
		word = (word + 1) & (queue->n_buckets / 64 - 1);
		bits = queue->bits[word];
	}
	return EVENT_QUEUE_NONE;
}

/* Takes one event of this instant; false when none is left. */
static inline bool event_queue_take(struct event_queue *queue, struct event_due *event)
{
	if (queue->n_due == 0)
		return false;
	*event = queue->due[--queue->n_due];
	return true;
}

#endif
