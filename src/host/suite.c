#include "host/suite.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/text.h"
#include "base/tree.h"
#include "base/units.h"
#include "scenario/section.h"

#define SUITE_FILE "suite.yaml"

struct suite_file {
	int64_t format, limit_ps;
	const struct tree_node *metrics, *scenarios;
};
static const struct section_key file_keys[] = {
	{"suite", KEY_COUNT, NULL, "1..1", "format version of this file", offsetof(struct suite_file, format)},
	{"time_limit", KEY_TIME, "60 s", "1 ms..1 d", "of the host, per scenario", offsetof(struct suite_file, limit_ps)},
	{"metrics", KEY_NODE, "", NULL, "what to watch", offsetof(struct suite_file, metrics)},
	{"scenarios", KEY_NODE, "", NULL, "default: all in the folder", offsetof(struct suite_file, scenarios)},
	{0},
};
static const struct section file_section = {"suite", "a list of scenarios", file_keys};

struct suite_item {
	const char *path, *name;
	struct texts sets;
	int64_t limit_ps;
	const struct tree_node *metrics;
};
static const struct section_key item_keys[] = {
	{"path", KEY_PATH, NULL, NULL, "the scenario", offsetof(struct suite_item, path)},
	{"name", KEY_TEXT, "", NULL, "default: the file's", offsetof(struct suite_item, name)},
	{"set", KEY_TEXTS, "", NULL, "PATH=VALUE, as --set", offsetof(struct suite_item, sets)},
	{"time_limit", KEY_TIME, "", "1 ms..1 d", "default: the suite's", offsetof(struct suite_item, limit_ps)},
	{"metrics", KEY_NODE, "", NULL, "default: the suite's", offsetof(struct suite_item, metrics)},
	{0},
};
static const struct section item_section = {"scenario of a suite", "one scenario", item_keys};

struct suite_watch {
	const char *metric, *absolute;
	double relative;
	int side;
};
static const struct section_key watch_keys[] = {
	{"metric", KEY_TEXT, NULL, NULL, "its name, with * and ?", offsetof(struct suite_watch, metric)},
	{"relative", KEY_RATIO, "0", "0..1000", "of the expected value", offsetof(struct suite_watch, relative)},
	{"absolute", KEY_TEXT, "", NULL, "with a unit: 500 ns, 64 B; a count has none", offsetof(struct suite_watch, absolute)},
	{"side", KEY_CHOICE, "both", "both|above|below", "which way it must not move", offsetof(struct suite_watch, side)},
	{0},
};
static const struct section watch_section = {"metric of a suite", "one metric", watch_keys};

static const char *const default_metrics[] = {"status", "result_digest", "time_ps", "messages", "bytes", "link_bytes"};
#define N_DEFAULT (sizeof default_metrics / sizeof *default_metrics)

/* ---- metrics ---- */

static enum quantity quantity_of(const char *metric)
{
	size_t n = strlen(metric);
	if (n > 3 && !strcmp(metric + n - 3, "_ps"))
		return QUANTITY_TIME;
	return n >= 5 && !strcmp(metric + n - 5, "bytes") ? QUANTITY_BYTES : QUANTITY_COUNT;
}

static int read_metric(struct suite *suite, const struct tree_node *node, struct suite_metric *metric, struct error *err)
{
	struct section_reader reader = {.arena = &suite->arena, .err = err};
	struct suite_watch watch = {0};
	struct error local = {0};
	if (node->kind == TREE_SCALAR)
		watch.metric = node->text;
	else if (node->kind == TREE_LIST)
		return tree_fail(node, err, "a metric is a name, or a mapping with 'metric'");
	else if (section_read(&reader, &watch_section, (struct tree_node *)node, &watch))
		return -1;
	if (measures_check_pattern(watch.metric, &local))
		return tree_fail(node->kind == TREE_SCALAR ? node : tree_get(node, "metric"), err, "%s", local.message);
	*metric = (struct suite_metric){.pattern = watch.metric, .relative = watch.relative, .side = (enum suite_side)watch.side};
	if (watch.absolute && units_parse_integer(watch.absolute, quantity_of(watch.metric), &metric->absolute, &local))
		return tree_fail(tree_get(node, "absolute"), err, "absolute: %s", local.message);
	return 0;
}

/* NULL node: the usual ones. */
static int read_metrics(struct suite *suite, const struct tree_node *node, const struct suite_metric **out, uint32_t *n, struct error *err)
{
	*n = node ? node->n_entries : N_DEFAULT;
	struct suite_metric *metrics = arena_array(&suite->arena, *n + 1u, sizeof *metrics);
	*out = metrics;
	if (node && node->kind != TREE_LIST)
		return tree_fail(node, err, "'metrics' must be a list such as [time_ps, result_digest]");
	for (uint32_t i = 0; i < *n; i++) {
		if (!node)
			metrics[i].pattern = default_metrics[i];
		else if (read_metric(suite, node->entries[i].value, &metrics[i], err))
			return -1;
	}
	return 0;
}

/* ---- entries ---- */

static const char *base_name(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
	return arena_format(arena, "%.*s", (int)(dot && dot > name ? (size_t)(dot - name) : strlen(name)), name);
}

static const char *directory_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? arena_format(arena, "%.*s", (int)(slash - path), path) : "";
}

/* `name` NULL: the file's. */
static struct suite_entry *add_entry(struct suite *suite, const char *path, const char *name)
{
	struct arena *arena = &suite->arena;
	const char *directory = directory_of(arena, path);
	ARRAY_RESERVE(suite->entries, suite->n + 1, suite->capacity);
	struct suite_entry *entry = &suite->entries[suite->n++];
	*entry = (struct suite_entry){.name = name ? name : base_name(arena, path), .path = path, .place = path};
	entry->baseline = arena_format(arena, "%s%s%s.baseline", directory, *directory ? "/" : "", entry->name);
	return entry;
}

static int read_item(struct suite *suite, const struct section_reader *reader, const struct tree_node *node, const struct suite_entry *usual)
{
	struct suite_item item = {.limit_ps = usual->limit_ps};
	if (node->kind == TREE_LIST)
		return tree_fail(node, reader->err, "a scenario of a suite is a path, or a mapping with 'path'");
	if (node->kind == TREE_SCALAR)
		item.path = section_path(reader, node->text);
	else if (section_read(reader, &item_section, (struct tree_node *)node, &item))
		return -1;
	if (item.name && strchr(item.name, '/'))
		return tree_fail(tree_get(node, "name"), reader->err, "'%s' names a scenario and its baseline: no '/' in it", item.name);
	struct suite_entry *entry = add_entry(suite, item.path, item.name);
	struct scenario_set *sets = arena_array(&suite->arena, item.sets.n + 1u, sizeof *sets);
	entry->sets = (struct scenario_overrides){sets, item.sets.n};
	entry->limit_ps = item.limit_ps;
	entry->metrics = usual->metrics;
	entry->n_metrics = usual->n_metrics;
	entry->place = arena_format(&suite->arena, "%s:%d:%d", node->file, node->line, node->column);
	for (uint32_t i = 0; i < item.sets.n; i++) {
		sets[i].assignment = item.sets.values[i];
		sets[i].label = arena_format(&suite->arena, "%s: set %s", entry->place, item.sets.values[i]);
	}
	return item.metrics ? read_metrics(suite, item.metrics, &suite->entries[suite->n - 1].metrics, &suite->entries[suite->n - 1].n_metrics,
					   reader->err) : 0;
}

/* ---- folders ---- */

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_scenario(const char *name)
{
	const char *dot = strrchr(name, '.');
	return name[0] != '.' && dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml")) && strcmp(name, SUITE_FILE) != 0;
}

/* Every scenario of the folder, by name. */
static int add_folder(struct suite *suite, const char *folder, const struct suite_entry *usual, struct error *err)
{
	DIR *directory = opendir(*folder ? folder : ".");
	char **names = NULL;
	size_t n = 0, capacity = 0;
	if (!directory)
		return error_set(err, ERROR_INPUT, "cannot open suite '%s': %s", folder, strerror(errno));
	for (const struct dirent *found; (found = readdir(directory));) {
		if (!is_scenario(found->d_name))
			continue;
		ARRAY_RESERVE(names, n + 1, capacity);
		names[n++] = arena_text(&suite->arena, found->d_name);
	}
	closedir(directory);
	if (n)
		qsort(names, n, sizeof *names, by_name);
	for (size_t i = 0; i < n; i++) {
		struct suite_entry *entry =
			add_entry(suite, *folder ? arena_format(&suite->arena, "%s/%s", folder, names[i]) : names[i], NULL);
		entry->limit_ps = usual->limit_ps;
		entry->metrics = usual->metrics;
		entry->n_metrics = usual->n_metrics;
	}
	free(names);
	return n ? 0 : error_set(err, ERROR_INPUT, "suite '%s' has no scenario: no file *.yaml in it", *folder ? folder : ".");
}

/* ---- all ---- */

/* A mapping with scenarios, or the bare list of them. */
static int read_file(struct suite *suite, const char *path, struct error *err)
{
	size_t length;
	char *text = text_read_file(path, 16 << 20, &length, err);
	struct tree_node *root = text ? tree_parse(text, length, path, &suite->arena, err) : NULL;
	const char *folder = directory_of(&suite->arena, path);
	struct section_reader reader = {.arena = &suite->arena, .directory = folder, .err = err};
	struct suite_file file = {.limit_ps = INT64_C(60) * PS_PER_S};
	struct suite_entry usual = {0};
	free(text);
	if (!root)
		return -1;
	if (root->kind == TREE_SCALAR)
		return tree_fail(root, err, "a suite is a list of scenarios, or a mapping with 'suite: 1'");
	if (root->kind == TREE_LIST)
		file.scenarios = root;
	else if (section_read(&reader, &file_section, root, &file))
		return -1;
	usual.limit_ps = file.limit_ps;
	if (read_metrics(suite, file.metrics, &usual.metrics, &usual.n_metrics, err))
		return -1;
	if (!file.scenarios)
		return add_folder(suite, folder, &usual, err);
	if (file.scenarios->kind != TREE_LIST || !file.scenarios->n_entries)
		return tree_fail(file.scenarios, err, "'scenarios' must be a list with at least one scenario");
	for (uint32_t i = 0; i < file.scenarios->n_entries; i++)
		if (read_item(suite, &reader, file.scenarios->entries[i].value, &usual))
			return -1;
	return 0;
}

static int read_folder(struct suite *suite, const char *folder, struct error *err)
{
	struct suite_entry usual = {.limit_ps = INT64_C(60) * PS_PER_S};
	const char *file = arena_format(&suite->arena, "%s/" SUITE_FILE, folder);
	struct stat status;
	if (stat(file, &status) == 0)
		return read_file(suite, file, err);
	return read_metrics(suite, NULL, &usual.metrics, &usual.n_metrics, err) || add_folder(suite, folder, &usual, err) ? -1 : 0;
}

static int check_names(const struct suite *suite, struct error *err)
{
	for (uint32_t i = 0; i < suite->n; i++)
		for (uint32_t k = 0; k < i; k++)
			if (!strcmp(suite->entries[i].name, suite->entries[k].name))
				return error_set(err, ERROR_INPUT, "%s: two scenarios are called '%s' (the other: %s)", suite->entries[i].place,
						 suite->entries[i].name, suite->entries[k].place);
	return 0;
}

static int check_scenarios(const struct suite *suite, struct error *err)
{
	for (uint32_t i = 0; i < suite->n; i++) {
		struct scenario scenario;
		if (scenario_load(&scenario, suite->entries[i].path, &suite->entries[i].sets, err))
			return -1;
		scenario_release(&scenario);
	}
	return 0;
}

int suite_load(struct suite *suite, const char *path, struct error *err)
{
	struct stat status;
	memset(suite, 0, sizeof *suite);
	char *clean = arena_text(&suite->arena, path);
	for (size_t n = strlen(clean); n > 1 && clean[n - 1] == '/'; n--)
		clean[n - 1] = '\0';
	suite->name = base_name(&suite->arena, clean);
	int failed = stat(clean, &status) ? error_set(err, ERROR_INPUT, "cannot open suite '%s': %s", path, strerror(errno)) :
		     S_ISDIR(status.st_mode) ? read_folder(suite, clean, err) : read_file(suite, clean, err);
	if (failed || check_names(suite, err) || check_scenarios(suite, err)) {
		suite_release(suite);
		return -1;
	}
	return 0;
}

void suite_release(struct suite *suite)
{
	free(suite->entries);
	arena_release(&suite->arena);
	memset(suite, 0, sizeof *suite);
}
