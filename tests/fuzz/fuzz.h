/* What the fuzz targets share: an input becomes a file in memory, read as one format; it loads or is refused with a message. */
#ifndef WEFT_TESTS_FUZZ_H
#define WEFT_TESTS_FUZZ_H

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "trace/trace.h"
#include "workload/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline int fuzz_file(const uint8_t *data, size_t size, char *path, size_t path_size)
{
	int fd = memfd_create("fuzz", 0);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, path_size, "/proc/self/fd/%d", fd);
	return fd;
}

static inline int fuzz_trace(const char *format, const uint8_t *data, size_t size)
{
	char path[64];
	int fd = fuzz_file(data, size, path, sizeof path);
	const char *const paths[] = {path};
	struct text assumed = TEXT_INIT;
	struct trace_request request = {.paths = paths, .n_paths = 1, .format = format, .step = -1, .assumed = &assumed};
	struct workload workload;
	struct error err = {0};
	if (!trace_load(&workload, &request, NULL, &err))
		workload_release(&workload);
	else if (!err.code || !err.message[0] || strchr(err.message, '\n'))
		abort(); /* refused without one line that says why */
	text_release(&assumed);
	close(fd);
	return 0;
}

#define FUZZ_TRACE(format) \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return fuzz_trace(format, data, size); }

#endif
