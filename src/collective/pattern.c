#include <math.h>

#include "collective/algorithms.h"

void parts_cut(struct parts *parts, struct arena *arena, int64_t bytes, uint32_t element, uint32_t n, uint32_t slices)
{
	int64_t *offsets = arena_array(arena, (size_t)n * slices + 1, sizeof *offsets);
	for (uint32_t p = 0; p < n; p++) {
		int64_t begin, length, offset, slice;
		collective_part(bytes, element, n, p, &begin, &length);
		for (uint32_t t = 0; t < slices; t++) {
			collective_part(length, element, slices, t, &offset, &slice);
			offsets[(size_t)p * slices + t] = begin + offset;
		}
	}
	offsets[(size_t)n * slices] = bytes;
	parts->offsets = offsets;
	parts->n = n * slices;
}

uint32_t pipeline_pieces(const struct collective_plan *plan, int64_t bytes, uint32_t depth)
{
	const double least_bytes = 4096, most = 1 << 16, usual_bytes = 512 * 1024;
	double size = (double)bytes, pieces;
	if (plan->request.chunk_bytes > 0)
		pieces = ceil(size / (double)plan->request.chunk_bytes);
	else if (depth < 2)
		pieces = 1;
	else if (plan->alpha_ps > 0 && plan->beta_ps_per_byte > 0)
		pieces = fmin(floor(sqrt((depth - 1) * plan->beta_ps_per_byte * size / plan->alpha_ps) + 0.5), size / least_bytes);
	else
		pieces = ceil(size / usual_bytes);
	return (uint32_t)fmax(1, fmin(pieces, most));
}
