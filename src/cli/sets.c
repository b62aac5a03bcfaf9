#include "cli/sets.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct sets *sets, const char *label, const char *assignment)
{
	ARRAY_RESERVE(sets->list, sets->n + 1, sets->capacity);
	sets->list[sets->n++] = (struct scenario_set){.assignment = assignment, .label = label};
}

void sets_add(struct sets *sets, const char *label, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	char *text = arena_alloc(&sets->arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	va_end(arguments);
	add(sets, label ? arena_text(&sets->arena, label) : NULL, text);
}

void sets_add_network(struct sets *sets, const char *spec)
{
	size_t length = strcspn(spec, ":");
	sets_add(sets, "--network", "network.model=%.*s", (int)length, spec);
	while (spec[length]) {
		spec += length + 1;
		length = strcspn(spec, ",");
		sets_add(sets, "--network", "network.%.*s", (int)length, spec);
	}
}

const char *sets_quote(struct sets *sets, const char *text)
{
	char *quoted = arena_alloc(&sets->arena, 2 * strlen(text) + 3), *out = quoted;
	*out++ = '"';
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			*out++ = '\\';
		*out++ = *text;
	}
	*out = '"';
	return quoted;
}

void sets_release(struct sets *sets)
{
	free(sets->list);
	arena_release(&sets->arena);
	memset(sets, 0, sizeof *sets);
}
