#include "report/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/error.h"

struct part_entry {
	char *key;
	int64_t part;
	UT_hash_handle hh;
};

static const char *const share_names[EXPLAIN_SHARES] = {
	[EXPLAIN_LATENCY] = "latency", [EXPLAIN_SERIALIZATION] = "serialization", [EXPLAIN_QUEUEING] = "queueing",
	[EXPLAIN_FAILURE] = "failure", [EXPLAIN_DETECTION] = "detection", [EXPLAIN_REPLAY] = "replay", [EXPLAIN_CIRCUIT] = "circuit", [EXPLAIN_WAKING] = "waking", [EXPLAIN_SWITCHING] = "switching",
};
static const char *const step_names[] = {
	[EXPLAIN_COMPUTE] = "compute", [EXPLAIN_HOST] = "host", [EXPLAIN_STREAM] = "stream", [EXPLAIN_LOCAL] = "local",
	[EXPLAIN_MESSAGE] = "message", [EXPLAIN_WAIT_RANK] = "wait", [EXPLAIN_REST] = "unfinished",
};

/* ---- parts ---- */

/* The gathered part of these names: their texts are copied. */
static struct explain_part *part_of(struct explain_parts *parts, const char *class, const char *of, const char *behind, const char *where)
{
	struct part_entry *entry;
	char *key = arena_format(&parts->arena, "%s\n%s\n%s\n%s", class, of, behind ? behind : "", where ? where : "");
	HASH_FIND_STR(parts->index, key, entry);
	if (!entry) {
		entry = arena_alloc(&parts->arena, sizeof *entry);
		entry->key = key;
		entry->part = parts->n;
		HASH_ADD_KEYPTR(hh, parts->index, entry->key, strlen(entry->key), entry);
		ARRAY_RESERVE(parts->parts, (size_t)parts->n + 1, parts->capacity);
		parts->parts[parts->n++] = (struct explain_part){
			arena_text(&parts->arena, class), arena_text(&parts->arena, of), behind ? arena_text(&parts->arena, behind) : NULL,
			where ? arena_text(&parts->arena, where) : NULL, 0, 0};
	}
	return &parts->parts[entry->part];
}

static void add_part(struct explain_parts *parts, const char *class, const char *of, const char *behind, const char *where, int64_t time_ps,
		     int64_t count)
{
	struct explain_part *part = part_of(parts, class, of, behind, where);
	part->time_ps += time_ps;
	part->count += count;
}

static int64_t magnitude(int64_t value) { return value < 0 ? -value : value; }

static int compare_names(const struct explain_part *x, const struct explain_part *y)
{
	int order = strcmp(x->class, y->class);
	if (!order)
		order = strcmp(x->of, y->of);
	return order ? order : strcmp(x->behind ? x->behind : "", y->behind ? y->behind : "");
}

static int compare_parts(const void *a, const void *b)
{
	const struct explain_part *x = a, *y = b;
	int order = compare_names(x, y);
	if (order)
		return order;
	if (magnitude(x->time_ps) != magnitude(y->time_ps))
		return magnitude(x->time_ps) > magnitude(y->time_ps) ? -1 : 1;
	return strcmp(x->where ? x->where : "", y->where ? y->where : "");
}

static void finish_parts(struct explain_parts *parts)
{
	HASH_CLEAR(hh, parts->index);
	if (parts->n)
		qsort(parts->parts, (size_t)parts->n, sizeof *parts->parts, compare_parts);
}

int64_t explain_parts_sum(const struct explain_parts *parts)
{
	int64_t sum = 0;
	for (int64_t i = 0; i < parts->n; i++)
		sum += parts->parts[i].time_ps;
	return sum;
}

void explain_parts_release(struct explain_parts *parts)
{
	free(parts->parts);
	arena_release(&parts->arena);
	memset(parts, 0, sizeof *parts);
}

void explain_difference(const struct explain_parts *a, const struct explain_parts *b, struct explain_parts *out)
{
	memset(out, 0, sizeof *out);
	for (int64_t i = 0; i < b->n; i++)
		add_part(out, b->parts[i].class, b->parts[i].of, b->parts[i].behind, b->parts[i].where, b->parts[i].time_ps, b->parts[i].count);
	for (int64_t i = 0; i < a->n; i++)
		add_part(out, a->parts[i].class, a->parts[i].of, a->parts[i].behind, a->parts[i].where, -a->parts[i].time_ps,
			 -a->parts[i].count);
	finish_parts(out);
}

/* ---- from a path ---- */

/* "backward 31" and "backward 30" are one sort: a number at the end counts. */
static const char *sort_of(struct arena *arena, const char *name)
{
	size_t n = strlen(name), end = n;
	while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9')
		end--;
	return end < n && end > 1 && name[end - 1] == ' ' ? arena_format(arena, "%.*s", (int)(end - 1), name) : name;
}

static void add_message(struct explain_parts *parts, const struct explain_records *records, const struct explain_step *step)
{
	struct explain_share shares[EXPLAIN_SHARES_MAX];
	const char *name = explain_op_label(records, step->op);
	const char *of = records->ops.collective[step->op] >= 0 ? name : sort_of(&parts->arena, name);
	uint32_t n = explain_split(records, step, shares);
	for (uint32_t i = 0; i < n; i++)
		if (shares[i].time_ps)
			add_part(parts, share_names[shares[i].kind], of, shares[i].behind,
				 shares[i].link < 0 ? NULL : records->links.names[shares[i].link], shares[i].time_ps, 1);
}

/* The part of a step in which its collective waited for the circuits that it had asked for. */
static int64_t asking_ps(const struct explain_records *records, const struct explain_step *step)
{
	int64_t collective = step->kind == EXPLAIN_LOCAL && step->op >= 0 ? records->ops.collective[step->op] : -1;
	if (collective < 0 || collective >= records->n_collectives || records->asked_ps[collective] < 0)
		return 0;
	int64_t from_ps = records->asked_ps[collective], to_ps = records->begun_ps[collective];
	from_ps = from_ps > step->from_ps ? from_ps : step->from_ps;
	to_ps = to_ps < step->to_ps ? to_ps : step->to_ps;
	return to_ps > from_ps ? to_ps - from_ps : 0;
}

static bool is_effect(const struct explain_records *records, int64_t outage, const char *name)
{
	int64_t effect = records->outage_effect[outage];
	return effect < records->n_outage_effects && !strcmp(records->outage_effects[effect], name);
}

/* Of a step of this rank, what its dead chip took: of a computation all until it was back, since that began anew. */
static int64_t crash_ps(const struct explain_records *records, const struct explain_step *step)
{
	int64_t lost_ps = 0;
	for (int64_t i = 0; i < records->n_outages && records->outage_start_ps[i] < step->to_ps; i++) {
		if (records->outage_rank[i] != step->rank || !is_effect(records, i, "crash") || records->outage_end_ps[i] <= step->from_ps)
			continue;
		int64_t from_ps = records->outage_start_ps[i], to_ps = records->outage_end_ps[i];
		from_ps = from_ps > step->from_ps && step->kind != EXPLAIN_COMPUTE ? from_ps : step->from_ps;
		to_ps = to_ps < step->to_ps ? to_ps : step->to_ps;
		lost_ps = step->kind == EXPLAIN_COMPUTE ? to_ps - from_ps : lost_ps + to_ps - from_ps;
	}
	return lost_ps;
}

/* Of what a computation took after `from_ps`, what its chip lost to throttling. */
static int64_t throttle_ps(const struct explain_records *records, const struct explain_step *step, int64_t from_ps)
{
	double lost_ps = 0;
	for (int64_t i = 0; step->kind == EXPLAIN_COMPUTE && i < records->n_outages && records->outage_start_ps[i] < step->to_ps; i++) {
		if (records->outage_rank[i] != step->rank || !is_effect(records, i, "throttle") || records->outage_end_ps[i] <= from_ps)
			continue;
		int64_t start_ps = records->outage_start_ps[i] > from_ps ? records->outage_start_ps[i] : from_ps;
		int64_t end_ps = records->outage_end_ps[i] < step->to_ps ? records->outage_end_ps[i] : step->to_ps;
		lost_ps += (double)(end_ps - start_ps) * (1 - 1 / records->outage_slow[i]);
	}
	return (int64_t)lost_ps;
}

static void gather(struct explain_parts *parts, const struct explain_records *records, const struct explain_path *path)
{
	char rank[32];
	memset(parts, 0, sizeof *parts);
	for (int64_t i = 0; i < path->n; i++) {
		const struct explain_step *step = &path->steps[i];
		if (step->kind == EXPLAIN_MESSAGE) {
			add_message(parts, records, step);
			continue;
		}
		snprintf(rank, sizeof rank, "rank %" PRId64, step->rank);
		bool labelled = step->op >= 0, collective = labelled && records->ops.collective[step->op] >= 0;
		const char *of = labelled ? explain_op_label(records, step->op) : "the run did not complete";
		int64_t asking = asking_ps(records, step), rest = step->to_ps - step->from_ps - asking;
		int64_t crash = step->kind == EXPLAIN_WAIT_RANK ? 0 : crash_ps(records, step);
		int64_t throttle = throttle_ps(records, step, step->from_ps + crash);
		crash = crash < rest ? crash : rest;
		throttle = throttle < rest - crash ? throttle : rest - crash;
		rest -= crash + throttle;
		if (crash)
			add_part(parts, "crash", collective ? of : sort_of(&parts->arena, of), NULL, rank, crash, 1);
		if (throttle)
			add_part(parts, "throttle", collective ? of : sort_of(&parts->arena, of), NULL, rank, throttle, 1);
		if (asking)
			add_part(parts, share_names[EXPLAIN_CIRCUIT], of, NULL, NULL, asking, 1);
		if (rest)
			add_part(parts, step_names[step->kind], collective ? of : sort_of(&parts->arena, of), NULL,
				 step->kind == EXPLAIN_WAIT_RANK ? rank : NULL, rest, 1);
	}
	finish_parts(parts);
}

int explain_init(struct explain *explain, struct timeline *timeline, struct error *err)
{
	memset(explain, 0, sizeof *explain);
	if (explain_records_read(&explain->records, timeline, err))
		return -1;
	if (explain_path_find(&explain->path, &explain->records, EXPLAIN_PATH, err) ||
	    explain_path_find(&explain->rank, &explain->records, EXPLAIN_RANK, err)) {
		explain_release(explain);
		return -1;
	}
	gather(&explain->path_parts, &explain->records, &explain->path);
	gather(&explain->rank_parts, &explain->records, &explain->rank);
	return 0;
}

void explain_release(struct explain *explain)
{
	explain_parts_release(&explain->path_parts);
	explain_parts_release(&explain->rank_parts);
	explain_path_release(&explain->path);
	explain_path_release(&explain->rank);
	explain_records_release(&explain->records);
}

/* ---- JSON ---- */

static void parts_json(const struct explain_parts *parts, struct json *json, const char *key)
{
	json_open_array(json, key);
	for (int64_t i = 0; i < parts->n; i++) {
		const struct explain_part *part = &parts->parts[i];
		json_open_object(json, NULL);
		json_string(json, "class", part->class);
		json_string(json, "of", part->of);
		if (part->behind)
			json_string(json, "behind", part->behind);
		if (part->where)
			json_string(json, !strcmp(part->class, "wait") ? "for" : !strncmp(part->where, "rank ", 5) ? "rank" : "link", part->where);
		json_integer(json, "time_ps", part->time_ps);
		json_integer(json, "count", part->count);
		json_close_object(json);
	}
	json_close_array(json);
}

static void step_json(const struct explain_records *records, const struct explain_step *step, struct json *json)
{
	json_open_object(json, NULL);
	json_string(json, "step", step_names[step->kind]);
	json_integer(json, "from_ps", step->from_ps);
	json_integer(json, "to_ps", step->to_ps);
	json_integer(json, "rank", step->rank);
	if (step->op >= 0) {
		json_integer(json, "index", records->ops.index[step->op]);
		json_string(json, "of", explain_op_label(records, step->op));
	}
	if (step->message >= 0)
		json_integer(json, "message", records->messages.id[step->message]);
	json_close_object(json);
}

void explain_json(const struct explain *explain, struct json *json)
{
	json_string(json, "status", explain->records.complete ? "complete" : "incomplete");
	json_integer(json, "time_ps", explain->records.time_ps);
	json_integer(json, "rank", explain->path.rank);
	parts_json(&explain->rank_parts, json, "rank_time");
	parts_json(&explain->path_parts, json, "path_time");
	json_open_array(json, "path");
	for (int64_t i = 0; i < explain->path.n; i++)
		step_json(&explain->records, &explain->path.steps[i], json);
	json_close_array(json);
}

void explain_difference_json(const struct explain *a, const struct explain *b, struct json *json)
{
	struct explain_parts rank, path;
	explain_difference(&a->rank_parts, &b->rank_parts, &rank);
	explain_difference(&a->path_parts, &b->path_parts, &path);
	json_integer(json, "a_time_ps", a->records.time_ps);
	json_integer(json, "b_time_ps", b->records.time_ps);
	json_integer(json, "difference_ps", b->records.time_ps - a->records.time_ps);
	json_integer(json, "a_rank", a->path.rank);
	json_integer(json, "b_rank", b->path.rank);
	parts_json(&rank, json, "rank_time");
	parts_json(&path, json, "path_time");
	explain_parts_release(&rank);
	explain_parts_release(&path);
}
