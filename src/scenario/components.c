#include "scenario/components.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/tree.h"
#include "fabric/fabric.h"
#include "link/catalogue.h"
#include "scenario/changes.h"
#include "scenario/physics.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

int components_read(struct scenario *scenario, struct error *err)
{
	struct section_reader reader = {.arena = &scenario->arena, .directory = scenario->directory, .err = err};
	const struct tree_node *list = scenario->components_node;
	if (!list)
		return 0;
	if (list->kind != TREE_LIST)
		return tree_fail(list, err, "'components' must be a list such as [{name: els, kind: remote-laser, links: 'leaf0->*', per: 8}]");
	scenario->components = arena_array(&scenario->arena, (size_t)list->n_entries + 1, sizeof *scenario->components);
	for (; scenario->n_components < list->n_entries; scenario->n_components++) {
		struct scenario_component *component = &scenario->components[scenario->n_components];
		component->node = list->entries[scenario->n_components].value;
		if (section_read(&reader, &section_component, component->node, component))
			return -1;
	}
	return 0;
}

static void add(struct simulation *simulation, const struct scenario_component *entry, const uint32_t *links, uint32_t n)
{
	uint32_t per = entry->per ? (uint32_t)entry->per : n, many = (n + per - 1) / per;
	struct fabric_component *added = arena_array(&simulation->arena, many, sizeof *added);
	for (uint32_t i = 0; i < many; i++)
		added[i] = (struct fabric_component){.kind = entry->kind, .links = links + (size_t)i * per, .n_links = i + 1 < many ? per : n - i * per,
			.name = many == 1 ? entry->name : arena_format(&simulation->arena, "%s%u", entry->name, i)};
	fabric_add_components(&simulation->fabric, added, many);
}

int components_add(struct simulation *simulation, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	for (uint32_t i = 0; i < scenario->n_components; i++) {
		uint32_t *links, n;
		if (links_match(simulation, scenario->components[i].pattern, tree_get(scenario->components[i].node, "links"), &links, &n, err))
			return -1;
		add(simulation, &scenario->components[i], links, n);
	}
	return 0;
}

static int check(const struct scenario *scenario, const struct catalogue *catalogue, struct error *err)
{
	for (uint32_t i = 0; i < scenario->n_components; i++) {
		struct error local = {0};
		const struct component_kind *kind = catalogue_component(catalogue, scenario->components[i].kind, &local);
		const struct tree_node *node = tree_get(scenario->components[i].node, "kind");
		if (!kind)
			return tree_fail(node, err, "%s", local.message);
		if (kind->category == COMPONENT_CIRCUIT_SWITCH)
			return tree_fail(node, err, "'%s' is a circuit switch: topology 'ocs' has those", kind->name);
	}
	return 0;
}

int components_check(const struct simulation *simulation, struct error *err)
{
	struct catalogue catalogue;
	int status;
	if (!simulation->scenario->n_components)
		return 0;
	if (simulation->physics)
		return check(simulation->scenario, &simulation->physics->catalogue, err);
	if (catalogue_init(&catalogue, err))
		return -1;
	status = check(simulation->scenario, &catalogue, err);
	catalogue_release(&catalogue);
	return status;
}
