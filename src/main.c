/* weft COMMAND …: finds the subcommand and runs it. A run from scenario to timeline is src/cli/run.c. */
#include <errno.h>
#include <gsl/gsl_errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"

static void print_help(FILE *out)
{
	fputs("Usage: weft COMMAND [ARGUMENT...]\n"
	      "Simulates all-reduce, pipeline and recorded training traffic over optical and electrical interconnects.\n\n", out);
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n`weft COMMAND --help` explains each. Exit status: 0 done, 1 the simulated system failed, 2 bad usage or input or the\n"
	      "host failed, 3 a check or comparison found a difference.\n", out);
}

/* What did not reach its reader was not done: a full disk behind a redirection must not look like success. A closed pipe (`| head`)
 * ends the process by SIGPIPE before this. */
static int close_output(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "weft: cannot write to standard output: %s\n", strerror(errno));
	return 2;
}

int main(int argc, char **argv)
{
	const char *names[64];
	size_t n = 0;
	gsl_set_error_handler_off();
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(), with a message */
	if (argc < 2 || !strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help(argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : close_output(0);
	}
	if (!strcmp(argv[1], "--version")) {
		puts("weft " WEFT_VERSION);
		return close_output(0);
	}
	for (; commands[n]; n++) {
		names[n] = commands[n]->name;
		if (!strcmp(argv[1], names[n])) {
			char name[64];
			snprintf(name, sizeof name, "weft %s", names[n]);
			argv[1] = name;
			return close_output(commands[n]->run(argc - 1, argv + 1));
		}
	}
	char known[512];
	fprintf(stderr, "weft: unknown command '%s'%s\n", argv[1], text_known(known, sizeof known, argv[1], names, n));
	return 2;
}
