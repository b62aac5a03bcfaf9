/* The scenario's list of changes of links (section links), and the condition of every link: what the list says of it and how many
 * failures hold it. The list and random failures (failures.h) write conditions; condition_settle makes a link what its condition is. */
#ifndef WEFT_SCENARIO_CHANGES_H
#define WEFT_SCENARIO_CHANGES_H

#include <stdint.h>

struct error;
struct simulation;
struct tree_node;

struct link_condition {
	int64_t bytes_per_s, latency_ps; /* as the list says, or as built */
	uint8_t state;                   /* enum link_state, the same */
	uint32_t n_down;                 /* failures that keep it down: it is up again when the last of them is repaired */
	uint32_t n_ports, n_lit;         /* of a circuit (circuits.h): fibre ports of its ends, and how many light it; 0 ports: no circuit */
	uint32_t lanes, n_lost;          /* that carry it, and how many of those are lost; 0 lanes: none is ever lost */
};

/* Allocates the conditions, every link as built; a second call does nothing. */
void conditions_init(struct simulation *simulation);
/* Tells the network what the link's condition makes of it. In the control phase. */
void condition_settle(struct simulation *simulation, uint32_t link);

/* Links whose names match a pattern, by id, in the simulation's arena. -1 and an error at `where` when there are none. */
int links_match(struct simulation *simulation, const char *pattern, const struct tree_node *where, uint32_t **links, uint32_t *n,
		struct error *err);
/* The same for links that components and switches with such names carry. */
int links_of_components(struct simulation *simulation, const char *pattern, const struct tree_node *where, uint32_t **links, uint32_t *n,
			struct error *err);

/* Schedules the list. */
int changes_start(struct simulation *simulation, struct error *err);
/* In the control phase. */
void changes_control(struct simulation *simulation);

#endif
