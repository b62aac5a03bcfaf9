#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/output.h"
#include "trace/write.h"

static int refuse(const struct workload *w, uint32_t rank, uint32_t index, const char *why, struct error *err)
{
	const struct op *op = &w->programs[w->rank_program[rank]].ops[index];
	const char *name = op->name ? w->names[op->name] : NULL;
	return error_set(err, ERROR_INPUT, "rank %u, operation %u (%s%s%s) cannot be written as GOAL: %s", rank, index,
			 op_kind_names[op->kind], name ? " " : "", name ? name : "", why);
}

static int write_op(FILE *out, const struct workload *w, uint32_t rank, uint32_t i, const struct op *op, struct error *err)
{
	unsigned cpu = op->stream == STREAM_NONE ? 0 : op->stream;
	char tag[32], peer[32];
	snprintf(tag, sizeof tag, op->tag == ANY_TAG ? "-1" : "%d", op->tag);
	switch ((enum op_kind)op->kind) {
	case OP_COMPUTE:
		if (op->amount % PS_PER_NS)
			return refuse(w, rank, i, "its time is not a whole number of nanoseconds", err);
		fprintf(out, "l%u: calc %lld cpu %u\n", i, (long long)(op->amount / PS_PER_NS), cpu);
		return 0;
	case OP_WAIT:
		fprintf(out, "l%u: calc 0 cpu %u\n", i, cpu);
		return 0;
	case OP_SEND:
	case OP_RECEIVE:
		if (op->stream == STREAM_NONE && !w->programs[w->rank_program[rank]].ready_order)
			return refuse(w, rank, i, "it runs beside its rank's streams", err);
		snprintf(peer, sizeof peer, op->peer == ANY_SOURCE ? "-1" : "%u", op->peer == ANY_SOURCE ? 0 : workload_peer(w, rank, op));
		fprintf(out, "l%u: %s %lldb %s %s tag %s cpu %u nic %u\n", i, op->kind == OP_SEND ? "send" : "recv", (long long)op->amount,
			op->kind == OP_SEND ? "to" : "from", peer, tag, cpu, op->nic);
		return 0;
	case OP_COLLECTIVE: return refuse(w, rank, i, "GOAL has messages only (Chakra and weft's own programs have collectives)", err);
	case OP_KINDS: break;
	}
	return refuse(w, rank, i, "unknown kind", err);
}

static int write_rank(FILE *out, const struct workload *w, uint32_t rank, uint32_t *last, struct error *err)
{
	const struct program *program = &w->programs[w->rank_program[rank]];
	for (uint32_t s = 0; s < UINT16_MAX; s++)
		last[s] = UINT32_MAX;
	fprintf(out, "\nrank %u {\n", rank);
	for (uint32_t i = 0; i < program->n_ops; i++)
		if (write_op(out, w, rank, i, &program->ops[i], err))
			return -1;
	for (uint32_t i = 0; i < program->n_ops; i++) {
		const struct op *op = &program->ops[i];
		if (!program->ready_order && op->stream != STREAM_NONE) {
			if (last[op->stream] != UINT32_MAX)
				fprintf(out, "l%u requires l%u\n", i, last[op->stream]);
			last[op->stream] = i;
		}
		for (uint32_t d = 0; d < op->n_deps; d++) {
			uint32_t dep = program->deps[op->first_dep + d];
			fprintf(out, "l%u %s l%u\n", i, dep & DEP_START ? "irequires" : "requires", dep & ~DEP_START);
		}
	}
	fputs("}\n", out);
	return 0;
}

int goal_write(const struct workload *w, const char *path, struct error *err)
{
	struct output out;
	if (output_open(&out, path, "num_ranks ", "a GOAL schedule", err))
		return -1;
	uint32_t *last = memory_zero(UINT16_MAX, sizeof *last);
	int result = 0;
	fprintf(out.file, "num_ranks %u\n", w->n_ranks);
	for (uint32_t rank = 0; rank < w->n_ranks && !result; rank++)
		result = write_rank(out.file, w, rank, last, err);
	free(last);
	return output_close(&out, result, err);
}
