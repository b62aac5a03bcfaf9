#include "trace/parallel.h"

#include <stdlib.h>

#include "base/error.h"

const char *const parallel_group_names[PARALLEL_GROUPS] = {"tp", "dp", "ep", "dp_ep", "pp", "embedding", "all"};

uint32_t parallel_n_ranks(const struct parallel_grid *grid) { return grid->tensor * grid->data * grid->stages; }

uint32_t parallel_group_size(const struct parallel_grid *grid, enum parallel_group group)
{
	switch (group) {
	case PARALLEL_TENSOR: return grid->tensor;
	case PARALLEL_DATA: return grid->data;
	case PARALLEL_EXPERT: return grid->expert;
	case PARALLEL_EXPERT_DATA: return grid->data / grid->expert;
	case PARALLEL_PIPELINE: return grid->stages;
	case PARALLEL_EMBEDDING: return grid->stages > 1 ? 2 : 1;
	default: return parallel_n_ranks(grid);
	}
}

uint32_t parallel_stage(const struct parallel_grid *grid, uint32_t rank) { return rank / (grid->tensor * grid->data); }

/* A role's groups: members are `step` apart, n of them; groups start at every rank whose own position is 0. */
struct role {
	uint32_t n, step;
};

static struct role role_of(const struct parallel_grid *grid, enum parallel_group group)
{
	uint32_t per_stage = grid->tensor * grid->data;
	switch (group) {
	case PARALLEL_TENSOR: return (struct role){grid->tensor, 1};
	case PARALLEL_DATA: return (struct role){grid->data, grid->tensor};
	case PARALLEL_EXPERT: return (struct role){grid->expert, grid->tensor};
	case PARALLEL_EXPERT_DATA: return (struct role){grid->data / grid->expert, grid->tensor * grid->expert};
	case PARALLEL_PIPELINE: return (struct role){grid->stages, per_stage};
	case PARALLEL_EMBEDDING: return (struct role){grid->stages > 1 ? 2 : 1, per_stage * (grid->stages - 1)};
	default: return (struct role){parallel_n_ranks(grid), 1};
	}
}

static void make_role(struct workload *w, const struct parallel_grid *grid, enum parallel_group group, uint32_t *members)
{
	struct role role = role_of(grid, group);
	uint32_t first = w->n_groups, n = parallel_n_ranks(grid);
	if (role.n < 2)
		return;
	for (uint32_t rank = 0; rank < n; rank++) {
		/* The groups of the first and last stage leave the stages between out: their period is the whole. */
		if (group == PARALLEL_EMBEDDING ? rank >= role.step / (grid->stages - 1) : rank / role.step % role.n != 0)
			continue;
		for (uint32_t i = 0; i < role.n; i++)
			members[i] = rank + i * role.step;
		workload_add_group(w, parallel_group_names[group], role.n == n ? NULL : members, role.n);
	}
	workload_assign_slot(w, (uint32_t)group, first, w->n_groups - first);
}

void parallel_make_groups(struct workload *workload, const struct parallel_grid *grid)
{
	uint32_t *members = memory_alloc((size_t)parallel_n_ranks(grid) * sizeof *members);
	workload_set_slots(workload, PARALLEL_GROUPS);
	for (int group = 0; group < PARALLEL_GROUPS; group++)
		make_role(workload, grid, (enum parallel_group)group, members);
	free(members);
}

int parallel_fit(struct parallel_grid *grid, uint32_t n_ranks, struct error *err)
{
	uint64_t unit = (uint64_t)grid->tensor * grid->stages;
	if (!n_ranks || n_ranks > PARALLEL_MAX_RANKS)
		return error_set(err, ERROR_INPUT, "%u ranks (1 to %u)", n_ranks, PARALLEL_MAX_RANKS);
	if (unit > n_ranks || n_ranks % unit)
		return error_set(err, ERROR_INPUT, "%u ranks are no multiple of %u tensor-parallel ranks × %u stages", n_ranks,
				 grid->tensor, grid->stages);
	grid->data = (uint32_t)(n_ranks / unit);
	if (grid->data % grid->expert)
		return error_set(err, ERROR_INPUT, "%u expert-parallel ranks do not divide %u data-parallel ones", grid->expert,
				 grid->data);
	return 0;
}
