/* weft link compare: machines side by side, from what is published about them. */
#ifndef WEFT_CLI_LINK_COMPARE_H
#define WEFT_CLI_LINK_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

struct catalogue;

#define LINK_COMPARE_MAX 16
struct link_compare {
	const struct catalogue *catalogue;
	const char *const *names;
	size_t n_names;
	const double *powers;  /* watts, of the first machines, instead of the published ones */
	size_t n_powers;
	double pue;
	bool json;
};
/* Exit status. */
int link_compare(const struct link_compare *compare);

#endif
