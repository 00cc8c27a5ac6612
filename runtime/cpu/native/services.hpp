// What a kernel calls while it runs.
#pragma once

namespace trimetal {

inline Lane* current_lane() { return worker->current; }

inline void barrier(unsigned line) {
    Worker& w = *worker;
    Thread& t = *w.current;
    if (w.alive != w.launch->threads)
        fail(w, "line %u: threadgroup_barrier is not reached by %u of %u threads, "
             "which have returned", line, w.launch->threads - w.alive, w.launch->threads);
    if (w.at_barrier && w.barrier_line != line)
        fail(w, "line %u: threads diverge: thread %u is in this threadgroup_barrier, "
             "%u others wait in the one at line %u", line, t.thread, w.at_barrier, w.barrier_line);
    w.barrier_line = line;
    happened(&w.at_barrier);
    if (++w.at_barrier == w.alive) {
        w.at_barrier = 0;
        ++w.barrier_epoch;
        follow(&w.at_barrier);
        return;
    }
    t.line = line;
    t.operation = "threadgroup_barrier";
    t.state = State::at_barrier;
    t.wait_epoch = w.barrier_epoch;
    wait_for_others(w, t);
    follow(&w.at_barrier);
}

inline unsigned exchange(unsigned line, const char* operation, Combine combine) {
    Worker& w = *worker;
    Thread& t = *w.current;
    Ranks& ranks = (Ranks&)*t.simdgroup;
    const unsigned epoch = ranks.epoch;
    if (ranks.finished)
        fail(w, "line %u: %s is not reached by all lanes: of SIMD-group %u, "
             "lanes 0x%08x have returned", line, operation, ranks.index, ranks.finished);
    if (!ranks.arrived) {
        ranks.line = line;
        ranks.operation = operation;
        ranks.combine = combine;
        ranks.operations = t.operations;
    } else if (ranks.line != line || ranks.combine != combine || ranks.operation != operation) {
        fail(w, "line %u: lanes diverge: of SIMD-group %u, lane %u is in %s here and "
             "lanes 0x%08x wait in %s at line %u", line, ranks.index, t.index, operation,
             ranks.arrived, ranks.operation, ranks.line);
    }
    if (ranks.operations != t.operations)
        fail(w, "line %u: lanes diverge: of SIMD-group %u, lane %u comes to %s after %u operations "
             "on matrices, lanes 0x%08x after %u", line, ranks.index, t.index, operation,
             t.operations, ranks.arrived, ranks.operations);
    ranks.arrived |= 1u << t.index;
    happened(&ranks);
    if (ranks.arrived == ranks.members) {
        follow(&ranks);
        if (combine) combine(ranks, epoch & 1);
        happened(&ranks);
        ranks.arrived = 0;
        ++ranks.epoch;
        return epoch & 1;
    }
    t.line = line;
    t.operation = operation;
    t.state = State::in_operation;
    t.wait_epoch = epoch;
    wait_for_others(w, t);
    follow(&ranks);
    return epoch & 1;
}

// Every thread passes the declarations in the same order and so computes the same addresses; the
// first one to come by registers the variable.
inline void* allocate(unsigned long bytes, unsigned long alignment, unsigned line) {
    Worker& w = *worker;
    Thread& t = *w.current;
    const size_t offset = (t.memory_used + alignment - 1) / alignment * alignment;
    if (offset + bytes > w.launch->memory_limit)
        fail(w, "line %u: %zu bytes of threadgroup memory, of which there are %u", line,
             offset + (size_t)bytes, w.launch->memory_limit);
    t.memory_used = (unsigned)(offset + bytes);
    if (t.memory_used > w.poisoned) {
        w.poisoned = t.memory_used;
        if (w.variable_count < max_variables)
            w.variables[w.variable_count++] = Extent{w.arena + offset, bytes};
    }
    return w.arena + offset;
}

inline bool holds(const Extent& extent, const char* address) {
    return address >= extent.begin && address < extent.begin + extent.length;
}

inline Extent find_extent(const void* pointer, bool threadgroup) {
    const Worker& w = *worker;
    const char* address = (const char*)pointer;
    if (threadgroup) {
        for (unsigned i = 0; i < w.variable_count; ++i)
            if (holds(w.variables[i], address)) return w.variables[i];
    } else {
        for (unsigned i = 0; i < w.launch->argument_count; ++i) {
            const Slot& slot = w.launch->arguments[i];
            const Extent extent = {(char*)slot.pointer, slot.bytes};
            if (slot.bytes && holds(extent, address)) return extent;
        }
    }
    return Extent{nullptr, ~0ul};
}

inline void out_of_range(const OutOfRange& what) {
    Worker& w = *worker;
    const char* memory = what.threadgroup ? "threadgroup memory" : "a buffer";
    const bool inside = what.offset >= 0 && what.length >= what.bytes &&
                        (unsigned long)what.offset <= what.length - what.bytes;
    if (inside)
        fail(w, "line %u: thread %u accesses %lu bytes of %s at offset %ld, "
             "which is not a multiple of %u", what.line, w.current->thread, what.bytes, memory,
             what.offset, what.alignment);
    fail(w, "line %u: thread %u accesses bytes %ld to %ld of %s of %lu bytes: out of range",
         what.line, w.current->thread, what.offset, what.offset + (long)what.bytes - 1, memory,
         what.length);
}

inline void fail_at(unsigned line, const char* message) {
    fail(*worker, "line %u: %s", line, message);
}

inline void await_matrices(unsigned executed, unsigned line) {
    Worker& w = *worker;
    Thread& t = *w.current;
    t.line = line;
    t.operation = "an operation on matrices";
    t.state = State::in_matrices;
    t.wait_epoch = executed;
    wait_for_others(w, t);
}

inline void diverge(unsigned line, unsigned others, const char* operation) {
    Worker& w = *worker;
    fail(w, "line %u: lanes diverge: of SIMD-group %u, lane %u is in %s here and others are in an "
         "operation on matrices at line %u", line, w.current->simdgroup->index, w.current->index,
         operation, others);
}

// A thread that sees the same place unchanged so often gives way to the others.
constexpr unsigned spins_before_pause = 64;

inline void pause(const void* address, unsigned line) {
    Worker& w = *worker;
    Thread& t = *w.current;
    if (t.spin_address != address) {
        t.spin_address = address;
        t.spins = 0;
    }
    if (++t.spins < spins_before_pause) return;
    t.spins = 0;
    t.line = line;
    t.operation = "an atomic operation";
    t.state = State::paused;
    ++w.paused;
    wait_for_others(w, t);
}

static const Services service_table = {current_lane, barrier,      exchange, allocate,
                                       find_extent,  out_of_range, fail_at,
                                       await_matrices, diverge, pause};

}  // namespace trimetal
