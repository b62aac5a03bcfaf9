/* The walk from the end of a run back to its start: steps that follow each other without a gap, each released by the one before.
 *
 * EXPLAIN_PATH crosses ranks: the chain of operations and messages that decided the end (the critical path). EXPLAIN_RANK stays with
 * the rank that ends last: of a communication that part counts in which it computed nothing (exposed), and what lies before the chain
 * of messages began elsewhere is a step of waiting for that rank. */
#ifndef WEFT_REPORT_EXPLAIN_PATH_H
#define WEFT_REPORT_EXPLAIN_PATH_H

#include "report/explain_records.h"

enum explain_step_kind {
	EXPLAIN_COMPUTE,   /* a computation */
	EXPLAIN_HOST,      /* the host, or a gap of the program */
	EXPLAIN_STREAM,    /* ready, but its stream was busy */
	EXPLAIN_LOCAL,     /* of a communication on its own rank: launch, step overhead, reduction */
	EXPLAIN_MESSAGE,   /* a message in the network */
	EXPLAIN_WAIT_RANK, /* until `rank` came: EXPLAIN_RANK only */
	EXPLAIN_REST,      /* after the last operation that ended: runs that are not complete */
};

struct explain_step {
	enum explain_step_kind kind;
	int64_t from_ps, to_ps;
	int64_t rank;      /* on whose time; of EXPLAIN_WAIT_RANK, who was waited for */
	int64_t op;        /* row of the operation, −1 */
	int64_t message;   /* row of EXPLAIN_MESSAGE, −1 */
	int64_t cut_ps;    /* EXPLAIN_MESSAGE: of its time before from_ps, which is not this rank's */
};

enum explain_view { EXPLAIN_PATH, EXPLAIN_RANK };

/* Steps from the start of the run to records->time_ps; they sum to it. */
struct explain_path {
	struct explain_step *steps;
	int64_t n;
	size_t capacity;
	int64_t rank;      /* that ends last */
};

/* -1 when the records contradict each other. */
int explain_path_find(struct explain_path *path, const struct explain_records *records, enum explain_view view, struct error *err);
void explain_path_release(struct explain_path *path);

#endif
