#include "base/sample.h"

#include <math.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "base/json.h"

#define CONFIDENCE 0.95

/* P(the k-th and the (n + 1 - k)-th smallest of n enclose the median) = 1 - 2 P(binomial(n, 1/2) <= k - 1). */
static void median_interval(const double *sorted, size_t n, double *low, double *high)
{
	size_t k = 0;
	*low = *high = NAN;
	while (k < n / 2 && 1 - 2 * gsl_cdf_binomial_P((unsigned)k, 0.5, (unsigned)n) >= CONFIDENCE)
		k++;
	if (!k)
		return;
	*low = sorted[k - 1];
	*high = sorted[n - k];
}

void sample_summarize(double *values, size_t n, struct sample_summary *summary)
{
	gsl_sort(values, 1, n);
	double mean = gsl_stats_mean(values, 1, n), deviation = n > 1 ? gsl_stats_sd_m(values, 1, n, mean) : NAN;
	double half = n > 1 ? gsl_cdf_tdist_Pinv((1 + CONFIDENCE) / 2, (double)(n - 1)) * deviation / sqrt((double)n) : NAN;
	*summary = (struct sample_summary){.n = n, .mean = mean, .deviation = deviation, .minimum = values[0], .maximum = values[n - 1],
		.q05 = gsl_stats_quantile_from_sorted_data(values, 1, n, 0.05), .q25 = gsl_stats_quantile_from_sorted_data(values, 1, n, 0.25),
		.median = gsl_stats_quantile_from_sorted_data(values, 1, n, 0.5), .q75 = gsl_stats_quantile_from_sorted_data(values, 1, n, 0.75),
		.q95 = gsl_stats_quantile_from_sorted_data(values, 1, n, 0.95), .mean_low = mean - half, .mean_high = mean + half};
	median_interval(values, n, &summary->median_low, &summary->median_high);
}

void sample_json(struct json *json, const char *key, const struct sample_summary *summary)
{
	json_open_object(json, key);
	json_integer(json, "n", (int64_t)summary->n);
	json_number(json, "mean", summary->mean);
	json_number(json, "mean_low", summary->mean_low);
	json_number(json, "mean_high", summary->mean_high);
	json_number(json, "deviation", summary->deviation);
	json_number(json, "median", summary->median);
	json_number(json, "median_low", summary->median_low);
	json_number(json, "median_high", summary->median_high);
	json_number(json, "minimum", summary->minimum);
	json_number(json, "q05", summary->q05);
	json_number(json, "q25", summary->q25);
	json_number(json, "q75", summary->q75);
	json_number(json, "q95", summary->q95);
	json_number(json, "maximum", summary->maximum);
	json_close_object(json);
}
