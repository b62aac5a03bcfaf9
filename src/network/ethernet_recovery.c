/* Acknowledgements, and what was lost.
 *
 * go-back-N (RoCE's: InfiniBand Architecture Specification 1.4, §9.7): the receiver takes packets in order only, complains once about the
 * one that is missing, and the sender goes on from there.
 *
 * selective: the receiver takes everything; acknowledgements say which of 64 packets have come (as Ultra Ethernet's; IRN: R. Mittal et
 * al., SIGCOMM 2018). Lost is what a trimmed header or the receiver reports, and what a timer finds missing. On a single path packets
 * stay in order, so the receiver reports a gap at once. */
#include "base/error.h"
#include "base/text.h"
#include "network/ethernet.h"
#include "network/hops.h"

/* ---- receiver ---------------------------------------------------------------------------------------------------------- */

static void answer(struct ether_network *net, uint32_t index, const struct ether_packet *packet, int64_t stamp_ps, uint8_t flags)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	uint32_t base = flow->unanswered ? flow->lowest : packet->sequence;
	struct ether_packet ack = {.sequence = packet->sequence, .hash = packet->hash, .entropy = packet->entropy, .kind = ETHER_ACK,
		.flags = flags};
	struct ether_report report = {.stamp_ps = stamp_ps, .cumulative = flow->expected, .base = base};
	if (net->selective)
		report.received = ether_bits_from(net, ether_received(flow), base);
	if (packet->flags & ETHER_MARKED)
		ack.flags |= ETHER_MARKED;
	flow->unanswered = 0;
	ether_answer(net, index, true, &ack, &report);
}

static void complete(struct ether_network *net, uint32_t index)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	flow->deliver_ps = ether_now(net);
	engine_schedule(net->base.setup.engine, flow->deliver_ps, net->delivered_handler, index);
	if (net->transport->done)
		net->transport->done(net, index);
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

static void receive_in_order(struct ether_network *net, uint32_t index, const struct ether_packet *packet, int64_t stamp_ps)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	if (packet->sequence > flow->expected) {
		discard(net, packet);
		if (!flow->complained) {
			flow->complained = true;
			net->totals.refusals++;
			answer(net, index, packet, stamp_ps, ETHER_REFUSED);
		}
		return;
	}
	if (packet->sequence < flow->expected) {
		discard(net, packet);
		answer(net, index, packet, stamp_ps, 0);
		return;
	}
	accept(net, flow, packet);
	flow->expected++;
	flow->complained = false;
	flow->unanswered++;
	if (flow->expected == flow->n_packets)
		complete(net, index);
	if (flow->unanswered >= net->answer_every || flow->expected == flow->n_packets || packet->flags & ETHER_ASK)
		answer(net, index, packet, stamp_ps, 0);
}

/* On one path what is behind a gap is lost: says so, once. */
static void report_gap(struct ether_network *net, uint32_t index, const struct ether_packet *packet, int64_t stamp_ps)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	if (net->spray || net->adaptive || flow->complained || packet->flags & ETHER_AGAIN || packet->sequence <= flow->expected)
		return;
	flow->complained = true;
	net->totals.refusals++;
	struct ether_packet missing = *packet;
	missing.sequence = flow->expected;
	answer(net, index, &missing, stamp_ps, ETHER_REFUSED);
}

/* Joins those that the next acknowledgement speaks of; what does not fit is answered first. */
static void gather(struct ether_network *net, uint32_t index, const struct ether_packet *packet, int64_t stamp_ps)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	uint32_t sequence = packet->sequence, low = sequence < flow->lowest ? sequence : flow->lowest;
	uint32_t high = sequence > flow->highest ? sequence : flow->highest;
	if (flow->unanswered && high - low >= 64) {
		struct ether_packet earlier = *packet;
		earlier.flags &= (uint8_t)~ETHER_MARKED;
		answer(net, index, &earlier, stamp_ps, 0);
	}
	if (flow->unanswered++) {
		flow->lowest = low;
		flow->highest = high;
	} else {
		flow->lowest = flow->highest = sequence;
	}
}

static void receive_any(struct ether_network *net, uint32_t index, const struct ether_packet *packet, int64_t stamp_ps)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	uint64_t *received = ether_received(flow);
	uint32_t at = packet->sequence & (net->span - 1);
	if (packet->sequence < flow->expected || ether_bit(received, at)) {
		discard(net, packet);
		answer(net, index, packet, stamp_ps, 0);
		return;
	}
	gather(net, index, packet, stamp_ps);
	accept(net, flow, packet);
	received[at / 64] |= UINT64_C(1) << at % 64;
	report_gap(net, index, packet, stamp_ps);
	if (packet->sequence == flow->expected)
		flow->complained = false;
	while (ether_bit(received, flow->expected & (net->span - 1))) {
		received[(flow->expected & (net->span - 1)) / 64] &= ~(UINT64_C(1) << flow->expected % 64);
		flow->expected++;
	}
	if (flow->n_received == flow->n_packets)
		complete(net, index);
	if (flow->unanswered >= net->answer_every || flow->n_received == flow->n_packets ||
	    packet->flags & (ETHER_MARKED | ETHER_ASK))
		answer(net, index, packet, stamp_ps, 0);
}

void ether_receive_data(struct ether_network *net, uint32_t index, const struct ether_packet *packet, int64_t stamp_ps)
{
	if (net->transport->arrived)
		net->transport->arrived(net, index, packet);
	if (net->selective)
		receive_any(net, index, packet, stamp_ps);
	else
		receive_in_order(net, index, packet, stamp_ps);
}

void ether_receive_trimmed(struct ether_network *net, uint32_t index, const struct ether_packet *packet, int64_t stamp_ps)
{
	struct ether_packet marked = *packet;
	marked.flags |= ETHER_MARKED;
	net->totals.refusals++;
	if (net->selective) {
		answer(net, index, &marked, stamp_ps, ETHER_REFUSED);
	} else if (packet->sequence >= ether_flow_at(net, index)->expected && !ether_flow_at(net, index)->complained) {
		ether_flow_at(net, index)->complained = true;
		answer(net, index, &marked, stamp_ps, ETHER_REFUSED);
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
		if (net->recycle && sequence != flow->marked)
			ether_recycle(net, flow, sequence);
	}
	return wire;
}

static int64_t acknowledge_selective(struct ether_network *net, struct ether_flow *flow, const struct ether_report *ack)
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
	fresh = ack->received & ~ether_bits_from(net, acked, ack->base);
	if (ack->base + 64 <= flow->cumulative)
		return bytes;
	if (flow->cumulative > ack->base)
		fresh &= ~UINT64_C(0) << (flow->cumulative - ack->base);
	for (; fresh; fresh &= fresh - 1) {
		uint32_t sequence = ack->base + (uint32_t)__builtin_ctzll(fresh), at = sequence & (net->span - 1);
		acked[at / 64] |= UINT64_C(1) << at % 64;
		bytes += settle(net, flow, sequence);
	}
	return bytes;
}

/* Everything before `cumulative` has come; nothing of it is in flight any more. */
static int64_t acknowledge_in_order(struct ether_network *net, struct ether_flow *flow, const struct ether_report *ack)
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

/* The sender knows that everything has come. */
static void finish(struct ether_network *net, struct ether_flow *flow)
{
	struct network_ethernet_counters *totals = &net->totals;
	int64_t took_ps = ether_now(net) - flow->start_ps;
	flow->acked_ps = totals->last_acked_ps = ether_now(net);
	flow->timeout_ps = TIME_NEVER;
	hop_add(totals->completions, took_ps, 1);
	if (took_ps < totals->least_completion_ps || totals->completions->packets == 1)
		totals->least_completion_ps = took_ps;
	OBSERVE(net->base.setup.observers, acked, flow->message.id, flow->acked_ps, flow->transmitted - flow->n_packets);
}

void ether_receive_ack(struct ether_network *net, uint32_t index, const struct ether_packet *ack, const struct ether_report *report)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	uint32_t before = flow->cumulative;
	int64_t bytes, lost = 0, delay_ps = ether_now(net) - report->stamp_ps - flow->round_trip_ps;
	if (flow->cumulative == flow->n_packets)
		return;
	flow->marked = ack->flags & ETHER_MARKED ? ack->sequence : ETHER_NONE;
	bytes = net->selective ? acknowledge_selective(net, flow, report) : acknowledge_in_order(net, flow, report);
	if (ack->flags & ETHER_MARKED)
		ether_penalise(net, flow, ack->entropy, ack->flags & ETHER_REFUSED ? 4 : 1);
	if (ack->flags & ETHER_REFUSED)
		lost = net->selective ? lose(net, flow, ack->sequence) : go_back(net, flow);
	if (flow->cumulative == flow->n_packets) {
		finish(net, flow);
		return;
	}
	if (bytes)
		flow->n_timeouts = 0;
	if (flow->cumulative != before)
		ether_timeout_set(net, index);
	if (bytes && net->transport->acked)
		net->transport->acked(net, index, bytes, delay_ps > 0 ? delay_ps : 0, ack->flags & ETHER_MARKED);
	if (lost && net->transport->lost)
		net->transport->lost(net, index, lost, false);
	ether_flow_wake(net, index);
}

void ether_timeout_set(struct ether_network *net, uint32_t index)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	flow->timeout_ps = net->timeout_ps;
	for (uint32_t i = 0; i < flow->n_timeouts; i++)
		flow->timeout_ps = time_add(flow->timeout_ps, flow->timeout_ps);
	flow->timeout_ps = time_add(ether_now(net), flow->timeout_ps);
	flow->timeout_next = flow->next;
	ether_flow_alarm(net, index, flow->timeout_ps);
}

/* As a queue pair whose retry counter has run out: its peer cannot be reached. */
static void give_up(struct ether_network *net, const struct ether_flow *flow)
{
	const struct fabric *fabric = net->base.setup.fabric;
	struct text where = TEXT_INIT;
	ether_describe_stuck(&net->base, &where);
	error_set(&net->base.error, ERROR_SIMULATION, "message %llu of %lld B from '%s' to '%s' was given up after %u timeouts without progress%s",
		  (unsigned long long)flow->message.id, (long long)flow->message.bytes,
		  fabric->node_name[fabric->npu_node[flow->message.source]],
		  fabric->node_name[fabric->npu_node[flow->message.destination]], flow->n_timeouts, text_string(&where));
	text_release(&where);
	engine_stop(net->base.setup.engine);
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
	if (flow->n_timeouts++ == net->retries) {
		give_up(net, flow);
		return;
	}
	if (net->transport->lost)
		net->transport->lost(net, index, lost, true);
	ether_timeout_set(net, index);
}
