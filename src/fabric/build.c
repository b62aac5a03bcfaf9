/* The table of functions that modules build with. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fabric/build.h"

#define MAX_NODES (1u << 24)
#define MAX_COMPONENTS (1u << 26)
#define MAX_INCLUDE_DEPTH 8

static struct build *build_of(struct weft_builder *builder) { return (struct build *)builder; }

/* ---- parameters -------------------------------------------------------------------------------------------------------- */

/* A module that asks for a parameter it did not declare is a bug of the module: it is told, and the build fails. */
static const struct param_value *value_of(struct build *build, const char *param)
{
	static const struct param_value nothing = {.text = ""};
	const struct param_value *value = params_find(build->values, build->n_values, param);
	if (value)
		return value;
	error_set(&build->shared->error, ERROR_INPUT, "topology module '%s' asks for a parameter '%s' that it does not declare",
		  build->module->name, param);
	return &nothing;
}

static int64_t builder_integer(struct weft_builder *builder, const char *param)
{
	return value_of(build_of(builder), param)->integer;
}

static double builder_real(struct weft_builder *builder, const char *param)
{
	return value_of(build_of(builder), param)->real;
}

static const char *builder_text(struct weft_builder *builder, const char *param)
{
	return value_of(build_of(builder), param)->text;
}

static uint32_t builder_list(struct weft_builder *builder, const char *param, int64_t *values, uint32_t capacity)
{
	const struct param_value *value = value_of(build_of(builder), param);
	for (uint32_t i = 0; i < value->n_list && i < capacity; i++)
		values[i] = value->list[i];
	return value->n_list;
}

__attribute__((format(printf, 3, 4))) static int builder_fail(struct weft_builder *builder, const char *param, const char *format, ...)
{
	struct build *build = build_of(builder);
	const struct topology_request *request = build->request;
	const struct param_value *value = param ? params_find(build->values, build->n_values, param) : NULL;
	const struct topology_setting *setting = value ? value->setting : NULL;
	char message[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	return error_at(&build->shared->error, setting ? setting->file : request->file, setting ? setting->line : request->line,
			setting ? setting->column : request->column, "topology '%s': %s", build->module->name, message);
}

static void *builder_alloc(struct weft_builder *builder, size_t size)
{
	return arena_alloc(&build_of(builder)->shared->fabric->arena, size);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------------- */

static uint32_t hash_name(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	while (*name)
		hash = (hash ^ (unsigned char)*name++) * 16777619u;
	return hash;
}

static void name_slots_grow(struct build_shared *shared)
{
	const struct fabric *fabric = shared->fabric;
	size_t capacity = shared->name_capacity ? shared->name_capacity * 2 : 1024;
	free(shared->name_slots);
	shared->name_slots = memory_zero(capacity, sizeof *shared->name_slots);
	shared->name_capacity = capacity;
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		size_t slot = hash_name(fabric->node_name[node]) & (capacity - 1);
		while (shared->name_slots[slot])
			slot = (slot + 1) & (capacity - 1);
		shared->name_slots[slot] = node + 1;
	}
}

/* Notes that `node` is called `name`; false when another one is. */
static bool name_take(struct build_shared *shared, const char *name, uint32_t node)
{
	if ((size_t)node * 2 >= shared->name_capacity)
		name_slots_grow(shared);
	size_t slot = hash_name(name) & (shared->name_capacity - 1);
	while (shared->name_slots[slot]) {
		if (!strcmp(shared->fabric->node_name[shared->name_slots[slot] - 1], name))
			return false;
		slot = (slot + 1) & (shared->name_capacity - 1);
	}
	shared->name_slots[slot] = node + 1;
	return true;
}

uint32_t build_find_node(const struct build *build, const char *name)
{
	const struct build_shared *shared = build->shared;
	char full[256];
	snprintf(full, sizeof full, "%s%s", build->prefix, name);
	for (size_t slot = hash_name(full); shared->name_capacity; slot++) {
		uint32_t node = shared->name_slots[slot & (shared->name_capacity - 1)];
		if (!node)
			break;
		if (!strcmp(shared->fabric->node_name[node - 1], full))
			return node - 1 < build->first_node ? WEFT_NONE : node - 1 - build->first_node;
	}
	return WEFT_NONE;
}

static bool name_is_clean(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("._-:", *c)))
			return false;
	return *name != '\0';
}

static void reserve_nodes(struct build_shared *shared)
{
	struct fabric *fabric = shared->fabric;
	if (fabric->n_nodes < shared->nodes_capacity)
		return;
	size_t grown = shared->nodes_capacity ? shared->nodes_capacity * 2 : 256;
#define GROW(array) fabric->array = memory_resize(fabric->array, grown, sizeof *fabric->array)
	GROW(node_name);
	GROW(node_role);
	GROW(node_kind);
	GROW(node_rack);
	GROW(node_tray);
	GROW(node_slot);
	GROW(node_plane);
	GROW(node_npu);
	GROW(npu_node);
	shared->nodes_capacity = grown;
}

static int check_node(struct build *build, const struct weft_node *node)
{
	const struct fabric *fabric = build->shared->fabric;
	if ((unsigned)node->kind >= WEFT_NODE_KINDS)
		return builder_fail(&build->builder, NULL, "a node has the unknown kind %d", (int)node->kind);
	if (!node->name || !name_is_clean(node->name))
		return builder_fail(&build->builder, NULL, "a node has the name '%s' (letters, digits, '.', '_', '-', ':' are allowed)",
				    node->name ? node->name : "");
	if (node->kind == WEFT_NODE_NPU && fabric->n_npus == FABRIC_MAX_NPUS)
		return builder_fail(&build->builder, NULL, "more than %u NPUs", FABRIC_MAX_NPUS);
	if (fabric->n_nodes == MAX_NODES)
		return builder_fail(&build->builder, NULL, "more than %u nodes", MAX_NODES);
	return build->shared->error.code ? -1 : 0;
}

/* Roles repeat: a node's role is compared with the last node's before it is copied. */
static const char *copy_role(struct fabric *fabric, const struct weft_node *node)
{
	static const char *const names[WEFT_NODE_KINDS] = {"npu", "switch", "nic", "cpu", "circuit-switch"};
	if (!node->role)
		return names[node->kind];
	for (uint32_t back = 1; back <= 4 && back <= fabric->n_nodes; back++)
		if (!strcmp(fabric->node_role[fabric->n_nodes - back], node->role))
			return fabric->node_role[fabric->n_nodes - back];
	return arena_text(&fabric->arena, node->role);
}

static uint32_t builder_add_node(struct weft_builder *builder, const struct weft_node *node)
{
	struct build *build = build_of(builder);
	struct fabric *fabric = build->shared->fabric;
	if (check_node(build, node))
		return WEFT_NONE;
	reserve_nodes(build->shared);
	uint32_t id = fabric->n_nodes;
	const char *name = arena_format(&fabric->arena, "%s%s", build->prefix, node->name);
	if (!name_take(build->shared, name, id)) {
		builder_fail(builder, NULL, "two nodes are called '%s'", name);
		return WEFT_NONE;
	}
	fabric->node_name[id] = name;
	fabric->node_role[id] = copy_role(fabric, node);
	fabric->node_kind[id] = (uint8_t)node->kind;
	fabric->node_rack[id] = node->rack;
	fabric->node_tray[id] = node->tray;
	fabric->node_slot[id] = node->slot;
	fabric->node_plane[id] = node->plane;
	fabric->node_npu[id] = FABRIC_NONE;
	if (node->kind == WEFT_NODE_NPU) {
		fabric->node_npu[id] = fabric->n_npus;
		fabric->npu_node[fabric->n_npus++] = id;
	}
	fabric->n_nodes++;
	return id - build->first_node;
}

/* ---- links ------------------------------------------------------------------------------------------------------------- */

static void reserve_links(struct build_shared *shared)
{
	struct fabric *fabric = shared->fabric;
	if (fabric->n_links < shared->links_capacity)
		return;
	size_t grown = shared->links_capacity ? shared->links_capacity * 2 : 1024;
	GROW(link_source);
	GROW(link_target);
	GROW(link_bandwidth);
	GROW(link_latency_ps);
	GROW(link_kind);
	GROW(link_length_m);
	if (fabric->link_ports) {
		GROW(link_ports);
		memset(fabric->link_ports + shared->links_capacity, 0, grown - shared->links_capacity);
	}
	GROW(link_name_given);
#undef GROW
	shared->links_capacity = grown;
}

static uint16_t kind_index(struct build_shared *shared, const char *kind)
{
	struct fabric *fabric = shared->fabric;
	for (uint32_t i = fabric->n_kinds; i-- > 0;)
		if (!strcmp(fabric->kind_names[i], kind))
			return (uint16_t)i;
	ARRAY_RESERVE(fabric->kind_names, fabric->n_kinds + 1, shared->kinds_capacity);
	fabric->kind_names[fabric->n_kinds] = arena_text(&fabric->arena, kind);
	return (uint16_t)fabric->n_kinds++;
}

static int check_link(struct build *build, const struct weft_link *link)
{
	const struct fabric *fabric = build->shared->fabric;
	uint32_t n = fabric->n_nodes - build->first_node;
	if (build->shared->error.code)
		return -1;
	if (link->source >= n || link->target >= n)
		return builder_fail(&build->builder, NULL, "a link joins node %u and node %u of %u", link->source, link->target, n);
	if (link->source == link->target)
		return builder_fail(&build->builder, NULL, "a link leads from node '%s' to itself",
				    fabric->node_name[build->first_node + link->source]);
	if (link->bandwidth_bytes_per_s <= 0 || link->latency_ps < 0)
		return builder_fail(&build->builder, NULL, "a link from '%s' has bandwidth %lld B/s and latency %lld ps",
				    fabric->node_name[build->first_node + link->source], (long long)link->bandwidth_bytes_per_s,
				    (long long)link->latency_ps);
	if (fabric->n_links >= FABRIC_MAX_LINKS)
		return builder_fail(&build->builder, NULL, "more than %u links", FABRIC_MAX_LINKS);
	if (fabric->n_kinds > UINT16_MAX - 1)
		return builder_fail(&build->builder, NULL, "more than %u kinds of links", UINT16_MAX - 1);
	return 0;
}

static uint32_t builder_add_link(struct weft_builder *builder, const struct weft_link *link)
{
	struct build *build = build_of(builder);
	struct fabric *fabric = build->shared->fabric;
	if (check_link(build, link))
		return WEFT_NONE;
	reserve_links(build->shared);
	uint32_t id = fabric->n_links++;
	fabric->link_source[id] = build->first_node + link->source;
	fabric->link_target[id] = build->first_node + link->target;
	fabric->link_bandwidth[id] = link->bandwidth_bytes_per_s;
	fabric->link_latency_ps[id] = link->latency_ps;
	fabric->link_kind[id] = kind_index(build->shared, link->kind ? link->kind : "ideal");
	fabric->link_length_m[id] = (float)link->length_m;
	fabric->link_name_given[id] = NULL;
	if (link->name) {
		fabric->link_name_given[id] = arena_format(&fabric->arena, "%s%s", build->prefix, link->name);
		build->shared->any_link_name = true;
	}
	return id - build->first_link;
}

static uint32_t builder_add_cable(struct weft_builder *builder, const struct weft_link *link)
{
	struct weft_link back = *link;
	back.source = link->target;
	back.target = link->source;
	uint32_t id = builder_add_link(builder, link);
	if (id == WEFT_NONE || builder_add_link(builder, &back) == WEFT_NONE)
		return WEFT_NONE;
	return id;
}

/* ---- components -------------------------------------------------------------------------------------------------------- */

static uint32_t builder_add_component(struct weft_builder *builder, const char *kind, const char *name, uint32_t place)
{
	struct build *build = build_of(builder);
	struct build_shared *shared = build->shared;
	struct fabric *fabric = shared->fabric;
	uint32_t id = fabric->n_components;
	if (shared->error.code)
		return WEFT_NONE;
	if (id == MAX_COMPONENTS || (place != WEFT_NONE && place >= fabric->n_nodes - build->first_node)) {
		builder_fail(builder, NULL, id == MAX_COMPONENTS ? "too many components" : "component '%s' is at no node", name);
		return WEFT_NONE;
	}
	if (id == shared->components_capacity) {
		size_t grown = id ? (size_t)id * 2 : 256;
		fabric->component_kind = memory_resize(fabric->component_kind, grown, sizeof *fabric->component_kind);
		fabric->component_name = memory_resize(fabric->component_name, grown, sizeof *fabric->component_name);
		fabric->component_place = memory_resize(fabric->component_place, grown, sizeof *fabric->component_place);
		shared->components_capacity = grown;
	}
	fabric->component_kind[id] = id && !strcmp(fabric->component_kind[id - 1], kind) ? fabric->component_kind[id - 1]
										  : arena_text(&fabric->arena, kind);
	fabric->component_name[id] = arena_format(&fabric->arena, "%s%s", build->prefix, name);
	fabric->component_place[id] = place == WEFT_NONE ? FABRIC_NONE : build->first_node + place;
	fabric->n_components++;
	return id - build->first_component;
}

static void builder_carries(struct weft_builder *builder, uint32_t component, uint32_t link)
{
	struct build *build = build_of(builder);
	struct build_shared *shared = build->shared;
	if (shared->error.code)
		return;
	if (component >= shared->fabric->n_components - build->first_component || link >= shared->fabric->n_links - build->first_link) {
		builder_fail(builder, NULL, "component %u shall carry link %u: there is no such", component, link);
		return;
	}
	ARRAY_RESERVE(shared->carried, shared->n_carried + 1, shared->carried_capacity);
	shared->carried[shared->n_carried][0] = build->first_component + component;
	shared->carried[shared->n_carried++][1] = build->first_link + link;
}

/* ---- the rest of the table --------------------------------------------------------------------------------------------- */

static void builder_set_data(struct weft_builder *builder, const void *data) { build_of(builder)->data = data; }

static void builder_set_channels(struct weft_builder *builder, uint32_t n)
{
	if (n < 1 || n > 255)
		builder_fail(builder, NULL, "%u virtual channels (range: 1..255)", n);
	build_of(builder)->n_channels = n;
}

static void builder_set_protocol(struct weft_builder *builder, const char *name)
{
	struct build *build = build_of(builder);
	build->protocol = arena_text(&build->shared->fabric->arena, name);
}

static uint32_t builder_npu(struct weft_builder *builder, uint32_t index)
{
	const struct build *build = build_of(builder);
	const struct fabric *fabric = build->shared->fabric;
	if (index >= fabric->n_npus - build->first_npu)
		return WEFT_NONE;
	return fabric->npu_node[build->first_npu + index] - build->first_node;
}

static void builder_set_circuit(struct weft_builder *builder, uint32_t link, uint32_t ports)
{
	struct build *build = build_of(builder);
	struct fabric *fabric = build->shared->fabric;
	if (build->shared->error.code)
		return;
	if (link >= fabric->n_links - build->first_link || ports < 1 || ports > 64) {
		builder_fail(builder, NULL, "link %u shall be a circuit of %u ports (range: 1..64)", link, ports);
		return;
	}
	if (!fabric->link_ports)
		fabric->link_ports = memory_zero(build->shared->links_capacity, 1);
	fabric->link_ports[build->first_link + link] = (uint8_t)ports;
}

static int include_module(struct build *outer, struct build *inner, const char *name, const char *params, struct error *err)
{
	struct topology_request request;
	struct arena *arena = &outer->shared->fabric->arena;
	char subject[256];
	const char *spec = arena_format(arena, "%s%s%s", name, *params ? ":" : "", params);
	if (topology_request_parse(&request, spec, arena, err))
		return -1;
	inner->module = topology_load(request.module, err);
	if (!inner->module)
		return -1;
	request.base_directory = outer->request->base_directory;
	inner->request = &request;
	snprintf(subject, sizeof subject, "topology '%s'", inner->module->name);
	if (params_resolve(subject, inner->module->params, &request, arena, &inner->values, &inner->n_values, err))
		return -1;
	int status = build_run(inner);
	inner->request = NULL;
	return status;
}

static int builder_include(struct weft_builder *builder, const char *name, const char *params, const char *prefix,
	struct weft_include *out)
{
	struct build *outer = build_of(builder);
	struct build_shared *shared = outer->shared;
	struct fabric *fabric = shared->fabric;
	uint32_t npus = fabric->n_npus;
	struct error why = {0};
	if (shared->error.code)
		return -1;
	if (++shared->depth > MAX_INCLUDE_DEPTH)
		return builder_fail(builder, NULL, "modules include each other more than %d deep", MAX_INCLUDE_DEPTH);
	struct build inner = {.shared = shared, .builder = outer->builder, .n_channels = 1,
		.prefix = arena_format(&fabric->arena, "%s%s", outer->prefix, prefix), .first_node = fabric->n_nodes,
		.first_link = fabric->n_links, .first_component = fabric->n_components, .first_npu = npus};
	inner.builder.core = &inner;
	uint32_t index = fabric->n_includes++, parent = shared->include;
	shared->include = index;
	ARRAY_RESERVE(fabric->includes, fabric->n_includes, shared->includes_capacity);
	if (include_module(outer, &inner, name, params ? params : "", &why) && !shared->error.code)
		return builder_fail(builder, NULL, "%s", why.message);
	if (shared->error.code)
		return -1;
	fabric->includes[index] = (struct fabric_include){.module = inner.module, .data = inner.data, .first_node = inner.first_node,
		.n_nodes = fabric->n_nodes - inner.first_node, .first_link = inner.first_link,
		.n_links = fabric->n_links - inner.first_link, .first_component = inner.first_component,
		.parent = parent};
	shared->include = parent;
	*out = (struct weft_include){.first_node = inner.first_node - outer->first_node, .n_nodes = fabric->n_nodes - inner.first_node,
		.first_link = inner.first_link - outer->first_link, .n_links = fabric->n_links - inner.first_link,
		.n_npus = fabric->n_npus - npus};
	if (!outer->protocol)
		outer->protocol = inner.protocol;
	if (outer->n_channels < inner.n_channels)
		outer->n_channels = inner.n_channels;
	shared->depth--;
	return 0;
}

const struct weft_builder build_table = {
	.size = sizeof(struct weft_builder),
	.integer = builder_integer, .real = builder_real, .text = builder_text, .list = builder_list, .fail = builder_fail,
	.alloc = builder_alloc, .add_node = builder_add_node, .add_link = builder_add_link, .add_cable = builder_add_cable,
	.add_component = builder_add_component, .carries = builder_carries, .include = builder_include, .set_data = builder_set_data,
	.set_channels = builder_set_channels, .set_protocol = builder_set_protocol, .npu = builder_npu,
	.set_circuit = builder_set_circuit,
};

int build_run(struct build *build)
{
	int status = build->module->build(&build->builder);
	if (status && !build->shared->error.code)
		return builder_fail(&build->builder, NULL, "cannot be built, and the module does not say why");
	return build->shared->error.code ? -1 : 0;
}
