/* Running a suite and judging it: every scenario in a process of its own, its figures against its baseline. */
#ifndef WEFT_HOST_SUITE_RUN_H
#define WEFT_HOST_SUITE_RUN_H

#include "host/children.h"
#include "host/suite.h"

/* One metric of one scenario: a test case. */
struct suite_case {
	const char *metric, *expected, *actual; /* NULL: not there */
	const char *allowed;    /* "0", "1 % (1346743)", … */
	const char *message;    /* what is wrong; NULL: passed */
};

struct suite_verdict {
	const struct suite_entry *entry;
	enum child_end end;
	const char *failure;    /* it gave no figures: why; NULL */
	const char *moved;      /* links and ranks that moved most; "" when nothing did */
	struct suite_case *cases;
	uint32_t n_cases, n_failed;
	size_t capacity;
	struct measures expected, actual;
	bool no_baseline;
};

struct suite_run {
	struct suite *suite;
	struct suite_verdict *verdicts; /* [suite->n] */
	uint32_t n_cases, n_failed, n_without; /* n_without: scenarios that gave no figures */
	bool interrupted;
	struct arena arena;
};

struct suite_options {
	uint32_t jobs;
	bool progress;          /* a line on standard error, when that is a terminal */
	bool no_baselines;      /* those there are need not be readable: they are about to be replaced */
};

/* -1 and an error before anything runs when a baseline cannot be read. */
int suite_run(struct suite_run *run, struct suite *suite, const struct suite_options *options, struct error *err);
void suite_run_release(struct suite_run *run);
static inline bool suite_run_failed(const struct suite_run *run) { return run->n_failed || run->n_without; }
/* Writes the baselines of scenarios that gave figures and adds what changes to `out`. */
int suite_run_update(const struct suite_run *run, struct text *out, struct error *err);
int suite_junit_check(const char *path, struct error *err); /* before a long run, of which only this would fail */
int suite_run_junit(const struct suite_run *run, const char *path, struct error *err);
void suite_run_print(const struct suite_run *run, struct text *out);

#endif
