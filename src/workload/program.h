/* What ranks do: programs of operations, shared by ranks that do the same. Everything a user can ask for becomes this.
 *
 * Operations of one stream run in order; an operation without a stream (STREAM_NONE) is ordered by its dependencies alone.
 * Peers are absolute ranks or positions relative to this rank's place in one of its groups, so that 9,216 ranks can share one
 * program. */
#ifndef WEFT_WORKLOAD_PROGRAM_H
#define WEFT_WORKLOAD_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/time.h"
#include "collective/collective.h"

struct error;
struct text;

enum op_kind {
	OP_COMPUTE,    /* duration_ps on its stream */
	OP_SEND,       /* bytes to peer with tag; ends when its last byte has left (eager) */
	OP_RECEIVE,    /* bytes from peer with tag; ends at max(posted, delivered); ANY_SOURCE, ANY_TAG match in order of arrival */
	OP_COLLECTIVE, /* calls[call]; matched with the group's other members in issue order */
	OP_WAIT,       /* ends when its dependencies have ended and `amount` ps have passed; the rank computes nothing */
	OP_KINDS
};
extern const char *const op_kind_names[OP_KINDS];

#define STREAM_NONE UINT16_MAX
#define STREAM_COMPUTE 0     /* stream 0 computes; 1 … communicate */
#define PEER_ABSOLUTE UINT16_MAX
#define ANY_SOURCE INT32_MAX
#define ANY_TAG INT32_MAX

struct op {
	uint8_t kind;            /* enum op_kind */
	uint8_t flags;           /* enum op_flags */
	uint16_t stream;
	uint16_t group_slot;     /* collective: which of the rank's groups; send/receive: the group that `peer` is relative to, or
	                          * PEER_ABSOLUTE */
	uint8_t nic;             /* send, receive: which adapter (loggops model), 0 */
	int32_t peer;            /* rank (absolute) or offset from the own position in the group (wraps unless OP_PEER_INDEX) */
	int32_t tag;
	int64_t amount;          /* compute, wait: ps; send, receive: bytes; collective: index into program->calls */
	uint32_t first_dep;      /* into program->deps */
	uint32_t n_deps;
	uint32_t name;           /* into the workload's names, 0: unnamed */
};
enum op_flags {
	OP_PEER_INDEX = 1,       /* `peer` is a position in the group, not an offset */
	OP_HOST = 2,             /* host operation: does not count as the accelerator's compute */
	OP_RENDEZVOUS = 4,       /* the send ends only after the receiver posted */
};

/* A collective as an operation asks for it. */
struct collective_call {
	enum collective_kind kind;
	int64_t bytes;           /* nccl-tests' size */
	uint32_t root;           /* position in the group */
	const char *algorithm;   /* NULL: the workload's default */
	const char *protocol;    /* NULL: the machine's default */
	uint32_t channels;
	bool bidirectional;
	int64_t chunk_bytes;
	uint32_t n_dims, dims[8];
	const char *levels[8];
	const int64_t *counts;   /* all-to-all-v: from row to column */
	uint64_t n_counts;       /* how many those are: the square of the group's size */
	const char *file;
	const char *circuits;    /* the state of circuit switches that it asks for before it begins; NULL: none */
};

/* What a trace knew about an operation; NULL array when the program was made here. */
struct op_origin {
	int64_t trace_node;      /* -1 */
	int64_t recorded_start_ps, recorded_end_ps; /* TIME_NEVER: unknown */
	int32_t iteration;       /* -1 */
};

/* A dependency is the index of an operation that must have ended; with this bit, one that must have started (GOAL's irequires). */
#define DEP_START (UINT32_C(1) << 31)

struct program {
	struct op *ops;
	uint32_t n_ops;
	uint32_t *deps;          /* operation indices of this program, perhaps with DEP_START; they may point forward */
	uint32_t n_deps;
	/* false: a stream runs its operations in program order. true: a stream runs one operation at a time, whichever is ready (the
	 * lowest index first): what GOAL and Chakra schedules mean. */
	bool ready_order;
	struct collective_call *calls;
	uint32_t n_calls;
	struct op_origin *origins; /* [n_ops] or NULL */
	uint16_t n_streams;
	size_t ops_capacity, deps_capacity, calls_capacity, origins_capacity;
};

struct group {
	const char *name;
	uint32_t *ranks;         /* members by position; NULL: all ranks of the workload in order */
	uint32_t n_ranks;
};

/* One workload entry's whole program. Everything in it lives in `arena` or in growable arrays; workload_release frees it. */
struct workload {
	struct arena arena;
	const char *name;        /* of the entry, for `after` and messages */
	uint32_t n_ranks;
	struct program *programs;
	uint32_t n_programs;
	uint32_t *rank_program;  /* [n_ranks] index into programs */
	struct group *groups;
	uint32_t n_groups;
	/* The groups of rank r: rank_groups[r * n_slots + slot] = group id, or UINT32_MAX; rank_positions likewise = position. */
	uint32_t n_slots;
	uint32_t *rank_groups, *rank_positions;
	const char **names;      /* names[0] = NULL */
	uint32_t n_names;
	const char *algorithm;   /* default for calls, "auto" */
	const char *protocol;    /* NULL: the machine's */
	/* Every compute operation takes a share of its duration drawn evenly from [1 - jitter, 1 + jitter), by the run's seed, rank
	 * and operation; 0 … 1. */
	double jitter;
	/* Flows: the tag of a send is the number of its message within this workload, 0 … n_numbered - 1, so that records are
	 * numbered as the user's table is. 0: messages are numbered in order of issue. */
	uint64_t n_numbered;
	size_t programs_capacity, groups_capacity, names_capacity;
};

void workload_init(struct workload *workload, uint32_t n_ranks);
void workload_release(struct workload *workload);
uint32_t workload_add_name(struct workload *workload, const char *name); /* interned by the caller's care: not searched */
/* Adds a program; returns its index. Pointers to programs move: use workload->programs[index]. */
uint32_t workload_add_program(struct workload *workload);
/* Adds a group of n ranks (NULL: all); returns its id. */
uint32_t workload_add_group(struct workload *workload, const char *name, const uint32_t *ranks, uint32_t n);
/* Appends an operation with its dependencies; returns its index. */
uint32_t program_add(struct program *program, const struct op *op, const uint32_t *deps, uint32_t n_deps);
uint32_t program_add_call(struct program *program, const struct collective_call *call);

/* Peer of a send or receive of `rank` as a rank of the workload. */
uint32_t workload_peer(const struct workload *workload, uint32_t rank, const struct op *op);
/* A rank's position in one of its groups is found by slot: fills rank_groups and rank_positions for `slot` from groups
 * first … first + n - 1, each rank being in at most one of them. */
void workload_assign_slot(struct workload *workload, uint32_t slot, uint32_t first, uint32_t n);
/* Room for n slots; all empty. */
void workload_set_slots(struct workload *workload, uint32_t n_slots);

/* The order in which a program's operations can be issued: dependencies and streams kept, the lowest index first. Fills
 * order[n_ops] and returns how many could be ordered: fewer than n_ops when there is a cycle. */
uint32_t program_order(const struct program *program, uint32_t *order);

/* Checks everything that can be checked before running: indices, group membership, dependency cycles (named), peers within
 * range, tags, sizes. */
int workload_verify(const struct workload *workload, struct error *err);

#endif
