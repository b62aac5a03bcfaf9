#include "workload/executor.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "workload/account.h"
#include "workload/run.h"

const char *const rank_class_names[RANK_CLASSES] = {
	[RANK_COMPUTE] = "compute", [RANK_EXPOSED] = "exposed", [RANK_HIDDEN] = "hidden", [RANK_WAIT_PEER] = "wait_peer",
	[RANK_WAIT_DEPENDENCY] = "wait_dependency", [RANK_FAILED] = "failed",
};

void executor_fail(struct executor *x, enum error_code code, const char *format, ...)
{
	char message[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	error_set(&x->error, code, "%s", message);
	engine_stop(x->engine);
}

void note_ended(struct executor *x, uint32_t index)
{
	struct running *running = running_at(x, index);
	struct actor *actor = &x->actors[running->actor];
	running->next = actor->ended;
	actor->ended = index;
	bitset_add(&x->touched_actors, running->actor);
	engine_request(x->engine, ENGINE_PHASE_ISSUE);
}

bool post_message(struct executor *x, uint32_t index, int64_t wire_bytes, uint64_t flow_key, int32_t collective, uint8_t kind)
{
	struct message *m = message_at(x, index);
	const struct entry *entry = m->instance == NONE ? &x->entries[x->actors[m->source_actor].entry] : NULL;
	m->id = entry && entry->workload->n_numbered ? entry->first_message + (uint64_t)m->tag : x->next_message++;
	m->flags |= MESSAGE_POSTED;
	if (m->source_npu == m->target_npu) {
		struct message_record record = {
			.id = m->id, .source = m->source_npu, .destination = m->target_npu, .bytes = wire_bytes,
			.start_ps = x->engine->now_ps, .end_ps = x->engine->now_ps, .route = ROUTE_NONE,
			.collective = collective, .kind = kind,
		};
		OBSERVE(x->observers, message, &record);
		return true;
	}
	rank_moving(&x->ranks[m->source_rank], x->engine->now_ps, true);
	rank_moving(&x->ranks[m->target_rank], x->engine->now_ps, true);
	struct network_message message = {
		.id = m->id, .token = index, .source = m->source_npu, .destination = m->target_npu, .bytes = wire_bytes,
		.flow_key = flow_key, .collective = collective, .kind = kind,
	};
	network_send(x->network, &message);
	return false;
}

void record_release(struct executor *x, const struct release_record *record)
{
	if (x->observers->wants_releases)
		OBSERVE(x->observers, release, record);
}

static void on_sent(void *context, uint32_t token)
{
	struct executor *x = context;
	struct message *m = message_at(x, token);
	rank_moving(&x->ranks[m->source_rank], x->engine->now_ps, false);
	if (m->instance == NONE)
		message_sent(x, token);
	else
		collective_sent(x, token);
}

static void on_delivered(void *context, uint32_t token)
{
	struct executor *x = context;
	struct message *m = message_at(x, token);
	rank_moving(&x->ranks[m->target_rank], x->engine->now_ps, false);
	if (m->instance != NONE) {
		collective_delivered(x, token);
		return;
	}
	ARRAY_RESERVE(x->arrived, x->n_arrived + 1, x->arrived_capacity);
	x->arrived[x->n_arrived++] = (struct arrival){m->id, token};
	engine_request(x->engine, ENGINE_PHASE_ISSUE);
}

/* The end of a duration: a computation, or the launch of a collective. */
static void on_timer(void *context, uint32_t index)
{
	struct executor *x = context;
	if (!timer_is_due(x, index))
		return;
	if (running_op(x, running_at(x, index))->kind == OP_COLLECTIVE)
		collective_begin(x, index);
	else
		note_ended(x, index);
}

static void on_work(void *context, uint32_t thread)
{
	if (!hold_work(context, thread))
		thread_work_done(context, thread);
}
static void on_arrival(void *context, uint32_t message) { collective_arrived(context, message); }

/* Operations */

static void queue_ready(struct executor *x, uint32_t index)
{
	ARRAY_RESERVE(x->ready, x->n_ready + 1, x->ready_capacity);
	x->ready[x->n_ready++] = index;
}

static void make_ready(struct executor *x, uint32_t actor_index, uint32_t op_index, uint32_t cause_rank, uint32_t cause_index)
{
	struct actor *actor = &x->actors[actor_index];
	const struct program *program = actor->prepared->program;
	uint32_t index = pool_take(&x->running);
	uint16_t stream = program->ops[op_index].stream;
	*running_at(x, index) = (struct running){
		.actor = actor_index, .op = op_index, .ready_ps = x->engine->now_ps, .start_ps = -1, .due_ps = -1, .held_ps = -1, .cause_rank = cause_rank,
		.cause_index = cause_index, .released_by = cause_rank == x->actors[actor_index].rank ? cause_index : NONE,
		.after_rank = NONE, .after_index = NONE, .finished_by = MESSAGE_NONE, .next = NONE, .message = NONE, .instance = NONE,
		.peer = NONE,
	};
	if (running_at(x, index)->released_by == NONE) {
		running_at(x, index)->after_rank = cause_rank;
		running_at(x, index)->after_index = cause_index;
	}
	actor->need[op_index] = OP_RUNNING;
	if (!program->ready_order || stream == STREAM_NONE) {
		queue_ready(x, index);
		return;
	}
	struct ready_stream *lane = &actor->streams[stream];
	ARRAY_RESERVE(lane->ready, lane->n_ready + 1, lane->capacity);
	heap_push(lane->ready, &lane->n_ready, (uint64_t)op_index << 32 | index);
}

static void release(struct executor *x, uint32_t actor, uint32_t op, uint32_t cause)
{
	if (--x->actors[actor].need[op] == 0)
		make_ready(x, actor, op, x->actors[actor].rank, x->actors[actor].first_op + cause);
}

/* Releases what waits for the end of operation `op` (`which` = 0) or for its start (DEP_START). */
static void release_dependents(struct executor *x, uint32_t actor, uint32_t op, uint32_t which)
{
	const struct prepared *prepared = x->actors[actor].prepared;
	for (uint32_t d = prepared->dependent_first[op]; d < prepared->dependent_first[op + 1]; d++)
		if ((prepared->dependents[d] & DEP_START) == which)
			release(x, actor, prepared->dependents[d] & ~DEP_START, op);
}

int64_t op_duration_ps(const struct executor *x, const struct actor *actor, uint32_t index)
{
	const struct op *op = &actor->prepared->program->ops[index];
	double jitter = actor_workload(x, actor)->jitter;
	int64_t duration_ps = op->amount;
	if (op->kind != OP_COMPUTE)
		return duration_ps;
	if (jitter > 0) {
		struct random_stream stream = random_stream(x->setup.seed, "workload.jitter", (uint64_t)actor->entry << 32 | actor->rank);
		stream.counter += index;
		duration_ps += (int64_t)((double)op->amount * jitter * (2 * random_uniform(&stream) - 1));
	}
	return op->flags & OP_HOST ? duration_ps : chip_duration_ps(x, actor->rank, duration_ps);
}

static void start_timed(struct executor *x, uint32_t index)
{
	struct running *running = running_at(x, index);
	struct actor *actor = &x->actors[running->actor];
	const struct op *op = running_op(x, running);
	int64_t duration = op_duration_ps(x, actor, running->op);
	if (op->kind == OP_COMPUTE && !(op->flags & OP_HOST))
		rank_count(&x->ranks[actor->rank], &x->ranks[actor->rank].n_computing, x->engine->now_ps, true);
	if (duration > 0)
		timer_start(x, index, duration);
	else
		note_ended(x, index);
}

static void start(struct executor *x, uint32_t index)
{
	struct running *running = running_at(x, index);
	struct actor *actor = &x->actors[running->actor];
	struct rank_state *rank = &x->ranks[actor->rank];
	uint8_t kind = running_op(x, running)->kind;
	running->start_ps = x->engine->now_ps;
	running->computed_ps = rank_computed_ps(rank, x->engine->now_ps);
	release_dependents(x, running->actor, running->op, DEP_START);
	if (kind == OP_COMPUTE || kind == OP_WAIT) {
		start_timed(x, index);
		return;
	}
	rank_count(rank, &rank->n_communicating, x->engine->now_ps, true);
	if (kind == OP_SEND)
		send_start(x, index);
	else if (kind == OP_RECEIVE)
		receive_start(x, index);
	else
		collective_enter(x, index);
}

static void record_op(struct executor *x, const struct running *running)
{
	const struct actor *actor = &x->actors[running->actor];
	const struct entry *entry = &x->entries[actor->entry];
	const struct program *program = actor->prepared->program;
	const struct op *op = &program->ops[running->op];
	const struct op_origin *origin = program->origins ? &program->origins[running->op] : NULL;
	int64_t now = x->engine->now_ps, computed = rank_computed_ps(&x->ranks[actor->rank], now) - running->computed_ps;
	bool communicates = op->kind == OP_SEND || op->kind == OP_RECEIVE || op->kind == OP_COLLECTIVE;
	struct op_record record = {
		.rank = actor->rank, .stream = op->stream, .index = actor->first_op + running->op, .kind = op->kind,
		.name = entry->workload->names[op->name], .group = -1, .collective = -1,
		.bytes = op->kind == OP_SEND || op->kind == OP_RECEIVE ? op->amount : 0,
		.ready_ps = running->ready_ps, .start_ps = running->start_ps, .end_ps = now,
		.exposed_ps = communicates ? now - running->start_ps - computed : 0,
		.cause_rank = running->cause_rank, .cause_index = running->cause_index, .released_by = running->released_by,
		.after_rank = running->after_rank, .after_index = running->after_index, .finished_by = running->finished_by,
		.finished_ps = running->finished_by == MESSAGE_NONE ? running->start_ps : running->finished_ps,
		.host = op->flags & OP_HOST, .iteration = origin ? origin->iteration : -1, .trace_node = origin ? origin->trace_node : -1,
		.recorded_start_ps = origin ? origin->recorded_start_ps : TIME_NEVER,
		.recorded_end_ps = origin ? origin->recorded_end_ps : TIME_NEVER,
	};
	if (op->kind == OP_COLLECTIVE) {
		const struct collective_call *call = &program->calls[op->amount];
		record.bytes = call->bytes;
		record.group = (int32_t)(entry->first_group +
					 entry->workload->rank_groups[(size_t)actor->local * entry->workload->n_slots + op->group_slot]);
		record.collective = running->collective;
	}
	OBSERVE(x->observers, op, &record);
}

static void start_entry(struct executor *x, uint32_t e)
{
	struct entry *entry = &x->entries[e];
	entry->started = true;
	for (uint32_t i = 0; i < entry->workload->n_ranks; i++) {
		x->actors[entry->first_actor + i].fresh = true;
		bitset_add(&x->touched_actors, entry->first_actor + i);
	}
}

/* `last`: the operation that ended it, NONE when it had none. */
static void actor_ended(struct executor *x, struct actor *actor, uint32_t last)
{
	struct rank_state *rank = &x->ranks[actor->rank];
	rank_account(rank, x->engine->now_ps);
	struct rank_end *rank_end = &x->rank_ends[actor->rank];
	rank_end->end_ps = x->engine->now_ps;
	memcpy(rank_end->class_ps, rank->class_ps, sizeof rank->class_ps);
	rank_end->n_left--;
	if (--x->entries[actor->entry].n_left)
		return;
	x->n_entries_left--;
	for (uint32_t e = 0; e < x->n_entries; e++)
		if (x->entries[e].after == (int)actor->entry) {
			x->entries[e].cause_rank = last == NONE ? NONE : actor->rank;
			x->entries[e].cause_index = last == NONE ? NONE : actor->first_op + last;
			start_entry(x, e);
		}
}

static void end(struct executor *x, uint32_t index)
{
	struct running *running = running_at(x, index);
	uint32_t actor_index = running->actor, op_index = running->op;
	struct actor *actor = &x->actors[actor_index];
	struct rank_state *rank = &x->ranks[actor->rank];
	const struct op *op = running_op(x, running);
	bool timed = op->kind == OP_COMPUTE || op->kind == OP_WAIT;
	if (x->observers->wants_ops)
		record_op(x, running);
	if (!timed)
		rank_count(rank, &rank->n_communicating, x->engine->now_ps, false);
	else if (op->kind == OP_COMPUTE && !(op->flags & OP_HOST))
		rank_count(rank, &rank->n_computing, x->engine->now_ps, false);
	pool_give(&x->running, index);
	actor->need[op_index] = OP_ENDED;
	release_dependents(x, actor_index, op_index, 0);
	if (actor->prepared->next_in_stream[op_index] != NONE)
		release(x, actor_index, actor->prepared->next_in_stream[op_index], op_index);
	if (actor->streams && op->stream != STREAM_NONE)
		actor->streams[op->stream].busy = false;
	if (--actor->n_left == 0)
		actor_ended(x, actor, op_index);
}

/* The issue phase */

static int by_op(const void *a, const void *b)
{
	uint64_t p = *(const uint64_t *)a, q = *(const uint64_t *)b;
	return p < q ? -1 : p > q;
}

/* Ends what was noted as ended, in the order of the program. */
static void end_noted(struct executor *x, struct actor *actor)
{
	uint32_t n = 0;
	if (actor->ended == NONE)
		return;
	for (uint32_t i = actor->ended; i != NONE; i = running_at(x, i)->next) {
		ARRAY_RESERVE(x->ended, n + 1, x->ended_capacity);
		x->ended[n++] = (uint64_t)running_at(x, i)->op << 32 | i;
	}
	actor->ended = NONE;
	if (n > 1)
		qsort(x->ended, n, sizeof *x->ended, by_op);
	for (uint32_t i = 0; i < n; i++)
		end(x, (uint32_t)x->ended[i]);
}

/* Streams that are free take the lowest operation that is ready. */
static void start_lanes(struct executor *x, struct actor *actor)
{
	if (!actor->streams)
		return;
	for (uint32_t s = 0; s < actor->prepared->program->n_streams; s++) {
		struct ready_stream *lane = &actor->streams[s];
		if (lane->busy || !lane->n_ready)
			continue;
		lane->busy = true;
		queue_ready(x, (uint32_t)heap_pop(lane->ready, &lane->n_ready));
	}
}

/* Starts what is ready now, the lowest operation first. What that makes ready (DEP_START) comes in the next round. */
static void start_ready(struct executor *x)
{
	uint32_t n = x->n_ready;
	for (uint32_t i = 1; i < n; i++) { /* nearly always sorted, and short */
		uint32_t index = x->ready[i], op = running_at(x, index)->op, at = i;
		for (; at > 0 && running_at(x, x->ready[at - 1])->op > op; at--)
			x->ready[at] = x->ready[at - 1];
		x->ready[at] = index;
	}
	for (uint32_t i = 0; i < n; i++)
		start(x, x->ready[i]);
	x->n_ready -= n;
	memmove(x->ready, x->ready + n, x->n_ready * sizeof *x->ready);
}

static void start_fresh(struct executor *x, uint32_t actor_index)
{
	struct actor *actor = &x->actors[actor_index];
	actor->fresh = false;
	if (!actor->n_left)
		actor_ended(x, actor, NONE);
	for (uint32_t i = 0; i < actor->prepared->program->n_ops; i++)
		if (!actor->prepared->need[i])
			make_ready(x, actor_index, i, x->entries[actor->entry].cause_rank, x->entries[actor->entry].cause_index);
}

static void actor_go(struct executor *x, uint32_t actor_index)
{
	struct actor *actor = &x->actors[actor_index];
	if (actor->fresh)
		start_fresh(x, actor_index);
	for (;;) { /* rounds: all that ended, then all that can start */
		end_noted(x, actor);
		start_lanes(x, actor);
		if (!x->n_ready)
			break;
		start_ready(x);
	}
}

static int by_message(const void *a, const void *b)
{
	uint64_t p = ((const struct arrival *)a)->id, q = ((const struct arrival *)b)->id;
	return p < q ? -1 : p > q;
}

static void take_arrivals(struct executor *x)
{
	if (x->n_arrived > 1)
		qsort(x->arrived, x->n_arrived, sizeof *x->arrived, by_message);
	for (uint32_t i = 0; i < x->n_arrived; i++)
		message_arrived(x, x->arrived[i].message);
	x->n_arrived = 0;
}

static void issue(void *context)
{
	struct executor *x = context;
	take_arrivals(x);
	while ((x->touched_actors.count || x->touched_threads.count) && !x->error.code) {
		for (uint32_t i = bitset_take(&x->touched_actors, 0); i != NONE; i = bitset_take(&x->touched_actors, i + 1))
			if (!x->crashed || !hold_actor(x, i))
				actor_go(x, i);
		for (uint32_t i = bitset_take(&x->touched_threads, 0); i != NONE; i = bitset_take(&x->touched_threads, i + 1))
			if (!x->crashed || !hold_thread(x, i))
				thread_go(x, i);
	}
}

/* Setting up */

struct executor *executor_new(const struct executor_setup *setup)
{
	struct executor *x = memory_zero(1, sizeof *x);
	x->setup = *setup;
	x->engine = setup->engine;
	x->observers = setup->observers;
	x->placement = memory_alloc((setup->n_ranks + 1u) * sizeof *x->placement);
	memcpy(x->placement, setup->placement, setup->n_ranks * sizeof *x->placement);
	x->setup.placement = x->placement;
	x->ranks = memory_zero(setup->n_ranks + 1u, sizeof *x->ranks);
	x->rank_ends = memory_zero(setup->n_ranks + 1u, sizeof *x->rank_ends);
	pool_init(&x->running, sizeof(struct running));
	pool_init(&x->messages, sizeof(struct message));
	pool_init(&x->instances, sizeof(struct instance));
	bitset_init(&x->touched_actors, 1);
	bitset_init(&x->touched_threads, 1);
	x->on_timer = engine_register(x->engine, on_timer, x);
	x->on_work = engine_register(x->engine, on_work, x);
	x->on_arrival = engine_register(x->engine, on_arrival, x);
	engine_register_phase(x->engine, ENGINE_PHASE_ISSUE, issue, x);
	return x;
}

struct network_client executor_client(struct executor *x)
{
	return (struct network_client){.context = x, .sent = on_sent, .delivered = on_delivered};
}

void executor_attach(struct executor *x, struct network *network) { x->network = network; }

static void entry_init_groups(struct executor *x, struct entry *entry)
{
	const struct workload *workload = entry->workload;
	entry->groups = memory_zero(workload->n_groups + 1u, sizeof *entry->groups);
	for (uint32_t g = 0; g < workload->n_groups; g++) {
		const struct group *group = &workload->groups[g];
		struct group_state *state = &entry->groups[g];
		state->npus = memory_alloc((group->n_ranks + 1u) * sizeof *state->npus);
		state->alpha_ps = -1;
		for (uint32_t i = 0; i < group->n_ranks; i++)
			state->npus[i] = x->placement[entry->first_rank + (group->ranks ? group->ranks[i] : i)];
	}
}

static void actor_init(struct executor *x, struct actor *actor, uint32_t entry_index, uint32_t local)
{
	struct entry *entry = &x->entries[entry_index];
	const struct prepared *prepared = &entry->prepared[entry->workload->rank_program[local]];
	uint32_t n_ops = prepared->program->n_ops;
	memset(actor, 0, sizeof *actor);
	actor->prepared = prepared;
	actor->need = memory_alloc((n_ops + 1u) * sizeof *actor->need);
	memcpy(actor->need, prepared->need, n_ops * sizeof *actor->need);
	actor->entry = entry_index;
	actor->local = local;
	actor->rank = entry->first_rank + local;
	actor->npu = x->placement[actor->rank];
	actor->n_left = n_ops;
	actor->first_op = x->rank_ends[actor->rank].n_ops;
	x->rank_ends[actor->rank].n_ops += n_ops;
	actor->ended = actor->posted_first = actor->posted_last = actor->unbound_first = actor->unbound_last = NONE;
	if (prepared->program->ready_order)
		actor->streams = memory_zero(prepared->program->n_streams, sizeof *actor->streams);
	x->rank_ends[actor->rank].n_left++;
}

int executor_add(struct executor *x, const struct workload *workload, uint32_t first_rank, int after, struct error *err)
{
	if (workload_verify(workload, err))
		return -1;
	if (first_rank > x->setup.n_ranks || workload->n_ranks > x->setup.n_ranks - first_rank)
		return error_set(err, ERROR_INPUT, "workload '%s' needs ranks %u to %u but there are only %u",
				 workload->name ? workload->name : "", first_rank, first_rank + workload->n_ranks - 1, x->setup.n_ranks);
	ARRAY_RESERVE(x->entries, x->n_entries + 1, x->entries_capacity);
	struct entry *entry = &x->entries[x->n_entries];
	*entry = (struct entry){
		.workload = workload, .first_rank = first_rank, .first_actor = x->n_actors, .first_group = x->n_groups, .after = after,
		.cause_rank = NONE, .cause_index = NONE, .n_left = workload->n_ranks, .first_message = x->next_message,
	};
	entry->prepared = memory_zero(workload->n_programs + 1u, sizeof *entry->prepared);
	for (uint32_t p = 0; p < workload->n_programs; p++)
		prepared_init(&entry->prepared[p], &workload->programs[p], workload->n_slots);
	entry_init_groups(x, entry);
	ARRAY_RESERVE(x->actors, (size_t)x->n_actors + workload->n_ranks, x->actors_capacity);
	for (uint32_t i = 0; i < workload->n_ranks; i++)
		actor_init(x, &x->actors[x->n_actors + i], x->n_entries, i);
	x->n_actors += workload->n_ranks;
	x->n_groups += workload->n_groups;
	x->next_message += workload->n_numbered;
	x->n_entries_left += workload->n_ranks > 0;
	bitset_grow(&x->touched_actors, x->n_actors + 1);
	return (int)x->n_entries++;
}

void executor_start(struct executor *x)
{
	for (uint32_t e = 0; e < x->n_entries; e++)
		if (x->entries[e].after < 0)
			start_entry(x, e);
	engine_request(x->engine, ENGINE_PHASE_ISSUE);
}

void executor_rank_failed(struct executor *x, uint32_t rank, bool failed)
{
	rank_count(&x->ranks[rank], &x->ranks[rank].n_failed, x->engine->now_ps, failed);
}

bool executor_finished(const struct executor *x)
{
	return !x->n_entries_left && !x->n_unmatched && !executor_error(x)->code;
}

const struct error *executor_error(const struct executor *x)
{
	return x->error.code || !x->network ? &x->error : &x->network->error;
}

void executor_rank_result(const struct executor *x, uint32_t rank, struct rank_result *result)
{
	struct rank_state state = x->ranks[rank];
	const struct rank_end *rank_end = &x->rank_ends[rank];
	result->rank = rank;
	result->npu = x->placement[rank];
	if (rank_end->n_left) {
		rank_account(&state, x->engine->now_ps);
		result->end_ps = x->engine->now_ps;
		memcpy(result->class_ps, state.class_ps, sizeof result->class_ps);
		return;
	}
	result->end_ps = rank_end->end_ps;
	memcpy(result->class_ps, rank_end->class_ps, sizeof result->class_ps);
}

uint32_t executor_n_ranks(const struct executor *x) { return x->setup.n_ranks; }

static void entry_release(struct entry *entry)
{
	for (uint32_t p = 0; p < entry->workload->n_programs; p++)
		prepared_release(&entry->prepared[p]);
	for (uint32_t g = 0; g < entry->workload->n_groups; g++) {
		free(entry->groups[g].npus);
		free(entry->groups[g].open);
	}
	free(entry->prepared);
	free(entry->groups);
}

void executor_free(struct executor *x)
{
	if (!x)
		return;
	for (uint32_t i = 0; i < x->n_actors; i++) {
		for (uint32_t s = 0; x->actors[i].streams && s < x->actors[i].prepared->program->n_streams; s++)
			free(x->actors[i].streams[s].ready);
		free(x->actors[i].streams);
		free(x->actors[i].need);
	}
	chips_release(x);
	gang_release(x);
	matching_release(x);
	for (uint32_t e = 0; e < x->n_entries; e++)
		entry_release(&x->entries[e]);
	pool_release(&x->running);
	pool_release(&x->messages);
	pool_release(&x->instances);
	bitset_release(&x->touched_actors);
	bitset_release(&x->touched_threads);
	free(x->entries);
	free(x->actors);
	free(x->ranks);
	free(x->rank_ends);
	free(x->placement);
	free(x->ready);
	free(x->ended);
	free(x);
}
