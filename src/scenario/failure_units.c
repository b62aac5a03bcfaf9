/* What fails on a machine: the units of the scenario's entries, how often each fails, and its random stream. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/tree.h"
#include "fabric/fabric.h"
#include "link/catalogue.h"
#include "link/failure.h"
#include "scenario/circuits.h"
#include "scenario/changes.h"
#include "scenario/failures.h"
#include "scenario/physics.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

#define PS_PER_HOUR 3.6e15

struct gathering {
	struct failure_units *units;
	struct simulation *simulation;
	size_t capacity;
	struct failure_unit *grown;  /* on the heap while it grows */
	struct catalogue own;        /* when the run has no physics */
	uint32_t *in_first, *in_links; /* links that enter a node, by id; NULL: not needed yet */
	const struct catalogue *catalogue;
	uint32_t *npu_rank;          /* the rank on each chip, FABRIC_NONE; NULL: not needed yet. In the simulation's arena */
	struct error *err;
};

/* The catalogue, read when the first rate is missing. */
static const struct catalogue *catalogue_of(struct gathering *g)
{
	if (!g->catalogue && g->simulation->physics)
		g->catalogue = &g->simulation->physics->catalogue;
	if (!g->catalogue && !catalogue_init(&g->own, g->err))
		g->catalogue = &g->own;
	return g->catalogue;
}

/* FIT of a thing of this kind as the catalogue has it; 0: it does not say. `parts`: how many of them one unit is made of. */
static double catalogue_fit(const struct catalogue *catalogue, const char *kind, bool cable)
{
	const struct link_kind *link = catalogue_link(catalogue, kind, NULL);
	const struct component_kind *component = catalogue_component(catalogue, kind, NULL);
	double modules = link && cable ? fmax(kind_value(link, FIGURE_MODULES), 1) : 1;
	if (link && link->figures[FIGURE_FAILURE_RATE].known)
		return modules * kind_value(link, FIGURE_FAILURE_RATE);
	return component ? component_value(component, COMPONENT_FAILURE_RATE) : 0;
}

static double node_fit(const struct gathering *g, uint32_t node)
{
	const struct fabric *fabric = &g->simulation->fabric;
	const struct machine_record *machine = catalogue_machine_of(g->catalogue, fabric->module->name, fabric->spec);
	const struct component_kind *kind = machine_component(g->catalogue, machine, fabric->node_role[node]);
	return kind ? component_value(kind, COMPONENT_FAILURE_RATE) : 0;
}

/* kind: of a component or a link; NULL: a node. */
static int set_mttf(struct gathering *g, struct failure_unit *unit, const char *kind, bool cable, uint32_t node)
{
	const struct scenario_failure *entry = unit->entry;
	unit->mttf_ps = entry->mttf_ps;
	if (unit->mttf_ps > 0)
		return 0;
	if (!catalogue_of(g))
		return -1;
	double fit = kind ? catalogue_fit(g->catalogue, kind, cable) : node_fit(g, node);
	if (fit > 0)
		unit->mttf_ps = 1e9 / fit * PS_PER_HOUR;
	else if (entry->repair_text)
		return tree_fail(entry->node, g->err, "'repair' without a failure rate: the catalogue has none for '%s'; give 'rate', 'afr' or 'mttf'",
				 kind ? kind : g->simulation->fabric.node_role[node]);
	else
		return tree_fail(entry->node, g->err, "how often does it fail? The catalogue has no rate for '%s'; give 'rate', 'afr' or 'mttf'",
				 kind ? kind : g->simulation->fabric.node_role[node]);
	return 0;
}

static struct failure_unit *add_unit(struct gathering *g, const struct scenario_failure *entry, const char *name)
{
	ARRAY_RESERVE(g->grown, g->units->n + 1u, g->capacity);
	struct failure_unit *unit = &g->grown[g->units->n++];
	*unit = (struct failure_unit){.entry = entry, .name = name, .fail_ps = -1, .over_ps = -1, .repair_ps = -1, .detect_ps = -1, .abort_ps = -1};
	return unit;
}

static uint32_t *links_array(struct simulation *simulation, uint32_t n)
{
	return arena_array(&simulation->arena, (size_t)n + 1, sizeof(uint32_t));
}

static void index_entering(struct gathering *g)
{
	const struct fabric *fabric = &g->simulation->fabric;
	g->in_first = memory_zero((size_t)fabric->n_nodes + 2, sizeof *g->in_first);
	g->in_links = memory_alloc(((size_t)fabric->n_links + 1) * sizeof *g->in_links);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		g->in_first[fabric->link_target[link] + 2]++;
	for (uint32_t node = 0; node < fabric->n_nodes; node++)
		g->in_first[node + 2] += g->in_first[node + 1];
	for (uint32_t link = 0; link < fabric->n_links; link++)
		g->in_links[g->in_first[fabric->link_target[link] + 1]++] = link;
}

static int by_id(const void *a, const void *b)
{
	uint32_t p = *(const uint32_t *)a, q = *(const uint32_t *)b;
	return p < q ? -1 : p > q;
}

/* Adds the links that leave or enter a node, each once. */
static void add_links_of_node(struct gathering *g, struct failure_unit *unit, uint32_t node)
{
	const struct fabric *fabric = &g->simulation->fabric;
	if (!g->in_first)
		index_entering(g);
	uint32_t out = fabric->out_first[node + 1] - fabric->out_first[node], in = g->in_first[node + 1] - g->in_first[node], n = 0;
	uint32_t *all = links_array(g->simulation, unit->n_links + out + in);
	if (unit->n_links)
		memcpy(all, unit->links, unit->n_links * sizeof *all);
	memcpy(all + unit->n_links, fabric->out_links + fabric->out_first[node], out * sizeof *all);
	memcpy(all + unit->n_links + out, g->in_links + g->in_first[node], in * sizeof *all);
	qsort(all, unit->n_links + out + in, sizeof *all, by_id);
	for (uint32_t i = 0; i < unit->n_links + out + in; i++)
		if (!n || all[n - 1] != all[i])
			all[n++] = all[i];
	unit->links = all;
	unit->n_links = n;
}

static int add_components(struct gathering *g, const struct scenario_failure *entry)
{
	struct simulation *simulation = g->simulation;
	const struct fabric *fabric = &simulation->fabric;
	uint32_t before = g->units->n, *none, n_none;
	for (uint32_t c = 0; c < fabric->n_components; c++) {
		if (!text_matches(entry->component, fabric->component_name[c]))
			continue;
		struct failure_unit *unit = add_unit(g, entry, fabric->component_name[c]);
		unit->links = fabric->carried + fabric->carried_first[c];
		unit->n_links = fabric->carried_first[c + 1] - fabric->carried_first[c];
		unit->circuit_switch = circuits_one_of_several(simulation, c) ? c + 1 : 0;
		if (set_mttf(g, unit, fabric->component_kind[c], false, 0))
			return -1;
	}
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		if (fabric->node_kind[node] == WEFT_NODE_NPU || !text_matches(entry->component, fabric->node_name[node]))
			continue;
		struct failure_unit *unit = add_unit(g, entry, fabric->node_name[node]);
		add_links_of_node(g, unit, node);
		if (set_mttf(g, unit, NULL, false, node))
			return -1;
	}
	if (g->units->n == before) /* says what there is */
		return links_of_components(simulation, entry->component, tree_get(entry->node, "component"), &none, &n_none, g->err);
	return 0;
}

/* The link from target to source with the same number among the parallel ones; `link` itself when there is none. */
static uint32_t opposite(const struct fabric *fabric, uint32_t link)
{
	uint32_t node = fabric->link_target[link];
	for (uint32_t i = fabric->out_first[node]; i < fabric->out_first[node + 1]; i++) {
		uint32_t other = fabric->out_links[i];
		if (fabric->link_target[other] == fabric->link_source[link] && fabric->link_ordinal[other] == fabric->link_ordinal[link])
			return other;
	}
	return link;
}

static int add_cables(struct gathering *g, const struct scenario_failure *entry)
{
	struct simulation *simulation = g->simulation;
	const struct fabric *fabric = &simulation->fabric;
	uint32_t *links, n;
	char name[256];
	if (links_match(simulation, entry->link, tree_get(entry->node, "link"), &links, &n, g->err))
		return -1;
	bool *taken = arena_array(&simulation->arena, (size_t)fabric->n_links + 1, sizeof *taken);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t link = links[i], other = opposite(fabric, link), first = other < link ? other : link;
		if (taken[link])
			continue;
		taken[link] = taken[other] = true;
		fabric_link_name(fabric, first, name, sizeof name);
		struct failure_unit *unit = add_unit(g, entry, arena_text(&simulation->arena, name));
		unit->links = links_array(simulation, 2);
		unit->links[unit->n_links++] = link;
		if (other != link)
			unit->links[unit->n_links++] = other;
		if (set_mttf(g, unit, fabric->kind_names[fabric->link_kind[link]], true, 0))
			return -1;
	}
	return 0;
}

static void add_chip(struct gathering *g, struct failure_unit *unit, uint32_t npu)
{
	struct simulation *simulation = g->simulation;
	add_links_of_node(g, unit, simulation->fabric.npu_node[npu]);
	if (!g->npu_rank) {
		g->npu_rank = links_array(simulation, simulation->fabric.n_npus);
		memset(g->npu_rank, 0xff, simulation->fabric.n_npus * sizeof *g->npu_rank); /* FABRIC_NONE */
		for (uint32_t r = 0; r < simulation->n_ranks; r++)
			g->npu_rank[simulation->placement[r]] = r;
	}
	if (g->npu_rank[npu] != FABRIC_NONE)
		unit->ranks[unit->n_ranks++] = g->npu_rank[npu];
}

static int fail_chip(struct gathering *g, const struct scenario_failure *entry)
{
	const struct fabric *fabric = &g->simulation->fabric;
	const char **names = arena_array(&g->simulation->arena, fabric->n_npus, sizeof *names), *nearest;
	for (uint32_t npu = 0; npu < fabric->n_npus; npu++)
		names[npu] = fabric->node_name[fabric->npu_node[npu]];
	nearest = text_nearest(entry->chip, names, fabric->n_npus);
	return tree_fail(tree_get(entry->node, "chip"), g->err, "no chip of '%s' has a name like '%s' (%s '%s')", fabric->module->name, entry->chip,
			 nearest ? "the nearest is" : "the first is", nearest ? nearest : names[0]);
}

/* Whether the machine has circuit switches, which swap blocks of chips. */
static bool swaps_blocks(struct gathering *g)
{
	const struct fabric *fabric = &g->simulation->fabric;
	for (uint32_t c = 0; catalogue_of(g) && c < fabric->n_components; c++) {
		const struct component_kind *kind = catalogue_component(g->catalogue, fabric->component_kind[c], NULL);
		if (kind && kind->category == COMPONENT_CIRCUIT_SWITCH)
			return true;
	}
	return false;
}

/* The chips that match: in natural order; for blocks, rack by rack (a cube is a rack of tpu-torus). */
static uint32_t *match_chips(struct gathering *g, const struct scenario_failure *entry, uint32_t *n)
{
	const struct fabric *fabric = &g->simulation->fabric;
	uint32_t *npus = links_array(g->simulation, fabric->n_npus);
	for (uint32_t npu = 0; npu < fabric->n_npus; npu++) {
		uint32_t at = *n;
		if (!text_matches(entry->chip, fabric->node_name[fabric->npu_node[npu]]))
			continue;
		for (; entry->together > 1 && at && fabric->node_rack[fabric->npu_node[npus[at - 1]]] > fabric->node_rack[fabric->npu_node[npu]]; at--)
			npus[at] = npus[at - 1];
		npus[at] = npu;
		++*n;
	}
	return npus;
}

static int add_chips(struct gathering *g, const struct scenario_failure *entry)
{
	const struct fabric *fabric = &g->simulation->fabric;
	uint32_t together = (uint32_t)entry->together, n = 0, *npus = match_chips(g, entry, &n);
	struct failure_unit *unit = NULL;
	if (!n)
		return fail_chip(g, entry);
	if (together > 1 && !swaps_blocks(g))
		return tree_fail(tree_get(entry->node, "together"), g->err, "blocks of chips are swapped by circuit switches: '%s' has none",
				 fabric->module->name);
	if (n % together)
		return tree_fail(tree_get(entry->node, "together"), g->err, "%u chips do not fall into blocks of %u", n, together);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t node = fabric->npu_node[npus[i]];
		if (i % together == 0) {
			unit = add_unit(g, entry, fabric->node_name[node]);
			unit->ranks = links_array(g->simulation, together);
			if (set_mttf(g, unit, NULL, false, node))
				return -1;
		}
		add_chip(g, unit, npus[i]);
	}
	return 0;
}

/* Pools of spares, over the units of an entry from `first` on. */
static int add_spares(struct gathering *g, const struct scenario_failure *entry, uint32_t first)
{
	uint32_t n = g->units->n - first, per = entry->spares_per ? (uint32_t)entry->spares_per : n;
	if (entry->spares && n % per)
		return tree_fail(tree_get(entry->node, "spares_per"), g->err, "%u units do not fall into groups of %u that share spares", n, per);
	for (uint32_t i = 0; i < n; i++)
		g->grown[first + i].pool = g->units->n_pools + i / per;
	uint32_t n_pools = (n + per - 1) / per, *spares = links_array(g->simulation, g->units->n_pools + n_pools);
	if (g->units->n_pools)
		memcpy(spares, g->units->spares, g->units->n_pools * sizeof *spares);
	for (uint32_t i = 0; i < n_pools; i++)
		spares[g->units->n_pools + i] = (uint32_t)entry->spares;
	g->units->spares = spares;
	g->units->n_pools += n_pools;
	return 0;
}

/* Two entries with one effect on one unit draw apart: how many before this one. */
static uint64_t occurrence(const struct scenario *scenario, const struct failure_unit *unit)
{
	uint64_t k = 0;
	for (const struct scenario_failure *other = scenario->failures; other < unit->entry; other++) {
		const char *pattern = other->component ? other->component : other->link ? other->link : other->chip;
		k += other->effect == unit->entry->effect && text_matches(pattern, unit->name);
	}
	return k;
}

void failure_unit_seed(const struct scenario *scenario, struct failure_unit *unit, uint64_t seed)
{
	char name[320];
	size_t used = strlen(outage_effect_names[unit->entry->effect]);
	memcpy(name, outage_effect_names[unit->entry->effect], used);
	name[used++] = ' ';
	size_t length = strnlen(unit->name, sizeof name - used - 1);
	memcpy(name + used, unit->name, length);
	name[used + length] = '\0';
	unit->stream = random_stream(seed, name, occurrence(scenario, unit));
	unit->weak = random_uniform(&unit->stream) < unit->entry->infant;
}

/* Lanes that a unit's links have, for lane losses. */
static int set_lanes(struct gathering *g, const struct failure_unit *unit)
{
	const struct fabric *fabric = &g->simulation->fabric;
	char name[256];
	for (uint32_t i = 0; i < unit->n_links; i++) {
		uint32_t link = unit->links[i], lanes = (uint32_t)unit->entry->lanes;
		struct link_condition *condition = &g->simulation->conditions[link];
		if (!lanes && !catalogue_of(g))
			return -1;
		if (!lanes) {
			const struct link_kind *kind = catalogue_link(g->catalogue, fabric->kind_names[fabric->link_kind[link]], NULL);
			bool said = kind && kind->figures[FIGURE_LANES].known && kind->figures[FIGURE_LANES].grade != ' ';
			lanes = said ? (uint32_t)kind_value(kind, FIGURE_LANES) : 0;
		}
		fabric_link_name(fabric, link, name, sizeof name);
		if (!lanes)
			return tree_fail(unit->entry->node, g->err, "how many 'lanes' has link '%s'? The catalogue does not say", name);
		if (condition->lanes && condition->lanes != lanes)
			return tree_fail(unit->entry->node, g->err, "link '%s' has %u lanes here and %u in another entry", name, lanes, condition->lanes);
		condition->lanes = lanes;
	}
	return 0;
}

static int add_entry(struct gathering *g, const struct scenario_failure *entry)
{
	uint32_t first = g->units->n;
	if (entry->component ? add_components(g, entry) : entry->link ? add_cables(g, entry) : add_chips(g, entry))
		return -1;
	for (uint32_t i = first; i < g->units->n; i++) {
		failure_unit_seed(g->simulation->scenario, &g->grown[i], (uint64_t)g->simulation->scenario->seed);
		if (entry->effect == OUTAGE_LANE && set_lanes(g, &g->grown[i]))
			return -1;
	}
	return add_spares(g, entry, first);
}

int failure_units_init(struct failure_units *units, struct simulation *simulation, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	struct gathering g = {.units = units, .simulation = simulation, .err = err};
	int status = 0;
	memset(units, 0, sizeof *units);
	for (uint32_t i = 0; !status && i < scenario->n_failures; i++)
		status = add_entry(&g, &scenario->failures[i]);
	units->list = arena_array(&simulation->arena, (size_t)units->n + 1, sizeof *units->list);
	if (units->n)
		memcpy(units->list, g.grown, units->n * sizeof *units->list);
	free(g.grown);
	free(g.in_first);
	free(g.in_links);
	if (g.catalogue == &g.own)
		catalogue_release(&g.own);
	return status;
}

double failure_draw_life_ps(struct failure_unit *unit, double age_ps)
{
	const struct scenario_failure *entry = unit->entry;
	double mean_ps = unit->weak ? entry->infant_ps : unit->mttf_ps, life_ps = INFINITY;
	for (int64_t i = 0; i < entry->together; i++)
		life_ps = fmin(life_ps, draw_remaining_life(&unit->stream, mean_ps, entry->shape, age_ps));
	return life_ps;
}

double failure_draw_repair_ps(struct failure_unit *unit)
{
	const struct scenario_failure *entry = unit->entry;
	double u = random_uniform(&unit->stream);
	if (entry->exponential)
		return -log1p(-u) * entry->repair_ps.likely;
	return spread_draw(&entry->repair_ps, &unit->stream);
}
