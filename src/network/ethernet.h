/* Ethernet in the packet model: switches that drop, mark, trim and pause, senders that control congestion and send again.
 * State, private to ethernet*.c; docs/models-ethernet.md says what is computed.
 *
 * The lossless core (packet.h) runs ahead of the clock, because there nothing that comes later changes what a packet does. Here
 * what a packet meets is decided by how full a queue is at the moment of its arrival, so every arrival is an event. A link delivers
 * in order: its packets on the wire are a list, and only the first one has an event. A port that has something to send after the
 * present packet has one more, for the end of it.
 *
 * Ties: events of an instant only note what is due. The phase of the network then takes, in this order, arrivals (by link), alarms of
 * flows (by flow), and lets every touched port start what it can. So room that packets of this instant leave free by starting is
 * seen by arrivals of later instants, and no result depends on the order of insertion. */
#ifndef WEFT_NETWORK_ETHERNET_H
#define WEFT_NETWORK_ETHERNET_H

#include "base/memory.h"
#include "base/random.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "network/network.h"

#define ETHER_NONE UINT32_MAX

enum ether_kind { ETHER_DATA, ETHER_TRIMMED /* its payload was cut off */, ETHER_ACK, ETHER_NOTIFY /* congestion notification */,
	ETHER_CREDIT, ETHER_PAUSE };

enum ether_flag {
	ETHER_MARKED = 1,    /* congestion experienced (RFC 3168); of an acknowledgement: the packet that it is for was */
	ETHER_AGAIN = 2,     /* not the first transmission */
	ETHER_REFUSED = 4,   /* acknowledgement: `sequence` did not come through, or came out of order */
	ETHER_OFF = 8,       /* pause: stop; without it: go on */
	ETHER_HEADROOM = 16, /* its room was taken from the headroom of its input */
	ETHER_ASK = 32,      /* data: the window is used up, answer at once */
};

/* Strictly one after the other: frames of the link itself, control and trimmed headers, data. Only data is paused or dropped for
 * want of its own room. */
enum ether_class { ETHER_LINK_CONTROL, ETHER_CONTROL, ETHER_BULK, ETHER_CLASSES };

/* What every hop reads. */
struct ether_packet {
	uint32_t next;        /* in its queue, or in the free list */
	uint32_t flow;
	uint32_t sequence;    /* data: number of the packet; acknowledgement: of the one that it answers */
	uint32_t destination; /* NPU */
	uint32_t in_link;     /* by which it came to where it is */
	uint32_t hash;        /* of flow and entropy: what ways are chosen by */
	uint16_t wire, payload;
	uint16_t entropy;     /* index of its value; of what answers it: the same */
	uint8_t kind : 4, traffic : 4 /* enum traffic_kind of its message */, flags;
};
_Static_assert(sizeof(struct ether_packet) == 32, "memory per packet in flight");

/* What only its ends read. */
struct ether_report {
	int64_t stamp_ps;     /* data: when it was sent; what answers it: the same */
	uint64_t received;    /* acknowledgement: which of the 64 packets from `base` on have come */
	uint32_t cumulative;  /* acknowledgement: all before it have come; credit: packets that may be sent in all */
	uint32_t base;
};

_Static_assert(TRAFFIC_N <= 16, "traffic has four bits");

struct ether_queue {
	uint32_t head, tail;  /* head = ETHER_NONE: empty */
	int64_t bytes;
};

/* A packet on a wire, and when it arrives. */
struct ether_flight {
	int64_t time_ps;
	uint32_t packet, destination;
};

/* A link, and the output port that feeds it. */
struct ether_port {
	_Alignas(128) struct ether_queue queues[ETHER_CLASSES];
	int64_t free_ps;      /* end of the last serialization that was started */
	uint32_t source;      /* node */
	bool paused;          /* by the other end */
	bool up;
	int64_t latency_ps;   /* from there to the arrival, forwarding at the other end included */
	struct ether_flight *wire; /* a ring */
	uint32_t first, n, capacity;
	uint32_t target;      /* node */
	uint32_t full_ps, control_ps; /* serialization of a full data packet, of a control packet; 0: must be computed */
	uint32_t limit, kmin, kmax; /* bytes of the queue for data; marks between */
	int64_t event_ps;     /* the pending event for its next start; TIME_NEVER: none */
};
_Static_assert(sizeof(struct ether_port) == 128, "two cache lines");

/* The input side of a link, for pauses. */
struct ether_input {
	int64_t shared_bytes, headroom_bytes; /* in its switch, by which pool they count in */
	int64_t headroom;     /* that is reserved for it */
	bool off;             /* its sender was told to stop */
};

struct ether_node {
	int64_t used;         /* of the shared buffer */
	int64_t size;         /* of it: INT64_MAX for hosts */
	uint32_t salt;        /* of its hashes */
	uint32_t npu;         /* or ETHER_NONE */
};

/* Flows of an NPU that may send now: a queue, served in turn. */
struct ether_host {
	uint32_t first, last;
};

/* What the transports keep per flow: explained where they are. */
struct ether_dcqcn { double rate, target, alpha; int64_t line, decay_ps, raise_ps, bytes; uint32_t by_time, by_bytes; };
struct ether_nscc { double window, increase, average_ps; int64_t most, counted, quick_end_ps, achieved, ignore, ignored, decreased_ps,
	adjusted_ps, added_ps, fast_bytes; bool fast, lost; };
struct ether_rccc { uint32_t initial, credited, extra, granted, arrived, again, next; bool known, queued; };

/* Hands out the credits of an NPU that receives: flows that want some, served in turn. */
struct ether_pacer {
	uint32_t first, last;
	int64_t outstanding;    /* packets: granted, and neither came nor were trimmed */
	int64_t next_ps;        /* no credit before */
	bool waiting;           /* has an event for it */
};

#define ETHER_RECYCLED 32

/* One message: both ends of it. Followed in memory by its bitmaps, `span` bits each, by sequence modulo span; then, by how entropy values are
 * chosen, a byte per value or the value of each packet in the window. */
struct ether_flow {
	struct network_message message;
	int64_t start_ps, sent_ps, deliver_ps, acked_ps; /* TIME_NEVER: not yet */
	int64_t round_trip_ps;  /* of a full packet and its acknowledgement, idle */
	uint32_t n_packets, last_payload;
	uint32_t hash;
	uint32_t source_set;    /* links by which it may leave */
	uint32_t alive;         /* packets of it in the network */
	bool live, ready, sent_first;

	/* Sender. */
	uint32_t next;          /* to be sent for the first time (go-back-N: to be sent) */
	uint32_t cumulative;    /* all before it are acknowledged */
	uint32_t sent_once;     /* packets that were sent at least once */
	uint32_t n_lost, lost_from; /* taken for lost and not sent again yet; none is before lost_from */
	uint32_t entropy;       /* the next in turn */
	uint32_t n_recycled, first_recycled;
	uint16_t recycled[ETHER_RECYCLED]; /* a ring: values whose packets came unmarked */
	uint32_t transmitted;   /* packets in all */
	uint32_t may_send;      /* limit of that: credits (UINT32_MAX: none) */
	int64_t in_flight;      /* bytes on the wire that are neither acknowledged nor taken for lost */
	int64_t window;         /* limit of that */
	int64_t pace_ps;        /* nothing is sent before */
	int64_t timeout_ps;     /* TIME_NEVER: none runs */
	uint32_t timeout_next;  /* `next` when it was set */
	uint32_t n_timeouts;    /* one after the other, without anything new acknowledged */
	int64_t alarm_ps;       /* its pending event that counts */
	uint32_t next_ready;
	uint32_t marked;        /* the packet that the present acknowledgement calls marked */

	/* Receiver. */
	uint32_t expected;      /* all before it have come */
	uint32_t n_received;
	uint32_t unanswered;    /* packets that came since the last acknowledgement */
	uint32_t lowest, highest; /* … of them: an acknowledgement speaks of 64 */
	bool complained;        /* go-back-N: about the packet that is missing now */
	int64_t notified_ps;    /* last notification of congestion */

	union { struct ether_dcqcn dcqcn; struct ether_nscc nscc; struct ether_rccc rccc; };
	uint64_t bits[];
};

/* A sender's congestion control. What may be sent follows from window, may_send and pace_ps of the flow, which it sets. */
struct ether_network;
struct ether_transport {
	const char *name;
	const char *summary;    /* one line, for the list of parameters */
	bool selective, trims, pauses; /* what `auto` means for recovery, trimming, pfc */
	int64_t timeout_ps;     /* by default */
	uint32_t answer_every;  /* packets per acknowledgement, by default */
	double mark_max;        /* share of packets marked at kmax, by default */
	void (*start)(struct ether_network *net, uint32_t flow);
	/* Any may be NULL. */
	void (*acked)(struct ether_network *net, uint32_t flow, int64_t bytes, int64_t delay_ps, bool marked);
	void (*lost)(struct ether_network *net, uint32_t flow, int64_t bytes, bool timeout);
	void (*sent)(struct ether_network *net, uint32_t flow, uint32_t wire);
	void (*control)(struct ether_network *net, uint32_t flow, const struct ether_packet *packet, const struct ether_report *report); /* at the sender */
	void (*arrived)(struct ether_network *net, uint32_t flow, const struct ether_packet *packet); /* at the receiver */
	void (*done)(struct ether_network *net, uint32_t flow); /* at the receiver: all has come */
	int64_t (*timer)(struct ether_network *net, uint32_t flow); /* its next time, TIME_NEVER for none */
};
extern const struct ether_transport ether_window, ether_dcqcn, ether_nscc, ether_rccc;
extern const struct ether_transport *const ether_transports[]; /* NULL at the end */

/* What is due in this instant: ids, each at most once, taken in order. */
struct ether_due {
	uint32_t *ids, n, capacity;
	uint64_t *seen;         /* one bit per id */
	size_t n_words;
};

struct ether_set { uint32_t first, n; };

/* Links that may be taken from a node towards a destination. */
struct ether_ways {
	uint32_t **rows;        /* [n_npus]: NULL, or [n_nodes + n_npus] set + 1; 0: not known; ETHER_NONE: depends on the way in */
	uint32_t **by_input;    /* [n_npus]: NULL, or [n_links], likewise */
	uint8_t *detour;        /* [n_npus]: shortest ways over live links instead of the module's */
	struct ether_set *sets;
	uint32_t *links, *slots;
	uint32_t n_sets, n_links, n_slots;
	size_t sets_capacity, links_capacity;
	uint32_t *in_first, *in_links;
	bool any_avoided;
};

/* Consecutive packets on a link as observers shall see them, not yet told. */
struct ether_run {
	int64_t start_ps, end_ps, payload, overhead, busy_ps, interval_ps;
	uint64_t message;
	uint32_t each;          /* payload << 16 | wire of its packets, while they are alike */
	uint8_t kind;
	bool open, mixed;
};

/* What waits for a link, as far as it was told. */
struct ether_watch {
	int64_t at_ps, from_ps, max_bytes, byte_ps;
};

struct ether_network {
	struct network base;
	struct ether_port *ports;      /* [n_links] */
	struct ether_packet *packets;
	struct ether_report *reports; /* likewise */
	uint32_t free_packet, n_packets, n_packets_used;
	struct ether_node *nodes;
	struct ether_host *hosts;      /* [n_npus] */
	struct ether_input *inputs;    /* [n_links] */
	int64_t *paused_ps;            /* [n_links] since when */
	uint64_t *draws;               /* [n_links] random numbers drawn so far */
	uint32_t *reverse;             /* [n_links] the link back; ETHER_NONE: there is none */
	struct ether_ways ways;
	struct ether_pacer *pacers;    /* [n_npus], of a transport with credits; else NULL */
	struct ether_due arrivals, touched, alarms, pacers_due;
	struct pool flows;
	uint8_t arrival_handler, idle_handler, alarm_handler, pacer_handler, sent_handler, delivered_handler;

	const struct ether_transport *transport;
	uint32_t payload, header, full_wire, control_wire, span, answer_every, entropies, retries;
	int64_t forwarding_ps, timeout_ps, round_trip_ps, window_bytes;
	double alpha, mark_max;
	bool avoid_marked, recycle;
	bool selective, trims, pfc, shared, marks, spray, adaptive, ecmp, in_phase;

	struct ether_run *runs;        /* [n_links]; NULL: nobody listens, or nothing was sent yet */
	uint32_t *open_runs, n_open_runs;
	struct ether_watch *watches;   /* [n_links]; NULL: nobody listens to queues */
	struct network_counters counters;
	struct network_ethernet_counters totals;
};

static inline struct ether_flow *ether_flow_at(const struct ether_network *net, uint32_t index) { return pool_at(&net->flows, index); }
static inline uint64_t *ether_received(struct ether_flow *flow) { return flow->bits; }
static inline uint64_t *ether_acked(const struct ether_network *net, struct ether_flow *flow) { return flow->bits + net->span / 64; }
static inline uint64_t *ether_lost(const struct ether_network *net, struct ether_flow *flow) { return flow->bits + net->span / 32; }
static inline bool ether_bit(const uint64_t *bits, uint32_t i) { return bits[i / 64] >> (i % 64) & 1; }
/* The entropy values of the packets in the window, by sequence modulo span. */
static inline uint16_t *ether_entropies(const struct ether_network *net, struct ether_flow *flow)
{
	return (uint16_t *)(flow->bits + 3 * (net->span / 64));
}
/* How many turns each entropy value of the flow is to be left out. */
static inline uint8_t *ether_penalties(const struct ether_network *net, struct ether_flow *flow)
{
	return (uint8_t *)(flow->bits + 3 * (net->span / 64));
}
static inline uint32_t ether_payload(const struct ether_network *net, const struct ether_flow *flow, uint32_t sequence)
{
	return sequence + 1 == flow->n_packets ? flow->last_payload : net->payload;
}
static inline enum ether_class ether_class(const struct ether_packet *packet)
{
	return packet->kind == ETHER_DATA ? ETHER_BULK : packet->kind == ETHER_PAUSE ? ETHER_LINK_CONTROL : ETHER_CONTROL;
}
static inline int64_t ether_now(const struct ether_network *net) { return net->base.setup.engine->now_ps; }
static inline uint32_t ether_mix(uint32_t x)
{
	x = (x ^ x >> 16) * 0x7feb352du; /* C. Wellons, "Prospecting for Hash Functions" (2018): lowbias32 */
	x = (x ^ x >> 15) * 0x846ca68bu;
	return x ^ x >> 16;
}
static inline uint32_t ether_pick(uint32_t hash, uint32_t n) { return (uint32_t)((uint64_t)hash * n >> 32); }

/* ethernet_due.c */
void ether_due_init(struct ether_due *due, size_t n_ids);
void ether_due_release(struct ether_due *due);
void ether_due_sort(struct ether_due *due);
void ether_due_grow(struct ether_due *due, uint32_t id);
static inline void ether_due_add(struct ether_due *due, uint32_t id)
{
	if (__builtin_expect(due->n == due->capacity || id / 64 >= due->n_words, 0))
		ether_due_grow(due, id);
	uint64_t bit = UINT64_C(1) << id % 64;
	if (due->seen[id / 64] & bit)
		return;
	due->seen[id / 64] |= bit;
	due->ids[due->n++] = id;
}

/* ethernet_ways.c */
void ether_ways_init(struct ether_network *net);
void ether_ways_release(struct ether_network *net);
void ether_ways_forget(struct ether_network *net); /* links to avoid have changed */
uint32_t ether_ways_find(struct ether_network *net, uint32_t node, uint32_t in_link, uint32_t destination);
/* The set of links from a node by which a packet that came by in_link (ETHER_NONE: it starts here) may go on; empty: none. */
static inline struct ether_set ether_ways(struct ether_network *net, uint32_t node, uint32_t in_link, uint32_t destination)
{
	const uint32_t *row = net->ways.rows[destination];
	uint32_t found = row ? row[in_link == ETHER_NONE ? net->base.setup.fabric->n_nodes + net->nodes[node].npu : node] : 0;
	if (__builtin_expect(found == 0 || found == ETHER_NONE, 0))
		found = ether_ways_find(net, node, in_link, destination);
	return net->ways.sets[found - 1];
}
/* Idle round trip of a full packet and its acknowledgement; TIME_NEVER: there is no way. */
int64_t ether_round_trip_ps(struct ether_network *net, uint32_t source, uint32_t destination, uint32_t wire);

/* ethernet_link.c: the hot loop. */
void ether_phase(void *context);
void ether_arrival_due(void *context, uint32_t link);
void ether_idle_due(void *context, uint32_t link);
void ether_arrival_preview(void *context, uint32_t link);
void ether_idle_preview(void *context, uint32_t link);
void ether_forward(struct ether_network *net, uint32_t packet, uint32_t node, uint32_t in_link);
void ether_touch(struct ether_network *net, uint32_t link);
void ether_queue_push(struct ether_network *net, uint32_t link, uint32_t class, uint32_t packet);
uint32_t ether_packet_take_slow(struct ether_network *net);
void ether_packet_give(struct ether_network *net, uint32_t packet);
static inline struct ether_flight *ether_flight_at(const struct ether_port *port, uint32_t i)
{
	return &port->wire[(port->first + i) & (port->capacity - 1)];
}
static inline uint32_t ether_packet_take(struct ether_network *net)
{
	uint32_t index = net->free_packet;
	if (__builtin_expect(index == ETHER_NONE, 0))
		return ether_packet_take_slow(net);
	net->free_packet = net->packets[index].next;
	net->n_packets_used++;
	return index;
}

/* ethernet_switch.c: whether a packet gets room in the queue of a port. False: it was dropped. */
bool ether_admit(struct ether_network *net, uint32_t link, uint32_t packet);
void ether_release_room(struct ether_network *net, const struct ether_packet *packet, uint32_t node);
void ether_drop(struct ether_network *net, uint32_t link, uint32_t packet);
void ether_switch_init(struct ether_network *net);

/* ethernet_pfc.c */
void ether_pfc_init(struct ether_network *net);
bool ether_pfc_admit(struct ether_network *net, uint32_t packet, uint32_t node);
void ether_pfc_release(struct ether_network *net, const struct ether_packet *packet, uint32_t node);
void ether_pause_end(struct ether_network *net, uint32_t link);
void ether_pfc_frame(struct ether_network *net, uint32_t link, const struct ether_packet *packet);

/* ethernet_flow.c: what both ends do with packets. */
void ether_send(struct network *network, const struct network_message *message);
void ether_receive(struct ether_network *net, uint32_t packet, uint32_t link);
uint32_t ether_emit(struct ether_network *net, uint32_t flow);
uint32_t ether_flow_size(const struct ether_network *net); /* in memory, bitmaps and all */
/* A packet came unmarked: its entropy value may be used once more. */
void ether_recycle(struct ether_network *net, struct ether_flow *flow, uint32_t sequence);
/* Leaves an entropy value of the flow out for some turns. */
void ether_penalise(struct ether_network *net, struct ether_flow *flow, uint32_t entropy, uint32_t turns);
bool ether_may_send(const struct ether_network *net, const struct ether_flow *flow);
void ether_flow_wake(struct ether_network *net, uint32_t flow);
void ether_flow_alarm(struct ether_network *net, uint32_t flow, int64_t time_ps);
void ether_flow_alarm_due(struct ether_network *net, uint32_t flow);
void ether_alarm_due(void *context, uint32_t flow);
void ether_sent_due(void *context, uint32_t flow);
void ether_delivered_due(void *context, uint32_t flow);
void ether_message_lost(struct ether_network *net, uint32_t flow); /* the run ends without it */
void ether_flow_finish(struct ether_network *net, uint32_t flow); /* frees it when nothing of it is left */
/* Sends a control packet from the NPU at one end of the flow to the other. */
void ether_answer(struct ether_network *net, uint32_t flow, bool to_source, const struct ether_packet *packet,
		  const struct ether_report *report);

/* ethernet_recovery.c: acknowledgements, and what was lost. */
void ether_receive_data(struct ether_network *net, uint32_t flow, const struct ether_packet *packet, int64_t stamp_ps);
void ether_receive_trimmed(struct ether_network *net, uint32_t flow, const struct ether_packet *packet, int64_t stamp_ps);
void ether_receive_ack(struct ether_network *net, uint32_t flow, const struct ether_packet *packet, const struct ether_report *report);
void ether_timeout(struct ether_network *net, uint32_t flow);
void ether_timeout_set(struct ether_network *net, uint32_t flow);

/* ethernet_rccc.c */
void ether_pacer_due(void *context, uint32_t npu);
void ether_pacer_serve(struct ether_network *net, uint32_t npu);

/* ethernet_observe.c */
void ether_observe_begin(struct ether_network *net);
void ether_observe_start(struct ether_network *net, uint32_t link, const struct ether_packet *packet, int64_t start_ps, int64_t end_ps);
void ether_observe_end(struct ether_network *net);
/* The queue for data of a link is about to change. */
void ether_watch_change(struct ether_network *net, uint32_t link);

/* The 64 bits from `base` on of a bitmap of sequences. */
static inline uint64_t ether_bits_from(const struct ether_network *net, const uint64_t *bits, uint32_t base)
{
	uint32_t at = base & (net->span - 1), shift = at % 64;
	if (!shift)
		return bits[at / 64];
	return bits[at / 64] >> shift | bits[((at + 63) & (net->span - 1)) / 64] << (64 - shift);
}

/* ethernet.c: the rate at which a flow may leave, in bytes per second; a round trip of it at that rate. */
int64_t ether_line_rate(const struct ether_network *net, const struct ether_flow *flow);
int64_t ether_round_trip_bytes(const struct ether_network *net, const struct ether_flow *flow);

/* ethernet_change.c */
void ether_port_rates(struct ether_network *net, uint32_t link);
void ether_link_changed(struct network *network, uint32_t link, int64_t old_bytes_per_s, int64_t old_latency_ps);
void ether_describe_stuck(const struct network *network, struct text *out);
void ether_cut(struct network *network);
void ether_verify(const struct ether_network *net);

#endif
