/* LogGOPSim's figures, measured by running the two programs with every parameter stated. */
#include "check.h"

#include "base/error.h"
#include "workload/loggops.h"

static struct program *at(struct workload *w, uint32_t rank) { return &w->programs[w->rank_program[rank]]; }

static void start(struct workload *w, uint32_t n_ranks)
{
	workload_init(w, n_ranks);
	for (uint32_t rank = 0; rank < n_ranks; rank++) {
		uint32_t program = workload_add_program(w);
		w->rank_program[rank] = program;
		w->programs[program].ready_order = true;
		w->programs[program].n_streams = 1;
	}
}

static uint32_t add(struct workload *w, uint32_t rank, struct op op, int64_t after)
{
	uint32_t dep = (uint32_t)after;
	op.group_slot = PEER_ABSOLUTE;
	return program_add(at(w, rank), &op, &dep, after >= 0);
}

static uint32_t send_op(struct workload *w, uint32_t rank, uint32_t to, int64_t bytes, int32_t tag, int64_t after)
{
	return add(w, rank, (struct op){.kind = OP_SEND, .peer = (int32_t)to, .amount = bytes, .tag = tag}, after);
}

static uint32_t receive_op(struct workload *w, uint32_t rank, uint32_t from, int64_t bytes, int32_t tag, int64_t after)
{
	return add(w, rank, (struct op){.kind = OP_RECEIVE, .peer = (int32_t)from, .amount = bytes, .tag = tag}, after);
}

static uint32_t calc_op(struct workload *w, uint32_t rank, int64_t ns, uint16_t cpu, int64_t after)
{
	if (cpu >= at(w, rank)->n_streams)
		at(w, rank)->n_streams = (uint16_t)(cpu + 1);
	return add(w, rank, (struct op){.kind = OP_COMPUTE, .amount = ns * PS_PER_NS, .stream = cpu}, after);
}

/* Runs and returns the end of `rank` in ns; UINT32_MAX: of the last rank. */
static int64_t run_ns(const struct workload *w, const struct loggops_parameters *parameters, uint32_t rank)
{
	struct error err = {0};
	struct rank_result result;
	int64_t end_ps = 0;
	struct loggops *loggops = loggops_new(parameters, w, NULL, &err);
	assert_non_null(loggops);
	while (!loggops_step(loggops, 1000)) {
	}
	if (loggops_finish(loggops, &err))
		fail_msg("%s", err.message);
	for (uint32_t i = 0; i < w->n_ranks; i++) {
		loggops_rank_result(loggops, i, &result);
		int64_t sum = 0;
		for (int c = 0; c < RANK_CLASSES; c++)
			sum += result.class_ps[c];
		assert_int_equal(sum, result.end_ps);
		if ((rank == UINT32_MAX || rank == i) && result.end_ps > end_ps)
			end_ps = result.end_ps;
	}
	loggops_free(loggops);
	assert_int_equal(end_ps % PS_PER_NS, 0);
	return end_ps / PS_PER_NS;
}

static struct loggops_parameters dialect(enum loggops_dialect name)
{
	struct loggops_parameters p = loggops_defaults;
	p.dialect = name;
	return p;
}

static void one_message_costs_what_each_dialect_says(void **state)
{
	static const struct {
		int64_t bytes, original[2], variant[2], corrected[2];
	} cases[] = {
		{1, {1500, 5500}, {1500, 6500}, {1500, 5500}},
		{0, {1500, 5494}, {1500, 6500}, {1500, 5500}},
		{65535, {1500, 398704}, {1500, 399704}, {1500, 398704}},
		{65536, {4000, 398710}, {399710, 399710}, {4000, 398710}},
		{1048576, {4000, 6296950}, {6297950, 6297950}, {4000, 6296950}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct workload w;
		start(&w, 2);
		send_op(&w, 0, 1, cases[i].bytes, 0, -1);
		receive_op(&w, 1, 0, cases[i].bytes, 0, -1);
		for (uint32_t rank = 0; rank < 2; rank++) {
			struct loggops_parameters p = dialect(LOGGOPS_LOGGOPSIM);
			assert_int_equal(run_ns(&w, &p, rank), cases[i].original[rank]);
			p = dialect(LOGGOPS_ATLAHS);
			assert_int_equal(run_ns(&w, &p, rank), cases[i].variant[rank]);
			p = dialect(LOGGOPS_CORRECTED);
			assert_int_equal(run_ns(&w, &p, rank), cases[i].corrected[rank]);
		}
		workload_release(&w);
	}
}

static void late_receiver_holds_the_message(void **state)
{
	struct workload w;
	(void)state;
	start(&w, 2);
	calc_op(&w, 0, 100, 0, send_op(&w, 0, 1, 1, 0, -1));
	receive_op(&w, 1, 0, 1, 0, calc_op(&w, 1, 10000, 0, -1));
	struct loggops_parameters p = dialect(LOGGOPS_LOGGOPSIM);
	assert_int_equal(run_ns(&w, &p, 0), 1600);
	assert_int_equal(run_ns(&w, &p, 1), 11500);
	p = dialect(LOGGOPS_ATLAHS);
	assert_int_equal(run_ns(&w, &p, 0), 1600);
	assert_int_equal(run_ns(&w, &p, 1), 12500);
	workload_release(&w);
}

static void two_sends_share_the_adapter(void **state)
{
	struct workload w;
	(void)state;
	start(&w, 2);
	for (int tag = 0; tag < 2; tag++) {
		send_op(&w, 0, 1, 1000, tag, -1);
		receive_op(&w, 1, 0, 1000, tag, -1);
	}
	struct loggops_parameters p = dialect(LOGGOPS_LOGGOPSIM);
	assert_int_equal(run_ns(&w, &p, 0), 8494);
	assert_int_equal(run_ns(&w, &p, 1), 18988);
	p = dialect(LOGGOPS_ATLAHS);
	assert_int_equal(run_ns(&w, &p, 0), 8494);
	assert_int_equal(run_ns(&w, &p, 1), 19488);
	workload_release(&w);
}

static void dependency_across_cpus_is_lost_only_in_the_original(void **state)
{
	struct workload w;
	(void)state;
	start(&w, 1);
	calc_op(&w, 0, 5000, 1, calc_op(&w, 0, 10000, 0, -1));
	struct loggops_parameters p = dialect(LOGGOPS_LOGGOPSIM);
	assert_int_equal(run_ns(&w, &p, 0), 10000);
	p = dialect(LOGGOPS_ATLAHS);
	assert_int_equal(run_ns(&w, &p, 0), 15000);
	p = dialect(LOGGOPS_CORRECTED);
	assert_int_equal(run_ns(&w, &p, 0), 15000);
	workload_release(&w);
}

/* By hand from the programs' sources, 1 B each. Three messages reach host 0 at 4000. Original: each waits for the cpu, 1500 apart. Variant:
 * each waits for the cpu, then takes g and o: 4000 + 3 (1000 + 1500). */
static void messages_that_arrive_together_queue_at_the_cpu(void **state)
{
	struct workload w;
	(void)state;
	start(&w, 4);
	for (uint32_t source = 1; source < 4; source++) {
		send_op(&w, source, 0, 1, 0, -1);
		receive_op(&w, 0, source, 1, 0, -1);
	}
	struct loggops_parameters p = dialect(LOGGOPS_LOGGOPSIM);
	assert_int_equal(run_ns(&w, &p, 0), 8500);
	p = dialect(LOGGOPS_CORRECTED);
	assert_int_equal(run_ns(&w, &p, 0), 8500);
	p = dialect(LOGGOPS_ATLAHS);
	assert_int_equal(run_ns(&w, &p, 0), 11500);
	workload_release(&w);
}

/* A message from cpu 1 to a receive on cpu 0, where a calculation of 10000 runs. The original charges it to the receiver's cpu 1, at 4000;
 * the variant and the corrected dialect wait for cpu 0. */
static void original_charges_the_cpu_of_the_senders_number(void **state)
{
	struct workload w;
	(void)state;
	start(&w, 2);
	send_op(&w, 0, 1, 1, 0, -1);
	at(&w, 0)->ops[0].stream = 1;
	at(&w, 0)->n_streams = 2;
	calc_op(&w, 1, 10000, 0, -1);
	receive_op(&w, 1, 0, 1, 0, -1);
	struct loggops_parameters p = dialect(LOGGOPS_LOGGOPSIM);
	assert_int_equal(run_ns(&w, &p, 1), 10000);
	p = dialect(LOGGOPS_CORRECTED);
	assert_int_equal(run_ns(&w, &p, 1), 11500);
	p = dialect(LOGGOPS_ATLAHS);
	assert_int_equal(run_ns(&w, &p, 1), 12500);
	workload_release(&w);
}

/* A calculation and a send become ready together: the original issues the send first, whichever stands first; the variant takes them as
 * they stand (both at time 0, the first pushed leaves its heap first). */
static void original_issues_sends_before_calculations(void **state)
{
	struct workload w;
	(void)state;
	start(&w, 2);
	calc_op(&w, 0, 10000, 0, -1);
	send_op(&w, 0, 1, 1, 0, -1);
	receive_op(&w, 1, 0, 1, 0, -1);
	struct loggops_parameters p = dialect(LOGGOPS_LOGGOPSIM);
	assert_int_equal(run_ns(&w, &p, 1), 5500);
	assert_int_equal(run_ns(&w, &p, 0), 11500);
	p = dialect(LOGGOPS_ATLAHS);
	assert_int_equal(run_ns(&w, &p, 1), 16500);
	workload_release(&w);
}

static void other_parameters(void **state)
{
	struct workload w;
	struct loggops_parameters p = {.dialect = LOGGOPS_LOGGOPSIM, .L_ps = 1000000, .o_ps = 200000, .g_ps = 5000, .G_fs = 1000000,
				       .O_fs = 2000000, .S_bytes = 256000};
	(void)state;
	start(&w, 2);
	send_op(&w, 0, 1, 1, 0, -1);
	receive_op(&w, 1, 0, 1, 0, -1);
	assert_int_equal(run_ns(&w, &p, 0), 200);
	assert_int_equal(run_ns(&w, &p, 1), 1400);
	p.dialect = LOGGOPS_ATLAHS;
	assert_int_equal(run_ns(&w, &p, 1), 1405);
	workload_release(&w);
}

/* Binomial tree: rank r receives from r minus its highest bit, then sends to r + 2^k for every 2^k above it. */
static void add_binomial_broadcast(struct workload *w, int64_t bytes)
{
	for (uint32_t rank = 0; rank < w->n_ranks; rank++) {
		int64_t received = -1;
		uint32_t bit = 1;
		if (rank) {
			while (bit * 2 <= rank)
				bit *= 2;
			received = receive_op(w, rank, rank - bit, bytes, 0, -1);
			bit *= 2;
		}
		for (; rank + bit < w->n_ranks; bit *= 2)
			send_op(w, rank, rank + bit, bytes, 0, received);
	}
}

static void add_dissemination(struct workload *w, int64_t bytes)
{
	for (uint32_t rank = 0; rank < w->n_ranks; rank++) {
		int64_t received = -1;
		for (uint32_t step = 1; step < w->n_ranks; step *= 2) {
			uint32_t sent = send_op(w, rank, (rank + step) % w->n_ranks, bytes, (int32_t)step, received);
			received = receive_op(w, rank, (rank + w->n_ranks - step) % w->n_ranks, bytes, (int32_t)step, received);
			(void)sent;
		}
	}
}

static void add_ring(struct workload *w, int64_t bytes)
{
	uint32_t n = w->n_ranks;
	for (uint32_t rank = 0; rank < n; rank++) {
		int64_t received = -1;
		for (uint32_t step = 0; step < 2 * (n - 1); step++) {
			send_op(w, rank, (rank + 1) % n, bytes, (int32_t)step, received);
			received = receive_op(w, rank, (rank + n - 1) % n, bytes, (int32_t)step, received);
		}
	}
}

static void schedules_end_when_the_programs_say(void **state)
{
	static const struct {
		void (*make)(struct workload *, int64_t);
		uint32_t n;
		int64_t bytes, original, variant;
	} cases[] = {
		{add_binomial_broadcast, 64, 1024, 69828, 127432},
		{add_dissemination, 64, 1024, 69828, 75828},
		{add_ring, 64, 16384, 13078548, 13204548},
		{add_dissemination, 16, 1, 22000, 26000},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct workload w;
		start(&w, cases[i].n);
		cases[i].make(&w, cases[i].bytes);
		struct loggops_parameters p = dialect(LOGGOPS_LOGGOPSIM);
		assert_int_equal(run_ns(&w, &p, UINT32_MAX), cases[i].original);
		p = dialect(LOGGOPS_ATLAHS);
		assert_int_equal(run_ns(&w, &p, UINT32_MAX), cases[i].variant);
		workload_release(&w);
	}
}

static void unmatched_receive_is_named(void **state)
{
	struct workload w;
	struct error err = {0};
	(void)state;
	start(&w, 2);
	receive_op(&w, 1, 0, 8, 5, -1);
	struct loggops *loggops = loggops_new(&loggops_defaults, &w, NULL, &err);
	while (!loggops_step(loggops, 1000)) {
	}
	assert_int_equal(loggops_finish(loggops, &err), -1);
	assert_int_equal(err.code, ERROR_SIMULATION);
	assert_string_equal(err.message, "the schedule cannot finish: 1 of 2 ranks wait: rank 1 ended 0 of 1 operations, operation 0 "
					 "(receive of 8 bytes from rank 0, tag 5) waits for its partner");
	loggops_free(loggops);
	workload_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_message_costs_what_each_dialect_says), cmocka_unit_test(late_receiver_holds_the_message),
		cmocka_unit_test(two_sends_share_the_adapter), cmocka_unit_test(dependency_across_cpus_is_lost_only_in_the_original),
		cmocka_unit_test(messages_that_arrive_together_queue_at_the_cpu),
		cmocka_unit_test(original_charges_the_cpu_of_the_senders_number),
		cmocka_unit_test(original_issues_sends_before_calculations), cmocka_unit_test(other_parameters), cmocka_unit_test(schedules_end_when_the_programs_say),
		cmocka_unit_test(unmatched_receive_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
