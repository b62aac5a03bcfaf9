#include "link/cross_connect.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- the matching of maximum weight ------------------------------------------------------------------------------------ */

/* Rows and columns from 1; cost = -demand. Invariant: row_price[i] + column_price[j] <= cost(i, j), equal on matched pairs. */
struct assignment {
	const int64_t *demand;
	uint32_t n;
	int64_t *row_price, *column_price, *slack;
	uint32_t *row_of, *came_from; /* [column] */
	bool *visited;
};

/* Moves prices until the tree that grows from column 0 reaches one more column; returns it. */
static uint32_t next_column(struct assignment *a, uint32_t column)
{
	uint32_t row = a->row_of[column], nearest = 0;
	int64_t least = INT64_MAX;
	a->visited[column] = true;
	for (uint32_t j = 1; j <= a->n; j++) {
		if (a->visited[j])
			continue;
		int64_t reduced = -a->demand[(size_t)(row - 1) * a->n + j - 1] - a->row_price[row] - a->column_price[j];
		if (reduced < a->slack[j]) {
			a->slack[j] = reduced;
			a->came_from[j] = column;
		}
		if (a->slack[j] < least) {
			least = a->slack[j];
			nearest = j;
		}
	}
	for (uint32_t j = 0; j <= a->n; j++) {
		if (a->visited[j]) {
			a->row_price[a->row_of[j]] += least;
			a->column_price[j] -= least;
		} else {
			a->slack[j] -= least;
		}
	}
	return nearest;
}

static void match_row(struct assignment *a, uint32_t row)
{
	uint32_t column = 0;
	a->row_of[0] = row;
	for (uint32_t j = 0; j <= a->n; j++) {
		a->slack[j] = INT64_MAX;
		a->visited[j] = false;
	}
	do
		column = next_column(a, column);
	while (a->row_of[column]);
	for (; column; column = a->came_from[column])
		a->row_of[column] = a->row_of[a->came_from[column]];
}

int64_t cross_connect_best(const int64_t *demand, uint32_t n, uint32_t *peer)
{
	struct arena arena = ARENA_INIT;
	struct assignment a = {.demand = demand, .n = n,
		.row_price = arena_array(&arena, (size_t)n + 1, sizeof *a.row_price),
		.column_price = arena_array(&arena, (size_t)n + 1, sizeof *a.column_price),
		.slack = arena_array(&arena, (size_t)n + 1, sizeof *a.slack),
		.row_of = arena_array(&arena, (size_t)n + 1, sizeof *a.row_of),
		.came_from = arena_array(&arena, (size_t)n + 1, sizeof *a.came_from),
		.visited = arena_array(&arena, (size_t)n + 1, sizeof *a.visited)};
	int64_t total = 0;
	for (uint32_t row = 1; row <= n; row++)
		match_row(&a, row);
	for (uint32_t j = 1; j <= n; j++) {
		uint32_t i = a.row_of[j] - 1;
		int64_t weight = demand[(size_t)i * n + j - 1];
		peer[i] = weight ? j - 1 : CROSS_CONNECT_NONE;
		total += weight;
	}
	arena_release(&arena);
	return total;
}

/* ---- decomposition ----------------------------------------------------------------------------------------------------- */

int64_t cross_connect_fill(const int64_t *demand, uint32_t n, int64_t *filled)
{
	int64_t *row = memory_zero((size_t)n + 1, sizeof *row), *column = memory_zero((size_t)n + 1, sizeof *column), most = 0;
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t j = 0; j < n; j++) {
			row[i] += demand[(size_t)i * n + j];
			column[j] += demand[(size_t)i * n + j];
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		most = row[i] > most ? row[i] : most;
		most = column[i] > most ? column[i] : most;
	}
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t j = 0; j < n; j++) {
			int64_t lacks = most - (row[i] > column[j] ? row[i] : column[j]);
			filled[(size_t)i * n + j] = demand[(size_t)i * n + j] + lacks;
			row[i] += lacks;
			column[j] += lacks;
		}
	}
	free(row);
	free(column);
	return most;
}

struct search {
	const int64_t *matrix;
	uint32_t n;
	int64_t threshold;
	uint32_t *row_of; /* [column] */
	bool *seen;
};

/* Kuhn's augmenting paths over entries of at least the threshold. Depth: at most n. */
static bool augment(struct search *search, uint32_t row)
{
	for (uint32_t j = 0; j < search->n; j++) {
		if (search->seen[j] || search->matrix[(size_t)row * search->n + j] < search->threshold)
			continue;
		search->seen[j] = true;
		if (search->row_of[j] == CROSS_CONNECT_NONE || augment(search, search->row_of[j])) {
			search->row_of[j] = row;
			return true;
		}
	}
	return false;
}

static bool all_matched(struct search *search)
{
	memset(search->row_of, 0xff, search->n * sizeof *search->row_of); /* CROSS_CONNECT_NONE */
	for (uint32_t row = 0; row < search->n; row++) {
		memset(search->seen, 0, search->n * sizeof *search->seen);
		if (!augment(search, row))
			return false;
	}
	return true;
}

static int64_t take_term(struct search *search, int64_t *left, uint32_t *peer)
{
	int64_t duration = INT64_MAX;
	for (uint32_t j = 0; j < search->n; j++) {
		int64_t entry = left[(size_t)search->row_of[j] * search->n + j];
		duration = entry < duration ? entry : duration;
		peer[search->row_of[j]] = j;
	}
	for (uint32_t i = 0; i < search->n; i++)
		left[(size_t)i * search->n + peer[i]] -= duration;
	return duration;
}

uint32_t cross_connect_decompose(const int64_t *matrix, uint32_t n,
	void (*term)(void *context, const uint32_t *peer, int64_t duration), void *context)
{
	struct arena arena = ARENA_INIT;
	int64_t *left = arena_array(&arena, (size_t)n * n + 1, sizeof *left), sum = 0, most = 0;
	uint32_t *peer = arena_array(&arena, (size_t)n + 1, sizeof *peer), n_terms = 0;
	struct search search = {.matrix = left, .n = n, .threshold = 1,
		.row_of = arena_array(&arena, (size_t)n + 1, sizeof *search.row_of),
		.seen = arena_array(&arena, (size_t)n + 1, sizeof *search.seen)};
	memcpy(left, matrix, (size_t)n * n * sizeof *left);
	for (size_t i = 0; i < (size_t)n * n; i++)
		most = matrix[i] > most ? matrix[i] : most;
	for (uint32_t j = 0; j < n; j++)
		sum += matrix[j];
	while (search.threshold <= most / 2)
		search.threshold *= 2;
	while (sum > 0) {
		if (!all_matched(&search)) {
			assert(search.threshold > 1); /* equal sums: Hall's theorem promises a matching over what is not zero */
			search.threshold /= 2;
			continue;
		}
		int64_t duration = take_term(&search, left, peer);
		sum -= duration;
		term(context, peer, duration);
		n_terms++;
	}
	arena_release(&arena);
	return n_terms;
}
