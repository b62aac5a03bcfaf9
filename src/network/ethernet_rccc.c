/* Credits of the receiver, in the spirit of RCCC, the receiver credit congestion control of the Ultra Ethernet Specification 1.0, after
 * EQDS (V. Olteanu et al., "An edge-queued datagram service for all datacenter traffic", NSDI 2022).
 *
 * A sender may send the bytes of one and a half round trips at once; everything else needs a credit. A receiver hands out credits in turn over its
 * senders, one packet at a time, at the rate of its links, and not more than one and a half round trips of them: so packets wait at
 * senders and not in the network. A trimmed header asks for one more credit. After a timeout a sender sends again without one. */
#include "network/ethernet.h"

/* Packets that one receiver lets be on the way to it. */
static int64_t limit(const struct ether_network *net, const struct ether_flow *flow)
{
	int64_t pipe = scale_floor(ether_line_rate(net, flow), net->round_trip_ps, PS_PER_S) / net->full_wire;
	return pipe + pipe / 2 + 2;
}

static void rccc_start(struct ether_network *net, uint32_t index)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	int64_t pipe = ether_round_trip_bytes(net, flow), bytes = net->window_bytes ? net->window_bytes : pipe + pipe / 2 + net->full_wire;
	int64_t packets = (bytes + net->full_wire - 1) / net->full_wire;
	flow->rccc.initial = flow->rccc.credited = flow->may_send = packets < (int64_t)flow->n_packets ? (uint32_t)packets : flow->n_packets;
}

void ether_pacer_due(void *context, uint32_t npu)
{
	struct ether_network *net = context;
	net->pacers[npu].waiting = false;
	ether_due_add(&net->pacers_due, npu);
	engine_request(net->base.setup.engine, ENGINE_PHASE_NETWORK);
}

static bool wants_credit(const struct ether_flow *flow)
{
	return flow->rccc.granted < flow->n_packets + flow->rccc.again && flow->n_received < flow->n_packets;
}

static void join(struct ether_network *net, uint32_t npu, uint32_t index)
{
	struct ether_pacer *pacer = &net->pacers[npu];
	struct ether_flow *flow = ether_flow_at(net, index);
	if (flow->rccc.queued || !wants_credit(flow))
		return;
	flow->rccc.queued = true;
	flow->rccc.next = ETHER_NONE;
	if (pacer->first == ETHER_NONE)
		pacer->first = index;
	else
		ether_flow_at(net, pacer->last)->rccc.next = index;
	pacer->last = index;
}

/* One credit to the flow whose turn it is. False: nobody wants any, or so much is on the way. */
static bool grant(struct ether_network *net, uint32_t npu)
{
	struct ether_pacer *pacer = &net->pacers[npu];
	uint32_t index = pacer->first;
	struct ether_flow *flow;
	if (index == ETHER_NONE)
		return false;
	flow = ether_flow_at(net, index);
	if (pacer->outstanding >= limit(net, flow))
		return false;
	pacer->first = flow->rccc.next;
	flow->rccc.queued = false;
	if (!wants_credit(flow))
		return true;
	flow->rccc.granted++;
	pacer->outstanding++;
	pacer->next_ps = ether_now(net) + serialization_ps(net->full_wire, ether_line_rate(net, flow));
	join(net, npu, index);
	ether_answer(net, index, true, &(struct ether_packet){.hash = flow->hash, .kind = ETHER_CREDIT},
		     &(struct ether_report){.cumulative = flow->rccc.granted});
	return true;
}

void ether_pacer_serve(struct ether_network *net, uint32_t npu)
{
	struct ether_pacer *pacer = &net->pacers[npu];
	while (pacer->next_ps <= ether_now(net))
		if (!grant(net, npu))
			return;
	if (pacer->waiting || pacer->first == ETHER_NONE)
		return;
	pacer->waiting = true;
	engine_schedule(net->base.setup.engine, pacer->next_ps, net->pacer_handler, npu);
}

/* Data or a trimmed header: both are no longer on the way. */
static void rccc_arrived(struct ether_network *net, uint32_t index, const struct ether_packet *packet)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	uint32_t npu = flow->message.destination;
	struct ether_pacer *pacer = &net->pacers[npu];
	if (flow->n_received == flow->n_packets)
		return;
	if (!flow->rccc.known) {
		flow->rccc.known = true;
		flow->rccc.granted = flow->rccc.initial;
		pacer->outstanding += flow->rccc.initial;
	}
	flow->rccc.arrived++;
	pacer->outstanding--;
	if (packet->kind == ETHER_TRIMMED)
		flow->rccc.again++;
	join(net, npu, index);
	ether_due_add(&net->pacers_due, npu); /* in this phase, after all arrivals */
}

/* What was granted and never came does not hold up others. */
static void rccc_done(struct ether_network *net, uint32_t index)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	net->pacers[flow->message.destination].outstanding -= (int64_t)flow->rccc.granted - flow->rccc.arrived;
	ether_due_add(&net->pacers_due, flow->message.destination);
}

static void rccc_credit(struct ether_network *net, uint32_t index, const struct ether_packet *packet, const struct ether_report *report)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	(void)packet;
	if (report->cumulative > flow->rccc.credited)
		flow->rccc.credited = report->cumulative;
	flow->may_send = flow->rccc.credited + flow->rccc.extra;
	ether_flow_wake(net, index);
}

static void rccc_lost(struct ether_network *net, uint32_t index, int64_t bytes, bool timeout)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	if (!timeout || (!bytes && flow->in_flight))
		return;
	flow->rccc.extra += bytes ? (uint32_t)((bytes + net->full_wire - 1) / net->full_wire) : 1; /* credits died: probe */
	flow->may_send = flow->rccc.credited + flow->rccc.extra;
}

const struct ether_transport ether_rccc = {
	.name = "rccc",
	.summary = "Ultra Ethernet, EQDS: credits of the receiver, selective recovery, trimming",
	.selective = true,
	.trims = true,
	.timeout_ps = INT64_C(100000000),
	.answer_every = 4,
	.mark_max = 1,
	.start = rccc_start,
	.lost = rccc_lost,
	.control = rccc_credit,
	.arrived = rccc_arrived,
	.done = rccc_done,
};
