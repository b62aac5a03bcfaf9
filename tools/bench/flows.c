/* Flow models driven directly, without scenario or executor: what the network alone costs, on the work that tools/bench/sgnet.cpp
 * gives SimGrid.
 *
 *     flows work=ring|a2a topology=SPEC [routing=default] [bytes=B] [jitter=1] [model=fluid] [observe=1]
 *
 * One line: work, topology, flows, simulated seconds, CPU seconds to build and to run, MB, solves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../../tests/unit/flows.h"
#include "base/random.h"

static struct test_net net;
static uint32_t n, *step, *got;
static uint64_t n_messages;
static int64_t bytes_seen, chunk;

static double cpu_s(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec + 1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static const char *option(int argc, char **argv, const char *name, const char *otherwise)
{
	size_t length = strlen(name);
	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], name, length) && argv[i][length] == '=')
			return argv[i] + length + 1;
	return otherwise;
}

static void observe_bytes(void *context, uint32_t link, int64_t start_ps, int64_t end_ps, int64_t payload, int64_t overhead, uint8_t kind)
{
	(void)context, (void)link, (void)start_ps, (void)end_ps, (void)overhead, (void)kind;
	bytes_seen += payload;
}

/* Ring: rank r sends step k + 1 when it has sent and received step k. The token is the receiver. */
static void ring_advance(uint32_t rank)
{
	if (got[rank] != 2 || step[rank] == 2 * (n - 1))
		return;
	got[rank] = 0;
	step[rank]++;
	net.due[net.n_due++] = rank;
	engine_request(&net.engine, ENGINE_PHASE_ISSUE);
}
static void ring_sent(void *context, uint32_t token)
{
	(void)context;
	uint32_t sender = (token + n - 1) % n;
	got[sender]++;
	ring_advance(sender);
}
static void ring_delivered(void *context, uint32_t token)
{
	(void)context;
	got[token]++;
	ring_advance(token);
}
static void ring_issue(void *context)
{
	(void)context;
	for (uint32_t i = 0; i < net.n_due; i++) {
		uint32_t rank = net.due[i];
		if (step[rank] < 2 * (n - 1))
			network_send(net.network, &(struct network_message){.id = n_messages++, .token = (rank + 1) % n, .source = rank,
				.destination = (rank + 1) % n, .bytes = chunk, .collective = -1, .kind = TRAFFIC_ALL_REDUCE});
	}
	net.n_due = 0;
}
static void run_ring(const char *model, int64_t bytes)
{
	chunk = (bytes + n - 1) / n;
	net.due = memory_zero(n, sizeof *net.due);
	step = memory_zero(n, sizeof *step);
	got = memory_zero(n, sizeof *got);
	test_net_create(&net, model, NULL, 0);
	net.network->setup.client = (struct network_client){.sent = ring_sent, .delivered = ring_delivered};
	engine_register_phase(&net.engine, ENGINE_PHASE_ISSUE, ring_issue, NULL);
	for (uint32_t r = 0; r < n; r++)
		net.due[net.n_due++] = r;
	engine_request(&net.engine, ENGINE_PHASE_ISSUE);
	while (engine_run(&net.engine, 1000000) == ENGINE_SLICED)
		;
}

static void run_all_to_all(const char *model, int64_t bytes, double jitter)
{
	struct test_flow *flows = memory_zero((size_t)n * n, sizeof *flows);
	uint32_t k = 0;
	for (uint32_t s = 1; s < n; s++)
		for (uint32_t i = 0; i < n; i++) {
			struct random_stream stream = random_stream(1, "size", (uint64_t)i * 1000003 + s);
			double factor = 1 + jitter * (random_uniform(&stream) - 0.5);
			flows[k++] = (struct test_flow){.source = i, .destination = (i + s) % n, .bytes = (int64_t)((double)bytes * factor)};
		}
	n_messages = k;
	test_net_create(&net, model, NULL, 0);
	test_net_run(&net, flows, k);
	for (uint32_t f = 0; f < k; f++)
		if (flows[f].end_ps == TIME_NEVER)
			abort();
	free(flows);
}

int main(int argc, char **argv)
{
	const char *work = option(argc, argv, "work", "ring"), *model = option(argc, argv, "model", "fluid");
	const char *spec = option(argc, argv, "topology", "star:n=64"), *routing = option(argc, argv, "routing", "default");
	int64_t bytes = (int64_t)atof(option(argc, argv, "bytes", "1e6"));
	int r = 0;
	while (r < ROUTING_N - 1 && strcmp(routing_names[r], routing))
		r++;
	test_net_fabric(&net, spec, (enum routing)r);
	n = net.fabric.n_npus;
	if (atoi(option(argc, argv, "observe", "1")))
		observers_add(&net.observers, &(struct observer){.link_bytes = observe_bytes}, false);
	double built_s = cpu_s();
	if (!strcmp(work, "ring"))
		run_ring(model, bytes);
	else
		run_all_to_all(model, bytes, atof(option(argc, argv, "jitter", "0")));
	struct rusage usage;
	struct network_counters counters;
	getrusage(RUSAGE_SELF, &usage);
	net.network->model->counters(net.network, &counters);
	printf("%s,%s,%llu,%.12g,%.3f,%.3f,%.1f,%llu,%llu,%lld\n", work, spec, (unsigned long long)counters.messages,
	       (double)net.engine.now_ps * 1e-12, built_s, cpu_s() - built_s, (double)usage.ru_maxrss / 1024,
	       (unsigned long long)counters.solves, (unsigned long long)net.engine.n_events, (long long)bytes_seen);
	return counters.messages == n_messages ? 0 : 1;
}
