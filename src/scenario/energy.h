/* What a run costs in joules and money: links from the integer account that the timeline uses too, chips and switches by their
 * utilisation, the building on top (PUE), and what a year of the same step after step would be. */
#ifndef WEFT_SCENARIO_ENERGY_H
#define WEFT_SCENARIO_ENERGY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

struct error;
struct scenario;
struct simulation;

/* One kind of thing. */
struct energy_row {
	const char *category;      /* "chips", "switches", "links", …; "beside the fabric": a part of the machine that is not among its nodes */
	const char *name;          /* component or link kind */
	double count;              /* nodes; cables for links */
	double n_components;       /* what they are made of: modules or copper pairs of the cables; else as many as `count` */
	const char *component;     /* "modules", "pairs", "cables"; NULL: the same things */
	int64_t energy_pj;         /* of the run, without the building */
	double price;              /* of all of them; 0 where not known: then not `priced` */
	bool priced;
	double failures_per_year;
};

struct energy {
	struct arena arena;
	struct energy_row *rows;
	uint32_t n_rows;
	int64_t links_pj, beside_pj, total_pj; /* Σ rows = total; beside: circuit switches, and what the fabric leaves out */
	int64_t *node_pj;            /* [n_nodes]; Σ nodes + Σ links + beside = total */
	int64_t *component_pj;       /* [n_components] modules: their part of links_pj; circuit switches: of beside_pj; not on top of it */
	uint32_t n_nodes, n_components;
	double pue, price_per_kwh;
	const char *tariff;
	double facility_j;           /* total × PUE */
	double cost;                 /* of the run */
	double mean_w;               /* total / time */
	double kwh_per_year, cost_per_year; /* facility, this step again and again */
	double price;                /* of the parts whose price is known */
	uint32_t n_unspecified;      /* nodes of which nothing is known: they count as 0 W */
	const char *unspecified_role; /* of the first of them */
};

/* After simulation_finish's results are there. */
int energy_account(struct energy *energy, const struct simulation *simulation, struct error *err);
/* Without being asked, for machines whose every part is in the catalogue. Before the run: gives them physics that take no part in it.
 * Where something is not known simulation->energy stays NULL, as unknown is not zero, and simulation->energy_unknown says what. */
void energy_prepare(struct simulation *simulation);
/* After it: the account, from the bytes that the links carried in all. */
void energy_default(struct simulation *simulation);
void energy_release(struct energy *energy);
/* Checks pue, price and chips before the run: so that their errors come first. */
int energy_check(const struct simulation *simulation, struct error *err);

#endif
