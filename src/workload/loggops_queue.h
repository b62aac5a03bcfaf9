/* In which order the LogGOPS dialects handle what happens at one time: their queues, and the sorting of what becomes ready together. */
#ifndef WEFT_WORKLOAD_LOGGOPS_QUEUE_H
#define WEFT_WORKLOAD_LOGGOPS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct workload;

struct loggops_entry {
	int64_t time_ps;
	uint64_t order;
	uint32_t rank, what; /* an operation of the rank, or MESSAGE | index of a message on its way to it */
};

/* Time of the whole simulation is this heap. Ties: by order (what comes back keeps its own), or by times alone, as the C++ library's
 * push_heap and pop_heap leave them. */
struct loggops_queue {
	struct loggops_entry *heap;
	size_t n, capacity;
	bool time_only;
};
void loggops_push(struct loggops_queue *queue, struct loggops_entry entry);
struct loggops_entry loggops_pop(struct loggops_queue *queue);

/* An operation whose last dependency was met during the event at hand. */
struct loggops_freed {
	uint32_t rank, op, cause;
	int64_t after_ps; /* when the last of its dependencies ended */
};

/* By rank; within a rank sends, receives, the rest, in the order in which the C++ library's std::sort leaves them. They come rank by
 * rank. */
void loggops_sort(const struct workload *workload, struct loggops_freed *freed, size_t n);

#endif
