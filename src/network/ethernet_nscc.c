/* A window by delay and marks in the spirit of NSCC, the network signal congestion control of the Ultra Ethernet Specification 1.0
 * (§3.6, congestion management sublayer), after SMaRTT (T. Bonato et al., "SMaRTT-REPS: sender-based marked rapidly-adapting trimmed and
 * timed transport with recycled entropies", arXiv:2404.01630), whose four cases it has:
 *
 *                   delay < target                      delay >= target
 *     not marked    increase by how far it is below     increase by a fair share
 *     marked        nothing: other paths will do        decrease by how far the average is above, once per round trip
 *
 * After a round trip (and a target) with losses, or with delays of several targets, the window falls to what was achieved in it (quick
 * adapt; what a loss alone takes from the window elsewhere is in that). When nothing waits anywhere it grows by what is acknowledged
 * (fast increase). Constants are those of htsim's model of it, which scales them from
 * 100 Gb/s and 12 us. Not the specification's text: what that leaves open is as said here. */
#include "network/ethernet.h"

#define REFERENCE_BYTES 150000.0   /* 100 Gb/s x 12 us */
#define REFERENCE_PS 12e6
#define GAMMA 0.8
#define AVERAGING 0.0125
#define QUICK_DELAYS 4             /* quick adapt: delays of so many targets */
#define FAST_PS INT64_C(1000000)   /* delays below count as none */
#define FAST_PART 0.25

static double target_ps(const struct ether_network *net)
{
	return (net->trims ? 0.75 : 1.0) * (double)net->round_trip_ps;
}
/* How much longer the pipe is than the one that the constants are for, in packets. */
static double scaled_packet(const struct ether_network *net, const struct ether_flow *flow)
{
	double pipe = (double)ether_line_rate(net, flow) * (double)net->round_trip_ps * 1e-12;
	return (double)net->full_wire * pipe / REFERENCE_BYTES;
}

static void set_window(struct ether_network *net, struct ether_flow *flow)
{
	struct ether_nscc *state = &flow->nscc;
	if (state->window < (double)net->full_wire)
		state->window = (double)net->full_wire;
	if (state->window > (double)state->most)
		state->window = (double)state->most;
	flow->window = (int64_t)state->window;
}

static void nscc_start(struct ether_network *net, uint32_t index)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	struct ether_nscc *state = &flow->nscc;
	int64_t pipe = ether_round_trip_bytes(net, flow);
	state->most = net->window_bytes ? net->window_bytes : pipe + pipe / 2;
	if (state->most < 2 * (int64_t)net->full_wire * net->answer_every)
		state->most = 2 * (int64_t)net->full_wire * net->answer_every;
	state->window = (double)state->most;
	state->quick_end_ps = ether_now(net) + flow->round_trip_ps + (int64_t)target_ps(net);
	set_window(net, flow);
}

static void quick_adapt(struct ether_network *net, struct ether_flow *flow, double delay_ps)
{
	struct ether_nscc *state = &flow->nscc;
	int64_t now_ps = ether_now(net);
	state->lost |= delay_ps > QUICK_DELAYS * target_ps(net);
	if (now_ps < state->quick_end_ps)
		return;
	if (state->lost && (double)state->achieved < state->window) {
		state->window = (double)state->achieved;
		state->ignore = flow->in_flight;
		state->ignored = 0;
		state->increase = 0;
		state->counted = 0;
	}
	state->lost = false;
	state->achieved = 0;
	state->quick_end_ps = now_ps + flow->round_trip_ps + (int64_t)target_ps(net);
}

static bool fast_increase(struct ether_nscc *state, int64_t bytes, double delay_ps)
{
	if (delay_ps >= (double)FAST_PS) {
		state->fast_bytes = 0;
		state->fast = false;
		return false;
	}
	state->fast_bytes += bytes;
	if ((double)state->fast_bytes <= state->window && !state->fast)
		return false;
	state->fast = true;
	state->window += FAST_PART * (double)bytes;
	return true;
}

static void decrease(struct ether_network *net, struct ether_flow *flow)
{
	struct ether_nscc *state = &flow->nscc;
	double target = target_ps(net), factor;
	if (state->average_ps <= target || ether_now(net) - state->decreased_ps < flow->round_trip_ps)
		return;
	factor = 1 - GAMMA * (state->average_ps - target) / state->average_ps;
	state->window *= factor > 0.5 ? factor : 0.5;
	state->decreased_ps = ether_now(net);
}

static void follow_average(struct ether_network *net, struct ether_flow *flow, double delay_ps, bool marked)
{
	struct ether_nscc *state = &flow->nscc;
	double sample = delay_ps;
	if (!marked && delay_ps > target_ps(net)) /* long, but not for queues that mark: counts little */
		sample = 0.25 * (double)flow->round_trip_ps;
	state->average_ps = AVERAGING * sample + (1 - AVERAGING) * state->average_ps;
}

/* Increases are gathered and take effect after some packets or a round trip. */
static void fulfil(struct ether_network *net, struct ether_flow *flow)
{
	struct ether_nscc *state = &flow->nscc;
	int64_t now_ps = ether_now(net);
	if (state->counted < 8 * (int64_t)net->full_wire && now_ps - state->adjusted_ps < net->round_trip_ps)
		return;
	state->window += state->increase / state->window;
	if (now_ps - state->added_ps >= net->round_trip_ps) {
		state->window += 0.15 * scaled_packet(net, flow);
		state->added_ps = now_ps;
	}
	state->increase = 0;
	state->counted = 0;
	state->adjusted_ps = now_ps;
}

static void nscc_acked(struct ether_network *net, uint32_t index, int64_t bytes, int64_t delay, bool marked)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	struct ether_nscc *state = &flow->nscc;
	double delay_ps = (double)delay, target = target_ps(net), packet = scaled_packet(net, flow);
	state->achieved += bytes;
	state->counted += bytes;
	if (state->ignored < state->ignore) {
		state->ignored += bytes;
		if (marked)
			return;
	}
	follow_average(net, flow, delay_ps, marked);
	quick_adapt(net, flow, delay_ps);
	if (!marked && delay_ps < target) {
		if (!fast_increase(state, bytes, delay_ps))
			state->increase += 4 * packet * (target / REFERENCE_PS) * (1 - delay_ps / target) * (double)bytes;
	} else if (!marked) {
		state->increase += 5 * packet * (double)bytes;
	} else if (delay_ps >= target) {
		decrease(net, flow);
	}
	fulfil(net, flow);
	set_window(net, flow);
}

static void nscc_lost(struct ether_network *net, uint32_t index, int64_t bytes, bool timeout)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	struct ether_nscc *state = &flow->nscc;
	(void)timeout;
	if (!bytes)
		return;
	if (state->ignored < state->ignore) /* of packets sent before the last quick adapt */
		state->ignored += bytes;
	else
		state->lost = true;
	quick_adapt(net, flow, 0);
	state->fast = false;
	state->fast_bytes = 0;
	set_window(net, flow);
}

const struct ether_transport ether_nscc = {
	.name = "nscc",
	.summary = "Ultra Ethernet: a window by delay and marks, selective recovery, trimming",
	.selective = true,
	.trims = true,
	.timeout_ps = INT64_C(100000000),
	.answer_every = 4,
	.mark_max = 1,
	.start = nscc_start,
	.acked = nscc_acked,
	.lost = nscc_lost,
};
