/* Readers against the recorded files and what FORMATS.md states of them, and against files made here. */
#include "check.h"

#include <unistd.h>

#include "base/error.h"
#include "trace/trace.h"
#include "workload/loggops.h"
#include "workload/program.h"

static void load_ok(struct workload *w, const char *const *paths, uint32_t n, uint32_t n_ranks)
{
	struct trace_request request = {.paths = paths, .n_paths = n, .n_ranks = n_ranks, .step = -1};
	struct error err = {0};
	if (trace_load(w, &request, NULL, &err))
		fail_msg("%s", err.message);
}

static const char *data_file(const char *name)
{
	static char path[4096];
	const char *folder = check_data_folder();
	if (!folder)
		return NULL;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void count_kinds(const struct program *program, uint32_t counts[OP_KINDS])
{
	memset(counts, 0, OP_KINDS * sizeof *counts);
	for (uint32_t i = 0; i < program->n_ops; i++)
		counts[program->ops[i].kind]++;
}

static void goal_dissemination_ends_at_22000_ns(void **state)
{
	const char *path = data_file("goal-loggopsim/dissemination_16.goal");
	struct workload w;
	struct error err = {0};
	(void)state;
	if (!path)
		skip();
	load_ok(&w, &path, 1, 0);
	assert_int_equal(w.n_ranks, 16);
	struct loggops *loggops = loggops_new(&loggops_defaults, &w, NULL, &err);
	while (!loggops_step(loggops, 1000)) {
	}
	assert_int_equal(loggops_finish(loggops, &err), 0);
	for (uint32_t rank = 0; rank < 16; rank++) {
		struct rank_result result;
		loggops_rank_result(loggops, rank, &result);
		assert_int_equal(result.end_ps, 22000 * PS_PER_NS);
	}
	loggops_free(loggops);
	workload_release(&w);
}

static void goal_binary_has_its_counts(void **state)
{
	const char *path = data_file("goal-loggopsim/allreduce_8ranks.bin");
	struct workload w;
	uint32_t counts[OP_KINDS];
	(void)state;
	if (!path)
		skip();
	load_ok(&w, &path, 1, 0);
	assert_int_equal(w.n_ranks, 8);
	for (uint32_t rank = 0; rank < 8; rank++) {
		const struct program *program = &w.programs[w.rank_program[rank]];
		uint32_t roots = 0;
		for (uint32_t i = 0; i < program->n_ops; i++)
			roots += !program->ops[i].n_deps;
		assert_int_equal(program->n_ops, 35);
		assert_int_equal(roots, 4);
		count_kinds(program, counts);
		assert_int_equal(counts[OP_SEND], 15);
		assert_int_equal(counts[OP_RECEIVE], 15);
		assert_int_equal(counts[OP_WAIT], 5);
	}
	workload_release(&w);
}

static void chakra_real_trace_is_whole(void **state)
{
	static const int64_t sizes[] = {212480, 424, 8196000, 31502336, 26255360, 26550272, 9724160};
	const char *path = data_file("chakra-mlcommons/chakra.0.et");
	struct workload w;
	uint32_t counts[OP_KINDS], order[4000], n_host = 0, n_found = 0, n_roots = 0;
	int64_t duration_ps = 0;
	(void)state;
	if (!path)
		skip();
	load_ok(&w, &path, 1, 0);
	const struct program *program = &w.programs[0];
	assert_int_equal(program->n_ops, 3664);
	count_kinds(program, counts);
	assert_int_equal(counts[OP_COLLECTIVE], 7);
	assert_int_equal(counts[OP_COMPUTE], 3657); /* 3643 COMP and 14 host-side calls */
	assert_int_equal(program_order(program, order), 3664);
	for (uint32_t i = 0; i < program->n_ops; i++) {
		n_host += (program->ops[i].flags & OP_HOST) != 0;
		n_roots += !program->ops[i].n_deps;
		if (program->ops[i].kind == OP_COMPUTE)
			duration_ps += program->ops[i].amount;
		for (size_t s = 0; program->ops[i].kind == OP_COLLECTIVE && s < sizeof sizes / sizeof *sizes; s++)
			n_found += program->calls[program->ops[i].amount].bytes == sizes[s];
	}
	assert_int_equal(n_host, 2448);
	assert_int_equal(n_roots, 5);
	assert_int_equal(n_found, 7);
	assert_true(duration_ps > 0 && duration_ps <= 381795 * PS_PER_US); /* all durations, the seven collectives' included */
	workload_release(&w);
	load_ok(&w, &path, 1, 8); /* one rank's trace on eight */
	assert_int_equal(w.n_ranks, 8);
	assert_int_equal(w.n_programs, 1);
	workload_release(&w);
}

static void chakra_ring_of_messages_matches(void **state)
{
	const char *folder = check_data_folder(), *paths[8];
	char names[8][4096];
	struct workload w;
	(void)state;
	if (!folder)
		skip();
	for (int i = 0; i < 8; i++) { /* given in another order than the ranks */
		snprintf(names[i], sizeof names[i], "%s/chakra-astra-sim/custom_ring_allreduce_8npus_1MB/custom_allreduce.%d.et", folder, i);
		paths[7 - i] = names[i];
	}
	if (access(names[0], R_OK))
		skip();
	load_ok(&w, paths, 8, 0);
	for (uint32_t rank = 0; rank < 8; rank++) {
		const struct program *program = &w.programs[w.rank_program[rank]];
		uint32_t counts[OP_KINDS];
		count_kinds(program, counts);
		assert_true(counts[OP_SEND] == 14 && counts[OP_RECEIVE] == 14 && counts[OP_COMPUTE] == 7);
		for (uint32_t i = 0; i < program->n_ops; i++) {
			const struct op *op = &program->ops[i];
			if (op->kind == OP_SEND)
				assert_int_equal(workload_peer(&w, rank, op), (rank + 1) % 8);
			if (op->kind == OP_SEND || op->kind == OP_RECEIVE)
				assert_int_equal(op->amount, 131072);
		}
	}
	workload_release(&w);
}

static void kineto_megatron_has_84_all_reduces(void **state)
{
	const char *folder = check_data_folder(), *paths[8];
	char names[8][4096];
	struct workload w;
	(void)state;
	if (!folder)
		skip();
	for (int i = 0; i < 8; i++) {
		snprintf(names[i], sizeof names[i], "%s/kineto-megatron-tp8/megatron_kineto_%d.json.gz", folder, i);
		paths[7 - i] = names[i];
	}
	load_ok(&w, paths, 8, 0);
	for (uint32_t rank = 0; rank < 8; rank++) {
		const struct program *program = &w.programs[w.rank_program[rank]];
		uint32_t n_large = 0, n_small = 0;
		for (uint32_t i = 0; i < program->n_ops; i++) {
			if (program->ops[i].kind != OP_COLLECTIVE)
				continue;
			const struct collective_call *call = &program->calls[program->ops[i].amount];
			int64_t took_us = (program->origins[i].recorded_end_ps - program->origins[i].recorded_start_ps) / PS_PER_US;
			assert_int_equal(call->kind, COLLECTIVE_ALL_REDUCE);
			n_large += call->bytes == 67108864;
			n_small += call->bytes == 32768;
			assert_true(took_us >= 24);
		}
		assert_int_equal(n_large, 81);
		assert_int_equal(n_small, 3);
	}
	workload_release(&w);
}

/* --- files made here ------------------------------------------------------------------------------------------------- */

static void expect_error(const char *name, const void *bytes, size_t n, const char *message)
{
	char path[] = "/tmp/weft-test-XXXXXX", expected[1024];
	const char *paths[] = {path};
	struct workload w;
	struct error err = {0};
	int file = mkstemp(path);
	assert_true(file >= 0 && write(file, bytes, n) == (ssize_t)n);
	close(file);
	struct trace_request request = {.paths = paths, .n_paths = 1, .format = name, .step = -1};
	int result = trace_load(&w, &request, NULL, &err);
	unlink(path);
	assert_int_equal(result, -1);
	snprintf(expected, sizeof expected, "%s%s", path, message);
	assert_string_equal(err.message, expected);
}

static void goal_text_errors_have_their_place(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"num_ranks 2\nrank 0 {\nl1: sent 8b to 1\n}\nrank 1 {\n}\n", ":3:5: unknown operation 'sent' (expected send, recv or calc)"},
		{"num_ranks 2\nrank 0 {\nl1: send 8b to 2\n}\nrank 1 {\n}\n", ":3:16: rank '2' does not exist (num_ranks is 2)"},
		{"num_ranks 1\nrank 0 {\nl1: calc 5\nl1 requires l2\n}\n",
		 ":4:13: unknown label or operation 'l2' (expected send, recv, calc or a label defined above in this rank)"},
		{"num_ranks 1\nrank 0 {\nl1: calc 5\nl1: calc 6\n}\n", ":4:1: this label is defined twice: 'l1:' (expected a new one)"},
		{"num_ranks 1\nrank 0 {\nl1: calc 5\n", ":4:1: the file ends inside rank 0 (expected '}')"},
		{"num_ranks 2\nrank 1 {\n}\nrank 0 {\n}\n", ":2:6: rank '1' is out of order (expected rank 0 of 2)"},
		{"num_ranks 99999\nrank 0 {\n}\n", ":1:16: num_ranks '99999' does not fit the file (expected 1 to 3)"},
		{"num_ranks 1\nrank 0 {\n/* l1: calc 5\n}\n", ":3:1: comment is not closed (expected '*/')"},
		{"num_ranks 1\nrank 0 {\nl1: send 99999999999999999999b to 0\n}\n",
		 ":3:10: the number is above the limit of 576460752303423487"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		expect_error("goal", cases[i].text, strlen(cases[i].text), cases[i].message);
}

static void goal_text_reads_every_option(void **state)
{
	static const char text[] = "num_ranks 2 // two\nrank 0 {\na: send 8b to 1 tag 7 cpu 2 nic 1\nb : calc 10 cpu 1\nb irequires a\ncalc 3\n}\n"
				   "rank 1 {\nx: recv 8b from -1 tag -1\n}\n";
	char path[] = "/tmp/weft-test-XXXXXX";
	const char *paths[] = {path};
	struct workload w;
	int file = mkstemp(path);
	(void)state;
	assert_true(file >= 0 && write(file, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
	close(file);
	load_ok(&w, paths, 1, 0);
	unlink(path);
	const struct program *p = &w.programs[w.rank_program[0]];
	assert_int_equal(p->n_ops, 3);
	assert_true(p->ops[0].tag == 7 && p->ops[0].stream == 2 && p->ops[0].nic == 1 && p->ops[0].peer == 1);
	assert_true(p->ops[1].stream == 1 && p->ops[1].amount == 10 * PS_PER_NS && p->ops[1].n_deps == 1);
	assert_int_equal(p->deps[p->ops[1].first_dep], 0 | DEP_START);
	p = &w.programs[w.rank_program[1]];
	assert_true(p->ops[0].peer == ANY_SOURCE && p->ops[0].tag == ANY_TAG);
	workload_release(&w);
}

static void malformed_chakra_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *message;
	} cases[] = {
		{"\x05\x08\x01\x18\x04", 5, ": offset 0: the file ends inside a record"},
		{"\x04\x08\x01\x18\x04\xff\xff\xff\xff\x7f", 10, ": offset 5: a record is longer than 64 MiB"},
		{"\x04\x08\x01\x18\x63", 5, ": offset 0: unknown type of node (known: 0 to 10)"},
		{"\x02\x08\x01", 3, ": node 1: its type is INVALID"},
		{"\x03\x0a\x01\x30", 4, ": offset 4: the file holds no node"},
		{"\x04\x08\x01\x18\x04\x04\x08\x01\x18\x04", 10, ": two nodes have the id 1"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		expect_error("chakra", cases[i].bytes, cases[i].n, cases[i].message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goal_dissemination_ends_at_22000_ns), cmocka_unit_test(goal_binary_has_its_counts),
		cmocka_unit_test(chakra_real_trace_is_whole), cmocka_unit_test(chakra_ring_of_messages_matches),
		cmocka_unit_test(kineto_megatron_has_84_all_reduces),
		cmocka_unit_test(goal_text_errors_have_their_place), cmocka_unit_test(goal_text_reads_every_option),
		cmocka_unit_test(malformed_chakra_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
