/* Closed-form costs against the schedules, run by an ideal executor: every rank has one full-duplex port; a message occupies the
 * sender's port for β·bytes, then α passes, then it occupies the receiver's port for β·bytes while it arrives (cut through: the first
 * byte comes α after it was sent). Ports serve in order of time. Nothing else costs. */
#include "check.h"

#include "base/error.h"
#include "collective/collective.h"

#define ALPHA INT64_C(1009) /* ps; odd, so that no sum comes out right by accident */
#define BETA INT64_C(7)     /* ps per byte */

struct event { int64_t time; uint64_t order; uint32_t worker, kind; };
enum { READY, LEFT, HEAD_ARRIVES, ARRIVED };

struct ideal {
	const struct collective_plan *plan;
	uint32_t n_workers;
	struct { uint32_t at, n_steps; bool begun; uint8_t pending; struct collective_step now; } *workers;
	struct { uint32_t worker, step; bool arrived; } *letters; /* in order of sending */
	size_t n_letters, letters_capacity;
	int64_t *out_free, *in_free;
	struct event *heap;
	size_t n_heap, heap_capacity;
	uint64_t order;
	int64_t now;
};

static bool earlier(const struct event *a, const struct event *b)
{
	return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void push(struct ideal *ideal, int64_t time, uint32_t kind, uint32_t worker)
{
	ARRAY_RESERVE(ideal->heap, ideal->n_heap + 1, ideal->heap_capacity);
	size_t i = ideal->n_heap++;
	struct event event = {time, ideal->order++, worker, kind};
	for (; i && earlier(&event, &ideal->heap[(i - 1) / 2]); i = (i - 1) / 2)
		ideal->heap[i] = ideal->heap[(i - 1) / 2];
	ideal->heap[i] = event;
}

static struct event pop(struct ideal *ideal)
{
	struct event first = ideal->heap[0], last = ideal->heap[--ideal->n_heap];
	size_t i = 0;
	for (size_t c; (c = 2 * i + 1) < ideal->n_heap; i = c) {
		if (c + 1 < ideal->n_heap && earlier(&ideal->heap[c + 1], &ideal->heap[c]))
			c++;
		if (!earlier(&ideal->heap[c], &last))
			break;
		ideal->heap[i] = ideal->heap[c];
	}
	ideal->heap[i] = last;
	return first;
}

static bool has_arrived(const struct ideal *ideal, uint32_t worker, uint32_t step)
{
	for (size_t l = ideal->n_letters; l-- > 0;)
		if (ideal->letters[l].worker == worker && ideal->letters[l].step == step)
			return ideal->letters[l].arrived;
	return false;
}

/* Begins the worker's step if it may; ends it if it has; and so on. */
static void advance(struct ideal *ideal, uint32_t w)
{
	uint32_t threads = ideal->plan->n_threads, rank = w / threads, thread = w % threads;
	for (;;) {
		struct collective_step *now = &ideal->workers[w].now;
		if (ideal->workers[w].at == ideal->workers[w].n_steps)
			return;
		if (!ideal->workers[w].begun) {
			memset(now, 0, sizeof *now);
			ideal->plan->algorithm->step(ideal->plan, rank, thread, ideal->workers[w].at, now);
			for (uint8_t i = 0; i < now->n_waits; i++)
				if (ideal->workers[rank * threads + now->waits[i].thread].at <= now->waits[i].step)
					return;
			ideal->workers[w].begun = true;
			ideal->workers[w].pending = now->actions & (STEP_SEND | STEP_RECEIVE);
			if (now->actions & STEP_SEND) {
				int64_t start = ideal->now > ideal->out_free[rank] ? ideal->now : ideal->out_free[rank];
				ideal->out_free[rank] = start + BETA * now->out.bytes;
				push(ideal, ideal->out_free[rank], LEFT, w);
				ARRAY_RESERVE(ideal->letters, ideal->n_letters + 1, ideal->letters_capacity);
				ideal->letters[ideal->n_letters].worker = now->to * threads + now->to_thread;
				ideal->letters[ideal->n_letters].step = now->to_step;
				ideal->letters[ideal->n_letters].arrived = false;
				push(ideal, start + ALPHA, HEAD_ARRIVES, (uint32_t)ideal->n_letters++);
			}
			if (now->actions & STEP_RECEIVE && has_arrived(ideal, w, ideal->workers[w].at))
				ideal->workers[w].pending &= (uint8_t)~STEP_RECEIVE;
		}
		if (ideal->workers[w].pending)
			return;
		ideal->workers[w].begun = false;
		ideal->workers[w].at++;
		for (uint32_t t = 0; t < threads; t++) /* siblings may have waited */
			if (t != thread && !ideal->workers[rank * threads + t].begun)
				push(ideal, ideal->now, READY, rank * threads + t);
	}
}

static int64_t message_bytes(const struct ideal *ideal, size_t letter)
{
	struct collective_step step = {0};
	uint32_t w = ideal->letters[letter].worker;
	ideal->plan->algorithm->step(ideal->plan, w / ideal->plan->n_threads, w % ideal->plan->n_threads, ideal->letters[letter].step, &step);
	return step.in.bytes;
}

/* Time at which the last rank ends. */
static int64_t ideal_ps(const struct collective_plan *plan)
{
	struct ideal ideal = {.plan = plan, .n_workers = plan->request.n_ranks * plan->n_threads};
	ideal.workers = memory_zero(ideal.n_workers, sizeof *ideal.workers);
	ideal.out_free = memory_zero(plan->request.n_ranks, sizeof(int64_t));
	ideal.in_free = memory_zero(plan->request.n_ranks, sizeof(int64_t));
	for (uint32_t w = 0; w < ideal.n_workers; w++) {
		ideal.workers[w].n_steps = plan->algorithm->n_steps(plan, w / plan->n_threads, w % plan->n_threads);
		push(&ideal, 0, READY, w);
	}
	while (ideal.n_heap) {
		struct event event = pop(&ideal);
		uint32_t w = event.worker, rank;
		ideal.now = event.time;
		switch (event.kind) {
		case LEFT: ideal.workers[w].pending &= (uint8_t)~STEP_SEND; break;
		case HEAD_ARRIVES: /* here `worker` is the letter */
			rank = ideal.letters[w].worker / plan->n_threads;
			if (ideal.in_free[rank] < event.time)
				ideal.in_free[rank] = event.time;
			ideal.in_free[rank] += BETA * message_bytes(&ideal, w);
			push(&ideal, ideal.in_free[rank], ARRIVED, w);
			continue;
		case ARRIVED:
			ideal.letters[w].arrived = true;
			uint32_t step = ideal.letters[w].step;
			w = ideal.letters[w].worker;
			if (ideal.workers[w].begun && ideal.workers[w].at == step)
				ideal.workers[w].pending &= (uint8_t)~STEP_RECEIVE;
			break;
		default: break;
		}
		advance(&ideal, w);
	}
	for (uint32_t w = 0; w < ideal.n_workers; w++)
		assert_int_equal(ideal.workers[w].at, ideal.workers[w].n_steps);
	free(ideal.workers);
	free(ideal.letters);
	free(ideal.out_free);
	free(ideal.in_free);
	free(ideal.heap);
	return ideal.now;
}

static double ratio(const char *algorithm, enum collective_kind kind, uint32_t n, int64_t bytes)
{
	uint32_t inner = n % 3 == 0 ? 3 : n % 2 == 0 ? 2 : n;
	struct collective_request request = {.kind = kind, .n_ranks = n, .bytes = bytes, .n_dims = 2, .dims = {inner, n / inner}};
	struct collective_plan plan;
	struct error err = {0};
	if (collective_plan_init(&plan, algorithm, &request, ALPHA * 1000, BETA, &err))
		fail_msg("%s", err.message);
	double cost = plan.algorithm->cost(&plan, ALPHA, BETA), got = (double)ideal_ps(&plan) / cost;
	collective_plan_release(&plan);
	return got;
}

/* Where the closed form is exact: everywhere, at powers of two (else folding makes it a bound), or nowhere (a bound). */
static const struct { const char *algorithm; enum { EXACT, AT_POWERS, BOUND } how; double least; } rows[] = {
	{"ring", EXACT, 1}, {"direct", EXACT, 1}, {"pairwise", EXACT, 1}, {"bruck", EXACT, 1}, {"hierarchical", EXACT, 1},
	{"torus", EXACT, 1}, {"recursive_doubling", AT_POWERS, 0.66}, {"halving_doubling", AT_POWERS, 0.66},
	{"binomial", AT_POWERS, 0.5}, {"double_binary_tree", BOUND, 0.44},
};

static void closed_forms_hold_for_the_schedules(void **state)
{
	(void)state;
	/* Pieces of a pipeline differ by a byte where they do not divide: 5e-4 of these sizes. */
	const double tolerance = 5e-4;
	for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
		for (int kind = 0; kind < COLLECTIVE_KINDS; kind++)
			for (uint32_t n = 2; n <= 17; n++)
				for (int64_t bytes = 0; bytes <= 720720 * 17; bytes += 720720 * 17) {
					if (kind == COLLECTIVE_ALL_TO_ALL_V ||
					    !(collective_algorithm_find(rows[row].algorithm, (enum collective_kind)kind, NULL)))
						continue;
					bool power = (n & (n - 1)) == 0, exact = rows[row].how == EXACT || (rows[row].how == AT_POWERS && power);
					double got = ratio(rows[row].algorithm, (enum collective_kind)kind, n, bytes);
					if (got > 1 + tolerance || got < (exact ? 1 : rows[row].least) - tolerance)
						fail_msg("%s %s, %u ranks, %lld bytes: %f of its closed form", rows[row].algorithm,
							 collective_kind_names[kind], n, (long long)bytes, got);
				}
}

/* To the picosecond, where parts do not divide: the largest part goes all the way round. */
static void ring_all_reduce_takes_2n_minus_2_steps_of_the_largest_part(void **state)
{
	(void)state;
	static const struct { uint32_t n; int64_t bytes; } cases[] = {{384, 1000000}, {8, 1000003}, {7, 5}, {64, 1000000}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct collective_request request = {.kind = COLLECTIVE_ALL_REDUCE, .n_ranks = cases[i].n, .bytes = cases[i].bytes};
		struct collective_plan plan;
		int64_t part = (cases[i].bytes + cases[i].n - 1) / cases[i].n;
		assert_int_equal(collective_plan_init(&plan, "ring", &request, ALPHA, BETA, NULL), 0);
		assert_int_equal(ideal_ps(&plan), 2 * (cases[i].n - 1) * (ALPHA + BETA * part));
		collective_plan_release(&plan);
	}
}

static void nccl_takes_what_nccl_has(void **state)
{
	(void)state;
	static const struct { enum collective_kind kind; int64_t bytes; const char *name; } cases[] = {
		{COLLECTIVE_ALL_REDUCE, 1000, "double_binary_tree"}, {COLLECTIVE_ALL_REDUCE, 1 << 30, "ring"},
		{COLLECTIVE_ALL_GATHER, 1000, "ring"}, {COLLECTIVE_ALL_TO_ALL, 1000, "direct"}, {COLLECTIVE_SEND_RECEIVE, 1000, "direct"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct collective_request request = {.kind = cases[i].kind, .n_ranks = 8, .bytes = cases[i].bytes};
		struct collective_plan plan;
		assert_int_equal(collective_plan_init(&plan, "nccl", &request, 1e6, 4, NULL), 0);
		assert_string_equal(plan.algorithm->name, cases[i].name);
		collective_plan_release(&plan);
	}
}

static void auto_takes_the_cheapest(void **state)
{
	(void)state;
	static const struct { enum collective_kind kind; uint32_t n; int64_t bytes; const char *name; } cases[] = {
		{COLLECTIVE_ALL_REDUCE, 8, 8, "direct"}, {COLLECTIVE_ALL_REDUCE, 384, 1000, "recursive_doubling"},
		{COLLECTIVE_ALL_REDUCE, 256, 1 << 30, "halving_doubling"}, {COLLECTIVE_ALL_REDUCE, 384, 1 << 30, "ring"}, {COLLECTIVE_ALL_TO_ALL, 64, 64, "direct"},
		{COLLECTIVE_SEND_RECEIVE, 5, 100, "direct"}, {COLLECTIVE_BROADCAST, 64, 1 << 30, "double_binary_tree"},
		{COLLECTIVE_BROADCAST, 64, 8, "binomial"}, {COLLECTIVE_BARRIER, 33, 0, "direct"}, {COLLECTIVE_BARRIER, 40, 0, "bruck"},
		{COLLECTIVE_GATHER, 33, 1 << 20, "direct"}, {COLLECTIVE_GATHER, 64, 1 << 20, "binomial"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct collective_request request = {.kind = cases[i].kind, .n_ranks = cases[i].n, .bytes = cases[i].bytes};
		struct collective_plan plan;
		assert_int_equal(collective_plan_init(&plan, "auto", &request, 1e6, 20, NULL), 0);
		double best = plan.algorithm->cost(&plan, 1e6, 20);
		assert_string_equal(plan.algorithm->name, cases[i].name);
		collective_plan_release(&plan);
		for (size_t a = 0; collective_algorithms[a]; a++) {
			if (!collective_algorithms[a]->cost || collective_algorithms[a] == collective_algorithm_find("direct", cases[i].kind, NULL) ||
			    collective_plan_init(&plan, collective_algorithms[a]->name, &request, 1e6, 20, NULL))
				continue;
			assert_true(plan.algorithm->cost(&plan, 1e6, 20) >= best);
			collective_plan_release(&plan);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_forms_hold_for_the_schedules),
		cmocka_unit_test(ring_all_reduce_takes_2n_minus_2_steps_of_the_largest_part),
		cmocka_unit_test(auto_takes_the_cheapest),
		cmocka_unit_test(nccl_takes_what_nccl_has),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
