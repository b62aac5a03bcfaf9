/* The proof can fail: schedules broken on purpose, one change each, are caught under every interleaving, with a message that says how. */
#include "check.h"

#include "base/error.h"
#include "collective/collective.h"

typedef void mutator(struct collective_step *step, uint32_t rank, uint32_t thread, uint32_t i);

static const struct collective_algorithm *original;
static mutator *mutate;

static void mutated_step(const struct collective_plan *plan, uint32_t rank, uint32_t thread, uint32_t i, struct collective_step *step)
{
	original->step(plan, rank, thread, i, step);
	mutate(step, rank, thread, i);
}

#define MUTATION(name, condition, change) \
	static void name(struct collective_step *step, uint32_t rank, uint32_t thread, uint32_t i) \
	{ \
		(void)rank, (void)thread, (void)i; \
		if (condition) { \
			change; \
		} \
	}
MUTATION(nothing, false, (void)step)
MUTATION(forget_to_add, rank == 2 && i == 1, step->actions &= (uint8_t)~STEP_REDUCE)
MUTATION(add_where_replacing, rank == 2 && i == 5, step->actions |= STEP_REDUCE)
MUTATION(send_another_part, rank == 1 && i == 0, step->out.offset = step->out.offset ? 0 : step->out.bytes)
MUTATION(receive_elsewhere, rank == 1 && i == 0, step->in.offset = step->in.offset ? 0 : step->in.bytes)
MUTATION(send_less, rank == 3 && i == 2, step->out.bytes--)
MUTATION(send_to_another, rank == 0 && i == 1, step->to = 2)
MUTATION(send_to_nobody, rank == 0 && i == 1, step->to = 77)
MUTATION(send_to_another_step, rank == 0 && i == 1, step->to_step++)
MUTATION(do_not_receive, rank == 4 && i == 3, step->actions = STEP_SEND)
MUTATION(do_not_send, rank == 4 && i == 3, step->actions &= (uint8_t)~STEP_SEND)
MUTATION(receive_from_another, rank == 4 && i == 3, step->from = 1)
MUTATION(run_over_the_end, rank == 4 && i == 0, step->out.offset = 1000000)
MUTATION(wait_for_itself, rank == 1 && i == 2, step->n_waits = 1; step->waits[0].step = 3)
MUTATION(wait_in_a_circle, rank == 1 && i == 1, step->n_waits = 1; step->waits[0].thread = 1 - thread; step->waits[0].step = 1)
MUTATION(wait_for_no_step, rank == 1 && i == 1, step->n_waits = 1; step->waits[0].step = 100)
MUTATION(forget_to_wait, true, step->n_waits = 0)
MUTATION(forget_one_wait, rank == 3 && thread == 1, step->n_waits = 0)
MUTATION(forget_first, i == 0 && rank == 1, step->actions = 0)
MUTATION(skip_a_round, i == 1, step->actions = 0)
MUTATION(replace_while_sending, i == 1, step->actions &= (uint8_t)~STEP_REDUCE)
MUTATION(copy_and_send, rank == 0 && i == 0, step->actions |= STEP_COPY)
MUTATION(all_threads_on_one_part, thread == 1, step->out.bytes = step->in.bytes = 0)

static const struct {
	const char *algorithm;
	enum collective_kind kind;
	uint32_t n, channels;
	mutator *mutate;
	const char *says;
} rows[] = {
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, forget_to_add, "wrong value, not the sum"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, add_where_replacing, "wrong value, not the sum"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, send_another_part, "wrong value, not the sum"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, receive_elsewhere, "wrong value, not the sum"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, send_less, "sends 11 bytes where"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, send_to_another, "unmatched message"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, send_to_nobody, "which does not exist"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, send_to_another_step, "unmatched message"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, do_not_receive, "unmatched message"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, do_not_send, "deadlock: waits for a message from rank 4"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, receive_from_another, "unmatched message"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, run_over_the_end, "are outside a buffer"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, wait_for_itself, "deadlock: waits for"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 2, wait_in_a_circle, "deadlock: waits for"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, wait_for_no_step, "which does not exist"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 1, copy_and_send, "do not go together"},
	{"ring", COLLECTIVE_ALL_REDUCE, 5, 2, all_threads_on_one_part, "wrong value, not the sum"},
	{"ring", COLLECTIVE_ALL_GATHER, 5, 1, send_another_part, "which was never written"},
	{"recursive_doubling", COLLECTIVE_ALL_REDUCE, 8, 1, replace_while_sending, ""}, /* a race, or the wrong values it leaves */
	{"recursive_doubling", COLLECTIVE_BARRIER, 8, 1, skip_a_round, "leaves the barrier when only 4 of 8"},
	{"direct", COLLECTIVE_ALL_REDUCE, 5, 1, forget_to_wait, ""},
	{"direct", COLLECTIVE_ALL_REDUCE, 5, 1, forget_one_wait, ""},
	{"double_binary_tree", COLLECTIVE_ALL_REDUCE, 5, 1, forget_to_wait, ""},
	{"bruck", COLLECTIVE_ALL_GATHER, 5, 1, forget_first, "which was never written"},
	{"bruck", COLLECTIVE_ALL_TO_ALL, 5, 1, forget_first, "never written"},
	{"pairwise", COLLECTIVE_ALL_TO_ALL, 5, 1, forget_first, "never written"},
};

static int run(size_t row, uint64_t seed, struct error *err)
{
	struct collective_request request = {
		.kind = rows[row].kind, .n_ranks = rows[row].n, .bytes = 61, .channels = rows[row].channels, .chunk_bytes = 10,
	};
	struct collective_plan plan;
	struct collective_algorithm mutant;
	assert_int_equal(collective_plan_init(&plan, rows[row].algorithm, &request, 1000, 1, err), 0);
	original = plan.algorithm;
	mutant = *original;
	mutant.step = mutated_step;
	plan.algorithm = &mutant;
	int status = collective_verify(&plan, seed, err);
	collective_plan_release(&plan);
	return status;
}

static void broken_schedules_are_caught_under_every_interleaving(void **state)
{
	(void)state;
	for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
		for (uint64_t seed = 0; seed < 40; seed++) {
			struct error err = {0};
			mutate = nothing;
			if (run(row, seed, &err))
				fail_msg("row %zu: the schedule as it is: %s", row, err.message);
			mutate = rows[row].mutate;
			if (run(row, seed, &err) == 0)
				fail_msg("row %zu (%s), seed %llu: not caught", row, rows[row].algorithm, (unsigned long long)seed);
			if (!strstr(err.message, rows[row].says))
				fail_msg("row %zu (%s), seed %llu: '%s' does not say '%s'", row, rows[row].algorithm,
					 (unsigned long long)seed, err.message, rows[row].says);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(broken_schedules_are_caught_under_every_interleaving)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
