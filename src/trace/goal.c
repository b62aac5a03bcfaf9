#include "trace/goal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"
#include "trace/formats.h"
#include "trace/lines.h"

#define LIMIT_BYTES ((size_t)4 << 30)
#define LIMIT_RANKS (1 << 20)
#define LIMIT_NIC 255

struct label {
	uint64_t hash;
	uint32_t op, rank_mark; /* belongs to the current rank only if the mark does */
};

struct edge {
	uint32_t after, before; /* `after` waits for `before`, which may carry DEP_START */
};

struct reader {
	const char *path, *data, *at, *end, *line_start;
	int line;
	struct workload *w;
	struct error *err;
	struct label *labels; /* open addressing; emptied by changing rank_mark */
	uint32_t n_labels, labels_size, rank_mark;
	struct edge *edges;
	size_t n_edges, edges_capacity;
};

/* Without the locale's tables: most of a file's time is spent here. */
static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_word(char c)
{
	char lower = (char)(c | 0x20);
	return (lower >= 'a' && lower <= 'z') || is_digit(c) || c == '_';
}

static int column(const struct reader *r) { return (int)(r->at - r->line_start) + 1; }

static int wrong(struct reader *r, const char *what, const char *expected)
{
	char subject[40];
	size_t n = 0;
	for (; r->at + n < r->end && n < sizeof subject - 1 && !isspace((unsigned char)r->at[n]); n++)
		subject[n] = isprint((unsigned char)r->at[n]) ? r->at[n] : '?';
	subject[n] = '\0';
	return error_at(r->err, r->path, r->line, column(r), "%s '%s' (expected %s)", what, n ? subject : "end of line", expected);
}

static int skip_comment(struct reader *r)
{
	int line = r->line, start = column(r);
	if (r->at[1] == '/') {
		while (r->at < r->end && *r->at != '\n')
			r->at++;
		return 0;
	}
	for (r->at += 2; r->at + 1 < r->end && !(r->at[0] == '*' && r->at[1] == '/'); r->at++)
		if (*r->at == '\n') {
			r->line++;
			r->line_start = r->at + 1;
		}
	if (r->at + 1 >= r->end)
		return error_at(r->err, r->path, line, start, "comment is not closed (expected '*/')");
	r->at += 2;
	return 0;
}

static int skip_more(struct reader *r)
{
	while (r->at < r->end) {
		char c = *r->at;
		if (!is_space(c)) {
			if (c != '/' || r->at + 1 >= r->end || (r->at[1] != '/' && r->at[1] != '*'))
				break;
			if (skip_comment(r))
				return -1;
			continue;
		}
		r->at++;
		if (c == '\n') {
			r->line++;
			r->line_start = r->at;
		}
	}
	return 0;
}

static int skip_space(struct reader *r)
{
	return r->at < r->end && *r->at > '/' ? 0 : skip_more(r); /* mostly there is a word */
}

static size_t word_length(const struct reader *r)
{
	size_t n = 0;
	while (r->at + n < r->end && is_word(r->at[n]))
		n++;
	return n;
}

static bool take_word(struct reader *r, const char *word)
{
	size_t n;
	if (skip_space(r) || r->at >= r->end || *r->at != *word)
		return false;
	n = strlen(word);
	if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) || (r->at + n < r->end && is_word(r->at[n])))
		return false;
	r->at += n;
	return true;
}

static bool take_char(struct reader *r, char c)
{
	if (skip_space(r) || r->at >= r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

/* A whole number up to `limit`; with `any`, -1 and 2^32 - 1 (how files store it) both give -1. */
static int take_number(struct reader *r, int64_t limit, bool any, int64_t *value)
{
	if (skip_space(r))
		return -1;
	if (any && r->end - r->at >= 2 && !memcmp(r->at, "-1", 2) && !(r->end - r->at > 2 && isalnum((unsigned char)r->at[2]))) {
		r->at += 2;
		*value = -1;
		return 0;
	}
	if (r->at >= r->end || !isdigit((unsigned char)*r->at))
		return wrong(r, "there is no number at", "a whole number");
	const char *first = r->at;
	for (*value = 0; r->at < r->end && is_digit(*r->at); r->at++) {
		int digit = *r->at - '0';
		if (*value > (limit - digit) / 10) {
			r->at = first;
			return error_at(r->err, r->path, r->line, column(r), "the number is above the limit of %lld", (long long)limit);
		}
		*value = *value * 10 + digit;
	}
	if (any && *value == UINT32_MAX)
		*value = -1;
	return 0;
}

static uint64_t hash_word(const char *word, size_t n)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)word[i]) * UINT64_C(1099511628211);
	return hash;
}

/* The label's slot: its own, or the free one where it would go. */
static struct label *find_label(const struct reader *r, uint64_t hash)
{
	uint32_t i = (uint32_t)(random_mix(hash) >> 32) & (r->labels_size - 1);
	while (r->labels[i].rank_mark == r->rank_mark && r->labels[i].hash != hash)
		i = (i + 1) & (r->labels_size - 1);
	return &r->labels[i];
}

static void grow_labels(struct reader *r)
{
	struct label *old = r->labels;
	uint32_t old_size = r->labels_size;
	if (r->n_labels * 2 < old_size)
		return;
	r->labels_size = old_size ? old_size * 2 : 1024;
	r->labels = memory_zero(r->labels_size, sizeof *r->labels);
	for (uint32_t i = 0; i < old_size; i++)
		if (old[i].rank_mark == r->rank_mark)
			*find_label(r, old[i].hash) = old[i];
	free(old);
}

static int read_options(struct reader *r, struct op *op, bool message)
{
	for (;;) { /* in any order, though the grammar has one */
		int64_t value;
		if (message && take_word(r, "tag")) {
			if (take_number(r, UINT32_MAX, true, &value))
				return -1;
			op->tag = value == -1 ? ANY_TAG : (int32_t)(uint32_t)value;
		} else if (take_word(r, "cpu")) {
			if (take_number(r, STREAM_NONE - 1, false, &value))
				return -1;
			op->stream = (uint16_t)value;
		} else if (message && take_word(r, "nic")) {
			if (take_number(r, LIMIT_NIC, false, &value))
				return -1;
			op->nic = (uint8_t)value;
		} else {
			return r->err->code ? -1 : 0;
		}
	}
}

static int read_message(struct reader *r, struct op *op, bool send)
{
	int64_t peer;
	op->kind = send ? OP_SEND : OP_RECEIVE;
	if (take_number(r, INT64_MAX / 16, false, &op->amount))
		return -1;
	if (r->at >= r->end || *r->at++ != 'b')
		return wrong(r, "the bytes do not end in 'b' at", "a size such as '8b'");
	if (!take_word(r, send ? "to" : "from"))
		return wrong(r, "found", send ? "'to RANK'" : "'from RANK'");
	skip_space(r);
	int line = r->line, at = column(r);
	if (take_number(r, UINT32_MAX, true, &peer))
		return -1;
	if (peer == -1 && !send)
		op->peer = ANY_SOURCE;
	else if (peer < 0 || peer >= r->w->n_ranks)
		return error_at(r->err, r->path, line, at, "rank '%lld' does not exist (num_ranks is %u)", (long long)peer, r->w->n_ranks);
	else
		op->peer = (int32_t)peer;
	return read_options(r, op, true);
}

static int read_calc(struct reader *r, struct op *op)
{
	int64_t ns;
	if (take_number(r, INT64_MAX / PS_PER_NS, false, &ns))
		return -1;
	op->kind = OP_COMPUTE;
	op->amount = ns * PS_PER_NS;
	return read_options(r, op, false);
}

/* 1: an operation was read, 0: there is none here, -1: it is wrong. */
static int read_operation(struct reader *r, struct op *op)
{
	*op = (struct op){.group_slot = PEER_ABSOLUTE};
	if (take_word(r, "send"))
		return read_message(r, op, true) ? -1 : 1;
	if (take_word(r, "recv"))
		return read_message(r, op, false) ? -1 : 1;
	if (take_word(r, "calc"))
		return read_calc(r, op) ? -1 : 1;
	return r->err->code ? -1 : 0;
}

static int take_label(struct reader *r, uint32_t *op)
{
	if (skip_space(r))
		return -1;
	size_t n = word_length(r);
	if (!n || !isalpha((unsigned char)*r->at))
		return wrong(r, "unknown line", "send, recv, calc, or 'LABEL requires LABEL'");
	struct label *label = r->labels_size ? find_label(r, hash_word(r->at, n)) : NULL;
	if (!label || label->rank_mark != r->rank_mark)
		return wrong(r, "unknown label or operation", "send, recv, calc or a label defined above in this rank");
	*op = label->op;
	r->at += n;
	return 0;
}

static int read_edge(struct reader *r)
{
	struct edge edge;
	uint32_t start = 0;
	if (take_label(r, &edge.after))
		return -1;
	if (take_word(r, "irequires"))
		start = DEP_START;
	else if (!take_word(r, "requires"))
		return r->err->code ? -1 : wrong(r, "found", "':', 'requires' or 'irequires' after a label");
	if (take_label(r, &edge.before))
		return -1;
	edge.before |= start;
	ARRAY_RESERVE(r->edges, r->n_edges + 1, r->edges_capacity);
	r->edges[r->n_edges++] = edge;
	return 0;
}

/* "LABEL:" before an operation; the reader stands at its first character. */
static int define_label(struct reader *r, size_t n, const char *colon, uint32_t op)
{
	uint64_t hash = hash_word(r->at, n);
	grow_labels(r);
	struct label *label = find_label(r, hash);
	if (label->rank_mark == r->rank_mark)
		return wrong(r, "this label is defined twice:", "a new one");
	*label = (struct label){.hash = hash, .op = op, .rank_mark = r->rank_mark};
	r->n_labels++;
	r->at = colon + 1;
	return 0;
}

/* "LABEL: OPERATION", "OPERATION" or "LABEL requires LABEL". */
static int read_line(struct reader *r, struct program *program)
{
	struct op op;
	size_t n = word_length(r);
	const char *colon = r->at + n;
	while (colon < r->end && (*colon == ' ' || *colon == '\t'))
		colon++;
	bool labelled = n && isalpha((unsigned char)*r->at) && colon < r->end && *colon == ':';
	if (labelled && define_label(r, n, colon, program->n_ops))
		return -1;
	int got = read_operation(r, &op);
	if (got < 0)
		return -1;
	if (!got)
		return labelled ? wrong(r, "unknown operation", "send, recv or calc") : read_edge(r);
	if (program->n_ops >= DEP_START - 1)
		return error_at(r->err, r->path, r->line, 1, "more than %u operations in one rank", DEP_START - 1);
	program_add(program, &op, NULL, 0);
	if (op.stream >= program->n_streams)
		program->n_streams = (uint16_t)(op.stream + 1);
	return 0;
}

/* Edges come in file order; each operation wants its own together. */
static void place_edges(struct program *program, const struct edge *edges, size_t n)
{
	uint32_t first = 0;
	ARRAY_RESERVE(program->deps, n, program->deps_capacity);
	for (size_t i = 0; i < n; i++)
		program->ops[edges[i].after].n_deps++;
	for (uint32_t i = 0; i < program->n_ops; i++) {
		program->ops[i].first_dep = first;
		first += program->ops[i].n_deps;
		program->ops[i].n_deps = 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct op *op = &program->ops[edges[i].after];
		program->deps[op->first_dep + op->n_deps++] = edges[i].before;
	}
	program->n_deps = (uint32_t)n;
}

static int read_rank(struct reader *r, uint32_t rank)
{
	int64_t number;
	if (!skip_space(r) && r->at >= r->end)
		return error_at(r->err, r->path, r->line, column(r), "the file ends before rank %u of %u", rank, r->w->n_ranks);
	if (!take_word(r, "rank"))
		return r->err->code ? -1 : wrong(r, "found", "'rank N {' for every rank in order");
	skip_space(r);
	int line = r->line, at = column(r);
	if (take_number(r, UINT32_MAX, false, &number))
		return -1;
	if (number != rank)
		return error_at(r->err, r->path, line, at, "rank '%lld' is out of order (expected rank %u of %u)", (long long)number, rank,
				r->w->n_ranks);
	if (!take_char(r, '{'))
		return r->err->code ? -1 : wrong(r, "found", "'{' after 'rank N'");
	uint32_t index = workload_add_program(r->w);
	r->w->rank_program[rank] = index;
	r->w->programs[index].ready_order = true;
	r->rank_mark++;
	r->n_labels = 0;
	r->n_edges = 0;
	while (!take_char(r, '}')) {
		if (r->err->code)
			return -1;
		if (r->at >= r->end)
			return error_at(r->err, r->path, r->line, column(r), "the file ends inside rank %u (expected '}')", rank);
		if (read_line(r, &r->w->programs[index]))
			return -1;
	}
	place_edges(&r->w->programs[index], r->edges, r->n_edges);
	return 0;
}

static int read_ranks(struct reader *r, uint32_t n_ranks)
{
	for (uint32_t rank = 0; rank < n_ranks; rank++)
		if (read_rank(r, rank))
			return -1;
	if (skip_space(r))
		return -1;
	return r->at < r->end ? wrong(r, "after the last rank there is", "the end of the file") : 0;
}

static int read_text(struct reader *r)
{
	int64_t n_ranks;
	if (!take_word(r, "num_ranks"))
		return r->err->code ? -1 : wrong(r, "the file begins with", "'num_ranks N'");
	if (take_number(r, LIMIT_RANKS, false, &n_ranks))
		return -1;
	/* "rank N{}" has eight characters: a number of ranks that the file cannot hold gets no memory. */
	if (n_ranks == 0 || n_ranks > (r->end - r->data) / 8)
		return error_at(r->err, r->path, r->line, column(r), "num_ranks '%lld' does not fit the file (expected 1 to %lld)",
				(long long)n_ranks, (long long)(r->end - r->data) / 8);
	workload_init(r->w, (uint32_t)n_ranks);
	if (read_ranks(r, (uint32_t)n_ranks)) {
		workload_release(r->w);
		return -1;
	}
	return 0;
}

static int recognise(const struct trace_head *head)
{
	static const unsigned char magic[8] = {GOAL_MAGIC & 255, GOAL_MAGIC >> 8};
	static const unsigned char used[8] = {GOAL_MAGIC_USED & 255, GOAL_MAGIC_USED >> 8};
	if (head->n >= 8 && (!memcmp(head->bytes, magic, 8) || !memcmp(head->bytes, used, 8)))
		return 100;
	struct error err = {0};
	const char *text = (const char *)head->bytes;
	struct reader r = {.path = "", .data = text, .at = text, .end = text + head->n, .line_start = text, .line = 1, .err = &err};
	return take_word(&r, "num_ranks") ? 90 : 0;
}

static bool is_packed(const char *path)
{
	unsigned char head[2] = {0};
	FILE *file = fopen(path, "rb");
	bool yes = file && fread(head, 1, 2, file) == 2 && head[0] == 0x1f && head[1] == 0x8b;
	if (file)
		fclose(file);
	return yes;
}

static int load(struct workload *workload, const struct trace_request *request, struct error *err)
{
	const char *path = request->paths[0];
	size_t length;
	char *data;
	int result;
	if (request->n_paths > 1)
		return error_set(err, ERROR_INPUT, "%s: a GOAL schedule is one file, not %u", request->paths[1], request->n_paths);
	if (!(data = is_packed(path) ? lines_read_file(path, LIMIT_BYTES, &length, err) : text_read_file(path, LIMIT_BYTES, &length, err)))
		return -1;
	size_t mark = lines_mark(data, length);
	if (length >= 8 && memchr(data, '\0', 8)) {
		result = goal_load_binary(path, (const unsigned char *)data, length, workload, err);
	} else {
		struct reader r = {.path = path, .data = data + mark, .at = data + mark, .end = data + length, .line_start = data + mark, .line = 1,
				   .w = workload, .err = err};
		result = read_text(&r);
		free(r.labels);
		free(r.edges);
	}
	free(data);
	return result;
}

const struct trace_format trace_goal = {"goal", "GOAL schedules (LogGOPSim), text and binary", recognise, load, false, false};
