/* The executor's state, shared by its own files only:
 *
 *   executor.c   setup, the issue phase, operations: ready, start, end
 *   matching.c   sends and receives
 *   gang.c       collectives, step by step
 *   chips.c      chips that are slow or dead
 *   account.h    where each rank's time goes
 *   stuck.c      what an unfinished run waits for
 *
 * Handlers of events only note what happened, by operations whose order within an instant does not matter (clearing a bit,
 * adding to a set, moving a counter). Everything that could depend on order is done in the issue phase: arrivals by message
 * number, then ranks by number, then threads of collectives by number, again until nothing is left.
 *
 * An *actor* is one rank of one workload; several actors may stand on one rank when workloads run concurrently. */
#ifndef WEFT_WORKLOAD_RUN_H
#define WEFT_WORKLOAD_RUN_H

#include "base/bitset.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "fabric/route.h"
#include "network/network.h"
#include "workload/executor.h"
#include "workload/prepared.h"

#define NONE UINT32_MAX

/* actor->need[op] once it is ready */
#define OP_RUNNING 65534
#define OP_ENDED 65535

/* Consecutive ids handed out in runs, lowest first, and taken back. */
struct spans {
	struct span { uint32_t first, count; } *free; /* sorted, not touching */
	uint32_t n_free, end; /* ids below end were handed out at some time */
	size_t capacity;
};
uint32_t spans_take(struct spans *spans, uint32_t count);
void spans_give(struct spans *spans, uint32_t first, uint32_t count);

struct group_state {
	uint32_t *npus;        /* of each position */
	uint32_t *open;        /* instances not complete, by sequence number − first_open; NONE: not begun */
	uint32_t first_open, n_open;
	size_t open_capacity;
	double alpha_ps, beta_ps_per_byte; /* of `auto`: of its worst pair sampled; −1: not looked up yet */
};

struct entry {
	const struct workload *workload;
	struct prepared *prepared;  /* [n_programs] */
	struct group_state *groups; /* [n_groups] */
	uint32_t first_rank, first_actor, first_group;
	int after;
	bool started;
	uint32_t cause_rank, cause_index; /* the operation whose end let it start, NONE */
	uint32_t n_left;            /* actors that have not ended */
	uint64_t first_message;     /* when its messages are numbered by the user */
};

/* One rank of a program with ready_order: what is ready on a stream that is busy, a heap by index. */
struct ready_stream {
	uint64_t *ready;        /* operation << 32 | running */
	uint32_t n_ready;
	size_t capacity;
	bool busy;
};

struct actor {
	const struct prepared *prepared;
	uint16_t *need;         /* [n_ops]: how many operations it still waits for; OP_RUNNING; OP_ENDED */
	uint32_t entry, local, rank, npu;
	uint32_t n_left;        /* operations that have not ended */
	uint32_t first_op;      /* number of its operation 0 among its rank's, of all workloads */
	uint32_t ended;         /* running operations that ended in this instant, linked by `next` */
	uint32_t posted_first, posted_last;   /* with wildcards: receives without a message, in the order of posting */
	uint32_t unbound_first, unbound_last; /* with wildcards: messages without a receive, in the order of sending */
	struct ready_stream *streams;         /* ready_order only */
	bool fresh;             /* its entry has started and it has not */
};

/* An operation that has become ready and has not ended. */
struct running {
	uint32_t actor, op;
	int64_t ready_ps, start_ps; /* start −1: its stream is busy (ready_order) */
	int64_t due_ps;         /* of its timer; an event at another time is not meant. −1: none runs */
	int64_t held_ps;        /* left of its timer when its chip died; −1 */
	int64_t computed_ps;    /* what its rank had computed when it started */
	uint32_t cause_rank, cause_index; /* as in struct op_record */
	uint32_t released_by;   /* operation of the own rank that made it ready */
	uint32_t after_rank, after_index; /* as in struct op_record */
	uint64_t finished_by;   /* message that ended it, MESSAGE_NONE */
	int64_t finished_ps;
	uint32_t next;          /* in ended, posted or a channel */
	uint32_t message;       /* send, receive: its message, NONE */
	uint32_t instance, position; /* collective */
	int32_t collective;     /* its id, once entered */
	uint32_t peer;          /* receive: actor it receives from, NONE: any */
};

enum message_flag { MESSAGE_ARRIVED = 1, MESSAGE_POSTED = 2, MESSAGE_SENT = 4, MESSAGE_RENDEZVOUS = 8 };
struct message {
	uint64_t id;
	int64_t bytes;          /* payload of the step or operation; what goes on the wire may be more */
	uint32_t instance;      /* of a collective, NONE: point to point */
	uint32_t from, to;      /* threads; or running operations (to NONE: no receive yet, from NONE: the send has ended) */
	uint32_t to_step;
	uint32_t origin;        /* position whose entry the sender's step goes back to */
	uint32_t source_rank, target_rank;
	uint32_t source_npu, target_npu;
	uint8_t flags;          /* up to here: one cache line */
	/* point to point */
	uint32_t source_actor, target_actor, source_op;
	int32_t tag;
	uint32_t next;          /* in unbound or a channel */
	uint64_t arrival;       /* order of arrival, when no receive had been posted */
};

/* Sends and receives that wait for each other, by (receiver, sender, tag): all messages or all receives, oldest first. */
struct channel {
	uint32_t target, source; /* actors; target NONE: empty slot */
	int32_t tag;
	uint32_t first, last;
	bool receives;
};
struct channel_table {
	struct channel *slots;
	uint32_t n, mask;
};

enum thread_state {
	THREAD_ABSENT,  /* its rank has not entered */
	THREAD_READY,   /* before a step */
	THREAD_BLOCKED, /* before a step that waits for another thread of its rank */
	THREAD_POSTED,  /* in a step: `pending` says what is missing */
	THREAD_DONE,
};
enum thread_pending { PENDING_SEND = 1, PENDING_RECEIVE = 2, PENDING_WORK = 4 };

/* One thread of one rank of a running collective: all that a step needs, whatever the number of steps. */
struct thread {
	uint64_t early;         /* bit k: the message for step `step` + k has arrived before it was posted; later ones: overflow */
	int64_t received_ps;    /* when the message of this step completed it */
	int64_t sent_ps;        /* when the last byte of this step's message had left */
	uint64_t received, sent; /* those messages */
	uint64_t cause;         /* message whose arrival or departure let it go on, MESSAGE_NONE: its rank's entry */
	int64_t cause_ps;       /* when */
	uint32_t instance;
	uint32_t step, n_steps; /* steps below `step` have ended */
	uint32_t origin, received_origin;
	uint32_t waiters;       /* threads blocked until this one has gone on, linked by next_waiter */
	uint32_t next_waiter, wait_step;
	uint32_t n_overflow;
	uint8_t state, pending, actions;
};

struct member {
	uint32_t running, op;   /* its operation, NONE: not entered */
	uint32_t threads_left;
};

struct instance {
	const struct collective_plan *plan;
	const struct protocol *protocol;
	const struct collective_call *call; /* of the first that entered */
	uint32_t first_actor, first_op; /* who that was */
	uint32_t entry, group, sequence;
	uint32_t first_thread, first_member;
	uint32_t n_entered, n_left;
	uint32_t asked_by;      /* the position that came last, when the collective then asked for circuits; NONE */
	int32_t id;
	uint8_t traffic;
	int64_t start_ps;
};

/* Arrivals further ahead than 64 steps: a set of (thread, step). */
struct step_set {
	uint64_t *slots;        /* thread << 32 | step, UINT64_MAX: empty */
	uint32_t n, mask;
};
void step_set_add(struct step_set *set, uint32_t thread, uint32_t step);
bool step_set_remove(struct step_set *set, uint32_t thread, uint32_t step);

/* What calls that ask for the same share. */
struct planned {
	struct collective_request request;
	const char *algorithm, *protocol_name; /* as asked for */
	const struct group_state *judged;      /* whose links `auto` looked at; NULL: nobody's, or no choice */
	double alpha_ps, beta_ps_per_byte;
	int64_t rank_bytes_per_s;
	struct collective_plan plan;
	struct protocol protocol;
};

struct rank_state {
	int64_t since_ps;       /* accounted up to here */
	uint32_t n_computing, n_moving, n_communicating, n_failed;
	int64_t class_ps[RANK_CLASSES];
};
/* What is rarely touched. */
struct rank_end {
	int64_t end_ps;
	int64_t class_ps[RANK_CLASSES]; /* as it was at end_ps */
	uint32_t n_left;        /* actors on it that have not ended */
	uint32_t n_ops;         /* of all its actors */
};

struct executor {
	struct executor_setup setup;
	struct engine *engine;
	struct network *network;
	struct observers *observers;
	uint32_t *placement;
	uint8_t on_timer, on_work, on_arrival;

	struct entry *entries;
	struct actor *actors;
	struct rank_state *ranks;
	struct rank_end *rank_ends;
	uint32_t n_entries, n_actors, n_groups, n_entries_left;
	size_t entries_capacity, actors_capacity;

	struct pool running, messages, instances;
	struct bitset touched_actors, touched_threads;
	struct thread *threads;
	struct member *members;
	struct spans thread_spans, member_spans;
	size_t threads_capacity, members_capacity;
	struct step_set overflow;
	struct planned **plans;
	uint32_t n_plans;
	size_t plans_capacity;
	uint32_t *machines;        /* of each NPU; NULL: not needed yet */

	struct channel_table channels;
	uint32_t n_unmatched;      /* messages without a receive */
	struct arrival { uint64_t id; uint32_t message; } *arrived; /* messages delivered in this instant */
	uint32_t n_arrived;
	size_t arrived_capacity;
	uint64_t next_arrival;

	uint32_t *ready;           /* operations of the current actor that can start: a queue */
	uint32_t n_ready;
	size_t ready_capacity;
	uint64_t *ended;           /* scratch: operation << 32 | running */
	size_t ended_capacity;

	/* Chips that are slow or dead; NULL as long as none ever was. */
	double *slow;              /* [n_ranks] */
	uint8_t *crashed;          /* [n_ranks] */
	struct bitset held_actors, held_threads, held_work; /* of dead ranks: what they would have done */

	uint64_t next_message;
	int32_t next_collective;
	struct executor_circuits circuits; /* asked NULL: nobody is asked */
	struct error error;
};

static inline struct running *running_at(const struct executor *x, uint32_t i) { return pool_at(&x->running, i); }
static inline struct message *message_at(const struct executor *x, uint32_t i) { return pool_at(&x->messages, i); }
static inline struct instance *instance_at(const struct executor *x, uint32_t i) { return pool_at(&x->instances, i); }
static inline const struct op *running_op(const struct executor *x, const struct running *running)
{
	return &x->actors[running->actor].prepared->program->ops[running->op];
}
static inline const struct workload *actor_workload(const struct executor *x, const struct actor *actor)
{
	return x->entries[actor->entry].workload;
}

/* executor.c */
void executor_fail(struct executor *x, enum error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The operation has ended now: noted from events, acted upon in the issue phase. */
void note_ended(struct executor *x, uint32_t running);
/* Gives the message to the network; `wire_bytes` >= its payload. True when it stays on its NPU: the caller delivers it at once. */
bool post_message(struct executor *x, uint32_t message, int64_t wire_bytes, uint64_t flow_key, int32_t collective, uint8_t kind);
void record_release(struct executor *x, const struct release_record *record);
const char *op_text(const struct executor *x, uint32_t actor, uint32_t op, char *out, size_t size);

int64_t op_duration_ps(const struct executor *x, const struct actor *actor, uint32_t op); /* on its chip as it is now */

/* chips.c */
static inline bool rank_is_crashed(const struct executor *x, uint32_t rank) { return x->crashed && x->crashed[rank]; }
/* What `duration_ps` of computing takes on the rank's chip. */
int64_t chip_duration_ps(const struct executor *x, uint32_t rank, int64_t duration_ps);
/* Sets the timer of an operation. */
void timer_start(struct executor *x, uint32_t running, int64_t duration_ps);
/* Whether this event of an operation's timer is the one that is meant; then it is over. */
bool timer_is_due(struct executor *x, uint32_t running);
/* Those return true, and keep it for later, when the rank is dead. */
bool hold_actor(struct executor *x, uint32_t actor);
bool hold_thread(struct executor *x, uint32_t thread);
bool hold_work(struct executor *x, uint32_t thread);
void chips_release(struct executor *x);

/* matching.c */
void send_start(struct executor *x, uint32_t running);
void receive_start(struct executor *x, uint32_t running);
void message_sent(struct executor *x, uint32_t message);
void message_arrived(struct executor *x, uint32_t message); /* in the issue phase */
void matching_release(struct executor *x);

/* gang.c */
void collective_enter(struct executor *x, uint32_t running);
void collective_begin(struct executor *x, uint32_t running); /* the launch is over */
void collective_sent(struct executor *x, uint32_t message);
void collective_delivered(struct executor *x, uint32_t message);
void collective_arrived(struct executor *x, uint32_t message); /* the protocol's step latency is over */
void thread_work_done(struct executor *x, uint32_t thread);
void thread_go(struct executor *x, uint32_t thread);          /* in the issue phase */
uint32_t thread_rank(const struct executor *x, uint32_t thread);
void gang_release(struct executor *x);

#endif
