/* NVIDIA GB200 NVL72: 72 GPUs and 18 NVSwitch chips, one NVLink 5 from every GPU to every chip.
 *
 * 18 links × 50 GB/s = 900 GB/s per GPU and direction (nvidia.com); 72 × 18 = 1,296 links = 18 chips × 72 ports, 5,184 copper pairs
 * (calculated; press agrees); 18 compute trays of 4 GPUs, 9 switch trays of 2 chips (trade press; the switch trays also in the
 * NVIDIA Base Command Manager documentation). 50 GB/s is the link's own rate; what a library makes of it (NCCL reckons with 40.1) is a
 * matter of its protocol. A crossing of an NVSwitch takes 100 to 200 ns (general knowledge); the default of 150 ns is shared half and
 * half by the two links of a crossing. Copper cables are about 1 m long (assumed).
 *
 * Components: every copper pair, "pair.GPU.SWITCH.LANE", carries one direction of its link (lanes 0 and 1 towards the switch).
 *
 * A message is split evenly over the 18 links of its GPU. merge_planes joins the 18 equal planes into one link of 900 GB/s; single
 * pairs are then not there. */
#include <weft/shape.h>

#define PLANES 18
#define PAIRS 4 /* of copper per NVLink: two lanes of 200 Gb/s each way */

static const struct weft_param nvl72_params[] = {
	{"n", WEFT_PARAM_INTEGER, "72", "1..72", "GPUs: 36 is the NVL36 of the same switches"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "per NVLink and direction"},
	{"latency", WEFT_PARAM_TIME, "150 ns", "0 ps..1 s", "of crossing a switch, both links together"},
	{"merge_planes", WEFT_PARAM_BOOL, "false", NULL, "one switch and link of 18-fold bandwidth instead of 18 equal ones"},
	{0},
};

struct nvl72 {
	uint32_t n, planes;
};

static void add_pairs(struct weft_builder *b, uint32_t gpu, uint32_t plane, uint32_t link)
{
	char name[64];
	for (uint32_t lane = 0; lane < PAIRS; lane++) {
		snprintf(name, sizeof name, "pair.%u.%u.%u", gpu, plane, lane);
		b->carries(b, b->add_component(b, "copper-pair", name, WEFT_NONE), link + lane / 2);
	}
}

static int nvl72_build(struct weft_builder *b)
{
	struct nvl72 *rack = b->alloc(b, sizeof *rack);
	struct weft_link link = {.latency_ps = b->integer(b, "latency") / 2, .kind = "nvl72-backplane", .length_m = 1};
	rack->n = (uint32_t)b->integer(b, "n");
	rack->planes = b->integer(b, "merge_planes") ? 1 : PLANES;
	link.bandwidth_bytes_per_s = b->integer(b, "bandwidth") * (PLANES / rack->planes);
	for (uint32_t g = 0; g < rack->n; g++)
		weft_add(b, (struct weft_node){.kind = WEFT_NODE_NPU, .rack = 0, .tray = (int32_t)(g / 4),
			.slot = (int32_t)(g % 4), .plane = -1}, "gpu%u", g);
	for (uint32_t p = 0; p < rack->planes; p++)
		weft_add(b, (struct weft_node){.kind = WEFT_NODE_SWITCH, .role = "nvswitch", .rack = 0, .tray = (int32_t)(18 + p / 2),
			.slot = (int32_t)(p % 2), .plane = (int32_t)p}, "nvswitch%u", p);
	for (link.source = 0; link.source < rack->n; link.source++) {
		for (uint32_t p = 0; p < rack->planes; p++) {
			link.target = rack->n + p;
			uint32_t id = b->add_cable(b, &link);
			if (id == WEFT_NONE)
				return -1;
			if (rack->planes == PLANES)
				add_pairs(b, link.source, p, id);
		}
	}
	b->set_protocol(b, "nccl@blackwell");
	b->set_data(b, rack);
	return 0;
}

static uint32_t nvl72_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const struct nvl72 *rack = data;
	uint32_t n = 0;
	if (hop->node >= rack->n)
		return weft_choose(choices, capacity, 0, 2 * (hop->destination * rack->planes + hop->node - rack->n) + 1, 1, 0);
	for (uint32_t p = 0; p < rack->planes; p++)
		n = weft_choose(choices, capacity, n, 2 * (hop->node * rack->planes + p), 1, 0);
	return n;
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "nvl72",
	.summary = "NVIDIA GB200 NVL72: 72 GPUs around 18 NVSwitch chips",
	.params = nvl72_params,
	.build = nvl72_build,
	.next_links = nvl72_next_links,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
