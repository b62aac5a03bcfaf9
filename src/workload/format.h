/* weft's own program format: a plain text file of lines, docs/program-format.md. Reading what was written gives the same workload
 * to the picosecond. */
#ifndef WEFT_WORKLOAD_FORMAT_H
#define WEFT_WORKLOAD_FORMAT_H

#include <stdbool.h>

#include "workload/program.h"

struct error;
struct text;

#define FORMAT_VERSION 1
#define FORMAT_MAGIC "weft-program"

/* Fills a new workload (nothing is left of it on error). Errors carry file, line and column. */
int workload_read(struct workload *workload, const char *path, struct error *err);
/* The same from text that it takes apart in place; `file` names it in messages and is the folder's base for file=…. */
int workload_parse(struct workload *workload, char *text, const char *file, struct error *err);
/* Whether a file that begins so is one: for recognising formats. */
bool workload_recognise(const char *bytes, size_t length);
/* Appends the whole workload. */
void workload_write(const struct workload *workload, struct text *out);

#endif
