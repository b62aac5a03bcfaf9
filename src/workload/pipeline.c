#include "workload/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "workload/pipeline_order.h"

const char *const pipeline_schedule_names[PIPELINE_SCHEDULES] = {
	[PIPELINE_GPIPE] = "gpipe", [PIPELINE_1F1B] = "1f1b", [PIPELINE_INTERLEAVED] = "interleaved",
	[PIPELINE_ZERO_BUBBLE] = "zero-bubble",
};

enum { SLOT_PIPE, SLOT_REPLICAS, SLOT_TENSOR, N_SLOTS };
enum {
	STREAM_FORWARD_OUT = 1, STREAM_FORWARD_IN, STREAM_BACKWARD_OUT, STREAM_BACKWARD_IN, STREAM_TENSOR, STREAM_GRADIENT,
};

int pipeline_schedule_find(const char *name, enum pipeline_schedule *schedule, struct error *err)
{
	char known[128];
	for (int i = 0; i < PIPELINE_SCHEDULES; i++)
		if (!strcmp(name, pipeline_schedule_names[i])) {
			*schedule = (enum pipeline_schedule)i;
			return 0;
		}
	return error_set(err, ERROR_INPUT, "unknown schedule '%s'%s", name,
			 text_known(known, sizeof known, name, pipeline_schedule_names, PIPELINE_SCHEDULES));
}

struct pipeline pipeline_defaults(void)
{
	return (struct pipeline){
		.schedule = PIPELINE_1F1B, .stages = 1, .microbatches = 1, .data_parallel = 1, .tensor_parallel = 1, .iterations = 1,
		.backward_ps = -1, .weight_ps = -1, .buckets = 1,
	};
}

uint32_t pipeline_n_ranks(const struct pipeline *pipeline)
{
	return pipeline->stages * pipeline->data_parallel * pipeline->tensor_parallel;
}

static int check_counts(const struct pipeline *pipeline, struct error *err)
{
	const struct { const char *key; uint32_t value, most; } counts[] = {
		{"stages", pipeline->stages, 1 << 20}, {"microbatches", pipeline->microbatches, 1 << 20},
		{"data_parallel", pipeline->data_parallel, 1 << 20}, {"tensor_parallel", pipeline->tensor_parallel, 1 << 20},
		{"iterations", pipeline->iterations, 1 << 20}, {"buckets", pipeline->buckets, 1 << 16},
	};
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		if (counts[i].value < 1 || counts[i].value > counts[i].most)
			return error_set(err, ERROR_INPUT, "pipeline: '%s' is %u, it must be 1 to %u", counts[i].key, counts[i].value,
					 counts[i].most);
	uint64_t ranks = (uint64_t)pipeline->stages * pipeline->data_parallel;
	if (ranks > 1 << 20 || ranks * pipeline->tensor_parallel > 1 << 20)
		return error_set(err, ERROR_INPUT, "pipeline: %u stages × %u data_parallel × %u tensor_parallel are more than %d ranks",
				 pipeline->stages, pipeline->data_parallel, pipeline->tensor_parallel, 1 << 20);
	return 0;
}

static int check_amounts(const struct pipeline *pipeline, struct error *err)
{
	const struct { const char *key; int64_t value; } amounts[] = {
		{"forward", pipeline->forward_ps}, {"optimizer", pipeline->optimizer_ps}, {"activation", pipeline->activation_bytes},
		{"tensor_size", pipeline->tensor_bytes}, {"gradient", pipeline->gradient_bytes},
	};
	for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++)
		if (amounts[i].value < 0)
			return error_set(err, ERROR_INPUT, "pipeline: '%s' is negative", amounts[i].key);
	if (pipeline->jitter < 0 || pipeline->jitter > 1)
		return error_set(err, ERROR_INPUT, "pipeline: 'jitter' is %g, it must be 0 to 1", pipeline->jitter);
	return 0;
}

int pipeline_check(const struct pipeline *pipeline, struct error *err)
{
	if (check_counts(pipeline, err) || check_amounts(pipeline, err))
		return -1;
	if (pipeline->chunks > 1 && pipeline->schedule != PIPELINE_INTERLEAVED)
		return error_set(err, ERROR_INPUT, "pipeline: 'chunks' is %u, only schedule 'interleaved' has more than one",
				 pipeline->chunks);
	if (pipeline->schedule == PIPELINE_INTERLEAVED && pipeline->microbatches % pipeline->stages)
		return error_set(err, ERROR_INPUT, "pipeline: schedule 'interleaved' needs 'microbatches' (%u) to be a multiple of 'stages' (%u)",
				 pipeline->microbatches, pipeline->stages);
	if (pipeline->weight_ps >= 0 && pipeline->schedule != PIPELINE_ZERO_BUBBLE)
		return error_set(err, ERROR_INPUT, "pipeline: 'weight' is for schedule 'zero-bubble' only");
	if (pipeline->backward_ps >= 0 && pipeline->weight_ps > pipeline->backward_ps)
		return error_set(err, ERROR_INPUT, "pipeline: 'weight' is longer than 'backward', of which it is a part");
	if ((uint64_t)pipeline->microbatches * (pipeline->chunks ? pipeline->chunks : 2) * pipeline->stages > 1u << 26)
		return error_set(err, ERROR_INPUT, "pipeline: %u stages × %u microbatches are too many", pipeline->stages,
				 pipeline->microbatches);
	if (pipeline->schedule == PIPELINE_ZERO_BUBBLE && /* its order is found by search */
	    (uint64_t)pipeline->stages * pipeline->stages * pipeline->microbatches > 1u << 28)
		return error_set(err, ERROR_INPUT, "pipeline: %u stages × %u microbatches are too many for schedule 'zero-bubble'",
				 pipeline->stages, pipeline->microbatches);
	return 0;
}

/* One stage's program being written. */
struct stage {
	const struct pipeline *pipeline;
	struct workload *workload;
	struct program *program;
	const uint32_t *names[3];      /* [pass][microbatch] */
	uint32_t name_activation, name_gradient, name_recompute, name_tensor, name_bucket, name_optimizer;
	uint32_t index, iteration;
	uint32_t tensor_call, first_bucket_call;
	uint32_t last_compute;         /* UINT32_MAX: none yet */
	uint32_t held_by;              /* the tensor-parallel all-reduce that the next computation waits for, UINT32_MAX: none */
	uint32_t *reduced;             /* what the optimizer waits for: the gradient all-reduces of this iteration */
	uint32_t n_reduced;
};

static uint32_t add(struct stage *stage, struct op op, const uint32_t *deps, uint32_t n_deps)
{
	struct program *program = stage->program;
	uint32_t index = program_add(program, &op, deps, n_deps);
	ARRAY_RESERVE(program->origins, program->n_ops, program->origins_capacity);
	program->origins[index] = (struct op_origin){-1, TIME_NEVER, TIME_NEVER, (int32_t)stage->iteration};
	return index;
}

static uint32_t add_after(struct stage *stage, struct op op, uint32_t dep)
{
	return add(stage, op, &dep, dep == UINT32_MAX ? 0 : 1);
}

/* Share i of n of a whole, so that the shares add up to it. */
static int64_t share(int64_t whole, uint32_t n, uint32_t i)
{
	return scale_floor(whole, i + 1, n) - scale_floor(whole, i, n);
}

static uint32_t receive(struct stage *stage, bool forward, int32_t tag)
{
	return add(stage, (struct op){
		.kind = OP_RECEIVE, .stream = forward ? STREAM_FORWARD_IN : STREAM_BACKWARD_IN, .group_slot = SLOT_PIPE,
		.peer = forward ? -1 : 1, .tag = tag, .amount = stage->pipeline->activation_bytes,
		.name = forward ? stage->name_activation : stage->name_gradient,
	}, NULL, 0);
}

static void send(struct stage *stage, bool forward, int32_t tag, uint32_t after)
{
	add_after(stage, (struct op){
		.kind = OP_SEND, .stream = forward ? STREAM_FORWARD_OUT : STREAM_BACKWARD_OUT, .group_slot = SLOT_PIPE,
		.peer = forward ? 1 : -1, .tag = tag, .amount = stage->pipeline->activation_bytes,
		.name = forward ? stage->name_activation : stage->name_gradient,
	}, after);
}

static void reduce_bucket(struct stage *stage, uint32_t bucket, uint32_t after)
{
	stage->reduced[stage->n_reduced++] = add_after(stage, (struct op){
		.kind = OP_COLLECTIVE, .stream = STREAM_GRADIENT, .group_slot = SLOT_REPLICAS,
		.amount = stage->first_bucket_call + bucket, .name = stage->name_bucket,
	}, after);
}

static bool reduces(const struct pipeline *pipeline)
{
	return pipeline->data_parallel > 1 && pipeline->gradient_bytes > 0;
}

/* A pass computes `duration`, cut by `calls` tensor-parallel all-reduces that it waits for, and (n_buckets > 0) hands over buckets
 * of gradients as it goes. Returns the operation that ends it. */
static uint32_t compute(struct stage *stage, uint32_t name, int64_t duration_ps, uint32_t calls, uint32_t first_bucket,
			uint32_t n_buckets, uint32_t after)
{
	uint32_t per_bucket = calls ? calls : 1, cuts = per_bucket * (n_buckets ? n_buckets : 1), done_calls = 0;
	for (uint32_t i = 0; i < cuts; i++) {
		uint32_t deps[2], n_deps = 0;
		if (after != UINT32_MAX)
			deps[n_deps++] = after;
		if (stage->held_by != UINT32_MAX && stage->held_by != after)
			deps[n_deps++] = stage->held_by;
		stage->held_by = UINT32_MAX;
		after = add(stage, (struct op){
			.kind = OP_COMPUTE, .stream = STREAM_COMPUTE, .amount = share(duration_ps, cuts, i), .name = name,
		}, deps, n_deps);
		stage->last_compute = after;
		if (n_buckets && (i + 1) % per_bucket == 0)
			reduce_bucket(stage, first_bucket + i / per_bucket, after);
		if (done_calls < scale_floor(calls, i + 1, cuts)) {
			done_calls++;
			after = add_after(stage, (struct op){
				.kind = OP_COLLECTIVE, .stream = STREAM_TENSOR, .group_slot = SLOT_TENSOR, .amount = stage->tensor_call,
				.name = stage->name_tensor,
			}, after);
			stage->held_by = after; /* as on a device, where it is in the order of the computations */
		}
	}
	return after;
}

/* Tensor-parallel all-reduces of one pass through one chunk. */
static uint32_t calls_of_chunk(const struct pipeline *pipeline, uint32_t chunk)
{
	return pipeline->tensor_parallel > 1 ? (uint32_t)share(pipeline->tensor_calls, pipeline->chunks, chunk) : 0;
}

static void forward_pass(struct stage *stage, const struct turn *turn)
{
	const struct pipeline *pipeline = stage->pipeline;
	bool first = stage->index == 0 && turn->chunk == 0;
	bool last = stage->index == pipeline->stages - 1 && turn->chunk == pipeline->chunks - 1;
	int32_t tag = (int32_t)(turn->microbatch * pipeline->chunks + turn->chunk) * 2; /* of the chunk that receives */
	int32_t next_tag = stage->index == pipeline->stages - 1 ? tag + 2 : tag;
	uint32_t after = first ? UINT32_MAX : receive(stage, true, tag);
	after = compute(stage, stage->names[PASS_FORWARD][turn->microbatch], share(pipeline->forward_ps, pipeline->chunks, turn->chunk),
			calls_of_chunk(pipeline, turn->chunk), 0, 0, after);
	if (!last)
		send(stage, true, next_tag, after);
}

/* `gradients`: this is the pass that completes the chunk's gradients. */
static void backward_pass(struct stage *stage, const struct turn *turn, bool gradients)
{
	const struct pipeline *pipeline = stage->pipeline;
	uint32_t chunk = turn->chunk, calls = calls_of_chunk(pipeline, chunk), v = pipeline->chunks, n_buckets = 0;
	bool first = stage->index == 0 && chunk == 0, last = stage->index == pipeline->stages - 1 && chunk == v - 1;
	int32_t tag = (int32_t)(turn->microbatch * v + chunk) * 2 + 1, next_tag = stage->index == 0 ? tag - 2 : tag;
	uint32_t after = last ? UINT32_MAX : receive(stage, false, tag);
	uint32_t first_bucket = (uint32_t)scale_floor(pipeline->buckets, v - 1 - chunk, v); /* the last chunk is ready first */
	if (gradients && pipeline->overlap && reduces(pipeline))
		n_buckets = (uint32_t)share(pipeline->buckets, v, v - 1 - chunk);
	if (pipeline->recompute)
		after = compute(stage, stage->name_recompute, share(pipeline->forward_ps, v, chunk), calls, 0, 0, after);
	after = compute(stage, stage->names[PASS_BACKWARD][turn->microbatch],
			share(pipeline->backward_ps - (pipeline->schedule == PIPELINE_ZERO_BUBBLE ? pipeline->weight_ps : 0), v, chunk), calls,
			first_bucket, n_buckets, after);
	if (!first)
		send(stage, false, next_tag, after);
}

static void weight_pass(struct stage *stage, const struct turn *turn, bool gradients)
{
	const struct pipeline *pipeline = stage->pipeline;
	uint32_t n_buckets = gradients && pipeline->overlap && reduces(pipeline) ? pipeline->buckets : 0;
	compute(stage, stage->names[PASS_WEIGHT][turn->microbatch], pipeline->weight_ps, 0, 0, n_buckets, UINT32_MAX);
}

/* Whether no later turn of this pass comes for its chunk. */
static bool completes(const struct turn *turns, uint32_t n, uint32_t i)
{
	for (uint32_t k = i + 1; k < n; k++)
		if (turns[k].pass == turns[i].pass && turns[k].chunk == turns[i].chunk)
			return false;
	return true;
}

static void finish_iteration(struct stage *stage)
{
	const struct pipeline *pipeline = stage->pipeline;
	if (!pipeline->overlap && reduces(pipeline))
		for (uint32_t b = 0; b < pipeline->buckets; b++)
			reduce_bucket(stage, b, stage->last_compute);
	if (!pipeline->optimizer_ps && !stage->n_reduced)
		return;
	if (stage->held_by != UINT32_MAX)
		stage->reduced[stage->n_reduced++] = stage->held_by;
	stage->held_by = UINT32_MAX;
	stage->last_compute = add(stage, (struct op){
		.kind = pipeline->optimizer_ps ? OP_COMPUTE : OP_WAIT, .stream = STREAM_COMPUTE, .amount = pipeline->optimizer_ps,
		.name = stage->name_optimizer,
	}, stage->reduced, stage->n_reduced);
}

static void add_calls(struct stage *stage)
{
	const struct pipeline *pipeline = stage->pipeline;
	struct collective_call call = {
		.kind = COLLECTIVE_ALL_REDUCE, .bytes = pipeline->tensor_bytes, .algorithm = pipeline->algorithm,
		.protocol = pipeline->protocol, .circuits = pipeline->tensor_circuits,
	};
	stage->tensor_call = program_add_call(stage->program, &call);
	call.circuits = pipeline->gradient_circuits;
	for (uint32_t b = 0; b < pipeline->buckets; b++) {
		call.bytes = share(pipeline->gradient_bytes, pipeline->buckets, b);
		uint32_t index = program_add_call(stage->program, &call);
		stage->first_bucket_call = b ? stage->first_bucket_call : index;
	}
}

static void build_stage(struct stage *stage, const struct turn *turns, uint32_t n_turns)
{
	add_calls(stage);
	stage->last_compute = stage->held_by = UINT32_MAX;
	for (stage->iteration = 0; stage->iteration < stage->pipeline->iterations; stage->iteration++) {
		stage->n_reduced = 0;
		for (uint32_t i = 0; i < n_turns; i++) {
			if (turns[i].pass == PASS_FORWARD)
				forward_pass(stage, &turns[i]);
			else if (turns[i].pass == PASS_WEIGHT)
				weight_pass(stage, &turns[i], completes(turns, n_turns, i));
			else
				backward_pass(stage, &turns[i], stage->pipeline->schedule != PIPELINE_ZERO_BUBBLE && completes(turns, n_turns, i));
		}
		finish_iteration(stage);
	}
}

static void add_groups(struct workload *workload, const struct pipeline *pipeline)
{
	uint32_t p = pipeline->stages, d = pipeline->data_parallel, t = pipeline->tensor_parallel;
	uint32_t most = p > d ? p : d, *ranks = memory_alloc((most > t ? most : t) * sizeof *ranks);
	char name[64];
	workload_set_slots(workload, N_SLOTS);
	for (uint32_t i = 0; i < d * t; i++) {
		for (uint32_t s = 0; s < p; s++)
			ranks[s] = i + d * t * s;
		snprintf(name, sizeof name, "pipe.d%u.t%u", i / t, i % t);
		workload_add_group(workload, name, ranks, p);
	}
	for (uint32_t i = 0; i < p * t; i++) {
		for (uint32_t r = 0; r < d; r++)
			ranks[r] = i % t + t * (r + d * (i / t));
		snprintf(name, sizeof name, "data.s%u.t%u", i / t, i % t);
		workload_add_group(workload, name, ranks, d);
	}
	for (uint32_t i = 0; i < p * d; i++) {
		for (uint32_t k = 0; k < t; k++)
			ranks[k] = k + t * i;
		snprintf(name, sizeof name, "tensor.s%u.d%u", i / d, i % d);
		workload_add_group(workload, name, ranks, t);
	}
	workload_assign_slot(workload, SLOT_PIPE, 0, d * t);
	workload_assign_slot(workload, SLOT_REPLICAS, d * t, p * t);
	workload_assign_slot(workload, SLOT_TENSOR, d * t + p * t, p * d);
	free(ranks);
}

static void add_names(struct stage *stage, uint32_t microbatches)
{
	static const char *const passes[3] = {"forward", "backward", "weight"};
	struct workload *workload = stage->workload;
	char name[64];
	for (int pass = 0; pass < 3; pass++) {
		uint32_t *names = arena_array(&workload->arena, microbatches, sizeof *names);
		for (uint32_t i = 0; i < microbatches; i++) {
			snprintf(name, sizeof name, "%s %u", passes[pass], i);
			names[i] = workload_add_name(workload, name);
		}
		stage->names[pass] = names;
	}
	stage->name_activation = workload_add_name(workload, "activation");
	stage->name_gradient = workload_add_name(workload, "gradient of activation");
	stage->name_recompute = workload_add_name(workload, "recompute");
	stage->name_tensor = workload_add_name(workload, "tensor-parallel");
	stage->name_bucket = workload_add_name(workload, "gradient");
	stage->name_optimizer = workload_add_name(workload, "optimizer");
}

static struct pipeline with_defaults(struct pipeline pipeline)
{
	if (!pipeline.chunks)
		pipeline.chunks = pipeline.schedule == PIPELINE_INTERLEAVED ? 2 : 1;
	if (pipeline.backward_ps < 0)
		pipeline.backward_ps = 2 * pipeline.forward_ps;
	if (pipeline.weight_ps < 0)
		pipeline.weight_ps = pipeline.backward_ps / 2;
	return pipeline;
}

int pipeline_build(struct workload *workload, const struct pipeline *given, struct error *err)
{
	if (pipeline_check(given, err))
		return -1;
	const struct pipeline pipeline = with_defaults(*given);
	struct stage stage = {.pipeline = &pipeline, .workload = workload};
	uint32_t n_turns, n_ranks = pipeline_n_ranks(&pipeline), per_stage = n_ranks / pipeline.stages;
	workload_init(workload, n_ranks);
	workload->jitter = pipeline.jitter;
	add_groups(workload, &pipeline);
	add_names(&stage, pipeline.microbatches);
	stage.reduced = arena_array(&workload->arena, pipeline.buckets + 1u, sizeof *stage.reduced);
	struct arena scratch = ARENA_INIT;
	const struct turn *turns = pipeline_order(&pipeline, &scratch, &n_turns);
	for (stage.index = 0; stage.index < pipeline.stages; stage.index++) {
		uint32_t program = workload_add_program(workload);
		stage.program = &workload->programs[program];
		build_stage(&stage, turns + (size_t)stage.index * n_turns, n_turns);
		for (uint32_t i = 0; i < per_stage; i++)
			workload->rank_program[stage.index * per_stage + i] = program;
	}
	arena_release(&scratch);
	return 0;
}
