/* Double binary tree: two trees, each moving half of the data in pieces; who is inside one is a leaf of the other, so every port works
 * in both directions all the time.
 *
 * Places 1 … n-1 count from the root, which stands outside. The first tree is the in-order tree: v's level is its lowest bit, its
 * children are v ± half of it. The second is the same over other numbers: mirrored (n - v) when n is odd, shifted by one when n
 * is even, which swaps odd (leaf) and even (inside). Five ranks, root 0:
 *
 *        0                0
 *        |                |
 *        4                1            mirrored: 4 ↔ 1, 3 ↔ 2
 *       /                  \
 *      2                    3
 *     / \                  / \
 *    1   3                4   2
 *
 *   broadcast   downwards: a piece is received, then sent to the children     thread: tree
 *   reduce      upwards: received from the children and added, then sent      thread: tree
 *   all-reduce  both at once, root 0: its downward thread sends piece q when its upward one has it     thread: 2·tree + downwards
 *
 * A node sends every piece of its half twice, so with q pieces and depth d = 1 + ceil(log2 n)
 *
 *   broadcast, reduce   at most d·(α + 2β·B/2q) + βB       all-reduce   at most 2d·(α + 2β·B/2q) + 2βB
 *
 * where βB is the time in which the ports of a node inside one tree pass B/2 twice; its other half passes in between. Sanders, Speck,
 * Träff: Two-tree algorithms for full bandwidth broadcast, reduction and scan, Parallel Computing 35 (2009); NCCL's trees.cc builds
 * the same pair. */
#include "collective/algorithms.h"

struct double_tree {
	uint32_t n, root;
	uint32_t pieces, slices, per_tree; /* slices = 2 × channels; per_tree: threads, 2 for all-reduce */
	uint32_t depth;
	struct parts parts;                /* piece × slices + slice */
};

/* Where a node stands in one tree. */
struct place {
	uint32_t parent, children[2], n_children; /* v, counted from the root; v = 0 has no parent */
	uint32_t sibling;                         /* which child of its parent it is */
};

static int double_tree_plan(struct collective_plan *plan, struct error *err)
{
	const struct collective_request *request = &plan->request;
	struct double_tree *trees = arena_alloc(&plan->arena, sizeof *trees);
	(void)err;
	trees->n = request->n_ranks;
	trees->root = request->kind == COLLECTIVE_ALL_REDUCE ? 0 : request->root;
	trees->slices = 2 * (request->channels ? request->channels : 1);
	trees->per_tree = request->kind == COLLECTIVE_ALL_REDUCE ? 2 : 1;
	for (trees->depth = 1; UINT64_C(1) << (trees->depth - 1) < trees->n;)
		trees->depth++;
	trees->pieces = pipeline_pieces(plan, request->bytes / trees->slices, trees->depth * trees->per_tree);
	parts_cut(&trees->parts, &plan->arena, request->bytes, request->element_bytes, trees->pieces, trees->slices);
	plan->n_threads = trees->slices * trees->per_tree;
	plan->state = trees;
	return 0;
}

/* Between v and its number in the in-order tree; its own inverse but for the shift. */
static uint32_t to_tree(uint32_t v, uint32_t n, bool second)
{
	if (!second || v == 0)
		return v;
	return n % 2 ? n - v : v == 1 ? n - 1 : v - 1;
}
static uint32_t from_tree(uint32_t x, uint32_t n, bool second)
{
	if (!second || x == 0)
		return x;
	return n % 2 ? n - x : x == n - 1 ? 1 : x + 1;
}

/* The in-order tree over 1 … n-1: children of x, the nearest existing below x ± half its lowest bit. */
static uint32_t in_order_children(uint32_t x, uint32_t n, uint32_t children[2])
{
	uint32_t bit = x ? x & -x : 1, count = 0;
	if (x == 0) {
		if (n < 2)
			return 0;
		while (bit * 2 < n)
			bit *= 2;
		children[0] = bit;
		return 1;
	}
	if (bit == 1)
		return 0;
	children[count++] = x - bit / 2;
	for (uint32_t half = bit / 2; half; half /= 2)
		if (x + half < n) {
			children[count++] = x + half;
			break;
		}
	return count;
}

static uint32_t in_order_parent(uint32_t x, uint32_t n)
{
	uint32_t bit = x & -x, up = (x ^ bit) | bit << 1;
	return up < n ? up : x ^ bit;
}

static struct place place_of(const struct double_tree *trees, uint32_t v, bool second)
{
	struct place place = {0};
	uint32_t x = to_tree(v, trees->n, second), siblings[2] = {0};
	place.n_children = in_order_children(x, trees->n, place.children);
	for (uint32_t c = 0; c < place.n_children; c++)
		place.children[c] = from_tree(place.children[c], trees->n, second);
	if (v) {
		uint32_t parent = in_order_parent(x, trees->n);
		in_order_children(parent, trees->n, siblings);
		place.sibling = siblings[0] != x;
		place.parent = from_tree(parent, trees->n, second);
	}
	return place;
}

static uint32_t per_piece(const struct place *place, uint32_t v) { return place->n_children + (v != 0); }

static uint32_t double_tree_n_steps(const struct collective_plan *plan, uint32_t rank, uint32_t thread)
{
	const struct double_tree *trees = plan->state;
	uint32_t v = wrap(rank + trees->n - trees->root, trees->n);
	struct place place = place_of(trees, v, thread / trees->per_tree & 1);
	return per_piece(&place, v) * trees->pieces;
}

static uint32_t rank_at(const struct double_tree *trees, uint32_t v) { return wrap(trees->root + v, trees->n); }

/* j-th step of a piece upwards: one receive per child, then the send. Step numbers count within the peer's piece. */
static void up_step(const struct double_tree *trees, bool second, const struct place *place, uint32_t j, struct collective_step *step,
		    uint32_t *peer)
{
	if (j < place->n_children) {
		*peer = place->children[j];
		step->actions = STEP_RECEIVE | STEP_REDUCE;
		step->from = rank_at(trees, *peer);
		step->from_step = place_of(trees, *peer, second).n_children;
	} else {
		*peer = place->parent;
		step->actions = STEP_SEND;
		step->to = rank_at(trees, *peer);
		step->to_step = place->sibling;
	}
}

static void down_step(const struct double_tree *trees, const struct place *place, uint32_t v, uint32_t j, struct collective_step *step,
		      uint32_t *peer)
{
	if (v && j == 0) {
		*peer = place->parent;
		step->actions = STEP_RECEIVE;
		step->from = rank_at(trees, *peer);
		step->from_step = (*peer != 0) + place->sibling;
	} else {
		*peer = place->children[j - (v != 0)];
		step->actions = STEP_SEND;
		step->to = rank_at(trees, *peer);
		step->to_step = 0;
	}
}

static void double_tree_step(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step)
{
	const struct double_tree *trees = plan->state;
	enum collective_kind kind = plan->request.kind;
	uint32_t v = wrap(rank + trees->n - trees->root, trees->n), slice = thread / trees->per_tree, peer;
	bool second = slice & 1, down = kind == COLLECTIVE_BROADCAST || (kind == COLLECTIVE_ALL_REDUCE && thread & 1);
	struct place place = place_of(trees, v, second), other;
	uint32_t per = per_piece(&place, v), piece = i / per, j = i % per;
	if (down)
		down_step(trees, &place, v, j, step, &peer);
	else
		up_step(trees, second, &place, j, step, &peer);
	other = place_of(trees, peer, second);
	step->to_thread = step->from_thread = thread;
	step->to_step += piece * per_piece(&other, peer);
	step->from_step += piece * per_piece(&other, peer);
	step->out = step->in = part_span(&trees->parts, piece * trees->slices + slice);
	if (kind == COLLECTIVE_ALL_REDUCE && down && v == 0 && j == 0) { /* the root turns round */
		step->n_waits = 1;
		step->waits[0].thread = thread - 1;
		step->waits[0].step = (piece + 1) * per - 1;
	}
}

static double double_tree_cost(const struct collective_plan *plan, double alpha_ps, double beta_ps_per_byte)
{
	const struct double_tree *trees = plan->state;
	double bytes = (double)plan->request.bytes, turns = trees->per_tree;
	if (trees->n == 1)
		return 0;
	return turns * (trees->depth * (alpha_ps + beta_ps_per_byte * bytes / trees->pieces) + beta_ps_per_byte * bytes);
}

const struct collective_algorithm algorithm_double_binary_tree = {
	.name = "double_binary_tree",
	.summary = "two trees with half of the data each, in pieces: full bandwidth in logarithmic depth (NCCL's Tree)",
	.kinds = KIND(ALL_REDUCE) | KIND(BROADCAST) | KIND(REDUCE),
	.plan = double_tree_plan,
	.n_steps = double_tree_n_steps,
	.step = double_tree_step,
	.cost = double_tree_cost,
	.formulas = {
		[COLLECTIVE_ALL_REDUCE] = "at most 2·((1 + ceil(log2 n))·(α + βB/q) + βB)",
		[COLLECTIVE_BROADCAST] = "at most (1 + ceil(log2 n))·(α + βB/q) + βB",
		[COLLECTIVE_REDUCE] = "at most (1 + ceil(log2 n))·(α + βB/q) + βB",
	},
};
