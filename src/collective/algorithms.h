/* What the algorithms share: their table entries, cut buffers, and the small pure functions behind rings and trees. Private to
 * src/collective. */
#ifndef WEFT_COLLECTIVE_ALGORITHMS_H
#define WEFT_COLLECTIVE_ALGORITHMS_H

#include "collective/collective.h"

extern const struct collective_algorithm algorithm_ring, algorithm_recursive_doubling, algorithm_halving_doubling, algorithm_binomial,
	algorithm_double_binary_tree, algorithm_direct, algorithm_bruck, algorithm_pairwise,
	algorithm_hierarchical, algorithm_torus, algorithm_msccl;

#define KIND(kind) (UINT32_C(1) << COLLECTIVE_##kind)

/* Where the parts of a buffer begin: part p is [offsets[p], offsets[p + 1]). Cut once when planning, so that a step needs no
 * division. */
struct parts {
	const int64_t *offsets; /* [n + 1] */
	uint32_t n;
};
/* n parts, each cut again into `slices` (one per thread): slice t of part p is part p × slices + t of the result. */
void parts_cut(struct parts *parts, struct arena *arena, int64_t bytes, uint32_t element, uint32_t n, uint32_t slices);
static inline struct collective_span part_span(const struct parts *parts, uint32_t p)
{
	return (struct collective_span){parts->offsets[p], parts->offsets[p + 1] - parts->offsets[p], BUFFER_OUTPUT};
}
/* Parts [p, q) as one span. */
static inline struct collective_span parts_span(const struct parts *parts, uint32_t p, uint32_t q)
{
	return (struct collective_span){parts->offsets[p], parts->offsets[q] - parts->offsets[p], BUFFER_OUTPUT};
}

/* The blocks of an all-to-all: what rank s has for rank p, where it lies in the input of s and arrives in the output of p. */
struct blocks {
	uint32_t n;
	struct parts parts;                   /* all-to-all */
	const int64_t *in_offsets, *out_offsets; /* all-to-all-v: [n][n + 1] by source, by target; NULL otherwise */
};
void blocks_cut(struct blocks *blocks, struct arena *arena, const struct collective_request *request);
struct collective_span block_in(const struct blocks *blocks, uint32_t source, uint32_t target);
struct collective_span block_out(const struct blocks *blocks, uint32_t source, uint32_t target);
/* Bytes of the whole input or output of a rank. */
int64_t blocks_input_bytes(const struct blocks *blocks, uint32_t rank);
int64_t blocks_output_bytes(const struct blocks *blocks, uint32_t rank);

static inline bool is_all_to_all(enum collective_kind kind)
{
	return kind == COLLECTIVE_ALL_TO_ALL || kind == COLLECTIVE_ALL_TO_ALL_V;
}

/* x mod n for 0 <= x < 2n, without a division. */
static inline uint32_t wrap(uint32_t x, uint32_t n) { return x >= n ? x - n : x; }

/* Into how many pieces a pipeline of `depth` hops cuts `bytes`: ceil(bytes / chunk_bytes) where the user gave that; else the
 * number that makes (depth + pieces - 1)·(α + β·bytes/pieces) least, sqrt((depth - 1)·β·bytes/α). */
uint32_t pipeline_pieces(const struct collective_plan *plan, int64_t bytes, uint32_t depth);

#endif
