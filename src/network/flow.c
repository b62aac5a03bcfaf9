#include "network/flow.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/units.h"
#include "engine/engine.h"
#include "fabric/fabric.h"

__extension__ typedef unsigned __int128 wide;

/* bytes × weight × 10^12 / (total × rate), rounded up. Exact while bytes × weight < 2^88. */
static int64_t fraction_ps(int64_t bytes, uint32_t weight, uint32_t total, int64_t bytes_per_s)
{
	if (weight == total)
		return serialization_ps(bytes, bytes_per_s);
	if (bytes_per_s <= 0)
		return bytes > 0 ? TIME_NEVER : 0;
	wide moved = (wide)(uint64_t)bytes * weight * (uint64_t)PS_PER_S, rate = (wide)(uint64_t)bytes_per_s * total;
	wide ps = (moved + rate - 1) / rate;
	return ps >= (wide)TIME_NEVER ? TIME_NEVER : (int64_t)ps;
}

int64_t flow_alone_ps(const struct routes *routes, const struct links *links, const int64_t *capacity, uint32_t route, int64_t bytes)
{
	const struct route *r = &routes->routes[route];
	uint32_t slowest_weight = 0;
	int64_t slowest_rate = 1;
	if (!capacity)
		capacity = links->bytes_per_s;
	/* Rounding up keeps the order of fractions: one division, for the largest, is enough. */
	for (uint32_t i = r->first_link; i < r->first_link + r->n_links; i++) {
		int64_t rate = capacity[routes->merged_link[i]];
		if (rate <= 0)
			return bytes > 0 ? TIME_NEVER : 0;
		if ((wide)routes->merged_weight[i] * (uint64_t)slowest_rate > (wide)slowest_weight * (uint64_t)rate) {
			slowest_weight = routes->merged_weight[i];
			slowest_rate = rate;
		}
	}
	return slowest_weight ? fraction_ps(bytes, slowest_weight, r->total_weight, slowest_rate) : 0;
}

int64_t route_latency_ps(const struct network_setup *setup, uint32_t route)
{
	const struct routes *routes = setup->routes;
	const struct route *r = &routes->routes[route];
	int64_t slowest_ps = 0;
	if (!setup->links->n_changes)
		return r->latency_ps;
	if (r->n_paths == 0)
		return routes_spread_latency_ps(routes, r, setup->links->latency_ps);
	for (uint32_t p = r->first_path; p < r->first_path + r->n_paths; p++) {
		const struct path *path = &routes->paths[p];
		int64_t latency_ps = 0;
		for (uint32_t h = path->first_hop; h < path->first_hop + path->n_hops; h++)
			latency_ps += setup->links->latency_ps[routes->hop_link[h]];
		if (latency_ps > slowest_ps)
			slowest_ps = latency_ps;
	}
	return slowest_ps;
}

void message_observe(const struct network_setup *setup, const struct network_message *message, uint32_t route, int64_t start_ps,
		     int64_t end_ps)
{
	if (!setup->observers->wants_messages)
		return;
	struct message_record record = {.id = message->id, .source = message->source, .destination = message->destination,
		.bytes = message->bytes, .start_ps = start_ps, .end_ps = end_ps, .route = route, .collective = message->collective,
		.kind = message->kind};
	OBSERVE(setup->observers, message, &record);
}

void flow_describe(const struct network_setup *setup, const struct network_message *message, uint32_t route, struct text *out)
{
	const struct fabric *fabric = setup->fabric;
	const struct links *links = setup->links;
	char bytes[32], name[256];
	text_printf(out, "; message %llu of %s from %s to %s", (unsigned long long)message->id,
		    units_format_bytes(bytes, sizeof bytes, message->bytes), fabric->node_name[fabric->npu_node[message->source]],
		    fabric->node_name[fabric->npu_node[message->destination]]);
	if (route == ROUTE_NONE)
		return;
	const struct route *r = &setup->routes->routes[route];
	for (uint32_t i = r->first_link; i < r->first_link + r->n_links; i++) {
		uint32_t link = setup->routes->merged_link[i];
		if (links->bytes_per_s[link] > 0)
			continue;
		text_printf(out, " waits for link '%s' (%s)", fabric_link_name(fabric, link, name, sizeof name),
			    link_state_names[links->state[link]]);
		return;
	}
	if (flow_alone_ps(setup->routes, links, NULL, route, message->bytes) > TIME_NEVER - setup->engine->now_ps - 1)
		text_puts(out, " would end after the 106 days that a run can last");
}

void busy_links_init(struct busy_links *busy, uint32_t n_links)
{
	busy->n_links = n_links;
	busy->n = memory_zero(n_links + 1, sizeof *busy->n);
	busy->since_ps = memory_zero(n_links + 1, sizeof *busy->since_ps);
}

void busy_links_release(struct busy_links *busy)
{
	free(busy->n);
	free(busy->since_ps);
}

void busy_links_begin(struct busy_links *busy, const struct network_setup *setup, const struct route *route)
{
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++) {
		uint32_t link = setup->routes->merged_link[i];
		if (busy->n[link]++ == 0)
			busy->since_ps[link] = setup->engine->now_ps;
	}
}

static void observe_busy(const struct busy_links *busy, const struct network_setup *setup, uint32_t link)
{
	if (setup->engine->now_ps > busy->since_ps[link])
		OBSERVE(setup->observers, link_busy, link, busy->since_ps[link], setup->engine->now_ps);
}

void busy_links_end(struct busy_links *busy, const struct network_setup *setup, const struct route *route)
{
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++) {
		uint32_t link = setup->routes->merged_link[i];
		if (--busy->n[link] == 0)
			observe_busy(busy, setup, link);
	}
}

void busy_links_cut(struct busy_links *busy, const struct network_setup *setup)
{
	for (uint32_t link = 0; link < busy->n_links; link++)
		if (busy->n[link])
			observe_busy(busy, setup, link);
}
