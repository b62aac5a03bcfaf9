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

static const char *const transports[] = {"window", NULL};

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
			for (size_t r = 0; r < 4; r++) {
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_flow_on_an_idle_fat_tree_takes_its_closed_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
