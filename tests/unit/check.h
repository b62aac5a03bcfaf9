/* What every unit test includes: cmocka and the few headers it needs first. */
#ifndef WEFT_TESTS_CHECK_H
#define WEFT_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The folder of recorded data, or NULL after saying that the test skips. */
static inline const char *check_data_folder(void)
{
	const char *folder = getenv("WEFT_DATA");
	FILE *file;
	char path[4096];
	if (!folder)
		folder = "../shared/data";
	snprintf(path, sizeof path, "%s/FORMATS.md", folder);
	file = fopen(path, "r");
	if (!file) {
		printf("no data in '%s' (WEFT_DATA): skipped\n", folder);
		return NULL;
	}
	fclose(file);
	return folder;
}

#endif
