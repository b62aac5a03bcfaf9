/* Goodput with everything around it: states simulated in child processes, samples over seeds, the best checkpoint interval. */
#ifndef WEFT_HOST_GOODPUT_RUN_H
#define WEFT_HOST_GOODPUT_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "scenario/goodput.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

struct goodput_options {
	uint32_t samples, jobs; /* sample i has the scenario's seed + i; simulations at a time */
};

/* One checkpoint interval that was tried, over all samples. */
struct goodput_trial { double interval_s, goodput; };

struct goodput_run {
	struct simulation machine;      /* built, never run: names and units */
	struct scenario scenario;       /* `machine`'s: a copy that borrows */
	struct goodput goodput;
	struct goodput_result *results; /* [n_results] by sample, at `interval_s` */
	uint32_t n_results;
	double interval_s;              /* the scenario's, or the best of `trials` */
	double mtbf_s;                  /* mean time between interruptions over all samples at that interval; INFINITY: there was none */
	double young_s, daly_s;         /* for that */
	struct goodput_trial *trials;   /* ascending intervals; none when nothing interrupts */
	uint32_t n_trials;
	double best_s;                  /* of the trials */
	bool interrupted;
};

/* -1 and an error: bad input, a healthy step that does not end, or the user stopped it. */
int goodput_run(struct goodput_run *run, const struct scenario *scenario, const struct goodput_options *options, struct error *err);
void goodput_run_release(struct goodput_run *run);

#endif
