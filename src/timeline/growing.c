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
	static const uint32_t zero = 0;
	struct growing *growing = &recorder->growing;
	struct timeline_file *file = &recorder->file;
	const struct dimension *rows = &growing->op_name;
	growing->op_name = file_dimension(file, recorder->ops.group, "op_name", 0, true, NAMES_PER_CHUNK);
	growing->op_names = file_variable(file, recorder->ops.group, &names, &rows, 1);
	growing->group = file_group(file, "/paths",
		"routes: route r splits its bytes by weight over the paths route_offsets[r] … [r + 1] - 1; path p crosses links[offsets[p]] … "
		"[offsets[p + 1] - 1]");
	growing->route_end = file_dimension(file, growing->group, "route_offset", 0, true, ROWS_PER_CHUNK);
	growing->path = file_dimension(file, growing->group, "path", 0, true, ROWS_PER_CHUNK);
	growing->path_end = file_dimension(file, growing->group, "path_offset", 0, true, ROWS_PER_CHUNK);
	growing->hop = file_dimension(file, growing->group, "hop", 0, true, ROWS_PER_CHUNK);
	growing->route_offsets = over(recorder, growing->group, &growing->route_end, "route_offsets", "into path");
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

/* The new rows: every path belongs to one route, every hop to one path, so what the routes hold bounds the sizes. */
struct new_paths {
	uint32_t *route_offsets, *offsets, *weights, *links;
	uint32_t n_routes, n_paths, n_hops;
};

static void gather(const struct routes *routes, const struct growing *growing, struct new_paths *paths)
{
	for (uint32_t r = growing->n_routes; r < routes->n_routes; r++) {
		const struct route *route = &routes->routes[r];
		for (uint32_t p = route->first_path; p < route->first_path + route->n_paths; p++) {
			const struct path *path = &routes->paths[p];
			memcpy(paths->links + paths->n_hops, routes->hop_link + path->first_hop, path->n_hops * sizeof *paths->links);
			paths->n_hops += path->n_hops;
			paths->weights[paths->n_paths] = path->weight;
			paths->offsets[paths->n_paths++] = growing->n_hops + paths->n_hops;
		}
		paths->route_offsets[paths->n_routes++] = growing->n_paths + paths->n_paths;
	}
}

static void write_paths(struct recorder *recorder)
{
	struct growing *growing = &recorder->growing;
	const struct routes *routes = recorder->routes;
	struct new_paths paths = {
		memory_zero((size_t)routes->n_routes + 1, sizeof(uint32_t)), memory_zero((size_t)routes->n_paths + 1, sizeof(uint32_t)),
		memory_zero((size_t)routes->n_paths + 1, sizeof(uint32_t)), memory_zero((size_t)routes->n_hops + 1, sizeof(uint32_t)), 0, 0, 0};
	gather(routes, growing, &paths);
	append(recorder, &growing->route_end, growing->route_offsets, VALUE_U32, growing->n_routes + 1, paths.n_routes, paths.route_offsets);
	append(recorder, &growing->path, growing->weights, VALUE_U32, growing->n_paths, paths.n_paths, paths.weights);
	append(recorder, &growing->path_end, growing->offsets, VALUE_U32, growing->n_paths + 1, paths.n_paths, paths.offsets);
	append(recorder, &growing->hop, growing->links, VALUE_U32, growing->n_hops, paths.n_hops, paths.links);
	growing->n_routes += paths.n_routes;
	growing->n_paths += paths.n_paths;
	growing->n_hops += paths.n_hops;
	free(paths.route_offsets);
	free(paths.offsets);
	free(paths.weights);
	free(paths.links);
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
	hid_t datasets[5] = {growing->op_names, growing->route_offsets, growing->weights, growing->offsets, growing->links};
	struct dimension *dimensions[5] = {&growing->op_name, &growing->route_end, &growing->path, &growing->path_end, &growing->hop};
	for (int i = 0; growing->is_open && i < 5; i++) {
		if (datasets[i] >= 0)
			H5Dclose(datasets[i]);
		file_close_dimension(dimensions[i]);
	}
	if (growing->is_open)
		file_close_group(growing->group);
	growing->is_open = false;
}
