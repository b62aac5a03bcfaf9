/* Comma-separated tables with a head line, read row by row; columns are found by name, in any order, and others are ignored.
 * Messages name file, line and column title. */
#ifndef WEFT_FABRIC_CSV_H
#define WEFT_FABRIC_CSV_H

#include <stdbool.h>
#include <stdint.h>

struct error;

#define CSV_COLUMNS 16

struct csv {
	const char *path;
	char *text, *at;                 /* the file and the next line of it */
	int line;                        /* number of the current row's line */
	int place[CSV_COLUMNS];        /* where the k-th column asked for stands; -1: not there */
	const char *const *names;        /* NULL at the end */
	const char *cells[CSV_COLUMNS]; /* of the current row, by column asked for; "" when empty or absent */
};

/* Opens a table and finds its columns; the first `n_needed` of `names` must be there. */
int csv_open(struct csv *table, const char *path, const char *const *names, unsigned n_needed, struct error *err);
/* The next row: 1, 0 at the end, -1 on an error. */
int csv_next(struct csv *table, struct error *err);
void csv_close(struct csv *table);
/* A number of the current row: whole and within 0 … limit, or any value >= 0. */
int csv_whole(const struct csv *table, unsigned column, int64_t limit, int64_t *value, struct error *err);
int csv_real(const struct csv *table, unsigned column, double *value, struct error *err);

#endif
