#include "scenario/changes.h"

#include <assert.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "base/tree.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "network/network.h"
#include "scenario/circuits.h"
#include "scenario/physics.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

/* Of scenario_change.state. */
enum { CHANGE_UP = 1, CHANGE_DOWN = 2 };

/* A change that waits for its time. */
struct pending_change {
	const struct scenario_change *change;
	uint32_t *links, n_links;
	uint32_t *switches, n_switches; /* of several circuit switches, those that it takes down or brings back */
	bool due, detected_due;
};

/* Conditions */

void conditions_init(struct simulation *simulation)
{
	const struct fabric *fabric = &simulation->fabric;
	if (simulation->conditions)
		return;
	simulation->conditions = arena_array(&simulation->arena, (size_t)fabric->n_links + 1, sizeof *simulation->conditions);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		simulation->conditions[link] = (struct link_condition){.bytes_per_s = fabric->link_bandwidth[link],
			.latency_ps = fabric->link_latency_ps[link], .state = LINK_UP};
}

static bool is_so(const struct links *links, uint32_t link, enum link_state state, int64_t bytes_per_s, int64_t latency_ps)
{
	bool carries = state == LINK_UP || state == LINK_DEGRADED;
	return links->state[link] == state && links->bytes_per_s[link] == (carries ? bytes_per_s : 0) && links->latency_ps[link] == latency_ps;
}

void condition_settle(struct simulation *simulation, uint32_t link)
{
	const struct link_condition *condition = &simulation->conditions[link];
	enum link_state state = (enum link_state)condition->state;
	int64_t rate = condition->bytes_per_s;
	if (condition->n_ports)
		rate = scale_floor(rate, condition->n_lit, condition->n_ports);
	if (condition->n_lost) {
		rate = scale_floor(rate, condition->lanes - condition->n_lost, condition->lanes);
		state = condition->n_lost < condition->lanes && state != LINK_DOWN ? LINK_DEGRADED : LINK_DOWN;
	}
	if (simulation->physics) {
		int64_t goodput = physics_rate(simulation->physics, simulation, link, rate);
		state = goodput == rate || state == LINK_DOWN ? state : goodput ? LINK_DEGRADED : LINK_DOWN;
		rate = goodput;
	}
	if (condition->n_ports && !condition->n_lit)
		state = LINK_DARK;
	if (condition->n_down || condition->state == LINK_DOWN)
		state = LINK_DOWN;
	if (condition->n_ports && is_so(&simulation->links, link, state, rate, condition->latency_ps))
		return; /* circuits move often */
	network_change_link(simulation->network, link, state, state == LINK_DOWN ? 0 : rate, condition->latency_ps);
	if (state != LINK_DOWN && simulation->links.avoid[link])
		network_avoid_link(simulation->network, link, false);
}

/* The list */

static void on_change_due(void *context, uint32_t index)
{
	struct simulation *simulation = context;
	if (index < simulation->scenario->n_changes)
		simulation->changes[index].due = true;
	else
		simulation->changes[index - simulation->scenario->n_changes].detected_due = true;
	engine_request(&simulation->engine, ENGINE_PHASE_CONTROL);
}

static void change_condition(struct simulation *simulation, const struct scenario_change *change, uint32_t link)
{
	static const enum link_state states[] = {LINK_UP, LINK_UP, LINK_DOWN, LINK_DEGRADED};
	struct link_condition *condition = &simulation->conditions[link];
	if (change->fails) {
		condition->n_down++;
		return;
	}
	if (change->repairs) {
		assert(condition->n_down);
		condition->n_down--;
		return;
	}
	if (change->state)
		condition->state = (uint8_t)states[change->state];
	if (change->state && states[change->state] == LINK_UP)
		condition->bytes_per_s = simulation->fabric.link_bandwidth[link];
	if (change->bytes_per_s >= 0)
		condition->bytes_per_s = change->bytes_per_s;
	if (change->latency_ps >= 0)
		condition->latency_ps = change->latency_ps;
}

/* In the order in which the scenario lists them, whatever order their events came in. What comes after the last rank has ended
 * changes nothing and is left out. */
void changes_control(struct simulation *simulation)
{
	bool running = !executor_finished(simulation->executor);
	for (uint32_t i = 0; i < simulation->scenario->n_changes; i++) {
		struct pending_change *pending = &simulation->changes[i];
		bool fails = pending->change->fails || (!pending->change->repairs && pending->change->state == CHANGE_DOWN);
		for (uint32_t j = 0; running && pending->due && j < pending->n_switches; j++)
			circuits_switch_fails(simulation, pending->switches[j], fails ? 1 : -1);
		for (uint32_t j = 0; running && pending->due && j < pending->n_links; j++) {
			change_condition(simulation, pending->change, pending->links[j]);
			if (!pending->change->repairs || !simulation->conditions[pending->links[j]].n_down)
				condition_settle(simulation, pending->links[j]);
		}
		for (uint32_t j = 0; running && pending->detected_due && j < pending->n_links; j++)
			if (simulation->links.state[pending->links[j]] == LINK_DOWN) /* not up again meanwhile */
				network_avoid_link(simulation->network, pending->links[j], true);
		pending->due = pending->detected_due = false;
	}
}

static uint32_t *collect(struct simulation *simulation, const bool *hit, uint32_t *n)
{
	uint32_t *links = arena_array(&simulation->arena, (size_t)simulation->fabric.n_links + 1, sizeof *links);
	*n = 0;
	for (uint32_t link = 0; link < simulation->fabric.n_links; link++)
		if (hit[link])
			links[(*n)++] = link;
	return links;
}

static int fail_component(struct simulation *simulation, const char *pattern, const struct tree_node *where, struct error *err)
{
	const struct fabric *fabric = &simulation->fabric;
	const char **names = arena_array(&simulation->arena, (size_t)fabric->n_components + fabric->n_nodes + 1, sizeof *names), *nearest;
	size_t n = 0;
	for (uint32_t c = 0; c < fabric->n_components; c++)
		names[n++] = fabric->component_name[c];
	for (uint32_t node = 0; node < fabric->n_nodes; node++)
		if (fabric->node_kind[node] != WEFT_NODE_NPU)
			names[n++] = fabric->node_name[node];
	if (!n)
		return tree_fail(where, err, "'%s' has no components and no switches, so none has a name like '%s'", fabric->module->name, pattern);
	nearest = text_nearest(pattern, names, n);
	return tree_fail(where, err, "no component or switch of '%s' that carries links has a name like '%s' (%s '%s')", fabric->module->name,
			 pattern, nearest ? "the nearest is" : "the first is", nearest ? nearest : names[0]);
}

/* A chip is neither component nor switch: its ranks would go on without it. */
int links_of_components(struct simulation *simulation, const char *pattern, const struct tree_node *where, uint32_t **links, uint32_t *n,
			struct error *err)
{
	const struct fabric *fabric = &simulation->fabric;
	bool *hit = arena_array(&simulation->arena, (size_t)fabric->n_links + 1, sizeof *hit);
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		uint32_t ends[2] = {fabric->link_source[link], fabric->link_target[link]};
		for (uint32_t end = 0; end < 2; end++)
			hit[link] |= fabric->node_kind[ends[end]] != WEFT_NODE_NPU && text_matches(pattern, fabric->node_name[ends[end]]);
	}
	for (uint32_t c = 0; c < fabric->n_components; c++)
		for (uint32_t i = fabric->carried_first[c]; text_matches(pattern, fabric->component_name[c]) && i < fabric->carried_first[c + 1]; i++)
			hit[fabric->carried[i]] = true;
	*links = collect(simulation, hit, n);
	return *n ? 0 : fail_component(simulation, pattern, where, err);
}

static int fail_link(struct simulation *simulation, const char *pattern, const struct tree_node *where, struct error *err)
{
	const struct fabric *fabric = &simulation->fabric;
	const char **names = arena_array(&simulation->arena, (size_t)fabric->n_links + 1, sizeof *names), *nearest;
	char name[256];
	for (uint32_t link = 0; link < fabric->n_links; link++)
		names[link] = arena_text(&simulation->arena, fabric_link_name(fabric, link, name, sizeof name));
	nearest = text_nearest(pattern, names, fabric->n_links);
	return tree_fail(where, err, "no link of '%s' has a name like '%s' (%s '%s')", fabric->module->name, pattern,
			 nearest ? "the nearest is" : "the first is", nearest ? nearest : fabric->n_links ? names[0] : "");
}

int links_match(struct simulation *simulation, const char *pattern, const struct tree_node *where, uint32_t **links, uint32_t *n,
		struct error *err)
{
	const struct fabric *fabric = &simulation->fabric;
	bool *hit = arena_array(&simulation->arena, (size_t)fabric->n_links + 1, sizeof *hit);
	char name[256];
	for (uint32_t link = 0; link < fabric->n_links; link++)
		hit[link] = text_matches(pattern, fabric_link_name(fabric, link, name, sizeof name));
	*links = collect(simulation, hit, n);
	if (*n)
		return 0;
	return fail_link(simulation, pattern, where, err);
}

/* Of several circuit switches each has its own ports: what goes up or down are those, not the links that all of them carry. */
static void match_switches(struct simulation *simulation, struct pending_change *pending)
{
	const struct fabric *fabric = &simulation->fabric;
	const struct scenario_change *change = pending->change;
	uint32_t kept = 0;
	if (change->state != CHANGE_DOWN && change->state != CHANGE_UP)
		return;
	pending->switches = arena_array(&simulation->arena, (size_t)fabric->n_components + 1, sizeof *pending->switches);
	for (uint32_t c = 0; c < fabric->n_components; c++)
		if (text_matches(change->component, fabric->component_name[c]) && circuits_one_of_several(simulation, c))
			pending->switches[pending->n_switches++] = c;
	for (uint32_t i = 0; pending->n_switches && i < pending->n_links; i++)
		if (!fabric->link_ports[pending->links[i]])
			pending->links[kept++] = pending->links[i];
	if (pending->n_switches)
		pending->n_links = kept;
}

static int match(struct simulation *simulation, struct pending_change *pending, struct error *err)
{
	const struct scenario_change *change = pending->change;
	if (change->component) {
		if (links_of_components(simulation, change->component, tree_get(change->node, "component"), &pending->links,
					&pending->n_links, err))
			return -1;
		match_switches(simulation, pending);
		return 0;
	}
	return links_match(simulation, change->pattern, tree_get(change->node, "link"), &pending->links, &pending->n_links, err);
}

int changes_start(struct simulation *simulation, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	struct engine *engine = &simulation->engine;
	uint8_t handler = engine_register(engine, on_change_due, simulation);
	conditions_init(simulation);
	simulation->changes = arena_array(&simulation->arena, scenario->n_changes, sizeof *simulation->changes);
	for (uint32_t i = 0; i < scenario->n_changes; i++) {
		const struct scenario_change *change = &scenario->changes[i];
		simulation->changes[i].change = change;
		if (match(simulation, &simulation->changes[i], err))
			return -1;
		engine_schedule(engine, change->at_ps, handler, i);
		if (change->detect_ps >= 0)
			engine_schedule(engine, time_add(change->at_ps, change->detect_ps), handler, scenario->n_changes + i);
	}
	return 0;
}
