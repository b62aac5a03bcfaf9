/* The section against the fabric: which links are circuits, whether the states fit their ports, how long a move takes. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"
#include "base/tree.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "link/catalogue.h"
#include "network/network.h"
#include "scenario/changes.h"
#include "scenario/circuits_internal.h"
#include "scenario/physics.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

static int find_links(struct circuits *circuits, struct error *err)
{
	const struct simulation *simulation = circuits->simulation;
	const struct fabric *fabric = &simulation->fabric;
	const struct tree_node *node = simulation->scenario->circuits_node;
	circuits->n_ports = 0;
	for (uint32_t link = 0; fabric->link_ports && link < fabric->n_links; link++) {
		uint32_t source = fabric->node_npu[fabric->link_source[link]], target = fabric->node_npu[fabric->link_target[link]];
		if (!fabric->link_ports[link])
			continue;
		if (source == FABRIC_NONE || target == FABRIC_NONE || (circuits->n_ports && circuits->n_ports != fabric->link_ports[link]) ||
		    circuits->link[(size_t)source * circuits->n + target] != FABRIC_NONE)
			return tree_fail(node, err, "'circuits' needs circuits between chips, one link for each two and the same number of ports everywhere");
		circuits->n_ports = fabric->link_ports[link];
		circuits->port_bytes_per_s = fabric->link_bandwidth[link] / circuits->n_ports;
		circuits->link[(size_t)source * circuits->n + target] = link;
	}
	if (!circuits->n_ports)
		return tree_fail(node, err, "'circuits' needs a topology of circuits such as 'ocs', not '%s'", fabric->module->name);
	return 0;
}

/* The components that carry circuits, by id. */
static void find_switches(struct circuits *circuits)
{
	const struct fabric *fabric = &circuits->simulation->fabric;
	circuits->switches = arena_array(&circuits->simulation->arena, (size_t)fabric->n_components + 1, sizeof *circuits->switches);
	for (uint32_t c = 0; c < fabric->n_components; c++)
		if (fabric->carried_first[c] < fabric->carried_first[c + 1] && fabric->link_ports[fabric->carried[fabric->carried_first[c]]])
			circuits->switches[circuits->n_switches++] = c;
	circuits->n_failed = arena_array(&circuits->simulation->arena, (size_t)circuits->n_switches + 1, sizeof *circuits->n_failed);
}

static int check_pair(const struct circuits *circuits, const struct circuit_pair *pair, struct error *err)
{
	int64_t ends[2] = {pair->source, pair->target};
	for (int e = 0; e < 2; e++)
		if (ends[e] >= circuits->n)
			return tree_fail(pair->node, err, "chip %lld does not exist ('%s' has %u, from 0)", (long long)ends[e],
					 circuits->simulation->fabric.module->name, circuits->n);
	if (pair->port >= (int64_t)circuits->n_ports)
		return tree_fail(pair->node, err, "port %lld does not exist (chips have %u, from 0)", (long long)pair->port, circuits->n_ports);
	if (circuits->link[(size_t)pair->source * circuits->n + (size_t)pair->target] == FABRIC_NONE)
		return tree_fail(pair->node, err, "no circuit can join chip %lld to chip %lld", (long long)pair->source, (long long)pair->target);
	return 0;
}

/* No port is used twice, and no chip needs more of them than it has. `uses`: [2 × n × (n_ports + 1)] by direction, chip and port. */
static int check_uses(const struct circuits *circuits, const struct circuit_pair *pair, uint32_t *uses, struct error *err)
{
	uint32_t n_ports = circuits->n_ports;
	int64_t ends[2] = {pair->source, pair->target};
	static const char *const ways[] = {"sending", "receiving"};
	for (int e = 0; e < 2; e++) {
		uint32_t *of_chip = &uses[((size_t)e * circuits->n + (size_t)ends[e]) * (n_ports + 1)];
		if (++of_chip[n_ports] > n_ports && n_ports == 1)
			return tree_fail(pair->node, err, "the %s port of chip %lld is used twice in a cross-connect", ways[e], (long long)ends[e]);
		if (of_chip[n_ports] > n_ports)
			return tree_fail(pair->node, err, "chip %lld has %u %s ports, but this cross-connect uses %u", (long long)ends[e], n_ports,
					 ways[e], of_chip[n_ports]);
		if (pair->port >= 0 && ++of_chip[pair->port] > 1)
			return tree_fail(pair->node, err, "the %s port %lld of chip %lld is used twice in a cross-connect", ways[e],
					 (long long)pair->port, (long long)ends[e]);
	}
	return 0;
}

/* `shifts` as pairs, behind those of `connect`. */
static int add_shifts(struct circuits *circuits, struct circuits_state *state, struct error *err)
{
	struct circuit_pair *pairs = arena_array(&circuits->simulation->arena, (size_t)state->n_pairs + (size_t)state->shifts.n * circuits->n + 1,
						 sizeof *pairs);
	if (state->n_pairs)
		memcpy(pairs, state->pairs, state->n_pairs * sizeof *pairs);
	for (uint32_t s = 0; s < state->shifts.n; s++) {
		if (state->shifts.values[s] % circuits->n == 0)
			return tree_fail(tree_get(state->node, "shifts"), err, "a shift of %lld leads from every chip to itself", (long long)state->shifts.values[s]);
		for (uint32_t i = 0; i < circuits->n; i++)
			pairs[state->n_pairs++] = (struct circuit_pair){tree_get(state->node, "shifts"), i, (i + state->shifts.values[s]) % circuits->n, -1};
	}
	state->pairs = pairs;
	return 0;
}

static int check_state(struct circuits *circuits, struct circuits_state *state, struct error *err)
{
	uint32_t *uses = memory_zero((size_t)2 * circuits->n * (circuits->n_ports + 1), sizeof *uses);
	int status = add_shifts(circuits, state, err);
	for (uint32_t k = 0; k < state->n_pairs && !status; k++)
		status = check_pair(circuits, &state->pairs[k], err) || check_uses(circuits, &state->pairs[k], uses, err) ? -1 : 0;
	free(uses);
	if (!status && circuits_arrange(circuits, state->pairs, state->n_pairs))
		status = tree_fail(state->node, err, "the circuits that name no port do not fit beside those that do: name more ports, or none");
	return status;
}

/* States of the scenario as this fabric has them: a copy, because `shifts` depend on it. */
static int check_states(struct circuits *circuits, struct error *err)
{
	struct arena *arena = &circuits->simulation->arena;
	struct scenario_circuits *setup = arena_array(arena, 1, sizeof *setup);
	*setup = *circuits->setup;
	setup->states = arena_array(arena, (size_t)setup->n_states + 1, sizeof *setup->states);
	for (uint32_t s = 0; s < setup->n_states; s++) {
		struct circuits_state *state = &setup->states[s];
		*state = circuits->setup->states[s];
		if (check_state(circuits, state, err))
			return -1;
		int64_t lit_ps = s == 0 ? -1 : state[-1].at_ps == 0 ? 0 : time_add(state[-1].at_ps, circuits->guard_ps);
		if (setup->controller == CIRCUITS_STATIC && state->at_ps <= lit_ps)
			return tree_fail(state->node, err, "this state begins before the one before it is lit (at %lld ps)", (long long)lit_ps);
	}
	circuits->setup = setup;
	return 0;
}

/* ---- how long a move takes ----------------------------------------------------------------------------------------------- */

static int64_t figure_ps(const struct figure *figure) { return figure->known ? (int64_t)(figure->typical + 0.5) : -1; }

/* What the scenario leaves to the catalogue: the switch's own times and the re-lock of the circuits' kind. */
static int times_of_catalogue(struct circuits *circuits, struct circuits_totals *times, struct error *err)
{
	const struct simulation *simulation = circuits->simulation;
	const struct fabric *fabric = &simulation->fabric;
	struct catalogue own, *catalogue = simulation->physics ? &simulation->physics->catalogue : &own;
	uint32_t link = 0;
	struct error unknown = {0};
	while (!fabric->link_ports[link])
		link++;
	if (!simulation->physics && catalogue_init(&own, err))
		return -1;
	const struct component_kind *device = circuits->n_switches ?
		catalogue_component(catalogue, fabric->component_kind[circuits->switches[0]], &unknown) : NULL;
	const struct link_kind *kind = simulation->physics ? &simulation->physics->kinds[fabric->link_kind[link]] :
		catalogue_link(catalogue, fabric->kind_names[fabric->link_kind[link]], &unknown);
	if (times->control_ps < 0 && device)
		times->control_ps = figure_ps(&device->figures[COMPONENT_CONTROL_TIME]);
	if (times->switching_ps < 0 && device)
		times->switching_ps = figure_ps(&device->figures[COMPONENT_SWITCHING_TIME]);
	if (times->relock_ps < 0 && device)
		times->relock_ps = figure_ps(&device->figures[COMPONENT_RELOCK_TIME]);
	if (times->relock_ps < 0 && kind)
		times->relock_ps = figure_ps(&kind->figures[FIGURE_RELOCK_TIME]);
	if (!simulation->physics)
		catalogue_release(&own);
	return 0;
}

/* Into the resolved scenario, like every default that was taken; the tree is the scenario's, and so is what is added to it. */
static void resolve_time(const struct circuits *circuits, const char *key, int64_t time_ps)
{
	struct tree_node *node = circuits->simulation->scenario->circuits_node;
	struct arena *arena = (struct arena *)(uintptr_t)&circuits->simulation->scenario->arena;
	if (!tree_get(node, key))
		tree_append(node, key, tree_scalar(arena, arena_format(arena, "%lld ps", (long long)time_ps)), arena);
}

static int find_times(struct circuits *circuits, struct error *err)
{
	struct circuits_totals *times = &circuits->totals;
	const struct tree_node *node = circuits->simulation->scenario->circuits_node;
	times->control_ps = circuits->setup->control_ps;
	times->switching_ps = circuits->setup->switching_ps;
	times->relock_ps = circuits->setup->relock_ps;
	if ((times->control_ps < 0 || times->switching_ps < 0 || times->relock_ps < 0) && times_of_catalogue(circuits, times, err))
		return -1;
	if (times->switching_ps < 0)
		return tree_fail(node, err, "'switching' is missing: the catalogue does not know how long this circuit switch takes");
	times->control_ps = times->control_ps < 0 ? 0 : times->control_ps; /* nothing that is known */
	times->relock_ps = times->relock_ps < 0 ? 0 : times->relock_ps;
	resolve_time(circuits, "control", times->control_ps);
	resolve_time(circuits, "switching", times->switching_ps);
	resolve_time(circuits, "relock", times->relock_ps);
	circuits->guard_ps = time_add(time_add(times->control_ps, times->switching_ps), times->relock_ps);
	if (circuits->setup->controller != CIRCUITS_ROTOR && circuits->setup->controller != CIRCUITS_DEMAND)
		return 0;
	if (circuits->setup->slot_ps <= circuits->guard_ps)
		return tree_fail(node, err, "a slot of %lld ps is over before its circuits are lit (after %lld ps)",
				 (long long)circuits->setup->slot_ps, (long long)circuits->guard_ps);
	return 0;
}

/* Where what moves is lost, a packet must fit into the time for which a circuit is lit, or nothing ever arrives. */
static int check_drop(const struct circuits *circuits, struct error *err)
{
	const struct simulation *simulation = circuits->simulation;
	const struct network_setup *network = &simulation->network->setup;
	const struct scenario_circuits *setup = circuits->setup;
	if (setup->moving != CIRCUITS_DROP)
		return 0;
	const struct tree_node *node = tree_get(simulation->scenario->circuits_node, "moving");
	if (!strcmp(network_text(network, &network_packet, "queues"), "input-fifo"))
		return tree_fail(node, err, "'drop' is not offered with 'queues: input-fifo'");
	int64_t wire = network_integer(network, &network_packet, "payload") + network_integer(network, &network_packet, "header");
	int64_t latency_ps = 0, lit_ps = setup->slot_ps;
	for (uint32_t link = 0; link < simulation->fabric.n_links; link++)
		if (simulation->fabric.link_ports[link] && simulation->fabric.link_latency_ps[link] > latency_ps)
			latency_ps = simulation->fabric.link_latency_ps[link];
	int64_t needs_ps = time_add(serialization_ps(wire, circuits->port_bytes_per_s), latency_ps);
	lit_ps -= setup->controller == CIRCUITS_BVN ? 0 : circuits->guard_ps;
	if (setup->controller == CIRCUITS_STATIC || setup->controller == CIRCUITS_REQUEST || lit_ps > needs_ps)
		return 0;
	return tree_fail(node, err, "with 'drop' nothing would ever arrive: a circuit is lit for %lld ps, a packet needs %lld ps", (long long)lit_ps,
			 (long long)needs_ps);
}

static void allocate(struct circuits *circuits)
{
	struct arena *arena = &circuits->simulation->arena;
	size_t n_pairs = (size_t)circuits->n * circuits->n, n_all = (size_t)circuits->n * circuits->n_ports;
	circuits->n_lit = arena_array(arena, n_pairs, sizeof *circuits->n_lit);
	circuits->touched = arena_array(arena, n_pairs, sizeof *circuits->touched);
	circuits->demand = arena_array(arena, n_pairs, sizeof *circuits->demand);
	circuits->filled = arena_array(arena, n_pairs, sizeof *circuits->filled);
	circuits->ports = arena_array(arena, n_all, sizeof *circuits->ports);
	circuits->wanted = arena_array(arena, n_all, sizeof *circuits->wanted);
	circuits->receives = arena_array(arena, n_all, sizeof *circuits->receives);
	circuits->fixed = arena_array(arena, n_all, sizeof *circuits->fixed);
	for (size_t i = 0; i < n_all; i++)
		circuits->ports[i].peer = UNCONNECTED;
}

static struct circuits *circuits_new(struct simulation *simulation)
{
	struct circuits *circuits = arena_array(&simulation->arena, 1, sizeof *circuits);
	uint32_t n = simulation->fabric.n_npus;
	*circuits = (struct circuits){.setup = &simulation->scenario->circuits, .n = n, .simulation = simulation,
		.link = arena_array(&simulation->arena, (size_t)n * n + 1, sizeof *circuits->link)};
	memset(circuits->link, 0xff, (size_t)n * n * sizeof *circuits->link); /* FABRIC_NONE */
	return circuits;
}

/* Controllers that look at what is waiting do so when the first messages are. */
static int64_t first_ps(const struct scenario_circuits *setup)
{
	return setup->controller == CIRCUITS_STATIC ? setup->states[0].at_ps : setup->controller == CIRCUITS_ROTOR ? 0 : 1;
}

int circuits_start(struct simulation *simulation, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	struct engine *engine = &simulation->engine;
	if (!scenario->circuits_node)
		return circuits_check_calls(simulation, NULL, err);
	if (!simulation->network->model->outstanding)
		return tree_fail(scenario->circuits_node, err, "network model '%s' does not say what is waiting", simulation->network->model->name);
	struct circuits *circuits = circuits_new(simulation);
	if (find_links(circuits, err))
		return -1;
	find_switches(circuits);
	allocate(circuits);
	if (find_times(circuits, err) || check_states(circuits, err) || check_drop(circuits, err))
		return -1;
	conditions_init(simulation);
	for (size_t i = 0; i < (size_t)circuits->n * circuits->n; i++)
		if (circuits->link[i] != FABRIC_NONE)
			simulation->conditions[circuits->link[i]].n_ports = circuits->n_ports;
	circuits->on_move = engine_register(engine, circuits_on_move, circuits);
	circuits->on_light = engine_register(engine, circuits_on_light, circuits);
	simulation->circuits = circuits;
	engine_request(engine, ENGINE_PHASE_CONTROL);
	if (circuits->setup->controller != CIRCUITS_REQUEST)
		engine_schedule(engine, first_ps(circuits->setup), circuits->on_move, 0);
	return circuits_start_requests(circuits, err) || circuits_check_calls(simulation, circuits, err) ? -1 : 0;
}
