/* HyperX (Ahn et al., SC 2009): switches at the points of a grid, each joined to all that differ from it in one coordinate only, and
 * `hosts` NPUs at every switch. One dimension is a full mesh of switches, all dimensions of 2 a hypercube.
 * NPU index = host + hosts × switch; switch index = x0 + d0 × (x1 + d1 × …).
 *
 * One hop between switches per dimension that differs. By default the first goes first; the other orders are legal too. Every hop
 * between switches uses the next virtual channel, so no order of dimensions can deadlock. Valiant goes through a switch. */
#include <weft/shape.h>

#define MAX_DIMS 6

static const struct weft_param hyperx_params[] = {
	{"dims", WEFT_PARAM_INTEGER_LIST, "4x4", "1..4096: 1..6", "switches along each dimension"},
	{"hosts", WEFT_PARAM_INTEGER, "4", "1..1024", "NPUs per switch"},
	{"lanes", WEFT_PARAM_INTEGER_LIST, "1", "1..1024: 1..6", "width of the links of each dimension, times `bandwidth`; one for all"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "per lane and direction"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link"},
	{0},
};

struct hyperx {
	uint32_t n_dims, hosts, n_npus, n_switches, dims[MAX_DIMS], stride[MAX_DIMS], first_link[MAX_DIMS];
};

/* The cables of a dimension: line by line, in the order of the lines' first switches. */
static int add_dimension(struct weft_builder *b, struct hyperx *hyperx, uint32_t d, struct weft_link link, uint32_t *n_links)
{
	hyperx->first_link[d] = *n_links;
	for (uint32_t s = 0; s < hyperx->n_switches; s++) {
		if (s / hyperx->stride[d] % hyperx->dims[d])
			continue;
		if (weft_mesh_cables(b, link, hyperx->n_npus + s, hyperx->stride[d], hyperx->dims[d]))
			return -1;
		*n_links += hyperx->dims[d] * (hyperx->dims[d] - 1);
	}
	return 0;
}

static int add_hosts(struct weft_builder *b, const struct hyperx *hyperx, struct weft_link link)
{
	if (weft_add_npus(b, hyperx->n_npus))
		return -1;
	for (uint32_t s = 0; s < hyperx->n_switches; s++)
		if (weft_add(b, (struct weft_node){.kind = WEFT_NODE_SWITCH, WEFT_NOWHERE}, "switch%u", s) == WEFT_NONE)
			return -1;
	for (link.source = 0; link.source < hyperx->n_npus; link.source++) {
		link.target = hyperx->n_npus + link.source / hyperx->hosts;
		if (b->add_cable(b, &link) == WEFT_NONE)
			return -1;
	}
	return 0;
}

static int hyperx_build(struct weft_builder *b)
{
	struct hyperx *hyperx = b->alloc(b, sizeof *hyperx);
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth"), .latency_ps = b->integer(b, "latency")};
	int64_t lanes[MAX_DIMS];
	uint64_t product;
	uint32_t n_lanes = b->list(b, "lanes", lanes, MAX_DIMS);
	hyperx->n_dims = weft_dims(b, "dims", hyperx->dims, MAX_DIMS, 1u << 16, &product);
	if (!hyperx->n_dims)
		return -1;
	if (n_lanes != 1 && n_lanes != hyperx->n_dims)
		return b->fail(b, "lanes", "%u values in 'lanes' for %u dimensions", n_lanes, hyperx->n_dims);
	hyperx->hosts = (uint32_t)b->integer(b, "hosts");
	hyperx->n_switches = (uint32_t)product;
	if (product * hyperx->hosts > 1u << 20)
		return b->fail(b, "hosts", "%llu NPUs (range: 1..%u)", (unsigned long long)product * hyperx->hosts, 1u << 20);
	hyperx->n_npus = hyperx->n_switches * hyperx->hosts;
	if (add_hosts(b, hyperx, link))
		return -1;
	uint32_t n_links = 2 * hyperx->n_npus;
	for (uint32_t d = 0, stride = 1; d < hyperx->n_dims; stride *= hyperx->dims[d++]) {
		link.bandwidth_bytes_per_s = b->integer(b, "bandwidth") * lanes[n_lanes == 1 ? 0 : d];
		hyperx->stride[d] = stride;
		if (add_dimension(b, hyperx, d, link, &n_links))
			return -1;
	}
	b->set_channels(b, 2 * hyperx->n_dims + 1);
	b->set_data(b, hyperx);
	return 0;
}

static uint32_t link_of(const struct hyperx *hyperx, uint32_t from, uint32_t d, uint32_t to_x)
{
	uint32_t k = hyperx->dims[d], line = from % hyperx->stride[d] + from / hyperx->stride[d] / k * hyperx->stride[d];
	return weft_mesh_link(hyperx->first_link[d] + line * k * (k - 1), k, from / hyperx->stride[d] % k, to_x);
}

static uint32_t hyperx_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const struct hyperx *hyperx = data;
	if (hop->node < hyperx->n_npus)
		return weft_choose(choices, capacity, 0, 2 * hop->node, 1, 0);
	uint32_t here = hop->node - hyperx->n_npus, n = 0;
	uint32_t there = hop->via != WEFT_NONE ? hop->via - hyperx->n_npus : hop->destination / hyperx->hosts;
	uint8_t vc = (uint8_t)(hop->in_link < 2 * hyperx->n_npus ? 0 : hop->vc + 1);
	for (uint32_t d = 0; d < hyperx->n_dims; d++) {
		uint32_t x = there / hyperx->stride[d] % hyperx->dims[d];
		if (here / hyperx->stride[d] % hyperx->dims[d] != x)
			n = weft_choose(choices, capacity, n, link_of(hyperx, here, d, x), n == 0, vc);
	}
	return n ? n : weft_choose(choices, capacity, 0, 2 * hop->destination + 1, 1, 0);
}

static uint32_t hyperx_via_nodes(const void *data, uint32_t source, uint32_t destination, uint32_t k, uint32_t *node)
{
	const struct hyperx *hyperx = data;
	(void)source, (void)destination; /* a switch of one of the ends makes the route minimal, as in Valiant's scheme */
	*node = hyperx->n_npus + k;
	return hyperx->n_switches;
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "hyperx",
	.summary = "n-dimensional full mesh of switches with NPUs at each",
	.params = hyperx_params,
	.build = hyperx_build,
	.next_links = hyperx_next_links,
	.via_nodes = hyperx_via_nodes,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL,
};
