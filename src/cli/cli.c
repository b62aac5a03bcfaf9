#define _GNU_SOURCE /* fopencookie */
#include "cli/cli.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "base/units.h"

int cli_fail(const struct error *err)
{
	fprintf(stderr, "weft: %s\n", err->message);
	return error_exit_status(err);
}

void cli_drain_json(struct json *json)
{
	fputs(json_text(json), stdout);
	json_clear(json);
}

int cli_print_json(struct json *json)
{
	fputs(json_text(json), stdout);
	json_free(json);
	return 0;
}

int cli_find_name(const char *what, const char *given, const char *const *names, size_t n, struct error *err)
{
	char known[512];
	for (size_t i = 0; i < n; i++)
		if (!strcmp(given, names[i]))
			return (int)i;
	return error_set(err, ERROR_INPUT, "unknown %s '%s'%s", what, given, text_known(known, sizeof known, given, names, n));
}

void cli_parse_number(struct argp_state *state, const char *option, const char *value, uint32_t *out)
{
	char *end;
	unsigned long number = strtoul(value, &end, 10);
	if (*end || value[0] == '-' || number < 1 || number > 100000)
		argp_error(state, "%s '%s' must be a whole number from 1 to 100000", option, value);
	*out = (uint32_t)number;
}

int cli_parse_top(const char *text, uint32_t otherwise, uint32_t *top, struct error *err)
{
	int64_t value = otherwise;
	if (text && units_parse_integer(text, QUANTITY_COUNT, &value, err))
		return error_prefix(err, "--top");
	if (value < 1)
		return error_set(err, ERROR_INPUT, "--top wants at least 1, not '%s'", text);
	*top = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
	return 0;
}

/* What stands around a subcommand's own parser: its input, and what was given, to be held against the action. */
struct parse {
	const struct argp *inner;
	void *input;
	const char *first; /* argument that is no option */
	uint64_t given;    /* bit i: the i-th option of inner->options */
};

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

static error_t parse_watched(int key, char *value, struct argp_state *state)
{
	struct parse *parse = state->input;
	const struct argp_option *options = parse->inner->options;
	for (size_t i = 0; i < 64 && options[i].name; i++)
		if (options[i].key == key)
			parse->given |= UINT64_C(1) << i;
	if (key == ARGP_KEY_ARG && state->arg_num == 0)
		parse->first = value;
	state->input = parse->input;
	error_t result = parse->inner->parser(key, value, state);
	state->input = parse;
	return result;
}

static int parse_all(struct parse *parse, int argc, char **argv)
{
	struct argp watched = *parse->inner;
	watched.parser = parse_watched;
	static const struct argp_option common[] = {{NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0}, {0}};
	const struct argp_child children[] = {{&watched, 0, NULL, 0}, {0}}; /* brings its usage and texts: given again they are printed twice */
	const struct argp outer = {.options = common, .parser = parse_common, .children = children};
	argp_err_exit_status = 2;
	return argp_parse(&outer, argc, argv, 0, NULL, parse) ? 2 : 0;
}

int cli_parse(const void *argp, int argc, char **argv, void *input)
{
	return parse_all(&(struct parse){.inner = argp, .input = input}, argc, argv);
}

/* Whether `name` is one of the words of `list`. */
static bool in_list(const char *list, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = list; (at = strstr(at, name)); at += length)
		if ((at == list || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return true;
	return false;
}

static int check_options(const struct parse *parse, const struct cli_action *actions, size_t n, const struct cli_action *action,
			 struct error *err)
{
	const struct argp_option *options = parse->inner->options;
	struct text takers = TEXT_INIT;
	for (size_t i = 0; i < 64 && options[i].name; i++) {
		if (!(parse->given >> i & 1) || in_list(action->options, options[i].name))
			continue;
		for (size_t a = 0; a < n; a++)
			if (in_list(actions[a].options, options[i].name))
				text_printf(&takers, "%s%s", takers.length ? ", " : "", actions[a].name);
		error_set(err, ERROR_INPUT, "'%s' takes no --%s (of: %s)", action->name, options[i].name, text_string(&takers));
		text_release(&takers);
		return -1;
	}
	return 0;
}

int cli_parse_action(const void *argp, const struct cli_action *actions, size_t n, int argc, char **argv, void *input, size_t *action)
{
	struct parse parse = {.inner = argp, .input = input};
	const char *names[16];
	struct error err = {0};
	*action = n;
	if (parse_all(&parse, argc, argv))
		return 2;
	if (!parse.first)
		return 0;
	for (size_t i = 0; i < n; i++)
		names[i] = actions[i].name;
	int found = cli_find_name("action", parse.first, names, n, &err);
	if (found < 0 || check_options(&parse, actions, n, &actions[found], &err))
		return cli_fail(&err);
	*action = (size_t)found;
	return 0;
}
