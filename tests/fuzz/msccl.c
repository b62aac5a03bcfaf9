#include "fuzz.h"

#include "collective/msccl_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = fuzz_file(data, size, path, sizeof path);
	struct msccl_file file;
	struct error err = {0};
	if (msccl_read(&file, path, &err) && !err.message[0])
		abort();
	msccl_release(&file);
	close(fd);
	return 0;
}
