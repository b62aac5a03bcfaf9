/* `queues: input-fifo`: one first-in first-out queue per input instead of one per (input, output). Only its oldest packet is offered
 * to an output, so one that must wait holds up all behind it (head-of-line blocking); the next one is offered when the one before
 * has left the buffer. */
#include "network/packet.h"

static void offer(struct packet_network *net, uint32_t input, uint32_t entry)
{
	uint32_t hop = net->entries[entry].hop;
	if (hop & PACKET_HOPWISE)
		packet_push(net, packet_chosen_voq(net, input, hop), entry);
	else
		packet_push(net, net->hops[hop - 1].next_voq, entry); /* noted in the hop by which it came */
}

void packet_fifo_push(struct packet_network *net, uint32_t input, uint32_t entry)
{
	struct packet_fifo *fifo = &net->fifos[input];
	if (!fifo->offered) {
		fifo->offered = true;
		offer(net, input, entry);
		return;
	}
	net->entries[entry].next = PACKET_NONE;
	if (fifo->head == PACKET_NONE)
		fifo->head = entry;
	else
		net->entries[fifo->tail].next = entry;
	fifo->tail = entry;
}

void packet_fifo_next(struct packet_network *net, uint32_t input, int64_t time_ps)
{
	struct packet_fifo *fifo = &net->fifos[input];
	uint32_t entry = fifo->head;
	if (entry == PACKET_NONE) {
		fifo->offered = false;
		return;
	}
	fifo->head = net->entries[entry].next;
	if (net->entries[entry].avail_ps < time_ps)
		net->entries[entry].avail_ps = time_ps;
	offer(net, input, entry);
}
