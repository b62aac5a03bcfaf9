/* Priority flow control (IEEE 802.1Qbb, now IEEE 802.1Q-2018 clause 36): an input whose share of the switch's buffer is used up tells
 * the sender at the other end of the cable to stop; what arrives until that takes effect goes into headroom kept for it.
 *
 * Headroom, by IEEE 802.1Q-2018 Annex N: what the sender can still send from the moment the input is full. The pause frame waits
 * for a frame that has just begun, is sent, and travels; the sender ends the frame that it has just begun; what is then on the cable
 * arrives: two full frames, one pause frame, and two delays of the cable at the sender's rate. Times of MAC and PHY count in the
 * latency of the link.
 *
 * A pause holds until the frame that ends it: pauses are renewed in time, as switches do, without the frames that this takes. */
#include "network/ethernet.h"

static int64_t headroom(const struct ether_network *net, uint32_t link)
{
	const struct ether_port *port = &net->ports[link];
	const struct fabric *fabric = net->base.setup.fabric;
	int64_t rate = fabric->link_bandwidth[link], back_ps = port->latency_ps, back_rate = rate;
	if (net->reverse[link] != ETHER_NONE) {
		back_ps = net->ports[net->reverse[link]].latency_ps;
		back_rate = fabric->link_bandwidth[net->reverse[link]];
	}
	/* In time at the sender's rate: a frame and the pause frame on the way back, both latencies; then the frame just begun, and
	 * one more for the fraction of a frame that the cable holds at either end. */
	int64_t wait_ps = serialization_ps((int64_t)net->full_wire + net->control_wire, back_rate) + back_ps + port->latency_ps;
	return scale_floor(rate, wait_ps, PS_PER_S) + 2 * (int64_t)net->full_wire + net->control_wire;
}

void ether_pfc_init(struct ether_network *net)
{
	const struct fabric *fabric = net->base.setup.fabric;
	net->inputs = memory_zero(fabric->n_links + 1u, sizeof *net->inputs);
	net->paused_ps = memory_zero(fabric->n_links + 1u, sizeof *net->paused_ps);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		net->inputs[link].headroom = headroom(net, link);
}

/* Bytes of the shared part that an input may hold: the same rule as for queues, applied to inputs. */
static int64_t threshold(const struct ether_network *net, uint32_t link, uint32_t node)
{
	if (!net->shared)
		return net->ports[link].limit;
	return (int64_t)(net->alpha * (double)(net->nodes[node].size - net->nodes[node].used));
}

static void send_frame(struct ether_network *net, uint32_t link, bool off)
{
	uint32_t reverse = net->reverse[link], index;
	net->inputs[link].off = off;
	if (reverse == ETHER_NONE)
		return;
	index = ether_packet_take(net);
	net->packets[index] = (struct ether_packet){.flow = ETHER_NONE, .wire = (uint16_t)net->control_wire, .kind = ETHER_PAUSE,
		.flags = off ? ETHER_OFF : 0, .sequence = link, .destination = ETHER_NONE, .in_link = ETHER_NONE};
	ether_queue_push(net, reverse, ETHER_LINK_CONTROL, index);
}

bool ether_pfc_admit(struct ether_network *net, uint32_t index, uint32_t node)
{
	uint32_t link = net->packets[index].in_link, wire = net->packets[index].wire;
	struct ether_input *input = &net->inputs[link];
	bool fits = !input->off && input->shared_bytes + wire <= threshold(net, link, node) &&
		    (!net->shared || net->nodes[node].used + wire <= net->nodes[node].size);
	if (fits) {
		input->shared_bytes += wire;
		net->nodes[node].used += wire;
		net->packets[index].flags &= (uint8_t)~ETHER_HEADROOM;
		return true;
	}
	if (!input->off)
		send_frame(net, link, true); /* packets may move */
	if (input->headroom_bytes + wire > input->headroom)
		return false;
	input->headroom_bytes += wire;
	net->packets[index].flags |= ETHER_HEADROOM;
	return true;
}

/* The sender may go on when the headroom is free again and the input is two frames below what it may hold. */
void ether_pfc_release(struct ether_network *net, const struct ether_packet *packet, uint32_t node)
{
	struct ether_input *input = &net->inputs[packet->in_link];
	if (packet->in_link == ETHER_NONE)
		return;
	if (packet->flags & ETHER_HEADROOM) {
		input->headroom_bytes -= packet->wire;
	} else {
		input->shared_bytes -= packet->wire;
		net->nodes[node].used -= packet->wire;
	}
	int64_t room = threshold(net, packet->in_link, node) - 2 * (int64_t)net->full_wire;
	if (input->off && input->headroom_bytes == 0 && (input->shared_bytes <= room || input->shared_bytes == 0))
		send_frame(net, packet->in_link, false);
}

void ether_pause_end(struct ether_network *net, uint32_t link)
{
	int64_t since_ps = net->paused_ps[link], now_ps = ether_now(net);
	net->ports[link].paused = false;
	net->totals.paused_ps += now_ps - since_ps;
	if (net->runs && now_ps > since_ps)
		OBSERVE(net->base.setup.observers, link_count, link, LINK_PAUSE_PS, since_ps, now_ps, now_ps - since_ps);
}

/* Arrives over `link`: it is about the link back, on which this node is the sender. */
void ether_pfc_frame(struct ether_network *net, uint32_t link, const struct ether_packet *packet)
{
	uint32_t about = packet->sequence;
	struct ether_port *port = &net->ports[about];
	bool off = packet->flags & ETHER_OFF;
	(void)link;
	if (port->paused == off)
		return;
	if (off) {
		port->paused = true;
		net->totals.pauses++;
		net->paused_ps[about] = ether_now(net);
		return;
	}
	ether_pause_end(net, about);
	ether_touch(net, about);
}
