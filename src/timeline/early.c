#include "timeline/early.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Enough for some rounds of a collective over all links. */
#define RUNS_PER_LINK 32
#define RUNS_LEAST 4096
#define RUNS_MOST (1u << 18) /* 8 MB */

void early_init(struct early *early, uint32_t n_links)
{
	uint64_t room = (uint64_t)n_links * RUNS_PER_LINK;
	memset(early, 0, sizeof *early);
	early->room = room < RUNS_LEAST ? RUNS_LEAST : room > RUNS_MOST ? RUNS_MOST : (uint32_t)room;
	early->runs = memory_alloc(early->room * sizeof *early->runs);
	early->open = true;
}

void early_release(struct early *early)
{
	free(early->runs);
	memset(early, 0, sizeof *early);
}

void early_add(struct early *early, struct bins *bins, enum early_column column, uint32_t link, int64_t start_ps, int64_t end_ps,
	       int64_t amount)
{
	early->runs[early->n++] = (struct early_run){start_ps, end_ps, amount, link, column};
	if (end_ps > early->end_ps)
		early->end_ps = end_ps;
	if (early->n == early->room)
		early_empty(early, bins);
}

void early_empty(struct early *early, struct bins *bins)
{
	if (!early->n)
		return;
	bins_reach(bins, early->end_ps);
	for (uint32_t i = 0; i < early->n; i++) {
		const struct early_run *run = &early->runs[i];
		early_put(bins, (enum early_column)run->column, run->link, run->start_ps, run->end_ps, run->amount);
	}
	early_release(early);
}
