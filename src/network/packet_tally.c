/* What links did, summed up until observers want it told apart: mostly once per link and bin of a timeline, instead of once per packet. */
#include <assert.h>

#include "network/packet.h"

void packet_tally_begin(struct packet_network *net)
{
	net->tallies = memory_lines(net->base.setup.fabric->n_links + 1u, sizeof *net->tallies);
}

static void tell(struct packet_network *net, uint32_t link, const struct link_stretch *stretch)
{
	observe_stretch(net->base.setup.observers, link, stretch);
}

void packet_tally_end(struct packet_network *net, uint32_t link)
{
	struct packet_tally *tally = &net->tallies[link];
	struct link_stretch stretch = {.start_ps = tally->from_ps, .end_ps = tally->border_ps, .payload = tally->payload,
		.overhead = tally->overhead, .busy_ps = tally->busy_ps, .queue_max = (int64_t)tally->queue_max,
		.queue_byte_ps = tally->queue_byte_ps, .stall_ps = tally->stall_ps, .kind = (uint8_t)tally->kind};
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
	packet_observe_later(net, link);
	return tally;
}

/* By itself: where nobody has borders, or what came later was told before. */
static void tell_packet(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t each_ps, uint32_t payload, uint8_t kind)
{
	struct link_stretch stretch = {.start_ps = start_ps, .end_ps = start_ps + each_ps, .payload = payload, .overhead = net->header,
				       .busy_ps = each_ps, .kind = kind};
	tell(net, link, &stretch);
}

/* Stretches have payload of one kind. */
static void set_kind(struct packet_network *net, uint32_t link, int64_t start_ps, uint8_t kind)
{
	struct packet_tally *tally = &net->tallies[link];
	int64_t border_ps = tally->border_ps;
	if (kind == tally->kind)
		return;
	if (tally->payload) {
		packet_tally_end(net, link);
		tally->from_ps = start_ps;
		tally->border_ps = border_ps;
	}
	tally->kind = kind;
}

/* A packet that crosses borders: up to each of them goes what the time up to there is of all its time, rounded down. */
static void add_parts(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t each_ps, uint32_t payload, uint8_t kind)
{
	int64_t told_payload = 0, told_header = 0, told_ps = 0;
	while (told_ps < each_ps) {
		struct packet_tally *tally = open_at(net, link, start_ps + told_ps);
		int64_t part_ps = tally->border_ps - start_ps < each_ps ? tally->border_ps - start_ps : each_ps;
		assert(part_ps > told_ps); /* who had a border goes on having one */
		int64_t payload_then = scale_floor(payload, part_ps, each_ps), header_then = scale_floor(net->header, part_ps, each_ps);
		set_kind(net, link, start_ps + told_ps, kind);
		tally->payload += payload_then - told_payload;
		tally->overhead += header_then - told_header;
		tally->busy_ps += part_ps - told_ps;
		told_payload = payload_then;
		told_header = header_then;
		told_ps = part_ps;
	}
}

void packet_tally_far(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t spacing_ps, int64_t each_ps, uint32_t count,
		      uint32_t payload, uint8_t kind)
{
	while (count) {
		struct packet_tally *tally = open_at(net, link, start_ps);
		int64_t room_ps = tally->border_ps - start_ps - each_ps, fit = 1;
		if (tally->border_ps == tally->from_ps || start_ps < tally->from_ps) {
			tell_packet(net, link, start_ps, each_ps, payload, kind);
		} else if (room_ps < 0) {
			add_parts(net, link, start_ps, each_ps, payload, kind);
		} else {
			set_kind(net, link, start_ps, kind);
			fit = count > 1 ? room_ps / spacing_ps + 1 : 1;
			fit = fit < count ? fit : count;
			tally->payload += fit * payload;
			tally->overhead += fit * net->header;
			tally->busy_ps += fit * each_ps;
		}
		count -= (uint32_t)fit;
		start_ps += fit * spacing_ps;
	}
}

void packet_tally_far_queue(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t bytes)
{
	struct packet_tally *tally = open_at(net, link, start_ps);
	if (start_ps >= tally->from_ps && end_ps <= tally->border_ps)
		packet_tally_queue(net, link, start_ps, end_ps, bytes);
	else
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
