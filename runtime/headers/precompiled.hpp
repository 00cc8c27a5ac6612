// What is precompiled: the library, as a system header (which `#pragma` makes no main file).
#include "trimetal/metal.hpp"
