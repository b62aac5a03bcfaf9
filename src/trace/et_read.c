/* PyTorch execution traces (ExecutionTraceObserver, JSON): the collectives that the host called, in order. They have no times of the
 * device: each becomes a kernel without a recorded time, so that one loader serves both.
 *
 * Schema 1.0.x: "inputs": [tensor or [tensors], sequence, group, rank, "allreduce", [in splits], [out splits], world size], a tensor
 * being [id, storage, offset, elements, bytes of each, "device"]. Schema 1.1.x: "inputs": {"values": …} and the same facts by name
 * in "attrs". The operator is record_param_comms; "wait" moves nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>
#include <zlib.h>

#include "base/error.h"
#include "base/text.h"
#include "trace/kineto_read.h"
#include "trace/lines.h"

#define LIMIT_DEPTH 64
#define LIMIT_TOKENS 65536   /* of one node's inputs */
#define LIMIT_COMMS 100000000u
#define TEXT_BYTES 128

/* A value of "inputs", flat: brackets open and close around their members. */
struct token {
	enum token_kind { TOKEN_OPEN, TOKEN_CLOSE, TOKEN_NUMBER, TOKEN_TEXT } kind;
	int64_t number;
	char text[32];
};

struct et_reader {
	struct kineto_trace *trace;
	int depth, nodes_depth;  /* brackets open; those open around a node, 0 outside "nodes" */
	int inputs_depth;        /* brackets open around "inputs"' list, 0 outside */
	char key[TEXT_BYTES], outer_key[TEXT_BYTES]; /* of this value, and of the bracket around it within a node */
	char name[TEXT_BYTES], attr[TEXT_BYTES];     /* the node's; the attribute's whose value comes next */
	bool any_nodes;
	struct token *tokens;
	size_t n_tokens, capacity;
	struct kineto_comm comm;
	char kind[TEXT_BYTES];
	int64_t rank;
	const char *wrong;
};

static void copy(char *out, const unsigned char *text, size_t n)
{
	n = n < TEXT_BYTES - 1 ? n : TEXT_BYTES - 1;
	memcpy(out, text, n);
	out[n] = '\0';
}

static uint32_t keep_text(struct kineto_trace *t, const char *text)
{
	for (size_t i = t->n_texts, tries = 64; i-- > 0 && tries > 0; tries--) /* a few kinds and groups, used again and again */
		if (!strcmp(t->texts[i], text))
			return (uint32_t)i;
	ARRAY_RESERVE(t->texts, t->n_texts + 1, t->texts_capacity);
	t->texts[t->n_texts] = arena_text(&t->arena, text);
	return (uint32_t)t->n_texts++;
}

/* --- a node's collective ------------------------------------------------------------------------------------------------ */

/* The token after the value at i. */
static size_t after_value(const struct et_reader *r, size_t i)
{
	int open = 0;
	do {
		open += r->tokens[i].kind == TOKEN_OPEN ? 1 : r->tokens[i].kind == TOKEN_CLOSE ? -1 : 0;
		i++;
	} while (open > 0 && i < r->n_tokens);
	return i;
}

/* Elements of all tensors among tokens first … end - 1; the size of one into *bytes. */
static int64_t tensor_elements(const struct et_reader *r, size_t first, size_t end, int32_t *bytes)
{
	int64_t sum = 0;
	for (size_t i = first; i + 7 < end + 1 && i + 7 < r->n_tokens; i++) {
		const struct token *t = &r->tokens[i];
		bool tensor = t->kind == TOKEN_OPEN && t[6].kind == TOKEN_TEXT && t[7].kind == TOKEN_CLOSE;
		for (int k = 1; tensor && k <= 5; k++)
			tensor = t[k].kind == TOKEN_NUMBER && t[k].number >= 0;
		if (!tensor || !t[5].number || t[5].number > 64)
			continue;
		*bytes = (int32_t)t[5].number;
		if (__builtin_add_overflow(sum, t[4].number, &sum))
			return -1;
	}
	return sum;
}

static bool is_list(const struct et_reader *r, size_t i) { return i < r->n_tokens && r->tokens[i].kind == TOKEN_OPEN; }

/* A list of numbers as text; KINETO_NONE when it is empty. */
static uint32_t keep_splits(struct et_reader *r, size_t list)
{
	struct text text = TEXT_INIT;
	for (size_t i = list + 1; i < r->n_tokens && r->tokens[i].kind == TOKEN_NUMBER; i++)
		text_printf(&text, "%lld,", (long long)r->tokens[i].number);
	uint32_t kept = text.length ? keep_text(r->trace, text_string(&text)) : KINETO_NONE;
	text_release(&text);
	return kept;
}

/* Schema 1.0: the kind is the text before two lists. */
static void read_positions(struct et_reader *r)
{
	for (size_t i = 0; i < r->n_tokens; i = after_value(r, i)) {
		size_t in_list = i + 1, out_list, world;
		if (r->tokens[i].kind != TOKEN_TEXT || !is_list(r, in_list) || !is_list(r, out_list = after_value(r, in_list)))
			continue;
		world = after_value(r, out_list);
		snprintf(r->kind, sizeof r->kind, "%s", r->tokens[i].text);
		r->comm.in_splits = keep_splits(r, in_list);
		if (i && r->tokens[i - 1].kind == TOKEN_NUMBER)
			r->rank = r->tokens[i - 1].number;
		if (world < r->n_tokens && r->tokens[world].kind == TOKEN_NUMBER && r->tokens[world].number > 0 && r->tokens[world].number < 1 << 20)
			r->comm.group_size = (int32_t)r->tokens[world].number;
		if (is_list(r, 0))
			r->comm.in_elements = tensor_elements(r, 0, after_value(r, 0), &r->comm.element_bytes);
		return;
	}
}

static int end_node(struct et_reader *r)
{
	struct kineto_trace *t = r->trace;
	if (strcmp(r->name, "record_param_comms"))
		return 1;
	if (!*r->kind)
		read_positions(r);
	if (!*r->kind || !strcmp(r->kind, "wait") || !strcmp(r->kind, "init") || (r->comm.in_elements < 0 && r->comm.out_elements < 0))
		return 1;
	if (t->n_comms >= LIMIT_COMMS) {
		r->wrong = "more than 100 million collectives";
		return 0;
	}
	if (t->rank < 0)
		t->rank = r->rank;
	r->comm.name = keep_text(t, r->kind);
	ARRAY_RESERVE(t->comms, t->n_comms + 1, t->comms_capacity);
	ARRAY_RESERVE(t->kernels, t->n_kernels + 1, t->kernels_capacity);
	t->comms[t->n_comms] = r->comm;
	/* Times only keep the order: see kineto_trace.untimed. */
	t->kernels[t->n_kernels++] = (struct kineto_kernel){.start_ns = (int64_t)t->n_comms, .end_ns = (int64_t)t->n_comms + 1,
							    .name = r->comm.name, .comm = (uint32_t)t->n_comms, .nccl = true};
	t->n_comms++;
	return 1;
}

static void begin_node(struct et_reader *r)
{
	r->n_tokens = 0;
	r->name[0] = r->attr[0] = r->kind[0] = '\0';
	r->rank = -1;
	r->comm = (struct kineto_comm){.name = KINETO_NONE, .group = KINETO_NONE, .ranks = KINETO_NONE, .in_splits = KINETO_NONE,
				       .in_elements = -1,
				       .out_elements = -1, .element_bytes = -1, .group_size = -1, .rank_start = -1, .rank_stride = -1,
				       .source = -1, .destination = -1};
}

/* --- values ------------------------------------------------------------------------------------------------------------- */

static int add_token(struct et_reader *r, enum token_kind kind, int64_t number, const unsigned char *text, size_t n)
{
	if (strcmp(r->name, "record_param_comms") && *r->name)
		return 1; /* another operator */
	if (r->n_tokens == LIMIT_TOKENS) {
		r->wrong = "a node with more than 65536 inputs";
		return 0;
	}
	ARRAY_RESERVE(r->tokens, r->n_tokens + 1, r->capacity);
	struct token *token = &r->tokens[r->n_tokens++];
	*token = (struct token){.kind = kind, .number = number};
	if (text)
		memcpy(token->text, text, n < sizeof token->text - 1 ? n : sizeof token->text - 1);
	return 1;
}

static bool in_node(const struct et_reader *r) { return r->nodes_depth && r->depth > r->nodes_depth; }

static int64_t to_number(const char *text, size_t n)
{
	char digits[40];
	snprintf(digits, sizeof digits, "%.*s", (int)(n < sizeof digits ? n : sizeof digits - 1), text);
	return strtoll(digits, NULL, 10);
}

static int32_t narrow(int64_t value) { return value < 0 || value > INT32_MAX ? -1 : (int32_t)value; }

/* Schema 1.1: facts by name. */
static void attribute_number(struct et_reader *r, int64_t value)
{
	struct kineto_comm *comm = &r->comm;
	if (!strcmp(r->attr, "in_msg_nelems"))
		comm->in_elements = value;
	else if (!strcmp(r->attr, "out_msg_nelems"))
		comm->out_elements = value;
	else if (!strcmp(r->attr, "pg_size"))
		comm->group_size = narrow(value);
	else if (!strcmp(r->attr, "global_rank_start"))
		comm->rank_start = narrow(value);
	else if (!strcmp(r->attr, "global_rank_stride"))
		comm->rank_stride = narrow(value);
}

static void attribute_text(struct et_reader *r, const char *text)
{
	if (!strcmp(r->attr, "collective_name"))
		snprintf(r->kind, sizeof r->kind, "%s", text);
	else if (!strcmp(r->attr, "dtype"))
		r->comm.element_bytes = kineto_element_bytes(text);
	else if (!strcmp(r->attr, "pg_name") && *text)
		r->comm.group = keep_text(r->trace, text);
	else if (*text && strspn(text, "-0123456789") == strlen(text))
		attribute_number(r, to_number(text, strlen(text)));
}

/* Longer than other texts: a number per member. */
static int keep_long_splits(struct et_reader *r, const unsigned char *text, size_t n)
{
	char *list = memory_zero(n + 1, 1);
	memcpy(list, text, n);
	r->comm.in_splits = strpbrk(list, "0123456789") ? keep_text(r->trace, list) : KINETO_NONE;
	free(list);
	return 1;
}

static int on_number(void *context, const char *text, size_t n)
{
	struct et_reader *r = context;
	if (!in_node(r))
		return 1;
	if (r->inputs_depth)
		return add_token(r, TOKEN_NUMBER, to_number(text, n), NULL, 0);
	if (!strcmp(r->outer_key, "attrs") && !strcmp(r->key, "value"))
		attribute_number(r, to_number(text, n));
	return 1;
}

static int on_string(void *context, const unsigned char *text, size_t n)
{
	struct et_reader *r = context;
	char value[TEXT_BYTES];
	if (!in_node(r))
		return 1;
	if (r->inputs_depth)
		return add_token(r, TOKEN_TEXT, 0, text, n);
	if (!strcmp(r->outer_key, "attrs") && !strcmp(r->key, "value") && !strcmp(r->attr, "in_split_size"))
		return keep_long_splits(r, text, n);
	copy(value, text, n);
	if (r->depth == r->nodes_depth + 1 && !strcmp(r->key, "name"))
		copy(r->name, text, n);
	else if (!strcmp(r->outer_key, "attrs") && !strcmp(r->key, "name"))
		copy(r->attr, text, n);
	else if (!strcmp(r->outer_key, "attrs") && !strcmp(r->key, "value"))
		attribute_text(r, value);
	return 1;
}

static int on_boolean(void *context, int value) { return on_number(context, value ? "1" : "0", 1); }
static int on_null(void *context) { return on_number(context, "0", 1); }

/* --- structure ---------------------------------------------------------------------------------------------------------- */

static int deeper(struct et_reader *r)
{
	if (++r->depth == LIMIT_DEPTH)
		r->wrong = "brackets are nested too deeply";
	return r->depth < LIMIT_DEPTH;
}

static int on_start_map(void *context)
{
	struct et_reader *r = context;
	if (r->nodes_depth && r->depth == r->nodes_depth)
		begin_node(r);
	else if (r->inputs_depth)
		return add_token(r, TOKEN_OPEN, 0, NULL, 0) && deeper(r);
	return deeper(r);
}

static int on_key(void *context, const unsigned char *text, size_t n)
{
	struct et_reader *r = context;
	copy(r->key, text, n);
	if (r->depth == r->nodes_depth + 1)
		copy(r->outer_key, text, n);
	return 1;
}

static int on_end_map(void *context)
{
	struct et_reader *r = context;
	r->depth--;
	if (r->inputs_depth)
		return add_token(r, TOKEN_CLOSE, 0, NULL, 0);
	return r->nodes_depth && r->depth == r->nodes_depth ? end_node(r) : 1;
}

static int on_start_array(void *context)
{
	struct et_reader *r = context;
	bool inside = r->inputs_depth;
	if (r->depth == 1 && !r->nodes_depth && !strcmp(r->key, "nodes")) {
		r->any_nodes = true;
		r->nodes_depth = 2;
	} else if (!inside && in_node(r) && !strcmp(r->outer_key, "inputs") && (!strcmp(r->key, "inputs") || !strcmp(r->key, "values"))) {
		r->inputs_depth = r->depth + 1;
		return deeper(r);
	}
	return (!inside || add_token(r, TOKEN_OPEN, 0, NULL, 0)) && deeper(r);
}

static int on_end_array(void *context)
{
	struct et_reader *r = context;
	r->depth--;
	if (r->inputs_depth > r->depth)
		r->inputs_depth = 0;
	else if (r->inputs_depth)
		return add_token(r, TOKEN_CLOSE, 0, NULL, 0);
	if (r->nodes_depth > r->depth)
		r->nodes_depth = 0;
	return 1;
}

static const yajl_callbacks callbacks = {on_null, on_boolean, NULL, NULL, on_number, on_string, on_start_map, on_key, on_end_map,
	on_start_array, on_end_array};

static int parse(struct et_reader *r, yajl_handle handle, gzFile gz, const char *path, struct error *err)
{
	static const unsigned size = 1 << 16;
	unsigned char *block = memory_alloc(size);
	uint64_t offset = 0;
	int result = 0, code, got;
	while (!result && (got = gzread(gz, block, size)) > 0) {
		size_t mark = offset ? 0 : lines_mark((char *)block, (size_t)got);
		if (yajl_parse(handle, block + mark, (size_t)got - mark) != yajl_status_ok)
			result = error_set(err, ERROR_INPUT, "%s: offset %llu: %s", path,
					   (unsigned long long)(offset + yajl_get_bytes_consumed(handle)), r->wrong ? r->wrong : "not JSON");
		offset += (uint64_t)got;
		if (!result && lines_explode(gz))
			result = error_set(err, ERROR_INPUT, "%s: more than 200 times as long as it is compressed: this is no trace", path);
	}
	gzerror(gz, &code);
	if (!result && (code == Z_BUF_ERROR || code < 0 || yajl_complete_parse(handle) != yajl_status_ok))
		result = error_set(err, ERROR_INPUT, "%s: offset %llu: the file ends inside the document", path, (unsigned long long)offset);
	if (!result && !r->any_nodes)
		result = error_set(err, ERROR_INPUT, "%s: no 'nodes' in this document", path);
	free(block);
	return result;
}

int et_read(struct kineto_trace *trace, const char *path, struct error *err)
{
	struct et_reader *r = memory_zero(1, sizeof *r);
	gzFile gz = gzopen(path, "rb");
	int result;
	memset(trace, 0, sizeof *trace);
	trace->rank = trace->world_size = -1;
	trace->untimed = true;
	r->trace = trace;
	if (!gz) {
		free(r);
		return error_set(err, ERROR_INPUT, "%s: cannot open: %s", path, strerror(errno));
	}
	yajl_handle handle = yajl_alloc(&callbacks, NULL, r);
	result = parse(r, handle, gz, path, err);
	yajl_free(handle);
	gzclose(gz);
	free(r->tokens);
	free(r);
	if (result)
		kineto_release(trace);
	return result;
}
