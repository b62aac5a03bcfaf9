/* The command line: one file per subcommand, each with a constant table entry. Only this folder prints or exits. */
#ifndef WEFT_CLI_CLI_H
#define WEFT_CLI_CLI_H

#include "base/error.h"

/* A subcommand gets argv[0] = "weft NAME" and returns the exit status of design §3. It parses with argp (long options, --help of
 * manual quality), prints results to standard output and messages to standard error. */
struct command {
	const char *name;
	const char *summary; /* one line of `weft --help` */
	int (*run)(int argc, char **argv);
};

/* Prints "weft: MESSAGE" on standard error and returns the error's exit status. */
int cli_fail(const struct error *err);
/* argp_parse for a subcommand: bad usage prints one line and exits 2 (not argp's 64). `argp` is a const struct argp *. */
int cli_parse(const void *argp, int argc, char **argv, void *input);

#endif
