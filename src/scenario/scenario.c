#include "scenario/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"

static struct section_reader reader_of(struct scenario *scenario, struct error *err)
{
	return (struct section_reader){.arena = &scenario->arena, .directory = scenario->directory, .err = err};
}

static const char *directory_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return NULL;
	return slash == path ? "/" : arena_format(arena, "%.*s", (int)(slash - path), path);
}

/* A topology parameter as text, whatever YAML made of it: lists as "[4, 4, 8]". */
static const char *setting_text(struct scenario *scenario, const struct tree_node *value)
{
	struct text text = TEXT_INIT;
	const char *copy;
	if (value->kind == TREE_SCALAR)
		return value->text;
	tree_flow(value, &text);
	copy = arena_text(&scenario->arena, text_string(&text));
	text_release(&text);
	return copy;
}

static int read_topology_spec(struct scenario *scenario, const struct tree_node *node, struct error *err)
{
	struct error local = {0};
	if (topology_request_parse(&scenario->topology, node->text, &scenario->arena, &local))
		return tree_fail(node, err, "%s", local.message);
	struct topology_setting *settings = arena_array(&scenario->arena, scenario->topology.n_settings + 1, sizeof *settings);
	for (size_t i = 0; i < scenario->topology.n_settings; i++) {
		settings[i] = scenario->topology.settings[i];
		settings[i].file = node->file;
		settings[i].line = node->line;
		settings[i].column = node->column;
	}
	scenario->topology.settings = settings;
	return 0;
}

static int read_topology_map(struct scenario *scenario, const struct tree_node *node, struct error *err)
{
	const struct tree_node *module = tree_get(node, "module");
	struct topology_setting *settings = arena_array(&scenario->arena, node->n_entries + 1, sizeof *settings);
	size_t n = 0;
	if (!module || module->kind != TREE_SCALAR)
		return tree_fail(node, err, "'module' is missing in topology");
	for (uint32_t i = 0; i < node->n_entries; i++) {
		const struct tree_entry *entry = &node->entries[i];
		if (entry->value == module)
			continue;
		if (entry->value->kind == TREE_MAP)
			return tree_fail(entry->value, err, "parameter '%s' of a topology is a value or a list", entry->key);
		settings[n++] = (struct topology_setting){.name = entry->key, .value = setting_text(scenario, entry->value),
			.file = entry->value->file, .line = entry->value->line, .column = entry->value->column};
	}
	scenario->topology.module = module->text;
	scenario->topology.settings = settings;
	scenario->topology.n_settings = n;
	return 0;
}

static int read_topology(struct scenario *scenario, struct error *err)
{
	const struct tree_node *node = scenario->topology_node;
	if (node->kind == TREE_LIST)
		return tree_fail(node, err, "'topology' must be a mapping with 'module', or text such as 'star:n=64'");
	if (node->kind == TREE_SCALAR ? read_topology_spec(scenario, node, err) : read_topology_map(scenario, node, err))
		return -1;
	scenario->topology.base_directory = scenario->directory;
	scenario->topology.file = node->file;
	scenario->topology.line = node->line;
	scenario->topology.column = node->column;
	return 0;
}

static int read_network(struct scenario *scenario, struct error *err)
{
	struct section_reader reader = reader_of(scenario, err);
	struct tree_node *node = scenario->network_node;
	const struct section_key *key = section_network.keys;
	struct error local = {0};
	const char *name = "fluid";
	int routing = 0;
	if (!node) {
		node = tree_new(&scenario->arena, TREE_MAP);
		tree_append(scenario->root, "network", node, &scenario->arena);
	}
	if (node->kind != TREE_MAP)
		return tree_fail(node, err, "'network' must be a mapping such as {model: fluid}");
	for (; key->name; key++)
		if (!tree_get(node, key->name))
			tree_append(node, key->name, tree_scalar(&scenario->arena, key->default_value), &scenario->arena);
	if (section_read_value(&reader, &section_network.keys[0], tree_get(node, "model"), &name) ||
	    section_read_value(&reader, &section_network.keys[1], tree_get(node, "routing"), &routing))
		return -1;
	if (!(scenario->model = network_find(name, &local)))
		return tree_fail(tree_get(node, "model"), err, "%s", local.message);
	scenario->routing = (enum routing)routing;
	scenario->settings = arena_array(&scenario->arena, node->n_entries + 1, sizeof *scenario->settings);
	for (uint32_t i = 0; i < node->n_entries; i++) {
		const struct tree_entry *entry = &node->entries[i];
		if (!strcmp(entry->key, "model") || !strcmp(entry->key, "routing"))
			continue;
		scenario->settings[scenario->n_settings++] = (struct network_setting){.name = entry->key,
			.value = setting_text(scenario, entry->value), .file = entry->value->file, .line = entry->value->line,
			.column = entry->value->column};
	}
	scenario->model = network_variant(scenario->model, scenario->settings, scenario->n_settings);
	if (!(scenario->model->routings >> routing & 1))
		return tree_fail(tree_get(node, "routing"), err, "the model '%s' does not offer the routing '%s'", name, routing_names[routing]);
	scenario->network_node = node;
	return 0;
}

static int read_placement(struct scenario *scenario, struct error *err)
{
	struct section_reader reader = reader_of(scenario, err);
	struct tree_node *node = scenario->placement_node;
	static const struct section_key list = {"placement", KEY_COUNTS, NULL, "0..1048575", "", 0};
	if (node->kind == TREE_LIST) {
		scenario->placement = PLACEMENT_LIST;
		if (!node->n_entries)
			return tree_fail(node, err, "'placement' is an empty list");
		return section_read_value(&reader, &list, node, &scenario->placement_list);
	}
	if (node->kind == TREE_SCALAR && !strcmp(node->text, "random"))
		scenario->placement = PLACEMENT_RANDOM;
	else if (node->kind != TREE_SCALAR || strcmp(node->text, "linear"))
		return tree_fail(node, err, "'placement' must be linear, random, or a list of chips");
	return 0;
}

/* The end of a failure, as a change of its own. */
static void add_repair(struct scenario *scenario, struct scenario_change *failure)
{
	struct scenario_change *repair = &scenario->changes[scenario->n_changes++];
	*repair = *failure;
	failure->fails = true;
	repair->repairs = true;
	repair->at_ps = time_add(failure->at_ps, failure->repair_ps);
	repair->state = 1;
	repair->detect_ps = -1;
}

static int read_changes(struct scenario *scenario, struct error *err)
{
	struct section_reader reader = reader_of(scenario, err);
	const struct tree_node *list = scenario->links_node;
	if (!list)
		return 0;
	if (list->kind != TREE_LIST)
		return tree_fail(list, err, "'links' must be a list of changes such as {link: npu0->*, at: 1 ms, state: down}");
	scenario->changes = arena_array(&scenario->arena, 2 * (size_t)list->n_entries + 1, sizeof *scenario->changes);
	for (uint32_t i = 0; i < list->n_entries; i++) {
		struct scenario_change *change = &scenario->changes[scenario->n_changes++];
		*change = (struct scenario_change){.node = list->entries[i].value, .bytes_per_s = -1, .latency_ps = -1, .detect_ps = -1,
			.repair_ps = -1};
		if (section_read(&reader, &section_change, change->node, change))
			return -1;
		if (!change->state && change->bytes_per_s < 0 && change->latency_ps < 0)
			return tree_fail(change->node, err, "nothing changes: give 'state', 'rate' or 'latency'");
		if (change->state == 3 && change->bytes_per_s < 0 && change->latency_ps < 0)
			return tree_fail(change->node, err, "'degraded' says that a link is worse: give its new 'rate' or 'latency'");
		if (!change->pattern == !change->component)
			return tree_fail(change->node, err, "give either 'link' or 'component'");
		if (change->repair_ps >= 0 && change->state != 2)
			return tree_fail(tree_get(change->node, "repair"), err, "'repair' belongs to state 'down'");
		if (change->repair_ps >= 0)
			add_repair(scenario, change);
	}
	return 0;
}

static int read_output(struct scenario *scenario, struct error *err)
{
	struct section_reader reader = reader_of(scenario, err);
	struct scenario_output *output = &scenario->output;
	static const struct section_key bin = {"bin", KEY_TIME, NULL, "1 ps..", "", 0};
	if (!scenario->output_node) {
		scenario->output_node = tree_new(&scenario->arena, TREE_MAP);
		tree_append(scenario->root, "output", scenario->output_node, &scenario->arena);
	}
	if (section_read(&reader, &section_output, scenario->output_node, output))
		return -1;
	if (output->bin->kind == TREE_SCALAR && !strcmp(output->bin->text, "auto"))
		return 0;
	return section_read_value(&reader, &bin, output->bin, &output->bin_ps);
}

static int read_physics(struct scenario *scenario, struct error *err)
{
	struct section_reader reader = reader_of(scenario, err);
	const struct tree_node *kinds;
	if (scenario->physics_node && section_read(&reader, &section_physics, scenario->physics_node, scenario))
		return -1;
	kinds = scenario->physics.kinds;
	if (kinds && kinds->kind != TREE_MAP)
		return tree_fail(kinds, err, "'kinds' must be a mapping such as {ideal: 400g-dr4}");
	for (uint32_t i = 0; kinds && i < kinds->n_entries; i++)
		if (kinds->entries[i].value->kind != TREE_SCALAR)
			return tree_fail(kinds->entries[i].value, err, "'%s' must name a kind such as 400g-dr4", kinds->entries[i].key);
	scenario->energy.price = SCENARIO_PRICE;
	if (!scenario->energy_node)
		return 0;
	if (section_read(&reader, &section_energy, scenario->energy_node, scenario))
		return -1;
	if (scenario->energy.chips && scenario->energy.chips->kind != TREE_MAP)
		return tree_fail(scenario->energy.chips, err, "'chips' must be a mapping such as {npu: ascend-910c}");
	return 0;
}

int scenario_read_workload(struct scenario *scenario, const struct section_reader *reader); /* workload.c */

static bool has_setting(const struct topology_request *request, const char *name)
{
	for (size_t i = 0; i < request->n_settings; i++)
		if (!strcmp(request->settings[i].name, name))
			return true;
	return false;
}

/* Routes by flow (topology `file`) need the table that says between which ends the flows lead: unless the topology names one, it
 * is that of the workload's first flows. */
static void give_flows_to_topology(struct scenario *scenario)
{
	struct topology_request *request = &scenario->topology;
	if (strcmp(request->module, "file") || !has_setting(request, "routes") || has_setting(request, "flows"))
		return;
	for (uint32_t i = 0; i < scenario->n_entries; i++) {
		const struct scenario_entry *entry = &scenario->entries[i];
		const struct tree_node *path = entry->kind == ENTRY_FLOWS ? tree_get(entry->kind_nodes[ENTRY_FLOWS], "path") : NULL;
		if (!path || path->kind != TREE_SCALAR)
			continue;
		struct topology_setting *settings = arena_array(&scenario->arena, request->n_settings + 1, sizeof *settings);
		memcpy(settings, request->settings, request->n_settings * sizeof *settings);
		settings[request->n_settings++] = (struct topology_setting){.name = "flows", .value = path->text, .file = path->file,
			.line = path->line, .column = path->column};
		request->settings = settings;
		return;
	}
}

static bool algorithm_known(const char *name)
{
	for (size_t i = 0; collective_algorithms[i]; i++)
		if (!strcmp(collective_algorithms[i]->name, name))
			return true;
	return false;
}

static int read_all(struct scenario *scenario, struct error *err)
{
	struct section_reader reader = reader_of(scenario, err);
	struct error local = {0};
	scenario->rendezvous_bytes = INT64_MAX;
	if (section_read(&reader, &section_root, scenario->root, scenario) || read_topology(scenario, err) || read_network(scenario, err) ||
	    read_placement(scenario, err) || read_changes(scenario, err) || read_physics(scenario, err) ||
	    circuits_read(scenario, err) || failures_read(scenario, err) || goodput_read(scenario, err) || power_states_read(scenario, err) || components_read(scenario, err) || read_output(scenario, err))
		return -1;
	if (scenario->protocol && !protocol_find(scenario->protocol, &local))
		return tree_fail(tree_get(scenario->root, "protocol"), err, "%s", local.message);
	if (scenario->algorithm && strcmp(scenario->algorithm, "auto") && !algorithm_known(scenario->algorithm))
		return tree_fail(tree_get(scenario->root, "algorithm"), err, "unknown collective algorithm '%s'", scenario->algorithm);
	if (scenario_read_workload(scenario, &reader))
		return -1;
	give_flows_to_topology(scenario);
	return 0;
}

static int parse(struct scenario *scenario, size_t length, const struct scenario_overrides *overrides, struct error *err)
{
	scenario->root = tree_parse(scenario->text, length, scenario->path, &scenario->arena, err);
	if (!scenario->root)
		return -1;
	if (scenario->root->kind != TREE_MAP)
		return tree_fail(scenario->root, err, "a scenario is a mapping of keys to values");
	for (size_t i = 0; overrides && i < overrides->n_sets; i++)
		if (tree_set(scenario->root, overrides->sets[i].assignment, overrides->sets[i].label, &scenario->arena, err))
			return -1;
	return read_all(scenario, err);
}

int scenario_parse(struct scenario *scenario, const char *text, const char *name, const char *directory,
		   const struct scenario_overrides *overrides, struct error *err)
{
	memset(scenario, 0, sizeof *scenario);
	scenario->path = arena_text(&scenario->arena, name);
	scenario->directory = directory ? arena_text(&scenario->arena, directory) : NULL;
	scenario->text = arena_text(&scenario->arena, text);
	if (parse(scenario, strlen(text), overrides, err)) {
		scenario_release(scenario);
		return -1;
	}
	return 0;
}

int scenario_load(struct scenario *scenario, const char *path, const struct scenario_overrides *overrides, struct error *err)
{
	size_t length = 0;
	char *text = text_read_file(path, SCENARIO_MAX_BYTES, &length, err);
	memset(scenario, 0, sizeof *scenario);
	if (!text)
		return -1;
	char *copy = arena_alloc(&scenario->arena, length + 1); /* may hold a zero byte: the parser refuses it */
	memcpy(copy, text, length);
	free(text);
	scenario->text = copy;
	scenario->path = arena_text(&scenario->arena, path);
	scenario->directory = directory_of(&scenario->arena, path);
	if (parse(scenario, length, overrides, err)) {
		scenario_release(scenario);
		return -1;
	}
	return 0;
}

void scenario_release(struct scenario *scenario)
{
	arena_release(&scenario->arena);
	memset(scenario, 0, sizeof *scenario);
}

void scenario_resolved(const struct scenario *scenario, const struct fabric *fabric, struct text *out)
{
	struct arena arena = ARENA_INIT;
	struct tree_node root = *scenario->root;
	struct tree_node *topology = tree_scalar(&arena, fabric->spec);
	topology->quoted = true;
	root.entries = arena_array(&arena, root.n_entries, sizeof *root.entries);
	memcpy(root.entries, scenario->root->entries, root.n_entries * sizeof *root.entries);
	for (uint32_t i = 0; i < root.n_entries; i++)
		if (!strcmp(root.entries[i].key, "topology"))
			root.entries[i].value = topology;
	tree_write(&root, out);
	arena_release(&arena);
}

void scenario_document(struct text *out)
{
	for (const struct section *const *section = scenario_sections; *section; section++)
		section_document(*section, out);
}
