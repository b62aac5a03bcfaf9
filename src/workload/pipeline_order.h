/* In which order a stage runs its forward and backward passes: the schedule itself, without times of messages. */
#ifndef WEFT_WORKLOAD_PIPELINE_ORDER_H
#define WEFT_WORKLOAD_PIPELINE_ORDER_H

#include "workload/pipeline.h"

enum pass { PASS_FORWARD, PASS_BACKWARD, PASS_WEIGHT };
struct turn {
	uint8_t pass;
	uint32_t microbatch, chunk;
};
/* The turns of every stage, stage by stage: turns[stage * n + i]; memory from the arena. n = passes × microbatches × chunks. */
const struct turn *pipeline_order(const struct pipeline *pipeline, struct arena *arena, uint32_t *n_turns);

#endif
