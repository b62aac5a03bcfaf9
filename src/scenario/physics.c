#include "scenario/physics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "network/network.h"
#include "scenario/scenario.h"
#include "scenario/simulation.h"

/* Stalls that would take more of a link's time than this become goodput. */
#define STALLED_SHARE_DRAWN 0.01
/* A link that loses more codewords than this never comes up. */
#define NEVER_TRAINS 0.5

/* The catalogue and the kinds of this fabric. */

static int read_catalogue(struct physics *physics, const struct scenario *scenario, struct error *err)
{
	const struct tree_node *node = scenario->physics.catalogue;
	struct section_reader reader = {&physics->catalogue.arena, scenario->directory, err};
	if (catalogue_init(&physics->catalogue, err))
		return -1;
	if (!node)
		return 0;
	if (node->kind == TREE_SCALAR)
		return catalogue_add_file(&physics->catalogue, section_path(&reader, node->text), err);
	return catalogue_add_tree(&physics->catalogue, node, err) || catalogue_check(&physics->catalogue, err) ? -1 : 0;
}

static const struct link_kind *find_kind(const struct physics *physics, const struct scenario *scenario, const char *name,
                                         struct error *err)
{
	const struct tree_node *mapped = tree_get(scenario->physics.kinds, name);
	struct error local = {0};
	const struct link_kind *kind = catalogue_link(&physics->catalogue, mapped ? mapped->text : name, &local);
	if (!kind && mapped)
		tree_fail(mapped, err, "%s", local.message);
	else if (!kind)
		error_at(err, scenario->topology.file, scenario->topology.line, scenario->topology.column, "%s", local.message);
	else if (kind->abstract)
		error_at(err, scenario->topology.file, scenario->topology.line, scenario->topology.column,
			 "link kind '%s' is only for others to build on", kind->name);
	return kind && !kind->abstract ? kind : NULL;
}

/* Chips, switches and the rest: ranges drawn evenly, once per kind. */
static void draw_components(struct physics *physics, const struct scenario *scenario)
{
	for (size_t i = 0; i < physics->catalogue.n_components; i++) {
		struct random_stream stream = random_stream((uint64_t)scenario->seed, "component.ranges", i);
		for (int f = 0; f < COMPONENT_FIGURES; f++) {
			struct figure *figure = &physics->catalogue.components[i].figures[f];
			figure->typical = figure->low + (figure->high - figure->low) * random_uniform(&stream);
		}
	}
}

/* What a circuit switch takes out of its circuits' light stands for what their kind says of switches on the way. */
static void insert_switches(struct physics *physics, const struct fabric *fabric)
{
	for (uint32_t c = fabric->n_components; c-- > 0;) {
		const struct component_kind *component = catalogue_component(&physics->catalogue, fabric->component_kind[c], NULL);
		const struct figure *loss = component ? &component->figures[COMPONENT_INSERTION_LOSS] : NULL;
		if (component && component->category == COMPONENT_CIRCUIT_SWITCH && loss->known && fabric->carried_first[c] < fabric->carried_first[c + 1])
			physics->kinds[fabric->link_kind[fabric->carried[fabric->carried_first[c]]]].figures[FIGURE_SWITCH_LOSS] = *loss;
	}
}

static int map_kinds(struct physics *physics, const struct scenario *scenario, const struct fabric *fabric, struct error *err)
{
	const struct tree_node *map = scenario->physics.kinds;
	if (scenario->physics.ranges)
		draw_components(physics, scenario);
	physics->kinds = memory_zero((size_t)fabric->n_kinds + 1, sizeof *physics->kinds);
	for (uint32_t k = 0; k < fabric->n_kinds; k++) {
		const struct link_kind *kind = find_kind(physics, scenario, fabric->kind_names[k], err);
		if (!kind)
			return -1;
		physics->kinds[k] = *kind;
		if (scenario->physics.ranges) {
			struct random_stream stream = random_stream((uint64_t)scenario->seed, "link.ranges", k);
			physics->kinds[k] = link_kind_sample(kind, &stream);
		}
	}
	insert_switches(physics, fabric);
	for (uint32_t i = 0; map && i < map->n_entries; i++) {
		char known[512];
		uint32_t k = 0;
		while (k < fabric->n_kinds && strcmp(fabric->kind_names[k], map->entries[i].key))
			k++;
		if (k == fabric->n_kinds)
			return error_at(
				err, map->file, map->entries[i].line, map->entries[i].column,
				"no link of '%s' is of kind '%s'%s", fabric->module->name, map->entries[i].key,
				text_known(known, sizeof known, map->entries[i].key, fabric->kind_names, fabric->n_kinds));
	}
	return 0;
}

/* Classes */

static uint32_t cables_for(const struct link_kind *kind, int64_t bytes_per_s)
{
	double one = kind_value(kind, FIGURE_RATE) / fmax(kind_value(kind, FIGURE_LINKS_PER_CABLE), 1);
	return one > 0 ? (uint32_t)fmax(ceil((double)bytes_per_s / one * (1 - 1e-9)), 1) : 1;
}

static int find_class(struct physics *physics, const struct fabric *fabric, uint32_t link, uint32_t *found, struct error *err)
{
	uint32_t kind = fabric->link_kind[link], c = 0;
	double length = fabric->link_length_m[link] > 0 ? (double)fabric->link_length_m[link]
	                                                : kind_value(&physics->kinds[kind], FIGURE_LENGTH);
	uint32_t cables = cables_for(&physics->kinds[kind], fabric->link_bandwidth[link]);
	char name[256];
	while (c < physics->n_classes && (physics->classes[c].kind != kind || physics->classes[c].length_m != length ||
	                                  physics->classes[c].n_cables != cables))
		c++;
	if (c == physics->n_classes) {
		struct link_class *class;
		ARRAY_RESERVE(physics->classes, (size_t)c + 1, physics->classes_capacity);
		class = &physics->classes[physics->n_classes++];
		*class = (struct link_class){.kind = kind, .length_m = length, .n_cables = cables};
		if (link_chain_evaluate(&physics->kinds[kind], length, NULL, &class->chain, err))
			return error_prefix(err, "link '%s'", fabric_link_name(fabric, link, name, sizeof name));
	}
	physics->classes[c].n_links++;
	*found = c;
	return 0;
}

/* What the user puts on links: [{link: PATTERN, loss: 3 dB}]. */
static int read_added(const struct scenario *scenario, const struct fabric *fabric, double *added, struct error *err)
{
	const struct tree_node *list = scenario->physics.loss;
	char name[256];
	if (list && list->kind != TREE_LIST)
		return tree_fail(list, err, "'loss' must be a list such as [{link: 'npu0->*', add: 3 dB}]");
	for (uint32_t i = 0; list && i < list->n_entries; i++) {
		const struct tree_node *item = list->entries[i].value, *pattern = tree_get(item, "link"),
				       *loss = tree_get(item, "add");
		struct error local = {0};
		double db;
		uint32_t n = 0;
		if (!pattern || !loss || item->n_entries != 2)
			return tree_fail(item, err, "an added loss is {link: PATTERN, add: LOSS}");
		if (units_parse(loss->text, QUANTITY_LOSS, &db, &local))
			return tree_fail(loss, err, "%s", local.message);
		if (db < 0)
			return tree_fail(loss, err, "an added loss of %g dB is negative: nothing on a link gains power", db);
		for (uint32_t link = 0; link < fabric->n_links; link++)
			if (text_matches(pattern->text, fabric_link_name(fabric, link, name, sizeof name)))
				added[link] += db, n++;
		if (!n)
			return tree_fail(pattern, err, "no link of '%s' has a name like '%s'", fabric->module->name,
			                 pattern->text);
	}
	return 0;
}

/* `sharing`: how many circuits share the modules of this one. */
static void set_energy(struct physics *physics, uint32_t link, const struct link_kind *kind, const struct link_class *class, uint32_t sharing)
{
	double directions = 2 * fmax(kind_value(kind, FIGURE_LINKS_PER_CABLE), 1) * sharing;
	physics->figures.static_uw[link] = (int64_t)llround(class->chain.static_w * class->n_cables / directions * 1e6);
	physics->figures.fj_per_byte[link] = (int64_t)llround(class->chain.bit_energy_pj * 8 * 1e3);
}

static void set_errors(struct physics *physics, const struct scenario *scenario, uint32_t link, const struct link_kind *kind,
                       const struct link_chain *chain)
{
	const struct retry_parameters *retry = retry_parameters(kind->retry);
	if (!(chain->codeword_error_ratio > 0) || !(chain->codeword_payload_bytes > 0))
		return;
	physics->errors_per_byte[link] = chain->codeword_error_ratio / chain->codeword_payload_bytes;
	if (kind->retry == RETRY_NONE) {
		physics->stall_ps[link] = scenario->physics.recovery_ps;
		physics->figures.replay_bytes[link] = (int64_t)chain->codeword_payload_bytes;
		return;
	}
	physics->stall_ps[link] = (int64_t)ceil(chain->round_trip_ns * 1e3);
	physics->figures.replay_bytes[link] =
		(int64_t)(fmin(chain->window_units, retry->window_units ? retry->window_units : chain->window_units) *
	                  retry->unit_bytes);
}

static int set_link(struct physics *physics, const struct scenario *scenario, const struct fabric *fabric, uint32_t link,
                    double added, struct error *err)
{
	const struct link_class *class = &physics->classes[physics->link_class[link]];
	const struct link_kind *kind = &physics->kinds[class->kind];
	struct random_stream stream = random_stream((uint64_t)scenario->seed, "link.terms", link);
	struct link_draws draws = {0};
	struct link_chain chain = class->chain;
	struct link_figures *figures = &physics->figures;
	char name[256];
	if (scenario->physics.draws)
		draws = link_draw(kind, &stream);
	draws.added_db += added;
	if (link_draws_db(&draws) != 0)
		link_chain_redraw(kind, &draws, &chain);
	figures->received_dbm[link] = chain.optical ? chain.received_dbm : NAN;
	figures->loss_db[link] = chain.loss_db;
	figures->added_db[link] = link_draws_db(&draws);
	figures->margin_db[link] = chain.margin_db;
	figures->ber[link] = chain.ber;
	figures->codeword_error_ratio[link] = chain.codeword_error_ratio;
	set_energy(physics, link, kind, class, fabric_circuits_sharing(fabric, link));
	set_errors(physics, scenario, link, kind, &chain);
	if (chain.margin_db >= 0 || !scenario->physics_node || scenario->physics.budget == PHYSICS_BUDGET_IGNORE)
		return 0;
	err = scenario->physics.budget == PHYSICS_BUDGET_WARN ? &physics->warning : err;
	if (physics->n_open++ == 0 && link_chain_close(kind, &chain, err))
		error_prefix(err, "link '%s'", fabric_link_name(fabric, link, name, sizeof name));
	return scenario->physics.budget == PHYSICS_BUDGET_WARN ? 0 : -1;
}

int physics_init(struct physics *physics, const struct scenario *scenario, const struct fabric *fabric, struct error *err)
{
	uint32_t n = fabric->n_links;
	double *added = memory_zero((size_t)n + 1, sizeof *added);
	int result = -1;
	memset(physics, 0, sizeof *physics);
	link_figures_init(&physics->figures, n);
	physics->link_class = memory_zero((size_t)n + 1, sizeof *physics->link_class);
	physics->errors_per_byte = memory_zero((size_t)n + 1, sizeof *physics->errors_per_byte);
	physics->stall_ps = memory_zero((size_t)n + 1, sizeof *physics->stall_ps);
	physics->replays = memory_zero((size_t)n + 1, sizeof *physics->replays);
	physics->bytes = memory_zero((size_t)n + 1, sizeof *physics->bytes);
	physics->errors = scenario->physics_node && scenario->physics.errors;
	if (read_catalogue(physics, scenario, err) || map_kinds(physics, scenario, fabric, err) ||
	    read_added(scenario, fabric, added, err))
		goto cleanup;
	for (uint32_t link = 0; link < n; link++)
		if (find_class(physics, fabric, link, &physics->link_class[link], err))
			goto cleanup;
	for (uint32_t link = 0; link < n; link++)
		if (set_link(physics, scenario, fabric, link, added[link], err))
			goto cleanup;
	result = 0;
cleanup:
	free(added);
	if (result)
		physics_release(physics);
	return result;
}

void physics_add_latency(const struct physics *physics, struct fabric *fabric)
{
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		double ns = physics->classes[physics->link_class[link]].chain.latency_ns;
		fabric->link_latency_ps[link] = time_add(fabric->link_latency_ps[link], (int64_t)llround(ns * (double)PS_PER_NS));
	}
}

void physics_release(struct physics *physics)
{
	catalogue_release(&physics->catalogue);
	free(physics->kinds);
	free(physics->classes);
	free(physics->link_class);
	link_figures_release(&physics->figures);
	free(physics->errors_per_byte);
	free(physics->stall_ps);
	free(physics->replays);
	free(physics->bytes);
	free(physics->streams);
	free(physics->drawn);
	free(physics->rate_before);
	free(physics->candidate_ps);
	free(physics->dirt_db);
	free(physics->bytes_before);
	free(physics->replays_before);
	if (physics->due.words)
		bitset_release(&physics->due);
	if (physics->over.words)
		bitset_release(&physics->over);
	memset(physics, 0, sizeof *physics);
}

/* Errors while the run goes on */

static void on_error_due(void *context, uint32_t link)
{
	struct simulation *simulation = context;
	simulation->engine.n_background--;
	if (simulation->physics->candidate_ps[link] != simulation->engine.now_ps)
		return; /* the link's errors have changed since */
	bitset_add(&simulation->physics->due, link);
	engine_request(&simulation->engine, ENGINE_PHASE_CONTROL);
}

static void on_stall_over(void *context, uint32_t link)
{
	struct simulation *simulation = context;
	bitset_add(&simulation->physics->over, link);
	engine_request(&simulation->engine, ENGINE_PHASE_CONTROL);
}

static void on_start(void *context, uint32_t argument)
{
	struct simulation *simulation = context;
	(void)argument;
	engine_request(&simulation->engine, ENGINE_PHASE_CONTROL);
}

/* Since the link's errors last changed. */
static double bytes_booked(const struct physics *physics, uint32_t link)
{
	return (double)(physics->bytes[link] - (physics->bytes_before ? physics->bytes_before[link] : 0));
}
static int64_t replays_booked(const struct physics *physics, uint32_t link)
{
	return physics->replays[link] - (physics->replays_before ? physics->replays_before[link] : 0);
}

/* Replays of a link whose errors are goodput: as many as its bytes make likely, over the time in which they crossed. */
#define REPLAY_PIECES 64
static void book_replays(struct physics *physics, uint32_t link, int64_t start_ps, int64_t end_ps)
{
	int64_t expected = (int64_t)(bytes_booked(physics, link) * physics->errors_per_byte[link]);
	int64_t n = expected - replays_booked(physics, link), pieces = n < REPLAY_PIECES ? n : REPLAY_PIECES;
	for (int64_t i = 0; i < pieces; i++) {
		int64_t many = scale_floor(n, i + 1, pieces) - scale_floor(n, i, pieces);
		OBSERVE(physics->observers, link_replays, link, start_ps + scale_floor(end_ps - start_ps, 2 * i + 1, 2 * pieces), many);
	}
	physics->replays[link] += n > 0 ? n : 0;
}

static void on_link_bytes(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t payload, int64_t overhead,
                          uint8_t kind)
{
	struct physics *physics = context;
	(void)kind;
	physics->bytes[link] += payload + overhead;
	if (physics->drawn && !physics->drawn[link] && physics->errors_per_byte[link] > 0)
		book_replays(physics, link, start_ps, end_ps);
}

static void on_link_stretch(void *context, uint32_t link, const struct link_stretch *stretch)
{
	if (stretch->busy_ps)
		on_link_bytes(context, link, stretch->start_ps, stretch->end_ps, stretch->payload, stretch->overhead, stretch->kind);
}

/* Replays of links whose errors are goodput are booked packet by packet. */
static int64_t on_border(void *context, int64_t time_ps)
{
	const struct physics *physics = context;
	return physics->drawn ? time_ps : INT64_MAX;
}

/* The next moment at which an error could come if the link were full. */
static void draw_next(struct physics *physics, struct simulation *simulation, uint32_t link)
{
	double per_ps = physics->errors_per_byte[link] * (double)simulation->fabric.link_bandwidth[link] * 1e-12;
	double wait_ps = -log1p(-random_uniform(&physics->streams[link])) / per_ps;
	physics->candidate_ps[link] = -1;
	if (!(wait_ps < 9e18) || simulation->engine.now_ps > INT64_MAX - (int64_t)wait_ps - 2)
		return; /* later than time goes */
	simulation->engine.n_background++;
	physics->candidate_ps[link] = simulation->engine.now_ps + 1 + (int64_t)wait_ps;
	engine_schedule(&simulation->engine, physics->candidate_ps[link], physics->on_error, link);
}

/* Share of its time, beside the time in which it carries bytes, for which a full link would stand still. */
static double stalled_share(const struct physics *physics, const struct simulation *simulation, uint32_t link)
{
	double per_s = physics->errors_per_byte[link] * (double)simulation->fabric.link_bandwidth[link];
	return per_s * (double)physics->stall_ps[link] * 1e-12;
}

int64_t physics_rate(const struct physics *physics, const struct simulation *simulation, uint32_t link, int64_t bytes_per_s)
{
	if (!physics->started || !(physics->errors_per_byte[link] > 0) || bytes_per_s <= 0)
		return bytes_per_s;
	if (physics->figures.codeword_error_ratio[link] > NEVER_TRAINS)
		return 0;
	if (physics->drawn[link])
		return bytes_per_s;
	return (int64_t)fmax(floor((double)bytes_per_s / (1 + stalled_share(physics, simulation, link))), 1);
}

/* Which of its errors are drawn, from now on. */
static void draw_errors(struct physics *physics, struct simulation *simulation, uint32_t link)
{
	physics->drawn[link] = 1;
	if (simulation->links.errors) {
		struct link_error *error = &simulation->links.errors[link];
		error->per_byte = physics->errors_per_byte[link];
		error->replay_ps = physics->stall_ps[link];
		if (!error->stream.key) /* else it goes on */
			error->stream = physics->streams[link];
		link_error_draw(error);
		return;
	}
	draw_next(physics, simulation, link);
}

static void start_link(struct physics *physics, struct simulation *simulation, uint32_t link)
{
	double stalled = stalled_share(physics, simulation, link);
	int64_t rate = simulation->links.bytes_per_s[link];
	if (!(physics->errors_per_byte[link] > 0))
		return;
	if (physics->figures.codeword_error_ratio[link] > NEVER_TRAINS) {
		physics->n_dead++;
		network_change_link(simulation->network, link, LINK_DOWN, 0, simulation->links.latency_ps[link]);
		return;
	}
	if (stalled <= STALLED_SHARE_DRAWN || simulation->links.errors) {
		draw_errors(physics, simulation, link);
		return;
	}
	rate = physics_rate(physics, simulation, link, rate);
	network_change_link(simulation->network, link, LINK_DEGRADED, rate, simulation->links.latency_ps[link]);
}

static void stall(struct physics *physics, struct simulation *simulation, uint32_t link, int64_t n)
{
	physics->rate_before[link] = simulation->links.bytes_per_s[link];
	physics->replays[link] += n;
	OBSERVE(&simulation->observers, link_replays, link, simulation->engine.now_ps, n);
	network_change_link(simulation->network, link, LINK_REPLAYING, 0, simulation->links.latency_ps[link]);
	engine_schedule(&simulation->engine, time_add(simulation->engine.now_ps, n * physics->stall_ps[link]), physics->on_over,
	                link);
}

static void candidate(struct physics *physics, struct simulation *simulation, uint32_t link)
{
	double full = (double)simulation->fabric.link_bandwidth[link];
	double load = simulation->network->model->link_load(simulation->network, link);
	int64_t whole = (int64_t)floor(load / full); /* > 0 where the model lets more through than the link has */
	if (simulation->links.state[link] != LINK_REPLAYING) {
		int64_t n = whole + (random_uniform(&physics->streams[link]) * full < load - (double)whole * full);
		if (n)
			stall(physics, simulation, link, n);
	}
	draw_next(physics, simulation, link);
}

static void resume(struct physics *physics, struct simulation *simulation, uint32_t link)
{
	int64_t before = physics->rate_before[link];
	physics->rate_before[link] = -1;
	if (simulation->links.state[link] != LINK_REPLAYING)
		return; /* it was changed meanwhile, and that holds */
	network_change_link(simulation->network, link,
	                    before == simulation->fabric.link_bandwidth[link] ? LINK_UP : LINK_DEGRADED, before,
	                    simulation->links.latency_ps[link]);
}

void physics_control(struct physics *physics, struct simulation *simulation)
{
	bool running = !executor_finished(simulation->executor);
	uint32_t link;
	simulation->links.cause = LINK_CAUSE_BIT_ERRORS;
	if (!physics->started) {
		physics->started = true;
		for (link = 0; link < simulation->fabric.n_links; link++)
			start_link(physics, simulation, link);
	}
	for (uint32_t from = 0; (link = bitset_take(&physics->over, from)) != UINT32_MAX; from = link + 1)
		resume(physics, simulation, link);
	for (uint32_t from = 0; (link = bitset_take(&physics->due, from)) != UINT32_MAX; from = link + 1)
		if (running)
			candidate(physics, simulation, link);
	simulation->links.cause = LINK_CAUSE_SCHEDULE;
}

static void keep_dirt(struct physics *physics, uint32_t n_links)
{
	physics->dirt_db = memory_zero((size_t)n_links + 1, sizeof *physics->dirt_db);
	physics->bytes_before = memory_zero((size_t)n_links + 1, sizeof *physics->bytes_before);
	physics->replays_before = memory_zero((size_t)n_links + 1, sizeof *physics->replays_before);
}

void physics_contaminate(struct physics *physics, struct simulation *simulation, uint32_t link, double db)
{
	const struct link_class *class = &physics->classes[physics->link_class[link]];
	struct link_chain chain = class->chain;
	const struct links *links = &simulation->links;
	if (!physics->dirt_db)
		keep_dirt(physics, simulation->fabric.n_links);
	/* A model that decides ahead takes back what it decided by the errors as they were. */
	simulation->network->model->link_changed(simulation->network, link, links->bytes_per_s[link], links->latency_ps[link]);
	physics->dirt_db[link] = fabs(physics->dirt_db[link] + db) < 1e-9 ? 0 : physics->dirt_db[link] + db;
	physics->bytes_before[link] = physics->bytes[link];
	physics->replays_before[link] = physics->replays[link];
	struct link_draws draws = {.added_db = physics->figures.added_db[link] + physics->dirt_db[link]};
	link_chain_redraw(&physics->kinds[class->kind], &draws, &chain);
	physics->figures.codeword_error_ratio[link] = chain.codeword_error_ratio;
	physics->errors_per_byte[link] = 0;
	physics->stall_ps[link] = 0;
	set_errors(physics, simulation->scenario, link, &physics->kinds[class->kind], &chain);
	physics->drawn[link] = 0;
	physics->candidate_ps[link] = -1;
	if (simulation->links.errors && !(physics->errors_per_byte[link] > 0))
		simulation->links.errors[link].bytes_left = INT64_MAX;
	if (physics->errors_per_byte[link] > 0 && chain.codeword_error_ratio <= NEVER_TRAINS &&
	    (simulation->links.errors || stalled_share(physics, simulation, link) <= STALLED_SHARE_DRAWN))
		draw_errors(physics, simulation, link);
}

/* The model draws them itself; until the links are started they have none. */
static void give_errors(struct simulation *simulation)
{
	uint32_t n = simulation->fabric.n_links;
	simulation->links.errors = memory_zero((size_t)n + 1, sizeof *simulation->links.errors);
	for (uint32_t link = 0; link < n; link++)
		simulation->links.errors[link].bytes_left = INT64_MAX;
}

int physics_start(struct physics *physics, struct simulation *simulation, struct error *err)
{
	uint32_t n = simulation->fabric.n_links;
	struct observer observer = {.context = physics, .link_bytes = on_link_bytes, .border = on_border, .link_stretch = on_link_stretch};
	bool any = false;
	physics->observers = &simulation->observers;
	observers_add(&simulation->observers, &observer, false);
	for (uint32_t link = 0; link < n; link++)
		any |= physics->errors_per_byte[link] > 0;
	for (uint32_t i = 0; i < simulation->scenario->n_failures; i++)
		any |= simulation->scenario->failures[i].effect == OUTAGE_CONTAMINATION;
	if (!physics->errors || !any)
		return 0;
	if (simulation->network->model->draws_errors)
		give_errors(simulation);
	else if (!simulation->network->model->link_load)
		return tree_fail(simulation->scenario->physics_node, err,
		                 "bit errors do not take part in the network model '%s' (use fluid, analytic or packet, or set 'errors: false')",
		                 simulation->network->model->name);
	physics->streams = memory_zero((size_t)n + 1, sizeof *physics->streams);
	physics->drawn = memory_zero((size_t)n + 1, 1);
	physics->rate_before = memory_zero((size_t)n + 1, sizeof *physics->rate_before);
	physics->candidate_ps = memory_zero((size_t)n + 1, sizeof *physics->candidate_ps);
	bitset_init(&physics->due, n);
	bitset_init(&physics->over, n);
	for (uint32_t link = 0; link < n; link++) {
		physics->streams[link] = random_stream((uint64_t)simulation->scenario->seed, "link.errors", link);
		physics->rate_before[link] = -1;
	}
	physics->on_error = engine_register(&simulation->engine, on_error_due, simulation);
	physics->on_over = engine_register(&simulation->engine, on_stall_over, simulation);
	physics->on_start = engine_register(&simulation->engine, on_start, simulation);
	engine_schedule(&simulation->engine, 0, physics->on_start, 0);
	return 0;
}

void physics_finish(struct physics *physics, struct simulation *simulation)
{
	for (uint32_t link = 0; physics->drawn && link < simulation->fabric.n_links; link++) {
		int64_t n;
		if (simulation->links.errors)
			physics->replays[link] += simulation->links.errors[link].replays;
		if (physics->drawn[link] || !(physics->errors_per_byte[link] > 0))
			continue;
		n = (int64_t)llround(bytes_booked(physics, link) * physics->errors_per_byte[link]) - replays_booked(physics, link);
		physics->replays[link] += n;
		if (n)
			OBSERVE(&simulation->observers, link_replays, link, simulation->end_ps > 0 ? simulation->end_ps - 1 : 0,
			        n);
	}
}
