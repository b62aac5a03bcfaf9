/* Propagation, circuit switches, wavelengths, sleep, failures, energy and money. */
#include "near.h"

#include <gsl/gsl_errno.h>

#include "base/error.h"
#include "base/random.h"
#include "link/failure.h"
#include "link/latency.h"
#include "link/account.h"
#include "link/power.h"
#include "link/sleep.h"

static void propagation_and_hops(void **state)
{
	struct hop_latency sue = {.propagation_ns = 2 * 13.8, .fec_ns = 200, .switch_ns = 250};
	struct hop_latency optical = {30 * 1.468 / 0.299792458, 3, 62.6, 250, unit_time_ns(680, 850e9)};
	(void)state;
	assert_close(propagation_index_ns_per_m(FIBRE_GROUP_INDEX), 4.896721, 1e-6);
	assert_close(propagation_index_ns_per_m(HOLLOW_CORE_INDEX), 3.336642, 1e-6);
	assert_close(propagation_velocity_ns_per_m(0.66), 5.054001, 1e-6);
	assert_close(propagation_velocity_ns_per_m(0.72), 4.632835, 1e-6);
	assert_close(propagation_velocity_ns_per_m(0.78), 4.276463, 1e-6);
	assert_near(hop_latency_ns(&sue), 477.6, 1e-9);
	assert_near(hop_latency_ns(&optical), 471.90, 0.01);
	assert_near(unit_time_ns(680, 850e9), 6.4, 1e-12);
}

static void circuits_and_wavelengths(void **state)
{
	static const double rows[][2] = {{10e-9, 1e3}, {10e-6, 1e6}, {1e-3, 100e6}, {25e-3, 2.5e9}, {100e-3, 10e9}};
	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_close(circuit_break_even_bytes(rows[i][0], 50e9, 100e9), rows[i][1], 1e-9);
	assert_near(slot_duty(200e-6, 20e-6), 0.90, 1e-12);
	assert_near(slot_duty(100e-9, 10e-9), 0.90, 1e-12);
	assert_near(slot_duty(100e-9, 3.84e-9), 0.9616, 1e-12);
	assert_near(slot_duty(1, 10e-3), 0.99, 1e-12);
	assert_int_equal(ring_all_to_all_wavelengths(4), 2);
	assert_int_equal(ring_all_to_all_wavelengths(8), 8);
	assert_int_equal(ring_all_to_all_wavelengths(16), 32);
	assert_int_equal(ring_all_to_all_wavelengths(32), 128);
	assert_near(reconfiguration_s(1e-3, 10e-3, 5.5e-3, 0), 16.5e-3, 1e-15);
}

static void heaters_lasers_and_sleep(void **state)
{
	static const double rows[][2] = {{5e-6, 5.556e-6}, {250e-6, 277.8e-6}, {5e-3, 5.556e-3}, {0.5, 0.5556}};
	double heater = heater_w_per_hz(10e9, 1e5), ring = ring_heater_w(0.060, 60, 0.5e-3);
	(void)state;
	assert_close(heater * 1e9, 1e-6, 1e-3);
	assert_close(heater_w_per_nm(heater, 1310), 0.1747e-3, 1e-3);
	assert_close(ring, 1.8e-3, 1e-4);
	assert_close(energy_per_bit_pj(ring, 53.125e9), 0.033882, 1e-4);
	assert_close(energy_per_bit_pj(ring, 106.25e9), 0.016941, 1e-4);
	assert_close(laser_power_w(0, 6, 0.2), 19.9054e-3, 1e-5);
	assert_close(energy_per_bit_pj(laser_power_w(0, 6, 0.2), 53.125e9), 0.374689, 1e-5);
	for (size_t i = 0; i < 4; i++)
		assert_close(sleep_break_even_s(10, 1, rows[i][0]), rows[i][1], 1e-3);
}

/* Vector O7 through a kind: 10 W awake, 1 W asleep. */
static void resting_links_pay_after_the_break_even(void **state)
{
	static const struct { const char *wake; double break_even_s; } rows[] = {
		{"5 us", 5.556e-6}, {"250 us", 277.8e-6}, {"5 ms", 5.556e-3}, {"0.5 s", 0.5556}};
	struct link_kind kind;
	struct link_chain chain = {.total_w = 10, .static_w = 10};
	struct link_rest rest;
	struct error err = {0};
	(void)state;
	link_kind_init(&kind, "ten");
	assert_int_equal(link_kind_set(&kind, "modules", "2", 'U', NULL, &err), 0);
	assert_int_equal(link_rest(&kind, &chain, REST_SLEEP, 0, &rest, &err), -1);
	assert_string_equal(err.message, "link kind 'ten' has no 'wake_time', which 'sleep' needs");
	assert_int_equal(link_kind_set(&kind, "sleep_power", "0.5 W", 'U', NULL, NULL) + link_kind_set(&kind, "serdes_share", "0", 'U', NULL, NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(link_kind_set(&kind, "wake_time", rows[i].wake, 'U', NULL, NULL), 0);
		assert_int_equal(link_rest(&kind, &chain, REST_SLEEP, 0, &rest, NULL), 0);
		assert_close(rest.share, 0.1, 1e-12);
		assert_close(rest.break_even_s, rows[i].break_even_s, 1e-3);
	}
	assert_int_equal(link_kind_set(&kind, "lanes", "4", 'U', NULL, NULL) + link_kind_set(&kind, "lane_share", "0.8", 'U', NULL, NULL) +
			 link_kind_set(&kind, "fold_time", "10 us", 'U', NULL, NULL), 0);
	assert_int_equal(link_rest(&kind, &chain, REST_FOLD, 1, &rest, NULL), 0);
	assert_close(rest.share, 0.4, 1e-12);
	assert_int_equal(link_rest(&kind, &chain, REST_FOLD, 4, &rest, NULL), -1);
	chain.static_w = 0.5; /* the rest of it goes with the traffic: asleep it draws no more than awake */
	assert_int_equal(link_rest(&kind, &chain, REST_SLEEP, 0, &rest, NULL), 0);
	assert_close(rest.share, 1, 1e-12);
	assert_true(isinf(rest.break_even_s));
}

/* A meter that reads at any times gives the same energy as adding up microwatts × picoseconds one stretch at a time. */
static void meters_follow_changing_power(void **state)
{
	struct random_stream stream = random_stream(5, "meter", 0);
	struct link_figures figures = {0};
	enum { LINKS = 7, CHANGES = 500 };
	__extension__ typedef unsigned __int128 wide;
	wide carried[LINKS] = {0};
	int64_t at[LINKS] = {0}, uw[LINKS], end = 0;
	(void)state;
	link_figures_init(&figures, LINKS);
	for (uint32_t link = 0; link < LINKS; link++)
		uw[link] = figures.static_uw[link] = 1000003 + link;
	for (uint32_t i = 0; i < CHANGES; i++) {
		uint32_t link = (uint32_t)random_below(&stream, LINKS - 1); /* the last one never changes */
		end += (int64_t)random_below(&stream, 1000000007);
		carried[link] += (wide)uw[link] * (wide)(end - at[link]);
		at[link] = end;
		uw[link] = (int64_t)random_below(&stream, 30000001);
		link_figures_power(&figures, link, end, uw[link]);
	}
	end += 999999937;
	link_figures_settle(&figures);
	for (uint32_t link = 0; link < LINKS; link++) {
		struct link_meter meter = link_meter_start(&figures, link);
		int64_t expected = (int64_t)((carried[link] + (wide)uw[link] * (wide)(end - at[link])) / 1000000), sum = 0, before = 0;
		assert_int_equal(link_energy_pj(&figures, link, end, 0), expected);
		for (int64_t bin = 1; bin <= 64; bin++) {
			int64_t now = link_meter_pj(&meter, end / 64 * bin + (bin == 64 ? end % 64 : 0), 0);
			assert_true(now >= before);
			sum += now - before;
			before = now;
		}
		assert_int_equal(sum, expected);
	}
	link_figures_release(&figures);
}

static void failure_rates(void **state)
{
	static const double fleets[][3] = {{6.3e-3, 43.546, 201.2}, {2e-3, 13.824, 633.7}, {1e-2, 69.12, 126.7}};
	static const double uptime[][2] = {{0.5, 0.997521}, {4, 0.980504}, {24, 0.893413}};
	double mean, sigma;
	(void)state;
	assert_close(fit_from_afr(6.3e-3), 719.2, 1e-3);
	assert_close(afr_from_monthly(0.057e-2), 6.84e-3, 1e-3);
	assert_close(fit_from_afr(6.84e-3), 780.8, 1e-3);
	for (size_t i = 0; i < 3; i++) {
		assert_close(fleet_failures_per_year(6912, fleets[i][0]), fleets[i][1], 1e-3);
		assert_close(fleet_mtbf_hours(6912, fleets[i][0]), fleets[i][2], 1e-3);
	}
	assert_close(fleet_failures_per_year(6912, afr_from_mttf_hours(6e5)), 100.9, 1e-3);
	assert_close(fleet_mtbf_hours(6912, afr_from_mttf_hours(6e5)), 86.8, 1e-3);
	assert_close(fleet_mtbf_hours(3456, afr_from_mttf_hours(3e5)), 86.8, 1e-3);
	assert_close(fleet_failures_per_year(6912, afr_from_mttf_hours(2.6e6)), 23.29, 1e-3);
	assert_near(fleet_mtbf_hours(6912, afr_from_mttf_hours(2.6e6)) / 24, 15.7, 0.05); /* printed with one decimal */
	assert_close(fleet_failures_per_year(5184, afr_from_fit(10)), 0.454, 1e-3);
	for (size_t i = 0; i < 3; i++)
		assert_close(availability(fleet_mtbf_hours(6912, 6.3e-3), uptime[i][0]), uptime[i][1], 1e-5);
	assert_near(fleet_mtbf_hours(1e5, afr_from_mttf_hours(3e5)), 3.0, 1e-9);
	assert_near(3e5 * 3600 / 48, 2.25e7, 1);
	assert_near(fleet_mtbf_hours(1e7, afr_from_mttf_hours(3e5)) * 3600, 108, 1e-9);
	assert_close(54 * 24.0 / 419, 3.0931, 1e-4);
	assert_close(54 * 24.0 / 35, 37.029, 1e-4);
	assert_close(419 / 54.0 / 16384, 4.736e-4, 1e-4);
	log10_normal_fit(1.1e-11, 5e-10, &mean, &sigma);
	assert_close(mean, -10.9586, 1e-4);
	assert_close(sigma, 0.7125, 1e-4);
	log10_normal_fit(1.4e-11, 3e-8, &mean, &sigma);
	assert_close(mean, -10.8539, 1e-4);
	assert_close(sigma, 1.4319, 1e-4);
}

static void drawn_times_have_the_mean_they_claim(void **state)
{
	static const double shapes[] = {0.7, 1, 2.5};
	(void)state;
	for (size_t s = 0; s < 3; s++) {
		struct random_stream stream = random_stream(3, "test.failure", s);
		double sum = 0;
		for (int i = 0; i < 100000; i++)
			sum += draw_remaining_life(&stream, 3e5, shapes[s], 0);
		assert_close(sum / 100000, 3e5, 0.02);
	}
}

static void energy_and_money(void **state)
{
	static const double modules[][4] = {{4, 27.648e3, 0.049, 10}, {8, 55.296e3, 0.099, 20}, {12, 82.944e3, 0.148, 30}};
	double year384 = energy_kwh(559e3, 1.2, HOURS_PER_YEAR), year72 = energy_kwh(145e3, 1.2, HOURS_PER_YEAR);
	double bits = ring_allreduce_bits(1073741824.0, 384);
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_close(6912 * modules[i][0], modules[i][1], 1e-3);
		assert_near(6912 * modules[i][0] / 559e3, modules[i][2], 6e-4);
		assert_close(energy_per_bit_pj(modules[i][0], 400e9), modules[i][3], 1e-3);
	}
	assert_close(energy_per_bit_pj(20e3, 72 * 7.2e12 * 2), 19.290, 1e-4);
	assert_close(year384, 5876.2e3, 1e-5);
	assert_close(year384 * 0.056, 329068, 1e-5);
	assert_close(year384 * 0.091, 534735, 1e-5);
	assert_near(year72 / 1000, 1524.2, 0.05); /* printed with one decimal */
	assert_close(year72 * 0.091, 138706, 1e-5);
	assert_close(year72 * 0.056, 85357, 1e-5);
	assert_close(year384 * 0.056 / 300, 1096.9, 1e-4);
	assert_close(year384 * 0.091 / 300, 1782.4, 1e-4);
	assert_close(year72 * 0.091 / 180, 770.6, 1e-4);
	assert_close(year72 * 0.056 / 180, 474.2, 1e-4);
	assert_close(bits, 6.579890e12, 1e-4);
	assert_close(bits * 15e-12, 98.698, 1e-4);
	assert_close(bits * 6.4e-12, 42.111, 1e-4);
	assert_close(bits * 4e-12, 26.320, 1e-4);
	assert_true(chip_power_w(90, 192, 0.5) == 141);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(propagation_and_hops),
		cmocka_unit_test(circuits_and_wavelengths),
		cmocka_unit_test(heaters_lasers_and_sleep),
		cmocka_unit_test(resting_links_pay_after_the_break_even),
		cmocka_unit_test(meters_follow_changing_power),
		cmocka_unit_test(failure_rates),
		cmocka_unit_test(drawn_times_have_the_mean_they_claim),
		cmocka_unit_test(energy_and_money),
	};
	gsl_set_error_handler_off();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
