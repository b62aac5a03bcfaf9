/* weft check SUITE: whether scenarios still give the figures of their baselines. */
#include <argp.h>
#include <stdio.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "host/suite_run.h"

struct check_arguments {
	const char *suite, *junit, *jobs;
	bool update;
};

enum { OPTION_JUNIT = 256, OPTION_UPDATE };

static const struct argp_option options[] = {
	{"junit", OPTION_JUNIT, "FILE", 0, "Write the results there as JUnit XML: one case per metric with what was expected, what came and the "
		"tolerance; failures name the links and ranks that moved most", 0},
	{"update", OPTION_UPDATE, NULL, 0, "Write new baselines and print what changes in them; nothing else ever writes one", 0},
	{"jobs", 'j', "N", 0, "Run N scenarios at a time (default: as many as there are processors)", 0},
	{0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct check_arguments *arguments = state->input;
	switch (key) {
	case OPTION_JUNIT: arguments->junit = argument; return 0;
	case OPTION_UPDATE: arguments->update = true; return 0;
	case 'j': arguments->jobs = argument; return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			argp_error(state, "one suite is checked at a time: '%s' is too many", argument);
		arguments->suite = argument;
		return 0;
	case ARGP_KEY_END:
		if (!state->arg_num)
			argp_error(state, "needs a suite: a folder of scenarios or a YAML list of them");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static int conclude(const struct check_arguments *arguments, struct suite_run *run, struct error *err)
{
	struct text out = TEXT_INIT;
	int status = arguments->junit ? suite_run_junit(run, arguments->junit, err) : 0;
	if (status == 0 && arguments->update)
		status = suite_run_update(run, &out, err);
	else
		suite_run_print(run, &out);
	fputs(text_string(&out), stdout);
	text_release(&out);
	if (status)
		return cli_fail(err);
	if (run->interrupted)
		return 1;
	return (arguments->update ? run->n_without > 0 : suite_run_failed(run)) ? 3 : 0;
}

static int check(const struct check_arguments *arguments, uint32_t jobs)
{
	struct error err = {0};
	struct suite suite;
	struct suite_run run;
	if ((arguments->junit && suite_junit_check(arguments->junit, &err)) || suite_load(&suite, arguments->suite, &err))
		return cli_fail(&err);
	int status;
	if (suite_run(&run, &suite, &(struct suite_options){.jobs = jobs, .progress = true, .no_baselines = arguments->update}, &err)) {
		status = cli_fail(&err);
	} else {
		status = conclude(arguments, &run, &err);
		suite_run_release(&run);
	}
	suite_release(&suite);
	return status;
}

static int run(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, "SUITE",
		"Runs the scenarios of a suite, each in a process of its own, and compares their figures with the baselines beside them.\v"
		"A suite is a folder (its suite.yaml, or else every *.yaml in it) or a YAML list of scenarios with the metrics to watch and their "
		"tolerances; integers must be equal unless a tolerance allows more. docs/regression.md has the whole form:\n\n"
		"  suite: 1\n"
		"  time_limit: 60 s\n"
		"  metrics: [result_digest, {metric: time_ps, relative: 1 %, side: above}]\n"
		"  scenarios:\n"
		"    - ring.yaml\n"
		"    - {path: ring.yaml, name: ring-seed-3, set: [seed=3]}\n\n"
		"A scenario that crashes, cannot run or exceeds its time limit fails and does not stop the others. Ctrl-C keeps the results that "
		"are there. No metric is ever a time of the host.\n\n"
		"Exit status: 0 all figures are as expected; 3 some are not, or a scenario gave none; 2 bad usage or input; 1 interrupted.",
		NULL, NULL, NULL};
	struct check_arguments arguments = {0};
	struct error err = {0};
	int64_t jobs = host_processors();
	int status = cli_parse(&argp, argc, argv, &arguments);
	if (status)
		return status;
	if (arguments.jobs && units_parse_integer(arguments.jobs, QUANTITY_COUNT, &jobs, &err)) {
		error_prefix(&err, "--jobs");
		return cli_fail(&err);
	}
	if (jobs < 1 || jobs > 1024) {
		error_set(&err, ERROR_INPUT, "--jobs: '%s' is not between 1 and 1024", arguments.jobs);
		return cli_fail(&err);
	}
	return check(&arguments, (uint32_t)jobs);
}

const struct command command_check = {"check", "whether scenarios still give the figures of their baselines", run};
