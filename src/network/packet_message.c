/* Messages of the packet model: cut into packets when sent, reported when their last byte has left and arrived. */
#include "base/random.h"
#include "network/flow.h"
#include "network/packet.h"

/* Puts `bytes` of a message into the queue of its source for the first link of the path: full packets, then the rest. */
static void inject(struct packet_network *net, uint32_t message, uint32_t path, int64_t bytes)
{
	uint32_t first_hop = net->base.setup.routes->paths[path].first_hop, link = net->base.setup.routes->hop_link[first_hop];
	bool sprayed = packet_message_at(net, message)->sprayed;
	uint32_t voq = net->links[link].first_voq + net->links[link].n_inputs - 1;
	int64_t full = bytes / net->payload, rest = bytes % net->payload;
	while (full > 0 || rest > 0) {
		uint32_t entry = packet_entry_take(net);
		int64_t count = full > UINT32_MAX ? UINT32_MAX : full > 0 ? full : 1;
		net->entries[entry] = (struct packet_entry){.avail_ps = net->base.setup.engine->now_ps, .message = message,
			.hop = first_hop, .stride_ps = sprayed ? path : 0, .count = (uint32_t)count, .payload = full > 0 ? net->payload : (uint32_t)rest};
		if (full > 0)
			full -= count;
		else
			rest = 0;
		packet_push(net, voq, entry);
	}
}

static uint32_t first_link(const struct routes *routes, uint32_t path) { return routes->hop_link[routes->paths[path].first_hop]; }

/* The paths of the message's route that begin with the same link as `path`, which are neighbours: [*first, *end). */
static void same_first_link(const struct routes *routes, const struct route *route, uint32_t path, uint32_t *first, uint32_t *end)
{
	uint32_t link = first_link(routes, path);
	for (*first = path; *first > route->first_path && first_link(routes, *first - 1) == link;)
		--*first;
	for (*end = path + 1; *end < route->first_path + route->n_paths && first_link(routes, *end) == link;)
		++*end;
}

/* Even ways are taken in turn, others drawn by weight. */
static uint32_t next_path(const struct routes *routes, const struct route *route, uint32_t path, uint64_t draw)
{
	uint32_t first, end;
	if (path + 1 < route->first_path + route->n_paths && first_link(routes, path + 1) == first_link(routes, path) &&
	    route->total_weight == route->n_paths)
		return path + 1;
	same_first_link(routes, route, path, &first, &end);
	if (route->total_weight == route->n_paths)
		return first;
	const struct path *last = &routes->paths[end - 1];
	uint64_t total = last->weight_before + last->weight - routes->paths[first].weight_before;
	uint64_t at = routes->paths[first].weight_before + draw % total;
	while (routes->paths[first].weight_before + routes->paths[first].weight <= at)
		first++;
	return first;
}

void packet_spray_next(struct packet_network *net, struct packet_entry *entry)
{
	const struct routes *routes = net->base.setup.routes;
	const struct packet_message *message = packet_message_at(net, entry->message);
	entry->stride_ps = next_path(routes, &routes->routes[message->route], entry->stride_ps,
				     random_mix(message->message.id << 24 ^ entry->count));
	entry->hop = routes->paths[entry->stride_ps].first_hop;
}

/* Sprayed: the packets of all paths that begin with the same link are dealt out one by one. An entry that waits at its source keeps
 * the path of its next packet in stride_ps. */
static void inject_sprayed(struct packet_network *net, uint32_t index, const struct route *route, int64_t bytes)
{
	const struct routes *routes = net->base.setup.routes;
	struct packet_message *message = packet_message_at(net, index);
	message->sprayed = true;
	for (uint32_t first = route->first_path, end; first < route->first_path + route->n_paths; first = end) {
		same_first_link(routes, route, first, &first, &end);
		const struct path *last = &routes->paths[end - 1];
		int64_t share = scale_floor(bytes, last->weight_before + last->weight, route->total_weight) -
				scale_floor(bytes, routes->paths[first].weight_before, route->total_weight);
		inject(net, index, first + (uint32_t)(random_mix(message->message.id) % (end - first)), share);
	}
}

static void fail(struct packet_network *net) { engine_stop(net->base.setup.engine); }

/* Cuts `bytes` of a message into packets on all paths of its route. */
static void inject_all(struct packet_network *net, uint32_t index, int64_t bytes)
{
	const struct routes *routes = net->base.setup.routes;
	const struct route *route = &routes->routes[packet_message_at(net, index)->route];
	if (routes->routing == ROUTING_SPRAY && route->n_paths > 1) {
		inject_sprayed(net, index, route, bytes);
		return;
	}
	packet_message_at(net, index)->sprayed = false;
	for (uint32_t p = route->first_path; p < route->first_path + route->n_paths; p++)
		inject(net, index, p, route_path_bytes(route, &routes->paths[p], bytes));
}

void packet_send_again(struct packet_network *net, uint32_t index, int64_t bytes)
{
	struct packet_message *message = packet_message_at(net, index);
	struct network_setup *setup = &net->base.setup;
	message->rerouted = true;
	message->route = network_route(setup->routes, &message->message, &net->base.error);
	if (message->route == ROUTE_NONE || packet_learn_routes(net, &net->base.error))
		fail(net);
	else
		inject_all(net, index, bytes);
}

void packet_send(struct network *network, const struct network_message *request)
{
	struct packet_network *net = (struct packet_network *)network;
	struct network_setup *setup = &network->setup;
	int64_t now_ps = setup->engine->now_ps;
	uint32_t index = pool_take(&net->messages), route_id = network_route(setup->routes, request, &network->error);
	struct packet_message *message = packet_message_at(net, index);
	*message = (struct packet_message){.message = *request, .start_ps = now_ps, .sent_ps = now_ps, .deliver_ps = now_ps,
		.unsent = request->bytes, .undelivered = request->bytes, .route = route_id, .live = true};
	if (route_id == ROUTE_NONE || (net->n_paths != setup->routes->n_paths && packet_learn_routes(net, &network->error))) {
		fail(net);
		return;
	}
	if (!net->runs && (setup->observers->wants_bytes || setup->observers->wants_busy || setup->observers->wants_intervals ||
			   setup->observers->wants_queue))
		packet_observe_begin(net);
	net->counters.bytes_injected += request->bytes;
	net->counters.bytes_in_flight += request->bytes;
	if (request->bytes == 0) {
		message->deliver_ps = now_ps + route_latency_ps(setup, route_id);
		engine_schedule(setup->engine, now_ps, net->sent_handler, index);
		engine_schedule(setup->engine, message->deliver_ps, net->delivered_handler, index);
		return;
	}
	inject_all(net, index, request->bytes);
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
