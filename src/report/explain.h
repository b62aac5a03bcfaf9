/* Why a run took as long as it did: its critical path, and where the time of the rank that ends last goes. Both sum to the run's time to
 * the picosecond; so do their differences between two runs. */
#ifndef WEFT_REPORT_EXPLAIN_H
#define WEFT_REPORT_EXPLAIN_H

#include "base/json.h"
#include "report/explain_network.h"
#include "report/explain_path.h"

/* Time of one sort: what class, of what (an operation's name, "allreduce of dp0"), behind whom, on which link or waiting for which rank. */
struct explain_part {
	const char *class, *of, *behind;
	const char *where;  /* a link's name, "rank 17"; NULL */
	int64_t time_ps, count; /* of a difference: B's minus A's */
};

/* By class, of, behind; within that by falling size. */
struct explain_parts {
	struct explain_part *parts;
	int64_t n;
	size_t capacity;
	struct part_entry *index; /* while they are gathered */
	struct arena arena;
};

struct explain {
	struct explain_records records;
	struct explain_path path, rank;        /* EXPLAIN_PATH, EXPLAIN_RANK */
	struct explain_parts path_parts, rank_parts;
};

int explain_init(struct explain *explain, struct timeline *timeline, struct error *err);
void explain_release(struct explain *explain);
void explain_print(const struct explain *explain, uint32_t top, struct text *out);
void explain_json(const struct explain *explain, struct json *json); /* into the open object */

/* What parts of b are more than in a (less: negative): sums to the difference of the times. Release it. */
void explain_difference(const struct explain_parts *a, const struct explain_parts *b, struct explain_parts *out);
void explain_parts_release(struct explain_parts *parts);
int64_t explain_parts_sum(const struct explain_parts *parts);
void explain_difference_print(const struct explain *a, const struct explain *b, uint32_t top, struct text *out);
void explain_difference_json(const struct explain *a, const struct explain *b, struct json *json);

#endif
