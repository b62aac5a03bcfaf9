/* A network for tests of programs: every message has the wires to itself, `bytes_per_s` and then `latency_ps`. Collects every
 * operation's record. */
#ifndef FAKE_NETWORK_H
#define FAKE_NETWORK_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/engine.h"
#include "network/network.h"
#include "workload/executor.h"

struct fake {
	struct network network; /* first: the model's state */
	struct engine engine;
	struct observers observers;
	struct executor *executor;
	uint32_t *placement;
	int64_t bytes_per_s, latency_ps;
	uint8_t on_sent, on_delivered;
	uint64_t n_messages;
	int64_t bytes;
	struct op_record *ops;
	size_t n_ops, ops_capacity;
	struct collective_record *collectives;
	size_t n_collectives, collectives_capacity;
	struct network_message *messages;
	size_t messages_capacity;
	uint64_t n_started;
	bool quiet; /* keep no records */
};

static void fake_sent(void *context, uint32_t token)
{
	struct fake *fake = context;
	fake->network.setup.client.sent(fake->network.setup.client.context, token);
}

static void fake_delivered(void *context, uint32_t token)
{
	struct fake *fake = context;
	fake->network.setup.client.delivered(fake->network.setup.client.context, token);
}

static void fake_send(struct network *network, const struct network_message *message)
{
	struct fake *fake = (struct fake *)network;
	int64_t sent_ps = fake->engine.now_ps + serialization_ps(message->bytes, fake->bytes_per_s);
	fake->n_messages++;
	fake->bytes += message->bytes;
	if (!fake->quiet) {
		ARRAY_RESERVE(fake->messages, fake->n_started + 1, fake->messages_capacity);
		fake->messages[fake->n_started++] = *message;
	}
	engine_schedule(&fake->engine, sent_ps, fake->on_sent, message->token);
	engine_schedule(&fake->engine, sent_ps + fake->latency_ps, fake->on_delivered, message->token);
}

static void fake_op(void *context, const struct op_record *record)
{
	struct fake *fake = context;
	ARRAY_RESERVE(fake->ops, fake->n_ops + 1, fake->ops_capacity);
	fake->ops[fake->n_ops++] = *record;
}

static void fake_collective(void *context, const struct collective_record *record)
{
	struct fake *fake = context;
	ARRAY_RESERVE(fake->collectives, fake->n_collectives + 1, fake->collectives_capacity);
	fake->collectives[fake->n_collectives++] = *record;
}

static const struct network_model fake_model = {.name = "fake", .summary = "for tests", .send = fake_send};

static inline void fake_init(struct fake *fake, uint32_t n_ranks, int64_t bytes_per_s, int64_t latency_ps, bool quiet)
{
	memset(fake, 0, sizeof *fake);
	engine_init(&fake->engine);
	fake->bytes_per_s = bytes_per_s;
	fake->latency_ps = latency_ps;
	fake->quiet = quiet;
	fake->placement = memory_alloc((n_ranks + 1) * sizeof *fake->placement);
	for (uint32_t i = 0; i < n_ranks; i++)
		fake->placement[i] = i;
	fake->on_sent = engine_register(&fake->engine, fake_sent, fake);
	fake->on_delivered = engine_register(&fake->engine, fake_delivered, fake);
	struct observer observer = {.context = fake, .op = fake_op, .collective = fake_collective};
	if (!quiet)
		observers_add(&fake->observers, &observer, false);
	struct executor_setup setup = {
		.engine = &fake->engine, .observers = &fake->observers, .placement = fake->placement, .n_ranks = n_ranks, .seed = 7,
		.rendezvous_bytes = INT64_MAX,
	};
	fake->executor = executor_new(&setup);
	fake->network.model = &fake_model;
	fake->network.setup.client = executor_client(fake->executor);
	executor_attach(fake->executor, &fake->network);
}

static inline void fake_release(struct fake *fake)
{
	executor_free(fake->executor);
	engine_release(&fake->engine);
	free(fake->placement);
	free(fake->ops);
	free(fake->collectives);
	free(fake->messages);
}

static inline void fake_add(struct fake *fake, const struct workload *workload, uint32_t first_rank, int after)
{
	struct error err = {0};
	if (executor_add(fake->executor, workload, first_rank, after, &err) < 0)
		fail_msg("%s", err.message);
}

/* Runs to the end; false when it cannot finish, with the reason. */
static inline bool fake_run(struct fake *fake, struct error *err)
{
	executor_start(fake->executor);
	while (engine_run(&fake->engine, UINT64_MAX / 2) == ENGINE_SLICED)
		;
	if (executor_finished(fake->executor))
		return true;
	executor_explain_stuck(fake->executor, err);
	return false;
}

static inline void fake_run_well(struct fake *fake)
{
	struct error err = {0};
	if (!fake_run(fake, &err))
		fail_msg("%s", err.message);
	for (uint32_t rank = 0; rank < executor_n_ranks(fake->executor); rank++) {
		struct rank_result result;
		int64_t sum = 0;
		executor_rank_result(fake->executor, rank, &result);
		for (int c = 0; c < RANK_CLASSES; c++)
			sum += result.class_ps[c];
		assert_int_equal(sum, result.end_ps);
	}
}

static inline int64_t fake_end(const struct fake *fake, uint32_t rank)
{
	struct rank_result result;
	executor_rank_result(fake->executor, rank, &result);
	return result.end_ps;
}

static inline const struct op_record *fake_find(const struct fake *fake, uint32_t rank, uint32_t index)
{
	for (size_t i = 0; i < fake->n_ops; i++)
		if (fake->ops[i].rank == rank && fake->ops[i].index == index)
			return &fake->ops[i];
	fail_msg("rank %u has no record of operation %u", rank, index);
	return NULL;
}

#endif
