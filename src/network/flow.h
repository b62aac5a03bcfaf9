/* What the flow models share: a message that crosses an idle network, and how it looks to observers. */
#ifndef WEFT_NETWORK_FLOW_H
#define WEFT_NETWORK_FLOW_H

#include "network/network.h"

/* The time in which `bytes` enter an otherwise idle network over this route: bytes × fraction / capacity of the slowest link,
 * rounded up once. capacity[link], or links->bytes_per_s when NULL. TIME_NEVER: a link has none. */
int64_t flow_alone_ps(const struct routes *routes, const struct links *links, const int64_t *capacity, uint32_t route, int64_t bytes);

/* Σ latency of the slowest path, with the latencies of now. */
int64_t route_latency_ps(const struct network_setup *setup, uint32_t route);

void message_observe(const struct network_setup *setup, const struct network_message *message, uint32_t route, int64_t start_ps,
		     int64_t end_ps);
/* "message 17 of 4096 B from npu3 to npu5 waits for link 'a->b' (down)". */
void flow_describe(const struct network_setup *setup, const struct network_message *message, uint32_t route, struct text *out);

/* Links that carry at least one message: their busy intervals. */
struct busy_links {
	uint32_t *n;        /* messages that cross it now */
	int64_t *since_ps;
	uint32_t n_links;
};
void busy_links_init(struct busy_links *busy, uint32_t n_links);
void busy_links_release(struct busy_links *busy);
void busy_links_begin(struct busy_links *busy, const struct network_setup *setup, const struct route *route);
void busy_links_end(struct busy_links *busy, const struct network_setup *setup, const struct route *route);
void busy_links_cut(struct busy_links *busy, const struct network_setup *setup);

#endif
