/* Dependencies of a file's nodes while it is read, without those that others imply.
 *
 * Converted PyTorch traces list every earlier operator that a node's tensors came from: 50 dependencies on average, of which one or
 * two say all. A dependency A of a node is left out when the node also depends on B and B depends on A: B ends after A, so the node
 * becomes ready at the same instant. One of them is always kept, so a cycle stays a cycle. B's own list must have been read lately;
 * an implied dependency that is kept costs memory and changes nothing. */
#ifndef WEFT_TRACE_CHAKRA_DEPS_H
#define WEFT_TRACE_CHAKRA_DEPS_H

#include <stddef.h>
#include <stdint.h>

struct chakra_deps {
	uint64_t *ids;          /* kept ones of all nodes, in order of the file */
	size_t n, capacity;
	uint64_t n_self;        /* dependencies of nodes on themselves, left out */
	struct chakra_seen *seen;
	uint64_t *window;       /* lists read lately, a ring */
	uint64_t window_end;    /* words ever written to it */
	struct chakra_mark *marks;
	uint32_t stamp;
	uint64_t *list;         /* the node's own, while it is reduced */
	size_t list_capacity;
};

void chakra_deps_init(struct chakra_deps *deps);
void chakra_deps_release(struct chakra_deps *deps);
/* Forgets all that was added: the lists so far were of the kind that does not count. */
void chakra_deps_clear(struct chakra_deps *deps);
/* Appends what is needed of node `id`'s list to `ids`; returns how many. */
uint32_t chakra_deps_add(struct chakra_deps *deps, uint64_t id, const uint64_t *list, uint32_t n);

#endif
