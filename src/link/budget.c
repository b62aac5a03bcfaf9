#include "link/budget.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "link/root.h"

const char *const modulation_names[MODULATION_N] = {"nrz", "pam4"};

double dbm_from_watts(double power_w) { return 10 * log10(power_w / 1e-3); }
double watts_from_dbm(double power_dbm) { return 1e-3 * pow(10, power_dbm / 10); }

double optical_loss_db(const struct optical_losses *l)
{
	return l->fibre_km * l->fibre_db_per_km + l->n_connectors * l->connector_db + l->switch_db + l->mux_db +
	       l->circulator_db + l->coupling_db + l->other_db;
}

void optical_levels(double oma_w, double extinction_ratio_db, double levels_w[4])
{
	double ratio = pow(10, extinction_ratio_db / 10);
	double zero = oma_w / (ratio - 1);
	for (int i = 0; i < 4; i++)
		levels_w[i] = zero + i * oma_w / 3;
}

double receiver_noise_a(const struct optical_receiver *rx, double level_w, double oma_w)
{
	double current = rx->responsivity_a_per_w * level_w;
	double half_swing = rx->responsivity_a_per_w * oma_w / 2;
	double density = rx->noise_current_a_per_sqrt_hz * rx->noise_current_a_per_sqrt_hz + 2 * ELEMENTARY_CHARGE_C * current +
			 pow(10, rx->rin_db_per_hz / 10) * current * current +
			 pow(10, rx->rin_oma_db_per_hz / 10) * half_swing * half_swing;
	return sqrt(density * rx->bandwidth_hz);
}

/* A Gray-coded PAM4 symbol error costs one of two bits; 3 of 4 levels' edges are crossed: 3/8 erfc(q/√2) = 3/4 Q(q). */
static double ber_at_zero_q(enum modulation modulation) { return modulation == MODULATION_PAM4 ? 0.75 : 1; }

double ber_from_q(enum modulation modulation, double q) { return ber_at_zero_q(modulation) * gsl_cdf_ugaussian_Q(q); }

int q_from_ber(enum modulation modulation, double ber, double *q, struct error *err)
{
	double tail = ber / ber_at_zero_q(modulation);
	if (!(tail > 0 && tail < 0.5))
		return error_set(err, ERROR_INPUT, "a bit error ratio of %g has no Q (expected 0 < BER < %g)", ber,
				 ber_at_zero_q(modulation) / 2);
	*q = gsl_cdf_ugaussian_Qinv(tail);
	return 0;
}

double eye_half_a(const struct optical_signal *signal, const struct optical_receiver *rx, double oma_w)
{
	double eyes = signal->modulation == MODULATION_PAM4 ? 6 : 2;
	return rx->responsivity_a_per_w * oma_w / eyes * pow(10, -signal->penalty_db / 10);
}

/* Error probability of one threshold between levels of noise a and b, both levels equally likely, times two. */
static double eye_errors(enum thresholds thresholds, double half_eye, double a, double b)
{
	if (thresholds == THRESHOLDS_OPTIMUM)
		return 2 * gsl_cdf_ugaussian_Q(2 * half_eye / (a + b));
	return gsl_cdf_ugaussian_Q(half_eye / a) + gsl_cdf_ugaussian_Q(half_eye / b);
}

double optical_ber(const struct optical_signal *signal, const struct optical_receiver *rx, double oma_dbm)
{
	double oma_w = watts_from_dbm(oma_dbm);
	double half_eye = eye_half_a(signal, rx, oma_w);
	double levels[4], noise[4], errors = 0;
	optical_levels(oma_w, signal->extinction_ratio_db, levels);
	for (int i = 0; i < 4; i++)
		noise[i] = receiver_noise_a(rx, levels[i], oma_w);
	if (signal->modulation == MODULATION_NRZ)
		return eye_errors(signal->thresholds, half_eye, noise[0], noise[3]) / 2;
	for (int i = 0; i < 3; i++)
		errors += eye_errors(signal->thresholds, half_eye, noise[i], noise[i + 1]);
	return errors / 8;
}

double optical_ber_floor(const struct optical_signal *signal, const struct optical_receiver *rx)
{
	struct optical_receiver ideal = *rx;
	ideal.noise_current_a_per_sqrt_hz = 0;
	return optical_ber(signal, &ideal, 60); /* 1 kW: the shot noise is 90 dB below the signal */
}

struct sensitivity_search {
	const struct optical_signal *signal;
	const struct optical_receiver *rx;
	double log_ber;
};
#define LOG_BER_ZERO (-320.0) /* stands for log10 of a BER below what a double holds */

static double sensitivity_excess(double oma_dbm, void *parameters)
{
	const struct sensitivity_search *search = parameters;
	double ber = optical_ber(search->signal, search->rx, oma_dbm);
	return (ber > 0 ? log10(ber) : LOG_BER_ZERO) - search->log_ber;
}

int optical_sensitivity_dbm(const struct optical_signal *signal, const struct optical_receiver *rx, double ber, double *oma_dbm,
			    struct error *err)
{
	struct sensitivity_search search = {signal, rx, log10(ber)};
	gsl_function function = {sensitivity_excess, &search};
	const double low = -60, high = 60;
	char what[64];
	if (!(ber > 0 && sensitivity_excess(high, &search) < 0 && sensitivity_excess(low, &search) > 0))
		return error_set(err, ERROR_INPUT, "no received power reaches a bit error ratio of %g: the noise floor is %.3g",
		                 ber, optical_ber_floor(signal, rx));
	snprintf(what, sizeof what, "the sensitivity at BER %g", ber);
	return root_find(&function, low, high, 1e-10, what, oma_dbm, err);
}

/* 400GBASE-DR4: IEEE Std 802.3bs clause 124. Receiver limit max(-3.9, SECQ − 5.3) dBm. */
const struct optical_compliance compliance_dr4 = {-0.8, -2.2, -3.9, 5.3, 3.0, 500};
/* 400G-FR4 (100G Lambda MSA): launch from the vendor's datasheet; the receiver limit max(−4.6, SECQ − 6.0) dBm is general
 * knowledge, to be verified against the MSA's text. */
const struct optical_compliance compliance_fr4 = {-0.3, -1.7, -4.6, 6.0, 4.0, 2000};
/* OCI Gen1: launch ≥ max(−5.5, −6.9 + TDEC), sensitivity ≤ max(−8.2, −9.6 + TDEC), 2.5 dB channel + 0.2 dB interference. */
const struct optical_compliance compliance_oci_gen1 = {-5.5, -6.9, -8.2, 9.6, 2.7, 500};

double compliance_launch_dbm(const struct optical_compliance *preset, double tdecq_db)
{
	return fmax(preset->tx_oma_min_dbm, preset->tx_oma_minus_tdecq_min_dbm + tdecq_db);
}

double compliance_margin_db(const struct optical_compliance *preset, double tdecq_db)
{
	return compliance_launch_dbm(preset, tdecq_db) - preset->channel_loss_db -
	       fmax(preset->rx_sensitivity_dbm, tdecq_db - preset->rx_secq_offset_db);
}
