/* Where links are shared, a closed form that knows only α and β flatters algorithms with distant partners: on a ring, recursive
 * halving needs as few bytes per rank as a ring algorithm, but all of them cross the same links. So a schedule is taken to run in
 * rounds (collective/rounds.h), and to cost
 *
 *     Σ over rounds of max over links of (bytes over the link / its rate)
 *     + Σ over the chain of messages, each waiting for the one before, with the most latency
 *
 * which is exact where all ranks are in step, and knows for each round what shares a link. It knows nothing of other groups. */
#include "workload/judging.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "collective/rounds.h"
#include "fabric/fabric.h"

/* Picoseconds per byte of a message, on link i of a route's merged links. */
static double link_ps_per_byte(const struct routes *routes, const struct route *route, uint32_t i)
{
	uint32_t at = route->first_link + i;
	return 1e12 * routes->merged_weight[at] / route->total_weight / (double)routes->fabric->link_bandwidth[routes->merged_link[at]];
}

static double route_ps_per_byte(const struct routes *routes, const struct route *route)
{
	double slowest = 0;
	for (uint32_t i = 0; i < route->n_links; i++)
		slowest = fmax(slowest, link_ps_per_byte(routes, route, i));
	return slowest;
}

void judging_sample(struct routes *routes, const uint32_t *npus, uint32_t n_ranks, double *alpha_ps, double *beta_ps_per_byte)
{
	double alpha = 0, beta = 0;
	uint32_t stride = n_ranks / 32 + 1;
	for (uint32_t i = 0; i < n_ranks; i += stride)
		for (int far = 0; far < 2; far++) {
			uint32_t other = (i + (far ? n_ranks / 2 : 1)) % n_ranks;
			uint32_t index = npus[i] == npus[other] ? ROUTE_NONE : routes_find(routes, npus[i], npus[other], 0, NULL);
			if (index == ROUTE_NONE)
				continue;
			alpha = fmax(alpha, (double)routes->routes[index].latency_ps);
			beta = fmax(beta, route_ps_per_byte(routes, &routes->routes[index]));
		}
	if (beta > 0) {
		*alpha_ps = alpha;
		*beta_ps_per_byte = beta;
	}
}

/* NULL when it stays within a chip, or there is no way. */
static const struct route *find_route(struct judging *judging, uint32_t from, uint32_t to)
{
	uint32_t source = judging->npus[from], target = judging->npus[to];
	uint32_t index = source == target ? ROUTE_NONE
		: routes_find(&judging->routes, source, target, (uint64_t)from << 32 | to, NULL);
	return index == ROUTE_NONE ? NULL : &judging->routes.routes[index];
}

/* Every rank has as many of its pairs in the sample, to and from it, and they lie at all distances: 13 divides no usual dimension. */
static bool is_sampled(const struct judging *judging, uint32_t from, uint32_t to)
{
	return (from + (uint64_t)3 * to) % judging->stride == 0;
}

static double latency(void *context, uint32_t from, uint32_t to)
{
	struct judging *judging = context;
	if (!is_sampled(judging, from, to))
		return judging->typical_ps;
	const struct route *route = find_route(judging, from, to);
	return route ? (double)route->latency_ps : judging->npus[from] == judging->npus[to] ? 0 : -1;
}

/* Puts a message on its links; how many picoseconds of bytes the fullest of them then carries. */
static double add_message(struct judging *judging, const struct round_message *message)
{
	const struct route *route = is_sampled(judging, message->from, message->to) ? find_route(judging, message->from, message->to)
		: NULL;
	double fullest = 0;
	for (uint32_t i = 0; route && i < route->n_links; i++) {
		double *load_ps = &judging->load_ps[judging->routes.merged_link[route->first_link + i]];
		*load_ps += link_ps_per_byte(&judging->routes, route, i) * (double)message->bytes;
		fullest = fmax(fullest, *load_ps);
	}
	return fullest;
}

static void take_away(struct judging *judging, const struct round_message *message)
{
	const struct route *route = is_sampled(judging, message->from, message->to) ? find_route(judging, message->from, message->to)
		: NULL;
	for (uint32_t i = 0; route && i < route->n_links; i++)
		judging->load_ps[judging->routes.merged_link[route->first_link + i]] = 0;
}

/* Whether two rounds are the same messages, of sizes that differ by rounding only. */
static bool alike(const struct round_message *a, const struct round_message *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (a[i].from != b[i].from || a[i].to != b[i].to || llabs(a[i].bytes - b[i].bytes) > a[i].bytes / 64 + 8)
			return false;
	return true;
}

static double round_cost(struct judging *judging, const struct round_message *messages, uint32_t n)
{
	double fullest_ps = 0;
	for (uint32_t i = 0; i < n; i++)
		fullest_ps = fmax(fullest_ps, add_message(judging, &messages[i]));
	for (uint32_t i = 0; i < n; i++)
		take_away(judging, &messages[i]);
	return fullest_ps * judging->stride;
}

/* All of a schedule, or its first steps, or all of a wide one by a sample of its pairs. */
static int find_rounds(struct judging *judging, const struct collective_plan *plan, struct rounds *rounds)
{
	double beta;
	judging->stride = 1;
	if ((uint64_t)plan->request.n_ranks * plan->n_threads <= JUDGING_MAX_STEPS / 2)
		return rounds_init(rounds, plan, JUDGING_MAX_STEPS, latency, judging);
	judging_sample(&judging->routes, judging->npus, plan->request.n_ranks, &judging->typical_ps, &beta);
	judging->stride = JUDGING_STRIDE;
	return rounds_init(rounds, plan, JUDGING_MAX_WIDE_STEPS, latency, judging);
}

/* Most schedules repeat a round, or a few in turn: those are added up once. */
#define REMEMBERED 4

static double cost(void *context, const struct collective_plan *plan)
{
	struct judging *judging = context;
	struct rounds rounds;
	struct { uint32_t first, n; double cost_ps; } known[REMEMBERED] = {{0, 0, 0}};
	double sum_ps = 0;
	if (find_rounds(judging, plan, &rounds))
		return -1;
	memset(judging->load_ps, 0, judging->routes.fabric->n_links * sizeof *judging->load_ps);
	for (uint32_t r = 0; r < rounds.n; r++) {
		uint32_t first = rounds.first[r], n = rounds.first[r + 1] - first, k = 0;
		while (k < REMEMBERED && !(known[k].n == n && alike(rounds.messages + known[k].first, rounds.messages + first, n)))
			k++;
		if (k == REMEMBERED) {
			k = r % REMEMBERED;
			known[k].first = first;
			known[k].n = n;
			known[k].cost_ps = round_cost(judging, rounds.messages + first, n);
		}
		sum_ps += known[k].cost_ps;
	}
	sum_ps = rounds.scale * (sum_ps + rounds.latency_ps);
	rounds_release(&rounds);
	return sum_ps;
}

void judging_init(struct judging *judging, const struct routes *like, const uint32_t *npus)
{
	*judging = (struct judging){.judge = {cost, judging}, .npus = npus};
	routes_init(&judging->routes, like->fabric, like->routing, like->seed);
	judging->routes.spread = true; /* only shares of links are looked at */
	judging->load_ps = memory_alloc((like->fabric->n_links + 1u) * sizeof *judging->load_ps);
}

void judging_release(struct judging *judging)
{
	routes_release(&judging->routes);
	free(judging->load_ps);
}
