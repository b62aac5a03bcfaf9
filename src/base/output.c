#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

static int host_error(const char *path, struct error *err)
{
	return error_set(err, ERROR_HOST, "cannot write '%s': %s", path, strerror(errno));
}

int output_check(const char *path, const char *begins, const char *sort, struct error *err)
{
	struct stat info;
	char first[64];
	size_t length = strlen(begins), n;
	if (!strcmp(path, "-") || stat(path, &info) || info.st_size == 0)
		return 0;
	if (S_ISDIR(info.st_mode))
		return error_set(err, ERROR_INPUT, "cannot write '%s': it is a directory", path);
	if (!S_ISREG(info.st_mode))
		return 0;
	FILE *file = fopen(path, "rb");
	if (!file)
		return host_error(path, err);
	n = fread(first, 1, length < sizeof first ? length : sizeof first, file);
	fclose(file);
	if (n == length && !memcmp(first, begins, n))
		return 0;
	return error_set(err, ERROR_INPUT, "'%s' exists and is not %s: it is left alone", path, sort);
}

/* A name of this process beside the target, so that rename() is within one file system and nobody's file is in the way. */
static int open_part(struct output *out)
{
	struct text part = TEXT_INIT;
	text_printf(&part, "%s.%ld.part", out->path, (long)getpid());
	int fd = open(text_string(&part), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		text_release(&part);
		return -1;
	}
	out->part = part.data;
	out->file = fdopen(fd, "wb");
	return out->file ? 0 : -1;
}

int output_open(struct output *out, const char *path, const char *begins, const char *sort, struct error *err)
{
	struct stat info;
	*out = (struct output){0};
	if (!strcmp(path, "-")) {
		out->file = stdout;
		return 0;
	}
	if (output_check(path, begins, sort, err))
		return -1;
	bool in_place = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
	out->path = realpath(path, NULL);
	if (!out->path)
		out->path = strdup(path);
	if (in_place ? !(out->file = fopen(path, "wb")) : open_part(out)) {
		host_error(path, err);
		free(out->path);
		return -1;
	}
	return 0;
}

int output_close(struct output *out, int status, struct error *err)
{
	const char *name = out->path ? out->path : "standard output";
	bool failed = fflush(out->file) || ferror(out->file);
	int why = errno;
	if (out->file != stdout && fclose(out->file) && !failed) {
		failed = true;
		why = errno;
	}
	errno = why;
	if (status == 0 && failed)
		status = host_error(name, err);
	if (status == 0 && out->part && rename(out->part, out->path))
		status = host_error(name, err);
	if (status && out->part)
		unlink(out->part);
	free(out->part);
	free(out->path);
	*out = (struct output){0};
	return status;
}
