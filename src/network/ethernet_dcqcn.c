/* DCQCN, the congestion control of RoCEv2 (Y. Zhu et al., "Congestion control for large-scale RDMA deployments", SIGCOMM 2015): a
 * marked packet makes the receiver notify the sender, at most once in 50 us; the sender cuts its rate and then raises it again in
 * steps, by time and by bytes. Equations (1)–(4) and parameters of its §3 and §5; what it gives as rates for links of 40 Gb/s is taken
 * in proportion to the link's rate. */
#include "network/ethernet.h"

#define NOTIFY_PS INT64_C(50000000)  /* a notification per flow and so long */
#define TIMER_PS INT64_C(55000000)   /* of raises, and of alpha */
#define BYTES INT64_C(10000000)      /* the byte counter */
#define G (1.0 / 256)
#define STEPS 5                      /* F: of fast recovery */
#define ADD (1.0 / 1000)             /* R_AI: 40 Mb/s at 40 Gb/s */
#define ADD_FAST (1.0 / 100)         /* R_HAI: the paper gives none; ten times R_AI */
#define LEAST (1.0 / 4000)           /* rates stay above: 10 Mb/s at 40 Gb/s */

static void dcqcn_start(struct ether_network *net, uint32_t index)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	struct ether_dcqcn *state = &flow->dcqcn;
	state->line = ether_line_rate(net, flow);
	state->rate = state->target = (double)state->line;
	state->alpha = 1;
	state->decay_ps = state->raise_ps = TIME_NEVER;
	if (net->window_bytes)
		flow->window = net->window_bytes;
}

/* Fast recovery, then additive, then hyper increase. */
static void raise_rate(struct ether_dcqcn *state)
{
	uint32_t most = state->by_time > state->by_bytes ? state->by_time : state->by_bytes;
	uint32_t least = state->by_time < state->by_bytes ? state->by_time : state->by_bytes;
	if (most >= STEPS && least < STEPS)
		state->target += ADD * (double)state->line;
	else if (least >= STEPS)
		state->target += ADD_FAST * (double)state->line * (least - STEPS + 1);
	if (state->target > (double)state->line)
		state->target = (double)state->line;
	state->rate = (state->rate + state->target) / 2;
}

static void dcqcn_sent(struct ether_network *net, uint32_t index, uint32_t wire)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	struct ether_dcqcn *state = &flow->dcqcn;
	if (state->raise_ps == TIME_NEVER) /* never notified: at line rate */
		return;
	flow->pace_ps = time_add(ether_now(net), serialization_ps(wire, (int64_t)state->rate));
	state->bytes += wire;
	if (state->bytes < BYTES)
		return;
	state->bytes = 0;
	state->by_bytes++;
	raise_rate(state);
}

static void dcqcn_notified(struct ether_network *net, uint32_t index, const struct ether_packet *packet,
			   const struct ether_report *report)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	struct ether_dcqcn *state = &flow->dcqcn;
	(void)packet, (void)report;
	if (flow->cumulative == flow->n_packets)
		return;
	state->target = state->rate;
	state->rate *= 1 - state->alpha / 2;
	if (state->rate < LEAST * (double)state->line)
		state->rate = LEAST * (double)state->line;
	state->alpha = (1 - G) * state->alpha + G;
	state->by_time = state->by_bytes = 0;
	state->bytes = 0;
	state->decay_ps = state->raise_ps = time_add(ether_now(net), TIMER_PS);
	ether_flow_alarm(net, index, state->raise_ps);
}

static int64_t dcqcn_timer(struct ether_network *net, uint32_t index)
{
	struct ether_dcqcn *state = &ether_flow_at(net, index)->dcqcn;
	int64_t now_ps = ether_now(net);
	if (state->decay_ps <= now_ps) {
		state->alpha *= 1 - G;
		state->decay_ps = now_ps + TIMER_PS;
	}
	if (state->raise_ps <= now_ps) {
		state->by_time++;
		raise_rate(state);
		state->raise_ps = now_ps + TIMER_PS;
	}
	return state->decay_ps < state->raise_ps ? state->decay_ps : state->raise_ps;
}

static void dcqcn_arrived(struct ether_network *net, uint32_t index, const struct ether_packet *packet)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	if (!(packet->flags & ETHER_MARKED) || ether_now(net) - flow->notified_ps < NOTIFY_PS)
		return;
	flow->notified_ps = ether_now(net);
	ether_answer(net, index, true, &(struct ether_packet){.hash = packet->hash, .kind = ETHER_NOTIFY}, &(struct ether_report){0});
}

const struct ether_transport ether_dcqcn = {
	.name = "dcqcn",
	.summary = "RoCEv2: rates cut by notifications of marked packets, go-back-N, pauses",
	.pauses = true,
	.timeout_ps = INT64_C(1000000000),
	.answer_every = 1,
	.mark_max = 0.01,
	.start = dcqcn_start,
	.sent = dcqcn_sent,
	.control = dcqcn_notified,
	.arrived = dcqcn_arrived,
	.timer = dcqcn_timer,
};
