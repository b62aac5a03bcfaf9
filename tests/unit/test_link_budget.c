/* Optical budget to bit error ratio: every anchor and test vector, with its tolerance. */
#include "near.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "link/budget.h"

/* The receiver of vectors B8 to B24: R 0.8 A/W, 18 pA/√Hz, half of 53.125 GBd. */
static struct optical_receiver receiver(double rin_db_per_hz)
{
	return (struct optical_receiver){0.8, 18e-12, 0.5 * 53.125e9, rin_db_per_hz, -INFINITY};
}
static struct optical_signal signal_of(double penalty_db, enum thresholds thresholds)
{
	return (struct optical_signal){MODULATION_PAM4, thresholds, 5, penalty_db};
}

static void pam4_and_nrz_ber_follow_q(void **state)
{
	static const double pam4[][2] = {{2, 1.706260e-2}, {2.5, 4.657249e-3}, {3, 1.012424e-3}, {3.414071, 2.399996e-4},
		{3.5, 1.744718e-4}, {4, 2.375343e-5}, {4.5, 2.548255e-6}, {5, 2.149887e-7}, {6, 7.399407e-10}, {7, 9.598594e-13}};
	static const double nrz[][2] = {{2.5, 6.209665e-3}, {3, 1.349898e-3}, {4, 3.167124e-5}, {5, 2.866516e-7}, {7, 1.279813e-12}};
	(void)state;
	for (size_t i = 0; i < sizeof pam4 / sizeof pam4[0]; i++)
		assert_close(ber_from_q(MODULATION_PAM4, pam4[i][0]), pam4[i][1], 1e-6);
	for (size_t i = 0; i < sizeof nrz / sizeof nrz[0]; i++)
		assert_close(ber_from_q(MODULATION_NRZ, nrz[i][0]), nrz[i][1], 1e-6);
}

static void q_is_the_inverse_of_ber(void **state)
{
	static const double rows[][3] = {{2.4e-4, 3.414071, 3.491676}, {2.28e-4, 3.428020, 3.505354}, {4.85e-3, 2.485600, 2.586344},
		{1e-5, 4.200211, 4.264891}, {1e-6, 4.694954, 4.753424}, {1e-12, 6.994258, 7.034484}};
	struct error err = {0};
	double pam4, nrz;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(q_from_ber(MODULATION_PAM4, rows[i][0], &pam4, &err), 0);
		assert_int_equal(q_from_ber(MODULATION_NRZ, rows[i][0], &nrz, &err), 0);
		assert_close(pam4, rows[i][1], 1e-6);
		assert_close(nrz, rows[i][2], 1e-6);
	}
	/* OMA gap: PAM4 needs 6q where NRZ needs 2Q. */
	q_from_ber(MODULATION_PAM4, 2.4e-4, &pam4, &err);
	q_from_ber(MODULATION_NRZ, 2.4e-4, &nrz, &err);
	assert_near(10 * log10(3 * pam4 / nrz), 4.6736, 1e-4);
	assert_int_equal(q_from_ber(MODULATION_PAM4, 0.4, &pam4, &err), -1);
	assert_non_null(strstr(err.message, "expected 0 < BER < 0.375"));
}

static void monte_carlo_of_pam4_symbols_agrees(void **state)
{
	struct random_stream stream = random_stream(7, "test.pam4", 0);
	static const unsigned gray[4] = {0, 1, 3, 2};
	gsl_rng rng = random_gsl(&stream);
	uint64_t n = 2000000, errors = 0;
	(void)state;
	for (uint64_t i = 0; i < n; i++) {
		int sent = (int)random_below(&stream, 4);
		double seen = 2 * sent + gsl_ran_gaussian(&rng, 1 / 2.5); /* levels 2 apart, thresholds 1 away: q = 2.5 */
		int got = (int)floor((seen + 1) / 2);
		got = got < 0 ? 0 : got > 3 ? 3 : got;
		errors += (uint64_t)__builtin_popcount(gray[sent] ^ gray[got]);
	}
	assert_close((double)errors / (2.0 * (double)n), ber_from_q(MODULATION_PAM4, 2.5), 0.022);
}

static void thermal_noise_alone_needs_six_q_sigma(void **state)
{
	struct optical_receiver rx = {0.8, 18e-12, 0.5 * 53.125e9, -INFINITY, -INFINITY};
	struct error err = {0};
	double q;
	(void)state;
	q_from_ber(MODULATION_PAM4, 2.4e-4, &q, &err);
	assert_near(dbm_from_watts(6 * q * receiver_noise_a(&rx, 0, 0) / rx.responsivity_a_per_w), -11.2426, 1e-4);
}

static void losses_levels_and_noise(void **state)
{
	struct optical_losses losses = {.fibre_km = 0.1, .fibre_db_per_km = 0.35, .n_connectors = 4, .connector_db = 0.35, .switch_db = 2};
	static const double want[4] = {2.246925e-4, 3.866417e-4, 5.485908e-4, 7.105400e-4};
	static const double sigma[4] = {3.584737e-6, 4.390385e-6, 5.340462e-6, 6.370675e-6};
	struct optical_receiver rx = receiver(-145);
	struct optical_signal signal = signal_of(2.7, THRESHOLDS_MID);
	double levels[4], oma = watts_from_dbm(-3.135);
	(void)state;
	assert_near(optical_loss_db(&losses), 3.435, 1e-9);
	assert_near(0.3 - optical_loss_db(&losses), -3.135, 1e-9);
	optical_levels(oma, 5, levels);
	for (int i = 0; i < 4; i++) {
		assert_close(levels[i], want[i], 1e-6);
		assert_close(receiver_noise_a(&rx, levels[i], oma), sigma[i], 1e-6);
	}
	assert_close(levels[3] - levels[0], oma, 1e-12);
	assert_close(eye_half_a(&signal, &rx, oma), 3.478874e-5, 1e-5);
}

static void ber_with_level_dependent_noise(void **state)
{
	static const double rows[][3] = {{-3.135, 2.97223e-9, 3.53920e-10}, {-5.835, 1.38794e-6, 8.45305e-7}, {-0.435, 5.53855e-11, 1.25156e-12}};
	struct optical_receiver rx = receiver(-145);
	struct optical_signal mid = signal_of(2.7, THRESHOLDS_MID), best = signal_of(2.7, THRESHOLDS_OPTIMUM);
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_close(optical_ber(&mid, &rx, rows[i][0]), rows[i][1], 1e-5);
		assert_close(optical_ber(&best, &rx, rows[i][0]), rows[i][2], 1e-5);
	}
}

static void sensitivity_and_margin(void **state)
{
	struct optical_receiver rx = receiver(-145);
	struct optical_signal signal = signal_of(2.7, THRESHOLDS_MID), open = signal_of(0, THRESHOLDS_MID);
	struct error err = {0};
	double dbm;
	(void)state;
	assert_int_equal(optical_sensitivity_dbm(&open, &rx, 2.4e-4, &dbm, &err), 0);
	assert_near(dbm, -11.0279, 1e-4);
	assert_int_equal(optical_sensitivity_dbm(&signal, &rx, 2.4e-4, &dbm, &err), 0);
	assert_near(dbm, -7.9368, 1e-4);
	assert_near(-3.135 - dbm, 4.80, 5e-3);
	rx = receiver(-136); /* the floor is 1.4e-3: no power helps */
	assert_int_equal(optical_sensitivity_dbm(&signal, &rx, 2.4e-4, &dbm, &err), -1);
	assert_non_null(strstr(err.message, "noise floor is"));
}

static void ber_against_received_power(void **state)
{
	static const double clean[8] = {4.13197e-10, 2.29743e-9, 1.76901e-8, 1.77031e-7, 2.10351e-6, 2.62155e-5, 2.75639e-4, 1.93048e-3};
	static const double noisy[8] = {2.68906e-4, 3.09843e-4, 3.80134e-4, 5.08965e-4, 7.65883e-4, 1.33403e-3, 2.73046e-3, 6.33191e-3};
	struct optical_receiver a = receiver(-145), b = receiver(-138);
	struct optical_signal signal = signal_of(2.7, THRESHOLDS_MID);
	(void)state;
	for (int i = 0; i < 8; i++) {
		assert_close(optical_ber(&signal, &a, -2 - i), clean[i], 1e-5);
		assert_close(optical_ber(&signal, &b, -2 - i), noisy[i], 1e-5);
	}
}

static void intensity_noise_sets_a_floor(void **state)
{
	static const double rows[][2] = {{-136, 1.4436e-3}, {-138, 2.1056e-4}, {-140, 1.3445e-5}, {-142, 2.3101e-7}, {-145, 9.3347e-12}};
	struct optical_signal signal = signal_of(2.7, THRESHOLDS_MID);
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct optical_receiver rx = receiver(rows[i][0]);
		rx.noise_current_a_per_sqrt_hz = 0;
		assert_close(optical_ber(&signal, &rx, 0), rows[i][1], 1e-4);
		assert_true(optical_ber_floor(&signal, &rx) < rows[i][1]); /* shot noise gone as well */
	}
}

static void rin_oma_is_one_noise_for_all_levels(void **state)
{
	struct optical_receiver rx = {0.8, 0, 26.5625e9, -INFINITY, -138};
	double oma = watts_from_dbm(0), half = 0.8 * oma / 2;
	(void)state;
	assert_close(receiver_noise_a(&rx, 0, oma), half * sqrt(pow(10, -13.8) * 26.5625e9), 1e-12);
	rx.rin_db_per_hz = -138; /* both fields add up as powers */
	assert_true(receiver_noise_a(&rx, oma, oma) > receiver_noise_a(&rx, 0, oma));
}

static void compliance_presets_close(void **state)
{
	static const double dr4[][2] = {{1.4, -0.8}, {2.5, 0.3}, {3.4, 1.2}}, oci[][2] = {{1.4, -5.5}, {2.0, -4.9}, {3.4, -3.5}};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_near(compliance_launch_dbm(&compliance_dr4, dr4[i][0]), dr4[i][1], 1e-9);
		assert_near(compliance_margin_db(&compliance_dr4, dr4[i][0]), 0.10, 1e-9);
		assert_near(compliance_launch_dbm(&compliance_oci_gen1, oci[i][0]), oci[i][1], 1e-9);
		assert_near(compliance_margin_db(&compliance_oci_gen1, oci[i][0]), 0, 1e-9);
	}
	assert_true(compliance_margin_db(&compliance_fr4, 2.5) > 0);
	/* A 2 dB circuit switch takes 2 of the 3 dB that DR4 may lose. */
	assert_true(compliance_dr4.channel_loss_db - 2.0 == 1.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pam4_and_nrz_ber_follow_q),
		cmocka_unit_test(q_is_the_inverse_of_ber),
		cmocka_unit_test(monte_carlo_of_pam4_symbols_agrees),
		cmocka_unit_test(thermal_noise_alone_needs_six_q_sigma),
		cmocka_unit_test(losses_levels_and_noise),
		cmocka_unit_test(ber_with_level_dependent_noise),
		cmocka_unit_test(sensitivity_and_margin),
		cmocka_unit_test(ber_against_received_power),
		cmocka_unit_test(intensity_noise_sets_a_floor),
		cmocka_unit_test(rin_oma_is_one_noise_for_all_levels),
		cmocka_unit_test(compliance_presets_close),
	};
	gsl_set_error_handler_off();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
