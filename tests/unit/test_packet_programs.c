/* The packet model on random programs: a slow oracle, trains against none, sums for timelines against each packet by itself. */
#include "check.h"

#include "engine/observer.h"
#include "network/hops.h"
#include "packet_oracle.h"
#include "packet_programs.h"
#include "timeline/bins.h"

/* What observers see, as one number per link; independent of the order of calls of different links. */
struct seen {
	uint64_t hash[5120];
	int64_t payload, stalls;
	int64_t queue_max[1024], queue_byte_ps[1024], queue_end_ps[1024];
	uint64_t queues, hops_hash;
	int64_t dropped;
};

static void mix(struct seen *seen, uint32_t link, uint64_t a, uint64_t b, uint64_t c)
{
	seen->hash[link] = random_mix(random_mix(random_mix(seen->hash[link] ^ a) ^ b) ^ c);
}
static void see_bytes(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t payload, int64_t overhead, uint8_t kind)
{
	struct seen *seen = context;
	mix(seen, link, (uint64_t)start_ps, (uint64_t)end_ps, (uint64_t)payload ^ (uint64_t)overhead << 40 ^ kind);
	seen->payload += payload;
}
static void see_busy(void *context, uint32_t link, int64_t start_ps, int64_t end_ps)
{
	mix(context, link + 1024, (uint64_t)start_ps, (uint64_t)end_ps, 1);
}
static void see_interval(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, uint64_t message)
{
	mix(context, link + 2048, (uint64_t)start_ps, (uint64_t)end_ps, message);
}
static void see_stall(void *context, uint32_t link, int64_t start_ps, int64_t end_ps)
{
	mix(context, link + 3072, (uint64_t)start_ps, (uint64_t)end_ps, 2);
	((struct seen *)context)->stalls++;
}

static void see_queue(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t max_bytes, int64_t byte_ps)
{
	struct seen *seen = context;
	mix(seen, link + 4096, (uint64_t)start_ps, (uint64_t)end_ps, (uint64_t)max_bytes ^ (uint64_t)byte_ps << 20);
	assert_true(start_ps >= seen->queue_end_ps[link] && end_ps > start_ps);
	assert_true(max_bytes > 0 && byte_ps > 0 && byte_ps <= max_bytes * (end_ps - start_ps));
	seen->queue_end_ps[link] = end_ps;
	seen->queue_byte_ps[link] += byte_ps;
	seen->queue_max[link] = max_bytes > seen->queue_max[link] ? max_bytes : seen->queue_max[link];
	seen->queues++;
}

static void run_program(const struct program *program, const char *trains, struct test_flow *flows, struct seen *seen, uint64_t *hops)
{
	struct test_net net;
	struct options options = program->options;
	struct observer observer = {.context = seen, .link_bytes = see_bytes, .link_busy = see_busy, .link_interval = see_interval,
				    .link_stall = see_stall, .link_queue = see_queue};
	memset(seen, 0, sizeof *seen);
	memcpy(flows, program->flows, sizeof program->flows);
	test_net_fabric(&net, program->fabric, program->routing);
	observers_add(&net.observers, &observer, true);
	options.trains = trains;
	create(&net, options);
	if (program->n_changes)
		plan_changes(&net, program);
	test_net_run(&net, flows, program->n_flows);
	struct network_counters counters;
	net.network->model->counters(net.network, &counters);
	*hops = counters.packet_hops;
	for (uint32_t kind = 0; kind < net.fabric.n_kinds; kind++)
		for (uint32_t i = 0; i < HOP_BUCKETS; i++)
			if (counters.hop_times[kind].counts[i])
				seen->hops_hash = random_mix(random_mix(seen->hops_hash ^ counters.hop_times[kind].counts[i]) ^ i ^ kind << 16);
	assert_int_equal(counters.bytes_in_flight, 0);
	assert_int_equal(counters.bytes_injected, counters.bytes_delivered + counters.bytes_dropped);
	for (uint32_t i = 0; i < program->n_flows; i++)
		assert_int_not_equal(flows[i].end_ps, TIME_NEVER);
	seen->dropped = counters.bytes_dropped;
	test_net_release(&net);
}

static void oracle_of(const struct program *program, struct test_flow *flows, uint64_t *hops, const struct seen *seen)
{
	struct test_net net;
	memcpy(flows, program->flows, sizeof program->flows);
	test_net_fabric(&net, program->fabric, program->routing);
	net.flows = flows;
	net.n_flows = program->n_flows;
	struct oracle oracle = {.net = &net, .payload = 1000, .header = 24, .buffer = program->buffer[0] ? atoi(program->buffer) : 0,
				.cut_through = program->options.switching != NULL};
	if (!oracle.buffer)
		oracle.buffer = INT64_MAX / 2;
	oracle_run(&oracle);
	*hops = oracle.hops;
	for (uint32_t link = 0; link < net.fabric.n_links; link++) {
		assert_int_equal(seen->queue_max[link], oracle.queue_max[link]);
		assert_int_equal(seen->queue_byte_ps[link], oracle.queue_byte_ps[link]);
	}
	test_net_release(&net);
}

static void assert_same_flows(const struct program *program, uint64_t seed, const struct test_flow *a, const struct test_flow *b)
{
	for (uint32_t i = 0; i < program->n_flows; i++)
		if (a[i].end_ps != b[i].end_ps || a[i].sent_ps != b[i].sent_ps)
			fail_msg("seed %llu on %s: flow %u (%u to %u, %lld B at %lld) sent %lld, %lld; delivered %lld, %lld",
				 (unsigned long long)seed, program->fabric, i, a[i].source, a[i].destination, (long long)a[i].bytes,
				 (long long)a[i].start_ps, (long long)a[i].sent_ps, (long long)b[i].sent_ps, (long long)a[i].end_ps,
				 (long long)b[i].end_ps);
}

static void random_programs_agree_with_the_oracle_and_trains_change_nothing(void **state)
{
	(void)state;
	struct program program;
	struct test_flow on[24], off[24], slow[24];
	static struct seen seen_on, seen_off;
	uint64_t hops_on, hops_off, hops_slow;
	int64_t stalls = 0, dropped = 0;
	uint64_t queues = 0;
	for (uint64_t i = 1; i <= 3001; i++) {
		uint64_t seed = i <= 3000 ? i : 8551; /* which a longer run found */
		draw_program(&program, seed);
		draw_changes(&program, seed);
		run_program(&program, "false", off, &seen_off, &hops_off);
		run_program(&program, "true", on, &seen_on, &hops_on);
		assert_same_flows(&program, seed, on, off);
		if (memcmp(&seen_on, &seen_off, sizeof seen_on))
			fail_msg("seed %llu on %s: observers saw something else with trains", (unsigned long long)seed, program.fabric);
		stalls += seen_on.stalls;
		queues += seen_on.queues;
		dropped += seen_on.dropped;
		bool chooses = program.routing == ROUTING_ADAPTIVE || program.routing == ROUTING_UGAL;
		if (seed % 5 || chooses || program.n_changes) /* the oracle knows neither */
			continue;
		oracle_of(&program, slow, &hops_slow, &seen_on);
		assert_same_flows(&program, seed, off, slow);
		assert_int_equal(hops_on, hops_slow);
		assert_int_equal(hops_off, hops_slow);
	}
	assert_true(stalls > 100); /* the programs do exercise credits, and queues */
	assert_true(queues > 1000);
	assert_true(dropped > 100000); /* links die with packets on them */
}

/* Bins as an observer of stretches fills them, and as one that hears of each packet, wait and stall fills them. */

static int64_t sum_border(void *context, int64_t time_ps) { return bins_border(context, time_ps); }
static void sum_stretch(void *context, uint32_t link, const struct link_stretch *stretch) { bins_add_stretch(context, link, stretch); }
static void one_bytes(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t payload, int64_t overhead, uint8_t kind)
{
	(void)kind;
	bins_add_bytes(context, link, start_ps, end_ps, payload);
	if (overhead)
		bins_extra_add(context, BINS_OVERHEAD, link, start_ps, end_ps, overhead);
}
static void one_busy(void *context, uint32_t link, int64_t start_ps, int64_t end_ps) { bins_add_busy(context, link, start_ps, end_ps); }
static void one_queue(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t max_bytes, int64_t byte_ps)
{
	bins_extra_max(context, BINS_QUEUE_MAX, link, start_ps, end_ps, max_bytes);
	bins_extra_add(context, BINS_QUEUE_BYTE_PS, link, start_ps, end_ps, byte_ps);
}
static void one_stall(void *context, uint32_t link, int64_t start_ps, int64_t end_ps)
{
	bins_extra_add(context, BINS_STALL_PS, link, start_ps, end_ps, end_ps - start_ps);
}

static void fill_bins(const struct program *program, const char *trains, struct bins *bins, int64_t base_ps, bool by_kind,
		      struct observer observer)
{
	struct test_net net;
	struct test_flow flows[24];
	struct options options = program->options;
	memcpy(flows, program->flows, sizeof flows);
	test_net_fabric(&net, program->fabric, program->routing);
	bins_init(bins, net.fabric.n_links, 32, base_ps);
	observer.context = bins;
	observers_add(&net.observers, &observer, by_kind);
	options.trains = trains;
	create(&net, options);
	if (program->n_changes)
		plan_changes(&net, program);
	test_net_run(&net, flows, program->n_flows);
	test_net_release(&net);
}

static void assert_same_column(const struct bins *a, const int64_t *x, const int64_t *y, uint64_t seed, const char *what)
{
	for (uint32_t link = 0; (x || y) && link < a->n_links; link++)
		for (uint32_t bin = 0; bin < a->max_bins; bin++) {
			int64_t in_x = x ? x[bins_at(a, link, bin)] : 0, in_y = y ? y[bins_at(a, link, bin)] : 0;
			if (in_x != in_y)
				fail_msg("seed %llu: %s of link %u, bin %u of %lld ps: %lld and %lld", (unsigned long long)seed, what, link, bin,
					 (long long)a->width_ps, (long long)in_x, (long long)in_y);
		}
}

static void sums_hold_what_each_packet_puts_into_its_bins(void **state)
{
	(void)state;
	static const char *const names[] = {"overhead", "longest queue", "queue", "stall"};
	struct observer sums = {.border = sum_border, .link_stretch = sum_stretch, .link_queue = one_queue};
	struct observer ones = {.link_bytes = one_bytes, .link_busy = one_busy, .link_queue = one_queue, .link_stall = one_stall};
	for (uint64_t seed = 1; seed <= 600; seed++) {
		struct program program;
		struct bins summed, by_one;
		int64_t base_ps = 2 + (int64_t)(seed * 7919 % 50000); /* narrower than a packet, and wider than many */
		draw_program(&program, seed);
		draw_changes(&program, seed);
		fill_bins(&program, seed % 2 ? "true" : "false", &summed, base_ps, seed % 4 == 0, sums);
		fill_bins(&program, "false", &by_one, base_ps, false, ones);
		assert_int_equal(summed.width_ps, by_one.width_ps);
		assert_same_column(&summed, summed.bytes, by_one.bytes, seed, "payload");
		assert_same_column(&summed, summed.busy_ps, by_one.busy_ps, seed, "busy time");
		for (int i = 0; i < BINS_REPLAYS; i++)
			assert_same_column(&summed, summed.extra[i], by_one.extra[i], seed, names[i]);
		bins_release(&summed);
		bins_release(&by_one);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_programs_agree_with_the_oracle_and_trains_change_nothing),
		cmocka_unit_test(sums_hold_what_each_packet_puts_into_its_bins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
