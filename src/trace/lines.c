#include "trace/lines.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

#define PIECE_BYTES 65536

bool lines_explode(gzFile file)
{
	z_off_t text = gztell(file), packed = gzoffset(file);
	return text > (z_off_t)4 << 20 && packed >= 0 && text / 200 > packed;
}

size_t lines_mark(const char *text, size_t length) { return length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0; }

char *lines_read_file(const char *path, size_t limit_bytes, size_t *length, struct error *err)
{
	gzFile file = gzopen(path, "rb");
	char *text = NULL;
	size_t n = 0, capacity = 0;
	bool explodes = false;
	int got;
	if (!file) {
		error_set(err, ERROR_INPUT, "%s: cannot open: %s", path, strerror(errno));
		return NULL;
	}
	do {
		ARRAY_RESERVE(text, n + PIECE_BYTES + 1, capacity);
		got = gzread(file, text + n, PIECE_BYTES);
		n += got > 0 ? (size_t)got : 0;
		explodes = got > 0 && lines_explode(file);
	} while (got > 0 && n <= limit_bytes && !explodes);
	if (got < 0 || n > limit_bytes || explodes) {
		if (explodes)
			error_set(err, ERROR_INPUT, "%s: more than 200 times as long as it is compressed: this is no trace", path);
		else if (got < 0)
			error_set(err, ERROR_INPUT, "%s: cannot be read after %zu bytes: not whole", path, n);
		else
			error_set(err, ERROR_INPUT, "%s: longer than %zu bytes of text", path, limit_bytes);
		free(text);
		text = NULL;
	} else {
		size_t mark = lines_mark(text, n);
		n -= mark;
		memmove(text, text + mark, n);
		text[n] = '\0';
		*length = n;
	}
	gzclose_r(file);
	return text;
}

char *lines_next(struct lines *lines)
{
	char *line = lines->at, *stop;
	if (line >= lines->end)
		return NULL;
	stop = memchr(line, '\n', (size_t)(lines->end - line));
	if (!stop)
		stop = lines->end;
	for (char *c = line; c < stop; c++)
		if (!*c || *c == '\r')
			*c = ' ';
	*stop = '\0';
	lines->at = stop + 1;
	lines->number++;
	return line;
}

size_t lines_words(char *line, char **words, size_t most)
{
	size_t n = 0;
	for (char *at = line;; ) {
		while (*at && isspace((unsigned char)*at))
			*at++ = '\0';
		if (!*at)
			return n;
		if (n < most)
			words[n] = at;
		n++;
		while (*at && !isspace((unsigned char)*at))
			at++;
	}
}

static char *trim(char *text)
{
	size_t n;
	while (isspace((unsigned char)*text))
		text++;
	for (n = strlen(text); n && isspace((unsigned char)text[n - 1]); n--)
		text[n - 1] = '\0';
	return text;
}

size_t lines_fields(char *line, char **fields, size_t most)
{
	size_t n = 0;
	int depth = 0;
	char *start = line;
	for (char *at = line;; at++) {
		bool last = !*at;
		depth += *at == '[' ? 1 : *at == ']' && depth ? -1 : 0;
		if (!last && (*at != ',' || depth))
			continue;
		*at = '\0';
		if (n < most)
			fields[n] = trim(start);
		n++;
		if (last)
			return n;
		start = at + 1;
	}
}

bool lines_number(const char *word, bool fraction, int64_t *value)
{
	char *end;
	double decimal;
	if (!isdigit((unsigned char)word[0]))
		return false;
	errno = 0;
	*value = strtoll(word, &end, 10);
	if (!*end)
		return !errno;
	if (!fraction || word[strspn(word, "0123456789.eE+-")])
		return false;
	decimal = strtod(word, &end);
	if (*end || !(decimal < 9.2e18))
		return false;
	*value = (int64_t)llround(decimal);
	return true;
}
