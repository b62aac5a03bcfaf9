/* Failure rates and what they mean for a fleet. FIT: failures in 10^9 hours; AFR: failures per unit and year (8,760 h). */
#ifndef WEFT_LINK_FAILURE_H
#define WEFT_LINK_FAILURE_H

struct random_stream;
struct error;

double fit_from_afr(double afr_per_year);
double afr_from_fit(double fit);
double afr_from_monthly(double ratio_per_month);
double afr_from_mttf_hours(double mttf_hours);
double fleet_failures_per_year(double n, double afr_per_year);
double fleet_mtbf_hours(double n, double afr_per_year);
double availability(double mtbf_hours, double mttr_hours);

/* Normal in log10 with this median and this 99th percentile. */
void log10_normal_fit(double median, double percentile99, double *mean, double *sigma);

/* What is left of the life of a unit that has lived for `age` so far (0: all of it), all in one unit of time: exponential (shape 1), or
 * Weibull of the same mean with `shape` (< 1: infant mortality; > 1: wear-out). */
double draw_remaining_life(struct random_stream *stream, double mttf, double shape, double age);

#endif
