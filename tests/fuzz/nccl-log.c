#include "fuzz.h"

#include "cli/nccl_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = fuzz_file(data, size, path, sizeof path);
	struct nccl_row *rows;
	struct error err = {0};
	size_t n;
	if (nccl_log_read(path, &rows, &n, &err) && !err.message[0])
		abort();
	free(rows);
	close(fd);
	return 0;
}
