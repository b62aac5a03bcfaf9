/* weft link budget: the margin of every class of links of a scenario. */
#ifndef WEFT_CLI_LINK_BUDGET_H
#define WEFT_CLI_LINK_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

struct scenario_overrides;

/* Exit status. `warn`: links that do not close are a warning instead of an error. samples > 0: instead the quantiles, over so many
 * seeds from the scenario's on, of the worst margin in every class. */
int link_budget(const char *path, const struct scenario_overrides *overrides, size_t samples, bool json, bool warn);

#endif
