/* Reads timeline files: what summary, links, export, diff, explain and pictures stand on. Older format versions are readable,
 * newer ones are refused. Paths name variables: "/messages/bytes". Integers of any width come as int64. */
#ifndef WEFT_TIMELINE_READER_H
#define WEFT_TIMELINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct timeline;

/* NULL and a message that says what to do: a run that was killed while it wrote names `weft timeline recover FILE`. */
struct timeline *timeline_open(const char *path, struct error *err);
/* Makes the file of a killed run readable and marks it `incomplete`. 1: done; 0: nothing was wrong; -1: error, such as that a
 * living process still writes it. */
int timeline_recover(const char *path, struct error *err);
void timeline_close(struct timeline *timeline);
const char *timeline_path(const struct timeline *timeline);

/* An attribute or a single text of the root ("status", "model", "scenario"); "" when it has none. Lives as long as the timeline. */
const char *timeline_text(struct timeline *timeline, const char *name);
bool timeline_has(const struct timeline *timeline, const char *variable);
/* Rows along the first dimension; 0 when there is no such variable. */
int64_t timeline_rows(const struct timeline *timeline, const char *variable);

/* A whole variable of one or two dimensions (rows × columns, row by row); free() it. An absent one is an error. n may be NULL. */
int64_t *timeline_integers(const struct timeline *timeline, const char *variable, int64_t *n_values, struct error *err);
double *timeline_numbers(const struct timeline *timeline, const char *variable, int64_t *n_values, struct error *err);
/* Texts live as long as the timeline; free() the array only. */
const char **timeline_texts(struct timeline *timeline, const char *variable, int64_t *n_values, struct error *err);
/* A single value, or `otherwise` when the variable is absent. */
int64_t timeline_integer(const struct timeline *timeline, const char *variable, int64_t otherwise);
double timeline_number(const struct timeline *timeline, const char *variable, double otherwise);
/* The words of an enumeration (flag_meanings), in the order of their values; live as long as the timeline. */
const char *const *timeline_meanings(struct timeline *timeline, const char *variable, uint32_t *n);

/* The group /links, nearly always wanted together. */
struct timeline_links {
	uint32_t n_links, n_bins;
	const char **names;
	int64_t *source, *target, *medium, *bandwidth; /* B/s */
	int64_t *total_bytes, *total_busy_ps;
	int64_t *bin_start_ps, *bin_end_ps;            /* [n_bins] */
};
int timeline_links_read(struct timeline *timeline, struct timeline_links *links, struct error *err);
void timeline_links_release(struct timeline_links *links);
/* Rows [first, first + n) of a [time, link] variable, n_links wide. */
int timeline_bins_read(const struct timeline *timeline, const char *variable, int64_t first, int64_t n, int64_t *out, struct error *err);

#endif
