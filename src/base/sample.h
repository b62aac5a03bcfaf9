/* What a sample of numbers says of the quantity behind it. */
#ifndef WEFT_BASE_SAMPLE_H
#define WEFT_BASE_SAMPLE_H

#include <stddef.h>

struct json;

struct sample_summary {
	size_t n;
	double mean, deviation;         /* deviation: of the sample, over n - 1; NAN for one */
	double minimum, q05, q25, median, q75, q95, maximum; /* quantiles interpolated between order statistics (Hyndman and Fan's type 7) */
	/* 95 % confidence intervals. Mean: Student's t. Median: order statistics, the narrowest pair that covers it with at least 95 %
	 * whatever the distribution is; NAN when there are less than 6. */
	double mean_low, mean_high, median_low, median_high;
};
/* n > 0; sorts the values. */
void sample_summarize(double *values, size_t n, struct sample_summary *summary);
/* As an object of that name. */
void sample_json(struct json *json, const char *key, const struct sample_summary *summary);

#endif
