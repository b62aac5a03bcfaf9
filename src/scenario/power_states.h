/* Power states of links (section power_states): links that have no message under way rest after a while (asleep, squelched, on fewer
 * lanes), and wake when one is sent over them. Through network_change_link, so in every network model.
 *
 * A link is idle while no message whose route holds it (or, where modules rest whole, another link of its cable) is between being sent
 * and delivered. It rests when it has been idle for `after`;
 * a message that is sent wakes all resting links of its route at once, as a wake signal that runs ahead of the data would, and waits for
 * the slowest. Resting, waking, awake: the links' account (link/account.h) follows with exact intervals; a waking link draws what an
 * awake one does. A folded link carries on at fewer lanes while it unfolds.
 *
 * What the saving costs elsewhere (chips that wait for a waking link) is the difference to the same scenario without power states,
 * which is simulated too (`compare`). */
#ifndef WEFT_SCENARIO_POWER_STATES_H
#define WEFT_SCENARIO_POWER_STATES_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct network_client;
struct power_states;
struct scenario;
struct simulation;
struct tree_node;

/* What rests together: a directed link by itself, or all links of one rule that a module or cable carries. AUTO: modules sleep whole. */
enum power_together { TOGETHER_AUTO, TOGETHER_LINK, TOGETHER_CABLE };

/* One entry of `rules`. */
struct power_rule {
	struct tree_node *node;
	const char *pattern;    /* of link names */
	int rest;               /* enum rest of link/sleep.h */
	const char *after_text; /* "auto": the break-even of the link alone */
	int64_t after_ps;       /* -1: auto */
	int64_t wake_ps;        /* -1: the catalogue's */
	double share;           /* of the always-on power that stays; -1: the catalogue's */
	int together;           /* enum power_together */
	int64_t lanes, window_ps; /* fold */
	double below;
};

struct scenario_power {
	bool compare;
	struct tree_node *rules_node;
	struct power_rule *rules;
	uint32_t n_rules;
};

/* What power states did in a run. */
struct power_result {
	int64_t n_rests, n_wakes;
	int64_t rest_ps, waking_ps;   /* over all links */
	int64_t saved_pj;             /* by links: what they would have drawn awake all the time less what they drew */
	/* Against the same scenario without power states; when `compared`. */
	bool compared;
	int64_t plain_ps, plain_pj;   /* its time and joules */
	int64_t waited_pj;            /* net + waited = saved: what everything draws because the run takes longer */
	int64_t chips_waited_pj;      /* chips' part of that */
	int64_t net_pj;               /* plain_pj less what this run takes; negative: power states cost more than they save */
};

/* Reads the section, if there is one. */
int power_states_read(struct scenario *scenario, struct error *err);
/* After the network exists: sees to it that `client` (the executor's) hears of deliveries through it. */
int power_states_start(struct simulation *simulation, struct error *err);
/* Takes the executor's place towards the network, and passes on; call it before the network is created. NULL-safe: no section, no change. */
void power_states_client(struct simulation *simulation, struct network_client *client);
/* In the control phase, after all others that change links. */
void power_states_control(struct simulation *simulation);
/* When the run is over: closes the accounts. The energy account comes after it. */
void power_states_finish(struct simulation *simulation);
/* When both are finished: fills in the comparison. */
void power_states_compare(struct simulation *simulation, const struct simulation *plain);
void power_states_release(struct simulation *simulation);

#endif
