/* The recorder: an observer that writes the timeline file (docs/timeline-format.md). Memory is bounded: bins are coarsened by
 * merging in pairs, tables are written in blocks. Recording never changes a result. */
#ifndef WEFT_TIMELINE_RECORDER_H
#define WEFT_TIMELINE_RECORDER_H

#include <stdint.h>

#include "engine/observer.h"
#include "workload/executor.h"

struct energy;
struct error;
struct fabric;
struct link_figures;
struct recorder;
struct routes;

enum timeline_detail { DETAIL_BINS, DETAIL_MESSAGES, DETAIL_INTERVALS, DETAIL_ALL, DETAIL_N };
extern const char *const timeline_detail_names[DETAIL_N];

struct recorder_options {
	const char *path;
	enum timeline_detail detail;
	int64_t bin_ps;             /* 0: auto (starts fine, coarsens to at most max_bins) */
	uint32_t max_bins;          /* T_max, a power of two; 0: 16 to 256, by the number of links; to 4096 with bin_ps */
	int64_t size_limit_bytes;   /* coarsens, then drops intervals, then messages, and records what it dropped; 0: 4 GiB */
	const char *scenario_text;  /* whole, so that the file alone repeats the run */
	const char *resolved_text;  /* with every default filled in */
	uint64_t seed;
	const char *model, *routing;
	bool acknowledges;          /* the model reports when sources know that messages have come */
	const struct workload *const *workloads; /* for /groups and names; may be NULL */
	uint32_t n_workloads;
	const uint32_t *workload_order; /* [n_workloads] in which groups are numbered; NULL: as they are listed */
	uint32_t n_ranks;
	const uint32_t *placement;  /* [n_ranks] NPU of each rank */
	const struct link_figures *figures; /* budgets, errors and energy of links; NULL: not known. Outlives the recorder */
	bool budgets;               /* of figures: the budgets and errors too, which the scenario asked for */
};

/* Creates the file with every object and attribute, status = running. An existing weft file is overwritten, any other file is
 * refused. `fabric` and `routes` must outlive it. */
struct recorder *recorder_new(const struct recorder_options *options, const struct fabric *fabric, const struct routes *routes,
			      struct error *err);
struct observer recorder_observer(struct recorder *recorder);
/* Writes what is buffered so that a killed process leaves a readable file up to now; called from time to time by the host loop. */
int recorder_flush(struct recorder *recorder, struct error *err);

struct recorder_result {
	const char *status;         /* "complete" | "incomplete" | "interrupted" */
	const char *message;        /* why not complete; NULL */
	int64_t end_ps;
	const char *digest;         /* result_digest */
	uint64_t n_events, packet_hops;
	const struct rank_result *ranks;
	uint32_t n_ranks;
	double energy_j;            /* with the building; 0: not asked for */
	const struct energy *energy; /* NULL */
	double cpu_s, simulate_cpu_s; /* go to /run */
	int64_t peak_rss_bytes;
};
/* Writes the rest and closes; `complete` is written last. Frees the recorder in any case. Returns -1 when any write since the
 * beginning failed: the file then says so or cannot be read, and never looks complete. */
int recorder_finish(struct recorder *recorder, const struct recorder_result *result, struct error *err);

#endif
