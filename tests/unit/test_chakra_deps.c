/* What is left of a node's dependencies implies all of them. The oracle: everything that can be reached, computed from the full lists. */
#include "check.h"

#include <stdbool.h>

#include "base/random.h"
#include "trace/chakra_deps.h"

#define NODES 300

static bool full[NODES][NODES], kept[NODES][NODES];

static void close_over(bool reach[NODES][NODES])
{
	for (int k = 0; k < NODES; k++)
		for (int i = 0; i < NODES; i++)
			for (int j = 0; reach[i][k] && j < NODES; j++)
				reach[i][j] |= reach[k][j];
}

/* Random lists, mostly of earlier nodes, some of later ones, of the node itself, repeated: cycles included. Ids are spread so that many
 * share their low bits. Returns how many dependencies were kept. */
static size_t reduce(uint64_t seed, uint64_t spread, bool forward)
{
	struct random_stream random = random_stream(seed, "deps", 0);
	struct chakra_deps deps;
	uint64_t list[64];
	size_t n_all = 0;
	memset(full, 0, sizeof full);
	memset(kept, 0, sizeof kept);
	chakra_deps_init(&deps);
	for (uint64_t node = 0; node < NODES; node++) {
		uint32_t n = (uint32_t)random_below(&random, 1 + (node < 60 ? node : 60));
		for (uint32_t i = 0; i < n; i++) {
			uint64_t to = forward && !random_below(&random, 20) ? random_below(&random, NODES) : random_below(&random, node);
			list[i] = to * spread;
			full[node][to] = to != node || full[node][to];
		}
		size_t first = deps.n;
		uint32_t left = chakra_deps_add(&deps, node * spread, list, n);
		assert_int_equal(deps.n, first + left);
		assert_true(left <= n && (left || !n || deps.n_self));
		for (uint32_t i = 0; i < left; i++)
			kept[node][deps.ids[first + i] / spread] = true;
		n_all += left;
	}
	chakra_deps_release(&deps);
	close_over(full);
	close_over(kept);
	return n_all;
}

static void what_is_kept_implies_the_rest(void **state)
{
	(void)state;
	static const uint64_t spreads[] = {1, 7, 1024, 65536};
	for (uint64_t seed = 0; seed < 12; seed++) {
		reduce(seed, spreads[seed % 4], false);
		assert_memory_equal(full, kept, sizeof full);
		reduce(seed, spreads[seed % 4], true); /* with cycles: the same nodes are on one */
		assert_memory_equal(full, kept, sizeof full);
	}
}

/* A chain whose nodes list all before them: one dependency each is left. */
static void implied_ones_are_left_out(void **state)
{
	struct chakra_deps deps;
	uint64_t list[NODES];
	(void)state;
	chakra_deps_init(&deps);
	for (uint32_t node = 0; node < NODES; node++) {
		assert_int_equal(chakra_deps_add(&deps, node, list, node), node > 0);
		list[node] = node;
	}
	chakra_deps_release(&deps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_implies_the_rest), cmocka_unit_test(implied_ones_are_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
