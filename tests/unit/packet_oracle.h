/* The packet model from its definition, as slowly as it likes: packets one by one, every link looked at in every instant in which
 * anything can happen. Oracle of the fast one; shares nothing with it but the routes, and with
 * spraying the modules' answers and the rule of turns. */
#ifndef WEFT_TESTS_PACKET_ORACLE_H
#define WEFT_TESTS_PACKET_ORACLE_H

#include <stdbool.h>

#include "base/random.h"
#include "flows.h"

struct oracle_packet {
	uint32_t message, path, hop; /* hop: how many links it has behind it; path: UINT32_MAX where it finds its way node by node */
	uint32_t link, vc;           /* that it waits for */
	uint32_t came, came_vc;      /* that it came by; UINT32_MAX: at its source */
	int64_t payload, avail_ps;
	int64_t order;               /* in which packets joined their queues */
	bool queued;
};

struct oracle_credit_return {
	int64_t time_ps;
	uint32_t credit;
	int64_t bytes;
};

struct oracle {
	struct test_net *net;
	int64_t payload, header, buffer, forwarding_ps;
	bool cut_through;
	struct oracle_packet *packets;
	struct oracle_credit_return *returns;
	uint32_t n_packets, n_returns;
	int64_t *free_ps, *room, order;
	uint32_t *last_input, *turns; /* turns: packets that came over a link and had several ways on */
	uint64_t hops;
	int64_t queue_max[1024], queue_byte_ps[1024]; /* bytes that came over a link and wait for this one: most, and over time */
};

static inline int64_t oracle_wire(const struct oracle *o, const struct oracle_packet *p) { return p->payload + o->header; }

static inline bool oracle_ends(const struct oracle *o, const struct oracle_packet *p)
{
	return o->net->fabric.link_target[p->link] == o->net->fabric.npu_node[o->net->flows[p->message].destination];
}

static inline int oracle_by_link(const void *a, const void *b)
{
	const struct weft_choice *x = a, *y = b;
	if (x->link != y->link)
		return x->link < y->link ? -1 : 1;
	return (x->vc > y->vc) - (x->vc < y->vc);
}

/* The legal ways on of a message from a node that it came to by a link (WEFT_NONE: its source), by number. */
static inline uint32_t oracle_ways(const struct oracle *o, uint32_t message, uint32_t node, uint32_t came, uint32_t vc, struct weft_choice *ways)
{
	const struct fabric *fabric = &o->net->fabric;
	struct weft_hop hop = {.node = node, .in_link = came, .vc = (uint8_t)vc, .source = fabric->npu_node[o->net->flows[message].source],
		.destination = fabric->npu_node[o->net->flows[message].destination], .via = WEFT_NONE};
	uint32_t n = fabric_next_links(fabric, &hop, ways, 64);
	qsort(ways, n, sizeof *ways, oracle_by_link);
	return n;
}

/* Of k ways, packets that came by one link take each once in k packets, from a start that is drawn for every round. */
static inline struct weft_choice oracle_next(struct oracle *o, const struct oracle_packet *p)
{
	const struct routes *routes = &o->net->routes;
	struct weft_choice ways[64];
	if (p->path != UINT32_MAX) {
		uint32_t hop = routes->paths[p->path].first_hop + p->hop + 1;
		return (struct weft_choice){.link = routes->hop_link[hop], .vc = routes->hop_vc[hop]};
	}
	uint32_t n = oracle_ways(o, p->message, o->net->fabric.link_target[p->link], p->link, p->vc, ways);
	if (n == 1)
		return ways[0];
	uint32_t turn = o->turns[p->link]++;
	return ways[(turn + (random_mix(1 ^ random_mix((uint64_t)p->link << 32 | turn / n)) >> 33)) % n];
}

/* The input at which a packet waits: in-links of the node in order, channels inside, own messages last. */
static inline uint32_t oracle_input(const struct oracle *o, const struct oracle_packet *p)
{
	const struct fabric *fabric = &o->net->fabric;
	uint32_t n = 0;
	for (uint32_t in = 0; in < fabric->n_links; in++) {
		if (fabric->link_target[in] != fabric->link_source[p->link])
			continue;
		if (in == p->came)
			return n * fabric->n_channels + p->came_vc;
		n++;
	}
	return n * fabric->n_channels;
}

static inline bool oracle_has_room(const struct oracle *o, const struct oracle_packet *p)
{
	if (oracle_ends(o, p) || o->buffer == 0)
		return true;
	return o->room[p->link * o->net->fabric.n_channels + p->vc] >= oracle_wire(o, p);
}

static inline void oracle_cut(struct oracle *o, struct oracle_packet first, int64_t bytes)
{
	for (; bytes > 0; bytes -= o->payload) {
		first.payload = bytes < o->payload ? bytes : o->payload;
		first.order = o->order++;
		o->packets[o->n_packets++] = first;
	}
}

static inline void oracle_inject(struct oracle *o, uint32_t message, int64_t now_ps)
{
	const struct test_flow *flow = &o->net->flows[message];
	struct oracle_packet packet = {.message = message, .path = UINT32_MAX, .avail_ps = now_ps, .queued = true, .came = UINT32_MAX};
	struct routes *routes = &o->net->routes;
	struct error err = {0};
	struct weft_choice ways[64];
	if (routes->routing == ROUTING_SPRAY) {
		uint32_t n = oracle_ways(o, message, o->net->fabric.npu_node[flow->source], WEFT_NONE, 0, ways);
		for (uint32_t i = 0; i < n; i++) {
			packet.link = ways[i].link;
			packet.vc = ways[i].vc;
			oracle_cut(o, packet, flow->bytes * (i + 1) / n - flow->bytes * i / n);
		}
		return;
	}
	uint32_t id = routes_find(routes, flow->source, flow->destination, message, &err);
	if (id == ROUTE_NONE)
		test_net_die(&err);
	const struct route route = routes->routes[id];
	for (uint32_t p = route.first_path; p < route.first_path + route.n_paths; p++) {
		packet.path = p;
		packet.link = routes->hop_link[routes->paths[p].first_hop];
		packet.vc = routes->hop_vc[routes->paths[p].first_hop];
		oracle_cut(o, packet, route_path_bytes(&route, &routes->paths[p], flow->bytes));
	}
}

static inline int64_t oracle_serialization(const struct oracle *o, const struct oracle_packet *p, uint32_t link)
{
	return serialization_ps(oracle_wire(o, p), o->net->links.bytes_per_s[link]);
}

static inline void oracle_see_queue(struct oracle *o, const struct oracle_packet *p, uint32_t link, int64_t now_ps)
{
	int64_t bytes = 0;
	for (uint32_t i = 0; i < o->n_packets; i++) {
		const struct oracle_packet *other = &o->packets[i];
		if (other->queued && other->hop > 0 && other->avail_ps < now_ps && other->link == link)
			bytes += oracle_wire(o, other);
	}
	o->queue_max[link] = bytes > o->queue_max[link] ? bytes : o->queue_max[link];
	if (p->hop > 0)
		o->queue_byte_ps[link] += oracle_wire(o, p) * (now_ps - p->avail_ps);
}

static inline void oracle_start(struct oracle *o, struct oracle_packet *p, int64_t now_ps)
{
	struct test_flow *flow = &o->net->flows[p->message];
	uint32_t link = p->link, channels = o->net->fabric.n_channels;
	int64_t end_ps = now_ps + oracle_serialization(o, p, link), latency_ps = o->net->links.latency_ps[link];
	oracle_see_queue(o, p, link, now_ps);
	o->free_ps[link] = end_ps;
	o->last_input[link] = oracle_input(o, p);
	o->hops++;
	if (p->hop == 0 && end_ps > flow->sent_ps)
		flow->sent_ps = end_ps;
	if (p->hop > 0)
		o->returns[o->n_returns++] = (struct oracle_credit_return){.time_ps = end_ps + o->net->links.latency_ps[p->came],
			.credit = p->came * channels + p->came_vc, .bytes = oracle_wire(o, p)};
	if (oracle_ends(o, p)) {
		if (end_ps + latency_ps > flow->end_ps)
			flow->end_ps = end_ps + latency_ps;
		p->queued = false;
		return;
	}
	struct weft_choice next = oracle_next(o, p);
	o->room[link * channels + p->vc] -= oracle_wire(o, p);
	p->avail_ps = end_ps + latency_ps + o->forwarding_ps;
	if (o->cut_through) {
		int64_t header_ps = serialization_ps(o->header ? o->header : 1, o->net->links.bytes_per_s[link]);
		int64_t last_ps = end_ps - now_ps - oracle_serialization(o, p, next.link);
		p->avail_ps = now_ps + (header_ps > last_ps ? header_ps : last_ps) + latency_ps + o->forwarding_ps;
	}
	p->came = p->link;
	p->came_vc = p->vc;
	p->link = next.link;
	p->vc = next.vc;
	p->hop++;
	p->order = o->order++;
}

/* Round robin over the oldest packets of every input of this link. */
static inline bool oracle_arbitrate(struct oracle *o, uint32_t link, int64_t now_ps)
{
	const struct fabric *fabric = &o->net->fabric;
	uint32_t n_inputs = 1, best_distance = UINT32_MAX;
	struct oracle_packet *best = NULL;
	if (o->free_ps[link] > now_ps)
		return false;
	for (uint32_t in = 0; in < fabric->n_links; in++)
		n_inputs += fabric->link_target[in] == fabric->link_source[link] ? fabric->n_channels : 0;
	for (uint32_t i = 0; i < o->n_packets; i++) {
		struct oracle_packet *p = &o->packets[i];
		if (!p->queued || p->link != link)
			continue;
		uint32_t input = oracle_input(o, p);
		bool oldest = true;
		for (uint32_t j = 0; j < o->n_packets && oldest; j++)
			oldest = !(o->packets[j].queued && o->packets[j].order < p->order && o->packets[j].link == link &&
				   oracle_input(o, &o->packets[j]) == input);
		uint32_t distance = (input + n_inputs - o->last_input[link] - 1) % n_inputs;
		if (!oldest || p->avail_ps > now_ps || !oracle_has_room(o, p) || distance >= best_distance)
			continue;
		best = p;
		best_distance = distance;
	}
	if (best)
		oracle_start(o, best, now_ps);
	return best != NULL;
}

static inline void oracle_take_credits(struct oracle *o, int64_t now_ps)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < o->n_returns; i++)
		if (o->returns[i].time_ps <= now_ps)
			o->room[o->returns[i].credit] += o->returns[i].bytes;
		else
			o->returns[kept++] = o->returns[i];
	o->n_returns = kept;
}

static inline void oracle_later(int64_t *next_ps, int64_t now_ps, int64_t time_ps)
{
	if (time_ps > now_ps && time_ps < *next_ps)
		*next_ps = time_ps;
}

static inline int64_t oracle_next_ps(const struct oracle *o, int64_t now_ps)
{
	int64_t next_ps = TIME_NEVER;
	for (uint32_t i = 0; i < o->n_packets; i++)
		if (o->packets[i].queued)
			oracle_later(&next_ps, now_ps, o->packets[i].avail_ps);
	for (uint32_t i = 0; i < o->n_returns; i++)
		oracle_later(&next_ps, now_ps, o->returns[i].time_ps);
	for (uint32_t link = 0; link < o->net->fabric.n_links; link++)
		oracle_later(&next_ps, now_ps, o->free_ps[link]);
	for (uint32_t i = 0; i < o->net->n_flows; i++)
		oracle_later(&next_ps, now_ps, o->net->flows[i].start_ps);
	return next_ps;
}

static inline bool oracle_arbitrate_all(struct oracle *o, int64_t now_ps)
{
	bool any = false;
	for (uint32_t link = 0; link < o->net->fabric.n_links; link++)
		any |= oracle_arbitrate(o, link, now_ps);
	return any;
}

/* Fills sent_ps and end_ps of net->flows (0 where nothing was sent or delivered). */
static inline void oracle_run(struct oracle *o)
{
	uint32_t n_links = o->net->fabric.n_links, n_credits = n_links * o->net->fabric.n_channels, n_packets = 0;
	for (uint32_t i = 0; i < o->net->n_flows; i++) {
		n_packets += (uint32_t)(o->net->flows[i].bytes / o->payload) + 64;
		o->net->flows[i].sent_ps = o->net->flows[i].end_ps = 0;
	}
	o->packets = memory_zero(n_packets, sizeof *o->packets);
	o->returns = memory_zero((size_t)n_packets * 16, sizeof *o->returns);
	o->free_ps = memory_zero(n_links, sizeof *o->free_ps);
	o->room = memory_zero(n_credits, sizeof *o->room);
	o->last_input = memory_zero(n_links, sizeof *o->last_input);
	o->turns = memory_zero(n_links, sizeof *o->turns);
	for (uint32_t i = 0; i < n_credits; i++)
		o->room[i] = o->buffer;
	for (uint32_t link = 0; link < n_links; link++) {
		for (uint32_t in = 0; in < n_links; in++)
			o->last_input[link] += o->net->fabric.link_target[in] == o->net->fabric.link_source[link];
		o->last_input[link] *= o->net->fabric.n_channels; /* the node's own: the first in-link is next */
	}
	for (int64_t now_ps = 0; now_ps != TIME_NEVER; now_ps = oracle_next_ps(o, now_ps)) {
		oracle_take_credits(o, now_ps);
		oracle_arbitrate_all(o, now_ps);
		for (uint32_t i = 0; i < o->net->n_flows; i++)
			if (o->net->flows[i].start_ps == now_ps)
				oracle_inject(o, i, now_ps);
		oracle_arbitrate_all(o, now_ps);
	}
	free(o->packets);
	free(o->returns);
	free(o->free_ps);
	free(o->room);
	free(o->last_input);
	free(o->turns);
}

#endif
