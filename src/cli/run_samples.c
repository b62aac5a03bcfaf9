#include "cli/run_samples.h"

#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/cli.h"
#include "host/ensemble.h"
#include "scenario/scenario.h"

static void print_figure(enum ensemble_figure figure, const struct sample_summary *s)
{
	static const char *const labels[ENSEMBLE_FIGURES] = {"time, ms", "energy, J", "replays", "failures", "ranks dead, %"};
	const double scale[ENSEMBLE_FIGURES] = {1e-9, 1, 1, 1, 100};
	double k = scale[figure];
	printf("%-14s %10.5g %10.5g %10.5g %10.5g %10.5g   ", labels[figure], k * s->minimum, k * s->q05, k * s->median, k * s->q95, k * s->maximum);
	if (isnan(s->median_low))
		printf("%-25s", "-");
	else
		printf("%10.5g .. %-10.5g ", k * s->median_low, k * s->median_high);
	if (s->n > 1)
		printf("%10.5g (%.5g .. %.5g)\n", k * s->mean, k * s->mean_low, k * s->mean_high);
	else
		printf("%10.5g\n", k * s->mean);
}

static void print_text(const struct scenario *scenario, const struct ensemble *ensemble)
{
	printf("%u runs, seeds %lld to %lld: %u complete\n", ensemble->n, (long long)scenario->seed, (long long)scenario->seed + ensemble->n - 1,
	       ensemble->n_complete);
	if (ensemble->n_complete)
		printf("\n%-14s %10s %10s %10s %10s %10s   %-25s %s\n", "", "least", "5 %", "median", "95 %", "most", "95 % interval of median",
		       "mean (95 % interval)");
	for (int f = 0; f < ENSEMBLE_FIGURES; f++)
		if (ensemble->known[f])
			print_figure((enum ensemble_figure)f, &ensemble->summaries[f]);
	if (ensemble->n_complete)
		printf("\nover complete runs; quantiles interpolated between runs; intervals: of the median by order statistics, of the mean by "
		       "Student's t\n");
}

static void print_json(const struct scenario *scenario, const struct ensemble *ensemble)
{
	struct json *json = json_new();
	json_open_object(json, NULL);
	json_integer(json, "samples", ensemble->n);
	json_integer(json, "seed", scenario->seed);
	json_integer(json, "complete", ensemble->n_complete);
	json_open_object(json, "figures");
	for (int f = 0; f < ENSEMBLE_FIGURES; f++)
		if (ensemble->known[f])
			sample_json(json, ensemble_figure_names[f], &ensemble->summaries[f]);
	json_close_object(json);
	json_open_array(json, "runs");
	for (uint32_t i = 0; i < ensemble->n; i++) {
		const struct ensemble_run *run = &ensemble->runs[i];
		json_open_object(json, NULL);
		json_integer(json, "seed", run->seed);
		json_string(json, "status", run->status);
		json_string(json, "message", run->message[0] ? run->message : NULL);
		json_string(json, "result_digest", run->digest);
		for (int f = 0; f < ENSEMBLE_FIGURES; f++)
			json_number(json, ensemble_figure_names[f], run->figures[f]);
		json_close_object(json);
	}
	json_close_array(json);
	json_close_object(json);
	cli_print_json(json);
}

int run_samples(const struct scenario *scenario, uint32_t n, uint32_t jobs, bool as_json)
{
	struct ensemble ensemble;
	struct error err = {0};
	int status = 0;
	if (ensemble_run(&ensemble, scenario, n, jobs, &err))
		return cli_fail(&err);
	(as_json ? print_json : print_text)(scenario, &ensemble);
	for (uint32_t i = 0; i < n && !status; i++)
		if (ensemble.runs[i].message[0]) {
			error_set(&err, ERROR_SIMULATION, "seed %lld: %s", (long long)ensemble.runs[i].seed, ensemble.runs[i].message);
			status = cli_fail(&err);
		}
	ensemble_release(&ensemble);
	return status;
}
