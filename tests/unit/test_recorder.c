/* The recorder writes what it was told: checked by reading the file back with the bare library. */
#include "recorded.h"

#include <hdf5.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_total_is_what_was_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
