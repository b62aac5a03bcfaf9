#include "base/units.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"

struct unit {
	const char *name;
	double factor; /* into the quantity's own unit */
};

#define END {NULL, 0}
static const struct unit time_units[] = {{"ps", 1}, {"ns", 1e3}, {"us", 1e6}, {"µs", 1e6}, {"μs", 1e6}, {"ms", 1e9}, {"s", 1e12},
	{"min", 60e12}, {"h", 3600e12}, {"d", 86400e12}, END};
static const struct unit byte_units[] = {{"B", 1}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"KiB", 1024.0},
	{"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TiB", 1099511627776.0}, {"PB", 1e15}, {"EB", 1e18}, {"PiB", 1125899906842624.0},
	{"EiB", 1152921504606846976.0}, END};
static const struct unit rate_units[] = {{"B/s", 1}, {"kB/s", 1e3}, {"MB/s", 1e6}, {"GB/s", 1e9}, {"TB/s", 1e12}, {"KiB/s", 1024.0},
	{"MiB/s", 1048576.0}, {"GiB/s", 1073741824.0}, {"TiB/s", 1099511627776.0}, {"b/s", 0.125}, {"kb/s", 0.125e3},
	{"Mb/s", 0.125e6}, {"Gb/s", 0.125e9}, {"Tb/s", 0.125e12}, {"bit/s", 0.125}, {"kbit/s", 0.125e3}, {"Mbit/s", 0.125e6},
	{"Gbit/s", 0.125e9}, {"Tbit/s", 0.125e12}, END};
static const struct unit length_units[] = {{"mm", 1e-3}, {"cm", 1e-2}, {"m", 1}, {"km", 1e3}, END};
static const struct unit power_units[] = {{"uW", 1e-6}, {"mW", 1e-3}, {"W", 1}, {"kW", 1e3}, {"MW", 1e6}, END};
static const struct unit optical_units[] = {{"dBm", 1}, {"uW", 1e-3}, {"mW", 1}, {"W", 1e3}, END}; /* linear ones in mW */
static const struct unit loss_units[] = {{"dB", 1}, END};
static const struct unit loss_length_units[] = {{"dB/km", 1}, {"dB/m", 1e3}, {"dB/cm", 1e5}, END};
static const struct unit energy_units[] = {{"pJ", 1e-12}, {"nJ", 1e-9}, {"uJ", 1e-6}, {"mJ", 1e-3}, {"J", 1}, {"kJ", 1e3}, {"MJ", 1e6},
	{"Wh", 3600}, {"kWh", 3.6e6}, {"MWh", 3.6e9}, END};
static const struct unit bit_energy_units[] = {{"pJ/b", 1}, {"pJ/bit", 1}, {"fJ/b", 1e-3}, {"fJ/bit", 1e-3}, END};
static const struct unit money_units[] = {{"$", 1}, {"USD", 1}, {"k$", 1e3}, {"M$", 1e6}, END};
static const struct unit money_energy_units[] = {{"$/kWh", 1}, {"USD/kWh", 1}, {"cent/kWh", 0.01}, END};
static const struct unit frequency_units[] = {{"Hz", 1}, {"kHz", 1e3}, {"MHz", 1e6}, {"GHz", 1e9}, {"THz", 1e12},
	{"Bd", 1}, {"MBd", 1e6}, {"GBd", 1e9}, END};
static const struct unit ratio_units[] = {{"%", 0.01}, {"", 1}, END};
static const struct unit fit_units[] = {{"FIT", 1}, {"%/year", 1e9 / 8760 / 100}, END};
static const struct unit flops_units[] = {{"FLOP/s", 1}, {"GFLOP/s", 1e9}, {"TFLOP/s", 1e12}, {"PFLOP/s", 1e15}, {"TF", 1e12}, {"PF", 1e15}, END};
static const struct unit temperature_units[] = {{"degC", 1}, {"°C", 1}, {"K", 1}, END};
static const struct unit responsivity_units[] = {{"A/W", 1}, END};
static const struct unit noise_current_units[] = {{"pA/sqrt(Hz)", 1e-12}, {"pA/rtHz", 1e-12}, {"pA/√Hz", 1e-12}, END};
static const struct unit noise_density_units[] = {{"dB/Hz", 1}, END};
static const struct unit no_units[] = {{"", 1}, END};

static const struct {
	const char *expected;
	const struct unit *units;
	bool not_negative;
} quantities[QUANTITY_N] = {
	[QUANTITY_NUMBER] = {"a number such as '1.5'", no_units, false},
	[QUANTITY_COUNT] = {"a whole number such as '8'", no_units, true},
	[QUANTITY_BYTES] = {"a size such as '1 GiB' or '4096 B'", byte_units, true},
	[QUANTITY_TIME] = {"a time such as '500 ns' or '2 ms'", time_units, true},
	[QUANTITY_RATE] = {"a bandwidth such as '400 Gb/s' or '50 GB/s'", rate_units, true},
	[QUANTITY_LENGTH] = {"a length such as '3 m' or '2 km'", length_units, false},
	[QUANTITY_POWER] = {"a power such as '8 W'", power_units, false},
	[QUANTITY_OPTICAL] = {"an optical power such as '-2 dBm' or '1 mW'", optical_units, false},
	[QUANTITY_LOSS] = {"a loss such as '0.5 dB'", loss_units, false},
	[QUANTITY_LOSS_PER_LENGTH] = {"a loss per length such as '0.35 dB/km'", loss_length_units, false},
	[QUANTITY_ENERGY] = {"an energy such as '5 pJ' or '3 kWh'", energy_units, false},
	[QUANTITY_ENERGY_PER_BIT] = {"an energy per bit such as '5 pJ/b'", bit_energy_units, false},
	[QUANTITY_MONEY] = {"an amount such as '25 $'", money_units, false},
	[QUANTITY_MONEY_PER_ENERGY] = {"a price such as '0.091 $/kWh'", money_energy_units, false},
	[QUANTITY_FREQUENCY] = {"a frequency such as '100 GHz'", frequency_units, false},
	[QUANTITY_RATIO] = {"a ratio such as '5 %' or '0.05'", ratio_units, false},
	[QUANTITY_FIT] = {"a failure rate such as '200 FIT' or '1.5 %/year'", fit_units, false},
	[QUANTITY_FLOPS] = {"a compute rate such as '312 TFLOP/s'", flops_units, false},
	[QUANTITY_RESPONSIVITY] = {"a responsivity such as '0.8 A/W'", responsivity_units, false},
	[QUANTITY_NOISE_CURRENT] = {"a noise current such as '18 pA/sqrt(Hz)'", noise_current_units, false},
	[QUANTITY_NOISE_DENSITY] = {"a relative noise such as '-145 dB/Hz'", noise_density_units, false},
	[QUANTITY_TEMPERATURE] = {"a temperature such as '70 degC'", temperature_units, false},
};

const char *units_expected(enum quantity quantity) { return quantities[quantity].expected; }

/* Splits "400 Gb/s" into its number and its unit, which may not be known yet. */
static int split(const char *text, enum quantity quantity, long double *number, const char **unit, size_t *unit_length,
		 struct error *err)
{
	const char *expected = quantities[quantity].expected;
	char *end;
	const char *p = text, *stop;
	while (isspace((unsigned char)*p))
		p++;
	bool dollar = quantity == QUANTITY_MONEY && *p == '$';
	p += dollar;
	if (!(isdigit((unsigned char)*p) || *p == '.' || ((*p == '-' || *p == '+') && (isdigit((unsigned char)p[1]) || p[1] == '.'))))
		return error_set(err, ERROR_INPUT, "'%s' is not a number with a unit (expected %s)", text, expected);
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		return error_set(err, ERROR_INPUT, "'%s' is hexadecimal (expected %s)", text, expected);
	errno = 0;
	*number = strtold(p, &end);
	if (errno == ERANGE || !isfinite((double)*number))
		return error_set(err, ERROR_INPUT, "'%s' is out of range (expected %s)", text, expected);
	p = end;
	while (isspace((unsigned char)*p))
		p++;
	stop = p + strlen(p);
	while (stop > p && isspace((unsigned char)stop[-1]))
		stop--;
	*unit = dollar ? "$" : p;
	*unit_length = dollar ? 1 : (size_t)(stop - p);
	if (dollar && stop != p)
		return error_set(err, ERROR_INPUT, "'%s' has something after the amount (expected %s)", text, expected);
	return 0;
}

static int parse(const char *text, enum quantity quantity, long double *value, const char **unit_out, struct error *err)
{
	const char *unit;
	size_t length;
	const struct unit *u = quantities[quantity].units;
	if (split(text, quantity, value, &unit, &length, err))
		return -1;
	if (quantities[quantity].not_negative && *value < 0)
		return error_set(err, ERROR_INPUT, "'%s' is negative (expected %s)", text, quantities[quantity].expected);
	for (; u->name; u++)
		if (strlen(u->name) == length && !memcmp(u->name, unit, length)) {
			*value *= (long double)u->factor;
			*unit_out = u->name;
			return 0;
		}
	if (length == 0 && *value == 0 && quantity != QUANTITY_OPTICAL) { /* zero of anything is zero */
		*unit_out = "";
		return 0;
	}
	if (length == 0)
		return error_set(err, ERROR_INPUT, "'%s' has no unit (expected %s)", text, quantities[quantity].expected);
	return error_set(err, ERROR_INPUT, "'%s' has the unknown unit '%.*s' (expected %s)", text, (int)length, unit,
			 quantities[quantity].expected);
}

int units_parse(const char *text, enum quantity quantity, double *value, struct error *err)
{
	long double number;
	const char *unit;
	if (parse(text, quantity, &number, &unit, err))
		return -1;
	if (quantity == QUANTITY_COUNT && number != floorl(number))
		return error_set(err, ERROR_INPUT, "'%s' is not whole (expected %s)", text, quantities[quantity].expected);
	if (quantity == QUANTITY_OPTICAL && strcmp(unit, "dBm")) {
		if (number <= 0)
			return error_set(err, ERROR_INPUT, "'%s' is not above zero (expected %s)", text, quantities[quantity].expected);
		number = 10 * log10l(number);
	}
	if (quantity == QUANTITY_TEMPERATURE && !strcmp(unit, "K"))
		number -= 273.15L;
	*value = (double)number;
	return 0;
}

int units_parse_integer(const char *text, enum quantity quantity, int64_t *value, struct error *err)
{
	long double number;
	const char *unit;
	assert(quantity == QUANTITY_COUNT || quantity == QUANTITY_BYTES || quantity == QUANTITY_TIME || quantity == QUANTITY_RATE);
	if (parse(text, quantity, &number, &unit, err))
		return -1;
	if (quantity == QUANTITY_TIME || quantity == QUANTITY_RATE)
		number = roundl(number);
	else if (fabsl(number - roundl(number)) < 1e-9L * (number > 1 ? number : 1) && fabsl(number) < 1e15L)
		number = roundl(number); /* 1.1 kB is 1100 B although 1.1 has no exact binary form */
	if (number != floorl(number))
		return error_set(err, ERROR_INPUT, "'%s' is not %s (expected %s)", text,
				 quantity == QUANTITY_BYTES ? "a whole number of bytes" : "whole", quantities[quantity].expected);
	if (number >= 9223372036854775807.0L)
		return error_set(err, ERROR_INPUT, "'%s' is too large (expected %s)", text, quantities[quantity].expected);
	*value = (int64_t)number;
	return 0;
}

static const char *format_scaled(char *out, size_t size, double value, const char *const *names, const double *factors, size_t n)
{
	size_t i = 0;
	while (i + 1 < n && fabs(value) >= factors[i + 1] * 0.99995)
		i++;
	snprintf(out, size, "%.4g %s", value / factors[i], names[i]);
	return out;
}

const char *units_format_bytes(char *out, size_t size, int64_t bytes)
{
	static const char *const names[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	static const double factors[] = {1, 1e3, 1e6, 1e9, 1e12, 1e15, 1e18};
	static const char *const binary[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
	for (int i = 4; i >= 0; i--) {
		int64_t unit = INT64_C(1) << (10 * (i + 1));
		if (bytes >= unit && bytes % (unit / 2) == 0 && bytes / unit < 10000) {
			snprintf(out, size, "%.5g %s", (double)bytes / (double)unit, binary[i]);
			return out;
		}
	}
	return format_scaled(out, size, (double)bytes, names, factors, 7);
}

const char *units_format_time(char *out, size_t size, int64_t time_ps)
{
	static const char *const names[] = {"ps", "ns", "us", "ms", "s"};
	static const double factors[] = {1, 1e3, 1e6, 1e9, 1e12};
	if (time_ps == TIME_NEVER) {
		snprintf(out, size, "never");
		return out;
	}
	return format_scaled(out, size, (double)time_ps, names, factors, 5);
}

const char *units_format_rate(char *out, size_t size, double bytes_per_s)
{
	static const char *const names[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s"};
	static const double factors[] = {1, 1e3, 1e6, 1e9, 1e12, 1e15};
	return format_scaled(out, size, bytes_per_s, names, factors, 6);
}

const char *units_exact(char *out, size_t size, enum quantity quantity, int64_t value)
{
	static const struct {
		const char *name;
		int64_t factor;
	} bytes[] = {{"TiB", INT64_C(1) << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}},
	  times[] = {{"s", INT64_C(1000000000000)}, {"ms", 1000000000}, {"us", 1000000}, {"ns", 1000}, {"ps", 1}},
	  rates[] = {{"TB/s", INT64_C(1000000000000)}, {"GB/s", 1000000000}, {"MB/s", 1000000}, {"kB/s", 1000}, {"B/s", 1}};
	assert(quantity == QUANTITY_BYTES || quantity == QUANTITY_TIME || quantity == QUANTITY_RATE);
	for (int i = 0; i < 5; i++) {
		int64_t factor = quantity == QUANTITY_BYTES ? bytes[i].factor : quantity == QUANTITY_TIME ? times[i].factor : rates[i].factor;
		const char *name = quantity == QUANTITY_BYTES ? bytes[i].name : quantity == QUANTITY_TIME ? times[i].name : rates[i].name;
		if (value % factor == 0 && (value != 0 || factor == 1)) {
			snprintf(out, size, "%lld %s", (long long)(value / factor), name);
			return out;
		}
	}
	return out;
}
