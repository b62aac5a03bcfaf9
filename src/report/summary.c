#include "report/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"
#include "base/units.h"
#include "report/ranking.h"
#include "report/tables.h"

#define TOP_LINKS 10

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

static int print_collectives(struct timeline *timeline, struct text *out, struct error *err)
{
	struct collectives all = {0};
	int status = read_collectives(timeline, &all, err);
	if (!status)
		collectives_print(&all, out);
	release_collectives(&all);
	return status;
}

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
	rank_times_print(&ranks, run_ps, out);
	release_ranks(&ranks);
	return 0;
}

static void json_collective(const struct collectives *all, int64_t i, struct json *json)
{
	json_open_object(json, NULL);
	json_string(json, "kind", collectives_kind(all, i));
	json_string(json, "algorithm", all->algorithm[i]);
	json_string(json, "protocol", all->protocol[i]);
	json_integer(json, "ranks", all->ranks[i]);
	json_integer(json, "bytes", all->bytes[i]);
	json_integer(json, "start_ps", all->start_ps[i]);
	json_integer(json, "time_ps", collectives_time_ps(all, i));
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
	double bubble = rank_times_bubble(&ranks, run_ps);
	if (bubble >= 0)
		json_number(json, "bubble_fraction", bubble);
	json_open_object(json, "rank_time_ps");
	for (int64_t k = 0; k < ranks.n_classes && ranks.n_ranks; k++) {
		int64_t *times = rank_times_of_class(&ranks, k);
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
