/* What observers see of packets: what happened on links, summed up (packet_tally.c), and intervals of one message, which end where the
 * next packet does not join them. Trains or not, the same comes out. */
#include "network/packet.h"

void packet_observe_begin(struct packet_network *net)
{
	const struct observers *observers = net->base.setup.observers;
	uint32_t n = net->base.setup.fabric->n_links;
	net->observed = true;
	net->open_links = memory_alloc((n + 1) * sizeof *net->open_links);
	packet_tally_begin(net);
	if (observers->wants_intervals) {
		net->runs = memory_alloc((n + 1) * sizeof *net->runs);
		for (uint32_t link = 0; link < n; link++)
			net->runs[link] = (struct packet_run){.start_ps = INT64_MIN, .end_ps = INT64_MIN};
	}
	if (!observers->wants_queue)
		return;
	net->watches = memory_lines(n + 1u, sizeof *net->watches);
	net->hop_times = memory_zero(net->base.setup.fabric->n_kinds + 1, sizeof *net->hop_times);
}

void packet_observe_later(struct packet_network *net, uint32_t link)
{
	if (net->links[link].open)
		return;
	net->links[link].open = 1;
	net->open_links[net->n_open_links++] = link;
}

static void tell_interval(struct packet_network *net, uint32_t link)
{
	struct packet_run *run = &net->runs[link];
	if (run->end_ps > run->start_ps)
		OBSERVE(net->base.setup.observers, link_interval, link, run->start_ps, run->end_ps, run->message);
}

static void observe_intervals(struct packet_network *net, uint32_t link, uint64_t message, int64_t start_ps, int64_t spacing_ps,
			      int64_t each_ps, uint32_t count)
{
	struct packet_run *run = &net->runs[link];
	packet_observe_later(net, link);
	for (uint32_t i = 0; i < count; i++, start_ps += spacing_ps) {
		if (start_ps != run->end_ps || message != run->message) {
			tell_interval(net, link);
			*run = (struct packet_run){.start_ps = start_ps, .message = message};
		}
		run->end_ps = start_ps + each_ps;
	}
}

/* From their arrival at the link's source to their arrival at its end. */
static void observe_hops(struct packet_network *net, uint32_t link, int64_t first_wait_ps, int64_t step_ps, int64_t each_ps, uint32_t count,
			 bool last)
{
	int64_t first_ps = first_wait_ps + each_ps + net->links[link].latency_ps + (last ? 0 : net->forwarding_ps);
	struct hop_histogram *times = &net->hop_times[net->links[link].kind];
	if (count == 1)
		hop_add(times, first_ps, 1);
	else
		hop_add_series(times, first_ps, step_ps, count);
}


static uint8_t kind_of(const struct packet_network *net, uint32_t message)
{
	return net->base.setup.observers->wants_kinds ? packet_message_at(net, message)->message.kind : TRAFFIC_N;
}

void packet_observe(struct packet_network *net, uint32_t link, const struct packet_entry *entry, uint32_t returns, int64_t start_ps,
		    int64_t each_ps)
{
	if (net->links[link].unseen)
		packet_observe_train(net, link);
	if (net->watches && returns != PACKET_NONE) { /* waits in a node's buffers, not those of its own messages */
		packet_watch_start(net, link, start_ps, entry->payload + net->header);
		observe_hops(net, link, start_ps - entry->avail_ps, 0, each_ps, 1, packet_ends(net, link, entry));
	}
	packet_tally_packets(net, link, start_ps, 0, each_ps, 1, entry->payload, kind_of(net, entry->message));
	if (net->runs)
		observe_intervals(net, link, packet_message_at(net, entry->message)->message.id, start_ps, 0, each_ps, 1);
}

void packet_observe_train_later(struct packet_network *net, uint32_t link, const struct packet_entry *entry)
{
	if (net->links[link].unseen)
		packet_observe_train(net, link);
	net->trains_started[link].kind = kind_of(net, entry->message);
	net->links[link].unseen = 1;
	packet_observe_later(net, link);
}

/* Packets of the link's train. Where they waited, packet by packet: waits and packets are summed up in order of time. */
static void observe_part(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t each_ps, int64_t avail_ps, uint32_t payload,
			 uint32_t count, bool direct)
{
	const struct packet_train *train = &net->trains_started[link];
	bool own = train->input == net->links[link].n_inputs - 1u;
	int64_t spacing_ps = train->spacing_ps;
	if (net->watches && !own)
		observe_hops(net, link, start_ps - avail_ps, spacing_ps - train->stride_ps, each_ps, count,
			     net->hops[train->hop].next_voq == PACKET_LAST);
	if (net->runs)
		observe_intervals(net, link, train->id, start_ps, spacing_ps, each_ps, count);
	if (!net->watches || own || direct || packet_watch_none(net, link, start_ps, spacing_ps, count, payload + net->header)) {
		packet_tally_packets(net, link, start_ps, spacing_ps, each_ps, count, payload, train->kind);
		return;
	}
	for (uint32_t i = 0; i < count; i++, start_ps += spacing_ps) {
		packet_watch_start(net, link, start_ps, payload + net->header);
		packet_tally_packets(net, link, start_ps, 0, each_ps, 1, payload, train->kind);
	}
}

/* A train is told when the next start on its link is: then nothing of it can be recalled any more. */
void packet_observe_train(struct packet_network *net, uint32_t link)
{
	const struct packet_train *train = &net->trains_started[link];
	if (!net->links[link].unseen)
		return;
	net->links[link].unseen = 0;
	observe_part(net, link, train->start_ps, train->each_ps, train->avail_ps, train->payload, train->count,
		     train->direct);
	if (train->tail_payload)
		observe_part(net, link, train->tail_start_ps, train->tail_each_ps, train->tail_avail_ps, train->tail_payload, 1, false);
}

void packet_observe_stall(struct packet_network *net, uint32_t link, int64_t until_ps)
{
	int64_t since_ps = net->links[link].stalled_since_ps;
	net->links[link].stalled = 0;
	if (until_ps == since_ps)
		return;
	net->stalls++;
	net->stalled_ps += until_ps - since_ps;
	if (net->observed)
		packet_tally_stall(net, link, since_ps, until_ps);
}

/* Tells all that is still untold. Called when nothing is in flight, so that no interval spans a time without messages. */
void packet_observe_end(struct packet_network *net)
{
	for (uint32_t i = 0; i < net->n_open_links; i++) {
		uint32_t link = net->open_links[i];
		packet_observe_train(net, link);
		packet_tally_end(net, link);
		net->links[link].open = 0;
		if (!net->runs)
			continue;
		tell_interval(net, link);
		net->runs[link] = (struct packet_run){.start_ps = INT64_MIN, .end_ps = INT64_MIN};
	}
	net->n_open_links = 0;
}
