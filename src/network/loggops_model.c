/* `loggops` as scenarios name it: its parameters. What runs is workload/loggops.c, because what a message costs its processor is part
 * of the model; it takes the place of the executor, and no message is ever sent to the network here. */
#include <stdlib.h>

#include "base/memory.h"
#include "engine/engine.h"
#include "network/network.h"
#include "weft/topology.h"

static void send(struct network *network, const struct network_message *message)
{
	(void)message;
	error_set(&network->error, ERROR_INPUT, "the loggops model takes schedules of computes, sends and receives only");
	engine_stop(network->setup.engine);
}

static void link_changed(struct network *network, uint32_t link, int64_t old_bytes_per_s, int64_t old_latency_ps)
{
	(void)network, (void)link, (void)old_bytes_per_s, (void)old_latency_ps; /* the model knows no links */
}

static void counters(const struct network *network, struct network_counters *out)
{
	(void)network;
	*out = (struct network_counters){0};
}

static void describe_stuck(const struct network *network, struct text *out) { (void)network, (void)out; }
static void cut(struct network *network) { (void)network; }
static void destroy(struct network *network) { free(network); }

static int create(struct network **network, const struct network_setup *setup, struct error *err)
{
	(void)err;
	*network = memory_zero(1, sizeof **network);
	(*network)->setup = *setup;
	return 0;
}

static const struct weft_param params[] = {
	{"dialect", WEFT_PARAM_CHOICE, "corrected", "corrected|loggopsim|atlahs", "whose behaviour: the original's, ATLAHS' variant, or put right"},
	{"L", WEFT_PARAM_TIME, "2500 ns", "0 ps..", "latency of the wire"},
	{"o", WEFT_PARAM_TIME, "1500 ns", "0 ps..", "overhead of a send or receive on its cpu"},
	{"g", WEFT_PARAM_TIME, "1000 ns", "0 ps..", "gap between messages on an adapter"},
	{"G", WEFT_PARAM_TEXT, "6 ns", NULL, "time per byte on the adapter, to a thousandth of a picosecond"},
	{"O", WEFT_PARAM_TEXT, "0 ns", NULL, "time per byte on the cpu, to a thousandth of a picosecond"},
	{"S", WEFT_PARAM_BYTES, "65535 B", NULL, "larger messages wait for their receive"},
	{0},
};

const struct network_model network_loggops = {
	.name = "loggops",
	.summary = "LogGOPS: L, o, g, G, O, S per message, no links; for GOAL schedules",
	.version = 2,
	.params = params,
	.routings = 1u << ROUTING_DEFAULT,
	.create = create,
	.destroy = destroy,
	.send = send,
	.link_changed = link_changed,
	.counters = counters,
	.describe_stuck = describe_stuck,
	.cut = cut,
};
