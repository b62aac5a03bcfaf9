/* HDF5 as the timeline uses it: groups whose variables share named dimensions, in the form that netCDF-4 readers (xarray with
 * h5netcdf) expect: every dimension is a dimension scale inside its own group, and every variable is attached to its scales.
 *
 * Errors latch in the file: after the first failed call every further one does nothing and the first message stays. */
#ifndef WEFT_TIMELINE_FILE_H
#define WEFT_TIMELINE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <hdf5.h>

#include "base/error.h"

#define TIMELINE_FORMAT "weft-timeline"
#define TIMELINE_VERSION 1 /* newer ones are refused by older readers; what changed is in docs/timeline-format.md */

enum value_type { VALUE_I64, VALUE_I32, VALUE_U32, VALUE_U16, VALUE_U8, VALUE_F64, VALUE_F32, VALUE_TEXT /* char * */ };
size_t value_size(enum value_type type);

struct timeline_file {
	hid_t id;
	hid_t text_type;       /* variable-length UTF-8 */
	const char *path;      /* for messages; the owner keeps it */
	struct error error;
	const int *host_error; /* of the driver: not 0 once a write failed */
};

struct variable {
	const char *name;
	enum value_type type;
	const char *units;      /* "ps", "s", "B", "B/s", "1", …; NULL: none */
	const char *text;       /* long_name: one line for people */
	const char *const *meanings; /* enumeration: value i means meanings[i] */
	uint32_t n_meanings;
	bool flags;             /* the values are sets: bit i stands for meanings[i] */
};

/* A named dimension: a dataset that is a dimension scale. size_is_fixed: as large as it is created. */
struct dimension {
	hid_t dataset;
	hsize_t size;
	bool unlimited;
	hsize_t chunk;          /* rows per chunk along it */
};

/* Notes that something failed and what; returns -1. The message names the file. */
int file_fail(struct timeline_file *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

hid_t file_group(struct timeline_file *file, const char *path, const char *text);
void file_close_group(hid_t group);
void file_attribute_text(struct timeline_file *file, hid_t object, const char *name, const char *value);
/* Fixed size: can be overwritten without moving anything. */
void file_attribute_fixed(struct timeline_file *file, hid_t object, const char *name, const char *value, size_t size);
void file_attribute_integer(struct timeline_file *file, hid_t object, const char *name, int64_t value);
void file_attribute_unsigned(struct timeline_file *file, hid_t object, const char *name, uint64_t value);

/* A dimension without values of its own. */
struct dimension file_dimension(struct timeline_file *file, hid_t group, const char *name, hsize_t size, bool unlimited, hsize_t chunk);
/* A dimension whose values are the variable of its name: the caller writes dimension.dataset. */
struct dimension file_coordinate(struct timeline_file *file, hid_t group, const struct variable *variable, hsize_t size,
				 bool unlimited, hsize_t chunk);
void file_close_dimension(struct dimension *dimension);

/* A variable over n dimensions; chunked, shuffled and deflated unless it is small or text. Close with H5Dclose. */
hid_t file_variable(struct timeline_file *file, hid_t group, const struct variable *variable, const struct dimension *const *dimensions,
		    int n_dimensions);
/* Creates and writes all of a variable over dimensions of fixed size. */
void file_write_variable(struct timeline_file *file, hid_t group, const struct variable *variable,
			 const struct dimension *const *dimensions, int n_dimensions, const void *values);
void file_write_all(struct timeline_file *file, hid_t dataset, enum value_type type, const void *values);
/* Writes a box of values, extending the dataset to at least its end. */
void file_write_box(struct timeline_file *file, hid_t dataset, enum value_type type, int n_dimensions, const hsize_t *start,
		    const hsize_t *count, const void *values);
void file_extend(struct timeline_file *file, hid_t dataset, int n_dimensions, const hsize_t *size);
/* A single text or number as a variable without dimensions. */
void file_write_text(struct timeline_file *file, hid_t group, const char *name, const char *value, const char *text);

#endif
