/* What observers see: runs of packets that follow each other on a link without a gap, as from the lossless core.
 *
 * Payload is what a first transmission carries. Headers, control packets and everything that is sent again are overhead. */
#include "network/ethernet.h"

static const struct ether_run untold = {.start_ps = INT64_MIN, .end_ps = INT64_MIN, .busy_ps = INT64_MIN, .interval_ps = INT64_MIN};

void ether_observe_begin(struct ether_network *net)
{
	uint32_t n = net->base.setup.fabric->n_links;
	net->runs = memory_alloc((n + 1u) * sizeof *net->runs);
	net->open_runs = memory_alloc((n + 1u) * sizeof *net->open_runs);
	for (uint32_t link = 0; link < n; link++)
		net->runs[link] = untold;
}

static void tell_bytes(struct ether_network *net, uint32_t link, struct ether_run *run)
{
	if (run->end_ps > run->start_ps && (run->payload || run->overhead))
		OBSERVE(net->base.setup.observers, link_bytes, link, run->start_ps, run->end_ps, run->payload, run->overhead, run->kind);
	run->payload = run->overhead = 0;
}

static void tell_busy(struct ether_network *net, uint32_t link, const struct ether_run *run)
{
	if (run->end_ps > run->busy_ps)
		OBSERVE(net->base.setup.observers, link_busy, link, run->busy_ps, run->end_ps);
}

static void tell_interval(struct ether_network *net, uint32_t link, const struct ether_run *run)
{
	if (run->end_ps > run->interval_ps && run->message != MESSAGE_NONE)
		OBSERVE(net->base.setup.observers, link_interval, link, run->interval_ps, run->end_ps, run->message);
}

void ether_observe_start(struct ether_network *net, uint32_t link, const struct ether_packet *packet, int64_t start_ps, int64_t end_ps)
{
	struct ether_run *run = &net->runs[link];
	const struct observers *observers = net->base.setup.observers;
	bool gap = start_ps != run->end_ps, first = packet->kind == ETHER_DATA && !(packet->flags & ETHER_AGAIN);
	uint64_t message = MESSAGE_NONE;
	uint8_t kind = TRAFFIC_N;
	if (observers->wants_kinds || observers->wants_intervals) {
		const struct ether_flow *flow = packet->flow == ETHER_NONE ? NULL : ether_flow_at(net, packet->flow);
		if (flow && packet->kind == ETHER_DATA)
			message = flow->message.id;
		kind = flow && observers->wants_kinds ? flow->message.kind : TRAFFIC_N;
	}
	if (!run->open) {
		run->open = true;
		net->open_runs[net->n_open_runs++] = link;
	}
	if (gap)
		tell_busy(net, link, run);
	if (gap || (observers->wants_intervals && message != run->message)) {
		tell_interval(net, link, run);
		run->message = message;
		run->interval_ps = start_ps;
	}
	if (gap || (kind != run->kind && first)) {
		tell_bytes(net, link, run);
		run->start_ps = start_ps;
		run->kind = kind;
	}
	if (gap)
		run->busy_ps = start_ps;
	run->payload += first ? packet->payload : 0;
	run->overhead += packet->wire - (first ? packet->payload : 0);
	run->end_ps = end_ps;
	if (packet->flags & ETHER_AGAIN && packet->kind == ETHER_DATA)
		OBSERVE(observers, link_count, link, LINK_AGAIN_BYTES, start_ps, end_ps, packet->wire);
}

void ether_observe_end(struct ether_network *net)
{
	for (uint32_t i = 0; i < net->n_open_runs; i++) {
		struct ether_run *run = &net->runs[net->open_runs[i]];
		tell_bytes(net, net->open_runs[i], run);
		tell_busy(net, net->open_runs[i], run);
		tell_interval(net, net->open_runs[i], run);
		*run = untold;
	}
	net->n_open_runs = 0;
}
