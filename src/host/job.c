#include "host/job.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>

#include "base/text.h"
#include "base/units.h"
#include "scenario/energy.h"
#include "scenario/physics.h"
#include "scenario/scenario.h"
#include "timeline/recorder.h"

/* A slice is a number of events, never of seconds: what is simulated does not depend on the host's clock. */
#define SLICE_EVENTS UINT64_C(20000)
#define FLUSH_EVERY_S 1.0
#define FLUSH_SHARE 0.03 /* of the time at most: a flush writes the bins anew */
#define PROGRESS_EVERY_S 0.25

double host_cpu_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int64_t host_peak_rss_bytes(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (int64_t)usage.ru_maxrss * 1024;
}

struct driver {
	struct job *job;
	bool interrupted, progress_shown;
	struct error error; /* of the recorder */
};

static void on_slice(struct ev_loop *loop, ev_idle *watcher, int events)
{
	struct driver *driver = watcher->data;
	(void)events;
	if (simulation_step(&driver->job->simulation, SLICE_EVENTS))
		ev_break(loop, EVBREAK_ALL);
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct driver *driver = watcher->data;
	(void)events;
	driver->interrupted = true;
	ev_break(loop, EVBREAK_ALL);
}

static void on_flush(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct driver *driver = watcher->data;
	ev_tstamp start = ev_time();
	(void)events;
	if (recorder_flush(driver->job->recorder, &driver->error)) {
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	double pause_s = (ev_time() - start) / FLUSH_SHARE;
	watcher->repeat = pause_s > FLUSH_EVERY_S ? pause_s : FLUSH_EVERY_S;
	ev_timer_again(loop, watcher);
}

static void on_progress(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct driver *driver = watcher->data;
	const struct simulation *simulation = &driver->job->simulation;
	char now[64];
	(void)loop;
	(void)events;
	fprintf(stderr, "\r\033[Ksimulated %s, %llu messages, %llu events", units_format_time(now, sizeof now, simulation->engine.now_ps),
		(unsigned long long)simulation->totals.n_messages, (unsigned long long)simulation->engine.n_events);
	fflush(stderr);
	driver->progress_shown = true;
}

/* Runs slices until the simulation ends, the user stops it, or the disk fails. */
static void drive(struct driver *driver, const struct job_options *options)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	ev_idle slice;
	ev_timer flush, progress;
	ev_signal watchers[3];
	ev_idle_init(&slice, on_slice);
	slice.data = driver;
	ev_idle_start(loop, &slice);
	for (int i = 0; i < 3; i++) {
		ev_signal_init(&watchers[i], on_signal, signals[i]);
		watchers[i].data = driver;
		ev_signal_start(loop, &watchers[i]);
	}
	ev_timer_init(&flush, on_flush, FLUSH_EVERY_S, FLUSH_EVERY_S);
	flush.data = driver;
	if (driver->job->recorder)
		ev_timer_start(loop, &flush);
	ev_timer_init(&progress, on_progress, PROGRESS_EVERY_S, PROGRESS_EVERY_S);
	progress.data = driver;
	if (options->progress && isatty(STDERR_FILENO))
		ev_timer_start(loop, &progress);
	ev_run(loop, 0);
	ev_timer_stop(loop, &flush);
	ev_timer_stop(loop, &progress);
	for (int i = 0; i < 3; i++)
		ev_signal_stop(loop, &watchers[i]);
	ev_idle_stop(loop, &slice);
	ev_loop_destroy(loop);
	if (driver->progress_shown)
		fprintf(stderr, "\r\033[K");
}

static int open_recorder(struct job *job, const struct scenario *scenario, struct error *err)
{
	struct simulation *simulation = &job->simulation;
	struct text resolved = TEXT_INIT;
	struct observer observer;
	scenario_resolved(scenario, &simulation->fabric, &resolved);
	struct recorder_options options = {.path = scenario->output.timeline, .detail = (enum timeline_detail)scenario->output.detail,
		.bin_ps = scenario->output.bin_ps, .size_limit_bytes = scenario->output.size_limit_bytes, .scenario_text = scenario->text,
		.resolved_text = text_string(&resolved), .seed = (uint64_t)scenario->seed, .model = scenario->model->name,
		.acknowledges = scenario->model->acknowledges,
		.routing = routing_names[scenario->routing], .workloads = (const struct workload *const *)simulation->workloads,
		.n_workloads = simulation->n_workloads, .workload_order = simulation->workload_order, .n_ranks = simulation->n_ranks, .placement = simulation->placement,
		.figures = simulation->physics ? &simulation->physics->figures : NULL,
		.budgets = simulation->physics && simulation->physics->asked};
	job->timeline = scenario->output.timeline;
	job->recorder = recorder_new(&options, &simulation->fabric, &simulation->routes, err);
	text_release(&resolved);
	if (!job->recorder)
		return -1;
	observer = recorder_observer(job->recorder);
	observers_add(&simulation->observers, &observer, true);
	return 0;
}

static int close_recorder(struct job *job, struct error *err)
{
	const struct simulation *simulation = &job->simulation;
	struct recorder_result result = {.status = simulation->status, .message = simulation->error.code ? simulation->error.message : NULL,
		.end_ps = simulation->end_ps, .digest = simulation->digest, .n_events = simulation->n_events,
		.packet_hops = simulation->packet_hops, .ranks = simulation->ranks, .n_ranks = simulation->n_ranks,
		.energy_j = simulation->energy ? simulation->energy->facility_j : 0, .energy = simulation->energy,
		.cpu_s = host_cpu_s(), .simulate_cpu_s = simulation->simulate_cpu_s, .peak_rss_bytes = host_peak_rss_bytes()};
	struct recorder *recorder = job->recorder;
	job->recorder = NULL;
	return recorder_finish(recorder, &result, err);
}

int job_run(struct job *job, const struct scenario *scenario, const struct job_options *options, struct error *err)
{
	struct driver driver = {.job = job};
	int failed = 0;
	memset(job, 0, sizeof *job);
	if (simulation_init(&job->simulation, scenario, err))
		return -1;
	if (scenario->output.timeline && open_recorder(job, scenario, err)) {
		job_release(job);
		return -1;
	}
	drive(&driver, options);
	simulation_finish(&job->simulation, driver.interrupted);
	if (job->timeline)
		failed = close_recorder(job, &driver.error);
	job->cpu_s = host_cpu_s();
	job->peak_rss_bytes = host_peak_rss_bytes();
	if (failed || driver.error.code) {
		*err = driver.error;
		job_release(job);
		return -1;
	}
	return 0;
}

void job_release(struct job *job)
{
	simulation_release(&job->simulation);
	memset(job, 0, sizeof *job);
}
