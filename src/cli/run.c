/* weft run: from a scenario to its results. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/canvas.h"
#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/results.h"
#include "cli/run_samples.h"
#include "cli/sets.h"
#include "host/children.h"
#include "host/job.h"
#include "report/picture.h"
#include "scenario/energy.h"
#include "scenario/physics.h"
#include "scenario/scenario.h"

enum { KEY_SET = 1, KEY_SEED, KEY_PICTURE, KEY_DRY_RUN, KEY_JSON, KEY_KEYS, KEY_SAMPLES };

static const struct argp_option options[] = {
	{"output", 'o', "FILE", 0, "Write the timeline there, whatever the scenario says", 0},
	{"set", KEY_SET, "PATH=VALUE", 0, "Override one value of the scenario, for example workload[0].collective.size=1GiB; may be "
		"given several times", 0},
	{"seed", KEY_SEED, "N", 0, "Override the seed", 0},
	{"samples", KEY_SAMPLES, "N", 0, "Run it N times, with its seed and the N - 1 that follow, and print medians, quantiles and confidence intervals", 0},
	{"jobs", 'j', "N", 0, "With --samples: so many runs at a time (default: as many as there are processors)", 0},
	{"dry-run", KEY_DRY_RUN, NULL, 0, "Check everything, print the scenario with all defaults filled in and what a run would cost", 0},
	{"picture", KEY_PICTURE, "FILE", 0, "Draw link activity over time, FILE.png or FILE.svg; needs a timeline (-o, or the scenario's)", 0},
	{"json", KEY_JSON, NULL, 0, "Print the results (of --dry-run: the scenario and the estimate) as one JSON object", 0},
	{"keys", KEY_KEYS, NULL, 0, "Print the reference of all scenario keys and exit", 0},
	{0},
};
static const char help[] =
	"Simulates what a scenario describes and prints how long it took, what the collectives reached, which links were busiest and where "
	"the ranks' time went.\v"
	"A scenario is a YAML file; docs/scenario.md lists its keys. In its shortest form:\n\n"
	"  weft: 1\n"
	"  topology: {module: star, n: 64, bandwidth: 50 GB/s, latency: 500 ns}\n"
	"  workload:\n"
	"    - collective: {kind: allreduce, algorithm: ring, size: 1 GiB}\n\n"
	"An existing timeline file is overwritten, any other file is refused. Ctrl-C ends the run where it is: what happened until then is "
	"reported and kept, with status 'interrupted'.\n\n"
	"Exit status: 0 done; 1 the simulated system failed or the run was interrupted; 2 bad usage or input, or the host failed.\n\n"
	"The same scenario, seed and version give the same result_digest, whatever is recorded.";

struct arguments {
	const char *scenario, *output, *picture;
	struct sets sets;
	bool dry_run, json, keys;
	uint32_t samples, jobs; /* 0: not given */
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case 'o': arguments->output = value; return 0;
	case KEY_SET: sets_add(&arguments->sets, NULL, "%s", value); return 0;
	case KEY_SEED: sets_add(&arguments->sets, "--seed", "seed=%s", value); return 0;
	case KEY_PICTURE: arguments->picture = value; return 0;
	case KEY_DRY_RUN: arguments->dry_run = true; return 0;
	case KEY_JSON: arguments->json = true; return 0;
	case KEY_KEYS: arguments->keys = true; return 0;
	case KEY_SAMPLES: cli_parse_number(state, "--samples", value, &arguments->samples); return 0;
	case 'j': cli_parse_number(state, "--jobs", value, &arguments->jobs); return 0;
	case ARGP_KEY_ARG:
		if (arguments->scenario)
			argp_error(state, "one scenario at a time, but '%s' follows '%s'", value, arguments->scenario);
		arguments->scenario = value;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->scenario && !arguments->keys)
			argp_error(state, "which scenario?");
		if (arguments->keys && (arguments->scenario || arguments->json))
			argp_error(state, "--keys is the same for every scenario, and not JSON");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static void dry_run_json(const struct simulation *simulation, const struct simulation_estimate *estimate, const char *resolved)
{
	struct json *json = json_new();
	json_open_object(json, NULL);
	json_string(json, "scenario", resolved);
	json_integer(json, "ranks", simulation->n_ranks);
	json_integer(json, "npus", simulation->fabric.n_npus);
	json_integer(json, "links", simulation->fabric.n_links);
	json_open_object(json, "estimate");
	json_number(json, "messages", estimate->messages);
	json_number(json, "events", estimate->events);
	json_number(json, "memory_bytes", estimate->memory_bytes);
	json_number(json, "file_bytes", estimate->file_bytes);
	json_close_object(json);
	json_close_object(json);
	cli_print_json(json);
}

static void dry_run_print(const struct simulation *simulation, const struct simulation_estimate *estimate, const char *resolved, bool file)
{
	char bytes[64];
	printf("%s\n# %u of %u chips run a rank, %u links\n# about %.3g messages, %.3g events, %s of memory", resolved, simulation->n_ranks,
	       simulation->fabric.n_npus, simulation->fabric.n_links, estimate->messages, estimate->events,
	       units_format_bytes(bytes, sizeof bytes, (int64_t)estimate->memory_bytes));
	if (file)
		printf(", a file of about %s", units_format_bytes(bytes, sizeof bytes, (int64_t)estimate->file_bytes));
	printf("\n");
}

static int dry_run(const struct scenario *scenario, bool json, struct error *err)
{
	struct simulation simulation;
	struct simulation_estimate estimate;
	struct text resolved = TEXT_INIT;
	if (simulation_init(&simulation, scenario, err))
		return -1;
	scenario_resolved(scenario, &simulation.fabric, &resolved);
	simulation_estimate(&simulation, &estimate);
	if (json)
		dry_run_json(&simulation, &estimate, text_string(&resolved));
	else
		dry_run_print(&simulation, &estimate, text_string(&resolved), scenario->output.timeline);
	text_release(&resolved);
	simulation_release(&simulation);
	return 0;
}

static int draw(const char *timeline_path, const char *picture, struct error *err)
{
	struct picture_options picture_options = {.path = picture};
	struct timeline *timeline = timeline_open(timeline_path, err);
	int result = timeline ? picture_write(timeline, &picture_options, err) : -1;
	if (timeline)
		timeline_close(timeline);
	return result;
}

static void warn_of_links(const struct simulation *simulation)
{
	const struct physics *physics = simulation->physics;
	if (physics && physics->n_open)
		fprintf(stderr, "weft: warning: %u links do not close; %s\n", physics->n_open, physics->warning.message);
	if (simulation->energy && simulation->energy->n_unspecified)
		fprintf(stderr, "weft: warning: %u nodes count as 0 W: the catalogue does not know what '%s' is (say it with "
		        "energy: {chips: {%s: NAME}})\n", simulation->energy->n_unspecified, simulation->energy->unspecified_role,
		        simulation->energy->unspecified_role);
	if (physics && physics->n_dead)
		fprintf(stderr, "weft: warning: %u links lose more than half of their codewords and never come up\n", physics->n_dead);
}

static int run_many(const struct arguments *arguments, const struct scenario *scenario)
{
	struct error err = {0};
	if (arguments->output || arguments->picture || arguments->dry_run)
		error_set(&err, ERROR_INPUT, "'--samples' runs many times: '%s' belongs to one run",
			  arguments->output ? "-o" : arguments->picture ? "--picture" : "--dry-run");
	else if (scenario->output.timeline)
		error_set(&err, ERROR_INPUT, "'--samples' runs many times and writes no timeline, but the scenario asks for '%s'", scenario->output.timeline);
	if (err.code)
		return cli_fail(&err);
	return run_samples(scenario, arguments->samples, arguments->jobs ? arguments->jobs : host_processors(), arguments->json);
}

static int run_scenario(const struct arguments *arguments, struct scenario *scenario)
{
	struct error err = {0};
	struct job job;
	int status;
	if (arguments->samples)
		return run_many(arguments, scenario);
	if (arguments->jobs)
		return cli_fail(&(struct error){ERROR_INPUT, "'--jobs' says how many of '--samples' run at a time"});
	if (arguments->output)
		scenario->output.timeline = arguments->output;
	if (arguments->dry_run)
		return dry_run(scenario, arguments->json, &err) ? cli_fail(&err) : 0;
	if (arguments->picture && !scenario->output.timeline)
		return cli_fail(&(struct error){ERROR_INPUT, "--picture is drawn from a timeline: say where to write one (-o FILE)"});
	if (arguments->picture && canvas_check(arguments->picture, &err))
		return cli_fail(&err);
	if (job_run(&job, scenario, &(struct job_options){.progress = true}, &err))
		return cli_fail(&err);
	warn_of_links(&job.simulation);
	status = results_show(&job, scenario, arguments->json);
	if (arguments->picture && draw(job.timeline, arguments->picture, &err))
		status = cli_fail(&err);
	job_release(&job);
	return status;
}

static int run(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, "SCENARIO", help, NULL, NULL, NULL};
	struct arguments arguments = {0};
	struct scenario scenario;
	struct error err = {0};
	int status = cli_parse(&argp, argc, argv, &arguments);
	if (!status && arguments.keys) {
		struct text text = TEXT_INIT;
		scenario_document(&text);
		fputs(text_string(&text), stdout);
		text_release(&text);
	} else if (!status) {
		struct scenario_overrides overrides = {arguments.sets.list, arguments.sets.n};
		if (scenario_load(&scenario, arguments.scenario, &overrides, &err)) {
			status = cli_fail(&err);
		} else {
			status = run_scenario(&arguments, &scenario);
			scenario_release(&scenario);
		}
	}
	sets_release(&arguments.sets);
	return status;
}

const struct command command_run = {"run", "simulate a scenario and record its timeline", run};
