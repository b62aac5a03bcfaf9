/* The fluid and analytic models on small cases with known answers. */
#include "check.h"

#include "base/random.h"
#include "base/text.h"
#include "flows.h"

#define MAX_LINKS 32768
#define MAX_FLOWS 400

/* What observers were told, per link. */
struct told {
	int64_t bytes[MAX_LINKS], by_kind[MAX_LINKS][TRAFFIC_N], overhead[MAX_LINKS], last_end_ps[MAX_LINKS], busy_end_ps[MAX_LINKS];
	int64_t busy_ps[MAX_LINKS];
	uint64_t messages, undelivered;
	int64_t intervals;
};
static struct told told;

static void tell_bytes(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t payload, int64_t overhead, uint8_t kind)
{
	(void)context;
	assert_true(start_ps < end_ps && payload > 0 && overhead >= 0 && kind < TRAFFIC_N);
	assert_true(end_ps >= told.last_end_ps[link]);
	told.last_end_ps[link] = end_ps;
	told.bytes[link] += payload;
	told.by_kind[link][kind] += payload;
	told.overhead[link] += overhead;
}

static void tell_busy(void *context, uint32_t link, int64_t start_ps, int64_t end_ps)
{
	(void)context;
	assert_true(start_ps < end_ps && start_ps >= told.busy_end_ps[link]);
	told.busy_end_ps[link] = end_ps;
	told.busy_ps[link] += end_ps - start_ps;
}

static void tell_interval(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, uint64_t message)
{
	(void)context, (void)link, (void)message;
	assert_true(start_ps <= end_ps);
	told.intervals++;
}

static void tell_message(void *context, const struct message_record *record)
{
	(void)context;
	told.messages += record->end_ps != TIME_NEVER;
	told.undelivered += record->end_ps == TIME_NEVER;
}

static void listen(struct test_net *net)
{
	memset(&told, 0, sizeof told);
	observers_add(&net->observers, &(struct observer){.link_bytes = tell_bytes, .link_busy = tell_busy, .link_interval = tell_interval,
		.message = tell_message}, true);
}

/* Flows of odd sizes that start in groups, so that some are alone and some share. */
static void random_flows(struct test_net *net, struct test_flow *flows, uint32_t n, uint64_t seed)
{
	struct random_stream r = random_stream(seed, "flows", 0);
	uint32_t npus = net->fabric.n_npus;
	for (uint32_t f = 0; f < n; f++) {
		flows[f].source = (uint32_t)random_below(&r, npus);
		flows[f].destination = (flows[f].source + 1 + (uint32_t)random_below(&r, npus - 1)) % npus;
		flows[f].bytes = random_below(&r, 20) ? 1 + (int64_t)random_below(&r, 3000000) : 0;
		flows[f].start_ps = (int64_t)random_below(&r, 40) * 7000001;
	}
}

/* The kind of a message in these tests. */
#define FLOW_KIND(id) ((uint8_t)((id) % 3))

static void kinds_issue(void *context)
{
	struct test_net *net = context;
	for (uint32_t i = 0; i < net->n_due; i++) {
		uint32_t id = net->due[i];
		const struct test_flow *flow = &net->flows[id];
		network_send(net->network, &(struct network_message){.id = id, .token = id, .source = flow->source,
			.destination = flow->destination, .bytes = flow->bytes, .flow_key = id, .collective = -1, .kind = FLOW_KIND(id)});
	}
	net->n_due = 0;
}

static void expect_bytes(struct test_net *net, const struct test_flow *flows, uint32_t n, int64_t expected[][TRAFFIC_N])
{
	for (uint32_t f = 0; f < n; f++) {
		uint32_t id = routes_find(&net->routes, flows[f].source, flows[f].destination, f, NULL);
		const struct route *route = &net->routes.routes[id];
		for (uint32_t p = route->first_path; p < route->first_path + route->n_paths; p++) {
			const struct path *path = &net->routes.paths[p];
			for (uint32_t h = path->first_hop; h < path->first_hop + path->n_hops; h++)
				expected[net->routes.hop_link[h]][FLOW_KIND(f)] += route_path_bytes(route, path, flows[f].bytes);
		}
	}
}

static void links_carry_exactly_what_messages_send_over_them(void **state)
{
	static const char *const fabrics[] = {"star:n=9,bandwidth=224 Gb/s,latency=300 ns", "fat-tree:down=4x4,up=1x2", "hgx:gpu=h100",
		"cloudmatrix384", "torus:dims=3x3x3"};
	static const char *const models[] = {"fluid", "analytic"};
	static int64_t expected[MAX_LINKS][TRAFFIC_N];
	static struct test_flow flows[MAX_FLOWS], unheard[MAX_FLOWS];
	(void)state;
	for (size_t i = 0; i < 2 * sizeof fabrics / sizeof *fabrics; i++) {
		struct test_net net;
		for (int heard = 0; heard < 2; heard++) {
			struct test_flow *these = heard ? flows : unheard;
			test_net_fabric(&net, fabrics[i / 2], i % 4 == 0 ? ROUTING_SPRAY : ROUTING_DEFAULT);
			assert_true(net.fabric.n_links <= MAX_LINKS);
			random_flows(&net, these, MAX_FLOWS, i);
			if (heard)
				listen(&net);
			test_net_create(&net, models[i % 2], NULL, 0);
			engine_register_phase(&net.engine, ENGINE_PHASE_ISSUE, kinds_issue, &net);
			test_net_run(&net, these, MAX_FLOWS);
			if (!heard)
				test_net_release(&net);
		}
		assert_memory_equal(flows, unheard, sizeof flows); /* observers change nothing */
		memset(expected, 0, sizeof expected);
		expect_bytes(&net, flows, MAX_FLOWS, expected);
		assert_int_equal(told.messages, MAX_FLOWS);
		for (uint32_t l = 0; l < net.fabric.n_links; l++)
			for (int k = 0; k < TRAFFIC_N; k++)
				if (told.by_kind[l][k] != expected[l][k])
					fail_msg("%s %s link %u kind %d: %lld bytes told, %lld carried", fabrics[i / 2], models[i % 2], l, k,
						 (long long)told.by_kind[l][k], (long long)expected[l][k]);
		struct network_counters counters;
		net.network->model->counters(net.network, &counters);
		assert_int_equal(counters.bytes_injected, counters.bytes_delivered);
		assert_int_equal(counters.bytes_in_flight, 0);
		test_net_release(&net);
	}
}

/* Changes links while flows are under way. */
struct change {
	int64_t time_ps;
	uint32_t link;
	enum link_state state;
	int64_t bytes_per_s;
	bool avoid;
};
static const struct change *changes;
static uint32_t changes_due[8], n_changes_due;

static void note_change(void *context, uint32_t index)
{
	struct test_net *net = context;
	changes_due[n_changes_due++] = index;
	engine_request(&net->engine, ENGINE_PHASE_CONTROL);
}

static void make_changes(void *context)
{
	struct test_net *net = context;
	for (uint32_t i = 0; i < n_changes_due; i++) {
		const struct change *c = &changes[changes_due[i]];
		if (c->state == LINK_STATE_N)
			network_avoid_link(net->network, c->link, c->avoid);
		else
			network_change_link(net->network, c->link, c->state, c->bytes_per_s, net->links.latency_ps[c->link]);
	}
	n_changes_due = 0;
}

static void plan_changes(struct test_net *net, const struct change *list, uint32_t n)
{
	uint8_t handler = engine_register(&net->engine, note_change, net);
	engine_register_phase(&net->engine, ENGINE_PHASE_CONTROL, make_changes, net);
	changes = list;
	for (uint32_t i = 0; i < n; i++)
		engine_schedule(&net->engine, list[i].time_ps, handler, i);
}

static void a_link_that_is_down_stops_its_flow_and_a_slower_one_delays_it(void **state)
{
	struct test_net net;
	/* 3 MB at 28 GB/s; 10 us in, down for 5 us; then at 14 GB/s until 50 us. 0.28 MB + 0 + 0.49 MB; 2.23 MB left: 79.642857143 us. */
	struct test_flow flows[] = {{0, 1, 3000000, 0, 0, 0}};
	const struct change list[] = {{10000000, 0, LINK_DOWN, 28000000000, false}, {15000000, 0, LINK_DEGRADED, 14000000000, false},
		{50000000, 0, LINK_UP, 28000000000, false}};
	(void)state;
	test_net_fabric(&net, "star:n=3,bandwidth=224 Gb/s,latency=300 ns", ROUTING_DEFAULT);
	assert_int_equal(net.fabric.link_source[0], net.fabric.npu_node[0]);
	listen(&net);
	test_net_create(&net, "fluid", NULL, 0);
	plan_changes(&net, list, 3);
	test_net_run(&net, flows, 1);
	assert_int_equal(flows[0].sent_ps, 50000000 + 79642858);
	assert_int_equal(told.bytes[0], 3000000);
	assert_int_equal(told.busy_ps[0], flows[0].sent_ps - 5000000);
	test_net_release(&net);
}

static void a_failure_that_is_detected_sends_the_remainder_another_way(void **state)
{
	struct test_net net;
	struct test_flow flows[] = {{0, 8, 1000000, 0, 0, 0}};
	struct change list[3];
	(void)state;
	test_net_fabric(&net, "fat-tree:down=4x4,up=1x2,bandwidth=50 GB/s", ROUTING_DEFAULT);
	uint32_t id = routes_find(&net.routes, 0, 8, 0, NULL);
	const struct route *route = &net.routes.routes[id];
	uint32_t dead = net.routes.hop_link[net.routes.paths[route->first_path].first_hop + 1];
	list[0] = (struct change){5000000, dead, LINK_DOWN, 0, false};
	list[1] = (struct change){6000000, dead, LINK_STATE_N, 0, true};
	listen(&net);
	test_net_create(&net, "fluid", NULL, 0);
	plan_changes(&net, list, 2);
	test_net_run(&net, flows, 1);
	assert_int_equal(told.bytes[dead], 250000);
	assert_int_equal(flows[0].sent_ps, 6000000 + 15000000);
	int64_t total = 0;
	for (uint32_t l = 0; l < net.fabric.n_links; l++)
		total += told.bytes[l];
	assert_int_equal(total, 4 * 1000000);
	test_net_release(&net);
}

static void a_run_that_is_cut_tells_what_was_carried(void **state)
{
	struct test_net net;
	struct test_flow flows[] = {{0, 2, 1000000, 0, 0, 0}, {1, 2, 3000000, 0, 0, 0}, {2, 1, 5000000, 1000, 0, 0}, {0, 1, 0, 10000000, 0, 0}};
	struct text text = TEXT_INIT;
	(void)state;
	test_net_fabric(&net, "star:n=3,bandwidth=50 GB/s,latency=300 ns", ROUTING_DEFAULT);
	listen(&net);
	test_net_create(&net, "fluid", NULL, 0);
	test_net_plan(&net, flows, 4);
	while (net.engine.now_ps < 10000000)
		engine_run(&net.engine, 1);
	net.network->model->cut(net.network);
	assert_int_equal(told.undelivered, 4);
	assert_in_range(told.bytes[5], 500000 - 8, 500000); /* into npu2 */
	assert_in_range(told.bytes[4], 499950 - 8, 499950); /* from npu2, since 1 ns */
	net.network->model->describe_stuck(net.network, &text);
	assert_non_null(strstr(text_string(&text), "message 0 of"));
	text_release(&text);
	test_net_release(&net);
}

static void headers_take_their_part_of_the_capacity(void **state)
{
	struct test_net net;
	struct test_flow flows[] = {{0, 1, 4000000, 0, 0, 0}};
	const struct network_setting settings[] = {{.name = "payload", .value = "1000 B"}, {.name = "header", .value = "250 B"}};
	(void)state;
	test_net_fabric(&net, "star:n=2,bandwidth=50 GB/s,latency=0 ns", ROUTING_DEFAULT);
	listen(&net);
	test_net_create(&net, "fluid", settings, 2);
	test_net_run(&net, flows, 1);
	assert_int_equal(flows[0].end_ps, 100000000);
	assert_int_equal(told.bytes[0], 4000000);
	assert_int_equal(told.overhead[0], 1000000);
	test_net_release(&net);
}

static void settings_are_checked(void **state)
{
	struct test_net net;
	struct error err = {0};
	struct network *network;
	const struct network_setting wrong[] = {{.name = "paylod", .value = "1000 B", .file = "a.yaml", .line = 3, .column = 5}};
	(void)state;
	assert_null(network_find("fluit", &err));
	assert_non_null(strstr(err.message, "fluid"));
	error_clear(&err);
	test_net_fabric(&net, "star:n=2", ROUTING_ADAPTIVE);
	struct network_setup setup = {.engine = &net.engine, .fabric = &net.fabric, .routes = &net.routes, .links = &net.links,
		.observers = &net.observers, .settings = wrong, .n_settings = 1};
	assert_int_equal(network_create(&network, &network_fluid, &setup, &err), -1);
	assert_non_null(strstr(err.message, "a.yaml:3:5"));
	assert_non_null(strstr(err.message, "payload"));
	error_clear(&err);
	setup.n_settings = 0;
	assert_int_equal(network_create(&network, &network_fluid, &setup, &err), -1);
	assert_non_null(strstr(err.message, "adaptive"));
	test_net_release(&net);
}

static void nothing_is_allocated_once_warm(void **state)
{
	static struct test_flow flows[MAX_FLOWS];
	struct test_net net;
	uint64_t before = 0;
	(void)state;
	test_net_fabric(&net, "star:n=9,bandwidth=224 Gb/s,latency=300 ns", ROUTING_DEFAULT);
	test_net_create(&net, "fluid", NULL, 0);
	for (int round = 0; round < 6; round++) {
		random_flows(&net, flows, MAX_FLOWS, 7);
		for (uint32_t f = 0; f < MAX_FLOWS; f++)
			flows[f].start_ps += net.engine.now_ps;
		before = memory_count();
		test_net_run(&net, flows, MAX_FLOWS);
	}
	assert_int_equal(memory_count() - before, 1); /* the test's own list */
	test_net_release(&net);
}

static void two_flows_into_one_port_share_it_and_the_longer_one_speeds_up(void **state)
{
	(void)state;
	struct test_net net;
	/* 28 GB/s: A of 1 MB and B of 3 MB into npu2. Shared at 14 GB/s until A ends at 71.428571429 us; B then has 2 MB left. */
	struct test_flow flows[] = {{0, 2, 1000000, 0, 0, 0}, {1, 2, 3000000, 0, 0, 0}};
	test_net_fabric(&net, "star:n=3,bandwidth=224 Gb/s,latency=300 ns", ROUTING_DEFAULT);
	test_net_create(&net, "fluid", NULL, 0);
	test_net_run(&net, flows, 2);
	assert_int_equal(flows[0].sent_ps, 71428572);
	assert_int_equal(flows[0].end_ps, 71428572 + 600000);
	assert_int_equal(flows[1].end_ps, 142857143 + 600000);
	test_net_release(&net);
}

static void analytic_ignores_contention(void **state)
{
	(void)state;
	struct test_net net;
	struct test_flow flows[] = {{0, 2, 1000000, 0, 0, 0}, {1, 2, 3000000, 0, 0, 0}, {2, 1, 0, 7, 0, 0}};
	test_net_fabric(&net, "star:n=3,bandwidth=224 Gb/s,latency=300 ns", ROUTING_DEFAULT);
	test_net_create(&net, "analytic", NULL, 0);
	test_net_run(&net, flows, 3);
	assert_int_equal(flows[0].end_ps, 35714286 + 600000);
	assert_int_equal(flows[1].end_ps, 107142858 + 600000);
	assert_int_equal(flows[2].sent_ps, 7);
	assert_int_equal(flows[2].end_ps, 7 + 600000);
	test_net_release(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_flows_into_one_port_share_it_and_the_longer_one_speeds_up),
		cmocka_unit_test(analytic_ignores_contention),
		cmocka_unit_test(links_carry_exactly_what_messages_send_over_them),
		cmocka_unit_test(a_link_that_is_down_stops_its_flow_and_a_slower_one_delays_it),
		cmocka_unit_test(a_failure_that_is_detected_sends_the_remainder_another_way),
		cmocka_unit_test(a_run_that_is_cut_tells_what_was_carried),
		cmocka_unit_test(headers_take_their_part_of_the_capacity),
		cmocka_unit_test(settings_are_checked),
		cmocka_unit_test(nothing_is_allocated_once_warm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
