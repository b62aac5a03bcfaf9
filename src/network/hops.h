/* How long packets take from one node to the next, as a histogram: 32 buckets per power of two, so a percentile is at most 3.2 %
 * above the true one, in memory that does not grow. The form is that of G. Tene's HdrHistogram. */
#ifndef WEFT_NETWORK_HOPS_H
#define WEFT_NETWORK_HOPS_H

#include <stdint.h>

enum { HOP_BITS = 5, HOP_BUCKETS = (64 - HOP_BITS) << HOP_BITS };

struct hop_histogram {
	uint64_t packets;
	int64_t max_ps;
	uint64_t counts[HOP_BUCKETS];
};

static inline uint32_t hop_bucket(int64_t time_ps)
{
	uint32_t octave;
	if (time_ps < 1 << HOP_BITS)
		return (uint32_t)time_ps;
	octave = 63 - HOP_BITS - (uint32_t)__builtin_clzll((uint64_t)time_ps);
	return (octave << HOP_BITS) + (uint32_t)(time_ps >> octave);
}
/* The first time that belongs to the next bucket. */
static inline int64_t hop_bucket_end_ps(uint32_t bucket)
{
	if (bucket < 2 << HOP_BITS)
		return bucket + 1;
	uint32_t octave = (bucket >> HOP_BITS) - 1;
	return ((int64_t)(bucket & ((1 << HOP_BITS) - 1)) + (1 << HOP_BITS) + 1) << octave;
}
static inline void hop_add(struct hop_histogram *histogram, int64_t time_ps, uint64_t n)
{
	histogram->packets += n;
	histogram->counts[hop_bucket(time_ps)] += n;
	if (time_ps > histogram->max_ps)
		histogram->max_ps = time_ps;
}
/* `n` times that begin at first_ps and change by step_ps (of any sign) from one to the next. */
void hop_add_series(struct hop_histogram *histogram, int64_t first_ps, int64_t step_ps, uint64_t n);
/* The smallest time that this part of all packets does not exceed, rounded up to its bucket's end; 0 when there are none. */
int64_t hop_percentile_ps(const struct hop_histogram *histogram, double part);

#endif
