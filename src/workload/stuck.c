/* What an unfinished run waits for. Operations that have not ended form a graph: each waits for one other (of its own rank, or the
 * operation of a peer that would release it), for the network, or for nothing that exists. Walking it from any blocked operation
 * ends in a missing partner, in the network, or in a cycle. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "workload/run.h"

struct place {
	uint32_t actor, op;
};

static const struct op *place_op(const struct executor *x, struct place at)
{
	return &x->actors[at.actor].prepared->program->ops[at.op];
}

const char *op_text(const struct executor *x, uint32_t actor_index, uint32_t op_index, char *out, size_t size)
{
	const struct actor *actor = &x->actors[actor_index];
	const struct workload *workload = actor_workload(x, actor);
	const struct op *op = &actor->prepared->program->ops[op_index];
	const char *name = workload->names[op->name];
	char bytes[32], what[128];
	switch (op->kind) {
	case OP_COLLECTIVE: {
		const struct collective_call *call = &actor->prepared->program->calls[op->amount];
		snprintf(what, sizeof what, "%s of %s", collective_kind_names[call->kind],
			 units_format_bytes(bytes, sizeof bytes, call->bytes));
		break;
	}
	case OP_SEND:
		snprintf(what, sizeof what, "send of %s with tag %d to rank %u", units_format_bytes(bytes, sizeof bytes, op->amount),
			 op->tag, x->entries[actor->entry].first_rank + workload_peer(workload, actor->local, op));
		break;
	case OP_RECEIVE: {
		char from[32] = "any rank", tag[32] = "any tag";
		if (op->peer != ANY_SOURCE)
			snprintf(from, sizeof from, "rank %u",
				 x->entries[actor->entry].first_rank + workload_peer(workload, actor->local, op));
		if (op->tag != ANY_TAG)
			snprintf(tag, sizeof tag, "tag %d", op->tag);
		snprintf(what, sizeof what, "receive with %s from %s", tag, from);
		break;
	}
	default:
		snprintf(what, sizeof what, "%s", op_kind_names[op->kind]);
	}
	snprintf(out, size, "rank %u's operation %u%s%s%s (%s)", actor->rank, op_index, name ? " '" : "", name ? name : "",
		 name ? "'" : "", what);
	return out;
}

static bool ended(const struct executor *x, struct place at) { return x->actors[at.actor].need[at.op] == OP_ENDED; }
static bool is_ready(const struct executor *x, struct place at) { return x->actors[at.actor].need[at.op] == OP_RUNNING; }

/* The record of an operation that is ready, found by search: only for a run that is over. */
static const struct running *running_of(const struct executor *x, struct place at)
{
	for (uint32_t i = 0; i < x->running.capacity; i++) {
		const struct running *running = running_at(x, i);
		if (x->running.next[i] == POOL_USED && running->actor == at.actor && running->op == at.op)
			return running;
	}
	return NULL;
}

static bool has_started(const struct executor *x, struct place at)
{
	const struct running *running = is_ready(x, at) ? running_of(x, at) : NULL;
	return ended(x, at) || (running && running->start_ps >= 0);
}

enum wait { WAIT_OP, WAIT_NETWORK, WAIT_NOBODY, WAIT_TIMER, WAIT_ENTRY };

/* An operation of the peer that would match and has not ended; false when there is none. */
static bool find_partner(const struct executor *x, struct place at, uint32_t peer, uint8_t kind, int32_t tag, struct place *next)
{
	const struct actor *actor = &x->actors[peer];
	const struct program *program = actor->prepared->program;
	uint32_t first_actor = x->entries[actor->entry].first_actor;
	for (uint32_t i = 0; i < program->n_ops; i++) {
		const struct op *op = &program->ops[i];
		if (op->kind != kind || actor->need[i] == OP_ENDED || (op->tag != tag && op->tag != ANY_TAG && tag != ANY_TAG))
			continue;
		bool any = op->peer == ANY_SOURCE;
		if (!any && first_actor + workload_peer(actor_workload(x, actor), actor->local, op) != at.actor)
			continue;
		*next = (struct place){peer, i};
		return true;
	}
	return false;
}

/* The first member of the collective's group that has not entered it, and the operation by which it would. */
static enum wait wait_of_collective(const struct executor *x, const struct running *running, struct place *next, struct text *why)
{
	const struct instance *instance = instance_at(x, running->instance);
	const struct entry *entry = &x->entries[instance->entry];
	const struct group *group = &entry->workload->groups[instance->group];
	for (uint32_t position = 0; position < group->n_ranks; position++) {
		uint32_t local = group->ranks ? group->ranks[position] : position, actor_index = entry->first_actor + local;
		const struct actor *actor = &x->actors[actor_index];
		if (x->members[instance->first_member + position].running != NONE)
			continue;
		for (uint32_t i = 0; i < actor->prepared->program->n_ops; i++) {
			const struct op *op = &actor->prepared->program->ops[i];
			if (op->kind == OP_COLLECTIVE && actor->prepared->sequence[i] == instance->sequence &&
			    entry->workload->rank_groups[(size_t)local * entry->workload->n_slots + op->group_slot] == instance->group) {
				*next = (struct place){actor_index, i};
				return WAIT_OP;
			}
		}
		text_printf(why, "rank %u has no such collective (collective %u of group '%s')", actor->rank, instance->sequence,
			    group->name ? group->name : "all");
		return WAIT_NOBODY;
	}
	for (uint32_t position = 0; position < group->n_ranks; position++) {
		uint32_t rank = entry->first_rank + (group->ranks ? group->ranks[position] : position);
		if (!rank_is_crashed(x, rank))
			continue;
		text_printf(why, "for rank %u of group '%s', whose chip has crashed", rank, group->name ? group->name : "all");
		return WAIT_NOBODY;
	}
	return WAIT_NETWORK;
}

static enum wait wait_of_running(const struct executor *x, struct place at, struct place *next, struct text *why)
{
	const struct op *op = place_op(x, at);
	const struct running *running = running_of(x, at);
	const struct actor *actor = &x->actors[at.actor];
	if (op->kind == OP_COMPUTE || op->kind == OP_WAIT || !running)
		return WAIT_TIMER;
	if (op->kind == OP_COLLECTIVE)
		return wait_of_collective(x, running, next, why);
	if (running->message != NONE && message_at(x, running->message)->flags & MESSAGE_POSTED)
		return WAIT_NETWORK;
	if (op->kind == OP_RECEIVE && running->peer == NONE) {
		text_printf(why, "no rank sends it any more");
		return WAIT_NOBODY;
	}
	uint32_t peer = op->kind == OP_RECEIVE ? running->peer :
		x->entries[actor->entry].first_actor + workload_peer(actor_workload(x, actor), actor->local, op);
	if (find_partner(x, at, peer, op->kind == OP_SEND ? OP_RECEIVE : OP_SEND, op->tag, next))
		return WAIT_OP;
	text_printf(why, "rank %u has no %s left for it", x->actors[peer].rank, op->kind == OP_SEND ? "receive" : "send");
	return WAIT_NOBODY;
}

/* What the operation waits for. */
static enum wait wait_of(const struct executor *x, struct place at, struct place *next, struct text *why)
{
	const struct actor *actor = &x->actors[at.actor];
	const struct program *program = actor->prepared->program;
	const struct op *op = place_op(x, at);
	if (!x->entries[actor->entry].started)
		return WAIT_ENTRY;
	if (rank_is_crashed(x, actor->rank)) {
		text_puts(why, "its chip has crashed");
		return WAIT_NOBODY;
	}
	next->actor = at.actor;
	if (has_started(x, at))
		return wait_of_running(x, at, next, why);
	for (next->op = 0; is_ready(x, at) && next->op < program->n_ops; next->op++) /* who has its stream? */
		if (program->ops[next->op].stream == op->stream && !ended(x, *next) && has_started(x, *next))
			return WAIT_OP;
	for (uint32_t d = 0; d < op->n_deps; d++) {
		uint32_t dep = program->deps[op->first_dep + d];
		next->op = dep & ~DEP_START;
		if (!ended(x, *next) && !(dep & DEP_START && has_started(x, *next)))
			return WAIT_OP;
	}
	for (next->op = at.op; !program->ready_order && op->stream != STREAM_NONE && next->op-- > 0;)
		if (program->ops[next->op].stream == op->stream && !ended(x, *next))
			return WAIT_OP;
	return WAIT_TIMER;
}

/* One line per operation of the chain from `at` to where it ends; a cycle is told from the point where it closes. */
static void tell_chain(const struct executor *x, struct place at, struct text *out)
{
	char text[256];
	struct text why = TEXT_INIT;
	struct place slow = at, next;
	bool cycle = true;
	for (uint64_t i = 0; cycle; i++) { /* Floyd: `at` moves twice as fast as `slow` */
		cycle = wait_of(x, at, &next, &why) == WAIT_OP;
		if (!cycle)
			break;
		at = next;
		if (i % 2) {
			wait_of(x, slow, &slow, &why);
			if (at.actor == slow.actor && at.op == slow.op)
				break;
		}
	}
	if (!cycle) {
		enum wait wait = wait_of(x, at, &next, &why);
		text_printf(out, "%s waits: %s", op_text(x, at.actor, at.op, text, sizeof text),
			    wait == WAIT_NOBODY ? text_string(&why) : wait == WAIT_NETWORK ? "for the network" :
			    wait == WAIT_ENTRY ? "its workload has not started" : "for its time to pass");
		if (wait == WAIT_NOBODY) { /* `why` was filled twice: keep one */
			out->length -= why.length / 2;
			out->data[out->length] = '\0';
		}
	} else {
		text_puts(out, "a cycle: ");
		slow = at;
		for (int shown = 0; shown < 8; shown++) {
			text_printf(out, "%s waits for ", op_text(x, at.actor, at.op, text, sizeof text));
			wait_of(x, at, &next, &why);
			at = next;
			if (at.actor == slow.actor && at.op == slow.op)
				break;
		}
		text_printf(out, "%s", op_text(x, at.actor, at.op, text, sizeof text));
	}
	text_release(&why);
}

/* Its operation that has started and not ended, or the last one. */
static uint32_t waiting_op(const struct executor *x, uint32_t a)
{
	uint32_t op = 0, n_ops = x->actors[a].prepared->program->n_ops;
	while (!(is_ready(x, (struct place){a, op}) && has_started(x, (struct place){a, op})) && op + 1 < n_ops)
		op++;
	return op;
}

/* " in group 'tp'" of a collective. */
static void tell_group(const struct executor *x, uint32_t a, uint32_t op_index, struct text *out)
{
	const struct actor *actor = &x->actors[a];
	const struct workload *workload = actor_workload(x, actor);
	const struct op *op = &actor->prepared->program->ops[op_index];
	if (op->kind != OP_COLLECTIVE)
		return;
	const struct group *group = &workload->groups[workload->rank_groups[(size_t)actor->local * workload->n_slots + op->group_slot]];
	if (group->name)
		text_printf(out, " in group '%s'", group->name);
}

static uint32_t tell_waiting(const struct executor *x, struct text *out)
{
	uint32_t waiting = 0;
	char text[256];
	for (uint32_t a = 0; a < x->n_actors; a++) {
		const struct actor *actor = &x->actors[a];
		if (!actor->n_left || !x->entries[actor->entry].started)
			continue;
		uint32_t op = waiting_op(x, a);
		if (!waiting) {
			tell_chain(x, (struct place){a, op}, out);
		} else if (waiting <= 8) {
			text_printf(out, "; %s", op_text(x, a, op, text, sizeof text));
			tell_group(x, a, op, out);
			text_puts(out, " waits");
		}
		waiting++;
	}
	if (waiting > 9)
		text_printf(out, "; and %u more ranks wait", waiting - 9);
	return waiting;
}

void executor_describe_waiting(const struct executor *x, struct text *out)
{
	char text[256];
	if (tell_waiting(x, out))
		return;
	for (uint32_t i = 0, shown = 0; x->n_unmatched && i < x->messages.capacity && shown < 8; i++) {
		const struct message *m = message_at(x, i);
		if (x->messages.next[i] != POOL_USED || m->instance != NONE || m->to != NONE)
			continue;
		text_printf(out, "%snobody receives %s", shown++ ? "; " : "",
			    op_text(x, m->source_actor, m->source_op - x->actors[m->source_actor].first_op, text, sizeof text));
	}
}

int executor_explain_stuck(const struct executor *x, struct error *err)
{
	struct text out = TEXT_INIT;
	if (x->error.code)
		return error_set(err, x->error.code, "%s", x->error.message);
	executor_describe_waiting(x, &out);
	if (x->network && x->network->model && x->network->model->describe_stuck) {
		struct text network = TEXT_INIT;
		x->network->model->describe_stuck(x->network, &network);
		if (network.length)
			text_puts(&out, network.data); /* begins each of its sentences with "; " */
		text_release(&network);
	}
	error_set(err, ERROR_SIMULATION, "the run cannot finish: %s", text_string(&out));
	text_release(&out);
	return -1;
}
