/* What each link carries of a message that splits evenly over all legal ways at every node, without naming the paths: the ways from
 * one node to another form a graph without circles, whose links are far fewer than its paths. Private to src/fabric. */
#ifndef WEFT_FABRIC_SPREAD_H
#define WEFT_FABRIC_SPREAD_H

#include <stddef.h>
#include <stdint.h>

#include "fabric/route.h"

struct error;
struct spread_link { uint32_t link, weight; };

struct spread {
	/* Of the last walk. */
	struct spread_link *links; /* in increasing order; share = weight / total_weight */
	uint32_t n_links, total_weight;
	double n_paths;            /* 0: there is no way */
	int64_t latency_ps;        /* of the slowest path */
	struct spread_scratch *scratch;
};

/* Over links of routes that are not down, with these latencies (NULL: the fabric's). -1 with an error when the module's routes do not
 * end. Shares are exact where their common denominator is below 2^31, else rounded to 2^-30. */
int spread_walk(struct spread *spread, const struct routes *routes, uint32_t source_node, uint32_t destination_node,
		const int64_t *latency_ps, struct error *err);
void spread_release(struct spread *spread);

#endif
