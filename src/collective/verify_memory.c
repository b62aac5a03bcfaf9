/* What every rank holds before a collective, and must hold after it: the definitions, written without any algorithm. */
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "collective/verify.h"

enum { LIMIT_LOG2 = 28 };

/* The number that rank r contributes at this place. */
static uint64_t contribution(const struct memories *memories, uint32_t rank, int64_t offset)
{
	return random_mix(memories->seed ^ random_mix((uint64_t)rank << 40 ^ (uint64_t)offset));
}

static bool separate(enum collective_kind kind)
{
	return is_all_to_all(kind) || kind == COLLECTIVE_SEND_RECEIVE;
}

bool memories_same(const struct memories *memories, uint8_t a, uint8_t b)
{
	return a == b || (a != BUFFER_SCRATCH && b != BUFFER_SCRATCH && !separate(memories->plan->request.kind));
}

static struct memory_buffer buffer_new(struct arena *arena, int64_t bytes)
{
	return (struct memory_buffer){arena_array(arena, (size_t)bytes, sizeof(uint64_t)), arena_array(arena, (size_t)bytes, 1), bytes};
}

static void define(const struct memories *memories, uint32_t rank, int64_t offset, int64_t bytes)
{
	struct memory_buffer *buffer = memories_at(memories, rank, BUFFER_INPUT);
	for (int64_t i = offset; i < offset + bytes; i++) {
		buffer->values[i] = contribution(memories, rank, i);
		buffer->defined[i] = 1;
	}
}

static void define_input(const struct memories *memories, uint32_t rank)
{
	const struct collective_request *request = &memories->plan->request;
	struct collective_span own;
	switch (request->kind) {
	case COLLECTIVE_ALL_GATHER:
	case COLLECTIVE_GATHER:
		own = part_span(&memories->parts, rank);
		define(memories, rank, own.offset, own.bytes);
		break;
	case COLLECTIVE_BROADCAST:
	case COLLECTIVE_SCATTER:
		define(memories, rank, 0, rank == request->root ? request->bytes : 0);
		break;
	default:
		define(memories, rank, 0, memories_at(memories, rank, BUFFER_INPUT)->bytes);
	}
}

int memories_init(struct memories *memories, const struct collective_plan *plan, uint64_t seed, struct error *err)
{
	const struct collective_request *request = &plan->request;
	uint32_t n = request->n_ranks;
	memset(memories, 0, sizeof *memories);
	memories->plan = plan;
	memories->seed = seed;
	if ((request->bytes + plan->scratch_bytes) >> LIMIT_LOG2 || (uint64_t)(request->bytes + plan->scratch_bytes) * n >> LIMIT_LOG2)
		return error_set(err, ERROR_INPUT, "%u ranks with %lld bytes each are too much to execute (the limit is 2^%d in all)",
				 n, (long long)(request->bytes + plan->scratch_bytes), LIMIT_LOG2);
	if ((uint64_t)plan->n_threads * n >> (LIMIT_LOG2 - 4))
		return error_set(err, ERROR_INPUT, "%u ranks with %u threads each are too many to execute (the limit is 2^%d in all)", n,
				 plan->n_threads, LIMIT_LOG2 - 4);
	if (is_all_to_all(request->kind))
		blocks_cut(&memories->blocks, &memories->arena, request);
	else
		parts_cut(&memories->parts, &memories->arena, request->bytes, request->element_bytes, n, 1);
	memories->ranks = arena_array(&memories->arena, (size_t)n * 3, sizeof *memories->ranks);
	for (uint32_t r = 0; r < n; r++) {
		bool blocks = is_all_to_all(request->kind);
		int64_t in = blocks ? blocks_input_bytes(&memories->blocks, r) : request->bytes;
		int64_t out = blocks ? blocks_output_bytes(&memories->blocks, r) : request->bytes;
		*memories_at(memories, r, BUFFER_INPUT) = buffer_new(&memories->arena, in);
		*memories_at(memories, r, BUFFER_OUTPUT) = separate(request->kind) ? buffer_new(&memories->arena, out)
										   : *memories_at(memories, r, BUFFER_INPUT);
		*memories_at(memories, r, BUFFER_SCRATCH) = buffer_new(&memories->arena, plan->scratch_bytes);
		define_input(memories, r);
	}
	return 0;
}

void memories_release(struct memories *memories)
{
	arena_release(&memories->arena);
}

/* The sum of all ranks' contributions, modulo 2^64: the same in every order. */
static uint64_t sum_at(const struct memories *memories, int64_t offset)
{
	uint64_t sum = 0;
	for (uint32_t r = 0; r < memories->plan->request.n_ranks; r++)
		sum += contribution(memories, r, offset);
	return sum;
}

/* The rank whose part holds this byte. */
static uint32_t owner_of(const struct memories *memories, int64_t offset)
{
	uint32_t owner = 0;
	while (memories->parts.offsets[owner + 1] <= offset)
		owner++;
	return owner;
}

/* Compares OUTPUT[offset + i] with what rank `source` had at INPUT[from + i], or with the sum when source is SUM. */
#define SUM UINT32_MAX
#define OWNERS (UINT32_MAX - 1)
static int compare(const struct memories *memories, uint32_t rank, int64_t offset, int64_t bytes, uint32_t source, int64_t from,
		   struct error *err)
{
	const struct memory_buffer *out = memories_at(memories, rank, BUFFER_OUTPUT);
	for (int64_t i = 0; i < bytes; i++) {
		uint32_t giver = source == OWNERS ? owner_of(memories, from + i) : source;
		uint64_t expected = source == SUM ? sum_at(memories, from + i) : contribution(memories, giver, from + i);
		if (!out->defined[offset + i])
			return error_set(err, ERROR_SIMULATION, "rank %u, byte %lld: never written", rank, (long long)(offset + i));
		if (out->values[offset + i] != expected)
			return error_set(err, ERROR_SIMULATION, "rank %u, byte %lld: wrong value, %s", rank, (long long)(offset + i),
					 source == SUM ? "not the sum over all ranks" : "not what its source had");
	}
	return 0;
}

static int check_rank(const struct memories *memories, uint32_t rank, struct error *err)
{
	const struct collective_request *request = &memories->plan->request;
	struct collective_span own;
	uint32_t n = request->n_ranks;
	bool root = rank == request->root;
	switch (request->kind) {
	case COLLECTIVE_ALL_REDUCE: return compare(memories, rank, 0, request->bytes, SUM, 0, err);
	case COLLECTIVE_REDUCE: return compare(memories, rank, 0, root ? request->bytes : 0, SUM, 0, err);
	case COLLECTIVE_REDUCE_SCATTER:
		own = part_span(&memories->parts, rank);
		return compare(memories, rank, own.offset, own.bytes, SUM, own.offset, err);
	case COLLECTIVE_ALL_GATHER: return compare(memories, rank, 0, request->bytes, OWNERS, 0, err);
	case COLLECTIVE_GATHER: return compare(memories, rank, 0, root ? request->bytes : 0, OWNERS, 0, err);
	case COLLECTIVE_BROADCAST: return compare(memories, rank, 0, request->bytes, request->root, 0, err);
	case COLLECTIVE_SCATTER:
		own = part_span(&memories->parts, rank);
		return compare(memories, rank, own.offset, own.bytes, request->root, own.offset, err);
	case COLLECTIVE_SEND_RECEIVE: return compare(memories, rank, 0, request->bytes, wrap(rank + n - 1, n), 0, err);
	case COLLECTIVE_ALL_TO_ALL:
	case COLLECTIVE_ALL_TO_ALL_V:
		for (uint32_t s = 0; s < n; s++) {
			struct collective_span in = block_in(&memories->blocks, s, rank), out = block_out(&memories->blocks, s, rank);
			if (compare(memories, rank, out.offset, out.bytes, s, in.offset, err))
				return -1;
		}
		return 0;
	default: return 0;
	}
}

int memories_check(const struct memories *memories, struct error *err)
{
	for (uint32_t r = 0; r < memories->plan->request.n_ranks; r++)
		if (check_rank(memories, r, err))
			return -1;
	return 0;
}
