#include "fuzz.h"

#include "base/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct error err = {0};
	if (!tree_parse((const char *)data, size, "fuzz", &arena, &err) && !err.message[0])
		abort();
	arena_release(&arena);
	return 0;
}
