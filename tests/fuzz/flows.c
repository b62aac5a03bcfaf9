#include "fuzz.h"

FUZZ_TRACE("flows")
