#include "network/links.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fabric/fabric.h"

void links_init(struct links *links, const struct fabric *fabric)
{
	uint32_t n = fabric->n_links;
	memset(links, 0, sizeof *links);
	links->fabric = fabric;
	links->bytes_per_s = memory_zero(n + 1, sizeof *links->bytes_per_s);
	links->latency_ps = memory_zero(n + 1, sizeof *links->latency_ps);
	links->state = memory_zero(n + 1, sizeof *links->state);
	links->avoid = memory_zero(n + 1, sizeof *links->avoid);
	for (uint32_t l = 0; l < n; l++) {
		links->bytes_per_s[l] = fabric->link_bandwidth[l];
		links->latency_ps[l] = fabric->link_latency_ps[l];
		links->state[l] = LINK_UP;
	}
}

void link_error_draw(struct link_error *error)
{
	double bytes = error->per_byte > 0 ? -log1p(-random_uniform(&error->stream)) / error->per_byte : INFINITY;
	error->bytes_left = bytes < 4e18 ? (int64_t)bytes : INT64_MAX;
}

void links_release(struct links *links)
{
	free(links->errors);
	free(links->bytes_per_s);
	free(links->latency_ps);
	free(links->state);
	free(links->avoid);
	memset(links, 0, sizeof *links);
}
