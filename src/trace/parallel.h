/* Ranks of a training job as a grid of tensor, expert, data and pipeline parallelism, for formats that name groups by role.
 *
 * Rank of tensor position t, expert position e, expert replica k, stage s: t + T · (e + E · (k + K · s)), as Megatron-LM and SimAI
 * order them: what talks most is next to each other. D = E · K data-parallel replicas share a stage. */
#ifndef WEFT_TRACE_PARALLEL_H
#define WEFT_TRACE_PARALLEL_H

#include "workload/program.h"

struct error;

/* Group slots of every rank. */
enum parallel_group {
	PARALLEL_TENSOR,      /* one t each, the same e, k, s */
	PARALLEL_DATA,        /* the same t and s */
	PARALLEL_EXPERT,      /* the same t, k and s */
	PARALLEL_EXPERT_DATA, /* the same t, e and s: replicas of one expert's weights */
	PARALLEL_PIPELINE,    /* the same t, e and k; positions are stages */
	PARALLEL_EMBEDDING,   /* first and last stage of a pipeline */
	PARALLEL_ALL,
	PARALLEL_GROUPS
};
extern const char *const parallel_group_names[PARALLEL_GROUPS]; /* "tp", "dp", "ep", "dp_ep", "pp", "embedding", "all" */

#define PARALLEL_MAX_RANKS (1u << 20)
struct parallel_grid {
	uint32_t tensor, expert, data, stages; /* expert divides data */
};
uint32_t parallel_n_ranks(const struct parallel_grid *grid);
/* Members of a group of that role: 1 where it has none to talk to. */
uint32_t parallel_group_size(const struct parallel_grid *grid, enum parallel_group group);
uint32_t parallel_stage(const struct parallel_grid *grid, uint32_t rank);
/* Makes the groups of more than one member and fills the slots of all ranks. */
void parallel_make_groups(struct workload *workload, const struct parallel_grid *grid);

/* Fits data-parallel replicas to n_ranks. An error says which size does not divide. */
int parallel_fit(struct parallel_grid *grid, uint32_t n_ranks, struct error *err);

#endif
