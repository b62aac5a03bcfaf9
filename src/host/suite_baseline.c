/* Baselines: the watched figures of a scenario, and enough of its links and ranks to say what moved. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/output.h"
#include "base/text.h"
#include "host/suite.h"

#define SEEN_LINKS 64 /* those that carried most */
#define SEEN_RANKS 64 /* those that ended last */

int baseline_read(const struct suite_entry *entry, struct measures *figures, struct error *err)
{
	size_t length;
	int version = 0, used = 0;
	memset(figures, 0, sizeof *figures);
	if (access(entry->baseline, F_OK))
		return 0;
	char *text = text_read_file(entry->baseline, 64 << 20, &length, err);
	if (!text)
		return -1;
	int status = 1;
	if (sscanf(text, "weft-baseline %d%n", &version, &used) != 1 || text[used] != '\n')
		status = error_at(err, entry->baseline, 1, 1, "not a baseline: it does not begin with 'weft-baseline %d'", BASELINE_VERSION);
	else if (version != BASELINE_VERSION)
		status = error_at(err, entry->baseline, 1, 15, "baseline has format version '%d', this weft reads %d", version, BASELINE_VERSION);
	else if (measures_parse(figures, text, entry->baseline, 1, err))
		status = -1;
	free(text);
	if (status < 0)
		measures_release(figures);
	return status;
}

static bool watched(const struct suite_entry *entry, const char *name)
{
	for (uint32_t i = 0; i < entry->n_metrics; i++)
		if (text_matches(entry->metrics[i].pattern, name))
			return true;
	return false;
}

static int by_size(const void *a, const void *b)
{
	const struct measure *x = *(const struct measure *const *)a, *y = *(const struct measure *const *)b;
	if (x->number != y->number)
		return x->number > y->number ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int by_place(const void *a, const void *b)
{
	const struct measure *x = *(const struct measure *const *)a, *y = *(const struct measure *const *)b;
	return x < y ? -1 : x > y;
}

/* The largest of a sort that are not watched, in their own order. */
static void add_seen(const struct suite_entry *entry, const struct measures *actual, const char *pattern, size_t most, struct text *out)
{
	const struct measure **found = memory_alloc((actual->n + 1u) * sizeof *found);
	size_t n = 0;
	for (uint32_t i = 0; i < actual->n; i++)
		if (actual->list[i].number && text_matches(pattern, actual->list[i].name) && !watched(entry, actual->list[i].name))
			found[n++] = &actual->list[i];
	qsort(found, n, sizeof *found, by_size);
	n = n < most ? n : most;
	qsort(found, n, sizeof *found, by_place);
	for (size_t i = 0; i < n; i++)
		text_printf(out, "see %s %s\n", found[i]->name, found[i]->value);
	free(found);
}

void baseline_make(const struct suite_entry *entry, const struct measures *actual, struct text *out)
{
	text_printf(out, "weft-baseline %d\n", BASELINE_VERSION);
	for (uint32_t i = 0; i < actual->n; i++)
		if (watched(entry, actual->list[i].name))
			text_printf(out, "%s %s\n", actual->list[i].name, actual->list[i].value);
	add_seen(entry, actual, "rank.*.end_ps", SEEN_RANKS, out);
	add_seen(entry, actual, "link.*.bytes", SEEN_LINKS, out);
}

int baseline_write(const struct suite_entry *entry, const char *text, struct error *err)
{
	struct output out;
	if (output_open(&out, entry->baseline, "weft-baseline", "a baseline of weft", err))
		return -1;
	fputs(text, out.file);
	return output_close(&out, 0, err);
}
