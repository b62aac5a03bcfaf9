/* Adaptive routing and UGAL: the way is chosen when a packet gets to a node, by what waits there. So nothing runs ahead of the clock
 * past the end of a link: packets on a wire are a list, and one pending event tells of the first that gets there.
 *
 * Decisions are made in the network phase, by id of the link that a packet came by, and each sees the ones before it: no result
 * depends on the order of events. An output that becomes free in that very instant has chosen before, among what was there.
 *
 * What waits for a link: the bytes, header and all, of packets that came from other nodes and chose it, and those of the one that is
 * being sent that have not left yet. A node's own messages wait in its memory and do not count, unless they gave up their
 * minimal way for this link.
 *
 * UGAL (A. Singh, Load-balanced routing in interconnection networks, Stanford 2005; the local form, UGAL-L): once per packet, at the
 * first node where there is something to choose, minimal or through an intermediate node that is drawn for the packet (the first
 * of four draws that leads over another link): through it if what waits × hops is more for the minimal way. At the source's own switch; at the source itself where NPUs are the
 * switches, at the moment when the link of the minimal way would take the packet. */
#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/random.h"
#include "network/packet.h"

enum { DRAWS = 4, ANOTHER_DRAW = 0x351d67 };

int packet_adaptive_create(struct packet_network *net, struct error *err)
{
	const struct fabric *fabric = net->base.setup.fabric;
	net->adapts = true;
	net->trains = false;
	net->ugal = net->base.setup.routes->routing == ROUTING_UGAL;
	if (net->input_fifo)
		return error_set(err, ERROR_INPUT, "routing '%s' needs 'queues: voq': packets choose their output when they arrive",
				 routing_names[net->base.setup.routes->routing]);
	if (net->ugal && !fabric->module->via_nodes)
		return error_set(err, ERROR_INPUT, "topology '%s' offers no intermediate nodes for routing ugal", fabric->module->name);
	net->waiting = memory_zero(fabric->n_links + 1u, sizeof *net->waiting);
	net->arriving = memory_alloc((fabric->n_links + 1u) * sizeof *net->arriving);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		net->arriving[link] = (struct packet_wire){.head = PACKET_NONE, .tail = PACKET_NONE};
	bitset_init(&net->arrived, fabric->n_links);
	bitset_init(&net->asking, fabric->n_links);
	net->arrival_handler = engine_register(net->base.setup.engine, packet_arrival_due, net);
	engine_register_phase(net->base.setup.engine, ENGINE_PHASE_NETWORK, packet_decide, net);
	return 0;
}

void packet_adaptive_release(struct packet_network *net)
{
	if (!net->adapts)
		return;
	free(net->waiting);
	free(net->arriving);
	bitset_release(&net->arrived);
	bitset_release(&net->asking);
}

void packet_arrive(struct packet_network *net, uint32_t link, uint32_t index)
{
	struct packet_wire *wire = &net->arriving[link];
	struct packet_entry *entry = &net->entries[index];
	entry->next = PACKET_NONE;
	if (wire->head == PACKET_NONE) {
		wire->head = wire->tail = index;
		engine_schedule(net->base.setup.engine, entry->avail_ps, net->arrival_handler, link);
		return;
	}
	const struct packet_entry *before = &net->entries[wire->tail]; /* arrivals stay in order, also when the latency fell */
	if (entry->avail_ps < before->avail_ps)
		entry->avail_ps = before->avail_ps;
	net->entries[wire->tail].next = index;
	wire->tail = index;
}

void packet_arrival_due(void *context, uint32_t link)
{
	struct packet_network *net = context;
	uint32_t head = net->arriving[link].head;
	if (head == PACKET_NONE || net->entries[head].avail_ps > net->base.setup.engine->now_ps)
		return; /* lost since */
	bitset_add(&net->arrived, link);
	engine_request(net->base.setup.engine, ENGINE_PHASE_NETWORK);
}

/* ---- what waits -------------------------------------------------------------------------------------------------------- */

static int64_t waits_bytes(const struct packet_network *net, uint32_t link)
{
	int64_t left_ps = net->links[link].free_ps - net->base.setup.engine->now_ps, rate = net->base.setup.links->bytes_per_s[link];
	return net->waiting[link] + (left_ps > 0 ? scale_floor(rate, left_ps, PS_PER_S) : 0);
}

/* The way with the least bytes waiting; among equals the next in turn for packets that come by this link. */
static struct packet_way least(struct packet_network *net, struct packet_set set, uint32_t turn, int64_t *bytes)
{
	struct packet_way best = net->ways->ways[set.first + turn % set.n];
	*bytes = waits_bytes(net, best.link);
	for (uint32_t i = 1; i < set.n; i++) {
		struct packet_way way = net->ways->ways[set.first + (turn + i) % set.n];
		int64_t waits = waits_bytes(net, way.link);
		if (waits < *bytes) {
			*bytes = waits;
			best = way;
		}
	}
	return best;
}

/* ---- UGAL -------------------------------------------------------------------------------------------------------------- */

static uint32_t via_of(const struct packet_network *net, const struct packet_entry *entry)
{
	const struct fabric *fabric = net->base.setup.fabric;
	const struct network_message *message = &packet_message_at(net, entry->message)->message;
	uint32_t source = fabric->npu_node[message->source], destination = fabric->npu_node[message->destination], node = WEFT_NONE;
	uint32_t n = fabric->module->via_nodes(fabric->module_data, source, destination, 0, &node);
	if (n == 0)
		return WEFT_NONE;
	uint64_t draw = random_mix(net->base.setup.seed ^ random_mix(message->id << 24 ^ (entry->hop & PACKET_DRAW)));
	fabric->module->via_nodes(fabric->module_data, source, destination, (uint32_t)((draw >> 32) % n), &node);
	return node == source || node == destination ? WEFT_NONE : node;
}

struct weft_hop packet_hop_towards(const struct packet_network *net, uint32_t node, uint32_t credit, const struct packet_entry *entry)
{
	struct weft_hop hop = packet_hop_at(net, node, credit, entry);
	if (net->ugal && (entry->hop & PACKET_STATE) == PACKET_TO_VIA)
		hop.via = via_of(net, entry);
	hop.via_reached = net->ugal && (entry->hop & PACKET_STATE) == PACKET_FROM_VIA;
	return hop;
}

static struct weft_hop arrive_at(const struct packet_network *net, uint32_t node, uint32_t credit, struct packet_entry *entry)
{
	struct weft_hop hop = packet_hop_towards(net, node, credit, entry);
	if (hop.via == node) {
		hop.via = WEFT_NONE;
		hop.via_reached = 1;
		entry->hop = (entry->hop & ~PACKET_STATE) | PACKET_FROM_VIA;
	}
	return hop;
}

/* Links from here to the end along first ways; 0: there is no way. */
static uint32_t count_hops(struct packet_network *net, struct weft_hop hop)
{
	const struct fabric *fabric = net->base.setup.fabric;
	uint32_t n = 0;
	while (hop.node != hop.destination || hop.via != WEFT_NONE) {
		struct packet_set set = packet_ways_find(net, &hop);
		if (set.n == 0 || n > 2 * fabric->n_nodes)
			return 0;
		struct packet_way way = net->ways->ways[set.first];
		hop.in_link = way.link;
		hop.vc = way.channel & 15u;
		hop.node = fabric->link_target[way.link];
		n++;
		if (hop.node == hop.via) {
			hop.via = WEFT_NONE;
			hop.via_reached = 1;
		}
	}
	return n;
}

/* Through another intermediate node than the one drawn last. */
static void draw_again(struct packet_entry *entry)
{
	entry->hop = (entry->hop & ~PACKET_DRAW) | ((entry->hop + ANOTHER_DRAW) & PACKET_DRAW);
}

/* The first of some drawn nodes that are reached by another link than the minimal way: else the two would wait for the same. Fills the
 * link, what waits for it and the hops; false: there is none. */
static bool draw_via(struct packet_network *net, const struct weft_hop *hop, uint32_t turn, struct packet_entry *entry,
		     uint32_t minimal_link, struct packet_way *way, int64_t *bytes, uint32_t *hops)
{
	for (int i = 0; i < DRAWS; i++, draw_again(entry)) {
		struct weft_hop through = *hop;
		through.via = via_of(net, entry);
		if (through.via == WEFT_NONE || through.via == hop->node)
			continue;
		struct packet_set set = packet_ways_find(net, &through);
		if (set.n == 0)
			continue;
		*way = least(net, set, turn, bytes);
		if (way->link != minimal_link && (*hops = count_hops(net, through)) > 0)
			return true;
	}
	return false;
}

/* Minimal or through an intermediate node. Fills the way and the state; false: there is no way at all. */
static bool weigh(struct packet_network *net, const struct weft_hop *hop, uint32_t turn, struct packet_entry *entry, struct packet_way *way)
{
	struct packet_set set = packet_ways_find(net, hop);
	struct packet_way other;
	int64_t minimal_bytes, via_bytes;
	uint32_t via_hops;
	if (set.n == 0)
		return false;
	*way = least(net, set, turn, &minimal_bytes);
	entry->hop &= ~PACKET_STATE; /* PACKET_MINIMAL */
	bool there = net->base.setup.fabric->link_target[way->link] == hop->destination;
	if (there || minimal_bytes == 0 || !draw_via(net, hop, turn, entry, way->link, &other, &via_bytes, &via_hops))
		return true;
	if (minimal_bytes * count_hops(net, *hop) > via_bytes * via_hops) {
		*way = other;
		entry->hop |= PACKET_TO_VIA;
	}
	return true;
}

/* ---- deciding ---------------------------------------------------------------------------------------------------------- */

/* When a packet that could be looked at since now may start on a link: cut through, not before that link would not run dry. */
static int64_t may_start_ps(const struct packet_network *net, uint32_t came_by, uint32_t out, uint32_t wire, int64_t now_ps)
{
	const int64_t *rate = net->base.setup.links->bytes_per_s;
	if (!net->cut_through)
		return now_ps;
	int64_t early_ps = serialization_ps(wire, rate[came_by]) - serialization_ps(net->header ? net->header : 1, rate[came_by]);
	int64_t next_ps = serialization_ps(wire, rate[out]);
	return early_ps > next_ps && rate[came_by] ? now_ps + early_ps - next_ps : now_ps;
}

static void join(struct packet_network *net, uint32_t credit, uint32_t index, struct packet_way way)
{
	struct packet_entry *entry = &net->entries[index];
	uint32_t link = credit / net->n_channels, wire = entry->payload + net->header;
	uint32_t voq = net->links[way.link].first_voq + net->links[link].in_port * net->n_channels + credit % net->n_channels;
	entry->hop = (entry->hop & ~PACKET_CHANNEL) | packet_hopwise(way.channel);
	entry->avail_ps = may_start_ps(net, link, way.link, wire, net->base.setup.engine->now_ps);
	net->waiting[way.link] += wire;
	if (net->watches)
		packet_watch_arrive(net, voq, entry);
	packet_push(net, voq, index);
}

/* The first packet of a wire is there. */
static void decide_arrived(struct packet_network *net, uint32_t link, uint32_t index)
{
	struct packet_entry *entry = &net->entries[index];
	uint32_t credit = link * net->n_channels + packet_channel(net, entry->hop), turn = net->links[link].turns++;
	struct weft_hop hop = arrive_at(net, net->base.setup.fabric->link_target[link], credit, entry);
	struct packet_way way;
	if ((entry->hop & PACKET_STATE) == PACKET_LATER) {
		if (weigh(net, &hop, turn, entry, &way)) {
			join(net, credit, index, way);
			return;
		}
	} else {
		struct packet_set set = packet_ways_find(net, &hop);
		int64_t bytes;
		if (set.n) {
			join(net, credit, index, least(net, set, turn, &bytes));
			return;
		}
	}
	packet_loss_of_one(net, link, credit, index);
}

/* A node's own packet: the first of the queue of its minimal way. */
static void decide_own(struct packet_network *net, uint32_t link)
{
	uint32_t own = net->links[link].first_voq + net->links[link].n_inputs - 1, head = net->voqs[own].head;
	if (head == PACKET_NONE || !(net->entries[head].hop & PACKET_HOPWISE) || (net->entries[head].hop & PACKET_STATE) != PACKET_ASK)
		return;
	uint32_t one = packet_detach_own(net, link);
	struct packet_entry *entry = &net->entries[one];
	struct weft_hop hop = packet_hop_at(net, net->base.setup.fabric->link_source[link], PACKET_NONE, entry);
	struct packet_way way = {.link = link & PACKET_WAY_LINKS, .channel = packet_channel(net, entry->hop) & 15u};
	struct packet_way chosen = way;
	weigh(net, &hop, 0, entry, &chosen);
	if ((entry->hop & PACKET_STATE) != PACKET_TO_VIA)
		chosen = way; /* its bytes were given to this link among the minimal ones */
	entry->hop = (entry->hop & ~PACKET_CHANNEL) | packet_hopwise(chosen.channel);
	entry->avail_ps = net->base.setup.engine->now_ps;
	if ((entry->hop & PACKET_STATE) == PACKET_TO_VIA) {
		net->waiting[chosen.link] += entry->payload + net->header;
		packet_push(net, net->links[chosen.link].first_voq + net->links[chosen.link].n_inputs - 1, one);
	} else {
		packet_push_front(net, own, one);
	}
	packet_wake(net, link, net->base.setup.engine->now_ps);
}

void packet_decide(void *context)
{
	struct packet_network *net = context;
	int64_t now_ps = net->base.setup.engine->now_ps;
	for (uint32_t link = 0; (link = bitset_take(&net->arrived, link)) != UINT32_MAX && !net->base.error.code; link++) {
		struct packet_wire *wire = &net->arriving[link];
		while (wire->head != PACKET_NONE && net->entries[wire->head].avail_ps <= now_ps) {
			uint32_t index = wire->head;
			wire->head = net->entries[index].next;
			decide_arrived(net, link, index);
		}
		if (wire->head != PACKET_NONE)
			engine_schedule(net->base.setup.engine, net->entries[wire->head].avail_ps, net->arrival_handler, link);
	}
	for (uint32_t link = 0; (link = bitset_take(&net->asking, link)) != UINT32_MAX && !net->base.error.code; link++)
		decide_own(net, link);
}

bool packet_asks(struct packet_network *net, uint32_t link, const struct packet_entry *head)
{
	if (!(head->hop & PACKET_HOPWISE) || (head->hop & PACKET_STATE) != PACKET_ASK)
		return false;
	bitset_add(&net->asking, link);
	engine_request(net->base.setup.engine, ENGINE_PHASE_NETWORK);
	return true;
}
