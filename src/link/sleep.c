#include "link/sleep.h"

#include <math.h>

#include "base/error.h"
#include "link/power.h"

#define PS_PER_S 1e12

const char *const rest_names[REST_N] = {"squelch", "serdes", "sleep", "fold"};

double rest_break_even_s(double share, double wake_s) { return share < 1 ? sleep_break_even_s(1, share, wake_s) : INFINITY; }

/* Which figures a way of resting takes: its wake time, and the power that it needs to know. */
static const struct { enum figure_id wake, power; } needs[REST_N] = {
	[REST_SQUELCH] = {FIGURE_SQUELCH_WAKE, FIGURE_SQUELCH_SHARE},
	[REST_SERDES] = {FIGURE_SERDES_WAKE, FIGURE_SERDES_SHARE},
	[REST_SLEEP] = {FIGURE_WAKE_TIME, FIGURE_SLEEP_POWER},
	[REST_FOLD] = {FIGURE_FOLD_TIME, FIGURE_LANE_SHARE},
};

static int need(const struct link_kind *kind, enum rest rest, enum figure_id id, struct error *err)
{
	if (kind->figures[id].known)
		return 0;
	return error_set(err, ERROR_INPUT, "link kind '%s' has no '%s', which '%s' needs", kind->name, figure_info(id)->key, rest_names[rest]);
}

/* Of everything that the cable draws. */
static double resting_w(const struct link_kind *kind, const struct link_chain *c, enum rest rest, double lanes)
{
	double serdes_w = kind_value(kind, FIGURE_SERDES_SHARE) * c->host_w;
	switch (rest) {
	case REST_SQUELCH: return kind_value(kind, FIGURE_SQUELCH_SHARE) * c->total_w;
	case REST_SERDES: return c->total_w - c->host_w + serdes_w;
	case REST_SLEEP: return kind_value(kind, FIGURE_MODULES) * kind_value(kind, FIGURE_SLEEP_POWER) + serdes_w;
	default: return c->total_w * (1 - kind_value(kind, FIGURE_LANE_SHARE) * (1 - lanes / kind_value(kind, FIGURE_LANES)));
	}
}

int link_rest(const struct link_kind *kind, const struct link_chain *chain, enum rest rest, double lanes, struct link_rest *out,
	      struct error *err)
{
	if (!(chain->static_w > 0))
		return error_set(err, ERROR_INPUT, "link kind '%s' draws no power that could be saved", kind->name);
	if (rest == REST_SLEEP && !(kind_value(kind, FIGURE_MODULES) > 0))
		return error_set(err, ERROR_INPUT, "link kind '%s' has no modules that could sleep (its SerDes can: 'serdes')", kind->name);
	if (need(kind, rest, needs[rest].wake, err) || need(kind, rest, needs[rest].power, err) ||
	    (rest == REST_SLEEP && need(kind, rest, FIGURE_SERDES_SHARE, err)))
		return -1;
	if (rest == REST_FOLD && lanes >= kind_value(kind, FIGURE_LANES))
		return error_set(err, ERROR_INPUT, "link kind '%s' has %g lanes: %g are not fewer", kind->name, kind_value(kind, FIGURE_LANES), lanes);
	/* A rest never draws more than being awake and idle. */
	out->share = fmin(resting_w(kind, chain, rest, lanes) / chain->static_w, 1);
	out->wake_s = kind_value(kind, needs[rest].wake) / PS_PER_S;
	out->break_even_s = rest_break_even_s(out->share, out->wake_s);
	return 0;
}
