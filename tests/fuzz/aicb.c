#include "fuzz.h"

FUZZ_TRACE("aicb")
