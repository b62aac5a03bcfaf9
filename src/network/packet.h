/* The packet model's state; private to packet*.c. docs/models-packet.md says what is computed.
 *
 * Time runs ahead of the clock. When a packet starts on a link, everything about its flight is known: it ends at start +
 * serialization and is available at the next output at end + latency. So it is put there at once, with that time on it, and no
 * event marks its arrival. A link has at most one pending event that counts: its next chance to start a packet. Credits travel
 * the same way: as timestamps, posted when the packet that frees the buffer starts.
 *
 * What an output may start at time t depends only on packets available and credits returned by t, and whatever an event at t posts
 * is later than t. So no decision depends on the order of an instant's events, and no phase is needed.
 *
 * Where links are fixed an event decides all that a link starts before news from others can reach it (packet_link_due). Packets that
 * follow each other evenly over the same path are one entry in their queues and are started by one event (a train, packet_train.c), over
 * idle links further on too (packet_foresee.c), which splits when something else comes to the link. `trains: false` starts them one by one. */
#ifndef WEFT_NETWORK_PACKET_H
#define WEFT_NETWORK_PACKET_H

#include "base/bitset.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "network/hops.h"
#include "network/network.h"

#define PACKET_NONE UINT32_MAX

/* A hop of a path: the queue that a packet joins at the link's end, PACKET_LAST when it has arrived, and the virtual channel of the
 * link. Same indices as routes->hop_link. */
struct packet_hop {
	uint32_t next_voq : 28;
	uint32_t channel : 4;
};
#define PACKET_LAST ((1u << 28) - 1)
#define PACKET_CHANNELS_MAX 16

/* `count` packets of one message, of equal size and path, `stride_ps` apart. */
struct packet_entry {
	int64_t avail_ps;   /* of the first */
	uint32_t next;      /* in its queue, or in the free list */
	uint32_t message;
	uint32_t hop;       /* of the link that they wait for: an index into hops, or PACKET_HOPWISE and the channel of that link */
	uint32_t count;
	uint32_t stride_ps; /* hopwise, where an entry in the network is one packet: its destination, an NPU */
	uint32_t payload;   /* bytes of each */
};
_Static_assert(sizeof(struct packet_entry) == 32, "memory per packet in flight");
#define PACKET_HOPWISE (1u << 31) /* chooses its way node by node (packet_ways.c) */
#define PACKET_HOP_CHANNEL 27     /* first of four bits; below them, with input-fifo, which of its node's links it waits for */
#define PACKET_CHANNEL (15u << PACKET_HOP_CHANNEL)
/* With UGAL, below the channel, what was decided … */
#define PACKET_STATE (7u << 24)
#define PACKET_MINIMAL 0u
#define PACKET_ASK (1u << 24)      /* at its source, when its link would take it */
#define PACKET_LATER (2u << 24)    /* at the node after its source */
#define PACKET_TO_VIA (3u << 24)
#define PACKET_FROM_VIA (4u << 24) /* the intermediate node lies behind it */
#define PACKET_DRAW ((1u << 24) - 1) /* … and the packet's number in its message, which may wrap: only draws are made from it */
static inline uint32_t packet_hopwise(uint32_t channel) { return PACKET_HOPWISE | channel << PACKET_HOP_CHANNEL; }

/* A way on from a node. */
struct packet_way {
	uint32_t link : 28, channel : 4;
};
#define PACKET_WAY_LINKS ((1u << 28) - 1)

struct packet_set {
	uint32_t first, n; /* into ways */
};

/* All that was asked about ways on. */
struct packet_ways {
	struct packet_way *ways;
	struct packet_set *sets;   /* [1 … n_sets); set 0 stands for `not asked yet` */
	uint32_t *table;           /* [node][NPU]: a set; NULL: the cache */
	struct cached *cache;
	uint32_t *slots;           /* sets by their contents, an open hash table; 0: empty */
	struct packet_way *asked;  /* a stack */
	size_t n_slots, ways_capacity, sets_capacity, asked_capacity;
	uint32_t n_ways, n_sets, n_asked;
	bool by_node, any_avoided;
};

/* Packets of one input (link and virtual channel, or the node's own messages) for one output: a virtual output queue. */
struct packet_voq {
	uint32_t head, tail; /* head = PACKET_NONE: empty */
	uint32_t wire, credit; /* of the head: its bytes on the link, header and all, and the credit that it needs */
	uint32_t link;      /* that its packets wait for */
	uint32_t returns;   /* the credit that a departing packet gives back; PACKET_NONE: none, they are the node's own messages */
};

struct packet_link {
	int64_t free_ps;    /* end of the last serialization that was started */
	int64_t event_ps;   /* the pending event that counts; TIME_NEVER: none */
	int64_t latency_ps;
	int64_t unit_ps;    /* serialization of unit_wire bytes at the present rate: the last rest of a message */
	uint32_t unit_wire;
	uint32_t first_voq; /* one queue per input: in-links of the source node × channels, then the node's own messages */
	uint32_t first_word; /* bitmap of the inputs that have packets for this link */
	uint32_t n_inputs : 31, train : 1;        /* whether its last start was of several packets */
	uint32_t n_active : 26;
	uint32_t wary : 1;     /* trains were recalled here: some are not tried (packet_train.skip) */
	uint32_t batches : 1;  /* its horizon is worth to be looked up */
	uint32_t at_npu : 1;   /* its source node has messages of its own */
	uint32_t stalled : 1;  /* a packet that could start lacks a credit */
	uint32_t unseen : 1;   /* observers were not told of the train yet */
	uint32_t open : 1;     /* observers are not told everything: it is among open_links */
	uint32_t last_input;
	int64_t full_ps;    /* serialization of a full packet */
	/* The second line. */
	int64_t horizon_ps;     /* for so long what others decide from now on does not reach it */
	int64_t stalled_since_ps;
	uint32_t target;        /* node */
	uint32_t in_port;       /* its index among the links that lead to its target */
	uint32_t turns;         /* packets that came over it and had several ways on */
	uint16_t kind;          /* of the fabric's */
	bool up;                /* has capacity */
	char unused[33];
};
_Static_assert(sizeof(struct packet_link) == 128, "two cache lines");

/* `count` packets of `bytes` each leave a buffer, stride_ps apart: their sender knows of the first at time_ps. */
struct packet_return {
	int64_t time_ps;
	uint32_t stride_ps, count, bytes, next;
};

/* Credits of one link and virtual channel: room in the buffer at its end. */
struct packet_credit {
	int64_t free_bytes; /* below 0 while a train counts on what will return */
	int64_t next_ps;    /* no return is earlier; TIME_NEVER: none is on its way */
	int64_t back_ps;    /* from the end of the use of the buffer to the sender's knowing it */
	struct packet_return newest; /* count = 0: none; its `next` are the older ones that are still on their way */
	bool blocked;       /* the link wants to hear of the next return */
	char unused[15];    /* one cache line */
};

/* The packets of one input behind the one that is offered to its output. */
struct packet_fifo {
	uint32_t head, tail;
	bool offered;
};

/* The last packets that a link started in one event, or before their time: what it takes to recall some of them. */
struct packet_train {
	int64_t start_ps, avail_ps, each_ps; /* of the first: start; since when it waited; serialization */
	uint32_t spacing_ps, stride_ps;      /* between starts; between arrivals */
	uint32_t count, message, hop, payload, input;
	uint8_t distrust, skip; /* after a recall so many trains are not tried */
	uint8_t kind;
	bool ahead;             /* counts on credits that were not back at its start */
	uint32_t input_before;  /* that was served before it, and when that ended: for when all of it is recalled */
	bool direct;            /* without the tail: started as they arrived: nobody was told of a wait (packet_queue.c) */
	uint32_t tail_payload;  /* 0: none; else one more packet, the smaller rest of the message, that started behind it */
	int64_t free_before_ps;
	uint64_t id;            /* of the message, for observers */
	int64_t tail_start_ps, tail_each_ps, tail_avail_ps;
};

/* Packets that started on a link as their last: kept until they have arrived, because the link may go down before. avail_ps of an
 * entry is when its first packet arrives. */
struct packet_wire {
	uint32_t head, tail;
};

struct packet_message {
	struct network_message message;
	int64_t start_ps, sent_ps, deliver_ps;
	int64_t sent_sure_ps, deliver_sure_ps; /* … without what may still be recalled */
	int64_t unsent, undelivered; /* bytes not yet started on the first, on the last link */
	uint32_t route;     /* ROUTE_NONE: its packets choose their way node by node */
	bool live, sent, rerouted;
};

/* Consecutive packets of one message on a link, not yet told: for observers of intervals. */
struct packet_run {
	int64_t start_ps, end_ps;
	uint64_t message;
};

/* What happened on a link since observers were told, within one stretch of time (packet_tally.c). */
struct packet_tally {
	int64_t from_ps, border_ps;
	int64_t payload, overhead, busy_ps, queue_byte_ps, stall_ps;
	uint64_t queue_max : 56, kind : 8;
};
_Static_assert(sizeof(struct packet_tally) == 64 && sizeof(struct packet_credit) == 64, "one cache line");

/* Packets that will arrive in a queue of a link, for observers of queues. */
struct packet_arrival {
	int64_t time_ps;
	uint32_t stride_ps, count, wire, voq;
};

/* What waits for a link, as far as it was told (packet_queue.c). */
struct packet_watch {
	struct packet_arrival *arrivals; /* [first … first + n) in order of time */
	uint32_t first, n, capacity;
	int64_t bytes, at_ps;       /* bytes that wait from that time on */
	int64_t unused[3];          /* one cache line */
};

/* Links that will be due soon, in the order in which they were met; what they will probably look at, as far as it is known. */
#define PACKET_AHEAD 64
struct packet_ahead {
	int64_t day;               /* of the event queue: up to here */
	uint32_t n;
	struct packet_peek {
		uint32_t link, voq, next_voq;
	} peeks[PACKET_AHEAD];
};

struct packet_network {
	struct network base;
	struct packet_link *links;
	struct packet_voq *voqs;
	int64_t *avails_ps;        /* [n_voqs] when the head of a queue is there: what is looked at of most queues, so close together */
	uint64_t *active;          /* bitmaps of all links */
	struct packet_credit *credits; /* [n_links × n_channels] */
	bool links_fixed;          /* nothing changes links in this run */
	struct packet_hop *hops;   /* [n_hops] */
	size_t hops_capacity;
	uint32_t n_hops, n_paths;  /* of the routes known here */

	struct packet_train *trains_started; /* [n_links] */
	struct packet_wire *wires; /* [n_links] */
	struct packet_loss *losses; /* lost and not yet sent again */
	uint32_t n_losses;
	size_t losses_capacity;
	struct packet_entry *entries;
	uint32_t free_entry, n_entries, n_entries_used;
	struct packet_return *returns;
	uint32_t free_return, n_returns, n_returns_used;
	struct pool messages;
	bool observed;             /* somebody listens to links, and something was sent */
	struct packet_tally *tallies; /* [n_links]; NULL: nobody listens to bytes and queues */
	struct packet_run *runs;   /* [n_links]; NULL: nobody listens to intervals */
	struct packet_watch *watches; /* [n_links]; NULL: nobody listens to queues */
	struct hop_histogram *hop_times; /* [n_kinds of links], likewise */
	bool latency_fell;         /* of any link, so far */
	uint32_t *open_links, n_open_links;

	uint8_t link_handler, sent_handler, delivered_handler;
	uint32_t n_channels, n_voqs;
	uint32_t payload, header, full_wire; /* bytes of a full packet, and both */
	int64_t forwarding_ps;
	int64_t credit_delay_ps, buffer_bytes;
	bool cut_through, input_fifo, credits_on, trains;
	struct packet_ways *ways;  /* NULL: every message follows the paths of its route */
	struct packet_fifo *fifos; /* [n_links × n_channels], input_fifo only, else NULL */
	bool adapts, ugal;         /* packet_adaptive.c; then: */
	int64_t *waiting;          /* [n_links] bytes that chose the link and have not started on it */
	struct packet_wire *arriving; /* [n_links] packets on their way to a node where they choose */
	struct bitset arrived, asking; /* links: of which packets are there; whose own first packet must choose */
	uint8_t arrival_handler;
	bool looks_ahead;          /* the state of links is more than near caches hold */
	struct packet_ahead ahead;
	struct network_counters counters;
	uint64_t stalls;           /* times that a link with a packet to send had no credit */
	int64_t stalled_ps;        /* … and for how long, over all links */
};

/* packet_layout.c: queues, credits and hops of the fabric. */
int packet_layout(struct packet_network *net, struct error *err);
int packet_learn_routes(struct packet_network *net, struct error *err);

/* packet_link.c: the hot loop. */
void packet_link_due(void *context, uint32_t link);
void packet_push(struct packet_network *net, uint32_t voq, uint32_t entry);
void packet_wake(struct packet_network *net, uint32_t link, int64_t time_ps);
uint32_t packet_entry_take_slow(struct packet_network *net);
uint32_t packet_detach_own(struct packet_network *net, uint32_t link); /* the first of a node's own packets for it */
void packet_plan(struct packet_network *net, uint32_t link);
void packet_push_front(struct packet_network *net, uint32_t voq, uint32_t entry);
void packet_append(struct packet_network *net, uint32_t voq, uint32_t entry); /* wakes nobody */
void packet_input_empty(struct packet_network *net, struct packet_link *link, uint32_t input);

/* Takes `count` packets from the head of a queue; they are returned as an entry of their own. */
uint32_t packet_detach(struct packet_network *net, struct packet_link *link, uint32_t input, uint32_t count);

/* packet_start.c */
/* When packets that start on this link then, and take each_ps, may start on the next one. */
int64_t packet_available(const struct packet_network *net, const struct packet_link *link, uint32_t voq, uint32_t wire, int64_t start_ps,
			 int64_t each_ps);
int64_t packet_unit_ps(const struct packet_network *net, struct packet_link *link, uint32_t wire);
enum packet_start {
	START_DUE,          /* the first of them starts now, or nothing can come before it */
	START_AHEAD,        /* before their time: all of them may be recalled */
	START_DIRECT,       /* likewise, as they arrive */
	START_TAIL          /* one, of the same message, behind the link's train and before its time */
};
/* Starts `count` packets of the head of an input at time_ps and every spacing_ps after it. */
void packet_start(struct packet_network *net, uint32_t link, uint32_t input, int64_t time_ps, int64_t spacing_ps, uint32_t count,
		  enum packet_start how);
/* The rest of a message starts behind the train of its full packets, in the same event, if nothing else waits for the link. */
void packet_start_tail(struct packet_network *net, uint32_t link, uint32_t input);

/* packet_ahead.c */
void packet_look_ahead(struct packet_network *net);

/* packet_foresee.c: packets can be sent on before their time over links where nothing else is going on. */
bool packet_runs_ahead(const struct packet_network *net, uint32_t link);
/* Packets of one train on one link. */
struct packet_course {
	uint32_t link, hop, wire;
	int64_t start_ps, spacing_ps, each_ps;
};
/* Sets spacing_ps for `n` packets that come stride_ps apart, the first of them late_ps before its start; how many go so evenly. */
int64_t packet_pace(struct packet_course *course, int64_t late_ps, int64_t stride_ps, int64_t n);
/* Of n packets that come to course->link, which runs ahead, from avail_ps on: how many it sends on, and the rest of the course. */
int64_t packet_foresee_ahead(struct packet_network *net, struct packet_course *course, int64_t avail_ps, int64_t stride_ps, int64_t n);
/* How many of `want` packets can start, of which credits that are back allow `now`: others with credits that are known to come back in
 * time, or will if the links behind send them on ahead of time. At least `now`. */
int64_t packet_foresee(struct packet_network *net, const struct packet_course *course, uint32_t credit, int64_t now, int64_t want);

/* packet_train.c */
void packet_train_note(struct packet_network *net, uint32_t link, const struct packet_entry *head, uint32_t input, int64_t start_ps,
		       int64_t spacing_ps, int64_t each_ps, bool direct);
/* One more packet behind the train. */
void packet_train_note_tail(struct packet_network *net, uint32_t link, const struct packet_entry *packet, int64_t start_ps, int64_t each_ps);
/* When its last packet starts. */
static inline int64_t packet_train_last_ps(const struct packet_train *train)
{
	return train->tail_payload ? train->tail_start_ps : train->start_ps + (int64_t)(train->count - 1) * train->spacing_ps;
}
/* The link's train lies in the past, as far as it matters: nothing of it will be recalled. */
void packet_train_settle(struct packet_network *net, uint32_t link);
/* Something else comes to the link at time_ps: starts of its train from then on are recalled. */
void packet_train_touch(struct packet_network *net, uint32_t link, int64_t time_ps);

static inline uint32_t packet_entry_take(struct packet_network *net)
{
	uint32_t index = net->free_entry;
	if (__builtin_expect(index == PACKET_NONE, 0))
		return packet_entry_take_slow(net);
	net->free_entry = net->entries[index].next;
	net->n_entries_used++;
	return index;
}
static inline void packet_entry_give(struct packet_network *net, uint32_t index)
{
	net->entries[index].next = net->free_entry;
	net->free_entry = index;
	net->n_entries_used--;
}
static inline void packet_later(int64_t *time_ps, int64_t than_ps)
{
	if (than_ps > *time_ps)
		*time_ps = than_ps;
}
static inline bool packet_link_up(const struct packet_network *net, uint32_t link)
{
	return net->links[link].up;
}
static inline struct packet_message *packet_message_at(const struct packet_network *net, uint32_t index)
{
	return pool_at(&net->messages, index);
}

/* packet_credit.c */
void packet_credit_post(struct packet_network *net, uint32_t credit, int64_t time_ps, int64_t stride_ps, uint32_t count, uint32_t bytes);
/* Takes back the last `count` of what was posted in one call, the last one for last_ps. */
void packet_credit_unpost(struct packet_network *net, uint32_t credit, int64_t last_ps, uint32_t count);
/* How many of `want` packets can start at time_ps and every spacing_ps after it: `now` of them with what has returned by time_ps (all of
 * it taken in), others with what is known to return in time. At least `now`. */
int64_t packet_credit_reach(const struct packet_network *net, uint32_t credit, int64_t now, int64_t time_ps, int64_t spacing_ps, int64_t want);
/* Whether a packet of `wire` bytes can start at time_ps with what has returned by now and what is known to return by then. */
bool packet_credit_covers(struct packet_network *net, uint32_t credit, uint32_t wire, int64_t time_ps);
/* Takes in what has returned by time_ps; free_bytes then holds. */
void packet_credit_drain(struct packet_network *net, struct packet_credit *credit, int64_t time_ps);

/* packet_message.c */
void packet_send(struct network *network, const struct network_message *message);
/* Bytes that have not left their source take whatever route there is now. */
void packet_send_again(struct packet_network *net, uint32_t message, int64_t bytes);
void packet_message_sent_due(void *context, uint32_t index);
void packet_message_delivered_due(void *context, uint32_t index);

/* packet_ways.c */
void packet_ways_create(struct packet_network *net);
void packet_ways_free(struct packet_ways *ways);
/* Other links are avoided now. */
void packet_ways_forget(struct packet_network *net);
/* The legal ways on from a hop; none: n = 0. Valid until it is asked for another hop. */
struct packet_set packet_ways_find(struct packet_network *net, const struct weft_hop *hop);
/* Where a packet is that came to the node by this credit (link and channel; PACKET_NONE: at its source), on a minimal way. */
struct weft_hop packet_hop_at(const struct packet_network *net, uint32_t node, uint32_t credit, const struct packet_entry *entry);
/* The queue that a packet joins which comes by this credit, and its next channel into entry->hop. PACKET_NONE after an error. */
uint32_t packet_ways_next(struct packet_network *net, uint32_t credit, struct packet_entry *entry);
/* Ends the run: its module has no way on for a packet that came by this credit. */
void packet_ways_missing(struct packet_network *net, uint32_t credit, const struct packet_entry *entry);
/* The same without a choice being made; PACKET_NONE: not known yet. */
uint32_t packet_ways_peek(const struct packet_network *net, uint32_t credit, const struct packet_entry *entry);
/* The same queue once more, from what packets_ways_next noted in entry->hop. */
uint32_t packet_chosen_voq(const struct packet_network *net, uint32_t credit, uint32_t hop);
/* Whether the way that a packet in this queue chose is no way any more. */
bool packet_way_lost(struct packet_network *net, uint32_t voq, const struct packet_entry *entry);
/* Of the first of all ways on from every node. */
int64_t packet_ways_latency_ps(struct packet_network *net, const struct network_message *message);
static inline uint64_t packet_table_index(const struct packet_network *net, uint32_t node, uint32_t destination)
{
	return (uint64_t)node * net->base.setup.fabric->n_npus + destination;
}
/* Whether this link is the last of a packet that waits for it, and the channel that it takes there. */
static inline bool packet_ends(const struct packet_network *net, uint32_t link, const struct packet_entry *entry)
{
	const struct fabric *fabric = net->base.setup.fabric;
	if (!(entry->hop & PACKET_HOPWISE))
		return net->hops[entry->hop].next_voq == PACKET_LAST;
	return net->links[link].target == fabric->npu_node[entry->stride_ps] && (entry->hop & PACKET_STATE) != PACKET_TO_VIA;
}
/* Bytes that count as waiting for a link while these packets are in one of its queues, whose packets return this credit. */
static inline int64_t packet_waits(const struct packet_network *net, uint32_t returns, const struct packet_entry *entry)
{
	bool own = returns == PACKET_NONE;
	if (!(entry->hop & PACKET_HOPWISE) || (own && (entry->hop & PACKET_STATE) != PACKET_TO_VIA))
		return 0;
	return (int64_t)entry->count * (entry->payload + net->header);
}
static inline uint32_t packet_channel(const struct packet_network *net, uint32_t hop)
{
	return hop & PACKET_HOPWISE ? hop >> PACKET_HOP_CHANNEL & 15u : net->hops[hop].channel;
}

/* packet_adaptive.c */
int packet_adaptive_create(struct packet_network *net, struct error *err);
void packet_adaptive_release(struct packet_network *net);
/* The same as packet_hop_at, with what was decided about its intermediate node. */
struct weft_hop packet_hop_towards(const struct packet_network *net, uint32_t node, uint32_t credit, const struct packet_entry *entry);
/* One packet is on the wire and can be looked at from its avail_ps on, at the link's end. */
void packet_arrive(struct packet_network *net, uint32_t link, uint32_t entry);
void packet_arrival_due(void *context, uint32_t link);
void packet_decide(void *context);
/* Whether the first of a node's own packets for a link must choose before it starts; it will. */
bool packet_asks(struct packet_network *net, uint32_t link, const struct packet_entry *head);

/* packet_fifo.c: `input-fifo`. Only the oldest packet of an input (its credit's number) is offered to its output. */
void packet_fifo_push(struct packet_network *net, uint32_t input, uint32_t entry);
void packet_fifo_next(struct packet_network *net, uint32_t input, int64_t time_ps);

/* packet_observe.c: one packet, which returns this credit, started on the link; a train, of which packet_train_note will know, did. */
void packet_observe(struct packet_network *net, uint32_t link, const struct packet_entry *entry, uint32_t returns, int64_t start_ps,
		    int64_t each_ps);
void packet_observe_train_later(struct packet_network *net, uint32_t link, const struct packet_entry *entry);
void packet_observe_train(struct packet_network *net, uint32_t link);
void packet_observe_stall(struct packet_network *net, uint32_t link, int64_t until_ps);
void packet_observe_begin(struct packet_network *net);
void packet_observe_end(struct packet_network *net);
/* Something of the link is to be told when nothing is in flight any more, at the latest. */
void packet_observe_later(struct packet_network *net, uint32_t link);

/* packet_tally.c. All of it may be told late, but for packet_tally_end. */
void packet_tally_begin(struct packet_network *net);
/* So many bytes wait for the link from start_ps to end_ps. */
void packet_tally_far_queue(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t bytes);
static inline void packet_tally_queue(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t bytes)
{
	struct packet_tally *tally = &net->tallies[link];
	if (__builtin_expect(start_ps < tally->from_ps || end_ps > tally->border_ps, 0)) {
		packet_tally_far_queue(net, link, start_ps, end_ps, bytes);
		return;
	}
	if ((uint64_t)bytes > tally->queue_max)
		tally->queue_max = (uint64_t)bytes & UINT64_MAX >> 8;
	tally->queue_byte_ps += bytes * (end_ps - start_ps);
}
void packet_tally_stall(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t end_ps);
void packet_tally_end(struct packet_network *net, uint32_t link);
/* `count` packets of `payload` bytes each start from start_ps, spacing_ps apart, and take each_ps. */
void packet_tally_far(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t spacing_ps, int64_t each_ps, uint32_t count,
		      uint32_t payload, uint8_t kind);
static inline void packet_tally_packets(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t spacing_ps, int64_t each_ps,
					uint32_t count, uint32_t payload, uint8_t kind)
{
	struct packet_tally *tally = &net->tallies[link];
	if (__builtin_expect(start_ps < tally->from_ps || start_ps + (count - 1) * spacing_ps + each_ps > tally->border_ps ||
			     kind != tally->kind, 0)) {
		packet_tally_far(net, link, start_ps, spacing_ps, each_ps, count, payload, kind);
		return;
	}
	tally->payload += (int64_t)count * payload;
	tally->overhead += (int64_t)count * net->header;
	tally->busy_ps += count * each_ps;
}

/* packet_queue.c: packets join the queue of a link later; the last `count` that were to join it do not; one starts; the queue is
 * another now; what is untold is told. */
void packet_watch_arrive(struct packet_network *net, uint32_t voq, const struct packet_entry *entry);
void packet_watch_again(struct packet_network *net, uint32_t voq, const struct packet_entry *entry); /* before others of its queue */
void packet_watch_recall(struct packet_network *net, uint32_t voq, uint32_t count);
void packet_watch_start(struct packet_network *net, uint32_t link, int64_t start_ps, uint32_t wire);
/* Whether these start as they arrive and nothing waits; then that was all of it. */
bool packet_watch_none(struct packet_network *net, uint32_t link, int64_t start_ps, int64_t spacing_ps, uint32_t count, uint32_t wire);
void packet_watch_rebuild(struct packet_network *net, uint32_t link); /* from its queues, after losses */
void packet_watch_end(struct packet_network *net, uint32_t link);

/* packet_change.c */
void packet_link_changed(struct network *network, uint32_t link, int64_t old_bytes_per_s, int64_t old_latency_ps);
void packet_outstanding(struct network *network, network_each_message *each, void *context);

/* Why a packet in this queue cannot get to its end: the first link of its path that routes avoid, or the one that it chose and that
 * leads nowhere now; PACKET_NONE: it can. */
uint32_t packet_dead_link(struct packet_network *net, uint32_t voq, const struct packet_entry *entry);

/* packet_loss.c: after trains were recalled. */
void packet_loss_on_wire(struct packet_network *net, uint32_t link);
/* A packet that came by this credit finds no way on: what leads further is known to be dead. */
void packet_loss_of_one(struct packet_network *net, uint32_t link, uint32_t credit, uint32_t entry);
void packet_loss_in_buffers(struct packet_network *net, uint32_t link);
void packet_loss_send_again(struct packet_network *net);
/* Bytes of a message that were lost on a link and not sent again. */
int64_t packet_lost_bytes(const struct packet_network *net, uint32_t link, uint32_t message);
void packet_loss_outstanding(struct packet_network *net, network_each_message *each, void *context);
void packet_verify(const struct packet_network *net);

/* packet_stuck.c */
void packet_describe_stuck(const struct network *network, struct text *out);
void packet_cut(struct network *network);

#endif
