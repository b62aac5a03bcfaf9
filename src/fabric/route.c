/* Finding and interning routes: one walker over next_links, depth first, gives the weighted paths of a pair.
 *
 * Every node of the walk splits what reaches it over the choices that lead to the destination. A choice behind which every way is
 * dead (links avoided) counts as absent, so that the rest shares its part: that is rerouting. When no legal choice is left, the
 * detour is the shortest way over live links, on virtual channel 0. */
#include "fabric/route.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "fabric/build.h"
#include "fabric/spread.h"

/* A pair's messages hash into so many classes: what ecmp and valiant may hold per pair is bounded. */
#define HASH_CLASSES 256
#define MAX_PATHS (1u << 16)   /* of one route */
#define MAX_STEPS (1u << 22)   /* of one walk: dead ends included */
#define MAX_WEIGHT (UINT32_MAX / 2)
#define NAMED_PATHS 64        /* routes of more are spread where that is allowed */

const char *const routing_names[ROUTING_N] = {"default", "ecmp", "spray", "adaptive", "valiant", "ugal"};

struct frame {
	uint32_t node, in_link, via;
	uint8_t vc, via_reached;
	bool second;               /* trying the choices of weight 0 */
	uint32_t first_choice, n_choices; /* into walk.choices */
	uint32_t tried;            /* of this phase, in its order */
	uint32_t first_part;       /* into walk.parts */
	int64_t latency_ps;        /* of the links up to here */
};

/* A choice that reached the destination, and its paths. */
struct part {
	uint32_t first_path, weight;
};

struct fraction {
	uint64_t numerator, denominator;
};

struct route_index {
	uint32_t *slots;           /* route id + 1 */
	size_t n_slots, n_used;
	/* [n_routes] */
	uint32_t *hash_class;
	uint32_t *epoch;           /* of the avoid state that the route was last checked in */
	uint8_t *detoured;         /* found while some link was avoided: checked again when that changes */
	size_t hash_class_capacity, epoch_capacity, detoured_capacity;
	uint32_t now;              /* the epoch: counts calls of routes_avoid */

	/* The walk's scratch. */
	struct frame *frames;
	struct weft_choice *choices;
	struct part *parts;
	struct fraction *fractions; /* of the paths of the route being made */
	uint32_t *link_weight;     /* [n_links] of the route being merged; 0 between routes */
	uint64_t *link_set;        /* one bit per link with a weight */
	uint32_t *distance;
	struct spread spread;
	size_t n_frames, n_choices, n_parts, n_steps;
	size_t frames_capacity, choices_capacity, parts_capacity, fractions_capacity;
};

void routes_init(struct routes *routes, const struct fabric *fabric, enum routing routing, uint64_t seed)
{
	*routes = (struct routes){.fabric = fabric, .routing = routing, .seed = seed};
	routes->index = memory_zero(1, sizeof *routes->index);
	routes->index->n_slots = 64;
	routes->index->slots = memory_zero(64, sizeof(uint32_t));
}

void routes_release(struct routes *routes)
{
	struct route_index *index = routes->index;
	void *arrays[] = {routes->routes, routes->paths, routes->hop_link, routes->hop_vc, routes->merged_link, routes->merged_weight,
		index->slots, index->hash_class, index->epoch, index->detoured, index->frames, index->choices, index->parts,
		index->fractions, index->link_weight, index->link_set, index->distance, index};
	spread_release(&index->spread);
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		free(arrays[i]);
	*routes = (struct routes){0};
}

void routes_avoid(struct routes *routes, const uint8_t *down)
{
	routes->link_down = down;
	routes->index->now++;
}

/* ---- adding paths ------------------------------------------------------------------------------------------------------ */

static void add_hop(struct routes *routes, uint32_t link, uint8_t vc)
{
	ARRAY_RESERVE(routes->hop_link, (size_t)routes->n_hops + 1, routes->hops_capacity);
	ARRAY_RESERVE(routes->hop_vc, (size_t)routes->n_hops + 1, routes->hop_vc_capacity);
	routes->hop_link[routes->n_hops] = link;
	routes->hop_vc[routes->n_hops++] = vc;
	routes->paths[routes->n_paths].latency_ps =
		time_add(routes->paths[routes->n_paths].latency_ps, routes->fabric->link_latency_ps[link]);
}

static void open_path(struct routes *routes)
{
	ARRAY_RESERVE(routes->paths, (size_t)routes->n_paths + 1, routes->paths_capacity);
	routes->paths[routes->n_paths] = (struct path){.first_hop = routes->n_hops};
}

static void close_path(struct routes *routes)
{
	struct path *path = &routes->paths[routes->n_paths++];
	path->n_hops = routes->n_hops - path->first_hop;
}

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static bool fraction_scale(struct fraction *fraction, uint64_t numerator, uint64_t denominator)
{
	uint64_t across = greatest_common_divisor(fraction->numerator, denominator);
	uint64_t back = greatest_common_divisor(numerator, fraction->denominator);
	return !__builtin_mul_overflow(fraction->numerator / across, numerator / back, &fraction->numerator) &&
	       !__builtin_mul_overflow(fraction->denominator / back, denominator / across, &fraction->denominator);
}

/* ---- the walk ---------------------------------------------------------------------------------------------------------- */

static uint64_t walk_hash(const struct routes *routes, uint32_t source, uint32_t destination, uint32_t hash_class, uint32_t node)
{
	uint64_t pair = random_mix((uint64_t)source << 32 | destination);
	return random_mix(routes->seed ^ pair ^ random_mix((uint64_t)hash_class << 32 | node));
}

struct walk {
	struct routes *routes;
	uint32_t source, destination;             /* NPU indices */
	uint32_t source_node, destination_node;
	uint32_t hash_class, via;
	uint32_t first_path;                      /* of the route being made */
	struct error *err;
};

static int fail_module(const struct walk *walk, uint32_t node, const char *what)
{
	const struct fabric *fabric = walk->routes->fabric;
	return error_set(walk->err, ERROR_SIMULATION, "topology '%s' routes '%s' to '%s' wrongly: at '%s' %s", fabric->module->name,
			 fabric->node_name[walk->source_node], fabric->node_name[walk->destination_node], fabric->node_name[node], what);
}

static int check_choices(const struct walk *walk, const struct weft_choice *choices, uint32_t n, uint32_t node)
{
	const struct fabric *fabric = walk->routes->fabric;
	for (uint32_t i = 0; i < n; i++) {
		if (choices[i].link >= fabric->n_links || fabric->link_source[choices[i].link] != node)
			return fail_module(walk, node, "it chooses a link that does not leave there");
		if (choices[i].vc >= fabric->n_channels)
			return fail_module(walk, node, "it chooses a virtual channel that it did not ask for");
		if (choices[i].weight > MAX_WEIGHT / 1024)
			return fail_module(walk, node, "it gives a choice too large a weight");
	}
	return 0;
}

/* Enters a node: asks for the ways on. */
static int push_frame(struct walk *walk, const struct weft_hop *at)
{
	struct routes *routes = walk->routes;
	struct route_index *index = routes->index;
	struct weft_hop hop = *at;
	if (++index->n_steps > MAX_STEPS || index->n_frames > 2 * (size_t)routes->fabric->n_nodes + 2)
		return fail_module(walk, hop.node, "the way does not end");
	if (hop.via == hop.node) {
		hop.via = WEFT_NONE;
		hop.via_reached = 1;
	}
	size_t capacity = 64;
	uint32_t n;
	for (;;) {
		ARRAY_RESERVE(index->choices, index->n_choices + capacity, index->choices_capacity);
		n = fabric_next_links(routes->fabric, &hop, index->choices + index->n_choices, (uint32_t)capacity);
		if (n <= capacity)
			break;
		capacity = n;
	}
	if (check_choices(walk, index->choices + index->n_choices, n, hop.node))
		return -1;
	ARRAY_RESERVE(index->frames, index->n_frames + 1, index->frames_capacity);
	int64_t latency_ps = index->n_frames ? time_add(index->frames[index->n_frames - 1].latency_ps,
							routes->fabric->link_latency_ps[hop.in_link]) : 0;
	index->frames[index->n_frames++] = (struct frame){.node = hop.node, .in_link = hop.in_link, .via = hop.via, .vc = hop.vc,
		.via_reached = hop.via_reached, .first_choice = (uint32_t)index->n_choices, .n_choices = n,
		.first_part = (uint32_t)index->n_parts, .latency_ps = latency_ps};
	index->n_choices += n;
	return 0;
}

static bool one_way(enum routing routing) { return routing == ROUTING_ECMP; }
static bool every_way(enum routing routing) { return routing == ROUTING_SPRAY || routing == ROUTING_ADAPTIVE; }

/* The next choice to try at a node, in the order of the routing; NULL when there is none left. */
static const struct weft_choice *next_choice(const struct walk *walk, struct frame *frame, uint32_t *weight)
{
	const struct routes *routes = walk->routes;
	const struct route_index *index = routes->index;
	bool some = index->n_parts > frame->first_part;
	while (frame->tried < frame->n_choices) {
		uint32_t i = frame->tried++;
		if (one_way(routes->routing)) {
			if (some)
				return NULL;
			i = (uint32_t)((walk_hash(routes, walk->source, walk->destination, walk->hash_class, frame->node) + i) %
				       frame->n_choices);
		} else if (frame->second) {
			if (some)
				return NULL;
			i = (walk->destination + i) % frame->n_choices; /* spreads detours over what is left, by destination */
		}
		const struct weft_choice *choice = &index->choices[frame->first_choice + i];
		bool all = one_way(routes->routing) || every_way(routes->routing);
		if (!all && (choice->weight == 0) != frame->second)
			continue;
		if (routes->link_down && routes->link_down[choice->link])
			continue;
		*weight = all || frame->second ? 1 : choice->weight;
		return choice;
	}
	if (some || frame->second || one_way(routes->routing) || every_way(routes->routing))
		return NULL;
	frame->second = true;
	frame->tried = 0;
	return next_choice(walk, frame, weight);
}

/* The destination is reached by `link`: the links of all frames and this one are a path. */
static int arrive(struct walk *walk, uint32_t link, uint8_t vc)
{
	struct routes *routes = walk->routes;
	struct route_index *index = routes->index;
	uint32_t n = routes->n_paths - walk->first_path;
	if (n == MAX_PATHS)
		return error_set(walk->err, ERROR_SIMULATION, "routing %s has more than %u paths from '%s' to '%s'",
				 routing_names[routes->routing], MAX_PATHS, routes->fabric->node_name[walk->source_node],
				 routes->fabric->node_name[walk->destination_node]);
	open_path(routes);
	ARRAY_RESERVE(routes->hop_link, (size_t)routes->n_hops + index->n_frames, routes->hops_capacity);
	ARRAY_RESERVE(routes->hop_vc, (size_t)routes->n_hops + index->n_frames, routes->hop_vc_capacity);
	for (size_t i = 1; i < index->n_frames; i++) {
		routes->hop_link[routes->n_hops] = index->frames[i].in_link;
		routes->hop_vc[routes->n_hops++] = index->frames[i].vc;
	}
	routes->hop_link[routes->n_hops] = link;
	routes->hop_vc[routes->n_hops++] = vc;
	routes->paths[routes->n_paths].latency_ps =
		time_add(index->frames[index->n_frames - 1].latency_ps, routes->fabric->link_latency_ps[link]);
	close_path(routes);
	ARRAY_RESERVE(index->fractions, (size_t)n + 1, index->fractions_capacity);
	index->fractions[n] = (struct fraction){1, 1};
	return 0;
}

/* Scales the fractions of paths from … to - 1. Neighbours mostly have equal ones: what the last scaling gave serves again. */
static bool scale_fractions(struct fraction *fractions, uint32_t from, uint32_t to, uint64_t numerator, uint64_t denominator)
{
	struct fraction before = {0, 0}, after = {0, 0};
	for (uint32_t path = from; path < to; path++) {
		if (fractions[path].numerator != before.numerator || fractions[path].denominator != before.denominator) {
			before = after = fractions[path];
			if (!fraction_scale(&after, numerator, denominator))
				return false;
		}
		fractions[path] = after;
	}
	return true;
}

/* Leaves a node: its parts share what reaches it, by weight. */
static int pop_frame(struct walk *walk)
{
	struct route_index *index = walk->routes->index;
	const struct frame *frame = &index->frames[index->n_frames - 1];
	const struct part *parts = index->parts + frame->first_part;
	size_t n = index->n_parts - frame->first_part;
	uint64_t total = 0;
	for (size_t p = 0; p < n; p++)
		total += parts[p].weight;
	for (size_t p = 0; p < n && n > 1;) {
		size_t next = p + 1;
		while (next < n && parts[next].weight == parts[p].weight)
			next++;
		uint32_t end = next < n ? parts[next].first_path : walk->routes->n_paths;
		if (!scale_fractions(index->fractions, parts[p].first_path - walk->first_path, end - walk->first_path,
				     parts[p].weight, total))
			return fail_module(walk, frame->node, "the weights split too finely");
		p = next;
	}
	index->n_parts = frame->first_part;
	index->n_choices = frame->first_choice;
	index->n_frames--;
	return 0;
}

/* Forgets a part behind which nothing was found. */
static void drop_empty_part(struct walk *walk)
{
	struct route_index *index = walk->routes->index;
	if (index->n_frames && index->n_parts > index->frames[index->n_frames - 1].first_part &&
	    index->parts[index->n_parts - 1].first_path == walk->routes->n_paths)
		index->n_parts--;
}

/* Fills paths and fractions; none when every legal way is dead. */
static int walk_run(struct walk *walk)
{
	struct routes *routes = walk->routes;
	struct route_index *index = routes->index;
	struct weft_hop start = {.node = walk->source_node, .in_link = WEFT_NONE, .source = walk->source_node,
		.destination = walk->destination_node, .via = walk->via};
	index->n_frames = index->n_choices = index->n_parts = index->n_steps = 0;
	if (push_frame(walk, &start))
		return -1;
	while (index->n_frames) {
		struct frame *frame = &index->frames[index->n_frames - 1];
		uint32_t weight;
		const struct weft_choice *choice = next_choice(walk, frame, &weight);
		if (!choice) {
			if (pop_frame(walk))
				return -1;
			drop_empty_part(walk);
			continue;
		}
		struct weft_hop hop = {.node = routes->fabric->link_target[choice->link], .in_link = choice->link,
			.source = walk->source_node, .destination = walk->destination_node, .via = frame->via, .vc = choice->vc,
			.via_reached = frame->via_reached};
		ARRAY_RESERVE(index->parts, index->n_parts + 1, index->parts_capacity);
		index->parts[index->n_parts++] = (struct part){.first_path = routes->n_paths, .weight = weight};
		bool there = hop.node == walk->destination_node && (hop.via == WEFT_NONE || hop.via == hop.node);
		if (there ? arrive(walk, hop.in_link, hop.vc) : push_frame(walk, &hop))
			return -1;
	}
	return 0;
}

/* ---- from paths to a route --------------------------------------------------------------------------------------------- */

static int set_weights(struct walk *walk, struct route *route)
{
	struct routes *routes = walk->routes;
	const struct fraction *fractions = routes->index->fractions;
	uint64_t total = 1, last = 1, share = 1;
	uint32_t before = 0;
	for (uint32_t p = 0; p < route->n_paths; p++) {
		uint64_t denominator = fractions[p].denominator;
		if (denominator == last)
			continue;
		last = denominator;
		if (__builtin_mul_overflow(total, denominator / greatest_common_divisor(total, denominator), &total) ||
		    total > MAX_WEIGHT)
			return fail_module(walk, walk->source_node, "the weights split too finely");
	}
	for (uint32_t p = 0; p < route->n_paths; p++) {
		struct path *path = &routes->paths[route->first_path + p];
		if (p == 0 || fractions[p].denominator != last) {
			last = fractions[p].denominator;
			share = total / last;
		}
		path->weight = (uint32_t)(share * fractions[p].numerator);
		path->weight_before = before;
		before += path->weight;
		if (path->latency_ps > route->latency_ps)
			route->latency_ps = path->latency_ps;
	}
	assert(before == total);
	route->total_weight = before;
	return 0;
}

static void sort_few(uint32_t *values, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		uint32_t value = values[i], j = i;
		for (; j > 0 && values[j - 1] > value; j--)
			values[j] = values[j - 1];
		values[j] = value;
	}
}

/* Through a set with one bit per link, which is empty before and after. */
static void sort_many(uint32_t *links, uint32_t n, uint64_t *set)
{
	uint32_t first = UINT32_MAX, last = 0, sorted = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t word = links[i] / 64;
		set[word] |= UINT64_C(1) << links[i] % 64;
		first = word < first ? word : first;
		last = word > last ? word : last;
	}
	for (uint32_t word = first; sorted < n && word <= last; word++) {
		for (uint64_t bits = set[word]; bits; bits &= bits - 1)
			links[sorted++] = word * 64 + (uint32_t)__builtin_ctzll(bits);
		set[word] = 0;
	}
}

/* Sums the weights of the paths by link. */
static void merge_links(struct routes *routes, struct route *route)
{
	struct route_index *index = routes->index;
	uint32_t n = 0;
	if (!index->link_weight) {
		index->link_weight = memory_zero(routes->fabric->n_links + 1u, sizeof *index->link_weight);
		index->link_set = memory_zero(routes->fabric->n_links / 64 + 1u, sizeof *index->link_set);
	}
	for (uint32_t p = 0; p < route->n_paths; p++) {
		const struct path *path = &routes->paths[route->first_path + p];
		ARRAY_RESERVE(routes->merged_link, (size_t)routes->n_merged + n + path->n_hops, routes->merged_capacity);
		for (uint32_t h = path->first_hop; h < path->first_hop + path->n_hops; h++) {
			uint32_t link = routes->hop_link[h];
			routes->merged_link[routes->n_merged + n] = link;
			n += !index->link_weight[link];
			index->link_weight[link] += path->weight;
		}
	}
	uint32_t *links = routes->merged_link + routes->n_merged;
	if (n <= 64)
		sort_few(links, n);
	else
		sort_many(links, n, index->link_set);
	ARRAY_RESERVE(routes->merged_weight, (size_t)routes->n_merged + n, routes->merged_weight_capacity);
	for (uint32_t i = 0; i < n; i++) {
		routes->merged_weight[routes->n_merged + i] = index->link_weight[links[i]];
		index->link_weight[links[i]] = 0;
	}
	route->first_link = routes->n_merged;
	route->n_links = n;
	routes->n_merged += n;
}

static uint32_t add_route(struct routes *routes, const struct route *route, uint32_t hash_class)
{
	struct route_index *index = routes->index;
	uint32_t id = routes->n_routes++;
	ARRAY_RESERVE(routes->routes, routes->n_routes, routes->routes_capacity);
	ARRAY_RESERVE(index->hash_class, routes->n_routes, index->hash_class_capacity);
	ARRAY_RESERVE(index->epoch, routes->n_routes, index->epoch_capacity);
	ARRAY_RESERVE(index->detoured, routes->n_routes, index->detoured_capacity);
	routes->routes[id] = *route;
	index->hash_class[id] = hash_class;
	index->epoch[id] = index->now;
	index->detoured[id] = routes->link_down != NULL;
	return id;
}

uint32_t routes_add_explicit(struct routes *routes, uint32_t source, uint32_t destination, const uint32_t *links, uint32_t n)
{
	struct route route = {.source = source, .destination = destination, .first_path = routes->n_paths, .n_paths = 1,
		.total_weight = 1};
	open_path(routes);
	for (uint32_t i = 0; i < n; i++) {
		assert(links[i] < routes->fabric->n_links);
		add_hop(routes, links[i], 0);
	}
	close_path(routes);
	routes->paths[route.first_path].weight = 1;
	route.latency_ps = routes->paths[route.first_path].latency_ps;
	merge_links(routes, &route);
	return add_route(routes, &route, 0);
}

/* The shortest way over live links, when the module's own ways are all dead. */
static int detour(struct walk *walk)
{
	struct routes *routes = walk->routes;
	struct route_index *index = routes->index;
	const struct fabric *fabric = routes->fabric;
	if (!index->distance)
		index->distance = memory_alloc((size_t)fabric->n_nodes * sizeof *index->distance);
	shortest_distances(fabric, walk->destination_node, routes->link_down, index->distance);
	if (index->distance[walk->source_node] == UINT32_MAX)
		return error_set(walk->err, ERROR_SIMULATION, "topology '%s' is disconnected: there is no way from '%s' to '%s'%s",
				 fabric->module->name, fabric->node_name[walk->source_node],
				 fabric->node_name[walk->destination_node], routes->link_down ? " over links that are up" : "");
	open_path(routes);
	for (uint32_t node = walk->source_node; node != walk->destination_node;) {
		uint32_t i = fabric->out_first[node], link;
		for (;; i++) {
			link = fabric->out_links[i];
			if (index->distance[fabric->link_target[link]] == index->distance[node] - 1 &&
			    !(routes->link_down && routes->link_down[link]))
				break;
		}
		add_hop(routes, link, 0);
		node = fabric->link_target[link];
	}
	close_path(routes);
	ARRAY_RESERVE(index->fractions, 1, index->fractions_capacity);
	index->fractions[0] = (struct fraction){1, 1};
	return 0;
}

static int choose_via(struct walk *walk)
{
	const struct fabric *fabric = walk->routes->fabric;
	const struct weft_topology *module = fabric->module;
	uint32_t node;
	walk->via = WEFT_NONE;
	if (walk->routes->routing != ROUTING_VALIANT)
		return 0;
	if (!module->via_nodes)
		return error_set(walk->err, ERROR_INPUT, "topology '%s' offers no intermediate nodes for routing valiant", module->name);
	uint32_t n = module->via_nodes(fabric->module_data, walk->source_node, walk->destination_node, 0, &node);
	if (n == 0)
		return 0;
	uint64_t draw = walk_hash(walk->routes, walk->source, walk->destination, walk->hash_class, UINT32_MAX);
	module->via_nodes(fabric->module_data, walk->source_node, walk->destination_node, (uint32_t)(draw % n), &walk->via);
	return 0;
}

static int make_paths(struct walk *walk)
{
	struct routes *routes = walk->routes;
	if (choose_via(walk) || walk_run(walk))
		return -1;
	if (routes->n_paths == walk->first_path && walk->via != WEFT_NONE) { /* the intermediate node is cut off: go without */
		walk->via = WEFT_NONE;
		if (walk_run(walk))
			return -1;
	}
	return routes->n_paths == walk->first_path ? detour(walk) : 0;
}

/* ROUTE_NONE without an error: the route has paths. */
static uint32_t make_spread_route(struct routes *routes, uint32_t source, uint32_t destination, struct error *err)
{
	const struct fabric *fabric = routes->fabric;
	struct spread *spread = &routes->index->spread;
	if (spread_walk(spread, routes, fabric->npu_node[source], fabric->npu_node[destination], NULL, err) || spread->n_paths <= NAMED_PATHS)
		return ROUTE_NONE;
	struct route route = {.source = source, .destination = destination, .first_path = routes->n_paths, .first_link = routes->n_merged,
		.n_links = spread->n_links, .total_weight = spread->total_weight, .latency_ps = spread->latency_ps};
	ARRAY_RESERVE(routes->merged_link, (size_t)routes->n_merged + spread->n_links, routes->merged_capacity);
	ARRAY_RESERVE(routes->merged_weight, (size_t)routes->n_merged + spread->n_links, routes->merged_weight_capacity);
	for (uint32_t i = 0; i < spread->n_links; i++) {
		routes->merged_link[routes->n_merged] = spread->links[i].link;
		routes->merged_weight[routes->n_merged++] = spread->links[i].weight;
	}
	return add_route(routes, &route, 0);
}

int64_t routes_spread_latency_ps(const struct routes *routes, const struct route *route, const int64_t *latency_ps)
{
	const struct fabric *fabric = routes->fabric;
	struct spread *spread = &routes->index->spread;
	spread_walk(spread, routes, fabric->npu_node[route->source], fabric->npu_node[route->destination], latency_ps, NULL);
	return spread->n_paths > 0 ? spread->latency_ps : route->latency_ps;
}

static uint32_t make_route(struct routes *routes, uint32_t source, uint32_t destination, uint32_t hash_class, struct error *err)
{
	const struct fabric *fabric = routes->fabric;
	struct walk walk = {.routes = routes, .source = source, .destination = destination, .source_node = fabric->npu_node[source],
		.destination_node = fabric->npu_node[destination], .hash_class = hash_class, .first_path = routes->n_paths, .err = err};
	uint32_t n_hops = routes->n_hops;
	if (routes->spread && every_way(routes->routing)) {
		struct error wrong = {0};
		uint32_t id = make_spread_route(routes, source, destination, &wrong);
		if (id != ROUTE_NONE || wrong.code)
			return wrong.code ? error_set(err, wrong.code, "%s", wrong.message), ROUTE_NONE : id;
	}
	struct route route = {.source = source, .destination = destination, .first_path = routes->n_paths};
	int status = make_paths(&walk);
	route.n_paths = routes->n_paths - route.first_path;
	if (status || set_weights(&walk, &route)) {
		routes->n_paths = route.first_path;
		routes->n_hops = n_hops;
		return ROUTE_NONE;
	}
	merge_links(routes, &route);
	return add_route(routes, &route, hash_class);
}

static uint32_t flow_route(struct routes *routes, uint32_t source, uint32_t destination, uint32_t flow, struct error *err)
{
	const struct fabric *fabric = routes->fabric;
	if (flow >= fabric->n_flows || fabric->flow_first[flow] == fabric->flow_first[flow + 1]) {
		error_set(err, ERROR_SIMULATION, "flow %u has no route (the routes of topology '%s' are given by flow)", flow,
			  fabric->module->name);
		return ROUTE_NONE;
	}
	return routes_add_explicit(routes, source, destination, fabric->flow_links + fabric->flow_first[flow],
				   fabric->flow_first[flow + 1] - fabric->flow_first[flow]);
}

/* ---- looking up -------------------------------------------------------------------------------------------------------- */

static size_t slot_of(const struct routes *routes, uint32_t source, uint32_t destination, uint32_t hash_class)
{
	const struct route_index *index = routes->index;
	uint64_t hash = random_mix(((uint64_t)source << 32 | destination) + (uint64_t)hash_class * UINT64_C(0x9e3779b97f4a7c15));
	size_t slot = hash & (index->n_slots - 1);
	while (index->slots[slot]) {
		uint32_t id = index->slots[slot] - 1;
		const struct route *route = &routes->routes[id];
		if (route->source == source && route->destination == destination && index->hash_class[id] == hash_class)
			break;
		slot = (slot + 1) & (index->n_slots - 1);
	}
	return slot;
}

static void grow_slots(struct routes *routes)
{
	struct route_index *index = routes->index;
	uint32_t *old = index->slots;
	size_t n = index->n_slots;
	index->n_slots *= 2;
	index->slots = memory_zero(index->n_slots, sizeof *index->slots);
	for (size_t i = 0; i < n; i++) {
		if (!old[i])
			continue;
		const struct route *route = &routes->routes[old[i] - 1];
		index->slots[slot_of(routes, route->source, route->destination, index->hash_class[old[i] - 1])] = old[i];
	}
	free(old);
}

/* Whether an interned route may still be used after the avoided links changed. */
static bool still_good(struct routes *routes, uint32_t id)
{
	struct route_index *index = routes->index;
	const struct route *route = &routes->routes[id];
	if (index->detoured[id])
		return false;
	for (uint32_t i = 0; routes->link_down && i < route->n_links; i++)
		if (routes->link_down[routes->merged_link[route->first_link + i]])
			return false;
	index->epoch[id] = index->now;
	return true;
}

uint32_t routes_find(struct routes *routes, uint32_t source, uint32_t destination, uint64_t flow_key, struct error *err)
{
	struct route_index *index = routes->index;
	bool by_flow = routes->fabric->n_flows > 0;
	uint32_t hash_class = 0;
	assert(source < routes->fabric->n_npus && destination < routes->fabric->n_npus && source != destination);
	if (by_flow)
		hash_class = flow_key < UINT32_MAX ? (uint32_t)flow_key : UINT32_MAX;
	else if (routes->routing == ROUTING_ECMP || routes->routing == ROUTING_VALIANT)
		hash_class = (uint32_t)(random_mix(flow_key) % HASH_CLASSES);
	size_t slot = slot_of(routes, source, destination, hash_class);
	uint32_t id = index->slots[slot] - 1; /* ROUTE_NONE when empty */
	if (id != ROUTE_NONE && (index->epoch[id] == index->now || still_good(routes, id)))
		return id;
	bool known = id != ROUTE_NONE;
	id = by_flow ? flow_route(routes, source, destination, hash_class, err)
		     : make_route(routes, source, destination, hash_class, err);
	if (id == ROUTE_NONE)
		return ROUTE_NONE;
	index->hash_class[id] = hash_class;
	index->slots[slot] = id + 1;
	if (!known && ++index->n_used * 2 > index->n_slots)
		grow_slots(routes);
	return id;
}

/* The default way, without interning it. */
static int64_t default_latency_ps(const struct fabric *fabric, uint32_t source, uint32_t destination)
{
	struct weft_hop hop = {.node = source, .in_link = WEFT_NONE, .source = source, .destination = destination, .via = WEFT_NONE};
	int64_t latency_ps = 0;
	for (uint32_t steps = 0; hop.node != destination; steps++) {
		struct weft_choice choices[256], *best = choices;
		uint32_t n = fabric_next_links(fabric, &hop, choices, 256);
		n = n < 256 ? n : 256;
		for (uint32_t i = 1; i < n; i++)
			best = choices[i].weight > best->weight ? &choices[i] : best;
		if (n == 0 || steps > 2 * fabric->n_nodes)
			return -1;
		latency_ps = time_add(latency_ps, fabric->link_latency_ps[best->link]);
		hop.node = fabric->link_target[best->link];
		hop.in_link = best->link;
		hop.vc = best->vc;
	}
	return latency_ps;
}

int64_t routes_latency_ps(struct routes *routes, uint32_t source, uint32_t destination)
{
	if (routes->hopwise)
		return default_latency_ps(routes->fabric, routes->fabric->npu_node[source], routes->fabric->npu_node[destination]);
	uint32_t route = routes_find(routes, source, destination, 0, NULL);
	return route == ROUTE_NONE ? -1 : routes->routes[route].latency_ps;
}
