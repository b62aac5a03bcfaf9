/* Flows on a fabric, run through a network model: what tests of the models and the benchmark share. Not a test itself. */
#ifndef WEFT_TESTS_FLOWS_H
#define WEFT_TESTS_FLOWS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "fabric/route.h"
#include "network/network.h"

struct test_flow {
	uint32_t source, destination;
	int64_t bytes, start_ps;
	int64_t sent_ps, end_ps; /* results; TIME_NEVER: not */
};

struct test_net {
	struct engine engine;
	struct fabric fabric;
	struct routes routes;
	struct links links;
	struct observers observers;
	struct network *network;
	struct test_flow *flows;
	uint32_t n_flows, *due, n_due;
	uint8_t start;
};

static inline void test_net_die(const struct error *err)
{
	fprintf(stderr, "%s\n", err->message);
	abort();
}

static inline void test_net_fabric(struct test_net *net, const char *spec, enum routing routing)
{
	struct topology_request request;
	struct arena arena = ARENA_INIT;
	struct error err = {0};
	memset(net, 0, sizeof *net);
	if (topology_request_parse(&request, spec, &arena, &err) || fabric_build(&net->fabric, &request, &err))
		test_net_die(&err);
	arena_release(&arena);
	routes_init(&net->routes, &net->fabric, routing, 1);
	links_init(&net->links, &net->fabric);
	engine_init(&net->engine);
}

static inline void test_net_start(void *context, uint32_t flow)
{
	struct test_net *net = context;
	net->due[net->n_due++] = flow;
	engine_request(&net->engine, ENGINE_PHASE_ISSUE);
}

static inline int test_net_by_id(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static inline void test_net_issue(void *context)
{
	struct test_net *net = context;
	qsort(net->due, net->n_due, sizeof *net->due, test_net_by_id);
	for (uint32_t i = 0; i < net->n_due; i++) {
		const struct test_flow *flow = &net->flows[net->due[i]];
		network_send(net->network, &(struct network_message){.id = net->due[i], .token = net->due[i], .source = flow->source,
			.destination = flow->destination, .bytes = flow->bytes, .flow_key = net->due[i], .collective = -1});
	}
	net->n_due = 0;
}

static inline void test_net_sent(void *context, uint32_t token)
{
	struct test_net *net = context;
	net->flows[token].sent_ps = net->engine.now_ps;
}

static inline void test_net_delivered(void *context, uint32_t token)
{
	struct test_net *net = context;
	net->flows[token].end_ps = net->engine.now_ps;
}

static inline void test_net_create(struct test_net *net, const char *model, const struct network_setting *settings, uint32_t n_settings)
{
	struct error err = {0};
	struct network_setup setup = {.engine = &net->engine, .fabric = &net->fabric, .routes = &net->routes, .links = &net->links,
		.observers = &net->observers, .seed = 1, .settings = settings, .n_settings = n_settings,
		.client = {.context = net, .sent = test_net_sent, .delivered = test_net_delivered}};
	const struct network_model *found = network_find(model, &err);
	if (!found || network_create(&net->network, found, &setup, &err))
		test_net_die(&err);
	net->start = engine_register(&net->engine, test_net_start, net);
	engine_register_phase(&net->engine, ENGINE_PHASE_ISSUE, test_net_issue, net);
}

/* Runs all flows to the end; flow numbers are message ids. */
static inline void test_net_plan(struct test_net *net, struct test_flow *flows, uint32_t n_flows)
{
	net->flows = flows;
	net->n_flows = n_flows;
	net->due = memory_resize(net->due, n_flows + 1, sizeof *net->due);
	for (uint32_t i = 0; i < n_flows; i++) {
		flows[i].sent_ps = flows[i].end_ps = TIME_NEVER;
		engine_schedule(&net->engine, flows[i].start_ps, net->start, i);
	}
}

static inline void test_net_run(struct test_net *net, struct test_flow *flows, uint32_t n_flows)
{
	test_net_plan(net, flows, n_flows);
	while (engine_run(&net->engine, 1000000) == ENGINE_SLICED)
		;
}

static inline void test_net_release(struct test_net *net)
{
	network_destroy(net->network);
	engine_release(&net->engine);
	links_release(&net->links);
	routes_release(&net->routes);
	fabric_release(&net->fabric);
	free(net->due);
}

#endif
