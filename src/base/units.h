/* Quantities as users write them, `400 Gb/s`, `500 ns`, `1 GiB`, and back. A bare number where a unit is needed is an
 * error (0 excepted). k, M, G, T are powers of ten; Ki, Mi, Gi, Ti of two; b is bits and B is bytes. */
#ifndef WEFT_BASE_UNITS_H
#define WEFT_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

struct error;

enum quantity {
	QUANTITY_NUMBER,    /* no unit; out: as is */
	QUANTITY_COUNT,     /* a whole number, no unit (1e6 is fine) */
	QUANTITY_BYTES,     /* B, kB, MB, GB, TB, KiB, MiB, GiB, TiB → bytes, whole */
	QUANTITY_TIME,      /* ps, ns, us (µs), ms, s, min, h, d → picoseconds, rounded to nearest */
	QUANTITY_RATE,      /* b/s, B/s with any prefix → bytes per second, rounded to nearest */
	QUANTITY_LENGTH,    /* mm, cm, m, km → metres */
	QUANTITY_POWER,     /* mW, W, kW, MW → watts */
	QUANTITY_OPTICAL,   /* dBm, uW, mW, W → dBm */
	QUANTITY_LOSS,      /* dB → dB */
	QUANTITY_LOSS_PER_LENGTH, /* dB/km, dB/m, dB/cm → dB/km */
	QUANTITY_ENERGY,    /* pJ, nJ, uJ, mJ, J, kJ, MJ, Wh, kWh → joules */
	QUANTITY_ENERGY_PER_BIT, /* pJ/b, fJ/b → pJ per bit */
	QUANTITY_MONEY,     /* $, USD → dollars ("25 $" or "$25") */
	QUANTITY_MONEY_PER_ENERGY, /* $/kWh → dollars per kWh */
	QUANTITY_FREQUENCY, /* Hz, kHz, MHz, GHz, THz; of symbols Bd, GBd → hertz */
	QUANTITY_RATIO,     /* %, or a bare number; 5 % → 0.05 */
	QUANTITY_FIT,       /* FIT, %/year → failures per 10^9 hours */
	QUANTITY_FLOPS,     /* FLOP/s with prefix; TF, PF are accepted → FLOP/s */
	QUANTITY_TEMPERATURE, /* degC, °C, K → degrees Celsius */
	QUANTITY_RESPONSIVITY, /* A/W */
	QUANTITY_NOISE_CURRENT, /* pA/sqrt(Hz), pA/rtHz → A per square root of Hz */
	QUANTITY_NOISE_DENSITY, /* dB/Hz */
	QUANTITY_N
};

/* "a time such as '500 ns'": for messages that say what was expected. */
const char *units_expected(enum quantity quantity);
/* Parses the whole of `text`. The message says what is wrong and what was expected but not where: the caller prefixes it
 * (error_prefix) or reports it with error_at. Infinite and not-a-number values are refused; signs are the caller's check
 * except for BYTES, TIME, RATE, COUNT, which refuse negative values. */
int units_parse(const char *text, enum quantity quantity, double *value, struct error *err);
/* The same for quantities held as integers (COUNT, BYTES, TIME, RATE), exact up to INT64_MAX; overflow is an error. */
int units_parse_integer(const char *text, enum quantity quantity, int64_t *value, struct error *err);

/* For people, at most 4 significant digits: "1.5 MiB" when whole in binary units else "1.57 MB"; "603.2 us"; "49 GB/s". Each
 * writes into `out` and returns it. */
const char *units_format_bytes(char *out, size_t size, int64_t bytes);
const char *units_format_time(char *out, size_t size, int64_t time_ps);
const char *units_format_rate(char *out, size_t size, double bytes_per_s);
/* Exact and parsable again, for canonical output: "1073741824 B" → "1 GiB", "500 ns", "28 GB/s". */
const char *units_exact(char *out, size_t size, enum quantity quantity, int64_t value);

#endif
