/* What came of a suite: for people, as JUnit, and as new baselines. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/output.h"
#include "base/text.h"
#include "host/suite_run.h"

/* ---- for people ---- */

static void indent(const char *lines, struct text *out)
{
	for (const char *line = lines; *line;) {
		size_t n = strcspn(line, "\n");
		text_printf(out, "         %.*s\n", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

static void print_verdict(const struct suite_verdict *verdict, struct text *out)
{
	if (verdict->failure) {
		text_printf(out, "FAILED   %s: %s\n", verdict->entry->name, verdict->failure);
		return;
	}
	if (verdict->no_baseline) {
		text_printf(out, "FAILED   %s: no baseline '%s': --update writes it\n", verdict->entry->name, verdict->entry->baseline);
		return;
	}
	if (!verdict->n_failed) {
		text_printf(out, "ok       %s (%u metrics)\n", verdict->entry->name, verdict->n_cases);
		return;
	}
	text_printf(out, "FAILED   %s (%u of %u metrics)\n", verdict->entry->name, verdict->n_failed, verdict->n_cases);
	for (uint32_t i = 0; i < verdict->n_cases; i++)
		if (verdict->cases[i].message)
			text_printf(out, "         %s: %s\n", verdict->cases[i].metric, verdict->cases[i].message);
	indent(verdict->moved, out);
}

void suite_run_print(const struct suite_run *run, struct text *out)
{
	for (uint32_t i = 0; i < run->suite->n; i++)
		print_verdict(&run->verdicts[i], out);
	text_printf(out, "%u scenarios, %u metrics: %u differ, %u scenarios gave no figures%s\n", run->suite->n, run->n_cases, run->n_failed,
		    run->n_without, run->interrupted ? "; interrupted" : "");
}

/* ---- JUnit ---- */

/* Text in an attribute or element; control characters that XML forbids become '?'. */
static void escape(const char *text, struct text *out)
{
	for (; *text; text++) {
		switch (*text) {
		case '<': text_puts(out, "&lt;"); break;
		case '>': text_puts(out, "&gt;"); break;
		case '&': text_puts(out, "&amp;"); break;
		case '"': text_puts(out, "&quot;"); break;
		case '\n': text_puts(out, "&#10;"); break;
		default: text_add(out, (unsigned char)*text < ' ' && *text != '\t' ? "?" : text, 1);
		}
	}
}

static void attribute(const char *name, const char *value, struct text *out)
{
	text_printf(out, " %s=\"", name);
	escape(value, out);
	text_puts(out, "\"");
}

static void open_case(const struct suite_run *run, const struct suite_verdict *verdict, const char *name, struct text *out)
{
	text_puts(out, "    <testcase");
	attribute("classname", run->suite->name, out);
	text_puts(out, " name=\"");
	escape(verdict->entry->name, out);
	text_puts(out, ": ");
	escape(name, out);
	text_puts(out, "\"");
}

static void junit_case(const struct suite_run *run, const struct suite_verdict *verdict, const struct suite_case *one, struct text *out)
{
	open_case(run, verdict, one->metric, out);
	text_puts(out, ">\n      <properties>");
	const char *names[] = {"expected", "actual", "tolerance"}, *values[] = {one->expected, one->actual, one->allowed};
	for (int i = 0; i < 3; i++) {
		text_puts(out, "<property");
		attribute("name", names[i], out);
		attribute("value", values[i] ? values[i] : "none", out);
		text_puts(out, "/>");
	}
	text_puts(out, "</properties>\n");
	if (one->message) {
		text_puts(out, "      <failure");
		attribute("message", one->message, out);
		text_puts(out, ">");
		escape(verdict->moved, out);
		text_puts(out, "</failure>\n");
	}
	text_puts(out, "    </testcase>\n");
}

static void junit_verdict(const struct suite_run *run, const struct suite_verdict *verdict, struct text *out)
{
	bool stopped = verdict->end == CHILD_NOT_RUN || verdict->end == CHILD_INTERRUPTED;
	text_puts(out, "  <testsuite");
	attribute("name", verdict->entry->name, out);
	text_printf(out, " tests=\"%u\" failures=\"%u\" errors=\"%d\" skipped=\"%d\">\n", verdict->failure ? 1 : verdict->n_cases, verdict->n_failed,
		    verdict->failure && !stopped, verdict->failure && stopped);
	for (uint32_t i = 0; i < verdict->n_cases; i++)
		junit_case(run, verdict, &verdict->cases[i], out);
	if (verdict->failure) {
		open_case(run, verdict, "runs", out);
		text_printf(out, ">\n      <%s", stopped ? "skipped" : "error");
		attribute("message", verdict->failure, out);
		text_puts(out, "/>\n    </testcase>\n");
	}
	text_puts(out, "  </testsuite>\n");
}

#define JUNIT_BEGINS "<?xml"
#define JUNIT_SORT "JUnit XML"

int suite_junit_check(const char *path, struct error *err)
{
	return output_check(path, JUNIT_BEGINS, JUNIT_SORT, err);
}

int suite_run_junit(const struct suite_run *run, const char *path, struct error *err)
{
	struct text out = TEXT_INIT;
	struct output file;
	text_puts(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
	attribute("name", run->suite->name, &out);
	text_puts(&out, ">\n");
	for (uint32_t i = 0; i < run->suite->n; i++)
		junit_verdict(run, &run->verdicts[i], &out);
	text_puts(&out, "</testsuites>\n");
	int status = output_open(&file, path, JUNIT_BEGINS, JUNIT_SORT, err);
	if (status == 0) {
		fputs(text_string(&out), file.file);
		status = output_close(&file, 0, err);
	}
	text_release(&out);
	return status;
}

/* ---- new baselines ---- */

static void print_changes(const struct suite_verdict *verdict, const struct measures *new, struct text *out)
{
	for (uint32_t i = 0; i < new->n; i++) {
		const struct measure *now = &new->list[i], *was = measures_find(&verdict->expected, now->name);
		if (now->see || (was && !strcmp(was->value, now->value) && !was->see))
			continue;
		text_printf(out, "  %s: %s -> %s\n", now->name, was ? was->value : "none", now->value);
	}
	for (uint32_t i = 0; i < verdict->expected.n; i++) {
		const struct measure *was = &verdict->expected.list[i];
		const struct measure *now = measures_find(new, was->name);
		if (!was->see && (!now || now->see))
			text_printf(out, "  %s: %s -> none\n", was->name, was->value);
	}
}

static bool same_file(const struct suite_entry *entry, const char *text)
{
	size_t length;
	char *old = text_read_file(entry->baseline, 64 << 20, &length, NULL);
	bool same = old && !strcmp(old, text);
	free(old);
	return same;
}

static int update_entry(const struct suite_verdict *verdict, struct text *out, struct error *err)
{
	struct text text = TEXT_INIT;
	struct measures new = {0};
	int status = 0;
	baseline_make(verdict->entry, &verdict->actual, &text);
	if (!same_file(verdict->entry, text_string(&text))) {
		status = baseline_write(verdict->entry, text_string(&text), err) ||
			 measures_parse(&new, text_string(&text), verdict->entry->baseline, 1, err) ? -1 : 0;
		text_printf(out, "%s %s\n", verdict->no_baseline ? "new    " : "changed", verdict->entry->baseline);
		print_changes(verdict, &new, out);
		measures_release(&new);
	}
	text_release(&text);
	return status;
}

int suite_run_update(const struct suite_run *run, struct text *out, struct error *err)
{
	size_t before = out->length;
	for (uint32_t i = 0; i < run->suite->n; i++) {
		if (run->verdicts[i].failure)
			text_printf(out, "kept    %s: %s %s\n", run->verdicts[i].entry->baseline, run->verdicts[i].entry->name, run->verdicts[i].failure);
		else if (update_entry(&run->verdicts[i], out, err))
			return -1;
	}
	if (out->length == before)
		text_puts(out, "nothing changes\n");
	return 0;
}
