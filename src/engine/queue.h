/* The priority queue of the engine: entries by time, ties in no particular order (the engine's phases make it irrelevant). */
#ifndef WEFT_ENGINE_QUEUE_H
#define WEFT_ENGINE_QUEUE_H

#include <stdint.h>

struct event {
	int64_t time_ps;
	uint32_t argument;
	uint8_t handler;
};

struct event_queue;
struct event_queue *event_queue_new(void);
void event_queue_free(struct event_queue *queue);
void event_queue_push(struct event_queue *queue, struct event event); /* time >= the time last popped */
/* Earliest time, or INT64_MAX when empty. */
int64_t event_queue_next(struct event_queue *queue);
/* Removes one event of the earliest time; the queue must not be empty. */
struct event event_queue_pop(struct event_queue *queue);
uint64_t event_queue_count(const struct event_queue *queue);
/* Walks everything and asserts the invariants. */
void event_queue_verify(const struct event_queue *queue);

#endif
