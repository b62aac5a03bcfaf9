/* The list of formats: a new reader adds a line. */
#include <stddef.h>

#include "trace/trace.h"

const struct trace_format *const trace_formats[] = {
	NULL,
};
