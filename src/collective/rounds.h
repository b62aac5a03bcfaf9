/* Which messages of a schedule travel at the same time, were every message to take one round: what `auto` judges links by. */
#ifndef WEFT_COLLECTIVE_ROUNDS_H
#define WEFT_COLLECTIVE_ROUNDS_H

#include "collective/collective.h"

struct round_message {
	uint32_t from, to;        /* positions in the group */
	int64_t bytes;
};
/* Of a send: the one after the last that it waits for (earlier steps of its thread, what they received, other threads). */
struct rounds {
	struct round_message *messages; /* by round, then by rank, thread and step */
	uint32_t *first;          /* [n + 1]: into messages */
	uint32_t n;               /* rounds */
	double latency_ps;        /* summed over the chain of messages, each waiting for the one before to arrive, where that is most */
	double scale;             /* steps of the schedule over steps looked at: 1 unless it has more than the limit */
};
/* Of the way between two positions of the group; negative: there is none. */
typedef double round_latency(void *context, uint32_t from, uint32_t to);
/* Looks at no more than `limit` steps: of longer schedules at the first ones of every thread, evenly. -1 when that is
 * not even two of each, the steps wait for each other in a circle, or there is no way for a message. */
int rounds_init(struct rounds *rounds, const struct collective_plan *plan, uint32_t limit, round_latency *latency, void *context);
void rounds_release(struct rounds *rounds);

#endif
