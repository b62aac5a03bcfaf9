/* Random programs, run by the executor and by a slow interpreter that follows the definitions literally: at every moment, look at
 * everything again. Both must give the same start and end of every operation. */
#include "base/random.h"
#include "base/text.h"
#include "fake_network.h"
#include "workload/format.h"

#define RATE INT64_C(28000000000)
#define LATENCY 5003
#define MAX_RANKS 5
#define MAX_OPS 64
#define MAX_MESSAGES 512
#define MAX_STEPS 64

/* ---- the slow interpreter ---- */

struct slow_message {
	uint32_t source, target, source_op, target_op; /* target_op UINT32_MAX: no receive yet */
	int32_t tag;
	int64_t bytes, sent_ps, delivered_ps;          /* TIME_NEVER: not on its way */
};
struct slow_op {
	bool started, ended;
	int64_t start_ps, end_ps; /* end: TIME_NEVER while not known */
	bool matched;             /* a receive that has its message */
	uint32_t order;           /* of starting */
};
struct slow_thread {
	uint32_t step;
	bool posted;
	int64_t send_end_ps;
	int64_t arrived_ps[MAX_STEPS];
};
struct slow_collective {
	bool exists;
	struct collective_plan plan;
	bool entered[MAX_RANKS], left[MAX_RANKS];
	uint32_t op[MAX_RANKS];
	struct slow_thread threads[MAX_RANKS][MAX_RANKS];
};
struct slow {
	const struct workload *w;
	int64_t now;
	struct slow_op ops[MAX_RANKS][MAX_OPS];
	struct slow_message messages[MAX_MESSAGES];
	uint32_t n_messages, n_started;
	struct slow_collective collectives[4][MAX_OPS]; /* by group and sequence */
	int64_t rendezvous_bytes;
};

static const struct program *program_of(const struct slow *s, uint32_t rank) { return &s->w->programs[s->w->rank_program[rank]]; }

static bool can_start(const struct slow *s, uint32_t rank, uint32_t i)
{
	const struct program *p = program_of(s, rank);
	const struct op *op = &p->ops[i];
	if (s->ops[rank][i].started)
		return false;
	for (uint32_t d = 0; d < op->n_deps; d++) {
		uint32_t dep = p->deps[op->first_dep + d];
		const struct slow_op *other = &s->ops[rank][dep & ~DEP_START];
		if (dep & DEP_START ? !other->started : !other->ended)
			return false;
	}
	for (uint32_t k = 0; k < p->n_ops; k++) {
		bool same = op->stream != STREAM_NONE && p->ops[k].stream == op->stream && k != i;
		if (same && !p->ready_order && k < i && !s->ops[rank][k].ended)
			return false;
		if (same && p->ready_order && s->ops[rank][k].started && !s->ops[rank][k].ended)
			return false;
	}
	return true;
}

static void slow_launch(struct slow *s, struct slow_message *m)
{
	bool local = m->source == m->target;
	m->sent_ps = s->now + (local ? 0 : serialization_ps(m->bytes, RATE));
	m->delivered_ps = m->sent_ps + (local ? 0 : LATENCY);
	s->ops[m->source][m->source_op].end_ps = m->sent_ps;
}

/* The oldest send without a receive, with the oldest receive without a send. */
static void slow_match(struct slow *s, uint32_t rank, uint32_t i)
{
	const struct op *op = &program_of(s, rank)->ops[i];
	uint32_t source = workload_peer(s->w, rank, op);
	for (uint32_t k = 0; k < s->n_messages; k++) {
		struct slow_message *m = &s->messages[k];
		if (m->source != source || m->target != rank || m->tag != op->tag || m->target_op != UINT32_MAX)
			continue;
		m->target_op = i;
		s->ops[rank][i].matched = true;
		if (m->sent_ps == TIME_NEVER)
			slow_launch(s, m);
		return;
	}
}

static void slow_send(struct slow *s, uint32_t rank, uint32_t i)
{
	const struct op *op = &program_of(s, rank)->ops[i];
	struct slow_message *m = &s->messages[s->n_messages++];
	assert_true(s->n_messages <= MAX_MESSAGES);
	*m = (struct slow_message){rank, workload_peer(s->w, rank, op), i, UINT32_MAX, op->tag, op->amount, TIME_NEVER, TIME_NEVER};
	if (!(op->flags & OP_RENDEZVOUS) && op->amount <= s->rendezvous_bytes)
		slow_launch(s, m);
	const struct program *p = program_of(s, m->target);
	uint32_t best = UINT32_MAX; /* the receive that was posted first */
	for (uint32_t k = 0; k < p->n_ops; k++) {
		const struct slow_op *receive = &s->ops[m->target][k];
		if (p->ops[k].kind != OP_RECEIVE || !receive->started || receive->matched || p->ops[k].tag != m->tag ||
		    workload_peer(s->w, m->target, &p->ops[k]) != rank)
			continue;
		if (best == UINT32_MAX || receive->order < s->ops[m->target][best].order)
			best = k;
	}
	if (best == UINT32_MAX)
		return;
	m->target_op = best;
	s->ops[m->target][best].matched = true;
	if (m->sent_ps == TIME_NEVER)
		slow_launch(s, m);
}

static void slow_enter(struct slow *s, uint32_t rank, uint32_t i)
{
	const struct program *p = program_of(s, rank);
	const struct op *op = &p->ops[i];
	size_t at = (size_t)rank * s->w->n_slots + op->group_slot;
	uint32_t group = s->w->rank_groups[at], sequence = 0;
	for (uint32_t k = 0; k < i; k++)
		sequence += p->ops[k].kind == OP_COLLECTIVE && p->ops[k].group_slot == op->group_slot;
	struct slow_collective *c = &s->collectives[group][sequence];
	const struct collective_call *call = &p->calls[op->amount];
	if (!c->exists) {
		struct collective_request request = {
			.kind = call->kind, .bytes = call->bytes, .n_ranks = s->w->groups[group].n_ranks, .element_bytes = 1,
		};
		assert_int_equal(collective_plan_init(&c->plan, call->algorithm, &request, 1, 1, NULL), 0);
		c->exists = true;
		for (int r = 0; r < MAX_RANKS; r++)
			for (int t = 0; t < MAX_RANKS; t++)
				for (int k = 0; k < MAX_STEPS; k++)
					c->threads[r][t].arrived_ps[k] = TIME_NEVER;
	}
	c->entered[s->w->rank_positions[at]] = true;
	c->op[s->w->rank_positions[at]] = i;
}

static void slow_start(struct slow *s, uint32_t rank, uint32_t i)
{
	const struct op *op = &program_of(s, rank)->ops[i];
	struct slow_op *o = &s->ops[rank][i];
	o->started = true;
	o->start_ps = s->now;
	o->order = s->n_started++;
	o->end_ps = TIME_NEVER;
	if (op->kind == OP_COMPUTE || op->kind == OP_WAIT)
		o->end_ps = s->now + op->amount;
	else if (op->kind == OP_SEND)
		slow_send(s, rank, i);
	else if (op->kind == OP_RECEIVE)
		slow_match(s, rank, i);
	else
		slow_enter(s, rank, i);
}

static bool slow_thread_go(struct slow *s, struct slow_collective *c, uint32_t position, uint32_t thread)
{
	struct slow_thread *t = &c->threads[position][thread];
	struct collective_step step = {0};
	if (t->step == c->plan.algorithm->n_steps(&c->plan, position, thread))
		return false;
	assert_true(t->step < MAX_STEPS);
	c->plan.algorithm->step(&c->plan, position, thread, t->step, &step);
	if (!t->posted) {
		for (uint32_t w = 0; w < step.n_waits; w++)
			if (c->threads[position][step.waits[w].thread].step <= step.waits[w].step)
				return false;
		t->posted = true;
		t->send_end_ps = s->now;
		if (step.actions & STEP_SEND) {
			t->send_end_ps = s->now + (step.to == position ? 0 : serialization_ps(step.out.bytes, RATE));
			c->threads[step.to][step.to_thread].arrived_ps[step.to_step] =
				t->send_end_ps + (step.to == position ? 0 : LATENCY);
		}
		return true;
	}
	if (t->send_end_ps > s->now || (step.actions & STEP_RECEIVE && t->arrived_ps[t->step] > s->now))
		return false;
	t->posted = false;
	t->step++;
	return true;
}

static bool slow_collective_go(struct slow *s, uint32_t group, struct slow_collective *c)
{
	bool any = false;
	for (uint32_t r = 0; c->exists && r < c->plan.request.n_ranks; r++) {
		bool all = true;
		if (!c->entered[r] || c->left[r])
			continue;
		for (uint32_t t = 0; t < c->plan.n_threads; t++) {
			any |= slow_thread_go(s, c, r, t);
			all &= c->threads[r][t].step == c->plan.algorithm->n_steps(&c->plan, r, t);
		}
		if (all) {
			const struct group *g = &s->w->groups[group];
			s->ops[g->ranks ? g->ranks[r] : r][c->op[r]].end_ps = s->now;
			c->left[r] = any = true;
		}
	}
	return any;
}

/* Everything that ends now ends, then everything that can start starts, lowest first; again until nothing changes. */
static bool slow_rank_go(struct slow *s, uint32_t rank)
{
	const struct program *p = program_of(s, rank);
	bool any = false, again = true, ready[MAX_OPS];
	while (again) {
		again = false;
		for (uint32_t k = 0; k < s->n_messages; k++) /* a receive ends at max(posted, delivered) */
			if (s->messages[k].target == rank && s->messages[k].target_op != UINT32_MAX && s->messages[k].delivered_ps <= s->now &&
			    !s->ops[rank][s->messages[k].target_op].ended)
				s->ops[rank][s->messages[k].target_op].end_ps = s->now;
		for (uint32_t i = 0; i < p->n_ops; i++)
			if (s->ops[rank][i].started && !s->ops[rank][i].ended && s->ops[rank][i].end_ps <= s->now)
				s->ops[rank][i].ended = again = true;
		for (uint32_t i = 0; i < p->n_ops; i++)
			ready[i] = can_start(s, rank, i);
		for (uint32_t i = 0; i < p->n_ops; i++)
			if (ready[i] && can_start(s, rank, i)) { /* with ready_order the one before may have taken the stream */
				slow_start(s, rank, i);
				again = true;
			}
		any |= again;
	}
	return any;
}

static int64_t later(int64_t best, int64_t now, int64_t candidate) { return candidate > now && candidate < best ? candidate : best; }

static int64_t slow_next(const struct slow *s)
{
	int64_t best = TIME_NEVER;
	for (uint32_t rank = 0; rank < s->w->n_ranks; rank++)
		for (uint32_t i = 0; i < program_of(s, rank)->n_ops; i++)
			if (s->ops[rank][i].started && !s->ops[rank][i].ended)
				best = later(best, s->now, s->ops[rank][i].end_ps);
	for (uint32_t k = 0; k < s->n_messages; k++)
		best = later(best, s->now, s->messages[k].delivered_ps);
	for (int g = 0; g < 4; g++)
		for (int q = 0; q < MAX_OPS; q++) {
			const struct slow_collective *c = &s->collectives[g][q];
			for (uint32_t r = 0; c->exists && r < c->plan.request.n_ranks; r++)
				for (uint32_t t = 0; t < c->plan.n_threads; t++) {
					best = later(best, s->now, c->threads[r][t].send_end_ps);
					for (int k = 0; k < MAX_STEPS; k++)
						best = later(best, s->now, c->threads[r][t].arrived_ps[k]);
				}
		}
	return best;
}

static bool slow_run(struct slow *s)
{
	for (; s->now != TIME_NEVER; s->now = slow_next(s)) {
		bool again = true;
		while (again) {
			again = false;
			for (uint32_t rank = 0; rank < s->w->n_ranks; rank++)
				again |= slow_rank_go(s, rank);
			for (uint32_t g = 0; g < 4; g++)
				for (int q = 0; q < MAX_OPS; q++)
					again |= slow_collective_go(s, g, &s->collectives[g][q]);
		}
	}
	for (uint32_t rank = 0; rank < s->w->n_ranks; rank++)
		for (uint32_t i = 0; i < program_of(s, rank)->n_ops; i++)
			if (!s->ops[rank][i].ended)
				return false;
	for (uint32_t k = 0; k < s->n_messages; k++)
		if (s->messages[k].target_op == UINT32_MAX)
			return false;
	return true;
}

/* ---- random programs ---- */

static uint32_t below(struct random_stream *random, uint32_t n) { return (uint32_t)random_below(random, n); }

static void add_random_op(struct random_stream *random, struct program *p, struct op op)
{
	uint32_t deps[4], n = 0;
	if (p->n_ops >= MAX_OPS)
		return;
	op.stream = below(random, 3) ? (uint16_t)below(random, 3) : STREAM_NONE;
	for (uint32_t wanted = below(random, 3); p->n_ops && n < wanted; n++)
		deps[n] = below(random, p->n_ops) | (below(random, 6) ? 0 : DEP_START);
	program_add(p, &op, deps, n);
}

static void add_exchange(struct random_stream *random, struct workload *w, uint32_t n)
{
	uint32_t source = below(random, n), target = below(random, n);
	struct op op = {
		.kind = OP_SEND, .group_slot = PEER_ABSOLUTE, .peer = (int32_t)target, .tag = (int32_t)below(random, 2),
		.amount = 1 + below(random, 3000),
	};
	if (w->programs[source].n_ops + 1 >= MAX_OPS || w->programs[target].n_ops + 1 >= MAX_OPS)
		return;
	op.flags = below(random, 8) ? 0 : OP_RENDEZVOUS;
	add_random_op(random, &w->programs[source], op);
	op.kind = OP_RECEIVE;
	op.flags = 0;
	op.peer = (int32_t)source;
	add_random_op(random, &w->programs[target], op);
}

static void add_collective(struct random_stream *random, struct workload *w, uint32_t n)
{
	static const struct { enum collective_kind kind; const char *algorithm; } choices[] = {
		{COLLECTIVE_ALL_REDUCE, "ring"}, {COLLECTIVE_ALL_GATHER, "ring"}, {COLLECTIVE_BROADCAST, "binomial"},
		{COLLECTIVE_ALL_TO_ALL, "direct"}, {COLLECTIVE_ALL_REDUCE, "recursive_doubling"}, {COLLECTIVE_BARRIER, "ring"},
		{COLLECTIVE_REDUCE_SCATTER, "ring"},
	};
	uint32_t slot = below(random, 2), c = below(random, sizeof choices / sizeof *choices);
	uint32_t group = slot ? 1 + below(random, 2) : 0;
	struct collective_call call = {.kind = choices[c].kind, .algorithm = choices[c].algorithm, .bytes = 1 + below(random, 20000)};
	for (uint32_t i = 0; i < w->groups[group].n_ranks; i++)
		if (w->programs[w->groups[group].ranks ? w->groups[group].ranks[i] : i].n_ops >= MAX_OPS)
			return;
	for (uint32_t i = 0; i < w->groups[group].n_ranks; i++) {
		struct program *p = &w->programs[w->groups[group].ranks ? w->groups[group].ranks[i] : i];
		struct op op = {.kind = OP_COLLECTIVE, .group_slot = (uint16_t)slot, .amount = program_add_call(p, &call)};
		add_random_op(random, p, op);
	}
	(void)n;
}

static void random_workload(struct random_stream *random, struct workload *w)
{
	uint32_t n = 2 + below(random, MAX_RANKS - 1), halves[2][MAX_RANKS], n_halves[2] = {0, 0};
	workload_init(w, n);
	for (uint32_t i = 0; i < n; i++) {
		w->rank_program[i] = workload_add_program(w);
		w->programs[w->n_programs - 1].ready_order = !below(random, 5);
		uint32_t half = i == 0 ? 0 : i == 1 ? 1 : below(random, 2);
		halves[half][n_halves[half]++] = i;
	}
	workload_add_group(w, "all", NULL, 0);
	workload_add_group(w, "a", halves[0], n_halves[0]);
	workload_add_group(w, "b", halves[1], n_halves[1]);
	workload_set_slots(w, 2);
	workload_assign_slot(w, 0, 0, 1);
	workload_assign_slot(w, 1, 1, 2);
	for (uint32_t k = 4 + below(random, 40); k > 0; k--) {
		uint32_t what = below(random, 10), rank = below(random, n);
		if (what < 4)
			add_random_op(random, &w->programs[rank], (struct op){
				.kind = what ? OP_COMPUTE : OP_WAIT, .amount = below(random, 4) ? below(random, 200000) : 0,
			});
		else if (what < 8)
			add_exchange(random, w, n);
		else
			add_collective(random, w, n);
	}
}

static void tell(const struct fake *fake, const struct slow *s, uint32_t rank, uint32_t i)
{
	struct text text = TEXT_INIT;
	workload_write(s->w, &text);
	print_message("%srank %u, operation %u differs\n", text_string(&text), rank, i);
	for (uint32_t r = 0; r < s->w->n_ranks; r++)
		for (uint32_t k = 0; k < program_of(s, r)->n_ops; k++)
			print_message("rank %u %2u: executor %lld to %lld, interpreter %lld to %lld\n", r, k,
				      (long long)fake_find(fake, r, k)->start_ps, (long long)fake_find(fake, r, k)->end_ps,
				      (long long)s->ops[r][k].start_ps, (long long)s->ops[r][k].end_ps);
	text_release(&text);
}

static void check_records(const struct fake *fake, const struct slow *s)
{
	size_t n = 0;
	for (uint32_t rank = 0; rank < s->w->n_ranks; rank++) {
		int64_t end = 0;
		for (uint32_t i = 0; i < program_of(s, rank)->n_ops; i++, n++) {
			const struct op_record *record = fake_find(fake, rank, i);
			if (record->start_ps != s->ops[rank][i].start_ps || record->end_ps != s->ops[rank][i].end_ps)
				tell(fake, s, rank, i);
			assert_int_equal(record->start_ps, s->ops[rank][i].start_ps);
			assert_int_equal(record->end_ps, s->ops[rank][i].end_ps);
			assert_true(record->ready_ps <= record->start_ps);
			assert_in_range(record->exposed_ps, 0, record->end_ps - record->start_ps);
			end = record->end_ps > end ? record->end_ps : end;
			if (record->released_by == UINT32_MAX) {
				assert_int_equal(record->ready_ps, 0);
			} else { /* released at the moment when that one ended or started */
				const struct op_record *by = fake_find(fake, rank, record->released_by);
				assert_true(by->end_ps == record->ready_ps || by->start_ps == record->ready_ps);
			}
			if (record->cause_rank == UINT32_MAX || record->cause_rank == rank)
				continue;
			const struct op_record *peer = fake_find(fake, record->cause_rank, record->cause_index);
			assert_true(peer->start_ps <= record->end_ps && peer->kind >= OP_SEND && peer->kind <= OP_COLLECTIVE);
		}
		assert_int_equal(fake_end(fake, rank), end);
	}
	assert_int_equal(n, fake->n_ops);
}

static void executor_does_what_the_definitions_say(void **state)
{
	(void)state;
	uint32_t n_stuck = 0, n_mixed = 0;
	for (uint64_t seed = 0; seed < 1500; seed++) {
		struct random_stream random = random_stream(seed, "test.programs", 0);
		struct workload w;
		struct fake fake;
		struct error err = {0};
		struct slow *slow = memory_zero(1, sizeof *slow);
		random_workload(&random, &w);
		slow->w = &w;
		slow->rendezvous_bytes = INT64_MAX;
		fake_init(&fake, w.n_ranks, RATE, LATENCY, false);
		if (workload_verify(&w, &err))
			fail_msg("seed %d: %s", (int)seed, err.message);
		fake_add(&fake, &w, 0, -1);
		bool ends = slow_run(slow), finished;
		finished = fake_run(&fake, &err);
		if (finished && ends)
			check_records(&fake, slow);
		if (finished && ends)
			for (uint32_t rank = 0; rank < w.n_ranks; rank++) {
				struct rank_result result;
				int64_t sum = 0;
				executor_rank_result(fake.executor, rank, &result);
				for (int c = 0; c < RANK_CLASSES; c++)
					sum += result.class_ps[c];
				assert_int_equal(sum, result.end_ps);
			}
		if (finished != ends) {
			print_message("seed %d: executor %d (%s), interpreter %d\n", (int)seed, finished, err.message, ends);
			n_mixed++;
		}
		if (!finished) { /* and says why */
			assert_int_equal(err.code, ERROR_SIMULATION);
			assert_true(strlen(err.message) > strlen("the run cannot finish: "));
		}
		n_stuck += !ends;
		for (int g = 0; g < 4; g++)
			for (int q = 0; q < MAX_OPS; q++)
				if (slow->collectives[g][q].exists)
					collective_plan_release(&slow->collectives[g][q].plan);
		free(slow);
		fake_release(&fake);
		workload_release(&w);
	}
	print_message("%u of 1500 programs cannot end\n", n_stuck);
	assert_int_equal(n_mixed, 0);
	assert_in_range(n_stuck, 1, 600); /* else this tests little */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(executor_does_what_the_definitions_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
