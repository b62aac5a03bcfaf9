/* Fits of measured curves against curves that are known. */
#include "check.h"

#include <math.h>

#include "base/error.h"
#include "report/curve.h"

static void an_exact_curve_gives_its_numbers_back(void **state)
{
	struct curve_point points[20];
	struct curve curve;
	struct error err = {0};
	(void)state;
	for (int i = 0; i < 20; i++) {
		points[i].bytes = 1000 + INT64_C(7) * i * i * i * 1000;
		points[i].time_s = 31.7e-6 + (double)points[i].bytes / 224e9;
	}
	assert_int_equal(curve_fit(points, 20, &curve, &err), 0);
	assert_true(fabs(curve.alpha_s / 31.7e-6 - 1) < 1e-9);
	assert_true(fabs(curve.beta_bytes_per_s / 224e9 - 1) < 1e-9);
	assert_true(curve.rms < 1e-9);
	assert_false(curve.alpha_zero);
}

/* Against the normal equations of the same weighted problem, worked out here. */
static void noise_is_weighted_by_relative_error(void **state)
{
	static const double noise[] = {1.05, 0.97, 1.01, 0.98, 1.04, 0.96};
	double s = 0, sx = 0, sxx = 0, sy = 0, sxy = 0;
	struct curve_point points[6];
	struct curve curve;
	struct error err = {0};
	(void)state;
	for (int i = 0; i < 6; i++) {
		double x = 3333 * pow(9, i), y = (20e-6 + x / 180e9) * noise[i], w = 1 / (y * y);
		points[i] = (struct curve_point){(int64_t)x, y};
		x = (double)points[i].bytes;
		s += w;
		sx += w * x;
		sxx += w * x * x;
		sy += w * y;
		sxy += w * x * y;
	}
	assert_int_equal(curve_fit(points, 6, &curve, &err), 0);
	double slope = (s * sxy - sx * sy) / (s * sxx - sx * sx);
	assert_true(fabs(curve.beta_bytes_per_s * slope - 1) < 1e-6);
	assert_true(fabs(curve.alpha_s / ((sy - slope * sx) / s) - 1) < 1e-6);
	assert_true(curve.rms > 0.01 && curve.rms < 0.06);
	assert_true(curve.alpha_error_s > 0 && curve.beta_error_bytes_per_s > 0);
}

static void too_few_and_falling_curves_are_refused(void **state)
{
	const struct curve_point few[] = {{10, 1e-6}, {20, 2e-6}}, same[] = {{10, 1e-6}, {10, 2e-6}, {10, 3e-6}};
	const struct curve_point falling[] = {{10, 3e-6}, {1000, 2e-6}, {2000, 1e-6}};
	struct curve curve;
	struct error err = {0};
	(void)state;
	assert_int_equal(curve_fit(few, 2, &curve, &err), -1);
	assert_non_null(strstr(err.message, "too few"));
	error_clear(&err);
	assert_int_equal(curve_fit(same, 3, &curve, &err), -1);
	error_clear(&err);
	assert_int_equal(curve_fit(falling, 3, &curve, &err), -1);
	assert_non_null(strstr(err.message, "does not grow"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exact_curve_gives_its_numbers_back),
		cmocka_unit_test(noise_is_weighted_by_relative_error),
		cmocka_unit_test(too_few_and_falling_curves_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
