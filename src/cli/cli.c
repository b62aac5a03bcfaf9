#include "cli/cli.h"

#include <argp.h>
#include <stdio.h>

int cli_fail(const struct error *err)
{
	fprintf(stderr, "weft: %s\n", err->message);
	return error_exit_status(err);
}

int cli_parse(const void *argp, int argc, char **argv, void *input)
{
	argp_err_exit_status = 2;
	return argp_parse(argp, argc, argv, 0, NULL, input) ? 2 : 0;
}
