/* n machines behind a scale-out fabric: any module as the machine, a NIC for every NPU of it, and a fat tree of one, two or three tiers of
 * switches with `radix` ports.
 *
 *     cluster:machine=hgx,machine_params=(gpu=h100),n=64,tiers=2,wiring=rails
 *     cluster:machine=cloudmatrix384,n=4,nic_bandwidth=400 Gb/s
 *
 * `wiring: servers` puts the NICs of a machine side by side under one leaf; `rails` gives the i-th NICs of `unit` machines a leaf of their
 * own (rail-optimised). A leaf uses s/(s+1) of its ports downwards, s = oversubscription; tiers are only as wide as the NPUs need, and the
 * number of switches above a leaf stays, so a small cluster keeps its bandwidth and leaves ports unused.
 *
 * Defaults are those of InfiniBand NDR: 400 Gb/s, 64 ports (QM9700), 250 ns for a switch with its cable at each link (below 150 ns for the
 * switch itself by a shop's page; general knowledge), 500 ns between NPU and NIC (assumed: PCIe and the NIC's pipeline).
 *
 * Routes inside a machine are the machine's. Between machines a message leaves by its own NPU's NIC and goes up and down the tree
 * (D-mod-k on the destination); changing rails therefore uses a spine. Up/down needs one virtual channel; machines may need more. */
#include <string.h>
#include <weft/shape.h>

static const struct weft_param cluster_params[] = {
	{"machine", WEFT_PARAM_TEXT, "hgx", NULL, "module of one machine"},
	{"machine_params", WEFT_PARAM_TEXT, "", NULL, "its parameters: (gpu=h100,latency=150 ns)"},
	{"n", WEFT_PARAM_INTEGER, "4", "1..65536", "machines"},
	{"tiers", WEFT_PARAM_INTEGER, "2", "1..3", "tiers of switches"},
	{"radix", WEFT_PARAM_INTEGER, "64", "2..4096", "ports of a switch"},
	{"oversubscription", WEFT_PARAM_INTEGER, "1", "1..64", "ports down per port up at a leaf"},
	{"top_oversubscription", WEFT_PARAM_INTEGER, "1", "1..64", "the same at the second of three tiers (7 in Meta's 24K cluster)"},
	{"wiring", WEFT_PARAM_CHOICE, "servers", "servers|rails", "which NICs share a leaf"},
	{"unit", WEFT_PARAM_INTEGER, "32", "1..4096", "rails: machines per leaf; a multiple of it when n is above it"},
	{"nic_bandwidth", WEFT_PARAM_BANDWIDTH, "400 Gb/s", "1 B/s..1000 TB/s", "per NPU and direction, its link to the NIC too"},
	{"nic_latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "between NPU and NIC"},
	{"latency", WEFT_PARAM_TIME, "250 ns", "0 ps..1 s", "per link of the fabric"},
	{"link_kind", WEFT_PARAM_TEXT, "optical", NULL, "kind of the fabric's links"},
	{0},
};

struct cluster {
	uint32_t n, per_machine, n_npus, unit; /* unit 0: not by rails */
	uint32_t first_nic, first_host_link;
	uint32_t *npu_of;                      /* [nodes of all machines] NPU index; WEFT_NONE */
	struct weft_xgft tree;
};

/* Where the NIC of an NPU hangs in the tree. */
static uint32_t end_of(const struct cluster *cluster, uint32_t npu)
{
	uint32_t machine = npu / cluster->per_machine, rail = npu % cluster->per_machine, unit = cluster->unit;
	return unit ? (machine / unit * cluster->per_machine + rail) * unit + machine % unit : npu;
}

static int add_machines(struct weft_builder *b, struct cluster *cluster)
{
	struct weft_include machine;
	char prefix[32];
	for (uint32_t i = 0; i < cluster->n; i++) {
		snprintf(prefix, sizeof prefix, "m%u.", i);
		if (b->include(b, b->text(b, "machine"), b->text(b, "machine_params"), prefix, &machine))
			return -1;
		cluster->per_machine = machine.n_npus;
		if ((uint64_t)cluster->n * machine.n_npus > 1u << 20)
			return b->fail(b, "n", "%u machines of %u NPUs (range: 1..%u NPUs)", cluster->n, machine.n_npus, 1u << 20);
		cluster->first_nic = machine.first_node + machine.n_nodes;
		cluster->first_host_link = machine.first_link + machine.n_links;
	}
	cluster->n_npus = cluster->n * cluster->per_machine;
	cluster->npu_of = b->alloc(b, (size_t)cluster->first_nic * sizeof *cluster->npu_of);
	memset(cluster->npu_of, 0xff, (size_t)cluster->first_nic * sizeof *cluster->npu_of);
	for (uint32_t k = 0; k < cluster->n_npus; k++)
		cluster->npu_of[b->npu(b, k)] = k;
	return 0;
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t divide_up(uint32_t a, uint32_t b) { return (a + b - 1) / b; }

/* The tree that is just wide enough for the NPUs. */
static int plan_tree(struct weft_builder *b, struct cluster *cluster)
{
	struct weft_xgft *tree = &cluster->tree;
	uint32_t radix = (uint32_t)b->integer(b, "radix"), s = (uint32_t)b->integer(b, "oversubscription");
	uint32_t s2 = (uint32_t)b->integer(b, "top_oversubscription"), n = cluster->n_npus;
	tree->h = (uint32_t)b->integer(b, "tiers");
	uint32_t down = tree->h == 1 ? radix : radix / (s + 1) * s, up = radix / (s + 1);
	uint32_t down2 = tree->h == 2 ? radix : radix / (s2 + 1) * s2, up2 = radix / (s2 + 1);
	if (tree->h > 1 && (!up || !down || (tree->h == 3 && (!up2 || !down2))))
		return b->fail(b, "oversubscription", "a switch of %u ports has none left upwards", radix);
	if (cluster->unit && cluster->unit > down)
		return b->fail(b, "unit", "%u machines per leaf, which has %u ports downwards", cluster->unit, down);
	tree->m[0] = cluster->unit ? cluster->unit : smaller(down, n);
	tree->m[1] = tree->h > 1 ? smaller(down2, divide_up(n, tree->m[0])) : 1;
	tree->m[2] = tree->h > 2 ? divide_up(n, tree->m[0] * tree->m[1]) : 1;
	tree->w[0] = 1;
	tree->w[1] = cluster->unit && cluster->unit < down ? (cluster->unit + s - 1) / s : up;
	tree->w[2] = up2;
	uint64_t ends = (uint64_t)tree->m[0] * tree->m[1] * tree->m[2];
	if (ends < n || tree->m[2] > radix)
		return b->fail(b, "n", "%u NPUs do not fit %u tier%s of switches with %u ports (range: 1..%llu)", n, tree->h,
			       tree->h == 1 ? "" : "s", radix,
			       (unsigned long long)(cluster->unit ? cluster->unit : down) * (tree->h > 1 ? down2 : 1) * (tree->h > 2 ? radix : 1));
	tree->n_present = n;
	if (!weft_xgft_init(tree))
		return b->fail(b, "n", "the fabric has more than 2^23 nodes");
	return 0;
}

static int add_nics(struct weft_builder *b, const struct cluster *cluster)
{
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "nic_bandwidth"), .latency_ps = b->integer(b, "nic_latency"),
		.kind = "copper"};
	for (uint32_t k = 0; k < cluster->n_npus; k++)
		if (weft_add(b, (struct weft_node){.kind = WEFT_NODE_NIC, .rack = -1, .tray = -1,
			.slot = (int32_t)(k % cluster->per_machine), .plane = cluster->unit ? (int32_t)(k % cluster->per_machine) : -1},
			"m%u.nic%u", k / cluster->per_machine, k % cluster->per_machine) == WEFT_NONE)
			return -1;
	for (uint32_t k = 0; k < cluster->n_npus; k++) {
		link.source = b->npu(b, k);
		link.target = cluster->first_nic + k;
		if (b->add_cable(b, &link) == WEFT_NONE)
			return -1;
	}
	return 0;
}

static int cluster_build(struct weft_builder *b)
{
	static const char *const names[] = {"leaf", "spine", "core"};
	struct cluster *cluster = b->alloc(b, sizeof *cluster);
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "nic_bandwidth"), .latency_ps = b->integer(b, "latency"),
		.kind = b->text(b, "link_kind")};
	cluster->n = (uint32_t)b->integer(b, "n");
	if (!strcmp(b->text(b, "wiring"), "rails"))
		cluster->unit = smaller((uint32_t)b->integer(b, "unit"), cluster->n);
	if (cluster->unit && cluster->n % cluster->unit)
		return b->fail(b, "n", "%u machines are no multiple of the unit of %u", cluster->n, cluster->unit);
	if (add_machines(b, cluster) || plan_tree(b, cluster) || add_nics(b, cluster) || weft_xgft_switches(b, &cluster->tree, names))
		return -1;
	uint32_t *ends = b->alloc(b, (size_t)cluster->n_npus * sizeof *ends);
	for (uint32_t k = 0; k < cluster->n_npus; k++)
		ends[end_of(cluster, k)] = cluster->first_nic + k;
	for (uint32_t l = 0; l < cluster->tree.h; l++)
		if (weft_xgft_cables(b, &cluster->tree, l, ends, link))
			return -1;
	b->set_data(b, cluster);
	return 0;
}

static uint32_t cluster_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const struct cluster *cluster = data;
	uint32_t destination = cluster->npu_of[hop->destination], end = end_of(cluster, destination);
	uint32_t level = weft_xgft_level(&cluster->tree, hop->node), nic = hop->node - cluster->first_nic;
	if (level)
		return weft_xgft_next(&cluster->tree, level, hop->node - cluster->tree.first_node[level], end, choices, capacity);
	if (hop->node < cluster->first_nic) /* the machine's own nodes ask us only about other machines: at the NPU that sent */
		return cluster->npu_of[hop->node] == WEFT_NONE ? 0
			: weft_choose(choices, capacity, 0, cluster->first_host_link + 2 * cluster->npu_of[hop->node], 1, 0);
	if (nic == destination)
		return weft_choose(choices, capacity, 0, cluster->first_host_link + 2 * nic + 1, 1, 0);
	return weft_xgft_next(&cluster->tree, 0, end_of(cluster, nic), end, choices, capacity);
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "cluster",
	.summary = "n machines of any kind behind a fat tree of NICs, by servers or by rails",
	.params = cluster_params,
	.build = cluster_build,
	.next_links = cluster_next_links,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_BY_NODE,
};
