#include "scenario/loggops_run.h"

#include <string.h>

#include "base/units.h"
#include "scenario/build.h"
#include "scenario/scenario.h"

/* A time per byte in femtoseconds: finer than the picoseconds of other times. */
static int time_per_byte(const struct network_setup *setup, const char *name, int64_t *fs, struct error *err)
{
	const char *text = network_text(setup, &network_loggops, name);
	struct error local = {0};
	double ps;
	if (!units_parse(text, QUANTITY_TIME, &ps, &local) && ps * 1000 < 9e15) {
		*fs = (int64_t)(ps * 1000 + 0.5);
		return 0;
	}
	if (!local.code)
		error_set(&local, ERROR_INPUT, "'%s' is too large (expected a time such as '6 ns')", text);
	for (uint32_t i = 0; i < setup->n_settings; i++)
		if (!strcmp(setup->settings[i].name, name))
			return error_at(err, setup->settings[i].file, setup->settings[i].line, setup->settings[i].column, "'%s': %s", name,
					local.message);
	return error_set(err, ERROR_INPUT, "'%s': %s", name, local.message);
}

static enum loggops_dialect dialect(const char *name)
{
	int i = 0;
	while (i + 1 < LOGGOPS_DIALECTS && strcmp(loggops_dialect_names[i], name))
		i++;
	return (enum loggops_dialect)i; /* the choice was checked against the same names */
}

int loggops_build(struct simulation *simulation, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	const struct network_setup *setup = &simulation->network->setup;
	const struct network_model *model = &network_loggops;
	if (scenario->model != model)
		return 0;
	if (scenario->n_entries != 1)
		return error_set(err, ERROR_INPUT, "the loggops model runs one workload entry, not %u", scenario->n_entries);
	if (scenario->n_changes)
		return error_set(err, ERROR_INPUT, "the loggops model knows no links that could change");
	struct loggops_parameters p = {.dialect = dialect(network_text(setup, model, "dialect")),
		.L_ps = network_integer(setup, model, "L"), .o_ps = network_integer(setup, model, "o"),
		.g_ps = network_integer(setup, model, "g"), .S_bytes = network_integer(setup, model, "S")};
	if (time_per_byte(setup, "G", &p.G_fs, err) || time_per_byte(setup, "O", &p.O_fs, err))
		return -1;
	simulation->loggops = loggops_new(&p, simulation->workloads[0], &simulation->observers, err);
	return simulation->loggops ? 0 : -1;
}
