/* What the next events will look at is asked of memory ahead of time: the state of thousands of links is spread over more memory than
 * the near caches hold, and each event needs a chain of it: link, bitmap, queue, packet, credits, and the same of the link that its
 * packet goes to. Nothing here changes anything.
 *
 * Two cases. Collectives make thousands of links due at one instant: those wait in `due`. Else events are at instants of their own:
 * then a cursor runs some days of the calendar ahead of the clock and notes the links that it meets. Both take several steps, each of
 * which needs what the one before asked for. */
#include "network/packet.h"

enum { FIRST_DAY = 6, LAST_DAY = 96, MOST_OF_A_DAY = 3, STEP = 5, STEPS = 7, MOST_INPUTS = 64 };

static void ask_link(const struct packet_network *net, struct packet_peek *peek, uint32_t index)
{
	*peek = (struct packet_peek){.link = index, .voq = PACKET_NONE, .next_voq = PACKET_NONE};
	__builtin_prefetch(&net->links[index]);
	__builtin_prefetch(&net->links[index].horizon_ps);
}

static void ask_bitmap(const struct packet_network *net, const struct packet_peek *peek)
{
	const struct packet_link *link = &net->links[peek->link];
	uint32_t n = link->n_inputs < MOST_INPUTS ? link->n_inputs : MOST_INPUTS;
	__builtin_prefetch(&net->active[link->first_word]);
	for (uint32_t i = 0; i < n; i += 8)
		__builtin_prefetch(&net->avails_ps[link->first_voq + i]);
	if (net->trains)
		__builtin_prefetch(&net->trains_started[peek->link]);
	if (net->tallies)
		__builtin_prefetch(&net->tallies[peek->link]);
	if (net->watches)
		__builtin_prefetch(&net->watches[peek->link]);
}

/* The queue that round robin will come to first when the link is due, as far as is known now: credits may decide otherwise. */
static uint32_t next_queue(const struct packet_network *net, uint32_t index)
{
	const struct packet_link *link = &net->links[index];
	uint32_t first = link->last_input + 1 == link->n_inputs ? 0 : link->last_input + 1, words = (link->n_inputs + 63u) / 64;
	for (uint32_t i = 0, word = first / 64; i <= words; i++, word = word + 1 == words ? 0 : word + 1) {
		uint64_t bits = net->active[link->first_word + word];
		for (bits &= i ? ~UINT64_C(0) : ~UINT64_C(0) << first % 64; bits; bits &= bits - 1) {
			uint32_t voq = link->first_voq + word * 64 + (uint32_t)__builtin_ctzll(bits);
			if (net->avails_ps[voq] <= link->event_ps)
				return voq;
		}
	}
	return PACKET_NONE;
}

static void ask_queue(const struct packet_network *net, struct packet_peek *peek)
{
	peek->voq = next_queue(net, peek->link);
	if (peek->voq == PACKET_NONE)
		return;
	__builtin_prefetch(&net->voqs[peek->voq]);
	if (net->watches)
		__builtin_prefetch(net->watches[peek->link].arrivals + net->watches[peek->link].first);
}

static void ask_packet(const struct packet_network *net, const struct packet_peek *peek)
{
	if (peek->voq == PACKET_NONE)
		return;
	const struct packet_voq *voq = &net->voqs[peek->voq];
	if (voq->head != PACKET_NONE)
		__builtin_prefetch(&net->entries[voq->head]);
	if (voq->credit != PACKET_NONE)
		__builtin_prefetch(&net->credits[voq->credit]);
	if (voq->returns != PACKET_NONE) {
		__builtin_prefetch(&net->credits[voq->returns]);
			}
}

/* The link that the packet goes to, and what it knows of the packet's way. */
static void ask_way(const struct packet_network *net, struct packet_peek *peek)
{
	if (peek->voq == PACKET_NONE || net->voqs[peek->voq].head == PACKET_NONE || net->adapts)
		return;
	const struct packet_voq *voq = &net->voqs[peek->voq];
	const struct packet_entry *entry = &net->entries[voq->head];
	if (voq->credit != PACKET_NONE && net->credits[voq->credit].newest.next != PACKET_NONE)
		__builtin_prefetch(&net->returns[net->credits[voq->credit].newest.next]);
	if (entry->next != PACKET_NONE)
		__builtin_prefetch(&net->entries[entry->next]);
	if (packet_ends(net, peek->link, entry)) {
		__builtin_prefetch(&net->wires[peek->link]);
		return;
	}
	uint32_t arrives_by = peek->link * net->n_channels + packet_channel(net, entry->hop);
	peek->next_voq = entry->hop & PACKET_HOPWISE ? packet_ways_peek(net, arrives_by, entry) : net->hops[entry->hop].next_voq;
	if (peek->next_voq == PACKET_NONE)
		return;
	__builtin_prefetch(&net->voqs[peek->next_voq]);
	__builtin_prefetch(&net->avails_ps[peek->next_voq]);
}

static void ask_next_link(const struct packet_network *net, const struct packet_peek *peek)
{
	if (peek->next_voq == PACKET_NONE)
		return;
	uint32_t index = net->voqs[peek->next_voq].link, tail = net->voqs[peek->next_voq].tail;
	__builtin_prefetch(&net->links[index]);
	__builtin_prefetch(&net->links[index].horizon_ps);
	if (net->voqs[peek->next_voq].head != PACKET_NONE)
		__builtin_prefetch(&net->entries[tail]);
	if (net->trains)
		__builtin_prefetch(&net->trains_started[index]);
	if (net->watches)
		__builtin_prefetch(&net->watches[index]);
	if (net->trains && net->tallies)
		__builtin_prefetch(&net->tallies[index]);
}

static void ask_next_queue(const struct packet_network *net, const struct packet_peek *peek)
{
	if (peek->next_voq == PACKET_NONE)
		return;
	uint32_t index = net->voqs[peek->next_voq].link;
	__builtin_prefetch(&net->active[net->links[index].first_word]);
	if (net->watches && net->watches[index].n)
		__builtin_prefetch(net->watches[index].arrivals + net->watches[index].first + net->watches[index].n);
}

/* Each step for what was noted some notes before. */
static void note(struct packet_network *net, struct packet_ahead *ahead, uint32_t link)
{
	uint32_t n = ahead->n++;
	ask_link(net, &ahead->peeks[n % PACKET_AHEAD], link);
	ask_bitmap(net, &ahead->peeks[(n - STEP) % PACKET_AHEAD]);
	ask_queue(net, &ahead->peeks[(n - 2 * STEP) % PACKET_AHEAD]);
	ask_packet(net, &ahead->peeks[(n - 3 * STEP) % PACKET_AHEAD]);
	ask_way(net, &ahead->peeks[(n - 4 * STEP) % PACKET_AHEAD]);
	ask_next_link(net, &ahead->peeks[(n - 5 * STEP) % PACKET_AHEAD]);
	ask_next_queue(net, &ahead->peeks[(n - 6 * STEP) % PACKET_AHEAD]);
}

static void look_at_days(struct packet_network *net)
{
	const struct event_queue *queue = net->base.setup.engine->queue;
	struct packet_ahead *ahead = &net->ahead;
	uint32_t mask = queue->n_buckets - 1;
	int64_t last = queue->day + LAST_DAY, before = ahead->day;
	if (before < queue->day + FIRST_DAY || before > last)
		before = ahead->day = queue->day + FIRST_DAY;
	for (int found = 0; ahead->day < last && found < 2; ahead->day++) {
		uint32_t bucket = (uint32_t)ahead->day & mask;
		uint64_t bits = queue->bits[bucket >> 6] >> (bucket & 63);
		if (!bits) {
			ahead->day += 63 - (bucket & 63);
			continue;
		}
		ahead->day += __builtin_ctzll(bits);
		bucket = (uint32_t)ahead->day & mask;
		uint32_t index = queue->head[bucket];
		for (int i = 0; i < MOST_OF_A_DAY && index != EVENT_QUEUE_NONE; i++, index = queue->waiting[index].next)
			if ((uint8_t)queue->waiting[index].time_handler == net->link_handler)
				note(net, ahead, queue->waiting[index].argument);
		found++;
	}
}

void packet_look_ahead(struct packet_network *net)
{
	const struct event_queue *queue = net->base.setup.engine->queue;
	uint32_t far = STEP * STEPS < queue->n_due ? STEP * STEPS : queue->n_due;
	if (queue->n_due < 8) {
		look_at_days(net);
		return;
	}
	const struct event_due *next = queue->due + queue->n_due - far;
	if (next->handler == net->link_handler)
		note(net, &net->ahead, next->argument);
}
