/* What goodput takes from the engine and from its scenario: the section, the step of one state, and published formulas. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/tree.h"
#include "scenario/goodput.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

int goodput_read(struct scenario *scenario, struct error *err)
{
	struct section_reader reader = {.arena = &scenario->arena, .directory = scenario->directory, .err = err};
	struct scenario_goodput *goodput = &scenario->goodput;
	struct error local = {0};
	double interval_ps = 0;
	if (!scenario->goodput_node)
		return 0;
	if (section_read(&reader, &section_goodput, scenario->goodput_node, scenario))
		return -1;
	if (!scenario->n_failures)
		return tree_fail(scenario->goodput_node, err, "'goodput' without 'failures': nothing would ever go wrong");
	if (spread_read(scenario->goodput_node, "restart", goodput->restart_text, QUANTITY_TIME, &goodput->restart_ps, err))
		return -1;
	if (!strcmp(goodput->checkpoint, "auto"))
		return 0;
	if (units_parse(goodput->checkpoint, QUANTITY_TIME, &interval_ps, &local))
		return tree_fail(tree_get(scenario->goodput_node, "checkpoint"), err, "checkpoint: %s, or 'auto'", local.message);
	if (interval_ps <= 0)
		return tree_fail(tree_get(scenario->goodput_node, "checkpoint"), err, "'checkpoint' is '%s': it must be more than 0", goodput->checkpoint);
	goodput->interval_s = interval_ps * 1e-12;
	return 0;
}

int goodput_simulate(const struct scenario *scenario, struct goodput_state *state, struct error *err)
{
	struct scenario forced = *scenario; /* borrows its arena */
	struct simulation simulation;
	forced.failures_forced = true;
	forced.forced = state->units;
	forced.n_forced = state->n;
	if (simulation_init(&simulation, &forced, err))
		return -1;
	simulation_run(&simulation);
	state->known = true;
	state->completes = !strcmp(simulation.status, "complete");
	state->step_s = state->completes ? (double)simulation.end_ps * 1e-12 / (double)scenario->goodput.steps : INFINITY;
	state->n_events = simulation.n_events;
	if (!state->n && !state->completes)
		error_set(err, ERROR_SIMULATION, "the healthy step does not end: %s", simulation.error.message);
	simulation_release(&simulation);
	return err->code ? -1 : 0;
}

/* J. W. Young, A first order approximation to the optimum checkpoint interval, CACM 17(9), 1974. */
double young_interval_s(double write_s, double mtbf_s) { return sqrt(2 * write_s * mtbf_s); }

/* J. T. Daly, A higher order estimate of the optimum checkpoint interval for restart dumps, FGCS 22, 2006, eq. 37. */
double daly_interval_s(double write_s, double mtbf_s)
{
	double ratio = write_s / (2 * mtbf_s);
	return write_s < 2 * mtbf_s ? sqrt(2 * write_s * mtbf_s) * (1 + sqrt(ratio) / 3 + ratio / 9) - write_s : mtbf_s;
}
