#include "timeline/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "collective/collective.h"
#include "link/account.h"
#include "timeline/recorder_internal.h"

const char *const timeline_detail_names[DETAIL_N] = {"bins", "messages", "intervals", "all"};

#define SIZE_LIMIT_DEFAULT (INT64_C(4) << 30)
#define AUTO_BASE_PS PS_PER_NS

/* What the hooks do: a few stores each. */

static inline void record_run(struct recorder *recorder, enum early_column column, uint32_t link, int64_t start_ps, int64_t end_ps,
			      int64_t amount)
{
	if (__builtin_expect(recorder->early.open, 0))
		early_add(&recorder->early, &recorder->bins, column, link, start_ps, end_ps, amount);
	else
		early_put(&recorder->bins, column, link, start_ps, end_ps, amount);
}

static inline void record_kinds(struct recorder *recorder, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t payload,
				int64_t overhead, uint8_t kind)
{
	if (overhead)
		record_run(recorder, EARLY_SUM(BINS_OVERHEAD), link, start_ps, end_ps, overhead);
	if (recorder->by_kind && kind < TRAFFIC_N)
		record_run(recorder, EARLY_SUM(BINS_KIND + kind), link, start_ps, end_ps, payload);
}

static void on_bytes(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t payload, int64_t overhead, uint8_t kind)
{
	record_run(context, EARLY_BYTES, link, start_ps, end_ps, payload);
	record_kinds(context, link, start_ps, end_ps, payload, overhead, kind);
}

static void on_busy(void *context, uint32_t link, int64_t start_ps, int64_t end_ps)
{
	record_run(context, EARLY_BUSY, link, start_ps, end_ps, 0);
}

static void on_carried(void *context, const uint32_t *links, uint32_t n_links, int64_t start_ps, int64_t end_ps, int64_t payload,
		       int64_t overhead, uint8_t kind)
{
	struct recorder *recorder = context;
	bool early = recorder->early.open; /* at the first of them */
	if (!early)
		bins_add_carried(&recorder->bins, links, n_links, start_ps, end_ps, payload);
	for (uint32_t i = 0; early && i < n_links; i++)
		record_run(recorder, EARLY_CARRIED, links[i], start_ps, end_ps, payload);
	for (uint32_t i = 0; (overhead || recorder->by_kind) && i < n_links; i++)
		record_kinds(recorder, links[i], start_ps, end_ps, payload, overhead, kind);
}

/* While it is early bins are not known: everything by itself. */
static int64_t on_border(void *context, int64_t time_ps)
{
	struct recorder *recorder = context;
	return recorder->early.open ? time_ps : bins_border(&recorder->bins, time_ps);
}

static void record_early(struct recorder *recorder, uint32_t link, const struct link_stretch *s)
{
	if (s->busy_ps) {
		record_run(recorder, EARLY_CARRIED, link, s->start_ps, s->end_ps, s->payload);
		record_kinds(recorder, link, s->start_ps, s->end_ps, s->payload, s->overhead, s->kind);
	}
	if (s->queue_max) {
		record_run(recorder, EARLY_MAXIMUM, link, s->start_ps, s->end_ps, s->queue_max);
		record_run(recorder, EARLY_SUM(BINS_QUEUE_BYTE_PS), link, s->start_ps, s->end_ps, s->queue_byte_ps);
	}
	if (s->stall_ps)
		record_run(recorder, EARLY_SUM(BINS_STALL_PS), link, s->start_ps, s->end_ps, s->stall_ps);
}

static void on_stretch(void *context, uint32_t link, const struct link_stretch *stretch)
{
	struct recorder *recorder = context;
	if (recorder->early.open) {
		record_early(recorder, link, stretch);
		return;
	}
	bins_add_stretch(&recorder->bins, link, stretch);
	if (stretch->payload)
		record_kinds(recorder, link, stretch->start_ps, stretch->end_ps, stretch->payload, 0, stretch->kind);
}

static void on_queue(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t max_bytes, int64_t byte_ps)
{
	record_run(context, EARLY_MAXIMUM, link, start_ps, end_ps, max_bytes);
	record_run(context, EARLY_SUM(BINS_QUEUE_BYTE_PS), link, start_ps, end_ps, byte_ps);
}

static void on_stall(void *context, uint32_t link, int64_t start_ps, int64_t end_ps)
{
	record_run(context, EARLY_SUM(BINS_STALL_PS), link, start_ps, end_ps, end_ps - start_ps);
}

static void on_count(void *context, uint32_t link, enum link_count what, int64_t start_ps, int64_t end_ps, int64_t amount)
{
	record_run(context, EARLY_SUM(BINS_COUNT + (uint32_t)what), link, start_ps, end_ps, amount);
}

static void on_replays(void *context, uint32_t link, int64_t time_ps, int64_t replays)
{
	struct recorder *recorder = context;
	record_run(recorder, EARLY_SUM(BINS_REPLAYS), link, time_ps, time_ps, replays);
	if (recorder->options.figures) /* what went over the wire again */
		record_run(recorder, EARLY_SUM(BINS_OVERHEAD), link, time_ps, time_ps + 1,
			   replays * recorder->options.figures->replay_bytes[link]);
}

static void note_dropped(struct recorder *recorder)
{
	char text[256] = "";
	size_t used = 0;
	if (recorder->intervals.dropped)
		used += (size_t)snprintf(text, sizeof text, "intervals (%lld records)", (long long)recorder->intervals.n_dropped);
	if (recorder->messages.dropped)
		snprintf(text + used, sizeof text - used, "%smessages (%lld records)", used ? ", " : "", (long long)recorder->messages.n_dropped);
	if (used || recorder->messages.dropped)
		strcat(text, ": the size limit was reached");
	file_attribute_fixed(&recorder->file, recorder->file.id, "dropped", text, MESSAGE_SIZE);
}

/* After a block was written. Bins were made coarse enough at the start; what grows is intervals, then messages. A file does not
 * shrink when a table is dropped, what comes next fills most of the space that it leaves: so intervals go at three quarters of the
 * limit, messages at the limit. Half of the bits of bins are zeros, so half of their size is kept free for them. */
static void keep_limit(struct recorder *recorder)
{
	int64_t room = recorder->options.size_limit_bytes - recorder->bins_bytes / 2 - (int64_t)recorder->journal.end;
	if (recorder->intervals.file && !recorder->intervals.dropped && room < recorder->options.size_limit_bytes / 4)
		table_drop(&recorder->intervals);
	else if (!recorder->messages.dropped && room < 0) {
		table_drop(&recorder->messages);
		table_drop(&recorder->releases);
		if (recorder->options.acknowledges)
			table_drop(&recorder->acknowledgements);
	} else {
		return;
	}
	note_dropped(recorder);
}

static void on_interval(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, uint64_t message)
{
	struct table *table = &((struct recorder *)context)->intervals;
	if (table->dropped) {
		table->n_dropped++;
		return;
	}
	TABLE_SET(table, 0, uint32_t, link);
	TABLE_SET(table, 1, int64_t, start_ps);
	TABLE_SET(table, 2, int64_t, end_ps);
	TABLE_SET(table, 3, int64_t, (int64_t)message);
	table_commit(table);
	if (!table->n_buffered)
		keep_limit(context);
}

static void write_message(struct recorder *recorder, const struct message_record *record)
{
	struct table *table = &recorder->messages;
	if (table->dropped) {
		table->n_dropped++;
		return;
	}
	TABLE_SET(table, 0, int64_t, (int64_t)record->id);
	TABLE_SET(table, 1, uint32_t, record->source);
	TABLE_SET(table, 2, uint32_t, record->destination);
	TABLE_SET(table, 3, int64_t, record->bytes);
	TABLE_SET(table, 4, int64_t, record->start_ps);
	TABLE_SET(table, 5, int64_t, record->end_ps);
	TABLE_SET(table, 6, int32_t, record->collective);
	TABLE_SET(table, 7, uint8_t, record->kind);
	TABLE_SET(table, 8, int32_t, record->route == ROUTE_NONE ? -1 : (int32_t)record->route);
	table_commit(table);
	if (!table->n_buffered)
		keep_limit(recorder);
}

static void on_release(void *context, const struct release_record *record)
{
	struct table *table = &((struct recorder *)context)->releases;
	if (table->dropped)
		return;
	TABLE_SET(table, 0, int64_t, (int64_t)record->message);
	TABLE_SET(table, 1, int64_t, (int64_t)record->cause); /* MESSAGE_NONE: -1 */
	TABLE_SET(table, 2, int64_t, record->time_ps);
	TABLE_SET(table, 3, uint32_t, record->rank);
	TABLE_SET(table, 4, uint32_t, record->index);
	table_commit(table);
	if (!table->n_buffered)
		keep_limit(context);
}

static void on_acked(void *context, uint64_t message, int64_t time_ps, uint64_t again)
{
	struct table *table = &((struct recorder *)context)->acknowledgements;
	if (table->dropped)
		return;
	TABLE_SET(table, 0, int64_t, (int64_t)message);
	TABLE_SET(table, 1, int64_t, time_ps);
	TABLE_SET(table, 2, int64_t, (int64_t)again);
	table_commit(table);
	if (!table->n_buffered)
		keep_limit(context);
}

static int compare_messages(const void *a, const void *b)
{
	uint64_t x = ((const struct message_record *)a)->id, y = ((const struct message_record *)b)->id;
	return x < y ? -1 : x > y;
}

/* Rows of an instant are in the order of their ids, whatever order they were told in. */
static void write_instant(struct recorder *recorder)
{
	if (recorder->n_instant > 1)
		qsort(recorder->instant, recorder->n_instant, sizeof *recorder->instant, compare_messages);
	for (size_t i = 0; i < recorder->n_instant; i++)
		write_message(recorder, &recorder->instant[i]);
	recorder->n_instant = 0;
}

static void on_message(void *context, const struct message_record *record)
{
	struct recorder *recorder = context;
	if (recorder->n_instant && recorder->instant[0].end_ps != record->end_ps)
		write_instant(recorder);
	ARRAY_RESERVE(recorder->instant, recorder->n_instant + 1, recorder->instant_capacity);
	recorder->instant[recorder->n_instant++] = *record;
}

static void on_change(void *context, uint32_t link, int64_t time_ps, enum link_state state, int64_t bytes_per_s,
		      enum link_cause cause)
{
	struct recorder *recorder = context;
	struct table *table = &recorder->changes;
	ARRAY_RESERVE(recorder->history, recorder->n_history + 1, recorder->history_capacity);
	recorder->history[recorder->n_history] = (struct link_change){link, (uint8_t)state, (uint8_t)cause, time_ps, bytes_per_s,
								      recorder->n_history};
	recorder->n_history++;
	TABLE_SET(table, 0, uint32_t, link);
	TABLE_SET(table, 1, int64_t, time_ps);
	TABLE_SET(table, 2, uint8_t, (uint8_t)state);
	TABLE_SET(table, 3, int64_t, bytes_per_s);
	TABLE_SET(table, 4, uint8_t, (uint8_t)cause);
	table_commit(table);
}

/* Index of a name in the table of names of operations; in the order of first appearance. */
static int32_t name_index(struct recorder *recorder, const char *name)
{
	struct name_entry *entry;
	if (!name)
		return -1;
	HASH_FIND_STR(recorder->names, name, entry);
	if (!entry) {
		entry = memory_alloc(sizeof *entry);
		entry->name = memory_text(name);
		entry->index = (int32_t)HASH_COUNT(recorder->names);
		HASH_ADD_KEYPTR(hh, recorder->names, entry->name, strlen(entry->name), entry);
	}
	return entry->index;
}

static void on_op(void *context, const struct op_record *record)
{
	struct recorder *recorder = context;
	struct table *table = &recorder->ops;
	TABLE_SET(table, 0, uint32_t, record->rank);
	TABLE_SET(table, 1, uint32_t, record->index);
	TABLE_SET(table, 2, int32_t, record->stream == STREAM_NONE ? -1 : (int32_t)record->stream);
	TABLE_SET(table, 3, uint8_t, (uint8_t)record->kind);
	TABLE_SET(table, 4, int32_t, name_index(recorder, record->name));
	TABLE_SET(table, 5, int32_t, record->group);
	TABLE_SET(table, 6, int32_t, record->collective);
	TABLE_SET(table, 7, int64_t, record->bytes);
	TABLE_SET(table, 8, int64_t, record->ready_ps);
	TABLE_SET(table, 9, int64_t, record->start_ps);
	TABLE_SET(table, 10, int64_t, record->end_ps);
	TABLE_SET(table, 11, int64_t, record->exposed_ps);
	TABLE_SET(table, 12, int32_t, record->cause_rank == UINT32_MAX ? -1 : (int32_t)record->cause_rank);
	TABLE_SET(table, 13, int32_t, record->cause_rank == UINT32_MAX ? -1 : (int32_t)record->cause_index);
	TABLE_SET(table, 14, int32_t, record->iteration);
	TABLE_SET(table, 15, int64_t, record->trace_node);
	TABLE_SET(table, 16, int64_t, record->recorded_start_ps);
	TABLE_SET(table, 17, int64_t, record->recorded_end_ps);
	TABLE_SET(table, 18, int32_t, (int32_t)record->released_by);
	TABLE_SET(table, 19, int32_t, (int32_t)record->after_rank);
	TABLE_SET(table, 20, int32_t, (int32_t)record->after_index);
	TABLE_SET(table, 21, int64_t, (int64_t)record->finished_by);
	TABLE_SET(table, 22, int64_t, record->finished_ps);
	TABLE_SET(table, 23, uint8_t, record->host);
	table_commit(table);
}

static void on_collective(void *context, const struct collective_record *record)
{
	struct table *table = &((struct recorder *)context)->collectives;
	double seconds = (double)(record->end_ps - record->start_ps) / (double)PS_PER_S;
	double algbw = seconds > 0 ? (double)record->bytes / seconds : 0;
	TABLE_SET(table, 0, int32_t, record->id);
	TABLE_SET(table, 1, uint8_t, record->kind);
	TABLE_SET(table, 2, const char *, record->algorithm ? record->algorithm : "");
	TABLE_SET(table, 3, const char *, record->protocol ? record->protocol : "");
	TABLE_SET(table, 4, int32_t, record->group);
	TABLE_SET(table, 5, uint32_t, record->n_ranks);
	TABLE_SET(table, 6, int64_t, record->bytes);
	TABLE_SET(table, 7, int64_t, record->start_ps);
	TABLE_SET(table, 8, int64_t, record->end_ps);
	TABLE_SET(table, 9, double, algbw);
	TABLE_SET(table, 10, double, algbw * collective_bus_factor((enum collective_kind)record->kind, record->n_ranks));
	table_commit(table);
}

struct observer recorder_observer(struct recorder *recorder)
{
	enum timeline_detail detail = recorder->options.detail;
	return (struct observer){
		.context = recorder,
		.link_bytes = on_bytes,
		.link_busy = on_busy,
		.path_carried = on_carried,
		.border = on_border,
		.link_stretch = on_stretch,
		.link_queue = on_queue,
		.link_stall = on_stall,
		.link_count = on_count,
		.link_change = on_change,
		.link_replays = on_replays,
		.link_interval = detail >= DETAIL_INTERVALS ? on_interval : NULL,
		.message = detail >= DETAIL_MESSAGES ? on_message : NULL,
		.release = detail >= DETAIL_MESSAGES ? on_release : NULL,
		.acked = detail >= DETAIL_MESSAGES && recorder->options.acknowledges ? on_acked : NULL,
		.op = detail >= DETAIL_MESSAGES ? on_op : NULL,
		.collective = on_collective,
		.outage = failures_on_outage,
		.reroute = detail >= DETAIL_MESSAGES ? failures_on_reroute : NULL,
		.circuit = circuits_on_circuit,
		.circuit_request = circuits_on_request,
	};
}

/* The tables' columns, in the order in which the hooks fill them. "never": docs/timeline-format.md. */

static void open_tables(struct recorder *recorder)
{
	static const struct variable changes[] = {
		{.name = "link", .type = VALUE_U32, .text = "row of /links"},
		{.name = "time_ps", .type = VALUE_I64, .units = "ps"},
		{.name = "state", .type = VALUE_U8, .text = "from now on", .meanings = link_state_names, .n_meanings = LINK_STATE_N},
		{.name = "capacity", .type = VALUE_I64, .units = "B/s", .text = "from now on"},
		{.name = "cause", .type = VALUE_U8, .meanings = link_cause_names, .n_meanings = LINK_CAUSE_N},
	};
	static const struct variable collectives[] = {
		{.name = "collective", .type = VALUE_I32, .text = "id, as other tables refer to it"},
		{.name = "kind", .type = VALUE_U8, .meanings = collective_kind_names, .n_meanings = COLLECTIVE_KINDS},
		{.name = "algorithm", .type = VALUE_TEXT}, {.name = "protocol", .type = VALUE_TEXT},
		{.name = "group", .type = VALUE_I32, .text = "row of /groups, -1: none"},
		{.name = "ranks", .type = VALUE_U32, .text = "how many took part"},
		{.name = "bytes", .type = VALUE_I64, .units = "B", .text = "the whole buffer, as nccl-tests counts"},
		{.name = "start_ps", .type = VALUE_I64, .units = "ps", .text = "the first rank entered"},
		{.name = "end_ps", .type = VALUE_I64, .units = "ps", .text = "the last rank left"},
		{.name = "algbw", .type = VALUE_F64, .units = "B/s", .text = "bytes / time"},
		{.name = "busbw", .type = VALUE_F64, .units = "B/s", .text = "algbw x the collective's factor"},
	};
	static const struct variable ops[] = {
		{.name = "rank", .type = VALUE_U32},
		{.name = "index", .type = VALUE_U32, .text = "among its rank's operations, workload by workload"},
		{.name = "stream", .type = VALUE_I32, .text = "0 computes, others communicate, -1: none"},
		{.name = "kind", .type = VALUE_U8, .meanings = op_kind_names, .n_meanings = OP_KINDS},
		{.name = "name", .type = VALUE_I32, .text = "row of op_names, -1: unnamed"},
		{.name = "group", .type = VALUE_I32, .text = "row of /groups, -1: none"},
		{.name = "collective", .type = VALUE_I32, .text = "of /collectives, -1: none"},
		{.name = "bytes", .type = VALUE_I64, .units = "B"},
		{.name = "ready_ps", .type = VALUE_I64, .units = "ps", .text = "dependencies and the stream's previous operation had ended"},
		{.name = "start_ps", .type = VALUE_I64, .units = "ps"}, {.name = "end_ps", .type = VALUE_I64, .units = "ps"},
		{.name = "exposed_ps", .type = VALUE_I64, .units = "ps", .text = "communication while its rank computed nothing"},
		{.name = "cause_rank", .type = VALUE_I32, .text = "rank of the operation that released it, -1: start of the run"},
		{.name = "cause_index", .type = VALUE_I32, .text = "index of that operation, -1"},
		{.name = "iteration", .type = VALUE_I32, .text = "-1: none"},
		{.name = "trace_node", .type = VALUE_I64, .text = "id in the trace it came from, -1"},
		{.name = "recorded_start_ps", .type = VALUE_I64, .units = "ps", .text = "in the trace; 2^63-1: not known"},
		{.name = "recorded_end_ps", .type = VALUE_I64, .units = "ps", .text = "in the trace; 2^63-1: not known"},
		{.name = "released_by", .type = VALUE_I32, .text = "index of the operation of its own rank that made it ready, -1: none"},
		{.name = "after_rank", .type = VALUE_I32, .text = "of the operation whose end let its workload start, -1: none"},
		{.name = "after_index", .type = VALUE_I32, .text = "index of that operation, -1"},
		{.name = "finished_by", .type = VALUE_I64, .text = "message whose delivery or departure ended it, -1: none"},
		{.name = "finished_ps", .type = VALUE_I64, .units = "ps", .text = "when that had its effect"},
		{.name = "host", .type = VALUE_U8, .text = "1: an operation of the host"},
	};
	static const struct variable releases[] = {
		{.name = "message", .type = VALUE_I64, .text = "id of /messages; rows are in order of issue"},
		{.name = "cause", .type = VALUE_I64, .text = "message whose delivery or departure released it, -1: start of the operation"},
		{.name = "time_ps", .type = VALUE_I64, .units = "ps", .text = "when that had its effect"},
		{.name = "rank", .type = VALUE_U32, .text = "of the operation in whose course it was sent"},
		{.name = "index", .type = VALUE_U32, .text = "of that operation"},
	};
	static const struct variable acknowledgements[] = {
		{.name = "message", .type = VALUE_I64, .text = "id of /messages; rows are in order of the last acknowledgement"},
		{.name = "acked_ps", .type = VALUE_I64, .units = "ps", .text = "its source knew that all of it had come"},
		{.name = "sent_again", .type = VALUE_I64, .units = "1", .text = "packets of it that were sent again"},
	};
	static const struct variable messages[] = {
		{.name = "message", .type = VALUE_I64, .text = "id in order of issue; rows are in order of delivery"},
		{.name = "source", .type = VALUE_U32, .text = "chip (npu of /nodes)"},
		{.name = "target", .type = VALUE_U32, .text = "chip (npu of /nodes)"},
		{.name = "bytes", .type = VALUE_I64, .units = "B"},
		{.name = "start_ps", .type = VALUE_I64, .units = "ps", .text = "given to the network"},
		{.name = "end_ps", .type = VALUE_I64, .units = "ps", .text = "delivered; 2^63-1: not when the run ended"},
		{.name = "collective", .type = VALUE_I32, .text = "of /collectives, -1: none"},
		{.name = "kind", .type = VALUE_U8, .text = "what it was for", .meanings = traffic_kind_names, .n_meanings = TRAFFIC_N},
		{.name = "path", .type = VALUE_I32, .text = "route of /paths, -1: stayed on its chip, or its packets chose their way node by node"},
	};
	static const struct variable intervals[] = {
		{.name = "link", .type = VALUE_U32, .text = "row of /links"},
		{.name = "start_ps", .type = VALUE_I64, .units = "ps"}, {.name = "end_ps", .type = VALUE_I64, .units = "ps"},
		{.name = "message", .type = VALUE_I64, .text = "id of /messages"},
	};
#define OPEN(table, path, text, dimension, chunk, variables) \
	table_open(&recorder->table, &recorder->file, path, text, dimension, chunk, variables, sizeof(variables) / sizeof *(variables))
	OPEN(changes, "/link_changes", "changes of links while the run went on", "change", TABLE_CHUNK_SMALL, changes);
	OPEN(collectives, "/collectives", "collectives that ended", "collective", TABLE_CHUNK_SMALL, collectives);
	failures_open(recorder);
	circuits_open(recorder);
	if (recorder->options.detail >= DETAIL_MESSAGES) {
		OPEN(ops, "/ops", "operations of ranks, in order of their end", "op", TABLE_CHUNK, ops);
		OPEN(messages, "/messages", "messages, in order of delivery", "message", TABLE_CHUNK, messages);
		OPEN(releases, "/releases", "what let each message start, in order of issue", "release", TABLE_CHUNK, releases);
	}
	if (recorder->options.detail >= DETAIL_MESSAGES && recorder->options.acknowledges)
		OPEN(acknowledgements, "/acknowledgements", "when sources knew that their messages had come", "acknowledgement", TABLE_CHUNK,
		     acknowledgements);
	if (recorder->options.detail >= DETAIL_INTERVALS)
		OPEN(intervals, "/intervals", "presence of messages on links, in order of their end", "interval", TABLE_CHUNK, intervals);
#undef OPEN
}

static void write_root(struct recorder *recorder)
{
	struct timeline_file *file = &recorder->file;
	const struct recorder_options *options = &recorder->options;
	file_attribute_text(file, file->id, "format", TIMELINE_FORMAT);
	file_attribute_integer(file, file->id, "format_version", TIMELINE_VERSION);
	file_attribute_text(file, file->id, "weft_version", WEFT_VERSION);
	file_attribute_fixed(file, file->id, "status", "running", STATUS_SIZE);
	file_attribute_fixed(file, file->id, "message", "", MESSAGE_SIZE);
	file_attribute_fixed(file, file->id, "result_digest", "", DIGEST_SIZE);
	file_attribute_fixed(file, file->id, "dropped", "", MESSAGE_SIZE);
	file_attribute_unsigned(file, file->id, "seed", options->seed);
	file_attribute_text(file, file->id, "detail", timeline_detail_names[options->detail]);
	file_attribute_text(file, file->id, "model", options->model ? options->model : "");
	file_attribute_text(file, file->id, "routing", options->routing ? options->routing : "");
	file_attribute_text(file, file->id, "topology", recorder->fabric->spec ? recorder->fabric->spec : "");
	file_write_text(file, file->id, "scenario", options->scenario_text ? options->scenario_text : "",
			"the scenario as it was given: the file alone repeats the run");
	file_write_text(file, file->id, "resolved_scenario", options->resolved_text ? options->resolved_text : "",
			"the scenario with every default filled in");
}

static int refuse_foreign(const char *path, struct error *err)
{
	hid_t file, properties;
	bool ours = false;
	if (access(path, F_OK) != 0 || journal_pending(path)) /* of a killed run: ours */
		return 0;
	properties = H5Pcreate(H5P_FILE_ACCESS);
	file = H5Fopen(path, H5F_ACC_RDONLY, properties);
	H5Pclose(properties);
	if (file >= 0) {
		ours = H5Aexists(file, "format") > 0 && H5Aexists(file, "format_version") > 0;
		H5Fclose(file);
	}
	return ours ? 0 : error_set(err, ERROR_INPUT, "'%s' exists and is not a weft timeline: it is left alone", path);
}

static int create_file(struct recorder *recorder, struct error *err)
{
	hid_t create = H5Pcreate(H5P_FILE_CREATE), access_list = H5Pcreate(H5P_FILE_ACCESS);
	H5Pset_obj_track_times(create, 0);
	H5Pset_libver_bounds(access_list, H5F_LIBVER_V18, H5F_LIBVER_V18);
	recorder->file.path = recorder->options.path;
	recorder->file.id = H5I_INVALID_HID;
	if (journal_open(&recorder->journal, recorder->options.path, access_list, err) == 0) {
		recorder->file.id = H5Fcreate(recorder->options.path, H5F_ACC_TRUNC, create, access_list);
		if (recorder->file.id < 0)
			journal_close(&recorder->journal);
	}
	H5Pclose(create);
	H5Pclose(access_list);
	if (recorder->file.id < 0)
		return error_set(err, ERROR_HOST, "cannot create timeline '%s'", recorder->options.path);
	recorder->file.host_error = &recorder->journal.error_number;
	recorder->file.text_type = H5Tcopy(H5T_C_S1);
	H5Tset_size(recorder->file.text_type, H5T_VARIABLE);
	H5Tset_cset(recorder->file.text_type, H5T_CSET_UTF8);
	return 0;
}

static void create_objects(struct recorder *recorder)
{
	struct timeline_file *file = &recorder->file;
	write_root(recorder);
	describe_nodes(file, recorder->fabric);
	describe_components(file, recorder->fabric);
	if (recorder->options.workloads)
		describe_groups(file, &recorder->options);
	link_bins_open(&recorder->links, file, recorder->fabric, &recorder->bins, recorder->by_kind);
	open_tables(recorder);
	if (recorder->options.detail >= DETAIL_MESSAGES)
		growing_open(recorder);
	results_open(recorder);
}

/* Bins may take half of the size limit, as if nothing could be compressed. */
static uint32_t choose_max_bins(struct recorder *recorder)
{
	int64_t per_bin = ((int64_t)recorder->fabric->n_links + 1) * 2 * (int64_t)sizeof(int64_t);
	uint32_t n = recorder->options.max_bins ? recorder->options.max_bins : bins_default(recorder->fabric->n_links, recorder->options.bin_ps >= 2);
	while (n > 1 && n * per_bin > recorder->options.size_limit_bytes / 2)
		n /= 2;
	recorder->bins_bytes = n * per_bin;
	return n;
}

struct recorder *recorder_new(const struct recorder_options *options, const struct fabric *fabric, const struct routes *routes,
			      struct error *err)
{
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
	if (refuse_foreign(options->path, err))
		return NULL;
	struct recorder *recorder = memory_zero(1, sizeof *recorder);
	recorder->options = *options;
	recorder->fabric = fabric;
	recorder->routes = routes;
	recorder->by_kind = options->detail == DETAIL_ALL;
	if (!recorder->options.size_limit_bytes)
		recorder->options.size_limit_bytes = SIZE_LIMIT_DEFAULT;
	if (create_file(recorder, err)) {
		free(recorder);
		return NULL;
	}
	uint32_t max_bins = choose_max_bins(recorder);
	bins_init(&recorder->bins, fabric->n_links, max_bins,
		  options->bin_ps >= 2 ? options->bin_ps : AUTO_BASE_PS);
	early_init(&recorder->early, fabric->n_links);
	create_objects(recorder);
	if (recorder_flush(recorder, err)) {
		recorder_finish(recorder, NULL, NULL);
		return NULL;
	}
	return recorder;
}

static void write_tables(struct recorder *recorder)
{
	write_instant(recorder);
	table_write(&recorder->changes);
	table_write(&recorder->outages);
	table_write(&recorder->reroutes);
	table_write(&recorder->circuits);
	table_write(&recorder->requests);
	table_write(&recorder->collectives);
	table_write(&recorder->ops);
	table_write(&recorder->messages);
	table_write(&recorder->releases);
	table_write(&recorder->acknowledgements);
	table_write(&recorder->intervals);
	growing_write(recorder);
}

/* Makes everything written so far the state of the file on disk. 0 or -1 with the error in recorder->file. */
static int commit(struct recorder *recorder)
{
	struct timeline_file *file = &recorder->file;
	if (file->error.code == ERROR_NONE && H5Fflush(file->id, H5F_SCOPE_GLOBAL) < 0)
		file_fail(file, "flush failed");
	if (file->error.code == ERROR_NONE)
		journal_commit(&recorder->journal);
	if (recorder->journal.error_number) { /* the cause of whatever HDF5 said after it */
		error_clear(&file->error);
		file_fail(file, "%s", strerror(recorder->journal.error_number));
	}
	return file->error.code == ERROR_NONE ? 0 : -1;
}

int recorder_flush(struct recorder *recorder, struct error *err)
{
	struct timeline_file *file = &recorder->file;
	write_tables(recorder);
	early_empty(&recorder->early, &recorder->bins);
	link_bins_write(&recorder->links, file, &recorder->bins, recorder->bins.end_ps);
	return commit(recorder) ? error_set(err, file->error.code, "%s", file->error.message) : 0;
}

static void close_everything(struct recorder *recorder)
{
	struct timeline_file *file = &recorder->file;
	struct name_entry *entry, *next;
	growing_close(recorder);
	table_close(&recorder->changes);
	table_close(&recorder->failures);
	table_close(&recorder->outages);
	table_close(&recorder->reroutes);
	table_close(&recorder->circuits);
	table_close(&recorder->requests);
	table_close(&recorder->collectives);
	table_close(&recorder->ops);
	table_close(&recorder->messages);
	table_close(&recorder->releases);
	table_close(&recorder->acknowledgements);
	table_close(&recorder->intervals);
	link_bins_close(&recorder->links);
	results_close(recorder);
	H5Tclose(file->text_type);
	if (H5Fclose(file->id) < 0 && !recorder->journal.error_number)
		file_fail(file, "closing failed");
	journal_close(&recorder->journal);
	HASH_ITER(hh, recorder->names, entry, next) {
		HASH_DEL(recorder->names, entry);
		free(entry->name);
		free(entry);
	}
	free(recorder->history);
	free(recorder->instant);
	early_release(&recorder->early);
	bins_release(&recorder->bins);
}

int recorder_finish(struct recorder *recorder, const struct recorder_result *result, struct error *err)
{
	struct timeline_file *file = &recorder->file;
	int status = 0;
	if (result) {
		write_tables(recorder);
		early_empty(&recorder->early, &recorder->bins);
		link_bins_write(&recorder->links, file, &recorder->bins, result->end_ps);
		physics_write(recorder, result);
		state_bins_write(recorder, result->end_ps);
		failures_write(recorder);
		results_write(recorder, result);
		if (recorder->intervals.dropped || recorder->messages.dropped)
			note_dropped(recorder); /* with the final counts */
		if (commit(recorder) == 0) {
			file_attribute_fixed(file, file->id, "status", result->status, STATUS_SIZE);
			commit(recorder);
		}
	}
	close_everything(recorder);
	if (file->error.code != ERROR_NONE)
		status = error_set(err, file->error.code, "%s", file->error.message);
	free(recorder);
	return status;
}
