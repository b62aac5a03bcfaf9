/* n chips on optical circuit switches. Every chip has `ports` fibre ports; a port sends on one fibre and receives on another (or on the same
 * one, through a circulator), both to one switch: port p is on switch p mod `switches`, so that a switch has n × ports / switches of them. A
 * circuit from chip i to chip j joins a port of i to the same port of j, end to end: no hop and no queue in the switch, whose insertion
 * loss belongs to the circuit's budget. (Any state in which no chip has more circuits than ports can be made of circuits between ports of
 * one number: a bipartite graph of degree p has p matchings, König.)
 *
 * The ports that join two chips at one time are one link of their summed rate; all n (n - 1) pairs are links. Which ports join what, and
 * when, is said by the section `circuits` of a scenario. Without it all are lit at once, which no switch does: the shape is then n chips
 * fully connected.
 *
 * Messages take their direct circuit and wait until it is lit; nothing is relayed by other chips. */
#include <weft/shape.h>

static const struct weft_param ocs_params[] = {
	{"n", WEFT_PARAM_INTEGER, "8", "2..256", "NPUs"},
	{"ports", WEFT_PARAM_INTEGER, "1", "1..64", "fibre ports of a chip"},
	{"switches", WEFT_PARAM_INTEGER, "1", "1..64", "circuit switches; at most as many as ports"},
	{"radix", WEFT_PARAM_INTEGER, "0", "0..65536", "ports of a circuit switch; 0: as many as it needs"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "of one port, one way"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "of a circuit, end to end"},
	{"kind", WEFT_PARAM_TEXT, "400g-ocs", NULL, "link kind of a circuit, the switch's loss included"},
	{"switch", WEFT_PARAM_TEXT, "ocs-palomar", NULL, "component kind of the circuit switches"},
	{0},
};

static int add_switches(struct weft_builder *b, uint32_t n_switches, uint32_t *components)
{
	char name[16];
	for (uint32_t s = 0; s < n_switches; s++) {
		snprintf(name, sizeof name, n_switches == 1 ? "ocs" : "ocs%u", s);
		components[s] = b->add_component(b, b->text(b, "switch"), name, WEFT_NONE);
		if (components[s] == WEFT_NONE)
			return -1;
	}
	return 0;
}

/* How many ports a switch has, and whether that is enough. */
static int check_radix(struct weft_builder *b, int64_t n, int64_t ports, int64_t switches)
{
	int64_t radix = b->integer(b, "radix"), needs = n * ((ports + switches - 1) / switches);
	if (switches > ports)
		return b->fail(b, "switches", "%lld switches, but chips have %lld ports", (long long)switches, (long long)ports);
	if (radix && needs > radix)
		return b->fail(b, "radix", "a switch needs %lld ports for %lld chips, but has %lld", (long long)needs, (long long)n, (long long)radix);
	return 0;
}

static int ocs_build(struct weft_builder *b)
{
	uint32_t *n = b->alloc(b, sizeof *n), ports = (uint32_t)b->integer(b, "ports"), components[64], id;
	uint32_t n_switches = (uint32_t)b->integer(b, "switches");
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth") * ports, .latency_ps = b->integer(b, "latency"),
		.kind = b->text(b, "kind")};
	*n = (uint32_t)b->integer(b, "n");
	if (check_radix(b, *n, ports, n_switches) || weft_add_npus(b, *n) || add_switches(b, n_switches, components))
		return -1;
	for (link.source = 0; link.source < *n; link.source++) {
		for (link.target = 0; link.target < *n; link.target++) {
			if (link.source == link.target)
				continue;
			if ((id = b->add_link(b, &link)) == WEFT_NONE)
				return -1;
			b->set_circuit(b, id, ports);
			for (uint32_t s = 0; s < n_switches; s++)
				b->carries(b, components[s], id);
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
	.summary = "n NPUs on optical circuit switches; the section circuits says which circuits are lit",
	.params = ocs_params,
	.build = ocs_build,
	.next_links = ocs_next_links,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
