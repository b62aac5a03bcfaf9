/* Links that change, and runs that cannot go on.
 *
 * A serialization in progress keeps its rate; what goes down loses what is on its wire and what is being serialized. What waits for a
 * link that is down waits until that is detected, or the link is back; at detection it is dropped. Recovery is the business of the
 * transport: acknowledgements that do not come, or complaints. */
#include "base/text.h"
#include "network/ethernet.h"

static void lose_wire(struct ether_network *net, uint32_t link)
{
	struct ether_port *port = &net->ports[link];
	while (port->n) {
		uint32_t index = ether_flight_at(port, 0)->packet;
		port->first++;
		port->n--;
		ether_drop(net, link, index);
	}
}

/* Pauses that were on the wire, or count for a link that is down, hold for nobody. */
static void forget_pause(struct ether_network *net, uint32_t link)
{
	struct ether_port *port = &net->ports[link];
	if (port->paused)
		ether_pause_end(net, link);
	if (net->inputs)
		net->inputs[link].off = false;
}

static void lose_queue(struct ether_network *net, uint32_t link)
{
	struct ether_port *port = &net->ports[link];
	if (net->watches)
		ether_watch_change(net, link);
	for (uint32_t class = 0; class < ETHER_CLASSES; class++)
		while (port->queues[class].head != ETHER_NONE) {
			uint32_t index = port->queues[class].head;
			port->queues[class].head = net->packets[index].next;
			port->queues[class].bytes -= net->packets[index].wire;
			if (class == ETHER_BULK)
				ether_release_room(net, &net->packets[index], port->source);
			ether_drop(net, link, index);
		}
}

/* New ways for everything: what waits for a link that is avoided is dropped, sources choose anew. */
static void reroute(struct ether_network *net)
{
	const struct fabric *fabric = net->base.setup.fabric;
	ether_ways_forget(net);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		if (net->base.setup.links->avoid[link])
			lose_queue(net, link);
	for (uint32_t index = 0; index < net->flows.capacity; index++) {
		if (net->flows.next[index] != POOL_USED)
			continue;
		struct ether_flow *flow = ether_flow_at(net, index);
		flow->source_set = ether_ways_find(net, fabric->npu_node[flow->message.source], ETHER_NONE, flow->message.destination);
		for (uint32_t i = 0; i < net->ways.sets[flow->source_set - 1].n; i++)
			ether_touch(net, net->ways.links[net->ways.sets[flow->source_set - 1].first + i]);
	}
}

void ether_port_rates(struct ether_network *net, uint32_t link)
{
	struct ether_port *port = &net->ports[link];
	const struct links *links = net->base.setup.links;
	int64_t rate = links->bytes_per_s[link];
	bool last = net->nodes[port->target].npu != ETHER_NONE;
	port->up = rate > 0;
	port->latency_ps = time_add(links->latency_ps[link], last ? 0 : net->forwarding_ps);
	if (!port->up)
		return;
	int64_t full_ps = serialization_ps(net->full_wire, rate), control_ps = serialization_ps(net->control_wire, rate);
	port->full_ps = full_ps < UINT32_MAX ? (uint32_t)full_ps : 0;
	port->control_ps = control_ps < UINT32_MAX ? (uint32_t)control_ps : 0;
}

void ether_link_changed(struct network *network, uint32_t link, int64_t old_bytes_per_s, int64_t old_latency_ps)
{
	struct ether_network *net = (struct ether_network *)network;
	const struct links *links = network->setup.links;
	struct ether_port *port = &net->ports[link];
	if (links->bytes_per_s[link] == old_bytes_per_s && links->latency_ps[link] == old_latency_ps) {
		reroute(net);
		return;
	}
	if (port->n && port->free_ps > ether_now(net)) { /* the latency counts when the last byte leaves */
		struct ether_flight *last = ether_flight_at(port, port->n - 1);
		last->time_ps += links->latency_ps[link] - old_latency_ps;
		if (port->n > 1 && last->time_ps < ether_flight_at(port, port->n - 2)->time_ps)
			last->time_ps = ether_flight_at(port, port->n - 2)->time_ps;
		if (port->n == 1)
			engine_schedule(network->setup.engine, last->time_ps, net->arrival_handler, link);
	}
	ether_port_rates(net, link);
	if (links->state[link] == LINK_DOWN && old_bytes_per_s > 0) {
		lose_wire(net, link);
		forget_pause(net, link);
		if (net->reverse[link] != ETHER_NONE)
			forget_pause(net, net->reverse[link]);
		port->free_ps = ether_now(net);
	}
	ether_touch(net, link);
}

enum { SHOWN = 4 };

void ether_describe_stuck(const struct network *network, struct text *out)
{
	const struct ether_network *net = (const struct ether_network *)network;
	const struct fabric *fabric = network->setup.fabric;
	uint32_t shown = 0;
	char name[256];
	for (uint32_t index = 0; index < net->flows.capacity && shown < SHOWN; index++) {
		if (net->flows.next[index] != POOL_USED)
			continue;
		const struct ether_flow *flow = ether_flow_at(net, index);
		text_printf(out, "; message %llu of %lld B from '%s' to '%s': %u of %u packets have come", (unsigned long long)flow->message.id,
			    (long long)flow->message.bytes, fabric->node_name[fabric->npu_node[flow->message.source]],
			    fabric->node_name[fabric->npu_node[flow->message.destination]], flow->n_received, flow->n_packets);
		shown++;
	}
	for (uint32_t link = 0, n = 0; link < fabric->n_links && n < SHOWN; link++) {
		const struct ether_port *port = &net->ports[link];
		if (!port->paused && port->up)
			continue;
		n++;
		text_printf(out, "; link '%s' is %s", fabric_link_name(fabric, link, name, sizeof name), port->up ? "paused" : "down");
	}
}

void ether_cut(struct network *network)
{
	struct ether_network *net = (struct ether_network *)network;
	if (net->runs)
		ether_observe_end(net);
	for (uint32_t index = 0; index < net->flows.capacity; index++)
		if (net->flows.next[index] == POOL_USED && ether_flow_at(net, index)->deliver_ps == TIME_NEVER)
			ether_message_lost(net, index);
}

/* Every byte that was sent has come, was dropped, or is in the network. */
void ether_verify(const struct ether_network *net)
{
	int64_t bytes = 0;
	for (uint32_t i = 0; i < net->n_packets; i++)
		if (net->packets[i].flow != ETHER_NONE)
			bytes += net->packets[i].payload;
	assert(bytes == net->counters.bytes_in_flight);
	assert(net->counters.bytes_injected == net->counters.bytes_delivered + net->counters.bytes_dropped + net->counters.bytes_in_flight);
	(void)bytes;
}
