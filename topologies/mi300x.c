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
	struct weft_link link = {.latency_ps = b->integer(b, "latency"), .length_m = 0.5};
	link.bandwidth_bytes_per_s = b->integer(b, "bandwidth");
	link.kind = "infinity-fabric";
	return weft_mesh_server(b, link, (uint32_t)b->integer(b, "n"));
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "mi300x",
	.summary = "server of 8 AMD MI300X in a full mesh",
	.params = mi300x_params,
	.build = mi300x_build,
	.next_links = weft_mesh_server_next,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
