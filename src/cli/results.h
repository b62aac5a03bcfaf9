/* How the results of a run are shown: for people on standard output, or as the JSON object that scripts rely on. */
#ifndef WEFT_CLI_RESULTS_H
#define WEFT_CLI_RESULTS_H

#include <stdbool.h>

struct job;
struct scenario;

/* Prints the results, and why the run is not complete if it is not; returns the exit status. */
int results_show(const struct job *job, const struct scenario *scenario, bool json);

#endif
