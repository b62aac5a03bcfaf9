/* The interface behind which the network models stand: fluid, packet, analytic, loggops. A model takes messages and delivers
 * them; what each computes is in design §5 and docs/models.md.
 *
 * A message is sent during the issue phase of an instant; the model starts it in the network phase of the same instant. `sent`
 * (its last byte has left the source) and `delivered` are called from event handlers, at the instant in which they happen, in
 * any order: the client only notes them and acts in the next issue phase. */
#ifndef WEFT_NETWORK_NETWORK_H
#define WEFT_NETWORK_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/observer.h"
#include "fabric/route.h"
#include "network/links.h"

struct engine;
struct fabric;
struct hop_histogram;
struct text;
struct network;

struct network_message {
	uint64_t id;          /* unique, in order of issue from 0 */
	uint32_t token;       /* the client's handle, given back by the callbacks; small: an index into its pool */
	uint32_t source, destination; /* NPU indices, different */
	int64_t bytes;        /* payload on the wire, >= 0; a message of 0 bytes takes the latency only */
	uint64_t flow_key;    /* for ecmp: equal keys of one pair take one path */
	int32_t collective;   /* for the record; -1 */
	uint8_t kind;         /* enum traffic_kind */
	uint32_t route;       /* 0: found by (source, destination, flow_key); else 1 + the id of a route (routes_add_explicit) */
};
/* For models: the route that a message takes; ROUTE_NONE with err filled when there is none. */
static inline uint32_t network_route(struct routes *routes, const struct network_message *message, struct error *err)
{
	return message->route ? message->route - 1 : routes_find(routes, message->source, message->destination, message->flow_key, err);
}

struct network_client {
	void *context;
	void (*sent)(void *context, uint32_t token);
	void (*delivered)(void *context, uint32_t token); /* always after `sent`; may be at the same instant */
};

/* A model's own parameters, as `network: {model: packet, payload: 4096 B}` gives them. Same form as a topology's. */
struct network_setting {
	const char *name, *value;
	const char *file;
	int line, column;
};

struct network_setup {
	struct engine *engine;
	const struct fabric *fabric;
	struct routes *routes;
	struct links *links;
	struct observers *observers;
	struct network_client client;
	uint64_t seed;
	const struct network_setting *settings; /* already checked against the model's params */
	uint32_t n_settings;
};

/* What only Ethernet has: numbers of packets, unless they say otherwise. */
struct network_ethernet_counters {
	uint64_t control_hops;  /* packet hops of acknowledgements, notifications, credits, pauses and trimmed headers */
	uint64_t marks, trims, drops; /* a trimmed packet is no drop */
	uint64_t retransmissions, duplicates; /* sent again; came and were of no use */
	uint64_t timeouts, refusals; /* of senders; complaints of receivers */
	uint64_t pauses;        /* times that a port was told to stop */
	int64_t paused_ps;      /* for how long, over all ports */
	struct hop_histogram *completions; /* of messages: from start to the last acknowledgement; the model's */
	int64_t least_completion_ps;
	int64_t last_acked_ps;  /* when the last sender knew that everything had come */
};

struct network_counters {
	uint64_t messages;      /* delivered */
	int64_t bytes;          /* payload of delivered messages */
	uint64_t packet_hops;   /* packet model, else 0 */
	uint64_t solves;        /* fluid: rate computations, else 0 */
	uint64_t stalls;        /* packet: how often a link with a packet to send lacked a credit, and for how long, over all links */
	int64_t stalled_ps;
	const struct network_ethernet_counters *ethernet; /* NULL: no Ethernet; the model's */
	const struct hop_histogram *hop_times; /* packet: [n_kinds of links]; the model's; NULL: not recorded */
	int64_t bytes_injected, bytes_delivered, bytes_dropped, bytes_in_flight; /* injected = the sum of the others */
};

typedef void network_each_message(void *context, uint32_t source, uint32_t destination, int64_t wire_bytes);

struct network_model {
	const char *name;       /* as written in a scenario */
	const char *summary;
	uint32_t version;       /* of what it computes: changes with every change of figures (docs/changes.md) */
	const struct weft_param *params; /* include/weft/topology.h's form; ends with a NULL name */
	uint32_t routings;      /* bit per enum routing that it accepts */
	/* Fills *network (its first member is struct network) or returns -1 with an error. */
	int (*create)(struct network **network, const struct network_setup *setup, struct error *err);
	void (*destroy)(struct network *network);
	void (*send)(struct network *network, const struct network_message *message);
	/* links->… of this link changed in the control phase of this instant; old values are given. */
	void (*link_changed)(struct network *network, uint32_t link, int64_t old_bytes_per_s, int64_t old_latency_ps);
	void (*counters)(const struct network *network, struct network_counters *out);
	/* Says which messages and links are stuck and what they wait for (a cycle of credits, a link that is down); appended to the
	 * message of a run that cannot finish. At most a few lines. */
	void (*describe_stuck)(const struct network *network, struct text *out);
	/* Bytes per second that cross a link now, as of the last solve: bit errors are drawn by it. NULL: the model does not know. */
	double (*link_load)(const struct network *network, uint32_t link);
	/* The model that these settings ask for instead, with parameters of its own (packet: `transport` names an Ethernet one); NULL when
	 * it has none. */
	const struct network_model *(*variant)(const struct network_setting *settings, uint32_t n_settings);
	bool acknowledges; /* tells observers when sources know that their messages have come */
	bool own_ways;     /* what crosses a link does not follow from routes: messages have none (ROUTE_NONE) */
	bool draws_errors; /* reads links.errors and draws lost codewords by itself */
	/* Calls each(…) with what every message has still to put on the wire at its source now: payload and headers of what has not
	 * started. In the control phase; in any order. NULL: the model does not know. */
	void (*outstanding)(struct network *network, network_each_message *each, void *context);
	/* A cut run: emits the byte runs and the records (end_ps = TIME_NEVER) of what is in flight now. */
	void (*cut)(struct network *network);
};

/* Somebody who sees messages before the model does (which links will they want?). `rerouted`: routes are others from now on. Either
 * may be NULL. */
struct network_watch {
	void *context;
	void (*sending)(void *context, const struct network_message *message);
	void (*rerouted)(void *context);
};

/* First member of every model's state. */
struct network {
	const struct network_model *model;
	struct network_setup setup;
	struct network_watch watch;
	struct error error; /* set when the network itself cannot go on (no route); engine_stop was called */
};

extern const struct network_model network_fluid, network_packet, network_analytic, network_loggops;
extern const struct network_model network_ethernet; /* the packet model with a transport of Ethernet */
/* All models built in, NULL at the end; by name with the nearest known name in the error. */
extern const struct network_model *const network_models[];
const struct network_model *network_find(const char *name, struct error *err);

/* The model itself, or the variant of it that the settings ask for. */
const struct network_model *network_variant(const struct network_model *model, const struct network_setting *settings, uint32_t n_settings);
/* Checks settings against the model's params (names, units, ranges) and creates it. */
int network_create(struct network **network, const struct network_model *model, const struct network_setup *setup, struct error *err);
void network_destroy(struct network *network);
static inline void network_send(struct network *network, const struct network_message *message)
{
	if (network->watch.sending)
		network->watch.sending(network->watch.context, message);
	network->model->send(network, message);
}
/* For models' create: the value of a setting, or its default; the quantity follows from the param's type. */
int64_t network_integer(const struct network_setup *setup, const struct network_model *model, const char *name);
const char *network_text(const struct network_setup *setup, const struct network_model *model, const char *name);

/* Changes a link now (only in the control phase): writes links, tells the model and the observers. */
void network_change_link(struct network *network, uint32_t link, enum link_state state, int64_t bytes_per_s, int64_t latency_ps);
/* A failure was detected (or repaired): from now on routes avoid the link, and what is on the way over it is routed anew. Models
 * see links->avoid[link] in link_changed, with old values equal to the present ones. Only in the control phase. */
void network_avoid_link(struct network *network, uint32_t link, bool avoid);

#endif
