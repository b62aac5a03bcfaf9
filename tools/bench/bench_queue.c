/* The event queue against others, ns of CPU per pop + push in the hold model. tools/bench/run-queue links the C++ peer too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "engine/queue.h"
#include "hold.h"
#include "queue_heap.h"
#include "queue_radix.h"

static const char *const delay_names[HOLD_N] = {"distinct", "links", "skewed", "groups of 1000", "all equal"};

/* C++ std::priority_queue of the same entries; absent when bench_queue is built alone. */
double hold_std(enum hold_delay kind, uint32_t n, uint64_t holds) __attribute__((weak));

static double ns_since(clock_t start, uint64_t holds)
{
	return (double)(clock() - start) / CLOCKS_PER_SEC * 1e9 / (double)holds;
}

/* One hold loop per structure, so that each is inlined as its user would have it. */
#define HOLD(NAME, TYPE, INIT, PUSH, POP, FREE)                                                                     \
	static double hold_##NAME(enum hold_delay kind, uint32_t n, uint64_t holds)                                  \
	{                                                                                                            \
		uint64_t state = 88172645463325252u;                                                                 \
		TYPE queue;                                                                                          \
		INIT;                                                                                                \
		for (uint32_t i = 0; i < n; i++) {                                                                   \
			struct event event = {.time_ps = hold_start(kind, i, &state), .argument = i};                \
			PUSH;                                                                                        \
		}                                                                                                    \
		clock_t start = 0;                                                                                   \
		for (uint64_t i = 0; i < n + holds; i++) { /* the first n warm it up */                              \
			if (i == n)                                                                                  \
				start = clock();                                                                     \
			struct event event;                                                                          \
			POP;                                                                                         \
			event.time_ps += hold_delay(kind, &state);                                                   \
			PUSH;                                                                                        \
		}                                                                                                    \
		double ns = ns_since(start, holds);                                                                  \
		FREE;                                                                                                \
		return ns;                                                                                           \
	}

static inline struct event ours_pop(struct event_queue *queue)
{
	struct event_due due = {0};
	if (!queue->n_due)
		event_queue_advance(queue);
	event_queue_take(queue, &due);
	return (struct event){.time_ps = queue->now_ps, .argument = due.argument, .handler = due.handler};
}

static inline struct event radix_pop(struct radix *queue)
{
	struct event_due due = {0};
	if (!queue->n_due)
		radix_advance(queue);
	radix_take(queue, &due);
	return (struct event){.time_ps = queue->now_ps, .argument = due.argument, .handler = due.handler};
}

HOLD(ours, struct event_queue *, queue = event_queue_new(), event_queue_push(queue, event), event = ours_pop(queue),
     event_queue_free(queue))
HOLD(radix, struct radix *, queue = radix_new(), radix_push(queue, event), event = radix_pop(queue), radix_free(queue))
HOLD(heap, struct heap, memset(&queue, 0, sizeof queue), heap_push(&queue, event), event = heap_pop(&queue), heap_free(&queue))

/* The best of three: the machine may be shared. */
static double best(double (*hold)(enum hold_delay, uint32_t, uint64_t), enum hold_delay kind, uint32_t n, uint64_t holds)
{
	double ns = hold(kind, n, holds);
	for (int i = 0; i < 2; i++) {
		double again = hold(kind, n, holds);
		ns = again < ns ? again : ns;
	}
	return ns;
}

int main(int argc, char **argv)
{
	uint64_t holds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	printf("ns of CPU per pop + push, %llu holds, best of 3\n", (unsigned long long)holds);
	printf("%-15s %8s %8s %8s %8s %8s %10s\n", "delays", "pending", "weft", "radix", "4-heap", "std::pq", "std/weft");
	for (int kind = 0; kind < HOLD_N; kind++)
		for (uint32_t n = 100; n <= 1000000; n *= 100) {
			double ours = best(hold_ours, (enum hold_delay)kind, n, holds);
			double radix = best(hold_radix, (enum hold_delay)kind, n, holds);
			double heap = best(hold_heap, (enum hold_delay)kind, n, holds);
			double std = hold_std ? best(hold_std, (enum hold_delay)kind, n, holds) : 0;
			printf("%-15s %8u %8.1f %8.1f %8.1f %8.1f %10.1f\n", delay_names[kind], n, ours, radix, heap, std, std / ours);
		}
	return 0;
}
