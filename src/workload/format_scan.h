/* Words of the program format: lines of words, `key=value` among them, numbers, lists of ranks. Private to format*.c. */
#ifndef WEFT_WORKLOAD_FORMAT_SCAN_H
#define WEFT_WORKLOAD_FORMAT_SCAN_H

#include "base/units.h"
#include "workload/program.h"

struct error;

struct scan {
	const char *file;
	char *next;      /* where the next line begins, NULL: none; at first the whole text */
	char *line_text; /* this line, ended by '\0' */
	char *at;        /* next byte of it */
	int line;
	struct error *err;
};
struct word {
	char *text;      /* the whole word, or the key when there is a value */
	char *value;     /* after '=', without quotes; NULL: none */
	int column, value_column;
};

/* Goes to the next line that is not empty or a comment; false at the end. */
bool scan_line(struct scan *scan);
/* The next word of this line. 1, 0 at its end, -1 on error (a quote that is not closed). */
int scan_word(struct scan *scan, struct word *word);
int scan_fail(const struct scan *scan, int column, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "unknown X 'wrong' (did you mean …)" */
int scan_unknown(const struct scan *scan, int column, const char *what, const char *wrong, const char *const *names, size_t n);
/* A whole number from least to most; all of the text. */
int scan_number(const struct scan *scan, int column, const char *what, const char *text, int64_t least, int64_t most, int64_t *value);
int scan_quantity(const struct scan *scan, int column, const char *text, enum quantity quantity, int64_t *value);

/* "0-7,12,16-30/2" or "all" of n: appended to a growable array. */
struct numbers {
	uint32_t *list;
	uint32_t n;
	size_t capacity;
};
int scan_numbers(const struct scan *scan, int column, const char *what, char *text, uint32_t limit, struct numbers *numbers);

#endif
