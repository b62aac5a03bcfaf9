#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/error.h"
#include "base/text.h"
#include "workload/format.h"
#include "workload/format_scan.h"

struct name_entry {
	char *name; /* in the text that is read */
	uint32_t id;
	UT_hash_handle hh;
};

/* A dependency on an operation that is written further down. */
struct pending {
	uint32_t dep; /* index into program->deps */
	char *label;
	int line, column;
};

struct reader {
	struct scan scan;
	struct workload *workload;
	struct name_entry *groups, *slots, *labels, *names;
	uint32_t program;         /* NONE: before the first */
	uint8_t *has_program;     /* [n_ranks] */
	struct numbers numbers;   /* scratch */
	uint32_t *deps;           /* scratch */
	uint32_t n_deps;
	size_t deps_capacity;
	struct pending *pending;  /* of this program; also those of the operation at hand, with `dep` relative to it */
	uint32_t n_pending, n_settled;
	size_t pending_capacity;
	bool ranks_known;
};
#define NONE UINT32_MAX
#define MAX_RANKS (1 << 20)

static void name_put(struct name_entry **table, char *name, uint32_t id)
{
	struct name_entry *entry = memory_zero(1, sizeof *entry);
	entry->name = name;
	entry->id = id;
	HASH_ADD_KEYPTR(hh, *table, name, strlen(name), entry);
}

static struct name_entry *name_find(struct name_entry *table, const char *name)
{
	struct name_entry *entry;
	HASH_FIND_STR(table, name, entry);
	return entry;
}

static void names_free(struct name_entry **table)
{
	struct name_entry *entry, *next;
	HASH_ITER(hh, *table, entry, next) {
		HASH_DEL(*table, entry);
		free(entry);
	}
}

static int unknown_name(struct reader *reader, int column, const char *what, const char *wrong, struct name_entry *table)
{
	const char *names[64];
	size_t n = 0;
	for (struct name_entry *entry = table; entry && n < 64; entry = entry->hh.next)
		names[n++] = entry->name;
	return scan_unknown(&reader->scan, column, what, wrong, names, n);
}

/* Lines before the first program */

static int need_word(struct reader *reader, struct word *word, const char *what)
{
	int got = scan_word(&reader->scan, word);
	if (got == 0)
		return scan_fail(&reader->scan, (int)(reader->scan.at - reader->scan.line_text) + 1, "%s is missing", what);
	return got < 0 ? -1 : 0;
}

static int read_ranks(struct reader *reader)
{
	struct word word;
	int64_t n;
	if (reader->ranks_known)
		return scan_fail(&reader->scan, 1, "'ranks' is there twice");
	if (need_word(reader, &word, "the number of ranks") ||
	    scan_number(&reader->scan, word.column, "a number of ranks", word.text, 1, MAX_RANKS, &n))
		return -1;
	struct workload *workload = reader->workload;
	workload->n_ranks = (uint32_t)n;
	workload->rank_program = arena_array(&workload->arena, (size_t)n, sizeof *workload->rank_program);
	reader->has_program = memory_zero((size_t)n, 1);
	reader->ranks_known = true;
	return 0;
}

static int read_group(struct reader *reader)
{
	struct word name, ranks;
	reader->numbers.n = 0;
	if (need_word(reader, &name, "the group's name") || need_word(reader, &ranks, "the group's ranks"))
		return -1;
	if (name_find(reader->groups, name.text))
		return scan_fail(&reader->scan, name.column, "group '%.64s' is there twice", name.text);
	bool all = !strcmp(ranks.text, "all");
	if (!all && scan_numbers(&reader->scan, ranks.column, "a rank", ranks.text, reader->workload->n_ranks, &reader->numbers))
		return -1;
	uint32_t id = workload_add_group(reader->workload, name.text, all ? NULL : reader->numbers.list, reader->numbers.n);
	name_put(&reader->groups, name.text, id);
	return 0;
}

/* `slot NAME GROUP…`: the groups by name, or their numbers in order of appearance. */
static int read_slot(struct reader *reader)
{
	struct workload *workload = reader->workload;
	struct word name, word;
	int got;
	if (need_word(reader, &name, "the slot's name"))
		return -1;
	if (name_find(reader->slots, name.text))
		return scan_fail(&reader->scan, name.column, "slot '%.64s' is there twice", name.text);
	uint32_t slot = HASH_COUNT(reader->slots), n_slots = slot + 1, *groups = workload->rank_groups;
	uint32_t *positions = workload->rank_positions;
	if (slot == UINT16_MAX - 1)
		return scan_fail(&reader->scan, name.column, "too many slots");
	workload_set_slots(workload, n_slots);
	for (uint32_t rank = 0; rank < workload->n_ranks; rank++)
		for (uint32_t s = 0; s < slot; s++) {
			workload->rank_groups[(size_t)rank * n_slots + s] = groups[(size_t)rank * slot + s];
			workload->rank_positions[(size_t)rank * n_slots + s] = positions[(size_t)rank * slot + s];
		}
	name_put(&reader->slots, name.text, slot);
	reader->numbers.n = 0;
	while ((got = scan_word(&reader->scan, &word)) > 0) {
		struct name_entry *group = name_find(reader->groups, word.text);
		uint32_t first = reader->numbers.n;
		if (group) {
			ARRAY_RESERVE(reader->numbers.list, first + 1, reader->numbers.capacity);
			reader->numbers.list[reader->numbers.n++] = group->id;
		} else if (*word.text < '0' || *word.text > '9') {
			return unknown_name(reader, word.column, "group", word.text, reader->groups);
		} else if (scan_numbers(&reader->scan, word.column, "a group", word.text, workload->n_groups, &reader->numbers)) {
			return -1;
		}
		for (uint32_t i = first; i < reader->numbers.n; i++)
			workload_assign_slot(workload, slot, reader->numbers.list[i], 1);
	}
	return got;
}

static char *keep(struct reader *reader, const char *text) { return arena_text(&reader->workload->arena, text); }

static int read_header_line(struct reader *reader, const struct word *keyword)
{
	static const char *const keywords[] = {"ranks", "name", "algorithm", "protocol", "jitter", "numbered", "group", "slot", "program"};
	struct workload *workload = reader->workload;
	struct word word;
	int64_t number;
	if (!strcmp(keyword->text, "ranks"))
		return read_ranks(reader);
	if (!reader->ranks_known)
		return scan_fail(&reader->scan, keyword->column, "'ranks' must come before '%.64s'", keyword->text);
	if (!strcmp(keyword->text, "group"))
		return read_group(reader);
	if (!strcmp(keyword->text, "slot"))
		return read_slot(reader);
	size_t k = 0;
	while (k < 6 && strcmp(keyword->text, keywords[k]))
		k++;
	if (k == 6)
		return scan_unknown(&reader->scan, keyword->column, "line", keyword->text, keywords, sizeof keywords / sizeof *keywords);
	if (need_word(reader, &word, "the value"))
		return -1;
	switch (k) {
	case 1: workload->name = keep(reader, word.text); return 0;
	case 2: workload->algorithm = keep(reader, word.text); return 0;
	case 3: workload->protocol = keep(reader, word.text); return 0;
	case 5:
		if (scan_number(&reader->scan, word.column, "a number of messages", word.text, 0, INT32_MAX, &number))
			return -1;
		workload->n_numbered = (uint64_t)number;
		return 0;
	default: {
		char *end;
		workload->jitter = strtod(word.text, &end);
		if (end == word.text || *end || !(workload->jitter >= 0 && workload->jitter <= 1))
			return scan_fail(&reader->scan, word.column, "'%.64s' is not a jitter from 0 to 1", word.text);
		return 0;
	}
	}
}

/* Programs */

static struct program *program_of(struct reader *reader) { return &reader->workload->programs[reader->program]; }

static int settle_labels(struct reader *reader)
{
	for (uint32_t i = 0; i < reader->n_pending; i++) {
		struct pending *pending = &reader->pending[i];
		struct name_entry *label = name_find(reader->labels, pending->label);
		if (!label) {
			reader->scan.line = pending->line;
			return unknown_name(reader, pending->column, "operation", pending->label, reader->labels);
		}
		program_of(reader)->deps[pending->dep] |= label->id;
	}
	reader->n_pending = reader->n_settled = 0;
	names_free(&reader->labels);
	return 0;
}

static int read_program(struct reader *reader)
{
	static const char *const keys[] = {"ranks", "order"}, *const orders[] = {"program", "ready"};
	struct workload *workload = reader->workload;
	struct word word;
	int got;
	bool ready = false, any = false;
	if (!reader->ranks_known)
		return scan_fail(&reader->scan, 1, "'ranks' must come before 'program'");
	if (reader->program != NONE && settle_labels(reader))
		return -1;
	reader->program = workload_add_program(workload);
	while ((got = scan_word(&reader->scan, &word)) > 0) {
		if (!strcmp(word.text, "ranks") && word.value) {
			reader->numbers.n = 0;
			any = true;
			if (scan_numbers(&reader->scan, word.value_column, "a rank", word.value, workload->n_ranks, &reader->numbers))
				return -1;
			for (uint32_t i = 0; i < reader->numbers.n; i++) {
				uint32_t rank = reader->numbers.list[i];
				if (reader->has_program[rank]++)
					return scan_fail(&reader->scan, word.value_column, "rank %u has a program already", rank);
				workload->rank_program[rank] = reader->program;
			}
		} else if (!strcmp(word.text, "order") && word.value) {
			ready = !strcmp(word.value, "ready");
			if (!ready && strcmp(word.value, "program"))
				return scan_unknown(&reader->scan, word.value_column, "order", word.value, orders, 2);
		} else {
			return scan_unknown(&reader->scan, word.column, "key", word.text, keys, 2);
		}
	}
	if (!got && !any)
		return scan_fail(&reader->scan, 1, "the program has no 'ranks='");
	program_of(reader)->ready_order = ready;
	return got;
}

/* Operations */

enum key {
	KEY_STREAM, KEY_AFTER, KEY_NAME, KEY_RECORDED, KEY_NODE, KEY_ITERATION, /* of every operation */
	KEY_HOST,                                                               /* compute */
	KEY_TO, KEY_FROM, KEY_TAG, KEY_NIC, KEY_RENDEZVOUS,                     /* send, receive */
	KEY_IN, KEY_ROOT, KEY_ALGORITHM, KEY_PROTOCOL, KEY_CHANNELS, KEY_BIDIRECTIONAL, KEY_CHUNK, KEY_DIMS, KEY_LEVELS, KEY_COUNTS,
	KEY_FILE, KEY_CIRCUITS,                                                 /* collectives */
	KEYS
};
static const char *const key_names[KEYS] = {
	"stream", "after", "name", "recorded", "node", "iteration", "host", "to", "from", "tag", "nic", "rendezvous", "in", "root",
	"algorithm", "protocol", "channels", "bidirectional", "chunk", "dims", "levels", "counts", "file",
	"circuits",
};
#define BIT(key) (1u << (key))
#define KEYS_COMMON (BIT(KEY_STREAM) | BIT(KEY_AFTER) | BIT(KEY_NAME) | BIT(KEY_RECORDED) | BIT(KEY_NODE) | BIT(KEY_ITERATION))
#define KEYS_FLAGS (BIT(KEY_HOST) | BIT(KEY_RENDEZVOUS) | BIT(KEY_BIDIRECTIONAL))
static const uint32_t keys_of[OP_KINDS] = {
	[OP_COMPUTE] = KEYS_COMMON | BIT(KEY_HOST),
	[OP_SEND] = KEYS_COMMON | BIT(KEY_TO) | BIT(KEY_TAG) | BIT(KEY_NIC) | BIT(KEY_RENDEZVOUS),
	[OP_RECEIVE] = KEYS_COMMON | BIT(KEY_FROM) | BIT(KEY_TAG) | BIT(KEY_NIC),
	[OP_COLLECTIVE] = KEYS_COMMON | (BIT(KEYS) - BIT(KEY_IN)),
	[OP_WAIT] = KEYS_COMMON,
};

struct line {
	struct op op;
	struct collective_call call;
	struct op_origin origin;
	bool has_origin, has_peer, has_slot;
};

/* "3", "-1" (the operation before), a label; "start:" before it: its start is enough. */
static int read_after(struct reader *reader, const struct word *word)
{
	uint32_t self = program_of(reader)->n_ops;
	for (char *at = word->value; at;) {
		char *next = strchr(at, ',');
		int column = word->value_column + (int)(at - word->value);
		uint32_t start = 0;
		int64_t number;
		if (next)
			*next++ = '\0';
		if (!strncmp(at, "start:", 6)) {
			start = DEP_START;
			at += 6;
			column += 6;
		}
		ARRAY_RESERVE(reader->deps, reader->n_deps + 1, reader->deps_capacity);
		if (*at == '-' || (*at >= '0' && *at <= '9')) {
			if (scan_number(&reader->scan, column, "an operation", at, *at == '-' ? -(int64_t)self : 0, INT32_MAX, &number))
				return -1;
			reader->deps[reader->n_deps++] = (uint32_t)(*at == '-' ? number + self : number) | start;
		} else {
			ARRAY_RESERVE(reader->pending, reader->n_pending + 1, reader->pending_capacity);
			reader->pending[reader->n_pending++] = (struct pending){reader->n_deps, at, reader->scan.line, column};
			reader->deps[reader->n_deps++] = start;
		}
		at = next;
	}
	return 0;
}

static int find_slot(struct reader *reader, int column, const char *name, uint16_t *slot)
{
	struct name_entry *entry = name_find(reader->slots, name);
	if (!entry)
		return unknown_name(reader, column, "slot", name, reader->slots);
	*slot = (uint16_t)entry->id;
	return 0;
}

/* "3" a rank, "+1@pipe" so many positions on in the slot's group, "2@pipe" a position in it, "any". */
static int read_peer(struct reader *reader, const struct word *word, struct op *op)
{
	char *at = strchr(word->value, '@');
	int64_t number;
	op->group_slot = PEER_ABSOLUTE;
	if (op->kind == OP_RECEIVE && !strcmp(word->value, "any")) {
		op->peer = ANY_SOURCE;
		return 0;
	}
	if (at) {
		*at = '\0';
		if (find_slot(reader, word->value_column + (int)(at - word->value) + 1, at + 1, &op->group_slot))
			return -1;
		bool offset = *word->value == '+' || *word->value == '-';
		op->flags |= offset ? 0 : OP_PEER_INDEX;
		if (scan_number(&reader->scan, word->value_column, "a position", word->value, offset ? -MAX_RANKS : 0, MAX_RANKS, &number))
			return -1;
	} else if (scan_number(&reader->scan, word->value_column, "a rank", word->value, 0, (int64_t)reader->workload->n_ranks - 1,
			       &number)) {
		return -1;
	}
	op->peer = (int32_t)number;
	return 0;
}

/* "10us..25us"; a side that is not known is "?". */
static int read_recorded(struct reader *reader, const struct word *word, struct op_origin *origin)
{
	char *dots = strstr(word->value, "..");
	if (!dots)
		return scan_fail(&reader->scan, word->value_column, "'%.64s' is not two times such as '10us..25us'", word->value);
	*dots = '\0';
	int column = word->value_column + (int)(dots - word->value) + 2;
	if (strcmp(word->value, "?") &&
	    scan_quantity(&reader->scan, word->value_column, word->value, QUANTITY_TIME, &origin->recorded_start_ps))
		return -1;
	if (strcmp(dots + 2, "?") && scan_quantity(&reader->scan, column, dots + 2, QUANTITY_TIME, &origin->recorded_end_ps))
		return -1;
	return 0;
}

static int read_name(struct reader *reader, char *name, uint32_t *index)
{
	struct name_entry *known = name_find(reader->names, name);
	if (!known) {
		name_put(&reader->names, name, workload_add_name(reader->workload, name));
		known = name_find(reader->names, name);
	}
	*index = known->id;
	return 0;
}

static int read_list(struct reader *reader, const struct word *word, char separator, struct collective_call *call, bool levels)
{
	uint32_t n = 0;
	for (char *at = word->value; at; n++) {
		char *next = strchr(at, separator);
		int64_t number;
		if (next)
			*next++ = '\0';
		if (n == 8)
			return scan_fail(&reader->scan, word->value_column, "more than 8 values");
		if (levels) {
			call->levels[n] = strcmp(at, "-") ? keep(reader, at) : NULL;
		} else {
			if (scan_number(&reader->scan, word->value_column, "a size", at, 1, MAX_RANKS, &number))
				return -1;
			call->dims[n] = (uint32_t)number;
		}
		at = next;
	}
	if (!levels)
		call->n_dims = n;
	return 0;
}

/* n × n byte counts, row by row, separated by commas. */
static int read_counts(struct reader *reader, const struct word *word, struct collective_call *call)
{
	size_t n = 1;
	for (const char *at = word->value; (at = strchr(at, ',')); at++)
		n++;
	int64_t *counts = arena_array(&reader->workload->arena, n, sizeof *counts);
	char *at = word->value;
	for (size_t i = 0; i < n; i++) {
		char *next = strchr(at, ',');
		if (next)
			*next++ = '\0';
		if (scan_quantity(&reader->scan, word->value_column + (int)(at - word->value), at, QUANTITY_BYTES, &counts[i]))
			return -1;
		at = next;
	}
	call->counts = counts;
	call->n_counts = n;
	return 0;
}

static int read_number_into(struct reader *reader, const struct word *word, const char *what, int64_t least, int64_t most, int64_t *out)
{
	return scan_number(&reader->scan, word->value_column, what, word->value, least, most, out);
}

static int read_call_key(struct reader *reader, enum key key, const struct word *word, struct line *line)
{
	struct collective_call *call = &line->call;
	int64_t number = 0;
	switch (key) {
	case KEY_ROOT:
		if (read_number_into(reader, word, "a position", 0, MAX_RANKS, &number))
			return -1;
		call->root = (uint32_t)number;
		return 0;
	case KEY_CHANNELS:
		if (read_number_into(reader, word, "a number of channels", 0, 1024, &number))
			return -1;
		call->channels = (uint32_t)number;
		return 0;
	case KEY_CHUNK: return scan_quantity(&reader->scan, word->value_column, word->value, QUANTITY_BYTES, &call->chunk_bytes);
	case KEY_ALGORITHM: call->algorithm = keep(reader, word->value); return 0;
	case KEY_PROTOCOL: call->protocol = keep(reader, word->value); return 0;
	case KEY_FILE: call->file = keep(reader, word->value); return 0;
	case KEY_CIRCUITS: call->circuits = keep(reader, word->value); return 0;
	case KEY_DIMS: return read_list(reader, word, 'x', call, false);
	case KEY_LEVELS: return read_list(reader, word, ',', call, true);
	case KEY_COUNTS: return read_counts(reader, word, call);
	case KEY_BIDIRECTIONAL: call->bidirectional = true; return 0;
	default:
		line->has_slot = true;
		return find_slot(reader, word->value_column, word->value, &line->op.group_slot);
	}
}

static int read_key(struct reader *reader, enum key key, const struct word *word, struct line *line)
{
	int64_t number = 0;
	switch (key) {
	case KEY_STREAM:
		if (!strcmp(word->value, "none"))
			line->op.stream = STREAM_NONE;
		else if (read_number_into(reader, word, "a stream", 0, 4095, &number))
			return -1;
		else
			line->op.stream = (uint16_t)number;
		return 0;
	case KEY_AFTER: return read_after(reader, word);
	case KEY_NAME: return read_name(reader, word->value, &line->op.name);
	case KEY_RECORDED:
		line->has_origin = true;
		return read_recorded(reader, word, &line->origin);
	case KEY_NODE:
		line->has_origin = true;
		return read_number_into(reader, word, "a node", -1, INT64_MAX, &line->origin.trace_node);
	case KEY_ITERATION:
		line->has_origin = true;
		if (read_number_into(reader, word, "an iteration", -1, INT32_MAX, &number))
			return -1;
		line->origin.iteration = (int32_t)number;
		return 0;
	case KEY_HOST: line->op.flags |= OP_HOST; return 0;
	case KEY_RENDEZVOUS: line->op.flags |= OP_RENDEZVOUS; return 0;
	case KEY_TO:
	case KEY_FROM:
		line->has_peer = true;
		return read_peer(reader, word, &line->op);
	case KEY_TAG:
		if (line->op.kind == OP_RECEIVE && !strcmp(word->value, "any"))
			number = ANY_TAG;
		else if (read_number_into(reader, word, "a tag", INT32_MIN, INT32_MAX - 1, &number))
			return -1;
		line->op.tag = (int32_t)number;
		return 0;
	case KEY_NIC:
		if (read_number_into(reader, word, "an adapter", 0, 255, &number))
			return -1;
		line->op.nic = (uint8_t)number;
		return 0;
	default: return read_call_key(reader, key, word, line);
	}
}

static int read_op_keys(struct reader *reader, struct line *line)
{
	struct word word;
	int got;
	uint32_t seen = 0;
	while ((got = scan_word(&reader->scan, &word)) > 0) {
		int key = 0;
		while (key < KEYS && strcmp(word.text, key_names[key]))
			key++;
		if (key == KEYS || !(keys_of[line->op.kind] & BIT(key))) {
			const char *names[KEYS];
			size_t n = 0;
			for (int k = 0; k < KEYS; k++)
				if (keys_of[line->op.kind] & BIT(k))
					names[n++] = key_names[k];
			return scan_unknown(&reader->scan, word.column, "key", word.text, names, n);
		}
		if (seen & BIT(key))
			return scan_fail(&reader->scan, word.column, "'%s' is there twice", word.text);
		seen |= BIT(key);
		if (!word.value != !!(BIT(key) & KEYS_FLAGS))
			return scan_fail(&reader->scan, word.column, word.value ? "'%s' takes no value" : "'%s' needs a value: '%s=…'",
					 word.text, word.text);
		if (read_key(reader, (enum key)key, &word, line))
			return -1;
	}
	return got;
}

static int read_kind(struct reader *reader, const struct word *word, struct line *line)
{
	const char *names[OP_KINDS + COLLECTIVE_KINDS + 1];
	size_t n = 0;
	for (int k = 0; k < OP_KINDS; k++) {
		if (k == OP_COLLECTIVE)
			continue;
		if (!strcmp(word->text, op_kind_names[k])) {
			line->op.kind = (uint8_t)k;
			line->op.stream = k == OP_COMPUTE || k == OP_WAIT ? STREAM_COMPUTE : 1;
			return 0;
		}
		names[n++] = op_kind_names[k];
	}
	line->op.kind = OP_COLLECTIVE;
	line->op.stream = 1;
	if (!collective_kind_find(word->text, &line->call.kind, NULL))
		return 0;
	for (int k = 0; k < COLLECTIVE_KINDS; k++)
		names[n++] = collective_kind_names[k];
	names[n++] = "program";
	return scan_unknown(&reader->scan, word->column, "operation", word->text, names, n);
}

static bool same_call(const struct collective_call *a, const struct collective_call *b)
{
	struct collective_call x = *a, y = *b; /* texts are kept once per line: compared as such */
	x.algorithm = y.algorithm = x.protocol = y.protocol = x.file = y.file = x.circuits = y.circuits = NULL;
	return !memcmp(&x, &y, sizeof x) && !strcmp(a->algorithm ? a->algorithm : "", b->algorithm ? b->algorithm : "") &&
	       !strcmp(a->protocol ? a->protocol : "", b->protocol ? b->protocol : "") &&
	       !strcmp(a->file ? a->file : "", b->file ? b->file : "") &&
	       !strcmp(a->circuits ? a->circuits : "", b->circuits ? b->circuits : "");
}

/* Programs repeat their calls: the last few are looked through. */
static uint32_t intern_call(struct program *program, const struct collective_call *call)
{
	for (uint32_t back = 1; back <= 16 && back <= program->n_calls; back++)
		if (same_call(&program->calls[program->n_calls - back], call))
			return program->n_calls - back;
	return program_add_call(program, call);
}

static void add_op(struct reader *reader, struct line *line)
{
	struct program *program = program_of(reader);
	if (line->op.kind == OP_COLLECTIVE)
		line->op.amount = intern_call(program, &line->call);
	uint32_t index = program_add(program, &line->op, reader->deps, reader->n_deps);
	for (; reader->n_settled < reader->n_pending; reader->n_settled++)
		reader->pending[reader->n_settled].dep += program->ops[index].first_dep;
	if (!line->has_origin && !program->origins)
		return;
	size_t known = program->origins_capacity;
	ARRAY_RESERVE(program->origins, program->n_ops, program->origins_capacity);
	for (size_t i = known; i < program->origins_capacity; i++)
		program->origins[i] = (struct op_origin){-1, TIME_NEVER, TIME_NEVER, -1};
	program->origins[index] = line->origin;
}

static int check_op(struct reader *reader, const struct word *keyword, const struct line *line)
{
	if ((line->op.kind == OP_SEND || line->op.kind == OP_RECEIVE) && !line->has_peer)
		return scan_fail(&reader->scan, keyword->column, "'%s' needs '%s='", keyword->text,
				 line->op.kind == OP_SEND ? "to" : "from");
	if (line->op.kind == OP_COLLECTIVE && !line->has_slot) {
		if (reader->workload->n_slots != 1)
			return scan_fail(&reader->scan, keyword->column, "'%s' needs 'in=SLOT'", keyword->text);
	}
	return 0;
}

static int read_op(struct reader *reader, struct word *keyword)
{
	struct line line = {.origin = {-1, TIME_NEVER, TIME_NEVER, -1}};
	struct word amount;
	size_t length = strlen(keyword->text);
	reader->n_deps = 0;
	if (keyword->text[length - 1] == ':') {
		keyword->text[length - 1] = '\0';
		char first = keyword->text[0];
		if (first == '-' || (first >= '0' && first <= '9') || !strcmp(keyword->text, "start"))
			return scan_fail(&reader->scan, keyword->column, "'%.64s' cannot be a label", keyword->text);
		if (name_find(reader->labels, keyword->text))
			return scan_fail(&reader->scan, keyword->column, "label '%.64s' is there twice", keyword->text);
		name_put(&reader->labels, keyword->text, program_of(reader)->n_ops);
		if (need_word(reader, keyword, "the operation"))
			return -1;
	}
	if (read_kind(reader, keyword, &line))
		return -1;
	bool barrier = line.op.kind == OP_COLLECTIVE && line.call.kind == COLLECTIVE_BARRIER;
	if (!barrier) {
		bool time = line.op.kind == OP_COMPUTE || line.op.kind == OP_WAIT;
		int64_t *out = line.op.kind == OP_COLLECTIVE ? &line.call.bytes : &line.op.amount;
		if (need_word(reader, &amount, time ? "the duration" : "the size") ||
		    scan_quantity(&reader->scan, amount.column, amount.text, time ? QUANTITY_TIME : QUANTITY_BYTES, out))
			return -1;
	}
	if (read_op_keys(reader, &line) || check_op(reader, keyword, &line))
		return -1;
	add_op(reader, &line);
	return 0;
}

static int read_first_line(struct reader *reader)
{
	struct word magic, version;
	int64_t number;
	if (!scan_line(&reader->scan))
		return scan_fail(&reader->scan, 1, "the file is empty (expected '%s %d')", FORMAT_MAGIC, FORMAT_VERSION);
	if (scan_word(&reader->scan, &magic) != 1 || strcmp(magic.text, FORMAT_MAGIC))
		return scan_fail(&reader->scan, 1, "not a weft program (expected '%s %d')", FORMAT_MAGIC, FORMAT_VERSION);
	if (need_word(reader, &version, "the version"))
		return -1;
	return scan_number(&reader->scan, version.column, "a known version", version.text, 1, FORMAT_VERSION, &number);
}

static int read_lines(struct reader *reader)
{
	struct word word;
	if (read_first_line(reader))
		return -1;
	while (scan_line(&reader->scan)) {
		if (scan_word(&reader->scan, &word) < 0)
			return -1;
		int result = !strcmp(word.text, "program") ? read_program(reader) :
			reader->program == NONE ? read_header_line(reader, &word) : read_op(reader, &word);
		if (result < 0)
			return -1;
		struct word extra;
		if (scan_word(&reader->scan, &extra))
			return scan_fail(&reader->scan, extra.column, "'%.64s' is too much on this line", extra.text);
	}
	if (!reader->ranks_known)
		return scan_fail(&reader->scan, 1, "there is no line 'ranks N'");
	if (reader->program != NONE && settle_labels(reader))
		return -1;
	reader->scan.line = 0; /* what is missing has no place */
	for (uint32_t rank = 0; rank < reader->workload->n_ranks; rank++)
		if (!reader->has_program[rank])
			return scan_fail(&reader->scan, 0, "rank %u has no program", rank);
	return 0;
}

int workload_parse(struct workload *workload, char *text, const char *file, struct error *err)
{
	struct reader reader = {.scan = {.file = file, .next = text, .err = err}, .workload = workload, .program = NONE};
	workload_init(workload, 0);
	int result = read_lines(&reader);
	if (!result && workload_verify(workload, err))
		result = error_prefix(err, "%s", file);
	names_free(&reader.groups);
	names_free(&reader.slots);
	names_free(&reader.labels);
	names_free(&reader.names);
	free(reader.has_program);
	free(reader.numbers.list);
	free(reader.deps);
	free(reader.pending);
	if (result)
		workload_release(workload);
	return result;
}

int workload_read(struct workload *workload, const char *path, struct error *err)
{
	size_t length;
	char *text = text_read_file(path, SIZE_MAX / 4, &length, err);
	if (!text)
		return -1;
	size_t mark = length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0; /* an editor's byte order mark */
	int result = workload_parse(workload, text + mark, path, err);
	free(text);
	return result;
}

bool workload_recognise(const char *bytes, size_t length)
{
	size_t magic = strlen(FORMAT_MAGIC);
	return length > magic && !memcmp(bytes, FORMAT_MAGIC, magic) && (bytes[magic] == ' ' || bytes[magic] == '\t');
}
