#include "fuzz.h"

FUZZ_TRACE("kineto")
