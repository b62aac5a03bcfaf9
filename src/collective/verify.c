/* Executes a plan on real numbers, all ranks in one process, the threads interleaved in a seeded random order, and compares the
 * result with the definition. A message is copied when its step begins and read again when it is said to have left: bytes that
 * changed in between were not protected. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "collective/verify.h"

#define NONE UINT32_MAX

struct letter { /* a message under way to one thread */
	uint32_t next;
	uint32_t from, from_thread, from_step, to_step;
	int64_t bytes;
	uint64_t *values;

};

struct worker { /* one thread of one rank */
	uint32_t at, n_steps;
	bool begun, sent, delivered, copied, runnable;
	uint32_t waits_for;    /* the thread of this rank whose progress it needs, or NONE */
	uint32_t wakes_at;     /* somebody waits until it gets there, or NONE */
	uint32_t letters;      /* list */
	uint64_t *outgoing;    /* what it sends now, as it was when the step began */
	struct collective_step now;
};

struct run {
	const struct collective_plan *plan;
	struct memories memories;
	struct order *order;
	struct worker *workers; /* [n][n_threads] */
	uint64_t *heard;        /* barrier: [worker] bits of the ranks known to have begun */
	uint32_t n, n_threads, heard_words;
	uint32_t *runnable, n_runnable;
	struct pool letters;
	struct random_stream random;
	struct error *err;
};

static int fail(struct run *run, uint32_t rank, uint32_t thread, uint32_t step, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
static int fail(struct run *run, uint32_t rank, uint32_t thread, uint32_t step, const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return error_set(run->err, ERROR_SIMULATION, "rank %u, thread %u, step %u: %s", rank, thread, step, text);
}

static struct worker *worker_at(const struct run *run, uint32_t rank, uint32_t thread)
{
	return &run->workers[(size_t)rank * run->n_threads + thread];
}

static void wake(struct run *run, uint32_t index)
{
	struct worker *worker = &run->workers[index];
	if (worker->runnable || worker->at == worker->n_steps)
		return;
	worker->runnable = true;
	run->runnable[run->n_runnable++] = index;
}

static int check_span(struct run *run, uint32_t rank, uint32_t thread, uint32_t step, const struct collective_span *span)
{
	if (span->buffer > BUFFER_SCRATCH)
		return fail(run, rank, thread, step, "no such buffer");
	int64_t size = memories_at(&run->memories, rank, span->buffer)->bytes;
	if (span->offset < 0 || span->bytes < 0 || span->bytes > size || span->offset > size - span->bytes)
		return fail(run, rank, thread, step, "bytes %lld+%lld are outside a buffer of %lld", (long long)span->offset,
			    (long long)span->bytes, (long long)size);
	return 0;
}

/* The step that this one sends to must receive exactly this message. */
static int check_partner(struct run *run, uint32_t rank, uint32_t thread, uint32_t i, const struct collective_step *step)
{
	struct collective_step other = {0};
	if (step->to >= run->n || step->to == rank || step->to_thread >= run->n_threads ||
	    step->to_step >= worker_at(run, step->to, step->to_thread)->n_steps)
		return fail(run, rank, thread, i, "sends to rank %u, thread %u, step %u, which does not exist", step->to,
			    step->to_thread, step->to_step);
	run->plan->algorithm->step(run->plan, step->to, step->to_thread, step->to_step, &other);
	if (!(other.actions & STEP_RECEIVE) || other.from != rank || other.from_thread != thread || other.from_step != i)
		return fail(run, rank, thread, i, "unmatched message: rank %u, thread %u, step %u does not receive it", step->to,
			    step->to_thread, step->to_step);
	if (other.in.bytes != step->out.bytes)
		return fail(run, rank, thread, i, "sends %lld bytes where rank %u, thread %u, step %u expects %lld",
			    (long long)step->out.bytes, step->to, step->to_thread, step->to_step, (long long)other.in.bytes);
	return 0;
}

static int check_step(struct run *run, uint32_t rank, uint32_t thread, uint32_t i, const struct collective_step *step)
{
	uint8_t actions = step->actions;
	if (actions > 15 || ((actions & STEP_COPY) && (actions & (STEP_SEND | STEP_RECEIVE))) ||
	    ((actions & STEP_REDUCE) && !(actions & (STEP_COPY | STEP_RECEIVE))))
		return fail(run, rank, thread, i, "actions %u do not go together", actions);
	if (step->n_waits > COLLECTIVE_MAX_WAITS)
		return fail(run, rank, thread, i, "%u waits are too many", step->n_waits);
	for (uint8_t w = 0; w < step->n_waits; w++)
		if (step->waits[w].thread >= run->n_threads ||
		    step->waits[w].step >= worker_at(run, rank, step->waits[w].thread)->n_steps)
			return fail(run, rank, thread, i, "waits for thread %u, step %u, which does not exist",
				    step->waits[w].thread, step->waits[w].step);
	if ((actions & (STEP_SEND | STEP_COPY)) && check_span(run, rank, thread, i, &step->out))
		return -1;
	if ((actions & (STEP_RECEIVE | STEP_COPY)) && check_span(run, rank, thread, i, &step->in))
		return -1;
	if ((actions & STEP_COPY) && step->in.bytes != step->out.bytes)
		return fail(run, rank, thread, i, "copies %lld bytes over %lld", (long long)step->out.bytes,
			    (long long)step->in.bytes);
	if ((actions & STEP_RECEIVE) && step->from >= run->n)
		return fail(run, rank, thread, i, "receives from rank %u, which does not exist", step->from);
	return actions & STEP_SEND ? check_partner(run, rank, thread, i, step) : 0;
}

static int read_span(struct run *run, uint32_t rank, uint32_t thread, const struct collective_span *span, uint64_t **values)
{
	const struct memory_buffer *buffer = memories_at(&run->memories, rank, span->buffer);
	*values = memory_alloc((size_t)span->bytes * sizeof **values + 1);
	memcpy(*values, buffer->values + span->offset, (size_t)span->bytes * sizeof **values);
	for (int64_t i = span->offset; i < span->offset + span->bytes; i++)
		if (!buffer->defined[i])
			return fail(run, rank, thread, worker_at(run, rank, thread)->at, "reads byte %lld of %s, which was never written",
				    (long long)i, span->buffer == BUFFER_SCRATCH ? "scratch" : "the buffer");
	return 0;
}

static int write_span(struct run *run, uint32_t rank, uint32_t thread, const struct collective_span *span, const uint64_t *values,
		      bool reduce)
{
	struct memory_buffer *buffer = memories_at(&run->memories, rank, span->buffer);
	for (int64_t i = 0; i < span->bytes; i++) {
		if (reduce && !buffer->defined[span->offset + i])
			return fail(run, rank, thread, worker_at(run, rank, thread)->at,
				    "adds to byte %lld, which was never written", (long long)(span->offset + i));
		buffer->values[span->offset + i] = values[i] + (reduce ? buffer->values[span->offset + i] : 0);
		buffer->defined[span->offset + i] = 1;
	}
	return 0;
}

static void hear(struct run *run, size_t worker, size_t other)
{
	for (uint32_t w = 0; w < run->heard_words; w++)
		run->heard[worker * run->heard_words + w] |= run->heard[other * run->heard_words + w];
}

/* Whether every step it waits for has ended; else notes the first thread that is behind. */
static bool waits_over(struct run *run, uint32_t rank, struct worker *worker)
{
	worker->waits_for = NONE;
	for (uint8_t w = 0; w < worker->now.n_waits; w++) {
		struct worker *other = worker_at(run, rank, worker->now.waits[w].thread);
		uint32_t step = worker->now.waits[w].step;
		if (other->at > step)
			continue;
		worker->waits_for = worker->now.waits[w].thread;
		other->wakes_at = other->wakes_at < step + 1 ? other->wakes_at : step + 1;
		return false;
	}
	return true;
}

static int begin(struct run *run, uint32_t rank, uint32_t thread)
{
	struct worker *worker = worker_at(run, rank, thread);
	const struct collective_step *now = &worker->now;
	if (run->order)
		order_begin(run->order, rank, thread, worker->at, now);
	for (uint8_t w = 0; w < now->n_waits; w++)
		hear(run, (size_t)rank * run->n_threads + thread, (size_t)rank * run->n_threads + now->waits[w].thread);
	worker->begun = true;
	worker->sent = !(now->actions & STEP_SEND);
	worker->delivered = !(now->actions & STEP_RECEIVE);
	worker->copied = !(now->actions & STEP_COPY);
	if ((now->actions & (STEP_SEND | STEP_COPY)) && read_span(run, rank, thread, &now->out, &worker->outgoing))
		return -1;
	return 0;
}

/* The last byte has left: it must be what it was when the step began. */
static int leave(struct run *run, uint32_t rank, uint32_t thread)
{
	struct worker *worker = worker_at(run, rank, thread), *target = worker_at(run, worker->now.to, worker->now.to_thread);
	const struct collective_span *out = &worker->now.out;
	const struct memory_buffer *buffer = memories_at(&run->memories, rank, out->buffer);
	if (memcmp(buffer->values + out->offset, worker->outgoing, (size_t)out->bytes * sizeof(uint64_t)))
		return fail(run, rank, thread, worker->at, "bytes %lld+%lld were overwritten while they were sent: a wait is missing",
			    (long long)out->offset, (long long)out->bytes);
	uint32_t index = pool_take(&run->letters);
	*(struct letter *)pool_at(&run->letters, index) = (struct letter){
		.next = target->letters, .from = rank, .from_thread = thread, .from_step = worker->at,
		.to_step = worker->now.to_step, .bytes = out->bytes, .values = worker->outgoing,
	};
	target->letters = index;
	worker->outgoing = NULL;
	worker->sent = true;
	wake(run, worker->now.to * run->n_threads + worker->now.to_thread);
	return 0;
}

static uint32_t *find_letter(const struct run *run, struct worker *worker)
{
	uint32_t *link = &worker->letters;
	while (*link != NONE) {
		struct letter *letter = pool_at(&run->letters, *link);
		if (letter->to_step == worker->at && letter->from == worker->now.from &&
		    letter->from_thread == worker->now.from_thread && letter->from_step == worker->now.from_step)
			return link;
		link = &letter->next;
	}
	return NULL;
}

static int deliver(struct run *run, uint32_t rank, uint32_t thread, uint32_t *link)
{
	struct worker *worker = worker_at(run, rank, thread);
	uint32_t index = *link;
	struct letter *letter = pool_at(&run->letters, index);
	int status = write_span(run, rank, thread, &worker->now.in, letter->values, worker->now.actions & STEP_REDUCE);
	if (run->order)
		order_deliver(run->order, rank, thread, worker->at, &worker->now);
	hear(run, (size_t)rank * run->n_threads + thread, (size_t)letter->from * run->n_threads + letter->from_thread);
	*link = letter->next;
	free(letter->values);
	pool_give(&run->letters, index);
	worker->delivered = true;
	return status;
}

static int copy(struct run *run, uint32_t rank, uint32_t thread)
{
	struct worker *worker = worker_at(run, rank, thread);
	int status = write_span(run, rank, thread, &worker->now.in, worker->outgoing, worker->now.actions & STEP_REDUCE);
	free(worker->outgoing);
	worker->outgoing = NULL;
	worker->copied = true;
	return status;
}

static void end(struct run *run, uint32_t rank, uint32_t thread)
{
	struct worker *worker = worker_at(run, rank, thread);
	if (run->order)
		order_end(run->order, rank, thread, worker->at, &worker->now);
	worker->begun = false;
	worker->at++;
	if (worker->at < worker->wakes_at)
		return;
	worker->wakes_at = NONE;
	for (uint32_t t = 0; t < run->n_threads; t++)
		if (worker_at(run, rank, t)->waits_for == thread)
			wake(run, rank * run->n_threads + t);
}

/* Does one thing of this worker's step. Returns 1 when something happened, 0 when it must wait, -1 on an error. */
static int advance(struct run *run, uint32_t rank, uint32_t thread)
{
	struct worker *worker = worker_at(run, rank, thread);
	uint32_t *link;
	if (!worker->begun) {
		memset(&worker->now, 0, sizeof worker->now);
		run->plan->algorithm->step(run->plan, rank, thread, worker->at, &worker->now);
		if (check_step(run, rank, thread, worker->at, &worker->now))
			return -1;
		return waits_over(run, rank, worker) ? begin(run, rank, thread) ? -1 : 1 : 0;
	}
	if (!worker->copied)
		return copy(run, rank, thread) ? -1 : 1;
	/* What is added is added when the own part has left; what replaces may arrive before. */
	bool reduces = worker->now.actions & STEP_REDUCE;
	if (!worker->delivered && (worker->sent || (!reduces && random_next(&run->random) & 1)) && (link = find_letter(run, worker)))
		return deliver(run, rank, thread, link) ? -1 : 1;
	if (!worker->sent)
		return leave(run, rank, thread) ? -1 : 1;
	if (!worker->delivered)
		return 0;
	end(run, rank, thread);
	return 1;
}

/* Says what the first worker that is not done waits for. */
static int explain_deadlock(struct run *run)
{
	for (uint32_t rank = 0; rank < run->n; rank++)
		for (uint32_t thread = 0; thread < run->n_threads; thread++) {
			struct worker *worker = worker_at(run, rank, thread);
			if (worker->at == worker->n_steps)
				continue;
			if (!worker->begun)
				return fail(run, rank, thread, worker->at, "deadlock: waits for its thread %u, which is at step %u of %u",
					    worker->waits_for, worker_at(run, rank, worker->waits_for)->at,
					    worker_at(run, rank, worker->waits_for)->n_steps);
			return fail(run, rank, thread, worker->at, "deadlock: waits for a message from rank %u, thread %u, step %u",
				    worker->now.from, worker->now.from_thread, worker->now.from_step);
		}
	return 0;
}

static int check_end(struct run *run)
{
	for (uint32_t rank = 0; rank < run->n; rank++) {
		uint32_t known = 0;
		for (uint32_t thread = 0; thread < run->n_threads; thread++) {
			struct worker *worker = worker_at(run, rank, thread);
			if (worker->at != worker->n_steps)
				return explain_deadlock(run);
			if (worker->letters != NONE) {
				struct letter *letter = pool_at(&run->letters, worker->letters);
				return fail(run, letter->from, letter->from_thread, letter->from_step,
					    "unmatched message: nobody received it");
			}
			if (thread)
				hear(run, (size_t)rank * run->n_threads, (size_t)rank * run->n_threads + thread);
		}
		for (uint32_t w = 0; w < run->heard_words; w++)
			known += (uint32_t)__builtin_popcountll(run->heard[(size_t)rank * run->n_threads * run->heard_words + w]);
		if (run->heard && known != run->n)
			return error_set(run->err, ERROR_SIMULATION, "rank %u leaves the barrier when only %u of %u ranks have come",
					 rank, known, run->n);
	}
	if (run->order && order_check(run->order, &run->memories, run->err))
		return -1;
	return memories_check(&run->memories, run->err);
}

static void run_init(struct run *run)
{
	size_t n_workers = (size_t)run->n * run->n_threads;
	run->workers = memory_zero(n_workers, sizeof *run->workers);
	run->runnable = memory_zero(n_workers, sizeof *run->runnable);
	if (run->plan->request.kind == COLLECTIVE_BARRIER) {
		run->heard_words = (run->n + 63) / 64;
		run->heard = memory_zero(n_workers * run->heard_words, sizeof *run->heard);
	}
	pool_init(&run->letters, sizeof(struct letter));
	for (uint32_t rank = 0; rank < run->n; rank++)
		for (uint32_t thread = 0; thread < run->n_threads; thread++) {
			uint32_t index = rank * run->n_threads + thread;
			run->workers[index].n_steps = run->plan->algorithm->n_steps(run->plan, rank, thread);
			run->workers[index].letters = run->workers[index].waits_for = run->workers[index].wakes_at = NONE;
			if (run->heard)
				run->heard[(size_t)index * run->heard_words + rank / 64] |= UINT64_C(1) << (rank % 64);
			wake(run, index);
		}
}

static void run_release(struct run *run)
{
	for (size_t i = 0; i < (size_t)run->n * run->n_threads; i++) {
		free(run->workers[i].outgoing);
		for (uint32_t l = run->workers[i].letters; l != NONE; l = ((struct letter *)pool_at(&run->letters, l))->next)
			free(((struct letter *)pool_at(&run->letters, l))->values);
	}
	free(run->workers);
	free(run->runnable);
	free(run->heard);
	pool_release(&run->letters);
	order_free(run->order);
}

int collective_verify(const struct collective_plan *plan, uint64_t seed, struct error *err)
{
	struct run run = {.plan = plan, .n = plan->request.n_ranks, .n_threads = plan->n_threads, .err = err};
	int status = memories_init(&run.memories, plan, seed, err);
	if (status == 0) {
		run.random = random_stream(seed, "collective.verify", 0);
		run.order = order_new(plan);
		run_init(&run);
		while (status == 0 && run.n_runnable) {
			uint32_t slot = (uint32_t)random_below(&run.random, run.n_runnable), index = run.runnable[slot];
			int did = advance(&run, index / run.n_threads, index % run.n_threads);
			struct worker *worker = &run.workers[index];
			status = did < 0 ? -1 : 0;
			if (did == 0 || worker->at == worker->n_steps) {
				worker->runnable = false;
				run.runnable[slot] = run.runnable[--run.n_runnable];
			}
		}
		status = status ? status : check_end(&run);
		run_release(&run);
	}
	memories_release(&run.memories);
	return status;
}
