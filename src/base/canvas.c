#include "base/canvas.h"

#include <cairo-svg.h>

#include "base/error.h"
#include "base/text.h"

static cairo_status_t put(void *file, const unsigned char *bytes, unsigned length)
{
	return fwrite(bytes, 1, length, file) == length ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

/* The bytes that the file of that name begins with; NULL for a name that ends otherwise. */
static const char *beginning(const char *path)
{
	return text_matches("?*.png", path) ? "\x89PNG" : text_matches("?*.svg", path) ? "<?xml" : NULL;
}

static int check_name(const char *path, struct error *err)
{
	return beginning(path) ? 0 : error_set(err, ERROR_INPUT, "a picture's name ends in .png or .svg, not '%s'", path);
}

int canvas_check(const char *path, struct error *err)
{
	return check_name(path, err) ? -1 : output_check(path, beginning(path), "such a picture", err);
}

int canvas_open(struct canvas *canvas, const char *path, double width, double height, struct error *err)
{
	*canvas = (struct canvas){.svg = text_matches("*.svg", path)};
	if (check_name(path, err) || output_open(&canvas->output, path, beginning(path), "such a picture", err))
		return -1;
	canvas->surface = canvas->svg ? cairo_svg_surface_create_for_stream(put, canvas->output.file, width, height)
				      : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
	canvas->cairo = cairo_create(canvas->surface);
	cairo_set_source_rgb(canvas->cairo, 1, 1, 1);
	cairo_paint(canvas->cairo);
	return 0;
}

int canvas_close(struct canvas *canvas, struct error *err)
{
	cairo_status_t status = cairo_status(canvas->cairo);
	int result = 0;
	cairo_destroy(canvas->cairo);
	if (status == CAIRO_STATUS_SUCCESS && !canvas->svg)
		status = cairo_surface_write_to_png_stream(canvas->surface, put, canvas->output.file);
	cairo_surface_finish(canvas->surface);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_status(canvas->surface);
	cairo_surface_destroy(canvas->surface);
	if (status != CAIRO_STATUS_SUCCESS)
		result = error_set(err, ERROR_HOST, "cannot write '%s': %s", canvas->output.path ? canvas->output.path : "standard output",
				   cairo_status_to_string(status));
	return output_close(&canvas->output, result, err);
}
