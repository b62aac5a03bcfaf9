#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Names come from files and may hold anything: a message stays one line. */
static void one_line(char *message)
{
	for (; *message; message++)
		if ((unsigned char)*message < ' ' || *message == 127)
			*message = '?';
}

int error_set(struct error *err, enum error_code code, const char *format, ...)
{
	va_list arguments;
	if (!err || err->code != ERROR_NONE)
		return -1;
	err->code = code;
	va_start(arguments, format);
	vsnprintf(err->message, sizeof err->message, format, arguments);
	one_line(err->message);
	va_end(arguments);
	return -1;
}

int error_at(struct error *err, const char *file, int line, int column, const char *format, ...)
{
	va_list arguments;
	size_t used = 0;
	if (!err || err->code != ERROR_NONE)
		return -1;
	err->code = ERROR_INPUT;
	err->message[0] = '\0';
	if (file && line > 0 && column > 0)
		snprintf(err->message, sizeof err->message, "%s:%d:%d: ", file, line, column);
	else if (file && line > 0)
		snprintf(err->message, sizeof err->message, "%s:%d: ", file, line);
	else if (file)
		snprintf(err->message, sizeof err->message, "%s: ", file);
	used = strlen(err->message);
	va_start(arguments, format);
	vsnprintf(err->message + used, sizeof err->message - used, format, arguments);
	one_line(err->message);
	va_end(arguments);
	return -1;
}

int error_prefix(struct error *err, const char *format, ...)
{
	char prefix[sizeof err->message];
	va_list arguments;
	size_t used, kept;
	if (!err || err->code == ERROR_NONE)
		return -1;
	va_start(arguments, format);
	vsnprintf(prefix, sizeof prefix - 2, format, arguments);
	va_end(arguments);
	strcat(prefix, ": ");
	used = strlen(prefix);
	kept = strlen(err->message);
	if (kept > sizeof err->message - used - 1)
		kept = sizeof err->message - used - 1;
	memmove(err->message + used, err->message, kept);
	memcpy(err->message, prefix, used);
	err->message[used + kept] = '\0';
	return -1;
}

void error_clear(struct error *err)
{
	err->code = ERROR_NONE;
	err->message[0] = '\0';
}

int error_exit_status(const struct error *err)
{
	switch (err->code) {
	case ERROR_NONE: return 0;
	case ERROR_SIMULATION:
	case ERROR_INTERRUPTED: return 1;
	case ERROR_INPUT:
	case ERROR_HOST: break;
	}
	return 2;
}
