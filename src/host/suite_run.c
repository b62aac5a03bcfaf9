#include "host/suite_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "scenario/simulation.h"

#define MOVED_MOST 3

/* ---- in the child ---- */

static int run_entry(void *context, uint32_t i, FILE *out)
{
	const struct suite_entry *entry = &((struct suite_run *)context)->suite->entries[i];
	struct scenario scenario;
	struct simulation simulation;
	struct error err = {0};
	if (scenario_load(&scenario, entry->path, &entry->sets, &err) || simulation_init(&simulation, &scenario, &err)) {
		fprintf(out, "%s", err.message);
		return 2;
	}
	simulation_run(&simulation);
	measures_write(&simulation, out);
	return 0; /* a system that failed is a result: its status says so. The process ends here, nothing needs to be released */
}

static int64_t limit_of(void *context, uint32_t i) { return ((struct suite_run *)context)->suite->entries[i].limit_ps; }

static void show_progress(void *context, uint32_t i, const struct child_result *result)
{
	const struct suite_run *run = context;
	fprintf(stderr, "\r\033[K%s%s", run->suite->entries[i].name, result->end == CHILD_DONE ? "" : " failed");
	fflush(stderr);
}

/* ---- judging ---- */

static const char *why_none(struct suite_run *run, const struct suite_entry *entry, const struct child_result *result)
{
	char limit[32];
	switch (result->end) {
	case CHILD_FAILED: return arena_text(&run->arena, text_string(&result->output));
	case CHILD_CRASHED: return arena_format(&run->arena, "crashed with signal %d (%s)", result->number, strsignal(result->number));
	case CHILD_LATE: return arena_format(&run->arena, "did not end within its time limit of %s",
					     units_format_time(limit, sizeof limit, entry->limit_ps));
	case CHILD_INTERRUPTED: return "interrupted";
	default: return "not run: interrupted before its turn";
	}
}

/* The last that matches counts, as everywhere. */
static const struct suite_metric *metric_of(const struct suite_entry *entry, const char *name)
{
	const struct suite_metric *found = NULL;
	for (uint32_t i = 0; i < entry->n_metrics; i++)
		if (text_matches(entry->metrics[i].pattern, name))
			found = &entry->metrics[i];
	return found;
}

static int64_t allowed_of(const struct suite_metric *metric, int64_t expected)
{
	double relative = metric->relative * (expected < 0 ? -(double)expected : (double)expected);
	int64_t part = relative >= 9e18 ? INT64_MAX : (int64_t)relative;
	return part > metric->absolute ? part : metric->absolute;
}

static const char *signed_share(struct arena *arena, int64_t expected, int64_t actual)
{
	if (!expected)
		return arena_format(arena, "%+" PRId64, actual);
	return arena_format(arena, "%+" PRId64 ", %+.4g %%", actual - expected, 100 * ((double)actual - (double)expected) / (double)expected);
}

/* NULL: within what is allowed. */
static const char *judge(struct suite_run *run, const struct suite_metric *metric, const struct measure *expected, const struct measure *actual,
			 const char **allowed)
{
	static const char *const sides[] = {"", " more", " less"};
	*allowed = "0";
	if (!expected->is_number || !actual->is_number)
		return strcmp(expected->value, actual->value) ? arena_format(&run->arena, "expected %s, got %s", expected->value, actual->value)
							      : NULL;
	int64_t most = allowed_of(metric, expected->number), delta = actual->number - expected->number;
	*allowed = arena_format(&run->arena, "%" PRId64 "%s", most, sides[metric->side]);
	if ((delta <= most || metric->side == SUITE_BELOW) && (-delta <= most || metric->side == SUITE_ABOVE))
		return NULL;
	return arena_format(&run->arena, "expected %s, got %s (%s; allowed %s)", expected->value, actual->value,
			    signed_share(&run->arena, expected->number, actual->number), *allowed);
}

static struct suite_case *add_case(struct suite_verdict *verdict, struct suite_case new_case)
{
	ARRAY_RESERVE(verdict->cases, verdict->n_cases + 1, verdict->capacity);
	verdict->cases[verdict->n_cases] = new_case;
	verdict->n_failed += new_case.message != NULL;
	return &verdict->cases[verdict->n_cases++];
}

static void compare_watched(struct suite_run *run, struct suite_verdict *verdict)
{
	for (uint32_t i = 0; i < verdict->expected.n; i++) {
		const struct measure *expected = &verdict->expected.list[i], *actual = measures_find(&verdict->actual, expected->name);
		const struct suite_metric *metric = metric_of(verdict->entry, expected->name);
		struct suite_case new_case = {expected->name, expected->value, actual ? actual->value : NULL, "0", NULL};
		if (!metric || expected->see)
			continue;
		new_case.message = actual ? judge(run, metric, expected, actual, &new_case.allowed)
					  : arena_format(&run->arena, "expected %s, but the run has no such metric", expected->value);
		add_case(verdict, new_case);
	}
	for (uint32_t i = 0; i < verdict->actual.n; i++) {
		const struct measure *actual = &verdict->actual.list[i], *expected = measures_find(&verdict->expected, actual->name);
		if (metric_of(verdict->entry, actual->name) && (!expected || expected->see))
			add_case(verdict, (struct suite_case){actual->name, NULL, actual->value, "0",
				 verdict->no_baseline ? arena_format(&run->arena, "no baseline '%s': --update writes it", verdict->entry->baseline)
						      : "not in the baseline: --update adds it"});
	}
}

/* What is watched but neither expected nor there: a link or rank that is gone, or that never was. */
static void compare_patterns(struct suite_run *run, struct suite_verdict *verdict)
{
	for (uint32_t m = 0; m < verdict->entry->n_metrics; m++) {
		const char *pattern = verdict->entry->metrics[m].pattern;
		bool found = false;
		for (uint32_t i = 0; i < verdict->n_cases && !found; i++)
			found = text_matches(pattern, verdict->cases[i].metric);
		if (!found)
			add_case(verdict, (struct suite_case){pattern, NULL, NULL, "0",
				 arena_format(&run->arena, "the run has no metric '%s'", pattern)});
	}
}

/* Links and ranks that the baseline knows must still be there, watched or not. */
static void compare_seen(struct suite_run *run, struct suite_verdict *verdict)
{
	struct text missing = TEXT_INIT;
	uint32_t n = 0, n_missing = 0;
	for (uint32_t i = 0; i < verdict->expected.n; i++) {
		const struct measure *expected = &verdict->expected.list[i];
		n += expected->see;
		if (expected->see && !measures_find(&verdict->actual, expected->name) && n_missing++ < MOVED_MOST)
			text_printf(&missing, "%s%s", missing.length ? ", " : "", expected->name);
	}
	if (n)
		add_case(verdict, (struct suite_case){"links_and_ranks", arena_format(&run->arena, "%u", n),
			 arena_format(&run->arena, "%u", n - n_missing), "0",
			 n_missing ? arena_format(&run->arena, "%u links or ranks of the baseline are not there: %s%s", n_missing,
						  text_string(&missing), n_missing > MOVED_MOST ? ", …" : "") : NULL});
	text_release(&missing);
}

/* ---- what moved ---- */

struct move {
	const struct measure *expected;
	int64_t delta;
};

static int by_move(const void *a, const void *b)
{
	const struct move *x = a, *y = b;
	int64_t p = x->delta < 0 ? -x->delta : x->delta, q = y->delta < 0 ? -y->delta : y->delta;
	if (p != q)
		return p > q ? -1 : 1;
	return x->expected < y->expected ? -1 : x->expected > y->expected;
}

static void add_moved(const struct suite_verdict *verdict, const char *what, const char *pattern, struct text *out)
{
	struct move *moves = memory_alloc((verdict->expected.n + 1u) * sizeof *moves);
	size_t n = 0;
	for (uint32_t i = 0; i < verdict->expected.n; i++) {
		const struct measure *expected = &verdict->expected.list[i], *actual = measures_find(&verdict->actual, expected->name);
		if (actual && expected->is_number && text_matches(pattern, expected->name) && actual->number != expected->number)
			moves[n++] = (struct move){expected, actual->number - expected->number};
	}
	qsort(moves, n, sizeof *moves, by_move);
	for (size_t i = 0; i < n && i < MOVED_MOST; i++)
		text_printf(out, "%s%s %s -> %" PRId64 " (%+" PRId64 ")", i ? ", " : what, moves[i].expected->name, moves[i].expected->value,
			    moves[i].expected->number + moves[i].delta, moves[i].delta);
	if (n > MOVED_MOST)
		text_printf(out, ", and %zu more", n - MOVED_MOST);
	if (n)
		text_puts(out, "\n");
	free(moves);
}

static int judge_entry(struct suite_run *run, struct suite_verdict *verdict, const struct child_result *result, struct error *err)
{
	struct text moved = TEXT_INIT;
	verdict->end = result->end;
	verdict->moved = "";
	if (result->end != CHILD_DONE) {
		verdict->failure = why_none(run, verdict->entry, result);
		run->n_without++;
		return 0;
	}
	if (measures_parse(&verdict->actual, text_string(&result->output), verdict->entry->path, 0, err))
		return -1;
	compare_watched(run, verdict);
	compare_patterns(run, verdict);
	compare_seen(run, verdict);
	add_moved(verdict, "links that moved most: ", "link.*.bytes", &moved);
	add_moved(verdict, "ranks that moved most: ", "rank.*.end_ps", &moved);
	verdict->moved = arena_text(&run->arena, text_string(&moved));
	text_release(&moved);
	run->n_cases += verdict->n_cases;
	run->n_failed += verdict->n_failed;
	return 0;
}

int suite_run(struct suite_run *run, struct suite *suite, const struct suite_options *options, struct error *err)
{
	struct children children = {.n = suite->n, .jobs = options->jobs, .context = run, .run = run_entry, .limit_ps = limit_of,
				    .ended = options->progress && isatty(STDERR_FILENO) ? show_progress : NULL};
	struct child_result *results = memory_zero(suite->n + 1u, sizeof *results);
	int status = 0;
	memset(run, 0, sizeof *run);
	run->suite = suite;
	run->verdicts = memory_zero(suite->n + 1u, sizeof *run->verdicts);
	for (uint32_t i = 0; i < suite->n && status >= 0; i++) {
		run->verdicts[i].entry = &suite->entries[i];
		status = baseline_read(&suite->entries[i], &run->verdicts[i].expected, options->no_baselines ? NULL : err);
		run->verdicts[i].no_baseline = status <= 0;
		status = options->no_baselines ? 0 : status;
	}
	if (status >= 0) {
		run->interrupted = !children_run(&children, results);
		if (children.ended)
			fprintf(stderr, "\r\033[K");
		for (uint32_t i = 0; i < suite->n && status >= 0; i++)
			status = judge_entry(run, &run->verdicts[i], &results[i], err);
	}
	child_results_release(results, suite->n);
	free(results);
	if (status < 0)
		suite_run_release(run);
	return status < 0 ? -1 : 0;
}

void suite_run_release(struct suite_run *run)
{
	for (uint32_t i = 0; run->verdicts && i < run->suite->n; i++) {
		free(run->verdicts[i].cases);
		measures_release(&run->verdicts[i].expected);
		measures_release(&run->verdicts[i].actual);
	}
	free(run->verdicts);
	arena_release(&run->arena);
	memset(run, 0, sizeof *run);
}
