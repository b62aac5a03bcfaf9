/* Forward error correction: from bit errors to codewords that cannot be corrected, to lost frames, and its latency.
 *
 * Reed-Solomon codes over 10-bit symbols: IEEE Std 802.3 clause 91 (RS(528,514), RS(544,514)); RS(272,258): 25G/50G Ethernet
 * Consortium, Low Latency Reed Solomon FEC Specification 1.0 (2018); concatenated inner Hamming(128,120): IEEE P802.3dj. Frame
 * loss: FLR = CER·(1 + X·MFC)/MFC, the form of IEEE Std 802.3bs and of the Ultra Ethernet specification 1.0.3 section 6.3. */
#ifndef WEFT_LINK_FEC_H
#define WEFT_LINK_FEC_H

#include <stdint.h>

struct error;

enum fec_code { FEC_NONE, FEC_RS528, FEC_RS544, FEC_RS272, FEC_RS544_INNER, FEC_N };
extern const char *const fec_names[FEC_N]; /* "none", "rs528", "rs544", "rs272", "rs544+hamming" */

struct fec_parameters {
	uint32_t n, k, t;             /* symbols of 10 bits; t correctable */
	uint32_t frames_per_codeword; /* MFC: 64-byte MAC frames that one codeword touches */
	double rate_overhead;         /* line rate / nominal rate of the lane, 64b/66b or 256b/257b included: RS544 1.0625 */
	double ber_limit;             /* pre-FEC BER that the code is specified for */
};
const struct fec_parameters *fec_parameters(enum fec_code code);
#define FEC_SYMBOL_BITS 10

/* Probability that a symbol of `bits` has an error when bits fail independently. */
double fec_symbol_error_ratio(double ber, double bits);
/* Uncorrectable-codeword ratio when symbols fail independently: P(more than t of n), gsl_cdf_binomial_Q. FEC_NONE has no
 * codeword: one that would be lost is a 64-byte frame with any error. */
double fec_codeword_error_ratio(enum fec_code code, double ber);
/* The same when errors come in bursts, as a decision-feedback equaliser makes them: every PAM4 symbol error is followed by
 * another with probability `propagation` (0: as above). Bursts start as a Poisson process at the rate that keeps the average
 * BER; a burst of l PAM4 symbols spoils ceil((offset + l)/5) RS symbols; the number spoilt in a codeword is compound Poisson
 * (Panjer's recursion). Within 1 % of the BER that Annex A of the low-latency specification gives at 0.75. */
double fec_codeword_error_ratio_bursts(enum fec_code code, double ber, double propagation);
double fec_frame_loss_ratio(enum fec_code code, double codeword_error_ratio, uint32_t interleaved);

/* BER at which the code has this CER, or this FLR. */
int fec_ber_for_codeword_errors(enum fec_code code, double codeword_error_ratio, double *ber, struct error *err);
int fec_ber_for_frame_loss(enum fec_code code, double frame_loss_ratio, uint32_t interleaved, double *ber, struct error *err);

/* Hamming(128,120) on the wire under RS(544,514). Hard decision: the bound Σ_{j=2..11} e(j)·P(j errors)/128, e(j) = j or j + 1
 * to even. Soft decision: a simulated table (Chase-2), log-log interpolation; outside of it the end slope goes on. Both give the
 * bit error ratio after the inner code. */
double inner_code_hard_ber(double ber);
double inner_code_soft_ber(double ber);
double inner_code_soft_symbol_error_ratio(double ber); /* of RS symbols, 12 per word in 12 codewords */

/* Time to fill a block of `interleaved` codewords at the line rate, in ns. */
double fec_block_fill_ns(enum fec_code code, uint32_t interleaved, double line_rate_bits_per_s);
/* Nominal Ethernet rate → codewords interleaved: 2 for 200G and 400G, 4 for 800G and 1.6T, else 1. */
uint32_t fec_interleaving(double nominal_bits_per_s);

#endif
