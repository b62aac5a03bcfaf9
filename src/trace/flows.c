/* Tables of flows as a format: the reader is workload/simple.c. */
#include <string.h>

#include "base/error.h"
#include "trace/formats.h"
#include "workload/simple.h"

static int recognise(const struct trace_head *head)
{
	static const char start[] = "flow,src,dst,bytes,start_s";
	return head->n >= sizeof start - 1 && !memcmp(head->bytes, start, sizeof start - 1) ? 100 : 0;
}

static int load(struct workload *workload, const struct trace_request *request, struct error *err)
{
	if (request->n_paths != 1)
		return error_set(err, ERROR_INPUT, "%s: a table of flows is one file, not %u", request->paths[0], request->n_paths);
	return flows_workload(workload, request->paths[0], 0, err);
}

const struct trace_format trace_flows = {"flows", "a table flow,src,dst,bytes,start_s", recognise, load, false, false};
