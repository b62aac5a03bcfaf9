/* How the results of a run are shown: for people on standard output, or as the JSON object that scripts rely on. */
#ifndef WEFT_CLI_RESULTS_H
#define WEFT_CLI_RESULTS_H

struct job;
struct scenario;

void results_print(const struct job *job, const struct scenario *scenario);
void results_json(const struct job *job);

#endif
