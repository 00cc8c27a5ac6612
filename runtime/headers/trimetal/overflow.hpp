// With -fsanitize=signed-integer-overflow: what the instrumented code calls. Taking the sanitizer's
// library's place, these end the launch with the kernel's line and need no library.
#pragma once

#if TRIMETAL_HOST && TRIMETAL_OVERFLOW
namespace trimetal {

// As both GCC and clang lay it out.
struct OverflowPlace {
    const char* file;
    uint line;
    uint column;
};

__attribute__((noinline, cold)) static void report_overflow(const OverflowPlace& place) {
    // An operation inside our headers (on vectors, say) has no line of the kernel.
    const char* name = place.file;
    while (*name) ++name;
    const bool in_kernel = name > place.file && name[-1] == 'l';
    services->fail(in_kernel ? place.line : 0, "a signed integer overflows");
}

} // namespace trimetal

#define TRIMETAL_OVERFLOW_HANDLER(name, ...)                                                       \
    extern "C" __attribute__((used, visibility("hidden"))) void                                    \
        __ubsan_handle_##name##_overflow_abort(const trimetal::OverflowPlace* place,               \
                                               __VA_ARGS__) {                                      \
        trimetal::report_overflow(*place);                                                         \
    }
TRIMETAL_OVERFLOW_HANDLER(add, ulong, ulong)
TRIMETAL_OVERFLOW_HANDLER(sub, ulong, ulong)
TRIMETAL_OVERFLOW_HANDLER(mul, ulong, ulong)
TRIMETAL_OVERFLOW_HANDLER(divrem, ulong, ulong)
TRIMETAL_OVERFLOW_HANDLER(negate, ulong)
#undef TRIMETAL_OVERFLOW_HANDLER
#endif
