/* Readers of traces and schedules. Each format is one file with one constant table entry; trace_formats lists them. A reader turns
 * files into a workload and knows nothing of networks. */
#ifndef WEFT_TRACE_TRACE_H
#define WEFT_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct text;
struct workload;

/* The first bytes of a file (after gunzip), by which its format is found. */
#define TRACE_HEAD_BYTES 4096
struct trace_head {
	const char *path;
	const uint8_t *bytes;
	size_t n;
	bool whole;              /* bytes hold the whole file */
};

struct trace_request {
	const char *const *paths; /* as given: files, patterns, templates, prefixes, lists (trace/paths.h) */
	uint32_t n_paths;
	bool by_rank;            /* path i is rank i, whatever it is called; set by trace_load for templates and lists */
	const char *format;      /* NULL: recognised */
	uint32_t n_ranks;        /* run on so many ranks (a format says by what rule); 0: as many as the trace has */
	const char *group_file;  /* process groups, for formats that keep them apart; NULL: none, or the one beside the trace */
	int64_t step;            /* one profiler step by its number, for formats that know steps; -1: everything */
	double compute_scale;    /* every computation takes so many times as long: 0.5 for a chip twice as fast; 0: as 1 */
	struct text *assumed;    /* what the trace leaves open and how it was taken, a line each; may be NULL */
};

struct trace_format {
	const char *name;        /* "program", "chakra", "goal", … */
	const char *summary;
	/* How sure it is that the head is of its format: 0 no … 100 a magic number. The highest wins; equal ones are an error. */
	int (*recognise)(const struct trace_head *head);
	/* Calls workload_init and fills it; on error it is released and *err says file and line. */
	int (*load)(struct workload *workload, const struct trace_request *request, struct error *err);
	bool has_steps, has_group_file; /* whether it looks at these of a request: one that it would ignore is refused */
};

extern const struct trace_format *const trace_formats[]; /* NULL at the end */

/* Finds the format (by name, or by the head of the first path) and loads; the workload has passed workload_verify. */
int trace_load(struct workload *workload, const struct trace_request *request, const struct trace_format **format, struct error *err);
/* The format alone. NULL and an error that lists the known ones. */
const struct trace_format *trace_find(const char *name, struct error *err);
const struct trace_format *trace_recognise(const char *path, struct error *err);

#endif
