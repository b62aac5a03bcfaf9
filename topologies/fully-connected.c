/* Every NPU has a cable to every other. Messages take their one direct link; Valiant goes through a third NPU, on another virtual
 * channel after it. */
#include <weft/shape.h>

static const struct weft_param fully_connected_params[] = {
	{"n", WEFT_PARAM_INTEGER, "8", "1..4096", "NPUs"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "per link and direction"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link"},
	{0},
};

static int fully_connected_build(struct weft_builder *b)
{
	uint32_t *n = b->alloc(b, sizeof *n);
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth"), .latency_ps = b->integer(b, "latency")};
	*n = (uint32_t)b->integer(b, "n");
	b->set_channels(b, 2);
	b->set_data(b, n);
	return weft_add_npus(b, *n) || weft_mesh_cables(b, link, 0, 1, *n) ? -1 : 0;
}

static uint32_t fully_connected_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const uint32_t *n = data;
	uint32_t target = hop->via != WEFT_NONE ? hop->via : hop->destination;
	return weft_choose(choices, capacity, 0, weft_mesh_link(0, *n, hop->node, target), 1, hop->via_reached);
}

static uint32_t fully_connected_via_nodes(const void *data, uint32_t source, uint32_t destination, uint32_t k, uint32_t *node)
{
	const uint32_t *n = data;
	uint32_t low = source < destination ? source : destination, high = source < destination ? destination : source;
	k += k >= low; /* the k-th of those that are neither end */
	k += k >= high;
	*node = k;
	return *n - 2;
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "fully-connected",
	.summary = "n NPUs, a cable between every two",
	.params = fully_connected_params,
	.build = fully_connected_build,
	.next_links = fully_connected_next_links,
	.via_nodes = fully_connected_via_nodes,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
