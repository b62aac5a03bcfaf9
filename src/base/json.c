#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "base/memory.h"

struct json {
	yajl_gen gen;
};

struct json *json_new(void)
{
	struct json *json = memory_alloc(sizeof *json);
	json->gen = yajl_gen_alloc(NULL);
	if (!json->gen)
		memory_failed(sizeof *json);
	yajl_gen_config(json->gen, yajl_gen_beautify, 1);
	yajl_gen_config(json->gen, yajl_gen_indent_string, "  ");
	return json;
}

static void put_key(struct json *json, const char *key)
{
	if (key)
		yajl_gen_string(json->gen, (const unsigned char *)key, strlen(key));
}

void json_open_object(struct json *json, const char *key)
{
	put_key(json, key);
	yajl_gen_map_open(json->gen);
}
void json_close_object(struct json *json) { yajl_gen_map_close(json->gen); }
void json_open_array(struct json *json, const char *key)
{
	put_key(json, key);
	yajl_gen_array_open(json->gen);
}
void json_close_array(struct json *json) { yajl_gen_array_close(json->gen); }
void json_integer(struct json *json, const char *key, int64_t value)
{
	put_key(json, key);
	yajl_gen_integer(json->gen, value);
}
void json_number(struct json *json, const char *key, double value)
{
	char text[40];
	put_key(json, key);
	if (!isfinite(value)) {
		yajl_gen_null(json->gen);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	if (!strpbrk(text, ".en"))
		strcat(text, ".0");
	yajl_gen_number(json->gen, text, strlen(text));
}
void json_string(struct json *json, const char *key, const char *value)
{
	put_key(json, key);
	if (value)
		yajl_gen_string(json->gen, (const unsigned char *)value, strlen(value));
	else
		yajl_gen_null(json->gen);
}
void json_bool(struct json *json, const char *key, bool value)
{
	put_key(json, key);
	yajl_gen_bool(json->gen, value);
}
void json_null(struct json *json, const char *key)
{
	put_key(json, key);
	yajl_gen_null(json->gen);
}
const char *json_text(struct json *json)
{
	const unsigned char *text;
	size_t length;
	yajl_gen_get_buf(json->gen, &text, &length);
	return (const char *)text;
}
void json_clear(struct json *json) { yajl_gen_clear(json->gen); }
void json_free(struct json *json)
{
	yajl_gen_free(json->gen);
	free(json);
}
