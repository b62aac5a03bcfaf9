#include "engine/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

enum { BUCKETS_MIN = 1 << 10, BUCKETS_MAX = 1 << 24, SHIFT_START = 10, WORK_MIN = 1 << 12, TURN_BITS = 55 };

/* heap */

static void heap_push(struct event_heap *heap, struct event event)
{
	if (heap->count == heap->capacity)
		ARRAY_RESERVE(heap->entries, heap->count + 1, heap->capacity);
	size_t i = heap->count++;
	while (i > 0) {
		size_t parent = (i - 1) / 4;
		if (heap->entries[parent].time_ps <= event.time_ps)
			break;
		heap->entries[i] = heap->entries[parent];
		i = parent;
	}
	heap->entries[i] = event;
}

static struct event heap_pop(struct event_heap *heap)
{
	struct event top = heap->entries[0], last = heap->entries[--heap->count];
	size_t i = 0, n = heap->count;
	while (4 * i + 1 < n) {
		size_t child = 4 * i + 1, best = child, end = child + 4 < n ? child + 4 : n;
		for (size_t c = child + 1; c < end; c++)
			if (heap->entries[c].time_ps < heap->entries[best].time_ps)
				best = c;
		if (heap->entries[best].time_ps >= last.time_ps)
			break;
		heap->entries[i] = heap->entries[best];
		i = best;
	}
	heap->entries[i] = last;
	return top;
}

/* memory */

static void set_buckets(struct event_queue *queue, uint32_t n_buckets)
{
	free(queue->head);
	free(queue->bits);
	free(queue->summary);
	queue->n_buckets = n_buckets;
	queue->head = memory_alloc(n_buckets * sizeof *queue->head);
	queue->bits = memory_zero(n_buckets / 64, sizeof *queue->bits);
	queue->summary = memory_zero((n_buckets + 4095) / 4096, sizeof *queue->summary);
}

struct event_queue *event_queue_new(void)
{
	struct event_queue *queue = memory_zero(1, sizeof *queue);
	queue->free_head = EVENT_QUEUE_NONE;
	queue->shift = SHIFT_START;
	queue->work_left = WORK_MIN;
	set_buckets(queue, BUCKETS_MIN);
	return queue;
}

void event_queue_free(struct event_queue *queue)
{
	if (!queue)
		return;
	free(queue->due);
	free(queue->waiting);
	free(queue->head);
	free(queue->bits);
	free(queue->summary);
	free(queue->today.entries);
	free(queue->far.entries);
	free(queue->spare.entries);
	free(queue);
}

static uint32_t doubled(uint32_t capacity)
{
	if (capacity > UINT32_MAX / 4)
		memory_failed(SIZE_MAX);
	return capacity ? capacity * 2 : 64;
}

void event_queue_grow_due(struct event_queue *queue)
{
	queue->due_capacity = doubled(queue->due_capacity);
	queue->due = memory_resize(queue->due, queue->due_capacity, sizeof *queue->due);
}

void event_queue_grow_waiting(struct event_queue *queue)
{
	uint32_t old = queue->waiting_capacity, capacity = doubled(old);
	queue->waiting = memory_resize(queue->waiting, capacity, sizeof *queue->waiting);
	for (uint32_t i = capacity; i-- > old;) {
		queue->waiting[i].next = queue->free_head;
		queue->free_head = i;
	}
	queue->waiting_capacity = capacity;
	if (capacity > 2 * queue->n_buckets)
		queue->work_left = 0;
}

static void give_back(struct event_queue *queue, uint32_t index)
{
	queue->waiting[index].next = queue->free_head;
	queue->free_head = index;
	queue->n_waiting--;
}

/* turning */

void event_queue_push_ordered(struct event_queue *queue, struct event event)
{
	if (event.time_ps == queue->now_ps) {
		event_queue_push_due(queue, event.argument, event.handler);
	} else if (event.time_ps >> queue->shift <= queue->day) {
		heap_push(&queue->today, event);
	} else {
		heap_push(&queue->far, event);
		queue->n_far++;
	}
}

static uint64_t waiting_time(const struct event_queue *queue, uint32_t index)
{
	uint64_t now = (uint64_t)queue->now_ps;
	return now + (((queue->waiting[index].time_handler >> 8) - now) & UINT64_MAX >> 8);
}

/* The first bucket from `from` on, going round, that is not empty; n_waiting > 0. */
static uint32_t next_bucket(struct event_queue *queue, uint32_t from)
{
	uint32_t word = from >> 6, n_summary = (queue->n_buckets + 4095) / 4096, at = word >> 6;
	uint64_t bits = queue->bits[word] & UINT64_MAX << (from & 63);
	if (bits)
		return word << 6 | (uint32_t)__builtin_ctzll(bits);
	uint64_t words = (word & 63) == 63 ? 0 : queue->summary[at] & UINT64_MAX << ((word & 63) + 1);
	while (!words) {
		at = at + 1 == n_summary ? 0 : at + 1;
		words = queue->summary[at];
		queue->work_left--;
	}
	word = at << 6 | (uint32_t)__builtin_ctzll(words);
	return word << 6 | (uint32_t)__builtin_ctzll(queue->bits[word]);
}

static int64_t next_day(struct event_queue *queue)
{
	uint32_t mask = queue->n_buckets - 1, from = (uint32_t)(queue->day + 1) & mask;
	return queue->day + 1 + ((next_bucket(queue, from) - from) & mask);
}

/* Takes a bucket's list out of the calendar. */
static uint32_t take_bucket(struct event_queue *queue, uint32_t bucket)
{
	uint64_t *bits = &queue->bits[bucket >> 6], bit = UINT64_C(1) << (bucket & 63);
	if (!(*bits & bit))
		return EVENT_QUEUE_NONE;
	*bits &= ~bit;
	if (!*bits)
		queue->summary[bucket >> 12] &= ~(UINT64_C(1) << (bucket >> 6 & 63));
	return queue->head[bucket];
}

static void pull_far(struct event_queue *queue)
{
	while (queue->far.count && (queue->far.entries[0].time_ps >> queue->shift) - queue->day < queue->n_buckets) {
		struct event event = heap_pop(&queue->far);
		if (event.time_ps >> queue->shift <= queue->day)
			heap_push(&queue->today, event);
		else
			event_queue_push(queue, event);
	}
}

/* Goes to the next day that has events (there are some, and none today). Its list is returned, not yet ordered. */
static uint32_t turn(struct event_queue *queue)
{
	int64_t far = queue->far.count ? queue->far.entries[0].time_ps >> queue->shift : INT64_MAX;
	int64_t near = queue->n_waiting ? next_day(queue) : INT64_MAX;
	queue->day = near < far ? near : far;
	queue->work_left--;
	queue->n_days++;
	uint32_t list = take_bucket(queue, (uint32_t)queue->day & (queue->n_buckets - 1));
	if (far != INT64_MAX)
		pull_far(queue);
	return list;
}

static void order(struct event_queue *queue, uint32_t list)
{
	for (uint32_t next; list != EVENT_QUEUE_NONE; list = next) {
		struct event_waiting *waiting = &queue->waiting[list];
		heap_push(&queue->today, (struct event){.time_ps = (int64_t)waiting_time(queue, list), .argument = waiting->argument,
							.handler = (uint8_t)waiting->time_handler});
		next = waiting->next;
		give_back(queue, list);
	}
}

static int64_t earliest(const struct event_queue *queue, uint32_t list)
{
	int64_t least = INT64_MAX;
	for (; list != EVENT_QUEUE_NONE; list = queue->waiting[list].next) {
		int64_t time = (int64_t)waiting_time(queue, list);
		least = time < least ? time : least;
	}
	return least;
}

/* The earliest of a list becomes due, the rest is ordered. Nothing else is earlier. */
static void split(struct event_queue *queue, uint32_t list)
{
	int64_t now = earliest(queue, list);
	uint64_t stored = (uint64_t)now << 8;
	for (uint32_t next; list != EVENT_QUEUE_NONE; list = next) {
		struct event_waiting *waiting = &queue->waiting[list];
		next = waiting->next;
		if (((waiting->time_handler ^ stored) & ~UINT64_C(0xff)) == 0)
			event_queue_push_due(queue, waiting->argument, (uint8_t)waiting->time_handler);
		else
			heap_push(&queue->today, (struct event){.time_ps = (int64_t)waiting_time(queue, list),
								.argument = waiting->argument,
								.handler = (uint8_t)waiting->time_handler});
		give_back(queue, list);
	}
	queue->now_ps = now;
	queue->n_events += queue->n_due;
}

/* review: does the calendar still fit its load? */

static void rebuild(struct event_queue *queue, uint32_t n_buckets, unsigned shift)
{
	for (uint32_t bucket = 0; queue->n_waiting; bucket++)
		order(queue, take_bucket(queue, bucket));
	struct event_heap all = queue->today; /* change places with the spare one: no allocation once warm */
	queue->today = queue->spare;
	if (n_buckets != queue->n_buckets)
		set_buckets(queue, n_buckets);
	queue->shift = shift;
	queue->day = queue->now_ps >> shift;
	for (size_t i = 0; i < all.count; i++)
		event_queue_push(queue, all.entries[i]);
	all.count = 0;
	queue->spare = all;
	pull_far(queue);
}

/* Days are too long when they have more than one instant, a turn too short when many events were far. Every change is paid for by
 * the work that led to it. A simulation that has settled rebuilds nothing. */
static void review(struct event_queue *queue)
{
	uint64_t count = event_queue_count(queue), days = queue->n_days + 1u;
	uint32_t n_buckets = queue->n_buckets;
	unsigned shift = queue->shift;
	bool distant = queue->n_far > queue->n_events / 8 + 1;
	while (n_buckets < BUCKETS_MAX && n_buckets < count)
		n_buckets *= 2;
	while (n_buckets > BUCKETS_MIN && n_buckets / 32 > count)
		n_buckets /= 2;
	if (distant && n_buckets == queue->n_buckets && n_buckets < BUCKETS_MAX && n_buckets / 8 < count)
		n_buckets *= 2;
	else if (distant && 20 * queue->n_instants <= 23 * days) /* twice as long, a day is still not crowded */
		shift += queue->n_far > queue->n_events / 2 && 25 * queue->n_instants <= 26 * days ? 3 : 1;
	for (uint64_t instants = queue->n_instants; shift > 0 && 5 * instants > 7 * days; instants /= 2)
		shift--;
	while (shift > 0 && (uint64_t)n_buckets > UINT64_C(1) << TURN_BITS >> shift)
		shift--;
	bool changed = n_buckets != queue->n_buckets || shift != queue->shift;
	if (changed)
		rebuild(queue, n_buckets, shift);
	queue->n_events = queue->n_instants = queue->n_far = queue->n_days = 0;
	queue->work_left = WORK_MIN + (int64_t)(changed ? count / 4 : count) + n_buckets / 16;
}

int64_t event_queue_next(struct event_queue *queue)
{
	if (queue->n_due)
		return queue->now_ps;
	if (!queue->today.count && event_queue_count(queue) > 0)
		order(queue, turn(queue));
	return queue->today.count ? queue->today.entries[0].time_ps : INT64_MAX;
}

int64_t event_queue_advance(struct event_queue *queue)
{
	assert(queue->n_due == 0);
	if (queue->work_left <= 0)
		review(queue);
	queue->n_instants++;
	if (!queue->today.count) {
		if (!queue->n_waiting && !queue->far.count)
			return INT64_MAX;
		uint32_t list = turn(queue);
		if (!queue->today.count) {
			split(queue, list);
			return queue->now_ps;
		}
		order(queue, list);
	}
	queue->now_ps = queue->today.entries[0].time_ps;
	queue->work_left--;
	do {
		struct event event = heap_pop(&queue->today);
		event_queue_push_due(queue, event.argument, event.handler);
	} while (queue->today.count && queue->today.entries[0].time_ps == queue->now_ps);
	queue->n_events += queue->n_due;
	return queue->now_ps;
}

static void verify_heap(const struct event_heap *heap, int64_t now_ps)
{
	for (size_t i = 0; i < heap->count; i++)
		assert(heap->entries[i].time_ps > now_ps && heap->entries[i].time_ps >= heap->entries[i ? (i - 1) / 4 : 0].time_ps);
	(void)heap;
	(void)now_ps;
}

void event_queue_verify(const struct event_queue *queue)
{
	uint32_t n = 0;
	verify_heap(&queue->today, queue->now_ps);
	verify_heap(&queue->far, queue->now_ps);
	for (uint32_t bucket = 0; bucket < queue->n_buckets; bucket++) {
		if (!(queue->bits[bucket >> 6] >> (bucket & 63) & 1))
			continue;
		assert(queue->summary[bucket >> 12] >> (bucket >> 6 & 63) & 1);
		for (uint32_t i = queue->head[bucket]; i != EVENT_QUEUE_NONE; i = queue->waiting[i].next, n++) {
			int64_t day = (int64_t)waiting_time(queue, i) >> queue->shift;
			assert(day > queue->day && day - queue->day < queue->n_buckets);
			assert(((uint32_t)day & (queue->n_buckets - 1)) == bucket);
			(void)day;
		}
	}
	assert(n == queue->n_waiting);
	(void)n;
}
