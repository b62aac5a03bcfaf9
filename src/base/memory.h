/* Three lifetimes, three answers: an arena for what lives as long as a run or a collective, a pool for what lives as long
 * as a message, packet or flow, and growable arrays for the rest.
 *
 * Running out of host memory ends the process through memory_failed(): see docs/decisions.md. Sizes that come from input
 * are checked against stated limits before they reach an allocation. */
#ifndef WEFT_BASE_MEMORY_H
#define WEFT_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Like malloc, calloc and realloc, but never return NULL for a size > 0. Free with free(). */
void *memory_alloc(size_t size);
void *memory_zero(size_t count, size_t size);
/* Zeros that begin at a cache line (64 bytes): for elements that are whole lines. */
void *memory_lines(size_t count, size_t size);
void *memory_resize(void *old, size_t count, size_t size);
char *memory_text(const char *text);
/* What happens when there is no memory: writes one line to standard error and exits with status 2. */
_Noreturn void memory_failed(size_t size);
/* Allocations made so far: tests assert that a warm event loop makes none. */
uint64_t memory_count(void);

struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t used, capacity; /* of the newest block */
	size_t total_bytes;    /* asked of the host */
};

#define ARENA_INIT {0}
void *arena_alloc(struct arena *arena, size_t size);                /* zeroed, aligned for any object */
void *arena_array(struct arena *arena, size_t count, size_t size);  /* overflow-checked */
char *arena_text(struct arena *arena, const char *text);
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_adopt(struct arena *arena, struct arena *other);         /* what `other` holds lives as long as `arena`; empties it */
void arena_release(struct arena *arena); /* frees everything; the arena can be used again */

/* Makes room for at least `need` elements in a growable array of *capacity elements, doubling. */
void *array_reserve(void *array, size_t element_size, size_t need, size_t *capacity);
#define ARRAY_RESERVE(array, need, capacity) \
	((array) = array_reserve((array), sizeof *(array), (need), &(capacity)))

/* Fixed-size objects by 32-bit index, recycled last-in first-out; memory grows with what is in flight. Objects are
 * addressed as pool_at(), and their addresses change when the pool grows: keep indices, not pointers. */
struct pool {
	char *objects;
	uint32_t *next;    /* free list, POOL_NONE ends it; POOL_USED marks a live object */
	uint32_t free_head, n_used, capacity;
	uint32_t object_size;
};
#define POOL_NONE UINT32_MAX
#define POOL_USED (UINT32_MAX - 1)
void pool_init(struct pool *pool, size_t object_size);
void pool_release(struct pool *pool);
uint32_t pool_take(struct pool *pool); /* not zeroed */
void pool_give(struct pool *pool, uint32_t index);
static inline void *pool_at(const struct pool *pool, uint32_t index)
{
	return pool->objects + (size_t)index * pool->object_size;
}

#endif
