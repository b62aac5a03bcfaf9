/* Which links lead from a node to a destination: a row per destination, an entry per node, found when first asked, so that a hop
 * costs one look-up whatever the topology. An entry names an interned set of links.
 *
 * A topology's choices may depend on the link by which a packet came. Where they do, the entry says so, and a second row has an
 * entry per link. Links that routes avoid, and those behind which every way is dead, are left out; when a source has no way left,
 * its destination is reached by shortest ways over live links from everywhere. */
#include <stdlib.h>
#include <string.h>

#include "fabric/build.h"
#include "network/ethernet.h"

enum { CHOICES = 1024, WEIGHT_MAX = 64 };

void ether_ways_init(struct ether_network *net)
{
	const struct fabric *fabric = net->base.setup.fabric;
	struct ether_ways *ways = &net->ways;
	uint32_t *at;
	ways->rows = memory_zero(fabric->n_npus + 1u, sizeof *ways->rows);
	ways->by_input = memory_zero(fabric->n_npus + 1u, sizeof *ways->by_input);
	ways->detour = memory_zero(fabric->n_npus + 1u, sizeof *ways->detour);
	ways->in_first = memory_zero(fabric->n_nodes + 2u, sizeof *ways->in_first);
	ways->in_links = memory_alloc((fabric->n_links + 1u) * sizeof *ways->in_links);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		ways->in_first[fabric->link_target[link] + 1]++;
	for (uint32_t node = 0; node < fabric->n_nodes; node++)
		ways->in_first[node + 1] += ways->in_first[node];
	at = memory_alloc((fabric->n_nodes + 1u) * sizeof *at);
	memcpy(at, ways->in_first, (fabric->n_nodes + 1u) * sizeof *at);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		ways->in_links[at[fabric->link_target[link]]++] = link;
	free(at);
	ways->n_slots = 256;
	ways->slots = memory_zero(ways->n_slots, sizeof *ways->slots);
}

static void free_rows(struct ether_network *net)
{
	for (uint32_t npu = 0; npu < net->base.setup.fabric->n_npus; npu++) {
		free(net->ways.rows[npu]);
		free(net->ways.by_input[npu]);
		net->ways.rows[npu] = net->ways.by_input[npu] = NULL;
		net->ways.detour[npu] = 0;
	}
}

void ether_ways_release(struct ether_network *net)
{
	struct ether_ways *ways = &net->ways;
	if (ways->rows)
		free_rows(net);
	void *arrays[] = {ways->rows, ways->by_input, ways->detour, ways->sets, ways->links, ways->slots, ways->in_first, ways->in_links};
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		free(arrays[i]);
}

void ether_ways_forget(struct ether_network *net)
{
	const uint8_t *avoid = net->base.setup.links->avoid;
	free_rows(net);
	net->ways.any_avoided = false;
	for (uint32_t link = 0; link < net->base.setup.fabric->n_links; link++)
		net->ways.any_avoided |= avoid[link] != 0;
}

/* ---- sets -------------------------------------------------------------------------------------------------------------- */

static uint32_t set_hash(const uint32_t *links, uint32_t n)
{
	uint32_t hash = n;
	for (uint32_t i = 0; i < n; i++)
		hash = ether_mix(hash ^ links[i]) + i;
	return hash;
}

static void grow_slots(struct ether_ways *ways)
{
	free(ways->slots);
	ways->n_slots *= 4;
	ways->slots = memory_zero(ways->n_slots, sizeof *ways->slots);
	for (uint32_t i = 0; i < ways->n_sets; i++) {
		uint32_t slot = set_hash(ways->links + ways->sets[i].first, ways->sets[i].n) & (ways->n_slots - 1);
		while (ways->slots[slot])
			slot = (slot + 1) & (ways->n_slots - 1);
		ways->slots[slot] = i + 1;
	}
}

/* Returns the number of the set + 1. */
static uint32_t intern(struct ether_ways *ways, const uint32_t *links, uint32_t n)
{
	uint32_t slot = set_hash(links, n) & (ways->n_slots - 1);
	for (; ways->slots[slot]; slot = (slot + 1) & (ways->n_slots - 1)) {
		struct ether_set set = ways->sets[ways->slots[slot] - 1];
		if (set.n == n && !memcmp(ways->links + set.first, links, n * sizeof *links))
			return ways->slots[slot];
	}
	ARRAY_RESERVE(ways->sets, (size_t)ways->n_sets + 1, ways->sets_capacity);
	ARRAY_RESERVE(ways->links, (size_t)ways->n_links + n + 1, ways->links_capacity);
	memcpy(ways->links + ways->n_links, links, n * sizeof *links);
	ways->sets[ways->n_sets] = (struct ether_set){ways->n_links, n};
	ways->n_links += n;
	ways->slots[slot] = ++ways->n_sets;
	if (ways->n_sets * 2 > ways->n_slots)
		grow_slots(ways);
	return ways->n_sets;
}

/* ---- finding ----------------------------------------------------------------------------------------------------------- */

static bool leads_there(struct ether_network *net, uint32_t link, uint32_t destination)
{
	uint32_t node = net->base.setup.fabric->link_target[link];
	if (!net->ways.any_avoided)
		return true;
	if (net->base.setup.links->avoid[link])
		return false;
	return net->nodes[node].npu == destination || ether_ways(net, node, link, destination).n > 0;
}

/* By weight: a link of weight w stands w times in the set, weights divided by the smallest. */
static uint32_t take_weighted(const struct weft_choice *choices, uint32_t n, uint32_t *links)
{
	uint32_t least = UINT32_MAX, n_links = 0;
	for (uint32_t i = 0; i < n; i++)
		least = choices[i].weight < least ? choices[i].weight : least;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t times = least ? choices[i].weight / least : 1;
		times = times < WEIGHT_MAX ? times : WEIGHT_MAX;
		for (; times > 0 && n_links < CHOICES; times--)
			links[n_links++] = choices[i].link;
	}
	return n_links;
}

/* The live choices of the routing: all, or those of weight > 0, or when these are dead one of the others. */
static uint32_t filter(struct ether_network *net, struct weft_choice *choices, uint32_t n, uint32_t destination, uint32_t *links)
{
	bool all = net->spray || net->adaptive || net->ecmp;
	struct weft_choice kept[CHOICES];
	uint32_t n_kept = 0, n_links = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (all)
			choices[i].weight = 1;
		if (choices[i].weight && leads_there(net, choices[i].link, destination))
			kept[n_kept++] = choices[i];
	}
	if (n_kept)
		return take_weighted(kept, n_kept, links);
	for (uint32_t i = 0; !all && i < n && !n_links; i++) {
		const struct weft_choice *other = &choices[(net->base.setup.fabric->npu_node[destination] + i) % n];
		if (!other->weight && leads_there(net, other->link, destination))
			links[n_links++] = other->link;
	}
	return n_links;
}

static uint32_t detour(struct ether_network *net, uint32_t node, uint32_t destination, uint32_t *links)
{
	const struct fabric *fabric = net->base.setup.fabric;
	const uint8_t *avoid = net->base.setup.links->avoid;
	uint32_t *distance = memory_alloc(fabric->n_nodes * sizeof *distance), n = 0;
	shortest_distances(fabric, fabric->npu_node[destination], avoid, distance);
	for (uint32_t i = fabric->out_first[node]; distance[node] != UINT32_MAX && i < fabric->out_first[node + 1]; i++) {
		uint32_t link = fabric->out_links[i];
		if (!avoid[link] && distance[fabric->link_target[link]] == distance[node] - 1 && n < CHOICES)
			links[n++] = link;
	}
	free(distance);
	return n;
}

/* The set for one way in. */
static uint32_t find_one(struct ether_network *net, uint32_t node, uint32_t in_link, uint32_t destination)
{
	const struct fabric *fabric = net->base.setup.fabric;
	uint32_t source = in_link == ETHER_NONE ? node : fabric->npu_node[destination ? 0 : fabric->n_npus - 1];
	struct weft_hop hop = {.node = node, .in_link = in_link == ETHER_NONE ? WEFT_NONE : in_link, .source = source,
		.destination = fabric->npu_node[destination], .via = WEFT_NONE};
	struct weft_choice choices[CHOICES];
	uint32_t links[CHOICES], n;
	if (net->ways.detour[destination])
		return intern(&net->ways, links, detour(net, node, destination, links));
	n = fabric_next_links(fabric, &hop, choices, CHOICES);
	n = filter(net, choices, n < CHOICES ? n : CHOICES, destination, links);
	if (n == 0 && in_link == ETHER_NONE && net->ways.any_avoided) { /* every legal way is dead */
		free(net->ways.rows[destination]);
		free(net->ways.by_input[destination]);
		net->ways.rows[destination] = net->ways.by_input[destination] = NULL;
		net->ways.detour[destination] = 1;
		n = detour(net, node, destination, links);
	}
	return intern(&net->ways, links, n);
}

/* Whether all ways into the node lead on alike. */
static bool same_for_all(struct ether_network *net, uint32_t node, uint32_t destination, uint32_t found)
{
	const struct ether_ways *ways = &net->ways;
	for (uint32_t i = ways->in_first[node]; i < ways->in_first[node + 1]; i++)
		if (find_one(net, node, ways->in_links[i], destination) != found)
			return false;
	return true;
}

static uint32_t *row_of(struct ether_network *net, uint32_t **rows, uint32_t destination, size_t n)
{
	(void)net;
	if (!rows[destination])
		rows[destination] = memory_zero(n, sizeof **rows);
	return rows[destination];
}

uint32_t ether_ways_find(struct ether_network *net, uint32_t node, uint32_t in_link, uint32_t destination)
{
	const struct fabric *fabric = net->base.setup.fabric;
	size_t n = (size_t)fabric->n_nodes + fabric->n_npus, at = node;
	if (in_link == ETHER_NONE)
		at = fabric->n_nodes + net->nodes[node].npu;
	uint32_t known = row_of(net, net->ways.rows, destination, n)[at];
	if (known == ETHER_NONE && row_of(net, net->ways.by_input, destination, fabric->n_links)[in_link])
		return net->ways.by_input[destination][in_link];
	uint32_t found = find_one(net, node, in_link, destination);
	if (in_link != ETHER_NONE && (known == ETHER_NONE || !same_for_all(net, node, destination, found))) {
		row_of(net, net->ways.rows, destination, n)[at] = ETHER_NONE;
		row_of(net, net->ways.by_input, destination, fabric->n_links)[in_link] = found;
	} else {
		row_of(net, net->ways.rows, destination, n)[at] = found; /* find_one may have thrown the row away */
	}
	return found;
}

int64_t ether_round_trip_ps(struct ether_network *net, uint32_t source, uint32_t destination, uint32_t wire)
{
	const struct fabric *fabric = net->base.setup.fabric;
	const struct links *links = net->base.setup.links;
	uint32_t node = fabric->npu_node[source], in_link = ETHER_NONE;
	int64_t total_ps = 0;
	for (uint32_t hop = 0; net->nodes[node].npu != destination; hop++) {
		struct ether_set set = ether_ways(net, node, in_link, destination);
		if (set.n == 0 || hop > fabric->n_nodes)
			return TIME_NEVER;
		in_link = net->ways.links[set.first];
		int64_t rate = links->bytes_per_s[in_link] ? links->bytes_per_s[in_link] : fabric->link_bandwidth[in_link];
		total_ps += 2 * net->ports[in_link].latency_ps + serialization_ps(wire, rate) + serialization_ps(net->control_wire, rate);
		node = fabric->link_target[in_link];
	}
	return total_ps;
}
