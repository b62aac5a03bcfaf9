#define _GNU_SOURCE /* fopencookie */
#include "cli/cli.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

int cli_fail(const struct error *err)
{
	fprintf(stderr, "weft: %s\n", err->message);
	return error_exit_status(err);
}

/* argp follows a message with a line "Try `weft run --help' …": messages are one line here, so that line is dropped. */
static ssize_t write_without_hint(void *unused, const char *bytes, size_t length)
{
	(void)unused;
	if (length < 5 || memcmp(bytes, "Try `", 5))
		fwrite(bytes, 1, length, stderr);
	return (ssize_t)length;
}

static error_t parse_common(int key, char *value, struct argp_state *state)
{
	(void)value;
	if (key == 'h')
		argp_state_help(state, state->out_stream, ARGP_HELP_STD_HELP);
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	FILE *messages = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_without_hint});
	if (messages) {
		setvbuf(messages, NULL, _IOLBF, BUFSIZ);
		state->err_stream = messages; /* lives until the process ends: argp exits by itself */
	}
	state->child_inputs[0] = state->input;
	return 0;
}

int cli_parse(const void *argp, int argc, char **argv, void *input)
{
	const struct argp *inner = argp;
	static const struct argp_option common[] = {{NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0}, {0}};
	const struct argp_child children[] = {{inner, 0, NULL, 0}, {0}}; /* brings its usage and texts: given again they are printed twice */
	const struct argp outer = {.options = common, .parser = parse_common, .children = children};
	argp_err_exit_status = 2;
	return argp_parse(&outer, argc, argv, 0, NULL, input) ? 2 : 0;
}
