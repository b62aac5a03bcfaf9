/* GOAL schedules (LogGOPSim), text and binary: T. Hoefler, C. Siebert, A. Lumsdaine, "Group Operation Assembly Language: a flexible
 * way to express collective communication", ICPP 2009; grammar and layout as LogGOPSim reads and writes them.
 *
 *   num_ranks 2
 *   rank 0 {
 *   l1: calc 1000
 *   l2: send 8b to 1 tag 7 cpu 0 nic 0
 *   l2 requires l1
 *   }
 *
 * A calc counts nanoseconds. cpu numbers become streams that run one operation at a time, whichever is ready. */
#ifndef WEFT_TRACE_GOAL_H
#define WEFT_TRACE_GOAL_H

#include <stddef.h>

#include "workload/program.h"

#define GOAL_MAGIC 4223u      /* first eight bytes of the binary form */
#define GOAL_MAGIC_USED 2342u /* left behind by a run that consumed the file */

/* The binary form, already in memory. */
int goal_load_binary(const char *path, const unsigned char *data, size_t length, struct workload *w, struct error *err);

#endif
