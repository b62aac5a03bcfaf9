#include "engine/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

/* A 4-ary heap: children of i are 4i+1 … 4i+4. */
struct event_queue {
	struct event *heap;
	size_t count, capacity;
};

struct event_queue *event_queue_new(void) { return memory_zero(1, sizeof(struct event_queue)); }

void event_queue_free(struct event_queue *queue)
{
	if (!queue)
		return;
	free(queue->heap);
	free(queue);
}

void event_queue_push(struct event_queue *queue, struct event event)
{
	ARRAY_RESERVE(queue->heap, queue->count + 1, queue->capacity);
	size_t i = queue->count++;
	while (i > 0) {
		size_t parent = (i - 1) / 4;
		if (queue->heap[parent].time_ps <= event.time_ps)
			break;
		queue->heap[i] = queue->heap[parent];
		i = parent;
	}
	queue->heap[i] = event;
}

int64_t event_queue_next(struct event_queue *queue) { return queue->count ? queue->heap[0].time_ps : INT64_MAX; }

struct event event_queue_pop(struct event_queue *queue)
{
	assert(queue->count > 0);
	struct event top = queue->heap[0], last = queue->heap[--queue->count];
	size_t i = 0, n = queue->count;
	while (4 * i + 1 < n) {
		size_t child = 4 * i + 1, best = child, end = child + 4 < n ? child + 4 : n;
		for (size_t c = child + 1; c < end; c++)
			if (queue->heap[c].time_ps < queue->heap[best].time_ps)
				best = c;
		if (queue->heap[best].time_ps >= last.time_ps)
			break;
		queue->heap[i] = queue->heap[best];
		i = best;
	}
	queue->heap[i] = last;
	return top;
}

uint64_t event_queue_count(const struct event_queue *queue) { return queue->count; }

void event_queue_verify(const struct event_queue *queue)
{
	for (size_t i = 1; i < queue->count; i++)
		assert(queue->heap[(i - 1) / 4].time_ps <= queue->heap[i].time_ps);
}
