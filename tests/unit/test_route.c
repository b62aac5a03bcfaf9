/* Routes: exact splits, interning, rerouting around links that are down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "fabric/fabric.h"
#include "fabric/route.h"

static void build(struct fabric *fabric, const char *spec)
{
	struct topology_request request;
	struct arena arena = ARENA_INIT;
	struct error err = {0};
	if (topology_request_parse(&request, spec, &arena, &err) || fabric_build(fabric, &request, &err))
		fail_msg("%s: %s", spec, err.message);
	arena_release(&arena);
}

static void star_routes_have_two_hops(void **state)
{
	(void)state;
	struct fabric fabric;
	struct routes routes;
	struct error err = {0};
	char name[64];
	build(&fabric, "star:n=5,bandwidth=224 Gb/s,latency=300 ns");
	assert_string_equal(fabric.spec, "star:n=5,bandwidth=28 GB/s,latency=300 ns");
	routes_init(&routes, &fabric, ROUTING_DEFAULT, 1);
	uint32_t id = routes_find(&routes, 3, 1, 77, &err);
	assert_int_equal(routes_find(&routes, 3, 1, 5, &err), id);
	assert_int_equal(routes.routes[id].n_paths, 1);
	assert_int_equal(routes.routes[id].n_links, 2);
	assert_int_equal(routes.routes[id].latency_ps, 600000);
	const struct path *path = &routes.paths[routes.routes[id].first_path];
	assert_string_equal(fabric_link_name(&fabric, routes.hop_link[path->first_hop], name, sizeof name), "npu3->switch");
	assert_string_equal(fabric_link_name(&fabric, routes.hop_link[path->first_hop + 1], name, sizeof name), "switch->npu1");
	routes_release(&routes);
	fabric_release(&fabric);
}

static void opposite_ring_npus_split_in_halves(void **state)
{
	(void)state;
	struct fabric fabric;
	struct routes routes;
	struct error err = {0};
	build(&fabric, "ring:n=6");
	routes_init(&routes, &fabric, ROUTING_DEFAULT, 1);
	uint32_t id = routes_find(&routes, 1, 4, 0, &err);
	const struct route *route = &routes.routes[id];
	assert_int_equal(route->n_paths, 2);
	assert_int_equal(route->n_links, 6);
	assert_int_equal(route->total_weight, 2);
	int64_t a = route_path_bytes(route, &routes.paths[route->first_path], 7);
	int64_t b = route_path_bytes(route, &routes.paths[route->first_path + 1], 7);
	assert_int_equal(a, 3);
	assert_int_equal(b, 4);
	routes_release(&routes);
	fabric_release(&fabric);
}

static void a_link_that_is_down_is_avoided_until_it_is_back(void **state)
{
	(void)state;
	struct fabric fabric;
	struct routes routes;
	struct error err = {0};
	uint8_t down[12] = {0};
	build(&fabric, "ring:n=6");
	routes_init(&routes, &fabric, ROUTING_DEFAULT, 1);
	uint32_t before = routes_find(&routes, 0, 2, 0, &err);
	down[0] = 1; /* npu0->npu1 */
	routes_avoid(&routes, down);
	uint32_t around = routes_find(&routes, 0, 2, 0, &err);
	assert_int_not_equal(around, before);
	assert_int_equal(routes.routes[around].n_links, 4);
	down[11] = 1; /* npu0->npu5: npu0 is cut off */
	routes_avoid(&routes, down);
	assert_int_equal(routes_find(&routes, 0, 2, 0, &err), ROUTE_NONE);
	assert_int_equal(err.code, ERROR_SIMULATION);
	assert_non_null(strstr(err.message, "no way from 'npu0' to 'npu2'"));
	memset(down, 0, sizeof down);
	routes_avoid(&routes, down);
	uint32_t back = routes_find(&routes, 0, 2, 0, &err);
	assert_int_equal(routes.routes[back].n_links, 2);
	routes_release(&routes);
	fabric_release(&fabric);
}

static void explicit_routes_take_the_links_given(void **state)
{
	(void)state;
	struct fabric fabric;
	struct routes routes;
	uint32_t links[] = {0, 2, 4, 6};
	build(&fabric, "ring:n=6");
	routes_init(&routes, &fabric, ROUTING_DEFAULT, 1);
	uint32_t id = routes_add_explicit(&routes, 0, 4, links, 4);
	const struct route *route = &routes.routes[id];
	assert_int_equal(route->n_links, 4);
	assert_int_equal(route->latency_ps, 4 * 500000);
	routes_release(&routes);
	fabric_release(&fabric);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(star_routes_have_two_hops),
		cmocka_unit_test(opposite_ring_npus_split_in_halves),
		cmocka_unit_test(a_link_that_is_down_is_avoided_until_it_is_back),
		cmocka_unit_test(explicit_routes_take_the_links_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
