/* The path from a scenario's text to results: overrides, defaults, sets of ranks, digests that do not depend on who listens. */
#include "check.h"

#include "base/error.h"
#include "base/text.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

static const char star[] =
	"weft: 1\n"
	"topology: {module: star, n: 7, bandwidth: 224 Gb/s, latency: 501 ns}\n"
	"workload:\n"
	"  - collective: {kind: allreduce, algorithm: ring, size: 1000003 B}\n";

static void load(struct scenario *scenario, const char *text, const struct scenario_set *sets, size_t n)
{
	struct error err = {0};
	struct scenario_overrides overrides = {sets, n};
	if (scenario_parse(scenario, text, "test.yaml", NULL, &overrides, &err))
		fail_msg("%s", err.message);
}

/* Runs a scenario with one more observer (or none); returns its digest. */
static const char *run(const struct scenario *scenario, const struct observer *observer, struct simulation *simulation)
{
	struct error err = {0};
	if (simulation_init(simulation, scenario, &err))
		fail_msg("%s", err.message);
	if (observer)
		observers_add(&simulation->observers, observer, true);
	simulation_run(simulation);
	return simulation->digest;
}

static void overrides_replace_values_before_they_are_checked(void **state)
{
	static const struct scenario_set sets[] = {
		{"workload[0].collective.size=2 MiB", NULL}, {"topology.n=5", NULL}, {"seed=9", "--seed"}, {"placement=[4, 3, 2, 1, 0]", NULL},
		{"links[0].link=npu1->*", NULL}, {"links[0].at=1 us", NULL}, {"links[0].rate=1 GB/s", NULL},
	};
	struct scenario scenario;
	(void)state;
	load(&scenario, star, sets, sizeof sets / sizeof *sets);
	assert_int_equal(scenario.entries[0].collective.bytes, 2 << 20);
	assert_int_equal(scenario.seed, 9);
	assert_int_equal(scenario.placement_list.n, 5);
	assert_int_equal(scenario.n_changes, 1);
	assert_string_equal(scenario.changes[0].pattern, "npu1->*");
	scenario_release(&scenario);
}

static void aliases_are_copies(void **state)
{
	static const char text[] =
		"weft: 1\n"
		"topology: star:n=4\n"
		"workload:\n"
		"  - collective: &one {kind: allreduce, algorithm: ring, size: 1 MiB}\n"
		"  - collective: *one\n";
	static const struct scenario_set sets[] = {{"workload[1].collective.size=3 MiB", NULL}};
	struct scenario scenario;
	(void)state;
	load(&scenario, text, sets, 1);
	assert_int_equal(scenario.entries[0].collective.bytes, 1 << 20);
	assert_int_equal(scenario.entries[1].collective.bytes, 3 << 20);
	scenario_release(&scenario);
}

static void the_resolved_scenario_runs_to_the_same_digest(void **state)
{
	struct scenario first, second;
	struct simulation simulation;
	struct text resolved = TEXT_INIT;
	char digest[DIGEST_HEX_SIZE];
	(void)state;
	load(&first, star, NULL, 0);
	strcpy(digest, run(&first, NULL, &simulation));
	scenario_resolved(&first, &simulation.fabric, &resolved);
	simulation_release(&simulation);
	load(&second, text_string(&resolved), NULL, 0);
	assert_string_equal(run(&second, NULL, &simulation), digest);
	simulation_release(&simulation);
	scenario_release(&first);
	scenario_release(&second);
	text_release(&resolved);
}

/* The sums of what an observer hears, per link. */
struct heard { int64_t bytes[1 << 16]; };
static void hear_bytes(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t payload, int64_t overhead, uint8_t kind)
{
	(void)start_ps;
	(void)end_ps;
	(void)overhead;
	(void)kind;
	((struct heard *)context)->bytes[link] += payload;
}
static void hear_interval(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, uint64_t message)
{
	(void)context;
	(void)link;
	(void)start_ps;
	(void)end_ps;
	(void)message;
}

static void observers_change_no_digest_and_hear_what_the_totals_say(void **state)
{
	static const char *const scenarios[] = {
		star,
		"weft: 1\ntopology: ring:n=9,bandwidth=224 Gb/s\nplacement: random\nseed: 4\nworkload:\n"
		"  - collective: {kind: alltoall, size: 9000001 B}\n",
		"weft: 1\ntopology: {module: cloudmatrix384, nodes: 4}\nranks: 32\nworkload:\n" /* messages split over 7 planes */
		"  - collective: {kind: allreduce, algorithm: ring, size: 10000019 B}\n",
		"weft: 1\ntopology: leaf-spine:leaves=2,hosts=4,spines=3\nworkload:\n" /* rerouted on their way */
		"  - collective: {kind: alltoall, algorithm: direct, size: 10000019 B}\n"
		"links: [{link: leaf0->spine0, at: 20 us, state: down, detect: 10 us}]\n",
		"weft: 1\ntopology: star:n=8\nworkload:\n"
		"  - pipeline: {stages: 4, data_parallel: 2, microbatches: 5, forward: 1 ms, activation: 3 MB, gradient: 70000001 B}\n",
	};
	struct heard *heard = memory_zero(1, sizeof *heard);
	struct observer observer = {.context = heard, .link_bytes = hear_bytes, .link_interval = hear_interval};
	(void)state;
	for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
		struct scenario scenario;
		struct simulation simulation;
		char digest[DIGEST_HEX_SIZE];
		load(&scenario, scenarios[i], NULL, 0);
		strcpy(digest, run(&scenario, NULL, &simulation));
		assert_string_equal(simulation.status, "complete");
		simulation_release(&simulation);
		memset(heard, 0, sizeof *heard);
		assert_string_equal(run(&scenario, &observer, &simulation), digest);
		assert_true(simulation.fabric.n_links < sizeof heard->bytes / sizeof *heard->bytes);
		for (uint32_t link = 0; link < simulation.fabric.n_links; link++)
			if (simulation.link_bytes[link] != heard->bytes[link])
				fail_msg("scenario %zu, link %u: totals say %lld bytes, the observer heard %lld", i, link,
					 (long long)simulation.link_bytes[link], (long long)heard->bytes[link]);
		simulation_release(&simulation);
		scenario_release(&scenario);
	}
	free(heard);
}

static void a_slice_of_any_length_gives_the_same_digest(void **state)
{
	struct scenario scenario;
	struct simulation simulation;
	struct error err = {0};
	char digest[DIGEST_HEX_SIZE];
	(void)state;
	load(&scenario, star, NULL, 0);
	strcpy(digest, run(&scenario, NULL, &simulation));
	simulation_release(&simulation);
	assert_int_equal(simulation_init(&simulation, &scenario, &err), 0);
	while (!simulation_step(&simulation, 1))
		;
	simulation_finish(&simulation, false);
	assert_string_equal(simulation.digest, digest);
	simulation_release(&simulation);
	scenario_release(&scenario);
}

/* One message of 28 MB at 28 GB/s: 1 ms. Halved after 0.25 ms for the rest; then also down from 0.5 ms to 2 ms. */
static void links_that_change_are_waited_for(void **state)
{
	static const struct { const char *links; int64_t time_ps; } cases[] = {
		{"[]", INT64_C(1000000000)},
		{"[{link: 'npu0->switch', at: 250 us, rate: 14 GB/s}]", INT64_C(1750000000)},
		{"[{link: 'npu0->switch', at: 500 us, state: down}, {link: 'npu0->switch', at: 2 ms, state: up}]", INT64_C(2500000000)},
		{"[{link: 'npu0->*', at: 250 us, rate: 14 GB/s}, {link: '*->npu1', at: 500 us, state: down}, {link: '*->npu1', at: 2 ms, state: up}]",
		 INT64_C(3250000000)},
		{"[{link: 'npu0->switch', at: 10 s, state: down}]", INT64_C(1000000000)},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[1024];
		struct scenario scenario;
		struct simulation simulation;
		snprintf(text, sizeof text, "weft: 1\ntopology: {module: star, n: 3, bandwidth: 28 GB/s, latency: 0 ns}\nlinks: %s\nworkload:\n"
			 "  - messages: [{from: 0, to: 1, size: 28 MB}]\n", cases[i].links);
		load(&scenario, text, NULL, 0);
		run(&scenario, NULL, &simulation);
		assert_string_equal(simulation.status, "complete");
		assert_int_equal(simulation.end_ps, cases[i].time_ps);
		simulation_release(&simulation);
		scenario_release(&scenario);
	}
}

static void entries_follow_each_other_where_they_say_so(void **state)
{
	static const char text[] =
		"weft: 1\n"
		"topology: {module: star, n: 3, bandwidth: 28 GB/s, latency: 0 ns}\n"
		"workload:\n"
		"  - {after: first, messages: [{from: 0, to: 1, size: 28 MB}]}\n"
		"  - {name: first, messages: [{from: 0, to: 1, size: 28 MB}]}\n";
	static const struct scenario_set together[] = {{"workload[0]={messages: [{from: 0, to: 1, size: 28 MB}]}", NULL}};
	struct scenario scenario;
	struct simulation simulation;
	(void)state;
	load(&scenario, text, NULL, 0);
	run(&scenario, NULL, &simulation);
	assert_int_equal(simulation.end_ps, INT64_C(2000000000));
	simulation_release(&simulation);
	scenario_release(&scenario);
	load(&scenario, text, together, 1);
	run(&scenario, NULL, &simulation);
	assert_int_equal(simulation.end_ps, INT64_C(2000000000)); /* they share the link instead */
	simulation_release(&simulation);
	scenario_release(&scenario);
}

static void groups_are_cut_with_a_stride(void **state)
{
	static const char text[] =
		"weft: 1\n"
		"topology: star:n=12\n"
		"workload:\n"
		"  - {ranks: 0-11, collective: {kind: allgather, algorithm: ring, size: 1 MiB, group_size: 3, group_stride: 2}}\n";
	struct scenario scenario;
	struct simulation simulation;
	(void)state;
	load(&scenario, text, NULL, 0);
	run(&scenario, NULL, &simulation);
	const struct workload *workload = simulation.workloads[0];
	static const uint32_t expected[4][3] = {{0, 2, 4}, {1, 3, 5}, {6, 8, 10}, {7, 9, 11}};
	assert_int_equal(workload->n_groups, 4);
	for (uint32_t g = 0; g < 4; g++)
		assert_memory_equal(workload->groups[g].ranks, expected[g], sizeof expected[g]);
	assert_int_equal(simulation.n_collectives, 4);
	simulation_release(&simulation);
	scenario_release(&scenario);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overrides_replace_values_before_they_are_checked),
		cmocka_unit_test(aliases_are_copies),
		cmocka_unit_test(the_resolved_scenario_runs_to_the_same_digest),
		cmocka_unit_test(observers_change_no_digest_and_hear_what_the_totals_say),
		cmocka_unit_test(a_slice_of_any_length_gives_the_same_digest),
		cmocka_unit_test(links_that_change_are_waited_for),
		cmocka_unit_test(entries_follow_each_other_where_they_say_so),
		cmocka_unit_test(groups_are_cut_with_a_stride),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
