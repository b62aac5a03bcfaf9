#include "cli/commands.h"

#include <stddef.h>

const struct command *const commands[] = {
	NULL,
};
