#include "fuzz.h"

FUZZ_TRACE("chakra")
