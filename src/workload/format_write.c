#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/text.h"
#include "base/units.h"
#include "workload/format.h"

/* An amount as one word: "64MiB", "12500ns". */
static void put_amount(struct text *out, enum quantity quantity, int64_t value)
{
	char text[64];
	units_exact(text, sizeof text, quantity, value);
	char *space = strchr(text, ' ');
	if (space)
		memmove(space, space + 1, strlen(space));
	text_puts(out, text);
}

static void put_quoted(struct text *out, const char *text)
{
	text_puts(out, "\"");
	for (; *text; text++) {
		char plain = *text == '\n' || *text == '\r' ? ' ' : *text;
		if (plain == '"' || plain == '\\')
			text_add(out, "\\", 1);
		text_add(out, &plain, 1);
	}
	text_puts(out, "\"");
}

/* Numbers as ranges: "0-7,12,16-30/2". */
static void put_numbers(struct text *out, const uint32_t *list, uint32_t n)
{
	for (uint32_t i = 0; i < n;) {
		uint32_t end = i + 1;
		int64_t step = end < n ? (int64_t)list[end] - list[i] : 1;
		while (end < n && step > 0 && (int64_t)list[end] - list[end - 1] == step)
			end++;
		if (end - i < 3)
			end = i + 1;
		text_printf(out, "%s%u", i ? "," : "", list[i]);
		if (end - i >= 3)
			text_printf(out, "-%u", list[end - 1]);
		if (end - i >= 3 && step > 1)
			text_printf(out, "/%lld", (long long)step);
		i = end;
	}
}

struct known_name {
	const char *name;
	UT_hash_handle hh;
};

/* Whether a group can be written by its name: one word, not a number, not one of those given to groups without a name, and new. */
static bool can_be_named(struct known_name **known, const char *name)
{
	struct known_name *entry;
	if (!name || !*name || strpbrk(name, " \t\r\n#=,\"") || (*name >= '0' && *name <= '9') ||
	    (name[0] == 'g' && name[1] && strspn(name + 1, "0123456789") == strlen(name + 1)))
		return false;
	HASH_FIND_STR(*known, name, entry);
	if (entry)
		return false;
	entry = memory_zero(1, sizeof *entry);
	entry->name = name;
	HASH_ADD_KEYPTR(hh, *known, name, strlen(name), entry);
	return true;
}

static void put_groups(const struct workload *workload, struct text *out)
{
	struct known_name *known = NULL, *entry, *next;
	for (uint32_t g = 0; g < workload->n_groups; g++) {
		const struct group *group = &workload->groups[g];
		if (can_be_named(&known, group->name))
			text_printf(out, "group %s ", group->name);
		else
			text_printf(out, "group g%u ", g);
		if (group->ranks)
			put_numbers(out, group->ranks, group->n_ranks);
		else
			text_puts(out, "all");
		text_puts(out, "\n");
	}
	HASH_ITER(hh, known, entry, next) {
		HASH_DEL(known, entry);
		free(entry);
	}
}

static void put_slots(const struct workload *workload, struct text *out)
{
	uint32_t *groups = memory_alloc((workload->n_groups + 1u) * sizeof *groups);
	for (uint32_t s = 0; s < workload->n_slots; s++) {
		uint8_t *seen = memory_zero(workload->n_groups + 1u, 1);
		uint32_t n = 0;
		for (uint32_t rank = 0; rank < workload->n_ranks; rank++) {
			uint32_t group = workload->rank_groups[(size_t)rank * workload->n_slots + s];
			if (group != UINT32_MAX)
				seen[group] = 1;
		}
		for (uint32_t g = 0; g < workload->n_groups; g++)
			if (seen[g])
				groups[n++] = g;
		text_printf(out, "slot s%u ", s);
		put_numbers(out, groups, n);
		text_puts(out, "\n");
		free(seen);
	}
	free(groups);
}

static void put_call(struct text *out, const struct collective_call *call)
{
	if (call->root)
		text_printf(out, " root=%u", call->root);
	if (call->algorithm)
		text_printf(out, " algorithm=%s", call->algorithm);
	if (call->protocol)
		text_printf(out, " protocol=%s", call->protocol);
	if (call->channels)
		text_printf(out, " channels=%u", call->channels);
	if (call->bidirectional)
		text_puts(out, " bidirectional");
	if (call->chunk_bytes) {
		text_puts(out, " chunk=");
		put_amount(out, QUANTITY_BYTES, call->chunk_bytes);
	}
	uint32_t n_levels = 0;
	for (uint32_t i = 0; i < call->n_dims; i++)
		text_printf(out, "%s%u", i ? "x" : " dims=", call->dims[i]);
	for (uint32_t i = 0; i < 8; i++)
		n_levels = call->levels[i] ? i + 1 : n_levels;
	for (uint32_t i = 0; i < n_levels; i++)
		text_printf(out, "%s%s", i ? "," : " levels=", call->levels[i] ? call->levels[i] : "-");
	if (call->file) {
		text_puts(out, " file=");
		put_quoted(out, call->file);
	}
	if (call->circuits) {
		text_puts(out, " circuits=");
		put_quoted(out, call->circuits);
	}
}

static void put_peer(struct text *out, const struct op *op)
{
	text_puts(out, op->kind == OP_SEND ? " to=" : " from=");
	if (op->peer == ANY_SOURCE && op->kind == OP_RECEIVE)
		text_puts(out, "any");
	else if (op->group_slot == PEER_ABSOLUTE)
		text_printf(out, "%d", op->peer);
	else
		text_printf(out, op->flags & OP_PEER_INDEX ? "%d@s%u" : "%+d@s%u", op->peer, op->group_slot);
	if (op->tag == ANY_TAG && op->kind == OP_RECEIVE)
		text_puts(out, " tag=any");
	else if (op->tag)
		text_printf(out, " tag=%d", op->tag);
	if (op->nic)
		text_printf(out, " nic=%u", op->nic);
	if (op->flags & OP_RENDEZVOUS)
		text_puts(out, " rendezvous");
}

/* The numbers of ranks of a call's counts, which it does not carry itself: the group of the first rank that makes it. */
static void put_counts(const struct workload *workload, uint32_t p, const struct op *op, const int64_t *counts, struct text *out)
{
	uint32_t rank = 0;
	while (workload->rank_program[rank] != p)
		rank++;
	uint64_t n = workload->groups[workload->rank_groups[(size_t)rank * workload->n_slots + op->group_slot]].n_ranks;
	for (uint64_t i = 0; i < n * n; i++) {
		text_puts(out, i ? "," : " counts=");
		put_amount(out, QUANTITY_BYTES, counts[i]);
	}
}

static void put_origin(struct text *out, const struct op_origin *origin)
{
	if (origin->recorded_start_ps != TIME_NEVER || origin->recorded_end_ps != TIME_NEVER) {
		text_puts(out, " recorded=");
		if (origin->recorded_start_ps == TIME_NEVER)
			text_puts(out, "?");
		else
			put_amount(out, QUANTITY_TIME, origin->recorded_start_ps);
		text_puts(out, "..");
		if (origin->recorded_end_ps == TIME_NEVER)
			text_puts(out, "?");
		else
			put_amount(out, QUANTITY_TIME, origin->recorded_end_ps);
	}
	if (origin->trace_node != -1)
		text_printf(out, " node=%lld", (long long)origin->trace_node);
	if (origin->iteration != -1)
		text_printf(out, " iteration=%d", origin->iteration);
}

static void put_op(const struct workload *workload, uint32_t p, uint32_t i, struct text *out)
{
	const struct program *program = &workload->programs[p];
	const struct op *op = &program->ops[i];
	const struct collective_call *call = op->kind == OP_COLLECTIVE ? &program->calls[op->amount] : NULL;
	bool timed = op->kind == OP_COMPUTE || op->kind == OP_WAIT;
	text_puts(out, call ? collective_kind_names[call->kind] : op_kind_names[op->kind]);
	if (!call || call->kind != COLLECTIVE_BARRIER) {
		text_puts(out, " ");
		put_amount(out, timed ? QUANTITY_TIME : QUANTITY_BYTES, call ? call->bytes : op->amount);
	}
	if (op->kind == OP_SEND || op->kind == OP_RECEIVE)
		put_peer(out, op);
	if (call) {
		text_printf(out, " in=s%u", op->group_slot);
		put_call(out, call);
		if (call->counts)
			put_counts(workload, p, op, call->counts, out);
	}
	if (op->stream == STREAM_NONE)
		text_puts(out, " stream=none");
	else if (op->stream != (timed ? STREAM_COMPUTE : 1))
		text_printf(out, " stream=%u", op->stream);
	for (uint32_t d = 0; d < op->n_deps; d++) {
		uint32_t dep = program->deps[op->first_dep + d];
		text_printf(out, "%s%s%u", d ? "," : " after=", dep & DEP_START ? "start:" : "", dep & ~DEP_START);
	}
	if (op->flags & OP_HOST)
		text_puts(out, " host");
	if (op->name) {
		text_puts(out, " name=");
		put_quoted(out, workload->names[op->name]);
	}
	if (program->origins)
		put_origin(out, &program->origins[i]);
	text_puts(out, "\n");
}

static void put_program(const struct workload *workload, uint32_t p, uint32_t *ranks, struct text *out)
{
	uint32_t n = 0;
	for (uint32_t rank = 0; rank < workload->n_ranks; rank++)
		if (workload->rank_program[rank] == p)
			ranks[n++] = rank;
	if (!n)
		return; /* nobody runs it */
	text_puts(out, "\nprogram ranks=");
	put_numbers(out, ranks, n);
	text_puts(out, workload->programs[p].ready_order ? " order=ready\n" : "\n");
	for (uint32_t i = 0; i < workload->programs[p].n_ops; i++)
		put_op(workload, p, i, out);
}

void workload_write(const struct workload *workload, struct text *out)
{
	uint32_t *ranks = memory_alloc((workload->n_ranks + 1u) * sizeof *ranks);
	text_printf(out, "%s %d\nranks %u\n", FORMAT_MAGIC, FORMAT_VERSION, workload->n_ranks);
	if (workload->name && *workload->name && !strpbrk(workload->name, " \t\n\r#="))
		text_printf(out, "name %s\n", workload->name);
	if (workload->algorithm && strcmp(workload->algorithm, "auto"))
		text_printf(out, "algorithm %s\n", workload->algorithm);
	if (workload->protocol)
		text_printf(out, "protocol %s\n", workload->protocol);
	if (workload->jitter > 0)
		text_printf(out, "jitter %.17g\n", workload->jitter);
	if (workload->n_numbered)
		text_printf(out, "numbered %llu\n", (unsigned long long)workload->n_numbered);
	put_groups(workload, out);
	put_slots(workload, out);
	for (uint32_t p = 0; p < workload->n_programs; p++)
		put_program(workload, p, ranks, out);
	free(ranks);
}
