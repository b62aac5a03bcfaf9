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
	if (!net->base.setup.observers->wants_queue)
		return;
	net->watches = memory_zero(n + 1, sizeof *net->watches);
	net->hop_times = memory_zero(net->base.setup.fabric->n_kinds + 1, sizeof *net->hop_times);
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

struct seen {
	uint64_t message;
	uint32_t payload;
	uint8_t kind;
};

/* `count` packets without a gap between them. */
static void observe_burst(struct packet_network *net, uint32_t link, const struct seen *seen, int64_t start_ps, int64_t end_ps,
			  uint32_t count)
{
	struct packet_run *run = &net->runs[link];
	bool gap = start_ps != run->end_ps;
	if (!run->open) { /* told at the latest when nothing is in flight */
		run->open = true;
		net->open_runs[net->n_open_runs++] = link;
	}
	if (gap)
		tell_busy(net, link, run);
	if (net->base.setup.observers->wants_intervals && (gap || seen->message != run->message)) {
		tell_interval(net, link, run);
		run->message = seen->message;
		run->interval_start_ps = start_ps;
	}
	if (gap || seen->kind != run->kind || seen->payload != run->payload_each) {
		tell_bytes(net, link, run);
		run->start_ps = start_ps;
		run->kind = seen->kind;
		run->payload_each = seen->payload;
	}
	if (gap)
		run->busy_start_ps = start_ps;
	run->payload += (int64_t)seen->payload * count;
	run->overhead += (int64_t)net->header * count;
	run->end_ps = end_ps;
}

/* Starts of packets that did not come from the node itself: their queue, and how long each takes from its arrival here to its
 * arrival at the link's end. */
static void observe_hops(struct packet_network *net, uint32_t link, const struct packet_train *starts, bool last)
{
	const struct packet_voq *voq = &net->voqs[net->links[link].first_voq + starts->input];
	int64_t forwarding_ps = last ? 0 : net->forwarding_ps;
	int64_t first_ps = starts->start_ps - starts->avail_ps + starts->each_ps + net->links[link].latency_ps + forwarding_ps;
	if (!net->watches || voq->returns == PACKET_NONE)
		return;
	packet_watch_start(net, link, starts->start_ps, starts->spacing_ps, starts->count, starts->payload + net->header);
	hop_add_series(&net->hop_times[net->base.setup.fabric->link_kind[link]], first_ps,
		       (int64_t)starts->spacing_ps - starts->stride_ps, starts->count);
}

void packet_observe(struct packet_network *net, uint32_t link, const struct packet_entry *entry, uint32_t input, int64_t start_ps,
		    int64_t each_ps, uint32_t count)
{
	const struct packet_message *message = packet_message_at(net, entry->message);
	uint8_t kind = net->base.setup.observers->wants_kinds ? message->message.kind : TRAFFIC_N;
	packet_observe_train(net, link);
	if (count == 1) {
		observe_hops(net, link, &(struct packet_train){.start_ps = start_ps, .avail_ps = entry->avail_ps, .each_ps = each_ps,
			     .count = 1, .payload = entry->payload, .input = input}, packet_ends(net, link, entry));
		struct seen seen = {.message = message->message.id, .payload = entry->payload, .kind = kind};
		observe_burst(net, link, &seen, start_ps, start_ps + each_ps, 1);
		return;
	}
	net->trains_started[link].id = message->message.id;
	net->trains_started[link].kind = kind;
	net->trains_started[link].unseen = true;
	if (!net->runs[link].open) {
		net->runs[link].open = true;
		net->open_runs[net->n_open_runs++] = link;
	}
}

/* A train is told when the next start on its link is: then nothing of it can be recalled any more. */
void packet_observe_train(struct packet_network *net, uint32_t link)
{
	struct packet_train *train = &net->trains_started[link];
	int64_t start_ps = train->start_ps;
	if (!train->unseen)
		return;
	struct seen seen = {.message = train->id, .payload = train->payload, .kind = train->kind};
	train->unseen = false;
	observe_hops(net, link, train, net->hops[train->hop].next_voq == PACKET_LAST);
	if (train->spacing_ps == train->each_ps) {
		observe_burst(net, link, &seen, start_ps, start_ps + train->each_ps * train->count, train->count);
		return;
	}
	for (uint32_t i = 0; i < train->count; i++, start_ps += train->spacing_ps)
		observe_burst(net, link, &seen, start_ps, start_ps + train->each_ps, 1);
}

void packet_observe_stall(struct packet_network *net, uint32_t link, int64_t until_ps)
{
	int64_t since_ps = net->stalled_since_ps[link];
	net->links[link].stalled = 0;
	if (until_ps == since_ps)
		return;
	net->stalls++;
	net->stalled_ps += until_ps - since_ps;
	OBSERVE(net->base.setup.observers, link_stall, link, since_ps, until_ps);
}

/* Tells all that is still untold. Called when nothing is in flight, so that no run spans a time without messages. */
void packet_observe_end(struct packet_network *net)
{
	for (uint32_t i = 0; i < net->n_open_runs; i++) {
		struct packet_run *run = &net->runs[net->open_runs[i]];
		packet_observe_train(net, net->open_runs[i]);
		tell_bytes(net, net->open_runs[i], run);
		tell_busy(net, net->open_runs[i], run);
		tell_interval(net, net->open_runs[i], run);
		if (net->watches)
			packet_watch_end(net, net->open_runs[i]);
		*run = untold;
	}
	net->n_open_runs = 0;
}
