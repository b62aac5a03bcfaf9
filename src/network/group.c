/* The flows that a link holds back, grouped by the other links that they cross. On a tree many of them share the same few links;
 * a change of level then costs one addition per link instead of one per flow and hop. A queue's groups are made when they are
 * first needed, kept up while flows come and go one by one, and dropped when flows change in bulk or cross too many links. */
#include "base/memory.h"
#include "network/solver.h"

#define MOST_GROUPS 256u
#define FEWEST_FLOWS 4u

static void count_link(struct solver_queue *queue, uint32_t link, uint32_t place)
{
	if (place == queue->n_groups) {
		ARRAY_RESERVE(queue->groups, queue->n_groups + 1u, queue->groups_capacity);
		queue->groups[queue->n_groups++] = (struct group){.link = link};
	}
	queue->groups[place].count++;
}

static uint32_t find_link(const struct solver_queue *queue, uint32_t link)
{
	uint32_t place = 0;
	while (place < queue->n_groups && queue->groups[place].link != link)
		place++;
	return place;
}

bool solver_group(struct solver *solver, uint32_t link)
{
	struct solver_queue *queue = &solver->queues[link];
	if (queue->grouped || queue->n_here < FEWEST_FLOWS || queue->n_general)
		return queue->grouped;
	ARRAY_RESERVE(solver->group_place, solver->n_links, solver->group_place_capacity);
	queue->n_groups = 0;
	for (uint32_t i = 0; i < queue->n_here; i++) {
		uint32_t n;
		const uint32_t *at = solver_spread_links(solver, &queue->spread[i], &n);
		for (uint32_t h = 0; h < n; h++) {
			/* Any number may stand in group_place: it counts when the group there is this link's. */
			uint32_t place = solver->group_place[at[h]];
			if (at[h] == link)
				continue;
			if (place >= queue->n_groups || queue->groups[place].link != at[h])
				place = solver->group_place[at[h]] = queue->n_groups;
			count_link(queue, at[h], place);
		}
		if (queue->n_groups > MOST_GROUPS)
			return false;
	}
	return queue->grouped = true;
}

void solver_group_add(struct solver *solver, uint32_t link, const struct spread *spread)
{
	struct solver_queue *queue = &solver->queues[link];
	uint32_t n;
	const uint32_t *at = solver_spread_links(solver, spread, &n);
	for (uint32_t h = 0; h < n; h++)
		if (at[h] != link)
			count_link(queue, at[h], find_link(queue, at[h]));
	queue->grouped = !spread->unit_class && queue->n_groups <= MOST_GROUPS;
}

void solver_group_remove(struct solver *solver, uint32_t link, const struct spread *spread)
{
	struct solver_queue *queue = &solver->queues[link];
	uint32_t n;
	const uint32_t *at = solver_spread_links(solver, spread, &n);
	for (uint32_t h = 0; h < n; h++) {
		uint32_t place = at[h] != link ? find_link(queue, at[h]) : queue->n_groups;
		if (place < queue->n_groups && --queue->groups[place].count == 0)
			queue->groups[place] = queue->groups[--queue->n_groups];
	}
}
