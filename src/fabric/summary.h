/* What a fabric is, in figures: for `weft topology show` and for tests. */
#ifndef WEFT_FABRIC_SUMMARY_H
#define WEFT_FABRIC_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

struct fabric;

/* Nodes of one role. */
struct fabric_role {
	const char *role, *kind;
	uint32_t count;
};
/* Directed links that lead from one role to another and are alike. */
struct fabric_link_group {
	const char *source_role, *target_role, *kind;
	int64_t bandwidth_bytes_per_s, latency_ps;
	uint64_t count;
};

struct fabric_summary {
	struct fabric_role *roles;
	struct fabric_link_group *links; /* in the order of their first links */
	uint32_t n_roles, n_links;
	bool npus_alike;             /* every NPU has as many links out, of the same sum */
	uint32_t npu_links;          /* out of NPU 0 */
	int64_t npu_bytes_per_s;     /* the same, their sum; circuits that share ports count as one of them */
	uint32_t n_measured;         /* NPUs from which hops were counted: all of them up to a limit, else evenly spread ones */
	uint32_t diameter_hops;      /* the most hops of a shortest way between two of them and any NPU */
	double mean_hops;
	uint32_t cut_off[2];         /* two NPUs without a way between them; NPU indices, FABRIC_NONE: there are none */
};

void fabric_summarize(const struct fabric *fabric, struct fabric_summary *summary, struct arena *arena);

#endif
