/* `explain` for people. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "report/explain.h"

#define PLACES 3 /* links named per line */

/* Parts of one class, of, behind: neighbours. */
struct line {
	const struct explain_part *first;
	int64_t n, time_ps, count;
};

static bool same(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int64_t p = x->time_ps < 0 ? -x->time_ps : x->time_ps, q = y->time_ps < 0 ? -y->time_ps : y->time_ps;
	if (p != q)
		return p > q ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

static struct line *gather_lines(const struct explain_parts *parts, int64_t *n)
{
	struct line *lines = memory_zero((size_t)parts->n + 1, sizeof *lines);
	*n = 0;
	for (int64_t i = 0; i < parts->n; i++) {
		const struct explain_part *part = &parts->parts[i];
		struct line *last = *n ? &lines[*n - 1] : NULL;
		if (!last || !same(last->first->class, part->class) || !same(last->first->of, part->of) || !same(last->first->behind, part->behind))
			*(last = &lines[(*n)++]) = (struct line){.first = part};
		last->n++;
		last->time_ps += part->time_ps;
		last->count += part->count;
	}
	qsort(lines, (size_t)*n, sizeof *lines, compare_lines);
	return lines;
}

static const char *signed_time(char *out, size_t size, int64_t time_ps, bool difference)
{
	char time[32];
	snprintf(out, size, "%s%s", time_ps < 0 ? "-" : difference ? "+" : "",
		 units_format_time(time, sizeof time, time_ps < 0 ? -time_ps : time_ps));
	return out;
}

static void print_places(const struct line *line, bool difference, struct text *out)
{
	char time[40];
	int64_t n = 0;
	const char *before = strcmp(line->first->class, "wait") ? " on " : " for ";
	for (int64_t i = 0; i < line->n && n < PLACES; i++) {
		if (!line->first[i].where || !line->first[i].time_ps)
			continue;
		text_printf(out, "%s%s", n++ ? ", " : before, line->first[i].where);
		if (line->n > 1)
			text_printf(out, " (%s)", signed_time(time, sizeof time, line->first[i].time_ps, difference));
	}
	if (line->n > PLACES)
		text_printf(out, " and %" PRId64 " more", line->n - PLACES);
}

static void print_line(const struct line *line, int64_t whole_ps, bool difference, struct text *out)
{
	char time[40];
	text_printf(out, "  %12s", signed_time(time, sizeof time, line->time_ps, difference));
	if (!difference)
		text_printf(out, " %5.1f%%", whole_ps ? 100 * (double)line->time_ps / (double)whole_ps : 0);
	text_printf(out, "  %-13s  %s", line->first->class, line->first->of);
	if (line->first->behind)
		text_printf(out, ", behind %s", line->first->behind);
	print_places(line, difference, out);
	text_puts(out, "\n");
}

static void print_parts(const struct explain_parts *parts, uint32_t top, bool difference, struct text *out)
{
	int64_t n, whole_ps = explain_parts_sum(parts), shown_ps = 0, printed = 0;
	char time[40];
	struct line *lines = gather_lines(parts, &n);
	for (int64_t i = 0; i < n && printed < top; i++) {
		if (!lines[i].time_ps)
			continue;
		print_line(&lines[i], whole_ps, difference, out);
		shown_ps += lines[i].time_ps;
		printed++;
	}
	if (shown_ps != whole_ps)
		text_printf(out, "  %12s        in smaller parts\n", signed_time(time, sizeof time, whole_ps - shown_ps, difference));
	text_printf(out, "  %12s        in all: %" PRId64 " ps\n", signed_time(time, sizeof time, whole_ps, difference), whole_ps);
	free(lines);
}

/* Steps of one operation, or collective, that follow each other are one line. */
static bool continues(const struct explain_records *records, const struct explain_step *a, const struct explain_step *b)
{
	const int64_t *collective = records->ops.collective;
	return a->op == b->op || (a->op >= 0 && b->op >= 0 && collective[a->op] >= 0 && collective[a->op] == collective[b->op]);
}

struct stage {
	int64_t first, n;
};

static void print_stage(const struct explain *explain, const struct stage *stage, struct text *out)
{
	const struct explain_step *first = &explain->path.steps[stage->first], *last = first + stage->n - 1;
	char from[32], took[32];
	int64_t messages = 0;
	for (const struct explain_step *step = first; step <= last; step++)
		messages += step->kind == EXPLAIN_MESSAGE;
	text_printf(out, "  %12s %12s  rank %-5" PRId64 "  %s", units_format_time(from, sizeof from, first->from_ps),
		    units_format_time(took, sizeof took, last->to_ps - first->from_ps),
		    last->op < 0 ? last->rank : explain->records.ops.rank[last->op],
		    last->op < 0 ? "nothing that ended" : explain_op_label(&explain->records, last->op));
	if (messages)
		text_printf(out, ", %" PRId64 " message%s", messages, messages > 1 ? "s" : "");
	text_puts(out, "\n");
}

static void print_path(const struct explain *explain, uint32_t top, struct text *out)
{
	const struct explain_path *path = &explain->path;
	struct stage *stages = memory_zero((size_t)path->n + 1, sizeof *stages);
	int64_t n = 0;
	for (int64_t i = 0; i < path->n; i++) {
		if (!n || !continues(&explain->records, &path->steps[i - 1], &path->steps[i]))
			stages[n++].first = i;
		stages[n - 1].n++;
	}
	text_printf(out, "\ncritical path: %" PRId64 " steps in %" PRId64 " operations, the last first\n  %12s %12s\n", path->n, n, "from", "took");
	for (int64_t i = n - 1; i >= 0 && n - i <= top; i--)
		print_stage(explain, &stages[i], out);
	if (n > top)
		text_printf(out, "  … and %" PRId64 " before them (--top N, or --json for every step)\n", n - top);
	free(stages);
}

void explain_print(const struct explain *explain, uint32_t top, struct text *out)
{
	char time[32];
	text_printf(out, "%s in all (%" PRId64 " ps), %s\n", units_format_time(time, sizeof time, explain->records.time_ps), explain->records.time_ps,
		    explain->records.complete ? "complete" : "the run did not complete: explained as far as it came");
	text_printf(out, "\nwhere the time of rank %" PRId64 " goes, which ends last\n", explain->rank.rank);
	print_parts(&explain->rank_parts, top, false, out);
	text_puts(out, "\nwhere the time of the critical path goes, over all ranks\n");
	print_parts(&explain->path_parts, top, false, out);
	print_path(explain, top, out);
}

void explain_difference_print(const struct explain *a, const struct explain *b, uint32_t top, struct text *out)
{
	struct explain_parts rank, path;
	char from[32], to[32], time[40];
	explain_difference(&a->rank_parts, &b->rank_parts, &rank);
	explain_difference(&a->path_parts, &b->path_parts, &path);
	text_printf(out, "%s, from %s to %s (%+" PRId64 " ps)\n",
		    signed_time(time, sizeof time, b->records.time_ps - a->records.time_ps, true),
		    units_format_time(from, sizeof from, a->records.time_ps), units_format_time(to, sizeof to, b->records.time_ps),
		    b->records.time_ps - a->records.time_ps);
	text_printf(out, "\nin the time of the rank that ends last (%" PRId64 ", then %" PRId64 ")\n", a->rank.rank, b->rank.rank);
	print_parts(&rank, top, true, out);
	text_puts(out, "\non the critical path, over all ranks\n");
	print_parts(&path, top, true, out);
	explain_parts_release(&rank);
	explain_parts_release(&path);
}
