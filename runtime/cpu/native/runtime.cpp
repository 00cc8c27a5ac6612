// The CPU device: runs a compiled kernel over a grid with Metal's semantics.
//
// A thread of Metal is a fiber; an OS thread runs one threadgroup at a time, switching fibers only
// where a thread has to wait for others, and threadgroups only where one waits for memory to change. Compiled once by any C++17 compiler, as one
// translation unit, against C headers alone: no C++ library has to exist.
#define TRIMETAL_RUNTIME 1

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "trimetal/abi.hpp"

#include "races.hpp"
#include "fiber.hpp"
#include "worker.hpp"
#include "schedule.hpp"
#include "services.hpp"
#include "faults.hpp"
#include "pool.hpp"
#include "interface.hpp"
