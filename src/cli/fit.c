/* weft fit: α, β and per-size efficiency of a measured curve. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/nccl_log.h"
#include "collective/collective.h"
#include "report/curve.h"

enum { KEY_COLLECTIVE = 1, KEY_RANKS, KEY_BEGIN, KEY_END, KEY_JSON };

static const struct argp_option options[] = {
	{"collective", KEY_COLLECTIVE, "KIND", 0, "What the log measures, for busbw; default: allreduce", 0},
	{"ranks", KEY_RANKS, "N", 0, "On how many ranks, for busbw", 0},
	{"begin", KEY_BEGIN, "SIZE", 0, "Leave smaller sizes out", 0},
	{"end", KEY_END, "SIZE", 0, "Leave larger sizes out", 0},
	{"json", KEY_JSON, NULL, 0, "Print one JSON object", 0},
	{0},
};
static const char help[] =
	"Fits time = alpha + size / beta to the log of an nccl-tests program (in place, where the log has it), or to the table of "
	"`weft perf`, and prints what each size leaves over.\v"
	"Least squares of relative errors. Efficiency is size / beta over the measured time: 1 is the fitted rate.\n\n"
	"  weft fit a100.log --ranks 8\n"
	"  weft fit a100.log --begin 64MiB\n\n"
	"Exit status: 0 done; 2 bad usage or input, or the host failed.";

struct arguments {
	const char *log;
	enum collective_kind kind;
	int64_t ranks, begin, end;
	bool json;
	struct error err;
};

static void parse_number(struct arguments *arguments, const char *option, const char *text, enum quantity quantity, int64_t *value)
{
	struct error err = {0};
	if (units_parse_integer(text, quantity, value, &err))
		error_set(&arguments->err, ERROR_INPUT, "%s: %s", option, err.message);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case KEY_COLLECTIVE: {
		struct error err = {0};
		if (collective_kind_find(value, &arguments->kind, &err))
			error_set(&arguments->err, ERROR_INPUT, "--collective: %s", err.message);
		return 0;
	}
	case KEY_RANKS:
		parse_number(arguments, "--ranks", value, QUANTITY_COUNT, &arguments->ranks);
		if (!arguments->err.code && (arguments->ranks < 1 || arguments->ranks > COLLECTIVE_MAX_RANKS))
			error_set(&arguments->err, ERROR_INPUT, "--ranks: %s ranks (1 to %d)", value, COLLECTIVE_MAX_RANKS);
		return 0;
	case KEY_BEGIN: parse_number(arguments, "--begin", value, QUANTITY_BYTES, &arguments->begin); return 0;
	case KEY_END: parse_number(arguments, "--end", value, QUANTITY_BYTES, &arguments->end); return 0;
	case KEY_JSON: arguments->json = true; return 0;
	case ARGP_KEY_ARG:
		if (arguments->log)
			argp_error(state, "one log, not also '%s'", value);
		arguments->log = value;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->log)
			argp_error(state, "which log?");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static double efficiency(const struct curve *curve, const struct curve_point *point)
{
	return (double)point->bytes / curve->beta_bytes_per_s / point->time_s;
}

static void print_text(const struct arguments *arguments, const struct curve *curve, const struct curve_point *points, size_t n)
{
	double factor = arguments->ranks ? collective_bus_factor(arguments->kind, (uint32_t)arguments->ranks) : 0;
	printf("time = alpha + size / beta, %zu sizes of '%s'\n\n", n, arguments->log);
	printf("alpha      %.4g us +- %.2g us%s\n", curve->alpha_s * 1e6, curve->alpha_error_s * 1e6,
	       curve->alpha_zero ? " (the best was below 0: held at 0)" : "");
	printf("beta       %.5g GB/s +- %.2g GB/s algbw\n", curve->beta_bytes_per_s * 1e-9, curve->beta_error_bytes_per_s * 1e-9);
	if (factor > 0)
		printf("           %.5g GB/s busbw (%s on %lld ranks)\n", curve->beta_bytes_per_s * factor * 1e-9,
		       collective_kind_names[arguments->kind], (long long)arguments->ranks);
	printf("residual   %.3g %% root mean square, %+.3g %% at worst\n\n", 100 * curve->rms, 100 * curve->worst);
	printf("%14s %14s %14s %10s %11s\n", "size (B)", "measured (us)", "fitted (us)", "residual", "efficiency");
	for (size_t i = 0; i < n; i++) {
		double fitted_s = curve_time_s(curve, points[i].bytes);
		printf("%14lld %14.2f %14.2f %+8.1f %% %11.4f\n", (long long)points[i].bytes, points[i].time_s * 1e6, fitted_s * 1e6,
		       100 * (fitted_s / points[i].time_s - 1), efficiency(curve, &points[i]));
	}
}

static void print_json(const struct arguments *arguments, const struct curve *curve, const struct curve_point *points, size_t n)
{
	struct json *json = json_new();
	json_open_object(json, NULL);
	json_string(json, "log", arguments->log);
	json_number(json, "alpha_ps", curve->alpha_s * 1e12);
	json_number(json, "alpha_error_ps", curve->alpha_error_s * 1e12);
	json_number(json, "beta_bytes_per_s", curve->beta_bytes_per_s);
	json_number(json, "beta_error_bytes_per_s", curve->beta_error_bytes_per_s);
	json_number(json, "residual_rms", curve->rms);
	json_number(json, "residual_worst", curve->worst);
	json_open_array(json, "rows");
	for (size_t i = 0; i < n; i++) {
		json_open_object(json, NULL);
		json_integer(json, "bytes", points[i].bytes);
		json_number(json, "measured_ps", points[i].time_s * 1e12);
		json_number(json, "fitted_ps", curve_time_s(curve, points[i].bytes) * 1e12);
		json_number(json, "residual", curve_time_s(curve, points[i].bytes) / points[i].time_s - 1);
		json_number(json, "efficiency", efficiency(curve, &points[i]));
		json_close_object(json);
	}
	json_close_array(json);
	json_close_object(json);
	cli_print_json(json);
}

static int fit(struct arguments *arguments)
{
	struct curve_point *points;
	struct nccl_row *rows;
	struct curve curve;
	size_t n_rows, n = 0;
	if (arguments->err.code || nccl_log_read(arguments->log, &rows, &n_rows, &arguments->err))
		return cli_fail(&arguments->err);
	points = memory_zero(n_rows, sizeof *points);
	for (size_t i = 0; i < n_rows; i++)
		if (rows[i].bytes >= arguments->begin && rows[i].bytes <= arguments->end)
			points[n++] = (struct curve_point){rows[i].bytes, rows[i].time_us * 1e-6};
	if (!curve_fit(points, n, &curve, &arguments->err))
		(arguments->json ? print_json : print_text)(arguments, &curve, points, n);
	else
		error_prefix(&arguments->err, "%s", arguments->log);
	free(points);
	free(rows);
	return arguments->err.code ? cli_fail(&arguments->err) : 0;
}

static int run(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, "LOG", help, NULL, NULL, NULL};
	struct arguments arguments = {.kind = COLLECTIVE_ALL_REDUCE, .end = INT64_MAX};
	int status = cli_parse(&argp, argc, argv, &arguments);
	return status ? status : fit(&arguments);
}

const struct command command_fit = {"fit", "alpha, beta and efficiency of a measured curve", run};
