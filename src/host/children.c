#include "host/children.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ev.h>

#include "base/memory.h"
#include "base/time.h"

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define STOP_SIGNALS (sizeof stop_signals / sizeof *stop_signals)

struct nursery;

/* One place of `jobs`: a child and what is watched of it. It is free again when the child has ended and its pipe is empty. */
struct place {
	struct nursery *nursery;
	uint32_t i;
	pid_t pid;
	int pipe;
	bool busy, exited, drained;
	ev_io output;
	ev_child exit;
	ev_timer limit;
};

struct nursery {
	const struct children *children;
	struct child_result *results;
	struct ev_loop *loop;
	struct place *places;
	uint32_t next, n_busy;
	bool interrupted;
};

static void fill_places(struct nursery *nursery);

static void place_free(struct place *place)
{
	struct nursery *nursery = place->nursery;
	if (!place->exited || !place->drained)
		return;
	ev_timer_stop(nursery->loop, &place->limit);
	place->busy = false;
	nursery->n_busy--;
	if (nursery->children->ended)
		nursery->children->ended(nursery->children->context, place->i, &nursery->results[place->i]);
	fill_places(nursery);
	if (!nursery->n_busy)
		ev_break(nursery->loop, EVBREAK_ALL);
}

static void on_output(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct place *place = watcher->data;
	char buffer[16384];
	ssize_t got = read(place->pipe, buffer, sizeof buffer);
	(void)events;
	if (got > 0)
		text_add(&place->nursery->results[place->i].output, buffer, (size_t)got);
	if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	ev_io_stop(loop, watcher);
	close(place->pipe);
	place->drained = true;
	place_free(place);
}

static void on_exit_of(struct ev_loop *loop, ev_child *watcher, int events)
{
	struct place *place = watcher->data;
	struct child_result *result = &place->nursery->results[place->i];
	int status = watcher->rstatus;
	(void)events;
	ev_child_stop(loop, watcher);
	if (result->end == CHILD_NOT_RUN) { /* else it was killed, and why is known */
		result->end = WIFSIGNALED(status) ? CHILD_CRASHED : WEXITSTATUS(status) ? CHILD_FAILED : CHILD_DONE;
		result->number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	}
	place->exited = true;
	place_free(place);
}

static void place_kill(struct place *place, enum child_end why)
{
	if (!place->busy || place->exited)
		return;
	place->nursery->results[place->i].end = why;
	kill(place->pid, SIGKILL);
}

static void on_limit(struct ev_loop *loop, ev_timer *watcher, int events)
{
	(void)loop;
	(void)events;
	place_kill(watcher->data, CHILD_LATE);
}

static void on_stop(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct nursery *nursery = watcher->data;
	(void)loop;
	(void)events;
	nursery->interrupted = true;
	for (uint32_t p = 0; p < nursery->children->jobs; p++)
		place_kill(&nursery->places[p], CHILD_INTERRUPTED);
}

/* The child knows nothing of the loop: signals mean what they mean by default, and it dies with its parent. */
static _Noreturn void be_child(const struct children *children, uint32_t i, int pipe)
{
	for (size_t s = 0; s < STOP_SIGNALS; s++)
		signal(stop_signals[s], SIG_DFL);
	signal(SIGINT, SIG_IGN); /* the terminal sends it to all; the parent decides */
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	FILE *out = fdopen(pipe, "w");
	int status = out ? children->run(children->context, i, out) : 2;
	if (!out || fclose(out))
		status = 2;
	_exit(status);
}

static void place_start(struct place *place, uint32_t i)
{
	struct nursery *nursery = place->nursery;
	const struct children *children = nursery->children;
	int ends[2];
	if (pipe(ends))
		goto failed;
	fflush(NULL);
	place->pid = fork();
	if (place->pid == 0) {
		close(ends[0]);
		be_child(children, i, ends[1]);
	}
	close(ends[1]);
	if (place->pid < 0) {
		close(ends[0]);
		goto failed;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	place->i = i;
	place->pipe = ends[0];
	place->busy = true;
	place->exited = place->drained = false;
	nursery->n_busy++;
	ev_io_init(&place->output, on_output, place->pipe, EV_READ);
	ev_child_init(&place->exit, on_exit_of, place->pid, 0);
	ev_timer_init(&place->limit, on_limit, (double)children->limit_ps(children->context, i) / (double)PS_PER_S, 0);
	place->output.data = place->exit.data = place->limit.data = place;
	ev_io_start(nursery->loop, &place->output);
	ev_child_start(nursery->loop, &place->exit);
	ev_timer_start(nursery->loop, &place->limit);
	return;
failed:
	nursery->results[i].end = CHILD_FAILED;
	nursery->results[i].number = 2;
	text_printf(&nursery->results[i].output, "error cannot start a process: %s\n", strerror(errno));
}

static void fill_places(struct nursery *nursery)
{
	const struct children *children = nursery->children;
	for (uint32_t p = 0; p < children->jobs && !nursery->interrupted; p++)
		while (!nursery->places[p].busy && nursery->next < children->n)
			place_start(&nursery->places[p], nursery->next++);
}

bool children_run(const struct children *children, struct child_result *results)
{
	struct nursery nursery = {.children = children, .results = results, .loop = ev_default_loop(EVFLAG_AUTO)};
	ev_signal stops[STOP_SIGNALS];
	memset(results, 0, children->n * sizeof *results);
	nursery.places = memory_zero(children->jobs + 1u, sizeof *nursery.places);
	for (uint32_t p = 0; p < children->jobs; p++)
		nursery.places[p].nursery = &nursery;
	for (size_t s = 0; s < STOP_SIGNALS; s++) {
		ev_signal_init(&stops[s], on_stop, stop_signals[s]);
		stops[s].data = &nursery;
		ev_signal_start(nursery.loop, &stops[s]);
	}
	fill_places(&nursery);
	if (nursery.n_busy)
		ev_run(nursery.loop, 0);
	for (size_t s = 0; s < STOP_SIGNALS; s++)
		ev_signal_stop(nursery.loop, &stops[s]);
	free(nursery.places);
	return !nursery.interrupted;
}

void child_results_release(struct child_result *results, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		text_release(&results[i].output);
}

uint32_t host_processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : n > 1024 ? 1024 : (uint32_t)n;
}
