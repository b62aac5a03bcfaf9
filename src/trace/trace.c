#include "trace/trace.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <zlib.h>

#include "base/error.h"
#include "base/text.h"
#include "trace/lines.h"
#include "trace/paths.h"
#include "workload/program.h"

const struct trace_format *trace_find(const char *name, struct error *err)
{
	const char *names[64];
	char known[512];
	size_t n = 0;
	for (; trace_formats[n] && n < 64; n++) {
		names[n] = trace_formats[n]->name;
		if (!strcmp(names[n], name))
			return trace_formats[n];
	}
	error_set(err, ERROR_INPUT, "unknown trace format '%s'%s", name, text_known(known, sizeof known, name, names, n));
	return NULL;
}

/* Reads the head through zlib, which passes plain files on as they are. */
static int read_head(const char *path, uint8_t *bytes, struct trace_head *head, struct error *err)
{
	struct stat status;
	gzFile file;
	int got;
	if (stat(path, &status))
		return error_set(err, ERROR_INPUT, "%s: cannot open: %s", path, strerror(errno));
	*head = (struct trace_head){.path = path, .bytes = bytes};
	if (S_ISDIR(status.st_mode))
		return 0; /* a format that takes folders recognises it by its path */
	if (!(file = gzopen(path, "rb")))
		return error_set(err, ERROR_INPUT, "%s: cannot open: %s", path, strerror(errno));
	got = gzread(file, bytes, TRACE_HEAD_BYTES);
	if (got >= 0) {
		size_t mark = lines_mark((const char *)bytes, (size_t)got);
		head->bytes = bytes + mark;
		head->n = (size_t)got - mark;
		head->whole = got < TRACE_HEAD_BYTES;
	}
	gzclose_r(file);
	return got < 0 ? error_set(err, ERROR_INPUT, "%s: cannot be read", path) : 0;
}

/* Files of other kinds that come beside traces, and where they belong. */
static const char *other_use(const struct trace_head *head)
{
	static const struct { const char *sign, *use; } uses[] = {
		{"<algo ", ": this is an MSCCL schedule, an algorithm for collectives (algorithm: msccl, file: FILE)"},
		{"<system", ": this is a NCCL topology, a machine (--topology nccl-xml:file=FILE)"},
		{"out-of-place", ": this looks like a log of nccl-tests (weft fit, weft perf --against)"},
	};
	char text[TRACE_HEAD_BYTES + 1];
	memcpy(text, head->bytes, head->n);
	text[head->n] = '\0';
	for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
		if (strstr(text, uses[i].sign))
			return uses[i].use;
	return "";
}

const struct trace_format *trace_recognise(const char *path, struct error *err)
{
	uint8_t bytes[TRACE_HEAD_BYTES];
	struct trace_head head;
	const struct trace_format *best = NULL, *second = NULL;
	int best_score = 0;
	if (read_head(path, bytes, &head, err))
		return NULL;
	for (size_t i = 0; trace_formats[i]; i++) {
		int score = trace_formats[i]->recognise(&head);
		if (score > best_score) {
			best = trace_formats[i];
			best_score = score;
			second = NULL;
		} else if (score && score == best_score) {
			second = trace_formats[i];
		}
	}
	if (!best) {
		struct text known = TEXT_INIT;
		for (size_t i = 0; trace_formats[i]; i++)
			text_printf(&known, "%s%s", i ? ", " : "", trace_formats[i]->name);
		if (!head.n)
			error_set(err, ERROR_INPUT, "%s: %s", path, head.whole ? "the file is empty" :
				  "is a directory (name its files, in quotes as '*.et' or with {rank} for their number)");
		else if (head.n > 1 && (!memcmp(head.bytes, "\xff\xfe", 2) || !memcmp(head.bytes, "\xfe\xff", 2)))
			error_set(err, ERROR_INPUT, "%s: is text in UTF-16 (expected UTF-8)", path);
		else
			error_set(err, ERROR_INPUT, "%s: not in a format that is known here (known: %s)%s", path, text_string(&known),
			  other_use(&head));
		text_release(&known);
	} else if (second) {
		error_set(err, ERROR_INPUT, "%s: could be '%s' or '%s': say which", path, best->name, second->name);
		best = NULL;
	}
	return best;
}

static void scale_compute(struct workload *workload, double scale)
{
	for (uint32_t p = 0; p < workload->n_programs; p++)
		for (uint32_t i = 0; i < workload->programs[p].n_ops; i++) {
			struct op *op = &workload->programs[p].ops[i];
			if (op->kind == OP_COMPUTE)
				op->amount = (int64_t)((double)op->amount * scale + 0.5);
		}
}

static int check_request(const struct trace_format *format, const struct trace_request *request, struct error *err)
{
	if (request->step >= 0 && !format->has_steps)
		return error_set(err, ERROR_INPUT, "%s: traces of format '%s' have no steps to choose from", request->paths[0], format->name);
	if (request->group_file && !format->has_group_file)
		return error_set(err, ERROR_INPUT, "%s: traces of format '%s' hold their groups themselves: a file of groups is of no use",
				 request->paths[0], format->name);
	return 0;
}

/* What holds for every format: it was spread over as many ranks as were asked for. */
static int check_ranks(struct workload *workload, const struct trace_request *request, struct error *err)
{
	if (!request->n_ranks || workload->n_ranks == request->n_ranks)
		return 0;
	error_set(err, ERROR_INPUT, "%s: written for %u ranks: cannot run on %u", request->paths[0], workload->n_ranks,
		  request->n_ranks);
	workload_release(workload);
	return -1;
}

static int load_files(struct workload *workload, const struct trace_request *request, const struct trace_format **format, struct error *err)
{
	const struct trace_format *found = request->format ? trace_find(request->format, err) : trace_recognise(request->paths[0], err);
	if (!found || check_request(found, request, err) || found->load(workload, request, err) || check_ranks(workload, request, err))
		return -1;
	if (format)
		*format = found;
	if (request->compute_scale != 0 && request->compute_scale != 1)
		scale_compute(workload, request->compute_scale);
	if (!workload->name || !workload->name[0])
		workload->name = found->name;
	if (workload_verify(workload, err)) {
		workload_release(workload);
		return error_prefix(err, "%s", request->paths[0]);
	}
	return 0;
}

int trace_load(struct workload *workload, const struct trace_request *request, const struct trace_format **format, struct error *err)
{
	struct trace_paths paths;
	struct trace_request expanded = *request;
	int result = trace_paths_expand(&paths, request->paths, request->n_paths, err);
	expanded.paths = paths.list;
	expanded.n_paths = paths.n;
	expanded.by_rank = paths.by_rank;
	if (!result)
		result = load_files(workload, &expanded, format, err);
	trace_paths_release(&paths);
	return result;
}
