#include "link/failure.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#include "base/random.h"
#include "link/power.h"

double fit_from_afr(double afr) { return afr / HOURS_PER_YEAR * 1e9; }
double afr_from_fit(double fit) { return fit * HOURS_PER_YEAR * 1e-9; }
double afr_from_monthly(double ratio_per_month) { return ratio_per_month * 12; }
double afr_from_mttf_hours(double mttf_hours) { return HOURS_PER_YEAR / mttf_hours; }
double fleet_failures_per_year(double n, double afr) { return n * afr; }
double fleet_mtbf_hours(double n, double afr) { return HOURS_PER_YEAR / (n * afr); }
double availability(double mtbf_hours, double mttr_hours) { return mtbf_hours / (mtbf_hours + mttr_hours); }

void log10_normal_fit(double median, double percentile99, double *mean, double *sigma)
{
	*mean = log10(median);
	*sigma = (log10(percentile99) - *mean) / gsl_cdf_ugaussian_Pinv(0.99);
}

/* P(T > t) = exp(-(t/scale)^shape), given T > age: (T/scale)^shape = (age/scale)^shape + an exponential of mean 1. */
double draw_remaining_life(struct random_stream *stream, double mttf, double shape, double age)
{
	double exponential = -log1p(-random_uniform(stream)), scale = mttf / tgamma(1 + 1 / shape);
	if (shape == 1)
		return mttf * exponential;
	return scale * pow(pow(age / scale, shape) + exponential, 1 / shape) - age;
}
