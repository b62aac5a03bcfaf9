#include "fabric/graph.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/tree.h"
#include "base/units.h"
#include "fabric/build.h"

#define LIMIT_BYTES ((size_t)256 << 20)

static const char *const kinds[] = {"npu", "switch", "nic", "cpu", "circuit-switch"};
const char graph_node_kinds[] = "npu, switch, nic, cpu, circuit-switch";

int graph_node_kind(const char *name)
{
	if (!*name)
		return WEFT_NODE_NPU;
	for (int i = 0; i < WEFT_NODE_KINDS; i++)
		if (!strcmp(kinds[i], name))
			return i;
	return -1;
}

/* `scalars`: every value must be one. */
static int check_keys(const struct tree_node *map, const char *what, bool scalars, const char *const *keys, size_t n, struct error *err)
{
	char known[512];
	if (map->kind != TREE_MAP)
		return tree_fail(map, err, "%s must be a mapping", what);
	for (uint32_t i = 0; i < map->n_entries; i++) {
		const struct tree_entry *entry = &map->entries[i];
		bool found = false;
		for (size_t k = 0; k < n; k++)
			found |= !strcmp(entry->key, keys[k]);
		if (!found)
			return error_at(err, map->file, entry->line, entry->column, "%s has no key '%s'%s", what, entry->key,
					text_known(known, sizeof known, entry->key, keys, n));
		if (scalars && entry->value->kind != TREE_SCALAR)
			return tree_fail(entry->value, err, "'%s' must be one value", entry->key);
	}
	return 0;
}

/* A whole number from low to high, or `otherwise` when the key is absent. */
static int read_count(const struct tree_node *map, const char *key, int64_t low, int64_t high, int64_t otherwise, int64_t *value,
	struct error *err)
{
	const struct tree_node *node = tree_get(map, key);
	struct error why = {0};
	*value = otherwise;
	if (!node)
		return 0;
	if (units_parse_integer(node->text, QUANTITY_COUNT, value, &why))
		return tree_fail(node, err, "'%s': %s", key, why.message);
	if (*value < low || *value > high)
		return tree_fail(node, err, "'%s' is '%s' (range: %lld..%lld)", key, node->text, (long long)low, (long long)high);
	return 0;
}

static const char *read_text(const struct tree_node *map, const char *key, const char *otherwise)
{
	const struct tree_node *node = tree_get(map, key);
	return node ? node->text : otherwise;
}

static int add_nodes(struct weft_builder *b, const struct tree_node *map, struct error *err)
{
	static const char *const keys[] = {"name", "count", "kind", "role", "rack", "tray", "slot", "plane"};
	const char *name = read_text(map, "name", NULL);
	int64_t count, rack, tray, slot, plane;
	if (check_keys(map, "a node", true, keys, sizeof keys / sizeof *keys, err) ||
	    read_count(map, "count", 1, FABRIC_MAX_NPUS, 0, &count, err) || read_count(map, "rack", 0, INT32_MAX, -1, &rack, err) ||
	    read_count(map, "tray", 0, INT32_MAX, -1, &tray, err) || read_count(map, "slot", 0, INT32_MAX, -1, &slot, err) ||
	    read_count(map, "plane", 0, INT32_MAX, -1, &plane, err))
		return -1;
	if (!name || !*name)
		return tree_fail(map, err, "a node has no 'name'");
	int kind = graph_node_kind(read_text(map, "kind", ""));
	if (kind < 0)
		return tree_fail(tree_get(map, "kind"), err, "unknown kind of node '%s' (known: %s)", read_text(map, "kind", ""),
				 graph_node_kinds);
	for (int64_t i = 0; i < (count ? count : 1); i++) {
		char full[128];
		snprintf(full, sizeof full, count ? "%s%lld" : "%s", name, (long long)i);
		struct weft_node node = {.kind = (enum weft_node_kind)kind, .name = full, .role = read_text(map, "role", NULL),
			.rack = (int32_t)rack, .tray = (int32_t)tray, .slot = (int32_t)slot, .plane = (int32_t)plane};
		if (b->add_node(b, &node) == WEFT_NONE) {
			error_prefix(err, "%s:%d:%d", map->file, map->line, map->column);
			return -1;
		}
	}
	return 0;
}

/* Ids of the nodes that a name or pattern means; NULL with an error when there is none. */
static uint32_t *find_nodes(struct weft_builder *b, const struct tree_node *map, const char *key, uint32_t *n, struct error *err)
{
	const struct build *build = (const struct build *)b;
	const struct fabric *fabric = build->shared->fabric;
	const struct tree_node *node = tree_get(map, key);
	uint32_t *found = NULL, id;
	size_t capacity = 0;
	*n = 0;
	if (!node) {
		tree_fail(map, err, "a link has no '%s'", key);
		return NULL;
	}
	if (!strpbrk(node->text, "*?")) {
		if ((id = build_find_node(build, node->text)) != WEFT_NONE) {
			ARRAY_RESERVE(found, 1, capacity);
			found[(*n)++] = id;
		}
	} else {
		for (id = 0; id < fabric->n_nodes - build->first_node; id++) {
			if (!text_matches(node->text, fabric->node_name[build->first_node + id] + strlen(build->prefix)))
				continue;
			ARRAY_RESERVE(found, (size_t)*n + 1, capacity);
			found[(*n)++] = id;
		}
	}
	if (*n == 0)
		tree_fail(node, err, "no node is called '%s'", node->text);
	return found;
}

static int read_link(const struct tree_node *map, struct weft_link *link, struct error *err)
{
	static const char *const needed[] = {"bandwidth", "latency"};
	int64_t *const values[] = {&link->bandwidth_bytes_per_s, &link->latency_ps};
	const enum quantity quantities[] = {QUANTITY_RATE, QUANTITY_TIME};
	struct error why = {0};
	for (int i = 0; i < 2; i++) {
		const struct tree_node *node = tree_get(map, needed[i]);
		if (!node)
			return tree_fail(map, err, "a link has no '%s'", needed[i]);
		if (units_parse_integer(node->text, quantities[i], values[i], &why))
			return tree_fail(node, err, "'%s': %s", needed[i], why.message);
	}
	if (link->bandwidth_bytes_per_s <= 0)
		return tree_fail(tree_get(map, "bandwidth"), err, "'bandwidth' must be above 0");
	const struct tree_node *length = tree_get(map, "length");
	if (length && units_parse(length->text, QUANTITY_LENGTH, &link->length_m, &why))
		return tree_fail(length, err, "'length': %s", why.message);
	link->kind = read_text(map, "kind", NULL);
	return 0;
}

static int add_links(struct weft_builder *b, const struct tree_node *map, struct error *err)
{
	static const char *const keys[] = {"from", "to", "bandwidth", "latency", "kind", "length", "count", "both"};
	struct weft_link link = {0};
	int64_t count;
	uint32_t n_from = 0, n_to = 0, *from = NULL, *to = NULL;
	int status = -1;
	if (check_keys(map, "a link", true, keys, sizeof keys / sizeof *keys, err) || read_link(map, &link, err) ||
	    read_count(map, "count", 1, 65536, 1, &count, err))
		return -1;
	const char *both = read_text(map, "both", "true");
	if (strcmp(both, "true") && strcmp(both, "false"))
		return tree_fail(tree_get(map, "both"), err, "'both' is '%s' (known: true, false)", both);
	uint32_t (*add)(struct weft_builder *, const struct weft_link *) = strcmp(both, "true") ? b->add_link : b->add_cable;
	if (!(from = find_nodes(b, map, "from", &n_from, err)) || !(to = find_nodes(b, map, "to", &n_to, err)))
		goto cleanup;
	for (uint64_t i = 0; i < (uint64_t)n_from * n_to; i++) {
		link.source = from[i / n_to];
		link.target = to[i % n_to];
		bool twice = add == b->add_cable && n_from > 1 && n_to > 1 && link.source > link.target &&
			     !strcmp(read_text(map, "from", ""), read_text(map, "to", ""));
		for (int64_t k = 0; k < count && link.source != link.target && !twice; k++)
			if (add(b, &link) == WEFT_NONE)
				goto cleanup;
	}
	status = 0;
cleanup:
	free(from);
	free(to);
	return status;
}

static int add_all(struct weft_builder *b, const struct tree_node *root, const char *key,
	int (*add)(struct weft_builder *, const struct tree_node *, struct error *), struct error *err)
{
	const struct tree_node *list = tree_get(root, key);
	if (!list || list->kind != TREE_LIST || !list->n_entries)
		return tree_fail(list ? list : root, err, "the graph needs a list '%s'", key);
	for (uint32_t i = 0; i < list->n_entries; i++)
		if (add(b, list->entries[i].value, err))
			return -1;
	return 0;
}

int graph_build(struct weft_builder *b, const char *path, struct error *err)
{
	static const char *const keys[] = {"nodes", "links"};
	struct arena arena = ARENA_INIT;
	size_t length;
	char *text = text_read_file(path, LIMIT_BYTES, &length, err);
	if (!text)
		return -1;
	struct tree_node *root = tree_parse(text, length, path, &arena, err);
	int status = !root || check_keys(root, "the graph", false, keys, 2, err) || add_all(b, root, "nodes", add_nodes, err) ||
		     add_all(b, root, "links", add_links, err) ? -1 : 0;
	arena_release(&arena);
	free(text);
	return status;
}
