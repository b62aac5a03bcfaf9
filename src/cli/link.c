/* weft link: the catalogue, and what its figures add up to. */
#include <argp.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/link_budget.h"
#include "cli/link_compare.h"
#include "cli/link_wdm.h"
#include "cli/sets.h"
#include "link/catalogue.h"
#include "link/chain.h"
#include "link/plot.h"
#include "link/sleep.h"
#include "scenario/scenario.h"

enum {
	OPTION_SET = 256, OPTION_LENGTH, OPTION_JSON, OPTION_PLOT, OPTION_SAMPLES, OPTION_SEED, OPTION_PUE, OPTION_WARN, OPTION_POWER
};

struct options {
	const char *words[16];
	size_t n_words;
	const char *sets[64];
	size_t n_sets;
	const char *length, *plot;
	bool json, warn;
	int64_t samples, seed;
	double pue, powers[16];
	size_t n_powers;
	struct error error;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case OPTION_SET:
		if (o->n_sets == sizeof o->sets / sizeof o->sets[0])
			argp_error(state, "more than %zu --set", o->n_sets);
		o->sets[o->n_sets++] = argument;
		return 0;
	case OPTION_LENGTH: o->length = argument; return 0;
	case OPTION_JSON: o->json = true; return 0;
	case OPTION_WARN: o->warn = true; return 0;
	case OPTION_PLOT: o->plot = argument; return 0;
	case OPTION_SAMPLES:
		if (units_parse_integer(argument, QUANTITY_COUNT, &o->samples, &o->error) == 0 &&
		    (o->samples < 1 || o->samples > 10000000))
			error_set(&o->error, ERROR_INPUT, "--samples must be 1 to 10000000, not %s", argument);
		return 0;
	case OPTION_SEED: units_parse_integer(argument, QUANTITY_COUNT, &o->seed, &o->error); return 0;
	case OPTION_PUE:
		if (units_parse(argument, QUANTITY_NUMBER, &o->pue, &o->error) == 0 && o->pue < 1)
			error_set(&o->error, ERROR_INPUT,
			          "--pue of %s is less than 1: a building cannot use less than what stands in it", argument);
		return 0;
	case OPTION_POWER:
		if (o->n_powers == sizeof o->powers / sizeof o->powers[0])
			argp_error(state, "too many --power");
		if (units_parse(argument, QUANTITY_POWER, &o->powers[o->n_powers++], &o->error) == 0 &&
		    !(o->powers[o->n_powers - 1] > 0))
			error_set(&o->error, ERROR_INPUT, "--power of %s is not positive", argument);
		return 0;
	case ARGP_KEY_ARG:
		if (o->n_words == sizeof o->words / sizeof o->words[0])
			argp_error(state, "too many arguments");
		o->words[o->n_words++] = argument;
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option option_table[] = {
	{"set", OPTION_SET, "KEY=VALUE", 0, "show: replaces a figure or choice of the kind, with its unit: --set connectors=4 --set launch='-1 dBm'; budget: PATH=VALUE of the scenario", 0},
	{"length", OPTION_LENGTH, "LENGTH", 0, "show: of the cable, such as '20 m' (default: the kind's own)", 0},
	{"samples", OPTION_SAMPLES, "N", 0, "show, budget: draws every dB term N times (show: every range too; budget: by the seeds from the scenario's on) and prints medians with 5 % and 95 % quantiles", 0},
	{"seed", OPTION_SEED, "N", 0, "show: of those draws (default 0)", 0},
	{"warn", OPTION_WARN, NULL, 0, "show, budget: a budget that does not close is a warning instead of an error", 0},
	{"plot", OPTION_PLOT, "FILE", 0, "show: draws BER against received power (FILE.png or FILE.svg)", 0},
	{"pue", OPTION_PUE, "RATIO", 0, "compare: power usage effectiveness of the building (default 1.2)", 0},
	{"power", OPTION_POWER, "POWER", 0, "compare: of the first machine instead of the published one, such as '559 kW'; given again: of the next", 0},
	{"json", OPTION_JSON, NULL, 0, "results as JSON on standard output", 0},
	{0},
};
static const char documentation[] =
	"Link kinds: from the dB budget to the joule."
	"\v"
	"list prints every kind of the catalogue. show prints the whole chain of one kind: losses, received power, Q, bit errors, "
	"codeword errors, frame loss, replays, latency, power with the host's SerDes counted, price. budget prints the margin of every "
	"class of links of a scenario, with the terms that its seed draws. compare puts machines side by side: published power, what its "
	"parts explain, what a year costs in every tariff of the catalogue. wdm assigns wavelengths to demands over fibres (weft link wdm --help). keys prints the "
	"reference of all keys as Markdown.\n\n"
	"The catalogue is the shipped one plus the files and folders of WEFT_CATALOGUE_PATH (separated by ':'). docs/links.md explains "
	"every key.";

/* Chips, switches and the rest. */
static void list_components(const struct catalogue *catalogue, struct json *json)
{
	static const struct { enum component_figure figure; const char *key; } columns[] = {
		{COMPONENT_IDLE_POWER, "idle_w"}, {COMPONENT_POWER, "power_w"}, {COMPONENT_LATENCY, "latency_ns"}};
	if (json)
		json_open_array(json, "components");
	else
		printf("\n%-18s %-15s %10s %10s %10s  %s\n", "component", "category", "idle W", "most W", "ns", "summary");
	for (size_t i = 0; i < catalogue->n_components; i++) {
		const struct component_kind *c = &catalogue->components[i];
		if (json) {
			json_open_object(json, NULL);
			json_string(json, "name", c->name);
			json_string(json, "category", component_category_names[c->category]);
		} else {
			printf("%-18s %-15s", c->name, component_category_names[c->category]);
		}
		for (size_t k = 0; k < 3; k++) {
			double value = component_value(c, columns[k].figure) / component_figure_info(columns[k].figure)->scale;
			bool known = c->figures[columns[k].figure].known;
			if (json && known)
				json_number(json, columns[k].key, value);
			else if (!json && known)
				printf(" %10.5g", value);
			else if (!json)
				printf(" %10s", "-");
		}
		if (json)
			json_string(json, "summary", c->summary), json_close_object(json);
		else
			printf("  %s\n", c->summary ? c->summary : "");
	}
	if (json)
		json_close_array(json);
}

static int cmd_list(const struct catalogue *catalogue, const struct options *o)
{
	struct json *json = o->json ? json_new() : NULL;
	char power[96], reach[96];
	if (json)
		json_open_object(json, NULL), json_open_array(json, "kinds");
	else
		printf("%-18s %-12s %10s %-22s %-20s %s\n", "kind", "medium", "Gb/s", "W per module", "reach", "summary");
	for (size_t i = 0; i < catalogue->n_links; i++) {
		const struct link_kind *k = &catalogue->links[i];
		if (k->abstract)
			continue;
		if (json) {
			json_open_object(json, NULL);
			json_string(json, "name", k->name);
			json_string(json, "summary", k->summary);
			json_string(json, "medium", medium_names[k->medium]);
			json_number(json, "rate_bits_per_s", kind_value(k, FIGURE_RATE) * 8);
			json_number(json, "module_w", kind_value(k, FIGURE_MODULE_POWER));
			json_number(json, "reach_m", kind_value(k, FIGURE_REACH));
			json_close_object(json);
			continue;
		}
		printf("%-18s %-12s %10.5g %-22s %-20s %s\n", k->name, medium_names[k->medium],
		       kind_value(k, FIGURE_RATE) * 8e-9,
		       figure_format(power, sizeof power, FIGURE_MODULE_POWER, &k->figures[FIGURE_MODULE_POWER]),
		       figure_format(reach, sizeof reach, FIGURE_REACH, &k->figures[FIGURE_REACH]),
		       k->summary ? k->summary : "");
	}
	if (json)
		json_close_array(json);
	list_components(catalogue, json);
	if (json) {
		json_close_object(json);
		cli_print_json(json);
	}
	return 0;
}

/* One line of the chain; `offset` finds the number for intervals over samples. */
struct row {
	const char *key, *label, *unit;
	size_t offset;
	double scale;
	int kinds; /* 1 optical, 2 electrical, 3 both */
};
#define AT(field) offsetof(struct link_chain, field)
static const struct row rows[] = {
	{"length_m", "cable", "m", AT(length_m), 1, 3},
	{"launch_dbm", "launched OMA", "dBm", AT(launch_dbm), 1, 1},
	{"loss_db", "loss on the way", "dB", AT(loss_db), 1, 3},
	{"received_dbm", "received OMA", "dBm", AT(received_dbm), 1, 1},
	{"penalty_db", "eye penalty", "dB", AT(penalty_db), 1, 1},
	{"sensitivity_dbm", "sensitivity at the FEC limit", "dBm", AT(sensitivity_dbm), 1, 1},
	{"loss_limit_db", "loss that is equalised", "dB", AT(loss_limit_db), 1, 2},
	{"margin_db", "margin", "dB", AT(margin_db), 1, 3},
	{"q", "Q", "", AT(q), 1, 3},
	{"ber", "bit error ratio", "", AT(ber), 1, 3},
	{"ber_floor", "its floor at any power", "", AT(ber_floor), 1, 1},
	{"ber_limit", "limit of the code", "", AT(ber_limit), 1, 3},
	{"codeword_error_ratio", "codeword error ratio", "", AT(codeword_error_ratio), 1, 3},
	{"frame_loss_ratio", "frame loss ratio (64 B)", "", AT(frame_loss_ratio), 1, 3},
	{"codewords_per_s", "codewords, one way", "/s", AT(codewords_per_s), 1, 3},
	{"replays_per_s", "replays, one way", "/s", AT(replays_per_s), 1, 3},
	{"round_trip_ns", "retry round trip", "ns", AT(round_trip_ns), 1, 3},
	{"efficiency", "goodput after replays", "", AT(efficiency), 1, 3},
	{"propagation_ns", "propagation", "ns", AT(propagation_ns), 1, 3},
	{"modules_ns", "modules", "ns", AT(modules_ns), 1, 3},
	{"fec_fill_ns", "FEC block fill", "ns", AT(fec_fill_ns), 1, 3},
	{"fec_ns", "FEC processing", "ns", AT(fec_ns), 1, 3},
	{"phy_ns", "SerDes", "ns", AT(phy_ns), 1, 3},
	{"latency_ns", "latency, one way", "ns", AT(latency_ns), 1, 3},
	{"module_w", "modules, both ends", "W", AT(module_w), 1, 3},
	{"laser_w", "laser sources", "W", AT(laser_w), 1, 3},
	{"host_w", "host SerDes, both ends", "W", AT(host_w), 1, 3},
	{"total_w", "power of the cable", "W", AT(total_w), 1, 3},
	{"static_w", "of it always on", "W", AT(static_w), 1, 3},
	{"module_energy_pj_per_bit", "one module", "pJ/bit", AT(module_energy_pj), 1, 3},
	{"energy_pj_per_bit", "whole link with SerDes, full use", "pJ/bit", AT(energy_per_bit_pj), 1, 3},
	{"failures_per_year", "failures per year", "", AT(failures_per_year), 1, 3},
};
#define N_ROWS (sizeof rows / sizeof rows[0])

static double row_value(const struct row *row, const struct link_chain *chain)
{
	double value;
	memcpy(&value, (const char *)chain + row->offset, sizeof value);
	return value;
}

struct interval { double low, median, high; };

/* [samples][rows] → quantiles per row. */
static int sample_rows(const struct link_kind *kind, double length, const struct options *o, struct interval *intervals,
                       uint64_t *n_open, struct error *err)
{
	size_t n = (size_t)o->samples;
	double *values = malloc(n * N_ROWS * sizeof *values);
	if (!values)
		return error_set(err, ERROR_HOST, "no memory for %zu samples", n);
	*n_open = 0;
	for (size_t i = 0; i < n; i++) {
		struct random_stream ranges = random_stream((uint64_t)o->seed, "link.ranges", i),
				     terms = random_stream((uint64_t)o->seed, "link.draws", i);
		struct link_kind sample = link_kind_sample(kind, &ranges);
		struct link_draws draws = link_draw(&sample, &terms);
		struct link_chain chain;
		if (link_chain_evaluate(&sample, length, &draws, &chain, err)) {
			free(values);
			return -1;
		}
		*n_open += chain.margin_db < 0;
		for (size_t r = 0; r < N_ROWS; r++)
			values[r * n + i] = row_value(&rows[r], &chain);
	}
	for (size_t r = 0; r < N_ROWS; r++) {
		gsl_sort(values + r * n, 1, n);
		intervals[r] = (struct interval){gsl_stats_quantile_from_sorted_data(values + r * n, 1, n, 0.05),
		                                 gsl_stats_quantile_from_sorted_data(values + r * n, 1, n, 0.5),
		                                 gsl_stats_quantile_from_sorted_data(values + r * n, 1, n, 0.95)};
	}
	free(values);
	return 0;
}

static void print_figures(const struct link_kind *kind)
{
	char text[96];
	printf("%s: %s\n", kind->name, kind->summary ? kind->summary : "");
	printf("  medium %s, %s, FEC %s, retry %s, thresholds %s\n\n", medium_names[kind->medium],
	       modulation_names[kind->modulation], fec_names[kind->fec], retry_names[kind->retry],
	       thresholds_names[kind->thresholds]);
	printf("Figures (grade A primary, B second hand, C to be verified, U the user's)\n");
	for (enum figure_id id = 0; id < FIGURE_N; id++) {
		const struct figure *f = &kind->figures[id];
		if (f->known && f->grade != ' ')
			printf("  %-20s %-34s %c  %s\n", figure_info(id)->key, figure_format(text, sizeof text, id, f),
			       f->grade, f->source ? f->source : "");
	}
}

/* Bit error ratios of links of one kind, each with its own drawn terms: what a fleet is, all modules at their kind's likely figures or
 * (`ranges`) every module somewhere within the ranges that its kind's figures have. */
struct fleet { double median, p99; };

static struct fleet fleet_quantiles(const struct link_kind *kind, double length, const struct options *o, bool ranges)
{
	size_t n = (size_t)o->samples;
	double *bers = memory_alloc(n * sizeof *bers);
	struct fleet fleet;
	for (size_t i = 0; i < n; i++) {
		struct random_stream figures = random_stream((uint64_t)o->seed, "link.ranges", i),
				     terms = random_stream((uint64_t)o->seed, "link.draws", i);
		struct link_kind module = ranges ? link_kind_sample(kind, &figures) : *kind;
		struct link_draws draws = link_draw(&module, &terms);
		struct link_chain chain;
		link_chain_evaluate(&module, length, &draws, &chain, NULL); /* the kind's own check has passed: its reach is not drawn */
		bers[i] = chain.ber;
	}
	gsl_sort(bers, 1, n);
	fleet = (struct fleet){gsl_stats_quantile_from_sorted_data(bers, 1, n, 0.5), gsl_stats_quantile_from_sorted_data(bers, 1, n, 0.99)};
	free(bers);
	return fleet;
}

static const struct fleet_reading { const char *label, *key; bool ranges; } fleet_readings[] = {
	{"a fleet at the likely figures", "fleet", false}, {"every module within the ranges", "fleet_ranges", true}};

/* Simulated over published, in powers of ten. */
static double decades(const struct link_kind *kind, enum figure_id published, double simulated)
{
	return log10(simulated / kind_value(kind, published));
}

static void print_fleet(const struct link_kind *kind, double length, const struct options *o)
{
	printf("published fleet, to compare:    median BER %8.3g, 99th percentile %8.3g\n", kind_value(kind, FIGURE_FLEET_MEDIAN),
	       kind_value(kind, FIGURE_FLEET_P99));
	for (size_t i = 0; i < 2; i++) {
		struct fleet fleet = fleet_quantiles(kind, length, o, fleet_readings[i].ranges);
		printf("%-31s median BER %8.3g, 99th percentile %8.3g; decades off: %+.2f, %+.2f\n", fleet_readings[i].label, fleet.median,
		       fleet.p99, decades(kind, FIGURE_FLEET_MEDIAN, fleet.median), decades(kind, FIGURE_FLEET_P99, fleet.p99));
	}
}

static void json_fleet(struct json *json, const struct link_kind *kind, double length, const struct options *o)
{
	for (size_t i = 0; i < 2; i++) {
		struct fleet fleet = fleet_quantiles(kind, length, o, fleet_readings[i].ranges);
		json_open_object(json, fleet_readings[i].key);
		json_number(json, "median_ber", fleet.median);
		json_number(json, "p99_ber", fleet.p99);
		json_number(json, "median_decades_off", decades(kind, FIGURE_FLEET_MEDIAN, fleet.median));
		json_number(json, "p99_decades_off", decades(kind, FIGURE_FLEET_P99, fleet.p99));
		json_close_object(json);
	}
}

/* What the kind's figures say of every way to rest; a folded link keeps one lane. */
static void print_rests(const struct link_kind *kind, const struct link_chain *chain)
{
	struct link_rest rest;
	bool any = false;
	for (enum rest r = 0; r < REST_N; r++) {
		if (link_rest(kind, chain, r, 1, &rest, NULL))
			continue;
		if (!any)
			printf("\nPower states           always-on W     wakes in us  pays when idle for us\n");
		any = true;
		printf("  %-18s %12.5g %15.5g %22.5g\n", rest_names[r], rest.share * chain->static_w, rest.wake_s * 1e6, rest.break_even_s * 1e6);
	}
}

static void json_rests(struct json *json, const struct link_kind *kind, const struct link_chain *chain)
{
	struct link_rest rest;
	json_open_object(json, "power_states");
	for (enum rest r = 0; r < REST_N; r++) {
		if (link_rest(kind, chain, r, 1, &rest, NULL))
			continue;
		json_open_object(json, rest_names[r]);
		json_number(json, "always_on_w", rest.share * chain->static_w);
		json_number(json, "wake_s", rest.wake_s);
		json_number(json, "break_even_s", rest.break_even_s);
		json_close_object(json);
	}
	json_close_object(json);
}

static void print_chain(const struct link_kind *kind, const struct link_chain *chain, const struct interval *intervals,
                        const struct options *o, uint64_t n_open)
{
	printf("\nChain%s\n", intervals ? " (likely value; median, 5 % .. 95 % of the samples)" : "");
	for (size_t r = 0; r < N_ROWS; r++) {
		const struct row *row = &rows[r];
		if (!(row->kinds & (chain->optical ? 1 : 2)))
			continue;
		printf("  %-34s %12.5g%s%s", row->label, row_value(row, chain), row->unit[0] ? " " : "", row->unit);
		if (intervals)
			printf("%*s %12.5g  %.5g .. %.5g", 7 - (int)strlen(row->unit) + !row->unit[0], "", intervals[r].median, intervals[r].low, intervals[r].high);
		putchar('\n');
	}
	if (chain->price_known)
		printf("  %-34s %12.5g $\n", "price of modules and cable", chain->price);
	print_rests(kind, chain);
	if (intervals)
		printf("\n%llu of %lld sampled links do not close\n", (unsigned long long)n_open, (long long)o->samples);
	if (intervals && kind->figures[FIGURE_FLEET_MEDIAN].known)
		print_fleet(kind, chain->length_m, o);
}

static void show_json(const struct link_kind *kind, const struct link_chain *chain, const struct interval *intervals,
                      const struct options *o, uint64_t n_open)
{
	struct json *json = json_new();
	json_open_object(json, NULL);
	json_string(json, "name", kind->name);
	json_string(json, "summary", kind->summary);
	json_string(json, "medium", medium_names[kind->medium]);
	json_string(json, "modulation", modulation_names[kind->modulation]);
	json_string(json, "fec", fec_names[kind->fec]);
	json_string(json, "retry", retry_names[kind->retry]);
	json_open_object(json, "figures");
	for (enum figure_id id = 0; id < FIGURE_N; id++) {
		const struct figure *f = &kind->figures[id];
		char grade[2] = {f->grade, '\0'};
		if (!f->known || f->grade == ' ')
			continue;
		json_open_object(json, figure_info(id)->key);
		json_number(json, "low", f->low / figure_info(id)->scale);
		json_number(json, "typical", f->typical / figure_info(id)->scale);
		json_number(json, "high", f->high / figure_info(id)->scale);
		json_string(json, "unit", figure_info(id)->unit);
		json_string(json, "grade", grade);
		json_string(json, "source", f->source);
		json_close_object(json);
	}
	json_close_object(json);
	json_open_object(json, "chain");
	for (size_t r = 0; r < N_ROWS; r++)
		if (rows[r].kinds & (chain->optical ? 1 : 2))
			json_number(json, rows[r].key, row_value(&rows[r], chain));
	if (chain->price_known)
		json_number(json, "price", chain->price);
	json_close_object(json);
	json_rests(json, kind, chain);
	if (intervals) {
		json_integer(json, "samples", o->samples);
		json_integer(json, "samples_not_closing", (int64_t)n_open);
		if (kind->figures[FIGURE_FLEET_MEDIAN].known)
			json_fleet(json, kind, chain->length_m, o);
		json_open_object(json, "intervals");
		for (size_t r = 0; r < N_ROWS; r++) {
			if (!(rows[r].kinds & (chain->optical ? 1 : 2)))
				continue;
			json_open_object(json, rows[r].key);
			json_number(json, "q05", intervals[r].low);
			json_number(json, "median", intervals[r].median);
			json_number(json, "q95", intervals[r].high);
			json_close_object(json);
		}
		json_close_object(json);
	}
	json_close_object(json);
	cli_print_json(json);
}

static int apply_sets(struct link_kind *kind, const struct options *o, struct error *err)
{
	for (size_t i = 0; i < o->n_sets; i++) {
		const char *equals = strchr(o->sets[i], '=');
		char key[64];
		if (!equals || equals == o->sets[i] || (size_t)(equals - o->sets[i]) >= sizeof key)
			return error_set(err, ERROR_INPUT, "--set '%s' is not KEY=VALUE", o->sets[i]);
		snprintf(key, sizeof key, "%.*s", (int)(equals - o->sets[i]), o->sets[i]);
		if (link_kind_set(kind, key, equals + 1, 'U', "--set", err))
			return error_prefix(err, "--set");
	}
	return link_kind_check(kind, err);
}

static int cmd_show(const struct catalogue *catalogue, const struct options *o)
{
	struct error err = {0};
	const struct link_kind *found = o->n_words == 2 ? catalogue_link(catalogue, o->words[1], &err) : NULL;
	struct link_kind kind;
	struct link_chain chain;
	struct interval intervals[N_ROWS];
	double length = -1;
	uint64_t n_open = 0;
	if (o->n_words != 2)
		error_set(&err, ERROR_INPUT, "link show takes one kind (`weft link list` prints them)");
	if (err.code)
		return cli_fail(&err);
	kind = *found;
	if (o->length && units_parse(o->length, QUANTITY_LENGTH, &length, &err))
		return error_prefix(&err, "--length"), cli_fail(&err);
	if (o->length && length < 0)
		return error_set(&err, ERROR_INPUT, "--length of %s is negative", o->length), cli_fail(&err);
	if (apply_sets(&kind, o, &err) || link_chain_evaluate(&kind, length, NULL, &chain, &err))
		return cli_fail(&err);
	if (link_chain_close(&kind, &chain, &err)) {
		if (!o->warn)
			return cli_fail(&err);
		fprintf(stderr, "weft: warning: %s\n", err.message);
		error_clear(&err);
	}
	if (o->samples && sample_rows(&kind, length, o, intervals, &n_open, &err))
		return cli_fail(&err);
	if (o->plot && link_plot(&kind, &chain, o->plot, &err))
		return cli_fail(&err);
	if (o->json) {
		show_json(&kind, &chain, o->samples ? intervals : NULL, o, n_open);
		return 0;
	}
	print_figures(&kind);
	print_chain(&kind, &chain, o->samples ? intervals : NULL, o, n_open);
	return 0;
}

static int cmd_compare(const struct catalogue *catalogue, const struct options *o)
{
	struct link_compare compare = {catalogue, o->words + 1, o->n_words - 1, o->powers, o->n_powers, o->pue, o->json};
	return link_compare(&compare);
}

static void print_keys(const char *heading, const struct figure_info *(*info_of)(int), int n)
{
	printf("\n### %s\n\n| key | unit | default | meaning |\n|---|---|---|---|\n", heading);
	for (int i = 0; i < n; i++) {
		const struct figure_info *info = info_of(i);
		printf("| `%s` | %s | %s | %s |\n", info->key, units_expected(info->quantity),
		       info->default_value ? info->default_value : "not known", info->text);
	}
}

static const struct figure_info *link_info(int i) { return figure_info((enum figure_id)i); }
static const struct figure_info *component_info(int i) { return component_figure_info((enum component_figure)i); }

static void print_choice(const char *key, const char *const *names, int n)
{
	printf("- `%s`:", key);
	for (int i = 0; i < n; i++)
		printf("%s `%s`", i ? "," : "", names[i]);
	putchar('\n');
}

/* The reference at the end of docs/links.md. */
static int cmd_keys(const struct catalogue *catalogue, const struct options *o)
{
	(void)catalogue, (void)o;
	puts("### Choices of a link kind\n");
	print_choice("medium", medium_names, MEDIUM_N);
	print_choice("modulation", modulation_names, MODULATION_N);
	print_choice("thresholds", thresholds_names, 2);
	print_choice("fec", fec_names, FEC_N);
	print_choice("retry", retry_names, RETRY_N);
	print_keys("Figures of a link kind", link_info, FIGURE_N);
	print_keys("Figures of a component", component_info, COMPONENT_FIGURES);
	return 0;
}

static int cmd_budget(const struct catalogue *catalogue, const struct options *o)
{
	struct error err = {0};
	struct sets sets = {0};
	int status;
	(void)catalogue;
	if (o->n_words != 2)
		return error_set(&err, ERROR_INPUT, "link budget takes one scenario"), cli_fail(&err);
	for (size_t i = 0; i < o->n_sets; i++)
		sets_add(&sets, NULL, "%s", o->sets[i]);
	status = link_budget(o->words[1], &(struct scenario_overrides){sets.list, sets.n}, (size_t)o->samples, o->json, o->warn);
	sets_release(&sets);
	return status;
}

static int run_link(int argc, char **argv)
{
	static const struct argp argp = {
		option_table, parse_option, "list\nshow KIND\nbudget SCENARIO\ncompare MACHINE...\nwdm TOPOLOGY|DEMANDS.yaml\nkeys", documentation, NULL,
		NULL,         NULL};
	static const struct cli_action actions[] = {
		{"list", "json"}, {"show", "json set length samples seed warn plot"}, {"budget", "json set samples warn"},
		{"compare", "json pue power"}, {"keys", ""}};
	static int (*const runs[])(const struct catalogue *, const struct options *) = {cmd_list, cmd_show, cmd_budget, cmd_compare, cmd_keys};
	struct options options = {.pue = 1.2};
	struct catalogue catalogue;
	size_t action;
	static char wdm_name[] = "weft link wdm";
	if (argc > 1 && !strcmp(argv[1], "wdm")) { /* has options of its own */
		argv[1] = wdm_name;
		return link_wdm(argc - 1, argv + 1);
	}
	int status = cli_parse_action(&argp, actions, sizeof actions / sizeof *actions, argc, argv, &options, &action);
	if (status)
		return status;
	if (!options.n_words)
		error_set(&options.error, ERROR_INPUT, "link needs an action (known: list, show, budget, compare, wdm, keys)");
	if (options.error.code || catalogue_init(&catalogue, &options.error))
		return cli_fail(&options.error);
	status = runs[action](&catalogue, &options);
	catalogue_release(&catalogue);
	return status;
}

const struct command command_link = {"link", "link kinds: the chain from dB to pJ/bit, machines' power compared", run_link};
