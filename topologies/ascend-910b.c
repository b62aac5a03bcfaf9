/* Atlas 800T A2 server: 8 Ascend 910B in a full mesh, 7 HCCS links per NPU.
 *
 * "Max theoretical 392 GB/s per NPU" over 7 links (Huawei white paper issue 16, tables 5-1, 5-2, 5-4) is 56 GB/s per link. The paper does
 * not state the direction; taken as the sum of both, 28 GB/s per direction, which matches the 28 GB/s UB port of the next generation.
 * `bandwidth=56 GB/s` is the other reading. The latency of an HCCS link is not published: 500 ns is assumed. No protocol constants of
 * its library are published: "none". */
#include <weft/shape.h>

static const struct weft_param ascend_910b_params[] = {
	{"n", WEFT_PARAM_INTEGER, "8", "1..8", "NPUs"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "28 GB/s", "1 B/s..1000 TB/s", "per HCCS link and direction"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link (assumed)"},
	{0},
};

static int ascend_910b_build(struct weft_builder *b)
{
	uint32_t *n = b->alloc(b, sizeof *n);
	struct weft_link link = {.latency_ps = b->integer(b, "latency"), .length_m = 0.5};
	link.bandwidth_bytes_per_s = b->integer(b, "bandwidth");
	link.kind = "hccs";
	*n = (uint32_t)b->integer(b, "n");
	for (uint32_t i = 0; i < *n; i++)
		if (weft_add(b, (struct weft_node){.kind = WEFT_NODE_NPU, .rack = 0, .tray = 0, .slot = (int32_t)i, .plane = -1}, "npu%u", i) ==
		    WEFT_NONE)
			return -1;
	b->set_data(b, n);
	return weft_mesh_cables(b, link, 0, 1, *n);
}

static uint32_t ascend_910b_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const uint32_t *n = data;
	return weft_choose(choices, capacity, 0, weft_mesh_link(0, *n, hop->node, hop->destination), 1, 0);
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "ascend-910b",
	.summary = "server of 8 Ascend 910B in a full mesh of HCCS links",
	.params = ascend_910b_params,
	.build = ascend_910b_build,
	.next_links = ascend_910b_next_links,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
