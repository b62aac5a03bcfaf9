/* A fixed window: nothing reacts to congestion. What other transports are measured against. */
#include "network/ethernet.h"

/* One idle round trip at the rate of the source, and a packet; never less than that packet. */
static void window_start(struct ether_network *net, uint32_t index)
{
	struct ether_flow *flow = ether_flow_at(net, index);
	flow->window = net->window_bytes ? net->window_bytes : ether_round_trip_bytes(net, flow) + net->full_wire;
	if (flow->window < net->full_wire)
		flow->window = net->full_wire;
}

const struct ether_transport ether_window = {
	.name = "window",
	.summary = "a fixed window, selective recovery",
	.selective = true,
	.timeout_ps = INT64_C(1000000000),
	.answer_every = 1,
	.mark_max = 1,
	.start = window_start,
};
