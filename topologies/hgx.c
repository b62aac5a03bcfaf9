/* One HGX baseboard: 8 GPUs, each joined to every NVSwitch chip by several NVLinks.
 *
 *          links per GPU  × rate      switches  links per GPU and switch   source
 *   a100   12  × 25 GB/s (NVLink 3)   6         2 2 2 2 2 2                300 GB/s per direction: Machine Learning Engineering
 *                                                                          Open Book; 6 NVSwitches: NVIDIA A100 white paper
 *   h100   18  × 25 GB/s (NVLink 4)   4         5 4 4 5                    450 GB/s per direction: same book; the split 5/4/4/5:
 *   h200   as h100                                                         general knowledge of the baseboard
 *   h800    8  × 25 GB/s              4         2 2 2 2                    200 GB/s per direction: DeepEP legacy documentation
 *   h20    18  × 25 GB/s              4         5 4 4 5                    900 GB/s both ways: vendor pages
 *
 * Rates are the links' own (line) rates: what a library makes of them (NCCL reckons with 20.0 of 25 GB/s on A100, 20.6 on Hopper)
 * is a matter of its protocol. A crossing of an NVSwitch takes 100 to 200 ns (general knowledge); the default of 150 ns is shared
 * half and half by the two links of a crossing.
 *
 * A message is split evenly over its GPU's links; a switch sends it on over the link of the same number. */
#include <string.h>
#include <weft/shape.h>

#define GPUS 8
#define MAX_SWITCHES 6

static const struct weft_param hgx_params[] = {
	{"gpu", WEFT_PARAM_CHOICE, "h100", "a100|h100|h200|h800|h20", "which GPU"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "25 GB/s", "1 B/s..1000 TB/s", "per NVLink and direction"},
	{"latency", WEFT_PARAM_TIME, "150 ns", "0 ps..1 s", "of crossing a switch, both links together"},
	{0},
};

struct hgx {
	uint32_t n_switches, lanes[MAX_SWITCHES], first_lane[MAX_SWITCHES + 1];
};

static void choose_board(struct hgx *hgx, const char *gpu)
{
	static const uint32_t a100[] = {2, 2, 2, 2, 2, 2}, h100[] = {5, 4, 4, 5}, h800[] = {2, 2, 2, 2};
	const uint32_t *lanes = !strcmp(gpu, "a100") ? a100 : !strcmp(gpu, "h800") ? h800 : h100;
	hgx->n_switches = lanes == a100 ? 6 : 4;
	for (uint32_t s = 0; s < hgx->n_switches; s++) {
		hgx->lanes[s] = lanes[s];
		hgx->first_lane[s + 1] = hgx->first_lane[s] + lanes[s];
	}
}

/* Cable of GPU g's lane k is number g * lanes + k: link up 2 × that, down the next. */
static int hgx_build(struct weft_builder *b)
{
	struct hgx *hgx = b->alloc(b, sizeof *hgx);
	int64_t latency = b->integer(b, "latency");
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth"), .kind = "nvlink", .length_m = 0.5};
	choose_board(hgx, b->text(b, "gpu"));
	for (uint32_t g = 0; g < GPUS; g++)
		weft_add(b, (struct weft_node){.kind = WEFT_NODE_NPU, .rack = 0, .tray = 0, .slot = (int32_t)g, .plane = -1},
			 "gpu%u", g);
	for (uint32_t s = 0; s < hgx->n_switches; s++)
		weft_add(b, (struct weft_node){.kind = WEFT_NODE_SWITCH, .role = "nvswitch", .rack = 0, .tray = 0, .slot = -1,
			.plane = (int32_t)s}, "nvswitch%u", s);
	link.latency_ps = latency / 2;
	for (link.source = 0; link.source < GPUS; link.source++) {
		for (uint32_t s = 0; s < hgx->n_switches; s++) {
			link.target = GPUS + s;
			for (uint32_t lane = 0; lane < hgx->lanes[s]; lane++)
				if (b->add_cable(b, &link) == WEFT_NONE)
					return -1;
		}
	}
	b->set_protocol(b, hgx->n_switches == 6 ? "nccl@ampere" : "nccl@hopper");
	b->set_data(b, hgx);
	return 0;
}

static uint32_t hgx_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const struct hgx *hgx = data;
	uint32_t lanes = hgx->first_lane[hgx->n_switches], n = 0;
	if (hop->node < GPUS) {
		for (uint32_t lane = 0; lane < lanes; lane++)
			n = weft_choose(choices, capacity, n, 2 * (hop->node * lanes + lane), 1, 0);
		return n;
	}
	uint32_t s = hop->node - GPUS, same = hop->in_link / 2 % lanes;
	for (uint32_t lane = hgx->first_lane[s]; lane < hgx->first_lane[s + 1]; lane++)
		n = weft_choose(choices, capacity, n, 2 * (hop->destination * lanes + lane) + 1, lane == same, 0);
	return n;
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "hgx",
	.summary = "one NVIDIA HGX server of 8 GPUs around NVSwitch (A100, H100, H200, H800, H20)",
	.params = hgx_params,
	.build = hgx_build,
	.next_links = hgx_next_links,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
