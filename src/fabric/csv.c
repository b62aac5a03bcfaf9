#include "fabric/csv.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

#define LIMIT_BYTES ((size_t)4 << 30)

/* Cuts a line into cells at commas, in place; returns how many. Spaces around a cell are dropped. */
static unsigned cut(char *line, char **cells, unsigned capacity)
{
	unsigned n = 0;
	for (char *next = line; line; line = next) {
		next = strchr(line, ',');
		if (next)
			*next++ = '\0';
		line += strspn(line, " \t");
		size_t length = strlen(line);
		while (length && strchr(" \t\r", line[length - 1]))
			line[--length] = '\0';
		if (n < capacity)
			cells[n] = line;
		n++;
	}
	return n;
}

/* The next line that is not empty, its end cut off; NULL at the end. */
static char *next_line(struct csv *table)
{
	while (*table->at) {
		char *line = table->at, *end = line + strcspn(line, "\n");
		table->at = end + (*end == '\n');
		*end = '\0';
		table->line++;
		if (line[strspn(line, " \t\r")])
			return line;
	}
	return NULL;
}

int csv_open(struct csv *table, const char *path, const char *const *names, unsigned n_needed, struct error *err)
{
	char *titles[64];
	*table = (struct csv){.path = path, .names = names};
	table->text = text_read_file(path, LIMIT_BYTES, NULL, err);
	if (!table->text)
		return -1;
	table->at = table->text;
	char *head = next_line(table);
	unsigned n_titles = head ? cut(head, titles, 64) : 0;
	for (unsigned c = 0; names[c]; c++) {
		table->place[c] = -1;
		for (unsigned t = 0; t < n_titles && t < 64; t++)
			if (!strcmp(titles[t], names[c]))
				table->place[c] = (int)t;
		if (table->place[c] < 0 && c < n_needed) {
			error_at(err, path, 1, 1, "the table has no column '%s'", names[c]);
			csv_close(table);
			return -1;
		}
	}
	return 0;
}

int csv_next(struct csv *table, struct error *err)
{
	char *cells[64], *line = next_line(table);
	if (!line)
		return 0;
	unsigned n = cut(line, cells, 64);
	for (unsigned c = 0; table->names[c]; c++) {
		if (table->place[c] >= (int)n)
			return error_at(err, table->path, table->line, 0, "the row has no column '%s'", table->names[c]);
		table->cells[c] = table->place[c] >= 0 ? cells[table->place[c]] : "";
	}
	return 1;
}

void csv_close(struct csv *table)
{
	free(table->text);
	table->text = NULL;
}

int csv_whole(const struct csv *table, unsigned column, int64_t limit, int64_t *value, struct error *err)
{
	const char *text = table->cells[column];
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (end == text || *end || errno || number < 0 || number > limit)
		return error_at(err, table->path, table->line, 0, "'%s' in column '%s' is not a whole number (range: 0..%lld)", text,
				table->names[column], (long long)limit);
	*value = number;
	return 0;
}

int csv_real(const struct csv *table, unsigned column, double *value, struct error *err)
{
	const char *text = table->cells[column];
	char *end;
	*value = strtod(text, &end);
	if (end == text || *end || !isfinite(*value) || *value < 0)
		return error_at(err, table->path, table->line, 0, "'%s' in column '%s' is not a number of 0 or more", text,
				table->names[column]);
	return 0;
}
