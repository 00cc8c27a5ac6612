// Hardware faults of a kernel become errors of its launch; other code's faults go where they went.
#pragma once

#if defined(__APPLE__)
#include <sys/ucontext.h>
#else
#include <ucontext.h>
#endif

namespace trimetal {

static struct sigaction other_handlers[NSIG];
static pthread_mutex_t faults_lock = PTHREAD_MUTEX_INITIALIZER;

// The program counter and stack pointer of the interrupted code.
inline void registers(ucontext_t* context, void*** pc, void*** sp) {
#if defined(__APPLE__) && defined(__x86_64__)
    *pc = (void**)&context->uc_mcontext->__ss.__rip;
    *sp = (void**)&context->uc_mcontext->__ss.__rsp;
#elif defined(__APPLE__)
    *pc = (void**)&context->uc_mcontext->__ss.__pc;
    *sp = (void**)&context->uc_mcontext->__ss.__sp;
#elif defined(__x86_64__)
    *pc = (void**)&context->uc_mcontext.gregs[REG_RIP];
    *sp = (void**)&context->uc_mcontext.gregs[REG_RSP];
#else
    *pc = (void**)&context->uc_mcontext.pc;
    *sp = (void**)&context->uc_mcontext.sp;
#endif
}

// Where the interrupted thread goes on: it leaves its fiber as after any other error.
[[noreturn]] inline void after_fault() { leave(*worker); }

inline void describe_fault(Worker& w, int signal, const void* address) {
    const Fiber& fiber = *w.running;
    const char* at = (const char*)address;
    const char* what = "a memory access that faults: a buffer's index or pointer is out of range";
    if (fiber.stack && at >= fiber.stack && at < fiber.stack + guard_bytes())
        what = "too much thread memory: its stack is full";
    else if (signal == SIGFPE)
        what = "an arithmetic fault";
    else if (signal == SIGILL)
        what = "an instruction that this processor lacks";
    snprintf(w.message, sizeof w.message, "thread %u: %s", w.current->thread, what);
    w.failed = true;
}

inline void pass_on(int signal, siginfo_t* info, void* context) {
    const struct sigaction& other = other_handlers[signal];
    if (other.sa_flags & SA_SIGINFO) {
        other.sa_sigaction(signal, info, context);
    } else if (other.sa_handler != SIG_DFL && other.sa_handler != SIG_IGN) {
        other.sa_handler(signal);
    } else {
        sigaction(signal, &other, nullptr);  // the fault repeats and ends the process as it would
    }
}

#if defined(__x86_64__)
// Metal gives an undefined quotient where x86 stops the process: a division by zero (masked lanes
// divide by what they did not load) or INT_MIN / -1. Gives what aarch64 does and goes on.
#include "division.hpp"
#endif

inline void on_fault(int signal, siginfo_t* info, void* raw) {
    ucontext_t* context = (ucontext_t*)raw;
    Worker* w = worker;
    if (!w || w->running == &w->main || !w->current) {
        pass_on(signal, info, raw);
        return;
    }
#if defined(__x86_64__)
    if (signal == SIGFPE && skip_division(context)) return;
#endif
    describe_fault(*w, signal, info->si_addr);
    void** pc;
    void** sp;
    registers(context, &pc, &sp);
    // The fiber's own frames are of no use any more: start again at the top of its stack.
    char* top = stack_top(*w->running);
#if defined(__x86_64__)
    top -= sizeof(void*);  // as if a call had just pushed its return address
#endif
    *sp = top;
    *pc = (void*)after_fault;
}

// Installs the handlers unless they are: a library (or Python's faulthandler) may have replaced
// them since the last launch.
inline void watch_faults() {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (int signal : signals) {
        struct sigaction now;
        sigaction(signal, nullptr, &now);
        if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_fault) continue;
        pthread_mutex_lock(&faults_lock);
        struct sigaction ours;
        memset(&ours, 0, sizeof ours);
        ours.sa_sigaction = on_fault;
        ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        sigemptyset(&ours.sa_mask);
        other_handlers[signal] = now;
        sigaction(signal, &ours, nullptr);
        pthread_mutex_unlock(&faults_lock);
    }
}

// A full stack cannot hold the handler's frame, so each OS thread lends it another.
struct SignalStack {
    stack_t before;
    explicit SignalStack(Worker& w) {
        stack_t ours;
        memset(&ours, 0, sizeof ours);
        ours.ss_sp = w.signal_stack;
        ours.ss_size = signal_stack_bytes;
        sigaltstack(&ours, &before);
    }
    ~SignalStack() { sigaltstack(&before, nullptr); }
};

}  // namespace trimetal
