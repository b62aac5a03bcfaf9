/* The program format: what is written reads back the same to the picosecond, and what is wrong is named with its place. */
#include "base/text.h"
#include "fake_network.h"
#include "workload/format.h"
#include "workload/pipeline.h"

#define RATE INT64_C(28000000000)

static int64_t simulate(const struct workload *w, int64_t *messages)
{
	struct fake fake;
	int64_t end = 0;
	fake_init(&fake, w->n_ranks, RATE, 731000, false);
	fake_add(&fake, w, 0, -1);
	fake_run_well(&fake);
	for (uint32_t rank = 0; rank < w->n_ranks; rank++)
		end += fake_end(&fake, rank) * (rank + 1);
	*messages = (int64_t)fake.n_messages;
	fake_release(&fake);
	return end;
}

static void round_trip(const struct workload *w)
{
	struct workload again;
	struct text first = TEXT_INIT, second = TEXT_INIT;
	struct error err = {0};
	int64_t messages, messages_again;
	workload_write(w, &first);
	char *copy = memory_text(text_string(&first));
	if (workload_parse(&again, copy, "written", &err))
		fail_msg("%s", err.message);
	workload_write(&again, &second);
	assert_int_equal(simulate(w, &messages), simulate(&again, &messages_again));
	assert_int_equal(messages, messages_again);
	assert_string_equal(text_string(&first), text_string(&second));
	free(copy);
	text_release(&first);
	text_release(&second);
	workload_release(&again);
}

static void pipelines_read_back_the_same(void **state)
{
	(void)state;
	struct workload w;
	struct pipeline pipeline = pipeline_defaults();
	struct error err = {0};
	pipeline.schedule = PIPELINE_INTERLEAVED;
	pipeline.stages = 3;
	pipeline.microbatches = 6;
	pipeline.data_parallel = 2;
	pipeline.tensor_parallel = 2;
	pipeline.tensor_calls = 3;
	pipeline.tensor_bytes = 100003;
	pipeline.forward_ps = 7000003;
	pipeline.activation_bytes = 1000001;
	pipeline.gradient_bytes = 30000001;
	pipeline.buckets = 4;
	pipeline.overlap = true;
	pipeline.recompute = true;
	pipeline.jitter = 0.1;
	pipeline.optimizer_ps = 999;
	pipeline.iterations = 2;
	if (pipeline_build(&w, &pipeline, &err))
		fail_msg("%s", err.message);
	round_trip(&w);
	workload_release(&w);
}

static const char everything[] =
	"weft-program 1\n"
	"# a comment\n"
	"ranks 4   # another\n"
	"name every-thing\n"
	"algorithm ring\n"
	"protocol none\n"
	"group all all\n"
	"group even 0-3/2\n"
	"group odd 1,3\n"
	"slot world all\n"
	"slot half even odd\n"
	"program ranks=0 order=ready\n"
	"first: compute 1.5us name=\"a \\\"b\\\" \\\\ c\" host iteration=3\n"
	"compute 100ns after=last\n"
	"send 1MiB to=1 tag=7 after=first,start:0 stream=none rendezvous nic=1\n"
	"send 5B to=1@half tag=-3 stream=2\n"
	"allreduce 3000001B in=half algorithm=recursive_doubling recorded=1us..? node=12\n"
	"last: barrier in=world after=-1,2,3 recorded=?..9ms\n"
	"program ranks=1,3\n"
	"receive 5B from=-1@world tag=any stream=none\n"
	"allgather 4kB in=half channels=2 chunk=1KiB bidirectional\n"
	"barrier in=world\n"
	"wait 3ps\n"
	"program ranks=2\n"
	"receive 1B from=any tag=-3\n"
	"allreduce 3000001B in=half algorithm=recursive_doubling\n"
	"send 5B to=3 stream=3\n"
	"barrier in=world\n";

static void everything_can_be_written_by_hand(void **state)
{
	(void)state;
	struct workload w;
	struct error err = {0};
	char text[sizeof everything];
	memcpy(text, everything, sizeof text);
	if (workload_parse(&w, text, "x", &err))
		fail_msg("%s", err.message);
	const struct program *p = &w.programs[0];
	assert_int_equal(w.n_programs, 3);
	assert_int_equal(p->n_ops, 6);
	assert_true(p->ready_order);
	assert_int_equal(p->ops[0].amount, 1500000);
	assert_string_equal(w.names[p->ops[0].name], "a \"b\" \\ c");
	assert_int_equal(p->origins[0].iteration, 3);
	assert_int_equal(p->deps[p->ops[1].first_dep], 5);
	assert_int_equal(p->deps[p->ops[2].first_dep + 1], 0 | DEP_START);
	assert_int_equal(p->ops[2].flags, OP_RENDEZVOUS);
	assert_int_equal(p->ops[3].flags, OP_PEER_INDEX);
	assert_int_equal(p->origins[4].recorded_start_ps, 1000000);
	assert_int_equal(p->origins[4].recorded_end_ps, TIME_NEVER);
	assert_int_equal(p->origins[5].recorded_end_ps, 9 * PS_PER_MS);
	assert_int_equal(p->deps[p->ops[5].first_dep], 4);
	assert_int_equal(w.programs[1].ops[0].tag, ANY_TAG);
	assert_int_equal(w.programs[1].ops[0].peer, -1);
	assert_int_equal(w.programs[2].ops[0].peer, ANY_SOURCE);
	workload_release(&w);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	static const struct { const char *text, *error; } cases[] = {
		{"", "f:1:1: the file is empty (expected 'weft-program 1')"},
		{"chakra 1\n", "f:1:1: not a weft program (expected 'weft-program 1')"},
		{"weft-program 2\n", "f:1:14: '2' is not a known version from 1 to 1"},
		{"weft-program 1\ngroup a all\n", "f:2:1: 'ranks' must come before 'group'"},
		{"weft-program 1\nranks 0\n", "f:2:7: '0' is not a number of ranks from 1 to 1048576"},
		{"weft-program 1\nranks 2\ngroup a 0,2\n", "f:3:11: '2' is not a rank from 0 to 1"},
		{"weft-program 1\nranks 2\nprogram ranks=0\n", "f: rank 1 has no program"},
		{"weft-program 1\nranks 2\nprogram ranks=all\ncompute 5\n",
		 "f:4:9: '5' has no unit (expected a time such as '500 ns' or '2 ms')"},
		{"weft-program 1\nranks 2\nprogram ranks=all\ncompute 5us strem=1\n", "f:4:13: unknown key 'strem' (did you mean 'stream'?)"},
		{"weft-program 1\nranks 2\nprogram ranks=all\n  comptue 5us\n", "f:4:3: unknown operation 'comptue' (did you mean 'compute'?)"},
		{"weft-program 1\nranks 2\nprogram ranks=all\nsend 5B\n", "f:4:1: 'send' needs 'to='"},
		{"weft-program 1\nranks 2\nprogram ranks=all\nsend 5B to=2\n", "f:4:12: '2' is not a rank from 0 to 1"},
		{"weft-program 1\nranks 2\nprogram ranks=all\ncompute 5us after=end\nedn: wait 1us\n",
		 "f:4:19: unknown operation 'end' (did you mean 'edn'?)"},
		{"weft-program 1\nranks 2\nprogram ranks=all\ncompute 5us name=\"x\n", "f:4:18: the quote is not closed on this line"},
		{"weft-program 1\nranks 2\nprogram ranks=all\nallreduce 5B\n", "f:4:1: 'allreduce' needs 'in=SLOT'"},
		{"weft-program 1\nranks 1\nprogram ranks=all\ncompute 1us after=1\ncompute 2us after=0\n",
		 "f: workload '': program 0: operations wait for each other in a cycle: 1 waits for 0 waits for 1"},
		{"weft-program 1\nranks 1\nprogram ranks=all\ncompute 1us after=7\n",
		 "f: workload '': program 0, operation 0 (compute): depends on operation 7, but there are 1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct workload w;
		struct error err = {0};
		char *text = memory_text(cases[i].text);
		assert_int_equal(workload_parse(&w, text, "f", &err), -1);
		assert_string_equal(err.message, cases[i].error);
		assert_int_equal(err.code, ERROR_INPUT);
		free(text);
	}
}

static void the_recorded_step_is_there(void **state)
{
	(void)state;
	struct workload w;
	struct error err = {0};
	int64_t bytes = 0, gaps = 0, messages;
	if (workload_read(&w, "traces/megatron-tp8.weft", &err))
		fail_msg("%s", err.message);
	assert_int_equal(w.n_ranks, 8);
	for (uint32_t p = 0; p < 8; p++) {
		const struct program *program = &w.programs[p];
		assert_int_equal(program->n_ops, 168);
		for (uint32_t i = 0; i < 168; i++) {
			bytes += i % 2 ? program->calls[program->ops[i].amount].bytes : 0;
			gaps += i % 2 ? 0 : program->ops[i].amount;
		}
		assert_in_range(program->origins[167].recorded_end_ps, 628126 * PS_PER_US, 628127 * PS_PER_US);
	}
	assert_int_equal(bytes, 8 * (81 * INT64_C(67108864) + 3 * 32768));
	assert_in_range(gaps, 1, 8 * 628127 * PS_PER_US);
	round_trip(&w);
	simulate(&w, &messages);
	workload_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipelines_read_back_the_same),
		cmocka_unit_test(everything_can_be_written_by_hand),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(the_recorded_step_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
