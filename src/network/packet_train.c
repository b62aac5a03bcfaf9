/* Trains: packets that follow each other evenly, started in one event as far as credits reach, on the assumption that nothing else
 * comes to their link meanwhile. When something does, at time t, those that would start at t or later are recalled, here and on
 * every link that they were started on further down: none of them has really started yet, because each starts later than
 * now. What they took is given back: credits, credits returned, bytes of the message sent and delivered.
 *
 * Why that is enough: a link's last train is the only thing on it that lies in the future (its next start comes at the end of
 * the train), packets of one input stay in order, so recalled ones are the last of their queue or of the next link's last
 * train. Credits count that are back (by now), and for the later packets of a train those that are known to come back in time. The latter
 * rest on starts further down that may themselves be recalled: then the train upstream is recalled from the first of them on, and
 * so on upstream; what starts before a credit is back cannot have used it. Without trains the same starts happen one by one: tests compare
 * both. */
#include <assert.h>

#include "network/packet.h"

void packet_train_note(struct packet_network *net, uint32_t link, const struct packet_entry *head, uint32_t input, int64_t start_ps,
		       int64_t spacing_ps, int64_t each_ps, bool direct)
{
	struct packet_train *train = &net->trains_started[link];
	train->start_ps = start_ps;
	train->avail_ps = head->avail_ps;
	train->stride_ps = head->stride_ps;
	train->spacing_ps = (uint32_t)spacing_ps;
	train->each_ps = each_ps;
	train->count = head->count;
	train->message = head->message;
	train->hop = head->hop;
	train->payload = head->payload;
	train->input = input;
	train->id = packet_message_at(net, head->message)->message.id;
	train->ahead = false;
	train->direct = direct;
	train->tail_payload = 0;
	train->input_before = net->links[link].last_input;
	train->free_before_ps = net->links[link].free_ps;
	net->links[link].train = 1;
}

void packet_train_note_tail(struct packet_network *net, uint32_t link, const struct packet_entry *packet, int64_t start_ps, int64_t each_ps)
{
	struct packet_train *train = &net->trains_started[link];
	train->tail_payload = packet->payload;
	train->tail_start_ps = start_ps;
	train->tail_each_ps = each_ps;
	train->tail_avail_ps = packet->avail_ps;
}

static int64_t end_ps(const struct packet_train *train)
{
	return packet_train_last_ps(train) + (train->tail_payload ? train->tail_each_ps : train->each_ps);
}

void packet_train_settle(struct packet_network *net, uint32_t index)
{
	const struct packet_train *train = &net->trains_started[index];
	struct packet_link *link = &net->links[index];
	struct packet_message *message = packet_message_at(net, train->message);
	if (!link->train)
		return;
	link->train = 0;
	if (!message->live || message->message.id != train->id)
		return; /* delivered since */
	if (net->voqs[link->first_voq + train->input].returns == PACKET_NONE)
		packet_later(&message->sent_sure_ps, end_ps(train));
	if (net->hops[train->hop].next_voq == PACKET_LAST)
		packet_later(&message->deliver_sure_ps, end_ps(train) + link->latency_ps);
}

/* Takes the last `count` packets from a queue: whole entries, then a part of one. Returns how many it found. */
static uint32_t drop_tail(struct packet_network *net, uint32_t voq_index, uint32_t count)
{
	struct packet_voq *voq = &net->voqs[voq_index];
	struct packet_link *link = &net->links[net->voqs[voq_index].link];
	uint32_t dropped = 0;
	while (dropped < count && voq->head != PACKET_NONE) {
		uint32_t before = PACKET_NONE, last = voq->head;
		while (net->entries[last].next != PACKET_NONE) {
			before = last;
			last = net->entries[last].next;
		}
		struct packet_entry *entry = &net->entries[last];
		uint32_t n = entry->count < count - dropped ? entry->count : count - dropped;
		dropped += n;
		entry->count -= n;
		if (entry->count)
			break;
		packet_entry_give(net, last);
		if (before != PACKET_NONE) {
			net->entries[before].next = PACKET_NONE;
			voq->tail = before;
		} else {
			voq->head = PACKET_NONE;
			packet_input_empty(net, link, voq_index - link->first_voq);
		}
	}
	return dropped;
}

/* The last `count` packets on their way over their last link are not. */
static void drop_from_wire(struct packet_network *net, uint32_t link, uint32_t count)
{
	while (count) {
		uint32_t last = PACKET_NONE;
		for (uint32_t e = net->wires[link].head; e != PACKET_NONE; e = net->entries[e].next)
			last = net->entries[e].count ? e : last;
		struct packet_entry *entry = &net->entries[last];
		uint32_t n = entry->count < count ? entry->count : count;
		entry->count -= n;
		count -= n;
	}
}

/* Gives back what `count` packets that will not start took, the last of them at last_ps. */
static void give_back(struct packet_network *net, uint32_t index, uint32_t payload, int64_t last_ps, int64_t each_ps, uint32_t count)
{
	const struct packet_train *train = &net->trains_started[index];
	uint32_t wire = payload + net->header, voq = net->links[index].first_voq + train->input, next = net->hops[train->hop].next_voq;
	uint32_t credit = net->voqs[voq].returns;
	int64_t bytes = (int64_t)payload * count;
	net->counters.packet_hops -= count;
	if (net->base.setup.links->errors)
		net->base.setup.links->errors[index].bytes_left += (int64_t)wire * count;
	if (credit == PACKET_NONE)
		packet_message_at(net, train->message)->unsent += bytes;
	else if (net->credits_on)
		packet_credit_unpost(net, credit, last_ps + each_ps + net->credits[credit].back_ps, count);
	if (next == PACKET_LAST)
		packet_message_at(net, train->message)->undelivered += bytes;
	else if (net->credits_on)
		net->credits[index * net->n_channels + net->hops[train->hop].channel].free_bytes += (int64_t)wire * count;
}

/* The link's last `count` starts never were. */
static void shorten(struct packet_network *net, uint32_t index, uint32_t count)
{
	struct packet_train *train = &net->trains_started[index];
	struct packet_link *link = &net->links[index];
	assert(link->train && count <= train->count + (train->tail_payload != 0));
	if (train->tail_payload) {
		give_back(net, index, train->tail_payload, train->tail_start_ps, train->tail_each_ps, 1);
		train->tail_payload = 0;
		count--;
	}
	if (count)
		give_back(net, index, train->payload, packet_train_last_ps(train), train->each_ps, count);
	train->count -= count;
	if (train->count) {
		link->free_ps = end_ps(train);
	} else { /* as if it had never been */
		link->free_ps = train->free_before_ps;
		link->last_input = train->input_before;
		link->train = link->unseen = 0;
	}
}

/* Of the last `count` packets of a train, how many waits are known of. */
static uint32_t watched(const struct packet_train *train, uint32_t count)
{
	uint32_t tail = count && train->tail_payload;
	return (train->direct ? 0 : count - tail) + tail;
}

/* Undoes the last `count` starts of a link's train, and of the trains that they joined further down. */
static void take_back(struct packet_network *net, uint32_t first, uint32_t count)
{
	for (uint32_t index = first; count;) {
		struct packet_link *link = &net->links[index];
		uint32_t next = net->hops[net->trains_started[index].hop].next_voq;
		shorten(net, index, count);
		if (index != first && link->n_active) { /* what waits behind the train can start earlier now */
			link->event_ps = TIME_NEVER;
			packet_plan(net, index);
		}
		if (next == PACKET_LAST) {
			drop_from_wire(net, index, count);
			return;
		}
		uint32_t queued = drop_tail(net, next, count); /* those that went on already are in the next link's train */
		index = net->voqs[next].link;
		if (net->watches)
			packet_watch_recall(net, next, queued + watched(&net->trains_started[index], count - queued));
		count -= queued;
	}
}

/* When the message is sent and delivered as far as is known now: what was recalled may end earlier than thought, where a link became
 * faster meanwhile. */
static void recount(struct packet_network *net, uint32_t index)
{
	struct packet_message *message = packet_message_at(net, index);
	const struct routes *routes = net->base.setup.routes;
	const struct route *route = &routes->routes[message->route]; /* trains have one: hopwise packets go one by one */
	message->sent_ps = message->sent_sure_ps;
	message->deliver_ps = message->deliver_sure_ps;
	for (uint32_t link = 0; message->rerouted && link < net->base.setup.fabric->n_links; link++) { /* some on older paths */
		const struct packet_train *train = &net->trains_started[link];
		if (!net->links[link].train || train->message != index)
			continue;
		if (net->voqs[net->links[link].first_voq + train->input].returns == PACKET_NONE)
			packet_later(&message->sent_ps, end_ps(train));
		if (net->hops[train->hop].next_voq == PACKET_LAST)
			packet_later(&message->deliver_ps, end_ps(train) + net->links[link].latency_ps);
	}
	for (uint32_t p = route->first_path; p < route->first_path + route->n_paths; p++) {
		const struct path *path = &routes->paths[p];
		uint32_t first = path->first_hop, last = first + path->n_hops - 1;
		uint32_t first_link = routes->hop_link[first], last_link = routes->hop_link[last];
		const struct packet_train *sending = &net->trains_started[first_link], *arriving = &net->trains_started[last_link];
		if (net->links[first_link].train && sending->message == index && sending->hop == first)
			packet_later(&message->sent_ps, end_ps(sending));
		if (net->links[last_link].train && arriving->message == index && arriving->hop == last)
			packet_later(&message->deliver_ps, end_ps(arriving) + net->links[last_link].latency_ps);
	}
}

/* Credits that a link's recalled starts would have returned, from time_ps on, do not come: the link that they were for may have
 * counted on them. */
static void touch_upstream(struct packet_network *net, uint32_t credit, int64_t time_ps)
{
	uint32_t link = credit / net->n_channels;
	if (net->credits_on && net->links[link].train && net->trains_started[link].ahead)
		packet_train_touch(net, link, time_ps);
}

/* Recalled packets are the first of their queue again. */
static void queue_again(struct packet_network *net, uint32_t voq, struct packet_entry packets, bool direct)
{
	uint32_t entry = packet_entry_take(net);
	net->entries[entry] = packets;
	if (net->watches && direct)
		packet_watch_again(net, voq, &packets);
	packet_push_front(net, voq, entry);
}

void packet_train_touch(struct packet_network *net, uint32_t index, int64_t time_ps)
{
	struct packet_link *link = &net->links[index];
	struct packet_train *train = &net->trains_started[index], before = *train;
	int64_t now_ps = net->base.setup.engine->now_ps, from_ps = time_ps > now_ps ? time_ps : now_ps + 1;
	int64_t into_ps = from_ps - train->start_ps, kept = into_ps > 0 ? (into_ps + train->spacing_ps - 1) / train->spacing_ps : 0;
	bool tail = train->tail_payload && train->tail_start_ps >= from_ps;
	if (kept >= train->count && !tail)
		return;
	kept = kept < train->count ? kept : train->count;
	uint32_t count = train->count - (uint32_t)kept, voq = link->first_voq + train->input;
	int64_t first_end_ps = count ? train->start_ps + kept * train->spacing_ps + train->each_ps : train->tail_start_ps + train->tail_each_ps;
	take_back(net, index, count + tail);
	recount(net, train->message);
	if (tail)
		queue_again(net, voq, (struct packet_entry){.avail_ps = before.tail_avail_ps, .message = before.message, .hop = before.hop,
			    .count = 1, .payload = before.tail_payload}, false);
	if (count)
		queue_again(net, voq, (struct packet_entry){.avail_ps = before.avail_ps + kept * before.stride_ps, .message = before.message,
			    .hop = before.hop, .count = count, .stride_ps = before.stride_ps, .payload = before.payload}, before.direct);
	train->distrust = train->distrust < 64 ? (uint8_t)(2 * train->distrust + 2) : 127;
	train->skip = train->distrust;
	link->wary = 1;
	link->event_ps = TIME_NEVER; /* whatever was planned followed the train; the old event is ignored */
	packet_plan(net, index);
	uint32_t credit = net->voqs[voq].returns;
	if (credit != PACKET_NONE)
		touch_upstream(net, credit, first_end_ps + net->credits[credit].back_ps);
}
