#include "report/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"
#include "base/units.h"
#include "report/ranking.h"

#define TOP_LINKS 10
#define TOP_COLLECTIVES 12


struct collectives {
	int64_t n;
	int64_t *kind, *ranks, *bytes, *start_ps, *end_ps;
	double *algbw, *busbw;
	const char **algorithm, **protocol;
	const char *const *kinds;
	uint32_t n_kinds;
};

static int read_collectives(struct timeline *timeline, struct collectives *all, struct error *err)
{
	all->kinds = timeline_meanings(timeline, "/collectives/kind", &all->n_kinds);
	return (all->kind = timeline_integers(timeline, "/collectives/kind", &all->n, err)) &&
	       (all->ranks = timeline_integers(timeline, "/collectives/ranks", NULL, err)) &&
	       (all->bytes = timeline_integers(timeline, "/collectives/bytes", NULL, err)) &&
	       (all->start_ps = timeline_integers(timeline, "/collectives/start_ps", NULL, err)) &&
	       (all->end_ps = timeline_integers(timeline, "/collectives/end_ps", NULL, err)) &&
	       (all->algbw = timeline_numbers(timeline, "/collectives/algbw", NULL, err)) &&
	       (all->busbw = timeline_numbers(timeline, "/collectives/busbw", NULL, err)) &&
	       (all->algorithm = timeline_texts(timeline, "/collectives/algorithm", NULL, err)) &&
	       (all->protocol = timeline_texts(timeline, "/collectives/protocol", NULL, err)) ? 0 : -1;
}

static void release_collectives(struct collectives *all)
{
	free(all->kind);
	free(all->ranks);
	free(all->bytes);
	free(all->start_ps);
	free(all->end_ps);
	free(all->algbw);
	free(all->busbw);
	free(all->algorithm);
	free(all->protocol);
}

static const char *kind_name(const struct collectives *all, int64_t i)
{
	return all->kind[i] >= 0 && all->kind[i] < all->n_kinds ? all->kinds[all->kind[i]] : "?";
}

static int64_t time_of(const struct collectives *all, int64_t i) { return all->end_ps[i] - all->start_ps[i]; }

/* Orders rows so that equal classes are neighbours, by time inside a class. */
struct sortable {
	const struct collectives *all;
	int64_t row;
};

static int compare_class(const struct collectives *all, int64_t x, int64_t y)
{
	int order;
	if (all->kind[x] != all->kind[y])
		return all->kind[x] < all->kind[y] ? -1 : 1;
	if (all->bytes[x] != all->bytes[y])
		return all->bytes[x] > all->bytes[y] ? -1 : 1;
	if (all->ranks[x] != all->ranks[y])
		return all->ranks[x] > all->ranks[y] ? -1 : 1;
	order = strcmp(all->algorithm[x], all->algorithm[y]);
	return order ? order : strcmp(all->protocol[x], all->protocol[y]);
}

static int compare_sortable(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;
	int order = compare_class(x->all, x->row, y->row);
	int64_t tx = time_of(x->all, x->row), ty = time_of(y->all, y->row);
	if (order)
		return order;
	if (tx != ty)
		return tx < ty ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

static struct sortable *sort_collectives(const struct collectives *all)
{
	struct sortable *rows = memory_alloc(((size_t)all->n + 1) * sizeof *rows);
	for (int64_t i = 0; i < all->n; i++)
		rows[i] = (struct sortable){all, i};
	qsort(rows, (size_t)all->n, sizeof *rows, compare_sortable);
	return rows;
}

static void print_class(const struct collectives *all, const struct sortable *rows, int64_t n, struct text *out)
{
	char bytes[32], time[32], low[32], high[32], algbw[32], busbw[32];
	int64_t middle = rows[n / 2].row;
	text_printf(out, "  %-14s %-18s %-7s %6lld %10s %6lld  %10s", kind_name(all, middle), all->algorithm[middle], all->protocol[middle],
		    (long long)all->ranks[middle], units_format_bytes(bytes, sizeof bytes, all->bytes[middle]), (long long)n,
		    units_format_time(time, sizeof time, time_of(all, middle)));
	text_printf(out, "  %11s %11s", units_format_rate(algbw, sizeof algbw, all->algbw[middle]),
		    units_format_rate(busbw, sizeof busbw, all->busbw[middle]));
	if (n > 1)
		text_printf(out, "  (%s … %s)", units_format_time(low, sizeof low, time_of(all, rows[0].row)),
			    units_format_time(high, sizeof high, time_of(all, rows[n - 1].row)));
	text_puts(out, "\n");
}

static int print_collectives(struct timeline *timeline, struct text *out, struct error *err)
{
	struct collectives all = {0};
	int status = read_collectives(timeline, &all, err);
	if (status == 0 && all.n) {
		struct sortable *rows = sort_collectives(&all);
		int64_t printed = 0, left = 0;
		text_printf(out, "\ncollectives\n  %-14s %-18s %-7s %6s %10s %6s  %10s  %11s %11s\n", "kind", "algorithm", "proto", "ranks", "size",
			    "count", "time", "algbw", "busbw");
		for (int64_t i = 0, n; i < all.n; i += n) {
			for (n = 1; i + n < all.n && !compare_class(&all, rows[i].row, rows[i + n].row); n++)
				;
			if (printed++ < TOP_COLLECTIVES)
				print_class(&all, rows + i, n, out);
			else
				left++;
		}
		if (left)
			text_printf(out, "  … and %lld more sorts (`weft timeline export FILE --table collectives`)\n", (long long)left);
		free(rows);
	}
	release_collectives(&all);
	return status;
}

/* Time of all ranks by class. */
struct rank_times {
	int64_t n_ranks, n_classes;
	int64_t *end_ps, *times_ps; /* [n_ranks][n_classes] */
	const char **classes;
};

static int read_ranks(struct timeline *timeline, struct rank_times *ranks, struct error *err)
{
	memset(ranks, 0, sizeof *ranks);
	if (!timeline_has(timeline, "/ranks/end_ps"))
		return 0;
	return (ranks->end_ps = timeline_integers(timeline, "/ranks/end_ps", &ranks->n_ranks, err)) &&
	       (ranks->classes = timeline_texts(timeline, "/ranks/class", &ranks->n_classes, err)) &&
	       (ranks->times_ps = timeline_integers(timeline, "/ranks/time_by_class_ps", NULL, err)) ? 0 : -1;
}

static void release_ranks(struct rank_times *ranks)
{
	free(ranks->end_ps);
	free(ranks->times_ps);
	free(ranks->classes);
}

/* The share of all ranks' time, to the end of the run, in which they do not compute; negative when nobody ever does. */
static double bubble_fraction(const struct rank_times *ranks, int64_t run_ps)
{
	double computing = 0;
	for (int64_t k = 0; k < ranks->n_classes; k++) {
		if (strcmp(ranks->classes[k], "compute") && strcmp(ranks->classes[k], "hidden"))
			continue;
		for (int64_t r = 0; r < ranks->n_ranks; r++)
			computing += (double)ranks->times_ps[r * ranks->n_classes + k];
	}
	if (computing <= 0 || run_ps <= 0)
		return -1;
	return 1 - computing / ((double)run_ps * (double)ranks->n_ranks);
}

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

/* One class over all ranks, sorted; free() it. */
static int64_t *class_times(const struct rank_times *ranks, int64_t k)
{
	int64_t *times = memory_alloc(((size_t)ranks->n_ranks + 1) * sizeof *times);
	for (int64_t r = 0; r < ranks->n_ranks; r++)
		times[r] = ranks->times_ps[r * ranks->n_classes + k];
	qsort(times, (size_t)ranks->n_ranks, sizeof *times, compare_times);
	return times;
}

static double mean(const int64_t *times, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += (double)times[i];
	return n ? sum / (double)n : 0;
}

static void print_ranks(const struct rank_times *ranks, int64_t run_ps, struct text *out)
{
	char low[32], middle[32], high[32];
	double bubble = bubble_fraction(ranks, run_ps);
	if (!ranks->n_ranks)
		return;
	text_printf(out, "\nwhere the time of %lld ranks goes\n  %-16s %10s %10s %10s %7s\n", (long long)ranks->n_ranks, "class", "min", "median",
		    "max", "share");
	for (int64_t k = 0; k < ranks->n_classes; k++) {
		int64_t *times = class_times(ranks, k), n = ranks->n_ranks;
		if (times[n - 1])
			text_printf(out, "  %-16s %10s %10s %10s %6.1f%%\n", ranks->classes[k], units_format_time(low, sizeof low, times[0]),
				    units_format_time(middle, sizeof middle, times[n / 2]),
				    units_format_time(high, sizeof high, times[n - 1]), run_ps ? 100 * mean(times, n) / (double)run_ps : 0);
		free(times);
	}
	if (bubble >= 0)
		text_printf(out, "  bubble fraction %.4f (share of the chips' time without compute)\n", bubble);
}

static int print_links(struct timeline *timeline, struct text *out, struct error *err)
{
	struct ranking ranking;
	if (ranking_init(&ranking, timeline, RANKING_BYTES, 0, 0, err))
		return -1;
	uint32_t top = ranking.n_used < TOP_LINKS ? ranking.n_used : TOP_LINKS;
	text_printf(out, "\nbusiest links (%u of %u carried anything)\n", ranking.n_used, ranking.links.n_links);
	ranking_print(&ranking, top, out);
	ranking_release(&ranking);
	return 0;
}

static void print_head(struct timeline *timeline, int64_t run_ps, struct text *out)
{
	char time[32], energy[64];
	const char *status = timeline_text(timeline, "status"), *message = timeline_text(timeline, "message");
	double joules = timeline_number(timeline, "/summary/energy_j", -1);
	text_printf(out, "%s\n  topology  %s\n  model     %s, routing %s\n  status    %s%s%s\n", timeline_path(timeline),
		    timeline_text(timeline, "topology"), timeline_text(timeline, "model"), timeline_text(timeline, "routing"), status,
		    *message ? ": " : "", message);
	if (!strcmp(status, "running"))
		text_printf(out, "            still being written, or its run was killed: `weft timeline recover %s`\n", timeline_path(timeline));
	text_printf(out, "  time      %s\n", units_format_time(time, sizeof time, run_ps));
	if (joules >= 0) {
		snprintf(energy, sizeof energy, "%.4g J", joules);
		text_printf(out, "  energy    %s\n", energy);
	}
	if (*timeline_text(timeline, "dropped"))
		text_printf(out, "  dropped   %s\n", timeline_text(timeline, "dropped"));
	if (*timeline_text(timeline, "result_digest"))
		text_printf(out, "  digest    %s\n", timeline_text(timeline, "result_digest"));
}

/* Of an unfinished run: how far the bins go. */
static int64_t run_time(struct timeline *timeline)
{
	int64_t n = 0, *bounds = timeline_integers(timeline, "/links/time_bounds", &n, NULL), end = bounds && n ? bounds[n - 1] : 0;
	free(bounds);
	return timeline_integer(timeline, "/summary/time_ps", end);
}

int summary_print(struct timeline *timeline, struct text *out, struct error *err)
{
	struct rank_times ranks;
	int64_t run_ps = run_time(timeline);
	print_head(timeline, run_ps, out);
	int status = print_collectives(timeline, out, err) || print_links(timeline, out, err) || read_ranks(timeline, &ranks, err);
	if (status)
		return -1;
	print_ranks(&ranks, run_ps, out);
	release_ranks(&ranks);
	return 0;
}

static void json_collective(const struct collectives *all, int64_t i, struct json *json)
{
	json_open_object(json, NULL);
	json_string(json, "kind", kind_name(all, i));
	json_string(json, "algorithm", all->algorithm[i]);
	json_string(json, "protocol", all->protocol[i]);
	json_integer(json, "ranks", all->ranks[i]);
	json_integer(json, "bytes", all->bytes[i]);
	json_integer(json, "start_ps", all->start_ps[i]);
	json_integer(json, "time_ps", time_of(all, i));
	json_number(json, "algbw_bytes_per_s", all->algbw[i]);
	json_number(json, "busbw_bytes_per_s", all->busbw[i]);
	json_close_object(json);
}

static int json_collectives(struct timeline *timeline, struct json *json, struct error *err)
{
	struct collectives all = {0};
	int status = read_collectives(timeline, &all, err);
	json_open_array(json, "collectives");
	for (int64_t i = 0; status == 0 && i < all.n; i++)
		json_collective(&all, i, json);
	json_close_array(json);
	release_collectives(&all);
	return status;
}

static int json_ranks(struct timeline *timeline, int64_t run_ps, struct json *json, struct error *err)
{
	struct rank_times ranks;
	if (read_ranks(timeline, &ranks, err))
		return -1;
	double bubble = bubble_fraction(&ranks, run_ps);
	if (bubble >= 0)
		json_number(json, "bubble_fraction", bubble);
	json_open_object(json, "rank_time_ps");
	for (int64_t k = 0; k < ranks.n_classes && ranks.n_ranks; k++) {
		int64_t *times = class_times(&ranks, k);
		json_open_object(json, ranks.classes[k]);
		json_integer(json, "min", times[0]);
		json_integer(json, "median", times[ranks.n_ranks / 2]);
		json_integer(json, "max", times[ranks.n_ranks - 1]);
		json_close_object(json);
		free(times);
	}
	json_close_object(json);
	release_ranks(&ranks);
	return 0;
}

int summary_json(struct timeline *timeline, struct json *json, struct error *err)
{
	static const char *const texts[] = {"status", "message", "result_digest", "topology", "model", "routing", "detail", "dropped"};
	struct ranking ranking;
	int64_t run_ps = run_time(timeline);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		json_string(json, texts[i], timeline_text(timeline, texts[i]));
	json_integer(json, "time_ps", run_ps);
	if (timeline_has(timeline, "/summary/energy_j"))
		json_number(json, "energy_j", timeline_number(timeline, "/summary/energy_j", 0));
	if (json_collectives(timeline, json, err) || json_ranks(timeline, run_ps, json, err) ||
	    ranking_init(&ranking, timeline, RANKING_BYTES, 0, 0, err))
		return -1;
	ranking_json(&ranking, TOP_LINKS, json, "links");
	ranking_release(&ranking);
	return 0;
}
