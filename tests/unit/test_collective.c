/* Every algorithm and kind on real numbers: awkward rank counts, uneven sizes, roots, channels, elements, interleavings. */
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "check.h"
#include "collective/collective.h"

static const double alpha_ps = 500000, beta_ps_per_byte = 20;

static void verify(const char *algorithm, const struct collective_request *request, uint64_t seed)
{
	struct collective_plan plan;
	struct error err = {0};
	if (collective_plan_init(&plan, algorithm, request, alpha_ps, beta_ps_per_byte, &err))
		fail_msg("%s %s n=%u: plan: %s", algorithm, collective_kind_names[request->kind], request->n_ranks, err.message);
	if (collective_verify(&plan, seed, &err))
		fail_msg("%s %s n=%u bytes=%lld root=%u element=%u channels=%u%s chunk=%lld seed=%llu: %s", algorithm,
			 collective_kind_names[request->kind], request->n_ranks, (long long)request->bytes, request->root,
			 request->element_bytes, request->channels, request->bidirectional ? " both ways" : "",
			 (long long)request->chunk_bytes, (unsigned long long)seed, err.message);
	collective_plan_release(&plan);
}

/* Bytes from each rank to each, some of them none. */
static const int64_t *some_counts(uint32_t n)
{
	static int64_t counts[512 * 512];
	for (uint32_t i = 0; i < n * n; i++)
		counts[i] = (int64_t)(random_mix(i) % 7) * (int64_t)(random_mix(i + 1000) % 3);
	return counts;
}

static bool takes_dims(const char *algorithm)
{
	return !strcmp(algorithm, "hierarchical") || !strcmp(algorithm, "torus");
}

static struct collective_request request_of(enum collective_kind kind, uint32_t n, int64_t bytes)
{
	struct collective_request request = {.kind = kind, .n_ranks = n, .bytes = bytes, .element_bytes = 1};
	if (kind == COLLECTIVE_ALL_TO_ALL_V)
		request.counts = some_counts(n);
	return request;
}

/* Calls `test` for every algorithm of the table and each kind it offers, except those that need a file or levels. */
static void for_every(void (*test)(const char *algorithm, enum collective_kind kind))
{
	for (size_t a = 0; collective_algorithms[a]; a++)
		for (int kind = 0; kind < COLLECTIVE_KINDS; kind++)
			if (collective_algorithms[a]->kinds >> kind & 1 && strcmp(collective_algorithms[a]->name, "msccl") &&
			    !takes_dims(collective_algorithms[a]->name))
				test(collective_algorithms[a]->name, (enum collective_kind)kind);
}

static void verify_counts(const char *algorithm, enum collective_kind kind)
{
	static const uint32_t counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 33};
	for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
		uint32_t n = counts[c];
		const int64_t sizes[] = {0, 1, n / 2, n, 3 * n + 2, 8 * n + 5};
		for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
			struct collective_request request = request_of(kind, n, sizes[s]);
			request.root = s % 2 ? n - 1 : (uint32_t)s % n;
			verify(algorithm, &request, s + 1);
		}
	}
}
static void every_algorithm_is_right_at_awkward_counts(void **state)
{
	(void)state;
	for_every(verify_counts);
}

static void verify_variants(const char *algorithm, enum collective_kind kind)
{
	static const uint32_t counts[] = {2, 3, 5, 7, 12};
	for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
		for (uint32_t root = 0; root < counts[c]; root += 2)
			for (uint32_t variant = 0; variant < 8; variant++) {
				struct collective_request request = request_of(kind, counts[c], 61 + (int64_t)variant);
				request.root = root;
				request.channels = variant % 4;
				request.bidirectional = variant / 4 % 2;
				request.element_bytes = variant % 3 == 0 ? 1 : variant % 3 == 1 ? 2 : 4;
				request.chunk_bytes = variant % 2 ? 0 : 7 + (int64_t)variant;
				verify(algorithm, &request, variant * 100 + root);
			}
}
static void every_algorithm_is_right_with_channels_roots_chunks_and_elements(void **state)
{
	(void)state;
	for_every(verify_variants);
}

static void verify_interleavings(const char *algorithm, enum collective_kind kind)
{
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct collective_request request = request_of(kind, 6, 67);
		request.channels = 2;
		request.chunk_bytes = 9;
		verify(algorithm, &request, seed);
	}
}
static void every_algorithm_is_right_in_any_interleaving(void **state)
{
	(void)state;
	for_every(verify_interleavings);
}

static void verify_384(const char *algorithm, enum collective_kind kind)
{
	struct collective_request request = request_of(kind, 384, 384 * 2 + 5);
	request.root = 17;
	verify(algorithm, &request, 384);
}
static void every_algorithm_is_right_on_384_ranks(void **state)
{
	(void)state;
	for_every(verify_384);
}

static void levels_are_right_in_any_shape(void **state)
{
	(void)state;
	static const struct { uint32_t n_dims, dims[8]; const char *levels[8]; } shapes[] = {
		{1, {5}, {NULL}}, {1, {1}, {NULL}}, {2, {3, 2}, {NULL}}, {2, {2, 3}, {"direct", "recursive_doubling"}},
		{2, {4, 3}, {"halving_doubling", "double_binary_tree"}}, {2, {7, 1}, {NULL}}, {2, {1, 7}, {"pairwise", "ring"}},
		{3, {2, 3, 2}, {"ring", "direct", "halving_doubling"}}, {3, {3, 3, 3}, {NULL}},
		{3, {10, 2, 2}, {"direct", "ring", "auto"}}, {4, {2, 2, 3, 2}, {NULL}}, {2, {8, 48}, {"ring", "direct"}},
		{3, {4, 8, 12}, {NULL}},
	};
	static const enum collective_kind kinds[] = {COLLECTIVE_ALL_REDUCE, COLLECTIVE_REDUCE_SCATTER, COLLECTIVE_ALL_GATHER,
						     COLLECTIVE_BROADCAST, COLLECTIVE_REDUCE, COLLECTIVE_BARRIER};
	for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
		for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
			for (uint32_t variant = 0; variant < 6; variant++) {
				uint32_t n = 1;
				for (uint32_t l = 0; l < shapes[s].n_dims; l++)
					n *= shapes[s].dims[l];
				struct collective_request request = request_of(kinds[k], n, variant == 0 ? 0 : 2 * n + 3 + variant * 11);
				if (n > 100 && variant > 1)
					continue;
				request.root = variant * 5 % n;
				request.n_dims = shapes[s].n_dims;
				request.channels = variant % 3;
				request.bidirectional = variant & 1;
				request.element_bytes = 1 + variant % 2;
				if (kinds[k] == COLLECTIVE_REDUCE_SCATTER || kinds[k] == COLLECTIVE_ALL_GATHER)
					request.bytes = n * (variant & ~1u); /* these need equal parts */
				memcpy(request.dims, shapes[s].dims, sizeof request.dims);
				verify("torus", &request, variant);
				bool trees = kinds[k] == COLLECTIVE_BROADCAST || kinds[k] == COLLECTIVE_REDUCE;
				bool parts = kinds[k] == COLLECTIVE_REDUCE_SCATTER || kinds[k] == COLLECTIVE_ALL_GATHER;
				for (uint32_t l = 0; l < 8 && kinds[k] != COLLECTIVE_BARRIER; l++)
					request.levels[l] = trees && shapes[s].levels[l]   ? (l ? "binomial" : "double_binary_tree")
							    : parts && shapes[s].levels[l] ? (l ? "halving_doubling" : "direct")
											   : shapes[s].levels[l];
				verify("hierarchical", &request, variant + 100);
			}
}

static void parts_cover_the_buffer_in_order(void **state)
{
	(void)state;
	static const int64_t sizes[] = {0, 1, 383, 384, 1000000, 1000003, INT64_C(1) << 50};
	for (size_t s = 0; s < 7; s++)
		for (uint32_t element = 1; element <= 8; element *= 2) {
			int64_t at = 0, offset, length, longest = 0;
			for (uint32_t p = 0; p < 384; p++) {
				collective_part(sizes[s], element, 384, p, &offset, &length);
				assert_int_equal(offset, at);
				assert_true(offset % element == 0 || offset == sizes[s]);
				at += length;
				longest = length > longest ? length : longest;
			}
			assert_int_equal(at, sizes[s]);
			if (element == 1)
				assert_int_equal(longest, (sizes[s] + 383) / 384);
		}
}

static void kinds_are_found_by_any_spelling(void **state)
{
	(void)state;
	static const struct { const char *name; enum collective_kind kind; } rows[] = {
		{"allreduce", COLLECTIVE_ALL_REDUCE}, {"all_reduce", COLLECTIVE_ALL_REDUCE}, {"AllReduce", COLLECTIVE_ALL_REDUCE},
		{"all-to-all-v", COLLECTIVE_ALL_TO_ALL_V}, {"reducescatter", COLLECTIVE_REDUCE_SCATTER},
		{"bcast", COLLECTIVE_BROADCAST}, {"sendrecv", COLLECTIVE_SEND_RECEIVE}, {"barrier", COLLECTIVE_BARRIER},
	};
	enum collective_kind kind;
	struct error err = {0};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(collective_kind_find(rows[i].name, &kind, &err), 0);
		assert_int_equal(kind, rows[i].kind);
	}
	assert_int_equal(collective_kind_find("alreduce", &kind, &err), -1);
	assert_string_equal(err.message, "unknown collective 'alreduce' (did you mean 'allreduce'?)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_cover_the_buffer_in_order),
		cmocka_unit_test(kinds_are_found_by_any_spelling),
		cmocka_unit_test(every_algorithm_is_right_at_awkward_counts),
		cmocka_unit_test(every_algorithm_is_right_with_channels_roots_chunks_and_elements),
		cmocka_unit_test(every_algorithm_is_right_in_any_interleaving),
		cmocka_unit_test(every_algorithm_is_right_on_384_ranks),
		cmocka_unit_test(levels_are_right_in_any_shape),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
