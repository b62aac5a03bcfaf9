/* The state of building a fabric: what stands behind struct weft_builder. Private to src/fabric. */
#ifndef WEFT_FABRIC_BUILD_H
#define WEFT_FABRIC_BUILD_H

#include "base/error.h"
#include "fabric/fabric.h"
#include "fabric/params.h"

/* A module included by another: hops whose node and destination both lie inside are asked of it, with ids counted from its
 * own first node and link. Inner includes come after the ones that hold them. */
struct fabric_include {
	const struct weft_topology *module;
	const void *data;
	uint32_t first_node, n_nodes, first_link, n_links, first_component;
	uint32_t parent; /* index of the include that holds it; FABRIC_NONE */
};

/* All modules that add to one fabric share it. */
struct build_shared {
	struct fabric *fabric;
	size_t nodes_capacity, links_capacity, components_capacity, kinds_capacity, includes_capacity;
	bool any_link_name;
	/* (component, link) pairs in the order of `carries`. */
	uint32_t (*carried)[2];
	size_t n_carried, carried_capacity;
	uint32_t *name_slots; /* open addressing over node names: node id + 1 */
	size_t name_capacity;
	struct error error;   /* the first failure */
	unsigned depth;       /* of includes */
	uint32_t include;     /* the one being built; FABRIC_NONE: the outermost module */
};

/* One module's view. */
struct build {
	struct weft_builder builder; /* first: the module's pointer is ours */
	struct build_shared *shared;
	const struct weft_topology *module;
	const struct topology_request *request;
	const char *prefix;          /* of node names */
	uint32_t first_node, first_link, first_component, first_npu;
	struct param_value *values;
	size_t n_values;
	const void *data;
	const char *protocol;
	uint32_t n_channels;
};

/* What modules are handed, and calling one: 0, or -1 with the shared error filled. */
extern const struct weft_builder build_table;
int build_run(struct build *build);

/* The node of that name among those that this module added, counted from its first; WEFT_NONE: there is none. */
uint32_t build_find_node(const struct build *build, const char *name);

/* `file` and `nccl-xml` read files, which a module that imports nothing cannot: they are part of the core, with the descriptors of modules. */
extern const struct weft_topology topology_file, topology_nccl_xml;
/* A parameter that is a path, relative to the scenario's folder; lives as long as the fabric. */
const char *file_path(struct weft_builder *b, const char *param);

/* Shortest paths by hops, for modules without next_links and for detours. */
uint32_t shortest_next_links(const struct fabric *fabric, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity);
/* distance[node] in hops to the destination over links that are not down (NULL: all); UINT32_MAX: no way. */
void shortest_distances(const struct fabric *fabric, uint32_t destination, const uint8_t *link_down, uint32_t *distance);
void shortest_release(struct fabric *fabric);

#endif
