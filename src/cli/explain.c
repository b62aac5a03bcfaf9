/* weft explain A [B]: why a recorded run took as long as it did, or longer than another. */
#include <argp.h>
#include <stdio.h>

#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "report/explain.h"

struct explain_arguments {
	const char *files[2];
	const char *top;
	bool json;
};

enum { OPTION_JSON = 256, OPTION_TOP };

static const struct argp_option options[] = {
	{"top", OPTION_TOP, "N", 0, "Print the N largest parts and the last N operations of the path (default 12)", 0},
	{"json", OPTION_JSON, NULL, 0, "Print all of it as one JSON object, every step of the path included", 0},
	{0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct explain_arguments *arguments = state->input;
	switch (key) {
	case OPTION_TOP: arguments->top = argument; return 0;
	case OPTION_JSON: arguments->json = true; return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num >= 2)
			argp_error(state, "one timeline is explained, or the difference of two: '%s' is too many", argument);
		arguments->files[state->arg_num] = argument;
		return 0;
	case ARGP_KEY_END:
		if (!state->arg_num)
			argp_error(state, "needs a timeline, such as `weft explain run.h5`");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static void print(const struct explain *explains, const struct explain_arguments *arguments, uint32_t top)
{
	struct text out = TEXT_INIT;
	struct json *json = arguments->json ? json_new() : NULL;
	bool difference = arguments->files[1];
	if (json) {
		json_open_object(json, NULL);
		json_string(json, "a", arguments->files[0]);
		if (difference) {
			json_string(json, "b", arguments->files[1]);
			explain_difference_json(&explains[0], &explains[1], json);
		} else {
			explain_json(&explains[0], json);
		}
		json_close_object(json);
		cli_print_json(json);
		return;
	}
	if (difference)
		explain_difference_print(&explains[0], &explains[1], top, &out);
	else
		explain_print(&explains[0], top, &out);
	fputs(text_string(&out), stdout);
	text_release(&out);
}

static int explain_files(const struct explain_arguments *arguments, uint32_t top, struct error *err)
{
	struct timeline *timelines[2] = {NULL, NULL};
	struct explain explains[2];
	int n = 0, n_files = arguments->files[1] ? 2 : 1;
	for (; n < n_files; n++) {
		timelines[n] = timeline_open(arguments->files[n], err);
		if (!timelines[n] || explain_init(&explains[n], timelines[n], err))
			break;
	}
	if (n == n_files)
		print(explains, arguments, top);
	for (int i = 0; i < n_files; i++) {
		if (i < n)
			explain_release(&explains[i]);
		timeline_close(timelines[i]);
	}
	return n == n_files ? 0 : -1;
}

static int run(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, "A.h5 [B.h5]",
		"Why a run took as long as it did: the chain of operations and messages that decided its end, and where its time went, to the "
		"picosecond. With two runs: why B took longer or shorter than A; the parts sum to the difference exactly.\v"
		"The file must hold operations and messages: detail messages, intervals or all (output: {detail: messages} in the scenario).\n\n"
		"Two views, each of which sums to the time of the run. Of the rank that ends last: its computations, gaps of the host, and of each "
		"collective or receive the waiting for a rank that came later, then the chain of messages. And of the critical path, which goes over "
		"to the rank that was waited for.\n\n"
		"Classes: compute; host (host operations and gaps); stream (ready, but the stream was busy); wait (for that rank to come); local "
		"(launch, step overhead and reduction of a collective); latency of the route; serialization (bytes over the slowest link, as if "
		"alone); queueing (behind that group, on that link; the split among groups follows the bytes they sent there meanwhile); failure "
		"(a link down, degraded or asleep); replay; switching (what a model adds by itself: headers, stages of switches).\n\n"
		"Exit status: 0 done, 2 bad usage or input.", NULL, NULL, NULL};
	struct explain_arguments arguments = {0};
	struct error err = {0};
	uint32_t top;
	int status = cli_parse(&argp, argc, argv, &arguments);
	if (status)
		return status;
	return cli_parse_top(arguments.top, 12, &top, &err) || explain_files(&arguments, top, &err) ? cli_fail(&err) : 0;
}

const struct command command_explain = {"explain", "why a recorded run took as long as it did, or longer than another", run};
