/* Counter-based random streams: a stream is a pure function of (seed, name, counter), so that drawing more in one place never
 * changes what another place draws. Built on SplitMix64's finalizer over a keyed counter (Steele, Lea, Flood, OOPSLA 2014). */
#ifndef WEFT_BASE_RANDOM_H
#define WEFT_BASE_RANDOM_H

#include <stdint.h>

#include <gsl/gsl_rng.h>

struct random_stream {
	uint64_t key, counter;
};
/* `name` says what is drawn ("link.noise"), `index` for which entity. */
struct random_stream random_stream(uint64_t seed, const char *name, uint64_t index);

static inline uint64_t random_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}
static inline uint64_t random_next(struct random_stream *stream)
{
	return random_mix(stream->key ^ random_mix(stream->counter++));
}
/* Uniform in [0, 1), 53 bits. */
static inline double random_uniform(struct random_stream *stream)
{
	return (double)(random_next(stream) >> 11) * 0x1p-53;
}
/* Uniform in 0 … n-1, unbiased; n > 0. */
uint64_t random_below(struct random_stream *stream, uint64_t n);

/* The same stream for GSL's distributions: a gsl_rng by value whose state is `stream`, valid as long as that is. */
gsl_rng random_gsl(struct random_stream *stream);

#endif
