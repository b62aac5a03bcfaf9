#include "check.h"

#include "base/wire.h"

static struct wire span(const char *bytes, size_t n) { return (struct wire){(const uint8_t *)bytes, (const uint8_t *)bytes + n}; }

static void what_is_written_reads_back(void **state)
{
	struct text out = TEXT_INIT;
	struct wire_field field;
	(void)state;
	wire_put_integer(&out, 1, 300);
	wire_put_integer(&out, 7, (uint64_t)-2);
	wire_put_string(&out, 2, "npu0->switch");
	wire_put_double(&out, 3, -0.375);
	struct wire wire = span(out.data, out.length);
	assert_int_equal(wire_next(&wire, &field), WIRE_FIELD);
	assert_true(field.number == 1 && field.type == WIRE_VARINT && field.value == 300);
	assert_int_equal(wire_next(&wire, &field), WIRE_FIELD);
	assert_true(field.number == 7 && (int64_t)field.value == -2);
	assert_int_equal(wire_next(&wire, &field), WIRE_FIELD);
	assert_true(field.type == WIRE_BYTES && field.bytes.end - field.bytes.at == 12 && !memcmp(field.bytes.at, "npu0->switch", 12));
	assert_int_equal(wire_next(&wire, &field), WIRE_FIELD);
	assert_true(wire_double(field.value) == -0.375);
	assert_int_equal(wire_next(&wire, &field), WIRE_END);
	text_release(&out);
}

static void malformed_bytes_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} cases[] = {
		{"\x08", 1},                                             /* key without value */
		{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11},    /* 65 bits */
		{"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12}, /* eleven bytes */
		{"\x12\x05" "abc", 5},                                   /* length beyond the end */
		{"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},    /* length 2^64 - 1 */
		{"\x0b", 1},                                             /* group: wire type 3 */
		{"\x00\x01", 2},                                         /* field number 0 */
		{"\x09" "1234567", 8},                                   /* seven of eight bytes */
	};
	struct wire_field field;
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wire wire = span(cases[i].bytes, cases[i].n);
		assert_int_equal(wire_next(&wire, &field), WIRE_MALFORMED);
	}
	assert_int_equal(wire_zigzag(3), -2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_back), cmocka_unit_test(malformed_bytes_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
