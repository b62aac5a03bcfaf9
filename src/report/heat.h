/* Rows of a picture: what share of its capacity each link, or sort of links, used in each bin. */
#ifndef WEFT_REPORT_HEAT_H
#define WEFT_REPORT_HEAT_H

#include <stdint.h>

#include "base/memory.h"
#include "timeline/reader.h"

struct error;

struct heat {
	struct timeline_links links;
	struct arena arena;
	uint32_t n_rows, n_group_rows; /* the first n_group_rows are sorts of links, the others single links */
	const char **labels;           /* [n_rows] */
	double *capacity;              /* [n_rows] B/s, of all its links */
	uint32_t first_bin, n_bins;
	double *used;                  /* [n_rows][n_bins] 0 … 1 */
	double *total;                 /* [n_bins] B/s over all links */
	int64_t from_ps, to_ps, run_ps;
};

/* At most max_rows single links: all that carried anything, else sorts of links first and then the busiest single ones. */
int heat_init(struct heat *heat, struct timeline *timeline, uint32_t max_rows, int64_t from_ps, int64_t to_ps, struct error *err);
void heat_release(struct heat *heat);

#endif
