#include "fuzz.h"

FUZZ_TRACE("goal")
