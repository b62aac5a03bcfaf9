/* The tables of a summary, from whatever holds the figures: a timeline file (summary.c) or a run in memory (`weft run`). */
#ifndef WEFT_REPORT_TABLES_H
#define WEFT_REPORT_TABLES_H

#include <stdint.h>

struct text;

/* Columns, [n] each. */
struct collectives {
	int64_t n;
	int64_t *kind, *ranks, *bytes, *start_ps, *end_ps;
	double *algbw, *busbw;
	const char **algorithm, **protocol;
	const char *const *kinds;
	uint32_t n_kinds;
};

const char *collectives_kind(const struct collectives *all, int64_t i);
static inline int64_t collectives_time_ps(const struct collectives *all, int64_t i) { return all->end_ps[i] - all->start_ps[i]; }
/* One line per sort (kind, size, ranks, algorithm, protocol): how many, the median time, least and most. Nothing when there are none. */
void collectives_print(const struct collectives *all, struct text *out);

/* Time of all ranks by class. */
struct rank_times {
	int64_t n_ranks, n_classes;
	int64_t *end_ps, *times_ps; /* [n_ranks][n_classes] */
	const char **classes;
};
/* The share of all ranks' time, to the end of the run, in which they do not compute; negative when nobody ever does. */
double rank_times_bubble(const struct rank_times *ranks, int64_t run_ps);
/* One class over all ranks, sorted; free() it. */
int64_t *rank_times_of_class(const struct rank_times *ranks, int64_t k);
void rank_times_print(const struct rank_times *ranks, int64_t run_ps, struct text *out);

#endif
