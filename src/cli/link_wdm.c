#include "cli/link_wdm.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/output.h"
#include "base/text.h"
#include "base/tree.h"
#include "base/units.h"
#include "cli/cli.h"
#include "fabric/fabric.h"
#include "fabric/route.h"
#include "link/wdm.h"

#define MOST_FILE_BYTES (64u << 20)
#define MOST_BLOCKED 10
#define GRAPH_BEGINS "# lightpaths"
#define MOST_WAVELENGTHS 65536

enum { OPTION_GRID = 256, OPTION_WAVELENGTHS, OPTION_POLICY, OPTION_SEED, OPTION_RATE, OPTION_GRAPH, OPTION_JSON };

struct options {
	const char *subject, *grid, *policy, *graph;
	int64_t n_wavelengths, seed, rate;
	bool json;
	struct error error;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case OPTION_GRID: o->grid = argument; return 0;
	case OPTION_POLICY: o->policy = argument; return 0;
	case OPTION_GRAPH: o->graph = argument; return 0;
	case OPTION_JSON: o->json = true; return 0;
	case OPTION_SEED: units_parse_integer(argument, QUANTITY_COUNT, &o->seed, &o->error); return 0;
	case OPTION_RATE: units_parse_integer(argument, QUANTITY_RATE, &o->rate, &o->error); return 0;
	case OPTION_WAVELENGTHS:
		if (!units_parse_integer(argument, QUANTITY_COUNT, &o->n_wavelengths, &o->error) &&
		    (o->n_wavelengths < 1 || o->n_wavelengths > MOST_WAVELENGTHS))
			error_set(&o->error, ERROR_INPUT, "--wavelengths must be 1 to %d, not %s", MOST_WAVELENGTHS, argument);
		return 0;
	case ARGP_KEY_ARG:
		if (o->subject)
			argp_error(state, "wdm takes one topology or file");
		o->subject = argument;
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option option_table[] = {
	{"grid", OPTION_GRID, "NAME", 0, "wavelengths of a fibre: cwdm4, oci-a, oci-b, cw-wdm-8, cw-wdm-16, cw-wdm-32, nvidia-8", 0},
	{"wavelengths", OPTION_WAVELENGTHS, "N", 0, "how many a fibre has, without a grid (default: as many as are needed)", 0},
	{"policy", OPTION_POLICY, "NAME", 0, "first-fit (default), most-used, least-used, random", 0},
	{"seed", OPTION_SEED, "N", 0, "of random (default 0)", 0},
	{"rate", OPTION_RATE, "RATE", 0, "of one wavelength, such as '100 Gb/s'", 0},
	{"graph", OPTION_GRAPH, "FILE.yaml", 0, "of a topology: writes its lightpaths as a graph for topology file; needs --rate", 0},
	{"json", OPTION_JSON, NULL, 0, "results as JSON on standard output", 0},
	{0},
};

/* ---- demands ------------------------------------------------------------------------------------------------------------- */

struct plan {
	struct arena arena;
	struct wdm_demands demands;
	uint32_t *first, *path, *fixed;      /* of demands; wavelengths that they insist on */
	struct tree_node **places;           /* [n] of a file; NULL */
	const char **names, **fibres;        /* of demands; of fibres */
	uint32_t n_fixed;
	size_t first_capacity, path_capacity, fixed_capacity, names_capacity, fibres_capacity, places_capacity;
	struct fabric fabric;                /* of a topology */
	struct routes routes;
	bool has_fabric;
	struct wdm_grid grid;
	uint32_t n_wavelengths;              /* 0: as many as are needed */
	enum wdm_policy policy;
	uint32_t *wavelength, n_blocked, load, n_used;
};

static void add_demand(struct plan *plan, const char *name, uint32_t fixed, struct tree_node *place)
{
	uint32_t i = plan->demands.n++;
	ARRAY_RESERVE(plan->first, i + 2u, plan->first_capacity);
	ARRAY_RESERVE(plan->fixed, i + 1u, plan->fixed_capacity);
	ARRAY_RESERVE(plan->names, i + 1u, plan->names_capacity);
	ARRAY_RESERVE(plan->places, i + 1u, plan->places_capacity);
	plan->first[i + 1] = plan->first[i];
	plan->fixed[i] = fixed;
	plan->names[i] = name;
	plan->places[i] = place;
	plan->n_fixed += fixed != WDM_BLOCKED;
}

static void add_fibre(struct plan *plan, uint32_t fibre)
{
	uint32_t *end = &plan->first[plan->demands.n];
	ARRAY_RESERVE(plan->path, *end + 1u, plan->path_capacity);
	plan->path[(*end)++] = fibre;
}

/* Every chip to every other. Where several ways are equal, sources take them in turn: opposite chips of a ring go both ways round. */
static int demands_of_topology(struct plan *plan, const char *spec, struct error *err)
{
	struct topology_request request;
	char name[256];
	if (topology_request_parse(&request, spec, &plan->arena, err) || fabric_build(&plan->fabric, &request, err))
		return -1;
	plan->has_fabric = true;
	routes_init(&plan->routes, &plan->fabric, ROUTING_DEFAULT, 0);
	plan->demands.n_fibres = plan->fabric.n_links;
	ARRAY_RESERVE(plan->fibres, plan->fabric.n_links + 1u, plan->fibres_capacity);
	for (uint32_t link = 0; link < plan->fabric.n_links; link++)
		plan->fibres[link] = arena_text(&plan->arena, fabric_link_name(&plan->fabric, link, name, sizeof name));
	for (uint32_t from = 0; from < plan->fabric.n_npus; from++)
		for (uint32_t to = 0; to < plan->fabric.n_npus; to++) {
			uint32_t route = from == to ? ROUTE_NONE : routes_find(&plan->routes, from, to, 0, err);
			if (from == to)
				continue;
			if (route == ROUTE_NONE)
				return -1;
			const struct route *r = &plan->routes.routes[route];
			const struct path *path = &plan->routes.paths[r->first_path + from % r->n_paths];
			add_demand(plan, arena_format(&plan->arena, "%s->%s", plan->fabric.node_name[plan->fabric.npu_node[from]],
						      plan->fabric.node_name[plan->fabric.npu_node[to]]), WDM_BLOCKED, NULL);
			for (uint32_t h = path->first_hop; h < path->first_hop + path->n_hops; h++)
				add_fibre(plan, plan->routes.hop_link[h]);
		}
	return 0;
}

static int read_fibres(struct plan *plan, const struct tree_node *list, struct error *err)
{
	ARRAY_RESERVE(plan->fibres, list->n_entries + 1u, plan->fibres_capacity);
	for (uint32_t i = 0; i < list->n_entries; i++) {
		const struct tree_node *node = list->entries[i].value;
		for (uint32_t k = 0; k < i; k++)
			if (!strcmp(plan->fibres[k], node->text))
				return tree_fail(node, err, "two fibres are called '%s'", node->text);
		plan->fibres[i] = node->text;
	}
	plan->demands.n_fibres = list->n_entries;
	return 0;
}

static int read_path(struct plan *plan, const struct tree_node *list, struct error *err)
{
	char known[512];
	for (uint32_t i = 0; i < list->n_entries; i++) {
		const struct tree_node *node = list->entries[i].value;
		uint32_t fibre = 0;
		while (fibre < plan->demands.n_fibres && strcmp(plan->fibres[fibre], node->text))
			fibre++;
		if (fibre == plan->demands.n_fibres)
			return tree_fail(node, err, "unknown fibre '%s'%s", node->text,
					 text_known(known, sizeof known, node->text, plan->fibres, plan->demands.n_fibres));
		for (uint32_t h = plan->first[plan->demands.n - 1]; h < plan->first[plan->demands.n]; h++)
			if (plan->path[h] == fibre)
				return tree_fail(node, err, "a path crosses fibre '%s' twice", node->text);
		add_fibre(plan, fibre);
	}
	return 0;
}

static int read_demand(struct plan *plan, struct tree_node *node, struct error *err)
{
	static const char *const known[] = {"name", "path", "wavelength"};
	const struct tree_node *name = tree_get(node, "name"), *path = tree_get(node, "path"), *wavelength = tree_get(node, "wavelength");
	int64_t fixed = WDM_BLOCKED;
	struct error local = {0};
	char names[128];
	for (uint32_t i = 0; i < node->n_entries; i++)
		if (strcmp(node->entries[i].key, known[0]) && strcmp(node->entries[i].key, known[1]) && strcmp(node->entries[i].key, known[2]))
			return error_at(err, node->file, node->entries[i].line, node->entries[i].column, "unknown key '%s' of a demand%s",
					node->entries[i].key, text_known(names, sizeof names, node->entries[i].key, known, 3));
	if (node->kind != TREE_MAP || !path || path->kind != TREE_LIST)
		return tree_fail(node, err, "a demand is {path: [FIBRE, …]}, perhaps with 'name' and 'wavelength'");
	if (wavelength && (units_parse_integer(wavelength->text, QUANTITY_COUNT, &fixed, &local) || fixed < 0 || fixed >= MOST_WAVELENGTHS))
		return tree_fail(wavelength, err, "'wavelength' must be 0 to %d, not '%s'", MOST_WAVELENGTHS - 1, wavelength->text);
	add_demand(plan, name ? name->text : arena_format(&plan->arena, "demand %u", plan->demands.n), (uint32_t)fixed, node);
	return read_path(plan, path, err);
}

static int demands_of_file(struct plan *plan, const char *path, struct error *err)
{
	size_t length = 0;
	char *text = text_read_file(path, MOST_FILE_BYTES, &length, err);
	struct tree_node *root = text ? tree_parse(text, length, arena_text(&plan->arena, path), &plan->arena, err) : NULL;
	const struct tree_node *fibres = root && root->kind == TREE_MAP ? tree_get(root, "fibres") : NULL, *demands = fibres ? tree_get(root, "demands") : NULL;
	free(text);
	if (!root)
		return -1;
	if (!demands || fibres->kind != TREE_LIST || demands->kind != TREE_LIST)
		return tree_fail(root, err, "a file of demands has the lists 'fibres' and 'demands'");
	if (read_fibres(plan, fibres, err))
		return -1;
	for (uint32_t i = 0; i < demands->n_entries; i++)
		if (read_demand(plan, demands->entries[i].value, err))
			return -1;
	return 0;
}

static bool is_file(const char *subject)
{
	size_t n = strlen(subject);
	return (n > 5 && !strcmp(subject + n - 5, ".yaml")) || (n > 4 && !strcmp(subject + n - 4, ".yml"));
}

/* ---- assignment ---------------------------------------------------------------------------------------------------------- */

static int check_fixed(const struct plan *plan, struct error *err)
{
	struct wdm_clash clash;
	for (uint32_t i = 0; i < plan->demands.n; i++)
		if (plan->fixed[i] != WDM_BLOCKED && plan->n_wavelengths && plan->fixed[i] >= plan->n_wavelengths)
			return tree_fail(tree_get(plan->places[i], "wavelength"), err, "wavelength %u does not exist (a fibre has %u, from 0)", plan->fixed[i],
					 plan->n_wavelengths);
	if (plan->n_fixed && wdm_clashes(&plan->demands, plan->fixed, &clash))
		return tree_fail(plan->places[clash.demand], err, "wavelength %u of '%s' clashes with '%s' on fibre '%s'", plan->fixed[clash.demand],
				 plan->names[clash.demand], plan->names[clash.other], plan->fibres[clash.fibre]);
	return 0;
}

static int make_plan(struct plan *plan, const struct options *o, struct error *err)
{
	struct wdm_choice choice = {.seed = (uint64_t)o->seed};
	int policy = o->policy ? cli_find_name("policy", o->policy, wdm_policy_names, WDM_POLICIES, err) : 0;
	if (policy < 0 || (o->grid && wdm_grid_named(&plan->grid, o->grid, err)))
		return -1;
	if (o->grid && o->n_wavelengths)
		return error_set(err, ERROR_INPUT, "--grid says how many wavelengths a fibre has: --wavelengths is too much");
	plan->policy = (enum wdm_policy)policy;
	plan->n_wavelengths = o->grid ? plan->grid.n : (uint32_t)o->n_wavelengths;
	ARRAY_RESERVE(plan->first, 1, plan->first_capacity);
	plan->first[0] = 0;
	if (is_file(o->subject) ? demands_of_file(plan, o->subject, err) : demands_of_topology(plan, o->subject, err))
		return -1;
	plan->demands.first = plan->first;
	plan->demands.path = plan->path;
	choice.fixed = plan->fixed;
	if (check_fixed(plan, err))
		return -1;
	plan->load = wdm_load(&plan->demands);
	if (!plan->n_wavelengths)
		plan->n_wavelengths = wdm_needed(&plan->demands, plan->policy, &choice);
	plan->wavelength = arena_array(&plan->arena, plan->demands.n + 1u, sizeof *plan->wavelength);
	plan->n_blocked = wdm_assign(&plan->demands, plan->n_wavelengths, plan->policy, &choice, plan->wavelength);
	for (uint32_t i = 0; i < plan->demands.n; i++)
		if (plan->wavelength[i] != WDM_BLOCKED && plan->wavelength[i] >= plan->n_used)
			plan->n_used = plan->wavelength[i] + 1;
	return 0;
}

/* ---- results ------------------------------------------------------------------------------------------------------------- */

static uint32_t demands_on(const struct plan *plan, uint32_t wavelength)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < plan->demands.n; i++)
		n += plan->wavelength[i] == wavelength;
	return n;
}

static void print(const struct plan *plan, const struct options *o)
{
	uint32_t told = 0;
	char rate[32], whole[32];
	printf("%u demands over %u fibres, %s\n", plan->demands.n, plan->demands.n_fibres, wdm_policy_names[plan->policy]);
	printf("  lower bound          %6u  wavelengths: the most demands on one fibre\n", plan->load);
	printf("  wavelengths          %6u  of a fibre%s%s%s\n", plan->n_wavelengths, o->grid ? ": " : "", o->grid ? plan->grid.source : "",
	       o->grid || o->n_wavelengths ? "" : ", as many as block nothing");
	printf("  used                 %6u\n", plan->n_used);
	printf("  blocked              %6u  of %u demands (%.3g %%)\n", plan->n_blocked, plan->demands.n,
	       plan->demands.n ? 100.0 * plan->n_blocked / plan->demands.n : 0);
	if (o->rate)
		printf("  rate                 %s per demand, %s per fibre\n", units_format_rate(rate, sizeof rate, (double)o->rate),
		       units_format_rate(whole, sizeof whole, (double)o->rate * plan->n_wavelengths));
	for (uint32_t i = 0; i < plan->demands.n && told < MOST_BLOCKED; i++)
		if (plan->wavelength[i] == WDM_BLOCKED)
			printf("%s%s", told++ ? ", " : "\nblocked: ", plan->names[i]);
	if (told)
		printf("%s\n", plan->n_blocked > told ? ", …" : "");
	printf("\n  wavelength%s  demands\n", o->grid ? "        nm       THz" : "");
	for (uint32_t w = 0; w < plan->n_used; w++) {
		printf("  %10u", w);
		if (o->grid)
			printf("  %8.2f  %8.3f", plan->grid.nm[w], wdm_thz(plan->grid.nm[w]));
		printf("  %7u\n", demands_on(plan, w));
	}
}

static int print_json(const struct plan *plan, const struct options *o)
{
	struct json *json = json_new();
	json_open_object(json, NULL);
	json_string(json, "policy", wdm_policy_names[plan->policy]);
	json_integer(json, "demands", plan->demands.n);
	json_integer(json, "fibres", plan->demands.n_fibres);
	json_integer(json, "lower_bound", plan->load);
	json_integer(json, "wavelengths", plan->n_wavelengths);
	json_integer(json, "used", plan->n_used);
	json_integer(json, "blocked", plan->n_blocked);
	if (o->rate)
		json_integer(json, "demand_bytes_per_s", o->rate);
	json_open_array(json, "assignment");
	for (uint32_t i = 0; i < plan->demands.n; i++) {
		json_open_object(json, NULL);
		json_string(json, "demand", plan->names[i]);
		json_integer(json, "wavelength", plan->wavelength[i] == WDM_BLOCKED ? -1 : (int64_t)plan->wavelength[i]);
		if (o->grid && plan->wavelength[i] != WDM_BLOCKED)
			json_number(json, "nm", plan->grid.nm[plan->wavelength[i]]);
		json_close_object(json);
	}
	json_close_array(json);
	json_close_object(json);
	return cli_print_json(json);
}

/* Every demand that has a wavelength is a link of its own between its chips, as long as its way. */
static int write_graph(const struct plan *plan, const struct options *o, struct error *err)
{
	const struct fabric *fabric = &plan->fabric;
	struct text out = TEXT_INIT;
	if (!plan->has_fabric || !o->rate)
		return error_set(err, ERROR_INPUT, "--graph needs a topology, whose chips are joined, and --rate, of one wavelength");
	text_printf(&out, GRAPH_BEGINS " of %s, %s\nnodes:\n", fabric->spec, wdm_policy_names[plan->policy]);
	for (uint32_t i = 0; i < fabric->n_npus; i++)
		text_printf(&out, "  - {name: %s}\n", fabric->node_name[fabric->npu_node[i]]);
	text_puts(&out, "links:\n");
	for (uint32_t i = 0; i < plan->demands.n; i++) {
		const char *to = strstr(plan->names[i], "->");
		int64_t latency_ps = 0;
		for (uint32_t h = plan->first[i]; h < plan->first[i + 1]; h++)
			latency_ps += fabric->link_latency_ps[plan->path[h]];
		if (plan->wavelength[i] != WDM_BLOCKED)
			text_printf(&out, "  - {from: %.*s, to: %s, bandwidth: %lld B/s, latency: %lld ps}\n", (int)(to - plan->names[i]), plan->names[i],
				    to + 2, (long long)o->rate, (long long)latency_ps);
	}
	struct output file;
	int status = output_open(&file, o->graph, GRAPH_BEGINS, "a graph of lightpaths", err);
	if (!status) {
		fputs(text_string(&out), file.file);
		status = output_close(&file, 0, err);
	}
	text_release(&out);
	return status;
}

static void plan_release(struct plan *plan)
{
	if (plan->has_fabric) {
		routes_release(&plan->routes);
		fabric_release(&plan->fabric);
	}
	free(plan->first);
	free(plan->path);
	free(plan->fixed);
	free(plan->names);
	free(plan->fibres);
	free(plan->places);
	arena_release(&plan->arena);
}

int link_wdm(int argc, char **argv)
{
	static const struct argp argp = {option_table, parse_option, "TOPOLOGY[:k=v,…]\nDEMANDS.yaml",
		"Routing and wavelength assignment.\v"
		"Demands are every chip to every other of a topology, over its default routes, or those of a file:\n\n"
		"    fibres: [ab, bc]\n    demands:\n      - {name: far, path: [ab, bc], wavelength: 0}\n      - {path: [bc]}\n\n"
		"A demand takes one wavelength that is free on every fibre of its way (continuity), the longest first; those that name theirs "
		"come before all others, and an error says where two of them clash. No assignment needs fewer wavelengths than the most "
		"demands on one fibre.", NULL, NULL, NULL};
	struct options o = {0};
	struct plan plan = {0};
	struct error err = {0};
	int status = cli_parse(&argp, argc, argv, &o);
	if (status)
		return status;
	if (!o.subject)
		error_set(&o.error, ERROR_INPUT, "link wdm takes a topology, such as ring:n=8, or a file of demands (.yaml)");
	err = o.error;
	if (err.code || make_plan(&plan, &o, &err) || (o.graph && write_graph(&plan, &o, &err)))
		status = cli_fail(&err);
	else if (o.json)
		status = print_json(&plan, &o);
	else
		print(&plan, &o);
	plan_release(&plan);
	return status;
}
