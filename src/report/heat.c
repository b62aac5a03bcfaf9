#include "report/heat.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"
#include "report/ranking.h"

#define BINS_AT_ONCE 16
#define ROW_NONE UINT32_MAX

/* Which rows a link adds to. */
struct assignment {
	uint32_t *group, *single; /* [n_links], ROW_NONE */
};

/* A sort of links: kind of the ends, plane and medium. */
struct sort_names {
	const char **role;
	int64_t *plane;
	const char *const *media;
	uint32_t n_media;
};

static const char *sort_label(struct heat *heat, const struct sort_names *names, uint32_t link)
{
	int64_t source = heat->links.source[link], target = heat->links.target[link], medium = heat->links.medium[link];
	int64_t plane = names->plane[source] >= 0 ? names->plane[source] : names->plane[target];
	const char *of = medium >= 0 && medium < names->n_media ? names->media[medium] : "?";
	if (plane >= 0)
		return arena_format(&heat->arena, "%s → %s, plane %lld, %s", names->role[source], names->role[target], (long long)plane, of);
	return arena_format(&heat->arena, "%s → %s, %s", names->role[source], names->role[target], of);
}

static uint32_t find_label(const struct heat *heat, const char *label)
{
	for (uint32_t i = 0; i < heat->n_rows; i++)
		if (!strcmp(heat->labels[i], label))
			return i;
	return ROW_NONE;
}

/* Consecutive links are nearly always of one sort: the row of the one before is tried first. */
static void assign_groups(struct heat *heat, const struct sort_names *names, struct assignment *rows, uint32_t max_rows)
{
	uint32_t last = ROW_NONE;
	for (uint32_t link = 0; link < heat->links.n_links; link++) {
		const char *label = sort_label(heat, names, link);
		uint32_t row = last != ROW_NONE && !strcmp(heat->labels[last], label) ? last : find_label(heat, label);
		if (row == ROW_NONE && heat->n_rows < max_rows) {
			row = heat->n_rows++;
			heat->labels[row] = label;
		}
		rows->group[link] = last = row;
		if (row != ROW_NONE)
			heat->capacity[row] += (double)heat->links.bandwidth[link];
	}
	heat->n_group_rows = heat->n_rows;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

/* The n busiest, shown in the order of the fabric. */
static void assign_singles(struct heat *heat, const struct ranking *ranking, struct assignment *rows, uint32_t n)
{
	uint32_t *ids = memory_alloc(((size_t)n + 1) * sizeof *ids);
	for (uint32_t i = 0; i < n; i++)
		ids[i] = ranking->rows[i].link;
	qsort(ids, n, sizeof *ids, compare_ids);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t row = heat->n_rows++;
		heat->labels[row] = heat->links.names[ids[i]];
		heat->capacity[row] = (double)heat->links.bandwidth[ids[i]];
		rows->single[ids[i]] = row;
	}
	free(ids);
}

static int choose_rows(struct heat *heat, struct timeline *timeline, struct assignment *rows, uint32_t max_rows, struct error *err)
{
	struct ranking ranking;
	struct sort_names names = {0};
	int status = -1;
	if (ranking_init(&ranking, timeline, RANKING_BYTES, heat->from_ps, heat->to_ps, err))
		return -1;
	heat->from_ps = ranking.from_ps;
	heat->to_ps = ranking.to_ps;
	names.media = timeline_meanings(timeline, "/links/medium", &names.n_media);
	if ((names.role = timeline_texts(timeline, "/nodes/role", NULL, err)) &&
	    (names.plane = timeline_integers(timeline, "/nodes/plane", NULL, err))) {
		uint32_t n = ranking.n_used < max_rows ? ranking.n_used : max_rows;
		if (ranking.n_used > max_rows) {
			assign_groups(heat, &names, rows, max_rows);
			n = max_rows / 2;
		}
		assign_singles(heat, &ranking, rows, n);
		status = 0;
	}
	free(names.role);
	free(names.plane);
	ranking_release(&ranking);
	return status;
}

static void add_bin(struct heat *heat, const struct assignment *rows, const int64_t *bytes, uint32_t column)
{
	uint32_t bin = heat->first_bin + column;
	int64_t end_ps = heat->links.bin_end_ps[bin] < heat->run_ps ? heat->links.bin_end_ps[bin] : heat->run_ps;
	double seconds = (double)(end_ps - heat->links.bin_start_ps[bin]) / (double)PS_PER_S;
	for (uint32_t link = 0; link < heat->links.n_links && seconds > 0; link++) {
		double rate = (double)bytes[link] / seconds;
		if (!bytes[link])
			continue;
		heat->total[column] += rate;
		if (rows->group[link] != ROW_NONE)
			heat->used[(size_t)rows->group[link] * heat->n_bins + column] += rate / heat->capacity[rows->group[link]];
		if (rows->single[link] != ROW_NONE)
			heat->used[(size_t)rows->single[link] * heat->n_bins + column] += rate / heat->capacity[rows->single[link]];
	}
}

static int read_bins(struct heat *heat, struct timeline *timeline, const struct assignment *rows, struct error *err)
{
	int64_t *block = memory_alloc((size_t)BINS_AT_ONCE * heat->links.n_links * sizeof *block + 1);
	int status = 0;
	heat->used = memory_zero((size_t)heat->n_rows * heat->n_bins + 1, sizeof *heat->used);
	heat->total = memory_zero((size_t)heat->n_bins + 1, sizeof *heat->total);
	for (uint32_t column = 0; column < heat->n_bins && status == 0; column += BINS_AT_ONCE) {
		uint32_t n = heat->n_bins - column < BINS_AT_ONCE ? heat->n_bins - column : BINS_AT_ONCE;
		status = timeline_bins_read(timeline, "/links/bytes", heat->first_bin + column, n, block, err);
		for (uint32_t i = 0; i < n && status == 0; i++)
			add_bin(heat, rows, block + (size_t)i * heat->links.n_links, column + i);
	}
	free(block);
	return status;
}

/* The bins between the two times that the ranking rounded to whole bins. */
static void choose_bins(struct heat *heat)
{
	for (uint32_t bin = 0; bin < heat->links.n_bins; bin++) {
		if (heat->links.bin_end_ps[bin] <= heat->from_ps)
			heat->first_bin = bin + 1;
		else if (heat->links.bin_start_ps[bin] < heat->to_ps)
			heat->n_bins = bin + 1 - heat->first_bin;
	}
}

int heat_init(struct heat *heat, struct timeline *timeline, uint32_t max_rows, int64_t from_ps, int64_t to_ps, struct error *err)
{
	struct assignment rows;
	int status;
	memset(heat, 0, sizeof *heat);
	heat->from_ps = from_ps;
	heat->to_ps = to_ps;
	if (timeline_links_read(timeline, &heat->links, err))
		return -1;
	uint32_t n = heat->links.n_links;
	heat->run_ps = timeline_integer(timeline, "/summary/time_ps", heat->links.n_bins ? heat->links.bin_end_ps[heat->links.n_bins - 1] : 0);
	heat->labels = memory_zero(2u * max_rows + 1, sizeof *heat->labels);
	heat->capacity = memory_zero(2u * max_rows + 1, sizeof *heat->capacity);
	rows.group = memory_alloc(((size_t)n + 1) * sizeof *rows.group);
	rows.single = memory_alloc(((size_t)n + 1) * sizeof *rows.single);
	memset(rows.group, 0xff, n * sizeof *rows.group);
	memset(rows.single, 0xff, n * sizeof *rows.single);
	status = choose_rows(heat, timeline, &rows, max_rows, err);
	if (status == 0) {
		choose_bins(heat);
		status = read_bins(heat, timeline, &rows, err);
	}
	free(rows.group);
	free(rows.single);
	if (status)
		heat_release(heat);
	return status;
}

void heat_release(struct heat *heat)
{
	timeline_links_release(&heat->links);
	arena_release(&heat->arena);
	free(heat->labels);
	free(heat->capacity);
	free(heat->used);
	free(heat->total);
	memset(heat, 0, sizeof *heat);
}
