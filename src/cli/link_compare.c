#include "cli/link_compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "link/catalogue.h"
#include "link/power.h"

/* What the parts of a machine draw together. */
static double explained_w(const struct catalogue *catalogue, const struct machine_record *machine, struct json *json)
{
	double sum = 0;
	for (uint32_t i = 0; i < machine->n_parts; i++) {
		const struct machine_part *part = &machine->parts[i];
		const struct component_kind *component =
			part->component ? catalogue_component(catalogue, part->component, NULL) : NULL;
		double each = component ? component_value(component, COMPONENT_POWER) : part->power_w;
		double share = machine->power_w.known ? part->count * each / machine->power_w.typical * 100 : 0;
		sum += part->count * each;
		if (json) {
			json_open_object(json, NULL);
			json_string(json, "name", part->name);
			json_number(json, "count", part->count);
			json_number(json, "each_w", each);
			json_number(json, "power_w", part->count * each);
			json_close_object(json);
		} else {
			printf("    %-26s %6.0f x %7.6g W = %10.0f W %5.1f %%  %c  %s%s%s\n", part->name, part->count, each,
			       part->count * each, share, part->grade, part->what ? part->what : "", part->source ? "; " : "",
			       part->source ? part->source : "");
		}
	}
	return sum;
}

static void compare_machine(const struct catalogue *catalogue, const struct machine_record *m, const struct link_compare *o,
                            struct json *json)
{
	double kwh = energy_kwh(m->power_w.typical, o->pue, HOURS_PER_YEAR), pflops = m->pflops.typical / 1e15, sum;
	if (json) {
		json_open_object(json, NULL);
		json_string(json, "name", m->name);
		json_number(json, "power_w", m->power_w.typical);
		json_number(json, "pflops", pflops);
		json_number(json, "kw_per_pflops", m->power_w.typical / 1000 / pflops);
		json_number(json, "mwh_per_year", kwh / 1000);
		json_open_array(json, "parts");
		sum = explained_w(catalogue, m, json);
		json_close_array(json);
		json_number(json, "unattributed_w", m->power_w.typical - sum);
		json_open_array(json, "tariffs");
		for (size_t t = 0; t < catalogue->n_tariffs; t++) {
			json_open_object(json, NULL);
			json_string(json, "name", catalogue->tariffs[t].name);
			json_number(json, "price_per_kwh", catalogue->tariffs[t].price_per_kwh);
			json_number(json, "cost_per_year", kwh * catalogue->tariffs[t].price_per_kwh);
			json_number(json, "cost_per_pflops_year", kwh * catalogue->tariffs[t].price_per_kwh / pflops);
			json_close_object(json);
		}
		json_close_array(json);
		json_close_object(json);
		return;
	}
	printf("%s: %s\n  %.0f chips, %.6g PFLOP/s dense BF16, %.6g kW published (%c: %s)\n", m->name,
	       m->summary ? m->summary : "", m->n_chips.typical, pflops, m->power_w.typical / 1000, m->power_w.grade,
	       m->power_w.source ? m->power_w.source : "");
	printf("  %.4g kW per PFLOP/s, %.5g MWh per year at PUE %.3g\n  what its parts explain:\n",
	       m->power_w.typical / 1000 / pflops, kwh / 1000, o->pue);
	sum = explained_w(catalogue, m, NULL);
	printf("    %-26s %29.0f W %5.1f %%\n", "unattributed", m->power_w.typical - sum, (1 - sum / m->power_w.typical) * 100);
	for (size_t t = 0; t < catalogue->n_tariffs; t++)
		printf("  %-8s %.3f $/kWh: %8.0f $ per year, %7.1f $ per PFLOP/s and year\n", catalogue->tariffs[t].name,
		       catalogue->tariffs[t].price_per_kwh, kwh * catalogue->tariffs[t].price_per_kwh,
		       kwh * catalogue->tariffs[t].price_per_kwh / pflops);
	putchar('\n');
}

/* Published facts of two machines side by side. */
static void compare_facts(const struct machine_record *const *m, struct json *json)
{
	struct { const char *name, *unit; double a, b; } lines[64] = {
		{"compute, dense BF16", "PFLOP/s", m[0]->pflops.typical / 1e15, m[1]->pflops.typical / 1e15},
		{"power", "kW", m[0]->power_w.typical / 1e3, m[1]->power_w.typical / 1e3},
		{"power per compute", "kW/PFLOP/s", m[0]->power_w.typical / m[0]->pflops.typical * 1e12, m[1]->power_w.typical / m[1]->pflops.typical * 1e12},
	};
	size_t n = 3;
	for (uint32_t i = 0; i < m[0]->n_facts; i++)
		for (uint32_t j = 0; j < m[1]->n_facts && n < 64; j++)
			if (!strcmp(m[0]->facts[i].name, m[1]->facts[j].name)) {
				lines[n].name = m[0]->facts[i].name;
				lines[n].unit = m[0]->facts[i].unit;
				lines[n].a = m[0]->facts[i].value;
				lines[n++].b = m[1]->facts[j].value;
			}
	if (json)
		json_open_array(json, "facts");
	else
		printf("%-32s %-12s %14s %14s %8s\n", "", "", m[0]->name, m[1]->name, "ratio");
	for (size_t i = 0; i < n; i++) {
		char ratio[32] = "";
		if (lines[i].b > 0)
			snprintf(ratio, sizeof ratio, " %8.3g", lines[i].a / lines[i].b);
		if (!json) {
			printf("%-32s %-12s %14.6g %14.6g%s\n", lines[i].name, lines[i].unit, lines[i].a, lines[i].b, ratio);
			continue;
		}
		json_open_object(json, NULL);
		json_string(json, "name", lines[i].name);
		json_string(json, "unit", lines[i].unit);
		json_number(json, m[0]->name, lines[i].a);
		json_number(json, m[1]->name, lines[i].b);
		json_number(json, "ratio", lines[i].b > 0 ? lines[i].a / lines[i].b : NAN);
		json_close_object(json);
	}
	if (json)
		json_close_array(json);
	else
		putchar('\n');
}

/* Two machines and two tariffs: how much of the gap in cost per PFLOP/s the first machine's cheap power closes. */
static void compare_gap(const struct catalogue *catalogue, const struct machine_record *const *m, const struct link_compare *o,
                        struct json *json)
{
	const struct tariff *cheap = &catalogue->tariffs[0], *dear = &catalogue->tariffs[0];
	double per[2], closed;
	for (size_t t = 1; t < catalogue->n_tariffs; t++) {
		cheap = catalogue->tariffs[t].price_per_kwh < cheap->price_per_kwh ? &catalogue->tariffs[t] : cheap;
		dear = catalogue->tariffs[t].price_per_kwh > dear->price_per_kwh ? &catalogue->tariffs[t] : dear;
	}
	for (int i = 0; i < 2; i++)
		per[i] = energy_kwh(m[i]->power_w.typical, o->pue, HOURS_PER_YEAR) / (m[i]->pflops.typical / 1e15);
	closed = per[0] * (dear->price_per_kwh - cheap->price_per_kwh) / ((per[0] - per[1]) * dear->price_per_kwh);
	if (json) {
		json_number(json, "power_ratio", m[0]->power_w.typical / m[1]->power_w.typical);
		json_number(json, "power_per_pflops_ratio", per[0] / per[1]);
		json_number(json, "gap_closed_by_tariff", closed);
		return;
	}
	if (per[0] > per[1] && dear != cheap)
		printf("at the tariff '%s' instead of '%s', %s closes %.0f %% of its cost gap per PFLOP/s to %s at '%s'\n",
		       cheap->name, dear->name, m[0]->name, closed * 100, m[1]->name, dear->name);
}

/* The published records, with the powers that the user gives instead. */
static int find_machines(const struct link_compare *o, struct machine_record *machines, struct error *err)
{
	if (!o->n_names || o->n_names > LINK_COMPARE_MAX)
		return error_set(err, ERROR_INPUT, "link compare takes 1 to %d machines, such as cloudmatrix384 nvl72", LINK_COMPARE_MAX);
	for (size_t i = 0; i < o->n_names; i++) {
		const struct machine_record *found = catalogue_machine(o->catalogue, o->names[i], err);
		if (!found)
			return -1;
		if (!found->power_w.known || !found->pflops.known)
			return error_set(err, ERROR_INPUT, "no power and compute are published for machine '%s'", o->names[i]);
		machines[i] = *found;
		if (i < o->n_powers)
			machines[i].power_w = (struct figure){true, o->powers[i], o->powers[i], o->powers[i], 'U', "--power"};
	}
	return 0;
}

int link_compare(const struct link_compare *o)
{
	struct machine_record machines[LINK_COMPARE_MAX];
	const struct machine_record *pair[2] = {&machines[0], &machines[1]};
	struct error err = {0};
	struct json *json;
	if (find_machines(o, machines, &err))
		return cli_fail(&err);
	json = o->json ? json_new() : NULL;
	if (json) {
		json_open_object(json, NULL);
		json_number(json, "pue", o->pue);
		json_open_array(json, "machines");
	}
	for (size_t i = 0; i < o->n_names; i++)
		compare_machine(o->catalogue, &machines[i], o, json);
	if (json)
		json_close_array(json);
	if (o->n_names == 2)
		compare_facts(pair, json);
	if (o->n_names == 2 && o->catalogue->n_tariffs)
		compare_gap(o->catalogue, pair, o, json);
	if (json) {
		json_close_object(json);
		cli_print_json(json);
	}
	return 0;
}
