// Fibers: a stack of one's own, and a switch that saves what a call must preserve.
#pragma once

// Apple's assembler wants an underscore before C names, and none of ELF's directives.
#if defined(__APPLE__)
#define TRIMETAL_SYMBOL "_trimetal_switch"
#define TRIMETAL_HEADER ".text\n.globl " TRIMETAL_SYMBOL "\n.p2align 4\n"
#define TRIMETAL_FOOTER ""
#else
#define TRIMETAL_SYMBOL "trimetal_switch"
#define TRIMETAL_HEADER                                                                            \
    ".text\n.globl " TRIMETAL_SYMBOL "\n.hidden " TRIMETAL_SYMBOL "\n.type " TRIMETAL_SYMBOL       \
    ",%function\n.p2align 4\n"
#define TRIMETAL_FOOTER                                                                            \
    ".size " TRIMETAL_SYMBOL ", .-" TRIMETAL_SYMBOL "\n.section .note.GNU-stack,\"\",%progbits\n"  \
    ".text\n"
#endif

// Stores the stack pointer of the caller and continues where `to` was stored.
extern "C" void trimetal_switch(void** save, void* to);

#if defined(__x86_64__)
asm(TRIMETAL_HEADER TRIMETAL_SYMBOL ":\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n"
    "  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
    "  retq\n" TRIMETAL_FOOTER);
#elif defined(__aarch64__)
asm(TRIMETAL_HEADER TRIMETAL_SYMBOL ":\n"
    "  sub sp, sp, #160\n"
    "  stp x19, x20, [sp]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n"
    "  stp x25, x26, [sp, #48]\n  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n"
    "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n"
    "  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
    "  mov x9, sp\n  str x9, [x0]\n"
    "  mov sp, x1\n"
    "  ldp x19, x20, [sp]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n"
    "  ldp x25, x26, [sp, #48]\n  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n"
    "  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n"
    "  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
    "  add sp, sp, #160\n"
    "  ret\n" TRIMETAL_FOOTER);
#else
#error "the CPU device knows x86-64 and aarch64"
#endif

namespace trimetal {

constexpr size_t stack_bytes = 256 << 10;

struct Fiber {
    void* stack_pointer;
    char* stack;  // null until first used
    bool started;
    RaceFiber races;
};

// Set as the library is loaded, before there are threads.
static const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

inline size_t guard_bytes() { return page_bytes; }

// Reserves a stack; an overflow runs into the guard page below it. Where the system has no
// mappings left for guards, the stack works without.
inline bool reserve_stack(Fiber& fiber) {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* memory =
        mmap(nullptr, stack_bytes + guard_bytes(), PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED) return false;
    (void)mprotect(memory, guard_bytes(), PROT_NONE);
    fiber.stack = (char*)memory;
    return true;
}

inline char* stack_top(const Fiber& fiber) { return fiber.stack + guard_bytes() + stack_bytes; }

// Makes the next switch to the fiber enter `function`, which must not return.
inline void start_fiber(Fiber& fiber, void (*function)()) {
    void** top = (void**)stack_top(fiber);
#if defined(__x86_64__)
    *--top = nullptr;  // the return address of `function`: keeps the stack aligned as after a call
    *--top = (void*)function;
    for (int i = 0; i < 6; ++i) *--top = nullptr;
#else
    top -= 20;
    memset(top, 0, 160);
    top[11] = (void*)function;
#endif
    fiber.stack_pointer = top;
    fiber.started = true;
}

}  // namespace trimetal
