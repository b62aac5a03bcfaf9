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
		print_message("%s p=%d m=%d v=%d: %lld\n", pipeline_schedule_names[cases[i].schedule], (int)p, (int)m, (int)v,
			      (long long)(end_of(&fake) - whole));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bubbles_are_what_the_papers_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
