/* A suite of scenarios for `weft check`: what to run, which figures to watch, how far each may move. docs/regression.md. */
#ifndef WEFT_HOST_SUITE_H
#define WEFT_HOST_SUITE_H

#include <stdbool.h>
#include <stdint.h>

#include "host/measures.h"
#include "scenario/scenario.h"

struct error;

enum suite_side { SUITE_BOTH, SUITE_ABOVE, SUITE_BELOW };

struct suite_metric {
	const char *pattern;
	double relative;        /* of the expected value */
	int64_t absolute;       /* ps, bytes or a count */
	enum suite_side side;   /* which way it must not move further */
};

struct suite_entry {
	const char *name, *path, *baseline; /* baseline: NAME.baseline beside the scenario */
	int64_t limit_ps;       /* of the host's time */
	const struct suite_metric *metrics;
	uint32_t n_metrics;
	struct scenario_overrides sets;
	const char *place;      /* "suite.yaml:7", for messages */
};

struct suite {
	const char *name;
	struct suite_entry *entries;
	uint32_t n;
	size_t capacity;
	struct arena arena;
};

#define BASELINE_VERSION 1

/* A folder (its suite.yaml, or every scenario in it) or a YAML list. Every scenario is read and checked. */
int suite_load(struct suite *suite, const char *path, struct error *err);
void suite_release(struct suite *suite);

/* 1: read; 0: there is none; -1: it is not one that this weft reads. */
int baseline_read(const struct suite_entry *entry, struct measures *figures, struct error *err);
/* What a baseline would be, from the figures of a run. */
void baseline_make(const struct suite_entry *entry, const struct measures *actual, struct text *out);
/* Replaces the file at once. */
int baseline_write(const struct suite_entry *entry, const char *text, struct error *err);

#endif
