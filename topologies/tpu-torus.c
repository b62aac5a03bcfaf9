/* TPU v4 and v5p: slices of a 3D torus made of cubes of 4 × 4 × 4 chips that optical circuit switches join.
 * NPU index = x0 + d0 × (x1 + d1 × x2).
 *
 * Sources (A: cloud.google.com TPU v4, v5p; B, C: summaries of Jouppi et al., arXiv 2304.01433):
 * - v4: 4,096 chips in 64 cubes; a cube is wired electrically; its 6 × 16 = 96 outer links are fibres. 48 circuit switches of 136 ports,
 *   one for each of the 16 places on a face and each dimension: both ends of a dimension meet at one switch, so a cube alone closes to a
 *   torus of 4 × 4 × 4 too (B). 45 to 50 GB/s per link and direction (C): 50 is taken.
 * - v5p: 100 GB/s per link and direction (1,200 GB/s of a chip, both directions, over 6 links; calculated); slices of at most 6,144
 *   chips. How its circuit switches are laid out is not published: as v4's is assumed. 96 cubes then have 192 fibres at each switch, more
 *   than the 128 + 8 ports of v4's: the switch is taken to be 3D MEMS in general.
 * - a circuit is one link, end to end: no hop and no queue in the switch. Its kind carries the switch's insertion loss, so that one
 *   budget holds it. Every circuit switch is a component that carries the links through it.
 * - latencies are not published: 500 ns per link is assumed, and 250 ns more for the fibres of a circuit (about 50 m at 4.9 ns/m).
 *
 * Slices: dimensions that are multiples of 4 make a torus; dimensions of 1, 2, 4 that are not all 4 are a part of a cube, a mesh without
 * circuits. `twisted: true`, for k × k × 2k and k × 2k × 2k in any order (Cámara, Moretó, Vallejo, Beivide, Miguel-Alonso, Navaridas:
 * Twisted torus topologies for enhanced interconnection networks, IEEE TPDS 21, 2010): the circuit that closes a short dimension shifts
 * each long one by k. Then all three dimensions look alike (the lattices are k times the face- and the body-centred cube's), and an
 * all-to-all loads them equally. k is a multiple of 4, so the shifted ends still meet at the same circuit switch.
 *
 * Routes are all shortest displacements (as vectors of steps along the dimensions), each with the same share and each in the order of
 * dimensions. Which of them a message is on follows from the link it came by: it has no steps left in the dimensions before that one.
 * Channels: 0, and 1 from the closing circuit of a dimension on (Dally and Seitz, IEEE Trans. Computers C-36, 1987); no shortest
 * displacement crosses a closing circuit twice, because it has at most k steps in a dimension of k or 2k. */
#include <stdlib.h>
#include <weft/shape.h>

#define DIMS 3
#define CUBE 4

static const struct weft_param tpu_params[] = {
	{"generation", WEFT_PARAM_CHOICE, "v4", "v4|v5p", "bandwidth and the largest slice"},
	{"dims", WEFT_PARAM_INTEGER_LIST, "4x4x8", "1..96: 3..3", "chips along each dimension: multiples of 4, or 1, 2, 4 for a part of a cube"},
	{"twisted", WEFT_PARAM_BOOL, "false", NULL, "closing a short dimension shifts the long ones by half: k x k x 2k and k x 2k x 2k"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "0 B/s", "0 B/s..1000 TB/s", "per link and direction; 0: of the generation, 50 or 100 GB/s"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link in a cube (assumed)"},
	{"circuit_latency", WEFT_PARAM_TIME, "750 ns", "0 ps..1 s", "per circuit between cubes (assumed)"},
	{"circuit", WEFT_PARAM_TEXT, "tpu-circuit", NULL, "link kind of circuits, the switch's loss included"},
	{"switch", WEFT_PARAM_TEXT, "", NULL, "component kind of the circuit switches; empty: of the generation, ocs-palomar or ocs-mems"},
	{0},
};

struct vector {
	int16_t step[DIMS];
};

struct tpu {
	uint32_t dims[DIMS], stride[DIMS], twist[DIMS][DIMS], n;
	int torus;
	uint32_t *up, *down;    /* [n][DIMS] links to the neighbours; WEFT_NONE where there is none */
	uint8_t *dim_of;        /* [cables] */
	uint32_t *first;        /* [n + 1] into `vectors`: shortest displacements by difference; tori only */
	struct vector *vectors;
};

static uint32_t coordinate(const struct tpu *tpu, uint32_t npu, uint32_t d) { return npu / tpu->stride[d] % tpu->dims[d]; }

/* The chip that lies at coordinates, when closing circuits are followed. Twists are half of a dimension: their sign is no matter. */
static uint32_t wrap(const struct tpu *tpu, const int32_t at[DIMS])
{
	int32_t x[DIMS] = {at[0], at[1], at[2]};
	uint32_t index = 0;
	for (uint32_t d = 0; d < DIMS; d++) {
		int32_t size = (int32_t)tpu->dims[d], turns = x[d] >= 0 ? x[d] / size : -((size - 1 - x[d]) / size);
		for (uint32_t other = 0; other < DIMS; other++)
			x[other] += turns * (int32_t)tpu->twist[d][other]; /* twisted dimensions shift only untwisted ones */
	}
	for (uint32_t d = 0; d < DIMS; d++) {
		int32_t size = (int32_t)tpu->dims[d];
		index += (uint32_t)((x[d] % size + size) % size) * tpu->stride[d];
	}
	return index;
}

static uint32_t difference(const struct tpu *tpu, uint32_t from, uint32_t to)
{
	int32_t x[DIMS];
	for (uint32_t d = 0; d < DIMS; d++)
		x[d] = (int32_t)coordinate(tpu, to, d) - (int32_t)coordinate(tpu, from, d);
	return wrap(tpu, x);
}

/* ---- building ---------------------------------------------------------------------------------------------------------- */

static int read_dims(struct weft_builder *b, struct tpu *tpu)
{
	uint32_t limit = b->text(b, "generation")[1] == '4' ? 4096 : 6144, n_multiples = 0, n_parts = 0;
	uint64_t product;
	if (weft_dims(b, "dims", tpu->dims, DIMS, limit, &product) != DIMS)
		return -1;
	tpu->n = (uint32_t)product;
	for (uint32_t d = 0, stride = 1; d < DIMS; stride *= tpu->dims[d++]) {
		tpu->stride[d] = stride;
		n_multiples += tpu->dims[d] % CUBE == 0;
		n_parts += tpu->dims[d] == 1 || tpu->dims[d] == 2 || tpu->dims[d] == CUBE;
	}
	tpu->torus = n_multiples == DIMS;
	if (n_multiples == DIMS || n_parts == DIMS)
		return 0;
	return b->fail(b, "dims", "'dims' %ux%ux%u are neither multiples of 4 nor, for a part of a cube, 1, 2 or 4", tpu->dims[0],
		       tpu->dims[1], tpu->dims[2]);
}

static int read_twist(struct weft_builder *b, struct tpu *tpu)
{
	uint32_t k = tpu->dims[0], n_long = 0;
	int fits = tpu->torus;
	if (!b->integer(b, "twisted"))
		return 0;
	for (uint32_t d = 1; d < DIMS; d++)
		k = tpu->dims[d] < k ? tpu->dims[d] : k;
	for (uint32_t d = 0; d < DIMS; d++) {
		fits &= tpu->dims[d] == k || tpu->dims[d] == 2 * k;
		n_long += tpu->dims[d] == 2 * k;
	}
	if (!fits || n_long == 0)
		return b->fail(b, "twisted", "a slice of %ux%ux%u cannot be twisted (known: k x k x 2k and k x 2k x 2k, k a multiple of 4)",
			       tpu->dims[0], tpu->dims[1], tpu->dims[2]);
	for (uint32_t d = 0; d < DIMS; d++)
		for (uint32_t other = 0; other < DIMS; other++)
			tpu->twist[d][other] = tpu->dims[d] == k && tpu->dims[other] == 2 * k ? k : 0;
	return 0;
}

static int add_chips(struct weft_builder *b, const struct tpu *tpu)
{
	for (uint32_t npu = 0; npu < tpu->n; npu++) {
		uint32_t cube = 0, slot = 0;
		for (uint32_t d = DIMS; d-- > 0;) {
			uint32_t x = coordinate(tpu, npu, d);
			cube = cube * ((tpu->dims[d] + CUBE - 1) / CUBE) + x / CUBE;
			slot = slot * CUBE + x % CUBE;
		}
		if (weft_add(b, (struct weft_node){.kind = WEFT_NODE_NPU, .rack = (int32_t)cube, .tray = -1, .slot = (int32_t)slot,
			.plane = -1}, "npu%u", npu) == WEFT_NONE)
			return -1;
	}
	return 0;
}

/* Which of the 16 places of a face: the coordinates within the cube along the other two dimensions. */
static uint32_t place_on_face(const struct tpu *tpu, uint32_t npu, uint32_t d)
{
	return coordinate(tpu, npu, (d + 1) % DIMS) % CUBE * CUBE + coordinate(tpu, npu, (d + 2) % DIMS) % CUBE;
}

static int add_switches(struct weft_builder *b, uint32_t switches[DIMS * CUBE * CUBE])
{
	char name[32];
	const char *kind = b->text(b, "switch");
	if (!*kind)
		kind = b->text(b, "generation")[1] == '4' ? "ocs-palomar" : "ocs-mems";
	for (uint32_t i = 0; i < DIMS * CUBE * CUBE; i++) {
		snprintf(name, sizeof name, "ocs%u.%u", i / (CUBE * CUBE), i % (CUBE * CUBE));
		switches[i] = b->add_component(b, kind, name, WEFT_NONE);
		if (switches[i] == WEFT_NONE)
			return -1;
	}
	return 0;
}

static int add_links(struct weft_builder *b, struct tpu *tpu, const uint32_t *switches)
{
	int64_t bandwidth = b->integer(b, "bandwidth"), latency = b->integer(b, "latency");
	int64_t circuit_latency = b->integer(b, "circuit_latency");
	const char *circuit = b->text(b, "circuit");
	if (bandwidth == 0)
		bandwidth = b->text(b, "generation")[1] == '4' ? INT64_C(50000000000) : INT64_C(100000000000);
	for (uint32_t npu = 0; npu < tpu->n; npu++) {
		for (uint32_t d = 0; d < DIMS; d++) {
			int32_t x[DIMS] = {(int32_t)coordinate(tpu, npu, 0), (int32_t)coordinate(tpu, npu, 1),
				(int32_t)coordinate(tpu, npu, 2)};
			int leaves_cube = x[d] % CUBE == CUBE - 1, last = (uint32_t)++x[d] == tpu->dims[d];
			if (last && !tpu->torus)
				continue;
			struct weft_link link = {.source = npu, .target = wrap(tpu, x), .bandwidth_bytes_per_s = bandwidth,
				.latency_ps = leaves_cube ? circuit_latency : latency, .kind = leaves_cube ? circuit : "tpu-copper"};
			uint32_t id = b->add_cable(b, &link);
			if (id == WEFT_NONE)
				return -1;
			tpu->up[npu * DIMS + d] = id;
			tpu->down[link.target * DIMS + d] = id + 1;
			tpu->dim_of[id / 2] = (uint8_t)d;
			for (uint32_t way = 0; leaves_cube && way < 2; way++)
				b->carries(b, switches[d * CUBE * CUBE + place_on_face(tpu, npu, d)], id + way);
		}
	}
	return 0;
}

/* Shortest displacements among those that differ from `at` by up to two turns of each closing circuit; writes at most `capacity`. */
static uint32_t shortest(const struct tpu *tpu, uint32_t npu, struct vector *out, uint32_t capacity)
{
	uint32_t n = 0;
	int32_t best = INT32_MAX;
	for (uint32_t turns = 0; turns < 125; turns++) {
		int32_t x[DIMS], length = 0, turn[DIMS] = {(int32_t)(turns % 5) - 2, (int32_t)(turns / 5 % 5) - 2, (int32_t)(turns / 25) - 2};
		for (uint32_t d = 0; d < DIMS; d++) {
			x[d] = (int32_t)coordinate(tpu, npu, d);
			for (uint32_t by = 0; by < DIMS; by++)
				x[d] += turn[by] * (by == d ? (int32_t)tpu->dims[d] : -(int32_t)tpu->twist[by][d]);
			length += abs(x[d]);
		}
		if (length < best)
			n = 0;
		if (length > best)
			continue;
		best = length;
		if (n < capacity)
			out[n] = (struct vector){{(int16_t)x[0], (int16_t)x[1], (int16_t)x[2]}};
		n++;
	}
	return n;
}

static int find_vectors(struct weft_builder *b, struct tpu *tpu)
{
	struct vector found[64];
	uint32_t total = 0;
	tpu->first = b->alloc(b, ((size_t)tpu->n + 1) * sizeof *tpu->first);
	for (uint32_t npu = 0; npu < tpu->n; npu++) {
		uint32_t n = shortest(tpu, npu, found, 64);
		if (n > 64)
			return b->fail(b, "dims", "%u shortest ways between two chips (at most 64)", n);
		tpu->first[npu + 1] = total += n;
	}
	tpu->vectors = b->alloc(b, total * sizeof *tpu->vectors);
	for (uint32_t npu = 0; npu < tpu->n; npu++)
		shortest(tpu, npu, tpu->vectors + tpu->first[npu], tpu->first[npu + 1] - tpu->first[npu]);
	return 0;
}

static int tpu_build(struct weft_builder *b)
{
	struct tpu *tpu = b->alloc(b, sizeof *tpu);
	uint32_t switches[DIMS * CUBE * CUBE];
	if (read_dims(b, tpu) || read_twist(b, tpu))
		return -1;
	tpu->up = b->alloc(b, (size_t)tpu->n * DIMS * sizeof *tpu->up);
	tpu->down = b->alloc(b, (size_t)tpu->n * DIMS * sizeof *tpu->down);
	tpu->dim_of = b->alloc(b, (size_t)tpu->n * DIMS);
	for (uint32_t i = 0; i < tpu->n * DIMS; i++)
		tpu->up[i] = tpu->down[i] = WEFT_NONE;
	if (add_chips(b, tpu) || (tpu->torus && add_switches(b, switches)) || add_links(b, tpu, switches) ||
	    (tpu->torus && find_vectors(b, tpu)))
		return -1;
	b->set_channels(b, 4);
	b->set_data(b, tpu);
	return 0;
}

/* ---- routes ------------------------------------------------------------------------------------------------------------ */

/* The dimension of the link that the message came by on this leg; 0, the first, at its start. */
static uint32_t came_along(const struct tpu *tpu, const struct weft_hop *hop, int *moving)
{
	*moving = hop->in_link != WEFT_NONE && (hop->vc >= 2) == (hop->via_reached != 0);
	return *moving ? tpu->dim_of[hop->in_link / 2] : 0;
}

static uint32_t choose(const struct tpu *tpu, const struct weft_hop *hop, uint32_t d, int upwards, uint32_t weight,
	struct weft_choice *choices, uint32_t capacity, uint32_t n)
{
	int moving;
	uint32_t x = coordinate(tpu, hop->node, d), vc = came_along(tpu, hop, &moving) == d && moving ? hop->vc & 1 : 0;
	if (x == (upwards ? tpu->dims[d] - 1 : 0))
		vc = 1;
	return weft_choose(choices, capacity, n, (upwards ? tpu->up : tpu->down)[hop->node * DIMS + d], weight,
			   (uint8_t)(vc + (hop->via_reached ? 2 : 0)));
}

static uint32_t tpu_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const struct tpu *tpu = data;
	uint32_t target = hop->via != WEFT_NONE ? hop->via : hop->destination, weight[2 * DIMS] = {0}, n = 0, n_vectors = 1;
	struct vector direct;
	const struct vector *vectors = &direct;
	int moving;
	uint32_t along = came_along(tpu, hop, &moving);
	if (tpu->torus) {
		uint32_t from = difference(tpu, hop->node, target);
		vectors = tpu->vectors + tpu->first[from];
		n_vectors = tpu->first[from + 1] - tpu->first[from];
	}
	for (uint32_t d = 0; d < DIMS && !tpu->torus; d++)
		direct.step[d] = (int16_t)((int32_t)coordinate(tpu, target, d) - (int32_t)coordinate(tpu, hop->node, d));
	for (uint32_t i = 0; i < n_vectors; i++) {
		uint32_t d = 0;
		while (d < DIMS - 1 && vectors[i].step[d] == 0)
			d++;
		weight[2 * d + (vectors[i].step[d] > 0)] += d >= along;
	}
	for (uint32_t way = 0; way < 2 * DIMS; way++)
		if (weight[way])
			n = choose(tpu, hop, way / 2, way & 1, weight[way], choices, capacity, n);
	return n;
}

static uint32_t tpu_via_nodes(const void *data, uint32_t source, uint32_t destination, uint32_t k, uint32_t *node)
{
	const struct tpu *tpu = data;
	(void)source, (void)destination; /* one of the ends makes the route minimal */
	*node = k;
	return tpu->n;
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "tpu-torus",
	.summary = "TPU v4 or v5p slice: 4 x 4 x 4 cubes joined by optical circuit switches, twisted if asked",
	.params = tpu_params,
	.build = tpu_build,
	.next_links = tpu_next_links,
	.via_nodes = tpu_via_nodes,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_MINIMAL,
};
