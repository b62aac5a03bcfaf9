#include "link/root.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_roots.h>

#include "base/error.h"

int root_find(gsl_function *function, double low, double high, double tolerance, const char *what, double *root, struct error *err)
{
	gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
	int status = GSL_CONTINUE;
	if (!solver)
		return error_set(err, ERROR_HOST, "no memory for a root search");
	gsl_root_fsolver_set(solver, function, low, high);
	for (int i = 0; i < 200 && status == GSL_CONTINUE; i++) {
		gsl_root_fsolver_iterate(solver);
		low = gsl_root_fsolver_x_lower(solver);
		high = gsl_root_fsolver_x_upper(solver);
		status = gsl_root_test_interval(low, high, tolerance, 0);
	}
	*root = gsl_root_fsolver_root(solver);
	gsl_root_fsolver_free(solver);
	return status == GSL_SUCCESS ? 0
		: error_set(err, ERROR_INPUT, "the search for %s failed: %s", what, gsl_strerror(status));
}
