#include "report/explain_path.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Where the walk is: everything after now_ps is explained. */
struct walk {
	struct explain_path *path;
	const struct explain_records *records;
	enum explain_view view;
	int64_t op, now_ps;
	int64_t floor_ps;           /* a communication is followed no further back */
	int64_t *computes, n_computes; /* EXPLAIN_RANK: rows of the rank's computations by start */
	int64_t *latest;            /* [i]: of computes[0 … i] the one that ends last */
	struct error *err;
};

/* ---- when the rank computed ---- */

struct started {
	int64_t start_ps, row;
};

static int by_start(const void *a, const void *b)
{
	const struct started *x = a, *y = b;
	if (x->start_ps != y->start_ps)
		return x->start_ps < y->start_ps ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

static bool computes(const struct explain_ops *ops, int64_t row)
{
	return !strcmp(ops->kinds[ops->kind[row]], "compute") && !ops->host[row];
}

static void find_computes(struct walk *walk, int64_t rank)
{
	const struct explain_ops *ops = &walk->records->ops;
	int64_t n = 0, first = ops->rank_first[rank], end = ops->rank_first[rank + 1];
	struct started *order = memory_alloc((size_t)(end - first + 1) * sizeof *order);
	for (int64_t i = first; i < end; i++)
		if (ops->row[i] >= 0 && computes(ops, ops->row[i]))
			order[n++] = (struct started){ops->start_ps[ops->row[i]], ops->row[i]};
	qsort(order, (size_t)n, sizeof *order, by_start);
	walk->computes = memory_alloc((size_t)(n + 1) * sizeof *walk->computes);
	walk->latest = memory_alloc((size_t)(n + 1) * sizeof *walk->latest);
	walk->n_computes = n;
	for (int64_t i = 0; i < n; i++) {
		walk->computes[i] = order[i].row;
		walk->latest[i] = i && ops->end_ps[walk->latest[i - 1]] >= ops->end_ps[order[i].row] ? walk->latest[i - 1] : order[i].row;
	}
	free(order);
}

/* The computation that ends last among those that started before now; −1: none. */
static int64_t last_compute(const struct walk *walk)
{
	int64_t low = 0, high = walk->n_computes;
	while (low < high) {
		int64_t middle = (low + high) / 2;
		if (walk->records->ops.start_ps[walk->computes[middle]] < walk->now_ps)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? walk->latest[low - 1] : -1;
}

/* ---- steps ---- */

static int contradiction(struct walk *walk, const char *what, int64_t subject)
{
	return error_set(walk->err, ERROR_INPUT, "timeline '%s' contradicts itself at %lld ps: %s %lld is not where the records say",
			 timeline_path(walk->records->timeline), (long long)walk->now_ps, what, (long long)subject);
}

/* A step from from_ps to now; nothing when it took no time. */
static void step(struct walk *walk, enum explain_step_kind kind, int64_t from_ps, int64_t rank, int64_t message)
{
	struct explain_path *path = walk->path;
	if (from_ps >= walk->now_ps)
		return;
	ARRAY_RESERVE(path->steps, (size_t)path->n + 1, path->capacity);
	path->steps[path->n++] = (struct explain_step){kind, from_ps, walk->now_ps, rank, walk->op, message, 0};
	walk->now_ps = from_ps;
}

static int64_t op_rank(const struct walk *walk) { return walk->records->ops.rank[walk->op]; }

static int64_t at_least(const struct walk *walk, int64_t time_ps)
{
	return walk->view == EXPLAIN_RANK && time_ps < walk->floor_ps ? walk->floor_ps : time_ps;
}

/* One message and what released it: back to the release. Returns 1 at the message that the start of an operation released. */
static int message_back(struct walk *walk, int64_t *id)
{
	const struct explain_messages *messages = &walk->records->messages;
	int64_t row = *id < messages->n_ids ? messages->row[*id] : -1, rank = op_rank(walk);
	int64_t own = walk->op, sender = row < 0 ? -1 : explain_op_row(walk->records, messages->rank[*id], messages->index[*id]);
	if (sender < 0)
		return contradiction(walk, "message", *id);
	int64_t end_ps = messages->end_ps[row] < walk->now_ps ? messages->end_ps[row] : walk->now_ps, n = walk->path->n;
	step(walk, EXPLAIN_LOCAL, at_least(walk, end_ps), rank, -1);
	if (walk->view == EXPLAIN_PATH)
		walk->op = sender;
	int64_t from_ps = at_least(walk, messages->start_ps[row]);
	step(walk, EXPLAIN_MESSAGE, from_ps, op_rank(walk), row);
	if (walk->path->n > n && walk->path->steps[walk->path->n - 1].kind == EXPLAIN_MESSAGE)
		walk->path->steps[walk->path->n - 1].cut_ps = from_ps - messages->start_ps[row];
	step(walk, EXPLAIN_LOCAL, at_least(walk, messages->release_ps[*id]), op_rank(walk), -1);
	walk->op = own;
	if (messages->release_ps[*id] > walk->now_ps)
		return contradiction(walk, "the release of message", *id);
	*id = messages->cause[*id] < 0 ? *id : messages->cause[*id];
	return messages->cause[messages->id[row]] < 0;
}

/* From the end of a communication back through its messages, to the start of the operation that began the chain; in the view of a
 * rank, to floor_ps. */
static int chain_back(struct walk *walk)
{
	const struct explain_records *records = walk->records;
	const struct explain_ops *ops = &records->ops;
	int64_t id = ops->finished_by[walk->op], rank = op_rank(walk);
	if (id < 0) {
		step(walk, EXPLAIN_LOCAL, walk->floor_ps, rank, -1);
		return 0;
	}
	step(walk, EXPLAIN_LOCAL, at_least(walk, ops->finished_ps[walk->op]), rank, -1);
	for (int begun = 0; !begun;) {
		if (walk->view == EXPLAIN_RANK && walk->now_ps <= walk->floor_ps)
			return 0;
		if ((begun = message_back(walk, &id)) < 0)
			return -1;
	}
	int64_t origin = explain_op_row(records, records->messages.rank[id], records->messages.index[id]);
	if (walk->view == EXPLAIN_RANK) {
		step(walk, EXPLAIN_WAIT_RANK, walk->floor_ps, records->messages.rank[id], -1);
		return 0;
	}
	if (origin < 0 || ops->start_ps[origin] != walk->now_ps)
		return contradiction(walk, "the operation that sent message", id);
	walk->op = origin;
	return 0;
}

/* A communication; in the view of a rank only what is exposed of it, then the computation that went on until then. */
static int communication_back(struct walk *walk)
{
	const struct explain_ops *ops = &walk->records->ops;
	int64_t compute = walk->view == EXPLAIN_RANK ? last_compute(walk) : -1;
	walk->floor_ps = ops->start_ps[walk->op];
	if (compute < 0 || ops->end_ps[compute] <= walk->floor_ps)
		return chain_back(walk);
	walk->floor_ps = ops->end_ps[compute] < walk->now_ps ? ops->end_ps[compute] : walk->now_ps;
	if (walk->now_ps > walk->floor_ps && chain_back(walk))
		return -1;
	walk->op = compute;
	step(walk, EXPLAIN_COMPUTE, ops->start_ps[compute], op_rank(walk), -1);
	return 0;
}

static int operation_back(struct walk *walk)
{
	const struct explain_ops *ops = &walk->records->ops;
	const char *kind = ops->kinds[ops->kind[walk->op]];
	if (strcmp(kind, "compute") && strcmp(kind, "wait"))
		return communication_back(walk);
	step(walk, computes(ops, walk->op) ? EXPLAIN_COMPUTE : EXPLAIN_HOST, ops->start_ps[walk->op], op_rank(walk), -1);
	return 0;
}

/* The last operation of a rank that had ended by now, for a rank that waits for another workload; −1: none. */
static int64_t last_ended(const struct walk *walk, int64_t rank)
{
	const struct explain_ops *ops = &walk->records->ops;
	int64_t best = -1;
	for (int64_t i = ops->rank_first[rank]; i < ops->rank_first[rank + 1]; i++) {
		int64_t row = ops->row[i];
		if (row >= 0 && row != walk->op && ops->end_ps[row] <= walk->now_ps && (best < 0 || ops->end_ps[row] > ops->end_ps[best]))
			best = row;
	}
	return best;
}

/* To what made the operation ready. 1: the start of the run. */
static int release_back(struct walk *walk, bool *at_end)
{
	const struct explain_ops *ops = &walk->records->ops;
	int64_t rank = op_rank(walk), by = ops->released_by[walk->op] < 0 ? -1 : explain_op_row(walk->records, rank, ops->released_by[walk->op]);
	step(walk, EXPLAIN_STREAM, ops->ready_ps[walk->op], rank, -1);
	if (by < 0 && ops->released_by[walk->op] >= 0)
		return contradiction(walk, "operation", ops->released_by[walk->op]);
	if (by < 0 && ops->after_rank[walk->op] >= 0) {
		by = explain_op_row(walk->records, ops->after_rank[walk->op], ops->after_index[walk->op]);
		if (walk->view == EXPLAIN_RANK && ops->after_rank[walk->op] != rank) {
			by = last_ended(walk, rank);
			step(walk, EXPLAIN_WAIT_RANK, by < 0 ? 0 : ops->end_ps[by], ops->after_rank[walk->op], -1);
		}
	}
	if (by < 0)
		return walk->now_ps == 0 ? 1 : contradiction(walk, "the beginning of operation", ops->index[walk->op]);
	if (ops->end_ps[by] != walk->now_ps && ops->start_ps[by] != walk->now_ps)
		return contradiction(walk, "operation", ops->index[by]);
	*at_end = ops->end_ps[by] == walk->now_ps;
	walk->op = by;
	return 0;
}

/* The operation that ended last: at one time, of the lowest rank; of that, the one that was issued last. */
static int64_t last_operation(const struct explain_ops *ops)
{
	int64_t best = -1;
	for (int64_t i = 0; i < ops->n; i++) {
		if (best < 0 || ops->end_ps[i] > ops->end_ps[best] ||
		    (ops->end_ps[i] == ops->end_ps[best] && (ops->rank[i] < ops->rank[best] ||
							    (ops->rank[i] == ops->rank[best] && ops->index[i] > ops->index[best]))))
			best = i;
	}
	return best;
}

static void reverse(struct explain_path *path)
{
	for (int64_t i = 0, j = path->n - 1; i < j; i++, j--) {
		struct explain_step kept = path->steps[i];
		path->steps[i] = path->steps[j];
		path->steps[j] = kept;
	}
}

int explain_path_find(struct explain_path *path, const struct explain_records *records, enum explain_view view, struct error *err)
{
	struct walk walk = {.path = path, .records = records, .view = view, .op = -1, .now_ps = records->time_ps, .err = err};
	int64_t last = last_operation(&records->ops), left = records->ops.n + 1;
	bool at_end = true;
	*path = (struct explain_path){.rank = last < 0 ? -1 : records->ops.rank[last]};
	step(&walk, EXPLAIN_REST, last < 0 ? 0 : records->ops.end_ps[last], path->rank, -1);
	walk.op = last;
	if (last >= 0 && view == EXPLAIN_RANK)
		find_computes(&walk, path->rank);
	for (int done = last < 0; !done;) {
		if (left-- == 0)
			done = contradiction(&walk, "a circle of operations through", records->ops.index[walk.op]);
		else if (at_end && operation_back(&walk))
			done = -1;
		else
			done = release_back(&walk, &at_end);
		if (done < 0)
			break;
	}
	free(walk.computes);
	free(walk.latest);
	reverse(path);
	if (left < 0 || walk.now_ps == 0)
		return 0;
	explain_path_release(path);
	return -1;
}

void explain_path_release(struct explain_path *path)
{
	free(path->steps);
	path->steps = NULL;
	path->n = 0;
}
