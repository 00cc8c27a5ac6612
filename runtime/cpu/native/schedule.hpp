// Who runs next. Threads give way only where they wait: in an operation of their SIMD-group, at a
// barrier, when they return, or where they repeat an atomic that changes nothing. A threadgroup
// whose threads all wait for memory is suspended, and others run meanwhile (see pool.hpp).
#pragma once

namespace trimetal {

inline void switch_fiber(Worker& w, Fiber* from, Fiber* to) {
    w.running = to;
    switch_race_fiber(to->races);
    trimetal_switch(&from->stack_pointer, to->stack_pointer);
}

// Ends the threadgroup with an error: back to the worker, the fibers are abandoned.
[[noreturn]] inline void leave(Worker& w) {
    switch_fiber(w, w.running, &w.main);
    abort();
}

[[noreturn]] __attribute__((format(printf, 2, 3))) inline void fail(Worker& w, const char* format,
                                                                     ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(w.message, sizeof w.message, format, values);
    va_end(values);
    w.failed = true;
    leave(w);
}

inline bool can_run(const Worker& w, const Thread& t) {
    switch (t.state) {
        case State::fresh: return true;
        case State::awake: return true;
        case State::in_operation: return t.simdgroup->epoch != t.wait_epoch;
        case State::in_matrices: return (int)(t.simdgroup->executed - t.wait_epoch) >= 0;
        case State::at_barrier: return w.barrier_epoch != t.wait_epoch;
        default: return false;
    }
}

inline Thread* first_ready(const Worker& w, Ranks& ranks, unsigned after) {
    unsigned lane = after;
    for (unsigned i = 0; i < simd_width; ++i) {
        lane = (lane + w.lane_step) & (simd_width - 1);
        if ((ranks.members >> lane) & 1 && can_run(w, ranks.threads[lane]))
            return &ranks.threads[lane];
    }
    return nullptr;
}

// The next thread to run after `t`: of its own SIMD-group first, so that operations fill up.
inline Thread* next_ready(Worker& w, const Thread& t) {
    Ranks& own = (Ranks&)*t.simdgroup;
    if (Thread* found = first_ready(w, own, t.index)) return found;
    unsigned place = w.place[own.index];
    for (unsigned i = 1; i < w.simdgroup_count; ++i) {
        if (++place == w.simdgroup_count) place = 0;
        Ranks& ranks = w.simdgroups[w.order[place]];
        if (Thread* found = first_ready(w, ranks, w.before_first)) return found;
    }
    return nullptr;
}

// What the other lanes of a SIMD-group do while some wait in an operation.
inline void describe_others(const Ranks& ranks, char* text, size_t size) {
    for (unsigned i = 0; i < simd_width; ++i) {
        if (!((ranks.members >> i) & 1) || (ranks.arrived >> i) & 1) continue;
        const Thread& t = ranks.threads[i];
        if (t.state == State::finished) snprintf(text, size, "have returned");
        else snprintf(text, size, "wait in %s at line %u", t.operation, t.line);
        return;
    }
}

// Some lanes have come by operations on matrices that others never reach.
[[noreturn]] inline void report_operations(Worker& w, const Ranks& ranks) {
    const PendingOperation& next = ranks.pending[ranks.executed % operations_ahead];
    fail(w, "line %u: lanes diverge: of SIMD-group %u, %u of %u lanes reach this operation on "
         "matrices", next.line, ranks.index, next.lanes, ranks.lane_count);
}

// Nobody can run: some threads wait for others that never come.
[[noreturn]] inline void report_deadlock(Worker& w) {
    for (unsigned i = 0; i < w.simdgroup_count; ++i) {
        const Ranks& ranks = w.simdgroups[i];
        for (unsigned lane = 0; lane < ranks.lane_count; ++lane)
            if (ranks.threads[lane].state == State::in_matrices) report_operations(w, ranks);
        if (!ranks.arrived) continue;
        char others[128] = "";
        describe_others(ranks, others, sizeof others);
        fail(w, "line %u: %s is not reached by all lanes: of SIMD-group %u, "
             "lanes 0x%08x wait there and the others %s", ranks.line, ranks.operation, i, ranks.arrived, others);
    }
    fail(w, "line %u: threadgroup_barrier is reached by %u of %u threads", w.barrier_line,
         w.at_barrier, w.alive);
}

inline Fiber* take_fiber(Worker& w);

// Nobody can run, but some wait for memory only: lets other threadgroups run, then wakes those.
inline void suspend(Worker& w) {
    w.suspended = w.running;
    switch_fiber(w, w.running, &w.main);
    w.paused = 0;
    for (unsigned i = 0; i < w.launch->threads; ++i)
        if (w.threads[i].state == State::paused) w.threads[i].state = State::awake;
}

inline Thread* next_of_all(Worker& w, const Thread& t) {
    for (;;) {
        if (Thread* next = next_ready(w, t)) return next;
        if (!w.paused) report_deadlock(w);
        suspend(w);
    }
}

inline void make_current(Worker& w, Thread& t) {
    w.current = &t;
    if (t.state == State::fresh) t.fiber = take_fiber(w);
    t.state = State::running;
}

// The current thread has to wait: lets others run until it may go on.
inline void wait_for_others(Worker& w, Thread& t) {
    Thread* next = next_of_all(w, t);
    if (next == &t) {
        t.state = State::running;
        return;
    }
    make_current(w, *next);
    switch_fiber(w, t.fiber, next->fiber);
}

// A thread returned from the kernel. Those that wait for it wait for ever: an error.
inline void finish(Worker& w, Thread& t) {
    t.state = State::finished;
    Ranks& ranks = (Ranks&)*t.simdgroup;
    ranks.finished |= 1u << t.index;
    --w.alive;
    if (t.operations > ranks.most_operations) ranks.most_operations = t.operations;
    if (ranks.finished == ranks.members && ranks.executed != ranks.most_operations)
        report_operations(w, ranks);
    if (ranks.arrived)
        fail(w, "line %u: %s is not reached by all lanes: of SIMD-group %u, "
             "lanes 0x%08x wait there and lane %u has returned", ranks.line, ranks.operation,
             ranks.index, ranks.arrived, t.index);
    if (w.at_barrier)
        fail(w, "line %u: threadgroup_barrier is not reached by thread %u, which has returned",
             w.barrier_line, t.thread);
}

// The body of every fiber. A finished thread's fiber goes on with a fresh thread if one is next,
// so that a kernel without barriers runs all its threads on one stack.
//
// A fiber belongs to its worker for ever, but a worker serves another OS thread at each launch:
// `worker`, which is the OS thread's, may be read only before the first switch.
[[noreturn]] inline void fiber_main() {
    Worker& w = *worker;
    for (;;) {
        Thread& t = *w.current;
        follow(&w.begun);
        w.launch->entry(w.launch->arguments, t, w.group);
        happened(&w.ended);
        finish(w, t);
        Fiber* own = t.fiber;
        w.free_fibers[w.free_count++] = own;
        if (!w.alive) {
            switch_fiber(w, own, &w.main);
            continue;
        }
        Thread* next = next_of_all(w, t);
        make_current(w, *next);
        if (next->fiber != own) switch_fiber(w, own, next->fiber);
    }
}

inline Fiber* take_fiber(Worker& w) {
    Fiber* fiber = w.free_fibers[--w.free_count];
    if (!fiber->stack && !reserve_stack(*fiber))
        fail(w, "out of memory for %u stacks", w.launch->threads);
    if (!fiber->started) start_fiber(*fiber, fiber_main);
    return fiber;
}

inline void reset_simdgroups(Worker& w) {
    for (unsigned i = 0; i < w.simdgroup_count; ++i) {
        Ranks& ranks = w.simdgroups[i];
        const unsigned left = w.launch->threads - i * simd_width;
        ranks.epoch = ranks.arrived = ranks.finished = 0;
        ranks.executed = ranks.most_operations = 0;
        ranks.members = left < simd_width ? (1u << left) - 1 : ~0u;
        ranks.lane_count = left < simd_width ? left : simd_width;
        ranks.index = i;
        ranks.matrices = w.matrices + i * matrices_bytes;
        ranks.threads = &w.threads[i * simd_width];
    }
}

inline void reset_threads(Worker& w) {
    for (unsigned i = 0; i < w.launch->threads; ++i) {
        Thread& t = w.threads[i];
        t.index = i % simd_width;
        t.thread = i;
        t.simdgroup = &w.simdgroups[i / simd_width];
        t.operations = 0;
        t.memory_used = 0;
        t.spin_address = nullptr;
        t.spins = 0;
        t.state = State::fresh;
    }
}

// From the worker to one of its fibers, and back.
inline void enter(Worker& w, Fiber* fiber) {
    w.main.races = this_race_fiber();
    happened(&w.begun);
    switch_fiber(w, &w.main, fiber);
    follow(&w.ended);
}

// Runs one threadgroup to its end, its first error, or until it is suspended.
inline void run_group(Worker& w, const unsigned position[3]) {
    for (int i = 0; i < 3; ++i) w.group.position[i] = position[i];
    memset(w.arena, 0xff, w.poisoned);
    w.poisoned = 0;
    w.variable_count = 0;
    w.alive = w.launch->threads;
    w.at_barrier = w.barrier_epoch = 0;
    w.failed = false;
    w.suspended = nullptr;
    w.paused = 0;
    reset_simdgroups(w);
    reset_threads(w);
    make_current(w, *first_ready(w, w.simdgroups[w.order[0]], w.before_first));
    enter(w, w.current->fiber);
    if (w.failed) abandon_fibers(w);
}

// Goes on with a suspended threadgroup.
inline void resume_group(Worker& w) {
    Fiber* fiber = w.suspended;
    w.suspended = nullptr;
    enter(w, fiber);
    if (w.failed) abandon_fibers(w);
}

// Schedule 0 runs threads in their order, 1 in the reverse order, others in pseudo-random ones.
inline void set_order(Worker& w, unsigned schedule) {
    const unsigned n = w.simdgroup_count;
    for (unsigned i = 0; i < n; ++i) w.order[i] = schedule == 1 ? n - 1 - i : i;
    // An odd step visits all lanes. Forwards begins with lane 0, backwards with lane 31.
    w.lane_step = schedule == 0 ? 1 : schedule == 1 ? simd_width - 1 : (schedule * 10 + 3) | 1;
    w.lane_step &= simd_width - 1;
    w.before_first = schedule == 0 ? simd_width - 1 : 0;
    uint32_t random = schedule * 2654435761u;
    for (unsigned i = schedule > 1 ? n : 0; i > 1; --i) {
        random = random * 1664525u + 1013904223u;
        const unsigned j = (random >> 16) % i, kept = w.order[i - 1];
        w.order[i - 1] = w.order[j];
        w.order[j] = kept;
    }
    for (unsigned i = 0; i < n; ++i) w.place[w.order[i]] = i;
}

}  // namespace trimetal
