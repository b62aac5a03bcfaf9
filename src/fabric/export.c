/* A fabric as others read it: Graphviz, GraphML, JSON; and as a picture. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "fabric/build.h"

#define NAME_SIZE 256

static const char *const kind_names[WEFT_NODE_KINDS] = {"npu", "switch", "nic", "cpu", "circuit-switch"};

/* ---- dot --------------------------------------------------------------------------------------------------------------- */

static void export_dot(const struct fabric *fabric, struct text *out)
{
	char name[NAME_SIZE];
	text_printf(out, "digraph \"%s\" {\n", fabric->spec);
	for (uint32_t node = 0; node < fabric->n_nodes; node++)
		text_printf(out, "\t\"%s\" [kind=\"%s\", role=\"%s\", shape=%s];\n", fabric->node_name[node], kind_names[fabric->node_kind[node]],
			    fabric->node_role[node], fabric->node_kind[node] == WEFT_NODE_NPU ? "box" : "ellipse");
	for (uint32_t link = 0; link < fabric->n_links; link++)
		text_printf(out, "\t\"%s\" -> \"%s\" [name=\"%s\", bandwidth_bytes_per_s=%lld, latency_ps=%lld, kind=\"%s\"];\n",
			    fabric->node_name[fabric->link_source[link]], fabric->node_name[fabric->link_target[link]],
			    fabric_link_name(fabric, link, name, sizeof name), (long long)fabric->link_bandwidth[link],
			    (long long)fabric->link_latency_ps[link], fabric->kind_names[fabric->link_kind[link]]);
	text_puts(out, "}\n");
}

/* ---- GraphML ----------------------------------------------------------------------------------------------------------- */

static void put_xml(struct text *out, const char *text)
{
	for (; *text; text++) {
		const char *as = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : *text == '"' ? "&quot;" : NULL;
		as ? text_puts(out, as) : text_add(out, text, 1);
	}
}

static void put_data(struct text *out, const char *key, const char *value)
{
	text_printf(out, "<data key=\"%s\">", key);
	put_xml(out, value);
	text_puts(out, "</data>");
}

static void export_graphml(const struct fabric *fabric, struct text *out)
{
	static const char *const keys[][3] = {{"kind", "node", "string"}, {"role", "node", "string"}, {"rack", "node", "int"},
		{"tray", "node", "int"}, {"slot", "node", "int"}, {"plane", "node", "int"}, {"name", "edge", "string"},
		{"bandwidth_bytes_per_s", "edge", "long"}, {"latency_ps", "edge", "long"}, {"medium", "edge", "string"},
		{"length_m", "edge", "double"}};
	char name[NAME_SIZE];
	text_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n");
	for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
		text_printf(out, "<key id=\"%s\" for=\"%s\" attr.name=\"%s\" attr.type=\"%s\"/>\n", keys[k][0], keys[k][1], keys[k][0], keys[k][2]);
	text_puts(out, "<graph edgedefault=\"directed\">\n");
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		text_printf(out, "<node id=\"%s\">", fabric->node_name[node]);
		put_data(out, "kind", kind_names[fabric->node_kind[node]]);
		put_data(out, "role", fabric->node_role[node]);
		text_printf(out, "<data key=\"rack\">%d</data><data key=\"tray\">%d</data><data key=\"slot\">%d</data>"
			    "<data key=\"plane\">%d</data></node>\n", fabric->node_rack[node], fabric->node_tray[node],
			    fabric->node_slot[node], fabric->node_plane[node]);
	}
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		text_printf(out, "<edge source=\"%s\" target=\"%s\">", fabric->node_name[fabric->link_source[link]],
			    fabric->node_name[fabric->link_target[link]]);
		put_data(out, "name", fabric_link_name(fabric, link, name, sizeof name));
		text_printf(out, "<data key=\"bandwidth_bytes_per_s\">%lld</data><data key=\"latency_ps\">%lld</data>",
			    (long long)fabric->link_bandwidth[link], (long long)fabric->link_latency_ps[link]);
		put_data(out, "medium", fabric->kind_names[fabric->link_kind[link]]);
		text_printf(out, "<data key=\"length_m\">%.9g</data></edge>\n", (double)fabric->link_length_m[link]);
	}
	text_puts(out, "</graph>\n</graphml>\n");
}

/* ---- JSON -------------------------------------------------------------------------------------------------------------- */

static void json_place(struct json *json, const char *key, int32_t value)
{
	value < 0 ? json_null(json, key) : json_integer(json, key, value);
}

static void json_nodes(const struct fabric *fabric, struct json *json)
{
	json_open_array(json, "nodes");
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		json_open_object(json, NULL);
		json_string(json, "name", fabric->node_name[node]);
		json_string(json, "kind", kind_names[fabric->node_kind[node]]);
		json_string(json, "role", fabric->node_role[node]);
		json_place(json, "rack", fabric->node_rack[node]);
		json_place(json, "tray", fabric->node_tray[node]);
		json_place(json, "slot", fabric->node_slot[node]);
		json_place(json, "plane", fabric->node_plane[node]);
		json_close_object(json);
	}
	json_close_array(json);
}

static void json_links(const struct fabric *fabric, struct json *json)
{
	char name[NAME_SIZE];
	json_open_array(json, "links");
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		json_open_object(json, NULL);
		json_string(json, "name", fabric_link_name(fabric, link, name, sizeof name));
		json_string(json, "source", fabric->node_name[fabric->link_source[link]]);
		json_string(json, "target", fabric->node_name[fabric->link_target[link]]);
		json_integer(json, "bandwidth_bytes_per_s", fabric->link_bandwidth[link]);
		json_integer(json, "latency_ps", fabric->link_latency_ps[link]);
		json_string(json, "kind", fabric->kind_names[fabric->link_kind[link]]);
		json_number(json, "length_m", (double)fabric->link_length_m[link]);
		json_close_object(json);
	}
	json_close_array(json);
}

static void json_components(const struct fabric *fabric, struct json *json)
{
	char name[NAME_SIZE];
	json_open_array(json, "components");
	for (uint32_t c = 0; c < fabric->n_components; c++) {
		json_open_object(json, NULL);
		json_string(json, "name", fabric->component_name[c]);
		json_string(json, "kind", fabric->component_kind[c]);
		json_string(json, "place", fabric->component_place[c] == FABRIC_NONE ? NULL : fabric->node_name[fabric->component_place[c]]);
		json_open_array(json, "links");
		for (uint32_t i = fabric->carried_first[c]; i < fabric->carried_first[c + 1]; i++)
			json_string(json, NULL, fabric_link_name(fabric, fabric->carried[i], name, sizeof name));
		json_close_array(json);
		json_close_object(json);
	}
	json_close_array(json);
}

static void export_json(const struct fabric *fabric, struct text *out)
{
	struct json *json = json_new();
	json_open_object(json, NULL);
	json_string(json, "topology", fabric->spec);
	json_nodes(fabric, json);
	json_links(fabric, json);
	json_components(fabric, json);
	json_close_object(json);
	text_puts(out, json_text(json));
	json_free(json);
}

/* ---- picture ----------------------------------------------------------------------------------------------------------- */

#define PICTURE_LINES 60000 /* more cables than this are thinned out evenly, and the title says so */
#define WIDTH 1200.0
#define ROW 170.0
#define MARGIN 60.0

struct drawing {
	const struct fabric *fabric;
	uint32_t *tier;          /* hops from the nearest NPU; 0: NPU */
	uint32_t *count, n_tiers;
	bool round;              /* nodes of one tier are joined to each other: on circles, NPUs outermost */
	double *x, *y, width, height;
};

static const char *colour_of(const struct fabric *fabric, uint32_t node)
{
	static const char *const planes[] = {"#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#aa3377", "#777777"}; /* Tol's bright */
	static const char *const kinds[WEFT_NODE_KINDS] = {"#223355", "#ee8833", "#55aa99", "#bb6655", "#8855aa"};
	return fabric->node_plane[node] >= 0 ? planes[fabric->node_plane[node] % 7] : kinds[fabric->node_kind[node]];
}

/* Breadth first from all NPUs at once, links taken both ways. */
static void find_tiers(struct drawing *drawing)
{
	const struct fabric *fabric = drawing->fabric;
	bool changed = true;
	for (uint32_t node = 0; node < fabric->n_nodes; node++)
		drawing->tier[node] = fabric->node_npu[node] != FABRIC_NONE ? 0 : UINT32_MAX;
	for (uint32_t t = 0; changed; t++) {
		changed = false;
		for (uint32_t link = 0; link < fabric->n_links; link++) {
			uint32_t a = fabric->link_source[link], b = fabric->link_target[link];
			if (drawing->tier[a] == t && drawing->tier[b] == UINT32_MAX)
				changed = true, drawing->tier[b] = t + 1;
			if (drawing->tier[b] == t && drawing->tier[a] == UINT32_MAX)
				changed = true, drawing->tier[a] = t + 1;
		}
	}
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		if (drawing->tier[node] == UINT32_MAX)
			drawing->tier[node] = 0;
		drawing->count[drawing->tier[node]]++;
		if (drawing->tier[node] >= drawing->n_tiers)
			drawing->n_tiers = drawing->tier[node] + 1;
	}
}

/* Switched networks: NPUs in the lowest row, each tier of switches above. Others: on circles. */
static void place_nodes(struct drawing *drawing)
{
	const struct fabric *fabric = drawing->fabric;
	uint32_t *placed = memory_zero(fabric->n_nodes + 1, sizeof *placed), widest = 0;
	for (uint32_t t = 0; t < drawing->n_tiers; t++)
		widest = drawing->count[t] > widest ? drawing->count[t] : widest;
	drawing->width = widest > 300 ? 4 * WIDTH / 2 : WIDTH;
	for (uint32_t link = 0; link < fabric->n_links; link++)
		drawing->round |= drawing->tier[fabric->link_source[link]] == drawing->tier[fabric->link_target[link]] &&
				  (drawing->tier[fabric->link_source[link]] || drawing->n_tiers == 1);
	drawing->height = drawing->round ? drawing->width : 2 * MARGIN + ROW * (drawing->n_tiers - 1);
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		uint32_t t = drawing->tier[node], k = placed[t]++;
		if (drawing->round) {
			double angle = 6.283185307179586 * (k + 0.5) / drawing->count[t] - 1.5707963267948966;
			double radius = (drawing->width / 2 - MARGIN) * (1 - 0.25 * t);
			drawing->x[node] = drawing->width / 2 + radius * cos(angle);
			drawing->y[node] = drawing->height / 2 + radius * sin(angle);
		} else {
			drawing->x[node] = MARGIN + (drawing->width - 2 * MARGIN) * (k + 0.5) / drawing->count[t];
			drawing->y[node] = drawing->height - MARGIN - ROW * t;
		}
	}
	free(placed);
}

static void draw_links(const struct drawing *drawing, struct text *out)
{
	const struct fabric *fabric = drawing->fabric;
	uint32_t step = fabric->n_links / PICTURE_LINES + 1;
	double opacity = fabric->n_links < 200 ? 0.8 : fabric->n_links < 4000 ? 0.35 : 0.12;
	text_printf(out, "<g fill=\"none\" stroke-width=\"%s\" stroke-opacity=\"%g\">\n", fabric->n_links < 200 ? "1.2" : "0.6", opacity);
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		uint32_t a = fabric->link_source[link], b = fabric->link_target[link];
		if (fabric->link_ordinal[link] > 1 || link / 2 % step)
			continue;
		text_printf(out, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"%s\"/>\n", drawing->x[a], drawing->y[a], drawing->x[b], drawing->y[b],
			    colour_of(fabric, drawing->tier[b] >= drawing->tier[a] ? b : a));
	}
	text_puts(out, "</g>\n");
}

static void draw_nodes(const struct drawing *drawing, struct text *out)
{
	const struct fabric *fabric = drawing->fabric;
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		double room = drawing->round ? drawing->width * 2.6 / drawing->count[drawing->tier[node]]
					     : (drawing->width - 2 * MARGIN) / drawing->count[drawing->tier[node]];
		double size = fmax(1.5, fmin(9, room * 0.4)), x = drawing->x[node], y = drawing->y[node];
		if (fabric->node_kind[node] == WEFT_NODE_NPU)
			text_printf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x - size, y - size,
				    2 * size, 2 * size, colour_of(fabric, node));
		else
			text_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"/>\n", x, y, size, colour_of(fabric, node));
		if (room >= 5.8 * (double)strlen(fabric->node_name[node]))
			text_printf(out, "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", x, drawing->tier[node] || drawing->round ? y - 13 : y + 22,
				    fabric->node_name[node]);
	}
}

static void draw_legend(const struct drawing *drawing, struct text *out)
{
	const struct fabric *fabric = drawing->fabric;
	uint32_t step = fabric->n_links / PICTURE_LINES + 1;
	text_printf(out, "<text x=\"12\" y=\"20\" text-anchor=\"start\" font-size=\"13\">%s: %u NPUs, %u other nodes, %u links",
		    fabric->module->name, fabric->n_npus, fabric->n_nodes - fabric->n_npus, fabric->n_links);
	text_printf(out, step > 1 ? " (1 of %u cables drawn)</text>\n" : "</text>\n", step);
	for (uint32_t t = 0; t < drawing->n_tiers && !drawing->round; t++)
		for (uint32_t node = 0; node < fabric->n_nodes; node++)
			if (drawing->tier[node] == t) {
				text_printf(out, "<text x=\"12\" y=\"%.1f\" text-anchor=\"start\">%u %s</text>\n",
					    drawing->height - MARGIN - ROW * t + (t ? -22 : 34), drawing->count[t], fabric->node_role[node]);
				break;
			}
}

static void export_svg(const struct fabric *fabric, struct text *out)
{
	struct drawing drawing = {.fabric = fabric};
	size_t n = (size_t)fabric->n_nodes + 1;
	drawing.tier = memory_zero(n, sizeof *drawing.tier);
	drawing.count = memory_zero(n, sizeof *drawing.count);
	drawing.x = memory_zero(n, sizeof *drawing.x);
	drawing.y = memory_zero(n, sizeof *drawing.y);
	find_tiers(&drawing);
	place_nodes(&drawing);
	text_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
		    "font-family=\"sans-serif\" font-size=\"10\" text-anchor=\"middle\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
		    drawing.width, drawing.height, drawing.width, drawing.height);
	draw_links(&drawing, out);
	draw_nodes(&drawing, out);
	draw_legend(&drawing, out);
	text_puts(out, "</svg>\n");
	free(drawing.tier);
	free(drawing.count);
	free(drawing.x);
	free(drawing.y);
}

int fabric_export(const struct fabric *fabric, const char *format, struct text *out, struct error *err)
{
	static const char *const names[] = {"dot", "graphml", "json", "svg"};
	static void (*const write[])(const struct fabric *fabric, struct text *out) = {export_dot, export_graphml, export_json, export_svg};
	char known[128];
	for (size_t i = 0; i < 4; i++) {
		if (!strcmp(format, names[i])) {
			write[i](fabric, out);
			return 0;
		}
	}
	return error_set(err, ERROR_INPUT, "unknown format '%s'%s", format, text_known(known, sizeof known, format, names, 4));
}
