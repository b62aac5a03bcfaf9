/* The group /links of a timeline: what links are, what happened on each per bin of time, and totals. */
#ifndef WEFT_TIMELINE_LINK_BINS_H
#define WEFT_TIMELINE_LINK_BINS_H

#include "timeline/bins.h"
#include "timeline/file.h"

struct fabric;

struct link_bins {
	hid_t group;
	struct dimension time, links, bound, kinds;
	hid_t time_bounds, bytes, busy, total_bytes, total_busy;
	hid_t extra[BINS_KIND];   /* created when there is something to write */
	hid_t bytes_by_kind;
	bool by_kind;
};

void link_bins_open(struct link_bins *links, struct timeline_file *file, const struct fabric *fabric, const struct bins *bins,
		    bool by_kind);
/* Writes the bins as they are now, from time 0 to end_ps. */
void link_bins_write(struct link_bins *links, struct timeline_file *file, struct bins *bins, int64_t end_ps);
void link_bins_close(struct link_bins *links);

#endif
