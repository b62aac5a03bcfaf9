#include "scenario/build.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "trace/trace.h"
#include "workload/pipeline.h"

static const char *label(const struct scenario_entry *entry)
{
	return entry->name ? entry->name : entry_kind_names[entry->kind];
}

void workload_delete(struct workload *workload)
{
	if (!workload)
		return;
	workload_release(workload);
	free(workload);
}

static struct workload *workload_make(const struct scenario_entry *entry, uint32_t n_ranks)
{
	struct workload *workload = memory_zero(1, sizeof *workload);
	workload_init(workload, n_ranks);
	workload->name = label(entry);
	return workload;
}

/* Which ranks take part, by position. */
static int members_of(const struct scenario_entry *entry, uint32_t n_ranks, struct arena *arena, uint32_t **ranks, uint32_t *n,
		      struct error *err)
{
	if (entry->ranks)
		return scenario_ranks(entry->ranks, n_ranks, arena, ranks, n, err);
	*ranks = arena_array(arena, n_ranks, sizeof **ranks);
	*n = n_ranks;
	for (uint32_t i = 0; i < n_ranks; i++)
		(*ranks)[i] = i;
	return 0;
}

static struct collective_call call_of(const struct scenario_collective *from)
{
	struct collective_call call = {.kind = from->kind, .bytes = from->bytes, .root = (uint32_t)from->root,
		.algorithm = from->algorithm, .protocol = from->protocol, .channels = (uint32_t)from->channels,
		.bidirectional = from->bidirectional, .chunk_bytes = from->chunk_bytes, .n_dims = from->dims.n, .file = from->file,
		.circuits = from->circuits};
	for (uint32_t i = 0; i < from->dims.n; i++)
		call.dims[i] = (uint32_t)from->dims.values[i];
	for (uint32_t i = 0; i < from->levels.n; i++)
		call.levels[i] = from->levels.values[i];
	return call;
}

/* Cuts the members into groups of `size`: with stride s, blocks of s × size positions hold s interleaved groups. */
static int add_groups(struct workload *workload, const struct scenario_entry *entry, const uint32_t *members, uint32_t n, struct error *err)
{
	uint32_t size = entry->collective.group_size ? (uint32_t)entry->collective.group_size : n;
	uint64_t stride = (uint64_t)entry->collective.group_stride, block = stride * size;
	const struct tree_node *node = entry->kind_nodes[ENTRY_COLLECTIVE];
	uint32_t *group = arena_array(&workload->arena, size, sizeof *group);
	if (size > n || (entry->collective.group_size ? n % block : stride != 1))
		return tree_fail(node, err, "%u ranks cannot be cut into groups of %u with stride %llu", n, size, (unsigned long long)stride);
	for (uint64_t base = 0; base < n; base += block)
		for (uint64_t j = 0; j < stride; j++) {
			for (uint64_t i = 0; i < size; i++)
				group[i] = members[base + j + i * stride];
			workload_add_group(workload, NULL, size == workload->n_ranks ? NULL : group, size);
		}
	workload_set_slots(workload, 1);
	workload_assign_slot(workload, 0, 0, workload->n_groups);
	return 0;
}

/* Whether the algorithm can do it at all (a power of two, dims that multiply to n, …); `auto` always can. */
static int check_plan(const struct scenario_entry *entry, const struct collective_call *call, uint32_t n_ranks, struct error *err)
{
	struct collective_request request = {.kind = call->kind, .n_ranks = n_ranks, .root = call->root, .bytes = call->bytes,
		.element_bytes = 1, .channels = call->channels, .bidirectional = call->bidirectional, .chunk_bytes = call->chunk_bytes,
		.n_dims = call->n_dims, .file = call->file};
	struct collective_plan plan;
	struct error local = {0};
	memcpy(request.dims, call->dims, sizeof request.dims);
	memcpy(request.levels, call->levels, sizeof request.levels);
	if (collective_plan_init(&plan, call->algorithm, &request, 1e6, 0.02, &local))
		return tree_fail(entry->kind_nodes[ENTRY_COLLECTIVE], err, "%s", local.message);
	collective_plan_release(&plan);
	return 0;
}

static int build_collective(struct workload *workload, const struct scenario_entry *entry, struct error *err)
{
	uint32_t *members, n, program, idle = UINT32_MAX;
	struct collective_call call = call_of(&entry->collective);
	if (members_of(entry, workload->n_ranks, &workload->arena, &members, &n, err) || add_groups(workload, entry, members, n, err))
		return -1;
	if (entry->collective.root >= workload->groups[0].n_ranks)
		return tree_fail(entry->kind_nodes[ENTRY_COLLECTIVE], err, "root %lld is not in a group of %u ranks",
				 (long long)entry->collective.root, workload->groups[0].n_ranks);
	if (check_plan(entry, &call, workload->groups[0].n_ranks, err))
		return -1;
	program = workload_add_program(workload);
	if (n < workload->n_ranks)
		idle = workload_add_program(workload);
	for (uint32_t r = 0; r < workload->n_ranks; r++)
		workload->rank_program[r] = workload->rank_groups[r] == UINT32_MAX ? idle : program;
	program_add_call(&workload->programs[program], &call);
	for (int64_t i = 0; i < entry->repeat; i++)
		program_add(&workload->programs[program], &(struct op){.kind = OP_COLLECTIVE, .stream = 1, .name = 0}, NULL, 0);
	return 0;
}

/* Every rank its own program, made when it first sends or receives. */
static struct program *rank_program(struct workload *workload, uint32_t rank, uint32_t idle)
{
	if (workload->rank_program[rank] == idle)
		workload->rank_program[rank] = workload_add_program(workload);
	return &workload->programs[workload->rank_program[rank]];
}

static int build_messages(struct workload *workload, const struct scenario_entry *entry, struct error *err)
{
	uint32_t idle = workload_add_program(workload);
	const struct tree_node *list = entry->kind_nodes[ENTRY_MESSAGES];
	for (uint32_t r = 0; r < workload->n_ranks; r++)
		workload->rank_program[r] = idle;
	for (uint32_t i = 0; i < entry->n_messages; i++) {
		const struct scenario_message *message = &entry->messages[i];
		int64_t last = message->from > message->to ? message->from : message->to;
		if (last >= workload->n_ranks)
			return tree_fail(list->entries[i].value, err, "rank %lld does not exist (there are %u, from 0)", (long long)last,
					 workload->n_ranks);
		struct op op = {.stream = STREAM_NONE, .group_slot = PEER_ABSOLUTE, .tag = (int32_t)message->tag, .amount = message->bytes};
		if (message->send) {
			op.kind = OP_SEND;
			op.peer = (int32_t)message->to;
			program_add(rank_program(workload, (uint32_t)message->from, idle), &op, NULL, 0);
		}
		if (message->receive) {
			op.kind = OP_RECEIVE;
			op.peer = (int32_t)message->from;
			program_add(rank_program(workload, (uint32_t)message->to, idle), &op, NULL, 0);
		}
	}
	return 0;
}

static struct pipeline pipeline_of(const struct scenario_pipeline *from)
{
	struct pipeline pipeline = pipeline_defaults();
	pipeline.schedule = (enum pipeline_schedule)from->schedule;
	pipeline.stages = (uint32_t)from->stages;
	pipeline.microbatches = (uint32_t)from->microbatches;
	pipeline.chunks = from->chunks ? (uint32_t)from->chunks : pipeline.schedule == PIPELINE_INTERLEAVED ? 2 : 1;
	pipeline.data_parallel = (uint32_t)from->data_parallel;
	pipeline.tensor_parallel = (uint32_t)from->tensor_parallel;
	pipeline.iterations = (uint32_t)from->iterations;
	pipeline.forward_ps = from->forward_ps;
	pipeline.backward_ps = from->backward_ps;
	pipeline.weight_ps = from->weight_ps;
	pipeline.optimizer_ps = from->optimizer_ps;
	pipeline.recompute = from->recompute;
	pipeline.activation_bytes = from->activation_bytes;
	pipeline.tensor_bytes = from->tensor_bytes;
	pipeline.tensor_calls = (uint32_t)from->tensor_calls;
	pipeline.gradient_bytes = from->gradient_bytes;
	pipeline.buckets = (uint32_t)from->buckets;
	pipeline.overlap = from->overlap;
	pipeline.jitter = from->jitter;
	pipeline.tensor_circuits = from->tensor_circuits;
	pipeline.gradient_circuits = from->gradient_circuits;
	pipeline.algorithm = strcmp(from->algorithm, "auto") ? from->algorithm : NULL;
	pipeline.protocol = from->protocol;
	return pipeline;
}

/* The pipeline's own ranks, 0 … n - 1, come first in the run's; `ranks` does not move them. */
static int load_pipeline(const struct scenario_entry *entry, struct workload *workload, struct error *err)
{
	struct pipeline pipeline = pipeline_of(&entry->pipeline);
	struct error local = {0};
	if (pipeline_build(workload, &pipeline, &local))
		return tree_fail(entry->kind_nodes[ENTRY_PIPELINE], err, "%s", local.message);
	return 0;
}

static int load_trace(const struct scenario_entry *entry, struct workload *workload, struct text *assumed, struct error *err)
{
	static const char *const formats[ENTRY_KINDS] = {[ENTRY_PROGRAM] = "program", [ENTRY_FLOWS] = "flows"};
	struct trace_request request = {.paths = entry->path.paths.values, .n_paths = entry->path.paths.n,
		.format = formats[entry->kind] ? formats[entry->kind] : entry->path.format, .n_ranks = (uint32_t)entry->path.replicate,
		.group_file = entry->path.groups, .step = entry->path.step, .compute_scale = entry->path.compute_scale, .assumed = assumed};
	return trace_load(workload, &request, NULL, err);
}

int entry_load(const struct scenario *scenario, const struct scenario_entry *entry, struct workload **loaded, uint32_t *needed,
	       struct text *assumed, struct error *err)
{
	(void)scenario;
	*loaded = NULL;
	*needed = 0;
	if (entry->kind != ENTRY_COLLECTIVE && entry->kind != ENTRY_MESSAGES) {
		*loaded = memory_zero(1, sizeof **loaded);
		if (entry->kind == ENTRY_PIPELINE ? load_pipeline(entry, *loaded, err) : load_trace(entry, *loaded, assumed, err)) {
			free(*loaded);
			*loaded = NULL;
			return -1;
		}
		*needed = (*loaded)->n_ranks;
	} else if (entry->kind == ENTRY_MESSAGES) {
		for (uint32_t i = 0; i < entry->n_messages; i++) {
			int64_t last = entry->messages[i].from > entry->messages[i].to ? entry->messages[i].from : entry->messages[i].to;
			if (last + 1 > *needed)
				*needed = (uint32_t)(last + 1);
		}
	}
	if (entry->ranks) {
		int64_t last;
		if (scenario_ranks_needed(entry->ranks, &last, err))
			return -1;
		if (last > *needed)
			*needed = (uint32_t)last;
	}
	return 0;
}

struct workload *entry_build(const struct scenario *scenario, const struct scenario_entry *entry, struct workload *loaded,
			     uint32_t n_ranks, struct error *err)
{
	struct workload *workload = loaded ? loaded : workload_make(entry, n_ranks);
	int result = 0;
	(void)scenario;
	workload->name = label(entry);
	switch (entry->kind) {
	case ENTRY_COLLECTIVE: result = build_collective(workload, entry, err); break;
	case ENTRY_MESSAGES: result = build_messages(workload, entry, err); break;
	case ENTRY_PIPELINE:
	case ENTRY_TRACE:
	case ENTRY_PROGRAM:
	case ENTRY_FLOWS:
	case ENTRY_KINDS: break; /* loaded */
	}
	if (!result && workload_verify(workload, err))
		result = error_prefix(err, "%s:%d:%d", entry->node->file, entry->node->line, entry->node->column);
	if (result) {
		workload_delete(workload);
		return NULL;
	}
	return workload;
}
