/* Threads run in order, so that one pass over them after another finds every step that no longer waits for an unknown one. */
#include "collective/rounds.h"

#include <stdlib.h>

#include "base/memory.h"

/* Of a step that is done. Rounds count from 1; 0: not known yet. */
struct done { uint32_t round; double latency_ps; };
struct sent { uint32_t round, chain; struct round_message message; };

struct finder {
	const struct collective_plan *plan;
	uint32_t n_chains, most;  /* chain: rank × threads + thread; steps of each looked at */
	struct done *sends, *ends; /* [chain][most]: when it sends, when it is over */
	uint32_t *next;           /* [chain]: first step that is not known */
	struct sent *sent;
	size_t n_sent, capacity;
	uint32_t n_rounds;
	double latency_ps;        /* the most so far */
	round_latency *latency;
	void *context;
	bool cut_off;             /* a message has no way */
};

static size_t at(const struct finder *finder, uint32_t rank, uint32_t thread, uint32_t step)
{
	return ((size_t)rank * finder->plan->n_threads + thread) * finder->most + step;
}

static void take_later(struct done *done, struct done other)
{
	if (other.round > done->round)
		done->round = other.round;
	if (other.latency_ps > done->latency_ps)
		done->latency_ps = other.latency_ps;
}

/* What a step waits for before it sends; false while something is unknown. */
static bool begins(const struct finder *finder, uint32_t chain, uint32_t i, const struct collective_step *step, struct done *begin)
{
	*begin = i ? finder->ends[(size_t)chain * finder->most + i - 1] : (struct done){0, 0};
	for (uint8_t w = 0; w < step->n_waits; w++) {
		uint32_t thread = step->waits[w].thread, index = step->waits[w].step;
		if (index >= finder->most)
			return false;
		struct done other = finder->ends[at(finder, chain / finder->plan->n_threads, thread, index)];
		if (!other.round)
			return false;
		take_later(begin, other);
	}
	return true;
}

static void note_send(struct finder *finder, uint32_t round, uint32_t chain, const struct collective_step *step)
{
	ARRAY_RESERVE(finder->sent, finder->n_sent + 1, finder->capacity);
	finder->sent[finder->n_sent++] = (struct sent){round, chain, {chain / finder->plan->n_threads, step->to, step->out.bytes}};
	if (round > finder->n_rounds)
		finder->n_rounds = round;
}

/* The message of a step, if it is known to have been sent. */
static bool receive(struct finder *finder, uint32_t rank, const struct collective_step *step, struct done *end)
{
	struct done other = {0, 0};
	if (step->from_step < finder->most)
		other = finder->sends[at(finder, step->from, step->from_thread, step->from_step)];
	if (!other.round)
		return false;
	double latency_ps = finder->latency(finder->context, step->from, rank);
	finder->cut_off |= latency_ps < 0;
	other.latency_ps += latency_ps;
	take_later(end, other);
	if (other.latency_ps > finder->latency_ps)
		finder->latency_ps = other.latency_ps;
	return true;
}

/* One step further in a chain, if it can be known. */
static bool advance(struct finder *finder, uint32_t chain)
{
	const struct collective_plan *plan = finder->plan;
	uint32_t rank = chain / plan->n_threads, thread = chain % plan->n_threads, i = finder->next[chain];
	if (i >= finder->most || i >= plan->algorithm->n_steps(plan, rank, thread))
		return false;
	struct collective_step step = {0};
	struct done begin, *send = &finder->sends[(size_t)chain * finder->most + i], *end = &finder->ends[(size_t)chain * finder->most + i];
	plan->algorithm->step(plan, rank, thread, i, &step);
	if (!begins(finder, chain, i, &step, &begin))
		return false;
	if (!send->round) { /* others may wait for this before it can end */
		*send = (struct done){begin.round + 1, begin.latency_ps};
		if (step.actions & STEP_SEND)
			note_send(finder, send->round, chain, &step);
	}
	*end = step.actions & STEP_SEND ? *send : (struct done){begin.round ? begin.round : 1, begin.latency_ps};
	if (step.actions & STEP_RECEIVE && !receive(finder, rank, &step, end)) {
		*end = (struct done){0, 0};
		return false;
	}
	finder->next[chain]++;
	return true;
}

/* Stable, by one of two small keys of a message; `first` gets where each key begins, [n + 1]. */
static void sort_by(const struct sent *from, size_t n_sent, bool by_round, uint32_t n, uint32_t *first, struct sent *to)
{
	for (size_t i = 0; i < n_sent; i++)
		first[(by_round ? from[i].round - 1 : from[i].chain) + 1]++;
	for (uint32_t key = 1; key <= n; key++)
		first[key] += first[key - 1];
	for (size_t i = 0; i < n_sent; i++)
		to[first[by_round ? from[i].round - 1 : from[i].chain]++] = from[i];
	for (uint32_t key = n; key > 0; key--)
		first[key] = first[key - 1];
	first[0] = 0;
}

/* In the order of rounds, and of chains within one: rounds that repeat each other then read alike. */
static void sort_messages(struct rounds *rounds, struct finder *finder)
{
	struct sent *other = memory_alloc((finder->n_sent + 1) * sizeof *other);
	uint32_t *first_of_chain = memory_zero((size_t)finder->n_chains + 1, sizeof *first_of_chain);
	rounds->n = finder->n_rounds;
	rounds->first = memory_zero((size_t)rounds->n + 1, sizeof *rounds->first);
	rounds->messages = memory_alloc((finder->n_sent + 1) * sizeof *rounds->messages);
	sort_by(finder->sent, finder->n_sent, false, finder->n_chains, first_of_chain, other);
	sort_by(other, finder->n_sent, true, rounds->n, rounds->first, finder->sent);
	for (size_t i = 0; i < finder->n_sent; i++)
		rounds->messages[i] = finder->sent[i].message;
	free(first_of_chain);
	free(other);
}

static double count_steps(struct finder *finder, uint32_t limit)
{
	const struct collective_plan *plan = finder->plan;
	double all = 0;
	uint32_t longest = 0;
	for (uint32_t chain = 0; chain < finder->n_chains; chain++) {
		uint32_t n = plan->algorithm->n_steps(plan, chain / plan->n_threads, chain % plan->n_threads);
		all += n;
		longest = n > longest ? n : longest;
	}
	finder->most = limit / finder->n_chains < longest ? limit / finder->n_chains : longest;
	return all;
}

int rounds_init(struct rounds *rounds, const struct collective_plan *plan, uint32_t limit, round_latency *latency, void *context)
{
	struct finder finder = {.plan = plan, .n_chains = plan->request.n_ranks * plan->n_threads, .latency = latency,
		.context = context};
	double all = count_steps(&finder, limit), known = 0;
	*rounds = (struct rounds){0};
	if (finder.most < 2 && finder.most < all / finder.n_chains)
		return -1;
	finder.sends = memory_zero((size_t)finder.n_chains * finder.most, sizeof *finder.sends);
	finder.ends = memory_zero((size_t)finder.n_chains * finder.most, sizeof *finder.ends);
	finder.next = memory_zero(finder.n_chains, sizeof *finder.next);
	for (bool moved = true; moved;) {
		moved = false;
		for (uint32_t chain = 0; chain < finder.n_chains; chain++)
			while (advance(&finder, chain))
				moved = true;
	}
	for (uint32_t chain = 0; chain < finder.n_chains; chain++)
		known += finder.next[chain];
	if (finder.n_sent && !finder.cut_off) {
		sort_messages(rounds, &finder);
		rounds->latency_ps = finder.latency_ps;
		rounds->scale = known < all ? all / known : 1;
	}
	free(finder.sends);
	free(finder.ends);
	free(finder.next);
	free(finder.sent);
	return rounds->messages ? 0 : -1;
}

void rounds_release(struct rounds *rounds)
{
	free(rounds->messages);
	free(rounds->first);
	*rounds = (struct rounds){0};
}
