#include "report/tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/units.h"

#define TOP_COLLECTIVES 12

const char *collectives_kind(const struct collectives *all, int64_t i)
{
	return all->kind[i] >= 0 && all->kind[i] < all->n_kinds ? all->kinds[all->kind[i]] : "?";
}

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
	int64_t tx = collectives_time_ps(x->all, x->row), ty = collectives_time_ps(y->all, y->row);
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
	text_printf(out, "  %-14s %-18s %-7s %6lld %10s %6lld  %10s", collectives_kind(all, middle), all->algorithm[middle], all->protocol[middle],
		    (long long)all->ranks[middle], units_format_bytes(bytes, sizeof bytes, all->bytes[middle]), (long long)n,
		    units_format_time(time, sizeof time, collectives_time_ps(all, middle)));
	text_printf(out, "  %11s %11s", units_format_rate(algbw, sizeof algbw, all->algbw[middle]),
		    units_format_rate(busbw, sizeof busbw, all->busbw[middle]));
	if (n > 1)
		text_printf(out, "  (%s … %s)", units_format_time(low, sizeof low, collectives_time_ps(all, rows[0].row)),
			    units_format_time(high, sizeof high, collectives_time_ps(all, rows[n - 1].row)));
	text_puts(out, "\n");
}

void collectives_print(const struct collectives *all, struct text *out)
{
	if (!all->n)
		return;
	struct sortable *rows = sort_collectives(all);
	int64_t printed = 0, left = 0;
	text_printf(out, "\ncollectives\n  %-14s %-18s %-7s %6s %10s %6s  %10s  %11s %11s\n", "kind", "algorithm", "proto", "ranks", "size",
		    "count", "time", "algbw", "busbw");
	for (int64_t i = 0, n; i < all->n; i += n) {
		for (n = 1; i + n < all->n && !compare_class(all, rows[i].row, rows[i + n].row); n++)
			;
		if (printed++ < TOP_COLLECTIVES)
			print_class(all, rows + i, n, out);
		else
			left++;
	}
	if (left)
		text_printf(out, "  … and %lld more sorts (`weft timeline export FILE --table collectives`)\n", (long long)left);
	free(rows);
}

double rank_times_bubble(const struct rank_times *ranks, int64_t run_ps)
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

int64_t *rank_times_of_class(const struct rank_times *ranks, int64_t k)
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

void rank_times_print(const struct rank_times *ranks, int64_t run_ps, struct text *out)
{
	char low[32], middle[32], high[32];
	double bubble = rank_times_bubble(ranks, run_ps);
	if (!ranks->n_ranks)
		return;
	text_printf(out, "\nwhere the time of %lld ranks goes\n  %-16s %10s %10s %10s %7s\n", (long long)ranks->n_ranks, "class", "min", "median",
		    "max", "share");
	for (int64_t k = 0; k < ranks->n_classes; k++) {
		int64_t *times = rank_times_of_class(ranks, k), n = ranks->n_ranks;
		if (times[n - 1])
			text_printf(out, "  %-16s %10s %10s %10s %6.1f%%\n", ranks->classes[k], units_format_time(low, sizeof low, times[0]),
				    units_format_time(middle, sizeof middle, times[n / 2]),
				    units_format_time(high, sizeof high, times[n - 1]), run_ps ? 100 * mean(times, n) / (double)run_ps : 0);
		free(times);
	}
	if (bubble >= 0)
		text_printf(out, "  bubble fraction %.4f (share of the chips' time without compute)\n", bubble);
}
