/* Tables of flows: `flow,src,dst,bytes,start_s`, one message per line, further columns ignored. Flow k of the table is message k of
 * the run. Sources and destinations are ranks; start_s is seconds, rounded to the picosecond. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "trace/formats.h"
#include "workload/program.h"

#define LIMIT_BYTES ((size_t)4 << 30)
#define MAX_FLOWS 100000000
#define COLUMNS 5
static const char *const column_names[COLUMNS] = {"flow", "src", "dst", "bytes", "start_s"};

struct flow {
	int64_t number, source, target, bytes, start_ps;
	int line;
};
struct table {
	const char *path;
	int columns[COLUMNS]; /* where each stands in a line */
	struct flow *flows;
	size_t n, capacity;
};

static int recognise(const struct trace_head *head)
{
	static const char start[] = "flow,src,dst,bytes,start_s";
	return head->n >= sizeof start - 1 && !memcmp(head->bytes, start, sizeof start - 1) ? 100 : 0;
}

/* The k-th cell of a line as text in `out`. */
static const char *cell(const char *line, int k, char *out, size_t size)
{
	for (; k > 0 && line; k--)
		line = (line = strchr(line, ',')) ? line + 1 : NULL;
	size_t length = line ? strcspn(line, ",\r") : 0;
	if (!line || length >= size)
		return NULL;
	memcpy(out, line, length);
	out[length] = '\0';
	return out;
}

static int read_header(struct table *table, const char *line, struct error *err)
{
	char name[64];
	for (int c = 0; c < COLUMNS; c++) {
		int k = 0;
		while (cell(line, k, name, sizeof name) && strcmp(name, column_names[c]))
			k++;
		if (!cell(line, k, name, sizeof name))
			return error_at(err, table->path, 1, 1, "no column '%s' (expected flow,src,dst,bytes,start_s)", column_names[c]);
		table->columns[c] = k;
	}
	return 0;
}

static int read_whole(const struct table *table, const char *line, int number, int column, int64_t limit, int64_t *value, struct error *err)
{
	char text[64], *end;
	if (!cell(line, table->columns[column], text, sizeof text))
		return error_at(err, table->path, number, 1, "column '%s' is missing", column_names[column]);
	errno = 0;
	*value = strtoll(text, &end, 10);
	if (end == text || *end || errno || *value < 0 || *value > limit)
		return error_at(err, table->path, number, 1, "'%s' in column '%s' is not a whole number from 0 to %lld", text,
				column_names[column], (long long)limit);
	return 0;
}

static int read_flow(struct table *table, const char *line, int number, struct error *err)
{
	struct flow flow = {.line = number};
	char text[64], *end;
	if (read_whole(table, line, number, 0, MAX_FLOWS, &flow.number, err) ||
	    read_whole(table, line, number, 1, COLLECTIVE_MAX_RANKS - 1, &flow.source, err) ||
	    read_whole(table, line, number, 2, COLLECTIVE_MAX_RANKS - 1, &flow.target, err) ||
	    read_whole(table, line, number, 3, COLLECTIVE_MAX_BYTES, &flow.bytes, err))
		return -1;
	if (!cell(line, table->columns[4], text, sizeof text))
		return error_at(err, table->path, number, 1, "column 'start_s' is missing");
	long double start_s = strtold(text, &end);
	if (end == text || *end || !(start_s >= 0) || start_s > 9e6L)
		return error_at(err, table->path, number, 1, "'%s' in column 'start_s' is not a number of seconds", text);
	flow.start_ps = (int64_t)roundl(start_s * 1e12L);
	if (flow.source == flow.target)
		return error_at(err, table->path, number, 1, "flow %lld goes from %lld to itself", (long long)flow.number, (long long)flow.source);
	ARRAY_RESERVE(table->flows, table->n + 1, table->capacity);
	table->flows[table->n++] = flow;
	return 0;
}

static int read_table(struct table *table, char *text, struct error *err)
{
	int number = 0;
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		number++;
		if (number == 1 ? read_header(table, line, err) : line[strspn(line, " \r")] && read_flow(table, line, number, err))
			return -1;
	}
	return table->n ? 0 : error_at(err, table->path, 0, 0, "no flows in it");
}

/* Numbers are 0 … n - 1, each once, in any order. */
static int check_numbers(const struct table *table, struct error *err)
{
	int *seen = memory_zero(table->n, sizeof *seen), result = 0;
	for (size_t i = 0; i < table->n && !result; i++) {
		const struct flow *flow = &table->flows[i];
		if (flow->number >= (int64_t)table->n)
			result = error_at(err, table->path, flow->line, 1, "flow %lld of %zu: flows are numbered from 0", (long long)flow->number,
					  table->n);
		else if (seen[flow->number])
			result = error_at(err, table->path, flow->line, 1, "flow %lld is already on line %d", (long long)flow->number,
					  seen[flow->number]);
		else
			seen[flow->number] = flow->line;
	}
	free(seen);
	return result;
}

static struct program *program_of(struct workload *workload, uint32_t rank)
{
	return &workload->programs[workload->rank_program[rank]];
}

static void add_flow(struct workload *workload, const struct flow *flow)
{
	struct op op = {.kind = OP_COMPUTE, .flags = OP_HOST, .stream = STREAM_NONE, .group_slot = PEER_ABSOLUTE, .amount = flow->start_ps};
	struct program *sender = program_of(workload, (uint32_t)flow->source), *receiver = program_of(workload, (uint32_t)flow->target);
	uint32_t start = flow->start_ps ? program_add(sender, &op, NULL, 0) : 0;
	op = (struct op){.kind = OP_SEND, .stream = STREAM_NONE, .group_slot = PEER_ABSOLUTE, .peer = (int32_t)flow->target,
		.tag = (int32_t)flow->number, .amount = flow->bytes};
	program_add(sender, &op, &start, flow->start_ps ? 1 : 0);
	op.kind = OP_RECEIVE;
	op.peer = (int32_t)flow->source;
	program_add(receiver, &op, NULL, 0);
}

static int load(struct workload *workload, const struct trace_request *request, struct error *err)
{
	struct table table = {.path = request->paths[0]};
	char *text = NULL;
	uint32_t n_ranks = 0;
	int result = -1;
	if (request->n_paths != 1) {
		error_set(err, ERROR_INPUT, "%s: a table of flows is one file, not %u", table.path, request->n_paths);
		return -1;
	}
	if (!(text = text_read_file(table.path, LIMIT_BYTES, NULL, err)) || read_table(&table, text, err) || check_numbers(&table, err))
		goto cleanup;
	for (size_t i = 0; i < table.n; i++) {
		int64_t last = table.flows[i].source > table.flows[i].target ? table.flows[i].source : table.flows[i].target;
		n_ranks = last >= n_ranks ? (uint32_t)last + 1 : n_ranks;
	}
	workload_init(workload, n_ranks);
	workload->n_numbered = table.n;
	for (uint32_t r = 0; r < n_ranks; r++)
		workload->rank_program[r] = workload_add_program(workload);
	for (size_t i = 0; i < table.n; i++)
		add_flow(workload, &table.flows[i]);
	result = 0;
cleanup:
	free(text);
	free(table.flows);
	return result;
}

const struct trace_format trace_flows = {"flows", "a table flow,src,dst,bytes,start_s", recognise, load};
