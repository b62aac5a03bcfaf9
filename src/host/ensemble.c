#include "host/ensemble.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "host/children.h"
#include "scenario/energy.h"
#include "scenario/failures.h"
#include "scenario/physics.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

#define RUN_LIMIT_PS (INT64_C(86400) * PS_PER_S) /* of the host's time */

const char *const ensemble_figure_names[ENSEMBLE_FIGURES] = {
	[ENSEMBLE_TIME_PS] = "time_ps", [ENSEMBLE_ENERGY_J] = "energy_j", [ENSEMBLE_REPLAYS] = "replays", [ENSEMBLE_FAILURES] = "failures",
	[ENSEMBLE_FAILED_SHARE] = "failed_share",
};

/* In the child */

static double failed_share(const struct simulation *simulation)
{
	double failed_ps = 0, all_ps = 0;
	for (uint32_t r = 0; r < simulation->n_ranks; r++) {
		failed_ps += (double)simulation->ranks[r].class_ps[RANK_FAILED];
		all_ps += (double)simulation->ranks[r].end_ps;
	}
	return all_ps > 0 ? failed_ps / all_ps : 0;
}

static void read_figures(const struct simulation *simulation, double *figures)
{
	const struct scenario *scenario = simulation->scenario;
	bool errors = simulation->physics && simulation->physics->errors;
	uint32_t n_failures;
	int64_t replays = 0;
	for (uint32_t link = 0; errors && link < simulation->fabric.n_links; link++)
		replays += simulation->physics->replays[link];
	failures_events(simulation, &n_failures);
	figures[ENSEMBLE_TIME_PS] = (double)simulation->end_ps;
	figures[ENSEMBLE_ENERGY_J] = simulation->energy ? simulation->energy->facility_j : NAN;
	figures[ENSEMBLE_REPLAYS] = errors ? (double)replays : NAN;
	figures[ENSEMBLE_FAILURES] = scenario->n_failures ? (double)n_failures : NAN;
	figures[ENSEMBLE_FAILED_SHARE] = scenario->n_failures ? failed_share(simulation) : NAN;
}

struct task { const struct scenario *scenario; };

static int run_child(void *context, uint32_t i, FILE *out)
{
	const struct task *task = context;
	struct scenario scenario = *task->scenario; /* borrows */
	struct simulation simulation;
	struct error err = {0};
	double figures[ENSEMBLE_FIGURES];
	scenario.seed += i;
	if (simulation_init(&simulation, &scenario, &err)) {
		fprintf(out, "%s", err.message);
		return 2;
	}
	simulation_run(&simulation);
	read_figures(&simulation, figures);
	fprintf(out, "%s %s", simulation.status, simulation.digest);
	for (int f = 0; f < ENSEMBLE_FIGURES; f++)
		fprintf(out, " %a", figures[f]);
	fprintf(out, "\n%s", simulation.error.message);
	return 0; /* the process ends here: nothing needs to be released */
}

/* In the parent */

static int64_t limit_of(void *context, uint32_t i)
{
	(void)context, (void)i;
	return RUN_LIMIT_PS;
}

static int read_run(struct ensemble_run *run, const struct child_result *result, struct error *err)
{
	const char *text = text_string(&result->output), *at;
	int used = 0;
	if (result->end == CHILD_INTERRUPTED || result->end == CHILD_NOT_RUN)
		return error_set(err, ERROR_INTERRUPTED, "interrupted");
	if (result->end == CHILD_FAILED)
		return error_set(err, ERROR_INPUT, "%s", text);
	if (result->end != CHILD_DONE || sscanf(text, "%15s %32s%n", run->status, run->digest, &used) != 2)
		return error_set(err, ERROR_HOST, "the run with seed %" PRId64 " crashed", run->seed);
	at = text + used;
	for (int f = 0; f < ENSEMBLE_FIGURES; f++) {
		char *end;
		run->figures[f] = strtod(at, &end);
		at = end;
	}
	snprintf(run->message, sizeof run->message, "%s", *at == '\n' ? at + 1 : "");
	return 0;
}

static void summarize(struct ensemble *ensemble)
{
	double *values = memory_alloc((ensemble->n + 1u) * sizeof *values);
	for (int f = 0; f < ENSEMBLE_FIGURES; f++) {
		size_t n = 0;
		for (uint32_t i = 0; i < ensemble->n; i++)
			if (!strcmp(ensemble->runs[i].status, "complete") && !isnan(ensemble->runs[i].figures[f]))
				values[n++] = ensemble->runs[i].figures[f];
		ensemble->known[f] = n > 0;
		if (n)
			sample_summarize(values, n, &ensemble->summaries[f]);
	}
	free(values);
}

int ensemble_run(struct ensemble *ensemble, const struct scenario *scenario, uint32_t n, uint32_t jobs, struct error *err)
{
	struct task task = {scenario};
	struct child_result *results = memory_zero(n + 1u, sizeof *results);
	struct children children = {.n = n, .jobs = n < jobs ? n : jobs, .context = &task, .run = run_child, .limit_ps = limit_of};
	int status = 0;
	memset(ensemble, 0, sizeof *ensemble);
	ensemble->runs = memory_zero(n + 1u, sizeof *ensemble->runs);
	ensemble->n = n;
	children_run(&children, results);
	for (uint32_t i = 0; i < n && !status; i++) {
		ensemble->runs[i].seed = scenario->seed + i;
		status = read_run(&ensemble->runs[i], &results[i], err);
		ensemble->n_complete += !strcmp(ensemble->runs[i].status, "complete");
	}
	child_results_release(results, n);
	free(results);
	if (status)
		ensemble_release(ensemble);
	else
		summarize(ensemble);
	return status;
}

void ensemble_release(struct ensemble *ensemble)
{
	free(ensemble->runs);
	memset(ensemble, 0, sizeof *ensemble);
}
