/* Parameters as modules declare them (struct weft_param) and users give them: names, types, units and ranges are checked here
 * and nowhere else. Topologies use it; anything that declares parameters in the same form can. */
#ifndef WEFT_FABRIC_PARAMS_H
#define WEFT_FABRIC_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "fabric/fabric.h"

struct param_value {
	const struct weft_param *param;
	const struct topology_setting *setting; /* NULL: the default was taken */
	const char *text;    /* as written; a CHOICE or TEXT value */
	int64_t integer;     /* INTEGER, BOOL, TIME, BANDWIDTH, BYTES */
	double real;         /* REAL, LENGTH, and the above */
	int64_t *list;
	uint32_t n_list;
};

/* Fills values[0 … *n_values), one per declared parameter in its order; memory from the arena. `subject` begins messages:
 * "topology 'star'". `file`, `line`, `column`: where the subject was named, for a parameter that is missing. */
int params_resolve(const char *subject, const struct weft_param *params, const struct topology_request *request,
	struct arena *arena, struct param_value **values, size_t *n_values, struct error *err);
/* The value of that name, or NULL. */
const struct param_value *params_find(const struct param_value *values, size_t n_values, const char *name);
/* "k=v,k=v" with every value in canonical form: parsable again. */
void params_print(const struct param_value *values, size_t n_values, struct text *out);
/* What a type is called in messages and tables: "integer", "bandwidth". */
const char *params_type_name(enum weft_param_type type);
/* The units in which a value of this type is written; a count where it has none. */
enum quantity params_quantity(enum weft_param_type type);

#endif
