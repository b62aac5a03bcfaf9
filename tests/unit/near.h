/* Comparisons with a stated tolerance, for tests of formulas. */
#ifndef WEFT_TESTS_NEAR_H
#define WEFT_TESTS_NEAR_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static inline void near_check(double got, double want, double bound, const char *what, const char *file, int line)
{
	if (!(fabs(got - want) <= bound)) {
		print_error("%s = %.12g, expected %.12g within %.3g\n", what, got, want, bound);
		_fail(file, line);
	}
}
#define assert_near(got, want, absolute) near_check(got, want, absolute, #got, __FILE__, __LINE__)
#define assert_close(got, want, relative) near_check(got, want, fabs((double)(want)) * (relative), #got, __FILE__, __LINE__)

#endif
