/* What links did, summed up until observers want it told apart: mostly once per link and bin of a timeline, instead of once per packet. */
#include <stdlib.h>
#include <string.h>

#include "network/packet.h"

#define LONGEST_PS UINT32_MAX /* 4 ms: so packets can be counted in 32 bits */

void packet_tally_begin(struct packet_network *net)
{
	size_t size = (net->base.setup.fabric->n_links + 1u) * sizeof *net->tallies;
	net->tallies = aligned_alloc(sizeof *net->tallies, size);
	if (!net->tallies)
		memory_failed(size);
	memset(net->tallies, 0, size);
}

static void tell(struct packet_network *net, uint32_t link, const struct link_stretch *stretch)
{
	observe_stretch(net->base.setup.observers, link, stretch);
}

void packet_tally_end(struct packet_network *net, uint32_t link)
{
	struct packet_tally *tally = &net->tallies[link];
	struct link_stretch stretch = {.start_ps = tally->from_ps, .end_ps = tally->border_ps, .payload = tally->payload,
		.overhead = (int64_t)tally->packets * net->header, .busy_ps = tally->busy_ps, .queue_max = tally->queue_max,
		.queue_byte_ps = tally->queue_byte_ps, .stall_ps = tally->stall_ps, .kind = tally->kind};
	if (tally->busy_ps || tally->queue_max || tally->stall_ps)
		tell(net, link, &stretch);
	*tally = (struct packet_tally){0};
}

/* The stretch that holds this time, if it is not an earlier one than the present. */
static struct packet_tally *open_at(struct packet_network *net, uint32_t link, int64_t time_ps)
{
	struct packet_tally *tally = &net->tallies[link];
	if (time_ps < tally->border_ps)
		return tally;
	packet_tally_end(net, link);
	tally->from_ps = time_ps;
	tally->border_ps = observe_border(net->base.setup.observers, time_ps);
	if (tally->border_ps - time_ps > LONGEST_PS)
		tally->border_ps = time_ps + LONGEST_PS;
	packet_observe_later(net, link);
	return tally;
}

/* A part of a packet: what is left of its bytes goes by what is left of its time, rounded down from its start. */
struct rest {
	int64_t start_ps, end_ps, payload, header; /* of the whole packet */
	int64_t told_payload, told_header, told_ps;
};

static struct link_stretch take_until(struct rest *rest, int64_t until_ps, uint8_t kind)
{
	int64_t part_ps = until_ps - rest->start_ps, whole_ps = rest->end_ps - rest->start_ps;
	int64_t payload = scale_floor(rest->payload, part_ps, whole_ps), header = scale_floor(rest->header, part_ps, whole_ps);
	struct link_stretch part = {.start_ps = rest->start_ps + rest->told_ps, .end_ps = until_ps, .payload = payload - rest->told_payload,
		.overhead = header - rest->told_header, .busy_ps = part_ps - rest->told_ps, .kind = kind};
	rest->told_payload = payload;
	rest->told_header = header;
	rest->told_ps = part_ps;
	return part;
}

/* A packet that crosses a border: the parts are told by themselves. */
static void tell_parts(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t each_ps, uint32_t payload, uint8_t kind)
{
	struct rest rest = {.start_ps = start_ps, .end_ps = start_ps + each_ps, .payload = payload, .header = net->header};
	for (int64_t at_ps = start_ps; at_ps < rest.end_ps;) {
		int64_t until_ps = observe_border(net->base.setup.observers, at_ps);
		until_ps = until_ps == at_ps || until_ps > rest.end_ps ? rest.end_ps : until_ps;
		struct link_stretch part = take_until(&rest, until_ps, kind);
		tell(net, link, &part);
		at_ps = until_ps;
	}
}

void packet_tally_far(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t spacing_ps, int64_t each_ps, uint32_t count,
		      uint32_t payload, uint8_t kind)
{
	while (count) {
		struct packet_tally *tally = open_at(net, link, start_ps);
		int64_t room_ps = tally->border_ps - start_ps - each_ps, fit = 1;
		if (start_ps < tally->from_ps || room_ps < 0) {
			tell_parts(net, link, start_ps, each_ps, payload, kind);
		} else {
			if (kind != tally->kind && tally->payload) {
				int64_t border_ps = tally->border_ps;
				packet_tally_end(net, link);
				tally->from_ps = start_ps;
				tally->border_ps = border_ps;
			}
			tally->kind = kind;
			fit = count > 1 ? room_ps / spacing_ps + 1 : 1;
			fit = fit < count ? fit : count;
			tally->payload += fit * payload;
			tally->busy_ps += fit * each_ps;
			tally->packets += (uint32_t)fit;
		}
		count -= (uint32_t)fit;
		start_ps += fit * spacing_ps;
	}
}

void packet_tally_queue(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t bytes)
{
	struct packet_tally *tally = open_at(net, link, start_ps);
	if (start_ps >= tally->from_ps && end_ps <= tally->border_ps) {
		tally->queue_max = bytes > tally->queue_max ? bytes : tally->queue_max;
		tally->queue_byte_ps += bytes * (end_ps - start_ps);
		return;
	}
	tell(net, link, &(struct link_stretch){.start_ps = start_ps, .end_ps = end_ps, .queue_max = bytes,
					       .queue_byte_ps = bytes * (end_ps - start_ps)});
}

void packet_tally_stall(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t end_ps)
{
	struct packet_tally *tally = open_at(net, link, start_ps);
	if (start_ps >= tally->from_ps && end_ps <= tally->border_ps)
		tally->stall_ps += end_ps - start_ps;
	else
		tell(net, link, &(struct link_stretch){.start_ps = start_ps, .end_ps = end_ps, .stall_ps = end_ps - start_ps});
}
