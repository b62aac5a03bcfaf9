/* Runs of consecutive ids, and the set of arrivals far ahead. */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "workload/run.h"

uint32_t spans_take(struct spans *spans, uint32_t count)
{
	for (uint32_t i = 0; i < spans->n_free; i++) {
		struct span *span = &spans->free[i];
		if (span->count < count)
			continue;
		uint32_t first = span->first;
		span->first += count;
		span->count -= count;
		if (!span->count)
			memmove(span, span + 1, (--spans->n_free - i) * sizeof *span);
		return first;
	}
	uint32_t first = spans->end;
	if (count > UINT32_MAX - 1 - first)
		memory_failed(SIZE_MAX);
	spans->end += count;
	return first;
}

void spans_give(struct spans *spans, uint32_t first, uint32_t count)
{
	uint32_t i = 0;
	if (!count)
		return;
	while (i < spans->n_free && spans->free[i].first < first)
		i++;
	ARRAY_RESERVE(spans->free, spans->n_free + 1, spans->capacity);
	memmove(spans->free + i + 1, spans->free + i, (spans->n_free - i) * sizeof *spans->free);
	spans->free[i] = (struct span){first, count};
	spans->n_free++;
	if (i + 1 < spans->n_free && first + count == spans->free[i + 1].first) {
		spans->free[i].count += spans->free[i + 1].count;
		memmove(spans->free + i + 1, spans->free + i + 2, (--spans->n_free - i - 1) * sizeof *spans->free);
	}
	if (i > 0 && spans->free[i - 1].first + spans->free[i - 1].count == first) {
		spans->free[i - 1].count += spans->free[i].count;
		memmove(spans->free + i, spans->free + i + 1, (--spans->n_free - i) * sizeof *spans->free);
	}
}

#define EMPTY UINT64_MAX

static uint32_t step_slot(const struct step_set *set, uint64_t key) { return (uint32_t)random_mix(key) & set->mask; }

static void step_set_grow(struct step_set *set)
{
	struct step_set grown = {NULL, 0, set->slots ? set->mask * 2 + 1 : 255};
	grown.slots = memory_alloc(((size_t)grown.mask + 1) * sizeof *grown.slots);
	memset(grown.slots, 0xff, ((size_t)grown.mask + 1) * sizeof *grown.slots);
	for (uint32_t i = 0; set->slots && i <= set->mask; i++)
		if (set->slots[i] != EMPTY)
			step_set_add(&grown, (uint32_t)(set->slots[i] >> 32), (uint32_t)set->slots[i]);
	free(set->slots);
	*set = grown;
}

void step_set_add(struct step_set *set, uint32_t thread, uint32_t step)
{
	uint64_t key = (uint64_t)thread << 32 | step;
	if (!set->slots || set->n > set->mask / 2)
		step_set_grow(set);
	uint32_t i = step_slot(set, key);
	while (set->slots[i] != EMPTY)
		i = (i + 1) & set->mask;
	set->slots[i] = key;
	set->n++;
}

bool step_set_remove(struct step_set *set, uint32_t thread, uint32_t step)
{
	uint64_t key = (uint64_t)thread << 32 | step;
	if (!set->n)
		return false;
	uint32_t i = step_slot(set, key);
	for (; set->slots[i] != key; i = (i + 1) & set->mask)
		if (set->slots[i] == EMPTY)
			return false;
	for (uint32_t j = (i + 1) & set->mask; set->slots[j] != EMPTY; j = (j + 1) & set->mask) {
		uint32_t home = step_slot(set, set->slots[j]);
		if (((j - home) & set->mask) >= ((j - i) & set->mask)) { /* may move back to the hole */
			set->slots[i] = set->slots[j];
			i = j;
		}
	}
	set->slots[i] = EMPTY;
	set->n--;
	return true;
}
