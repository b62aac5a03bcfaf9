/* What is known at the end: ranks, the summary, and what depends on the host. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "timeline/recorder_internal.h"

void results_open(struct recorder *recorder)
{
	recorder->summary = file_group(&recorder->file, "/summary", "totals of the run");
	recorder->run = file_group(&recorder->file, "/run", "what depends on the host, outside of result_digest");
}

void results_close(struct recorder *recorder)
{
	file_close_group(recorder->summary);
	file_close_group(recorder->run);
}

static void write_integer(struct recorder *recorder, hid_t group, const char *name, const char *units, int64_t value)
{
	struct variable variable = {.name = name, .type = VALUE_I64, .units = units};
	file_write_variable(&recorder->file, group, &variable, NULL, 0, &value);
}

static void write_number(struct recorder *recorder, hid_t group, const char *name, const char *units, double value)
{
	struct variable variable = {.name = name, .type = VALUE_F64, .units = units};
	file_write_variable(&recorder->file, group, &variable, NULL, 0, &value);
}

static int64_t sum_of(const struct bins *bins, const int64_t *values)
{
	size_t per_block = (size_t)bins->max_bins * BINS_BLOCK;
	int64_t sum = 0;
	for (uint32_t block = 0; block < bins->n_blocks; block++)
		for (size_t i = block * per_block; bins->used[block] && i < (block + 1) * per_block; i++)
			sum += values[i];
	return sum;
}

static void write_summary(struct recorder *recorder, const struct recorder_result *result)
{
	const struct bins *bins = &recorder->bins;
	hid_t group = recorder->summary;
	write_integer(recorder, group, "time_ps", "ps", result->end_ps);
	write_integer(recorder, group, "events", "1", (int64_t)result->n_events);
	write_integer(recorder, group, "link_bytes", "B", sum_of(bins, bins->bytes));
	if (bins->extra[BINS_OVERHEAD])
		write_integer(recorder, group, "link_overhead_bytes", "B", sum_of(bins, bins->extra[BINS_OVERHEAD]));
	if (result->packet_hops)
		write_integer(recorder, group, "packet_hops", "1", (int64_t)result->packet_hops);
	if (result->energy_j > 0)
		write_number(recorder, group, "energy_j", "J", result->energy_j);
}

static void write_run(struct recorder *recorder, const struct recorder_result *result)
{
	char host[256] = "", created[64] = "";
	time_t now = time(NULL);
	struct tm utc;
	gethostname(host, sizeof host - 1);
	if (gmtime_r(&now, &utc))
		strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", &utc);
	write_number(recorder, recorder->run, "cpu_s", "s", result->cpu_s);
	write_number(recorder, recorder->run, "simulate_cpu_s", "s", result->simulate_cpu_s);
	write_integer(recorder, recorder->run, "peak_rss_bytes", "B", result->peak_rss_bytes);
	file_write_text(&recorder->file, recorder->run, "host", host, "name of the machine");
	file_write_text(&recorder->file, recorder->run, "finished", created, "when it ended, UTC");
}

static void write_ranks(struct recorder *recorder, const struct recorder_result *result)
{
	struct timeline_file *file = &recorder->file;
	uint32_t n = result->ranks ? result->n_ranks : 0;
	hid_t group = file_group(file, "/ranks", "where each rank's time went");
	struct variable class_name = {.name = "class", .type = VALUE_TEXT, .text = "classes of a rank's time; they add up to its end"};
	struct variable npu = {.name = "npu", .type = VALUE_U32, .text = "chip it ran on (npu of /nodes)"};
	struct variable end = {.name = "end_ps", .type = VALUE_I64, .units = "ps", .text = "its last operation ended"};
	struct variable classes_of = {.name = "time_by_class_ps", .type = VALUE_I64, .units = "ps"};
	struct dimension ranks = file_dimension(file, group, "rank", n, false, 4096);
	struct dimension classes = file_coordinate(file, group, &class_name, RANK_CLASSES, false, RANK_CLASSES);
	const struct dimension *both[2] = {&ranks, &classes};
	uint32_t *npus = memory_zero((size_t)n + 1, sizeof *npus);
	int64_t *ends = memory_zero((size_t)n + 1, sizeof *ends), *times = memory_zero((size_t)n * RANK_CLASSES + 1, sizeof *times);
	for (uint32_t i = 0; i < n; i++) {
		npus[i] = result->ranks[i].npu;
		ends[i] = result->ranks[i].end_ps;
		memcpy(times + (size_t)i * RANK_CLASSES, result->ranks[i].class_ps, RANK_CLASSES * sizeof *times);
	}
	file_write_all(file, classes.dataset, VALUE_TEXT, rank_class_names);
	file_write_variable(file, group, &npu, both, 1, npus);
	file_write_variable(file, group, &end, both, 1, ends);
	file_write_variable(file, group, &classes_of, both, 2, times);
	free(times);
	free(ends);
	free(npus);
	file_close_dimension(&classes);
	file_close_dimension(&ranks);
	file_close_group(group);
}

void results_write(struct recorder *recorder, const struct recorder_result *result)
{
	struct timeline_file *file = &recorder->file;
	write_ranks(recorder, result);
	write_summary(recorder, result);
	write_run(recorder, result);
	file_attribute_fixed(file, file->id, "message", result->message ? result->message : "", MESSAGE_SIZE);
	file_attribute_fixed(file, file->id, "result_digest", result->digest ? result->digest : "", DIGEST_SIZE);
}
