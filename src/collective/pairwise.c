/* Pairwise exchange: in round k rank r sends to r + k what that one needs and receives from r - k, one partner at a time.
 *
 * All-to-all of five ranks (a block from s to t is s>t; its own block is copied):
 *
 *             rank 0      rank 1      rank 2      rank 3      rank 4
 *   round 1   0>1, 4>0    1>2, 0>1    2>3, 1>2    3>4, 2>3    4>0, 3>4      sends, receives
 *   round 2   0>2, 3>0    1>3, 4>1    2>4, 0>2    3>0, 1>3    4>1, 2>4
 *   round 3   0>3, 2>0    …
 *   round 4   0>4, 1>0
 *
 * Reduce-scatter sends part r + k and adds what arrives to part r; all-gather sends part r to everybody.
 *
 *   (n-1)·(α + β·B/n)     all-to-all-v: the sum over rounds of the largest block, at most
 */
#include "collective/algorithms.h"

struct pairwise {
	uint32_t n;
	uint32_t first; /* all-to-all: step 0 copies the own block */
	struct blocks blocks;
	struct parts parts;
};

static int pairwise_plan(struct collective_plan *plan, struct error *err)
{
	const struct collective_request *request = &plan->request;
	struct pairwise *pairwise = arena_alloc(&plan->arena, sizeof *pairwise);
	(void)err;
	pairwise->n = request->n_ranks;
	pairwise->first = is_all_to_all(request->kind);
	if (is_all_to_all(request->kind))
		blocks_cut(&pairwise->blocks, &plan->arena, request);
	else
		parts_cut(&pairwise->parts, &plan->arena, request->bytes, request->element_bytes, request->n_ranks, 1);
	plan->state = pairwise;
	return 0;
}

static uint32_t pairwise_n_steps(const struct collective_plan *plan, uint32_t rank, uint32_t thread)
{
	const struct pairwise *pairwise = plan->state;
	(void)rank, (void)thread;
	return pairwise->n - 1 + pairwise->first;
}

static void pairwise_step(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step)
{
	const struct pairwise *pairwise = plan->state;
	uint32_t n = pairwise->n, k = i + 1 - pairwise->first;
	(void)thread;
	if (k == 0) {
		step->actions = STEP_COPY;
		step->out = block_in(&pairwise->blocks, rank, rank);
		step->in = block_out(&pairwise->blocks, rank, rank);
		return;
	}
	step->actions = STEP_SEND | STEP_RECEIVE;
	step->to = wrap(rank + k, n);
	step->from = wrap(rank + n - k, n);
	step->to_step = step->from_step = i;
	if (pairwise->first) {
		step->out = block_in(&pairwise->blocks, rank, step->to);
		step->in = block_out(&pairwise->blocks, step->from, rank);
	} else if (plan->request.kind == COLLECTIVE_ALL_GATHER) {
		step->out = part_span(&pairwise->parts, rank);
		step->in = part_span(&pairwise->parts, step->from);
	} else {
		step->actions |= STEP_REDUCE;
		step->out = part_span(&pairwise->parts, step->to);
		step->in = part_span(&pairwise->parts, rank);
	}
}

static double pairwise_cost(const struct collective_plan *plan, double alpha_ps, double beta_ps_per_byte)
{
	const struct pairwise *pairwise = plan->state;
	uint32_t n = pairwise->n;
	double cost = 0;
	if (plan->request.kind != COLLECTIVE_ALL_TO_ALL_V)
		return (n - 1) * (alpha_ps + beta_ps_per_byte * (double)((plan->request.bytes + n - 1) / n));
	for (uint32_t k = 1; k < n; k++) {
		int64_t largest = 0;
		for (uint32_t r = 0; r < n; r++) {
			int64_t bytes = block_in(&pairwise->blocks, r, wrap(r + k, n)).bytes;
			largest = bytes > largest ? bytes : largest;
		}
		cost += alpha_ps + beta_ps_per_byte * (double)largest;
	}
	return cost;
}

const struct collective_algorithm algorithm_pairwise = {
	.name = "pairwise",
	.summary = "n-1 rounds with one partner each: in order, nobody is sent to by two at once",
	.kinds = KIND(ALL_TO_ALL) | KIND(ALL_TO_ALL_V) | KIND(REDUCE_SCATTER) | KIND(ALL_GATHER),
	.plan = pairwise_plan,
	.n_steps = pairwise_n_steps,
	.step = pairwise_step,
	.cost = pairwise_cost,
	.formulas = {
		[COLLECTIVE_ALL_TO_ALL] = "(n-1)·(α + β·ceil(B/n))",
		[COLLECTIVE_ALL_TO_ALL_V] = "sum over rounds of (α + β·largest block)",
		[COLLECTIVE_REDUCE_SCATTER] = "(n-1)·(α + β·ceil(B/n))",
		[COLLECTIVE_ALL_GATHER] = "(n-1)·(α + β·ceil(B/n))",
	},
};
