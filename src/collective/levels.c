/* Collectives in levels: ranks form a grid of dims[0] × dims[1] × … (innermost first), and each phase runs another algorithm inside
 * every line of the grid along one dimension.
 *
 * Hierarchical all-reduce of six ranks, dims 3 × 2 (two machines of three; rank = c0 + 3·c1):
 *
 *   phase 0   reduce-scatter in {0 1 2} and {3 4 5}      rank c0 of a machine holds part c0 of 3, summed over the machine
 *   phase 1   all-reduce in {0 3}, {1 4}, {2 5}          of that part: 1/3 of the data crosses between machines
 *   phase 2   all-gather in {0 1 2} and {3 4 5}
 *
 * In general: reduce-scatter along dimensions 0 … k-2, all-reduce along k-1, all-gather back. Reduce-scatter alone goes inside out and
 * all-gather outside in, so that the least crosses between machines; the parts that a phase moves are then not neighbours in the
 * buffer, so they are kept in scratch, part of rank (c0, c1, …) at place ((c0·d1 + c1)·d2 + …), and copied at the begin or the end. All
 * parts must be equally long for that. Broadcast goes from the outermost dimension
 * inwards (only the lines of the root's inner coordinates take part), reduce the other way; a barrier is one along every dimension.
 *
 * Torus is the same with rings along every dimension; the buffer is cut in k slices, and slice j begins with dimension j, so that the
 * links of all dimensions work at once (Sack, Gropp: Collective algorithms for multiported torus networks, ACM TOPC 1 (2015)).
 *
 *   cost: the sum over phases; five ranks as 5 × 1 are the plain algorithm, and rings on a × b:
 *   2(a-1)(α + βB/a) + 2(b-1)(α + βB/ab)                 = 2(a+b-2)·α + 2βB(ab-1)/ab */
#include <string.h>

#include "base/error.h"
#include "collective/algorithms.h"

enum { MAX_LEVELS = 8, MAX_PHASES = 2 * MAX_LEVELS, WAITS = COLLECTIVE_MAX_WAITS };

struct variant { /* the plan of a phase for lines that hold this many bytes */
	int64_t bytes;
	struct collective_plan plan;
	struct variant *next;
};
enum copies { COPIES_NONE, COPIES_OWN_IN, COPIES_OWN_OUT, COPIES_ALL_IN, COPIES_ALL_OUT }; /* parts, into or out of scratch */
struct phase {
	enum collective_kind kind;
	uint8_t level, depth;        /* depth: how often the buffer has been cut before it */
	uint8_t copies;              /* enum copies: not a collective but local copies, by the first thread */
	struct variant *variants;
	uint32_t first;              /* uniform: step number at which it begins in every thread */
};
struct place { int64_t offset, bytes; }; /* what a rank holds of its slice after some cuts */
struct levels {
	uint32_t n, k, slices, threads_each, joins; /* joins: wait-only steps at the beginning of a phase */
	uint32_t dims[MAX_LEVELS], stride[MAX_LEVELS], root[MAX_LEVELS];
	uint32_t n_phases;
	struct phase phases[MAX_LEVELS][MAX_PHASES]; /* [slice][phase] */
	struct place *places;        /* [slice][rank][depth] */
	int64_t scratch_each;
	bool uniform, rooted, packed; /* packed: phases work in scratch */
	int64_t packed_bytes;
};

static struct place *place_at(const struct levels *levels, uint32_t slice, uint32_t rank, uint32_t depth)
{
	return &levels->places[((size_t)slice * levels->n + rank) * (levels->k + 1) + depth];
}

static uint32_t coordinate(const struct levels *levels, uint32_t rank, uint32_t level)
{
	return rank / levels->stride[level] % levels->dims[level];
}

/* Whether this rank takes part: with a root only the lines through its inner coordinates do. */
static bool takes_part(const struct levels *levels, uint32_t rank, uint32_t level)
{
	for (uint32_t l = 0; levels->rooted && l < level; l++)
		if (coordinate(levels, rank, l) != levels->root[l])
			return false;
	return true;
}

static const struct collective_plan *plan_of(const struct levels *levels, uint32_t slice, const struct phase *phase, uint32_t rank)
{
	int64_t bytes = place_at(levels, slice, rank, phase->depth)->bytes;
	const struct variant *variant = phase->variants;
	while (variant->bytes != bytes)
		variant = variant->next;
	return &variant->plan;
}

static uint32_t steps_of(const struct levels *levels, uint32_t slice, const struct phase *phase, uint32_t rank, uint32_t u)
{
	if (phase->copies)
		return u ? 0 : phase->copies >= COPIES_ALL_IN ? levels->n : 1;
	const struct collective_plan *plan = plan_of(levels, slice, phase, rank);
	if (u >= plan->n_threads || !takes_part(levels, rank, phase->level))
		return 0;
	return plan->algorithm->n_steps(plan, coordinate(levels, rank, phase->level), u);
}

/* Step number at which phase p begins in thread u of a rank. */
static uint32_t phase_begins(const struct levels *levels, uint32_t slice, uint32_t p, uint32_t rank, uint32_t u)
{
	const struct phase *phases = levels->phases[slice];
	uint32_t first = 0;
	if (levels->uniform && p < levels->n_phases)
		return phases[p].first;
	for (uint32_t q = 0; q < p; q++)
		first += steps_of(levels, slice, &phases[q], rank, u) + (q ? levels->joins : 0);
	return first;
}

/* Cuts a rank's slice along the dimensions in the order of the slice. */
static void cut_places(struct levels *levels, const struct collective_request *request, uint32_t slice, uint32_t rank)
{
	struct place now, part;
	collective_part(request->bytes, request->element_bytes, levels->slices, slice, &now.offset, &now.bytes);
	for (uint32_t depth = 0; depth < levels->k; depth++) {
		uint32_t level = (slice + depth) % levels->k;
		*place_at(levels, slice, rank, depth) = now;
		if (levels->rooted || (depth + 1 == levels->k && !levels->packed))
			continue;
		collective_part(now.bytes, request->element_bytes, levels->dims[level], coordinate(levels, rank, level), &part.offset,
				&part.bytes);
		now = (struct place){now.offset + part.offset, part.bytes};
	}
	*place_at(levels, slice, rank, levels->k) = now;
}

/* Copies, a phase per dimension, copies. */
static void list_packed_phases(struct levels *levels, enum collective_kind kind)
{
	bool gathers = kind == COLLECTIVE_ALL_GATHER;
	uint32_t k = levels->k;
	struct phase *phases = levels->phases[0];
	levels->n_phases = k + 2;
	phases[0].copies = gathers ? COPIES_OWN_IN : COPIES_ALL_IN;
	phases[k + 1].copies = gathers ? COPIES_ALL_OUT : COPIES_OWN_OUT;
	for (uint32_t p = 1; p <= k; p++) {
		phases[p].kind = kind;
		phases[p].depth = phases[p].level = (uint8_t)(gathers ? k - p : p - 1);
	}
}

static void list_phases(struct levels *levels, enum collective_kind kind)
{
	uint32_t k = levels->k;
	if (levels->packed) {
		list_packed_phases(levels, kind);
		return;
	}
	levels->n_phases = kind == COLLECTIVE_ALL_REDUCE ? 2 * k - 1 : k;
	for (uint32_t slice = 0; slice < levels->slices; slice++)
		for (uint32_t p = 0; p < levels->n_phases; p++) {
			struct phase *phase = &levels->phases[slice][p];
			uint32_t depth = p < k ? p : 2 * k - 2 - p;
			phase->kind = kind;
			phase->depth = (uint8_t)depth;
			phase->level = (uint8_t)((slice + depth) % k);
			if (kind == COLLECTIVE_ALL_REDUCE && p != k - 1)
				phase->kind = p < k ? COLLECTIVE_REDUCE_SCATTER : COLLECTIVE_ALL_GATHER;
			if (kind == COLLECTIVE_BROADCAST)
				phase->level = (uint8_t)(k - 1 - p);
		}
}

static int add_variant(struct collective_plan *plan, struct levels *levels, struct phase *phase, int64_t bytes, const char *algorithm,
		       struct error *err)
{
	for (const struct variant *v = phase->variants; v; v = v->next)
		if (v->bytes == bytes)
			return 0;
	struct variant *variant = arena_alloc(&plan->arena, sizeof *variant);
	struct collective_request request = {
		.kind = phase->kind, .n_ranks = levels->dims[phase->level], .root = levels->rooted ? levels->root[phase->level] : 0,
		.bytes = bytes, .element_bytes = plan->request.element_bytes, .channels = plan->request.channels,
		.bidirectional = plan->request.bidirectional, .chunk_bytes = plan->request.chunk_bytes,
	};
	variant->bytes = bytes;
	if (collective_plan_init(&variant->plan, algorithm, &request, plan->alpha_ps, plan->beta_ps_per_byte, err))
		return error_prefix(err, "level %u", phase->level);
	variant->next = phase->variants;
	phase->variants = variant;
	if (variant->plan.n_threads > levels->threads_each)
		levels->threads_each = variant->plan.n_threads;
	if (variant->plan.scratch_bytes > levels->scratch_each)
		levels->scratch_each = variant->plan.scratch_bytes;
	return 0;
}

static int plan_phases(struct collective_plan *plan, struct levels *levels, bool torus, struct error *err)
{
	for (uint32_t slice = 0; slice < levels->slices; slice++)
		for (uint32_t p = 0; p < levels->n_phases; p++) {
			struct phase *phase = &levels->phases[slice][p];
			const char *algorithm = plan->request.levels[phase->level];
			for (uint32_t r = 0; r < levels->n && !phase->copies; r++)
				if (add_variant(plan, levels, phase, place_at(levels, slice, r, phase->depth)->bytes,
						torus || !algorithm ? "ring" : algorithm, err))
					return -1;
		}
	return 0;
}

/* When every thread of every rank has as many steps in a phase, its beginning is one number. */
static void find_uniform(struct levels *levels)
{
	for (uint32_t slice = 0; slice < levels->slices; slice++) {
		uint32_t first = 0;
		for (uint32_t p = 0; p < levels->n_phases; p++) {
			struct phase *phase = &levels->phases[slice][p];
			uint32_t usual = steps_of(levels, slice, phase, 0, 0);
			for (uint32_t r = 0; r < levels->n; r++)
				for (uint32_t u = 0; u < levels->threads_each; u++)
					if (steps_of(levels, slice, phase, r, u) != usual)
						return;
			phase->first = first;
			first += usual + (p ? levels->joins : 0);
		}
	}
	levels->uniform = true;
}

/* The plans of the phases have arenas of their own, which nobody would release: their blocks become this plan's. */
static void adopt(struct collective_plan *plan, struct levels *levels)
{
	for (uint32_t slice = 0; slice < levels->slices; slice++)
		for (uint32_t p = 0; p < levels->n_phases; p++)
			for (struct variant *v = levels->phases[slice][p].variants; v; v = v->next)
				arena_adopt(&plan->arena, &v->plan.arena);
}

static int levels_plan(struct collective_plan *plan, bool torus, struct error *err)
{
	const struct collective_request *request = &plan->request;
	struct levels *levels = arena_alloc(&plan->arena, sizeof *levels);
	uint32_t stride = 1;
	if (request->n_dims == 0)
		return error_set(err, ERROR_INPUT, "'%s' needs the sizes of its levels (dims), innermost first, with the product %u",
				 plan->algorithm->name, request->n_ranks);
	int64_t unit = (int64_t)request->n_ranks * request->element_bytes;
	levels->n = request->n_ranks;
	levels->packed = request->kind == COLLECTIVE_ALL_GATHER || request->kind == COLLECTIVE_REDUCE_SCATTER;
	levels->packed_bytes = levels->packed ? request->bytes : 0;
	if (levels->packed && request->bytes % unit)
		return error_set(err, ERROR_INPUT, "%s in levels needs equal parts: %lld bytes do not divide into %u (the next that do: %lld)",
				 collective_kind_names[request->kind], (long long)request->bytes, request->n_ranks,
				 (long long)((request->bytes / unit + 1) * unit));
	levels->rooted = request->kind == COLLECTIVE_BROADCAST || request->kind == COLLECTIVE_REDUCE;
	for (uint32_t l = 0; l < request->n_dims; l++) {
		levels->dims[levels->k] = request->dims[l];
		levels->stride[levels->k] = stride;
		levels->root[levels->k] = request->root / stride % request->dims[l];
		levels->k++;
		stride *= request->dims[l];
	}
	levels->slices = torus && request->kind == COLLECTIVE_ALL_REDUCE ? levels->k : 1;
	levels->places = arena_array(&plan->arena, (size_t)levels->slices * levels->n * (levels->k + 1), sizeof *levels->places);
	for (uint32_t slice = 0; slice < levels->slices; slice++)
		for (uint32_t r = 0; r < levels->n; r++)
			cut_places(levels, request, slice, r);
	list_phases(levels, request->kind);
	int status = plan_phases(plan, levels, torus, err);
	adopt(plan, levels);
	if (status)
		return -1;
	levels->joins = (levels->threads_each - 1 + WAITS - 1) / WAITS;
	find_uniform(levels);
	plan->n_threads = levels->slices * levels->threads_each;
	plan->scratch_bytes = levels->packed_bytes + levels->slices * levels->scratch_each;
	plan->state = levels;
	return 0;
}

static int hierarchical_plan(struct collective_plan *plan, struct error *err) { return levels_plan(plan, false, err); }
static int torus_plan(struct collective_plan *plan, struct error *err) { return levels_plan(plan, true, err); }

static uint32_t levels_n_steps(const struct collective_plan *plan, uint32_t rank, uint32_t thread)
{
	const struct levels *levels = plan->state;
	uint32_t slice = thread / levels->threads_each, u = thread % levels->threads_each, last = levels->n_phases - 1;
	return phase_begins(levels, slice, last, rank, u) + (last ? levels->joins : 0) +
	       steps_of(levels, slice, &levels->phases[slice][last], rank, u);
}

/* A phase begins when all threads of this slice have ended the one before: waits for up to eight of the others. */
static void join_step(const struct levels *levels, uint32_t slice, uint32_t p, uint32_t rank, uint32_t u, uint32_t part,
		      struct collective_step *step)
{
	for (uint32_t w = part * WAITS; w < (part + 1) * WAITS && w < levels->threads_each - 1; w++) {
		uint32_t other = w < u ? w : w + 1, end = phase_begins(levels, slice, p, rank, other);
		if (end == 0)
			continue;
		step->waits[step->n_waits].thread = slice * levels->threads_each + other;
		step->waits[step->n_waits].step = end - 1;
		step->n_waits++;
	}
}

/* The j-th copy between the buffer and scratch. */
static void copies_step(const struct levels *levels, const struct phase *phase, uint32_t rank, uint32_t j, struct collective_step *step)
{
	bool all = phase->copies >= COPIES_ALL_IN, in = phase->copies == COPIES_OWN_IN || phase->copies == COPIES_ALL_IN;
	uint32_t owner = all ? j : rank;
	const struct place *place = place_at(levels, 0, owner, levels->k);
	struct collective_span scratch = {place->offset, place->bytes, BUFFER_SCRATCH}, data = {owner * place->bytes, place->bytes, BUFFER_OUTPUT};
	step->actions = STEP_COPY;
	step->out = in ? data : scratch;
	step->in = in ? scratch : data;
}

/* A span of a phase in the whole: its buffer is the place of this rank, or in scratch when packed. */
static void move_span(const struct levels *levels, struct collective_span *span, int64_t place, int64_t scratch)
{
	if (span->buffer == BUFFER_SCRATCH) {
		span->offset += scratch;
	} else {
		span->offset += place;
		span->buffer = levels->packed ? BUFFER_SCRATCH : span->buffer;
	}
}

static void levels_step(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step)
{
	const struct levels *levels = plan->state;
	uint32_t slice = levels->slices == 1 ? 0 : thread / levels->threads_each, u = thread - slice * levels->threads_each, p = 0, first = 0;
	for (; p + 1 < levels->n_phases; p++) {
		uint32_t next = phase_begins(levels, slice, p + 1, rank, u);
		if (i < next)
			break;
		first = next;
	}
	const struct phase *phase = &levels->phases[slice][p];
	uint32_t joins = p ? levels->joins : 0, j = i - first;
	if (j < joins) {
		join_step(levels, slice, p, rank, u, j, step);
		return;
	}
	if (phase->copies) {
		copies_step(levels, phase, rank, j - joins, step);
		return;
	}
	const struct collective_plan *inner = plan_of(levels, slice, phase, rank);
	uint32_t c = coordinate(levels, rank, phase->level), base = rank - c * levels->stride[phase->level];
	inner->algorithm->step(inner, c, u, j - joins, step);
	if (step->actions & STEP_SEND) {
		step->to = base + step->to * levels->stride[phase->level];
		step->to_step += phase_begins(levels, slice, p, step->to, step->to_thread) + joins;
		step->to_thread += slice * levels->threads_each;
	}
	if (step->actions & STEP_RECEIVE) {
		step->from = base + step->from * levels->stride[phase->level];
		step->from_step += phase_begins(levels, slice, p, step->from, step->from_thread) + joins;
		step->from_thread += slice * levels->threads_each;
	}
	for (uint8_t w = 0; w < step->n_waits; w++) {
		step->waits[w].step += phase_begins(levels, slice, p, rank, step->waits[w].thread) + joins;
		step->waits[w].thread += slice * levels->threads_each;
	}
	int64_t place = place_at(levels, slice, rank, phase->depth)->offset, scratch = levels->packed_bytes + slice * levels->scratch_each;
	move_span(levels, &step->out, place, scratch);
	move_span(levels, &step->in, place, scratch);
}

/* The phases of one slice one after the other; the slices share the ports of a rank. */
static double levels_cost(const struct collective_plan *plan, double alpha_ps, double beta_ps_per_byte)
{
	const struct levels *levels = plan->state;
	double cost = 0;
	for (uint32_t p = 0; p < levels->n_phases; p++) {
		if (levels->phases[0][p].copies)
			continue;
		const struct collective_plan *inner = plan_of(levels, 0, &levels->phases[0][p], levels->n - 1);
		double own = inner->algorithm->cost ? inner->algorithm->cost(inner, alpha_ps, beta_ps_per_byte * levels->slices) : -1;
		if (own < 0)
			return -1;
		cost += own;
	}
	return cost;
}

const struct collective_algorithm algorithm_hierarchical = {
	.name = "hierarchical",
	.summary = "levels of dims ranks, innermost first, each with its own algorithm: little data between machines",
	.kinds = KIND(ALL_REDUCE) | KIND(REDUCE_SCATTER) | KIND(ALL_GATHER) | KIND(BROADCAST) | KIND(REDUCE) | KIND(BARRIER),
	.plan = hierarchical_plan,
	.n_steps = levels_n_steps,
	.step = levels_step,
	.cost = levels_cost,
	.formulas = {
		[COLLECTIVE_ALL_REDUCE] = "the sum over its phases",
		[COLLECTIVE_REDUCE_SCATTER] = "the sum over its phases",
		[COLLECTIVE_ALL_GATHER] = "the sum over its phases",
		[COLLECTIVE_BROADCAST] = "the sum over its phases",
		[COLLECTIVE_REDUCE] = "the sum over its phases",
		[COLLECTIVE_BARRIER] = "the sum over its phases",
	},
};

const struct collective_algorithm algorithm_torus = {
	.name = "torus",
	.summary = "rings along every dimension of a torus, all dimensions at once",
	.kinds = KIND(ALL_REDUCE) | KIND(REDUCE_SCATTER) | KIND(ALL_GATHER) | KIND(BROADCAST) | KIND(REDUCE) | KIND(BARRIER),
	.plan = torus_plan,
	.n_steps = levels_n_steps,
	.step = levels_step,
	.cost = levels_cost,
	.formulas = {
		[COLLECTIVE_ALL_REDUCE] = "with rings on a × b × …: 2(a-1 + b-1 + …)·α + 2βB(n-1)/n",
		[COLLECTIVE_REDUCE_SCATTER] = "the sum over its rings",
		[COLLECTIVE_ALL_GATHER] = "the sum over its rings",
		[COLLECTIVE_BROADCAST] = "the sum over its rings",
		[COLLECTIVE_REDUCE] = "the sum over its rings",
		[COLLECTIVE_BARRIER] = "the sum over its rings",
	},
};
