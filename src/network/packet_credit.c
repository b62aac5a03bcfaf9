/* Credits as timestamps: returns wait in a short list per buffer and are taken in when a sender needs them. */
#include <assert.h>

#include "network/packet.h"

static uint32_t return_take(struct packet_network *net)
{
	uint32_t index = net->free_return;
	if (index == PACKET_NONE) {
		uint32_t capacity = net->n_returns ? net->n_returns * 2 : 1024;
		net->returns = memory_resize(net->returns, capacity, sizeof *net->returns);
		for (uint32_t i = capacity; i-- > net->n_returns;) {
			net->returns[i].next = net->free_return;
			net->free_return = i;
		}
		net->n_returns = capacity;
		index = net->free_return;
	}
	net->free_return = net->returns[index].next;
	return index;
}

void packet_credit_drain(struct packet_network *net, struct packet_credit *credit, int64_t time_ps)
{
	uint32_t *from = &credit->returns;
	credit->blocked = false;
	credit->next_ps = TIME_NEVER;
	while (*from != PACKET_NONE) {
		uint32_t index = *from;
		struct packet_return *item = &net->returns[index];
		if (item->time_ps > time_ps) {
			if (item->time_ps < credit->next_ps)
				credit->next_ps = item->time_ps;
			from = &item->next;
			continue;
		}
		int64_t due = item->count > 1 ? (time_ps - item->time_ps) / (item->stride_ps ? item->stride_ps : 1) + 1 : 1;
		uint32_t n = due < item->count ? (uint32_t)due : item->count;
		credit->free_bytes += (int64_t)n * item->bytes;
		item->count -= n;
		item->time_ps += (int64_t)n * item->stride_ps;
		if (item->count) {
			if (item->time_ps < credit->next_ps)
				credit->next_ps = item->time_ps;
			from = &item->next;
			continue;
		}
		*from = item->next;
		item->next = net->free_return;
		net->free_return = index;
	}
}

void packet_credit_post(struct packet_network *net, uint32_t index, int64_t time_ps, int64_t stride_ps, uint32_t count, uint32_t bytes)
{
	struct packet_credit *credit = &net->credits[index];
	if (time_ps < credit->next_ps)
		credit->next_ps = time_ps;
	uint32_t added = return_take(net);
	net->returns[added] = (struct packet_return){.time_ps = time_ps, .stride_ps = (uint32_t)stride_ps, .count = count, .bytes = bytes,
						     .next = credit->returns};
	credit->returns = added;
	if (credit->blocked) /* and it stays so until the link has looked: returns are not posted in order of time */
		packet_wake(net, index / net->n_channels, time_ps);
}

void packet_credit_unpost(struct packet_network *net, uint32_t index, int64_t last_ps, uint32_t count)
{
	uint32_t *from = &net->credits[index].returns;
	for (;; from = &net->returns[*from].next) {
		struct packet_return *item = &net->returns[*from];
		assert(*from != PACKET_NONE);
		if (item->count < count || item->time_ps + (int64_t)(item->count - 1) * item->stride_ps != last_ps)
			continue;
		item->count -= count;
		if (item->count == 0) {
			uint32_t gone = *from;
			*from = item->next;
			item->next = net->free_return;
			net->free_return = gone;
		}
		return;
	}
}
