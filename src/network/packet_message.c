/* Messages of the packet model: cut into packets when sent, reported when their last byte has left and arrived. */
#include "base/random.h"
#include "network/flow.h"
#include "network/packet.h"

/* Puts `bytes` of a message into the queue of its source for a link: full packets, then the rest. */
static void inject(struct packet_network *net, uint32_t message, uint32_t link, uint32_t hop, int64_t bytes)
{
	uint32_t voq = net->links[link].first_voq + net->links[link].n_inputs - 1;
	uint32_t destination = packet_message_at(net, message)->message.destination;
	int64_t full = bytes / net->payload, rest = bytes % net->payload;
	while (full > 0 || rest > 0) {
		uint32_t entry = packet_entry_take(net);
		int64_t count = full > UINT32_MAX ? UINT32_MAX : full > 0 ? full : 1;
		net->entries[entry] = (struct packet_entry){.avail_ps = net->base.setup.engine->now_ps, .message = message,
			.hop = hop, .stride_ps = hop & PACKET_HOPWISE ? destination : 0, .count = (uint32_t)count,
			.payload = full > 0 ? net->payload : (uint32_t)rest};
		if (full > 0)
			full -= count;
		else
			rest = 0;
		if (net->ugal && hop & PACKET_HOPWISE)
			hop = (hop & ~PACKET_DRAW) | ((hop + (uint32_t)count) & PACKET_DRAW);
		packet_push(net, voq, entry);
	}
}

/* Evenly over the ways on from the source; of k ways the i-th gets the bytes from floor(B i / k) to floor(B (i + 1) / k). False: there
 * is none. */
static bool inject_hopwise(struct packet_network *net, uint32_t index, int64_t bytes)
{
	const struct fabric *fabric = net->base.setup.fabric;
	const struct network_message *message = &packet_message_at(net, index)->message;
	uint32_t source = fabric->npu_node[message->source];
	struct weft_hop hop = {.node = source, .in_link = WEFT_NONE, .source = source, .via = WEFT_NONE,
		.destination = fabric->npu_node[message->destination]};
	struct packet_set set = packet_ways_find(net, &hop);
	for (uint32_t i = 0; i < set.n; i++) {
		struct packet_way way = net->ways->ways[set.first + i];
		uint32_t state = !net->ugal ? 0 : fabric->out_first[source + 1] - fabric->out_first[source] > 1 ? PACKET_ASK : PACKET_LATER;
		uint32_t first = net->ugal ? i << 18 & PACKET_DRAW : 0; /* packets of different links draw different nodes */
		inject(net, index, way.link, packet_hopwise(way.channel) | state | first, scale_floor(bytes, i + 1, set.n) - scale_floor(bytes, i, set.n));
	}
	return set.n > 0;
}

static void fail(struct packet_network *net) { engine_stop(net->base.setup.engine); }

/* Cuts `bytes` of a message into packets on all paths of its route. */
static void inject_paths(struct packet_network *net, uint32_t index, int64_t bytes)
{
	const struct routes *routes = net->base.setup.routes;
	const struct route *route = &routes->routes[packet_message_at(net, index)->route];
	for (uint32_t p = route->first_path; p < route->first_path + route->n_paths; p++) {
		uint32_t hop = routes->paths[p].first_hop;
		inject(net, index, routes->hop_link[hop], hop, route_path_bytes(route, &routes->paths[p], bytes));
	}
}

/* Finds the message's route, if it has one: where nothing is left to choose node by node, a detour is a route too. */
static int find_route(struct packet_network *net, struct packet_message *message)
{
	struct network_setup *setup = &net->base.setup;
	message->route = network_route(setup->routes, &message->message, &net->base.error);
	if (message->route != ROUTE_NONE && (net->n_paths == setup->routes->n_paths || !packet_learn_routes(net, &net->base.error)))
		return 0;
	fail(net);
	return -1;
}

static void inject_all(struct packet_network *net, uint32_t index, int64_t bytes)
{
	if (net->ways && !packet_message_at(net, index)->message.route && inject_hopwise(net, index, bytes))
		return;
	if (!net->base.error.code && !find_route(net, packet_message_at(net, index)))
		inject_paths(net, index, bytes);
}

void packet_send_again(struct packet_network *net, uint32_t index, int64_t bytes)
{
	packet_message_at(net, index)->rerouted = true;
	inject_all(net, index, bytes);
}

/* A message of 0 bytes takes the latency only. */
static void send_nothing(struct packet_network *net, uint32_t index)
{
	struct packet_message *message = packet_message_at(net, index);
	struct network_setup *setup = &net->base.setup;
	int64_t latency_ps;
	if (net->ways && !message->message.route)
		latency_ps = packet_ways_latency_ps(net, &message->message);
	else if (!find_route(net, message))
		latency_ps = route_latency_ps(setup, message->route);
	else
		return;
	message->deliver_ps = setup->engine->now_ps + latency_ps;
	engine_schedule(setup->engine, setup->engine->now_ps, net->sent_handler, index);
	engine_schedule(setup->engine, message->deliver_ps, net->delivered_handler, index);
}

void packet_send(struct network *network, const struct network_message *request)
{
	struct packet_network *net = (struct packet_network *)network;
	struct network_setup *setup = &network->setup;
	int64_t now_ps = setup->engine->now_ps;
	uint32_t index = pool_take(&net->messages);
	*packet_message_at(net, index) = (struct packet_message){.message = *request, .start_ps = now_ps, .sent_ps = now_ps,
		.deliver_ps = now_ps, .unsent = request->bytes, .undelivered = request->bytes, .route = ROUTE_NONE, .live = true};
	if (!net->observed && (setup->observers->wants_stretches || setup->observers->wants_intervals || setup->observers->wants_queue))
		packet_observe_begin(net);
	net->links_fixed = !engine_has_phase(setup->engine, ENGINE_PHASE_CONTROL);
	net->counters.bytes_injected += request->bytes;
	net->counters.bytes_in_flight += request->bytes;
	if (request->bytes)
		inject_all(net, index, request->bytes);
	else
		send_nothing(net, index);
}

void packet_message_sent_due(void *context, uint32_t index)
{
	struct packet_network *net = context;
	struct packet_message *message = packet_message_at(net, index);
	struct network_setup *setup = &net->base.setup;
	if (!message->live || message->sent || message->unsent || message->sent_ps != setup->engine->now_ps)
		return;
	message->sent = true;
	setup->client.sent(setup->client.context, message->message.token);
}

void packet_message_delivered_due(void *context, uint32_t index)
{
	struct packet_network *net = context;
	struct packet_message *message = packet_message_at(net, index);
	struct network_setup *setup = &net->base.setup;
	if (!message->live || message->undelivered || message->deliver_ps != setup->engine->now_ps)
		return;
	packet_message_sent_due(net, index); /* links without latency: both happen now, in this order */
	net->counters.messages++;
	net->counters.bytes += message->message.bytes;
	net->counters.bytes_delivered += message->message.bytes;
	net->counters.bytes_in_flight -= message->message.bytes;
	message_observe(setup, &message->message, message->route, message->start_ps, message->deliver_ps);
	message->live = false;
	uint32_t token = message->message.token;
	pool_give(&net->messages, index);
	if (net->messages.n_used == 0)
		packet_observe_end(net);
	setup->client.delivered(setup->client.context, token);
}
