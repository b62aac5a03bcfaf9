/* Ethernet in the packet model: parameters, creation, counters. */
#include "network/ethernet.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "network/hops.h"

const struct ether_transport *const ether_transports[] = {&ether_window, &ether_dcqcn, &ether_nscc, &ether_rccc, NULL};

enum { SPAN_LEAST = 256, SPAN_MOST = 1 << 16, WIRE_MOST = 65535 };

static void ether_destroy(struct network *network)
{
	struct ether_network *net = (struct ether_network *)network;
	for (uint32_t link = 0; link < network->setup.fabric->n_links; link++)
		free(net->ports[link].wire);
	void *arrays[] = {net->ports, net->packets, net->nodes, net->hosts, net->inputs, net->paused_ps, net->draws, net->reverse, net->reports,
			  net->runs, net->open_runs, net->pacers, net->watches, net->totals.completions};
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		free(arrays[i]);
	ether_ways_release(net);
	ether_due_release(&net->arrivals);
	ether_due_release(&net->touched);
	ether_due_release(&net->alarms);
	ether_due_release(&net->pacers_due);
	pool_release(&net->flows);
	free(net);
}

static bool choice(const struct network_setup *setup, const char *name, const char *value)
{
	return !strcmp(network_text(setup, &network_ethernet, name), value);
}

/* auto, or what the user wants. */
static bool decide(const struct network_setup *setup, const char *name, const char *yes, bool by_default)
{
	return choice(setup, name, "auto") ? by_default : choice(setup, name, yes);
}

/* Puts the place of a setting in front of a message about it. */
static int fail_at(const struct network_setup *setup, const char *name, struct error *err)
{
	for (uint32_t i = 0; i < setup->n_settings; i++)
		if (!strcmp(setup->settings[i].name, name) && setup->settings[i].file)
			return error_prefix(err, "%s:%d:%d", setup->settings[i].file, setup->settings[i].line, setup->settings[i].column);
	return -1;
}

/* Settings that do not go together. */
static int check_settings(const struct ether_network *net, const struct network_setup *setup, struct error *err)
{
	const struct network_model *model = &network_ethernet;
	int64_t kmin = network_integer(setup, model, "kmin"), kmax = network_integer(setup, model, "kmax");
	if (net->full_wire > WIRE_MOST) {
		error_set(err, ERROR_INPUT, "network model 'packet': 'payload' and 'header' are %u B together, more than %d B", net->full_wire,
			  WIRE_MOST);
		return fail_at(setup, "payload", err);
	}
	if ((kmin || kmax) && kmin >= kmax) {
		error_set(err, ERROR_INPUT, "network model 'packet': 'kmin' (%lld B) must be less than 'kmax' (%lld B), and both be given", (long long)kmin,
			  (long long)kmax);
		return fail_at(setup, kmin ? "kmin" : "kmax", err);
	}
	if (!net->selective && (net->spray || net->adaptive)) {
		error_set(err, ERROR_INPUT, "network model 'packet': recovery 'go-back-n' wants packets in order, routing '%s' does not keep it",
			  routing_names[setup->routes->routing]);
		return fail_at(setup, choice(setup, "recovery", "auto") ? "transport" : "recovery", err);
	}
	if (setup->fabric->n_flows) {
		error_set(err, ERROR_INPUT, "network model 'packet': transport '%s' finds its ways by destination, topology '%s' gives them by flow",
			  net->transport->name, setup->fabric->module->name);
		return fail_at(setup, "transport", err);
	}
	return 0;
}

static int read_settings(struct ether_network *net, const struct network_setup *setup, struct error *err)
{
	const struct network_model *model = &network_ethernet;
	const char *transport = network_text(setup, model, "transport");
	for (size_t i = 0; ether_transports[i]; i++)
		if (!strcmp(ether_transports[i]->name, transport))
			net->transport = ether_transports[i];
	assert(net->transport); /* a choice: checked */
	net->payload = (uint32_t)network_integer(setup, model, "payload");
	net->header = (uint32_t)network_integer(setup, model, "header");
	net->full_wire = net->payload + net->header;
	net->control_wire = (uint32_t)network_integer(setup, model, "control");
	net->forwarding_ps = network_integer(setup, model, "forwarding");
	net->answer_every = (uint32_t)network_integer(setup, model, "ack_every");
	net->answer_every = net->answer_every ? net->answer_every : net->transport->answer_every;
	net->entropies = (uint32_t)network_integer(setup, model, "entropies");
	net->timeout_ps = network_integer(setup, model, "timeout");
	net->timeout_ps = net->timeout_ps ? net->timeout_ps : net->transport->timeout_ps;
	net->retries = (uint32_t)network_integer(setup, model, "retries");
	net->window_bytes = network_integer(setup, model, "window");
	net->pfc = decide(setup, "pfc", "yes", net->transport->pauses);
	net->shared = choice(setup, "buffers", "shared");
	net->alpha = strtod(network_text(setup, model, "alpha"), NULL);
	net->mark_max = strtod(network_text(setup, model, "pmax"), NULL);
	net->mark_max = net->mark_max > 0 ? net->mark_max : net->transport->mark_max;
	net->avoid_marked = choice(setup, "load_balancing", "avoid");
	net->marks = network_integer(setup, model, "ecn");
	net->selective = decide(setup, "recovery", "selective", net->transport->selective);
	net->recycle = net->selective && setup->routes->routing == ROUTING_SPRAY && choice(setup, "load_balancing", "recycle");
	net->trims = decide(setup, "trimming", "yes", net->transport->trims && !net->pfc);
	net->spray = setup->routes->routing == ROUTING_SPRAY;
	net->adaptive = setup->routes->routing == ROUTING_ADAPTIVE;
	net->ecmp = setup->routes->routing == ROUTING_ECMP;
	return check_settings(net, setup, err);
}

static uint32_t reverse_of(const struct fabric *fabric, uint32_t link)
{
	uint32_t node = fabric->link_target[link], back = fabric->link_source[link];
	for (uint32_t i = fabric->out_first[node]; i < fabric->out_first[node + 1]; i++) {
		uint32_t other = fabric->out_links[i];
		if (fabric->link_target[other] == back && fabric->link_ordinal[other] == fabric->link_ordinal[link])
			return other;
	}
	return ETHER_NONE;
}

static void layout(struct ether_network *net)
{
	const struct fabric *fabric = net->base.setup.fabric;
	net->nodes = memory_zero(fabric->n_nodes + 1u, sizeof *net->nodes);
	net->hosts = memory_alloc((fabric->n_npus + 1u) * sizeof *net->hosts);
	net->ports = aligned_alloc(128, (fabric->n_links + 1u) * sizeof *net->ports);
	if (!net->ports)
		memory_failed((fabric->n_links + 1u) * sizeof *net->ports);
	net->reverse = memory_alloc((fabric->n_links + 1u) * sizeof *net->reverse);
	for (uint32_t npu = 0; npu < fabric->n_npus; npu++)
		net->hosts[npu] = (struct ether_host){ETHER_NONE, ETHER_NONE};
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		net->nodes[node].npu = fabric->node_npu[node];
		net->nodes[node].salt = (uint32_t)random_mix(net->base.setup.seed + UINT64_C(0xd1342543de82ef95) * (node + 1));
	}
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		net->ports[link] = (struct ether_port){.source = fabric->link_source[link], .target = fabric->link_target[link],
			.event_ps = TIME_NEVER};
		net->reverse[link] = reverse_of(fabric, link);
		for (uint32_t class = 0; class < ETHER_CLASSES; class++)
			net->ports[link].queues[class].head = ETHER_NONE;
		ether_port_rates(net, link);
	}
}

/* From the first chip to the last: what is as far apart as anything, in the shapes where Ethernet is at home. */
static int64_t reference_round_trip_ps(struct ether_network *net)
{
	uint32_t n = net->base.setup.fabric->n_npus;
	int64_t round_trip_ps = n > 1 ? ether_round_trip_ps(net, 0, n - 1, net->full_wire) : 0;
	return round_trip_ps == TIME_NEVER ? 0 : round_trip_ps;
}

/* Packets between the oldest that is not acknowledged and the newest that may be sent: four windows of the fastest host. */
static uint32_t span_of(const struct ether_network *net)
{
	const struct fabric *fabric = net->base.setup.fabric;
	int64_t fastest = 0, packets;
	uint32_t span = SPAN_LEAST;
	for (uint32_t npu = 0; npu < fabric->n_npus; npu++) {
		int64_t rate = 0;
		for (uint32_t i = fabric->out_first[fabric->npu_node[npu]]; i < fabric->out_first[fabric->npu_node[npu] + 1]; i++)
			rate += fabric->link_bandwidth[fabric->out_links[i]];
		fastest = rate > fastest ? rate : fastest;
	}
	packets = scale_floor(fastest, net->round_trip_ps, PS_PER_S) / net->full_wire;
	if (net->window_bytes / net->full_wire > packets)
		packets = net->window_bytes / net->full_wire;
	while (span < SPAN_MOST && span < 4 * packets)
		span *= 2;
	return span;
}

static void register_handlers(struct ether_network *net)
{
	struct engine *engine = net->base.setup.engine;
	net->arrival_handler = engine_register(engine, ether_arrival_due, net);
	net->idle_handler = engine_register(engine, ether_idle_due, net);
	net->alarm_handler = engine_register(engine, ether_alarm_due, net);
	net->pacer_handler = engine_register(engine, ether_pacer_due, net);
	net->sent_handler = engine_register(engine, ether_sent_due, net);
	net->delivered_handler = engine_register(engine, ether_delivered_due, net);
	engine_register_preview(engine, net->arrival_handler, ether_arrival_preview);
	engine_register_preview(engine, net->idle_handler, ether_idle_preview);
	engine_register_phase(engine, ENGINE_PHASE_NETWORK, ether_phase, net);
}

static int ether_create(struct network **network, const struct network_setup *setup, struct error *err)
{
	struct ether_network *net = memory_zero(1, sizeof *net);
	net->base.setup = *setup;
	net->free_packet = ETHER_NONE;
	if (read_settings(net, setup, err)) {
		free(net);
		return -1;
	}
	layout(net);
	ether_ways_init(net);
	net->round_trip_ps = reference_round_trip_ps(net);
	ether_switch_init(net);
	if (net->pfc)
		ether_pfc_init(net);
	net->span = span_of(net);
	net->totals.completions = memory_zero(1, sizeof *net->totals.completions);
	pool_init(&net->flows, (ether_flow_size(net) + 7u) / 8 * 8);
	ether_due_init(&net->arrivals, setup->fabric->n_links);
	ether_due_init(&net->touched, setup->fabric->n_links);
	ether_due_init(&net->alarms, 64);
	ether_due_init(&net->pacers_due, setup->fabric->n_npus);
	if (net->transport->done) {
		net->pacers = memory_zero(setup->fabric->n_npus + 1u, sizeof *net->pacers);
		for (uint32_t npu = 0; npu < setup->fabric->n_npus; npu++)
			net->pacers[npu].first = ETHER_NONE;
	}
	register_handlers(net);
	*network = &net->base;
	return 0;
}

int64_t ether_line_rate(const struct ether_network *net, const struct ether_flow *flow)
{
	struct ether_set set = net->ways.sets[flow->source_set - 1];
	int64_t rate = 0;
	for (uint32_t i = 0; i < set.n && !(net->ecmp && i); i++)
		rate += net->base.setup.fabric->link_bandwidth[net->ways.links[set.first + i]];
	return rate;
}

int64_t ether_round_trip_bytes(const struct ether_network *net, const struct ether_flow *flow)
{
	return scale_floor(ether_line_rate(net, flow), flow->round_trip_ps, PS_PER_S);
}

static void ether_counters(const struct network *network, struct network_counters *out)
{
	const struct ether_network *net = (const struct ether_network *)network;
	*out = net->counters;
	out->ethernet = &net->totals;
}

static const struct weft_param ether_params[] = {
	{"transport", WEFT_PARAM_CHOICE, NULL, "none|window|dcqcn|nscc|rccc", "`none`: lossless, by credits; else a sender of Ethernet"},
	{"payload", WEFT_PARAM_BYTES, "4096 B", "1 B..65535 B", "bytes of a message that one packet carries at most"},
	{"header", WEFT_PARAM_BYTES, "64 B", "0 B..1 KiB", "bytes added to every packet on every link"},
	{"control", WEFT_PARAM_BYTES, "64 B", "1 B..1 KiB", "of acknowledgements, credits, pauses, notifications and trimmed headers, on every link"},
	{"forwarding", WEFT_PARAM_TIME, "0 ps", "0 ps..", "added to every hop but the last, beside the link's latency"},
	{"buffers", WEFT_PARAM_CHOICE, "shared", "shared|drop-tail", "one memory per switch with dynamic thresholds, or so many bytes per port"},
	{"buffer", WEFT_PARAM_BYTES, "0 B", "0 B..1 TiB", "per port; 0 B: 25.8 us of its rate (Tomahawk 5), with trimming one round trip"},
	{"alpha", WEFT_PARAM_REAL, "1", "0.0001..1000", "a queue may hold so many times what is free (with PFC: an input)"},
	{"pfc", WEFT_PARAM_CHOICE, "auto", "auto|yes|no", "priority flow control: pause the sender instead of dropping"},
	{"ecn", WEFT_PARAM_BOOL, "true", NULL, "mark packets in long queues"},
	{"kmin", WEFT_PARAM_BYTES, "0 B", "0 B..1 TiB", "no marks up to this queue; 0 B: by transport and rate"},
	{"kmax", WEFT_PARAM_BYTES, "0 B", "0 B..1 TiB", "every packet is marked beyond this queue; 0 B: by transport and rate"},
	{"pmax", WEFT_PARAM_REAL, "0", "0..1", "the share of packets marked at kmax; 0: by transport, dcqcn 0.01, others 1"},
	{"trimming", WEFT_PARAM_CHOICE, "auto", "auto|yes|no", "cut off the payload instead of dropping the packet"},
	{"recovery", WEFT_PARAM_CHOICE, "auto", "auto|go-back-n|selective", "how what was lost is sent again"},
	{"ack_every", WEFT_PARAM_INTEGER, "0", "0..64", "packets per acknowledgement; 0: by transport"},
	{"timeout", WEFT_PARAM_TIME, "0 ps", "0 ps..", "without progress for so long what is unacknowledged is lost; 0 ps: by transport; doubles every time"},
	{"retries", WEFT_PARAM_INTEGER, "7", "0..40", "timeouts of a message without any progress; one more ends the run"},
	{"entropies", WEFT_PARAM_INTEGER, "256", "1..65536", "routing spray: entropy values of a flow, one path each"},
	{"load_balancing", WEFT_PARAM_CHOICE, "recycle", "turn|avoid|recycle", "routing spray: entropy values in turn; … without those marked lately; those that came unmarked again"},
	{"window", WEFT_PARAM_BYTES, "0 B", "0 B..1 GiB", "most bytes in flight per message; 0 B: by transport"},
	{0},
};

const struct network_model network_ethernet = {
	.name = "packet",
	.summary = "packets over Ethernet: drops, pauses, marks, and a sender's congestion control",
	.version = 1,
	.params = ether_params,
	.routings = 1u << ROUTING_DEFAULT | 1u << ROUTING_ECMP | 1u << ROUTING_SPRAY | 1u << ROUTING_ADAPTIVE,
	.create = ether_create,
	.destroy = ether_destroy,
	.send = ether_send,
	.link_changed = ether_link_changed,
	.counters = ether_counters,
	.describe_stuck = ether_describe_stuck,
	.cut = ether_cut,
	.own_ways = true,
	.acknowledges = true,
};
