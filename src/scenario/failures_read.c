/* The list `failures` of a scenario: reading and checking what can be checked without the machine. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "link/failure.h"
#include "network/network.h"
#include "scenario/failures.h"
#include "scenario/scenario.h"

#define PS_PER_HOUR 3.6e15

/* A quantity that may be 0 only if `zero`. NULL text: *value stays. */
static int read_one(const struct scenario_failure *failure, const char *key, const char *text, enum quantity quantity, bool zero,
		    double *value, struct error *err)
{
	struct error local = {0};
	if (!text)
		return 0;
	if (units_parse(text, quantity, value, &local))
		return tree_fail(tree_get(failure->node, key), err, "%s: %s", key, local.message);
	if (*value < 0 || (!zero && *value == 0))
		return tree_fail(tree_get(failure->node, key), err, "'%s' is '%s': it must be %s 0", key, text, zero ? "at least" : "more than");
	return 0;
}

int spread_read(const struct tree_node *map, const char *key, const char *text, enum quantity quantity, struct spread *spread, struct error *err)
{
	double values[3];
	int n = 0;
	const struct tree_node *node = tree_get(map, key);
	for (const char *at = text; at;) {
		const char *dots = strstr(at, "..");
		char part[64];
		snprintf(part, sizeof part, "%.*s", (int)(dots ? dots - at : (long)strlen(at)), at);
		for (size_t length = strlen(part); length && part[length - 1] == ' ';)
			part[--length] = '\0';
		struct error local = {0};
		if (n == 3)
			return tree_fail(node, err, "'%s' is 'a', 'a .. b' or 'a .. b .. c', not '%s'", key, text);
		if (units_parse(part + strspn(part, " "), quantity, &values[n++], &local))
			return tree_fail(node, err, "%s: %s", key, local.message);
		if (values[n - 1] < 0)
			return tree_fail(node, err, "'%s' is '%s': it must be at least 0", key, text);
		if (n > 1 && values[n - 1] < values[n - 2])
			return tree_fail(node, err, "'%s' is '%s': a range goes from less to more", key, text);
		at = dots ? dots + 2 : NULL;
	}
	*spread = (struct spread){values[0], n == 3 ? values[1] : (values[0] + values[n - 1]) / 2, values[n - 1], n == 3};
	return 0;
}

double spread_draw(const struct spread *spread, struct random_stream *stream)
{
	double width = spread->high - spread->low, u = random_uniform(stream);
	double peak = width > 0 ? (spread->likely - spread->low) / width : 0;
	if (!(width > 0))
		return spread->low;
	if (!spread->triangle)
		return spread->low + width * u;
	return u < peak ? spread->low + width * sqrt(u * peak) : spread->high - width * sqrt((1 - u) * (1 - peak));
}

double spread_mean(const struct spread *spread)
{
	return spread->triangle ? (spread->low + spread->likely + spread->high) / 3 : spread->likely;
}

static int read_rates(struct scenario_failure *failure, struct error *err)
{
	double fit = 0;
	int n = (failure->rate_text != NULL) + (failure->mttf_text != NULL) + (failure->afr >= 0);
	if (n > 1)
		return tree_fail(failure->node, err, "give one of 'rate', 'afr' and 'mttf': all say how often it fails");
	if (read_one(failure, "rate", failure->rate_text, QUANTITY_FIT, false, &fit, err) ||
	    read_one(failure, "mttf", failure->mttf_text, QUANTITY_TIME, false, &failure->mttf_ps, err) ||
	    read_one(failure, "infant_mttf", failure->infant_text, QUANTITY_TIME, false, &failure->infant_ps, err) ||
	    read_one(failure, "age", failure->age_text, QUANTITY_TIME, true, &failure->age_ps, err))
		return -1;
	if (failure->afr == 0)
		return tree_fail(tree_get(failure->node, "afr"), err, "'afr' is 0: it must be more than 0");
	if (failure->afr > 0)
		fit = fit_from_afr(failure->afr);
	if (fit > 0)
		failure->mttf_ps = 1e9 / fit * PS_PER_HOUR;
	if ((failure->infant > 0) != (failure->infant_ps > 0))
		return tree_fail(failure->node, err, "'infant' and 'infant_mttf' belong together: which share of the units dies early, and when");
	return 0;
}

static int read_targets(const struct scenario *scenario, struct scenario_failure *failure, struct error *err)
{
	int n = (failure->component != NULL) + (failure->link != NULL) + (failure->chip != NULL);
	bool of_chip = failure->effect == OUTAGE_CRASH || failure->effect == OUTAGE_THROTTLE;
	if (n != 1)
		return tree_fail(failure->node, err, "give one of 'component', 'link' and 'chip': what fails");
	if (of_chip != (failure->chip != NULL))
		return tree_fail(tree_get(failure->node, "effect"), err, of_chip ? "'%s' happens to a 'chip'" :
				 "'%s' happens to a 'component' or a 'link'; of a chip there is 'crash' and 'throttle'",
				 outage_effect_names[failure->effect]);
	if (failure->effect == OUTAGE_CONTAMINATION && !(scenario->physics_node && scenario->physics.errors))
		return tree_fail(failure->node, err, "contamination acts through the link budget: it needs 'physics' with 'errors: true'");
	return 0;
}

/* Keys that mean nothing for this effect. */
static int check_keys(const struct scenario_failure *failure, struct error *err)
{
	const unsigned dies = 1u << OUTAGE_DOWN | 1u << OUTAGE_CRASH;
	const struct { const char *key; bool given; unsigned effects; } belong[] = {
		{"lanes", failure->lanes > 0, 1u << OUTAGE_LANE}, {"loss", failure->loss_text, 1u << OUTAGE_CONTAMINATION},
		{"slow", failure->slow != 1, 1u << OUTAGE_THROTTLE}, {"together", failure->together > 1, 1u << OUTAGE_CRASH},
		{"spares", failure->spares > 0, dies}, {"detect", failure->detect_ps >= 0, dies | 1u << OUTAGE_FLAP},
		{"abort", failure->abort_ps >= 0, dies | 1u << OUTAGE_FLAP},
	};
	for (size_t i = 0; i < sizeof belong / sizeof *belong; i++)
		if (belong[i].given && !(belong[i].effects >> failure->effect & 1))
			return tree_fail(tree_get(failure->node, belong[i].key), err, "'%s' means nothing for the effect '%s'", belong[i].key,
					 outage_effect_names[failure->effect]);
	const struct { const char *key; bool given; } of_spares[] = {
		{"spares_per", failure->spares_per > 0}, {"switchover", failure->switchover_ps > 0}, {"spare_latency", failure->spare_latency_ps > 0},
	};
	for (size_t i = 0; !failure->spares && i < sizeof of_spares / sizeof *of_spares; i++)
		if (of_spares[i].given)
			return tree_fail(tree_get(failure->node, of_spares[i].key), err, "'%s' belongs to 'spares'", of_spares[i].key);
	if (failure->effect == OUTAGE_THROTTLE && !(failure->slow > 1))
		return tree_fail(failure->node, err, "'throttle' needs 'slow': how many times as long computations take, more than 1");
	if (failure->effect == OUTAGE_CONTAMINATION && !failure->loss_text)
		return tree_fail(failure->node, err, "'contamination' needs 'loss': how many dB, such as '1 dB .. 6 dB'");
	return 0;
}

static int read_entry(struct scenario *scenario, struct scenario_failure *failure, struct error *err)
{
	struct section_reader reader = {.arena = &scenario->arena, .directory = scenario->directory, .err = err};
	*failure = (struct scenario_failure){.node = failure->node, .afr = -1, .detect_ps = -1, .abort_ps = -1, .effect = -1};
	if (section_read(&reader, &section_failure, failure->node, failure))
		return -1;
	if (failure->effect < 0)
		failure->effect = failure->chip ? OUTAGE_CRASH : OUTAGE_DOWN;
	if (read_targets(scenario, failure, err) || read_rates(failure, err) || check_keys(failure, err))
		return -1;
	if (!failure->repair_text && failure->effect == OUTAGE_FLAP)
		failure->repair_text = "1 s .. 60 s";
	failure->repaired = failure->repair_text != NULL;
	failure->exponential = failure->repair_law == 1;
	if (failure->exponential && !failure->repaired)
		return tree_fail(failure->node, err, "'repair_law' without 'repair': how long does it take?");
	if (failure->repair_text && spread_read(failure->node, "repair", failure->repair_text, QUANTITY_TIME, &failure->repair_ps, err))
		return -1;
	return failure->loss_text ? spread_read(failure->node, "loss", failure->loss_text, QUANTITY_LOSS, &failure->loss_db, err) : 0;
}

int failures_read(struct scenario *scenario, struct error *err)
{
	const struct tree_node *list = scenario->failures_node;
	if (!list)
		return 0;
	if (list->kind != TREE_LIST)
		return tree_fail(list, err, "'failures' must be a list such as [{component: 'leaf*', mttf: 5 ms, repair: 1 ms}]");
	if (scenario->model == &network_loggops)
		return tree_fail(list, err, "the model 'loggops' has no links: 'failures' needs 'fluid', 'packet' or 'analytic'");
	scenario->failures = arena_array(&scenario->arena, (size_t)list->n_entries + 1, sizeof *scenario->failures);
	for (uint32_t i = 0; i < list->n_entries; i++) {
		scenario->failures[i].node = list->entries[i].value;
		if (read_entry(scenario, &scenario->failures[i], err))
			return -1;
		scenario->n_failures++;
	}
	return 0;
}
