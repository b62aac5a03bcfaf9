/* The LogGOPS model of point-to-point schedules: L, o, g, G, O, S per message. It replaces the executor and the network together,
 * because what a message costs its processor is part of the model (see docs/decisions.md).
 *
 * T. Hoefler, T. Schneider, A. Lumsdaine, "LogGOPSim: simulating large-scale applications in the LogGOPS model", HPDC 2010.
 * Three dialects, by the behaviour of the programs that schedules are written for:
 *
 *                       loggopsim                        atlahs                          corrected (default)
 *   message arrives     t + o + L (first byte)           t + o + (s-1)O + L + (s-1)G     as loggopsim
 *   receive             waits for cpu and nic, then      matches, waits for the cpu of   as loggopsim, on the cpu
 *                       cpu = t + o + max((s-1)O,(s-1)G) its receive and the nic, then   of the receive
 *                       nic = t + g + (s-1)G, charged    nic = t + g,
 *                       before matching, on the cpu of   cpu = nic + o + (s-1)O
 *                       the sender's number
 *   rendezvous (s > S)  sender's cpu and nic lifted to   cpu lifted to the receiver's    as loggopsim
 *                       the match                        cpu, nic to its nic
 *   dependency across   its time is lost                 carried                         carried
 *   cpus of a rank
 *   ready together      sends, receives, calculations    as they stand                   as loggopsim
 *   equal times         first in, first out              a binary heap's order           as loggopsim
 *   s = 0               (s-1) is -1: -G, -O              as 1                            as 1
 *   wildcards           yes                              refused                         yes
 *
 * A stream of the program is a cpu of the rank; a rank ends when its last cpu does. */
#ifndef WEFT_WORKLOAD_LOGGOPS_H
#define WEFT_WORKLOAD_LOGGOPS_H

#include <stdbool.h>
#include <stdint.h>

#include "workload/executor.h"

enum loggops_dialect { LOGGOPS_CORRECTED, LOGGOPS_LOGGOPSIM, LOGGOPS_ATLAHS, LOGGOPS_DIALECTS };
extern const char *const loggops_dialect_names[LOGGOPS_DIALECTS];

struct loggops_parameters {
	enum loggops_dialect dialect;
	int64_t L_ps, o_ps, g_ps;  /* latency, overhead of an operation on its cpu, gap between messages on an adapter */
	int64_t G_fs, O_fs;        /* femtoseconds per byte: on the adapter, on the cpu */
	int64_t S_bytes;           /* larger messages wait for their receive (rendezvous) */
};
/* LogGOPSim's defaults: L 2500, o 1500, g 1000, G 6, O 0 ns, S 65535 B. */
extern const struct loggops_parameters loggops_defaults;

struct loggops;
/* The workload must hold computes, sends, receives and waits only (a collective is an error that says so); it is kept by pointer.
 * Every record goes to `observers` (may be NULL). */
struct loggops *loggops_new(const struct loggops_parameters *parameters, const struct workload *workload,
			    struct observers *observers, struct error *err);
/* Handles about `budget` events; true when nothing is left to do. */
bool loggops_step(struct loggops *loggops, uint64_t budget);
/* 0 when every operation has ended; else fills err with the ranks, operations and what they wait for. */
int loggops_finish(struct loggops *loggops, struct error *err);
/* The rank's end and classes; they describe the cpu that ends last: its calculations, its message overheads, the rest waiting. */
void loggops_rank_result(const struct loggops *loggops, uint32_t rank, struct rank_result *result);
uint64_t loggops_n_events(const struct loggops *loggops);
int64_t loggops_now_ps(const struct loggops *loggops);
void loggops_free(struct loggops *loggops);

#endif
