/* What a run looks like from outside. Network models and the executor call these hooks; the timeline recorder, tests and
 * `--json` totals listen. Observers never change a result. All times are picoseconds; `link` indexes the fabric's links.
 *
 * Invariants that listeners rely on:
 * - link_bytes runs of one link carry whole bytes, spread evenly over [start_ps, end_ps); they arrive with nondecreasing end.
 *   Over a run that ends normally, the sum of `payload` on a link = the sum over messages of the bytes whose sub-path crosses
 *   it (route.h says which bytes those are). Overhead (headers, replays, control, drops) comes apart.
 * - link_busy intervals of one link do not overlap and come in time order: the time in which the link carried anything.
 * - calls are made in an order that is itself deterministic, but listeners must not depend on it within one instant. */
#ifndef WEFT_ENGINE_OBSERVER_H
#define WEFT_ENGINE_OBSERVER_H

#include <stdbool.h>
#include <stdint.h>

/* What a message is for: the columns K of bytes_by_kind. */
enum traffic_kind {
	TRAFFIC_POINT_TO_POINT,
	TRAFFIC_ALL_REDUCE,
	TRAFFIC_REDUCE_SCATTER,
	TRAFFIC_ALL_GATHER,
	TRAFFIC_BROADCAST,
	TRAFFIC_REDUCE,
	TRAFFIC_ALL_TO_ALL,
	TRAFFIC_GATHER,
	TRAFFIC_SCATTER,
	TRAFFIC_BARRIER,
	TRAFFIC_N
};
extern const char *const traffic_kind_names[TRAFFIC_N];

enum link_state { LINK_UP, LINK_DOWN, LINK_DEGRADED, LINK_ASLEEP, LINK_WAKING, LINK_DARK /* circuit moving */,
	LINK_REPLAYING /* sends again what was lost */, LINK_FOLDED /* on fewer lanes, by choice */, LINK_STATE_N };
extern const char *const link_state_names[LINK_STATE_N];

/* Why a link changed. */
enum link_cause { LINK_CAUSE_SCHEDULE /* the scenario's list of changes */, LINK_CAUSE_BIT_ERRORS, LINK_CAUSE_CIRCUIT /* a circuit switch */,
	/* Failures by chance, by what they do, and the ends of them. */
	LINK_CAUSE_FAILURE, LINK_CAUSE_FLAP, LINK_CAUSE_LANE_LOSS, LINK_CAUSE_CONTAMINATION, LINK_CAUSE_CRASH,
	LINK_CAUSE_DETECTION /* nothing but that from now on routes avoid it */,
	LINK_CAUSE_POWER /* power states */, LINK_CAUSE_N };
extern const char *const link_cause_names[LINK_CAUSE_N];

/* What a failure by chance does to the part that it strikes. */
enum outage_effect { OUTAGE_DOWN, OUTAGE_FLAP, OUTAGE_LANE, OUTAGE_CONTAMINATION, OUTAGE_CRASH, OUTAGE_THROTTLE, OUTAGE_EFFECTS };
extern const char *const outage_effect_names[OUTAGE_EFFECTS];

/* What Ethernet counts on links: amounts of link_count. */
enum link_count {
	LINK_PAUSE_PS,      /* time for which the port was told to stop, over [start, end) */
	LINK_MARKS,         /* packets marked: congestion experienced */
	LINK_TRIMS,         /* packets whose payload was cut off in front of the link */
	LINK_DROPS,         /* packets that found no room in front of it, or died on it */
	LINK_AGAIN_BYTES,   /* bytes that crossed it in packets that were sent again; part of the overhead */
	LINK_COUNT_N
};

struct message_record {
	uint64_t id;            /* in order of issue, from 0 */
	uint32_t source, destination; /* NPU indices */
	int64_t bytes;
	int64_t start_ps, end_ps; /* posted to the network; delivered (end_ps = TIME_NEVER: not delivered when the run ended) */
	uint32_t route;         /* index into the routes of the run; ROUTE_NONE for a message that stays on its NPU */
	int32_t collective;     /* id of the collective it belongs to, -1 when none */
	uint8_t kind;           /* enum traffic_kind */
};

/* What let a message start, for every message, in order of issue: what lies between is local work (launch, step overhead,
 * reduction). With it a run can be walked backwards from its end to its start. */
struct release_record {
	uint64_t message;
	uint64_t cause;         /* the message whose delivery, or whose last byte leaving, released the step that sends this one;
	                         * MESSAGE_NONE: the start of the operation below */
	int64_t time_ps;        /* when the cause had its effect: for a reduction, when it was done */
	uint32_t rank, index;   /* the operation in whose course it was sent; of a rendezvous, the one that came last */
};
#define MESSAGE_NONE UINT64_MAX

struct op_record {
	uint32_t rank, stream;
	uint32_t index;         /* of the operation among its rank's: in its program, after those of workloads added before */
	uint16_t kind;          /* enum op_kind of workload/program.h */
	const char *name;       /* NULL when unnamed */
	int32_t group;          /* group id, -1 */
	int32_t collective;     /* collective id, -1 */
	int64_t bytes;
	int64_t ready_ps;       /* all dependencies and the stream's previous operation had ended */
	int64_t start_ps, end_ps;
	int64_t exposed_ps;     /* of a communication: the part during which its rank computed nothing */
	/* What released it: the operation (rank, index) whose end made it ready; for a communication that waited, the peer that it
	 * waited for. cause_rank = UINT32_MAX: the start of the run. */
	uint32_t cause_rank, cause_index;
	uint32_t released_by;   /* index of the operation of its own rank whose end (or start) made it ready, whatever it waited for later;
	                         * UINT32_MAX: the start of the run, or of its workload (then the cause says which end that waited for) */
	uint32_t after_rank, after_index; /* the operation whose end let its workload start, for those that nothing else released;
	                         * UINT32_MAX: none */
	uint64_t finished_by;   /* the message whose delivery, or whose last byte leaving, ended it; MESSAGE_NONE: none */
	int64_t finished_ps;    /* when that had its effect (a collective may go on with local work); without a message, its start */
	bool host;              /* a host operation: does not count as the accelerator's compute */
	int32_t iteration;      /* -1 */
	int64_t trace_node;     /* id in the trace it came from, -1 */
	int64_t recorded_start_ps, recorded_end_ps; /* in the trace, TIME_NEVER when unknown */
};

struct collective_record {
	int32_t id;
	uint8_t kind;           /* enum weft_collective_kind */
	const char *algorithm, *protocol;
	int32_t group;
	uint32_t n_ranks;
	int64_t bytes;          /* nccl-tests' size: the whole buffer */
	int64_t start_ps, end_ps; /* first rank that entered, last that left */
};

/* A part that failed by chance; of a chip, a record for each of its ranks. Times TIME_NEVER: not before the run ended. */
struct outage_record {
	const char *name;       /* component, switch, link or chip */
	uint8_t effect;         /* enum outage_effect */
	int32_t rank;           /* -1: not a chip, or one that runs none */
	int64_t start_ps, detected_ps, end_ps; /* it failed; routes avoid it; it, or a spare in its place, works */
	bool spare;             /* one took over */
	double slow;            /* throttle: computations take so many times as long; else 1 */
};

/* A port of a circuit switch while it was joined to another one: from the move that made the circuit to the one that took it away. */
struct circuit_record {
	uint32_t link;          /* what the circuit lights; its ends have the ports */
	uint32_t port;          /* of both ends, from 0 */
	uint32_t component;     /* the circuit switch, UINT32_MAX: not known */
	int64_t start_ps, lit_ps, end_ps; /* dark from, carries from, until; TIME_NEVER: not before the run ended */
};

/* What became of a collective's request for circuits. */
struct circuit_request_record {
	int32_t collective;
	const char *state;      /* that it asked for */
	int64_t asked_ps, decided_ps, begun_ps; /* all its ranks were there; the switch was free to decide; the circuits were lit. TIME_NEVER */
	int64_t bytes;          /* V: of the chip that sends most */
	int64_t delay_ps;       /* delta: until the circuits would be lit */
	double before_bytes_per_s, after_bytes_per_s; /* b0, b1: V over the time that its busiest circuit takes, now and then; 0: never */
	double break_even_bytes; /* delta / (1/b0 - 1/b1); infinite: nothing is gained */
	bool had, moved;        /* the switches had the state or were on their way to it; took it */
};

/* What packets did on a link in a stretch of time that needs no telling apart. */
struct link_stretch {
	int64_t start_ps, end_ps;
	int64_t payload, overhead, busy_ps;  /* of packets; busy_ps < end_ps - start_ps: with gaps, somewhere */
	int64_t queue_max, queue_byte_ps;    /* bytes that waited for it: the maximum and the integral */
	int64_t stall_ps;                    /* blocked for want of credits */
	uint8_t kind;                        /* of the payload, as for link_bytes */
};

struct observer {
	void *context;
	/* Any hook may be NULL. */
	void (*link_bytes)(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t payload, int64_t overhead,
			   uint8_t kind);
	void (*link_busy)(void *context, uint32_t link, int64_t start_ps, int64_t end_ps);
	/* link_bytes and link_busy of all links of a path at once, for the same stretch of time; instead of the two, for who has it. */
	void (*path_carried)(void *context, const uint32_t *links, uint32_t n_links, int64_t start_ps, int64_t end_ps, int64_t payload,
			     int64_t overhead, uint8_t kind);
	/* From packet models, instead of link_bytes, link_busy, link_queue and link_stall, for who has both of these. The border is the end of
	 * the stretch from time_ps on within which it does not matter when something happens; time_ps itself if each packet, wait and stall
	 * shall be told by itself, spread evenly over [start, end). A packet that crosses a border is told in parts: of B bytes
	 * floor(B × part / whole) up to there. So what is heard does not depend on how packets are grouped. */
	int64_t (*border)(void *context, int64_t time_ps);
	void (*link_stretch)(void *context, uint32_t link, const struct link_stretch *stretch);
	/* One message's presence on one link: fluid, the whole flow; packet, first to last bit of consecutive packets. */
	void (*link_interval)(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, uint64_t message);
	/* Packet models: bytes waiting for this link, their maximum over a stretch of time and their integral. */
	void (*link_queue)(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t max_bytes, int64_t byte_ps);
	void (*link_stall)(void *context, uint32_t link, int64_t start_ps, int64_t end_ps); /* blocked for want of credits */
	void (*link_count)(void *context, uint32_t link, enum link_count what, int64_t start_ps, int64_t end_ps, int64_t amount);
	void (*link_change)(void *context, uint32_t link, int64_t time_ps, enum link_state state, int64_t bytes_per_s,
			    enum link_cause cause);
	void (*link_replays)(void *context, uint32_t link, int64_t time_ps, int64_t replays);
	void (*message)(void *context, const struct message_record *record); /* once, when delivered (or at the end of a cut run) */
	/* Ethernet: the sender knows that the whole message has come; `again`: packets of it that were sent again. */
	void (*acked)(void *context, uint64_t message, int64_t time_ps, uint64_t again);
	void (*release)(void *context, const struct release_record *record); /* once, when it is given to the network */
	void (*op)(void *context, const struct op_record *record);           /* once, when it ended */
	void (*collective)(void *context, const struct collective_record *record);
	/* What is left of a message takes another way: its own had this link, which routes avoid now. */
	void (*reroute)(void *context, uint64_t message, uint32_t link, int64_t time_ps);
	void (*outage)(void *context, const struct outage_record *record); /* all at the end of the run, in order of their start */
	void (*circuit)(void *context, const struct circuit_record *record); /* once, when it ended or the run did */
	void (*circuit_request)(void *context, const struct circuit_request_record *record); /* once, when its collective ended or the run did */
};

/* A run has at most this many listeners. */
#define OBSERVERS_MAX 4
struct observers {
	struct observer list[OBSERVERS_MAX];
	uint32_t n;
	/* Whether anybody listens to it: producers of costly records ask first. */
	bool wants_bytes, wants_busy, wants_stretches /* or what it stands for */;
	bool wants_intervals, wants_queue, wants_messages, wants_releases, wants_ops;
	bool wants_kinds; /* somebody needs link_bytes split by traffic kind; else kind may be TRAFFIC_N (mixed) */
};
void observers_add(struct observers *observers, const struct observer *observer, bool by_kind);

#define OBSERVE(observers, hook, ...) \
	do { \
		for (uint32_t observer_i = 0; observer_i < (observers)->n; observer_i++) \
			if ((observers)->list[observer_i].hook) \
				(observers)->list[observer_i].hook((observers)->list[observer_i].context, __VA_ARGS__); \
	} while (0)

/* Where the first of all observers has its border; time_ps: somebody wants everything by itself. */
int64_t observe_border(const struct observers *observers, int64_t time_ps);
/* Tells link_stretch, or what it stands for. */
void observe_stretch(const struct observers *observers, uint32_t link, const struct link_stretch *stretch);
/* Tells link_bytes and link_busy of every link of a path, or path_carried. */
void observe_path(const struct observers *observers, const uint32_t *links, uint32_t n_links, int64_t start_ps, int64_t end_ps,
		  int64_t payload, int64_t overhead, uint8_t kind);

#endif
