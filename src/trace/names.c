#include "trace/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "workload/program.h"

static uint64_t hash(const char *bytes, size_t n)
{
	uint64_t value = UINT64_C(14695981039346656037), word;
	for (; n >= 8; n -= 8, bytes += 8) {
		memcpy(&word, bytes, 8);
		value = (value ^ word) * UINT64_C(1099511628211);
		value ^= value >> 32;
	}
	for (; n > 0; n--, bytes++)
		value = (value ^ (unsigned char)*bytes) * UINT64_C(1099511628211);
	return random_mix(value);
}

static void grow(struct names *names, const struct workload *workload)
{
	uint32_t *old = names->slots;
	size_t n_old = names->n_slots;
	names->n_slots = n_old ? 2 * n_old : 1024;
	names->slots = memory_zero(names->n_slots, sizeof *names->slots);
	for (size_t i = 0; i < n_old; i++) {
		if (!old[i])
			continue;
		const char *name = workload->names[old[i]];
		size_t at = hash(name, strlen(name)) & (names->n_slots - 1);
		while (names->slots[at])
			at = (at + 1) & (names->n_slots - 1);
		names->slots[at] = old[i];
	}
	free(old);
}

uint32_t names_intern(struct names *names, struct workload *workload, const void *bytes, size_t n)
{
	const char *text = bytes;
	n = n ? strnlen(text, n) : 0;
	if (2 * (names->n_used + 1) > names->n_slots)
		grow(names, workload);
	size_t at = hash(text, n) & (names->n_slots - 1);
	for (; names->slots[at]; at = (at + 1) & (names->n_slots - 1)) {
		const char *known = workload->names[names->slots[at]];
		if (!strncmp(known, text, n) && !known[n])
			return names->slots[at];
	}
	char *copy = memory_zero(n + 1, 1);
	memcpy(copy, text, n);
	names->slots[at] = workload_add_name(workload, copy);
	names->n_used++;
	free(copy);
	return names->slots[at];
}

void names_release(struct names *names)
{
	free(names->slots);
	memset(names, 0, sizeof *names);
}
