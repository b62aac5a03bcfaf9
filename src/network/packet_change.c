/* Links that change while packets are on them. What has started goes on as it began: a serialization keeps its rate. Starts that were
 * decided ahead are recalled. A link without capacity starts nothing; packets wait for it where they are. One that goes down loses
 * what is on it (packet_loss.c); once that is detected, what would cross it takes another way. */
#include <stdlib.h>

#include <string.h>

#include "network/packet.h"

uint32_t packet_dead_link(struct packet_network *net, uint32_t voq, const struct packet_entry *entry)
{
	const struct routes *routes = net->base.setup.routes;
	if (entry->hop & PACKET_HOPWISE)
		return packet_way_lost(net, voq, entry) ? net->voqs[voq].link : PACKET_NONE;
	for (uint32_t hop = entry->hop;; hop++) {
		if (net->base.setup.links->avoid[routes->hop_link[hop]])
			return routes->hop_link[hop];
		if (net->hops[hop].next_voq == PACKET_LAST)
			return PACKET_NONE;
	}
}

/* Takes the entries with dead paths out of a source's queue, in order, into the list `from` … `last`. */
static void sort_out(struct packet_network *net, uint32_t index, uint32_t *first, uint32_t *last)
{
	struct packet_link *link = &net->links[index];
	uint32_t own = link->n_inputs - 1, entry;
	struct packet_voq *voq = &net->voqs[link->first_voq + own];
	if (voq->head == PACKET_NONE)
		return;
	entry = voq->head;
	voq->head = PACKET_NONE;
	packet_input_empty(net, link, own);
	for (uint32_t next; entry != PACKET_NONE; entry = next) {
		next = net->entries[entry].next;
		if (packet_dead_link(net, link->first_voq + own, &net->entries[entry]) == PACKET_NONE) {
			packet_append(net, link->first_voq + own, entry);
			continue;
		}
		if (net->adapts)
			net->waiting[index] -= packet_waits(net, voq->returns, &net->entries[entry]);
		net->entries[entry].next = PACKET_NONE;
		if (*first == PACKET_NONE)
			*first = entry;
		else
			net->entries[*last].next = entry;
		*last = entry;
	}
}

static void recall(struct packet_network *net, uint32_t link)
{
	if (!net->links[link].train)
		return;
	packet_train_touch(net, link, net->base.setup.engine->now_ps);
	packet_train_settle(net, link);
}

/* Once per message, whatever trains made of its packets. */
static void observe_reroute(const struct packet_network *net, uint32_t index)
{
	const struct routes *routes = net->base.setup.routes;
	const struct packet_message *message = packet_message_at(net, index);
	if (message->route == ROUTE_NONE) { /* its packets choose as they go: the first link that is avoided, which may be another's */
		const uint8_t *avoided = memchr(net->base.setup.links->avoid, 1, net->base.setup.fabric->n_links);
		if (avoided)
			OBSERVE(net->base.setup.observers, reroute, message->message.id, (uint32_t)(avoided - net->base.setup.links->avoid),
				net->base.setup.engine->now_ps);
		return;
	}
	const struct route *route = &routes->routes[message->route];
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++)
		if (net->base.setup.links->avoid[routes->merged_link[i]]) {
			OBSERVE(net->base.setup.observers, reroute, message->message.id, routes->merged_link[i], net->base.setup.engine->now_ps);
			return;
		}
}

/* Sends again, over ways that are alive, what sources have not sent yet over ways that are not, and what was lost. */
static void reroute(struct packet_network *net)
{
	const struct fabric *fabric = net->base.setup.fabric;
	uint32_t first = PACKET_NONE, last = PACKET_NONE;
	if (net->ways)
		packet_ways_forget(net);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		recall(net, link);
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		if (!net->fifos)
			packet_loss_in_buffers(net, link);
		sort_out(net, link, &first, &last);
		net->links[link].event_ps = TIME_NEVER;
		if (net->links[link].n_active)
			packet_wake(net, link, net->base.setup.engine->now_ps);
	}
	while (first != PACKET_NONE && !net->base.error.code) {
		struct packet_entry entry = net->entries[first];
		packet_entry_give(net, first);
		first = entry.next;
		int64_t bytes = (int64_t)entry.count * entry.payload; /* all of the message at once: trains split entries */
		for (uint32_t *from = &first, e; (e = *from) != PACKET_NONE;) {
			if (net->entries[e].message != entry.message) {
				from = &net->entries[e].next;
				continue;
			}
			bytes += (int64_t)net->entries[e].count * net->entries[e].payload;
			*from = net->entries[e].next;
			packet_entry_give(net, e);
		}
		observe_reroute(net, entry.message);
		packet_send_again(net, entry.message, bytes);
	}
	packet_loss_send_again(net);
	packet_verify(net);
}

static void add_unsent(const struct packet_network *net, uint32_t entry, int64_t *bytes)
{
	for (; entry != PACKET_NONE; entry = net->entries[entry].next) {
		const struct packet_entry *packets = &net->entries[entry];
		bytes[packets->message] += (int64_t)packets->count * (packets->payload + net->header);
	}
}

void packet_outstanding(struct network *network, network_each_message *each, void *context)
{
	struct packet_network *net = (struct packet_network *)network;
	const struct fabric *fabric = network->setup.fabric;
	int64_t *bytes = memory_zero(net->messages.capacity + 1, sizeof *bytes);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		recall(net, link);
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		uint32_t own = net->links[link].n_inputs - 1;
		add_unsent(net, net->voqs[net->links[link].first_voq + own].head, bytes);
	}
	for (uint32_t i = 0; i < net->messages.capacity; i++)
		if (net->messages.next[i] == POOL_USED && bytes[i] > 0)
			each(context, packet_message_at(net, i)->message.source, packet_message_at(net, i)->message.destination, bytes[i]);
	packet_loss_outstanding(net, each, context);
	free(bytes);
}

/* With cut-through, when a packet may start depends on the rate of the link that it comes from and on that of the one it goes to. */
static void recall_before(struct packet_network *net, uint32_t index)
{
	const struct fabric *fabric = net->base.setup.fabric;
	for (uint32_t link = 0; net->cut_through && link < fabric->n_links; link++)
		if (fabric->link_target[link] == fabric->link_source[index])
			recall(net, link);
}

/* How long a credit takes back depends on the latency of the link that it is for. */
static void recall_after(struct packet_network *net, uint32_t index)
{
	const struct fabric *fabric = net->base.setup.fabric;
	uint32_t node = fabric->link_target[index];
	for (uint32_t o = fabric->out_first[node]; o < fabric->out_first[node + 1]; o++)
		recall(net, fabric->out_links[o]);
}

void packet_link_changed(struct network *network, uint32_t index, int64_t old_bytes_per_s, int64_t old_latency_ps)
{
	struct packet_network *net = (struct packet_network *)network;
	const struct links *links = network->setup.links;
	struct packet_link *link = &net->links[index];
	if (links->bytes_per_s[index] == old_bytes_per_s && links->latency_ps[index] == old_latency_ps) {
		reroute(net);
		return;
	}
	recall(net, index);
	recall_before(net, index);
	recall_after(net, index);
	if (net->observed) { /* what started was told with the latency that it had */
		packet_observe_train(net, index);
		net->latency_fell |= links->latency_ps[index] < old_latency_ps;
	}
	link->full_ps = serialization_ps(net->full_wire, links->bytes_per_s[index]);
	link->unit_wire = 0; /* no packet has that size: serializations are computed anew */
	link->latency_ps = links->latency_ps[index];
	link->up = links->bytes_per_s[index] > 0;
	for (uint32_t vc = 0; vc < net->n_channels; vc++)
		net->credits[index * net->n_channels + vc].back_ps = link->latency_ps + net->credit_delay_ps;
	if ((links->state[index] == LINK_DOWN || links->kills) && old_bytes_per_s > 0 && !net->fifos)
		packet_loss_on_wire(net, index);
	packet_loss_send_again(net);
	if (link->n_active)
		packet_wake(net, index, network->setup.engine->now_ps);
	packet_verify(net);
}
