/* Failures by chance (section failures): parts of the machine that fail at times drawn from their rates and are repaired.
 *
 * A *unit* is what fails as a whole: a component with every link that it carries, a cable (both directions of a link), a chip with its
 * links and ranks. Every unit draws from a stream keyed by seed, effect and its own name, so that neither the order of entries nor what
 * else fails changes when it does. Times to failure are Weibull (shape 1: exponential), a share of units dies of infant mortality;
 * repair times are a range or exponential. What a failure does to a link goes through its condition (changes.h). */
#ifndef WEFT_SCENARIO_FAILURES_H
#define WEFT_SCENARIO_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "base/units.h"
#include "engine/observer.h"

struct error;
struct scenario;
struct simulation;
struct text;
struct tree_node;

/* "4 h", "1 s .. 60 s", "0.5 h .. 4 h .. 24 h": one value, evenly, or by a triangle; low <= likely <= high. */
struct spread { double low, likely, high; bool triangle; };

/* An entry of the list `failures`. */
struct scenario_failure {
	struct tree_node *node;
	const char *name;            /* in results; NULL: its effect and pattern */
	const char *component, *link, *chip; /* patterns: exactly one is given */
	int effect;                  /* enum outage_effect */
	const char *rate_text, *mttf_text, *infant_text, *age_text, *repair_text, *loss_text; /* as written; NULL */
	double afr;                  /* < 0: not given */
	double shape, infant;        /* of Weibull; share of units that die early */
	bool exponential;            /* repair times, of the mean `repair.likely` */
	int repair_law;
	int64_t detect_ps, abort_ps; /* -1: never */
	int64_t lanes;               /* 0: the catalogue's */
	double slow;                 /* throttle */
	int64_t spares, spares_per, together, switchover_ps, spare_latency_ps;

	/* From those. */
	double mttf_ps;              /* 0: the catalogue's */
	double infant_ps, age_ps;
	bool repaired;               /* else the unit stays as it is */
	struct spread repair_ps, loss_db;
};

int failures_read(struct scenario *scenario, struct error *err);
/* Reads `text`, the value of `key` in `map`. */
int spread_read(const struct tree_node *map, const char *key, const char *text, enum quantity quantity, struct spread *spread, struct error *err);
double spread_draw(const struct spread *spread, struct random_stream *stream);
double spread_mean(const struct spread *spread);

/* One failure of a run. Times TIME_NEVER: not before the run ended. */
struct failure_event {
	uint32_t unit;
	int64_t start_ps, detected_ps, end_ps; /* failed; routes avoid it; works again, by its repair or by a spare */
	int64_t repaired_ps;         /* the unit itself */
	bool spare;                  /* a spare took over */
};

/* A thing that fails. */
struct failure_unit {
	const struct scenario_failure *entry;
	const char *name;
	uint32_t *links, n_links;
	uint32_t circuit_switch;     /* 1 + the component, when it is one of several circuit switches; 0 */
	uint32_t *ranks, n_ranks;
	uint32_t pool;               /* of spares */
	double mttf_ps;
	bool weak;                   /* dies of infant mortality */
	struct random_stream stream; /* of its next draws */
	/* Now. */
	bool failed, stands_in;      /* does not work; a spare is in its place */
	double loss_db;
	int64_t fail_ps, over_ps, repair_ps, detect_ps, abort_ps; /* when that happens next; -1: not to come */
	uint32_t event;              /* index of its last */
};

struct failure_units {
	struct failure_unit *list;
	uint32_t n;
	uint32_t *spares, n_pools;   /* free ones of each pool */
};

/* The units of the scenario's entries on this machine, with the catalogue's rates where none are given. In the simulation's arena. */
int failure_units_init(struct failure_units *units, struct simulation *simulation, struct error *err);
/* The life of a unit from `age_ps` on, picoseconds; may be more than time goes. Independent draws: 1 per call, `together` of them. */
double failure_draw_life_ps(struct failure_unit *unit, double age_ps);
double failure_draw_repair_ps(struct failure_unit *unit);

/* Seeds a unit's draws: by seed, effect and name. */
void failure_unit_seed(const struct scenario *scenario, struct failure_unit *unit, uint64_t seed);

/* A state of the machine that lasts for the whole run, instead of failures by chance: what goodput.h simulates. */
enum forced_mode {
	FORCED_UNDETECTED, /* it has failed and no route avoids it */
	FORCED_AVOIDED,    /* it has failed and routes avoid its links */
	FORCED_SPARE,      /* a spare stands in for it */
	FORCED_MODES
};
struct forced_failure { uint32_t unit; enum forced_mode mode; };

/* Draws the first failures; call it when the network exists. */
int failures_start(struct simulation *simulation, struct error *err);
void failures_release(struct simulation *simulation);
/* Tells the observers of all that failed. */
void failures_finish(struct simulation *simulation);
/* In the control phase. */
void failures_control(struct simulation *simulation);
/* What happened so far, in the order of time; valid until the simulation is released. */
const struct failure_event *failures_events(const struct simulation *simulation, uint32_t *n);
const struct failure_unit *failures_unit(const struct simulation *simulation, uint32_t unit);
const struct failure_units *failures_units(const struct simulation *simulation);
/* "chip 'npu3' (rank 3) crashed at 1 ms": the failures that are not over, and whether the run was aborted for one. Appends nothing when
 * there are none. */
void failures_describe(const struct simulation *simulation, struct text *out);

#endif
