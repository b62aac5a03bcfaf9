/* No contention: a message is delivered at start + Σ latency + bytes / (slowest link of its path, by the fraction of the
 * message that crosses it). A message whose path has a link without capacity waits until every link has some again; what is
 * under way when a link changes keeps the rate it started with. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "network/delay.h"
#include "network/flow.h"
#include "network/network.h"

struct transfer {
	struct network_message message;
	int64_t start_ps, entered_ps; /* posted; bytes began to move */
	uint32_t route;
	bool sent;
};

struct analytic {
	struct network base;
	struct delays delays;
	struct pool transfers;
	struct network_counters counters;
	struct busy_links busy;
	uint32_t *waiting; /* transfers without capacity, by id */
	size_t n_waiting, waiting_capacity;
};

static struct transfer *transfer_at(const struct analytic *analytic, uint32_t index) { return pool_at(&analytic->transfers, index); }

static void fail(struct analytic *analytic) { engine_stop(analytic->base.setup.engine); }

/* False when a link of the route has no capacity now. */
static bool begin(struct analytic *analytic, uint32_t index)
{
	struct network_setup *setup = &analytic->base.setup;
	struct transfer *transfer = transfer_at(analytic, index);
	transfer->route = network_route(setup->routes, &transfer->message, &analytic->base.error);
	if (transfer->route == ROUTE_NONE) {
		fail(analytic);
		return true;
	}
	int64_t moving_ps = flow_alone_ps(setup->routes, setup->links, NULL, transfer->route, transfer->message.bytes);
	if (moving_ps == TIME_NEVER)
		return false;
	transfer->entered_ps = setup->engine->now_ps;
	busy_links_begin(&analytic->busy, setup, &setup->routes->routes[transfer->route]);
	delays_add(&analytic->delays, moving_ps, index, 0);
	return true;
}

static void analytic_send(struct network *network, const struct network_message *message)
{
	struct analytic *analytic = (struct analytic *)network;
	uint32_t index = pool_take(&analytic->transfers);
	*transfer_at(analytic, index) = (struct transfer){.message = *message, .start_ps = network->setup.engine->now_ps};
	analytic->counters.bytes_injected += message->bytes;
	analytic->counters.bytes_in_flight += message->bytes;
	if (!begin(analytic, index)) {
		ARRAY_RESERVE(analytic->waiting, analytic->n_waiting + 1, analytic->waiting_capacity);
		analytic->waiting[analytic->n_waiting++] = index;
	}
}

static void finish_sending(struct analytic *analytic, uint32_t index)
{
	struct network_setup *setup = &analytic->base.setup;
	struct transfer *transfer = transfer_at(analytic, index);
	const struct route *route = &setup->routes->routes[transfer->route];
	transfer->sent = true;
	flow_observe(setup, &transfer->message, transfer->route, transfer->entered_ps);
	busy_links_end(&analytic->busy, setup, route);
	delays_add(&analytic->delays, route_latency_ps(setup, transfer->route), index, 0);
	setup->client.sent(setup->client.context, transfer->message.token);
}

static void deliver(struct analytic *analytic, uint32_t index)
{
	struct network_setup *setup = &analytic->base.setup;
	struct transfer transfer = *transfer_at(analytic, index);
	pool_give(&analytic->transfers, index);
	analytic->counters.messages++;
	analytic->counters.bytes += transfer.message.bytes;
	analytic->counters.bytes_delivered += transfer.message.bytes;
	analytic->counters.bytes_in_flight -= transfer.message.bytes;
	message_observe(setup, &transfer.message, transfer.route, transfer.start_ps, setup->engine->now_ps);
	setup->client.delivered(setup->client.context, transfer.message.token);
}

static void transfer_due(void *context, uint32_t index, uint32_t stamp)
{
	struct analytic *analytic = context;
	(void)stamp;
	if (transfer_at(analytic, index)->sent)
		deliver(analytic, index);
	else
		finish_sending(analytic, index);
}

static void analytic_link_changed(struct network *network, uint32_t link, int64_t old_bytes_per_s, int64_t old_latency_ps)
{
	struct analytic *analytic = (struct analytic *)network;
	size_t kept = 0;
	(void)link, (void)old_bytes_per_s, (void)old_latency_ps;
	for (size_t i = 0; i < analytic->n_waiting; i++)
		if (!begin(analytic, analytic->waiting[i]))
			analytic->waiting[kept++] = analytic->waiting[i];
	analytic->n_waiting = kept;
}

static void analytic_counters(const struct network *network, struct network_counters *out)
{
	*out = ((const struct analytic *)network)->counters;
}

static void analytic_describe_stuck(const struct network *network, struct text *out)
{
	const struct analytic *analytic = (const struct analytic *)network;
	for (size_t i = 0; i < analytic->n_waiting && i < 4; i++) {
		const struct transfer *transfer = transfer_at(analytic, analytic->waiting[i]);
		flow_describe(&network->setup, &transfer->message, transfer->route, out);
	}
}

static void analytic_cut(struct network *network)
{
	struct analytic *analytic = (struct analytic *)network;
	struct network_setup *setup = &network->setup;
	for (uint32_t i = 0; i < analytic->transfers.capacity; i++) {
		if (analytic->transfers.next[i] != POOL_USED)
			continue;
		struct transfer *transfer = transfer_at(analytic, i);
		message_observe(setup, &transfer->message, transfer->route, transfer->start_ps, TIME_NEVER);
	}
	busy_links_cut(&analytic->busy, setup);
}

static void analytic_destroy(struct network *network)
{
	struct analytic *analytic = (struct analytic *)network;
	delays_release(&analytic->delays);
	pool_release(&analytic->transfers);
	busy_links_release(&analytic->busy);
	free(analytic->waiting);
	free(analytic);
}

static int analytic_create(struct network **network, const struct network_setup *setup, struct error *err)
{
	struct analytic *analytic = memory_zero(1, sizeof *analytic);
	(void)err;
	analytic->base.setup = *setup;
	delays_init(&analytic->delays, setup->engine, transfer_due, analytic);
	pool_init(&analytic->transfers, sizeof(struct transfer));
	busy_links_init(&analytic->busy, setup->fabric->n_links);
	*network = &analytic->base;
	return 0;
}

static const struct weft_param analytic_params[] = {{0}};

const struct network_model network_analytic = {
	.name = "analytic",
	.summary = "no contention: latency plus bytes over the slowest link",
	.version = 1,
	.params = analytic_params,
	.routings = 1u << ROUTING_DEFAULT | 1u << ROUTING_ECMP | 1u << ROUTING_SPRAY | 1u << ROUTING_VALIANT,
	.create = analytic_create,
	.destroy = analytic_destroy,
	.send = analytic_send,
	.link_changed = analytic_link_changed,
	.counters = analytic_counters,
	.describe_stuck = analytic_describe_stuck,
	.cut = analytic_cut,
};
