/* Every format, for the list in formats.c. Private to src/trace. */
#ifndef WEFT_TRACE_FORMATS_H
#define WEFT_TRACE_FORMATS_H

#include "trace/trace.h"

extern const struct trace_format trace_program, trace_flows, trace_goal, trace_chakra, trace_kineto, trace_pytorch_et, trace_layers_astra,
	trace_layers_simai, trace_aicb;

#endif
