#include "timeline/bins.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/time.h"

#define CELL_BUDGET (8u << 20) /* 128 MB of cells when every link is used */

uint32_t bins_default(uint32_t n_links)
{
	uint32_t n = 512;
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

void bins_init(struct bins *bins, uint32_t n_links, uint32_t max_bins, int64_t base_ps)
{
	assert(max_bins && !(max_bins & (max_bins - 1)));
	memset(bins, 0, sizeof *bins);
	bins->n_links = n_links;
	bins->max_bins = max_bins;
	bins->base_ps = base_ps;
	bins->cells = memory_zero((size_t)n_links * max_bins, sizeof *bins->cells);
	bins->used = memory_zero(n_links, 1);
	bins_set_width(bins, base_ps);
}

void bins_release(struct bins *bins)
{
	for (int i = 0; i < BINS_EXTRA_N; i++)
		free(bins->extra[i]);
	free(bins->cells);
	free(bins->used);
	memset(bins, 0, sizeof *bins);
}

uint32_t bins_count(const struct bins *bins, int64_t end_ps)
{
	return end_ps <= 0 ? 1 : bins_index(bins, end_ps - 1) + 1;
}

/* Links that were never used keep their untouched zero pages: a large fabric costs what is used of it. */
static void merge_cells(struct bin_cell *cells, uint32_t n, uint32_t factor)
{
	uint32_t kept = n / factor;
	for (uint32_t i = 0; i < kept; i++) {
		struct bin_cell sum = {0, 0};
		for (uint32_t j = i * factor; j < (i + 1) * factor; j++) {
			sum.bytes += cells[j].bytes;
			sum.busy_ps += cells[j].busy_ps;
		}
		cells[i] = sum;
	}
	memset(cells + kept, 0, (n - kept) * sizeof *cells);
}

static void merge_extra(int64_t *values, uint32_t n, uint32_t factor, int by_maximum)
{
	uint32_t kept = n / factor;
	for (uint32_t i = 0; i < kept; i++) {
		int64_t merged = 0;
		for (uint32_t j = i * factor; j < (i + 1) * factor; j++)
			merged = !by_maximum ? merged + values[j] : values[j] > merged ? values[j] : merged;
		values[i] = merged;
	}
	memset(values + kept, 0, (n - kept) * sizeof *values);
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
	for (uint32_t link = 0; link < bins->n_links; link++) {
		uint64_t row = (uint64_t)link * bins->max_bins;
		if (!bins->used[link])
			continue;
		merge_cells(bins->cells + row, bins->max_bins, factor);
		for (int i = 0; i < BINS_EXTRA_N; i++)
			if (bins->extra[i])
				merge_extra(bins->extra[i] + row, bins->max_bins, factor, i == BINS_QUEUE_MAX);
	}
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
	struct bin_cell *cells = bins->cells + (uint64_t)link * bins->max_bins;
	uint32_t first = bins_index(bins, start_ps), last = bins_index(bins, end_ps - 1);
	int64_t head_ps = (int64_t)(first + 1) * bins->width_ps - start_ps, given;
	if (last == first + 1) { /* by far the commonest */
		given = share(bytes, head_ps, end_ps - start_ps);
		cells[first].bytes += given;
		cells[last].bytes += bytes - given;
		return;
	}
	struct spread spread = spread_start(bytes, end_ps - start_ps, bins->width_ps, head_ps, &given);
	cells[first].bytes += given;
	for (uint32_t bin = first + 1; bin < last; bin++) {
		int64_t part = spread_next(&spread);
		cells[bin].bytes += part;
		given += part;
	}
	cells[last].bytes += bytes - given;
}

void bins_spread_busy(struct bins *bins, uint32_t link, int64_t start_ps, int64_t end_ps)
{
	struct bin_cell *cells = bins->cells + (uint64_t)link * bins->max_bins;
	uint32_t first = bins_index(bins, start_ps), last = bins_index(bins, end_ps - 1);
	cells[first].busy_ps += (int64_t)(first + 1) * bins->width_ps - start_ps;
	for (uint32_t bin = first + 1; bin < last; bin++)
		cells[bin].busy_ps += bins->width_ps;
	cells[last].busy_ps += end_ps - (int64_t)last * bins->width_ps;
}

static int64_t *extra_row(struct bins *bins, enum bins_extra column, uint32_t link)
{
	if (!bins->extra[column])
		bins->extra[column] = memory_zero((size_t)bins->n_links * bins->max_bins, sizeof **bins->extra);
	return bins->extra[column] + (uint64_t)link * bins->max_bins;
}

void bins_extra_add(struct bins *bins, enum bins_extra column, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t amount)
{
	bins_touch(bins, link, end_ps);
	int64_t *row = extra_row(bins, column, link), given = 0;
	uint32_t first = bins_index(bins, start_ps), last = end_ps > start_ps ? bins_index(bins, end_ps - 1) : first;
	for (uint32_t bin = first; bin < last; bin++) {
		int64_t upto = scale_floor(amount, (int64_t)(bin + 1) * bins->width_ps - start_ps, end_ps - start_ps);
		row[bin] += upto - given;
		given = upto;
	}
	row[last] += amount - given;
}

void bins_extra_max(struct bins *bins, enum bins_extra column, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t value)
{
	bins_touch(bins, link, end_ps);
	int64_t *row = extra_row(bins, column, link);
	uint32_t first = bins_index(bins, start_ps), last = end_ps > start_ps ? bins_index(bins, end_ps - 1) : first;
	for (uint32_t bin = first; bin <= last; bin++)
		if (value > row[bin])
			row[bin] = value;
}
