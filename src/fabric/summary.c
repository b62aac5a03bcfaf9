#include "fabric/summary.h"

#include <stdlib.h>
#include <string.h>

#include "fabric/build.h"

/* Counting hops from one NPU costs a walk over all links. */
#define MEASURE_LINK_VISITS 200000000u

static const char *const kind_names[WEFT_NODE_KINDS] = {"npu", "switch", "nic", "cpu", "circuit-switch"};

/* Roles as small numbers, per node, in the order of first use. */
static uint32_t *number_roles(const struct fabric *fabric, struct fabric_summary *summary, struct arena *arena)
{
	uint32_t *role_of = memory_alloc((size_t)fabric->n_nodes * sizeof *role_of + 1);
	size_t capacity = 0;
	struct fabric_role *roles = NULL;
	uint32_t n = 0, r = 0;
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		const char *kind = kind_names[fabric->node_kind[node]];
		if (!(r < n && roles[r].role == fabric->node_role[node] && roles[r].kind == kind)) /* most often the last one again */
			for (r = 0; r < n && (strcmp(roles[r].role, fabric->node_role[node]) || roles[r].kind != kind); r++) {}
		if (r == n) {
			ARRAY_RESERVE(roles, (size_t)n + 1, capacity);
			roles[n++] = (struct fabric_role){.role = fabric->node_role[node], .kind = kind};
		}
		roles[r].count++;
		role_of[node] = r;
	}
	summary->n_roles = n;
	summary->roles = arena_array(arena, n + 1, sizeof *roles);
	memcpy(summary->roles, roles, n * sizeof *roles);
	free(roles);
	return role_of;
}

static void group_links(const struct fabric *fabric, const uint32_t *role_of, struct fabric_summary *summary, struct arena *arena)
{
	struct fabric_link_group *groups = NULL;
	size_t capacity = 0;
	uint32_t n = 0, g = 0;
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		struct fabric_link_group like = {.source_role = summary->roles[role_of[fabric->link_source[link]]].role,
			.target_role = summary->roles[role_of[fabric->link_target[link]]].role,
			.kind = fabric->kind_names[fabric->link_kind[link]], .bandwidth_bytes_per_s = fabric->link_bandwidth[link],
			.latency_ps = fabric->link_latency_ps[link]};
		for (g = 0; g < n; g++)
			if (groups[g].source_role == like.source_role && groups[g].target_role == like.target_role &&
			    groups[g].kind == like.kind && groups[g].bandwidth_bytes_per_s == like.bandwidth_bytes_per_s &&
			    groups[g].latency_ps == like.latency_ps)
				break;
		if (g == n) {
			ARRAY_RESERVE(groups, (size_t)n + 1, capacity);
			groups[n++] = like;
		}
		groups[g].count++;
	}
	summary->n_links = n;
	summary->links = arena_array(arena, n + 1, sizeof *groups);
	if (n)
		memcpy(summary->links, groups, n * sizeof *groups);
	free(groups);
}

static void measure_npus(const struct fabric *fabric, struct fabric_summary *summary)
{
	summary->npus_alike = true;
	for (uint32_t npu = 0; npu < fabric->n_npus; npu++) {
		uint32_t node = fabric->npu_node[npu], count = fabric->out_first[node + 1] - fabric->out_first[node];
		int64_t sum = fabric_rate_out(fabric, node);
		if (npu == 0) {
			summary->npu_links = count;
			summary->npu_bytes_per_s = sum;
		}
		summary->npus_alike &= count == summary->npu_links && sum == summary->npu_bytes_per_s;
	}
}

static void measure_hops(const struct fabric *fabric, struct fabric_summary *summary)
{
	uint32_t *distance = memory_alloc((size_t)fabric->n_nodes * sizeof *distance);
	uint64_t visits = (uint64_t)fabric->n_links + fabric->n_nodes, most = MEASURE_LINK_VISITS / visits, hops = 0, pairs = 0;
	summary->n_measured = most < 8 ? 8 : most > fabric->n_npus ? fabric->n_npus : (uint32_t)most;
	if (summary->n_measured > fabric->n_npus)
		summary->n_measured = fabric->n_npus;
	summary->cut_off[0] = summary->cut_off[1] = FABRIC_NONE;
	for (uint32_t k = 0; k < summary->n_measured; k++) {
		uint32_t target = (uint32_t)((uint64_t)k * fabric->n_npus / summary->n_measured);
		shortest_distances(fabric, fabric->npu_node[target], NULL, distance);
		for (uint32_t npu = 0; npu < fabric->n_npus; npu++) {
			uint32_t far = distance[fabric->npu_node[npu]];
			if (npu == target)
				continue;
			if (far == UINT32_MAX) {
				if (summary->cut_off[0] == FABRIC_NONE)
					summary->cut_off[0] = npu, summary->cut_off[1] = target;
				continue;
			}
			summary->diameter_hops = far > summary->diameter_hops ? far : summary->diameter_hops;
			hops += far;
			pairs++;
		}
	}
	summary->mean_hops = pairs ? (double)hops / (double)pairs : 0;
	free(distance);
}

void fabric_summarize(const struct fabric *fabric, struct fabric_summary *summary, struct arena *arena)
{
	*summary = (struct fabric_summary){0};
	uint32_t *role_of = number_roles(fabric, summary, arena);
	group_links(fabric, role_of, summary, arena);
	measure_npus(fabric, summary);
	measure_hops(fabric, summary);
	free(role_of);
}
