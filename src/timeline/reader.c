#include "timeline/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "timeline/file.h"
#include "timeline/journal.h"

struct timeline {
	hid_t file;
	char *path;
	struct arena arena;
};

const char *timeline_path(const struct timeline *timeline) { return timeline->path; }

/* Why a file could not be opened by the library, in words that help. */
static int explain_unreadable(const char *path, struct error *err)
{
	static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
	unsigned char head[8] = {0};
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return error_set(err, ERROR_INPUT, "cannot open timeline '%s': %s", path, strerror(errno));
	ssize_t got = read(file, head, sizeof head);
	close(file);
	if (got != (ssize_t)sizeof head || memcmp(head, signature, sizeof head))
		return error_set(err, ERROR_INPUT, "'%s' is not a weft timeline (not an HDF5 file)", path);
	return error_set(err, ERROR_INPUT, "'%s' was left half written, as by a run that was killed: try `weft timeline recover %s`",
			 path, path);
}

static int check_version(const struct timeline *timeline, struct error *err)
{
	int64_t version = -1;
	hid_t attribute = H5Aexists(timeline->file, "format") > 0 ? H5Aopen(timeline->file, "format_version", H5P_DEFAULT)
								  : H5I_INVALID_HID;
	if (attribute >= 0) {
		H5Aread(attribute, H5T_NATIVE_INT64, &version);
		H5Aclose(attribute);
	}
	if (version < 1)
		return error_set(err, ERROR_INPUT, "'%s' is not a weft timeline (an HDF5 file of something else)", timeline->path);
	if (version > TIMELINE_VERSION)
		return error_set(err, ERROR_INPUT, "'%s' has timeline format version %lld, this weft reads up to %d: use a newer weft",
				 timeline->path, (long long)version, TIMELINE_VERSION);
	return 0;
}

struct timeline *timeline_open(const char *path, struct error *err)
{
	struct timeline *timeline = memory_zero(1, sizeof *timeline);
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
	timeline->path = memory_text(path);
	timeline->file = journal_pending(path) ? H5I_INVALID_HID : H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
	if (timeline->file < 0)
		explain_unreadable(path, err);
	if (timeline->file >= 0 && check_version(timeline, err) == 0)
		return timeline;
	timeline_close(timeline);
	return NULL;
}

void timeline_close(struct timeline *timeline)
{
	if (!timeline)
		return;
	if (timeline->file >= 0)
		H5Fclose(timeline->file);
	arena_release(&timeline->arena);
	free(timeline->path);
	free(timeline);
}

/* H5Lexists wants every group on the way to exist. */
bool timeline_has(const struct timeline *timeline, const char *variable)
{
	char group[256];
	const char *last = strrchr(variable, '/');
	size_t length = last ? (size_t)(last - variable) : 0;
	if (length >= sizeof group)
		return false;
	memcpy(group, variable, length);
	group[length] = '\0';
	return (!length || H5Lexists(timeline->file, group, H5P_DEFAULT) > 0) &&
	       H5Lexists(timeline->file, variable, H5P_DEFAULT) > 0;
}

static const char recovered_message[] = "the run was killed; recovered up to the last time its timeline was flushed";

/* Writes `incomplete` over `running`: both attributes have a fixed size. */
static int mark_incomplete(const char *path, hid_t file, struct error *err)
{
	static const struct { const char *name, *value; } marks[] = {{"status", "incomplete"}, {"message", recovered_message}};
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		hid_t attribute = H5Aopen(file, marks[i].name, H5P_DEFAULT), type = attribute < 0 ? attribute : H5Aget_type(attribute);
		size_t size = type < 0 ? 0 : H5Tget_size(type);
		char *value = memory_zero(size + 1, 1);
		if (size > strlen(marks[i].value))
			strcpy(value, marks[i].value);
		if (!*value || H5Awrite(attribute, type, value) < 0)
			error_set(err, ERROR_HOST, "cannot write '%s'", path);
		free(value);
		if (type >= 0)
			H5Tclose(type);
		if (attribute >= 0)
			H5Aclose(attribute);
	}
	return err->code ? -1 : 0;
}

int timeline_recover(const char *path, struct error *err)
{
	int replayed = journal_replay(path, err), status = -1;
	if (replayed < 0)
		return -1;
	struct timeline *timeline = timeline_open(path, err);
	bool running = timeline && !strcmp(timeline_text(timeline, "status"), "running");
	timeline_close(timeline);
	if (!timeline)
		return -1;
	if (!running)
		return replayed;
	hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
	if (file < 0)
		return error_set(err, ERROR_HOST, "cannot open '%s' for writing", path);
	status = mark_incomplete(path, file, err);
	if (H5Fflush(file, H5F_SCOPE_GLOBAL) < 0 || H5Fclose(file) < 0)
		status = error_set(err, ERROR_HOST, "cannot write '%s'", path);
	return status ? -1 : 1;
}

/* An open variable with its size. */
struct opened {
	hid_t dataset, space;
	hsize_t size[3];
	int rank;
	int64_t n_values;
};

static int open_variable(const struct timeline *timeline, const char *variable, struct opened *opened, struct error *err)
{
	if (!timeline_has(timeline, variable))
		return error_set(err, ERROR_INPUT, "timeline '%s' has no '%s': it was recorded with detail '%s'", timeline->path, variable,
				 timeline_text((struct timeline *)timeline, "detail"));
	opened->dataset = H5Dopen2(timeline->file, variable, H5P_DEFAULT);
	opened->space = opened->dataset >= 0 ? H5Dget_space(opened->dataset) : H5I_INVALID_HID;
	opened->rank = opened->space >= 0 ? H5Sget_simple_extent_ndims(opened->space) : -1;
	if (opened->rank < 0 || opened->rank > 3) {
		if (opened->dataset >= 0)
			H5Dclose(opened->dataset);
		return error_set(err, ERROR_INPUT, "timeline '%s' is damaged: cannot read '%s'; try `weft timeline recover %s`",
				 timeline->path, variable, timeline->path);
	}
	H5Sget_simple_extent_dims(opened->space, opened->size, NULL);
	opened->n_values = 1;
	for (int i = 0; i < opened->rank; i++)
		opened->n_values *= (int64_t)opened->size[i];
	return 0;
}

static void close_variable(struct opened *opened)
{
	H5Sclose(opened->space);
	H5Dclose(opened->dataset);
}

static int damaged(const struct timeline *timeline, const char *variable, struct error *err)
{
	return error_set(err, ERROR_INPUT, "timeline '%s' is damaged: cannot read '%s'; try `weft timeline recover %s`", timeline->path,
			 variable, timeline->path);
}

static void *read_whole(const struct timeline *timeline, const char *variable, hid_t type, size_t size, int64_t *n_values,
			struct error *err)
{
	struct opened opened;
	if (open_variable(timeline, variable, &opened, err))
		return NULL;
	void *values = memory_zero((size_t)opened.n_values + 1, size);
	if (opened.n_values && H5Dread(opened.dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
		damaged(timeline, variable, err);
		free(values);
		values = NULL;
	}
	if (n_values)
		*n_values = opened.n_values;
	close_variable(&opened);
	return values;
}

int64_t *timeline_integers(const struct timeline *timeline, const char *variable, int64_t *n_values, struct error *err)
{
	return read_whole(timeline, variable, H5T_NATIVE_INT64, sizeof(int64_t), n_values, err);
}

double *timeline_numbers(const struct timeline *timeline, const char *variable, int64_t *n_values, struct error *err)
{
	return read_whole(timeline, variable, H5T_NATIVE_DOUBLE, sizeof(double), n_values, err);
}

static hid_t text_type(void)
{
	hid_t type = H5Tcopy(H5T_C_S1);
	H5Tset_size(type, H5T_VARIABLE);
	H5Tset_cset(type, H5T_CSET_UTF8);
	return type;
}

const char **timeline_texts(struct timeline *timeline, const char *variable, int64_t *n_values, struct error *err)
{
	int64_t n = 0;
	hid_t type = text_type();
	char **values = read_whole(timeline, variable, type, sizeof *values, &n, err);
	for (int64_t i = 0; values && i < n; i++) {
		char *own = arena_text(&timeline->arena, values[i] ? values[i] : "");
		H5free_memory(values[i]);
		values[i] = own;
	}
	H5Tclose(type);
	if (n_values)
		*n_values = n;
	return (const char **)values;
}

static int read_box(const struct timeline *timeline, const char *variable, hid_t type, int64_t first, int64_t n, void *out,
		    struct error *err)
{
	struct opened opened;
	int status = 0;
	if (open_variable(timeline, variable, &opened, err))
		return -1;
	hsize_t start[3] = {(hsize_t)first, 0, 0}, count[3] = {(hsize_t)n, opened.size[1], opened.size[2]};
	if (first < 0 || n < 0 || opened.rank < 1 || (hsize_t)(first + n) > opened.size[0]) {
		status = damaged(timeline, variable, err);
	} else if (n) {
		hid_t memory = H5Screate_simple(opened.rank, count, NULL);
		H5Sselect_hyperslab(opened.space, H5S_SELECT_SET, start, NULL, count, NULL);
		if (H5Dread(opened.dataset, type, memory, opened.space, H5P_DEFAULT, out) < 0)
			status = damaged(timeline, variable, err);
		H5Sclose(memory);
	}
	close_variable(&opened);
	return status;
}

int timeline_bins_read(const struct timeline *timeline, const char *variable, int64_t first, int64_t n, int64_t *out, struct error *err)
{
	return read_box(timeline, variable, H5T_NATIVE_INT64, first, n, out, err);
}

int64_t timeline_rows(const struct timeline *timeline, const char *variable)
{
	struct opened opened;
	if (!timeline_has(timeline, variable) || open_variable(timeline, variable, &opened, NULL))
		return 0;
	int64_t n = opened.rank ? (int64_t)opened.size[0] : 1;
	close_variable(&opened);
	return n;
}

int64_t timeline_integer(const struct timeline *timeline, const char *variable, int64_t otherwise)
{
	int64_t *value = timeline_has(timeline, variable) ? timeline_integers(timeline, variable, NULL, NULL) : NULL;
	int64_t result = value ? *value : otherwise;
	free(value);
	return result;
}

double timeline_number(const struct timeline *timeline, const char *variable, double otherwise)
{
	double *value = timeline_has(timeline, variable) ? timeline_numbers(timeline, variable, NULL, NULL) : NULL;
	double result = value ? *value : otherwise;
	free(value);
	return result;
}

/* The text of a fixed-length or variable-length attribute. */
static char *attribute_text(struct timeline *timeline, hid_t object, const char *name)
{
	hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : H5I_INVALID_HID;
	char *text = NULL;
	if (attribute < 0)
		return NULL;
	hid_t type = H5Aget_type(attribute);
	if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0) {
		text = arena_alloc(&timeline->arena, H5Tget_size(type) + 1);
		if (H5Aread(attribute, type, text) < 0)
			text = NULL;
	}
	H5Tclose(type);
	H5Aclose(attribute);
	return text;
}

const char *timeline_text(struct timeline *timeline, const char *name)
{
	char *text = attribute_text(timeline, timeline->file, name);
	const char **texts, *result = "";
	if (text)
		return text;
	if (!timeline_has(timeline, name))
		return "";
	texts = timeline_texts(timeline, name, NULL, NULL);
	if (texts)
		result = texts[0];
	free(texts);
	return result;
}

const char *const *timeline_meanings(struct timeline *timeline, const char *variable, uint32_t *n)
{
	struct opened opened;
	const char **words = NULL;
	*n = 0;
	if (!timeline_has(timeline, variable) || open_variable(timeline, variable, &opened, NULL))
		return NULL;
	char *text = attribute_text(timeline, opened.dataset, "flag_meanings"), *rest = NULL;
	close_variable(&opened);
	if (!text)
		return NULL;
	words = arena_array(&timeline->arena, strlen(text) / 2 + 1, sizeof *words);
	for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		words[(*n)++] = word;
	return words;
}

static int read_bins(struct timeline *timeline, struct timeline_links *links, struct error *err)
{
	int64_t n = 0, *bounds = timeline_integers(timeline, "/links/time_bounds", &n, err);
	if (!bounds)
		return -1;
	links->n_bins = (uint32_t)(n / 2);
	links->bin_start_ps = memory_zero(links->n_bins + 1u, sizeof *links->bin_start_ps);
	links->bin_end_ps = memory_zero(links->n_bins + 1u, sizeof *links->bin_end_ps);
	for (uint32_t i = 0; i < links->n_bins; i++) {
		links->bin_start_ps[i] = bounds[2 * i];
		links->bin_end_ps[i] = bounds[2 * i + 1];
	}
	free(bounds);
	return 0;
}

int timeline_links_read(struct timeline *timeline, struct timeline_links *links, struct error *err)
{
	int64_t n = 0;
	memset(links, 0, sizeof *links);
	if ((links->names = timeline_texts(timeline, "/links/name", &n, err)) &&
	    (links->source = timeline_integers(timeline, "/links/source", NULL, err)) &&
	    (links->target = timeline_integers(timeline, "/links/target", NULL, err)) &&
	    (links->medium = timeline_integers(timeline, "/links/medium", NULL, err)) &&
	    (links->bandwidth = timeline_integers(timeline, "/links/bandwidth", NULL, err)) &&
	    (links->total_bytes = timeline_integers(timeline, "/links/total_bytes", NULL, err)) &&
	    (links->total_busy_ps = timeline_integers(timeline, "/links/total_busy_ps", NULL, err)) &&
	    read_bins(timeline, links, err) == 0) {
		links->n_links = (uint32_t)n;
		return 0;
	}
	timeline_links_release(links);
	return -1;
}

void timeline_links_release(struct timeline_links *links)
{
	free(links->names);
	free(links->source);
	free(links->target);
	free(links->medium);
	free(links->bandwidth);
	free(links->total_bytes);
	free(links->total_busy_ps);
	free(links->bin_start_ps);
	free(links->bin_end_ps);
	memset(links, 0, sizeof *links);
}
