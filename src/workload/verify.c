/* Everything about a workload that can be checked before it runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "workload/prepared.h"

/* "workload 'x', program 3, operation 12 'forward'" */
static const char *place(const struct workload *workload, uint32_t p, uint32_t i, char *out, size_t size)
{
	const struct op *op = &workload->programs[p].ops[i];
	const char *name = op->name < workload->n_names ? workload->names[op->name] : NULL;
	snprintf(out, size, "workload '%s': program %u, operation %u (%s%s%s)", workload->name ? workload->name : "", p, i,
		 op->kind < OP_KINDS ? op_kind_names[op->kind] : "?", name ? " " : "", name ? name : "");
	return out;
}

static int check_op(const struct workload *workload, uint32_t p, uint32_t i, struct error *err)
{
	const struct program *program = &workload->programs[p];
	const struct op *op = &program->ops[i];
	if (op->kind >= OP_KINDS)
		return error_set(err, ERROR_INPUT, "unknown kind %u", op->kind);
	if (op->amount < 0)
		return error_set(err, ERROR_INPUT, "negative amount %lld", (long long)op->amount);
	if (op->stream != STREAM_NONE && op->stream >= program->n_streams)
		return error_set(err, ERROR_INPUT, "stream %u of %u", op->stream, program->n_streams);
	if (op->name >= workload->n_names)
		return error_set(err, ERROR_INPUT, "name %u of %u", op->name, workload->n_names);
	if (op->n_deps > OP_MAX_DEPS)
		return error_set(err, ERROR_INPUT, "%u dependencies, at most %d", op->n_deps, OP_MAX_DEPS);
	if (op->first_dep > program->n_deps || op->n_deps > program->n_deps - op->first_dep)
		return error_set(err, ERROR_INPUT, "dependencies outside the program");
	for (uint32_t d = 0; d < op->n_deps; d++)
		if ((program->deps[op->first_dep + d] & ~DEP_START) >= program->n_ops)
			return error_set(err, ERROR_INPUT, "depends on operation %u, but there are %u",
					 program->deps[op->first_dep + d] & ~DEP_START, program->n_ops);
	if (op->kind == OP_COLLECTIVE && op->amount >= program->n_calls)
		return error_set(err, ERROR_INPUT, "call %lld of %u", (long long)op->amount, program->n_calls);
	if (op->kind == OP_COLLECTIVE && program->calls[op->amount].bytes < 0)
		return error_set(err, ERROR_INPUT, "negative size %lld", (long long)program->calls[op->amount].bytes);
	return 0;
}

static int verify_op(const struct workload *workload, uint32_t p, uint32_t i, struct error *err)
{
	char where[256];
	if (!check_op(workload, p, i, err))
		return 0;
	return error_prefix(err, "%s", place(workload, p, i, where, sizeof where));
}

/* Names the operations of one cycle: follow what an operation that cannot be ordered waits for until one comes again. */
static int cycle_error(const struct workload *workload, uint32_t p, const uint32_t *order, uint32_t n_ordered, struct error *err)
{
	const struct program *program = &workload->programs[p];
	uint8_t *done = memory_zero(program->n_ops, 1);
	uint32_t *last = memory_zero(program->n_streams, sizeof *last), *before = memory_alloc(program->n_ops * sizeof *before);
	struct text text = TEXT_INIT;
	uint32_t at = 0;
	for (uint32_t s = 0; s < program->n_streams; s++)
		last[s] = UINT32_MAX;
	for (uint32_t i = 0; i < program->n_ops; i++) {
		uint16_t stream = program->ops[i].stream;
		before[i] = stream == STREAM_NONE || program->ready_order ? UINT32_MAX : last[stream];
		if (stream != STREAM_NONE)
			last[stream] = i;
	}
	for (uint32_t i = 0; i < n_ordered; i++)
		done[order[i]] = 1;
	while (done[at])
		at++;
	for (uint32_t round = 0, steps = 0, start = 0;; steps++) { /* first into the cycle, then once around it */
		uint32_t next = before[at] != UINT32_MAX && !done[before[at]] ? before[at] : UINT32_MAX;
		for (uint32_t d = 0; next == UINT32_MAX && d < program->ops[at].n_deps; d++) {
			uint32_t dep = program->deps[program->ops[at].first_dep + d] & ~DEP_START;
			next = done[dep] ? UINT32_MAX : dep;
		}
		if (round && text.length < 400) {
			const char *name = workload->names[program->ops[at].name];
			text_printf(&text, "%s%u%s%s", text.length ? " waits for " : "", at, name ? " " : "", name ? name : "");
		}
		at = next;
		if (!round && steps == program->n_ops) {
			round = 1;
			start = at;
		} else if (round && at == start) {
			text_printf(&text, " waits for %u", start);
			break;
		}
	}
	error_set(err, ERROR_INPUT, "workload '%s': program %u: operations wait for each other in a cycle: %s",
		  workload->name ? workload->name : "", p, text_string(&text));
	text_release(&text);
	free(before);
	free(last);
	free(done);
	return -1;
}

static int verify_program(const struct workload *workload, uint32_t p, struct error *err)
{
	const struct program *program = &workload->programs[p];
	int result = 0;
	for (uint32_t i = 0; i < program->n_ops; i++)
		if (verify_op(workload, p, i, err))
			return -1;
	uint32_t *order = memory_alloc((program->n_ops + 1u) * sizeof *order);
	uint32_t n = program_order(program, order);
	if (n < program->n_ops)
		result = cycle_error(workload, p, order, n, err);
	free(order);
	return result;
}

static int verify_groups(const struct workload *workload, struct error *err)
{
	uint32_t *seen = memory_zero(workload->n_ranks + 1u, sizeof *seen);
	int result = 0;
	for (uint32_t g = 0; g < workload->n_groups && !result; g++) {
		const struct group *group = &workload->groups[g];
		const char *name = group->name ? group->name : "";
		if (!group->n_ranks)
			result = error_set(err, ERROR_INPUT, "group '%s' is empty", name);
		for (uint32_t i = 0; group->ranks && i < group->n_ranks && !result; i++) {
			uint32_t rank = group->ranks[i];
			if (rank >= workload->n_ranks)
				result = error_set(err, ERROR_INPUT, "group '%s' names rank %u, but there are %u ranks", name, rank,
						   workload->n_ranks);
			else if (seen[rank] == g + 1)
				result = error_set(err, ERROR_INPUT, "group '%s' names rank %u twice", name, rank);
			else
				seen[rank] = g + 1;
		}
	}
	free(seen);
	return result;
}

static int verify_slots(const struct workload *workload, uint32_t rank, struct error *err)
{
	if (!workload->n_slots)
		return 0;
	const uint32_t *groups = workload->rank_groups + (size_t)rank * workload->n_slots;
	const uint32_t *positions = workload->rank_positions + (size_t)rank * workload->n_slots;
	for (uint32_t s = 0; s < workload->n_slots; s++) {
		if (groups[s] == UINT32_MAX)
			continue;
		if (groups[s] >= workload->n_groups)
			return error_set(err, ERROR_INPUT, "rank %u: group %u of %u", rank, groups[s], workload->n_groups);
		const struct group *group = &workload->groups[groups[s]];
		if (positions[s] >= group->n_ranks || (group->ranks ? group->ranks[positions[s]] : positions[s]) != rank)
			return error_set(err, ERROR_INPUT, "rank %u is not at position %u of group '%s'", rank, positions[s],
					 group->name ? group->name : "");
		for (uint32_t other = 0; other < s; other++)
			if (groups[other] == groups[s])
				return error_set(err, ERROR_INPUT, "rank %u has group '%s' in two slots", rank,
						 group->name ? group->name : "");
	}
	return 0;
}

/* What the operations of a program ask of the rank that runs it: groups it is in, peers that exist. */
static int verify_rank(const struct workload *workload, uint32_t rank, struct error *err)
{
	uint32_t p = workload->rank_program[rank];
	const struct program *program = &workload->programs[p];
	char where[256];
	for (uint32_t i = 0; i < program->n_ops; i++) {
		const struct op *op = &program->ops[i];
		bool peers = op->kind == OP_SEND || op->kind == OP_RECEIVE;
		if (!peers && op->kind != OP_COLLECTIVE)
			continue;
		if (op->group_slot == PEER_ABSOLUTE && peers) {
			bool any = op->kind == OP_RECEIVE && op->peer == ANY_SOURCE;
			if (!any && (op->peer < 0 || (uint32_t)op->peer >= workload->n_ranks))
				return error_set(err, ERROR_INPUT, "%s: rank %u's peer is rank %d, but there are %u ranks",
						 place(workload, p, i, where, sizeof where), rank, op->peer, workload->n_ranks);
			continue;
		}
		uint32_t group = op->group_slot < workload->n_slots ?
			workload->rank_groups[(size_t)rank * workload->n_slots + op->group_slot] : UINT32_MAX;
		if (group == UINT32_MAX)
			return error_set(err, ERROR_INPUT, "%s: rank %u has no group in slot %u",
					 place(workload, p, i, where, sizeof where), rank, op->group_slot);
		uint32_t n = workload->groups[group].n_ranks;
		if (peers && op->flags & OP_PEER_INDEX && (op->peer < 0 || (uint32_t)op->peer >= n))
			return error_set(err, ERROR_INPUT, "%s: position %d of group '%s', which has %u ranks",
					 place(workload, p, i, where, sizeof where), op->peer,
					 workload->groups[group].name ? workload->groups[group].name : "", n);
		const struct collective_call *call = op->kind == OP_COLLECTIVE ? &program->calls[op->amount] : NULL;
		if (call && call->counts && call->n_counts != (uint64_t)n * n)
			return error_set(err, ERROR_INPUT, "%s: %llu counts for %u ranks, which need %llu",
					 place(workload, p, i, where, sizeof where), (unsigned long long)call->n_counts, n,
					 (unsigned long long)n * n);
		if (call && call->root >= n)
			return error_set(err, ERROR_INPUT, "%s: root %u of %u ranks", place(workload, p, i, where, sizeof where),
					 call->root, n);
	}
	return 0;
}

int workload_verify(const struct workload *workload, struct error *err)
{
	if (workload->jitter < 0 || workload->jitter > 1)
		return error_set(err, ERROR_INPUT, "workload '%s': jitter %g is not between 0 and 1",
				 workload->name ? workload->name : "", workload->jitter);
	for (uint32_t p = 0; p < workload->n_programs; p++)
		if (verify_program(workload, p, err))
			return -1;
	if (verify_groups(workload, err))
		return -1;
	for (uint32_t rank = 0; rank < workload->n_ranks; rank++) {
		if (workload->rank_program[rank] >= workload->n_programs)
			return error_set(err, ERROR_INPUT, "rank %u has no program", rank);
		if (verify_slots(workload, rank, err) || verify_rank(workload, rank, err))
			return -1;
	}
	return 0;
}
