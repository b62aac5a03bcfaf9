#include "base/digest.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"

void digest_init(struct digest *digest)
{
	digest->a = UINT64_C(0x243f6a8885a308d3); /* digits of pi */
	digest->b = UINT64_C(0x13198a2e03707344);
	digest->n = 0;
}

void digest_u64(struct digest *digest, uint64_t value)
{
	digest->a = random_mix(digest->a ^ value);
	digest->b = random_mix(digest->b + value) ^ digest->a;
	digest->n++;
}

void digest_double(struct digest *digest, double value)
{
	uint64_t bits;
	value += 0.0;
	if (value == 0)
		value = 0;
	memcpy(&bits, &value, sizeof bits);
	digest_u64(digest, bits);
}

void digest_bytes(struct digest *digest, const void *bytes, size_t length)
{
	const unsigned char *p = bytes;
	digest_u64(digest, length);
	for (size_t i = 0; i < length; i += 8) {
		uint64_t word = 0;
		for (size_t j = 0; j < 8 && i + j < length; j++)
			word |= (uint64_t)p[i + j] << (8 * j);
		digest_u64(digest, word);
	}
}

void digest_text(struct digest *digest, const char *text) { digest_bytes(digest, text, strlen(text)); }

const char *digest_hex(const struct digest *digest, char out[DIGEST_HEX_SIZE])
{
	uint64_t a = random_mix(digest->a ^ digest->n), b = random_mix(digest->b ^ a);
	snprintf(out, DIGEST_HEX_SIZE, "%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
	return out;
}
