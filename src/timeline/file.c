#include "timeline/file.h"

#include <errno.h>
#include <hdf5_hl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define DEFLATE_LEVEL 1       /* 6 saves about a tenth and takes thrice as long */
#define TEXT_BUFFER_BYTES 16384
#define CONTIGUOUS_BYTES 32768 /* below it a fixed-size variable is not worth a chunk: deflating it takes longer than writing it */

size_t value_size(enum value_type type)
{
	static const size_t sizes[] = {8, 4, 4, 2, 1, 8, 4, sizeof(char *)};
	return sizes[type];
}

/* As held in memory; in the file the same (little endian). */
static hid_t type_of(const struct timeline_file *file, enum value_type type)
{
	switch (type) {
	case VALUE_I64: return H5T_STD_I64LE;
	case VALUE_I32: return H5T_STD_I32LE;
	case VALUE_U32: return H5T_STD_U32LE;
	case VALUE_U16: return H5T_STD_U16LE;
	case VALUE_U8: return H5T_STD_U8LE;
	case VALUE_F64: return H5T_IEEE_F64LE;
	case VALUE_F32: return H5T_IEEE_F32LE;
	case VALUE_TEXT: break;
	}
	return file->text_type;
}

int file_fail(struct timeline_file *file, const char *format, ...)
{
	char what[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	return error_set(&file->error, ERROR_HOST, "cannot write timeline '%s': %s", file->path, what);
}

static bool failed(const struct timeline_file *file)
{
	return file->error.code != ERROR_NONE || (file->host_error && *file->host_error);
}

/* Every call of the library goes through one of these two. */
static hid_t opened(struct timeline_file *file, hid_t id, const char *what)
{
	if (id < 0)
		file_fail(file, "cannot create '%s'", what);
	return id;
}
static void done(struct timeline_file *file, herr_t status, const char *what)
{
	if (status < 0)
		file_fail(file, "cannot write '%s'", what);
}

hid_t file_group(struct timeline_file *file, const char *path, const char *text)
{
	if (failed(file))
		return H5I_INVALID_HID;
	hid_t properties = H5Pcreate(H5P_GROUP_CREATE);
	H5Pset_obj_track_times(properties, 0);
	hid_t group = opened(file, H5Gcreate2(file->id, path, H5P_DEFAULT, properties, H5P_DEFAULT), path);
	H5Pclose(properties);
	if (text)
		file_attribute_text(file, group, "title", text);
	return group;
}

void file_close_group(hid_t group)
{
	if (group >= 0)
		H5Gclose(group);
}

static void write_attribute(struct timeline_file *file, hid_t object, const char *name, hid_t type, hid_t space, const void *value)
{
	if (failed(file))
		return;
	hid_t attribute = opened(file, H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT)
				 : H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), name);
	if (attribute < 0)
		return;
	done(file, H5Awrite(attribute, type, value), name);
	H5Aclose(attribute);
}

static void write_scalar(struct timeline_file *file, hid_t object, const char *name, hid_t type, const void *value)
{
	hid_t space = H5Screate(H5S_SCALAR);
	write_attribute(file, object, name, type, space, value);
	H5Sclose(space);
}

void file_attribute_fixed(struct timeline_file *file, hid_t object, const char *name, const char *value, size_t size)
{
	char *padded = memory_zero(size, 1);
	hid_t type = H5Tcopy(H5T_C_S1);
	size_t length = strlen(value);
	memcpy(padded, value, length < size ? length : size - 1);
	H5Tset_size(type, size);
	H5Tset_cset(type, H5T_CSET_UTF8);
	write_scalar(file, object, name, type, padded);
	H5Tclose(type);
	free(padded);
}

void file_attribute_text(struct timeline_file *file, hid_t object, const char *name, const char *value)
{
	file_attribute_fixed(file, object, name, value, strlen(value) + 1);
}

void file_attribute_integer(struct timeline_file *file, hid_t object, const char *name, int64_t value)
{
	write_scalar(file, object, name, H5T_STD_I64LE, &value);
}

void file_attribute_unsigned(struct timeline_file *file, hid_t object, const char *name, uint64_t value)
{
	write_scalar(file, object, name, H5T_STD_U64LE, &value);
}

/* CF conventions §3.5: flag_values or flag_masks, of the variable's own type, and flag_meanings, words separated by blanks. */
static void describe_flags(struct timeline_file *file, hid_t dataset, const struct variable *variable)
{
	struct text meanings = TEXT_INIT;
	int64_t *values = memory_zero(variable->n_meanings, sizeof *values);
	hsize_t n = variable->n_meanings;
	for (uint32_t i = 0; i < variable->n_meanings; i++) {
		values[i] = variable->flags ? INT64_C(1) << i : (int64_t)i;
		if (i)
			text_puts(&meanings, " ");
		for (const char *c = variable->meanings[i]; *c; c++) /* a blank inside a word would make two of it */
			text_add(&meanings, strchr(" \t\n", *c) ? "_" : c, 1);
	}
	hid_t type = type_of(file, variable->type), space = H5Screate_simple(1, &n, NULL);
	done(file, H5Tconvert(H5T_NATIVE_INT64, type, variable->n_meanings, values, NULL, H5P_DEFAULT), "flag_values");
	write_attribute(file, dataset, variable->flags ? "flag_masks" : "flag_values", type, space, values);
	file_attribute_text(file, dataset, "flag_meanings", text_string(&meanings));
	H5Sclose(space);
	text_release(&meanings);
	free(values);
}

static void describe(struct timeline_file *file, hid_t dataset, const struct variable *variable)
{
	if (dataset < 0 || failed(file))
		return;
	if (variable->units)
		file_attribute_text(file, dataset, "units", variable->units);
	if (variable->text)
		file_attribute_text(file, dataset, "long_name", variable->text);
	if (variable->n_meanings)
		describe_flags(file, dataset, variable);
}

/* Chunks of what grows or is large; the rest is contiguous. */
static hid_t layout(enum value_type type, const struct dimension *const *dimensions, int n)
{
	hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
	hsize_t chunk[H5S_MAX_RANK], bytes = value_size(type);
	bool unlimited = false;
	for (int i = 0; i < n; i++) {
		chunk[i] = dimensions[i]->chunk ? dimensions[i]->chunk : 1;
		unlimited |= dimensions[i]->unlimited;
		bytes *= dimensions[i]->size;
	}
	H5Pset_obj_track_times(properties, 0);
	if (unlimited || bytes > CONTIGUOUS_BYTES) {
		H5Pset_chunk(properties, n, chunk);
		if (type != VALUE_TEXT) { /* the chunk of a text holds references: nothing to gain */
			H5Pset_shuffle(properties);
			H5Pset_deflate(properties, DEFLATE_LEVEL);
		}
	}
	return properties;
}

static hid_t create(struct timeline_file *file, hid_t group, const struct variable *variable, const struct dimension *const *dimensions,
		    int n)
{
	if (failed(file))
		return H5I_INVALID_HID;
	hsize_t size[H5S_MAX_RANK], limit[H5S_MAX_RANK];
	for (int i = 0; i < n; i++) {
		size[i] = dimensions[i]->size;
		limit[i] = dimensions[i]->unlimited ? H5S_UNLIMITED : size[i];
	}
	hid_t properties = layout(variable->type, dimensions, n), space = H5Screate_simple(n, size, limit);
	hid_t access_list = H5Pcreate(H5P_DATASET_ACCESS);
	H5Pset_chunk_cache(access_list, 0, 0, 1); /* whole chunks are written: caching them would only cost memory */
	hid_t dataset = opened(file, H5Dcreate2(group, variable->name, type_of(file, variable->type), space, H5P_DEFAULT, properties,
						access_list), variable->name);
	H5Pclose(access_list);
	H5Sclose(space);
	H5Pclose(properties);
	describe(file, dataset, variable);
	return dataset;
}

static hsize_t chunk_rows(hsize_t chunk, hsize_t size, bool unlimited)
{
	return unlimited || chunk < size ? chunk : size;
}

static struct dimension make_dimension(struct timeline_file *file, hid_t group, const struct variable *variable, const char *scale_name,
				       hsize_t size, bool unlimited, hsize_t chunk)
{
	struct dimension dimension = {H5I_INVALID_HID, size, unlimited, chunk_rows(chunk, size, unlimited)};
	const struct dimension *self = &dimension;
	dimension.dataset = create(file, group, variable, &self, 1);
	if (dimension.dataset >= 0)
		done(file, H5DSset_scale(dimension.dataset, scale_name), variable->name);
	return dimension;
}

/* The name of the scale is what marks a dimension without values for netCDF-4 readers. Never written, so it takes no room. */
struct dimension file_dimension(struct timeline_file *file, hid_t group, const char *name, hsize_t size, bool unlimited, hsize_t chunk)
{
	char mark[80];
	snprintf(mark, sizeof mark, "This is a netCDF dimension but not a netCDF variable.%10llu", (unsigned long long)size);
	struct variable variable = {.name = name, .type = VALUE_U8};
	return make_dimension(file, group, &variable, mark, size, unlimited, chunk);
}

struct dimension file_coordinate(struct timeline_file *file, hid_t group, const struct variable *variable, hsize_t size, bool unlimited,
				 hsize_t chunk)
{
	return make_dimension(file, group, variable, variable->name, size, unlimited, chunk);
}

void file_close_dimension(struct dimension *dimension)
{
	if (dimension->dataset >= 0)
		H5Dclose(dimension->dataset);
	dimension->dataset = H5I_INVALID_HID;
}

hid_t file_variable(struct timeline_file *file, hid_t group, const struct variable *variable, const struct dimension *const *dimensions,
		    int n_dimensions)
{
	hid_t dataset = create(file, group, variable, dimensions, n_dimensions);
	for (int i = 0; i < n_dimensions && dataset >= 0 && !failed(file); i++)
		done(file, H5DSattach_scale(dataset, dimensions[i]->dataset, (unsigned)i), variable->name);
	return dataset;
}

/* Text is converted through buffers of a MiB unless told otherwise, which HDF5 clears for each write. */
static hid_t transfer_list(enum value_type type)
{
	hid_t list = H5P_DEFAULT;
	if (type == VALUE_TEXT) {
		list = H5Pcreate(H5P_DATASET_XFER);
		H5Pset_buffer(list, TEXT_BUFFER_BYTES, NULL, NULL);
	}
	return list;
}

void file_write_all(struct timeline_file *file, hid_t dataset, enum value_type type, const void *values)
{
	if (failed(file) || dataset < 0)
		return;
	hid_t list = transfer_list(type);
	done(file, H5Dwrite(dataset, type_of(file, type), H5S_ALL, H5S_ALL, list, values), "values");
	if (list != H5P_DEFAULT)
		H5Pclose(list);
}

void file_write_variable(struct timeline_file *file, hid_t group, const struct variable *variable,
			 const struct dimension *const *dimensions, int n_dimensions, const void *values)
{
	hid_t dataset = file_variable(file, group, variable, dimensions, n_dimensions);
	hsize_t n = 1;
	for (int i = 0; i < n_dimensions; i++)
		n *= dimensions[i]->size;
	if (n)
		file_write_all(file, dataset, variable->type, values);
	if (dataset >= 0)
		H5Dclose(dataset);
}

void file_extend(struct timeline_file *file, hid_t dataset, int n_dimensions, const hsize_t *size)
{
	(void)n_dimensions;
	if (!failed(file) && dataset >= 0)
		done(file, H5Dset_extent(dataset, size), "values");
}

void file_write_box(struct timeline_file *file, hid_t dataset, enum value_type type, int n_dimensions, const hsize_t *start,
		    const hsize_t *count, const void *values)
{
	if (failed(file) || dataset < 0)
		return;
	hid_t space = opened(file, H5Dget_space(dataset), "values"), memory = H5Screate_simple(n_dimensions, count, NULL);
	H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
	hid_t list = transfer_list(type);
	done(file, H5Dwrite(dataset, type_of(file, type), memory, space, list, values), "values");
	if (list != H5P_DEFAULT)
		H5Pclose(list);
	H5Sclose(memory);
	H5Sclose(space);
}

void file_write_text(struct timeline_file *file, hid_t group, const char *name, const char *value, const char *text)
{
	struct variable variable = {.name = name, .type = VALUE_TEXT, .text = text};
	file_write_variable(file, group, &variable, NULL, 0, &value);
}
