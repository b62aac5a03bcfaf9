#include "cli/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/results_circuits.h"
#include "host/job.h"
#include "link/power.h"
#include "network/hops.h"
#include "trace/info.h"
#include "report/tables.h"
#include "base/time.h"
#include "scenario/energy.h"
#include "scenario/failures.h"
#include "scenario/physics.h"
#include "scenario/scenario.h"
#include "workload/executor.h"

#define BUSIEST 10

/* JSON: the keys are a contract (docs/command-line.md) */

/* From the first recorded start to the last recorded end of all workloads; -1 when nothing was recorded. */
static int64_t recorded_ps(const struct simulation *simulation)
{
	int64_t longest_ps = -1;
	for (uint32_t i = 0; i < simulation->n_workloads; i++) {
		struct trace_info info;
		trace_info(simulation->workloads[i], &info);
		if (info.span_ps > longest_ps)
			longest_ps = info.span_ps;
		trace_info_release(&info);
	}
	return longest_ps;
}

static void json_ranks(struct json *json, const struct simulation *simulation)
{
	char key[64];
	json_open_array(json, "ranks");
	for (uint32_t r = 0; r < simulation->n_ranks; r++) {
		const struct rank_result *rank = &simulation->ranks[r];
		json_open_object(json, NULL);
		json_integer(json, "rank", r);
		json_integer(json, "npu", rank->npu);
		json_integer(json, "end_ps", rank->end_ps);
		for (int c = 0; c < RANK_CLASSES; c++) {
			snprintf(key, sizeof key, "%s_ps", rank_class_names[c]);
			json_integer(json, key, rank->class_ps[c]);
		}
		json_close_object(json);
	}
	json_close_array(json);
}

static void json_collectives(struct json *json, const struct simulation *simulation)
{
	json_open_array(json, "collectives");
	for (uint32_t i = 0; i < simulation->n_collectives; i++) {
		struct collective_result result = simulation_collective(simulation, i);
		if (i % 4096 == 4095)
			cli_drain_json(json); /* there can be millions */
		json_open_object(json, NULL);
		json_string(json, "kind", collective_kind_names[result.record.kind]);
		json_string(json, "algorithm", result.record.algorithm);
		json_string(json, "protocol", result.record.protocol);
		json_integer(json, "ranks", result.record.n_ranks);
		json_integer(json, "bytes", result.record.bytes);
		json_integer(json, "start_ps", result.record.start_ps);
		json_integer(json, "time_ps", result.time_ps);
		json_number(json, "algbw_bytes_per_s", result.algbw_bytes_per_s);
		json_number(json, "busbw_bytes_per_s", result.busbw_bytes_per_s);
		json_close_object(json);
	}
	json_close_array(json);
}

static void json_energy(struct json *json, const struct energy *energy)
{
	json_open_object(json, "energy");
	json_integer(json, "total_pj", energy->total_pj);
	json_integer(json, "links_pj", energy->links_pj);
	json_integer(json, "beside_pj", energy->beside_pj);
	json_number(json, "pue", energy->pue);
	json_number(json, "facility_j", energy->facility_j);
	json_number(json, "kwh", energy->facility_j / JOULES_PER_KWH);
	json_number(json, "price_per_kwh", energy->price_per_kwh);
	json_number(json, "cost", energy->cost);
	json_number(json, "mean_w", energy->mean_w);
	json_number(json, "kwh_per_year", energy->kwh_per_year);
	json_number(json, "cost_per_year", energy->cost_per_year);
	json_number(json, "known_price_of_parts", energy->price);
	json_integer(json, "nodes_of_unknown_power", energy->n_unspecified);
	json_open_array(json, "parts");
	for (uint32_t i = 0; i < energy->n_rows; i++) {
		const struct energy_row *row = &energy->rows[i];
		json_open_object(json, NULL);
		json_string(json, "category", row->category);
		json_string(json, "name", row->name);
		json_number(json, "count", row->count);
		if (row->component)
			json_number(json, row->component, row->n_components);
		json_integer(json, "energy_pj", row->energy_pj);
		if (row->priced)
			json_number(json, "price", row->price);
		else
			json_null(json, "price"); /* not known */
		json_number(json, "failures_per_year", row->failures_per_year);
		json_close_object(json);
	}
	json_close_array(json);
	json_close_object(json);
}

static void json_power_states(struct json *json, const struct power_result *power)
{
	json_open_object(json, "power_states");
	json_integer(json, "rests", power->n_rests);
	json_integer(json, "wakes", power->n_wakes);
	json_integer(json, "resting_link_ps", power->rest_ps);
	json_integer(json, "waking_link_ps", power->waking_ps);
	json_integer(json, "saved_by_links_pj", power->saved_pj);
	if (power->compared) {
		json_integer(json, "time_without_ps", power->plain_ps);
		json_integer(json, "energy_without_pj", power->plain_pj);
		json_integer(json, "spent_waiting_pj", power->waited_pj);
		json_integer(json, "spent_by_waiting_chips_pj", power->chips_waited_pj);
		json_integer(json, "net_saved_pj", power->net_pj);
	}
	json_close_object(json);
}

static void json_physics(struct json *json, const struct simulation *simulation)
{
	const struct physics *physics = simulation->physics;
	int64_t replays = 0;
	double margin = INFINITY, ber = 0;
	if (simulation->energy)
		json_energy(json, simulation->energy);
	if (simulation->power_states)
		json_power_states(json, &simulation->power);
	if (!physics || !physics->errors)
		return;
	for (uint32_t link = 0; link < simulation->fabric.n_links; link++) {
		replays += physics->replays[link];
		margin = fmin(margin, physics->figures.margin_db[link]);
		ber = fmax(ber, physics->figures.ber[link]);
	}
	json_open_object(json, "physics");
	json_integer(json, "replays", replays);
	json_number(json, "worst_margin_db", margin);
	json_number(json, "worst_ber", ber);
	json_close_object(json);
}

/* Of packets from a node to the next, by kind of link. Recorded with a timeline only. */
static void json_hop_times(struct json *json, const struct simulation *simulation)
{
	const struct hop_histogram *times = simulation->counters.hop_times;
	if (!times)
		return;
	json_open_array(json, "hop_times");
	for (uint32_t kind = 0; kind < simulation->fabric.n_kinds; kind++) {
		if (!times[kind].packets)
			continue;
		json_open_object(json, NULL);
		json_string(json, "links", simulation->fabric.kind_names[kind]);
		json_integer(json, "packets", (int64_t)times[kind].packets);
		json_integer(json, "p50_ps", hop_percentile_ps(&times[kind], 0.5));
		json_integer(json, "p90_ps", hop_percentile_ps(&times[kind], 0.9));
		json_integer(json, "p99_ps", hop_percentile_ps(&times[kind], 0.99));
		json_integer(json, "max_ps", times[kind].max_ps);
		json_close_object(json);
	}
	json_close_array(json);
}

/* What only Ethernet has. */
static void json_ethernet(struct json *json, const struct network_ethernet_counters *counters)
{
	if (!counters)
		return;
	json_open_object(json, "ethernet");
	json_integer(json, "control_hops", (int64_t)counters->control_hops);
	json_integer(json, "marks", (int64_t)counters->marks);
	json_integer(json, "trims", (int64_t)counters->trims);
	json_integer(json, "drops", (int64_t)counters->drops);
	json_integer(json, "retransmissions", (int64_t)counters->retransmissions);
	json_integer(json, "duplicates", (int64_t)counters->duplicates);
	json_integer(json, "timeouts", (int64_t)counters->timeouts);
	json_integer(json, "refusals", (int64_t)counters->refusals);
	json_integer(json, "pauses", (int64_t)counters->pauses);
	json_integer(json, "pause_ps", counters->paused_ps);
	json_open_object(json, "completion_ps");
	json_integer(json, "min", counters->least_completion_ps);
	json_integer(json, "p50", hop_percentile_ps(counters->completions, 0.5));
	json_integer(json, "p99", hop_percentile_ps(counters->completions, 0.99));
	json_integer(json, "max", counters->completions->max_ps);
	json_close_object(json);
	json_integer(json, "last_acked_ps", counters->last_acked_ps);
	json_close_object(json);
}

/* What only the packet model has. */
static void json_packets(struct json *json, const struct simulation *simulation)
{
	const struct network_counters *counters = &simulation->counters;
	if (!counters->packet_hops)
		return;
	json_integer(json, "bytes_dropped", counters->bytes_dropped);
	json_integer(json, "stalls", (int64_t)counters->stalls);
	json_integer(json, "stall_ps", counters->stalled_ps);
	json_ethernet(json, counters->ethernet);
	json_hop_times(json, simulation);
}

/* Of the section failures: what failed when, and until when. */
static void json_failures(struct json *json, const struct simulation *simulation)
{
	uint32_t n;
	const struct failure_event *events = failures_events(simulation, &n);
	if (!simulation->scenario->n_failures)
		return;
	json_open_array(json, "failures");
	for (uint32_t i = 0; i < n; i++) {
		const struct failure_unit *unit = failures_unit(simulation, events[i].unit);
		json_open_object(json, NULL);
		json_string(json, "name", unit->name);
		json_string(json, "effect", outage_effect_names[unit->entry->effect]);
		json_integer(json, "start_ps", events[i].start_ps);
		if (events[i].end_ps == TIME_NEVER)
			json_null(json, "end_ps");
		else
			json_integer(json, "end_ps", events[i].end_ps);
		json_bool(json, "spare", events[i].spare);
		json_close_object(json);
	}
	json_close_array(json);
}

static void print_json(const struct job *job)
{
	const struct simulation *simulation = &job->simulation;
	struct json *json = json_new();
	json_open_object(json, NULL);
	json_string(json, "status", simulation->status);
	json_string(json, "message", simulation->error.code ? simulation->error.message : NULL);
	json_string(json, "result_digest", simulation->digest);
	json_integer(json, "time_ps", simulation->end_ps);
	if (recorded_ps(simulation) > 0)
		json_integer(json, "recorded_ps", recorded_ps(simulation));
	json_ranks(json, simulation);
	json_integer(json, "messages", (int64_t)simulation->n_messages);
	json_integer(json, "bytes", simulation->message_bytes);
	json_integer(json, "events", (int64_t)simulation->n_events);
	json_integer(json, "packet_hops", (int64_t)simulation->packet_hops);
	json_packets(json, simulation);
	json_collectives(json, simulation);
	results_circuits_json(json, simulation->circuits_totals);
	json_failures(json, simulation);
	if (simulation->energy)
		json_number(json, "energy_j", simulation->energy->facility_j);
	else
		json_null(json, "energy_j"), json_string(json, "energy_unknown", simulation->energy_unknown); /* not known is not zero */
	json_physics(json, simulation);
	json_string(json, "timeline", job->timeline);
	json_open_object(json, "host");
	json_number(json, "cpu_s", job->cpu_s);
	json_number(json, "simulate_cpu_s", simulation->simulate_cpu_s);
	json_integer(json, "peak_rss_bytes", job->peak_rss_bytes);
	json_close_object(json);
	json_close_object(json);
	cli_print_json(json);
}

/* For people */

static void print_head(const struct job *job, const struct scenario *scenario)
{
	const struct simulation *simulation = &job->simulation;
	char time[64], bytes[64];
	printf("%s  %s%s%s\n", simulation->fabric.spec, scenario->model->name, scenario->routing ? ", routing " : "",
	       scenario->routing ? routing_names[scenario->routing] : "");
	printf("%u of %u chips run a rank, %u links\n\n", simulation->n_ranks, simulation->fabric.n_npus, simulation->fabric.n_links);
	printf("%-10s %s simulated\n", simulation->status, units_format_time(time, sizeof time, simulation->end_ps));
	printf("messages   %llu, %s\n", (unsigned long long)simulation->n_messages,
	       units_format_bytes(bytes, sizeof bytes, simulation->message_bytes));
	printf("digest     %s (seed %lld)\n", simulation->digest, (long long)scenario->seed);
	printf("host       %.2f s CPU (%.2f s simulating, %llu events), %s\n", job->cpu_s, simulation->simulate_cpu_s,
	       (unsigned long long)simulation->n_events, units_format_bytes(bytes, sizeof bytes, job->peak_rss_bytes));
	if (job->timeline)
		printf("timeline   %s\n", job->timeline);
}

static void print_recorded(const struct simulation *simulation)
{
	char time[32];
	int64_t took_ps = recorded_ps(simulation);
	if (took_ps > 0)
		printf("recorded   %s in the trace: simulated %+.1f %%\n", units_format_time(time, sizeof time, took_ps),
		       100 * ((double)simulation->end_ps / (double)took_ps - 1));
}

/* What was assumed, indented under one heading. */
static void print_assumed(const struct simulation *simulation)
{
	for (const char *line = text_string(&simulation->assumed); *line;) {
		size_t n = strcspn(line, "\n");
		printf("assumed    %.*s\n", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

static void print_collectives(const struct simulation *simulation, struct text *out)
{
	size_t n = simulation->n_collectives;
	struct arena arena = ARENA_INIT;
	struct collectives all = {.n = (int64_t)n, .kinds = collective_kind_names, .n_kinds = COLLECTIVE_KINDS};
	all.kind = arena_array(&arena, n + 1, sizeof *all.kind);
	all.ranks = arena_array(&arena, n + 1, sizeof *all.ranks);
	all.bytes = arena_array(&arena, n + 1, sizeof *all.bytes);
	all.start_ps = arena_array(&arena, n + 1, sizeof *all.start_ps);
	all.end_ps = arena_array(&arena, n + 1, sizeof *all.end_ps);
	all.algbw = arena_array(&arena, n + 1, sizeof *all.algbw);
	all.busbw = arena_array(&arena, n + 1, sizeof *all.busbw);
	all.algorithm = arena_array(&arena, n + 1, sizeof *all.algorithm);
	all.protocol = arena_array(&arena, n + 1, sizeof *all.protocol);
	for (size_t i = 0; i < n; i++) {
		struct collective_result result = simulation_collective(simulation, (uint32_t)i);
		all.kind[i] = result.record.kind;
		all.ranks[i] = result.record.n_ranks;
		all.bytes[i] = result.record.bytes;
		all.start_ps[i] = result.record.start_ps;
		all.end_ps[i] = result.record.end_ps;
		all.algbw[i] = result.algbw_bytes_per_s;
		all.busbw[i] = result.busbw_bytes_per_s;
		all.algorithm[i] = result.record.algorithm;
		all.protocol[i] = result.record.protocol;
	}
	collectives_print(&all, out);
	arena_release(&arena);
}

struct ranked { uint32_t link; int64_t bytes; };

static int by_bytes(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return (x->link > y->link) - (x->link < y->link);
}

static void print_busiest(const struct simulation *simulation, struct text *out)
{
	const struct fabric *fabric = &simulation->fabric;
	struct ranked *ranked = memory_zero(fabric->n_links + 1, sizeof *ranked);
	uint32_t n_idle = 0;
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		ranked[link] = (struct ranked){link, simulation->link_bytes[link]};
		n_idle += !simulation->link_bytes[link];
	}
	qsort(ranked, fabric->n_links, sizeof *ranked, by_bytes);
	text_printf(out, "\nbusiest links (%u of %u carried anything)\n  %-38s %12s %12s\n", fabric->n_links - n_idle, fabric->n_links, "link", "payload", "used");
	for (uint32_t i = 0; i < BUSIEST && i < fabric->n_links && ranked[i].bytes; i++) {
		char name[128], bytes[64];
		double capacity = (double)fabric->link_bandwidth[ranked[i].link] * ((double)simulation->end_ps * 1e-12);
		text_printf(out, "  %-38s %12s %10.1f %%\n", fabric_link_name(fabric, ranked[i].link, name, sizeof name),
		       units_format_bytes(bytes, sizeof bytes, ranked[i].bytes), capacity > 0 ? 100 * (double)ranked[i].bytes / capacity : 0);
	}
	free(ranked);
}

static void print_classes(const struct simulation *simulation, struct text *out)
{
	struct arena arena = ARENA_INIT;
	size_t n = simulation->n_ranks;
	struct rank_times ranks = {.n_ranks = (int64_t)n, .n_classes = RANK_CLASSES};
	ranks.classes = arena_array(&arena, RANK_CLASSES, sizeof *ranks.classes);
	ranks.end_ps = arena_array(&arena, n + 1, sizeof *ranks.end_ps);
	ranks.times_ps = arena_array(&arena, (n + 1) * RANK_CLASSES, sizeof *ranks.times_ps);
	for (size_t c = 0; c < RANK_CLASSES; c++)
		ranks.classes[c] = rank_class_names[c];
	for (size_t r = 0; r < n; r++) {
		ranks.end_ps[r] = simulation->ranks[r].end_ps;
		memcpy(ranks.times_ps + r * RANK_CLASSES, simulation->ranks[r].class_ps, sizeof simulation->ranks[r].class_ps);
	}
	rank_times_print(&ranks, simulation->end_ps, out);
	arena_release(&arena);
}

static void print_hop_times(const struct simulation *simulation)
{
	const struct hop_histogram *times = simulation->counters.hop_times;
	bool any = false;
	for (uint32_t kind = 0; times && kind < simulation->fabric.n_kinds; kind++) {
		if (!times[kind].packets)
			continue;
		if (!any)
			printf("\n%-18s %12s %12s %12s %12s %12s\n", "links", "packets", "p50 ns", "p90 ns", "p99 ns", "longest ns");
		any = true;
		printf("%-18s %12llu %12.3f %12.3f %12.3f %12.3f\n", simulation->fabric.kind_names[kind],
		       (unsigned long long)times[kind].packets, (double)hop_percentile_ps(&times[kind], 0.5) * 1e-3,
		       (double)hop_percentile_ps(&times[kind], 0.9) * 1e-3, (double)hop_percentile_ps(&times[kind], 0.99) * 1e-3,
		       (double)times[kind].max_ps * 1e-3);
	}
	if (any)
		printf("(time of a packet from its arrival in a switch to its arrival behind the next link)\n");
}

static void print_part(const struct energy_row *row, int64_t total_pj)
{
	printf("%-18s %-22s %8.6g %14.6g %6.1f %%", row->category, row->name, row->count, (double)row->energy_pj * 1e-12,
	       total_pj ? 100 * (double)row->energy_pj / (double)total_pj : 0);
	if (row->component && row->n_components != row->count)
		printf("  (%.6g %s)", row->n_components, row->component);
	putchar('\n');
}

static void print_ethernet(const struct network_ethernet_counters *counters, uint64_t hops)
{
	char paused[64], acked[64], least[64], most[64];
	if (!counters)
		return;
	printf("\npackets    %llu hops of data, %llu of control; %llu marked, %llu trimmed, %llu dropped, %llu sent again (%llu for nothing)\n",
	       (unsigned long long)hops, (unsigned long long)counters->control_hops, (unsigned long long)counters->marks,
	       (unsigned long long)counters->trims, (unsigned long long)counters->drops, (unsigned long long)counters->retransmissions,
	       (unsigned long long)counters->duplicates);
	printf("           %llu pauses of %s in all; messages acknowledged after %s to %s, the last at %s\n",
	       (unsigned long long)counters->pauses, units_format_time(paused, sizeof paused, counters->paused_ps),
	       units_format_time(least, sizeof least, counters->least_completion_ps),
	       units_format_time(most, sizeof most, counters->completions->max_ps),
	       units_format_time(acked, sizeof acked, counters->last_acked_ps));
}

static void print_power_states(const struct simulation *simulation)
{
	const struct power_result *power = &simulation->power;
	double link_ps = (double)simulation->fabric.n_links * (double)simulation->end_ps;
	printf("\npower states: %lld rests, %lld wakes; links rest %.2f %% of their time and wake %.2f %% of it; saved by links: %.6g J\n",
	       (long long)power->n_rests, (long long)power->n_wakes, link_ps > 0 ? 100 * (double)power->rest_ps / link_ps : 0,
	       link_ps > 0 ? 100 * (double)power->waking_ps / link_ps : 0, (double)power->saved_pj * 1e-12);
	if (power->compared)
		printf("without them: %.6g J in %.6g ms; the run takes %.6g ms longer, which costs %.6g J (chips: %.6g J); net saving: %.6g J\n",
		       (double)power->plain_pj * 1e-12, (double)power->plain_ps * 1e-9,
		       (double)(simulation->end_ps - power->plain_ps) * 1e-9, (double)power->waited_pj * 1e-12,
		       (double)power->chips_waited_pj * 1e-12, (double)power->net_pj * 1e-12);
}

static void print_physics(const struct simulation *simulation)
{
	const struct physics *physics = simulation->physics;
	const struct energy *energy = simulation->energy;
	int64_t replays = 0;
	for (uint32_t link = 0; physics && link < simulation->fabric.n_links; link++)
		replays += physics->replays[link];
	if (physics && physics->errors)
		printf("\nlost codewords sent again: %lld\n", (long long)replays);
	if (simulation->power_states)
		print_power_states(simulation);
	if (!energy) {
		if (simulation->energy_unknown)
			printf("\nenergy not known: %s\n", simulation->energy_unknown);
		return;
	}
	printf("\n%-18s %-22s %8s %14s %8s\n", "energy", "part", "count", "joules", "share");
	for (uint32_t i = 0; i < energy->n_rows; i++)
		print_part(&energy->rows[i], energy->total_pj);
	if (energy->n_unspecified)
		printf("%u nodes count as 0 W: the catalogue does not know what '%s' is (say it with energy: {chips: {%s: …}})\n",
		       energy->n_unspecified, energy->unspecified_role, energy->unspecified_role);
	printf("%.6g J (mean %.6g W), %.6g J with the building (PUE %.4g), %.4g $ at %.4g $/kWh; a year of it: %.6g kWh, %.6g $\n",
	       (double)energy->total_pj * 1e-12, energy->mean_w, energy->facility_j, energy->pue, energy->cost, energy->price_per_kwh,
	       energy->kwh_per_year, energy->cost_per_year);
}

static void print_text(const struct job *job, const struct scenario *scenario)
{
	struct text tables = TEXT_INIT;
	print_head(job, scenario);
	print_recorded(&job->simulation);
	print_assumed(&job->simulation);
	print_collectives(&job->simulation, &tables);
	print_busiest(&job->simulation, &tables);
	print_classes(&job->simulation, &tables);
	fputs(text_string(&tables), stdout);
	text_release(&tables);
	print_ethernet(job->simulation.counters.ethernet, job->simulation.packet_hops);
	print_hop_times(&job->simulation);
	results_circuits_print(job->simulation.circuits_totals);
	print_physics(&job->simulation);
}

int results_show(const struct job *job, const struct scenario *scenario, bool json)
{
	const struct error *error = &job->simulation.error;
	if (error->code == ERROR_INPUT) /* found only when it was reached, an algorithm that does not fit its group: no results */
		return cli_fail(error);
	if (json)
		print_json(job);
	else
		print_text(job, scenario);
	fflush(stdout); /* before what goes to standard error */
	return error->code ? cli_fail(error) : 0;
}
