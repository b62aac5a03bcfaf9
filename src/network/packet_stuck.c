/* What waits for what, when a run cannot go on: a cycle of full buffers, a link that is down. */
#include <stdlib.h>

#include "base/text.h"
#include "network/flow.h"
#include "network/packet.h"

enum { SHOWN = 4, CYCLE_SHOWN = 32 };

static const char *name_of(const struct packet_network *net, uint32_t link, char *out, size_t size)
{
	return fabric_link_name(net->base.setup.fabric, link, out, size);
}

/* The credit that the first blocked packet for this link lacks; PACKET_NONE when none does. */
static uint32_t lacking(const struct packet_network *net, uint32_t index)
{
	const struct packet_link *link = &net->links[index];
	for (uint32_t input = 0; link->n_active && input < link->n_inputs; input++) {
		const struct packet_voq *voq = &net->voqs[link->first_voq + input];
		if (!(net->active[link->first_word + input / 64] >> input % 64 & 1))
			continue;
		if (voq->credit != PACKET_NONE && net->credits[voq->credit].free_bytes < voq->wire)
			return voq->credit;
	}
	return PACKET_NONE;
}

/* A link that packets in the buffer behind this credit wait for, itself without credit; PACKET_NONE when none is. */
static uint32_t waits_for(const struct packet_network *net, uint32_t credit)
{
	const struct fabric *fabric = net->base.setup.fabric;
	uint32_t in = credit / net->n_channels, node = fabric->link_target[in];
	uint32_t input = net->links[in].in_port * net->n_channels + credit % net->n_channels;
	for (uint32_t o = fabric->out_first[node]; o < fabric->out_first[node + 1]; o++) {
		const struct packet_link *link = &net->links[fabric->out_links[o]];
		if ((net->active[link->first_word + input / 64] >> input % 64 & 1) && lacking(net, fabric->out_links[o]) != PACKET_NONE)
			return fabric->out_links[o];
	}
	return PACKET_NONE;
}

static void print_cycle(const struct packet_network *net, uint32_t first, struct text *out)
{
	char name[256];
	uint32_t link = first;
	text_printf(out, "; deadlock: a cycle of links that wait for room in each other's buffers: '%s'", name_of(net, link, name, sizeof name));
	for (int i = 0; i < CYCLE_SHOWN; i++) {
		link = waits_for(net, lacking(net, link));
		text_printf(out, " → '%s'", name_of(net, link, name, sizeof name));
		if (link == first)
			return;
	}
	text_printf(out, " → …");
}

/* Follows who waits for whom from every blocked link; a link seen twice on one way closes a cycle. */
static bool find_cycle(const struct packet_network *net, struct text *out)
{
	uint32_t n = net->base.setup.fabric->n_links, way = 0;
	uint32_t *seen = memory_zero(n + 1, sizeof *seen);
	bool found = false;
	for (uint32_t from = 0; from < n && !found; from++) {
		uint32_t link = from, credit;
		way++;
		while (!seen[link] && (credit = lacking(net, link)) != PACKET_NONE) {
			seen[link] = way;
			uint32_t next = waits_for(net, credit);
			if (next == PACKET_NONE)
				break;
			link = next;
			if (seen[link] == way) {
				print_cycle(net, link, out);
				found = true;
				break;
			}
		}
	}
	free(seen);
	return found;
}

static bool holds(const struct packet_network *net, uint32_t link, uint32_t message)
{
	for (uint32_t input = 0; net->links[link].n_active && input < net->links[link].n_inputs; input++)
		for (uint32_t e = net->voqs[net->links[link].first_voq + input].head; e != PACKET_NONE; e = net->entries[e].next)
			if (net->entries[e].message == message)
				return true;
	return false;
}

/* A message without a route: the first link without capacity that has packets of it, or lost some. */
static void describe_hopwise(const struct packet_network *net, uint32_t index, struct text *out)
{
	const struct links *links = net->base.setup.links;
	char name[256];
	for (uint32_t link = 0; link < net->base.setup.fabric->n_links; link++) {
		if (links->bytes_per_s[link] > 0)
			continue;
		int64_t lost = packet_lost_bytes(net, link, index);
		if (!lost && !holds(net, link, index))
			continue;
		text_printf(out, " waits for link '%s' (%s)", name_of(net, link, name, sizeof name), link_state_names[links->state[link]]);
		return;
	}
}

void packet_describe_stuck(const struct network *network, struct text *out)
{
	const struct packet_network *net = (const struct packet_network *)network;
	uint32_t shown = 0;
	find_cycle(net, out);
	for (uint32_t i = 0; i < net->messages.capacity && shown < SHOWN; i++) {
		if (net->messages.next[i] != POOL_USED || !packet_message_at(net, i)->live)
			continue;
		const struct packet_message *message = packet_message_at(net, i);
		flow_describe(&network->setup, &message->message, message->route, out);
		if (message->route == ROUTE_NONE)
			describe_hopwise(net, i, out);
		shown++;
	}
}

void packet_cut(struct network *network)
{
	struct packet_network *net = (struct packet_network *)network;
	for (uint32_t link = 0; link < network->setup.fabric->n_links; link++) {
		if (net->links[link].train) /* what was to start later does not */
			packet_train_touch(net, link, network->setup.engine->now_ps);
		if (net->observed)
			packet_observe_train(net, link);
		if (net->watches)
			packet_watch_end(net, link);
	}
	packet_observe_end(net);
	for (uint32_t i = 0; i < net->messages.capacity; i++) {
		if (net->messages.next[i] != POOL_USED || !packet_message_at(net, i)->live)
			continue;
		const struct packet_message *message = packet_message_at(net, i);
		message_observe(&network->setup, &message->message, message->route, message->start_ps, TIME_NEVER);
	}
}
