/* The order of a program's operations: dependencies, streams, cycles. */
#include <stdlib.h>
#include <string.h>

#include "workload/prepared.h"

/* Fills next_in_stream and need (dependencies and the stream's previous operation). */
static void prepare_streams(struct prepared *prepared, const struct program *program)
{
	uint32_t *last = memory_alloc(program->n_streams * sizeof *last);
	for (uint32_t s = 0; s < program->n_streams; s++)
		last[s] = UINT32_MAX;
	for (uint32_t i = 0; i < program->n_ops; i++) {
		const struct op *op = &program->ops[i];
		prepared->next_in_stream[i] = UINT32_MAX;
		prepared->need[i] = (uint16_t)op->n_deps;
		if (op->stream == STREAM_NONE || program->ready_order)
			continue;
		if (last[op->stream] != UINT32_MAX) {
			prepared->next_in_stream[last[op->stream]] = i;
			prepared->need[i]++;
		}
		last[op->stream] = i;
	}
	free(last);
}

/* Who depends on an operation: the dependencies the other way round, in increasing order. */
static void prepare_dependents(struct prepared *prepared, const struct program *program)
{
	uint32_t *first = prepared->dependent_first;
	memset(first, 0, ((size_t)program->n_ops + 1) * sizeof *first);
	for (uint32_t i = 0; i < program->n_ops; i++)
		for (uint32_t d = 0; d < program->ops[i].n_deps; d++)
			first[(program->deps[program->ops[i].first_dep + d] & ~DEP_START) + 1]++;
	for (uint32_t i = 0; i < program->n_ops; i++)
		first[i + 1] += first[i];
	uint32_t *fill = memory_alloc(((size_t)program->n_ops + 1) * sizeof *fill);
	memcpy(fill, first, program->n_ops * sizeof *fill);
	for (uint32_t i = 0; i < program->n_ops; i++)
		for (uint32_t d = 0; d < program->ops[i].n_deps; d++) {
			uint32_t dep = program->deps[program->ops[i].first_dep + d];
			prepared->dependents[fill[dep & ~DEP_START]++] = i | (dep & DEP_START);
		}
	free(fill);
}

/* The k-th collective of a slot in issue order gets sequence k. */
static void prepare_sequence(struct prepared *prepared, const struct program *program, uint32_t n_slots, const uint32_t *order)
{
	uint32_t *count = memory_zero(n_slots ? n_slots : 1, sizeof *count);
	for (uint32_t k = 0; k < prepared->n_ordered; k++) {
		const struct op *op = &program->ops[order[k]];
		if (op->kind == OP_COLLECTIVE && op->group_slot < n_slots)
			prepared->sequence[order[k]] = count[op->group_slot]++;
	}
	free(count);
}

static bool runs_in_order(const struct program *program)
{
	for (uint32_t i = 0; i < program->n_ops; i++)
		for (uint32_t d = 0; d < program->ops[i].n_deps; d++)
			if ((program->deps[program->ops[i].first_dep + d] & ~DEP_START) >= i)
				return false;
	return true;
}

void heap_push(uint64_t *heap, uint32_t *n, uint64_t value)
{
	uint32_t i = (*n)++;
	for (; i > 0 && heap[(i - 1) / 2] > value; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = value;
}

uint64_t heap_pop(uint64_t *heap, uint32_t *n)
{
	uint64_t top = heap[0], last = heap[--*n];
	uint32_t i = 0;
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child >= *n)
			break;
		if (child + 1 < *n && heap[child + 1] < heap[child])
			child++;
		if (heap[child] >= last)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return top;
}

static void release_one(uint16_t *need, uint64_t *heap, uint32_t *n, uint32_t op)
{
	if (--need[op] == 0)
		heap_push(heap, n, op);
}

static uint32_t order_by_heap(const struct prepared *prepared, const struct program *program, uint32_t *order)
{
	uint64_t *heap = memory_alloc(((size_t)program->n_ops + 1) * sizeof *heap);
	uint32_t n_heap = 0;
	uint16_t *need = memory_alloc(((size_t)program->n_ops + 1) * sizeof *need);
	uint32_t n = 0;
	memcpy(need, prepared->need, program->n_ops * sizeof *need);
	for (uint32_t i = 0; i < program->n_ops; i++)
		if (!need[i])
			heap_push(heap, &n_heap, i);
	while (n_heap) {
		uint32_t i = (uint32_t)heap_pop(heap, &n_heap);
		order[n++] = i;
		for (uint32_t d = prepared->dependent_first[i]; d < prepared->dependent_first[i + 1]; d++)
			release_one(need, heap, &n_heap, prepared->dependents[d] & ~DEP_START);
		if (prepared->next_in_stream[i] != UINT32_MAX)
			release_one(need, heap, &n_heap, prepared->next_in_stream[i]);
	}
	free(heap);
	free(need);
	return n;
}

static uint32_t order_as_written(const struct program *program, uint32_t *order)
{
	for (uint32_t i = 0; i < program->n_ops; i++)
		order[i] = i;
	return program->n_ops;
}

static uint32_t order_program(const struct prepared *prepared, const struct program *program, uint32_t *order)
{
	return runs_in_order(program) ? order_as_written(program, order) : order_by_heap(prepared, program, order);
}

static void prepare_graph(struct prepared *prepared, const struct program *program)
{
	size_t n = (size_t)program->n_ops + 1;
	prepared->program = program;
	prepared->next_in_stream = memory_alloc(n * sizeof *prepared->next_in_stream);
	prepared->need = memory_alloc(n * sizeof *prepared->need);
	prepared->dependent_first = memory_alloc(n * sizeof *prepared->dependent_first);
	prepared->dependents = memory_alloc(((size_t)program->n_deps + 1) * sizeof *prepared->dependents);
	prepare_streams(prepared, program);
	prepare_dependents(prepared, program);
}

void prepared_init(struct prepared *prepared, const struct program *program, uint32_t n_slots)
{
	size_t n = (size_t)program->n_ops + 1;
	prepare_graph(prepared, program);
	prepared->sequence = memory_zero(n, sizeof *prepared->sequence);
	prepared->wildcards = false;
	for (uint32_t i = 0; i < program->n_ops; i++)
		if (program->ops[i].kind == OP_RECEIVE && (program->ops[i].peer == ANY_SOURCE || program->ops[i].tag == ANY_TAG))
			prepared->wildcards = true;
	uint32_t *order = memory_alloc(n * sizeof *order);
	prepared->n_ordered = order_program(prepared, program, order);
	prepare_sequence(prepared, program, n_slots, order);
	free(order);
}

void prepared_release(struct prepared *prepared)
{
	free(prepared->next_in_stream);
	free(prepared->need);
	free(prepared->dependent_first);
	free(prepared->dependents);
	free(prepared->sequence);
	memset(prepared, 0, sizeof *prepared);
}

uint32_t program_order(const struct program *program, uint32_t *order)
{
	struct prepared prepared = {0};
	if (runs_in_order(program)) /* most are written so: no graph is needed */
		return order_as_written(program, order);
	prepare_graph(&prepared, program);
	uint32_t n = order_by_heap(&prepared, program, order);
	prepared_release(&prepared);
	return n;
}
