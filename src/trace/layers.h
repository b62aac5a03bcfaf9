/* Layer tables: ASTRA-sim's first workload format and SimAI's, which comes from it.
 * S. Rashidi et al., "ASTRA-SIM: Enabling SW/HW Co-Design Exploration for Distributed DL Training Platforms", ISPASS 2020;
 * X. Wang et al., "SimAI: Unifying Architecture Design and Performance Tuning for Large-Scale LLM Training", NSDI 2025.
 *
 *   POLICY key: value …
 *   number of rows
 *   name reserved  compute collective bytes  compute collective bytes  compute collective bytes  update [policy]
 *
 * The three triples are the forward pass, input gradients and weight gradients; times are nanoseconds. */
#ifndef WEFT_TRACE_LAYERS_H
#define WEFT_TRACE_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

struct error;
struct text;

enum layer_policy {
	LAYERS_DATA, LAYERS_MODEL, LAYERS_DATA_MODEL, LAYERS_MODEL_DATA, LAYERS_TRANSFORMER, LAYERS_TRANSFORMER_FORWARD, LAYERS_DLRM,
	LAYERS_MICRO, LAYERS_CUSTOMIZED, LAYERS_POLICIES
};
extern const char *const layer_policy_names[LAYERS_POLICIES];

enum layer_pass { LAYER_FORWARD, LAYER_INPUT, LAYER_WEIGHT, LAYER_PASSES };
enum layer_suffix { LAYER_PLAIN, LAYER_EP, LAYER_DP_EP };

struct layer_pass_work {
	int64_t compute_ns, bytes;
	uint8_t kind;            /* enum collective_kind; COLLECTIVE_KINDS: none */
	uint8_t suffix;          /* enum layer_suffix */
};
struct layer_row {
	const char *name;
	struct layer_pass_work work[LAYER_PASSES];
	int64_t update_ns;
	uint8_t policy;          /* the table's, or the row's own */
	bool checkpoint, initiator;
	int line;
};
/* Numbers of the first line; -1 where absent. */
struct layer_header {
	int64_t tensor, expert, stages, chunks, microbatches, ranks, stage_bytes, last_bottom;
};
struct layer_table {
	struct arena arena;
	enum layer_policy policy;
	struct layer_header header;
	struct layer_row *rows;
	uint32_t n_rows;
	int64_t stated_rows;     /* line 2 */
	uint32_t n_surplus;      /* lines after as many rows as stated: not read */
	bool simai;              /* by its words: SimAI's header keys, groups in collectives' names, or rows of its generator */
	size_t rows_capacity;
};

/* On error nothing is left to release. */
int layer_table_read(struct layer_table *table, const char *path, struct error *err);
void layer_table_release(struct layer_table *table);
/* Whether text begins with a policy: 0 no, 1 ASTRA-sim, 2 SimAI (as far as the head shows). */
int layer_table_recognise(const char *head, size_t n);

#endif
