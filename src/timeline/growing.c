/* What tables of records refer to and what grows while the run goes on: paths of messages, names of operations. Written with
 * every flush, so that killed runs have them too. Routes never change once they are there (route.h): only new ones are written. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "timeline/recorder_internal.h"

#define ROWS_PER_CHUNK 4096
#define NAMES_PER_CHUNK 256

static hid_t over(struct recorder *recorder, hid_t group, const struct dimension *rows, const char *name, const char *text)
{
	struct variable variable = {.name = name, .type = VALUE_U32, .text = text};
	return file_variable(&recorder->file, group, &variable, &rows, 1);
}

/* Rows `from` … of a column and its dimension. */
static void append(struct recorder *recorder, const struct dimension *rows, hid_t dataset, enum value_type type, uint32_t from, uint32_t n,
		   const void *values)
{
	hsize_t start = from, count = n, size = start + count;
	if (!n)
		return;
	file_extend(&recorder->file, rows->dataset, 1, &size);
	file_extend(&recorder->file, dataset, 1, &size);
	file_write_box(&recorder->file, dataset, type, 1, &start, &count, values);
}

void growing_open(struct recorder *recorder)
{
	static const struct variable names = {.name = "op_names", .type = VALUE_TEXT, .text = "names that the column `name` refers to"};
	static const struct variable latency = {.name = "route_latency_ps", .type = VALUE_I64, .units = "ps", .text = "as built, of its slowest path"};
	static const uint32_t zero = 0;
	struct growing *growing = &recorder->growing;
	struct timeline_file *file = &recorder->file;
	const struct dimension *rows = &growing->op_name;
	growing->op_name = file_dimension(file, recorder->ops.group, "op_name", 0, true, NAMES_PER_CHUNK);
	growing->op_names = file_variable(file, recorder->ops.group, &names, &rows, 1);
	growing->group = file_group(file, "/paths",
		"routes: route r splits its bytes by weight over the paths route_offsets[r] … [r + 1] - 1; path p crosses links[offsets[p]] … "
		"[offsets[p + 1] - 1]; the links of a spread route stand as paths of one link each");
	growing->route_end = file_dimension(file, growing->group, "route_offset", 0, true, ROWS_PER_CHUNK);
	growing->route = file_dimension(file, growing->group, "route", 0, true, ROWS_PER_CHUNK);
	growing->path = file_dimension(file, growing->group, "path", 0, true, ROWS_PER_CHUNK);
	growing->path_end = file_dimension(file, growing->group, "path_offset", 0, true, ROWS_PER_CHUNK);
	growing->hop = file_dimension(file, growing->group, "hop", 0, true, ROWS_PER_CHUNK);
	growing->route_offsets = over(recorder, growing->group, &growing->route_end, "route_offsets", "into path");
	growing->route_weight = over(recorder, growing->group, &growing->route, "route_weight", "of all its bytes");
	rows = &growing->route;
	growing->route_latency = file_variable(file, growing->group, &latency, &rows, 1);
	growing->weights = over(recorder, growing->group, &growing->path, "weight", "share of its route's bytes");
	growing->offsets = over(recorder, growing->group, &growing->path_end, "offsets", "into links");
	growing->links = over(recorder, growing->group, &growing->hop, "links", "rows of /links, in order");
	append(recorder, &growing->route_end, growing->route_offsets, VALUE_U32, 0, 1, &zero);
	append(recorder, &growing->path_end, growing->offsets, VALUE_U32, 0, 1, &zero);
	growing->is_open = true;
}

static void write_names(struct recorder *recorder)
{
	struct growing *growing = &recorder->growing;
	uint32_t n = HASH_COUNT(recorder->names), i = 0;
	const char **names = memory_alloc(((size_t)n + 1) * sizeof *names);
	for (struct name_entry *entry = recorder->names; entry; entry = entry->hh.next)
		names[i++] = entry->name;
	append(recorder, &growing->op_name, growing->op_names, VALUE_TEXT, growing->n_names, n - growing->n_names, names + growing->n_names);
	growing->n_names = n;
	free(names);
}

/* The new rows. */
struct new_paths {
	uint32_t *route_offsets, *route_weight, *offsets, *weights, *links;
	int64_t *route_latency_ps;
	uint32_t n_routes, n_paths, n_hops;
};

/* How many rows there will be. */
static void count_paths(const struct routes *routes, uint32_t first, struct new_paths *paths)
{
	for (uint32_t r = first; r < routes->n_routes; r++, paths->n_routes++) {
		const struct route *route = &routes->routes[r];
		paths->n_paths += route->n_paths ? route->n_paths : route->n_links;
		paths->n_hops += route->n_paths ? 0 : route->n_links;
		for (uint32_t p = route->first_path; p < route->first_path + route->n_paths; p++)
			paths->n_hops += routes->paths[p].n_hops;
	}
}

static void gather(const struct routes *routes, const struct growing *growing, struct new_paths *paths)
{
	struct route_piece piece;
	paths->n_routes = paths->n_paths = paths->n_hops = 0;
	for (uint32_t r = growing->n_routes; r < routes->n_routes; r++) {
		const struct route *route = &routes->routes[r];
		struct route_walk walk = route_walk(routes, route, 0);
		for (uint32_t p = 0; route_next(&walk, &piece); p++) {
			memcpy(paths->links + paths->n_hops, piece.links, piece.n_links * sizeof *paths->links);
			paths->n_hops += piece.n_links;
			paths->weights[paths->n_paths] =
				route->n_paths ? routes->paths[route->first_path + p].weight : routes->merged_weight[route->first_link + p];
			paths->offsets[paths->n_paths++] = growing->n_hops + paths->n_hops;
		}
		paths->route_weight[paths->n_routes] = route->total_weight;
		paths->route_latency_ps[paths->n_routes] = route->latency_ps;
		paths->route_offsets[paths->n_routes++] = growing->n_paths + paths->n_paths;
	}
}

static void write_paths(struct recorder *recorder)
{
	struct growing *growing = &recorder->growing;
	const struct routes *routes = recorder->routes;
	struct new_paths paths = {0};
	count_paths(routes, growing->n_routes, &paths);
	uint32_t *memory = memory_alloc((2 * ((size_t)paths.n_routes + paths.n_paths) + paths.n_hops + 1) * sizeof *memory);
	paths.route_offsets = memory;
	paths.route_weight = paths.route_offsets + paths.n_routes;
	paths.offsets = paths.route_weight + paths.n_routes;
	paths.weights = paths.offsets + paths.n_paths;
	paths.links = paths.weights + paths.n_paths;
	paths.route_latency_ps = memory_alloc(((size_t)paths.n_routes + 1) * sizeof *paths.route_latency_ps);
	gather(routes, growing, &paths);
	append(recorder, &growing->route_end, growing->route_offsets, VALUE_U32, growing->n_routes + 1, paths.n_routes, paths.route_offsets);
	append(recorder, &growing->route, growing->route_weight, VALUE_U32, growing->n_routes, paths.n_routes, paths.route_weight);
	append(recorder, &growing->route, growing->route_latency, VALUE_I64, growing->n_routes, paths.n_routes, paths.route_latency_ps);
	append(recorder, &growing->path, growing->weights, VALUE_U32, growing->n_paths, paths.n_paths, paths.weights);
	append(recorder, &growing->path_end, growing->offsets, VALUE_U32, growing->n_paths + 1, paths.n_paths, paths.offsets);
	append(recorder, &growing->hop, growing->links, VALUE_U32, growing->n_hops, paths.n_hops, paths.links);
	growing->n_routes += paths.n_routes;
	growing->n_paths += paths.n_paths;
	growing->n_hops += paths.n_hops;
	free(memory);
	free(paths.route_latency_ps);
}

void growing_write(struct recorder *recorder)
{
	struct growing *growing = &recorder->growing;
	if (!growing->is_open)
		return;
	if (HASH_COUNT(recorder->names) > growing->n_names)
		write_names(recorder);
	if (recorder->routes && !recorder->messages.dropped && recorder->routes->n_routes > growing->n_routes)
		write_paths(recorder);
}

void growing_close(struct recorder *recorder)
{
	struct growing *growing = &recorder->growing;
	hid_t datasets[] = {growing->op_names, growing->route_offsets, growing->route_weight, growing->route_latency, growing->weights,
			    growing->offsets, growing->links};
	struct dimension *dimensions[] = {&growing->op_name, &growing->route_end, &growing->route, &growing->path, &growing->path_end,
					  &growing->hop};
	for (size_t i = 0; growing->is_open && i < sizeof datasets / sizeof *datasets; i++)
		if (datasets[i] >= 0)
			H5Dclose(datasets[i]);
	for (size_t i = 0; growing->is_open && i < sizeof dimensions / sizeof *dimensions; i++)
		file_close_dimension(dimensions[i]);
	if (growing->is_open)
		file_close_group(growing->group);
	growing->is_open = false;
}
