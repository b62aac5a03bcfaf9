/* The figures of a run by name, one per line, as baselines keep them and as child processes hand them over:
 *
 *     time_ps 134674304
 *     rank.3.end_ps 134674304
 *     link.npu0->switch.bytes 2081250
 *
 * A line that begins with "see " is kept to say what moved, and is not compared. */
#ifndef WEFT_HOST_MEASURES_H
#define WEFT_HOST_MEASURES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/memory.h"

struct error;
struct simulation;
struct text;

struct measure {
	const char *name, *value;
	int64_t number;
	bool is_number; /* else a text: status, result_digest */
	bool see;
};
struct measures {
	struct measure *list; /* in the order of the lines */
	uint32_t n;
	size_t capacity;
	struct measure_entry *index;
	struct arena arena;
};

/* What a suite can watch: "time_ps", "rank.*.end_ps", "link.npu0->switch.bytes". The message says where the nearest known one is. */
int measures_check_pattern(const char *pattern, struct error *err);
void measures_write(const struct simulation *simulation, FILE *out);
void measures_add(struct measures *figures, const char *name, const char *value, bool see);
/* NULL when there is none. */
const struct measure *measures_find(const struct measures *figures, const char *name);
/* Lines after the first n_skip; `file` is for messages. */
int measures_parse(struct measures *figures, const char *text, const char *file, int n_skip, struct error *err);
void measures_release(struct measures *figures);

#endif
