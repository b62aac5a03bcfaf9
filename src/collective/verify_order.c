/* Happens-before: see verify.h. A clock of C chains is C pairs (steps known to have sent, steps known to have written). Within a
 * chain steps follow each other; between chains order comes from waits (the end of a step: both) and messages (their sending).
 *
 *   SEND     reads `out` from the beginning of the step until it has sent
 *   RECEIVE  writes `in` after the sender has sent; with REDUCE also after its own sending
 *   COPY     reads and writes at the end
 *
 * Two accesses of one rank to the same bytes, one of them writing, are ordered when the writer knows that the reader had sent, or
 * the reader began knowing that the writer had written; two writers, when either knows of the other. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "collective/verify.h"

struct knowledge { uint32_t sent, written; };
struct access {
	int64_t begin, end;
	uint32_t thread, step;
	uint8_t buffer;
	bool write;
};
struct order {
	const struct collective_plan *plan;
	uint32_t n_threads;
	size_t n_chains;
	size_t *first_step;          /* [chain]: of all steps, where those of the chain begin */
	struct knowledge *at_begin;  /* [step][chain] */
	struct knowledge *at_write;
	struct knowledge *at_end;    /* [chain][chain]: after its newest ended step */
};

enum { LIMIT = 6000000 };

struct order *order_new(const struct collective_plan *plan)
{
	size_t n_chains = (size_t)plan->request.n_ranks * plan->n_threads, n_steps = 0;
	if (n_chains * n_chains > LIMIT)
		return NULL;
	size_t *first = memory_zero(n_chains + 1, sizeof *first);
	for (size_t c = 0; c < n_chains; c++) {
		first[c] = n_steps;
		n_steps += plan->algorithm->n_steps(plan, (uint32_t)(c / plan->n_threads), (uint32_t)(c % plan->n_threads));
		if (n_steps * n_chains > LIMIT) {
			free(first);
			return NULL;
		}
	}
	struct order *order = memory_zero(1, sizeof *order);
	order->plan = plan;
	order->n_threads = plan->n_threads;
	order->n_chains = n_chains;
	order->first_step = first;
	first[n_chains] = n_steps;
	order->at_begin = memory_zero(n_steps * n_chains + 1, sizeof *order->at_begin);
	order->at_write = memory_zero(n_steps * n_chains + 1, sizeof *order->at_write);
	order->at_end = memory_zero(n_chains * n_chains + 1, sizeof *order->at_end);
	return order;
}

void order_free(struct order *order)
{
	if (!order)
		return;
	free(order->first_step);
	free(order->at_begin);
	free(order->at_write);
	free(order->at_end);
	free(order);
}

static size_t chain_of(const struct order *order, uint32_t rank, uint32_t thread)
{
	return (size_t)rank * order->n_threads + thread;
}

static struct knowledge *clock_of(const struct order *order, struct knowledge *clocks, size_t chain, uint32_t step)
{
	return clocks + (order->first_step[chain] + step) * order->n_chains;
}

static void learn(const struct order *order, struct knowledge *clock, const struct knowledge *other)
{
	for (size_t c = 0; c < order->n_chains; c++) {
		clock[c].sent = clock[c].sent > other[c].sent ? clock[c].sent : other[c].sent;
		clock[c].written = clock[c].written > other[c].written ? clock[c].written : other[c].written;
	}
}

void order_begin(struct order *order, uint32_t rank, uint32_t thread, uint32_t step, const struct collective_step *now)
{
	size_t chain = chain_of(order, rank, thread);
	struct knowledge *clock = clock_of(order, order->at_begin, chain, step);
	learn(order, clock, order->at_end + chain * order->n_chains);
	/* A wait names a step that has ended; its chain may be further by now, but only what is certain counts. */
	for (uint8_t w = 0; w < now->n_waits; w++) {
		size_t other = chain_of(order, rank, now->waits[w].thread);
		uint32_t known = now->waits[w].step + 1;
		learn(order, clock, clock_of(order, order->at_write, other, now->waits[w].step));
		clock[other].sent = clock[other].sent > known ? clock[other].sent : known;
		clock[other].written = clock[other].written > known ? clock[other].written : known;
	}
	memcpy(clock_of(order, order->at_write, chain, step), clock, order->n_chains * sizeof *clock);
}

void order_deliver(struct order *order, uint32_t rank, uint32_t thread, uint32_t step, const struct collective_step *now)
{
	size_t sender = chain_of(order, now->from, now->from_thread);
	struct knowledge *clock = clock_of(order, order->at_write, chain_of(order, rank, thread), step);
	learn(order, clock, clock_of(order, order->at_begin, sender, now->from_step));
	clock[sender].sent = clock[sender].sent > now->from_step ? clock[sender].sent : now->from_step + 1;
}

void order_end(struct order *order, uint32_t rank, uint32_t thread, uint32_t step, const struct collective_step *now)
{
	size_t chain = chain_of(order, rank, thread);
	struct knowledge *write = clock_of(order, order->at_write, chain, step), *after = order->at_end + chain * order->n_chains;
	if (now->actions & STEP_REDUCE) /* the addition comes after the own sending */
		write[chain].sent = step + 1;
	learn(order, after, write);
	after[chain] = (struct knowledge){step + 1, step + 1};
}

static int compare_accesses(const void *a, const void *b)
{
	const struct access *x = a, *y = b;
	if (x->buffer != y->buffer)
		return x->buffer < y->buffer ? -1 : 1;
	return (x->begin > y->begin) - (x->begin < y->begin);
}

static void note(struct access *accesses, size_t *n, const struct memories *memories, const struct collective_span *span, uint32_t thread,
		 uint32_t step, bool write)
{
	uint8_t buffer = memories_same(memories, span->buffer, BUFFER_OUTPUT) ? BUFFER_OUTPUT : span->buffer;
	if (span->bytes)
		accesses[(*n)++] = (struct access){span->offset, span->offset + span->bytes, thread, step, buffer, write};
}

static bool knows(const struct order *order, uint32_t rank, const struct access *later, const struct access *earlier)
{
	size_t chain = chain_of(order, rank, later->thread), other = chain_of(order, rank, earlier->thread);
	struct knowledge *clocks = later->write ? order->at_write : order->at_begin;
	struct knowledge known = clock_of(order, clocks, chain, later->step)[other];
	return (earlier->write ? known.written : known.sent) > earlier->step;
}

static int check_rank(const struct order *order, const struct memories *memories, uint32_t rank, struct access *accesses,
		      struct error *err)
{
	size_t n = 0;
	for (uint32_t t = 0; t < order->n_threads; t++) {
		size_t chain = chain_of(order, rank, t);
		for (uint32_t i = 0; i < order->first_step[chain + 1] - order->first_step[chain]; i++) {
			struct collective_step step = {0};
			order->plan->algorithm->step(order->plan, rank, t, i, &step);
			if (step.actions & (STEP_SEND | STEP_COPY))
				note(accesses, &n, memories, &step.out, t, i, false);
			if (step.actions & (STEP_RECEIVE | STEP_COPY))
				note(accesses, &n, memories, &step.in, t, i, true);
		}
	}
	qsort(accesses, n, sizeof *accesses, compare_accesses);
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n && accesses[j].buffer == accesses[i].buffer && accesses[j].begin < accesses[i].end; j++) {
			const struct access *a = &accesses[i], *b = &accesses[j];
			if ((a->write || b->write) && !knows(order, rank, a, b) && !knows(order, rank, b, a))
				return error_set(err, ERROR_SIMULATION,
						 "rank %u: race on byte %lld: thread %u, step %u and thread %u, step %u are not ordered",
						 rank, (long long)b->begin, a->thread, a->step, b->thread, b->step);
		}
	return 0;
}

int order_check(const struct order *order, const struct memories *memories, struct error *err)
{
	struct access *accesses = memory_zero(2 * order->first_step[order->n_chains] + 1, sizeof *accesses);
	int status = 0;
	for (uint32_t r = 0; r < order->plan->request.n_ranks && status == 0; r++)
		status = check_rank(order, memories, r, accesses, err);
	free(accesses);
	return status;
}
