/* Dragonfly (Kim, Dally, Scott, Abts, ISCA 2008): groups of `routers` joined all to all inside, `hosts` NPUs and `global` cables to other
 * groups per router. The full size is routers × global + 1 groups, one cable between every two; fewer groups share the cables evenly and
 * leave the rest unused. Group i's port j leads to group (i + j + 1) mod groups; port j sits at router j / global.
 *
 * Routes are minimal: local, global, local. Virtual channels rise along a route, so dependencies have no cycle: 0 in the source's
 * group and on the way out of it, 1 in the group that is reached. Valiant goes through a router of any group: 1 up to that router, 2 from
 * it to the destination's group, 3 inside that. */
#include <weft/shape.h>

static const struct weft_param dragonfly_params[] = {
	{"routers", WEFT_PARAM_INTEGER, "4", "1..256", "routers per group (a)"},
	{"hosts", WEFT_PARAM_INTEGER, "2", "1..256", "NPUs per router (p); balanced: a = 2p = 2h"},
	{"global", WEFT_PARAM_INTEGER, "2", "1..256", "cables to other groups per router (h)"},
	{"groups", WEFT_PARAM_INTEGER, "0", "0..65537", "groups; 0: routers × global + 1"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "per link and direction"},
	{"global_bandwidth", WEFT_PARAM_BANDWIDTH, "0 B/s", "0 B/s..1000 TB/s", "between groups; 0: as `bandwidth`"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link"},
	{"global_latency", WEFT_PARAM_TIME, "1 us", "0 ps..1 s", "per link between groups"},
	{0},
};

struct dragonfly {
	uint32_t a, p, h, groups, copies; /* copies: cables between two groups */
	uint32_t n_npus, first_local, first_global;
};

/* Group i's copy c of the cable to group j: its port, and the link out of i. The cable was added by the lower numbered group. */
static uint32_t port_to(const struct dragonfly *fly, uint32_t i, uint32_t j, uint32_t c)
{
	return c * (fly->groups - 1) + (j + fly->groups - i - 1) % fly->groups;
}
static uint32_t global_link(const struct dragonfly *fly, uint32_t i, uint32_t j, uint32_t c)
{
	uint32_t low = i < j ? i : j, high = i < j ? j : i, pairs = fly->groups * (fly->groups - 1) / 2;
	uint32_t pair = (weft_mesh_link(0, fly->groups, low, high)) / 2;
	return fly->first_global + 2 * (c * pairs + pair) + (i > j);
}

static int add_local(struct weft_builder *b, struct dragonfly *fly, struct weft_link link)
{
	for (uint32_t r = 0; r < fly->groups * fly->a; r++)
		if (weft_add(b, (struct weft_node){.kind = WEFT_NODE_SWITCH, .role = "router", .rack = (int32_t)(r / fly->a), .tray = -1,
			.slot = (int32_t)(r % fly->a), .plane = -1}, "g%u.r%u", r / fly->a, r % fly->a) == WEFT_NONE)
			return -1;
	for (link.source = 0; link.source < fly->n_npus; link.source++) {
		link.target = fly->n_npus + link.source / fly->p;
		if (b->add_cable(b, &link) == WEFT_NONE)
			return -1;
	}
	for (uint32_t g = 0; g < fly->groups; g++)
		if (weft_mesh_cables(b, link, fly->n_npus + g * fly->a, 1, fly->a))
			return -1;
	return 0;
}

static int add_global(struct weft_builder *b, const struct dragonfly *fly, struct weft_link link)
{
	for (uint32_t c = 0; c < fly->copies; c++) {
		for (uint32_t i = 0; i < fly->groups; i++) {
			for (uint32_t j = i + 1; j < fly->groups; j++) {
				link.source = fly->n_npus + i * fly->a + port_to(fly, i, j, c) / fly->h;
				link.target = fly->n_npus + j * fly->a + port_to(fly, j, i, c) / fly->h;
				if (b->add_cable(b, &link) == WEFT_NONE)
					return -1;
			}
		}
	}
	return 0;
}

static int dragonfly_build(struct weft_builder *b)
{
	struct dragonfly *fly = b->alloc(b, sizeof *fly);
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth"), .latency_ps = b->integer(b, "latency")};
	fly->a = (uint32_t)b->integer(b, "routers");
	fly->p = (uint32_t)b->integer(b, "hosts");
	fly->h = (uint32_t)b->integer(b, "global");
	fly->groups = (uint32_t)b->integer(b, "groups");
	if (fly->groups == 0)
		fly->groups = fly->a * fly->h + 1;
	if (fly->groups > fly->a * fly->h + 1)
		return b->fail(b, "groups", "%u groups, but %u global cables per group (range: 1..%u)", fly->groups, fly->a * fly->h,
			       fly->a * fly->h + 1);
	if ((uint64_t)fly->groups * fly->a * fly->p > 1u << 20 || (uint64_t)fly->groups * fly->groups > 1u << 25)
		return b->fail(b, "groups", "%llu NPUs in %u groups (range: 1..%u NPUs, 1..5792 groups)",
			       (unsigned long long)fly->groups * fly->a * fly->p, fly->groups, 1u << 20);
	fly->copies = fly->groups > 1 ? fly->a * fly->h / (fly->groups - 1) : 0;
	fly->n_npus = fly->groups * fly->a * fly->p;
	fly->first_local = 2 * fly->n_npus;
	fly->first_global = fly->first_local + fly->groups * fly->a * (fly->a - 1);
	if (weft_add_npus(b, fly->n_npus) || add_local(b, fly, link))
		return -1;
	if (b->integer(b, "global_bandwidth"))
		link.bandwidth_bytes_per_s = b->integer(b, "global_bandwidth");
	link.latency_ps = b->integer(b, "global_latency");
	b->set_channels(b, 4);
	b->set_data(b, fly);
	return add_global(b, fly, link);
}

/* ---- routes ------------------------------------------------------------------------------------------------------------ */

static uint8_t channel(const struct dragonfly *fly, const struct weft_hop *hop, uint32_t group, uint32_t last_group)
{
	if (hop->via_reached)
		return group == last_group ? 3 : 2;
	return group == hop->source / fly->p / fly->a ? 0 : 1;
}

static uint32_t to_router(const struct dragonfly *fly, uint32_t from, uint32_t to)
{
	uint32_t group = from / fly->a;
	return weft_mesh_link(fly->first_local + group * fly->a * (fly->a - 1), fly->a, from % fly->a, to % fly->a);
}

static uint32_t dragonfly_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const struct dragonfly *fly = data;
	if (hop->node < fly->n_npus)
		return weft_choose(choices, capacity, 0, 2 * hop->node, 1, 0);
	uint32_t here = hop->node - fly->n_npus, last = hop->destination / fly->p, n = 0;
	uint32_t target = hop->via != WEFT_NONE ? hop->via - fly->n_npus : last, group = here / fly->a, target_group = target / fly->a;
	uint8_t vc = channel(fly, hop, group, last / fly->a);
	if (here == target)
		return weft_choose(choices, capacity, 0, 2 * hop->destination + 1, 1, vc);
	if (group == target_group)
		return weft_choose(choices, capacity, 0, to_router(fly, here, target), 1, vc);
	/* Of several cables the destination chooses one; the others are legal where this router has them or nothing was crossed yet. */
	uint32_t chosen = hop->destination % fly->copies;
	int entered = hop->in_link < fly->first_local || hop->in_link >= fly->first_global ||
		(hop->via_reached && hop->vc < 2); /* the intermediate router itself: its second leg begins */
	for (uint32_t c = 0; c < fly->copies; c++) {
		uint32_t gate = group * fly->a + port_to(fly, group, target_group, c) / fly->h;
		if (gate == here)
			n = weft_choose(choices, capacity, n, global_link(fly, group, target_group, c), c == chosen, vc);
		else if (entered)
			n = weft_choose(choices, capacity, n, to_router(fly, here, gate), c == chosen, vc);
	}
	return n;
}

static uint32_t dragonfly_via_nodes(const void *data, uint32_t source, uint32_t destination, uint32_t k, uint32_t *node)
{
	const struct dragonfly *fly = data;
	(void)source, (void)destination; /* a router of one of their groups makes the route shorter, as in Valiant's scheme */
	*node = fly->n_npus + k;
	return fly->groups * fly->a;
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "dragonfly",
	.summary = "groups of routers, all to all inside and between groups; minimal and Valiant routes",
	.params = dragonfly_params,
	.build = dragonfly_build,
	.next_links = dragonfly_next_links,
	.via_nodes = dragonfly_via_nodes,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM,
};
