#include "trace/paths.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/text.h"

#define LIMIT_FILES (1u << 20)
#define LIMIT_LIST ((off_t)64 << 20)

static const char rank_word[] = "{rank}";

static int add(struct trace_paths *paths, const char *path, struct error *err)
{
	if (paths->n == LIMIT_FILES)
		return error_set(err, ERROR_INPUT, "%s: more than %u files", path, LIMIT_FILES);
	ARRAY_RESERVE(paths->list, (size_t)paths->n + 1, paths->capacity);
	paths->list[paths->n++] = arena_text(&paths->arena, path);
	return 0;
}

/* strverscmp would take leading zeros for fractions. */
static int by_numbers(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	for (; *x && *y; x++, y++) {
		if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
			size_t n, m;
			x += strspn(x, "0");
			y += strspn(y, "0");
			n = strspn(x, "0123456789");
			m = strspn(y, "0123456789");
			int order = n != m ? (n > m) - (n < m) : strncmp(x, y, n);
			if (order)
				return order;
			x += n;
			y += n;
			if (!*x || !*y)
				break;
		}
		if (*x != *y)
			return (unsigned char)*x - (unsigned char)*y;
	}
	return (*x > *y) - (*x < *y);
}

static int run_glob(const char *pattern, glob_t *found, struct error *err)
{
	int code = glob(pattern, 0, NULL, found);
	if (!code)
		return 0;
	return error_set(err, code == GLOB_NOSPACE ? ERROR_HOST : ERROR_INPUT, code == GLOB_NOSPACE ? "%s: no memory for its matches" :
			 code == GLOB_ABORTED ? "%s: a folder cannot be read" : "%s: no file matches", pattern);
}

static int add_pattern(struct trace_paths *paths, const char *pattern, struct error *err)
{
	glob_t found = {0};
	int result = run_glob(pattern, &found, err);
	qsort(found.gl_pathv, result ? 0 : found.gl_pathc, sizeof *found.gl_pathv, by_numbers);
	for (size_t i = 0; i < found.gl_pathc && !result; i++)
		result = add(paths, found.gl_pathv[i], err);
	globfree(&found);
	return result;
}

/* The pattern of a template: its own special characters lose their meaning, {rank} becomes a star. */
static char *template_pattern(struct trace_paths *paths, const char *template, const char *at)
{
	char *pattern = arena_alloc(&paths->arena, 2 * strlen(template) + 2), *out = pattern;
	for (const char *c = template; *c; c++) {
		if (c == at) {
			*out++ = '*';
			c += sizeof rank_word - 2;
			continue;
		}
		if (strchr("*?[\\", *c))
			*out++ = '\\';
		*out++ = *c;
	}
	return pattern;
}

/* The rank in a path that matched; -1 when what stands there is no number. */
static int64_t rank_of(const char *path, size_t before, size_t after)
{
	size_t n = strlen(path) - before - after;
	if (n < 1 || n > 7 || strspn(path + before, "0123456789") < n)
		return -1;
	return strtoll(path + before, NULL, 10);
}

static int add_ranks(struct trace_paths *paths, const char *template, const glob_t *found, size_t before, size_t after, struct error *err)
{
	const char **by_rank = memory_zero(found->gl_pathc + 1, sizeof *by_rank);
	int64_t n = (int64_t)found->gl_pathc, most = -1;
	int result = 0;
	for (int64_t i = 0; i < n && !result; i++) {
		const char *path = found->gl_pathv[i];
		int64_t rank = rank_of(path, before, after);
		most = rank > most ? rank : most;
		if (rank >= 0 && rank < n && by_rank[rank])
			result = error_set(err, ERROR_INPUT, "%s: rank %lld is both '%s' and '%s'", template, (long long)rank,
					   by_rank[rank], path);
		else if (rank >= 0 && rank < n)
			by_rank[rank] = path;
	}
	if (!result && most < 0)
		result = error_set(err, ERROR_INPUT, "%s: no file matches (expected a number in place of {rank})", template);
	for (int64_t rank = 0; rank <= most && !result; rank++)
		result = rank < n && by_rank[rank] ? add(paths, by_rank[rank], err) :
			error_set(err, ERROR_INPUT, "%s: rank %lld is missing (the last is %lld)", template, (long long)rank, (long long)most);
	free(by_rank);
	return result;
}

static int add_template(struct trace_paths *paths, const char *template, const char *at, struct error *err)
{
	glob_t found = {0};
	const char *rest = at + sizeof rank_word - 1;
	if (strstr(rest, rank_word))
		return error_set(err, ERROR_INPUT, "%s: {rank} stands there twice", template);
	int code = glob(template_pattern(paths, template, at), 0, NULL, &found);
	int result = code && code != GLOB_NOMATCH ? error_set(err, ERROR_INPUT, "%s: a folder cannot be read", template) :
		     add_ranks(paths, template, &found, (size_t)(at - template), strlen(rest), err);
	globfree(&found);
	return result;
}

static bool is_there(const char *path)
{
	struct stat status; /* not a pipe or a device, which would be waited for */
	return !stat(path, &status) && S_ISREG(status.st_mode);
}

/* The file that a line of a list names; NULL for an empty line. */
static const char *line_path(struct trace_paths *paths, const char *list, const char *line, size_t n)
{
	const char *slash = strrchr(list, '/'), *comment = memchr(line, '#', n);
	n = comment ? (size_t)(comment - line) : n;
	for (; n > 0 && isspace((unsigned char)*line); line++)
		n--;
	while (n > 0 && isspace((unsigned char)line[n - 1]))
		n--;
	if (!n)
		return NULL;
	return arena_format(&paths->arena, "%.*s%.*s", slash && *line != '/' ? (int)(slash + 1 - list) : 0, list, (int)n, line);
}

/* The first line that is not empty names a file that is there: nothing else that is read here begins so. */
static bool is_list(struct trace_paths *paths, const char *path)
{
	char line[4200];
	bool yes = false;
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file)) {
		size_t n = strlen(line);
		const char *named = line_path(paths, path, line, n);
		if (n + 1 == sizeof line)
			break;
		if (!named)
			continue;
		yes = is_there(named) && strcmp(named, path) != 0;
		break;
	}
	if (file)
		fclose(file);
	return yes;
}

static int add_list(struct trace_paths *paths, const char *path, struct error *err)
{
	char *text = text_read_file(path, (size_t)LIMIT_LIST, NULL, err);
	int result = text ? 0 : -1, number = 1;
	for (char *line = text; line && *line && !result; number++) {
		size_t n = strcspn(line, "\n");
		const char *named = line_path(paths, path, line, n);
		if (named && !is_there(named))
			result = error_at(err, path, number, 1, "there is no file '%s'", named);
		else if (named)
			result = add(paths, named, err);
		line += n + (line[n] == '\n');
	}
	free(text);
	return result;
}

static int expand(struct trace_paths *paths, const char *given, struct error *err)
{
	struct stat status;
	const char *at = strstr(given, rank_word);
	if (!stat(given, &status)) {
		bool list = S_ISREG(status.st_mode) && status.st_size <= LIMIT_LIST && is_list(paths, given);
		paths->by_rank &= list;
		return list ? add_list(paths, given, err) : add(paths, given, err);
	}
	if (at)
		return add_template(paths, given, at, err);
	const char *first = arena_format(&paths->arena, "%s.0.et", given);
	if (is_there(first)) {
		const char *template = arena_format(&paths->arena, "%s.{rank}.et", given);
		return add_template(paths, template, strstr(template + strlen(given), rank_word), err);
	}
	paths->by_rank = false;
	return given[strcspn(given, "*?[")] ? add_pattern(paths, given, err) : add(paths, given, err);
}

int trace_paths_expand(struct trace_paths *paths, const char *const *given, uint32_t n, struct error *err)
{
	int result = 0;
	*paths = (struct trace_paths){.by_rank = true};
	for (uint32_t i = 0; i < n && !result; i++)
		result = expand(paths, given[i], err);
	if (!result && !paths->n)
		result = error_set(err, ERROR_INPUT, "%s: names no file", n ? given[0] : "trace");
	return result;
}

void trace_paths_release(struct trace_paths *paths)
{
	free(paths->list);
	arena_release(&paths->arena);
}

/* Whether they are the same but for their numbers. */
static bool same_words(const char *x, const char *y)
{
	while (*x || *y) {
		x += strspn(x, "0123456789");
		y += strspn(y, "0123456789");
		size_t n = strcspn(x, "0123456789"), m = strcspn(y, "0123456789");
		if (n != m || strncmp(x, y, n))
			return false;
		x += n;
		y += m;
	}
	return true;
}

void trace_paths_sort(const char **list, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (!same_words(list[0], list[i]))
			return;
	if (n > 1)
		qsort(list, n, sizeof *list, by_numbers);
}
