/* The section `circuits`. */
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"
#include "base/tree.h"
#include "network/network.h"
#include "scenario/circuits.h"
#include "scenario/scenario.h"

static int read_pairs(struct scenario *scenario, struct circuits_state *state, struct error *err)
{
	struct section_reader reader = {.arena = &scenario->arena, .directory = scenario->directory, .err = err};
	static const struct section_key pair_key = {"connect", KEY_COUNTS, NULL, "0..65535", "", 0};
	if (!state->connect && !state->shifts.n)
		return tree_fail(state->node, err, "a state needs 'connect', a list of pairs such as [[0, 1], [1, 0]], or 'shifts'");
	if (!state->connect)
		return 0;
	if (state->connect->kind != TREE_LIST)
		return tree_fail(state->connect, err, "'connect' must be a list of pairs such as [[0, 1], [1, 0]]");
	state->pairs = arena_array(&scenario->arena, (size_t)state->connect->n_entries + 1, sizeof *state->pairs);
	for (uint32_t i = 0; i < state->connect->n_entries; i++) {
		struct counts pair = {0};
		struct tree_node *node = state->connect->entries[i].value;
		if (section_read_value(&reader, &pair_key, node, &pair))
			return -1;
		if (pair.n < 2 || pair.n > 3 || pair.values[0] == pair.values[1])
			return tree_fail(node, err, "a circuit joins two different chips, as in [0, 1], perhaps by a port of both, as in [0, 1, 3]");
		state->pairs[state->n_pairs++] = (struct circuit_pair){node, pair.values[0], pair.values[1], pair.n == 3 ? pair.values[2] : -1};
	}
	return 0;
}

static int read_state(struct scenario *scenario, struct tree_node *node, struct circuits_state *state, struct error *err)
{
	struct section_reader reader = {.arena = &scenario->arena, .directory = scenario->directory, .err = err};
	bool asked = scenario->circuits.controller == CIRCUITS_REQUEST;
	*state = (struct circuits_state){.node = node, .at_ps = -1};
	if (section_read(&reader, &section_circuit_state, node, state) || read_pairs(scenario, state, err))
		return -1;
	if (asked && !state->name)
		return tree_fail(node, err, "a state of controller 'request' needs a 'name' by which it is asked for");
	if (asked && state->at_ps >= 0)
		return tree_fail(tree_get(node, "at"), err, "'at' belongs to controller 'static': states of 'request' are asked for");
	if (!asked && state->at_ps < 0)
		return tree_fail(node, err, "a state of controller 'static' needs 'at', when the move to it begins");
	return 0;
}

static int read_states(struct scenario *scenario, struct error *err)
{
	struct scenario_circuits *circuits = &scenario->circuits;
	const struct tree_node *list = circuits->states_node;
	bool asked = circuits->controller == CIRCUITS_REQUEST;
	if (!list || list->kind != TREE_LIST || !list->n_entries)
		return tree_fail(list ? list : scenario->circuits_node, err, "controller '%s' needs 'states', a list such as [{%s, connect: [[0, 1], [1, 0]]}]",
				 asked ? "request" : "static", asked ? "name: pairs" : "at: 0 ps");
	circuits->states = arena_array(&scenario->arena, list->n_entries, sizeof *circuits->states);
	for (uint32_t i = 0; i < list->n_entries; i++) {
		struct circuits_state *state = &circuits->states[i];
		if (read_state(scenario, list->entries[i].value, state, err))
			return -1;
		for (uint32_t k = 0; k < i; k++)
			if (state->name && circuits->states[k].name && !strcmp(state->name, circuits->states[k].name))
				return tree_fail(tree_get(state->node, "name"), err, "two states are called '%s'", state->name);
		circuits->n_states++;
	}
	return 0;
}

static int check_keys(const struct scenario *scenario, struct error *err)
{
	const struct scenario_circuits *circuits = &scenario->circuits;
	const struct tree_node *node = scenario->circuits_node;
	bool asked = circuits->controller == CIRCUITS_REQUEST;
	if (scenario->model == &network_loggops)
		return tree_fail(node, err, "network model 'loggops' knows no links: 'circuits' needs 'fluid', 'packet' or 'analytic'");
	if (circuits->moving == CIRCUITS_DROP && scenario->model != &network_packet)
		return tree_fail(tree_get(node, "moving"), err, "'drop' loses packets on the wire, of which model '%s' has none: it needs 'packet'",
				 scenario->model->name);
	if (circuits->states_node && !asked && circuits->controller != CIRCUITS_STATIC)
		return tree_fail(circuits->states_node, err, "'states' belongs to the controllers 'static' and 'request'");
	if (circuits->initial && !asked)
		return tree_fail(tree_get(node, "initial"), err, "'initial' belongs to controller 'request'");
	return 0;
}

int circuits_read(struct scenario *scenario, struct error *err)
{
	struct section_reader reader = {.arena = &scenario->arena, .directory = scenario->directory, .err = err};
	struct scenario_circuits *circuits = &scenario->circuits;
	if (!scenario->circuits_node)
		return 0;
	circuits->control_ps = circuits->switching_ps = circuits->relock_ps = -1;
	if (section_read(&reader, &section_circuits, scenario->circuits_node, scenario) || check_keys(scenario, err))
		return -1;
	if (circuits->controller == CIRCUITS_STATIC || circuits->controller == CIRCUITS_REQUEST)
		return read_states(scenario, err);
	return 0;
}
