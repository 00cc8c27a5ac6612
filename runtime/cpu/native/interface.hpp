// The functions that Python calls.
#pragma once

#define TRIMETAL_EXPORT extern "C" __attribute__((visibility("default")))

namespace trimetal {
static __thread char launch_message[report_bytes];
__attribute__((constructor)) static void prepare() {
    pthread_atfork(nullptr, nullptr, forget_helpers);
}
}  // namespace trimetal

TRIMETAL_EXPORT const trimetal::Services* trimetal_services() { return &trimetal::service_table; }

TRIMETAL_EXPORT unsigned trimetal_abi_version() { return trimetal::abi_version; }

// Returns 0, or 1 when an error ended the launch.
TRIMETAL_EXPORT int trimetal_launch(trimetal::Entry entry, const trimetal::Slot* arguments,
                                    unsigned argument_count, unsigned x, unsigned y, unsigned z,
                                    unsigned threads, unsigned memory_limit, unsigned workers,
                                    unsigned schedule) {
    using namespace trimetal;
    Launch launch;
    memset(&launch, 0, sizeof launch);
    launch.entry = entry;
    launch.arguments = arguments;
    launch.argument_count = argument_count;
    launch.groups[0] = x, launch.groups[1] = y, launch.groups[2] = z;
    launch.threads = threads;
    launch.memory_limit = memory_limit < arena_bytes ? memory_limit : arena_bytes;
    launch.schedule = schedule;
    launch.total = (uint64_t)x * y * z;
    launch.message = launch_message;
    watch_faults();
    run_launch(launch, workers);
    return launch.failed;
}

// The message of this thread's last launch that failed.
TRIMETAL_EXPORT const char* trimetal_message() { return trimetal::launch_message; }
