/* weft diff A B: what differs between two recorded runs. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "report/diff.h"

#define TOLERANCES_MAX 64

struct diff_arguments {
	const char *files[2];
	struct diff_tolerance tolerances[TOLERANCES_MAX];
	size_t n_tolerances;
	const char *top;
	bool json;
};

enum { OPTION_JSON = 256, OPTION_TOP, OPTION_TOLERANCE };

static const struct argp_option options[] = {
	{"tolerance", OPTION_TOLERANCE, "KEY=REL", 0,
	 "Let figures whose key matches KEY (with * and ?) differ by REL of the larger one, such as link.*=1e-6 or time_ps=0.5%; repeatable, "
	 "the last match counts", 0},
	{"top", OPTION_TOP, "N", 0, "Print the N largest differences of each key (default 5)", 0},
	{"json", OPTION_JSON, NULL, 0, "Print all of them as one JSON object", 0},
	{0},
};

static void add_tolerance(struct diff_arguments *arguments, char *text, struct argp_state *state)
{
	struct error err = {0};
	char *value = strrchr(text, '=');
	double relative = 0;
	if (!value)
		argp_error(state, "--tolerance wants KEY=REL, not '%s'", text);
	*value++ = '\0';
	if (units_parse(value, QUANTITY_RATIO, &relative, &err))
		argp_error(state, "--tolerance %s: %s", text, err.message);
	if (relative < 0)
		argp_error(state, "--tolerance %s: '%s' is negative", text, value);
	if (arguments->n_tolerances == TOLERANCES_MAX)
		argp_error(state, "at most %d tolerances", TOLERANCES_MAX);
	arguments->tolerances[arguments->n_tolerances++] = (struct diff_tolerance){text, relative};
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct diff_arguments *arguments = state->input;
	switch (key) {
	case OPTION_TOLERANCE: add_tolerance(arguments, argument, state); return 0;
	case OPTION_TOP: arguments->top = argument; return 0;
	case OPTION_JSON: arguments->json = true; return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num >= 2)
			argp_error(state, "two timelines are compared: '%s' is too many", argument);
		arguments->files[state->arg_num] = argument;
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 2)
			argp_error(state, "needs two timelines, such as `weft diff before.h5 after.h5`");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static void print_json(const struct diff *diff, const struct diff_arguments *arguments)
{
	struct json *json = json_new();
	json_open_object(json, NULL);
	json_string(json, "a", arguments->files[0]);
	json_string(json, "b", arguments->files[1]);
	diff_json(diff, json);
	json_close_object(json);
	cli_print_json(json);
}

/* 0: no difference, 3: some, -1: error. */
static int compare(const struct diff_arguments *arguments, uint32_t top, struct error *err)
{
	struct timeline *a = timeline_open(arguments->files[0], err), *b = a ? timeline_open(arguments->files[1], err) : NULL;
	struct diff diff;
	struct text out = TEXT_INIT;
	int status = -1;
	if (b && diff_init(&diff, a, b, arguments->tolerances, arguments->n_tolerances, err) == 0) {
		if (arguments->json)
			print_json(&diff, arguments);
		else
			diff_print(&diff, top, &out);
		fputs(text_string(&out), stdout);
		status = diff_found(&diff) ? 3 : 0;
		diff_release(&diff);
	}
	text_release(&out);
	timeline_close(a);
	timeline_close(b);
	return status;
}

static int run(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, "A.h5 B.h5",
		"What differs between two recorded runs: times, collectives, ranks, links by name, the most important first. Integers are "
		"compared exactly unless a tolerance allows more.\v"
		"Keys: time_ps, messages, collective.start_ps, collective.time_ps, collective.bytes, rank.end_ps, rank.class_ps, link.bytes, "
		"link.busy_ps, link.bins (bytes that a link carried at another time; the finer bins are merged to the coarser ones), energy_pj, op.start_ps, op.time_ps.\n\n"
		"Exit status: 0 no difference, 3 some difference, 2 bad usage or input.", NULL, NULL, NULL};
	struct diff_arguments arguments = {0};
	struct error err = {0};
	uint32_t top;
	int status = cli_parse(&argp, argc, argv, &arguments);
	if (status)
		return status;
	if (cli_parse_top(arguments.top, 5, &top, &err) ||
	    diff_check_tolerances(arguments.tolerances, arguments.n_tolerances, &err))
		return cli_fail(&err);
	status = compare(&arguments, top, &err);
	return status < 0 ? cli_fail(&err) : status;
}

const struct command command_diff = {"diff", "what differs between two recorded runs", run};
