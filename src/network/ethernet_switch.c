/* The buffer of a switch: who gets room, who is marked, trimmed or dropped.
 *
 * `drop-tail`: the queue of every port holds so many bytes. `shared`: all ports of a switch share its memory, and the queue of a port
 * may hold alpha times what is free (A. K. Choudhury, E. L. Hahne, "Dynamic queue length thresholds for shared-memory packet
 * switches", IEEE/ACM ToN 6(2), 1998). Room is taken when a packet has arrived and left when its serialization begins.
 *
 * Marks: none below kmin, all above kmax, in between with a probability that grows to mark_max (the form of RED: S. Floyd,
 * V. Jacobson, IEEE/ACM ToN 1(4), 1993; of the momentary queue, as DCQCN wants it). */
#include "network/ethernet.h"

/* Memory of a switch chip per byte per second of its ports: 165.2 MB at 51.2 Tb/s (Broadcom Tomahawk 5), 25.8 us. */
#define BUFFER_PS INT64_C(25800000)
/* DCQCN's thresholds (Y. Zhu et al., SIGCOMM 2015, §5.2): 5 KB and 200 KB at 40 Gb/s. */
#define DCQCN_KMIN_PS INT64_C(1000000)
#define DCQCN_KMAX_PS INT64_C(40000000)

enum { CONTROL_PACKETS = 4096 };

static uint32_t within(int64_t bytes) { return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX; }

/* Thresholds in bytes of a port: given ones, or times the port's rate. */
static void thresholds(struct ether_network *net, uint32_t link)
{
	const struct network_setup *setup = &net->base.setup;
	int64_t rate = setup->fabric->link_bandwidth[link], limit = network_integer(setup, &network_ethernet, "buffer");
	int64_t kmin = network_integer(setup, &network_ethernet, "kmin"), kmax = network_integer(setup, &network_ethernet, "kmax");
	int64_t product = scale_floor(rate, net->round_trip_ps, PS_PER_S);
	bool dcqcn = !net->transport->trims;
	if (!limit)
		limit = net->trims && !net->pfc ? product : scale_floor(rate, BUFFER_PS, PS_PER_S);
	if (limit < 2 * (int64_t)net->full_wire)
		limit = 2 * (int64_t)net->full_wire;
	net->ports[link].limit = within(limit);
	net->ports[link].kmin = within(kmin ? kmin : dcqcn ? scale_floor(rate, DCQCN_KMIN_PS, PS_PER_S) : product / 5);
	net->ports[link].kmax = within(kmax ? kmax : dcqcn ? scale_floor(rate, DCQCN_KMAX_PS, PS_PER_S) : product / 5 * 4);
}

void ether_switch_init(struct ether_network *net)
{
	const struct fabric *fabric = net->base.setup.fabric;
	net->draws = memory_zero(fabric->n_links + 1u, sizeof *net->draws);
	for (uint32_t node = 0; node < fabric->n_nodes; node++)
		net->nodes[node].size = 0;
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		thresholds(net, link);
		net->nodes[fabric->link_source[link]].size += net->ports[link].limit;
	}
}

void ether_drop(struct ether_network *net, uint32_t link, uint32_t index)
{
	struct ether_packet *packet = &net->packets[index];
	net->totals.drops++;
	net->counters.bytes_dropped += packet->payload;
	net->counters.bytes_in_flight -= packet->payload;
	if (net->runs && link != ETHER_NONE)
		OBSERVE(net->base.setup.observers, link_count, link, LINK_DROPS, ether_now(net), ether_now(net), 1);
	ether_packet_give(net, index);
}

static bool marks(struct ether_network *net, uint32_t link, int64_t bytes)
{
	double chance;
	if (bytes <= net->ports[link].kmin)
		return false;
	if (bytes > net->ports[link].kmax)
		return true;
	chance = net->mark_max * (double)(bytes - net->ports[link].kmin) / (double)(net->ports[link].kmax - net->ports[link].kmin);
	uint64_t draw = random_mix(net->base.setup.seed ^ random_mix((uint64_t)link << 40 ^ net->draws[link]++));
	return (double)(draw >> 11) * 0x1p-53 < chance;
}

/* Room for control packets, apart from that for data: as much, and at least so many packets. */
static int64_t control_limit(const struct ether_network *net, const struct ether_port *port)
{
	int64_t least = CONTROL_PACKETS * (int64_t)net->control_wire;
	return port->limit > least ? port->limit : least;
}

/* What is left is the header, which goes on ahead of all data (M. Handley et al., "Re-architecting datacenter networks and stacks
 * for low latency and high performance", SIGCOMM 2017; Ultra Ethernet Specification 1.0, packet trimming). */
static bool trim(struct ether_network *net, uint32_t link, uint32_t index)
{
	struct ether_packet *packet = &net->packets[index];
	if (net->ports[link].queues[ETHER_CONTROL].bytes + net->control_wire > control_limit(net, &net->ports[link])) {
		ether_drop(net, link, index);
		return false;
	}
	net->totals.trims++;
	net->counters.bytes_dropped += packet->payload;
	net->counters.bytes_in_flight -= packet->payload;
	packet->kind = ETHER_TRIMMED;
	packet->payload = 0;
	packet->wire = (uint16_t)net->control_wire;
	if (net->runs)
		OBSERVE(net->base.setup.observers, link_count, link, LINK_TRIMS, ether_now(net), ether_now(net), 1);
	return true;
}

static bool has_room(const struct ether_network *net, uint32_t link, uint32_t wire)
{
	const struct ether_node *node = &net->nodes[net->ports[link].source];
	int64_t bytes = net->ports[link].queues[ETHER_BULK].bytes + wire;
	if (!net->shared)
		return bytes <= net->ports[link].limit;
	return node->used + wire <= node->size && (double)bytes <= net->alpha * (double)(node->size - node->used);
}

bool ether_admit(struct ether_network *net, uint32_t link, uint32_t index)
{
	struct ether_packet *packet = &net->packets[index];
	struct ether_port *port = &net->ports[link];
	if (packet->kind != ETHER_DATA) {
		if (port->queues[ether_class(packet)].bytes + packet->wire <= control_limit(net, port))
			return true;
		ether_drop(net, link, index);
		return false;
	}
	if (net->pfc ? !ether_pfc_admit(net, index, port->source) : !has_room(net, link, packet->wire)) {
		if (net->trims)
			return trim(net, link, index);
		ether_drop(net, link, index);
		return false;
	}
	packet = &net->packets[index]; /* a pause frame may have moved it */
	if (!net->pfc)
		net->nodes[port->source].used += packet->wire;
	if (net->marks && !(packet->flags & ETHER_MARKED) && marks(net, link, port->queues[ETHER_BULK].bytes + packet->wire)) {
		packet->flags |= ETHER_MARKED;
		net->totals.marks++;
		if (net->runs)
			OBSERVE(net->base.setup.observers, link_count, link, LINK_MARKS, ether_now(net), ether_now(net), 1);
	}
	return true;
}

void ether_release_room(struct ether_network *net, const struct ether_packet *packet, uint32_t node)
{
	if (net->pfc)
		ether_pfc_release(net, packet, node);
	else
		net->nodes[node].used -= packet->wire;
}
