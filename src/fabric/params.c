#include "fabric/params.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"

#define LIST_LIMIT 64

struct range {
	bool has_low, has_high;
	double low, high;
};

const char *params_type_name(enum weft_param_type type)
{
	static const char *const names[] = {"integer", "list", "number", "bandwidth", "time", "length", "bytes", "bool", "choice", "text"};
	return names[type];
}

enum quantity params_quantity(enum weft_param_type type)
{
	switch (type) {
	case WEFT_PARAM_BANDWIDTH: return QUANTITY_RATE;
	case WEFT_PARAM_TIME: return QUANTITY_TIME;
	case WEFT_PARAM_LENGTH: return QUANTITY_LENGTH;
	case WEFT_PARAM_BYTES: return QUANTITY_BYTES;
	case WEFT_PARAM_REAL: return QUANTITY_NUMBER;
	default: return QUANTITY_COUNT;
	}
}

/* An integer parameter may be negative ("-1": not chosen), which a count may not. */
static int parse_integer(const char *text, enum weft_param_type type, int64_t *value, struct error *err)
{
	while (*text == ' ')
		text++;
	if (*text != '-' || (type != WEFT_PARAM_INTEGER && type != WEFT_PARAM_INTEGER_LIST))
		return units_parse_integer(text, params_quantity(type), value, err);
	if (units_parse_integer(text + 1, QUANTITY_COUNT, value, err))
		return -1;
	*value = -*value;
	return 0;
}

static int parse_number(const char *text, enum weft_param_type type, double *real, int64_t *integer, struct error *err)
{
	if (type == WEFT_PARAM_REAL || type == WEFT_PARAM_LENGTH) {
		*integer = 0;
		return units_parse(text, params_quantity(type), real, err);
	}
	if (parse_integer(text, type, integer, err))
		return -1;
	*real = (double)*integer;
	return 0;
}

/* "LOW..HIGH" with either end open; the module's author made it, so a mistake in it is reported as the module's. */
static int parse_range(const char *text, size_t length, enum weft_param_type type, struct range *range, struct error *err)
{
	char end[64];
	int64_t unused;
	const char *dots = NULL;
	*range = (struct range){0};
	for (size_t i = 0; i + 1 < length && !dots; i++)
		if (text[i] == '.' && text[i + 1] == '.')
			dots = text + i;
	if (!dots || length >= sizeof end)
		return error_set(err, ERROR_INPUT, "range '%.*s' is not LOW..HIGH", (int)length, text);
	for (int high = 0; high < 2; high++) {
		const char *from = high ? dots + 2 : text, *to = high ? text + length : dots;
		while (from < to && *from == ' ')
			from++;
		while (to > from && to[-1] == ' ')
			to--;
		if (from == to)
			continue;
		snprintf(end, sizeof end, "%.*s", (int)(to - from), from);
		if (parse_number(end, type, high ? &range->high : &range->low, &unused, err))
			return -1;
		*(high ? &range->has_high : &range->has_low) = true;
	}
	return 0;
}

static bool range_has(const struct range *range, double value)
{
	return (!range->has_low || value >= range->low) && (!range->has_high || value <= range->high);
}

static int check_range(const struct param_value *value, struct error *err)
{
	struct range range;
	const char *text = value->param->range;
	if (!text)
		return 0;
	if (parse_range(text, strlen(text), value->param->type, &range, err))
		return -1;
	if (!range_has(&range, value->real))
		return error_set(err, ERROR_INPUT, "is '%s' (range: %s)", value->text, text);
	return 0;
}

/* A list's range is "VALUES" or "VALUES: HOW MANY". */
static int check_list(const struct param_value *value, struct error *err)
{
	struct range range;
	const char *text = value->param->range;
	if (!text)
		return 0;
	const char *colon = strchr(text, ':');
	if (parse_range(text, colon ? (size_t)(colon - text) : strlen(text), WEFT_PARAM_INTEGER, &range, err))
		return -1;
	for (uint32_t i = 0; i < value->n_list; i++)
		if (!range_has(&range, (double)value->list[i]))
			return error_set(err, ERROR_INPUT, "has the value %lld in '%s' (range: %.*s)", (long long)value->list[i],
					 value->text, (int)(colon ? colon - text : (long)strlen(text)), text);
	if (!colon)
		return 0;
	if (parse_range(colon + 1, strlen(colon + 1), WEFT_PARAM_INTEGER, &range, err))
		return -1;
	if (!range_has(&range, (double)value->n_list))
		return error_set(err, ERROR_INPUT, "has %u values in '%s' (how many:%s)", value->n_list, value->text, colon + 1);
	return 0;
}

/* "[4, 4, 8]", "4x4x8", "4,4,8" or "4". */
static int parse_list(struct param_value *value, struct arena *arena, struct error *err)
{
	int64_t numbers[LIST_LIMIT];
	char word[64];
	const char *at = value->text;
	size_t length = strlen(at);
	if (length >= 2 && at[0] == '[' && at[length - 1] == ']') {
		at++;
		length -= 2;
	}
	const char *end = at + length;
	while (at < end || value->n_list == 0) {
		size_t n = strcspn(at, "x,");
		if (at + n > end)
			n = (size_t)(end - at);
		if (value->n_list == LIST_LIMIT)
			return error_set(err, ERROR_INPUT, "has more than %d values in '%s'", LIST_LIMIT, value->text);
		if (n >= sizeof word)
			n = sizeof word - 1;
		snprintf(word, sizeof word, "%.*s", (int)n, at);
		if (parse_integer(word, WEFT_PARAM_INTEGER_LIST, &numbers[value->n_list], err))
			return error_prefix(err, "list '%s'", value->text);
		value->n_list++;
		at += n;
		if (at < end && ++at == end)
			return error_set(err, ERROR_INPUT, "list '%s' ends in a separator", value->text);
	}
	value->list = arena_array(arena, value->n_list, sizeof *numbers);
	memcpy(value->list, numbers, value->n_list * sizeof *numbers);
	return check_list(value, err);
}

static int parse_bool(struct param_value *value, struct error *err)
{
	static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
	for (int i = 0; i < 4; i++) {
		if (!strcmp(value->text, yes[i]) || !strcmp(value->text, no[i])) {
			value->integer = !strcmp(value->text, yes[i]);
			value->real = (double)value->integer;
			value->text = value->integer ? "true" : "false";
			return 0;
		}
	}
	return error_set(err, ERROR_INPUT, "is '%s' (known: true, false)", value->text);
}

static int parse_choice(struct param_value *value, struct arena *arena, struct error *err)
{
	const char *names[32];
	size_t n = 0;
	char known[512], *copy = arena_text(arena, value->param->range ? value->param->range : ""), *save = NULL;
	for (char *word = strtok_r(copy, "|", &save); word && n < 32; word = strtok_r(NULL, "|", &save)) {
		if (!strcmp(word, value->text))
			return 0;
		names[n++] = word;
	}
	return error_set(err, ERROR_INPUT, "is '%s'%s", value->text, text_known(known, sizeof known, value->text, names, n));
}

static int parse_value(struct param_value *value, struct arena *arena, struct error *err)
{
	switch (value->param->type) {
	case WEFT_PARAM_TEXT: return 0;
	case WEFT_PARAM_BOOL: return parse_bool(value, err);
	case WEFT_PARAM_CHOICE: return parse_choice(value, arena, err);
	case WEFT_PARAM_INTEGER_LIST: return parse_list(value, arena, err);
	default:
		if (parse_number(value->text, value->param->type, &value->real, &value->integer, err))
			return -1;
		return check_range(value, err);
	}
}

static int refuse_unknown(const char *subject, const struct param_value *values, size_t n, const struct topology_setting *setting,
	struct error *err)
{
	char known[1024];
	const char *names[128];
	size_t n_names = n < 128 ? n : 128;
	for (size_t i = 0; i < n_names; i++)
		names[i] = values[i].param->name;
	return error_at(err, setting->file, setting->line, setting->column, "%s has no parameter '%s'%s", subject, setting->name,
			n ? text_known(known, sizeof known, setting->name, names, n_names) : " (it takes none)");
}

static int take_settings(const char *subject, struct param_value *values, size_t n, const struct topology_request *request,
	struct error *err)
{
	for (size_t s = 0; s < request->n_settings; s++) {
		const struct topology_setting *setting = &request->settings[s];
		struct param_value *value = (struct param_value *)params_find(values, n, setting->name);
		if (!value)
			return refuse_unknown(subject, values, n, setting, err);
		if (value->setting)
			return error_at(err, setting->file, setting->line, setting->column, "%s: parameter '%s' is given twice",
					subject, setting->name);
		value->setting = setting;
		value->text = setting->value;
	}
	return 0;
}

int params_resolve(const char *subject, const struct weft_param *params, const struct topology_request *request,
	struct arena *arena, struct param_value **values, size_t *n_values, struct error *err)
{
	size_t n = 0;
	while (params && params[n].name)
		n++;
	*values = arena_array(arena, n + 1, sizeof **values);
	*n_values = n;
	for (size_t i = 0; i < n; i++) {
		(*values)[i].param = &params[i];
		(*values)[i].text = params[i].default_value;
	}
	if (take_settings(subject, *values, n, request, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct param_value *value = &(*values)[i];
		const struct topology_setting *setting = value->setting;
		struct error why = {0};
		if (!value->text)
			return error_at(err, request->file, request->line, request->column, "%s needs the parameter '%s' (%s)", subject,
					value->param->name, value->param->text);
		if (parse_value(value, arena, &why))
			return error_at(err, setting ? setting->file : NULL, setting ? setting->line : 0, setting ? setting->column : 0,
					"%s: parameter '%s' %s", subject, value->param->name, why.message);
	}
	return 0;
}

const struct param_value *params_find(const struct param_value *values, size_t n_values, const char *name)
{
	for (size_t i = 0; i < n_values; i++)
		if (!strcmp(values[i].param->name, name))
			return &values[i];
	return NULL;
}

static void print_value(const struct param_value *value, struct text *out)
{
	char exact[64];
	switch (value->param->type) {
	case WEFT_PARAM_BANDWIDTH:
	case WEFT_PARAM_TIME:
	case WEFT_PARAM_BYTES:
		text_puts(out, units_exact(exact, sizeof exact, params_quantity(value->param->type), value->integer));
		break;
	case WEFT_PARAM_INTEGER:
		text_printf(out, "%lld", (long long)value->integer);
		break;
	case WEFT_PARAM_INTEGER_LIST:
		for (uint32_t i = 0; i < value->n_list; i++)
			text_printf(out, "%s%lld", i ? "x" : "", (long long)value->list[i]);
		break;
	default:
		text_printf(out, strchr(value->text, ',') ? "(%s)" : "%s", value->text);
	}
}

void params_print(const struct param_value *values, size_t n_values, struct text *out)
{
	for (size_t i = 0; i < n_values; i++) {
		text_printf(out, "%s%s=", i ? "," : "", values[i].param->name);
		print_value(&values[i], out);
	}
}
