/* Entries of a catalogue from YAML. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/tree.h"
#include "link/catalogue_internal.h"

const char *const component_category_names[COMPONENT_CATEGORIES] = {"chip",  "switch",         "module", "cable",
                                                                    "laser", "circuit-switch", "other"};

static const struct figure_info component_infos[COMPONENT_FIGURES] = {
	[COMPONENT_IDLE_POWER] = {"idle_power", QUANTITY_POWER, 0, 1e9, "W", 1, NULL, "when it does nothing"},
	[COMPONENT_POWER] = {"power", QUANTITY_POWER, 0, 1e9, "W", 1, NULL, "at full use"},
	[COMPONENT_BIT_ENERGY] = {"bit_energy", QUANTITY_ENERGY_PER_BIT, 0, 1e4, "pJ/b", 1, NULL, "per bit through it"},
	[COMPONENT_PRICE] = {"price", QUANTITY_MONEY, 0, 1e12, "$", 1, NULL, "of one"},
	[COMPONENT_FAILURE_RATE] = {"failure_rate", QUANTITY_FIT, 0, 1e9, "FIT", 1, NULL, "of one"},
	[COMPONENT_REPAIR_TIME] = {"repair_time", QUANTITY_TIME, 0, 1e300, "h", 3600e12, NULL, "until it works again"},
	[COMPONENT_PORTS] = {"ports", QUANTITY_COUNT, 1, 1e6, "", 1, NULL, "circuit switch: fibre ports"},
	[COMPONENT_INSERTION_LOSS] = {"insertion_loss", QUANTITY_LOSS, 0, 100, "dB", 1, NULL, "circuit switch: from port to port, amplifiers counted"},
	[COMPONENT_CONTROL_TIME] = {"control_time", QUANTITY_TIME, 0, 1e300, "us", 1e6, NULL, "circuit switch: from the command until it begins to move"},
	[COMPONENT_SWITCHING_TIME] = {"switching_time", QUANTITY_TIME, 0, 1e300, "us", 1e6, NULL, "circuit switch: until light passes the new way"},
	[COMPONENT_RELOCK_TIME] = {"relock_time", QUANTITY_TIME, 0, 1e300, "us", 1e6, NULL, "circuit switch: until receivers have locked again, if not the link kind's"},
	[COMPONENT_LATENCY] = {"latency", QUANTITY_TIME, 0, 1e300, "ns", 1e3, NULL, "packet switch: of crossing it; for comparison, a topology has its own"},
};
const struct figure_info *component_figure_info(enum component_figure figure) { return &component_infos[figure]; }

/* How a figure is written: plain text, or {value: …, grade: …, source: …}. An entry's own `grade` and `source` stand for
 * figures that have none. */
struct figure_text { const char *value, *source; char grade; };

static int read_grade(const struct tree_node *node, char *grade, struct error *err)
{
	if (!node)
		return 0;
	if (node->kind != TREE_SCALAR || strlen(node->text) != 1 || !strchr("ABCU", node->text[0]))
		return tree_fail(node, err, "unknown grade '%s' (known: A, B, C)", node->text);
	*grade = node->text[0];
	return 0;
}

static int read_figure(const struct tree_node *entry, const struct tree_node *value, struct figure_text *out, struct error *err)
{
	const struct tree_node *source = tree_get(entry, "source");
	static const char *const known[] = {"value", "grade", "source"};
	char names[128];
	out->grade = 'U';
	out->source = source ? source->text : NULL;
	if (read_grade(tree_get(entry, "grade"), &out->grade, err))
		return -1;
	if (value->kind == TREE_SCALAR) {
		out->value = value->text;
		return 0;
	}
	if (value->kind != TREE_MAP || !tree_get(value, "value"))
		return tree_fail(value, err,
		                 "a figure is text such as '8 W' or '4 W .. 12 W', or {value: …, grade: …, source: …}");
	for (uint32_t i = 0; i < value->n_entries; i++) {
		const struct tree_entry *e = &value->entries[i];
		if (strcmp(e->key, "value") && strcmp(e->key, "grade") && strcmp(e->key, "source"))
			return error_at(err, value->file, e->line, e->column, "unknown key '%s' of a figure%s", e->key,
					text_known(names, sizeof names, e->key, known, 3));
		if (e->value->kind != TREE_SCALAR)
			return tree_fail(e->value, err, "'%s' of a figure must be text", e->key);
	}
	out->value = tree_get(value, "value")->text;
	if (tree_get(value, "source"))
		out->source = tree_get(value, "source")->text;
	return read_grade(tree_get(value, "grade"), &out->grade, err);
}

/* A message about a value gets its place. */
static int place(const struct tree_node *node, struct error *err)
{
	char message[sizeof err->message];
	if (!err)
		return -1;
	snprintf(message, sizeof message, "%s", err->message);
	error_clear(err);
	return tree_fail(node, err, "%.1900s", message);
}

static bool is_text_key(const char *key)
{
	return !strcmp(key, "summary") || !strcmp(key, "note") || !strcmp(key, "source") || !strcmp(key, "grade");
}

/* An entry starts from what it is `like`, else from the entry of the same name that it overrides, else from nothing. */
static int start_link(struct catalogue *catalogue, const char *name, const struct tree_node *entry, struct link_kind *kind,
                      struct error *err)
{
	const struct tree_node *like = tree_get(entry, "like");
	const struct link_kind *base = catalogue_find_link(catalogue, like ? like->text : name);
	if (like && !base) {
		if (!catalogue_link(catalogue, like->text, err))
			return place(like, err);
		base = catalogue_link(catalogue, like->text, err);
	}
	if (base)
		*kind = *base;
	else
		link_kind_init(kind, name);
	if (like)
		kind->abstract = false, kind->summary = NULL, kind->note = NULL;
	kind->name = name;
	kind->file = entry->file;
	kind->line = entry->line;
	return 0;
}

static int read_link(struct catalogue *catalogue, const char *name, const struct tree_node *entry, struct error *err)
{
	struct link_kind kind, *old;
	if (entry->kind != TREE_MAP)
		return tree_fail(entry, err, "link kind '%s' must be a mapping of figures", name);
	if (start_link(catalogue, name, entry, &kind, err))
		return -1;
	for (uint32_t i = 0; i < entry->n_entries; i++) {
		const struct tree_entry *e = &entry->entries[i];
		struct figure_text figure;
		if (!strcmp(e->key, "like"))
			continue;
		if (!strcmp(e->key, "abstract")) {
			kind.abstract = !strcmp(e->value->text, "true");
			continue;
		}
		if (is_text_key(e->key)) {
			if (!strcmp(e->key, "summary"))
				kind.summary = e->value->text;
			else if (!strcmp(e->key, "note"))
				kind.note = e->value->text;
			continue;
		}
		if (read_figure(entry, e->value, &figure, err))
			return -1;
		if (link_kind_set(&kind, e->key, figure.value, figure.grade, figure.source, err))
			return place(e->value, err);
	}
	if (!kind.abstract && link_kind_check(&kind, err))
		return place(entry, err);
	if ((old = catalogue_find_link(catalogue, name))) {
		*old = kind;
		return 0;
	}
	ARRAY_RESERVE(catalogue->links, catalogue->n_links + 1, catalogue->links_capacity);
	catalogue->links[catalogue->n_links++] = kind;
	return 0;
}

static int read_plain_figure(const struct figure_info *info, const char *text, char grade, const char *source,
                             struct figure *out, struct error *err)
{
	double value[3] = {0}, low, likely, high;
	char part[128];
	size_t n = 0;
	for (const char *at = text; at && n < 3; n++) {
		const char *stop = n < 2 ? strstr(at, "..") : NULL;
		snprintf(part, sizeof part, "%.*s", (int)(stop ? stop - at : (ptrdiff_t)strlen(at)), at);
		if (units_parse(part, info->quantity, &value[n], err))
			return error_prefix(err, "%s", info->key);
		at = stop ? stop + 2 : NULL;
	}
	low = value[0];
	high = n == 3 ? value[2] : n == 2 ? value[1] : low;
	likely = n == 3 ? value[1] : (low + high) / 2;
	if (low < info->minimum || high > info->maximum || low > likely || likely > high)
		return error_set(err, ERROR_INPUT, "%s of '%s' is not within %g .. %g %s in increasing order", info->key, text,
				 info->minimum / info->scale, info->maximum / info->scale, info->unit);
	*out = (struct figure){true, low, likely, high, grade, source};
	return 0;
}

static int set_component(struct component_kind *kind, const struct tree_node *entry, const struct tree_entry *e,
                         struct error *err)
{
	const char *keys[COMPONENT_FIGURES + 4];
	size_t n = 0;
	char known[256];
	struct figure_text figure;
	if (!strcmp(e->key, "category")) {
		for (int i = 0; i < COMPONENT_CATEGORIES; i++)
			if (!strcmp(e->value->text, component_category_names[i])) {
				kind->category = (enum component_category)i;
				return 0;
			}
		return tree_fail(
			e->value, err, "unknown category '%s'%s", e->value->text,
			text_known(known, sizeof known, e->value->text, component_category_names, COMPONENT_CATEGORIES));
	}
	for (int i = 0; i < COMPONENT_FIGURES; i++) {
		keys[n++] = component_infos[i].key;
		if (strcmp(e->key, component_infos[i].key))
			continue;
		if (read_figure(entry, e->value, &figure, err))
			return -1;
		return read_plain_figure(&component_infos[i], figure.value, figure.grade, figure.source, &kind->figures[i], err)
		               ? place(e->value, err)
		               : 0;
	}
	keys[n++] = "category";
	return error_at(err, entry->file, e->line, e->column, "unknown key '%s' of a component%s", e->key,
			text_known(known, sizeof known, e->key, keys, n));
}

static int read_component(struct catalogue *catalogue, const char *name, const struct tree_node *entry, struct error *err)
{
	struct component_kind kind = {.name = name, .category = COMPONENT_OTHER}, *old = catalogue_find_component(catalogue, name);
	if (entry->kind != TREE_MAP)
		return tree_fail(entry, err, "component '%s' must be a mapping", name);
	if (old)
		kind = *old;
	kind.file = entry->file;
	kind.line = entry->line;
	for (uint32_t i = 0; i < entry->n_entries; i++) {
		const struct tree_entry *e = &entry->entries[i];
		if (!strcmp(e->key, "summary"))
			kind.summary = e->value->text;
		else if (!strcmp(e->key, "note"))
			kind.note = e->value->text;
		else if (!is_text_key(e->key) && set_component(&kind, entry, e, err))
			return -1;
	}
	if (kind.figures[COMPONENT_POWER].known &&
	    component_value(&kind, COMPONENT_IDLE_POWER) > component_value(&kind, COMPONENT_POWER))
		return tree_fail(entry, err, "component '%s' draws more when idle (%g W) than at most (%g W)", name,
				 component_value(&kind, COMPONENT_IDLE_POWER), component_value(&kind, COMPONENT_POWER));
	if (old) {
		*old = kind;
		return 0;
	}
	ARRAY_RESERVE(catalogue->components, catalogue->n_components + 1, catalogue->components_capacity);
	catalogue->components[catalogue->n_components++] = kind;
	return 0;
}

static int machine_figure(const struct tree_node *entry, const char *key, enum quantity quantity, struct figure *out,
                          struct error *err)
{
	const struct figure_info info = {key, quantity, 0, 1e18, "", 1, NULL, NULL};
	const struct tree_node *value = tree_get(entry, key);
	struct figure_text figure;
	if (!value)
		return 0;
	if (read_figure(entry, value, &figure, err))
		return -1;
	return read_plain_figure(&info, figure.value, figure.grade, figure.source, out, err) ? place(value, err) : 0;
}

static int read_part(const struct tree_node *node, struct machine_part *part, struct error *err)
{
	static const char *const known[] = {"name", "what", "count", "power", "component", "unless", "grade", "source"};
	struct figure count = {0}, power = {0};
	char names[160];
	if (node->kind != TREE_MAP || !tree_get(node, "name"))
		return tree_fail(node, err, "a part of a machine is {name: …, count: …, power: … or component: …}");
	for (uint32_t i = 0; i < node->n_entries; i++) {
		bool found = false;
		for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
			found |= !strcmp(known[k], node->entries[i].key);
		if (!found)
			return error_at(err, node->file, node->entries[i].line, node->entries[i].column,
			                "unknown key '%s' of a part%s", node->entries[i].key,
			                text_known(names, sizeof names, node->entries[i].key, known, sizeof known / sizeof known[0]));
	}
	if (machine_figure(node, "count", QUANTITY_COUNT, &count, err) ||
	    machine_figure(node, "power", QUANTITY_POWER, &power, err))
		return -1;
	*part = (struct machine_part){.name = tree_get(node, "name")->text, .count = count.known ? count.typical : 1,
		.power_w = power.known ? power.typical : -1, .grade = 'U'};
	part->what = tree_get(node, "what") ? tree_get(node, "what")->text : NULL;
	part->source = tree_get(node, "source") ? tree_get(node, "source")->text : NULL;
	part->component = tree_get(node, "component") ? tree_get(node, "component")->text : NULL;
	part->unless = tree_get(node, "unless") ? tree_get(node, "unless")->text : NULL;
	if (!power.known && !part->component)
		return tree_fail(node, err, "part '%s' has neither a power nor a component", part->name);
	return read_grade(tree_get(node, "grade"), &part->grade, err);
}

/* {name: HBM capacity, value: 49.2, unit: TB, grade: B, source: …} */
static int read_fact(const struct tree_node *node, struct machine_fact *fact, struct error *err)
{
	const struct tree_node *name = tree_get(node, "name"), *unit = tree_get(node, "unit"), *source = tree_get(node, "source");
	struct figure value = {0};
	if (!name || !tree_get(node, "value"))
		return tree_fail(node, err, "a fact of a machine is {name: …, value: NUMBER, unit: …}");
	if (machine_figure(node, "value", QUANTITY_NUMBER, &value, err))
		return -1;
	*fact = (struct machine_fact){name->text, unit ? unit->text : "", source ? source->text : NULL, value.typical, 'U'};
	return read_grade(tree_get(node, "grade"), &fact->grade, err);
}

/* {die: 0.5}: two nodes of this role are one chip. */
static int read_shares(struct machine_record *machine, const struct tree_node *shares, struct error *err)
{
	for (uint32_t i = 0; shares && i < shares->n_entries; i++) {
		struct figure share = {0};
		uint32_t r = 0;
		while (r < machine->n_roles && strcmp(machine->roles[r].role, shares->entries[i].key))
			r++;
		if (r == machine->n_roles)
			return tree_fail(shares->entries[i].value, err, "machine '%s' has no role '%s'", machine->name, shares->entries[i].key);
		if (machine_figure(shares, shares->entries[i].key, QUANTITY_RATIO, &share, err))
			return -1;
		machine->roles[r].share = share.typical;
	}
	return 0;
}

static int read_machine(struct catalogue *catalogue, const char *name, const struct tree_node *entry, struct error *err)
{
	const struct tree_node *parts = tree_get(entry, "parts"), *roles = tree_get(entry, "roles"), *facts = tree_get(entry, "facts"),
			       *summary = tree_get(entry, "summary");
	struct machine_record machine = {
		.name = name, .file = entry->file, .line = entry->line, .summary = summary ? summary->text : NULL};
	size_t i = 0;
	if (machine_figure(entry, "power", QUANTITY_POWER, &machine.power_w, err) ||
	    machine_figure(entry, "compute", QUANTITY_FLOPS, &machine.pflops, err) ||
	    machine_figure(entry, "chips", QUANTITY_COUNT, &machine.n_chips, err))
		return -1;
	if (parts) {
		machine.parts = arena_array(&catalogue->arena, parts->n_entries, sizeof *machine.parts);
		for (; machine.n_parts < parts->n_entries; machine.n_parts++)
			if (read_part(parts->entries[machine.n_parts].value, &machine.parts[machine.n_parts], err))
				return -1;
	}
	if (facts) {
		machine.facts = arena_array(&catalogue->arena, facts->n_entries, sizeof *machine.facts);
		for (; machine.n_facts < facts->n_entries; machine.n_facts++)
			if (read_fact(facts->entries[machine.n_facts].value, &machine.facts[machine.n_facts], err))
				return -1;
	}
	if (roles) {
		machine.roles = arena_array(&catalogue->arena, roles->n_entries, sizeof *machine.roles);
		for (; machine.n_roles < roles->n_entries; machine.n_roles++)
			machine.roles[machine.n_roles] = (struct machine_role){roles->entries[machine.n_roles].key,
			                                                       roles->entries[machine.n_roles].value->text, 1};
	}
	if (read_shares(&machine, tree_get(entry, "shares"), err))
		return -1;
	while (i < catalogue->n_machines && strcmp(catalogue->machines[i].name, name))
		i++;
	if (i == catalogue->n_machines) {
		ARRAY_RESERVE(catalogue->machines, i + 1, catalogue->machines_capacity);
		catalogue->n_machines++;
	}
	catalogue->machines[i] = machine;
	return 0;
}

static int read_tariff(struct catalogue *catalogue, const char *name, const struct tree_node *entry, struct error *err)
{
	const struct figure_info info = {"price", QUANTITY_MONEY_PER_ENERGY, 0, 1e6, "$/kWh", 1, NULL, NULL};
	struct tariff tariff = {.name = name};
	struct figure price = {0};
	struct figure_text text;
	const struct tree_node *value = entry->kind == TREE_SCALAR ? entry : tree_get(entry, "price");
	size_t i = 0;
	if (!value)
		return tree_fail(entry, err, "tariff '%s' has no price", name);
	if (read_figure(entry->kind == TREE_MAP ? entry : NULL, value, &text, err))
		return -1;
	if (read_plain_figure(&info, text.value, text.grade, text.source, &price, err))
		return place(value, err);
	tariff.price_per_kwh = price.typical;
	tariff.grade = text.grade;
	tariff.source = text.source;
	tariff.summary = tree_get(entry, "summary") ? tree_get(entry, "summary")->text : NULL;
	while (i < catalogue->n_tariffs && strcmp(catalogue->tariffs[i].name, name))
		i++;
	if (i == catalogue->n_tariffs) {
		ARRAY_RESERVE(catalogue->tariffs, i + 1, catalogue->tariffs_capacity);
		catalogue->n_tariffs++;
	}
	catalogue->tariffs[i] = tariff;
	return 0;
}

int catalogue_add_tree(struct catalogue *catalogue, const struct tree_node *root, struct error *err)
{
	static const struct {
		const char *key;
		int (*read)(struct catalogue *, const char *, const struct tree_node *, struct error *);
	} sections[] = {
		{"links", read_link}, {"components", read_component}, {"machines", read_machine}, {"tariffs", read_tariff}};
	static const char *const names[] = {"links", "components", "machines", "tariffs"};
	char known[128];
	if (root->kind != TREE_MAP)
		return tree_fail(root, err, "a catalogue is a mapping with links, components, machines or tariffs");
	for (uint32_t i = 0; i < root->n_entries; i++) {
		const struct tree_entry *e = &root->entries[i];
		size_t s = 0;
		while (s < 4 && strcmp(sections[s].key, e->key))
			s++;
		if (s == 4)
			return error_at(err, root->file, e->line, e->column, "unknown key '%s' of a catalogue%s", e->key,
					text_known(known, sizeof known, e->key, names, 4));
		if (e->value->kind != TREE_MAP)
			return tree_fail(e->value, err, "'%s' must be a mapping of names", e->key);
		for (uint32_t k = 0; k < e->value->n_entries; k++)
			if (sections[s].read(catalogue, e->value->entries[k].key, e->value->entries[k].value, err))
				return -1;
	}
	return 0;
}
