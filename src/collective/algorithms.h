/* What the algorithms share: their table entries, cut buffers, and the small pure functions behind rings and trees. Private to
 * src/collective. */
#ifndef WEFT_COLLECTIVE_ALGORITHMS_H
#define WEFT_COLLECTIVE_ALGORITHMS_H

#include "collective/collective.h"

extern const struct collective_algorithm algorithm_ring;

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

/* x mod n for 0 <= x < 2n, without a division. */
static inline uint32_t wrap(uint32_t x, uint32_t n) { return x >= n ? x - n : x; }

/* Into how many pieces a pipeline of `depth` hops cuts `bytes`: ceil(bytes / chunk_bytes) where the user gave that; else the
 * number that makes (depth + pieces - 1)·(α + β·bytes/pieces) least, sqrt((depth - 1)·β·bytes/α). */
uint32_t pipeline_pieces(const struct collective_plan *plan, int64_t bytes, uint32_t depth);

#endif
