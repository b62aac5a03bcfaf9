#include "report/explain_records.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"

static int read_column(const struct explain_records *records, const char *variable, int64_t **out, int64_t *n, struct error *err)
{
	return (*out = timeline_integers(records->timeline, variable, n, err)) ? 0 : -1;
}

/* ---- operations ---- */

static int read_ops(struct explain_records *records, struct error *err)
{
	struct explain_ops *ops = &records->ops;
	const struct { const char *variable; int64_t **out; } columns[] = {
		{"/ops/rank", &ops->rank}, {"/ops/index", &ops->index}, {"/ops/kind", &ops->kind}, {"/ops/name", &ops->name},
		{"/ops/group", &ops->group}, {"/ops/collective", &ops->collective}, {"/ops/ready_ps", &ops->ready_ps},
		{"/ops/start_ps", &ops->start_ps}, {"/ops/end_ps", &ops->end_ps}, {"/ops/released_by", &ops->released_by},
		{"/ops/after_rank", &ops->after_rank}, {"/ops/after_index", &ops->after_index}, {"/ops/finished_by", &ops->finished_by},
		{"/ops/finished_ps", &ops->finished_ps}, {"/ops/host", &ops->host},
	};
	uint32_t n_kinds;
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		if (read_column(records, columns[i].variable, columns[i].out, &ops->n, err))
			return -1;
	ops->kinds = timeline_meanings(records->timeline, "/ops/kind", &n_kinds);
	ops->names = timeline_texts(records->timeline, "/ops/op_names", NULL, err);
	return ops->names ? 0 : -1;
}

static void index_ops(struct explain_ops *ops)
{
	for (int64_t i = 0; i < ops->n; i++)
		if (ops->rank[i] >= ops->n_ranks)
			ops->n_ranks = ops->rank[i] + 1;
	ops->rank_first = memory_zero((size_t)ops->n_ranks + 2, sizeof *ops->rank_first);
	for (int64_t i = 0; i < ops->n; i++) /* first: how many indices each rank has */
		if (ops->index[i] >= ops->rank_first[ops->rank[i] + 1])
			ops->rank_first[ops->rank[i] + 1] = ops->index[i] + 1;
	for (int64_t r = 0; r < ops->n_ranks; r++)
		ops->rank_first[r + 1] += ops->rank_first[r];
	int64_t n = ops->rank_first[ops->n_ranks];
	ops->row = memory_alloc(((size_t)n + 1) * sizeof *ops->row);
	for (int64_t i = 0; i < n; i++)
		ops->row[i] = -1;
	for (int64_t i = 0; i < ops->n; i++)
		ops->row[ops->rank_first[ops->rank[i]] + ops->index[i]] = i;
}

int64_t explain_op_row(const struct explain_records *records, int64_t rank, int64_t index)
{
	const struct explain_ops *ops = &records->ops;
	if (rank < 0 || index < 0 || rank >= ops->n_ranks || index >= ops->rank_first[rank + 1] - ops->rank_first[rank])
		return -1;
	return ops->row[ops->rank_first[rank] + index];
}

/* ---- messages ---- */

static int read_messages(struct explain_records *records, struct error *err)
{
	struct explain_messages *messages = &records->messages;
	const struct { const char *variable; int64_t **out; } columns[] = {
		{"/messages/message", &messages->id}, {"/messages/source", &messages->source}, {"/messages/bytes", &messages->bytes},
		{"/messages/start_ps", &messages->start_ps}, {"/messages/end_ps", &messages->end_ps},
		{"/messages/collective", &messages->collective}, {"/messages/kind", &messages->kind}, {"/messages/path", &messages->path},
	};
	uint32_t n_kinds;
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		if (read_column(records, columns[i].variable, columns[i].out, &messages->n, err))
			return -1;
	messages->kinds = timeline_meanings(records->timeline, "/messages/kind", &n_kinds);
	return 0;
}

static int64_t largest(const int64_t *values, int64_t n)
{
	int64_t most = -1;
	for (int64_t i = 0; i < n; i++)
		most = values[i] > most ? values[i] : most;
	return most;
}

/* /releases has the messages in the order of issue, /messages in that of delivery. */
static int read_releases(struct explain_records *records, struct error *err)
{
	struct explain_messages *messages = &records->messages;
	int64_t *id = NULL, *column = NULL, n = 0;
	const struct { const char *variable; int64_t **out; } columns[] = {
		{"/releases/cause", &messages->cause}, {"/releases/time_ps", &messages->release_ps}, {"/releases/rank", &messages->rank},
		{"/releases/index", &messages->index},
	};
	if (read_column(records, "/releases/message", &id, &n, err))
		return -1;
	messages->n_ids = 1 + (largest(messages->id, messages->n) > largest(id, n) ? largest(messages->id, messages->n) : largest(id, n));
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
		if (read_column(records, columns[i].variable, &column, NULL, err)) {
			free(id);
			return -1;
		}
		*columns[i].out = memory_alloc(((size_t)messages->n_ids + 1) * sizeof **columns[i].out);
		memset(*columns[i].out, 0xff, ((size_t)messages->n_ids + 1) * sizeof **columns[i].out); /* −1 */
		for (int64_t k = 0; k < n; k++)
			(*columns[i].out)[id[k]] = column[k];
		free(column);
	}
	free(id);
	return 0;
}

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

static void index_messages(struct explain_messages *messages)
{
	struct started *order = memory_alloc(((size_t)messages->n + 1) * sizeof *order);
	messages->row = memory_alloc(((size_t)messages->n_ids + 1) * sizeof *messages->row);
	messages->by_start = memory_alloc(((size_t)messages->n + 1) * sizeof *messages->by_start);
	messages->block_end = memory_zero((size_t)messages->n / EXPLAIN_BLOCK + 1, sizeof *messages->block_end);
	for (int64_t i = 0; i < messages->n_ids; i++)
		messages->row[i] = -1;
	for (int64_t i = 0; i < messages->n; i++) {
		messages->row[messages->id[i]] = i;
		order[i] = (struct started){messages->start_ps[i], i};
	}
	qsort(order, (size_t)messages->n, sizeof *order, by_start);
	for (int64_t i = 0; i < messages->n; i++) {
		int64_t *latest = &messages->block_end[i / EXPLAIN_BLOCK];
		messages->by_start[i] = order[i].row;
		*latest = messages->end_ps[order[i].row] > *latest ? messages->end_ps[order[i].row] : *latest;
	}
	free(order);
}

/* ---- routes ---- */

static int compare_integers(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

/* The links of a route's paths [from, to), each once, with the weight of the paths that cross it. */
static int64_t merge_route(struct explain_routes *routes, int64_t at, const int64_t *offsets, const int64_t *hops, const int64_t *weight,
			   int64_t from, int64_t to)
{
	struct { int64_t link, weight; } *pairs = memory_alloc(((size_t)(offsets[to] - offsets[from]) + 1) * sizeof *pairs);
	int64_t n = 0, first = at;
	for (int64_t p = from; p < to; p++)
		for (int64_t h = offsets[p]; h < offsets[p + 1]; h++) {
			pairs[n].link = hops[h];
			pairs[n++].weight = weight[p];
		}
	qsort(pairs, (size_t)n, sizeof *pairs, compare_integers); /* by link: weights only add up */
	for (int64_t i = 0; i < n; i++) {
		if (at > first && routes->link[at - 1] == pairs[i].link) {
			routes->weight[at - 1] += pairs[i].weight;
			continue;
		}
		routes->link[at] = pairs[i].link;
		routes->weight[at++] = pairs[i].weight;
	}
	free(pairs);
	return at;
}

static void merge_routes(struct explain_routes *routes, const int64_t *first, const int64_t *offsets, const int64_t *hops,
			 const int64_t *weight, const int64_t *latency)
{
	int64_t at = 0;
	for (int64_t r = 0; r < routes->n; r++) {
		routes->first[r] = at;
		at = merge_route(routes, at, offsets, hops, weight, first[r], first[r + 1]);
		for (int64_t p = first[r]; p < first[r + 1]; p++) {
			int64_t sum = 0;
			for (int64_t h = offsets[p]; h < offsets[p + 1]; h++)
				sum += latency[hops[h]];
			routes->latency_ps[r] = sum > routes->latency_ps[r] ? sum : routes->latency_ps[r];
			routes->total_weight[r] += weight[p];
		}
	}
	routes->first[routes->n] = at;
}

/* Routes whose links stand as paths of one link each say their weight and latency themselves; older files have none of them. */
static int read_spread(struct explain_records *records, struct error *err)
{
	struct explain_routes *routes = &records->routes;
	int64_t *weight = NULL, *latency_ps = NULL;
	if (!timeline_has(records->timeline, "/paths/route_weight"))
		return 0;
	int status = read_column(records, "/paths/route_weight", &weight, NULL, err) ||
		     read_column(records, "/paths/route_latency_ps", &latency_ps, NULL, err) ? -1 : 0;
	for (int64_t r = 0; status == 0 && r < routes->n; r++) {
		routes->total_weight[r] = weight[r];
		routes->latency_ps[r] = latency_ps[r];
	}
	free(weight);
	free(latency_ps);
	return status;
}

static int read_routes(struct explain_records *records, struct error *err)
{
	struct explain_routes *routes = &records->routes;
	int64_t *first = NULL, *weight = NULL, *offsets = NULL, *hops = NULL, *latency = NULL, n_hops = 0;
	int status = -1;
	if (!read_column(records, "/paths/route_offsets", &first, &routes->n, err) && !read_column(records, "/paths/weight", &weight, NULL, err) &&
	    !read_column(records, "/paths/offsets", &offsets, NULL, err) && !read_column(records, "/paths/links", &hops, &n_hops, err) &&
	    !read_column(records, "/links/latency_ps", &latency, NULL, err)) {
		routes->n--;
		routes->first = memory_zero((size_t)routes->n + 1, sizeof *routes->first);
		routes->total_weight = memory_zero((size_t)routes->n + 1, sizeof *routes->total_weight);
		routes->latency_ps = memory_zero((size_t)routes->n + 1, sizeof *routes->latency_ps);
		routes->link = memory_alloc(((size_t)n_hops + 1) * sizeof *routes->link);
		routes->weight = memory_alloc(((size_t)n_hops + 1) * sizeof *routes->weight);
		merge_routes(routes, first, offsets, hops, weight, latency);
		status = read_spread(records, err);
	}
	free(first);
	free(weight);
	free(offsets);
	free(hops);
	free(latency);
	return status;
}

/* ---- names ---- */

/* Of each row of /groups; those without a name of their own go by their workload, whatever else is in
 * the run: labels must match between two runs. NULL: no groups. */
static const char **name_groups(struct explain_records *records, int64_t *n)
{
	struct timeline *timeline = records->timeline;
	const char **names = timeline_has(timeline, "/groups/name") ? timeline_texts(timeline, "/groups/name", n, NULL) : NULL;
	int64_t *workload = names && timeline_has(timeline, "/groups/workload") ? timeline_integers(timeline, "/groups/workload", NULL, NULL)
										: NULL;
	for (int64_t g = 0; workload && g < *n; g++)
		if (!*names[g])
			names[g] = arena_format(&records->arena, "workload %lld", (long long)workload[g]);
	free(workload);
	return names;
}

static int label_collectives(struct explain_records *records, struct error *err)
{
	struct timeline *timeline = records->timeline;
	uint32_t n_kinds = 0;
	int64_t n = 0, n_groups = 0, *id = timeline_integers(timeline, "/collectives/collective", &n, err);
	int64_t *kind = id ? timeline_integers(timeline, "/collectives/kind", NULL, err) : NULL;
	int64_t *group = kind ? timeline_integers(timeline, "/collectives/group", NULL, err) : NULL;
	const char *const *kinds = timeline_meanings(timeline, "/collectives/kind", &n_kinds);
	const char **groups = name_groups(records, &n_groups);
	records->n_collectives = group ? largest(id, n) + 1 : 0;
	records->collective_labels = arena_array(&records->arena, (size_t)records->n_collectives + 1, sizeof *records->collective_labels);
	for (int64_t i = 0; group && i < n; i++) {
		const char *what = kind[i] < n_kinds ? kinds[kind[i]] : "collective";
		bool named = groups && group[i] >= 0 && group[i] < n_groups && *groups[group[i]];
		records->collective_labels[id[i]] = named ? arena_format(&records->arena, "%s of %s", what, groups[group[i]]) : what;
	}
	int status = group ? 0 : -1;
	free(id);
	free(kind);
	free(group);
	free(groups);
	return status;
}

static const char *collective_label(const struct explain_records *records, int64_t id)
{
	const char *label = id >= 0 && id < records->n_collectives ? records->collective_labels[id] : NULL;
	return label ? label : "collective that did not end";
}

const char *explain_message_label(const struct explain_records *records, int64_t row)
{
	int64_t id = records->messages.collective[row];
	return id < 0 ? "messages" : collective_label(records, id);
}

const char *explain_op_label(const struct explain_records *records, int64_t row)
{
	const struct explain_ops *ops = &records->ops;
	if (ops->collective[row] >= 0)
		return collective_label(records, ops->collective[row]);
	return ops->name[row] >= 0 ? ops->names[ops->name[row]] : ops->kinds[ops->kind[row]];
}

/* ---- all ---- */

static int check_detail(struct timeline *timeline, struct error *err)
{
	if (!strcmp(timeline_text(timeline, "model"), "loggops"))
		return error_set(err, ERROR_INPUT, "timeline '%s' is of model 'loggops', which records no cause of messages: explain does not "
				 "cover it", timeline_path(timeline));
	if (!timeline_has(timeline, "/ops/rank") || !timeline_has(timeline, "/messages/message"))
		return error_set(err, ERROR_INPUT, "timeline '%s' was recorded with detail '%s': explain needs the operations and messages of "
				 "detail 'messages', 'intervals' or 'all' (output: {detail: messages})", timeline_path(timeline),
				 timeline_text(timeline, "detail"));
	if (!timeline_has(timeline, "/releases/message") || !timeline_has(timeline, "/ops/finished_by"))
		return error_set(err, ERROR_INPUT, "timeline '%s' was written by weft %s, which did not record what released each message: run "
				 "its scenario again", timeline_path(timeline), timeline_text(timeline, "weft_version"));
	if (strstr(timeline_text(timeline, "dropped"), "messages"))
		return error_set(err, ERROR_INPUT, "timeline '%s' gave up its messages at the size limit: raise output.size_limit",
				 timeline_path(timeline));
	if (!timeline_has(timeline, "/paths/links"))
		return error_set(err, ERROR_INPUT, "timeline '%s' has status '%s' and no paths: only a run that came to its end can be explained",
				 timeline_path(timeline), timeline_text(timeline, "status"));
	return 0;
}

static int read_changes(struct explain_records *records, struct error *err)
{
	records->states = timeline_meanings(records->timeline, "/link_changes/state", &records->n_states);
	records->causes = timeline_meanings(records->timeline, "/link_changes/cause", &records->n_causes);
	return read_column(records, "/link_changes/link", &records->change_link, &records->n_changes, err) ||
	       read_column(records, "/link_changes/time_ps", &records->change_ps, NULL, err) ||
	       read_column(records, "/link_changes/state", &records->change_state, NULL, err) ||
	       read_column(records, "/link_changes/capacity", &records->change_capacity, NULL, err) ||
	       read_column(records, "/link_changes/cause", &records->change_cause, NULL, err) ? -1 : 0;
}

static void index_changes(struct explain_records *records)
{
	int64_t n = records->links.n_links, *next = memory_zero((size_t)n + 1, sizeof *next);
	records->change_first = memory_zero((size_t)n + 1, sizeof *records->change_first);
	records->change_row = memory_alloc(((size_t)records->n_changes + 1) * sizeof *records->change_row);
	for (int64_t c = 0; c < records->n_changes; c++)
		next[records->change_link[c]]++;
	for (int64_t l = 0; l < n; l++) {
		records->change_first[l + 1] = records->change_first[l] + next[l];
		next[l] = records->change_first[l];
	}
	for (int64_t c = 0; c < records->n_changes; c++)
		records->change_row[next[records->change_link[c]]++] = c;
	free(next);
}

/* When collectives asked for circuits, and when they had them. */
static int read_requests(struct explain_records *records, struct error *err)
{
	int64_t *collective = NULL, *asked = NULL, *begun = NULL, n = 0;
	records->asked_ps = memory_alloc(((size_t)records->n_collectives + 1) * sizeof *records->asked_ps);
	records->begun_ps = memory_alloc(((size_t)records->n_collectives + 1) * sizeof *records->begun_ps);
	for (int64_t i = 0; i < records->n_collectives; i++)
		records->asked_ps[i] = records->begun_ps[i] = -1;
	if (!timeline_has(records->timeline, "/circuit_requests/collective"))
		return 0;
	int status = read_column(records, "/circuit_requests/collective", &collective, &n, err) ||
		     read_column(records, "/circuit_requests/asked_ps", &asked, NULL, err) ||
		     read_column(records, "/circuit_requests/begun_ps", &begun, NULL, err) ? -1 : 0;
	for (int64_t i = 0; i < n && !status; i++)
		if (collective[i] >= 0 && collective[i] < records->n_collectives) {
			records->asked_ps[collective[i]] = asked[i];
			records->begun_ps[collective[i]] = begun[i];
		}
	free(collective);
	free(asked);
	free(begun);
	return status;
}

static int read_outages(struct explain_records *records, struct error *err)
{
	if (!timeline_has(records->timeline, "/outages/rank")) /* an older file */
		return 0;
	if (read_column(records, "/reroutes/message", &records->reroute_message, &records->n_reroutes, err) ||
	    read_column(records, "/reroutes/link", &records->reroute_link, NULL, err))
		return -1;
	records->outage_effects = timeline_meanings(records->timeline, "/outages/effect", &records->n_outage_effects);
	records->outage_slow = timeline_numbers(records->timeline, "/outages/slow", NULL, err);
	return !records->outage_slow || read_column(records, "/outages/rank", &records->outage_rank, &records->n_outages, err) ||
	       read_column(records, "/outages/effect", &records->outage_effect, NULL, err) ||
	       read_column(records, "/outages/start_ps", &records->outage_start_ps, NULL, err) ||
	       read_column(records, "/outages/end_ps", &records->outage_end_ps, NULL, err) ? -1 : 0;
}

int explain_records_read(struct explain_records *records, struct timeline *timeline, struct error *err)
{
	memset(records, 0, sizeof *records);
	records->timeline = timeline;
	records->time_ps = timeline_integer(timeline, "/summary/time_ps", 0);
	records->complete = !strcmp(timeline_text(timeline, "status"), "complete");
	records->latency_last = strcmp(timeline_text(timeline, "model"), "packet") != 0;
	if (check_detail(timeline, err) || read_ops(records, err) || read_messages(records, err) || read_releases(records, err) ||
	    read_routes(records, err) || timeline_links_read(timeline, &records->links, err) || read_changes(records, err) ||
	    label_collectives(records, err) || read_requests(records, err) || read_outages(records, err)) {
		explain_records_release(records);
		return -1;
	}
	index_ops(&records->ops);
	index_messages(&records->messages);
	index_changes(records);
	return 0;
}

void explain_records_release(struct explain_records *records)
{
	struct explain_ops *ops = &records->ops;
	struct explain_messages *messages = &records->messages;
	struct explain_routes *routes = &records->routes;
	void *columns[] = {
		ops->rank, ops->index, ops->kind, ops->name, ops->group, ops->collective, ops->ready_ps, ops->start_ps, ops->end_ps,
		ops->released_by, ops->after_rank, ops->after_index, ops->finished_by, ops->finished_ps, ops->host, ops->rank_first, ops->row,
		ops->names, messages->id, messages->source, messages->bytes, messages->start_ps, messages->end_ps, messages->collective,
		messages->kind, messages->path, messages->row, messages->cause, messages->release_ps, messages->rank, messages->index,
		messages->by_start, messages->block_end, routes->first, routes->link, routes->weight, routes->total_weight, routes->latency_ps,
		records->change_link, records->change_ps, records->change_state, records->change_capacity, records->change_cause,
		records->change_first, records->change_row, records->asked_ps, records->begun_ps, records->outage_rank, records->outage_effect,
		records->outage_start_ps, records->outage_end_ps, records->outage_slow, records->reroute_message, records->reroute_link,
	};
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		free(columns[i]);
	timeline_links_release(&records->links);
	arena_release(&records->arena);
	memset(records, 0, sizeof *records);
}
