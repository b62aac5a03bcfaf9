/* Which files a trace is: patterns, templates by rank, prefixes and lists of files become paths. */
#ifndef WEFT_TRACE_PATHS_H
#define WEFT_TRACE_PATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

struct error;

struct trace_paths {
	struct arena arena;
	const char **list;
	uint32_t n;
	size_t capacity;
	bool by_rank;  /* all came from templates or lists: place i of each is rank i, whatever the files are called */
};

/* Each of `given` is, the first that holds:
 *   a file or folder that is there; a text file whose first line names a file that is there is a list: a path per line (from the
 *       list's own folder), in order of ranks, `#` begins a comment;
 *   a template: {rank} stands for 0, 1, 2 …, none of which may be missing;
 *   a pattern of glob(7), which must match; files in order of the numbers in their names;
 *   PREFIX, where PREFIX.0.et is there: PREFIX.{rank}.et;
 *   what it is: opening it will say that it is not there.
 * 0, or -1 with *err filled; release in both cases. */
int trace_paths_expand(struct trace_paths *paths, const char *const *given, uint32_t n, struct error *err);
void trace_paths_release(struct trace_paths *paths);

/* Puts paths that differ in numbers alone in the order of these numbers (a shell puts t.10 before t.2); others stay as they are. */
void trace_paths_sort(const char **list, uint32_t n);

#endif
