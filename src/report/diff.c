#include "report/diff.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"
#include "base/units.h"

enum key {
	KEY_TIME, KEY_MESSAGES, KEY_COLLECTIVE_START, KEY_COLLECTIVE_TIME, KEY_COLLECTIVE_BYTES, KEY_RANK_END, KEY_RANK_CLASS, KEY_LINK_BYTES,
	KEY_LINK_BUSY, KEY_LINK_BINS, KEY_ENERGY, KEY_OP_START, KEY_OP_TIME, KEY_N
};
const char *const diff_keys[KEY_N + 1] = {
	"time_ps", "messages", "collective.start_ps", "collective.time_ps", "collective.bytes", "rank.end_ps", "rank.class_ps", "link.bytes",
	"link.busy_ps", "link.bins", "energy_pj", "op.start_ps", "op.time_ps", NULL,
};

int diff_check_tolerances(const struct diff_tolerance *tolerances, size_t n, struct error *err)
{
	char known[512];
	for (size_t i = 0; i < n; i++) {
		bool matches = false;
		for (int key = 0; key < KEY_N; key++)
			matches |= text_matches(tolerances[i].pattern, diff_keys[key]);
		if (!matches)
			return error_set(err, ERROR_INPUT, "unknown key '%s' in a tolerance%s", tolerances[i].pattern,
					 text_known(known, sizeof known, tolerances[i].pattern, diff_keys, KEY_N));
	}
	return 0;
}

static double tolerance_of(const struct diff *diff, enum key key)
{
	double relative = 0;
	for (size_t i = 0; i < diff->n_tolerances; i++)
		if (text_matches(diff->tolerances[i].pattern, diff_keys[key]))
			relative = diff->tolerances[i].relative;
	return relative;
}

static double magnitude(int64_t value) { return value < 0 ? -(double)value : (double)value; }

static void add_item(struct diff *diff, enum key key, const char *subject, bool in_a, bool in_b, int64_t a, int64_t b, double effect_ps)
{
	ARRAY_RESERVE(diff->items, diff->n + 1, diff->items_capacity);
	diff->items[diff->n] = (struct diff_item){diff_keys[key], arena_text(&diff->arena, subject), in_a, in_b, a, b,
						   effect_ps < 0 ? -effect_ps : effect_ps, diff->n};
	diff->n++;
	diff->n_compared += !in_a || !in_b;
}

/* effect: picoseconds per unit of the difference. */
static void compare(struct diff *diff, enum key key, const char *subject, int64_t a, int64_t b, double effect)
{
	double delta = (double)b - (double)a, larger = magnitude(a) > magnitude(b) ? magnitude(a) : magnitude(b);
	diff->n_compared++;
	if (a != b && (delta < 0 ? -delta : delta) > tolerance_of(diff, key) * larger)
		add_item(diff, key, subject, true, true, a, b, delta * effect);
}

/* A whole group of columns of both runs, or none. */
struct pair {
	int64_t *a, *b;
	int64_t n_a, n_b;
};

static int read_pair(struct pair *pair, struct timeline *a, struct timeline *b, const char *variable, struct error *err)
{
	pair->a = timeline_integers(a, variable, &pair->n_a, err);
	pair->b = pair->a ? timeline_integers(b, variable, &pair->n_b, err) : NULL;
	return pair->b ? 0 : -1;
}

static void release_pair(struct pair *pair)
{
	free(pair->a);
	free(pair->b);
}

/* What could not be compared, joined by semicolons. */
static void add_note(struct diff *diff, const char *format, const char *name)
{
	struct text text = TEXT_INIT;
	if (diff->note)
		text_printf(&text, "%s; ", diff->note);
	text_printf(&text, format, name);
	diff->note = arena_text(&diff->arena, text_string(&text));
	text_release(&text);
}

/* ---- the run ---- */

/* What only one of them recorded. */
static void note_missing(struct diff *diff, struct timeline *a, struct timeline *b)
{
	static const char *const variables[] = {
		"/links/overhead_bytes", "/links/queue_bytes_max", "/links/stall_ps", "/links/replays", "/links/pause_ps", "/links/marks",
		"/links/trims", "/links/drops", "/links/again_bytes", "/links/energy_pj", "/links/state",
		"/links/bytes_by_kind", "/ops/end_ps", "/messages/message", "/intervals/link", "/energy/total_energy_pj",
	};
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		if (timeline_has(a, variables[i]) != timeline_has(b, variables[i]))
			add_note(diff, timeline_has(a, variables[i]) ? "%s, which only A has" : "%s, which only B has", variables[i]);
}

static void note_topologies(struct diff *diff, struct timeline *a, struct timeline *b)
{
	const char *of_a = arena_text(&diff->arena, timeline_text(a, "topology")), *of_b = timeline_text(b, "topology");
	if (strcmp(of_a, of_b)) {
		diff->topology_a = of_a;
		diff->topology_b = arena_text(&diff->arena, of_b);
	}
}

static void compare_run(struct diff *diff, struct timeline *a, struct timeline *b)
{
	compare(diff, KEY_TIME, "", timeline_integer(a, "/summary/time_ps", 0), timeline_integer(b, "/summary/time_ps", 0), 1);
	if (timeline_has(a, "/messages/message") && timeline_has(b, "/messages/message"))
		compare(diff, KEY_MESSAGES, "", timeline_rows(a, "/messages/message"), timeline_rows(b, "/messages/message"), 0);
	if (timeline_has(a, "/energy/total_energy_pj") && timeline_has(b, "/energy/total_energy_pj"))
		compare(diff, KEY_ENERGY, "", timeline_integer(a, "/energy/total_energy_pj", 0), timeline_integer(b, "/energy/total_energy_pj", 0), 0);
	note_missing(diff, a, b);
	note_topologies(diff, a, b);
	diff->digest_differs = strcmp(timeline_text(a, "result_digest"), timeline_text(b, "result_digest")) != 0;
}

/* ---- collectives: by id ---- */

struct row_of_id {
	int64_t id, row;
};

static int compare_rows_of_id(const void *x, const void *y)
{
	const struct row_of_id *a = x, *b = y;
	return a->id != b->id ? (a->id < b->id ? -1 : 1) : a->row < b->row ? -1 : a->row > b->row;
}

static struct row_of_id *rows_by_id(const int64_t *ids, int64_t n)
{
	struct row_of_id *rows = memory_alloc(((size_t)n + 1) * sizeof *rows);
	for (int64_t i = 0; i < n; i++)
		rows[i] = (struct row_of_id){ids[i], i};
	qsort(rows, (size_t)n, sizeof *rows, compare_rows_of_id);
	return rows;
}

struct collective_columns {
	struct pair id, kind, bytes, start, end;
	const char *const *kinds_a, *const *kinds_b;
	uint32_t n_kinds_a, n_kinds_b;
};

static void collective_subject(char *out, size_t size, int64_t id, int64_t kind, const char *const *kinds, uint32_t n_kinds)
{
	snprintf(out, size, "collective %" PRId64 " (%s)", id, kind >= 0 && kind < n_kinds ? kinds[kind] : "?");
}

static void compare_collective(struct diff *diff, const struct collective_columns *columns, int64_t row_a, int64_t row_b)
{
	char subject[96];
	int64_t start_a = columns->start.a[row_a], start_b = columns->start.b[row_b];
	collective_subject(subject, sizeof subject, columns->id.a[row_a], columns->kind.a[row_a], columns->kinds_a, columns->n_kinds_a);
	compare(diff, KEY_COLLECTIVE_START, subject, start_a, start_b, 1);
	compare(diff, KEY_COLLECTIVE_TIME, subject, columns->end.a[row_a] - start_a, columns->end.b[row_b] - start_b, 1);
	compare(diff, KEY_COLLECTIVE_BYTES, subject, columns->bytes.a[row_a], columns->bytes.b[row_b], 0);
}

static void missing_collective(struct diff *diff, const struct collective_columns *columns, bool in_a, int64_t row)
{
	const struct pair *start = &columns->start, *end = &columns->end;
	int64_t time_ps = in_a ? end->a[row] - start->a[row] : end->b[row] - start->b[row];
	char subject[96];
	collective_subject(subject, sizeof subject, in_a ? columns->id.a[row] : columns->id.b[row],
			   in_a ? columns->kind.a[row] : columns->kind.b[row], in_a ? columns->kinds_a : columns->kinds_b,
			   in_a ? columns->n_kinds_a : columns->n_kinds_b);
	add_item(diff, KEY_COLLECTIVE_TIME, subject, in_a, !in_a, in_a ? time_ps : 0, in_a ? 0 : time_ps, (double)time_ps);
}

static void merge_collectives(struct diff *diff, const struct collective_columns *columns)
{
	struct row_of_id *a = rows_by_id(columns->id.a, columns->id.n_a), *b = rows_by_id(columns->id.b, columns->id.n_b);
	int64_t i = 0, j = 0;
	while (i < columns->id.n_a || j < columns->id.n_b) {
		if (j == columns->id.n_b || (i < columns->id.n_a && a[i].id < b[j].id))
			missing_collective(diff, columns, true, a[i++].row);
		else if (i == columns->id.n_a || b[j].id < a[i].id)
			missing_collective(diff, columns, false, b[j++].row);
		else
			compare_collective(diff, columns, a[i++].row, b[j++].row);
	}
	free(a);
	free(b);
}

static int compare_collectives(struct diff *diff, struct timeline *a, struct timeline *b, struct error *err)
{
	struct collective_columns columns = {0};
	int status = read_pair(&columns.id, a, b, "/collectives/collective", err) || read_pair(&columns.kind, a, b, "/collectives/kind", err) ||
		     read_pair(&columns.bytes, a, b, "/collectives/bytes", err) ||
		     read_pair(&columns.start, a, b, "/collectives/start_ps", err) ||
		     read_pair(&columns.end, a, b, "/collectives/end_ps", err) ? -1 : 0;
	columns.kinds_a = timeline_meanings(a, "/collectives/kind", &columns.n_kinds_a);
	columns.kinds_b = timeline_meanings(b, "/collectives/kind", &columns.n_kinds_b);
	if (status == 0)
		merge_collectives(diff, &columns);
	release_pair(&columns.id);
	release_pair(&columns.kind);
	release_pair(&columns.bytes);
	release_pair(&columns.start);
	release_pair(&columns.end);
	return status;
}

/* ---- operations: by rank and index ---- */

struct op_columns {
	struct pair rank, index, start, end;
};

static int64_t *op_ids(const int64_t *ranks, const int64_t *indices, int64_t n)
{
	int64_t *ids = memory_alloc(((size_t)n + 1) * sizeof *ids);
	for (int64_t i = 0; i < n; i++)
		ids[i] = ranks[i] << 32 | indices[i];
	return ids;
}

static const char *op_subject(char *out, size_t size, int64_t id)
{
	snprintf(out, size, "rank %" PRId64 " operation %" PRId64, id >> 32, id & INT64_C(0xffffffff));
	return out;
}

static void merge_ops(struct diff *diff, const struct op_columns *ops, const struct row_of_id *a, const struct row_of_id *b)
{
	const int64_t *start_a = ops->start.a, *start_b = ops->start.b, *end_a = ops->end.a, *end_b = ops->end.b;
	int64_t i = 0, j = 0;
	char subject[96];
	while (i < ops->rank.n_a || j < ops->rank.n_b) {
		bool only_a = j == ops->rank.n_b || (i < ops->rank.n_a && a[i].id < b[j].id);
		bool only_b = !only_a && (i == ops->rank.n_a || b[j].id < a[i].id);
		int64_t ps_a = only_b ? 0 : end_a[a[i].row] - start_a[a[i].row], ps_b = only_a ? 0 : end_b[b[j].row] - start_b[b[j].row];
		op_subject(subject, sizeof subject, only_b ? b[j].id : a[i].id);
		if (only_a || only_b) {
			add_item(diff, KEY_OP_TIME, subject, only_a, only_b, ps_a, ps_b, (double)(ps_a + ps_b));
		} else {
			compare(diff, KEY_OP_START, subject, start_a[a[i].row], start_b[b[j].row], 1);
			compare(diff, KEY_OP_TIME, subject, ps_a, ps_b, 1);
		}
		i += !only_b;
		j += !only_a;
	}
}

static int compare_ops(struct diff *diff, struct timeline *a, struct timeline *b, struct error *err)
{
	struct op_columns ops = {0};
	if (!timeline_has(a, "/ops/end_ps") || !timeline_has(b, "/ops/end_ps"))
		return 0;
	int status = read_pair(&ops.rank, a, b, "/ops/rank", err) || read_pair(&ops.index, a, b, "/ops/index", err) ||
		     read_pair(&ops.start, a, b, "/ops/start_ps", err) || read_pair(&ops.end, a, b, "/ops/end_ps", err) ? -1 : 0;
	if (status == 0) {
		int64_t *ids_a = op_ids(ops.rank.a, ops.index.a, ops.rank.n_a), *ids_b = op_ids(ops.rank.b, ops.index.b, ops.rank.n_b);
		struct row_of_id *rows_a = rows_by_id(ids_a, ops.rank.n_a), *rows_b = rows_by_id(ids_b, ops.rank.n_b);
		merge_ops(diff, &ops, rows_a, rows_b);
		free(rows_a);
		free(rows_b);
		free(ids_a);
		free(ids_b);
	}
	release_pair(&ops.rank);
	release_pair(&ops.index);
	release_pair(&ops.start);
	release_pair(&ops.end);
	return status;
}

/* ---- ranks ---- */

static void compare_rank(struct diff *diff, int64_t rank, const struct pair *ends, const struct pair *classes, const char **names,
			 int64_t n_classes)
{
	char subject[96];
	snprintf(subject, sizeof subject, "rank %" PRId64, rank);
	if (rank >= ends->n_a || rank >= ends->n_b) {
		int64_t a = rank < ends->n_a ? ends->a[rank] : 0, b = rank < ends->n_b ? ends->b[rank] : 0;
		add_item(diff, KEY_RANK_END, subject, rank < ends->n_a, rank < ends->n_b, a, b, (double)b - (double)a);
		return;
	}
	compare(diff, KEY_RANK_END, subject, ends->a[rank], ends->b[rank], 1);
	for (int64_t k = 0; k < n_classes; k++) {
		snprintf(subject, sizeof subject, "rank %" PRId64 " %s", rank, names[k]);
		compare(diff, KEY_RANK_CLASS, subject, classes->a[rank * n_classes + k], classes->b[rank * n_classes + k], 1);
	}
}

static int compare_ranks(struct diff *diff, struct timeline *a, struct timeline *b, struct error *err)
{
	struct pair ends = {0}, classes = {0};
	int64_t n_classes = 0, n_other = 0;
	const char **names = NULL, **other = NULL;
	int status = 0;
	if (!timeline_has(a, "/ranks/end_ps") || !timeline_has(b, "/ranks/end_ps")) {
		add_note(diff, "%s", "a run without results of ranks (killed or interrupted)");
		return 0;
	}
	if (read_pair(&ends, a, b, "/ranks/end_ps", err) || read_pair(&classes, a, b, "/ranks/time_by_class_ps", err) ||
	    !(names = timeline_texts(a, "/ranks/class", &n_classes, err)) || !(other = timeline_texts(b, "/ranks/class", &n_other, err)))
		status = -1;
	if (n_classes != n_other) {
		add_note(diff, "%s", "ranks' classes, which the two versions of weft count differently");
		n_classes = 0;
	}
	for (int64_t rank = 0; status == 0 && (rank < ends.n_a || rank < ends.n_b); rank++)
		compare_rank(diff, rank, &ends, &classes, names, n_classes);
	release_pair(&ends);
	release_pair(&classes);
	free(names);
	free(other);
	return status;
}

/* ---- links: by name ---- */

struct named_link {
	const char *name;
	uint32_t link;
};

static int compare_named(const void *x, const void *y)
{
	return strcmp(((const struct named_link *)x)->name, ((const struct named_link *)y)->name);
}

/* For each link of a the one of b with its name, or UINT32_MAX. */
static uint32_t *match_links(const struct timeline_links *a, const struct timeline_links *b)
{
	uint32_t *match = memory_alloc(((size_t)a->n_links + 1) * sizeof *match);
	struct named_link *sorted = memory_alloc(((size_t)b->n_links + 1) * sizeof *sorted);
	for (uint32_t i = 0; i < b->n_links; i++)
		sorted[i] = (struct named_link){b->names[i], i};
	qsort(sorted, b->n_links, sizeof *sorted, compare_named);
	for (uint32_t i = 0; i < a->n_links; i++) {
		struct named_link wanted = {a->names[i], 0}, *found;
		if (i < b->n_links && !strcmp(a->names[i], b->names[i])) {
			match[i] = i;
			continue;
		}
		found = bsearch(&wanted, sorted, b->n_links, sizeof *sorted, compare_named);
		match[i] = found ? found->link : UINT32_MAX;
	}
	free(sorted);
	return match;
}

static double ps_per_byte(const struct timeline_links *links, uint32_t link)
{
	return links->bandwidth[link] > 0 ? (double)PS_PER_S / (double)links->bandwidth[link] : 0;
}

static void compare_totals(struct diff *diff, const struct timeline_links *a, const struct timeline_links *b, const uint32_t *match)
{
	uint8_t *seen = memory_zero((size_t)b->n_links + 1, 1);
	for (uint32_t i = 0; i < a->n_links; i++) {
		if (match[i] == UINT32_MAX) {
			add_item(diff, KEY_LINK_BYTES, a->names[i], true, false, a->total_bytes[i], 0,
				 (double)a->total_bytes[i] * ps_per_byte(a, i));
			continue;
		}
		seen[match[i]] = 1;
		compare(diff, KEY_LINK_BYTES, a->names[i], a->total_bytes[i], b->total_bytes[match[i]], ps_per_byte(a, i));
		compare(diff, KEY_LINK_BUSY, a->names[i], a->total_busy_ps[i], b->total_busy_ps[match[i]], 1);
	}
	for (uint32_t i = 0; i < b->n_links; i++)
		if (!seen[i])
			add_item(diff, KEY_LINK_BYTES, b->names[i], false, true, 0, b->total_bytes[i],
				 (double)b->total_bytes[i] * ps_per_byte(b, i));
	free(seen);
}

/* Reads bins of one run merged to a wider width, one wide bin at a time. */
struct rebinned {
	const struct timeline *timeline;
	const struct timeline_links *links;
	int64_t factor;         /* own bins per wide bin */
	int64_t *rows;          /* [factor][n_links] scratch */
	int64_t *sums;          /* [n_links] */
};

static int next_wide(struct rebinned *side, int64_t wide, struct error *err)
{
	int64_t first = wide * side->factor, n = side->links->n_bins - first < side->factor ? side->links->n_bins - first : side->factor;
	memset(side->sums, 0, side->links->n_links * sizeof *side->sums);
	if (n <= 0)
		return 0;
	if (timeline_bins_read(side->timeline, "/links/bytes", first, n, side->rows, err))
		return -1;
	for (int64_t i = 0; i < n * side->links->n_links; i++)
		side->sums[i % side->links->n_links] += side->rows[i];
	return 0;
}

static void open_side(struct rebinned *side, const struct timeline *timeline, const struct timeline_links *links, int64_t width_ps)
{
	*side = (struct rebinned){timeline, links, width_ps / (links->bin_end_ps[0] - links->bin_start_ps[0]), NULL, NULL};
	side->rows = memory_alloc((size_t)side->factor * links->n_links * sizeof *side->rows + 1);
	side->sums = memory_alloc(((size_t)links->n_links + 1) * sizeof *side->sums);
}

static void close_side(struct rebinned *side)
{
	free(side->rows);
	free(side->sums);
}

/* How many of a link's bytes moved in time: of Σ over wide bins of |a − b| a moved byte makes two, after what the totals differ by
 * is taken away. The two numbers of the item are the bytes of a and those of them that b carries in another bin. */
static int compare_bins(struct diff *diff, struct timeline *a, struct timeline *b, const struct timeline_links *links_a,
			const struct timeline_links *links_b, const uint32_t *match, struct error *err)
{
	int64_t width_a = links_a->bin_end_ps[0] - links_a->bin_start_ps[0], width_b = links_b->bin_end_ps[0] - links_b->bin_start_ps[0];
	int64_t width = width_a > width_b ? width_a : width_b;
	struct rebinned side_a, side_b;
	int status = 0;
	if (width % width_a || width % width_b) {
		add_note(diff, "%s", "bins, whose widths are not multiples of each other");
		return 0;
	}
	open_side(&side_a, a, links_a, width);
	open_side(&side_b, b, links_b, width);
	int64_t *moved = memory_zero((size_t)links_a->n_links + 1, sizeof *moved);
	for (int64_t wide = 0; status == 0 && (wide * side_a.factor < links_a->n_bins || wide * side_b.factor < links_b->n_bins); wide++) {
		status = next_wide(&side_a, wide, err) || next_wide(&side_b, wide, err) ? -1 : 0;
		for (uint32_t i = 0; status == 0 && i < links_a->n_links; i++)
			if (match[i] != UINT32_MAX)
				moved[i] += llabs(side_a.sums[i] - side_b.sums[match[i]]);
	}
	for (uint32_t i = 0; status == 0 && i < links_a->n_links; i++)
		if (match[i] != UINT32_MAX)
			moved[i] -= llabs(links_a->total_bytes[i] - links_b->total_bytes[match[i]]);
	for (uint32_t i = 0; status == 0 && i < links_a->n_links; i++) {
		diff->n_compared++;
		if (match[i] != UINT32_MAX && (double)moved[i] / 2 > tolerance_of(diff, KEY_LINK_BINS) * (double)links_a->total_bytes[i])
			add_item(diff, KEY_LINK_BINS, links_a->names[i], true, true, links_a->total_bytes[i], moved[i] / 2,
				 (double)moved[i] / 2 * ps_per_byte(links_a, i));
	}
	free(moved);
	close_side(&side_a);
	close_side(&side_b);
	return status;
}

static int compare_links(struct diff *diff, struct timeline *a, struct timeline *b, struct error *err)
{
	struct timeline_links links_a = {0}, links_b = {0};
	int status = -1;
	if (timeline_links_read(a, &links_a, err) == 0 && timeline_links_read(b, &links_b, err) == 0) {
		uint32_t *match = match_links(&links_a, &links_b);
		compare_totals(diff, &links_a, &links_b, match);
		status = links_a.n_bins && links_b.n_bins ? compare_bins(diff, a, b, &links_a, &links_b, match, err) : 0;
		free(match);
	}
	timeline_links_release(&links_a);
	timeline_links_release(&links_b);
	return status;
}

/* ---- together ---- */

static int compare_items(const void *x, const void *y)
{
	const struct diff_item *a = x, *b = y;
	if (a->effect_ps > b->effect_ps || a->effect_ps < b->effect_ps)
		return a->effect_ps > b->effect_ps ? -1 : 1;
	return a->found < b->found ? -1 : a->found > b->found;
}

int diff_init(struct diff *diff, struct timeline *a, struct timeline *b, const struct diff_tolerance *tolerances, size_t n_tolerances,
	      struct error *err)
{
	memset(diff, 0, sizeof *diff);
	diff->tolerances = tolerances;
	diff->n_tolerances = n_tolerances;
	compare_run(diff, a, b);
	if (compare_collectives(diff, a, b, err) || compare_ranks(diff, a, b, err) || compare_ops(diff, a, b, err) || compare_links(diff, a, b, err)) {
		diff_release(diff);
		return -1;
	}
	if (diff->n)
		qsort(diff->items, diff->n, sizeof *diff->items, compare_items);
	return 0;
}

void diff_release(struct diff *diff)
{
	free(diff->items);
	arena_release(&diff->arena);
	memset(diff, 0, sizeof *diff);
}

static bool is_time(const char *key)
{
	size_t length = strlen(key);
	return length > 3 && !strcmp(key + length - 3, "_ps");
}

static const char *format_value(char *out, size_t size, const struct diff_item *item, bool present, int64_t value)
{
	if (!present)
		return "absent";
	if (is_time(item->key))
		return units_format_time(out, size, value);
	if (!strcmp(item->key, "energy_pj")) {
		snprintf(out, size, "%.6g J", (double)value * 1e-12);
		return out;
	}
	if (!strcmp(item->key, "messages")) {
		snprintf(out, size, "%" PRId64, value);
		return out;
	}
	return units_format_bytes(out, size, value);
}

static void print_item(const struct diff_item *item, struct text *out)
{
	char a[64], b[64];
	if (!strcmp(item->key, "link.bins")) {
		text_printf(out, "  %-20s %-32s %s of %s at other times\n", item->key, item->subject, format_value(b, sizeof b, item, true, item->b),
			    format_value(a, sizeof a, item, true, item->a));
		return;
	}
	text_printf(out, "  %-20s %-32s %s → %s", item->key, item->subject, format_value(a, sizeof a, item, item->in_a, item->a),
		    format_value(b, sizeof b, item, item->in_b, item->b));
	if (item->in_a && item->in_b)
		text_printf(out, "  (%+" PRId64 "%s", item->b - item->a, is_time(item->key) ? " ps" : "");
	if (item->in_a && item->in_b && item->a)
		text_printf(out, ", %+.3g %%", 100 * ((double)item->b - (double)item->a) / magnitude(item->a));
	text_puts(out, item->in_a && item->in_b ? ")\n" : "\n");
}

/* The differences of one key, the largest first: a change shows in every kind of figure, and each should be seen. */
static void print_key(const struct diff *diff, const char *key, uint32_t top, struct text *out)
{
	size_t n = 0;
	for (size_t i = 0; i < diff->n; i++)
		if (diff->items[i].key == key && n++ < top)
			print_item(&diff->items[i], out);
	if (n > top)
		text_printf(out, "  %-20s … and %zu more (--top, --json)\n", key, n - top);
}

void diff_print(const struct diff *diff, uint32_t top, struct text *out)
{
	if (diff->topology_a)
		text_printf(out, "different topologies: %s and %s; links are compared by name\n", diff->topology_a, diff->topology_b);
	if (diff->note)
		text_printf(out, "not compared: %s\n", diff->note);
	if (!diff->n && diff->digest_differs)
		text_printf(out, "the %" PRIu64 " figures compared agree%s, but the digests of the results differ\n", diff->n_compared,
			    diff->n_tolerances ? " within the tolerances" : "");
	else if (!diff->n)
		text_printf(out, "no difference in %" PRIu64 " figures\n", diff->n_compared);
	else
		text_printf(out, "%zu of %" PRIu64 " figures differ:\n", diff->n, diff->n_compared);
	for (int key = 0; key < KEY_N; key++)
		print_key(diff, diff_keys[key], top, out);
}

void diff_json(const struct diff *diff, struct json *json)
{
	json_bool(json, "differ", diff_found(diff));
	json_bool(json, "digest_differs", diff->digest_differs);
	json_integer(json, "compared", (int64_t)diff->n_compared);
	if (diff->topology_a) {
		json_string(json, "topology_a", diff->topology_a);
		json_string(json, "topology_b", diff->topology_b);
	}
	if (diff->note)
		json_string(json, "not_compared", diff->note);
	json_open_array(json, "differences");
	for (size_t i = 0; i < diff->n; i++) {
		const struct diff_item *item = &diff->items[i];
		json_open_object(json, NULL);
		json_string(json, "key", item->key);
		json_string(json, "subject", item->subject);
		if (item->in_a)
			json_integer(json, "a", item->a);
		else
			json_null(json, "a");
		if (item->in_b)
			json_integer(json, "b", item->b);
		else
			json_null(json, "b");
		json_number(json, "effect_ps", item->effect_ps);
		json_close_object(json);
	}
	json_close_array(json);
}
