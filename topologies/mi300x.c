/* Server of 8 AMD Instinct MI300X in a full mesh: 7 Infinity Fabric links of 64 GB/s per direction each, 448 GB/s per GPU.
 *
 * Source: rocm.blogs.amd.com, which also says that about 48 GB/s per link are usable (CRC and protocol). The default is the link's rate, as
 * for the other machines; `bandwidth=48 GB/s` is what payload can have. The latency of a link is not published: 500 ns is assumed.
 * RCCL follows NCCL's protocols, but its constants for this machine are not published: "none". */
#include <weft/shape.h>

static const struct weft_param mi300x_params[] = {
	{"n", WEFT_PARAM_INTEGER, "8", "1..8", "GPUs"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "64 GB/s", "1 B/s..1000 TB/s", "per link and direction"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link (assumed)"},
	{0},
};

static int mi300x_build(struct weft_builder *b)
{
	uint32_t *n = b->alloc(b, sizeof *n);
	struct weft_link link = {.latency_ps = b->integer(b, "latency"), .length_m = 0.5};
	link.bandwidth_bytes_per_s = b->integer(b, "bandwidth");
	link.kind = "infinity-fabric";
	*n = (uint32_t)b->integer(b, "n");
	for (uint32_t i = 0; i < *n; i++)
		if (weft_add(b, (struct weft_node){.kind = WEFT_NODE_NPU, .rack = 0, .tray = 0, .slot = (int32_t)i, .plane = -1}, "npu%u", i) ==
		    WEFT_NONE)
			return -1;
	b->set_data(b, n);
	return weft_mesh_cables(b, link, 0, 1, *n);
}

static uint32_t mi300x_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const uint32_t *n = data;
	return weft_choose(choices, capacity, 0, weft_mesh_link(0, *n, hop->node, hop->destination), 1, 0);
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "mi300x",
	.summary = "server of 8 AMD MI300X in a full mesh",
	.params = mi300x_params,
	.build = mi300x_build,
	.next_links = mi300x_next_links,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
