/* How many bytes wait for a link, for observers: what has arrived in the buffers of its source node and has not started on it. A
 * node's own messages wait in its memory, not in a buffer: they do not count.
 *
 * Arrivals are known ahead of time, starts when they are told (a train's when nothing of it can be recalled any more). Both are
 * taken in order of time, packet by packet, so trains or not the same steps come out. */
#include <stdlib.h>
#include <string.h>

#include "network/packet.h"

enum { FRONT = 8 };

static struct packet_arrival *at(const struct packet_watch *watch, uint32_t i) { return &watch->arrivals[watch->first + i]; }

/* Makes room behind the last one: at the front, or in more memory. */
static void make_room(struct packet_watch *watch)
{
	if (2 * watch->n >= watch->capacity) {
		watch->capacity = watch->capacity ? 2 * watch->capacity : 16;
		watch->arrivals = memory_resize(watch->arrivals, watch->capacity, sizeof *watch->arrivals);
	}
	memmove(watch->arrivals, watch->arrivals + watch->first, watch->n * sizeof *watch->arrivals);
	watch->first = 0;
}

static void insert(struct packet_watch *watch, const struct packet_arrival *arrival)
{
	if (watch->first + watch->n == watch->capacity)
		make_room(watch);
	struct packet_arrival *to = at(watch, watch->n++), *first = at(watch, 0);
	for (; to > first && to[-1].time_ps > arrival->time_ps; to--)
		*to = to[-1];
	*to = *arrival;
}

/* Packets of one link arrive in the order in which they left, also when its latency fell in between. */
static void insert_in_order(struct packet_watch *watch, struct packet_arrival arrival)
{
	int64_t before_ps = INT64_MIN;
	for (uint32_t i = 0; i < watch->n; i++) {
		const struct packet_arrival *other = at(watch, i);
		int64_t last_ps = other->time_ps + (int64_t)(other->count - 1) * other->stride_ps;
		if (other->voq == arrival.voq && last_ps > before_ps)
			before_ps = last_ps;
	}
	uint32_t count = arrival.count;
	if (before_ps <= arrival.time_ps) {
		insert(watch, &arrival);
		return;
	}
	arrival.count = 1;
	for (uint32_t i = 0; i < count; i++) {
		struct packet_arrival one = arrival;
		one.time_ps = arrival.time_ps + (int64_t)i * arrival.stride_ps;
		one.time_ps = one.time_ps > before_ps ? one.time_ps : before_ps;
		insert(watch, &one);
	}
}

static struct packet_arrival arrival_of(const struct packet_network *net, uint32_t voq, const struct packet_entry *entry)
{
	return (struct packet_arrival){.time_ps = entry->avail_ps, .stride_ps = entry->stride_ps, .count = entry->count,
				       .wire = entry->payload + net->header, .voq = voq};
}

void packet_watch_arrive(struct packet_network *net, uint32_t voq, const struct packet_entry *entry)
{
	struct packet_watch *watch = &net->watches[net->voqs[voq].link];
	struct packet_arrival arrival = arrival_of(net, voq, entry);
	if (net->latency_fell)
		insert_in_order(watch, arrival);
	else
		insert(watch, &arrival);
}

void packet_watch_again(struct packet_network *net, uint32_t voq, const struct packet_entry *entry)
{
	struct packet_arrival arrival = arrival_of(net, voq, entry);
	insert(&net->watches[net->voqs[voq].link], &arrival);
}

void packet_watch_recall(struct packet_network *net, uint32_t voq, uint32_t count)
{
	struct packet_watch *watch = &net->watches[net->voqs[voq].link];
	for (uint32_t i = watch->n; i-- > 0 && count;) {
		struct packet_arrival *arrival = at(watch, i);
		if (arrival->voq != voq)
			continue;
		uint32_t n = arrival->count < count ? arrival->count : count;
		count -= n;
		arrival->count -= n;
		if (arrival->count)
			continue;
		for (uint32_t j = i + 1; j < watch->n; j++)
			*at(watch, j - 1) = *at(watch, j);
		watch->n--;
	}
}

/* As many bytes as now wait from at_ps until then. */
static void pass(struct packet_network *net, uint32_t link, struct packet_watch *watch, int64_t until_ps)
{
	int64_t from_ps = watch->at_ps;
	if (until_ps <= from_ps)
		return;
	watch->at_ps = until_ps;
	if (watch->bytes > 0)
		packet_tally_queue(net, link, from_ps, until_ps, watch->bytes);
}

static void take_first(struct packet_watch *watch)
{
	struct packet_arrival *head = at(watch, 0);
	if (--head->count == 0) {
		watch->first++;
		watch->n--;
		if (watch->first >= FRONT && watch->n <= FRONT) { /* stay in few cache lines */
			memmove(watch->arrivals, watch->arrivals + watch->first, watch->n * sizeof *watch->arrivals);
			watch->first = 0;
		}
		return;
	}
	head->time_ps += head->stride_ps;
	for (uint32_t i = 1; i < watch->n && at(watch, i)->time_ps < at(watch, i - 1)->time_ps; i++) {
		struct packet_arrival later = *at(watch, i - 1);
		*at(watch, i - 1) = *at(watch, i);
		*at(watch, i) = later;
	}
}

/* Takes in what arrived before then. What arrives and starts at one instant does not wait. */
static void advance(struct packet_network *net, uint32_t link, struct packet_watch *watch, int64_t until_ps)
{
	while (watch->n && at(watch, 0)->time_ps < until_ps) {
		pass(net, link, watch, at(watch, 0)->time_ps);
		watch->bytes += at(watch, 0)->wire;
		take_first(watch);
	}
	pass(net, link, watch, until_ps);
}

/* The common case: nothing waits, and packets start as they arrive. */
bool packet_watch_none(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t spacing_ps, uint32_t count, uint32_t wire)
{
	struct packet_watch *watch = &net->watches[link];
	if (watch->bytes != 0 || watch->n == 0)
		return false;
	struct packet_arrival *head = at(watch, 0);
	int64_t last_ps = start_ps + (int64_t)(count - 1) * spacing_ps;
	if (head->time_ps != start_ps || head->wire != wire || head->count < count || (count > 1 && head->stride_ps != spacing_ps) ||
	    (watch->n > 1 && at(watch, 1)->time_ps <= last_ps))
		return false;
	watch->at_ps = last_ps;
	head->count -= count - 1;
	head->time_ps = last_ps;
	take_first(watch);
	return true;
}

void packet_watch_start(struct packet_network *net, uint32_t link, int64_t start_ps, uint32_t wire)
{
	struct packet_watch *watch = &net->watches[link];
	if (packet_watch_none(net, link, start_ps, 0, 1, wire))
		return;
	advance(net, link, watch, start_ps);
	watch->bytes -= wire; /* below 0 until what arrived in this instant is taken in */
}

/* One packet that is, or will be, in the queue. */
static void put_again(struct packet_network *net, struct packet_watch *watch, const struct packet_entry *entry, uint32_t voq, int64_t time_ps)
{
	uint32_t wire = entry->payload + net->header;
	if (time_ps <= net->base.setup.engine->now_ps)
		watch->bytes += wire;
	else
		insert(watch, &(struct packet_arrival){.time_ps = time_ps, .count = 1, .wire = wire, .voq = voq});
}

void packet_watch_rebuild(struct packet_network *net, uint32_t link)
{
	struct packet_watch *watch = &net->watches[link];
	packet_observe_train(net, link);
	advance(net, link, watch, net->base.setup.engine->now_ps);
	watch->n = 0;
	watch->bytes = 0;
	for (uint32_t input = 0; input + 1 < net->links[link].n_inputs; input++) {
		uint32_t voq = net->links[link].first_voq + input;
		int64_t time_ps = INT64_MIN; /* arrivals stay in order */
		for (uint32_t e = net->voqs[voq].head; e != PACKET_NONE; e = net->entries[e].next)
			for (uint32_t i = 0; i < net->entries[e].count; i++) {
				int64_t own_ps = net->entries[e].avail_ps + (int64_t)i * net->entries[e].stride_ps;
				time_ps = own_ps > time_ps ? own_ps : time_ps;
				put_again(net, watch, &net->entries[e], voq, time_ps);
			}
	}
}

void packet_watch_end(struct packet_network *net, uint32_t link)
{
	advance(net, link, &net->watches[link], net->base.setup.engine->now_ps);
}
