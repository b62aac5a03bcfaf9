#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "base/tree.h"
#include "link/catalogue_internal.h"

struct link_kind *catalogue_find_link(const struct catalogue *catalogue, const char *name)
{
	for (size_t i = 0; i < catalogue->n_links; i++)
		if (!strcmp(catalogue->links[i].name, name))
			return &catalogue->links[i];
	return NULL;
}

struct component_kind *catalogue_find_component(const struct catalogue *catalogue, const char *name)
{
	for (size_t i = 0; i < catalogue->n_components; i++)
		if (!strcmp(catalogue->components[i].name, name))
			return &catalogue->components[i];
	return NULL;
}

#define CATALOGUE_MAX_BYTES (16u << 20)
int catalogue_add_file(struct catalogue *catalogue, const char *path, struct error *err)
{
	size_t length;
	char *bytes = text_read_file(path, CATALOGUE_MAX_BYTES, &length, err);
	struct tree_node *root;
	if (!bytes)
		return -1;
	root = tree_parse(bytes, length, arena_text(&catalogue->arena, path), &catalogue->arena, err);
	free(bytes);
	return root ? catalogue_add_tree(catalogue, root, err) : -1;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Every *.yaml of a folder in the order of names. */
static int add_folder(struct catalogue *catalogue, const char *folder, struct error *err)
{
	DIR *dir = opendir(folder);
	const char **names = NULL;
	size_t n = 0, capacity = 0;
	struct dirent *entry;
	int result = 0;
	if (!dir)
		return error_set(err, ERROR_INPUT, "%s: cannot open the catalogue folder", folder);
	while ((entry = readdir(dir)))
		if (text_matches("*.yaml", entry->d_name)) {
			ARRAY_RESERVE(names, n + 1, capacity);
			names[n++] = arena_format(&catalogue->arena, "%s/%s", folder, entry->d_name);
		}
	closedir(dir);
	if (n)
		qsort(names, n, sizeof *names, by_text);
	for (size_t i = 0; !result && i < n; i++)
		result = catalogue_add_file(catalogue, names[i], err);
	free(names);
	return result;
}

static bool is_folder(const char *path)
{
	struct stat info;
	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The shipped folder: beside the program in a build tree (…/catalogue, one up for tests), ../share/weft/catalogue when installed. */
static const char *shipped_folder(struct catalogue *catalogue)
{
	static const char *const places[] = {"catalogue", "../catalogue", "../share/weft/catalogue"};
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;
	if (length <= 0)
		return NULL;
	self[length] = '\0';
	if (!(slash = strrchr(self, '/')))
		return NULL;
	*slash = '\0';
	for (size_t i = 0; i < 3; i++) {
		const char *path = arena_format(&catalogue->arena, "%s/%s", self, places[i]);
		if (is_folder(path))
			return path;
	}
	return NULL;
}

static int add_search_path(struct catalogue *catalogue, const char *list, struct error *err)
{
	while (list && *list) {
		size_t length = strcspn(list, ":");
		const char *path = arena_format(&catalogue->arena, "%.*s", (int)length, list);
		if (*path && (is_folder(path) ? add_folder(catalogue, path, err) : catalogue_add_file(catalogue, path, err)))
			return -1;
		list += length + (list[length] == ':');
	}
	return 0;
}

void catalogue_init_empty(struct catalogue *catalogue) { *catalogue = (struct catalogue){.arena = ARENA_INIT}; }

int catalogue_init(struct catalogue *catalogue, struct error *err)
{
	const char *folder;
	catalogue_init_empty(catalogue);
	folder = shipped_folder(catalogue);
	if (!folder)
		error_set(err, ERROR_HOST, "the catalogue of links is not beside the program nor in ../share/weft/catalogue");
	if (!folder || add_folder(catalogue, folder, err) || add_search_path(catalogue, getenv("WEFT_CATALOGUE_PATH"), err) ||
	    catalogue_check(catalogue, err)) {
		catalogue_release(catalogue);
		return -1;
	}
	return 0;
}

void catalogue_release(struct catalogue *catalogue)
{
	free(catalogue->links);
	free(catalogue->components);
	free(catalogue->machines);
	free(catalogue->tariffs);
	arena_release(&catalogue->arena);
	*catalogue = (struct catalogue){.arena = ARENA_INIT};
}

int catalogue_check(const struct catalogue *catalogue, struct error *err)
{
	for (size_t m = 0; m < catalogue->n_machines; m++) {
		const struct machine_record *machine = &catalogue->machines[m];
		for (uint32_t i = 0; i < machine->n_parts; i++)
			if (machine->parts[i].component && !catalogue_component(catalogue, machine->parts[i].component, err))
				return error_prefix(err, "%s:%d: machine '%s'", machine->file, machine->line, machine->name);
		for (uint32_t i = 0; i < machine->n_roles; i++)
			if (!catalogue_component(catalogue, machine->roles[i].component, err))
				return error_prefix(err, "%s:%d: machine '%s'", machine->file, machine->line, machine->name);
	}
	return 0;
}

#define NAMES_SHOWN 256
/* Collects names with a loop body, then complains. */
static int unknown(const char *what, const char *name, const char **names, size_t n, struct error *err)
{
	char known[1024];
	return error_set(err, ERROR_INPUT, "unknown %s '%s'%s", what, name, text_known(known, sizeof known, name, names, n));
}

const struct link_kind *catalogue_link(const struct catalogue *catalogue, const char *name, struct error *err)
{
	const char *names[NAMES_SHOWN];
	size_t n = 0;
	const struct link_kind *kind = catalogue_find_link(catalogue, name);
	if (kind)
		return kind;
	for (size_t i = 0; i < catalogue->n_links && n < NAMES_SHOWN; i++)
		if (!catalogue->links[i].abstract)
			names[n++] = catalogue->links[i].name;
	unknown("link kind", name, names, n, err);
	return NULL;
}

const struct component_kind *catalogue_component(const struct catalogue *catalogue, const char *name, struct error *err)
{
	const char *names[NAMES_SHOWN];
	size_t n = 0;
	const struct component_kind *kind = catalogue_find_component(catalogue, name);
	if (kind || !err)
		return kind;
	for (size_t i = 0; i < catalogue->n_components && n < NAMES_SHOWN; i++)
		names[n++] = catalogue->components[i].name;
	unknown("component kind", name, names, n, err);
	return NULL;
}

const struct machine_record *catalogue_machine(const struct catalogue *catalogue, const char *name, struct error *err)
{
	const char *names[NAMES_SHOWN];
	size_t n = 0;
	for (size_t i = 0; i < catalogue->n_machines; i++) {
		if (!strcmp(catalogue->machines[i].name, name))
			return &catalogue->machines[i];
		if (n < NAMES_SHOWN)
			names[n++] = catalogue->machines[i].name;
	}
	unknown("machine", name, names, n, err);
	return NULL;
}

const struct machine_record *catalogue_machine_of(const struct catalogue *catalogue, const char *module, const char *spec)
{
	const struct machine_record *named = NULL;
	for (size_t i = 0; i < catalogue->n_machines; i++) {
		if (strchr(catalogue->machines[i].name, ':') && text_matches(catalogue->machines[i].name, spec))
			return &catalogue->machines[i];
		if (!strcmp(catalogue->machines[i].name, module))
			named = &catalogue->machines[i];
	}
	return named;
}

const struct tariff *catalogue_tariff(const struct catalogue *catalogue, const char *name, struct error *err)
{
	const char *names[NAMES_SHOWN];
	size_t n = 0;
	for (size_t i = 0; i < catalogue->n_tariffs; i++) {
		if (!strcmp(catalogue->tariffs[i].name, name))
			return &catalogue->tariffs[i];
		if (n < NAMES_SHOWN)
			names[n++] = catalogue->tariffs[i].name;
	}
	unknown("tariff", name, names, n, err);
	return NULL;
}

const struct component_kind *machine_component(const struct catalogue *catalogue, const struct machine_record *machine,
                                               const char *role)
{
	for (uint32_t i = 0; machine && i < machine->n_roles; i++)
		if (!strcmp(machine->roles[i].role, role))
			return catalogue_find_component(catalogue, machine->roles[i].component);
	return NULL;
}
