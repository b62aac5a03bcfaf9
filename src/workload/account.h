/* Where a rank's time goes. At every moment a rank is in exactly one class, decided by four counters:
 *
 *   computing > 0:  hidden when something moves, else compute
 *   failed > 0:     failed                     (it computes nothing and a failure holds it)
 *   moving > 0:     exposed
 *   communicating:  wait_peer                  (a send, receive or collective is open and nothing of it moves)
 *   else:           wait_dependency
 *
 * `moving` counts messages on their way: from posting until the last byte has left for the sender, until delivery for the
 * receiver; and the local work of a collective (launch, step overhead, reduction). Only what lies between two moments is
 * counted, so the order of changes within an instant does not matter, and the classes sum to the end exactly. */
#ifndef WEFT_WORKLOAD_ACCOUNT_H
#define WEFT_WORKLOAD_ACCOUNT_H

#include "workload/run.h"

static inline enum rank_class rank_class_now(const struct rank_state *rank)
{
	if (rank->n_computing)
		return rank->n_moving ? RANK_HIDDEN : RANK_COMPUTE;
	if (rank->n_failed)
		return RANK_FAILED;
	if (rank->n_moving)
		return RANK_EXPOSED;
	return rank->n_communicating ? RANK_WAIT_PEER : RANK_WAIT_DEPENDENCY;
}

static inline void rank_account(struct rank_state *rank, int64_t now_ps)
{
	if (now_ps == rank->since_ps)
		return;
	rank->class_ps[rank_class_now(rank)] += now_ps - rank->since_ps;
	rank->since_ps = now_ps;
}

static inline void rank_moving(struct rank_state *rank, int64_t now_ps, bool begins)
{
	if (begins) {
		if (!rank->n_moving)
			rank_account(rank, now_ps);
		rank->n_moving++;
	} else {
		if (rank->n_moving == 1)
			rank_account(rank, now_ps);
		rank->n_moving--;
	}
}

static inline void rank_count(struct rank_state *rank, uint32_t *counter, int64_t now_ps, bool begins)
{
	rank_account(rank, now_ps);
	*counter += begins ? 1u : UINT32_MAX;
}

/* What it has computed so far. */
static inline int64_t rank_computed_ps(struct rank_state *rank, int64_t now_ps)
{
	rank_account(rank, now_ps);
	return rank->class_ps[RANK_COMPUTE] + rank->class_ps[RANK_HIDDEN];
}

#endif
