/* All-to-alls of uneven parts. Each rank's trace says what that rank sends; the operation needs what everyone sends to everyone, so the
 * rows are collected while programs are made and joined when all are there. */
#ifndef WEFT_TRACE_SPLITS_H
#define WEFT_TRACE_SPLITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

struct text;
struct workload;

struct splits {
	struct arena arena;
	struct split_row *rows;
	size_t n, capacity;
};

/* Notes the all-to-all `op` of a program. `list` is its row as text, "[3, 0, 5]", by position in the group, in any unit: it is scaled to
 * the sum, `bytes`. NULL, "[]", a shortened list ("...") and one whose parts do not divide `bytes` are an even row. Operations of one
 * program come in order. */
void splits_note(struct splits *splits, uint32_t program, uint32_t op, uint16_t group_slot, const char *list, int64_t bytes);
/* The k-th all-to-alls of every group's members become one all-to-all-v where a row is uneven or longer
 * than another. Ranks that share one trace each send what
 * it says to the rank as far from them as it was from the trace's. */
void splits_join(const struct splits *splits, struct workload *workload, struct text *assumed);
void splits_release(struct splits *splits);

#endif
