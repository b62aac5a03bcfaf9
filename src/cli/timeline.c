/* weft timeline ACTION FILE: what a recorded run says. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/output.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "report/export.h"
#include "report/picture.h"
#include "report/ranking.h"
#include "report/summary.h"
#include "timeline/reader.h"

struct timeline_arguments {
	const char *file, *output, *format, *table, *by, *between, *top;
	bool json;
};

enum { OPTION_BY = 256, OPTION_BETWEEN, OPTION_TABLE, OPTION_FORMAT, OPTION_JSON, OPTION_TOP };

static const struct argp_option options[] = {
	{"json", OPTION_JSON, NULL, 0, "summary, links: print one JSON object instead of text", 0},
	{"top", OPTION_TOP, "N", 0, "links: how many (default 10); picture: rows of at most N links", 0},
	{"by", OPTION_BY, "KEY", 0, "links: rank by bytes (default), busy, queue or energy", 0},
	{"between", OPTION_BETWEEN, "T1,T2", 0, "links, picture: only between two times, such as 1.2 ms,3 ms (whole bins)", 0},
	{"table", OPTION_TABLE, "TABLE", 0, "export: messages, ops, links or collectives", 0},
	{"format", OPTION_FORMAT, "FORMAT", 0, "export: csv, or perfetto (for ui.perfetto.dev; without --table: ops, collectives and links)", 0},
	{"output", 'o', "FILE", 0, "export, picture: where to write; - is standard output", 0},
	{0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct timeline_arguments *arguments = state->input;
	switch (key) {
	case OPTION_JSON: arguments->json = true; return 0;
	case OPTION_TOP: arguments->top = argument; return 0;
	case OPTION_BY: arguments->by = argument; return 0;
	case OPTION_BETWEEN: arguments->between = argument; return 0;
	case OPTION_TABLE: arguments->table = argument; return 0;
	case OPTION_FORMAT: arguments->format = argument; return 0;
	case 'o': arguments->output = argument; return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 1)
			arguments->file = argument;
		else if (state->arg_num > 1)
			argp_error(state, "one file at a time: '%s' is too many", argument);
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 2)
			argp_error(state, "needs an action and a file, such as `weft timeline summary out.h5`");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* "T1,T2"; the whole run when it was not given. */
static int parse_between(const char *text, int64_t *from_ps, int64_t *to_ps, struct error *err)
{
	*from_ps = *to_ps = 0;
	if (!text)
		return 0;
	char *first = strdup(text), *second = first ? strchr(first, ',') : NULL;
	int status = 0;
	if (second)
		*second++ = '\0';
	if (!second)
		status = error_set(err, ERROR_INPUT, "--between wants two times with a comma, such as '1.2 ms,3 ms', not '%s'", text);
	else if (units_parse_integer(first, QUANTITY_TIME, from_ps, err) || units_parse_integer(second, QUANTITY_TIME, to_ps, err))
		status = error_prefix(err, "--between");
	else if (*to_ps <= *from_ps)
		status = error_set(err, ERROR_INPUT, "--between: '%s' ends before it begins", text);
	free(first);
	return status;
}

static int run_summary(const struct timeline_arguments *arguments, struct timeline *timeline, struct error *err)
{
	struct text out = TEXT_INIT;
	struct json *json = json_new();
	json_open_object(json, NULL);
	int status = arguments->json ? summary_json(timeline, json, err) : summary_print(timeline, &out, err);
	json_close_object(json);
	if (status == 0)
		fputs(arguments->json ? json_text(json) : text_string(&out), stdout);
	json_free(json);
	text_release(&out);
	return status;
}

static void print_ranking(const struct ranking *ranking, uint32_t top, bool as_json)
{
	char from[32], to[32];
	struct text out = TEXT_INIT;
	struct json *json;
	if (as_json) {
		json = json_new();
		json_open_object(json, NULL);
		json_integer(json, "from_ps", ranking->from_ps);
		json_integer(json, "to_ps", ranking->to_ps);
		ranking_json(ranking, top, json, "links");
		json_close_object(json);
		cli_print_json(json);
		return;
	}
	text_printf(&out, "%s … %s (whole bins), by %s\n", units_format_time(from, sizeof from, ranking->from_ps),
		    units_format_time(to, sizeof to, ranking->to_ps), ranking_key_names[ranking->by]);
	ranking_print(ranking, top, &out);
	fputs(text_string(&out), stdout);
	text_release(&out);
}

static int run_links(const struct timeline_arguments *arguments, struct timeline *timeline, struct error *err)
{
	struct ranking ranking;
	int64_t from_ps, to_ps;
	uint32_t top;
	int by = arguments->by ? cli_find_name("key", arguments->by, ranking_key_names, RANKING_N, err) : RANKING_BYTES;
	if (by < 0 || parse_between(arguments->between, &from_ps, &to_ps, err) || cli_parse_top(arguments->top, 10, &top, err) ||
	    ranking_init(&ranking, timeline, (enum ranking_key)by, from_ps, to_ps, err))
		return -1;
	print_ranking(&ranking, top, arguments->json);
	ranking_release(&ranking);
	return 0;
}

static int run_export(const struct timeline_arguments *arguments, struct timeline *timeline, struct error *err)
{
	static const char *const formats[] = {"csv", "perfetto"};
	int format, table = EXPORT_TABLES, status;
	struct output out;
	if (!arguments->format)
		return error_set(err, ERROR_INPUT, "export needs --format (known: csv, perfetto)");
	format = cli_find_name("format", arguments->format, formats, 2, err);
	if (format < 0)
		return -1;
	if (arguments->table && (table = cli_find_name("table", arguments->table, export_table_names, EXPORT_TABLES, err)) < 0)
		return -1;
	if (format == 0 && !arguments->table)
		return error_set(err, ERROR_INPUT, "export --format csv needs --table (known: messages, ops, links, collectives)");
	if (!arguments->output)
		return error_set(err, ERROR_INPUT, "export needs -o FILE");
	if (output_open(&out, arguments->output, export_beginning(format == 0, (enum export_table)table), "such an export", err))
		return -1;
	status = format ? export_perfetto(timeline, (enum export_table)table, out.file, err)
			: export_csv(timeline, (enum export_table)table, out.file, err);
	return output_close(&out, status, err);
}

static int run_picture(const struct timeline_arguments *arguments, struct timeline *timeline, struct error *err)
{
	struct picture_options picture = {.path = arguments->output};
	uint32_t top;
	if (!arguments->output)
		return error_set(err, ERROR_INPUT, "picture needs -o FILE.png or -o FILE.svg");
	if (parse_between(arguments->between, &picture.from_ps, &picture.to_ps, err) || cli_parse_top(arguments->top, 48, &top, err))
		return -1;
	if (top > 1000)
		return error_set(err, ERROR_INPUT, "--top wants at most 1000 rows in a picture");
	picture.max_rows = top;
	return picture_write(timeline, &picture, err);
}

static int run_recover(const struct timeline_arguments *arguments, struct timeline *timeline, struct error *err)
{
	int status = timeline_recover(arguments->file, err);
	(void)timeline;
	if (status >= 0)
		printf("%s: %s\n", arguments->file, status ? "recovered: complete up to its last flush, status incomplete" : "nothing to recover");
	return status < 0 ? -1 : 0;
}

/* Actions that read the timeline get it open. */
static const struct {
	bool opens;
	int (*run)(const struct timeline_arguments *arguments, struct timeline *timeline, struct error *err);
} runs[] = {{true, run_summary}, {true, run_links}, {true, run_picture}, {false, run_recover}, {true, run_export}};
static const struct cli_action actions[] = {
	{"summary", "json"}, {"links", "json top by between"}, {"picture", "output top between"}, {"recover", ""},
	{"export", "output format table"},
};

static int run(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, "ACTION FILE",
		"What a recorded run says.\v"
		"  summary   time, collectives, busiest links, where the ranks' time went\n"
		"  links     links by what they carried, over the whole run or between two times\n"
		"  picture   link activity over time, as FILE.png or FILE.svg\n"
		"  recover   make the file of a killed run readable; it keeps what was flushed\n"
		"  export    tables as CSV, or a trace for ui.perfetto.dev\n\n"
		"The format of FILE is in docs/timeline-format.md.", NULL, NULL, NULL};
	struct timeline_arguments arguments = {0};
	struct error err = {0};
	size_t action;
	int status = cli_parse_action(&argp, actions, sizeof actions / sizeof *actions, argc, argv, &arguments, &action);
	if (status)
		return status;
	struct timeline *timeline = runs[action].opens ? timeline_open(arguments.file, &err) : NULL;
	status = timeline || !runs[action].opens ? runs[action].run(&arguments, timeline, &err) : -1;
	timeline_close(timeline);
	return status ? cli_fail(&err) : 0;
}

const struct command command_timeline = {"timeline", "what a recorded run says: summary, links, picture, export", run};
