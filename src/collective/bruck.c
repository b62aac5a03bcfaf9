/* Bruck: ceil(log2 n) rounds for any n. In round s a rank exchanges with the ranks 2^s away in the two directions.
 *
 * All-gather of five ranks; rank r keeps parts in the order r, r + 1, … (mod 5) in scratch. What rank 0 holds:
 *
 *   begin     0
 *   round 0   0 1            1 part to rank 4, 1 from rank 1
 *   round 1   0 1 2 3        2 parts to rank 3, 2 from rank 2
 *   round 2   0 1 2 3 4      1 part (n - 4) to rank 1, 1 from rank 4
 *   end       copied to their places in two pieces (one for rank 0)
 *
 * All-to-all: slot d of rank r holds the block that has d ranks to go from where it began. In round s the slots whose number has bit s
 * are packed, sent to r + 2^s, and unpacked into the same slots there; so the block in slot d moves d in all. At the end slot d holds
 * the block from rank r - d.
 *
 *   all-gather   ceil(log2 n)·α + β·B(n-1)/n
 *   all-to-all   ceil(log2 n)·α + β·(B/n)·(sum over s of how many d < n have bit s), n/2 of them when n is a power of two
 *   barrier      ceil(log2 n)·α      (dissemination)
 *
 * Bruck, Ho, Kipnis, Upfal, Weathersby: Efficient algorithms for all-to-all communications in multiport message-passing systems, IEEE
 * TPDS 8 (1997). */
#include "collective/algorithms.h"

struct bruck {
	uint32_t n, rounds;
	struct parts parts;
	struct blocks blocks;
	int64_t slot;                   /* bytes of the largest block: slot d begins at d × slot */
	int64_t packed, received;       /* where the packed and the received blocks begin in scratch */
	uint32_t round_first[33];       /* all-to-all: the first step of each round, then that of the end */
};

/* How many d < n have bit s. */
static uint32_t n_with_bit(uint32_t n, uint32_t s)
{
	uint32_t period = n >> (s + 1), rest = n & ((2u << s) - 1);
	return (period << s) + (rest > 1u << s ? rest - (1u << s) : 0);
}

/* The j-th of them. */
static uint32_t with_bit(uint32_t j, uint32_t s)
{
	return (j >> s) << (s + 1) | 1u << s | (j & ((1u << s) - 1));
}

static int bruck_plan(struct collective_plan *plan, struct error *err)
{
	const struct collective_request *request = &plan->request;
	struct bruck *bruck = arena_alloc(&plan->arena, sizeof *bruck);
	(void)err;
	bruck->n = request->n_ranks;
	while (UINT64_C(1) << bruck->rounds < bruck->n)
		bruck->rounds++;
	parts_cut(&bruck->parts, &plan->arena, request->bytes, request->element_bytes, bruck->n, 1);
	plan->scratch_bytes = request->bytes;
	if (request->kind == COLLECTIVE_ALL_TO_ALL) {
		blocks_cut(&bruck->blocks, &plan->arena, request);
		for (uint32_t p = 0; p < bruck->n; p++)
			if (part_span(&bruck->parts, p).bytes > bruck->slot)
				bruck->slot = part_span(&bruck->parts, p).bytes;
		bruck->packed = bruck->slot * bruck->n;
		bruck->received = bruck->packed + bruck->slot * (bruck->n / 2 + 1);
		plan->scratch_bytes = bruck->received + bruck->slot * (bruck->n / 2 + 1);
		bruck->round_first[0] = bruck->n;
		for (uint32_t s = 0; s < bruck->rounds; s++)
			bruck->round_first[s + 1] = bruck->round_first[s] + 2 * n_with_bit(bruck->n, s) + 1;
	}
	plan->state = bruck;
	return 0;
}

static uint32_t bruck_n_steps(const struct collective_plan *plan, uint32_t rank, uint32_t thread)
{
	const struct bruck *bruck = plan->state;
	(void)rank, (void)thread;
	switch (plan->request.kind) {
	case COLLECTIVE_ALL_TO_ALL: return bruck->round_first[bruck->rounds] + bruck->n;
	case COLLECTIVE_ALL_GATHER: return bruck->n == 1 ? 0 : bruck->rounds + 3;
	default: return bruck->rounds;
	}
}

/* Where part r + j begins in the scratch of rank r, j <= n. */
static int64_t gathered_at(const struct bruck *bruck, uint32_t rank, uint32_t j)
{
	const int64_t *offsets = bruck->parts.offsets;
	uint32_t part = rank + j;
	return part <= bruck->n ? offsets[part] - offsets[rank] : offsets[bruck->n] - offsets[rank] + offsets[part - bruck->n];
}

static struct collective_span gathered(const struct bruck *bruck, uint32_t rank, uint32_t begin, uint32_t end)
{
	int64_t at = gathered_at(bruck, rank, begin);
	return (struct collective_span){at, gathered_at(bruck, rank, end) - at, BUFFER_SCRATCH};
}

static void copy_step(struct collective_span out, struct collective_span in, struct collective_step *step)
{
	step->actions = STEP_COPY;
	step->out = out;
	step->in = in;
}

static void exchange(uint32_t to, uint32_t from, uint32_t i, struct collective_step *step)
{
	step->actions = STEP_SEND | STEP_RECEIVE;
	step->to = to;
	step->from = from;
	step->to_step = step->from_step = i;
}

static void all_gather_step(const struct bruck *bruck, uint32_t rank, uint32_t i, struct collective_step *step)
{
	uint32_t n = bruck->n, distance = i ? 1u << (i - 1) : 0;
	if (i == 0) {
		copy_step(part_span(&bruck->parts, rank), gathered(bruck, rank, 0, 1), step);
	} else if (i <= bruck->rounds) {
		uint32_t count = distance < n - distance ? distance : n - distance;
		exchange(wrap(rank + n - distance, n), wrap(rank + distance, n), i, step);
		step->out = gathered(bruck, rank, 0, count);
		step->in = gathered(bruck, rank, distance, distance + count);
	} else if (i == bruck->rounds + 1) {
		copy_step(gathered(bruck, rank, 0, n - rank), parts_span(&bruck->parts, rank, n), step);
	} else {
		copy_step(gathered(bruck, rank, n - rank, n), parts_span(&bruck->parts, 0, rank), step);
	}
}

/* The length of the block in slot d of a rank before round s: it began at rank - (d mod 2^s) and goes d further. */
static int64_t slot_bytes(const struct bruck *bruck, uint32_t rank, uint32_t d, uint32_t s)
{
	uint32_t low = d & ((1u << s) - 1);
	return part_span(&bruck->parts, wrap(rank + (d - low), bruck->n)).bytes;
}

/* Bytes of the first j packed blocks of a round; those that differ only below bit s go to one rank and are equally long. */
static int64_t packed_bytes(const struct bruck *bruck, uint32_t rank, uint32_t j, uint32_t s)
{
	int64_t sum = 0;
	uint32_t k = 0;
	for (; k + (1u << s) <= j; k += 1u << s)
		sum += slot_bytes(bruck, rank, with_bit(k, s), s) << s;
	return k < j ? sum + (j - k) * slot_bytes(bruck, rank, with_bit(k, s), s) : sum;
}

/* Packing, exchange and unpacking of round s; j counts its steps. */
static void round_step(const struct bruck *bruck, uint32_t rank, uint32_t s, uint32_t j, struct collective_step *step)
{
	uint32_t n = bruck->n, count = n_with_bit(n, s), from = wrap(rank + n - (1u << s), n);
	if (j == count) {
		exchange(wrap(rank + (1u << s), n), from, bruck->round_first[s] + j, step);
		step->out = (struct collective_span){bruck->packed, packed_bytes(bruck, rank, count, s), BUFFER_SCRATCH};
		step->in = (struct collective_span){bruck->received, packed_bytes(bruck, from, count, s), BUFFER_SCRATCH};
		return;
	}
	bool packs = j < count;
	uint32_t k = packs ? j : j - count - 1, d = with_bit(k, s), owner = packs ? rank : from;
	int64_t bytes = slot_bytes(bruck, owner, d, s);
	struct collective_span slot = {d * bruck->slot, bytes, BUFFER_SCRATCH};
	struct collective_span place = {(packs ? bruck->packed : bruck->received) + packed_bytes(bruck, owner, k, s), bytes, BUFFER_SCRATCH};
	copy_step(packs ? slot : place, packs ? place : slot, step);
}

static void all_to_all_step(const struct bruck *bruck, uint32_t rank, uint32_t i, struct collective_step *step)
{
	uint32_t n = bruck->n, s = 0, end = bruck->round_first[bruck->rounds];
	struct collective_span slot = {0, 0, BUFFER_SCRATCH};
	if (i >= n && i < end) {
		while (i >= bruck->round_first[s + 1])
			s++;
		round_step(bruck, rank, s, i - bruck->round_first[s], step);
		return;
	}
	uint32_t d = i < n ? i : i - end, target = wrap(rank + d, n), source = wrap(rank + n - d, n);
	struct collective_span data = i < n ? block_in(&bruck->blocks, rank, target) : block_out(&bruck->blocks, source, rank);
	slot.offset = d * bruck->slot;
	slot.bytes = data.bytes;
	copy_step(i < n ? data : slot, i < n ? slot : data, step);
}

static void bruck_step(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step)
{
	const struct bruck *bruck = plan->state;
	uint32_t n = bruck->n;
	(void)thread;
	switch (plan->request.kind) {
	case COLLECTIVE_ALL_TO_ALL: all_to_all_step(bruck, rank, i, step); break;
	case COLLECTIVE_ALL_GATHER: all_gather_step(bruck, rank, i, step); break;
	default: exchange(wrap(rank + (1u << i), n), wrap(rank + n - (1u << i), n), i, step);
	}
}

static double bruck_cost(const struct collective_plan *plan, double alpha_ps, double beta_ps_per_byte)
{
	const struct bruck *bruck = plan->state;
	double blocks = bruck->n - 1;
	if (plan->request.kind == COLLECTIVE_ALL_TO_ALL) {
		blocks = 0;
		for (uint32_t s = 0; s < bruck->rounds; s++)
			blocks += n_with_bit(bruck->n, s);
	}
	return bruck->rounds * alpha_ps + beta_ps_per_byte * (double)plan->request.bytes * blocks / bruck->n;
}

const struct collective_algorithm algorithm_bruck = {
	.name = "bruck",
	.summary = "ceil(log2 n) rounds for any n; best for small all-gathers, all-to-alls and barriers",
	.kinds = KIND(ALL_GATHER) | KIND(ALL_TO_ALL) | KIND(BARRIER),
	.plan = bruck_plan,
	.n_steps = bruck_n_steps,
	.step = bruck_step,
	.cost = bruck_cost,
	.formulas = {
		[COLLECTIVE_ALL_GATHER] = "ceil(log2 n)·α + βB(n-1)/n",
		[COLLECTIVE_ALL_TO_ALL] = "ceil(log2 n)·α + β(B/n)·(ones in the numbers below n)",
		[COLLECTIVE_BARRIER] = "ceil(log2 n)·α",
	},
};
