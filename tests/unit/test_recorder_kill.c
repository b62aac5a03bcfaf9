/* A recording process is killed at random moments. Whatever the moment, its file opens, at worst after timeline_recover, and holds
 * one consistent state: the bins of all links add up to what the messages in the same file say.
 *
 *     WEFT_KILLS=200 WEFT_KEEP=folder build/debug/tests/test_recorder_kill      keeps the files */
#include "recorded.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include <hdf5.h>

#include "timeline/journal.h"
#include "timeline/reader.h"

static void record_forever(const char *path)
{
	struct recorded run;
	struct error err = {0};
	recorded_build(&run, "star:n=60,bandwidth=28 GB/s,latency=500 ns");
	recorded_open(&run, &(struct recorder_options){.path = path, .detail = DETAIL_ALL, .scenario_text = "weft: 1\n", .seed = 7,
		      .model = "fluid", .routing = "default"});
	for (int i = 0;; i++) {
		recorded_round(&run);
		if (i % 5 == 0 && recorder_flush(run.recorder, &err)) {
			fprintf(stderr, "%s\n", err.message);
			_exit(3);
		}
	}
}

static int64_t sum_of(const char *path, const char *variable)
{
	struct error err = {0};
	struct timeline *timeline = timeline_open(path, &err);
	int64_t n = 0, sum = 0, *values;
	if (!timeline)
		fail_msg("%s", err.message);
	values = timeline_integers(timeline, variable, &n, &err);
	if (!values)
		fail_msg("%s", err.message);
	for (int64_t i = 0; i < n; i++)
		sum += values[i];
	free(values);
	timeline_close(timeline);
	return sum;
}

static void check_file(const char *path, int *repaired)
{
	struct error err = {0};
	if (journal_pending(path)) {
		struct timeline *timeline = timeline_open(path, &err);
		assert_null(timeline);
		assert_non_null(strstr(err.message, "weft timeline recover"));
		error_clear(&err);
		++*repaired;
	} else { /* opens as it is */
		assert_int_equal(sum_of(path, "/links/bytes"), 2 * sum_of(path, "/messages/bytes"));
	}
	if (timeline_recover(path, &err) != 1)
		fail_msg("%s", err.message);
	assert_int_equal(sum_of(path, "/links/bytes"), 2 * sum_of(path, "/messages/bytes"));
	assert_int_equal(sum_of(path, "/links/bytes"), sum_of(path, "/links/total_bytes"));
	assert_int_equal(timeline_recover(path, &err), 0);
	struct timeline *timeline = timeline_open(path, &err);
	assert_string_equal(timeline_text(timeline, "status"), "incomplete");
	timeline_close(timeline);
}

/* The time counts from the first flush, or, for `early` ones, from the start of the process. */
static void kill_after(const char *path, long microseconds, bool early)
{
	pid_t child = fork();
	if (child == 0) {
		record_forever(path);
		_exit(4);
	}
	for (int i = 0; !early && i < 20000 && access(path, F_OK); i++)
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	nanosleep(&(struct timespec){microseconds / 1000000, microseconds % 1000000 * 1000}, NULL);
	int status;
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status));
}

static void files_of_killed_processes_open(void **state)
{
	char folder[] = "/tmp/weft-kill-XXXXXX", path[128];
	const char *kills = getenv("WEFT_KILLS"), *keep = getenv("WEFT_KEEP");
	int n = kills ? atoi(kills) : 60, repaired = 0, named = 0;
	struct random_stream random = random_stream(11, "kill", 0);
	(void)state;
	if (!keep)
		assert_non_null(mkdtemp(folder));
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%d.h5", keep ? keep : folder, i);
		kill_after(path, (long)random_below(&random, 120000), i % 8 == 0);
		if (access(path, F_OK) == 0) { /* else it died before its first flush: there is only a .part */
			check_file(path, &repaired);
			named++;
		}
		char part[140];
		snprintf(part, sizeof part, "%s.part", path);
		unlink(part);
		if (!keep)
			unlink(path);
	}
	if (!keep)
		rmdir(folder);
	print_message("%d kills, %d files, %d in the middle of a commit\n", n, named, repaired);
	assert_true(named >= n - n / 8 - 1);
}

static void a_file_in_use_is_not_repaired(void **state)
{
	struct error err = {0};
	char path[] = "/tmp/weft-inuse-XXXXXX";
	(void)state;
	close(mkstemp(path));
	unlink(path);
	pid_t child = fork();
	if (child == 0)
		record_forever(path);
	for (int i = 0; i < 500 && access(path, F_OK); i++)
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	assert_int_equal(timeline_recover(path, &err), -1);
	assert_non_null(strstr(err.message, "still being written by process"));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_killed_processes_open),
		cmocka_unit_test(a_file_in_use_is_not_repaired),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
