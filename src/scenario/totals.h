/* The totals of a run, kept by an observer that costs one comparison and one addition per message: what `weft run` prints and
 * what result_digest is made of. All sums are independent of the order in which records arrive. */
#ifndef WEFT_SCENARIO_TOTALS_H
#define WEFT_SCENARIO_TOTALS_H

#include "base/digest.h"
#include "engine/observer.h"
#include "fabric/route.h"

struct totals {
	const struct routes *routes;
	uint64_t n_messages, n_undelivered;
	int64_t message_bytes;
	int64_t last_delivery_ps;
	uint64_t hash_a, hash_b;    /* sums over messages of two hashes of each */
	/* [n_links] payload that crossed: of delivered messages, by the rule of route_path_bytes; where messages can be rerouted on
	 * their way (by_link), what the network says link by link, which costs a call per message and link. */
	int64_t *link_bytes;
	int64_t *link_overhead;     /* [n_links] by_link only: headers and what was sent again; else 0 */
	bool by_link;
	uint32_t n_links;
	/* Messages of one route mostly have one size: they are counted, and spread over the links when the size changes. */
	struct totals_route { int64_t bytes, count; } *pending;
	size_t n_pending, pending_capacity;
	struct collective_record *collectives;
	uint32_t n_collectives;
	size_t collectives_capacity;
};

void totals_init(struct totals *totals, const struct routes *routes, uint32_t n_links, bool by_link);
void totals_release(struct totals *totals);
struct observer totals_observer(struct totals *totals);
/* Settles what is pending and sorts the collectives by id. */
void totals_finish(struct totals *totals);

#endif
