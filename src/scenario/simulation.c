#include "scenario/simulation.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "scenario/build.h"
#include "scenario/changes.h"
#include "scenario/circuits.h"
#include "scenario/energy.h"
#include "scenario/failures.h"
#include "scenario/loggops_run.h"
#include "scenario/physics.h"
#include "scenario/scenario.h"

/* CPU seconds of this process: reported beside the results, never part of them. */
static double cpu_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Ranks and their chips */

static int load_entries(struct simulation *simulation, int64_t *n_ranks, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	bool all = false;
	simulation->workloads = memory_zero(scenario->n_entries, sizeof(struct workload *));
	simulation->n_workloads = scenario->n_entries;
	*n_ranks = 0;
	for (uint32_t i = 0; i < scenario->n_entries; i++) {
		uint32_t needed;
		if (entry_load(scenario, &scenario->entries[i], &simulation->workloads[i], &needed, &simulation->assumed, err))
			return -1;
		all |= !needed;
		if (needed > simulation->fabric.n_npus && scenario->entries[i].ranks)
			return tree_fail(scenario->entries[i].ranks, err, "rank %u does not exist: '%s' has %u chips", needed - 1,
					 simulation->fabric.module->name, simulation->fabric.n_npus);
		if (needed > *n_ranks)
			*n_ranks = needed;
	}
	if (scenario->n_ranks && *n_ranks > scenario->n_ranks)
		return tree_fail(tree_get(scenario->root, "ranks"), err, "'ranks' is %lld, but the workload needs %lld",
				 (long long)scenario->n_ranks, (long long)*n_ranks);
	if (scenario->n_ranks)
		*n_ranks = scenario->n_ranks;
	else if (all && scenario->placement == PLACEMENT_LIST)
		*n_ranks = scenario->placement_list.n;
	else if (all)
		*n_ranks = simulation->fabric.n_npus;
	return 0;
}

static int place_by_list(struct simulation *simulation, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	const struct counts *list = &scenario->placement_list;
	bool *used = arena_array(&simulation->arena, simulation->fabric.n_npus, sizeof *used);
	if (list->n < simulation->n_ranks)
		return tree_fail(scenario->placement_node, err, "'placement' lists %u chips for %u ranks", list->n, simulation->n_ranks);
	for (uint32_t r = 0; r < simulation->n_ranks; r++) {
		const struct tree_node *item = scenario->placement_node->entries[r].value;
		if (list->values[r] >= simulation->fabric.n_npus)
			return tree_fail(item, err, "chip %lld does not exist ('%s' has %u, from 0)", (long long)list->values[r],
					 simulation->fabric.module->name, simulation->fabric.n_npus);
		if (used[list->values[r]])
			return tree_fail(item, err, "chip %lld is given to two ranks", (long long)list->values[r]);
		used[list->values[r]] = true;
		simulation->placement[r] = (uint32_t)list->values[r];
	}
	return 0;
}

static int place_ranks(struct simulation *simulation, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	uint32_t n_npus = simulation->fabric.n_npus, *chips = arena_array(&simulation->arena, n_npus, sizeof *chips);
	struct random_stream stream = random_stream((uint64_t)scenario->seed, "placement", 0);
	int64_t n_ranks;
	if (load_entries(simulation, &n_ranks, err))
		return -1;
	if (n_ranks > n_npus && scenario->n_ranks)
		return tree_fail(tree_get(scenario->root, "ranks"), err, "'ranks' is %lld, but '%s' has %u chips", (long long)n_ranks,
				 simulation->fabric.module->name, n_npus);
	if (n_ranks > n_npus)
		return error_at(err, scenario->topology.file, scenario->topology.line, scenario->topology.column,
				"%lld ranks, but '%s' has %u chips", (long long)n_ranks, simulation->fabric.module->name, n_npus);
	simulation->n_ranks = (uint32_t)n_ranks;
	simulation->placement = chips;
	if (scenario->placement == PLACEMENT_LIST)
		return place_by_list(simulation, err);
	for (uint32_t i = 0; i < n_npus; i++)
		chips[i] = i;
	for (uint32_t i = 0; scenario->placement == PLACEMENT_RANDOM && i + 1 < n_npus; i++) { /* Fisher-Yates */
		uint32_t j = i + (uint32_t)random_below(&stream, n_npus - i), chip = chips[i];
		chips[i] = chips[j];
		chips[j] = chip;
	}
	return 0;
}

/* What happens to links and chips, in this order: bit errors, circuits, the scenario's list, random failures. */
static void on_control(void *context)
{
	struct simulation *simulation = context;
	if (simulation->physics && simulation->physics->streams)
		physics_control(simulation->physics, simulation);
	if (simulation->circuits)
		circuits_control(simulation->circuits, simulation);
	if (simulation->changes)
		changes_control(simulation);
	if (simulation->failing)
		failures_control(simulation);
	if (simulation->power_states)
		power_states_control(simulation);
}

/* Building */

/* Whether messages have no route: their packets choose their way node by node. */
static bool chooses_as_it_goes(const struct scenario *scenario)
{
	return scenario->model == &network_packet && routes_hopwise(scenario->routing);
}

/* Whether messages may change their way while they are on it. */
static bool reroutes(const struct scenario *scenario)
{
	for (uint32_t i = 0; i < scenario->n_changes; i++)
		if (scenario->changes[i].detect_ps >= 0)
			return true;
	for (uint32_t i = 0; i < scenario->n_failures; i++)
		if (scenario->failures[i].detect_ps >= 0 || scenario->failures_forced)
			return true;
	return false;
}

/* Bytes on a link are more than the payload of its messages. */
static bool has_headers(const struct scenario *scenario)
{
	for (uint32_t i = 0; i < scenario->n_settings; i++)
		if (!strcmp(scenario->settings[i].name, "header"))
			return true;
	return false;
}

static int build_network(struct simulation *simulation, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	struct executor_setup executor = {.engine = &simulation->engine, .fabric = &simulation->fabric, .routes = &simulation->routes,
		.observers = &simulation->observers, .placement = simulation->placement, .n_ranks = simulation->n_ranks,
		.seed = (uint64_t)scenario->seed, .rendezvous_bytes = scenario->rendezvous_bytes};
	struct network_setup network = {.engine = &simulation->engine, .fabric = &simulation->fabric, .routes = &simulation->routes,
		.links = &simulation->links, .observers = &simulation->observers, .seed = (uint64_t)scenario->seed,
		.settings = scenario->settings, .n_settings = scenario->n_settings};
	simulation->executor = executor_new(&executor);
	network.client = executor_client(simulation->executor);
	power_states_client(simulation, &network.client);
	if (network_create(&simulation->network, scenario->model, &network, err))
		return -1;
	executor_attach(simulation->executor, simulation->network);
	return 0;
}

static int build_workloads(struct simulation *simulation, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	int *index = arena_array(&simulation->arena, scenario->n_entries, sizeof *index);
	bool *added = arena_array(&simulation->arena, scenario->n_entries, sizeof *added);
	simulation->workload_order = arena_array(&simulation->arena, scenario->n_entries, sizeof *simulation->workload_order);
	for (uint32_t i = 0; i < scenario->n_entries; i++) {
		struct workload *loaded = simulation->workloads[i];
		simulation->workloads[i] = NULL; /* entry_build takes it over */
		simulation->workloads[i] = entry_build(scenario, &scenario->entries[i], loaded, simulation->n_ranks, err);
		if (!simulation->workloads[i])
			return -1;
		if (scenario->protocol && !simulation->workloads[i]->protocol)
			simulation->workloads[i]->protocol = scenario->protocol;
		if (scenario->algorithm && (!simulation->workloads[i]->algorithm || !strcmp(simulation->workloads[i]->algorithm, "auto")))
			simulation->workloads[i]->algorithm = scenario->algorithm;
	}
	/* An entry may come after one that the file names later: the executor wants that one first. */
	for (uint32_t n = 0; n < scenario->n_entries;) {
		for (uint32_t i = 0; i < scenario->n_entries; i++) {
			int after = scenario->entries[i].after_index;
			if (added[i] || (after >= 0 && !added[after]))
				continue;
			index[i] = executor_add(simulation->executor, simulation->workloads[i], 0, after < 0 ? -1 : index[after], err);
			if (index[i] < 0)
				return tree_fail(scenario->entries[i].node, err, "cannot be added");
			added[i] = true;
			simulation->workload_order[n++] = i;
		}
	}
	return 0;
}

/* Power states are about joules. */
static bool asks_energy(const struct scenario *scenario) { return scenario->energy_node || scenario->power_node; }

static int build_physics(struct simulation *simulation, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	struct physics *physics;
	if (!scenario->physics_node && !scenario->energy_node && !scenario->power_node) {
		energy_prepare(simulation);
		return 0;
	}
	physics = memory_zero(1, sizeof *physics);
	if (physics_init(physics, scenario, &simulation->fabric, err)) {
		free(physics);
		return -1;
	}
	physics->asked = true;
	simulation->physics = physics;
	if (scenario->physics.latency) /* before anything reads it */
		physics_add_latency(physics, &simulation->fabric);
	return asks_energy(scenario) ? energy_check(simulation, err) : 0;
}

static int start_physics(struct simulation *simulation, struct error *err)
{
	if (!simulation->physics || !simulation->physics->asked)
		return 0;
	if (physics_start(simulation->physics, simulation, err))
		return -1;
	if (simulation->physics->streams) /* without a control phase models count on links as they are */
		engine_register_phase(&simulation->engine, ENGINE_PHASE_CONTROL, on_control, simulation);
	return 0;
}

static int start_circuits(struct simulation *simulation, struct error *err)
{
	if (simulation->scenario->circuits_node)
		engine_register_phase(&simulation->engine, ENGINE_PHASE_CONTROL, on_control, simulation);
	return circuits_start(simulation, err);
}

static int start_power_states(struct simulation *simulation, struct error *err)
{
	if (!simulation->power_states)
		return 0;
	engine_register_phase(&simulation->engine, ENGINE_PHASE_CONTROL, on_control, simulation);
	return power_states_start(simulation, err);
}

static int start_changes(struct simulation *simulation, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	if (!scenario->n_changes && !scenario->n_failures)
		return 0;
	engine_register_phase(&simulation->engine, ENGINE_PHASE_CONTROL, on_control, simulation);
	return (scenario->n_changes && changes_start(simulation, err)) || (scenario->n_failures && failures_start(simulation, err)) ? -1 : 0;
}

static int build(struct simulation *simulation, struct error *err)
{
	const struct scenario *scenario = simulation->scenario;
	struct observer totals;
	if (fabric_build(&simulation->fabric, &scenario->topology, err) || components_add(simulation, err) || build_physics(simulation, err) ||
	    components_check(simulation, err))
		return -1;
	routes_init(&simulation->routes, &simulation->fabric, scenario->routing, (uint64_t)scenario->seed);
	simulation->routes.spread = scenario->model == &network_fluid;
	links_init(&simulation->links, &simulation->fabric);
	engine_init(&simulation->engine);
	totals_init(&simulation->totals, &simulation->routes, simulation->fabric.n_links,
	            reroutes(scenario) || has_headers(scenario) || scenario->model->own_ways || chooses_as_it_goes(scenario));
	totals = totals_observer(&simulation->totals);
	observers_add(&simulation->observers, &totals, false);
	if (place_ranks(simulation, err) || build_network(simulation, err) || build_workloads(simulation, err) ||
	    start_changes(simulation, err) || loggops_build(simulation, err) || start_physics(simulation, err) ||
	    start_circuits(simulation, err) || start_power_states(simulation, err))
		return -1;
	if (!simulation->loggops)
		executor_start(simulation->executor);
	return 0;
}

static int init(struct simulation *simulation, const struct scenario *scenario, bool plain, struct error *err)
{
	double start = cpu_s();
	memset(simulation, 0, sizeof *simulation);
	simulation->scenario = scenario;
	simulation->plain = plain;
	if (build(simulation, err)) {
		simulation_release(simulation);
		return -1;
	}
	simulation->build_cpu_s = cpu_s() - start;
	return 0;
}

int simulation_init(struct simulation *simulation, const struct scenario *scenario, struct error *err)
{
	return init(simulation, scenario, false, err);
}

void simulation_release(struct simulation *simulation)
{
	if (simulation->reference)
		simulation_release(simulation->reference);
	free(simulation->reference);
	power_states_release(simulation);
	if (simulation->circuits)
		circuits_release(simulation->circuits);
	loggops_free(simulation->loggops);
	if (simulation->executor)
		executor_free(simulation->executor);
	if (simulation->network)
		network_destroy(simulation->network);
	for (uint32_t i = 0; i < simulation->n_workloads; i++)
		workload_delete(simulation->workloads[i]);
	free(simulation->workloads);
	totals_release(&simulation->totals);
	text_release(&simulation->assumed);
	if (simulation->engine.queue)
		engine_release(&simulation->engine);
	if (simulation->links.fabric)
		links_release(&simulation->links);
	if (simulation->routes.fabric)
		routes_release(&simulation->routes);
	if (simulation->fabric.n_nodes)
		fabric_release(&simulation->fabric);
	free(simulation->ranks);
	if (simulation->energy)
		energy_release(simulation->energy);
	if (simulation->physics)
		physics_release(simulation->physics);
	failures_release(simulation);
	free(simulation->energy);
	free(simulation->physics);
	arena_release(&simulation->arena);
	memset(simulation, 0, sizeof *simulation);
}

/* Running */

/* The same scenario without its power states comes after it. */
static bool step_reference(struct simulation *simulation, uint64_t budget)
{
	const struct scenario *scenario = simulation->scenario;
	struct error err = {0};
	if (!simulation->power_states || !scenario->power.compare || !executor_finished(simulation->executor))
		return true;
	if (!simulation->reference) {
		simulation->reference = memory_zero(1, sizeof *simulation->reference);
		if (init(simulation->reference, scenario, true, &err)) { /* it could not be built although this one could: no memory */
			free(simulation->reference);
			simulation->reference = NULL;
			return true;
		}
	}
	return simulation_step(simulation->reference, budget);
}

bool simulation_step(struct simulation *simulation, uint64_t budget)
{
	double start = cpu_s();
	if (simulation->ran)
		return step_reference(simulation, budget);
	bool done = simulation->loggops ? loggops_step(simulation->loggops, budget)
					: engine_run(&simulation->engine, budget) != ENGINE_SLICED;
	simulation->simulate_cpu_s += cpu_s() - start;
	simulation->ran = done;
	return done && step_reference(simulation, budget);
}

static int64_t now_ps(const struct simulation *simulation)
{
	return simulation->loggops ? loggops_now_ps(simulation->loggops) : simulation->engine.now_ps;
}

/* The network cannot go on: who waits because of that. */
static void judge_network(struct simulation *simulation)
{
	const struct error *error = &simulation->network->error;
	struct text waiting = TEXT_INIT;
	if (error->code == ERROR_SIMULATION && !simulation->loggops)
		executor_describe_waiting(simulation->executor, &waiting);
	if (waiting.length)
		error_set(&simulation->error, error->code, "%s; %s", error->message, text_string(&waiting));
	else
		simulation->error = *error;
	text_release(&waiting);
}

/* Who waits, and which failures are behind it. */
static void judge_stuck(struct simulation *simulation)
{
	struct text why = TEXT_INIT;
	struct error stuck = {0};
	if (simulation->failing)
		failures_describe(simulation, &why);
	executor_explain_stuck(simulation->executor, &stuck);
	if (why.length)
		error_set(&simulation->error, stuck.code, "%s; %s", text_string(&why), stuck.message);
	else
		simulation->error = stuck;
	text_release(&why);
}

/* Why it is not complete, if it is not. */
static void judge(struct simulation *simulation, bool interrupted)
{
	const struct error *failed = executor_error(simulation->executor);
	simulation->status = "incomplete";
	if (interrupted && !simulation->reference) { /* else it is over, and only what to compare it with is not */
		simulation->status = "interrupted";
		error_set(&simulation->error, ERROR_INTERRUPTED, "interrupted at %lld ps of simulated time", (long long)now_ps(simulation));
	} else if (simulation->network->error.code) {
		judge_network(simulation);
	} else if (failed && failed->code) {
		simulation->error = *failed;
	} else if (simulation->engine.overflowed) {
		error_set(&simulation->error, ERROR_SIMULATION, "the simulated time exceeds 106 days, the limit of 64-bit picoseconds");
	} else if (simulation->loggops) {
		if (!loggops_finish(simulation->loggops, &simulation->error))
			simulation->status = "complete";
	} else if (!executor_finished(simulation->executor)) {
		judge_stuck(simulation);
		error_set(&simulation->error, ERROR_SIMULATION, "the run stopped before its end");
	} else {
		simulation->status = "complete";
	}
}

static void collect(struct simulation *simulation)
{
	const struct totals *totals = &simulation->totals;
	struct network_counters counters = {0};
	simulation->network->model->counters(simulation->network, &counters);
	simulation->n_messages = totals->n_messages;
	simulation->message_bytes = totals->message_bytes;
	simulation->packet_hops = counters.packet_hops;
	simulation->counters = counters;
	simulation->n_events = simulation->loggops ? loggops_n_events(simulation->loggops) : simulation->engine.n_events;
	simulation->link_bytes = totals->link_bytes;
	simulation->end_ps = totals->last_delivery_ps;
	simulation->ranks = memory_zero(simulation->n_ranks, sizeof *simulation->ranks);
	for (uint32_t r = 0; r < simulation->n_ranks; r++) {
		if (simulation->loggops)
			loggops_rank_result(simulation->loggops, r, &simulation->ranks[r]);
		else
			executor_rank_result(simulation->executor, r, &simulation->ranks[r]);
		if (simulation->ranks[r].end_ps > simulation->end_ps)
			simulation->end_ps = simulation->ranks[r].end_ps;
	}
	simulation->n_collectives = totals->n_collectives;
}

struct collective_result simulation_collective(const struct simulation *simulation, uint32_t i)
{
	struct collective_result result = {.record = simulation->totals.collectives[i]};
	result.time_ps = result.record.end_ps - result.record.start_ps;
	if (result.time_ps > 0)
		result.algbw_bytes_per_s = (double)result.record.bytes / ((double)result.time_ps * 1e-12);
	result.busbw_bytes_per_s = result.algbw_bytes_per_s *
		collective_bus_factor((enum collective_kind)result.record.kind, result.record.n_ranks);
	return result;
}

/* Over what the run means, in an order of its own: status, ranks, messages, collectives, links. */
static void make_digest(struct simulation *simulation)
{
	const struct totals *totals = &simulation->totals;
	struct digest digest;
	digest_init(&digest);
	digest_text(&digest, simulation->status);
	digest_i64(&digest, simulation->end_ps);
	for (uint32_t r = 0; r < simulation->n_ranks; r++) {
		digest_u64(&digest, simulation->ranks[r].npu);
		digest_i64(&digest, simulation->ranks[r].end_ps);
		for (int c = 0; c < RANK_CLASSES; c++)
			digest_i64(&digest, simulation->ranks[r].class_ps[c]);
	}
	digest_u64(&digest, totals->n_messages);
	digest_u64(&digest, totals->n_undelivered);
	digest_i64(&digest, totals->message_bytes);
	digest_u64(&digest, totals->hash_a);
	digest_u64(&digest, totals->hash_b);
	for (uint32_t i = 0; i < totals->n_collectives; i++) {
		const struct collective_record *record = &totals->collectives[i];
		digest_u64(&digest, record->kind);
		digest_text(&digest, record->algorithm ? record->algorithm : "");
		digest_text(&digest, record->protocol ? record->protocol : "");
		digest_u64(&digest, record->n_ranks);
		digest_i64(&digest, record->bytes);
		digest_i64(&digest, record->start_ps);
		digest_i64(&digest, record->end_ps);
	}
	for (uint32_t link = 0; link < totals->n_links; link++)
		digest_i64(&digest, totals->link_bytes[link]);
	for (uint32_t link = 0; simulation->physics && simulation->physics->asked && link < totals->n_links; link++)
		digest_i64(&digest, simulation->physics->replays[link]);
	if (simulation->energy) /* what was asked for */
		digest_i64(&digest, simulation->energy->total_pj);
	digest_hex(&digest, simulation->digest);
}

int simulation_finish(struct simulation *simulation, bool interrupted)
{
	judge(simulation, interrupted);
	if (simulation->error.code)
		simulation->network->model->cut(simulation->network);
	failures_finish(simulation);
	totals_finish(&simulation->totals);
	collect(simulation);
	if (simulation->circuits)
		simulation->circuits_totals = circuits_finish(simulation->circuits);
	if (simulation->physics)
		physics_finish(simulation->physics, simulation);
	if (simulation->power_states)
		power_states_finish(simulation);
	if (asks_energy(simulation->scenario)) {
		simulation->energy = memory_zero(1, sizeof *simulation->energy);
		energy_account(simulation->energy, simulation, &simulation->error);
	}
	make_digest(simulation);
	if (simulation->reference && !interrupted && !simulation_finish(simulation->reference, false))
		power_states_compare(simulation, simulation->reference);
	energy_default(simulation); /* a reading of the same results: no part of the digest */
	return simulation->error.code ? 1 : 0;
}

int simulation_run(struct simulation *simulation)
{
	while (!simulation_step(simulation, UINT64_C(1) << 20))
		;
	return simulation_finish(simulation, false);
}
