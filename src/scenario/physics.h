/* Physics of a run: which catalogue kind every link of the fabric is, its budget with drawn dB terms, and what its bit errors do
 * while the run goes on.
 *
 * A codeword that cannot be corrected is sent again (link-level retry) or, without retry, by the transport: for that long nothing
 * moves on the link. On the fluid model such stalls are drawn one by one: candidates come as a Poisson process at the rate of the
 * full link and are taken with the probability load/capacity of their moment, which is a Poisson process in the bytes carried.
 * Where stalls would take more than 1 % of a link's time they are not drawn: its capacity shrinks to the goodput and replays are
 * counted by expectation. Never both for the same error. The packet model draws all of them itself, in the bytes it sends. */
#ifndef WEFT_SCENARIO_PHYSICS_H
#define WEFT_SCENARIO_PHYSICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bitset.h"
#include "base/error.h"
#include "base/random.h"
#include "link/account.h"
#include "link/catalogue.h"
#include "link/chain.h"

struct fabric;
struct scenario;
struct simulation;

/* One class of links: the same kind and length. */
struct link_class {
	uint32_t kind;             /* into physics.kinds */
	double length_m;
	struct link_chain chain;   /* without drawn terms */
	uint32_t n_links, n_cables; /* n_cables: side by side, to carry a link's bandwidth */
};

struct physics {
	struct catalogue catalogue;
	struct link_kind *kinds;   /* [fabric kinds], as the scenario maps them */
	struct link_class *classes;
	uint32_t n_classes;
	size_t classes_capacity;
	uint32_t *link_class;      /* [n_links] */
	struct link_figures figures;
	double *errors_per_byte;   /* [n_links] codewords lost per byte sent */
	int64_t *stall_ps;         /* [n_links] what one of them costs */
	int64_t *replays;          /* [n_links] so far */
	int64_t *bytes;            /* [n_links] payload and overhead so far */
	bool asked;                /* by the scenario; else only the joules of a known machine are read from it */
	/* [n_links], NULL: no link changes while the run goes on. Dirt that came, dB; bytes and replays when it last changed. */
	double *dirt_db;
	int64_t *bytes_before, *replays_before;
	bool errors;               /* they take part in the run */
	uint32_t n_open;           /* links whose budget does not close */
	struct error warning;      /* the first of them, when that is a warning */

	/* Errors as events. */
	const struct observers *observers; /* of the simulation */
	struct random_stream *streams;
	uint8_t *drawn;            /* [n_links] 1: stalls are drawn; 0: no errors, or goodput */
	int64_t *rate_before;      /* [n_links] of a stalled link; -1: not stalled */
	int64_t *candidate_ps;     /* [n_links] of the next error that could come; events at other times are not meant */
	struct bitset due, over;
	uint32_t n_dead;           /* links that never come up */
	uint8_t on_error, on_over, on_start;
	bool started;
};

/* Reads the catalogue, maps kinds, evaluates every link, draws. Links whose budget does not close are an error, or (physics.budget)
 * a warning. */
int physics_init(struct physics *physics, const struct scenario *scenario, const struct fabric *fabric, struct error *err);
void physics_release(struct physics *physics);
/* Adds what the catalogue knows of a link's latency (propagation, modules, FEC, SerDes) to the fabric's, which then is the switch's. */
void physics_add_latency(const struct physics *physics, struct fabric *fabric);
/* Lets the errors take part: registers events; the simulation's control phase calls physics_control. */
int physics_start(struct physics *physics, struct simulation *simulation, struct error *err);
void physics_control(struct physics *physics, struct simulation *simulation);
/* What is left of a rate when the link's errors are goodput; 0: the link never comes up. `bytes_per_s` itself before errors take part. */
int64_t physics_rate(const struct physics *physics, const struct simulation *simulation, uint32_t link, int64_t bytes_per_s);
/* Puts so many dB more on a link, or takes them off again (negative), through its budget: its bit errors change from now on. The caller
 * settles the link's condition then (changes.h). In the control phase, after physics_control. */
void physics_contaminate(struct physics *physics, struct simulation *simulation, uint32_t link, double db);
/* After the run: what rounding left of the replays of links whose errors are not drawn one by one. */
void physics_finish(struct physics *physics, struct simulation *simulation);

#endif
