/* A peer for the event queue: a 4-ary heap, children of i are 4i+1 … 4i+4. */
#ifndef WEFT_BENCH_QUEUE_HEAP_H
#define WEFT_BENCH_QUEUE_HEAP_H

#include <stddef.h>
#include <stdlib.h>

#include "base/memory.h"
#include "engine/queue.h"

struct heap {
	struct event *entries;
	size_t count, capacity;
};

static inline void heap_push(struct heap *heap, struct event event)
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

static inline struct event heap_pop(struct heap *heap)
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

static inline void heap_free(struct heap *heap) { free(heap->entries); }

#endif
