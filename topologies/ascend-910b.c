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
	struct weft_link link = {.latency_ps = b->integer(b, "latency"), .length_m = 0.5};
	link.bandwidth_bytes_per_s = b->integer(b, "bandwidth");
	link.kind = "hccs";
	return weft_mesh_server(b, link, (uint32_t)b->integer(b, "n"));
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "ascend-910b",
	.summary = "server of 8 Ascend 910B in a full mesh of HCCS links",
	.params = ascend_910b_params,
	.build = ascend_910b_build,
	.next_links = weft_mesh_server_next,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
