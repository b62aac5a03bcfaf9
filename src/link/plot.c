#include "link/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/canvas.h"
#include "base/error.h"

#define WIDTH 720.0
#define HEIGHT 460.0
#define LEFT 80.0
#define RIGHT 20.0
#define TOP 50.0
#define BOTTOM 60.0
#define LOG_LOW (-16.0) /* decades shown */
#define LOG_HIGH 0.0

struct axes { double x_low, x_high; };

static double place_x(const struct axes *axes, double x)
{
	return LEFT + (x - axes->x_low) / (axes->x_high - axes->x_low) * (WIDTH - LEFT - RIGHT);
}
static double place_y(double log_ber)
{
	double y = fmin(fmax(log_ber, LOG_LOW), LOG_HIGH);
	return TOP + (LOG_HIGH - y) / (LOG_HIGH - LOG_LOW) * (HEIGHT - TOP - BOTTOM);
}

static void label(cairo_t *cr, double x, double y, double align, const char *text)
{
	cairo_text_extents_t extents;
	cairo_text_extents(cr, text, &extents);
	cairo_move_to(cr, x - align * extents.width, y);
	cairo_show_text(cr, text);
}

static void line(cairo_t *cr, double x0, double y0, double x1, double y1)
{
	cairo_move_to(cr, x0, y0);
	cairo_line_to(cr, x1, y1);
	cairo_stroke(cr);
}

static void draw_axes(cairo_t *cr, const struct axes *axes, bool optical)
{
	char text[32];
	double step = axes->x_high - axes->x_low > 24 ? 5 : 2;
	cairo_set_line_width(cr, 0.5);
	cairo_set_source_rgb(cr, 0.8, 0.8, 0.8);
	for (double decade = LOG_LOW; decade <= LOG_HIGH; decade += 2)
		line(cr, LEFT, place_y(decade), WIDTH - RIGHT, place_y(decade));
	for (double x = ceil(axes->x_low / step) * step; x <= axes->x_high; x += step)
		line(cr, place_x(axes, x), TOP, place_x(axes, x), HEIGHT - BOTTOM);
	cairo_set_source_rgb(cr, 0.1, 0.1, 0.1);
	for (double decade = LOG_LOW; decade <= LOG_HIGH; decade += 2) {
		snprintf(text, sizeof text, "1e%.0f", decade);
		label(cr, LEFT - 6, place_y(decade) + 4, 1, text);
	}
	for (double x = ceil(axes->x_low / step) * step; x <= axes->x_high; x += step) {
		snprintf(text, sizeof text, "%.0f", x);
		label(cr, place_x(axes, x), HEIGHT - BOTTOM + 18, 0.5, text);
	}
	label(cr, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, 0.5, optical ? "received OMA, dBm" : "loss of the channel, dB");
	label(cr, 8, TOP - 10, 0, "bit error ratio");
}

static double ber_at(const struct link_kind *kind, double x)
{
	struct link_draws draws = {0};
	struct link_chain chain;
	if (link_kind_is_optical(kind))
		return link_ber_at(kind, x);
	link_chain_evaluate(kind, 0, &draws, &chain, NULL);
	draws.added_db = x - chain.loss_db;
	link_chain_evaluate(kind, 0, &draws, &chain, NULL);
	return chain.ber;
}

static void draw_curve(cairo_t *cr, const struct axes *axes, const struct link_kind *kind)
{
	bool open = false;
	cairo_set_line_width(cr, 2);
	cairo_set_source_rgb(cr, 0.1, 0.3, 0.7);
	for (int i = 0; i <= 400; i++) {
		double x = axes->x_low + (axes->x_high - axes->x_low) * i / 400, ber = ber_at(kind, x);
		if (!(ber > pow(10, LOG_LOW)))
			continue;
		(open ? cairo_line_to : cairo_move_to)(cr, place_x(axes, x), place_y(log10(ber)));
		open = true;
	}
	cairo_stroke(cr);
}

static void draw_marks(cairo_t *cr, const struct axes *axes, const struct link_kind *kind, const struct link_chain *chain,
                       double here)
{
	char text[160];
	double y = place_y(log10(chain->ber_limit)), x = place_x(axes, here);
	static const double dashes[] = {6, 4};
	cairo_set_line_width(cr, 1);
	cairo_set_dash(cr, dashes, 2, 0);
	cairo_set_source_rgb(cr, 0.75, 0.2, 0.1);
	line(cr, LEFT, y, WIDTH - RIGHT, y);
	snprintf(text, sizeof text, "%s corrects %.3g", fec_names[kind->fec], chain->ber_limit);
	label(cr, WIDTH - RIGHT - 4, y - 5, 1, text);
	cairo_set_source_rgb(cr, 0.1, 0.5, 0.2);
	line(cr, x, TOP, x, HEIGHT - BOTTOM);
	cairo_set_dash(cr, NULL, 0, 0);
	cairo_arc(cr, x, place_y(chain->ber > 0 ? log10(chain->ber) : LOG_LOW), 4, 0, 2 * 3.14159265358979323846);
	cairo_fill(cr);
	snprintf(text, sizeof text, "this link: BER %.3g, margin %.2f dB", chain->ber, chain->margin_db);
	cairo_set_source_rgb(cr, 0.1, 0.1, 0.1);
	label(cr, WIDTH - RIGHT, TOP - 10, 1, text);
}

int link_plot(const struct link_kind *kind, const struct link_chain *chain, const char *path, struct error *err)
{
	double here = chain->optical ? chain->received_dbm : chain->loss_db;
	struct axes axes = {floor(here) - 14, ceil(here) + 10};
	struct canvas canvas;
	if (kind->medium == MEDIUM_IDEAL)
		return error_set(err, ERROR_INPUT, "link kind '%s' has no bit errors to plot", kind->name);
	if (canvas_open(&canvas, path, WIDTH, HEIGHT, err))
		return -1;
	cairo_t *cr = canvas.cairo;
	cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
	cairo_set_font_size(cr, 14);
	cairo_set_source_rgb(cr, 0.1, 0.1, 0.1);
	label(cr, LEFT, 22, 0, kind->name);
	cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cr, 12);
	draw_axes(cr, &axes, chain->optical);
	draw_curve(cr, &axes, kind);
	draw_marks(cr, &axes, kind, chain, here);
	return canvas_close(&canvas, err);
}
