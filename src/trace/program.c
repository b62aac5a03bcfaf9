/* weft's own program format among the others: the reader is workload/format.c. */
#include "base/error.h"
#include "trace/formats.h"
#include "workload/format.h"

static int recognise(const struct trace_head *head)
{
	return workload_recognise((const char *)head->bytes, head->n) ? 100 : 0;
}

static int load(struct workload *workload, const struct trace_request *request, struct error *err)
{
	if (request->n_paths != 1)
		return error_set(err, ERROR_INPUT, "%s: a program is one file, not %u", request->paths[0], request->n_paths);
	return workload_read(workload, request->paths[0], err);
}

const struct trace_format trace_program = {"program", "weft's own (docs/program-format.md)", recognise, load, false, false};
