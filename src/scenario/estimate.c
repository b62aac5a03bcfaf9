/* What a run would cost, for --dry-run: messages counted from the schedules themselves, the rest from what a message costs. */
#include <stdlib.h>
#include <string.h>

#include "scenario/scenario.h"
#include "scenario/simulation.h"
#include "workload/program.h"

/* Sending steps of one rank in one collective call. Ranks of a group send alike within a factor of two at most (trees), so one in
 * the middle stands for all. */
static double messages_of_call(const struct collective_call *call, const struct workload *workload, uint32_t n_ranks)
{
	struct collective_request request = {.kind = call->kind, .n_ranks = n_ranks, .root = call->root, .bytes = call->bytes,
		.element_bytes = 1, .channels = call->channels, .bidirectional = call->bidirectional, .chunk_bytes = call->chunk_bytes,
		.n_dims = call->n_dims, .counts = call->counts, .file = call->file};
	const char *algorithm = call->algorithm ? call->algorithm : workload->algorithm ? workload->algorithm : "auto";
	struct collective_plan plan;
	double steps = 0;
	memcpy(request.dims, call->dims, sizeof request.dims);
	memcpy(request.levels, call->levels, sizeof request.levels);
	if (collective_plan_init(&plan, algorithm, &request, 1e6, 0.02, NULL))
		return 0;
	for (uint32_t thread = 0; thread < plan.n_threads; thread++)
		steps += plan.algorithm->n_steps(&plan, n_ranks / 2, thread);
	collective_plan_release(&plan);
	return steps;
}

static double messages_of_rank(const struct workload *workload, uint32_t rank)
{
	const struct program *program = &workload->programs[workload->rank_program[rank]];
	double messages = 0;
	for (uint32_t i = 0; i < program->n_ops; i++) {
		const struct op *op = &program->ops[i];
		if (op->kind == OP_SEND)
			messages += 1;
		if (op->kind == OP_COLLECTIVE) {
			uint32_t group = workload->rank_groups[(size_t)rank * workload->n_slots + op->group_slot];
			messages += messages_of_call(&program->calls[op->amount], workload, workload->groups[group].n_ranks);
		}
	}
	return messages;
}

static double operations(const struct simulation *simulation)
{
	double n = 0;
	for (uint32_t w = 0; w < simulation->n_workloads; w++)
		for (uint32_t p = 0; p < simulation->workloads[w]->n_programs; p++)
			n += simulation->workloads[w]->programs[p].n_ops;
	return n;
}

void simulation_estimate(const struct simulation *simulation, struct simulation_estimate *estimate)
{
	const struct scenario *scenario = simulation->scenario;
	double n_links = simulation->fabric.n_links;
	memset(estimate, 0, sizeof *estimate);
	for (uint32_t w = 0; w < simulation->n_workloads; w++) {
		const struct workload *workload = simulation->workloads[w];
		double *of_program = memory_zero(workload->n_programs + 1, sizeof *of_program);
		for (uint32_t r = 0; r < workload->n_ranks; r++) { /* ranks that share a program do the same */
			double *n = &of_program[workload->rank_program[r]];
			*n = *n > 0 ? *n : messages_of_rank(workload, r);
			estimate->messages += *n;
		}
		free(of_program);
	}
	/* A message starts, leaves, arrives: at most three events; what is in flight at once is a few messages per rank. */
	estimate->events = 3 * estimate->messages + operations(simulation);
	estimate->memory_bytes = 12e6 + 600 * n_links + 2000.0 * simulation->n_ranks + 100 * operations(simulation) +
		(scenario->output.timeline ? 15e6 + 5000 * n_links : 0);
	/* Measured on the examples: bins of links that do alike compress to a few hundred bytes per link, records to a third. */
	estimate->file_bytes = scenario->output.timeline ? 4e5 + 300 * n_links + (scenario->output.detail > 0 ? 20 * estimate->messages : 0) +
		(scenario->output.detail > 1 ? 60 * estimate->messages : 0) : 0;
	if (estimate->file_bytes > (double)scenario->output.size_limit_bytes)
		estimate->file_bytes = (double)scenario->output.size_limit_bytes;
}
