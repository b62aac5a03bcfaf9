/* A schedule as an MSCCL XML file holds it (docs/add-a-collective.md; Cowan et al.: MSCCLang, ASPLOS 2023). Private to
 * src/collective. */
#ifndef WEFT_COLLECTIVE_MSCCL_FILE_H
#define WEFT_COLLECTIVE_MSCCL_FILE_H

#include "base/memory.h"
#include "collective/collective.h"

enum msccl_type { MSCCL_S, MSCCL_R, MSCCL_RCS, MSCCL_RRC, MSCCL_RRS, MSCCL_RRCS, MSCCL_CPY, MSCCL_RE, MSCCL_NOP, MSCCL_TYPES };

struct msccl_place { /* count chunks of a buffer: 'i', 'o' or 's' */
	char buffer;
	int32_t chunk;
};
struct msccl_step {
	int line;
	enum msccl_type type;
	struct msccl_place source, target;
	int32_t count;
	int32_t wait_block, wait_step; /* of the same GPU, -1: none */
	uint32_t first_micro;          /* filled by the plan: where its own steps begin, and their number */
	uint32_t n_micro;
};
struct msccl_block { /* a thread block: one sequential worker */
	int line;
	int32_t id, send, receive, channel; /* peers: -1 none */
	uint32_t first_step, n_steps;
};
struct msccl_gpu {
	int line;
	int32_t id, input_chunks, output_chunks, scratch_chunks;
	uint32_t first_block, n_blocks;
};
struct msccl_file {
	const char *path;
	char protocol[16];
	enum collective_kind kind;
	int32_t n_gpus, n_chunks;  /* n_chunks: nchunksperloop, of the whole buffer */
	struct msccl_gpu *gpus;    /* by id */
	struct msccl_block *blocks; /* of one GPU together, by id */
	struct msccl_step *steps;
	size_t n_blocks, n_steps, gpus_capacity, blocks_capacity, steps_capacity;
	size_t n_gpus_read;
};
/* Reads and checks a file (plain or gzip); errors name file and line. Release it in either case. */
int msccl_read(struct msccl_file *file, const char *path, struct error *err);
void msccl_release(struct msccl_file *file);

static inline bool msccl_sends(enum msccl_type type)
{
	return type == MSCCL_S || type == MSCCL_RCS || type == MSCCL_RRS || type == MSCCL_RRCS;
}
static inline bool msccl_receives(enum msccl_type type)
{
	return type == MSCCL_R || type == MSCCL_RCS || type == MSCCL_RRC || type == MSCCL_RRS || type == MSCCL_RRCS;
}
#endif
