/* The fluid and analytic models on small cases with known answers. */
#include "check.h"

#include "flows.h"

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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
