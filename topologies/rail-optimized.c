/* Rail-optimised servers: GPU i of every server of a unit is joined to leaf i of that unit, its rail; spines join all leaves. A unit is
 * `unit` servers and `gpus` leaves (32 and 8 in the DGX H100 SuperPOD reference architecture: general knowledge). Inside a server a crossbar
 * stands for NVLink.
 *
 * Between equal rails of a unit a message crosses one leaf. Between different rails it first goes through the crossbar of its own server
 * to the GPU on the destination's rail and leaves from there (`cross_rail: pxn`, what NCCL calls PXN), or it goes over a spine
 * (`cross_rail: spine`). Leaves and spines are a fat tree with D-mod-k routes; nothing turns upwards again, so one virtual channel is enough.
 *
 * NPU index = gpu + gpus × server. As an end of the fat tree: server within the unit, then rail, then unit. */
#include <string.h>
#include <weft/shape.h>

static const struct weft_param rail_params[] = {
	{"servers", WEFT_PARAM_INTEGER, "8", "1..131072", "servers; a multiple of `unit` when above it"},
	{"gpus", WEFT_PARAM_INTEGER, "8", "1..64", "NPUs per server: the number of rails"},
	{"unit", WEFT_PARAM_INTEGER, "32", "1..1024", "servers per unit: the ports downwards of a leaf"},
	{"oversubscription", WEFT_PARAM_INTEGER, "1", "1..64", "ports down per port up at a leaf"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "per link of the rails and direction"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link of the rails"},
	{"server_bandwidth", WEFT_PARAM_BANDWIDTH, "450 GB/s", "1 B/s..1000 TB/s", "between an NPU and its server's crossbar"},
	{"server_latency", WEFT_PARAM_TIME, "75 ns", "0 ps..1 s", "of such a link"},
	{"cross_rail", WEFT_PARAM_CHOICE, "pxn", "pxn|spine", "how messages change rails"},
	{0},
};

struct rails {
	uint32_t servers, gpus, unit, n_npus, first_crossbar, first_rail_link;
	int pxn;
	struct weft_xgft tree;
};

/* Where an NPU hangs in the tree, and the NPU that hangs there. */
static uint32_t end_of(const struct rails *rails, uint32_t npu)
{
	uint32_t server = npu / rails->gpus, rail = npu % rails->gpus;
	return (server / rails->unit * rails->gpus + rail) * rails->unit + server % rails->unit;
}

static int add_servers(struct weft_builder *b, struct rails *rails)
{
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "server_bandwidth"), .latency_ps = b->integer(b, "server_latency"),
		.kind = "nvlink"};
	for (uint32_t i = 0; i < rails->n_npus; i++)
		if (weft_add(b, (struct weft_node){.kind = WEFT_NODE_NPU, .rack = -1, .tray = (int32_t)(i / rails->gpus),
			.slot = (int32_t)(i % rails->gpus), .plane = (int32_t)(i % rails->gpus)}, "server%u.npu%u", i / rails->gpus,
			i % rails->gpus) == WEFT_NONE)
			return -1;
	for (uint32_t s = 0; s < rails->servers; s++)
		weft_add(b, (struct weft_node){.kind = WEFT_NODE_SWITCH, .role = "crossbar", .rack = -1, .tray = (int32_t)s, .slot = -1,
			.plane = -1}, "server%u.crossbar", s);
	for (link.source = 0; link.source < rails->n_npus; link.source++) {
		link.target = rails->first_crossbar + link.source / rails->gpus;
		if (b->add_cable(b, &link) == WEFT_NONE)
			return -1;
	}
	return 0;
}

static int rail_build(struct weft_builder *b)
{
	static const char *const names[] = {"leaf", "spine"};
	struct rails *rails = b->alloc(b, sizeof *rails);
	struct weft_xgft *tree = &rails->tree;
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth"), .latency_ps = b->integer(b, "latency")};
	rails->servers = (uint32_t)b->integer(b, "servers");
	rails->gpus = (uint32_t)b->integer(b, "gpus");
	rails->unit = (uint32_t)b->integer(b, "unit");
	rails->pxn = !strcmp(b->text(b, "cross_rail"), "pxn");
	if (rails->servers < rails->unit)
		rails->unit = rails->servers;
	uint32_t ups = rails->unit / (uint32_t)b->integer(b, "oversubscription");
	if (rails->servers % rails->unit)
		return b->fail(b, "servers", "%u servers are no multiple of the unit of %u", rails->servers, rails->unit);
	if ((uint64_t)rails->servers * rails->gpus > 1u << 20)
		return b->fail(b, "servers", "%llu NPUs (range: 1..%u)", (unsigned long long)rails->servers * rails->gpus, 1u << 20);
	rails->n_npus = rails->first_crossbar = rails->servers * rails->gpus;
	*tree = (struct weft_xgft){.h = 2, .m = {rails->unit, rails->n_npus / rails->unit}, .w = {1, ups ? ups : 1}};
	if (!weft_xgft_init(tree))
		return b->fail(b, "servers", "more than 2^23 nodes");
	rails->first_rail_link = 2 * rails->n_npus;
	uint32_t *ends = b->alloc(b, (size_t)rails->n_npus * sizeof *ends);
	for (uint32_t i = 0; i < rails->n_npus; i++)
		ends[end_of(rails, i)] = i;
	b->set_data(b, rails);
	return add_servers(b, rails) || weft_xgft_switches(b, tree, names) || weft_xgft_cables(b, tree, 0, ends, link) ||
	       weft_xgft_cables(b, tree, 1, NULL, link) ? -1 : 0;
}

static uint32_t from_npu(const struct rails *rails, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	uint32_t to_crossbar = 2 * hop->node, to_leaf = weft_xgft_cable(&rails->tree, 0, end_of(rails, hop->node), 0, 0);
	if (hop->node / rails->gpus == hop->destination / rails->gpus)
		return weft_choose(choices, capacity, 0, to_crossbar, 1, 0);
	int changes = rails->pxn && hop->in_link == WEFT_NONE && hop->node % rails->gpus != hop->destination % rails->gpus;
	uint32_t n = weft_choose(choices, capacity, 0, to_leaf, !changes, 0);
	return changes ? weft_choose(choices, capacity, n, to_crossbar, 1, 0) : n;
}

static uint32_t rail_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const struct rails *rails = data;
	uint32_t level = weft_xgft_level(&rails->tree, hop->node);
	if (level)
		return weft_xgft_next(&rails->tree, level, hop->node - rails->tree.first_node[level], end_of(rails, hop->destination), choices,
				      capacity);
	if (hop->node < rails->n_npus)
		return from_npu(rails, hop, choices, capacity);
	uint32_t server = hop->node - rails->first_crossbar; /* to the destination, or to the NPU of its rail in this server */
	return weft_choose(choices, capacity, 0, 2 * (server * rails->gpus + hop->destination % rails->gpus) + 1, 1, 0);
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "rail-optimized",
	.summary = "servers whose i-th NPUs share a leaf (rail), with spines above and a crossbar in each server",
	.params = rail_params,
	.build = rail_build,
	.next_links = rail_next_links,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_BY_NODE,
};
