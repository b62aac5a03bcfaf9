#include "timeline/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static hid_t column_dataset(struct table *table, const struct variable *variable, uint32_t column, const char *dimension)
{
	const struct dimension *rows = &table->rows;
	if (column == 0 && !strcmp(variable->name, dimension))
		return table->rows.dataset;
	return file_variable(table->file, table->group, variable, &rows, 1);
}

void table_open(struct table *table, struct timeline_file *file, const char *path, const char *text, const char *dimension,
		uint32_t rows_per_chunk, const struct variable *variables, uint32_t n_variables)
{
	assert(n_variables <= TABLE_COLUMNS);
	memset(table, 0, sizeof *table);
	table->file = file;
	table->group = file_group(file, path, text);
	if (!strcmp(variables[0].name, dimension))
		table->rows = file_coordinate(file, table->group, &variables[0], 0, true, rows_per_chunk);
	else
		table->rows = file_dimension(file, table->group, dimension, 0, true, rows_per_chunk);
	table->n_columns = n_variables;
	table->room = TABLE_BLOCK;
	for (uint32_t i = 0; i < n_variables; i++) {
		table->types[i] = variables[i].type;
		table->columns[i] = memory_alloc(TABLE_BLOCK * value_size(variables[i].type));
		table->datasets[i] = column_dataset(table, &variables[i], i, dimension);
		table->row_bytes += (int64_t)value_size(variables[i].type);
	}
}

void table_write(struct table *table)
{
	hsize_t start = (hsize_t)table->n_written, count = table->n_buffered, size = start + count;
	if (!count)
		return;
	for (uint32_t i = 0; i < table->n_columns; i++) {
		file_extend(table->file, table->datasets[i], 1, &size);
		file_write_box(table->file, table->datasets[i], table->types[i], 1, &start, &count, table->columns[i]);
	}
	if (table->datasets[0] != table->rows.dataset)
		file_extend(table->file, table->rows.dataset, 1, &size);
	table->n_written += table->n_buffered;
	table->n_buffered = 0;
	table->room = TABLE_BLOCK - (uint32_t)(table->n_written % TABLE_BLOCK);
}

void table_drop(struct table *table)
{
	hsize_t none = 0;
	for (uint32_t i = 0; i < table->n_columns; i++)
		file_extend(table->file, table->datasets[i], 1, &none);
	file_extend(table->file, table->rows.dataset, 1, &none);
	table->n_dropped += table->n_written + table->n_buffered;
	table->n_written = table->n_buffered = 0;
	table->dropped = true;
}

void table_close(struct table *table)
{
	if (!table->file)
		return;
	for (uint32_t i = 0; i < table->n_columns; i++) {
		if (table->datasets[i] >= 0 && table->datasets[i] != table->rows.dataset)
			H5Dclose(table->datasets[i]);
		free(table->columns[i]);
	}
	file_close_dimension(&table->rows);
	file_close_group(table->group);
	memset(table, 0, sizeof *table);
}
