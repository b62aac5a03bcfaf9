/* A picture of link activity over time: one row per link, or per sort of links when there are many, one column per bin, the colour
 * saying how much of the capacity was used. */
#ifndef WEFT_REPORT_PICTURE_H
#define WEFT_REPORT_PICTURE_H

#include <stdint.h>

#include "timeline/reader.h"

struct error;

struct picture_options {
	const char *path;       /* ends in .png or .svg */
	uint32_t max_rows;      /* of single links; 0: 48 */
	int64_t from_ps, to_ps; /* to <= from: the whole run */
};
int picture_write(struct timeline *timeline, const struct picture_options *options, struct error *err);

#endif
