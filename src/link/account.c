#include "link/account.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void link_figures_init(struct link_figures *figures, uint32_t n_links)
{
	size_t n = (size_t)n_links + 1;
	figures->n_links = n_links;
	figures->received_dbm = memory_zero(n, sizeof(double));
	figures->loss_db = memory_zero(n, sizeof(double));
	figures->added_db = memory_zero(n, sizeof(double));
	figures->margin_db = memory_zero(n, sizeof(double));
	figures->ber = memory_zero(n, sizeof(double));
	figures->codeword_error_ratio = memory_zero(n, sizeof(double));
	figures->static_uw = memory_zero(n, sizeof(int64_t));
	figures->fj_per_byte = memory_zero(n, sizeof(int64_t));
	figures->replay_bytes = memory_zero(n, sizeof(int64_t));
}

void link_figures_release(struct link_figures *figures)
{
	free(figures->received_dbm);
	free(figures->loss_db);
	free(figures->added_db);
	free(figures->margin_db);
	free(figures->ber);
	free(figures->codeword_error_ratio);
	free(figures->static_uw);
	free(figures->fj_per_byte);
	free(figures->replay_bytes);
	free(figures->changes);
	memset(figures, 0, sizeof *figures);
}

void link_figures_power(struct link_figures *figures, uint32_t link, int64_t time_ps, int64_t uw)
{
	ARRAY_RESERVE(figures->changes, figures->n_changes + 1, figures->changes_capacity);
	figures->changes[figures->n_changes++] = (struct power_change){link, time_ps, uw};
}

/* By link; those of one link keep their order. */
void link_figures_settle(struct link_figures *figures)
{
	size_t *first = memory_zero((size_t)figures->n_links + 2, sizeof *first);
	struct power_change *sorted = memory_alloc((figures->n_changes + 1) * sizeof *sorted);
	for (size_t i = 0; i < figures->n_changes; i++)
		first[figures->changes[i].link + 1]++;
	for (uint32_t link = 0; link < figures->n_links; link++)
		first[link + 1] += first[link];
	for (size_t i = 0; i < figures->n_changes; i++)
		sorted[first[figures->changes[i].link]++] = figures->changes[i];
	free(figures->changes);
	free(first);
	figures->changes = sorted;
	figures->changes_capacity = figures->n_changes + 1;
}

struct link_meter link_meter_start(const struct link_figures *figures, uint32_t link)
{
	size_t low = 0, high = figures->n_changes;
	while (low < high) { /* the first change of this link */
		size_t middle = low + (high - low) / 2;
		if (figures->changes[middle].link < link)
			low = middle + 1;
		else
			high = middle;
	}
	return (struct link_meter){.figures = figures, .link = link, .uw = figures->static_uw[link],
		.next = figures->changes ? figures->changes + low : NULL, .end = figures->changes ? figures->changes + figures->n_changes : NULL};
}

static void meter_advance(struct link_meter *meter, int64_t time_ps)
{
	meter->carried += (link_wide)(uint64_t)meter->uw * (uint64_t)(time_ps - meter->at_ps);
	meter->at_ps = time_ps;
}

int64_t link_meter_static_pj(struct link_meter *meter, int64_t time_ps)
{
	link_wide pj;
	while (meter->next < meter->end && meter->next->link == meter->link && meter->next->time_ps <= time_ps) {
		meter_advance(meter, meter->next->time_ps);
		meter->uw = meter->next++->uw;
	}
	meter_advance(meter, time_ps);
	pj = meter->carried / 1000000;
	return pj > (link_wide)INT64_MAX ? INT64_MAX : (int64_t)pj;
}
