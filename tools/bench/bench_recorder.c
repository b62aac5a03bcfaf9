/* What recording costs: nanoseconds of CPU per hook call, on a made-up ring all-reduce of N chips on a star (two links per message),
 * against the same loop without a recorder.
 *
 *     make benches && build/release/bench/bench_recorder [N] [ROUNDS] [bins-only] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "fabric/fabric.h"
#include "fabric/route.h"
#include "timeline/recorder.h"

static double cpu_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void make_star(struct fabric *fabric, uint32_t n)
{
	char spec[96];
	struct error err = {0};
	struct arena arena = ARENA_INIT;
	struct topology_request request = {0};
	snprintf(spec, sizeof spec, "star:n=%u,bandwidth=28 GB/s,latency=500 ns", n);
	if (topology_request_parse(&request, spec, &arena, &err) || fabric_build(fabric, &request, &err)) {
		fprintf(stderr, "%s\n", err.message);
		exit(2);
	}
	arena_release(&arena);
}

enum calls { CALLS_NONE, CALLS_BINS, CALLS_INTERVALS, CALLS_MESSAGES };

/* The hooks through pointers, as models call them. A round takes about 46.5 us of simulated time (1.3 MB at 28 GB/s). */
static double feed(const struct observer *observer, uint32_t n_links, uint32_t rounds, enum calls calls)
{
	double begin = cpu_s();
	int64_t now = 0, taken = 46502977;
	uint64_t message = 0;
	for (uint32_t round = 0; round < rounds; round++, now += taken)
		for (uint32_t link = 0; link < n_links; link++) {
			if (calls == CALLS_BINS) {
				observer->link_bytes(observer->context, link, now, now + taken, 1302083, 0, TRAFFIC_ALL_REDUCE);
				observer->link_busy(observer->context, link, now, now + taken);
			} else if (calls == CALLS_INTERVALS) {
				observer->link_interval(observer->context, link, now, now + taken, message++);
			} else if (calls == CALLS_MESSAGES) {
				struct message_record record = {.id = message++, .source = link, .destination = link, .bytes = 1302083,
					.start_ps = now, .end_ps = now + taken, .route = link, .kind = TRAFFIC_ALL_REDUCE};
				observer->message(observer->context, &record);
			}
		}
	return cpu_s() - begin;
}

static void measure(const struct fabric *fabric, const struct routes *routes, uint32_t rounds, enum calls calls, enum timeline_detail detail,
		    const char *what, const char *path)
{
	struct error err = {0};
	double begin = cpu_s(), fed, total;
	struct recorder *recorder = recorder_new(&(struct recorder_options){.path = path, .detail = detail, .seed = 1}, fabric, routes, &err);
	if (!recorder) {
		fprintf(stderr, "%s\n", err.message);
		exit(2);
	}
	struct observer observer = recorder_observer(recorder);
	double calls_made = (double)fabric->n_links * rounds;
	fed = feed(&observer, fabric->n_links, rounds, calls);
	if (recorder_finish(recorder, &(struct recorder_result){.status = "complete", .end_ps = (int64_t)rounds * 46502977}, &err)) {
		fprintf(stderr, "%s\n", err.message);
		exit(2);
	}
	total = cpu_s() - begin;
	printf("%-34s %10.0f calls  %7.1f ns each  %7.1f with opening, compressing, closing\n", what, calls_made, 1e9 * fed / calls_made,
	       1e9 * total / calls_made);
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)atoi(argv[1]) : 384, rounds = argc > 2 ? (uint32_t)atoi(argv[2]) : 766;
	char path[] = "/tmp/weft-bench-XXXXXX";
	struct fabric fabric;
	struct routes routes;
	close(mkstemp(path));
	unlink(path);
	make_star(&fabric, n);
	routes_init(&routes, &fabric, ROUTING_DEFAULT, 1);
	measure(&fabric, &routes, rounds, CALLS_BINS, DETAIL_BINS, "bins: bytes + busy of one run", path);
	if (argc > 3) {
		unlink(path);
		return 0;
	}
	measure(&fabric, &routes, rounds, CALLS_INTERVALS, DETAIL_INTERVALS, "interval record", path);
	measure(&fabric, &routes, rounds, CALLS_MESSAGES, DETAIL_MESSAGES, "message record", path);
	unlink(path);
	routes_release(&routes);
	fabric_release(&fabric);
	return 0;
}
