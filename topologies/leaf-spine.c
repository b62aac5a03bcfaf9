/* Two tiers: every leaf has `hosts` NPUs and `links` cables to every spine. Oversubscription is hosts × bandwidth over
 * spines × links × uplink_bandwidth. A message between leaves goes through the spine that its destination chooses (D-mod-k). */
#include <weft/shape.h>

static const struct weft_param leaf_spine_params[] = {
	{"leaves", WEFT_PARAM_INTEGER, "4", "1..65536", "leaf switches"},
	{"hosts", WEFT_PARAM_INTEGER, "8", "1..65536", "NPUs per leaf"},
	{"spines", WEFT_PARAM_INTEGER, "4", "1..4096", "spine switches"},
	{"links", WEFT_PARAM_INTEGER, "1", "1..256", "parallel cables between a leaf and a spine"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "per link and direction"},
	{"uplink_bandwidth", WEFT_PARAM_BANDWIDTH, "0 B/s", "0 B/s..1000 TB/s", "between leaf and spine; 0: as `bandwidth`"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link"},
	{0},
};

static int leaf_spine_build(struct weft_builder *b)
{
	static const char *const names[] = {"leaf", "spine"};
	struct weft_xgft *tree = b->alloc(b, sizeof *tree);
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth"), .latency_ps = b->integer(b, "latency")};
	tree->h = 2;
	tree->m[0] = (uint32_t)b->integer(b, "hosts");
	tree->m[1] = (uint32_t)b->integer(b, "leaves");
	tree->w[0] = 1;
	tree->w[1] = (uint32_t)b->integer(b, "spines");
	tree->parallel[1] = (uint32_t)b->integer(b, "links");
	if ((uint64_t)tree->m[0] * tree->m[1] > 1u << 20 || !weft_xgft_init(tree))
		return b->fail(b, "leaves", "leaves × hosts is %llu (range: 1..%u)", (unsigned long long)tree->m[0] * tree->m[1], 1u << 20);
	if (weft_add_npus(b, tree->n_ends) || weft_xgft_switches(b, tree, names) || weft_xgft_cables(b, tree, 0, NULL, link))
		return -1;
	if (b->integer(b, "uplink_bandwidth"))
		link.bandwidth_bytes_per_s = b->integer(b, "uplink_bandwidth");
	b->set_data(b, tree);
	return weft_xgft_cables(b, tree, 1, NULL, link);
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "leaf-spine",
	.summary = "two tiers of switches, each leaf joined to each spine",
	.params = leaf_spine_params,
	.build = leaf_spine_build,
	.next_links = weft_xgft_next_links,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
