/* Arrivals and starts: what happens to every packet on every link. */
#include <stdlib.h>
#include <string.h>

#include "network/ethernet.h"

void ether_arrival_due(void *context, uint32_t link)
{
	struct ether_network *net = context;
	ether_due_add(&net->arrivals, link);
	engine_request(net->base.setup.engine, ENGINE_PHASE_NETWORK);
}

void ether_touch(struct ether_network *net, uint32_t link)
{
	ether_due_add(&net->touched, link);
	if (!net->in_phase)
		engine_request(net->base.setup.engine, ENGINE_PHASE_NETWORK);
}

void ether_idle_due(void *context, uint32_t link)
{
	struct ether_network *net = context;
	if (net->ports[link].event_ps != ether_now(net))
		return;
	net->ports[link].event_ps = TIME_NEVER;
	ether_touch(net, link);
}

/* What bounds an arrival is three cache misses one after the other, link, packet and way: they are begun one event ahead. */
void ether_arrival_preview(void *context, uint32_t link)
{
	const struct ether_network *net = context;
	const struct ether_port *port = &net->ports[link];
	const struct ether_flight *flight = ether_flight_at(port, 0);
	if (!port->n)
		return;
	__builtin_prefetch(&net->packets[flight->packet], 1);
	if (flight->destination != ETHER_NONE && net->ways.rows[flight->destination])
		__builtin_prefetch(&net->ways.rows[flight->destination][port->target]);
}

void ether_idle_preview(void *context, uint32_t link)
{
	const struct ether_network *net = context;
	const struct ether_port *port = &net->ports[link];
	if (port->queues[ETHER_BULK].head != ETHER_NONE)
		__builtin_prefetch(&net->packets[port->queues[ETHER_BULK].head], 1);
}

/* ---- packets ----------------------------------------------------------------------------------------------------------- */

uint32_t ether_packet_take_slow(struct ether_network *net)
{
	uint32_t n = net->n_packets ? 2 * net->n_packets : 1024;
	struct ether_packet *packets = aligned_alloc(64, (size_t)n * sizeof *packets);
	if (!packets)
		memory_failed((size_t)n * sizeof *packets);
	if (net->n_packets)
		memcpy(packets, net->packets, (size_t)net->n_packets * sizeof *packets);
	free(net->packets);
	net->packets = packets;
	net->reports = memory_resize(net->reports, n, sizeof *net->reports);
	for (uint32_t i = n; i-- > net->n_packets;) {
		packets[i].next = net->free_packet;
		packets[i].flow = ETHER_NONE;
		net->free_packet = i;
	}
	net->n_packets = n;
	return ether_packet_take(net);
}

void ether_packet_give(struct ether_network *net, uint32_t index)
{
	struct ether_packet *packet = &net->packets[index];
	uint32_t flow = packet->flow;
	packet->next = net->free_packet;
	packet->flow = ETHER_NONE;
	net->free_packet = index;
	net->n_packets_used--;
	if (flow != ETHER_NONE && --ether_flow_at(net, flow)->alive == 0)
		ether_flow_finish(net, flow);
}

void ether_queue_push(struct ether_network *net, uint32_t link, uint32_t class, uint32_t index)
{
	struct ether_queue *queue = &net->ports[link].queues[class];
	if (net->watches && class == ETHER_BULK)
		ether_watch_change(net, link);
	net->packets[index].next = ETHER_NONE;
	if (queue->head == ETHER_NONE)
		queue->head = index;
	else
		net->packets[queue->tail].next = index;
	queue->tail = index;
	queue->bytes += net->packets[index].wire;
	ether_touch(net, link);
}

static uint32_t queue_pop(struct ether_network *net, struct ether_queue *queue)
{
	uint32_t index = queue->head;
	queue->head = net->packets[index].next;
	queue->bytes -= net->packets[index].wire;
	return index;
}

/* ---- starting ---------------------------------------------------------------------------------------------------------- */

/* The next flow of the host, in turn, that may leave by this link. */
static uint32_t pull(struct ether_network *net, uint32_t npu, uint32_t link)
{
	struct ether_host *host = &net->hosts[npu];
	uint32_t before = ETHER_NONE;
	for (uint32_t index = host->first, next; index != ETHER_NONE; index = next) {
		struct ether_flow *flow = ether_flow_at(net, index);
		struct ether_set set = net->ways.sets[flow->source_set - 1];
		const uint32_t *links = net->ways.links + set.first;
		bool fits = net->ecmp ? links[ether_pick(flow->hash, set.n)] == link : false;
		for (uint32_t i = 0; !net->ecmp && !fits && i < set.n; i++)
			fits = links[i] == link;
		next = flow->next_ready;
		if (!fits && ether_may_send(net, flow)) {
			before = index;
			continue;
		}
		if (before == ETHER_NONE)
			host->first = next;
		else
			ether_flow_at(net, before)->next_ready = next;
		if (host->last == index)
			host->last = before;
		flow->ready = false;
		if (!ether_may_send(net, flow)) {
			ether_flow_finish(net, index);
			continue;
		}
		uint32_t packet = ether_emit(net, index);
		ether_flow_wake(net, index);
		return packet;
	}
	return ETHER_NONE;
}

static bool has_bulk(const struct ether_network *net, const struct ether_port *port)
{
	uint32_t npu = net->nodes[port->source].npu;
	return !port->paused && (port->queues[ETHER_BULK].head != ETHER_NONE || (npu != ETHER_NONE && net->hosts[npu].first != ETHER_NONE));
}

/* What the port sends next, taken out of its queue: data that passes through before the node's own. */
static uint32_t choose(struct ether_network *net, uint32_t link)
{
	struct ether_port *port = &net->ports[link];
	uint32_t npu = net->nodes[port->source].npu, index;
	for (uint32_t class = ETHER_LINK_CONTROL; class <= ETHER_CONTROL; class++)
		if (port->queues[class].head != ETHER_NONE)
			return queue_pop(net, &port->queues[class]);
	if (port->paused)
		return ETHER_NONE;
	if (port->queues[ETHER_BULK].head != ETHER_NONE) {
		if (net->watches)
			ether_watch_change(net, link);
		index = queue_pop(net, &port->queues[ETHER_BULK]);
		ether_release_room(net, &net->packets[index], port->source);
		return index;
	}
	return npu == ETHER_NONE || net->hosts[npu].first == ETHER_NONE ? ETHER_NONE : pull(net, npu, link);
}

static int64_t serialization_on(const struct ether_network *net, uint32_t link, uint32_t wire)
{
	const struct ether_port *port = &net->ports[link];
	uint32_t known_ps = wire == net->full_wire ? port->full_ps : wire == net->control_wire ? port->control_ps : 0;
	return known_ps ? known_ps : serialization_ps(wire, net->base.setup.links->bytes_per_s[link]);
}

static void grow_wire(struct ether_port *port)
{
	uint32_t capacity = port->capacity ? 2 * port->capacity : 4;
	struct ether_flight *wire = memory_alloc(capacity * sizeof *wire);
	for (uint32_t i = 0; i < port->n; i++)
		wire[i] = *ether_flight_at(port, i);
	free(port->wire);
	port->wire = wire;
	port->first = 0;
	port->capacity = capacity;
}

static void fly(struct ether_network *net, uint32_t link, uint32_t index)
{
	struct ether_port *port = &net->ports[link];
	int64_t time_ps = port->free_ps + port->latency_ps;
	if (port->n == port->capacity)
		grow_wire(port);
	if (port->n == 0)
		engine_schedule(net->base.setup.engine, time_ps, net->arrival_handler, link);
	else if (time_ps < ether_flight_at(port, port->n - 1)->time_ps) /* the latency fell: arrivals stay in order */
		time_ps = ether_flight_at(port, port->n - 1)->time_ps;
	*ether_flight_at(port, port->n++) = (struct ether_flight){time_ps, index, net->packets[index].destination};
}

/* The last packet of a message leaves its source for the first time. */
static void note_sent(struct ether_network *net, uint32_t index, int64_t end_ps)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	if (flow->sent_once < flow->n_packets || flow->sent_first)
		return;
	flow->sent_first = true;
	flow->sent_ps = end_ps;
	engine_schedule(net->base.setup.engine, end_ps, net->sent_handler, index);
}

static void start(struct ether_network *net, uint32_t link, uint32_t index)
{
	struct ether_port *port = &net->ports[link];
	struct ether_packet *packet = &net->packets[index];
	int64_t now_ps = ether_now(net);
	port->free_ps = now_ps + serialization_on(net, link, packet->wire);
	if (packet->kind == ETHER_DATA)
		net->counters.packet_hops++;
	else
		net->totals.control_hops++;
	if (net->runs)
		ether_observe_start(net, link, packet, now_ps, port->free_ps);
	fly(net, link, index);
	if (packet->kind == ETHER_DATA && packet->in_link == ETHER_NONE)
		note_sent(net, packet->flow, port->free_ps);
}

/* Starts what the port can start now; if something waits after that, comes back when it is free. */
static void serve(struct ether_network *net, uint32_t link)
{
	struct ether_port *port = &net->ports[link];
	if (!port->up)
		return;
	if (port->free_ps <= ether_now(net)) {
		uint32_t index = choose(net, link);
		if (index == ETHER_NONE)
			return;
		start(net, link, index);
	}
	if (port->event_ps > port->free_ps && (port->queues[ETHER_LINK_CONTROL].head != ETHER_NONE || port->queues[ETHER_CONTROL].head != ETHER_NONE ||
			       has_bulk(net, port))) {
		port->event_ps = port->free_ps;
		engine_schedule(net->base.setup.engine, port->free_ps, net->idle_handler, link);
	}
}

/* ---- arriving ---------------------------------------------------------------------------------------------------------- */

static uint32_t emptiest(const struct ether_network *net, struct ether_set set, uint32_t hash)
{
	const uint32_t *links = net->ways.links + set.first;
	uint32_t first = ether_pick(hash, set.n), best = links[first];
	int64_t least = INT64_MAX;
	for (uint32_t i = 0; i < set.n; i++) { /* ties: by the hash of the packet */
		uint32_t link = links[first + i < set.n ? first + i : first + i - set.n];
		int64_t bytes = net->ports[link].queues[ETHER_BULK].bytes;
		bytes += net->ports[link].free_ps > ether_now(net);
		if (bytes < least && net->ports[link].up) {
			least = bytes;
			best = link;
		}
	}
	return best;
}

/* A packet at a node goes into the queue of its next link, or is lost. */
void ether_forward(struct ether_network *net, uint32_t index, uint32_t node, uint32_t in_link)
{
	struct ether_packet *packet = &net->packets[index];
	struct ether_set set = ether_ways(net, node, in_link, packet->destination);
	uint32_t link;
	packet->in_link = in_link;
	if (set.n == 0) {
		ether_drop(net, in_link, index);
		return;
	}
	if (set.n == 1)
		link = net->ways.links[set.first];
	else if (net->adaptive && packet->kind == ETHER_DATA)
		link = emptiest(net, set, ether_mix(packet->hash ^ net->nodes[node].salt));
	else
		link = net->ways.links[set.first + ether_pick(ether_mix(packet->hash ^ net->nodes[node].salt), set.n)];
	if (in_link == ETHER_NONE || ether_admit(net, link, index)) /* a host's own control packets wait in its memory */
		ether_queue_push(net, link, ether_class(&net->packets[index]), index);
}

static void arrive(struct ether_network *net, uint32_t link)
{
	struct ether_port *port = &net->ports[link];
	int64_t now_ps = ether_now(net);
	while (port->n && ether_flight_at(port, 0)->time_ps <= now_ps) {
		uint32_t index = ether_flight_at(port, 0)->packet;
		const struct ether_packet *packet = &net->packets[index];
		port->first++;
		port->n--;
		if (packet->kind == ETHER_PAUSE) {
			ether_pfc_frame(net, link, packet);
			ether_packet_give(net, index);
		} else if (net->nodes[port->target].npu == packet->destination) {
			ether_receive(net, index, link);
		} else {
			ether_forward(net, index, port->target, link);
		}
	}
	if (port->n)
		engine_schedule(net->base.setup.engine, ether_flight_at(port, 0)->time_ps, net->arrival_handler, link);
}

void ether_phase(void *context)
{
	struct ether_network *net = context;
	net->in_phase = true;
	ether_due_sort(&net->arrivals);
	for (uint32_t i = 0; i < net->arrivals.n; i++)
		arrive(net, net->arrivals.ids[i]);
	net->arrivals.n = 0;
	ether_due_sort(&net->alarms);
	for (uint32_t i = 0; i < net->alarms.n; i++)
		ether_flow_alarm_due(net, net->alarms.ids[i]);
	net->alarms.n = 0;
	ether_due_sort(&net->pacers_due);
	for (uint32_t i = 0; i < net->pacers_due.n; i++)
		ether_pacer_serve(net, net->pacers_due.ids[i]);
	net->pacers_due.n = 0;
	ether_due_sort(&net->touched);
	for (uint32_t i = 0; i < net->touched.n; i++) { /* may grow: a port that leaves room lets another one tell its sender */
		net->touched.seen[net->touched.ids[i] / 64] &= ~(UINT64_C(1) << net->touched.ids[i] % 64);
		serve(net, net->touched.ids[i]);
	}
	net->touched.n = 0;
	net->in_phase = false;
}
