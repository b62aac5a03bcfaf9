#include "trace/layers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "collective/collective.h"
#include "trace/lines.h"

#define LIMIT_BYTES ((size_t)64 << 20)
#define LIMIT_TIME_NS (INT64_C(1) << 53)
#define MAX_WORDS 4096
#define ROW_WORDS 12

const char *const layer_policy_names[LAYERS_POLICIES] = {
	"DATA", "MODEL", "HYBRID_DATA_MODEL", "HYBRID_MODEL_DATA", "HYBRID_TRANSFORMER", "HYBRID_TRANSFORMER_FWD_IN_BCKWD",
	"HYBRID_DLRM", "MICRO", "HYBRID_CUSTOMIZED",
};

struct reader {
	struct layer_table *table;
	const char *path;
	struct lines lines;
	char *line;              /* its start, for columns */
	char **words;
	size_t n_words;
	int64_t *marks[2];       /* rows that are checkpoints, rows that initiate */
	size_t n_marks[2], marks_capacity[2];
	struct error *err;
};

static int wrong(const struct reader *r, const char *word, const char *what, const char *expected)
{
	char subject[40];
	size_t n = 0;
	for (; word && word[n] && n < sizeof subject - 1; n++)
		subject[n] = isprint((unsigned char)word[n]) ? word[n] : '?';
	subject[n] = '\0';
	return error_at(r->err, r->path, r->lines.number, word ? (int)(word - r->line) + 1 : 0, "%s '%s'%s", what,
			word ? subject : "end of line", expected);
}

/* The next line that is not blank, cut into words; false at the end of the file. */
static bool next_line(struct reader *r)
{
	do {
		r->line = lines_next(&r->lines);
		r->n_words = r->line ? lines_words(r->line, r->words, MAX_WORDS) : 0;
	} while (r->line && !r->n_words);
	return r->line;
}

static int find_policy(const struct reader *r, const char *word, uint8_t *policy)
{
	char known[512];
	for (uint8_t p = 0; p < LAYERS_POLICIES; p++)
		if (!strcmp(layer_policy_names[p], word)) {
			*policy = p;
			return 0;
		}
	return wrong(r, word, "unknown policy", text_known(known, sizeof known, word, layer_policy_names, LAYERS_POLICIES));
}

/* --- first line --------------------------------------------------------------------------------------------------------- */

static int header_number(const struct reader *r, size_t at, int64_t *value)
{
	if (at >= r->n_words || !lines_number(r->words[at], true, value))
		return wrong(r, at < r->n_words ? r->words[at] : NULL, "not a number", "");
	return 0;
}

/* "K a b c": K row numbers. Moves *at behind them. */
static int header_marks(struct reader *r, size_t *at, int which)
{
	int64_t n, row;
	if (header_number(r, (*at)++, &n))
		return -1;
	if (n > (int64_t)(r->n_words - *at))
		return wrong(r, r->words[*at - 1], "more row numbers announced than the line has", "");
	for (int64_t i = 0; i < n; i++) {
		if (header_number(r, (*at)++, &row))
			return -1;
		ARRAY_RESERVE(r->marks[which], r->n_marks[which] + 1, r->marks_capacity[which]);
		r->marks[which][r->n_marks[which]++] = row;
	}
	return 0;
}

static int header_key(struct reader *r, size_t *at)
{
	static const char *const names[] = {"model_parallel_NPU_group", "ep", "pp", "vpp", "ga", "all_gpus", "pp_comm",
					    "DLRM_LAST_BOTTOM_LAYER", "checkpoints", "checkpoint_initiates"};
	struct layer_header *h = &r->table->header;
	int64_t *const values[] = {&h->tensor, &h->expert, &h->stages, &h->chunks, &h->microbatches, &h->ranks, &h->stage_bytes,
				   &h->last_bottom};
	const char *word = r->words[(*at)++];
	char known[512];
	for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
		if (strcmp(names[k], word))
			continue;
		if (k >= 8)
			return header_marks(r, at, k == 9);
		r->table->simai |= k >= 1 && k <= 6;
		return header_number(r, (*at)++, values[k]);
	}
	return wrong(r, word, "unknown word", text_known(known, sizeof known, word, names, sizeof names / sizeof *names));
}

static int read_header(struct reader *r)
{
	struct layer_header *h = &r->table->header;
	uint8_t policy = 0;
	size_t at = 1;
	*h = (struct layer_header){-1, -1, -1, -1, -1, -1, -1, -1};
	if (!(r->line = lines_next(&r->lines)))
		return wrong(r, NULL, "no policy in line 1 but", "");
	for (char *c = r->line; *c; c++)
		if (*c == ':')
			*c = ' ';
	r->n_words = lines_words(r->line, r->words, MAX_WORDS);
	if (!r->n_words || r->n_words > MAX_WORDS)
		return wrong(r, NULL, "line 1 holds no policy or too many words: at", "");
	if (find_policy(r, r->words[0], &policy))
		return -1;
	r->table->policy = (enum layer_policy)policy;
	if (policy == LAYERS_DLRM && r->n_words == 2 && lines_number(r->words[1], false, &h->last_bottom))
		return 0;
	while (at < r->n_words)
		if (header_key(r, &at))
			return -1;
	/* SimAI's generator writes both lists, empty; ASTRA-sim's one table of the kind has rows in them. */
	if (policy == LAYERS_TRANSFORMER_FORWARD && !r->n_marks[0] && !r->n_marks[1])
		r->table->simai = true;
	return 0;
}

/* --- rows --------------------------------------------------------------------------------------------------------------- */

static int read_collective(struct reader *r, char *word, struct layer_pass_work *work)
{
	static const struct { const char *name; uint8_t kind; } words[] = {
		{"NONE", COLLECTIVE_KINDS}, {"ALLREDUCE", COLLECTIVE_ALL_REDUCE}, {"ALLGATHER", COLLECTIVE_ALL_GATHER},
		{"REDUCESCATTER", COLLECTIVE_REDUCE_SCATTER}, {"ALLTOALL", COLLECTIVE_ALL_TO_ALL}, {"BROADCAST", COLLECTIVE_BROADCAST},
	};
	static const char *const known_words[] = {"NONE", "ALLREDUCE", "ALLGATHER", "REDUCESCATTER", "ALLTOALL", "BROADCAST"};
	const char *suffix = strchr(word, '_');
	size_t n = suffix ? (size_t)(suffix - word) : strlen(word);
	char known[256];
	work->suffix = !suffix ? LAYER_PLAIN : !strcmp(suffix, "_EP") ? LAYER_EP : LAYER_DP_EP;
	r->table->simai |= suffix != NULL;
	if (suffix && strcmp(suffix, "_EP") && strcmp(suffix, "_DP_EP"))
		return wrong(r, word, "unknown group of collective", " (known: _EP, _DP_EP, or none)");
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i].name) == n && !memcmp(words[i].name, word, n)) {
			work->kind = words[i].kind;
			return 0;
		}
	return wrong(r, word, "unknown collective", text_known(known, sizeof known, word, known_words, 6));
}

static int row_number(const struct reader *r, size_t at, int64_t limit, int64_t *value)
{
	if (!lines_number(r->words[at], true, value))
		return wrong(r, r->words[at], "not a whole number", "");
	return *value > limit ? wrong(r, r->words[at], "too large a number", "") : 0;
}

static int read_row(struct reader *r)
{
	struct layer_table *table = r->table;
	size_t expected = table->policy == LAYERS_CUSTOMIZED ? ROW_WORDS + 1 : ROW_WORDS;
	struct layer_row row = {.policy = (uint8_t)table->policy, .line = r->lines.number};
	if (r->n_words != expected)
		return error_at(r->err, r->path, r->lines.number, 0, "a row of %zu words for layer '%.40s' (expected %zu)", r->n_words,
				r->words[0], expected);
	for (size_t pass = 0; pass < LAYER_PASSES; pass++) {
		struct layer_pass_work *work = &row.work[pass];
		size_t at = 2 + 3 * pass;
		if (row_number(r, at, LIMIT_TIME_NS / 1000, &work->compute_ns) || read_collective(r, r->words[at + 1], work) ||
		    row_number(r, at + 2, COLLECTIVE_MAX_BYTES, &work->bytes))
			return -1;
	}
	if (row_number(r, 11, LIMIT_TIME_NS / 1000, &row.update_ns))
		return -1;
	if (table->policy == LAYERS_CUSTOMIZED) {
		if (find_policy(r, r->words[12], &row.policy))
			return -1;
		if (row.policy > LAYERS_TRANSFORMER_FORWARD)
			return wrong(r, r->words[12], "no policy of a single row:", "");
	}
	row.name = arena_text(&table->arena, r->words[0]);
	ARRAY_RESERVE(table->rows, (size_t)table->n_rows + 1, table->rows_capacity);
	table->rows[table->n_rows++] = row;
	return 0;
}

static int set_marks(struct reader *r)
{
	for (int which = 0; which < 2; which++)
		for (size_t i = 0; i < r->n_marks[which]; i++) {
			int64_t row = r->marks[which][i];
			if (row >= r->table->n_rows)
				return error_at(r->err, r->path, 1, 0, "%s names row %lld, but there are %u rows",
						which ? "checkpoint_initiates" : "checkpoints", (long long)row, r->table->n_rows);
			*(which ? &r->table->rows[row].initiator : &r->table->rows[row].checkpoint) = true;
		}
	return 0;
}

static int read_table(struct reader *r)
{
	struct layer_table *table = r->table;
	if (read_header(r))
		return -1;
	if (!next_line(r))
		return wrong(r, NULL, "no number of rows but", "");
	if (r->n_words != 1 || !lines_number(r->words[0], false, &table->stated_rows))
		return wrong(r, r->words[0], "not the number of rows:", "");
	while (next_line(r))
		if (table->n_rows >= table->stated_rows)
			table->n_surplus++;
		else if (read_row(r))
			return -1;
	if (!table->n_rows)
		return error_at(r->err, r->path, r->lines.number, 0, "no rows after the number '%lld'", (long long)table->stated_rows);
	table->simai |= !strcmp(table->rows[0].name, "micro_test");
	return set_marks(r);
}

int layer_table_read(struct layer_table *table, const char *path, struct error *err)
{
	struct reader r = {.table = table, .path = path, .err = err};
	size_t length;
	char *data = lines_read_file(path, LIMIT_BYTES, &length, err);
	int result;
	*table = (struct layer_table){0};
	if (!data)
		return -1;
	r.lines = (struct lines){data, data + length, 0};
	r.words = memory_zero(MAX_WORDS, sizeof *r.words);
	result = read_table(&r);
	free(r.marks[0]);
	free(r.marks[1]);
	free(r.words);
	free(data);
	if (result)
		layer_table_release(table);
	return result;
}

void layer_table_release(struct layer_table *table)
{
	free(table->rows);
	arena_release(&table->arena);
	*table = (struct layer_table){0};
}

static bool holds(const char *text, size_t n, const char *word)
{
	size_t length = strlen(word);
	for (size_t i = 0; i + length <= n; i++)
		if (!memcmp(text + i, word, length))
			return true;
	return false;
}

int layer_table_recognise(const char *head, size_t n)
{
	const char *end = memchr(head, '\n', n);
	size_t word = 0;
	if (!end)
		return 0;
	while (head + word < end && !isspace((unsigned char)head[word]))
		word++;
	for (size_t p = 0; p < LAYERS_POLICIES; p++) {
		size_t first = (size_t)(end - head);
		if (strlen(layer_policy_names[p]) != word || memcmp(head, layer_policy_names[p], word))
			continue;
		if (holds(head, first, "all_gpus") || holds(head, first, "checkpoints: 0 checkpoint_initiates: 0") ||
		    holds(head, n, "micro_test") || holds(head, n, "_EP"))
			return 2;
		return 1;
	}
	return 0;
}
