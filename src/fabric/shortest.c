/* Shortest paths by hops: distances to a destination by breadth-first search over incoming links, kept for the destinations
 * asked of most recently so that memory stays bounded at 65,536 chips. */
#include <stdlib.h>
#include <string.h>

#include "fabric/build.h"

#define CACHE_BYTES (64u << 20)
#define FAR UINT32_MAX

struct shortest {
	uint32_t *in_first, *in_links; /* links that arrive at a node */
	uint32_t n_slots, next_slot;
	uint32_t *slot_destination;    /* [n_slots] */
	uint32_t *node_slot;           /* [n_nodes] slot of a destination, or FAR */
	uint32_t *distances;           /* [n_slots][n_nodes] */
	uint32_t *queue;
};

static void index_in_links(struct shortest *shortest, const struct fabric *fabric)
{
	uint32_t *next = memory_zero((size_t)fabric->n_nodes + 1, sizeof *next);
	shortest->in_first = memory_zero((size_t)fabric->n_nodes + 1, sizeof *shortest->in_first);
	shortest->in_links = memory_zero((size_t)fabric->n_links + 1, sizeof *shortest->in_links);
	for (uint32_t link = 0; link < fabric->n_links; link++)
		next[fabric->link_target[link]]++;
	for (uint32_t node = 0, sum = 0; node <= fabric->n_nodes; node++) {
		uint32_t count = next[node];
		shortest->in_first[node] = next[node] = sum;
		sum += count;
	}
	for (uint32_t link = 0; link < fabric->n_links; link++)
		shortest->in_links[next[fabric->link_target[link]]++] = link;
	free(next);
}

static struct shortest *shortest_new(const struct fabric *fabric)
{
	struct shortest *shortest = memory_zero(1, sizeof *shortest);
	size_t row = (size_t)fabric->n_nodes * sizeof(uint32_t), slots = CACHE_BYTES / row;
	shortest->n_slots = (uint32_t)(slots < 4 ? 4 : slots > fabric->n_nodes ? fabric->n_nodes : slots);
	index_in_links(shortest, fabric);
	shortest->slot_destination = memory_alloc(shortest->n_slots * sizeof(uint32_t));
	memset(shortest->slot_destination, 0xff, shortest->n_slots * sizeof(uint32_t));
	shortest->node_slot = memory_alloc(row);
	memset(shortest->node_slot, 0xff, row);
	shortest->distances = memory_alloc(shortest->n_slots * row);
	shortest->queue = memory_alloc(row);
	return shortest;
}

void shortest_release(struct fabric *fabric)
{
	struct shortest *shortest = fabric->shortest;
	if (!shortest)
		return;
	free(shortest->in_first);
	free(shortest->in_links);
	free(shortest->slot_destination);
	free(shortest->node_slot);
	free(shortest->distances);
	free(shortest->queue);
	free(shortest);
	fabric->shortest = NULL;
}

void shortest_distances(const struct fabric *fabric, uint32_t destination, const uint8_t *link_down, uint32_t *distance)
{
	struct shortest *shortest = fabric->shortest;
	uint32_t head = 0, tail = 0;
	if (!shortest) /* a cache of the fabric's, not a part of what it is */
		shortest = ((struct fabric *)fabric)->shortest = shortest_new(fabric);
	memset(distance, 0xff, (size_t)fabric->n_nodes * sizeof *distance);
	distance[destination] = 0;
	shortest->queue[tail++] = destination;
	while (head < tail) {
		uint32_t node = shortest->queue[head++];
		for (uint32_t i = shortest->in_first[node]; i < shortest->in_first[node + 1]; i++) {
			uint32_t link = shortest->in_links[i], before = fabric->link_source[link];
			if (distance[before] != FAR || (link_down && link_down[link]))
				continue;
			distance[before] = distance[node] + 1;
			shortest->queue[tail++] = before;
		}
	}
}

static const uint32_t *distances_to(const struct fabric *fabric, uint32_t destination)
{
	struct shortest *shortest = fabric->shortest;
	if (!shortest)
		shortest = ((struct fabric *)fabric)->shortest = shortest_new(fabric);
	uint32_t slot = shortest->node_slot[destination];
	if (slot != FAR)
		return shortest->distances + (size_t)slot * fabric->n_nodes;
	slot = shortest->next_slot;
	shortest->next_slot = (slot + 1) % shortest->n_slots;
	if (shortest->slot_destination[slot] != FAR)
		shortest->node_slot[shortest->slot_destination[slot]] = FAR;
	shortest->slot_destination[slot] = destination;
	shortest->node_slot[destination] = slot;
	uint32_t *row = shortest->distances + (size_t)slot * fabric->n_nodes;
	shortest_distances(fabric, destination, NULL, row);
	return row;
}

uint32_t shortest_next_links(const struct fabric *fabric, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	uint32_t target = hop->via != WEFT_NONE ? hop->via : hop->destination, n = 0;
	const uint32_t *distance = distances_to(fabric, target);
	if (distance[hop->node] == FAR || distance[hop->node] == 0)
		return 0;
	for (uint32_t i = fabric->out_first[hop->node]; i < fabric->out_first[hop->node + 1]; i++) {
		uint32_t link = fabric->out_links[i];
		if (distance[fabric->link_target[link]] != distance[hop->node] - 1)
			continue;
		if (n < capacity)
			choices[n] = (struct weft_choice){.link = link};
		n++;
	}
	uint32_t npu = fabric->node_npu[target], chosen = (npu != FABRIC_NONE ? npu : target) % n;
	if (chosen < capacity)
		choices[chosen].weight = 1;
	return n;
}
