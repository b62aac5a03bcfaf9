/* How long building fabrics and finding routes takes, in CPU time, and what routes hold in memory. Arguments: none. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/error.h"
#include "base/random.h"
#include "fabric/fabric.h"
#include "fabric/route.h"

static double cpu_s(void) { return (double)clock() / CLOCKS_PER_SEC; }

static double peak_mb(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss / 1024;
}

static int build(struct fabric *fabric, const char *spec)
{
	struct arena arena = ARENA_INIT;
	struct topology_request request;
	struct error err = {0};
	double start = cpu_s();
	int status = topology_request_parse(&request, spec, &arena, &err) || fabric_build(fabric, &request, &err);
	arena_release(&arena);
	if (status)
		fprintf(stderr, "bench_fabric: %s\n", err.message);
	else
		printf("%-52s build %7.3f s  %8u NPUs %8u links\n", spec, cpu_s() - start, fabric->n_npus, fabric->n_links);
	return status;
}

/* Finds routes of random pairs once, then looks them up again and again. */
static int bench(const char *spec, uint32_t n_pairs)
{
	struct fabric fabric;
	struct routes routes;
	struct error err = {0};
	uint32_t *pairs = malloc((size_t)n_pairs * 2 * sizeof *pairs), sum = 0;
	if (!pairs || build(&fabric, spec))
		return 2;
	struct random_stream stream = random_stream(1, "bench", 0);
	for (uint32_t i = 0; i < 2 * n_pairs; i++)
		do
			pairs[i] = (uint32_t)random_below(&stream, fabric.n_npus);
		while (i % 2 && pairs[i] == pairs[i - 1]);
	routes_init(&routes, &fabric, ROUTING_DEFAULT, 1);
	double before_mb = peak_mb(), start = cpu_s();
	for (uint32_t i = 0; i < n_pairs; i++)
		if (routes_find(&routes, pairs[2 * i], pairs[2 * i + 1], i, &err) == ROUTE_NONE)
			fprintf(stderr, "bench_fabric: %s\n", err.message);
	double found = cpu_s();
	for (int repeat = 0; repeat < 10; repeat++)
		for (uint32_t i = 0; i < n_pairs; i++)
			sum += routes_find(&routes, pairs[2 * i], pairs[2 * i + 1], i, &err);
	double looked_up = cpu_s();
	printf("  %u random pairs: %u routes, %u hops: find %.0f ns, look up %.1f ns each, %.0f MB (%u)\n", n_pairs, routes.n_routes,
	       routes.n_hops, (found - start) / n_pairs * 1e9, (looked_up - found) / n_pairs / 10 * 1e9, peak_mb() - before_mb, sum % 10);
	routes_release(&routes);
	fabric_release(&fabric);
	free(pairs);
	return 0;
}

/* All pairs: what an all-to-all holds. */
static int all_pairs(const char *spec)
{
	struct fabric fabric;
	struct routes routes;
	struct error err = {0};
	if (build(&fabric, spec))
		return 2;
	routes_init(&routes, &fabric, ROUTING_DEFAULT, 1);
	double before_mb = peak_mb(), start = cpu_s();
	for (uint32_t s = 0; s < fabric.n_npus; s++)
		for (uint32_t d = 0; d < fabric.n_npus; d++)
			if (s != d && routes_find(&routes, s, d, 0, &err) == ROUTE_NONE)
				fprintf(stderr, "bench_fabric: %s\n", err.message);
	printf("  all %u pairs: %u hops, find %.0f ns each, %.0f MB\n", routes.n_routes, routes.n_hops,
	       (cpu_s() - start) / routes.n_routes * 1e9, peak_mb() - before_mb);
	routes_release(&routes);
	fabric_release(&fabric);
	return 0;
}

int main(void)
{
	return all_pairs("cloudmatrix384") || bench("star:n=384", 100000) || bench("cloudmatrix384", 10000) ||
	       bench("torus:dims=16x16x16", 20000) || bench("fat-tree:radix=64,levels=3", 100000) ||
	       bench("cluster:machine=hgx,n=8192,tiers=3", 100000) || bench("cluster:machine=cloudmatrix384,n=24,tiers=3", 10000);
}
