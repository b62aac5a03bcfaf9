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

void blocks_cut(struct blocks *blocks, struct arena *arena, const struct collective_request *request)
{
	size_t n = request->n_ranks;
	blocks->n = request->n_ranks;
	if (request->kind == COLLECTIVE_ALL_TO_ALL) {
		parts_cut(&blocks->parts, arena, request->bytes, request->element_bytes, request->n_ranks, 1);
		return;
	}
	int64_t *in = arena_array(arena, n * (n + 1), sizeof *in), *out = arena_array(arena, n * (n + 1), sizeof *out);
	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++) {
			in[a * (n + 1) + b + 1] = in[a * (n + 1) + b] + request->counts[a * n + b];
			out[a * (n + 1) + b + 1] = out[a * (n + 1) + b] + request->counts[b * n + a];
		}
	blocks->in_offsets = in;
	blocks->out_offsets = out;
}

static struct collective_span table_span(const int64_t *offsets, size_t n, uint32_t row, uint32_t column, uint8_t buffer)
{
	const int64_t *entry = offsets + row * (n + 1) + column;
	return (struct collective_span){entry[0], entry[1] - entry[0], buffer};
}

struct collective_span block_in(const struct blocks *blocks, uint32_t source, uint32_t target)
{
	if (blocks->in_offsets)
		return table_span(blocks->in_offsets, blocks->n, source, target, BUFFER_INPUT);
	struct collective_span span = part_span(&blocks->parts, target);
	span.buffer = BUFFER_INPUT;
	return span;
}

struct collective_span block_out(const struct blocks *blocks, uint32_t source, uint32_t target)
{
	if (blocks->out_offsets)
		return table_span(blocks->out_offsets, blocks->n, target, source, BUFFER_OUTPUT);
	struct collective_span span = part_span(&blocks->parts, target);
	span.offset = span.bytes * source;
	return span;
}

int64_t blocks_input_bytes(const struct blocks *blocks, uint32_t rank)
{
	struct collective_span last = block_in(blocks, rank, blocks->n - 1);
	return last.offset + last.bytes;
}

int64_t blocks_output_bytes(const struct blocks *blocks, uint32_t rank)
{
	struct collective_span last = block_out(blocks, blocks->n - 1, rank);
	return last.offset + last.bytes;
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
