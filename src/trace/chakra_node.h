/* One .et file, node by node. */
#ifndef WEFT_TRACE_CHAKRA_NODE_H
#define WEFT_TRACE_CHAKRA_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/wire.h"

struct error;

enum chakra_type {
	CHAKRA_INVALID, CHAKRA_METADATA, CHAKRA_MEM_LOAD, CHAKRA_MEM_STORE, CHAKRA_COMP, CHAKRA_SEND, CHAKRA_RECEIVE, CHAKRA_COLLECTIVE,
	CHAKRA_STORAGE, CHAKRA_BATCH, CHAKRA_CHECKPOINT, CHAKRA_TYPES
};

struct chakra_node {
	uint64_t id;                /* below UINT64_MAX */
	uint64_t start_us, duration_us;
	int64_t comm_type, comm_size, comm_src, comm_dst, comm_tag, comm_root; /* -1 where absent; comm_tag, comm_root 0 */
	int64_t weft_stream, weft_duration_ps, weft_bytes; /* of our own writer: -2, -1, -1 where absent */
	struct wire name, pg_name, algorithm, protocol, in_splits; /* texts without NUL; at == NULL where absent */
	struct wire inputs;         /* values of the inputs, as printed by Python */
	const uint64_t *data_deps, *ctrl_deps;             /* ids */
	uint32_t n_data_deps, n_ctrl_deps;
	uint8_t type;
	bool host, partial_dims;    /* partial_dims: involved_dim leaves a dimension out */
	char number[24];            /* pg_name as text where the file has an integer */
};

/* Calls `take` for every node in order of the file; what the node points to is valid during the call. `take` returns 0, or -1 with
 * *err filled, which ends the reading. */
int chakra_file_read(const char *path, int (*take)(void *user, const struct chakra_node *node), void *user, struct error *err);

#endif
