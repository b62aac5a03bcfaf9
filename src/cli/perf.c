/* weft perf: the table of nccl-tests, simulated. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/nccl_log.h"
#include "cli/sets.h"
#include "host/job.h"
#include "scenario/scenario.h"

enum { KEY_TOPOLOGY = 1, KEY_COLLECTIVE, KEY_ALGORITHM, KEY_PROTOCOL, KEY_RANKS, KEY_BEGIN, KEY_END, KEY_FACTOR, KEY_NETWORK, KEY_SET,
       KEY_SEED, KEY_AGAINST, KEY_JSON };

static const struct argp_option options[] = {
	{"topology", KEY_TOPOLOGY, "T[:k=v,...]", 0, "The machine, for example star:n=64 or cloudmatrix384 (required)", 0},
	{"collective", KEY_COLLECTIVE, "KIND", 0, "allreduce (default), allgather, reduce_scatter, broadcast, reduce, alltoall, ...", 0},
	{"algorithm", KEY_ALGORITHM, "A[,A...]", 0, "One or several algorithms; default: auto", 0},
	{"protocol", KEY_PROTOCOL, "P", 0, "none, simple, ll, ll128; default: the machine's", 0},
	{"ranks", KEY_RANKS, "N", 0, "How many ranks; default: every chip", 0},
	{"begin", KEY_BEGIN, "SIZE", 0, "First size; default: 1 KiB", 0},
	{"end", KEY_END, "SIZE", 0, "Last size; default: 1 GiB", 0},
	{"factor", KEY_FACTOR, "F", 0, "Each size is F times the one before; default: 2", 0},
	{"network", KEY_NETWORK, "M[:k=v,...]", 0, "Network model; default: fluid", 0},
	{"set", KEY_SET, "PATH=VALUE", 0, "Any other key of a scenario, for example workload[0].collective.channels=4", 0},
	{"seed", KEY_SEED, "N", 0, "Seed of random choices", 0},
	{"against", KEY_AGAINST, "LOG", 0, "A log of nccl-tests: its sizes are simulated and shown beside what was measured", 0},
	{"json", KEY_JSON, NULL, 0, "Print one JSON object with `rows`", 0},
	{0},
};
static const char help[] =
	"Simulates one collective at several sizes and prints the table that nccl-tests prints: size, count, type, operation, root, time, "
	"algbw, busbw. A simulated buffer has no place in memory, so there is one group of columns instead of two.\v"
	"  weft perf --topology cloudmatrix384 --algorithm ring,halving_doubling --begin 1MiB --end 1GiB --factor 8\n"
	"  weft perf --topology hgx:gpu=a100 --against a100.log\n\n"
	"Sizes count as in nccl-tests: of all-gather and reduce-scatter the whole buffer.\n\n"
	"Exit status: 0 done; 1 a run could not finish; 2 bad usage or input, or the host failed.";

#define SIZE_MAX_BYTES (INT64_C(1) << 50) /* of a collective, as in scenarios */

struct arguments {
	struct sets sets;
	const char *algorithms, *against, *topology;
	int64_t begin, end, factor;
	bool sizes_given, json;
};
struct row {
	int64_t bytes, time_ps;
	double algbw, busbw, measured_us; /* 0: not measured */
	char algorithm[64], protocol[32], kind[32];
	uint32_t n_ranks;
};

static void parse_size(struct argp_state *state, const char *name, const char *value, enum quantity quantity, int64_t *out)
{
	struct error err = {0};
	if (units_parse_integer(value, quantity, out, &err))
		argp_error(state, "%s: %s", name, err.message);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct sets *sets = &arguments->sets;
	switch (key) {
	case KEY_TOPOLOGY:
		arguments->topology = value;
		sets_add(sets, "--topology", "topology=%s", sets_quote(sets, value));
		return 0;
	case KEY_COLLECTIVE: sets_add(sets, "--collective", "workload[0].collective.kind=%s", value); return 0;
	case KEY_ALGORITHM:
		arguments->algorithms = value;
		if (!*value || *value == ',' || value[strlen(value) - 1] == ',' || strstr(value, ",,"))
			argp_error(state, "--algorithm: a name is missing in '%s'", value);
		return 0;
	case KEY_PROTOCOL: sets_add(sets, "--protocol", "protocol=%s", value); return 0;
	case KEY_RANKS: sets_add(sets, "--ranks", "ranks=%s", value); return 0;
	case KEY_BEGIN: parse_size(state, "--begin", value, QUANTITY_BYTES, &arguments->begin); break;
	case KEY_END: parse_size(state, "--end", value, QUANTITY_BYTES, &arguments->end); break;
	case KEY_FACTOR: parse_size(state, "--factor", value, QUANTITY_COUNT, &arguments->factor); return 0;
	case KEY_NETWORK: sets_add_network(sets, value); return 0;
	case KEY_SET: sets_add(sets, NULL, "%s", value); return 0;
	case KEY_SEED: sets_add(sets, "--seed", "seed=%s", value); return 0;
	case KEY_AGAINST: arguments->against = value; return 0;
	case KEY_JSON: arguments->json = true; return 0;
	case ARGP_KEY_ARG: argp_error(state, "unexpected argument '%s'", value); return 0;
	case ARGP_KEY_END:
		if (!arguments->topology)
			argp_error(state, "which --topology?");
		if (arguments->factor < 2 || arguments->begin < 1 || arguments->end < arguments->begin || arguments->end > SIZE_MAX_BYTES)
			argp_error(state, "sizes go from --begin (at least 1 B) to --end (not less, at most 1 PiB) by --factor (at least 2)");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
	arguments->sizes_given = true;
	return 0;
}

/* Simulates one row. Returns 0, or an exit status after the message was printed. */
static int simulate(const struct arguments *arguments, const char *algorithm, int64_t bytes, struct row *row)
{
	static const char skeleton[] = "weft: 1\n"; /* everything else is an option's, and named so in messages */
	struct sets sets = {0};
	struct scenario scenario;
	struct error err = {0};
	struct job job;
	int status = 0;
	sets_add(&sets, "--collective", "workload[0].collective.kind=allreduce");
	for (size_t i = 0; i < arguments->sets.n; i++)
		sets_add(&sets, arguments->sets.list[i].label, "%s", arguments->sets.list[i].assignment);
	sets_add(&sets, "--begin", "workload[0].collective.size=%lld B", (long long)bytes);
	sets_add(&sets, "--algorithm", "workload[0].collective.algorithm=%s", algorithm);
	struct scenario_overrides overrides = {sets.list, sets.n};
	if (scenario_parse(&scenario, skeleton, "weft perf", NULL, &overrides, &err)) {
		sets_release(&sets);
		return cli_fail(&err);
	}
	if (job_run(&job, &scenario, &(struct job_options){0}, &err)) {
		status = cli_fail(&err);
	} else {
		struct collective_result result = {0};
		if (job.simulation.n_collectives)
			result = simulation_collective(&job.simulation, 0);
		if (job.simulation.error.code)
			status = cli_fail(&job.simulation.error);
		else if (!job.simulation.n_collectives)
			status = cli_fail(&(struct error){ERROR_INPUT, "the workload holds no collective"});
		else
			*row = (struct row){.bytes = result.record.bytes, .time_ps = result.time_ps, .algbw = result.algbw_bytes_per_s,
				.busbw = result.busbw_bytes_per_s, .n_ranks = result.record.n_ranks};
		if (!status) {
			snprintf(row->algorithm, sizeof row->algorithm, "%s", result.record.algorithm);
			snprintf(row->protocol, sizeof row->protocol, "%s", result.record.protocol);
			snprintf(row->kind, sizeof row->kind, "%s", collective_kind_names[result.record.kind]);
		}
		job_release(&job);
	}
	scenario_release(&scenario);
	sets_release(&sets);
	return status;
}

/* Elements of nccl-tests' default type, float; where every rank holds a part, of that part. */
static int64_t element_count(const struct row *row)
{
	bool parts = !strcmp(row->kind, "allgather") || !strcmp(row->kind, "reduce_scatter") || !strcmp(row->kind, "alltoall") ||
		!strcmp(row->kind, "gather") || !strcmp(row->kind, "scatter");
	return row->bytes / 4 / (parts && row->n_ranks ? row->n_ranks : 1);
}

static void print_header(const struct arguments *arguments)
{
	printf("# weft %s  %s\n#\n", WEFT_VERSION, arguments->topology);
	printf("# %10s  %12s  %8s  %6s  %6s  %10s  %7s  %7s  %-20s %-8s%s\n", "size", "count", "type", "redop", "root", "time", "algbw", "busbw",
	       "algorithm", "protocol", arguments->against ? "     measured     error" : "");
	printf("# %10s  %12s  %8s  %6s  %6s  %10s  %7s  %7s%s\n", "(B)", "(elements)", "", "", "", "(us)", "(GB/s)", "(GB/s)",
	       arguments->against ? "                                     (us)" : "");
}

static void print_row(const struct row *row)
{
	bool reduces = strstr(row->kind, "reduce") != NULL;
	bool rooted = !strcmp(row->kind, "broadcast") || !strcmp(row->kind, "reduce");
	printf("%12lld  %12lld  %8s  %6s  %6d  %10.2f  %7.2f  %7.2f  %-20s %-8s", (long long)row->bytes, (long long)element_count(row), "float",
	       reduces ? "sum" : "none", rooted ? 0 : -1, (double)row->time_ps * 1e-6, row->algbw * 1e-9, row->busbw * 1e-9, row->algorithm,
	       row->protocol);
	if (row->measured_us > 0)
		printf(" %12.2f  %+7.1f %%", row->measured_us, 100 * ((double)row->time_ps * 1e-6 / row->measured_us - 1));
	printf("\n");
	fflush(stdout);
}

static void json_row(struct json *json, const struct row *row)
{
	json_open_object(json, NULL);
	json_integer(json, "bytes", row->bytes);
	json_integer(json, "time_ps", row->time_ps);
	json_number(json, "algbw_bytes_per_s", row->algbw);
	json_number(json, "busbw_bytes_per_s", row->busbw);
	json_string(json, "algorithm", row->algorithm);
	json_string(json, "protocol", row->protocol);
	json_integer(json, "ranks", row->n_ranks);
	if (row->measured_us > 0) {
		json_number(json, "measured_ps", row->measured_us * 1e6);
		json_number(json, "error", (double)row->time_ps * 1e-6 / row->measured_us - 1);
	}
	json_close_object(json);
}

/* Sizes to simulate: those of the log (within the given ends), else begin, begin × factor, … */
static size_t sizes_of(const struct arguments *arguments, const struct nccl_row *log, size_t n_log, struct nccl_row **sizes)
{
	size_t n = 0, capacity = 0;
	*sizes = NULL;
	for (size_t i = 0; i < n_log; i++) {
		if (log[i].bytes < 1 || (arguments->sizes_given && (log[i].bytes < arguments->begin || log[i].bytes > arguments->end)))
			continue;
		ARRAY_RESERVE(*sizes, n + 1, capacity);
		(*sizes)[n++] = log[i];
	}
	for (int64_t bytes = arguments->begin; !log && bytes <= arguments->end; bytes *= arguments->factor) {
		ARRAY_RESERVE(*sizes, n + 1, capacity);
		(*sizes)[n++] = (struct nccl_row){.bytes = bytes};
		if (bytes > INT64_MAX / arguments->factor)
			break;
	}
	return n;
}

/* The header waits for the first row: what fails at once prints nothing. */
static int run_table(const struct arguments *arguments, const struct nccl_row *sizes, size_t n, struct json *json)
{
	const char *list = arguments->algorithms ? arguments->algorithms : "auto";
	double busbw = 0;
	size_t n_rows = 0;
	while (*list) {
		char algorithm[64];
		size_t length = strcspn(list, ",");
		snprintf(algorithm, sizeof algorithm, "%.*s", (int)length, list);
		list += length + (list[length] == ',');
		for (size_t i = 0; i < n; i++) {
			struct row row = {0};
			int status = simulate(arguments, algorithm, sizes[i].bytes, &row);
			if (status)
				return status;
			row.measured_us = sizes[i].time_us;
			if (!json && !n_rows)
				print_header(arguments);
			if (json)
				json_row(json, &row);
			else
				print_row(&row);
			busbw += row.busbw;
			n_rows++;
		}
	}
	if (!json && n_rows)
		printf("# Avg bus bandwidth    : %g\n#\n", busbw * 1e-9 / (double)n_rows);
	return 0;
}

static int print_table(const struct arguments *arguments)
{
	struct nccl_row *log = NULL, *sizes = NULL;
	struct json *json = NULL;
	struct error err = {0};
	size_t n_log = 0, n;
	int status;
	if (arguments->against && nccl_log_read(arguments->against, &log, &n_log, &err))
		return cli_fail(&err);
	n = sizes_of(arguments, log, n_log, &sizes);
	if (arguments->json) {
		json = json_new();
		json_open_object(json, NULL);
		json_open_array(json, "rows");
	}
	status = run_table(arguments, sizes, n, json);
	if (json) {
		json_close_array(json);
		json_close_object(json);
		if (!status)
			cli_print_json(json);
	}
	free(log);
	free(sizes);
	return status;
}

static int run(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, NULL, help, NULL, NULL, NULL};
	struct arguments arguments = {.begin = 1024, .end = 1 << 30, .factor = 2};
	int status = cli_parse(&argp, argc, argv, &arguments);
	if (!status)
		status = print_table(&arguments);
	sets_release(&arguments.sets);
	return status;
}

const struct command command_perf = {"perf", "the nccl-tests table of a collective, simulated", run};
