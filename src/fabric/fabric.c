#include "fabric/fabric.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "fabric/build.h"

/* ---- finishing --------------------------------------------------------------------------------------------------------- */

/* Moves a growable array into the arena, at its final size. */
static void *settle(struct arena *arena, void *array, size_t count, size_t size)
{
	void *settled = arena_array(arena, count ? count : 1, size);
	if (count)
		memcpy(settled, array, count * size);
	free(array);
	return settled;
}

static void settle_arrays(struct fabric *fabric, const struct build_shared *shared)
{
	struct arena *arena = &fabric->arena;
#define SETTLE(array, n) fabric->array = settle(arena, fabric->array, (n), sizeof *fabric->array)
	SETTLE(node_name, fabric->n_nodes);
	SETTLE(node_role, fabric->n_nodes);
	SETTLE(node_kind, fabric->n_nodes);
	SETTLE(node_rack, fabric->n_nodes);
	SETTLE(node_tray, fabric->n_nodes);
	SETTLE(node_slot, fabric->n_nodes);
	SETTLE(node_plane, fabric->n_nodes);
	SETTLE(node_npu, fabric->n_nodes);
	SETTLE(npu_node, fabric->n_npus);
	SETTLE(link_source, fabric->n_links);
	SETTLE(link_target, fabric->n_links);
	SETTLE(link_bandwidth, fabric->n_links);
	SETTLE(link_latency_ps, fabric->n_links);
	SETTLE(link_kind, fabric->n_links);
	SETTLE(link_length_m, fabric->n_links);
	if (fabric->link_ports)
		SETTLE(link_ports, fabric->n_links);
	SETTLE(link_name_given, shared->any_link_name ? fabric->n_links : 0);
	if (!shared->any_link_name)
		fabric->link_name_given = NULL;
	SETTLE(kind_names, fabric->n_kinds);
	SETTLE(component_kind, fabric->n_components);
	SETTLE(component_name, fabric->n_components);
	SETTLE(component_place, fabric->n_components);
	SETTLE(includes, fabric->n_includes);
#undef SETTLE
}

static void index_out_links(struct fabric *fabric)
{
	fabric->out_first = arena_array(&fabric->arena, (size_t)fabric->n_nodes + 1, sizeof *fabric->out_first);
	fabric->out_links = arena_array(&fabric->arena, (size_t)fabric->n_links + 1, sizeof *fabric->out_links);
	uint32_t *next = memory_zero((size_t)fabric->n_nodes + 1, sizeof *next);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		next[fabric->link_source[link]]++;
	for (uint32_t node = 0, sum = 0; node <= fabric->n_nodes; node++) {
		uint32_t count = next[node];
		fabric->out_first[node] = next[node] = sum;
		sum += count;
	}
	for (uint32_t link = 0; link < fabric->n_links; link++)
		fabric->out_links[next[fabric->link_source[link]]++] = link;
	free(next);
}

static void number_parallel_links(struct fabric *fabric)
{
	uint32_t *seen = memory_zero((size_t)fabric->n_nodes + 1, sizeof *seen);
	fabric->link_ordinal = arena_array(&fabric->arena, (size_t)fabric->n_links + 1, sizeof *fabric->link_ordinal);
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		uint32_t first = fabric->out_first[node], end = fabric->out_first[node + 1];
		for (uint32_t i = first; i < end; i++)
			fabric->link_ordinal[fabric->out_links[i]] = ++seen[fabric->link_target[fabric->out_links[i]]];
		for (uint32_t i = first; i < end; i++)
			if (seen[fabric->link_target[fabric->out_links[i]]] == 1)
				fabric->link_ordinal[fabric->out_links[i]] = 0;
		for (uint32_t i = first; i < end; i++)
			seen[fabric->link_target[fabric->out_links[i]]] = 0;
	}
	free(seen);
}

static void index_carried(struct fabric *fabric, struct build_shared *shared)
{
	fabric->carried_first = arena_array(&fabric->arena, (size_t)fabric->n_components + 1, sizeof *fabric->carried_first);
	fabric->carried = arena_array(&fabric->arena, shared->n_carried + 1, sizeof *fabric->carried);
	for (size_t i = 0; i < shared->n_carried; i++)
		fabric->carried_first[shared->carried[i][0]]++;
	uint32_t sum = 0;
	for (uint32_t c = 0; c <= fabric->n_components; c++) { /* starts of each component … */
		uint32_t count = c < fabric->n_components ? fabric->carried_first[c] : 0;
		fabric->carried_first[c] = sum;
		sum += count;
	}
	for (size_t i = 0; i < shared->n_carried; i++) /* … pushed to their ends while filling … */
		fabric->carried[fabric->carried_first[shared->carried[i][0]]++] = shared->carried[i][1];
	for (uint32_t c = fabric->n_components; c > 0; c--) /* … and back */
		fabric->carried_first[c] = fabric->carried_first[c - 1];
	fabric->carried_first[0] = 0;
}

static int finish(struct fabric *fabric, struct build_shared *shared, struct build *build, struct error *err)
{
	struct text spec = TEXT_INIT;
	settle_arrays(fabric, shared);
	index_out_links(fabric);
	number_parallel_links(fabric);
	index_carried(fabric, shared);
	text_printf(&spec, "%s%s", build->module->name, build->n_values ? ":" : "");
	params_print(build->values, build->n_values, &spec);
	fabric->spec = arena_text(&fabric->arena, text_string(&spec));
	text_release(&spec);
	fabric->module_data = build->data;
	fabric->n_channels = build->n_channels;
	fabric->protocol = build->protocol ? build->protocol : "none";
	if (fabric->n_npus == 0)
		return error_at(err, build->request->file, build->request->line, build->request->column,
				"topology '%s' has no NPU", build->module->name);
	return 0;
}

/* After a failed build the growable arrays are not in the arena yet. */
static void discard(struct fabric *fabric)
{
	void *arrays[] = {fabric->node_name, fabric->node_role, fabric->node_kind, fabric->node_rack, fabric->node_tray,
		fabric->node_slot, fabric->node_plane, fabric->node_npu, fabric->npu_node, fabric->link_source, fabric->link_target,
		fabric->link_bandwidth, fabric->link_latency_ps, fabric->link_kind, fabric->link_length_m, fabric->link_name_given,
		fabric->kind_names, fabric->component_kind, fabric->component_name, fabric->component_place, fabric->includes,
		fabric->link_ports};
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		free(arrays[i]);
	fabric_release(fabric);
}

int fabric_build(struct fabric *fabric, const struct topology_request *request, struct error *err)
{
	struct build_shared shared = {.fabric = fabric, .include = FABRIC_NONE};
	char subject[256];
	struct error why = {0};
	*fabric = (struct fabric){0};
	fabric->module = topology_load(request->module, &why);
	if (!fabric->module)
		return error_at(err, request->file, request->line, request->column, "%s", why.message);
	struct build build = {.builder = build_table, .shared = &shared, .module = fabric->module, .request = request, .prefix = "",
		.n_channels = 1};
	build.builder.core = &build;
	snprintf(subject, sizeof subject, "topology '%s'", fabric->module->name);
	int status = params_resolve(subject, fabric->module->params, request, &fabric->arena, &build.values, &build.n_values, err);
	if (!status && (status = build_run(&build)))
		error_set(err, shared.error.code, "%s", shared.error.message);
	if (status) {
		discard(fabric);
	} else if ((status = finish(fabric, &shared, &build, err))) {
		fabric_release(fabric);
	}
	free(shared.carried);
	free(shared.name_slots);
	return status;
}

void fabric_add_components(struct fabric *fabric, const struct fabric_component *added, uint32_t n)
{
	uint32_t old = fabric->n_components, n_carried = fabric->carried_first[old], all = old + n, at = n_carried;
	for (uint32_t i = 0; i < n; i++)
		n_carried += added[i].n_links;
	struct fabric wider = *fabric; /* its arrays, copied into longer ones */
	wider.component_kind = arena_array(&fabric->arena, (size_t)all + 1, sizeof *wider.component_kind);
	wider.component_name = arena_array(&fabric->arena, (size_t)all + 1, sizeof *wider.component_name);
	wider.component_place = arena_array(&fabric->arena, (size_t)all + 1, sizeof *wider.component_place);
	wider.carried_first = arena_array(&fabric->arena, (size_t)all + 1, sizeof *wider.carried_first);
	wider.carried = arena_array(&fabric->arena, (size_t)n_carried + 1, sizeof *wider.carried);
	for (uint32_t c = 0; c < old; c++) {
		wider.component_kind[c] = fabric->component_kind[c];
		wider.component_name[c] = fabric->component_name[c];
		wider.component_place[c] = fabric->component_place[c];
		wider.carried_first[c] = fabric->carried_first[c];
	}
	memcpy(wider.carried, fabric->carried, at * sizeof *wider.carried);
	for (uint32_t i = 0; i < n; i++) {
		wider.component_kind[old + i] = added[i].kind;
		wider.component_name[old + i] = added[i].name;
		wider.component_place[old + i] = FABRIC_NONE;
		wider.carried_first[old + i] = at;
		memcpy(wider.carried + at, added[i].links, added[i].n_links * sizeof *wider.carried);
		at += added[i].n_links;
	}
	wider.carried_first[all] = at;
	wider.n_components = all;
	wider.arena = fabric->arena; /* it grew meanwhile */
	*fabric = wider;
}

void fabric_release(struct fabric *fabric)
{
	shortest_release(fabric);
	arena_release(&fabric->arena);
	*fabric = (struct fabric){0};
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

const char *fabric_link_name(const struct fabric *fabric, uint32_t link, char *out, size_t size)
{
	const char *given = fabric->link_name_given ? fabric->link_name_given[link] : NULL;
	const char *source = fabric->node_name[fabric->link_source[link]], *target = fabric->node_name[fabric->link_target[link]];
	if (given)
		snprintf(out, size, "%s", given);
	else if (fabric->link_ordinal[link])
		snprintf(out, size, "%s->%s#%u", source, target, fabric->link_ordinal[link]);
	else
		snprintf(out, size, "%s->%s", source, target);
	return out;
}

uint32_t fabric_circuits_sharing(const struct fabric *fabric, uint32_t link)
{
	uint32_t node = fabric->link_source[link], n = 0;
	if (!fabric->link_ports || !fabric->link_ports[link])
		return 1;
	for (uint32_t i = fabric->out_first[node]; i < fabric->out_first[node + 1]; i++)
		n += fabric->link_ports[fabric->out_links[i]] > 0;
	return n;
}

int64_t fabric_rate_out(const struct fabric *fabric, uint32_t node)
{
	int64_t fixed = 0, circuits = 0, n = 0;
	for (uint32_t i = fabric->out_first[node]; i < fabric->out_first[node + 1]; i++) {
		bool circuit = fabric->link_ports && fabric->link_ports[fabric->out_links[i]];
		*(circuit ? &circuits : &fixed) += fabric->link_bandwidth[fabric->out_links[i]];
		n += circuit;
	}
	return fixed + (n ? circuits / n : 0);
}

static bool inside(const struct fabric_include *include, uint32_t node)
{
	return node - include->first_node < include->n_nodes;
}

/* The innermost module that holds both nodes; NULL: the outermost one. Includes are in the order of their first nodes, inner
 * ones after those that hold them. */
static const struct fabric_include *common_include(const struct fabric *fabric, uint32_t a, uint32_t b)
{
	uint32_t low = 0, high = fabric->n_includes;
	while (low < high) { /* the last one that begins at or before a */
		uint32_t middle = (low + high) / 2;
		if (fabric->includes[middle].first_node <= a)
			low = middle + 1;
		else
			high = middle;
	}
	/* An earlier sibling ended before this one began: only its ancestors can hold a. */
	for (uint32_t i = low ? low - 1 : FABRIC_NONE; i != FABRIC_NONE; i = fabric->includes[i].parent)
		if (inside(&fabric->includes[i], a) && inside(&fabric->includes[i], b))
			return &fabric->includes[i];
	return NULL;
}

static uint32_t include_next_links(const struct fabric *fabric, const struct fabric_include *include, const struct weft_hop *hop,
	struct weft_choice *choices, uint32_t capacity)
{
	struct weft_hop local = *hop;
	if (!include->module->next_links)
		return shortest_next_links(fabric, hop, choices, capacity);
	local.node -= include->first_node;
	local.destination -= include->first_node;
	/* Whoever came from outside is treated as sent from here. */
	local.source = inside(include, hop->source) ? hop->source - include->first_node : local.node;
	local.in_link = hop->in_link - include->first_link < include->n_links ? hop->in_link - include->first_link : WEFT_NONE;
	local.via = hop->via != WEFT_NONE && inside(include, hop->via) ? hop->via - include->first_node : WEFT_NONE;
	uint32_t n = include->module->next_links(include->data, &local, choices, capacity);
	for (uint32_t i = 0; i < n && i < capacity; i++)
		choices[i].link += include->first_link;
	return n;
}

uint32_t fabric_next_links(const struct fabric *fabric, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	if (fabric->n_includes) {
		const struct fabric_include *include = common_include(fabric, hop->node, hop->destination);
		if (include)
			return include_next_links(fabric, include, hop, choices, capacity);
	}
	if (fabric->module->next_links)
		return fabric->module->next_links(fabric->module_data, hop, choices, capacity);
	return shortest_next_links(fabric, hop, choices, capacity);
}

static bool by_node(const struct weft_topology *module) { return !module->next_links || module->claims & WEFT_CLAIM_BY_NODE; }

bool fabric_routes_by_node(const struct fabric *fabric)
{
	bool all = by_node(fabric->module);
	for (uint32_t i = 0; i < fabric->n_includes; i++)
		all = all && by_node(fabric->includes[i].module);
	return all;
}

void fabric_machines(const struct fabric *fabric, uint32_t *machine)
{
	memset(machine, 0, fabric->n_npus * sizeof *machine);
	for (uint32_t i = 0; i < fabric->n_includes; i++) {
		const struct fabric_include *include = &fabric->includes[i];
		for (uint32_t node = include->first_node; include->parent == FABRIC_NONE && node < include->first_node + include->n_nodes; node++)
			if (fabric->node_npu[node] != FABRIC_NONE)
				machine[fabric->node_npu[node]] = i + 1;
	}
}
