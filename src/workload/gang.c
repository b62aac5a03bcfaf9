/* Collectives, step by step: an instance per matched call, a thread of its algorithm per rank, messages between their steps. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "workload/account.h"
#include "workload/executor.h"
#include "workload/planning.h"
#include "workload/run.h"

#define COMPLETE (NONE - 1)

static uint32_t thread_position(const struct instance *instance, uint32_t thread)
{
	uint32_t offset = thread - instance->first_thread;
	return instance->plan->n_threads == 1 ? offset : offset / instance->plan->n_threads;
}

static struct rank_state *position_rank(const struct executor *x, const struct instance *instance, uint32_t position)
{
	const struct entry *entry = &x->entries[instance->entry];
	const struct group *group = &entry->workload->groups[instance->group];
	return &x->ranks[entry->first_rank + (group->ranks ? group->ranks[position] : position)];
}

static uint32_t position_rank_id(const struct executor *x, const struct instance *instance, uint32_t position)
{
	return (uint32_t)(position_rank(x, instance, position) - x->ranks);
}

uint32_t thread_rank(const struct executor *x, uint32_t thread)
{
	const struct instance *instance = instance_at(x, x->threads[thread].instance);
	return position_rank_id(x, instance, thread_position(instance, thread));
}

static void touch_thread(struct executor *x, uint32_t thread)
{
	bitset_add(&x->touched_threads, thread);
	engine_request(x->engine, ENGINE_PHASE_ISSUE);
}

/* A thread of a rank does local work: launch, overhead, reduction. It counts as communication that moves. */
static void work_begin(struct executor *x, const struct instance *instance, uint32_t thread, int64_t duration_ps)
{
	x->threads[thread].pending |= PENDING_WORK;
	rank_moving(position_rank(x, instance, thread_position(instance, thread)), x->engine->now_ps, true);
	engine_schedule(x->engine, time_add(x->engine->now_ps, duration_ps), x->on_work, thread);
}

void thread_work_done(struct executor *x, uint32_t index)
{
	struct thread *t = &x->threads[index];
	const struct instance *instance = instance_at(x, t->instance);
	rank_moving(position_rank(x, instance, thread_position(instance, index)), x->engine->now_ps, false);
	t->pending &= (uint8_t)~PENDING_WORK;
	if (t->received_ps >= 0)
		t->received_ps = x->engine->now_ps;
	if (!t->pending)
		touch_thread(x, index);
}

static int64_t reduce_ps(const struct protocol *protocol, uint8_t actions, int64_t bytes)
{
	if (!(actions & STEP_REDUCE) || protocol->reduce_bytes_per_s <= 0)
		return 0;
	return serialization_ps(bytes, (int64_t)protocol->reduce_bytes_per_s);
}

/* Arrivals */

static void note_early(struct executor *x, uint32_t index, uint32_t step)
{
	struct thread *t = &x->threads[index];
	uint32_t ahead = step - t->step;
	assert(step >= t->step);
	if (ahead < 64) {
		t->early |= UINT64_C(1) << ahead;
	} else {
		step_set_add(&x->overflow, index, step);
		t->n_overflow++;
	}
}

static bool expects(const struct thread *t, uint32_t step)
{
	return t->state == THREAD_POSTED && t->step == step && t->pending & PENDING_RECEIVE;
}

/* The message is there and `delay_ps` later it can be used. */
static void receive_now(struct executor *x, const struct message *m, int64_t delay_ps)
{
	struct thread *t = &x->threads[m->to];
	const struct instance *instance = instance_at(x, m->instance);
	delay_ps += reduce_ps(instance->protocol, t->actions, m->bytes);
	t->pending &= (uint8_t)~PENDING_RECEIVE;
	t->received_ps = x->engine->now_ps;
	t->received = m->id;
	t->received_origin = m->origin;
	if (delay_ps)
		work_begin(x, instance, m->to, delay_ps);
	else if (!t->pending)
		touch_thread(x, m->to);
}

void collective_sent(struct executor *x, uint32_t index)
{
	uint32_t from = message_at(x, index)->from;
	struct thread *t = &x->threads[from];
	t->sent = message_at(x, index)->id;
	t->sent_ps = x->engine->now_ps;
	t->pending &= (uint8_t)~PENDING_SEND;
	if (!t->pending)
		touch_thread(x, from);
}

static void take_message(struct executor *x, uint32_t index, int64_t delay_ps)
{
	const struct message *m = message_at(x, index);
	if (expects(&x->threads[m->to], m->to_step))
		receive_now(x, m, delay_ps);
	else
		note_early(x, m->to, m->to_step);
	pool_give(&x->messages, index);
}

void collective_delivered(struct executor *x, uint32_t index)
{
	const struct message *m = message_at(x, index);
	const struct instance *instance = instance_at(x, m->instance);
	int64_t delay_ps = planning_step_ps(x, instance->protocol, m->source_npu, m->target_npu);
	if (!delay_ps || expects(&x->threads[m->to], m->to_step)) {
		take_message(x, index, delay_ps);
		return;
	}
	rank_moving(&x->ranks[m->target_rank], x->engine->now_ps, true);
	engine_schedule(x->engine, time_add(x->engine->now_ps, delay_ps), x->on_arrival, index);
}

void collective_arrived(struct executor *x, uint32_t index)
{
	rank_moving(&x->ranks[message_at(x, index)->target_rank], x->engine->now_ps, false);
	take_message(x, index, 0);
}

/* Steps */

/* Whether a wait of the step is open; blocks the thread then. */
static bool block(struct executor *x, const struct instance *instance, uint32_t index, const struct collective_step *step)
{
	uint32_t first = index - (index - instance->first_thread) % instance->plan->n_threads;
	for (uint32_t w = 0; w < step->n_waits; w++) {
		struct thread *other = &x->threads[first + step->waits[w].thread], *t = &x->threads[index];
		if (other->step > step->waits[w].step)
			continue;
		t->wait_step = step->waits[w].step;
		t->next_waiter = other->waiters;
		t->state = THREAD_BLOCKED;
		other->waiters = index;
		return true;
	}
	return false;
}

static void release_step(struct executor *x, const struct message *m, uint32_t position)
{
	const struct thread *t = &x->threads[m->from];
	const struct instance *instance = instance_at(x, m->instance);
	bool asked = t->cause == MESSAGE_NONE && instance->asked_by != NONE; /* it began when the last rank came and circuits were there */
	if (asked)
		position = instance->asked_by;
	record_release(x, &(struct release_record){.message = m->id, .cause = t->cause, .time_ps = t->cause_ps,
						   .rank = asked ? position_rank_id(x, instance, position) : m->source_rank,
						   .index = x->members[instance->first_member + position].op});
}

static void send_step(struct executor *x, uint32_t index, uint32_t position, const struct collective_step *step)
{
	uint32_t token = pool_take(&x->messages), instance_index = x->threads[index].instance;
	const struct instance *instance = instance_at(x, instance_index);
	const uint32_t *npus = x->entries[instance->entry].groups[instance->group].npus;
	struct message *m = message_at(x, token);
	m->instance = instance_index;
	m->from = index;
	m->to = instance->first_thread + step->to * instance->plan->n_threads + step->to_thread;
	m->to_step = step->to_step;
	m->origin = x->threads[index].origin;
	m->source_rank = position_rank_id(x, instance, position);
	m->target_rank = position_rank_id(x, instance, step->to);
	m->source_npu = npus[position];
	m->target_npu = npus[step->to];
	m->bytes = step->out.bytes;
	m->flags = 0;
	int64_t wire_bytes = planning_wire_bytes(x, instance->protocol, m->source_npu, m->target_npu, m->bytes);
	bool local = post_message(x, token, wire_bytes, index - instance->first_thread, instance->id, instance->traffic);
	release_step(x, message_at(x, token), position);
	if (local)
		take_message(x, token, 0);
	else
		x->threads[index].pending |= PENDING_SEND;
}

/* Posts the step; returns whether it has ended already. */
static bool post_step(struct executor *x, uint32_t index, uint32_t position, const struct collective_step *step)
{
	struct thread *t = &x->threads[index];
	const struct instance *instance = instance_at(x, t->instance);
	int64_t work_ps = 0;
	t->received_ps = t->sent_ps = -1;
	t->pending = 0;
	t->actions = step->actions;
	if (step->actions & STEP_SEND)
		send_step(x, index, position, step);
	t->state = THREAD_POSTED;
	if (step->actions & STEP_RECEIVE) {
		if (t->early & 1)
			work_ps = reduce_ps(instance->protocol, t->actions, step->in.bytes);
		else
			t->pending |= PENDING_RECEIVE;
	} else if (step->actions & STEP_COPY) {
		work_ps = reduce_ps(instance->protocol, t->actions, step->in.bytes);
	}
	if (work_ps)
		work_begin(x, instance, index, work_ps);
	return !t->pending;
}

static void end_step(struct executor *x, uint32_t index)
{
	struct thread *t = &x->threads[index];
	if (t->received_ps == x->engine->now_ps) {
		t->origin = t->received_origin;
		t->cause = t->received;
		t->cause_ps = t->received_ps;
	} else if (t->sent_ps == x->engine->now_ps) {
		t->cause = t->sent;
		t->cause_ps = t->sent_ps;
	}
	t->state = THREAD_READY;
	t->early >>= 1;
	t->step++;
	if (t->n_overflow && step_set_remove(&x->overflow, index, t->step + 63)) {
		t->early |= UINT64_C(1) << 63;
		t->n_overflow--;
	}
	for (uint32_t *at = &t->waiters; *at != NONE;) {
		struct thread *waiter = &x->threads[*at];
		if (waiter->wait_step >= t->step) {
			at = &waiter->next_waiter;
			continue;
		}
		waiter->state = THREAD_READY;
		waiter->cause = t->cause;
		waiter->cause_ps = t->cause_ps;
		bitset_add(&x->touched_threads, *at);
		*at = waiter->next_waiter;
	}
}

static bool asks_for_circuits(const struct executor *x, const struct instance *instance)
{
	return instance->call->circuits && x->circuits.asked;
}

static void instance_end(struct executor *x, uint32_t index)
{
	struct instance *instance = instance_at(x, index);
	struct entry *entry = &x->entries[instance->entry];
	struct group_state *group = &entry->groups[instance->group];
	uint32_t n_ranks = instance->plan->request.n_ranks;
	struct collective_record record = {
		.id = instance->id, .kind = (uint8_t)instance->call->kind, .algorithm = instance->plan->algorithm->name,
		.protocol = instance->protocol->name,
		.group = (int32_t)(entry->first_group + instance->group), .n_ranks = n_ranks, .bytes = instance->call->bytes,
		.start_ps = instance->start_ps, .end_ps = x->engine->now_ps,
	};
	OBSERVE(x->observers, collective, &record);
	if (asks_for_circuits(x, instance))
		x->circuits.over(x->circuits.context, index);
	spans_give(&x->thread_spans, instance->first_thread, n_ranks * instance->plan->n_threads);
	spans_give(&x->member_spans, instance->first_member, n_ranks);
	group->open[instance->sequence - group->first_open] = COMPLETE;
	pool_give(&x->instances, index);
}

/* The rank's part is over: its operation ends. `last`: its thread that ended last, NULL when it has none. */
static void member_end(struct executor *x, uint32_t instance_index, uint32_t position, uint32_t origin, const struct thread *last)
{
	struct instance *instance = instance_at(x, instance_index);
	uint32_t index = x->members[instance->first_member + position].running;
	struct running *running = running_at(x, index);
	if (origin != position) { /* what made it end goes back to when another rank entered */
		running->cause_rank = position_rank_id(x, instance, origin);
		running->cause_index = x->members[instance->first_member + origin].op; /* numbered within its rank */
	}
	if (last) {
		running->finished_by = last->cause;
		running->finished_ps = last->cause_ps;
	}
	note_ended(x, index);
	if (--instance->n_left == 0)
		instance_end(x, instance_index);
}

static void thread_end(struct executor *x, uint32_t index, uint32_t position)
{
	struct thread *t = &x->threads[index];
	struct instance *instance = instance_at(x, t->instance);
	t->state = THREAD_DONE;
	if (--x->members[instance->first_member + position].threads_left == 0)
		member_end(x, t->instance, position, t->origin, t);
}

void thread_go(struct executor *x, uint32_t index)
{
	struct thread *t = &x->threads[index];
	const struct instance *instance = instance_at(x, t->instance);
	const struct collective_plan *plan = instance->plan;
	uint32_t position = thread_position(instance, index), thread = index - instance->first_thread - position * plan->n_threads;
	if (t->state == THREAD_POSTED) {
		assert(!t->pending);
		end_step(x, index);
	}
	while (t->state == THREAD_READY && t->step < t->n_steps) {
		struct collective_step step;
		memset(&step, 0, offsetof(struct collective_step, waits)); /* of the waits only n_waits are read */
		plan->algorithm->step(plan, position, thread, t->step, &step);
		if (step.n_waits && block(x, instance, index, &step))
			return;
		if (!post_step(x, index, position, &step))
			return;
		end_step(x, index);
	}
	if (t->state == THREAD_READY)
		thread_end(x, index, position);
}

/* Entering */

static void instance_init(struct executor *x, uint32_t index, uint32_t n_threads)
{
	struct instance *instance = instance_at(x, index);
	uint32_t n = instance->plan->request.n_ranks;
	instance->first_thread = spans_take(&x->thread_spans, n * n_threads);
	instance->first_member = spans_take(&x->member_spans, n);
	ARRAY_RESERVE(x->threads, x->thread_spans.end, x->threads_capacity);
	ARRAY_RESERVE(x->members, x->member_spans.end, x->members_capacity);
	bitset_grow(&x->touched_threads, x->thread_spans.end + 1);
	for (uint32_t i = 0; i < n; i++)
		x->members[instance->first_member + i] = (struct member){NONE, NONE, n_threads};
	for (uint32_t i = 0; i < n * n_threads; i++)
		x->threads[instance->first_thread + i] = (struct thread){
			.instance = index, .received_ps = -1, .sent_ps = -1, .cause = MESSAGE_NONE, .waiters = NONE, .next_waiter = NONE, .state = THREAD_ABSENT,
		};
}

/* Where the group keeps its sequence-th collective. */
static uint32_t *open_slot(struct group_state *group, uint32_t sequence)
{
	uint32_t done = 0;
	while (done < group->n_open && group->open[done] == COMPLETE)
		done++;
	if (done && (done == group->n_open || done > group->n_open / 2)) {
		memmove(group->open, group->open + done, (group->n_open - done) * sizeof *group->open);
		group->first_open += done;
		group->n_open -= done;
	}
	ARRAY_RESERVE(group->open, sequence - group->first_open + 1, group->open_capacity);
	while (group->first_open + group->n_open <= sequence)
		group->open[group->n_open++] = NONE;
	return &group->open[sequence - group->first_open];
}

static uint32_t instance_new(struct executor *x, uint32_t running_index, uint32_t group, uint32_t sequence)
{
	const struct running *running = running_at(x, running_index);
	const struct actor *actor = &x->actors[running->actor];
	const struct collective_call *call = &actor->prepared->program->calls[running_op(x, running)->amount];
	const struct planned *planned = planning_find(x, actor->entry, group, call);
	if (!planned)
		return NONE;
	const struct collective_plan *plan = &planned->plan;
	uint64_t n_threads = (uint64_t)plan->request.n_ranks * plan->n_threads;
	if (n_threads > UINT32_MAX / 2 - x->thread_spans.end) {
		executor_fail(x, ERROR_INPUT, "collective '%s' over %u ranks needs %llu threads: too many", plan->algorithm->name,
			      plan->request.n_ranks, (unsigned long long)n_threads);
		return NONE;
	}
	uint32_t index = pool_take(&x->instances);
	*instance_at(x, index) = (struct instance){
		.plan = plan, .protocol = &planned->protocol, .call = call, .first_actor = running->actor, .first_op = running->op,
		.entry = actor->entry, .group = group, .sequence = sequence, .n_left = plan->request.n_ranks,
		.asked_by = NONE, .id = x->next_collective++, .traffic = collective_traffic(call->kind), .start_ps = x->engine->now_ps,
	};
	instance_init(x, index, plan->n_threads);
	return index;
}

static bool same_text(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static bool same_call(const struct collective_call *a, const struct collective_call *b)
{
	return a == b || (a->kind == b->kind && a->bytes == b->bytes && a->root == b->root && same_text(a->algorithm, b->algorithm) &&
			  same_text(a->protocol, b->protocol) && a->channels == b->channels && a->bidirectional == b->bidirectional &&
			  a->chunk_bytes == b->chunk_bytes && a->n_dims == b->n_dims && same_text(a->file, b->file) &&
			  same_text(a->circuits, b->circuits));
}

static void mismatch(struct executor *x, const struct instance *instance, const struct running *running)
{
	char first[160], second[160];
	const struct group *group = &x->entries[instance->entry].workload->groups[instance->group];
	executor_fail(x, ERROR_SIMULATION, "collective %u of group '%s' does not match: %s, but %s", instance->sequence,
		      group->name ? group->name : "all", op_text(x, instance->first_actor, instance->first_op, first, sizeof first),
		      op_text(x, running->actor, running->op, second, sizeof second));
}

/* A rank begins its part, after what the protocol takes for a launch. */
static void launch(struct executor *x, uint32_t index)
{
	const struct running *running = running_at(x, index);
	const struct instance *instance = instance_at(x, running->instance);
	if (!instance->protocol->base_ps) {
		collective_begin(x, index);
		return;
	}
	rank_moving(&x->ranks[x->actors[running->actor].rank], x->engine->now_ps, true);
	timer_start(x, index, instance->protocol->base_ps);
}

void collective_enter(struct executor *x, uint32_t index)
{
	struct running *running = running_at(x, index);
	struct actor *actor = &x->actors[running->actor];
	const struct workload *workload = actor_workload(x, actor);
	const struct op *op = running_op(x, running);
	size_t at = (size_t)actor->local * workload->n_slots + op->group_slot;
	uint32_t group = workload->rank_groups[at], sequence = actor->prepared->sequence[running->op];
	uint32_t *open = open_slot(&x->entries[actor->entry].groups[group], sequence);
	if (*open == NONE && (*open = instance_new(x, index, group, sequence)) == NONE)
		return;
	struct instance *instance = instance_at(x, *open);
	if (!same_call(instance->call, &actor->prepared->program->calls[op->amount])) {
		mismatch(x, instance, running);
		return;
	}
	running->instance = *open;
	running->position = workload->rank_positions[at];
	running->collective = instance->id;
	struct member *member = &x->members[instance->first_member + running->position];
	member->running = index;
	member->op = actor->first_op + running->op;
	instance->n_entered++;
	if (!asks_for_circuits(x, instance)) {
		launch(x, index);
	} else if (instance->n_entered == instance->plan->request.n_ranks) {
		instance->asked_by = running->position;
		x->circuits.asked(x->circuits.context, running->instance, instance->id, instance->call->circuits);
	}
}

void executor_set_circuits(struct executor *x, const struct executor_circuits *circuits) { x->circuits = *circuits; }

void executor_circuits_demand(const struct executor *x, uint32_t request,
	void (*add)(void *context, uint32_t source_npu, uint32_t target_npu, int64_t bytes), void *context)
{
	const struct instance *instance = instance_at(x, request);
	const struct collective_plan *plan = instance->plan;
	const uint32_t *npus = x->entries[instance->entry].groups[instance->group].npus;
	for (uint32_t rank = 0; rank < plan->request.n_ranks; rank++)
		for (uint32_t thread = 0; thread < plan->n_threads; thread++)
			for (uint32_t i = 0, n = plan->algorithm->n_steps(plan, rank, thread); i < n; i++) {
				struct collective_step step = {0};
				plan->algorithm->step(plan, rank, thread, i, &step);
				if (step.actions & STEP_SEND)
					add(context, npus[rank], npus[step.to], step.out.bytes);
			}
}

void executor_circuits_go(struct executor *x, uint32_t request)
{
	const struct instance *instance = instance_at(x, request);
	for (uint32_t i = 0; i < instance->plan->request.n_ranks; i++)
		launch(x, x->members[instance->first_member + i].running);
}

/* From the issue phase, or from the timer of the launch: only marks what thread_go will do. */
void collective_begin(struct executor *x, uint32_t index)
{
	const struct running *running = running_at(x, index);
	const struct instance *instance = instance_at(x, running->instance);
	const struct collective_plan *plan = instance->plan;
	uint32_t first = instance->first_thread + running->position * plan->n_threads;
	if (instance->protocol->base_ps)
		rank_moving(&x->ranks[x->actors[running->actor].rank], x->engine->now_ps, false);
	uint32_t asked_by = instance->asked_by == NONE ? running->position : instance->asked_by;
	for (uint32_t i = 0; i < plan->n_threads; i++) {
		struct thread *t = &x->threads[first + i];
		t->n_steps = plan->algorithm->n_steps(plan, running->position, i);
		t->origin = asked_by;
		t->cause_ps = running_at(x, x->members[instance->first_member + asked_by].running)->start_ps;
		t->state = THREAD_READY;
		touch_thread(x, first + i);
	}
	if (!plan->n_threads)
		member_end(x, running->instance, running->position, running->position, NULL);
}

void gang_release(struct executor *x)
{
	for (uint32_t i = 0; i < x->n_plans; i++) {
		collective_plan_release(&x->plans[i]->plan);
		free(x->plans[i]);
	}
	free(x->plans);
	free(x->machines);
	free(x->threads);
	free(x->members);
	free(x->thread_spans.free);
	free(x->member_spans.free);
	free(x->overflow.slots);
}
