/* Text formats made of lines: the whole file, plain or gzip, and its lines one by one. */
#ifndef WEFT_TRACE_LINES_H
#define WEFT_TRACE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zlib.h>

struct error;

/* Reads through zlib up to `limit_bytes` of text: what would grow beyond is refused. NUL added, free() it; NULL on error. */
char *lines_read_file(const char *path, size_t limit_bytes, size_t *length, struct error *err);

/* Length of a UTF-8 byte order mark at the beginning, 0 when there is none: editors put it there, and it means nothing. */
size_t lines_mark(const char *text, size_t length);

/* Whether a compressed file has grown beyond all measure so far (200-fold, after the first 4 MiB): traces shrink to a tenth or a
 * thirtieth, and what shrinks more is made to fill memory. Takes a system call: not for every byte. */
bool lines_explode(gzFile file);

struct lines {
	char *at, *end;     /* what is left */
	int number;         /* of the line last taken, from 1 */
};
/* Cuts the next line off (end of line removed, NUL put); NULL at the end. A NUL inside counts as a space. */
char *lines_next(struct lines *lines);

/* Cuts a line into words at spaces and tabs; more than `most` are counted but not kept. */
size_t lines_words(char *line, char **words, size_t most);
/* Cuts a line at commas that are not within [ ]; keeps empty fields. */
size_t lines_fields(char *line, char **fields, size_t most);

/* A whole number from 0 to INT64_MAX; with `fraction` also a decimal (rounded to nearest). */
bool lines_number(const char *word, bool fraction, int64_t *value);

#endif
