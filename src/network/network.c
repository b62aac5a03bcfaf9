#include "network/network.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/units.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "fabric/params.h"

const struct network_model *const network_models[] = {&network_fluid, &network_packet, &network_analytic, &network_loggops, NULL};

const struct network_model *network_find(const char *name, struct error *err)
{
	const char *names[8];
	char known[256];
	size_t n = 0;
	for (; network_models[n]; n++) {
		if (!strcmp(network_models[n]->name, name))
			return network_models[n];
		assert(n < sizeof names / sizeof *names);
		names[n] = network_models[n]->name;
	}
	error_set(err, ERROR_INPUT, "unknown network model '%s'%s", name, text_known(known, sizeof known, name, names, n));
	return NULL;
}

/* Names, types, units and ranges, by the rules of topology parameters. */
static int check_settings(const struct network_model *model, const struct network_setup *setup, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct text subject = TEXT_INIT;
	struct topology_request request = {.module = model->name, .n_settings = setup->n_settings};
	struct topology_setting *settings = arena_array(&arena, setup->n_settings + 1, sizeof *settings);
	struct param_value *values;
	size_t n_values;
	for (uint32_t i = 0; i < setup->n_settings; i++) {
		const struct network_setting *from = &setup->settings[i];
		settings[i] = (struct topology_setting){.name = from->name, .value = from->value, .file = from->file,
						       .line = from->line, .column = from->column};
	}
	request.settings = settings;
	text_printf(&subject, "network model '%s'", model->name);
	int status = params_resolve(text_string(&subject), model->params, &request, &arena, &values, &n_values, err);
	text_release(&subject);
	arena_release(&arena);
	return status;
}

const struct network_model *network_variant(const struct network_model *model, const struct network_setting *settings, uint32_t n_settings)
{
	const struct network_model *variant = model->variant ? model->variant(settings, n_settings) : NULL;
	return variant ? variant : model;
}

int network_create(struct network **network, const struct network_model *model, const struct network_setup *setup, struct error *err)
{
	const char *names[ROUTING_N];
	char known[256];
	uint32_t n = 0;
	*network = NULL;
	model = network_variant(model, setup->settings, setup->n_settings);
	if (check_settings(model, setup, err))
		return -1;
	if (!(model->routings >> setup->routes->routing & 1)) {
		for (int r = 0; r < ROUTING_N; r++)
			if (model->routings >> r & 1)
				names[n++] = routing_names[r];
		const char *wrong = routing_names[setup->routes->routing];
		return error_set(err, ERROR_INPUT, "network model '%s' does not offer routing '%s'%s", model->name, wrong,
				 text_known(known, sizeof known, wrong, names, n));
	}
	if (model->create(network, setup, err))
		return -1;
	(*network)->model = model;
	(*network)->setup = *setup;
	return 0;
}

void network_destroy(struct network *network)
{
	if (network)
		network->model->destroy(network);
}

static const char *setting_text(const struct network_setup *setup, const struct network_model *model, const char *name,
				enum weft_param_type *type)
{
	const struct weft_param *param = model->params;
	while (param->name && strcmp(param->name, name))
		param++;
	assert(param->name);
	*type = param->type;
	for (uint32_t i = 0; i < setup->n_settings; i++)
		if (!strcmp(setup->settings[i].name, name))
			return setup->settings[i].value;
	return param->default_value;
}

int64_t network_integer(const struct network_setup *setup, const struct network_model *model, const char *name)
{
	enum weft_param_type type;
	int64_t value = 0;
	const char *text = setting_text(setup, model, name, &type);
	if (type == WEFT_PARAM_BOOL)
		return !strcmp(text, "true") || !strcmp(text, "yes") || !strcmp(text, "1");
	if (text && units_parse_integer(text, params_quantity(type), &value, NULL))
		assert(!"settings are checked before they are read");
	return value;
}

const char *network_text(const struct network_setup *setup, const struct network_model *model, const char *name)
{
	enum weft_param_type type;
	return setting_text(setup, model, name, &type);
}

static bool carries(enum link_state state) { return state == LINK_UP || state == LINK_DEGRADED || state == LINK_FOLDED; }

void network_change_link(struct network *network, uint32_t link, enum link_state state, int64_t bytes_per_s, int64_t latency_ps)
{
	struct links *links = network->setup.links;
	int64_t old_bytes_per_s = links->bytes_per_s[link], old_latency_ps = links->latency_ps[link];
	assert(engine_has_phase(network->setup.engine, ENGINE_PHASE_CONTROL)); /* models may have counted on it */
	links->bytes_per_s[link] = carries(state) ? bytes_per_s : 0;
	links->latency_ps[link] = latency_ps;
	links->state[link] = (uint8_t)state;
	links->n_changes++;
	OBSERVE(network->setup.observers, link_change, link, network->setup.engine->now_ps, state, links->bytes_per_s[link],
		links->cause);
	network->model->link_changed(network, link, old_bytes_per_s, old_latency_ps);
}

void network_avoid_link(struct network *network, uint32_t link, bool avoid)
{
	struct links *links = network->setup.links;
	assert(engine_has_phase(network->setup.engine, ENGINE_PHASE_CONTROL));
	links->avoid[link] = avoid;
	if (avoid)
		OBSERVE(network->setup.observers, link_change, link, network->setup.engine->now_ps, (enum link_state)links->state[link],
			links->bytes_per_s[link], LINK_CAUSE_DETECTION);
	routes_avoid(network->setup.routes, links->avoid);
	if (network->watch.rerouted)
		network->watch.rerouted(network->watch.context);
	network->model->link_changed(network, link, links->bytes_per_s[link], links->latency_ps[link]);
}
