/* One run as the user sees it: a simulation, its recorder, and everything that waits on the real world (libev): Ctrl-C, the progress
 * line on a terminal, the regular flush that leaves a readable file when the process is killed. */
#ifndef WEFT_HOST_JOB_H
#define WEFT_HOST_JOB_H

#include <stdbool.h>

#include "base/error.h"
#include "scenario/simulation.h"

struct recorder;

struct job_options {
	bool progress;           /* a line on standard error, when that is a terminal */
};

struct job {
	struct simulation simulation;
	struct recorder *recorder; /* NULL: no timeline is written */
	const char *timeline;    /* its path, NULL */
	struct error host_error; /* the recorder failed */
	double cpu_s;            /* of the process so far */
	int64_t peak_rss_bytes;
};

/* Builds and runs the scenario. Returns 0 when it could run, even if the simulated system failed (job->simulation.status and .error
 * say so); -1 with an error when the input or the host is bad: then nothing is left to release and no file looks complete. */
int job_run(struct job *job, const struct scenario *scenario, const struct job_options *options, struct error *err);
void job_release(struct job *job);

/* CPU seconds and peak memory of this process. */
double host_cpu_s(void);
int64_t host_peak_rss_bytes(void);

#endif
