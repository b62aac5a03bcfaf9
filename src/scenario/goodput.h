/* Goodput: how much of days of training is training, when parts of the machine fail at their real rates.
 *
 * A run of days is not simulated step by step. The engine simulates the training step in every *state* of the machine that occurs
 * (healthy; a module dead and avoided; a chip slow; …), and days are a walk from failure to failure: between two of them the step of
 * that state is repeated, which is the extrapolation that results state. Every unit draws its failures as in failures.h.
 *
 * What a failure does follows from what its states did when simulated: a step that does not end stalls the job until the failure is
 * over, until routes avoid it, or until somebody gives up; then the job restarts from its last checkpoint, and what it did since is
 * lost. Work is counted in healthy steps; work and all losses sum to the time that passed. */
#ifndef WEFT_SCENARIO_GOODPUT_H
#define WEFT_SCENARIO_GOODPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "scenario/failures.h"

struct error;
struct scenario;

/* The section of the scenario. */
struct scenario_goodput {
	int64_t days, steps, representatives;
	const char *checkpoint, *restart_text;
	int64_t write_ps, detect_ps;
	double interval_s;           /* 0: auto */
	struct spread restart_ps;
};
int goodput_read(struct scenario *scenario, struct error *err);

/* Where time goes that is not useful. */
enum goodput_loss {
	GOODPUT_DEGRADED,   /* steps took longer than healthy ones */
	GOODPUT_WRITING,    /* checkpoints */
	GOODPUT_LOST_WORK,  /* done since the last checkpoint and thrown away */
	GOODPUT_STALLED,    /* waiting for a link that came back or was routed around */
	GOODPUT_DETECTION,  /* from what ended the job to when that is known */
	GOODPUT_WAITING,    /* for a repair, because there is no spare and no way around */
	GOODPUT_RESTART,
	GOODPUT_LOSSES
};
extern const char *const goodput_loss_names[GOODPUT_LOSSES];

/* A steady state of the machine: at most so many units in it at once; more count as so many. */
#define GOODPUT_STATE_UNITS 16
struct goodput_state {
	struct forced_failure units[GOODPUT_STATE_UNITS];
	uint32_t n;
	bool known, completes;       /* it was simulated; its step ends */
	double step_s;               /* one training step */
	double used_s;               /* time that the samples spent in it, as steps, over all of them */
	uint64_t n_events;           /* of its simulation */
};

struct goodput_result {
	double elapsed_s, useful_s, loss_s[GOODPUT_LOSSES];
	double steps;                /* kept */
	uint64_t n_failures, n_interruptions, n_checkpoints, n_crowded; /* crowded: states of more than GOODPUT_STATE_UNITS units */
	uint64_t *failures, *interruptions; /* [entries of `failures`] */
	bool stopped;                /* it waited at the end, for nothing that was to come */
};

struct goodput {
	const struct scenario *scenario;
	const struct failure_units *units; /* of a built simulation */
	uint32_t *entry_first;       /* [entries + 1] first unit of each */
	struct goodput_state *states;
	uint32_t n_states;
	size_t capacity;
};

void goodput_init(struct goodput *goodput, const struct scenario *scenario, const struct failure_units *units);
void goodput_release(struct goodput *goodput);
/* Walks through the days with these draws and this checkpoint interval. False when it met states that are not known yet: they are in
 * goodput->states now, and the result is none. Release the result either way. */
bool goodput_sample(struct goodput *goodput, uint64_t seed, double interval_s, struct goodput_result *result);
void goodput_result_release(struct goodput_result *result);

/* The checkpoint interval of Young (1974) and Daly (2006, eq. 37), seconds: `write_s` to write one, `mtbf_s` between failures. */
double young_interval_s(double write_s, double mtbf_s);
double daly_interval_s(double write_s, double mtbf_s);

/* Simulates one state: its step's time. In a process of its own or not; -1 and an error for bad input. */
int goodput_simulate(const struct scenario *scenario, struct goodput_state *state, struct error *err);

#endif
