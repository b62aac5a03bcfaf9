/* A scenario as the user wrote it, checked as far as it can be without building the fabric, with every default filled in. The keys
 * are the tables in keys.c; docs/scenario.md is printed from them. */
#ifndef WEFT_SCENARIO_SCENARIO_H
#define WEFT_SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "collective/collective.h"
#include "engine/observer.h"
#include "fabric/fabric.h"
#include "fabric/route.h"
#include "network/network.h"
#include "scenario/circuits.h"
#include "scenario/components.h"
#include "scenario/power_states.h"
#include "scenario/failures.h"
#include "scenario/goodput.h"
#include "scenario/section.h"

#define SCENARIO_FORMAT 1
#define SCENARIO_MAX_BYTES (64u << 20) /* of the file */

/* One entry of `workload`: exactly one of its kinds is given. */
enum entry_kind { ENTRY_COLLECTIVE, ENTRY_PIPELINE, ENTRY_TRACE, ENTRY_PROGRAM, ENTRY_FLOWS, ENTRY_MESSAGES, ENTRY_KINDS };

struct scenario_collective {
	const char *kind_name, *algorithm, *protocol, *file, *circuits;
	enum collective_kind kind;
	int64_t bytes, root, channels, chunk_bytes;
	int64_t group_size, group_stride;
	bool bidirectional;
	struct counts dims;
	struct texts levels;
};

/* The fields of struct pipeline (workload/pipeline.h) as keys fill them. */
struct scenario_pipeline {
	int schedule;           /* enum pipeline_schedule */
	int64_t stages, microbatches, chunks, data_parallel, tensor_parallel, iterations;
	int64_t forward_ps, backward_ps, weight_ps, optimizer_ps;
	int64_t activation_bytes, tensor_bytes, tensor_calls, gradient_bytes, buckets;
	bool recompute, overlap;
	double jitter;
	const char *algorithm, *protocol, *tensor_circuits, *gradient_circuits;
};

struct scenario_path { /* trace, program, flows */
	struct texts paths;
	const char *format, *groups;
	int64_t replicate, step;
	double compute_scale;
};

/* One message, sent and received: the simplest workload, and what tests of receives that nobody serves are made of. */
struct scenario_message {
	int64_t from, to, bytes, tag;
	bool send, receive;
};

struct scenario_entry {
	struct tree_node *node;
	const char *name;       /* NULL: "workload[i]" in messages */
	const char *after;
	int after_index;        /* -1 */
	int64_t repeat;
	struct tree_node *ranks; /* NULL: all */
	enum entry_kind kind;
	struct tree_node *kind_nodes[ENTRY_KINDS]; /* the one that is given is kind_nodes[kind] */
	struct scenario_collective collective;
	struct scenario_pipeline pipeline;
	struct scenario_path path;
	struct scenario_message *messages;
	uint32_t n_messages;
};

/* A change of links at run time. */
struct scenario_change {
	struct tree_node *node;
	const char *pattern;    /* of link names; NULL: `component` is given */
	const char *component;  /* pattern of names of components, and of nodes that are not chips: all links that they carry */
	int64_t at_ps;
	int state;              /* index into "unchanged|up|down|degraded" */
	int64_t bytes_per_s, latency_ps; /* -1: unchanged */
	int64_t detect_ps;      /* -1: never */
	int64_t repair_ps;      /* how long after `down` it is repaired; -1: never */
	bool fails, repairs;    /* one of the two halves of an entry with `repair`: its second is a change of its own */
};

enum placement { PLACEMENT_LINEAR, PLACEMENT_RANDOM, PLACEMENT_LIST };

struct scenario_output {
	const char *timeline;   /* path, or NULL: no file */
	struct tree_node *bin;
	int64_t bin_ps;         /* 0: auto */
	int detail;             /* index into timeline_detail_names */
	int64_t size_limit_bytes;
};

/* What a link is whose budget does not close. */
enum physics_budget { PHYSICS_BUDGET_ERROR, PHYSICS_BUDGET_WARN, PHYSICS_BUDGET_IGNORE };

/* Physics of links (docs/links.md): there when the scenario has the key `physics`. */
struct scenario_physics {
	bool errors, draws;
	int ranges;             /* 0: typical, 1: drawn */
	int latency;            /* 0: the fabric's, 1: the catalogue's on top */
	int budget;             /* enum physics_budget */
	int64_t recovery_ps;
	struct tree_node *loss, *kinds, *catalogue;
};

#define SCENARIO_PRICE "us" /* the tariff when nothing is said */
/* Joules and money: what the key `energy` says. */
struct scenario_energy {
	const char *pue, *price;
	struct tree_node *chips; /* node role → component kind */
};

struct scenario {
	struct arena arena;
	const char *path, *directory;
	const char *text;       /* the source, whole */
	struct tree_node *root; /* resolved: overrides applied, defaults filled in */

	int64_t format, seed;
	int64_t n_ranks;        /* 0: what the workload needs */
	const char *name;
	const char *protocol;   /* NULL: the machine's */
	const char *algorithm;  /* NULL: auto */
	int64_t rendezvous_bytes;
	struct topology_request topology;
	enum placement placement;
	struct tree_node *placement_node, *topology_node, *network_node, *workload_node, *links_node, *failures_node, *goodput_node, *output_node,
		*physics_node, *energy_node, *circuits_node, *power_node, *components_node;
	struct counts placement_list;
	const struct network_model *model;
	enum routing routing;
	struct network_setting *settings;
	uint32_t n_settings;
	struct scenario_entry *entries;
	uint32_t n_entries;
	struct scenario_change *changes;
	uint32_t n_changes;
	struct scenario_failure *failures;
	uint32_t n_failures;
	const struct forced_failure *forced; /* with failures_forced: what has failed, for the whole run, instead of what chance says */
	uint32_t n_forced;
	bool failures_forced;
	struct scenario_goodput goodput;
	struct scenario_circuits circuits;
	struct scenario_power power;
	struct scenario_component *components;
	uint32_t n_components;
	struct scenario_output output;
	struct scenario_physics physics;
	struct scenario_energy energy;
};

/* What the command line adds, in order. */
struct scenario_set {
	const char *assignment; /* "PATH=VALUE" */
	const char *label;      /* for messages: "--topology"; NULL: "--set PATH=VALUE" */
};
struct scenario_overrides {
	const struct scenario_set *sets;
	size_t n_sets;
};

/* Reads, applies the overrides, checks. On error nothing is left to release. Paths in it count from its folder. */
int scenario_load(struct scenario *scenario, const char *path, const struct scenario_overrides *overrides, struct error *err);
/* The same from memory: `name` stands in messages, `directory` (NULL: the current one) is where paths start. */
int scenario_parse(struct scenario *scenario, const char *text, const char *name, const char *directory,
		   const struct scenario_overrides *overrides, struct error *err);
void scenario_release(struct scenario *scenario);

/* The scenario with every default filled in, as YAML that runs again; the topology as its resolved one-line form. */
void scenario_resolved(const struct scenario *scenario, const struct fabric *fabric, struct text *out);
/* The reference of all keys as Markdown. */
void scenario_document(struct text *out);

/* "0-63", "0-63/8", 5, or a list of those → ranks, none twice, each below n_ranks (else an error with its place). */
int scenario_ranks(const struct tree_node *node, uint32_t n_ranks, struct arena *arena, uint32_t **ranks, uint32_t *n, struct error *err);
/* One more than the largest rank that the node names, without a limit on it: to find how many there must be. */
int scenario_ranks_needed(const struct tree_node *node, int64_t *needed, struct error *err);

/* The tables (keys.c). */
extern const struct section section_root, section_entry, section_collective, section_pipeline, section_path_kind, section_message, section_change,
	section_output, section_network, section_physics, section_energy, section_circuits,
	section_circuit_state, section_power, section_power_rule, section_component, section_failure, section_goodput;
extern const struct section *const scenario_sections[]; /* NULL at the end, in the order of the reference */
extern const char *const entry_kind_names[ENTRY_KINDS];

#endif
