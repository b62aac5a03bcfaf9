#include "fuzz.h"

FUZZ_TRACE("layers-simai")
