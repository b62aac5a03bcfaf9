/* Text: a growing string, and the nearest known name for a wrong one. */
#ifndef WEFT_BASE_TEXT_H
#define WEFT_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
	char *data; /* always ends in '\0' once anything was added; NULL before */
	size_t length, capacity;
};
#define TEXT_INIT {0}
void text_add(struct text *text, const char *bytes, size_t length);
void text_puts(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_release(struct text *text);
static inline const char *text_string(const struct text *text) { return text->data ? text->data : ""; }

/* Among n names the one nearest to `wrong` by edit distance (case ignored), or NULL when none is near enough to be meant. */
const char *text_nearest(const char *wrong, const char *const *names, size_t n);
/* Fills `out` with " (did you mean 'x'?)" or " (known: a, b, c)", as it helps more; returns out. */
const char *text_known(char *out, size_t size, const char *wrong, const char *const *names, size_t n);
/* Whether `subject` matches a pattern of literal characters, '*' and '?'. */
bool text_matches(const char *pattern, const char *subject);
/* Reads a whole file; returns bytes (NUL added, free() them) or NULL and an error that names the file. */
struct error;
char *text_read_file(const char *path, size_t limit_bytes, size_t *length, struct error *err);

#endif
