/* One crossbar: n NPUs, each with one cable to a single switch. Routes have two hops, and only the ports can be full: the
 * reference case of every closed form. */
#include <stdio.h>
#include <weft/topology.h>

static const struct weft_param star_params[] = {
	{"n", WEFT_PARAM_INTEGER, "8", "1..65536", "NPUs"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "per link and direction"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link"},
	{0},
};

static int star_build(struct weft_builder *b)
{
	uint32_t n = (uint32_t)b->integer(b, "n");
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth"), .latency_ps = b->integer(b, "latency")};
	uint32_t *data = b->alloc(b, sizeof *data);
	for (uint32_t i = 0; i < n; i++) {
		char name[32];
		snprintf(name, sizeof name, "npu%u", i);
		b->add_node(b, &(struct weft_node){.kind = WEFT_NODE_NPU, .name = name, .rack = -1, .tray = -1, .slot = (int32_t)i,
			.plane = -1});
	}
	link.target = b->add_node(b, &(struct weft_node){.kind = WEFT_NODE_SWITCH, .name = "switch", .role = "crossbar", .rack = -1,
		.tray = -1, .slot = -1, .plane = -1});
	for (link.source = 0; link.source < n; link.source++)
		if (b->add_cable(b, &link) == WEFT_NONE)
			return -1;
	*data = n;
	b->set_data(b, data);
	return 0;
}

/* Cable i is links 2i (up) and 2i + 1 (down). */
static uint32_t star_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const uint32_t *n = data;
	if (capacity)
		choices[0] = (struct weft_choice){.link = hop->node == *n ? 2 * hop->destination + 1 : 2 * hop->node, .weight = 1};
	return 1;
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "star",
	.summary = "n NPUs around one crossbar",
	.params = star_params,
	.build = star_build,
	.next_links = star_next_links,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
