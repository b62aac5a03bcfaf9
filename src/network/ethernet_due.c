/* What is due in an instant, each once, in order of its id: few are sorted by insertion, many by their set of bits. */
#include <stdlib.h>
#include <string.h>

#include "network/ethernet.h"

enum { FEW = 24 };

void ether_due_init(struct ether_due *due, size_t n_ids)
{
	due->n_words = n_ids / 64 + 1;
	due->capacity = 64;
	due->n = 0;
	due->seen = memory_zero(due->n_words, sizeof *due->seen);
	due->ids = memory_alloc(due->capacity * sizeof *due->ids);
}

void ether_due_release(struct ether_due *due)
{
	free(due->ids);
	free(due->seen);
}

void ether_due_grow(struct ether_due *due, uint32_t id)
{
	if (due->n == due->capacity) {
		due->capacity *= 2;
		due->ids = memory_resize(due->ids, due->capacity, sizeof *due->ids);
	}
	if (id / 64 >= due->n_words) {
		size_t n = 2 * ((size_t)id / 64 + 1);
		due->seen = memory_resize(due->seen, n, sizeof *due->seen);
		memset(due->seen + due->n_words, 0, (n - due->n_words) * sizeof *due->seen);
		due->n_words = n;
	}
}

/* Sorts, and takes the marks back: what is added from now on belongs to the next round. */
void ether_due_sort(struct ether_due *due)
{
	uint32_t first = UINT32_MAX, last = 0, n = 0;
	if (due->n <= FEW) {
		for (uint32_t i = 0; i < due->n; i++) {
			uint32_t id = due->ids[i], j = i;
			due->seen[id / 64] = 0;
			for (; j > 0 && due->ids[j - 1] > id; j--)
				due->ids[j] = due->ids[j - 1];
			due->ids[j] = id;
		}
		return;
	}
	for (uint32_t i = 0; i < due->n; i++) {
		uint32_t word = due->ids[i] / 64;
		first = word < first ? word : first;
		last = word > last ? word : last;
	}
	for (uint32_t word = first; word <= last; word++) {
		for (uint64_t bits = due->seen[word]; bits; bits &= bits - 1)
			due->ids[n++] = word * 64 + (uint32_t)__builtin_ctzll(bits);
		due->seen[word] = 0;
	}
}
