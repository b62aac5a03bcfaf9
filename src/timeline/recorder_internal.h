/* The recorder's state, shared by the files that write its parts. */
#ifndef WEFT_TIMELINE_RECORDER_INTERNAL_H
#define WEFT_TIMELINE_RECORDER_INTERNAL_H

#include <uthash.h>

#include "fabric/fabric.h"
#include "fabric/route.h"
#include "timeline/bins.h"
#include "timeline/describe.h"
#include "timeline/early.h"
#include "timeline/file.h"
#include "timeline/journal.h"
#include "timeline/link_bins.h"
#include "timeline/recorder.h"
#include "timeline/table.h"

#define STATUS_SIZE 16
#define MESSAGE_SIZE 2048
#define DIGEST_SIZE 64

struct name_entry {
	char *name;
	int32_t index;
	UT_hash_handle hh;
};

/* What grows with the tables: names of operations, and /paths. */
struct growing {
	bool is_open;
	hid_t group, op_names, route_offsets, route_weight, route_latency, weights, offsets, links;
	struct dimension op_name, route_end, route, path, path_end, hop;
	uint32_t n_names, n_routes, n_paths, n_hops; /* written */
};

struct link_change {
	uint32_t link;
	uint8_t state, cause;
	int64_t time_ps, bytes_per_s;
	uint64_t order;
};

struct recorder {
	struct recorder_options options;
	const struct fabric *fabric;
	const struct routes *routes;
	struct timeline_file file;
	struct journal journal;
	struct bins bins;
	struct early early;
	struct link_bins links;
	struct table changes, failures, outages, reroutes, circuits, requests, collectives, ops, messages, releases, acknowledgements, intervals;
	struct growing growing;
	struct name_entry *names;
	struct link_change *history; /* of all links, for their bins */
	size_t n_history, history_capacity;
	struct message_record *instant; /* delivered at one time, still to be put in order */
	size_t n_instant, instant_capacity;
	bool by_kind;
	int64_t bins_bytes; /* what bins may take of the size limit */
	hid_t summary, run; /* groups */
};

/* growing.c: needs the table of operations open. */
void growing_open(struct recorder *recorder);
void growing_write(struct recorder *recorder);
void growing_close(struct recorder *recorder);
/* failures.c: what is written needs the history sorted, as state_bins_write leaves it. */
void failures_open(struct recorder *recorder);
void failures_write(struct recorder *recorder);
void failures_on_reroute(void *context, uint64_t message, uint32_t link, int64_t time_ps);
void failures_on_outage(void *context, const struct outage_record *record);
/* circuits.c */
void circuits_open(struct recorder *recorder);
void circuits_on_circuit(void *context, const struct circuit_record *record);
void circuits_on_request(void *context, const struct circuit_request_record *record);
/* state_bins.c: states of links over time. */
void state_bins_write(struct recorder *recorder, int64_t end_ps);

/* results.c: what is known at the end. */
void results_open(struct recorder *recorder);
void results_write(struct recorder *recorder, const struct recorder_result *result);
void results_close(struct recorder *recorder);
/* physics.c: budgets, energy per link and bin, /energy. */
void physics_write(struct recorder *recorder, const struct recorder_result *result);

#endif
