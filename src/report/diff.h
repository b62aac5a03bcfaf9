/* What differs between two runs, from their timelines: times, collectives, ranks, links by name. Integers are compared exactly
 * unless a tolerance was given; differences are ordered by their effect in time. */
#ifndef WEFT_REPORT_DIFF_H
#define WEFT_REPORT_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "timeline/reader.h"

struct error;

/* A relative tolerance for keys that match a pattern ("link.*"): |a − b| <= relative × max(|a|, |b|). The last match counts. */
struct diff_tolerance {
	const char *pattern;
	double relative;
};

struct diff_item {
	const char *key;        /* one of diff_keys */
	const char *subject;    /* "npu0->switch", "rank 17", "collective 3 (allreduce)"; "" for the run */
	bool in_a, in_b;        /* false: the other has no such subject */
	int64_t a, b;
	double effect_ps;       /* how much time it stands for: ps as they are, bytes at the link's capacity */
	size_t found;           /* in the order of the comparison: equal effects stay in it */
};

struct diff {
	const struct diff_tolerance *tolerances;
	size_t n_tolerances;
	struct diff_item *items; /* by falling effect */
	size_t n, items_capacity;
	uint64_t n_compared;
	bool digest_differs;
	const char *topology_a, *topology_b; /* when they differ, else NULL */
	const char *note;       /* what could not be compared; NULL */
	struct arena arena;
};

extern const char *const diff_keys[]; /* NULL at the end */
/* Checks that every pattern matches a key. */
int diff_check_tolerances(const struct diff_tolerance *tolerances, size_t n, struct error *err);
int diff_init(struct diff *diff, struct timeline *a, struct timeline *b, const struct diff_tolerance *tolerances, size_t n_tolerances,
	      struct error *err);
void diff_release(struct diff *diff);
static inline bool diff_found(const struct diff *diff) { return diff->n > 0 || (diff->digest_differs && !diff->n_tolerances); }
void diff_print(const struct diff *diff, uint32_t top, struct text *out);
void diff_json(const struct diff *diff, struct json *json); /* into the open object */

#endif
