#include "report/picture.h"

#include <fontconfig/fontconfig.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/canvas.h"
#include "base/error.h"
#include "base/time.h"
#include "base/units.h"
#include "report/heat.h"

#define ROWS_DEFAULT 48
#define LEVELS 64 /* of colour; neighbours of one level become one rectangle */

/* All lengths in points. */
struct layout {
	double width, height;
	double left, top, plot_width, row_height;
	double strip_top, strip_height;      /* the sum over all links */
	double map_top, map_height, gap;     /* gap between sorts of links and single ones */
};

/* From light to dark, readable in grey: viridis reversed (matplotlib's colour map by S. van der Walt and N. Smith, CC0). */
static void set_colour(cairo_t *cairo, int level)
{
	static const double stops[6][3] = {
		{0.993, 0.906, 0.144}, {0.478, 0.821, 0.318}, {0.135, 0.659, 0.518}, {0.164, 0.471, 0.558}, {0.254, 0.265, 0.530},
		{0.267, 0.005, 0.329},
	};
	double at, part;
	int stop;
	if (level == 0) {
		cairo_set_source_rgb(cairo, 0.95, 0.95, 0.95);
		return;
	}
	at = 5.0 * (level - 1) / (LEVELS - 1);
	stop = at >= 5 ? 4 : (int)at;
	part = at - stop;
	cairo_set_source_rgb(cairo, stops[stop][0] + part * (stops[stop + 1][0] - stops[stop][0]),
			     stops[stop][1] + part * (stops[stop + 1][1] - stops[stop][1]),
			     stops[stop][2] + part * (stops[stop + 1][2] - stops[stop][2]));
}

/* 0 only for nothing at all: the faintest traffic shows. */
static int level_of(double used)
{
	int level = (int)(used * LEVELS + 0.5);
	return used <= 0 ? 0 : level < 1 ? 1 : level > LEVELS ? LEVELS : level;
}

static void put_text(cairo_t *cairo, double x, double y, double align, const char *text)
{
	cairo_text_extents_t size;
	cairo_text_extents(cairo, text, &size);
	cairo_move_to(cairo, x - align * size.x_advance, y);
	cairo_show_text(cairo, text);
}

static void use_font(cairo_t *cairo, double size, cairo_font_weight_t weight)
{
	cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, weight);
	cairo_set_font_size(cairo, size);
	cairo_set_source_rgb(cairo, 0.13, 0.13, 0.13);
}

static double label_width(cairo_t *cairo, const struct heat *heat)
{
	double widest = 60;
	cairo_text_extents_t size;
	use_font(cairo, 10, CAIRO_FONT_WEIGHT_NORMAL);
	for (uint32_t i = 0; i < heat->n_rows; i++) {
		cairo_text_extents(cairo, heat->labels[i], &size);
		widest = size.x_advance > widest ? size.x_advance : widest;
	}
	return widest < 420 ? widest : 420;
}

static struct layout make_layout(cairo_t *cairo, const struct heat *heat)
{
	struct layout layout = {.width = 1400, .strip_height = 70, .row_height = 14};
	layout.left = label_width(cairo, heat) + 28;
	layout.plot_width = layout.width - layout.left - 110;
	layout.strip_top = 66;
	layout.map_top = layout.strip_top + layout.strip_height + 30;
	layout.gap = heat->n_group_rows ? 28 : 0;
	layout.map_height = heat->n_rows * layout.row_height + layout.gap;
	layout.height = layout.map_top + layout.map_height + 56;
	return layout;
}

static double row_top(const struct layout *layout, const struct heat *heat, uint32_t row)
{
	return layout->map_top + row * layout->row_height + (row >= heat->n_group_rows ? layout->gap : 0);
}

static double x_of(const struct layout *layout, const struct heat *heat, double time_ps)
{
	return layout->left + layout->plot_width * (time_ps - (double)heat->from_ps) / (double)(heat->to_ps - heat->from_ps);
}

static double bin_x(const struct layout *layout, const struct heat *heat, uint32_t column)
{
	int64_t at = column < heat->n_bins ? heat->links.bin_start_ps[heat->first_bin + column] : heat->to_ps;
	return x_of(layout, heat, (double)at);
}

static void draw_row(cairo_t *cairo, const struct layout *layout, const struct heat *heat, uint32_t row)
{
	const double *used = heat->used + (size_t)row * heat->n_bins;
	double top = row_top(layout, heat, row);
	for (uint32_t from = 0, to; from < heat->n_bins; from = to) {
		int level = level_of(used[from]);
		for (to = from + 1; to < heat->n_bins && level_of(used[to]) == level; to++)
			;
		double left = bin_x(layout, heat, from);
		set_colour(cairo, level);
		cairo_rectangle(cairo, left, top, bin_x(layout, heat, to) - left, layout->row_height - 1);
		cairo_fill(cairo);
	}
	use_font(cairo, 10, CAIRO_FONT_WEIGHT_NORMAL);
	put_text(cairo, layout->left - 8, top + layout->row_height - 4, 1, heat->labels[row]);
}

static void draw_map(cairo_t *cairo, const struct layout *layout, const struct heat *heat)
{
	cairo_set_antialias(cairo, CAIRO_ANTIALIAS_NONE);
	for (uint32_t row = 0; row < heat->n_rows; row++)
		draw_row(cairo, layout, heat, row);
	cairo_set_antialias(cairo, CAIRO_ANTIALIAS_DEFAULT);
	use_font(cairo, 10, CAIRO_FONT_WEIGHT_BOLD);
	if (heat->n_group_rows) {
		put_text(cairo, layout->left, layout->map_top - 6, 0, "sorts of links: mean of all links of a sort");
		put_text(cairo, layout->left, row_top(layout, heat, heat->n_group_rows) - 6, 0, "busiest single links");
	} else {
		put_text(cairo, layout->left, layout->map_top - 6, 0, "links: share of the capacity that carried payload");
	}
}

/* The rate summed over all links, as a filled curve of steps. */
static void draw_strip(cairo_t *cairo, const struct layout *layout, const struct heat *heat)
{
	double largest = 0, bottom = layout->strip_top + layout->strip_height;
	char text[64], label[96];
	for (uint32_t i = 0; i < heat->n_bins; i++)
		largest = heat->total[i] > largest ? heat->total[i] : largest;
	cairo_move_to(cairo, layout->left, bottom);
	for (uint32_t i = 0; i < heat->n_bins; i++) {
		double y = bottom - (largest > 0 ? heat->total[i] / largest * layout->strip_height : 0);
		cairo_line_to(cairo, bin_x(layout, heat, i), y);
		cairo_line_to(cairo, bin_x(layout, heat, i + 1), y);
	}
	cairo_line_to(cairo, layout->left + layout->plot_width, bottom);
	cairo_close_path(cairo);
	cairo_set_source_rgb(cairo, 0.55, 0.68, 0.80);
	cairo_fill(cairo);
	use_font(cairo, 10, CAIRO_FONT_WEIGHT_BOLD);
	put_text(cairo, layout->left, layout->strip_top - 6, 0, "all links together");
	use_font(cairo, 10, CAIRO_FONT_WEIGHT_NORMAL);
	snprintf(label, sizeof label, "%s", units_format_rate(text, sizeof text, largest));
	put_text(cairo, layout->left - 8, layout->strip_top + 8, 1, label);
	put_text(cairo, layout->left - 8, bottom, 1, "0");
}

/* 1, 2 or 5 × 10^n so that there are six to twelve steps. */
static double tick_step(double span)
{
	double step = pow(10, floor(log10(span / 6)));
	return span / (step * 5) >= 6 ? step * 5 : span / (step * 2) >= 6 ? step * 2 : step;
}

static void draw_axis(cairo_t *cairo, const struct layout *layout, const struct heat *heat)
{
	double bottom = layout->map_top + layout->map_height, step = tick_step((double)(heat->to_ps - heat->from_ps));
	char text[64];
	cairo_set_line_width(cairo, 0.6);
	use_font(cairo, 10, CAIRO_FONT_WEIGHT_NORMAL);
	for (double at = ceil((double)heat->from_ps / step) * step; at <= (double)heat->to_ps * (1 + 1e-9); at += step) {
		double x = x_of(layout, heat, at);
		cairo_move_to(cairo, x, bottom);
		cairo_line_to(cairo, x, bottom + 5);
		cairo_stroke(cairo);
		put_text(cairo, x, bottom + 18, 0.5, at > 0 ? units_format_time(text, sizeof text, (int64_t)(at + 0.5)) : "0");
	}
	cairo_move_to(cairo, layout->left, bottom);
	cairo_line_to(cairo, layout->left + layout->plot_width, bottom);
	cairo_stroke(cairo);
	put_text(cairo, layout->left + layout->plot_width / 2, bottom + 38, 0.5, "simulated time");
}

static void draw_legend(cairo_t *cairo, const struct layout *layout)
{
	double x = layout->left + layout->plot_width + 24, height = layout->map_height < 260 ? layout->map_height : 260;
	char text[16];
	if (height < 70)
		height = 70;
	cairo_set_antialias(cairo, CAIRO_ANTIALIAS_NONE);
	for (int level = 0; level <= LEVELS; level++) {
		set_colour(cairo, level);
		cairo_rectangle(cairo, x, layout->map_top + height * (LEVELS - level) / (LEVELS + 1), 16, height / (LEVELS + 1) + 1);
		cairo_fill(cairo);
	}
	cairo_set_antialias(cairo, CAIRO_ANTIALIAS_DEFAULT);
	use_font(cairo, 10, CAIRO_FONT_WEIGHT_NORMAL);
	for (int percent = 0; percent <= 100; percent += 25) {
		snprintf(text, sizeof text, "%d %%", percent);
		put_text(cairo, x + 22, layout->map_top + height * (100 - percent) / 100 + (percent == 100 ? 9 : percent ? 4 : 0), 0, text);
	}
}

static void draw_title(cairo_t *cairo, struct timeline *timeline, const struct heat *heat)
{
	char line[512], time[32];
	use_font(cairo, 15, CAIRO_FONT_WEIGHT_BOLD);
	const char *topology = timeline_text(timeline, "topology");
	snprintf(line, sizeof line, strlen(topology) > 140 ? "%.138s…" : "%s", topology);
	put_text(cairo, 16, 24, 0, line);
	use_font(cairo, 11, CAIRO_FONT_WEIGHT_NORMAL);
	snprintf(line, sizeof line, "model %s, routing %s, %u links, %s, %s", timeline_text(timeline, "model"), timeline_text(timeline, "routing"),
		 heat->links.n_links, units_format_time(time, sizeof time, heat->run_ps), timeline_text(timeline, "status"));
	put_text(cairo, 16, 42, 0, line);
}

static void draw(cairo_t *cairo, struct timeline *timeline, const struct heat *heat, const struct layout *layout)
{
	draw_title(cairo, timeline, heat);
	draw_strip(cairo, layout, heat);
	draw_map(cairo, layout, heat);
	draw_axis(cairo, layout, heat);
	draw_legend(cairo, layout);
}

/* Text is measured on a surface of its own before the size of the picture is known. */
static struct layout measure(const struct heat *heat)
{
	cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
	cairo_t *cairo = cairo_create(surface);
	struct layout layout = make_layout(cairo, heat);
	cairo_destroy(cairo);
	cairo_surface_destroy(surface);
	return layout;
}

static int draw_to(const char *path, struct timeline *timeline, const struct heat *heat, struct error *err)
{
	struct layout layout = measure(heat);
	struct canvas canvas;
	if (canvas_open(&canvas, path, layout.width, layout.height, err))
		return -1;
	draw(canvas.cairo, timeline, heat, &layout);
	return canvas_close(&canvas, err);
}

int picture_write(struct timeline *timeline, const struct picture_options *options, struct error *err)
{
	struct heat heat;
	if (canvas_check(options->path, err) ||
	    heat_init(&heat, timeline, options->max_rows ? options->max_rows : ROWS_DEFAULT, options->from_ps, options->to_ps, err))
		return -1;
	int status = heat.n_bins && heat.to_ps > heat.from_ps ? draw_to(options->path, timeline, &heat, err)
		: error_set(err, ERROR_INPUT, "timeline '%s' has nothing to draw: no simulated time has passed", timeline_path(timeline));
	heat_release(&heat);
	/* The libraries keep fonts and their list until they are told that nobody draws any more. */
	cairo_debug_reset_static_data();
	FcFini();
	return status;
}
