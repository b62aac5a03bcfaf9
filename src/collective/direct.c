/* Direct: every message at once, straight from who has it to who needs it. Thread k - 1 of a rank handles the one k further on, so
 * all are posted together; what must be added is received in order by one more thread.
 *
 * All-reduce of five ranks, rank 0's view (the others are turned):
 *
 *   threads 0 … 3   send part 1 to rank 1, 2 to 2, 3 to 3, 4 to 4                all at time 0
 *   thread 4        receives and adds part 0 from ranks 4, 3, 2, 1, in order
 *   threads 0 … 3   when thread 4 is done: send part 0 to rank k, receive part 5 - k of rank 5 - k
 *
 * With one port per rank, full duplex (a crossbar):
 *
 *   all-to-all, all-gather, reduce-scatter    α + β·B(n-1)/n
 *   all-reduce                                2(α + β·B(n-1)/n)
 *   broadcast, reduce                         α + βB(n-1)
 *   gather, scatter                           α + β·B(n-1)/n
 *   send-receive                              α + βB            barrier  α
 */
#include "collective/algorithms.h"

struct direct {
	uint32_t n;
	bool copies;   /* own input to own output */
	struct blocks blocks;
	struct parts parts;
};

static bool adds(enum collective_kind kind)
{
	return kind == COLLECTIVE_ALL_REDUCE || kind == COLLECTIVE_REDUCE_SCATTER;
}

static bool has_root(enum collective_kind kind)
{
	return kind == COLLECTIVE_BROADCAST || kind == COLLECTIVE_REDUCE || kind == COLLECTIVE_GATHER || kind == COLLECTIVE_SCATTER;
}

static int direct_plan(struct collective_plan *plan, struct error *err)
{
	const struct collective_request *request = &plan->request;
	struct direct *direct = arena_alloc(&plan->arena, sizeof *direct);
	uint32_t n = request->n_ranks;
	(void)err;
	direct->n = n;
	direct->copies = is_all_to_all(request->kind) || (n == 1 && request->kind == COLLECTIVE_SEND_RECEIVE);
	if (is_all_to_all(request->kind))
		blocks_cut(&direct->blocks, &plan->arena, request);
	else
		parts_cut(&direct->parts, &plan->arena, request->bytes, request->element_bytes, n, 1);
	plan->n_threads = n == 1 || request->kind == COLLECTIVE_SEND_RECEIVE || request->kind == COLLECTIVE_REDUCE ? 1
			  : adds(request->kind)                                                                     ? n
														    : n - 1;
	plan->state = direct;
	return 0;
}

static uint32_t direct_n_steps(const struct collective_plan *plan, uint32_t rank, uint32_t thread)
{
	const struct direct *direct = plan->state;
	enum collective_kind kind = plan->request.kind;
	uint32_t n = direct->n, place = wrap(rank + n - plan->request.root, n);
	if (n == 1)
		return direct->copies;
	if (kind == COLLECTIVE_REDUCE)
		return place ? 1 : n - 1;
	if (has_root(kind))
		return place == 0 || place == thread + 1;
	if (adds(kind))
		return thread == n - 1 ? n - 1 : kind == COLLECTIVE_ALL_REDUCE ? 2 : 1;
	return thread == 0 ? 1 + (uint32_t)direct->copies : 1;
}

/* What a rank at `place` from the root exchanges with it: broadcast, scatter away from the root, gather, reduce towards it. */
static void rooted_step(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step)
{
	const struct direct *direct = plan->state;
	enum collective_kind kind = plan->request.kind;
	uint32_t n = direct->n, root = plan->request.root;
	bool away = kind == COLLECTIVE_BROADCAST || kind == COLLECTIVE_SCATTER, at_root = rank == root, reduce = kind == COLLECTIVE_REDUCE;
	uint32_t other = at_root ? wrap(root + 1 + (reduce ? i : thread), n) : root;
	struct collective_span span = kind == COLLECTIVE_BROADCAST || reduce ? parts_span(&direct->parts, 0, n)
									     : part_span(&direct->parts, at_root ? other : rank);
	if (at_root == away) {
		step->actions = STEP_SEND;
		step->to = other;
		step->to_thread = thread;
		step->to_step = reduce ? wrap(rank + n - root, n) - 1 : 0;
		step->out = span;
	} else {
		step->actions = reduce ? STEP_RECEIVE | STEP_REDUCE : STEP_RECEIVE;
		step->from = other;
		step->from_thread = thread;
		step->in = span;
	}
}

/* The thread that adds: step k - 1 takes the own part from the rank k before. */
static void adding_step(const struct direct *direct, uint32_t rank, uint32_t i, struct collective_step *step)
{
	step->actions = STEP_RECEIVE | STEP_REDUCE;
	step->from = wrap(rank + direct->n - 1 - i, direct->n);
	step->from_thread = i;
	step->in = part_span(&direct->parts, rank);
}

static void exchange(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step)
{
	const struct direct *direct = plan->state;
	uint32_t n = direct->n;
	step->actions = STEP_SEND | STEP_RECEIVE;
	step->to = wrap(rank + 1 + thread, n);
	step->from = wrap(rank + n - 1 - thread, n);
	step->to_thread = step->from_thread = thread;
	step->to_step = step->from_step = i;
	if (is_all_to_all(plan->request.kind)) {
		step->out = block_in(&direct->blocks, rank, step->to);
		step->in = block_out(&direct->blocks, step->from, rank);
	} else if (plan->request.kind == COLLECTIVE_SEND_RECEIVE) {
		step->out = step->in = parts_span(&direct->parts, 0, n);
		step->out.buffer = BUFFER_INPUT;
	} else {
		step->out = part_span(&direct->parts, rank);
		step->in = part_span(&direct->parts, step->from);
	}
}

static void direct_step(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step)
{
	const struct direct *direct = plan->state;
	enum collective_kind kind = plan->request.kind;
	uint32_t n = direct->n;
	if (n == 1 || (direct->copies && i == 1)) {
		step->actions = STEP_COPY;
		step->out = is_all_to_all(kind) ? block_in(&direct->blocks, rank, rank) : parts_span(&direct->parts, 0, n);
		step->in = is_all_to_all(kind) ? block_out(&direct->blocks, rank, rank) : step->out;
		step->out.buffer = BUFFER_INPUT;
	} else if (has_root(kind)) {
		rooted_step(plan, rank, thread, i, step);
	} else if (adds(kind) && thread == n - 1) {
		adding_step(direct, rank, i, step);
	} else if (adds(kind) && i == 0) {
		step->actions = STEP_SEND;
		step->to = wrap(rank + 1 + thread, n);
		step->to_thread = n - 1;
		step->to_step = thread;
		step->out = part_span(&direct->parts, step->to);
	} else {
		exchange(plan, rank, thread, i, step);
		if (adds(kind)) {
			step->n_waits = 1;
			step->waits[0].thread = n - 1;
			step->waits[0].step = n - 2;
		}
	}
}

static double direct_cost(const struct collective_plan *plan, double alpha_ps, double beta_ps_per_byte)
{
	const struct direct *direct = plan->state;
	double n = direct->n, bytes = (double)plan->request.bytes, whole = beta_ps_per_byte * bytes, most = 0;
	if (direct->n == 1)
		return 0;
	switch (plan->request.kind) {
	case COLLECTIVE_BROADCAST:
	case COLLECTIVE_REDUCE: return alpha_ps + (n - 1) * whole;
	case COLLECTIVE_ALL_REDUCE: return 2 * (alpha_ps + whole * (n - 1) / n);
	case COLLECTIVE_SEND_RECEIVE: return alpha_ps + whole;
	case COLLECTIVE_ALL_TO_ALL_V: /* the busiest port */
		for (uint32_t r = 0; r < direct->n; r++) {
			int64_t own = block_in(&direct->blocks, r, r).bytes;
			int64_t out = blocks_input_bytes(&direct->blocks, r) - own, in = blocks_output_bytes(&direct->blocks, r) - own;
			most = most > (double)out ? most : (double)out;
			most = most > (double)in ? most : (double)in;
		}
		return alpha_ps + beta_ps_per_byte * most;
	default: return alpha_ps + whole * (n - 1) / n;
	}
}

const struct collective_algorithm algorithm_direct = {
	.name = "direct",
	.summary = "every message at once, straight to who needs it",
	.kinds = KIND(ALL_REDUCE) | KIND(REDUCE_SCATTER) | KIND(ALL_GATHER) | KIND(BROADCAST) | KIND(REDUCE) | KIND(ALL_TO_ALL) |
		 KIND(ALL_TO_ALL_V) | KIND(GATHER) | KIND(SCATTER) | KIND(BARRIER) | KIND(SEND_RECEIVE),
	.plan = direct_plan,
	.n_steps = direct_n_steps,
	.step = direct_step,
	.cost = direct_cost,
	.formulas = {
		[COLLECTIVE_ALL_REDUCE] = "2(α + βB(n-1)/n)",
		[COLLECTIVE_REDUCE_SCATTER] = "α + βB(n-1)/n",
		[COLLECTIVE_ALL_GATHER] = "α + βB(n-1)/n",
		[COLLECTIVE_BROADCAST] = "α + βB(n-1)",
		[COLLECTIVE_REDUCE] = "α + βB(n-1)",
		[COLLECTIVE_ALL_TO_ALL] = "α + βB(n-1)/n",
		[COLLECTIVE_ALL_TO_ALL_V] = "α + β·(bytes of the busiest port)",
		[COLLECTIVE_GATHER] = "α + βB(n-1)/n",
		[COLLECTIVE_SCATTER] = "α + βB(n-1)/n",
		[COLLECTIVE_BARRIER] = "α",
		[COLLECTIVE_SEND_RECEIVE] = "α + βB",
	},
};
