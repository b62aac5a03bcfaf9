#include "link/latency.h"

#include "link/budget.h"

double propagation_index_ns_per_m(double group_index) { return group_index / SPEED_OF_LIGHT_M_PER_S * 1e9; }
double propagation_velocity_ns_per_m(double velocity) { return 1e9 / (SPEED_OF_LIGHT_M_PER_S * velocity); }

double hop_latency_ns(const struct hop_latency *hop)
{
	return hop->propagation_ns + 2 * hop->module_ns + hop->fec_ns + hop->switch_ns + hop->unit_ns;
}

double unit_time_ns(double bytes, double line_rate_bits_per_s) { return bytes * 8 / line_rate_bits_per_s * 1e9; }
