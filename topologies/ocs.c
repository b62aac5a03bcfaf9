/* n chips on one optical circuit switch, one transmitting and one receiving fibre port each. A circuit from chip i to chip j is one link,
 * end to end: no hop and no queue in the switch, whose insertion loss belongs to the link's kind. All n (n - 1) circuits that could be
 * are links; which of them are lit, and when, is said by the section `circuits` of a scenario. Without it all are lit at once, which no
 * switch does: the shape is then n chips fully connected.
 *
 * Messages take their direct circuit and wait until it is lit; nothing is relayed by other chips. */
#include <weft/shape.h>

static const struct weft_param ocs_params[] = {
	{"n", WEFT_PARAM_INTEGER, "8", "2..256", "NPUs"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "of a lit circuit"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "of a circuit, end to end"},
	{"kind", WEFT_PARAM_TEXT, "400g-ocs", NULL, "link kind of a circuit, the switch's loss included"},
	{"switch", WEFT_PARAM_TEXT, "ocs-palomar", NULL, "component kind of the circuit switch"},
	{0},
};

static int ocs_build(struct weft_builder *b)
{
	uint32_t *n = b->alloc(b, sizeof *n), id;
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth"), .latency_ps = b->integer(b, "latency"),
		.kind = b->text(b, "kind")};
	*n = (uint32_t)b->integer(b, "n");
	if (weft_add_npus(b, *n))
		return -1;
	uint32_t component = b->add_component(b, b->text(b, "switch"), "ocs", WEFT_NONE);
	for (link.source = 0; link.source < *n; link.source++) {
		for (link.target = 0; link.target < *n; link.target++) {
			if (link.source == link.target)
				continue;
			if ((id = b->add_link(b, &link)) == WEFT_NONE)
				return -1;
			b->carries(b, component, id);
		}
	}
	b->set_data(b, n);
	return 0;
}

static uint32_t ocs_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const uint32_t *n = data;
	uint32_t target = hop->via != WEFT_NONE ? hop->via : hop->destination;
	return weft_choose(choices, capacity, 0, hop->node * (*n - 1) + target - (target > hop->node), 1, 0);
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "ocs",
	.summary = "n NPUs on one optical circuit switch; the section circuits says which circuits are lit",
	.params = ocs_params,
	.build = ocs_build,
	.next_links = ocs_next_links,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL,
};
