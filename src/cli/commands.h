/* Every subcommand, in the order of `weft --help`: a new one adds its file, a declaration here and a line in commands.c. */
#ifndef WEFT_CLI_COMMANDS_H
#define WEFT_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct command command_run, command_replay, command_perf;
extern const struct command command_topology;

extern const struct command command_collective, command_link;
extern const struct command command_timeline, command_diff, command_explain, command_check;
extern const struct command command_trace, command_fit, command_goodput;
extern const struct command *const commands[]; /* NULL at the end */

#endif
