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
#include "fabric/spread.h"

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

/* What the graph walk says of a pair is what the paths say, named one by one. */
static void check_spread(struct routes *routes, struct spread *spread, uint32_t from, uint32_t to)
{
	const struct fabric *fabric = routes->fabric;
	struct error err = {0};
	uint32_t id = routes_find(routes, from, to, 0, &err);
	if (spread_walk(spread, routes, fabric->npu_node[from], fabric->npu_node[to], NULL, &err))
		fail_msg("%s: %s", fabric->spec, err.message);
	if (spread->n_paths <= 0) /* every legal way is dead: a detour, or nothing */
		return;
	const struct route *route = &routes->routes[id];
	assert_int_equal((uint32_t)spread->n_paths, route->n_paths);
	assert_int_equal(spread->latency_ps, route->latency_ps);
	assert_int_equal(spread->n_links, route->n_links);
	for (uint32_t i = 0; i < route->n_links; i++) {
		assert_int_equal(spread->links[i].link, routes->merged_link[route->first_link + i]);
		assert_int_equal((uint64_t)spread->links[i].weight * route->total_weight,
				 (uint64_t)routes->merged_weight[route->first_link + i] * spread->total_weight);
	}
}

static void spread_routes_carry_what_their_paths_would(void **state)
{
	(void)state;
	static const char *const specs[] = {"fat-tree:radix=4", "leaf-spine:leaves=3,hosts=2,spines=5", "torus:dims=4x3x2", "mesh:dims=3x4",
		"hyperx:dims=3x3", "dragonfly", "cloudmatrix384:nodes=2", "rail-optimized", "full-mesh:dims=3x3", "hgx", "ring:n=6"};
	for (size_t s = 0; s < sizeof specs / sizeof *specs; s++) {
		struct fabric fabric;
		struct routes routes;
		struct spread spread = {0};
		build(&fabric, specs[s]);
		routes_init(&routes, &fabric, ROUTING_SPRAY, 1);
		uint8_t *down = calloc(fabric.n_links, 1);
		for (int round = 0; round < 2; round++) {
			for (uint32_t to = 1; to < fabric.n_npus; to += 1 + fabric.n_npus / 8)
				for (uint32_t from = 0; from < fabric.n_npus; from += 1 + fabric.n_npus / 8)
					if (from != to)
						check_spread(&routes, &spread, from, to);
			for (uint32_t link = 0; link < fabric.n_links; link += 7) /* a seventh of all links fails */
				down[link] = 1;
			routes_avoid(&routes, down);
		}
		spread_release(&spread);
		routes_release(&routes);
		free(down);
		fabric_release(&fabric);
	}
}

/* The pieces of a spread route are its links: each has its share of the bytes but for one, and the first hops together have all. */
static void a_spread_route_has_links_instead_of_paths(void **state)
{
	(void)state;
	struct fabric fabric;
	struct routes routes;
	struct route_piece piece;
	struct error err = {0};
	build(&fabric, "cloudmatrix384:nodes=4");
	routes_init(&routes, &fabric, ROUTING_SPRAY, 1);
	routes.spread = true;
	uint32_t id = routes_find(&routes, 0, 31, 0, &err);
	const struct route *route = &routes.routes[id];
	assert_int_equal(route->n_paths, 0);
	assert_true(route->n_links > 64);
	const int64_t bytes = 1000003;
	struct route_walk walk = route_walk(&routes, route, bytes);
	int64_t first = 0;
	for (uint32_t i = 0; route_next(&walk, &piece); i++) {
		int64_t share = bytes * routes.merged_weight[route->first_link + i] / route->total_weight;
		assert_int_equal(piece.n_links, 1);
		assert_in_range(piece.bytes, share, share + 1);
		first += fabric.link_source[piece.links[0]] == fabric.npu_node[0] ? piece.bytes : 0;
	}
	assert_in_range(first, bytes - 1, bytes + 1);
	assert_int_equal(routes_spread_latency_ps(&routes, route, fabric.link_latency_ps), route->latency_ps);
	id = routes_find(&routes, 0, 1, 0, &err);
	assert_true(routes.routes[id].n_paths > 0); /* few paths: they are named */
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
		cmocka_unit_test(spread_routes_carry_what_their_paths_would),
		cmocka_unit_test(a_spread_route_has_links_instead_of_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
