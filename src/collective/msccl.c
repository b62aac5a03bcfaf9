/* MSCCL: a schedule from a file, as the same interface over a table.
 *
 * A thread block becomes a thread; its steps become one, two or three of ours:
 *
 *   s      send source                               r      receive target
 *   rcs    receive target; send target               cpy    copy            re    copy and add
 *   rrc    receive and add to target (copied from source before, when that is another place)
 *   rrcs   the same; send target
 *   rrs    copy source aside; receive and add there; send that        nop    wait only
 *
 * A connection (sender, receiver, channel) is a queue: its k-th send meets the k-th receive, so partners are matched once, here.
 *
 * The runtime walks its list again and again over slices of every chunk, as large as a buffer slot of the protocol: consecutive steps
 * overlap. So do we: chunk_bytes, or by default Simple 512 KiB (4 MiB in 8 slots), LL 32 KiB, LL128 576,000 bytes of payload (NCCL's
 * default buffer sizes). When there is one slice, a step of several chunks is one message; otherwise one per chunk.
 *
 * Five ranks need a file for five; a ring all-reduce in a file has the ring's cost (ring.c). */
#include <string.h>

#include "base/error.h"
#include "collective/algorithms.h"
#include "collective/msccl_file.h"

struct micro {
	uint8_t actions;
	bool waits;
	uint8_t out_buffer, in_buffer;
	uint32_t wait_thread, wait_step;      /* within one slice */
	uint32_t peer, peer_thread, peer_step; /* of a send or a receive; no step does both */
	int32_t out_chunk, in_chunk, count;
	int line;
};
struct worker { /* a thread block */
	struct micro *micros;
	uint32_t n_micros;
};
struct msccl {
	uint32_t n, n_threads, n_slices;
	int64_t chunk, slice;
	int32_t scratch_chunks; /* of the file; thread blocks keep what they do not store after them */
	int32_t most_chunks;    /* of one rrs */
	bool by_chunk;          /* one message per chunk */
	struct worker *workers; /* [rank][thread] */
};

static struct worker *worker_at(const struct msccl *msccl, uint32_t rank, uint32_t thread)
{
	return &msccl->workers[(size_t)rank * msccl->n_threads + thread];
}

/* Where a chunk of a buffer lies: in place, a rank's input of an all-gather is its share of the output, and so on. */
static int32_t place_chunk(const struct msccl_file *file, const struct msccl_gpu *gpu, struct msccl_place place, uint8_t *buffer)
{
	int32_t share = file->n_chunks / file->n_gpus;
	*buffer = place.buffer == 's' ? BUFFER_SCRATCH : is_all_to_all(file->kind) && place.buffer == 'i' ? BUFFER_INPUT : BUFFER_OUTPUT;
	if (place.buffer == 'i' && file->kind == COLLECTIVE_ALL_GATHER)
		return gpu->id * (gpu->input_chunks > 0 ? gpu->input_chunks : share) + place.chunk;
	if (place.buffer == 'o' && file->kind == COLLECTIVE_REDUCE_SCATTER)
		return gpu->id * (gpu->output_chunks > 0 ? gpu->output_chunks : share) + place.chunk;
	return place.chunk;
}

static struct micro *add_micro(struct worker *worker, const struct msccl_step *step, uint8_t actions, int32_t count)
{
	struct micro *micro = &worker->micros[worker->n_micros++];
	*micro = (struct micro){.actions = actions, .count = count, .line = step->line};
	return micro;
}

/* The steps for `count` chunks of one step, from its chunk `k` on. */
static void expand(const struct msccl *msccl, const struct msccl_file *file, const struct msccl_gpu *gpu, uint32_t thread,
		   const struct msccl_step *step, int32_t k, int32_t count)
{
	struct worker *worker = worker_at(msccl, (uint32_t)gpu->id, thread);
	uint8_t source_buffer, target_buffer;
	int32_t source = place_chunk(file, gpu, step->source, &source_buffer) + k;
	int32_t target = place_chunk(file, gpu, step->target, &target_buffer) + k;
	bool adds = step->type == MSCCL_RRC || step->type == MSCCL_RRS || step->type == MSCCL_RRCS;
	bool local = step->type == MSCCL_CPY || step->type == MSCCL_RE, aside = step->type == MSCCL_RRS;
	if (aside) {
		target_buffer = BUFFER_SCRATCH;
		target = msccl->scratch_chunks + (int32_t)thread * msccl->most_chunks + k;
	}
	bool same = source == target && source_buffer == target_buffer;
	if (step->type == MSCCL_NOP || (step->type == MSCCL_CPY && same)) {
		add_micro(worker, step, 0, 0);
		return;
	}
	if (local || (adds && !same)) {
		struct micro *micro = add_micro(worker, step, step->type == MSCCL_RE ? STEP_COPY | STEP_REDUCE : STEP_COPY, count);
		micro->out_buffer = source_buffer;
		micro->out_chunk = source;
		micro->in_buffer = target_buffer;
		micro->in_chunk = target;
	}
	if (msccl_receives(step->type)) {
		struct micro *micro = add_micro(worker, step, adds ? STEP_RECEIVE | STEP_REDUCE : STEP_RECEIVE, count);
		micro->in_buffer = target_buffer;
		micro->in_chunk = target;
	}
	if (msccl_sends(step->type)) {
		struct micro *micro = add_micro(worker, step, STEP_SEND, count);
		micro->out_buffer = step->type == MSCCL_S ? source_buffer : target_buffer;
		micro->out_chunk = step->type == MSCCL_S ? source : target;
	}
}

static void expand_all(struct collective_plan *plan, struct msccl *msccl, struct msccl_file *file)
{
	for (uint32_t g = 0; g < msccl->n; g++)
		for (uint32_t b = 0; b < file->gpus[g].n_blocks; b++) {
			const struct msccl_block *block = &file->blocks[file->gpus[g].first_block + b];
			struct worker *worker = worker_at(msccl, g, b);
			size_t most = 0;
			for (uint32_t s = 0; s < block->n_steps; s++)
				most += 3 * (size_t)(msccl->by_chunk && file->steps[block->first_step + s].count > 1
							     ? file->steps[block->first_step + s].count
							     : 1);
			worker->micros = arena_array(&plan->arena, most, sizeof *worker->micros);
			for (uint32_t s = 0; s < block->n_steps; s++) {
				struct msccl_step *step = &file->steps[block->first_step + s];
				int32_t at_once = msccl->by_chunk ? 1 : step->count, k = 0;
				step->first_micro = worker->n_micros;
				do
					expand(msccl, file, &file->gpus[g], b, step, k, at_once);
				while ((k += at_once) < step->count && step->type != MSCCL_NOP);
				step->n_micro = worker->n_micros - step->first_micro;
			}
		}
	for (uint32_t g = 0; g < msccl->n; g++) /* waits name the last of the steps that a step became */
		for (uint32_t b = 0; b < file->gpus[g].n_blocks; b++) {
			const struct msccl_block *block = &file->blocks[file->gpus[g].first_block + b];
			for (uint32_t s = 0; s < block->n_steps; s++) {
				const struct msccl_step *step = &file->steps[block->first_step + s];
				struct micro *micro = &worker_at(msccl, g, b)->micros[step->first_micro];
				if (step->wait_block < 0)
					continue;
				const struct msccl_block *other = &file->blocks[file->gpus[g].first_block + (uint32_t)step->wait_block];
				const struct msccl_step *awaited = &file->steps[other->first_step + (uint32_t)step->wait_step];
				micro->waits = true;
				micro->wait_thread = (uint32_t)step->wait_block;
				micro->wait_step = awaited->first_micro + awaited->n_micro - 1;
			}
		}
}

/* The thread block of a GPU that receives from a peer on a channel, or NULL. */
static const struct msccl_block *receiver_of(const struct msccl_file *file, uint32_t gpu, int32_t from, int32_t channel)
{
	for (uint32_t b = 0; b < file->gpus[gpu].n_blocks; b++) {
		const struct msccl_block *block = &file->blocks[file->gpus[gpu].first_block + b];
		if (block->receive == from && block->channel == channel)
			return block;
	}
	return NULL;
}

/* The next step with this action from *at on, or NULL; *at goes behind it. */
static struct micro *next_with(const struct worker *worker, uint8_t action, uint32_t *at)
{
	while (*at < worker->n_micros)
		if (worker->micros[(*at)++].actions & action)
			return &worker->micros[*at - 1];
	return NULL;
}

static int match_connection(const struct msccl *msccl, const struct msccl_file *file, uint32_t gpu, const struct msccl_block *block,
			    struct error *err)
{
	const struct worker *sender = worker_at(msccl, gpu, (uint32_t)block->id), *receiver = NULL;
	const struct msccl_block *other = receiver_of(file, (uint32_t)block->send, (int32_t)gpu, block->channel);
	uint32_t sent = 0, received = 0;
	struct micro *send, *receive = NULL;
	if (other)
		receiver = worker_at(msccl, (uint32_t)block->send, (uint32_t)other->id);
	while ((send = next_with(sender, STEP_SEND, &sent))) {
		receive = receiver ? next_with(receiver, STEP_RECEIVE, &received) : NULL;
		if (!receive)
			return error_at(err, file->path, send->line, 0,
					"gpu %u sends to gpu %d on channel %d, which does not receive it", gpu, block->send, block->channel);
		if (send->count != receive->count)
			return error_at(err, file->path, send->line, 0,
					"gpu %u sends %d chunks to gpu %d on channel %d, which expects %d (line %d)", gpu, send->count,
					block->send, block->channel, receive->count, receive->line);
		send->peer = (uint32_t)block->send;
		send->peer_thread = (uint32_t)other->id;
		send->peer_step = received - 1;
		receive->peer = gpu;
		receive->peer_thread = (uint32_t)block->id;
		receive->peer_step = sent - 1;
	}
	if (receiver && (receive = next_with(receiver, STEP_RECEIVE, &received)))
		return error_at(err, file->path, receive->line, 0, "gpu %d receives from gpu %u on channel %d what it does not send",
				block->send, gpu, block->channel);
	return 0;
}

/* Every connection has one thread block at each end. */
static int check_ends(const struct msccl_file *file, uint32_t gpu, uint32_t b, struct error *err)
{
	const struct msccl_block *blocks = &file->blocks[file->gpus[gpu].first_block], *block = &blocks[b];
	for (uint32_t other = 0; other < b; other++)
		if (blocks[other].channel == block->channel &&
		    ((block->send >= 0 && blocks[other].send == block->send) ||
		     (block->receive >= 0 && blocks[other].receive == block->receive)))
			return error_at(err, file->path, block->line, 0,
					"thread blocks %u and %u of gpu %u share a peer on channel %d: the order of their messages is not defined",
					other, b, gpu, block->channel);
	if (block->receive < 0)
		return 0;
	uint32_t at = 0, peer = (uint32_t)block->receive;
	for (uint32_t o = 0; o < file->gpus[peer].n_blocks; o++) {
		const struct msccl_block *sender = &file->blocks[file->gpus[peer].first_block + o];
		if (sender->send == (int32_t)gpu && sender->channel == block->channel)
			return 0;
	}
	for (; at < block->n_steps; at++)
		if (msccl_receives(file->steps[block->first_step + at].type))
			return error_at(err, file->path, file->steps[block->first_step + at].line, 0,
					"gpu %u receives from gpu %u on channel %d, where no thread block sends to it", gpu, peer,
					block->channel);
	return 0;
}

static int match_all(const struct msccl *msccl, const struct msccl_file *file, struct error *err)
{
	for (uint32_t g = 0; g < msccl->n; g++)
		for (uint32_t b = 0; b < file->gpus[g].n_blocks; b++) {
			const struct msccl_block *block = &file->blocks[file->gpus[g].first_block + b];
			if (check_ends(file, g, b, err) || (block->send >= 0 && match_connection(msccl, file, g, block, err)))
				return -1;
		}
	return 0;
}

static int64_t default_slice(const char *protocol)
{
	return !strcmp(protocol, "LL") ? 32768 : !strcmp(protocol, "LL128") ? 576000 : 524288;
}

static int check_request(const struct collective_request *request, const struct msccl_file *file, struct error *err)
{
	int64_t unit = (int64_t)file->n_chunks * request->element_bytes;
	if (request->kind != file->kind)
		return error_at(err, file->path, 0, 0, "a schedule for %s, not for %s", collective_kind_names[file->kind],
				collective_kind_names[request->kind]);
	if ((int32_t)request->n_ranks != file->n_gpus)
		return error_at(err, file->path, 0, 0, "a schedule for %d ranks, not for %u", file->n_gpus, request->n_ranks);
	if (request->bytes % unit)
		return error_at(err, file->path, 0, 0,
				"%lld bytes do not divide into its %d chunks of whole elements (the next sizes that do: %lld, %lld)",
				(long long)request->bytes, file->n_chunks, (long long)(request->bytes / unit * unit),
				(long long)((request->bytes / unit + 1) * unit));
	return 0;
}

static int plan_file(struct collective_plan *plan, struct msccl_file *file, struct error *err)
{
	const struct collective_request *request = &plan->request;
	struct msccl *msccl = arena_alloc(&plan->arena, sizeof *msccl);
	if (check_request(request, file, err))
		return -1;
	msccl->n = request->n_ranks;
	msccl->chunk = request->bytes / file->n_chunks;
	msccl->slice = request->chunk_bytes ? request->chunk_bytes : default_slice(file->protocol);
	msccl->slice -= msccl->slice % request->element_bytes;
	if (msccl->slice < request->element_bytes)
		msccl->slice = request->element_bytes;
	int64_t slices = msccl->chunk ? (msccl->chunk + msccl->slice - 1) / msccl->slice : 1;
	msccl->n_threads = 1;
	for (uint32_t g = 0; g < msccl->n; g++) {
		msccl->n_threads = file->gpus[g].n_blocks > msccl->n_threads ? file->gpus[g].n_blocks : msccl->n_threads;
		if (file->gpus[g].scratch_chunks > msccl->scratch_chunks)
			msccl->scratch_chunks = file->gpus[g].scratch_chunks;
	}
	for (size_t s = 0; s < file->n_steps; s++)
		if (file->steps[s].type == MSCCL_RRS && file->steps[s].count > msccl->most_chunks)
			msccl->most_chunks = file->steps[s].count;
	int64_t scratch_chunks = (int64_t)msccl->scratch_chunks + (int64_t)msccl->n_threads * msccl->most_chunks;
	if (scratch_chunks > INT32_MAX || __builtin_mul_overflow(scratch_chunks, msccl->chunk, &plan->scratch_bytes))
		return error_at(err, file->path, 0, 0, "needs %lld chunks of scratch, too many", (long long)scratch_chunks);
	msccl->by_chunk = slices > 1;
	msccl->workers = arena_array(&plan->arena, (size_t)msccl->n * msccl->n_threads, sizeof *msccl->workers);
	expand_all(plan, msccl, file);
	if (match_all(msccl, file, err))
		return -1;
	for (size_t w = 0; w < (size_t)msccl->n * msccl->n_threads; w++)
		if (slices * msccl->workers[w].n_micros > INT32_MAX)
			return error_at(err, file->path, 0, 0, "%lld slices of every chunk make too many steps (a larger chunk_bytes makes fewer)",
					(long long)slices);
	msccl->n_slices = (uint32_t)slices;
	plan->n_threads = msccl->n_threads;
	plan->protocol = !strcmp(file->protocol, "LL") ? "ll" : !strcmp(file->protocol, "LL128") ? "ll128" : "simple";
	plan->state = msccl;
	return 0;
}

static int msccl_plan(struct collective_plan *plan, struct error *err)
{
	struct msccl_file file;
	if (!plan->request.file)
		return error_set(err, ERROR_INPUT, "algorithm 'msccl' needs a file, as in {msccl: schedule.xml}");
	int status = msccl_read(&file, plan->request.file, err) || plan_file(plan, &file, err) ? -1 : 0;
	msccl_release(&file);
	return status;
}

static uint32_t msccl_n_steps(const struct collective_plan *plan, uint32_t rank, uint32_t thread)
{
	const struct msccl *msccl = plan->state;
	return worker_at(msccl, rank, thread)->n_micros * msccl->n_slices;
}

static struct collective_span span_of(const struct msccl *msccl, uint8_t buffer, int32_t chunk, int32_t count, uint32_t slice)
{
	int64_t begin = slice * msccl->slice, bytes = msccl->chunk - begin < msccl->slice ? msccl->chunk - begin : msccl->slice;
	return (struct collective_span){chunk * msccl->chunk + begin, msccl->by_chunk ? bytes : count * msccl->chunk, buffer};
}

static void msccl_step(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step)
{
	const struct msccl *msccl = plan->state;
	const struct worker *worker = worker_at(msccl, rank, thread);
	uint32_t slice = msccl->n_slices == 1 ? 0 : i / worker->n_micros;
	const struct micro *micro = &worker->micros[i - slice * worker->n_micros];
	step->actions = micro->actions;
	if (micro->actions & (STEP_SEND | STEP_COPY))
		step->out = span_of(msccl, micro->out_buffer, micro->out_chunk, micro->count, slice);
	if (micro->actions & (STEP_RECEIVE | STEP_COPY))
		step->in = span_of(msccl, micro->in_buffer, micro->in_chunk, micro->count, slice);
	if (micro->actions & (STEP_SEND | STEP_RECEIVE)) {
		uint32_t peer_step = micro->peer_step + slice * worker_at(msccl, micro->peer, micro->peer_thread)->n_micros;
		step->to = step->from = micro->peer;
		step->to_thread = step->from_thread = micro->peer_thread;
		step->to_step = step->from_step = peer_step;
	}
	if (micro->waits) {
		step->n_waits = 1;
		step->waits[0].thread = micro->wait_thread;
		step->waits[0].step = micro->wait_step + slice * worker_at(msccl, rank, micro->wait_thread)->n_micros;
	}
}

const struct collective_algorithm algorithm_msccl = {
	.name = "msccl",
	.summary = "a schedule from an MSCCL XML file",
	.kinds = KIND(ALL_REDUCE) | KIND(REDUCE_SCATTER) | KIND(ALL_GATHER) | KIND(ALL_TO_ALL) | KIND(BROADCAST) | KIND(REDUCE),
	.plan = msccl_plan,
	.n_steps = msccl_n_steps,
	.step = msccl_step,
};
