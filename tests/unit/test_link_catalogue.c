/* The catalogue: what is shipped, what a user adds, and what physics refuses. */
#include "near.h"

#include <gsl/gsl_errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "base/tree.h"
#include "link/catalogue.h"
#include "link/chain.h"

static void every_shipped_kind_closes_and_counts_its_serdes(void **state)
{
	struct catalogue catalogue;
	struct error err = {0};
	(void)state;
	if (catalogue_init(&catalogue, &err))
		fail_msg("%s", err.message);
	assert_true(catalogue.n_links > 25 && catalogue.n_tariffs == 2);
	for (size_t i = 0; i < catalogue.n_links; i++) {
		const struct link_kind *kind = &catalogue.links[i];
		struct link_chain chain;
		if (kind->abstract || kind->medium == MEDIUM_IDEAL)
			continue;
		if (link_kind_check(kind, &err) || link_chain_evaluate(kind, -1, NULL, &chain, &err) || link_chain_close(kind, &chain, &err))
			fail_msg("%s", err.message);
		assert_true(chain.host_w > 0 && chain.total_w >= chain.host_w + chain.module_w);
		assert_true(chain.ber > 0 && chain.ber < chain.ber_limit && chain.latency_ns > 0);
		for (enum figure_id id = 0; id < FIGURE_N; id++) { /* what a source says has a grade */
			const struct figure *f = &kind->figures[id];
			assert_true(!f->known || (f->low <= f->typical && f->typical <= f->high));
			if (f->known && f->grade != ' ' && (!f->source || !strchr("ABC", f->grade)))
				fail_msg("'%s' of '%s' has no source", figure_info(id)->key, kind->name);
		}
	}
	for (size_t i = 0; i < catalogue.n_components; i++)
		for (int f = 0; f < COMPONENT_FIGURES; f++)
			if (catalogue.components[i].figures[f].known && !catalogue.components[i].figures[f].source)
				fail_msg("'%s' of '%s' has no source", component_figure_info((enum component_figure)f)->key, catalogue.components[i].name);
	catalogue_release(&catalogue);
}

static void published_energies_agree_with_watts(void **state)
{
	static const struct { const char *name; double pj; } rows[] = {{"800g-lpo", 10}, {"400g-dr4", 22.5}, {"800g-dr8", 20}, {"1.6t-cpo", 4.375}};
	struct catalogue catalogue;
	struct error err = {0};
	(void)state;
	assert_int_equal(catalogue_init(&catalogue, &err), 0);
	for (size_t i = 0; i < 4; i++) {
		const struct link_kind *kind = catalogue_link(&catalogue, rows[i].name, &err);
		struct link_chain chain;
		assert_non_null(kind);
		link_chain_evaluate(kind, -1, NULL, &chain, &err);
		assert_close(chain.module_energy_pj, rows[i].pj, 1e-6);
		/* The whole link: both modules over both directions, and a SerDes at each end. */
		assert_close(chain.energy_per_bit_pj, rows[i].pj + kind_value(kind, FIGURE_HOST_ENERGY), 1e-9);
		assert_close(chain.static_w + 2 * chain.bit_energy_pj * 1e-12 * kind_value(kind, FIGURE_RATE) * 8, chain.total_w, 1e-9);
	}
	catalogue_release(&catalogue);
}

/* Published watts per module, pJ/bit and reach: every row has its preset, ranges stay ranges. */
static void published_rows_are_shipped(void **state)
{
	static const struct { const char *name; double w_low, w_high, pj_low, pj_high, reach_m; } rows[] = {
		{"copper", 0, 0.1, 3.4, 5.6, 2}, {"nvl72-backplane", 0, 0.1, 4, 4, 2}, {"acc", 3.125, 3.125, 4, 4, 4}, {"aec", 3.125, 3.125, 4, 4, 7},
		{"aoc", 6, 12, 10, 18, 100}, {"400g-sr8", 7, 8, 20, 20, 100}, {"400g-sr4", 7, 8, 20, 20, 100}, {"400g-dr4", 8, 12, 20, 30, 500},
		{"400g-fr4", 8, 12, 20, 30, 2000}, {"800g-dr8", 14, 18, 17.5, 22, 2000}, {"800g-lpo", 7, 9, 9, 11, 2000},
		{"1.6t-dsp", 25, 30, 14, 18.5, 500}, {"1.6t-lro", 18, 20, 10, 12.5, 500}, {"1.6t-lpo", 10, 11, 6, 6.5, 500},
		{"1.6t-npo", 8, 8, 5, 5, 500}, {"1.6t-cpo", 5, 9, 3, 4, 500}, {"hi-one-npo", 36, 36, 5, 5, 500}, {"vcsel-npo", 0.96, 0.96, 1.2, 6, 50},
		{"micro-led", 0.96, 0.96, 1.2, 6, 50}, {"quantum-x-cpo", 9, 9, 5.625, 5.625, 500}, {"sue-copper", 3.125, 3.125, 4, 4, 4},
		{"400g-dr4-hollow", 8, 12, 20, 30, 500},
		{"microring-dwdm", 0.712, 0.712, 2.78, 4, 500}, {"teraphy", 4, 5, 5, 5, 2000}, {"ucie-advanced", 0, 0, 0.29, 0.6, 0.002},
		{"ub-optical-lpo", 4, 12, 10, 10, 2000}, {"ub-optical-sr8", 8, 8, 20, 20, 100}, {"ub-optical-dsp", 12, 12, 30, 30, 100},
	};
	struct catalogue catalogue;
	struct error err = {0};
	(void)state;
	assert_int_equal(catalogue_init(&catalogue, &err), 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct link_kind *kind = catalogue_link(&catalogue, rows[i].name, &err);
		if (!kind)
			fail_msg("%s", err.message);
		assert_close(kind->figures[FIGURE_MODULE_POWER].low, rows[i].w_low, 1e-12);
		assert_close(kind->figures[FIGURE_MODULE_POWER].high, rows[i].w_high, 1e-12);
		assert_close(kind->figures[FIGURE_PUBLISHED_ENERGY].low, rows[i].pj_low, 1e-12);
		assert_close(kind->figures[FIGURE_PUBLISHED_ENERGY].high, rows[i].pj_high, 1e-12);
		assert_close(kind->figures[FIGURE_REACH].high, rows[i].reach_m, 1e-12);
		assert_true(kind->figures[FIGURE_PUBLISHED_ENERGY].source != NULL);
	}
	catalogue_release(&catalogue);
}

/* Module watts and switch latencies that no energy per bit is published for. */
static void published_switches_and_ports_are_shipped(void **state)
{
	static const struct { const char *name; double low_ns, high_ns; } rows[] = {{"quantum-2", 150, 150}, {"tomahawk-ultra", 250, 250},
		{"sue-switch", 250, 250}, {"slingshot-rosetta", 300, 400}, {"cn5000", 100, 100}, {"tomahawk-5", 600, 800}, {"nvswitch", 100, 200}, {"ub-switch", 200, 200}};
	struct catalogue catalogue;
	struct error err = {0};
	struct link_chain chain;
	(void)state;
	assert_int_equal(catalogue_init(&catalogue, &err), 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct component_kind *component = catalogue_component(&catalogue, rows[i].name, &err);
		if (!component)
			fail_msg("%s", err.message);
		assert_close(component->figures[COMPONENT_LATENCY].low, rows[i].low_ns * 1e3, 1e-12);
		assert_close(component->figures[COMPONENT_LATENCY].high, rows[i].high_ns * 1e3, 1e-12);
	}
	assert_near(kind_value(catalogue_link(&catalogue, "bailly-cpo", &err), FIGURE_MODULE_POWER), 5.5, 1e-12);
	assert_near(component_value(catalogue_component(&catalogue, "q3450-ld", &err), COMPONENT_POWER), 3950, 1e-9);
	/* Propagation: 3 m of the framework's copper, 30 m of hollow core. */
	assert_int_equal(link_chain_evaluate(catalogue_link(&catalogue, "sue-copper", &err), 3, NULL, &chain, &err), 0);
	assert_near(chain.propagation_ns, 13.8, 5e-3);
	assert_int_equal(link_chain_evaluate(catalogue_link(&catalogue, "400g-dr4-hollow", &err), 30, NULL, &chain, &err), 0);
	assert_close(chain.propagation_ns, 30 * 3.336642, 1e-6);
	catalogue_release(&catalogue);
}

static void more_loss_means_more_errors(void **state)
{
	struct catalogue catalogue;
	struct error err = {0};
	const char *names[] = {"400g-dr4", "copper", "ub-optical-lpo", "oci-gen1"};
	(void)state;
	assert_int_equal(catalogue_init(&catalogue, &err), 0);
	for (size_t n = 0; n < 4; n++) {
		const struct link_kind *kind = catalogue_link(&catalogue, names[n], &err);
		double last = 0;
		for (int db = 0; db < 12; db++) {
			struct link_draws draws = {.added_db = db};
			struct link_chain chain;
			link_chain_evaluate(kind, -1, &draws, &chain, &err);
			assert_true(chain.ber > last && chain.codeword_error_ratio >= 0);
			last = chain.ber;
		}
	}
	catalogue_release(&catalogue);
}

static int add(struct catalogue *catalogue, const char *text, struct error *err)
{
	struct tree_node *root = tree_parse(text, strlen(text), "user.yaml", &catalogue->arena, err);
	return root ? catalogue_add_tree(catalogue, root, err) : -1;
}

static void users_add_and_override(void **state)
{
	struct catalogue catalogue;
	struct error err = {0};
	const struct link_kind *kind;
	(void)state;
	assert_int_equal(catalogue_init(&catalogue, &err), 0);
	assert_int_equal(add(&catalogue, "links:\n  mine: {like: 800g-lpo, module_power: 6 W .. 7 W, connectors: 4}\n  optical: {module_power: 11 W}\n", &err), 0);
	kind = catalogue_link(&catalogue, "mine", &err);
	assert_near(kind_value(kind, FIGURE_MODULE_POWER), 6.5, 1e-12);
	assert_true(kind->figures[FIGURE_MODULE_POWER].grade == 'U');
	assert_near(kind_value(kind, FIGURE_RATE), 100e9, 1);
	kind = catalogue_link(&catalogue, "optical", &err);
	assert_near(kind_value(kind, FIGURE_MODULE_POWER), 11, 1e-12);
	assert_near(kind_value(kind, FIGURE_REACH), 500, 1e-9);
	catalogue_release(&catalogue);
}

static void impossible_physics_is_refused_with_its_place(void **state)
{
	static const char *const rows[][2] = {
		{"links:\n  x: {like: optical, connector_loss: -1 dB}", "user.yaml:2:38: connector_loss of -1 dB is negative: nothing on a link gains power"},
		{"links:\n  x: {like: optical, extinction_ratio: 0 dB}", "user.yaml:2:40: extinction_ratio of 0 dB: light cannot carry bits at 0 dB or less"},
		{"links:\n  x: {like: optical, lanes: 8}", "user.yaml:2:6: link kind 'x' uses 8 lanes but its port has 4"},
		{"links:\n  x: {like: copper, length: 3 m}", "user.yaml:2:6: a cable of 3 m is longer than link kind 'x' reaches (2 m)"},
		{"links:\n  x: {like: optcal}", "user.yaml:2:13: unknown link kind 'optcal' (did you mean 'optical'?)"},
		{"links:\n  x: {like: optical, conectors: 3}", "user.yaml:2:33: unknown figure 'conectors' of a link kind (did you mean 'connectors'?)"},
		{"links:\n  x: {like: optical, module_power: 8}", "user.yaml:2:36: module_power: '8' has no unit (expected a power such as '8 W')"},
		{"links:\n  x: {like: optical, module_power: 9 W .. 8 W}", "user.yaml:2:36: module_power: '9 W .. 8 W' is not in increasing order"},
		{"links:\n  x: {like: optical, fec: rs545}", "user.yaml:2:27: unknown fec 'rs545' (did you mean 'rs544'?)"},
		{"links:\n  x: {medium: smf, rate: 100 Gb/s, reach: 1 m}", "user.yaml:2:6: link kind 'x' (smf) lacks 'symbol_rate': of one lane"},
		{"link:\n  x: {}", "user.yaml:1:1: unknown key 'link' of a catalogue (did you mean 'links'?)"},
		{"components:\n  c: {category: chip, power: 5 W, idle_power: 9 W}", "user.yaml:2:6: component 'c' draws more when idle (9 W) than at most (5 W)"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct catalogue catalogue;
		struct error err = {0};
		assert_int_equal(catalogue_init(&catalogue, &err), 0);
		assert_int_equal(add(&catalogue, rows[i][0], &err), -1);
		assert_string_equal(err.message, rows[i][1]);
		catalogue_release(&catalogue);
	}
}

static void draws_repeat_by_seed_and_never_gain_light(void **state)
{
	struct catalogue catalogue;
	struct error err = {0};
	const struct link_kind *kind;
	double sum = 0;
	(void)state;
	assert_int_equal(catalogue_init(&catalogue, &err), 0);
	kind = catalogue_link(&catalogue, "400g-dr4", &err);
	for (uint64_t i = 0; i < 2000; i++) {
		struct random_stream a = random_stream(5, "link.draws", i), b = random_stream(5, "link.draws", i);
		struct link_draws x = link_draw(kind, &a), y = link_draw(kind, &b);
		assert_true(link_draws_db(&x) == link_draws_db(&y));
		assert_true(x.connector_db >= -2 * kind_value(kind, FIGURE_CONNECTOR_LOSS) && x.contamination_db >= 0);
		sum += x.launch_db;
	}
	assert_near(sum / 2000, 0, 4 * 0.5 / sqrt(2000));
	catalogue_release(&catalogue);
}

static void machines_explain_their_power(void **state)
{
	struct catalogue catalogue;
	struct error err = {0};
	const struct machine_record *machine;
	(void)state;
	assert_int_equal(catalogue_init(&catalogue, &err), 0);
	machine = catalogue_machine(&catalogue, "cloudmatrix384", &err);
	assert_near(machine->power_w.typical, 559378, 1e-6);
	assert_non_null(machine_component(&catalogue, machine, "npu"));
	assert_null(catalogue_machine(&catalogue, "nvl27", &err));
	assert_string_equal(err.message, "unknown machine 'nvl27' (did you mean 'nvl72'?)");
	catalogue_release(&catalogue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shipped_kind_closes_and_counts_its_serdes),
		cmocka_unit_test(published_energies_agree_with_watts),
		cmocka_unit_test(published_rows_are_shipped),
		cmocka_unit_test(published_switches_and_ports_are_shipped),
		cmocka_unit_test(more_loss_means_more_errors),
		cmocka_unit_test(users_add_and_override),
		cmocka_unit_test(impossible_physics_is_refused_with_its_place),
		cmocka_unit_test(draws_repeat_by_seed_and_never_gain_light),
		cmocka_unit_test(machines_explain_their_power),
	};
	gsl_set_error_handler_off();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
