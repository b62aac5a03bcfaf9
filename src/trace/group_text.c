#include "trace/group_text.h"

#include <stdbool.h>
#include <string.h>

static const char *find(const char *at, const char *end, const char *word)
{
	size_t n = strlen(word);
	for (; (size_t)(end - at) >= n && (at = memchr(at, word[0], (size_t)(end - at) - n + 1)); at++)
		if (!memcmp(at, word, n))
			return at;
	return NULL;
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':' || c == '-';
}

int group_text_next(const char **at, const char *end, struct group_text *group)
{
	static const char key[] = "pg_name", members[] = "ranks";
	const char *start = find(*at, end, key);
	if (!start)
		return 0;
	start += sizeof key - 1;
	while (start < end && (!is_name(*start) || *start == ':')) /* quotes, backslashes, the colon */
		start++;
	*group = (struct group_text){.name = start, .ranks = start};
	while (start < end && is_name(*start))
		start++;
	group->name_length = (size_t)(start - group->name);
	const char *next = find(start, end, key), *limit = next ? next : end;
	const char *list = find(start, limit, members), *open = list ? memchr(list, '[', (size_t)(limit - list)) : NULL;
	const char *close = open ? memchr(open, ']', (size_t)(limit - open)) : NULL;
	if (close) {
		group->ranks = open + 1;
		group->ranks_length = (size_t)(close - open - 1);
	}
	*at = limit;
	return 1;
}

uint32_t group_text_ranks(const char *list, size_t n, uint32_t *ranks, uint32_t most)
{
	uint32_t count = 0;
	for (size_t i = 0; i < n;) {
		uint64_t value = 0;
		if (list[i] < '0' || list[i] > '9') {
			i++;
			continue;
		}
		for (; i < n && list[i] >= '0' && list[i] <= '9'; i++)
			value = value > UINT32_MAX ? value : value * 10 + (uint64_t)(list[i] - '0');
		if (count < most)
			ranks[count] = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
		count++;
	}
	return count;
}
