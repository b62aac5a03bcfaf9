/* Which port each circuit of a state takes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/circuits_internal.h"

static void take(struct circuits *circuits, uint32_t source, uint32_t target, uint32_t port)
{
	circuits->wanted[source * circuits->n_ports + port] = target;
	circuits->receives[target * circuits->n_ports + port] = source;
}

static uint32_t free_port(const struct circuits *circuits, const uint32_t *ports, uint32_t chip)
{
	for (uint32_t p = 0; p < circuits->n_ports; p++)
		if (ports[chip * circuits->n_ports + p] == UNCONNECTED)
			return p;
	assert(!"a chip has more circuits than ports");
	return 0;
}

/* Makes port `at_source`, free at the source, free at the target too, where `at_target` is: the path of circuits that alternate between the
 * two ports, from the target on, changes them (König: a bipartite graph of degree k has k matchings). It cannot come back to the
 * source. False: a circuit on it insists on its port. */
static bool exchange(struct circuits *circuits, uint32_t target, uint32_t at_source, uint32_t at_target)
{
	uint32_t n_ports = circuits->n_ports, from = at_source, to = at_target, chip = target, n = 0;
	struct { uint32_t source, target, port; } *path = memory_alloc((2u * circuits->n + 1) * sizeof *path);
	bool free_to_move = true;
	for (bool receives = true;; receives = !receives) {
		uint32_t other = (receives ? circuits->receives : circuits->wanted)[chip * n_ports + from];
		if (other == UNCONNECTED)
			break;
		path[n].source = receives ? other : chip;
		path[n].target = receives ? chip : other;
		path[n++].port = from;
		free_to_move &= !circuits->fixed[path[n - 1].source * n_ports + from];
		chip = other;
		uint32_t swap = from;
		from = to;
		to = swap;
	}
	for (uint32_t i = 0; i < n && free_to_move; i++)
		circuits->wanted[path[i].source * n_ports + path[i].port] = circuits->receives[path[i].target * n_ports + path[i].port] = UNCONNECTED;
	for (uint32_t i = 0; i < n && free_to_move; i++)
		take(circuits, path[i].source, path[i].target, path[i].port == at_source ? at_target : at_source);
	free(path);
	return free_to_move;
}

static bool keep(struct circuits *circuits, const struct circuit_pair *pair)
{
	for (uint32_t p = 0; p < circuits->n_ports; p++) {
		uint32_t port = (uint32_t)pair->source * circuits->n_ports + p;
		if (circuits->ports[port].peer != pair->target || circuits->wanted[port] != UNCONNECTED ||
		    circuits->receives[pair->target * circuits->n_ports + p] != UNCONNECTED)
			continue;
		take(circuits, (uint32_t)pair->source, (uint32_t)pair->target, p);
		return true;
	}
	return false;
}

int circuits_arrange(struct circuits *circuits, const struct circuit_pair *pairs, uint32_t n_pairs)
{
	uint32_t n = circuits->n * circuits->n_ports;
	bool *placed = memory_zero(n_pairs + 1u, sizeof *placed);
	int status = 0;
	memset(circuits->wanted, 0xff, n * sizeof *circuits->wanted);     /* UNCONNECTED */
	memset(circuits->receives, 0xff, n * sizeof *circuits->receives); /* UNCONNECTED */
	memset(circuits->fixed, 0, n * sizeof *circuits->fixed);
	for (uint32_t k = 0; k < n_pairs; k++) {
		if (pairs[k].port < 0)
			continue;
		take(circuits, (uint32_t)pairs[k].source, (uint32_t)pairs[k].target, (uint32_t)pairs[k].port);
		circuits->fixed[pairs[k].source * circuits->n_ports + pairs[k].port] = placed[k] = true;
	}
	for (uint32_t k = 0; k < n_pairs; k++)
		if (!placed[k])
			placed[k] = keep(circuits, &pairs[k]);
	for (uint32_t k = 0; k < n_pairs && !status; k++) {
		if (placed[k])
			continue;
		uint32_t source = (uint32_t)pairs[k].source, target = (uint32_t)pairs[k].target;
		uint32_t port = free_port(circuits, circuits->wanted, source), there = free_port(circuits, circuits->receives, target);
		for (uint32_t p = 0; p < circuits->n_ports; p++) /* one that is free at both ends, if there is */
			if (circuits->wanted[source * circuits->n_ports + p] == UNCONNECTED &&
			    circuits->receives[target * circuits->n_ports + p] == UNCONNECTED) {
				port = there = p;
				break;
			}
		if (port == there || exchange(circuits, target, port, there))
			take(circuits, source, target, port);
		else
			status = -1;
	}
	free(placed);
	return status;
}
