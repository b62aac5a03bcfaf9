#include "trace/chakra_deps.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define SEEN 65536u                /* nodes, by the low bits of their ids */
#define WINDOW ((uint64_t)1 << 20) /* dependencies, 8 MiB */
#define MARKS 4096u
#define TRIES 4                    /* how many dependencies are asked for what they imply */
#define NOTHING UINT64_MAX         /* left out; no id (the reader refuses it) */

/* Where the list of a node lies in the window. */
struct chakra_seen {
	uint64_t id, start;
	uint32_t n; /* 0: none */
};

/* Where in the list of the node at hand an id is; two ids with the same low bits: only the later one is found, the other is kept. */
struct chakra_mark {
	uint64_t id;
	uint32_t stamp, at;
};

void chakra_deps_init(struct chakra_deps *deps)
{
	memset(deps, 0, sizeof *deps);
	deps->seen = memory_zero(SEEN, sizeof *deps->seen);
	deps->window = memory_alloc(WINDOW * sizeof *deps->window);
	deps->marks = memory_zero(MARKS, sizeof *deps->marks);
}

void chakra_deps_release(struct chakra_deps *deps)
{
	free(deps->ids);
	free(deps->seen);
	free(deps->window);
	free(deps->marks);
	free(deps->list);
	memset(deps, 0, sizeof *deps);
}

void chakra_deps_clear(struct chakra_deps *deps)
{
	deps->n = 0;
	deps->n_self = 0;
	memset(deps->seen, 0, SEEN * sizeof *deps->seen);
}

/* Copies the list, marks where each id is, and drops repetitions and the node itself; returns its length. */
static uint32_t take_list(struct chakra_deps *deps, uint64_t id, const uint64_t *list, uint32_t n)
{
	uint32_t kept = 0, stamp = ++deps->stamp;
	if (!stamp) { /* 2^32 nodes later */
		memset(deps->marks, 0, MARKS * sizeof *deps->marks);
		stamp = deps->stamp = 1;
	}
	ARRAY_RESERVE(deps->list, n, deps->list_capacity);
	for (uint32_t i = 0; i < n; i++) {
		struct chakra_mark *mark = &deps->marks[list[i] & (MARKS - 1)];
		if (list[i] == id) {
			deps->n_self++;
			continue;
		}
		if (mark->stamp == stamp && mark->id == list[i])
			continue;
		*mark = (struct chakra_mark){list[i], stamp, kept};
		deps->list[kept++] = list[i];
	}
	return kept;
}

static void remember(struct chakra_deps *deps, uint64_t id, uint32_t n)
{
	struct chakra_seen *seen = &deps->seen[id & (SEEN - 1)];
	*seen = (struct chakra_seen){id, deps->window_end, n};
	for (uint32_t i = 0; i < n; i++)
		deps->window[deps->window_end++ & (WINDOW - 1)] = deps->list[i];
}

/* Leaves out what node `by` depends on. */
static void drop_implied(struct chakra_deps *deps, uint64_t by)
{
	const struct chakra_seen *seen = &deps->seen[by & (SEEN - 1)];
	if (seen->id != by || !seen->n || deps->window_end - seen->start > WINDOW)
		return;
	for (uint32_t i = 0; i < seen->n; i++) {
		uint64_t id = deps->window[(seen->start + i) & (WINDOW - 1)];
		struct chakra_mark *mark = &deps->marks[id & (MARKS - 1)];
		if (mark->stamp == deps->stamp && mark->id == id && id != by) {
			deps->list[mark->at] = NOTHING;
			mark->stamp = 0; /* gone: `at` will be another's place */
		}
	}
}

/* The greatest id below `below`, which stands for the latest node; NOTHING when there is none. */
static uint64_t latest(const uint64_t *list, uint32_t n, uint64_t below)
{
	uint64_t best = NOTHING;
	for (uint32_t i = 0; i < n; i++)
		if (list[i] < below && (best == NOTHING || list[i] > best))
			best = list[i];
	return best;
}

/* Closes the gaps; marks keep saying where an id is. */
static uint32_t compact(struct chakra_deps *deps, uint32_t n)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t id = deps->list[i];
		struct chakra_mark *mark = &deps->marks[id & (MARKS - 1)];
		if (id == NOTHING)
			continue;
		if (mark->id == id)
			mark->at = kept;
		deps->list[kept++] = id;
	}
	return kept;
}

uint32_t chakra_deps_add(struct chakra_deps *deps, uint64_t id, const uint64_t *list, uint32_t n)
{
	uint32_t kept = take_list(deps, id, list, n);
	uint64_t by = NOTHING;
	if (kept < WINDOW / 4)
		remember(deps, id, kept);
	for (int i = 0; i < TRIES && kept > 1 && (by = latest(deps->list, kept, by)) != NOTHING; i++) {
		drop_implied(deps, by);
		kept = compact(deps, kept);
	}
	ARRAY_RESERVE(deps->ids, deps->n + kept, deps->capacity);
	if (kept)
		memcpy(deps->ids + deps->n, deps->list, kept * sizeof *deps->ids);
	deps->n += kept;
	return kept;
}
