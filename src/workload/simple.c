#include "workload/simple.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

int collective_workload(struct workload *workload, uint32_t n_ranks, const struct collective_call *call, uint32_t repeat,
			struct error *err)
{
	if (!n_ranks || !repeat)
		return error_set(err, ERROR_INPUT, "a collective needs at least one rank and one repetition");
	workload_init(workload, n_ranks);
	workload_add_group(workload, "all", NULL, 0);
	workload_set_slots(workload, 1);
	workload_assign_slot(workload, 0, 0, 1);
	uint32_t added = workload_add_program(workload);
	struct program *program = &workload->programs[added];
	uint32_t index = program_add_call(program, call);
	uint32_t name = workload_add_name(workload, collective_kind_names[call->kind]);
	for (uint32_t i = 0; i < repeat; i++)
		program_add(program, &(struct op){.kind = OP_COLLECTIVE, .stream = 1, .amount = index, .name = name}, NULL, 0);
	return 0;
}

/* Flows */

enum { COLUMN_FLOW, COLUMN_SRC, COLUMN_DST, COLUMN_BYTES, COLUMN_START, N_COLUMNS };
static const char *const column_names[N_COLUMNS] = {"flow", "src", "dst", "bytes", "start_s"};
#define FLOWS_MAX 100000000
#define MAX_NPUS (1u << 20)

struct flow {
	int64_t number, src, dst, bytes, start_ps;
	int line;
};

struct table {
	const char *path;
	int at[N_COLUMNS]; /* which column holds it */
	struct flow *flows;
	uint32_t n;
	size_t capacity;
};

/* Splits a line in place at its commas; returns how many fields there are. */
static int split(char *line, char **fields, int capacity)
{
	int n = 0;
	for (char *at = line; at && n < capacity; n++) {
		fields[n] = at;
		at = strchr(at, ',');
		if (at)
			*at++ = '\0';
	}
	return n;
}

static int read_header(struct table *table, char *line, struct error *err)
{
	char *fields[64];
	int n = split(line, fields, 64);
	for (int c = 0; c < N_COLUMNS; c++) {
		table->at[c] = -1;
		for (int i = 0; i < n; i++)
			if (!strcmp(fields[i], column_names[c]))
				table->at[c] = i;
		if (table->at[c] < 0)
			return error_at(err, table->path, 1, 0, "there is no column '%s' (needed: flow, src, dst, bytes, start_s)",
					column_names[c]);
	}
	return 0;
}

/* A whole number, digits only. */
static int read_count(const struct table *table, int line, int column, const char *text, int64_t *value, struct error *err)
{
	char *end;
	errno = 0;
	long long parsed = strtoll(text, &end, 10);
	if (errno || end == text || *end || parsed < 0)
		return error_at(err, table->path, line, 0, "'%s' is not a whole number for '%s'", text, column_names[column]);
	*value = parsed;
	return 0;
}

/* Seconds as a decimal number, to the nearest picosecond. */
static int read_start(const struct table *table, int line, const char *text, int64_t *start_ps, struct error *err)
{
	char *end;
	long double seconds = strtold(text, &end);
	if (end == text || *end || !(seconds >= 0) || seconds > 9000000.0L)
		return error_at(err, table->path, line, 0, "'%s' is not a time in seconds for 'start_s'", text);
	*start_ps = (int64_t)(seconds * 1e12L + 0.5L);
	return 0;
}

static int read_flow(struct table *table, int line, char *text, uint32_t n_npus, struct error *err)
{
	char *fields[64];
	int n = split(text, fields, 64);
	struct flow flow = {.line = line};
	int64_t *const counts[] = {&flow.number, &flow.src, &flow.dst, &flow.bytes};
	for (int c = 0; c < N_COLUMNS; c++)
		if (table->at[c] >= n)
			return error_at(err, table->path, line, 0, "the line has %d columns, '%s' is the %dth", n, column_names[c],
					table->at[c] + 1);
	for (int c = 0; c < COLUMN_START; c++)
		if (read_count(table, line, c, fields[table->at[c]], counts[c], err))
			return -1;
	if (read_start(table, line, fields[table->at[COLUMN_START]], &flow.start_ps, err))
		return -1;
	uint32_t limit = n_npus ? n_npus : MAX_NPUS;
	if (flow.src >= limit || flow.dst >= limit)
		return error_at(err, table->path, line, 0, "flow %lld goes from '%lld' to '%lld', but there are %s%u NPUs",
				(long long)flow.number, (long long)flow.src, (long long)flow.dst,
				n_npus ? "" : "at most ", limit);
	if (flow.src >= COLLECTIVE_MAX_RANKS || flow.dst >= COLLECTIVE_MAX_RANKS)
		return error_at(err, table->path, line, 0, "flow %lld goes from '%lld' to '%lld', beyond the limit of %d ranks",
				(long long)flow.number, (long long)flow.src, (long long)flow.dst, COLLECTIVE_MAX_RANKS);
	if (table->n == FLOWS_MAX)
		return error_at(err, table->path, line, 0, "more than %d flows", FLOWS_MAX);
	ARRAY_RESERVE(table->flows, table->n + 1, table->capacity);
	table->flows[table->n++] = flow;
	return 0;
}

static int read_table(struct table *table, char *text, uint32_t n_npus, struct error *err)
{
	int line = 0;
	for (char *at = text; *at;) {
		char *end = strchr(at, '\n'), *next = end ? end + 1 : at + strlen(at);
		if (end)
			*end = '\0';
		line++;
		size_t length = strlen(at);
		if (length && at[length - 1] == '\r')
			at[length - 1] = '\0';
		if (*at && (line == 1 ? read_header(table, at, err) : read_flow(table, line, at, n_npus, err)))
			return -1;
		at = next;
	}
	return line ? 0 : error_at(err, table->path, 0, 0, "the table of flows is empty");
}

static int by_number(const void *a, const void *b)
{
	int64_t p = ((const struct flow *)a)->number, q = ((const struct flow *)b)->number;
	return p < q ? -1 : p > q;
}

/* Numbers must be 0 … n - 1, each once. */
static int sort_flows(struct table *table, struct error *err)
{
	if (table->n)
		qsort(table->flows, table->n, sizeof *table->flows, by_number);
	for (uint32_t i = 0; i < table->n; i++)
		if (table->flows[i].number != i)
			return error_at(err, table->path, table->flows[i].line, 0,
					table->flows[i].number < i ? "flow %lld is there twice" : "flow %lld leaves a gap in the numbers",
					(long long)table->flows[i].number);
	return 0;
}

static void add_flow(struct workload *workload, const struct flow *flow)
{
	struct program *source = &workload->programs[flow->src], *target = &workload->programs[flow->dst];
	struct op send = {
		.kind = OP_SEND, .stream = STREAM_NONE, .group_slot = PEER_ABSOLUTE, .peer = (int32_t)flow->dst, .tag = (int32_t)flow->number,
		.amount = flow->bytes,
	};
	struct op receive = send;
	receive.kind = OP_RECEIVE;
	receive.peer = (int32_t)flow->src;
	if (flow->start_ps) {
		struct op wait = {.kind = OP_WAIT, .stream = STREAM_NONE, .amount = flow->start_ps};
		uint32_t dep = program_add(source, &wait, NULL, 0);
		program_add(source, &send, &dep, 1);
	} else {
		program_add(source, &send, NULL, 0);
	}
	program_add(target, &receive, NULL, 0);
}

int flows_workload(struct workload *workload, const char *path, uint32_t n_npus, struct error *err)
{
	struct table table = {.path = path};
	size_t length;
	char *text = text_read_file(path, SIZE_MAX / 4, &length, err);
	if (!text)
		return -1;
	int result = read_table(&table, text, n_npus, err);
	free(text);
	if (!result)
		result = sort_flows(&table, err);
	for (uint32_t i = 0, given = n_npus; !result && !given && i < table.n; i++) {
		int64_t last = table.flows[i].src > table.flows[i].dst ? table.flows[i].src : table.flows[i].dst;
		n_npus = last >= n_npus ? (uint32_t)last + 1 : n_npus;
	}
	if (!result) {
		workload_init(workload, n_npus);
		for (uint32_t i = 0; i < n_npus; i++)
			workload->rank_program[i] = workload_add_program(workload);
		workload->n_numbered = table.n;
		for (uint32_t i = 0; i < table.n; i++)
			add_flow(workload, &table.flows[i]);
	}
	free(table.flows);
	return result;
}
