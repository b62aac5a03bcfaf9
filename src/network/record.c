#include "network/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/time.h"
#include "engine/observer.h"

void records_init(struct records *records, const struct observers *observers, uint32_t n_links, int64_t payload, int64_t header)
{
	*records = (struct records){.observers = observers, .n_links = n_links, .payload = payload, .header = header};
	records->links = memory_zero(n_links + 1u, sizeof *records->links);
}

void records_release(struct records *records)
{
	free(records->links);
	free(records->by_kind);
}

int64_t record_overhead(const struct records *records, int64_t payload_bytes)
{
	return records->header ? scale_floor(payload_bytes, records->header, records->payload) : 0;
}

static void tell(const struct records *records, uint32_t link, int64_t from_ps, int64_t to_ps, int64_t bytes, uint8_t kind)
{
	const struct link_record *record = &records->links[link];
	int64_t overhead = record_overhead(records, record->emitted + bytes) - record_overhead(records, record->emitted);
	if (bytes)
		OBSERVE(records->observers, link_bytes, link, from_ps, to_ps, bytes, overhead, kind);
}

static void tell_kinds(struct records *records, uint32_t link, int64_t from_ps, int64_t to_ps, int64_t bytes)
{
	struct link_record *record = &records->links[link];
	int64_t *left = &records->by_kind[(size_t)link * TRAFFIC_N], total = 0, rest = bytes;
	int64_t parts[TRAFFIC_N] = {0};
	for (int k = 0; k < TRAFFIC_N; k++)
		total += left[k];
	for (int k = 0; k < TRAFFIC_N && total > 0; k++)
		rest -= parts[k] = scale_floor(left[k], bytes < total ? bytes : total, total);
	for (int k = 0; k < TRAFFIC_N && rest > 0; k++) {
		int64_t more = left[k] - parts[k] < rest ? left[k] - parts[k] : rest;
		parts[k] += more;
		rest -= more;
	}
	for (uint8_t k = 0; k < TRAFFIC_N; k++) {
		left[k] -= parts[k];
		tell(records, link, from_ps, to_ps, parts[k], k);
		record->emitted += parts[k];
	}
}

static void emit(struct records *records, uint32_t link, int64_t to_ps, int64_t bytes)
{
	struct link_record *record = &records->links[link];
	int64_t from_ps = record->since_ps < to_ps || to_ps == 0 ? record->since_ps : to_ps - 1;
	if (bytes <= 0)
		return;
	if (record->mixed && records->observers->wants_kinds) {
		tell_kinds(records, link, from_ps, to_ps, bytes);
		return;
	}
	tell(records, link, from_ps, to_ps, bytes, record->mixed ? TRAFFIC_N : record->kind);
	record->emitted += bytes;
}

static void mix_kinds(struct records *records, uint32_t link)
{
	struct link_record *record = &records->links[link];
	record->mixed = true;
	if (!records->observers->wants_kinds)
		return;
	if (!records->by_kind)
		records->by_kind = memory_zero((size_t)records->n_links * TRAFFIC_N, sizeof *records->by_kind);
	memset(&records->by_kind[(size_t)link * TRAFFIC_N], 0, TRAFFIC_N * sizeof *records->by_kind);
	records->by_kind[(size_t)link * TRAFFIC_N + record->kind] = record->promised - record->emitted;
}

void record_join(struct records *records, uint32_t link, int64_t bytes, uint8_t kind, int64_t since_ps, double rate)
{
	struct link_record *record = &records->links[link];
	if (!record->open)
		*record = (struct link_record){.open = true, .slack = 1, .since_ps = since_ps, .rate = rate, .kind = kind,
					       .busy_ps = rate > 0 ? since_ps : -1};
	if (record->kind != kind && !record->mixed)
		mix_kinds(records, link);
	record->promised += bytes;
	if (record->mixed && records->by_kind)
		records->by_kind[(size_t)link * TRAFFIC_N + kind] += bytes;
}

void record_leave(struct records *records, uint32_t link, int64_t promised, int64_t bytes, uint8_t kind, double slack)
{
	struct link_record *record = &records->links[link];
	record->due += bytes;
	record->slack += slack;
	record->promised -= promised - bytes;
	if (record->mixed && records->by_kind)
		records->by_kind[(size_t)link * TRAFFIC_N + kind] -= promised - bytes;
}

static void advance(struct records *records, uint32_t link, int64_t now_ps)
{
	struct link_record *record = &records->links[link];
	if (now_ps == record->since_ps)
		return;
	record->bytes += record->rate * (double)(now_ps - record->since_ps);
	int64_t whole = (int64_t)floor(record->bytes - record->slack);
	if (whole > record->promised)
		whole = record->promised;
	if (records->observers->wants_bytes)
		emit(records, link, now_ps, whole - record->emitted);
	record->since_ps = now_ps;
}

static void set_busy(struct records *records, uint32_t link, int64_t now_ps, bool busy)
{
	struct link_record *record = &records->links[link];
	if (record->busy_ps >= 0 && !busy) {
		if (now_ps > record->busy_ps)
			OBSERVE(records->observers, link_busy, link, record->busy_ps, now_ps);
		record->busy_ps = -1;
	} else if (record->busy_ps < 0 && busy) {
		record->busy_ps = now_ps;
	}
}

void record_rate(struct records *records, uint32_t link, int64_t now_ps, double rate)
{
	struct link_record *record = &records->links[link];
	if (!record->open || rate == record->rate)
		return;
	advance(records, link, now_ps);
	set_busy(records, link, now_ps, rate > 0);
	record->rate = rate;
}

void record_close(struct records *records, uint32_t link, int64_t now_ps)
{
	struct link_record *record = &records->links[link];
	if (records->observers->wants_bytes)
		emit(records, link, now_ps, record->due - record->emitted);
	set_busy(records, link, now_ps, false);
	record->open = false;
}

void record_cut(struct records *records, uint32_t link, int64_t now_ps)
{
	if (!records->links[link].open)
		return;
	advance(records, link, now_ps);
	set_busy(records, link, now_ps, false);
}
