/* Ethernet in the packet model: closed forms of one flow, bounds of incast, conservation of bytes, order of insertion. */
#include "check.h"

#include "base/random.h"
#include "flows.h"
#include "network/ethernet.h"

static const struct ether_network *inside(const struct test_net *net) { return (const struct ether_network *)net->network; }

static struct network_ethernet_counters counters_of(const struct test_net *net)
{
	struct network_counters counters = {0};
	net->network->model->counters(net->network, &counters);
	assert_int_equal(counters.bytes_injected, counters.bytes_delivered + counters.bytes_dropped + counters.bytes_in_flight);
	return *counters.ethernet;
}

/* Settings as pairs of name and value, NULL at the end. */
static void create(struct test_net *net, const char *const *pairs)
{
	struct network_setting settings[24];
	uint32_t n = 0;
	for (; pairs[2 * n]; n++)
		settings[n] = (struct network_setting){.name = pairs[2 * n], .value = pairs[2 * n + 1]};
	test_net_create(net, "packet", settings, n);
}

/* One flow on an idle three-tier fat tree, final acknowledgement included (the formula that htsim's runs follow): h links there and
 * back, h serializations of the first data packet and of the acknowledgement, then the other packets on one link. */
static int64_t completion_ps(int64_t bytes, int64_t payload, int64_t header, int64_t control, int64_t rate, int h, int64_t latency_ps)
{
	int64_t n = (bytes + payload - 1) / payload, last = bytes - (n - 1) * payload + header, full = payload + header;
	int64_t first_ps = serialization_ps(n == 1 ? last : full, rate), ps = h * (2 * latency_ps + first_ps + serialization_ps(control, rate));
	return n == 1 ? ps : ps + (n - 2) * serialization_ps(full, rate) + serialization_ps(last, rate);
}

static const char *const transports[] = {"window", "dcqcn", "nscc", "rccc", NULL};

static void one_flow_on_an_idle_fat_tree_takes_its_closed_form(void **state)
{
	(void)state;
	static const struct { const char *rate; int64_t bytes_per_s, latency_ps; uint32_t destination; int h; int64_t bytes, expected_ps; } cases[] = {
		{"100 Gb/s", 12500000000, 1000000, 127, 6, 4086, 14022720}, {"100 Gb/s", 12500000000, 1000000, 127, 6, 1000000, 94945120},
		{"100 Gb/s", 12500000000, 1000000, 1, 2, 4086, 4674240}, {"400 Gb/s", 50000000000, 1000000, 127, 6, 4086, 12505680},
		{"400 Gb/s", 50000000000, 1000000, 127, 6, 1000000, 32736280},
		{"224 Gb/s", 28000000000, 333000, 127, 6, 16000001, 0}, {"224 Gb/s", 28000000000, 333000, 5, 4, 999, 0},
		{"53.125 Gb/s", 6640625000, 70001, 1, 2, 8172, 0},
	};
	static const enum routing routings[] = {ROUTING_DEFAULT, ROUTING_ECMP, ROUTING_SPRAY, ROUTING_ADAPTIVE};
	for (size_t t = 0; transports[t]; t++)
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
			for (size_t r = 0; r < (strcmp(transports[t], "dcqcn") ? 4 : 2); r++) { /* go-back-N wants one path */
				struct test_net net;
				struct test_flow flow = {.source = 0, .destination = cases[i].destination, .bytes = cases[i].bytes, .start_ps = 777};
				char spec[160];
				int64_t ps = completion_ps(cases[i].bytes, 4086, 64, 64, cases[i].bytes_per_s, cases[i].h, cases[i].latency_ps);
				if (cases[i].expected_ps)
					assert_int_equal(ps, cases[i].expected_ps);
				snprintf(spec, sizeof spec, "fat-tree:radix=8,levels=3,bandwidth=%s,latency=%lld ps", cases[i].rate,
					 (long long)cases[i].latency_ps);
				test_net_fabric(&net, spec, routings[r]);
				create(&net, (const char *const[]){"transport", transports[t], "payload", "4086 B", NULL});
				test_net_run(&net, &flow, 1);
				struct network_ethernet_counters counters = counters_of(&net);
				assert_int_equal(counters.last_acked_ps, 777 + ps);
				assert_int_equal(flow.end_ps, 777 + ps - cases[i].h * (cases[i].latency_ps + serialization_ps(64, cases[i].bytes_per_s)));
				assert_true(flow.sent_ps < flow.end_ps);
				assert_int_equal(counters.retransmissions + counters.drops + counters.marks, 0);
				ether_verify(inside(&net));
				assert_int_equal(inside(&net)->counters.bytes_in_flight, 0);
				assert_int_equal(inside(&net)->flows.n_used, 0);
				test_net_release(&net);
			}
}

/* ---- many flows ---------------------------------------------------------------------------------------------------- */

struct outcome {
	int64_t first_ps, median_ps, last_ps; /* deliveries */
	struct network_ethernet_counters counters;
};

static int by_end(const void *a, const void *b)
{
	int64_t x = ((const struct test_flow *)a)->end_ps, y = ((const struct test_flow *)b)->end_ps;
	return (x > y) - (x < y);
}

/* Runs flows to the end, checking conservation of bytes on the way; every flow must have come. */
static struct outcome run(const char *spec, enum routing routing, const char *const *settings, struct test_flow *flows, uint32_t n)
{
	struct test_net net;
	struct outcome outcome;
	int64_t bytes = 0;
	test_net_fabric(&net, spec, routing);
	create(&net, settings);
	test_net_plan(&net, flows, n);
	while (engine_run(&net.engine, 4999) == ENGINE_SLICED)
		ether_verify(inside(&net));
	ether_verify(inside(&net));
	assert_int_equal(net.network->error.code, ERROR_NONE);
	outcome.counters = counters_of(&net);
	assert_int_equal(inside(&net)->counters.bytes_in_flight, 0);
	assert_int_equal(inside(&net)->flows.n_used, 0);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(flows[i].end_ps != TIME_NEVER && flows[i].sent_ps <= flows[i].end_ps);
		bytes += flows[i].bytes;
	}
	assert_int_equal(inside(&net)->counters.bytes_delivered, bytes);
	test_net_release(&net);
	qsort(flows, n, sizeof *flows, by_end);
	outcome.first_ps = flows[0].end_ps;
	outcome.median_ps = flows[n / 2].end_ps;
	outcome.last_ps = flows[n - 1].end_ps;
	return outcome;
}

/* k senders, one receiver: its link must carry every byte of every packet after the first has come to it. */
static void incast_keeps_its_bandwidth_bound_and_spraying_comes_near_it(void **state)
{
	(void)state;
	static const struct { const char *transport; enum routing routing; double most; } cases[] = {
		{"nscc", ROUTING_SPRAY, 1.15}, {"nscc", ROUTING_ADAPTIVE, 1.15}, {"rccc", ROUTING_SPRAY, 1.15}, {"rccc", ROUTING_ADAPTIVE, 1.15},
		{"window", ROUTING_SPRAY, 100}, {"dcqcn", ROUTING_ECMP, 100},
	};
	static const uint32_t degrees[] = {8, 32};
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
		for (size_t d = 0; d < 2; d++)
			for (int64_t bytes = 250001; bytes < 5000000; bytes *= 4) {
				struct test_flow flows[32];
				uint32_t k = degrees[d];
				int64_t packets = (bytes + 4085) / 4086, wire = bytes + packets * 64;
				int64_t bound_ps = serialization_ps(wire * k, 50000000000) + 4 * (500000 + serialization_ps(1, 50000000000));
				for (uint32_t i = 0; i < k; i++) /* none under the receiver's switch */
					flows[i] = (struct test_flow){.source = 16 + i * 3, .destination = 1, .bytes = bytes};
				struct outcome outcome = run("fat-tree:radix=8,levels=3,bandwidth=400 Gb/s,latency=500 ns", cases[c].routing,
							     (const char *const[]){"transport", cases[c].transport, "payload", "4086 B", NULL}, flows, k);
				if (getenv("VERBOSE"))
					printf("%s %s %u to 1, %lld B: %.3f of the bound (%llu trims, %llu drops)\n", cases[c].transport, routing_names[cases[c].routing],
					       k, (long long)bytes, (double)outcome.last_ps / (double)bound_ps, (unsigned long long)outcome.counters.trims,
					       (unsigned long long)outcome.counters.drops);
				assert_true(outcome.last_ps >= bound_ps);
				assert_true((double)outcome.last_ps <= cases[c].most * (double)bound_ps);
			}
}

/* Every host sends to one other and receives from one other. */
static void permutation(struct test_flow *flows, uint32_t n, int64_t bytes, uint64_t seed)
{
	struct random_stream random = random_stream(seed, "test.permutation", n);
	for (uint32_t i = 0; i < n; i++)
		flows[i] = (struct test_flow){.source = i, .destination = i, .bytes = bytes};
	for (uint32_t i = n - 1; i > 0; i--) { /* Sattolo: one cycle, nobody sends to itself */
		uint32_t j = (uint32_t)random_below(&random, i), other = flows[i].destination;
		flows[i].destination = flows[j].destination;
		flows[j].destination = other;
	}
}

/* htsim: 22.5 / 29.9 / 33.0 us for completions that include the last acknowledgement, which takes at most 3.05 us here. */
static void permutation_of_128_hosts_is_no_worse_than_the_median_of_htsim(void **state)
{
	(void)state;
	static const struct { const char *transport; enum routing routing; } cases[] = {
		{"nscc", ROUTING_ADAPTIVE}, {"rccc", ROUTING_ADAPTIVE}, {"nscc", ROUTING_SPRAY}, {"rccc", ROUTING_SPRAY}};
	for (size_t c = 0; c < 4; c++)
		for (uint64_t seed = 1; seed <= 3; seed++) {
			struct test_flow flows[128];
			permutation(flows, 128, 1000000, seed);
			struct outcome outcome = run("fat-tree:radix=8,levels=3,bandwidth=400 Gb/s,latency=500 ns", cases[c].routing,
						     (const char *const[]){"transport", cases[c].transport, "payload", "4086 B", NULL}, flows, 128);
			if (getenv("VERBOSE"))
				printf("%s %s: %.2f %.2f %.2f us\n", cases[c].transport, routing_names[cases[c].routing], (double)outcome.first_ps * 1e-6,
				       (double)outcome.median_ps * 1e-6, (double)outcome.last_ps * 1e-6);
			assert_true(outcome.median_ps + 3050000 <= 29900000);
			assert_int_equal(outcome.counters.drops, 0);
		}
}

/* Random incast through switches with little memory: with headroom by the standard's formula nothing is ever dropped. */
static void pauses_never_drop(void **state)
{
	(void)state;
	static const char *const specs[] = {"star:n=12,bandwidth=%s,latency=%u ns", "leaf-spine:leaves=4,spines=2,hosts=6,bandwidth=%s,latency=%u ns",
					    "fat-tree:radix=4,levels=3,bandwidth=%s,latency=%u ns"};
	static const char *const rates[] = {"400 Gb/s", "224 Gb/s", "53.125 Gb/s"}, *const transports_used[] = {"dcqcn", "window", "nscc"};
	uint64_t pauses = 0;
	for (uint32_t seed = 0; seed < 60; seed++) {
		struct random_stream random = random_stream(seed, "test.pause", 0);
		struct test_flow flows[40];
		char spec[160], buffer[32], payload[32], forwarding[32];
		uint32_t n = 10 + (uint32_t)random_below(&random, 30), hot = (uint32_t)random_below(&random, 12);
		snprintf(spec, sizeof spec, specs[seed % 3], rates[random_below(&random, 3)], (unsigned)random_below(&random, 3000));
		snprintf(buffer, sizeof buffer, "%u B", 10000 + (unsigned)random_below(&random, 200000));
		snprintf(payload, sizeof payload, "%u B", 256 + (unsigned)random_below(&random, 8000));
		snprintf(forwarding, sizeof forwarding, "%u ns", (unsigned)random_below(&random, 600));
		for (uint32_t i = 0; i < n; i++) {
			flows[i] = (struct test_flow){.source = (uint32_t)random_below(&random, 12), .destination = hot,
				.bytes = 1 + (int64_t)random_below(&random, 400000), .start_ps = (int64_t)random_below(&random, 3000000)};
			if (random_below(&random, 3) == 0 || flows[i].source == hot)
				flows[i].destination = (flows[i].source + 1 + (uint32_t)random_below(&random, 11)) % 12;
		}
		struct outcome outcome = run(spec, seed % 2 ? ROUTING_ECMP : ROUTING_DEFAULT, (const char *const[]){"transport", transports_used[seed / 3 % 3],
			"pfc", "yes", "trimming", "no", "buffer", buffer, "payload", payload, "forwarding", forwarding, "buffers",
			seed % 5 ? "shared" : "drop-tail", "timeout", "100 ms", NULL}, flows, n);
		assert_int_equal(outcome.counters.drops, 0);
		assert_int_equal(outcome.counters.retransmissions, 0);
		pauses += outcome.counters.pauses;
	}
	assert_true(pauses > 1000);
}

/* Two switches. Host a sends over the link between them to R, which b more hosts behind the second switch send to as well; the victim
 * sends over the same link to an idle host. R's link takes a share of 1 / (b + 1) from the link between, pauses hold that link to it,
 * and what is queued on it is one to one: so the victim gets no more than a does. Without a, it has the link to itself. */
static void a_victim_of_pauses_loses_what_theory_says(void **state)
{
	(void)state;
	enum { B = 3 };
	int64_t alone_ps = 0, victim_ps = 0;
	for (int with = 0; with < 2; with++) {
		struct test_flow flows[2 + B];
		uint32_t n = 0;
		/* leaf 0: hosts 0–5, leaf 1: hosts 6–11, one spine: the link between is leaf0->spine0->leaf1 */
		flows[n++] = (struct test_flow){.source = 1, .destination = 7, .bytes = 16000000};
		if (with) {
			flows[n++] = (struct test_flow){.source = 0, .destination = 6, .bytes = 64000000};
			for (uint32_t i = 0; i < B; i++)
				flows[n++] = (struct test_flow){.source = 8 + i, .destination = 6, .bytes = 64000000};
		}
		struct test_flow *copy = memory_alloc(n * sizeof *copy);
		memcpy(copy, flows, n * sizeof *copy);
		struct outcome outcome = run("leaf-spine:leaves=2,spines=1,hosts=6,bandwidth=100 Gb/s,latency=300 ns", ROUTING_DEFAULT,
			(const char *const[]){"transport", "window", "pfc", "yes", "window", "4 MB", "buffer", "400 kB", "buffers", "drop-tail", "ecn", "false",
			"timeout", "100 ms", NULL}, copy, n);
		assert_int_equal(outcome.counters.drops, 0);
		if (with)
			assert_true(outcome.counters.pauses > 10);
		for (uint32_t i = 0; i < n; i++)
			if (copy[i].source == 1)
				*(with ? &victim_ps : &alone_ps) = copy[i].end_ps;
		free(copy);
	}
	double ratio = (double)victim_ps / (double)alone_ps;
	if (getenv("VERBOSE"))
		printf("victim: %.3f times as long as alone, theory %d\n", ratio, B + 1);
	assert_true(ratio > 0.9 * (B + 1) && ratio < 1.1 * (B + 1));
}

/* Drop-tail, ECN and trimming: what is dropped is sent again, and everything comes. */
static void what_is_lost_comes_in_the_end(void **state)
{
	(void)state;
	static const char *const transports_used[] = {"window", "nscc", "rccc", "dcqcn", "window"}, *const trims[] = {"no", "yes", "no", "no", "no"};
	uint64_t drops = 0, trimmed = 0, again = 0;
	for (uint32_t seed = 0; seed < 40; seed++) {
		struct random_stream random = random_stream(seed, "test.loss", 0);
		struct test_flow flows[24];
		uint32_t which = seed % 5, n = 4 + (uint32_t)random_below(&random, 20);
		for (uint32_t i = 0; i < n; i++)
			flows[i] = (struct test_flow){.source = 1 + (uint32_t)random_below(&random, 15), .destination = 0,
				.bytes = 1 + (int64_t)random_below(&random, 300000), .start_ps = (int64_t)random_below(&random, 2000000)};
		struct outcome outcome = run("fat-tree:radix=4,levels=3,bandwidth=100 Gb/s,latency=200 ns",
			which == 3 || which == 4 ? ROUTING_ECMP : seed % 2 ? ROUTING_SPRAY : ROUTING_ADAPTIVE, (const char *const[]){"transport",
			transports_used[which], "pfc", "no", "trimming", trims[which], "recovery", which >= 3 ? "go-back-n" : "selective", "buffers",
			seed % 3 ? "drop-tail" : "shared", "buffer", "30 kB", "timeout", "30 us", "ack_every", seed % 2 ? "1" : "5", NULL}, flows, n);
		drops += outcome.counters.drops;
		trimmed += outcome.counters.trims;
		again += outcome.counters.retransmissions;
	}
	assert_true(drops > 1000 && trimmed > 100 && again >= drops / 2);
}

/* ---- links that change, order, observers ------------------------------------------------------------------------------ */

struct change { int64_t time_ps; uint32_t link; enum { GOES_DOWN, IS_FOUND, COMES_BACK, SLOWER } what; };
static struct { struct test_net *net; struct change changes[8]; uint32_t n; bool due[8]; } changing;

static void on_change(void *context, uint32_t change)
{
	(void)context;
	changing.due[change] = true;
	engine_request(&changing.net->engine, ENGINE_PHASE_CONTROL);
}

static void change_links(void *context)
{
	struct test_net *net = context;
	for (uint32_t i = 0; i < changing.n; i++) {
		const struct change *change = &changing.changes[i];
		int64_t rate = net->fabric.link_bandwidth[change->link], latency_ps = net->fabric.link_latency_ps[change->link];
		if (!changing.due[i])
			continue;
		changing.due[i] = false;
		switch (change->what) {
		case GOES_DOWN: network_change_link(net->network, change->link, LINK_DOWN, 0, latency_ps); break;
		case IS_FOUND:
			if (net->links.state[change->link] == LINK_DOWN)
				network_avoid_link(net->network, change->link, true);
			break;
		case COMES_BACK:
			network_change_link(net->network, change->link, LINK_UP, rate, latency_ps);
			if (net->links.avoid[change->link])
				network_avoid_link(net->network, change->link, false);
			break;
		case SLOWER: network_change_link(net->network, change->link, LINK_DEGRADED, rate / 3, latency_ps / 2); break;
		}
	}
}

static void nothing(void *context, uint32_t argument) { (void)context, (void)argument; }

struct seen { int64_t payload, overhead, busy_ps, counts[LINK_COUNT_N], acked; };
static void see_bytes(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t payload, int64_t overhead, uint8_t kind)
{
	struct seen *seen = context;
	(void)link, (void)kind;
	assert_true(start_ps < end_ps);
	seen->payload += payload;
	seen->overhead += overhead;
}
static void see_busy(void *context, uint32_t link, int64_t start_ps, int64_t end_ps)
{
	(void)link;
	((struct seen *)context)->busy_ps += end_ps - start_ps;
}
static void see_interval(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, uint64_t message)
{
	(void)context, (void)link, (void)message;
	assert_true(start_ps < end_ps);
}
static void see_queue(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t max_bytes, int64_t byte_ps)
{
	(void)context, (void)link;
	assert_true(start_ps < end_ps && byte_ps <= max_bytes * (end_ps - start_ps));
}
static void see_count(void *context, uint32_t link, enum link_count what, int64_t start_ps, int64_t end_ps, int64_t amount)
{
	(void)link;
	assert_true(start_ps <= end_ps && amount > 0);
	((struct seen *)context)->counts[what] += amount;
}
static void see_acked(void *context, uint64_t message, int64_t time_ps, uint64_t again)
{
	(void)message, (void)time_ps, (void)again;
	((struct seen *)context)->acked++;
}

/* A random program on a fat tree of 16 with up to two failures. `disturbed`: other events in the queue, and an observer. */
static void run_changing(uint32_t seed, bool disturbed, struct test_flow *flows, uint32_t *n, struct seen *seen,
			 struct network_ethernet_counters *counters)
{
	static const char *const names[] = {"window", "dcqcn", "nscc", "rccc"};
	struct random_stream random = random_stream(seed, "test.change", 0);
	struct test_net net;
	uint32_t transport = (uint32_t)random_below(&random, 4);
	enum routing routing = transport == 1 ? ROUTING_ECMP : (enum routing)random_below(&random, 4); /* default, ecmp, spray, adaptive */
	test_net_fabric(&net, "fat-tree:radix=4,levels=3,bandwidth=224 Gb/s,latency=321 ns", routing);
	if (disturbed)
		observers_add(&net.observers, &(struct observer){.context = seen, .link_bytes = see_bytes, .link_busy = see_busy,
			.link_interval = see_interval, .link_queue = see_queue, .link_count = see_count, .acked = see_acked}, true);
	create(&net, (const char *const[]){"transport", names[transport], "timeout", "40 us", "buffer", "60 kB", "pfc", seed % 2 ? "yes" : "no", NULL});
	*n = 2 + (uint32_t)random_below(&random, 14);
	for (uint32_t i = 0; i < *n; i++) {
		flows[i] = (struct test_flow){.source = (uint32_t)random_below(&random, 16), .bytes = (int64_t)random_below(&random, 600000),
			.start_ps = (int64_t)random_below(&random, 4000000)};
		flows[i].destination = (flows[i].source + 1 + (uint32_t)random_below(&random, 15)) % 16;
	}
	changing.net = &net;
	changing.n = 0;
	for (uint32_t f = 0; f < 2; f++) {
		uint32_t link = (uint32_t)random_below(&random, net.fabric.n_links);
		bool of_host = net.fabric.node_npu[net.fabric.link_source[link]] != FABRIC_NONE || net.fabric.node_npu[net.fabric.link_target[link]] != FABRIC_NONE;
		int64_t at_ps = 1000000 + (int64_t)random_below(&random, 20000000);
		if (random_below(&random, 4) == 0) {
			changing.changes[changing.n++] = (struct change){at_ps, link, SLOWER};
			continue;
		}
		changing.changes[changing.n++] = (struct change){at_ps, link, GOES_DOWN};
		if (!of_host && random_below(&random, 2))
			changing.changes[changing.n++] = (struct change){at_ps + 9000000, link, IS_FOUND};
		if (of_host || f == 0 || random_below(&random, 2))
			changing.changes[changing.n++] = (struct change){at_ps + 30000000, link, COMES_BACK};
		else if (changing.changes[changing.n - 1].what == GOES_DOWN)
			changing.changes[changing.n++] = (struct change){at_ps + 70000000, link, COMES_BACK};
	}
	engine_register_phase(&net.engine, ENGINE_PHASE_CONTROL, change_links, &net);
	uint8_t handler = engine_register(&net.engine, on_change, &net), idle = engine_register(&net.engine, nothing, &net);
	for (uint32_t i = 0; disturbed && i < 3000; i++) /* at times that others have as well */
		engine_schedule(&net.engine, (int64_t)random_below(&random, 30000) * 1000, idle, i);
	for (uint32_t i = 0; i < changing.n; i++)
		engine_schedule(&net.engine, changing.changes[i].time_ps, handler, i);
	test_net_plan(&net, flows, *n);
	while (engine_run(&net.engine, 1999) == ENGINE_SLICED)
		ether_verify(inside(&net));
	ether_verify(inside(&net));
	assert_int_equal(net.network->error.code, ERROR_NONE);
	assert_int_equal(inside(&net)->flows.n_used, 0);
	assert_int_equal(inside(&net)->n_packets_used, 0);
	assert_int_equal(inside(&net)->counters.bytes_in_flight, 0);
	*counters = counters_of(&net);
	counters->completions = NULL;
	test_net_release(&net);
}

static void links_may_fail_and_nothing_depends_on_order_or_observers(void **state)
{
	(void)state;
	uint64_t drops = 0;
	for (uint32_t seed = 0; seed < 150; seed++) {
		struct test_flow flows[2][16];
		struct seen seen = {0};
		struct network_ethernet_counters counters[2];
		uint32_t n[2];
		for (uint32_t i = 0; i < 2; i++)
			run_changing(seed, i, flows[i], &n[i], &seen, &counters[i]);
		assert_int_equal(n[0], n[1]);
		for (uint32_t i = 0; i < n[0]; i++) {
			assert_true(flows[0][i].end_ps != TIME_NEVER);
			if (flows[0][i].end_ps != flows[1][i].end_ps)
				printf("seed %u flow %u\n", seed, i);
			assert_int_equal(flows[0][i].sent_ps, flows[1][i].sent_ps);
			assert_int_equal(flows[0][i].end_ps, flows[1][i].end_ps);
		}
		assert_memory_equal(&counters[0], &counters[1], sizeof counters[0]);
		assert_int_equal(seen.counts[LINK_DROPS], counters[0].drops);
		assert_int_equal(seen.counts[LINK_TRIMS], counters[0].trims);
		assert_int_equal(seen.counts[LINK_MARKS], counters[0].marks);
		assert_int_equal(seen.counts[LINK_PAUSE_PS], counters[0].paused_ps);
		drops += counters[0].drops;
	}
	assert_true(drops > 1000);
}

/* Without losses a link carries as payload what its messages weigh; the rest is headers and acknowledgements. */
static void payload_and_overhead_add_up(void **state)
{
	(void)state;
	struct test_net net;
	struct seen seen = {0};
	struct test_flow flows[2] = {{.source = 0, .destination = 3, .bytes = 100001}, {.source = 2, .destination = 1, .bytes = 4096}};
	test_net_fabric(&net, "star:n=4,bandwidth=100 Gb/s,latency=500 ns", ROUTING_DEFAULT);
	observers_add(&net.observers, &(struct observer){.context = &seen, .link_bytes = see_bytes, .link_busy = see_busy, .acked = see_acked}, true);
	create(&net, (const char *const[]){"transport", "window", "header", "70 B", "control", "80 B", NULL});
	test_net_run(&net, flows, 2);
	assert_int_equal(seen.payload, 2 * (100001 + 4096));
	assert_int_equal(seen.overhead, 2 * (25 + 1) * (70 + 80));
	assert_int_equal(seen.acked, 2);
	assert_true(seen.busy_ps >= (seen.payload + seen.overhead) * 80);
	test_net_release(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_flow_on_an_idle_fat_tree_takes_its_closed_form),
		cmocka_unit_test(incast_keeps_its_bandwidth_bound_and_spraying_comes_near_it),
		cmocka_unit_test(permutation_of_128_hosts_is_no_worse_than_the_median_of_htsim),
		cmocka_unit_test(pauses_never_drop),
		cmocka_unit_test(a_victim_of_pauses_loses_what_theory_says),
		cmocka_unit_test(what_is_lost_comes_in_the_end),
		cmocka_unit_test(links_may_fail_and_nothing_depends_on_order_or_observers),
		cmocka_unit_test(payload_and_overhead_add_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
