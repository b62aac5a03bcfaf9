/* weft goodput: how much of days of training is training when parts fail. */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/sample.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/sets.h"
#include "host/children.h"
#include "host/goodput_run.h"

#define SAMPLES 20
#define STATES_SHOWN 20

enum { KEY_SET = 1, KEY_SEED, KEY_DAYS, KEY_SAMPLES, KEY_JSON };

static const struct argp_option options[] = {
	{"days", KEY_DAYS, "N", 0, "How long, instead of what the scenario says", 0},
	{"samples", KEY_SAMPLES, "N", 0, "Walk through those days N times, with the scenario's seed and the N - 1 that follow (default: 20)", 0},
	{"set", KEY_SET, "PATH=VALUE", 0, "Override one value of the scenario, for example goodput.restart=5min; may be given several times", 0},
	{"seed", KEY_SEED, "N", 0, "Override the seed", 0},
	{"jobs", 'j', "N", 0, "Simulate N states of the machine at a time (default: as many as there are processors)", 0},
	{"json", KEY_JSON, NULL, 0, "Print the results as one JSON object", 0},
	{0},
};
static const char help[] =
	"Simulates days of training on a machine whose parts fail at their real rates: effective training time, where the rest went, how often the "
	"job was interrupted, and the best checkpoint interval beside Young's and Daly's formulas.\v"
	"The scenario has the sections failures and goodput (docs/failures.md); its workload is a training step. The step is simulated in every "
	"state of the machine that occurs; between failures it is repeated, which the results state for each. Same scenario, seed and samples: "
	"same results.\n\n"
	"Exit status: 0 done; 1 the healthy step does not end, or interrupted; 2 bad usage or input, or the host failed.";

struct arguments {
	const char *scenario;
	struct sets sets;
	struct goodput_options options;
	bool json;
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case KEY_SET: sets_add(&arguments->sets, NULL, "%s", value); return 0;
	case KEY_SEED: sets_add(&arguments->sets, "--seed", "seed=%s", value); return 0;
	case KEY_DAYS: sets_add(&arguments->sets, "--days", "goodput.days=%s", value); return 0;
	case KEY_SAMPLES: cli_parse_number(state, "--samples", value, &arguments->options.samples); return 0;
	case 'j': cli_parse_number(state, "--jobs", value, &arguments->options.jobs); return 0;
	case KEY_JSON: arguments->json = true; return 0;
	case ARGP_KEY_ARG:
		if (arguments->scenario)
			argp_error(state, "one scenario at a time, but '%s' follows '%s'", value, arguments->scenario);
		arguments->scenario = value;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->scenario)
			argp_error(state, "which scenario?");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* What is summarised over the samples: shares of the time, counts. */
static double share_useful(const struct goodput_result *result, uint32_t i) { (void)i; return result->useful_s / result->elapsed_s; }
static double share_lost(const struct goodput_result *result, uint32_t loss) { return result->loss_s[loss] / result->elapsed_s; }
static double interruptions(const struct goodput_result *result, uint32_t i) { (void)i; return (double)result->n_interruptions; }
static double entry_failures(const struct goodput_result *result, uint32_t entry) { return (double)result->failures[entry]; }
static double entry_interruptions(const struct goodput_result *result, uint32_t entry) { return (double)result->interruptions[entry]; }

static struct sample_summary summarize(const struct goodput_run *run, double (*figure)(const struct goodput_result *, uint32_t), uint32_t i)
{
	double *values = memory_alloc((run->n_results + 1u) * sizeof *values);
	struct sample_summary summary;
	for (uint32_t s = 0; s < run->n_results; s++)
		values[s] = figure(&run->results[s], i);
	sample_summarize(values, run->n_results, &summary);
	free(values);
	return summary;
}

static const char *duration(char *out, size_t size, double s)
{
	const char *const units[] = {"d", "h", "min", "s", "ms", "us"};
	const double each[] = {86400, 3600, 60, 1, 1e-3, 1e-6};
	size_t u = 0;
	if (!isfinite(s)) {
		snprintf(out, size, "never");
		return out;
	}
	while (u < 5 && s < each[u] * (u < 2 ? 3 : 1)) /* 62 h, but 4 d */
		u++;
	snprintf(out, size, "%.4g %s", s / each[u], units[u]);
	return out;
}

static const char *entry_name(const struct scenario_failure *entry, char *out, size_t size)
{
	if (entry->name)
		snprintf(out, size, "%s", entry->name);
	else
		snprintf(out, size, "%s %s", outage_effect_names[entry->effect], entry->component ? entry->component : entry->link ? entry->link :
			 entry->chip);
	return out;
}

/* Between two failures of any of the entry's units, by their rates: as if each lived exponentially. */
static double fleet_mtbf_s(const struct goodput *goodput, uint32_t entry)
{
	double per_s = 0;
	for (uint32_t u = goodput->entry_first[entry]; u < goodput->entry_first[entry + 1]; u++)
		per_s += (double)goodput->units->list[u].entry->together / (goodput->units->list[u].mttf_ps * 1e-12);
	return 1 / per_s;
}

static double unit_mttf_s(const struct goodput *goodput, uint32_t entry)
{
	return goodput->units->list[goodput->entry_first[entry]].mttf_ps * 1e-12;
}

static const char *mode_text(enum forced_mode mode)
{
	static const char *const texts[FORCED_MODES] = {"failed", "failed and avoided", "on a spare"};
	return texts[mode];
}

static const char *state_text(const struct goodput_run *run, const struct goodput_state *state, struct text *out)
{
	out->length = 0;
	text_puts(out, state->n ? "" : "healthy");
	for (uint32_t i = 0; i < state->n; i++) {
		const struct failure_unit *unit = &run->goodput.units->list[state->units[i].unit];
		char name[128];
		text_printf(out, "%s%s '%s' %s", i ? ", " : "", entry_name(unit->entry, name, sizeof name), unit->name, mode_text(state->units[i].mode));
	}
	return text_string(out);
}

static void print_losses(const struct goodput_run *run)
{
	printf("\nwhere the time goes             mean    5 %% .. 95 %% of the samples\n");
	for (int loss = -1; loss < GOODPUT_LOSSES; loss++) {
		struct sample_summary s = loss < 0 ? summarize(run, share_useful, 0) : summarize(run, share_lost, (uint32_t)loss);
		printf("  %-22s %9.4f %%    %.4f .. %.4f\n", loss < 0 ? "training" : goodput_loss_names[loss], 100 * s.mean, 100 * s.q05, 100 * s.q95);
	}
}

static void print_entries(const struct goodput_run *run)
{
	char name[128], one[32], all[32];
	printf("\n%-24s %8s %12s %14s %10s %14s\n", "what fails", "units", "MTTF of one", "between all", "failures", "interruptions");
	for (uint32_t e = 0; e < run->scenario.n_failures; e++) {
		struct sample_summary failed = summarize(run, entry_failures, e), ended = summarize(run, entry_interruptions, e);
		printf("%-24s %8u %12s %14s %10.4g %14.4g\n", entry_name(&run->scenario.failures[e], name, sizeof name),
		       run->goodput.entry_first[e + 1] - run->goodput.entry_first[e], duration(one, sizeof one, unit_mttf_s(&run->goodput, e)),
		       duration(all, sizeof all, fleet_mtbf_s(&run->goodput, e)), failed.mean, ended.mean);
	}
}

static void print_intervals(const struct goodput_run *run)
{
	char text[32];
	if (!run->n_trials)
		return;
	printf("\ncheckpoint interval        best of %u simulated %s", run->n_trials, duration(text, sizeof text, run->best_s));
	printf("   Young %s", duration(text, sizeof text, run->young_s));
	printf("   Daly %s\n", duration(text, sizeof text, run->daly_s));
	for (uint32_t i = 0; i < run->n_trials; i += 2)
		printf("  %12s %9.4f %%%s\n", duration(text, sizeof text, run->trials[i].interval_s), 100 * run->trials[i].goodput,
		       run->trials[i].interval_s == run->best_s ? "  best" : "");
}

static void print_states(const struct goodput_run *run)
{
	struct text text = TEXT_INIT;
	char step[32], used[32];
	const struct goodput *goodput = &run->goodput;
	printf("\n%u states of the machine were simulated, a step each; each step stands for as many as fit in the time beside it (all samples):\n",
	       goodput->n_states);
	for (uint32_t s = 0; s < goodput->n_states && s < STATES_SHOWN; s++) {
		const struct goodput_state *state = &goodput->states[s];
		if (state->completes)
			printf("  %-12s %-12s %s\n", duration(step, sizeof step, state->step_s), duration(used, sizeof used, state->used_s),
			       state_text(run, state, &text));
		else
			printf("  %-12s %-12s %s\n", "does not end", "", state_text(run, state, &text));
	}
	if (goodput->n_states > STATES_SHOWN)
		printf("  and %u more (--json lists all)\n", goodput->n_states - STATES_SHOWN);
	text_release(&text);
}

static void print_text(const struct goodput_run *run)
{
	const struct scenario *scenario = &run->scenario;
	struct sample_summary useful = summarize(run, share_useful, 0), n = summarize(run, interruptions, 0);
	char interval[32], between[32], step[32];
	uint64_t crowded = 0, stopped = 0;
	printf("%s  %s\n", run->machine.fabric.spec, scenario->model->name);
	printf("%u of %u chips run a rank; a healthy step takes %s\n\n", run->machine.n_ranks, run->machine.fabric.n_npus,
	       duration(step, sizeof step, run->goodput.states[0].step_s));
	printf("%lld days, %u samples (seeds %lld to %lld), a checkpoint every %s\n\n", (long long)scenario->goodput.days, run->n_results,
	       (long long)scenario->seed, (long long)scenario->seed + run->n_results - 1, duration(interval, sizeof interval, run->interval_s));
	printf("effective training time  %.3f %%", 100 * useful.mean);
	if (run->n_results > 1)
		printf("  (mean; 95 %% confidence %.3f .. %.3f by Student's t; median %.3f)", 100 * useful.mean_low, 100 * useful.mean_high, 100 * useful.median);
	printf("\ninterruptions            %.4g, one per %s\n", n.mean, duration(between, sizeof between, run->mtbf_s));
	print_losses(run);
	print_entries(run);
	print_intervals(run);
	print_states(run);
	for (uint32_t i = 0; i < run->n_results; i++) {
		crowded += run->results[i].n_crowded;
		stopped += run->results[i].stopped;
	}
	if (crowded)
		printf("\n%llu times more than %d units were in the state at once; they count as %d\n", (unsigned long long)crowded, GOODPUT_STATE_UNITS,
		       GOODPUT_STATE_UNITS);
	if (stopped)
		printf("\nin %llu samples the job waits at the end for parts that nobody repairs\n", (unsigned long long)stopped);
}

static void json_entries(struct json *json, const struct goodput_run *run)
{
	json_open_array(json, "failures");
	for (uint32_t e = 0; e < run->scenario.n_failures; e++) {
		struct sample_summary failed = summarize(run, entry_failures, e), ended = summarize(run, entry_interruptions, e);
		char name[128];
		json_open_object(json, NULL);
		json_string(json, "name", entry_name(&run->scenario.failures[e], name, sizeof name));
		json_integer(json, "units", run->goodput.entry_first[e + 1] - run->goodput.entry_first[e]);
		json_number(json, "mttf_s", unit_mttf_s(&run->goodput, e));
		json_number(json, "fleet_mtbf_s", fleet_mtbf_s(&run->goodput, e));
		sample_json(json, "failures", &failed);
		sample_json(json, "interruptions", &ended);
		json_close_object(json);
	}
	json_close_array(json);
}

static void json_states(struct json *json, const struct goodput_run *run)
{
	struct text text = TEXT_INIT;
	json_open_array(json, "states");
	for (uint32_t s = 0; s < run->goodput.n_states; s++) {
		const struct goodput_state *state = &run->goodput.states[s];
		json_open_object(json, NULL);
		json_string(json, "state", state_text(run, state, &text));
		json_bool(json, "completes", state->completes);
		json_number(json, "step_s", state->step_s);
		json_integer(json, "events", (int64_t)state->n_events);
		json_number(json, "extrapolated_s", state->used_s);
		json_number(json, "extrapolated_steps", state->completes ? state->used_s / state->step_s : 0);
		json_close_object(json);
	}
	json_close_array(json);
	text_release(&text);
}

static void json_intervals(struct json *json, const struct goodput_run *run)
{
	json_number(json, "checkpoint_s", run->interval_s);
	json_number(json, "young_s", run->young_s);
	json_number(json, "daly_s", run->daly_s);
	json_number(json, "best_s", run->n_trials ? run->best_s : NAN);
	json_open_array(json, "intervals");
	for (uint32_t i = 0; i < run->n_trials; i++) {
		json_open_object(json, NULL);
		json_number(json, "checkpoint_s", run->trials[i].interval_s);
		json_number(json, "goodput", run->trials[i].goodput);
		json_close_object(json);
	}
	json_close_array(json);
}

static void print_json(const struct goodput_run *run)
{
	struct json *json = json_new();
	struct sample_summary useful = summarize(run, share_useful, 0), n = summarize(run, interruptions, 0);
	json_open_object(json, NULL);
	json_integer(json, "days", run->scenario.goodput.days);
	json_integer(json, "samples", run->n_results);
	json_integer(json, "seed", run->scenario.seed);
	json_number(json, "healthy_step_s", run->goodput.states[0].step_s);
	sample_json(json, "goodput", &useful);
	sample_json(json, "interruptions", &n);
	json_number(json, "mean_between_interruptions_s", run->mtbf_s);
	json_open_object(json, "losses");
	for (uint32_t loss = 0; loss < GOODPUT_LOSSES; loss++) {
		struct sample_summary share = summarize(run, share_lost, loss);
		sample_json(json, goodput_loss_names[loss], &share);
	}
	json_close_object(json);
	json_intervals(json, run);
	json_entries(json, run);
	json_states(json, run);
	json_close_object(json);
	cli_print_json(json);
}

static int goodput(const struct arguments *arguments)
{
	struct scenario_overrides overrides = {arguments->sets.list, arguments->sets.n};
	struct scenario scenario;
	struct goodput_run result;
	struct error err = {0};
	int status;
	if (scenario_load(&scenario, arguments->scenario, &overrides, &err))
		return cli_fail(&err);
	if (!scenario.goodput_node) {
		tree_fail(scenario.root, &err, "weft goodput needs the section 'goodput' (docs/failures.md)");
		status = cli_fail(&err);
	} else if (goodput_run(&result, &scenario, &arguments->options, &err)) {
		status = cli_fail(&err);
	} else {
		(arguments->json ? print_json : print_text)(&result);
		goodput_run_release(&result);
		status = 0;
	}
	scenario_release(&scenario);
	return status;
}

static int run(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, "SCENARIO", help, NULL, NULL, NULL};
	struct arguments arguments = {.options = {.samples = SAMPLES, .jobs = host_processors()}};
	int status = cli_parse(&argp, argc, argv, &arguments);
	if (!status)
		status = goodput(&arguments);
	sets_release(&arguments.sets);
	return status;
}

const struct command command_goodput = {"goodput", "days of training with failures: effective training time, checkpoint interval", run};
