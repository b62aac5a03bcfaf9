#include "timeline/link_bins.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/observer.h"
#include "fabric/fabric.h"
#include "timeline/describe.h"

/* A chunk is 32 bins × 256 links, 64 KiB (from 128 KiB on, glibc maps and unmaps memory for each): a picture reads all, a user who
 * follows one link reads a row of chunks. */
#define BINS_PER_CHUNK 32
#define TIMES_PER_CHUNK 256
#define LINKS_PER_CHUNK BINS_BLOCK

static const struct variable extra_variables[BINS_KIND] = {
	[BINS_OVERHEAD] = {.name = "overhead_bytes", .type = VALUE_I64, .units = "B", .text = "headers, replays, control and drops"},
	[BINS_QUEUE_MAX] = {.name = "queue_bytes_max", .type = VALUE_I64, .units = "B", .text = "largest number of bytes that waited"},
	[BINS_QUEUE_BYTE_PS] = {.name = "queue_byte_ps", .type = VALUE_I64, .units = "B ps",
				.text = "waiting bytes x time: divided by the width of the bin it is the mean queue"},
	[BINS_STALL_PS] = {.name = "stall_ps", .type = VALUE_I64, .units = "ps", .text = "blocked for want of credits"},
	[BINS_REPLAYS] = {.name = "replays", .type = VALUE_I64, .units = "1", .text = "frames sent again"},
	[BINS_COUNT + LINK_PAUSE_PS] = {.name = "pause_ps", .type = VALUE_I64, .units = "ps", .text = "told to stop by priority flow control"},
	[BINS_COUNT + LINK_MARKS] = {.name = "marks", .type = VALUE_I64, .units = "1", .text = "packets marked: congestion experienced"},
	[BINS_COUNT + LINK_TRIMS] = {.name = "trims", .type = VALUE_I64, .units = "1", .text = "packets that lost their payload in front of it"},
	[BINS_COUNT + LINK_DROPS] = {.name = "drops", .type = VALUE_I64, .units = "1", .text = "packets dropped in front of it or on it"},
	[BINS_COUNT + LINK_AGAIN_BYTES] = {.name = "again_bytes", .type = VALUE_I64, .units = "B",
					   .text = "in packets sent again; part of overhead_bytes"},
};

_Static_assert(BINS_COUNT + LINK_COUNT_N == BINS_KIND, "a column for each");

static hid_t over_time(struct link_bins *links, struct timeline_file *file, const struct variable *variable)
{
	const struct dimension *dimensions[2] = {&links->time, &links->links};
	return file_variable(file, links->group, variable, dimensions, 2);
}

static hid_t per_link(struct link_bins *links, struct timeline_file *file, const char *name, const char *units, const char *text)
{
	const struct dimension *dimensions[1] = {&links->links};
	struct variable variable = {.name = name, .type = VALUE_I64, .units = units, .text = text};
	return file_variable(file, links->group, &variable, dimensions, 1);
}

static void open_time(struct link_bins *links, struct timeline_file *file)
{
	struct variable time = {.name = "time", .type = VALUE_I64, .units = "ps", .text = "start of the bin"};
	struct variable bounds = {.name = "time_bounds", .type = VALUE_I64, .units = "ps", .text = "start and end of the bin"};
	const struct dimension *dimensions[2] = {&links->time, &links->bound};
	links->time = file_coordinate(file, links->group, &time, 0, true, TIMES_PER_CHUNK);
	links->bound = file_dimension(file, links->group, "bound", 2, false, 2);
	if (links->time.dataset >= 0)
		file_attribute_text(file, links->time.dataset, "bounds", "time_bounds");
	links->time_bounds = file_variable(file, links->group, &bounds, dimensions, 2);
	links->time.chunk = BINS_PER_CHUNK; /* of what is over links too */
}

static void open_kinds(struct link_bins *links, struct timeline_file *file)
{
	struct variable name = {.name = "traffic", .type = VALUE_TEXT, .text = "what the bytes were for"};
	struct variable bytes = {.name = "bytes_by_kind", .type = VALUE_I64, .units = "B", .text = "payload by what it was for"};
	links->kinds = file_coordinate(file, links->group, &name, TRAFFIC_N, false, 1);
	file_write_all(file, links->kinds.dataset, VALUE_TEXT, traffic_kind_names);
	const struct dimension *dimensions[3] = {&links->time, &links->links, &links->kinds};
	links->bytes_by_kind = file_variable(file, links->group, &bytes, dimensions, 3);
}

void link_bins_open(struct link_bins *links, struct timeline_file *file, const struct fabric *fabric, const struct bins *bins,
		    bool by_kind)
{
	static const struct variable bytes = {.name = "bytes", .type = VALUE_I64, .units = "B", .text = "payload"};
	static const struct variable busy = {.name = "busy_ps", .type = VALUE_I64, .units = "ps", .text = "carried anything"};
	memset(links, 0, sizeof *links);
	links->by_kind = by_kind;
	links->group = file_group(file, "/links", "directed links: what they are, and what happened on them in bins of time");
	links->links = file_dimension(file, links->group, "link", bins->n_links, false, LINKS_PER_CHUNK);
	open_time(links, file);
	describe_links(file, links->group, &links->links, fabric);
	links->bytes = over_time(links, file, &bytes);
	links->busy = over_time(links, file, &busy);
	links->total_bytes = per_link(links, file, "total_bytes", "B", "payload of the whole run");
	links->total_busy = per_link(links, file, "total_busy_ps", "ps", "time in which it carried anything");
	for (int i = 0; i < BINS_KIND; i++)
		links->extra[i] = H5I_INVALID_HID;
	links->bytes_by_kind = links->kinds.dataset = H5I_INVALID_HID;
	if (by_kind)
		open_kinds(links, file);
}

static void write_time(struct link_bins *links, struct timeline_file *file, const struct bins *bins, uint32_t n)
{
	hsize_t start[2] = {0, 0}, count[2] = {n, 2};
	int64_t *starts = memory_alloc(n * sizeof *starts), *bounds = memory_alloc(2 * n * sizeof *bounds);
	for (uint32_t i = 0; i < n; i++) {
		starts[i] = bounds[2 * i] = i * bins->width_ps;
		bounds[2 * i + 1] = (i + 1) * bins->width_ps;
	}
	file_extend(file, links->time.dataset, 1, count);
	file_write_box(file, links->time.dataset, VALUE_I64, 1, start, count, starts);
	file_extend(file, links->time_bounds, 2, count);
	file_write_box(file, links->time_bounds, VALUE_I64, 2, start, count, bounds);
	free(bounds);
	free(starts);
}

/* A block of memory is a row of chunks of the file; only the last block, where links are missing, is packed first. Blocks that
 * were never used stay unwritten (they read as 0). */
static void write_column(struct timeline_file *file, const struct bins *bins, uint32_t n, hid_t dataset, const int64_t *values, int kind)
{
	hsize_t size[3] = {n, bins->n_links, TRAFFIC_N};
	int rank = kind < 0 ? 2 : 3;
	int64_t *packed = NULL;
	file_extend(file, dataset, rank, size);
	for (uint32_t block = 0; block < bins->n_blocks; block++) {
		uint32_t from = block * BINS_BLOCK, width = bins->n_links - from < BINS_BLOCK ? bins->n_links - from : BINS_BLOCK;
		const int64_t *rows = values + (size_t)from * bins->max_bins;
		hsize_t start[3] = {0, from, kind < 0 ? 0 : (hsize_t)kind}, count[3] = {n, width, 1};
		if (!bins->used[block])
			continue;
		if (width < BINS_BLOCK) {
			packed = memory_alloc((size_t)n * width * sizeof *packed);
			for (uint32_t bin = 0; bin < n; bin++)
				memcpy(packed + (size_t)bin * width, rows + (size_t)bin * BINS_BLOCK, width * sizeof *packed);
			rows = packed;
		}
		file_write_box(file, dataset, VALUE_I64, rank, start, count, rows);
	}
	free(packed);
}

static void write_total(struct timeline_file *file, const struct bins *bins, uint32_t n, hid_t dataset, const int64_t *values)
{
	int64_t *totals = memory_zero((size_t)bins->n_blocks * BINS_BLOCK + 1, sizeof *totals);
	for (uint32_t block = 0; block < bins->n_blocks; block++)
		for (uint32_t bin = 0; bins->used[block] && bin < n; bin++)
			for (uint32_t i = 0; i < BINS_BLOCK; i++)
				totals[block * BINS_BLOCK + i] += values[((size_t)block * bins->max_bins + bin) * BINS_BLOCK + i];
	if (bins->n_links)
		file_write_all(file, dataset, VALUE_I64, totals);
	free(totals);
}

static void write_extras(struct link_bins *links, struct timeline_file *file, const struct bins *bins, uint32_t n)
{
	for (int i = 0; i < BINS_KIND; i++) {
		if (!bins->extra[i])
			continue;
		if (links->extra[i] < 0)
			links->extra[i] = over_time(links, file, &extra_variables[i]);
		write_column(file, bins, n, links->extra[i], bins->extra[i], -1);
	}
	if (!links->by_kind)
		return;
	hsize_t size[3] = {n, bins->n_links, TRAFFIC_N};
	file_extend(file, links->bytes_by_kind, 3, size);
	for (int i = 0; i < TRAFFIC_N; i++)
		if (bins->extra[BINS_KIND + i])
			write_column(file, bins, n, links->bytes_by_kind, bins->extra[BINS_KIND + i], i);
}

void link_bins_write(struct link_bins *links, struct timeline_file *file, struct bins *bins, int64_t end_ps)
{
	bins_reach(bins, end_ps); /* computing goes on after the last byte */
	uint32_t n = bins_count(bins, end_ps > bins->end_ps ? end_ps : bins->end_ps);
	write_time(links, file, bins, n);
	write_column(file, bins, n, links->bytes, bins->bytes, -1);
	write_column(file, bins, n, links->busy, bins->busy_ps, -1);
	write_extras(links, file, bins, n);
	write_total(file, bins, n, links->total_bytes, bins->bytes);
	write_total(file, bins, n, links->total_busy, bins->busy_ps);
}

static void close_dataset(hid_t dataset)
{
	if (dataset > 0)
		H5Dclose(dataset);
}

void link_bins_close(struct link_bins *links)
{
	close_dataset(links->time_bounds);
	close_dataset(links->bytes);
	close_dataset(links->busy);
	close_dataset(links->total_bytes);
	close_dataset(links->total_busy);
	close_dataset(links->bytes_by_kind);
	for (int i = 0; i < BINS_KIND; i++)
		close_dataset(links->extra[i]);
	file_close_dimension(&links->kinds);
	file_close_dimension(&links->bound);
	file_close_dimension(&links->links);
	file_close_dimension(&links->time);
	file_close_group(links->group);
}
