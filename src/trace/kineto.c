/* Kineto traces as programs. Per rank, every device stream is a stream of operations in the order of their starts; what the trace does
 * not say, it shows: an operation waits for those of other streams that had ended when it began, and what is left between the last of
 * them and its start is time of the host, replayed as it was. A collective's recorded duration contains waiting for peers, so it is
 * simulated, not replayed. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "trace/formats.h"
#include "trace/kineto_read.h"
#include "trace/paths.h"
#include "trace/splits.h"
#include "workload/program.h"

#define LIMIT_RANKS (1u << 20)
#define LIMIT_STREAMS 64
/* Times in older files are whole microseconds: an operation that "began" within one of another's end may have waited for it. */
#define SLACK_NS 1000
/* Ranks on one machine share a clock; beyond this the ends of matched collectives say how far clocks are apart. */
#define CLOCK_SLACK_NS 1000000

struct member_group {
	char *name;
	uint32_t *ranks, n_ranks; /* ranks NULL: all */
};

struct loader {
	const struct trace_request *request;
	struct workload *w;
	struct error *err;
	struct kineto_trace *traces; /* [n_files], by rank */
	const char **paths;
	const char **files, **companions; /* as given: what is replayed, and execution traces that give sizes to it */
	uint32_t n_files;
	int64_t origin_ns, *clock_ns; /* start of everything; what to take off each rank's times */
	struct member_group *groups;
	size_t n_groups, groups_capacity;
	uint64_t n_unsized, n_block_groups, n_foreign, n_from_host;
	uint32_t n_untimed, n_companions;
	struct splits splits;
};

static const char *text_of(const struct kineto_trace *t, uint32_t index) { return index == KINETO_NONE ? NULL : t->texts[index]; }

/* --- what a kernel is ------------------------------------------------------------------------------------------------- */

struct meaning {
	enum { MEANS_COMPUTE, MEANS_COLLECTIVE, MEANS_SEND, MEANS_RECEIVE } what;
	enum collective_kind kind;
	int64_t bytes;            /* nccl-tests' size */
	struct kineto_comm comm;  /* for the group */
};

/* Bytes of an element from the kernel's name, as NCCL words types; -1. */
static int32_t kernel_element_bytes(const char *name)
{
	static const struct {
		const char *word;
		int32_t bytes;
	} words[] = {{"bf16", 2}, {"bfloat16", 2}, {"f16", 2}, {"half", 2}, {"f32", 4}, {"float", 4}, {"f64", 8}, {"double", 8},
		     {"int8", 1}, {"uint8", 1}, {"i8", 1}, {"u8", 1}, {"int32", 4}, {"uint32", 4}, {"i32", 4}, {"u32", 4}, {"int64", 8},
		     {"uint64", 8}, {"i64", 8}, {"u64", 8}, {"f8e4m3", 1}, {"f8e5m2", 1}};
	size_t end = strcspn(name, "(");
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t n = strlen(words[i].word);
		for (const char *p = name; (p = strstr(p, words[i].word)) && p + n <= name + end; p++)
			if (p > name && p[-1] == '_' && (p[n] == '_' || p[n] == '(' || p[n] == '\0'))
				return words[i].bytes;
	}
	return -1;
}

static bool kind_of(const char *name, enum collective_kind *kind)
{
	static const struct {
		const char *word;
		enum collective_kind kind;
	} words[] = {{"allreduce", COLLECTIVE_ALL_REDUCE}, {"allgather", COLLECTIVE_ALL_GATHER}, {"reducescatter", COLLECTIVE_REDUCE_SCATTER},
		     {"alltoall", COLLECTIVE_ALL_TO_ALL}, {"broadcast", COLLECTIVE_BROADCAST}, {"barrier", COLLECTIVE_BARRIER},
		     {"gather", COLLECTIVE_GATHER}, {"scatter", COLLECTIVE_SCATTER}, {"reduce", COLLECTIVE_REDUCE}};
	char plain[128];
	size_t n = 0;
	for (; *name && *name != '(' && n < sizeof plain - 1; name++)
		if (isalpha((unsigned char)*name))
			plain[n++] = (char)tolower((unsigned char)*name);
	plain[n] = '\0';
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strstr(plain, words[i].word)) {
			*kind = words[i].kind;
			return true;
		}
	return false;
}

static int by_launch(const void *a, const void *b)
{
	const struct kineto_launch *x = a, *y = b;
	return (x->correlation > y->correlation) - (x->correlation < y->correlation);
}

static int by_record(const void *a, const void *b)
{
	const struct kineto_record *x = a, *y = b;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

static int by_start(const void *a, const void *b)
{
	const struct kineto_kernel *x = a, *y = b;
	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return (x->stream > y->stream) - (x->stream < y->stream);
}

/* The host's record of the collective whose launch made this kernel: the latest on the launching thread that was open then. */
static const struct kineto_comm *host_record(const struct kineto_trace *t, const struct kineto_kernel *kernel)
{
	struct kineto_launch key = {.correlation = kernel->correlation};
	const struct kineto_launch *launch = !t->n_launches ? NULL : bsearch(&key, t->launches, t->n_launches, sizeof *t->launches, by_launch);
	if (!launch || !t->n_records)
		return NULL;
	size_t low = 0, high = t->n_records; /* first record after the launch */
	struct kineto_record at = {.thread = launch->thread, .start_ns = launch->start_ns};
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (by_record(&t->records[middle], &at) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0 && i + 8 > low; i--) {
		const struct kineto_record *record = &t->records[i - 1];
		if (record->thread != launch->thread)
			break;
		if (record->end_ns >= launch->start_ns)
			return &t->comms[record->comm];
	}
	return NULL;
}

/* nccl-tests' size from element counts: gathers and scatters count the n-times buffer. */
static int64_t whole_bytes(enum collective_kind kind, const struct kineto_comm *comm, int64_t group_size)
{
	int64_t in = comm->in_elements, out = comm->out_elements, elements = in;
	if (kind == COLLECTIVE_ALL_GATHER || kind == COLLECTIVE_GATHER)
		elements = out > 0 && out >= in ? out : in * group_size;
	else if (kind == COLLECTIVE_SCATTER || kind == COLLECTIVE_REDUCE_SCATTER || kind == COLLECTIVE_ALL_TO_ALL)
		elements = in > 0 ? in : out * (kind == COLLECTIVE_ALL_TO_ALL ? 1 : group_size);
	else if (in < 0)
		elements = out;
	if (elements < 0 || elements > INT64_MAX / 16)
		return -1;
	return elements * comm->element_bytes;
}

static struct meaning understand(struct loader *l, const struct kineto_trace *t, const struct kineto_kernel *kernel)
{
	struct meaning m = {.what = MEANS_COMPUTE};
	const char *kernel_name = t->texts[kernel->name];
	if (!kernel->nccl)
		return m;
	const struct kineto_comm *comm = kernel->comm != KINETO_NONE ? &t->comms[kernel->comm] : host_record(t, kernel);
	const char *name = comm ? text_of(t, comm->name) : NULL;
	if (!comm) {
		l->n_unsized++;
		return m;
	}
	m.comm = *comm;
	int32_t element = kernel->comm == KINETO_NONE ? kernel_element_bytes(kernel_name) : -1;
	if (element > 0 && m.comm.element_bytes < 0)
		m.comm.element_bytes = element;
	int64_t group_size = comm->group_size > 0 ? comm->group_size : (int64_t)l->w->n_ranks;
	bool message = name && (!strcmp(name, "send") || !strcmp(name, "recv"));
	if (message && m.comm.element_bytes > 0) {
		bool send = name[0] == 's';
		int32_t peer = send ? comm->destination : comm->source;
		m.bytes = (comm->in_elements > 0 ? comm->in_elements : comm->out_elements) * m.comm.element_bytes;
		if (peer >= 0 && (uint32_t)peer < l->w->n_ranks && m.bytes >= 0)
			m.what = send ? MEANS_SEND : MEANS_RECEIVE;
	} else if (m.comm.element_bytes > 0 && (kind_of(name ? name : kernel_name, &m.kind) ||
						(strstr(kernel_name, "SendRecv") && (m.kind = COLLECTIVE_ALL_TO_ALL, !message)))) {
		m.bytes = whole_bytes(m.kind, &m.comm, group_size);
		if (m.bytes >= 0)
			m.what = MEANS_COLLECTIVE;
	}
	l->n_unsized += m.what == MEANS_COMPUTE;
	return m;
}

/* --- groups ------------------------------------------------------------------------------------------------------------- */

/* Members from "[0, 1, 2]", or start and stride when the list is shortened; NULL: not described. */
static uint32_t *described_members(const struct kineto_trace *t, const struct kineto_comm *comm, uint32_t *n)
{
	const char *list = text_of(t, comm->ranks), *name = text_of(t, comm->group);
	for (size_t i = 0; (!list || strstr(list, "...")) && name && i < t->n_groups; i++)
		if (!strcmp(t->texts[t->groups[i].name], name))
			list = t->texts[t->groups[i].ranks];
	uint32_t *ranks = NULL;
	size_t capacity = 0;
	*n = 0;
	if (list && !strstr(list, "...")) {
		for (const char *p = list; *p;) {
			char *end;
			if (!isdigit((unsigned char)*p)) {
				p++;
				continue;
			}
			ARRAY_RESERVE(ranks, (size_t)*n + 1, capacity);
			ranks[(*n)++] = (uint32_t)strtoul(p, &end, 10);
			p = end;
		}
	} else if (comm->rank_start >= 0 && comm->rank_stride > 0 && comm->group_size > 0) {
		ranks = memory_zero((size_t)comm->group_size, sizeof *ranks);
		for (; *n < (uint32_t)comm->group_size; (*n)++)
			ranks[*n] = (uint32_t)comm->rank_start + *n * (uint32_t)comm->rank_stride;
	}
	return ranks;
}

/* Groups of a size and no more: blocks of ranks that follow each other, as launchers lay out the innermost parallelism. */
static uint32_t *block_members(struct loader *l, uint32_t rank, uint32_t size, uint32_t *n)
{
	uint32_t *ranks = memory_zero(size, sizeof *ranks), first = rank / size * size;
	for (*n = 0; *n < size && first + *n < l->w->n_ranks; (*n)++)
		ranks[*n] = first + *n;
	l->n_block_groups++;
	return ranks;
}

/* The group of a collective as an id of l->groups; equal names and members are one. */
static int find_group(struct loader *l, uint32_t rank, const struct kineto_trace *t, const struct kineto_comm *comm, int32_t stream,
		      uint32_t *id)
{
	uint32_t n = 0, *ranks = described_members(t, comm, &n);
	const char *name = text_of(t, comm->group);
	char by_stream[32]; /* a communicator without a name has a stream of its own */
	if (!name) {
		snprintf(by_stream, sizeof by_stream, "stream %d", stream);
		name = by_stream;
	}
	if (!ranks && comm->group_size > 0 && (uint32_t)comm->group_size < l->w->n_ranks)
		ranks = block_members(l, rank, (uint32_t)comm->group_size, &n);
	for (uint32_t i = 0; i < n; i++)
		if (ranks[i] >= l->w->n_ranks) {
			error_set(l->err, ERROR_INPUT, "%s: process group '%s' has rank %u, but %u ranks run (all of them are needed: one "
				  "file each, or a number of ranks to spread one rank's trace over)", l->paths[rank],
				  name, ranks[i], l->w->n_ranks);
			free(ranks);
			return -1;
		}
	for (size_t g = 0; g < l->n_groups; g++) {
		const struct member_group *group = &l->groups[g];
		bool same = !strcmp(group->name, name) && !group->ranks == !ranks && group->n_ranks == n;
		if (same && (!n || !memcmp(group->ranks, ranks, n * sizeof *ranks))) {
			free(ranks);
			*id = (uint32_t)g;
			return 0;
		}
	}
	ARRAY_RESERVE(l->groups, l->n_groups + 1, l->groups_capacity);
	l->groups[l->n_groups] = (struct member_group){memory_text(name), ranks, n};
	*id = (uint32_t)l->n_groups++;
	return 0;
}

/* Every group is a slot of its own: a rank's programs name their groups directly. */
static void add_groups(struct loader *l)
{
	workload_set_slots(l->w, (uint32_t)l->n_groups);
	for (size_t g = 0; g < l->n_groups; g++) {
		const struct member_group *group = &l->groups[g];
		uint32_t id = workload_add_group(l->w, arena_text(&l->w->arena, group->name), group->ranks,
						 group->ranks ? group->n_ranks : l->w->n_ranks);
		workload_assign_slot(l->w, (uint32_t)g, id, 1);
	}
}

/* --- one rank's program --------------------------------------------------------------------------------------------------- */

struct stream_state {
	int32_t id;
	uint32_t last_op;
	int64_t start_ns, end_ns; /* of the last operation */
	int64_t busy_ns;
};

struct builder {
	struct loader *l;
	struct kineto_trace *t;
	uint32_t rank;
	struct program *program;
	struct stream_state streams[LIMIT_STREAMS];
	uint32_t n_streams;
	uint32_t *names;          /* trace text → workload name + 1 */
};

static struct stream_state *stream_of(struct builder *b, int32_t id)
{
	for (uint32_t i = 0; i < b->n_streams; i++)
		if (b->streams[i].id == id)
			return &b->streams[i];
	if (b->n_streams == LIMIT_STREAMS)
		return NULL;
	b->streams[b->n_streams] = (struct stream_state){.id = id, .last_op = KINETO_NONE};
	return &b->streams[b->n_streams++];
}

/* Streams by what they computed: the busiest is stream 0, whose work counts as the rank's compute. */
static int find_streams(struct builder *b)
{
	uint32_t busiest = 0;
	for (size_t i = 0; i < b->t->n_kernels; i++) {
		const struct kineto_kernel *kernel = &b->t->kernels[i];
		struct stream_state *stream = stream_of(b, kernel->stream);
		if (!stream)
			return error_set(b->l->err, ERROR_INPUT, "%s: more than %d device streams", b->l->paths[b->rank], LIMIT_STREAMS);
		stream->busy_ns += kernel->nccl ? 0 : kernel->end_ns - kernel->start_ns;
	}
	for (uint32_t i = 1; i < b->n_streams; i++)
		if (b->streams[i].busy_ns > b->streams[busiest].busy_ns)
			busiest = i;
	struct stream_state swap = b->streams[0];
	b->streams[0] = b->streams[busiest];
	b->streams[busiest] = swap;
	return 0;
}

/* What the operation at start_ns waits for on other streams, and when the last of all it waits for ended. */
static uint32_t waits_for(const struct builder *b, const struct stream_state *own, int64_t start_ns, uint32_t *deps, int64_t *free_ns)
{
	uint32_t n = 0;
	*free_ns = own->last_op == KINETO_NONE ? b->l->origin_ns : own->end_ns;
	for (uint32_t i = 0; i < b->n_streams; i++) {
		const struct stream_state *other = &b->streams[i];
		if (other == own || other->last_op == KINETO_NONE || other->end_ns > start_ns + SLACK_NS)
			continue;
		if (own->last_op != KINETO_NONE && other->end_ns <= own->start_ns)
			continue; /* the operation before this one has waited for it already */
		deps[n++] = other->last_op;
		if (other->end_ns > *free_ns)
			*free_ns = other->end_ns;
	}
	return n;
}

static uint32_t add_op(struct builder *b, const struct op *op, const uint32_t *deps, uint32_t n_deps, const struct op_origin *origin)
{
	uint32_t index = program_add(b->program, op, deps, n_deps);
	ARRAY_RESERVE(b->program->origins, (size_t)index + 1, b->program->origins_capacity);
	b->program->origins[index] = *origin;
	return index;
}

static int32_t step_at(const struct kineto_trace *t, int64_t start_ns)
{
	for (size_t i = 0; i < t->n_steps; i++)
		if (start_ns >= t->steps[i].start_ns && start_ns < t->steps[i].end_ns)
			return (int32_t)t->steps[i].number;
	return -1;
}

static int fill_op(struct builder *b, const struct kineto_kernel *kernel, struct op *op)
{
	struct meaning m = understand(b->l, b->t, kernel);
	struct collective_call call = {.kind = m.kind, .bytes = m.bytes};
	uint32_t group;
	op->amount = (kernel->end_ns - kernel->start_ns) * PS_PER_NS;
	op->kind = OP_COMPUTE;
	op->group_slot = PEER_ABSOLUTE;
	if (m.what == MEANS_COLLECTIVE) {
		if (find_group(b->l, b->rank, b->t, &m.comm, kernel->stream, &group))
			return -1;
		op->kind = OP_COLLECTIVE;
		op->group_slot = (uint16_t)group;
		op->amount = program_add_call(b->program, &call);
		if (m.kind == COLLECTIVE_ALL_TO_ALL)
			splits_note(&b->l->splits, (uint32_t)(b->program - b->l->w->programs), b->program->n_ops, op->group_slot,
				    text_of(b->t, m.comm.in_splits), m.bytes);
	} else if (m.what != MEANS_COMPUTE) {
		op->kind = m.what == MEANS_SEND ? OP_SEND : OP_RECEIVE;
		op->peer = m.what == MEANS_SEND ? m.comm.destination : m.comm.source;
		op->amount = m.bytes;
	}
	return 0;
}

static uint32_t name_of(struct builder *b, uint32_t text)
{
	if (!b->names[text])
		b->names[text] = 1 + workload_add_name(b->l->w, arena_text(&b->l->w->arena, b->t->texts[text]));
	return b->names[text] - 1;
}

static int add_kernel(struct builder *b, const struct kineto_kernel *kernel, size_t number)
{
	uint32_t deps[LIMIT_STREAMS];
	struct stream_state *own = stream_of(b, kernel->stream);
	int64_t free_ns, clock_ns = b->l->clock_ns[b->rank], start_ns = kernel->start_ns - clock_ns, end_ns = kernel->end_ns - clock_ns;
	uint32_t n_deps = waits_for(b, own, start_ns, deps, &free_ns);
	uint16_t stream = (uint16_t)(own - b->streams);
	struct op_origin origin = {.trace_node = -1, .recorded_start_ps = TIME_NEVER, .recorded_end_ps = TIME_NEVER,
		.iteration = step_at(b->t, kernel->start_ns)};
	if (start_ns > free_ns) {
		struct op gap = {.kind = OP_COMPUTE, .flags = OP_HOST, .stream = stream, .group_slot = PEER_ABSOLUTE,
			.amount = (start_ns - free_ns) * PS_PER_NS};
		add_op(b, &gap, deps, n_deps, &origin);
		n_deps = 0; /* the gap has waited */
	}
	struct op op = {.stream = stream, .name = name_of(b, kernel->name)};
	if (fill_op(b, kernel, &op))
		return -1;
	origin.trace_node = (int64_t)number;
	if (!b->t->untimed) {
		origin.recorded_start_ps = (start_ns - b->l->origin_ns) * PS_PER_NS;
		origin.recorded_end_ps = (end_ns - b->l->origin_ns) * PS_PER_NS;
	}
	own->last_op = add_op(b, &op, deps, n_deps, &origin);
	own->start_ns = start_ns;
	own->end_ns = end_ns > own->end_ns || own->last_op == 0 ? end_ns : own->end_ns;
	return 0;
}

static int add_rank(struct loader *l, uint32_t rank)
{
	uint32_t index = workload_add_program(l->w);
	struct builder b = {.l = l, .t = &l->traces[rank], .rank = rank, .program = &l->w->programs[index]};
	int result = find_streams(&b);
	b.names = memory_zero(b.t->n_texts + 1, sizeof *b.names);
	b.program->n_streams = (uint16_t)(b.n_streams ? b.n_streams : 1);
	for (size_t i = 0; i < b.t->n_kernels && !result; i++)
		result = add_kernel(&b, &b.t->kernels[i], i);
	free(b.names);
	for (uint32_t r = rank; r < l->w->n_ranks; r += l->n_files)
		l->w->rank_program[r] = index;
	return result;
}

/* --- files: ranks, steps, clocks ---------------------------------------------------------------------------------------- */

/* Keeps the kernels that belong to one profiler step: those that start in it on the device's clock. */
static int select_step(struct loader *l, uint32_t rank, int64_t number)
{
	struct kineto_trace *t = &l->traces[rank];
	size_t kept = 0, s = 0;
	while (s < t->n_steps && t->steps[s].number != number)
		s++;
	if (s == t->n_steps) {
		struct text known = TEXT_INIT;
		for (size_t i = 0; i < t->n_steps; i++)
			text_printf(&known, "%s%lld", i ? ", " : "", (long long)t->steps[i].number);
		error_set(l->err, ERROR_INPUT, "%s: no profiler step %lld (known: %s)", l->paths[rank], (long long)number,
			  t->n_steps ? text_string(&known) : "none");
		text_release(&known);
		return -1;
	}
	for (size_t i = 0; i < t->n_kernels; i++)
		if (t->kernels[i].start_ns >= t->steps[s].start_ns && t->kernels[i].start_ns < t->steps[s].end_ns)
			t->kernels[kept++] = t->kernels[i];
	t->n_kernels = kept;
	return 0;
}

/* qsort and bsearch want an array even for no elements. */
static void sort(void *array, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	if (n)
		qsort(array, n, size, compare);
}

static bool is_execution_trace(const char *path)
{
	struct error ignored = {0};
	return trace_recognise(path, &ignored) == &trace_pytorch_et;
}

static int read_file(struct loader *l, uint32_t slot, const char *path)
{
	struct kineto_trace *t = &l->traces[slot];
	if ((is_execution_trace(path) ? et_read : kineto_read)(t, path, l->err))
		return -1;
	l->paths[slot] = path;
	l->n_untimed += t->untimed;
	for (size_t i = 0; i < t->n_kernels; i++) {
		t->kernels[i].start_ns += t->base_ns;
		t->kernels[i].end_ns += t->base_ns;
	}
	for (size_t i = 0; i < t->n_steps; i++) {
		t->steps[i].start_ns += t->base_ns;
		t->steps[i].end_ns += t->base_ns;
	}
	sort(t->kernels, t->n_kernels, sizeof *t->kernels, by_start);
	sort(t->launches, t->n_launches, sizeof *t->launches, by_launch);
	sort(t->records, t->n_records, sizeof *t->records, by_record);
	if (!t->n_kernels)
		return error_set(l->err, ERROR_INPUT, t->untimed ? "%s: no collectives in this trace" : "%s: no device kernels in this trace",
				 path);
	return 0;
}

static bool has_size(const struct kineto_trace *t, const struct kineto_kernel *kernel)
{
	const struct kineto_comm *comm = kernel->comm != KINETO_NONE ? &t->comms[kernel->comm] : host_record(t, kernel);
	return comm && (comm->in_elements > 0 || comm->out_elements > 0);
}

/* Kernels come in the order in which the host called their collectives: the k-th of one is the k-th of the other. */
static int join_companion(struct loader *l, uint32_t slot, const struct kineto_trace *host, const char *path)
{
	struct kineto_trace *t = &l->traces[slot];
	size_t n = 0, k = 0, n_alone = 0;
	bool skip_alone;
	for (size_t i = 0; i < t->n_kernels; i++)
		n += t->kernels[i].nccl;
	for (size_t i = 0; i < host->n_comms; i++)
		n_alone += host->comms[i].group_size == 1;
	skip_alone = n + n_alone == host->n_comms; /* NCCL launches no kernel for a group of one when the buffer stays in place */
	if (n != host->n_comms && !skip_alone)
		return error_set(l->err, ERROR_INPUT, "%s: %zu collectives, but '%s' has %zu NCCL kernels", path, host->n_comms, l->paths[slot], n);
	for (size_t i = 0; i < t->n_kernels; i++) {
		struct kineto_kernel *kernel = &t->kernels[i];
		struct kineto_comm comm;
		if (!kernel->nccl)
			continue;
		while (skip_alone && host->comms[k].group_size == 1)
			k++;
		comm = host->comms[k++];
		if (has_size(t, kernel))
			continue;
		uint32_t *const names[] = {&comm.group, &comm.name, &comm.in_splits}; /* texts live in the trace that names them */
		for (size_t text = 0; text < sizeof names / sizeof *names; text++) {
			uint32_t *index = names[text];
			if (*index == KINETO_NONE)
				continue;
			ARRAY_RESERVE(t->texts, t->n_texts + 1, t->texts_capacity);
			t->texts[t->n_texts] = arena_text(&t->arena, host->texts[*index]);
			*index = (uint32_t)t->n_texts++;
		}
		ARRAY_RESERVE(t->comms, t->n_comms + 1, t->comms_capacity);
		t->comms[t->n_comms] = comm;
		kernel->comm = (uint32_t)t->n_comms++;
		l->n_from_host++;
	}
	return 0;
}

/* Execution traces beside Kineto's give sizes; each belongs to the rank that it names, else to that of its place. */
static int read_companions(struct loader *l)
{
	for (uint32_t i = 0; i < l->n_companions; i++) {
		const char *path = l->companions[i];
		struct kineto_trace host;
		uint32_t slot;
		int result;
		if (et_read(&host, path, l->err))
			return -1;
		slot = host.rank >= 0 && host.rank < l->n_files ? (uint32_t)host.rank : i;
		result = slot < l->n_files ? join_companion(l, slot, &host, path)
					   : error_set(l->err, ERROR_INPUT, "%s: an execution trace without the Kineto trace of its rank", path);
		kineto_release(&host);
		if (result)
			return -1;
	}
	return 0;
}

static int missing_rank(const struct loader *l, uint32_t file)
{
	uint32_t missing = 0;
	for (uint32_t i = 0; i < l->n_files;) {
		bool there = l->traces[i].rank == missing;
		missing += there;
		i = there ? 0 : i + 1;
	}
	return error_set(l->err, ERROR_INPUT, "%s: rank %lld, but rank %u is missing (%u files: expected ranks 0 to %u, one file each)",
			 l->paths[file], (long long)l->traces[file].rank, missing, l->n_files, l->n_files - 1);
}

/* Files in the order of the ranks that they name; when they name none, in the order of their numbers or as given. */
static int read_files(struct loader *l)
{
	uint32_t n = l->n_files;
	for (uint32_t i = 0; i < n; i++)
		if (read_file(l, i, l->files[i]))
			return -1;
	for (uint32_t i = 0; i < n && n > 1; i++) {
		while (l->traces[i].rank >= 0 && l->traces[i].rank != i) {
			uint32_t to = (uint32_t)l->traces[i].rank;
			if (l->traces[i].rank >= n)
				return missing_rank(l, i);
			if (l->traces[to].rank == to)
				return error_set(l->err, ERROR_INPUT, "%s: rank %u is also in '%s'", l->paths[i], to, l->paths[to]);
			struct kineto_trace trace = l->traces[to];
			const char *path = l->paths[to];
			l->traces[to] = l->traces[i];
			l->paths[to] = l->paths[i];
			l->traces[i] = trace;
			l->paths[i] = path;
		}
	}
	return 0;
}

static int compare_i64(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* How far a rank's clock is from rank 0's: the median over the ends of their k-th NCCL kernels; 0 within CLOCK_SLACK_NS. */
static int64_t clock_offset(const struct kineto_trace *first, const struct kineto_trace *t)
{
	int64_t *apart = memory_zero(t->n_kernels + 1, sizeof *apart), offset = 0;
	size_t n = 0, i = 0, j = 0;
	for (;; i++, j++) {
		while (i < first->n_kernels && !first->kernels[i].nccl)
			i++;
		while (j < t->n_kernels && !t->kernels[j].nccl)
			j++;
		if (i >= first->n_kernels || j >= t->n_kernels)
			break;
		apart[n++] = t->kernels[j].end_ns - first->kernels[i].end_ns;
	}
	qsort(apart, n, sizeof *apart, compare_i64);
	if (n >= 3 && (apart[n / 2] > CLOCK_SLACK_NS || apart[n / 2] < -CLOCK_SLACK_NS))
		offset = apart[n / 2];
	free(apart);
	return offset;
}

static void align_clocks(struct loader *l)
{
	l->origin_ns = INT64_MAX;
	for (uint32_t i = 0; i < l->n_files; i++) {
		const struct kineto_trace *t = &l->traces[i];
		l->clock_ns[i] = i ? clock_offset(&l->traces[0], t) : 0;
		if (t->n_kernels && t->kernels[0].start_ns - l->clock_ns[i] < l->origin_ns)
			l->origin_ns = t->kernels[0].start_ns - l->clock_ns[i];
	}
}

static void say_assumed(const struct loader *l)
{
	struct text *out = l->request->assumed;
	uint32_t n_moved = 0;
	if (!out)
		return;
	for (uint32_t i = 0; i < l->n_files; i++)
		n_moved += l->clock_ns[i] != 0;
	if (l->n_untimed)
		text_printf(out, "an execution trace has no device times: its collectives follow each other at once\n");
	else
		text_printf(out, "an operation waits for those of other streams that had ended when it began; gaps are replayed\n");
	if (n_moved)
		text_printf(out, "the clocks of %u ranks were aligned to rank 0's by the ends of their collectives\n", n_moved);
	if (l->n_unsized)
		text_printf(out, "%llu NCCL kernels have no size in the trace and are replayed as computation\n",
			    (unsigned long long)l->n_unsized);
	if (l->n_from_host)
		text_printf(out, "%llu NCCL kernels have their size from the execution traces given\n", (unsigned long long)l->n_from_host);
	if (l->n_block_groups)
		text_printf(out, "groups that are known by size only are taken as blocks of consecutive ranks\n");
	if (l->n_files < l->w->n_ranks)
		text_printf(out, "%u ranks share the traces of %u\n", l->w->n_ranks, l->n_files);
}

static int load_all(struct loader *l)
{
	if (read_files(l) || read_companions(l))
		return -1;
	for (uint32_t rank = 0; rank < l->n_files && l->request->step >= 0; rank++)
		if (select_step(l, rank, l->request->step))
			return -1;
	align_clocks(l);
	for (uint32_t rank = 0; rank < l->n_files; rank++)
		if (add_rank(l, rank))
			return -1;
	add_groups(l);
	splits_join(&l->splits, l->w, l->request->assumed);
	say_assumed(l);
	return 0;
}

/* Execution traces beside Kineto traces are companions; alone they are what is replayed. */
static void sort_paths(struct loader *l, const struct trace_request *request)
{
	uint32_t n = request->n_paths;
	l->files = memory_zero(n, sizeof *l->files);
	l->companions = memory_zero(n, sizeof *l->companions);
	for (uint32_t i = 0; i < n; i++) {
		bool host = n > 1 && is_execution_trace(request->paths[i]);
		*(host ? &l->companions[l->n_companions++] : &l->files[l->n_files++]) = request->paths[i];
	}
	if (!request->by_rank) {
		trace_paths_sort(l->files, l->n_files);
		trace_paths_sort(l->companions, l->n_companions);
	}
	if (!l->n_files) {
		const char **swap = l->files;
		l->files = l->companions;
		l->companions = swap;
		l->n_files = l->n_companions;
		l->n_companions = 0;
	}
}

static void release(struct loader *l)
{
	for (uint32_t i = 0; l->traces && i < l->n_files; i++)
		kineto_release(&l->traces[i]);
	for (size_t g = 0; g < l->n_groups; g++) {
		free(l->groups[g].name);
		free(l->groups[g].ranks);
	}
	free(l->groups);
	free(l->traces);
	free(l->paths);
	free(l->clock_ns);
	free(l->files);
	free(l->companions);
	splits_release(&l->splits);
}

static int load(struct workload *workload, const struct trace_request *request, struct error *err)
{
	struct loader l = {.request = request, .w = workload, .err = err};
	sort_paths(&l, request);
	uint32_t n = l.n_files, n_ranks = request->n_ranks ? request->n_ranks : n;
	int result;
	if (n_ranks > LIMIT_RANKS || n_ranks % n) {
		release(&l);
		return error_set(err, ERROR_INPUT, "traces of %u ranks cannot run on %u ranks (expected a multiple, at most %u)", n, n_ranks,
				 LIMIT_RANKS);
	}
	workload_init(workload, n_ranks);
	l.traces = memory_zero(n, sizeof *l.traces);
	l.paths = memory_zero(n, sizeof *l.paths);
	l.clock_ns = memory_zero(n, sizeof *l.clock_ns);
	result = load_all(&l);
	release(&l);
	if (result)
		workload_release(workload);
	return result;
}

static int recognise(const struct trace_head *head)
{
	char text[TRACE_HEAD_BYTES + 1];
	memcpy(text, head->bytes, head->n);
	text[head->n] = '\0';
	if (memchr(text, '\0', head->n))
		return 0;
	if (strstr(text, "\"traceEvents\"") || strstr(text, "\"deviceProperties\"") || strstr(text, "\"distributedInfo\""))
		return 70;
	return strstr(text, "\"ph\"") ? 40 : 0;
}

const struct trace_format trace_kineto = {"kineto", "Kineto (PyTorch profiler) JSON, plain or gzip", recognise, load,
	.has_steps = true};

/* PyTorch writes "schema" first and "nodes" soon after; Chakra's JSON dialect has neither. */
static int recognise_et(const struct trace_head *head)
{
	char text[TRACE_HEAD_BYTES + 1];
	memcpy(text, head->bytes, head->n);
	text[head->n] = '\0';
	return strstr(text, "\"schema\"") && strstr(text, "\"nodes\"") && !strstr(text, "\"traceEvents\"") ? 80 : 0;
}

const struct trace_format trace_pytorch_et = {"pytorch-et", "a PyTorch execution trace JSON, plain or gzip", recognise_et, load,
	.has_steps = true};
