/* Names of a workload, each kept once: traces repeat the same few hundred names a million times. */
#ifndef WEFT_TRACE_NAMES_H
#define WEFT_TRACE_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct workload;

struct names {
	uint32_t *slots;        /* name ids by hash, open addressing; 0 is empty */
	size_t n_slots, n_used; /* n_slots is a power of two or 0 */
};

/* The id of the workload's name with these bytes (which hold no NUL, or end there); it is added when it is new. */
uint32_t names_intern(struct names *names, struct workload *workload, const void *bytes, size_t n);
void names_release(struct names *names);

#endif
