/* A measured curve of time over size as α + size/β, the model of R. Hockney, "The communication challenge for MPP: Intel Paragon and
 * Meiko CS-2", Parallel Computing 20(3), 1994. Fitted by least squares of relative errors (weights 1/time²), so that small sizes, which
 * give α, count as much as large ones, which give β. */
#ifndef WEFT_REPORT_CURVE_H
#define WEFT_REPORT_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

struct curve_point {
	int64_t bytes;
	double time_s;
};
struct curve {
	double alpha_s, alpha_error_s;           /* standard error, from the residuals */
	double beta_bytes_per_s, beta_error_bytes_per_s;
	double rms, worst;                       /* relative residuals: root mean square, largest in amount (signed) */
	bool alpha_zero;                         /* the best α was below 0: fitted again without it */
};

/* At least 3 points of 2 sizes; an error otherwise, and when time does not grow with size. */
int curve_fit(const struct curve_point *points, size_t n, struct curve *curve, struct error *err);
double curve_time_s(const struct curve *curve, int64_t bytes);

#endif
