/* From launched light to bit errors: losses in dB, the four levels of PAM4 (or two of NRZ), receiver noise, bit error ratio,
 * sensitivity. Powers are OMA (outer optical modulation amplitude) unless named otherwise; dBm is referred to 1 mW.
 *
 * Formulas: IEEE Std 802.3 clauses 121 to 124 (OMA, extinction ratio, RIN_OMA, TDECQ); noise terms as in G. P. Agrawal,
 * Fiber-Optic Communication Systems, ch. 4. The inverse of the Gaussian tail and the root searches are GSL's. */
#ifndef WEFT_LINK_BUDGET_H
#define WEFT_LINK_BUDGET_H

#include <stdbool.h>

struct error;

#define ELEMENTARY_CHARGE_C 1.602176634e-19
#define SPEED_OF_LIGHT_M_PER_S 299792458.0

enum modulation { MODULATION_NRZ, MODULATION_PAM4, MODULATION_N };
extern const char *const modulation_names[MODULATION_N];

double dbm_from_watts(double power_w);
double watts_from_dbm(double power_dbm);

/* Everything that light loses between the transmitter and the receiver. */
struct optical_losses {
	double fibre_km, fibre_db_per_km;
	double n_connectors, connector_db;
	double switch_db, mux_db, circulator_db, coupling_db;
	double other_db; /* drawn terms: manufacturing, contamination, ageing, what a user adds to one connector */
};
double optical_loss_db(const struct optical_losses *losses);

/* Levels of outer amplitude `oma_w` at the (linear) extinction ratio; levels[0 … 3] for PAM4, [0] and [3] for NRZ. */
void optical_levels(double oma_w, double extinction_ratio_db, double levels_w[4]);

struct optical_receiver {
	double responsivity_a_per_w;
	double noise_current_a_per_sqrt_hz; /* thermal, of the transimpedance amplifier */
	double bandwidth_hz;
	/* Two separate figures: intrinsic RIN scales with each level's own power, RIN_OMA is one noise for all levels, referred to
	 * (R·OMA/2)². -INFINITY: none. */
	double rin_db_per_hz, rin_oma_db_per_hz;
};
/* sigma_i in amperes at a level of `level_w`: sqrt(thermal² + shot² + RIN² + RIN_OMA²). */
double receiver_noise_a(const struct optical_receiver *receiver, double level_w, double oma_w);

/* Closed forms with equal noise on all levels. PAM4, Gray coded: BER = 3/8 erfc(q/√2); NRZ: BER = 1/2 erfc(Q/√2). */
double ber_from_q(enum modulation modulation, double q);
/* The inverse; 0 < ber < BER at q = 0, else an error. */
int q_from_ber(enum modulation modulation, double ber, double *q, struct error *err);

enum thresholds { THRESHOLDS_MID, THRESHOLDS_OPTIMUM };
struct optical_signal {
	enum modulation modulation;
	enum thresholds thresholds;
	double extinction_ratio_db;
	double penalty_db; /* eye closure: TDECQ, multipath interference, crosstalk, dispersion. TDECQ enters here or in a
	                    * compliance check (launch OMA − TDECQ), never in both */
};
/* Half an eye opening in amperes: (R·OMA/6)·10^(-penalty/10) for PAM4, (R·OMA/2)·… for NRZ. */
double eye_half_a(const struct optical_signal *signal, const struct optical_receiver *receiver, double oma_w);
/* BER with level-dependent noise. */
double optical_ber(const struct optical_signal *signal, const struct optical_receiver *receiver, double oma_dbm);
/* Least received OMA that reaches `ber`. An error when no power does: the relative intensity noise sets a floor. */
int optical_sensitivity_dbm(const struct optical_signal *signal, const struct optical_receiver *receiver, double ber,
			    double *oma_dbm, struct error *err);
/* BER at any power: what remains when thermal and shot noise do not count. */
double optical_ber_floor(const struct optical_signal *signal, const struct optical_receiver *receiver);

/* A compliance preset: does the worst allowed transmitter reach the worst allowed receiver? Here TDECQ is in both limits and
 * no physics is computed. */
struct optical_compliance {
	double tx_oma_min_dbm, tx_oma_minus_tdecq_min_dbm; /* least launch = max(first, second + TDECQ) */
	double rx_sensitivity_dbm, rx_secq_offset_db;      /* receiver limit = max(first, SECQ − offset) */
	double channel_loss_db, reach_m;
};
extern const struct optical_compliance compliance_dr4, compliance_fr4, compliance_oci_gen1;
double compliance_launch_dbm(const struct optical_compliance *preset, double tdecq_db);
double compliance_margin_db(const struct optical_compliance *preset, double tdecq_db);

#endif
