/* What changes on links at run time: rate, latency, state. The one mechanism behind failures, degraded lanes, sleeping lasers
 * and replay stalls (design §5). Static properties stay in the fabric. */
#ifndef WEFT_NETWORK_LINKS_H
#define WEFT_NETWORK_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "engine/observer.h"

struct fabric;
struct network;

/* Bit errors of one link, for models that draw them packet by packet (network_model.draws_errors). */
struct link_error {
	double per_byte;        /* codewords lost per byte on the wire; 0: none */
	int64_t replay_ps;      /* for how long nothing starts on the link when one is lost */
	int64_t bytes_left;     /* on the wire until the next one is lost */
	int64_t replays;        /* so far */
	struct random_stream stream;
};
/* Draws bytes_left anew: lost codewords are a Poisson process in the bytes sent. */
void link_error_draw(struct link_error *error);
/* How many of `count` packets of `wire` bytes go through before one meets a lost codeword; takes their bytes. */
static inline uint32_t link_error_pass(struct link_error *error, uint32_t wire, uint32_t count)
{
	int64_t clean = error->bytes_left / wire;
	uint32_t n = clean < count ? (uint32_t)clean : count;
	error->bytes_left -= (int64_t)n * wire;
	return n;
}

struct links {
	const struct fabric *fabric;
	int64_t *bytes_per_s;   /* capacity now; 0 while the link is down, dark, asleep or stalled */
	int64_t *latency_ps;    /* for bytes whose last one leaves from now on */
	uint8_t *state;         /* enum link_state */
	uint8_t *avoid;         /* 1: detected as down, new routes avoid it (routes_avoid) */
	enum link_cause cause;  /* of the changes that are being made now */
	bool kills;             /* of those: what is on the wire is lost, although the link may stay up */
	uint64_t n_changes;     /* 0: nothing ever changed in this run */
	struct link_error *errors; /* [n_links], NULL: none; set before the first event */
};

void links_init(struct links *links, const struct fabric *fabric);
void links_release(struct links *links);

#endif
