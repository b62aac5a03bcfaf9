/* The list of formats: a new reader adds a line here and a declaration in formats.h. */
#include "trace/formats.h"

#include <stddef.h>

const struct trace_format *const trace_formats[] = {
	&trace_program, &trace_flows, &trace_goal, &trace_chakra, &trace_kineto, &trace_pytorch_et, &trace_layers_astra, &trace_layers_simai,
	&trace_aicb, NULL,
};
