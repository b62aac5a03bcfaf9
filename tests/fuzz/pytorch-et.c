#include "fuzz.h"

FUZZ_TRACE("pytorch-et")
