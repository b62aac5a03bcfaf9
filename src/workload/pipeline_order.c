#include "workload/pipeline_order.h"

#include <stdlib.h>

static void gpipe(const struct pipeline *pipeline, struct turn *turns)
{
	uint32_t m = pipeline->microbatches;
	for (uint32_t i = 0; i < m; i++)
		turns[i] = (struct turn){PASS_FORWARD, i, 0};
	for (uint32_t i = 0; i < m; i++) /* the last activations are freed first */
		turns[m + i] = (struct turn){PASS_BACKWARD, m - 1 - i, 0};
}

/* The k-th pass over virtual microbatches: p microbatches through one chunk, then the same through the next (Megatron-LM). */
static struct turn virtual_turn(const struct pipeline *pipeline, uint8_t pass, uint32_t k)
{
	uint32_t p = pipeline->stages, v = pipeline->chunks, round = k / (p * v), within = k % (p * v), chunk = within / p;
	return (struct turn){pass, round * p + within % p, pass == PASS_FORWARD ? chunk : v - 1 - chunk};
}

/* 1F1B and, with more than one chunk, interleaved 1F1B: forward passes to fill the pipeline, then one forward and one backward in
 * turn, then the backward passes that are left. */
static void one_forward_one_backward(const struct pipeline *pipeline, uint32_t stage, struct turn *turns)
{
	uint32_t p = pipeline->stages, v = pipeline->chunks, total = pipeline->microbatches * v, n = 0;
	uint32_t fill = v > 1 ? (p - stage - 1) * 2 + (v - 1) * p : p - stage - 1;
	if (fill > total)
		fill = total;
	for (uint32_t i = 0; i < fill; i++)
		turns[n++] = v > 1 ? virtual_turn(pipeline, PASS_FORWARD, i) : (struct turn){PASS_FORWARD, i, 0};
	for (uint32_t i = 0; i < total; i++) {
		if (fill + i < total)
			turns[n++] = v > 1 ? virtual_turn(pipeline, PASS_FORWARD, fill + i) : (struct turn){PASS_FORWARD, fill + i, 0};
		turns[n++] = v > 1 ? virtual_turn(pipeline, PASS_BACKWARD, i) : (struct turn){PASS_BACKWARD, i, 0};
	}
}

/* Zero bubble, ZB-H1: the backward pass is cut in two, and the part that computes weight gradients, for which nobody waits, fills
 * the gaps. The order is found by letting every stage take, whenever it is free: a forward pass, as long as no more
 * activations are held than 1F1B holds, or a backward pass, and weight gradients when neither can run. Which of the first two goes
 * first is tried both ways, and the shorter schedule kept. */
struct zb_stage {
	int64_t free_ps;
	uint32_t done[3];
	int64_t *end[3]; /* [pass][microbatch] */
};

struct zero_bubble {
	const struct pipeline *pipeline;
	struct zb_stage *stages;
	int64_t duration[3];
	uint8_t urgency[3]; /* passes, the most urgent first */
};

static int64_t zb_ready(const struct zero_bubble *zb, uint32_t s, uint8_t pass)
{
	const struct zb_stage *stage = &zb->stages[s];
	uint32_t p = zb->pipeline->stages, i = stage->done[pass];
	const struct zb_stage *source = pass == PASS_FORWARD ? stage - 1 : stage + 1;
	if (i == zb->pipeline->microbatches)
		return TIME_NEVER;
	if (pass == PASS_WEIGHT)
		return i < stage->done[PASS_BACKWARD] ? stage->end[PASS_BACKWARD][i] : TIME_NEVER;
	if (pass == PASS_FORWARD) {
		if (stage->done[PASS_FORWARD] - stage->done[PASS_BACKWARD] >= p - s ||
		    stage->done[PASS_FORWARD] - stage->done[PASS_WEIGHT] >= p)
			return TIME_NEVER;
		return s == 0 ? 0 : i < source->done[PASS_FORWARD] ? source->end[PASS_FORWARD][i] : TIME_NEVER;
	}
	if (i >= stage->done[PASS_FORWARD])
		return TIME_NEVER;
	if (s == p - 1)
		return stage->end[PASS_FORWARD][i];
	return i < source->done[PASS_BACKWARD] ? source->end[PASS_BACKWARD][i] : TIME_NEVER;
}

/* What the stage would do next, and when. */
static int64_t zb_next(const struct zero_bubble *zb, uint32_t s, uint8_t *pass)
{
	int64_t best = TIME_NEVER;
	for (int i = 0; i < 3; i++) {
		int64_t ready = zb_ready(zb, s, zb->urgency[i]);
		if (ready != TIME_NEVER && ready < zb->stages[s].free_ps)
			ready = zb->stages[s].free_ps;
		if (ready < best) {
			best = ready;
			*pass = zb->urgency[i];
		}
	}
	return best;
}

/* Lets the stages run; returns when the last one has ended. */
static int64_t zb_run(struct zero_bubble *zb, uint32_t *n, struct turn *turns, uint32_t n_turns)
{
	uint32_t p = zb->pipeline->stages;
	int64_t end = 0;
	for (;;) {
		uint32_t first = UINT32_MAX;
		int64_t first_ps = TIME_NEVER;
		uint8_t pass = 0, first_pass = 0;
		for (uint32_t s = 0; s < p; s++) {
			int64_t ps = zb_next(zb, s, &pass);
			if (ps < first_ps) {
				first = s;
				first_ps = ps;
				first_pass = pass;
			}
		}
		if (first == UINT32_MAX)
			return end;
		struct zb_stage *stage = &zb->stages[first];
		uint32_t microbatch = stage->done[first_pass]++;
		stage->free_ps = stage->end[first_pass][microbatch] = time_add(first_ps, zb->duration[first_pass]);
		turns[first * n_turns + n[first]++] = (struct turn){first_pass, microbatch, 0};
		end = stage->free_ps > end ? stage->free_ps : end;
	}
}

static int64_t zero_bubble(const struct pipeline *pipeline, bool forward_first, struct turn *turns, uint32_t n_turns)
{
	uint32_t p = pipeline->stages;
	struct arena arena = ARENA_INIT;
	struct zero_bubble zb = {
		pipeline, arena_array(&arena, p, sizeof *zb.stages),
		{pipeline->forward_ps, pipeline->backward_ps - pipeline->weight_ps, pipeline->weight_ps},
		{forward_first ? PASS_FORWARD : PASS_BACKWARD, forward_first ? PASS_BACKWARD : PASS_FORWARD, PASS_WEIGHT},
	};
	uint32_t *n = arena_array(&arena, p, sizeof *n);
	for (uint32_t s = 0; s < p; s++)
		for (int pass = 0; pass < 3; pass++)
			zb.stages[s].end[pass] = arena_array(&arena, pipeline->microbatches, sizeof **zb.stages[s].end);
	int64_t end = zb_run(&zb, n, turns, n_turns);
	arena_release(&arena);
	return end;
}

const struct turn *pipeline_order(const struct pipeline *pipeline, struct arena *arena, uint32_t *n_turns)
{
	uint32_t passes = pipeline->schedule == PIPELINE_ZERO_BUBBLE ? 3 : 2;
	*n_turns = passes * pipeline->microbatches * pipeline->chunks;
	struct turn *turns = arena_array(arena, (size_t)pipeline->stages * *n_turns, sizeof *turns);
	if (pipeline->schedule == PIPELINE_ZERO_BUBBLE &&
	    zero_bubble(pipeline, false, turns, *n_turns) <= zero_bubble(pipeline, true, turns, *n_turns))
		zero_bubble(pipeline, false, turns, *n_turns);
	for (uint32_t stage = 0; stage < pipeline->stages && pipeline->schedule != PIPELINE_ZERO_BUBBLE; stage++) {
		if (pipeline->schedule == PIPELINE_GPIPE)
			gpipe(pipeline, turns + (size_t)stage * *n_turns);
		else
			one_forward_one_backward(pipeline, stage, turns + (size_t)stage * *n_turns);
	}
	return turns;
}
