/* Circuit switches in time: which circuits of topology `ocs` are lit, through network_change_link.
 *
 * A state connects each sending port to at most one receiving port and each receiving port to at most one sending one. Going from one
 * state to the next takes control + switching + re-lock; ports whose circuit stays the same carry on, all others are dark (LINK_DARK, rate
 * 0) for that long. What waits for a dark circuit waits at its source; what the models have begun to serialize arrives (drain). */
#ifndef WEFT_SCENARIO_CIRCUITS_H
#define WEFT_SCENARIO_CIRCUITS_H

#include <stdbool.h>
#include <stdint.h>

struct circuits;
struct error;
struct scenario;
struct simulation;

enum circuits_controller { CIRCUITS_STATIC, CIRCUITS_ROTOR };

/* One entry of `states`: pairs[2 k] sends to pairs[2 k + 1]. */
struct circuits_state {
	int64_t at_ps;
	struct tree_node *connect;
	int64_t *pairs;
	uint32_t n_pairs;
};

struct scenario_circuits {
	int controller;         /* enum circuits_controller */
	int64_t slot_ps, control_ps, switching_ps, relock_ps;
	struct tree_node *states_node;
	struct circuits_state *states;
	uint32_t n_states;
};

/* Reads the section, if there is one. */
int circuits_read(struct scenario *scenario, struct error *err);
/* Checks it against the fabric and schedules its beginning; call it when the network exists. */
int circuits_start(struct simulation *simulation, struct error *err);
/* In the control phase. */
void circuits_control(struct circuits *circuits, struct simulation *simulation);

#endif
