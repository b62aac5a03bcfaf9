/* Simulated time and the arithmetic on it. Time is a signed 64-bit count of picoseconds (106 days). */
#ifndef WEFT_BASE_TIME_H
#define WEFT_BASE_TIME_H

#include <stdint.h>

#define TIME_NEVER INT64_MAX
#define PS_PER_NS INT64_C(1000)
#define PS_PER_US INT64_C(1000000)
#define PS_PER_MS INT64_C(1000000000)
#define PS_PER_S INT64_C(1000000000000)

/* Time to move `bytes` at `bytes_per_s`: bytes * 10^12 / rate, exact in 128 bits, rounded up once. TIME_NEVER when the
 * rate is 0 or the result does not fit: adding to it saturates (time_add), and the run ends with an error. */
int64_t serialization_ps_wide(int64_t bytes, int64_t bytes_per_s);
static inline int64_t serialization_ps(int64_t bytes, int64_t bytes_per_s)
{
	if (bytes > 0 && bytes < INT64_MAX / PS_PER_S / 2 && bytes_per_s > 0 && bytes_per_s < INT64_MAX / 2) /* the common case in one 64-bit division */
		return (bytes * PS_PER_S + bytes_per_s - 1) / bytes_per_s;
	return serialization_ps_wide(bytes, bytes_per_s);
}

/* a + b for times that are not negative; TIME_NEVER absorbs, overflow becomes TIME_NEVER. */
static inline int64_t time_add(int64_t a, int64_t b)
{
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? TIME_NEVER : sum;
}

/* value * numerator / denominator, rounded down, exact in 128 bits; all >= 0, denominator > 0; saturates at INT64_MAX. */
static inline int64_t scale_floor(int64_t value, int64_t numerator, int64_t denominator)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)(uint64_t)value * (uint64_t)numerator / (uint64_t)denominator;
	return product > (wide)INT64_MAX ? INT64_MAX : (int64_t)product;
}

#endif
