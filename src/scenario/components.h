/* Components that a scenario adds to those of the topology (section components): laser sources that feed several ports, fibre ribbons, … A
 * component carries links; it owns power, price, failure rate and fate as the catalogue's entry of its kind says. */
#ifndef WEFT_SCENARIO_COMPONENTS_H
#define WEFT_SCENARIO_COMPONENTS_H

#include <stdint.h>

struct error;
struct scenario;
struct simulation;
struct tree_node;

/* One entry: `per` links each, by id, 0: one component for all of them. */
struct scenario_component {
	struct tree_node *node;
	const char *name, *kind, *pattern;
	int64_t per;
};

/* Reads the list, if there is one. */
int components_read(struct scenario *scenario, struct error *err);
/* Adds them to the built fabric; before anything reads its components. */
int components_add(struct simulation *simulation, struct error *err);
/* Their kinds are in the catalogue; after physics were built. */
int components_check(const struct simulation *simulation, struct error *err);

#endif
