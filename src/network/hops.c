#include "network/hops.h"

#include <math.h>

/* Bucket by bucket, not packet by packet: long trains cost as many steps as they have buckets. */
void hop_add_series(struct hop_histogram *histogram, int64_t first_ps, int64_t step_ps, uint64_t n)
{
	while (n) {
		uint32_t bucket = hop_bucket(first_ps);
		int64_t low_ps = bucket ? hop_bucket_end_ps(bucket - 1) : 0, high_ps = hop_bucket_end_ps(bucket) - 1;
		uint64_t same = n;
		if (step_ps > 0)
			same = (uint64_t)((high_ps - first_ps) / step_ps) + 1;
		else if (step_ps < 0)
			same = (uint64_t)((first_ps - low_ps) / -step_ps) + 1;
		same = same < n ? same : n;
		int64_t last_ps = first_ps + (int64_t)(same - 1) * step_ps;
		hop_add(histogram, step_ps > 0 ? last_ps : first_ps, same);
		first_ps = last_ps + step_ps;
		n -= same;
	}
}

int64_t hop_percentile_ps(const struct hop_histogram *histogram, double part)
{
	uint64_t rank = (uint64_t)ceil(part * (double)histogram->packets), seen = 0;
	for (uint32_t bucket = 0; bucket < HOP_BUCKETS; bucket++) {
		seen += histogram->counts[bucket];
		if (seen >= rank && seen) {
			int64_t last_ps = hop_bucket_end_ps(bucket) - 1;
			return last_ps < histogram->max_ps ? last_ps : histogram->max_ps;
		}
	}
	return 0;
}
