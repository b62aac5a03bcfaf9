/* Work in child processes, several at a time, driven by libev: one that crashes or hangs does not touch the others. */
#ifndef WEFT_HOST_CHILDREN_H
#define WEFT_HOST_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"

enum child_end { CHILD_NOT_RUN, CHILD_DONE, CHILD_FAILED, CHILD_CRASHED, CHILD_LATE, CHILD_INTERRUPTED };

struct child_result {
	enum child_end end;
	int number;         /* CHILD_FAILED: exit status; CHILD_CRASHED: signal */
	struct text output; /* what it wrote */
};

struct children {
	uint32_t n, jobs;   /* how many in all, and at a time */
	void *context;
	int (*run)(void *context, uint32_t i, FILE *out);  /* in the child; returns its exit status */
	int64_t (*limit_ps)(void *context, uint32_t i);    /* of the host's time; then it is killed */
	void (*ended)(void *context, uint32_t i, const struct child_result *result); /* in the order in which they end; may be NULL */
};

/* Fills results[n]; release them. False when the user stopped it (Ctrl-C): what had ended by then is whole. */
bool children_run(const struct children *children, struct child_result *results);
void child_results_release(struct child_result *results, uint32_t n);
/* How many processors there are. */
uint32_t host_processors(void);

#endif
