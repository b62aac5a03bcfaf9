/* What a circuit switch should connect for a given demand. Matrices are [n × n] by rows: what port i has to send to port j, in any whole
 * unit (bytes); nothing negative. A state gives every sending port at most one receiving port and the other way round. */
#ifndef WEFT_LINK_CROSS_CONNECT_H
#define WEFT_LINK_CROSS_CONNECT_H

#include <stdint.h>

#define CROSS_CONNECT_NONE UINT32_MAX

/* The state that carries most: a matching of maximum weight (Kuhn, The Hungarian method for the assignment problem, 1955; O(n³) in the
 * form with potentials). Fills peer[n], CROSS_CONNECT_NONE where port i would carry nothing; returns the weight. Sums of a row stay below
 * 2^62 / n. */
int64_t cross_connect_best(const int64_t *demand, uint32_t n, uint32_t *peer);

/* Adds to a demand until every row and column sums to the largest such sum, which is returned: the time that any schedule needs at
 * least, in units of demand over the rate of a port. */
int64_t cross_connect_fill(const int64_t *demand, uint32_t n, int64_t *filled);

/* Splits a matrix whose rows and columns all have one sum into states that each last for a while: sum over k of duration[k] × state k is the
 * matrix (Birkhoff 1946, von Neumann 1953). States of long duration come first: matchings over entries of at least a threshold that
 * is halved (as Solstice does: Liu et al., CoNEXT 2015). Calls term(context, peer, duration) for each; returns how many there were, at
 * most n² - 2n + 2 for an optimal and n² for this choice. */
uint32_t cross_connect_decompose(const int64_t *matrix, uint32_t n,
	void (*term)(void *context, const uint32_t *peer, int64_t duration), void *context);

#endif
