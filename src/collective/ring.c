/* Ring: every rank sends to the next one and receives from the one before, at the same time, a part per step.
 *
 * All-reduce of five ranks, parts 0 … 4; the table shows which part a rank receives (and sends on in the next step):
 *
 *              rank 0   rank 1   rank 2   rank 3   rank 4
 *   step 0 +     4        0        1        2        3       rank r sends part r; what arrives is added
 *   step 1 +     3        4        0        1        2
 *   step 2 +     2        3        4        0        1
 *   step 3 +     1        2        3        4        0       now rank r holds the whole sum of part r + 1
 *   step 4       0        1        2        3        4       what arrives replaces
 *   step 5       4        0        1        2        3
 *   step 6       3        4        0        1        2
 *   step 7       2        3        4        0        1
 *
 * In step i rank r sends part r - i and receives part r - i - 1 (mod n). All-gather is the second half alone, renumbered;
 * reduce-scatter the first half, every part one further, so that rank r ends with part r.
 *
 *   all-reduce                    2(n-1)·(α + β·ceil(B/n))
 *   all-gather, reduce-scatter     (n-1)·(α + β·ceil(B/n))
 *   broadcast, reduce              (n-2+q)·(α + β·B/q)            in q pieces along the chain
 *   barrier                       2(n-1)·α
 *
 * Several channels cut every part once more; each runs its own ring, and every second one the other way round when the request is
 * bidirectional. Patarasuk, Yuan: Bandwidth optimal all-reduce algorithms for clusters of workstations, JPDC 69 (2009). */
#include <math.h>

#include "base/error.h"
#include "collective/algorithms.h"

struct ring {
	uint32_t n, n_threads;
	uint32_t pieces;       /* of the chain */
	uint32_t first_shift;  /* reduce-scatter: parts are one further back */
	uint32_t n_reduce;     /* steps that reduce */
	uint32_t n_steps;
	bool bidirectional;
	struct parts parts;    /* part p of thread t: p × n_threads + t */
};

static bool is_chain(enum collective_kind kind)
{
	return kind == COLLECTIVE_BROADCAST || kind == COLLECTIVE_REDUCE;
}

static int ring_plan(struct collective_plan *plan, struct error *err)
{
	const struct collective_request *request = &plan->request;
	struct ring *ring = arena_alloc(&plan->arena, sizeof *ring);
	uint32_t n = request->n_ranks;
	ring->n = n;
	ring->n_threads = request->channels ? request->channels : 1;
	ring->bidirectional = request->bidirectional;
	if (ring->bidirectional && ring->n_threads % 2)
		ring->n_threads *= 2;
	if ((uint64_t)n * ring->n_threads > 1 << 26)
		return error_set(err, ERROR_INPUT, "%u ranks with %u channels cut the buffer into too many parts (the limit is 2^26)", n,
				 ring->n_threads);
	ring->n_reduce = request->kind == COLLECTIVE_ALL_GATHER ? 0 : n - 1;
	ring->n_steps = request->kind == COLLECTIVE_ALL_GATHER || request->kind == COLLECTIVE_REDUCE_SCATTER ? n - 1 : 2 * (n - 1);
	ring->first_shift = request->kind == COLLECTIVE_REDUCE_SCATTER;
	ring->pieces = is_chain(request->kind) ? pipeline_pieces(plan, request->bytes / ring->n_threads, n - 1) : 1;
	parts_cut(&ring->parts, &plan->arena, request->bytes, request->element_bytes, is_chain(request->kind) ? ring->pieces : n,
		  ring->n_threads);
	plan->n_threads = ring->n_threads;
	plan->state = ring;
	return 0;
}

/* How far a rank stands from the root in the chain of this thread. */
static uint32_t chain_place(const struct collective_plan *plan, const struct ring *ring, uint32_t rank, bool backward)
{
	uint32_t root = plan->request.root, n = ring->n;
	return backward ? wrap(root + n - rank, n) : wrap(rank + n - root, n);
}

static uint32_t ring_n_steps(const struct collective_plan *plan, uint32_t rank, uint32_t thread)
{
	const struct ring *ring = plan->state;
	if (ring->n == 1)
		return 0;
	if (!is_chain(plan->request.kind))
		return ring->n_steps;
	uint32_t place = chain_place(plan, ring, rank, ring->bidirectional && thread & 1);
	return place == 0 || place == ring->n - 1 ? ring->pieces : ring->pieces + 1;
}

/* Broadcast: the rank at place v receives piece j in its step j and sends it in step j + 1 together with receiving the next; the
 * root sends piece j in step j. Reduce is the same chain towards the root: the far end sends, the others receive and add. */
static void chain_step(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step)
{
	const struct ring *ring = plan->state;
	uint32_t n = ring->n, threads = ring->n_threads, pieces = ring->pieces;
	bool backward = ring->bidirectional && thread & 1, reduce = plan->request.kind == COLLECTIVE_REDUCE;
	uint32_t place = chain_place(plan, ring, rank, backward), depth = reduce ? n - 1 - place : place;
	uint32_t up = wrap(rank + 1, n), down = wrap(rank + n - 1, n);
	bool last = depth == n - 1;
	if (backward != reduce) { /* the direction of the data: away from the root, or towards it */
		uint32_t other = up;
		up = down;
		down = other;
	}
	if (depth > 0 && i < pieces) {
		step->actions = reduce ? STEP_RECEIVE | STEP_REDUCE : STEP_RECEIVE;
		step->from = down;
		step->from_thread = thread;
		step->from_step = depth == 1 ? i : i + 1;
		step->in = part_span(&ring->parts, i * threads + thread);
	}
	if (!last && (depth == 0 || i > 0)) {
		uint32_t piece = depth == 0 ? i : i - 1;
		step->actions |= STEP_SEND;
		step->to = up;
		step->to_thread = thread;
		step->to_step = piece;
		step->out = part_span(&ring->parts, piece * threads + thread);
	}
}

static void ring_step(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step)
{
	const struct ring *ring = plan->state;
	uint32_t n = ring->n, next = wrap(rank + 1, n), previous = wrap(rank + n - 1, n), part, shift = i + ring->first_shift;
	if (is_chain(plan->request.kind)) {
		chain_step(plan, rank, thread, i, step);
		return;
	}
	shift = shift >= n ? shift - n : shift; /* i <= 2n - 3 */
	step->actions = STEP_SEND | STEP_RECEIVE | (i < ring->n_reduce ? STEP_REDUCE : 0);
	step->to_thread = step->from_thread = thread;
	step->to_step = step->from_step = i;
	if (ring->bidirectional && thread & 1) { /* the mirror image: rank r plays n - r */
		part = wrap(rank + shift, n);
		step->to = previous;
		step->from = next;
		step->out = part_span(&ring->parts, part * ring->n_threads + thread);
		step->in = part_span(&ring->parts, wrap(part + 1, n) * ring->n_threads + thread);
	} else {
		part = wrap(rank + n - shift, n);
		step->to = next;
		step->from = previous;
		step->out = part_span(&ring->parts, part * ring->n_threads + thread);
		step->in = part_span(&ring->parts, wrap(part + n - 1, n) * ring->n_threads + thread);
	}
}

static double ring_cost(const struct collective_plan *plan, double alpha_ps, double beta_ps_per_byte)
{
	const struct ring *ring = plan->state;
	double n = ring->n, bytes = (double)plan->request.bytes;
	if (ring->n == 1)
		return 0;
	if (is_chain(plan->request.kind))
		return (n - 2 + ring->pieces) * (alpha_ps + beta_ps_per_byte * ceil(bytes / ring->pieces));
	return ring->n_steps * (alpha_ps + beta_ps_per_byte * ceil(bytes / n));
}

const struct collective_algorithm algorithm_ring = {
	.name = "ring",
	.summary = "one part per step to the next rank; best for large buffers; channels, both directions",
	.kinds = KIND(ALL_REDUCE) | KIND(REDUCE_SCATTER) | KIND(ALL_GATHER) | KIND(BROADCAST) | KIND(REDUCE) | KIND(BARRIER),
	.plan = ring_plan,
	.n_steps = ring_n_steps,
	.step = ring_step,
	.cost = ring_cost,
	.formulas = {
		[COLLECTIVE_ALL_REDUCE] = "2(n-1)·(α + β·ceil(B/n))",
		[COLLECTIVE_REDUCE_SCATTER] = "(n-1)·(α + β·ceil(B/n))",
		[COLLECTIVE_ALL_GATHER] = "(n-1)·(α + β·ceil(B/n))",
		[COLLECTIVE_BROADCAST] = "(n-2+q)·(α + β·ceil(B/q))",
		[COLLECTIVE_REDUCE] = "(n-2+q)·(α + β·ceil(B/q))",
		[COLLECTIVE_BARRIER] = "2(n-1)·α",
	},
};
