/* Recursive doubling and halving-doubling: in each of log2 n rounds a rank exchanges with the one whose number differs in one bit.
 *
 * p is the largest power of two not above n, and e = n - p ranks are folded: ranks 0 … 2e-1 form pairs, the odd one gives its data
 * to the even one before, and gets the result after. Who stays is renumbered: pair i plays i, rank r >= 2e plays r - e.
 *
 * Recursive doubling exchanges everything in every round. All-reduce of five ranks (p = 4, e = 1):
 *
 *   fold      1 → 0                       rank 1 sends all, rank 0 adds
 *   round 0   0 ↔ 2   3 ↔ 4               players 0 ↔ 1, 2 ↔ 3: both send all they have and add
 *   round 1   0 ↔ 3   2 ↔ 4               players 0 ↔ 2, 1 ↔ 3
 *   unfold    0 → 1                       the whole
 *
 * Halving-doubling (Rabenseifner) sends half, then a quarter, …: after log2 p rounds player j holds the sum of part j; then the rounds
 * run backwards and gather. The same five ranks, parts 0 … 3 of the players:
 *
 *   fold      1 → 0
 *   halve 0   0 ↔ 3   2 ↔ 4               0 sends parts 2, 3 and receives 0, 1 to add; 3 the other way round
 *   halve 1   0 ↔ 2   3 ↔ 4               0 sends part 1, receives 0
 *   double 0  0 ↔ 2   3 ↔ 4               0 sends part 0, receives 1
 *   double 1  0 ↔ 3   2 ↔ 4               0 sends parts 0, 1, receives 2, 3
 *   unfold    0 → 1
 *
 *   recursive doubling   all-reduce       log2 p·(α + βB)            + 2(α + βB) if folded
 *   halving-doubling     all-reduce       2 log2 p·α + 2βB(p-1)/p    + 2(α + βB) if folded
 *                        reduce-scatter   log2 n·α + βB(n-1)/n       (n = p; else as cost() adds up)
 *   both                 all-gather       log2 n·α + βB(n-1)/n
 *
 * Thakur, Rabenseifner, Gropp: Optimization of collective communication operations in MPICH, IJHPCA 19 (2005). */
#include "collective/algorithms.h"

struct doubling {
	uint32_t n, players, folded, rounds; /* players = 2^rounds, n = players + folded */
	uint32_t n_halving;                  /* rounds that halve come before those that double */
	uint32_t n_exchanges;
	bool whole;                          /* exchange everything (recursive doubling's all-reduce) */
	bool by_rank;                        /* parts belong to ranks, not to players */
	struct parts parts;
};

static uint32_t rank_of(const struct doubling *d, uint32_t player)
{
	return player < d->folded ? 2 * player : player + d->folded;
}

static uint32_t first_part(const struct doubling *d, uint32_t player) /* player <= players */
{
	return d->by_rank ? rank_of(d, player) : player;
}

static struct collective_span whole(const struct doubling *d)
{
	return parts_span(&d->parts, 0, d->parts.n);
}

static void init(struct collective_plan *plan, bool halving)
{
	const struct collective_request *request = &plan->request;
	struct doubling *d = arena_alloc(&plan->arena, sizeof *d);
	d->n = request->n_ranks;
	for (d->players = 1; d->players * 2 <= d->n; d->players *= 2)
		d->rounds++;
	d->folded = d->n - d->players;
	d->whole = !halving && request->kind != COLLECTIVE_ALL_GATHER;
	d->by_rank = request->kind == COLLECTIVE_ALL_GATHER || request->kind == COLLECTIVE_REDUCE_SCATTER;
	d->n_halving = halving && request->kind != COLLECTIVE_ALL_GATHER ? d->rounds : 0;
	d->n_exchanges = halving && request->kind == COLLECTIVE_ALL_REDUCE ? 2 * d->rounds : d->rounds;
	parts_cut(&d->parts, &plan->arena, request->bytes, request->element_bytes, d->by_rank ? d->n : d->players, 1);
	plan->state = d;
}

static int recursive_plan(struct collective_plan *plan, struct error *err)
{
	(void)err;
	init(plan, false);
	return 0;
}

static int halving_plan(struct collective_plan *plan, struct error *err)
{
	(void)err;
	init(plan, true);
	return 0;
}

static uint32_t doubling_n_steps(const struct collective_plan *plan, uint32_t rank, uint32_t thread)
{
	const struct doubling *d = plan->state;
	(void)thread;
	if (rank >= 2 * d->folded)
		return d->n_exchanges;
	return rank & 1 ? 2 : d->n_exchanges + 2;
}

/* Fold (before) and unfold (after) between the two ranks of a pair. */
static void fold_step(const struct collective_plan *plan, uint32_t rank, bool before, struct collective_step *step)
{
	const struct doubling *d = plan->state;
	enum collective_kind kind = plan->request.kind;
	bool odd = rank & 1, sends = odd == before;
	struct collective_span span = whole(d);
	if (before ? kind == COLLECTIVE_ALL_GATHER : kind == COLLECTIVE_REDUCE_SCATTER)
		span = part_span(&d->parts, rank | 1);
	if (sends) {
		step->actions = STEP_SEND;
		step->to = rank ^ 1;
		step->to_step = before ? 0 : 1;
		step->out = span;
	} else {
		step->actions = before && kind != COLLECTIVE_ALL_GATHER ? STEP_RECEIVE | STEP_REDUCE : STEP_RECEIVE;
		step->from = rank ^ 1;
		step->from_step = before ? 0 : d->n_exchanges + 1;
		step->in = span;
	}
}

/* The parts of the aligned group of `size` players around this one. */
static struct collective_span group_span(const struct doubling *d, uint32_t player, uint32_t size)
{
	uint32_t first = player & ~(size - 1);
	return parts_span(&d->parts, first_part(d, first), first_part(d, first + size));
}

static void exchange_step(const struct doubling *d, uint32_t player, uint32_t round, struct collective_step *step)
{
	bool halves = round < d->n_halving;
	uint32_t mask = halves ? d->players >> (round + 1) : 1u << (round - d->n_halving), other = player ^ mask;
	step->actions = STEP_SEND | STEP_RECEIVE | (halves || d->whole ? STEP_REDUCE : 0);
	step->to = step->from = rank_of(d, other);
	step->to_step = step->from_step = round + (other < d->folded);
	if (d->whole) {
		step->out = step->in = whole(d);
	} else {
		step->out = group_span(d, halves ? other : player, mask);
		step->in = group_span(d, halves ? player : other, mask);
	}
}

static void doubling_step(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step)
{
	const struct doubling *d = plan->state;
	bool paired = rank < 2 * d->folded;
	(void)thread;
	if (paired && (i == 0 || rank & 1 || i == d->n_exchanges + 1))
		fold_step(plan, rank, i == 0, step);
	else
		exchange_step(d, paired ? rank / 2 : rank - d->folded, paired ? i - 1 : i, step);
}

/* Player 0's group is the largest in every round, so its exchanges are the critical path. */
static double doubling_cost(const struct collective_plan *plan, double alpha_ps, double beta_ps_per_byte)
{
	const struct doubling *d = plan->state;
	double cost = 0;
	for (uint32_t round = 0; round < d->n_exchanges; round++) {
		struct collective_step step = {0};
		exchange_step(d, 0, round, &step);
		cost += alpha_ps + beta_ps_per_byte * (double)(step.out.bytes > step.in.bytes ? step.out.bytes : step.in.bytes);
	}
	for (int before = 0; d->folded && before < 2; before++) {
		struct collective_step step = {0};
		fold_step(plan, 1, before, &step);
		cost += alpha_ps + beta_ps_per_byte * (double)(step.out.bytes + step.in.bytes);
	}
	return cost;
}

const struct collective_algorithm algorithm_recursive_doubling = {
	.name = "recursive_doubling",
	.summary = "log2 n exchanges of everything; best for small buffers; any n (extra ranks fold)",
	.kinds = KIND(ALL_REDUCE) | KIND(ALL_GATHER) | KIND(BARRIER),
	.plan = recursive_plan,
	.n_steps = doubling_n_steps,
	.step = doubling_step,
	.cost = doubling_cost,
	.formulas = {
		[COLLECTIVE_ALL_REDUCE] = "log2 p·(α + βB) + (p < n ? at most 2(α + βB))",
		[COLLECTIVE_ALL_GATHER] = "log2 p·α + βB(n-1)/n + (p < n ? at most 2(α + βB))",
		[COLLECTIVE_BARRIER] = "log2 p·α + (p < n ? at most 2α)",
	},
};

const struct collective_algorithm algorithm_halving_doubling = {
	.name = "halving_doubling",
	.summary = "recursive halving, then doubling (Rabenseifner); few rounds and little data; any n (extra ranks fold)",
	.kinds = KIND(ALL_REDUCE) | KIND(REDUCE_SCATTER) | KIND(ALL_GATHER),
	.plan = halving_plan,
	.n_steps = doubling_n_steps,
	.step = doubling_step,
	.cost = doubling_cost,
	.formulas = {
		[COLLECTIVE_ALL_REDUCE] = "2·log2 p·α + 2βB(p-1)/p + (p < n ? at most 2(α + βB))",
		[COLLECTIVE_REDUCE_SCATTER] = "log2 p·α + βB(n-1)/n + (p < n ? at most 2(α + βB))",
		[COLLECTIVE_ALL_GATHER] = "log2 p·α + βB(n-1)/n + (p < n ? at most 2(α + βB))",
	},
};
