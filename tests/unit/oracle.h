/* Max-min fair sharing from the definition, in long double and continuous time: slow and plain, the judge of the fast solver. */
#ifndef WEFT_TESTS_ORACLE_H
#define WEFT_TESTS_ORACLE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct oracle_flow {
	uint32_t first, n, total; /* hops first … of hop_link; fraction hop_weight/total */
	double weight, cap;       /* cap: bytes per s, 0: none */
	double bytes, start_ps;
	long double left, rate, end_ps; /* results: end_ps, INFINITY when it never ends */
	bool live, fixed;
};

struct oracle_change {
	double time_ps;
	uint32_t link;
	double bytes_per_s;
};

struct oracle {
	uint32_t n_links, n_flows, n_changes;
	double *capacity; /* bytes per s, changed while it runs */
	uint32_t *hop_link, *hop_weight;
	struct oracle_flow *flows;
	struct oracle_change *changes; /* by time */
};

/* Levels rise together; at each step the tightest link or cap fixes its flows. */
static inline void oracle_fill(struct oracle *o)
{
	long double *room = malloc((o->n_links + 1u) * sizeof *room), *load = malloc((o->n_links + 1u) * sizeof *load);
	for (uint32_t f = 0; f < o->n_flows; f++)
		o->flows[f].fixed = !o->flows[f].live;
	for (;;) {
		long double level = INFINITY;
		uint32_t tight = UINT32_MAX, capped = UINT32_MAX;
		for (uint32_t l = 0; l < o->n_links; l++)
			room[l] = o->capacity[l] * 1e-12L, load[l] = 0;
		for (uint32_t f = 0; f < o->n_flows; f++) {
			const struct oracle_flow *flow = &o->flows[f];
			for (uint32_t h = flow->first; h < flow->first + flow->n && flow->live; h++) {
				long double fraction = (long double)o->hop_weight[h] / flow->total;
				if (flow->fixed)
					room[o->hop_link[h]] -= flow->rate * fraction;
				else
					load[o->hop_link[h]] += flow->weight * fraction;
			}
			if (!flow->fixed && flow->cap > 0 && flow->cap * 1e-12L / flow->weight < level)
				level = flow->cap * 1e-12L / flow->weight, capped = f;
		}
		for (uint32_t l = 0; l < o->n_links; l++)
			if (load[l] > 1e-12L && fmaxl(room[l], 0) / load[l] < level)
				level = fmaxl(room[l], 0) / load[l], tight = l, capped = UINT32_MAX;
		if (tight == UINT32_MAX && capped == UINT32_MAX)
			break;
		for (uint32_t f = 0; f < o->n_flows; f++) {
			struct oracle_flow *flow = &o->flows[f];
			bool on = f == capped;
			for (uint32_t h = flow->first; h < flow->first + flow->n; h++)
				on |= capped == UINT32_MAX && o->hop_link[h] == tight;
			if (!flow->fixed && on)
				flow->rate = level * flow->weight, flow->fixed = true;
		}
	}
	free(room);
	free(load);
}

static inline void oracle_run(struct oracle *o)
{
	long double now = 0;
	uint32_t change = 0;
	for (uint32_t f = 0; f < o->n_flows; f++)
		o->flows[f].live = false, o->flows[f].end_ps = INFINITY, o->flows[f].left = o->flows[f].bytes;
	for (;;) {
		oracle_fill(o);
		long double next = change < o->n_changes ? (long double)o->changes[change].time_ps : INFINITY;
		for (uint32_t f = 0; f < o->n_flows; f++) {
			const struct oracle_flow *flow = &o->flows[f];
			if (flow->live && flow->rate > 0)
				next = fminl(next, now + flow->left / flow->rate);
			else if (!flow->live && flow->end_ps == INFINITY && flow->start_ps >= now && flow->left == flow->bytes)
				next = fminl(next, flow->start_ps);
		}
		if (next == INFINITY)
			return;
		for (uint32_t f = 0; f < o->n_flows; f++) {
			struct oracle_flow *flow = &o->flows[f];
			if (flow->live) {
				long double wait = flow->rate > 0 ? flow->left / flow->rate : INFINITY;
				flow->left -= flow->rate * (next - now);
				if (now + wait <= next + 1e-6L)
					flow->live = false, flow->end_ps = next, flow->left = -1;
			}
		}
		now = next;
		for (; change < o->n_changes && o->changes[change].time_ps <= now; change++)
			o->capacity[o->changes[change].link] = o->changes[change].bytes_per_s;
		for (uint32_t f = 0; f < o->n_flows; f++)
			if (!o->flows[f].live && o->flows[f].left == o->flows[f].bytes && o->flows[f].start_ps <= now)
				o->flows[f].live = true;
	}
}

#endif
