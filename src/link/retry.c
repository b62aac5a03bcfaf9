#include "link/retry.h"

#include <math.h>

const char *const retry_names[RETRY_N] = {"none", "ualink", "uec-llr", "nvlink"};

static const struct retry_parameters parameters[RETRY_N] = {
	[RETRY_NONE] = {640, 640, 680, 0, 0, 0},
	[RETRY_UALINK] = {640, 628, 680, 255, 50, 10.24e6},
	/* REPLAY_COUNT_MAX defaults to 1; frames are variable, a codeword is the unit in which errors come. */
	[RETRY_UEC] = {640, 640, 680, 0, 1, 0},
	/* CRC and replay are documented by counters only: unit and limit are those of UALink. */
	[RETRY_NVLINK] = {640, 640, 680, 255, 50, 10.24e6},
};

const struct retry_parameters *retry_parameters(enum retry_protocol protocol) { return &parameters[protocol]; }

double retry_round_trip_ns(double propagation_ns, double fec_and_phy_ns, double processing_ns)
{
	return 2 * (propagation_ns + fec_and_phy_ns) + processing_ns;
}

double retry_window_units(double round_trip_ns, double unit_ns) { return ceil(round_trip_ns / unit_ns); }

double retry_go_back_n_efficiency(double p, double window_units) { return (1 - p) / (1 + p * (window_units - 1)); }
double retry_mean_delay_ns(double p, double round_trip_ns) { return p / (1 - p) * round_trip_ns; }

double retry_window_reach_m(double window_ns, double ns_per_m, double fec_and_phy_ns, double processing_ns)
{
	return ((window_ns - processing_ns) / 2 - fec_and_phy_ns) / ns_per_m;
}

double ring_allreduce_codewords(double bytes, double n_chips, double unit_bytes)
{
	return 2 * (n_chips - 1) * bytes / unit_bytes;
}

double expected_replays(double n_codewords, double codeword_error_ratio) { return n_codewords * codeword_error_ratio; }
double probability_delayed(double n_codewords, double codeword_error_ratio)
{
	return -expm1(-n_codewords * codeword_error_ratio);
}

double time_between_lost_codewords_s(double codewords_per_s, double codeword_error_ratio, double n_links)
{
	return 1 / (codewords_per_s * codeword_error_ratio * n_links);
}
