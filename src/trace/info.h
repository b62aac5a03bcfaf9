/* What is in a trace: counts and sums over its ranks, before anything is simulated. */
#ifndef WEFT_TRACE_INFO_H
#define WEFT_TRACE_INFO_H

#include "workload/program.h"

/* One kind of collective in one group; groups of one name and size count as one. */
struct trace_calls {
	enum collective_kind kind;
	const char *group;       /* NULL: unnamed */
	uint32_t group_size, n_groups;
	uint64_t calls;          /* each counted once, not per member */
	int64_t bytes;           /* nccl-tests' sizes, summed over the calls */
};

struct trace_info {
	uint32_t n_ranks, n_programs, n_groups;
	uint64_t n_ops[OP_KINDS];
	int64_t message_bytes;
	int64_t compute_least_ps, compute_mean_ps, compute_most_ps; /* per rank, host operations apart */
	int64_t host_mean_ps;
	int64_t chain_ps;        /* the longest chain of dependent computation in any rank: no machine is faster than this */
	/* From recorded times; span_ps = -1 when the trace has none. */
	int64_t span_ps;         /* first start to last end */
	int64_t communication_ps, overlapped_ps, transfer_ps; /* mean per rank: recorded duration of communication, the part of it under
	                          * computation, and the sum over collectives of the least duration among ranks: what is left is waiting */
	struct trace_calls *calls;
	uint32_t n_calls;
	size_t calls_capacity;
};

void trace_info(const struct workload *workload, struct trace_info *info);
void trace_info_release(struct trace_info *info);

#endif
