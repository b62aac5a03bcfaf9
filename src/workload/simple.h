/* The two simplest workloads: one collective over all ranks, and a table of flows. */
#ifndef WEFT_WORKLOAD_SIMPLE_H
#define WEFT_WORKLOAD_SIMPLE_H

#include "workload/program.h"

struct error;

/* The call over all of n_ranks, `repeat` times one after the other. Strings in the call are kept by pointer. */
int collective_workload(struct workload *workload, uint32_t n_ranks, const struct collective_call *call, uint32_t repeat,
			struct error *err);

/* A table `flow,src,dst,bytes,start_s` with a header line (columns in any order, further ones ignored): one message each, from NPU
 * src to NPU dst of n_npus (0: as many as the table names), starting at start_s. Flows are numbered 0 … n - 1 in any order of lines;
 * messages bear their numbers and so do routes (docs/scenario.md). Ranks are NPUs: place them linearly. Reads the whole file. */
int flows_workload(struct workload *workload, const char *path, uint32_t n_npus, struct error *err);

#endif
