#include "scenario/section.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"

#define MAX_NAMES 64

const char *section_path(const struct section_reader *reader, const char *path)
{
	if (path[0] == '/' || !reader->directory || !reader->directory[0])
		return arena_text(reader->arena, path);
	return arena_format(reader->arena, "%s/%s", reader->directory, path);
}

static enum quantity quantity_of(enum key_type type)
{
	switch (type) {
	case KEY_BYTES: return QUANTITY_BYTES;
	case KEY_TIME: return QUANTITY_TIME;
	case KEY_RATE: return QUANTITY_RATE;
	default: return QUANTITY_COUNT;
	}
}

/* Whether value lies in "low..high"; either end may be empty. The table is ours, so its ends parse. */
static bool in_range(const char *range, enum quantity quantity, int64_t value)
{
	const char *dots = range ? strstr(range, "..") : NULL;
	char low[64];
	int64_t end;
	if (!dots)
		return true;
	snprintf(low, sizeof low, "%.*s", (int)(dots - range), range);
	if (low[0] && (units_parse_integer(low, quantity, &end, NULL) || value < end))
		return false;
	return !dots[2] || (!units_parse_integer(dots + 2, quantity, &end, NULL) && value <= end);
}

static int read_integer(const struct section_reader *reader, const struct section_key *key, const struct tree_node *value, int64_t *out)
{
	struct error local = {0};
	enum quantity quantity = quantity_of(key->type);
	if (value->kind != TREE_SCALAR)
		return tree_fail(value, reader->err, "'%s' must be %s", key->name, units_expected(quantity));
	if (units_parse_integer(value->text, quantity, out, &local))
		return tree_fail(value, reader->err, "%s: %s", key->name, local.message);
	if (!in_range(key->range, quantity, *out))
		return tree_fail(value, reader->err, "'%s' is '%s', outside %s", key->name, value->text, key->range);
	return 0;
}

static int read_ratio(const struct section_reader *reader, const struct section_key *key, const struct tree_node *value, double *out)
{
	struct error local = {0};
	const char *dots = key->range ? strstr(key->range, "..") : NULL;
	if (value->kind != TREE_SCALAR)
		return tree_fail(value, reader->err, "'%s' must be %s", key->name, units_expected(QUANTITY_RATIO));
	if (units_parse(value->text, QUANTITY_RATIO, out, &local))
		return tree_fail(value, reader->err, "%s: %s", key->name, local.message);
	if (dots && !(*out >= atof(key->range) && *out <= atof(dots + 2))) /* "0..1": sscanf would take "0." for the first */
		return tree_fail(value, reader->err, "'%s' is '%s', outside %s", key->name, value->text, key->range);
	return 0;
}

static int read_bool(const struct section_reader *reader, const struct section_key *key, const struct tree_node *value, bool *out)
{
	bool yes = value->kind == TREE_SCALAR && !strcmp(value->text, "true");
	if (!yes && (value->kind != TREE_SCALAR || strcmp(value->text, "false")))
		return tree_fail(value, reader->err, "'%s' must be true or false", key->name);
	*out = yes;
	return 0;
}

/* Cuts "a|b|c" into names in the arena. */
static size_t split_names(struct arena *arena, const char *range, const char **names)
{
	size_t n = 0;
	for (const char *at = range; n < MAX_NAMES;) {
		size_t length = strcspn(at, "|");
		names[n++] = arena_format(arena, "%.*s", (int)length, at);
		if (!at[length])
			break;
		at += length + 1;
	}
	return n;
}

static int read_choice(const struct section_reader *reader, const struct section_key *key, const struct tree_node *value, int *out)
{
	const char *names[MAX_NAMES];
	char known[512];
	size_t n = split_names(reader->arena, key->range, names);
	for (size_t i = 0; value->kind == TREE_SCALAR && i < n; i++)
		if (!strcmp(names[i], value->text)) {
			*out = (int)i;
			return 0;
		}
	if (value->kind != TREE_SCALAR)
		return tree_fail(value, reader->err, "'%s' must be one of %s", key->name, key->range);
	return tree_fail(value, reader->err, "unknown %s '%s'%s", key->name, value->text, text_known(known, sizeof known, value->text, names, n));
}

static int read_text(const struct section_reader *reader, const struct section_key *key, const struct tree_node *value, const char **out)
{
	if (value->kind != TREE_SCALAR || !value->text[0])
		return tree_fail(value, reader->err, "'%s' must be text", key->name);
	*out = key->type == KEY_PATH ? section_path(reader, value->text) : value->text;
	return 0;
}

static int read_counts(const struct section_reader *reader, const struct section_key *key, const struct tree_node *value, struct counts *out)
{
	out->n = value->kind == TREE_LIST ? value->n_entries : 1;
	out->values = arena_array(reader->arena, out->n ? out->n : 1, sizeof *out->values);
	if (value->kind != TREE_LIST)
		return read_integer(reader, key, value, out->values);
	for (uint32_t i = 0; i < out->n; i++)
		if (read_integer(reader, key, value->entries[i].value, &out->values[i]))
			return -1;
	return 0;
}

static int read_texts(const struct section_reader *reader, const struct section_key *key, const struct tree_node *value, struct texts *out)
{
	out->n = value->kind == TREE_LIST ? value->n_entries : 1;
	out->values = arena_array(reader->arena, out->n ? out->n : 1, sizeof *out->values);
	if (value->kind != TREE_LIST)
		return read_text(reader, key, value, out->values);
	for (uint32_t i = 0; i < out->n; i++)
		if (read_text(reader, key, value->entries[i].value, &out->values[i]))
			return -1;
	return 0;
}

int section_read_value(const struct section_reader *reader, const struct section_key *key, struct tree_node *value, void *field)
{
	switch (key->type) {
	case KEY_COUNT:
	case KEY_BYTES:
	case KEY_TIME:
	case KEY_RATE: return read_integer(reader, key, value, field);
	case KEY_RATIO: return read_ratio(reader, key, value, field);
	case KEY_BOOL: return read_bool(reader, key, value, field);
	case KEY_CHOICE: return read_choice(reader, key, value, field);
	case KEY_TEXT:
	case KEY_PATH: return read_text(reader, key, value, field);
	case KEY_COUNTS: return read_counts(reader, key, value, field);
	case KEY_TEXTS: return read_texts(reader, key, value, field);
	case KEY_NODE: break;
	}
	*(struct tree_node **)field = value;
	return 0;
}

int section_unknown_key(const struct tree_node *map, const struct tree_entry *entry, const char *where, const char *const *names, size_t n,
			struct error *err)
{
	char known[512];
	return error_at(err, entry->value->line ? map->file : entry->value->file, entry->line, entry->column, "unknown key '%s' in %s%s",
			entry->key, where, text_known(known, sizeof known, entry->key, names, n));
}

static const struct section_key *find_key(const struct section *section, const char *name)
{
	for (const struct section_key *key = section->keys; key->name; key++)
		if (!strcmp(key->name, name))
			return key;
	return NULL;
}

static int check_names(const struct section_reader *reader, const struct section *section, const struct tree_node *map)
{
	const char *names[MAX_NAMES];
	size_t n = 0;
	for (const struct section_key *key = section->keys; key->name && n < MAX_NAMES; key++)
		names[n++] = key->name;
	for (uint32_t i = 0; i < map->n_entries; i++)
		if (!find_key(section, map->entries[i].key))
			return section_unknown_key(map, &map->entries[i], section->name, names, n, reader->err);
	return 0;
}

int section_read(const struct section_reader *reader, const struct section *section, struct tree_node *map, void *out)
{
	if (map->kind != TREE_MAP)
		return tree_fail(map, reader->err, "'%s' must be a mapping of keys to values", section->name);
	if (check_names(reader, section, map))
		return -1;
	for (const struct section_key *key = section->keys; key->name; key++) {
		struct tree_node *value = tree_get(map, key->name);
		if (!value && !key->default_value)
			return tree_fail(map, reader->err, "'%s' is missing in %s", key->name, section->name);
		if (!value && !key->default_value[0])
			continue;
		if (!value) {
			value = tree_scalar(reader->arena, key->default_value);
			value->file = map->file;
			value->line = map->line;
			value->column = map->column;
			tree_append(map, key->name, value, reader->arena);
		}
		if (section_read_value(reader, key, value, (char *)out + key->offset))
			return -1;
	}
	return 0;
}

static const char *const type_names[] = {
	[KEY_COUNT] = "count", [KEY_BYTES] = "size", [KEY_TIME] = "time", [KEY_RATE] = "bandwidth", [KEY_RATIO] = "ratio", [KEY_BOOL] = "true or false",
	[KEY_CHOICE] = "choice", [KEY_TEXT] = "text", [KEY_PATH] = "path", [KEY_COUNTS] = "list of counts", [KEY_TEXTS] = "list of names",
	[KEY_NODE] = "see below",
};

/* A '|' would end the table's cell. */
static void document_range(const char *range, struct text *out)
{
	for (const char *c = range ? range : ""; *c; c++)
		text_puts(out, *c == '|' ? ", " : (char[]){*c, '\0'});
}

void section_document(const struct section *section, struct text *out)
{
	text_printf(out, "### %s\n\n%s\n\n| key | type | default | range | meaning |\n|---|---|---|---|---|\n", section->name, section->text);
	for (const struct section_key *key = section->keys; key->name; key++) {
		text_printf(out, "| `%s` | %s | %s | ", key->name, type_names[key->type],
			    !key->default_value ? "required" : key->default_value[0] ? key->default_value : "–");
		document_range(key->range, out);
		text_printf(out, " | %s |\n", key->text);
	}
	text_puts(out, "\n");
}
