// The state of one worker: the threadgroup that it runs, and the memory that it keeps for reuse.
#pragma once

namespace trimetal {

constexpr unsigned max_threads = 1024;
constexpr unsigned max_simdgroups = max_threads / simd_width;
constexpr size_t arena_bytes = 64 << 10;
constexpr size_t matrices_bytes = (size_t)matrix_count * matrix_bytes;  // of a SIMD-group
constexpr size_t signal_stack_bytes = 64 << 10;
constexpr unsigned max_variables = 256;
constexpr size_t message_bytes = 768;
constexpr size_t report_bytes = message_bytes + 96;  // with the threadgroup's position

enum class State : unsigned char { fresh, running, in_operation, in_matrices, at_barrier, paused, awake, finished };

struct Thread : Lane {
    Fiber* fiber;
    unsigned wait_epoch;      // the epoch of the SIMD-group or barrier, or the operations on
                              // matrices, that the thread waits for
    unsigned line;            // of the operation it waits in
    const char* operation;
    unsigned memory_used;     // threadgroup memory declared so far
    const void* spin_address; // of its last atomic that changed nothing
    unsigned spins;           // such atomics there, one after the other
    State state;
};

struct Ranks : Simdgroup {
    Combine combine;          // of the present operation, with its name and line
    const char* operation;
    unsigned line;
    unsigned operations;      // on matrices, that the lanes in the present operation came by
    unsigned most_operations; // of those that have returned
    unsigned finished;        // lanes that have returned, as a mask
    Thread* threads;
};

// One call of the launcher. Its threadgroups are handed out one by one.
struct Launch {
    Entry entry;
    const Slot* arguments;
    unsigned argument_count;
    unsigned groups[3];
    unsigned threads;
    unsigned memory_limit;
    unsigned schedule;
    uint64_t total;
    uint64_t next;            // atomic
    unsigned active;          // atomic: OS threads at work
    unsigned stuck;           // atomic: those of them whose threadgroups all wait for memory
    int failed;               // atomic; the first to set it writes the message
    char* message;
};

struct Worker {
    Fiber main;               // the OS thread itself
    Fiber* fibers;            // max_threads of them
    Fiber** free_fibers;
    unsigned free_count;
    Fiber* running;
    Thread* current;
    Fiber* suspended;         // where the threadgroup goes on; null: it runs, or has ended
    unsigned paused;          // threads that wait for memory to change

    Thread* threads;
    Ranks* simdgroups;
    char* matrices;           // of all SIMD-groups
    unsigned simdgroup_count;
    unsigned alive;
    unsigned at_barrier;
    unsigned barrier_epoch;
    unsigned barrier_line;
    char begun, ended;        // places for races.hpp: the threadgroup begins, a thread ends

    // The order of a schedule: the step from lane to lane (odd), and the SIMD-groups in turn.
    unsigned lane_step;
    unsigned before_first;
    unsigned order[max_simdgroups];
    unsigned place[max_simdgroups];

    char* arena;
    size_t poisoned;          // bytes of the arena that were in use, to poison again
    Extent variables[max_variables];
    unsigned variable_count;

    Launch* launch;
    Group group;
    bool failed;
    char message[message_bytes];
    void* signal_stack;
    Worker* next;             // in the list of idle workers
};

// The worker of this OS thread while it runs a launch.
static __thread Worker* worker;

inline void* zeroed(size_t count, size_t size) { return calloc(count, size); }

// What the lanes need for their matrices, of which only what is used becomes real memory.
inline bool make_matrices(Worker& w) {
    void* matrices = nullptr;
    if (posix_memalign(&matrices, 4096, max_simdgroups * matrices_bytes) != 0) return false;
    w.matrices = (char*)matrices;
    for (unsigned i = 0; i < max_simdgroups; ++i)
        memset(w.simdgroups[i].pending, 0, sizeof w.simdgroups[i].pending);
    unsigned long* in_use = (unsigned long*)zeroed(max_threads, matrix_count / 8);
    if (!in_use) return false;
    for (unsigned i = 0; i < max_threads; ++i)
        w.threads[i].matrices_in_use = in_use + i * (matrix_count / 64);
    return true;
}

inline Worker* make_worker() {
    Worker* w = (Worker*)zeroed(1, sizeof(Worker));
    if (!w) return nullptr;
    w->fibers = (Fiber*)zeroed(max_threads, sizeof(Fiber));
    w->free_fibers = (Fiber**)zeroed(max_threads, sizeof(Fiber*));
    w->threads = (Thread*)zeroed(max_threads, sizeof(Thread));
    void* ranks = nullptr;
    void* arena = nullptr;
    if (posix_memalign(&ranks, 64, max_simdgroups * sizeof(Ranks)) != 0 ||
        posix_memalign(&arena, 4096, arena_bytes) != 0)
        return nullptr;
    w->simdgroups = (Ranks*)ranks;
    w->arena = (char*)arena;
    w->poisoned = arena_bytes;
    w->signal_stack = malloc(signal_stack_bytes);
    for (unsigned i = 0; i < max_threads; ++i) w->free_fibers[i] = &w->fibers[max_threads - 1 - i];
    w->free_count = max_threads;
    if (!w->fibers || !w->free_fibers || !w->threads || !w->signal_stack) return nullptr;
    return make_matrices(*w) ? w : nullptr;
}

// A fiber begins after what its creator did: the worker itself makes them all, before the threads of
// a threadgroup do anything.
inline void make_race_fibers(Worker& w, unsigned count) {
    for (unsigned i = 0; i < count; ++i)
        if (!is_made(w.fibers[i].races)) w.fibers[i].races = new_race_fiber();
}

// After an error fibers stand in the middle of the kernel: forget what they were doing.
inline void abandon_fibers(Worker& w) {
    w.suspended = nullptr;
    for (unsigned i = 0; i < max_simdgroups; ++i)
        memset(w.simdgroups[i].pending, 0, sizeof w.simdgroups[i].pending);
    for (unsigned i = 0; i < max_threads; ++i) {
        memset(w.threads[i].matrices_in_use, 0, matrix_count / 8);
        w.fibers[i].started = false;
        w.free_fibers[i] = &w.fibers[max_threads - 1 - i];
    }
    w.free_count = max_threads;
}

}  // namespace trimetal
