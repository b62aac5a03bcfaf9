/* Writing workloads as other programs' schedules. What a format cannot say is an error that names the operation, never left out. */
#ifndef WEFT_TRACE_WRITE_H
#define WEFT_TRACE_WRITE_H

#include "workload/program.h"

struct error;

/* GOAL text to one file. Times are nanoseconds there: a computation that is not a whole number of them cannot be written, nor can
 * collectives, or groups' relative peers other than as ranks. The order of a stream becomes dependencies. */
int goal_write(const struct workload *workload, const char *path, struct error *err);

/* Chakra .et: PREFIX.RANK.et for every rank and comm_group.json beside them. What Chakra has no field for (picoseconds, streams,
 * algorithms) is kept in attributes whose names begin with weft_, so that reading gives the same program. */
int chakra_write(const struct workload *workload, const char *prefix, struct error *err);

#endif
