/* What a topology module sees of weft. ABI version 1.
 *
 * A module is one C file built to NAME.so that exports one constant, `weft_topology_module`. It imports nothing: `build` is
 * handed a table of functions. It knows shape, roles, placement and routes; never events or files.
 *
 *     cc -std=c11 -fPIC -shared $(pkg-config --cflags weft) mine.c -o mine.so
 *     WEFT_TOPOLOGY_PATH=. weft topology show mine:n=8
 */
#ifndef WEFT_TOPOLOGY_H
#define WEFT_TOPOLOGY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_TOPOLOGY_ABI 1
#define WEFT_NONE UINT32_MAX

enum weft_param_type {
	WEFT_PARAM_INTEGER,      /* "8" */
	WEFT_PARAM_INTEGER_LIST, /* "[4, 4, 8]" or "4x4x8" */
	WEFT_PARAM_REAL,         /* "1.5" */
	WEFT_PARAM_BANDWIDTH,    /* "50 GB/s": bytes per second, per link and direction */
	WEFT_PARAM_TIME,         /* "500 ns": picoseconds */
	WEFT_PARAM_LENGTH,       /* "3 m": metres (read with real) */
	WEFT_PARAM_BYTES,        /* "1 MiB" */
	WEFT_PARAM_BOOL,         /* "true" | "false" (read with integer) */
	WEFT_PARAM_CHOICE,       /* one of `range`, separated by '|' */
	WEFT_PARAM_TEXT,         /* anything: a name or a file, paths relative to the scenario */
};

/* One parameter. The core refuses unknown names, wrong units and values outside `range` before `build` is called. */
struct weft_param {
	const char *name;
	enum weft_param_type type;
	const char *default_value; /* as a user would write it; NULL: the user must give it */
	const char *range;         /* "1..65536", "0..", "> 0 B/s"-like ends take the parameter's unit: "1 B/s.."; "a|b|c" for a
	                            * choice; "1..: 1..6" for a list = values : how many; NULL: anything */
	const char *text;          /* one line for people */
};

enum weft_node_kind {
	WEFT_NODE_NPU,    /* computes; ranks are placed on these in the order in which they are added */
	WEFT_NODE_SWITCH,
	WEFT_NODE_NIC,
	WEFT_NODE_CPU,
	WEFT_NODE_CIRCUIT_SWITCH,
	WEFT_NODE_KINDS
};

/* Zero fields mean "not known": start from {0} (or designated initialisers) so that later versions can add fields. */
struct weft_node {
	enum weft_node_kind kind;
	const char *name;        /* unique, stable: "npu17", "leaf2"; letters, digits, '.', '_', '-'; copied */
	const char *role;        /* "leaf", "spine", "L1", …; NULL: the kind's name; copied */
	int32_t rack, tray, slot; /* place, from 0; -1: not given */
	int32_t plane;           /* sub-plane or rail, -1: none */
};

/* One directed link. */
struct weft_link {
	uint32_t source, target;         /* node ids */
	int64_t bandwidth_bytes_per_s;   /* > 0, payload and headers, one direction */
	int64_t latency_ps;              /* >= 0: propagation, modules, FEC and the forwarding of the node it leads to */
	const char *kind;                /* catalogue kind: "copper", "optical", "backplane", …; NULL: "ideal"; copied */
	const char *name;                /* NULL: "SOURCE->TARGET", with "#k" for the k-th parallel one from 1; copied */
	double length_m;                 /* 0: not known */
};

/* What an included module added: ids are consecutive. */
struct weft_include {
	uint32_t first_node, n_nodes;
	uint32_t first_link, n_links;
	uint32_t n_npus; /* the NPUs among the nodes */
};

/* Functions that the core gives to `build`. Ids count from 0 in the order of adding. After a failed call (WEFT_NONE or -1)
 * the error is noted; `build` should return -1. */
struct weft_builder {
	uint32_t size; /* of this struct: a module built against newer headers can see what is missing */
	void *core;    /* the core's own */

	/* Values of the parameters that the module declares; already checked against type and range. */
	int64_t (*integer)(struct weft_builder *, const char *param);      /* INTEGER, BOOL, TIME, BANDWIDTH, BYTES */
	double (*real)(struct weft_builder *, const char *param);          /* REAL, LENGTH, and the above */
	const char *(*text)(struct weft_builder *, const char *param);     /* TEXT, CHOICE: lives as long as the fabric */
	uint32_t (*list)(struct weft_builder *, const char *param, int64_t *values, uint32_t capacity); /* returns how many */

	/* Notes what is wrong and returns -1. `param` (or NULL) gives the message its place in the scenario. */
	int (*fail)(struct weft_builder *, const char *param, const char *format, ...)
#ifdef __GNUC__
		__attribute__((format(printf, 3, 4)))
#endif
		;
	/* Zeroed memory that lives as long as the fabric. */
	void *(*alloc)(struct weft_builder *, size_t size);

	uint32_t (*add_node)(struct weft_builder *, const struct weft_node *);
	/* One direction; returns its id. */
	uint32_t (*add_link)(struct weft_builder *, const struct weft_link *);
	/* Both directions; returns the id of source → target, the other is the next one. */
	uint32_t (*add_cable)(struct weft_builder *, const struct weft_link *);

	/* Physical things that own power, price and failures, and carry links many-to-many: a cable, a module, a switch ASIC.
	 * `kind` is a catalogue name; `place` a node it sits at, or WEFT_NONE. Nodes are components already. */
	uint32_t (*add_component)(struct weft_builder *, const char *kind, const char *name, uint32_t place);
	void (*carries)(struct weft_builder *, uint32_t component, uint32_t link);

	/* Another module's shape inside this one (`cluster`): builds module `name` with `params` ("k=v,k=v") into the same fabric,
	 * every node name prefixed. Fills the id ranges it added. Routes inside it are asked of that module. Returns 0 or -1. */
	int (*include)(struct weft_builder *, const char *name, const char *params, const char *prefix, struct weft_include *out);

	/* What next_links receives. Lives as long as the fabric (use alloc). */
	void (*set_data)(struct weft_builder *, const void *data);
	/* How many virtual channels the routes need (default 1). */
	void (*set_channels)(struct weft_builder *, uint32_t n);
	/* The protocol that collectives on this machine use when nothing else is asked for ("simple", …; default "none"). */
	void (*set_protocol)(struct weft_builder *, const char *name);
	/* The node of the index-th NPU that this module and those it includes have added so far; WEFT_NONE beyond them. */
	uint32_t (*npu)(struct weft_builder *, uint32_t index);
	/* The link is what a circuit switch can join: its source and its target have `ports` fibre ports each, of which any number may be
	 * joined to each other, port k to port k. The links that leave a node share its ports, and so do those that lead to one. Its
	 * bandwidth is that of all its ports. Whether and how much of it is lit is said by the section `circuits` of a scenario. A
	 * component that carries it is the switch: with s of them, port k is on the one that was added (k mod s)-th. 1 … 64 ports. */
	void (*set_circuit)(struct weft_builder *, uint32_t link, uint32_t ports);
};

/* Where a route is. */
struct weft_hop {
	uint32_t node;        /* here */
	uint32_t in_link;     /* came by it; WEFT_NONE at the source */
	uint32_t source;      /* the NPU that sent */
	uint32_t destination; /* the NPU that shall receive */
	uint32_t via;         /* an intermediate node to visit first (Valiant); WEFT_NONE when there is none or it was reached */
	uint8_t vc;           /* virtual channel of in_link */
	uint8_t via_reached;  /* 1 after an intermediate node was visited: a module may then use another virtual channel */
};

/* A legal way on. The default route follows all choices of weight > 0 and splits by weight (planes); a choice of weight 0 is
 * legal but used only by `ecmp`, `spray` and `adaptive`. */
struct weft_choice {
	uint32_t link;
	uint32_t weight;
	uint8_t vc;
};

struct weft_topology {
	uint32_t size;       /* sizeof(struct weft_topology) */
	uint32_t abi;        /* WEFT_TOPOLOGY_ABI */
	const char *name;    /* as written in a scenario */
	const char *summary; /* one line */
	const struct weft_param *params; /* ends with a NULL name */
	int (*build)(struct weft_builder *);     /* 0, or -1 after `fail` */
	/* Legal output links at hop->node towards hop->via or hop->destination. Pure, progress guaranteed: following any choice
	 * reaches the target. Returns how many choices it wrote (at most `capacity`; the true number when larger, nothing is lost:
	 * it is then asked again), 0 when there is no way. NULL: the core takes shortest paths by hops, splitting nothing
	 * (destination-based choice among equals has weight 1, the others 0). */
	uint32_t (*next_links)(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity);
	/* Nodes that a non-minimal route may visit between two NPUs (Valiant, UGAL): returns how many there are and writes the
	 * k-th to *node. NULL: the topology offers none. */
	uint32_t (*via_nodes)(const void *data, uint32_t source, uint32_t destination, uint32_t k, uint32_t *node);
	/* Optional: properties that the shared test suite holds the module to; see enum below. */
	uint32_t claims;
};

enum weft_claims {
	WEFT_CLAIM_SYMMETRIC = 1,   /* for every link there is a reverse one of the same bandwidth and latency */
	WEFT_CLAIM_UNIFORM = 2,     /* every NPU has the same number of links, of the same bandwidths */
	WEFT_CLAIM_MINIMAL = 4,     /* default routes have the fewest possible hops */
	WEFT_CLAIM_BY_NODE = 8,     /* without `via`, which links and channels are legal (not their weights or order) follows from
	                             * node and destination alone: models may keep them in a table of both */
};

extern const struct weft_topology weft_topology_module;

#ifdef __cplusplus
}
#endif
#endif
