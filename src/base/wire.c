#include "base/wire.h"

#include <string.h>

bool wire_long_varint(struct wire *wire, uint64_t *value)
{
	const uint8_t *p = wire->at;
	uint64_t result = 0;
	for (unsigned shift = 0; shift < 70 && p < wire->end; shift += 7) {
		uint8_t byte = *p++;
		if (shift == 63 && byte > 1)
			return false; /* more than 64 bits */
		result |= (uint64_t)(byte & 127) << shift;
		if (!(byte & 128)) {
			*value = result;
			wire->at = p;
			return true;
		}
	}
	return false;
}

static bool take_fixed(struct wire *wire, size_t size, uint64_t *value)
{
	if ((size_t)(wire->end - wire->at) < size)
		return false;
	*value = 0;
	for (size_t i = 0; i < size; i++)
		*value |= (uint64_t)wire->at[i] << (8 * i);
	wire->at += size;
	return true;
}

static bool take_bytes(struct wire *wire, struct wire *bytes)
{
	uint64_t length;
	if (!wire_varint(wire, &length) || length > (uint64_t)(wire->end - wire->at))
		return false;
	*bytes = (struct wire){wire->at, wire->at + length};
	wire->at += length;
	return true;
}

enum wire_result wire_next(struct wire *wire, struct wire_field *field)
{
	const uint8_t *start = wire->at;
	uint64_t key;
	bool good = false;
	if (wire->at == wire->end)
		return WIRE_END;
	if (wire_varint(wire, &key) && key >> 3 && key >> 3 <= UINT32_MAX) {
		field->number = (uint32_t)(key >> 3);
		field->type = (enum wire_type)(key & 7);
		switch (key & 7) {
		case WIRE_VARINT: good = wire_varint(wire, &field->value); break;
		case WIRE_FIXED64: good = take_fixed(wire, 8, &field->value); break;
		case WIRE_FIXED32: good = take_fixed(wire, 4, &field->value); break;
		case WIRE_BYTES: good = take_bytes(wire, &field->bytes); break;
		default: break;
		}
	}
	if (!good)
		wire->at = start;
	return good ? WIRE_FIELD : WIRE_MALFORMED;
}

double wire_double(uint64_t bits)
{
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

float wire_float(uint64_t bits)
{
	uint32_t low = (uint32_t)bits;
	float value;
	memcpy(&value, &low, sizeof value);
	return value;
}

void wire_put_varint(struct text *out, uint64_t value)
{
	char bytes[10];
	size_t n = 0;
	for (; value > 127; value >>= 7)
		bytes[n++] = (char)(value | 128);
	bytes[n++] = (char)value;
	text_add(out, bytes, n);
}

static void put_key(struct text *out, uint32_t number, enum wire_type type)
{
	wire_put_varint(out, (uint64_t)number << 3 | type);
}

void wire_put_integer(struct text *out, uint32_t number, uint64_t value)
{
	put_key(out, number, WIRE_VARINT);
	wire_put_varint(out, value);
}

void wire_put_double(struct text *out, uint32_t number, double value)
{
	char bytes[8];
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	put_key(out, number, WIRE_FIXED64);
	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(bits >> (8 * i));
	text_add(out, bytes, sizeof bytes);
}

void wire_put_bytes(struct text *out, uint32_t number, const void *bytes, size_t length)
{
	put_key(out, number, WIRE_BYTES);
	wire_put_varint(out, length);
	text_add(out, bytes, length);
}

void wire_put_string(struct text *out, uint32_t number, const char *string)
{
	wire_put_bytes(out, number, string, strlen(string));
}
