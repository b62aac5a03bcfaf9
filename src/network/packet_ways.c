/* Ways on, node by node, for packets that choose their way as they go (spray, adaptive, ugal): the legal links and channels from here
 * to a destination, by id of link. Nothing enumerates paths. Equal sets are kept once.
 *
 * Where a module says that its legal ways follow from node and destination alone (WEFT_CLAIM_BY_NODE) a table of both holds them: as
 * many entries as nodes × destinations. Else a cache of fixed size holds what was asked last, by all that the module may look at;
 * what is not there is asked for again. Either way results do not depend on what is remembered.
 *
 * While links are avoided, a way counts only if it leads to the destination over links that are not; that is found by asking the node
 * behind it, and ends because modules guarantee progress. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "network/packet.h"

enum { CACHE_BITS = 17, ASKED_FIRST = 64 };
#define TABLE_MAX (UINT64_C(1) << 27) /* entries: 512 MB, of which only what is used takes memory */

struct cached {
	uint64_t here, ends; /* 0 in `here`: empty */
	uint32_t via, set;
};

static uint64_t hash_set(const struct packet_way *ways, uint32_t n)
{
	uint64_t hash = n;
	for (uint32_t i = 0; i < n; i++)
		hash = random_mix(hash ^ ((uint64_t)ways[i].link << 4 | ways[i].channel));
	return hash;
}

static bool same_ways(const struct packet_ways *all, const struct packet_set *set, const struct packet_way *ways, uint32_t n)
{
	for (uint32_t i = 0; i < n && set->n == n; i++)
		if (all->ways[set->first + i].link != ways[i].link || all->ways[set->first + i].channel != ways[i].channel)
			return false;
	return set->n == n;
}

static size_t slot_of(const struct packet_ways *all, const struct packet_way *ways, uint32_t n)
{
	size_t slot = hash_set(ways, n) & (all->n_slots - 1);
	while (all->slots[slot] && !same_ways(all, &all->sets[all->slots[slot]], ways, n))
		slot = (slot + 1) & (all->n_slots - 1);
	return slot;
}

static void grow_slots(struct packet_ways *all)
{
	free(all->slots);
	all->n_slots *= 2;
	all->slots = memory_zero(all->n_slots, sizeof *all->slots);
	for (uint32_t id = 1; id < all->n_sets; id++)
		all->slots[slot_of(all, all->ways + all->sets[id].first, all->sets[id].n)] = id;
}

/* The id of the set of these ways. Ids depend on the order of asking and reach no result. */
static uint32_t intern(struct packet_ways *all, const struct packet_way *ways, uint32_t n)
{
	size_t slot = slot_of(all, ways, n);
	if (all->slots[slot])
		return all->slots[slot];
	ARRAY_RESERVE(all->sets, (size_t)all->n_sets + 1, all->sets_capacity);
	ARRAY_RESERVE(all->ways, (size_t)all->n_ways + n, all->ways_capacity);
	memcpy(all->ways + all->n_ways, ways, n * sizeof *ways);
	all->sets[all->n_sets] = (struct packet_set){.first = all->n_ways, .n = n};
	all->n_ways += n;
	all->slots[slot] = all->n_sets;
	if ((size_t)++all->n_sets * 2 > all->n_slots)
		grow_slots(all);
	return all->n_sets - 1;
}

void packet_ways_create(struct packet_network *net)
{
	const struct fabric *fabric = net->base.setup.fabric;
	struct packet_ways *all = net->ways = memory_zero(1, sizeof *all);
	uint64_t pairs = (uint64_t)fabric->n_nodes * fabric->n_npus;
	all->by_node = fabric_routes_by_node(fabric);
	all->n_slots = 64;
	all->slots = memory_zero(all->n_slots, sizeof *all->slots);
	all->n_sets = 1; /* set 0: not asked yet */
	ARRAY_RESERVE(all->sets, 1, all->sets_capacity);
	all->sets[0] = (struct packet_set){0};
	if (all->by_node && pairs <= TABLE_MAX)
		all->table = memory_zero(pairs + 1, sizeof *all->table);
	else
		all->cache = memory_zero((size_t)1 << CACHE_BITS, sizeof *all->cache);
}

void packet_ways_free(struct packet_ways *all)
{
	if (!all)
		return;
	void *arrays[] = {all->slots, all->sets, all->ways, all->table, all->cache, all->asked, all};
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		free(arrays[i]);
}

void packet_ways_forget(struct packet_network *net)
{
	struct packet_ways *all = net->ways;
	const struct links *links = net->base.setup.links;
	const struct fabric *fabric = net->base.setup.fabric;
	all->any_avoided = memchr(links->avoid, 1, fabric->n_links) != NULL;
	if (all->table)
		memset(all->table, 0, (size_t)fabric->n_nodes * fabric->n_npus * sizeof *all->table);
	else
		memset(all->cache, 0, sizeof *all->cache << CACHE_BITS);
}

static uint32_t fail_module(struct packet_network *net, const struct weft_hop *hop, const char *what)
{
	const struct fabric *fabric = net->base.setup.fabric;
	error_set(&net->base.error, ERROR_SIMULATION, "topology '%s' routes '%s' to '%s' wrongly: at '%s' %s", fabric->module->name,
		  fabric->node_name[hop->source], fabric->node_name[hop->destination], fabric->node_name[hop->node], what);
	engine_stop(net->base.setup.engine);
	return 0;
}

static int by_link(const void *a, const void *b)
{
	const struct packet_way *x = a, *y = b;
	if (x->link != y->link)
		return x->link < y->link ? -1 : 1;
	return (x->channel > y->channel) - (x->channel < y->channel);
}

static uint32_t find(struct packet_network *net, const struct weft_hop *hop, uint32_t depth);

/* Whether the destination can be reached by this link over links that are not avoided. */
static bool leads_there(struct packet_network *net, const struct weft_hop *hop, struct packet_way way, uint32_t depth)
{
	const struct fabric *fabric = net->base.setup.fabric;
	if (!net->ways->any_avoided)
		return true;
	if (net->base.setup.links->avoid[way.link])
		return false;
	struct weft_hop next = *hop;
	next.node = fabric->link_target[way.link];
	next.in_link = way.link;
	next.vc = way.channel & 15u;
	if (next.node == hop->destination && (hop->via == WEFT_NONE || hop->via == next.node))
		return true;
	uint32_t id = find(net, &next, depth + 1);
	return net->ways->sets[id].n > 0;
}

/* Asks the module; the answer lies at all->asked + from, which deeper calls do not touch. */
static uint32_t ask(struct packet_network *net, const struct weft_hop *hop, uint32_t from)
{
	struct packet_ways *all = net->ways;
	const struct fabric *fabric = net->base.setup.fabric;
	struct weft_choice few[ASKED_FIRST], *choices = few;
	uint32_t n = fabric_next_links(fabric, hop, few, ASKED_FIRST);
	if (n > ASKED_FIRST) {
		choices = memory_alloc(n * sizeof *choices);
		n = fabric_next_links(fabric, hop, choices, n);
	}
	ARRAY_RESERVE(all->asked, (size_t)from + n, all->asked_capacity);
	for (uint32_t i = 0; i < n; i++) {
		if (choices[i].link >= fabric->n_links || fabric->link_source[choices[i].link] != hop->node)
			n = fail_module(net, hop, "it chooses a link that does not leave there");
		else if (choices[i].vc >= net->n_channels)
			n = fail_module(net, hop, "it chooses a virtual channel that it did not ask for");
		else
			all->asked[from + i] = (struct packet_way){.link = choices[i].link & PACKET_WAY_LINKS, .channel = choices[i].vc & 15u};
	}
	if (choices != few)
		free(choices);
	qsort(all->asked + from, n, sizeof *all->asked, by_link);
	return n;
}

static uint32_t make_set(struct packet_network *net, const struct weft_hop *hop, uint32_t depth)
{
	struct packet_ways *all = net->ways;
	uint32_t from = all->n_asked, n, kept = 0;
	if (depth > 2 * net->base.setup.fabric->n_nodes)
		return intern(all, NULL, fail_module(net, hop, "the way does not end"));
	n = ask(net, hop, from);
	all->n_asked += n;
	for (uint32_t i = 0; i < n; i++) {
		struct packet_way way = all->asked[from + i];
		if (leads_there(net, hop, way, depth))
			all->asked[from + kept++] = way;
	}
	all->n_asked = from;
	return intern(all, all->asked + from, kept);
}

static uint32_t find_cached(struct packet_network *net, const struct weft_hop *hop, uint32_t depth)
{
	struct packet_ways *all = net->ways;
	const struct fabric *fabric = net->base.setup.fabric;
	bool first = all->by_node || hop->in_link == WEFT_NONE;
	uint64_t here = (uint64_t)(first ? hop->node : hop->in_link) << 8 | (all->by_node ? 0u : hop->vc) << 2 | (uint64_t)hop->via_reached << 1 | (uint64_t)first;
	uint64_t ends = (uint64_t)(all->by_node ? 0u : fabric->node_npu[hop->source]) << 32 | fabric->node_npu[hop->destination];
	struct cached *slot = &all->cache[random_mix(here ^ random_mix(ends ^ (uint64_t)hop->via << 20)) >> (64 - CACHE_BITS)];
	here++; /* never 0 */
	if (slot->here == here && slot->ends == ends && slot->via == hop->via)
		return slot->set;
	uint32_t set = make_set(net, hop, depth);
	*slot = (struct cached){.here = here, .ends = ends, .via = hop->via, .set = set};
	return set;
}

static uint32_t find(struct packet_network *net, const struct weft_hop *at, uint32_t depth)
{
	struct packet_ways *all = net->ways;
	struct weft_hop hop = *at;
	if (hop.via == hop.node) {
		hop.via = WEFT_NONE;
		hop.via_reached = 1;
	}
	if (!all->table || hop.via != WEFT_NONE || hop.via_reached)
		return all->cache ? find_cached(net, &hop, depth) : make_set(net, &hop, depth);
	uint32_t *set = &all->table[packet_table_index(net, hop.node, net->base.setup.fabric->node_npu[hop.destination])];
	if (!*set) {
		uint32_t made = make_set(net, &hop, depth); /* which may fill others */
		*set = made;
	}
	return *set;
}

struct packet_set packet_ways_find(struct packet_network *net, const struct weft_hop *hop)
{
	uint32_t id = find(net, hop, 0);
	return net->ways->sets[id];
}

struct weft_hop packet_hop_at(const struct packet_network *net, uint32_t node, uint32_t credit, const struct packet_entry *entry)
{
	const struct fabric *fabric = net->base.setup.fabric;
	const struct network_message *message = &packet_message_at(net, entry->message)->message;
	bool here = credit == PACKET_NONE; /* at its source */
	return (struct weft_hop){.node = node, .in_link = here ? WEFT_NONE : credit / net->n_channels,
		.vc = (uint8_t)(here ? 0 : credit % net->n_channels), .source = fabric->npu_node[message->source],
		.destination = fabric->npu_node[message->destination], .via = WEFT_NONE};
}

/* Packets that come over a link take the ways on in turn: every n of them that have n ways take each once, from a start that is drawn
 * anew for every round, so that the turns of several tiers do not fall into step. */
static uint32_t turn(const struct packet_network *net, uint32_t link, uint32_t n)
{
	uint32_t turn = net->links[link].turns;
	uint64_t start = random_mix(net->base.setup.seed ^ random_mix((uint64_t)link << 32 | turn / n));
	return (uint32_t)((turn + (start >> 33)) % n);
}

static uint32_t input_queue(const struct packet_network *net, uint32_t credit, uint32_t out)
{
	return net->links[out].first_voq + net->links[credit / net->n_channels].in_port * net->n_channels + credit % net->n_channels;
}

uint32_t packet_chosen_voq(const struct packet_network *net, uint32_t credit, uint32_t hop)
{
	const struct fabric *fabric = net->base.setup.fabric;
	uint32_t place = hop & ((1u << PACKET_HOP_CHANNEL) - 1);
	return input_queue(net, credit, fabric->out_links[fabric->out_first[fabric->link_target[credit / net->n_channels]] + place]);
}

/* Where a link is among those of its node. */
static uint32_t place_of(const struct fabric *fabric, uint32_t link)
{
	uint32_t place = 0, first = fabric->out_first[fabric->link_source[link]];
	while (fabric->out_links[first + place] != link)
		place++;
	return place;
}

void packet_ways_missing(struct packet_network *net, uint32_t credit, const struct packet_entry *entry)
{
	struct weft_hop hop = packet_hop_at(net, net->base.setup.fabric->link_target[credit / net->n_channels], credit, entry);
	fail_module(net, &hop, "there is no way on");
}

uint32_t packet_ways_peek(const struct packet_network *net, uint32_t credit, const struct packet_entry *entry)
{
	const struct packet_ways *all = net->ways;
	uint32_t link = credit / net->n_channels;
	uint32_t id = all->table ? all->table[packet_table_index(net, net->links[link].target, entry->stride_ps)] : 0;
	const struct packet_set *set = &all->sets[id];
	if (!set->n)
		return PACKET_NONE;
	return input_queue(net, credit, all->ways[set->first + (set->n > 1 ? turn(net, link, set->n) : 0)].link);
}

uint32_t packet_ways_next(struct packet_network *net, uint32_t credit, struct packet_entry *entry)
{
	struct packet_ways *all = net->ways;
	uint32_t link = credit / net->n_channels, node = net->links[link].target, id = 0;
	if (all->table)
		id = all->table[packet_table_index(net, node, entry->stride_ps)];
	if (!id) {
		struct weft_hop hop = packet_hop_at(net, node, credit, entry);
		id = find(net, &hop, 0);
	}
	const struct packet_set *set = &all->sets[id];
	if (__builtin_expect(set->n == 0, 0)) {
		packet_ways_missing(net, credit, entry);
		return PACKET_NONE;
	}
	struct packet_way way = all->ways[set->first + (set->n > 1 ? turn(net, link, set->n) : 0)];
	net->links[link].turns += set->n > 1;
	entry->hop = packet_hopwise(way.channel);
	if (net->fifos)
		entry->hop |= place_of(net->base.setup.fabric, way.link);
	return input_queue(net, credit, way.link);
}

bool packet_way_lost(struct packet_network *net, uint32_t voq, const struct packet_entry *entry)
{
	uint32_t link = net->voqs[voq].link;
	struct weft_hop hop = packet_hop_towards(net, net->base.setup.fabric->link_source[link], net->voqs[voq].returns, entry);
	struct packet_set set = packet_ways_find(net, &hop);
	for (uint32_t i = 0; i < set.n; i++) {
		struct packet_way way = net->ways->ways[set.first + i];
		if (way.link == link && way.channel == packet_channel(net, entry->hop))
			return false;
	}
	return true;
}

int64_t packet_ways_latency_ps(struct packet_network *net, const struct network_message *message)
{
	const struct fabric *fabric = net->base.setup.fabric;
	const struct links *links = net->base.setup.links;
	struct weft_hop hop = {.node = fabric->npu_node[message->source], .in_link = WEFT_NONE, .source = fabric->npu_node[message->source],
		.destination = fabric->npu_node[message->destination], .via = WEFT_NONE};
	int64_t latency_ps = 0;
	while (hop.node != hop.destination) {
		struct packet_set set = packet_ways_find(net, &hop);
		if (set.n == 0)
			break;
		struct packet_way way = net->ways->ways[set.first];
		latency_ps = time_add(latency_ps, links->latency_ps[way.link]);
		hop.node = fabric->link_target[way.link];
		hop.in_link = way.link;
		hop.vc = way.channel & 15u;
	}
	return latency_ps;
}
