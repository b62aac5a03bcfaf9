/* Options of the command line that become part of a scenario: each is an assignment to one of its keys. So a command without a
 * scenario file (perf, replay) is a tiny scenario plus assignments, and everything is checked in one place. */
#ifndef WEFT_CLI_SETS_H
#define WEFT_CLI_SETS_H

#include "base/memory.h"
#include "scenario/scenario.h"

struct sets {
	struct arena arena;
	struct scenario_set *list;
	size_t n, capacity;
};
/* Adds "PATH=VALUE"; the label stands for it in messages (NULL: "--set PATH=VALUE"). */
void sets_add(struct sets *sets, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* `--network MODEL[:k=v,…]`. */
void sets_add_network(struct sets *sets, const char *spec);
/* The text as a YAML scalar in double quotes, living as long as the sets. */
const char *sets_quote(struct sets *sets, const char *text);
void sets_release(struct sets *sets);

#endif
