/* Programs on a network without contention: closed forms, matching, streams, causes, classes. */
#include "fake_network.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_takes_its_bytes_and_the_latency),
		cmocka_unit_test(ring_allreduce_takes_two_n_minus_one_steps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
