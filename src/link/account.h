/* What physics says about every directed link of a run, and the energy it takes: exact integers, so that bins, links and totals
 * add up to the picojoule.
 *
 * A cable's power (both ends, host SerDes included) is shared evenly by the directed links that it carries. The energy of a link
 * up to time t after `bytes` crossed it is floor(static·t) + floor(per byte·bytes): a bin takes the difference of two such values,
 * and the sum of a link's bins is its total whatever the bins are. */
#ifndef WEFT_LINK_ACCOUNT_H
#define WEFT_LINK_ACCOUNT_H

#include <stdint.h>

#include "base/time.h"

struct link_figures {
	uint32_t n_links;
	/* [n_links] */
	double *received_dbm;      /* NAN: not optical */
	double *loss_db, *added_db, *margin_db; /* added: drawn terms and what the user put on it */
	double *ber, *codeword_error_ratio;
	int64_t *static_uw;        /* microwatts, always on */
	int64_t *fj_per_byte;      /* femtojoules per byte sent */
	int64_t *replay_bytes;     /* sent again per replay */
};

void link_figures_init(struct link_figures *figures, uint32_t n_links);
void link_figures_release(struct link_figures *figures);

/* Picojoules from the start to `time_ps`, `bytes` sent in all (payload, overhead and what replays sent again). */
static inline int64_t link_energy_pj(const struct link_figures *figures, uint32_t link, int64_t time_ps, int64_t bytes)
{
	return scale_floor(figures->static_uw[link], time_ps, 1000000) + scale_floor(bytes, figures->fj_per_byte[link], 1000);
}

#endif
