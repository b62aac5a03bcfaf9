#include "collective/collective.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "collective/algorithms.h"
#include "engine/observer.h"

const char *const collective_kind_names[COLLECTIVE_KINDS] = {
	"allreduce", "reduce_scatter", "allgather", "broadcast", "reduce", "alltoall",
	"alltoallv", "gather", "scatter", "barrier", "sendrecv",
};

const struct collective_algorithm *const collective_algorithms[] = {
	&algorithm_ring,
	&algorithm_recursive_doubling,
	&algorithm_halving_doubling,
	&algorithm_binomial,
	&algorithm_double_binary_tree,
	&algorithm_direct,
	&algorithm_bruck,
	&algorithm_pairwise,
	&algorithm_hierarchical,
	&algorithm_torus,
	&algorithm_msccl,
	NULL,
};

enum { MAX_ALGORITHMS = 32, MAX_CHANNELS = 1024 };

/* Letters and digits in lower case: "All-Reduce", "all_reduce" and "allreduce" are one name. */
static void plain_name(char *out, size_t size, const char *name)
{
	size_t n = 0;
	for (; *name && n + 1 < size; name++)
		if (isalnum((unsigned char)*name))
			out[n++] = (char)tolower((unsigned char)*name);
	out[n] = '\0';
}

int collective_kind_find(const char *name, enum collective_kind *kind, struct error *err)
{
	static const struct { const char *alias; enum collective_kind kind; } aliases[] = {
		{"bcast", COLLECTIVE_BROADCAST}, {"a2a", COLLECTIVE_ALL_TO_ALL}, {"sendreceive", COLLECTIVE_SEND_RECEIVE},
	};
	char wanted[64], known[64], choices[512];
	plain_name(wanted, sizeof wanted, name);
	for (int i = 0; i < COLLECTIVE_KINDS; i++) {
		plain_name(known, sizeof known, collective_kind_names[i]);
		if (!strcmp(wanted, known)) {
			*kind = (enum collective_kind)i;
			return 0;
		}
	}
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (!strcmp(wanted, aliases[i].alias)) {
			*kind = aliases[i].kind;
			return 0;
		}
	return error_set(err, ERROR_INPUT, "unknown collective '%s'%s", name,
			 text_known(choices, sizeof choices, wanted, collective_kind_names, COLLECTIVE_KINDS));
}

double collective_bus_factor(enum collective_kind kind, uint32_t n_ranks)
{
	double n = n_ranks;
	switch (kind) {
	case COLLECTIVE_ALL_REDUCE: return 2 * (n - 1) / n;
	case COLLECTIVE_REDUCE_SCATTER:
	case COLLECTIVE_ALL_GATHER:
	case COLLECTIVE_ALL_TO_ALL:
	case COLLECTIVE_ALL_TO_ALL_V:
	case COLLECTIVE_GATHER:
	case COLLECTIVE_SCATTER: return (n - 1) / n;
	default: return 1;
	}
}

uint8_t collective_traffic(enum collective_kind kind)
{
	static const uint8_t traffic[COLLECTIVE_KINDS] = {
		[COLLECTIVE_ALL_REDUCE] = TRAFFIC_ALL_REDUCE,
		[COLLECTIVE_REDUCE_SCATTER] = TRAFFIC_REDUCE_SCATTER,
		[COLLECTIVE_ALL_GATHER] = TRAFFIC_ALL_GATHER,
		[COLLECTIVE_BROADCAST] = TRAFFIC_BROADCAST,
		[COLLECTIVE_REDUCE] = TRAFFIC_REDUCE,
		[COLLECTIVE_ALL_TO_ALL] = TRAFFIC_ALL_TO_ALL,
		[COLLECTIVE_ALL_TO_ALL_V] = TRAFFIC_ALL_TO_ALL,
		[COLLECTIVE_GATHER] = TRAFFIC_GATHER,
		[COLLECTIVE_SCATTER] = TRAFFIC_SCATTER,
		[COLLECTIVE_BARRIER] = TRAFFIC_BARRIER,
		[COLLECTIVE_SEND_RECEIVE] = TRAFFIC_POINT_TO_POINT,
	};
	return traffic[kind];
}

void collective_part(int64_t bytes, uint32_t element, uint32_t n, uint32_t p, int64_t *offset, int64_t *length)
{
	assert(p < n && element > 0 && bytes >= 0);
	int64_t n_elements = bytes / element + (bytes % element != 0);
	int64_t begin = scale_floor(n_elements, p, n) * element, end = scale_floor(n_elements, (int64_t)p + 1, n) * element;
	*offset = begin < bytes ? begin : bytes;
	*length = (end < bytes ? end : bytes) - *offset;
}

static void offered(char *out, size_t size, enum collective_kind kind)
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; collective_algorithms[i]; i++)
		if (collective_algorithms[i]->kinds >> kind & 1 && used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", collective_algorithms[i]->name);
}

const struct collective_algorithm *collective_algorithm_find(const char *name, enum collective_kind kind, struct error *err)
{
	const char *names[MAX_ALGORITHMS];
	char choices[512], wanted[64], known[64];
	size_t n = 0;
	plain_name(wanted, sizeof wanted, name);
	for (; collective_algorithms[n]; n++) {
		names[n] = collective_algorithms[n]->name;
		plain_name(known, sizeof known, names[n]);
		if (strcmp(wanted, known))
			continue;
		if (collective_algorithms[n]->kinds >> kind & 1)
			return collective_algorithms[n];
		offered(choices, sizeof choices, kind);
		error_set(err, ERROR_INPUT, "algorithm '%s' does not offer %s (those that do: %s)", names[n],
			  collective_kind_names[kind], choices);
		return NULL;
	}
	names[n++] = "auto";
	names[n++] = "nccl";
	error_set(err, ERROR_INPUT, "unknown collective algorithm '%s'%s", name, text_known(choices, sizeof choices, name, names, n));
	return NULL;
}

static int check_dims(const struct collective_request *request, struct error *err)
{
	uint64_t product = 1;
	if (request->n_dims > 8)
		return error_set(err, ERROR_INPUT, "%u levels are more than 8", request->n_dims);
	for (uint32_t i = 0; i < request->n_dims; i++) {
		product *= request->dims[i];
		if (product == 0 || product > request->n_ranks)
			break;
	}
	if (request->n_dims && product != request->n_ranks)
		return error_set(err, ERROR_INPUT, "the sizes of the levels do not multiply to the number of ranks, %u",
				 request->n_ranks);
	return 0;
}

static int check_counts(const struct collective_request *request, struct error *err)
{
	uint64_t n = request->n_ranks, n_counts = n * n;
	int64_t sum = 0;
	if (!request->counts)
		return error_set(err, ERROR_INPUT, "alltoallv needs the bytes of every pair (counts)");
	for (uint64_t i = 0; i < n_counts; i++)
		if (request->counts[i] < 0 || __builtin_add_overflow(sum, request->counts[i], &sum))
			return error_set(err, ERROR_INPUT, "alltoallv: the bytes from rank %u to rank %u are negative or too many",
					 (unsigned)(i / n), (unsigned)(i % n));
	return 0;
}

static int check_request(const struct collective_request *request, struct error *err)
{
	if (request->n_ranks == 0 || request->n_ranks > COLLECTIVE_MAX_RANKS)
		return error_set(err, ERROR_INPUT, "a collective of %u ranks (allowed: 1 to %d)", request->n_ranks,
				 COLLECTIVE_MAX_RANKS);
	if (request->root >= request->n_ranks)
		return error_set(err, ERROR_INPUT, "root %u is not one of the %u ranks", request->root, request->n_ranks);
	if (request->bytes < 0 || request->bytes > COLLECTIVE_MAX_BYTES)
		return error_set(err, ERROR_INPUT, "a collective of %lld bytes (allowed: 0 to 2^50)", (long long)request->bytes);
	if (request->channels > MAX_CHANNELS)
		return error_set(err, ERROR_INPUT, "%u channels are more than %d", request->channels, MAX_CHANNELS);
	if (request->chunk_bytes < 0)
		return error_set(err, ERROR_INPUT, "a chunk of %lld bytes", (long long)request->chunk_bytes);
	if (request->kind == COLLECTIVE_ALL_TO_ALL_V && check_counts(request, err))
		return -1;
	return check_dims(request, err);
}

static void copy_request(struct collective_plan *plan, const struct collective_request *request)
{
	size_t n = request->n_ranks;
	plan->request = *request;
	plan->request.judge = NULL;
	if (!plan->request.element_bytes)
		plan->request.element_bytes = 1;
	if (request->kind == COLLECTIVE_BARRIER)
		plan->request.bytes = 0;
	for (int i = 0; i < 8; i++)
		plan->request.levels[i] = request->levels[i] ? arena_text(&plan->arena, request->levels[i]) : NULL;
	plan->request.file = request->file ? arena_text(&plan->arena, request->file) : NULL;
	plan->request.counts = NULL;
	if (request->kind == COLLECTIVE_ALL_TO_ALL_V)
		plan->request.counts = memcpy(arena_array(&plan->arena, n * n, sizeof *request->counts), request->counts,
					      n * n * sizeof *request->counts);
}

static int plan_one(struct collective_plan *plan, const struct collective_algorithm *algorithm,
		    const struct collective_request *request, double alpha_ps, double beta_ps_per_byte, struct error *err)
{
	memset(plan, 0, sizeof *plan);
	copy_request(plan, request);
	plan->algorithm = algorithm;
	plan->n_threads = 1;
	plan->alpha_ps = alpha_ps;
	plan->beta_ps_per_byte = beta_ps_per_byte;
	if (algorithm->plan(plan, err) == 0)
		return 0;
	collective_plan_release(plan);
	return -1;
}

/* NCCL has rings and trees, and point-to-point calls for what these do not offer. */
static bool nccl_has(const struct collective_algorithm *algorithm, enum collective_kind kind)
{
	bool pattern = algorithm == &algorithm_ring || algorithm == &algorithm_double_binary_tree;
	return pattern || (algorithm == &algorithm_direct && !(algorithm_ring.kinds >> kind & 1));
}

/* What `auto` considers by closed form: no rank talks to more than 32 others at once (they know nothing of what that costs), except where
 * all pairs must talk anyway. A judge knows. */
static bool reasonable(const struct collective_plan *plan)
{
	return plan->n_threads <= 32 || is_all_to_all(plan->request.kind);
}

/* The cheapest algorithm that fits the request; the first in the table among equals. */
static const struct collective_algorithm *cheapest(const struct collective_request *request, bool nccl, double alpha_ps,
						   double beta_ps_per_byte, struct error *err)
{
	const struct collective_algorithm *best = NULL;
	double best_cost = 0;
	for (size_t i = 0; collective_algorithms[i]; i++) {
		const struct collective_algorithm *algorithm = collective_algorithms[i];
		struct collective_plan plan;
		if (!(algorithm->kinds >> request->kind & 1) || !algorithm->cost || (nccl && !nccl_has(algorithm, request->kind)) ||
		    plan_one(&plan, algorithm, request, alpha_ps, beta_ps_per_byte, NULL))
			continue;
		double cost = request->judge && !nccl ? request->judge->cost(request->judge->context, &plan) : -1;
		if (cost < 0 && (nccl || reasonable(&plan)))
			cost = algorithm->cost(&plan, alpha_ps, beta_ps_per_byte);
		if (cost >= 0 && (!best || cost < best_cost)) {
			best = algorithm;
			best_cost = cost;
		}
		collective_plan_release(&plan);
	}
	if (!best)
		error_set(err, ERROR_INPUT, "no algorithm offers %s for this request", collective_kind_names[request->kind]);
	return best;
}

int collective_plan_init(struct collective_plan *plan, const char *algorithm, const struct collective_request *request,
			 double alpha_ps, double beta_ps_per_byte, struct error *err)
{
	const struct collective_algorithm *chosen;
	memset(plan, 0, sizeof *plan);
	if (check_request(request, err))
		return -1;
	bool nccl = algorithm && !strcmp(algorithm, "nccl");
	if (!algorithm || nccl || !strcmp(algorithm, "auto"))
		chosen = request->file ? collective_algorithm_find("msccl", request->kind, err)
				       : cheapest(request, nccl, alpha_ps, beta_ps_per_byte, err);
	else
		chosen = collective_algorithm_find(algorithm, request->kind, err);
	return chosen ? plan_one(plan, chosen, request, alpha_ps, beta_ps_per_byte, err) : -1;
}

void collective_plan_release(struct collective_plan *plan)
{
	arena_release(&plan->arena);
	memset(plan, 0, sizeof *plan);
}
