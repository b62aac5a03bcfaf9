/* Runs workloads on a network: issues operations as they become ready, expands collectives step by step, matches sends with
 * receives, and knows for every operation when it became ready, what released it and what it waits for. */
#ifndef WEFT_WORKLOAD_EXECUTOR_H
#define WEFT_WORKLOAD_EXECUTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "workload/program.h"

struct engine;
struct executor;
struct fabric;
struct network;
struct observers;
struct routes;
struct text;

/* Classes of a rank's time; they sum to its end. */
enum rank_class {
	RANK_COMPUTE,         /* its compute stream works and nothing communicates */
	RANK_EXPOSED,         /* bytes of its communication move while it computes nothing */
	RANK_HIDDEN,          /* it computes while its communication moves */
	RANK_WAIT_PEER,       /* its communication waits for another rank to arrive */
	RANK_WAIT_DEPENDENCY, /* nothing is ready */
	RANK_FAILED,          /* stalled by a failure */
	RANK_CLASSES
};
extern const char *const rank_class_names[RANK_CLASSES];

struct rank_result {
	uint32_t rank, npu;
	int64_t end_ps;
	int64_t class_ps[RANK_CLASSES];
};

struct executor_setup {
	struct engine *engine;
	const struct fabric *fabric;
	struct routes *routes;
	struct observers *observers;
	const uint32_t *placement; /* [n_ranks] NPU index of each rank; copied */
	uint32_t n_ranks;
	uint64_t seed;
	int64_t rendezvous_bytes;  /* sends larger than this end only after the receiver posted; INT64_MAX: all are eager */
};

/* Ranks of several workloads that run together share one rank space (0 … n_ranks - 1), and one executor. */
struct executor *executor_new(const struct executor_setup *setup);
void executor_free(struct executor *executor);
/* The client to give to network_create. */
struct network_client executor_client(struct executor *executor);
void executor_attach(struct executor *executor, struct network *network);
/* Adds a workload (kept by pointer); `after` names the index of an entry that must have ended before it starts, or -1. Its rank r
 * runs as rank first_rank + r. Returns its index, or -1 with an error. */
int executor_add(struct executor *executor, const struct workload *workload, uint32_t first_rank, int after, struct error *err);
/* Starts: requests the issue phase at time 0. */
void executor_start(struct executor *executor);
bool executor_finished(const struct executor *executor);
/* When the engine drained or stopped before the end: fills err (ERROR_SIMULATION) with the ranks, operations and links that wait
 * and for what: first the cycle or the missing partner if there is one, then at most eight ranks, then how many more. */
int executor_explain_stuck(const struct executor *executor, struct error *err);
/* Appends the same without what the network says of itself: ranks, operations, groups. */
void executor_describe_waiting(const struct executor *executor, struct text *out);
/* An error found while running: collectives that do not match, a network that failed. */
const struct error *executor_error(const struct executor *executor);

/* The rank's chip has failed, or a failure that holds it is over: while it computes nothing its time is RANK_FAILED. Counted: every
 * `true` needs its `false`. In any phase before the issue phase. */
void executor_rank_failed(struct executor *executor, uint32_t rank, bool failed);

/* The rank's computations take `times` (> 0) as long from now on as on a chip at its full clock; what is left of one that runs is
 * stretched likewise. Host operations are not. Phases as above. */
void executor_rank_slow(struct executor *executor, uint32_t rank, double times);
/* The rank's chip is dead: nothing of the rank starts or ends and its time is RANK_FAILED, until it is there again (a spare in its
 * place): then what it computed begins anew, and what else it did goes on. Its links are the caller's business. Phases as above. */
void executor_rank_crashed(struct executor *executor, uint32_t rank, bool crashed);

/* Who is asked for circuits before a collective begins that names a state of them (collective_call.circuits). Both are called in the issue
 * phase and only note it: the answer is executor_circuits_go, in a later phase or round. */
struct executor_circuits {
	void *context;
	void (*asked)(void *context, uint32_t request, int32_t collective, const char *state); /* all its ranks are there and wait */
	void (*over)(void *context, uint32_t request); /* it has ended; its number may be used again */
};
void executor_set_circuits(struct executor *executor, const struct executor_circuits *circuits);
/* What the collective's schedule sends from NPU to NPU: payload, one call for each message. */
void executor_circuits_demand(const struct executor *executor, uint32_t request,
			      void (*add)(void *context, uint32_t source_npu, uint32_t target_npu, int64_t bytes), void *context);
/* It may begin. In the control phase. */
void executor_circuits_go(struct executor *executor, uint32_t request);

/* Results, by rank; valid until executor_free. end_ps = the time of its last operation. Before the end of a run: up to now. */
void executor_rank_result(const struct executor *executor, uint32_t rank, struct rank_result *result);
uint32_t executor_n_ranks(const struct executor *executor);

#endif
