#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "collective/collective.h"

static const struct protocol protocol_none = {
	.name = "none",
	.summary = "the wires alone: closed forms hold exactly",
	.wire_numerator = 1,
	.wire_denominator = 1,
	.rate_efficiency = 1,
};

const struct protocol *const protocols[] = {&protocol_none, NULL};

const struct protocol *protocol_find(const char *name, struct error *err)
{
	const char *names[16];
	char known[256];
	size_t n = 0;
	for (; protocols[n]; n++) {
		names[n] = protocols[n]->name;
		if (!strcmp(name, names[n]))
			return protocols[n];
	}
	error_set(err, ERROR_INPUT, "unknown protocol '%s'%s", name, text_known(known, sizeof known, name, names, n));
	return NULL;
}
