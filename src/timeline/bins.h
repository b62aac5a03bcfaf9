/* What happened on every link, per bin of time, in memory. Bins are base × 2^k wide; when time passes the last one, neighbours
 * are merged in pairs, so there are never more than max_bins and memory does not grow with the length of the run.
 *
 * Invariant: everything is integers. A run of B bytes over [s, e) puts floor(B·(b−s)/(e−s)) − floor(B·(a−s)/(e−s)) bytes into the
 * part [a, b) of it that a bin covers: the parts add up to B, and merging two bins gives what the wider bin would have got
 * directly, so the contents do not depend on when bins were merged.
 *
 * Memory is in blocks of 256 links, within a block one row per bin: what happens at one time lies together (the bins of the moment
 * of a thousand links fill 16 KB), a row of a block is a row of a chunk of the file, and blocks of links that nobody uses cost
 * nothing. */
#ifndef WEFT_TIMELINE_BINS_H
#define WEFT_TIMELINE_BINS_H

#include <stdbool.h>
#include <stdint.h>

/* Columns that few runs have: allocated at their first value. */
enum bins_extra {
	BINS_OVERHEAD,       /* bytes: headers, replays, control, drops */
	BINS_QUEUE_MAX,      /* bytes: merged by maximum */
	BINS_QUEUE_BYTE_PS,  /* bytes × picoseconds */
	BINS_STALL_PS,       /* blocked for want of credits */
	BINS_REPLAYS,        /* count */
	BINS_COUNT,          /* first of one column per enum link_count */
	BINS_COUNT_LAST = BINS_COUNT + 4,
	BINS_KIND,           /* first of one column of bytes per traffic kind */
	BINS_EXTRA_N = BINS_KIND + 16
};

#define BINS_BLOCK 256 /* links */

struct link_stretch;

struct bins {
	uint32_t n_links, max_bins;
	int64_t base_ps, width_ps;
	int64_t limit_ps;          /* max_bins × width_ps: end of the last bin */
	int64_t end_ps;            /* nothing was recorded after it */
	uint64_t magic;            /* index = (time × magic) >> 64 >> shift, exact for times >= 0 */
	uint32_t shift, doublings;
	uint32_t n_blocks;
	int64_t *bytes, *busy_ps;  /* [n_blocks][max_bins][BINS_BLOCK] */
	int64_t *extra[BINS_EXTRA_N]; /* likewise, or NULL: all zero */
	uint8_t *used;             /* [n_blocks]: anything but zero */
};

/* Bins so that n_links × bins stays within a budget of memory: a power of two from 16 to 256, to 4096 for who asks for a width. */
uint32_t bins_default(uint32_t n_links, bool width_is_given);
/* max_bins a power of two, base_ps >= 2. */
void bins_init(struct bins *bins, uint32_t n_links, uint32_t max_bins, int64_t base_ps);
void bins_release(struct bins *bins);
/* Merges until `time_ps` lies within the last bin. */
void bins_reach(struct bins *bins, int64_t time_ps);
/* The end of the bin that holds this time. */
int64_t bins_border(struct bins *bins, int64_t time_ps);
/* Bins from 0 to the one that holds the last picosecond before end_ps; at least 1. */
uint32_t bins_count(const struct bins *bins, int64_t end_ps);

/* Sets the factors for exact division by the width (H. S. Warren, Hacker's Delight, 2nd ed., §10-9). */
void bins_set_width(struct bins *bins, int64_t width_ps);
static inline uint32_t bins_index(const struct bins *bins, int64_t time_ps)
{
	__extension__ typedef unsigned __int128 wide;
	return (uint32_t)((uint64_t)((wide)(uint64_t)time_ps * bins->magic >> 64) >> bins->shift);
}

/* Where a bin of a link is in a column; the next bin is BINS_BLOCK further. */
static inline uint64_t bins_at(const struct bins *bins, uint32_t link, uint32_t bin)
{
	return ((uint64_t)(link / BINS_BLOCK) * bins->max_bins + bin) * BINS_BLOCK + link % BINS_BLOCK;
}

/* Bytes and busy time of the same run on several links. */
void bins_add_carried(struct bins *bins, const uint32_t *links, uint32_t n, int64_t start_ps, int64_t end_ps, int64_t bytes);
/* Runs that cross a bin's end. */
void bins_spread(struct bins *bins, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t bytes);
void bins_spread_busy(struct bins *bins, uint32_t link, int64_t start_ps, int64_t end_ps);
/* Additive extra columns, spread like bytes. */
void bins_extra_add(struct bins *bins, enum bins_extra column, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t amount);
void bins_extra_max(struct bins *bins, enum bins_extra column, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t value);

/* Spread evenly over its time, where it lies in several bins. */
void bins_add_stretch(struct bins *bins, uint32_t link, const struct link_stretch *stretch);

static inline void bins_touch(struct bins *bins, uint32_t link, int64_t end_ps)
{
	if (__builtin_expect(end_ps >= bins->limit_ps, 0))
		bins_reach(bins, end_ps);
	if (end_ps > bins->end_ps)
		bins->end_ps = end_ps;
	bins->used[link / BINS_BLOCK] = 1;
}

static inline void bins_add_bytes(struct bins *bins, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t bytes)
{
	bins_touch(bins, link, end_ps);
	uint32_t bin = bins_index(bins, start_ps);
	if (__builtin_expect(end_ps <= (int64_t)(bin + 1) * bins->width_ps, 1))
		bins->bytes[bins_at(bins, link, bin)] += bytes;
	else
		bins_spread(bins, link, start_ps, end_ps, bytes);
}

static inline void bins_add_busy(struct bins *bins, uint32_t link, int64_t start_ps, int64_t end_ps)
{
	bins_touch(bins, link, end_ps);
	uint32_t bin = bins_index(bins, start_ps);
	if (__builtin_expect(end_ps <= (int64_t)(bin + 1) * bins->width_ps, 1))
		bins->busy_ps[bins_at(bins, link, bin)] += end_ps - start_ps;
	else
		bins_spread_busy(bins, link, start_ps, end_ps);
}

#endif
