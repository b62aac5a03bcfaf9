/* The packet model alone, without scenario and executor: packet-hops per CPU second.
 *
 *     bench_packet topology=star:n=64 work=ring bytes=16e6 [payload=4096] [header=10] [trains=true] [routing=default] [bins=1]
 *
 * bins=1: what a timeline of `detail: bins, bin: 100 ns` keeps in memory is kept here too, by the same code (timeline/bins.h): payload,
 * overhead, busy time, queues and stalls. in_flight_bytes: what a packet in flight, or a train of them, took when most were in flight,
 * its credit on the way back included (looked at every 65536 events).
 *
 * work: ring (all-reduce), rings (two of half the ranks, placed at random), alltoall (bytes per pair), permutation (bytes each). */
#include <sys/resource.h>
#include <time.h>

#include "../../tests/unit/flows.h"
#include "base/random.h"
#include "network/packet.h"
#include "timeline/bins.h"

struct bench {
	struct test_net net;
	uint32_t n, steps, *next, *done; /* the right neighbour on its ring; steps done */
	int64_t bytes, delivered_ps;
	uint64_t n_messages;
	struct bins bins;
	uint32_t most_entries;
	double in_flight_bytes;
};

static const char *option(int argc, char **argv, const char *name, const char *otherwise)
{
	size_t length = strlen(name);
	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], name, length) && argv[i][length] == '=')
			return argv[i] + length + 1;
	return otherwise;
}

static void post(struct bench *bench, uint32_t source, uint32_t destination)
{
	uint32_t id = (uint32_t)bench->n_messages++;
	network_send(bench->net.network, &(struct network_message){.id = id, .token = source, .source = source,
		.destination = destination, .bytes = bench->bytes, .flow_key = id, .collective = -1});
}

static void on_sent(void *context, uint32_t token) { (void)context, (void)token; }

static void on_delivered(void *context, uint32_t token)
{
	struct bench *bench = context;
	bench->delivered_ps = bench->net.engine.now_ps;
	if (!bench->next)
		return;
	bench->net.due[bench->net.n_due++] = bench->next[token];
	engine_request(&bench->net.engine, ENGINE_PHASE_ISSUE);
}

static void on_issue(void *context)
{
	struct bench *bench = context;
	struct test_net *net = &bench->net;
	qsort(net->due, net->n_due, sizeof *net->due, test_net_by_id);
	for (uint32_t i = 0; i < net->n_due; i++)
		if (++bench->done[net->due[i]] < bench->steps)
			post(bench, net->due[i], bench->next[net->due[i]]);
	net->n_due = 0;
}

static int64_t bin_border(void *context, int64_t time_ps) { return bins_border(&((struct bench *)context)->bins, time_ps); }

static void bin_stretch(void *context, uint32_t link, const struct link_stretch *stretch)
{
	bins_add_stretch(&((struct bench *)context)->bins, link, stretch);
}

/* Never called: says that queues are wanted. */
static void bin_queue(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t max_bytes, int64_t byte_ps)
{
	(void)context, (void)link, (void)start_ps, (void)end_ps, (void)max_bytes, (void)byte_ps;
}

static void look_at_memory(struct bench *bench)
{
	const struct packet_network *net = (const struct packet_network *)bench->net.network;
	if (net->n_entries_used <= bench->most_entries)
		return;
	bench->most_entries = net->n_entries_used;
	bench->in_flight_bytes = ((double)net->n_entries_used * sizeof *net->entries + (double)net->n_returns_used * sizeof *net->returns) /
				 net->n_entries_used;
}

static void start_rings(struct bench *bench, uint32_t n_rings)
{
	uint32_t n = bench->n, each = n / n_rings, *order = memory_alloc(n * sizeof *order);
	struct random_stream random = random_stream(1, "bench.placement", 0);
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; n_rings > 1 && i > 1; i--) {
		uint32_t j = (uint32_t)random_below(&random, i), swap = order[j];
		order[j] = order[i - 1];
		order[i - 1] = swap;
	}
	bench->next = memory_zero(n, sizeof *bench->next);
	bench->done = memory_zero(n, sizeof *bench->done);
	bench->steps = 2 * (each - 1);
	bench->bytes = (bench->bytes + each - 1) / each;
	for (uint32_t i = 0; i < each * n_rings; i++)
		bench->next[order[i]] = order[i % each == each - 1 ? i - (each - 1) : i + 1];
	for (uint32_t i = 0; i < each * n_rings; i++)
		post(bench, order[i], bench->next[order[i]]);
	free(order);
}

static void start(struct bench *bench, const char *work)
{
	uint32_t n = bench->n;
	if (!strcmp(work, "ring") || !strcmp(work, "rings"))
		start_rings(bench, !strcmp(work, "ring") ? 1 : 2);
	else if (!strcmp(work, "alltoall"))
		for (uint32_t step = 1; step < n; step++)
			for (uint32_t rank = 0; rank < n; rank++)
				post(bench, rank, (rank + step) % n);
	else if (!strcmp(work, "permutation"))
		for (uint32_t rank = 0; rank < n; rank++)
			post(bench, rank, (rank + n / 2) % n);
	else
		fprintf(stderr, "unknown work '%s'\n", work), exit(2);
}

static enum routing routing_of(const char *name)
{
	for (int r = 0; r < ROUTING_N; r++)
		if (!strcmp(routing_names[r], name))
			return (enum routing)r;
	fprintf(stderr, "unknown routing '%s'\n", name);
	exit(2);
}

static double cpu_s(void) { return (double)clock() / CLOCKS_PER_SEC; }

int main(int argc, char **argv)
{
	static struct bench bench;
	struct test_net *net = &bench.net;
	char payload[32], header[32], buffer[32];
	snprintf(buffer, sizeof buffer, "%s B", option(argc, argv, "buffer", "0"));
	snprintf(payload, sizeof payload, "%s B", option(argc, argv, "payload", "4096"));
	snprintf(header, sizeof header, "%s B", option(argc, argv, "header", "10"));
	struct network_setting settings[] = {{.name = "payload", .value = payload}, {.name = "header", .value = header},
		{.name = "trains", .value = option(argc, argv, "trains", "true")},
		{.name = "credits", .value = option(argc, argv, "credits", "true")},
		{.name = "buffer", .value = buffer}};
	test_net_fabric(net, option(argc, argv, "topology", "star:n=64"), routing_of(option(argc, argv, "routing", "default")));
	bench.n = (uint32_t)atoi(option(argc, argv, "ranks", "0"));
	if (bench.n == 0 || bench.n > net->fabric.n_npus)
		bench.n = net->fabric.n_npus;
	bench.bytes = (int64_t)atof(option(argc, argv, "bytes", "16e6"));
	struct observer observer = {.context = &bench, .border = bin_border, .link_stretch = bin_stretch, .link_queue = bin_queue};
	if (atoi(option(argc, argv, "bins", "1"))) {
		bins_init(&bench.bins, net->fabric.n_links, bins_default(net->fabric.n_links, false), 100 * PS_PER_NS);
		observers_add(&net->observers, &observer, false);
	}
	test_net_create(net, "packet", settings, sizeof settings / sizeof *settings);
	net->network->setup.client = (struct network_client){.context = &bench, .sent = on_sent, .delivered = on_delivered};
	engine_register_phase(&net->engine, ENGINE_PHASE_ISSUE, on_issue, &bench);
	net->due = memory_zero((size_t)bench.n * 4, sizeof *net->due);
	double begin_s = cpu_s();
	start(&bench, option(argc, argv, "work", "ring"));
	double start_s = cpu_s();
	while (engine_run(&net->engine, 1 << 16) == ENGINE_SLICED)
		look_at_memory(&bench);
	double run_s = cpu_s() - start_s;
	struct network_counters counters;
	struct rusage usage;
	net->network->model->counters(net->network, &counters);
	getrusage(RUSAGE_SELF, &usage);
	printf("packet_hops=%llu time_us=%.6f post_s=%.3f run_cpu_s=%.3f hops_per_cpu_s=%.4g queue_operations_per_hop=%.3f rss_mb=%.0f"
	       " in_flight=%lld in_flight_bytes=%.1f\n", (unsigned long long)counters.packet_hops, (double)bench.delivered_ps * 1e-6, start_s - begin_s,
	       run_s, (double)counters.packet_hops / (run_s > 0 ? run_s : 1e-9),
	       ((double)(net->engine.n_pushed + net->engine.n_events) - 4 * (double)counters.messages) /
		       (double)(counters.packet_hops ? counters.packet_hops : 1), /* two events tell of each message: not counted */
	       (double)usage.ru_maxrss / 1024, (long long)counters.bytes_in_flight, bench.in_flight_bytes);
	return counters.bytes_in_flight != 0;
}
