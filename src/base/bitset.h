/* A set of small integers that is emptied in increasing order: what was touched in one instant is then handled by stable
 * ids, whatever order it was touched in. Adding is O(1); draining costs one word per 64 ids between touched ones at two
 * levels. */
#ifndef WEFT_BASE_BITSET_H
#define WEFT_BASE_BITSET_H

#include <stdbool.h>
#include <stdint.h>

struct bitset {
	uint64_t *words;   /* one bit per id */
	uint64_t *summary; /* one bit per word that is not zero */
	uint32_t n_words, n_summary;
	uint32_t count;    /* ids in the set */
};

void bitset_init(struct bitset *set, uint32_t n_ids);
void bitset_grow(struct bitset *set, uint32_t n_ids); /* ids below n_ids may be added from now on; keeps the contents */
void bitset_release(struct bitset *set);

static inline bool bitset_has(const struct bitset *set, uint32_t id) { return set->words[id >> 6] >> (id & 63) & 1; }
/* Returns true when the id was not there yet. */
static inline bool bitset_add(struct bitset *set, uint32_t id)
{
	uint64_t bit = UINT64_C(1) << (id & 63);
	if (set->words[id >> 6] & bit)
		return false;
	set->words[id >> 6] |= bit;
	set->summary[id >> 12] |= UINT64_C(1) << (id >> 6 & 63);
	set->count++;
	return true;
}
static inline void bitset_remove(struct bitset *set, uint32_t id)
{
	uint64_t bit = UINT64_C(1) << (id & 63);
	if (!(set->words[id >> 6] & bit))
		return;
	set->words[id >> 6] &= ~bit;
	if (!set->words[id >> 6])
		set->summary[id >> 12] &= ~(UINT64_C(1) << (id >> 6 & 63));
	set->count--;
}
/* Removes and returns the smallest id >= from, or UINT32_MAX. Draining with from = previous + 1 visits ids in order even
 * while larger ones are added. */
uint32_t bitset_take(struct bitset *set, uint32_t from);

#endif
