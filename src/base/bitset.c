#include "base/bitset.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void bitset_init(struct bitset *set, uint32_t n_ids)
{
	memset(set, 0, sizeof *set);
	bitset_grow(set, n_ids ? n_ids : 1);
}

void bitset_grow(struct bitset *set, uint32_t n_ids)
{
	uint32_t n_words = (uint32_t)(((uint64_t)n_ids + 63) / 64), n_summary = (n_words + 63) / 64;
	if (n_words <= set->n_words)
		return;
	set->words = memory_resize(set->words, n_words, sizeof *set->words);
	memset(set->words + set->n_words, 0, (n_words - set->n_words) * sizeof *set->words);
	set->n_words = n_words;
	if (n_summary > set->n_summary) {
		set->summary = memory_resize(set->summary, n_summary, sizeof *set->summary);
		memset(set->summary + set->n_summary, 0, (n_summary - set->n_summary) * sizeof *set->summary);
		set->n_summary = n_summary;
	}
}

void bitset_release(struct bitset *set)
{
	free(set->words);
	free(set->summary);
	memset(set, 0, sizeof *set);
}

uint32_t bitset_take(struct bitset *set, uint32_t from)
{
	if (!set->count || from >> 6 >= set->n_words)
		return UINT32_MAX;
	uint32_t word = from >> 6;
	uint64_t bits = set->words[word] & (~UINT64_C(0) << (from & 63));
	if (!bits) {
		word++;
		uint32_t s = word >> 6;
		if (s >= set->n_summary)
			return UINT32_MAX;
		uint64_t words = set->summary[s] & (~UINT64_C(0) << (word & 63));
		while (!words) {
			if (++s >= set->n_summary)
				return UINT32_MAX;
			words = set->summary[s];
		}
		word = s << 6 | (uint32_t)__builtin_ctzll(words);
		bits = set->words[word];
	}
	uint32_t id = word << 6 | (uint32_t)__builtin_ctzll(bits);
	bitset_remove(set, id);
	return id;
}
