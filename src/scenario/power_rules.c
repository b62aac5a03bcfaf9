/* Which links rest by which rule: reading the section, and giving every link its figures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"
#include "base/tree.h"
#include "fabric/fabric.h"
#include "link/sleep.h"
#include "scenario/changes.h"
#include "scenario/power_states_internal.h"

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

static int read_rule(const struct section_reader *reader, struct tree_node *node, struct power_rule *rule, struct error *err)
{
	static const struct section_key after = {"after", KEY_TIME, NULL, "0 ps..", "", 0};
	struct tree_node *given;
	*rule = (struct power_rule){.node = node, .after_ps = -1, .wake_ps = -1, .share = -1};
	if (section_read(reader, &section_power_rule, node, rule))
		return -1;
	given = tree_get(node, "after");
	if (given && strcmp(rule->after_text, "auto") && section_read_value(reader, &after, given, &rule->after_ps))
		return -1;
	if (rule->rest != REST_FOLD || rule->lanes)
		return 0;
	return tree_fail(node, err, "'fold' needs 'lanes': how many are left");
}

static int check_others(const struct scenario *scenario, struct error *err)
{
	const struct tree_node *node = scenario->power_node;
	if (scenario->model == &network_loggops)
		return tree_fail(node, err, "network model 'loggops' knows no links: 'power_states' needs 'fluid', 'packet' or 'analytic'");
	if (scenario->circuits_node)
		return tree_fail(node, err, "'power_states' cannot be combined with 'circuits': both would set the same links");
	for (uint32_t i = 0; i < scenario->n_settings; i++)
		if (!strcmp(scenario->settings[i].name, "transport") && strcmp(scenario->settings[i].value, "none"))
			return tree_fail(node, err, "'power_states' cannot be combined with transport '%s': its acknowledgements take links that no message wakes",
					 scenario->settings[i].value);
	if (scenario->routing == ROUTING_UGAL)
		return tree_fail(node, err, "'power_states' needs routes that are known when a message is sent, which routing 'ugal' chooses later");
	return 0;
}

int power_states_read(struct scenario *scenario, struct error *err)
{
	struct section_reader reader = {.arena = &scenario->arena, .directory = scenario->directory, .err = err};
	struct scenario_power *power = &scenario->power;
	const struct tree_node *list;
	if (!scenario->power_node)
		return 0;
	if (section_read(&reader, &section_power, scenario->power_node, scenario) || check_others(scenario, err))
		return -1;
	list = power->rules_node;
	if (list->kind != TREE_LIST || !list->n_entries)
		return tree_fail(list, err, "'rules' must be a list such as [{links: '*', rest: serdes}]");
	power->rules = arena_array(&scenario->arena, list->n_entries, sizeof *power->rules);
	for (; power->n_rules < list->n_entries; power->n_rules++)
		if (read_rule(&reader, list->entries[power->n_rules].value, &power->rules[power->n_rules], err))
			return -1;
	return 0;
}

/* ---- rules of links ----------------------------------------------------------------------------------------------------- */

static int give_rule(struct power_states *power, const struct power_rule *rule, uint32_t link, struct error *err)
{
	const struct physics *physics = power->simulation->physics;
	const struct link_class *class = &physics->classes[physics->link_class[link]];
	const struct link_kind *kind = &physics->kinds[class->kind];
	struct power_link *l = &power->links[link];
	struct link_rest figures = {.share = 1};
	struct error local = {0};
	bool asks = rule->share < 0 || rule->wake_ps < 0 || rule->rest == REST_FOLD;
	if (asks && link_rest(kind, &class->chain, (enum rest)rule->rest, (double)rule->lanes, &figures, &local))
		return tree_fail(rule->node, err, "%s", local.message);
	if (rule->share >= 0)
		figures.share = rule->share;
	*l = (struct power_link){.rule = rule, .leader = link, .next = link, .lanes = (uint32_t)fmax(kind_value(kind, FIGURE_LANES), 1),
		.wake_ps = rule->wake_ps >= 0 ? rule->wake_ps : (int64_t)llround(figures.wake_s * 1e12),
		.rest_uw = (int64_t)llround(figures.share * (double)awake_uw(power, link))};
	figures.break_even_s = rest_break_even_s(figures.share, (double)l->wake_ps * 1e-12);
	l->after_ps = rule->after_ps >= 0 ? rule->after_ps
		    : figures.break_even_s < 9e6 ? (int64_t)ceil(figures.break_even_s * 1e12) : TIME_NEVER;
	return 0;
}

static bool rests_whole(const struct power_rule *rule)
{
	return rule->rest != REST_FOLD && (rule->together == TOGETHER_CABLE || (rule->together == TOGETHER_AUTO && rule->rest == REST_SLEEP));
}

/* Puts two links that rest together into one circle. */
static void join(struct power_states *power, uint32_t a, uint32_t b)
{
	struct power_link *x = &power->links[a], *y = &power->links[b];
	uint32_t first = x->leader < y->leader ? x->leader : y->leader, after;
	if (!x->rule || x->rule != y->rule || !rests_whole(x->rule) || x->leader == y->leader)
		return;
	after = x->next;
	x->next = y->next;
	y->next = after;
	after = a;
	do {
		power->links[after].leader = first;
		after = power->links[after].next;
	} while (after != a);
}

/* By the modules and cables that carry them; where the fabric names none, with the link the other way. */
static void join_cables(struct power_states *power)
{
	const struct fabric *fabric = &power->simulation->fabric;
	bool *carried = memory_zero((size_t)fabric->n_links + 1, sizeof *carried);
	for (uint32_t c = 0; c < fabric->n_components; c++)
		for (uint32_t i = fabric->carried_first[c]; i < fabric->carried_first[c + 1]; i++) {
			uint32_t link = fabric->carried[i], before = fabric->carried[i > fabric->carried_first[c] ? i - 1 : i];
			if (strcmp(fabric->component_kind[c], fabric->kind_names[fabric->link_kind[link]]))
				continue; /* a laser source or a circuit switch */
			carried[link] = true;
			if (fabric->link_kind[before] == fabric->link_kind[link])
				join(power, link, before);
		}
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		uint32_t node = fabric->link_target[link];
		for (uint32_t i = fabric->out_first[node]; !carried[link] && i < fabric->out_first[node + 1]; i++) {
			uint32_t back = fabric->out_links[i];
			if (fabric->link_target[back] == fabric->link_source[link] && fabric->link_ordinal[back] == fabric->link_ordinal[link])
				join(power, link, back);
		}
	}
	free(carried);
}

int power_states_give_rules(struct power_states *power, struct error *err)
{
	struct simulation *simulation = power->simulation;
	const struct scenario_power *setup = &simulation->scenario->power;
	for (uint32_t r = 0; r < setup->n_rules; r++) {
		const struct power_rule *rule = &setup->rules[r];
		uint32_t *links, n;
		if (links_match(simulation, rule->pattern, tree_get(rule->node, "links") ? tree_get(rule->node, "links") : rule->node, &links, &n, err))
			return -1;
		for (uint32_t i = 0; i < n; i++)
			if (give_rule(power, rule, links[i], err))
				return -1;
	}
	join_cables(power);
	return 0;
}
