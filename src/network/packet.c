/* The packet model: parameters, creation, counters. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "network/packet.h"

static void packet_destroy(struct network *network)
{
	struct packet_network *net = (struct packet_network *)network;
	void *arrays[] = {net->links, net->trains_started, net->voqs, net->avails_ps, net->active, net->credits, net->hops,
			  net->entries, net->returns, net->runs, net->tallies, net->open_links, net->fifos, net->watches, net->hop_times, net->wires, net->losses};
	for (uint32_t link = 0; net->watches && link < network->setup.fabric->n_links; link++)
		free(net->watches[link].arrivals);
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		free(arrays[i]);
	packet_ways_free(net->ways);
	packet_adaptive_release(net);
	pool_release(&net->messages);
	free(net);
}

static void read_settings(struct packet_network *net, const struct network_setup *setup)
{
	const struct network_model *model = &network_packet;
	net->payload = (uint32_t)network_integer(setup, model, "payload");
	net->header = (uint32_t)network_integer(setup, model, "header");
	net->full_wire = net->payload + net->header;
	net->forwarding_ps = network_integer(setup, model, "forwarding");
	net->buffer_bytes = network_integer(setup, model, "buffer");
	net->credit_delay_ps = network_integer(setup, model, "credit_delay");
	net->credits_on = network_integer(setup, model, "credits");
	net->trains = network_integer(setup, model, "trains") && strcmp(network_text(setup, model, "queues"), "input-fifo");
	net->cut_through = !strcmp(network_text(setup, model, "switching"), "cut-through");
	net->input_fifo = !strcmp(network_text(setup, model, "queues"), "input-fifo");
}

static int packet_create(struct network **network, const struct network_setup *setup, struct error *err)
{
	struct packet_network *net = memory_zero(1, sizeof *net);
	net->base.setup = *setup;
	net->free_entry = net->free_return = PACKET_NONE;
	pool_init(&net->messages, sizeof(struct packet_message));
	read_settings(net, setup);
	if (routes_hopwise(setup->routes->routing) && setup->fabric->n_flows == 0) {
		packet_ways_create(net);
		setup->routes->hopwise = true;
	}
	if (packet_layout(net, err) || (net->ways && setup->routes->routing != ROUTING_SPRAY && packet_adaptive_create(net, err))) {
		packet_destroy(&net->base);
		return -1;
	}
	net->link_handler = engine_register(setup->engine, packet_link_due, net);
	net->sent_handler = engine_register(setup->engine, packet_message_sent_due, net);
	net->delivered_handler = engine_register(setup->engine, packet_message_delivered_due, net);
	*network = &net->base;
	return 0;
}

static void packet_counters(const struct network *network, struct network_counters *out)
{
	const struct packet_network *net = (const struct packet_network *)network;
	*out = net->counters;
	out->stalls = net->stalls;
	out->stalled_ps = net->stalled_ps;
	out->hop_times = net->hop_times;
}

/* With a transport of Ethernet it is another machine (ethernet.c). What the name is worth is checked there. */
static const struct network_model *packet_variant(const struct network_setting *settings, uint32_t n_settings)
{
	for (uint32_t i = 0; i < n_settings; i++)
		if (!strcmp(settings[i].name, "transport"))
			return strcmp(settings[i].value, "none") ? &network_ethernet : NULL;
	return NULL;
}

static const struct weft_param packet_params[] = {
	{"transport", WEFT_PARAM_TEXT, "none", NULL, "`none`: lossless; else Ethernet (docs/models-ethernet.md), with parameters of its own"},
	{"payload", WEFT_PARAM_BYTES, "4096 B", "1 B..1 GiB", "bytes of a message that one packet carries at most"},
	{"header", WEFT_PARAM_BYTES, "0 B", "0 B..1 MiB", "bytes added to every packet on every link"},
	{"switching", WEFT_PARAM_CHOICE, "store-and-forward", "store-and-forward|cut-through", "when a packet may be sent on"},
	{"queues", WEFT_PARAM_CHOICE, "voq", "voq|input-fifo", "virtual output queues, or one queue per input and channel"},
	{"forwarding", WEFT_PARAM_TIME, "0 ps", "0 ps..", "added to every hop but the last, beside the link's latency"},
	{"credits", WEFT_PARAM_BOOL, "true", NULL, "lossless by credits per hop and virtual channel; false: buffers without end"},
	{"buffer", WEFT_PARAM_BYTES, "0 B", "0 B..", "input buffer per link and channel; 0 B: two round trips at full rate"},
	{"credit_delay", WEFT_PARAM_TIME, "0 ps", "0 ps..", "added to a link's latency before a credit is back at its sender"},
	{"trains", WEFT_PARAM_BOOL, "true", NULL, "move packets that follow each other in one event; the results are the same"},
	{0},
};

const struct network_model network_packet = {
	.name = "packet",
	.summary = "packets, virtual output queues, round robin, credits: lossless fabrics",
	.version = 3,
	.params = packet_params,
	.routings = 1u << ROUTING_DEFAULT | 1u << ROUTING_ECMP | 1u << ROUTING_SPRAY | 1u << ROUTING_VALIANT |
		    1u << ROUTING_ADAPTIVE | 1u << ROUTING_UGAL,
	.variant = packet_variant,
	.create = packet_create,
	.destroy = packet_destroy,
	.send = packet_send,
	.link_changed = packet_link_changed,
	.outstanding = packet_outstanding,
	.counters = packet_counters,
	.describe_stuck = packet_describe_stuck,
	.draws_errors = true,
	.cut = packet_cut,
};
