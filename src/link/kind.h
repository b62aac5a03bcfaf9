/* A link kind: what the catalogue knows about one way to carry bits. Its figures are one table (kind.c: key, quantity, range,
 * text), so that files, `--set`, sampling, printing and checks all walk the same list. A figure is a range with a likely value,
 * and knows its source; a figure nobody gave has its default, or is not known. */
#ifndef WEFT_LINK_KIND_H
#define WEFT_LINK_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"
#include "link/budget.h"
#include "link/fec.h"
#include "link/retry.h"

struct error;
struct text;

enum link_medium { MEDIUM_IDEAL, MEDIUM_COPPER, MEDIUM_SINGLE_MODE, MEDIUM_MULTI_MODE, MEDIUM_HOLLOW_CORE, MEDIUM_PACKAGE, MEDIUM_N };
extern const char *const medium_names[MEDIUM_N]; /* "ideal", "copper", "smf", "mmf", "hollow-core", "package" */
extern const char *const thresholds_names[2];    /* "mid", "optimum" */

enum figure_id {
	/* Shape. */
	FIGURE_RATE, FIGURE_LANES, FIGURE_PORT_LANES, FIGURE_SYMBOL_RATE, FIGURE_LINKS_PER_CABLE, FIGURE_LENGTH, FIGURE_REACH,
	FIGURE_GROUP_INDEX, FIGURE_VELOCITY,
	/* Optical budget. */
	FIGURE_LAUNCH, FIGURE_EXTINCTION_RATIO, FIGURE_FIBRE_LOSS, FIGURE_CONNECTORS, FIGURE_CONNECTOR_LOSS, FIGURE_SWITCH_LOSS,
	FIGURE_MUX_LOSS, FIGURE_CIRCULATOR_LOSS, FIGURE_COUPLING_LOSS, FIGURE_EXTRA_LOSS, FIGURE_TDECQ, FIGURE_MPI_PENALTY,
	FIGURE_CROSSTALK_PENALTY, FIGURE_DISPERSION_PENALTY, FIGURE_RESPONSIVITY, FIGURE_NOISE_CURRENT, FIGURE_NOISE_BANDWIDTH,
	FIGURE_RIN, FIGURE_RIN_OMA,
	/* Electrical budget. */
	FIGURE_CABLE_LOSS, FIGURE_FIXED_LOSS, FIGURE_LOSS_LIMIT, FIGURE_BER_AT_LIMIT, FIGURE_BURST,
	/* Latency. */
	FIGURE_MODULE_LATENCY, FIGURE_FEC_LATENCY, FIGURE_PHY_LATENCY, FIGURE_RETRY_PROCESSING,
	/* Energy and money. */
	FIGURE_MODULES, FIGURE_MODULE_POWER, FIGURE_SLEEP_POWER, FIGURE_STATIC_SHARE, FIGURE_LASER_POWER, FIGURE_HOST_ENERGY,
	FIGURE_PUBLISHED_ENERGY, FIGURE_MODULE_PRICE, FIGURE_CABLE_PRICE,
	/* Failures and states. */
	FIGURE_FAILURE_RATE, FIGURE_REPAIR_TIME, FIGURE_WAKE_TIME, FIGURE_RELOCK_TIME,
	/* What is drawn per link, in dB. */
	FIGURE_LAUNCH_SPREAD, FIGURE_CONNECTOR_SPREAD, FIGURE_CONTAMINATION, FIGURE_CONTAMINATION_LOSS, FIGURE_AGEING, FIGURE_AGE,
	/* For comparison only. */
	FIGURE_FLEET_MEDIAN, FIGURE_FLEET_P99,
	/* Added later; at the end, so that the draws of the others stay. */
	FIGURE_PAIRS,
	FIGURE_SQUELCH_WAKE, FIGURE_SQUELCH_SHARE, FIGURE_SERDES_WAKE, FIGURE_SERDES_SHARE, FIGURE_FOLD_TIME, FIGURE_LANE_SHARE,
	FIGURE_N
};

struct figure {
	bool known;
	double low, typical, high; /* in the quantity's own unit; low <= typical <= high */
	char grade;                /* 'A' primary, 'B' second hand, 'C' general knowledge, 'U' the user's; ' ' the default */
	const char *source;        /* NULL when not given */
};

struct figure_info {
	const char *key;
	enum quantity quantity;
	double minimum, maximum;
	const char *unit;          /* as printed, after dividing by `scale` */
	double scale;
	const char *default_value; /* as a user would write it; NULL: not known unless given */
	const char *text;
};
const struct figure_info *figure_info(enum figure_id id);

struct link_kind {
	const char *name, *summary, *note, *file;
	int line;
	bool abstract;             /* only for others to build on: not listed, not usable by a link */
	enum link_medium medium;
	enum modulation modulation;
	enum thresholds thresholds;
	enum fec_code fec;
	enum retry_protocol retry;
	struct figure figures[FIGURE_N];
};

/* An empty kind of this name: every figure at its default. */
void link_kind_init(struct link_kind *kind, const char *name);
/* Sets a figure or a choice (medium, modulation, fec, retry, thresholds) from text: "8 W", or a range "4 W .. 12 W", or
 * "4 W .. 8 W .. 12 W" with its likely value in the middle. Unknown keys name the nearest; values outside physics are refused. */
int link_kind_set(struct link_kind *kind, const char *key, const char *value, char grade, const char *source, struct error *err);
/* What only the whole can show: lanes of the port, reach, an optical kind without a receiver. */
int link_kind_check(const struct link_kind *kind, struct error *err);
bool link_kind_is_optical(const struct link_kind *kind);
/* The likely value; a figure that is not known counts as 0. */
static inline double kind_value(const struct link_kind *kind, enum figure_id id)
{
	return kind->figures[id].known ? kind->figures[id].typical : 0;
}
/* "8 W (4 .. 12)", "not known". */
const char *figure_format(char *out, size_t size, enum figure_id id, const struct figure *figure);

#endif
