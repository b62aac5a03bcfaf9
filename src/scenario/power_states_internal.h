/* What the two halves of power states share: which link obeys which rule (power_rules.c), and what links do (power_states.c). */
#ifndef WEFT_SCENARIO_POWER_STATES_INTERNAL_H
#define WEFT_SCENARIO_POWER_STATES_INTERNAL_H

#include "base/bitset.h"
#include "network/network.h"
#include "scenario/physics.h"
#include "scenario/power_states.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

enum mode { AWAKE, RESTING, WAKING, FOLDED, UNFOLDING };

struct power_link {
	const struct power_rule *rule; /* NULL: always awake */
	int64_t after_ps, wake_ps, rest_uw;
	uint32_t lanes;             /* of its kind, for fold */
	uint8_t mode;               /* enum mode */
	bool unsettled;             /* it unfolded while something else held it: settle it when it carries again */
	uint32_t leader, next;      /* those that rest together: the first of them, and the one after this, around */
	/* Of the leader, for all: */
	uint32_t n_busy;            /* messages under way whose route holds one of them, once for each */
	int64_t idle_ps;            /* since when n_busy is 0 */
	int64_t since_ps;           /* of the present mode */
	int64_t over_ps;            /* when its waking or unfolding is over */
	/* Fold: bytes that were sent over it in this window, and that are under way. */
	int64_t window_ps, offered, pending;
};

/* Routes of one message under way: its first, and those of later reroutings. */
struct trip {
	struct network_message message;
	uint32_t *routes, n_routes;
	size_t capacity;
};

struct power_states {
	struct simulation *simulation;
	struct network_client client; /* the executor's */
	struct power_link *links;
	struct trip *trips;           /* by token; n_routes = 0: not under way */
	uint32_t n_trips;
	size_t trips_capacity;
	struct bitset idle, wanted, over, window, disturbed;
	uint8_t on_idle, on_over, on_window, on_start;
};

static inline int64_t awake_uw(const struct power_states *power, uint32_t link) { return power->simulation->physics->figures.static_uw[link]; }

/* Fills power->links from the scenario's rules and the catalogue's figures, and joins those that rest together. */
int power_states_give_rules(struct power_states *power, struct error *err);

#endif
