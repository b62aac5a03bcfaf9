/* A picture file, PNG or SVG by the end of its name, drawn with cairo. Written as every output is (base/output.h). */
#ifndef WEFT_BASE_CANVAS_H
#define WEFT_BASE_CANVAS_H

#include <cairo.h>

#include "base/output.h"

struct canvas {
	cairo_t *cairo; /* to draw with; white everywhere at first. Errors latch in it. */
	cairo_surface_t *surface;
	struct output output;
	bool svg;
};

/* Whether a picture of that name could be written: before a long run, of which only the picture would fail. */
int canvas_check(const char *path, struct error *err);
/* Lengths in points; a PNG has a pixel per point. */
int canvas_open(struct canvas *canvas, const char *path, double width, double height, struct error *err);
/* Finishes the picture and puts the file in its place; 0, or -1 with *err and no file. */
int canvas_close(struct canvas *canvas, struct error *err);

#endif
