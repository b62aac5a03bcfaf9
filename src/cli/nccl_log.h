/* Measured times from the log of nccl-tests (data/FORMATS.md of the recorded data, section 14), or from the table of `weft perf`. */
#ifndef WEFT_CLI_NCCL_LOG_H
#define WEFT_CLI_NCCL_LOG_H

#include <stddef.h>
#include <stdint.h>

struct error;

struct nccl_row {
	int64_t bytes;
	double time_us;      /* in place where the log has it, else out of place */
};
/* Rows in increasing order of size; of several with one size the fastest. The caller frees them. -1 and an error when there are none. */
int nccl_log_read(const char *path, struct nccl_row **rows, size_t *n, struct error *err);

#endif
