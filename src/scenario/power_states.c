#include "scenario/power_states.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "link/sleep.h"
#include "scenario/changes.h"
#include "scenario/energy.h"
#include "scenario/power_states_internal.h"
#include "workload/executor.h"

/* ---- running ----------------------------------------------------------------------------------------------------------- */

static void set_power(struct power_states *power, uint32_t link, int64_t uw)
{
	link_figures_power(&power->simulation->physics->figures, link, power->simulation->engine.now_ps, uw);
}

static void request(struct power_states *power) { engine_request(&power->simulation->engine, ENGINE_PHASE_CONTROL); }

static void background(struct power_states *power, int64_t wait_ps, uint8_t handler, uint32_t link)
{
	struct engine *engine = &power->simulation->engine;
	int64_t due_ps = time_add(engine->now_ps, wait_ps);
	if (due_ps == TIME_NEVER)
		return;
	engine->n_background++;
	engine_schedule(engine, due_ps, handler, link);
}

static struct power_link *leader_of(struct power_states *power, uint32_t link) { return &power->links[power->links[link].leader]; }

static void note_idle(struct power_states *power, uint32_t link)
{
	struct power_link *leader = leader_of(power, link);
	leader->idle_ps = power->simulation->engine.now_ps;
	if (leader->rule->rest != REST_FOLD)
		background(power, leader->after_ps, power->on_idle, leader->leader);
}

static void on_idle_due(void *context, uint32_t link)
{
	struct power_states *power = context;
	power->simulation->engine.n_background--;
	bitset_add(&power->idle, link);
	request(power);
}

static void on_window_due(void *context, uint32_t link)
{
	struct power_states *power = context;
	power->simulation->engine.n_background--;
	bitset_add(&power->window, link);
	request(power);
}

static void on_over_due(void *context, uint32_t link)
{
	struct power_states *power = context;
	bitset_add(&power->over, link);
	request(power);
}

/* What the window may hold for the narrow link to do. */
static int64_t narrow_bytes(const struct power_states *power, uint32_t link)
{
	const struct power_link *l = &power->links[link];
	double rate = (double)power->simulation->fabric.link_bandwidth[link] * (double)l->rule->lanes / l->lanes;
	return (int64_t)(rate * l->rule->below * (double)l->rule->window_ps * 1e-12);
}

static int64_t link_part(const struct routes *routes, const struct route *route, uint32_t i, int64_t bytes)
{
	return scale_floor(bytes, routes->merged_weight[i], route->total_weight);
}

static void roll_window(struct power_link *l, int64_t now_ps)
{
	if (now_ps - l->window_ps < l->rule->window_ps)
		return;
	l->window_ps = now_ps - (now_ps - l->window_ps) % l->rule->window_ps;
	l->offered = 0;
}

static void offer(struct power_states *power, uint32_t link, int64_t bytes)
{
	struct power_link *l = &power->links[link];
	roll_window(l, power->simulation->engine.now_ps);
	l->offered += bytes;
	l->pending += bytes;
	if (l->mode != FOLDED || (l->pending <= narrow_bytes(power, link) && l->offered <= narrow_bytes(power, link)))
		return;
	bitset_add(&power->wanted, link);
	request(power);
}

static void busy(struct power_states *power, uint32_t route_id, int64_t bytes)
{
	const struct routes *routes = &power->simulation->routes;
	const struct route *route = &routes->routes[route_id];
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++) {
		uint32_t link = routes->merged_link[i];
		struct power_link *l = &power->links[link];
		if (!l->rule)
			continue;
		leader_of(power, link)->n_busy++;
		if (l->rule->rest == REST_FOLD)
			offer(power, link, link_part(routes, route, i, bytes));
		if (l->mode != RESTING)
			continue;
		bitset_add(&power->wanted, link);
		request(power);
	}
}

static void not_busy(struct power_states *power, uint32_t route_id, int64_t bytes)
{
	const struct routes *routes = &power->simulation->routes;
	const struct route *route = &routes->routes[route_id];
	for (uint32_t i = route->first_link; i < route->first_link + route->n_links; i++) {
		uint32_t link = routes->merged_link[i];
		struct power_link *l = &power->links[link];
		if (!l->rule)
			continue;
		if (l->rule->rest == REST_FOLD)
			l->pending -= link_part(routes, route, i, bytes);
		if (--leader_of(power, link)->n_busy == 0)
			note_idle(power, link);
	}
}

static void take_route(struct power_states *power, struct trip *trip)
{
	struct error err = {0};
	uint32_t route = network_route(&power->simulation->routes, &trip->message, &err);
	if (route == ROUTE_NONE || (trip->n_routes && trip->routes[trip->n_routes - 1] == route))
		return; /* the model says that there is no way */
	ARRAY_RESERVE(trip->routes, (size_t)trip->n_routes + 1, trip->capacity);
	trip->routes[trip->n_routes++] = route;
	busy(power, route, trip->message.bytes);
}

static void on_sending(void *context, const struct network_message *message)
{
	struct power_states *power = context;
	struct trip *trip;
	if (message->token >= power->n_trips) {
		size_t old = power->n_trips, n = (size_t)message->token + 1;
		ARRAY_RESERVE(power->trips, n, power->trips_capacity);
		memset(power->trips + old, 0, (n - old) * sizeof *power->trips);
		power->n_trips = (uint32_t)n;
	}
	trip = &power->trips[message->token];
	trip->message = *message;
	take_route(power, trip);
}

/* Routes are others from now on: the model may move what is under way. The old routes stay busy too, as bytes may still be on them. */
static void on_rerouted(void *context)
{
	struct power_states *power = context;
	for (uint32_t token = 0; token < power->n_trips; token++)
		if (power->trips[token].n_routes)
			take_route(power, &power->trips[token]);
}

static void on_sent(void *context, uint32_t token)
{
	struct power_states *power = context;
	power->client.sent(power->client.context, token);
}

static void on_delivered(void *context, uint32_t token)
{
	struct power_states *power = context;
	struct trip *trip = token < power->n_trips ? &power->trips[token] : NULL;
	for (uint32_t i = 0; trip && i < trip->n_routes; i++)
		not_busy(power, trip->routes[i], trip->message.bytes);
	if (trip)
		trip->n_routes = 0;
	power->client.delivered(power->client.context, token);
}

/* Somebody else changed the link: failures, the scenario's list, replays. */
static void on_link_change(void *context, uint32_t link, int64_t time_ps, enum link_state state, int64_t bytes_per_s, enum link_cause cause)
{
	struct power_states *power = context;
	(void)time_ps, (void)state, (void)bytes_per_s;
	if (cause == LINK_CAUSE_POWER || !power->links[link].rule)
		return;
	bitset_add(&power->disturbed, link);
	request(power);
}

/* ---- in the control phase ---------------------------------------------------------------------------------------------- */

static bool carries(const struct power_states *power, uint32_t link)
{
	uint8_t state = power->simulation->links.state[link];
	return state == LINK_UP || state == LINK_DEGRADED || state == LINK_FOLDED;
}

static void change(struct power_states *power, uint32_t link, enum link_state state, int64_t bytes_per_s)
{
	network_change_link(power->simulation->network, link, state, bytes_per_s, power->simulation->links.latency_ps[link]);
}

static void enter(struct power_states *power, uint32_t link, enum mode mode)
{
	struct power_link *l = &power->links[link];
	struct power_result *result = &power->simulation->power;
	int64_t now_ps = power->simulation->engine.now_ps, lasted_ps = now_ps - l->since_ps;
	bool rested = l->mode == RESTING || l->mode == FOLDED, rests = mode == RESTING || mode == FOLDED;
	result->rest_ps += rested ? lasted_ps : 0;
	result->waking_ps += l->mode == WAKING || l->mode == UNFOLDING ? lasted_ps : 0;
	result->n_rests += rests;
	result->n_wakes += mode == WAKING || mode == UNFOLDING;
	if (rested != rests)
		set_power(power, link, rests ? l->rest_uw : awake_uw(power, link));
	l->mode = (uint8_t)mode;
	l->since_ps = now_ps;
}

static void fold_rate(struct power_states *power, uint32_t link)
{
	struct power_link *l = &power->links[link];
	int64_t rate = scale_floor(power->simulation->links.bytes_per_s[link], l->rule->lanes, l->lanes);
	change(power, link, LINK_FOLDED, rate > 0 ? rate : 1);
}

static void watch_window(struct power_states *power, uint32_t link)
{
	power->links[link].window_ps = power->simulation->engine.now_ps;
	power->links[link].offered = 0;
	background(power, power->links[link].rule->window_ps, power->on_window, link);
}

/* All of those that rest together, of which `leader` is the first. */
static void rest(struct power_states *power, uint32_t leader)
{
	const struct power_link *first = &power->links[leader];
	uint32_t link = leader;
	if (first->n_busy || power->simulation->engine.now_ps - first->idle_ps < first->after_ps)
		return;
	do {
		if (power->links[link].mode == AWAKE && carries(power, link)) {
			enter(power, link, RESTING);
			change(power, link, LINK_ASLEEP, 0);
		}
		link = power->links[link].next;
	} while (link != leader);
}

static void wake_one(struct power_states *power, uint32_t link)
{
	struct power_link *l = &power->links[link];
	if (l->mode != RESTING && l->mode != FOLDED)
		return;
	enter(power, link, l->mode == RESTING ? WAKING : UNFOLDING);
	l->over_ps = time_add(power->simulation->engine.now_ps, l->wake_ps);
	if (l->mode == WAKING)
		change(power, link, LINK_WAKING, 0);
	engine_schedule(&power->simulation->engine, l->over_ps, power->on_over, link);
}

static void wake(struct power_states *power, uint32_t link)
{
	uint32_t at = link;
	do {
		wake_one(power, at);
		at = power->links[at].next;
	} while (at != link);
}

static void awake(struct power_states *power, uint32_t link)
{
	struct power_link *l = &power->links[link];
	uint8_t state = power->simulation->links.state[link];
	if ((l->mode != WAKING && l->mode != UNFOLDING) || l->over_ps != power->simulation->engine.now_ps)
		return;
	enter(power, link, AWAKE);
	if (state == LINK_WAKING || carries(power, link))
		condition_settle(power->simulation, link);
	else
		l->unsettled = true; /* a replay holds it at its narrow rate */
	if (l->rule->rest == REST_FOLD)
		watch_window(power, link);
	else if (!leader_of(power, link)->n_busy)
		note_idle(power, link);
}

/* Fewer lanes when what was sent over it in a window, and what is still under way, fits through them. */
static void look(struct power_states *power, uint32_t link)
{
	struct power_link *l = &power->links[link];
	int64_t most = narrow_bytes(power, link);
	if (l->mode != AWAKE)
		return;
	if (!carries(power, link) || l->unsettled || l->offered > most || l->pending > most) {
		watch_window(power, link);
		return;
	}
	enter(power, link, FOLDED);
	fold_rate(power, link);
}

/* What others did to the link holds, its rest goes on: a link that came back from elsewhere while it rests rests again. */
static void restore(struct power_states *power, uint32_t link)
{
	struct power_link *l = &power->links[link];
	uint8_t state = power->simulation->links.state[link];
	if (state == LINK_DOWN && l->mode != AWAKE) {
		enter(power, link, AWAKE);
		l->unsettled = false;
		if (l->rule->rest == REST_FOLD)
			watch_window(power, link);
		return;
	}
	if (!carries(power, link))
		return;
	if (l->mode == RESTING || l->mode == WAKING)
		change(power, link, l->mode == RESTING ? LINK_ASLEEP : LINK_WAKING, 0);
	else if ((l->mode == FOLDED || l->mode == UNFOLDING) && state != LINK_FOLDED) {
		condition_settle(power->simulation, link);
		fold_rate(power, link);
	} else if (l->mode == AWAKE && l->unsettled) {
		l->unsettled = false;
		condition_settle(power->simulation, link);
	} else if (l->mode == AWAKE && !leader_of(power, link)->n_busy) {
		note_idle(power, link);
	}
}

static void drain(struct power_states *power, struct bitset *set, void (*act)(struct power_states *, uint32_t))
{
	uint32_t link;
	bool running = !executor_finished(power->simulation->executor);
	for (uint32_t from = 0; (link = bitset_take(set, from)) != UINT32_MAX; from = link + 1)
		if (running)
			act(power, link);
}

void power_states_control(struct simulation *simulation)
{
	struct power_states *power = simulation->power_states;
	enum link_cause cause = simulation->links.cause;
	simulation->links.cause = LINK_CAUSE_POWER;
	drain(power, &power->disturbed, restore);
	drain(power, &power->over, awake);
	drain(power, &power->wanted, wake);
	drain(power, &power->idle, rest);
	drain(power, &power->window, look);
	simulation->links.cause = cause;
}

/* ---- starting ---------------------------------------------------------------------------------------------------------- */

static void on_begin(void *context, uint32_t argument)
{
	struct power_states *power = context;
	(void)argument;
	power->simulation->engine.n_background--;
	for (uint32_t link = 0; link < power->simulation->fabric.n_links; link++) {
		if (power->links[link].rule && power->links[link].rule->rest == REST_FOLD)
			background(power, power->links[link].rule->window_ps, power->on_window, link);
		else if (power->links[link].rule && power->links[link].leader == link && !power->links[link].n_busy)
			note_idle(power, link);
	}
}

void power_states_client(struct simulation *simulation, struct network_client *client)
{
	struct power_states *power;
	if (!simulation->scenario->power_node || simulation->plain)
		return;
	power = memory_zero(1, sizeof *power);
	power->simulation = simulation;
	power->client = *client;
	*client = (struct network_client){.context = power, .sent = on_sent, .delivered = on_delivered};
	simulation->power_states = power;
}

int power_states_start(struct simulation *simulation, struct error *err)
{
	struct power_states *power = simulation->power_states;
	struct engine *engine = &simulation->engine;
	struct observer observer = {.context = power, .link_change = on_link_change};
	struct bitset *sets[] = {&power->idle, &power->wanted, &power->over, &power->window, &power->disturbed};
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
		bitset_init(sets[i], simulation->fabric.n_links);
	power->links = memory_zero((size_t)simulation->fabric.n_links + 1, sizeof *power->links);
	conditions_init(simulation);
	if (power_states_give_rules(power, err))
		return -1;
	observers_add(&simulation->observers, &observer, false);
	simulation->network->watch = (struct network_watch){power, on_sending, on_rerouted};
	power->on_idle = engine_register(engine, on_idle_due, power);
	power->on_over = engine_register(engine, on_over_due, power);
	power->on_window = engine_register(engine, on_window_due, power);
	power->on_start = engine_register(engine, on_begin, power);
	background(power, 0, power->on_start, 0);
	return 0;
}

void power_states_finish(struct simulation *simulation)
{
	struct power_states *power = simulation->power_states;
	struct link_figures *figures = &simulation->physics->figures;
	for (uint32_t link = 0; link < simulation->fabric.n_links; link++) {
		struct power_link *l = &power->links[link];
		struct power_result *result = &simulation->power;
		if (!l->rule || l->since_ps > simulation->end_ps)
			continue; /* the last modes last until the end */
		result->rest_ps += l->mode == RESTING || l->mode == FOLDED ? simulation->end_ps - l->since_ps : 0;
		result->waking_ps += l->mode == WAKING || l->mode == UNFOLDING ? simulation->end_ps - l->since_ps : 0;
	}
	link_figures_settle(figures);
	for (uint32_t link = 0; link < simulation->fabric.n_links; link++) {
		struct link_meter meter = link_meter_start(figures, link);
		simulation->power.saved_pj += scale_floor(figures->static_uw[link], simulation->end_ps, 1000000) -
					      link_meter_static_pj(&meter, simulation->end_ps);
	}
}

static int64_t chips_pj(const struct energy *energy)
{
	int64_t pj = 0;
	for (uint32_t i = 0; i < energy->n_rows; i++)
		pj += strcmp(energy->rows[i].category, "chips") ? 0 : energy->rows[i].energy_pj;
	return pj;
}

void power_states_compare(struct simulation *simulation, const struct simulation *plain)
{
	struct power_result *result = &simulation->power;
	if (!simulation->energy || !plain->energy || strcmp(plain->status, "complete"))
		return;
	result->compared = true;
	result->plain_ps = plain->end_ps;
	result->plain_pj = plain->energy->total_pj;
	result->net_pj = plain->energy->total_pj - simulation->energy->total_pj;
	result->waited_pj = result->saved_pj - result->net_pj;
	result->chips_waited_pj = chips_pj(simulation->energy) - chips_pj(plain->energy);
}

void power_states_release(struct simulation *simulation)
{
	struct power_states *power = simulation->power_states;
	if (!power)
		return;
	struct bitset *sets[] = {&power->idle, &power->wanted, &power->over, &power->window, &power->disturbed};
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
		if (sets[i]->words)
			bitset_release(sets[i]);
	for (size_t token = 0; token < power->n_trips; token++)
		free(power->trips[token].routes);
	free(power->trips);
	free(power->links);
	free(power);
	simulation->power_states = NULL;
}
