#include "link/power.h"

#include <math.h>

#include "link/budget.h"

double energy_per_bit_pj(double power_w, double one_way_bits_per_s) { return power_w / one_way_bits_per_s * 1e12; }

double sleep_break_even_s(double active_w, double sleep_w, double wake_s) { return active_w * wake_s / (active_w - sleep_w); }

double laser_power_w(double launch_dbm, double loss_db, double wall_plug_efficiency)
{
	return watts_from_dbm(launch_dbm + loss_db) / wall_plug_efficiency;
}

double heater_w_per_hz(double tuning_hz_per_k, double resistance_k_per_w) { return 1 / (tuning_hz_per_k * resistance_k_per_w); }

double heater_w_per_nm(double w_per_hz, double wavelength_nm)
{
	double metres = wavelength_nm * 1e-9;
	return w_per_hz * SPEED_OF_LIGHT_M_PER_S / (metres * metres) * 1e-9;
}

double ring_heater_w(double shift_nm_per_k, double span_k, double w_per_nm) { return shift_nm_per_k * span_k * w_per_nm; }

double circuit_break_even_bytes(double delta_s, double before, double after) { return delta_s / (1 / before - 1 / after); }
double slot_duty(double slot_s, double guard_s) { return (slot_s - guard_s) / slot_s; }
double reconfiguration_s(double control_s, double switch_s, double relock_s, double deskew_s)
{
	return control_s + switch_s + relock_s + deskew_s;
}

uint64_t ring_all_to_all_wavelengths(uint64_t n) { return (n * n + 7) / 8; }

double chip_power_w(double idle_w, double maximum_w, double utilisation) { return idle_w + utilisation * (maximum_w - idle_w); }
double energy_kwh(double power_w, double pue, double hours) { return power_w * pue * hours / 1000; }
double ring_allreduce_bits(double bytes, double n_chips) { return 2 * (n_chips - 1) * bytes * 8; }
