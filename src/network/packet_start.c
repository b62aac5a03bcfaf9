/* What a start does: credits, the message's account, observers, and where the packets go from there. */
#include <assert.h>

#include "network/packet.h"

int64_t packet_unit_ps(const struct packet_network *net, struct packet_link *link, uint32_t wire)
{
	if (__builtin_expect(wire == net->full_wire, 1))
		return link->full_ps;
	if (wire != link->unit_wire) {
		link->unit_wire = wire;
		link->unit_ps = serialization_ps(wire, net->base.setup.links->bytes_per_s[link - net->links]);
	}
	return link->unit_ps;
}

int64_t packet_available(const struct packet_network *net, const struct packet_link *link, uint32_t voq, uint32_t wire, int64_t start_ps,
			 int64_t each_ps)
{
	int64_t avail_ps = start_ps + each_ps + link->latency_ps + net->forwarding_ps;
	if (!net->cut_through)
		return avail_ps;
	/* As soon as the header is there, but not so early that a faster link would run dry before the last byte. */
	const int64_t *rate = net->base.setup.links->bytes_per_s;
	int64_t early_ps = each_ps - serialization_ps(net->header ? net->header : 1, rate[link - net->links]);
	int64_t next_ps = serialization_ps(wire, rate[net->voqs[voq].link]);
	return avail_ps - (early_ps < next_ps ? early_ps : next_ps);
}

/* When a node can look at a packet: when all of it is there, or with cut-through the header. */
static int64_t can_be_seen(const struct packet_network *net, const struct packet_link *link, int64_t start_ps, int64_t each_ps)
{
	int64_t rate = net->base.setup.links->bytes_per_s[link - net->links];
	int64_t header_ps = net->cut_through ? serialization_ps(net->header ? net->header : 1, rate) : each_ps;
	return start_ps + header_ps + link->latency_ps + net->forwarding_ps;
}

/* Bytes of a message that started on its first link; the first packet's end is sure, that of a train not yet. */
static void account_sent(struct packet_network *net, uint32_t index, int64_t bytes, int64_t first_end_ps, int64_t end_ps)
{
	struct packet_message *message = packet_message_at(net, index);
	packet_later(&message->sent_sure_ps, first_end_ps);
	packet_later(&message->sent_ps, end_ps);
	if ((message->unsent -= bytes) == 0)
		engine_schedule(net->base.setup.engine, message->sent_ps, net->sent_handler, index);
}

/* Bytes that started on their last link. */
static void account_delivered(struct packet_network *net, uint32_t index, int64_t bytes, int64_t first_arrival_ps, int64_t arrival_ps)
{
	struct packet_message *message = packet_message_at(net, index);
	packet_later(&message->deliver_sure_ps, first_arrival_ps);
	packet_later(&message->deliver_ps, arrival_ps);
	if ((message->undelivered -= bytes) == 0)
		engine_schedule(net->base.setup.engine, message->deliver_ps, net->delivered_handler, index);
}

/* Packets are on the wire of their last link; those before them that have arrived are forgotten. */
static void deliver_later(struct packet_network *net, uint32_t index, uint32_t entry, int64_t arrival_ps, int64_t stride_ps)
{
	struct packet_wire *wire = &net->wires[index];
	struct packet_entry *added = &net->entries[entry];
	int64_t now_ps = net->base.setup.engine->now_ps;
	while (wire->head != PACKET_NONE) {
		const struct packet_entry *head = &net->entries[wire->head];
		if (head->count && head->avail_ps + (int64_t)(head->count - 1) * head->stride_ps > now_ps)
			break; /* 0: all of it was recalled */
		uint32_t next = head->next;
		packet_entry_give(net, wire->head);
		wire->head = next;
	}
	added->avail_ps = arrival_ps;
	added->stride_ps = added->count > 1 ? (uint32_t)stride_ps : 0;
	added->next = PACKET_NONE;
	if (wire->head == PACKET_NONE)
		wire->head = entry;
	else
		net->entries[wire->tail].next = entry;
	wire->tail = entry;
}

static void send_on(struct packet_network *net, uint32_t voq, uint32_t returns, uint32_t packets);

static void note_start(struct packet_network *net, uint32_t index, const struct packet_entry *packets, uint32_t input, uint32_t returns,
		       int64_t time_ps, int64_t spacing_ps, int64_t each_ps, enum packet_start how)
{
	if (how == START_TAIL) {
		packet_train_note_tail(net, index, packets, time_ps, each_ps);
		return;
	}
	bool train = packets->count > 1 || how != START_DUE;
	if (net->observed && train)
		packet_observe_train_later(net, index, packets);
	else if (net->observed)
		packet_observe(net, index, packets, returns, time_ps, each_ps);
	if (net->links[index].train)
		packet_train_settle(net, index);
	if (train)
		packet_train_note(net, index, packets, input, time_ps, spacing_ps, each_ps, how == START_DIRECT);
}

/* Starts an entry, which is in no queue any more, of an input whose packets return this credit, at time_ps and every spacing_ps after
 * it. */
static void launch(struct packet_network *net, uint32_t index, uint32_t input, uint32_t returns, uint32_t packets, int64_t time_ps,
		   int64_t spacing_ps, enum packet_start how)
{
	struct packet_link *link = &net->links[index];
	struct packet_entry *entry = &net->entries[packets];
	uint32_t wire = entry->payload + net->header, channel = packet_channel(net, entry->hop), count = entry->count;
	int64_t each_ps = packet_unit_ps(net, link, wire), bytes = (int64_t)entry->payload * count;
	int64_t end_ps = time_ps + (int64_t)(count - 1) * spacing_ps + each_ps;
	bool last = packet_ends(net, index, entry);
	assert(time_ps >= net->base.setup.engine->now_ps);
	net->counters.packet_hops += count;
	note_start(net, index, entry, input, returns, time_ps, spacing_ps, each_ps, how);
	if (link->stalled)
		packet_observe_stall(net, index, time_ps);
	if (!last && net->credits_on) {
		int64_t *free_bytes = &net->credits[index * net->n_channels + channel].free_bytes;
		*free_bytes -= (int64_t)wire * count;
		if (link->train && *free_bytes < 0)
			net->trains_started[index].ahead = true;
	}
	link->free_ps = end_ps;
	link->last_input = input;
	if (net->adapts && packet_waits(net, returns, entry))
		net->waiting[index] -= wire;
	if (returns == PACKET_NONE) {
		account_sent(net, entry->message, bytes, how != START_DUE ? INT64_MIN : time_ps + each_ps, end_ps);
	} else {
		if (net->fifos)
			packet_fifo_next(net, returns, end_ps);
		if (net->credits_on)
			packet_credit_post(net, returns, time_ps + each_ps + net->credits[returns].back_ps, spacing_ps, count,
					   wire);
	}
	if (last) {
		account_delivered(net, entry->message, bytes, how != START_DUE ? INT64_MIN : time_ps + each_ps + link->latency_ps,
				  end_ps + link->latency_ps);
		deliver_later(net, index, packets, end_ps - (int64_t)(count - 1) * spacing_ps + link->latency_ps, spacing_ps);
		return;
	}
	if (net->adapts && entry->hop & PACKET_HOPWISE) {
		entry->avail_ps = can_be_seen(net, link, time_ps, each_ps);
		packet_arrive(net, index, packets);
		return;
	}
	uint32_t arrives_by = index * net->n_channels + channel, voq;
	if (entry->hop & PACKET_HOPWISE)
		voq = packet_ways_next(net, arrives_by, entry);
	else
		voq = net->hops[entry->hop++].next_voq;
	if (__builtin_expect(voq == PACKET_NONE, 0))
		return;
	entry->avail_ps = packet_available(net, link, voq, wire, time_ps, each_ps);
	if (!(entry->hop & PACKET_HOPWISE))
		entry->stride_ps = count > 1 ? (uint32_t)spacing_ps : 0;
	send_on(net, voq, arrives_by, packets);
}

void packet_start(struct packet_network *net, uint32_t index, uint32_t input, int64_t time_ps, int64_t spacing_ps, uint32_t count,
		  enum packet_start how)
{
	struct packet_link *link = &net->links[index];
	uint32_t packets = packet_detach(net, link, input, count);
	launch(net, index, input, net->voqs[link->first_voq + input].returns, packets, time_ps, spacing_ps, how);
}

void packet_start_tail(struct packet_network *net, uint32_t index, uint32_t input)
{
	struct packet_link *link = &net->links[index];
	struct packet_train *train = &net->trains_started[index];
	const struct packet_voq *voq = &net->voqs[link->first_voq + input];
	if (!link->train || train->tail_payload || train->input != input || voq->head == PACKET_NONE || link->n_active != 1 || link->wary ||
	    packet_train_last_ps(train) <= net->base.setup.engine->now_ps) /* the last: the link was free before now */
		return;
	const struct packet_entry *head = &net->entries[voq->head];
	if (head->count != 1 || head->message != train->message || head->hop != train->hop || net->base.setup.links->errors || net->fifos)
		return;
	int64_t start_ps = head->avail_ps > link->free_ps ? head->avail_ps : link->free_ps;
	if (voq->credit == PACKET_NONE || packet_credit_covers(net, voq->credit, voq->wire, start_ps))
		packet_start(net, index, input, start_ps, 0, 1, START_TAIL);
}

/* Packets start on their next link before their time, as they arrive, without joining its queue. */
static bool start_at_once(struct packet_network *net, uint32_t voq, uint32_t returns, uint32_t packets, int64_t *n,
			  struct packet_course *course)
{
	const struct packet_entry *entry = &net->entries[packets];
	*course = (struct packet_course){.link = net->voqs[voq].link, .hop = entry->hop, .wire = entry->payload + net->header};
	*n = packet_foresee_ahead(net, course, entry->avail_ps, entry->stride_ps, entry->count);
	bool waits = course->start_ps > entry->avail_ps || (entry->count > 1 && course->spacing_ps > entry->stride_ps);
	if (net->latency_fell || *n < entry->count || waits)
		return false;
	launch(net, course->link, voq - net->links[course->link].first_voq, returns, packets, course->start_ps, course->spacing_ps,
	       START_DIRECT);
	return true;
}

/* Packets join the queue of their next link, which starts them ahead of time if nothing else is going on there. */
static void send_on(struct packet_network *net, uint32_t voq, uint32_t returns, uint32_t packets)
{
	uint32_t index = net->voqs[voq].link;
	struct packet_link *link = &net->links[index];
	struct packet_train *train = &net->trains_started[index];
	struct packet_course course;
	bool trains = net->trains && !(net->entries[packets].hop & PACKET_HOPWISE);
	int64_t n;
	if (trains && link->wary && link->n_active == 0)
		link->wary = --train->skip != 0;
	bool ahead = trains && packet_runs_ahead(net, index);
	if (ahead && start_at_once(net, voq, returns, packets, &n, &course))
		return;
	if (net->watches)
		packet_watch_arrive(net, voq, &net->entries[packets]);
	if (net->fifos) {
		packet_fifo_push(net, returns, packets);
		return;
	}
	if (!ahead) {
		packet_push(net, voq, packets);
		if (trains && link->train && link->n_active)
			packet_start_tail(net, index, voq - link->first_voq);
		return;
	}
	packet_append(net, voq, packets);
	if (n)
		packet_start(net, index, voq - link->first_voq, course.start_ps, course.spacing_ps, (uint32_t)n, START_AHEAD);
	if (link->n_active)
		packet_plan(net, index);
}
