/* Pipeline schedules: bubbles where messages cost nothing, and what costs what where they do not. */
#include "fake_network.h"
#include "workload/pipeline.h"

/* Messages of no bytes over no latency. */
static void run(struct fake *fake, struct workload *w, const struct pipeline *pipeline, int64_t bytes_per_s, int64_t latency_ps)
{
	struct error err = {0};
	if (pipeline_build(w, pipeline, &err))
		fail_msg("%s", err.message);
	fake_init(fake, w->n_ranks, bytes_per_s, latency_ps, false);
	fake_add(fake, w, 0, -1);
	fake_run_well(fake);
}

static int64_t end_of(const struct fake *fake)
{
	int64_t end = 0;
	for (uint32_t rank = 0; rank < executor_n_ranks(fake->executor); rank++)
		end = fake_end(fake, rank) > end ? fake_end(fake, rank) : end;
	return end;
}

static void bubbles_are_what_the_papers_say(void **state)
{
	(void)state;
	static const struct { enum pipeline_schedule schedule; uint32_t p, m, v; } cases[] = {
		{PIPELINE_GPIPE, 1, 3, 1}, {PIPELINE_GPIPE, 4, 8, 1}, {PIPELINE_GPIPE, 7, 5, 1}, {PIPELINE_GPIPE, 8, 32, 1},
		{PIPELINE_1F1B, 1, 3, 1}, {PIPELINE_1F1B, 4, 8, 1}, {PIPELINE_1F1B, 7, 5, 1}, {PIPELINE_1F1B, 8, 32, 1},
		{PIPELINE_1F1B, 16, 17, 1}, {PIPELINE_INTERLEAVED, 4, 8, 2}, {PIPELINE_INTERLEAVED, 4, 16, 3},
		{PIPELINE_INTERLEAVED, 8, 8, 4}, {PIPELINE_INTERLEAVED, 2, 6, 5}, {PIPELINE_ZERO_BUBBLE, 4, 8, 1},
		{PIPELINE_ZERO_BUBBLE, 8, 32, 1}, {PIPELINE_ZERO_BUBBLE, 5, 13, 1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct workload w;
		struct fake fake;
		struct pipeline pipeline = pipeline_defaults();
		int64_t p = cases[i].p, m = cases[i].m, v = cases[i].v, f = 60060 * 17, b = 60060 * 41, w_ps = 0;
		if (cases[i].schedule == PIPELINE_ZERO_BUBBLE) {
			b = 2 * f;
			w_ps = f;
		}
		pipeline.schedule = cases[i].schedule;
		pipeline.stages = cases[i].p;
		pipeline.microbatches = cases[i].m;
		pipeline.chunks = cases[i].v;
		pipeline.forward_ps = f;
		pipeline.backward_ps = b;
		run(&fake, &w, &pipeline, 1, 0);
		int64_t bubble = (p - 1) * (f + b - 2 * w_ps) / v, whole = m * (f + b) + bubble;
		assert_int_equal(end_of(&fake), whole);
		struct rank_result result;
		for (uint32_t rank = 0; rank < p; rank++) {
			executor_rank_result(fake.executor, rank, &result);
			assert_int_equal(result.class_ps[RANK_COMPUTE], m * (f + b));
		}
		if (cases[i].schedule <= PIPELINE_1F1B) /* (p-1)/(m+p-1) of the whole */
			assert_int_equal(bubble * (m + p - 1), (p - 1) * whole);
		fake_release(&fake);
		workload_release(&w);
	}
}

static struct pipeline two_stages(void)
{
	struct pipeline pipeline = pipeline_defaults();
	pipeline.stages = 2;
	pipeline.forward_ps = 1000003;
	pipeline.backward_ps = 2500007;
	pipeline.activation_bytes = 30011;
	return pipeline;
}

#define RATE INT64_C(28000000000)
#define LATENCY 731

static int64_t end_with(const struct pipeline *pipeline)
{
	struct workload w;
	struct fake fake;
	run(&fake, &w, pipeline, RATE, LATENCY);
	int64_t end = end_of(&fake);
	fake_release(&fake);
	workload_release(&w);
	return end;
}

static void activations_gradients_and_recomputing_cost_their_time(void **state)
{
	(void)state;
	struct pipeline pipeline = two_stages();
	int64_t hop = serialization_ps(30011, RATE) + LATENCY, f = pipeline.forward_ps, b = pipeline.backward_ps;
	assert_int_equal(end_with(&pipeline), 2 * f + hop + 2 * b + hop);
	pipeline.recompute = true;
	assert_int_equal(end_with(&pipeline), 2 * f + hop + 2 * (f + b) + hop);
	pipeline.optimizer_ps = 77;
	assert_int_equal(end_with(&pipeline), 2 * f + hop + 2 * (f + b) + hop + 77);
	pipeline.iterations = 3; /* the last stage waits for the first one's next activation; the first for its own optimizer */
	assert_int_equal(end_with(&pipeline), 3 * (2 * f + hop + 2 * (f + b) + hop + 77));
}

static void buckets_hide_behind_the_backward_pass(void **state)
{
	(void)state;
	struct pipeline pipeline = pipeline_defaults();
	pipeline.microbatches = 3;
	pipeline.data_parallel = 4;
	pipeline.forward_ps = 1000003;
	pipeline.backward_ps = 40 * 1000003;
	pipeline.gradient_bytes = 4 * 100003;
	pipeline.algorithm = "ring";
	int64_t compute = 3 * (pipeline.forward_ps + pipeline.backward_ps);
	int64_t whole = 6 * (serialization_ps(100003, RATE) + LATENCY);
	assert_int_equal(end_with(&pipeline), compute + whole);
	pipeline.buckets = 4; /* one after the other */
	int64_t part = 6 * (serialization_ps(25001, RATE) + LATENCY);
	assert_in_range(end_with(&pipeline), compute + 4 * part - 4 * 6 * 100, compute + 4 * part);
	pipeline.overlap = true; /* all but the last are hidden: a quarter of the backward pass is longer than one */
	assert_true(pipeline.backward_ps / 4 > part);
	assert_in_range(end_with(&pipeline), compute + part - 6 * 100, compute + part);
}

static void tensor_parallel_ranks_wait_for_their_all_reduces(void **state)
{
	(void)state;
	struct pipeline pipeline = pipeline_defaults();
	pipeline.tensor_parallel = 3;
	pipeline.microbatches = 2;
	pipeline.forward_ps = 1000003;
	pipeline.tensor_calls = 4;
	pipeline.tensor_bytes = 3 * 10007;
	pipeline.algorithm = "ring";
	int64_t reduce = 4 * (serialization_ps(10007, RATE) + LATENCY);
	assert_int_equal(end_with(&pipeline), 2 * 3 * pipeline.forward_ps + 2 * 2 * 4 * reduce);
}

static void jitter_follows_the_seed_alone(void **state)
{
	(void)state;
	struct pipeline pipeline = two_stages();
	int64_t plain = end_with(&pipeline);
	pipeline.jitter = 0.2;
	int64_t first = end_with(&pipeline);
	assert_int_equal(first, end_with(&pipeline));
	assert_int_not_equal(first, plain);
	assert_in_range(first, plain * 8 / 10, plain * 12 / 10);
}

static void wrong_values_are_named(void **state)
{
	(void)state;
	struct pipeline pipeline = pipeline_defaults();
	struct error err = {0};
	enum pipeline_schedule schedule;
	pipeline.stages = 0;
	assert_int_equal(pipeline_check(&pipeline, &err), -1);
	assert_string_equal(err.message, "pipeline: 'stages' is 0, it must be 1 to 1048576");
	error_clear(&err);
	pipeline.stages = 4;
	pipeline.schedule = PIPELINE_INTERLEAVED;
	pipeline.microbatches = 6;
	assert_int_equal(pipeline_check(&pipeline, &err), -1);
	assert_string_equal(err.message, "pipeline: schedule 'interleaved' needs 'microbatches' (6) to be a multiple of 'stages' (4)");
	error_clear(&err);
	assert_int_equal(pipeline_schedule_find("1f1B", &schedule, &err), -1);
	assert_string_equal(err.message, "unknown schedule '1f1B' (did you mean '1f1b'?)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bubbles_are_what_the_papers_say),
		cmocka_unit_test(activations_gradients_and_recomputing_cost_their_time),
		cmocka_unit_test(buckets_hide_behind_the_backward_pass),
		cmocka_unit_test(tensor_parallel_ranks_wait_for_their_all_reduces),
		cmocka_unit_test(jitter_follows_the_seed_alone),
		cmocka_unit_test(wrong_values_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
