/* Which state the switches shall have next, decided by the clock or by what is waiting in the simulated network. */
#include <string.h>

#include "base/time.h"
#include "base/units.h"
#include "engine/engine.h"
#include "link/cross_connect.h"
#include "network/network.h"
#include "scenario/circuits_internal.h"
#include "scenario/simulation.h"

static void each_message(void *context, uint32_t source, uint32_t destination, int64_t wire_bytes)
{
	struct circuits *circuits = context;
	circuits->demand[(size_t)source * circuits->n + destination] += wire_bytes;
}

int64_t circuits_read_demand(struct circuits *circuits)
{
	struct network *network = circuits->simulation->network;
	size_t n = (size_t)circuits->n * circuits->n;
	int64_t sum = 0;
	memset(circuits->demand, 0, n * sizeof *circuits->demand);
	network->model->outstanding(network, each_message, circuits);
	for (size_t i = 0; i < n; i++) {
		if (circuits->link[i] == UINT32_MAX)
			circuits->demand[i] = 0; /* takes another way */
		sum += circuits->demand[i];
	}
	return sum;
}

/* Circuits that nothing takes the place of stay lit. */
static void keep_others(struct circuits *circuits)
{
	uint32_t n = circuits->n * circuits->n_ports;
	for (uint32_t i = 0; i < n; i++)
		circuits->receives[i] = UNCONNECTED;
	for (uint32_t i = 0; i < n; i++)
		if (circuits->wanted[i] != UNCONNECTED)
			circuits->receives[circuits->wanted[i] * circuits->n_ports + i % circuits->n_ports] = i / circuits->n_ports;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t peer = circuits->ports[i].peer;
		if (circuits->wanted[i] != UNCONNECTED || peer == UNCONNECTED ||
		    circuits->receives[peer * circuits->n_ports + i % circuits->n_ports] != UNCONNECTED)
			continue;
		circuits->wanted[i] = peer;
		circuits->receives[peer * circuits->n_ports + i % circuits->n_ports] = i / circuits->n_ports;
	}
}

/* ---- static and rotor -------------------------------------------------------------------------------------------------- */

static bool want_static(struct circuits *circuits, int64_t *again_ps)
{
	const struct scenario_circuits *setup = circuits->setup;
	const struct circuits_state *state = &setup->states[circuits->next++];
	circuits_arrange(circuits, state->pairs, state->n_pairs);
	if (circuits->next < setup->n_states)
		*again_ps = setup->states[circuits->next].at_ps;
	return true;
}

/* In slot k port p of chip i leads to chip i + 1 + (k n_ports + p) mod (n - 1). */
static bool want_rotor(struct circuits *circuits, int64_t *again_ps)
{
	uint32_t n = circuits->n, n_ports = circuits->n_ports;
	uint64_t first = (uint64_t)circuits->next++ * n_ports;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t p = 0; p < n_ports; p++)
			circuits->wanted[i * n_ports + p] = (uint32_t)((i + 1 + (first + p) % (n - 1)) % n);
	*again_ps = time_add(circuits->simulation->engine.now_ps, circuits->setup->slot_ps);
	return true;
}

/* ---- demand ------------------------------------------------------------------------------------------------------------ */

/* Port after port the matching of maximum weight on what is waiting, less what the ports before it carry in a slot. */
static bool want_demand(struct circuits *circuits, int64_t *again_ps)
{
	uint32_t n = circuits->n, n_pairs = 0;
	int64_t lit_ps = circuits->setup->slot_ps - circuits->guard_ps;
	int64_t carried = scale_floor(circuits->port_bytes_per_s, lit_ps, PS_PER_S);
	*again_ps = time_add(circuits->simulation->engine.now_ps, circuits->setup->slot_ps);
	if (!circuits_read_demand(circuits))
		return false;
	struct circuit_pair *pairs = memory_alloc(((size_t)n * circuits->n_ports + 1) * sizeof *pairs);
	uint32_t *peer = memory_alloc((n + 1u) * sizeof *peer);
	for (uint32_t p = 0; p < circuits->n_ports && cross_connect_best(circuits->demand, n, peer); p++)
		for (uint32_t i = 0; i < n; i++) {
			if (peer[i] == CROSS_CONNECT_NONE)
				continue;
			int64_t *left = &circuits->demand[(size_t)i * n + peer[i]];
			*left -= *left < carried ? *left : carried;
			pairs[n_pairs++] = (struct circuit_pair){.source = i, .target = peer[i], .port = -1};
		}
	circuits_arrange(circuits, pairs, n_pairs);
	keep_others(circuits);
	free(pairs);
	free(peer);
	return true;
}

/* ---- decomposition ----------------------------------------------------------------------------------------------------- */

static void add_term(void *context, const uint32_t *peer, int64_t bytes)
{
	struct circuits *circuits = context;
	struct circuit_plan *plan = &circuits->plan;
	uint32_t n = circuits->n;
	bool carries = false;
	ARRAY_RESERVE(plan->peers, ((size_t)plan->n_terms + 1) * n, plan->peers_capacity);
	ARRAY_RESERVE(plan->bytes, (size_t)plan->n_terms + 1, plan->bytes_capacity);
	for (uint32_t i = 0; i < n; i++) {
		bool real = circuits->demand[(size_t)i * n + peer[i]] > 0; /* the rest only fills the matrix */
		plan->peers[(size_t)plan->n_terms * n + i] = real ? peer[i] : UNCONNECTED;
		carries |= real;
	}
	plan->bytes[plan->n_terms] = bytes;
	plan->n_terms += carries;
}

/* What is waiting becomes a list of states, which are then taken one after the other. */
static bool make_plan(struct circuits *circuits)
{
	circuits->plan.n_terms = circuits->plan.next = 0;
	if (!circuits_read_demand(circuits))
		return false;
	cross_connect_fill(circuits->demand, circuits->n, circuits->filled);
	cross_connect_decompose(circuits->filled, circuits->n, add_term, circuits);
	return true;
}

/* All ports of a chip lead to the same peer. A state is lit for its part of the decomposition, and for a slot at least. */
static bool want_bvn(struct circuits *circuits, int64_t *again_ps)
{
	struct circuit_plan *plan = &circuits->plan;
	int64_t now_ps = circuits->simulation->engine.now_ps, lit_ps;
	if (plan->next == plan->n_terms && !make_plan(circuits)) {
		*again_ps = time_add(now_ps, circuits->setup->slot_ps);
		return false;
	}
	const uint32_t *peers = &plan->peers[(size_t)plan->next * circuits->n];
	for (uint32_t i = 0; i < circuits->n * circuits->n_ports; i++)
		circuits->wanted[i] = peers[i / circuits->n_ports];
	keep_others(circuits);
	lit_ps = serialization_ps(plan->bytes[plan->next++], circuits->port_bytes_per_s * circuits->n_ports);
	if (lit_ps < circuits->setup->slot_ps)
		lit_ps = circuits->setup->slot_ps;
	*again_ps = time_add(time_add(now_ps, circuits->guard_ps), lit_ps);
	return true;
}

bool circuits_want(struct circuits *circuits, int64_t *again_ps)
{
	*again_ps = TIME_NEVER;
	switch (circuits->setup->controller) {
	case CIRCUITS_STATIC: return want_static(circuits, again_ps);
	case CIRCUITS_ROTOR: return want_rotor(circuits, again_ps);
	case CIRCUITS_DEMAND: return want_demand(circuits, again_ps);
	case CIRCUITS_BVN: return want_bvn(circuits, again_ps);
	default: return false;
	}
}
