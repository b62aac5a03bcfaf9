#include "report/explain_network.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

struct span {
	int64_t from_ps, to_ps;
};

/* Bytes of a message that cross a link of its route. */
static int64_t bytes_over(const struct explain_routes *routes, int64_t route, int64_t at, int64_t bytes)
{
	return scale_floor(bytes, routes->weight[at], routes->total_weight[route]);
}

/* Alone on its route, at the links' nominal capacity; `slowest` is the link that decides. */
static int64_t alone_ps(const struct explain_records *records, int64_t row, int64_t *slowest)
{
	const struct explain_routes *routes = &records->routes;
	int64_t route = records->messages.path[row], most = 0;
	*slowest = -1;
	for (int64_t i = routes->first[route]; i < routes->first[route + 1]; i++) {
		int64_t time_ps = serialization_ps(bytes_over(routes, route, i, records->messages.bytes[row]),
						   records->links.bandwidth[routes->link[i]]);
		if (*slowest < 0 || time_ps > most) {
			*slowest = routes->link[i];
			most = time_ps;
		}
	}
	return most;
}

/* ---- links that did not carry ---- */

/* Resting to save power: asleep, waking, on fewer lanes. */
static bool rests(const char *state) { return !strcmp(state, "asleep") || !strcmp(state, "waking") || !strcmp(state, "folded"); }

static bool is_cause(const struct explain_records *records, int64_t change, const char *name)
{
	int64_t cause = records->change_cause[change];
	return cause < records->n_causes && !strcmp(records->causes[cause], name);
}

/* Why a link carried less after this change; `next`: the one after it, -1. */
static enum explain_share_kind why(const struct explain_records *records, int64_t change, int64_t next)
{
	int64_t state = records->change_state[change];
	if (state < records->n_states && !strcmp(records->states[state], "replaying"))
		return EXPLAIN_REPLAY;
	if (state < records->n_states && rests(records->states[state]))
		return EXPLAIN_WAKING;
	if (is_cause(records, change, "circuit"))
		return EXPLAIN_CIRCUIT;
	return next >= 0 && is_cause(records, next, "detection") ? EXPLAIN_DETECTION : EXPLAIN_FAILURE;
}

/* Of a time on the link after this change, what its missing capacity cost. */
static int64_t lost_ps(const struct explain_records *records, int64_t change, int64_t time_ps)
{
	int64_t nominal = records->links.bandwidth[records->change_link[change]], now = records->change_capacity[change];
	return now >= nominal ? 0 : scale_floor(time_ps, nominal - now, nominal);
}

/* What the link lost within the span for one reason: down or dark all of the time, degraded in proportion. */
static int64_t link_out_ps(const struct explain_records *records, int64_t link, struct span span, enum explain_share_kind reason)
{
	int64_t since = -1, sum = 0, last = -1;
	for (int64_t i = records->change_first[link]; i < records->change_first[link + 1]; i++) {
		int64_t c = records->change_row[i];
		int64_t now = least(records->change_ps[c] > span.from_ps ? records->change_ps[c] : span.from_ps, span.to_ps);
		if (last >= 0 && why(records, last, c) == reason)
			sum += lost_ps(records, last, now - since);
		since = now;
		last = c;
	}
	return last >= 0 && why(records, last, -1) == reason ? sum + lost_ps(records, last, span.to_ps - since) : sum;
}

/* The link of the route that lost most. */
static int64_t out_ps(const struct explain_records *records, int64_t route, struct span span, enum explain_share_kind reason, int64_t *link)
{
	const struct explain_routes *routes = &records->routes;
	int64_t most = 0;
	for (int64_t i = routes->first[route]; records->n_changes && i < routes->first[route + 1]; i++) {
		int64_t time_ps = link_out_ps(records, routes->link[i], span, reason);
		if (time_ps > most) {
			most = time_ps;
			*link = routes->link[i];
		}
	}
	return most;
}

/* The same for links that the message left when routes began to avoid them. */
static int64_t left_ps(const struct explain_records *records, int64_t row, struct span span, int64_t *link)
{
	int64_t most = 0;
	for (int64_t i = 0; i < records->n_reroutes; i++) {
		if (records->reroute_message[i] != records->messages.id[row])
			continue;
		int64_t time_ps = link_out_ps(records, records->reroute_link[i], span, EXPLAIN_DETECTION);
		if (time_ps > most) {
			most = time_ps;
			*link = records->reroute_link[i];
		}
	}
	return most;
}

/* ---- other traffic ---- */

/* What others sent over one link of the route meanwhile, in picoseconds of its capacity. */
struct crossing {
	int64_t link;
	double total_ps;
	struct { const char *label; double time_ps; } by[EXPLAIN_SHARES_MAX - EXPLAIN_SHARES];
	uint32_t n;
};

static void crossing_add(struct crossing *crossing, const char *label, double time_ps)
{
	uint32_t i = 0;
	while (i < crossing->n && strcmp(crossing->by[i].label, label))
		i++;
	if (i == sizeof crossing->by / sizeof *crossing->by)
		i--; /* beyond so many groups on one link the last one stands for the rest */
	if (i == crossing->n) {
		crossing->by[i].label = label;
		crossing->by[i].time_ps = 0;
		crossing->n++;
	}
	crossing->by[i].time_ps += time_ps;
	crossing->total_ps += time_ps;
}

/* Until when the message was on its links. */
static int64_t carried_ps(const struct explain_records *records, int64_t row)
{
	return records->messages.end_ps[row] - (records->latency_last ? records->routes.latency_ps[records->messages.path[row]] : 0);
}

/* Both routes' links are in increasing order. */
static void meet(const struct explain_records *records, int64_t row, int64_t other, struct span span, struct crossing *crossings)
{
	const struct explain_routes *routes = &records->routes;
	const struct explain_messages *messages = &records->messages;
	int64_t mine = messages->path[row], theirs = messages->path[other], first = routes->first[mine];
	int64_t from = messages->start_ps[other] > span.from_ps ? messages->start_ps[other] : span.from_ps;
	int64_t to = least(carried_ps(records, other), least(carried_ps(records, row), span.to_ps));
	int64_t took = carried_ps(records, other) - messages->start_ps[other];
	int64_t i = first, j = routes->first[theirs];
	while (to > from && took > 0 && i < routes->first[mine + 1] && j < routes->first[theirs + 1]) {
		if (routes->link[i] != routes->link[j]) {
			if (routes->link[i] < routes->link[j])
				i++;
			else
				j++;
			continue;
		}
		double bytes = (double)bytes_over(routes, theirs, j, messages->bytes[other]) * ((double)(to - from) / (double)took);
		int64_t rate = records->links.bandwidth[routes->link[i]];
		if (bytes > 0 && rate > 0)
			crossing_add(&crossings[i - first], explain_message_label(records, other), bytes * 1e12 / (double)rate);
		i++;
		j++;
	}
}

static void meet_all(const struct explain_records *records, int64_t row, struct span span, struct crossing *crossings)
{
	const struct explain_messages *messages = &records->messages;
	for (int64_t block = 0; block * EXPLAIN_BLOCK < messages->n; block++) {
		int64_t first = block * EXPLAIN_BLOCK;
		if (messages->start_ps[messages->by_start[first]] >= span.to_ps)
			break;
		if (messages->block_end[block] <= span.from_ps)
			continue;
		for (int64_t i = first; i < least(first + EXPLAIN_BLOCK, messages->n); i++) {
			int64_t other = messages->by_start[i];
			if (other != row && messages->path[other] >= 0 && messages->end_ps[other] > span.from_ps)
				meet(records, row, other, span, crossings);
		}
	}
}

/* The link that others used most decided: no more than what they sent there, split in proportion, to the picosecond. What is left is the
 * model's own: headers, stages of switches, sharing that an idle moment did not give back. */
static uint32_t split_queueing(const struct crossing *worst, int64_t time_ps, struct explain_share *shares)
{
	int64_t queued_ps = worst->total_ps < (double)time_ps ? (int64_t)worst->total_ps : time_ps, left_ps = queued_ps;
	for (uint32_t i = 0; i < worst->n; i++) {
		int64_t part = i + 1 == worst->n ? left_ps : least(left_ps, (int64_t)((double)queued_ps * (worst->by[i].time_ps / worst->total_ps)));
		shares[i] = (struct explain_share){EXPLAIN_QUEUEING, part, worst->link, worst->by[i].label};
		left_ps -= part;
	}
	if (time_ps > queued_ps)
		shares[worst->n] = (struct explain_share){EXPLAIN_SWITCHING, time_ps - queued_ps, -1, NULL};
	return worst->n + (time_ps > queued_ps);
}

static uint32_t queueing(const struct explain_records *records, int64_t row, struct span span, int64_t time_ps, struct explain_share *shares)
{
	const struct explain_routes *routes = &records->routes;
	int64_t route = records->messages.path[row], n = routes->first[route + 1] - routes->first[route];
	struct crossing *crossings = memory_zero((size_t)n + 1, sizeof *crossings), *worst = crossings;
	uint32_t n_shares = 1;
	meet_all(records, row, span, crossings);
	for (int64_t i = 0; i < n; i++) {
		crossings[i].link = routes->link[routes->first[route] + i];
		if (crossings[i].total_ps > worst->total_ps)
			worst = &crossings[i];
	}
	if (worst->n)
		n_shares = split_queueing(worst, time_ps, shares);
	else
		shares[0] = (struct explain_share){EXPLAIN_SWITCHING, time_ps, -1, NULL};
	free(crossings);
	return n_shares;
}

/* What of a message's whole time the step does not hold goes first from what came first: the rest, then serialization. */
static void cut(int64_t *rest, int64_t *serialization, int64_t *latency, int64_t cut_ps)
{
	int64_t *parts[] = {rest, serialization, latency};
	for (int i = 0; i < 3; i++) {
		int64_t part = least(*parts[i], cut_ps);
		*parts[i] -= part;
		cut_ps -= part;
	}
}

static uint32_t add(struct explain_share *shares, uint32_t n, enum explain_share_kind kind, int64_t time_ps, int64_t link)
{
	if (time_ps > 0)
		shares[n++] = (struct explain_share){kind, time_ps, link, NULL};
	return n;
}

uint32_t explain_split(const struct explain_records *records, const struct explain_step *step,
		       struct explain_share shares[static EXPLAIN_SHARES_MAX])
{
	const struct explain_messages *messages = &records->messages;
	int64_t row = step->message, route = messages->path[row], slowest = -1, out = -1;
	struct span span = {step->from_ps, step->to_ps};
	uint32_t n = 0;
	if (route < 0)
		return add(shares, 0, EXPLAIN_SWITCHING, step->to_ps - step->from_ps, -1);
	int64_t total = step->to_ps - messages->start_ps[row], untaken = messages->end_ps[row] - step->to_ps;
	int64_t latency = records->routes.latency_ps[route] > untaken ? records->routes.latency_ps[route] - untaken : 0;
	latency = least(latency, total);
	int64_t serialization = least(alone_ps(records, row, &slowest), total - latency), rest = total - latency - serialization;
	cut(&rest, &serialization, &latency, step->cut_ps);
	n = add(shares, n, EXPLAIN_LATENCY, latency, -1);
	n = add(shares, n, EXPLAIN_SERIALIZATION, serialization, slowest);
	static const enum explain_share_kind reasons[] = {EXPLAIN_FAILURE, EXPLAIN_DETECTION, EXPLAIN_CIRCUIT, EXPLAIN_WAKING, EXPLAIN_REPLAY};
	int64_t before = least(rest, left_ps(records, row, span, &out));
	n = add(shares, n, EXPLAIN_DETECTION, before, out);
	rest -= before;
	for (size_t r = 0; r < sizeof reasons / sizeof *reasons && rest > 0; r++) {
		int64_t lost = least(rest, out_ps(records, route, span, reasons[r], &out));
		n = add(shares, n, reasons[r], lost, out);
		rest -= lost;
	}
	if (rest > 0)
		n += queueing(records, row, span, rest, shares + n);
	return n;
}
