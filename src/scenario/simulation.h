/* A scenario made real: fabric, network, program, executor, ready to run. The host layer adds the recorder as one more observer and
 * drives it in slices; tests and embedders call simulation_run. */
#ifndef WEFT_SCENARIO_SIMULATION_H
#define WEFT_SCENARIO_SIMULATION_H

#include "base/digest.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/engine.h"
#include "engine/observer.h"
#include "fabric/fabric.h"
#include "fabric/route.h"
#include "network/network.h"
#include "scenario/power_states.h"
#include "scenario/totals.h"
#include "workload/executor.h"

struct circuits;
struct circuits_totals;
struct link_condition;
struct pending_change;
struct energy;
struct failing;
struct loggops;
struct physics;
struct scenario;

struct collective_result {
	struct collective_record record;
	int64_t time_ps;
	double algbw_bytes_per_s, busbw_bytes_per_s;
};

struct simulation {
	const struct scenario *scenario;
	struct engine engine;
	struct fabric fabric;
	struct routes routes;
	struct links links;
	struct observers observers;
	struct network *network;
	struct executor *executor;
	struct loggops *loggops;        /* NULL, or what runs in the place of executor and network */
	struct workload **workloads;
	uint32_t n_workloads;
	uint32_t *workload_order;  /* [n_workloads] as the executor got them: groups and operations are numbered in this order */
	uint32_t *placement;
	uint32_t n_ranks;
	struct pending_change *changes; /* NULL: the scenario has no list of changes */
	struct link_condition *conditions; /* [n_links], NULL: nothing but physics and circuits changes links */
	struct failing *failing;        /* NULL: the scenario has no section failures */
	struct circuits *circuits;      /* NULL: the scenario has no circuit switch that moves */
	struct power_states *power_states; /* NULL: the scenario has none */
	bool plain;                     /* its power states are left out: the run to compare with */
	struct simulation *reference;   /* NULL; the plain run of the same scenario, which follows this one */
	bool ran;                       /* this one is over; what remains is the reference */
	struct totals totals;
	struct text assumed;            /* what traces left open and how it was taken, a line each */
	struct arena arena;
	struct physics *physics;        /* NULL: neither asked for, nor is every part of the machine in the catalogue */

	/* Results, filled by simulation_finish. */
	uint64_t n_messages;
	int64_t message_bytes;
	uint64_t n_events, packet_hops;
	struct network_counters counters; /* of the model, at the end; what they point to lives as long as the network */
	uint32_t n_collectives;         /* simulation_collective(…, i) for each */
	int64_t *link_bytes;            /* [n_links] payload of delivered messages */
	int64_t end_ps;
	char digest[DIGEST_HEX_SIZE];
	const char *status;             /* "complete", "incomplete", "interrupted" */
	struct error error;             /* why it could not finish; code ERROR_NONE when complete */
	struct rank_result *ranks;      /* [n_ranks] */
	const struct circuits_totals *circuits_totals; /* NULL: no circuit switch that moves */
	struct energy *energy;          /* NULL: not known */
	struct power_result power;      /* all 0 without power states */
	const char *energy_unknown;     /* why, when it is not known */
	double build_cpu_s, simulate_cpu_s;
};

/* Builds everything. On error nothing is left to release. */
int simulation_init(struct simulation *simulation, const struct scenario *scenario, struct error *err);
/* Observers (the recorder) join after init and before the first step: observers_add(&simulation->observers, …).
 * Handles about `budget` events; true when there is nothing more to do. */
bool simulation_step(struct simulation *simulation, uint64_t budget);
/* Totals, digest, rank results; sets status and error. `interrupted`: the user stopped it. Returns the exit status (0 or 1). */
int simulation_finish(struct simulation *simulation, bool interrupted);
/* Collective i of a finished simulation, in order of their numbers. */
struct collective_result simulation_collective(const struct simulation *simulation, uint32_t i);
/* Steps to the end and finishes. */
int simulation_run(struct simulation *simulation);
void simulation_release(struct simulation *simulation);

/* What a run would cost, from the built simulation, without running it. */
struct simulation_estimate {
	double messages, events, memory_bytes, file_bytes;
};
void simulation_estimate(const struct simulation *simulation, struct simulation_estimate *estimate);

#endif
