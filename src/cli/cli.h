/* The command line: one file per subcommand, each with a constant table entry. Only this folder prints or exits. */
#ifndef WEFT_CLI_CLI_H
#define WEFT_CLI_CLI_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct json;
struct argp_state;

/* A subcommand gets argv[0] = "weft NAME" and returns the exit status of design §3. It parses with argp (long options, --help of
 * manual quality), prints results to standard output and messages to standard error. */
struct command {
	const char *name;
	const char *summary; /* one line of `weft --help` */
	int (*run)(int argc, char **argv);
};

/* What the first argument of a command with several actions may be. */
struct cli_action {
	const char *name;
	const char *options; /* the long options that it looks at, separated by spaces: any other is refused, not ignored */
};

/* Prints "weft: MESSAGE" on standard error and returns the error's exit status. */
int cli_fail(const struct error *err);
/* argp_parse for a subcommand: bad usage prints one line and exits 2 (not argp's 64). `argp` is a const struct argp *. */
int cli_parse(const void *argp, int argc, char **argv, void *input);
/* The same where the first argument is one of n actions: 0 and its index, or 2 after a line about an action that is not known or an
 * option that it does not take. Without any argument *action is n. */
int cli_parse_action(const void *argp, const struct cli_action *actions, size_t n, int argc, char **argv, void *input, size_t *action);
/* Prints the finished object and frees it; returns 0. */
int cli_print_json(struct json *json);
/* Prints what there is of a long document, which goes on. */
void cli_drain_json(struct json *json);
/* `option` as one of n names: its index, or -1 and an error that names them. */
int cli_find_name(const char *what, const char *given, const char *const *names, size_t n, struct error *err);
/* The value of an option that is a whole number from 1 to 100000; anything else is bad usage of the command that is being parsed. */
void cli_parse_number(struct argp_state *state, const char *option, const char *value, uint32_t *out);
/* --top N: how many rows, at least 1; `otherwise` when it was not given (NULL). */
int cli_parse_top(const char *text, uint32_t otherwise, uint32_t *top, struct error *err);

#endif
