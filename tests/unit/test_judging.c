/* `auto` on fabrics whose links are shared: what is chosen costs what the simulated links say, not what idle ones would. */
#include <string.h>

#include "check.h"

#include <math.h>
#include "base/error.h"
#include "fabric/fabric.h"
#include "workload/judging.h"

#define MAX_NPUS 128

static void build(struct fabric *fabric, const char *spec)
{
	struct error err = {0};
	struct arena arena = ARENA_INIT;
	struct topology_request request;
	if (topology_request_parse(&request, spec, &arena, &err) || fabric_build(fabric, &request, &err))
		fail_msg("%s", err.message);
	arena_release(&arena);
}

/* What is chosen among all, or the cost of the one named. */
static const char *plan(const char *spec, const char *algorithm, int64_t bytes, bool judged, double *cost)
{
	struct fabric fabric;
	struct routes routes;
	struct judging judging;
	struct collective_plan made;
	struct error err = {0};
	uint32_t npus[MAX_NPUS];
	double alpha = 1e6, beta = 20;
	build(&fabric, spec);
	assert_true(fabric.n_npus <= MAX_NPUS);
	for (uint32_t i = 0; i < fabric.n_npus; i++)
		npus[i] = i;
	routes_init(&routes, &fabric, ROUTING_DEFAULT, 0);
	judging_init(&judging, &routes, npus);
	judging_sample(&routes, npus, fabric.n_npus, &alpha, &beta);
	struct collective_request request = {.kind = COLLECTIVE_ALL_REDUCE, .n_ranks = fabric.n_npus, .bytes = bytes,
		.judge = judged ? &judging.judge : NULL};
	if (collective_plan_init(&made, algorithm, &request, alpha, beta, &err))
		fail_msg("%s", err.message);
	assert_null(made.request.judge); /* it is the caller's, and gone before the plan */
	if (cost)
		*cost = judging.judge.cost(judging.judge.context, &made);
	const char *name = made.algorithm->name;
	collective_plan_release(&made);
	judging_release(&judging);
	routes_release(&routes);
	fabric_release(&fabric);
	return name;
}

static void large_buffers_stay_with_neighbours(void **state)
{
	(void)state;
	static const char *const shared[] = {"ring:n=64", "ring:n=16", "mesh:dims=8x8", "torus:dims=8x8"};
	for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
		assert_string_equal(plan(shared[i], "auto", 64 << 20, true, NULL), "ring");
	/* The closed forms alone do not see it: halving and doubling moves as few bytes per rank, over 32 links each. */
	assert_string_not_equal(plan("ring:n=64", "auto", 64 << 20, false, NULL), "ring");
}

/* A star is what the closed forms are of: one full-duplex port per rank. */
static void one_port_per_rank_changes_nothing(void **state)
{
	(void)state;
	static const char *const idle[] = {"star:n=5", "star:n=12", "star:n=16" /* more threads only a judge allows */};
	for (size_t i = 0; i < sizeof idle / sizeof *idle; i++)
		for (int64_t bytes = 1; bytes < 1 << 28; bytes *= 16)
			assert_string_equal(plan(idle[i], "auto", bytes, true, NULL), plan(idle[i], "auto", bytes, false, NULL));
}

static void a_link_per_partner_is_used(void **state)
{
	(void)state;
	assert_string_equal(plan("fully-connected:n=12", "auto", 1 << 20, true, NULL), "direct");
	assert_string_equal(plan("hyperx", "auto", 1 << 20, true, NULL), "direct");
}

static void ring_costs_its_closed_form(void **state)
{
	(void)state;
	double cost;
	plan("ring:n=12,bandwidth=224 Gb/s,latency=300 ns", "ring", 1200000, true, &cost);
	assert_true(cost > 0.999999 * 22 * (300e3 + 100000 * 1e12 / 28e9) && cost < 1.000001 * 22 * (300e3 + 100000 * 1e12 / 28e9));
}

/* Of 8 ranks and 8 MB: opposite ranks exchange 4 MB, half each way around (ring.c), so every link carries 8 MB; then 2 MB over two
 * hops, 4 MB on the busiest link; 1 MB between neighbours; and the same again: 2 × 13 MB one after the other, as simulated. */
static void halving_doubling_shares_the_links_of_a_ring(void **state)
{
	(void)state;
	double cost;
	plan("ring:n=8,bandwidth=50 GB/s,latency=0 ns", "halving_doubling", 8000000, true, &cost);
	if (fabs(cost * 1e-6 - 520) > 1e-3)
		fail_msg("%.9g us", cost * 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_buffers_stay_with_neighbours),
		cmocka_unit_test(one_port_per_rank_changes_nothing),
		cmocka_unit_test(a_link_per_partner_is_used),
		cmocka_unit_test(ring_costs_its_closed_form),
		cmocka_unit_test(halving_doubling_shares_the_links_of_a_ring),
	};
	return cmocka_run_group_tests_name("judging", tests, NULL, NULL);
}
