/* A depth-first walk that visits every state once: a state is a node where the ways on follow from the node alone
 * (WEFT_CLAIM_BY_NODE), else a link and channel by which a node was reached. States are left in an order in which every one comes
 * after all that follow it; backwards, the share of each is known before it is split. As in the walk over paths, a way behind which
 * everything is dead counts as absent. */
#include "fabric/spread.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "fabric/fabric.h"

#define THERE UINT32_MAX      /* the destination, as a state */
#define MAX_TOTAL (UINT32_MAX / 2)
#define ROUNDED_TOTAL (1u << 30)

struct fraction { uint64_t numerator, denominator; };

struct state {
	uint32_t node, in_link;
	uint8_t vc;
	bool left;                /* all ways on are known */
	uint32_t key;
	uint32_t first_edge, n_edges; /* ways on that lead to the destination */
	int64_t latency_ps;       /* from here, of the slowest way */
	double n_paths, share;
	struct fraction exact;
};
struct edge { uint32_t link, to; };
/* A state that is being visited. */
struct visit {
	uint32_t state, first_choice, n_choices, tried;
};
struct spread_scratch {
	uint32_t *state_of;       /* [key]: state + 1; 0 between walks */
	struct state *states;
	struct edge *edges;
	struct visit *visits;
	struct weft_choice *choices;
	uint32_t *order;          /* states as they were left */
	double *share;            /* [n_links]; 0 between walks */
	struct fraction *exact;
	size_t n_keys, n_states, n_edges, n_visits, n_choices, n_order;
	size_t states_capacity, edges_capacity, visits_capacity, choices_capacity, order_capacity, links_capacity;
};

struct walk {
	struct spread_scratch *s;
	const struct routes *routes;
	const struct fabric *fabric;
	const int64_t *latency_ps;
	uint32_t source, destination;
	bool by_node, exact;
	struct error *err;
};

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* False when it no longer fits. Nothing is cancelled: denominators stay divisors of one common multiple. */
static bool fraction_add(struct fraction *sum, struct fraction other)
{
	uint64_t a, b;
	if (sum->numerator == 0) {
		*sum = other;
		return true;
	}
	if (sum->denominator == other.denominator)
		return !__builtin_add_overflow(sum->numerator, other.numerator, &sum->numerator);
	uint64_t common = greatest_common_divisor(sum->denominator, other.denominator);
	return !__builtin_mul_overflow(sum->numerator, other.denominator / common, &a) &&
	       !__builtin_mul_overflow(other.numerator, sum->denominator / common, &b) && !__builtin_add_overflow(a, b, &sum->numerator) &&
	       !__builtin_mul_overflow(sum->denominator, other.denominator / common, &sum->denominator);
}

static int fail(const struct walk *walk, uint32_t node, const char *what)
{
	const struct fabric *fabric = walk->fabric;
	return error_set(walk->err, ERROR_SIMULATION, "topology '%s' routes '%s' to '%s' wrongly: at '%s' %s", fabric->module->name,
			 fabric->node_name[walk->source], fabric->node_name[walk->destination], fabric->node_name[node], what);
}

static uint32_t key_of(const struct walk *walk, uint32_t node, uint32_t in_link, uint8_t vc)
{
	return walk->by_node ? node : in_link == WEFT_NONE ? walk->fabric->n_links * walk->fabric->n_channels
				    : in_link * walk->fabric->n_channels + vc;
}

/* Enters a state for the first time: asks for the ways on. */
static int enter(struct walk *walk, uint32_t node, uint32_t in_link, uint8_t vc)
{
	struct spread_scratch *s = walk->s;
	struct weft_hop hop = {.node = node, .in_link = in_link, .source = walk->source, .destination = walk->destination, .via = WEFT_NONE,
		.vc = vc};
	size_t capacity = 64;
	uint32_t n, key = key_of(walk, node, in_link, vc);
	for (;;) {
		ARRAY_RESERVE(s->choices, s->n_choices + capacity, s->choices_capacity);
		n = fabric_next_links(walk->fabric, &hop, s->choices + s->n_choices, (uint32_t)capacity);
		if (n <= capacity)
			break;
		capacity = n;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct weft_choice *choice = &s->choices[s->n_choices + i];
		if (choice->link >= walk->fabric->n_links || walk->fabric->link_source[choice->link] != node ||
		    choice->vc >= walk->fabric->n_channels)
			return fail(walk, node, "it chooses a link that does not leave there, or a virtual channel that it did not ask for");
	}
	ARRAY_RESERVE(s->states, s->n_states + 1, s->states_capacity);
	ARRAY_RESERVE(s->visits, s->n_visits + 1, s->visits_capacity);
	s->states[s->n_states] = (struct state){.node = node, .in_link = in_link, .vc = vc, .key = key, .exact = {0, 1}};
	s->visits[s->n_visits++] = (struct visit){(uint32_t)s->n_states, (uint32_t)s->n_choices, n, 0};
	s->state_of[key] = (uint32_t)++s->n_states;
	s->n_choices += n;
	return 0;
}

static bool is_there(const struct walk *walk, const struct weft_choice *choice)
{
	return walk->fabric->link_target[choice->link] == walk->destination;
}

/* The state behind a choice, + 1; 0: it was not entered yet. */
static uint32_t state_behind(const struct walk *walk, const struct weft_choice *choice)
{
	return walk->s->state_of[key_of(walk, walk->fabric->link_target[choice->link], choice->link, choice->vc)];
}

/* All ways on are known: keeps those that lead to the destination. */
static void leave(struct walk *walk, const struct visit *visit)
{
	struct spread_scratch *s = walk->s;
	struct state *state = &s->states[visit->state];
	state->left = true;
	state->first_edge = (uint32_t)s->n_edges;
	for (uint32_t i = 0; i < visit->n_choices; i++) {
		const struct weft_choice *choice = &s->choices[visit->first_choice + i];
		const struct state *behind = NULL;
		if (walk->routes->link_down && walk->routes->link_down[choice->link])
			continue;
		if (!is_there(walk, choice)) {
			behind = &s->states[state_behind(walk, choice) - 1];
			if (behind->n_paths <= 0)
				continue;
		}
		int64_t latency_ps = time_add(walk->latency_ps[choice->link], behind ? behind->latency_ps : 0);
		state->latency_ps = latency_ps > state->latency_ps ? latency_ps : state->latency_ps;
		state->n_paths += behind ? behind->n_paths : 1;
		ARRAY_RESERVE(s->edges, s->n_edges + 1, s->edges_capacity);
		s->edges[s->n_edges++] = (struct edge){choice->link, behind ? (uint32_t)(behind - s->states) : THERE};
	}
	state->n_edges = (uint32_t)s->n_edges - state->first_edge;
	ARRAY_RESERVE(s->order, s->n_order + 1, s->order_capacity);
	s->order[s->n_order++] = visit->state;
	s->n_choices = visit->first_choice;
	s->n_visits--;
}

static int visit_all(struct walk *walk)
{
	struct spread_scratch *s = walk->s;
	if (enter(walk, walk->source, WEFT_NONE, 0))
		return -1;
	while (s->n_visits) {
		struct visit *visit = &s->visits[s->n_visits - 1];
		if (visit->tried == visit->n_choices) {
			leave(walk, &(struct visit){visit->state, visit->first_choice, visit->n_choices, 0});
			continue;
		}
		const struct weft_choice *choice = &s->choices[visit->first_choice + visit->tried++];
		if (is_there(walk, choice) || (walk->routes->link_down && walk->routes->link_down[choice->link]))
			continue;
		uint32_t known = state_behind(walk, choice);
		if (known && !s->states[known - 1].left)
			return fail(walk, s->states[known - 1].node, "the way does not end");
		if (!known && enter(walk, walk->fabric->link_target[choice->link], choice->link, choice->vc))
			return -1;
	}
	return 0;
}

/* Splits what reaches every state evenly; afterwards the shares of links are known. */
static void split(struct walk *walk)
{
	struct spread_scratch *s = walk->s;
	struct state *first = &s->states[0];
	first->share = 1;
	first->exact = (struct fraction){1, 1};
	for (size_t i = s->n_order; i-- > 0;) {
		const struct state *state = &s->states[s->order[i]];
		if (state->share <= 0)
			continue; /* only reached over what was given up */
		struct fraction exact = {state->exact.numerator, 0};
		walk->exact = walk->exact && !__builtin_mul_overflow(state->exact.denominator, state->n_edges, &exact.denominator);
		for (uint32_t e = state->first_edge; e < state->first_edge + state->n_edges; e++) {
			struct edge edge = s->edges[e];
			s->share[edge.link] += state->share / state->n_edges;
			walk->exact = walk->exact && fraction_add(&s->exact[edge.link], exact);
			if (edge.to == THERE)
				continue;
			s->states[edge.to].share += state->share / state->n_edges;
			walk->exact = walk->exact && fraction_add(&s->states[edge.to].exact, exact);
		}
	}
}

static int compare_links(const void *a, const void *b)
{
	uint32_t x = ((const struct spread_link *)a)->link, y = ((const struct spread_link *)b)->link;
	return (x > y) - (x < y);
}

/* The links with a share, in order, and their common denominator. */
static void collect(struct walk *walk, struct spread *spread)
{
	struct spread_scratch *s = walk->s;
	uint64_t total = 1;
	spread->n_links = 0;
	for (size_t e = 0; e < s->n_edges; e++) {
		uint32_t link = s->edges[e].link;
		if (s->share[link] <= 0)
			continue;
		uint64_t cancel = greatest_common_divisor(s->exact[link].numerator, s->exact[link].denominator);
		struct fraction exact = s->exact[link] = (struct fraction){s->exact[link].numerator / cancel, s->exact[link].denominator / cancel};
		uint64_t factor = walk->exact ? exact.denominator / greatest_common_divisor(total, exact.denominator) : 1;
		walk->exact = walk->exact && !__builtin_mul_overflow(total, factor, &total) && total <= MAX_TOTAL;
		ARRAY_RESERVE(spread->links, (size_t)spread->n_links + 1, s->links_capacity);
		spread->links[spread->n_links].link = link;
		/* Channels of one link are several edges: the first takes the whole share. */
		spread->links[spread->n_links++].weight = 0;
		s->share[link] = -s->share[link];
	}
	qsort(spread->links, spread->n_links, sizeof *spread->links, compare_links);
	spread->total_weight = walk->exact ? (uint32_t)total : ROUNDED_TOTAL;
	for (uint32_t i = 0; i < spread->n_links; i++) {
		uint32_t link = spread->links[i].link;
		double rounded = fmax(1, round(-s->share[link] * ROUNDED_TOTAL));
		spread->links[i].weight = walk->exact ? (uint32_t)(total / s->exact[link].denominator * s->exact[link].numerator) : (uint32_t)rounded;
	}
}

static struct spread_scratch *scratch_for(struct spread *spread, const struct walk *walk)
{
	struct spread_scratch *s = spread->scratch;
	const struct fabric *fabric = walk->fabric;
	if (!s) {
		s = spread->scratch = memory_zero(1, sizeof *s);
		s->n_keys = walk->by_node ? fabric->n_nodes : (size_t)fabric->n_links * fabric->n_channels + 1;
		s->state_of = memory_zero(s->n_keys, sizeof *s->state_of);
		s->share = memory_zero((size_t)fabric->n_links + 1, sizeof *s->share);
		s->exact = memory_alloc(((size_t)fabric->n_links + 1) * sizeof *s->exact);
		for (uint32_t link = 0; link < fabric->n_links; link++)
			s->exact[link] = (struct fraction){0, 1};
	}
	s->n_states = s->n_edges = s->n_visits = s->n_choices = s->n_order = 0;
	return s;
}

int spread_walk(struct spread *spread, const struct routes *routes, uint32_t source_node, uint32_t destination_node,
		const int64_t *latency_ps, struct error *err)
{
	const struct fabric *fabric = routes->fabric;
	struct walk walk = {.routes = routes, .fabric = fabric, .latency_ps = latency_ps ? latency_ps : fabric->link_latency_ps,
		.source = source_node, .destination = destination_node, .by_node = fabric_routes_by_node(fabric), .exact = true, .err = err};
	struct spread_scratch *s = walk.s = scratch_for(spread, &walk);
	int status = visit_all(&walk);
	spread->n_links = 0;
	spread->n_paths = status ? 0 : s->states[0].n_paths;
	spread->latency_ps = status ? 0 : s->states[0].latency_ps;
	if (spread->n_paths > 0) {
		split(&walk);
		collect(&walk, spread);
	}
	for (size_t i = 0; i < s->n_states; i++)
		s->state_of[s->states[i].key] = 0;
	for (size_t e = 0; e < s->n_edges; e++) {
		s->share[s->edges[e].link] = 0;
		s->exact[s->edges[e].link] = (struct fraction){0, 1};
	}
	return status;
}

void spread_release(struct spread *spread)
{
	struct spread_scratch *s = spread->scratch;
	if (s) {
		void *arrays[] = {s->state_of, s->states, s->edges, s->visits, s->choices, s->order, s->share, s->exact, s};
		for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
			free(arrays[i]);
	}
	free(spread->links);
	*spread = (struct spread){0};
}
