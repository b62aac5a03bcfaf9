/* Chips that compute slowly (thermal throttling) or are dead. Timers cannot be cancelled: an operation knows when its own is due, and
 * an event at another time is not it. What a dead rank would do in the issue phase is kept, and done when the rank is there again. */
#include <math.h>
#include <stdlib.h>

#include "base/time.h"
#include "workload/account.h"
#include "workload/run.h"

int64_t chip_duration_ps(const struct executor *x, uint32_t rank, int64_t duration_ps)
{
	if (!x->slow || x->slow[rank] == 1 || !duration_ps)
		return duration_ps;
	double stretched = ceil((double)duration_ps * x->slow[rank]);
	return stretched < 9e18 ? (int64_t)stretched : TIME_NEVER;
}

void timer_start(struct executor *x, uint32_t index, int64_t duration_ps)
{
	int64_t due_ps = time_add(x->engine->now_ps, duration_ps);
	running_at(x, index)->due_ps = due_ps;
	engine_schedule(x->engine, due_ps, x->on_timer, index);
}

bool timer_is_due(struct executor *x, uint32_t index)
{
	struct running *running = running_at(x, index);
	if (running->due_ps != x->engine->now_ps)
		return false;
	running->due_ps = -1; /* a timer that was set anew for this same instant has two events */
	return true;
}

static bool computes(const struct executor *x, const struct running *running)
{
	const struct op *op = running_op(x, running);
	return op->kind == OP_COMPUTE && !(op->flags & OP_HOST);
}

/* Calls `change` for what runs on a rank and has a timer, or had one when the chip died. */
static void each_timed(struct executor *x, uint32_t rank, void (*change)(struct executor *x, uint32_t running))
{
	for (uint32_t i = 0; i < x->running.capacity; i++) {
		const struct running *running = running_at(x, i);
		if (x->running.next[i] == POOL_USED && x->actors[running->actor].rank == rank &&
		    (running->due_ps >= 0 || running->held_ps >= 0))
			change(x, i);
	}
}

/* Slow chips */

static void set_slow(struct executor *x, uint32_t rank, double times)
{
	if (!x->slow) {
		x->slow = memory_alloc((x->setup.n_ranks + 1u) * sizeof *x->slow);
		for (uint32_t r = 0; r <= x->setup.n_ranks; r++)
			x->slow[r] = 1;
	}
	x->slow[rank] = times;
}

void executor_rank_slow(struct executor *x, uint32_t rank, double times)
{
	double before = x->slow ? x->slow[rank] : 1;
	set_slow(x, rank, times);
	for (uint32_t i = 0; before != times && i < x->running.capacity; i++) {
		struct running *running = running_at(x, i);
		if (x->running.next[i] != POOL_USED || x->actors[running->actor].rank != rank || !computes(x, running) ||
		    running->due_ps <= x->engine->now_ps)
			continue;
		timer_start(x, i, (int64_t)ceil((double)(running->due_ps - x->engine->now_ps) / before * times));
	}
}

/* Dead chips */

bool hold_actor(struct executor *x, uint32_t actor)
{
	if (!rank_is_crashed(x, x->actors[actor].rank))
		return false;
	bitset_add(&x->held_actors, actor);
	return true;
}

bool hold_thread(struct executor *x, uint32_t thread)
{
	if (!rank_is_crashed(x, thread_rank(x, thread)))
		return false;
	bitset_grow(&x->held_threads, thread + 1);
	bitset_add(&x->held_threads, thread);
	return true;
}

bool hold_work(struct executor *x, uint32_t thread)
{
	if (!x->crashed || !rank_is_crashed(x, thread_rank(x, thread)))
		return false;
	bitset_grow(&x->held_work, thread + 1);
	bitset_add(&x->held_work, thread);
	return true;
}

static void hold_timer(struct executor *x, uint32_t index)
{
	struct running *running = running_at(x, index);
	uint32_t rank = x->actors[running->actor].rank;
	running->held_ps = running->due_ps - x->engine->now_ps;
	running->due_ps = -1;
	if (computes(x, running))
		rank_count(&x->ranks[rank], &x->ranks[rank].n_computing, x->engine->now_ps, false);
}

/* What a computation had done is lost with the memory of its chip. */
static void resume_timer(struct executor *x, uint32_t index)
{
	struct running *running = running_at(x, index);
	struct actor *actor = &x->actors[running->actor];
	int64_t left_ps = running->held_ps;
	running->held_ps = -1;
	if (computes(x, running)) {
		left_ps = op_duration_ps(x, actor, running->op);
		rank_count(&x->ranks[actor->rank], &x->ranks[actor->rank].n_computing, x->engine->now_ps, true);
	}
	timer_start(x, index, left_ps);
}

static void crash(struct executor *x, uint32_t rank)
{
	if (!x->crashed) {
		x->crashed = memory_zero(x->setup.n_ranks + 1u, sizeof *x->crashed);
		bitset_init(&x->held_actors, x->n_actors + 1);
		bitset_init(&x->held_threads, 1);
		bitset_init(&x->held_work, 1);
	}
	x->crashed[rank] = 1;
	each_timed(x, rank, hold_timer);
}

static void revive(struct executor *x, uint32_t rank)
{
	x->crashed[rank] = 0;
	each_timed(x, rank, resume_timer);
	for (uint32_t a = 0; a < x->n_actors; a++) {
		if (x->actors[a].rank != rank || !bitset_has(&x->held_actors, a))
			continue;
		bitset_remove(&x->held_actors, a);
		bitset_add(&x->touched_actors, a);
	}
	bitset_grow(&x->held_work, x->thread_spans.end + 1);
	bitset_grow(&x->held_threads, x->thread_spans.end + 1);
	for (uint32_t t = 0; t < x->thread_spans.end; t++) {
		if (bitset_has(&x->held_work, t) && thread_rank(x, t) == rank) {
			bitset_remove(&x->held_work, t);
			thread_work_done(x, t);
		}
		if (bitset_has(&x->held_threads, t) && thread_rank(x, t) == rank) {
			bitset_remove(&x->held_threads, t);
			bitset_add(&x->touched_threads, t);
		}
	}
	engine_request(x->engine, ENGINE_PHASE_ISSUE);
}

void executor_rank_crashed(struct executor *x, uint32_t rank, bool crashed)
{
	if (crashed == rank_is_crashed(x, rank))
		return;
	executor_rank_failed(x, rank, crashed);
	if (crashed)
		crash(x, rank);
	else
		revive(x, rank);
}

void chips_release(struct executor *x)
{
	free(x->slow);
	if (!x->crashed)
		return;
	free(x->crashed);
	bitset_release(&x->held_actors);
	bitset_release(&x->held_threads);
	bitset_release(&x->held_work);
}
