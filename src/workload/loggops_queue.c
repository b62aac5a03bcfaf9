#include "workload/loggops_queue.h"

#include "base/memory.h"
#include "workload/program.h"

static bool before(const struct loggops_entry *a, const struct loggops_entry *b)
{
	return a->time_ps != b->time_ps ? a->time_ps < b->time_ps : a->order < b->order;
}

static void insert_ordered(struct loggops_queue *q, struct loggops_entry entry)
{
	size_t i = q->n++;
	for (; i > 0 && before(&entry, &q->heap[(i - 1) / 4]); i = (i - 1) / 4)
		q->heap[i] = q->heap[(i - 1) / 4];
	q->heap[i] = entry;
}

static void extract_ordered(struct loggops_queue *q, struct loggops_entry last)
{
	size_t i = 0, n = q->n;
	while (4 * i + 1 < n) {
		size_t best = 4 * i + 1, end = best + 4 < n ? best + 4 : n;
		for (size_t c = best + 1; c < end; c++)
			if (before(&q->heap[c], &q->heap[best]))
				best = c;
		if (!before(&q->heap[best], &last))
			break;
		q->heap[i] = q->heap[best];
		i = best;
	}
	q->heap[i] = last;
}

/* The variant compares times only, so equal times leave in the order that its binary heap (the C++ library's push_heap and pop_heap)
 * happens to give: the hole goes down to a leaf, to the right child among equals, then the last entry comes up from there. */
static void sift_up_by_time(struct loggops_queue *q, size_t hole, struct loggops_entry entry)
{
	for (; hole > 0 && q->heap[(hole - 1) / 2].time_ps > entry.time_ps; hole = (hole - 1) / 2)
		q->heap[hole] = q->heap[(hole - 1) / 2];
	q->heap[hole] = entry;
}

static void extract_by_time(struct loggops_queue *q, struct loggops_entry last)
{
	size_t hole = 0, child = 0, n = q->n;
	while (n > 0 && child < (n - 1) / 2) {
		child = 2 * (child + 1);
		if (q->heap[child].time_ps > q->heap[child - 1].time_ps)
			child--;
		q->heap[hole] = q->heap[child];
		hole = child;
	}
	if (n > 1 && n % 2 == 0 && child == (n - 2) / 2) {
		child = 2 * child + 1;
		q->heap[hole] = q->heap[child];
		hole = child;
	}
	if (n)
		sift_up_by_time(q, hole, last);
}

void loggops_push(struct loggops_queue *q, struct loggops_entry entry)
{
	ARRAY_RESERVE(q->heap, q->n + 1, q->capacity);
	if (q->time_only)
		sift_up_by_time(q, q->n++, entry);
	else
		insert_ordered(q, entry);
}

struct loggops_entry loggops_pop(struct loggops_queue *q)
{
	struct loggops_entry top = q->heap[0], last = q->heap[--q->n];
	if (q->time_only)
		extract_by_time(q, last);
	else if (q->n)
		extract_ordered(q, last);
	return top;
}

/* As the C++ library's std::sort orders elements by a key that many share: beyond 16 it is not stable, and ties decide times. Keys are
 * (rank, kind), send before receive before the rest; elements come rank by rank. */
static uint64_t sort_key(const struct workload *w, const struct loggops_freed *f)
{
	uint8_t kind = w->programs[w->rank_program[f->rank]].ops[f->op].kind;
	return (uint64_t)f->rank << 2 | (kind == OP_SEND ? 1 : kind == OP_RECEIVE ? 2 : 3);
}

static void swap_freed(struct loggops_freed *a, struct loggops_freed *b)
{
	struct loggops_freed swap = *a;
	*a = *b;
	*b = swap;
}

/* Puts the median of a[1], a[n/2] and a[n-1] first and divides the rest by it; returns where the upper part begins. */
static size_t partition(const struct workload *w, struct loggops_freed *a, size_t n)
{
	size_t x = 1, y = n / 2, z = n - 1, low = 1, high = n;
	uint64_t kx = sort_key(w, &a[x]), ky = sort_key(w, &a[y]), kz = sort_key(w, &a[z]);
	if (kx < ky)
		swap_freed(&a[0], &a[ky < kz ? y : kx < kz ? z : x]);
	else
		swap_freed(&a[0], &a[kx < kz ? x : ky < kz ? z : y]);
	uint64_t pivot = sort_key(w, &a[0]);
	for (;; low++) {
		while (sort_key(w, &a[low]) < pivot)
			low++;
		for (high--; pivot < sort_key(w, &a[high]); high--)
			;
		if (low >= high)
			return low;
		swap_freed(&a[low], &a[high]);
	}
}

static void sort_one_rank(const struct workload *w, struct loggops_freed *a, size_t n)
{
	while (n > 16) {
		size_t cut = partition(w, a, n);
		sort_one_rank(w, a + cut, n - cut);
		n = cut;
	}
}

/* Stable: what it finishes are pieces of up to 16, and whole ranks in order of their numbers. */
static void insertion_sort(const struct workload *w, struct loggops_freed *a, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct loggops_freed value = a[i];
		uint64_t key = sort_key(w, &value);
		size_t at = i;
		for (; at > 0 && sort_key(w, &a[at - 1]) > key; at--)
			a[at] = a[at - 1];
		a[at] = value;
	}
}

void loggops_sort(const struct workload *w, struct loggops_freed *a, size_t n)
{
	for (size_t first = 0, last; first < n; first = last) {
		for (last = first + 1; last < n && a[last].rank == a[first].rank; )
			last++;
		sort_one_rank(w, a + first, last - first);
	}
	insertion_sort(w, a, n);
}

