/* MSCCL files: every recorded one on real numbers, and broken ones with file, line and reason. */
#include "check.h"

#include <unistd.h>

#include "base/error.h"
#include "collective/collective.h"
#include "collective/msccl_file.h"

/* Messages per execution of the list (data/FORMATS.md §7). */
static const struct { const char *path; int blocks, steps, messages; } files[] = {
	{"msccl-azure/ncv4_ag_hier_4_LL.xml", 0, 0, 0}, {"msccl-azure/ncv4_ag_hier_4_Simple.xml", 0, 0, 0},
	{"msccl-azure/ncv4_ar_hier_12_Simple.xml", 144, 336, 144}, {"msccl-azure/ncv4_ar_tree_12_LL.xml", 192, 192, 144},
	{"msccl-azure/ndv4_a2a2ll.xml", 224, 240, 112}, {"msccl-azure/ndv4_a2a4ll.xml", 448, 480, 224},
	{"msccl-azure/ndv4_ag-16m.xml", 0, 0, 0}, {"msccl-azure/ndv4_ag-1k-512k.xml", 0, 0, 0},
	{"msccl-azure/ndv4_ag-1m.xml", 0, 0, 0}, {"msccl-azure/ndv4_ag-2m.xml", 0, 0, 0},
	{"msccl-azure/ndv4_ag-32m-1g.xml", 256, 2048, 1792}, {"msccl-azure/ndv4_ag-4m.xml", 0, 0, 0},
	{"msccl-azure/ndv4_ag-8m.xml", 0, 0, 0}, {"msccl-azure/ndv4_ap-1pass.xml", 256, 4896, 224},
	{"msccl-azure/ndv4_ap2ll.xml", 128, 2672, 224}, {"msccl-azure/ndv4_ap4ll.xml", 256, 5344, 448},
	{"msccl-azure/ndv4_r48ll.xml", 256, 960, 896}, {"msccl-azure/ndv4_r48ll128.xml", 256, 960, 896},
	{"msccl-rccl/all-reduce-ring-simple.xml.gz", 384, 11904, 11520},
	{"msccl-rccl/allreduce-allpairs-8n-ll-32tb.xml", 0, 0, 0}, {"msccl-rccl/alltoall-8n-0-9kb.xml", 0, 0, 0},
	{"msccl-rccl/alltoall-8n-190kb-512kb.xml", 0, 0, 0}, {"msccl-rccl/alltoall-8n-512kb-7mb.xml", 0, 0, 0},
	{"msccl-rccl/alltoall-8n-7mb-43mb.xml", 0, 0, 0}, {"msccl-rccl/alltoall-8n-9kb-190kb.xml", 0, 0, 0},
	{"msccl-tools-measured/ring_1_8.xml", 64, 960, 896}, {"msccl-tools-measured/ring_2_4.xml", 0, 0, 0},
	{"msccl-tools-measured/ring_4_2.xml", 0, 0, 0}, {"msccl-tools-measured/ring_8_1.xml", 64, 120, 112},
	{"chakra-astra-sim/custom_ring_allreduce_8npus_1MB/custom_allreduce.xml", 0, 0, 112},
};

static int count_messages(const struct collective_plan *plan)
{
	int messages = 0;
	for (uint32_t r = 0; r < plan->request.n_ranks; r++)
		for (uint32_t t = 0; t < plan->n_threads; t++)
			for (uint32_t i = 0; i < plan->algorithm->n_steps(plan, r, t); i++) {
				struct collective_step step = {0};
				plan->algorithm->step(plan, r, t, i, &step);
				messages += step.actions & STEP_SEND ? 1 : 0;
			}
	return messages;
}

/* Executes a schedule with chunks of `per_chunk` bytes, in slices of at most `slice`. */
static void verify_file(const char *path, const struct msccl_file *file, int64_t per_chunk, int64_t slice, int messages)
{
	struct collective_request request = {
		.kind = file->kind, .n_ranks = (uint32_t)file->n_gpus, .bytes = file->n_chunks * per_chunk, .file = path,
		.chunk_bytes = slice, .element_bytes = 1,
	};
	struct collective_plan plan;
	struct error err = {0};
	if (collective_plan_init(&plan, "msccl", &request, 0, 0, &err))
		fail_msg("%s", err.message);
	if (messages)
		assert_int_equal(count_messages(&plan), messages);
	if (collective_verify(&plan, (uint64_t)per_chunk, &err))
		fail_msg("%s: %s", path, err.message);
	collective_plan_release(&plan);
}

static void every_recorded_schedule_is_right(void **state)
{
	(void)state;
	const char *folder = check_data_folder();
	if (!folder)
		skip();
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[4096];
		struct msccl_file file;
		struct error err = {0};
		snprintf(path, sizeof path, "%s/%s", folder, files[i].path);
		if (msccl_read(&file, path, &err))
			fail_msg("%s", err.message);
		if (files[i].blocks) {
			assert_int_equal(file.n_blocks, files[i].blocks);
			assert_int_equal(file.n_steps, files[i].steps);
		}
		verify_file(path, &file, 1, 0, files[i].messages);
		verify_file(path, &file, 5, 2, 0); /* three slices of every chunk, the last one shorter */
		msccl_release(&file);
	}
}

#define HEAD "<algo name=\"x\" proto=\"LL\" nchannels=\"1\" nchunksperloop=\"2\" ngpus=\"2\" coll=\"allgather\" inplace=\"1\">\n"
#define GPU0 "<gpu id=\"0\" i_chunks=\"1\" o_chunks=\"2\" s_chunks=\"0\">\n"
#define GPU1 "<gpu id=\"1\" i_chunks=\"1\" o_chunks=\"2\" s_chunks=\"0\">\n"
#define TB(id, send, receive) "<tb id=\"" id "\" send=\"" send "\" recv=\"" receive "\" chan=\"0\">\n"
#define STEP(s, type, src, dst) \
	"<step s=\"" s "\" type=\"" type "\" srcbuf=\"o\" srcoff=\"" src "\" dstbuf=\"o\" dstoff=\"" dst \
	"\" cnt=\"1\" depid=\"-1\" deps=\"-1\" hasdep=\"0\"/>\n"
#define END "</tb></gpu>\n"

static const struct { const char *what, *text, *error; } broken[] = {
	{"right", HEAD GPU0 TB("0", "1", "1") STEP("0", "s", "0", "0") STEP("1", "r", "1", "1") END GPU1 TB("0", "0", "0")
	 STEP("0", "s", "1", "1") STEP("1", "r", "0", "0") END "</algo>", NULL},
	{"truncated", HEAD GPU0 TB("0", "1", "1"), ":4:1: not well-formed XML: no element found"},
	{"not XML", "hello", ":1:1: not well-formed XML: syntax error"},
	{"other root", "<graphs/>", ":1:1: element <graphs> where <algo> was expected"},
	{"kind", "<algo ngpus=\"2\" nchunksperloop=\"2\" coll=\"allredux\"/>", ":1:1: unknown collective 'allredux' (did you mean 'allreduce'?)"},
	{"custom", "<algo ngpus=\"2\" nchunksperloop=\"2\" coll=\"custom\"/>", ":1:1: a 'custom' collective has no definition"},
	{"no gpus", HEAD "</algo>", ": holds 0 gpus where ngpus=\"2\""},
	{"gpu twice", HEAD GPU0 "</gpu>\n" GPU0 "</gpu></algo>", ":4:1: a second <gpu id=\"0\"> (the first is in line 2)"},
	{"chunks", "<algo ngpus=\"2\" nchunksperloop=\"99999999999\" coll=\"allreduce\"/>",
	 ":1:1: nchunksperloop=\"99999999999\" is not a whole number from 1 to 16777216"},
	{"type", HEAD GPU0 TB("0", "1", "1") STEP("0", "rrx", "0", "0") END, ":4:1: unknown step type 'rrx' (known: s, r, rcs,"},
	{"order", HEAD GPU0 TB("0", "1", "1") STEP("1", "s", "0", "0") END, ":4:1: step s=\"1\" where 0 was expected"},
	{"no peer", HEAD GPU0 TB("0", "-1", "1") STEP("0", "s", "0", "0") END, ":4:1: step type 's' sends, but its thread block has send"},
	{"itself", HEAD GPU0 TB("0", "0", "1") "</tb></gpu></algo>", ":3:1: thread block 0 of gpu 0 has that gpu itself as a peer"},
	{"bounds", HEAD GPU0 TB("0", "1", "1") STEP("0", "s", "2", "0") END GPU1 "</gpu></algo>",
	 ":4: source chunks 2 to 2 are outside buffer 'o' of gpu 0, which has 2"},
	{"not received", HEAD GPU0 TB("0", "1", "-1") STEP("0", "s", "0", "0") END GPU1 "</gpu></algo>",
	 ":4: gpu 0 sends to gpu 1 on channel 0, which does not receive it"},
	{"not sent", HEAD GPU0 TB("0", "-1", "1") STEP("0", "r", "1", "1") END GPU1 "</gpu></algo>",
	 ":4: gpu 0 receives from gpu 1 on channel 0, where no thread block sends to it"},
	{"too few", HEAD GPU0 TB("0", "1", "-1") STEP("0", "s", "0", "0") END GPU1 TB("0", "-1", "0") STEP("0", "r", "0", "0")
	 STEP("1", "r", "0", "0") END "</algo>", ":9: gpu 1 receives from gpu 0 on channel 0 what it does not send"},
	{"shared", HEAD GPU0 TB("0", "1", "-1") "</tb>\n" TB("1", "1", "-1") "</tb></gpu>" GPU1 "</gpu></algo>",
	 ":5: thread blocks 0 and 1 of gpu 0 share a peer on channel 0"},
	{"dependency", HEAD GPU0 TB("0", "-1", "-1") "<step s=\"0\" type=\"nop\" srcbuf=\"i\" srcoff=\"-1\" dstbuf=\"o\" dstoff=\"-1\" "
	 "cnt=\"0\" depid=\"3\" deps=\"0\" hasdep=\"0\"/>\n" END GPU1 "</gpu></algo>",
	 ":4: depends on step 0 of thread block 3, which gpu 0 does not have"},
};

static void broken_files_are_refused_with_their_line(void **state)
{
	(void)state;
	char path[] = "/tmp/weft-test-msccl-XXXXXX";
	int descriptor = mkstemp(path);
	assert_true(descriptor >= 0);
	close(descriptor);
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct collective_request request = {.kind = COLLECTIVE_ALL_GATHER, .n_ranks = 2, .bytes = 8, .file = path};
		struct collective_plan plan;
		struct error err = {0};
		FILE *out = fopen(path, "w");
		fputs(broken[i].text, out);
		fclose(out);
		int status = collective_plan_init(&plan, "msccl", &request, 0, 0, &err);
		if (!broken[i].error) {
			assert_int_equal(status, 0);
			assert_int_equal(collective_verify(&plan, 1, &err), 0);
			collective_plan_release(&plan);
		} else if (status == 0 || !strstr(err.message, broken[i].error) || strncmp(err.message, path, sizeof path - 1)) {
			fail_msg("%s: '%s' is not '%s'", broken[i].what, err.message, broken[i].error);
		}
	}
	unlink(path);
}

static void requests_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	const char *folder = check_data_folder();
	char path[4096];
	if (!folder)
		skip();
	snprintf(path, sizeof path, "%s/msccl-azure/ndv4_r48ll.xml", folder);
	static const struct { enum collective_kind kind; uint32_t n; int64_t bytes; const char *error; } rows[] = {
		{COLLECTIVE_ALL_GATHER, 8, 64, "a schedule for allreduce, not for allgather"},
		{COLLECTIVE_ALL_REDUCE, 4, 64, "a schedule for 8 ranks, not for 4"},
		{COLLECTIVE_ALL_REDUCE, 8, 100, "100 bytes do not divide into its 64 chunks of whole elements (the next sizes that do: 64, 128)"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct collective_request request = {.kind = rows[i].kind, .n_ranks = rows[i].n, .bytes = rows[i].bytes, .file = path};
		struct collective_plan plan;
		struct error err = {0};
		assert_int_equal(collective_plan_init(&plan, "msccl", &request, 0, 0, &err), -1);
		if (!strstr(err.message, rows[i].error))
			fail_msg("'%s' is not '%s'", err.message, rows[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recorded_schedule_is_right),
		cmocka_unit_test(broken_files_are_refused_with_their_line),
		cmocka_unit_test(requests_that_do_not_fit_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
