#include "timeline/bins.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/time.h"
#include "engine/observer.h"

#define CELL_BUDGET (8u << 20) /* 128 MB of cells when every link is used */

uint32_t bins_default(uint32_t n_links, bool width_is_given)
{
	uint32_t n = width_is_given ? 4096 : 256;
	while (n > 16 && (uint64_t)n * n_links > CELL_BUDGET)
		n /= 2;
	return n;
}

void bins_set_width(struct bins *bins, int64_t width_ps)
{
	__extension__ typedef unsigned __int128 wide;
	uint32_t log2 = 1;
	assert(width_ps >= 2);
	while (log2 < 63 && (INT64_C(1) << log2) < width_ps)
		log2++;
	bins->magic = (uint64_t)(((wide)1 << (63 + log2)) / (uint64_t)width_ps) + 1;
	bins->shift = log2 - 1;
	bins->width_ps = width_ps;
	if (__builtin_mul_overflow(width_ps, (int64_t)bins->max_bins, &bins->limit_ps))
		bins->limit_ps = INT64_MAX;
}

/* Zero pages that were never touched take no memory. */
static int64_t *new_column(const struct bins *bins)
{
	return memory_zero((size_t)bins->n_blocks * bins->max_bins * BINS_BLOCK + 1, sizeof(int64_t));
}

void bins_init(struct bins *bins, uint32_t n_links, uint32_t max_bins, int64_t base_ps)
{
	assert(max_bins && !(max_bins & (max_bins - 1)));
	memset(bins, 0, sizeof *bins);
	bins->n_links = n_links;
	bins->max_bins = max_bins;
	bins->base_ps = base_ps;
	bins->n_blocks = (n_links + BINS_BLOCK - 1) / BINS_BLOCK;
	bins->bytes = new_column(bins);
	bins->busy_ps = new_column(bins);
	bins->used = memory_zero(bins->n_blocks + 1u, 1);
	bins_set_width(bins, base_ps);
}

void bins_release(struct bins *bins)
{
	for (int i = 0; i < BINS_EXTRA_N; i++)
		free(bins->extra[i]);
	free(bins->bytes);
	free(bins->busy_ps);
	free(bins->used);
	memset(bins, 0, sizeof *bins);
}

uint32_t bins_count(const struct bins *bins, int64_t end_ps)
{
	return end_ps <= 0 ? 1 : bins_index(bins, end_ps - 1) + 1;
}

/* Rows i·factor … of a block become row i. Rows of zeros beyond the last used one need not be merged. */
static void merge_rows(int64_t *rows, uint32_t n_used, uint32_t factor, bool by_maximum)
{
	uint32_t kept = (n_used + factor - 1) / factor;
	for (uint32_t row = 0; row < kept; row++) {
		int64_t *to = rows + (size_t)row * BINS_BLOCK;
		uint32_t end = (row + 1) * factor < n_used ? (row + 1) * factor : n_used;
		if (row)
			memcpy(to, rows + (size_t)row * factor * BINS_BLOCK, BINS_BLOCK * sizeof *to);
		for (uint32_t i = row * factor + 1; i < end; i++) {
			const int64_t *from = rows + (size_t)i * BINS_BLOCK;
			for (uint32_t link = 0; link < BINS_BLOCK; link++)
				to[link] = !by_maximum ? to[link] + from[link] : from[link] > to[link] ? from[link] : to[link];
		}
	}
	if (n_used > kept)
		memset(rows + (size_t)kept * BINS_BLOCK, 0, (size_t)(n_used - kept) * BINS_BLOCK * sizeof *rows);
}

/* Blocks that were never used keep their untouched zero pages: a large fabric costs what is used of it. */
static void merge(struct bins *bins, uint32_t factor)
{
	uint32_t n_used = bins_count(bins, bins->end_ps);
	for (uint32_t block = 0; block < bins->n_blocks; block++) {
		size_t first = (size_t)block * bins->max_bins * BINS_BLOCK;
		if (!bins->used[block])
			continue;
		merge_rows(bins->bytes + first, n_used, factor, false);
		merge_rows(bins->busy_ps + first, n_used, factor, false);
		for (int i = 0; i < BINS_EXTRA_N; i++)
			if (bins->extra[i])
				merge_rows(bins->extra[i] + first, n_used, factor, i == BINS_QUEUE_MAX);
	}
}

void bins_reach(struct bins *bins, int64_t time_ps)
{
	uint32_t factor = 1;
	int64_t width_ps = bins->width_ps;
	while (time_ps / width_ps >= bins->max_bins && width_ps <= INT64_MAX / 2) {
		width_ps *= 2;
		bins->doublings++;
		factor = factor < bins->max_bins ? factor * 2 : factor;
	}
	if (width_ps == bins->width_ps)
		return;
	merge(bins, factor);
	bins_set_width(bins, width_ps);
}

/* floor(amount·k·width/span) for successive k without a division each: quotient and remainder are carried along. */
struct spread {
	int64_t quotient, remainder, span, carried;
};

static struct spread spread_start(int64_t amount, int64_t span_ps, int64_t width_ps, int64_t first_ps, int64_t *first)
{
	__extension__ typedef unsigned __int128 wide;
	wide head = (wide)(uint64_t)amount * (uint64_t)first_ps, step = (wide)(uint64_t)amount * (uint64_t)width_ps;
	*first = (int64_t)(head / (uint64_t)span_ps);
	return (struct spread){(int64_t)(step / (uint64_t)span_ps), (int64_t)(step % (uint64_t)span_ps), span_ps,
			       (int64_t)(head % (uint64_t)span_ps)};
}

static int64_t spread_next(struct spread *spread)
{
	spread->carried += spread->remainder - spread->span; /* both are < span: no overflow */
	if (spread->carried >= 0)
		return spread->quotient + 1;
	spread->carried += spread->span;
	return spread->quotient;
}

/* floor(amount·part/span), part < span: nearly always one 64-bit division. */
static int64_t share(int64_t amount, int64_t part_ps, int64_t span_ps)
{
	int64_t product;
	if (__builtin_expect(__builtin_mul_overflow(amount, part_ps, &product), 0))
		return scale_floor(amount, part_ps, span_ps);
	return product / span_ps;
}

void bins_spread(struct bins *bins, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t bytes)
{
	uint32_t first = bins_index(bins, start_ps), last = bins_index(bins, end_ps - 1);
	int64_t *cell = bins->bytes + bins_at(bins, link, first);
	int64_t head_ps = (int64_t)(first + 1) * bins->width_ps - start_ps, given;
	if (last == first + 1) { /* by far the commonest */
		given = share(bytes, head_ps, end_ps - start_ps);
		cell[0] += given;
		cell[BINS_BLOCK] += bytes - given;
		return;
	}
	struct spread spread = spread_start(bytes, end_ps - start_ps, bins->width_ps, head_ps, &given);
	*cell += given;
	for (uint32_t bin = first + 1; bin < last; bin++) {
		int64_t part = spread_next(&spread);
		*(cell += BINS_BLOCK) += part;
		given += part;
	}
	cell[BINS_BLOCK] += bytes - given;
}

void bins_spread_busy(struct bins *bins, uint32_t link, int64_t start_ps, int64_t end_ps)
{
	uint32_t first = bins_index(bins, start_ps), last = bins_index(bins, end_ps - 1);
	int64_t *cell = bins->busy_ps + bins_at(bins, link, first);
	*cell += (int64_t)(first + 1) * bins->width_ps - start_ps;
	for (uint32_t bin = first + 1; bin < last; bin++)
		*(cell += BINS_BLOCK) += bins->width_ps;
	cell[BINS_BLOCK] += end_ps - (int64_t)last * bins->width_ps;
}

/* Within one bin (then `given` is all) or two. */
static void add_to_two(struct bins *bins, uint64_t at, int64_t bytes, int64_t given, int64_t span_ps, int64_t head_ps)
{
	bins->bytes[at] += given;
	bins->busy_ps[at] += head_ps;
	if (head_ps == span_ps)
		return;
	bins->bytes[at + BINS_BLOCK] += bytes - given;
	bins->busy_ps[at + BINS_BLOCK] += span_ps - head_ps;
}

void bins_add_carried(struct bins *bins, const uint32_t *links, uint32_t n, int64_t start_ps, int64_t end_ps, int64_t bytes)
{
	if (end_ps >= bins->limit_ps)
		bins_reach(bins, end_ps);
	uint32_t first = bins_index(bins, start_ps);
	int64_t head_ps = (int64_t)(first + 1) * bins->width_ps - start_ps, span_ps = end_ps - start_ps, given = bytes;
	bool many = span_ps - head_ps > bins->width_ps;
	if (head_ps >= span_ps)
		head_ps = span_ps;
	else if (!many)
		given = share(bytes, head_ps, span_ps);
	for (uint32_t i = 0; i < n; i++) {
		bins_touch(bins, links[i], end_ps);
		if (!many) {
			add_to_two(bins, bins_at(bins, links[i], first), bytes, given, span_ps, head_ps);
			continue;
		}
		bins_spread(bins, links[i], start_ps, end_ps, bytes);
		bins_spread_busy(bins, links[i], start_ps, end_ps);
	}
}

static int64_t *extra_column(struct bins *bins, enum bins_extra column)
{
	if (!bins->extra[column])
		bins->extra[column] = new_column(bins);
	return bins->extra[column];
}

void bins_extra_add(struct bins *bins, enum bins_extra column, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t amount)
{
	int64_t *values = extra_column(bins, column), given = 0;
	bins_touch(bins, link, end_ps);
	uint32_t first = bins_index(bins, start_ps), last = end_ps > start_ps ? bins_index(bins, end_ps - 1) : first;
	for (uint32_t bin = first; bin < last; bin++) {
		int64_t upto = scale_floor(amount, (int64_t)(bin + 1) * bins->width_ps - start_ps, end_ps - start_ps);
		values[bins_at(bins, link, bin)] += upto - given;
		given = upto;
	}
	values[bins_at(bins, link, last)] += amount - given;
}

void bins_extra_max(struct bins *bins, enum bins_extra column, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t value)
{
	int64_t *values = extra_column(bins, column);
	bins_touch(bins, link, end_ps);
	uint32_t first = bins_index(bins, start_ps), last = end_ps > start_ps ? bins_index(bins, end_ps - 1) : first;
	for (uint32_t bin = first; bin <= last; bin++)
		if (value > values[bins_at(bins, link, bin)])
			values[bins_at(bins, link, bin)] = value;
}

int64_t bins_border(struct bins *bins, int64_t time_ps)
{
	if (time_ps >= bins->limit_ps)
		bins_reach(bins, time_ps);
	return (int64_t)(bins_index(bins, time_ps) + 1) * bins->width_ps;
}

static void add_far_stretch(struct bins *bins, uint32_t link, const struct link_stretch *s)
{
	if (s->busy_ps) {
		bins_add_bytes(bins, link, s->start_ps, s->end_ps, s->payload);
		bins_add_busy(bins, link, s->start_ps, s->end_ps);
	}
	if (s->overhead)
		bins_extra_add(bins, BINS_OVERHEAD, link, s->start_ps, s->end_ps, s->overhead);
	if (s->queue_max) {
		bins_extra_max(bins, BINS_QUEUE_MAX, link, s->start_ps, s->end_ps, s->queue_max);
		bins_extra_add(bins, BINS_QUEUE_BYTE_PS, link, s->start_ps, s->end_ps, s->queue_byte_ps);
	}
	if (s->stall_ps)
		bins_extra_add(bins, BINS_STALL_PS, link, s->start_ps, s->end_ps, s->stall_ps);
}

void bins_add_stretch(struct bins *bins, uint32_t link, const struct link_stretch *s)
{
	if (s->start_ps >= bins->limit_ps)
		bins_reach(bins, s->start_ps);
	uint32_t bin = bins_index(bins, s->start_ps);
	if (s->end_ps > (int64_t)(bin + 1) * bins->width_ps) {
		add_far_stretch(bins, link, s);
		return;
	}
	/* A stretch ends with its bin, whenever what happened in it did: the last bin is no reason to make all of them wider. */
	int64_t end_ps = s->end_ps > s->start_ps + 1 ? s->end_ps - 1 : s->end_ps;
	if (end_ps > bins->end_ps)
		bins->end_ps = end_ps;
	bins->used[link / BINS_BLOCK] = 1;
	uint64_t at = bins_at(bins, link, bin);
	bins->bytes[at] += s->payload;
	bins->busy_ps[at] += s->busy_ps;
	if (s->overhead)
		extra_column(bins, BINS_OVERHEAD)[at] += s->overhead;
	if (s->stall_ps)
		extra_column(bins, BINS_STALL_PS)[at] += s->stall_ps;
	if (s->queue_max) {
		int64_t *max = &extra_column(bins, BINS_QUEUE_MAX)[at];
		*max = s->queue_max > *max ? s->queue_max : *max;
		extra_column(bins, BINS_QUEUE_BYTE_PS)[at] += s->queue_byte_ps;
	}
}
