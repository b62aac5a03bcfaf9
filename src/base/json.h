/* Writing JSON (over yajl): results for scripts on standard output. Inside an object every value takes its key; inside an
 * array the key is NULL. */
#ifndef WEFT_BASE_JSON_H
#define WEFT_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct json;
struct json *json_new(void);
void json_open_object(struct json *json, const char *key);
void json_close_object(struct json *json);
void json_open_array(struct json *json, const char *key);
void json_close_array(struct json *json);
void json_integer(struct json *json, const char *key, int64_t value);
void json_number(struct json *json, const char *key, double value); /* shortest text that reads back the same; not finite → null */
void json_string(struct json *json, const char *key, const char *value); /* NULL → null */
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
/* The document so far, indented, ending in a newline; valid until json_free. */
const char *json_text(struct json *json);
/* Forgets what json_text gave, and goes on: a document can be written in pieces. */
void json_clear(struct json *json);
void json_free(struct json *json);

#endif
