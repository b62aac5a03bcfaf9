/* What physics adds to a timeline: budgets and errors per link, energy per link and bin, and the group /energy. */
#include <stdlib.h>

#include "base/memory.h"
#include "link/account.h"
#include "scenario/energy.h"
#include "timeline/recorder_internal.h"

static void write_column(struct recorder *recorder, const char *name, const char *units, const char *text, const double *values)
{
	const struct dimension *rows = &recorder->links.links;
	struct variable variable = {.name = name, .type = VALUE_F64, .units = units, .text = text};
	file_write_variable(&recorder->file, recorder->links.group, &variable, &rows, 1, values);
}

static void write_budgets(struct recorder *recorder, const struct link_figures *figures)
{
	write_column(recorder, "ber", "1", "bit error ratio before correction", figures->ber);
	write_column(recorder, "codeword_error_ratio", "1", "codewords that correction cannot save",
	             figures->codeword_error_ratio);
	write_column(recorder, "loss_db", "dB", "between transmitter and receiver", figures->loss_db);
	write_column(recorder, "added_loss_db", "dB", "of it drawn for this link, or put on it by the scenario",
	             figures->added_db);
	write_column(recorder, "received_dbm", "dBm", "outer modulation amplitude; not a number: electrical",
	             figures->received_dbm);
	write_column(recorder, "margin_db", "dB", "left before the code's limit", figures->margin_db);
}

static int64_t cell(const struct bins *bins, enum bins_extra column, size_t index)
{
	return bins->extra[column] ? bins->extra[column][index] : 0;
}

/* Energy of a link in every bin: differences of one exact function of time and bytes, so that their sum is its value at the end. */
static int64_t fill_row(const struct bins *bins, const struct link_figures *figures, uint32_t link, uint32_t n, int64_t end_ps,
                        int64_t *row)
{
	struct link_meter meter = link_meter_start(figures, link);
	int64_t bytes = 0, before = 0;
	for (uint32_t bin = 0; bin < n; bin++) {
		size_t index = (size_t)bins_at(bins, link, bin);
		int64_t time_ps = bin + 1 == n ? end_ps : (bin + 1) * bins->width_ps, sum;
		bytes += bins->bytes[index] + cell(bins, BINS_OVERHEAD, index); /* replays are overhead */
		sum = link_meter_pj(&meter, time_ps, bytes);
		row[bin] = sum - before;
		before = sum;
	}
	return before;
}

static void write_energy_bins(struct recorder *recorder, const struct link_figures *figures, int64_t end_ps)
{
	const struct bins *bins = &recorder->bins;
	const struct dimension *both[2] = {&recorder->links.time, &recorder->links.links}, *rows[1] = {&recorder->links.links};
	static const struct variable energy = {
		.name = "energy_pj", .type = VALUE_I64, .units = "pJ", .text = "modules, lasers and SerDes of this direction"};
	static const struct variable total = {
		.name = "total_energy_pj", .type = VALUE_I64, .units = "pJ", .text = "of the whole run"};
	uint32_t n = bins_count(bins, end_ps > bins->end_ps ? end_ps : bins->end_ps), n_links = bins->n_links, step = 256;
	hsize_t size[2] = {n, n_links};
	hid_t dataset = file_variable(&recorder->file, recorder->links.group, &energy, both, 2);
	int64_t *row = memory_alloc((size_t)n * sizeof *row), *block = memory_alloc((size_t)n * step * sizeof *block);
	int64_t *totals = memory_zero((size_t)n_links + 1, sizeof *totals);
	file_extend(&recorder->file, dataset, 2, size);
	for (uint32_t from = 0; from < n_links; from += step) {
		uint32_t many = n_links - from < step ? n_links - from : step;
		hsize_t start[2] = {0, from}, count[2] = {n, many};
		for (uint32_t i = 0; i < many; i++) {
			totals[from + i] = fill_row(bins, figures, from + i, n, end_ps, row);
			for (uint32_t bin = 0; bin < n; bin++)
				block[(size_t)bin * many + i] = row[bin];
		}
		file_write_box(&recorder->file, dataset, VALUE_I64, 2, start, count, block);
	}
	file_write_variable(&recorder->file, recorder->links.group, &total, rows, 1, totals);
	if (dataset > 0)
		H5Dclose(dataset);
	free(totals);
	free(block);
	free(row);
}

static void write_number(struct recorder *recorder, hid_t group, const char *name, const char *units, const char *text,
                         double value)
{
	struct variable variable = {.name = name, .type = VALUE_F64, .units = units, .text = text};
	file_write_variable(&recorder->file, group, &variable, NULL, 0, &value);
}

static void write_total(struct recorder *recorder, hid_t group, const char *name, const char *text, int64_t value)
{
	struct variable variable = {.name = name, .type = VALUE_I64, .units = "pJ", .text = text};
	file_write_variable(&recorder->file, group, &variable, NULL, 0, &value);
}

static void write_rows(struct recorder *recorder, hid_t group, const struct energy *energy)
{
	struct timeline_file *file = &recorder->file;
	uint32_t n = energy->n_rows;
	struct dimension rows = file_dimension(file, group, "part", n, false, 4096);
	const struct dimension *dimension = &rows;
	const char **categories = memory_zero((size_t)n + 1, sizeof *categories),
		   **names = memory_zero((size_t)n + 1, sizeof *names);
	double *counts = memory_zero((size_t)n + 1, sizeof *counts), *prices = memory_zero((size_t)n + 1, sizeof *prices);
	int64_t *energies = memory_zero((size_t)n + 1, sizeof *energies);
	for (uint32_t i = 0; i < n; i++) {
		categories[i] = energy->rows[i].category;
		names[i] = energy->rows[i].name;
		counts[i] = energy->rows[i].count;
		energies[i] = energy->rows[i].energy_pj;
		prices[i] = energy->rows[i].price;
	}
	file_write_variable(file, group, &(struct variable){.name = "category", .type = VALUE_TEXT}, &dimension, 1, categories);
	file_write_variable(file, group, &(struct variable){.name = "name", .type = VALUE_TEXT, .text = "catalogue name"},
	                    &dimension, 1, names);
	file_write_variable(
		file, group,
		&(struct variable){.name = "count", .type = VALUE_F64, .units = "1", .text = "things; cables for links"},
		&dimension, 1, counts);
	file_write_variable(file, group,
	                    &(struct variable){.name = "energy_pj",
	                                       .type = VALUE_I64,
	                                       .units = "pJ",
	                                       .text = "of the run; they add up to total_energy_pj"},
	                    &dimension, 1, energies);
	file_write_variable(
		file, group,
		&(struct variable){.name = "price", .type = VALUE_F64, .units = "1", .text = "dollars, 0: not known"},
		&dimension, 1, prices);
	free(energies);
	free(prices);
	free(counts);
	free(names);
	free(categories);
	file_close_dimension(&rows);
}

static void write_parts(struct recorder *recorder, hid_t group, const char *dimension_name, const struct variable *variable, uint32_t n,
			const int64_t *values)
{
	struct dimension rows = file_dimension(&recorder->file, group, dimension_name, n, false, 4096);
	const struct dimension *dimension = &rows;
	file_write_variable(&recorder->file, group, variable, &dimension, 1, values);
	file_close_dimension(&rows);
}

static void write_energy(struct recorder *recorder, const struct energy *energy)
{
	hid_t group = file_group(&recorder->file, "/energy", "joules and money of the run, by kind of part");
	static const struct variable nodes = {.name = "node_energy_pj", .type = VALUE_I64, .units = "pJ",
		.text = "chips and switches, by row of /nodes; with links_energy_pj and beside_energy_pj they add up to total_energy_pj"};
	static const struct variable components = {.name = "component_energy_pj", .type = VALUE_I64, .units = "pJ",
		.text = "modules, by row of /components: their part of links_energy_pj, not on top of it"};
	write_rows(recorder, group, energy);
	write_parts(recorder, group, "node", &nodes, energy->n_nodes, energy->node_pj);
	write_parts(recorder, group, "component", &components, energy->n_components, energy->component_pj);
	write_total(recorder, group, "total_energy_pj", "all parts, without the building", energy->total_pj);
	write_total(recorder, group, "links_energy_pj", "all links", energy->links_pj);
	write_total(recorder, group, "beside_energy_pj", "circuit switches, and parts of the machine that are not among /nodes", energy->beside_pj);
	write_number(recorder, group, "pue", "1", "power usage effectiveness of the building", energy->pue);
	write_number(recorder, group, "facility_j", "J", "with the building", energy->facility_j);
	write_number(recorder, group, "mean_w", "W", "without the building", energy->mean_w);
	write_number(recorder, group, "price_per_kwh", "1", "dollars", energy->price_per_kwh);
	write_number(recorder, group, "cost", "1", "dollars of the run", energy->cost);
	write_number(recorder, group, "kwh_per_year", "1", "kWh, this run again and again", energy->kwh_per_year);
	write_number(recorder, group, "cost_per_year", "1", "dollars, this run again and again", energy->cost_per_year);
	file_close_group(group);
}

void physics_write(struct recorder *recorder, const struct recorder_result *result)
{
	if (recorder->options.figures && recorder->options.budgets)
		write_budgets(recorder, recorder->options.figures);
	if (recorder->options.figures && (recorder->options.budgets || result->energy)) {
		write_energy_bins(recorder, recorder->options.figures, result->end_ps);
	}
	if (result->energy)
		write_energy(recorder, result->energy);
}
