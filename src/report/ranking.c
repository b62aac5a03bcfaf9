#include "report/ranking.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"
#include "base/units.h"

const char *const ranking_key_names[RANKING_N] = {"bytes", "busy", "queue", "energy"};

#define BINS_AT_ONCE 16

/* Column per link over bins [first, last]: added, or the largest. */
static int gather(struct timeline *timeline, const char *variable, uint32_t n_links, int64_t first, int64_t last, bool largest,
		  int64_t *out, struct error *err)
{
	int64_t *block = memory_alloc((size_t)BINS_AT_ONCE * n_links * sizeof *block + 1);
	int status = 0;
	for (int64_t bin = first; bin <= last && status == 0; bin += BINS_AT_ONCE) {
		int64_t n = last + 1 - bin < BINS_AT_ONCE ? last + 1 - bin : BINS_AT_ONCE;
		status = timeline_bins_read(timeline, variable, bin, n, block, err);
		for (int64_t i = 0; status == 0 && i < n * n_links; i++) {
			int64_t *sum = &out[i % n_links];
			*sum = !largest ? *sum + block[i] : block[i] > *sum ? block[i] : *sum;
		}
	}
	free(block);
	return status;
}

static int64_t *column(struct timeline *timeline, const char *variable, uint32_t n_links, int64_t first, int64_t last, bool largest,
		       struct error *err)
{
	int64_t *values = memory_zero((size_t)n_links + 1, sizeof *values);
	if (!timeline_has(timeline, variable)) {
		for (uint32_t i = 0; i < n_links; i++)
			values[i] = -1;
		return values;
	}
	if (gather(timeline, variable, n_links, first, last, largest, values, err) == 0)
		return values;
	free(values);
	return NULL;
}

static int compare_rows(const void *a, const void *b)
{
	const struct ranking_row *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? 1 : -1;
	return x->link < y->link ? -1 : x->link > y->link;
}

static int64_t key_of(const struct ranking_row *row, enum ranking_key by)
{
	switch (by) {
	case RANKING_BYTES: return row->bytes;
	case RANKING_BUSY: return row->busy_ps;
	case RANKING_QUEUE: return row->queue_bytes_max;
	default: return row->energy_pj;
	}
}

static void find_bins(struct ranking *ranking, int64_t run_ps, int64_t from_ps, int64_t to_ps, int64_t *first, int64_t *last)
{
	const struct timeline_links *links = &ranking->links;
	*first = 0;
	*last = (int64_t)links->n_bins - 1;
	ranking->from_ps = 0;
	ranking->to_ps = run_ps;
	if (to_ps <= from_ps)
		return;
	while (*first < *last && links->bin_end_ps[*first] <= from_ps)
		++*first;
	while (*last > *first && links->bin_start_ps[*last] >= to_ps)
		--*last;
	ranking->from_ps = links->bin_start_ps[*first];
	ranking->to_ps = links->bin_end_ps[*last] < run_ps ? links->bin_end_ps[*last] : run_ps;
}

static int fill_rows(struct ranking *ranking, struct timeline *timeline, int64_t first, int64_t last, struct error *err)
{
	static const char *const names[RANKING_N] = {"/links/bytes", "/links/busy_ps", "/links/queue_bytes_max", "/links/energy_pj"};
	uint32_t n = ranking->links.n_links;
	int64_t *columns[RANKING_N] = {NULL};
	double span_s = (double)(ranking->to_ps - ranking->from_ps) / (double)PS_PER_S;
	int status = 0;
	for (int i = 0; i < RANKING_N && status == 0; i++)
		if (!(columns[i] = column(timeline, names[i], n, first, last, i == RANKING_QUEUE, err)))
			status = -1;
	for (uint32_t i = 0; i < n && status == 0; i++) {
		struct ranking_row *row = &ranking->rows[i];
		*row = (struct ranking_row){.link = i, .bytes = columns[0][i], .busy_ps = columns[1][i], .queue_bytes_max = columns[2][i],
					    .energy_pj = columns[3][i]};
		row->utilization = span_s > 0 ? (double)row->bytes / ((double)ranking->links.bandwidth[i] * span_s) : 0;
		row->key = key_of(row, ranking->by);
		ranking->n_used += row->bytes > 0;
	}
	for (int i = 0; i < RANKING_N; i++)
		free(columns[i]);
	return status;
}

int ranking_init(struct ranking *ranking, struct timeline *timeline, enum ranking_key by, int64_t from_ps, int64_t to_ps,
		 struct error *err)
{
	int64_t first, last;
	memset(ranking, 0, sizeof *ranking);
	ranking->by = by;
	if (by == RANKING_QUEUE && !timeline_has(timeline, "/links/queue_bytes_max"))
		return error_set(err, ERROR_INPUT, "timeline '%s' has no queues: model '%s' records none, or nothing ever waited",
				 timeline_path(timeline), timeline_text(timeline, "model"));
	if (by == RANKING_ENERGY && !timeline_has(timeline, "/links/energy_pj"))
		return error_set(err, ERROR_INPUT, "timeline '%s' has no energy per link", timeline_path(timeline));
	if (timeline_links_read(timeline, &ranking->links, err))
		return -1;
	ranking->rows = memory_zero((size_t)ranking->links.n_links + 1, sizeof *ranking->rows);
	int64_t covered = ranking->links.n_bins ? ranking->links.bin_end_ps[ranking->links.n_bins - 1] : 0;
	find_bins(ranking, timeline_integer(timeline, "/summary/time_ps", covered), from_ps, to_ps, &first, &last);
	if (fill_rows(ranking, timeline, first, last, err)) {
		ranking_release(ranking);
		return -1;
	}
	ranking->dollars_per_j = timeline_number(timeline, "/energy/price_per_kwh", 0) * timeline_number(timeline, "/energy/pue", 1) / 3.6e6;
	qsort(ranking->rows, ranking->links.n_links, sizeof *ranking->rows, compare_rows);
	return 0;
}

void ranking_release(struct ranking *ranking)
{
	timeline_links_release(&ranking->links);
	free(ranking->rows);
	ranking->rows = NULL;
}

static double joules(const struct ranking_row *row)
{
	return 1e-12 * (double)row->energy_pj;
}

void ranking_print(const struct ranking *ranking, uint32_t top, struct text *out)
{
	char bytes[32], busy[32], queue[32];
	int width = 4;
	bool queues = ranking->links.n_links && ranking->rows[0].queue_bytes_max >= 0, energy = ranking->by == RANKING_ENERGY;
	for (uint32_t i = 0; i < top && i < ranking->links.n_links; i++) {
		int length = (int)strlen(ranking->links.names[ranking->rows[i].link]);
		width = length > width ? length : width;
	}
	text_printf(out, "  %-*s  %12s  %12s  %6s  %6s%s%s\n", width, "link", "payload", "busy time", "busy", "used",
		    queues ? "   queue max" : "", energy ? "       joules           $" : "");
	for (uint32_t i = 0; i < top && i < ranking->links.n_links; i++) {
		const struct ranking_row *row = &ranking->rows[i];
		double span = (double)(ranking->to_ps - ranking->from_ps);
		text_printf(out, "  %-*s  %12s  %12s  %5.1f%%  %5.1f%%", width, ranking->links.names[row->link],
			    units_format_bytes(bytes, sizeof bytes, row->bytes), units_format_time(busy, sizeof busy, row->busy_ps),
			    span > 0 ? 100 * (double)row->busy_ps / span : 0, 100 * row->utilization);
		if (queues)
			text_printf(out, "  %10s", units_format_bytes(queue, sizeof queue, row->queue_bytes_max));
		if (energy)
			text_printf(out, "  %11.6g  %10.4g", joules(row), joules(row) * ranking->dollars_per_j);
		text_puts(out, "\n");
	}
}

void ranking_json(const struct ranking *ranking, uint32_t top, struct json *json, const char *key)
{
	json_open_array(json, key);
	for (uint32_t i = 0; i < top && i < ranking->links.n_links; i++) {
		const struct ranking_row *row = &ranking->rows[i];
		json_open_object(json, NULL);
		json_integer(json, "link", row->link);
		json_string(json, "name", ranking->links.names[row->link]);
		json_integer(json, "source", ranking->links.source[row->link]);
		json_integer(json, "target", ranking->links.target[row->link]);
		json_integer(json, "bandwidth_bytes_per_s", ranking->links.bandwidth[row->link]);
		json_integer(json, "bytes", row->bytes);
		json_integer(json, "busy_ps", row->busy_ps);
		json_number(json, "utilization", row->utilization);
		if (row->queue_bytes_max >= 0)
			json_integer(json, "queue_bytes_max", row->queue_bytes_max);
		if (row->energy_pj >= 0)
			json_integer(json, "energy_pj", row->energy_pj);
		if (row->energy_pj >= 0 && ranking->dollars_per_j > 0)
			json_number(json, "cost", joules(row) * ranking->dollars_per_j);
		json_close_object(json);
	}
	json_close_array(json);
}
