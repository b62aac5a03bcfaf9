#include "base/text.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

void text_add(struct text *text, const char *bytes, size_t length)
{
	ARRAY_RESERVE(text->data, text->length + length + 1, text->capacity);
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void text_puts(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	assert(length >= 0);
	ARRAY_RESERVE(text->data, text->length + (size_t)length + 1, text->capacity);
	vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
	text->length += (size_t)length;
	va_end(again);
	va_end(arguments);
}

void text_release(struct text *text)
{
	free(text->data);
	memset(text, 0, sizeof *text);
}

/* Levenshtein distance with neighbouring swaps as one edit, case ignored; names longer than 63 are cut. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned rows[3][64];
	size_t n = strlen(a), m = strlen(b);
	if (n > 63)
		n = 63;
	if (m > 63)
		m = 63;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
			unsigned best = last[j - 1] + (ca != cb);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) && cb == tolower((unsigned char)a[i - 2]) &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[n % 3][m];
}

const char *text_nearest(const char *wrong, const char *const *names, size_t n)
{
	const char *best = NULL;
	unsigned best_distance = UINT32_MAX;
	size_t length = strlen(wrong);
	for (size_t i = 0; i < n; i++) {
		unsigned distance = edit_distance(wrong, names[i]);
		if (distance < best_distance) {
			best_distance = distance;
			best = names[i];
		}
	}
	return best_distance <= (length < 4 ? 1 : length < 8 ? 2 : 3) ? best : NULL;
}

const char *text_known(char *out, size_t size, const char *wrong, const char *const *names, size_t n)
{
	const char *near = text_nearest(wrong, names, n);
	size_t used = 0;
	out[0] = '\0';
	if (near) {
		snprintf(out, size, " (did you mean '%s'?)", near);
		return out;
	}
	for (size_t i = 0; i < n; i++) {
		int wrote = snprintf(out + used, size - used, "%s%s", i ? ", " : " (known: ", names[i]);
		if (wrote < 0 || (size_t)wrote >= size - used) {
			snprintf(out + (size > 8 ? size - 8 : 0), 8, ", ...)");
			return out;
		}
		used += (size_t)wrote;
	}
	if (n && used + 2 <= size)
		memcpy(out + used, ")", 2);
	return out;
}

bool text_matches(const char *pattern, const char *subject)
{
	const char *star = NULL, *resume = NULL;
	while (*subject) {
		if (*pattern == '*') {
			star = pattern++;
			resume = subject;
		} else if (*pattern == '?' || *pattern == *subject) {
			pattern++;
			subject++;
		} else if (star) {
			pattern = star + 1;
			subject = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

char *text_read_file(const char *path, size_t limit_bytes, size_t *length, struct error *err)
{
	FILE *file = fopen(path, "rb");
	struct text text = TEXT_INIT;
	char block[1 << 14];
	size_t got;
	if (!file) {
		error_set(err, ERROR_INPUT, "%s: cannot open: %s", path, strerror(errno));
		return NULL;
	}
	while ((got = fread(block, 1, sizeof block, file)) > 0) {
		if (text.length + got > limit_bytes) {
			error_set(err, ERROR_INPUT, "%s: larger than the limit of %zu bytes", path, limit_bytes);
			goto fail;
		}
		text_add(&text, block, got);
	}
	if (ferror(file)) {
		error_set(err, ERROR_INPUT, "%s: cannot read: %s", path, strerror(errno));
		goto fail;
	}
	fclose(file);
	if (!text.data)
		text_add(&text, "", 0);
	if (length)
		*length = text.length;
	return text.data;
fail:
	fclose(file);
	text_release(&text);
	return NULL;
}
