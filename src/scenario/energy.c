#include "scenario/energy.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/units.h"
#include "fabric/fabric.h"
#include "link/failure.h"
#include "link/power.h"
#include "scenario/circuits.h"
#include "scenario/physics.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

#define MOST_PARTS 64 /* of a machine beside its fabric */
#define UNKNOWN_SIZE 512
#define UNSPECIFIED "unspecified-" /* the catalogue's components of which nothing is said */

struct terms { double pue, price; const char *tariff; };

static int read_terms(const struct simulation *simulation, struct terms *terms, struct error *err)
{
	const struct scenario_energy *energy = &simulation->scenario->energy;
	const struct tree_node *node = simulation->scenario->energy_node;
	struct error local = {0};
	*terms = (struct terms){.pue = 1, .tariff = energy->price};
	if (energy->pue && units_parse(energy->pue, QUANTITY_NUMBER, &terms->pue, &local))
		return tree_fail(tree_get(node, "pue"), err, "%s", local.message);
	if (terms->pue < 1)
		return tree_fail(tree_get(node, "pue"), err,
		                 "a PUE of %g is less than 1: a building cannot use less than what stands in it", terms->pue);
	if (!units_parse(energy->price, QUANTITY_MONEY_PER_ENERGY, &terms->price, NULL)) {
		if (terms->price < 0)
			return tree_fail(tree_get(node, "price"), err, "a price of %g $/kWh is negative", terms->price);
		return 0;
	}
	const struct tariff *tariff = catalogue_tariff(&simulation->physics->catalogue, energy->price, &local);
	if (!tariff)
		return tree_fail(tree_get(node, "price"), err, "%s, and not a price such as '0.091 $/kWh'", local.message);
	terms->price = tariff->price_per_kwh;
	return 0;
}

/* The component that a node is: what the scenario says of its role, the machine's record, a component named like the role, or
 * one of which nothing is said. */
static const struct component_kind *node_component(const struct simulation *simulation, uint32_t node, struct error *err)
{
	const struct fabric *fabric = &simulation->fabric;
	const struct catalogue *catalogue = &simulation->physics->catalogue;
	const char *role = fabric->node_role[node];
	bool chip = fabric->node_kind[node] == WEFT_NODE_NPU || fabric->node_kind[node] == WEFT_NODE_CPU;
	const struct tree_node *mapped = tree_get(simulation->scenario->energy.chips, role);
	const struct machine_record *machine = catalogue_machine_of(catalogue, fabric->module->name, fabric->spec);
	const struct component_kind *component;
	struct error local = {0};
	if (mapped) {
		component = catalogue_component(catalogue, mapped->text, &local);
		if (!component)
			tree_fail(mapped, err, "%s", local.message);
		return component;
	}
	component = machine_component(catalogue, machine, role);
	return component ? component : catalogue_component(catalogue, chip ? UNSPECIFIED "chip" : UNSPECIFIED "switch", err);
}

static bool is_unspecified(const struct component_kind *component)
{
	return !component->figures[COMPONENT_POWER].known || !strncmp(component->name, UNSPECIFIED, strlen(UNSPECIFIED));
}

int energy_check(const struct simulation *simulation, struct error *err)
{
	struct terms terms;
	const struct tree_node *chips = simulation->scenario->energy.chips;
	const struct fabric *fabric = &simulation->fabric;
	for (uint32_t i = 0; chips && i < chips->n_entries; i++) {
		uint32_t node = 0;
		while (node < fabric->n_nodes && strcmp(fabric->node_role[node], chips->entries[i].key))
			node++;
		if (node == fabric->n_nodes)
			return error_at(err, chips->file, chips->entries[i].line, chips->entries[i].column,
			                "no node of '%s' has the role '%s' (the first's is '%s')", fabric->module->name,
			                chips->entries[i].key, fabric->n_nodes ? fabric->node_role[0] : "");
		if (!node_component(simulation, node, err))
			return -1;
	}
	return read_terms(simulation, &terms, err);
}

static struct energy_row *row_of(struct energy *energy, const char *category, const char *name)
{
	for (uint32_t i = 0; i < energy->n_rows; i++)
		if (!strcmp(energy->rows[i].name, name) && !strcmp(energy->rows[i].category, category))
			return &energy->rows[i];
	energy->rows[energy->n_rows] = (struct energy_row){.category = category, .name = name};
	return &energy->rows[energy->n_rows++];
}

/* Part of the run in which a chip computed (any rank placed on it), or in which a switch's links carried bytes. */
static void utilisations(const struct simulation *simulation, double *use)
{
	const struct fabric *fabric = &simulation->fabric;
	double span = (double)simulation->end_ps;
	for (uint32_t r = 0; span > 0 && r < simulation->n_ranks; r++) {
		const int64_t *classes = simulation->ranks[r].class_ps;
		uint32_t node = fabric->npu_node[simulation->ranks[r].npu];
		use[node] = fmin(use[node] + (double)(classes[RANK_COMPUTE] + classes[RANK_HIDDEN]) / span, 1);
	}
	for (uint32_t node = 0; span > 0 && node < fabric->n_nodes; node++) {
		double capacity = 0, bytes = 0;
		if (fabric->node_kind[node] == WEFT_NODE_NPU)
			continue;
		for (uint32_t i = fabric->out_first[node]; i < fabric->out_first[node + 1]; i++) {
			capacity += (double)fabric->link_bandwidth[fabric->out_links[i]] * span * 1e-12;
			bytes += (double)simulation->physics->bytes[fabric->out_links[i]];
		}
		use[node] = capacity > 0 ? fmin(bytes / capacity, 1) : 0;
	}
}

static const char *category_name(enum component_category category)
{
	static const char *const names[COMPONENT_CATEGORIES] = {"chips",  "switches",         "modules", "cables",
	                                                        "lasers", "circuit switches", "other"};
	return names[category];
}

static double bytes_out(const struct simulation *simulation, uint32_t node)
{
	const struct fabric *fabric = &simulation->fabric;
	double bytes = 0;
	for (uint32_t i = fabric->out_first[node]; i < fabric->out_first[node + 1]; i++)
		bytes += (double)simulation->physics->bytes[fabric->out_links[i]];
	return bytes;
}

static int add_nodes(struct energy *energy, const struct simulation *simulation, struct error *err)
{
	const struct fabric *fabric = &simulation->fabric;
	double *use = memory_zero((size_t)fabric->n_nodes + 1, sizeof *use);
	utilisations(simulation, use);
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		const struct component_kind *component = node_component(simulation, node, err);
		struct energy_row *row;
		double watts;
		if (!component) {
			free(use);
			return -1;
		}
		row = row_of(energy, category_name(component->category), component->name);
		watts = chip_power_w(component_value(component, COMPONENT_IDLE_POWER),
		                     component_value(component, COMPONENT_POWER), use[node]);
		energy->node_pj[node] = (int64_t)llround(watts * (double)simulation->end_ps) /* W × ps = pJ */ +
					(int64_t)llround(component_value(component, COMPONENT_BIT_ENERGY) * 8 * bytes_out(simulation, node));
		if (is_unspecified(component) && !energy->n_unspecified++)
			energy->unspecified_role = fabric->node_role[node];
		row->count++;
		row->n_components++;
		row->energy_pj += energy->node_pj[node];
		row->price += component_value(component, COMPONENT_PRICE);
		row->priced |= component->figures[COMPONENT_PRICE].known;
		row->failures_per_year += afr_from_fit(component_value(component, COMPONENT_FAILURE_RATE));
	}
	free(use);
	return 0;
}

static int64_t link_total_pj(const struct simulation *simulation, uint32_t link)
{
	const struct physics *physics = simulation->physics;
	int64_t sent = physics->bytes[link] + physics->replays[link] * physics->figures.replay_bytes[link];
	return link_energy_pj(&physics->figures, link, simulation->end_ps, sent);
}

static void add_links(struct energy *energy, const struct simulation *simulation)
{
	const struct physics *physics = simulation->physics;
	for (uint32_t link = 0; link < simulation->fabric.n_links; link++) {
		const struct link_class *class = &physics->classes[physics->link_class[link]];
		const struct link_kind *kind = &physics->kinds[class->kind];
		struct energy_row *row = row_of(energy, "links", kind->name);
		double share = class->n_cables / (2 * fmax(kind_value(kind, FIGURE_LINKS_PER_CABLE), 1) *
						  fabric_circuits_sharing(&simulation->fabric, link));
		int64_t pj = link_total_pj(simulation, link);
		row->count += share;
		row->n_components += share * class->chain.n_components;
		row->component = kind_value(kind, FIGURE_MODULES) > 0 ? "modules" : kind->figures[FIGURE_PAIRS].known ? "pairs" : "cables";
		row->energy_pj += pj;
		row->price += share * class->chain.price;
		row->priced |= class->chain.price_known;
		row->failures_per_year += share * class->chain.failures_per_year;
		energy->links_pj += pj;
	}
}

/* A module's part of the energy of the links that it carries: its own watts among those of the cable. */
static void add_components(struct energy *energy, const struct simulation *simulation)
{
	const struct fabric *fabric = &simulation->fabric;
	const struct physics *physics = simulation->physics;
	for (uint32_t c = 0; c < fabric->n_components; c++) {
		for (uint32_t i = fabric->carried_first[c]; i < fabric->carried_first[c + 1]; i++) {
			uint32_t link = fabric->carried[i];
			const struct link_class *class = &physics->classes[physics->link_class[link]];
			const struct link_kind *kind = &physics->kinds[class->kind];
			double modules = kind_value(kind, FIGURE_MODULES), whole = class->chain.total_w;
			if (strcmp(fabric->component_kind[c], fabric->kind_names[class->kind]) || modules < 1 || whole <= 0)
				continue; /* a fibre draws nothing */
			energy->component_pj[c] += (int64_t)llround((class->chain.module_w + class->chain.laser_w) / modules / whole *
								    (double)link_total_pj(simulation, link));
		}
	}
}

/* How much of a circuit switch the run answers for: all of one whose circuits move; of one that joins a slice of a machine for good, the
 * part of its ports that this slice has (a directed link takes one). */
static double part_of_switch(const struct fabric *fabric, uint32_t component, const struct component_kind *kind)
{
	uint32_t n = fabric->carried_first[component + 1] - fabric->carried_first[component];
	bool moves = fabric->link_ports && n && fabric->link_ports[fabric->carried[fabric->carried_first[component]]];
	double ports = component_value(kind, COMPONENT_PORTS);
	return moves || ports < 1 ? 1 : fmin(n / ports, 1);
}

/* Circuit switches draw from idle to most by the part of the time that their ports were joined; those that do not move by all of it. */
static void add_circuit_switches(struct energy *energy, const struct simulation *simulation)
{
	const struct fabric *fabric = &simulation->fabric;
	double use = simulation->circuits_totals ? simulation->circuits_totals->lit_share : 1;
	for (uint32_t c = 0; c < fabric->n_components; c++) {
		const struct component_kind *kind = catalogue_component(&simulation->physics->catalogue, fabric->component_kind[c], NULL);
		if (!kind || kind->category != COMPONENT_CIRCUIT_SWITCH)
			continue;
		struct energy_row *row = row_of(energy, category_name(kind->category), kind->name);
		double watts = chip_power_w(component_value(kind, COMPONENT_IDLE_POWER), component_value(kind, COMPONENT_POWER), use);
		double share = part_of_switch(fabric, c, kind);
		energy->component_pj[c] = (int64_t)llround(watts * share * (double)simulation->end_ps); /* W × ps = pJ */
		energy->beside_pj += energy->component_pj[c];
		row->count += share;
		row->n_components += share;
		row->energy_pj += energy->component_pj[c];
		row->price += share * component_value(kind, COMPONENT_PRICE);
		row->failures_per_year += share * afr_from_fit(component_value(kind, COMPONENT_FAILURE_RATE));
	}
}

/* Laser sources and what else the scenario says that carries links: always on. */
static void add_extra_components(struct energy *energy, const struct simulation *simulation)
{
	const struct fabric *fabric = &simulation->fabric;
	for (uint32_t c = 0; c < fabric->n_components; c++) {
		const struct component_kind *kind = catalogue_component(&simulation->physics->catalogue, fabric->component_kind[c], NULL);
		if (!kind || kind->category == COMPONENT_CIRCUIT_SWITCH || !kind->figures[COMPONENT_POWER].known)
			continue;
		struct energy_row *row = row_of(energy, category_name(kind->category), kind->name);
		energy->component_pj[c] = (int64_t)llround(component_value(kind, COMPONENT_POWER) * (double)simulation->end_ps); /* W × ps = pJ */
		energy->beside_pj += energy->component_pj[c];
		row->count++;
		row->n_components++;
		row->energy_pj += energy->component_pj[c];
		row->price += component_value(kind, COMPONENT_PRICE);
		row->priced |= kind->figures[COMPONENT_PRICE].known;
		row->failures_per_year += afr_from_fit(component_value(kind, COMPONENT_FAILURE_RATE));
	}
}

/* How much of the published machine this fabric is, by its chips. */
static double part_of_machine(const struct simulation *simulation, const struct machine_record *machine)
{
	const struct fabric *fabric = &simulation->fabric;
	double chips = 0;
	for (uint32_t i = 0; i < fabric->n_npus; i++)
		for (uint32_t r = 0; r < machine->n_roles; r++)
			if (!strcmp(machine->roles[r].role, fabric->node_role[fabric->npu_node[i]]))
				chips += machine->roles[r].share;
	return machine->n_chips.known && machine->n_chips.typical > 0 ? chips / machine->n_chips.typical : 0;
}

static bool has_role(const struct fabric *fabric, const char *role)
{
	for (uint32_t node = 0; node < fabric->n_nodes; node++)
		if (!strcmp(fabric->node_role[node], role))
			return true;
	return false;
}

/* Parts of the machine that this fabric leaves out, always on: what they do in the run is not known, so chips among them idle. */
static int add_beside(struct energy *energy, const struct simulation *simulation, struct error *err)
{
	const struct catalogue *catalogue = &simulation->physics->catalogue;
	const struct fabric *fabric = &simulation->fabric;
	const struct machine_record *machine = catalogue_machine_of(catalogue, fabric->module->name, fabric->spec);
	double whole = machine ? part_of_machine(simulation, machine) : 0;
	for (uint32_t i = 0; whole > 0 && i < machine->n_parts && i < MOST_PARTS; i++) {
		const struct machine_part *part = &machine->parts[i];
		double watts = part->power_w;
		if (!part->unless || has_role(fabric, part->unless))
			continue;
		if (watts < 0) {
			const struct component_kind *component = catalogue_component(catalogue, part->component, err);
			if (!component)
				return -1;
			watts = component_value(component, COMPONENT_IDLE_POWER);
		}
		struct energy_row *row = row_of(energy, "beside the fabric", part->name);
		row->count = row->n_components = part->count * whole;
		row->energy_pj = (int64_t)llround(watts * row->count * (double)simulation->end_ps); /* W × ps = pJ */
		energy->beside_pj += row->energy_pj;
	}
	return 0;
}

int energy_account(struct energy *energy, const struct simulation *simulation, struct error *err)
{
	const struct physics *physics = simulation->physics;
	double span_s = (double)simulation->end_ps * 1e-12;
	struct terms terms;
	memset(energy, 0, sizeof *energy);
	if (read_terms(simulation, &terms, err))
		return -1;
	energy->rows = arena_array(&energy->arena, simulation->fabric.n_kinds + physics->catalogue.n_components + MOST_PARTS,
	                           sizeof *energy->rows);
	energy->n_nodes = simulation->fabric.n_nodes;
	energy->n_components = simulation->fabric.n_components;
	energy->node_pj = arena_array(&energy->arena, (size_t)energy->n_nodes + 1, sizeof *energy->node_pj);
	energy->component_pj = arena_array(&energy->arena, (size_t)energy->n_components + 1, sizeof *energy->component_pj);
	if (add_nodes(energy, simulation, err) || add_beside(energy, simulation, err)) {
		energy_release(energy);
		return -1;
	}
	add_links(energy, simulation);
	add_components(energy, simulation);
	add_circuit_switches(energy, simulation);
	add_extra_components(energy, simulation);
	for (uint32_t i = 0; i < energy->n_rows; i++) {
		energy->total_pj += energy->rows[i].energy_pj;
		energy->price += energy->rows[i].price;
	}
	energy->pue = terms.pue;
	energy->price_per_kwh = terms.price;
	energy->tariff = terms.tariff;
	energy->facility_j = (double)energy->total_pj * 1e-12 * terms.pue;
	energy->cost = energy->facility_j / JOULES_PER_KWH * terms.price;
	energy->mean_w = span_s > 0 ? (double)energy->total_pj * 1e-12 / span_s : 0;
	energy->kwh_per_year = energy_kwh(energy->mean_w, terms.pue, HOURS_PER_YEAR);
	energy->cost_per_year = energy->kwh_per_year * terms.price;
	return 0;
}

static void not_known(struct simulation *simulation, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void not_known(struct simulation *simulation, const char *format, ...)
{
	char *text = arena_array(&simulation->arena, UNKNOWN_SIZE, 1);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, UNKNOWN_SIZE, format, arguments);
	va_end(arguments);
	simulation->energy_unknown = text;
}

static bool nodes_are_known(struct simulation *simulation)
{
	const struct fabric *fabric = &simulation->fabric;
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		const struct component_kind *component = node_component(simulation, node, NULL);
		if (component && !is_unspecified(component))
			continue;
		not_known(simulation, "the catalogue does not know what '%s' of '%s' is (say it with energy: {chips: {%s: NAME}})",
			  fabric->node_role[node], fabric->module->name, fabric->node_role[node]);
		return false;
	}
	return true;
}

/* Looked at first: physics of a large shape that is no machine would be in vain. */
static bool is_machine(struct simulation *simulation)
{
	const struct fabric *fabric = &simulation->fabric;
	struct catalogue catalogue;
	struct error err = {0};
	bool known;
	if (catalogue_init(&catalogue, &err)) {
		not_known(simulation, "%s", err.message);
		return false;
	}
	known = catalogue_machine_of(&catalogue, fabric->module->name, fabric->spec);
	catalogue_release(&catalogue);
	if (!known)
		not_known(simulation, "the catalogue has no machine '%s' (say what its nodes are with energy: {chips: …})", fabric->module->name);
	return known;
}

void energy_prepare(struct simulation *simulation)
{
	struct physics *physics;
	struct error err = {0};
	if (simulation->physics || !is_machine(simulation))
		return;
	physics = memory_zero(1, sizeof *physics);
	if (physics_init(physics, simulation->scenario, &simulation->fabric, &err)) {
		not_known(simulation, "%s", err.message);
		free(physics);
		return;
	}
	simulation->physics = physics;
	if (nodes_are_known(simulation))
		return;
	physics_release(physics);
	free(physics);
	simulation->physics = NULL;
}

void energy_default(struct simulation *simulation)
{
	const struct totals *totals = &simulation->totals;
	struct physics *physics = simulation->physics;
	struct error err = {0};
	if (simulation->energy || !physics)
		return;
	if (simulation->error.code || simulation->loggops) {
		not_known(simulation, simulation->loggops ? "the network model 'loggops' moves no bytes over links" : "the run is not complete");
		return;
	}
	if (physics->asked && (!is_machine(simulation) || !nodes_are_known(simulation)))
		return;
	for (uint32_t link = 0; !physics->asked && link < totals->n_links; link++)
		physics->bytes[link] = totals->link_bytes[link] + totals->link_overhead[link];
	simulation->energy = memory_zero(1, sizeof *simulation->energy);
	if (!energy_account(simulation->energy, simulation, &err))
		return;
	not_known(simulation, "%s", err.message);
	free(simulation->energy);
	simulation->energy = NULL;
}

void energy_release(struct energy *energy)
{
	arena_release(&energy->arena);
	memset(energy, 0, sizeof *energy);
}
