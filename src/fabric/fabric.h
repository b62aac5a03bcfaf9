/* The built network: nodes and directed links as arrays, components, the module that made it. Immutable once built; what
 * changes at run time (rate, state) lives in network/links.h. */
#ifndef WEFT_FABRIC_FABRIC_H
#define WEFT_FABRIC_FABRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "weft/topology.h"

struct error;
struct text;

#define FABRIC_NONE WEFT_NONE
/* Limits (design §3): beyond them an error. */
#define FABRIC_MAX_NPUS (1u << 20)
#define FABRIC_MAX_LINKS (1u << 26)

struct fabric_include; /* a module included by another one: fabric.c's own */

struct fabric {
	struct arena arena;
	const struct weft_topology *module;
	const void *module_data;
	const char *spec;       /* "star:n=64,bandwidth=50 GB/s,…": resolved, all parameters, canonical */

	uint32_t n_nodes, n_links, n_npus, n_components, n_channels;
	const char *protocol;   /* default protocol of collectives on this machine */

	/* [n_nodes] */
	const char **node_name, **node_role;
	uint8_t *node_kind;     /* enum weft_node_kind */
	int32_t *node_rack, *node_tray, *node_slot, *node_plane;
	uint32_t *node_npu;     /* NPU index of a node, FABRIC_NONE for others */
	uint32_t *npu_node;     /* [n_npus] in natural order */

	/* [n_links] */
	uint32_t *link_source, *link_target;
	int64_t *link_bandwidth; /* bytes per second */
	int64_t *link_latency_ps;
	uint16_t *link_kind;    /* index into kind_names */
	uint32_t *link_ordinal; /* 0: the only link of its source and target; else 1, 2, … among the parallel ones */
	float *link_length_m;
	uint8_t *link_ports;    /* fibre ports of a circuit's ends, 0: the link is no circuit; NULL array when there is none */
	const char **link_name_given; /* NULL array when the module named none; else NULL entries are derived */
	const char **kind_names;
	uint32_t n_kinds;

	/* Links that leave a node: out_links[out_first[node] … out_first[node + 1]), by id. */
	uint32_t *out_first, *out_links;

	/* Components carry links: carried[carried_first[c] … carried_first[c + 1]). */
	const char **component_kind, **component_name;
	uint32_t *component_place;
	uint32_t *carried_first, *carried;

	struct fabric_include *includes;
	uint32_t n_includes;
	struct shortest *shortest; /* distances to recent destinations, for modules without next_links; made when first asked */

	/* A table of routes by flow (`file` with routes.csv): flow f travels flow_links[flow_first[f] … flow_first[f + 1]). Such a
	 * fabric routes by flow number alone. */
	uint32_t n_flows, *flow_first, *flow_links;
};

/* One parameter as the user gave it, with its place for messages. */
struct topology_setting {
	const char *name, *value;
	const char *file;
	int line, column;
};
struct topology_request {
	const char *module;       /* a name on the search path, or a path ending in ".so" */
	const struct topology_setting *settings;
	size_t n_settings;
	const char *base_directory; /* for parameters that are paths; NULL: the current one */
	const char *file;         /* where the module was named, for messages */
	int line, column;
};
/* Parses "star:n=64,bandwidth=50 GB/s" (lists as 4x4x8) into a request; memory from the arena. */
int topology_request_parse(struct topology_request *request, const char *spec, struct arena *arena, struct error *err);

/* Builds; on error nothing is left to release. */
int fabric_build(struct fabric *fabric, const struct topology_request *request, struct error *err);
void fabric_release(struct fabric *fabric);
/* Adds components to a built fabric, at no node; what they point to must outlive it. Before anything else has read its components. */
struct fabric_component { const char *kind, *name; const uint32_t *links; uint32_t n_links; };
void fabric_add_components(struct fabric *fabric, const struct fabric_component *added, uint32_t n);
/* Checks every invariant of the arrays; returns 0 or fills err. */
int fabric_verify(const struct fabric *fabric, struct error *err);

/* Links that leave a node: how many circuits share the ports of this one, itself included; 1 for a link that is no circuit. */
uint32_t fabric_circuits_sharing(const struct fabric *fabric, uint32_t link);
/* What leaves a node in a second at most: its links together, of circuits that share ports as many as there are ports. */
int64_t fabric_rate_out(const struct fabric *fabric, uint32_t node);
/* A link's stable name, written to out and returned. */
const char *fabric_link_name(const struct fabric *fabric, uint32_t link, char *out, size_t size);
/* Legal ways on from a hop, from the module or by shortest path; choices[0 … returned). 0: no way. */
uint32_t fabric_next_links(const struct fabric *fabric, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity);
/* Whether legal ways on follow from node and destination alone, for every module in the fabric (WEFT_CLAIM_BY_NODE). */
bool fabric_routes_by_node(const struct fabric *fabric);
/* Fills machine[n_npus]: NPUs of one machine (a module that the outermost one included) have equal numbers; all 0 without includes. */
void fabric_machines(const struct fabric *fabric, uint32_t *machine);
/* enum dot | graphml | json | svg by name. */
int fabric_export(const struct fabric *fabric, const char *format, struct text *out, struct error *err);

/* Modules on the search path (WEFT_TOPOLOGY_PATH, the build, the installed place), sorted by name. */
struct topology_list {
	const struct weft_topology **modules;
	const char **paths;
	size_t n;
};
/* A module that cannot be loaded is left out of the list; loading it by name says why. */
void topology_list(struct topology_list *list, struct arena *arena);
/* Loads by name (dlopen, never closed); errors name the nearest known module, an ABI that differs, the linker's message. */
const struct weft_topology *topology_load(const char *name, struct error *err);

#endif
