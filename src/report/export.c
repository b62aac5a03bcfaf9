#include "report/export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"

const char *const export_table_names[EXPORT_TABLES] = {"messages", "ops", "links", "collectives"};

enum column_kind { COLUMN_INTEGER, COLUMN_NUMBER, COLUMN_TEXT, COLUMN_ENUMERATION, COLUMN_LOOKUP };
struct csv_column {
	const char *header, *variable;
	enum column_kind kind;
	const char *lookup; /* COLUMN_LOOKUP: the texts that the integers index */
};

static const struct csv_column message_columns[] = {
	{"message", "/messages/message", COLUMN_INTEGER, NULL}, {"source", "/messages/source", COLUMN_INTEGER, NULL},
	{"target", "/messages/target", COLUMN_INTEGER, NULL},   {"bytes", "/messages/bytes", COLUMN_INTEGER, NULL},
	{"start_ps", "/messages/start_ps", COLUMN_INTEGER, NULL}, {"end_ps", "/messages/end_ps", COLUMN_INTEGER, NULL},
	{NULL, NULL, 0, NULL},
};
static const struct csv_column op_columns[] = {
	{"rank", "/ops/rank", COLUMN_INTEGER, NULL}, {"index", "/ops/index", COLUMN_INTEGER, NULL},
	{"stream", "/ops/stream", COLUMN_INTEGER, NULL}, {"kind", "/ops/kind", COLUMN_ENUMERATION, NULL},
	{"name", "/ops/name", COLUMN_LOOKUP, "/ops/op_names"}, {"group", "/ops/group", COLUMN_INTEGER, NULL},
	{"collective", "/ops/collective", COLUMN_INTEGER, NULL}, {"bytes", "/ops/bytes", COLUMN_INTEGER, NULL},
	{"ready_ps", "/ops/ready_ps", COLUMN_INTEGER, NULL}, {"start_ps", "/ops/start_ps", COLUMN_INTEGER, NULL},
	{"end_ps", "/ops/end_ps", COLUMN_INTEGER, NULL}, {"exposed_ps", "/ops/exposed_ps", COLUMN_INTEGER, NULL},
	{"cause_rank", "/ops/cause_rank", COLUMN_INTEGER, NULL}, {"cause_index", "/ops/cause_index", COLUMN_INTEGER, NULL},
	{NULL, NULL, 0, NULL},
};
static const struct csv_column link_columns[] = {
	{"name", "/links/name", COLUMN_TEXT, NULL}, {"source", "/links/source", COLUMN_INTEGER, NULL},
	{"target", "/links/target", COLUMN_INTEGER, NULL}, {"medium", "/links/medium", COLUMN_ENUMERATION, NULL},
	{"bandwidth_Bps", "/links/bandwidth", COLUMN_INTEGER, NULL}, {"latency_ps", "/links/latency_ps", COLUMN_INTEGER, NULL},
	{"bytes", "/links/total_bytes", COLUMN_INTEGER, NULL}, {"busy_ps", "/links/total_busy_ps", COLUMN_INTEGER, NULL},
	{NULL, NULL, 0, NULL},
};
static const struct csv_column collective_columns[] = {
	{"collective", "/collectives/collective", COLUMN_INTEGER, NULL}, {"kind", "/collectives/kind", COLUMN_ENUMERATION, NULL},
	{"algorithm", "/collectives/algorithm", COLUMN_TEXT, NULL}, {"protocol", "/collectives/protocol", COLUMN_TEXT, NULL},
	{"group", "/collectives/group", COLUMN_INTEGER, NULL}, {"ranks", "/collectives/ranks", COLUMN_INTEGER, NULL},
	{"bytes", "/collectives/bytes", COLUMN_INTEGER, NULL}, {"start_ps", "/collectives/start_ps", COLUMN_INTEGER, NULL},
	{"end_ps", "/collectives/end_ps", COLUMN_INTEGER, NULL}, {"algbw_Bps", "/collectives/algbw", COLUMN_NUMBER, NULL},
	{"busbw_Bps", "/collectives/busbw", COLUMN_NUMBER, NULL},
	{NULL, NULL, 0, NULL},
};
static const struct csv_column *const table_columns[EXPORT_TABLES] = {message_columns, op_columns, link_columns, collective_columns};
/* Rows are written in the order of this column, which for messages is not the order of the file. */
static const char *const table_order[EXPORT_TABLES] = {"/messages/message", NULL, NULL, "/collectives/collective"};

#define COLUMNS_MAX 16
struct csv_data {
	const struct csv_column *columns;
	int64_t n_rows;
	void *values[COLUMNS_MAX];
	const char *const *words[COLUMNS_MAX]; /* of enumerations and lookups */
	const char **owned[COLUMNS_MAX];
	int64_t n_words[COLUMNS_MAX];
};

static int load_column(struct timeline *timeline, struct csv_data *data, int i, struct error *err)
{
	const struct csv_column *column = &data->columns[i];
	uint32_t n_words = 0;
	if (column->kind == COLUMN_NUMBER)
		data->values[i] = timeline_numbers(timeline, column->variable, &data->n_rows, err);
	else if (column->kind == COLUMN_TEXT)
		data->values[i] = timeline_texts(timeline, column->variable, &data->n_rows, err);
	else
		data->values[i] = timeline_integers(timeline, column->variable, &data->n_rows, err);
	if (!data->values[i])
		return -1;
	if (column->kind == COLUMN_ENUMERATION) {
		data->words[i] = timeline_meanings(timeline, column->variable, &n_words);
		data->n_words[i] = n_words;
	} else if (column->kind == COLUMN_LOOKUP && timeline_has(timeline, column->lookup)) {
		data->owned[i] = timeline_texts(timeline, column->lookup, &data->n_words[i], err);
		data->words[i] = (const char *const *)data->owned[i];
	}
	return 0;
}

static void release_data(struct csv_data *data)
{
	for (int i = 0; i < COLUMNS_MAX; i++) {
		free(data->values[i]);
		free(data->owned[i]);
	}
}

/* RFC 4180: quoted when it holds a comma, a quote or a line's end. */
static void put_text(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

static void put_value(FILE *out, const struct csv_data *data, int column, int64_t row)
{
	int64_t value;
	switch (data->columns[column].kind) {
	case COLUMN_NUMBER: fprintf(out, "%.17g", ((double *)data->values[column])[row]); return;
	case COLUMN_TEXT: put_text(out, ((const char **)data->values[column])[row]); return;
	default: break;
	}
	value = ((int64_t *)data->values[column])[row];
	if (data->words[column]) {
		if (value >= 0 && value < data->n_words[column])
			put_text(out, data->words[column][value]);
	} else if (value != TIME_NEVER) {
		fprintf(out, "%" PRId64, value);
	}
}

struct keyed_row {
	int64_t key, row;
};

static int compare_keys(const void *a, const void *b)
{
	const struct keyed_row *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

static struct keyed_row *sorted_rows(struct timeline *timeline, enum export_table table, int64_t n, struct error *err)
{
	struct keyed_row *rows = memory_alloc(((size_t)n + 1) * sizeof *rows);
	int64_t *keys = table_order[table] ? timeline_integers(timeline, table_order[table], NULL, err) : NULL;
	for (int64_t i = 0; i < n; i++)
		rows[i] = (struct keyed_row){keys ? keys[i] : i, i};
	free(keys);
	qsort(rows, (size_t)n, sizeof *rows, compare_keys);
	return rows;
}

static int check_output(FILE *out, struct error *err)
{
	return fflush(out) || ferror(out) ? error_set(err, ERROR_HOST, "cannot write the output: %s", strerror(errno)) : 0;
}

const char *export_beginning(bool csv, enum export_table table)
{
	return csv ? table_columns[table][0].header : "\x0a"; /* Perfetto: field 1 of a Trace, a packet */
}

int export_csv(struct timeline *timeline, enum export_table table, FILE *out, struct error *err)
{
	struct csv_data data = {.columns = table_columns[table]};
	int n = 0, status = 0;
	for (; data.columns[n].header && status == 0; n++)
		status = load_column(timeline, &data, n, err);
	if (status == 0) {
		struct keyed_row *rows = sorted_rows(timeline, table, data.n_rows, err);
		for (int i = 0; i < n; i++)
			fprintf(out, "%s%s", i ? "," : "", data.columns[i].header);
		putc('\n', out);
		for (int64_t row = 0; row < data.n_rows; row++)
			for (int i = 0; i < n; i++) {
				put_value(out, &data, i, rows[row].row);
				putc(i + 1 < n ? ',' : '\n', out);
			}
		free(rows);
		status = check_output(out, err);
	}
	release_data(&data);
	return status;
}
