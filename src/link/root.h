/* Where a function crosses zero. */
#ifndef WEFT_LINK_ROOT_H
#define WEFT_LINK_ROOT_H

#include <gsl/gsl_math.h>

struct error;

/* Brent's method on [low, high], at whose ends the function has different signs; to within `tolerance` of the argument. `what` is searched
 * for, in messages. */
int root_find(gsl_function *function, double low, double high, double tolerance, const char *what, double *root, struct error *err);

#endif
