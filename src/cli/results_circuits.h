/* What circuit switches did in a run (section circuits): moves, and what became of requests. */
#ifndef WEFT_CLI_RESULTS_CIRCUITS_H
#define WEFT_CLI_RESULTS_CIRCUITS_H

struct circuits_totals;
struct json;

/* The key `circuits` into the open object, and the same for people. NULL: nothing. */
void results_circuits_json(struct json *json, const struct circuits_totals *totals);
void results_circuits_print(const struct circuits_totals *totals);

#endif
