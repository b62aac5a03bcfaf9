/* The incremental solver against the oracle: random links, weights, caps, split flows, capacities that change and vanish. */
#include "check.h"

#include "base/random.h"
#include "base/time.h"
#include "network/solver.h"
#include "oracle.h"

#define MAX_LINKS 300
#define MAX_FLOWS 3000
#define MAX_HOPS 6
#define MAX_CHANGES 12

struct scene {
	struct oracle oracle;
	double capacity[MAX_LINKS], first_capacity[MAX_LINKS];
	uint32_t hop_link[MAX_FLOWS * MAX_HOPS], hop_weight[MAX_FLOWS * MAX_HOPS];
	struct oracle_flow flows[MAX_FLOWS];
	struct oracle_change changes[MAX_CHANGES];
	int64_t end_ps[MAX_FLOWS];
	uint64_t n_fills, n_solves;
};

static int by_time(const void *a, const void *b)
{
	const struct oracle_change *x = a, *y = b;
	return x->time_ps != y->time_ps ? (x->time_ps > y->time_ps) - (x->time_ps < y->time_ps) : (x->link > y->link) - (x->link < y->link);
}

static void add_hops(struct scene *s, struct random_stream *r, struct oracle_flow *flow, uint32_t *n_hops, bool split)
{
	uint32_t want = 1 + (uint32_t)random_below(r, s->oracle.n_links < MAX_HOPS ? s->oracle.n_links : MAX_HOPS);
	flow->first = *n_hops;
	flow->total = split ? 1 + (uint32_t)random_below(r, 5) : 1;
	for (uint32_t l = 0; l < s->oracle.n_links && flow->n < want; l++) {
		uint32_t remaining = s->oracle.n_links - l;
		if (random_below(r, remaining) >= want - flow->n)
			continue;
		s->hop_link[*n_hops] = l;
		s->hop_weight[(*n_hops)++] = 1 + (uint32_t)random_below(r, flow->total);
		flow->n++;
	}
}

static void make(struct scene *s, uint64_t seed, uint32_t most_links, uint32_t most_flows)
{
	struct random_stream r = random_stream(seed, "scene", 0);
	bool split = random_below(&r, 2), weights = random_below(&r, 2), caps = random_below(&r, 3) == 0, equal = random_below(&r, 4) == 0;
	bool together = random_below(&r, 3) == 0, changes = random_below(&r, 2);
	uint32_t n_hops = 0;
	memset(s, 0, sizeof *s);
	s->oracle = (struct oracle){.n_links = 1 + (uint32_t)random_below(&r, most_links), .n_flows = 1 + (uint32_t)random_below(&r, most_flows),
		.capacity = s->capacity, .hop_link = s->hop_link, .hop_weight = s->hop_weight, .flows = s->flows, .changes = s->changes};
	for (uint32_t l = 0; l < s->oracle.n_links; l++)
		s->first_capacity[l] = s->capacity[l] = equal ? 28e9 : floor(1e9 + 60e9 * random_uniform(&r));
	for (uint32_t f = 0; f < s->oracle.n_flows; f++) {
		struct oracle_flow *flow = &s->flows[f];
		add_hops(s, &r, flow, &n_hops, split);
		flow->weight = weights ? (double)(1 + random_below(&r, 64)) / 16 : 1;
		flow->cap = caps && random_below(&r, 2) ? floor(1e9 + 10e9 * random_uniform(&r)) : 0;
		flow->bytes = equal && together ? 1e6 : floor(1e4 * exp(5 * random_uniform(&r)));
		flow->start_ps = together ? 0 : floor(random_uniform(&r) * 1e3) * 1e5;
	}
	for (uint32_t c = 0; changes && c < MAX_CHANGES; c += 2) {
		uint32_t link = (uint32_t)random_below(&r, s->oracle.n_links);
		double at = floor(random_uniform(&r) * 1e9);
		bool down = random_below(&r, 2);
		s->changes[c] = (struct oracle_change){at, link, down ? 0 : floor(1e9 + 60e9 * random_uniform(&r))};
		s->changes[c + 1] = (struct oracle_change){at + floor(random_uniform(&r) * 1e8), link, s->first_capacity[link]};
		s->oracle.n_changes = c + 2;
	}
	qsort(s->changes, s->oracle.n_changes, sizeof *s->changes, by_time);
}

/* Runs the same scene through the solver. */
static void run(struct scene *s, bool always_fill, bool backwards)
{
	struct solver solver;
	bool started[MAX_FLOWS] = {false};
	uint32_t change = 0, index;
	double fastest = 61e9;
	solver_init(&solver, s->oracle.n_links, (int64_t)fastest);
	solver.always_fill = always_fill;
	solver.hop_link = s->hop_link;
	solver.hop_weight = s->hop_weight;
	for (uint32_t l = 0; l < s->oracle.n_links; l++)
		solver_set_capacity(&solver, l, (int64_t)s->first_capacity[l]);
	solver_settle(&solver);
	for (;;) {
		int64_t next_ps = solver_next_ps(&solver);
		if (change < s->oracle.n_changes && (int64_t)s->changes[change].time_ps < next_ps)
			next_ps = (int64_t)s->changes[change].time_ps;
		for (uint32_t f = 0; f < s->oracle.n_flows; f++)
			if (!started[f] && (int64_t)s->flows[f].start_ps < next_ps)
				next_ps = (int64_t)s->flows[f].start_ps;
		if (next_ps == TIME_NEVER)
			break;
		solver.now_ps = next_ps;
		while ((index = solver_expire(&solver)) != SOLVER_NONE)
			s->end_ps[index] = next_ps;
		for (; change < s->oracle.n_changes && (int64_t)s->changes[change].time_ps == next_ps; change++)
			solver_set_capacity(&solver, s->changes[change].link, (int64_t)s->changes[change].bytes_per_s);
		for (uint32_t k = 0; k < s->oracle.n_flows; k++) {
			uint32_t f = backwards ? s->oracle.n_flows - 1 - k : k;
			const struct oracle_flow *flow = &s->flows[f];
			if (started[f] || (int64_t)flow->start_ps != next_ps)
				continue;
			started[f] = true;
			s->end_ps[f] = TIME_NEVER;
			solver_add(&solver, f, f, flow->first, flow->n, flow->total, flow->weight, (int64_t)flow->cap, flow->bytes);
		}
		solver_solve(&solver);
		solver_settle(&solver);
	}
	s->n_fills = solver.n_fills;
	s->n_solves = solver.n_solves;
	solver_release(&solver);
}

static double compare(const struct scene *s, uint64_t seed)
{
	double worst = 0;
	for (uint32_t f = 0; f < s->oracle.n_flows; f++) {
		if (s->flows[f].end_ps == INFINITY || s->end_ps[f] == TIME_NEVER) {
			if (s->flows[f].end_ps != INFINITY || s->end_ps[f] != TIME_NEVER)
				fail_msg("seed %llu flow %u: %lld ps, the oracle says %.3Lf", (unsigned long long)seed, f,
					 (long long)s->end_ps[f], s->flows[f].end_ps);
			continue;
		}
		double difference = (double)fabsl((long double)s->end_ps[f] - s->flows[f].end_ps);
		if (difference > 100)
			fail_msg("seed %llu flow %u: %lld ps, the oracle says %.3Lf", (unsigned long long)seed, f,
				 (long long)s->end_ps[f], s->flows[f].end_ps);
		worst = difference > worst ? difference : worst;
	}
	return worst;
}

static void solver_agrees_with_the_definition(void **state)
{
	static struct scene scene;
	const char *count = getenv("SOLVER_SCENES");
	uint64_t n = count ? strtoull(count, NULL, 10) : 3000, fills = 0, solves = 0;
	double worst = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= n; seed++) {
		make(&scene, seed, 24, 60);
		oracle_run(&scene.oracle);
		for (int fill = 1; fill >= 0; fill--) {
			run(&scene, fill, false);
			worst = fmax(worst, compare(&scene, seed));
			fills += fill ? 0 : scene.n_fills;
			solves += fill ? 0 : scene.n_solves;
		}
	}
	print_message("%llu scenes, worst difference %.1f ps; %llu of %llu solves filled anew\n", (unsigned long long)n, worst,
		      (unsigned long long)fills, (unsigned long long)solves);
}

/* Too large for the oracle: the incremental solver against filling anew, which the oracle has judged on small scenes. */
static void large_scenes_give_the_same_by_propagation_and_by_filling(void **state)
{
	static struct scene scene;
	static int64_t filled_ps[MAX_FLOWS];
	uint64_t solves = 0, fills = 0;
	int64_t worst = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		make(&scene, seed, MAX_LINKS, MAX_FLOWS);
		run(&scene, true, false);
		memcpy(filled_ps, scene.end_ps, sizeof filled_ps);
		run(&scene, false, false);
		solves += scene.n_solves;
		fills += scene.n_fills;
		for (uint32_t f = 0; f < scene.oracle.n_flows; f++) {
			int64_t difference = llabs(scene.end_ps[f] - filled_ps[f]);
			if (difference > 100)
				fail_msg("seed %llu flow %u: %lld ps, filled %lld ps", (unsigned long long)seed, f, (long long)scene.end_ps[f],
					 (long long)filled_ps[f]);
			worst = difference > worst ? difference : worst;
		}
	}
	print_message("worst difference %lld ps; %llu of %llu solves filled anew\n", (long long)worst, (unsigned long long)fills,
		      (unsigned long long)solves);
}

/* Flows of one instant may come in any order. */
static void the_order_within_an_instant_does_not_matter(void **state)
{
	static struct scene scene;
	static int64_t forwards_ps[MAX_FLOWS];
	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		make(&scene, seed, 24, 200);
		run(&scene, false, false);
		memcpy(forwards_ps, scene.end_ps, sizeof forwards_ps);
		run(&scene, false, true);
		for (uint32_t f = 0; f < scene.oracle.n_flows; f++)
			if (scene.end_ps[f] != forwards_ps[f])
				fail_msg("seed %llu flow %u: %lld ps, backwards %lld ps", (unsigned long long)seed, f,
					 (long long)forwards_ps[f], (long long)scene.end_ps[f]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(solver_agrees_with_the_definition),
		cmocka_unit_test(the_order_within_an_instant_does_not_matter),
		cmocka_unit_test(large_scenes_give_the_same_by_propagation_and_by_filling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
