/* Collective algorithms as random-access schedules: step(rank, thread, i) describes one step and runs nothing. The same steps
 * are simulated, drawn, counted, exported, or executed on real numbers to prove them right.
 *
 * A rank has n_threads threads that run concurrently; the steps of a thread run in order. A step begins when the step before it
 * in its thread has ended and every step it waits for has ended. It may send, receive, and work locally:
 *
 *   SEND      `out` goes to step (to_thread, to_step) of rank `to`, which must RECEIVE from here; ends when its last byte has left
 *   RECEIVE   ends when the message has arrived in `in`; with REDUCE it is added to what `in` holds, else it replaces it
 *   COPY      (without RECEIVE) `out` is copied to `in` locally; with REDUCE it is added
 *
 * SEND and RECEIVE of one step are posted together, and the step ends when both have ended (ring, recursive doubling). What a
 * step sends was in place when it began, and REDUCE adds at the end of the step: `out` and `in` of an exchange may be one span.
 *
 * Sizes follow nccl-tests: `bytes` is the whole buffer. All-gather: rank r contributes part r. Reduce-scatter: rank r ends with
 * part r. Part p of n covers [floor(p·B/n), floor((p+1)·B/n)) rounded to elements: see collective_part(). INPUT and OUTPUT are
 * one memory of B bytes, of which every rank holds its share at the place it has in the whole, except:
 *
 *   all-to-all      block p of the input goes to rank p; the block from rank s arrives as block s of the output. Block p is as
 *                   long as part p, so that all blocks of an output are equal (all-to-all-v: counts[s][p])
 *   send-receive    the input goes to the output of the next rank */
#ifndef WEFT_COLLECTIVE_COLLECTIVE_H
#define WEFT_COLLECTIVE_COLLECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

struct error;

enum collective_kind {
	COLLECTIVE_ALL_REDUCE,
	COLLECTIVE_REDUCE_SCATTER,
	COLLECTIVE_ALL_GATHER,
	COLLECTIVE_BROADCAST,
	COLLECTIVE_REDUCE,
	COLLECTIVE_ALL_TO_ALL,
	COLLECTIVE_ALL_TO_ALL_V,
	COLLECTIVE_GATHER,
	COLLECTIVE_SCATTER,
	COLLECTIVE_BARRIER,
	COLLECTIVE_SEND_RECEIVE, /* every rank sends its buffer to the next one, nccl-tests' sendrecv */
	COLLECTIVE_KINDS
};
/* "allreduce", "reduce_scatter", "allgather", … as written in scenarios; aliases ("all_reduce", "AllReduce") are accepted. */
extern const char *const collective_kind_names[COLLECTIVE_KINDS];
int collective_kind_find(const char *name, enum collective_kind *kind, struct error *err);
/* busbw / algbw of nccl-tests' PERFORMANCE.md. */
double collective_bus_factor(enum collective_kind kind, uint32_t n_ranks);
/* enum traffic_kind of its messages. */
uint8_t collective_traffic(enum collective_kind kind);

/* What is asked for. */
#define COLLECTIVE_MAX_RANKS (1 << 20)
#define COLLECTIVE_MAX_BYTES (INT64_C(1) << 50)
struct collective_plan;
struct collective_judge;
struct collective_request {
	enum collective_kind kind;
	uint32_t n_ranks;
	uint32_t root;            /* broadcast, reduce, gather, scatter */
	int64_t bytes;            /* the whole buffer, >= 0 */
	uint32_t element_bytes;   /* parts are cut at multiples of it; 1 unless given */
	uint32_t channels;        /* parallel rings or trees; 0: the algorithm's default (1) */
	bool bidirectional;       /* ring: half of the channels run the other way (1 channel → 2 halves) */
	int64_t chunk_bytes;      /* pipelined algorithms: piece size, 0: chosen by the algorithm */
	uint32_t n_dims;          /* hierarchical and torus: sizes from the innermost outwards, product = n_ranks */
	uint32_t dims[8];
	const char *levels[8];    /* hierarchical: the algorithm per level, NULL: its default */
	const int64_t *counts;    /* all-to-all-v: [n_ranks][n_ranks] bytes from row to column, whole bytes */
	const char *file;         /* algorithm `msccl`: the schedule */
	const struct collective_judge *judge; /* of `auto`; NULL: the closed forms; not copied into the plan */
};
/* Says what a plan would cost where it is to run, in picoseconds; negative: cannot say, the closed form is taken. */
struct collective_judge {
	double (*cost)(void *context, const struct collective_plan *plan);
	void *context;
};

enum collective_buffer { BUFFER_INPUT, BUFFER_OUTPUT, BUFFER_SCRATCH };
struct collective_span {
	int64_t offset, bytes;
	uint8_t buffer;           /* enum collective_buffer; outside all-to-all and send-receive INPUT and OUTPUT are one memory */
};

enum collective_action { STEP_SEND = 1, STEP_RECEIVE = 2, STEP_REDUCE = 4, STEP_COPY = 8 };
#define COLLECTIVE_MAX_WAITS 8
struct collective_step {
	uint8_t actions;          /* enum collective_action; 0: only waits */
	uint8_t n_waits;
	uint32_t to, to_thread, to_step;
	uint32_t from, from_thread, from_step;
	struct collective_span out, in;
	struct { uint32_t thread, step; } waits[COLLECTIVE_MAX_WAITS]; /* of this rank */
};

struct collective_algorithm {
	const char *name;         /* "ring", "halving_doubling", … */
	const char *summary;
	uint32_t kinds;           /* bit per enum collective_kind */
	/* Fills n_threads, scratch_bytes and state from plan->request; returns -1 when the request does not fit (not a power of two,
	 * dims do not multiply to n) with a message that says what would. */
	int (*plan)(struct collective_plan *plan, struct error *err);
	/* How many steps this thread of this rank has. */
	uint32_t (*n_steps)(const struct collective_plan *plan, uint32_t rank, uint32_t thread);
	/* The i-th of them. *step comes zeroed. */
	void (*step)(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step);
	/* Closed-form cost on a contention-free full-duplex fabric in picoseconds as doubles, α per message (latency) and β per byte,
	 * NULL where none is known; used by `auto` and by tests. Returns a negative number when it does not apply. */
	double (*cost)(const struct collective_plan *plan, double alpha_ps, double beta_ps_per_byte);
	const char *formulas[COLLECTIVE_KINDS]; /* cost as people write it: n ranks, B bytes, q pieces; NULL: none */
};
struct collective_plan {
	struct collective_request request;
	const struct collective_algorithm *algorithm;
	uint32_t n_threads;       /* of every rank */
	int64_t scratch_bytes;
	double alpha_ps, beta_ps_per_byte; /* what plan_init was told: pipelined algorithms choose their piece size by them */
	const char *protocol;     /* what a schedule from a file was written for ("ll"), NULL: nothing said */
	void *state;              /* the algorithm's own, in `arena` */
	struct arena arena;
};

extern const struct collective_algorithm *const collective_algorithms[]; /* NULL at the end */
/* Nearest name in the error; an algorithm that does not offer the kind is an error that lists those that do. */
const struct collective_algorithm *collective_algorithm_find(const char *name, enum collective_kind kind, struct error *err);
/* Plans; `auto` as a name picks by cost, as the request's judge or the closed forms with the given α and β say, among all algorithms
 * that fit the request and, by closed form, keep a rank at no more than 32 partners at once (all-to-all excepted); `nccl` picks by the closed forms among
 * what NCCL has: ring, double binary tree, and direct for kinds that these do not offer. A request with a file is `msccl`. Copies what
 * it needs from the request. */
int collective_plan_init(struct collective_plan *plan, const char *algorithm, const struct collective_request *request,
			 double alpha_ps, double beta_ps_per_byte, struct error *err);
void collective_plan_release(struct collective_plan *plan);

/* Bytes [*offset, *offset + *bytes) of part p of n of a buffer of B bytes, cut at multiples of `element`. */
void collective_part(int64_t bytes, uint32_t element, uint32_t n, uint32_t p, int64_t *offset, int64_t *length);

/* Executes the plan on real numbers (64-bit integers per element, every rank in one process, threads interleaved in a seeded
 * order) and compares with the plain definition of the collective. 0, or -1 and which rank, offset and what is wrong (wrong
 * value, deadlock, unmatched message, read of what was never written, waits that do not protect a span). */
int collective_verify(const struct collective_plan *plan, uint64_t seed, struct error *err);

/* What a library adds to the wires (design §7): a preset, never a fit. Names are "none", NCCL's "simple", "ll", "ll128", and "nccl",
 * which takes for each collective the one of the three that NCCL's own cost model calls fastest. What a machine can use of its
 * wires depends on its architecture, written after an @: "simple@ampere", "nccl@hopper". docs/decisions.md has the arithmetic. */
struct protocol {
	const char *name;             /* "none", "simple", "ll", "ll128" */
	const char *summary;          /* with its source */
	int64_t base_ps;              /* once per collective and rank, before the first step (launch) */
	int64_t step_ps;              /* per step with a receive, wire latency of one idle link path taken out by the executor */
	int64_t step_network_ps;      /* the same for a step between machines */
	uint32_t wire_numerator, wire_denominator; /* wire bytes = payload × numerator / denominator, rounded up */
	double reduce_bytes_per_s;    /* local reduction; 0: free */
	uint32_t channels;            /* default number of channels, 0: the algorithm's */
	double rate_efficiency;       /* usable share of a link's rate inside a machine, 1: all (NCCL's usable GB/s per NVLink) */
	const char *architecture;     /* "ampere", …; NULL: none was given, all of the rate is usable */
};
extern const struct protocol *const protocols[]; /* without architecture; NULL at the end */
/* Checks a name with or without an architecture ("ll", "ll@ampere", "nccl"); the nearest known one in the error. For "nccl" it
 * returns the preset "simple": ask protocol_resolve for the choice. */
const struct protocol *protocol_find(const char *name, struct error *err);
/* The preset for one collective. `name` NULL: the machine's default. `machine_default` (fabric->protocol) gives the architecture
 * when the name has none. rank_bytes_per_s is what a rank's links carry together, raw, one direction (LL's limit is per rank and
 * absolute); 0: unknown, the limit is left out. `plan` is needed for "nccl" and for tree constants; it may be NULL. */
int protocol_resolve(struct protocol *out, const char *name, const char *machine_default, int64_t rank_bytes_per_s,
		     const struct collective_plan *plan, struct error *err);
/* Plans and resolves together, because one choice depends on the other: with a protocol of NCCL, `auto` is `nccl`, pieces are cut for
 * the protocol's time per step, "nccl" takes the fastest pair of algorithm and protocol, and for a file what it was written for. With
 * "none" the same as collective_plan_init. */
int protocol_plan(struct collective_plan *plan, struct protocol *protocol, const char *algorithm, const char *protocol_name,
		  const char *machine_default, int64_t rank_bytes_per_s, const struct collective_request *request, double alpha_ps,
		  double beta_ps_per_byte, struct error *err);
/* What a message of `payload` occupies on the wires: payload × numerator / denominator, and inside a machine divided by
 * rate_efficiency, rounded up once. */
int64_t protocol_wire_bytes(const struct protocol *protocol, int64_t payload, bool between_machines);

#endif
