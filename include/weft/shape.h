/* Small helpers for topology modules, all static: names and places of nodes, and the tree arithmetic that several modules share.
 * Nothing here is needed to write a module; it only makes one shorter. */
#ifndef WEFT_SHAPE_H
#define WEFT_SHAPE_H

#include <stdarg.h>
#include <stdio.h>
#include <weft/topology.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#define WEFT_PRINTF(at, first) __attribute__((format(printf, at, first), unused))
#define WEFT_UNUSED __attribute__((unused))
#else
#define WEFT_PRINTF(at, first)
#define WEFT_UNUSED
#endif

/* Adds a node called by a format; place and plane as in `like` (-1: none). Returns its id or WEFT_NONE. */
WEFT_PRINTF(3, 4) static uint32_t weft_add(struct weft_builder *b, struct weft_node like, const char *format, ...)
{
	char name[96];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(name, sizeof name, format, arguments);
	va_end(arguments);
	like.name = name;
	return b->add_node(b, &like);
}

/* A node of no known place. */
#define WEFT_NOWHERE .rack = -1, .tray = -1, .slot = -1, .plane = -1

/* npu0 … npu(n-1). Returns 0 or -1. */
WEFT_UNUSED static int weft_add_npus(struct weft_builder *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (weft_add(b, (struct weft_node){.kind = WEFT_NODE_NPU, WEFT_NOWHERE}, "npu%u", i) == WEFT_NONE)
			return -1;
	return 0;
}

/* Writes a choice if there is room and counts it. */
WEFT_UNUSED static uint32_t weft_choose(struct weft_choice *choices, uint32_t capacity, uint32_t n, uint32_t link, uint32_t weight,
	uint8_t vc)
{
	if (n < capacity) {
		choices[n].link = link;
		choices[n].weight = weight;
		choices[n].vc = vc;
	}
	return n + 1;
}

/* Reads a list parameter of 32-bit values; returns how many, or 0 after b->fail when its product is above `limit`. */
WEFT_UNUSED static uint32_t weft_dims(struct weft_builder *b, const char *param, uint32_t *dims, uint32_t capacity, uint64_t limit,
	uint64_t *product)
{
	int64_t values[32];
	uint32_t n = b->list(b, param, values, 32);
	*product = 1;
	for (uint32_t i = 0; i < n && i < capacity && i < 32; i++) {
		*product *= (uint64_t)values[i];
		if (*product > limit) {
			b->fail(b, param, "'%s' multiply to more than %llu (range of the product: 1..%llu)", param,
				(unsigned long long)limit, (unsigned long long)limit);
			return 0;
		}
		dims[i] = (uint32_t)values[i];
	}
	return n;
}

/* ---- full meshes: a cable between every two of n ------------------------------------------------------------------------- */

/* The link from i to j (different) of a full mesh whose first cable's id is `first`: cables are (0,1), (0,2), …, (1,2), …. */
WEFT_UNUSED static uint32_t weft_mesh_link(uint32_t first, uint32_t n, uint32_t i, uint32_t j)
{
	uint64_t low = i < j ? i : j, high = i < j ? j : i;
	return (uint32_t)(first + 2 * (low * (2 * (uint64_t)n - low - 1) / 2 + high - low - 1) + (i > j));
}

/* Cables between all of nodes first, first + stride, …: n of them. Returns 0 or -1. */
WEFT_UNUSED static int weft_mesh_cables(struct weft_builder *b, struct weft_link link, uint32_t first, uint32_t stride, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t j = i + 1; j < n; j++) {
			link.source = first + i * stride;
			link.target = first + j * stride;
			if (b->add_cable(b, &link) == WEFT_NONE)
				return -1;
		}
	}
	return 0;
}

/* A server: NPUs npu0 … npu(n-1) in one tray and a cable of `link`'s kind between every two. To be the whole module: its data become what
 * weft_mesh_server_next reads. Returns 0 or -1. */
WEFT_UNUSED static int weft_mesh_server(struct weft_builder *b, struct weft_link link, uint32_t n)
{
	uint32_t *data = b->alloc(b, sizeof *data);
	*data = n;
	for (uint32_t i = 0; i < n; i++)
		if (weft_add(b, (struct weft_node){.kind = WEFT_NODE_NPU, .rack = 0, .tray = 0, .slot = (int32_t)i, .plane = -1}, "npu%u", i) ==
		    WEFT_NONE)
			return -1;
	b->set_data(b, data);
	return weft_mesh_cables(b, link, 0, 1, n);
}

WEFT_UNUSED static uint32_t weft_mesh_server_next(const void *data, const struct weft_hop *hop, struct weft_choice *choices,
	uint32_t capacity)
{
	const uint32_t *n = data;
	return weft_choose(choices, capacity, 0, weft_mesh_link(0, *n, hop->node, hop->destination), 1, 0);
}

/* ---- extended generalised fat trees ---------------------------------------------------------------------------------------
 *
 * XGFT(h; m_1 … m_h; w_1 … w_h) (Öhring, Ibel, Das, Kumar: On generalized fat trees, IPPS 1995): a node of level l has w_(l+1)
 * parents, a node of level l + 1 has m_(l+1) children; level 0 are the end points, w_1 may be above 1 (several planes). Node x of
 * level l is X * W_l + Y with X = which subtree of height l, Y = which of its W_l = w_1 … w_l roots. Its c-th parent is
 * (X / m_(l+1)) * W_(l+1) + Y + W_l * c.
 *
 * Routes go up as far as needed and down the only way. On the way up D-mod-k takes parent (d / W_l) mod w_(l+1) for destination
 * d (Zahavi: D-mod-k routing, 2010): all messages to one destination meet at one root, and a shift permutation does not collide. */
#define WEFT_XGFT_LEVELS 6

struct weft_xgft {
	uint32_t h;
	uint32_t m[WEFT_XGFT_LEVELS], w[WEFT_XGFT_LEVELS];       /* [l]: between level l and l + 1 */
	uint32_t below[WEFT_XGFT_LEVELS + 1], roots[WEFT_XGFT_LEVELS + 1]; /* M_l: end points under a node; W_l */
	uint32_t parallel[WEFT_XGFT_LEVELS];                     /* cables between a node and one parent */
	uint32_t first_node[WEFT_XGFT_LEVELS + 1];               /* ids of the levels 1 … h; level 0 is the caller's */
	uint32_t first_link[WEFT_XGFT_LEVELS];                   /* of the cables between level l and l + 1 */
	uint32_t n_ends;
	uint32_t n_present;                                      /* end points that exist: the first so many; 0: all */
};

/* Fills the derived fields from h, m, w, parallel (0: 1). Returns the nodes of all levels and ends, 0 when there are too many. */
WEFT_UNUSED static uint64_t weft_xgft_init(struct weft_xgft *tree)
{
	uint64_t below = 1, roots = 1, nodes, n_ends = 1;
	for (uint32_t l = 0; l < tree->h; l++)
		n_ends *= tree->m[l];
	nodes = n_ends;
	tree->below[0] = tree->roots[0] = 1;
	for (uint32_t l = 0; l < tree->h; l++) {
		below *= tree->m[l];
		roots *= tree->w[l];
		nodes += n_ends / below * roots;
		if (n_ends > 1u << 22 || roots > 1u << 22 || nodes > 1u << 23)
			return 0;
		tree->below[l + 1] = (uint32_t)below;
		tree->roots[l + 1] = (uint32_t)roots;
		if (!tree->parallel[l])
			tree->parallel[l] = 1;
	}
	tree->n_ends = (uint32_t)n_ends;
	return nodes;
}

WEFT_UNUSED static uint32_t weft_xgft_width(const struct weft_xgft *tree, uint32_t level)
{
	return tree->n_ends / tree->below[level] * tree->roots[level];
}

/* The cable from node x of level l to its c-th parent, k-th of the parallel ones: the link up; the link down is the next id. */
WEFT_UNUSED static uint32_t weft_xgft_cable(const struct weft_xgft *tree, uint32_t level, uint32_t x, uint32_t c, uint32_t k)
{
	return tree->first_link[level] + 2 * ((x * tree->w[level] + c) * tree->parallel[level] + k);
}

/* Adds the switches of the levels 1 … h, named NAME[l]K. Returns 0 or -1. */
WEFT_UNUSED static int weft_xgft_switches(struct weft_builder *b, struct weft_xgft *tree, const char *const *names)
{
	for (uint32_t l = 1; l <= tree->h; l++) {
		for (uint32_t x = 0; x < weft_xgft_width(tree, l); x++) {
			uint32_t id = weft_add(b, (struct weft_node){.kind = WEFT_NODE_SWITCH, .role = names[l - 1], WEFT_NOWHERE},
				"%s%u", names[l - 1], x);
			if (id == WEFT_NONE)
				return -1;
			if (x == 0)
				tree->first_node[l] = id;
		}
	}
	return 0;
}

/* Adds the cables between level l and l + 1; `ends[x]` are the node ids of level 0 (NULL: x itself). */
WEFT_UNUSED static int weft_xgft_cables(struct weft_builder *b, struct weft_xgft *tree, uint32_t level, const uint32_t *ends,
	struct weft_link link)
{
	uint32_t first = WEFT_NONE, width = level || !tree->n_present ? weft_xgft_width(tree, level) : tree->n_present;
	for (uint32_t x = 0; x < width; x++) {
		uint32_t X = x / tree->roots[level], Y = x % tree->roots[level];
		link.source = level ? tree->first_node[level] + x : ends ? ends[x] : x;
		for (uint32_t c = 0; c < tree->w[level]; c++) {
			link.target = tree->first_node[level + 1] + X / tree->m[level] * tree->roots[level + 1] + Y +
				      tree->roots[level] * c;
			for (uint32_t k = 0; k < tree->parallel[level]; k++) {
				uint32_t id = b->add_cable(b, &link);
				if (id == WEFT_NONE)
					return -1;
				if (first == WEFT_NONE)
					first = id;
			}
		}
	}
	tree->first_link[level] = first;
	return 0;
}

/* The level of a switch; 0 when the node is none of the tree's switches. */
WEFT_UNUSED static uint32_t weft_xgft_level(const struct weft_xgft *tree, uint32_t node)
{
	for (uint32_t l = 1; l <= tree->h; l++)
		if (node - tree->first_node[l] < weft_xgft_width(tree, l))
			return l;
	return 0;
}

/* Ways on from node x of level l towards end point d. With several planes (w_1 > 1) an end point splits evenly over them. */
WEFT_UNUSED static uint32_t weft_xgft_next(const struct weft_xgft *tree, uint32_t level, uint32_t x, uint32_t d,
	struct weft_choice *choices, uint32_t capacity)
{
	uint32_t n = 0;
	if (level && d / tree->below[level] == x / tree->roots[level]) { /* down: the only child above d that shares our roots */
		uint32_t Y = x % tree->roots[level], child_roots = tree->roots[level - 1];
		uint32_t child = d / tree->below[level - 1] * child_roots + Y % child_roots, c = Y / child_roots;
		uint32_t k = tree->parallel[level - 1], chosen = d / child_roots / tree->w[level - 1] % k;
		for (uint32_t i = 0; i < k; i++)
			n = weft_choose(choices, capacity, n, weft_xgft_cable(tree, level - 1, child, c, i) + 1, i == chosen, 0);
		return n;
	}
	uint32_t k = tree->parallel[level], ports = tree->w[level] * k, chosen = d / tree->roots[level] % ports;
	for (uint32_t i = 0; i < ports; i++)
		n = weft_choose(choices, capacity, n, weft_xgft_cable(tree, level, x, i % tree->w[level], i / tree->w[level]),
			level == 0 || i == chosen, 0);
	return n;
}

/* next_links of a module that is one tree, which is its data; end points are its first nodes. */
WEFT_UNUSED static uint32_t weft_xgft_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices,
	uint32_t capacity)
{
	const struct weft_xgft *tree = data;
	uint32_t level = weft_xgft_level(tree, hop->node);
	return weft_xgft_next(tree, level, level ? hop->node - tree->first_node[level] : hop->node, hop->destination, choices, capacity);
}

#ifdef __cplusplus
}
#endif
#endif
