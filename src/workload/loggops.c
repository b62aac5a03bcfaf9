#include "workload/loggops.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/observer.h"
#include "workload/loggops_queue.h"

const char *const loggops_dialect_names[LOGGOPS_DIALECTS] = {
	[LOGGOPS_CORRECTED] = "corrected", [LOGGOPS_LOGGOPSIM] = "loggopsim", [LOGGOPS_ATLAHS] = "atlahs",
};
const struct loggops_parameters loggops_defaults = {
	.dialect = LOGGOPS_CORRECTED, .L_ps = 2500 * PS_PER_NS, .o_ps = 1500 * PS_PER_NS, .g_ps = 1000 * PS_PER_NS,
	.G_fs = 6000000, .O_fs = 0, .S_bytes = 65535,
};

#define NONE UINT32_MAX

#define MESSAGE (UINT32_C(1) << 31)

struct message {
	int64_t start_ps;
	uint64_t id;
	uint32_t source, source_op, next;
};

/* A posted receive or an unexpected message, in a bucket by (source, tag) or in the list of wildcard receives. */
struct waiting {
	uint64_t order;
	uint32_t what; /* operation or message */
	uint32_t next;
};
#define N_BUCKETS 16 /* per rank; the last one holds wildcard receives */
#define WILDCARDS (N_BUCKETS - 1)

enum op_state { OP_BLOCKED, OP_READY, OP_STARTED, OP_DONE };

/* Who waits for each operation of a program, shared by its ranks: after[first[i] … first[i + 1]), DEP_START kept. */
struct dependents {
	uint32_t *first, *after;
	uint16_t n_cpus;
	uint8_t n_nics;
};

struct rank {
	uint32_t first_op, first_cpu, first_nic, n_done, n_ops;
	uint32_t receives[N_BUCKETS], messages[N_BUCKETS]; /* heads of lists in order of posting */
	uint32_t receives_tail[N_BUCKETS], messages_tail[N_BUCKETS];
};

struct cpu {
	int64_t free_ps, compute_ps, overhead_ps;
};
struct nic {
	int64_t send_ps, receive_ps;
};

struct loggops {
	struct loggops_parameters p;
	const struct workload *workload;
	struct observers *observers;
	struct dependents *dependents; /* [n_programs] */
	struct rank *ranks;
	struct cpu *cpus;
	struct nic *nics;
	uint32_t *missing;             /* per operation of a rank: dependencies not yet met */
	uint8_t *state;
	int64_t *ready_ps, *start_ps;
	uint32_t *cause;               /* operation of the same rank that released it, NONE */
	struct pool messages, waiting;
	struct loggops_queue queue;
	struct loggops_freed *freed;           /* by the event at hand, in order */
	size_t n_freed, freed_capacity;
	uint32_t touched[2];           /* the one or two ranks whose operations it started or ended, in order */
	int n_touched;
	uint32_t n_cpus;               /* of every rank: the original charges a message to the cpu of its sender's number */
	uint64_t n_inserted, n_events, n_messages;
	int64_t now_ps;
};

static const struct program *program_of(const struct loggops *s, uint32_t rank)
{
	return &s->workload->programs[s->workload->rank_program[rank]];
}

static const struct op *op_of(const struct loggops *s, uint32_t rank, uint32_t op) { return &program_of(s, rank)->ops[op]; }

/* --- the queue ---------------------------------------------------------------------------------------------------- */

static void insert(struct loggops *s, int64_t time_ps, uint32_t rank, uint32_t what)
{
	loggops_push(&s->queue, (struct loggops_entry){.time_ps = time_ps, .order = s->n_inserted++, .rank = rank, .what = what});
}

/* What cannot start yet comes back later, and keeps its place among equal times. */
static void insert_again(struct loggops *s, struct loggops_entry entry, int64_t time_ps)
{
	entry.time_ps = time_ps;
	loggops_push(&s->queue, entry);
}

/* --- costs -------------------------------------------------------------------------------------------------------- */

static int64_t per_byte_ps(const struct loggops *s, int64_t bytes, int64_t fs)
{
	__extension__ typedef __int128 wide;
	int64_t counted = bytes - 1;
	if (counted < 0 && s->p.dialect != LOGGOPS_LOGGOPSIM)
		counted = 0;
	if (s->p.dialect == LOGGOPS_ATLAHS) /* counts whole nanoseconds */
		return (int64_t)((wide)counted * fs / 1000000) * PS_PER_NS;
	return (int64_t)((wide)counted * fs / 1000);
}

/* The original computes in unsigned arithmetic: the maximum of (s-1)O and (s-1)G for s = 0 is the one that wrapped. */
static int64_t receive_bytes_ps(const struct loggops *s, int64_t bytes)
{
	uint64_t on_cpu = (uint64_t)per_byte_ps(s, bytes, s->p.O_fs), on_nic = (uint64_t)per_byte_ps(s, bytes, s->p.G_fs);
	return (int64_t)(on_cpu > on_nic ? on_cpu : on_nic);
}

static struct cpu *cpu_of(const struct loggops *s, uint32_t rank, const struct op *op)
{
	return &s->cpus[s->ranks[rank].first_cpu + (op->stream == STREAM_NONE ? 0 : op->stream)];
}

static struct nic *nic_of(const struct loggops *s, uint32_t rank, const struct op *op)
{
	return &s->nics[s->ranks[rank].first_nic + op->nic];
}

static int64_t max_ps(int64_t a, int64_t b) { return a > b ? a : b; }

/* --- dependencies ------------------------------------------------------------------------------------------------- */

static void make_ready(struct loggops *s, const struct loggops_freed *freed)
{
	const struct op *op = op_of(s, freed->rank, freed->op);
	uint32_t at = s->ranks[freed->rank].first_op + freed->op;
	int64_t free_ps = cpu_of(s, freed->rank, op)->free_ps;
	s->state[at] = OP_READY;
	s->cause[at] = freed->cause;
	switch (s->p.dialect) {
	case LOGGOPS_LOGGOPSIM: /* starts from the cpu's own time and forgets when the dependency ended */
		s->ready_ps[at] = op->kind == OP_SEND ? max_ps(free_ps, nic_of(s, freed->rank, op)->send_ps) : free_ps;
		break;
	case LOGGOPS_ATLAHS: /* a receive is posted whatever the cpu does */
		s->ready_ps[at] = op->kind == OP_SEND ? max_ps(freed->after_ps, nic_of(s, freed->rank, op)->send_ps) :
				  op->kind == OP_RECEIVE ? freed->after_ps : max_ps(freed->after_ps, free_ps);
		break;
	default: s->ready_ps[at] = max_ps(free_ps, freed->after_ps);
	}
	insert(s, s->ready_ps[at], freed->rank, freed->op);
}

static void free_op(struct loggops *s, uint32_t rank, uint32_t op, int64_t after_ps, uint32_t cause)
{
	ARRAY_RESERVE(s->freed, s->n_freed + 1, s->freed_capacity);
	s->freed[s->n_freed++] = (struct loggops_freed){rank, op, cause, after_ps};
}

static void touch(struct loggops *s, uint32_t rank)
{
	for (int i = 0; i < s->n_touched; i++)
		if (s->touched[i] == rank)
			return;
	s->touched[s->n_touched++] = rank;
}

/* What one event freed enters the queue after it: rank by rank, in the original sends before receives before calculations. The variant
 * does not sort, and takes the ranks in the order of a hash set of the C++ library: the last one touched first. */
static void insert_freed(struct loggops *s)
{
	if (s->p.dialect != LOGGOPS_ATLAHS) {
		loggops_sort(s->workload, s->freed, s->n_freed);
		for (size_t i = 0; i < s->n_freed; i++)
			make_ready(s, &s->freed[i]);
	}
	for (int t = s->n_touched; t-- > 0 && s->p.dialect == LOGGOPS_ATLAHS; )
		for (size_t i = 0; i < s->n_freed; i++)
			if (s->freed[i].rank == s->touched[t])
				make_ready(s, &s->freed[i]);
	s->n_freed = 0;
	s->n_touched = 0;
}

static void release_dependents(struct loggops *s, uint32_t rank, uint32_t op, int64_t time_ps, uint32_t kind)
{
	const struct dependents *d = &s->dependents[s->workload->rank_program[rank]];
	for (uint32_t i = d->first[op]; i < d->first[op + 1]; i++) {
		uint32_t other = d->after[i] & ~DEP_START;
		if ((d->after[i] & DEP_START) == kind && --s->missing[s->ranks[rank].first_op + other] == 0)
			free_op(s, rank, other, time_ps, op);
	}
}

static void start(struct loggops *s, uint32_t rank, uint32_t op, int64_t time_ps)
{
	uint32_t at = s->ranks[rank].first_op + op;
	touch(s, rank);
	s->state[at] = OP_STARTED;
	s->start_ps[at] = time_ps;
	release_dependents(s, rank, op, time_ps, DEP_START);
}

static void record_op(struct loggops *s, uint32_t rank, uint32_t index, int64_t end_ps)
{
	uint32_t at = s->ranks[rank].first_op + index;
	const struct program *program = program_of(s, rank);
	const struct op *op = &program->ops[index];
	struct op_record record = {
		.rank = rank, .stream = op->stream == STREAM_NONE ? 0 : op->stream, .index = index, .kind = op->kind,
		.name = op->name ? s->workload->names[op->name] : NULL, .group = -1, .collective = -1,
		.bytes = op->kind == OP_SEND || op->kind == OP_RECEIVE ? op->amount : 0,
		.ready_ps = s->ready_ps[at], .start_ps = s->start_ps[at], .end_ps = end_ps,
		.exposed_ps = op->kind == OP_COMPUTE || op->kind == OP_WAIT ? 0 : end_ps - s->start_ps[at],
		.cause_rank = s->cause[at] == NONE ? NONE : rank, .cause_index = s->cause[at], .released_by = s->cause[at],
		.after_rank = UINT32_MAX, .after_index = UINT32_MAX, .finished_by = MESSAGE_NONE,
		.iteration = -1, .trace_node = -1, .recorded_start_ps = TIME_NEVER, .recorded_end_ps = TIME_NEVER,
	};
	if (program->origins) {
		record.iteration = program->origins[index].iteration;
		record.trace_node = program->origins[index].trace_node;
		record.recorded_start_ps = program->origins[index].recorded_start_ps;
		record.recorded_end_ps = program->origins[index].recorded_end_ps;
	}
	OBSERVE(s->observers, op, &record);
}

static void finish(struct loggops *s, uint32_t rank, uint32_t op, int64_t end_ps)
{
	touch(s, rank);
	s->state[s->ranks[rank].first_op + op] = OP_DONE;
	s->ranks[rank].n_done++;
	if (s->observers)
		record_op(s, rank, op, end_ps);
	release_dependents(s, rank, op, end_ps, 0);
}

/* --- matching ----------------------------------------------------------------------------------------------------- */

static uint32_t bucket(uint32_t source, int32_t tag)
{
	return (source * UINT32_C(2654435761) ^ (uint32_t)tag * UINT32_C(40503)) >> 7 & 0x3fffffff;
}
static uint32_t exact_bucket(uint32_t source, int32_t tag) { return bucket(source, tag) % WILDCARDS; }

static bool is_wildcard(const struct op *op) { return op->peer == ANY_SOURCE || op->tag == ANY_TAG; }

static uint32_t peer_rank(const struct loggops *s, uint32_t rank, const struct op *op)
{
	const struct workload *w = s->workload;
	if (op->group_slot == PEER_ABSOLUTE)
		return (uint32_t)op->peer;
	const struct group *group = &w->groups[w->rank_groups[(size_t)rank * w->n_slots + op->group_slot]];
	int64_t position = op->peer;
	if (!(op->flags & OP_PEER_INDEX)) {
		position = (position + w->rank_positions[(size_t)rank * w->n_slots + op->group_slot]) % (int64_t)group->n_ranks;
		if (position < 0)
			position += group->n_ranks;
	}
	return group->ranks ? group->ranks[position] : (uint32_t)position;
}

static bool matches(const struct loggops *s, uint32_t rank, const struct op *receive, const struct message *message)
{
	const struct op *send = op_of(s, message->source, message->source_op);
	return (receive->peer == ANY_SOURCE || peer_rank(s, rank, receive) == message->source) &&
	       (receive->tag == ANY_TAG || receive->tag == send->tag);
}

static void append(struct loggops *s, uint32_t *head, uint32_t *tail, uint32_t what)
{
	uint32_t index = pool_take(&s->waiting);
	struct waiting *waiting = pool_at(&s->waiting, index);
	*waiting = (struct waiting){.order = s->n_inserted++, .what = what, .next = NONE};
	if (*head == NONE)
		*head = index;
	else
		((struct waiting *)pool_at(&s->waiting, *tail))->next = index;
	*tail = index;
}

struct found {
	uint32_t list, previous, index;
	uint64_t order;
};

/* The earliest entry of one list that matches; `receive` or `message` is the other side. */
static void search(const struct loggops *s, uint32_t rank, uint32_t head, uint32_t list, const struct op *receive,
		   const struct message *message, struct found *best)
{
	uint32_t previous = NONE;
	for (uint32_t i = head; i != NONE; previous = i, i = ((struct waiting *)pool_at(&s->waiting, i))->next) {
		const struct waiting *waiting = pool_at(&s->waiting, i);
		const struct op *r = receive ? receive : op_of(s, rank, waiting->what);
		const struct message *m = message ? message : pool_at(&s->messages, waiting->what);
		if (waiting->order < best->order && matches(s, rank, r, m)) {
			*best = (struct found){list, previous, i, waiting->order};
			return;
		}
	}
}

static uint32_t unlink_found(struct loggops *s, uint32_t *heads, uint32_t *tails, const struct found *found)
{
	struct waiting *waiting = pool_at(&s->waiting, found->index);
	uint32_t what = waiting->what;
	if (found->previous == NONE)
		heads[found->list] = waiting->next;
	else
		((struct waiting *)pool_at(&s->waiting, found->previous))->next = waiting->next;
	if (tails[found->list] == found->index)
		tails[found->list] = found->previous;
	pool_give(&s->waiting, found->index);
	return what;
}

/* The earliest posted receive that takes this message, or NONE. */
static uint32_t take_receive(struct loggops *s, uint32_t rank, const struct message *message)
{
	struct rank *r = &s->ranks[rank];
	struct found best = {.order = UINT64_MAX};
	uint32_t exact = exact_bucket(message->source, op_of(s, message->source, message->source_op)->tag);
	search(s, rank, r->receives[exact], exact, NULL, message, &best);
	search(s, rank, r->receives[WILDCARDS], WILDCARDS, NULL, message, &best);
	return best.order == UINT64_MAX ? NONE : unlink_found(s, r->receives, r->receives_tail, &best);
}

/* The earliest unexpected message for this receive, or NONE. */
static uint32_t take_message(struct loggops *s, uint32_t rank, const struct op *receive)
{
	struct rank *r = &s->ranks[rank];
	struct found best = {.order = UINT64_MAX};
	uint32_t exact = is_wildcard(receive) ? 0 : exact_bucket(peer_rank(s, rank, receive), receive->tag);
	uint32_t last = is_wildcard(receive) ? WILDCARDS : exact + 1;
	for (uint32_t list = exact; list < last; list++)
		search(s, rank, r->messages[list], list, receive, NULL, &best);
	return best.order == UINT64_MAX ? NONE : unlink_found(s, r->messages, r->messages_tail, &best);
}

/* --- the operations ----------------------------------------------------------------------------------------------- */

static bool is_rendezvous(const struct loggops *s, const struct op *send)
{
	return send->amount > s->p.S_bytes || (send->flags & OP_RENDEZVOUS);
}

/* A rendezvous frees its sender, whose cpu and adapter are lifted to the match. The programs that the dialects follow take the cpu's
 * and adapter's numbers from `event`, the operation whose event this is. */
static void free_sender(struct loggops *s, uint32_t sender, uint32_t send, const struct op *event, int64_t cpu_ps, int64_t nic_ps)
{
	const struct op *op = s->p.dialect == LOGGOPS_CORRECTED ? op_of(s, sender, send) : event;
	struct cpu *cpu = cpu_of(s, sender, op);
	struct nic *nic = nic_of(s, sender, op);
	cpu->free_ps = max_ps(cpu->free_ps, cpu_ps);
	nic->send_ps = max_ps(nic->send_ps, nic_ps);
	finish(s, sender, send, s->p.dialect == LOGGOPS_ATLAHS ? cpu_ps : cpu->free_ps);
}

struct match {
	uint32_t rank, receive, message;
	const struct op *event;          /* the send when the message came last, else the receive */
	int64_t cpu_ps, nic_ps, end_ps;  /* what the sender of a rendezvous is lifted to; when the receive ends */
};

/* A message and its receive have met: both operations end. */
static void complete(struct loggops *s, const struct match *m)
{
	struct message message = *(struct message *)pool_at(&s->messages, m->message);
	const struct op *send = op_of(s, message.source, message.source_op);
	pool_give(&s->messages, m->message);
	if (s->observers) {
		struct message_record record = {.id = message.id, .source = message.source, .destination = m->rank,
			.bytes = send->amount, .start_ps = message.start_ps, .end_ps = m->end_ps, .route = UINT32_MAX, .collective = -1,
			.kind = TRAFFIC_POINT_TO_POINT};
		OBSERVE(s->observers, message, &record);
	}
	if (is_rendezvous(s, send))
		free_sender(s, message.source, message.source_op, m->event, m->cpu_ps, m->nic_ps);
	finish(s, m->rank, m->receive, m->end_ps);
}

/* atlahs: what the receiver pays once message and receive have met. A receive that finds its message asks the sending side of the
 * adapter, and may set its cpu back. */
static void charge_after_match(struct loggops *s, struct match *m, bool by_receive)
{
	const struct op *receive = op_of(s, m->rank, m->receive);
	struct cpu *cpu = cpu_of(s, m->rank, receive);
	struct nic *nic = nic_of(s, m->rank, m->event);
	int64_t cost_ps = s->p.o_ps + per_byte_ps(s, receive->amount, s->p.O_fs);
	nic->receive_ps = max_ps(by_receive ? nic->send_ps : nic->receive_ps, s->now_ps) + s->p.g_ps;
	cpu->free_ps = nic->receive_ps + cost_ps;
	cpu->overhead_ps += cost_ps;
	m->nic_ps = nic->receive_ps;
	m->cpu_ps = m->end_ps = cpu->free_ps;
}

static void do_compute(struct loggops *s, struct loggops_entry entry, const struct op *op)
{
	uint32_t rank = entry.rank, index = entry.what;
	struct cpu *cpu = cpu_of(s, rank, op);
	int64_t duration_ps = op->kind == OP_COMPUTE ? op->amount : 0;
	if (cpu->free_ps > s->now_ps) {
		insert_again(s, entry, cpu->free_ps);
		return;
	}
	start(s, rank, index, s->now_ps);
	cpu->free_ps = time_add(s->now_ps, duration_ps);
	cpu->compute_ps += duration_ps;
	finish(s, rank, index, cpu->free_ps);
}

static void do_send(struct loggops *s, struct loggops_entry entry, const struct op *op)
{
	uint32_t rank = entry.rank, index = entry.what;
	struct cpu *cpu = cpu_of(s, rank, op);
	struct nic *nic = nic_of(s, rank, op);
	int64_t free_ps = max_ps(cpu->free_ps, nic->send_ps), on_cpu_ps = per_byte_ps(s, op->amount, s->p.O_fs);
	int64_t on_nic_ps = per_byte_ps(s, op->amount, s->p.G_fs), arrives_ps = s->now_ps + s->p.o_ps + s->p.L_ps;
	if (free_ps > s->now_ps) {
		insert_again(s, entry, free_ps);
		return;
	}
	start(s, rank, index, s->now_ps);
	cpu->free_ps = s->now_ps + s->p.o_ps + on_cpu_ps;
	cpu->overhead_ps += s->p.o_ps + on_cpu_ps;
	nic->send_ps = s->now_ps + s->p.g_ps + on_nic_ps;
	uint32_t message = pool_take(&s->messages);
	*(struct message *)pool_at(&s->messages, message) =
		(struct message){.start_ps = s->now_ps, .id = s->n_messages++, .source = rank, .source_op = index};
	if (s->p.dialect == LOGGOPS_ATLAHS)
		arrives_ps += on_cpu_ps + on_nic_ps;
	insert(s, arrives_ps, peer_rank(s, rank, op), MESSAGE | message);
	if (!is_rendezvous(s, op))
		finish(s, rank, index, cpu->free_ps);
}

static void post_receive(struct loggops *s, uint32_t rank, uint32_t index, const struct op *op)
{
	struct rank *r = &s->ranks[rank];
	uint32_t list = is_wildcard(op) ? WILDCARDS : exact_bucket(peer_rank(s, rank, op), op->tag);
	append(s, &r->receives[list], &r->receives_tail[list], index);
}

static void do_receive(struct loggops *s, uint32_t rank, uint32_t index, const struct op *op)
{
	start(s, rank, index, s->now_ps);
	struct match m = {.rank = rank, .receive = index, .event = op, .cpu_ps = s->now_ps, .nic_ps = s->now_ps};
	m.message = take_message(s, rank, op);
	if (m.message == NONE) {
		post_receive(s, rank, index, op);
		return;
	}
	if (s->p.dialect == LOGGOPS_ATLAHS)
		charge_after_match(s, &m, true);
	else
		m.end_ps = max_ps(s->now_ps, cpu_of(s, rank, op)->free_ps);
	complete(s, &m);
}

/* Which cpu and adapter a message charges before it is matched: those of the receive it will meet, the first ones if unknown. */
static const struct op *expected_receive(const struct loggops *s, uint32_t rank, const struct message *message)
{
	const struct rank *r = &s->ranks[rank];
	struct found best = {.order = UINT64_MAX};
	uint32_t exact = exact_bucket(message->source, op_of(s, message->source, message->source_op)->tag);
	search(s, rank, r->receives[exact], exact, NULL, message, &best);
	search(s, rank, r->receives[WILDCARDS], WILDCARDS, NULL, message, &best);
	return best.order == UINT64_MAX ? NULL : op_of(s, rank, ((struct waiting *)pool_at(&s->waiting, best.index))->what);
}

static void keep_unexpected(struct loggops *s, uint32_t rank, uint32_t index, const struct message *message)
{
	struct rank *r = &s->ranks[rank];
	uint32_t list = exact_bucket(message->source, op_of(s, message->source, message->source_op)->tag);
	append(s, &r->messages[list], &r->messages_tail[list], index);
}

/* loggopsim, corrected: the message waits for cpu and adapter and charges them, then it is matched. */
static void charge_then_match(struct loggops *s, struct loggops_entry entry, const struct message *message, const struct op *send)
{
	uint32_t rank = entry.rank, index = entry.what & ~MESSAGE;
	const struct op *charged = send; /* the original: the numbers that the sender has */
	struct cpu *cpu = &s->cpus[s->ranks[rank].first_cpu];
	struct nic *nic = &s->nics[s->ranks[rank].first_nic];
	if (s->p.dialect == LOGGOPS_CORRECTED)
		charged = expected_receive(s, rank, message);
	if (charged) {
		cpu = cpu_of(s, rank, charged);
		nic = nic_of(s, rank, charged);
	}
	int64_t free_ps = max_ps(cpu->free_ps, nic->receive_ps);
	if (free_ps > s->now_ps) {
		insert_again(s, entry, free_ps);
		return;
	}
	cpu->free_ps = s->now_ps + s->p.o_ps + receive_bytes_ps(s, send->amount);
	cpu->overhead_ps += cpu->free_ps - s->now_ps;
	nic->receive_ps = s->now_ps + s->p.g_ps + per_byte_ps(s, send->amount, s->p.G_fs);
	struct match m = {.rank = rank, .message = index, .event = send, .cpu_ps = s->now_ps, .nic_ps = s->now_ps,
		.end_ps = cpu->free_ps};
	m.receive = take_receive(s, rank, message);
	if (m.receive == NONE)
		keep_unexpected(s, rank, index, message);
	else
		complete(s, &m);
}

/* atlahs: the message is matched, then waits for the cpu of its receive. A receive that has to wait goes behind the others of its source
 * and tag, so that the message may meet another when it comes back. */
static void match_then_charge(struct loggops *s, struct loggops_entry entry, const struct message *message, const struct op *send)
{
	struct match m = {.rank = entry.rank, .message = entry.what & ~MESSAGE, .event = send};
	m.receive = take_receive(s, m.rank, message);
	if (m.receive == NONE) {
		keep_unexpected(s, m.rank, m.message, message);
		return;
	}
	const struct op *receive = op_of(s, m.rank, m.receive);
	int64_t free_ps = max_ps(cpu_of(s, m.rank, receive)->free_ps, nic_of(s, m.rank, send)->receive_ps);
	if (free_ps > s->now_ps) {
		insert_again(s, entry, free_ps);
		post_receive(s, m.rank, m.receive, receive);
		return;
	}
	charge_after_match(s, &m, false);
	complete(s, &m);
}

static void do_message(struct loggops *s, struct loggops_entry entry)
{
	struct message message = *(struct message *)pool_at(&s->messages, entry.what & ~MESSAGE);
	const struct op *send = op_of(s, message.source, message.source_op);
	if (s->p.dialect == LOGGOPS_ATLAHS)
		match_then_charge(s, entry, &message, send);
	else
		charge_then_match(s, entry, &message, send);
}

static void do_event(struct loggops *s, struct loggops_entry entry)
{
	if (entry.what & MESSAGE) {
		do_message(s, entry);
		return;
	}
	const struct op *op = op_of(s, entry.rank, entry.what);
	switch ((enum op_kind)op->kind) {
	case OP_SEND: do_send(s, entry, op); break;
	case OP_RECEIVE: do_receive(s, entry.rank, entry.what, op); break;
	case OP_COMPUTE:
	case OP_WAIT: do_compute(s, entry, op); break;
	case OP_COLLECTIVE:
	case OP_KINDS: assert(false); /* refused by loggops_new */
	}
}

bool loggops_step(struct loggops *s, uint64_t budget)
{
	for (; s->queue.n && budget; budget--) {
		struct loggops_entry entry = loggops_pop(&s->queue);
		s->now_ps = entry.time_ps;
		s->n_events++;
		do_event(s, entry);
		insert_freed(s);
	}
	return s->queue.n == 0;
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

static int index_program(const struct program *program, bool wildcards, struct dependents *out, struct error *err)
{
	out->first = memory_zero((size_t)program->n_ops + 2, sizeof *out->first);
	for (uint32_t i = 0; i < program->n_ops; i++) {
		const struct op *op = &program->ops[i];
		uint16_t cpu = op->stream == STREAM_NONE ? 0 : op->stream;
		if (op->kind == OP_COLLECTIVE)
			return error_set(err, ERROR_INPUT, "the loggops model takes computes, sends and receives, not the collective "
					 "'%s' (expand it into messages, or use the fluid or packet model)",
					 collective_kind_names[program->calls[op->amount].kind]);
		if (op->kind == OP_RECEIVE && is_wildcard(op) && !wildcards)
			return error_set(err, ERROR_INPUT, "operation %u receives from any source or with any tag, which the atlahs dialect "
					 "of the loggops model cannot match", i);
		if (cpu >= out->n_cpus)
			out->n_cpus = (uint16_t)(cpu + 1);
		if (op->nic >= out->n_nics)
			out->n_nics = (uint8_t)(op->nic + 1);
		for (uint32_t d = 0; d < op->n_deps; d++)
			out->first[(program->deps[op->first_dep + d] & ~DEP_START) + 2]++;
	}
	for (uint32_t i = 0; i < program->n_ops; i++)
		out->first[i + 2] += out->first[i + 1];
	out->after = memory_zero(program->n_deps + 1, sizeof *out->after);
	for (uint32_t i = 0; i < program->n_ops; i++)
		for (uint32_t d = 0; d < program->ops[i].n_deps; d++) {
			uint32_t dep = program->deps[program->ops[i].first_dep + d];
			out->after[out->first[(dep & ~DEP_START) + 1]++] = i | (dep & DEP_START);
		}
	return 0;
}

static void lay_out_ranks(struct loggops *s)
{
	uint32_t n_ops = 0, n_cpus = 0, n_nics = 0, most_nics = 1;
	s->n_cpus = 1;
	for (uint32_t i = 0; i < s->workload->n_programs; i++) {
		s->n_cpus = s->dependents[i].n_cpus > s->n_cpus ? s->dependents[i].n_cpus : s->n_cpus;
		most_nics = s->dependents[i].n_nics > most_nics ? s->dependents[i].n_nics : most_nics;
	}
	for (uint32_t rank = 0; rank < s->workload->n_ranks; rank++) {
		struct rank *r = &s->ranks[rank];
		r->first_op = n_ops;
		r->first_cpu = n_cpus;
		r->first_nic = n_nics;
		r->n_ops = program_of(s, rank)->n_ops;
		n_ops += r->n_ops;
		n_cpus += s->n_cpus;
		n_nics += most_nics;
		for (int i = 0; i < N_BUCKETS; i++)
			r->receives[i] = r->messages[i] = r->receives_tail[i] = r->messages_tail[i] = NONE;
	}
	s->cpus = memory_zero((size_t)n_cpus + 1, sizeof *s->cpus);
	s->nics = memory_zero((size_t)n_nics + 1, sizeof *s->nics);
	s->missing = memory_zero((size_t)n_ops + 1, sizeof *s->missing);
	s->state = memory_zero((size_t)n_ops + 1, sizeof *s->state);
	s->ready_ps = memory_zero((size_t)n_ops + 1, sizeof *s->ready_ps);
	s->start_ps = memory_zero((size_t)n_ops + 1, sizeof *s->start_ps);
	s->cause = memory_zero((size_t)n_ops + 1, sizeof *s->cause);
}

struct loggops *loggops_new(const struct loggops_parameters *parameters, const struct workload *workload,
			    struct observers *observers, struct error *err)
{
	struct loggops *s = memory_zero(1, sizeof *s);
	s->p = *parameters;
	s->workload = workload;
	s->observers = observers;
	s->queue.time_only = parameters->dialect == LOGGOPS_ATLAHS;
	pool_init(&s->messages, sizeof(struct message));
	pool_init(&s->waiting, sizeof(struct waiting));
	s->dependents = memory_zero(workload->n_programs + 1, sizeof *s->dependents);
	s->ranks = memory_zero((size_t)workload->n_ranks + 1, sizeof *s->ranks);
	for (uint32_t i = 0; i < workload->n_programs; i++)
		if (index_program(&workload->programs[i], s->p.dialect != LOGGOPS_ATLAHS, &s->dependents[i], err)) {
			loggops_free(s);
			return NULL;
		}
	lay_out_ranks(s);
	for (uint32_t rank = 0; rank < workload->n_ranks; rank++) {
		const struct program *program = program_of(s, rank);
		for (uint32_t i = 0; i < program->n_ops; i++)
			s->missing[s->ranks[rank].first_op + i] = program->ops[i].n_deps;
		for (uint32_t i = 0; i < program->n_ops; i++)
			if (!program->ops[i].n_deps)
				free_op(s, rank, i, 0, NONE);
		touch(s, rank);
		insert_freed(s);
	}
	return s;
}

int loggops_finish(struct loggops *s, struct error *err)
{
	struct text text = TEXT_INIT;
	uint32_t n_stuck = 0;
	for (uint32_t rank = 0; rank < s->workload->n_ranks; rank++) {
		const struct rank *r = &s->ranks[rank];
		if (r->n_done == r->n_ops || n_stuck++ >= 8)
			continue;
		text_printf(&text, "%srank %u ended %u of %u operations", text.length ? "; " : "", rank, r->n_done, r->n_ops);
		for (uint32_t i = 0; i < r->n_ops; i++) {
			const struct op *op = op_of(s, rank, i);
			if (s->state[r->first_op + i] != OP_STARTED)
				continue;
			bool any = op->kind == OP_RECEIVE && op->peer == ANY_SOURCE;
			text_printf(&text, ", operation %u (%s of %lld bytes %s rank ", i, op_kind_names[op->kind], (long long)op->amount,
				    op->kind == OP_SEND ? "to" : "from");
			if (any)
				text_puts(&text, "any");
			else
				text_printf(&text, "%u", peer_rank(s, rank, op));
			text_printf(&text, ", tag %d) waits for its partner", op->tag);
			break;
		}
	}
	if (!n_stuck)
		return 0;
	error_set(err, ERROR_SIMULATION, "the schedule cannot finish: %u of %u ranks wait: %s%s", n_stuck, s->workload->n_ranks,
		  text_string(&text), n_stuck > 8 ? "; …" : "");
	text_release(&text);
	return -1;
}

void loggops_rank_result(const struct loggops *s, uint32_t rank, struct rank_result *result)
{
	const struct rank *r = &s->ranks[rank];
	const struct cpu *last = &s->cpus[r->first_cpu];
	for (uint32_t i = 1; i < s->n_cpus; i++)
		if (s->cpus[r->first_cpu + i].free_ps > last->free_ps)
			last = &s->cpus[r->first_cpu + i];
	memset(result, 0, sizeof *result);
	result->rank = result->npu = rank;
	result->end_ps = last->free_ps;
	result->class_ps[RANK_COMPUTE] = last->compute_ps;
	result->class_ps[RANK_EXPOSED] = last->overhead_ps;
	result->class_ps[RANK_WAIT_PEER] = last->free_ps - last->compute_ps - last->overhead_ps;
}

uint64_t loggops_n_events(const struct loggops *s) { return s->n_events; }
int64_t loggops_now_ps(const struct loggops *s) { return s->now_ps; }

void loggops_free(struct loggops *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->workload->n_programs; i++) {
		free(s->dependents[i].first);
		free(s->dependents[i].after);
	}
	free(s->dependents);
	free(s->ranks);
	free(s->cpus);
	free(s->nics);
	free(s->missing);
	free(s->state);
	free(s->ready_ps);
	free(s->start_ps);
	free(s->cause);
	free(s->queue.heap);
	free(s->freed);
	pool_release(&s->messages);
	pool_release(&s->waiting);
	free(s);
}
