/* Binomial tree: v counts from the root. The parent of v is v without its lowest bit; its children are v + 2^j below that bit.
 *
 * Broadcast among five (v = 0 … 4): who holds the data
 *
 *   0 → 4            0 1 2 3 4        the root sends to the largest subtree first
 *   0 → 2            *       *
 *   0 → 1   2 → 3    *   *   *
 *                    * * * * *
 *
 * Reduce runs it backwards and adds; all-reduce is reduce to rank 0, then broadcast. Gather and scatter move whole subtrees, which are
 * ranges of v; they are kept in scratch in the order of v, so that a range that wraps around the last rank is one message.
 *
 *   broadcast          floor(log2 n)·α + ceil(log2 n)·βB      (a node at v has waited for popcount(v) messages, and its path has
 *                                                              sent ceil(log2 n) - ctz(v) times)
 *   reduce             log2 n·(α + βB)                        n a power of two, else at most ceil(log2 n) times that
 *   all-reduce         the sum of both
 *   gather, scatter    log2 n·α + βB(n-1)/n                   n a power of two
 *
 * chunk_bytes cuts a broadcast or reduction into pieces that follow each other. */
#include <math.h>

#include "collective/algorithms.h"

struct binomial {
	uint32_t n, root, rounds; /* rounds = ceil(log2 n) */
	uint32_t pieces;
	struct parts parts;       /* broadcast, reduce: the pieces; gather, scatter: the ranks' parts */
};

static bool moves_parts(enum collective_kind kind)
{
	return kind == COLLECTIVE_GATHER || kind == COLLECTIVE_SCATTER;
}

static int binomial_plan(struct collective_plan *plan, struct error *err)
{
	const struct collective_request *request = &plan->request;
	struct binomial *tree = arena_alloc(&plan->arena, sizeof *tree);
	(void)err;
	tree->n = request->n_ranks;
	tree->root = request->kind == COLLECTIVE_ALL_REDUCE || request->kind == COLLECTIVE_BARRIER ? 0 : request->root;
	while (UINT64_C(1) << tree->rounds < tree->n)
		tree->rounds++;
	tree->pieces = moves_parts(request->kind) || !request->chunk_bytes ? 1 : pipeline_pieces(plan, request->bytes, tree->rounds);
	parts_cut(&tree->parts, &plan->arena, request->bytes, request->element_bytes, moves_parts(request->kind) ? tree->n : tree->pieces,
		  1);
	plan->scratch_bytes = moves_parts(request->kind) ? request->bytes : 0;
	plan->state = tree;
	return 0;
}

/* Children of v are v + 2^j for j < this. */
static uint32_t n_children(const struct binomial *tree, uint32_t v)
{
	uint32_t n = v ? (uint32_t)__builtin_ctz(v) : tree->rounds;
	while (n && v + (1u << (n - 1)) >= tree->n)
		n--;
	return n;
}

static uint32_t rank_at(const struct binomial *tree, uint32_t v) { return wrap(tree->root + v, tree->n); }

/* Steps of v per piece: downwards one receive and its sends, upwards its receives and one send. */
static uint32_t per_piece(const struct binomial *tree, uint32_t v) { return n_children(tree, v) + (v != 0); }

static uint32_t binomial_n_steps(const struct collective_plan *plan, uint32_t rank, uint32_t thread)
{
	const struct binomial *tree = plan->state;
	uint32_t v = wrap(rank + tree->n - tree->root, tree->n), steps = per_piece(tree, v);
	(void)thread;
	switch (plan->request.kind) {
	case COLLECTIVE_GATHER: return steps + (v ? 1 : 3);
	case COLLECTIVE_SCATTER: return steps + (v ? 1 : 3);
	case COLLECTIVE_ALL_REDUCE:
	case COLLECTIVE_BARRIER: return 2 * steps * tree->pieces;
	default: return steps * tree->pieces;
	}
}

/* Where the part of v begins when parts are laid out in the order of v, v <= n. */
static int64_t place_of(const struct binomial *tree, uint32_t v)
{
	const int64_t *offsets = tree->parts.offsets;
	uint32_t part = tree->root + v;
	return part <= tree->n ? offsets[part] - offsets[tree->root] : offsets[tree->n] - offsets[tree->root] + offsets[part - tree->n];
}

/* The range of the subtree of w, in the scratch of v, which begins with v. */
static struct collective_span subtree(const struct binomial *tree, uint32_t v, uint32_t w)
{
	uint32_t size = w ? w & -w : tree->n, end = w + size < tree->n ? w + size : tree->n;
	return (struct collective_span){place_of(tree, w) - place_of(tree, v), place_of(tree, end) - place_of(tree, w), BUFFER_SCRATCH};
}

/* Down: i = 0 receives from the parent (not at the root), then sends to children, the largest subtree first. `before` is how many
 * steps the step numbers of a rank are shifted by, as a function of its place. */
static void down_step(const struct binomial *tree, uint32_t v, uint32_t i, struct collective_step *step)
{
	if (v && i == 0) {
		uint32_t parent = v & (v - 1), children = n_children(tree, parent);
		step->actions = STEP_RECEIVE;
		step->from = rank_at(tree, parent);
		step->from_step = (parent != 0) + children - 1 - (uint32_t)__builtin_ctz(v);
	} else {
		uint32_t j = n_children(tree, v) - 1 - (i - (v != 0));
		step->actions = STEP_SEND;
		step->to = rank_at(tree, v + (1u << j));
		step->to_step = 0;
	}
}

/* Up: receives from children, the smallest subtree first, then sends to the parent. */
static void up_step(const struct binomial *tree, uint32_t v, uint32_t i, struct collective_step *step)
{
	if (i == n_children(tree, v)) {
		step->actions = STEP_SEND;
		step->to = rank_at(tree, v & (v - 1));
		step->to_step = (uint32_t)__builtin_ctz(v);
	} else {
		step->actions = STEP_RECEIVE;
		step->from = rank_at(tree, v + (1u << i));
		step->from_step = n_children(tree, v + (1u << i));
	}
}

/* The place of the rank that a step sends to or receives from. */
static uint32_t peer_place(const struct binomial *tree, const struct collective_step *step)
{
	uint32_t rank = step->actions & STEP_SEND ? step->to : step->from;
	return wrap(rank + tree->n - tree->root, tree->n);
}

static void copy_own(const struct binomial *tree, uint32_t rank, bool into_scratch, struct collective_step *step)
{
	struct collective_span own = part_span(&tree->parts, rank), scratch = {0, own.bytes, BUFFER_SCRATCH};
	step->actions = STEP_COPY;
	step->out = into_scratch ? own : scratch;
	step->in = into_scratch ? scratch : own;
}

/* The root's buffer in two pieces, from its own part to the end and the rest, against scratch. */
static void copy_root(const struct binomial *tree, uint32_t half, bool into_scratch, struct collective_step *step)
{
	struct collective_span data = half ? parts_span(&tree->parts, 0, tree->root) : parts_span(&tree->parts, tree->root, tree->n);
	struct collective_span scratch = {half ? place_of(tree, tree->n - tree->root) : 0, data.bytes, BUFFER_SCRATCH};
	step->actions = STEP_COPY;
	step->out = into_scratch ? data : scratch;
	step->in = into_scratch ? scratch : data;
}

/* Gather: own part into scratch, the tree upwards, at the root scratch into the buffer. */
static void gather_step(const struct binomial *tree, uint32_t v, uint32_t i, struct collective_step *step)
{
	uint32_t steps = per_piece(tree, v);
	if (i == 0) {
		copy_own(tree, rank_at(tree, v), true, step);
	} else if (i > steps) {
		copy_root(tree, i - steps - 1, false, step);
	} else {
		up_step(tree, v, i - 1, step);
		step->to_step++;
		step->from_step++;
		step->out = subtree(tree, v, v);
		step->in = step->actions & STEP_RECEIVE ? subtree(tree, v, peer_place(tree, step)) : step->out;
	}
}

/* Scatter: the root's buffer into scratch, the tree downwards, the own part out of scratch. */
static void scatter_step(const struct binomial *tree, uint32_t v, uint32_t i, struct collective_step *step)
{
	uint32_t before = v ? 0 : 2;
	if (i < before) {
		copy_root(tree, i, true, step);
	} else if (i - before == per_piece(tree, v)) {
		copy_own(tree, rank_at(tree, v), false, step);
	} else {
		down_step(tree, v, i - before, step);
		uint32_t peer = peer_place(tree, step);
		step->from_step += peer ? 0 : 2;
		step->in = subtree(tree, v, v);
		step->out = step->actions & STEP_SEND ? subtree(tree, v, peer) : step->in;
	}
}

static void binomial_step(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step)
{
	const struct binomial *tree = plan->state;
	enum collective_kind kind = plan->request.kind;
	uint32_t v = wrap(rank + tree->n - tree->root, tree->n), steps = per_piece(tree, v), piece, peer, first, up_steps = 0;
	(void)thread;
	if (moves_parts(kind)) {
		(kind == COLLECTIVE_GATHER ? gather_step : scatter_step)(tree, v, i, step);
		return;
	}
	bool both = kind == COLLECTIVE_ALL_REDUCE || kind == COLLECTIVE_BARRIER;
	bool up = kind == COLLECTIVE_REDUCE || (both && i < steps * tree->pieces);
	if (both && !up) {
		i -= steps * tree->pieces;
		up_steps = tree->pieces;
	}
	piece = i / steps;
	(up ? up_step : down_step)(tree, v, i % steps, step);
	peer = peer_place(tree, step);
	first = (up_steps + piece) * per_piece(tree, peer); /* the peer's steps before this piece */
	step->to_step += first;
	step->from_step += first;
	step->out = step->in = part_span(&tree->parts, piece);
	if (up && step->actions & STEP_RECEIVE)
		step->actions |= STEP_REDUCE;
}

static double binomial_cost(const struct collective_plan *plan, double alpha_ps, double beta_ps_per_byte)
{
	const struct binomial *tree = plan->state;
	double n = tree->n, whole = beta_ps_per_byte * (double)plan->request.bytes, up = ceil(log2(n)), down = floor(log2(n));
	if (tree->n == 1)
		return 0;
	if (moves_parts(plan->request.kind))
		return up * alpha_ps + whole * (n - 1) / n;
	double broadcast = down * alpha_ps + up * whole, reduce = up * (alpha_ps + whole);
	switch (plan->request.kind) {
	case COLLECTIVE_BROADCAST: return broadcast;
	case COLLECTIVE_REDUCE: return reduce;
	default: return broadcast + reduce;
	}
}

const struct collective_algorithm algorithm_binomial = {
	.name = "binomial",
	.summary = "one binomial tree; best for small buffers and few ranks; chunk_bytes makes it a pipeline",
	.kinds = KIND(ALL_REDUCE) | KIND(BROADCAST) | KIND(REDUCE) | KIND(GATHER) | KIND(SCATTER) | KIND(BARRIER),
	.plan = binomial_plan,
	.n_steps = binomial_n_steps,
	.step = binomial_step,
	.cost = binomial_cost,
	.formulas = {
		[COLLECTIVE_ALL_REDUCE] = "(ceil(log2 n) + floor(log2 n))·α + 2·ceil(log2 n)·βB",
		[COLLECTIVE_BROADCAST] = "floor(log2 n)·α + ceil(log2 n)·βB",
		[COLLECTIVE_REDUCE] = "ceil(log2 n)·(α + βB)",
		[COLLECTIVE_GATHER] = "ceil(log2 n)·α + βB(n-1)/n",
		[COLLECTIVE_SCATTER] = "ceil(log2 n)·α + βB(n-1)/n",
		[COLLECTIVE_BARRIER] = "(ceil(log2 n) + floor(log2 n))·α",
	},
};
