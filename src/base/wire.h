/* The protobuf wire format (protobuf.dev, "Encoding"), both ways: varints, eight and four bytes, length-delimited. Messages are
 * known to their readers and writers by field number; unknown fields are skipped by wire type. */
#ifndef WEFT_BASE_WIRE_H
#define WEFT_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* A span of encoded fields; wire_next moves `at`. */
struct wire {
	const uint8_t *at, *end;
};
struct wire_field {
	uint32_t number;
	enum wire_type type;
	uint64_t value;       /* of VARINT, FIXED64, FIXED32 */
	struct wire bytes;    /* of BYTES */
};
enum wire_result { WIRE_END, WIRE_FIELD, WIRE_MALFORMED };

/* The next field. WIRE_MALFORMED: truncated, over-long, an unknown wire type or field number 0; `at` is then where it went wrong. */
enum wire_result wire_next(struct wire *wire, struct wire_field *field);
/* One varint; false at the end or when it is malformed. */
bool wire_long_varint(struct wire *wire, uint64_t *value);
static inline bool wire_varint(struct wire *wire, uint64_t *value)
{
	if (wire->at < wire->end && *wire->at < 128) { /* most are */
		*value = *wire->at++;
		return true;
	}
	if (wire->end - wire->at > 1 && wire->at[1] < 128) {
		*value = (uint64_t)(wire->at[0] & 127) | (uint64_t)wire->at[1] << 7;
		wire->at += 2;
		return true;
	}
	return wire_long_varint(wire, value);
}
/* sint32, sint64: zigzag. */
static inline int64_t wire_zigzag(uint64_t value) { return (int64_t)(value >> 1) ^ -(int64_t)(value & 1); }
double wire_double(uint64_t bits);
float wire_float(uint64_t bits);

/* Writing appends to a text (bytes, with NULs). */
void wire_put_varint(struct text *out, uint64_t value);
void wire_put_integer(struct text *out, uint32_t number, uint64_t value);
void wire_put_double(struct text *out, uint32_t number, double value);
void wire_put_bytes(struct text *out, uint32_t number, const void *bytes, size_t length);
void wire_put_string(struct text *out, uint32_t number, const char *string);

#endif
