/* A YAML document as a tree whose nodes know their place, so that every message about a scenario can say file, line and column.
 * Overrides of the command line (`--set workload[0].collective.size=1GiB`) are applied on the tree before anything reads it. */
#ifndef WEFT_BASE_TREE_H
#define WEFT_BASE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

struct error;
struct text;

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree_node;
struct tree_entry {
	const char *key;         /* NULL in a list */
	int line, column;        /* of the key; of the value in a list */
	struct tree_node *value;
};

struct tree_node {
	enum tree_kind kind;
	const char *text;        /* of a scalar, "" when empty */
	bool quoted;
	const char *file;        /* or "--set PATH=VALUE", then line = 0 */
	int line, column;        /* from 1 */
	struct tree_entry *entries;
	uint32_t n_entries;
	size_t entries_capacity;
};

/* Limits: a document beyond them is refused, whatever aliases would make of it. */
#define TREE_MAX_DEPTH 32
#define TREE_MAX_NODES 1000000

/* Parses one YAML document; nodes live in the arena (entries arrays too). `file` is the name for messages. NULL and an error when
 * it is not YAML, holds several documents, or gives a key twice. */
struct tree_node *tree_parse(const char *text, size_t length, const char *file, struct arena *arena, struct error *err);
/* Applies "PATH=VALUE": PATH is keys and [index] steps, VALUE is YAML. Missing mappings are made; an index may be the length of
 * the list, which appends. `label` stands for it in messages; NULL: "--set PATH=VALUE". */
int tree_set(struct tree_node *root, const char *assignment, const char *label, struct arena *arena, struct error *err);

struct tree_node *tree_get(const struct tree_node *map, const char *key); /* NULL when absent */
struct tree_node *tree_scalar(struct arena *arena, const char *text);
struct tree_node *tree_new(struct arena *arena, enum tree_kind kind);
void tree_append(struct tree_node *parent, const char *key, struct tree_node *value, struct arena *arena);
/* error_at with the node's place. */
int tree_fail(const struct tree_node *node, struct error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Back to YAML: block style above, flow style for lists of scalars and mappings that fit on a line. */
void tree_write(const struct tree_node *node, struct text *out);
/* On one line in flow style, scalars unquoted: "[4, 4, 8]": how a list reaches a topology parameter. */
void tree_flow(const struct tree_node *node, struct text *out);

#endif
