/* Protocol presets: NCCL's published constants, its cost model for choosing between them, and what they mean on the wires.
 *
 * Source: NVIDIA/nccl, src/graph/tuning.cc (baseLat, hwLat, llMaxBws, and the factors 0.5 for LL and 0.92 for LL128) and topo.h
 * (usable bandwidth per NVLink: SM80 20.0, SM90 20.6 of 25 GB/s, SM100 40.1 of 50 GB/s). */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "collective/collective.h"

#define US(x) ((int64_t)((x) * 1000) * 1000)

static const struct protocol protocol_none = {
	.name = "none", .summary = "the wires alone: closed forms hold exactly",
	.wire_numerator = 1, .wire_denominator = 1, .rate_efficiency = 1,
};
static const struct protocol protocol_simple = {
	.name = "simple", .summary = "NCCL Simple: whole payload on the wire, a fence per step (tuning.cc)",
	.base_ps = US(8.4), .step_ps = US(3.4), .step_network_ps = US(14.0),
	.wire_numerator = 1, .wire_denominator = 1, .rate_efficiency = 1,
};
static const struct protocol protocol_ll = {
	.name = "ll", .summary = "NCCL LL: 4 bytes of flag with every 4 of data, shortest steps (tuning.cc)",
	.base_ps = US(6.6), .step_ps = US(0.6), .step_network_ps = US(2.7),
	.wire_numerator = 2, .wire_denominator = 1, .rate_efficiency = 1,
};
static const struct protocol protocol_ll128 = {
	.name = "ll128", .summary = "NCCL LL128: 8 bytes of flag with every 120 of data (tuning.cc)",
	.base_ps = US(14.0), .step_ps = US(1.9), .step_network_ps = US(4.0),
	.wire_numerator = 128, .wire_denominator = 120, .rate_efficiency = 1,
};
const struct protocol *const protocols[] = {&protocol_none, &protocol_simple, &protocol_ll, &protocol_ll128, NULL};

/* The same for trees. */
static const struct { const char *name; int64_t base_ps, step_ps, step_network_ps; } tree_constants[] = {
	{"simple", US(8.4), US(4.0), US(14.0)}, {"ll", US(6.8), US(0.6), US(5.0)}, {"ll128", US(14.0), US(1.25), US(8.5)},
};

static const struct architecture {
	const char *name;
	double usable;                 /* share of an NVLink's rate */
	double ll_limit_bytes_per_s;   /* llMax of one machine: per rank, payload; the processors' limit, not the wires' */
} architectures[] = {
	{"ampere", 20.0 / 25, 87.7e9}, {"hopper", 20.6 / 25, 141e9}, {"blackwell", 40.1 / 50, 282e9},
};
enum { N_ARCHITECTURES = sizeof architectures / sizeof *architectures };

/* LL128 reaches 0.92 of the bandwidth where its wire format alone would give 120/128. */
static const double ll128_share = 0.92 * 128 / 120;

static int split_name(const char *name, char preset[32], const struct architecture **architecture, struct error *err)
{
	const char *names[8], *at = strchr(name, '@'), *known_architectures[N_ARCHITECTURES];
	size_t length = at ? (size_t)(at - name) : strlen(name), n = 0;
	char known[256];
	*architecture = NULL;
	for (; protocols[n]; n++)
		names[n] = protocols[n]->name;
	names[n++] = "nccl";
	memset(preset, 0, 32);
	memcpy(preset, name, length < 31 ? length : 31);
	for (size_t i = 0; at && i < N_ARCHITECTURES; i++) {
		known_architectures[i] = architectures[i].name;
		if (!strcmp(at + 1, architectures[i].name))
			*architecture = &architectures[i];
	}
	if (at && !*architecture)
		return error_set(err, ERROR_INPUT, "unknown architecture '%s' of protocol '%s'%s", at + 1, name,
				 text_known(known, sizeof known, at + 1, known_architectures, N_ARCHITECTURES));
	for (size_t i = 0; i < n; i++)
		if (!strcmp(preset, names[i]))
			return 0;
	return error_set(err, ERROR_INPUT, "unknown protocol '%s'%s", name, text_known(known, sizeof known, preset, names, n));
}

static const struct protocol *preset_of(const char *preset)
{
	for (size_t i = 0; protocols[i]; i++)
		if (!strcmp(preset, protocols[i]->name))
			return protocols[i];
	return &protocol_simple; /* "nccl" */
}

const struct protocol *protocol_find(const char *name, struct error *err)
{
	const struct architecture *architecture;
	char preset[32];
	return split_name(name, preset, &architecture, err) ? NULL : preset_of(preset);
}

static bool is_tree(const struct collective_plan *plan)
{
	return plan && (!strcmp(plan->algorithm->name, "double_binary_tree") || !strcmp(plan->algorithm->name, "binomial"));
}

static void fill(struct protocol *out, const struct protocol *preset, const struct architecture *architecture,
		 int64_t rank_bytes_per_s, const struct collective_plan *plan)
{
	*out = *preset;
	for (size_t i = 0; is_tree(plan) && i < sizeof tree_constants / sizeof *tree_constants; i++)
		if (!strcmp(preset->name, tree_constants[i].name)) {
			out->base_ps = tree_constants[i].base_ps;
			out->step_ps = tree_constants[i].step_ps;
			out->step_network_ps = tree_constants[i].step_network_ps;
		}
	if (!architecture || preset == &protocol_none)
		return;
	out->architecture = architecture->name;
	out->rate_efficiency = architecture->usable * (preset == &protocol_ll128 ? ll128_share : 1);
	if (preset == &protocol_ll && rank_bytes_per_s > 0)
		out->rate_efficiency = fmin(out->rate_efficiency, architecture->ll_limit_bytes_per_s * 2 / (double)rank_bytes_per_s);
}

/* Time of the plan with this preset by NCCL's form, latency + bytes / bandwidth; infinite where the algorithm has no closed form. */
static double model_ps(const struct protocol *protocol, int64_t rank_bytes_per_s, const struct collective_plan *plan)
{
	double wire = (double)protocol->wire_numerator / protocol->wire_denominator / protocol->rate_efficiency;
	double cost = plan->algorithm->cost
			      ? plan->algorithm->cost(plan, (double)protocol->step_ps, wire * (double)PS_PER_S / (double)rank_bytes_per_s)
			      : -1;
	return cost < 0 ? INFINITY : (double)protocol->base_ps + cost;
}

int protocol_resolve(struct protocol *out, const char *name, const char *machine_default, int64_t rank_bytes_per_s,
		     const struct collective_plan *plan, struct error *err)
{
	const struct protocol *const choices[] = {&protocol_simple, &protocol_ll128, &protocol_ll};
	const struct architecture *architecture, *machine = NULL;
	char preset[32], machine_preset[32];
	double best = INFINITY;
	if (machine_default && split_name(machine_default, machine_preset, &machine, err))
		return -1;
	if (!name)
		name = machine_default ? machine_default : "none";
	if (split_name(name, preset, &architecture, err))
		return -1;
	if (!architecture)
		architecture = machine;
	fill(out, preset_of(preset), architecture, rank_bytes_per_s, plan);
	if (strcmp(preset, "nccl") || !plan || rank_bytes_per_s <= 0)
		return 0;
	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
		struct protocol choice;
		fill(&choice, choices[i], architecture, rank_bytes_per_s, plan);
		double time = model_ps(&choice, rank_bytes_per_s, plan);
		if (time < best) {
			best = time;
			*out = choice;
		}
	}
	return 0;
}

/* Plans with one preset. *time_ps is what the closed form gives, infinite where there is none. */
static int plan_with(struct collective_plan *plan, struct protocol *protocol, const char *algorithm, const struct protocol *preset,
		     const struct architecture *architecture, int64_t rank_bytes_per_s, const struct collective_request *request,
		     double alpha_ps, double beta_ps_per_byte, double *time_ps, struct error *err)
{
	fill(protocol, preset, architecture, rank_bytes_per_s, NULL);
	double alpha = fmax(alpha_ps, (double)protocol->step_ps);
	double beta = beta_ps_per_byte * protocol->wire_numerator / protocol->wire_denominator / protocol->rate_efficiency;
	if (collective_plan_init(plan, algorithm, request, alpha, beta, err))
		return -1;
	fill(protocol, preset, architecture, rank_bytes_per_s, plan);
	alpha = fmax(alpha_ps, (double)protocol->step_ps);
	double cost = plan->algorithm->cost ? plan->algorithm->cost(plan, alpha, beta) : -1;
	*time_ps = cost < 0 ? INFINITY : (double)protocol->base_ps + cost;
	return 0;
}

int protocol_plan(struct collective_plan *plan, struct protocol *protocol, const char *algorithm, const char *protocol_name,
		  const char *machine_default, int64_t rank_bytes_per_s, const struct collective_request *request, double alpha_ps,
		  double beta_ps_per_byte, struct error *err)
{
	const struct protocol *choices[] = {&protocol_simple, &protocol_ll128, &protocol_ll};
	const struct architecture *architecture, *machine = NULL;
	char preset[32], machine_preset[32];
	size_t n = sizeof choices / sizeof *choices;
	double best;
	const char *name = protocol_name ? protocol_name : machine_default ? machine_default : "none";
	memset(plan, 0, sizeof *plan);
	if ((machine_default && split_name(machine_default, machine_preset, &machine, err)) || split_name(name, preset, &architecture, err))
		return -1;
	architecture = architecture ? architecture : machine;
	if (strcmp(preset, "none") && (!algorithm || !strcmp(algorithm, "auto")))
		algorithm = "nccl";
	if (strcmp(preset, "nccl")) {
		choices[0] = preset_of(preset);
		n = 1;
	}
	if (plan_with(plan, protocol, algorithm, choices[0], architecture, rank_bytes_per_s, request, alpha_ps, beta_ps_per_byte, &best, err))
		return -1;
	if (n > 1 && plan->protocol)
		fill(protocol, preset_of(plan->protocol), architecture, rank_bytes_per_s, plan);
	for (size_t i = 1; i < n && !plan->protocol; i++) {
		struct collective_plan other;
		struct protocol with;
		double time;
		if (plan_with(&other, &with, algorithm, choices[i], architecture, rank_bytes_per_s, request, alpha_ps, beta_ps_per_byte, &time,
			      NULL))
			continue;
		if (time < best) {
			struct collective_plan worse = *plan;
			*plan = other;
			other = worse;
			*protocol = with;
			best = time;
		}
		collective_plan_release(&other);
	}
	return 0;
}

int64_t protocol_wire_bytes(const struct protocol *protocol, int64_t payload, bool between_machines)
{
	int64_t whole = payload / protocol->wire_denominator, rest = payload % protocol->wire_denominator;
	int64_t wire = whole * protocol->wire_numerator +
		       (rest * protocol->wire_numerator + protocol->wire_denominator - 1) / protocol->wire_denominator;
	if (between_machines || protocol->rate_efficiency >= 1)
		return wire;
	return (int64_t)ceil((double)wire / protocol->rate_efficiency);
}
