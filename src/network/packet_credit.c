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
	net->n_returns_used++;
	return index;
}

static void give_back(struct packet_network *net, uint32_t *from)
{
	uint32_t index = *from;
	*from = net->returns[index].next;
	net->returns[index].next = net->free_return;
	net->free_return = index;
	net->n_returns_used--;
}

/* What of one return is there by time_ps. */
static void take_in(struct packet_credit *credit, struct packet_return *item, int64_t time_ps)
{
	if (item->count == 0 || item->time_ps > time_ps)
		return;
	int64_t due = item->count > 1 ? (time_ps - item->time_ps) / (item->stride_ps ? item->stride_ps : 1) + 1 : 1;
	uint32_t n = due < item->count ? (uint32_t)due : item->count;
	credit->free_bytes += (int64_t)n * item->bytes;
	item->count -= n;
	item->time_ps += (int64_t)n * item->stride_ps;
}

void packet_credit_drain(struct packet_network *net, struct packet_credit *credit, int64_t time_ps)
{
	credit->blocked = false;
	take_in(credit, &credit->newest, time_ps);
	credit->next_ps = credit->newest.count ? credit->newest.time_ps : TIME_NEVER;
	for (uint32_t *from = &credit->newest.next; *from != PACKET_NONE;) {
		struct packet_return *item = &net->returns[*from];
		take_in(credit, item, time_ps);
		if (item->count == 0) {
			give_back(net, from);
			continue;
		}
		if (item->time_ps < credit->next_ps)
			credit->next_ps = item->time_ps;
		from = &item->next;
	}
}

/* The newest return joins the older ones, in the place of the last that did if that has come in: so the list holds what is on its way and
 * not a buffer's worth. */
static void keep_older(struct packet_network *net, struct packet_credit *credit)
{
	uint32_t older = credit->newest.next;
	if (older != PACKET_NONE)
		take_in(credit, &net->returns[older], net->base.setup.engine->now_ps);
	if (older != PACKET_NONE && net->returns[older].count == 0) {
		uint32_t next = net->returns[older].next;
		net->returns[older] = credit->newest;
		net->returns[older].next = next;
		return;
	}
	older = return_take(net);
	net->returns[older] = credit->newest;
	credit->newest.next = older;
}

/* The newest return lies in the credit itself, and what it replaces has mostly come in by then: one cache line is enough. */
void packet_credit_post(struct packet_network *net, uint32_t index, int64_t time_ps, int64_t stride_ps, uint32_t count, uint32_t bytes)
{
	struct packet_credit *credit = &net->credits[index];
	take_in(credit, &credit->newest, net->base.setup.engine->now_ps);
	if (credit->newest.count)
		keep_older(net, credit);
	credit->newest = (struct packet_return){.time_ps = time_ps, .stride_ps = (uint32_t)stride_ps, .count = count, .bytes = bytes,
						.next = credit->newest.next};
	if (time_ps < credit->next_ps)
		credit->next_ps = time_ps;
	if (credit->blocked) /* and it stays so until the link has looked: returns are not posted in order of time */
		packet_wake(net, index / net->n_channels, time_ps);
}

/* Only the newest returns are looked at: a stream that waits for room mostly has no others. */
int64_t packet_credit_reach(const struct packet_network *net, uint32_t index, int64_t now, int64_t time_ps, int64_t spacing_ps, int64_t want)
{
	const struct packet_return *newest = &net->credits[index].newest;
	int64_t slack_ps = time_ps + now * spacing_ps - newest->time_ps, n = newest->count;
	int64_t wire = net->full_wire; /* returns are of one packet each: a smaller one may not do for the next */
	if (n == 0 || newest->bytes < wire || slack_ps < 0)
		return now;
	if ((int64_t)newest->stride_ps > spacing_ps) {
		int64_t in_time = slack_ps / ((int64_t)newest->stride_ps - spacing_ps) + 1;
		n = in_time < n ? in_time : n;
	}
	return now + n < want ? now + n : want;
}

bool packet_credit_covers(struct packet_network *net, uint32_t index, uint32_t wire, int64_t time_ps)
{
	struct packet_credit *credit = &net->credits[index];
	const struct packet_return *newest = &credit->newest;
	int64_t now_ps = net->base.setup.engine->now_ps;
	if (credit->next_ps <= now_ps)
		packet_credit_drain(net, credit, now_ps);
	if (credit->free_bytes >= wire)
		return true;
	int64_t missing = newest->count ? (wire - credit->free_bytes + newest->bytes - 1) / newest->bytes : 0; /* returns, up to the one needed */
	return missing && missing <= newest->count && newest->time_ps + (missing - 1) * newest->stride_ps <= time_ps;
}

static bool shorten(struct packet_return *item, int64_t last_ps, uint32_t count)
{
	if (item->count < count || item->time_ps + (int64_t)(item->count - 1) * item->stride_ps != last_ps)
		return false;
	item->count -= count;
	return true;
}

void packet_credit_unpost(struct packet_network *net, uint32_t index, int64_t last_ps, uint32_t count)
{
	struct packet_credit *credit = &net->credits[index];
	if (shorten(&credit->newest, last_ps, count))
		return;
	uint32_t *from = &credit->newest.next;
	while (!shorten(&net->returns[*from], last_ps, count)) {
		from = &net->returns[*from].next;
		assert(*from != PACKET_NONE);
	}
	if (net->returns[*from].count == 0)
		give_back(net, from);
}
