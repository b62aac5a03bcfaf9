/* The first runs of a recording, held back until they say how long it goes on: bins of the first picoseconds would only be merged
 * again and again. What bins hold does not depend on it (bins.h), their width neither: it is the least base × 2^k with which the
 * end of the recording lies within max_bins, whatever was told first. */
#ifndef WEFT_TIMELINE_EARLY_H
#define WEFT_TIMELINE_EARLY_H

#include <stdbool.h>

#include "timeline/bins.h"

/* Where an amount goes. */
enum early_column {
	EARLY_BYTES, EARLY_BUSY, EARLY_CARRIED /* both */, EARLY_MAXIMUM /* BINS_QUEUE_MAX */, EARLY_EXTRA /* first of the additive ones */
};
#define EARLY_SUM(column) ((enum early_column)(EARLY_EXTRA + (column)))

struct early_run {
	int64_t start_ps, end_ps, amount;
	uint32_t link;
	uint32_t column;
};

struct early {
	struct early_run *runs;
	uint32_t n, room;
	int64_t end_ps;
	bool open;
};

void early_init(struct early *early, uint32_t n_links);
void early_release(struct early *early);
void early_add(struct early *early, struct bins *bins, enum early_column column, uint32_t link, int64_t start_ps, int64_t end_ps,
	       int64_t amount);
/* Puts what is held into the bins. With nothing held it goes on holding. */
void early_empty(struct early *early, struct bins *bins);

static inline void early_put(struct bins *bins, enum early_column column, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t amount)
{
	switch (column) {
	case EARLY_BYTES: bins_add_bytes(bins, link, start_ps, end_ps, amount); break;
	case EARLY_BUSY: bins_add_busy(bins, link, start_ps, end_ps); break;
	case EARLY_CARRIED: bins_add_carried(bins, &link, 1, start_ps, end_ps, amount); break;
	case EARLY_MAXIMUM: bins_extra_max(bins, BINS_QUEUE_MAX, link, start_ps, end_ps, amount); break;
	default: bins_extra_add(bins, (enum bins_extra)(column - EARLY_EXTRA), link, start_ps, end_ps, amount);
	}
}

#endif
