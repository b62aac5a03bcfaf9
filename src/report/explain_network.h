/* What a message's time in the network was: latency of its route, serialization as if alone, and the rest: a link that did not
 * carry (a failure, until it was over or until routes avoided it; a circuit that was not lit), replays, other traffic on its links, or what the model adds on its own (headers, stages of a switch). */
#ifndef WEFT_REPORT_EXPLAIN_NETWORK_H
#define WEFT_REPORT_EXPLAIN_NETWORK_H

#include "report/explain_path.h"

enum explain_share_kind {
	EXPLAIN_LATENCY, EXPLAIN_SERIALIZATION, EXPLAIN_QUEUEING, EXPLAIN_FAILURE, EXPLAIN_DETECTION, EXPLAIN_REPLAY, EXPLAIN_CIRCUIT, EXPLAIN_WAKING, EXPLAIN_SWITCHING, EXPLAIN_SHARES
};

struct explain_share {
	enum explain_share_kind kind;
	int64_t time_ps;
	int64_t link;       /* row of /links: where; −1 */
	const char *behind; /* EXPLAIN_QUEUEING: whose messages shared that link */
};
#define EXPLAIN_SHARES_MAX 64

/* Splits a step of kind EXPLAIN_MESSAGE; the shares sum to it. Returns how many there are. */
uint32_t explain_split(const struct explain_records *records, const struct explain_step *step,
		       struct explain_share shares[static EXPLAIN_SHARES_MAX]);

#endif
