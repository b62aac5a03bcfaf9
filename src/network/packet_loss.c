/* What is lost: packets on the wire of a link that goes down, and packets in buffers whose way ends at a link that is found dead. Their
 * bytes are counted as dropped and noted per link and message; the source sends them again when the failure is detected or the link is
 * back, whichever comes first. Trains were recalled before, so queues and wires hold exactly what has started by now.
 *
 * Per message: bytes = not sent + in queues and on wires + arrived + noted here as lost (packet_verify). */
#include <assert.h>
#include <stdlib.h>

#include "network/packet.h"

struct packet_loss {
	uint64_t id;
	uint32_t link, message;
	int64_t bytes;
};

static void note(struct packet_network *net, uint32_t link, uint32_t message, int64_t bytes)
{
	net->counters.bytes_dropped += bytes;
	net->counters.bytes_in_flight -= bytes;
	for (uint32_t i = 0; i < net->n_losses; i++)
		if (net->losses[i].link == link && net->losses[i].message == message) {
			net->losses[i].bytes += bytes;
			return;
		}
	ARRAY_RESERVE(net->losses, net->n_losses + 1, net->losses_capacity);
	net->losses[net->n_losses++] = (struct packet_loss){.id = packet_message_at(net, message)->message.id, .link = link,
							     .message = message, .bytes = bytes};
}

int64_t packet_lost_bytes(const struct packet_network *net, uint32_t link, uint32_t message)
{
	int64_t bytes = 0;
	for (uint32_t i = 0; i < net->n_losses; i++)
		if (net->losses[i].link == link && net->losses[i].message == message)
			bytes += net->losses[i].bytes;
	return bytes;
}

/* How many packets of an entry are at this node by now; a part of a packet that cut-through could use counts as all of it. */
static uint32_t arrived(const struct packet_network *net, const struct packet_entry *entry, int64_t until_ps)
{
	(void)net;
	if (entry->avail_ps > until_ps)
		return 0;
	int64_t n = entry->stride_ps ? (until_ps - entry->avail_ps) / entry->stride_ps + 1 : entry->count;
	return n < entry->count ? (uint32_t)n : entry->count;
}

/* Takes the whole queue; the caller appends again what stays. */
static uint32_t take_queue(struct packet_network *net, uint32_t voq)
{
	struct packet_link *link = &net->links[net->voqs[voq].link];
	uint32_t head = net->voqs[voq].head;
	if (head == PACKET_NONE)
		return head;
	net->voqs[voq].head = PACKET_NONE;
	packet_input_empty(net, link, voq - link->first_voq);
	return head;
}

/* Of one queue: the packets still on the wire of the link that leads to it. Arrivals stay in order: all behind the first one too. */
static void lose_arriving(struct packet_network *net, uint32_t from, uint32_t voq)
{
	int64_t until_ps = net->base.setup.engine->now_ps + net->forwarding_ps;
	uint32_t credit = net->voqs[voq].returns;
	bool cut = false;
	for (uint32_t entry = take_queue(net, voq), next; entry != PACKET_NONE; entry = next) {
		struct packet_entry *packets = &net->entries[entry];
		uint32_t here = cut ? 0 : arrived(net, packets, until_ps), lost = packets->count - here;
		next = packets->next;
		if (lost) {
			cut = true;
			note(net, from, packets->message, (int64_t)lost * packets->payload);
			if (net->credits_on)
				net->credits[credit].free_bytes += (int64_t)lost * (packets->payload + net->header);
		}
		if (net->adapts && lost)
			net->waiting[net->voqs[voq].link] -= packet_waits(net, net->voqs[voq].returns, packets);
		packets->count = here;
		if (here)
			packet_append(net, voq, entry);
		else
			packet_entry_give(net, entry);
	}
}

/* When a message is delivered as far as is known now, from what is on its way over last links. */
static void recount_delivery(struct packet_network *net, uint32_t index)
{
	struct packet_message *message = packet_message_at(net, index);
	message->deliver_ps = message->deliver_sure_ps = net->base.setup.engine->now_ps;
	for (uint32_t link = 0; link < net->base.setup.fabric->n_links; link++)
		for (uint32_t e = net->wires[link].head; e != PACKET_NONE; e = net->entries[e].next) {
			const struct packet_entry *entry = &net->entries[e];
			int64_t last_ps = entry->avail_ps + (int64_t)(entry->count - 1) * entry->stride_ps;
			bool unsure = net->links[link].train && net->trains_started[link].message == index &&
				      last_ps > net->base.setup.engine->now_ps;
			if (entry->message != index || !entry->count)
				continue;
			packet_later(&message->deliver_ps, last_ps);
			if (!unsure) /* else the train says so (recount) */
				packet_later(&message->deliver_sure_ps, last_ps);
		}
}

/* Packets on the wire of their last link. */
static void lose_delivering(struct packet_network *net, uint32_t link)
{
	struct packet_wire *wire = &net->wires[link];
	uint32_t entry = wire->head;
	int64_t now_ps = net->base.setup.engine->now_ps;
	wire->head = wire->tail = PACKET_NONE;
	for (uint32_t next; entry != PACKET_NONE; entry = next) {
		struct packet_entry *packets = &net->entries[entry];
		uint32_t lost = packets->count - arrived(net, packets, now_ps), message = packets->message;
		int64_t bytes = (int64_t)lost * packets->payload;
		next = packets->next;
		packet_entry_give(net, entry);
		if (!lost)
			continue;
		packet_message_at(net, message)->undelivered += bytes;
		note(net, link, message, bytes);
		recount_delivery(net, message);
	}
}

/* Packets on their way to a node where they would choose. */
static void lose_before_choice(struct packet_network *net, uint32_t link)
{
	struct packet_wire *wire = &net->arriving[link];
	int64_t until_ps = net->base.setup.engine->now_ps + net->forwarding_ps;
	uint32_t entry = wire->head, kept = PACKET_NONE;
	while (entry != PACKET_NONE && net->entries[entry].avail_ps <= until_ps) {
		kept = entry;
		entry = net->entries[entry].next;
	}
	if (kept == PACKET_NONE)
		wire->head = PACKET_NONE;
	else
		net->entries[kept].next = PACKET_NONE;
	wire->tail = kept;
	for (uint32_t next; entry != PACKET_NONE; entry = next) {
		struct packet_entry *packet = &net->entries[entry];
		next = packet->next;
		note(net, link, packet->message, packet->payload);
		if (net->credits_on)
			net->credits[link * net->n_channels + packet_channel(net, packet->hop)].free_bytes += packet->payload + net->header;
		packet_entry_give(net, entry);
	}
}

void packet_loss_on_wire(struct packet_network *net, uint32_t index)
{
	const struct fabric *fabric = net->base.setup.fabric;
	uint32_t node = fabric->link_target[index];
	for (uint32_t o = fabric->out_first[node]; o < fabric->out_first[node + 1]; o++) {
		uint32_t out = fabric->out_links[o], first = net->links[out].first_voq + net->links[index].in_port * net->n_channels;
		for (uint32_t vc = 0; vc < net->n_channels; vc++)
			lose_arriving(net, index, first + vc);
		if (net->watches)
			packet_watch_rebuild(net, out);
		net->links[out].event_ps = TIME_NEVER;
		if (net->links[out].n_active)
			packet_wake(net, out, net->base.setup.engine->now_ps);
	}
	lose_delivering(net, index);
	if (net->adapts)
		lose_before_choice(net, index);
}

/* The room that packets took is free when they are there. */
static void free_room(struct packet_network *net, uint32_t credit, const struct packet_entry *packets)
{
	int64_t now_ps = net->base.setup.engine->now_ps;
	for (uint32_t i = 0; net->credits_on && i < packets->count; i++) {
		int64_t there_ps = packets->avail_ps + (int64_t)i * packets->stride_ps;
		packet_credit_post(net, credit, (there_ps > now_ps ? there_ps : now_ps) + net->credits[credit].back_ps, 0,
				   1, packets->payload + net->header);
	}
}

void packet_loss_of_one(struct packet_network *net, uint32_t link, uint32_t credit, uint32_t index)
{
	struct packet_entry *entry = &net->entries[index];
	if (!net->ways->any_avoided) {
		packet_ways_missing(net, credit, entry);
		return;
	}
	note(net, link, entry->message, entry->payload);
	free_room(net, credit, entry);
	packet_entry_give(net, index);
	packet_loss_send_again(net);
}

/* Packets in buffers whose way crosses a link that is known to be dead: they are thrown away. */
void packet_loss_in_buffers(struct packet_network *net, uint32_t index)
{
	struct packet_link *link = &net->links[index];
	bool any = false;
	for (uint32_t input = 0; input + 1 < link->n_inputs; input++) {
		uint32_t voq = link->first_voq + input, dead;
		for (uint32_t entry = take_queue(net, voq), next; entry != PACKET_NONE; entry = next) {
			const struct packet_entry *packets = &net->entries[entry];
			next = packets->next;
			dead = packet_dead_link(net, voq, packets);
			if (dead == PACKET_NONE) {
				packet_append(net, voq, entry);
				continue;
			}
			any = true;
			note(net, dead, packets->message, (int64_t)packets->count * packets->payload);
			if (net->adapts)
				net->waiting[index] -= packet_waits(net, net->voqs[voq].returns, packets);
			free_room(net, net->voqs[voq].returns, packets);
			packet_entry_give(net, entry);
		}
	}
	if (!any)
		return;
	if (link->stalled)
		packet_observe_stall(net, index, net->base.setup.engine->now_ps);
	if (net->watches)
		packet_watch_rebuild(net, index);
}

static int by_id(const void *a, const void *b)
{
	const struct packet_loss *x = a, *y = b;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->link > y->link) - (x->link < y->link);
}

void packet_loss_send_again(struct packet_network *net)
{
	const struct links *links = net->base.setup.links;
	uint32_t kept = 0;
	if (net->n_losses)
		qsort(net->losses, net->n_losses, sizeof *net->losses, by_id);
	for (uint32_t i = 0; i < net->n_losses && !net->base.error.code; i++) {
		struct packet_loss loss = net->losses[i];
		if (!links->avoid[loss.link] && links->bytes_per_s[loss.link] == 0) {
			net->losses[kept++] = loss; /* nobody knows yet */
			continue;
		}
		packet_message_at(net, loss.message)->unsent += loss.bytes;
		net->counters.bytes_injected += loss.bytes;
		net->counters.bytes_in_flight += loss.bytes;
		packet_send_again(net, loss.message, loss.bytes);
	}
	net->n_losses = kept;
}

/* What was lost and is not sent again yet: as full packets and a rest. */
void packet_loss_outstanding(struct packet_network *net, network_each_message *each, void *context)
{
	for (uint32_t i = 0; i < net->n_losses; i++) {
		const struct network_message *message = &packet_message_at(net, net->losses[i].message)->message;
		int64_t bytes = net->losses[i].bytes, packets = (bytes + net->payload - 1) / net->payload;
		each(context, message->source, message->destination, bytes + packets * net->header);
	}
}

#ifndef NDEBUG
/* What waits for links is what is in their queues. */
static void verify_waiting(const struct packet_network *net)
{
	for (uint32_t link = 0; net->adapts && link < net->base.setup.fabric->n_links; link++) {
		int64_t bytes = 0;
		for (uint32_t v = net->links[link].first_voq; v < net->links[link].first_voq + net->links[link].n_inputs; v++)
			for (uint32_t e = net->voqs[v].head; e != PACKET_NONE; e = net->entries[e].next)
				bytes += packet_waits(net, net->voqs[v].returns, &net->entries[e]);
		assert(bytes == net->waiting[link]);
	}
}

static void count_queue(const struct packet_network *net, uint32_t entry, int64_t *bytes)
{
	for (; entry != PACKET_NONE; entry = net->entries[entry].next)
		bytes[net->entries[entry].message] += (int64_t)net->entries[entry].count * net->entries[entry].payload;
}
#endif

/* Nothing vanished: what a message has not started on its last links is in queues, or lost and noted. */
void packet_verify(const struct packet_network *net)
{
#ifndef NDEBUG
	if (net->base.error.code)
		return; /* no way was found for what was on its way: the run ends here */
	int64_t *bytes = memory_zero(net->messages.capacity + 1, sizeof *bytes);
	for (uint32_t v = 0; v < net->n_voqs; v++)
		count_queue(net, net->voqs[v].head, bytes);
	for (uint32_t link = 0; net->adapts && link < net->base.setup.fabric->n_links; link++)
		count_queue(net, net->arriving[link].head, bytes);
	for (uint32_t f = 0; net->fifos && f < net->base.setup.fabric->n_links * net->n_channels; f++)
		count_queue(net, net->fifos[f].head, bytes);
	for (uint32_t i = 0; i < net->n_losses; i++)
		bytes[net->losses[i].message] += net->losses[i].bytes;
	for (uint32_t i = 0; i < net->messages.capacity; i++)
		if (net->messages.next[i] == POOL_USED && packet_message_at(net, i)->live)
			assert(bytes[i] == packet_message_at(net, i)->undelivered);
	verify_waiting(net);
	assert(net->counters.bytes_injected == net->counters.bytes_delivered + net->counters.bytes_dropped + net->counters.bytes_in_flight);
	free(bytes);
#else
	(void)net;
#endif
}
