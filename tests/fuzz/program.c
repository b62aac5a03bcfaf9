#include "fuzz.h"

FUZZ_TRACE("program")
