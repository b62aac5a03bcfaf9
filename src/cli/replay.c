/* weft replay: a trace or schedule on a machine, without a scenario file. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/results.h"
#include "cli/sets.h"
#include "host/job.h"
#include "scenario/scenario.h"
#include "trace/trace.h"

enum { KEY_TOPOLOGY = 1, KEY_PLACEMENT, KEY_PROTOCOL, KEY_ALGORITHM, KEY_NETWORK, KEY_FORMAT, KEY_SET, KEY_SEED, KEY_DETAIL, KEY_JSON,
       KEY_REPLICATE, KEY_GROUPS, KEY_STEP, KEY_SCALE };

static const struct argp_option options[] = {
	{"topology", KEY_TOPOLOGY, "T[:k=v,...]", 0, "The machine, for example hgx:gpu=a100 (required)", 0},
	{"placement", KEY_PLACEMENT, "P", 0, "linear, random, or a list such as [3,1,2,0]", 0},
	{"protocol", KEY_PROTOCOL, "P", 0, "none, simple, ll, ll128; default: the machine's", 0},
	{"algorithm", KEY_ALGORITHM, "A", 0, "Of collectives that name none; default: auto", 0},
	{"network", KEY_NETWORK, "M[:k=v,...]", 0, "Network model; default: fluid", 0},
	{"format", KEY_FORMAT, "F", 0, "Of the trace; default: found from its content", 0},
	{"replicate", KEY_REPLICATE, "N", 0, "Run on N ranks, a multiple of the trace's own: they repeat", 0},
	{"groups", KEY_GROUPS, "FILE", 0, "Process groups, where the format keeps them apart", 0},
	{"step", KEY_STEP, "N", 0, "One profiler step, by its number", 0},
	{"compute-scale", KEY_SCALE, "X", 0, "Every recorded computation takes X times as long", 0},
	{"output", 'o', "FILE", 0, "Write the timeline there", 0},
	{"detail", KEY_DETAIL, "D", 0, "bins, messages, intervals or all; default: bins", 0},
	{"set", KEY_SET, "PATH=VALUE", 0, "Any other key of a scenario", 0},
	{"seed", KEY_SEED, "N", 0, "Seed of random choices", 0},
	{"json", KEY_JSON, NULL, 0, "Print the results as one JSON object", 0},
	{0},
};
static const char help[] =
	"Runs recorded or generated programs on a machine: computation takes the time it took, communication is simulated.\v"
	"  weft replay traces/megatron-tp8-a100.weft --topology hgx:gpu=a100 --protocol ll\n\n"
	"Ranks are placed on the machine's chips in order unless --placement says otherwise; fewer ranks than chips is fine.\n\n"
	"Exit status: 0 done; 1 the simulated system failed or the run was interrupted; 2 bad usage or input, or the host failed.";

struct arguments {
	struct sets sets;
	const char *output;
	unsigned n_traces;
	bool topology, json;
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct sets *sets = &arguments->sets;
	switch (key) {
	case KEY_TOPOLOGY:
		arguments->topology = true;
		sets_add(sets, "--topology", "topology=%s", sets_quote(sets, value));
		return 0;
	case KEY_PLACEMENT: sets_add(sets, "--placement", "placement=%s", value); return 0;
	case KEY_PROTOCOL: sets_add(sets, "--protocol", "protocol=%s", value); return 0;
	case KEY_ALGORITHM: sets_add(sets, "--algorithm", "algorithm=%s", value); return 0;
	case KEY_NETWORK: sets_add_network(sets, value); return 0;
	case KEY_FORMAT: sets_add(sets, "--format", "workload[0].trace.format=%s", value); return 0;
	case KEY_REPLICATE: sets_add(sets, "--replicate", "workload[0].trace.replicate=%s", value); return 0;
	case KEY_GROUPS: sets_add(sets, "--groups", "workload[0].trace.groups=%s", sets_quote(sets, value)); return 0;
	case KEY_STEP: sets_add(sets, "--step", "workload[0].trace.step=%s", value); return 0;
	case KEY_SCALE: sets_add(sets, "--compute-scale", "workload[0].trace.compute_scale=%s", value); return 0;
	case KEY_DETAIL: sets_add(sets, "--detail", "output.detail=%s", value); return 0;
	case KEY_SET: sets_add(sets, NULL, "%s", value); return 0;
	case KEY_SEED: sets_add(sets, "--seed", "seed=%s", value); return 0;
	case KEY_JSON: arguments->json = true; return 0;
	case 'o': arguments->output = value; return 0;
	case ARGP_KEY_ARG:
		sets_add(sets, value, "workload[0].trace.path[%u]=%s", arguments->n_traces++, sets_quote(sets, value));
		return 0;
	case ARGP_KEY_END:
		if (!arguments->n_traces)
			argp_error(state, "which trace?");
		if (!arguments->topology)
			argp_error(state, "which --topology?");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static int replay(const struct arguments *arguments, struct scenario *scenario)
{
	struct error err = {0};
	struct job job;
	int status;
	if (arguments->output)
		scenario->output.timeline = arguments->output;
	if (job_run(&job, scenario, &(struct job_options){.progress = true}, &err))
		return cli_fail(&err);
	status = results_show(&job, scenario, arguments->json);
	job_release(&job);
	return status;
}

static int run(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, "TRACE...", help, NULL, NULL, NULL};
	static const char skeleton[] = "weft: 1\n";
	struct arguments arguments = {0};
	struct scenario scenario;
	struct error err = {0};
	int status = cli_parse(&argp, argc, argv, &arguments);
	if (!status) {
		struct scenario_overrides overrides = {arguments.sets.list, arguments.sets.n};
		if (scenario_parse(&scenario, skeleton, "weft replay", NULL, &overrides, &err)) {
			status = cli_fail(&err);
		} else {
			status = replay(&arguments, &scenario);
			scenario_release(&scenario);
		}
	}
	sets_release(&arguments.sets);
	return status;
}

const struct command command_replay = {"replay", "run a trace or schedule on a machine", run};
