/* Fluid: a message is one flow with one rate, max-min fair over the capacities of the links that it crosses (design §5).
 *
 * A flow that is alone on all its links needs no solving: its end is known when it starts. When another one joins it on a link,
 * it is handed to the solver (solver.h) with what it has left. A flow that has ended keeps its share to the end of its
 * picosecond: times are rounded up, by less than 1 ps per change of rate. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "network/delay.h"
#include "network/flow.h"
#include "network/network.h"
#include "network/record.h"
#include "network/solver.h"

enum flow_state { FLOW_STARTING, FLOW_EMPTY, FLOW_ALONE, FLOW_SHARED, FLOW_ARRIVING };

struct flow {
	struct network_message message;
	int64_t start_ps, entered_ps; /* posted; on its present route since */
	int64_t bytes;                /* that it carries over its present route: all, unless it was routed anew */
	uint32_t route, stamp;
	uint8_t state;
};

/* Who is on a link. */
struct crowd {
	uint32_t n, first; /* flows; the one that came first, as long as it is alone */
};

struct fluid {
	struct network base;
	struct delays delays;
	struct pool flows;
	struct solver solver;
	struct records records;
	struct crowd *crowds;      /* [n_links] */
	int64_t *capacity;         /* [n_links] payload bytes per second */
	int64_t payload, header, flow_rate;
	bool by_latency;           /* weights 1/latency instead of 1 */
	uint32_t *starting, *avoided;
	size_t starting_capacity, avoided_capacity;
	uint32_t n_starting, n_avoided;
	int64_t planned_ps;        /* of the earliest event for the solver, TIME_NEVER */
	uint32_t stamp;
	uint8_t completion;
	int64_t last_bytes, last_rate, last_ps; /* the duration computed last: most are the same */
	struct network_counters counters;
};

static struct flow *flow_at(const struct fluid *fluid, uint32_t index) { return pool_at(&fluid->flows, index); }
static const struct route *route_of(const struct fluid *fluid, const struct flow *flow)
{
	return &fluid->base.setup.routes->routes[flow->route];
}
static int64_t now(const struct fluid *fluid) { return fluid->base.setup.engine->now_ps; }

/* Before any call of the solver. */
static void sync_solver(struct fluid *fluid)
{
	fluid->solver.now_ps = now(fluid);
	fluid->solver.hop_link = fluid->base.setup.routes->merged_link;
	fluid->solver.hop_weight = fluid->base.setup.routes->merged_weight;
}

static int64_t payload_rate(const struct fluid *fluid, int64_t bytes_per_s)
{
	return fluid->header ? scale_floor(bytes_per_s, fluid->payload, fluid->payload + fluid->header) : bytes_per_s;
}

/* Starting. */

static void enter(struct fluid *fluid, uint32_t index)
{
	struct network *network = &fluid->base;
	struct flow *flow = flow_at(fluid, index);
	flow->route = network_route(network->setup.routes, &flow->message, &network->error);
	if (flow->route == ROUTE_NONE) {
		engine_stop(network->setup.engine);
		return;
	}
	flow->entered_ps = now(fluid);
	flow->state = FLOW_STARTING;
	ARRAY_RESERVE(fluid->starting, fluid->n_starting + 1u, fluid->starting_capacity);
	fluid->starting[fluid->n_starting++] = index;
	engine_request(network->setup.engine, ENGINE_PHASE_NETWORK);
}

static void fluid_send(struct network *network, const struct network_message *message)
{
	struct fluid *fluid = (struct fluid *)network;
	uint32_t index = pool_take(&fluid->flows);
	struct flow *flow = flow_at(fluid, index);
	flow->message = *message;
	flow->start_ps = now(fluid);
	flow->bytes = message->bytes;
	fluid->counters.bytes_injected += message->bytes;
	fluid->counters.bytes_in_flight += message->bytes;
	enter(fluid, index);
}

static int64_t alone_ps(struct fluid *fluid, const struct route *route, uint32_t route_id, int64_t bytes)
{
	const struct routes *routes = fluid->base.setup.routes;
	int64_t slowest = fluid->flow_rate ? fluid->flow_rate : INT64_MAX;
	if (route->n_paths != 1) {
		int64_t ps = flow_alone_ps(routes, NULL, fluid->capacity, route_id, bytes);
		int64_t capped_ps = fluid->flow_rate ? serialization_ps(bytes, fluid->flow_rate) : 0;
		return ps > capped_ps ? ps : capped_ps;
	}
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++)
		if (fluid->capacity[routes->merged_link[i]] < slowest)
			slowest = fluid->capacity[routes->merged_link[i]];
	if (bytes != fluid->last_bytes || slowest != fluid->last_rate) {
		fluid->last_bytes = bytes;
		fluid->last_rate = slowest;
		fluid->last_ps = serialization_ps(bytes, slowest);
	}
	return fluid->last_ps;
}

/* 1 ns / Σ latency, as SimGrid's CM02 shares; within what the solver can hold. */
static double flow_weight(const struct fluid *fluid, const struct route *route)
{
	if (!fluid->by_latency || route->latency_ps <= 0)
		return 1;
	double weight = 1e6 / (double)route->latency_ps;
	return weight < 0x1p-20 ? 0x1p-20 : weight > 0x1p12 ? 0x1p12 : weight;
}

/* Calls record_join or record_leave for every link that the flow's paths cross, with the bytes that they carry of it. */
static void promise(struct fluid *fluid, const struct flow *flow, double rate)
{
	const struct routes *routes = fluid->base.setup.routes;
	const struct route *route = route_of(fluid, flow);
	struct route_walk walk = route_walk(routes, route, flow->bytes);
	struct route_piece piece;
	while (route_next(&walk, &piece))
		for (uint32_t h = 0; h < piece.n_links; h++)
			record_join(&fluid->records, piece.links[h], piece.bytes, flow->message.kind, flow->entered_ps, 0);
	if (rate > 0) /* it was alone so far: its links carried its share of this rate */
		for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++) {
			struct link_record *record = &fluid->records.links[routes->merged_link[i]];
			record->rate = rate * routes->merged_weight[i] / route->total_weight;
			record->busy_ps = flow->entered_ps;
		}
}

static void keep(struct fluid *fluid, const struct flow *flow, int64_t bytes)
{
	const struct routes *routes = fluid->base.setup.routes;
	const struct route *route = route_of(fluid, flow);
	struct route_walk walk = route_walk(routes, route, flow->bytes);
	struct route_piece piece;
	while (route_next(&walk, &piece)) {
		int64_t carried = bytes == flow->bytes ? piece.bytes : scale_floor(piece.bytes, bytes, flow->bytes);
		for (uint32_t h = 0; h < piece.n_links; h++) {
			uint32_t link = piece.links[h];
			/* Start and end are within 1 ps, the share of a path within 1 byte. */
			double slack = (double)fluid->capacity[link] * 2e-12 + (route->n_paths != 1 || bytes < flow->bytes);
			record_leave(&fluid->records, link, piece.bytes, carried, flow->message.kind, slack);
		}
	}
}

/* Hands a flow to the solver. */
static void share(struct fluid *fluid, uint32_t index, double left, double rate)
{
	struct flow *flow = flow_at(fluid, index);
	const struct route *route = route_of(fluid, flow);
	flow->state = FLOW_SHARED;
	promise(fluid, flow, rate);
	solver_add(&fluid->solver, index, flow->message.id, route->first_link, route->n_links, route->total_weight,
		   flow_weight(fluid, route), fluid->flow_rate, left);
}

/* Bytes per second of a flow that is alone on its route. */
static double alone_rate(const struct fluid *fluid, const struct route *route)
{
	const struct routes *routes = fluid->base.setup.routes;
	double rate = fluid->flow_rate ? (double)fluid->flow_rate : 1e300;
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++) {
		double most = (double)fluid->capacity[routes->merged_link[i]] * route->total_weight / routes->merged_weight[i];
		if (most < rate)
			rate = most;
	}
	return rate;
}

/* A flow that was alone is so no longer. */
static void share_alone(struct fluid *fluid, uint32_t index)
{
	struct flow *flow = flow_at(fluid, index);
	const struct route *route = route_of(fluid, flow);
	double rate = alone_rate(fluid, route) * 1e-12;
	double left = (double)flow->bytes - rate * (double)(now(fluid) - flow->entered_ps);
	share(fluid, index, left > 0 ? left : 0, rate);
}

static bool is_alone(const struct fluid *fluid, const struct route *route)
{
	const uint32_t *link = &fluid->base.setup.routes->merged_link[route->first_link];
	for (uint32_t i = 0; i < route->n_links; i++)
		if (fluid->crowds[link[i]].n > 1)
			return false;
	return true;
}

static void start(struct fluid *fluid, uint32_t index)
{
	struct flow *flow = flow_at(fluid, index);
	const struct route *route = route_of(fluid, flow);
	flow->stamp = ++fluid->stamp;
	if (!flow->bytes) {
		flow->state = FLOW_EMPTY;
		delays_add(&fluid->delays, 0, index, flow->stamp);
		return;
	}
	int64_t ps = is_alone(fluid, route) ? alone_ps(fluid, route, flow->route, flow->bytes) : TIME_NEVER;
	if (ps != TIME_NEVER) {
		flow->state = FLOW_ALONE;
		delays_add(&fluid->delays, ps, index, flow->stamp);
		return;
	}
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++) {
		uint32_t first = fluid->crowds[fluid->base.setup.routes->merged_link[i]].first;
		if (first != SOLVER_NONE && first != index && flow_at(fluid, first)->state == FLOW_ALONE)
			share_alone(fluid, first);
	}
	share(fluid, index, (double)flow->bytes, 0);
}

static void start_all(struct fluid *fluid)
{
	const struct routes *routes = fluid->base.setup.routes;
	for (uint32_t k = 0; k < fluid->n_starting; k++) {
		uint32_t index = fluid->starting[k];
		const struct flow *flow = flow_at(fluid, index);
		const struct route *route = route_of(fluid, flow);
		for (uint32_t i = route->first_link; flow->bytes && i < route->first_link + route->n_links; i++) {
			struct crowd *crowd = &fluid->crowds[routes->merged_link[i]];
			if (crowd->n++ == 0)
				crowd->first = index;
		}
	}
	for (uint32_t k = 0; k < fluid->n_starting; k++)
		start(fluid, fluid->starting[k]);
	fluid->n_starting = 0;
}

/* Ending. */

static void leave_links(struct fluid *fluid, uint32_t index)
{
	const struct routes *routes = fluid->base.setup.routes;
	const struct flow *flow = flow_at(fluid, index);
	const struct route *route = route_of(fluid, flow);
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++) {
		uint32_t link = routes->merged_link[i];
		struct crowd *crowd = &fluid->crowds[link];
		if (crowd->first == index)
			crowd->first = SOLVER_NONE;
		if (--crowd->n == 0 && flow->state == FLOW_SHARED)
			record_close(&fluid->records, link, now(fluid));
	}
}

static void observe_alone(struct fluid *fluid, const struct flow *flow)
{
	const struct observers *observers = fluid->base.setup.observers;
	const struct routes *routes = fluid->base.setup.routes;
	const struct route *route = route_of(fluid, flow);
	int64_t from_ps = flow->entered_ps, to_ps = now(fluid);
	if (route->n_paths == 1 && flow->bytes) { /* bytes and busy time of its links are one stretch */
		const struct path *path = &routes->paths[route->first_path];
		if (observers->wants_bytes || observers->wants_busy)
			observe_path(observers, &routes->hop_link[path->first_hop], path->n_hops, from_ps, to_ps, flow->bytes,
				     record_overhead(&fluid->records, flow->bytes), flow->message.kind);
		return;
	}
	struct route_walk walk = route_walk(routes, route, flow->bytes);
	struct route_piece piece;
	while (observers->wants_bytes && route_next(&walk, &piece)) {
		int64_t overhead = record_overhead(&fluid->records, piece.bytes);
		for (uint32_t h = 0; piece.bytes && h < piece.n_links; h++)
			OBSERVE(observers, link_bytes, piece.links[h], from_ps, to_ps, piece.bytes, overhead, flow->message.kind);
	}
	if (observers->wants_busy)
		for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++)
			OBSERVE(observers, link_busy, routes->merged_link[i], from_ps, to_ps);
}

static void observe_intervals(struct fluid *fluid, const struct flow *flow)
{
	const struct routes *routes = fluid->base.setup.routes;
	const struct route *route = route_of(fluid, flow);
	if (fluid->base.setup.observers->wants_intervals)
		for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++)
			OBSERVE(fluid->base.setup.observers, link_interval, routes->merged_link[i], flow->entered_ps, now(fluid),
				flow->message.id);
}

/* Its last byte has left the source. */
static void finish(struct fluid *fluid, uint32_t index)
{
	struct network_setup *setup = &fluid->base.setup;
	struct flow *flow = flow_at(fluid, index);
	if (flow->state == FLOW_ALONE)
		observe_alone(fluid, flow);
	else if (flow->state == FLOW_SHARED)
		keep(fluid, flow, flow->bytes);
	if (flow->state != FLOW_EMPTY) {
		observe_intervals(fluid, flow);
		leave_links(fluid, index);
	}
	flow->state = FLOW_ARRIVING;
	flow->stamp = ++fluid->stamp;
	delays_add(&fluid->delays, route_latency_ps(setup, flow->route), index, flow->stamp);
	setup->client.sent(setup->client.context, flow->message.token);
}

static void deliver(struct fluid *fluid, uint32_t index)
{
	struct network_setup *setup = &fluid->base.setup;
	const struct flow *flow = flow_at(fluid, index);
	uint32_t token = flow->message.token;
	fluid->counters.messages++;
	fluid->counters.bytes += flow->message.bytes;
	fluid->counters.bytes_delivered += flow->message.bytes;
	fluid->counters.bytes_in_flight -= flow->message.bytes;
	message_observe(setup, &flow->message, flow->route, flow->start_ps, now(fluid));
	pool_give(&fluid->flows, index);
	setup->client.delivered(setup->client.context, token);
}

static void flow_due(void *context, uint32_t index, uint32_t stamp)
{
	struct fluid *fluid = context;
	const struct flow *flow = flow_at(fluid, index);
	if (flow->stamp != stamp || flow->state == FLOW_SHARED)
		return; /* it was no longer alone */
	if (flow->state == FLOW_ARRIVING)
		deliver(fluid, index);
	else
		finish(fluid, index);
}

static void plan(struct fluid *fluid)
{
	int64_t next_ps = solver_next_ps(&fluid->solver);
	if (next_ps >= fluid->planned_ps)
		return;
	fluid->planned_ps = next_ps;
	engine_schedule(fluid->base.setup.engine, next_ps, fluid->completion, 0);
}

static void complete(void *context, uint32_t argument)
{
	struct fluid *fluid = context;
	uint32_t index;
	(void)argument;
	if (now(fluid) == fluid->planned_ps)
		fluid->planned_ps = TIME_NEVER;
	sync_solver(fluid);
	if (solver_next_ps(&fluid->solver) > now(fluid)) {
		plan(fluid);
		return;
	}
	while ((index = solver_expire(&fluid->solver)) != SOLVER_NONE)
		finish(fluid, index);
	engine_request(fluid->base.setup.engine, ENGINE_PHASE_NETWORK);
}

/* Links that changed. */

static bool crosses(const struct fluid *fluid, const struct flow *flow, uint32_t link)
{
	const struct route *route = route_of(fluid, flow);
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++)
		if (fluid->base.setup.routes->merged_link[i] == link)
			return true;
	return false;
}

/* The remainder goes another way. */
static void reroute(struct fluid *fluid, uint32_t index)
{
	struct flow *flow = flow_at(fluid, index);
	int64_t gone = (int64_t)((double)flow->bytes - solver_left(&fluid->solver, index));
	gone = gone < 0 ? 0 : gone >= flow->bytes ? flow->bytes - 1 : gone;
	solver_remove(&fluid->solver, index);
	keep(fluid, flow, gone);
	observe_intervals(fluid, flow);
	leave_links(fluid, index);
	flow->bytes -= gone;
	enter(fluid, index);
}

static void reroute_avoiding(struct fluid *fluid, uint32_t link)
{
	for (uint32_t index = 0; index < fluid->flows.capacity && !fluid->base.error.code; index++)
		if (fluid->flows.next[index] == POOL_USED && flow_at(fluid, index)->state == FLOW_SHARED &&
		    crosses(fluid, flow_at(fluid, index), link)) {
			OBSERVE(fluid->base.setup.observers, reroute, flow_at(fluid, index)->message.id, link, now(fluid));
			reroute(fluid, index);
			sync_solver(fluid); /* a new route may have moved them all */
		}
}

static void fluid_link_changed(struct network *network, uint32_t link, int64_t old_bytes_per_s, int64_t old_latency_ps)
{
	struct fluid *fluid = (struct fluid *)network;
	uint32_t first = fluid->crowds[link].first;
	(void)old_bytes_per_s, (void)old_latency_ps;
	sync_solver(fluid);
	if (first != SOLVER_NONE && flow_at(fluid, first)->state == FLOW_ALONE)
		share_alone(fluid, first);
	fluid->capacity[link] = payload_rate(fluid, network->setup.links->bytes_per_s[link]);
	solver_set_capacity(&fluid->solver, link, fluid->capacity[link]);
	if (network->setup.links->avoid[link] && fluid->crowds[link].n) {
		ARRAY_RESERVE(fluid->avoided, fluid->n_avoided + 1u, fluid->avoided_capacity);
		fluid->avoided[fluid->n_avoided++] = link;
	}
	engine_request(network->setup.engine, ENGINE_PHASE_NETWORK);
}

/* The network phase of an instant. */
static void solve(void *context)
{
	struct fluid *fluid = context;
	struct solver *solver = &fluid->solver;
	sync_solver(fluid);
	for (uint32_t i = 0; i < fluid->n_avoided; i++)
		reroute_avoiding(fluid, fluid->avoided[i]);
	fluid->n_avoided = 0;
	if (fluid->base.error.code)
		return;
	sync_solver(fluid);
	start_all(fluid);
	if (solver->n_pending || solver->n_touched) {
		solver_solve(solver);
		for (uint32_t i = 0; i < solver->n_touched; i++) {
			uint32_t link = solver->touched[i];
			if (!solver_is_cap(solver, link))
				record_rate(&fluid->records, link, now(fluid), solver_link_rate(solver, link));
		}
		solver_settle(solver);
		fluid->counters.solves++;
	}
	plan(fluid);
}

static void fluid_counters(const struct network *network, struct network_counters *out)
{
	*out = ((const struct fluid *)network)->counters;
}

static void fluid_describe_stuck(const struct network *network, struct text *out)
{
	const struct fluid *fluid = (const struct fluid *)network;
	uint32_t said = 0;
	for (uint32_t i = 0; i < fluid->flows.capacity && said < 4; i++) {
		const struct flow *flow = flow_at(fluid, i);
		if (fluid->flows.next[i] != POOL_USED || (flow->state != FLOW_SHARED && flow->state != FLOW_STARTING))
			continue;
		flow_describe(&network->setup, &flow->message, flow->route, out);
		said++;
	}
}

static double fluid_link_load(const struct network *network, uint32_t link)
{
	const struct fluid *fluid = (const struct fluid *)network;
	const struct routes *routes = network->setup.routes;
	const struct crowd *crowd = &fluid->crowds[link];
	const struct flow *flow = crowd->n && crowd->first != SOLVER_NONE ? flow_at(fluid, crowd->first) : NULL;
	const struct route *route;
	if (!crowd->n)
		return 0;
	if (!flow || flow->state != FLOW_ALONE)
		return solver_link_rate(&fluid->solver, link) * 1e12;
	route = route_of(fluid, flow);
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++)
		if (routes->merged_link[i] == link)
			return alone_rate(fluid, route) * routes->merged_weight[i] / route->total_weight;
	return 0;
}

static int64_t flow_left(struct fluid *fluid, uint32_t index)
{
	const struct flow *flow = flow_at(fluid, index);
	double left = (double)flow->bytes;
	if (flow->state == FLOW_ALONE)
		left -= alone_rate(fluid, route_of(fluid, flow)) * 1e-12 * (double)(now(fluid) - flow->entered_ps);
	else if (flow->state == FLOW_SHARED)
		left = solver_left(&fluid->solver, index);
	else if (flow->state != FLOW_STARTING)
		return 0;
	int64_t bytes = left > 0 ? (int64_t)left + 1 : 1;
	return bytes < flow->bytes ? bytes : flow->bytes;
}

static void fluid_outstanding(struct network *network, network_each_message *each, void *context)
{
	struct fluid *fluid = (struct fluid *)network;
	sync_solver(fluid);
	for (uint32_t i = 0; i < fluid->flows.capacity; i++) {
		const struct flow *flow = flow_at(fluid, i);
		int64_t left = fluid->flows.next[i] == POOL_USED ? flow_left(fluid, i) : 0;
		if (left > 0)
			each(context, flow->message.source, flow->message.destination, left + record_overhead(&fluid->records, left));
	}
}

static void fluid_cut(struct network *network)
{
	struct fluid *fluid = (struct fluid *)network;
	for (uint32_t i = 0; i < fluid->flows.capacity; i++) {
		if (fluid->flows.next[i] != POOL_USED)
			continue;
		struct flow *flow = flow_at(fluid, i);
		if (flow->state == FLOW_ALONE)
			share_alone(fluid, i);
		message_observe(&network->setup, &flow->message, flow->route, flow->start_ps, TIME_NEVER);
	}
	for (uint32_t link = 0; link < network->setup.fabric->n_links; link++)
		record_cut(&fluid->records, link, now(fluid));
}

static void fluid_destroy(struct network *network)
{
	struct fluid *fluid = (struct fluid *)network;
	delays_release(&fluid->delays);
	pool_release(&fluid->flows);
	solver_release(&fluid->solver);
	records_release(&fluid->records);
	free(fluid->crowds);
	free(fluid->capacity);
	free(fluid->starting);
	free(fluid->avoided);
	free(fluid);
}

static void init_links(struct fluid *fluid)
{
	const struct network_setup *setup = &fluid->base.setup;
	uint32_t n = setup->fabric->n_links;
	int64_t fastest = 1;
	fluid->crowds = memory_alloc((n + 1u) * sizeof *fluid->crowds);
	fluid->capacity = memory_alloc((n + 1u) * sizeof *fluid->capacity);
	for (uint32_t l = 0; l < n; l++)
		if (setup->fabric->link_bandwidth[l] > fastest)
			fastest = setup->fabric->link_bandwidth[l];
	solver_init(&fluid->solver, n, fastest);
	for (uint32_t l = 0; l < n; l++) {
		fluid->crowds[l] = (struct crowd){.first = SOLVER_NONE};
		fluid->capacity[l] = payload_rate(fluid, setup->links->bytes_per_s[l]);
		solver_set_capacity(&fluid->solver, l, fluid->capacity[l]);
	}
	solver_settle(&fluid->solver);
}

static int fluid_create(struct network **network, const struct network_setup *setup, struct error *err)
{
	struct fluid *fluid = memory_zero(1, sizeof *fluid);
	(void)err;
	fluid->base.setup = *setup;
	fluid->planned_ps = TIME_NEVER;
	fluid->payload = network_integer(setup, &network_fluid, "payload");
	fluid->header = network_integer(setup, &network_fluid, "header");
	fluid->flow_rate = network_integer(setup, &network_fluid, "flow_rate");
	fluid->by_latency = !strcmp(network_text(setup, &network_fluid, "weights"), "inverse-latency");
	delays_init(&fluid->delays, setup->engine, flow_due, fluid);
	pool_init(&fluid->flows, sizeof(struct flow));
	records_init(&fluid->records, setup->observers, setup->fabric->n_links, fluid->payload, fluid->header);
	init_links(fluid);
	fluid->completion = engine_register(setup->engine, complete, fluid);
	engine_register_phase(setup->engine, ENGINE_PHASE_NETWORK, solve, fluid);
	*network = &fluid->base;
	return 0;
}

static const struct weft_param fluid_params[] = {
	{"payload", WEFT_PARAM_BYTES, "4096 B", "1 B..1 GiB", "payload of a packet, for the capacity that headers leave"},
	{"header", WEFT_PARAM_BYTES, "0 B", "0 B..1 MiB", "header of a packet: capacity is rate x payload / (payload + header)"},
	{"flow_rate", WEFT_PARAM_BANDWIDTH, "0 B/s", "0 B/s..", "limit of every single message; 0: none"},
	{"weights", WEFT_PARAM_CHOICE, "equal", "equal|inverse-latency", "of shares; inverse-latency as SimGrid's CM02"},
	{0},
};

const struct network_model network_fluid = {
	.name = "fluid",
	.summary = "max-min fair rates, recomputed whenever a flow starts, ends or a link changes",
	.version = 2,
	.params = fluid_params,
	.routings = 1u << ROUTING_DEFAULT | 1u << ROUTING_ECMP | 1u << ROUTING_SPRAY | 1u << ROUTING_VALIANT,
	.create = fluid_create,
	.destroy = fluid_destroy,
	.send = fluid_send,
	.link_changed = fluid_link_changed,
	.counters = fluid_counters,
	.describe_stuck = fluid_describe_stuck,
	.link_load = fluid_link_load,
	.outstanding = fluid_outstanding,
	.cut = fluid_cut,
};
