#include "check.h"

#include <math.h>

#include "base/bitset.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "base/time.h"
#include "base/units.h"

static void integer_units_parse_exactly(void **state)
{
	static const struct {
		const char *text;
		enum quantity quantity;
		int64_t value;
	} cases[] = {
		{"1 GiB", QUANTITY_BYTES, INT64_C(1) << 30}, {"1GB", QUANTITY_BYTES, 1000000000}, {"1.1 kB", QUANTITY_BYTES, 1100},
		{"0", QUANTITY_BYTES, 0}, {"4096 B", QUANTITY_BYTES, 4096}, {" 2 KiB ", QUANTITY_BYTES, 2048},
		{"500 ns", QUANTITY_TIME, 500000}, {"0.5 us", QUANTITY_TIME, 500000}, {"1 ps", QUANTITY_TIME, 1},
		{"41730 us", QUANTITY_TIME, INT64_C(41730000000)}, {"3 d", QUANTITY_TIME, INT64_C(259200) * PS_PER_S},
		{"400 Gb/s", QUANTITY_RATE, INT64_C(50000000000)}, {"53.125 Gb/s", QUANTITY_RATE, INT64_C(6640625000)},
		{"28 GB/s", QUANTITY_RATE, INT64_C(28000000000)}, {"1 TB/s", QUANTITY_RATE, PS_PER_S},
		{"1e6", QUANTITY_COUNT, 1000000}, {"4 EiB", QUANTITY_BYTES, INT64_C(1) << 62},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = {0};
		int64_t value = -1;
		if (units_parse_integer(cases[i].text, cases[i].quantity, &value, &err))
			fail_msg("%s: %s", cases[i].text, err.message);
		if (value != cases[i].value)
			fail_msg("%s: got %lld", cases[i].text, (long long)value);
	}
}

static void wrong_quantities_say_what_was_expected(void **state)
{
	static const struct {
		const char *text;
		enum quantity quantity;
		const char *message;
	} cases[] = {
		{"5", QUANTITY_TIME, "'5' has no unit (expected a time such as '500 ns' or '2 ms')"},
		{"-1 ns", QUANTITY_TIME, "'-1 ns' is negative (expected a time such as '500 ns' or '2 ms')"},
		{"3 parsec", QUANTITY_TIME, "'3 parsec' has the unknown unit 'parsec' (expected a time such as '500 ns' or '2 ms')"},
		{"16 EiB", QUANTITY_BYTES, "'16 EiB' is too large (expected a size such as '1 GiB' or '4096 B')"},
		{"1.5 B", QUANTITY_BYTES, "'1.5 B' is not a whole number of bytes (expected a size such as '1 GiB' or '4096 B')"},
		{"fast", QUANTITY_RATE, "'fast' is not a number with a unit (expected a bandwidth such as '400 Gb/s' or '50 GB/s')"},
		{"0x10 B", QUANTITY_BYTES, "'0x10 B' is hexadecimal (expected a size such as '1 GiB' or '4096 B')"},
		{"nan s", QUANTITY_TIME, "'nan s' is not a number with a unit (expected a time such as '500 ns' or '2 ms')"},
		{"1e999 s", QUANTITY_TIME, "'1e999 s' is out of range (expected a time such as '500 ns' or '2 ms')"},
		{"2.5", QUANTITY_COUNT, "'2.5' is not whole (expected a whole number such as '8')"},
		{"400 d", QUANTITY_TIME, "'400 d' is too large (expected a time such as '500 ns' or '2 ms')"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = {0};
		int64_t value;
		assert_int_equal(units_parse_integer(cases[i].text, cases[i].quantity, &value, &err), -1);
		assert_int_equal(err.code, ERROR_INPUT);
		assert_string_equal(err.message, cases[i].message);
	}
}

static void real_units_parse(void **state)
{
	static const struct {
		const char *text;
		enum quantity quantity;
		double value;
	} cases[] = {
		{"0.35 dB/km", QUANTITY_LOSS_PER_LENGTH, 0.35}, {"-2 dBm", QUANTITY_OPTICAL, -2}, {"1 mW", QUANTITY_OPTICAL, 0},
		{"8 W", QUANTITY_POWER, 8}, {"5 %", QUANTITY_RATIO, 0.05}, {"1.2", QUANTITY_RATIO, 1.2}, {"$25", QUANTITY_MONEY, 25},
		{"9.1 cent/kWh", QUANTITY_MONEY_PER_ENERGY, 0.091}, {"2 km", QUANTITY_LENGTH, 2000}, {"300 K", QUANTITY_TEMPERATURE, 26.85},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = {0};
		double value;
		if (units_parse(cases[i].text, cases[i].quantity, &value, &err))
			fail_msg("%s: %s", cases[i].text, err.message);
		assert_true(value > cases[i].value - 1e-9 && value < cases[i].value + 1e-9);
	}
}

static void exact_text_parses_back(void **state)
{
	static const int64_t values[] = {1, 999, 1000, 1024, 1 << 20, 28000000000, 6640625000, INT64_C(1) << 40, 12345678901234567};
	static const enum quantity kinds[] = {QUANTITY_BYTES, QUANTITY_TIME, QUANTITY_RATE};
	(void)state;
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
			char text[64];
			int64_t back;
			assert_int_equal(units_parse_integer(units_exact(text, sizeof text, kinds[k], values[i]), kinds[k], &back, NULL), 0);
			assert_int_equal(back, values[i]);
		}
}

static void quantities_format_for_people(void **state)
{
	char out[32];
	(void)state;
	assert_string_equal(units_format_time(out, sizeof out, 603200000), "603.2 us");
	assert_string_equal(units_format_time(out, sizeof out, 999999), "1 us");
	assert_string_equal(units_format_bytes(out, sizeof out, INT64_C(3) << 29), "1.5 GiB");
	assert_string_equal(units_format_bytes(out, sizeof out, 1570000), "1.57 MB");
	assert_string_equal(units_format_rate(out, sizeof out, 49e9), "49 GB/s");
}

static void serialization_rounds_up_once(void **state)
{
	(void)state;
	assert_int_equal(serialization_ps(1, 50000000000), 20);
	assert_int_equal(serialization_ps(1, 28000000000), 36);       /* 35.71… */
	assert_int_equal(serialization_ps(4106, 6640625000), 618316); /* 618315.29… */
	assert_int_equal(serialization_ps(0, 28000000000), 0);
	assert_int_equal(serialization_ps(INT64_C(1) << 40, 28000000000), INT64_C(39268272420572)); /* 2^40 / 28e9 s */
	assert_int_equal(serialization_ps(1, 0), TIME_NEVER);
	assert_int_equal(serialization_ps(INT64_MAX, 1), TIME_NEVER);
	assert_int_equal(time_add(TIME_NEVER, 1), TIME_NEVER);
	assert_int_equal(scale_floor(INT64_MAX, 3, 4), INT64_C(6917529027641081855));
}

static void nearest_names_are_suggested(void **state)
{
	static const char *const names[] = {"dragonfly", "ring", "torus"};
	char out[128];
	(void)state;
	assert_string_equal(text_known(out, sizeof out, "tours", names, 3), " (did you mean 'torus'?)");
	assert_string_equal(text_known(out, sizeof out, "hypercube", names, 3), " (known: dragonfly, ring, torus)");
	assert_true(text_matches("npu*->leaf?", "npu17->leaf3"));
	assert_false(text_matches("npu*->leaf?", "npu17->leaf30"));
}

static void bitset_drains_in_order(void **state)
{
	struct bitset set;
	static const uint32_t ids[] = {70000, 3, 64, 4095, 4096, 63, 3};
	uint32_t last = 0, n = 0, id;
	(void)state;
	bitset_init(&set, 100000);
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		bitset_add(&set, ids[i]);
	assert_int_equal(set.count, 6);
	while ((id = bitset_take(&set, n ? last + 1 : 0)) != UINT32_MAX) {
		assert_true(!n || id > last);
		if (id == 64)
			bitset_add(&set, 99999); /* larger ones may join while it drains */
		last = id;
		n++;
	}
	assert_int_equal(n, 7);
	assert_int_equal(set.count, 0);
	bitset_release(&set);
}

static void arenas_and_pools_reuse(void **state)
{
	struct arena arena = ARENA_INIT;
	struct pool pool;
	(void)state;
	for (int i = 1; i < 3000; i++) {
		char *memory = arena_alloc(&arena, (size_t)i);
		for (int j = 0; j < i; j++)
			if (memory[j])
				fail_msg("arena memory is not zeroed");
		memset(memory, 0x5a, (size_t)i);
	}
	assert_string_equal(arena_format(&arena, "%s-%d", "link", 7), "link-7");
	arena_release(&arena);
	pool_init(&pool, 24);
	uint32_t a = pool_take(&pool), b = pool_take(&pool);
	assert_int_not_equal(a, b);
	pool_give(&pool, a);
	assert_int_equal(pool_take(&pool), a);
	assert_int_equal(pool.n_used, 2);
	pool_release(&pool);
}

static void random_streams_are_functions_of_seed_name_and_index(void **state)
{
	struct random_stream a = random_stream(7, "noise", 3), b = random_stream(7, "noise", 3), c = random_stream(7, "noise", 4);
	double sum = 0;
	(void)state;
	for (int i = 0; i < 10000; i++) {
		double x = random_uniform(&a);
		assert_true(x == random_uniform(&b) && x >= 0 && x < 1);
		sum += x;
	}
	assert_true(random_next(&a) != random_next(&c));
	assert_true(sum > 4850 && sum < 5150); /* mean 5000, standard deviation 29 */
	for (int i = 0; i < 1000; i++)
		assert_true(random_below(&a, 3) < 3);
	gsl_rng gsl = random_gsl(&b);
	assert_true(gsl_rng_uniform(&gsl) < 1);
}

static void digests_depend_on_order_and_length(void **state)
{
	struct digest a, b;
	char x[DIGEST_HEX_SIZE], y[DIGEST_HEX_SIZE];
	(void)state;
	digest_init(&a);
	digest_init(&b);
	digest_text(&a, "ab");
	digest_text(&a, "c");
	digest_text(&b, "a");
	digest_text(&b, "bc");
	assert_string_not_equal(digest_hex(&a, x), digest_hex(&b, y));
	digest_init(&a);
	digest_init(&b);
	digest_double(&a, 0.0);
	digest_double(&b, -0.0);
	assert_string_equal(digest_hex(&a, x), digest_hex(&b, y));
}

static void first_error_wins_and_carries_its_place(void **state)
{
	struct error err = {0};
	(void)state;
	assert_int_equal(error_at(&err, "pod.yaml", 12, 7, "unknown key '%s'", "bandwith"), -1);
	error_set(&err, ERROR_HOST, "later");
	assert_string_equal(err.message, "pod.yaml:12:7: unknown key 'bandwith'");
	assert_int_equal(error_exit_status(&err), 2);
	error_prefix(&err, "reading");
	assert_string_equal(err.message, "reading: pod.yaml:12:7: unknown key 'bandwith'");
}

static void json_numbers_read_back_the_same(void **state)
{
	struct json *json = json_new();
	(void)state;
	json_open_object(json, NULL);
	json_integer(json, "n", INT64_MAX);
	json_number(json, "x", 0.1);
	json_number(json, "y", 3);
	json_number(json, "bad", HUGE_VAL);
	json_string(json, "s", "a\"b\n");
	json_close_object(json);
	assert_string_equal(json_text(json), "{\n  \"n\": 9223372036854775807,\n  \"x\": 0.1,\n  \"y\": 3.0,\n  \"bad\": null,\n"
					     "  \"s\": \"a\\\"b\\n\"\n}\n");
	json_free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integer_units_parse_exactly), cmocka_unit_test(wrong_quantities_say_what_was_expected),
		cmocka_unit_test(real_units_parse), cmocka_unit_test(exact_text_parses_back),
		cmocka_unit_test(quantities_format_for_people), cmocka_unit_test(serialization_rounds_up_once),
		cmocka_unit_test(nearest_names_are_suggested), cmocka_unit_test(bitset_drains_in_order),
		cmocka_unit_test(arenas_and_pools_reuse), cmocka_unit_test(random_streams_are_functions_of_seed_name_and_index),
		cmocka_unit_test(digests_depend_on_order_and_length), cmocka_unit_test(first_error_wins_and_carries_its_place),
		cmocka_unit_test(json_numbers_read_back_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
