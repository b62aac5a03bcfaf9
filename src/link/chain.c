#include "link/chain.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "base/time.h"
#include "link/failure.h"
#include "link/latency.h"
#include "link/power.h"

#define DAYS_PER_YEAR 365.0
#define PS_PER_DAY 86400e12

struct link_draws link_draw(const struct link_kind *kind, struct random_stream *stream)
{
	struct link_draws draws = {0};
	gsl_rng rng = random_gsl(stream);
	int connectors = (int)kind_value(kind, FIGURE_CONNECTORS);
	draws.launch_db = gsl_ran_gaussian(&rng, kind_value(kind, FIGURE_LAUNCH_SPREAD));
	for (int i = 0; i < connectors; i++) {
		/* No connector gains light: the spread is cut at its whole loss. */
		double spread = gsl_ran_gaussian(&rng, kind_value(kind, FIGURE_CONNECTOR_SPREAD));
		draws.connector_db += fmax(spread, -kind_value(kind, FIGURE_CONNECTOR_LOSS));
		if (random_uniform(stream) < kind_value(kind, FIGURE_CONTAMINATION))
			draws.contamination_db += gsl_ran_exponential(&rng, kind_value(kind, FIGURE_CONTAMINATION_LOSS));
	}
	draws.ageing_db = kind_value(kind, FIGURE_AGEING) * kind_value(kind, FIGURE_AGE) / PS_PER_DAY / DAYS_PER_YEAR;
	return draws;
}

double link_draws_db(const struct link_draws *d)
{
	return d->launch_db + d->connector_db + d->contamination_db + d->ageing_db + d->added_db;
}

/* Inverse of the triangular distribution (low, mode, high). */
static double triangle(double low, double mode, double high, double u)
{
	double cut = (mode - low) / (high - low);
	return u < cut ? low + sqrt(u * (high - low) * (mode - low)) : high - sqrt((1 - u) * (high - low) * (high - mode));
}

struct link_kind link_kind_sample(const struct link_kind *kind, struct random_stream *stream)
{
	struct link_kind sample = *kind;
	for (int id = 0; id < FIGURE_N; id++) {
		struct figure *f = &sample.figures[id];
		double u = random_uniform(stream); /* drawn for every figure: adding a range changes no other one */
		if (!f->known || f->low == f->high || figure_info((enum figure_id)id)->quantity == QUANTITY_COUNT ||
		    id == FIGURE_REACH)
			continue;
		f->low = f->typical = f->high = triangle(f->low, f->typical, f->high, u);
	}
	return sample;
}

static struct optical_receiver receiver_of(const struct link_kind *kind)
{
	const struct figure *rin = &kind->figures[FIGURE_RIN], *rin_oma = &kind->figures[FIGURE_RIN_OMA];
	return (struct optical_receiver){
		.responsivity_a_per_w = kind_value(kind, FIGURE_RESPONSIVITY),
		.noise_current_a_per_sqrt_hz = kind_value(kind, FIGURE_NOISE_CURRENT),
		.bandwidth_hz = kind_value(kind, FIGURE_NOISE_BANDWIDTH) * kind_value(kind, FIGURE_SYMBOL_RATE),
		.rin_db_per_hz = rin->known ? rin->typical : -INFINITY,
		.rin_oma_db_per_hz = rin_oma->known ? rin_oma->typical : -INFINITY,
	};
}

static struct optical_signal signal_of(const struct link_kind *kind)
{
	return (struct optical_signal){
		.modulation = kind->modulation,
		.thresholds = kind->thresholds,
		.extinction_ratio_db = kind_value(kind, FIGURE_EXTINCTION_RATIO),
		.penalty_db = kind_value(kind, FIGURE_TDECQ) + kind_value(kind, FIGURE_MPI_PENALTY) +
	                      kind_value(kind, FIGURE_CROSSTALK_PENALTY) + kind_value(kind, FIGURE_DISPERSION_PENALTY),
	};
}

double link_ber_at(const struct link_kind *kind, double received_dbm)
{
	struct optical_receiver rx = receiver_of(kind);
	struct optical_signal signal = signal_of(kind);
	return optical_ber(&signal, &rx, received_dbm);
}

static void optical_budget(const struct link_kind *kind, const struct link_draws *draws, struct link_chain *c)
{
	struct optical_receiver rx = receiver_of(kind);
	struct optical_signal signal = signal_of(kind);
	struct optical_losses losses = {
		.fibre_km = c->length_m / 1000,
		.fibre_db_per_km = kind_value(kind, FIGURE_FIBRE_LOSS),
		.n_connectors = kind_value(kind, FIGURE_CONNECTORS),
		.connector_db = kind_value(kind, FIGURE_CONNECTOR_LOSS),
		.switch_db = kind_value(kind, FIGURE_SWITCH_LOSS),
		.mux_db = kind_value(kind, FIGURE_MUX_LOSS),
		.circulator_db = kind_value(kind, FIGURE_CIRCULATOR_LOSS),
		.coupling_db = kind_value(kind, FIGURE_COUPLING_LOSS),
		.other_db = kind_value(kind, FIGURE_EXTRA_LOSS) + draws->connector_db + draws->contamination_db + draws->added_db,
	};
	double oma;
	c->launch_dbm = kind_value(kind, FIGURE_LAUNCH) - draws->launch_db - draws->ageing_db; /* terms of the laser */
	c->loss_db = optical_loss_db(&losses);
	c->received_dbm = c->launch_dbm - c->loss_db;
	c->penalty_db = signal.penalty_db;
	oma = watts_from_dbm(c->received_dbm);
	optical_levels(oma, signal.extinction_ratio_db, c->levels_w);
	for (int i = 0; i < 4; i++)
		c->noise_a[i] = receiver_noise_a(&rx, c->levels_w[i], oma);
	c->half_eye_a = eye_half_a(&signal, &rx, oma);
	c->ber = optical_ber(&signal, &rx, c->received_dbm);
	c->margin_db = c->received_dbm - c->sensitivity_dbm;
}

static void sensitivity(const struct link_kind *kind, struct link_chain *c)
{
	struct optical_receiver rx = receiver_of(kind);
	struct optical_signal signal = signal_of(kind);
	c->ber_floor = optical_ber_floor(&signal, &rx);
	/* No sensitivity: the noise floor lies above what the code corrects. */
	if (optical_sensitivity_dbm(&signal, &rx, c->ber_limit, &c->sensitivity_dbm, NULL))
		c->sensitivity_dbm = INFINITY;
}

/* The receiver equalises `loss_limit` and then has the Q of `ber_at_limit`; its noise does not depend on the channel, so every dB
 * less (of voltage, 20 log) is a dB more of Q. */
static void electrical_budget(const struct link_kind *kind, const struct link_draws *draws, struct link_chain *c)
{
	double q_limit = 0;
	c->loss_db = kind_value(kind, FIGURE_CABLE_LOSS) * c->length_m / 1000 + kind_value(kind, FIGURE_FIXED_LOSS) +
		     kind_value(kind, FIGURE_EXTRA_LOSS) + link_draws_db(draws);
	c->loss_limit_db = kind_value(kind, FIGURE_LOSS_LIMIT);
	q_from_ber(kind->modulation, kind_value(kind, FIGURE_BER_AT_LIMIT), &q_limit, NULL);
	c->ber = ber_from_q(kind->modulation, q_limit * pow(10, (c->loss_limit_db - c->loss_db) / 20));
	c->margin_db = c->loss_limit_db - c->loss_db;
}

static void coding(const struct link_kind *kind, struct link_chain *c)
{
	const struct fec_parameters *fec = fec_parameters(kind->fec);
	double nominal = kind_value(kind, FIGURE_RATE) * 8;
	c->line_bits_per_s = nominal * fec->rate_overhead;
	c->interleaved = fec_interleaving(nominal);
	c->symbol_error_ratio = fec_symbol_error_ratio(c->ber, FEC_SYMBOL_BITS);
	c->codeword_error_ratio = fec_codeword_error_ratio_bursts(kind->fec, c->ber, kind_value(kind, FIGURE_BURST));
	c->frame_loss_ratio = fec_frame_loss_ratio(kind->fec, c->codeword_error_ratio, c->interleaved);
	/* A link without a code loses what it cannot deliver in units of its retry. */
	c->codeword_payload_bytes = kind->retry != RETRY_NONE || !fec->n ? retry_parameters(kind->retry)->payload_bytes
	                                                                 : fec->k * FEC_SYMBOL_BITS / 8.0;
	c->codewords_per_s =
		fec->n ? c->line_bits_per_s / (fec->n * FEC_SYMBOL_BITS * (kind->fec == FEC_RS544_INNER ? 128.0 / 120 : 1))
		       : nominal / (c->codeword_payload_bytes * 8);
	c->fec_fill_ns = fec->n ? fec_block_fill_ns(kind->fec, c->interleaved, c->line_bits_per_s) : 0;
}

static void latency(const struct link_kind *kind, struct link_chain *c)
{
	double ns_per_m = kind->figures[FIGURE_GROUP_INDEX].known ? propagation_index_ns_per_m(kind_value(kind, FIGURE_GROUP_INDEX))
			: kind->figures[FIGURE_VELOCITY].known	  ? propagation_velocity_ns_per_m(kind_value(kind, FIGURE_VELOCITY))
								  : propagation_index_ns_per_m(1);
	c->propagation_ns = c->length_m * ns_per_m;
	c->modules_ns = kind_value(kind, FIGURE_MODULES) * kind_value(kind, FIGURE_MODULE_LATENCY) / PS_PER_NS;
	c->fec_ns = kind_value(kind, FIGURE_FEC_LATENCY) / PS_PER_NS;
	c->phy_ns = kind_value(kind, FIGURE_PHY_LATENCY) / PS_PER_NS;
	c->latency_ns = c->propagation_ns + c->modules_ns + c->fec_fill_ns + c->fec_ns + c->phy_ns;
}

static void retry(const struct link_kind *kind, struct link_chain *c)
{
	const struct retry_parameters *parameters = retry_parameters(kind->retry);
	c->unit_ns = 1e9 / c->codewords_per_s;
	c->round_trip_ns = retry_round_trip_ns(c->propagation_ns + c->modules_ns, c->fec_fill_ns + c->fec_ns + c->phy_ns,
					       kind_value(kind, FIGURE_RETRY_PROCESSING) / PS_PER_NS);
	c->window_units = retry_window_units(c->round_trip_ns, c->unit_ns);
	c->efficiency = 1;
	if (kind->retry == RETRY_NONE)
		return;
	c->efficiency = retry_go_back_n_efficiency(c->codeword_error_ratio, c->window_units);
	if (parameters->window_units && c->window_units > parameters->window_units)
		c->efficiency *= parameters->window_units / c->window_units;
	c->replays_per_s = c->codeword_error_ratio * c->codewords_per_s;
}

static void power(const struct link_kind *kind, struct link_chain *c)
{
	double bits = kind_value(kind, FIGURE_RATE) * 8, share = kind_value(kind, FIGURE_STATIC_SHARE);
	const struct figure *price = &kind->figures[FIGURE_MODULE_PRICE], *fit = &kind->figures[FIGURE_FAILURE_RATE];
	double modules = kind_value(kind, FIGURE_MODULES), per_module = kind_value(kind, FIGURE_MODULE_POWER);
	/* A passive cable's own figure (below 0.1 W) is for the cable. */
	c->module_w = (modules > 0 ? modules : 1) * per_module;
	c->laser_w = modules * kind_value(kind, FIGURE_LASER_POWER);
	/* A SerDes at each end, each counted as the energy of the bits it sends (its receiver included), both ways. */
	c->host_w = 2 * kind_value(kind, FIGURE_HOST_ENERGY) * 1e-12 * bits;
	c->total_w = c->module_w + c->laser_w + c->host_w;
	c->static_w = share * c->total_w;
	c->bit_energy_pj = (1 - share) * c->total_w / (2 * bits) * 1e12;
	c->energy_per_bit_pj = c->total_w / (2 * bits) * 1e12;
	c->module_energy_pj = modules > 0 ? energy_per_bit_pj(per_module, bits) : 0;
	c->price_known = price->known || kind->figures[FIGURE_CABLE_PRICE].known;
	c->price = modules * kind_value(kind, FIGURE_MODULE_PRICE) + kind_value(kind, FIGURE_CABLE_PRICE);
	c->failures_known = fit->known;
	c->n_components = modules > 0 ? modules : fmax(kind_value(kind, FIGURE_PAIRS), 1);
	c->failures_per_year = c->n_components * afr_from_fit(kind_value(kind, FIGURE_FAILURE_RATE));
}

void link_chain_redraw(const struct link_kind *kind, const struct link_draws *draws, struct link_chain *c)
{
	if (kind->medium == MEDIUM_IDEAL)
		return;
	(c->optical ? optical_budget : electrical_budget)(kind, draws, c);
	if (q_from_ber(kind->modulation, c->ber, &c->q, NULL))
		c->q = c->ber > 0 ? 0 : INFINITY;
	coding(kind, c);
	retry(kind, c);
}

int link_chain_evaluate(const struct link_kind *kind, double length_m, const struct link_draws *draws, struct link_chain *c,
                        struct error *err)
{
	static const struct link_draws none;
	memset(c, 0, sizeof *c);
	c->length_m = length_m >= 0 ? length_m : kind_value(kind, FIGURE_LENGTH);
	c->optical = link_kind_is_optical(kind);
	c->efficiency = 1;
	c->margin_db = INFINITY;
	if (kind->medium == MEDIUM_IDEAL)
		return 0;
	if (c->length_m > kind->figures[FIGURE_REACH].high)
		return error_set(err, ERROR_INPUT, "a cable of %.6g m is longer than link kind '%s' reaches (%.6g m)",
		                 c->length_m, kind->name, kind->figures[FIGURE_REACH].high);
	c->ber_limit = fec_parameters(kind->fec)->ber_limit;
	if (c->optical)
		sensitivity(kind, c);
	coding(kind, c);
	latency(kind, c); /* a retry's round trip has it */
	link_chain_redraw(kind, draws ? draws : &none, c);
	power(kind, c);
	return 0;
}

int link_chain_close(const struct link_kind *kind, const struct link_chain *c, struct error *err)
{
	if (c->margin_db >= 0)
		return 0;
	if (isinf(c->margin_db))
		return error_set(err, ERROR_INPUT,
		                 "the budget of link kind '%s' does not close at any power: its noise floor is BER %.3g, %s "
		                 "corrects %.3g",
		                 kind->name, c->ber_floor, fec_names[kind->fec], c->ber_limit);
	if (c->optical)
		return error_set(
			err, ERROR_INPUT,
			"the budget of link kind '%s' does not close by %.2f dB: %.2f dBm arrive, BER %.3g needs %.2f dBm",
			kind->name, -c->margin_db, c->received_dbm, c->ber_limit, c->sensitivity_dbm);
	return error_set(err, ERROR_INPUT,
	                 "the budget of link kind '%s' does not close by %.2f dB: the channel loses %.2f dB, its receiver "
	                 "equalises %.2f dB",
	                 kind->name, -c->margin_db, c->loss_db, c->loss_limit_db);
}
