/* A 128-bit fingerprint of a sequence of values, the same on every machine; not cryptographic. Order matters: feed canonical
 * results in a canonical order. */
#ifndef WEFT_BASE_DIGEST_H
#define WEFT_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct digest {
	uint64_t a, b, n;
};
#define DIGEST_HEX_SIZE 33
void digest_init(struct digest *digest);
void digest_u64(struct digest *digest, uint64_t value);
static inline void digest_i64(struct digest *digest, int64_t value) { digest_u64(digest, (uint64_t)value); }
/* By the bits of the IEEE 754 value; -0 counts as 0. */
void digest_double(struct digest *digest, double value);
void digest_bytes(struct digest *digest, const void *bytes, size_t length); /* the length is part of it */
void digest_text(struct digest *digest, const char *text);
/* 32 hexadecimal digits; the digest can be fed further. */
const char *digest_hex(const struct digest *digest, char out[DIGEST_HEX_SIZE]);

#endif
