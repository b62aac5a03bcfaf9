#include "report/curve.h"

#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_fit.h>

#include "base/error.h"
#include "base/memory.h"

double curve_time_s(const struct curve *curve, int64_t bytes) { return curve->alpha_s + (double)bytes / curve->beta_bytes_per_s; }

static void residuals(const struct curve_point *points, size_t n, struct curve *curve)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++) {
		double residual = curve_time_s(curve, points[i].bytes) / points[i].time_s - 1;
		sum += residual * residual;
		if (fabs(residual) > fabs(curve->worst))
			curve->worst = residual;
	}
	curve->rms = sqrt(sum / (double)n);
}

/* x: bytes, y: seconds, w: 1/y². The covariance GSL gives is for known errors; scaled by χ² per degree of freedom it is for ours. */
static void solve(const double *x, const double *w, const double *y, size_t n, struct curve *curve)
{
	double alpha, slope, c00, c01, c11, chi2, scale;
	gsl_fit_wlinear(x, 1, w, 1, y, 1, n, &alpha, &slope, &c00, &c01, &c11, &chi2);
	scale = chi2 / (double)(n - 2);
	if (alpha < 0) {
		gsl_fit_wmul(x, 1, w, 1, y, 1, n, &slope, &c11, &chi2);
		scale = chi2 / (double)(n - 1);
		alpha = c00 = 0;
		curve->alpha_zero = true;
	}
	curve->alpha_s = alpha;
	curve->alpha_error_s = sqrt(c00 * scale);
	curve->beta_bytes_per_s = 1 / slope;
	curve->beta_error_bytes_per_s = sqrt(c11 * scale) / (slope * slope);
}

int curve_fit(const struct curve_point *points, size_t n, struct curve *curve, struct error *err)
{
	double *x = memory_zero(3 * (n + 1), sizeof *x), *y = x + n + 1, *w = y + n + 1;
	size_t different = 0;
	*curve = (struct curve){0};
	for (size_t i = 0; i < n; i++) {
		x[i] = (double)points[i].bytes;
		y[i] = points[i].time_s;
		w[i] = 1 / (y[i] * y[i]);
		different += i > 0 && points[i].bytes != points[0].bytes;
	}
	if (n >= 3 && different)
		solve(x, w, y, n, curve);
	free(x);
	if (n < 3 || !different)
		return error_set(err, ERROR_INPUT, "%zu rows are too few to fit two numbers (at least 3, of 2 sizes)", n);
	if (!(curve->beta_bytes_per_s > 0) || !isfinite(curve->beta_bytes_per_s))
		return error_set(err, ERROR_INPUT, "time does not grow with size: no rate can be fitted");
	residuals(points, n, curve);
	return 0;
}
