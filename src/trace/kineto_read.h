/* What a replay needs of one Kineto (PyTorch profiler, Chrome) JSON file, taken while it streams by: memory grows with the device's
 * events, not with the file. */
#ifndef WEFT_TRACE_KINETO_READ_H
#define WEFT_TRACE_KINETO_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

struct error;

#define KINETO_NONE UINT32_MAX

/* A collective as kernel arguments or a host record describe it; absent numbers are -1, absent texts KINETO_NONE. */
struct kineto_comm {
	uint32_t name;          /* "allreduce", "_allgather_base", "send", … */
	uint32_t group, ranks;  /* process group name; its members as text "[0, 1]" */
	uint32_t in_splits;     /* of an all-to-all: what goes to each member, as text "[3, 0, 5]" */
	int64_t in_elements, out_elements;
	int32_t element_bytes;
	int32_t group_size, rank_start, rank_stride;
	int32_t source, destination; /* point-to-point */
};

struct kineto_kernel {
	int64_t start_ns, end_ns; /* Unix time when the file gives it */
	uint64_t correlation;
	uint32_t name, comm;      /* comm: into comms, KINETO_NONE when its arguments say nothing */
	int32_t stream;
	bool nccl;
};

/* A host call that launched a kernel, and a host record of a collective: they join kernels to sizes in files whose kernels have
 * no arguments. */
struct kineto_launch {
	uint64_t correlation;
	int64_t start_ns, thread;
};
struct kineto_record {
	int64_t start_ns, end_ns, thread;
	uint32_t comm;
};
/* Of distributedInfo's pg_config: a process group and all of its members, which kernels shorten. */
struct kineto_group {
	uint32_t name, ranks;     /* texts; ranks as "0,1,2," */
};
struct kineto_step {
	int64_t number, start_ns, end_ns;
};

struct kineto_trace {
	struct arena arena;
	const char **texts;     /* interned */
	size_t n_texts, texts_capacity;
	struct kineto_kernel *kernels;
	struct kineto_comm *comms;
	struct kineto_launch *launches;
	struct kineto_record *records;
	struct kineto_step *steps;
	struct kineto_group *groups;
	size_t n_kernels, n_comms, n_launches, n_records, n_steps, n_groups;
	size_t kernels_capacity, comms_capacity, launches_capacity, records_capacity, steps_capacity, groups_capacity;
	int64_t rank, world_size; /* -1 when the file does not say */
	int64_t base_ns;          /* baseTimeNanoseconds, 0 */
	bool untimed;             /* an execution trace: kernels are the host's calls, and their times only their order */
};

/* Reads .json or .json.gz; on error nothing is left to release. */
int kineto_read(struct kineto_trace *trace, const char *path, struct error *err);
/* The same from an execution trace of PyTorch's host side. */
int et_read(struct kineto_trace *trace, const char *path, struct error *err);
/* Bytes of an element from the names that PyTorch gives its types: "Half", "c10::BFloat16", "float", …; -1. */
int32_t kineto_element_bytes(const char *type);
void kineto_release(struct kineto_trace *trace);

#endif
