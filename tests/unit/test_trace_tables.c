/* Layer tables and communication lists: groups, sizes and order, from tables made here and from the recorded ones. */
#include "check.h"

#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "trace/info.h"
#include "trace/parallel.h"
#include "trace/trace.h"

static int load(struct workload *w, const char *path, uint32_t n_ranks, const char *format, struct text *assumed, struct error *err)
{
	struct trace_request request = {.paths = &path, .n_paths = 1, .n_ranks = n_ranks, .format = format, .step = -1, .assumed = assumed};
	return trace_load(w, &request, NULL, err);
}

static void load_text(struct workload *w, const char *text, uint32_t n_ranks, const char *format)
{
	char path[] = "/tmp/weft-table-XXXXXX";
	int fd = mkstemp(path);
	struct error err = {0};
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	if (load(w, path, n_ranks, format, NULL, &err))
		fail_msg("%s", err.message);
	unlink(path);
}

static void refuse(const char *text, const char *message)
{
	char path[] = "/tmp/weft-table-XXXXXX";
	int fd = mkstemp(path);
	struct workload w;
	struct error err = {0};
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(load(&w, path, 0, NULL, NULL, &err), -1);
	unlink(path);
	if (!strstr(err.message, message))
		fail_msg("'%s' does not say '%s'", err.message, message);
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

static const struct group *group_of(const struct workload *w, uint32_t rank, enum parallel_group slot)
{
	return &w->groups[w->rank_groups[(size_t)rank * w->n_slots + slot]];
}

#define HEAD "HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2 ep: 3 pp: 1 vpp: 1 ga: 1 all_gpus: 24 checkpoints: 0 " \
	"checkpoint_initiates: 0\n"

/* 2 × (3 × 4) × 1 = 24 ranks: rank t + 2 (e + 3 k). */
static void groups_are_strided_by_role(void **state)
{
	struct workload w;
	(void)state;
	load_text(&w, HEAD "1\na -1 7 ALLGATHER 9973 0 NONE 0 0 REDUCESCATTER_DP_EP 65537 100\n", 0, NULL);
	assert_int_equal(w.n_ranks, 24);
	assert_int_equal(w.n_programs, 1);
	uint32_t rank = 1 + 2 * (2 + 3 * 1); /* t 1, e 2, k 1 */
	const uint32_t tensor[] = {rank - 1, rank}, expert[] = {7, 9, 11}, replicas[] = {5, 11, 17, 23};
	assert_memory_equal(group_of(&w, rank, PARALLEL_TENSOR)->ranks, tensor, sizeof tensor);
	assert_memory_equal(group_of(&w, rank, PARALLEL_EXPERT)->ranks, expert, sizeof expert);
	assert_memory_equal(group_of(&w, rank, PARALLEL_EXPERT_DATA)->ranks, replicas, sizeof replicas);
	assert_int_equal(group_of(&w, rank, PARALLEL_DATA)->n_ranks, 12);
	assert_int_equal(w.programs[0].calls[0].bytes, 9973);
	assert_int_equal(w.programs[0].calls[1].bytes, 65537);
	workload_release(&w);
}

static void an_all_gather_of_astra_is_a_contribution(void **state)
{
	struct workload w;
	static const char table[] = "MODEL\n1\na -1 7 ALLGATHER 9973 0 ALLREDUCE 9973 0 NONE 0 100\n";
	(void)state;
	load_text(&w, table, 6, NULL);
	assert_int_equal(w.programs[0].calls[0].bytes, 6 * 9973);
	assert_int_equal(w.programs[0].calls[1].bytes, 9973);
	workload_release(&w);
	load_text(&w, table, 6, "layers-simai");
	assert_int_equal(w.programs[0].calls[0].bytes, 9973);
	workload_release(&w);
}

static void rows_run_forward_then_backward(void **state)
{
	static const int64_t expected_ns[] = {11, 21, 22, 23, 12, 13};
	struct workload w;
	uint32_t n = 0;
	(void)state;
	load_text(&w, "DATA\n2\na -1 11 NONE 0 12 NONE 0 13 ALLREDUCE 5000 7\nb -1 21 NONE 0 22 NONE 0 23 ALLREDUCE 6000 9\n", 4, NULL);
	const struct program *program = &w.programs[0];
	for (uint32_t i = 0; i < program->n_ops; i++)
		if (program->ops[i].kind == OP_COMPUTE)
			assert_int_equal(program->ops[i].amount, expected_ns[n++] * PS_PER_NS);
	assert_int_equal(n, 6);
	assert_int_equal(program->calls[0].bytes, 6000);
	workload_release(&w);
}

/* ASTRA-sim: row 2 initiates, row 1 is its checkpoint, so row 1 runs forward again before row 2's backward pass. */
static void a_checkpoint_runs_forward_again(void **state)
{
	static const int64_t expected_ns[] = {1, 2, 3, 2, 30, 20, 10};
	struct workload w;
	(void)state;
	load_text(&w, "HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2 checkpoints: 1 1 checkpoint_initiates: 1 2\n3\n"
		  "a -1 1 NONE 0 10 NONE 0 0 NONE 0 1\nb -1 2 NONE 0 20 NONE 0 0 NONE 0 1\nc -1 3 NONE 0 30 NONE 0 0 NONE 0 1\n", 2, NULL);
	assert_int_equal(w.programs[0].n_ops, 7);
	for (uint32_t i = 0; i < 7; i++)
		assert_int_equal(w.programs[0].ops[i].amount, expected_ns[i] * PS_PER_NS);
	workload_release(&w);
}

/* Two stages, three micro-batches of one row: 1F1B. */
static void stages_run_1f1b(void **state)
{
	static const int64_t first[] = {1, 1, 2, 1, 2, 2}, last[] = {1, 2, 1, 2, 1, 2};
	struct workload w;
	(void)state;
	load_text(&w, "HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 1 ep: 1 pp: 2 vpp: 1 ga: 3 all_gpus: 4 checkpoints: 0 "
		  "checkpoint_initiates: 0 pp_comm: 12345.0\n3\na -1 1 NONE 0 2 NONE 0 0 NONE 0 1\na -1 1 NONE 0 2 NONE 0 0 NONE 0 1\n"
		  "a -1 1 NONE 0 2 NONE 0 0 NONE 0 1\n", 0, NULL);
	assert_int_equal(w.n_programs, 2);
	for (uint32_t p = 0; p < 2; p++) {
		uint32_t n = 0, sends = 0;
		for (uint32_t i = 0; i < w.programs[p].n_ops; i++) {
			const struct op *op = &w.programs[p].ops[i];
			if (op->kind == OP_COMPUTE)
				assert_int_equal(op->amount, (p ? last : first)[n++] * PS_PER_NS);
			sends += op->kind == OP_SEND && op->amount == 12345;
		}
		assert_int_equal(n, 6);
		assert_int_equal(sends, 3);
	}
	workload_release(&w);
}

static void the_moe_table_shares_a_program_per_stage(void **state)
{
	const char *path = data_file("simai-main/workload_analytical.txt");
	struct workload w;
	struct text assumed = TEXT_INIT;
	struct error err = {0};
	int64_t compute_ns = 0;
	(void)state;
	if (!path)
		skip();
	if (load(&w, path, 0, NULL, &assumed, &err))
		fail_msg("%s", err.message);
	assert_int_equal(w.n_ranks, 9216);
	assert_int_equal(w.n_programs, 12);
	for (uint32_t i = 0; i < w.programs[0].n_ops; i++)
		if (w.programs[0].ops[i].kind == OP_COMPUTE)
			compute_ns += w.programs[0].ops[i].amount / PS_PER_NS;
	/* The columns' sums of FORMATS.md: 2235.9 + 1914.5 + 392.4 ms. */
	assert_in_range(compute_ns, 4542700000, 4542900000);
	assert_non_null(strstr(assumed.data, "1F1B"));
	text_release(&assumed);
	workload_release(&w);
}

static void a_list_posts_neighbouring_messages_together(void **state)
{
	static const char header[] = "comm_type,comm_group,comm_group_size,msg_size,stage,dst,src,additional,_elapsed_time,algbw,busbw,count\n";
	struct text text = TEXT_INIT;
	struct workload w;
	(void)state;
	text_printf(&text, "[ pp_stage0: [rank0, rank1] ]\n%sCommType.irecv,CommGroup.pp_group,1,17,f,None,None,recv_next,,,,1\n"
		    "CommType.isend,CommGroup.pp_group,1,19,f,None,None,send_next,,,,1\n"
		    "CommType.all_reduce,CommGroup.tp_group,2,23,f,None,None,,,,,1\n", header);
	text_printf(&text, "[ pp_stage1: [rank2, rank3] ]\n%sCommType.isend,CommGroup.pp_group,1,17,f,None,None,send_prev,,,,1\n"
		    "CommType.irecv,CommGroup.pp_group,1,19,f,None,None,recv_prev,,,,1\n", header);
	load_text(&w, text.data, 0, NULL);
	text_release(&text);
	assert_int_equal(w.n_ranks, 4);
	assert_int_equal(w.programs[0].n_ops, 3);
	assert_int_equal(w.programs[0].ops[1].n_deps, 0);     /* the send does not wait for the receive */
	assert_int_equal(w.programs[0].ops[2].n_deps, 1);     /* the collective does */
	assert_int_equal(w.programs[0].ops[0].tag, w.programs[1].ops[0].tag);
	workload_release(&w);
}

static void wrong_tables_are_refused_with_their_place(void **state)
{
	(void)state;
	refuse("DATA\n1\na -1 1 ALREDUCE 5 1 NONE 0 1 NONE 0 1\n", ":3:8: unknown collective 'ALREDUCE' (did you mean 'ALLREDUCE'?)");
	refuse("DATA\n1\na -1 1 NONE 5 1 NONE 0 1 NONE 0\n", ":3: a row of 11 words");
	refuse("DATA\n1\na -1 1 NONE x 1 NONE 0 1 NONE 0 1\n", ":3:13: not a whole number 'x'");
	refuse("DATA\n1\n", "no rows");
	refuse("HYBRID_TRANSFORMER foo: 3\n1\na -1 1 NONE 5 1 NONE 0 1 NONE 0 1\n", ":1:20: unknown word 'foo'");
	refuse("HYBRID_TRANSFORMER model_parallel_NPU_group: 0\n1\na -1 1 NONE 5 1 NONE 0 1 NONE 0 1\n", "of 0 (1 to");
	refuse("comm_type,comm_group,msg_size\nCommType.all_reduc,CommGroup.all,1\n", ":2: unknown comm_type");
	refuse("comm_type,comm_group,msg_size\nCommType.all_reduce,CommGroup.all,-1\n", ":2: msg_size '-1'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_strided_by_role),
		cmocka_unit_test(an_all_gather_of_astra_is_a_contribution),
		cmocka_unit_test(rows_run_forward_then_backward),
		cmocka_unit_test(a_checkpoint_runs_forward_again),
		cmocka_unit_test(stages_run_1f1b),
		cmocka_unit_test(the_moe_table_shares_a_program_per_stage),
		cmocka_unit_test(a_list_posts_neighbouring_messages_together),
		cmocka_unit_test(wrong_tables_are_refused_with_their_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
