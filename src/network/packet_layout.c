/* The packet model's arrays: queues per (input, output), credits per (link, channel), hops per path. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "network/packet.h"

#define MAX_VOQS ((uint64_t)PACKET_LAST)
#define LOOK_AHEAD_LINKS 2000 /* some 300 bytes each: beyond half a megabyte */

/* in_port[link]: its index among the links into the same node. Returns the in-degrees. */
static uint32_t *count_inputs(struct packet_network *net)
{
	const struct fabric *fabric = net->base.setup.fabric;
	uint32_t *degree = memory_zero(fabric->n_nodes + 1, sizeof *degree);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		net->links[link].in_port = degree[fabric->link_target[link]]++;
	return degree;
}

/* Two round trips, at least 16 packets: one round trip keeps an undisturbed stream at full rate, the other bridges the waits of
 * arbitration (with one alone, spraying over an idle fat tree loses a third of its rate). */
static int64_t buffer_bytes(const struct packet_network *net, uint32_t link)
{
	const struct links *links = net->base.setup.links;
	int64_t packet = (int64_t)net->payload + net->header, rate = links->bytes_per_s[link];
	int64_t round_trip_ps = time_add(2 * serialization_ps(packet, rate), 2 * links->latency_ps[link] + net->forwarding_ps +
					 net->credit_delay_ps);
	if (net->buffer_bytes)
		return net->buffer_bytes > packet ? net->buffer_bytes : packet;
	int64_t bytes = 2 * (scale_floor(rate, round_trip_ps, PS_PER_S) + packet);
	return bytes > 16 * packet ? bytes : 16 * packet;
}

static void layout_links(struct packet_network *net, const uint32_t *degree, uint64_t *n_voqs, uint32_t *n_words)
{
	const struct fabric *fabric = net->base.setup.fabric;
	for (uint32_t i = 0; i < fabric->n_links; i++) {
		struct packet_link *link = &net->links[i];
		link->event_ps = TIME_NEVER;
		link->latency_ps = net->base.setup.links->latency_ps[i];
		link->full_ps = serialization_ps(net->full_wire, net->base.setup.links->bytes_per_s[i]);
		link->first_voq = (uint32_t)*n_voqs;
		link->n_inputs = (degree[fabric->link_source[i]] * net->n_channels + 1) & UINT32_MAX >> 1;
		link->first_word = *n_words;
		link->last_input = link->n_inputs - 1;
		link->target = fabric->link_target[i];
		link->kind = fabric->link_kind[i];
		link->up = net->base.setup.links->bytes_per_s[i] > 0;
		*n_voqs += link->n_inputs;
		*n_words += (link->n_inputs + 63u) / 64;
	}
}

/* Which credit a packet returns when it leaves the queue of (in-link, channel) → out-link. */
static void layout_credits(struct packet_network *net)
{
	const struct fabric *fabric = net->base.setup.fabric;
	for (uint32_t v = 0; v < net->n_voqs; v++)
		net->voqs[v].returns = PACKET_NONE;
	for (uint32_t in = 0; in < fabric->n_links; in++) {
		uint32_t node = fabric->link_target[in];
		for (uint32_t o = fabric->out_first[node]; o < fabric->out_first[node + 1]; o++)
			for (uint32_t vc = 0; vc < net->n_channels; vc++)
				net->voqs[net->links[fabric->out_links[o]].first_voq + net->links[in].in_port * net->n_channels + vc].returns =
					in * net->n_channels + vc;
		for (uint32_t vc = 0; vc < net->n_channels; vc++)
			net->credits[in * net->n_channels + vc] =
				(struct packet_credit){.free_bytes = buffer_bytes(net, in), .next_ps = TIME_NEVER, .newest = {.next = PACKET_NONE},
						       .back_ps = net->links[in].latency_ps + net->credit_delay_ps};
	}
}

/* Where packets choose their way by what waits, or hold up others that go elsewhere, a start is felt at other links of its node at once. */
static void layout_horizons(struct packet_network *net)
{
	const struct fabric *fabric = net->base.setup.fabric;
	int64_t *least_ps = memory_alloc((fabric->n_nodes + 1) * sizeof *least_ps); /* per node: of what comes to it */
	for (uint32_t node = 0; node < fabric->n_nodes; node++)
		least_ps[node] = INT64_MAX / 2;
	for (uint32_t i = 0; i < fabric->n_links; i++) {
		int64_t *least = &least_ps[fabric->link_target[i]], comes_ps = net->links[i].latency_ps + net->forwarding_ps;
		*least = comes_ps < *least ? comes_ps : *least;
	}
	for (uint32_t npu = 0; npu < fabric->n_npus; npu++)
		for (uint32_t o = fabric->out_first[fabric->npu_node[npu]]; o < fabric->out_first[fabric->npu_node[npu] + 1]; o++)
			net->links[fabric->out_links[o]].at_npu = 1;
	for (uint32_t i = 0; i < fabric->n_links; i++) {
		int64_t horizon_ps = least_ps[fabric->link_source[i]], back_ps = net->links[i].latency_ps + net->credit_delay_ps;
		net->links[i].horizon_ps = horizon_ps = net->credits_on && back_ps < horizon_ps ? back_ps : horizon_ps;
		net->links[i].batches = !net->fifos && !(net->ways && net->base.setup.routes->routing != ROUTING_SPRAY) &&
			horizon_ps >= net->links[i].full_ps;
	}
	free(least_ps);
}

int packet_layout(struct packet_network *net, struct error *err)
{
	const struct fabric *fabric = net->base.setup.fabric;
	uint32_t *degree, n_words = 0;
	uint64_t n_voqs = 0;
	net->n_channels = fabric->n_channels ? fabric->n_channels : 1;
	if (net->n_channels > PACKET_CHANNELS_MAX)
		return error_set(err, ERROR_INPUT, "network model 'packet': %u virtual channels exceed the limit of %d", net->n_channels,
				 PACKET_CHANNELS_MAX);
	net->links = memory_lines((size_t)fabric->n_links + 1, sizeof *net->links);
	degree = count_inputs(net);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		n_voqs += (uint64_t)degree[fabric->link_source[link]] * net->n_channels + 1;
	if (n_voqs > MAX_VOQS) {
		free(degree);
		return error_set(err, ERROR_INPUT, "network model 'packet': %llu queues (inputs × outputs × channels over all switches) "
				 "exceed the limit of %llu", (unsigned long long)n_voqs, (unsigned long long)MAX_VOQS);
	}
	n_voqs = 0;
	layout_links(net, degree, &n_voqs, &n_words);
	free(degree);
	net->n_voqs = (uint32_t)n_voqs;
	net->voqs = memory_alloc((n_voqs + 1) * sizeof *net->voqs);
	net->avails_ps = memory_zero(n_voqs + 1, sizeof *net->avails_ps);
	memset(net->voqs, 0xff, (n_voqs + 1) * sizeof *net->voqs);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		for (uint32_t i = 0; i < net->links[link].n_inputs; i++)
			net->voqs[net->links[link].first_voq + i].link = link;
	net->trains_started = memory_lines((size_t)fabric->n_links + 1, sizeof *net->trains_started);
	net->wires = memory_alloc(((size_t)fabric->n_links + 1) * sizeof *net->wires);
	memset(net->wires, 0xff, ((size_t)fabric->n_links + 1) * sizeof *net->wires);
	net->active = memory_zero(n_words + 1, sizeof *net->active);
	net->credits = memory_lines((size_t)fabric->n_links * net->n_channels + 1, sizeof *net->credits);
	if (net->input_fifo) {
		net->fifos = memory_alloc(((size_t)fabric->n_links * net->n_channels + 1) * sizeof *net->fifos);
		for (size_t i = 0; i < (size_t)fabric->n_links * net->n_channels; i++)
			net->fifos[i] = (struct packet_fifo){.head = PACKET_NONE};
	}
	layout_credits(net);
	layout_horizons(net);
	net->looks_ahead = fabric->n_links >= LOOK_AHEAD_LINKS;
	return 0;
}

static int learn_path(struct packet_network *net, const struct path *path, struct error *err)
{
	const struct fabric *fabric = net->base.setup.fabric;
	const struct routes *routes = net->base.setup.routes;
	for (uint32_t h = path->first_hop; h < path->first_hop + path->n_hops; h++) {
		uint32_t link = routes->hop_link[h], input = net->links[link].in_port * net->n_channels + routes->hop_vc[h];
		if (routes->hop_vc[h] >= net->n_channels)
			return error_set(err, ERROR_INPUT, "topology '%s' routes over virtual channel %u but declares %u",
					 fabric->module->name, routes->hop_vc[h], net->n_channels);
		if (h + 1 == path->first_hop + path->n_hops) {
			net->hops[h] = (struct packet_hop){.next_voq = PACKET_LAST, .channel = routes->hop_vc[h] & 15u};
			continue;
		}
		uint32_t next = routes->hop_link[h + 1];
		if (fabric->link_target[link] != fabric->link_source[next])
			return error_set(err, ERROR_INPUT, "network model 'packet' needs routes whose links follow each other; a route of "
					 "topology '%s' goes from '%s' on at '%s'", fabric->module->name,
					 fabric->node_name[fabric->link_target[link]], fabric->node_name[fabric->link_source[next]]);
		net->hops[h] = (struct packet_hop){.next_voq = (net->links[next].first_voq + input) & PACKET_LAST,
						   .channel = routes->hop_vc[h] & 15u};
	}
	return 0;
}

int packet_learn_routes(struct packet_network *net, struct error *err)
{
	const struct routes *routes = net->base.setup.routes;
	ARRAY_RESERVE(net->hops, routes->n_hops, net->hops_capacity);
	for (; net->n_paths < routes->n_paths; net->n_paths++)
		if (learn_path(net, &routes->paths[net->n_paths], err))
			return -1;
	net->n_hops = routes->n_hops;
	return 0;
}
