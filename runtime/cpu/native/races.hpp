// What the thread sanitizer is told, in builds that look for data races. A fiber is a thread to it.
//
// With TRIMETAL_RACES=1 only the kernel is instrumented, and nothing orders its threads but
// barriers, operations of SIMD-groups, and where a threadgroup begins and ends: a missing barrier
// is a race, whatever order the threads run in. With TRIMETAL_RACES=2 all is instrumented, and
// every switch orders: what is left are races between OS threads.
#pragma once

#if TRIMETAL_RACES
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* place);
void __tsan_release(void* place);
}
#endif

namespace trimetal {

#if TRIMETAL_RACES
typedef void* RaceFiber;
inline RaceFiber this_race_fiber() { return __tsan_get_current_fiber(); }
inline RaceFiber new_race_fiber() { return __tsan_create_fiber(0); }
inline bool is_made(RaceFiber fiber) { return fiber; }
inline void switch_race_fiber(RaceFiber to) { __tsan_switch_to_fiber(to, TRIMETAL_RACES == 1); }
// What came before `happened(place)` came before what follows `follow(place)`.
inline void happened(void* place) { __tsan_release(place); }
inline void follow(void* place) { __tsan_acquire(place); }
#else
struct RaceFiber {};
inline RaceFiber this_race_fiber() { return {}; }
inline RaceFiber new_race_fiber() { return {}; }
inline bool is_made(RaceFiber) { return true; }
inline void switch_race_fiber(RaceFiber) {}
inline void happened(void*) {}
inline void follow(void*) {}
#endif

}  // namespace trimetal
