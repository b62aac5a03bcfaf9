/* Where links are shared, a closed form that knows only α and β flatters algorithms with distant partners: on a ring, recursive
 * halving needs as few bytes per rank as a ring algorithm, but all of them cross the same links. So a schedule costs at least
 *
 *     mean latency of its messages + max over links of (bytes over the link / its rate)
 *
 * and at least its closed form with α = that mean and β of the slowest route it takes. The larger of the two is the cost: the second
 * knows what waits for what, the first what shares a link. Neither knows when the bytes of a link come. */
#include "workload/judging.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
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

struct sums { double latency_ps, messages, slowest_ps_per_byte; };

/* False when there is no route. */
static bool add_message(struct judging *judging, uint32_t from, uint32_t to, int64_t bytes, struct sums *sums)
{
	uint32_t source = judging->npus[from], target = judging->npus[to];
	sums->messages++;
	if (source == target)
		return true;
	uint32_t index = routes_find(&judging->routes, source, target, (uint64_t)from << 32 | to, NULL);
	if (index == ROUTE_NONE)
		return false;
	const struct route *route = &judging->routes.routes[index];
	for (uint32_t i = 0; i < route->n_links; i++) {
		double ps_per_byte = link_ps_per_byte(&judging->routes, route, i);
		judging->load_ps[judging->routes.merged_link[route->first_link + i]] += ps_per_byte * (double)bytes;
		sums->slowest_ps_per_byte = fmax(sums->slowest_ps_per_byte, ps_per_byte);
	}
	sums->latency_ps += (double)route->latency_ps;
	return true;
}

static bool add_all(struct judging *judging, const struct collective_plan *plan, struct sums *sums)
{
	for (uint32_t rank = 0; rank < plan->request.n_ranks; rank++)
		for (uint32_t thread = 0; thread < plan->n_threads; thread++) {
			uint32_t n = plan->algorithm->n_steps(plan, rank, thread);
			if ((double)n * plan->n_threads * plan->request.n_ranks > JUDGING_MAX_STEPS)
				return false;
			for (uint32_t i = 0; i < n; i++) {
				struct collective_step step = {0};
				plan->algorithm->step(plan, rank, thread, i, &step);
				if (step.actions & STEP_SEND && !add_message(judging, rank, step.to, step.out.bytes, sums))
					return false;
			}
		}
	return sums->messages > 0;
}

static double cost(void *context, const struct collective_plan *plan)
{
	struct judging *judging = context;
	const struct fabric *fabric = judging->routes.fabric;
	struct sums sums = {0};
	double busiest_ps = 0;
	memset(judging->load_ps, 0, fabric->n_links * sizeof *judging->load_ps);
	if (!add_all(judging, plan, &sums))
		return -1;
	for (uint32_t link = 0; link < fabric->n_links; link++)
		busiest_ps = fmax(busiest_ps, judging->load_ps[link]);
	double alpha_ps = sums.latency_ps / sums.messages;
	double alone = plan->algorithm->cost(plan, alpha_ps, sums.slowest_ps_per_byte);
	return alone < 0 ? -1 : fmax(alone, alpha_ps + busiest_ps);
}

void judging_init(struct judging *judging, const struct routes *like, const uint32_t *npus)
{
	*judging = (struct judging){.judge = {cost, judging}, .npus = npus};
	routes_init(&judging->routes, like->fabric, like->routing, like->seed);
	judging->load_ps = memory_alloc((like->fabric->n_links + 1u) * sizeof *judging->load_ps);
}

void judging_release(struct judging *judging)
{
	routes_release(&judging->routes);
	free(judging->load_ps);
}
