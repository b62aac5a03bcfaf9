#include "scenario/circuits.h"

#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"
#include "base/tree.h"
#include "fabric/fabric.h"
#include "network/network.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

#define UNCONNECTED UINT32_MAX

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

static int read_pairs(struct scenario *scenario, struct circuits_state *state, struct error *err)
{
	struct section_reader reader = {.arena = &scenario->arena, .directory = scenario->directory, .err = err};
	static const struct section_key pair_key = {"connect", KEY_COUNTS, NULL, "0..65535", "", 0};
	if (state->connect->kind != TREE_LIST)
		return tree_fail(state->connect, err, "'connect' must be a list of pairs such as [[0, 1], [1, 0]]");
	state->pairs = arena_array(&scenario->arena, 2 * (size_t)state->connect->n_entries + 1, sizeof *state->pairs);
	for (uint32_t i = 0; i < state->connect->n_entries; i++) {
		struct counts pair = {0};
		struct tree_node *node = state->connect->entries[i].value;
		if (section_read_value(&reader, &pair_key, node, &pair))
			return -1;
		if (pair.n != 2 || pair.values[0] == pair.values[1])
			return tree_fail(node, err, "a circuit joins two different chips, as in [0, 1]");
		for (uint32_t k = 0; k < state->n_pairs; k++)
			for (uint32_t end = 0; end < 2; end++)
				if (state->pairs[2 * k + end] == pair.values[end])
					return tree_fail(node, err, "the %s port of chip %lld is used twice in a cross-connect",
							 end ? "receiving" : "sending", (long long)pair.values[end]);
		state->pairs[2 * state->n_pairs] = pair.values[0];
		state->pairs[2 * state->n_pairs++ + 1] = pair.values[1];
	}
	return 0;
}

static int64_t guard_ps(const struct scenario_circuits *circuits)
{
	return time_add(time_add(circuits->control_ps, circuits->switching_ps), circuits->relock_ps);
}

static int read_states(struct scenario *scenario, struct error *err)
{
	struct section_reader reader = {.arena = &scenario->arena, .directory = scenario->directory, .err = err};
	struct scenario_circuits *circuits = &scenario->circuits;
	const struct tree_node *list = circuits->states_node;
	if (!list || list->kind != TREE_LIST || !list->n_entries)
		return tree_fail(list ? list : scenario->circuits_node, err,
				 "controller 'static' needs 'states', a list such as [{at: 0 ps, connect: [[0, 1], [1, 0]]}]");
	circuits->states = arena_array(&scenario->arena, list->n_entries, sizeof *circuits->states);
	for (uint32_t i = 0; i < list->n_entries; i++) {
		struct circuits_state *state = &circuits->states[circuits->n_states++];
		if (section_read(&reader, &section_circuit_state, list->entries[i].value, state) || read_pairs(scenario, state, err))
			return -1;
		int64_t lit_ps = i == 0 ? -1 : state[-1].at_ps == 0 ? 0 : time_add(state[-1].at_ps, guard_ps(circuits));
		if (state->at_ps <= lit_ps)
			return tree_fail(list->entries[i].value, err, "this state begins before the one before it is lit (at %lld ps)",
					 (long long)lit_ps);
	}
	return 0;
}

int circuits_read(struct scenario *scenario, struct error *err)
{
	struct section_reader reader = {.arena = &scenario->arena, .directory = scenario->directory, .err = err};
	struct scenario_circuits *circuits = &scenario->circuits;
	const struct tree_node *node = scenario->circuits_node;
	if (!node)
		return 0;
	if (section_read(&reader, &section_circuits, scenario->circuits_node, scenario))
		return -1;
	if (scenario->model == &network_loggops)
		return tree_fail(node, err, "network model 'loggops' knows no links: 'circuits' needs 'fluid', 'packet' or 'analytic'");
	if (scenario->n_changes || (scenario->physics_node && scenario->physics.errors))
		return tree_fail(node, err, "'circuits' cannot be combined with '%s' yet: both would set the same links",
				 scenario->n_changes ? "links" : "physics.errors");
	if (circuits->controller == CIRCUITS_STATIC)
		return read_states(scenario, err);
	if (circuits->states_node)
		return tree_fail(circuits->states_node, err, "'states' belongs to controller 'static'");
	if (circuits->slot_ps <= guard_ps(circuits))
		return tree_fail(node, err, "a slot of %lld ps is over before its circuits are lit (after %lld ps)", (long long)circuits->slot_ps,
				 (long long)guard_ps(circuits));
	return 0;
}

/* ---- running ----------------------------------------------------------------------------------------------------------- */

struct circuits {
	const struct scenario_circuits *setup;
	uint32_t n;
	uint32_t *link;         /* [n × n] */
	uint32_t *peer, *wanted; /* [n] to whom each chip's sending port leads now, and after the move; UNCONNECTED */
	uint32_t next;          /* the state or slot that comes next */
	uint32_t n_idle;        /* slots in a row in which nothing was on its way */
	bool started, move_due, light_due;
	uint8_t on_move, on_light;
	struct simulation *simulation;
};

static void on_move(void *context, uint32_t argument)
{
	struct circuits *circuits = context;
	(void)argument;
	circuits->move_due = true;
	engine_request(&circuits->simulation->engine, ENGINE_PHASE_CONTROL);
}

static void on_light(void *context, uint32_t argument)
{
	struct circuits *circuits = context;
	(void)argument;
	circuits->light_due = true;
	engine_request(&circuits->simulation->engine, ENGINE_PHASE_CONTROL);
}

static void set_link(struct simulation *simulation, uint32_t link, bool lit)
{
	network_change_link(simulation->network, link, lit ? LINK_UP : LINK_DARK, lit ? simulation->fabric.link_bandwidth[link] : 0,
			    simulation->links.latency_ps[link]);
}

static void want(struct circuits *circuits)
{
	const struct scenario_circuits *setup = circuits->setup;
	uint32_t n = circuits->n;
	for (uint32_t i = 0; i < n; i++)
		circuits->wanted[i] = setup->controller == CIRCUITS_ROTOR ? (i + 1 + circuits->next % (n - 1)) % n : UNCONNECTED;
	if (setup->controller == CIRCUITS_ROTOR)
		return;
	const struct circuits_state *state = &setup->states[circuits->next];
	for (uint32_t k = 0; k < state->n_pairs; k++)
		circuits->wanted[state->pairs[2 * k]] = (uint32_t)state->pairs[2 * k + 1];
}

/* A run that is stuck must end: a rotor stops after a whole cycle in which there was nothing but itself. */
static bool idle(struct circuits *circuits)
{
	struct simulation *simulation = circuits->simulation;
	struct network_counters counters = {0};
	simulation->network->model->counters(simulation->network, &counters);
	bool nothing = counters.bytes_in_flight == 0 && engine_next_ps(&simulation->engine) == TIME_NEVER;
	circuits->n_idle = nothing ? circuits->n_idle + 1 : 0;
	return circuits->n_idle > circuits->n;
}

static void schedule_next(struct circuits *circuits)
{
	const struct scenario_circuits *setup = circuits->setup;
	struct engine *engine = &circuits->simulation->engine;
	circuits->next++;
	if (setup->controller == CIRCUITS_ROTOR && !idle(circuits))
		engine_schedule(engine, time_add(engine->now_ps, setup->slot_ps), circuits->on_move, 0);
	else if (setup->controller == CIRCUITS_STATIC && circuits->next < setup->n_states)
		engine_schedule(engine, setup->states[circuits->next].at_ps, circuits->on_move, 0);
}

static void light(struct circuits *circuits)
{
	uint32_t n = circuits->n;
	for (uint32_t i = 0; i < n; i++) {
		if (circuits->peer[i] == circuits->wanted[i])
			continue;
		circuits->peer[i] = circuits->wanted[i];
		set_link(circuits->simulation, circuits->link[i * n + circuits->peer[i]], true);
	}
}

/* Darkens what moves. The state at 0 of a static switch is there when the run starts. */
static void move(struct circuits *circuits)
{
	const struct scenario_circuits *setup = circuits->setup;
	struct engine *engine = &circuits->simulation->engine;
	uint32_t n = circuits->n;
	bool moves = false, at_once = setup->controller == CIRCUITS_STATIC && engine->now_ps == 0;
	want(circuits);
	for (uint32_t i = 0; i < n; i++) {
		if (circuits->peer[i] == circuits->wanted[i])
			continue;
		if (circuits->peer[i] != UNCONNECTED)
			set_link(circuits->simulation, circuits->link[i * n + circuits->peer[i]], false);
		circuits->peer[i] = UNCONNECTED;
		moves |= circuits->wanted[i] != UNCONNECTED;
	}
	schedule_next(circuits);
	if (moves && !at_once && guard_ps(setup) > 0)
		engine_schedule(engine, time_add(engine->now_ps, guard_ps(setup)), circuits->on_light, 0);
	else if (moves)
		light(circuits);
}

void circuits_control(struct circuits *circuits, struct simulation *simulation)
{
	bool running = !executor_finished(simulation->executor);
	if (!circuits->started) {
		circuits->started = true;
		for (uint32_t i = 0; i < circuits->n * circuits->n; i++)
			if (circuits->link[i] != FABRIC_NONE)
				set_link(simulation, circuits->link[i], false);
	}
	if (circuits->light_due && running)
		light(circuits);
	if (circuits->move_due && running)
		move(circuits);
	circuits->light_due = circuits->move_due = false;
}

static int check_ports(const struct scenario_circuits *setup, uint32_t n, struct error *err)
{
	for (uint32_t s = 0; s < setup->n_states; s++)
		for (uint32_t k = 0; k < 2 * setup->states[s].n_pairs; k++)
			if (setup->states[s].pairs[k] >= n)
				return tree_fail(setup->states[s].connect->entries[k / 2].value, err, "chip %lld does not exist ('ocs' has %u, from 0)",
						 (long long)setup->states[s].pairs[k], n);
	return 0;
}

int circuits_start(struct simulation *simulation, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	const struct fabric *fabric = &simulation->fabric;
	struct circuits *circuits;
	uint32_t n = fabric->n_npus;
	if (!scenario->circuits_node)
		return 0;
	if (strcmp(fabric->module->name, "ocs"))
		return tree_fail(scenario->circuits_node, err, "'circuits' needs topology 'ocs', not '%s'", fabric->module->name);
	if (check_ports(&scenario->circuits, n, err))
		return -1;
	circuits = arena_array(&simulation->arena, 1, sizeof *circuits);
	*circuits = (struct circuits){.setup = &scenario->circuits, .n = n, .simulation = simulation,
		.link = arena_array(&simulation->arena, (size_t)n * n, sizeof *circuits->link),
		.peer = arena_array(&simulation->arena, n, sizeof *circuits->peer),
		.wanted = arena_array(&simulation->arena, n, sizeof *circuits->wanted)};
	memset(circuits->link, 0xff, (size_t)n * n * sizeof *circuits->link); /* FABRIC_NONE */
	memset(circuits->peer, 0xff, n * sizeof *circuits->peer);             /* UNCONNECTED */
	for (uint32_t link = 0; link < fabric->n_links; link++)
		circuits->link[fabric->link_source[link] * n + fabric->link_target[link]] = link;
	circuits->on_move = engine_register(&simulation->engine, on_move, circuits);
	circuits->on_light = engine_register(&simulation->engine, on_light, circuits);
	engine_request(&simulation->engine, ENGINE_PHASE_CONTROL);
	engine_schedule(&simulation->engine, scenario->circuits.controller == CIRCUITS_ROTOR ? 0 : scenario->circuits.states[0].at_ps,
			circuits->on_move, 0);
	simulation->circuits = circuits;
	return 0;
}
