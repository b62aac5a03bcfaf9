/* Finding and loading topology modules. The search path is, in this order: the directories of WEFT_TOPOLOGY_PATH; topologies/
 * beside the running program and beside its directory (a build tree: the program, its tests and benches); lib/weft/topologies
 * of the prefix whose bin/ holds the program (installed). No path of the machine that built weft is compiled in. */
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "fabric/build.h"

/* Modules that are part of the core: see build.h. */
static const struct weft_topology *const topologies_inside[] = {&topology_file, &topology_nccl_xml, NULL};

static const char *const relative_places[] = {"topologies", "../topologies", "../lib/weft/topologies"};

/* Where the running program is, without its own name; "" when the host does not say. */
static void program_directory(char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);
	out[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(out, '/');
	if (slash)
		*slash = '\0';
}

/* Calls visit(directory) along the search path until it returns true. */
static bool search_path(bool (*visit)(const char *directory, void *context), void *context)
{
	char program[PATH_MAX], place[PATH_MAX + 64];
	const char *given = getenv("WEFT_TOPOLOGY_PATH");
	while (given && *given) {
		size_t n = strcspn(given, ":");
		if (n && n < sizeof place) {
			snprintf(place, sizeof place, "%.*s", (int)n, given);
			if (visit(place, context))
				return true;
		}
		given += n + (given[n] == ':');
	}
	program_directory(program, sizeof program);
	for (size_t i = 0; *program && i < sizeof relative_places / sizeof *relative_places; i++) {
		snprintf(place, sizeof place, "%s/%s", program, relative_places[i]);
		if (visit(place, context))
			return true;
	}
	return false;
}

static const struct weft_topology *check_module(const struct weft_topology *module, const char *path, const char *name,
	struct error *err)
{
	if (module->abi != WEFT_TOPOLOGY_ABI)
		error_set(err, ERROR_INPUT, "topology module '%s' is built for ABI %u, this weft speaks ABI %d: build it again against "
			"the installed headers", path, module->abi, WEFT_TOPOLOGY_ABI);
	else if (module->size < sizeof *module)
		error_set(err, ERROR_INPUT, "topology module '%s' has a descriptor of %u bytes, ABI %d has %zu", path, module->size,
			WEFT_TOPOLOGY_ABI, sizeof *module);
	else if (!module->name || !module->summary || !module->build)
		error_set(err, ERROR_INPUT, "topology module '%s' lacks a name, a summary or a build function", path);
	else if (name && strcmp(module->name, name))
		error_set(err, ERROR_INPUT, "topology module '%s' calls itself '%s'", path, module->name);
	else
		return module;
	return NULL;
}

/* `name` is what the module must call itself; NULL: anything. The handle is never closed: fabrics point into it. */
static const struct weft_topology *load_path(const char *path, const char *name, struct error *err)
{
	char with_slash[PATH_MAX + 64];
	snprintf(with_slash, sizeof with_slash, "%s%s", strchr(path, '/') ? "" : "./", path);
	void *handle = dlopen(with_slash, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		error_set(err, ERROR_INPUT, "cannot load topology module '%s': %s", path, dlerror());
		return NULL;
	}
	const struct weft_topology *module = dlsym(handle, "weft_topology_module");
	if (!module) {
		error_set(err, ERROR_INPUT, "'%s' is no topology module: it exports no weft_topology_module", path);
		return NULL;
	}
	return check_module(module, path, name, err);
}

struct by_name {
	const char *name;
	char path[PATH_MAX + 128];
};

static bool find_by_name(const char *directory, void *context)
{
	struct by_name *wanted = context;
	snprintf(wanted->path, sizeof wanted->path, "%s/%s.so", directory, wanted->name);
	return access(wanted->path, R_OK) == 0;
}

static void refuse_unknown(const char *name, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct topology_list list;
	char known[1500];
	topology_list(&list, &arena);
	const char **names = arena_array(&arena, list.n + 1, sizeof *names);
	for (size_t i = 0; i < list.n; i++)
		names[i] = list.modules[i]->name;
	error_set(err, ERROR_INPUT, "unknown topology '%s'%s", name, text_known(known, sizeof known, name, names, list.n));
	arena_release(&arena);
}

const struct weft_topology *topology_load(const char *name, struct error *err)
{
	struct by_name wanted = {.name = name};
	size_t length = strlen(name);
	for (size_t i = 0; topologies_inside[i]; i++)
		if (!strcmp(name, topologies_inside[i]->name))
			return topologies_inside[i];
	if (length > 3 && !strcmp(name + length - 3, ".so"))
		return load_path(name, NULL, err);
	if (length && length < 256 && !strchr(name, '/') && search_path(find_by_name, &wanted))
		return load_path(wanted.path, name, err);
	refuse_unknown(name, err);
	return NULL;
}

struct listing {
	struct topology_list *list;
	struct arena *arena;
	size_t modules_capacity, paths_capacity;
};

static bool listed(const struct topology_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->modules[i]->name, name))
			return true;
	return false;
}

static void list_module(struct listing *listing, const struct weft_topology *module, const char *path)
{
	struct topology_list *list = listing->list;
	if (!module || listed(list, module->name))
		return;
	ARRAY_RESERVE(list->modules, list->n + 1, listing->modules_capacity);
	ARRAY_RESERVE(list->paths, list->n + 1, listing->paths_capacity);
	list->modules[list->n] = module;
	list->paths[list->n++] = arena_text(listing->arena, path);
}

static bool list_directory(const char *directory, void *context)
{
	struct listing *listing = context;
	DIR *entries = opendir(directory);
	struct dirent *entry;
	char path[PATH_MAX + 320], name[256];
	while (entries && (entry = readdir(entries))) {
		size_t length = strlen(entry->d_name);
		if (length <= 3 || length >= sizeof name || strcmp(entry->d_name + length - 3, ".so"))
			continue;
		snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		snprintf(name, sizeof name, "%.*s", (int)length - 3, entry->d_name);
		list_module(listing, load_path(path, name, NULL), path);
	}
	if (entries)
		closedir(entries);
	return false;
}

void topology_list(struct topology_list *list, struct arena *arena)
{
	struct listing listing = {.list = list, .arena = arena};
	*list = (struct topology_list){0};
	for (size_t i = 0; topologies_inside[i]; i++)
		list_module(&listing, topologies_inside[i], "(part of weft)");
	search_path(list_directory, &listing);
	for (size_t i = 1; i < list->n; i++) { /* insertion sort by name, both arrays together */
		const struct weft_topology *module = list->modules[i];
		const char *path = list->paths[i];
		size_t j = i;
		for (; j > 0 && strcmp(list->modules[j - 1]->name, module->name) > 0; j--) {
			list->modules[j] = list->modules[j - 1];
			list->paths[j] = list->paths[j - 1];
		}
		list->modules[j] = module;
		list->paths[j] = path;
	}
	const struct weft_topology **modules = list->modules;
	const char **paths = list->paths;
	list->modules = arena_array(arena, list->n, sizeof *list->modules);
	list->paths = arena_array(arena, list->n, sizeof *list->paths);
	memcpy(list->modules, modules, list->n * sizeof *modules);
	memcpy(list->paths, paths, list->n * sizeof *paths);
	free(modules);
	free(paths);
}
