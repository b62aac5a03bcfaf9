/* Ports of circuits: any set of circuits in which no chip has more than ports finds a port for each, the same at both ends, and circuits
 * that were there keep theirs where that is possible. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "scenario/circuits_internal.h"

#define N 7
#define PORTS 5

struct bench {
	struct circuits circuits;
	struct circuit_port ports[N * PORTS];
	uint32_t wanted[N * PORTS], receives[N * PORTS];
	bool fixed[N * PORTS];
};

static void bench_init(struct bench *bench, uint32_t n_ports)
{
	memset(bench, 0, sizeof *bench);
	bench->circuits = (struct circuits){.n = N, .n_ports = n_ports, .ports = bench->ports, .wanted = bench->wanted,
		.receives = bench->receives, .fixed = bench->fixed};
	for (uint32_t i = 0; i < N * PORTS; i++)
		bench->ports[i].peer = UNCONNECTED;
}

/* A random multigraph: circuits are added while both ends have ports left. */
static uint32_t draw(struct random_stream *stream, uint32_t n_ports, struct circuit_pair *pairs, uint32_t tries)
{
	uint32_t n = 0, sends[N] = {0}, takes[N] = {0};
	for (uint32_t k = 0; k < tries; k++) {
		uint32_t from = (uint32_t)random_below(stream, N), to = (uint32_t)random_below(stream, N);
		if (from == to || sends[from] == n_ports || takes[to] == n_ports)
			continue;
		sends[from]++;
		takes[to]++;
		pairs[n++] = (struct circuit_pair){.source = from, .target = to, .port = -1};
	}
	return n;
}

/* Every pair has a port of its own, and nothing else has one. */
static void check_ports(const struct bench *bench, const struct circuit_pair *pairs, uint32_t n_pairs)
{
	uint32_t n_ports = bench->circuits.n_ports, wanted[N][N] = {{0}}, got[N][N] = {{0}}, taken[N * PORTS] = {0};
	for (uint32_t k = 0; k < n_pairs; k++)
		wanted[pairs[k].source][pairs[k].target]++;
	for (uint32_t i = 0; i < N * n_ports; i++) {
		if (bench->wanted[i] == UNCONNECTED)
			continue;
		got[i / n_ports][bench->wanted[i]]++;
		assert_int_equal(taken[bench->wanted[i] * n_ports + i % n_ports]++, 0); /* a receiving port once */
		assert_int_equal(bench->receives[bench->wanted[i] * n_ports + i % n_ports], i / n_ports);
	}
	assert_memory_equal(wanted, got, sizeof wanted);
}

static void every_circuit_finds_a_port(void **state)
{
	(void)state;
	struct random_stream stream = random_stream(11, "ports", 0);
	uint32_t full = 0;
	for (uint32_t trial = 0; trial < 3000; trial++) {
		struct bench bench;
		struct circuit_pair pairs[N * PORTS];
		bench_init(&bench, 1 + trial % PORTS);
		uint32_t n = draw(&stream, bench.circuits.n_ports, pairs, trial % 2 ? 200 : 15);
		full += n == N * bench.circuits.n_ports;
		assert_int_equal(circuits_arrange(&bench.circuits, pairs, n), 0);
		check_ports(&bench, pairs, n);
	}
	assert_true(full > 100); /* the hard ones: no port is left anywhere */
}

static void circuits_that_stay_keep_their_ports(void **state)
{
	(void)state;
	struct random_stream stream = random_stream(12, "ports", 0);
	for (uint32_t trial = 0; trial < 500; trial++) {
		struct bench bench;
		struct circuit_pair pairs[N * PORTS];
		bench_init(&bench, 1 + trial % PORTS);
		uint32_t n = draw(&stream, bench.circuits.n_ports, pairs, 60), before[N * PORTS];
		assert_int_equal(circuits_arrange(&bench.circuits, pairs, n), 0);
		memcpy(before, bench.wanted, sizeof before);
		for (uint32_t i = 0; i < N * PORTS; i++)
			bench.ports[i].peer = bench.wanted[i];
		for (uint32_t i = n; i > 1; i--) { /* the same in another order */
			uint32_t j = (uint32_t)random_below(&stream, i);
			struct circuit_pair other = pairs[i - 1];
			pairs[i - 1] = pairs[j];
			pairs[j] = other;
		}
		assert_int_equal(circuits_arrange(&bench.circuits, pairs, n), 0);
		assert_memory_equal(before, bench.wanted, N * bench.circuits.n_ports * sizeof *before);
		assert_int_equal(circuits_arrange(&bench.circuits, pairs, n - 1), 0); /* one less: the others stay */
		for (uint32_t i = 0; i < N * bench.circuits.n_ports; i++)
			assert_true(bench.wanted[i] == before[i] || bench.wanted[i] == UNCONNECTED);
	}
}

static void named_ports_are_kept_or_refused(void **state)
{
	(void)state;
	struct bench bench;
	bench_init(&bench, 2);
	static const struct circuit_pair fits[] = {{.source = 0, .target = 1, .port = 1}, {.source = 0, .target = 2, .port = -1}};
	assert_int_equal(circuits_arrange(&bench.circuits, fits, 2), 0);
	assert_int_equal(bench.wanted[1], 1);
	assert_int_equal(bench.wanted[0], 2);
	/* 0 has only port 1 left to send, 2 only port 0 to receive, and both insist on the others. */
	static const struct circuit_pair tight[] = {{.source = 0, .target = 1, .port = 0}, {.source = 1, .target = 2, .port = 1},
		{.source = 0, .target = 2, .port = -1}};
	assert_int_equal(circuits_arrange(&bench.circuits, tight, 3), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_circuit_finds_a_port),
		cmocka_unit_test(circuits_that_stay_keep_their_ports),
		cmocka_unit_test(named_ports_are_kept_or_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
