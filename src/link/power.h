/* Watts, joules and dollars of links, and when it pays to change their state: sleeping lasers, moved circuits, ring heaters.
 *
 * Energy per bit is module watts over one-way bits at full duplex; a link has two modules. */
#ifndef WEFT_LINK_POWER_H
#define WEFT_LINK_POWER_H

#include <stdint.h>

#define HOURS_PER_YEAR 8760.0
#define JOULES_PER_KWH 3.6e6

double energy_per_bit_pj(double power_w, double one_way_bits_per_s);
/* A sleep pays when it is longer than P_active·t_wake/(P_active − P_sleep), seconds. */
double sleep_break_even_s(double active_w, double sleep_w, double wake_s);
/* Electrical power of a laser that launches `launch_dbm` through `loss_db`, at its wall-plug efficiency. */
double laser_power_w(double launch_dbm, double loss_db, double wall_plug_efficiency);
/* DSENT: heater watts per hertz of shift, from thermal tuning (Hz/K) and resistance (K/W). */
double heater_w_per_hz(double tuning_hz_per_k, double resistance_k_per_w);
/* Watts per nanometre at `wavelength_nm`. */
double heater_w_per_nm(double w_per_hz, double wavelength_nm);
double ring_heater_w(double shift_nm_per_k, double span_k, double w_per_nm);

/* Bytes per port beyond which moving a circuit from one rate to a higher one pays: delta/(1/b0 − 1/b1). */
double circuit_break_even_bytes(double delta_s, double bytes_per_s_before, double bytes_per_s_after);
double slot_duty(double slot_s, double guard_s);
/* Dark time of a moved circuit. */
double reconfiguration_s(double control_s, double switch_s, double relock_s, double deskew_s);
/* Wavelengths per direction for all-to-all on a bidirectional ring of n (even): ceil(n²/8). */
uint64_t ring_all_to_all_wavelengths(uint64_t n);

/* Chips between idle and maximum by utilisation. */
double chip_power_w(double idle_w, double maximum_w, double utilisation);
/* kWh and money of a constant load over `hours`. */
double energy_kwh(double power_w, double pue, double hours);
/* Energy of the bits a ring all-reduce sends, one link each: 2·(n − 1)·8·bytes·e; the per-bit part only. */
double ring_allreduce_bits(double bytes, double n_chips);

#endif
