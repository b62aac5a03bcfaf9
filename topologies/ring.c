/* n NPUs in a ring, cables between neighbours in both directions. Routes take the shorter way round; the two ways of a pair
 * opposite each other are equally long and share, half each, so that no direction is busier than the other.
 *
 * Two virtual channels break the cycle of waiting: a packet starts on channel 0 and goes on channel 1 from the link that crosses
 * the dateline, between NPU n-1 and NPU 0 (Dally and Seitz, IEEE Trans. Computers C-36, 1987). With n = 2 the two NPUs have one
 * cable. */
#include <stdio.h>
#include <weft/topology.h>

static const struct weft_param ring_params[] = {
	{"n", WEFT_PARAM_INTEGER, "8", "2..65536", "NPUs"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "per link and direction"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link"},
	{0},
};

static int ring_build(struct weft_builder *b)
{
	uint32_t n = (uint32_t)b->integer(b, "n"), n_cables = n == 2 ? 1 : n;
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth"), .latency_ps = b->integer(b, "latency")};
	uint32_t *data = b->alloc(b, sizeof *data);
	for (uint32_t i = 0; i < n; i++) {
		char name[32];
		snprintf(name, sizeof name, "npu%u", i);
		b->add_node(b, &(struct weft_node){.kind = WEFT_NODE_NPU, .name = name, .rack = -1, .tray = -1, .slot = (int32_t)i,
			.plane = -1});
	}
	for (uint32_t i = 0; i < n_cables; i++) {
		link.source = i;
		link.target = (i + 1) % n;
		if (b->add_cable(b, &link) == WEFT_NONE)
			return -1;
	}
	b->set_channels(b, n > 2 ? 2 : 1);
	*data = n;
	b->set_data(b, data);
	return 0;
}

/* Cable i joins i and i + 1: link 2i leads up, 2i + 1 down. A packet keeps the direction in which it arrived. */
static uint32_t ring_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	uint32_t n = *(const uint32_t *)data, at = hop->node, up = (hop->destination + n - at) % n, found = 0;
	uint32_t up_link = 2 * at, down_link = 2 * ((at + n - 1) % n) + 1;
	int goes_up = up * 2 <= n, goes_down = up * 2 >= n;
	if (n == 2) {
		up_link = at;
		goes_down = 0;
	} else if (hop->in_link != WEFT_NONE) {
		goes_up = hop->in_link % 2 == 0;
		goes_down = !goes_up;
	}
	if (goes_up && found++ < capacity)
		choices[found - 1] = (struct weft_choice){.link = up_link, .weight = 1, .vc = (uint8_t)(hop->vc | (n > 2 && at == n - 1))};
	if (goes_down && found++ < capacity)
		choices[found - 1] = (struct weft_choice){.link = down_link, .weight = 1, .vc = (uint8_t)(hop->vc | (at == 0))};
	return found;
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "ring",
	.summary = "n NPUs in a ring, both directions",
	.params = ring_params,
	.build = ring_build,
	.next_links = ring_next_links,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL,
};
