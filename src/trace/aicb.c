/* AICB communication lists (CSV): what every rank of a pipeline stage calls, in order, without computation.
 *
 *   [rank0 ~ rank127]   or   [ pp_stage0: [rank0, rank1, …] ]
 *   comm_type,comm_group,comm_group_size,msg_size,stage,dst,src,additional,_elapsed_time,algbw,busbw,count
 *   CommType.all_reduce,CommGroup.tp_group,8,20971520,forward.…,None,None,,None,None,None,1
 *
 * Sizes are whole buffers. One program per stage, shared by its ranks. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "trace/formats.h"
#include "trace/lines.h"
#include "trace/parallel.h"

#define NONE UINT32_MAX
#define LIMIT_BYTES ((size_t)256 << 20)
#define MAX_FIELDS 32
#define DEFAULT_RANKS 8
#define MAX_PENDING 64      /* messages posted together */

enum { STREAM_BLOCKING = 1, STREAM_SEND_NEXT, STREAM_SEND_PREVIOUS, STREAM_RECEIVE_PREVIOUS, STREAM_RECEIVE_NEXT };
enum column { TYPE, GROUP, GROUP_SIZE, SIZE, STAGE, SOURCE, ADDITIONAL, ELAPSED, COLUMNS };
enum row_kind { ROW_COLLECTIVE, ROW_SEND, ROW_RECEIVE, ROW_COMPUTATION, ROW_EPOCH };

struct row {
	int64_t bytes, compute_ps;
	uint32_t group_size, root, name; /* group_size 0: not said */
	int32_t iteration;
	uint8_t kind, collective, group;
	bool next;               /* the neighbour of a message: the next stage, else the previous one */
	int line;
};
struct section {
	struct row *rows;
	size_t n_rows, capacity;
	uint32_t first_rank, n_ranks; /* 0 ranks: not said */
};
struct reader {
	const char *path;
	struct lines lines;
	struct section *sections;
	size_t n_sections, capacity;
	int columns[COLUMNS];    /* field of each, -1: absent */
	int32_t iteration;
	struct arena arena;
	const char **names;      /* of phases, names[0] unused */
	uint32_t n_names;
	size_t names_capacity;
	uint64_t n_untimed;
	struct error *err;
};

static int wrong(const struct reader *r, const char *what, const char *subject, const char *expected)
{
	return error_at(r->err, r->path, r->lines.number, 0, "%s '%.60s'%s", what, subject, expected);
}

/* --- who and header ----------------------------------------------------------------------------------------------------- */

/* The number after the next "rank" in text; NULL when there is none. */
static const char *next_rank(const char *text, int64_t *rank)
{
	char digits[12];
	size_t n = 0;
	if (!(text = strstr(text, "rank")))
		return NULL;
	for (text += 4; isdigit((unsigned char)*text) && n < sizeof digits - 1; text++)
		digits[n++] = *text;
	digits[n] = '\0';
	return lines_number(digits, false, rank) && *rank < PARALLEL_MAX_RANKS ? text : NULL;
}

static int read_who(struct reader *r, const char *line, struct section *section)
{
	int64_t first, rank, last;
	const char *at = next_rank(line, &first);
	if (!at)
		return wrong(r, "no ranks in", line, " (expected '[rank0 ~ rank127]' or '[ pp_stage0: [rank0, …] ]')");
	last = first;
	if (strchr(at, '~')) {
		if (!next_rank(at, &last) || last < first)
			return wrong(r, "no range of ranks in", line, "");
	} else {
		for (; (at = next_rank(at, &rank)); last = rank)
			if (rank != last + 1)
				return wrong(r, "ranks of a stage that do not follow each other in", line, "");
	}
	section->first_rank = (uint32_t)first;
	section->n_ranks = (uint32_t)(last - first) + 1;
	return 0;
}

static int read_header(struct reader *r, char *line)
{
	static const char *const names[COLUMNS] = {"comm_type", "comm_group", "comm_group_size", "msg_size", "stage", "src", "additional",
						   "_elapsed_time"};
	char *fields[MAX_FIELDS];
	size_t n = lines_fields(line, fields, MAX_FIELDS);
	for (int c = 0; c < COLUMNS; c++) {
		r->columns[c] = -1;
		for (size_t f = 0; f < n && f < MAX_FIELDS; f++)
			if (!strcmp(fields[f], names[c]))
				r->columns[c] = (int)f;
	}
	for (int c = 0; c <= SIZE; c++)
		if (r->columns[c] < 0 && c != GROUP_SIZE)
			return wrong(r, "no column", names[c], " in the header");
	return 0;
}

/* --- rows --------------------------------------------------------------------------------------------------------------- */

static const struct { const char *name; uint8_t kind, collective; } types[] = {
	{"all_reduce", ROW_COLLECTIVE, COLLECTIVE_ALL_REDUCE}, {"all_gather", ROW_COLLECTIVE, COLLECTIVE_ALL_GATHER},
	{"reduce_scatter", ROW_COLLECTIVE, COLLECTIVE_REDUCE_SCATTER}, {"all_to_all", ROW_COLLECTIVE, COLLECTIVE_ALL_TO_ALL},
	{"broadcast", ROW_COLLECTIVE, COLLECTIVE_BROADCAST}, {"reduce", ROW_COLLECTIVE, COLLECTIVE_REDUCE},
	{"barrier", ROW_COLLECTIVE, COLLECTIVE_BARRIER}, {"isend", ROW_SEND, 0}, {"irecv", ROW_RECEIVE, 0},
	{"computation", ROW_COMPUTATION, 0}, {"epoch_end", ROW_EPOCH, 0},
};
#define N_TYPES (sizeof types / sizeof *types)

static const char *after(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(text, prefix, n) ? text : text + n;
}

static int read_type(const struct reader *r, const char *field, struct row *row)
{
	const char *name = after(field, "CommType."), *names[N_TYPES];
	char known[256];
	for (size_t i = 0; i < N_TYPES; i++) {
		names[i] = types[i].name;
		if (!strcmp(name, names[i])) {
			row->kind = types[i].kind;
			row->collective = types[i].collective;
			return 0;
		}
	}
	return wrong(r, "unknown comm_type", field, text_known(known, sizeof known, name, names, N_TYPES));
}

static int read_group(const struct reader *r, const char *field, struct row *row)
{
	static const char *const names[] = {"tp_group", "dp_group", "ep_group", "ep_dp_group", "pp_group", "embedding_group", "all"};
	const char *name = after(field, "CommGroup.");
	char known[256];
	row->group = PARALLEL_ALL;
	if (row->kind == ROW_EPOCH || row->kind == ROW_COMPUTATION)
		return 0;
	for (uint8_t g = 0; g < PARALLEL_GROUPS; g++)
		if (!strcmp(name, names[g])) {
			row->group = g;
			return 0;
		}
	return wrong(r, "unknown comm_group", field, text_known(known, sizeof known, name, names, PARALLEL_GROUPS));
}

static const char *field_of(const struct reader *r, char **fields, size_t n, enum column column)
{
	int f = r->columns[column];
	return f < 0 || (size_t)f >= n ? "" : fields[f];
}

static bool said(const char *field) { return *field && strcmp(field, "None"); }

static int read_numbers(const struct reader *r, char **fields, size_t n, struct row *row)
{
	const char *size = field_of(r, fields, n, SIZE), *group = field_of(r, fields, n, GROUP_SIZE), *source = field_of(r, fields, n, SOURCE);
	const char *elapsed = field_of(r, fields, n, ELAPSED);
	int64_t value;
	if (said(size) && (!lines_number(size, true, &row->bytes) || row->bytes > COLLECTIVE_MAX_BYTES))
		return wrong(r, "msg_size", size, " is no number of bytes");
	if (said(group)) {
		if (!lines_number(group, true, &value) || value < 1 || value > (int64_t)PARALLEL_MAX_RANKS)
			return wrong(r, "comm_group_size", group, " is no number of ranks");
		row->group_size = (uint32_t)value;
	}
	if (said(source)) {
		if (!lines_number(source, true, &value) || value >= (int64_t)PARALLEL_MAX_RANKS)
			return wrong(r, "src", source, " is no rank");
		row->root = (uint32_t)value;
	}
	if (row->kind == ROW_COMPUTATION && said(elapsed)) { /* milliseconds */
		double ms = strtod(elapsed, NULL);
		if (!(ms >= 0 && ms < 1e9))
			return wrong(r, "_elapsed_time", elapsed, " is no time in milliseconds");
		row->compute_ps = (int64_t)(ms * 1e9 + 0.5);
	}
	return 0;
}

static int read_neighbour(const struct reader *r, const char *field, struct row *row)
{
	const char *stem = row->kind == ROW_SEND ? "send_" : "recv_", *side = after(field, stem);
	row->next = !strcmp(side, "next");
	if (side == field || (!row->next && strcmp(side, "prev")))
		return wrong(r, "additional", field, row->kind == ROW_SEND ? " is not send_next or send_prev" : " is not recv_next or recv_prev");
	return 0;
}

static uint32_t phase_name(struct reader *r, const char *phase)
{
	for (uint32_t i = r->n_names; i-- > 1 && i + 64 > r->n_names;) /* the same few, mostly the last */
		if (!strcmp(r->names[i], phase))
			return i;
	ARRAY_RESERVE(r->names, (size_t)r->n_names + 1, r->names_capacity);
	r->names[r->n_names] = arena_text(&r->arena, phase);
	return r->n_names++;
}

static int read_row(struct reader *r, char *line, struct section *section)
{
	char *fields[MAX_FIELDS];
	size_t n = lines_fields(line, fields, MAX_FIELDS);
	struct row row = {.line = r->lines.number, .iteration = r->iteration};
	if (n > MAX_FIELDS || (int)n <= r->columns[SIZE])
		return wrong(r, "not as many columns as the header in the row of", fields[0], "");
	if (read_type(r, fields[r->columns[TYPE]], &row) || read_group(r, fields[r->columns[GROUP]], &row) || read_numbers(r, fields, n, &row))
		return -1;
	if ((row.kind == ROW_SEND || row.kind == ROW_RECEIVE) && read_neighbour(r, field_of(r, fields, n, ADDITIONAL), &row))
		return -1;
	if (row.kind == ROW_EPOCH) {
		r->iteration++;
		return 0;
	}
	if (row.kind == ROW_COMPUTATION && !row.compute_ps) {
		r->n_untimed++;
		return 0;
	}
	row.name = phase_name(r, field_of(r, fields, n, STAGE));
	ARRAY_RESERVE(section->rows, section->n_rows + 1, section->capacity);
	section->rows[section->n_rows++] = row;
	return 0;
}

static struct section *add_section(struct reader *r)
{
	ARRAY_RESERVE(r->sections, r->n_sections + 1, r->capacity);
	r->sections[r->n_sections] = (struct section){0};
	r->iteration = 0;
	return &r->sections[r->n_sections++];
}

static int read_sections(struct reader *r)
{
	struct section *section = NULL;
	bool header = false;
	for (char *line; (line = lines_next(&r->lines));) {
		line += strspn(line, " \t\"");
		if (!*line)
			continue;
		if (*line == '[') {
			section = add_section(r);
			header = false;
			if (read_who(r, line, section))
				return -1;
		} else if (!strncmp(line, "comm_type,", 10)) {
			if (!section)
				section = add_section(r);
			header = true;
			if (read_header(r, line))
				return -1;
		} else if (!header) {
			return wrong(r, "expected the header comm_type,comm_group,… instead of", line, "");
		} else if (read_row(r, line, section)) {
			return -1;
		}
	}
	return section ? 0 : error_set(r->err, ERROR_INPUT, "%s: holds no list", r->path);
}

/* --- groups ------------------------------------------------------------------------------------------------------------- */

/* The size the rows give a role; 0: none says. They must agree. */
static int role_size(const struct reader *r, enum parallel_group role, uint32_t *size)
{
	*size = 0;
	for (size_t s = 0; s < r->n_sections; s++)
		for (size_t i = 0; i < r->sections[s].n_rows; i++) {
			const struct row *row = &r->sections[s].rows[i];
			if (row->group != role || !row->group_size || row->kind != ROW_COLLECTIVE)
				continue;
			if (*size && *size != row->group_size)
				return error_at(r->err, r->path, row->line, 0, "%s of %u ranks, but before it had %u",
						parallel_group_names[role], row->group_size, *size);
			*size = row->group_size;
		}
	return 0;
}

static int fit_sections(const struct reader *r, uint32_t *per_stage)
{
	*per_stage = r->sections[0].n_ranks;
	for (size_t s = 0; s < r->n_sections; s++)
		if (r->sections[s].n_ranks != *per_stage || r->sections[s].first_rank != s * *per_stage)
			return error_set(r->err, ERROR_INPUT, "%s: stage %zu has ranks %u to %u, not the %u after those of the stage before",
					 r->path, s, r->sections[s].first_rank, r->sections[s].first_rank + r->sections[s].n_ranks - 1,
					 *per_stage);
	return 0;
}

static int fit_grid(const struct reader *r, const struct trace_request *request, struct parallel_grid *grid)
{
	uint32_t per_stage, tensor, data, expert, all, n_ranks;
	if (fit_sections(r, &per_stage) || role_size(r, PARALLEL_TENSOR, &tensor) || role_size(r, PARALLEL_DATA, &data) ||
	    role_size(r, PARALLEL_EXPERT, &expert) || role_size(r, PARALLEL_ALL, &all))
		return -1;
	grid->tensor = tensor ? tensor : 1;
	grid->stages = (uint32_t)r->n_sections;
	if (!per_stage) {
		uint64_t product = (uint64_t)grid->tensor * (data ? data : 1);
		per_stage = all ? all : product > 1 && product <= PARALLEL_MAX_RANKS ? (uint32_t)product : DEFAULT_RANKS;
		text_printf(request->assumed, "  the list does not say who runs it: %u ranks\n", per_stage);
	}
	n_ranks = request->n_ranks ? request->n_ranks : per_stage * grid->stages;
	grid->expert = expert ? expert : 1;
	if (parallel_fit(grid, n_ranks, r->err))
		return error_prefix(r->err, "%s", r->path);
	if (!expert) /* as many experts' ranks as replicas, when rows use them at all */
		grid->expert = grid->data;
	if (data && data != grid->data && !request->n_ranks)
		return error_set(r->err, ERROR_INPUT, "%s: dp_group of %u ranks, but %u ranks in groups of %u tensor-parallel ones make %u",
				 r->path, data, per_stage, grid->tensor, grid->data);
	return 0;
}

/* --- program ------------------------------------------------------------------------------------------------------------ */

struct builder {
	const struct reader *r;
	const struct trace_request *request;
	struct workload *w;
	struct parallel_grid grid;
	uint32_t program, first_name, last;
	uint32_t pending[MAX_PENDING], n_pending; /* receives of the messages just posted together */
	uint64_t n_alone, n_roots, n_one_sided;
	uint32_t n_embedding;       /* calls of the embedding group that its two stages both list */
	uint32_t seen_embedding;    /* by the stage at hand */
};

static uint32_t add(struct builder *b, const struct row *row, struct op op, bool joins)
{
	struct program *program = &b->w->programs[b->program];
	uint32_t deps[MAX_PENDING + 1], n = 0, at;
	if (b->last != NONE)
		deps[n++] = b->last;
	for (uint32_t i = 0; joins && i < b->n_pending; i++)
		deps[n++] = b->pending[i];
	if (joins)
		b->n_pending = 0;
	op.name = b->first_name + row->name - 1;
	at = program_add(program, &op, deps, n);
	ARRAY_RESERVE(program->origins, program->n_ops, program->origins_capacity);
	program->origins[at] = (struct op_origin){row->line, TIME_NEVER, TIME_NEVER, row->iteration};
	return at;
}

static void add_collective(struct builder *b, const struct row *row)
{
	struct collective_call call = {.kind = (enum collective_kind)row->collective, .bytes = row->bytes};
	uint32_t n = parallel_group_size(&b->grid, (enum parallel_group)row->group);
	if (n < 2) {
		b->n_alone++;
		return;
	}
	if (row->group == PARALLEL_EMBEDDING && b->seen_embedding++ >= b->n_embedding) {
		b->n_one_sided++;
		return;
	}
	if (call.kind == COLLECTIVE_BARRIER)
		call.bytes = 0; /* msg_size then repeats the row before */
	if (row->root < n)
		call.root = row->root;
	else
		b->n_roots++;
	struct op op = {.kind = OP_COLLECTIVE, .stream = STREAM_BLOCKING, .group_slot = row->group,
			.amount = program_add_call(&b->w->programs[b->program], &call)};
	b->last = add(b, row, op, true);
}

/* Messages of neighbouring rows are posted together; what follows waits for those that come in, not for those that go. */
static int add_message(struct builder *b, const struct row *row, uint32_t stage)
{
	bool send = row->kind == ROW_SEND;
	static const uint16_t streams[2][2] = {{STREAM_RECEIVE_PREVIOUS, STREAM_RECEIVE_NEXT}, {STREAM_SEND_PREVIOUS, STREAM_SEND_NEXT}};
	struct op op = {.kind = send ? OP_SEND : OP_RECEIVE, .stream = streams[send][row->next], .group_slot = PARALLEL_PIPELINE,
			.peer = row->next ? 1 : -1, .tag = send == row->next, .amount = row->bytes};
	if (row->next ? stage + 1 >= b->grid.stages : !stage)
		return error_at(b->r->err, b->r->path, row->line, 0, "stage %u of %u has no neighbour there", stage, b->grid.stages);
	if (send) {
		add(b, row, op, false);
		return 0;
	}
	if (b->n_pending == MAX_PENDING)
		return error_at(b->r->err, b->r->path, row->line, 0, "more than %d receives one after another", MAX_PENDING);
	b->pending[b->n_pending] = add(b, row, op, false);
	b->n_pending++;
	return 0;
}

static bool is_chosen(const struct builder *b, const struct row *row)
{
	return b->request->step < 0 || row->iteration == b->request->step;
}

/* First and last stage share the embedding's group. Real lists have its calls on the last stage alone, which would wait forever. */
static uint32_t common_embedding_calls(const struct builder *b)
{
	uint32_t least = UINT32_MAX;
	for (size_t s = 0; s < b->r->n_sections; s += b->r->n_sections > 1 ? b->r->n_sections - 1 : 1) {
		const struct section *section = &b->r->sections[s];
		uint32_t n = 0;
		for (size_t i = 0; i < section->n_rows; i++)
			n += section->rows[i].group == PARALLEL_EMBEDDING && section->rows[i].kind == ROW_COLLECTIVE &&
			     is_chosen(b, &section->rows[i]);
		least = n < least ? n : least;
	}
	return least;
}

static int build_stage(struct builder *b, uint32_t stage)
{
	const struct section *section = &b->r->sections[stage];
	b->program = workload_add_program(b->w);
	b->last = NONE;
	b->n_pending = 0;
	b->seen_embedding = 0;
	for (size_t i = 0; i < section->n_rows; i++) {
		const struct row *row = &section->rows[i];
		if (!is_chosen(b, row))
			continue;
		if (row->kind == ROW_COLLECTIVE)
			add_collective(b, row);
		else if (row->kind == ROW_COMPUTATION)
			b->last = add(b, row, (struct op){.kind = OP_COMPUTE, .stream = STREAM_COMPUTE, .amount = row->compute_ps}, true);
		else if (add_message(b, row, stage))
			return -1;
	}
	return 0;
}

static void say_assumed(const struct builder *b)
{
	struct text *out = b->request->assumed;
	text_printf(out, "  ranks: %u tensor × %u data (%u expert) × %u pipeline, neighbours in that order\n", b->grid.tensor, b->grid.data,
		    b->grid.expert, b->grid.stages);
	text_puts(out, "  a list holds no computation: calls follow each other at once\n");
	if (b->request->step < 0)
		text_puts(out, "  what is called once, before the first epoch_end, is run too (--step 1: the first iteration alone)\n");
	if (b->r->n_untimed)
		text_printf(out, "  %llu computations without a time take none\n", (unsigned long long)b->r->n_untimed);
	if (b->n_alone)
		text_printf(out, "  %llu collectives are of groups of one rank\n", (unsigned long long)b->n_alone);
	if (b->n_one_sided)
		text_printf(out, "  %llu calls of the embedding group are listed by one of its two stages alone and left out\n",
			    (unsigned long long)b->n_one_sided);
	if (b->n_roots)
		text_printf(out, "  %llu roots outside their group were taken as its first rank\n", (unsigned long long)b->n_roots);
}

static int build(struct builder *b)
{
	const struct reader *r = b->r;
	if (fit_grid(r, b->request, &b->grid))
		return -1;
	workload_init(b->w, parallel_n_ranks(&b->grid));
	parallel_make_groups(b->w, &b->grid);
	b->first_name = b->w->n_names;
	for (uint32_t i = 1; i < r->n_names; i++)
		workload_add_name(b->w, r->names[i]);
	b->n_embedding = common_embedding_calls(b);
	for (uint32_t stage = 0; stage < b->grid.stages; stage++)
		if (build_stage(b, stage)) {
			workload_release(b->w);
			return -1;
		}
	for (uint32_t rank = 0; rank < b->w->n_ranks; rank++)
		b->w->rank_program[rank] = parallel_stage(&b->grid, rank);
	say_assumed(b);
	return 0;
}

static void release(struct reader *r)
{
	for (size_t s = 0; s < r->n_sections; s++)
		free(r->sections[s].rows);
	free(r->sections);
	free(r->names);
	arena_release(&r->arena);
}

static int load(struct workload *workload, const struct trace_request *given, struct error *err)
{
	struct trace_request request = *given;
	struct text unused = TEXT_INIT;
	struct reader r = {.path = given->paths[0], .err = err, .n_names = 1};
	struct builder b = {.r = &r, .request = &request, .w = workload};
	size_t length;
	char *data;
	int result;
	if (request.n_paths != 1)
		return error_set(err, ERROR_INPUT, "%s: a communication list is one file, not %u", request.paths[0], request.n_paths);
	if (!(data = lines_read_file(r.path, LIMIT_BYTES, &length, err)))
		return -1;
	if (!request.assumed)
		request.assumed = &unused;
	r.lines = (struct lines){data, data + length, 0};
	result = read_sections(&r) || build(&b) ? -1 : 0;
	release(&r);
	text_release(&unused);
	free(data);
	return result;
}

static int recognise(const struct trace_head *head)
{
	static const char start[] = "comm_type,comm_group";
	const char *line = memchr(head->bytes, '\n', head->n), *text = (const char *)head->bytes;
	size_t n = sizeof start - 1;
	if (head->n >= n && !memcmp(text, start, n))
		return 100;
	if (!line || !memchr(text, '[', (size_t)(line - text)))
		return 0;
	return (size_t)(text + head->n - line) > n && !memcmp(line + 1, start, n) ? 100 : 0;
}

const struct trace_format trace_aicb = {"aicb", "a communication list of AICB (CSV)", recognise, load, .has_steps = true};
