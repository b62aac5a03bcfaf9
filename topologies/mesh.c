/* n-dimensional mesh: NPUs at the points of a grid, cables between neighbours, no way round. NPU index = x0 + d0 × (x1 + d1 × …).
 *
 * Routes correct the first dimension first (dimension order): a turn back to an earlier dimension never happens, so one virtual
 * channel cannot deadlock. Valiant goes through any NPU and uses a second channel after it. */
#include <weft/shape.h>

#define MAX_DIMS 6

static const struct weft_param mesh_params[] = {
	{"dims", WEFT_PARAM_INTEGER_LIST, "4x4", "1..65536: 1..6", "NPUs along each dimension"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "per link and direction"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link"},
	{0},
};

struct mesh {
	uint32_t n_dims, n, dims[MAX_DIMS], stride[MAX_DIMS];
	uint32_t *up; /* [n][n_dims] the link to the neighbour above; the way back is the next id */
};

static int mesh_build(struct weft_builder *b)
{
	struct mesh *mesh = b->alloc(b, sizeof *mesh);
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth"), .latency_ps = b->integer(b, "latency")};
	uint64_t product;
	mesh->n_dims = weft_dims(b, "dims", mesh->dims, MAX_DIMS, 1u << 20, &product);
	if (!mesh->n_dims)
		return -1;
	mesh->n = (uint32_t)product;
	mesh->up = b->alloc(b, (size_t)mesh->n * mesh->n_dims * sizeof *mesh->up);
	for (uint32_t d = 0, stride = 1; d < mesh->n_dims; stride *= mesh->dims[d++])
		mesh->stride[d] = stride;
	if (weft_add_npus(b, mesh->n))
		return -1;
	for (link.source = 0; link.source < mesh->n; link.source++) {
		for (uint32_t d = 0; d < mesh->n_dims; d++) {
			if (link.source / mesh->stride[d] % mesh->dims[d] + 1 == mesh->dims[d])
				continue;
			link.target = link.source + mesh->stride[d];
			if ((mesh->up[link.source * mesh->n_dims + d] = b->add_cable(b, &link)) == WEFT_NONE)
				return -1;
		}
	}
	b->set_channels(b, 2);
	b->set_data(b, mesh);
	return 0;
}

static uint32_t mesh_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const struct mesh *mesh = data;
	uint32_t target = hop->via != WEFT_NONE ? hop->via : hop->destination;
	for (uint32_t d = 0; d < mesh->n_dims; d++) {
		uint32_t here = hop->node / mesh->stride[d] % mesh->dims[d], there = target / mesh->stride[d] % mesh->dims[d];
		if (here == there)
			continue;
		uint32_t link = here < there ? mesh->up[hop->node * mesh->n_dims + d]
					     : mesh->up[(hop->node - mesh->stride[d]) * mesh->n_dims + d] + 1;
		return weft_choose(choices, capacity, 0, link, 1, hop->via_reached);
	}
	return 0;
}

static uint32_t mesh_via_nodes(const void *data, uint32_t source, uint32_t destination, uint32_t k, uint32_t *node)
{
	const struct mesh *mesh = data;
	(void)source, (void)destination; /* one of the ends makes the route minimal */
	*node = k;
	return mesh->n;
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "mesh",
	.summary = "n-dimensional mesh of NPUs, dimension-order routes",
	.params = mesh_params,
	.build = mesh_build,
	.next_links = mesh_next_links,
	.via_nodes = mesh_via_nodes,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
