/* Tables of keys: what a scenario may say, declared once. The reader checks against them, defaults come from them, and the
 * reference in docs/scenario.md is printed from them (`weft run --keys`). */
#ifndef WEFT_SCENARIO_SECTION_H
#define WEFT_SCENARIO_SECTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/tree.h"

struct error;
struct text;

enum key_type {           /* what the field at `offset` is */
	KEY_COUNT,        /* int64_t: a whole number */
	KEY_BYTES,        /* int64_t */
	KEY_TIME,         /* int64_t, picoseconds */
	KEY_RATE,         /* int64_t, bytes per second */
	KEY_RATIO,        /* double: a bare number or '5 %' */
	KEY_BOOL,         /* bool */
	KEY_CHOICE,       /* int: index into the names of `range`, "a|b|c" */
	KEY_TEXT,         /* const char * */
	KEY_PATH,         /* const char *, made relative to the scenario's folder */
	KEY_COUNTS,       /* struct counts: a list of whole numbers, or one */
	KEY_TEXTS,        /* struct texts: a list of words, or one */
	KEY_NODE,         /* const struct tree_node *: has its own section or form */
};

struct counts { int64_t *values; uint32_t n; };
struct texts { const char **values; uint32_t n; };

struct section_key {
	const char *name;
	enum key_type type;
	const char *default_value; /* as a user would write it; NULL: must be given; "": none, the field keeps its value */
	const char *range;         /* "1..64", "1 B..1 PiB", "..": ends take the unit; choices "a|b|c"; NULL: anything */
	const char *text;          /* one line for people */
	size_t offset;
};

struct section {
	const char *name;          /* "output": in messages and as a heading */
	const char *text;
	const struct section_key *keys; /* ends with a NULL name */
};

/* Who reads: where paths start, and who keeps what is read. */
struct section_reader {
	struct arena *arena;
	const char *directory;
	struct error *err;
};

/* Reads a mapping into *out and writes the defaults it took into the tree, which so becomes the resolved scenario. */
int section_read(const struct section_reader *reader, const struct section *section, struct tree_node *map, void *out);
/* Reads one value. */
int section_read_value(const struct section_reader *reader, const struct section_key *key, struct tree_node *value, void *field);
/* Refuses a key that is not in the list of names. */
int section_unknown_key(const struct tree_node *map, const struct tree_entry *entry, const char *where, const char *const *names, size_t n,
			struct error *err);
/* The table as Markdown, for docs/scenario.md. */
void section_document(const struct section *section, struct text *out);
/* "s.yaml's folder" + relative path; absolute paths stay. */
const char *section_path(const struct section_reader *reader, const char *path);

#endif
