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
		{.name = "detected_ps", .type = VALUE_I64, .units = "ps", .text = "from here on routes avoid it; 2^63-1: never"},
	};
	static const struct variable outages[] = {
		{.name = "name", .type = VALUE_TEXT, .text = "component, switch, link or chip"},
		{.name = "effect", .type = VALUE_U8, .meanings = outage_effect_names, .n_meanings = OUTAGE_EFFECTS},
		{.name = "rank", .type = VALUE_I32, .text = "of a chip, a row for each of its ranks; -1: none"},
		{.name = "start_ps", .type = VALUE_I64, .units = "ps"},
		{.name = "detected_ps", .type = VALUE_I64, .units = "ps", .text = "from here on routes avoid it; 2^63-1: never"},
		{.name = "end_ps", .type = VALUE_I64, .units = "ps", .text = "it works, or a spare in its place; 2^63-1: not before the run ended"},
		{.name = "spare", .type = VALUE_U8, .text = "1: a spare took over"},
		{.name = "slow", .type = VALUE_F64, .text = "throttle: computations take so many times as long; else 1"},
	};
	static const struct variable reroutes[] = {
		{.name = "message", .type = VALUE_I64, .text = "whose rest took another way"},
		{.name = "link", .type = VALUE_U32, .text = "of its old way, that routes avoid now; row of /links"},
		{.name = "time_ps", .type = VALUE_I64, .units = "ps"},
	};
	table_open(&recorder->reroutes, &recorder->file, "/reroutes", "messages that were routed anew (detail: messages)", "reroute",
		   TABLE_CHUNK_SMALL, reroutes, sizeof reroutes / sizeof *reroutes);
	table_open(&recorder->outages, &recorder->file, "/outages", "parts that failed by chance, in order of their start", "outage",
		   TABLE_CHUNK_SMALL, outages, sizeof outages / sizeof *outages);
	table_open(&recorder->failures, &recorder->file, "/failures", "times in which a link carried less than it was built for, by link",
		   "failure", TABLE_CHUNK_SMALL, failures, sizeof failures / sizeof *failures);
}

void failures_on_reroute(void *context, uint64_t message, uint32_t link, int64_t time_ps)
{
	struct table *table = &((struct recorder *)context)->reroutes;
	TABLE_SET(table, 0, int64_t, (int64_t)message);
	TABLE_SET(table, 1, uint32_t, link);
	TABLE_SET(table, 2, int64_t, time_ps);
	table_commit(table);
}

void failures_on_outage(void *context, const struct outage_record *record)
{
	struct table *table = &((struct recorder *)context)->outages;
	TABLE_SET(table, 0, const char *, record->name);
	TABLE_SET(table, 1, uint8_t, record->effect);
	TABLE_SET(table, 2, int32_t, record->rank);
	TABLE_SET(table, 3, int64_t, record->start_ps);
	TABLE_SET(table, 4, int64_t, record->detected_ps);
	TABLE_SET(table, 5, int64_t, record->end_ps);
	TABLE_SET(table, 6, uint8_t, record->spare);
	TABLE_SET(table, 7, double, record->slow);
	table_commit(table);
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

static void write_failure(struct recorder *recorder, const int32_t *parts, const struct link_change *change, int64_t end_ps,
			  int64_t detected_ps)
{
	struct table *table = &recorder->failures;
	TABLE_SET(table, 0, uint32_t, change->link);
	TABLE_SET(table, 1, int32_t, parts[change->link]);
	TABLE_SET(table, 2, int64_t, change->time_ps);
	TABLE_SET(table, 3, int64_t, end_ps);
	TABLE_SET(table, 4, uint8_t, change->state);
	TABLE_SET(table, 5, int64_t, change->bytes_per_s);
	TABLE_SET(table, 6, uint8_t, change->cause);
	TABLE_SET(table, 7, int64_t, detected_ps);
	table_commit(table);
}

/* history is sorted by link and time. */
void failures_write(struct recorder *recorder)
{
	const struct link_change *open = NULL, *end = recorder->history + recorder->n_history;
	int64_t detected_ps = TIME_NEVER;
	if (!recorder->n_history)
		return;
	int32_t *parts = first_parts(recorder->fabric);
	for (const struct link_change *change = recorder->history; change < end; change++) {
		if (change->state == LINK_REPLAYING)
			continue;
		bool same_link = open && open->link == change->link;
		if (change->cause == LINK_CAUSE_DETECTION)
			detected_ps = same_link && detected_ps == TIME_NEVER ? change->time_ps : detected_ps;
		if (change->cause == LINK_CAUSE_DETECTION || (same_link && open->state == change->state && open->bytes_per_s == change->bytes_per_s))
			continue;
		if (open && (!same_link || change->time_ps > open->time_ps))
			write_failure(recorder, parts, open, same_link ? change->time_ps : TIME_NEVER, detected_ps);
		detected_ps = TIME_NEVER;
		open = fails(recorder, change) ? change : NULL;
	}
	if (open)
		write_failure(recorder, parts, open, TIME_NEVER, detected_ps);
	table_write(&recorder->failures);
	free(parts);
}
