/* Link-level retry: what an uncorrectable codeword costs when the link sends it again instead of losing it, and what that does
 * to a collective, whose slowest message counts.
 *
 * UALink 200G 1.0 (one 640 B flit = one RS(544,514) codeword = 680 B on the wire); UEC LLR (SAI proposal, UEC Management WG,
 * November 2025): go-back-N with cumulative acknowledgements in control ordered sets. */
#ifndef WEFT_LINK_RETRY_H
#define WEFT_LINK_RETRY_H

#include <stdint.h>

enum retry_protocol { RETRY_NONE, RETRY_UALINK, RETRY_UEC, RETRY_NVLINK, RETRY_N };
extern const char *const retry_names[RETRY_N]; /* "none", "ualink", "uec-llr", "nvlink" */

struct retry_parameters {
	uint32_t unit_bytes;     /* what is sent again: flit or codeword, on the wire before FEC parity */
	uint32_t payload_bytes;  /* of it */
	uint32_t wire_bytes;     /* with FEC parity */
	uint32_t window_units;   /* most unacknowledged units; 0: no limit but memory */
	uint32_t replay_limit;   /* replays of one unit after which the link is declared down */
	double timeout_ns;       /* when an acknowledgement never comes */
};
const struct retry_parameters *retry_parameters(enum retry_protocol protocol);

/* There and back: 2·(propagation + FEC and PHY) + processing, ns. */
double retry_round_trip_ns(double propagation_ns, double fec_and_phy_ns, double processing_ns);
/* W = ceil(round trip / unit time). */
double retry_window_units(double round_trip_ns, double unit_ns);
/* Fraction of the rate left, go-back-N: (1 − p)/(1 + p·(W − 1)). */
double retry_go_back_n_efficiency(double unit_error_ratio, double window_units);
/* p/(1 − p)·round trip, ns per unit. */
double retry_mean_delay_ns(double unit_error_ratio, double round_trip_ns);
/* Length of cable beyond which a window of `units` throttles the link, metres. */
double retry_window_reach_m(double window_ns, double ns_per_m, double fec_and_phy_ns, double processing_ns);

/* Codewords that a ring all-reduce of `bytes` over n chips sends in all: 2·(n − 1)·bytes/unit. */
double ring_allreduce_codewords(double bytes, double n_chips, double unit_bytes);
double expected_replays(double n_codewords, double codeword_error_ratio);
/* P(at least one replay) = 1 − exp(−n·CER). */
double probability_delayed(double n_codewords, double codeword_error_ratio);
/* Without retry: mean time between lost codewords on n links in one direction, seconds. */
double time_between_lost_codewords_s(double codewords_per_s, double codeword_error_ratio, double n_links);

#endif
