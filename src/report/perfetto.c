/* Field numbers: protos/perfetto/trace/trace_packet.proto and track_event/{track_event,track_descriptor}.proto of Perfetto. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"
#include "base/wire.h"
#include "report/export.h"

enum {
	TRACE_PACKET = 1,
	PACKET_TIMESTAMP = 8, PACKET_SEQUENCE = 10, PACKET_TRACK_EVENT = 11, PACKET_TRACK_DESCRIPTOR = 60,
	EVENT_TYPE = 9, EVENT_TRACK = 11, EVENT_NAME = 23, EVENT_DOUBLE_COUNTER = 44,
	EVENT_SLICE_BEGIN = 1, EVENT_SLICE_END = 2, EVENT_COUNTER = 4,
	TRACK_UUID = 1, TRACK_NAME = 2, TRACK_PARENT = 5, TRACK_COUNTER = 8,
	COUNTER_UNIT_NAME = 6,
};

struct perfetto {
	FILE *out;
	struct text event, packet, file; /* reused */
	uint64_t n_tracks;
};

static void put_packet(struct perfetto *perfetto)
{
	wire_put_integer(&perfetto->packet, PACKET_SEQUENCE, 1);
	perfetto->file.length = 0;
	wire_put_bytes(&perfetto->file, TRACE_PACKET, perfetto->packet.data, perfetto->packet.length);
	fwrite(perfetto->file.data, 1, perfetto->file.length, perfetto->out);
	perfetto->packet.length = 0;
}

/* Returns the new track's uuid; parent 0: none. */
static uint64_t put_track(struct perfetto *perfetto, uint64_t parent, const char *name, const char *counter_unit)
{
	struct text counter = TEXT_INIT;
	uint64_t uuid = ++perfetto->n_tracks;
	perfetto->event.length = 0;
	wire_put_integer(&perfetto->event, TRACK_UUID, uuid);
	wire_put_string(&perfetto->event, TRACK_NAME, name);
	if (parent)
		wire_put_integer(&perfetto->event, TRACK_PARENT, parent);
	if (counter_unit) {
		wire_put_string(&counter, COUNTER_UNIT_NAME, counter_unit);
		wire_put_bytes(&perfetto->event, TRACK_COUNTER, counter.data, counter.length);
		text_release(&counter);
	}
	wire_put_bytes(&perfetto->packet, PACKET_TRACK_DESCRIPTOR, perfetto->event.data, perfetto->event.length);
	put_packet(perfetto);
	return uuid;
}

static void put_event(struct perfetto *perfetto, int64_t time_ps, uint64_t track, int type, const char *name, double counter)
{
	perfetto->event.length = 0;
	wire_put_integer(&perfetto->event, EVENT_TYPE, (uint64_t)type);
	wire_put_integer(&perfetto->event, EVENT_TRACK, track);
	if (name)
		wire_put_string(&perfetto->event, EVENT_NAME, name);
	if (type == EVENT_COUNTER)
		wire_put_double(&perfetto->event, EVENT_DOUBLE_COUNTER, counter);
	wire_put_integer(&perfetto->packet, PACKET_TIMESTAMP, (uint64_t)(time_ps / PS_PER_NS));
	wire_put_bytes(&perfetto->packet, PACKET_TRACK_EVENT, perfetto->event.data, perfetto->event.length);
	put_packet(perfetto);
}

/* Slices of one track must nest: those that overlap go to further tracks (lanes) of the same place. */
struct slice {
	int64_t place, lane_key, start_ps, end_ps;
	const char *name;
};

static int compare_slices(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;
	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->lane_key != y->lane_key)
		return x->lane_key < y->lane_key ? -1 : 1;
	if (x->start_ps != y->start_ps)
		return x->start_ps < y->start_ps ? -1 : 1;
	return x->end_ps < y->end_ps ? -1 : x->end_ps > y->end_ps;
}

struct lanes {
	uint64_t *tracks;
	int64_t *ends_ps;
	size_t n, tracks_capacity, ends_capacity;
};

static uint64_t lane_for(struct perfetto *perfetto, struct lanes *lanes, const struct slice *slice, uint64_t parent, const char *name)
{
	for (size_t i = 0; i < lanes->n; i++)
		if (lanes->ends_ps[i] <= slice->start_ps) {
			lanes->ends_ps[i] = slice->end_ps;
			return lanes->tracks[i];
		}
	ARRAY_RESERVE(lanes->tracks, lanes->n + 1, lanes->tracks_capacity);
	ARRAY_RESERVE(lanes->ends_ps, lanes->n + 1, lanes->ends_capacity);
	lanes->ends_ps[lanes->n] = slice->end_ps;
	lanes->tracks[lanes->n] = put_track(perfetto, parent, name, NULL);
	return lanes->tracks[lanes->n++];
}

/* `place` names the outer track ("rank 3"), `lane` the inner ones; a NULL lane: no inner tracks' names of their own. */
static void put_slices(struct perfetto *perfetto, struct slice *slices, int64_t n, const char *place, const char *lane)
{
	struct lanes lanes = {0};
	uint64_t parent = 0;
	char name[64];
	qsort(slices, (size_t)n, sizeof *slices, compare_slices);
	for (int64_t i = 0; i < n; i++) {
		if (!i || slices[i].place != slices[i - 1].place) {
			snprintf(name, sizeof name, "%s %lld", place, (long long)slices[i].place);
			parent = put_track(perfetto, 0, name, NULL);
			lanes.n = 0;
		} else if (slices[i].lane_key != slices[i - 1].lane_key) {
			lanes.n = 0;
		}
		snprintf(name, sizeof name, "%s %lld", lane, (long long)slices[i].lane_key);
		uint64_t track = lane_for(perfetto, &lanes, &slices[i], parent, name);
		put_event(perfetto, slices[i].start_ps, track, EVENT_SLICE_BEGIN, slices[i].name, 0);
		put_event(perfetto, slices[i].end_ps, track, EVENT_SLICE_END, NULL, 0);
	}
	free(lanes.tracks);
	free(lanes.ends_ps);
}

/* The columns that make slices of a table. */
struct slice_source {
	const char *place, *lane, *start, *end, *kind, *lookup, *names; /* variables; lane and lookup may be NULL */
	const char *place_name, *lane_name;
};

struct slice_columns {
	int64_t n, *place, *lane, *start, *end, *kind, *lookup;
	const char **names;
	int64_t n_names;
	const char *const *words;
	uint32_t n_words;
};

static int load_slices(struct timeline *timeline, const struct slice_source *source, struct slice_columns *columns, struct error *err)
{
	columns->words = timeline_meanings(timeline, source->kind, &columns->n_words);
	if (!(columns->place = timeline_integers(timeline, source->place, &columns->n, err)) ||
	    !(columns->start = timeline_integers(timeline, source->start, NULL, err)) ||
	    !(columns->end = timeline_integers(timeline, source->end, NULL, err)) ||
	    !(columns->kind = timeline_integers(timeline, source->kind, NULL, err)))
		return -1;
	if (source->lane && !(columns->lane = timeline_integers(timeline, source->lane, NULL, err)))
		return -1;
	if (source->names && timeline_has(timeline, source->names) &&
	    (!(columns->lookup = timeline_integers(timeline, source->lookup, NULL, err)) ||
	     !(columns->names = timeline_texts(timeline, source->names, &columns->n_names, err))))
		return -1;
	return 0;
}

static void release_slices(struct slice_columns *columns)
{
	free(columns->place);
	free(columns->lane);
	free(columns->start);
	free(columns->end);
	free(columns->kind);
	free(columns->lookup);
	free(columns->names);
}

static const char *slice_name(const struct slice_columns *columns, int64_t i)
{
	if (columns->names && columns->lookup[i] >= 0 && columns->lookup[i] < columns->n_names)
		return columns->names[columns->lookup[i]];
	return columns->kind[i] >= 0 && columns->kind[i] < columns->n_words ? columns->words[columns->kind[i]] : "?";
}

static int put_table(struct perfetto *perfetto, struct timeline *timeline, const struct slice_source *source, struct error *err)
{
	struct slice_columns columns = {0};
	int64_t n = 0;
	int status = load_slices(timeline, source, &columns, err);
	struct slice *slices = memory_alloc(((size_t)columns.n + 1) * sizeof *slices);
	for (int64_t i = 0; status == 0 && i < columns.n; i++)
		if (columns.end[i] != TIME_NEVER) /* never delivered: a slice without an end */
			slices[n++] = (struct slice){columns.place[i], columns.lane ? columns.lane[i] : 0, columns.start[i], columns.end[i],
						     slice_name(&columns, i)};
	if (status == 0)
		put_slices(perfetto, slices, n, source->place_name, source->lane_name);
	free(slices);
	release_slices(&columns);
	return status;
}

#define BINS_AT_ONCE 64

/* A counter per link that carried anything: its rate in each bin. */
static int put_links(struct perfetto *perfetto, struct timeline *timeline, struct error *err)
{
	struct timeline_links links;
	if (timeline_links_read(timeline, &links, err))
		return -1;
	uint64_t *tracks = memory_zero((size_t)links.n_links + 1, sizeof *tracks);
	double *last = memory_zero((size_t)links.n_links + 1, sizeof *last);
	int64_t *block = memory_alloc((size_t)BINS_AT_ONCE * links.n_links * sizeof *block + 1);
	int status = 0;
	for (uint32_t i = 0; i < links.n_links; i++)
		if (links.total_bytes[i])
			tracks[i] = put_track(perfetto, 0, links.names[i], "B/s");
	for (int64_t bin = 0; bin < links.n_bins && status == 0; bin += BINS_AT_ONCE) {
		int64_t n = links.n_bins - bin < BINS_AT_ONCE ? links.n_bins - bin : BINS_AT_ONCE;
		status = timeline_bins_read(timeline, "/links/bytes", bin, n, block, err);
		for (int64_t i = 0; status == 0 && i < n * links.n_links; i++) {
			int64_t at = bin + i / links.n_links, link = i % links.n_links;
			double rate = (double)block[i] * (double)PS_PER_S / (double)(links.bin_end_ps[at] - links.bin_start_ps[at]);
			if (tracks[link] && (rate < last[link] || rate > last[link] || at == 0))
				put_event(perfetto, links.bin_start_ps[at], tracks[link], EVENT_COUNTER, NULL, rate);
			last[link] = rate;
		}
	}
	free(block);
	free(last);
	free(tracks);
	timeline_links_release(&links);
	return status;
}

int export_perfetto(struct timeline *timeline, enum export_table table, FILE *out, struct error *err)
{
	static const struct slice_source ops = {"/ops/rank", "/ops/stream", "/ops/start_ps", "/ops/end_ps", "/ops/kind", "/ops/name",
						"/ops/op_names", "rank", "stream"};
	static const struct slice_source messages = {"/messages/source", NULL, "/messages/start_ps", "/messages/end_ps", "/messages/kind",
						     NULL, NULL, "messages of chip", "lane"};
	static const struct slice_source collectives = {"/collectives/group", NULL, "/collectives/start_ps", "/collectives/end_ps",
							"/collectives/kind", NULL, NULL, "collectives of group", "lane"};
	struct perfetto perfetto = {.out = out};
	int status = 0;
	switch (table) {
	case EXPORT_OPS: status = put_table(&perfetto, timeline, &ops, err); break;
	case EXPORT_MESSAGES: status = put_table(&perfetto, timeline, &messages, err); break;
	case EXPORT_COLLECTIVES: status = put_table(&perfetto, timeline, &collectives, err); break;
	case EXPORT_LINKS: status = put_links(&perfetto, timeline, err); break;
	case EXPORT_TABLES: /* everything that a person wants to see together */
		if (timeline_has(timeline, "/ops/rank"))
			status = put_table(&perfetto, timeline, &ops, err);
		status = status || put_table(&perfetto, timeline, &collectives, err) || put_links(&perfetto, timeline, err) ? -1 : 0;
		break;
	}
	if (status == 0 && (fflush(out) || ferror(out)))
		status = error_set(err, ERROR_HOST, "cannot write the output: %s", strerror(errno));
	text_release(&perfetto.event);
	text_release(&perfetto.packet);
	text_release(&perfetto.file);
	return status;
}
