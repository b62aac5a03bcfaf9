#include "workload/format_scan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

int scan_fail(const struct scan *scan, int column, const char *format, ...)
{
	char message[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	return error_at(scan->err, scan->file, scan->line, column, "%s", message);
}

int scan_unknown(const struct scan *scan, int column, const char *what, const char *wrong, const char *const *names, size_t n)
{
	char known[512];
	return scan_fail(scan, column, "unknown %s '%.64s'%s", what, wrong, text_known(known, sizeof known, wrong, names, n));
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool scan_line(struct scan *scan)
{
	while (scan->next) {
		scan->line_text = scan->at = scan->next;
		scan->line++;
		scan->next = strchr(scan->next, '\n');
		if (scan->next)
			*scan->next++ = '\0';
		while (is_blank(*scan->at))
			scan->at++;
		if (*scan->at && *scan->at != '#')
			return true;
	}
	return false;
}

/* Takes the quotes off in place. Only \" and \\ are special inside. */
static int scan_quoted(struct scan *scan, struct word *word)
{
	char *out = scan->at, *in = scan->at + 1;
	int column = (int)(scan->at - scan->line_text) + 1;
	for (; *in && *in != '"'; in++) {
		if (*in == '\\' && (in[1] == '"' || in[1] == '\\'))
			in++;
		*out++ = *in;
	}
	if (*in != '"')
		return scan_fail(scan, column, "the quote is not closed on this line");
	word->value = scan->at;
	scan->at = in + 1;
	if (*scan->at && !is_blank(*scan->at))
		return scan_fail(scan, (int)(scan->at - scan->line_text) + 1, "there is no space after the quote");
	*out = '\0';
	return 1;
}

int scan_word(struct scan *scan, struct word *word)
{
	while (is_blank(*scan->at))
		scan->at++;
	if (!*scan->at || *scan->at == '#')
		return 0;
	word->text = scan->at;
	word->value = NULL;
	word->column = (int)(scan->at - scan->line_text) + 1;
	while (*scan->at && !is_blank(*scan->at) && *scan->at != '=')
		scan->at++;
	if (*scan->at == '=') {
		*scan->at++ = '\0';
		word->value_column = (int)(scan->at - scan->line_text) + 1;
		if (*scan->at == '"')
			return scan_quoted(scan, word);
		word->value = scan->at;
		while (*scan->at && !is_blank(*scan->at))
			scan->at++;
	}
	if (*scan->at)
		*scan->at++ = '\0';
	return 1;
}

int scan_number(const struct scan *scan, int column, const char *what, const char *text, int64_t least, int64_t most, int64_t *value)
{
	char *end;
	errno = 0;
	*value = strtoll(text, &end, 10);
	if (errno || end == text || *end || *value < least || *value > most)
		return scan_fail(scan, column, "'%.64s' is not %s from %lld to %lld", text, what, (long long)least, (long long)most);
	return 0;
}

int scan_quantity(const struct scan *scan, int column, const char *text, enum quantity quantity, int64_t *value)
{
	struct error err = {0};
	if (!units_parse_integer(text, quantity, value, &err))
		return 0;
	return scan_fail(scan, column, "%s", err.message);
}

static int scan_range(const struct scan *scan, int column, const char *what, char *text, uint32_t limit, struct numbers *numbers)
{
	char *dash = strchr(text, '-'), *slash = strchr(text, '/');
	int64_t first, last, step = 1, most = (int64_t)limit - 1;
	if (dash)
		*dash++ = '\0';
	if (slash)
		*slash++ = '\0';
	if (scan_number(scan, column, what, text, 0, most, &first))
		return -1;
	last = first;
	if (dash && scan_number(scan, column, what, dash, first, most, &last))
		return -1;
	if (slash && scan_number(scan, column, "a step", slash, 1, INT32_MAX, &step))
		return -1;
	for (int64_t i = first; i <= last; i += step) {
		ARRAY_RESERVE(numbers->list, numbers->n + 1, numbers->capacity);
		numbers->list[numbers->n++] = (uint32_t)i;
	}
	return 0;
}

int scan_numbers(const struct scan *scan, int column, const char *what, char *text, uint32_t limit, struct numbers *numbers)
{
	if (!strcmp(text, "all")) {
		char all[32];
		snprintf(all, sizeof all, "0-%u", limit - 1);
		return limit ? scan_range(scan, column, what, all, limit, numbers) : 0;
	}
	for (char *at = text; at;) {
		char *next = strchr(at, ',');
		if (next)
			*next++ = '\0';
		if (scan_range(scan, column + (int)(at - text), what, at, limit, numbers))
			return -1;
		at = next;
	}
	return 0;
}
