/* Routes: exact splits, interning, rerouting around links that are down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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

static uint32_t find_link(const struct fabric *fabric, const char *wanted)
{
	char name[128];
	for (uint32_t link = 0; link < fabric->n_links; link++)
		if (!strcmp(fabric_link_name(fabric, link, name, sizeof name), wanted))
			return link;
	fail_msg("no link '%s'", wanted);
	return 0;
}

/* The choice of an uplink is made two hops before the link that is down: the walk must find out, and the plane keep its share. */
static void a_dead_link_downstream_moves_only_its_plane(void **state)
{
	(void)state;
	struct fabric fabric;
	struct routes routes;
	struct error err = {0};
	build(&fabric, "cloudmatrix384:nodes=3,rank=die");
	uint8_t *down = calloc(fabric.n_links, 1);
	assert_non_null(down);
	uint32_t dead = find_link(&fabric, "l2.4.5->node2.l1.4"); /* die 5 of a node is reached through chip 5 */
	routes_init(&routes, &fabric, ROUTING_DEFAULT, 1);
	uint32_t before = routes_find(&routes, 0, 37, 0, &err);
	bool used = false;
	for (uint32_t i = 0; i < routes.routes[before].n_links; i++)
		used |= routes.merged_link[routes.routes[before].first_link + i] == dead;
	assert_true(used);
	down[dead] = 1;
	routes_avoid(&routes, down);
	uint32_t after = routes_find(&routes, 0, 37, 0, &err);
	const struct route *route = &routes.routes[after];
	assert_int_not_equal(after, before);
	assert_int_equal(route->n_paths, 7);
	assert_int_equal(route->total_weight, 7);
	for (uint32_t p = 0; p < 7; p++) {
		const struct path *path = &routes.paths[route->first_path + p];
		assert_int_equal(path->weight, 1);
		assert_int_equal(path->n_hops, 4);
		for (uint32_t h = 0; h < 4; h++)
			assert_int_not_equal(routes.hop_link[path->first_hop + h], dead);
	}
	/* The last link of a plane: nothing leads round it, and the other six planes share what it carried. */
	down[find_link(&fabric, "node2.l1.4->npu18.die1")] = 1;
	routes_avoid(&routes, down);
	uint32_t shared = routes_find(&routes, 0, 37, 0, &err);
	assert_int_equal(routes.routes[shared].n_paths, 6);
	assert_int_equal(routes.routes[shared].total_weight, 6);
	routes_release(&routes);
	fabric_release(&fabric);
	free(down);
}

/* Same key, same path; many keys, many paths. */
static void ecmp_spreads_flows_by_their_key(void **state)
{
	(void)state;
	struct fabric fabric;
	struct routes routes;
	struct error err = {0};
	uint32_t seen = 0;
	build(&fabric, "leaf-spine:leaves=2,hosts=2,spines=8");
	routes_init(&routes, &fabric, ROUTING_ECMP, 9);
	for (uint64_t key = 0; key < 64; key++) {
		uint32_t id = routes_find(&routes, 0, 3, key, &err);
		assert_int_equal(routes_find(&routes, 0, 3, key, &err), id);
		assert_int_equal(routes.routes[id].n_paths, 1);
		uint32_t spine = fabric.link_target[routes.hop_link[routes.paths[routes.routes[id].first_path].first_hop + 1]];
		seen |= 1u << (spine - 6);
	}
	assert_int_equal(seen, 255);
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
		cmocka_unit_test(a_dead_link_downstream_moves_only_its_plane),
		cmocka_unit_test(ecmp_spreads_flows_by_their_key),
		cmocka_unit_test(explicit_routes_take_the_links_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
