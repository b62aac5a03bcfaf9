/* `weft run --samples N`: one scenario with many seeds. */
#ifndef WEFT_CLI_RUN_SAMPLES_H
#define WEFT_CLI_RUN_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

struct scenario;

/* Runs, prints, returns the exit status: 1 when a run could not finish. */
int run_samples(const struct scenario *scenario, uint32_t n, uint32_t jobs, bool as_json);

#endif
