/* The list of formats: a new reader adds a line here and a declaration in formats.h. */
#include "trace/formats.h"

#include <stddef.h>

#include "base/error.h"
#include "trace/goal.h"

static int recognise_goal(const struct trace_head *head) { return goal_recognise(head->bytes, head->n) ? 90 : 0; }

static int load_goal(struct workload *workload, const struct trace_request *request, struct error *err)
{
	if (request->n_paths != 1)
		return error_set(err, ERROR_INPUT, "%s: a GOAL schedule is one file, not %u", request->paths[0], request->n_paths);
	return goal_load(request->paths[0], workload, err);
}

const struct trace_format trace_goal = {"goal", "GOAL schedules of LogGOPSim, text and binary", recognise_goal, load_goal};

const struct trace_format *const trace_formats[] = {
	&trace_flows, &trace_goal, NULL,
};
