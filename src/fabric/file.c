/* Topology `file`: a network that others describe, as plain tables or as a graph in YAML.
 *
 * Tables: links.csv (link,bandwidth_Bps,latency_s, and where known source,target,kind,length_m), nodes.csv (node,kind and role, rack,
 * tray, slot, plane), routes.csv (flow,hop,link) and flows.csv (flow,src,dst, for the ends of the routes). Without source and target the
 * shape is what the routes say: the end of a hop is the beginning of the next, and flow k leads from NPU src to NPU dst. Where
 * that contradicts itself (a link used both ways, say) the links are taken as resources without a place.
 *
 * With routes.csv the fabric routes by flow number alone (fabric.h, n_flows).
 *
 * A module imports nothing, so one that reads files needs the core: `file` is part of it, behind the same descriptor. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fabric/build.h"
#include "fabric/graph.h"
#include "fabric/csv.h"

#define MAX_FLOWS 100000000

static const struct weft_param file_params[] = {
	{"links", WEFT_PARAM_TEXT, "", NULL, "table link,bandwidth_Bps,latency_s and perhaps source,target,kind,length_m"},
	{"nodes", WEFT_PARAM_TEXT, "", NULL, "table node,kind and perhaps role,rack,tray,slot,plane; needed when links have source,target"},
	{"routes", WEFT_PARAM_TEXT, "", NULL, "table flow,hop,link: the way of every flow"},
	{"flows", WEFT_PARAM_TEXT, "", NULL, "table flow,src,dst: between which NPUs the routes lead"},
	{"graph", WEFT_PARAM_TEXT, "", NULL, "YAML with nodes and links, instead of tables"},
	{0},
};

struct row {
	const char *name;
	int64_t bandwidth, latency_ps;
	const char *source, *target, *kind;
	double length_m;
};

struct file {
	struct weft_builder *b;
	struct build *build;
	struct arena *arena;
	struct error *err;
	struct row *rows;
	uint32_t n_rows;
	size_t rows_capacity;
	uint32_t *slots;         /* open addressing over link names: row + 1 */
	size_t n_slots;
	uint32_t *flow_first, *flow_links, n_flows, n_hops;
	uint32_t *flow_source, *flow_target; /* NPU indices from flows.csv; NULL when there is none */
	uint32_t n_npus;
};

/* ---- paths and names --------------------------------------------------------------------------------------------------- */

const char *file_path(struct weft_builder *b, const char *param)
{
	struct build *build = (struct build *)b;
	const char *path = b->text(b, param), *base = build->request->base_directory;
	if (!*path || *path == '/' || !base || !*base)
		return path;
	return arena_format(&build->shared->fabric->arena, "%s/%s", base, path);
}

static size_t slot_of(const struct file *file, const char *name)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
	size_t slot = hash & (file->n_slots - 1);
	while (file->slots[slot] && strcmp(file->rows[file->slots[slot] - 1].name, name))
		slot = (slot + 1) & (file->n_slots - 1);
	return slot;
}

static int note_name(struct file *file, const struct csv *table)
{
	if ((size_t)file->n_rows * 2 >= file->n_slots) {
		free(file->slots);
		file->n_slots = file->n_slots ? file->n_slots * 2 : 1024;
		file->slots = memory_zero(file->n_slots, sizeof *file->slots);
		for (uint32_t i = 0; i + 1 < file->n_rows; i++)
			file->slots[slot_of(file, file->rows[i].name)] = i + 1;
	}
	size_t slot = slot_of(file, file->rows[file->n_rows - 1].name);
	if (file->slots[slot])
		return error_at(file->err, table->path, table->line, 0, "link '%s' is there twice", file->rows[file->n_rows - 1].name);
	file->slots[slot] = file->n_rows;
	return 0;
}

/* ---- reading the tables ------------------------------------------------------------------------------------------------ */

enum { LINK_NAME, LINK_BANDWIDTH, LINK_LATENCY, LINK_SOURCE, LINK_TARGET, LINK_KIND, LINK_LENGTH };
static const char *const link_columns[] = {"link", "bandwidth_Bps", "latency_s", "source", "target", "kind", "length_m", NULL};

static int read_link(struct file *file, const struct csv *table)
{
	double bandwidth, latency, length = 0;
	if (csv_real(table, LINK_BANDWIDTH, &bandwidth, file->err) || csv_real(table, LINK_LATENCY, &latency, file->err) ||
	    (*table->cells[LINK_LENGTH] && csv_real(table, LINK_LENGTH, &length, file->err)))
		return -1;
	if (!*table->cells[LINK_NAME] || bandwidth < 1 || bandwidth > 1e18 || latency > 1e6)
		return error_at(file->err, table->path, table->line, 0,
				"link '%s' has bandwidth '%s' and latency '%s' (range: 1..1e18 B/s, 0..1e6 s, and a name)",
				table->cells[LINK_NAME], table->cells[LINK_BANDWIDTH], table->cells[LINK_LATENCY]);
	ARRAY_RESERVE(file->rows, (size_t)file->n_rows + 1, file->rows_capacity);
	struct row *row = &file->rows[file->n_rows++];
	*row = (struct row){.name = arena_text(file->arena, table->cells[LINK_NAME]), .bandwidth = llround(bandwidth),
		.latency_ps = llround(latency * 1e12), .length_m = length};
	if (table->place[LINK_SOURCE] >= 0) {
		row->source = arena_text(file->arena, table->cells[LINK_SOURCE]);
		row->target = arena_text(file->arena, table->cells[LINK_TARGET]);
	}
	if (*table->cells[LINK_KIND])
		row->kind = arena_text(file->arena, table->cells[LINK_KIND]);
	return note_name(file, table);
}

static int read_rows(struct file *file, const char *param, const char *const *columns, unsigned n_needed,
	int (*read)(struct file *file, const struct csv *table))
{
	struct csv table;
	int more, status = 0;
	if (csv_open(&table, file_path(file->b, param), columns, n_needed, file->err))
		return -1;
	while (!status && (more = csv_next(&table, file->err)) != 0)
		status = more < 0 ? -1 : read(file, &table);
	if (!status && table.line <= 1)
		status = error_at(file->err, table.path, 1, 0, "the table has no rows");
	csv_close(&table);
	return status;
}

/* Hops as read, before they are sorted by flow. */
struct hops {
	uint64_t *keys;          /* flow << 32 | hop */
	uint32_t *links;
	size_t n, keys_capacity, links_capacity;
};

static int read_hops(struct file *file, struct hops *hops)
{
	static const char *const columns[] = {"flow", "hop", "link", NULL};
	struct csv table;
	int more, status = 0;
	if (csv_open(&table, file_path(file->b, "routes"), columns, 3, file->err))
		return -1;
	while (!status && (more = csv_next(&table, file->err)) != 0) {
		int64_t flow = 0, hop = 0;
		if (more < 0 || csv_whole(&table, 0, MAX_FLOWS, &flow, file->err) || csv_whole(&table, 1, 1 << 20, &hop, file->err)) {
			status = -1;
			break;
		}
		uint32_t row = file->n_slots ? file->slots[slot_of(file, table.cells[2])] : 0;
		if (!row) {
			status = error_at(file->err, table.path, table.line, 0, "flow %lld takes link '%s', which the table of links does not have",
					  (long long)flow, table.cells[2]);
			break;
		}
		ARRAY_RESERVE(hops->keys, hops->n + 1, hops->keys_capacity);
		ARRAY_RESERVE(hops->links, hops->n + 1, hops->links_capacity);
		hops->keys[hops->n] = (uint64_t)flow << 32 | (uint64_t)hop;
		hops->links[hops->n++] = row - 1;
		if (flow >= file->n_flows)
			file->n_flows = (uint32_t)flow + 1;
	}
	csv_close(&table);
	return status;
}

/* Counting sort by flow; hops must be 0, 1, … of each flow, each once, in any order. */
static int sort_hops(struct file *file, const struct hops *hops)
{
	uint32_t *first = file->flow_first = arena_array(file->arena, (size_t)file->n_flows + 2, sizeof *first);
	file->flow_links = arena_array(file->arena, hops->n + 1, sizeof *file->flow_links);
	for (size_t i = 0; i < hops->n; i++)
		first[(hops->keys[i] >> 32) + 1]++;
	for (uint32_t f = 0; f < file->n_flows; f++)
		first[f + 1] += first[f];
	for (size_t i = 0; i < hops->n; i++)
		file->flow_links[i] = FABRIC_NONE;
	for (size_t i = 0; i < hops->n; i++) {
		uint32_t flow = (uint32_t)(hops->keys[i] >> 32), hop = (uint32_t)hops->keys[i];
		uint32_t count = first[flow + 1] - first[flow];
		if (hop >= count || file->flow_links[first[flow] + hop] != FABRIC_NONE)
			return error_set(file->err, ERROR_INPUT, "%s: the %u hops of flow %u are not numbered 0..%u, each once",
					 file_path(file->b, "routes"), count, flow, count - 1);
		file->flow_links[first[flow] + hop] = hops->links[i];
	}
	file->n_hops = (uint32_t)hops->n;
	return 0;
}

static int read_flow(struct file *file, const struct csv *table)
{
	int64_t flow, source, target;
	if (csv_whole(table, 0, MAX_FLOWS, &flow, file->err) || csv_whole(table, 1, FABRIC_MAX_NPUS - 1, &source, file->err) ||
	    csv_whole(table, 2, FABRIC_MAX_NPUS - 1, &target, file->err))
		return -1;
	if (source >= file->n_npus)
		file->n_npus = (uint32_t)source + 1;
	if (target >= file->n_npus)
		file->n_npus = (uint32_t)target + 1;
	if (flow < file->n_flows) {
		file->flow_source[flow] = (uint32_t)source;
		file->flow_target[flow] = (uint32_t)target;
	}
	return 0;
}

static int read_routes(struct file *file)
{
	static const char *const columns[] = {"flow", "src", "dst", NULL};
	struct hops hops = {0};
	int status = read_hops(file, &hops) || sort_hops(file, &hops) ? -1 : 0;
	free(hops.keys);
	free(hops.links);
	if (status || !*file->b->text(file->b, "flows"))
		return status;
	file->flow_source = arena_alloc(file->arena, (size_t)file->n_flows * sizeof(uint32_t) + 1);
	file->flow_target = arena_alloc(file->arena, (size_t)file->n_flows * sizeof(uint32_t) + 1);
	memset(file->flow_source, 0xff, (size_t)file->n_flows * sizeof(uint32_t));
	memset(file->flow_target, 0xff, (size_t)file->n_flows * sizeof(uint32_t));
	return read_rows(file, "flows", columns, 3, read_flow);
}

/* ---- the shape from the routes ----------------------------------------------------------------------------------------- */

/* Ends of links are joined into nodes: end 2 i is where link i begins, 2 i + 1 where it leads. NPU k is end 2 n_rows + k. */
static uint32_t find_root(uint32_t *parent, uint32_t end)
{
	while (parent[end] != end) {
		parent[end] = parent[parent[end]];
		end = parent[end];
	}
	return end;
}

static void join(uint32_t *parent, uint32_t a, uint32_t b)
{
	a = find_root(parent, a);
	b = find_root(parent, b);
	parent[a > b ? a : b] = a < b ? a : b;
}

/* The ends of flows become NPUs: by number when flows.csv gives it, else in the order of the flows. */
static void join_ends(struct file *file, uint32_t *parent)
{
	for (uint32_t f = 0; f < file->n_flows; f++) {
		uint32_t first = file->flow_first[f], end = file->flow_first[f + 1];
		for (uint32_t h = first; h + 1 < end; h++)
			join(parent, 2 * file->flow_links[h] + 1, 2 * file->flow_links[h + 1]);
		if (first == end || !file->flow_source || file->flow_source[f] == FABRIC_NONE)
			continue;
		join(parent, 2 * file->flow_links[first], 2 * file->n_rows + file->flow_source[f]);
		join(parent, 2 * file->flow_links[end - 1] + 1, 2 * file->n_rows + file->flow_target[f]);
	}
}

static uint32_t add_numbered(struct file *file, enum weft_node_kind kind, const char *name, uint32_t index)
{
	char full[64];
	snprintf(full, sizeof full, "%s%u", name, index);
	return file->b->add_node(file->b, &(struct weft_node){.kind = kind, .name = full, .rack = -1, .tray = -1, .slot = -1, .plane = -1});
}

static uint32_t add_npu(struct file *file, uint32_t index)
{
	return add_numbered(file, WEFT_NODE_NPU, "npu", index);
}

/* Adds NPUs; node_of[root] = node id. Returns -1 when two NPUs would be one. */
static int place_npus(struct file *file, uint32_t *parent, uint32_t *node_of)
{
	if (file->flow_source) {
		for (uint32_t k = 0; k < file->n_npus; k++) {
			uint32_t root = find_root(parent, 2 * file->n_rows + k);
			if (node_of[root] != FABRIC_NONE)
				return -1;
			node_of[root] = k;
		}
		return 0;
	}
	file->n_npus = 0;
	for (uint32_t f = 0; f < file->n_flows; f++) {
		uint32_t first = file->flow_first[f], end = file->flow_first[f + 1];
		for (int side = 0; side < 2 && first < end; side++) {
			uint32_t root = find_root(parent, side ? 2 * file->flow_links[end - 1] + 1 : 2 * file->flow_links[first]);
			if (node_of[root] == FABRIC_NONE)
				node_of[root] = file->n_npus++;
		}
	}
	return 0;
}

static bool shape_is_sound(struct file *file, uint32_t *parent)
{
	for (uint32_t i = 0; i < file->n_rows; i++)
		if (find_root(parent, 2 * i) == find_root(parent, 2 * i + 1))
			return false;
	return true;
}

static int add_row(struct file *file, const struct row *row, uint32_t source, uint32_t target)
{
	struct weft_link link = {.source = source, .target = target, .bandwidth_bytes_per_s = row->bandwidth, .latency_ps = row->latency_ps,
		.kind = row->kind, .name = row->name, .length_m = row->length_m};
	return file->b->add_link(file->b, &link) == WEFT_NONE ? -1 : 0;
}

/* Links without a place: all between two nodes that stand for the unknown. */
static int add_unplaced(struct file *file)
{
	for (uint32_t k = 0; k < file->n_npus; k++)
		if (add_npu(file, k) == WEFT_NONE)
			return -1;
	struct weft_node here = {.kind = WEFT_NODE_SWITCH, .name = "unplaced", .role = "unplaced", .rack = -1, .tray = -1, .slot = -1,
		.plane = -1}, there = here;
	there.name = "unplaced.far";
	uint32_t source = file->b->add_node(file->b, &here), target = file->b->add_node(file->b, &there);
	for (uint32_t i = 0; i < file->n_rows; i++)
		if (add_row(file, &file->rows[i], source, target))
			return -1;
	return 0;
}

static int add_from_routes(struct file *file)
{
	size_t n_ends = 2 * (size_t)file->n_rows + file->n_npus;
	uint32_t *parent = memory_alloc((n_ends + 1) * sizeof *parent), *node_of = memory_alloc((n_ends + 1) * sizeof *node_of), next;
	int status = 0;
	for (uint32_t e = 0; e < n_ends; e++)
		parent[e] = e;
	memset(node_of, 0xff, (n_ends + 1) * sizeof *node_of);
	join_ends(file, parent);
	if (place_npus(file, parent, node_of) || !shape_is_sound(file, parent)) {
		status = add_unplaced(file);
		goto cleanup;
	}
	for (uint32_t k = 0; !status && k < file->n_npus; k++)
		status = add_npu(file, k) == WEFT_NONE ? -1 : 0;
	next = file->n_npus;
	for (uint32_t e = 0; !status && e < 2 * file->n_rows; e++) {
		uint32_t root = find_root(parent, e);
		if (node_of[root] != FABRIC_NONE)
			continue;
		node_of[root] = next++;
		status = add_numbered(file, WEFT_NODE_SWITCH, "switch", node_of[root] - file->n_npus) == WEFT_NONE ? -1 : 0;
	}
	for (uint32_t i = 0; !status && i < file->n_rows; i++)
		status = add_row(file, &file->rows[i], node_of[find_root(parent, 2 * i)], node_of[find_root(parent, 2 * i + 1)]);
cleanup:
	free(parent);
	free(node_of);
	return status;
}

/* ---- the shape from source and target ---------------------------------------------------------------------------------- */

static int64_t place_cell(const struct csv *table, unsigned column, struct error *err)
{
	int64_t value = -1;
	if (*table->cells[column])
		csv_whole(table, column, INT32_MAX, &value, err);
	return value;
}

static int read_node(struct file *file, const struct csv *table)
{
	int kind = graph_node_kind(table->cells[1]);
	if (kind < 0)
		return error_at(file->err, table->path, table->line, 0, "node '%s' has the unknown kind '%s' (known: %s)", table->cells[0],
				table->cells[1], graph_node_kinds);
	struct weft_node node = {.kind = (enum weft_node_kind)kind, .name = table->cells[0],
		.role = *table->cells[2] ? table->cells[2] : NULL, .rack = (int32_t)place_cell(table, 3, file->err),
		.tray = (int32_t)place_cell(table, 4, file->err), .slot = (int32_t)place_cell(table, 5, file->err),
		.plane = (int32_t)place_cell(table, 6, file->err)};
	if (file->err->code)
		return -1;
	return file->b->add_node(file->b, &node) == WEFT_NONE ? -1 : 0;
}

static int add_placed(struct file *file)
{
	static const char *const columns[] = {"node", "kind", "role", "rack", "tray", "slot", "plane", NULL};
	if (!*file->b->text(file->b, "nodes"))
		return file->b->fail(file->b, "links", "the links have source and target: parameter 'nodes' must say what the nodes are");
	if (read_rows(file, "nodes", columns, 2, read_node))
		return -1;
	for (uint32_t i = 0; i < file->n_rows; i++) {
		const struct row *row = &file->rows[i];
		uint32_t source = build_find_node(file->build, row->source), target = build_find_node(file->build, row->target);
		if (source == WEFT_NONE || target == WEFT_NONE)
			return file->b->fail(file->b, "links", "link '%s' joins '%s', which the table of nodes does not have", row->name,
					     source == WEFT_NONE ? row->source : row->target);
		if (add_row(file, row, source, target))
			return -1;
	}
	return 0;
}

/* ---- building ---------------------------------------------------------------------------------------------------------- */

static int build_from_tables(struct file *file)
{
	bool routes = *file->b->text(file->b, "routes");
	if (read_rows(file, "links", link_columns, 3, read_link) || (routes && read_routes(file)))
		return -1;
	if (file->rows[0].source ? add_placed(file) : routes ? add_from_routes(file)
	    : file->b->fail(file->b, "links", "links without source and target need 'routes' to show how they hang together"))
		return -1;
	struct fabric *fabric = file->build->shared->fabric;
	if (routes && file->build->shared->include != FABRIC_NONE)
		return file->b->fail(file->b, "routes", "routes by flow are for a whole network, not for a part of one");
	if (routes) {
		fabric->n_flows = file->n_flows;
		fabric->flow_first = file->flow_first;
		fabric->flow_links = file->flow_links;
	}
	return 0;
}

static int file_build(struct weft_builder *b)
{
	struct build *build = (struct build *)b;
	struct file file = {.b = b, .build = build, .arena = &build->shared->fabric->arena, .err = &build->shared->error};
	bool tables = *b->text(b, "links"), graph = *b->text(b, "graph");
	if (tables == graph)
		return b->fail(b, graph ? "graph" : NULL, "either 'links' or 'graph' must be given");
	int status = graph ? graph_build(b, file_path(b, "graph"), file.err) : build_from_tables(&file);
	free(file.rows);
	free(file.slots);
	return status;
}

const struct weft_topology topology_file = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "file",
	.summary = "a network from tables (links.csv, routes.csv) or a graph in YAML; shortest paths or the routes given",
	.params = file_params,
	.build = file_build,
};
