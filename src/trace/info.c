#include "trace/info.h"

#include <stdlib.h>
#include <string.h>

static bool same_text(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static struct trace_calls *calls_of(struct trace_info *info, enum collective_kind kind, const struct group *group)
{
	for (uint32_t i = 0; i < info->n_calls; i++) {
		struct trace_calls *calls = &info->calls[i];
		if (calls->kind == kind && calls->group_size == group->n_ranks && same_text(calls->group, group->name))
			return calls;
	}
	ARRAY_RESERVE(info->calls, (size_t)info->n_calls + 1, info->calls_capacity);
	info->calls[info->n_calls] = (struct trace_calls){.kind = kind, .group = group->name, .group_size = group->n_ranks};
	return &info->calls[info->n_calls++];
}

/* A call is counted at the first member of its group. */
static void count_call(const struct workload *w, uint32_t rank, const struct op *op, struct trace_info *info)
{
	const struct collective_call *call = &w->programs[w->rank_program[rank]].calls[op->amount];
	size_t slot = (size_t)rank * w->n_slots + op->group_slot;
	if (w->rank_positions[slot] != 0)
		return;
	struct trace_calls *calls = calls_of(info, call->kind, &w->groups[w->rank_groups[slot]]);
	calls->calls++;
	calls->bytes += call->bytes;
}

struct rank_sums {
	int64_t compute_ps, host_ps;
};

static struct rank_sums count_rank(const struct workload *w, uint32_t rank, struct trace_info *info)
{
	const struct program *program = &w->programs[w->rank_program[rank]];
	struct rank_sums sums = {0, 0};
	for (uint32_t i = 0; i < program->n_ops; i++) {
		const struct op *op = &program->ops[i];
		info->n_ops[op->kind]++;
		if (op->kind == OP_COMPUTE)
			*(op->flags & OP_HOST ? &sums.host_ps : &sums.compute_ps) += op->amount;
		else if (op->kind == OP_SEND)
			info->message_bytes += op->amount;
		else if (op->kind == OP_COLLECTIVE)
			count_call(w, rank, op, info);
	}
	return sums;
}

/* Longest chain over dependencies, and over the order of streams where it is fixed; communication takes no time in it. */
static int64_t longest_chain(const struct program *program)
{
	uint32_t *order = memory_alloc(((size_t)program->n_ops + 1) * sizeof *order);
	int64_t *end_ps = memory_zero((size_t)program->n_ops + 1, sizeof *end_ps);
	int64_t *stream_ps = memory_zero((size_t)program->n_streams + 1, sizeof *stream_ps), longest_ps = 0;
	uint32_t n = program_order(program, order);
	for (uint32_t k = 0; k < n; k++) {
		const struct op *op = &program->ops[order[k]];
		bool ordered = op->stream != STREAM_NONE && !program->ready_order;
		int64_t start_ps = ordered ? stream_ps[op->stream] : 0;
		for (uint32_t d = 0; d < op->n_deps; d++) {
			uint32_t dep = program->deps[op->first_dep + d];
			if (!(dep & DEP_START) && end_ps[dep] > start_ps)
				start_ps = end_ps[dep];
		}
		end_ps[order[k]] = start_ps + (op->kind == OP_COMPUTE ? op->amount : 0);
		if (ordered)
			stream_ps[op->stream] = end_ps[order[k]];
		if (end_ps[order[k]] > longest_ps)
			longest_ps = end_ps[order[k]];
	}
	free(order);
	free(end_ps);
	free(stream_ps);
	return longest_ps;
}

/* --- recorded times ----------------------------------------------------------------------------------------------------- */

struct span {
	int64_t start_ps, end_ps;
};

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	return (x->start_ps > y->start_ps) - (x->start_ps < y->start_ps);
}

/* Sorts and joins spans that overlap; returns how many are left. */
static size_t join_spans(struct span *spans, size_t n)
{
	size_t kept = 0;
	qsort(spans, n, sizeof *spans, by_start);
	for (size_t i = 0; i < n; i++) {
		if (kept && spans[i].start_ps <= spans[kept - 1].end_ps) {
			if (spans[i].end_ps > spans[kept - 1].end_ps)
				spans[kept - 1].end_ps = spans[i].end_ps;
		} else {
			spans[kept++] = spans[i];
		}
	}
	return kept;
}

static int64_t common_ps(const struct span *a, size_t n, const struct span *b, size_t m)
{
	int64_t sum_ps = 0;
	for (size_t i = 0, j = 0; i < n && j < m;) {
		int64_t start_ps = a[i].start_ps > b[j].start_ps ? a[i].start_ps : b[j].start_ps;
		int64_t end_ps = a[i].end_ps < b[j].end_ps ? a[i].end_ps : b[j].end_ps;
		if (end_ps > start_ps)
			sum_ps += end_ps - start_ps;
		if (a[i].end_ps < b[j].end_ps)
			i++;
		else
			j++;
	}
	return sum_ps;
}

struct recorded {
	int64_t first_ps, last_ps, communication_ps, overlapped_ps;
	bool any;
};

static void add_recorded(const struct program *program, struct recorded *sum)
{
	struct span *work = memory_alloc(((size_t)program->n_ops + 1) * sizeof *work);
	struct span *talk = memory_alloc(((size_t)program->n_ops + 1) * sizeof *talk);
	size_t n_work = 0, n_talk = 0;
	for (uint32_t i = 0; program->origins && i < program->n_ops; i++) {
		const struct op_origin *origin = &program->origins[i];
		struct span span = {origin->recorded_start_ps, origin->recorded_end_ps};
		if (span.start_ps == TIME_NEVER || span.end_ps == TIME_NEVER)
			continue;
		if (!sum->any || span.start_ps < sum->first_ps)
			sum->first_ps = span.start_ps;
		if (!sum->any || span.end_ps > sum->last_ps)
			sum->last_ps = span.end_ps;
		sum->any = true;
		if (program->ops[i].kind == OP_COMPUTE)
			work[n_work++] = span;
		else if (program->ops[i].kind != OP_WAIT)
			talk[n_talk++] = span;
	}
	for (size_t i = 0; i < n_talk; i++)
		sum->communication_ps += talk[i].end_ps - talk[i].start_ps;
	n_work = join_spans(work, n_work);
	n_talk = join_spans(talk, n_talk);
	sum->overlapped_ps += common_ps(work, n_work, talk, n_talk);
	free(work);
	free(talk);
}

/* The k-th collective of the whole trace's first rank, matched by order with every rank's: the least of their durations is transfer,
 * the rest of each is waiting for the last one to come. */
static int64_t transfer_ps(const struct workload *w)
{
	int64_t sum_ps = 0;
	uint32_t *at = memory_zero((size_t)w->n_ranks + 1, sizeof *at);
	for (;;) {
		int64_t least_ps = INT64_MAX;
		for (uint32_t rank = 0; rank < w->n_ranks; rank++) {
			const struct program *program = &w->programs[w->rank_program[rank]];
			while (at[rank] < program->n_ops && program->ops[at[rank]].kind != OP_COLLECTIVE)
				at[rank]++;
			if (at[rank] >= program->n_ops || !program->origins) {
				free(at);
				return sum_ps;
			}
			const struct op_origin *origin = &program->origins[at[rank]++];
			int64_t took_ps = origin->recorded_end_ps - origin->recorded_start_ps;
			if (origin->recorded_start_ps != TIME_NEVER && took_ps < least_ps)
				least_ps = took_ps;
		}
		if (least_ps != INT64_MAX)
			sum_ps += least_ps;
	}
}

void trace_info(const struct workload *w, struct trace_info *info)
{
	__extension__ typedef __int128 wide;
	struct recorded recorded = {0};
	wide compute_ps = 0, host_ps = 0;
	memset(info, 0, sizeof *info);
	info->n_ranks = w->n_ranks;
	info->n_programs = w->n_programs;
	info->n_groups = w->n_groups;
	for (uint32_t rank = 0; rank < w->n_ranks; rank++) {
		struct rank_sums sums = count_rank(w, rank, info);
		if (!rank || sums.compute_ps < info->compute_least_ps)
			info->compute_least_ps = sums.compute_ps;
		if (sums.compute_ps > info->compute_most_ps)
			info->compute_most_ps = sums.compute_ps;
		compute_ps += sums.compute_ps;
		host_ps += sums.host_ps;
		add_recorded(&w->programs[w->rank_program[rank]], &recorded);
	}
	for (uint32_t p = 0; p < w->n_programs; p++) {
		int64_t chain_ps = longest_chain(&w->programs[p]);
		if (chain_ps > info->chain_ps)
			info->chain_ps = chain_ps;
	}
	for (uint32_t g = 0; g < w->n_groups; g++)
		for (uint32_t i = 0; i < info->n_calls; i++)
			info->calls[i].n_groups += info->calls[i].group_size == w->groups[g].n_ranks &&
						   same_text(info->calls[i].group, w->groups[g].name);
	info->compute_mean_ps = w->n_ranks ? (int64_t)(compute_ps / w->n_ranks) : 0;
	info->host_mean_ps = w->n_ranks ? (int64_t)(host_ps / w->n_ranks) : 0;
	info->span_ps = recorded.any ? recorded.last_ps - recorded.first_ps : -1;
	info->communication_ps = w->n_ranks ? recorded.communication_ps / w->n_ranks : 0;
	info->overlapped_ps = w->n_ranks ? recorded.overlapped_ps / w->n_ranks : 0;
	info->transfer_ps = recorded.any ? transfer_ps(w) : 0;
}

void trace_info_release(struct trace_info *info) { free(info->calls); }
