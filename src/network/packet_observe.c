/* What observers see of packets: runs of packets that follow each other without a gap. A run ends where the next packet does not
 * join it, which depends on the packets alone: trains or not, the same runs come out. */
#include "network/packet.h"

static const struct packet_run untold = {.start_ps = INT64_MIN, .end_ps = INT64_MIN, .busy_start_ps = INT64_MIN,
					 .interval_start_ps = INT64_MIN};

void packet_observe_begin(struct packet_network *net)
{
	uint32_t n = net->base.setup.fabric->n_links;
	net->runs = memory_alloc((n + 1) * sizeof *net->runs);
	net->open_runs = memory_alloc((n + 1) * sizeof *net->open_runs);
	for (uint32_t link = 0; link < n; link++)
		net->runs[link] = untold;
}

static void tell_bytes(struct packet_network *net, uint32_t link, struct packet_run *run)
{
	if (run->end_ps > run->start_ps)
		OBSERVE(net->base.setup.observers, link_bytes, link, run->start_ps, run->end_ps, run->payload, run->overhead, run->kind);
	run->payload = run->overhead = 0;
}

static void tell_busy(struct packet_network *net, uint32_t link, const struct packet_run *run)
{
	if (run->end_ps > run->busy_start_ps)
		OBSERVE(net->base.setup.observers, link_busy, link, run->busy_start_ps, run->end_ps);
}

static void tell_interval(struct packet_network *net, uint32_t link, const struct packet_run *run)
{
	if (run->end_ps > run->interval_start_ps)
		OBSERVE(net->base.setup.observers, link_interval, link, run->interval_start_ps, run->end_ps, run->message);
}

/* `count` packets without a gap between them. */
static void observe_burst(struct packet_network *net, uint32_t link, const struct packet_entry *entry, int64_t start_ps, int64_t end_ps,
			  uint32_t count)
{
	const struct observers *observers = net->base.setup.observers;
	struct packet_run *run = &net->runs[link];
	const struct packet_message *message = packet_message_at(net, entry->message);
	uint8_t kind = observers->wants_kinds ? message->message.kind : TRAFFIC_N;
	bool gap = start_ps != run->end_ps;
	if (!run->open) { /* told at the latest when nothing is in flight */
		run->open = true;
		net->open_runs[net->n_open_runs++] = link;
	}
	if (gap)
		tell_busy(net, link, run);
	if (gap || message->message.id != run->message) {
		tell_interval(net, link, run);
		run->message = message->message.id;
		run->interval_start_ps = start_ps;
	}
	if (gap || kind != run->kind || entry->payload != run->payload_each) {
		tell_bytes(net, link, run);
		run->start_ps = start_ps;
		run->kind = kind;
		run->payload_each = entry->payload;
	}
	if (gap)
		run->busy_start_ps = start_ps;
	run->payload += (int64_t)entry->payload * count;
	run->overhead += (int64_t)net->header * count;
	run->end_ps = end_ps;
}

void packet_observe(struct packet_network *net, uint32_t link, const struct packet_entry *entry, int64_t start_ps, int64_t spacing_ps,
		    int64_t each_ps, uint32_t count)
{
	if (spacing_ps == each_ps || count == 1) {
		observe_burst(net, link, entry, start_ps, start_ps + each_ps * count, count);
		return;
	}
	for (uint32_t i = 0; i < count; i++, start_ps += spacing_ps)
		observe_burst(net, link, entry, start_ps, start_ps + each_ps, 1);
}

void packet_observe_stall(struct packet_network *net, uint32_t index, int64_t until_ps)
{
	struct packet_link *link = &net->links[index];
	if (until_ps > link->stalled_ps) {
		net->stalls++;
		net->stalled_ps += until_ps - link->stalled_ps;
		OBSERVE(net->base.setup.observers, link_stall, index, link->stalled_ps, until_ps);
	}
	link->stalled_ps = TIME_NEVER;
}

/* Tells all that is still untold. Called when nothing is in flight, so that no run spans a time without messages. */
void packet_observe_end(struct packet_network *net)
{
	for (uint32_t i = 0; i < net->n_open_runs; i++) {
		struct packet_run *run = &net->runs[net->open_runs[i]];
		tell_bytes(net, net->open_runs[i], run);
		tell_busy(net, net->open_runs[i], run);
		tell_interval(net, net->open_runs[i], run);
		*run = untold;
	}
	net->n_open_runs = 0;
}
