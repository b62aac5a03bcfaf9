#include "base/random.h"

#include <assert.h>

struct random_stream random_stream(uint64_t seed, const char *name, uint64_t index)
{
	uint64_t key = random_mix(seed);
	for (const char *p = name; *p; p++)
		key = random_mix(key ^ (unsigned char)*p);
	return (struct random_stream){.key = random_mix(key ^ random_mix(index)), .counter = 0};
}

uint64_t random_below(struct random_stream *stream, uint64_t n)
{
	assert(n > 0);
	uint64_t limit = UINT64_MAX - UINT64_MAX % n, draw;
	do
		draw = random_next(stream);
	while (draw >= limit);
	return draw % n;
}

static void gsl_set(void *state, unsigned long int seed)
{
	((struct random_stream *)state)->counter = seed;
}
static unsigned long int gsl_get(void *state) { return random_next(state); }
static double gsl_get_double(void *state) { return random_uniform(state); }

static const gsl_rng_type stream_type = {
	.name = "weft-counter",
	.max = ~0ul,
	.min = 0,
	.size = sizeof(struct random_stream),
	.set = gsl_set,
	.get = gsl_get,
	.get_double = gsl_get_double,
};

gsl_rng random_gsl(struct random_stream *stream)
{
	return (gsl_rng){.type = &stream_type, .state = stream};
}
