/* The state of circuit switches, shared by the circuits_*.c files only. */
#ifndef WEFT_SCENARIO_CIRCUITS_INTERNAL_H
#define WEFT_SCENARIO_CIRCUITS_INTERNAL_H

#include "base/memory.h"
#include "scenario/circuits.h"

#define UNCONNECTED UINT32_MAX

/* A sending port. Chips and ports count from 0; port p of chip i is [i × n_ports + p]. */
struct circuit_port {
	uint32_t peer;          /* the chip whose receiving port of the same number it leads to, or will when the move is over */
	bool lit;
	int64_t start_ps, lit_ps;
};

/* States that follow each other without a new decision (bvn). */
struct circuit_plan {
	uint32_t *peers;        /* [n_terms × n] */
	int64_t *bytes;         /* [n_terms] for how long, in bytes of one chip */
	uint32_t n_terms, next;
	size_t peers_capacity, bytes_capacity;
};

/* A collective that asked for a state. */
struct circuit_request {
	struct circuit_request_record record;
	uint32_t id;            /* the executor's */
	uint32_t state;
	uint8_t progress;       /* enum circuit_progress */
};
enum circuit_progress { REQUEST_ASKED, REQUEST_DECIDED, REQUEST_BEGUN, REQUEST_OVER };

struct circuits {
	const struct scenario_circuits *setup;
	struct simulation *simulation;
	uint32_t n, n_ports, n_switches;
	int64_t port_bytes_per_s; /* of one port */
	int64_t guard_ps;
	uint32_t *link;         /* [n × n] */
	uint32_t *n_lit;        /* [n × n] ports that light it */
	struct circuit_port *ports; /* [n × n_ports] */
	uint32_t *wanted;       /* [n × n_ports] who each sending port leads to after the next move */
	uint32_t *receives;     /* [n × n_ports] scratch: who sends to each receiving port */
	bool *fixed;            /* [n × n_ports] scratch: the scenario says which port */
	uint8_t *touched;       /* [n × n] scratch: TOUCHED, LOST */
	uint32_t *switches;     /* [n_switches] components; port p is on switch p % n_switches */
	uint32_t *n_failed;     /* [n_switches] failures that hold it */
	uint32_t next;          /* the state or slot that comes next */
	uint32_t n_idle;        /* decisions in a row before which nothing was under way and nothing had arrived */
	uint64_t n_delivered;   /* messages, at the last decision */
	bool started, move_due, light_due, moving;
	uint8_t on_move, on_light;

	int64_t *demand, *filled; /* [n × n] scratch: wire bytes from chip to chip */
	struct circuit_plan plan;
	uint32_t state;         /* request: the one that the switches have, or will when the move is over */
	struct circuit_request *requests; /* in the order in which they were asked */
	uint32_t n_requests, first_open;
	size_t requests_capacity;
	struct circuits_totals totals;
};

/* circuits.c: the ports become as `wanted` says; at once, or dark for guard_ps. */
void circuits_move(struct circuits *circuits, bool at_once);
void circuits_on_move(void *context, uint32_t argument);
void circuits_on_light(void *context, uint32_t argument);

/* circuits_ports.c */
/* Finds ports for the pairs so that none is used twice, circuits that are there keeping theirs; into `wanted`. -1: impossible with the
 * ports that pairs insist on. Each chip sends and receives at most n_ports of them. */
int circuits_arrange(struct circuits *circuits, const struct circuit_pair *pairs, uint32_t n_pairs);

/* circuits_control.c: fills `wanted` and says when to decide again (TIME_NEVER: not by the clock). False: nothing moves. */
bool circuits_want(struct circuits *circuits, int64_t *again_ps);
/* Wire bytes that every chip has still to send to every other: fills `demand`, returns their sum. */
int64_t circuits_read_demand(struct circuits *circuits);

/* circuits_request.c */
/* Every call of every workload that asks for a state: there must be one of that name. circuits NULL: none are served. */
int circuits_check_calls(const struct simulation *simulation, const struct circuits *circuits, struct error *err);
int circuits_start_requests(struct circuits *circuits, struct error *err);
void circuits_serve(struct circuits *circuits);
void circuits_requests_finish(struct circuits *circuits);

#endif
