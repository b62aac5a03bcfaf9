#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/output.h"
#include "base/wire.h"
#include "trace/chakra_node.h"
#include "trace/write.h"

/* AttributeProto: the fields that are written. */
enum { ATTR_NAME = 1, ATTR_INT64 = 9, ATTR_BOOL = 27, ATTR_STRING = 29 };

/* The first record, with its length before it: GlobalMetadata of version "schema 1.0.1". */
#define METADATA "\x12\x12\x10\x0a\x06" "schema" "\xea\x01\x05" "1.0.1"

struct writer {
	const struct workload *w;
	struct text node, attribute, out;
	struct error *err;
};

static void put_attribute(struct writer *x, const char *name, uint32_t field, int64_t value, const char *string)
{
	x->attribute.length = 0;
	wire_put_string(&x->attribute, ATTR_NAME, name);
	if (string)
		wire_put_string(&x->attribute, ATTR_STRING, string);
	else
		wire_put_integer(&x->attribute, field, (uint64_t)value);
	wire_put_bytes(&x->node, 10, x->attribute.data, x->attribute.length);
}

static void put_integer(struct writer *x, const char *name, int64_t value) { put_attribute(x, name, ATTR_INT64, value, NULL); }

static int refuse(struct writer *x, uint32_t rank, uint32_t index, const char *why)
{
	const struct op *op = &x->w->programs[x->w->rank_program[rank]].ops[index];
	return error_set(x->err, ERROR_INPUT, "rank %u, operation %u (%s) cannot be written as Chakra: %s", rank, index,
			 op_kind_names[op->kind], why);
}

/* CollectiveCommType; -1 where Chakra has none. */
static int comm_type(enum collective_kind kind)
{
	switch (kind) {
	case COLLECTIVE_ALL_REDUCE: return 0;
	case COLLECTIVE_REDUCE: return 1;
	case COLLECTIVE_ALL_GATHER: return 2;
	case COLLECTIVE_GATHER: return 3;
	case COLLECTIVE_SCATTER: return 4;
	case COLLECTIVE_BROADCAST: return 5;
	case COLLECTIVE_ALL_TO_ALL:
	case COLLECTIVE_ALL_TO_ALL_V: return 6;
	case COLLECTIVE_REDUCE_SCATTER: return 7;
	case COLLECTIVE_BARRIER: return 9;
	default: return -1;
	}
}

static uint32_t group_of(const struct workload *w, uint32_t rank, const struct op *op)
{
	return w->rank_groups[(size_t)rank * w->n_slots + op->group_slot];
}

/* What this rank sends to each member, as PyTorch prints it; returns the sum. */
static int64_t put_splits(struct writer *x, uint32_t rank, const struct op *op, const struct collective_call *call)
{
	size_t at = (size_t)rank * x->w->n_slots + op->group_slot;
	uint32_t n = x->w->groups[x->w->rank_groups[at]].n_ranks;
	const int64_t *row = call->counts + (size_t)x->w->rank_positions[at] * n;
	struct text list = TEXT_INIT;
	int64_t sum = 0;
	for (uint32_t i = 0; i < n; i++) {
		text_printf(&list, "%s%lld", i ? ", " : "[", (long long)row[i]);
		sum += row[i];
	}
	text_puts(&list, "]");
	put_attribute(x, "in_split_size", 0, 0, text_string(&list));
	text_release(&list);
	return sum;
}

static int put_collective(struct writer *x, uint32_t rank, uint32_t index, const struct op *op)
{
	const struct collective_call *call = &x->w->programs[x->w->rank_program[rank]].calls[op->amount];
	uint32_t id = group_of(x->w, rank, op);
	int type = comm_type(call->kind);
	char group[16];
	if (type < 0)
		return refuse(x, rank, index, "the schema has no such collective");
	snprintf(group, sizeof group, "%u", id);
	put_integer(x, "comm_type", type);
	int64_t bytes = call->counts ? put_splits(x, rank, op, call) : call->bytes;
	put_integer(x, "comm_size", call->kind == COLLECTIVE_ALL_GATHER ? bytes / x->w->groups[id].n_ranks : bytes);
	put_integer(x, "weft_bytes", bytes);
	put_integer(x, "comm_root", call->root);
	put_attribute(x, "pg_name", 0, 0, group);
	if (call->algorithm)
		put_attribute(x, "weft_algorithm", 0, 0, call->algorithm);
	if (call->protocol)
		put_attribute(x, "weft_protocol", 0, 0, call->protocol);
	return 0;
}

static int put_message(struct writer *x, uint32_t rank, uint32_t index, const struct op *op)
{
	if (op->peer == ANY_SOURCE || op->tag == ANY_TAG)
		return refuse(x, rank, index, "Chakra has no wildcards");
	bool send = op->kind == OP_SEND;
	put_integer(x, "comm_size", op->amount);
	put_integer(x, "comm_tag", op->tag);
	put_integer(x, send ? "comm_dst" : "comm_src", workload_peer(x->w, rank, op));
	return 0;
}

static void put_deps(struct writer *x, const struct program *program, const struct op *op, uint32_t before)
{
	x->attribute.length = 0;
	if (before != UINT32_MAX)
		wire_put_varint(&x->attribute, before);
	for (uint32_t d = 0; d < op->n_deps; d++)
		wire_put_varint(&x->attribute, program->deps[op->first_dep + d]);
	if (x->attribute.length)
		wire_put_bytes(&x->node, 5, x->attribute.data, x->attribute.length);
}

static int put_node(struct writer *x, uint32_t rank, uint32_t index, uint32_t before)
{
	static const uint8_t types[OP_KINDS] = {[OP_COMPUTE] = CHAKRA_COMP, [OP_SEND] = CHAKRA_SEND, [OP_RECEIVE] = CHAKRA_RECEIVE,
		[OP_COLLECTIVE] = CHAKRA_COLLECTIVE, [OP_WAIT] = CHAKRA_METADATA};
	const struct program *program = &x->w->programs[x->w->rank_program[rank]];
	const struct op *op = &program->ops[index];
	int result = 0;
	x->node.length = 0;
	for (uint32_t d = 0; d < op->n_deps; d++)
		if (program->deps[op->first_dep + d] & DEP_START)
			return refuse(x, rank, index, "it waits for the start of another operation");
	wire_put_integer(&x->node, 1, index);
	if (op->name)
		wire_put_string(&x->node, 2, x->w->names[op->name]);
	wire_put_integer(&x->node, 3, types[op->kind]);
	put_deps(x, program, op, before);
	put_attribute(x, "is_cpu_op", ATTR_BOOL, (op->flags & OP_HOST) != 0, NULL);
	put_integer(x, "weft_stream", op->stream == STREAM_NONE ? -1 : op->stream);
	if (op->kind == OP_COMPUTE) {
		wire_put_integer(&x->node, 7, (uint64_t)(op->amount / PS_PER_US));
		put_integer(x, "weft_duration_ps", op->amount);
	} else if (op->kind == OP_COLLECTIVE) {
		result = put_collective(x, rank, index, op);
	} else if (op->kind != OP_WAIT) {
		result = put_message(x, rank, index, op);
	}
	wire_put_varint(&x->out, x->node.length);
	text_add(&x->out, x->node.data, x->node.length);
	return result;
}

static int put_rank(struct writer *x, uint32_t rank)
{
	const struct program *program = &x->w->programs[x->w->rank_program[rank]];
	uint32_t *last = memory_alloc(((size_t)program->n_streams + 1) * sizeof *last);
	int result = 0;
	memset(last, 0xff, ((size_t)program->n_streams + 1) * sizeof *last);
	x->out.length = 0;
	text_add(&x->out, METADATA, sizeof METADATA - 1);
	for (uint32_t i = 0; i < program->n_ops && !result; i++) {
		uint16_t stream = program->ops[i].stream;
		bool ordered = !program->ready_order && stream != STREAM_NONE;
		result = put_node(x, rank, i, ordered ? last[stream] : UINT32_MAX);
		if (ordered)
			last[stream] = i;
	}
	free(last);
	return result;
}

static int save(const char *path, const char *begins, const char *sort, const char *data, size_t length, struct error *err)
{
	struct output out;
	if (output_open(&out, path, begins, sort, err))
		return -1;
	fwrite(data, 1, length, out.file);
	return output_close(&out, 0, err);
}

/* {"0": [ranks], …} under the ids that pg_name refers to. */
static int save_groups(const struct workload *w, const char *prefix, struct error *err)
{
	const char *slash = strrchr(prefix, '/');
	struct json *json = json_new();
	char path[4096], id[16];
	json_open_object(json, NULL);
	for (uint32_t g = 0; g < w->n_groups; g++) {
		snprintf(id, sizeof id, "%u", g);
		json_open_array(json, id);
		for (uint32_t i = 0; i < w->groups[g].n_ranks; i++)
			json_integer(json, NULL, w->groups[g].ranks ? w->groups[g].ranks[i] : i);
		json_close_array(json);
	}
	json_close_object(json);
	snprintf(path, sizeof path, "%.*scomm_group.json", slash ? (int)(slash + 1 - prefix) : 0, prefix);
	int result = save(path, "{", "a list of groups", json_text(json), strlen(json_text(json)), err);
	json_free(json);
	return result;
}

int chakra_write(const struct workload *w, const char *prefix, struct error *err)
{
	struct writer x = {.w = w, .err = err};
	char path[4096];
	int result = w->n_groups ? save_groups(w, prefix, err) : 0;
	for (uint32_t rank = 0; rank < w->n_ranks && !result; rank++) {
		snprintf(path, sizeof path, "%s.%u.et", prefix, rank);
		result = put_rank(&x, rank);
		if (!result)
			result = save(path, METADATA, "a Chakra trace", x.out.data, x.out.length, err);
	}
	text_release(&x.node);
	text_release(&x.attribute);
	text_release(&x.out);
	return result;
}
