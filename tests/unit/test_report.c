/* Reading timelines: refusal of foreign and newer files, diff, rankings, exports, pictures. */
#include "recorded.h"

#include <hdf5.h>

#include "base/wire.h"
#include "report/diff.h"
#include "report/export.h"
#include "report/picture.h"
#include "report/ranking.h"
#include "report/summary.h"

/* Records a run of some rounds; a different `stretch` moves it in time without changing bytes. */
static void record(const char *path, int rounds, int64_t stretch_ps, enum timeline_detail detail, int64_t bin_ps)
{
	struct recorded run;
	struct error err = {0};
	recorded_build(&run, "star:n=7,bandwidth=28 GB/s,latency=500 ns");
	recorded_open(&run, &(struct recorder_options){.path = path, .detail = detail, .seed = 7, .model = "fluid", .bin_ps = bin_ps});
	for (int i = 0; i < rounds; i++) {
		recorded_round(&run);
		run.now_ps += stretch_ps;
	}
	recorded_ops(&run);
	assert_int_equal(recorded_finish(&run, &err), 0);
	recorded_release(&run);
}

static struct timeline *open_or_fail(const char *path)
{
	struct error err = {0};
	struct timeline *timeline = timeline_open(path, &err);
	if (!timeline)
		fail_msg("%s", err.message);
	return timeline;
}

static char folder[] = "/tmp/weft-report-XXXXXX", path_a[64], path_b[64];
#define A path_a
#define B path_b

static size_t differences(const char *a, const char *b, const char *key, const struct diff_tolerance *tolerances, size_t n)
{
	struct error err = {0};
	struct timeline *x = open_or_fail(a), *y = open_or_fail(b);
	struct diff diff;
	size_t found = 0;
	if (diff_init(&diff, x, y, tolerances, n, &err))
		fail_msg("%s", err.message);
	for (size_t i = 0; i < diff.n; i++)
		found += !key || !strcmp(diff.items[i].key, key);
	diff_release(&diff);
	timeline_close(x);
	timeline_close(y);
	return found;
}

static void diff_finds_what_differs_and_nothing_else(void **state)
{
	struct diff_tolerance loose[] = {{"*", 0.5}}, links[] = {{"link.*", 1}};
	(void)state;
	record(A, 300, 0, DETAIL_ALL, 0);
	record(B, 300, 0, DETAIL_ALL, 0);
	assert_int_equal(differences(A, B, NULL, NULL, 0), 0);
	record(B, 300, 0, DETAIL_BINS, 16000); /* other bins, less detail: the same run */
	assert_int_equal(differences(A, B, NULL, NULL, 0), 0);
	record(B, 300, 1000003, DETAIL_ALL, 0); /* the same bytes, later */
	assert_int_equal(differences(A, B, "link.bytes", NULL, 0), 0);
	assert_int_equal(differences(A, B, "time_ps", NULL, 0), 1);
	assert_int_equal(differences(A, B, "rank.end_ps", NULL, 0), 7);
	assert_int_equal(differences(A, B, "link.bins", NULL, 0), 14);
	assert_int_equal(differences(A, B, "link.bins", links, 1), 0);
	assert_int_equal(differences(A, B, NULL, loose, 1), 0);
	record(B, 301, 0, DETAIL_ALL, 0);
	assert_int_equal(differences(A, B, "link.bytes", NULL, 0), 14);
	assert_int_equal(differences(A, B, "messages", NULL, 0), 1);
}

/* Walks messages in messages down to the leaves that Perfetto's own parser would see. */
static void check_packet(struct wire packet, int64_t *begins, int64_t *ends, int64_t *counters, int64_t *tracks)
{
	struct wire_field field, inner;
	enum wire_result result;
	while ((result = wire_next(&packet, &field)) == WIRE_FIELD) {
		if (field.number == 60)
			++*tracks;
		if (field.number != 11)
			continue;
		while ((result = wire_next(&field.bytes, &inner)) == WIRE_FIELD)
			if (inner.number == 9)
				++*(inner.value == 1 ? begins : inner.value == 2 ? ends : counters);
		assert_int_equal(result, WIRE_END);
	}
	assert_int_equal(result, WIRE_END);
}

static void a_perfetto_trace_parses_and_its_slices_pair(void **state)
{
	(void)state;
	record(A, 50, 0, DETAIL_ALL, 0);
	for (int table = 0; table <= EXPORT_TABLES; table++) {
		struct error err = {0};
		struct timeline *timeline = open_or_fail(A);
		char *bytes = NULL;
		size_t length = 0;
		FILE *out = open_memstream(&bytes, &length);
		assert_int_equal(export_perfetto(timeline, (enum export_table)table, out, &err), 0);
		fclose(out);
		struct wire trace = {(const uint8_t *)bytes, (const uint8_t *)bytes + length};
		struct wire_field packet;
		enum wire_result result;
		int64_t begins = 0, ends = 0, counters = 0, tracks = 0;
		while ((result = wire_next(&trace, &packet)) == WIRE_FIELD) {
			assert_int_equal(packet.number, 1);
			check_packet(packet.bytes, &begins, &ends, &counters, &tracks);
		}
		assert_int_equal(result, WIRE_END);
		assert_int_equal(begins, ends);
		assert_true(tracks > 0);
		if (table == EXPORT_MESSAGES)
			assert_int_equal(begins, 350);
		if (table == EXPORT_LINKS)
			assert_true(counters > 14);
		free(bytes);
		timeline_close(timeline);
	}
}

static void messages_come_as_csv_in_order_of_their_ids(void **state)
{
	struct error err = {0};
	char *bytes = NULL, header[] = "message,source,target,bytes,start_ps,end_ps\n";
	size_t length = 0;
	(void)state;
	record(A, 3, 0, DETAIL_MESSAGES, 0);
	struct timeline *timeline = open_or_fail(A);
	FILE *out = open_memstream(&bytes, &length);
	assert_int_equal(export_csv(timeline, EXPORT_MESSAGES, out, &err), 0);
	fclose(out);
	assert_memory_equal(bytes, header, strlen(header));
	int line = 0;
	for (char *at = bytes + strlen(header); *at; at = strchr(at, '\n') + 1, line++)
		assert_int_equal(strtol(at, NULL, 10), line);
	assert_int_equal(line, 21);
	free(bytes);
	timeline_close(timeline);
}

static void foreign_and_newer_files_are_refused_with_a_reason(void **state)
{
	struct error err = {0};
	int64_t version = 2;
	(void)state;
	assert_null(timeline_open("/nowhere.h5", &err));
	assert_non_null(strstr(err.message, "No such file"));
	error_clear(&err);
	assert_null(timeline_open("/proc/self/cmdline", &err));
	assert_non_null(strstr(err.message, "not a weft timeline"));
	error_clear(&err);
	record(A, 3, 0, DETAIL_BINS, 0);
	hid_t file = H5Fopen(A, H5F_ACC_RDWR, H5P_DEFAULT), attribute = H5Aopen(file, "format_version", H5P_DEFAULT);
	H5Awrite(attribute, H5T_NATIVE_INT64, &version);
	H5Aclose(attribute);
	H5Fclose(file);
	assert_null(timeline_open(A, &err));
	assert_non_null(strstr(err.message, "version 2"));
	file = H5Fcreate(A, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	H5Fclose(file);
	error_clear(&err);
	assert_null(timeline_open(A, &err));
	assert_non_null(strstr(err.message, "something else"));
	assert_int_equal(truncate(A, 90), 0);
	error_clear(&err);
	assert_null(timeline_open(A, &err));
	assert_non_null(strstr(err.message, "weft timeline recover /tmp/weft-report-"));
	unlink(A);
}

static void missing_tables_name_the_detail_that_was_recorded(void **state)
{
	struct error err = {0};
	(void)state;
	record(A, 3, 0, DETAIL_BINS, 0);
	struct timeline *timeline = open_or_fail(A);
	FILE *out = fopen("/dev/null", "w");
	assert_int_equal(export_csv(timeline, EXPORT_MESSAGES, out, &err), -1);
	assert_non_null(strstr(err.message, "detail 'bins'"));
	fclose(out);
	timeline_close(timeline);
}

static void rankings_between_two_times_cover_whole_bins(void **state)
{
	struct error err = {0};
	struct ranking whole, part;
	(void)state;
	record(A, 200, 0, DETAIL_BINS, 0);
	struct timeline *timeline = open_or_fail(A);
	assert_int_equal(ranking_init(&whole, timeline, RANKING_BYTES, 0, 0, &err), 0);
	for (uint32_t i = 0; i < whole.links.n_links; i++)
		assert_int_equal(whole.rows[i].bytes, whole.links.total_bytes[whole.rows[i].link]);
	for (uint32_t i = 1; i < whole.links.n_links; i++)
		assert_true(whole.rows[i - 1].bytes >= whole.rows[i].bytes);
	assert_int_equal(ranking_init(&part, timeline, RANKING_BUSY, whole.to_ps / 2, whole.to_ps / 2 + 1, &err), 0);
	assert_int_equal(part.to_ps - part.from_ps, part.links.bin_end_ps[0]);
	ranking_release(&part);
	assert_int_equal(ranking_init(&part, timeline, RANKING_QUEUE, 0, 0, &err), -1);
	ranking_release(&whole);
	timeline_close(timeline);
}

static void pictures_and_summaries_are_made(void **state)
{
	struct error err = {0};
	struct text out = TEXT_INIT;
	(void)state;
	record(A, 200, 0, DETAIL_BINS, 0);
	struct timeline *timeline = open_or_fail(A);
	assert_int_equal(summary_print(timeline, &out, &err), 0);
	assert_non_null(strstr(text_string(&out), "npu3->switch"));
	assert_non_null(strstr(text_string(&out), "bubble fraction"));
	text_release(&out);
	char png[64], svg[64];
	snprintf(png, sizeof png, "%s/x.png", folder);
	snprintf(svg, sizeof svg, "%s/x.svg", folder);
	struct picture_options picture = {.path = png};
	assert_int_equal(picture_write(timeline, &picture, &err), 0);
	picture.path = svg;
	picture.max_rows = 4; /* sorts of links */
	assert_int_equal(picture_write(timeline, &picture, &err), 0);
	picture.path = "x.gif";
	assert_int_equal(picture_write(timeline, &picture, &err), -1);
	unlink(png);
	unlink(svg);
	timeline_close(timeline);
	unlink(A);
	unlink(B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(diff_finds_what_differs_and_nothing_else),
		cmocka_unit_test(a_perfetto_trace_parses_and_its_slices_pair),
		cmocka_unit_test(messages_come_as_csv_in_order_of_their_ids),
		cmocka_unit_test(foreign_and_newer_files_are_refused_with_a_reason),
		cmocka_unit_test(missing_tables_name_the_detail_that_was_recorded),
		cmocka_unit_test(rankings_between_two_times_cover_whole_bins),
		cmocka_unit_test(pictures_and_summaries_are_made),
	};
	if (!mkdtemp(folder))
		return 1;
	snprintf(path_a, sizeof path_a, "%s/a.h5", folder);
	snprintf(path_b, sizeof path_b, "%s/b.h5", folder);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path_a);
	unlink(path_b);
	rmdir(folder);
	return failed;
}
