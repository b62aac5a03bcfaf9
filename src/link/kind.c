#include "link/kind.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

const char *const medium_names[MEDIUM_N] = {"ideal", "copper", "smf", "mmf", "hollow-core", "package"};
const char *const thresholds_names[2] = {"mid", "optimum"};

#define NO_LIMIT 1e300
static const struct figure_info infos[FIGURE_N] = {
	[FIGURE_RATE] = {"rate", QUANTITY_RATE, 1, 1e15, "Gb/s", 0.125e9, NULL, "nominal, one way, of the module or port"},
	[FIGURE_LANES] = {"lanes", QUANTITY_COUNT, 1, 1024, "", 1, "1", "lanes or wavelengths that carry the rate"},
	[FIGURE_PORT_LANES] = {"port_lanes", QUANTITY_COUNT, 1, 1024, "", 1, NULL, "lanes that the port has"},
	[FIGURE_SYMBOL_RATE] = {"symbol_rate", QUANTITY_FREQUENCY, 1e6, 1e13, "GBd", 1e9, NULL, "of one lane"},
	[FIGURE_LINKS_PER_CABLE] = {"links_per_cable", QUANTITY_COUNT, 1, 64, "", 1, "1", "links of the fabric that share one cable"},
	[FIGURE_LENGTH] = {"length", QUANTITY_LENGTH, 0, 1e7, "m", 1, NULL, "of the cable, when its place says nothing"},
	[FIGURE_REACH] = {"reach", QUANTITY_LENGTH, 0, 1e7, "m", 1, NULL, "longest cable"},
	[FIGURE_GROUP_INDEX] = {"group_index", QUANTITY_NUMBER, 1, 4, "", 1, NULL, "of the fibre"},
	[FIGURE_VELOCITY] = {"velocity", QUANTITY_RATIO, 0.1, 1, "c", 1, NULL, "of propagation in a cable"},
	[FIGURE_LAUNCH] = {"launch", QUANTITY_OPTICAL, -60, 30, "dBm", 1, NULL, "outer modulation amplitude per lane"},
	[FIGURE_EXTINCTION_RATIO] = {"extinction_ratio", QUANTITY_LOSS, 1e-6, 40, "dB", 1, NULL, "highest level over lowest"},
	[FIGURE_FIBRE_LOSS] = {"fibre_loss", QUANTITY_LOSS_PER_LENGTH, 0, 1e4, "dB/km", 1, "0.35 dB/km", "of the fibre"},
	[FIGURE_CONNECTORS] = {"connectors", QUANTITY_COUNT, 0, 64, "", 1, "0", "on the way, both ends included"},
	[FIGURE_CONNECTOR_LOSS] = {"connector_loss", QUANTITY_LOSS, 0, 20, "dB", 1, "0.35 dB", "of one connector"},
	[FIGURE_SWITCH_LOSS] = {"switch_loss", QUANTITY_LOSS, 0, 40, "dB", 1, "0 dB", "of circuit switches on the way"},
	[FIGURE_MUX_LOSS] = {"mux_loss", QUANTITY_LOSS, 0, 20, "dB", 1, "0 dB", "multiplexer and demultiplexer together"},
	[FIGURE_CIRCULATOR_LOSS] = {"circulator_loss", QUANTITY_LOSS, 0, 20, "dB", 1, "0 dB", "of circulators, both ends"},
	[FIGURE_COUPLING_LOSS] = {"coupling_loss", QUANTITY_LOSS, 0, 20, "dB", 1, "0 dB", "fibre to chip, beyond the reference point"},
	[FIGURE_EXTRA_LOSS] = {"extra_loss", QUANTITY_LOSS, 0, 60, "dB", 1, "0 dB", "whatever else is in the way"},
	[FIGURE_TDECQ] = {"tdecq", QUANTITY_LOSS, 0, 20, "dB", 1, "0 dB", "eye closure of the transmitter, as a penalty"},
	[FIGURE_MPI_PENALTY] = {"mpi_penalty", QUANTITY_LOSS, 0, 20, "dB", 1, "0 dB", "multipath interference"},
	[FIGURE_CROSSTALK_PENALTY] = {"crosstalk_penalty", QUANTITY_LOSS, 0, 20, "dB", 1, "0 dB", "between lanes or wavelengths"},
	[FIGURE_DISPERSION_PENALTY] = {"dispersion_penalty", QUANTITY_LOSS, 0, 20, "dB", 1, "0 dB", "of the fibre"},
	[FIGURE_RESPONSIVITY] = {"responsivity", QUANTITY_RESPONSIVITY, 1e-3, 10, "A/W", 1, NULL, "of the photodiode"},
	[FIGURE_NOISE_CURRENT] = {"noise_current", QUANTITY_NOISE_CURRENT, 0, 1e-9, "pA/sqrt(Hz)", 1e-12, NULL, "of the amplifier"},
	[FIGURE_NOISE_BANDWIDTH] = {"noise_bandwidth", QUANTITY_RATIO, 0.1, 2, "of the symbol rate", 1, "0.5", "of the receiver"},
	[FIGURE_RIN] = {"rin", QUANTITY_NOISE_DENSITY, -200, -80, "dB/Hz", 1, NULL, "intrinsic, of each level's power"},
	[FIGURE_RIN_OMA] = {"rin_oma", QUANTITY_NOISE_DENSITY, -200, -80, "dB/Hz", 1, NULL, "referred to (OMA/2)², on all levels"},
	[FIGURE_CABLE_LOSS] = {"cable_loss", QUANTITY_LOSS_PER_LENGTH, 0, 1e7, "dB/m", 1e3, NULL, "of copper at the Nyquist frequency"},
	[FIGURE_FIXED_LOSS] = {"fixed_loss", QUANTITY_LOSS, 0, 60, "dB", 1, "0 dB", "boards, packages and connectors of both ends"},
	[FIGURE_LOSS_LIMIT] = {"loss_limit", QUANTITY_LOSS, 0, 100, "dB", 1, NULL, "that the receiver equalises, chip to chip"},
	[FIGURE_BER_AT_LIMIT] = {"ber_at_limit", QUANTITY_NUMBER, 1e-300, 0.3, "", 1, NULL, "bit error ratio at that loss"},
	[FIGURE_BURST] = {"burst", QUANTITY_RATIO, 0, 0.95, "", 1, "0", "probability that a symbol error causes the next one"},
	[FIGURE_MODULE_LATENCY] = {"module_latency", QUANTITY_TIME, 0, 1e12, "ns", 1e3, "0 ns", "of one module"},
	[FIGURE_FEC_LATENCY] = {"fec_latency", QUANTITY_TIME, 0, 1e12, "ns", 1e3, "0 ns", "processing beyond filling a block"},
	[FIGURE_PHY_LATENCY] = {"phy_latency", QUANTITY_TIME, 0, 1e12, "ns", 1e3, "0 ns", "of both SerDes together"},
	[FIGURE_RETRY_PROCESSING] = {"retry_processing", QUANTITY_TIME, 0, 1e12, "ns", 1e3, "50 ns", "of a retry, at both ends"},
	[FIGURE_MODULES] = {"modules", QUANTITY_COUNT, 0, 2, "", 1, "0", "per cable: 2, or 0 for passive ones"},
	[FIGURE_MODULE_POWER] = {"module_power", QUANTITY_POWER, 0, 1e4, "W", 1, "0 W", "of one module, carrying its rate both ways"},
	[FIGURE_SLEEP_POWER] = {"sleep_power", QUANTITY_POWER, 0, 1e4, "W", 1, NULL, "of one module asleep, lasers off"},
	[FIGURE_STATIC_SHARE] = {"static_share", QUANTITY_RATIO, 0, 1, "", 1, "0.9", "of the power that does not depend on traffic"},
	[FIGURE_LASER_POWER] = {"laser_power", QUANTITY_POWER, 0, 1e4, "W", 1, "0 W", "of a remote laser source, per module"},
	[FIGURE_HOST_ENERGY] = {"host_energy", QUANTITY_ENERGY_PER_BIT, 0, 1e3, "pJ/b", 1, "0 pJ/b", "of the host SerDes at one end"},
	[FIGURE_PUBLISHED_ENERGY] = {"published_energy", QUANTITY_ENERGY_PER_BIT, 0, 1e3, "pJ/b", 1, NULL, "as its source prints it: one module"},
	[FIGURE_MODULE_PRICE] = {"module_price", QUANTITY_MONEY, 0, 1e9, "$", 1, NULL, "of one module"},
	[FIGURE_CABLE_PRICE] = {"cable_price", QUANTITY_MONEY, 0, 1e9, "$", 1, NULL, "of one cable"},
	[FIGURE_FAILURE_RATE] = {"failure_rate", QUANTITY_FIT, 0, 1e9, "FIT", 1, NULL, "of one module, of one of `pairs`, or of a passive cable"},
	[FIGURE_REPAIR_TIME] = {"repair_time", QUANTITY_TIME, 0, NO_LIMIT, "h", 3600e12, NULL, "until it works again"},
	[FIGURE_WAKE_TIME] = {"wake_time", QUANTITY_TIME, 0, NO_LIMIT, "us", 1e6, NULL, "from asleep to carrying bits"},
	[FIGURE_RELOCK_TIME] = {"relock_time", QUANTITY_TIME, 0, NO_LIMIT, "ms", 1e9, NULL, "after its circuit was moved"},
	[FIGURE_LAUNCH_SPREAD] = {"launch_spread", QUANTITY_LOSS, 0, 20, "dB", 1, "0 dB", "standard deviation of the launch"},
	[FIGURE_CONNECTOR_SPREAD] = {"connector_spread", QUANTITY_LOSS, 0, 20, "dB", 1, "0 dB", "standard deviation of one connector"},
	[FIGURE_CONTAMINATION] = {"contamination", QUANTITY_RATIO, 0, 1, "", 1, "0", "probability that a connector is dirty"},
	[FIGURE_CONTAMINATION_LOSS] = {"contamination_loss", QUANTITY_LOSS, 0, 40, "dB", 1, "0 dB", "mean of a dirty one (exponential)"},
	[FIGURE_AGEING] = {"ageing", QUANTITY_LOSS, 0, 20, "dB/year", 1, "0 dB", "of the launch, per year of service"},
	[FIGURE_AGE] = {"age", QUANTITY_TIME, 0, NO_LIMIT, "d", 86400e12, "0 d", "in service"},
	[FIGURE_FLEET_MEDIAN] = {"fleet_median_ber", QUANTITY_NUMBER, 0, 0.5, "", 1, NULL, "published, to compare with"},
	[FIGURE_FLEET_P99] = {"fleet_p99_ber", QUANTITY_NUMBER, 0, 0.5, "", 1, NULL, "published 99th percentile, to compare with"},
	[FIGURE_PAIRS] = {"pairs", QUANTITY_COUNT, 1, 1024, "", 1, NULL, "copper pairs in a cable, where they count and fail one by one"},
	[FIGURE_SQUELCH_WAKE] = {"squelch_wake", QUANTITY_TIME, 0, NO_LIMIT, "us", 1e6, NULL, "from squelched (laser on, no modulation) to carrying bits"},
	[FIGURE_SQUELCH_SHARE] = {"squelch_share", QUANTITY_RATIO, 0, 1, "", 1, NULL, "of the cable's power that a squelched link draws"},
	[FIGURE_SERDES_WAKE] = {"serdes_wake", QUANTITY_TIME, 0, NO_LIMIT, "us", 1e6, NULL, "of host SerDes, from low-power idle to carrying bits"},
	[FIGURE_SERDES_SHARE] = {"serdes_share", QUANTITY_RATIO, 0, 1, "", 1, NULL, "of its power that a host SerDes draws in low-power idle"},
	[FIGURE_FOLD_TIME] = {"fold_time", QUANTITY_TIME, 0, NO_LIMIT, "us", 1e6, NULL, "until lanes that were folded away carry again"},
	[FIGURE_LANE_SHARE] = {"lane_share", QUANTITY_RATIO, 0, 1, "", 1, NULL, "of the cable's power that goes with the number of its lanes"},
};

const struct figure_info *figure_info(enum figure_id id) { return &infos[id]; }

bool link_kind_is_optical(const struct link_kind *kind)
{
	return kind->medium == MEDIUM_SINGLE_MODE || kind->medium == MEDIUM_MULTI_MODE || kind->medium == MEDIUM_HOLLOW_CORE;
}

/* Words instead of figures. */
static const struct choice {
	const char *key;
	const char *const *names;
	int n;
	size_t offset;
} choices[] = {
	{"medium", medium_names, MEDIUM_N, offsetof(struct link_kind, medium)},
	{"modulation", modulation_names, MODULATION_N, offsetof(struct link_kind, modulation)},
	{"thresholds", thresholds_names, 2, offsetof(struct link_kind, thresholds)},
	{"fec", fec_names, FEC_N, offsetof(struct link_kind, fec)},
	{"retry", retry_names, RETRY_N, offsetof(struct link_kind, retry)},
};
#define N_CHOICES (sizeof choices / sizeof choices[0])

static int set_choice(struct link_kind *kind, const struct choice *choice, const char *value, struct error *err)
{
	char known[256];
	for (int i = 0; i < choice->n; i++)
		if (!strcmp(value, choice->names[i])) {
			memcpy((char *)kind + choice->offset, &i, sizeof i); /* enumerations are ints here */
			return 0;
		}
	return error_set(err, ERROR_INPUT, "unknown %s '%s'%s", choice->key, value,
			 text_known(known, sizeof known, value, choice->names, (size_t)choice->n));
}
_Static_assert(sizeof(enum fec_code) == sizeof(int) && sizeof(enum link_medium) == sizeof(int), "choices are stored as int");

static int parse_bound(enum figure_id id, const char *text, double *value, struct error *err)
{
	const struct figure_info *info = &infos[id];
	char bound[64], got[64];
	if (units_parse(text, info->quantity, value, err))
		return error_prefix(err, "%s", info->key);
	if (*value < info->minimum || *value > info->maximum) {
		double edge = *value < info->minimum ? info->minimum : info->maximum;
		snprintf(got, sizeof got, "%.6g %s", *value / info->scale, info->unit);
		snprintf(bound, sizeof bound, "%.6g %s", edge / info->scale, info->unit);
		if (id == FIGURE_EXTINCTION_RATIO && *value <= 0)
			return error_set(err, ERROR_INPUT,
			                 "extinction_ratio of %.6g dB: light cannot carry bits at 0 dB or less", *value);
		if (*value < 0 && info->minimum == 0)
			return error_set(err, ERROR_INPUT, "%s of %s is negative: nothing on a link %s", info->key, got,
			                 info->quantity == QUANTITY_LOSS || info->quantity == QUANTITY_LOSS_PER_LENGTH
			                         ? "gains power"
			                         : "is less than none");
		return error_set(err, ERROR_INPUT, "%s of %s is %s than the %s %s", info->key, got,
				 edge == info->minimum ? "less" : "more", edge == info->minimum ? "least" : "most", bound);
	}
	return 0;
}

/* One part of "a .. b .. c", trimmed of the separator's spaces; returns what follows it or NULL. */
static const char *next_part(const char *text, char *part, size_t size)
{
	const char *stop = strstr(text, "..");
	size_t length = stop ? (size_t)(stop - text) : strlen(text);
	snprintf(part, size, "%.*s", (int)length, text);
	return stop ? stop + 2 : NULL;
}

static int parse_figure(enum figure_id id, const char *text, struct figure *figure, struct error *err)
{
	double values[3];
	int n = 0;
	char part[128];
	const char *rest = text;
	while (rest && n < 3) {
		rest = next_part(rest, part, sizeof part);
		if (parse_bound(id, part, &values[n++], err))
			return -1;
	}
	if (rest)
		return error_set(
			err, ERROR_INPUT,
			"%s: '%s' has more than three values (expected one, 'low .. high' or 'low .. typical .. high')",
			infos[id].key, text);
	figure->low = values[0];
	figure->high = values[n - 1];
	figure->typical = n == 2 ? (values[0] + values[1]) / 2 : values[n / 2];
	if (infos[id].quantity == QUANTITY_COUNT)
		figure->typical = round(figure->typical);
	if (figure->low > figure->typical || figure->typical > figure->high)
		return error_set(err, ERROR_INPUT, "%s: '%s' is not in increasing order", infos[id].key, text);
	figure->known = true;
	return 0;
}

int link_kind_set(struct link_kind *kind, const char *key, const char *value, char grade, const char *source, struct error *err)
{
	const char *keys[FIGURE_N + N_CHOICES];
	size_t n = 0;
	char known[1024];
	for (size_t i = 0; i < N_CHOICES; i++) {
		if (!strcmp(key, choices[i].key))
			return set_choice(kind, &choices[i], value, err);
		keys[n++] = choices[i].key;
	}
	for (enum figure_id id = 0; id < FIGURE_N; id++) {
		if (!strcmp(key, infos[id].key)) {
			if (parse_figure(id, value, &kind->figures[id], err))
				return -1;
			kind->figures[id].grade = grade;
			kind->figures[id].source = source;
			return 0;
		}
		keys[n++] = infos[id].key;
	}
	return error_set(err, ERROR_INPUT, "unknown figure '%s' of a link kind%s", key,
	                 text_known(known, sizeof known, key, keys, n));
}

void link_kind_init(struct link_kind *kind, const char *name)
{
	*kind = (struct link_kind){.name = name, .modulation = MODULATION_PAM4};
	for (enum figure_id id = 0; id < FIGURE_N; id++)
		if (infos[id].default_value) {
			struct error err = {0};
			parse_figure(id, infos[id].default_value, &kind->figures[id], &err);
			kind->figures[id].grade = ' ';
		}
}

static int missing(const struct link_kind *kind, enum figure_id id, struct error *err)
{
	if (kind->figures[id].known)
		return 0;
	return error_set(err, ERROR_INPUT, "link kind '%s' (%s) lacks '%s': %s", kind->name, medium_names[kind->medium],
	                 infos[id].key, infos[id].text);
}

int link_kind_check(const struct link_kind *kind, struct error *err)
{
	static const enum figure_id optical[] = {FIGURE_SYMBOL_RATE, FIGURE_LAUNCH, FIGURE_EXTINCTION_RATIO,
	                                         FIGURE_RESPONSIVITY, FIGURE_NOISE_CURRENT};
	static const enum figure_id copper[] = {FIGURE_CABLE_LOSS, FIGURE_LOSS_LIMIT, FIGURE_BER_AT_LIMIT};
	const struct figure *lanes = &kind->figures[FIGURE_LANES], *port = &kind->figures[FIGURE_PORT_LANES];
	const struct figure *length = &kind->figures[FIGURE_LENGTH], *reach = &kind->figures[FIGURE_REACH];
	if (kind->medium == MEDIUM_IDEAL)
		return 0;
	if (missing(kind, FIGURE_RATE, err) || missing(kind, FIGURE_REACH, err))
		return -1;
	for (size_t i = 0; link_kind_is_optical(kind) && i < sizeof optical / sizeof optical[0]; i++)
		if (missing(kind, optical[i], err))
			return -1;
	for (size_t i = 0; !link_kind_is_optical(kind) && i < sizeof copper / sizeof copper[0]; i++)
		if (missing(kind, copper[i], err))
			return -1;
	if (port->known && lanes->high > port->low)
		return error_set(err, ERROR_INPUT, "link kind '%s' uses %.0f lanes but its port has %.0f", kind->name,
		                 lanes->high, port->low);
	if (length->known && length->high > reach->high)
		return error_set(err, ERROR_INPUT, "a cable of %.6g m is longer than link kind '%s' reaches (%.6g m)",
		                 length->high, kind->name, reach->high);
	return 0;
}

const char *figure_format(char *out, size_t size, enum figure_id id, const struct figure *figure)
{
	const struct figure_info *info = &infos[id];
	const char *space = info->unit[0] ? " " : "";
	if (!figure->known)
		snprintf(out, size, "not known");
	else if (figure->low == figure->high)
		snprintf(out, size, "%.6g%s%s", figure->typical / info->scale, space, info->unit);
	else
		snprintf(out, size, "%.6g%s%s (%.6g .. %.6g)", figure->typical / info->scale, space, info->unit,
		         figure->low / info->scale, figure->high / info->scale);
	return out;
}
