/* Tables of flows: numbered as the user numbers them, started when they say, and named where they are wrong. */
#include <stdio.h>
#include <unistd.h>

#include "fake_network.h"
#include "workload/simple.h"

static const char *write_table(const char *text)
{
	static char path[64];
	snprintf(path, sizeof path, "/tmp/weft-test-flows-%d.csv", (int)getpid());
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return path;
}

static void flows_start_when_they_say(void **state)
{
	(void)state;
	struct workload w;
	struct fake fake;
	struct error err = {0};
	const char *path = write_table("src,dst,flow,extra,bytes,start_s\n2,0,1,x,1000003,1e-6\n0,2,2,x,7,0.000000000123\n0,1,0,x,50,0\n1,1,3,x,9,0\n");
	if (flows_workload(&w, path, 3, &err))
		fail_msg("%s", err.message);
	fake_init(&fake, 3, INT64_C(28000000000), 731, false);
	fake_add(&fake, &w, 0, -1);
	fake_run_well(&fake);
	assert_int_equal(fake_end(&fake, 0), PS_PER_US + serialization_ps(1000003, INT64_C(28000000000)) + 731);
	assert_int_equal(fake.n_started, 3); /* the one that stays on its NPU needs no network */
	for (uint64_t i = 0; i < 3; i++) {
		const struct network_message *m = &fake.messages[i];
		const struct { uint32_t source, destination; int64_t bytes; } expected[] = {{0, 1, 50}, {2, 0, 1000003}, {0, 2, 7}};
		assert_in_range(m->id, 0, 2);
		assert_int_equal(m->flow_key, m->id);
		assert_int_equal(m->source, expected[m->id].source);
		assert_int_equal(m->destination, expected[m->id].destination);
		assert_int_equal(m->bytes, expected[m->id].bytes);
	}
	fake_release(&fake);
	workload_release(&w);
	unlink(path);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	static const struct { const char *text, *error; } cases[] = {
		{"", "the table of flows is empty"},
		{"flow,src,dst,size,start_s\n", "there is no column 'bytes' (needed: flow, src, dst, bytes, start_s)"},
		{"flow,src,dst,bytes,start_s\n0,1,2,5\n", "the line has 4 columns, 'start_s' is the 5th"},
		{"flow,src,dst,bytes,start_s\n0,1,2,-5,0\n", "'-5' is not a whole number for 'bytes'"},
		{"flow,src,dst,bytes,start_s\n0,1,3,5,0\n", "flow 0 goes from '1' to '3', but there are 3 NPUs"},
		{"flow,src,dst,bytes,start_s\n0,1,2,5,0\n0,1,2,5,0\n", "flow 0 is there twice"},
		{"flow,src,dst,bytes,start_s\n0,1,2,5,0\n2,1,2,5,0\n", "flow 2 leaves a gap in the numbers"},
		{"flow,src,dst,bytes,start_s\n0,1,2,5,soon\n", "'soon' is not a time in seconds for 'start_s'"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct workload w;
		struct error err = {0};
		const char *path = write_table(cases[i].text);
		assert_int_equal(flows_workload(&w, path, 3, &err), -1);
		assert_memory_equal(err.message, path, strlen(path));
		assert_string_equal(strchr(err.message, ' ') + 1, cases[i].error);
		unlink(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_start_when_they_say),
		cmocka_unit_test(what_is_wrong_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
