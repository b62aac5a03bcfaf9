/* Chakra execution traces (.et): one protobuf stream per rank, PREFIX.RANK.et, plain or gzip. S. Sridharan et al., "Chakra: advancing
 * performance benchmarking and co-design using standardized execution traces", 2023; MLCommons et_def.proto.
 *
 * A rank's program: nodes by id on three streams that each run one ready node at a time, the lowest id first (device compute, device
 * communication, host). Dependencies are data_deps, or ctrl_deps when no node of the file has data_deps; references to absent nodes
 * are dropped. Sizes become nccl-tests' (an all-gather's comm_size is one rank's contribution).
 *
 * A compute node without a duration takes no time; nodes of type MEM_* take their duration on the device.
 *
 * On m > n ranks m must be a multiple of n: the set runs m/n times side by side. A single rank's trace spread over m ranks is one job
 * of m ranks: its collectives span them all. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yajl/yajl_tree.h>

#include "base/error.h"
#include "base/text.h"
#include "trace/chakra_deps.h"
#include "trace/chakra_node.h"
#include "trace/formats.h"
#include "trace/group_text.h"
#include "trace/names.h"
#include "trace/splits.h"
#include "workload/program.h"

#define LIMIT_RANKS (1u << 20)
#define LIMIT_GROUP_FILE ((size_t)256 << 20)
#define NONE UINT32_MAX

enum { STREAM_DEVICE = STREAM_COMPUTE, STREAM_COMMUNICATION = 1, STREAM_HOST = 2, N_STREAMS = 3 };
/* Slot 0 of every rank is its copy of the whole set: sends, receives and collectives without a group. Slot 1 + i is process group i. */
#define SLOT_ALL 0

struct process_group {
	const char *name;
	uint32_t *ranks; /* NULL: not described, taken as all */
	uint32_t n_ranks;
	bool from_node;  /* described by a node, perhaps for ranks that do not run here */
};

struct loader {
	const struct trace_request *request;
	struct workload *w;
	struct error *err;
	const char **paths;     /* by rank */
	uint32_t n_files, n_copies;
	struct process_group *groups;
	size_t n_groups, groups_capacity;
	struct names names;
	struct splits splits;
	uint64_t n_absent, n_self, n_untimed, n_guessed_groups; /* n_absent: nodes that others refer to */
};

/* One file while it is read: its operations in order of the file, their ids, and what they wait for as ids. */
struct reading {
	struct loader *l;
	uint32_t rank;
	struct program *program;
	struct node_id {
		uint64_t id;
		uint32_t op; /* in order of the file */
	} *ids;
	const char **call_splits; /* per call of the program: split list of an all-to-all, NULL */
	size_t ids_capacity, splits_capacity;
	struct chakra_deps deps;
	bool any_data_deps, sorted;
};

/* JSON and tables whose first bytes happen to read as a length and a field. */
static bool is_text(const struct trace_head *head)
{
	for (size_t i = 0; i < head->n; i++)
		if (head->bytes[i] < 0x20 && !strchr("\t\r\n", head->bytes[i]))
			return false;
	return true;
}

/* Length of a path without ".et" or ".et.gz"; 0 when it ends otherwise. */
static size_t without_ending(const char *path)
{
	static const char *const endings[] = {".et", ".et.gz"};
	size_t n = strlen(path);
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (n > strlen(endings[i]) && !strcmp(path + n - strlen(endings[i]), endings[i]))
			return n - strlen(endings[i]);
	return 0;
}

static int recognise(const struct trace_head *head)
{
	/* A length, then a message that begins with field 1, 2 or 3 of a known kind. */
	size_t n = 0;
	while (n < head->n && n < 5 && head->bytes[n] & 128)
		n++;
	if (n + 2 >= head->n || n >= 5 || is_text(head))
		return 0;
	uint8_t key = head->bytes[n + 1];
	if (key != 0x08 && key != 0x0a && key != 0x12 && key != 0x18)
		return 0;
	return without_ending(head->path) ? 80 : 20;
}

/* --- files and groups ------------------------------------------------------------------------------------------------- */

/* The RANK of PREFIX.RANK.et, also of other writers' PREFIX_RANK.et and the like; -1 when there is none. */
static int64_t rank_in_name(const char *path)
{
	size_t end = without_ending(path), begin = end;
	while (begin > 0 && isdigit((unsigned char)path[begin - 1]))
		begin--;
	return begin == end || end - begin > 7 ? -1 : strtoll(path + begin, NULL, 10);
}

/* Puts a file in the place of its rank; `beyond` gets one whose rank is not below the number of files. */
static int place_file(struct loader *l, const char *path, const char **beyond)
{
	int64_t rank = rank_in_name(path);
	if (rank < 0)
		return error_set(l->err, ERROR_INPUT, "%s: the name does not say which rank it is (expected PREFIX.RANK.et, or a list of "
				 "the files in order of their ranks)", path);
	if (rank >= l->n_files) {
		*beyond = path;
		return 0;
	}
	if (l->paths[rank])
		return error_set(l->err, ERROR_INPUT, "%s: rank %lld is also in '%s'", path, (long long)rank, l->paths[rank]);
	l->paths[rank] = path;
	return 0;
}

/* Puts the files in the order of their ranks, which must be 0 … n - 1; a single file may have any. */
static int order_files(struct loader *l)
{
	const struct trace_request *request = l->request;
	uint32_t n = l->n_files = request->n_paths;
	const char *beyond = NULL;
	l->paths = arena_array(&l->w->arena, n, sizeof *l->paths);
	for (uint32_t i = 0; i < n; i++) {
		if (n == 1 || request->by_rank)
			l->paths[i] = request->paths[i];
		else if (place_file(l, request->paths[i], &beyond))
			return -1;
	}
	for (uint32_t i = 0; i < n && beyond; i++)
		if (!l->paths[i])
			return error_set(l->err, ERROR_INPUT, "%s: rank %lld is there, but rank %u is missing (%u files: expected ranks 0 to "
					 "%u, one file each)", beyond, (long long)rank_in_name(beyond), i, n, n - 1);
	return 0;
}

static int read_group(struct loader *l, const char *path, const char *name, yajl_val value)
{
	ARRAY_RESERVE(l->groups, l->n_groups + 1, l->groups_capacity);
	struct process_group *group = &l->groups[l->n_groups++];
	*group = (struct process_group){.name = arena_text(&l->w->arena, name)};
	if (!YAJL_IS_ARRAY(value) || value->u.array.len == 0)
		return error_set(l->err, ERROR_INPUT, "%s: group '%s' is no list of ranks", path, name);
	group->n_ranks = (uint32_t)value->u.array.len;
	group->ranks = arena_array(&l->w->arena, group->n_ranks, sizeof *group->ranks);
	for (uint32_t i = 0; i < group->n_ranks; i++) {
		yajl_val item = value->u.array.values[i];
		if (!YAJL_IS_INTEGER(item) || YAJL_GET_INTEGER(item) < 0 || YAJL_GET_INTEGER(item) >= LIMIT_RANKS)
			return error_set(l->err, ERROR_INPUT, "%s: group '%s' has a member that is no rank", path, name);
		group->ranks[i] = (uint32_t)YAJL_GET_INTEGER(item);
	}
	return 0;
}

static int read_group_file(struct loader *l)
{
	const char *path = l->request->group_file;
	char message[512] = "", beside[4096];
	if (!path) {
		const char *slash = strrchr(l->paths[0], '/');
		snprintf(beside, sizeof beside, "%.*scomm_group.json", slash ? (int)(slash + 1 - l->paths[0]) : 0, l->paths[0]);
		if (access(beside, R_OK))
			return 0;
		path = beside;
	}
	char *data = text_read_file(path, LIMIT_GROUP_FILE, NULL, l->err);
	if (!data)
		return -1;
	yajl_val root = yajl_tree_parse(data, message, sizeof message);
	int result = 0;
	if (!root || !YAJL_IS_OBJECT(root))
		result = error_set(l->err, ERROR_INPUT, "%s: not a JSON object of groups%s%.200s", path, *message ? ": " : "", message);
	for (size_t i = 0; !result && i < root->u.object.len; i++)
		result = read_group(l, path, root->u.object.keys[i], root->u.object.values[i]);
	for (char *p = l->err->message; result && *p; p++)
		if (*p == '\n')
			*p = ' ';
	yajl_tree_free(root);
	free(data);
	return result;
}

/* A text of a node: without the NUL that it may hold. */
static char *keep_text(struct loader *l, struct wire text)
{
	return arena_format(&l->w->arena, "%.*s", (int)(text.end - text.at), (const char *)text.at);
}

/* "1.0" means 1. */
static bool same_group(const char *a, const char *b)
{
	char *a_end, *b_end;
	if (!strcmp(a, b))
		return true;
	double x = strtod(a, &a_end), y = strtod(b, &b_end);
	return *a && *b && !*a_end && !*b_end && x == y;
}

static uint32_t find_group(struct loader *l, struct wire text)
{
	size_t n = (size_t)(text.end - text.at);
	for (size_t i = 0; i < l->n_groups; i++)
		if (!strncmp(l->groups[i].name, (const char *)text.at, n) && !l->groups[i].name[n])
			return (uint32_t)i;
	const char *name = keep_text(l, text);
	for (size_t i = 0; i < l->n_groups; i++)
		if (same_group(l->groups[i].name, name))
			return (uint32_t)i;
	ARRAY_RESERVE(l->groups, l->n_groups + 1, l->groups_capacity);
	l->groups[l->n_groups] = (struct process_group){.name = name};
	l->n_guessed_groups++;
	return (uint32_t)l->n_groups++;
}

/* Number of ranks in a node's group inside one copy (of everything when a single file is spread over all ranks). */
static uint32_t group_size(const struct loader *l, uint32_t slot)
{
	uint32_t all = l->n_files == 1 ? l->w->n_ranks : l->n_files;
	return slot == SLOT_ALL || !l->groups[slot - 1].ranks ? all : l->groups[slot - 1].n_ranks;
}

/* --- from nodes to operations ------------------------------------------------------------------------------------------ */

/* CollectiveCommType of the schema since October 2023. */
static const int collective_types[] = {COLLECTIVE_ALL_REDUCE, COLLECTIVE_REDUCE, COLLECTIVE_ALL_GATHER, COLLECTIVE_GATHER,
	COLLECTIVE_SCATTER, COLLECTIVE_BROADCAST, COLLECTIVE_ALL_TO_ALL, COLLECTIVE_REDUCE_SCATTER, COLLECTIVE_REDUCE_SCATTER,
	COLLECTIVE_BARRIER};

static int wrong_node(const struct loader *l, uint32_t rank, const struct chakra_node *node, const char *what)
{
	int n = (int)(node->name.end - node->name.at);
	return error_set(l->err, ERROR_INPUT, "%s: node %llu%s%.*s%s: %s", l->paths[rank], (unsigned long long)node->id,
			 n ? " '" : "", n, n ? (const char *)node->name.at : "", n ? "'" : "", what);
}

static int make_collective(struct loader *l, uint32_t rank, const struct chakra_node *node, struct program *program, struct op *op)
{
	if (node->comm_type >= (int64_t)(sizeof collective_types / sizeof *collective_types))
		return wrong_node(l, rank, node, "unknown comm_type (known: 0 to 9)");
	if (node->partial_dims)
		return wrong_node(l, rank, node, "involved_dim leaves a dimension out, which needs a process group instead (pg_name)");
	uint32_t slot = node->pg_name.at != node->pg_name.end ? 1 + find_group(l, node->pg_name) : SLOT_ALL;
	struct collective_call call = {.kind = (enum collective_kind)collective_types[node->comm_type], .bytes = node->comm_size,
		.root = node->comm_root > 0 ? (uint32_t)node->comm_root : 0};
	if (call.kind == COLLECTIVE_ALL_GATHER && __builtin_mul_overflow(call.bytes, (int64_t)group_size(l, slot), &call.bytes))
		return wrong_node(l, rank, node, "comm_size is out of range");
	if (node->weft_bytes >= 0)
		call.bytes = node->weft_bytes;
	call.algorithm = node->algorithm.at ? keep_text(l, node->algorithm) : NULL;
	call.protocol = node->protocol.at ? keep_text(l, node->protocol) : NULL;
	op->kind = OP_COLLECTIVE;
	op->stream = STREAM_COMMUNICATION;
	op->group_slot = (uint16_t)slot;
	op->amount = program_add_call(program, &call);
	return 0;
}

static int make_message(struct loader *l, uint32_t rank, const struct chakra_node *node, struct op *op)
{
	int64_t peer = node->type == CHAKRA_SEND ? node->comm_dst : node->comm_src;
	if (node->comm_size < 0)
		return wrong_node(l, rank, node, "a send or receive has no comm_size");
	if (peer < 0 || peer >= l->n_files)
		return wrong_node(l, rank, node, "its peer is not among the ranks of these files");
	op->kind = node->type == CHAKRA_SEND ? OP_SEND : OP_RECEIVE;
	op->stream = STREAM_NONE; /* both ends are posted when ready: one stream would let them block each other */
	op->flags = OP_PEER_INDEX;
	op->group_slot = SLOT_ALL;
	op->peer = (int32_t)peer;
	op->tag = (int32_t)node->comm_tag;
	op->amount = node->comm_size;
	return 0;
}

/* What our own writer kept beside Chakra's fields. */
static void take_own(const struct chakra_node *node, struct program *program, struct op *op)
{
	if (op->kind == OP_COMPUTE && node->weft_duration_ps >= 0)
		op->amount = node->weft_duration_ps;
	if (node->weft_stream < -1 || node->weft_stream >= STREAM_NONE)
		return;
	op->stream = node->weft_stream < 0 ? STREAM_NONE : (uint16_t)node->weft_stream;
	if (op->stream != STREAM_NONE && op->stream >= program->n_streams)
		program->n_streams = (uint16_t)(op->stream + 1);
}

/* Members of process groups that a metadata node describes, where no file of groups has. */
static void take_groups(struct loader *l, const struct chakra_node *node)
{
	const char *at = (const char *)node->inputs.at, *end = (const char *)node->inputs.end;
	struct group_text found;
	while (at && group_text_next(&at, end, &found)) {
		struct wire name = {(const uint8_t *)found.name, (const uint8_t *)found.name + found.name_length};
		uint32_t n = group_text_ranks(found.ranks, found.ranks_length, NULL, 0);
		if (!found.name_length || !n)
			continue;
		uint64_t n_guessed = l->n_guessed_groups;
		uint32_t index = find_group(l, name); /* may move them all */
		struct process_group *group = &l->groups[index];
		if (group->ranks)
			continue;
		l->n_guessed_groups = l->n_guessed_groups > n_guessed ? n_guessed : n_guessed - 1; /* known, or known at last */
		group->ranks = arena_array(&l->w->arena, n, sizeof *group->ranks);
		group->n_ranks = group_text_ranks(found.ranks, found.ranks_length, group->ranks, n);
		group->from_node = true;
	}
}

static int make_op(struct loader *l, uint32_t rank, const struct chakra_node *node, struct program *program, struct op *op)
{
	*op = (struct op){.kind = OP_COMPUTE, .stream = node->host ? STREAM_HOST : STREAM_DEVICE, .flags = node->host ? OP_HOST : 0};
	if (node->name.at != node->name.end)
		op->name = names_intern(&l->names, l->w, node->name.at, (size_t)(node->name.end - node->name.at));
	if (node->type == CHAKRA_COLLECTIVE && node->comm_type >= 0 && node->comm_size >= 0 && !node->host)
		return make_collective(l, rank, node, program, op);
	if (node->type == CHAKRA_SEND || node->type == CHAKRA_RECEIVE)
		return make_message(l, rank, node, op);
	if (node->type == CHAKRA_INVALID)
		return wrong_node(l, rank, node, "its type is INVALID");
	if (node->type == CHAKRA_METADATA)
		take_groups(l, node);
	if (node->type == CHAKRA_METADATA || node->type >= CHAKRA_STORAGE) {
		op->kind = OP_WAIT;
		op->stream = STREAM_NONE;
		return 0;
	}
	if (node->duration_us > (uint64_t)(INT64_MAX / PS_PER_US))
		return wrong_node(l, rank, node, "its duration is out of range");
	l->n_untimed += !node->duration_us && node->type == CHAKRA_COMP;
	op->amount = (int64_t)node->duration_us * PS_PER_US;
	return 0;
}

static void keep_origin(struct program *program, uint32_t index, const struct chakra_node *node)
{
	ARRAY_RESERVE(program->origins, (size_t)index + 1, program->origins_capacity);
	struct op_origin *origin = &program->origins[index];
	*origin = (struct op_origin){.trace_node = node->id > INT64_MAX ? -1 : (int64_t)node->id, .iteration = -1,
		.recorded_start_ps = TIME_NEVER, .recorded_end_ps = TIME_NEVER};
	if (node->start_us && node->start_us + node->duration_us < (uint64_t)(INT64_MAX / PS_PER_US)) {
		origin->recorded_start_ps = (int64_t)node->start_us * PS_PER_US;
		origin->recorded_end_ps = (int64_t)(node->start_us + node->duration_us) * PS_PER_US;
	}
}

/* Appends a node's operation and what it waits for. The first node with data_deps makes all ctrl_deps before it worthless. */
static int take_node(void *user, const struct chakra_node *node)
{
	struct reading *r = user;
	struct program *program = r->program;
	struct op op;
	uint32_t n_calls = program->n_calls;
	if (make_op(r->l, r->rank, node, program, &op))
		return -1;
	if (program->n_calls > n_calls) {
		ARRAY_RESERVE(r->call_splits, program->n_calls, r->splits_capacity);
		r->call_splits[n_calls] = node->in_splits.at ? keep_text(r->l, node->in_splits) : NULL;
	}
	take_own(node, program, &op);
	if (node->n_data_deps && !r->any_data_deps) {
		chakra_deps_clear(&r->deps);
		for (uint32_t i = 0; i < program->n_ops; i++)
			program->ops[i].n_deps = 0;
		r->any_data_deps = true;
	}
	uint32_t index = program_add(program, &op, NULL, 0);
	program->ops[index].n_deps = chakra_deps_add(&r->deps, node->id, r->any_data_deps ? node->data_deps : node->ctrl_deps,
						     r->any_data_deps ? node->n_data_deps : node->n_ctrl_deps);
	keep_origin(program, index, node);
	ARRAY_RESERVE(r->ids, (size_t)index + 1, r->ids_capacity);
	r->ids[index] = (struct node_id){node->id, index};
	r->sorted &= !index || r->ids[index - 1].id < node->id;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct node_id *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

/* Puts operations and their origins in the order of their ids. */
static void permute(const struct reading *r)
{
	struct program *program = r->program;
	struct op *ops = memory_alloc(program->n_ops * sizeof *ops);
	for (uint32_t i = 0; i < program->n_ops; i++)
		ops[i] = program->ops[r->ids[i].op];
	free(program->ops);
	program->ops = ops;
	program->ops_capacity = program->n_ops;
	struct op_origin *origins = memory_alloc(program->n_ops * sizeof *origins);
	for (uint32_t i = 0; i < program->n_ops; i++)
		origins[i] = program->origins[r->ids[i].op];
	free(program->origins);
	program->origins = origins;
	program->origins_capacity = program->n_ops;
}

/* Where each operation's ids begin in deps.ids: they lie in order of the file. */
static void place_deps(const struct reading *r)
{
	uint32_t first = 0;
	for (uint32_t i = 0; i < r->program->n_ops; i++) {
		r->program->ops[i].first_dep = first;
		first += r->program->ops[i].n_deps;
	}
}

/* Index of the operation with this id, NONE when absent. */
static uint32_t find_op(const struct reading *r, uint64_t id)
{
	uint32_t low = 0, high = r->program->n_ops;
	if (id - r->ids[0].id < high && r->ids[id - r->ids[0].id].id == id)
		return (uint32_t)(id - r->ids[0].id); /* contiguous ids */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (r->ids[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->program->n_ops && r->ids[low].id == id ? low : NONE;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Ids become indices; the absent ones are counted, each once. */
static void resolve_deps(struct reading *r)
{
	struct program *program = r->program;
	uint64_t *absent = NULL;
	size_t n_absent = 0, absent_capacity = 0;
	ARRAY_RESERVE(program->deps, r->deps.n + 1, program->deps_capacity);
	for (uint32_t i = 0; i < program->n_ops; i++) {
		struct op *op = &program->ops[i];
		const uint64_t *ids = r->deps.ids ? r->deps.ids + op->first_dep : NULL;
		uint32_t n = op->n_deps;
		op->first_dep = program->n_deps;
		op->n_deps = 0;
		for (uint32_t d = 0; d < n; d++) {
			uint32_t dep = find_op(r, ids[d]);
			if (dep == NONE) {
				ARRAY_RESERVE(absent, n_absent + 1, absent_capacity);
				absent[n_absent++] = ids[d];
				continue;
			}
			program->deps[program->n_deps++] = dep;
			op->n_deps++;
		}
	}
	if (n_absent)
		qsort(absent, n_absent, sizeof *absent, by_number);
	for (size_t i = 0; i < n_absent; i++)
		r->l->n_absent += !i || absent[i] != absent[i - 1];
	free(absent);
}

static int finish_rank(struct reading *r)
{
	struct program *program = r->program;
	if (r->deps.n >= UINT32_MAX)
		return error_set(r->l->err, ERROR_INPUT, "%s: more than 2^32 dependencies", r->l->paths[r->rank]);
	place_deps(r);
	if (!r->sorted) {
		qsort(r->ids, program->n_ops, sizeof *r->ids, by_id);
		permute(r);
	}
	for (uint32_t i = 1; i < program->n_ops; i++)
		if (r->ids[i].id == r->ids[i - 1].id)
			return error_set(r->l->err, ERROR_INPUT, "%s: two nodes have the id %llu", r->l->paths[r->rank],
					 (unsigned long long)r->ids[i].id);
	for (uint32_t i = 0; i < program->n_ops; i++) {
		const struct op *op = &program->ops[i];
		const struct collective_call *call = op->kind == OP_COLLECTIVE ? &program->calls[op->amount] : NULL;
		if (call && call->kind == COLLECTIVE_ALL_TO_ALL)
			splits_note(&r->l->splits, (uint32_t)(program - r->l->w->programs), i, op->group_slot, r->call_splits[op->amount],
				    call->bytes);
	}
	resolve_deps(r);
	r->l->n_self += r->deps.n_self;
	return 0;
}

static int add_rank(struct loader *l, uint32_t rank)
{
	uint32_t index = workload_add_program(l->w);
	struct reading r = {.l = l, .rank = rank, .program = &l->w->programs[index], .sorted = true};
	r.program->ready_order = true;
	r.program->n_streams = N_STREAMS;
	chakra_deps_init(&r.deps);
	int result = chakra_file_read(l->paths[rank], take_node, &r, l->err);
	if (!result)
		result = finish_rank(&r);
	chakra_deps_release(&r.deps);
	free(r.ids);
	free(r.call_splits);
	for (uint32_t copy = 0; copy < l->n_copies; copy++)
		l->w->rank_program[copy * l->n_files + rank] = index;
	return result;
}

/* --- groups of the copies ---------------------------------------------------------------------------------------------- */

static int check_group(const struct loader *l, const struct process_group *group)
{
	for (uint32_t i = 0; i < group->n_ranks; i++)
		if (group->ranks[i] >= (l->n_files == 1 ? l->w->n_ranks : l->n_files))
			return error_set(l->err, ERROR_INPUT, "%s: process group '%s' has rank %u, but there are %u ranks", l->paths[0],
					 group->name, group->ranks[i], l->n_files == 1 ? l->w->n_ranks : l->n_files);
	return 0;
}

/* Adds one group per copy for a slot; NULL ranks: all of the copy. A single file's groups span every rank. */
static void add_slot(struct loader *l, uint32_t slot, const char *name, const uint32_t *ranks, uint32_t n)
{
	uint32_t copies = l->n_files == 1 ? 1 : l->n_copies, size = l->n_files == 1 ? l->w->n_ranks : l->n_files;
	uint32_t first = l->w->n_groups, *members = memory_zero(size, sizeof *members);
	for (uint32_t copy = 0; copy < copies; copy++) {
		for (uint32_t i = 0; i < (ranks ? n : size); i++)
			members[i] = (ranks ? ranks[i] : i) + copy * size;
		workload_add_group(l->w, name, members, ranks ? n : size);
	}
	workload_assign_slot(l->w, slot, first, copies);
	free(members);
}

static int add_groups(struct loader *l)
{
	if (l->n_groups >= PEER_ABSOLUTE - 1)
		return error_set(l->err, ERROR_INPUT, "%s: more than %u process groups", l->paths[0], PEER_ABSOLUTE - 2);
	workload_set_slots(l->w, (uint32_t)l->n_groups + 1);
	add_slot(l, SLOT_ALL, "all", NULL, 0);
	for (size_t i = 0; i < l->n_groups; i++) {
		struct process_group *group = &l->groups[i];
		if (group->ranks && check_group(l, group)) {
			if (!group->from_node)
				return -1;
			*l->err = (struct error){0};
			group->ranks = NULL; /* one rank's trace of a larger job */
			l->n_guessed_groups++;
		}
		add_slot(l, 1 + (uint32_t)i, group->name, group->ranks, group->n_ranks);
	}
	return 0;
}

static void say_assumed(const struct loader *l)
{
	if (!l->request->assumed)
		return;
	if (l->n_guessed_groups)
		text_printf(l->request->assumed, "%llu process groups are not described for these ranks: each is taken as all of them\n",
			    (unsigned long long)l->n_guessed_groups);
	if (l->n_absent)
		text_printf(l->request->assumed, "%llu nodes that others depend on are absent: those dependencies were dropped\n",
			    (unsigned long long)l->n_absent);
	if (l->n_self)
		text_printf(l->request->assumed, "%llu dependencies of nodes on themselves were dropped\n", (unsigned long long)l->n_self);
	if (l->n_untimed)
		text_printf(l->request->assumed, "%llu compute nodes have no duration and take no time\n", (unsigned long long)l->n_untimed);
	if (l->n_copies > 1)
		text_printf(l->request->assumed, "the trace of %u ranks runs %u times, side by side\n", l->n_files, l->n_copies);
}

static int load_all(struct loader *l)
{
	if (order_files(l) || read_group_file(l))
		return -1;
	for (uint32_t rank = 0; rank < l->n_files; rank++)
		if (add_rank(l, rank))
			return -1;
	if (add_groups(l))
		return -1;
	splits_join(&l->splits, l->w, l->request->assumed);
	say_assumed(l);
	return 0;
}

static int load(struct workload *workload, const struct trace_request *request, struct error *err)
{
	uint32_t n_ranks = request->n_ranks ? request->n_ranks : request->n_paths;
	struct loader l = {.request = request, .w = workload, .err = err};
	if (!request->n_paths || n_ranks > LIMIT_RANKS || n_ranks % request->n_paths)
		return error_set(err, ERROR_INPUT, "a trace of %u ranks cannot run on %u ranks (expected a multiple, at most %u)",
				 request->n_paths, n_ranks, LIMIT_RANKS);
	workload_init(workload, n_ranks);
	l.n_copies = n_ranks / request->n_paths;
	int result = load_all(&l);
	free(l.groups);
	names_release(&l.names);
	splits_release(&l.splits);
	if (result)
		workload_release(workload);
	return result;
}

const struct trace_format trace_chakra = {"chakra", "Chakra execution traces, PREFIX.RANK.et", recognise, load, .has_group_file = true};
