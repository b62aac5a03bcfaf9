/* One suite for every topology module: whatever is found on the search path must be listed here and must hold what it claims. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "fabric/fabric.h"
#include "fabric/route.h"

/* Shapes to try. `acyclic`: the channel dependencies of the default and the valiant routes have no cycle. Counts are of directed
 * links; 0: not checked. */
struct shape {
	const char *spec;
	uint32_t n_npus, n_nodes, n_links, n_components;
	bool acyclic;
};

#include "topology_shapes.h"

static void build(struct fabric *fabric, const char *spec)
{
	struct topology_request request;
	struct arena arena = ARENA_INIT;
	struct error err = {0};
	if (topology_request_parse(&request, spec, &arena, &err) || fabric_build(fabric, &request, &err))
		fail_msg("%s: %s", spec, err.message);
	arena_release(&arena);
}

static void each_shape(void (*check)(const struct fabric *fabric, const struct shape *shape))
{
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		struct fabric fabric;
		build(&fabric, shapes[i].spec);
		check(&fabric, &shapes[i]);
		fabric_release(&fabric);
	}
}

/* ---- every module is covered; counts and arrays ------------------------------------------------------------------------ */

static void every_module_on_the_search_path_has_a_shape(void **state)
{
	(void)state;
	struct arena arena = ARENA_INIT;
	struct topology_list list;
	topology_list(&list, &arena);
	assert_true(list.n > 0);
	for (size_t m = 0; m < list.n; m++) {
		size_t length = strlen(list.modules[m]->name);
		bool found = false;
		for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
			found |= !strncmp(shapes[i].spec, list.modules[m]->name, length) && strchr(":", shapes[i].spec[length]);
		/* Those that are part of weft read files: they have tests of their own. */
		if (!found && strcmp(list.paths[m], "(part of weft)"))
			fail_msg("no shape of topology '%s' is tested", list.modules[m]->name);
	}
	arena_release(&arena);
}

static void check_counts(const struct fabric *fabric, const struct shape *shape)
{
	struct error err = {0};
	if (fabric_verify(fabric, &err))
		fail_msg("%s: %s", shape->spec, err.message);
	if (fabric->n_npus != shape->n_npus)
		fail_msg("%s: %u NPUs, expected %u", shape->spec, fabric->n_npus, shape->n_npus);
	if (shape->n_nodes && fabric->n_nodes != shape->n_nodes)
		fail_msg("%s: %u nodes, expected %u", shape->spec, fabric->n_nodes, shape->n_nodes);
	if (shape->n_links && fabric->n_links != shape->n_links)
		fail_msg("%s: %u links, expected %u", shape->spec, fabric->n_links, shape->n_links);
	if (shape->n_components && fabric->n_components != shape->n_components)
		fail_msg("%s: %u components, expected %u", shape->spec, fabric->n_components, shape->n_components);
}

static void counts_are_those_published(void **state)
{
	(void)state;
	each_shape(check_counts);
}

static void check_spec_repeats(const struct fabric *fabric, const struct shape *shape)
{
	struct fabric again;
	build(&again, fabric->spec);
	if (strcmp(again.spec, fabric->spec) || again.n_links != fabric->n_links)
		fail_msg("%s: its canonical form '%s' builds another fabric", shape->spec, fabric->spec);
	fabric_release(&again);
}

static void the_canonical_spec_builds_the_same_fabric(void **state)
{
	(void)state;
	each_shape(check_spec_repeats);
}

/* ---- routes ------------------------------------------------------------------------------------------------------------ */

static uint32_t *reverse_distances(const struct fabric *fabric, uint32_t destination)
{
	uint32_t *distance = memory_alloc((size_t)fabric->n_nodes * sizeof *distance);
	bool changed = true;
	memset(distance, 0xff, (size_t)fabric->n_nodes * sizeof *distance);
	distance[destination] = 0;
	while (changed) { /* Bellman and Ford: slow and obviously right */
		changed = false;
		for (uint32_t link = 0; link < fabric->n_links; link++) {
			uint32_t beyond = distance[fabric->link_target[link]], *here = &distance[fabric->link_source[link]];
			if (beyond != UINT32_MAX && beyond + 1 < *here) {
				*here = beyond + 1;
				changed = true;
			}
		}
	}
	return distance;
}

static void check_path(const struct fabric *fabric, const struct routes *routes, const struct route *route, const struct path *path,
	const char *spec)
{
	uint32_t node = fabric->npu_node[route->source];
	int64_t latency = 0;
	assert_true(path->weight > 0);
	for (uint32_t h = 0; h < path->n_hops; h++) {
		uint32_t link = routes->hop_link[path->first_hop + h];
		if (fabric->link_source[link] != node)
			fail_msg("%s: hop %u of %u -> %u does not follow", spec, h, route->source, route->destination);
		if (routes->hop_vc[path->first_hop + h] >= fabric->n_channels)
			fail_msg("%s: a channel that is not there", spec);
		for (uint32_t before = 0; before < h; before++)
			if (routes->hop_link[path->first_hop + before] == link)
				fail_msg("%s: %u -> %u loops", spec, route->source, route->destination);
		node = fabric->link_target[link];
		latency += fabric->link_latency_ps[link];
	}
	assert_int_equal(node, fabric->npu_node[route->destination]);
	assert_int_equal(latency, path->latency_ps);
}

/* The parts of an odd number of bytes add up, and the merged weights are those of the paths. */
static void check_split(const struct routes *routes, const struct route *route)
{
	static const int64_t sizes[] = {0, 1, 13, 1000003, INT64_C(1) << 40};
	uint64_t crossings = 0, merged = 0;
	uint32_t before = 0;
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		int64_t sum = 0;
		for (uint32_t p = 0; p < route->n_paths; p++)
			sum += route_path_bytes(route, &routes->paths[route->first_path + p], sizes[s]);
		assert_int_equal(sum, sizes[s]);
	}
	for (uint32_t p = 0; p < route->n_paths; p++) {
		const struct path *path = &routes->paths[route->first_path + p];
		assert_int_equal(path->weight_before, before);
		before += path->weight;
		crossings += (uint64_t)path->weight * path->n_hops;
	}
	assert_int_equal(before, route->total_weight);
	for (uint32_t i = 0; i < route->n_links; i++) {
		uint32_t at = route->first_link + i;
		merged += routes->merged_weight[at];
		assert_true(i == 0 || routes->merged_link[at] > routes->merged_link[at - 1]);
	}
	assert_true(merged == crossings);
}

struct pairs {
	uint32_t n, total, all;
	struct random_stream stream;
};

/* All pairs of small fabrics, 400 random ones of large fabrics. */
static bool next_pair(struct pairs *pairs, uint32_t n_npus, uint32_t *source, uint32_t *destination)
{
	if (pairs->n == 0) {
		pairs->all = n_npus <= 48;
		pairs->total = pairs->all ? n_npus * n_npus : 400;
		pairs->stream = random_stream(5, "pairs", n_npus);
	}
	for (; pairs->n < pairs->total; pairs->n++) {
		*source = pairs->all ? pairs->n / n_npus : (uint32_t)random_below(&pairs->stream, n_npus);
		*destination = pairs->all ? pairs->n % n_npus : (uint32_t)random_below(&pairs->stream, n_npus);
		if (*source != *destination) {
			pairs->n++;
			return true;
		}
	}
	return false;
}

static void check_routing(const struct fabric *fabric, const struct shape *shape, enum routing routing)
{
	struct routes routes;
	struct pairs pairs = {0};
	uint32_t source, destination;
	routes_init(&routes, fabric, routing, 3);
	while (next_pair(&pairs, fabric->n_npus, &source, &destination)) {
		struct error err = {0};
		uint32_t id = routes_find(&routes, source, destination, pairs.n, &err);
		if (id == ROUTE_NONE)
			fail_msg("%s: %s", shape->spec, err.message);
		const struct route *route = &routes.routes[id];
		for (uint32_t p = 0; p < route->n_paths; p++)
			check_path(fabric, &routes, route, &routes.paths[route->first_path + p], shape->spec);
		check_split(&routes, route);
	}
	routes_release(&routes);
}

static void check_routes(const struct fabric *fabric, const struct shape *shape)
{
	check_routing(fabric, shape, ROUTING_DEFAULT);
	check_routing(fabric, shape, ROUTING_ECMP);
	check_routing(fabric, shape, ROUTING_SPRAY);
	if (fabric->module->via_nodes)
		check_routing(fabric, shape, ROUTING_VALIANT);
}

static void every_pair_is_routed_under_every_routing(void **state)
{
	(void)state;
	each_shape(check_routes);
}

/* ---- claims ------------------------------------------------------------------------------------------------------------ */

static void check_minimal(const struct fabric *fabric, const struct shape *shape)
{
	struct routes routes;
	uint32_t step = fabric->n_npus > 16 ? fabric->n_npus / 7 : 1;
	if (!(fabric->module->claims & WEFT_CLAIM_MINIMAL))
		return;
	routes_init(&routes, fabric, ROUTING_DEFAULT, 3);
	for (uint32_t destination = 0; destination < fabric->n_npus; destination += step) {
		uint32_t *distance = reverse_distances(fabric, fabric->npu_node[destination]);
		for (uint32_t source = 0; source < fabric->n_npus; source++) {
			struct error err = {0};
			if (source == destination)
				continue;
			uint32_t id = routes_find(&routes, source, destination, 0, &err);
			const struct route *route = &routes.routes[id];
			for (uint32_t p = 0; p < route->n_paths; p++)
				if (routes.paths[route->first_path + p].n_hops != distance[fabric->npu_node[source]])
					fail_msg("%s: %u -> %u takes %u hops where %u are enough", shape->spec, source, destination,
						 routes.paths[route->first_path + p].n_hops, distance[fabric->npu_node[source]]);
		}
		free(distance);
	}
	routes_release(&routes);
}

static int compare_rows(const void *a, const void *b) { return memcmp(a, b, 4 * sizeof(uint64_t)); }

static void check_symmetric(const struct fabric *fabric, const struct shape *shape)
{
	uint64_t (*there)[4] = memory_zero(fabric->n_links + 1, sizeof *there), (*back)[4] = memory_zero(fabric->n_links + 1, sizeof *back);
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		uint32_t source = fabric->link_source[link], target = fabric->link_target[link];
		uint64_t bandwidth = (uint64_t)fabric->link_bandwidth[link], latency = (uint64_t)fabric->link_latency_ps[link];
		memcpy(there[link], (uint64_t[]){source, target, bandwidth, latency}, sizeof *there);
		memcpy(back[link], (uint64_t[]){target, source, bandwidth, latency}, sizeof *back);
	}
	qsort(there, fabric->n_links, sizeof *there, compare_rows);
	qsort(back, fabric->n_links, sizeof *back, compare_rows);
	if ((fabric->module->claims & WEFT_CLAIM_SYMMETRIC) && memcmp(there, back, fabric->n_links * sizeof *there))
		fail_msg("%s: claims to be symmetric and is not", shape->spec);
	free(there);
	free(back);
}

static void check_uniform(const struct fabric *fabric, const struct shape *shape)
{
	int64_t first_sum = -1;
	uint32_t first_count = 0;
	for (uint32_t npu = 0; npu < fabric->n_npus && (fabric->module->claims & WEFT_CLAIM_UNIFORM); npu++) {
		uint32_t node = fabric->npu_node[npu], count = fabric->out_first[node + 1] - fabric->out_first[node];
		int64_t sum = 0;
		for (uint32_t i = fabric->out_first[node]; i < fabric->out_first[node + 1]; i++)
			sum += fabric->link_bandwidth[fabric->out_links[i]];
		if (npu == 0) {
			first_sum = sum;
			first_count = count;
		} else if (sum != first_sum || count != first_count) {
			fail_msg("%s: claims to be uniform and is not at NPU %u", shape->spec, npu);
		}
	}
}

/* Every state that a packet to this destination can be in: an in-link and a channel. The legal ways from it, as one number that
 * knows no order, are those that were found at the node before. */
static void walk_all_ways(const struct fabric *fabric, const struct shape *shape, uint32_t source, uint32_t destination, uint64_t *ways)
{
	uint32_t n_channels = fabric->n_channels ? fabric->n_channels : 1, n_states = 0;
	uint8_t *seen = memory_zero((size_t)fabric->n_links * n_channels + 1, 1);
	struct weft_hop *states = memory_alloc(((size_t)fabric->n_links * n_channels + 1) * sizeof *states);
	states[n_states++] = (struct weft_hop){.node = source, .in_link = WEFT_NONE, .source = source, .destination = destination,
					       .via = WEFT_NONE};
	while (n_states) {
		struct weft_hop hop = states[--n_states];
		struct weft_choice choices[512];
		uint32_t n = fabric_next_links(fabric, &hop, choices, 512);
		uint64_t sum = n;
		assert_in_range(n, 1, 512);
		for (uint32_t i = 0; i < n; i++)
			sum += random_mix((uint64_t)choices[i].link << 8 | choices[i].vc);
		if (ways[hop.node] && ways[hop.node] != sum)
			fail_msg("%s: claims that ways follow from node and destination, but at '%s' to '%s' they do not", shape->spec,
				 fabric->node_name[hop.node], fabric->node_name[destination]);
		ways[hop.node] = sum;
		for (uint32_t i = 0; i < n; i++) {
			uint32_t target = fabric->link_target[choices[i].link];
			uint8_t *mark = &seen[(size_t)choices[i].link * n_channels + choices[i].vc];
			if (*mark || target == destination)
				continue;
			*mark = 1;
			states[n_states] = hop;
			states[n_states].node = target;
			states[n_states].in_link = choices[i].link;
			states[n_states++].vc = choices[i].vc;
		}
	}
	free(seen);
	free(states);
}

static void check_by_node(const struct fabric *fabric, const struct shape *shape)
{
	uint32_t step = fabric->n_npus > 48 ? fabric->n_npus / 7 : 1;
	if (!fabric_routes_by_node(fabric))
		return;
	uint64_t *ways = memory_alloc((fabric->n_nodes + 1u) * sizeof *ways);
	for (uint32_t destination = 0; destination < fabric->n_npus; destination += step) {
		memset(ways, 0, fabric->n_nodes * sizeof *ways);
		for (uint32_t source = 0; source < fabric->n_npus; source += step)
			if (source != destination)
				walk_all_ways(fabric, shape, fabric->npu_node[source], fabric->npu_node[destination], ways);
	}
	free(ways);
}

static void modules_hold_what_they_claim(void **state)
{
	(void)state;
	each_shape(check_minimal);
	each_shape(check_symmetric);
	each_shape(check_uniform);
	each_shape(check_by_node);
}

/* ---- deadlock freedom -------------------------------------------------------------------------------------------------- */

/* Dally and Seitz: routes cannot deadlock when the graph "a packet that holds channel a may ask for channel b" has no cycle. */
struct dependencies {
	uint8_t *edges; /* [n * n] */
	uint32_t n;
	bool one_channel; /* pretend that all virtual channels of a link are one */
};

static void add_dependencies(struct dependencies *graph, const struct fabric *fabric, enum routing routing)
{
	struct routes routes;
	struct error err = {0};
	routes_init(&routes, fabric, routing, 11);
	for (uint32_t source = 0; source < fabric->n_npus; source++)
		for (uint32_t destination = 0; destination < fabric->n_npus; destination++)
			for (uint64_t key = 0; source != destination && key < (routing == ROUTING_VALIANT ? 8 : 1); key++)
				assert_int_not_equal(routes_find(&routes, source, destination, key, &err), ROUTE_NONE);
	for (uint32_t p = 0; p < routes.n_paths; p++) {
		const struct path *path = &routes.paths[p];
		for (uint32_t h = path->first_hop; h + 1 < path->first_hop + path->n_hops; h++) {
			uint32_t vc_a = graph->one_channel ? 0 : routes.hop_vc[h], vc_b = graph->one_channel ? 0 : routes.hop_vc[h + 1];
			uint32_t a = routes.hop_link[h] * fabric->n_channels + vc_a;
			uint32_t b = routes.hop_link[h + 1] * fabric->n_channels + vc_b;
			graph->edges[(size_t)a * graph->n + b] = 1;
		}
	}
	routes_release(&routes);
}

/* Where packets choose as they go they may take any legal way on to an intermediate node and from it: every state is looked at. */
static void add_free_ways(struct dependencies *graph, const struct fabric *fabric, uint32_t source, uint32_t destination, uint32_t via)
{
	uint8_t *seen = memory_zero((size_t)graph->n * 2 + 1, 1);
	struct weft_hop *states = memory_alloc(((size_t)graph->n * 2 + 1) * sizeof *states);
	uint32_t n_states = 0;
	states[n_states++] = (struct weft_hop){.node = source, .in_link = WEFT_NONE, .source = source, .destination = destination, .via = via};
	while (n_states) {
		struct weft_hop hop = states[--n_states];
		struct weft_choice choices[512];
		if (hop.node == hop.via) {
			hop.via = WEFT_NONE;
			hop.via_reached = 1;
		}
		uint32_t n = fabric_next_links(fabric, &hop, choices, 512), a = hop.in_link * fabric->n_channels + hop.vc;
		assert_in_range(n, 1, 512);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t b = choices[i].link * fabric->n_channels + choices[i].vc, target = fabric->link_target[choices[i].link];
			if (hop.in_link != WEFT_NONE)
				graph->edges[(size_t)a * graph->n + b] = 1;
			if (seen[2 * b + hop.via_reached] || (target == destination && (hop.via == WEFT_NONE || hop.via == target)))
				continue;
			seen[2 * b + hop.via_reached] = 1;
			states[n_states] = hop;
			states[n_states].node = target;
			states[n_states].in_link = choices[i].link;
			states[n_states++].vc = choices[i].vc;
		}
	}
	free(seen);
	free(states);
}

static void add_dependencies_of_ugal(struct dependencies *graph, const struct fabric *fabric)
{
	for (uint32_t s = 0; s < fabric->n_npus; s++)
		for (uint32_t d = 0; d < fabric->n_npus; d++)
			for (uint32_t k = 0; s != d && k < 2; k++) {
				uint32_t source = fabric->npu_node[s], destination = fabric->npu_node[d], via = WEFT_NONE;
				uint32_t n = fabric->module->via_nodes(fabric->module_data, source, destination, 0, &via);
				uint64_t draw = random_mix((uint64_t)s << 40 | (uint64_t)d << 8 | k) >> 32;
				if (n)
					fabric->module->via_nodes(fabric->module_data, source, destination, (uint32_t)(draw % n), &via);
				if (n && via != source && via != destination)
					add_free_ways(graph, fabric, source, destination, via);
			}
}

/* Takes away channels that wait for nobody until none is left. */
static bool has_cycle(const struct dependencies *graph)
{
	uint32_t *waits_for = memory_zero(graph->n, sizeof *waits_for), *ready = memory_zero(graph->n, sizeof *ready), n_ready = 0, gone = 0;
	for (uint32_t a = 0; a < graph->n; a++) {
		for (uint32_t b = 0; b < graph->n; b++)
			waits_for[a] += graph->edges[(size_t)a * graph->n + b];
		if (!waits_for[a])
			ready[n_ready++] = a;
	}
	while (gone < n_ready) {
		uint32_t b = ready[gone++];
		for (uint32_t a = 0; a < graph->n; a++)
			if (graph->edges[(size_t)a * graph->n + b] && --waits_for[a] == 0)
				ready[n_ready++] = a;
	}
	free(waits_for);
	free(ready);
	return gone < graph->n;
}

static void check_acyclic(const struct fabric *fabric, const struct shape *shape)
{
	struct dependencies graph = {.n = fabric->n_links * fabric->n_channels};
	if (!shape->acyclic)
		return;
	if (graph.n > 12000)
		fail_msg("%s: too large for the slow check of cycles", shape->spec);
	graph.edges = memory_zero((size_t)graph.n * graph.n, 1);
	add_dependencies(&graph, fabric, ROUTING_DEFAULT);
	add_dependencies(&graph, fabric, ROUTING_SPRAY);
	if (fabric->module->via_nodes)
		add_dependencies(&graph, fabric, ROUTING_VALIANT);
	if (fabric->module->via_nodes && fabric->n_npus <= 80)
		add_dependencies_of_ugal(&graph, fabric);
	if (has_cycle(&graph))
		fail_msg("%s: its routes can deadlock", shape->spec);
	free(graph.edges);
}

static void routes_cannot_deadlock(void **state)
{
	(void)state;
	each_shape(check_acyclic);
}

static void without_virtual_channels_a_ring_would_deadlock(void **state)
{
	(void)state;
	struct fabric fabric;
	struct dependencies graph = {.one_channel = true};
	build(&fabric, "ring:n=6");
	graph.n = fabric.n_links * fabric.n_channels;
	graph.edges = memory_zero((size_t)graph.n * graph.n, 1);
	add_dependencies(&graph, &fabric, ROUTING_DEFAULT);
	assert_true(has_cycle(&graph));
	free(graph.edges);
	fabric_release(&fabric);
}

/* ---- bad parameters ---------------------------------------------------------------------------------------------------- */

static void bad_parameters_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
		struct topology_request request;
		struct arena arena = ARENA_INIT;
		struct error err = {0};
		struct fabric fabric;
		int status = topology_request_parse(&request, wrongs[i].spec, &arena, &err);
		if (!status && (status = fabric_build(&fabric, &request, &err)) == 0)
			fabric_release(&fabric);
		if (!status)
			fail_msg("%s: was accepted", wrongs[i].spec);
		if (!strstr(err.message, wrongs[i].message) || err.code != ERROR_INPUT)
			fail_msg("%s: \"%s\" does not say \"%s\"", wrongs[i].spec, err.message, wrongs[i].message);
		arena_release(&arena);
	}
}

/* Every number with a range refuses what lies outside it, and says the range. */
static void every_range_is_enforced(void **state)
{
	(void)state;
	struct arena arena = ARENA_INIT;
	struct topology_list list;
	topology_list(&list, &arena);
	for (size_t m = 0; m < list.n; m++) {
		for (const struct weft_param *param = list.modules[m]->params; param->name; param++) {
			bool number = param->type == WEFT_PARAM_INTEGER || param->type == WEFT_PARAM_INTEGER_LIST;
			struct error err = {0};
			struct fabric fabric;
			if (!number || !param->range)
				continue;
			struct topology_setting setting = {.name = param->name, .value = "1000000000", .file = "s.yaml", .line = 4, .column = 9};
			struct topology_request request = {.module = list.modules[m]->name, .settings = &setting, .n_settings = 1};
			if (!fabric_build(&fabric, &request, &err))
				fail_msg("%s: 10^9 is accepted for '%s'", list.modules[m]->name, param->name);
			if (!strstr(err.message, "range:") || strncmp(err.message, "s.yaml:4:9: ", 12))
				fail_msg("%s, '%s': %s", list.modules[m]->name, param->name, err.message);
		}
	}
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_module_on_the_search_path_has_a_shape),
		cmocka_unit_test(counts_are_those_published),
		cmocka_unit_test(the_canonical_spec_builds_the_same_fabric),
		cmocka_unit_test(every_pair_is_routed_under_every_routing),
		cmocka_unit_test(modules_hold_what_they_claim),
		cmocka_unit_test(routes_cannot_deadlock),
		cmocka_unit_test(without_virtual_channels_a_ring_would_deadlock),
		cmocka_unit_test(bad_parameters_are_named),
		cmocka_unit_test(every_range_is_enforced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
