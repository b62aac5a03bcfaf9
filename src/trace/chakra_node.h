/* The nodes of one .et file as read, before they become a program. */
#ifndef WEFT_TRACE_CHAKRA_NODE_H
#define WEFT_TRACE_CHAKRA_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

struct error;

enum chakra_type {
	CHAKRA_INVALID, CHAKRA_METADATA, CHAKRA_MEM_LOAD, CHAKRA_MEM_STORE, CHAKRA_COMP, CHAKRA_SEND, CHAKRA_RECEIVE, CHAKRA_COLLECTIVE,
	CHAKRA_STORAGE, CHAKRA_BATCH, CHAKRA_CHECKPOINT, CHAKRA_TYPES
};

struct chakra_node {
	uint64_t id;
	uint64_t start_us, duration_us;
	int64_t comm_type, comm_size, comm_src, comm_dst, comm_tag, comm_root; /* -1 where absent */
	int64_t weft_stream, weft_duration_ps, weft_bytes; /* of our own writer: -2, -1, -1 where absent */
	const char *name, *pg_name, *algorithm, *protocol; /* NULL where absent */
	uint32_t first_data_dep, n_data_deps, first_ctrl_dep, n_ctrl_deps; /* into deps */
	uint8_t type;
	bool host, partial_dims;    /* partial_dims: involved_dim leaves a dimension out */
};

struct chakra_file {
	struct arena arena;         /* names */
	struct chakra_node *nodes;  /* in order of the file */
	uint32_t n_nodes;
	uint64_t *deps;             /* ids */
	size_t n_deps, nodes_capacity, deps_capacity;
	bool any_data_deps;
};

/* Reads one file; on error nothing is left to release. */
int chakra_file_read(struct chakra_file *file, const char *path, struct error *err);
void chakra_file_release(struct chakra_file *file);

#endif
