#include "workload/planning.h"

#include <stdlib.h>
#include <string.h>

#include "workload/judging.h"

#define MAX_JUDGED_GROUPS 64

static bool same_text(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static bool same_request(const struct collective_request *a, const struct collective_request *b)
{
	if (a->kind != b->kind || a->n_ranks != b->n_ranks || a->root != b->root || a->bytes != b->bytes ||
	    a->channels != b->channels || a->bidirectional != b->bidirectional || a->chunk_bytes != b->chunk_bytes ||
	    a->n_dims != b->n_dims || a->counts != b->counts || !same_text(a->file, b->file))
		return false;
	for (uint32_t i = 0; i < a->n_dims; i++)
		if (a->dims[i] != b->dims[i] || !same_text(a->levels[i], b->levels[i]))
			return false;
	return true;
}

static void look_up_costs(struct executor *x, struct group_state *group, uint32_t n_ranks)
{
	group->alpha_ps = 1e6;
	group->beta_ps_per_byte = 20;
	if (x->setup.routes)
		judging_sample(x->setup.routes, group->npus, n_ranks, &group->alpha_ps, &group->beta_ps_per_byte);
}

/* Whether `auto` looks at the links that a schedule would use: groups one by one, so only where there are few. */
static bool is_judged(const struct executor *x, const struct entry *entry, const char *algorithm, uint32_t n_ranks)
{
	return x->setup.routes && !strcmp(algorithm, "auto") && n_ranks > 2 && n_ranks <= JUDGING_MAX_RANKS &&
	       entry->workload->n_groups <= MAX_JUDGED_GROUPS;
}

/* What the links of an NPU carry together, one direction. */
static int64_t npu_bytes_per_s(const struct fabric *fabric, uint32_t npu)
{
	return fabric ? fabric_rate_out(fabric, fabric->npu_node[npu]) : 0;
}

static struct planned *plan_new(struct executor *x, const struct planned *wanted)
{
	struct collective_request request = wanted->request;
	struct judging judging;
	struct planned *planned = memory_zero(1, sizeof *planned);
	const struct fabric *fabric = x->setup.fabric;
	struct error err = {0};
	*planned = *wanted;
	if (wanted->judged) {
		judging_init(&judging, x->setup.routes, wanted->judged->npus);
		request.judge = &judging.judge;
	}
	int status = protocol_plan(&planned->plan, &planned->protocol, wanted->algorithm, wanted->protocol_name,
				   fabric ? fabric->protocol : NULL, wanted->rank_bytes_per_s, &request, wanted->alpha_ps,
				   wanted->beta_ps_per_byte, &err);
	if (wanted->judged)
		judging_release(&judging);
	if (status) {
		executor_fail(x, err.code, "%s", err.message);
		free(planned);
		return NULL;
	}
	ARRAY_RESERVE(x->plans, x->n_plans + 1, x->plans_capacity);
	x->plans[x->n_plans++] = planned;
	return planned;
}

const struct planned *planning_find(struct executor *x, uint32_t entry_index, uint32_t group_index, const struct collective_call *call)
{
	const struct workload *workload = x->entries[entry_index].workload;
	struct group_state *group = &x->entries[entry_index].groups[group_index];
	uint32_t n_ranks = workload->groups[group_index].n_ranks;
	if (group->alpha_ps < 0)
		look_up_costs(x, group, n_ranks);
	struct planned wanted = {
		.algorithm = call->algorithm ? call->algorithm : workload->algorithm ? workload->algorithm : "auto",
		.protocol_name = call->protocol ? call->protocol : workload->protocol,
		.alpha_ps = group->alpha_ps, .beta_ps_per_byte = group->beta_ps_per_byte,
		.rank_bytes_per_s = npu_bytes_per_s(x->setup.fabric, group->npus[0]),
		.request = {
			.kind = call->kind, .n_ranks = n_ranks, .root = call->root, .bytes = call->bytes, .element_bytes = 1,
			.channels = call->channels, .bidirectional = call->bidirectional, .chunk_bytes = call->chunk_bytes,
			.n_dims = call->n_dims, .counts = call->counts, .file = call->file,
		},
	};
	memcpy(wanted.request.dims, call->dims, sizeof wanted.request.dims);
	memcpy(wanted.request.levels, call->levels, sizeof wanted.request.levels);
	wanted.judged = is_judged(x, &x->entries[entry_index], wanted.algorithm, n_ranks) ? group : NULL;
	for (uint32_t i = x->n_plans; i-- > 0;) {
		const struct planned *known = x->plans[i];
		if (same_text(known->algorithm, wanted.algorithm) && same_text(known->protocol_name, wanted.protocol_name) &&
		    known->alpha_ps == wanted.alpha_ps && known->beta_ps_per_byte == wanted.beta_ps_per_byte &&
		    known->judged == wanted.judged && known->rank_bytes_per_s == wanted.rank_bytes_per_s &&
		    same_request(&known->request, &wanted.request))
			return known;
	}
	return plan_new(x, &wanted);
}

bool planning_between_machines(struct executor *x, uint32_t source, uint32_t target)
{
	const struct fabric *fabric = x->setup.fabric;
	if (!fabric || !fabric->n_includes)
		return false;
	if (!x->machines) {
		x->machines = memory_alloc((fabric->n_npus + 1u) * sizeof *x->machines);
		fabric_machines(fabric, x->machines);
	}
	return x->machines[source] != x->machines[target];
}

int64_t planning_step_ps(struct executor *x, const struct protocol *protocol, uint32_t source, uint32_t target)
{
	if (!protocol->step_ps && !protocol->step_network_ps)
		return 0;
	int64_t step_ps = planning_between_machines(x, source, target) ? protocol->step_network_ps : protocol->step_ps, wire_ps = 0;
	if (x->setup.routes) {
		wire_ps = routes_latency_ps(x->setup.routes, source, target);
		wire_ps = wire_ps < 0 ? 0 : wire_ps;
	}
	return step_ps > wire_ps ? step_ps - wire_ps : 0;
}

int64_t planning_wire_bytes(struct executor *x, const struct protocol *protocol, uint32_t source, uint32_t target, int64_t bytes)
{
	if (protocol->wire_numerator == protocol->wire_denominator && protocol->rate_efficiency >= 1)
		return bytes;
	return protocol_wire_bytes(protocol, bytes, planning_between_machines(x, source, target));
}
