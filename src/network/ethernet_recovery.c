/* Acknowledgements, and what was lost.
 *
 * go-back-N (RoCE's: InfiniBand Architecture Specification 1.4, §9.7): the receiver takes packets in order only, complains once about the
 * one that is missing, and the sender goes on from there.
 *
 * selective: the receiver takes everything; acknowledgements say which of 64 packets have come (as Ultra Ethernet's; IRN: R. Mittal et
 * al., SIGCOMM 2018). Lost is what a trimmed header or the receiver reports, and what a timer finds missing. On a single path packets
 * stay in order, so the receiver reports a gap at once. */
#include "network/ethernet.h"

/* ---- receiver ---------------------------------------------------------------------------------------------------------- */

static void answer(struct ether_network *net, uint32_t index, const struct ether_packet *packet, uint8_t flags)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	uint32_t base = packet->sequence / 64 * 64;
	struct ether_packet ack = {.stamp_ps = packet->stamp_ps, .sequence = packet->sequence, .cumulative = flow->expected, .base = base,
		.hash = packet->hash, .kind = ETHER_ACK, .flags = flags};
	if (net->selective)
		ack.received = ether_received(flow)[(base & (net->span - 1)) / 64];
	if (packet->flags & ETHER_MARKED)
		ack.flags |= ETHER_MARKED;
	flow->unanswered = 0;
	ether_answer(net, index, true, &ack);
}

static void complete(struct ether_network *net, uint32_t index)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	flow->deliver_ps = ether_now(net);
	engine_schedule(net->base.setup.engine, flow->deliver_ps, net->delivered_handler, index);
}

/* A packet that is not needed. */
static void discard(struct ether_network *net, const struct ether_packet *packet)
{
	net->totals.duplicates++;
	net->counters.bytes_dropped += packet->payload;
	net->counters.bytes_in_flight -= packet->payload;
}

static void accept(struct ether_network *net, struct ether_flow *flow, const struct ether_packet *packet)
{
	flow->n_received++;
	net->counters.bytes_delivered += packet->payload;
	net->counters.bytes_in_flight -= packet->payload;
}

static void receive_in_order(struct ether_network *net, uint32_t index, const struct ether_packet *packet)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	if (packet->sequence > flow->expected) {
		discard(net, packet);
		if (!flow->complained) {
			flow->complained = true;
			net->totals.refusals++;
			answer(net, index, packet, ETHER_REFUSED);
		}
		return;
	}
	if (packet->sequence < flow->expected) {
		discard(net, packet);
		answer(net, index, packet, 0);
		return;
	}
	accept(net, flow, packet);
	flow->expected++;
	flow->complained = false;
	flow->unanswered++;
	if (flow->expected == flow->n_packets)
		complete(net, index);
	if (flow->unanswered >= net->answer_every || flow->expected == flow->n_packets)
		answer(net, index, packet, 0);
}

/* On one path what is behind a gap is lost: says so, once. */
static void report_gap(struct ether_network *net, uint32_t index, const struct ether_packet *packet)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	if (net->spray || net->adaptive || flow->complained || packet->flags & ETHER_AGAIN || packet->sequence <= flow->expected)
		return;
	flow->complained = true;
	net->totals.refusals++;
	struct ether_packet missing = *packet;
	missing.sequence = flow->expected;
	answer(net, index, &missing, ETHER_REFUSED);
}

static void receive_any(struct ether_network *net, uint32_t index, const struct ether_packet *packet)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	uint64_t *received = ether_received(flow);
	uint32_t at = packet->sequence & (net->span - 1), word = packet->sequence / 64;
	if (packet->sequence < flow->expected || ether_bit(received, at)) {
		discard(net, packet);
		answer(net, index, packet, 0);
		return;
	}
	if (flow->unanswered && flow->answer_word != word) { /* an acknowledgement speaks of 64 packets */
		struct ether_packet earlier = *packet;
		earlier.sequence = flow->answer_word * 64;
		earlier.flags &= (uint8_t)~ETHER_MARKED;
		answer(net, index, &earlier, 0);
		flow = ether_flow_at(net, index);
		received = ether_received(flow);
	}
	accept(net, flow, packet);
	received[at / 64] |= UINT64_C(1) << at % 64;
	report_gap(net, index, packet);
	flow = ether_flow_at(net, index);
	received = ether_received(flow);
	if (packet->sequence == flow->expected)
		flow->complained = false;
	while (ether_bit(received, flow->expected & (net->span - 1))) {
		received[(flow->expected & (net->span - 1)) / 64] &= ~(UINT64_C(1) << flow->expected % 64);
		flow->expected++;
	}
	flow->unanswered++;
	flow->answer_word = word;
	if (flow->n_received == flow->n_packets)
		complete(net, index);
	if (flow->unanswered >= net->answer_every || flow->n_received == flow->n_packets || packet->flags & ETHER_MARKED)
		answer(net, index, packet, 0);
}

void ether_receive_data(struct ether_network *net, uint32_t index, const struct ether_packet *packet)
{
	if (net->selective)
		receive_any(net, index, packet);
	else
		receive_in_order(net, index, packet);
	if (net->transport->arrived)
		net->transport->arrived(net, index, packet);
}

void ether_receive_trimmed(struct ether_network *net, uint32_t index, const struct ether_packet *packet)
{
	struct ether_packet marked = *packet;
	marked.flags |= ETHER_MARKED;
	net->totals.refusals++;
	if (net->selective) {
		answer(net, index, &marked, ETHER_REFUSED);
	} else if (packet->sequence >= ether_flow_at(net, index)->expected && !ether_flow_at(net, index)->complained) {
		ether_flow_at(net, index)->complained = true;
		answer(net, index, &marked, ETHER_REFUSED);
	}
	if (net->transport->arrived)
		net->transport->arrived(net, index, packet);
}

/* ---- sender ------------------------------------------------------------------------------------------------------------ */

static int64_t wire_of(const struct ether_network *net, const struct ether_flow *flow, uint32_t sequence)
{
	return (int64_t)ether_payload(net, flow, sequence) + net->header;
}

/* Takes a packet of the window out of what is lost or in flight, as acknowledged; returns its bytes. */
static int64_t settle(struct ether_network *net, struct ether_flow *flow, uint32_t sequence)
{
	uint32_t at = sequence & (net->span - 1);
	uint64_t bit = UINT64_C(1) << at % 64, *lost = &ether_lost(net, flow)[at / 64];
	int64_t wire = wire_of(net, flow, sequence);
	if (*lost & bit) {
		*lost &= ~bit;
		flow->n_lost--;
	} else {
		flow->in_flight -= wire;
	}
	return wire;
}

static int64_t acknowledge_selective(struct ether_network *net, struct ether_flow *flow, const struct ether_packet *ack)
{
	uint64_t *acked = ether_acked(net, flow), fresh;
	int64_t bytes = 0;
	while (flow->cumulative < ack->cumulative) {
		uint32_t at = flow->cumulative & (net->span - 1);
		uint64_t bit = UINT64_C(1) << at % 64;
		if (!(acked[at / 64] & bit))
			bytes += settle(net, flow, flow->cumulative);
		acked[at / 64] &= ~bit;
		flow->cumulative++;
	}
	if (ack->base + 64 <= flow->cumulative || ack->base >= flow->cumulative + net->span)
		return bytes;
	uint64_t *word = &acked[(ack->base & (net->span - 1)) / 64];
	fresh = ack->received & ~*word;
	if (flow->cumulative > ack->base)
		fresh &= ~UINT64_C(0) << (flow->cumulative - ack->base);
	*word |= fresh;
	for (; fresh; fresh &= fresh - 1)
		bytes += settle(net, flow, ack->base + (uint32_t)__builtin_ctzll(fresh));
	return bytes;
}

/* Everything before `cumulative` has come; nothing of it is in flight any more. */
static int64_t acknowledge_in_order(struct ether_network *net, struct ether_flow *flow, const struct ether_packet *ack)
{
	int64_t bytes = 0;
	for (; flow->cumulative < ack->cumulative; flow->cumulative++) {
		int64_t wire = wire_of(net, flow, flow->cumulative);
		bytes += wire;
		if (flow->cumulative < flow->next)
			flow->in_flight -= wire;
	}
	if (flow->next < flow->cumulative)
		flow->next = flow->cumulative;
	return bytes;
}

/* Goes back to what the receiver waits for. Returns the bytes that this takes out of flight. */
static int64_t go_back(struct ether_network *net, struct ether_flow *flow)
{
	int64_t bytes = 0;
	while (flow->next > flow->cumulative)
		bytes += wire_of(net, flow, --flow->next);
	flow->in_flight -= bytes;
	return bytes;
}

/* One packet is lost, unless that is known already or it has come. Returns its bytes. */
static int64_t lose(struct ether_network *net, struct ether_flow *flow, uint32_t sequence)
{
	uint32_t at = sequence & (net->span - 1);
	uint64_t bit = UINT64_C(1) << at % 64, *lost = &ether_lost(net, flow)[at / 64];
	if (sequence < flow->cumulative || sequence >= flow->next || *lost & bit || ether_acked(net, flow)[at / 64] & bit)
		return 0;
	*lost |= bit;
	if (flow->n_lost++ == 0 || sequence < flow->lost_from)
		flow->lost_from = sequence;
	int64_t wire = wire_of(net, flow, sequence);
	flow->in_flight -= wire;
	return wire;
}

void ether_receive_ack(struct ether_network *net, uint32_t index, const struct ether_packet *ack)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	uint32_t before = flow->cumulative;
	int64_t bytes, lost = 0, delay_ps = ether_now(net) - ack->stamp_ps - flow->round_trip_ps;
	if (flow->cumulative == flow->n_packets)
		return;
	bytes = net->selective ? acknowledge_selective(net, flow, ack) : acknowledge_in_order(net, flow, ack);
	if (ack->flags & ETHER_REFUSED)
		lost = net->selective ? lose(net, flow, ack->sequence) : go_back(net, flow);
	if (flow->cumulative == flow->n_packets) {
		flow->acked_ps = ether_now(net);
		flow->timeout_ps = TIME_NEVER;
		if (flow->acked_ps > net->totals.last_acked_ps)
			net->totals.last_acked_ps = flow->acked_ps;
		return;
	}
	if (flow->cumulative != before)
		ether_timeout_set(net, index);
	if (bytes && net->transport->acked)
		net->transport->acked(net, flow, bytes, delay_ps > 0 ? delay_ps : 0, ack->flags & ETHER_MARKED);
	if (lost && net->transport->lost)
		net->transport->lost(net, flow, lost, false);
	ether_flow_wake(net, index);
}

void ether_timeout_set(struct ether_network *net, uint32_t index)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	flow->timeout_ps = time_add(ether_now(net), net->timeout_ps);
	flow->timeout_next = flow->next;
	ether_flow_alarm(net, index, flow->timeout_ps);
}

/* Nothing new was acknowledged in order for a while: what was sent before that while began is lost. */
void ether_timeout(struct ether_network *net, uint32_t index)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	int64_t lost = 0;
	if (net->selective)
		for (uint32_t sequence = flow->cumulative; sequence < flow->timeout_next; sequence++)
			lost += lose(net, flow, sequence);
	else
		lost = go_back(net, flow);
	net->totals.timeouts += lost > 0;
	if (lost && net->transport->lost)
		net->transport->lost(net, flow, lost, true);
	ether_timeout_set(net, index);
}
