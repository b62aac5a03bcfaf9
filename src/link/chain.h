/* The whole chain of one link: dB → received power → Q → BER → codeword errors → frame loss, replays, latency → watts, pJ/bit,
 * money. A pure function of a kind, a length and the dB terms drawn for this one link. */
#ifndef WEFT_LINK_CHAIN_H
#define WEFT_LINK_CHAIN_H

#include <stdbool.h>

#include "link/kind.h"

struct random_stream;

/* What differs from the kind's likely values on one link, dB of loss each (negative: better than likely). */
struct link_draws {
	double launch_db, connector_db, contamination_db, ageing_db;
	double added_db; /* what the user puts on it: "+3 dB on one connector" */
};

struct link_chain {
	/* Budget. Optical: OMA per lane; electrical: channel loss against what the receiver equalises. */
	bool optical;
	double length_m;
	double launch_dbm, loss_db, received_dbm, penalty_db, sensitivity_dbm;
	double loss_limit_db;
	double levels_w[4], noise_a[4], half_eye_a;
	double margin_db;           /* < 0: does not close; -INFINITY: a noise floor above the limit */
	double ber_limit, q, ber, ber_floor;
	/* Coding. */
	double line_bits_per_s, symbol_error_ratio, codeword_error_ratio, frame_loss_ratio;
	double codewords_per_s, codeword_payload_bytes;
	unsigned interleaved;
	/* Retry. */
	double unit_ns, round_trip_ns, window_units, efficiency, replays_per_s;
	/* Latency, ns; `switch` is not a link's business. */
	double propagation_ns, modules_ns, fec_fill_ns, fec_ns, phy_ns, latency_ns;
	/* Power of the whole cable with both ends: modules, lasers, host SerDes. */
	double module_w, laser_w, host_w, total_w, static_w, bit_energy_pj; /* dynamic part, per bit carried one way */
	double energy_per_bit_pj;   /* total_w over both directions' bits at full rate: what a bit costs one way, both ends */
	double module_energy_pj;    /* one module's watts over its one-way rate: as vendors print it */
	double n_components;        /* modules, else copper pairs, else 1: the cable */
	double price, failures_per_year;
	bool price_known, failures_known;
};

/* Draws launch spread, connector spread, contamination and ageing of one link. */
struct link_draws link_draw(const struct link_kind *kind, struct random_stream *stream);
double link_draws_db(const struct link_draws *draws);
/* Every ranged figure at a value drawn from the triangle (low, typical, high): the kind itself as one of those that could be. */
struct link_kind link_kind_sample(const struct link_kind *kind, struct random_stream *stream);

/* length_m < 0: the kind's own. An error for a cable longer than its kind reaches. A budget that does not close is no error here:
 * see link_chain_close. */
int link_chain_evaluate(const struct link_kind *kind, double length_m, const struct link_draws *draws, struct link_chain *chain,
			struct error *err);
/* Replaces the drawn terms in a chain of the same kind and length: the rest stays. */
void link_chain_redraw(const struct link_kind *kind, const struct link_draws *draws, struct link_chain *chain);
/* -1 and by how many dB when the margin is negative. */
int link_chain_close(const struct link_kind *kind, const struct link_chain *chain, struct error *err);
/* BER of this kind at a received OMA (optical kinds), for plots and tables. */
double link_ber_at(const struct link_kind *kind, double received_dbm);

#endif
