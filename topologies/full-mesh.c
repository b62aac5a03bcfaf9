/* n-dimensional full mesh: NPUs at the points of a grid, and every NPU joined to all that differ from it in one coordinate only. Two
 * dimensions are a UB-Mesh rack (8 × 8), four its pod (arXiv 2503.20377); `lanes` makes the links of a dimension wider.
 * NPU index = x0 + d0 × (x1 + d1 × …).
 *
 * One hop per dimension. By default the first dimension that differs goes first; the other orders are legal too. Every hop uses the
 * next virtual channel, so dependencies only lead to higher channels and no order of dimensions can deadlock. */
#include <weft/shape.h>

#define MAX_DIMS 6

static const struct weft_param full_mesh_params[] = {
	{"dims", WEFT_PARAM_INTEGER_LIST, "4x4", "1..4096: 1..6", "NPUs along each dimension"},
	{"lanes", WEFT_PARAM_INTEGER_LIST, "1", "1..1024: 1..6", "width of the links of each dimension, times `bandwidth`; one for all"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "per lane and direction"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link"},
	{0},
};

struct full_mesh {
	uint32_t n_dims, n, dims[MAX_DIMS], stride[MAX_DIMS], first_link[MAX_DIMS];
};

/* The cables of a dimension: line by line, in the order of the lines' first NPUs. */
static int add_dimension(struct weft_builder *b, struct full_mesh *mesh, uint32_t d, struct weft_link link, uint32_t *n_links)
{
	mesh->first_link[d] = *n_links;
	for (uint32_t npu = 0; npu < mesh->n; npu++) {
		if (npu / mesh->stride[d] % mesh->dims[d])
			continue;
		if (weft_mesh_cables(b, link, npu, mesh->stride[d], mesh->dims[d]))
			return -1;
		*n_links += mesh->dims[d] * (mesh->dims[d] - 1);
	}
	return 0;
}

static int full_mesh_build(struct weft_builder *b)
{
	struct full_mesh *mesh = b->alloc(b, sizeof *mesh);
	int64_t lanes[MAX_DIMS];
	uint64_t product;
	uint32_t n_links = 0, n_lanes = b->list(b, "lanes", lanes, MAX_DIMS);
	mesh->n_dims = weft_dims(b, "dims", mesh->dims, MAX_DIMS, 1u << 16, &product);
	if (!mesh->n_dims)
		return -1;
	if (n_lanes != 1 && n_lanes != mesh->n_dims)
		return b->fail(b, "lanes", "%u values in 'lanes' for %u dimensions", n_lanes, mesh->n_dims);
	mesh->n = (uint32_t)product;
	if (weft_add_npus(b, mesh->n))
		return -1;
	for (uint32_t d = 0, stride = 1; d < mesh->n_dims; stride *= mesh->dims[d++]) {
		struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth") * lanes[n_lanes == 1 ? 0 : d],
			.latency_ps = b->integer(b, "latency")};
		mesh->stride[d] = stride;
		if (add_dimension(b, mesh, d, link, &n_links))
			return -1;
	}
	b->set_channels(b, 2 * mesh->n_dims);
	b->set_data(b, mesh);
	return 0;
}

static uint32_t link_of(const struct full_mesh *mesh, uint32_t from, uint32_t d, uint32_t to_x)
{
	uint32_t k = mesh->dims[d], line = from % mesh->stride[d] + from / mesh->stride[d] / k * mesh->stride[d];
	return weft_mesh_link(mesh->first_link[d] + line * k * (k - 1), k, from / mesh->stride[d] % k, to_x);
}

static uint32_t full_mesh_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const struct full_mesh *mesh = data;
	uint32_t target = hop->via != WEFT_NONE ? hop->via : hop->destination, n = 0;
	uint8_t vc = (uint8_t)(hop->in_link == WEFT_NONE ? 0 : hop->vc + 1);
	for (uint32_t d = 0; d < mesh->n_dims; d++) {
		uint32_t here = hop->node / mesh->stride[d] % mesh->dims[d], there = target / mesh->stride[d] % mesh->dims[d];
		if (here != there)
			n = weft_choose(choices, capacity, n, link_of(mesh, hop->node, d, there), n == 0, vc);
	}
	return n;
}

static uint32_t full_mesh_via_nodes(const void *data, uint32_t source, uint32_t destination, uint32_t k, uint32_t *node)
{
	const struct full_mesh *mesh = data;
	uint32_t low = source < destination ? source : destination, high = source < destination ? destination : source;
	k += k >= low;
	k += k >= high;
	*node = k;
	return mesh->n - 2;
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "full-mesh",
	.summary = "n-dimensional full mesh of NPUs: a cable between all that share all coordinates but one",
	.params = full_mesh_params,
	.build = full_mesh_build,
	.next_links = full_mesh_next_links,
	.via_nodes = full_mesh_via_nodes,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL,
};
