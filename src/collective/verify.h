/* Parts of collective_verify: the ranks' memories with what they must hold before and after, and the proof that what touches the
 * same bytes is ordered. Private to src/collective. */
#ifndef WEFT_COLLECTIVE_VERIFY_H
#define WEFT_COLLECTIVE_VERIFY_H

#include "collective/algorithms.h"

struct error;

/* One rank's buffers: a 64-bit number per byte of the collective, so that any cut is exact. */
struct memory_buffer {
	uint64_t *values;
	uint8_t *defined; /* 0: never written */
	int64_t bytes;
};
struct memories {
	const struct collective_plan *plan;
	uint64_t seed;
	struct blocks blocks;         /* all-to-all */
	struct parts parts;           /* the others: part r belongs to rank r */
	struct memory_buffer *ranks;  /* [n][3], in place: OUTPUT is INPUT */
	struct arena arena;
};
int memories_init(struct memories *memories, const struct collective_plan *plan, uint64_t seed, struct error *err);
void memories_release(struct memories *memories);
static inline struct memory_buffer *memories_at(const struct memories *memories, uint32_t rank, uint8_t buffer)
{
	return &memories->ranks[(size_t)rank * 3 + buffer];
}
/* Whether two buffers of a rank are one memory. */
bool memories_same(const struct memories *memories, uint8_t a, uint8_t b);
/* Compares what every rank holds with the plain definition of the collective. */
int memories_check(const struct memories *memories, struct error *err);

/* Happens-before between steps, as vector clocks: every thread of every rank is a chain of steps; a clock says of each chain how
 * many steps are known to have sent and to have written. Exact whatever the interleaving was, but steps × chains large. */
struct order;
struct order *order_new(const struct collective_plan *plan); /* NULL when it would need too much memory */
void order_free(struct order *order);
void order_begin(struct order *order, uint32_t rank, uint32_t thread, uint32_t step, const struct collective_step *now);
void order_deliver(struct order *order, uint32_t rank, uint32_t thread, uint32_t step, const struct collective_step *now);
void order_end(struct order *order, uint32_t rank, uint32_t thread, uint32_t step, const struct collective_step *now);
/* Two steps of one rank that touch the same bytes, one of them writing, with nothing that orders them. */
int order_check(const struct order *order, const struct memories *memories, struct error *err);

#endif
