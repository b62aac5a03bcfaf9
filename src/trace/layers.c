/* Layer tables as programs: one program per stage, shared by all its ranks.
 *
 * Without pipeline stages the rows run as their simulators run them: forward rows in order, each waiting for its collective;
 * backward rows in reverse, input gradients waited for, weight gradients' collectives not. With stages the rows of one micro-batch
 * are found by their repetition and run in 1F1B order (arXiv 2006.09503), activations and gradients between stages as messages. */
#include "trace/layers.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "trace/formats.h"
#include "trace/parallel.h"

#define NONE UINT32_MAX
#define DEFAULT_RANKS 8     /* of a table that does not say: one node */
#define LIMIT_OPS 200000000u /* over all stages */
#define LEAST_FORWARD_BYTES 4096 /* ASTRA-sim raises smaller forward collectives to it */

enum { STREAM_BLOCKING = 1, STREAM_WEIGHTS, STREAM_SEND_FORWARD, STREAM_RECEIVE_FORWARD, STREAM_SEND_BACK, STREAM_RECEIVE_BACK,
       STREAM_EMBEDDING };

struct builder {
	struct workload *w;
	const struct layer_table *table;
	struct parallel_grid grid;
	bool simai;
	uint32_t program, last, join; /* the chain of blocking operations, and what its next one waits for besides */
	uint32_t *names;         /* [n_rows] */
	uint32_t n_silent;       /* collectives in columns in which the policy has none, or in groups of one */
	uint32_t n_raised;
	uint32_t stage;
	struct error *err;
};

static struct program *program_of(struct builder *b) { return &b->w->programs[b->program]; }

/* Appends to the chain. */
static void chain(struct builder *b, struct op op)
{
	uint32_t deps[2], n = 0;
	if (b->last != NONE)
		deps[n++] = b->last;
	if (b->join != NONE)
		deps[n++] = b->join;
	b->join = NONE;
	b->last = program_add(program_of(b), &op, deps, n);
}

static void compute(struct builder *b, uint32_t row, enum layer_pass pass)
{
	int64_t ns = b->table->rows[row].work[pass].compute_ns;
	if (ns)
		chain(b, (struct op){.kind = OP_COMPUTE, .stream = STREAM_COMPUTE, .amount = ns * PS_PER_NS, .name = b->names[row]});
}

/* --- collectives -------------------------------------------------------------------------------------------------------- */

/* The group that a policy gives a column; PARALLEL_GROUPS: it does not communicate. */
static enum parallel_group group_of(const struct layer_row *row, bool first, enum layer_pass pass)
{
	bool weight = pass == LAYER_WEIGHT;
	if (row->work[pass].suffix != LAYER_PLAIN)
		return row->work[pass].suffix == LAYER_EP ? PARALLEL_EXPERT : PARALLEL_EXPERT_DATA;
	switch ((enum layer_policy)row->policy) {
	case LAYERS_DATA: case LAYERS_MICRO: return weight ? PARALLEL_ALL : PARALLEL_GROUPS;
	case LAYERS_MODEL: return weight ? PARALLEL_GROUPS : PARALLEL_ALL;
	case LAYERS_DLRM: return weight || first ? PARALLEL_ALL : PARALLEL_GROUPS;
	case LAYERS_MODEL_DATA: return weight ? PARALLEL_TENSOR : PARALLEL_DATA;
	default: return weight ? PARALLEL_DATA : PARALLEL_TENSOR;
	}
}

/* nccl-tests' size of what the table says. */
static int64_t size_of(struct builder *b, const struct layer_pass_work *work, enum layer_pass pass, uint32_t n)
{
	int64_t bytes = work->bytes;
	if (pass == LAYER_FORWARD && bytes < LEAST_FORWARD_BYTES) {
		bytes = LEAST_FORWARD_BYTES;
		b->n_raised++;
	}
	if (work->kind == COLLECTIVE_ALL_GATHER && !b->simai) /* one rank's contribution */
		return bytes > COLLECTIVE_MAX_BYTES / n ? COLLECTIVE_MAX_BYTES + 1 : bytes * n;
	return bytes;
}

/* The collective of a row's column as an operation; false when there is none. */
static bool collective_op(struct builder *b, uint32_t row, enum layer_pass pass, uint16_t stream, struct op *op)
{
	const struct layer_row *r = &b->table->rows[row];
	const struct layer_pass_work *work = &r->work[pass];
	enum parallel_group group = group_of(r, row == 0, pass);
	struct collective_call call = {.kind = (enum collective_kind)work->kind};
	uint32_t n;
	if (work->kind == COLLECTIVE_KINDS || !work->bytes)
		return false;
	n = group == PARALLEL_GROUPS ? 1 : parallel_group_size(&b->grid, group);
	if (n < 2) {
		b->n_silent++;
		return false;
	}
	call.bytes = size_of(b, work, pass, n);
	if (call.bytes > COLLECTIVE_MAX_BYTES)
		error_set(b->err, ERROR_INPUT, "line %d: a collective of more than %lld bytes", r->line, (long long)COLLECTIVE_MAX_BYTES);
	*op = (struct op){.kind = OP_COLLECTIVE, .stream = stream, .group_slot = (uint16_t)group, .name = b->names[row],
			  .amount = program_add_call(program_of(b), &call)};
	return true;
}

static void blocking(struct builder *b, uint32_t row, enum layer_pass pass)
{
	struct op op;
	if (collective_op(b, row, pass, STREAM_BLOCKING, &op))
		chain(b, op);
}

/* Starts after the chain so far, which goes on without it; the update follows. */
static void background(struct builder *b, uint32_t row)
{
	int64_t update_ns = b->table->rows[row].update_ns;
	uint32_t done;
	struct op op;
	if (!collective_op(b, row, LAYER_WEIGHT, STREAM_WEIGHTS, &op))
		return;
	done = program_add(program_of(b), &op, &b->last, b->last != NONE);
	if (update_ns)
		program_add(program_of(b), &(struct op){.kind = OP_WAIT, .stream = STREAM_NONE, .amount = update_ns * PS_PER_NS,
			    .name = b->names[row]}, &done, 1);
}

/* --- passes over rows --------------------------------------------------------------------------------------------------- */

static void forward_row(struct builder *b, uint32_t row)
{
	compute(b, row, LAYER_FORWARD);
	blocking(b, row, LAYER_FORWARD);
}

static void forward(struct builder *b, uint32_t first, uint32_t end)
{
	for (uint32_t row = first; row < end; row++)
		forward_row(b, row);
}

/* A row that initiates runs forward again from the last checkpoint before it. */
static void recompute(struct builder *b, uint32_t row)
{
	uint32_t from = row;
	while (from && !b->table->rows[from].checkpoint)
		from--;
	forward(b, from, row);
}

static void backward(struct builder *b, uint32_t first, uint32_t end)
{
	for (uint32_t row = end; row-- > first;) {
		if (b->table->rows[row].initiator)
			recompute(b, row);
		compute(b, row, LAYER_INPUT);
		blocking(b, row, LAYER_INPUT);
		compute(b, row, LAYER_WEIGHT);
		background(b, row);
	}
}

/* The embedding's all-to-all runs beside the bottom layers and is waited for after the last of them. */
static void forward_dlrm(struct builder *b)
{
	int64_t last_bottom = b->table->header.last_bottom;
	uint32_t exchange = NONE;
	struct op op;
	for (uint32_t row = 0; row < b->table->n_rows; row++) {
		compute(b, row, LAYER_FORWARD);
		if (row == 0 && last_bottom > 0 && collective_op(b, row, LAYER_FORWARD, STREAM_EMBEDDING, &op))
			exchange = program_add(program_of(b), &op, &b->last, b->last != NONE);
		else
			blocking(b, row, LAYER_FORWARD);
		if (row == last_bottom)
			b->join = exchange;
	}
}

static void micro(struct builder *b)
{
	for (uint32_t row = 0; row < b->table->n_rows; row++)
		blocking(b, row, LAYER_WEIGHT);
}

/* --- pipeline ----------------------------------------------------------------------------------------------------------- */

struct period {
	uint32_t first, length;  /* rows of the first micro-batch; the others follow */
};

/* Times may differ: the first micro-batch's embedding holds what happens once. */
static bool same_row(const struct layer_row *a, const struct layer_row *b)
{
	for (int pass = 0; pass < LAYER_PASSES; pass++)
		if (a->work[pass].kind != b->work[pass].kind || a->work[pass].suffix != b->work[pass].suffix ||
		    a->work[pass].bytes != b->work[pass].bytes)
			return false;
	return !strcmp(a->name, b->name);
}

/* The longest stretch that repeats n times; length 0: none does. */
static struct period find_period(const struct layer_table *table, uint32_t n)
{
	for (uint32_t length = table->n_rows / n; length; length--) {
		uint32_t run = 0;
		for (uint32_t row = 0; row + length < table->n_rows; row++) {
			run = same_row(&table->rows[row], &table->rows[row + length]) ? run + 1 : 0;
			if (run == length * (n - 1))
				return (struct period){row + 1 - run, length};
		}
	}
	return (struct period){0, 0};
}

static void send_on(struct builder *b, int direction)
{
	uint32_t peer_stage = b->stage + (uint32_t)direction;
	bool ahead = direction > 0;
	if (peer_stage < b->grid.stages)
		program_add(program_of(b), &(struct op){.kind = OP_SEND, .stream = ahead ? STREAM_SEND_FORWARD : STREAM_SEND_BACK,
			    .group_slot = PARALLEL_PIPELINE, .peer = direction, .tag = !ahead, .amount = b->table->header.stage_bytes},
			    &b->last, b->last != NONE);
}

/* Posted at once; what the chain does next waits for it. */
static void receive_from(struct builder *b, int direction)
{
	bool behind = direction < 0;
	if (b->stage + (uint32_t)direction < b->grid.stages)
		b->join = program_add(program_of(b), &(struct op){.kind = OP_RECEIVE,
				      .stream = behind ? STREAM_RECEIVE_FORWARD : STREAM_RECEIVE_BACK, .group_slot = PARALLEL_PIPELINE,
				      .peer = direction, .tag = !behind, .amount = b->table->header.stage_bytes}, NULL, 0);
}

static void forward_microbatch(struct builder *b, struct period period, uint32_t i)
{
	receive_from(b, -1);
	forward(b, period.first + i * period.length, period.first + (i + 1) * period.length);
	send_on(b, 1);
}

static void backward_microbatch(struct builder *b, struct period period, uint32_t i)
{
	receive_from(b, 1);
	backward(b, period.first + i * period.length, period.first + (i + 1) * period.length);
	send_on(b, -1);
}

static void pipelined(struct builder *b, struct period period, uint32_t n)
{
	uint32_t ahead = b->grid.stages - 1 - b->stage, end = period.first + n * period.length;
	uint32_t warm = ahead < n ? ahead : n;
	forward(b, 0, period.first);
	for (uint32_t i = 0; i < n + warm; i++) {
		if (i < n)
			forward_microbatch(b, period, i);
		if (i >= warm)
			backward_microbatch(b, period, i - warm);
	}
	forward(b, end, b->table->n_rows);
	backward(b, end, b->table->n_rows);
	backward(b, 0, period.first);
}

/* --- tables ------------------------------------------------------------------------------------------------------------- */

static void build_stage(struct builder *b, struct period period, uint32_t n_microbatches)
{
	b->program = workload_add_program(b->w);
	b->last = b->join = NONE;
	if (b->table->policy == LAYERS_MICRO) {
		micro(b);
	} else if (b->grid.stages > 1) {
		pipelined(b, period, n_microbatches);
	} else {
		if (b->table->policy == LAYERS_DLRM)
			forward_dlrm(b);
		else
			forward(b, 0, b->table->n_rows);
		backward(b, 0, b->table->n_rows);
	}
}

static bool has_dimensions(const struct layer_table *table)
{
	return table->policy == LAYERS_DATA_MODEL || table->policy == LAYERS_MODEL_DATA || table->policy == LAYERS_CUSTOMIZED;
}

/* What the header says of a size, within what ranks there can be; 1 when it says nothing. */
static int header_size(const struct builder *b, int64_t value, const char *name, uint32_t *size)
{
	if (value == 0 || value > (int64_t)PARALLEL_MAX_RANKS)
		return error_set(b->err, ERROR_INPUT, "line 1: %s of %lld (1 to %u)", name, (long long)value, PARALLEL_MAX_RANKS);
	*size = value < 0 ? 1 : (uint32_t)value;
	return 0;
}

/* Enough for every group that the table uses to have two members. */
static uint32_t default_ranks(const struct builder *b)
{
	uint64_t n = (uint64_t)b->grid.tensor * b->grid.stages * b->grid.expert;
	if (has_dimensions(b->table))
		return 2 * DEFAULT_RANKS;
	if (n < 2)
		return DEFAULT_RANKS;
	for (uint32_t row = 0; row < b->table->n_rows; row++)
		if (b->grid.expert < 2 && b->table->rows[row].work[LAYER_WEIGHT].kind != COLLECTIVE_KINDS)
			return n > PARALLEL_MAX_RANKS ? UINT32_MAX : (uint32_t)n * 2;
	return n > PARALLEL_MAX_RANKS ? UINT32_MAX : (uint32_t)n;
}

static int fit_grid(struct builder *b, const struct trace_request *request)
{
	const struct layer_header *h = &b->table->header;
	struct parallel_grid *grid = &b->grid;
	uint32_t n_ranks = request->n_ranks, stated = 0;
	if (header_size(b, h->tensor, "model_parallel_NPU_group", &grid->tensor) || header_size(b, h->expert, "ep", &grid->expert) ||
	    header_size(b, h->stages, "pp", &grid->stages) || header_size(b, h->ranks, "all_gpus", &stated))
		return -1;
	if (!n_ranks)
		n_ranks = h->ranks > 0 ? stated : default_ranks(b);
	if (!request->n_ranks && h->ranks < 0)
		text_printf(request->assumed, "  the table does not say how many ranks: %u (--replicate N for more)\n", n_ranks);
	if (h->tensor < 0 && has_dimensions(b->table)) {
		grid->tensor = n_ranks < DEFAULT_RANKS ? n_ranks : DEFAULT_RANKS;
		text_printf(request->assumed, "  dimension 0 of the network is %u ranks\n", grid->tensor);
	}
	if ((uint64_t)b->table->n_rows * 8 * grid->stages > LIMIT_OPS)
		return error_set(b->err, ERROR_INPUT, "%u rows on %u stages are too many", b->table->n_rows, grid->stages);
	return parallel_fit(grid, n_ranks, b->err);
}

static int find_microbatches(struct builder *b, const struct trace_request *request, struct period *period, uint32_t *n)
{
	const struct layer_header *h = &b->table->header;
	*n = h->microbatches > 0 && h->microbatches <= b->table->n_rows ? (uint32_t)h->microbatches : 1;
	*period = (struct period){0, b->table->n_rows};
	if (b->grid.stages < 2)
		return 0;
	if (h->stage_bytes < 0 || h->stage_bytes > COLLECTIVE_MAX_BYTES)
		return error_set(b->err, ERROR_INPUT, "line 1: %u stages need pp_comm, the bytes between them", b->grid.stages);
	if (h->microbatches > 1)
		*period = find_period(b->table, *n);
	if (!period->length || (h->microbatches > 0 && *n != h->microbatches))
		return error_set(b->err, ERROR_INPUT, "no rows repeat %lld times, once for every micro-batch (ga)", (long long)h->microbatches);
	text_printf(request->assumed,
		    "  stages run rows %u to %u, once for each of %u micro-batches, in 1F1B order; every stage does the same work,\n"
		    "  first and last layers included; rows after them run after the last backward pass, the update at the end\n",
		    period->first, period->first + period->length - 1, *n);
	return 0;
}

static void say_assumed(const struct builder *b, struct text *out)
{
	const struct layer_table *table = b->table;
	text_printf(out, "  sizes are %s\n", b->simai ? "whole buffers (SimAI)"
						      : "ASTRA-sim's: an all-gather's is what one rank gives (--format layers-simai: whole buffers)");
	text_printf(out, "  ranks: %u tensor × %u data (%u expert) × %u pipeline, neighbours in that order\n", b->grid.tensor, b->grid.data,
		    b->grid.expert, b->grid.stages);
	if (table->stated_rows > table->n_rows)
		text_printf(out, "  line 2 says %lld rows, %u are there\n", (long long)table->stated_rows, table->n_rows);
	if (table->n_surplus)
		text_printf(out, "  line 2 says %lld rows, %u lines after them were not read\n", (long long)table->stated_rows, table->n_surplus);
	if (b->n_silent)
		text_printf(out, "  %u collectives have nobody to talk to (group of one, or a column in which %s has none)\n", b->n_silent,
			    layer_policy_names[table->policy]);
	if (b->n_raised)
		text_printf(out, "  %u forward collectives below %d bytes were raised to it, as ASTRA-sim does\n", b->n_raised,
			    LEAST_FORWARD_BYTES);
	if (table->header.chunks > 1)
		text_puts(out, "  vpp was not used: the generator writes the number of layers there\n");
}

static int build(struct builder *b, const struct trace_request *request)
{
	struct period period = {0, 0};
	uint32_t n_microbatches = 1;
	if (fit_grid(b, request) || find_microbatches(b, request, &period, &n_microbatches))
		return -1;
	workload_init(b->w, parallel_n_ranks(&b->grid));
	parallel_make_groups(b->w, &b->grid);
	b->names = arena_array(&b->w->arena, b->table->n_rows, sizeof *b->names);
	for (uint32_t row = 0; row < b->table->n_rows; row++)
		b->names[row] = workload_add_name(b->w, b->table->rows[row].name);
	for (b->stage = 0; b->stage < b->grid.stages; b->stage++)
		build_stage(b, period, n_microbatches);
	for (uint32_t rank = 0; rank < b->w->n_ranks; rank++)
		b->w->rank_program[rank] = parallel_stage(&b->grid, rank);
	if (b->err->code) {
		workload_release(b->w);
		return -1;
	}
	say_assumed(b, request->assumed);
	return 0;
}

static int load(struct workload *workload, const struct trace_request *given, bool simai, struct error *err)
{
	struct trace_request request = *given;
	struct text unused = TEXT_INIT;
	struct layer_table table;
	struct error local = {0};
	struct builder b = {.w = workload, .table = &table, .err = &local};
	if (request.n_paths != 1)
		return error_set(err, ERROR_INPUT, "%s: a layer table is one file, not %u", request.paths[0], request.n_paths);
	if (layer_table_read(&table, request.paths[0], err))
		return -1;
	if (!request.assumed)
		request.assumed = &unused;
	b.simai = request.format ? simai : table.simai;
	if (build(&b, &request))
		error_set(err, local.code, "%s: %s", request.paths[0], local.message);
	text_release(&unused);
	layer_table_release(&table);
	return local.code ? -1 : 0;
}

static int recognise_astra(const struct trace_head *head)
{
	return layer_table_recognise((const char *)head->bytes, head->n) == 1 ? 90 : 0;
}
static int recognise_simai(const struct trace_head *head)
{
	return layer_table_recognise((const char *)head->bytes, head->n) == 2 ? 90 : 0;
}
static int load_astra(struct workload *workload, const struct trace_request *request, struct error *err)
{
	return load(workload, request, false, err);
}
static int load_simai(struct workload *workload, const struct trace_request *request, struct error *err)
{
	return load(workload, request, true, err);
}

const struct trace_format trace_layers_astra = {"layers", "a layer table of ASTRA-sim 1", recognise_astra, load_astra, false, false};
const struct trace_format trace_layers_simai = {"layers-simai", "a layer table of SimAI (AICB)", recognise_simai, load_simai, false, false};
