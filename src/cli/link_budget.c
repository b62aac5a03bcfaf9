#include "cli/link_budget.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "fabric/fabric.h"
#include "scenario/physics.h"
#include "scenario/scenario.h"

/* What the links of one class came to, drawn terms included. */
struct class_summary {
	double margin_median_db, margin_worst_db, ber_median, ber_worst, cer_worst;
	uint32_t worst, n_open;
};

static struct class_summary summarise(const struct physics *physics, uint32_t class)
{
	const struct link_figures *f = &physics->figures;
	struct class_summary s = {.margin_worst_db = INFINITY};
	double *margins = memory_zero((size_t)f->n_links + 1, sizeof *margins),
	       *bers = memory_zero((size_t)f->n_links + 1, sizeof *bers);
	size_t n = 0;
	for (uint32_t link = 0; link < f->n_links; link++) {
		if (physics->link_class[link] != class)
			continue;
		margins[n] = f->margin_db[link];
		bers[n++] = f->ber[link];
		s.n_open += f->margin_db[link] < 0;
		s.ber_worst = fmax(s.ber_worst, f->ber[link]);
		s.cer_worst = fmax(s.cer_worst, f->codeword_error_ratio[link]);
		if (f->margin_db[link] < s.margin_worst_db || n == 1) {
			s.margin_worst_db = f->margin_db[link];
			s.worst = link;
		}
	}
	gsl_sort(margins, 1, n);
	gsl_sort(bers, 1, n);
	s.margin_median_db = gsl_stats_median_from_sorted_data(margins, 1, n);
	s.ber_median = gsl_stats_median_from_sorted_data(bers, 1, n);
	free(margins);
	free(bers);
	return s;
}

static void print_class(const struct physics *physics, const struct fabric *fabric, uint32_t c, struct json *json)
{
	const struct link_class *class = &physics->classes[c];
	const struct link_kind *kind = &physics->kinds[class->kind];
	struct class_summary s = summarise(physics, c);
	char name[256];
	fabric_link_name(fabric, s.worst, name, sizeof name);
	if (!json) {
		printf("%-18s %8.4g %7u %6u %9.4g %9.4g %10.3g %10.3g %10.3g %8.4g  %s\n", kind->name, class->length_m,
		       class->n_links, s.n_open, s.margin_median_db, s.margin_worst_db, s.ber_median, s.ber_worst, s.cer_worst,
		       class->chain.total_w, name);
		return;
	}
	json_open_object(json, NULL);
	json_string(json, "kind", kind->name);
	json_number(json, "length_m", class->length_m);
	json_integer(json, "links", class->n_links);
	json_integer(json, "cables_per_link", class->n_cables);
	json_integer(json, "not_closing", s.n_open);
	json_number(json, "margin_median_db", s.margin_median_db);
	json_number(json, "margin_worst_db", s.margin_worst_db);
	json_number(json, "ber_median", s.ber_median);
	json_number(json, "ber_worst", s.ber_worst);
	json_number(json, "codeword_error_ratio_worst", s.cer_worst);
	json_number(json, "cable_w", class->chain.total_w);
	json_string(json, "worst_link", name);
	json_close_object(json);
}

static int print_budget(const struct physics *physics, const struct fabric *fabric, bool as_json, bool warn)
{
	struct json *json = as_json ? json_new() : NULL;
	struct error err = {0};
	uint32_t n_open = 0, worst = 0;
	char name[256];
	if (json)
		json_open_object(json, NULL), json_open_array(json, "classes");
	else
		printf("%-18s %8s %7s %6s %9s %9s %10s %10s %10s %8s  %s\n", "kind", "m", "links", "open", "margin dB", "worst",
		       "BER", "worst", "CER worst", "W/cable", "worst link");
	for (uint32_t c = 0; c < physics->n_classes; c++)
		print_class(physics, fabric, c, json);
	if (json) {
		json_close_array(json);
		json_close_object(json);
		cli_print_json(json);
	}
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		n_open += physics->figures.margin_db[link] < 0;
		worst = physics->figures.margin_db[link] < physics->figures.margin_db[worst] ? link : worst;
	}
	if (!n_open)
		return 0;
	error_set(&err, ERROR_INPUT, "%u of %u links do not close; the worst is '%s', by %.2f dB", n_open, fabric->n_links,
		  fabric_link_name(fabric, worst, name, sizeof name), -physics->figures.margin_db[worst]);
	if (!warn)
		return cli_fail(&err);
	fprintf(stderr, "weft: warning: %s\n", err.message);
	return 0;
}

/* --- over many seeds ---------------------------------------------------------------------------------------------------- */

#define QUANTILES 3
static const double quantiles[QUANTILES] = {0.05, 0.5, 0.95};

/* Per class of links the worst margin of every sample. */
struct sampled {
	double *worst_db;      /* [classes][samples] */
	uint32_t *n_open;      /* [classes]: samples in which a link of the class does not close */
	uint32_t n_classes;
	size_t samples;
};

static int draw_samples(struct scenario *scenario, const struct fabric *fabric, struct sampled *out, struct error *err)
{
	int64_t seed = scenario->seed;
	for (size_t i = 0; i < out->samples; i++) {
		struct physics physics;
		scenario->seed = seed + (int64_t)i;
		if (physics_init(&physics, scenario, fabric, err))
			return -1;
		if (!i) {
			out->n_classes = physics.n_classes;
			out->worst_db = memory_zero(out->n_classes * out->samples + 1, sizeof *out->worst_db);
			out->n_open = memory_zero((size_t)out->n_classes + 1, sizeof *out->n_open);
		}
		for (uint32_t c = 0; c < out->n_classes; c++) {
			struct class_summary s = summarise(&physics, c);
			out->worst_db[c * out->samples + i] = s.margin_worst_db;
			out->n_open[c] += s.n_open > 0;
		}
		physics_release(&physics);
	}
	scenario->seed = seed;
	return 0;
}

static void print_sampled(const struct physics *physics, struct sampled *sampled, bool as_json)
{
	struct json *json = as_json ? json_new() : NULL;
	if (json) {
		json_open_object(json, NULL);
		json_integer(json, "samples", (int64_t)sampled->samples);
		json_open_array(json, "classes");
	} else {
		printf("%-18s %8s %7s %38s %12s\n", "kind", "m", "links", "worst margin dB: 5 %, median, 95 %", "not closing");
	}
	for (uint32_t c = 0; c < sampled->n_classes; c++) {
		double *worst_db = sampled->worst_db + c * sampled->samples, at[QUANTILES];
		const char *name = physics->kinds[physics->classes[c].kind].name;
		gsl_sort(worst_db, 1, sampled->samples);
		for (int q = 0; q < QUANTILES; q++)
			at[q] = gsl_stats_quantile_from_sorted_data(worst_db, 1, sampled->samples, quantiles[q]);
		if (!json) {
			printf("%-18s %8.4g %7u %16.4g %10.4g %10.4g %5u of %zu\n", name, physics->classes[c].length_m,
			       physics->classes[c].n_links, at[0], at[1], at[2], sampled->n_open[c], sampled->samples);
			continue;
		}
		json_open_object(json, NULL);
		json_string(json, "kind", name);
		json_number(json, "length_m", physics->classes[c].length_m);
		json_integer(json, "links", physics->classes[c].n_links);
		json_number(json, "margin_worst_q05_db", at[0]);
		json_number(json, "margin_worst_median_db", at[1]);
		json_number(json, "margin_worst_q95_db", at[2]);
		json_integer(json, "samples_not_closing", sampled->n_open[c]);
		json_close_object(json);
	}
	if (json) {
		json_close_array(json);
		json_close_object(json);
		cli_print_json(json);
	}
}

static int sample_budget(struct scenario *scenario, const struct fabric *fabric, const struct physics *physics, size_t samples, bool json)
{
	struct sampled sampled = {.samples = samples};
	struct error err = {0};
	int status = draw_samples(scenario, fabric, &sampled, &err) ? cli_fail(&err) : 0;
	if (!status)
		print_sampled(physics, &sampled, json);
	free(sampled.worst_db);
	free(sampled.n_open);
	return status;
}

int link_budget(const char *path, const struct scenario_overrides *overrides, size_t samples, bool json, bool warn)
{
	struct scenario scenario;
	struct fabric fabric;
	struct physics physics;
	struct error err = {0};
	int status;
	if (scenario_load(&scenario, path, overrides, &err))
		return cli_fail(&err);
	scenario.physics.budget = PHYSICS_BUDGET_IGNORE; /* all of them are shown, and judged here */
	if (fabric_build(&fabric, &scenario.topology, &err)) {
		scenario_release(&scenario);
		return cli_fail(&err);
	}
	if (physics_init(&physics, &scenario, &fabric, &err)) {
		status = cli_fail(&err);
	} else {
		status = samples ? sample_budget(&scenario, &fabric, &physics, samples, json)
				 : print_budget(&physics, &fabric, json, warn);
		physics_release(&physics);
	}
	fabric_release(&fabric);
	scenario_release(&scenario);
	return status;
}
