/* Circuit switches in time: which circuits are lit, of links that a topology module said to be circuits (weft_builder.set_circuit).
 *
 * A state of the switches joins each sending fibre port to at most one receiving port and each receiving one to at most one sending one.
 * Going from one state to the next takes control + switching + re-lock; ports whose circuit stays carry on, all others are dark for that
 * long. The ports that join the same two chips at one time are one link of as many ports' rate: packets are striped over them, as over
 * the lanes of a module, and a link without any is dark (LINK_DARK, rate 0). What waits for a dark circuit waits at its source.
 *
 *   circuits_read.c     the section, checked as far as it can be without the fabric
 *   circuits_start.c    the section against the fabric
 *   circuits.c          moves, and what links make of them
 *   circuits_ports.c    which port a circuit takes
 *   circuits_control.c  which state is wanted: static, rotor, demand, bvn
 *   circuits_request.c  which state is wanted: collectives ask (request) */
#ifndef WEFT_SCENARIO_CIRCUITS_H
#define WEFT_SCENARIO_CIRCUITS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/observer.h"
#include "scenario/section.h"

struct circuits;
struct error;
struct scenario;
struct simulation;

enum circuits_controller { CIRCUITS_STATIC, CIRCUITS_ROTOR, CIRCUITS_DEMAND, CIRCUITS_BVN, CIRCUITS_REQUEST };
enum circuits_moving { CIRCUITS_DRAIN, CIRCUITS_DROP };
enum circuits_decide { CIRCUITS_BREAK_EVEN, CIRCUITS_ALWAYS, CIRCUITS_NEVER };

/* Chip `source` sends to chip `target` through `port` of both; port -1: any. */
struct circuit_pair {
	const struct tree_node *node;
	int64_t source, target, port;
};

/* One entry of `states`. */
struct circuits_state {
	struct tree_node *node;
	const char *name;       /* NULL: none */
	int64_t at_ps;          /* -1: not given */
	struct tree_node *connect; /* NULL: `shifts` alone */
	struct counts shifts;   /* chip i sends to i + shift, for each of them */
	struct circuit_pair *pairs;
	uint32_t n_pairs;
};

struct scenario_circuits {
	int controller;         /* enum circuits_controller */
	int moving;             /* enum circuits_moving */
	int decide;             /* enum circuits_decide */
	int64_t slot_ps;
	int64_t control_ps, switching_ps, relock_ps; /* -1: of the catalogue */
	const char *initial;    /* a state's name; NULL: the first */
	struct tree_node *states_node;
	struct circuits_state *states;
	uint32_t n_states;
};

/* What circuit switches did in a run. */
struct circuits_totals {
	int64_t control_ps, switching_ps, relock_ps; /* of every move */
	uint64_t n_moves, n_ports_moved;
	int64_t dark_ps, lit_ps; /* of all sending ports: between circuits, and carrying; the rest was joined to nothing */
	double lit_share;       /* lit_ps over the time of all sending ports */
	struct circuit_request_record *requests;
	uint32_t n_requests;
};

/* "moved": for this request; "has": the switches had the state; "stayed": it would not have paid; "waits": not decided when the run ended. */
const char *circuit_decision(const struct circuit_request_record *request);

/* Reads the section, if there is one. */
int circuits_read(struct scenario *scenario, struct error *err);
/* Checks it against the fabric and schedules its beginning; call it when the network and the workloads exist. */
int circuits_start(struct simulation *simulation, struct error *err);
/* In the control phase. */
void circuits_control(struct circuits *circuits, struct simulation *simulation);
/* Whether a component is one of several circuit switches of a run whose circuits move: when it fails, its ports are dark and the others
 * carry on. (One alone takes its links down like any other component.) */
bool circuits_one_of_several(const struct simulation *simulation, uint32_t component);
/* Such a switch fails (+1) or one of its failures is over (-1). In the control phase. */
void circuits_switch_fails(struct simulation *simulation, uint32_t component, int by);
/* After the run: tells observers of the circuits that are still there, and sums up; they live as long as the simulation. */
const struct circuits_totals *circuits_finish(struct circuits *circuits);
/* What does not live in the simulation's arena, finished or not. */
void circuits_release(struct circuits *circuits);

#endif
