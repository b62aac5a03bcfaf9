/* The catalogue: link kinds, component kinds, machines' published figures and energy prices, from YAML files with units
 * (docs/links.md lists every key). The shipped files come first, then those of WEFT_CATALOGUE_PATH (folders or files, separated by
 * ':'), then what a scenario says: later entries override earlier ones figure by figure. */
#ifndef WEFT_LINK_CATALOGUE_H
#define WEFT_LINK_CATALOGUE_H

#include <stddef.h>

#include "base/memory.h"
#include "link/kind.h"

struct error;
struct tree_node;

enum component_category { COMPONENT_CHIP, COMPONENT_SWITCH, COMPONENT_MODULE, COMPONENT_CABLE, COMPONENT_LASER, COMPONENT_CIRCUIT_SWITCH,
	COMPONENT_OTHER, COMPONENT_CATEGORIES };
extern const char *const component_category_names[COMPONENT_CATEGORIES];

enum component_figure { COMPONENT_IDLE_POWER, COMPONENT_POWER, COMPONENT_BIT_ENERGY, COMPONENT_PRICE, COMPONENT_FAILURE_RATE,
	COMPONENT_REPAIR_TIME,
	/* Of circuit switches. */
	COMPONENT_PORTS, COMPONENT_INSERTION_LOSS, COMPONENT_CONTROL_TIME, COMPONENT_SWITCHING_TIME, COMPONENT_RELOCK_TIME,
	COMPONENT_LATENCY,
	COMPONENT_FIGURES };

/* A physical thing that is not a link: chip, switch, laser source. Power from idle to `power` by utilisation, plus energy per bit. */
struct component_kind {
	const char *name, *summary, *note, *file;
	int line;
	enum component_category category;
	struct figure figures[COMPONENT_FIGURES];
};
const struct figure_info *component_figure_info(enum component_figure figure);
static inline double component_value(const struct component_kind *kind, enum component_figure figure)
{
	return kind->figures[figure].known ? kind->figures[figure].typical : 0;
}

/* `unless`: a role; where a built topology has no such node, a run counts the part beside the fabric, always on. */
struct machine_part { const char *name, *what, *source; double count, power_w; char grade; const char *component, *unless; };
/* One line of a comparison: a number in a unit, as published. */
struct machine_fact { const char *name, *unit, *source; double value; char grade; };
struct machine_role { const char *role, *component; double share; /* of a chip that a node of this role is */ };

/* What is published about a machine, and what it is made of. */
struct machine_record {
	const char *name, *summary, *file;
	int line;
	struct figure power_w, pflops, n_chips;    /* of the whole system; dense BF16 */
	struct machine_part *parts;                /* the breakdown of the published power */
	uint32_t n_parts;
	struct machine_fact *facts;
	uint32_t n_facts;
	struct machine_role *roles;                /* node role (or kind) of the topology module → component kind */
	uint32_t n_roles;
};

struct tariff { const char *name, *summary, *source; double price_per_kwh; char grade; };

struct catalogue {
	struct arena arena;
	struct link_kind *links;
	struct component_kind *components;
	struct machine_record *machines;
	struct tariff *tariffs;
	size_t n_links, n_components, n_machines, n_tariffs;
	size_t links_capacity, components_capacity, machines_capacity, tariffs_capacity;
};

/* The shipped entries and those of WEFT_CATALOGUE_PATH. On error nothing is left to release. */
int catalogue_init(struct catalogue *catalogue, struct error *err);
/* No entry at all, for tests. */
void catalogue_init_empty(struct catalogue *catalogue);
void catalogue_release(struct catalogue *catalogue);
int catalogue_add_file(struct catalogue *catalogue, const char *path, struct error *err);
/* Adds the entries of a mapping {links: …, components: …, machines: …, tariffs: …}; the tree must outlive the catalogue. */
int catalogue_add_tree(struct catalogue *catalogue, const struct tree_node *node, struct error *err);
/* Checks every entry as a whole. */
int catalogue_check(const struct catalogue *catalogue, struct error *err);

/* By name; the error names the nearest. Pointers are valid until something is added. */
const struct link_kind *catalogue_link(const struct catalogue *catalogue, const char *name, struct error *err);
const struct component_kind *catalogue_component(const struct catalogue *catalogue, const char *name, struct error *err);
const struct machine_record *catalogue_machine(const struct catalogue *catalogue, const char *name, struct error *err);
const struct tariff *catalogue_tariff(const struct catalogue *catalogue, const char *name, struct error *err);
/* The record of a built topology: one whose name is a pattern of the whole resolved form ("hgx:*gpu=a100*"), else the one named like
 * the module; NULL when there is none. */
const struct machine_record *catalogue_machine_of(const struct catalogue *catalogue, const char *module, const char *spec);
/* Component kind for a node's role on a machine, or NULL. */
const struct component_kind *machine_component(const struct catalogue *catalogue, const struct machine_record *machine, const char *role);

#endif
