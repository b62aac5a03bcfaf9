/* The binary form of GOAL: little-endian, packed; offsets of the ranks' blocks count from byte 8. Edges are stored forward, from an
 * operation to those that wait for it. */
#include <stdlib.h>

#include "base/error.h"
#include "trace/goal.h"

#define HEADER 14u
#define RECORD 39u
/* allreduce_8ranks.bin joins dependencies in sends of no bytes to this rank, which no schedule has: a wait. */
#define JOIN_PEER 9999999u
/* Offsets inside a record. */
#define AT_TYPE 4
#define AT_PEER 5
#define AT_SIZE 9
#define AT_TAG 17
#define AT_CPU 21
#define AT_NIC 22
#define AT_RELEASED_AT_END 23
#define AT_RELEASED_AT_START 31

struct block {
	const char *path;
	const unsigned char *data; /* of the whole file */
	const unsigned char *records, *appendix;
	uint32_t n_nodes, n_appendix;
};

static uint32_t u32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static uint64_t u64(const unsigned char *p) { return (uint64_t)u32(p) | (uint64_t)u32(p + 4) << 32; }

static int corrupt(struct error *err, const struct block *b, const unsigned char *at, const char *what)
{
	return error_set(err, ERROR_INPUT, "%s: offset %zu: %s", b->path, (size_t)(at - b->data), what);
}

static int open_block(struct block *b, size_t length, uint32_t rank, struct error *err)
{
	const unsigned char *entry = b->data + HEADER + 16 * (size_t)rank;
	uint64_t first = u64(entry), last = u64(entry + 8);
	if (first > last || last > length - 8 || last - first < 8)
		return corrupt(err, b, entry, "a rank's block lies outside the file");
	const unsigned char *start = b->data + first + 8, *end = b->data + last + 8;
	b->n_nodes = u32(start);
	uint64_t roots = u32(start + 4);
	if (8 + 4 * roots + (uint64_t)RECORD * b->n_nodes > (uint64_t)(end - start))
		return corrupt(err, b, start, "a rank's block is too short for its operations");
	b->records = start + 8 + 4 * roots;
	b->appendix = b->records + (size_t)RECORD * b->n_nodes;
	b->n_appendix = (uint32_t)((end - b->appendix) / 4);
	return 0;
}

static int read_record(const struct block *b, const unsigned char *p, uint32_t n_ranks, struct op *op, struct error *err)
{
	uint32_t peer = u32(p + AT_PEER), tag = u32(p + AT_TAG);
	uint64_t size = u64(p + AT_SIZE), unit = p[AT_TYPE] == 3 ? (uint64_t)PS_PER_NS : 1;
	*op = (struct op){.stream = p[AT_CPU], .nic = p[AT_NIC], .group_slot = PEER_ABSOLUTE};
	if (p[AT_TYPE] < 1 || p[AT_TYPE] > 3)
		return corrupt(err, b, p + AT_TYPE, "unknown type of operation (known: 1 send, 2 recv, 3 calc)");
	if (size > (uint64_t)INT64_MAX / 16 / unit)
		return corrupt(err, b, p + AT_SIZE, "size or time out of range");
	op->kind = p[AT_TYPE] == 1 ? OP_SEND : p[AT_TYPE] == 2 ? OP_RECEIVE : OP_COMPUTE;
	op->amount = (int64_t)(size * unit);
	if (op->kind == OP_SEND && peer == JOIN_PEER && !size && peer >= n_ranks)
		op->kind = OP_WAIT;
	if (op->kind == OP_COMPUTE || op->kind == OP_WAIT)
		return 0;
	if (!(op->kind == OP_RECEIVE && peer == UINT32_MAX) && peer >= n_ranks)
		return corrupt(err, b, p + AT_PEER, "the peer rank does not exist");
	op->peer = peer == UINT32_MAX ? ANY_SOURCE : (int32_t)peer;
	op->tag = tag == UINT32_MAX ? ANY_TAG : (int32_t)tag;
	return 0;
}

static int add_edges(const struct block *b, uint32_t node, int where, struct program *program, uint32_t *filled, struct error *err)
{
	const unsigned char *p = b->records + (size_t)RECORD * node + where;
	uint32_t count = u32(p), first = u32(p + 4);
	if (count > b->n_appendix || first > b->n_appendix - count)
		return corrupt(err, b, p, "edges lie outside the block");
	for (uint32_t i = 0; i < count; i++) {
		uint32_t waits = u32(b->appendix + 4 * ((size_t)first + i));
		if (waits >= b->n_nodes)
			return corrupt(err, b, p, "an edge leads to an operation that does not exist");
		if (filled[waits] == program->ops[waits].n_deps)
			return corrupt(err, b, p, "an edge leads to an operation that counts fewer dependencies");
		program->deps[program->ops[waits].first_dep + filled[waits]++] =
			node | (where == AT_RELEASED_AT_START ? DEP_START : 0);
	}
	return 0;
}

static int read_edges(const struct block *b, struct program *program, struct error *err)
{
	uint32_t *filled = memory_zero((size_t)b->n_nodes + 1, sizeof *filled);
	int result = 0;
	for (uint32_t i = 0; i < b->n_nodes && !result; i++)
		result = add_edges(b, i, AT_RELEASED_AT_END, program, filled, err) ||
			 add_edges(b, i, AT_RELEASED_AT_START, program, filled, err);
	for (uint32_t i = 0; i < b->n_nodes && !result; i++)
		if (filled[i] != program->ops[i].n_deps)
			result = corrupt(err, b, b->records + (size_t)RECORD * i,
					 "an operation counts more dependencies than edges lead to it");
	free(filled);
	return result ? -1 : 0;
}

static int read_block(const struct block *b, struct program *program, uint32_t n_ranks, struct error *err)
{
	uint64_t n_deps = 0;
	program->ready_order = true;
	for (uint32_t i = 0; i < b->n_nodes; i++) {
		const unsigned char *p = b->records + (size_t)RECORD * i;
		struct op op;
		if (read_record(b, p, n_ranks, &op, err))
			return -1;
		program_add(program, &op, NULL, 0);
		program->ops[i].n_deps = u32(p);
		program->ops[i].first_dep = (uint32_t)n_deps;
		n_deps += u32(p);
		if (n_deps > b->n_appendix)
			return corrupt(err, b, p, "more dependencies than edges");
		if (op.stream >= program->n_streams)
			program->n_streams = (uint16_t)(op.stream + 1);
	}
	ARRAY_RESERVE(program->deps, (size_t)n_deps, program->deps_capacity);
	program->n_deps = (uint32_t)n_deps;
	return read_edges(b, program, err);
}

int goal_load_binary(const char *path, const unsigned char *data, size_t length, struct workload *w, struct error *err)
{
	struct block block = {.path = path, .data = data};
	uint64_t magic = length >= HEADER ? u64(data) : 0;
	if (magic == GOAL_MAGIC_USED)
		return corrupt(err, &block, data, "the schedule was used up by a destructive run (magic 2342, expected 4223)");
	if (magic != GOAL_MAGIC)
		return corrupt(err, &block, data, "this is no GOAL schedule (expected magic 4223, or text that begins with num_ranks)");
	uint32_t n_ranks = u32(data + 8);
	if (n_ranks == 0 || n_ranks > (length - HEADER) / 16)
		return corrupt(err, &block, data + 8, "the number of ranks is zero or more than the file holds");
	workload_init(w, n_ranks);
	for (uint32_t rank = 0; rank < n_ranks; rank++) {
		uint32_t index = workload_add_program(w);
		w->rank_program[rank] = index;
		if (open_block(&block, length, rank, err) || read_block(&block, &w->programs[index], n_ranks, err)) {
			workload_release(w);
			return -1;
		}
	}
	return 0;
}
