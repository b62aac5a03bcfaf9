#include "cli/commands.h"

#include <stddef.h>

const struct command *const commands[] = {
	&command_run, &command_replay, &command_perf,
	&command_topology,
	&command_link,
	&command_collective,
	&command_trace,
	&command_timeline, &command_diff, &command_explain, &command_check,
	&command_fit,
	&command_goodput,
	NULL,
};
