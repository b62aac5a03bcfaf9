#include "timeline/describe.h"

#include <stdlib.h>

#include "base/memory.h"
#include "fabric/fabric.h"
#include "timeline/recorder.h"
#include "workload/program.h"

#define ROWS_PER_CHUNK 16384

static const char *const node_kind_names[WEFT_NODE_KINDS] = {"npu", "switch", "nic", "cpu", "circuit_switch"};

static void write_column(struct timeline_file *file, hid_t group, const struct dimension *rows, struct variable variable,
			 const void *values)
{
	file_write_variable(file, group, &variable, &rows, 1, values);
}

/* A text column; NULL entries become "". */
static void write_texts(struct timeline_file *file, hid_t group, const struct dimension *rows, const char *name, const char *text,
			const char *const *values)
{
	const char **filled = memory_alloc(((size_t)rows->size + 1) * sizeof *filled);
	for (hsize_t i = 0; i < rows->size; i++)
		filled[i] = values[i] ? values[i] : "";
	write_column(file, group, rows, (struct variable){.name = name, .type = VALUE_TEXT, .text = text}, filled);
	free(filled);
}

void describe_nodes(struct timeline_file *file, const struct fabric *fabric)
{
	hid_t group = file_group(file, "/nodes", "chips, switches and network cards of the fabric");
	struct dimension nodes = file_dimension(file, group, "node", fabric->n_nodes, false, ROWS_PER_CHUNK);
	int32_t *npu = memory_alloc(((size_t)fabric->n_nodes + 1) * sizeof *npu);
	for (uint32_t i = 0; i < fabric->n_nodes; i++)
		npu[i] = fabric->node_npu[i] == FABRIC_NONE ? -1 : (int32_t)fabric->node_npu[i];
	write_texts(file, group, &nodes, "name", "stable name", fabric->node_name);
	write_texts(file, group, &nodes, "role", "place in the fabric: leaf, spine, L1, …", fabric->node_role);
	write_column(file, group, &nodes, (struct variable){.name = "kind", .type = VALUE_U8, .text = "kind of node",
		     .meanings = node_kind_names, .n_meanings = WEFT_NODE_KINDS}, fabric->node_kind);
	write_column(file, group, &nodes, (struct variable){.name = "npu", .type = VALUE_I32,
		     .text = "index among the chips, as /messages counts sources and targets; -1: not a chip"}, npu);
	write_column(file, group, &nodes, (struct variable){.name = "rack", .type = VALUE_I32, .text = "rack, -1: not given"},
		     fabric->node_rack);
	write_column(file, group, &nodes, (struct variable){.name = "tray", .type = VALUE_I32, .text = "tray, -1: not given"},
		     fabric->node_tray);
	write_column(file, group, &nodes, (struct variable){.name = "slot", .type = VALUE_I32, .text = "slot, -1: not given"},
		     fabric->node_slot);
	write_column(file, group, &nodes, (struct variable){.name = "plane", .type = VALUE_I32, .text = "sub-plane or rail, -1: none"},
		     fabric->node_plane);
	free(npu);
	file_close_dimension(&nodes);
	file_close_group(group);
}

static void write_link_names(struct timeline_file *file, hid_t group, const struct dimension *links, const struct fabric *fabric)
{
	struct arena arena = ARENA_INIT;
	const char **names = memory_alloc(((size_t)fabric->n_links + 1) * sizeof *names);
	char name[512];
	for (uint32_t i = 0; i < fabric->n_links; i++)
		names[i] = arena_text(&arena, fabric_link_name(fabric, i, name, sizeof name));
	write_texts(file, group, links, "name", "stable name: SOURCE->TARGET, #k for parallel ones", names);
	free(names);
	arena_release(&arena);
}

/* The parts of link l: parts[component_offsets[l]] … [l + 1] - 1, by their numbers. */
static void write_link_components(struct timeline_file *file, hid_t group, const struct fabric *fabric)
{
	uint32_t n = fabric->n_links, n_carried = fabric->carried_first[fabric->n_components];
	uint32_t *offsets = memory_zero((size_t)n + 2, sizeof *offsets), *parts = memory_zero((size_t)n_carried + 1, sizeof *parts);
	for (uint32_t i = 0; i < n_carried; i++)
		offsets[fabric->carried[i] + 2]++;
	for (uint32_t i = 0; i < n; i++)
		offsets[i + 2] += offsets[i + 1];
	for (uint32_t c = 0; c < fabric->n_components; c++) /* offsets[l + 1] moves from the first of link l to its end */
		for (uint32_t i = fabric->carried_first[c]; i < fabric->carried_first[c + 1]; i++)
			parts[offsets[fabric->carried[i] + 1]++] = c;
	struct dimension ends = file_dimension(file, group, "component_offset", n + 1, false, ROWS_PER_CHUNK);
	struct dimension all = file_dimension(file, group, "link_component", n_carried, false, ROWS_PER_CHUNK);
	write_column(file, group, &ends, (struct variable){.name = "component_offsets", .type = VALUE_U32, .text = "into parts"},
		     offsets);
	write_column(file, group, &all, (struct variable){.name = "parts", .type = VALUE_U32,
		     .text = "rows of /components: the parts that carry each link"}, parts);
	file_close_dimension(&all);
	file_close_dimension(&ends);
	free(parts);
	free(offsets);
}

void describe_links(struct timeline_file *file, hid_t group, const struct dimension *links, const struct fabric *fabric)
{
	write_link_names(file, group, links, fabric);
	write_column(file, group, links, (struct variable){.name = "source", .type = VALUE_U32, .text = "node that sends (row of /nodes)"},
		     fabric->link_source);
	write_column(file, group, links, (struct variable){.name = "target", .type = VALUE_U32, .text = "node that receives (row of /nodes)"},
		     fabric->link_target);
	write_column(file, group, links, (struct variable){.name = "bandwidth", .type = VALUE_I64, .units = "B/s",
		     .text = "capacity as built, one direction"}, fabric->link_bandwidth);
	write_column(file, group, links, (struct variable){.name = "latency_ps", .type = VALUE_I64, .units = "ps",
		     .text = "propagation, modules, FEC, forwarding"}, fabric->link_latency_ps);
	write_column(file, group, links, (struct variable){.name = "medium", .type = VALUE_U16, .text = "kind of link (catalogue name)",
		     .meanings = fabric->kind_names, .n_meanings = fabric->n_kinds}, fabric->link_kind);
	write_column(file, group, links, (struct variable){.name = "length_m", .type = VALUE_F32, .units = "m", .text = "0: not known"},
		     fabric->link_length_m);
	if (fabric->n_components)
		write_link_components(file, group, fabric);
}

void describe_components(struct timeline_file *file, const struct fabric *fabric)
{
	uint32_t n = fabric->n_components, n_carried = n ? fabric->carried_first[n] : 0;
	static const uint32_t none[1] = {0};
	hid_t group = file_group(file, "/components", "physical parts; part c carries links carried[carried_offsets[c]] … [c + 1] - 1");
	struct dimension components = file_dimension(file, group, "component", n, false, ROWS_PER_CHUNK);
	struct dimension offsets = file_dimension(file, group, "component_offset", n + 1, false, ROWS_PER_CHUNK);
	struct dimension carried = file_dimension(file, group, "carried_link", n_carried, false, ROWS_PER_CHUNK);
	int32_t *place = memory_alloc(((size_t)n + 1) * sizeof *place);
	for (uint32_t i = 0; i < n; i++)
		place[i] = fabric->component_place[i] == FABRIC_NONE ? -1 : (int32_t)fabric->component_place[i];
	write_texts(file, group, &components, "name", "stable name", fabric->component_name);
	write_texts(file, group, &components, "kind", "catalogue name", fabric->component_kind);
	write_column(file, group, &components, (struct variable){.name = "place", .type = VALUE_I32, .text = "node it sits at, -1: none"},
		     place);
	write_column(file, group, &offsets, (struct variable){.name = "carried_offsets", .type = VALUE_U32, .text = "into carried"},
		     n ? fabric->carried_first : none);
	write_column(file, group, &carried, (struct variable){.name = "carried", .type = VALUE_U32, .text = "rows of /links"},
		     fabric->carried);
	free(place);
	file_close_dimension(&carried);
	file_close_dimension(&offsets);
	file_close_dimension(&components);
	file_close_group(group);
}

static uint32_t group_size(const struct workload *workload, uint32_t group)
{
	return workload->groups[group].ranks ? workload->groups[group].n_ranks : workload->n_ranks;
}

static uint32_t group_member(const struct workload *workload, uint32_t group, uint32_t position)
{
	return workload->groups[group].ranks ? workload->groups[group].ranks[position] : position;
}

void describe_groups(struct timeline_file *file, const struct recorder_options *options)
{
	uint32_t n = 0, n_members = 0, row = 0;
	for (uint32_t w = 0; w < options->n_workloads; w++)
		for (uint32_t g = 0; g < options->workloads[w]->n_groups; g++, n++)
			n_members += group_size(options->workloads[w], g);
	uint32_t *offsets = memory_zero((size_t)n + 1, sizeof *offsets), *members = memory_zero((size_t)n_members + 1, sizeof *members);
	int32_t *workload = memory_zero((size_t)n + 1, sizeof *workload);
	const char **names = memory_zero((size_t)n + 1, sizeof *names);
	for (uint32_t i = 0; i < options->n_workloads; i++) {
		uint32_t w = options->workload_order ? options->workload_order[i] : i;
		for (uint32_t g = 0; g < options->workloads[w]->n_groups; g++, row++) {
			uint32_t size = group_size(options->workloads[w], g);
			for (uint32_t k = 0; k < size; k++)
				members[offsets[row] + k] = group_member(options->workloads[w], g, k);
			offsets[row + 1] = offsets[row] + size;
			workload[row] = (int32_t)w;
			names[row] = options->workloads[w]->groups[g].name;
		}
	}
	hid_t group = file_group(file, "/groups", "groups of ranks; group g has members[offsets[g]] … [g + 1] - 1");
	struct dimension groups = file_dimension(file, group, "group", n, false, ROWS_PER_CHUNK);
	struct dimension ends = file_dimension(file, group, "group_offset", n + 1, false, ROWS_PER_CHUNK);
	struct dimension all = file_dimension(file, group, "member", n_members, false, ROWS_PER_CHUNK);
	write_texts(file, group, &groups, "name", "as the workload names it", names);
	write_column(file, group, &groups, (struct variable){.name = "workload", .type = VALUE_I32,
		     .text = "entry of the scenario's workload that it belongs to"}, workload);
	write_column(file, group, &ends, (struct variable){.name = "offsets", .type = VALUE_U32, .text = "into members"}, offsets);
	write_column(file, group, &all, (struct variable){.name = "members", .type = VALUE_U32, .text = "ranks of the workload, by position"},
		     members);
	file_close_dimension(&all);
	file_close_dimension(&ends);
	file_close_dimension(&groups);
	file_close_group(group);
	free(names);
	free(workload);
	free(members);
	free(offsets);
}
