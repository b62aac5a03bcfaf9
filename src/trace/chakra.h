/* Chakra execution traces (.et): one protobuf stream per rank, PREFIX.RANK.et, plain or gzip. S. Sridharan et al., "Chakra: advancing
 * performance benchmarking and co-design using standardized execution traces", 2023; MLCommons et_def.proto.
 *
 * A rank's program: nodes by id on three streams that each run one ready node at a time, the lowest id first (device compute, device
 * communication, host). Dependencies are data_deps, or ctrl_deps when no node of the file has data_deps; references to absent nodes
 * are dropped. Sizes become nccl-tests' (an all-gather's comm_size is one rank's contribution).
 *
 * A compute node without a duration takes no time; nodes of type MEM_* take their duration on the device. */
#ifndef WEFT_TRACE_CHAKRA_H
#define WEFT_TRACE_CHAKRA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workload/program.h"

struct chakra_request {
	const char *const *paths;  /* one file per rank; ordered by the RANK in their names */
	uint32_t n_paths;
	const char *group_file;    /* {"name": [ranks]}; NULL: comm_group.json beside the first file if it is there */
	uint32_t n_ranks;          /* 0: as many as files; else a multiple of it: copies of the set, side by side; collectives of a
	                            * single file then span all n ranks, those of a set stay inside each copy */
};

bool chakra_recognise(const uint8_t *head, size_t length);
/* Fills an uninitialised workload; on error nothing is left to release. What was assumed (groups not described, attributes not
 * understood) is appended to *assumed, a line each, unless it is NULL. */
int chakra_load(struct workload *workload, const struct chakra_request *request, struct text *assumed, struct error *err);

#endif
