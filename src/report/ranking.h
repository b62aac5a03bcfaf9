/* Links of a timeline in order of what they carried, over the whole run or between two moments. */
#ifndef WEFT_REPORT_RANKING_H
#define WEFT_REPORT_RANKING_H

#include <stdint.h>

#include "base/json.h"
#include "base/text.h"
#include "timeline/reader.h"

struct error;

enum ranking_key { RANKING_BYTES, RANKING_BUSY, RANKING_QUEUE, RANKING_ENERGY, RANKING_N };
extern const char *const ranking_key_names[RANKING_N];

struct ranking_row {
	uint32_t link;
	int64_t bytes, busy_ps, queue_bytes_max, energy_pj; /* -1: not recorded */
	double utilization;     /* bytes / (bandwidth × span) */
	int64_t key;
};
struct ranking {
	struct timeline_links links;
	enum ranking_key by;
	int64_t from_ps, to_ps; /* whole bins: may be wider than asked for */
	struct ranking_row *rows; /* all links, the most first; equal ones by id */
	uint32_t n_used;        /* links that carried anything come first when ranked by bytes */
	double dollars_per_j;   /* with the building's share (PUE), as the file's /energy says; 0: it does not */
};

/* to_ps <= from_ps: the whole run. A bin that overlaps the span counts whole. */
int ranking_init(struct ranking *ranking, struct timeline *timeline, enum ranking_key by, int64_t from_ps, int64_t to_ps,
		 struct error *err);
void ranking_release(struct ranking *ranking);
void ranking_print(const struct ranking *ranking, uint32_t top, struct text *out);
/* An array under `key`: link, name, source, target, medium, bytes, busy_ps, utilization, … */
void ranking_json(const struct ranking *ranking, uint32_t top, struct json *json, const char *key);

#endif
