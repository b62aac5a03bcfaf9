/* "star:n=64,bandwidth=50 GB/s" as on a command line. Commas inside [], {} or () do not separate; a value in () loses them. */
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "fabric/fabric.h"

static size_t value_length(const char *text)
{
	int depth = 0;
	size_t n = 0;
	for (; text[n] && (depth > 0 || text[n] != ','); n++)
		depth += (strchr("[{(", text[n]) != NULL) - (strchr("]})", text[n]) != NULL);
	return n;
}

static char *copy_trimmed(struct arena *arena, const char *from, size_t n)
{
	while (n && *from == ' ')
		from++, n--;
	while (n && from[n - 1] == ' ')
		n--;
	if (n >= 2 && from[0] == '(' && from[n - 1] == ')')
		from++, n -= 2;
	char *copy = arena_alloc(arena, n + 1);
	memcpy(copy, from, n);
	return copy;
}

int topology_request_parse(struct topology_request *request, const char *spec, struct arena *arena, struct error *err)
{
	size_t length = strcspn(spec, ":"), n = 1;
	*request = (struct topology_request){0};
	request->module = copy_trimmed(arena, spec, length);
	if (!*request->module)
		return error_set(err, ERROR_INPUT, "topology '%s' names no module (expected MODULE:key=value,key=value)", spec);
	for (const char *c = spec; *c; c++)
		n += *c == ',';
	struct topology_setting *settings = arena_array(arena, n, sizeof *settings);
	const char *at = spec + length + (spec[length] == ':');
	for (n = 0; *at; n++) {
		size_t size = value_length(at), name = strcspn(at, "=");
		if (name >= size)
			return error_set(err, ERROR_INPUT, "topology '%s': '%.*s' is not key=value", spec, (int)size, at);
		settings[n].name = copy_trimmed(arena, at, name);
		settings[n].value = copy_trimmed(arena, at + name + 1, size - name - 1);
		at += size;
		if (*at == ',' && !*++at)
			return error_set(err, ERROR_INPUT, "topology '%s' ends in a comma", spec);
	}
	request->settings = settings;
	request->n_settings = n;
	return 0;
}
