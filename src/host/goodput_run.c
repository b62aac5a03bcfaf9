#include "host/goodput_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "host/children.h"

#define STATES_MAX 2000            /* more distinct ones mean that the machine is broken most of the time */
#define STATE_LIMIT_PS (INT64_C(86400) * PS_PER_S) /* of the host's time */
/* Intervals tried: Young's times 2^(k/4). */
#define TRIALS_EACH_WAY 12
#define FIRST_INTERVAL_S 1800.0    /* to find how often the job ends, before Young's is known */

/* States */

struct asked { struct goodput_run *run; const uint32_t *states; };

static int simulate_child(void *context, uint32_t i, FILE *out)
{
	struct asked *asked = context;
	struct goodput_state *state = &asked->run->goodput.states[asked->states[i]];
	struct error err = {0};
	if (goodput_simulate(asked->run->goodput.scenario, state, &err)) {
		fprintf(out, "%s", err.message);
		return error_exit_status(&err);
	}
	fprintf(out, "%d %a %llu", state->completes, state->step_s, (unsigned long long)state->n_events);
	return 0;
}

static int64_t state_limit(void *context, uint32_t i)
{
	(void)context, (void)i;
	return STATE_LIMIT_PS;
}

static int read_state(struct goodput_state *state, const struct child_result *result, struct error *err)
{
	unsigned long long n_events;
	int completes;
	if (result->end == CHILD_INTERRUPTED || result->end == CHILD_NOT_RUN)
		return error_set(err, ERROR_INTERRUPTED, "interrupted");
	if (result->end == CHILD_FAILED)
		return error_set(err, result->number == 1 ? ERROR_SIMULATION : ERROR_INPUT, "%s", text_string(&result->output));
	if (result->end != CHILD_DONE || sscanf(text_string(&result->output), "%d %la %llu", &completes, &state->step_s, &n_events) != 3)
		return error_set(err, ERROR_HOST, "a simulation of a state of the machine crashed");
	state->known = true;
	state->completes = completes;
	state->n_events = n_events;
	return 0;
}

static int simulate_unknown(struct goodput_run *run, uint32_t jobs, struct error *err)
{
	struct goodput *goodput = &run->goodput;
	uint32_t *states = memory_alloc((goodput->n_states + 1u) * sizeof *states), n = 0;
	struct asked asked = {run, states};
	int status = 0;
	for (uint32_t s = 0; s < goodput->n_states; s++)
		if (!goodput->states[s].known)
			states[n++] = s;
	struct child_result *results = memory_zero(n + 1u, sizeof *results);
	struct children children = {.n = n, .jobs = n < jobs ? n : jobs, .context = &asked, .run = simulate_child, .limit_ps = state_limit};
	children_run(&children, results);
	for (uint32_t i = 0; i < n && !status; i++)
		status = read_state(&goodput->states[states[i]], &results[i], err);
	child_results_release(results, n);
	free(results);
	free(states);
	return status;
}

/* Samples */

static void release_results(struct goodput_run *run)
{
	for (uint32_t i = 0; i < run->n_results; i++)
		goodput_result_release(&run->results[i]);
	free(run->results);
	run->results = NULL;
	run->n_results = 0;
}

static void forget_use(struct goodput *goodput)
{
	for (uint32_t s = 0; s < goodput->n_states; s++)
		goodput->states[s].used_s = 0;
}

/* All samples with this interval. States that turn up are simulated, and the samples walk again: the walk depends on them. */
static int walk_all(struct goodput_run *run, const struct goodput_options *options, double interval_s, struct error *err)
{
	bool known;
	do {
		release_results(run);
		run->results = memory_zero(options->samples + 1u, sizeof *run->results);
		forget_use(&run->goodput);
		known = true;
		for (uint32_t i = 0; i < options->samples; i++, run->n_results++)
			known &= goodput_sample(&run->goodput, (uint64_t)run->scenario.seed + i, interval_s, &run->results[i]);
		if (run->goodput.n_states > STATES_MAX)
			return error_set(err, ERROR_INPUT, "more than %d states of the machine occur: its parts fail faster than they are repaired",
					 STATES_MAX);
		if (!known && simulate_unknown(run, options->jobs, err))
			return -1;
	} while (!known);
	return 0;
}

static double mean_goodput(const struct goodput_run *run)
{
	double useful_s = 0, elapsed_s = 0;
	for (uint32_t i = 0; i < run->n_results; i++) {
		useful_s += run->results[i].useful_s;
		elapsed_s += run->results[i].elapsed_s;
	}
	return useful_s / elapsed_s;
}

static double mean_between_s(const struct goodput_run *run)
{
	double elapsed_s = 0, n = 0;
	for (uint32_t i = 0; i < run->n_results; i++) {
		elapsed_s += run->results[i].elapsed_s;
		n += (double)run->results[i].n_interruptions;
	}
	return n > 0 ? elapsed_s / n : INFINITY;
}

static int try_intervals(struct goodput_run *run, const struct goodput_options *options, struct error *err)
{
	double best = -1;
	run->trials = memory_zero(2 * TRIALS_EACH_WAY + 1, sizeof *run->trials);
	for (int k = -TRIALS_EACH_WAY; k <= TRIALS_EACH_WAY; k++) {
		struct goodput_trial *trial = &run->trials[run->n_trials++];
		trial->interval_s = run->young_s * exp2(k / 4.0);
		if (walk_all(run, options, trial->interval_s, err))
			return -1;
		trial->goodput = mean_goodput(run);
		if (trial->goodput > best) {
			best = trial->goodput;
			run->best_s = trial->interval_s;
		}
	}
	return 0;
}

int goodput_run(struct goodput_run *run, const struct scenario *scenario, const struct goodput_options *options, struct error *err)
{
	const struct scenario_goodput *setup = &scenario->goodput;
	double write_s = (double)setup->write_ps * 1e-12;
	memset(run, 0, sizeof *run);
	run->scenario = *scenario;
	run->scenario.failures_forced = true; /* none */
	if (simulation_init(&run->machine, &run->scenario, err))
		return -1;
	goodput_init(&run->goodput, scenario, failures_units(&run->machine));
	if (walk_all(run, options, setup->interval_s > 0 ? setup->interval_s : FIRST_INTERVAL_S, err))
		goto failed;
	run->mtbf_s = mean_between_s(run);
	run->young_s = young_interval_s(write_s, run->mtbf_s);
	run->daly_s = daly_interval_s(write_s, run->mtbf_s);
	if (isfinite(run->young_s) && run->young_s > 0 && try_intervals(run, options, err))
		goto failed;
	run->interval_s = setup->interval_s > 0 ? setup->interval_s : run->n_trials ? run->best_s : FIRST_INTERVAL_S;
	if (walk_all(run, options, run->interval_s, err))
		goto failed;
	run->mtbf_s = mean_between_s(run);
	return 0;
failed:
	goodput_run_release(run);
	return -1;
}

void goodput_run_release(struct goodput_run *run)
{
	release_results(run);
	free(run->trials);
	goodput_release(&run->goodput);
	simulation_release(&run->machine);
	memset(run, 0, sizeof *run);
}
