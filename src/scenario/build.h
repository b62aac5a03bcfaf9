/* What becomes of a scenario's workload entries: programs for the executor. Private to src/scenario. */
#ifndef WEFT_SCENARIO_BUILD_H
#define WEFT_SCENARIO_BUILD_H

#include "scenario/scenario.h"
#include "workload/program.h"

/* How many ranks this entry needs at least; 0: it takes what there is. Loads what must be read to know (traces, flows); what
 * was assumed about it is appended to *assumed, a line each. */
int entry_load(const struct scenario *scenario, const struct scenario_entry *entry, struct workload **loaded, uint32_t *needed,
	       struct text *assumed, struct error *err);
/* The entry's workload over n_ranks ranks; takes over `loaded`. NULL and an error with the entry's place. */
struct workload *entry_build(const struct scenario *scenario, const struct scenario_entry *entry, struct workload *loaded,
			     uint32_t n_ranks, struct error *err);
void workload_delete(struct workload *workload); /* NULL is fine */

#endif
