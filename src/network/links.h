/* What changes on links at run time: rate, latency, state. The one mechanism behind failures, degraded lanes, sleeping lasers
 * and replay stalls (design §5). Static properties stay in the fabric. */
#ifndef WEFT_NETWORK_LINKS_H
#define WEFT_NETWORK_LINKS_H

#include <stdint.h>

#include "engine/observer.h"

struct fabric;
struct network;

struct links {
	const struct fabric *fabric;
	int64_t *bytes_per_s;   /* capacity now; 0 while the link is down, dark, asleep or stalled */
	int64_t *latency_ps;    /* for bytes whose last one leaves from now on */
	uint8_t *state;         /* enum link_state */
	uint8_t *avoid;         /* 1: detected as down, new routes avoid it (routes_avoid) */
	uint64_t n_changes;     /* 0: nothing ever changed in this run */
};

void links_init(struct links *links, const struct fabric *fabric);
void links_release(struct links *links);

#endif
