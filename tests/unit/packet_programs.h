/* Random programs for the packet model: fabrics, flows, links that change. */
#ifndef WEFT_TESTS_PACKET_PROGRAMS_H
#define WEFT_TESTS_PACKET_PROGRAMS_H

#include "flows.h"

#include "base/random.h"

struct options {
	const char *payload, *header, *buffer, *switching, *queues, *trains, *credits;
};

static inline void create(struct test_net *net, struct options o)
{
	struct network_setting settings[8];
	uint32_t n = 0;
	const char *pairs[][2] = {{"payload", o.payload}, {"header", o.header}, {"buffer", o.buffer}, {"switching", o.switching},
				  {"queues", o.queues}, {"trains", o.trains}, {"credits", o.credits}};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (pairs[i][1])
			settings[n++] = (struct network_setting){.name = pairs[i][0], .value = pairs[i][1]};
	test_net_create(net, "packet", settings, n);
}

static const char *const random_fabrics[] = {
	"star:n=6,bandwidth=400 Gb/s,latency=500 ns",
	"star:n=9,bandwidth=224 Gb/s,latency=31 ns",
	"ring:n=5,bandwidth=53.125 Gb/s,latency=200 ns",
	"ring:n=8,bandwidth=224 Gb/s,latency=77 ns",
	"leaf-spine:leaves=3,hosts=3,spines=2,bandwidth=224 Gb/s,latency=300 ns",
	"torus:dims=3x3,bandwidth=224 Gb/s,latency=90 ns",
	"mesh:dims=2x2x2,bandwidth=100 Gb/s,latency=90 ns",
	"dragonfly:routers=2,hosts=1,global=1,bandwidth=224 Gb/s,latency=90 ns",
	"fat-tree:radix=4,levels=3,bandwidth=224 Gb/s,uplink_bandwidth=400 Gb/s,latency=110 ns",
	"leaf-spine:leaves=2,hosts=4,spines=3,links=2,bandwidth=224 Gb/s,latency=0 ns",
	"hgx",
	"cloudmatrix384:nodes=2,l2_chips=2",
};

enum { FOUND = 1000 };

struct program {
	const char *fabric;
	char buffer[16];
	struct options options;
	struct test_flow flows[24];
	uint32_t n_flows;
	enum routing routing;
	struct change {
		int64_t time_ps, latency_ps;
		uint32_t link, percent; /* of the built rate; 0: down; FOUND: routes avoid it */
	} changes[9];
	uint32_t n_changes;
};

static inline void draw_program(struct program *program, uint64_t seed)
{
	struct random_stream random = random_stream(seed, "test.packet", 0);
	program->fabric = random_fabrics[seed % (sizeof random_fabrics / sizeof *random_fabrics)];
	program->options = (struct options){.payload = "1000 B", .header = "24 B"};
	if (random_below(&random, 2))
		program->options.switching = "cut-through";
	if (random_below(&random, 3))
		snprintf(program->buffer, sizeof program->buffer, "%d B", 1024 * (2 + (int)random_below(&random, 20)));
	else
		program->buffer[0] = 0;
	program->options.buffer = program->buffer[0] ? program->buffer : NULL;
	program->options.credits = program->buffer[0] ? "true" : "false";
	static const enum routing others[] = {ROUTING_ECMP, ROUTING_SPRAY, ROUTING_ADAPTIVE, ROUTING_UGAL};
	bool has_via = strstr(program->fabric, "torus") || strstr(program->fabric, "dragonfly");
	program->routing = random_below(&random, 3) ? ROUTING_DEFAULT : others[random_below(&random, has_via ? 4 : 3)];
	program->n_flows = 2 + (uint32_t)random_below(&random, 8);
	uint32_t hot = (uint32_t)random_below(&random, 5);
	for (uint32_t i = 0; i < program->n_flows; i++) {
		struct test_flow *flow = &program->flows[i];
		*flow = (struct test_flow){.source = (uint32_t)random_below(&random, 5), .start_ps = (int64_t)random_below(&random, 600000),
					   .bytes = 1 + (int64_t)random_below(&random, random_below(&random, 2) ? 2500 : 15000)};
		if (random_below(&random, 12) == 0)
			flow->bytes *= 10;
		flow->destination = random_below(&random, 2) ? hot : (uint32_t)random_below(&random, 5);
		if (random_below(&random, 3) == 0)
			flow->start_ps = 0;
		if (flow->destination == flow->source)
			flow->destination = (flow->source + 1) % 5;
	}
}

/* Every third program changes links: slower, down and up again, longer. */
static inline void draw_changes(struct program *program, uint64_t seed)
{
	struct random_stream random = random_stream(seed, "test.packet.changes", 0);
	program->n_changes = 0;
	for (uint32_t i = 0; seed % 3 == 0 && i < 4; i++) {
		struct change *change = &program->changes[program->n_changes++], *back = &program->changes[program->n_changes++];
		*change = (struct change){.time_ps = (int64_t)random_below(&random, 3000000), .link = (uint32_t)random_below(&random, 8),
					  .percent = random_below(&random, 2) ? 0 : 30 + (uint32_t)random_below(&random, 100),
					  .latency_ps = random_below(&random, 2) ? 0 : (int64_t)random_below(&random, 200000)};
		*back = (struct change){.time_ps = change->time_ps + 1 + (int64_t)random_below(&random, 2000000), .link = change->link, .percent = 100};
	}
	bool two_ways = strstr(program->fabric, "torus") || strstr(program->fabric, "mesh") || strstr(program->fabric, "ring");
	if (program->n_changes && two_ways) /* the first one stays down and is found */
		program->changes[0].percent = 0;
	if (program->n_changes && two_ways)
		program->changes[program->n_changes++] = (struct change){.time_ps = program->changes[0].time_ps +
			(int64_t)random_below(&random, 1000000), .link = program->changes[0].link, .percent = FOUND};
}

static struct {
	struct test_net *net;
	const struct program *program;
	uint32_t due[9], n_due;
} changing;

static inline void on_change(void *context, uint32_t change)
{
	(void)context;
	changing.due[changing.n_due++] = change;
	engine_request(&changing.net->engine, ENGINE_PHASE_CONTROL);
}

static inline void control(void *context)
{
	struct test_net *net = changing.net;
	(void)context;
	for (uint32_t i = 0; i < 9; i++) /* by number, whatever order they came in */
		for (uint32_t d = 0; d < changing.n_due; d++) {
			const struct change *change = &changing.program->changes[i];
			if (changing.due[d] != i)
				continue;
			if (change->percent == FOUND) {
				if (net->links.state[change->link] == LINK_DOWN)
					network_avoid_link(net->network, change->link, true);
				continue;
			}
			if (change->percent && net->links.avoid[change->link])
				network_avoid_link(net->network, change->link, false);
			network_change_link(net->network, change->link, change->percent ? LINK_DEGRADED : LINK_DOWN,
				net->fabric.link_bandwidth[change->link] * change->percent / 100,
				net->fabric.link_latency_ps[change->link] + change->latency_ps);
		}
	changing.n_due = 0;
}

static inline void plan_changes(struct test_net *net, const struct program *program)
{
	uint8_t handler = engine_register(&net->engine, on_change, net);
	engine_register_phase(&net->engine, ENGINE_PHASE_CONTROL, control, net);
	changing.net = net;
	changing.program = program;
	changing.n_due = 0;
	for (uint32_t i = 0; i < program->n_changes; i++)
		engine_schedule(&net->engine, program->changes[i].time_ps, handler, i);
}

#endif
