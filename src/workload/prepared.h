/* What the executor derives from a program once, for all ranks that share it. */
#ifndef WEFT_WORKLOAD_PREPARED_H
#define WEFT_WORKLOAD_PREPARED_H

#include <stdbool.h>
#include <stdint.h>

#include "workload/program.h"

/* Dependencies that one operation may have: counters per rank and operation are 16 bits wide. */
#define OP_MAX_DEPS 65000

struct prepared {
	const struct program *program;
	/* Operations that wait for operation i (with DEP_START: for its start): dependents[dependent_first[i] … [i + 1]), in
	 * increasing order. */
	uint32_t *dependent_first, *dependents;
	uint32_t *next_in_stream; /* the operation that follows i on its stream, UINT32_MAX: none */
	uint16_t *need;           /* dependencies, and one for the stream's previous operation */
	/* A collective's number among those of its group slot, in issue order (program_order). Being a property of the program it does
	 * not depend on timing: ranks whose programs agree always match. */
	uint32_t *sequence;
	uint32_t n_ordered;       /* n_ops unless dependencies form a cycle */
	bool wildcards;           /* some receive takes ANY_SOURCE or ANY_TAG */
};
void prepared_init(struct prepared *prepared, const struct program *program, uint32_t n_slots);
void prepared_release(struct prepared *prepared);

/* A binary heap, smallest value first; the caller makes room. */
void heap_push(uint64_t *heap, uint32_t *n, uint64_t value);
uint64_t heap_pop(uint64_t *heap, uint32_t *n);

#endif
