/* What observers see: runs of packets that follow each other on a link without a gap, as from the lossless core.
 *
 * Bytes of a run are spread evenly over it, so packets of different kinds share one only for MIXED_PS.
 * Payload is what a first transmission carries. Headers, control packets and everything that is sent again are overhead. */
#include "network/ethernet.h"

#define MIXED_PS (INT64_C(1) << 19) /* 0.52 us */

static const struct ether_run untold = {.start_ps = INT64_MIN, .end_ps = INT64_MIN, .busy_ps = INT64_MIN, .interval_ps = INT64_MIN};

void ether_observe_begin(struct ether_network *net)
{
	uint32_t n = net->base.setup.fabric->n_links;
	net->runs = memory_alloc((n + 1u) * sizeof *net->runs);
	net->open_runs = memory_alloc((n + 1u) * sizeof *net->open_runs);
	for (uint32_t link = 0; link < n; link++)
		net->runs[link] = untold;
	if (net->base.setup.observers->wants_queue)
		net->watches = memory_zero(n + 1u, sizeof *net->watches);
}

/* ---- queues: the maximum and the integral over stretches of 2^CELL_BITS ps, as from the lossless core ------------------ */

enum { CELL_BITS = 19 /* 0.52 us */ };

static void tell_watch(struct ether_network *net, uint32_t link, int64_t to_ps)
{
	struct ether_watch *watch = &net->watches[link];
	if (watch->max_bytes && to_ps > watch->from_ps)
		OBSERVE(net->base.setup.observers, link_queue, link, watch->from_ps, to_ps, watch->max_bytes, watch->byte_ps);
	watch->from_ps = to_ps;
	watch->max_bytes = watch->byte_ps = 0;
}

/* The queue held what it holds now until time_ps. */
static void watch_until(struct ether_network *net, uint32_t link, int64_t time_ps)
{
	struct ether_watch *watch = &net->watches[link];
	int64_t bytes = net->ports[link].queues[ETHER_BULK].bytes;
	if (!bytes) {
		if (time_ps >> CELL_BITS != watch->from_ps >> CELL_BITS) {
			tell_watch(net, link, ((watch->from_ps >> CELL_BITS) + 1) << CELL_BITS);
			watch->from_ps = time_ps >> CELL_BITS << CELL_BITS;
		}
		watch->at_ps = time_ps;
		return;
	}
	while (watch->at_ps < time_ps) {
		int64_t end_ps = ((watch->at_ps >> CELL_BITS) + 1) << CELL_BITS, to_ps = end_ps < time_ps ? end_ps : time_ps;
		watch->byte_ps += bytes * (to_ps - watch->at_ps);
		watch->max_bytes = bytes > watch->max_bytes ? bytes : watch->max_bytes;
		watch->at_ps = to_ps;
		if (to_ps == end_ps)
			tell_watch(net, link, to_ps);
	}
}

void ether_watch_change(struct ether_network *net, uint32_t link) { watch_until(net, link, ether_now(net)); }

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
	uint32_t each = (uint32_t)packet->payload << 16 | packet->wire | (packet->flags & ETHER_AGAIN ? 1u << 31 : 0);
	bool gap = start_ps != run->end_ps, first = packet->kind == ETHER_DATA && !(packet->flags & ETHER_AGAIN);
	uint64_t message = MESSAGE_NONE;
	uint8_t kind = observers->wants_kinds && packet->kind != ETHER_PAUSE ? packet->traffic : TRAFFIC_N;
	if (observers->wants_intervals && packet->kind == ETHER_DATA)
		message = ether_flow_at(net, packet->flow)->message.id;
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
	run->mixed |= each != run->each;
	if (gap || (kind != run->kind && first) || (run->mixed && end_ps - run->start_ps > MIXED_PS)) {
		tell_bytes(net, link, run);
		run->start_ps = start_ps;
		run->kind = kind;
		run->each = each;
		run->mixed = false;
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
		if (net->watches) {
			watch_until(net, net->open_runs[i], ether_now(net));
			tell_watch(net, net->open_runs[i], net->watches[net->open_runs[i]].at_ps);
		}
		*run = untold;
	}
	net->n_open_runs = 0;
}
