/* What a circuit switch should connect: against all permutations of small demands, and decompositions that add up. */
#include "check.h"

#include "base/random.h"
#include "link/cross_connect.h"

static int64_t best_of_all(const int64_t *demand, uint32_t n, uint32_t row, uint32_t used)
{
	int64_t best = row == n ? 0 : -1;
	for (uint32_t j = 0; row < n && j < n; j++) {
		if (used & 1u << j)
			continue;
		int64_t weight = demand[row * n + j] + best_of_all(demand, n, row + 1, used | 1u << j);
		best = weight > best ? weight : best;
	}
	return best;
}

/* Demands of a few large entries among small and missing ones, nothing to oneself. */
static void draw(struct random_stream *stream, int64_t *demand, uint32_t n)
{
	for (uint32_t i = 0; i < n * n; i++) {
		uint64_t kind = random_below(stream, 4);
		demand[i] = i % (n + 1) == 0 || kind == 0 ? 0 : (int64_t)random_below(stream, kind == 1 ? INT64_C(1) << 40 : 1000);
	}
}

static void best_state_is_the_best_of_all_permutations(void **state)
{
	(void)state;
	struct random_stream stream = random_stream(5, "matching", 0);
	for (uint32_t trial = 0; trial < 400; trial++) {
		uint32_t n = 1 + trial % 7, peer[7], taken = 0;
		int64_t demand[49], weight = 0;
		draw(&stream, demand, n);
		int64_t best = cross_connect_best(demand, n, peer);
		for (uint32_t i = 0; i < n; i++) {
			if (peer[i] == CROSS_CONNECT_NONE)
				continue;
			assert_true(peer[i] < n && !(taken & 1u << peer[i]));
			taken |= 1u << peer[i];
			weight += demand[i * n + peer[i]];
		}
		assert_int_equal(weight, best);
		assert_int_equal(best, best_of_all(demand, n, 0, 0));
	}
}

struct sum {
	int64_t *left, total;
	uint32_t n;
};

static void subtract(void *context, const uint32_t *peer, int64_t duration)
{
	struct sum *sum = context;
	uint32_t taken = 0;
	assert_true(duration > 0);
	for (uint32_t i = 0; i < sum->n; i++) {
		assert_true(peer[i] < sum->n && !(taken & 1u << peer[i]));
		taken |= 1u << peer[i];
		sum->left[i * sum->n + peer[i]] -= duration;
	}
	sum->total += duration;
}

static void decompositions_add_up_to_the_demand(void **state)
{
	(void)state;
	struct random_stream stream = random_stream(6, "decomposition", 0);
	for (uint32_t trial = 0; trial < 200; trial++) {
		uint32_t n = 1 + trial % 12;
		int64_t demand[144], filled[144], most = 0;
		draw(&stream, demand, n);
		for (uint32_t i = 0; i < n; i++) {
			int64_t row = 0, column = 0;
			for (uint32_t j = 0; j < n; j++) {
				row += demand[i * n + j];
				column += demand[j * n + i];
			}
			most = row > most ? row : most;
			most = column > most ? column : most;
		}
		assert_int_equal(cross_connect_fill(demand, n, filled), most);
		for (uint32_t i = 0; i < n * n; i++)
			assert_true(filled[i] >= demand[i]);
		struct sum sum = {.left = filled, .n = n};
		int64_t matrix[144];
		memcpy(matrix, filled, sizeof matrix);
		assert_true(cross_connect_decompose(matrix, n, subtract, &sum) <= n * n);
		assert_int_equal(sum.total, most); /* no longer than the busiest port needs */
		for (uint32_t i = 0; i < n * n; i++)
			assert_int_equal(filled[i], 0);
	}
}

/* A uniform all-to-all is n - 1 matchings: those of a rotor. */
static void uniform_demand_is_a_rotor(void **state)
{
	(void)state;
	int64_t demand[81];
	for (uint32_t i = 0; i < 81; i++)
		demand[i] = i % 10 ? 28 : 0;
	struct sum sum = {.left = demand, .n = 9};
	int64_t matrix[81];
	memcpy(matrix, demand, sizeof matrix);
	assert_int_equal(cross_connect_decompose(matrix, 9, subtract, &sum), 8);
	assert_int_equal(sum.total, 8 * 28);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(best_state_is_the_best_of_all_permutations),
		cmocka_unit_test(decompositions_add_up_to_the_demand),
		cmocka_unit_test(uniform_demand_is_a_rotor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
