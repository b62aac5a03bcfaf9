/* weft topology ACTION: what machines and shapes there are, and what one of them looks like. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/output.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "fabric/fabric.h"
#include "fabric/params.h"
#include "fabric/route.h"
#include "fabric/summary.h"

struct arguments {
	const char *action, *spec, *format, *output, *from, *to, *routing;
	bool json;
};

enum { OPTION_JSON = 256, OPTION_FORMAT, OPTION_FROM, OPTION_TO, OPTION_ROUTING };

static const struct argp_option options[] = {
	{"json", OPTION_JSON, NULL, 0, "list, show: print one JSON object instead of text", 0},
	{"format", OPTION_FORMAT, "FORMAT", 0, "export: dot, graphml, json (nodes, links and components) or svg (a picture)", 0},
	{"output", 'o', "FILE", 0, "export: where to write; default: standard output", 0},
	{"from", OPTION_FROM, "NPU", 0, "show: where the example route begins, by name or number (default: the first NPU)", 0},
	{"to", OPTION_TO, "NPU", 0, "show: where it ends (default: the last NPU)", 0},
	{"routing", OPTION_ROUTING, "ROUTING", 0, "show: of the example route: default, ecmp, spray, valiant", 0},
	{0},
};
static const char help[] =
	"Machines and shapes: what there is, what its parameters are, what it is made of.\v"
	"  weft topology list\n"
	"  weft topology show cloudmatrix384:rank=die --from npu0.die0 --to npu383.die1\n"
	"  weft topology show torus:dims=4x4x8\n"
	"  weft topology export fat-tree:radix=8 --format svg -o fat-tree.svg\n\n"
	"A topology is written MODULE:key=value,key=value. Lists are written 4x4x8; a value that holds commas stands in parentheses. Modules "
	"are found in the directories of WEFT_TOPOLOGY_PATH (separated by ':'), beside the program, and where weft is installed; a path that "
	"ends in .so is a module too. docs/add-a-topology.md shows how to write one.\n\n"
	"Exit status: 0 done; 2 bad usage or input.";

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case OPTION_JSON: arguments->json = true; return 0;
	case OPTION_FORMAT: arguments->format = argument; return 0;
	case OPTION_FROM: arguments->from = argument; return 0;
	case OPTION_TO: arguments->to = argument; return 0;
	case OPTION_ROUTING: arguments->routing = argument; return 0;
	case 'o': arguments->output = argument; return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			arguments->action = argument;
		else if (state->arg_num == 1)
			arguments->spec = argument;
		else
			argp_error(state, "one topology at a time: '%s' is too many", argument);
		return 0;
	case ARGP_KEY_END:
		if (!arguments->action)
			argp_error(state, "needs list, show or export");
		else if (!strcmp(arguments->action, "list") && arguments->spec)
			argp_error(state, "list takes no topology: '%s' is too many (see `weft topology show`)", arguments->spec);
		else if ((!strcmp(arguments->action, "show") || !strcmp(arguments->action, "export")) && !arguments->spec)
			argp_error(state, "needs a topology, such as `weft topology %s star:n=8`", arguments->action);
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* ---- list -------------------------------------------------------------------------------------------------------------- */

static int list(const struct arguments *arguments)
{
	struct arena arena = ARENA_INIT;
	struct topology_list modules;
	struct json *json = arguments->json ? json_new() : NULL;
	topology_list(&modules, &arena);
	if (json) {
		json_open_object(json, NULL);
		json_open_array(json, "topologies");
	}
	for (size_t i = 0; i < modules.n; i++) {
		const struct weft_topology *module = modules.modules[i];
		if (!json) {
			printf("%-16s %s\n", module->name, module->summary);
			continue;
		}
		json_open_object(json, NULL);
		json_string(json, "name", module->name);
		json_string(json, "summary", module->summary);
		json_string(json, "path", modules.paths[i]);
		json_close_object(json);
	}
	if (json) {
		json_close_array(json);
		json_close_object(json);
		cli_print_json(json);
	}
	arena_release(&arena);
	return 0;
}

/* ---- show -------------------------------------------------------------------------------------------------------------- */

static void show_params(const struct fabric *fabric, struct json *json)
{
	if (json)
		json_open_array(json, "parameters");
	else
		printf("\nparameters%*sdefault          range\n", 10, "");
	for (const struct weft_param *param = fabric->module->params; param && param->name; param++) {
		if (json) {
			json_open_object(json, NULL);
			json_string(json, "name", param->name);
			json_string(json, "type", params_type_name(param->type));
			json_string(json, "default", param->default_value);
			json_string(json, "range", param->range);
			json_string(json, "text", param->text);
			json_close_object(json);
			continue;
		}
		const char *value = param->default_value ? *param->default_value ? param->default_value : "-" : "(required)";
		printf("  %-17s %-16s %-24s %s\n", param->name, value, param->range ? param->range : params_type_name(param->type), param->text);
	}
	if (json)
		json_close_array(json);
}

static void show_roles(const struct fabric_summary *summary, struct json *json)
{
	if (json)
		json_open_array(json, "roles");
	for (uint32_t i = 0; i < summary->n_roles; i++) {
		const struct fabric_role *role = &summary->roles[i];
		if (!json) {
			printf("  %10u  %s%s%s\n", role->count, role->role, strcmp(role->role, role->kind) ? ", " : "",
			       strcmp(role->role, role->kind) ? role->kind : "");
			continue;
		}
		json_open_object(json, NULL);
		json_string(json, "role", role->role);
		json_string(json, "kind", role->kind);
		json_integer(json, "count", role->count);
		json_close_object(json);
	}
	if (json)
		json_close_array(json);
}

static void show_links(const struct fabric_summary *summary, struct json *json)
{
	char rate[64], time[64], total[64];
	if (json)
		json_open_array(json, "link_groups");
	for (uint32_t i = 0; i < summary->n_links; i++) {
		const struct fabric_link_group *group = &summary->links[i];
		if (!json) {
			printf("  %10llu  %s -> %s, %s, %s each, %s in all, %s\n", (unsigned long long)group->count, group->source_role,
			       group->target_role, group->kind, units_format_rate(rate, sizeof rate, (double)group->bandwidth_bytes_per_s),
			       units_format_rate(total, sizeof total, (double)group->bandwidth_bytes_per_s * (double)group->count),
			       units_format_time(time, sizeof time, group->latency_ps));
			continue;
		}
		json_open_object(json, NULL);
		json_string(json, "from", group->source_role);
		json_string(json, "to", group->target_role);
		json_string(json, "kind", group->kind);
		json_integer(json, "bandwidth_bytes_per_s", group->bandwidth_bytes_per_s);
		json_integer(json, "latency_ps", group->latency_ps);
		json_integer(json, "count", (int64_t)group->count);
		json_close_object(json);
	}
	if (json)
		json_close_array(json);
}

static int find_npu(const struct fabric *fabric, const char *text, uint32_t otherwise, uint32_t *npu, struct error *err)
{
	int64_t number;
	*npu = otherwise;
	if (!text)
		return 0;
	for (*npu = 0; *npu < fabric->n_npus; ++*npu)
		if (!strcmp(fabric->node_name[fabric->npu_node[*npu]], text))
			return 0;
	if (units_parse_integer(text, QUANTITY_COUNT, &number, NULL) || number >= fabric->n_npus)
		return error_set(err, ERROR_INPUT, "there is no NPU '%s' (known: 0..%u, or a name such as '%s')", text, fabric->n_npus - 1,
				 fabric->node_name[fabric->npu_node[0]]);
	*npu = (uint32_t)number;
	return 0;
}

static void show_path(const struct routes *routes, const struct route *route, uint32_t p, struct json *json)
{
	const struct path *path = &routes->paths[route->first_path + p];
	char name[256], time[64];
	if (json) {
		json_open_object(json, NULL);
		json_integer(json, "weight", path->weight);
		json_integer(json, "latency_ps", path->latency_ps);
		json_open_array(json, "links");
	} else {
		printf("  %u/%u, %s:", path->weight, route->total_weight, units_format_time(time, sizeof time, path->latency_ps));
	}
	for (uint32_t h = path->first_hop; h < path->first_hop + path->n_hops; h++) {
		fabric_link_name(routes->fabric, routes->hop_link[h], name, sizeof name);
		if (json)
			json_string(json, NULL, name);
		else
			printf(routes->fabric->n_channels > 1 ? " %s (channel %u)" : " %s", name, routes->hop_vc[h]);
	}
	if (json) {
		json_close_array(json);
		json_close_object(json);
	} else {
		printf("\n");
	}
}

#define PATHS_SHOWN 4

static void show_paths(const struct routes *routes, uint32_t id, struct json *json)
{
	const struct route *route = &routes->routes[id];
	const struct fabric *fabric = routes->fabric;
	const char *from = fabric->node_name[fabric->npu_node[route->source]], *to = fabric->node_name[fabric->npu_node[route->destination]];
	if (json) {
		json_open_object(json, "route");
		json_string(json, "from", from);
		json_string(json, "to", to);
		json_string(json, "routing", routing_names[routes->routing]);
		json_open_array(json, "paths");
	} else {
		printf("\nroute %s -> %s (%s), %u path%s\n", from, to, routing_names[routes->routing], route->n_paths,
		       route->n_paths == 1 ? "" : "s, by their share");
	}
	for (uint32_t p = 0; p < route->n_paths && (json || p < PATHS_SHOWN || route->n_paths == PATHS_SHOWN + 1); p++)
		show_path(routes, route, p, json);
	if (!json && route->n_paths > PATHS_SHOWN + 1)
		printf("  and %u more\n", route->n_paths - PATHS_SHOWN);
	if (json) {
		json_close_array(json);
		json_close_object(json);
	}
}

/* The example route that is asked for. */
struct example { uint32_t from, to, routing; };

static int find_example(const struct fabric *fabric, const struct arguments *arguments, struct example *example, struct error *err)
{
	int routing = arguments->routing ? cli_find_name("routing", arguments->routing, routing_names, ROUTING_N, err) : ROUTING_DEFAULT;
	if (routing < 0 || find_npu(fabric, arguments->from, 0, &example->from, err) ||
	    find_npu(fabric, arguments->to, fabric->n_npus - 1, &example->to, err))
		return -1;
	example->routing = (uint32_t)routing;
	return 0;
}

static int show_route(const struct fabric *fabric, const struct example *example, struct json *json, struct error *err)
{
	struct routes routes;
	if (example->from == example->to)
		return 0;
	routes_init(&routes, fabric, (enum routing)example->routing, 0);
	uint32_t id = routes_find(&routes, example->from, example->to, 0, err);
	if (id != ROUTE_NONE)
		show_paths(&routes, id, json);
	routes_release(&routes);
	return id == ROUTE_NONE ? -1 : 0;
}

static void show_figures(const struct fabric *fabric, const struct fabric_summary *summary, struct json *json)
{
	char rate[64];
	bool all = summary->n_measured == fabric->n_npus;
	if (json) {
		json_integer(json, "npu_links", summary->npu_links);
		json_integer(json, "npu_bytes_per_s", summary->npu_bytes_per_s);
		json_bool(json, "npus_alike", summary->npus_alike);
		json_integer(json, "diameter_hops", summary->diameter_hops);
		json_number(json, "mean_hops", summary->mean_hops);
		json_integer(json, "measured_npus", summary->n_measured);
		json_bool(json, "connected", summary->cut_off[0] == FABRIC_NONE);
		json_integer(json, "flows", fabric->n_flows);
		return;
	}
	printf(fabric->link_ports ? "\n%s NPU: %u circuits that could be, %s per direction through all its ports\n"
				  : "\n%s NPU: %u links out, %s per direction\n", summary->npus_alike ? "every" : "first", summary->npu_links,
	       units_format_rate(rate, sizeof rate, (double)summary->npu_bytes_per_s));
	printf("between NPUs: at most %u hops, %.4g on average", summary->diameter_hops, summary->mean_hops);
	printf(all ? "\n" : " (towards %u of them)\n", summary->n_measured);
	if (fabric->n_flows)
		printf("routes are given for flows 0..%u\n", fabric->n_flows - 1);
	else if (summary->cut_off[0] != FABRIC_NONE)
		printf("not connected: there is no way from '%s' to '%s'\n", fabric->node_name[fabric->npu_node[summary->cut_off[0]]],
		       fabric->node_name[fabric->npu_node[summary->cut_off[1]]]);
}

static void show_head(const struct fabric *fabric, struct json *json)
{
	if (!json) {
		printf("%s: %s\n%s\n", fabric->module->name, fabric->module->summary, fabric->spec);
		return;
	}
	json_open_object(json, NULL);
	json_string(json, "name", fabric->module->name);
	json_string(json, "summary", fabric->module->summary);
	json_string(json, "topology", fabric->spec);
	json_integer(json, "npus", fabric->n_npus);
	json_integer(json, "nodes", fabric->n_nodes);
	json_integer(json, "links", fabric->n_links);
	json_integer(json, "components", fabric->n_components);
	json_integer(json, "channels", fabric->n_channels);
	json_string(json, "protocol", fabric->protocol);
}

static int show(const struct fabric *fabric, const struct arguments *arguments, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct fabric_summary summary;
	struct example example;
	if (find_example(fabric, arguments, &example, err))
		return -1;
	struct json *json = arguments->json ? json_new() : NULL;
	fabric_summarize(fabric, &summary, &arena);
	show_head(fabric, json);
	show_params(fabric, json);
	if (!json)
		printf("\n%u NPUs, %u nodes, %u links (each one direction), %u components, %u virtual channel%s, protocol %s\n", fabric->n_npus,
		       fabric->n_nodes, fabric->n_links, fabric->n_components, fabric->n_channels, fabric->n_channels == 1 ? "" : "s",
		       fabric->protocol);
	show_roles(&summary, json);
	show_links(&summary, json);
	show_figures(fabric, &summary, json);
	int status = 0;
	if (!fabric->n_flows && (summary.cut_off[0] == FABRIC_NONE || arguments->from || arguments->to))
		status = show_route(fabric, &example, json, err);
	if (json) {
		json_close_object(json);
		status ? json_free(json) : (void)cli_print_json(json);
	}
	arena_release(&arena);
	return status;
}

/* ---- export ------------------------------------------------------------------------------------------------------------ */

static const struct { const char *format, *begins; } beginnings[] = {{"dot", "digraph"}, {"graphml", "<?xml"}, {"json", "{"}, {"svg", "<svg"}};

static int export(const struct fabric *fabric, const struct arguments *arguments, struct error *err)
{
	struct text text = TEXT_INIT;
	struct output out;
	size_t format = 0;
	if (!arguments->format)
		return error_set(err, ERROR_INPUT, "export needs --format (known: dot, graphml, json, svg)");
	if (fabric_export(fabric, arguments->format, &text, err))
		return -1;
	while (strcmp(beginnings[format].format, arguments->format))
		format++;
	int status = output_open(&out, arguments->output ? arguments->output : "-", beginnings[format].begins, "such an export", err);
	if (status == 0) {
		fwrite(text.data, 1, text.length, out.file);
		status = output_close(&out, 0, err);
	}
	text_release(&text);
	return status;
}

static int run(int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, "list\nshow TOPOLOGY\nexport TOPOLOGY", help, NULL, NULL, NULL};
	static const struct cli_action actions[] = {{"list", "json"}, {"show", "json from to routing"}, {"export", "format output"}};
	enum { LIST, SHOW, EXPORT };
	struct arguments arguments = {0};
	struct topology_request request;
	struct arena arena = ARENA_INIT;
	struct fabric fabric;
	struct error err = {0};
	size_t action;
	int status = cli_parse_action(&argp, actions, sizeof actions / sizeof *actions, argc, argv, &arguments, &action);
	if (status)
		return status;
	if (action == LIST)
		return list(&arguments);
	if (!topology_request_parse(&request, arguments.spec, &arena, &err) && !fabric_build(&fabric, &request, &err)) {
		status = action == SHOW ? show(&fabric, &arguments, &err) : export(&fabric, &arguments, &err);
		fabric_release(&fabric);
	}
	arena_release(&arena);
	return err.code || status ? cli_fail(&err) : 0;
}

const struct command command_topology = {"topology", "list, show and export machines and shapes", run};
