/* Flow sets made by SimGrid (equal-weight max-min): every flow within 1 ns on the zero-latency sets. On the set with latency
 * SimGrid lets bytes enter after the path's latency and ends with the last byte; weft occupies the path from the start and adds the
 * latency at the end. The same flows posted one latency later, judged when their last byte has left, are the same case again. */
#include "check.h"

#include <dirent.h>
#include <math.h>

#include "flows.h"

#define MAX_ROWS 4096

struct set {
	char link_name[MAX_ROWS][64];
	uint32_t n_links, n_flows, route[MAX_ROWS];
	uint32_t links[MAX_ROWS][32], n_route[MAX_ROWS];
	int64_t bandwidth[MAX_ROWS], latency_ps[MAX_ROWS];
	struct test_flow flows[MAX_ROWS];
	double finish_s[MAX_ROWS];
};
static struct set set;

static FILE *open_csv(const char *prefix, const char *table)
{
	char path[4096], header[256];
	snprintf(path, sizeof path, "%s_%s.csv", prefix, table);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(header, sizeof header, file));
	return file;
}

static uint32_t find_link(const char *name)
{
	for (uint32_t l = 0; l < set.n_links; l++)
		if (!strcmp(set.link_name[l], name))
			return l;
	fail_msg("no link '%s'", name);
	return 0;
}

static void read_set(const char *prefix)
{
	char name[64];
	double bandwidth, latency, bytes, start, finish;
	unsigned flow, hop, source, destination;
	memset(&set, 0, sizeof set);
	FILE *file = open_csv(prefix, "links");
	while (fscanf(file, "%63[^,],%lf,%lf\n", set.link_name[set.n_links], &bandwidth, &latency) == 3) {
		set.bandwidth[set.n_links] = (int64_t)bandwidth;
		set.latency_ps[set.n_links++] = llround(latency * 1e12);
	}
	fclose(file);
	file = open_csv(prefix, "flows");
	while (fscanf(file, "%u,%u,%u,%lf,%lf,%lf\n", &flow, &source, &destination, &bytes, &start, &finish) == 6) {
		assert_int_equal(flow, set.n_flows);
		set.flows[flow] = (struct test_flow){source, destination, (int64_t)bytes, llround(start * 1e12), 0, 0};
		set.finish_s[set.n_flows++] = finish;
	}
	fclose(file);
	file = open_csv(prefix, "routes");
	while (fscanf(file, "%u,%u,%63[^\n]\n", &flow, &hop, name) == 3)
		set.links[flow][set.n_route[flow]++] = find_link(name);
	fclose(file);
}

static void issue(void *context)
{
	struct test_net *net = context;
	for (uint32_t i = 0; i < net->n_due; i++) {
		const struct test_flow *flow = &net->flows[net->due[i]];
		network_send(net->network, &(struct network_message){.id = net->due[i], .token = net->due[i], .source = flow->source,
			.destination = flow->destination, .bytes = flow->bytes, .collective = -1, .route = 1 + set.route[net->due[i]]});
	}
	net->n_due = 0;
}

static void run_set(const char *prefix)
{
	struct test_net net = {0};
	double worst = 0;
	read_set(prefix);
	net.fabric = (struct fabric){.n_links = set.n_links, .link_bandwidth = set.bandwidth, .link_latency_ps = set.latency_ps, .n_npus = 1};
	routes_init(&net.routes, &net.fabric, ROUTING_DEFAULT, 1);
	links_init(&net.links, &net.fabric);
	engine_init(&net.engine);
	int64_t latency_ps[MAX_ROWS] = {0};
	for (uint32_t f = 0; f < set.n_flows; f++) {
		set.route[f] = routes_add_explicit(&net.routes, set.flows[f].source, set.flows[f].destination, set.links[f], set.n_route[f]);
		for (uint32_t h = 0; h < set.n_route[f]; h++)
			latency_ps[f] += set.latency_ps[set.links[f][h]];
		set.flows[f].start_ps += latency_ps[f];
	}
	test_net_create(&net, "fluid", NULL, 0);
	engine_register_phase(&net.engine, ENGINE_PHASE_ISSUE, issue, &net);
	test_net_run(&net, set.flows, set.n_flows);
	for (uint32_t f = 0; f < set.n_flows; f++) {
		double difference = fabs((double)set.flows[f].sent_ps - set.finish_s[f] * 1e12);
		if (difference > 1000)
			fail_msg("%s flow %u: %lld ps, expected %.3f", prefix, f, (long long)set.flows[f].sent_ps, set.finish_s[f] * 1e12);
		worst = fmax(worst, difference);
		assert_int_equal(set.flows[f].end_ps, set.flows[f].sent_ps + latency_ps[f]);
	}
	print_message("%s: %u flows, worst difference %.1f ps\n", strrchr(prefix, '/') + 1, set.n_flows, worst);
	network_destroy(net.network);
	engine_release(&net.engine);
	links_release(&net.links);
	routes_release(&net.routes);
	free(net.due);
}

static int is_flows(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	return length > 10 && !strcmp(entry->d_name + length - 10, "_flows.csv");
}

static void flow_sets_of_simgrid_agree_within_1_ns(void **state)
{
	(void)state;
	const char *data = check_data_folder();
	char folder[4096], prefix[8192];
	struct dirent **entries;
	if (!data)
		skip();
	snprintf(folder, sizeof folder, "%s/../reference/flows", data);
	int n = scandir(folder, &entries, is_flows, alphasort);
	if (n <= 0)
		skip();
	for (int i = 0; i < n; i++) {
		snprintf(prefix, sizeof prefix, "%s/%.*s", folder, (int)strlen(entries[i]->d_name) - 10, entries[i]->d_name);
		run_set(prefix);
		free(entries[i]);
	}
	free(entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(flow_sets_of_simgrid_agree_within_1_ns)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
