#include "scenario/totals.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

void totals_init(struct totals *totals, const struct routes *routes, uint32_t n_links, bool by_link)
{
	memset(totals, 0, sizeof *totals);
	totals->routes = routes;
	totals->n_links = n_links;
	totals->by_link = by_link;
	totals->link_bytes = memory_zero(n_links ? n_links : 1, sizeof *totals->link_bytes);
	totals->link_overhead = memory_zero(n_links ? n_links : 1, sizeof *totals->link_overhead);
}

void totals_release(struct totals *totals)
{
	free(totals->link_bytes);
	free(totals->link_overhead);
	free(totals->pending);
	free(totals->collectives);
	memset(totals, 0, sizeof *totals);
}

static void settle(struct totals *totals, uint32_t route_id)
{
	const struct routes *routes = totals->routes;
	const struct route *route = &routes->routes[route_id];
	struct totals_route *pending = &totals->pending[route_id];
	struct route_walk walk = route_walk(routes, route, pending->bytes);
	struct route_piece piece;
	while (pending->count && route_next(&walk, &piece))
		for (uint32_t h = 0; h < piece.n_links; h++)
			totals->link_bytes[piece.links[h]] += pending->count * piece.bytes;
	pending->count = 0;
}

static void cross(struct totals *totals, uint32_t route, int64_t bytes)
{
	if (route >= totals->n_pending) {
		size_t old = totals->n_pending, n = totals->routes->n_routes > route ? totals->routes->n_routes : (size_t)route + 1;
		ARRAY_RESERVE(totals->pending, n, totals->pending_capacity);
		memset(totals->pending + old, 0, (n - old) * sizeof *totals->pending);
		totals->n_pending = n;
	}
	if (totals->pending[route].bytes != bytes) {
		settle(totals, route);
		totals->pending[route].bytes = bytes;
	}
	totals->pending[route].count++;
}

static void on_message(void *context, const struct message_record *record)
{
	struct totals *totals = context;
	uint64_t hash;
	if (record->end_ps == TIME_NEVER) {
		totals->n_undelivered++;
		return;
	}
	totals->n_messages++;
	totals->message_bytes += record->bytes;
	if (record->end_ps > totals->last_delivery_ps)
		totals->last_delivery_ps = record->end_ps;
	/* A hash per message, summed: no order enters. */
	hash = random_mix((uint64_t)record->source << 32 | record->destination);
	hash = random_mix(hash ^ (uint64_t)record->bytes);
	hash = random_mix(hash ^ (uint64_t)record->start_ps);
	hash = random_mix(hash ^ (uint64_t)record->end_ps);
	totals->hash_a += hash;
	totals->hash_b += random_mix(hash ^ record->kind);
	if (!totals->by_link && record->route != ROUTE_NONE)
		cross(totals, record->route, record->bytes);
}

static void on_link_bytes(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t payload, int64_t overhead, uint8_t kind)
{
	struct totals *totals = context;
	(void)start_ps;
	(void)end_ps;
	(void)kind;
	totals->link_bytes[link] += payload;
	totals->link_overhead[link] += overhead;
}

static void on_link_stretch(void *context, uint32_t link, const struct link_stretch *stretch)
{
	on_link_bytes(context, link, stretch->start_ps, stretch->end_ps, stretch->payload, stretch->overhead, stretch->kind);
}

static int64_t no_border(void *context, int64_t time_ps)
{
	(void)context;
	(void)time_ps;
	return INT64_MAX;
}

static void on_collective(void *context, const struct collective_record *record)
{
	struct totals *totals = context;
	ARRAY_RESERVE(totals->collectives, (size_t)totals->n_collectives + 1, totals->collectives_capacity);
	totals->collectives[totals->n_collectives++] = *record;
}

struct observer totals_observer(struct totals *totals)
{
	return (struct observer){.context = totals, .message = on_message, .collective = on_collective,
		.link_bytes = totals->by_link ? on_link_bytes : NULL, .border = no_border,
		.link_stretch = totals->by_link ? on_link_stretch : NULL};
}

static int by_id(const void *a, const void *b)
{
	int32_t x = ((const struct collective_record *)a)->id, y = ((const struct collective_record *)b)->id;
	return (x > y) - (x < y);
}

void totals_finish(struct totals *totals)
{
	for (size_t route = 0; route < totals->n_pending; route++)
		settle(totals, (uint32_t)route);
	if (totals->n_collectives)
		qsort(totals->collectives, totals->n_collectives, sizeof *totals->collectives, by_id);
}
