/* Nanoseconds per call of step(): what the interpreter pays before it sends anything. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "collective/collective.h"

static double cpu_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(void)
{
	static const struct { const char *algorithm; enum collective_kind kind; uint32_t n, channels, n_dims, dims[8]; uint32_t ranks; } cases[] = {
		{"ring", COLLECTIVE_ALL_REDUCE, 4096, 1, 0, {0}, 4096}, {"ring", COLLECTIVE_ALL_REDUCE, 384, 24, 0, {0}, 384},
		{"halving_doubling", COLLECTIVE_ALL_REDUCE, 16384, 1, 0, {0}, 16384},
		{"double_binary_tree", COLLECTIVE_ALL_REDUCE, 4096, 1, 0, {0}, 4096},
		{"pairwise", COLLECTIVE_ALL_TO_ALL, 4096, 1, 0, {0}, 4096}, {"direct", COLLECTIVE_ALL_TO_ALL, 4096, 1, 0, {0}, 4096},
		{"hierarchical", COLLECTIVE_ALL_REDUCE, 16384, 1, 2, {8, 2048}, 4096},
		{"hierarchical", COLLECTIVE_ALL_REDUCE, 16384, 1, 3, {8, 64, 32}, 16384},
		{"torus", COLLECTIVE_ALL_REDUCE, 4096, 1, 3, {16, 16, 16}, 4096},
	};
	printf("%-19s %7s %12s %9s %9s %10s\n", "algorithm", "ranks", "calls", "ns/call", "plan_ms", "plan_MB");
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		struct collective_request request = {
			.kind = cases[c].kind, .n_ranks = cases[c].n, .bytes = 1000000007, .channels = cases[c].channels, .n_dims = cases[c].n_dims,
		};
		struct collective_plan plan;
		struct error err = {0};
		uint64_t calls = 0, sum = 0;
		memcpy(request.dims, cases[c].dims, sizeof request.dims);
		double begin = cpu_s();
		if (collective_plan_init(&plan, cases[c].algorithm, &request, 1e6, 20, &err)) {
			fprintf(stderr, "%s\n", err.message);
			return 2;
		}
		double planned = cpu_s();
		for (uint32_t r = 0; r < cases[c].ranks; r++)
			for (uint32_t t = 0; t < plan.n_threads; t++)
				for (uint32_t i = 0, n = plan.algorithm->n_steps(&plan, r, t); i < n; i++, calls++) {
					struct collective_step step;
					memset(&step, 0, offsetof(struct collective_step, waits));
					plan.algorithm->step(&plan, r, t, i, &step);
					sum += (uint64_t)step.out.offset + step.to;
				}
		double end = cpu_s();
		printf("%-19s %7u %12" PRIu64 " %9.1f %9.2f %10.1f   (%" PRIx64 ")\n", cases[c].algorithm, cases[c].n, calls,
		       (end - planned) / (double)calls * 1e9, (planned - begin) * 1e3, (double)plan.arena.total_bytes / 1e6, sum);
		collective_plan_release(&plan);
	}
	return 0;
}
