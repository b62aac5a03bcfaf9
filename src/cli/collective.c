/* weft collective: what the algorithms are, what one does step by step, and the proof that it is right. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "collective/collective.h"

enum {
	OPTION_RANKS = 256, OPTION_KIND, OPTION_SIZE, OPTION_ROOT, OPTION_CHANNELS, OPTION_BIDIRECTIONAL, OPTION_CHUNK, OPTION_ELEMENT,
	OPTION_DIMS, OPTION_LEVELS, OPTION_FILE, OPTION_RANK, OPTION_ALL, OPTION_SEEDS, OPTION_LATENCY, OPTION_BANDWIDTH, OPTION_JSON,
};
enum { SHOWN_RANKS = 8 };

struct options {
	const char *words[2];
	size_t n_words;
	struct collective_request request;
	bool kind_given, size_given, all, json;
	int64_t rank, seeds, latency_ps, bytes_per_s;
	struct arena arena;
	struct error error;
};

static int64_t whole(struct options *o, const char *text, enum quantity quantity, int64_t least, int64_t most, const char *name)
{
	int64_t value = least;
	if (units_parse_integer(text, quantity, &value, &o->error))
		error_prefix(&o->error, "--%s", name);
	else if (value < least || value > most)
		error_set(&o->error, ERROR_INPUT, "--%s=%s is not within %" PRId64 " to %" PRId64, name, text, least, most);
	return value < least || value > most ? least : value;
}

/* "4x8x2" */
static void parse_dims(struct options *o, const char *text)
{
	char *copy = arena_text(&o->arena, text), *rest = NULL;
	for (char *word = strtok_r(copy, "x,", &rest); word; word = strtok_r(NULL, "x,", &rest)) {
		if (o->request.n_dims == 8) {
			error_set(&o->error, ERROR_INPUT, "--dims=%s has more than 8 levels", text);
			return;
		}
		o->request.dims[o->request.n_dims++] = (uint32_t)whole(o, word, QUANTITY_COUNT, 1, COLLECTIVE_MAX_RANKS, "dims");
	}
}

static void parse_levels(struct options *o, const char *text)
{
	char *copy = arena_text(&o->arena, text), *rest = NULL;
	size_t n = 0;
	for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		if (n == 8) {
			error_set(&o->error, ERROR_INPUT, "--levels=%s has more than 8 levels", text);
			return;
		}
		o->request.levels[n++] = word;
	}
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *o = state->input;
	struct collective_request *request = &o->request;
	switch (key) {
	case OPTION_RANKS: request->n_ranks = (uint32_t)whole(o, argument, QUANTITY_COUNT, 1, COLLECTIVE_MAX_RANKS, "ranks"); return 0;
	case OPTION_KIND:
		o->kind_given = true;
		collective_kind_find(argument, &request->kind, &o->error);
		return 0;
	case OPTION_SIZE:
		o->size_given = true;
		request->bytes = whole(o, argument, QUANTITY_BYTES, 0, COLLECTIVE_MAX_BYTES, "size");
		return 0;
	case OPTION_ROOT: request->root = (uint32_t)whole(o, argument, QUANTITY_COUNT, 0, COLLECTIVE_MAX_RANKS, "root"); return 0;
	case OPTION_CHANNELS: request->channels = (uint32_t)whole(o, argument, QUANTITY_COUNT, 1, 1024, "channels"); return 0;
	case OPTION_BIDIRECTIONAL: request->bidirectional = true; return 0;
	case OPTION_CHUNK: request->chunk_bytes = whole(o, argument, QUANTITY_BYTES, 1, COLLECTIVE_MAX_BYTES, "chunk"); return 0;
	case OPTION_ELEMENT: request->element_bytes = (uint32_t)whole(o, argument, QUANTITY_BYTES, 1, 1024, "element"); return 0;
	case OPTION_DIMS: parse_dims(o, argument); return 0;
	case OPTION_LEVELS: parse_levels(o, argument); return 0;
	case OPTION_FILE: request->file = argument; return 0;
	case OPTION_RANK: o->rank = whole(o, argument, QUANTITY_COUNT, 0, COLLECTIVE_MAX_RANKS, "rank"); return 0;
	case OPTION_ALL: o->all = true; return 0;
	case OPTION_SEEDS: o->seeds = whole(o, argument, QUANTITY_COUNT, 1, 1000000, "seeds"); return 0;
	case OPTION_LATENCY: o->latency_ps = whole(o, argument, QUANTITY_TIME, 0, INT64_C(1) << 50, "latency"); return 0;
	case OPTION_BANDWIDTH: o->bytes_per_s = whole(o, argument, QUANTITY_RATE, 1, INT64_C(1) << 60, "bandwidth"); return 0;
	case OPTION_JSON: o->json = true; return 0;
	case ARGP_KEY_ARG:
		if (o->n_words == 2)
			argp_error(state, "too many arguments");
		o->words[o->n_words++] = argument;
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option option_table[] = {
	{"ranks", OPTION_RANKS, "N", 0, "number of ranks (show: 5; verify: 1, 2, 3, 5, 7, 12, 33)", 0},
	{"kind", OPTION_KIND, "KIND", 0, "allreduce, reduce_scatter, allgather, broadcast, reduce, alltoall, alltoallv, gather, scatter, barrier, "
	 "sendrecv (show: the first that the algorithm offers; verify: all of them)", 0},
	{"size", OPTION_SIZE, "SIZE", 0, "the whole buffer as nccl-tests counts it, such as '64 MiB' (show: 1000 B; verify: a few uneven ones)", 0},
	{"root", OPTION_ROOT, "RANK", 0, "of broadcast, reduce, gather, scatter (0)", 0},
	{"channels", OPTION_CHANNELS, "N", 0, "parallel rings or trees", 0},
	{"bidirectional", OPTION_BIDIRECTIONAL, NULL, 0, "every second ring runs the other way", 0},
	{"chunk", OPTION_CHUNK, "SIZE", 0, "piece of a pipeline, slice of a chunk of an MSCCL file", 0},
	{"element", OPTION_ELEMENT, "SIZE", 0, "parts are cut at multiples of it (1 B)", 0},
	{"dims", OPTION_DIMS, "AxBx...", 0, "hierarchical, torus: sizes of the levels, innermost first", 0},
	{"levels", OPTION_LEVELS, "A,B,...", 0, "hierarchical: the algorithm of each level (ring)", 0},
	{"file", OPTION_FILE, "FILE", 0, "msccl: the schedule", 0},
	{"rank", OPTION_RANK, "RANK", 0, "show: the steps of this rank only", 0},
	{"latency", OPTION_LATENCY, "TIME", 0, "show: α of the cost (1 us)", 0},
	{"bandwidth", OPTION_BANDWIDTH, "RATE", 0, "show: 1/β of the cost (50 GB/s)", 0},
	{"all", OPTION_ALL, NULL, 0, "verify: every algorithm", 0},
	{"seeds", OPTION_SEEDS, "N", 0, "verify: interleavings tried for each case (3)", 0},
	{"json", OPTION_JSON, NULL, 0, "results as JSON on standard output", 0},
	{0},
};
static const char documentation[] =
	"Collective algorithms: what they are, what each rank does step by step, and the proof that they are right."
	"\v"
	"list prints every algorithm with the collectives it offers. show prints the schedule of one: the steps of each rank and thread, messages, "
	"bytes per rank, and what it costs with one full-duplex port per rank, latency α and β = 1/bandwidth. ALGORITHM may be `auto` (the cheapest) "
	"or `nccl` (the cheaper of what NCCL has). verify executes schedules on real numbers with the threads interleaved at random and compares "
	"with the definition of the collective; it also proves that every two steps that touch the same bytes are ordered. Exit status 3 when one "
	"is wrong.\n\n"
	"  weft collective show ring --ranks 5\n"
	"  weft collective show hierarchical --ranks 16 --dims 8x2 --levels direct,ring\n"
	"  weft collective show msccl --ranks 8 --file schedule.xml --kind allreduce --size 1MiB --rank 0\n"
	"  weft collective verify --all\n\n"
	"docs/add-a-collective.md says how to write one.";

static int cmd_list(const struct options *o)
{
	struct json *json = o->json ? json_new() : NULL;
	if (json)
		json_open_object(json, NULL), json_open_array(json, "algorithms");
	for (size_t a = 0; collective_algorithms[a]; a++) {
		const struct collective_algorithm *algorithm = collective_algorithms[a];
		if (json) {
			json_open_object(json, NULL);
			json_string(json, "name", algorithm->name);
			json_string(json, "summary", algorithm->summary);
			json_open_array(json, "kinds");
		} else {
			printf("%-19s %s\n%-19s ", algorithm->name, algorithm->summary, "");
		}
		for (int kind = 0; kind < COLLECTIVE_KINDS; kind++)
			if (algorithm->kinds >> kind & 1) {
				if (json)
					json_string(json, NULL, collective_kind_names[kind]);
				else
					printf(" %s", collective_kind_names[kind]);
			}
		if (json)
			json_close_array(json), json_close_object(json);
		else
			putchar('\n');
	}
	if (json) {
		json_close_array(json);
		json_close_object(json);
		cli_print_json(json);
	}
	return 0;
}

struct totals { int64_t messages, bytes, least, most, copies, longest; };

static struct totals count(const struct collective_plan *plan)
{
	struct totals totals = {.least = INT64_MAX};
	for (uint32_t r = 0; r < plan->request.n_ranks; r++) {
		int64_t sent = 0;
		for (uint32_t t = 0; t < plan->n_threads; t++) {
			uint32_t n = plan->algorithm->n_steps(plan, r, t);
			totals.longest = n > totals.longest ? n : totals.longest;
			for (uint32_t i = 0; i < n; i++) {
				struct collective_step step = {0};
				plan->algorithm->step(plan, r, t, i, &step);
				totals.copies += (step.actions & STEP_COPY) != 0;
				totals.messages += (step.actions & STEP_SEND) != 0;
				sent += step.actions & STEP_SEND ? step.out.bytes : 0;
			}
		}
		totals.bytes += sent;
		totals.least = sent < totals.least ? sent : totals.least;
		totals.most = sent > totals.most ? sent : totals.most;
	}
	return totals;
}

static const char *span_text(char out[64], const struct collective_span *span)
{
	static const char *const buffers[] = {"input ", "", "scratch "};
	snprintf(out, 64, "%s%" PRId64 "..%" PRId64, buffers[span->buffer], span->offset, span->offset + span->bytes);
	return out;
}

static void print_step(const struct collective_step *step, uint32_t thread, uint32_t i)
{
	char out[64], in[64];
	const char *adds = step->actions & STEP_REDUCE ? ", add" : "";
	printf("    %5u.%-5u", thread, i);
	for (uint8_t w = 0; w < step->n_waits; w++)
		printf(" wait for %u.%u", step->waits[w].thread, step->waits[w].step);
	if (step->actions & STEP_SEND)
		printf("  send %-16s to %-5u", span_text(out, &step->out), step->to);
	if (step->actions & STEP_RECEIVE)
		printf("  receive %-16s from %u%s", span_text(in, &step->in), step->from, adds);
	if (step->actions & STEP_COPY)
		printf("  copy %s to %s%s", span_text(out, &step->out), span_text(in, &step->in), adds);
	putchar('\n');
}

static void json_span(struct json *json, const char *key, const struct collective_span *span)
{
	static const char *const buffers[] = {"input", "output", "scratch"};
	json_open_object(json, key);
	json_string(json, "buffer", buffers[span->buffer]);
	json_integer(json, "offset", span->offset);
	json_integer(json, "bytes", span->bytes);
	json_close_object(json);
}

static void json_step(struct json *json, const struct collective_step *step, uint32_t rank, uint32_t thread, uint32_t i)
{
	json_open_object(json, NULL);
	json_integer(json, "rank", rank);
	json_integer(json, "thread", thread);
	json_integer(json, "step", i);
	json_bool(json, "reduce", step->actions & STEP_REDUCE);
	json_bool(json, "copy", step->actions & STEP_COPY);
	if (step->actions & STEP_SEND)
		json_integer(json, "to", step->to);
	if (step->actions & STEP_RECEIVE)
		json_integer(json, "from", step->from);
	if (step->actions & (STEP_SEND | STEP_COPY))
		json_span(json, "out", &step->out);
	if (step->actions & (STEP_RECEIVE | STEP_COPY))
		json_span(json, "in", &step->in);
	json_open_array(json, "waits");
	for (uint8_t w = 0; w < step->n_waits; w++) {
		json_open_array(json, NULL);
		json_integer(json, NULL, step->waits[w].thread);
		json_integer(json, NULL, step->waits[w].step);
		json_close_array(json);
	}
	json_close_array(json);
	json_close_object(json);
}

/* Every step of the ranks that are shown. */
static void show_steps(const struct collective_plan *plan, struct json *json, uint32_t first, uint32_t end)
{
	for (uint32_t r = first; r < end; r++) {
		if (!json)
			printf("rank %u\n", r);
		for (uint32_t t = 0; t < plan->n_threads; t++)
			for (uint32_t i = 0; i < plan->algorithm->n_steps(plan, r, t); i++) {
				struct collective_step step = {0};
				plan->algorithm->step(plan, r, t, i, &step);
				if (json)
					json_step(json, &step, r, t, i);
				else
					print_step(&step, t, i);
			}
	}
}

static void show_json(const struct collective_plan *plan, const struct totals *totals, double cost, uint32_t first, uint32_t end)
{
	struct json *json = json_new();
	const char *formula = plan->algorithm->formulas[plan->request.kind];
	json_open_object(json, NULL);
	json_string(json, "algorithm", plan->algorithm->name);
	json_string(json, "kind", collective_kind_names[plan->request.kind]);
	json_integer(json, "ranks", plan->request.n_ranks);
	json_integer(json, "bytes", plan->request.bytes);
	json_integer(json, "threads", plan->n_threads);
	json_integer(json, "scratch_bytes", plan->scratch_bytes);
	json_integer(json, "messages", totals->messages);
	json_integer(json, "copies", totals->copies);
	json_integer(json, "bytes_sent", totals->bytes);
	json_integer(json, "bytes_sent_min", totals->least);
	json_integer(json, "bytes_sent_max", totals->most);
	json_string(json, "formula", formula);
	if (cost >= 0)
		json_number(json, "cost_ps", cost);
	else
		json_null(json, "cost_ps");
	json_open_array(json, "steps");
	show_steps(plan, json, first, end);
	json_close_array(json);
	json_close_object(json);
	cli_print_json(json);
}

static void show_text(const struct options *o, const struct collective_plan *plan, const struct totals *totals, double cost, uint32_t first,
		      uint32_t end)
{
	const char *formula = plan->algorithm->formulas[plan->request.kind];
	uint32_t n = plan->request.n_ranks;
	printf("%s %s of %" PRId64 " B, %u rank%s\n", plan->algorithm->name, collective_kind_names[plan->request.kind], plan->request.bytes, n,
	       n == 1 ? "" : "s");
	printf("  threads per rank   %u, at most %" PRId64 " steps each\n", plan->n_threads, totals->longest);
	printf("  messages           %" PRId64 ", %" PRId64 " B in all\n", totals->messages, totals->bytes);
	printf("  sent per rank      %" PRId64 " to %" PRId64 " B\n", totals->least, totals->most);
	if (totals->copies)
		printf("  local copies       %" PRId64 ", scratch %" PRId64 " B per rank\n", totals->copies, plan->scratch_bytes);
	if (formula && cost >= 0)
		printf("  cost               %s = %.6g us  (α %.6g us, β %.6g ps/B)\n", formula, cost / 1e6, (double)o->latency_ps / 1e6,
		       1e12 / (double)o->bytes_per_s);
	printf("\n    thread.step\n");
	show_steps(plan, NULL, first, end);
	if (end - first < n && o->rank < 0)
		printf("(%u more ranks: --rank R shows one)\n", n - (end - first));
}

static int cmd_show(struct options *o, struct error *err)
{
	struct collective_plan plan;
	double beta = 1e12 / (double)o->bytes_per_s;
	if (o->n_words < 2)
		return error_set(err, ERROR_INPUT, "show needs an algorithm (weft collective list names them)");
	if (!o->request.n_ranks)
		o->request.n_ranks = 5;
	if (!o->size_given)
		o->request.bytes = 1000;
	for (size_t a = 0; !o->kind_given && collective_algorithms[a]; a++)
		if (!strcmp(collective_algorithms[a]->name, o->words[1]))
			o->request.kind = (enum collective_kind)__builtin_ctz(collective_algorithms[a]->kinds);
	if (o->rank >= (int64_t)o->request.n_ranks)
		return error_set(err, ERROR_INPUT, "rank %" PRId64 " is not one of the %u ranks", o->rank, o->request.n_ranks);
	if (collective_plan_init(&plan, o->words[1], &o->request, (double)o->latency_ps, beta, err))
		return -1;
	double steps = (double)plan.request.n_ranks * plan.n_threads * (1 + plan.algorithm->n_steps(&plan, 0, 0));
	if (steps > 2e9) {
		collective_plan_release(&plan);
		return error_set(err, ERROR_INPUT, "%u ranks with about %.2g steps in all are too many to count (the limit is 2e9)",
				 o->request.n_ranks, steps);
	}
	struct totals totals = count(&plan);
	double cost = plan.algorithm->cost ? plan.algorithm->cost(&plan, (double)o->latency_ps, beta) : -1;
	uint32_t first = o->rank < 0 ? 0 : (uint32_t)o->rank, end = o->rank >= 0 ? first + 1 : plan.request.n_ranks;
	if (o->rank < 0 && end > SHOWN_RANKS)
		end = 1;
	if (o->json)
		show_json(&plan, &totals, cost, first, end);
	else
		show_text(o, &plan, &totals, cost, first, end);
	collective_plan_release(&plan);
	return 0;
}

struct tally { uint64_t plans, refused, wrong; struct error first; };

static void verify_one(const struct options *o, const char *algorithm, const struct collective_request *request, struct tally *tally)
{
	for (int64_t seed = 1; seed <= o->seeds; seed++) {
		struct collective_plan plan;
		struct error err = {0};
		if (collective_plan_init(&plan, algorithm, request, 1e6, 20, &err)) {
			tally->refused++;
			if (!tally->first.code)
				tally->first = err;
			return;
		}
		int status = collective_verify(&plan, (uint64_t)seed, &err);
		if (status && err.code == ERROR_INPUT) { /* too large to execute */
			collective_plan_release(&plan);
			tally->refused++;
			tally->first = tally->wrong ? tally->first : err;
			return;
		}
		tally->plans++;
		if (status) {
			error_prefix(&err, "%s %s, %u ranks, %" PRId64 " bytes, root %u, seed %" PRId64, algorithm,
				     collective_kind_names[request->kind], request->n_ranks, request->bytes, request->root, seed);
			if (!tally->wrong++ || tally->refused)
				tally->first = err;
		}
		collective_plan_release(&plan);
	}
}

/* Bytes of every pair for all-to-all-v: uneven, some of them none. */
static const int64_t *pair_counts(struct options *o, uint32_t n)
{
	int64_t *counts = arena_array(&o->arena, (size_t)n * n, sizeof *counts);
	for (uint32_t i = 0; i < n * n; i++)
		counts[i] = i * 7 % 5 * (i % 3);
	return counts;
}

static void verify_kind(struct options *o, const char *algorithm, enum collective_kind kind, struct tally *tally)
{
	static const uint32_t usual[] = {1, 2, 3, 5, 7, 12, 33};
	for (size_t c = 0; c < (o->request.n_ranks ? 1 : sizeof usual / sizeof *usual); c++) {
		struct collective_request request = o->request;
		uint32_t n = request.n_ranks = o->request.n_ranks ? o->request.n_ranks : usual[c];
		const int64_t sizes[] = {o->size_given ? o->request.bytes : 0, 1, n / 2, 3 * (int64_t)n + 2, 8 * (int64_t)n};
		request.kind = kind;
		if (kind == COLLECTIVE_ALL_TO_ALL_V)
			request.counts = pair_counts(o, n);
		for (size_t s = 0; s < (o->size_given ? 1 : sizeof sizes / sizeof *sizes); s++) {
			request.bytes = sizes[s];
			verify_one(o, algorithm, &request, tally);
			request.root = n - 1 - o->request.root % n;
			verify_one(o, algorithm, &request, tally);
		}
	}
}

static bool is_algorithm(const char *name)
{
	for (int kind = 0; kind < COLLECTIVE_KINDS; kind++)
		if (collective_algorithm_find(name, (enum collective_kind)kind, NULL))
			return true;
	return false;
}

static int cmd_verify(struct options *o, struct error *err)
{
	const char *only = o->n_words > 1 ? o->words[1] : o->request.file ? "msccl" : NULL;
	uint64_t wrong = 0, plans = 0;
	struct error refused = {0};
	struct json *json = o->json ? json_new() : NULL;
	if (!only && !o->all)
		return error_set(err, ERROR_INPUT, "verify needs an algorithm or --all");
	if (only && !is_algorithm(only))
		return collective_algorithm_find(only, o->request.kind, err), -1;
	if (only && !collective_algorithm_find(only, o->kind_given ? o->request.kind : COLLECTIVE_ALL_REDUCE, o->kind_given ? err : NULL) &&
	    o->kind_given)
		return -1;
	if (json)
		json_open_object(json, NULL), json_open_array(json, "results");
	for (size_t a = 0; collective_algorithms[a]; a++)
		for (int kind = 0; kind < COLLECTIVE_KINDS; kind++) {
			const struct collective_algorithm *algorithm = collective_algorithms[a];
			struct tally tally = {0};
			if ((only && strcmp(only, algorithm->name)) || !(algorithm->kinds >> kind & 1) ||
			    (o->kind_given && (int)o->request.kind != kind))
				continue;
			verify_kind(o, algorithm->name, (enum collective_kind)kind, &tally);
			if (!tally.plans && only && !refused.code)
				refused = tally.first;
			if (!tally.plans && (o->all || !o->kind_given))
				continue; /* it needs levels or a file, or the file is for another kind */
			if (!tally.plans)
				return *err = tally.first, -1;
			plans += tally.plans;
			wrong += tally.wrong;
			if (json) {
				json_open_object(json, NULL);
				json_string(json, "algorithm", algorithm->name);
				json_string(json, "kind", collective_kind_names[kind]);
				json_integer(json, "executed", (int64_t)tally.plans);
				json_integer(json, "wrong", (int64_t)tally.wrong);
				json_string(json, "error", tally.wrong ? tally.first.message : NULL);
				json_close_object(json);
			} else {
				printf("%-6s %-19s %-15s %5" PRIu64 " executed%s%s\n", tally.wrong ? "WRONG" : "ok", algorithm->name,
				       collective_kind_names[kind], tally.plans, tally.wrong ? ": " : "", tally.wrong ? tally.first.message : "");
			}
		}
	if (json) {
		json_close_array(json);
		json_close_object(json);
		cli_print_json(json);
	}
	if (!plans && refused.code)
		return *err = refused, -1;
	if (!plans)
		return error_set(err, ERROR_INPUT, "nothing to verify: '%s' does not take this request (weft collective show says why)",
				 only ? only : "--all");
	return wrong ? 3 : 0;
}

static int run(int argc, char **argv)
{
	static const struct argp argp = {option_table, parse_option, "list|show ALGORITHM|verify [ALGORITHM]", documentation, NULL, NULL, NULL};
#define REQUEST "json ranks kind size root channels bidirectional chunk element dims levels file"
	static const struct cli_action actions[] = {
		{"list", "json"}, {"show", REQUEST " rank latency bandwidth"}, {"verify", REQUEST " all seeds"}};
#undef REQUEST
	enum { LIST, SHOW, VERIFY };
	struct options o = {.rank = -1, .seeds = 3, .latency_ps = 1000000, .bytes_per_s = 50000000000};
	size_t action;
	int status = cli_parse_action(&argp, actions, sizeof actions / sizeof *actions, argc, argv, &o, &action);
	if (status)
		return status;
	if (o.error.code)
		status = -1;
	else if (!o.n_words)
		status = error_set(&o.error, ERROR_INPUT, "what to do: list, show or verify (see weft collective --help)");
	else if (o.n_words == 2 && (action == LIST || o.all))
		status = error_set(&o.error, ERROR_INPUT, "'%s' is too many: %s is of all algorithms", o.words[1],
				   action == LIST ? "list" : "--all");
	else
		status = action == LIST ? cmd_list(&o) : action == SHOW ? cmd_show(&o, &o.error) : cmd_verify(&o, &o.error);
	arena_release(&o.arena);
	return status < 0 ? cli_fail(&o.error) : status;
}

const struct command command_collective = {"collective", "algorithms: list them, show their steps, verify them on real numbers", run};
