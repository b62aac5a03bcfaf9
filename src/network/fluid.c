/* Fluid: max-min fair rates, solved anew from the definition (water-filling) at every instant in which something changed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "network/delay.h"
#include "network/flow.h"
#include "network/network.h"

struct flow {
	struct network_message message;
	int64_t start_ps, since_ps; /* posted; `left` and `rate` hold from then on */
	double left, rate;          /* bytes; bytes per ps */
	uint32_t route;
	bool fixed, ended, delivered;
};

struct fluid {
	struct network base;
	struct delays delays;
	struct pool flows;
	uint32_t *live;      /* by message id */
	size_t n_live, live_capacity;
	double *room, *load; /* [n_links] of one solve */
	int64_t next_ps;     /* of the completion event that counts */
	uint8_t completion;
	struct busy_links busy;
	struct network_counters counters;
};

/* Bytes within this time of their end have arrived. */
#define RESIDUE_PS (1.0 / 256)

static struct flow *flow_at(const struct fluid *fluid, uint32_t index) { return pool_at(&fluid->flows, index); }

static const struct route *route_of(const struct fluid *fluid, const struct flow *flow)
{
	return &fluid->base.setup.routes->routes[flow->route];
}

static void fluid_send(struct network *network, const struct network_message *message)
{
	struct fluid *fluid = (struct fluid *)network;
	uint32_t index = pool_take(&fluid->flows);
	struct flow *flow = flow_at(fluid, index);
	int64_t now_ps = network->setup.engine->now_ps;
	*flow = (struct flow){.message = *message, .start_ps = now_ps, .since_ps = now_ps, .left = (double)message->bytes};
	flow->route = network_route(network->setup.routes, message, &network->error);
	if (flow->route == ROUTE_NONE) {
		engine_stop(network->setup.engine);
		return;
	}
	fluid->counters.bytes_injected += message->bytes;
	fluid->counters.bytes_in_flight += message->bytes;
	busy_links_begin(&fluid->busy, &network->setup, route_of(fluid, flow));
	ARRAY_RESERVE(fluid->live, fluid->n_live + 1, fluid->live_capacity);
	fluid->live[fluid->n_live++] = index;
	engine_request(network->setup.engine, ENGINE_PHASE_NETWORK);
}

static void advance(struct fluid *fluid)
{
	int64_t now_ps = fluid->base.setup.engine->now_ps;
	for (size_t i = 0; i < fluid->n_live; i++) {
		struct flow *flow = flow_at(fluid, fluid->live[i]);
		flow->left -= flow->rate * (double)(now_ps - flow->since_ps);
		flow->since_ps = now_ps;
	}
}

static void retire(struct fluid *fluid)
{
	struct network_setup *setup = &fluid->base.setup;
	size_t kept = 0;
	for (size_t i = 0; i < fluid->n_live; i++) {
		uint32_t index = fluid->live[i];
		struct flow *flow = flow_at(fluid, index);
		flow->ended = flow->left <= flow->rate * RESIDUE_PS;
		if (!flow->ended) {
			fluid->live[kept++] = index;
			continue;
		}
		flow_observe(setup, &flow->message, flow->route, flow->start_ps);
		busy_links_end(&fluid->busy, setup, route_of(fluid, flow));
		delays_add(&fluid->delays, route_latency_ps(setup, flow->route), index, 0);
		setup->client.sent(setup->client.context, flow->message.token);
	}
	fluid->n_live = kept;
}

static void deliver(void *context, uint32_t index, uint32_t stamp)
{
	struct fluid *fluid = context;
	struct network_setup *setup = &fluid->base.setup;
	struct flow flow = *flow_at(fluid, index);
	(void)stamp;
	pool_give(&fluid->flows, index);
	fluid->counters.messages++;
	fluid->counters.bytes += flow.message.bytes;
	fluid->counters.bytes_delivered += flow.message.bytes;
	fluid->counters.bytes_in_flight -= flow.message.bytes;
	message_observe(setup, &flow.message, flow.route, flow.start_ps, setup->engine->now_ps);
	setup->client.delivered(setup->client.context, flow.message.token);
}

static double fraction(const struct fluid *fluid, const struct route *route, uint32_t i)
{
	return (double)fluid->base.setup.routes->merged_weight[i] / route->total_weight;
}

static void load_links(struct fluid *fluid)
{
	const struct routes *routes = fluid->base.setup.routes;
	for (uint32_t l = 0; l < fluid->base.setup.fabric->n_links; l++) {
		fluid->room[l] = (double)fluid->base.setup.links->bytes_per_s[l] * 1e-12;
		fluid->load[l] = 0;
	}
	for (size_t f = 0; f < fluid->n_live; f++) {
		struct flow *flow = flow_at(fluid, fluid->live[f]);
		const struct route *route = route_of(fluid, flow);
		flow->fixed = false;
		for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++)
			fluid->load[routes->merged_link[i]] += fraction(fluid, route, i);
	}
}

static bool crosses(const struct fluid *fluid, const struct flow *flow, uint32_t link)
{
	const struct route *route = route_of(fluid, flow);
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++)
		if (fluid->base.setup.routes->merged_link[i] == link)
			return true;
	return false;
}

static void fix(struct fluid *fluid, struct flow *flow, double rate)
{
	const struct route *route = route_of(fluid, flow);
	flow->rate = rate;
	flow->fixed = true;
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++) {
		uint32_t link = fluid->base.setup.routes->merged_link[i];
		fluid->room[link] = fmax(0, fluid->room[link] - rate * fraction(fluid, route, i));
		fluid->load[link] -= fraction(fluid, route, i);
	}
}

static void fill(struct fluid *fluid)
{
	size_t n_left = fluid->n_live;
	load_links(fluid);
	fluid->counters.solves++;
	while (n_left) {
		uint32_t tight = 0;
		double level = INFINITY;
		for (uint32_t l = 0; l < fluid->base.setup.fabric->n_links; l++)
			if (fluid->load[l] > 1e-9 && fluid->room[l] / fluid->load[l] < level)
				level = fluid->room[l] / fluid->load[tight = l];
		for (size_t f = 0; f < fluid->n_live; f++) {
			struct flow *flow = flow_at(fluid, fluid->live[f]);
			if (flow->fixed || !crosses(fluid, flow, tight))
				continue;
			fix(fluid, flow, level);
			n_left--;
		}
	}
}

static void plan(struct fluid *fluid)
{
	int64_t now_ps = fluid->base.setup.engine->now_ps, next_ps = TIME_NEVER;
	for (size_t f = 0; f < fluid->n_live; f++) {
		const struct flow *flow = flow_at(fluid, fluid->live[f]);
		double wait = flow->left > 0 ? ceil(flow->left / flow->rate - RESIDUE_PS) : 0;
		if (wait < 9e18 && now_ps + (int64_t)wait < next_ps)
			next_ps = now_ps + (int64_t)wait;
	}
	fluid->next_ps = next_ps;
	if (next_ps != TIME_NEVER)
		engine_schedule(fluid->base.setup.engine, next_ps, fluid->completion, 0);
}

static void complete(void *context, uint32_t argument)
{
	struct fluid *fluid = context;
	(void)argument;
	if (fluid->base.setup.engine->now_ps != fluid->next_ps)
		return;
	fluid->next_ps = TIME_NEVER;
	advance(fluid);
	retire(fluid);
	engine_request(fluid->base.setup.engine, ENGINE_PHASE_NETWORK);
}

static void solve(void *context)
{
	struct fluid *fluid = context;
	advance(fluid);
	fill(fluid);
	plan(fluid);
}

static void fluid_link_changed(struct network *network, uint32_t link, int64_t old_bytes_per_s, int64_t old_latency_ps)
{
	(void)link, (void)old_bytes_per_s, (void)old_latency_ps;
	engine_request(network->setup.engine, ENGINE_PHASE_NETWORK);
}

static void fluid_counters(const struct network *network, struct network_counters *out)
{
	*out = ((const struct fluid *)network)->counters;
}

static void fluid_describe_stuck(const struct network *network, struct text *out)
{
	const struct fluid *fluid = (const struct fluid *)network;
	for (size_t i = 0; i < fluid->n_live && i < 4; i++) {
		const struct flow *flow = flow_at(fluid, fluid->live[i]);
		flow_describe(&network->setup, &flow->message, flow->route, out);
	}
}

static void fluid_cut(struct network *network)
{
	struct fluid *fluid = (struct fluid *)network;
	for (uint32_t i = 0; i < fluid->flows.capacity; i++) {
		if (fluid->flows.next[i] != POOL_USED)
			continue;
		struct flow *flow = flow_at(fluid, i);
		message_observe(&network->setup, &flow->message, flow->route, flow->start_ps, TIME_NEVER);
	}
	busy_links_cut(&fluid->busy, &network->setup);
}

static void fluid_destroy(struct network *network)
{
	struct fluid *fluid = (struct fluid *)network;
	delays_release(&fluid->delays);
	pool_release(&fluid->flows);
	busy_links_release(&fluid->busy);
	free(fluid->live);
	free(fluid->room);
	free(fluid->load);
	free(fluid);
}

static int fluid_create(struct network **network, const struct network_setup *setup, struct error *err)
{
	struct fluid *fluid = memory_zero(1, sizeof *fluid);
	(void)err;
	fluid->base.setup = *setup;
	fluid->next_ps = TIME_NEVER;
	delays_init(&fluid->delays, setup->engine, deliver, fluid);
	pool_init(&fluid->flows, sizeof(struct flow));
	busy_links_init(&fluid->busy, setup->fabric->n_links);
	fluid->room = memory_zero(setup->fabric->n_links + 1, sizeof *fluid->room);
	fluid->load = memory_zero(setup->fabric->n_links + 1, sizeof *fluid->load);
	fluid->completion = engine_register(setup->engine, complete, fluid);
	engine_register_phase(setup->engine, ENGINE_PHASE_NETWORK, solve, fluid);
	*network = &fluid->base;
	return 0;
}

static const struct weft_param fluid_params[] = {{0}};

const struct network_model network_fluid = {
	.name = "fluid",
	.summary = "max-min fair rates, recomputed whenever a flow starts, ends or a link changes",
	.version = 1,
	.params = fluid_params,
	.routings = 1u << ROUTING_DEFAULT | 1u << ROUTING_ECMP | 1u << ROUTING_SPRAY | 1u << ROUTING_VALIANT,
	.create = fluid_create,
	.destroy = fluid_destroy,
	.send = fluid_send,
	.link_changed = fluid_link_changed,
	.counters = fluid_counters,
	.describe_stuck = fluid_describe_stuck,
	.cut = fluid_cut,
};
