/* Collectives ask for states of the circuit switches before they begin (controller `request`).
 *
 * A request is asked when all ranks of its collective are there. It is served at once when the switches have its state, or when moving would
 * not pay: the collective then runs on what there is. Else it waits, first come first served, until no other collective that asked is
 * running, and the switches move. Moving pays when
 *
 *     V > delta / (1/b0 - 1/b1)      (links.md §4: break-even of a one-off reconfiguration)
 *
 * with V the bytes of the chip that sends most, delta the time for which it would wait, and b0 and b1 the rates V / T that it has now
 * and would have then: T is the time of the circuit that is busiest, for the bytes that the collective's schedule puts on it. A schedule
 * with a circuit that is missing never ends: T is infinite and its rate 0. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "base/tree.h"
#include "engine/engine.h"
#include "link/power.h"
#include "network/network.h"
#include "scenario/circuits_internal.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"
#include "workload/executor.h"

static void on_asked(void *context, uint32_t id, int32_t collective, const char *name)
{
	struct circuits *circuits = context;
	uint32_t state = 0;
	while (strcmp(circuits->setup->states[state].name, name)) /* names were checked */
		state++;
	ARRAY_RESERVE(circuits->requests, circuits->n_requests + 1u, circuits->requests_capacity);
	circuits->requests[circuits->n_requests++] = (struct circuit_request){.id = id, .state = state,
		.record = {.collective = collective, .state = circuits->setup->states[state].name,
			.asked_ps = circuits->simulation->engine.now_ps, .decided_ps = TIME_NEVER, .begun_ps = TIME_NEVER}};
	engine_request(&circuits->simulation->engine, ENGINE_PHASE_CONTROL);
}

static void on_over(void *context, uint32_t id)
{
	struct circuits *circuits = context;
	for (uint32_t i = circuits->first_open; i < circuits->n_requests; i++)
		if (circuits->requests[i].id == id && circuits->requests[i].progress == REQUEST_BEGUN)
			circuits->requests[i].progress = REQUEST_OVER;
	while (circuits->first_open < circuits->n_requests && circuits->requests[circuits->first_open].progress == REQUEST_OVER)
		circuits->first_open++;
	engine_request(&circuits->simulation->engine, ENGINE_PHASE_CONTROL);
}

const char *circuit_decision(const struct circuit_request_record *request)
{
	if (request->decided_ps == TIME_NEVER)
		return "waits";
	return request->had ? "has" : request->moved ? "moved" : "stayed";
}

/* ---- what it would gain -------------------------------------------------------------------------------------------------- */

static void add_demand(void *context, uint32_t source, uint32_t target, int64_t bytes)
{
	struct circuits *circuits = context;
	if (source != target)
		circuits->demand[(size_t)source * circuits->n + target] += bytes;
}

/* Seconds that the busiest circuit takes with n_lit[pair] ports on each; infinite: one is missing. */
static double busiest_s(const struct circuits *circuits, const uint32_t *n_lit)
{
	double most = 0;
	for (size_t i = 0; i < (size_t)circuits->n * circuits->n; i++)
		if (circuits->demand[i])
			most = fmax(most, n_lit[i] ? (double)circuits->demand[i] / ((double)circuits->port_bytes_per_s * n_lit[i]) : INFINITY);
	return most;
}

static void count_state(const struct circuits *circuits, uint32_t state, uint32_t *n_lit)
{
	const struct circuits_state *of = &circuits->setup->states[state];
	memset(n_lit, 0, (size_t)circuits->n * circuits->n * sizeof *n_lit);
	for (uint32_t k = 0; k < of->n_pairs; k++)
		n_lit[of->pairs[k].source * circuits->n + of->pairs[k].target]++;
}

static int64_t busiest_chip(const struct circuits *circuits)
{
	int64_t most = 0;
	for (uint32_t i = 0; i < circuits->n; i++) {
		int64_t sum = 0;
		for (uint32_t j = 0; j < circuits->n; j++)
			sum += circuits->demand[(size_t)i * circuits->n + j];
		most = sum > most ? sum : most;
	}
	return most;
}

/* Fills what the record says of gain and cost; true: it pays. */
static bool pays(struct circuits *circuits, struct circuit_request *request)
{
	struct circuit_request_record *record = &request->record;
	uint32_t *n_lit = memory_zero((size_t)circuits->n * circuits->n, sizeof *n_lit);
	memset(circuits->demand, 0, (size_t)circuits->n * circuits->n * sizeof *circuits->demand);
	executor_circuits_demand(circuits->simulation->executor, request->id, add_demand, circuits);
	count_state(circuits, circuits->state, n_lit);
	double before_s = busiest_s(circuits, n_lit);
	count_state(circuits, request->state, n_lit);
	double after_s = busiest_s(circuits, n_lit);
	free(n_lit);
	record->bytes = busiest_chip(circuits);
	record->delay_ps = circuits->guard_ps;
	record->before_bytes_per_s = before_s > 0 ? (double)record->bytes / before_s : 0;
	record->after_bytes_per_s = after_s > 0 ? (double)record->bytes / after_s : 0;
	bool gains = record->after_bytes_per_s > record->before_bytes_per_s;
	record->break_even_bytes = !gains ? INFINITY : record->before_bytes_per_s > 0 ?
		circuit_break_even_bytes((double)record->delay_ps * 1e-12, record->before_bytes_per_s, record->after_bytes_per_s) : 0;
	switch (circuits->setup->decide) {
	case CIRCUITS_ALWAYS: return true;
	case CIRCUITS_NEVER: return false;
	default: return (double)record->bytes > record->break_even_bytes;
	}
}

/* ---- serving ------------------------------------------------------------------------------------------------------------- */

static void begin(struct circuits *circuits, struct circuit_request *request)
{
	request->progress = REQUEST_BEGUN;
	request->record.begun_ps = circuits->simulation->engine.now_ps;
	executor_circuits_go(circuits->simulation->executor, request->id);
}

static bool others_run(const struct circuits *circuits)
{
	for (uint32_t i = circuits->first_open; i < circuits->n_requests; i++)
		if (circuits->requests[i].progress == REQUEST_DECIDED || circuits->requests[i].progress == REQUEST_BEGUN)
			return true;
	return false;
}

/* False: it has to wait, and all behind it. */
static bool decide(struct circuits *circuits, struct circuit_request *request)
{
	bool has = request->state == circuits->state, moves = pays(circuits, request) && !has;
	if (moves && (circuits->moving || others_run(circuits)))
		return false;
	request->progress = REQUEST_DECIDED;
	request->record.decided_ps = circuits->simulation->engine.now_ps;
	request->record.had = has;
	request->record.moved = moves;
	if (!moves)
		return true;
	const struct circuits_state *state = &circuits->setup->states[request->state];
	circuits->state = request->state;
	circuits_arrange(circuits, state->pairs, state->n_pairs);
	circuits_move(circuits, false);
	return true;
}

void circuits_serve(struct circuits *circuits)
{
	for (uint32_t i = circuits->first_open; i < circuits->n_requests; i++)
		if (circuits->requests[i].progress == REQUEST_ASKED && !decide(circuits, &circuits->requests[i]))
			break;
	for (uint32_t i = circuits->first_open; i < circuits->n_requests && !circuits->moving; i++)
		if (circuits->requests[i].progress == REQUEST_DECIDED)
			begin(circuits, &circuits->requests[i]);
}

void circuits_requests_finish(struct circuits *circuits)
{
	circuits->totals.requests = arena_array(&circuits->simulation->arena, (size_t)circuits->n_requests + 1, sizeof *circuits->totals.requests);
	circuits->totals.n_requests = circuits->n_requests;
	for (uint32_t i = 0; i < circuits->n_requests; i++) {
		circuits->totals.requests[i] = circuits->requests[i].record;
		OBSERVE(&circuits->simulation->observers, circuit_request, &circuits->requests[i].record);
	}
}

/* ---- starting ------------------------------------------------------------------------------------------------------------ */

static int find_state(const struct circuits *circuits, const char *name, const struct tree_node *where, uint32_t *state, struct error *err)
{
	const struct scenario_circuits *setup = circuits->setup;
	const char **names = memory_alloc((setup->n_states + 1u) * sizeof *names);
	char known[512];
	uint32_t s = 0;
	for (; s < setup->n_states; s++)
		names[s] = setup->states[s].name;
	for (s = 0; s < setup->n_states && strcmp(names[s], name);)
		s++;
	*state = s;
	int status = s < setup->n_states ? 0 : tree_fail(where, err, "unknown state '%s' of the circuit switches%s", name,
							 text_known(known, sizeof known, name, names, setup->n_states));
	free(names);
	return status;
}

int circuits_check_calls(const struct simulation *simulation, const struct circuits *circuits, struct error *err)
{
	bool served = circuits && circuits->setup->controller == CIRCUITS_REQUEST;
	for (uint32_t w = 0; w < simulation->n_workloads; w++)
		for (uint32_t p = 0; p < simulation->workloads[w]->n_programs; p++) {
			const struct program *program = &simulation->workloads[w]->programs[p];
			const struct tree_node *node = simulation->scenario->entries[w].node;
			for (uint32_t c = 0, state; c < program->n_calls; c++) {
				if (program->calls[c].circuits && !served)
					return tree_fail(node, err, "a collective asks for circuits '%s', but no controller 'request' serves it (section circuits)",
							 program->calls[c].circuits);
				if (program->calls[c].circuits && find_state(circuits, program->calls[c].circuits, node, &state, err))
					return -1;
			}
		}
	return 0;
}

int circuits_start_requests(struct circuits *circuits, struct error *err)
{
	const struct scenario_circuits *setup = circuits->setup;
	const struct tree_node *node = circuits->simulation->scenario->circuits_node;
	struct executor_circuits hooks = {.context = circuits, .asked = on_asked, .over = on_over};
	if (setup->controller != CIRCUITS_REQUEST)
		return 0;
	if (setup->initial && find_state(circuits, setup->initial, tree_get(node, "initial"), &circuits->state, err))
		return -1;
	executor_set_circuits(circuits->simulation->executor, &hooks);
	return 0;
}
