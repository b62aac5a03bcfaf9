/* Sends and receives find each other.
 *
 * Without wildcards the k-th send from s to r with tag t belongs to the k-th receive of r from s with tag t, whatever arrives
 * first. A rank whose program has ANY_SOURCE or ANY_TAG matches when a message arrives: the first posted receive that fits takes
 * it; a receive that finds several messages takes the one that arrived first (at one instant: the one sent first). Messages of
 * one sender and tag never overtake each other (MPI 4.1, 3.5): when a later one arrives first, the earlier one is matched before
 * it. A rendezvous counts as arrived when it is sent: its envelope travels in no time. */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "workload/account.h"
#include "workload/run.h"

/* The table of channels: open addressing, emptied slots are closed by moving later entries back. */

static uint32_t channel_slot(const struct channel_table *table, uint32_t target, uint32_t source, int32_t tag)
{
	return (uint32_t)random_mix(random_mix((uint64_t)target << 32 | source) ^ (uint32_t)tag) & table->mask;
}

static struct channel *channel_find(const struct channel_table *table, uint32_t target, uint32_t source, int32_t tag)
{
	if (!table->n)
		return NULL;
	for (uint32_t i = channel_slot(table, target, source, tag);; i = (i + 1) & table->mask) {
		struct channel *channel = &table->slots[i];
		if (channel->target == NONE)
			return NULL;
		if (channel->target == target && channel->source == source && channel->tag == tag)
			return channel;
	}
}

static struct channel *channel_put(struct channel_table *table, struct channel channel)
{
	uint32_t i = channel_slot(table, channel.target, channel.source, channel.tag);
	while (table->slots[i].target != NONE)
		i = (i + 1) & table->mask;
	table->slots[i] = channel;
	table->n++;
	return &table->slots[i];
}

static void channel_grow(struct channel_table *table)
{
	struct channel_table old = *table;
	*table = (struct channel_table){NULL, 0, old.slots ? old.mask * 2 + 1 : 63};
	table->slots = memory_alloc(((size_t)table->mask + 1) * sizeof *table->slots);
	memset(table->slots, 0xff, ((size_t)table->mask + 1) * sizeof *table->slots);
	for (uint32_t i = 0; old.slots && i <= old.mask; i++)
		if (old.slots[i].target != NONE)
			channel_put(table, old.slots[i]);
	free(old.slots);
}

static void channel_remove(struct channel_table *table, struct channel *channel)
{
	uint32_t hole = (uint32_t)(channel - table->slots);
	for (uint32_t j = (hole + 1) & table->mask; table->slots[j].target != NONE; j = (j + 1) & table->mask) {
		const struct channel *next = &table->slots[j];
		uint32_t home = channel_slot(table, next->target, next->source, next->tag);
		if (((j - home) & table->mask) >= ((j - hole) & table->mask)) {
			table->slots[hole] = *next;
			hole = j;
		}
	}
	table->slots[hole].target = NONE;
	table->n--;
}

static uint32_t *next_of(struct executor *x, bool receives, uint32_t index)
{
	return receives ? &running_at(x, index)->next : &message_at(x, index)->next;
}

/* Appends a message or a receive; returns the waiting partner instead when there is one. */
static uint32_t channel_meet(struct executor *x, bool receives, uint32_t index, uint32_t target, uint32_t source, int32_t tag)
{
	struct channel *channel = channel_find(&x->channels, target, source, tag);
	if (channel && channel->receives != receives) {
		uint32_t partner = channel->first;
		channel->first = *next_of(x, channel->receives, partner);
		if (channel->first == NONE)
			channel_remove(&x->channels, channel);
		return partner;
	}
	*next_of(x, receives, index) = NONE;
	if (channel) {
		*next_of(x, receives, channel->last) = index;
		channel->last = index;
		return NONE;
	}
	if (!x->channels.slots || x->channels.n > x->channels.mask / 2)
		channel_grow(&x->channels);
	channel_put(&x->channels, (struct channel){target, source, tag, index, index, receives});
	return NONE;
}

/* What happens once both are there */

static void launch(struct executor *x, uint32_t index, uint32_t released_by)
{
	const struct message *m = message_at(x, index);
	const struct running *by = running_at(x, released_by);
	const struct actor *actor = &x->actors[by->actor];
	struct release_record record = {.cause = MESSAGE_NONE, .time_ps = by->start_ps, .rank = actor->rank,
					.index = actor->first_op + by->op};
	if (post_message(x, index, m->bytes, (uint32_t)m->tag, -1, TRAFFIC_POINT_TO_POINT)) {
		record.message = message_at(x, index)->id;
		record_release(x, &record);
		message_sent(x, index);
		message_arrived(x, index);
		return;
	}
	record.message = message_at(x, index)->id;
	record_release(x, &record);
}

static void receive_end(struct executor *x, uint32_t index)
{
	const struct message *m = message_at(x, index);
	uint32_t receive = m->to;
	struct running *running = running_at(x, receive);
	running->message = NONE;
	if (running->start_ps < x->engine->now_ps) { /* it waited for the sender */
		running->cause_rank = m->source_rank;
		running->cause_index = m->source_op;
		running->finished_by = m->id;
		running->finished_ps = x->engine->now_ps;
	}
	pool_give(&x->messages, index);
	note_ended(x, receive);
}

static void bind(struct executor *x, uint32_t index, uint32_t receive)
{
	struct message *m = message_at(x, index);
	m->to = receive;
	running_at(x, receive)->message = index;
	if (m->flags & MESSAGE_ARRIVED) {
		receive_end(x, index);
	} else if (!(m->flags & MESSAGE_POSTED)) {
		struct running *send = running_at(x, m->from), *received = running_at(x, receive);
		if (received->start_ps > send->start_ps) { /* the sender waited for the receiver */
			send->cause_rank = x->actors[received->actor].rank;
			send->cause_index = x->actors[received->actor].first_op + received->op;
		}
		launch(x, index, received->start_ps > send->start_ps ? receive : m->from);
	}
}

void message_sent(struct executor *x, uint32_t index)
{
	struct message *m = message_at(x, index);
	uint32_t send = m->from;
	m->flags |= MESSAGE_SENT;
	m->from = NONE;
	struct running *running = running_at(x, send);
	running->message = NONE;
	running->finished_by = m->id;
	running->finished_ps = x->engine->now_ps;
	note_ended(x, send);
}

/* Wildcards: lists per rank, in order of posting and of sending. */

static bool fits(const struct executor *x, uint32_t receive, const struct message *m)
{
	const struct running *running = running_at(x, receive);
	int32_t tag = running_op(x, running)->tag;
	return (running->peer == NONE || running->peer == m->source_actor) && (tag == ANY_TAG || tag == m->tag);
}

static void list_append(struct executor *x, bool receives, uint32_t *first, uint32_t *last, uint32_t index)
{
	*next_of(x, receives, index) = NONE;
	if (*first == NONE)
		*first = index;
	else
		*next_of(x, receives, *last) = index;
	*last = index;
}

static void list_remove(struct executor *x, bool receives, uint32_t *first, uint32_t *last, uint32_t index)
{
	uint32_t before = NONE, next = *next_of(x, receives, index);
	for (uint32_t i = *first; i != index; i = *next_of(x, receives, i))
		before = i;
	if (before == NONE)
		*first = next;
	else
		*next_of(x, receives, before) = next;
	if (next == NONE)
		*last = before;
}

static bool envelope_arrived(const struct message *m)
{
	return m->flags & (MESSAGE_ARRIVED | MESSAGE_RENDEZVOUS);
}

/* The oldest message without a receive of the same sender and tag. */
static uint32_t oldest_like(const struct executor *x, const struct actor *actor, uint32_t index)
{
	const struct message *like = message_at(x, index);
	uint32_t i = actor->unbound_first;
	while (message_at(x, i)->source_actor != like->source_actor || message_at(x, i)->tag != like->tag)
		i = message_at(x, i)->next;
	return i;
}

static void bind_wild(struct executor *x, struct actor *actor, uint32_t message, uint32_t receive, bool posted)
{
	list_remove(x, false, &actor->unbound_first, &actor->unbound_last, message);
	if (posted)
		list_remove(x, true, &actor->posted_first, &actor->posted_last, receive);
	x->n_unmatched--;
	bind(x, message, receive);
}

static void wild_arrived(struct executor *x, struct actor *actor, uint32_t index)
{
	message_at(x, index)->arrival = x->next_arrival++;
	for (;;) {
		uint32_t receive = actor->posted_first;
		while (receive != NONE && !fits(x, receive, message_at(x, index)))
			receive = running_at(x, receive)->next;
		if (receive == NONE)
			return;
		uint32_t oldest = oldest_like(x, actor, index);
		bind_wild(x, actor, oldest, receive, true);
		if (oldest == index)
			return;
	}
}

static void wild_posted(struct executor *x, struct actor *actor, uint32_t receive)
{
	uint32_t best = NONE;
	for (uint32_t i = actor->unbound_first; i != NONE; i = message_at(x, i)->next) {
		const struct message *m = message_at(x, i);
		if (envelope_arrived(m) && fits(x, receive, m) && (best == NONE || m->arrival < message_at(x, best)->arrival))
			best = i;
	}
	if (best == NONE)
		list_append(x, true, &actor->posted_first, &actor->posted_last, receive);
	else
		bind_wild(x, actor, oldest_like(x, actor, best), receive, false);
}

/* Starting, arriving */

void message_arrived(struct executor *x, uint32_t index)
{
	struct message *m = message_at(x, index);
	m->flags |= MESSAGE_ARRIVED;
	if (m->to != NONE)
		receive_end(x, index);
	else if (x->actors[m->target_actor].prepared->wildcards && !(m->flags & MESSAGE_RENDEZVOUS))
		wild_arrived(x, &x->actors[m->target_actor], index);
}

static uint32_t message_new(struct executor *x, uint32_t send)
{
	uint32_t index = pool_take(&x->messages);
	struct running *running = running_at(x, send);
	const struct actor *source = &x->actors[running->actor];
	const struct op *op = running_op(x, running);
	uint32_t target_index = x->entries[source->entry].first_actor + workload_peer(actor_workload(x, source), source->local, op);
	const struct actor *target = &x->actors[target_index];
	running->message = index;
	*message_at(x, index) = (struct message){
		.instance = NONE, .from = send, .to = NONE, .source_rank = source->rank, .target_rank = target->rank,
		.source_npu = source->npu, .target_npu = target->npu, .bytes = op->amount, .source_actor = running->actor,
		.target_actor = target_index, .source_op = source->first_op + running->op, .tag = op->tag, .next = NONE,
		.flags = op->flags & OP_RENDEZVOUS || op->amount > x->setup.rendezvous_bytes ? MESSAGE_RENDEZVOUS : 0,
	};
	return index;
}

void send_start(struct executor *x, uint32_t send)
{
	uint32_t index = message_new(x, send);
	const struct message *m = message_at(x, index);
	struct actor *target = &x->actors[m->target_actor];
	bool eager = !(m->flags & MESSAGE_RENDEZVOUS);
	x->n_unmatched++;
	if (target->prepared->wildcards) {
		list_append(x, false, &target->unbound_first, &target->unbound_last, index);
		if (!eager)
			wild_arrived(x, target, index);
	} else {
		uint32_t receive = channel_meet(x, false, index, m->target_actor, m->source_actor, m->tag);
		if (receive != NONE) {
			x->n_unmatched--;
			if (eager) {
				message_at(x, index)->to = receive;
				running_at(x, receive)->message = index;
			} else {
				bind(x, index, receive);
			}
		}
	}
	if (eager)
		launch(x, index, send);
}

void receive_start(struct executor *x, uint32_t receive)
{
	struct running *running = running_at(x, receive);
	struct actor *actor = &x->actors[running->actor];
	const struct op *op = running_op(x, running);
	if (op->peer != ANY_SOURCE)
		running->peer = x->entries[actor->entry].first_actor + workload_peer(actor_workload(x, actor), actor->local, op);
	if (actor->prepared->wildcards) {
		wild_posted(x, actor, receive);
		return;
	}
	uint32_t index = channel_meet(x, true, receive, running->actor, running->peer, op->tag);
	if (index == NONE)
		return;
	x->n_unmatched--;
	bind(x, index, receive);
}

void matching_release(struct executor *x)
{
	free(x->channels.slots);
	free(x->arrived);
}
