/* A small made-up run for tests of the timeline: messages round a ring of a star, with everything a recorder can be told. The
 * true totals are kept beside it. */
#ifndef WEFT_TESTS_RECORDED_H
#define WEFT_TESTS_RECORDED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "fabric/fabric.h"
#include "fabric/route.h"
#include "timeline/recorder.h"
#include "workload/executor.h"

struct recorded {
	struct fabric fabric;
	struct routes routes;
	struct recorder *recorder;
	struct observer observer;
	int64_t *bytes, *busy_ps, *overhead; /* [n_links] what was told */
	int64_t now_ps;
	uint64_t n_messages;
	struct random_stream random;
};

static void recorded_build(struct recorded *run, const char *spec)
{
	struct error err = {0};
	struct arena arena = ARENA_INIT;
	struct topology_request request = {0};
	memset(run, 0, sizeof *run);
	if (topology_request_parse(&request, spec, &arena, &err) || fabric_build(&run->fabric, &request, &err))
		fail_msg("%s", err.message);
	arena_release(&arena);
	routes_init(&run->routes, &run->fabric, ROUTING_DEFAULT, 1);
	run->bytes = memory_zero(run->fabric.n_links, sizeof *run->bytes);
	run->busy_ps = memory_zero(run->fabric.n_links, sizeof *run->busy_ps);
	run->overhead = memory_zero(run->fabric.n_links, sizeof *run->overhead);
	run->random = random_stream(7, "recorded", 0);
}

static void recorded_open(struct recorded *run, const struct recorder_options *options)
{
	struct error err = {0};
	run->recorder = recorder_new(options, &run->fabric, &run->routes, &err);
	if (!run->recorder)
		fail_msg("%s", err.message);
	run->observer = recorder_observer(run->recorder);
}

/* One round: every chip sends to the next one at the same time. */
static void recorded_round(struct recorded *run)
{
	const struct observer *o = &run->observer;
	int64_t end = run->now_ps;
	for (uint32_t npu = 0; npu < run->fabric.n_npus; npu++) {
		struct error err = {0};
		int64_t bytes = 1 + (int64_t)random_below(&run->random, 3000017), taken = 36 * bytes + 13;
		uint32_t route = routes_find(&run->routes, npu, (npu + 1) % run->fabric.n_npus, 0, &err);
		const struct route *r = &run->routes.routes[route];
		for (uint32_t i = r->first_link; i < r->first_link + r->n_links; i++) {
			uint32_t link = run->routes.merged_link[i];
			int64_t overhead = bytes % 5 ? 0 : bytes / 64;
			o->link_bytes(o->context, link, run->now_ps, run->now_ps + taken, bytes, overhead, TRAFFIC_ALL_REDUCE);
			o->link_busy(o->context, link, run->now_ps, run->now_ps + taken);
			if (o->link_interval)
				o->link_interval(o->context, link, run->now_ps, run->now_ps + taken, run->n_messages);
			run->bytes[link] += bytes;
			run->busy_ps[link] += taken;
			run->overhead[link] += overhead;
		}
		struct message_record message = {.id = run->n_messages++, .source = npu, .destination = (npu + 1) % run->fabric.n_npus,
			.bytes = bytes, .start_ps = run->now_ps, .end_ps = run->now_ps + taken, .route = route, .collective = 0,
			.kind = TRAFFIC_ALL_REDUCE};
		if (o->message)
			o->message(o->context, &message);
		if (run->now_ps + taken > end)
			end = run->now_ps + taken;
	}
	run->now_ps = end;
}

__attribute__((unused)) static void recorded_ops(struct recorded *run)
{
	const struct observer *o = &run->observer;
	struct collective_record collective = {.id = 0, .kind = 0, .algorithm = "ring", .protocol = "none", .group = 0,
		.n_ranks = run->fabric.n_npus, .bytes = 1 << 20, .start_ps = 0, .end_ps = run->now_ps};
	for (uint32_t rank = 0; o->op && rank < run->fabric.n_npus; rank++) {
		struct op_record op = {.rank = rank, .stream = 0, .index = 0, .kind = OP_COMPUTE, .name = rank % 2 ? "odd one" : "even one",
			.group = -1, .collective = -1, .end_ps = run->now_ps / 2, .cause_rank = UINT32_MAX, .iteration = -1, .trace_node = -1,
			.recorded_start_ps = TIME_NEVER, .recorded_end_ps = TIME_NEVER};
		o->op(o->context, &op);
	}
	o->collective(o->context, &collective);
}

__attribute__((unused)) static int recorded_finish(struct recorded *run, struct error *err)
{
	struct rank_result *ranks = memory_zero(run->fabric.n_npus, sizeof *ranks);
	for (uint32_t i = 0; i < run->fabric.n_npus; i++) {
		ranks[i].rank = ranks[i].npu = i;
		ranks[i].end_ps = run->now_ps;
		ranks[i].class_ps[RANK_COMPUTE] = run->now_ps / 3;
		ranks[i].class_ps[RANK_EXPOSED] = run->now_ps - run->now_ps / 3;
	}
	struct recorder_result result = {.status = "complete", .end_ps = run->now_ps, .digest = "00112233445566778899aabbccddeeff",
		.n_events = 12345, .ranks = ranks, .n_ranks = run->fabric.n_npus, .cpu_s = 0.5, .simulate_cpu_s = 0.25, .peak_rss_bytes = 1};
	int status = recorder_finish(run->recorder, &result, err);
	run->recorder = NULL;
	free(ranks);
	return status;
}

__attribute__((unused)) static void recorded_release(struct recorded *run)
{
	routes_release(&run->routes);
	fabric_release(&run->fabric);
	free(run->bytes);
	free(run->busy_ps);
	free(run->overhead);
}

#endif
