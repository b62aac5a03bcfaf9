/* The packet model: closed forms on idle paths, incast and rings, cases of routing, failures and deadlock. */
#include "check.h"

#include "base/random.h"
#include "network/hops.h"
#include "base/text.h"
#include "packet_programs.h"

static void hop_percentiles_lie_within_a_bucket_above_the_true_ones(void **state)
{
	(void)state;
	static struct hop_histogram one_by_one, series;
	struct random_stream random = random_stream(3, "test.hops", 0);
	for (int i = 0; i < 2000; i++) {
		int64_t first_ps = (int64_t)random_below(&random, 1 << (1 + i % 30)), step_ps = (int64_t)random_below(&random, 1 << (1 + i % 17));
		uint64_t n = 1 + random_below(&random, 50);
		if (i % 2 && first_ps >= step_ps * (int64_t)n)
			step_ps = -step_ps;
		for (uint64_t k = 0; k < n; k++)
			hop_add(&one_by_one, first_ps + (int64_t)k * step_ps, 1);
		hop_add_series(&series, first_ps, step_ps, n);
	}
	assert_memory_equal(&one_by_one, &series, sizeof series);
	for (int64_t time_ps = 1; time_ps < INT64_C(1) << 60; time_ps += time_ps / 7 + 1) {
		assert_true(hop_bucket_end_ps(hop_bucket(time_ps)) > time_ps);
		assert_true(hop_bucket_end_ps(hop_bucket(time_ps)) <= time_ps + time_ps / 32 + 1);
		assert_true(hop_bucket_end_ps(hop_bucket(time_ps) - 1) <= time_ps);
	}
	struct hop_histogram *counted = memory_zero(1, sizeof *counted);
	for (int64_t i = 1; i <= 1000; i++)
		hop_add(counted, i * 1000, 1);
	assert_in_range(hop_percentile_ps(counted, 0.5), 500000, 500000 * 33 / 32);
	assert_in_range(hop_percentile_ps(counted, 0.99), 990000, 990000 * 33 / 32);
	assert_int_equal(hop_percentile_ps(counted, 1), 1000000);
	free(counted);
}

static const char *const rates[] = {"400 Gb/s", "224 Gb/s", "53.125 Gb/s"};
static const int64_t rates_bytes_per_s[] = {50000000000, 28000000000, 6640625000};

/* h links, P payload, H header: Σ latency + the wire bytes on one link + (h - 1) full packets, each packet rounded up. */
static int64_t idle_ps(int64_t bytes, int64_t payload, int64_t header, int64_t rate, int hops, int64_t latency_ps)
{
	int64_t full = bytes / payload, rest = bytes % payload;
	int64_t full_ps = serialization_ps(payload + header, rate), rest_ps = rest ? serialization_ps(rest + header, rate) : 0;
	return full * full_ps + rest_ps + (hops - 1) * (full ? full_ps : rest_ps) + hops * latency_ps;
}

static void one_message_over_an_idle_path_takes_its_closed_form(void **state)
{
	(void)state;
	static const int64_t sizes[] = {1, 4095, 4096, 4097, 1000000, 16000001};
	for (size_t r = 0; r < 3; r++)
		for (size_t s = 0; s < 6; s++)
			for (int trains = 0; trains < 2; trains++) {
				struct test_net net;
				struct test_flow flow = {.source = 0, .destination = 2, .bytes = sizes[s]};
				char spec[128];
				snprintf(spec, sizeof spec, "star:n=3,bandwidth=%s,latency=333 ns", rates[r]);
				test_net_fabric(&net, spec, ROUTING_DEFAULT);
				create(&net, (struct options){.header = "10 B", .trains = trains ? "true" : "false"});
				test_net_run(&net, &flow, 1);
				assert_int_equal(flow.end_ps, idle_ps(sizes[s], 4096, 10, rates_bytes_per_s[r], 2, 333000));
				test_net_release(&net);
			}
}

static void incast_fills_the_last_link_without_a_gap(void **state)
{
	(void)state;
	for (size_t r = 0; r < 3; r++) {
		struct test_net net;
		struct test_flow flows[7];
		char spec[128];
		int64_t last_ps = 0, each_ps = serialization_ps(1510, rates_bytes_per_s[r]);
		for (uint32_t i = 0; i < 7; i++)
			flows[i] = (struct test_flow){.source = i + 1, .destination = 0, .bytes = 1500 * 40};
		snprintf(spec, sizeof spec, "star:n=8,bandwidth=%s,latency=500 ns", rates[r]);
		test_net_fabric(&net, spec, ROUTING_DEFAULT);
		create(&net, (struct options){.payload = "1500 B", .header = "10 B"});
		test_net_run(&net, flows, 7);
		for (uint32_t i = 0; i < 7; i++)
			last_ps = flows[i].end_ps > last_ps ? flows[i].end_ps : last_ps;
		assert_int_equal(last_ps, each_ps * (1 + 7 * 40) + 2 * 500000);
		test_net_release(&net);
	}
}

/* A ring all-reduce as messages: step k of a rank starts when step k-1 of its left neighbour has arrived. */
struct ring {
	struct test_net *net;
	uint32_t n, steps;
	int64_t bytes;
	uint32_t *done;
	int64_t end_ps;
};

static void ring_send(struct ring *ring, uint32_t rank)
{
	network_send(ring->net->network, &(struct network_message){.id = ring->done[rank] * ring->n + rank, .token = rank, .source = rank,
		.destination = (rank + 1) % ring->n, .bytes = ring->bytes, .collective = -1});
}

static void ring_delivered(void *context, uint32_t token)
{
	struct ring *ring = context;
	uint32_t rank = (token + 1) % ring->n;
	ring->end_ps = ring->net->engine.now_ps;
	ring->net->due[ring->net->n_due++] = rank;
	engine_request(&ring->net->engine, ENGINE_PHASE_ISSUE);
}
static void ring_sent(void *context, uint32_t token) { (void)context, (void)token; }

static void ring_issue(void *context)
{
	struct ring *ring = context;
	qsort(ring->net->due, ring->net->n_due, sizeof *ring->net->due, test_net_by_id);
	for (uint32_t i = 0; i < ring->net->n_due; i++)
		if (++ring->done[ring->net->due[i]] < ring->steps)
			ring_send(ring, ring->net->due[i]);
	ring->net->n_due = 0;
}

static int64_t run_ring(const char *spec, uint32_t n, int64_t bytes, const char *trains, uint64_t *hops)
{
	struct test_net net;
	struct ring ring = {.net = &net, .n = n, .steps = 2 * (n - 1), .bytes = (bytes + n - 1) / n};
	test_net_fabric(&net, spec, ROUTING_DEFAULT);
	create(&net, (struct options){.header = "10 B", .trains = trains});
	net.network->setup.client = (struct network_client){.context = &ring, .sent = ring_sent, .delivered = ring_delivered};
	engine_register_phase(&net.engine, ENGINE_PHASE_ISSUE, ring_issue, &ring);
	net.due = memory_zero(4 * n, sizeof *net.due);
	ring.done = memory_zero(n, sizeof *ring.done);
	for (uint32_t r = 0; r < n; r++)
		ring_send(&ring, r);
	while (engine_run(&net.engine, 1000000) == ENGINE_SLICED)
		;
	struct network_counters counters;
	net.network->model->counters(net.network, &counters);
	*hops = counters.packet_hops;
	assert_int_equal(counters.bytes_in_flight, 0);
	assert_int_equal(counters.bytes_injected, counters.bytes_delivered);
	free(ring.done);
	test_net_release(&net);
	return ring.end_ps;
}

/* 2(N-1) steps of an idle path each; the figures at 400 Gb/s are also those of ns-3 3.37 (50.236 and 175.823 us). */
static void ring_on_a_star_takes_its_closed_form(void **state)
{
	(void)state;
	uint64_t hops;
	for (size_t r = 0; r < 3; r++)
		for (int trains = 0; trains < 2; trains++) {
			char spec[128];
			snprintf(spec, sizeof spec, "star:n=8,bandwidth=%s,latency=500 ns", rates[r]);
			assert_int_equal(run_ring(spec, 8, 1000000, trains ? "true" : "false", &hops),
					 14 * idle_ps(125000, 4096, 10, rates_bytes_per_s[r], 2, 500000));
			assert_int_equal(hops, 6944);
		}
	assert_int_equal((run_ring("star:n=64,bandwidth=400 Gb/s,latency=500 ns", 64, 1000000, "true", &hops) + 500) / 1000, 175823);
	assert_int_equal(hops, 64512);
}

/* 8 hosts per leaf: only every eighth neighbour lies behind a spine, and its path of four links decides the time... of each step. */
static void ring_on_a_leaf_spine_takes_its_closed_form(void **state)
{
	(void)state;
	uint64_t hops_on, hops_off;
	for (size_t r = 0; r < 3; r++) {
		char spec[160];
		snprintf(spec, sizeof spec, "leaf-spine:leaves=2,hosts=4,spines=4,bandwidth=%s,latency=500 ns", rates[r]);
		int64_t on = run_ring(spec, 8, 1000000, "true", &hops_on), off = run_ring(spec, 8, 1000000, "false", &hops_off);
		assert_int_equal(on, off);
		assert_int_equal(hops_on, hops_off);
		/* In 14 steps around 8 ranks, the chain of dependences that crosses leaf borders most often crosses 4 of them. */
		int64_t near_ps = idle_ps(125000, 4096, 10, rates_bytes_per_s[r], 2, 500000);
		int64_t far_ps = idle_ps(125000, 4096, 10, rates_bytes_per_s[r], 4, 500000);
		assert_int_equal(on, 10 * near_ps + 4 * far_ps);
	}
}

static void a_link_that_goes_down_holds_up_what_has_not_started_and_a_slower_one_takes_longer(void **state)
{
	(void)state;
	for (int trains = 0; trains < 2; trains++) {
		struct test_net net;
		struct test_flow flow = {.source = 0, .destination = 2, .bytes = 50 * 1000};
		int64_t each_ps = serialization_ps(1000, 28000000000), slow_ps = serialization_ps(1000, 14000000000);
		struct program program = {.n_changes = 3, .changes = {{.time_ps = 10 * each_ps + 5, .link = 0, .percent = 0},
			{.time_ps = 30 * each_ps, .link = 0, .percent = 100}, {.time_ps = 40 * each_ps + 1, .link = 0, .percent = 50}}};
		test_net_fabric(&net, "star:n=3,bandwidth=224 Gb/s,latency=333 ns", ROUTING_DEFAULT);
		assert_int_equal(net.fabric.link_source[0], net.fabric.npu_node[0]);
		create(&net, (struct options){.payload = "1000 B", .trains = trains ? "true" : "false"});
		plan_changes(&net, &program);
		test_net_run(&net, &flow, 1);
		/* 11 packets, all still on the wire: lost. From 30 on 11 of which the last began before 40 + 1 ps, then 39 at half the
		 * rate. */
		struct network_counters counters;
		net.network->model->counters(net.network, &counters);
		assert_int_equal(flow.sent_ps, 41 * each_ps + 39 * slow_ps);
		assert_int_equal(flow.end_ps, flow.sent_ps + each_ps + 2 * 333000);
		assert_int_equal(counters.bytes_dropped, 11 * 1000);
		assert_int_equal(counters.bytes_injected, 61 * 1000);
		test_net_release(&net);
	}
}

static void avoid_link(void *context)
{
	struct test_net *net = context;
	network_avoid_link(net->network, 2, true);
}
static void ask_control(void *context, uint32_t argument)
{
	(void)argument;
	engine_request(&((struct test_net *)context)->engine, ENGINE_PHASE_CONTROL);
}

/* A ring of 4: what npu1 has not sent over the short way when its failure is detected goes the long way round. */
static void what_has_not_left_its_source_is_rerouted(void **state)
{
	(void)state;
	struct test_net net;
	struct test_flow flow = {.source = 1, .destination = 2, .bytes = 40 * 1000};
	int64_t each_ps = serialization_ps(1000, 28000000000);
	test_net_fabric(&net, "ring:n=4,bandwidth=224 Gb/s,latency=100 ns", ROUTING_DEFAULT);
	assert_int_equal(net.fabric.link_source[2], net.fabric.npu_node[1]);
	assert_int_equal(net.fabric.link_target[2], net.fabric.npu_node[2]);
	create(&net, (struct options){.payload = "1000 B"});
	engine_register_phase(&net.engine, ENGINE_PHASE_CONTROL, avoid_link, &net);
	engine_schedule(&net.engine, 10 * each_ps - 1, engine_register(&net.engine, ask_control, &net), 0);
	test_net_run(&net, &flow, 1);
	assert_int_equal(flow.end_ps, 10 * each_ps - 1 + 30 * each_ps + 2 * each_ps + 3 * 100000);
	test_net_release(&net);
}

/* Eight flows half way round a ring of one channel, buffers of two packets: everybody waits for room in the next buffer. */
static void a_cycle_of_full_buffers_is_found_and_named(void **state)
{
	(void)state;
	struct test_net net;
	struct test_flow flows[8];
	struct error err = {0};
	struct text text = TEXT_INIT;
	test_net_fabric(&net, "ring:n=8,bandwidth=224 Gb/s,latency=77 ns", ROUTING_DEFAULT);
	for (uint32_t i = 0; i < 8; i++) {
		flows[i] = (struct test_flow){.source = i, .destination = (i + 3) % 8, .bytes = 100000};
		assert_int_not_equal(routes_find(&net.routes, i, (i + 3) % 8, i, &err), ROUTE_NONE);
	}
	memset(net.routes.hop_vc, 0, net.routes.n_hops); /* the ring's dateline is its second channel: without it, a cycle */
	create(&net, (struct options){.payload = "1000 B", .buffer = "2000 B"});
	test_net_run(&net, flows, 8);
	assert_int_equal(flows[0].end_ps, TIME_NEVER);
	net.network->model->describe_stuck(net.network, &text);
	assert_non_null(strstr(text_string(&text), "deadlock: a cycle of links"));
	assert_non_null(strstr(text_string(&text), "'npu7->npu0' → 'npu0->npu1'"));
	text_release(&text);
	test_net_release(&net);
}

/* npu0 sends to a port that npu3 fills, then to an idle one: in one queue the second message waits, in two it does not. */
static void an_input_fifo_blocks_behind_its_head_and_virtual_output_queues_do_not(void **state)
{
	(void)state;
	int64_t idle_end_ps[2];
	for (int fifo = 0; fifo < 2; fifo++) {
		struct test_net net;
		struct test_flow flows[] = {{.source = 3, .destination = 1, .bytes = 400000}, {.source = 0, .destination = 1, .bytes = 40000, .start_ps = 1},
					    {.source = 0, .destination = 2, .bytes = 4000, .start_ps = 2}};
		test_net_fabric(&net, "star:n=4,bandwidth=224 Gb/s,latency=77 ns", ROUTING_DEFAULT);
		create(&net, (struct options){.payload = "1000 B", .queues = fifo ? "input-fifo" : "voq", .buffer = "100000 B"});
		test_net_run(&net, flows, 3);
		idle_end_ps[fifo] = flows[2].end_ps;
		test_net_release(&net);
	}
	int64_t each_ps = serialization_ps(1000, 28000000000);
	assert_int_equal(idle_end_ps[0], 1 + 45 * each_ps + 2 * 77000);
	/* Round robin with npu3: npu0's 40th packet for npu1 ends when 80 are through, two packets after the first started. */
	assert_int_equal(idle_end_ps[1], 1 + (1 + 80 + 4) * each_ps - 1 + 2 * 77000);
}

/* Runs flows that all begin at once; returns when the last one ends. */
static int64_t run_flows(const char *spec, enum routing routing, struct test_flow *flows, uint32_t n)
{
	struct test_net net;
	struct network_counters counters;
	int64_t end_ps = 0;
	test_net_fabric(&net, spec, routing);
	create(&net, (struct options){.payload = "1000 B", .header = "24 B"});
	test_net_run(&net, flows, n);
	net.network->model->counters(net.network, &counters);
	assert_int_equal(counters.bytes_delivered, counters.bytes_injected);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_not_equal(flows[i].end_ps, TIME_NEVER);
		end_ps = flows[i].end_ps > end_ps ? flows[i].end_ps : end_ps;
	}
	test_net_release(&net);
	return end_ps;
}

static uint32_t link_between(const struct fabric *fabric, const char *source, const char *target)
{
	for (uint32_t link = 0; link < fabric->n_links; link++)
		if (!strcmp(fabric->node_name[fabric->link_source[link]], source) && !strcmp(fabric->node_name[fabric->link_target[link]], target))
			return link;
	fail_msg("no link from %s to %s", source, target);
	return 0;
}

/* A link dies with packets on its wire and nobody ever finds out: the run ends and says which message waits for which link. */
static void what_is_never_sent_again_is_named(void **state)
{
	(void)state;
	static const enum routing routings[] = {ROUTING_DEFAULT, ROUTING_SPRAY, ROUTING_ADAPTIVE};
	for (size_t r = 0; r < 3; r++) {
		struct test_net net;
		struct test_flow flow = {.source = 0, .destination = 2, .bytes = 50 * 1000};
		struct text text = TEXT_INIT;
		struct network_counters counters;
		struct program program = {.n_changes = 1, .changes = {{.time_ps = 1000000, .percent = 0}}};
		test_net_fabric(&net, "leaf-spine:leaves=2,hosts=2,spines=1,bandwidth=224 Gb/s,latency=333 ns", routings[r]);
		program.changes[0].link = link_between(&net.fabric, "leaf0", "spine0");
		create(&net, (struct options){.payload = "1000 B"});
		plan_changes(&net, &program);
		test_net_run(&net, &flow, 1);
		net.network->model->counters(net.network, &counters);
		assert_int_equal(flow.end_ps, TIME_NEVER);
		assert_in_range(counters.bytes_dropped, 1000, 50 * 1000);
		assert_int_equal(counters.bytes_injected, counters.bytes_dropped + counters.bytes_in_flight);
		net.network->model->describe_stuck(net.network, &text);
		assert_string_equal(text_string(&text), "; message 0 of 50 kB from npu0 to npu2 waits for link 'leaf0->spine0' (down)");
		text_release(&text);
		test_net_release(&net);
	}
}

/* Eight flows from leaf to leaf over eight spines: hashed, some share an uplink; by queue, none waits long. */
static void adaptive_routing_parts_flows_that_ecmp_lets_collide(void **state)
{
	(void)state;
	struct test_flow flows[8];
	const char *spec = "leaf-spine:leaves=2,hosts=8,spines=8,bandwidth=224 Gb/s,latency=200 ns";
	for (uint32_t i = 0; i < 8; i++)
		flows[i] = (struct test_flow){.source = i, .destination = 8 + i, .bytes = 400 * 1000};
	int64_t ecmp_ps = run_flows(spec, ROUTING_ECMP, flows, 8), adaptive_ps = run_flows(spec, ROUTING_ADAPTIVE, flows, 8);
	int64_t idle = idle_ps(400 * 1000, 1000, 24, 28000000000, 4, 200000);
	assert_true(ecmp_ps > idle * 19 / 10);      /* two on one link */
	assert_true(adaptive_ps < idle * 105 / 100);
	assert_int_equal(adaptive_ps, run_flows(spec, ROUTING_ADAPTIVE, flows, 8));
}

/* All of a group send to the next group: minimal routes share the one cable between them, others lie idle. */
static void ugal_uses_other_groups_when_the_cable_to_the_next_one_is_crowded(void **state)
{
	(void)state;
	struct test_flow flows[72];
	const char *spec = "dragonfly:routers=4,hosts=2,global=2,bandwidth=224 Gb/s,latency=50 ns,global_latency=200 ns";
	for (uint32_t i = 0; i < 72; i++)
		flows[i] = (struct test_flow){.source = i, .destination = (i + 8) % 72, .bytes = 400 * 1000};
	int64_t minimal_ps = run_flows(spec, ROUTING_DEFAULT, flows, 72), valiant_ps = run_flows(spec, ROUTING_VALIANT, flows, 72);
	int64_t ugal_ps = run_flows(spec, ROUTING_UGAL, flows, 72);
	assert_true(ugal_ps < minimal_ps / 2);
	assert_true(ugal_ps < valiant_ps);
}

static void ugal_is_minimal_where_nothing_waits(void **state)
{
	(void)state;
	static const char *const specs[] = {
		"dragonfly:routers=4,hosts=2,global=2,bandwidth=224 Gb/s,latency=50 ns,global_latency=200 ns",
		"torus:dims=5x5,bandwidth=224 Gb/s,latency=90 ns", "hyperx:dims=3x4,hosts=2,bandwidth=224 Gb/s,latency=90 ns"};
	for (size_t s = 0; s < 3; s++)
		for (uint32_t destination = 1; destination < 24; destination++) {
			struct test_flow flow = {.source = 0, .destination = destination, .bytes = 50 * 1000};
			int64_t minimal_ps = run_flows(specs[s], ROUTING_DEFAULT, &flow, 1);
			assert_int_equal(run_flows(specs[s], ROUTING_UGAL, &flow, 1), minimal_ps);
		}
}

/* Tornado on a ring of 8: everybody sends 3 nodes up, and all links down lie idle under minimal routing. */
static void ugal_turns_round_on_a_torus_under_a_tornado(void **state)
{
	(void)state;
	struct test_flow flows[8];
	for (uint32_t i = 0; i < 8; i++)
		flows[i] = (struct test_flow){.source = i, .destination = (i + 3) % 8, .bytes = 200 * 1000};
	int64_t minimal_ps = run_flows("torus:dims=8,bandwidth=224 Gb/s,latency=90 ns", ROUTING_DEFAULT, flows, 8);
	int64_t ugal_ps = run_flows("torus:dims=8,bandwidth=224 Gb/s,latency=90 ns", ROUTING_UGAL, flows, 8);
	assert_true(ugal_ps < minimal_ps * 9 / 10);
}

struct carried {
	int64_t bytes[256], from_ps; /* per link, of runs that end later than this */
};
static void carry(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t payload, int64_t overhead, uint8_t kind)
{
	struct carried *carried = context;
	(void)start_ps, (void)overhead, (void)kind;
	if (end_ps > carried->from_ps)
		carried->bytes[link] += payload;
}

/* 300 packets from leaf to leaf over three spines: 100 each, and no time is lost: all ways are as long. */
static void spraying_takes_all_ways_in_turn(void **state)
{
	(void)state;
	for (size_t r = 0; r < 3; r++) {
		struct test_net net;
		struct test_flow flow = {.source = 0, .destination = 2, .bytes = 300 * 1000};
		struct carried carried = {.from_ps = 0};
		struct observer observer = {.context = &carried, .link_bytes = carry};
		char spec[128], spine[32];
		snprintf(spec, sizeof spec, "leaf-spine:leaves=2,hosts=2,spines=3,bandwidth=%s,latency=333 ns", rates[r]);
		test_net_fabric(&net, spec, ROUTING_SPRAY);
		observers_add(&net.observers, &observer, false);
		create(&net, (struct options){.payload = "1000 B", .header = "24 B"});
		test_net_run(&net, &flow, 1);
		assert_int_equal(flow.end_ps, idle_ps(300 * 1000, 1000, 24, rates_bytes_per_s[r], 4, 333000));
		for (int i = 0; i < 3; i++) {
			snprintf(spine, sizeof spine, "spine%d", i);
			assert_int_equal(carried.bytes[link_between(&net.fabric, "leaf0", spine)], 100 * 1000);
			assert_int_equal(carried.bytes[link_between(&net.fabric, spine, "leaf1")], 100 * 1000);
		}
		assert_int_equal(net.routes.n_routes, 0); /* no path was enumerated */
		test_net_release(&net);
	}
}

static struct {
	struct test_net *net;
	uint32_t link;
} failing;

static void fail_or_find(void *context, uint32_t argument)
{
	(void)context, (void)argument;
	engine_request(&failing.net->engine, ENGINE_PHASE_CONTROL);
}
static void fail_then_find(void *context)
{
	struct links *links = &failing.net->links;
	(void)context;
	if (links->state[failing.link] != LINK_DOWN)
		network_change_link(failing.net->network, failing.link, LINK_DOWN, 0, links->latency_ps[failing.link]);
	else
		network_avoid_link(failing.net->network, failing.link, true);
}

/* spine1 loses its link down to leaf1. Once that is known nothing for leaf1 goes up to spine1, though that link is up. */
static void sprayed_packets_avoid_ways_that_lead_nowhere(void **state)
{
	(void)state;
	struct test_net net;
	struct test_flow flows[] = {{.source = 0, .destination = 2, .bytes = 300 * 1000}, {.source = 1, .destination = 3, .bytes = 300 * 1000}};
	struct carried carried = {.from_ps = 3200000}; /* what started at the latest when it was found has arrived */
	struct observer observer = {.context = &carried, .link_bytes = carry};
	struct network_counters counters;
	test_net_fabric(&net, "leaf-spine:leaves=2,hosts=2,spines=3,bandwidth=224 Gb/s,latency=100 ns", ROUTING_SPRAY);
	observers_add(&net.observers, &observer, false);
	create(&net, (struct options){.payload = "1000 B"});
	failing.net = &net;
	failing.link = link_between(&net.fabric, "spine1", "leaf1");
	engine_register_phase(&net.engine, ENGINE_PHASE_CONTROL, fail_then_find, &net);
	uint8_t handler = engine_register(&net.engine, fail_or_find, &net);
	engine_schedule(&net.engine, 2000000, handler, 0);
	engine_schedule(&net.engine, 3000000, handler, 0);
	test_net_run(&net, flows, 2);
	net.network->model->counters(net.network, &counters);
	assert_int_not_equal(flows[0].end_ps, TIME_NEVER);
	assert_int_not_equal(flows[1].end_ps, TIME_NEVER);
	assert_int_equal(counters.bytes_in_flight, 0);
	assert_int_equal(counters.bytes_injected, 2 * 300 * 1000 + counters.bytes_dropped);
	assert_true(counters.bytes_dropped > 10000);
	assert_int_equal(carried.bytes[link_between(&net.fabric, "leaf0", "spine1")], 0);
	assert_true(carried.bytes[link_between(&net.fabric, "leaf0", "spine0")] > 100000);
	test_net_release(&net);
}

static void a_warm_network_allocates_nothing(void **state)
{
	(void)state;
	uint64_t counts[4];
	for (int i = 0; i < 4; i++) { /* twice the messages, as many allocations: what is allocated is warming up */
		struct test_net net;
		struct test_flow *flows = memory_zero(4000, sizeof *flows);
		uint32_t n = i % 2 ? 4000 : 2000;
		for (uint32_t f = 0; f < n; f++)
			flows[f] = (struct test_flow){.source = f % 6, .destination = (f + 1 + f / 6 % 5) % 6, .bytes = 50000,
						      .start_ps = (int64_t)(f / 6) * 2000000};
		if (i < 2)
			test_net_fabric(&net, "star:n=6,bandwidth=400 Gb/s,latency=500 ns", ROUTING_DEFAULT);
		else
			test_net_fabric(&net, "leaf-spine:leaves=3,hosts=2,spines=3,bandwidth=400 Gb/s,latency=500 ns", ROUTING_SPRAY);
		create(&net, (struct options){.header = "10 B"});
		test_net_plan(&net, flows, n);
		engine_run(&net.engine, 30000);
		counts[i] = memory_count();
		while (engine_run(&net.engine, 1000000) == ENGINE_SLICED)
			;
		counts[i] = memory_count() - counts[i];
		free(flows);
		test_net_release(&net);
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(counts[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hop_percentiles_lie_within_a_bucket_above_the_true_ones),
		cmocka_unit_test(one_message_over_an_idle_path_takes_its_closed_form),
		cmocka_unit_test(incast_fills_the_last_link_without_a_gap),
		cmocka_unit_test(ring_on_a_star_takes_its_closed_form),
		cmocka_unit_test(ring_on_a_leaf_spine_takes_its_closed_form),
		cmocka_unit_test(a_link_that_goes_down_holds_up_what_has_not_started_and_a_slower_one_takes_longer),
		cmocka_unit_test(what_has_not_left_its_source_is_rerouted),
		cmocka_unit_test(a_cycle_of_full_buffers_is_found_and_named),
		cmocka_unit_test(an_input_fifo_blocks_behind_its_head_and_virtual_output_queues_do_not),
		cmocka_unit_test(what_is_never_sent_again_is_named),
		cmocka_unit_test(adaptive_routing_parts_flows_that_ecmp_lets_collide),
		cmocka_unit_test(ugal_uses_other_groups_when_the_cable_to_the_next_one_is_crowded),
		cmocka_unit_test(ugal_is_minimal_where_nothing_waits),
		cmocka_unit_test(ugal_turns_round_on_a_torus_under_a_tornado),
		cmocka_unit_test(spraying_takes_all_ways_in_turn),
		cmocka_unit_test(sprayed_packets_avoid_ways_that_lead_nowhere),
		cmocka_unit_test(a_warm_network_allocates_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
