/* The records of a run as `explain` walks them: operations, messages and what released each, found by id. Read whole from a
 * timeline of detail `messages` or more. */
#ifndef WEFT_REPORT_EXPLAIN_RECORDS_H
#define WEFT_REPORT_EXPLAIN_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "timeline/reader.h"

struct error;

struct explain_ops {
	int64_t n, n_ranks;
	int64_t *rank, *index, *kind, *name, *group, *collective, *ready_ps, *start_ps, *end_ps, *released_by, *after_rank, *after_index,
		*finished_by, *finished_ps, *host;
	const char **names;
	const char *const *kinds;
	int64_t *rank_first; /* [n_ranks + 1] into row */
	int64_t *row;        /* row[rank_first[rank] + index], −1: not recorded */
};

struct explain_messages {
	int64_t n, n_ids;
	int64_t *id, *source, *bytes, *start_ps, *end_ps, *collective, *kind, *path;
	int64_t *row;        /* [n_ids] of an id, −1 */
	int64_t *cause, *release_ps, *rank, *index; /* [n_ids] of /releases, by id */
	const char *const *kinds;
	int64_t *by_start;   /* rows in the order of their starts */
	int64_t *block_end;  /* the latest end among each EXPLAIN_BLOCK of by_start */
};
#define EXPLAIN_BLOCK 256

/* Routes with the links of all their paths merged, as struct route has them. */
struct explain_routes {
	int64_t n, *first;   /* [n + 1] into link, weight */
	int64_t *link, *weight, *total_weight, *latency_ps;
};

struct explain_records {
	struct timeline *timeline;
	struct explain_ops ops;
	struct explain_messages messages;
	struct explain_routes routes;
	struct timeline_links links;
	/* Chips that failed by chance: rows of /outages with a rank, in order of their start. */
	int64_t *outage_rank, *outage_effect, *outage_start_ps, *outage_end_ps, n_outages;
	double *outage_slow;
	int64_t *reroute_message, *reroute_link, n_reroutes; /* messages (ids) that left a way with this link */
	const char *const *outage_effects;
	uint32_t n_outage_effects;
	int64_t *change_link, *change_ps, *change_state, *change_capacity, *change_cause, n_changes;
	int64_t *change_first, *change_row; /* changes of link l, in order: change_row[change_first[l]] … [change_first[l + 1] - 1] */
	const char *const *states, *const *causes;
	uint32_t n_states, n_causes;
	int64_t *asked_ps, *begun_ps; /* [n_collectives] of one that asked for circuits, -1: it did not */
	const char **collective_labels; /* of a collective's id: "allreduce of dp0" */
	int64_t n_collectives;
	int64_t time_ps;
	bool complete;
	bool latency_last; /* the model adds the latency when the last byte has been carried: links are free before */
	struct arena arena;
};

/* -1 and an error that says what the file would need. */
int explain_records_read(struct explain_records *records, struct timeline *timeline, struct error *err);
void explain_records_release(struct explain_records *records);
/* Row of an operation, −1 when there is no such record. */
int64_t explain_op_row(const struct explain_records *records, int64_t rank, int64_t index);
/* What a message, or an operation, belongs to. */
const char *explain_message_label(const struct explain_records *records, int64_t row);
const char *explain_op_label(const struct explain_records *records, int64_t row);

#endif
