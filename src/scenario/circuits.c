#include "scenario/circuits.h"

#include <assert.h>

#include "base/time.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "network/network.h"
#include "scenario/changes.h"
#include "scenario/circuits_internal.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

/* What happened to the ports of two chips: some moved or came; some went that were lit; some went because their switch died. */
enum { TOUCHED = 1, LOST = 2, BROKEN = 4 };

/* ---- moving -------------------------------------------------------------------------------------------------------------- */

static bool works(const struct circuits *circuits, uint32_t port)
{
	return !circuits->n_switches || !circuits->n_failed[port % circuits->n_ports % circuits->n_switches];
}

static size_t pair_of(const struct circuits *circuits, uint32_t port)
{
	return (size_t)(port / circuits->n_ports) * circuits->n + circuits->ports[port].peer;
}

/* Tells the network what became of the links whose ports were touched. */
static void settle(struct circuits *circuits, enum link_cause cause)
{
	struct simulation *simulation = circuits->simulation;
	size_t n_pairs = (size_t)circuits->n * circuits->n;
	simulation->links.cause = cause;
	for (size_t i = 0; i < n_pairs; i++) {
		uint32_t link = circuits->link[i];
		if (!circuits->touched[i])
			continue;
		simulation->links.kills = circuits->touched[i] & (circuits->setup->moving == CIRCUITS_DROP ? LOST | BROKEN : BROKEN);
		simulation->conditions[link].n_lit = circuits->n_lit[i];
		condition_settle(simulation, link);
		circuits->touched[i] = 0;
	}
	simulation->links.kills = false;
	simulation->links.cause = LINK_CAUSE_SCHEDULE;
}

static void touch(struct circuits *circuits, uint32_t port, int by)
{
	size_t pair = pair_of(circuits, port);
	if (!works(circuits, port))
		return;
	circuits->n_lit[pair] += (uint32_t)by;
	circuits->touched[pair] |= by < 0 ? TOUCHED | LOST : TOUCHED;
}

static void record(struct circuits *circuits, uint32_t port, int64_t end_ps)
{
	struct simulation *simulation = circuits->simulation;
	const struct circuit_port *from = &circuits->ports[port];
	int64_t until_ps = end_ps == TIME_NEVER ? simulation->end_ps : end_ps, lit_ps = from->lit_ps < until_ps ? from->lit_ps : until_ps;
	struct circuit_record circuit = {.link = circuits->link[pair_of(circuits, port)], .port = port % circuits->n_ports,
		.component = circuits->n_switches ? circuits->switches[port % circuits->n_ports % circuits->n_switches] : UINT32_MAX,
		.start_ps = from->start_ps, .lit_ps = from->lit ? from->lit_ps : TIME_NEVER, .end_ps = end_ps};
	circuits->totals.dark_ps += lit_ps > from->start_ps ? lit_ps - from->start_ps : 0;
	circuits->totals.lit_ps += from->lit && until_ps > from->lit_ps ? until_ps - from->lit_ps : 0;
	OBSERVE(&simulation->observers, circuit, &circuit);
}

static void light(struct circuits *circuits)
{
	for (uint32_t i = 0; i < circuits->n * circuits->n_ports; i++) {
		struct circuit_port *port = &circuits->ports[i];
		if (port->peer == UNCONNECTED || port->lit)
			continue;
		port->lit = true;
		port->lit_ps = circuits->simulation->engine.now_ps;
		touch(circuits, i, 1);
	}
	circuits->moving = false;
	settle(circuits, LINK_CAUSE_CIRCUIT);
}

void circuits_move(struct circuits *circuits, bool at_once)
{
	struct engine *engine = &circuits->simulation->engine;
	uint32_t n = circuits->n * circuits->n_ports, n_moved = 0;
	int64_t guard_ps = at_once ? 0 : circuits->guard_ps;
	for (uint32_t i = 0; i < n; i++) {
		struct circuit_port *port = &circuits->ports[i];
		if (port->peer == circuits->wanted[i] || port->peer == UNCONNECTED)
			continue;
		record(circuits, i, engine->now_ps);
		if (port->lit)
			touch(circuits, i, -1);
		port->peer = UNCONNECTED;
		port->lit = false;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (circuits->ports[i].peer == circuits->wanted[i])
			continue;
		circuits->ports[i] = (struct circuit_port){.peer = circuits->wanted[i], .start_ps = engine->now_ps};
		n_moved++;
	}
	circuits->totals.n_ports_moved += at_once ? 0 : n_moved;
	circuits->totals.n_moves += n_moved > 0 && !at_once;
	circuits->moving = n_moved > 0 && guard_ps > 0;
	settle(circuits, LINK_CAUSE_CIRCUIT);
	if (circuits->moving)
		engine_schedule(engine, time_add(engine->now_ps, guard_ps), circuits->on_light, 0);
	else if (n_moved)
		light(circuits);
}

static bool carries_circuits(const struct fabric *fabric, uint32_t component)
{
	uint32_t first = fabric->carried_first[component];
	return fabric->link_ports && first < fabric->carried_first[component + 1] && fabric->link_ports[fabric->carried[first]];
}

bool circuits_one_of_several(const struct simulation *simulation, uint32_t component)
{
	const struct fabric *fabric = &simulation->fabric;
	uint32_t n = 0;
	if (!simulation->scenario->circuits_node || !carries_circuits(fabric, component))
		return false;
	for (uint32_t c = 0; c < fabric->n_components; c++)
		n += carries_circuits(fabric, c);
	return n > 1;
}

void circuits_switch_fails(struct simulation *simulation, uint32_t component, int by)
{
	struct circuits *circuits = simulation->circuits;
	enum link_cause cause = simulation->links.cause;
	uint32_t s = 0;
	while (circuits->switches[s] != component)
		s++;
	uint32_t before = circuits->n_failed[s], after = before || by > 0 ? before + (uint32_t)by : 0;
	circuits->n_failed[s] = 0; /* so that its ports count */
	for (uint32_t i = 0; !before != !after && i < circuits->n * circuits->n_ports; i++)
		if (i % circuits->n_ports % circuits->n_switches == s && circuits->ports[i].lit)
			touch(circuits, i, before ? 1 : -1);
	for (size_t i = 0; i < (size_t)circuits->n * circuits->n; i++)
		circuits->touched[i] |= circuits->touched[i] & LOST ? BROKEN : 0;
	circuits->n_failed[s] = after;
	if (circuits->started)
		settle(circuits, cause);
	simulation->links.cause = cause;
}

/* ---- control ------------------------------------------------------------------------------------------------------------- */

void circuits_on_move(void *context, uint32_t argument)
{
	struct circuits *circuits = context;
	(void)argument;
	circuits->move_due = true;
	engine_request(&circuits->simulation->engine, ENGINE_PHASE_CONTROL);
}

void circuits_on_light(void *context, uint32_t argument)
{
	struct circuits *circuits = context;
	(void)argument;
	circuits->light_due = true;
	engine_request(&circuits->simulation->engine, ENGINE_PHASE_CONTROL);
}

/* A run that is stuck must end: a clock stops after more than a whole cycle in which no message arrived and before whose every move nothing
 * but it was going to happen. (What is on its way over a lit circuit always has an event to come.) */
static bool stuck(struct circuits *circuits)
{
	struct network_counters counters = {0};
	struct network *network = circuits->simulation->network;
	network->model->counters(network, &counters);
	bool nothing = engine_is_idle(&circuits->simulation->engine) && counters.messages == circuits->n_delivered;
	circuits->n_delivered = counters.messages;
	circuits->n_idle = nothing ? circuits->n_idle + 1 : 0;
	return circuits->n_idle > circuits->n + 1;
}

static void decide(struct circuits *circuits)
{
	int64_t again_ps;
	bool at_start = circuits->simulation->engine.now_ps == 0 && circuits->setup->controller == CIRCUITS_STATIC;
	bool stops = circuits->setup->controller != CIRCUITS_STATIC && stuck(circuits);
	if (circuits_want(circuits, &again_ps))
		circuits_move(circuits, at_start); /* the state at 0 of a static switch is there when the run starts */
	if (!stops && again_ps != TIME_NEVER)
		engine_schedule(&circuits->simulation->engine, again_ps, circuits->on_move, 0);
}

static void start(struct circuits *circuits)
{
	circuits->started = true;
	for (size_t i = 0; i < (size_t)circuits->n * circuits->n; i++)
		if (circuits->link[i] != FABRIC_NONE)
			circuits->touched[i] = TOUCHED;
	if (circuits->setup->controller == CIRCUITS_REQUEST) {
		const struct circuits_state *state = &circuits->setup->states[circuits->state];
		circuits_arrange(circuits, state->pairs, state->n_pairs);
		circuits_move(circuits, true);
	}
	settle(circuits, LINK_CAUSE_CIRCUIT);
}

void circuits_control(struct circuits *circuits, struct simulation *simulation)
{
	bool running = !executor_finished(simulation->executor);
	if (!circuits->started)
		start(circuits);
	if (circuits->light_due && running)
		light(circuits);
	if (circuits->move_due && running)
		decide(circuits);
	circuits->light_due = circuits->move_due = false;
	if (circuits->setup->controller == CIRCUITS_REQUEST)
		circuits_serve(circuits);
}

const struct circuits_totals *circuits_finish(struct circuits *circuits)
{
	for (uint32_t i = 0; i < circuits->n * circuits->n_ports; i++)
		if (circuits->ports[i].peer != UNCONNECTED)
			record(circuits, i, TIME_NEVER);
	int64_t end_ps = circuits->simulation->end_ps;
	if (end_ps > 0)
		circuits->totals.lit_share = (double)circuits->totals.lit_ps / ((double)end_ps * circuits->n * circuits->n_ports);
	circuits_requests_finish(circuits);
	return &circuits->totals;
}

void circuits_release(struct circuits *circuits)
{
	free(circuits->plan.peers);
	free(circuits->plan.bytes);
	free(circuits->requests);
}
