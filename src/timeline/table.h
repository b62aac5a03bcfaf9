/* Tables of records, one group and one dataset per column, written in blocks: a record costs a few stores, a block one H5Dwrite
 * per column. */
#ifndef WEFT_TIMELINE_TABLE_H
#define WEFT_TIMELINE_TABLE_H

#include "timeline/file.h"

#define TABLE_BLOCK 16384
#define TABLE_CHUNK 8192 /* at most 64 KiB: from 128 KiB on, glibc maps and unmaps memory for each chunk that HDF5 touches */
#define TABLE_CHUNK_SMALL 512 /* of tables that mostly have few rows: a chunk is compressed whole */
#define TABLE_COLUMNS 24

struct table {
	struct timeline_file *file;
	hid_t group;
	struct dimension rows;
	hid_t datasets[TABLE_COLUMNS];
	enum value_type types[TABLE_COLUMNS];
	void *columns[TABLE_COLUMNS]; /* [TABLE_BLOCK] each */
	uint32_t n_columns, n_buffered;
	uint32_t room;                /* rows until the next multiple of a block: chunks are written whole */
	int64_t n_written;
	int64_t row_bytes;            /* uncompressed */
	bool dropped;                 /* further records are only counted */
	int64_t n_dropped;
};

/* The first variable is the coordinate of the rows when its name is `dimension`; else the rows have no values of their own. */
void table_open(struct table *table, struct timeline_file *file, const char *path, const char *text, const char *dimension,
		uint32_t rows_per_chunk, const struct variable *variables, uint32_t n_variables);
void table_write(struct table *table); /* what is buffered */
/* Gives up the records written so far and to come: a table is whole or empty. */
void table_drop(struct table *table);
void table_close(struct table *table);

/* The row to fill; TABLE_SET stores into it, then table_commit. */
#define TABLE_SET(table, column, type, value) (((type *)(table)->columns[column])[(table)->n_buffered] = (value))
static inline void table_commit(struct table *table)
{
	if (__builtin_expect(++table->n_buffered == table->room, 0))
		table_write(table);
}

#endif
