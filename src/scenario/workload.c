/* The list `workload` of a scenario: reading its entries. What becomes of them is build.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "scenario/scenario.h"

int scenario_read_workload(struct scenario *scenario, const struct section_reader *reader);

/* `algorithm: {msccl: FILE}` is short for `algorithm: msccl, file: FILE`. */
static int spell_out_msccl(const struct section_reader *reader, struct tree_node *collective)
{
	struct tree_node *algorithm = tree_get(collective, "algorithm");
	if (!algorithm || algorithm->kind != TREE_MAP)
		return 0;
	struct tree_node *file = tree_get(algorithm, "msccl");
	if (!file || algorithm->n_entries != 1 || file->kind != TREE_SCALAR)
		return tree_fail(algorithm, reader->err, "'algorithm' must be a name or {msccl: FILE}");
	if (tree_get(collective, "file"))
		return tree_fail(algorithm, reader->err, "'algorithm: {msccl: FILE}' and 'file' both name a schedule");
	for (uint32_t i = 0; i < collective->n_entries; i++)
		if (collective->entries[i].value == algorithm)
			collective->entries[i].value = tree_scalar(reader->arena, "msccl");
	tree_append(collective, "file", file, reader->arena);
	return 0;
}

static int read_collective(const struct section_reader *reader, struct scenario_entry *entry)
{
	struct scenario_collective *collective = &entry->collective;
	struct tree_node *node = entry->kind_nodes[ENTRY_COLLECTIVE];
	struct error local = {0};
	collective->bytes = -1;
	if ((node->kind == TREE_MAP && spell_out_msccl(reader, node)) || section_read(reader, &section_collective, node, collective))
		return -1;
	if (collective_kind_find(collective->kind_name, &collective->kind, &local))
		return tree_fail(tree_get(node, "kind"), reader->err, "%s", local.message);
	if (collective->bytes < 0 && collective->kind != COLLECTIVE_BARRIER)
		return tree_fail(node, reader->err, "'size' is missing in collective");
	if (collective->bytes < 0)
		collective->bytes = 0;
	if (strcmp(collective->algorithm, "auto") && !collective_algorithm_find(collective->algorithm, collective->kind, &local))
		return tree_fail(tree_get(node, "algorithm"), reader->err, "%s", local.message);
	if (collective->protocol && !protocol_find(collective->protocol, &local))
		return tree_fail(tree_get(node, "protocol"), reader->err, "%s", local.message);
	if (collective->dims.n > 8 || collective->levels.n > 8)
		return tree_fail(node, reader->err, "more than 8 levels in 'dims' or 'levels'");
	return 0;
}

static int read_messages(const struct section_reader *reader, struct scenario_entry *entry)
{
	const struct tree_node *list = entry->kind_nodes[ENTRY_MESSAGES];
	if (list->kind != TREE_LIST)
		return tree_fail(list, reader->err, "'messages' must be a list such as [{from: 0, to: 1, size: 1 MiB}]");
	entry->messages = arena_array(reader->arena, list->n_entries + 1, sizeof *entry->messages);
	for (uint32_t i = 0; i < list->n_entries; i++) {
		struct scenario_message *message = &entry->messages[entry->n_messages++];
		if (section_read(reader, &section_message, list->entries[i].value, message))
			return -1;
		if (message->from == message->to)
			return tree_fail(list->entries[i].value, reader->err, "a message from rank %lld to itself", (long long)message->from);
	}
	return 0;
}

static int read_pipeline(const struct section_reader *reader, struct scenario_entry *entry)
{
	struct scenario_pipeline *pipeline = &entry->pipeline;
	struct tree_node *node = entry->kind_nodes[ENTRY_PIPELINE];
	struct error local = {0};
	pipeline->backward_ps = pipeline->weight_ps = -1;
	if (section_read(reader, &section_pipeline, node, pipeline))
		return -1;
	if (strcmp(pipeline->algorithm, "auto") && !collective_algorithm_find(pipeline->algorithm, COLLECTIVE_ALL_REDUCE, &local))
		return tree_fail(tree_get(node, "algorithm"), reader->err, "%s", local.message);
	if (pipeline->protocol && !protocol_find(pipeline->protocol, &local))
		return tree_fail(tree_get(node, "protocol"), reader->err, "%s", local.message);
	return 0;
}

static int read_path(const struct section_reader *reader, struct scenario_entry *entry)
{
	entry->path.step = -1;
	if (section_read(reader, &section_path_kind, entry->kind_nodes[entry->kind], &entry->path))
		return -1;
	for (uint32_t i = 0; i < entry->path.paths.n; i++)
		entry->path.paths.values[i] = section_path(reader, entry->path.paths.values[i]);
	return 0;
}

static int read_kind(const struct section_reader *reader, struct scenario_entry *entry)
{
	int n = 0;
	for (int kind = 0; kind < ENTRY_KINDS; kind++)
		if (entry->kind_nodes[kind]) {
			entry->kind = (enum entry_kind)kind;
			n++;
		}
	if (n != 1)
		return tree_fail(entry->node, reader->err, "an entry of workload has exactly one of collective, pipeline, trace, program, flows, "
				 "messages; this one has %s", n ? "several" : "none");
	/* The others say themselves who does what how often. */
	if (entry->kind != ENTRY_COLLECTIVE && (entry->ranks || entry->repeat != 1))
		return tree_fail(entry->ranks ? entry->ranks : tree_get(entry->node, "repeat"), reader->err,
				 "'%s' is offered for collectives only", entry->ranks ? "ranks" : "repeat");
	switch (entry->kind) {
	case ENTRY_COLLECTIVE: return read_collective(reader, entry);
	case ENTRY_MESSAGES: return read_messages(reader, entry);
	case ENTRY_TRACE:
	case ENTRY_PROGRAM:
	case ENTRY_FLOWS: return read_path(reader, entry);
	case ENTRY_PIPELINE: return read_pipeline(reader, entry);
	case ENTRY_KINDS: break;
	}
	return 0;
}

/* `after` names an entry; itself or a cycle could never start. */
static int resolve_after(struct scenario *scenario, struct scenario_entry *entry, struct error *err)
{
	entry->after_index = -1;
	if (!entry->after)
		return 0;
	for (uint32_t i = 0; i < scenario->n_entries; i++)
		if (scenario->entries[i].name && !strcmp(scenario->entries[i].name, entry->after))
			entry->after_index = (int)i;
	if (entry->after_index < 0)
		return tree_fail(tree_get(entry->node, "after"), err, "no entry of workload has the name '%s'", entry->after);
	return 0;
}

static int check_after(const struct scenario *scenario, const struct scenario_entry *entry, struct error *err)
{
	uint32_t steps = 0;
	for (int at = entry->after_index; at >= 0; at = scenario->entries[at].after_index)
		if (++steps > scenario->n_entries)
			return tree_fail(tree_get(entry->node, "after"), err, "'after' leads in a circle: '%s' waits for itself", entry->after);
	return 0;
}

int scenario_read_workload(struct scenario *scenario, const struct section_reader *reader)
{
	const struct tree_node *list = scenario->workload_node;
	if (list->kind != TREE_LIST || !list->n_entries)
		return tree_fail(list, reader->err, "'workload' must be a list with at least one entry");
	scenario->entries = arena_array(&scenario->arena, list->n_entries, sizeof *scenario->entries);
	scenario->n_entries = list->n_entries;
	for (uint32_t i = 0; i < list->n_entries; i++) {
		struct scenario_entry *entry = &scenario->entries[i];
		entry->node = list->entries[i].value;
		if (section_read(reader, &section_entry, entry->node, entry) || read_kind(reader, entry))
			return -1;
		for (uint32_t j = 0; entry->name && j < i; j++)
			if (scenario->entries[j].name && !strcmp(scenario->entries[j].name, entry->name))
				return tree_fail(tree_get(entry->node, "name"), reader->err, "two entries have the name '%s'", entry->name);
	}
	for (uint32_t i = 0; i < list->n_entries; i++)
		if (resolve_after(scenario, &scenario->entries[i], reader->err))
			return -1;
	for (uint32_t i = 0; i < list->n_entries; i++)
		if (check_after(scenario, &scenario->entries[i], reader->err))
			return -1;
	return 0;
}

/* Sets of ranks */

struct rank_range { int64_t first, last, stride; };

static int parse_range(const struct tree_node *node, struct rank_range *range, struct error *err)
{
	char *end = NULL;
	bool good = node->kind == TREE_SCALAR && node->text[0] >= '0' && node->text[0] <= '9';
	if (good) {
		range->first = range->last = strtoll(node->text, &end, 10);
		range->stride = 1;
		if (*end == '-')
			range->last = strtoll(end + 1, &end, 10);
		if (*end == '/')
			range->stride = strtoll(end + 1, &end, 10);
		good = !*end && range->first <= range->last && range->stride > 0 && range->last < FABRIC_MAX_NPUS;
	}
	if (!good)
		return tree_fail(node, err, "ranks are written as '5', '0-63' or '0-63/8', or a list of those, below %u", FABRIC_MAX_NPUS);
	return 0;
}

int scenario_ranks_needed(const struct tree_node *node, int64_t *needed, struct error *err)
{
	uint32_t n = node->kind == TREE_LIST ? node->n_entries : 1;
	*needed = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct rank_range range;
		if (parse_range(node->kind == TREE_LIST ? node->entries[i].value : node, &range, err))
			return -1;
		if (range.last + 1 > *needed)
			*needed = range.last + 1;
	}
	return 0;
}

int scenario_ranks(const struct tree_node *node, uint32_t n_ranks, struct arena *arena, uint32_t **ranks, uint32_t *n, struct error *err)
{
	uint32_t n_items = node->kind == TREE_LIST ? node->n_entries : 1;
	bool *seen = arena_array(arena, n_ranks + 1, sizeof *seen);
	*ranks = arena_array(arena, n_ranks + 1, sizeof **ranks);
	*n = 0;
	for (uint32_t i = 0; i < n_items; i++) {
		const struct tree_node *item = node->kind == TREE_LIST ? node->entries[i].value : node;
		struct rank_range range;
		if (parse_range(item, &range, err))
			return -1;
		for (int64_t rank = range.first; rank <= range.last; rank += range.stride) {
			if (rank >= n_ranks)
				return tree_fail(item, err, "rank %lld does not exist (there are %u, from 0)", (long long)rank, n_ranks);
			if (seen[rank])
				return tree_fail(item, err, "rank %lld is named twice", (long long)rank);
			seen[rank] = true;
			(*ranks)[(*n)++] = (uint32_t)rank;
		}
	}
	if (!*n)
		return tree_fail(node, err, "no ranks are named");
	return 0;
}
