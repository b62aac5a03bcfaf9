/* n-dimensional torus: a mesh whose lines are closed to rings, twisted if asked. NPU index = x0 + d0 × (x1 + d1 × …). A dimension of 2
 * has one cable, not two parallel ones.
 *
 * `twist` [0, t1, t2, …]: the cable that closes a ring of dimension i shifts dimension 0 by ti, which makes the distances of a
 * torus with one longer dimension more even (Cámara, Moretó, Vallejo, Beivide, Miguel-Alonso, Navaridas: Twisted torus topologies for
 * enhanced interconnection networks, IEEE TPDS 21, 2010). For an a × 2a torus write dims=8x4,twist=0x4.
 *
 * Routes correct dimension 0 first, each the shorter way round. In a plain torus both ways of an even ring are taken to the NPU
 * opposite, half each. In a twisted one a step is taken in the first dimension and direction that comes nearer; because steps commute
 * and routes are shortest, that too never returns to an earlier dimension nor turns round.
 *
 * Virtual channels (Dally and Seitz, IEEE Trans. Computers C-36, 1987): channel 0 until the closing cable of the dimension is crossed,
 * channel 1 from that cable on; each dimension begins at 0 again. Valiant goes through any NPU and uses channels 2 and 3 after it. */
#include <weft/shape.h>

#define MAX_DIMS 6

static const struct weft_param torus_params[] = {
	{"dims", WEFT_PARAM_INTEGER_LIST, "4x4x4", "1..65536: 1..6", "NPUs along each dimension"},
	{"twist", WEFT_PARAM_INTEGER_LIST, "0", "0..65536: 1..6", "shift of dimension 0 by closing each dimension, as 0x4; 0: none"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "50 GB/s", "1 B/s..1000 TB/s", "per link and direction"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link"},
	{0},
};

struct torus {
	uint32_t n_dims, n, dims[MAX_DIMS], stride[MAX_DIMS], twist[MAX_DIMS];
	uint32_t *up, *down;     /* [n][n_dims] links to the neighbours; WEFT_NONE where the dimension has none */
	uint8_t *dim_of;         /* [cables] dimension */
	uint16_t *distance;      /* [n] from NPU 0, when twisted */
};

static uint32_t coordinate(const struct torus *torus, uint32_t npu, uint32_t d) { return npu / torus->stride[d] % torus->dims[d]; }

/* The neighbour above in dimension d, with the twist when the ring closes. */
static uint32_t above(const struct torus *torus, uint32_t npu, uint32_t d)
{
	if (coordinate(torus, npu, d) + 1 < torus->dims[d])
		return npu + torus->stride[d];
	npu -= (torus->dims[d] - 1) * torus->stride[d];
	if (!torus->twist[d])
		return npu;
	uint32_t x = npu % torus->dims[0];
	return npu - x + (x + torus->twist[d]) % torus->dims[0];
}

static int read_twist(struct weft_builder *b, struct torus *torus, int *twisted)
{
	int64_t twist[MAX_DIMS] = {0};
	uint32_t n = b->list(b, "twist", twist, MAX_DIMS);
	*twisted = 0;
	if (n == 1 && twist[0] == 0)
		return 0;
	if (n != torus->n_dims)
		return b->fail(b, "twist", "'twist' has %u values for %u dimensions", n, torus->n_dims);
	if (twist[0])
		return b->fail(b, "twist", "dimension 0 cannot be shifted by itself: 'twist' begins with 0");
	for (uint32_t d = 1; d < n; d++) {
		if (twist[d] >= torus->dims[0])
			return b->fail(b, "twist", "the twist %lld of dimension %u is not below the size of dimension 0 (range: 0..%u)",
				       (long long)twist[d], d, torus->dims[0] - 1);
		/* Else shortest routes could cross the closing cables of a ring twice, and two channels would not be enough. */
		if (twist[d] && (torus->dims[d] < 3 || torus->dims[0] > 2 * torus->dims[d]))
			return b->fail(b, "twist", "a twisted dimension needs at least 3 NPUs and half the size of dimension 0");
		torus->twist[d] = (uint32_t)twist[d];
		*twisted |= twist[d] != 0;
	}
	return 0;
}

static int add_cables(struct weft_builder *b, struct torus *torus)
{
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth"), .latency_ps = b->integer(b, "latency")};
	uint32_t n_dims = torus->n_dims;
	for (uint32_t i = 0; i < torus->n * n_dims; i++)
		torus->up[i] = torus->down[i] = WEFT_NONE;
	for (link.source = 0; link.source < torus->n; link.source++) {
		for (uint32_t d = 0; d < n_dims; d++) {
			if (torus->dims[d] == 1 || (torus->dims[d] == 2 && coordinate(torus, link.source, d) == 1))
				continue;
			link.target = above(torus, link.source, d);
			uint32_t id = b->add_cable(b, &link);
			if (id == WEFT_NONE)
				return -1;
			torus->up[link.source * n_dims + d] = id;
			torus->down[link.target * n_dims + d] = id + 1;
			torus->dim_of[id / 2] = (uint8_t)d;
		}
	}
	return 0;
}

/* The NPU that lies as far from NPU 0 as `to` from `from`: tori look the same from everywhere. */
static uint32_t difference(const struct torus *torus, uint32_t from, uint32_t to)
{
	uint32_t index = 0, shift = 0;
	for (uint32_t d = torus->n_dims; d-- > 0;) {
		uint32_t k = torus->dims[d], here = coordinate(torus, from, d) + (d == 0 ? shift % k : 0), there = coordinate(torus, to, d);
		if (there < here % k && d > 0)
			shift += torus->twist[d]; /* going up from here closes the ring, which moves us along dimension 0 */
		index += (there + k - here % k) % k * torus->stride[d];
	}
	return index;
}

static void measure_distances(struct weft_builder *b, struct torus *torus)
{
	uint32_t *queue = b->alloc(b, (size_t)torus->n * sizeof *queue), head = 0, tail = 1;
	torus->distance = b->alloc(b, (size_t)torus->n * sizeof *torus->distance);
	while (head < tail) {
		uint32_t npu = queue[head++];
		for (uint32_t d = 0; d < torus->n_dims; d++) {
			uint32_t next[2] = {above(torus, npu, d), difference(torus, above(torus, 0, d), npu)};
			for (int i = 0; i < 2; i++) {
				if (next[i] == 0 || torus->distance[next[i]])
					continue;
				torus->distance[next[i]] = (uint16_t)(torus->distance[npu] + 1);
				queue[tail++] = next[i];
			}
		}
	}
}

static int torus_build(struct weft_builder *b)
{
	struct torus *torus = b->alloc(b, sizeof *torus);
	uint64_t product;
	int twisted;
	torus->n_dims = weft_dims(b, "dims", torus->dims, MAX_DIMS, 1u << 20, &product);
	if (!torus->n_dims || read_twist(b, torus, &twisted))
		return -1;
	torus->n = (uint32_t)product;
	torus->up = b->alloc(b, (size_t)torus->n * torus->n_dims * sizeof *torus->up);
	torus->down = b->alloc(b, (size_t)torus->n * torus->n_dims * sizeof *torus->down);
	torus->dim_of = b->alloc(b, (size_t)torus->n * torus->n_dims);
	for (uint32_t d = 0, stride = 1; d < torus->n_dims; stride *= torus->dims[d++])
		torus->stride[d] = stride;
	if (weft_add_npus(b, torus->n) || add_cables(b, torus))
		return -1;
	if (twisted)
		measure_distances(b, torus);
	b->set_channels(b, 4);
	b->set_data(b, torus);
	return 0;
}

/* ---- routes ------------------------------------------------------------------------------------------------------------ */

static int came_along(const struct torus *torus, const struct weft_hop *hop, uint32_t d)
{
	return hop->in_link != WEFT_NONE && torus->dim_of[hop->in_link / 2] == d && (hop->vc >= 2) == (hop->via_reached != 0);
}

static uint32_t choose(const struct torus *torus, const struct weft_hop *hop, uint32_t d, int upwards, struct weft_choice *choices,
	uint32_t capacity, uint32_t n)
{
	uint32_t x = coordinate(torus, hop->node, d), vc = came_along(torus, hop, d) ? hop->vc & 1 : 0;
	if (torus->dims[d] == 2)
		upwards = x == 0; /* one cable */
	else if (x == (upwards ? torus->dims[d] - 1 : 0))
		vc = 1;
	return weft_choose(choices, capacity, n, (upwards ? torus->up : torus->down)[hop->node * torus->n_dims + d], 1,
			   (uint8_t)(vc + (hop->via_reached ? 2 : 0)));
}

static uint32_t next_twisted(const struct torus *torus, const struct weft_hop *hop, uint32_t target, struct weft_choice *choices,
	uint32_t capacity)
{
	uint32_t far = torus->distance[difference(torus, hop->node, target)];
	for (uint32_t d = 0; d < torus->n_dims; d++) {
		if (torus->dims[d] == 1)
			continue;
		/* After a step up from here the target is as far as it is from the neighbour above; down alike, by symmetry. */
		if (torus->distance[difference(torus, above(torus, hop->node, d), target)] + 1u == far)
			return choose(torus, hop, d, 1, choices, capacity, 0);
		if (torus->distance[difference(torus, hop->node, above(torus, target, d))] + 1u == far)
			return choose(torus, hop, d, 0, choices, capacity, 0);
	}
	return 0;
}

static uint32_t torus_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const struct torus *torus = data;
	uint32_t target = hop->via != WEFT_NONE ? hop->via : hop->destination;
	if (torus->distance)
		return next_twisted(torus, hop, target, choices, capacity);
	for (uint32_t d = 0; d < torus->n_dims; d++) {
		uint32_t k = torus->dims[d], up = (coordinate(torus, target, d) + k - coordinate(torus, hop->node, d)) % k, n = 0;
		int goes_up = up * 2 <= k, goes_down = up * 2 >= k;
		if (up == 0)
			continue;
		if (k == 2)
			goes_down = 0;
		if (goes_up)
			n = choose(torus, hop, d, 1, choices, capacity, n);
		if (goes_down)
			n = choose(torus, hop, d, 0, choices, capacity, n);
		return n;
	}
	return 0;
}

static uint32_t torus_via_nodes(const void *data, uint32_t source, uint32_t destination, uint32_t k, uint32_t *node)
{
	const struct torus *torus = data;
	(void)source, (void)destination; /* one of the ends makes the route minimal */
	*node = k;
	return torus->n;
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "torus",
	.summary = "n-dimensional torus of NPUs, twisted if asked, dimension-order routes with datelines",
	.params = torus_params,
	.build = torus_build,
	.next_links = torus_next_links,
	.via_nodes = torus_via_nodes,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL,
};
