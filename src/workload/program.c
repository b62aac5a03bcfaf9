#include "workload/program.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

const char *const op_kind_names[OP_KINDS] = {
	[OP_COMPUTE] = "compute", [OP_SEND] = "send", [OP_RECEIVE] = "receive", [OP_COLLECTIVE] = "collective", [OP_WAIT] = "wait",
};

void workload_init(struct workload *workload, uint32_t n_ranks)
{
	memset(workload, 0, sizeof *workload);
	workload->n_ranks = n_ranks;
	workload->rank_program = arena_array(&workload->arena, n_ranks, sizeof *workload->rank_program);
	workload->algorithm = "auto";
	ARRAY_RESERVE(workload->names, 1, workload->names_capacity);
	workload->names[workload->n_names++] = NULL;
}

void workload_release(struct workload *workload)
{
	for (uint32_t i = 0; i < workload->n_programs; i++) {
		struct program *program = &workload->programs[i];
		free(program->ops);
		free(program->deps);
		free(program->calls);
		free(program->origins);
	}
	free(workload->programs);
	free(workload->groups);
	free(workload->names);
	arena_release(&workload->arena);
	memset(workload, 0, sizeof *workload);
}

uint32_t workload_add_name(struct workload *workload, const char *name)
{
	ARRAY_RESERVE(workload->names, workload->n_names + 1, workload->names_capacity);
	workload->names[workload->n_names] = arena_text(&workload->arena, name);
	return workload->n_names++;
}

uint32_t workload_add_program(struct workload *workload)
{
	ARRAY_RESERVE(workload->programs, workload->n_programs + 1, workload->programs_capacity);
	struct program *program = &workload->programs[workload->n_programs];
	memset(program, 0, sizeof *program);
	program->n_streams = 1;
	return workload->n_programs++;
}

uint32_t workload_add_group(struct workload *workload, const char *name, const uint32_t *ranks, uint32_t n)
{
	ARRAY_RESERVE(workload->groups, workload->n_groups + 1, workload->groups_capacity);
	struct group *group = &workload->groups[workload->n_groups];
	group->name = name ? arena_text(&workload->arena, name) : NULL;
	group->ranks = NULL;
	group->n_ranks = ranks ? n : workload->n_ranks;
	if (ranks) {
		group->ranks = arena_array(&workload->arena, n, sizeof *group->ranks);
		memcpy(group->ranks, ranks, n * sizeof *ranks);
	}
	return workload->n_groups++;
}

void workload_set_slots(struct workload *workload, uint32_t n_slots)
{
	size_t n = (size_t)workload->n_ranks * n_slots;
	workload->n_slots = n_slots;
	workload->rank_groups = arena_array(&workload->arena, n, sizeof *workload->rank_groups);
	workload->rank_positions = arena_array(&workload->arena, n, sizeof *workload->rank_positions);
	for (size_t i = 0; i < n; i++)
		workload->rank_groups[i] = UINT32_MAX;
}

void workload_assign_slot(struct workload *workload, uint32_t slot, uint32_t first, uint32_t n)
{
	for (uint32_t g = first; g < first + n; g++) {
		const struct group *group = &workload->groups[g];
		for (uint32_t position = 0; position < group->n_ranks; position++) {
			size_t at = (size_t)(group->ranks ? group->ranks[position] : position) * workload->n_slots + slot;
			workload->rank_groups[at] = g;
			workload->rank_positions[at] = position;
		}
	}
}

uint32_t program_add(struct program *program, const struct op *op, const uint32_t *deps, uint32_t n_deps)
{
	ARRAY_RESERVE(program->ops, program->n_ops + 1, program->ops_capacity);
	ARRAY_RESERVE(program->deps, program->n_deps + n_deps, program->deps_capacity);
	struct op *added = &program->ops[program->n_ops];
	*added = *op;
	added->first_dep = program->n_deps;
	added->n_deps = n_deps;
	if (n_deps)
		memcpy(program->deps + program->n_deps, deps, n_deps * sizeof *deps);
	program->n_deps += n_deps;
	if (op->stream != STREAM_NONE && op->stream >= program->n_streams)
		program->n_streams = (uint16_t)(op->stream + 1);
	return program->n_ops++;
}

uint32_t program_add_call(struct program *program, const struct collective_call *call)
{
	ARRAY_RESERVE(program->calls, program->n_calls + 1, program->calls_capacity);
	program->calls[program->n_calls] = *call;
	return program->n_calls++;
}

uint32_t workload_peer(const struct workload *workload, uint32_t rank, const struct op *op)
{
	if (op->group_slot == PEER_ABSOLUTE)
		return (uint32_t)op->peer;
	size_t at = (size_t)rank * workload->n_slots + op->group_slot;
	const struct group *group = &workload->groups[workload->rank_groups[at]];
	int64_t position = op->peer, n = group->n_ranks;
	if (!(op->flags & OP_PEER_INDEX)) {
		position = ((int64_t)workload->rank_positions[at] + op->peer) % n;
		position += position < 0 ? n : 0;
	}
	return group->ranks ? group->ranks[position] : (uint32_t)position;
}
