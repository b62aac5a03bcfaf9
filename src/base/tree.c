#include "base/tree.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfyaml.h>

#include "base/error.h"
#include "base/text.h"

struct anchor {
	const char *name;
	struct tree_node *node;
	bool complete;           /* an alias inside its own anchor would be a loop */
};

struct reader {
	struct fy_parser *parser;
	struct arena *arena;
	struct error *err;
	const char *file;
	int place_line, place_column; /* shift of a --set value: 0 lines mean "no place" */
	uint32_t n_nodes;
	char diagnostic[512];    /* the first thing that libfyaml said */
	struct anchor anchors[64];
	uint32_t n_anchors;
};

struct tree_node *tree_new(struct arena *arena, enum tree_kind kind)
{
	struct tree_node *node = arena_alloc(arena, sizeof *node);
	node->kind = kind;
	node->text = "";
	return node;
}

struct tree_node *tree_scalar(struct arena *arena, const char *text)
{
	struct tree_node *node = tree_new(arena, TREE_SCALAR);
	node->text = arena_text(arena, text);
	return node;
}

void tree_append(struct tree_node *parent, const char *key, struct tree_node *value, struct arena *arena)
{
	if (parent->n_entries == parent->entries_capacity) { /* doubling inside the arena: what is left behind is at most as much */
		size_t capacity = parent->entries_capacity ? 2 * parent->entries_capacity : 8;
		struct tree_entry *entries = arena_array(arena, capacity, sizeof *entries);
		if (parent->n_entries)
			memcpy(entries, parent->entries, parent->n_entries * sizeof *entries);
		parent->entries = entries;
		parent->entries_capacity = capacity;
	}
	parent->entries[parent->n_entries++] = (struct tree_entry){.key = key ? arena_text(arena, key) : NULL, .line = value->line,
		.column = value->column, .value = value};
}

struct tree_node *tree_get(const struct tree_node *map, const char *key)
{
	for (uint32_t i = 0; map && map->kind == TREE_MAP && i < map->n_entries; i++)
		if (!strcmp(map->entries[i].key, key))
			return map->entries[i].value;
	return NULL;
}

int tree_fail(const struct tree_node *node, struct error *err, const char *format, ...)
{
	char message[1600];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	return error_at(err, node->file, node->line, node->column, "%s", message);
}

static struct tree_node *node_at(struct reader *reader, enum tree_kind kind, struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event);
	struct tree_node *node = tree_new(reader->arena, kind);
	node->file = reader->file;
	if (mark && reader->place_line) {
		node->line = mark->line + reader->place_line;
		node->column = mark->column + reader->place_column;
	}
	if (++reader->n_nodes > TREE_MAX_NODES) {
		tree_fail(node, reader->err, "more than %d values in one file", TREE_MAX_NODES);
		return NULL;
	}
	return node;
}

/* By its chunks: fy_token_get_text of libfyaml 0.7 loses memory on a text of many doubled quotes. */
static const char *token_text(struct reader *reader, struct fy_token *token)
{
	struct text text = TEXT_INIT;
	struct fy_token_iter *iter = token ? fy_token_iter_create(token) : NULL;
	const struct fy_iter_chunk *chunk = NULL;
	int error = 0;
	while (iter && (chunk = fy_token_iter_chunk_next(iter, chunk, &error)))
		text_add(&text, chunk->str, chunk->len);
	fy_token_iter_destroy(iter);
	char *copy = arena_alloc(reader->arena, text.length + 1);
	if (text.length)
		memcpy(copy, text.data, text.length);
	text_release(&text);
	return copy;
}

/* libfyaml hands its message over as text: "ERROR-LINE:COLUMN: MESSAGE" by the flags set in parse(). The first one counts. */
static void on_diagnostic(struct fy_diag *diag, void *user, const char *text, size_t length)
{
	struct reader *reader = user;
	(void)diag;
	if (!reader->diagnostic[0])
		snprintf(reader->diagnostic, sizeof reader->diagnostic, "%.*s", (int)length, text);
}

static void syntax_error(struct reader *reader)
{
	int line = 0, column = 0, used = 0;
	char *message = reader->diagnostic;
	message[strcspn(message, "\n")] = '\0';
	/* With a position: "<memory-@…>:3:9: error: what is wrong". */
	char *place = strstr(message, ">:");
	if (place && sscanf(place, ">:%d:%d: %n", &line, &column, &used) == 2)
		message = place + used;
	if (!strncmp(message, "error: ", 7))
		message += 7;
	if (!reader->place_line)
		line = column = 0;
	error_at(reader->err, reader->file, line, column, "not valid YAML%s%s", message[0] ? ": " : "", message);
}

static struct fy_event *next_event(struct reader *reader)
{
	struct fy_event *event = fy_parser_parse(reader->parser);
	if (!event)
		syntax_error(reader);
	return event;
}

static struct anchor *note_anchor(struct reader *reader, struct fy_token *token, struct tree_node *node)
{
	struct anchor *anchor;
	if (!token)
		return NULL;
	if (reader->n_anchors == sizeof reader->anchors / sizeof reader->anchors[0]) {
		tree_fail(node, reader->err, "more than 64 anchors in one file");
		return NULL;
	}
	anchor = &reader->anchors[reader->n_anchors++];
	*anchor = (struct anchor){.name = token_text(reader, token), .node = node};
	return anchor;
}

/* An alias becomes a copy, so that an override of one use leaves the others alone. */
static struct tree_node *copy_node(struct reader *reader, const struct tree_node *from)
{
	struct tree_node *copy = arena_alloc(reader->arena, sizeof *copy);
	*copy = *from;
	copy->entries = NULL;
	copy->n_entries = 0;
	copy->entries_capacity = 0;
	if (++reader->n_nodes > TREE_MAX_NODES) {
		tree_fail(copy, reader->err, "more than %d values in one file, aliases counted", TREE_MAX_NODES);
		return NULL;
	}
	for (uint32_t i = 0; i < from->n_entries; i++) {
		struct tree_node *value = copy_node(reader, from->entries[i].value);
		if (!value)
			return NULL;
		tree_append(copy, from->entries[i].key, value, reader->arena);
		copy->entries[i].line = from->entries[i].line;
		copy->entries[i].column = from->entries[i].column;
	}
	return copy;
}

static struct tree_node *alias_node(struct reader *reader, struct fy_event *event)
{
	const char *name = token_text(reader, event->alias.anchor);
	struct tree_node *place = node_at(reader, TREE_SCALAR, event);
	for (uint32_t i = reader->n_anchors; place && i-- > 0;)
		if (!strcmp(reader->anchors[i].name, name)) {
			if (reader->anchors[i].complete)
				return copy_node(reader, reader->anchors[i].node);
			tree_fail(place, reader->err, "alias '*%s' inside its own anchor", name);
			return NULL;
		}
	if (place)
		tree_fail(place, reader->err, "unknown alias '*%s'", name);
	return NULL;
}

static struct tree_node *read_node(struct reader *reader, struct fy_event *event, int depth);

/* Reads a key and its value into the map; `event` is the key's. */
static int read_pair(struct reader *reader, struct tree_node *map, struct fy_event *event, int depth)
{
	struct tree_node *key = node_at(reader, TREE_SCALAR, event), *value;
	struct fy_event *next;
	if (!key)
		return -1;
	if (event->type != FYET_SCALAR)
		return tree_fail(key, reader->err, "a key must be plain text");
	key->text = token_text(reader, event->scalar.value);
	if (tree_get(map, key->text))
		return tree_fail(key, reader->err, "key '%s' is given twice", key->text);
	if (!(next = next_event(reader)))
		return -1;
	value = read_node(reader, next, depth);
	fy_parser_event_free(reader->parser, next);
	if (!value)
		return -1;
	tree_append(map, key->text, value, reader->arena);
	map->entries[map->n_entries - 1].line = key->line;
	map->entries[map->n_entries - 1].column = key->column;
	return 0;
}

/* Reads the entries up to the event that ends the list or mapping. */
static int read_entries(struct reader *reader, struct tree_node *node, int depth)
{
	for (;;) {
		struct fy_event *event = next_event(reader);
		int result = 0;
		bool end;
		if (!event)
			return -1;
		end = event->type == FYET_MAPPING_END || event->type == FYET_SEQUENCE_END;
		if (!end && node->kind == TREE_MAP) {
			result = read_pair(reader, node, event, depth);
		} else if (!end) {
			struct tree_node *value = read_node(reader, event, depth);
			if (value)
				tree_append(node, NULL, value, reader->arena);
			result = value ? 0 : -1;
		}
		fy_parser_event_free(reader->parser, event);
		if (end || result)
			return result;
	}
}

static struct tree_node *read_node(struct reader *reader, struct fy_event *event, int depth)
{
	struct tree_node *node;
	struct anchor *anchor;
	if (event->type == FYET_ALIAS)
		return alias_node(reader, event);
	if (event->type == FYET_SCALAR) {
		if (!(node = node_at(reader, TREE_SCALAR, event)))
			return NULL;
		node->text = token_text(reader, event->scalar.value);
		node->quoted = fy_event_get_node_style(event) != FYNS_PLAIN;
		if ((anchor = note_anchor(reader, event->scalar.anchor, node)))
			anchor->complete = true;
		return reader->err->code ? NULL : node;
	}
	bool map = event->type == FYET_MAPPING_START;
	assert(map || event->type == FYET_SEQUENCE_START);
	if (!(node = node_at(reader, map ? TREE_MAP : TREE_LIST, event)))
		return NULL;
	if (depth >= TREE_MAX_DEPTH) {
		tree_fail(node, reader->err, "nested deeper than %d levels", TREE_MAX_DEPTH);
		return NULL;
	}
	anchor = note_anchor(reader, map ? event->mapping_start.anchor : event->sequence_start.anchor, node);
	if (reader->err->code || read_entries(reader, node, depth + 1))
		return NULL;
	if (anchor)
		anchor->complete = true;
	return node;
}

/* Stream start, document start, the node, document end, stream end. */
static struct tree_node *read_document(struct reader *reader)
{
	struct tree_node *root = NULL;
	struct fy_event *event;
	for (;;) {
		enum fy_event_type type;
		if (!(event = next_event(reader)))
			return NULL;
		type = event->type;
		if (type == FYET_DOCUMENT_START && root) {
			const struct fy_mark *mark = fy_event_start_mark(event);
			error_at(reader->err, reader->file, mark ? mark->line + 1 : 0, 1, "a second document: one file holds one");
		} else if (type >= FYET_MAPPING_START || type == FYET_SCALAR || type == FYET_ALIAS || type == FYET_SEQUENCE_START) {
			root = read_node(reader, event, 0);
		}
		fy_parser_event_free(reader->parser, event);
		if (reader->err->code)
			return NULL;
		if (type == FYET_STREAM_END)
			break;
	}
	if (!root)
		error_at(reader->err, reader->file, 0, 0, "the file is empty");
	return root;
}

/* libfyaml takes "%" at the start of any line for a directive, drops the line, and can then look for the end of a document for ever;
 * scenarios have no use for directives. */
static bool has_directive(struct reader *reader, const char *text, size_t length)
{
	int line = 1;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '%' && (!i || text[i - 1] == '\n')) {
			error_at(reader->err, reader->file, line, 1, "not valid YAML here: a line that begins with '%%' (directives are not read)");
			return true;
		}
		line += text[i] == '\n';
	}
	return false;
}

/* libfyaml reads beyond the text when it shows an error beside broken UTF-8. Lengths and continuation bytes only: what it needs. */
static bool is_broken(struct reader *reader, const char *text, size_t length)
{
	int line = 1;
	for (size_t i = 0; i < length;) {
		unsigned char c = (unsigned char)text[i];
		size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
		bool good = n && i + n <= length;
		for (size_t k = 1; good && k < n; k++)
			good = ((unsigned char)text[i + k] & 0xc0) == 0x80;
		if (!good) {
			error_at(reader->err, reader->file, line, 0, "not valid YAML: this line is no UTF-8");
			return true;
		}
		line += c == '\n';
		i += n;
	}
	return false;
}

static struct tree_node *parse(struct reader *reader, const char *text, size_t length)
{
	struct tree_node *root = NULL;
	struct error none = {0}, *err = reader->err ? reader->err : &none;
	struct fy_diag_cfg told;
	struct fy_parse_cfg config = {.flags = FYPCF_DEFAULT_VERSION_1_2};
	reader->err = err;
	if (memchr(text, '\0', length)) {
		error_at(err, reader->file, 0, 0, "holds a zero byte: not a text file");
		return NULL;
	}
	if (is_broken(reader, text, length) || has_directive(reader, text, length))
		return NULL;
	fy_diag_cfg_default(&told);
	told.fp = NULL;
	told.output_fn = on_diagnostic;
	told.user = reader;
	told.colorize = told.show_source = told.show_module = false;
	told.show_position = told.show_type = false;
	config.diag = fy_diag_create(&told);
	reader->parser = config.diag ? fy_parser_create(&config) : NULL;
	if (!reader->parser) {
		error_set(err, ERROR_HOST, "%s: libfyaml gave no parser", reader->file);
		return NULL;
	}
	if (fy_parser_set_string(reader->parser, text, length))
		syntax_error(reader);
	else
		root = read_document(reader);
	fy_parser_destroy(reader->parser);
	fy_diag_destroy(config.diag);
	return root;
}

struct tree_node *tree_parse(const char *text, size_t length, const char *file, struct arena *arena, struct error *err)
{
	struct reader reader = {.arena = arena, .err = err, .file = arena_text(arena, file), .place_line = 1, .place_column = 1};
	return parse(&reader, text, length);
}

/* --set */

/* One step of a path: a key or an index. Returns what follows, or NULL. */
static const char *path_step(const char *path, char *key, size_t size, uint32_t *index)
{
	size_t length;
	key[0] = '\0';
	if (*path == '[') {
		char *end;
		unsigned long value = strtoul(path + 1, &end, 10);
		if (path[1] < '0' || path[1] > '9' || *end != ']' || value > TREE_MAX_NODES)
			return NULL;
		*index = (uint32_t)value;
		return end + 1;
	}
	path += *path == '.';
	length = strcspn(path, ".[]=");
	if (!length || length >= size)
		return NULL;
	memcpy(key, path, length);
	key[length] = '\0';
	return path + length;
}

/* The place that the step names inside *slot; makes mappings and one more list entry where nothing is yet. */
static struct tree_node **descend(struct tree_node **slot, const char *key, uint32_t index, const char *label, struct arena *arena,
				  struct error *err)
{
	enum tree_kind wanted = key[0] ? TREE_MAP : TREE_LIST;
	if (!*slot || ((*slot)->kind == TREE_SCALAR && !(*slot)->text[0])) {
		*slot = tree_new(arena, wanted);
		(*slot)->file = label;
	}
	if ((*slot)->kind != wanted) {
		error_at(err, label, 0, 0, key[0] ? "'%s' is asked of something that is not a mapping" :
			 "an index is asked of something that is not a list%s", key);
		return NULL;
	}
	if (key[0]) {
		for (uint32_t i = 0; i < (*slot)->n_entries; i++)
			if (!strcmp((*slot)->entries[i].key, key))
				return &(*slot)->entries[i].value;
		index = (*slot)->n_entries;
	}
	if (index > (*slot)->n_entries) {
		error_at(err, label, 0, 0, "index %u is beyond the list's end (it has %u entries)", index, (*slot)->n_entries);
		return NULL;
	}
	if (index == (*slot)->n_entries) {
		struct tree_node *empty = tree_new(arena, TREE_SCALAR);
		empty->file = label;
		tree_append(*slot, key[0] ? key : NULL, empty, arena);
	}
	return &(*slot)->entries[index].value;
}

int tree_set(struct tree_node *root, const char *assignment, const char *label, struct arena *arena, struct error *err)
{
	const char *path = assignment;
	struct tree_node **slot = &root, *value;
	label = label ? arena_text(arena, label) : arena_format(arena, "--set %s", assignment);
	while (*path != '=') {
		char key[128];
		uint32_t index = 0;
		path = path_step(path, key, sizeof key, &index);
		if (!path)
			return error_at(err, label, 0, 0, "expected PATH=VALUE such as 'workload[0].collective.size=1 GiB'");
		if (!(slot = descend(slot, key, index, label, arena, err)))
			return -1;
	}
	if (slot == &root)
		return error_at(err, label, 0, 0, "expected PATH=VALUE such as 'workload[0].collective.size=1 GiB'");
	struct reader reader = {.arena = arena, .err = err, .file = label};
	value = path[1] ? parse(&reader, path + 1, strlen(path + 1)) : tree_new(arena, TREE_SCALAR);
	if (!value)
		return -1;
	value->file = label;
	*slot = value;
	return 0;
}

/* Writing */

static bool plain(const char *text)
{
	static const char first[] = "-?:,[]{}#&*!|>'\"%@` ";
	size_t length = strlen(text);
	return length && !strchr(first, text[0]) && text[length - 1] != ' ' && text[length - 1] != ':' && !strpbrk(text, "\n\t,[]{}\"") &&
	       !strstr(text, ": ") && !strstr(text, " #");
}

static void write_scalar(const struct tree_node *node, struct text *out)
{
	/* A number with a sign is plain YAML too. */
	bool number = (node->text[0] == '-' || node->text[0] == '+') && node->text[1] >= '0' && node->text[1] <= '9' && plain(node->text + 1);
	if (!node->quoted && (number || plain(node->text))) {
		text_puts(out, node->text);
		return;
	}
	text_puts(out, "\"");
	for (const char *c = node->text; *c; c++) {
		if (*c == '"' || *c == '\\')
			text_printf(out, "\\%c", *c);
		else if (*c == '\n')
			text_puts(out, "\\n");
		else if (*c == '\t')
			text_puts(out, "\\t");
		else
			text_add(out, c, 1);
	}
	text_puts(out, "\"");
}

static bool is_flat(const struct tree_node *node)
{
	for (uint32_t i = 0; i < node->n_entries; i++)
		if (node->entries[i].value->kind != TREE_SCALAR)
			return false;
	return true;
}

static void write_flow(const struct tree_node *node, bool bare, struct text *out)
{
	if (node->kind == TREE_SCALAR) {
		if (bare)
			text_puts(out, node->text);
		else
			write_scalar(node, out);
		return;
	}
	text_puts(out, node->kind == TREE_MAP ? "{" : "[");
	for (uint32_t i = 0; i < node->n_entries; i++) {
		text_puts(out, i ? ", " : "");
		if (node->kind == TREE_MAP)
			text_printf(out, "%s: ", node->entries[i].key);
		write_flow(node->entries[i].value, bare, out);
	}
	text_puts(out, node->kind == TREE_MAP ? "}" : "]");
}

void tree_flow(const struct tree_node *node, struct text *out) { write_flow(node, true, out); }

static void write_block(const struct tree_node *node, int indent, struct text *out)
{
	for (uint32_t i = 0; i < node->n_entries; i++) {
		const struct tree_node *value = node->entries[i].value;
		bool inline_value = value->kind == TREE_SCALAR || !value->n_entries || (is_flat(value) && indent > 0) || value->kind == TREE_LIST;
		bool block_list = value->kind == TREE_LIST && value->n_entries && !is_flat(value);
		if (node->kind == TREE_MAP)
			text_printf(out, "%*s%s:", indent, "", node->entries[i].key);
		else
			text_printf(out, "%*s-", indent, "");
		if (inline_value && !block_list) {
			text_puts(out, " ");
			write_flow(value, false, out);
			text_puts(out, "\n");
		} else {
			text_puts(out, "\n");
			write_block(value, indent + 2, out);
		}
	}
}

void tree_write(const struct tree_node *node, struct text *out)
{
	if (node->kind == TREE_SCALAR) {
		write_scalar(node, out);
		text_puts(out, "\n");
	} else {
		write_block(node, 0, out);
	}
}
