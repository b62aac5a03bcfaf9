/* Fat trees, from the textbook's to any XGFT(h; m; w).
 *
 * Either `down` and `up` give the tree: down = m_1, m_2, … children of a switch of each level (m_1: NPUs per leaf), up = w_1, w_2, …
 * parents of an NPU (planes), of a leaf, …. Or `radix` and `levels` make it: every switch has `radix` ports; a leaf uses
 * s/(s+1) of them for NPUs and the rest upwards, s = oversubscription; radix 64 gives 2,048 NPUs in two levels and 65,536 in
 * three (reference: the QM9700 figures that vendors print). NPUs that are not needed stay idle.
 *
 * Up/down routing never turns upwards again, so its channel dependencies have no cycle with one virtual channel. */
#include <weft/shape.h>

static const struct weft_param fat_tree_params[] = {
	{"radix", WEFT_PARAM_INTEGER, "8", "2..1024", "ports per switch; ignored when `down` is given"},
	{"levels", WEFT_PARAM_INTEGER, "2", "2..4", "levels of switches; ignored when `down` is given"},
	{"oversubscription", WEFT_PARAM_INTEGER, "1", "1..64", "NPU ports per port upwards at a leaf; ignored when `down` is given"},
	{"down", WEFT_PARAM_INTEGER_LIST, "0", "0..65536: 1..6", "children of a switch, from the leaves up, as 4x4 (0: from radix)"},
	{"up", WEFT_PARAM_INTEGER_LIST, "0", "0..65536: 1..6", "parents of an NPU, of a leaf, …, as 1x2"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "per link and direction"},
	{"uplink_bandwidth", WEFT_PARAM_BANDWIDTH, "0 B/s", "0 B/s..1000 TB/s", "between switches; 0: as `bandwidth`"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link"},
	{0},
};

static int from_lists(struct weft_builder *b, struct weft_xgft *tree)
{
	int64_t down[WEFT_XGFT_LEVELS], up[WEFT_XGFT_LEVELS];
	uint32_t n_up = b->list(b, "up", up, WEFT_XGFT_LEVELS);
	tree->h = b->list(b, "down", down, WEFT_XGFT_LEVELS);
	if (n_up != tree->h)
		return b->fail(b, "up", "'down' has %u levels and 'up' %u: they must agree", tree->h, n_up);
	for (uint32_t l = 0; l < tree->h; l++) {
		if (down[l] < 1 || up[l] < 1)
			return b->fail(b, down[l] < 1 ? "down" : "up", "level %u of 'down' and 'up' must be at least 1", l + 1);
		tree->m[l] = (uint32_t)down[l];
		tree->w[l] = (uint32_t)up[l];
	}
	return 0;
}

static int from_radix(struct weft_builder *b, struct weft_xgft *tree)
{
	uint32_t radix = (uint32_t)b->integer(b, "radix"), s = (uint32_t)b->integer(b, "oversubscription");
	tree->h = (uint32_t)b->integer(b, "levels");
	if (radix % (s + 1) || radix % 2)
		return b->fail(b, "radix", "radix %u does not divide into %u parts down and 1 up, or is odd", radix, s);
	for (uint32_t l = 0; l < tree->h; l++) {
		tree->m[l] = l + 1 == tree->h ? radix : l ? radix / 2 : radix / (s + 1) * s;
		tree->w[l] = l == 0 ? 1 : l == 1 ? radix / (s + 1) : radix / 2;
	}
	return 0;
}

static int fat_tree_build(struct weft_builder *b)
{
	static const char *const names2[] = {"leaf", "spine"}, *const names3[] = {"leaf", "spine", "core"},
				 *const names6[] = {"level1.", "level2.", "level3.", "level4.", "level5.", "level6."};
	struct weft_xgft *tree = b->alloc(b, sizeof *tree);
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth"), .latency_ps = b->integer(b, "latency")};
	int64_t first;
	b->list(b, "down", &first, 1);
	if (first ? from_lists(b, tree) : from_radix(b, tree))
		return -1;
	if (!weft_xgft_init(tree))
		return b->fail(b, first ? "down" : "radix", "the tree has more than 2^22 NPUs or 2^23 nodes");
	if (weft_add_npus(b, tree->n_ends) || weft_xgft_switches(b, tree, tree->h <= 2 ? names2 : tree->h == 3 ? names3 : names6))
		return -1;
	for (uint32_t l = 0; l < tree->h; l++) {
		if (l == 1 && b->integer(b, "uplink_bandwidth"))
			link.bandwidth_bytes_per_s = b->integer(b, "uplink_bandwidth");
		if (weft_xgft_cables(b, tree, l, NULL, link))
			return -1;
	}
	b->set_data(b, tree);
	return 0;
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "fat-tree",
	.summary = "fat tree of any number of levels (XGFT), oversubscribed if asked, D-mod-k routes",
	.params = fat_tree_params,
	.build = fat_tree_build,
	.next_links = weft_xgft_next_links,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
