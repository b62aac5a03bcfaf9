/* The recorder writes what it was told: checked by reading the file back with the bare library. */
#include "recorded.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <hdf5.h>

#include "timeline/reader.h"

static void read_totals(const char *path, const char *name, int64_t *out)
{
	hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
	assert_true(file >= 0);
	hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
	assert_true(dataset >= 0);
	assert_true(H5Dread(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0);
	H5Dclose(dataset);
	H5Fclose(file);
}

static void every_total_is_what_was_told(void **state)
{
	struct recorded run;
	struct error err = {0};
	char path[] = "/tmp/weft-recorder-XXXXXX";
	(void)state;
	close(mkstemp(path));
	unlink(path);
	recorded_build(&run, "star:n=7,bandwidth=28 GB/s,latency=500 ns");
	recorded_open(&run, &(struct recorder_options){.path = path, .detail = DETAIL_ALL, .scenario_text = "weft: 1\n", .seed = 7,
		      .model = "fluid", .routing = "default"});
	for (int i = 0; i < 5000; i++)
		recorded_round(&run);
	recorded_ops(&run);
	assert_int_equal(recorded_finish(&run, &err), 0);
	int64_t *totals = memory_zero(run.fabric.n_links, sizeof *totals);
	read_totals(path, "/links/total_bytes", totals);
	for (uint32_t i = 0; i < run.fabric.n_links; i++)
		assert_int_equal(totals[i], run.bytes[i]);
	read_totals(path, "/links/total_busy_ps", totals);
	for (uint32_t i = 0; i < run.fabric.n_links; i++)
		assert_int_equal(totals[i], run.busy_ps[i]);
	free(totals);
	if (getenv("WEFT_KEEP"))
		rename(path, getenv("WEFT_KEEP"));
	unlink(path);
	recorded_release(&run);
}

/* A file system, or here a limit of the process, that has no room left: said by every call from then on, and the file never looks
 * complete. */
static void a_full_disk_is_reported_and_leaves_no_complete_file(void **state)
{
	char path[] = "/tmp/weft-full-XXXXXX";
	(void)state;
	close(mkstemp(path));
	unlink(path);
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t limit = 1000; limit < 900000; limit = limit * 3 / 2) {
		struct rlimit old, new;
		struct recorded run;
		struct error err = {0};
		getrlimit(RLIMIT_FSIZE, &old);
		new = (struct rlimit){limit, old.rlim_max};
		recorded_build(&run, "star:n=7,bandwidth=28 GB/s,latency=500 ns");
		setrlimit(RLIMIT_FSIZE, &new);
		run.recorder = recorder_new(&(struct recorder_options){.path = path, .detail = DETAIL_ALL, .seed = 7, .model = "fluid"}, &run.fabric,
					    &run.routes, &err);
		if (run.recorder) {
			run.observer = recorder_observer(run.recorder);
			for (int i = 0; i < 4000; i++)
				recorded_round(&run);
			recorded_ops(&run);
			assert_int_equal(recorded_finish(&run, &err), -1);
		}
		setrlimit(RLIMIT_FSIZE, &old);
		assert_int_equal(err.code, ERROR_HOST);
		assert_non_null(strstr(err.message, strerror(EFBIG)));
		struct error why = {0};
		struct timeline *timeline = timeline_open(path, &why);
		if (timeline)
			assert_string_equal(timeline_text(timeline, "status"), "running");
		timeline_close(timeline);
		unlink(path);
		recorded_release(&run);
	}
}

static void only_weft_files_are_overwritten(void **state)
{
	char path[] = "/tmp/weft-foreign-XXXXXX";
	struct recorded run;
	struct error err = {0};
	int file = mkstemp(path);
	(void)state;
	assert_int_equal(write(file, "precious", 8), 8);
	close(file);
	recorded_build(&run, "star:n=7,bandwidth=28 GB/s,latency=500 ns");
	assert_null(recorder_new(&(struct recorder_options){.path = path}, &run.fabric, &run.routes, &err));
	assert_int_equal(err.code, ERROR_INPUT);
	assert_non_null(strstr(err.message, "is not a weft timeline"));
	unlink(path);
	for (int i = 0; i < 2; i++) {
		recorded_open(&run, &(struct recorder_options){.path = path});
		recorded_round(&run);
		error_clear(&err);
		assert_int_equal(recorded_finish(&run, &err), 0);
	}
	unlink(path);
	error_clear(&err);
	assert_null(recorder_new(&(struct recorder_options){.path = "/nowhere/x.h5"}, &run.fabric, &run.routes, &err));
	assert_int_equal(err.code, ERROR_HOST);
	recorded_release(&run);
}

static void a_size_limit_drops_intervals_then_messages_and_says_so(void **state)
{
	char path[] = "/tmp/weft-limit-XXXXXX";
	(void)state;
	close(mkstemp(path));
	unlink(path);
	for (int64_t limit = 4000000; limit >= 100000; limit /= 2) {
		struct recorded run;
		struct error err = {0};
		struct stat status;
		recorded_build(&run, "star:n=60,bandwidth=28 GB/s,latency=500 ns");
		recorded_open(&run, &(struct recorder_options){.path = path, .detail = DETAIL_INTERVALS, .size_limit_bytes = limit});
		for (int i = 0; i < 3000; i++)
			recorded_round(&run);
		assert_int_equal(recorded_finish(&run, &err), 0);
		struct timeline *timeline = timeline_open(path, &err);
		int64_t intervals = timeline_rows(timeline, "/intervals/link"), messages = timeline_rows(timeline, "/messages/message");
		const char *dropped = timeline_text(timeline, "dropped");
		assert_true(intervals == 0 || intervals == 2 * (int64_t)run.n_messages);
		assert_true(messages == 0 || messages == (int64_t)run.n_messages);
		assert_int_equal(intervals == 0, strstr(dropped, "intervals (360000 records)") != NULL);
		assert_int_equal(messages == 0, strstr(dropped, "messages (180000 records)") != NULL);
		assert_int_equal(stat(path, &status), 0);
		print_message("limit %lld: %lld bytes, dropped '%s'\n", (long long)limit, (long long)status.st_size, dropped);
		assert_true(status.st_size <= limit + 150000); /* a block's and the descriptions' worth */
		timeline_close(timeline);
		unlink(path);
		recorded_release(&run);
	}
}

/* Down for a quarter of the time between two moments that no bin begins at. */
static void states_and_capacity_of_links_follow_their_changes(void **state)
{
	char path[] = "/tmp/weft-state-XXXXXX";
	struct recorded run;
	struct error err = {0};
	uint32_t n = 0;
	int64_t n_values = 0, seconds_x_rate = 0;
	(void)state;
	close(mkstemp(path));
	unlink(path);
	recorded_build(&run, "star:n=7,bandwidth=28 GB/s,latency=500 ns");
	recorded_open(&run, &(struct recorder_options){.path = path, .detail = DETAIL_BINS, .bin_ps = 1000});
	run.observer.link_bytes(run.observer.context, 2, 0, 4000000, 100, 0, 0);
	run.observer.link_change(run.observer.context, 2, 1000007, LINK_DOWN, 0, LINK_CAUSE_SCHEDULE);
	run.observer.link_change(run.observer.context, 2, 2000007, LINK_UP, INT64_C(28000000000), LINK_CAUSE_SCHEDULE);
	run.now_ps = 4000000;
	assert_int_equal(recorded_finish(&run, &err), 0);
	struct timeline *timeline = timeline_open(path, &err);
	int64_t *capacity = timeline_integers(timeline, "/links/capacity", &n_values, &err);
	int64_t *states = timeline_integers(timeline, "/links/state", NULL, &err);
	const char *const *names = timeline_meanings(timeline, "/links/state", &n);
	assert_string_equal(names[LINK_DOWN], "down");
	struct timeline_links links;
	assert_int_equal(timeline_links_read(timeline, &links, &err), 0);
	assert_int_equal(n_values, (int64_t)links.n_bins * 14);
	for (uint32_t bin = 0; bin < links.n_bins; bin++) {
		int64_t end = links.bin_end_ps[bin] < 4000000 ? links.bin_end_ps[bin] : 4000000;
		seconds_x_rate += capacity[bin * 14 + 2] * (end - links.bin_start_ps[bin]);
		assert_int_equal(capacity[bin * 14 + 3], INT64_C(28000000000));
		assert_int_equal(states[bin * 14 + 3], 1 << LINK_UP);
		assert_int_equal((states[bin * 14 + 2] >> LINK_DOWN) & 1, links.bin_end_ps[bin] > 1000007 && links.bin_start_ps[bin] < 2000007);
	}
	int64_t expected = INT64_C(28000000000) * 3000000;
	assert_true(seconds_x_rate <= expected && seconds_x_rate > expected - 4000000); /* each bin rounds down */
	timeline_links_release(&links);
	free(capacity);
	free(states);
	timeline_close(timeline);
	unlink(path);
	recorded_release(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_total_is_what_was_told),
		cmocka_unit_test(a_full_disk_is_reported_and_leaves_no_complete_file),
		cmocka_unit_test(only_weft_files_are_overwritten),
		cmocka_unit_test(states_and_capacity_of_links_follow_their_changes),
		cmocka_unit_test(a_size_limit_drops_intervals_then_messages_and_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
