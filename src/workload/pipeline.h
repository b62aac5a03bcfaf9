/* Training steps as programs: pipeline schedules over stages × data-parallel replicas × tensor-parallel ranks, activations and
 * their gradients as messages, weight gradients as all-reduces.
 *
 * Rank of tensor position t, replica d, stage s: t + tensor_parallel · (d + data_parallel · s), as Megatron-LM orders them: what
 * talks most is next to each other. Ranks of one stage share one program. Group slots: 0 the pipeline (positions are stages),
 * 1 the replicas, 2 the tensor-parallel ranks.
 *
 * Streams: 0 computes; activations, gradients, weight gradients and tensor-parallel collectives each have their own, and messages
 * that go and that come are apart, so that nothing waits for what it does not need.
 *
 * GPipe: Huang et al., arXiv 1811.06965. 1F1B: Narayanan et al., PipeDream-Flush, arXiv 2006.09503. Interleaved: Narayanan et al.,
 * arXiv 2104.04473. Zero bubble (ZB-H1): Qi et al., arXiv 2401.10241. With messages that take no time and no jitter the bubble is
 *
 *   gpipe, 1f1b     (p-1)(F+B), (p-1)/(m+p-1) of the whole
 *   interleaved     (p-1)(F+B)/v
 *   zero-bubble     (p-1)(F+B-2W)      B the whole backward pass, W its weight gradients, when F = B-W = W */
#ifndef WEFT_WORKLOAD_PIPELINE_H
#define WEFT_WORKLOAD_PIPELINE_H

#include "workload/program.h"

enum pipeline_schedule { PIPELINE_GPIPE, PIPELINE_1F1B, PIPELINE_INTERLEAVED, PIPELINE_ZERO_BUBBLE, PIPELINE_SCHEDULES };
extern const char *const pipeline_schedule_names[PIPELINE_SCHEDULES]; /* "gpipe", "1f1b", "interleaved", "zero-bubble" */
int pipeline_schedule_find(const char *name, enum pipeline_schedule *schedule, struct error *err);

/* Keys of a scenario's `pipeline:` in brackets. Start from pipeline_defaults. */
struct pipeline {
	enum pipeline_schedule schedule; /* [schedule] 1f1b */
	uint32_t stages;            /* [stages] p */
	uint32_t microbatches;      /* [microbatches] m, of each replica and step */
	uint32_t chunks;            /* [chunks] v, interleaved only: parts of the model per stage; m must be a multiple of p. 1, interleaved 2 */
	uint32_t data_parallel;     /* [data_parallel] replicas; 1 */
	uint32_t tensor_parallel;   /* [tensor_parallel] ranks that share a stage of one replica; 1 */
	uint32_t iterations;        /* [iterations] steps; 1 */
	int64_t forward_ps;         /* [forward] one microbatch through one stage (all its chunks) */
	int64_t backward_ps;        /* [backward] the same back, input and weight gradients; default 2 × forward (−1) */
	int64_t weight_ps;          /* [weight] of it the weight gradients, zero-bubble only; default half of backward (−1) */
	int64_t optimizer_ps;       /* [optimizer] after the gradients are there; 0 */
	bool recompute;             /* [recompute] every backward pass runs its forward pass again first; false */
	int64_t activation_bytes;   /* [activation] between two stages, per microbatch and rank, each way; 0: messages of no bytes */
	int64_t tensor_bytes;       /* [tensor_size] of one tensor-parallel all-reduce; 0 */
	uint32_t tensor_calls;      /* [tensor_calls] tensor-parallel all-reduces of a microbatch in a stage (all its chunks), forward and
	                             * as many backward; 0. Megatron-LM: 2 per layer */
	int64_t gradient_bytes;     /* [gradient] all weights of one rank, all-reduced over the replicas; 0 */
	uint32_t buckets;           /* [buckets] the gradient is all-reduced in as many pieces; 1 */
	bool overlap;               /* [overlap] a bucket starts when the last backward pass has made it (it is cut evenly); else all
	                             * start after the last backward pass; false */
	double jitter;              /* [jitter] of compute times, see struct workload; 0 */
	const char *tensor_circuits, *gradient_circuits; /* states of circuit switches that its all-reduces ask for; NULL: none */
	const char *algorithm;      /* [algorithm] of all its collectives; NULL: auto */
	const char *protocol;       /* [protocol] NULL: the machine's */
};
struct pipeline pipeline_defaults(void);
uint32_t pipeline_n_ranks(const struct pipeline *pipeline); /* after pipeline_check */
/* Says which value is wrong, by its key. */
int pipeline_check(const struct pipeline *pipeline, struct error *err);
/* Checks and fills a new workload (released on error). */
int pipeline_build(struct workload *workload, const struct pipeline *pipeline, struct error *err);

#endif
