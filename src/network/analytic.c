/* No contention: a message is delivered at start + Σ latency + bytes / (slowest link of its path, by the fraction of the
 * message that crosses it). When a link of its path changes, what is left goes on at the new rate: it waits while a link has no
 * capacity, and takes another way when routes avoid one. What is left is rounded up to a byte at each change. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "network/delay.h"
#include "network/flow.h"
#include "network/network.h"

enum transfer_state { TRANSFER_WAITING, TRANSFER_MOVING, TRANSFER_ARRIVING };

struct transfer {
	struct network_message message;
	int64_t start_ps, entered_ps; /* posted; its bytes move at the present rate since */
	int64_t bytes, done;    /* of its present route: all that it carries, and what it carried before entered_ps */
	int64_t whole_ps, moving_ps; /* all bytes at the present rate; what is left from entered_ps on */
	uint32_t route, stamp;
	uint8_t state;
};

struct analytic {
	struct network base;
	struct delays delays;
	struct pool transfers;
	struct network_counters counters;
	struct busy_links busy;
	uint32_t stamp;         /* the last one given: those of a reused slot differ */
	bool changed;           /* links, in this instant */
	bool astra;             /* compatibility: astra-sim */
};

static struct transfer *transfer_at(const struct analytic *analytic, uint32_t index) { return pool_at(&analytic->transfers, index); }
static int64_t now(const struct analytic *analytic) { return analytic->base.setup.engine->now_ps; }

/* UINT32_MAX: it crosses none. */
static uint32_t avoided_link(const struct analytic *analytic, const struct transfer *transfer)
{
	const struct routes *routes = analytic->base.setup.routes;
	const struct route *route = &routes->routes[transfer->route];
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++)
		if (analytic->base.setup.links->avoid[routes->merged_link[i]])
			return routes->merged_link[i];
	return UINT32_MAX;
}

/* A way for what is left, if it has none or its own is avoided. False after an error. */
static bool find_route(struct analytic *analytic, struct transfer *transfer)
{
	uint32_t avoided = transfer->route != ROUTE_NONE ? avoided_link(analytic, transfer) : UINT32_MAX;
	if (transfer->route != ROUTE_NONE && avoided == UINT32_MAX)
		return true;
	if (avoided != UINT32_MAX)
		OBSERVE(analytic->base.setup.observers, reroute, transfer->message.id, avoided, now(analytic));
	transfer->bytes -= transfer->done;
	transfer->done = 0;
	transfer->route = network_route(analytic->base.setup.routes, &transfer->message, &analytic->base.error);
	if (transfer->route == ROUTE_NONE)
		engine_stop(analytic->base.setup.engine);
	return transfer->route != ROUTE_NONE;
}

/* Moves what is left, unless a link of the route has no capacity now. */
static void begin(struct analytic *analytic, uint32_t index)
{
	struct network_setup *setup = &analytic->base.setup;
	struct transfer *transfer = transfer_at(analytic, index);
	if (!find_route(analytic, transfer))
		return;
	transfer->whole_ps = flow_alone_ps(setup->routes, setup->links, NULL, transfer->route, transfer->bytes);
	transfer->moving_ps = flow_alone_ps(setup->routes, setup->links, NULL, transfer->route, transfer->bytes - transfer->done);
	if (transfer->whole_ps == TIME_NEVER)
		return;
	transfer->state = TRANSFER_MOVING;
	transfer->entered_ps = setup->engine->now_ps;
	transfer->stamp = ++analytic->stamp;
	busy_links_begin(&analytic->busy, setup, &setup->routes->routes[transfer->route]);
	delays_add(&analytic->delays, transfer->moving_ps, index, transfer->stamp);
}

static void analytic_send(struct network *network, const struct network_message *message)
{
	struct analytic *analytic = (struct analytic *)network;
	uint32_t index = pool_take(&analytic->transfers);
	*transfer_at(analytic, index) = (struct transfer){.message = *message, .start_ps = network->setup.engine->now_ps,
		.bytes = message->bytes, .route = ROUTE_NONE};
	analytic->counters.bytes_injected += message->bytes;
	analytic->counters.bytes_in_flight += message->bytes;
	begin(analytic, index);
}

/* What was carried from entered_ps until now, of all links: shares of a path's whole bytes, so that they add up to it. */
static void observe_part(struct analytic *analytic, const struct transfer *transfer, int64_t done)
{
	struct network_setup *setup = &analytic->base.setup;
	const struct observers *observers = setup->observers;
	const struct routes *routes = setup->routes;
	const struct route *route = &routes->routes[transfer->route];
	for (uint32_t p = route->first_path; observers->wants_bytes && p < route->first_path + route->n_paths; p++) {
		const struct path *path = &routes->paths[p];
		int64_t whole = route_path_bytes(route, path, transfer->bytes);
		int64_t bytes = scale_floor(whole, done, transfer->bytes) - scale_floor(whole, transfer->done, transfer->bytes);
		for (uint32_t h = path->first_hop; bytes && h < path->first_hop + path->n_hops; h++)
			OBSERVE(observers, link_bytes, routes->hop_link[h], transfer->entered_ps, now(analytic), bytes, 0,
				transfer->message.kind);
	}
	for (uint32_t i = route->first_link; observers->wants_intervals && i < route->first_link + route->n_links; i++)
		OBSERVE(observers, link_interval, routes->merged_link[i], transfer->entered_ps, now(analytic), transfer->message.id);
}

static int64_t done_by_now(const struct analytic *analytic, const struct transfer *transfer)
{
	int64_t passed_ps = now(analytic) - transfer->entered_ps;
	return transfer->done + scale_floor(transfer->bytes - transfer->done, passed_ps, transfer->moving_ps);
}

static void stop(struct analytic *analytic, struct transfer *transfer, int64_t done)
{
	struct network_setup *setup = &analytic->base.setup;
	if (transfer->bytes && now(analytic) > transfer->entered_ps)
		observe_part(analytic, transfer, done);
	busy_links_end(&analytic->busy, setup, &setup->routes->routes[transfer->route]);
	transfer->done = done;
}

/* From the end of sending to delivery. ASTRA-sim's analytical network (congestion-unaware) floors the whole time of a message to a
 * nanosecond, and its system layer adds one of endpoint delay. */
static int64_t arriving_ps(const struct analytic *analytic, const struct transfer *transfer)
{
	int64_t latency_ps = route_latency_ps(&analytic->base.setup, transfer->route), sending_ps = now(analytic) - transfer->start_ps;
	if (!analytic->astra)
		return latency_ps;
	return (sending_ps + latency_ps) / PS_PER_NS * PS_PER_NS + PS_PER_NS - sending_ps;
}

static void finish_sending(struct analytic *analytic, uint32_t index)
{
	struct network_setup *setup = &analytic->base.setup;
	struct transfer *transfer = transfer_at(analytic, index);
	stop(analytic, transfer, transfer->bytes);
	transfer->state = TRANSFER_ARRIVING;
	delays_add(&analytic->delays, arriving_ps(analytic, transfer), index, transfer->stamp);
	setup->client.sent(setup->client.context, transfer->message.token);
}

static void deliver(struct analytic *analytic, uint32_t index)
{
	struct network_setup *setup = &analytic->base.setup;
	struct transfer transfer = *transfer_at(analytic, index);
	pool_give(&analytic->transfers, index);
	analytic->counters.messages++;
	analytic->counters.bytes += transfer.message.bytes;
	analytic->counters.bytes_delivered += transfer.message.bytes;
	analytic->counters.bytes_in_flight -= transfer.message.bytes;
	message_observe(setup, &transfer.message, transfer.route, transfer.start_ps, setup->engine->now_ps);
	setup->client.delivered(setup->client.context, transfer.message.token);
}

static void transfer_due(void *context, uint32_t index, uint32_t stamp)
{
	struct analytic *analytic = context;
	const struct transfer *transfer = transfer_at(analytic, index);
	if (analytic->transfers.next[index] != POOL_USED || transfer->stamp != stamp)
		return; /* its rate changed since */
	if (transfer->state == TRANSFER_ARRIVING)
		deliver(analytic, index);
	else
		finish_sending(analytic, index);
}

static void analytic_link_changed(struct network *network, uint32_t link, int64_t old_bytes_per_s, int64_t old_latency_ps)
{
	(void)link, (void)old_bytes_per_s, (void)old_latency_ps;
	((struct analytic *)network)->changed = true;
	engine_request(network->setup.engine, ENGINE_PHASE_NETWORK);
}

/* The transfer goes on at the rate of now, if that is another one. */
static void adapt(struct analytic *analytic, uint32_t index)
{
	struct network_setup *setup = &analytic->base.setup;
	struct transfer *transfer = transfer_at(analytic, index);
	if (transfer->state == TRANSFER_MOVING) {
		if (flow_alone_ps(setup->routes, setup->links, NULL, transfer->route, transfer->bytes) == transfer->whole_ps &&
		    !(avoided_link(analytic, transfer) != UINT32_MAX))
			return;
		if (now(analytic) - transfer->entered_ps >= transfer->moving_ps)
			return; /* it ends in this instant */
		stop(analytic, transfer, done_by_now(analytic, transfer));
		transfer->state = TRANSFER_WAITING;
		transfer->stamp = ++analytic->stamp;
	}
	if (transfer->state == TRANSFER_WAITING)
		begin(analytic, index);
}

/* The network phase of an instant. */
static void adapt_all(void *context)
{
	struct analytic *analytic = context;
	for (uint32_t i = 0; analytic->changed && i < analytic->transfers.capacity && !analytic->base.error.code; i++)
		if (analytic->transfers.next[i] == POOL_USED)
			adapt(analytic, i);
	analytic->changed = false;
}

/* Looked for only when a bit error could come: rarely. Whole bytes per second of each transfer, so that their order does not matter. */
static double analytic_link_load(const struct network *network, uint32_t link)
{
	const struct analytic *analytic = (const struct analytic *)network;
	const struct routes *routes = network->setup.routes;
	int64_t load = 0;
	for (uint32_t t = 0; t < analytic->transfers.capacity; t++) {
		const struct transfer *transfer = transfer_at(analytic, t);
		if (analytic->transfers.next[t] != POOL_USED || transfer->state != TRANSFER_MOVING || transfer->whole_ps <= 0)
			continue;
		const struct route *route = &routes->routes[transfer->route];
		for (uint32_t i = route->first_link; i < route->first_link + route->n_links && routes->merged_link[i] <= link; i++)
			if (routes->merged_link[i] == link)
				load += scale_floor(scale_floor(transfer->bytes, routes->merged_weight[i], route->total_weight),
						    INT64_C(1000000000000), transfer->whole_ps);
	}
	return (double)load;
}

static void analytic_outstanding(struct network *network, network_each_message *each, void *context)
{
	struct analytic *analytic = (struct analytic *)network;
	for (uint32_t i = 0; i < analytic->transfers.capacity; i++) {
		const struct transfer *transfer = transfer_at(analytic, i);
		if (analytic->transfers.next[i] != POOL_USED || transfer->state == TRANSFER_ARRIVING)
			continue;
		int64_t done = transfer->state == TRANSFER_MOVING && transfer->moving_ps ? done_by_now(analytic, transfer) : transfer->done;
		if (transfer->bytes > done)
			each(context, transfer->message.source, transfer->message.destination, transfer->bytes - done);
	}
}

static void analytic_counters(const struct network *network, struct network_counters *out)
{
	*out = ((const struct analytic *)network)->counters;
}

static void analytic_describe_stuck(const struct network *network, struct text *out)
{
	const struct analytic *analytic = (const struct analytic *)network;
	uint32_t said = 0;
	for (uint32_t i = 0; i < analytic->transfers.capacity && said < 4; i++) {
		const struct transfer *transfer = transfer_at(analytic, i);
		if (analytic->transfers.next[i] != POOL_USED || transfer->state != TRANSFER_WAITING)
			continue;
		flow_describe(&network->setup, &transfer->message, transfer->route, out);
		said++;
	}
}

static void analytic_cut(struct network *network)
{
	struct analytic *analytic = (struct analytic *)network;
	struct network_setup *setup = &network->setup;
	for (uint32_t i = 0; i < analytic->transfers.capacity; i++) {
		if (analytic->transfers.next[i] != POOL_USED)
			continue;
		struct transfer *transfer = transfer_at(analytic, i);
		message_observe(setup, &transfer->message, transfer->route, transfer->start_ps, TIME_NEVER);
	}
	busy_links_cut(&analytic->busy, setup);
}

static void analytic_destroy(struct network *network)
{
	struct analytic *analytic = (struct analytic *)network;
	delays_release(&analytic->delays);
	pool_release(&analytic->transfers);
	busy_links_release(&analytic->busy);
	free(analytic);
}

static int analytic_create(struct network **network, const struct network_setup *setup, struct error *err)
{
	struct analytic *analytic = memory_zero(1, sizeof *analytic);
	(void)err;
	analytic->base.setup = *setup;
	analytic->astra = !strcmp(network_text(setup, &network_analytic, "compatibility"), "astra-sim");
	delays_init(&analytic->delays, setup->engine, transfer_due, analytic);
	pool_init(&analytic->transfers, sizeof(struct transfer));
	busy_links_init(&analytic->busy, setup->fabric->n_links);
	engine_register_phase(setup->engine, ENGINE_PHASE_NETWORK, adapt_all, analytic);
	*network = &analytic->base;
	return 0;
}

static const struct weft_param analytic_params[] = {
	{"compatibility", WEFT_PARAM_CHOICE, "none", "none|astra-sim", "`astra-sim`: messages take whole nanoseconds, rounded down, and one more"},
	{0}};

const struct network_model network_analytic = {
	.name = "analytic",
	.summary = "no contention: latency plus bytes over the slowest link",
	.version = 2,
	.params = analytic_params,
	.routings = 1u << ROUTING_DEFAULT | 1u << ROUTING_ECMP | 1u << ROUTING_SPRAY | 1u << ROUTING_VALIANT,
	.create = analytic_create,
	.destroy = analytic_destroy,
	.send = analytic_send,
	.link_changed = analytic_link_changed,
	.link_load = analytic_link_load,
	.outstanding = analytic_outstanding,
	.counters = analytic_counters,
	.describe_stuck = analytic_describe_stuck,
	.cut = analytic_cut,
};
