#include "trace/splits.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "workload/program.h"

#define LIMIT_COUNTS ((uint64_t)1 << 27) /* of all matrices: 1 GiB */

struct split_row {
	uint32_t program, op;
	uint16_t slot;
	uint32_t n;       /* 0: even */
	int64_t *bytes;
};

/* The numbers of a list; 0 when it is none, or not whole. */
static uint32_t parse(struct splits *splits, const char *list, int64_t **numbers, int64_t *sum)
{
	size_t n = 0;
	*sum = 0;
	if (!list || strstr(list, "..."))
		return 0;
	*numbers = arena_array(&splits->arena, strlen(list) / 2 + 1, sizeof **numbers); /* a digit and a separator each */
	while (*list) {
		char *end;
		if (*list == '-')
			return 0;
		if (!isdigit((unsigned char)*list)) {
			list++;
			continue;
		}
		(*numbers)[n] = strtoll(list, &end, 10);
		if (__builtin_add_overflow(*sum, (*numbers)[n], sum))
			return 0;
		n++;
		list = end;
	}
	return (uint32_t)n;
}

void splits_note(struct splits *splits, uint32_t program, uint32_t op, uint16_t group_slot, const char *list, int64_t bytes)
{
	int64_t sum = 0, *numbers = NULL;
	uint32_t n = parse(splits, list, &numbers, &sum);
	if (n && (sum <= 0 ? bytes != 0 : bytes % sum != 0))
		n = 0;
	for (uint32_t i = 0; i < n && sum > 0; i++)
		numbers[i] *= bytes / sum;
	ARRAY_RESERVE(splits->rows, splits->n + 1, splits->capacity);
	splits->rows[splits->n++] = (struct split_row){.program = program, .op = op, .slot = group_slot, .n = n, .bytes = numbers};
}

static int by_place(const void *a, const void *b)
{
	const struct split_row *x = a, *y = b;
	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	if (x->program != y->program)
		return x->program < y->program ? -1 : 1;
	return (x->op > y->op) - (x->op < y->op);
}

/* The first row of a program in a slot; *n how many it has. */
static const struct split_row *rows_of(const struct splits *splits, uint32_t program, uint16_t slot, size_t *n)
{
	size_t low = 0, high = splits->n;
	struct split_row key = {.program = program, .slot = slot};
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (by_place(&splits->rows[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (*n = 0; low + *n < splits->n && splits->rows[low + *n].program == program && splits->rows[low + *n].slot == slot; )
		++*n;
	return splits->rows + low;
}

struct joining {
	struct workload *w;
	const struct splits *splits;
	uint32_t group, n;                 /* members */
	uint16_t slot;
	uint64_t n_counts, n_odd, n_left; /* n_odd: rows of a wrong length; n_left: beyond the limit */
};

static uint32_t program_of(const struct joining *j, uint32_t position)
{
	const struct group *group = &j->w->groups[j->group];
	return j->w->rank_program[group->ranks ? group->ranks[position] : position];
}

/* Row `position` of the matrix. `origin` is the first member that runs the same program: it was recorded there. */
static void fill_row(struct joining *j, const struct split_row *row, int64_t bytes, uint32_t position, uint32_t origin, int64_t *out)
{
	for (uint32_t to = 0; to < j->n; to++) {
		uint32_t from = (to + j->n - (position - origin)) % j->n;
		if (row && row->n == j->n)
			out[to] = row->bytes[from];
		else
			out[to] = bytes / j->n + (to < bytes % j->n);
	}
	j->n_odd += row && row->n && row->n != j->n;
}

static bool is_even(const int64_t *counts, uint64_t n)
{
	for (uint64_t i = 1; i < n; i++)
		if (counts[i] != counts[0])
			return false;
	return true;
}

/* What member i's program says of its k-th all-to-all in this slot; NULL when it has none. */
static const struct split_row *row_of(const struct joining *j, size_t k, uint32_t i)
{
	size_t n;
	const struct split_row *rows = rows_of(j->splits, program_of(j, i), j->slot, &n);
	return k < n ? rows + k : NULL;
}

static struct collective_call *call_of(const struct joining *j, const struct split_row *row)
{
	struct program *program = &j->w->programs[row->program];
	return &program->calls[program->ops[row->op].amount];
}

/* Everyone's call becomes the same one: the size is the largest row's sum. */
static void set_calls(struct joining *j, size_t k, int64_t bytes, const int64_t *counts)
{
	for (uint32_t i = 0; i < j->n; i++) {
		const struct split_row *row = row_of(j, k, i);
		if (!row)
			continue;
		struct collective_call *call = call_of(j, row);
		call->bytes = bytes;
		call->kind = counts ? COLLECTIVE_ALL_TO_ALL_V : COLLECTIVE_ALL_TO_ALL;
		call->counts = counts;
		call->n_counts = counts ? (uint64_t)j->n * j->n : 0;
	}
}

/* The k-th all-to-all of a group; false when no member has one. */
static bool join_one(struct joining *j, size_t k, const uint32_t *origins)
{
	uint64_t n_counts = (uint64_t)j->n * j->n;
	int64_t least = INT64_MAX, most = -1;
	bool uneven = false;
	for (uint32_t i = 0; i < j->n; i++) {
		const struct split_row *row = row_of(j, k, i);
		if (!row)
			continue;
		int64_t bytes = call_of(j, row)->bytes;
		least = bytes < least ? bytes : least;
		most = bytes > most ? bytes : most;
		uneven |= row->n > 0;
	}
	if (most < 0 || (!uneven && least == most))
		return most >= 0;
	if (j->n_counts + n_counts > LIMIT_COUNTS) {
		j->n_left++;
		set_calls(j, k, most, NULL);
		return true;
	}
	int64_t *counts = arena_array(&j->w->arena, n_counts, sizeof *counts);
	j->n_counts += n_counts;
	for (uint32_t i = 0; i < j->n; i++) {
		const struct split_row *row = row_of(j, k, i);
		fill_row(j, row, row ? call_of(j, row)->bytes : 0, i, origins[i], counts + (uint64_t)i * j->n);
	}
	set_calls(j, k, most, is_even(counts, n_counts) ? NULL : counts);
	return true;
}

static void join_group(struct joining *j)
{
	uint32_t *origins = memory_zero(j->n, sizeof *origins), *first = memory_alloc(j->w->n_programs * sizeof *first);
	memset(first, 0xff, j->w->n_programs * sizeof *first);
	for (uint32_t i = 0; i < j->n; i++) {
		uint32_t program = program_of(j, i);
		first[program] = first[program] == UINT32_MAX ? i : first[program];
		origins[i] = first[program];
	}
	for (size_t k = 0; join_one(j, k, origins); k++)
		;
	free(origins);
	free(first);
}

void splits_join(const struct splits *splits, struct workload *w, struct text *assumed)
{
	struct joining j = {.w = w, .splits = splits};
	if (splits->n)
		qsort(splits->rows, splits->n, sizeof *splits->rows, by_place);
	for (uint32_t slot = 0; slot < w->n_slots && splits->n; slot++)
		for (uint32_t g = 0; g < w->n_groups; g++) {
			const struct group *group = &w->groups[g];
			uint32_t first = group->ranks ? group->ranks[0] : 0;
			if (w->rank_groups[(size_t)first * w->n_slots + slot] != g)
				continue; /* not a group of this slot */
			j.group = g;
			j.n = group->n_ranks;
			j.slot = (uint16_t)slot;
			join_group(&j);
		}
	if (assumed && j.n_odd)
		text_printf(assumed, "%llu split lists do not have their group's length: taken as even\n", (unsigned long long)j.n_odd);
	if (assumed && j.n_left)
		text_printf(assumed, "%llu all-to-alls are taken as even: their splits are too many\n", (unsigned long long)j.n_left);
}

void splits_release(struct splits *splits)
{
	free(splits->rows);
	arena_release(&splits->arena);
	*splits = (struct splits){0};
}
