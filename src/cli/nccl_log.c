#include "cli/nccl_log.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#define MAX_WORDS 32
#define LIMIT_BYTES (64u << 20)

static size_t split_words(char *line, char **words)
{
	size_t n = 0;
	for (char *word = strtok(line, " \t\r"); word && n < MAX_WORDS; word = strtok(NULL, " \t\r"))
		words[n++] = word;
	return n;
}

static int whole(const char *word, int64_t *value)
{
	char *end;
	*value = strtoll(word, &end, 10);
	return isdigit((unsigned char)word[0]) && !*end ? 0 : -1;
}

static int number(const char *word, double *value)
{
	char *end;
	*value = strtod(word, &end);
	return end != word && !*end ? 0 : -1;
}

/* size count type redop [root] time algbw busbw error [time algbw busbw error]. What launchers put before it ("[1,0]<stdout>:") is
 * stepped over; a line that lacks columns is not a row. */
static int read_row(char **words, size_t n, struct nccl_row *row)
{
	int64_t count, root;
	double values[8];
	size_t first = 0, n_values = 0;
	while (first < n && (whole(words[first], &row->bytes) || first + 1 >= n || whole(words[first + 1], &count)))
		first++;
	if (first + 4 >= n || !isalpha((unsigned char)words[first + 2][0]) || !isalpha((unsigned char)words[first + 3][0]))
		return -1;
	first += 4;
	if (n - first >= 4 && (!strcmp(words[first], "-1") || (!whole(words[first], &root) && !strchr(words[first], '.'))))
		first++;
	for (; first < n && n_values < 8; n_values++, first++)
		if (number(words[first], &values[n_values]) && strcmp(words[first], "N/A"))
			break;
	if (n_values < 3 || values[0] <= 0)
		return -1;
	row->time_us = n_values >= 7 ? values[4] : values[0];
	return 0;
}

static int by_size(const void *a, const void *b)
{
	const struct nccl_row *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return (x->time_us > y->time_us) - (x->time_us < y->time_us);
}

int nccl_log_read(const char *path, struct nccl_row **rows, size_t *n, struct error *err)
{
	char *text = text_read_file(path, LIMIT_BYTES, NULL, err), *words[MAX_WORDS];
	size_t capacity = 0, kept = 0;
	*rows = NULL;
	*n = 0;
	if (!text)
		return -1;
	for (char *line = text, *next; line; line = next) {
		struct nccl_row row;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (read_row(words, split_words(line, words), &row))
			continue;
		ARRAY_RESERVE(*rows, *n + 1, capacity);
		(*rows)[(*n)++] = row;
	}
	free(text);
	if (!*n)
		return error_set(err, ERROR_INPUT, "%s: no line of it is a row of nccl-tests (size count type redop root time algbw busbw …)", path);
	qsort(*rows, *n, sizeof **rows, by_size);
	for (size_t i = 0; i < *n; i++)
		if (!kept || (*rows)[kept - 1].bytes != (*rows)[i].bytes)
			(*rows)[kept++] = (*rows)[i];
	*n = kept;
	return 0;
}
