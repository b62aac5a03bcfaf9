/* Flows: a message is one, from the first packet that its source sends to the acknowledgement of the last. */
#include <string.h>

#include "base/error.h"
#include "network/ethernet.h"
#include "network/flow.h"

enum { PENALTY_MOST = 15 };

/* ---- beginning and end ------------------------------------------------------------------------------------------------- */

uint32_t ether_flow_size(const struct ether_network *net)
{
	uint32_t by_entropy = net->recycle ? 2 * net->span : net->spray && net->avoid_marked ? net->entropies : 0;
	return (uint32_t)sizeof(struct ether_flow) + 3 * net->span / 8 + by_entropy;
}

static void begin(struct ether_network *net, uint32_t index, const struct network_message *message, int64_t round_trip_ps)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	const struct fabric *fabric = net->base.setup.fabric;
	uint64_t packets = ((uint64_t)message->bytes + net->payload - 1) / net->payload;
	uint32_t hash = (uint32_t)random_mix(net->base.setup.seed ^ random_mix((uint64_t)message->source << 32 | message->destination) ^
					     random_mix(message->flow_key + UINT64_C(0x5851f42d4c957f2d)));
	memset(flow, 0, ether_flow_size(net));
	flow->message = *message;
	flow->start_ps = ether_now(net);
	flow->sent_ps = flow->deliver_ps = flow->acked_ps = flow->timeout_ps = flow->alarm_ps = TIME_NEVER;
	flow->notified_ps = INT64_MIN / 2;
	flow->round_trip_ps = round_trip_ps;
	flow->n_packets = (uint32_t)packets;
	flow->last_payload = packets ? (uint32_t)(message->bytes - (int64_t)(packets - 1) * net->payload) : 0;
	flow->hash = hash;
	flow->source_set = ether_ways_find(net, fabric->npu_node[message->source], ETHER_NONE, message->destination);
	flow->may_send = UINT32_MAX;
	flow->window = INT64_MAX;
	flow->entropy = hash % net->entropies;
	flow->live = true;
}

static void fail(struct ether_network *net) { engine_stop(net->base.setup.engine); }

void ether_send(struct network *network, const struct network_message *message)
{
	struct ether_network *net = (struct ether_network *)network;
	const struct fabric *fabric = network->setup.fabric;
	int64_t round_trip_ps;
	if (message->route) {
		error_set(&network->error, ERROR_SIMULATION, "transport '%s' finds its own ways: a route cannot be given", net->transport->name);
		fail(net);
		return;
	}
	if (message->bytes / net->payload >= INT32_MAX) {
		error_set(&network->error, ERROR_SIMULATION, "a message of %lld B has more than 2^31 packets", (long long)message->bytes);
		fail(net);
		return;
	}
	round_trip_ps = ether_round_trip_ps(net, message->source, message->destination, net->full_wire);
	if (round_trip_ps == TIME_NEVER) {
		error_set(&network->error, ERROR_SIMULATION, "topology '%s' is disconnected: there is no way from '%s' to '%s'%s",
			  fabric->module->name, fabric->node_name[fabric->npu_node[message->source]],
			  fabric->node_name[fabric->npu_node[message->destination]],
			  net->ways.any_avoided ? " over links that are up" : "");
		fail(net);
		return;
	}
	if (!net->runs && (network->setup.observers->wants_bytes || network->setup.observers->wants_busy ||
			   network->setup.observers->wants_intervals || network->setup.observers->wants_queue))
		ether_observe_begin(net);
	uint32_t index = pool_take(&net->flows);
	begin(net, index, message, round_trip_ps);
	if (message->bytes == 0) { /* nothing to send: the latency only */
		struct ether_flow *flow = ether_flow_at(net, index);
		flow->deliver_ps = ether_now(net) + ether_round_trip_ps(net, message->source, message->destination, 0) / 2;
		engine_schedule(network->setup.engine, ether_now(net), net->sent_handler, index);
		engine_schedule(network->setup.engine, flow->deliver_ps, net->delivered_handler, index);
		return;
	}
	net->transport->start(net, index);
	ether_flow_wake(net, index);
}

void ether_sent_due(void *context, uint32_t index)
{
	struct ether_network *net = context;
	net->base.setup.client.sent(net->base.setup.client.context, ether_flow_at(net, index)->message.token);
}

/* In its own event, so that what the client does about it comes in the phase that is meant for it. */
void ether_delivered_due(void *context, uint32_t index)
{
	struct ether_network *net = context;
	struct ether_flow *flow = ether_flow_at(net, index);
	uint32_t token = flow->message.token;
	net->counters.messages++;
	net->counters.bytes += flow->message.bytes;
	message_observe(&net->base.setup, &flow->message, ROUTE_NONE, flow->start_ps, flow->deliver_ps);
	ether_flow_finish(net, index); /* of 0 bytes */
	net->base.setup.client.delivered(net->base.setup.client.context, token);
}

void ether_message_lost(struct ether_network *net, uint32_t index)
{
	const struct ether_flow *flow = ether_flow_at(net, index);
	message_observe(&net->base.setup, &flow->message, ROUTE_NONE, flow->start_ps, TIME_NEVER);
}

void ether_flow_finish(struct ether_network *net, uint32_t index)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	if (!flow->live || flow->cumulative < flow->n_packets || flow->alive || flow->ready || flow->deliver_ps > ether_now(net))
		return;
	flow->live = false;
	pool_give(&net->flows, index);
	if (net->flows.n_used == 0)
		ether_observe_end(net);
}

/* ---- sending ----------------------------------------------------------------------------------------------------------- */

bool ether_may_send(const struct ether_network *net, const struct ether_flow *flow)
{
	if (flow->transmitted >= flow->may_send)
		return false;
	if (flow->n_lost == 0 && (flow->next >= flow->n_packets || (net->selective && flow->next - flow->cumulative >= net->span - 64)))
		return false;
	return flow->in_flight + net->full_wire <= flow->window && flow->pace_ps <= ether_now(net);
}

/* Joins the queue of its host, if it may send. */
void ether_flow_wake(struct ether_network *net, uint32_t index)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	struct ether_host *host = &net->hosts[flow->message.source];
	if (flow->ready || !ether_may_send(net, flow))
		return;
	flow->ready = true;
	flow->next_ready = ETHER_NONE;
	if (host->first == ETHER_NONE)
		host->first = index;
	else
		ether_flow_at(net, host->last)->next_ready = index;
	host->last = index;
	struct ether_set set = net->ways.sets[flow->source_set - 1];
	for (uint32_t i = 0; i < set.n; i++)
		ether_touch(net, net->ways.links[set.first + i]);
}

/* The packet that is to be sent now: what was lost first. */
static uint32_t next_sequence(struct ether_network *net, struct ether_flow *flow)
{
	uint64_t *lost = ether_lost(net, flow);
	uint32_t sequence;
	if (flow->n_lost == 0)
		return flow->next++;
	for (sequence = flow->lost_from > flow->cumulative ? flow->lost_from : flow->cumulative;; sequence++) {
		uint32_t at = sequence & (net->span - 1);
		if (at % 64 == 0 && lost[at / 64] == 0) {
			sequence += 63;
			continue;
		}
		if (ether_bit(lost, at))
			break;
	}
	lost[(sequence & (net->span - 1)) / 64] &= ~(UINT64_C(1) << sequence % 64);
	flow->lost_from = sequence + 1;
	flow->n_lost--;
	return sequence;
}

/* The next entropy value. `recycle`: of a packet that came unmarked, else the next in turn (REPS: T. Bonato et al., arXiv:2404.01630).
 * `avoid`: the next in turn; those whose packets were marked or lost are left out for as many turns. */
static uint32_t next_entropy(struct ether_network *net, struct ether_flow *flow)
{
	uint8_t *penalties = ether_penalties(net, flow);
	uint32_t entropy = flow->entropy;
	if (flow->n_recycled) {
		flow->n_recycled--;
		return flow->recycled[flow->first_recycled++ % ETHER_RECYCLED];
	}
	for (; net->avoid_marked && penalties[entropy]; entropy = entropy + 1 == net->entropies ? 0 : entropy + 1)
		penalties[entropy]--;
	flow->entropy = entropy + 1 == net->entropies ? 0 : entropy + 1;
	return entropy;
}

void ether_recycle(struct ether_network *net, struct ether_flow *flow, uint32_t sequence)
{
	uint32_t at = (flow->first_recycled + flow->n_recycled) % ETHER_RECYCLED;
	if (flow->n_recycled == ETHER_RECYCLED)
		return;
	flow->recycled[at] = ether_entropies(net, flow)[sequence & (net->span - 1)];
	flow->n_recycled++;
}

void ether_penalise(struct ether_network *net, struct ether_flow *flow, uint32_t entropy, uint32_t turns)
{
	uint8_t *penalty;
	if (!net->spray || !net->avoid_marked)
		return;
	penalty = &ether_penalties(net, flow)[entropy];
	*penalty = (uint8_t)(*penalty + turns < PENALTY_MOST ? *penalty + turns : PENALTY_MOST);
}

uint32_t ether_emit(struct ether_network *net, uint32_t index)
{
	uint32_t packet_index = ether_packet_take(net);
	struct ether_flow *flow = ether_flow_at(net, index);
	uint32_t sequence = next_sequence(net, flow), payload = ether_payload(net, flow, sequence), hash = flow->hash;
	bool again = sequence < flow->sent_once;
	uint32_t entropy = net->spray ? next_entropy(net, flow) : 0;
	if (net->recycle)
		ether_entropies(net, flow)[sequence & (net->span - 1)] = (uint16_t)entropy;
	if (net->spray)
		hash = ether_mix(flow->hash + entropy * 0x9e3779b9u);
	else if (net->adaptive)
		hash = ether_mix(flow->hash + flow->transmitted);
	net->reports[packet_index].stamp_ps = ether_now(net);
	net->packets[packet_index] = (struct ether_packet){.flow = index, .sequence = sequence,
		.destination = flow->message.destination, .in_link = ETHER_NONE, .hash = hash, .entropy = (uint16_t)entropy, .wire = (uint16_t)(payload + net->header),
		.payload = (uint16_t)payload, .kind = ETHER_DATA, .traffic = flow->message.kind & 15u, .flags = again ? ETHER_AGAIN : 0};
	flow->alive++;
	flow->transmitted++;
	flow->in_flight += payload + net->header;
	if (flow->in_flight + net->full_wire > flow->window)
		net->packets[packet_index].flags |= ETHER_ASK;
	net->counters.bytes_injected += payload;
	net->counters.bytes_in_flight += payload;
	if (again)
		net->totals.retransmissions++;
	else
		flow->sent_once = sequence + 1;
	if (net->transport->sent)
		net->transport->sent(net, index, payload + net->header);
	if (flow->timeout_ps == TIME_NEVER)
		ether_timeout_set(net, index);
	if (flow->pace_ps > ether_now(net))
		ether_flow_alarm(net, index, flow->pace_ps);
	return packet_index;
}

void ether_answer(struct ether_network *net, uint32_t index, bool to_source, const struct ether_packet *packet,
		  const struct ether_report *report)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	const struct network_message *message = &flow->message;
	uint32_t from = to_source ? message->destination : message->source, answer = ether_packet_take(net);
	struct ether_packet *out = &net->packets[answer];
	*out = *packet;
	net->reports[answer] = *report;
	out->flow = index;
	out->destination = to_source ? message->source : message->destination;
	out->wire = (uint16_t)net->control_wire;
	out->payload = 0;
	out->traffic = message->kind & 15u;
	flow->alive++;
	ether_forward(net, answer, net->base.setup.fabric->npu_node[from], ETHER_NONE);
}

void ether_receive(struct ether_network *net, uint32_t packet_index, uint32_t link)
{
	struct ether_packet packet = net->packets[packet_index];
	struct ether_report report = net->reports[packet_index];
	struct ether_flow *flow = ether_flow_at(net, packet.flow);
	(void)link;
	flow->alive++; /* lives until this is through, whatever it acknowledges */
	ether_packet_give(net, packet_index);
	switch ((enum ether_kind)packet.kind) {
	case ETHER_DATA: ether_receive_data(net, packet.flow, &packet, report.stamp_ps); break;
	case ETHER_TRIMMED: ether_receive_trimmed(net, packet.flow, &packet, report.stamp_ps); break;
	case ETHER_ACK: ether_receive_ack(net, packet.flow, &packet, &report); break;
	case ETHER_NOTIFY:
	case ETHER_CREDIT: net->transport->control(net, packet.flow, &packet, &report); break;
	case ETHER_PAUSE: break;
	}
	if (--ether_flow_at(net, packet.flow)->alive == 0)
		ether_flow_finish(net, packet.flow);
}

/* ---- alarms ------------------------------------------------------------------------------------------------------------ */

void ether_flow_alarm(struct ether_network *net, uint32_t index, int64_t time_ps)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	if (time_ps >= flow->alarm_ps)
		return;
	flow->alarm_ps = time_ps;
	engine_schedule(net->base.setup.engine, time_ps, net->alarm_handler, index);
}

void ether_alarm_due(void *context, uint32_t index)
{
	struct ether_network *net = context;
	if (net->flows.next[index] != POOL_USED || ether_flow_at(net, index)->alarm_ps != ether_now(net))
		return;
	ether_due_add(&net->alarms, index);
	engine_request(net->base.setup.engine, ENGINE_PHASE_NETWORK);
}

void ether_flow_alarm_due(struct ether_network *net, uint32_t index)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	int64_t now_ps = ether_now(net), next_ps = TIME_NEVER;
	if (net->flows.next[index] != POOL_USED || flow->alarm_ps != now_ps)
		return;
	flow->alarm_ps = TIME_NEVER;
	if (flow->cumulative == flow->n_packets)
		return;
	if (net->transport->timer)
		next_ps = net->transport->timer(net, index);
	if (flow->timeout_ps <= now_ps)
		ether_timeout(net, index);
	flow = ether_flow_at(net, index);
	next_ps = flow->timeout_ps < next_ps ? flow->timeout_ps : next_ps;
	if (flow->pace_ps > now_ps && flow->pace_ps < next_ps)
		next_ps = flow->pace_ps;
	ether_flow_wake(net, index);
	if (next_ps != TIME_NEVER)
		ether_flow_alarm(net, index, next_ps);
}
