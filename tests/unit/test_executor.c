/* Programs on a network without contention: closed forms, matching, streams, causes, classes. */
#include "fake_network.h"
#include "workload/format.h"
#include "workload/simple.h"

#define RATE INT64_C(28000000000) /* 224 Gb/s: a byte takes 35.71 ps */
#define LATENCY 731

static struct op op(enum op_kind kind, uint16_t stream, int32_t peer, int32_t tag, int64_t amount)
{
	return (struct op){.kind = (uint8_t)kind, .stream = stream, .group_slot = PEER_ABSOLUTE, .peer = peer, .tag = tag, .amount = amount};
}

static uint32_t add(struct workload *w, uint32_t program, struct op o) { return program_add(&w->programs[program], &o, NULL, 0); }
static uint32_t add_after(struct workload *w, uint32_t program, struct op o, uint32_t dep)
{
	return program_add(&w->programs[program], &o, &dep, 1);
}

/* n ranks with a program each. */
static void each_own(struct workload *w, uint32_t n)
{
	workload_init(w, n);
	for (uint32_t i = 0; i < n; i++)
		w->rank_program[i] = workload_add_program(w);
}

static void message_takes_its_bytes_and_the_latency(void **state)
{
	(void)state;
	struct workload w;
	struct fake fake;
	each_own(&w, 2);
	add(&w, 0, op(OP_COMPUTE, 0, 0, 0, 1000));
	add_after(&w, 0, op(OP_SEND, 1, 1, 5, 1000003), 0);
	add(&w, 1, op(OP_RECEIVE, 1, 0, 5, 1000003));
	add_after(&w, 1, op(OP_COMPUTE, 0, 0, 0, 77), 0);
	fake_init(&fake, 2, RATE, LATENCY, false);
	fake_add(&fake, &w, 0, -1);
	fake_run_well(&fake);
	int64_t wire = (INT64_C(1000003) * PS_PER_S + RATE - 1) / RATE;
	assert_int_equal(fake_end(&fake, 0), 1000 + wire);
	assert_int_equal(fake_end(&fake, 1), 1000 + wire + LATENCY + 77);
	const struct op_record *receive = fake_find(&fake, 1, 0);
	assert_int_equal(receive->ready_ps, 0);
	assert_int_equal(receive->end_ps, 1000 + wire + LATENCY);
	assert_int_equal(receive->cause_rank, 0);
	assert_int_equal(receive->cause_index, 1);
	assert_int_equal(receive->exposed_ps, receive->end_ps);
	struct rank_result result;
	executor_rank_result(fake.executor, 1, &result);
	assert_int_equal(result.class_ps[RANK_WAIT_PEER], 1000);
	assert_int_equal(result.class_ps[RANK_EXPOSED], wire + LATENCY);
	assert_int_equal(result.class_ps[RANK_COMPUTE], 77);
	fake_release(&fake);
	workload_release(&w);
}

static void ring(struct workload *w, uint32_t n, int64_t bytes, uint32_t channels, uint32_t repeat)
{
	workload_init(w, n);
	workload_add_program(w);
	workload_add_group(w, "all", NULL, 0);
	workload_set_slots(w, 1);
	workload_assign_slot(w, 0, 0, 1);
	struct collective_call call = {.kind = COLLECTIVE_ALL_REDUCE, .bytes = bytes, .algorithm = "ring", .channels = channels};
	uint32_t index = program_add_call(&w->programs[0], &call);
	for (uint32_t i = 0; i < repeat; i++)
		program_add(&w->programs[0], &(struct op){.kind = OP_COLLECTIVE, .stream = 1, .amount = index}, NULL, 0);
}

static void ring_allreduce_takes_two_n_minus_one_steps(void **state)
{
	(void)state;
	const uint32_t counts[] = {2, 3, 5, 7, 12, 33};
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct workload w;
		struct fake fake;
		int64_t n = counts[i], part = 12347;
		ring(&w, counts[i], part * n, 1, 3);
		fake_init(&fake, counts[i], RATE, LATENCY, false);
		fake_add(&fake, &w, 0, -1);
		fake_run_well(&fake);
		int64_t step = serialization_ps(part, RATE) + LATENCY;
		for (uint32_t rank = 0; rank < n; rank++)
			assert_int_equal(fake_end(&fake, rank), 3 * 2 * (n - 1) * step);
		assert_int_equal(fake.n_messages, 3 * 2 * (n - 1) * n);
		assert_int_equal(fake.n_collectives, 3);
		assert_int_equal(fake.collectives[1].end_ps, 2 * 2 * (n - 1) * step);
		fake_release(&fake);
		workload_release(&w);
	}
}

/* The rest are programs in weft's own format. */

static void load(struct workload *w, const char *body)
{
	struct error err = {0};
	char *text = memory_text(body);
	if (workload_parse(w, text, "test", &err))
		fail_msg("%s", err.message);
	free(text);
}

static void begin(struct fake *fake, struct workload *w, const char *body)
{
	load(w, body);
	fake_init(fake, w->n_ranks, RATE, LATENCY, false);
	fake_add(fake, w, 0, -1);
}

static void done(struct fake *fake, struct workload *w)
{
	fake_release(fake);
	workload_release(w);
}

static int64_t wire(int64_t bytes) { return serialization_ps(bytes, RATE); }

static void streams_run_in_order_and_beside_each_other(void **state)
{
	(void)state;
	struct workload w;
	struct fake fake;
	begin(&fake, &w, "weft-program 1\nranks 1\nprogram ranks=0\n"
	      "compute 100ps\ncompute 10ps stream=1\ncompute 7ps stream=1\ncompute 5ps stream=0\ncompute 1ps stream=none\n"
	      "compute 3ps stream=2 after=2,4\ncompute 50ps stream=none after=start:3\nwait 0ps stream=none after=6,5\n");
	fake_run_well(&fake);
	assert_int_equal(fake_find(&fake, 0, 2)->start_ps, 10);
	assert_int_equal(fake_find(&fake, 0, 3)->start_ps, 100);
	assert_int_equal(fake_find(&fake, 0, 3)->cause_index, 0);
	assert_int_equal(fake_find(&fake, 0, 5)->start_ps, 17);
	assert_int_equal(fake_find(&fake, 0, 5)->cause_index, 2);
	assert_int_equal(fake_find(&fake, 0, 6)->start_ps, 100);
	assert_int_equal(fake_find(&fake, 0, 7)->end_ps, 150);
	assert_int_equal(fake_end(&fake, 0), 150);
	done(&fake, &w);
}

static void ready_order_takes_the_lowest_that_is_ready(void **state)
{
	(void)state;
	struct workload w;
	struct fake fake;
	begin(&fake, &w, "weft-program 1\nranks 1\nprogram ranks=0 order=ready\n"
	      "compute 10ps after=1\ncompute 20ps\ncompute 30ps\ncompute 5ps stream=1\ncompute 1ps after=3\n");
	fake_run_well(&fake);
	assert_int_equal(fake_find(&fake, 0, 1)->start_ps, 0);
	assert_int_equal(fake_find(&fake, 0, 0)->start_ps, 20);
	assert_int_equal(fake_find(&fake, 0, 2)->start_ps, 30);
	assert_int_equal(fake_find(&fake, 0, 2)->ready_ps, 0);
	assert_int_equal(fake_find(&fake, 0, 4)->ready_ps, 5);
	assert_int_equal(fake_find(&fake, 0, 4)->start_ps, 60);
	done(&fake, &w);
}

static void messages_of_a_pair_and_tag_match_in_order(void **state)
{
	(void)state;
	struct workload w;
	struct fake fake;
	/* the second message is shorter and arrives first */
	begin(&fake, &w, "weft-program 1\nranks 2\nprogram ranks=0\n"
	      "send 1000003B to=1 tag=4 stream=none\nsend 11B to=1 tag=4 stream=none\nsend 500B to=1 tag=5 stream=none\n"
	      "program ranks=1\nreceive 1000003B from=0 tag=4 stream=none\nreceive 11B from=0 tag=4 stream=none\n"
	      "receive 500B from=0 tag=5\n");
	fake_run_well(&fake);
	assert_int_equal(fake_find(&fake, 1, 0)->end_ps, wire(1000003) + LATENCY);
	assert_int_equal(fake_find(&fake, 1, 1)->end_ps, wire(11) + LATENCY);
	assert_int_equal(fake_find(&fake, 1, 2)->end_ps, wire(500) + LATENCY);
	done(&fake, &w);
}

static void any_source_takes_what_arrives_first_and_nothing_overtakes(void **state)
{
	(void)state;
	struct workload w;
	struct fake fake;
	begin(&fake, &w, "weft-program 1\nranks 4\nprogram ranks=0\nsend 5000B to=3 tag=1\n"
	      "program ranks=1\nsend 900B to=3 tag=1\n"
	      "program ranks=2\nsend 70000B to=3 tag=2 stream=none\nsend 20B to=3 tag=2 stream=none\n"
	      "program ranks=3\nreceive 1B from=any tag=1\nreceive 1B from=any tag=1\nreceive 1B from=2 tag=2 stream=2\n"
	      "receive 1B from=2 tag=any stream=2\n");
	fake_run_well(&fake);
	assert_int_equal(fake_find(&fake, 3, 0)->end_ps, wire(900) + LATENCY);
	assert_int_equal(fake_find(&fake, 3, 0)->cause_rank, 1);
	assert_int_equal(fake_find(&fake, 3, 1)->end_ps, wire(5000) + LATENCY);
	/* rank 2's short message arrives first, but its long one was sent before it: that one is taken by the first receive */
	assert_int_equal(fake_find(&fake, 3, 2)->end_ps, wire(70000) + LATENCY);
	assert_int_equal(fake_find(&fake, 3, 3)->end_ps, wire(70000) + LATENCY);
	done(&fake, &w);
}

static void rendezvous_waits_for_the_receiver(void **state)
{
	(void)state;
	struct workload w;
	struct fake fake;
	begin(&fake, &w, "weft-program 1\nranks 2\nprogram ranks=0\nsend 3001B to=1 rendezvous\nsend 17B to=1 tag=9 rendezvous\n"
	      "program ranks=1\ncompute 12345ps\nreceive 3001B from=0 after=0\nreceive 17B from=any tag=9\n");
	fake_run_well(&fake);
	assert_int_equal(fake_find(&fake, 0, 0)->end_ps, 12345 + wire(3001));
	assert_int_equal(fake_find(&fake, 0, 0)->cause_rank, 1);
	assert_int_equal(fake_find(&fake, 0, 0)->cause_index, 1);
	assert_int_equal(fake_find(&fake, 1, 1)->end_ps, 12345 + wire(3001) + LATENCY);
	assert_int_equal(fake_find(&fake, 1, 2)->end_ps, 12345 + wire(3001) + LATENCY + wire(17) + LATENCY);
	struct rank_result result;
	executor_rank_result(fake.executor, 0, &result);
	assert_int_equal(result.class_ps[RANK_WAIT_PEER], 12345 + LATENCY);
	done(&fake, &w);
}

static void a_message_to_itself_takes_no_time(void **state)
{
	(void)state;
	struct workload w;
	struct fake fake;
	begin(&fake, &w, "weft-program 1\nranks 1\nprogram ranks=0\ncompute 5ps\nsend 10B to=0 after=0\nreceive 10B from=0 stream=2\n"
	      "send 10B to=0 tag=1 rendezvous\nreceive 10B from=any tag=1 stream=2\n");
	fake_run_well(&fake);
	assert_int_equal(fake_end(&fake, 0), 5);
	done(&fake, &w);
}

static void workloads_run_together_and_one_after_the_other(void **state)
{
	(void)state;
	struct workload a, b, c;
	struct fake fake;
	load(&a, "weft-program 1\nranks 2\nprogram ranks=0\ncompute 100ps\nprogram ranks=1\ncompute 300ps\n");
	load(&b, "weft-program 1\nranks 2\nprogram ranks=all\ncompute 50ps\n");
	load(&c, "weft-program 1\nranks 1\nprogram ranks=all\ncompute 7ps\n");
	fake_init(&fake, 3, RATE, LATENCY, false);
	fake_add(&fake, &a, 0, -1);
	fake_add(&fake, &b, 1, 0);
	fake_add(&fake, &c, 2, -1);
	fake_run_well(&fake);
	assert_int_equal(fake_end(&fake, 0), 100);
	assert_int_equal(fake_end(&fake, 1), 350);
	assert_int_equal(fake_end(&fake, 2), 350);
	const struct op_record *after = fake_find(&fake, 2, 0); /* of b, the first that was added on rank 2 */
	assert_int_equal(after->ready_ps, 300);
	assert_int_equal(after->cause_rank, 1);
	assert_int_equal(after->cause_index, 0);
	assert_int_equal(after->released_by, UINT32_MAX);
	assert_int_equal(fake_find(&fake, 2, 1)->end_ps, 7);
	assert_int_equal(fake_find(&fake, 1, 1)->released_by, 0);
	struct rank_result result;
	executor_rank_result(fake.executor, 2, &result);
	assert_int_equal(result.class_ps[RANK_COMPUTE], 57);
	assert_int_equal(result.class_ps[RANK_WAIT_DEPENDENCY], 293);
	fake_release(&fake);
	workload_release(&a);
	workload_release(&b);
	workload_release(&c);
}

static void hidden_and_exposed_are_told_apart(void **state)
{
	(void)state;
	struct workload w;
	struct fake fake;
	begin(&fake, &w, "weft-program 1\nranks 2\ngroup all all\nslot g all\nprogram ranks=all\n"
	      "compute 1us\nallreduce 2MB in=g algorithm=ring after=0\ncompute 20us\ncompute 3us after=1,2\n");
	fake_run_well(&fake);
	int64_t reduce = 2 * (wire(1000000) + LATENCY), end = PS_PER_US + reduce + 3 * PS_PER_US;
	struct rank_result result;
	assert_int_equal(fake_end(&fake, 0), end);
	executor_rank_result(fake.executor, 0, &result);
	assert_int_equal(result.class_ps[RANK_HIDDEN], 20 * PS_PER_US);
	assert_int_equal(result.class_ps[RANK_EXPOSED], reduce - 20 * PS_PER_US);
	assert_int_equal(result.class_ps[RANK_COMPUTE], 4 * PS_PER_US);
	assert_int_equal(fake_find(&fake, 0, 1)->exposed_ps, reduce - 20 * PS_PER_US);
	done(&fake, &w);
}

static void a_late_rank_is_the_cause(void **state)
{
	(void)state;
	struct workload w;
	struct fake fake;
	begin(&fake, &w, "weft-program 1\nranks 3\ngroup all all\nslot g all\nprogram ranks=0,2\nallreduce 3MB in=g algorithm=ring\n"
	      "program ranks=1\ncompute 1s\nallreduce 3MB in=g algorithm=ring after=0\n");
	fake_run_well(&fake);
	for (uint32_t rank = 0; rank < 3; rank += 2) {
		assert_int_equal(fake_find(&fake, rank, 0)->cause_rank, 1);
		assert_int_equal(fake_find(&fake, rank, 0)->cause_index, 1);
	}
	assert_int_equal(fake_find(&fake, 1, 1)->cause_rank, 1);
	assert_int_equal(fake_find(&fake, 1, 1)->cause_index, 0);
	struct rank_result result;
	executor_rank_result(fake.executor, 0, &result);
	assert_in_range(result.class_ps[RANK_WAIT_PEER], PS_PER_S - 2 * (wire(1000000) + LATENCY), PS_PER_S);
	done(&fake, &w);
}

static void protocols_add_their_overhead(void **state)
{
	(void)state;
	struct workload w;
	struct fake fake;
	begin(&fake, &w, "weft-program 1\nranks 5\ngroup all all\nslot g all\nprogram ranks=all\n"
	      "allreduce 500015B in=g algorithm=ring protocol=ll\n");
	fake_run_well(&fake);
	const struct protocol *ll = protocol_find("ll", NULL);
	int64_t step = wire(2 * 100003) + LATENCY + ll->step_ps; /* no routes here: nothing is taken out */
	assert_int_equal(fake_end(&fake, 3), ll->base_ps + 8 * step);
	assert_string_equal(fake.collectives[0].protocol, "ll");
	assert_int_equal(fake.bytes, 2 * 8 * 500015);
	struct rank_result result;
	executor_rank_result(fake.executor, 3, &result);
	assert_int_equal(result.class_ps[RANK_EXPOSED], result.end_ps);
	done(&fake, &w);
}

static void sub_groups_run_at_the_same_time(void **state)
{
	(void)state;
	struct workload w;
	struct fake fake;
	begin(&fake, &w, "weft-program 1\nranks 7\ngroup a 0,2,4\ngroup b 6,1\ngroup c 3,5\nslot g a b c\ngroup all all\nslot world all\n"
	      "program ranks=all\nallreduce 60006B in=g algorithm=ring\nallgather 70007B in=world algorithm=ring\n");
	fake_run_well(&fake);
	int64_t three = 4 * (wire(20002) + LATENCY), two = 2 * (wire(30003) + LATENCY);
	assert_int_equal(fake_find(&fake, 0, 0)->end_ps, three);
	assert_int_equal(fake_find(&fake, 1, 0)->end_ps, two);
	assert_int_equal(fake_find(&fake, 5, 0)->end_ps, two);
	assert_int_equal(fake.n_collectives, 4);
	assert_int_equal(fake_end(&fake, 6) >= three + 4 * (wire(10001) + LATENCY), 1);
	done(&fake, &w);
}

static void every_algorithm_ends_and_moves_what_it_says(void **state)
{
	(void)state;
	const uint32_t counts[] = {1, 2, 3, 5, 8, 12};
	for (int a = 0; collective_algorithms[a]; a++)
		for (int kind = 0; kind < COLLECTIVE_KINDS; kind++)
			for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
				struct workload w;
				struct fake fake;
				struct collective_plan plan;
				struct collective_call call = {
					.kind = (enum collective_kind)kind, .bytes = 100003 * counts[c],
					.algorithm = collective_algorithms[a]->name,
				};
				struct collective_request request = {
					.kind = call.kind, .bytes = call.bytes, .n_ranks = counts[c], .element_bytes = 1,
				};
				if (kind == COLLECTIVE_ALL_TO_ALL_V || !(collective_algorithms[a]->kinds >> kind & 1) ||
				    collective_plan_init(&plan, call.algorithm, &request, 1e6, 20, NULL))
					continue;
				int64_t messages = 0;
				for (uint32_t r = 0; r < counts[c]; r++)
					for (uint32_t t = 0; t < plan.n_threads; t++)
						for (uint32_t i = 0; i < plan.algorithm->n_steps(&plan, r, t); i++) {
							struct collective_step step = {0};
							plan.algorithm->step(&plan, r, t, i, &step);
							messages += step.actions & STEP_SEND && step.to != r;
						}
				collective_plan_release(&plan);
				assert_int_equal(collective_workload(&w, counts[c], &call, 2, NULL), 0);
				fake_init(&fake, counts[c], RATE, LATENCY, false);
				fake_add(&fake, &w, 0, -1);
				fake_run_well(&fake);
				assert_int_equal(fake.n_messages, 2 * messages);
				assert_int_equal(fake.n_collectives, 2);
				done(&fake, &w);
			}
}

/* Runs that cannot finish */

static void stuck(const char *body, const char *expected)
{
	struct workload w;
	struct fake fake;
	struct error err = {0};
	begin(&fake, &w, body);
	assert_false(fake_run(&fake, &err));
	assert_string_equal(err.message, expected);
	assert_int_equal(err.code, ERROR_SIMULATION);
	done(&fake, &w);
}

static void a_receive_nobody_sends_is_named(void **state)
{
	(void)state;
	stuck("weft-program 1\nranks 2\nprogram ranks=0\nsend 5B to=1 tag=1\nprogram ranks=1\nreceive 5B from=0 tag=1\n"
	      "receive 6B from=0 tag=2 name=\"second\"\ncompute 1ps after=1\n",
	      "the run cannot finish: rank 1's operation 1 'second' (receive with tag 2 from rank 0) waits: rank 0 has no send left "
	      "for it");
}

static void a_send_nobody_receives_is_named(void **state)
{
	(void)state;
	stuck("weft-program 1\nranks 2\nprogram ranks=0\nsend 5B to=1 tag=1\nprogram ranks=1\ncompute 1ps\n",
	      "the run cannot finish: nobody receives rank 0's operation 0 (send of 5 B with tag 1 to rank 1)");
}

static void a_cycle_of_receives_is_named(void **state)
{
	(void)state;
	stuck("weft-program 1\nranks 3\nprogram ranks=0\ncompute 4ps\nreceive 5B from=2\nsend 5B to=1 stream=1\n"
	      "program ranks=1\nreceive 5B from=0\nsend 5B to=2 stream=1\nprogram ranks=2\nreceive 5B from=1\nsend 5B to=0 stream=1\n",
	      "the run cannot finish: a cycle: rank 0's operation 1 (receive with tag 0 from rank 2) waits for rank 2's operation 1 (send "
	      "of 5 B with tag 0 to rank 0) waits for rank 2's operation 0 (receive with tag 0 from rank 1) waits for rank 1's operation 1 "
	      "(send of 5 B with tag 0 to rank 2) waits for rank 1's operation 0 (receive with tag 0 from rank 0) waits for rank 0's "
	      "operation 2 (send of 5 B with tag 0 to rank 1) waits for rank 0's operation 1 (receive with tag 0 from rank 2); "
	      "rank 1's operation 0 (receive with tag 0 from rank 0) waits; rank 2's operation 0 (receive with tag 0 from rank 1) waits");
}

static void collectives_that_differ_are_named(void **state)
{
	(void)state;
	stuck("weft-program 1\nranks 2\ngroup tp all\nslot g tp\nprogram ranks=0\nallreduce 8MiB in=g\nallgather 1MiB in=g\n"
	      "program ranks=1\nallreduce 8MiB in=g\nallgather 2MiB in=g name=\"late\"\n",
	      "collective 1 of group 'tp' does not match: rank 0's operation 1 (allgather of 1 MiB), but rank 1's operation 1 'late' "
	      "(allgather of 2 MiB)");
	stuck("weft-program 1\nranks 2\ngroup tp all\nslot g tp\nprogram ranks=0\nallreduce 8MiB in=g\nallgather 8MiB in=g\n"
	      "program ranks=1\nallgather 8MiB in=g\nallreduce 8MiB in=g\n",
	      "collective 0 of group 'tp' does not match: rank 0's operation 0 (allreduce of 8 MiB), but rank 1's operation 0 "
	      "(allgather of 8 MiB)");
}

static void a_missing_rank_is_named(void **state)
{
	(void)state;
	stuck("weft-program 1\nranks 3\ngroup tp all\nslot g tp\nprogram ranks=0,2\nallreduce 8kB in=g\nallreduce 8kB in=g\n"
	      "program ranks=1\nallreduce 8kB in=g\n",
	      "the run cannot finish: rank 0's operation 1 (allreduce of 8 kB) waits: rank 1 has no such collective (collective 1 of "
	      "group 'tp'); rank 2's operation 1 (allreduce of 8 kB) in group 'tp' waits");
}

static void collectives_of_two_groups_in_crossed_order_are_a_cycle(void **state)
{
	(void)state;
	stuck("weft-program 1\nranks 2\ngroup a all\ngroup b all\nslot a a\nslot b b\nprogram ranks=0\nallreduce 8kB in=a\n"
	      "allreduce 9kB in=b\nprogram ranks=1\nallreduce 9kB in=b\nallreduce 8kB in=a\n",
	      "the run cannot finish: a cycle: rank 0's operation 0 (allreduce of 8 kB) waits for rank 1's operation 1 (allreduce of 8 kB) "
	      "waits for rank 1's operation 0 (allreduce of 9 kB) waits for rank 0's operation 1 (allreduce of 9 kB) waits for rank 0's "
	      "operation 0 (allreduce of 8 kB); rank 1's operation 0 (allreduce of 9 kB) in group 'b' waits");
}

static uint64_t allocations_of(uint32_t repeat)
{
	struct workload w;
	struct fake fake;
	ring(&w, 33, 330033, 3, repeat);
	fake_init(&fake, 33, RATE, LATENCY, true);
	fake_add(&fake, &w, 0, -1);
	uint64_t before = memory_count();
	fake_run_well(&fake);
	uint64_t after = memory_count();
	done(&fake, &w);
	return after - before;
}

static void nothing_is_allocated_once_warm(void **state)
{
	(void)state;
	assert_int_equal(allocations_of(40), allocations_of(400));
}

static void a_failed_rank_says_so(void **state)
{
	(void)state;
	struct workload w;
	struct fake fake;
	struct rank_result result;
	begin(&fake, &w, "weft-program 1\nranks 1\nprogram ranks=0\nwait 10ns\ncompute 5ns\nwait 2ns\n");
	executor_rank_failed(fake.executor, 0, true);
	fake_run_well(&fake);
	executor_rank_result(fake.executor, 0, &result);
	assert_int_equal(result.class_ps[RANK_FAILED], 12000);
	assert_int_equal(result.class_ps[RANK_COMPUTE], 5000);
	done(&fake, &w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_takes_its_bytes_and_the_latency),
		cmocka_unit_test(ring_allreduce_takes_two_n_minus_one_steps),
		cmocka_unit_test(streams_run_in_order_and_beside_each_other),
		cmocka_unit_test(ready_order_takes_the_lowest_that_is_ready),
		cmocka_unit_test(messages_of_a_pair_and_tag_match_in_order),
		cmocka_unit_test(any_source_takes_what_arrives_first_and_nothing_overtakes),
		cmocka_unit_test(rendezvous_waits_for_the_receiver),
		cmocka_unit_test(a_message_to_itself_takes_no_time),
		cmocka_unit_test(workloads_run_together_and_one_after_the_other),
		cmocka_unit_test(hidden_and_exposed_are_told_apart),
		cmocka_unit_test(a_late_rank_is_the_cause),
		cmocka_unit_test(protocols_add_their_overhead),
		cmocka_unit_test(sub_groups_run_at_the_same_time),
		cmocka_unit_test(every_algorithm_ends_and_moves_what_it_says),
		cmocka_unit_test(nothing_is_allocated_once_warm),
		cmocka_unit_test(a_failed_rank_says_so),
		cmocka_unit_test(a_receive_nobody_sends_is_named),
		cmocka_unit_test(a_send_nobody_receives_is_named),
		cmocka_unit_test(a_cycle_of_receives_is_named),
		cmocka_unit_test(collectives_that_differ_are_named),
		cmocka_unit_test(a_missing_rank_is_named),
		cmocka_unit_test(collectives_of_two_groups_in_crossed_order_are_a_cycle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
