/* /failures: stretches of time in which a link carried less than it was built for, from the list of its changes. Replays, sleep and circuits
 * that move are not failures: they are in /links and /circuits. */
#include <stdlib.h>

#include "base/memory.h"
#include "base/time.h"
#include "timeline/recorder_internal.h"

void failures_open(struct recorder *recorder)
{
	static const struct variable failures[] = {
		{.name = "link", .type = VALUE_U32, .text = "row of /links"},
		{.name = "component", .type = VALUE_I32, .text = "first part that carries the link, row of /components; -1: none is known"},
		{.name = "start_ps", .type = VALUE_I64, .units = "ps"},
		{.name = "end_ps", .type = VALUE_I64, .units = "ps", .text = "2^63-1: not before the run ended"},
		{.name = "state", .type = VALUE_U8, .meanings = link_state_names, .n_meanings = LINK_STATE_N},
		{.name = "capacity", .type = VALUE_I64, .units = "B/s", .text = "that was left"},
		{.name = "cause", .type = VALUE_U8, .meanings = link_cause_names, .n_meanings = LINK_CAUSE_N},
	};
	table_open(&recorder->failures, &recorder->file, "/failures", "times in which a link carried less than it was built for, by link",
		   "failure", TABLE_CHUNK_SMALL, failures, sizeof failures / sizeof *failures);
}

/* Of every link. */
static int32_t *first_parts(const struct fabric *fabric)
{
	int32_t *parts = memory_alloc(((size_t)fabric->n_links + 1) * sizeof *parts);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		parts[link] = -1;
	for (uint32_t c = fabric->n_components; c-- > 0;)
		for (uint32_t i = fabric->carried_first[c]; i < fabric->carried_first[c + 1]; i++)
			parts[fabric->carried[i]] = (int32_t)c;
	return parts;
}

static bool fails(const struct recorder *recorder, const struct link_change *change)
{
	if (change->cause == LINK_CAUSE_CIRCUIT && change->state != LINK_DOWN) /* fewer ports than it could have: /circuits */
		return false;
	bool carries = change->state == LINK_UP || change->state == LINK_DEGRADED;
	return change->state == LINK_DOWN || change->state == LINK_DEGRADED ||
	       (carries && change->bytes_per_s < recorder->fabric->link_bandwidth[change->link]);
}

static void write_failure(struct recorder *recorder, const int32_t *parts, const struct link_change *change, int64_t end_ps)
{
	struct table *table = &recorder->failures;
	TABLE_SET(table, 0, uint32_t, change->link);
	TABLE_SET(table, 1, int32_t, parts[change->link]);
	TABLE_SET(table, 2, int64_t, change->time_ps);
	TABLE_SET(table, 3, int64_t, end_ps);
	TABLE_SET(table, 4, uint8_t, change->state);
	TABLE_SET(table, 5, int64_t, change->bytes_per_s);
	TABLE_SET(table, 6, uint8_t, change->cause);
	table_commit(table);
}

/* history is sorted by link and time. */
void failures_write(struct recorder *recorder)
{
	const struct link_change *open = NULL, *end = recorder->history + recorder->n_history;
	if (!recorder->n_history)
		return;
	int32_t *parts = first_parts(recorder->fabric);
	for (const struct link_change *change = recorder->history; change < end; change++) {
		if (change->state == LINK_REPLAYING)
			continue;
		bool same_link = open && open->link == change->link;
		if (same_link && open->state == change->state && open->bytes_per_s == change->bytes_per_s)
			continue;
		if (open && (!same_link || change->time_ps > open->time_ps))
			write_failure(recorder, parts, open, same_link ? change->time_ps : TIME_NEVER);
		open = fails(recorder, change) ? change : NULL;
	}
	if (open)
		write_failure(recorder, parts, open, TIME_NEVER);
	table_write(&recorder->failures);
	free(parts);
}
