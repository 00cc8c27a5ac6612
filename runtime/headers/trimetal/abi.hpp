// What a compiled kernel and the CPU device's scheduler share. Plain data and function pointers:
// the two are built apart (perhaps by different compilers) and meet at load time.
#pragma once

#if !defined(__OPENCL_CPP_VERSION__) && !defined(__CUDACC_RTC__)
namespace trimetal {

constexpr unsigned abi_version = 3;
constexpr unsigned simd_width = 32;
constexpr unsigned slot_bytes = 32;
constexpr unsigned matrix_bytes = 256;      // 8 x 8 floats
constexpr unsigned matrix_count = 1024;     // of a SIMD-group, at a time
constexpr unsigned operations_ahead = 256;  // of matrices, by which a lane may be ahead of others

// 32 threads in lock step. An operation stores each lane's operand in its slot, and the last lane
// to arrive combines them. Two sets of slots alternate, so that a lane may still read the results
// of one operation while another already stores for the next.
//
// Matrices lie in memory that the lanes share. No lane waits at an operation on them: the last one
// to come by executes it for all, and a lane waits where it asks for elements.
struct PendingOperation {
    unsigned line;
    unsigned lanes;    // how many have come by; none: not pending
};
struct Simdgroup {
    unsigned epoch;    // operations completed so far; its lowest bit selects the set of slots
    unsigned arrived;  // lanes waiting in the present operation, as a mask
    unsigned members;  // lanes that exist
    unsigned index;
    unsigned lane_count;
    unsigned executed;  // operations on matrices so far
    char* matrices;
    PendingOperation pending[operations_ahead];
    alignas(64) unsigned char slots[2][simd_width][slot_bytes];
};

struct Lane {
    unsigned index;      // in the SIMD-group
    unsigned thread;     // in the threadgroup
    Simdgroup* simdgroup;
    unsigned operations; // on matrices, that the lane has come by
    unsigned long* matrices_in_use;  // a bit for each of the SIMD-group's
};

struct Group {
    unsigned position[3];
    unsigned groups[3];
    unsigned threads;
};

typedef void (*Combine)(Simdgroup& simdgroup, unsigned parity);

// What a pointer into bounded memory went over, for the message.
struct OutOfRange {
    long offset;           // bytes from the start of the array
    unsigned long bytes;   // of the access
    unsigned long length;  // bytes of the array
    unsigned alignment;
    unsigned line;
    bool threadgroup;
};

// A stretch of memory that pointers may roam: one threadgroup variable, or one buffer argument.
struct Extent {
    char* begin;
    unsigned long length;
};

struct Services {
    Lane* (*lane)();
    // All threads of the threadgroup meet.
    void (*barrier)(unsigned line);
    // All lanes of the SIMD-group meet; returns the parity of the slots to read.
    unsigned (*exchange)(unsigned line, const char* operation, Combine combine);
    void* (*allocate)(unsigned long bytes, unsigned long alignment, unsigned line);
    // The extent that holds an address; all memory when none is known to.
    Extent (*extent)(const void* address, bool threadgroup);
    void (*out_of_range)(const OutOfRange& what);  // does not return
    void (*fail)(unsigned line, const char* message);  // does not return
    // Returns when so many operations on matrices are executed.
    void (*await_matrices)(unsigned executed, unsigned line);
    // Lanes do not come by the same operations on matrices; does not return.
    void (*diverge)(unsigned line, unsigned others, const char* operation);
    // An atomic at an address changed nothing: the thread may be waiting for others to change it.
    void (*pause)(const void* address, unsigned line);
};

// `arguments` holds one slot an argument: a pointer and its bytes, or a scalar's value.
struct Slot {
    union { void* pointer; unsigned char value[8]; };
    unsigned long bytes;
};
typedef void (*Entry)(const Slot* arguments, const Lane& lane, const Group& group);

#if !defined(TRIMETAL_RUNTIME)
// The kernel's own copy, set when it is loaded.
static const Services* services;
#endif

}  // namespace trimetal
#endif
