/* What physics says about every directed link of a run, and the energy it takes: exact integers, so that bins, links and totals
 * add up to the picojoule.
 *
 * A cable's power (both ends, host SerDes included) is shared evenly by the directed links that it carries. The energy of a link
 * up to time t after `bytes` crossed it is floor(∫static dt) + floor(per byte·bytes): a bin takes the difference of two such values,
 * and the sum of a link's bins is its total whatever the bins are. */
#ifndef WEFT_LINK_ACCOUNT_H
#define WEFT_LINK_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

__extension__ typedef unsigned __int128 link_wide;

struct link_figures {
	uint32_t n_links;
	/* [n_links] */
	double *received_dbm;      /* NAN: not optical */
	double *loss_db, *added_db, *margin_db; /* added: drawn terms and what the user put on it */
	double *ber, *codeword_error_ratio;
	int64_t *static_uw;        /* microwatts, always on */
	int64_t *fj_per_byte;      /* femtojoules per byte sent */
	int64_t *replay_bytes;     /* sent again per replay */
	/* Links whose always-on power changed during the run (sleep, fewer lanes): from the change on, `uw` in the place of static_uw.
	 * In the order of time as they are noted; by link and time once settled. */
	struct power_change { uint32_t link; int64_t time_ps, uw; } *changes;
	size_t n_changes, changes_capacity;
};

void link_figures_init(struct link_figures *figures, uint32_t n_links);
void link_figures_release(struct link_figures *figures);

/* From time_ps on, in the order of time. */
void link_figures_power(struct link_figures *figures, uint32_t link, int64_t time_ps, int64_t uw);
/* After the last change and before the first reading. */
void link_figures_settle(struct link_figures *figures);

/* Reads one link's energy at times that do not decrease. */
struct link_meter {
	const struct link_figures *figures;
	const struct power_change *next, *end;
	uint32_t link;
	int64_t at_ps, uw;
	link_wide carried;          /* microwatts × picoseconds up to at_ps */
};
struct link_meter link_meter_start(const struct link_figures *figures, uint32_t link);
/* Picojoules from the start to `time_ps`, of what is on all the time alone. */
int64_t link_meter_static_pj(struct link_meter *meter, int64_t time_ps);
/* The same with `bytes` sent in all (payload, overhead and what replays sent again). */
static inline int64_t link_meter_pj(struct link_meter *meter, int64_t time_ps, int64_t bytes)
{
	return link_meter_static_pj(meter, time_ps) + scale_floor(bytes, meter->figures->fj_per_byte[meter->link], 1000);
}
static inline int64_t link_energy_pj(const struct link_figures *figures, uint32_t link, int64_t time_ps, int64_t bytes)
{
	struct link_meter meter = link_meter_start(figures, link);
	return link_meter_pj(&meter, time_ps, bytes);
}

#endif
