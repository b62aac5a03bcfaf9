/* /links/state and /links/capacity over time, for runs in which a link changed: from the list of changes, when the run is over. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "timeline/recorder_internal.h"

static int compare_changes(const void *a, const void *b)
{
	const struct link_change *x = a, *y = b;
	if (x->link != y->link)
		return x->link < y->link ? -1 : 1;
	if (x->time_ps != y->time_ps)
		return x->time_ps < y->time_ps ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* What one link was like in every bin: the set of its states, and capacity × time, divided at the end. */
struct link_history {
	uint8_t *states;          /* [n] bit per enum link_state */
	int64_t *capacity;        /* [n] mean over the bin, rounded down */
	const struct bins *bins;
	uint32_t n;
	int64_t end_ps;
};

__extension__ typedef unsigned __int128 wide;

/* Adds a stretch of time in one state; returns bytes per second × picoseconds that are left over in the bin it ends in. */
static wide add_stretch(struct link_history *history, int64_t from_ps, int64_t to_ps, uint8_t state, int64_t bytes_per_s, wide carried)
{
	int64_t width_ps = history->bins->width_ps;
	for (int64_t at = from_ps; at < to_ps;) {
		uint32_t bin = bins_index(history->bins, at);
		int64_t bin_end = (int64_t)(bin + 1) * width_ps, end = bin_end < to_ps ? bin_end : to_ps;
		history->states[bin] |= (uint8_t)(1u << state);
		carried += (wide)(uint64_t)bytes_per_s * (uint64_t)(end - at);
		if (end == bin_end || end == history->end_ps) {
			history->capacity[bin] = (int64_t)(carried / (uint64_t)(end - (int64_t)bin * width_ps));
			carried = 0;
		}
		at = end;
	}
	return carried;
}

static void follow_link(struct link_history *history, int64_t nominal, const struct link_change *changes, size_t n_changes)
{
	uint8_t state = LINK_UP;
	int64_t at = 0, bytes_per_s = nominal;
	wide carried = 0;
	memset(history->states, 0, history->n * sizeof *history->states);
	memset(history->capacity, 0, history->n * sizeof *history->capacity);
	for (size_t i = 0; i < n_changes; i++) {
		int64_t time_ps = changes[i].time_ps < history->end_ps ? changes[i].time_ps : history->end_ps;
		carried = add_stretch(history, at, time_ps, state, bytes_per_s, carried);
		at = time_ps;
		state = changes[i].state;
		bytes_per_s = changes[i].bytes_per_s;
	}
	add_stretch(history, at, history->end_ps, state, bytes_per_s, carried);
}

/* 256 links at a time, transposed into the rows of the file. */
static void write_block(struct recorder *recorder, struct link_history *history, hid_t states, hid_t capacity, uint32_t from,
			const struct link_change **next, const struct link_change *end)
{
	uint32_t n_links = recorder->fabric->n_links, many = n_links - from < BINS_BLOCK ? n_links - from : BINS_BLOCK;
	uint8_t *state_rows = memory_alloc((size_t)history->n * many + 1);
	int64_t *capacity_rows = memory_alloc(((size_t)history->n * many + 1) * sizeof *capacity_rows);
	hsize_t start[2] = {0, from}, count[2] = {history->n, many};
	for (uint32_t i = 0; i < many; i++) {
		size_t n_changes = 0;
		while (*next + n_changes < end && (*next)[n_changes].link == from + i)
			n_changes++;
		follow_link(history, recorder->fabric->link_bandwidth[from + i], *next, n_changes);
		*next += n_changes;
		for (uint32_t bin = 0; bin < history->n; bin++) {
			state_rows[(size_t)bin * many + i] = history->states[bin];
			capacity_rows[(size_t)bin * many + i] = history->capacity[bin];
		}
	}
	file_write_box(&recorder->file, states, VALUE_U8, 2, start, count, state_rows);
	file_write_box(&recorder->file, capacity, VALUE_I64, 2, start, count, capacity_rows);
	free(state_rows);
	free(capacity_rows);
}

void state_bins_write(struct recorder *recorder, int64_t end_ps)
{
	static const struct variable state = {.name = "state", .type = VALUE_U8, .text = "the states it was in, a set",
					      .meanings = link_state_names, .n_meanings = LINK_STATE_N, .flags = true};
	static const struct variable mean = {.name = "capacity", .type = VALUE_I64, .units = "B/s", .text = "mean over the bin, rounded down"};
	const struct dimension *both[2] = {&recorder->links.time, &recorder->links.links};
	struct link_history history = {.bins = &recorder->bins, .n = bins_count(&recorder->bins, end_ps), .end_ps = end_ps};
	hsize_t size[2] = {history.n, recorder->fabric->n_links};
	const struct link_change *next = recorder->history;
	if (!recorder->n_history)
		return;
	qsort(recorder->history, recorder->n_history, sizeof *recorder->history, compare_changes);
	hid_t states = file_variable(&recorder->file, recorder->links.group, &state, both, 2);
	hid_t capacity = file_variable(&recorder->file, recorder->links.group, &mean, both, 2);
	history.states = memory_zero(history.n, 1);
	history.capacity = memory_zero(history.n, sizeof *history.capacity);
	/* As many bins as the other columns have. */
	if (recorder->bins.end_ps > end_ps)
		size[0] = bins_count(&recorder->bins, recorder->bins.end_ps);
	file_extend(&recorder->file, states, 2, size);
	file_extend(&recorder->file, capacity, 2, size);
	for (uint32_t from = 0; from < recorder->fabric->n_links; from += BINS_BLOCK)
		write_block(recorder, &history, states, capacity, from, &next, recorder->history + recorder->n_history);
	if (states >= 0)
		H5Dclose(states);
	if (capacity >= 0)
		H5Dclose(capacity);
	free(history.states);
	free(history.capacity);
}
