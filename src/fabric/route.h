/* How the bytes of a message travel: a route is a set of weighted paths, interned per (source, destination[, hash class]).
 *
 * Path p of a route with weights w_0 … w_(k-1), W = Σw and c_p = Σ_{q<p} w_q carries of a message of B bytes exactly
 * floor(B·c_(p+1)/W) − floor(B·c_p/W) bytes: whole bytes, and they add up to B. Every model, the timeline and its identities
 * use this one rule (route_path_bytes).
 *
 * A spread route has no paths: it says which fraction of a message each link carries, of messages that split evenly at every node
 * over so many ways that naming them would take gigabytes. Its links take the part of paths in that rule (route_next). */
#ifndef WEFT_FABRIC_ROUTE_H
#define WEFT_FABRIC_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

struct error;
struct fabric;

#define ROUTE_NONE UINT32_MAX

enum routing {
	ROUTING_DEFAULT,  /* the module's own: planes split by weight, destination-based inside a plane */
	ROUTING_ECMP,     /* one path, chosen at every node by a hash of (source, destination, flow key) */
	ROUTING_SPRAY,    /* all legal ways, evenly at every node (fluid: fractions of paths; packet: packets in turn) */
	ROUTING_ADAPTIVE, /* packet: the legal output with the shortest queue; fluid refuses it */
	ROUTING_VALIANT,  /* through a random intermediate node */
	ROUTING_UGAL,     /* packet: minimal or Valiant by queues; fluid refuses it */
	ROUTING_N
};
extern const char *const routing_names[ROUTING_N];
/* Whether the packet model chooses the way node by node under this routing. */
static inline bool routes_hopwise(enum routing routing)
{
	return routing == ROUTING_SPRAY || routing == ROUTING_ADAPTIVE || routing == ROUTING_UGAL;
}

struct path {
	uint32_t first_hop, n_hops;  /* into hop_link, hop_vc */
	uint32_t weight, weight_before; /* w_p, c_p */
	int64_t latency_ps;          /* Σ over its links */
};

struct route {
	uint32_t source, destination; /* NPU indices */
	uint32_t first_path, n_paths; /* 0 paths: spread */
	uint32_t total_weight;       /* W */
	int64_t latency_ps;          /* of the slowest path */
	/* The links of all paths merged, for fluid: link_first … + n_links into merged_link / merged_weight (weight of the paths
	 * that cross it; fraction = weight / total_weight). Links in increasing order. */
	uint32_t first_link, n_links;
};

/* Read-only for others; arrays may move when a route is added. */
struct routes {
	const struct fabric *fabric;
	enum routing routing;
	uint64_t seed;
	struct route *routes;
	struct path *paths;
	uint32_t *hop_link;
	uint8_t *hop_vc;
	uint32_t *merged_link, *merged_weight;
	uint32_t n_routes, n_paths, n_hops, n_merged;
	bool hopwise;           /* the model chooses ways node by node: nothing should ask for all paths of many pairs */
	bool spread;            /* routes of many paths, evenly at every node, may be spread; else such a route has paths too */
	const uint8_t *link_down; /* [n_links], NULL: all up; set by routes_avoid */
	struct route_index *index;
	size_t routes_capacity, paths_capacity, hops_capacity, hop_vc_capacity, merged_capacity, merged_weight_capacity;
};

void routes_init(struct routes *routes, const struct fabric *fabric, enum routing routing, uint64_t seed);
void routes_release(struct routes *routes);

/* The route from NPU to NPU. `flow_key` matters for ecmp and valiant only (a message's stable id: same key, same path).
 * On a fabric whose routes are given by flow (fabric->n_flows > 0) flow_key is the flow's number.
 * ROUTE_NONE with an error of code ERROR_SIMULATION that names both when there is no way ("disconnected"). source ==
 * destination is the caller's business (no route). */
uint32_t routes_find(struct routes *routes, uint32_t source, uint32_t destination, uint64_t flow_key, struct error *err);

/* Σ latency from NPU to NPU as built, of the slowest path of the route; where ways are chosen node by node, of the first of the
 * heaviest ways on at every node. -1: no way. */
int64_t routes_latency_ps(struct routes *routes, uint32_t source, uint32_t destination);

/* A route of one path over these links, in order, on virtual channel 0; not interned, never rerouted. Link ids are the caller's
 * care. */
uint32_t routes_add_explicit(struct routes *routes, uint32_t source, uint32_t destination, const uint32_t *links, uint32_t n);

/* From now on routes avoid links with down[link] != 0 (the caller's array, kept by pointer; NULL: none); interned routes that
 * cross one, or that were found while others were down, are found anew at the next routes_find. Call again after every change of
 * the array. Old route ids stay readable. */
void routes_avoid(struct routes *routes, const uint8_t *down);

/* Bytes of a message of `bytes` on the paths of a route up to this one: floor(B·c_(p+1)/W). */
static inline int64_t route_bytes_until(const struct route *route, const struct path *path, int64_t bytes)
{
	return route->n_paths == 1 ? bytes : scale_floor(bytes, (int64_t)path->weight_before + path->weight, route->total_weight);
}

/* Bytes of a message of `bytes` on path p (0 … n_paths - 1) of a route. */
static inline int64_t route_path_bytes(const struct route *route, const struct path *path, int64_t bytes)
{
	int64_t before = path->weight_before ? scale_floor(bytes, path->weight_before, route->total_weight) : 0;
	return route_bytes_until(route, path, bytes) - before;
}

/* What of a message travels together: a path, or a link of a spread route. */
struct route_piece {
	const uint32_t *links;
	uint32_t n_links;
	int64_t bytes;
};
/* Goes through the pieces of a message of `bytes`. */
struct route_walk {
	const struct routes *routes;
	const struct route *route;
	int64_t bytes, before, weight; /* before: bytes and, of spread routes, weight of the pieces so far */
	uint32_t next;
};
static inline struct route_walk route_walk(const struct routes *routes, const struct route *route, int64_t bytes)
{
	return (struct route_walk){routes, route, bytes, 0, 0, 0};
}
static inline bool route_next(struct route_walk *walk, struct route_piece *piece)
{
	const struct route *route = walk->route;
	int64_t until;
	if (walk->next < route->n_paths) {
		const struct path *path = &walk->routes->paths[route->first_path + walk->next++];
		until = route_bytes_until(route, path, walk->bytes);
		piece->links = &walk->routes->hop_link[path->first_hop];
		piece->n_links = path->n_hops;
	} else if (route->n_paths == 0 && walk->next < route->n_links) {
		uint32_t at = route->first_link + walk->next++;
		walk->weight += walk->routes->merged_weight[at];
		until = scale_floor(walk->bytes, walk->weight, route->total_weight);
		piece->links = &walk->routes->merged_link[at];
		piece->n_links = 1;
	} else {
		return false;
	}
	piece->bytes = until - walk->before;
	walk->before = until;
	return true;
}
/* Σ latency of the slowest way of a spread route, found before, with other latencies of links: latency_ps[n_links]. */
int64_t routes_spread_latency_ps(const struct routes *routes, const struct route *route, const int64_t *latency_ps);

#endif
