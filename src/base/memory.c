#include "base/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The only mutable global of the program: it serves tests and never changes a result. */
static uint64_t n_allocations;

uint64_t memory_count(void) { return n_allocations; }

_Noreturn void memory_failed(size_t size)
{
	fprintf(stderr, "weft: out of memory (%zu bytes wanted)\n", size);
	exit(2);
}

void *memory_alloc(size_t size)
{
	void *memory;
	n_allocations++;
	memory = malloc(size);
	if (!memory && size)
		memory_failed(size);
	return memory;
}

void *memory_zero(size_t count, size_t size)
{
	void *memory;
	n_allocations++;
	memory = calloc(count, size);
	if (!memory && count && size)
		memory_failed(count * size);
	return memory;
}

void *memory_lines(size_t count, size_t size)
{
	size_t bytes = (count * size + 63) / 64 * 64;
	void *memory;
	n_allocations++;
	memory = aligned_alloc(64, bytes);
	if (!memory)
		memory_failed(bytes);
	return memset(memory, 0, bytes);
}

void *memory_resize(void *old, size_t count, size_t size)
{
	size_t bytes;
	void *memory;
	if (__builtin_mul_overflow(count, size, &bytes))
		memory_failed(SIZE_MAX);
	n_allocations++;
	memory = realloc(old, bytes);
	if (!memory && bytes)
		memory_failed(bytes);
	return memory;
}

char *memory_text(const char *text)
{
	size_t size = strlen(text) + 1;
	return memcpy(memory_alloc(size), text, size);
}

struct arena_block {
	struct arena_block *older;
	max_align_t data[];
};

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = sizeof(max_align_t);
	size = (size + align - 1) / align * align;
	if (size > arena->capacity - arena->used || !arena->blocks) {
		size_t capacity = arena->capacity < 1u << 12 ? 1u << 12 : arena->capacity * 2;
		if (capacity > 1u << 22)
			capacity = 1u << 22;
		if (capacity < size)
			capacity = size;
		struct arena_block *block = memory_zero(1, sizeof *block + capacity);
		block->older = arena->blocks;
		arena->blocks = block;
		arena->capacity = capacity;
		arena->used = 0;
		arena->total_bytes += capacity;
	}
	void *memory = (char *)arena->blocks->data + arena->used;
	arena->used += size;
	return memory;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		memory_failed(SIZE_MAX);
	return arena_alloc(arena, bytes);
}

char *arena_text(struct arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;
	return memcpy(arena_alloc(arena, size), text, size);
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	assert(length >= 0);
	char *text = arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	va_end(arguments);
	return text;
}

void arena_adopt(struct arena *arena, struct arena *other)
{
	struct arena_block **last = &arena->blocks;
	while (*last)
		last = &(*last)->older;
	*last = other->blocks; /* at the end: the newest block of `arena` stays the one with room */
	if (arena->blocks == other->blocks) {
		arena->used = other->used;
		arena->capacity = other->capacity;
	}
	arena->total_bytes += other->total_bytes;
	memset(other, 0, sizeof *other);
}

void arena_release(struct arena *arena)
{
	struct arena_block *block = arena->blocks;
	while (block) {
		struct arena_block *older = block->older;
		free(block);
		block = older;
	}
	memset(arena, 0, sizeof *arena);
}

void *array_reserve(void *array, size_t element_size, size_t need, size_t *capacity)
{
	if (need <= *capacity)
		return array;
	size_t wanted = *capacity < 8 ? 8 : *capacity;
	while (wanted < need)
		wanted = wanted > SIZE_MAX / 2 ? need : wanted * 2;
	array = memory_resize(array, wanted, element_size);
	*capacity = wanted;
	return array;
}

void pool_init(struct pool *pool, size_t object_size)
{
	assert(object_size > 0 && object_size <= UINT32_MAX);
	memset(pool, 0, sizeof *pool);
	pool->object_size = (uint32_t)object_size;
	pool->free_head = POOL_NONE;
}

void pool_release(struct pool *pool)
{
	free(pool->objects);
	free(pool->next);
	memset(pool, 0, sizeof *pool);
}

uint32_t pool_take(struct pool *pool)
{
	if (pool->free_head == POOL_NONE) {
		uint32_t old = pool->capacity, grown = old ? old * 2 : 64;
		if (grown <= old || grown >= POOL_USED)
			memory_failed(SIZE_MAX);
		pool->objects = memory_resize(pool->objects, grown, pool->object_size);
		pool->next = memory_resize(pool->next, grown, sizeof *pool->next);
		for (uint32_t i = grown; i-- > old;) {
			pool->next[i] = pool->free_head;
			pool->free_head = i;
		}
		pool->capacity = grown;
	}
	uint32_t index = pool->free_head;
	pool->free_head = pool->next[index];
	pool->next[index] = POOL_USED;
	pool->n_used++;
	return index;
}

void pool_give(struct pool *pool, uint32_t index)
{
	assert(index < pool->capacity && pool->next[index] == POOL_USED);
	pool->next[index] = pool->free_head;
	pool->free_head = index;
	pool->n_used--;
}
