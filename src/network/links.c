#include "network/links.h"

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

void links_release(struct links *links)
{
	free(links->bytes_per_s);
	free(links->latency_ps);
	free(links->state);
	free(links->avoid);
	memset(links, 0, sizeof *links);
}
