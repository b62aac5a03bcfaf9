/* Files that are written for other programs: tables, pictures, graphs, traces. A file of that name appears when all of it is written
 * and not before, what stood there until then stays if that fails, and a file that is not of the same sort is left alone: a name
 * typed wrong costs nobody a thesis. Timelines have their own rules (timeline/journal.h). */
#ifndef WEFT_BASE_OUTPUT_H
#define WEFT_BASE_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct error;

struct output {
	FILE *file;  /* to write to */
	char *path;  /* as it will be called, symbolic links followed */
	char *part;  /* as it is called until then; NULL: written in place (a device, a pipe, standard output) */
};

/* Whether `path` may be written: it does not exist, is empty, is no regular file (a device, a pipe), or begins with the bytes of
 * `begins`, as the last file of that sort did. Otherwise -1 and an error that says what it is not (`sort`, "a PNG picture"). */
int output_check(const char *path, const char *begins, const char *sort, struct error *err);
/* Checks and opens. "-" is standard output. The caller writes to `file`, whose errors output_close finds. */
int output_open(struct output *out, const char *path, const char *begins, const char *sort, struct error *err);
/* Closes, after work that ended with `status`: 0 puts the file in its place; else nothing of it stays. Returns 0, or -1 with *err. */
int output_close(struct output *out, int status, struct error *err);

#endif
