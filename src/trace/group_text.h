/* Process groups as PyTorch prints them into its traces: a list of {"pg_name": "0", …, "ranks": [0, 1], …}, quoted and escaped in
 * whatever way the writer around it does. */
#ifndef WEFT_TRACE_GROUP_TEXT_H
#define WEFT_TRACE_GROUP_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* A group of the text: its name, and its members as they are written, "0, 1" (perhaps none: all ranks, or not said). */
struct group_text {
	const char *name, *ranks;
	size_t name_length, ranks_length;
};
/* The next group at or after *at, which moves behind it; 0 when there is none. */
int group_text_next(const char **at, const char *end, struct group_text *group);
/* The numbers of a list, at most `most` of them are kept; returns how many there are. */
uint32_t group_text_ranks(const char *list, size_t n, uint32_t *ranks, uint32_t most);

#endif
