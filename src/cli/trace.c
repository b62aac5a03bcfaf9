/* weft trace info | convert: what a trace holds, and the same as another format. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/output.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "trace/info.h"
#include "trace/trace.h"
#include "trace/write.h"
#include "workload/format.h"

enum { KEY_JSON = 1, KEY_FORMAT, KEY_TO, KEY_GROUPS, KEY_REPLICATE, KEY_STEP, KEY_SCALE };

static const struct argp_option options[] = {
	{"json", KEY_JSON, NULL, 0, "info: one JSON object", 0},
	{"output", 'o', "FILE", 0, "convert: where to write (Chakra: the prefix of FILE.RANK.et)", 0},
	{"to", KEY_TO, "FORMAT", 0, "convert: program, goal or chakra; default: by the ending .weft, .goal, .et", 0},
	{"format", KEY_FORMAT, "F", 0, "Of the trace; default: found from its content", 0},
	{"groups", KEY_GROUPS, "FILE", 0, "Process groups, where the format keeps them apart", 0},
	{"replicate", KEY_REPLICATE, "N", 0, "Spread over N ranks, a multiple of the trace's own", 0},
	{"step", KEY_STEP, "N", 0, "One profiler step, by its number", 0},
	{"compute-scale", KEY_SCALE, "X", 0, "Every recorded computation takes X times as long", 0},
	{0},
};
static const char help[] =
	"info prints what is in a trace: ranks, operations, bytes by collective and group, computation, overlap.\n"
	"convert writes it as weft's own program, as GOAL text or as Chakra .et files.\v"
	"  weft trace info kineto_*.json.gz\n"
	"  weft trace convert chakra.*.et -o step.weft\n\n"
	"What the target cannot say is an error that names the operation.\n\n"
	"Exit status: 0 done; 2 bad usage or input, or the host failed.";

struct arguments {
	const char *output, *to;
	const char **paths;
	uint32_t n_paths;
	struct trace_request request;
	bool json;
	struct error err;
};

static void parse_count(struct arguments *arguments, const char *option, const char *text, int64_t *value)
{
	struct error err = {0};
	if (units_parse_integer(text, QUANTITY_COUNT, value, &err))
		error_set(&arguments->err, ERROR_INPUT, "%s: %s", option, err.message);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct trace_request *request = &arguments->request;
	struct error err = {0};
	int64_t count = 0;
	switch (key) {
	case KEY_JSON: arguments->json = true; return 0;
	case 'o': arguments->output = value; return 0;
	case KEY_TO: arguments->to = value; return 0;
	case KEY_FORMAT: request->format = value; return 0;
	case KEY_GROUPS: request->group_file = value; return 0;
	case KEY_REPLICATE:
		parse_count(arguments, "--replicate", value, &count);
		request->n_ranks = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
		return 0;
	case KEY_STEP: parse_count(arguments, "--step", value, &request->step); return 0;
	case KEY_SCALE:
		if (units_parse(value, QUANTITY_RATIO, &request->compute_scale, &err) || request->compute_scale <= 0)
			error_set(&arguments->err, ERROR_INPUT, "--compute-scale: '%s' is no factor above 0", value);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			arguments->paths[arguments->n_paths++] = value;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->n_paths)
			argp_error(state, "needs an action and a file, such as `weft trace info step.et`");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* --- info --------------------------------------------------------------------------------------------------------------- */

static void print_json(const struct trace_info *info, const struct trace_format *format)
{
	struct json *json = json_new();
	json_open_object(json, NULL);
	json_string(json, "format", format->name);
	json_integer(json, "ranks", info->n_ranks);
	json_integer(json, "programs", info->n_programs);
	json_integer(json, "groups", info->n_groups);
	json_open_object(json, "operations");
	for (int kind = 0; kind < OP_KINDS; kind++)
		json_integer(json, op_kind_names[kind], (int64_t)info->n_ops[kind]);
	json_close_object(json);
	json_integer(json, "message_bytes", info->message_bytes);
	json_open_array(json, "collectives");
	for (uint32_t i = 0; i < info->n_calls; i++) {
		json_open_object(json, NULL);
		json_string(json, "kind", collective_kind_names[info->calls[i].kind]);
		json_string(json, "group", info->calls[i].group);
		json_integer(json, "group_ranks", info->calls[i].group_size);
		json_integer(json, "groups", info->calls[i].n_groups);
		json_integer(json, "calls", (int64_t)info->calls[i].calls);
		json_integer(json, "bytes", info->calls[i].bytes);
		json_close_object(json);
	}
	json_close_array(json);
	json_integer(json, "compute_least_ps", info->compute_least_ps);
	json_integer(json, "compute_mean_ps", info->compute_mean_ps);
	json_integer(json, "compute_most_ps", info->compute_most_ps);
	json_integer(json, "host_mean_ps", info->host_mean_ps);
	json_integer(json, "chain_ps", info->chain_ps);
	if (info->span_ps < 0) {
		json_null(json, "recorded");
	} else {
		json_open_object(json, "recorded");
		json_integer(json, "span_ps", info->span_ps);
		json_integer(json, "communication_ps", info->communication_ps);
		json_integer(json, "overlapped_ps", info->overlapped_ps);
		json_integer(json, "transfer_ps", info->transfer_ps);
		json_close_object(json);
	}
	json_close_object(json);
	cli_print_json(json);
}

static void print_times(const struct trace_info *info)
{
	char a[32], b[32], c[32];
	printf("computation    %s per rank (%s to %s), longest chain %s\n", units_format_time(a, sizeof a, info->compute_mean_ps),
	       units_format_time(b, sizeof b, info->compute_least_ps), units_format_time(c, sizeof c, info->compute_most_ps),
	       units_format_time((char[32]){0}, 32, info->chain_ps));
	if (info->host_mean_ps)
		printf("host, gaps     %s per rank\n", units_format_time(a, sizeof a, info->host_mean_ps));
	if (info->span_ps < 0)
		return;
	printf("recorded       %s from first start to last end\n", units_format_time(a, sizeof a, info->span_ps));
	printf("  communication  %s per rank, %s of it under computation\n", units_format_time(a, sizeof a, info->communication_ps),
	       units_format_time(b, sizeof b, info->overlapped_ps));
	if (info->transfer_ps)
		printf("  collectives    %s of transfer (the least duration among ranks); the rest waited for the last rank\n",
		       units_format_time(a, sizeof a, info->transfer_ps));
}

static void print_info(const struct trace_info *info, const struct trace_format *format)
{
	char size[32];
	printf("format         %s: %s\n", format->name, format->summary);
	printf("ranks          %u, with %u different programs and %u groups\n", info->n_ranks, info->n_programs, info->n_groups);
	printf("operations    ");
	for (int kind = 0; kind < OP_KINDS; kind++)
		if (info->n_ops[kind])
			printf(" %llu %s", (unsigned long long)info->n_ops[kind], op_kind_names[kind]);
	putchar('\n');
	if (info->n_ops[OP_SEND])
		printf("messages       %s\n", units_format_bytes(size, sizeof size, info->message_bytes));
	print_times(info);
	if (info->n_calls)
		printf("\n%-16s %-24s %8s %8s %10s %14s\n", "collective", "group", "ranks", "groups", "calls", "bytes");
	for (uint32_t i = 0; i < info->n_calls; i++)
		printf("%-16s %-24.24s %8u %8u %10llu %14s\n", collective_kind_names[info->calls[i].kind],
		       info->calls[i].group ? info->calls[i].group : "", info->calls[i].group_size, info->calls[i].n_groups,
		       (unsigned long long)info->calls[i].calls, units_format_bytes(size, sizeof size, info->calls[i].bytes));
}

/* --- convert ------------------------------------------------------------------------------------------------------------ */

static int write_program(const struct workload *workload, const char *path, struct error *err)
{
	struct text text = TEXT_INIT;
	struct output out;
	if (output_open(&out, path, "weft-program", "a program of weft", err))
		return -1;
	workload_write(workload, &text);
	fwrite(text_string(&text), 1, text.length, out.file);
	text_release(&text);
	return output_close(&out, 0, err);
}

static int convert(const struct arguments *arguments, const struct workload *workload, struct error *err)
{
	static const char *const names[] = {"program", "goal", "chakra"}, *const endings[] = {".weft", ".goal", ".et"};
	const char *to = arguments->to, *output = arguments->output, *dot = output ? strrchr(output, '.') : NULL;
	char known[128], prefix[4096];
	if (!output)
		return error_set(err, ERROR_INPUT, "convert needs --output");
	for (size_t i = 0; !to && dot && i < 3; i++)
		if (!strcmp(dot, endings[i]))
			to = names[i];
	if (!to)
		return error_set(err, ERROR_INPUT, "cannot tell the format from '%s' (known: .weft, .goal, .et; or say --to FORMAT)", output);
	if (!strcmp(to, "program"))
		return write_program(workload, output, err);
	if (!strcmp(to, "goal"))
		return goal_write(workload, output, err);
	if (!strcmp(to, "chakra")) {
		snprintf(prefix, sizeof prefix, "%.*s", (int)(dot && !strcmp(dot, ".et") ? dot - output : (long)strlen(output)), output);
		return chakra_write(workload, prefix, err);
	}
	return error_set(err, ERROR_INPUT, "unknown format '%s' to write%s", to, text_known(known, sizeof known, to, names, 3));
}

static int act(struct arguments *arguments, bool converts)
{
	struct text assumed = TEXT_INIT;
	const struct trace_format *format;
	struct workload workload;
	struct trace_info info;
	struct error err = arguments->err;
	arguments->request.paths = arguments->paths;
	arguments->request.n_paths = arguments->n_paths;
	arguments->request.assumed = &assumed;
	if (err.code || trace_load(&workload, &arguments->request, &format, &err)) {
		text_release(&assumed);
		return cli_fail(&err);
	}
	if (converts) {
		convert(arguments, &workload, &err);
		fputs(text_string(&assumed), stderr);
	} else {
		trace_info(&workload, &info);
		if (arguments->json)
			print_json(&info, format);
		else
			print_info(&info, format);
		if (assumed.length && !arguments->json)
			printf("\nassumed:\n%s", text_string(&assumed));
		trace_info_release(&info);
	}
	text_release(&assumed);
	workload_release(&workload);
	return err.code ? cli_fail(&err) : 0;
}

static int run(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, "info|convert FILE...", help, NULL, NULL, NULL};
#define REQUEST "format groups replicate step compute-scale"
	static const struct cli_action actions[] = {{"info", REQUEST " json"}, {"convert", REQUEST " output to"}};
#undef REQUEST
	enum { INFO, CONVERT };
	struct arguments arguments = {.request = {.step = -1, .compute_scale = 1}};
	arguments.paths = memory_zero((size_t)argc + 1, sizeof *arguments.paths);
	size_t action;
	int status = cli_parse_action(&argp, actions, sizeof actions / sizeof *actions, argc, argv, &arguments, &action);
	if (!status)
		status = act(&arguments, action == CONVERT);
	free(arguments.paths);
	return status;
}

const struct command command_trace = {"trace", "what a trace holds; the same as another format", run};
