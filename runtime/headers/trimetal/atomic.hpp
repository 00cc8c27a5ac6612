// Atomics on device and threadgroup memory: relaxed order, as MSL has it.
#pragma once

namespace metal {

// The value is reached only through the atomic functions.
template <class T> struct _atomic {
    T trimetal_value;
};
template <class T> using atomic = _atomic<T>;
typedef _atomic<int> atomic_int;
typedef _atomic<uint> atomic_uint;
typedef _atomic<bool> atomic_bool;
typedef _atomic<float> atomic_float;
typedef _atomic<ulong> atomic_ulong;

} // namespace metal

namespace trimetal {

template <class T> struct atomic_traits {};
template <class T> struct atomic_traits<metal::_atomic<T>> { typedef T value; };

// What may be loaded, stored and exchanged; added to; combined by bits or by order.
template <class T> constexpr bool is_atomic_cell =
    is_same_v<T, int> || is_same_v<T, uint> || is_same_v<T, bool> || is_same_v<T, float>;
template <class T> constexpr bool is_atomic_integer = is_same_v<T, int> || is_same_v<T, uint>;
template <class T, bool Device> constexpr bool is_atomic_sum =
    is_atomic_integer<T> || (Device && is_same_v<T, float>);

} // namespace trimetal

namespace metal {

#if TRIMETAL_CHECK

#define TRIMETAL_MODIFY(name, Space, condition)                                                    \
    template <class T, class = enable_if_t<trimetal::condition>>                                   \
    T atomic_fetch_##name##_explicit(volatile Space _atomic<T>*, trimetal::not_deduced<T> operand, \
                                     memory_order) {                                               \
        return operand;                                                                            \
    }
#define TRIMETAL_ATOMICS(Space, device_memory)                                                     \
    template <class T, class = enable_if_t<trimetal::is_atomic_cell<T>>>                           \
    T atomic_load_explicit(const volatile Space _atomic<T>*, memory_order) { return T(); }         \
    template <class T, class = enable_if_t<trimetal::is_atomic_cell<T>>>                           \
    void atomic_store_explicit(volatile Space _atomic<T>*, trimetal::not_deduced<T>,               \
                               memory_order) {}                                                    \
    template <class T, class = enable_if_t<trimetal::is_atomic_cell<T>>>                           \
    T atomic_exchange_explicit(volatile Space _atomic<T>*, trimetal::not_deduced<T> v,             \
                               memory_order) { return v; }                                         \
    template <class T, class = enable_if_t<trimetal::is_atomic_cell<T>>>                           \
    bool atomic_compare_exchange_weak_explicit(                                                    \
        volatile Space _atomic<T>*, __private trimetal::not_deduced<T>*,                           \
        trimetal::not_deduced<T>, memory_order, memory_order) { return true; }                     \
    TRIMETAL_MODIFY(add, Space, is_atomic_sum<T TRIMETAL_COMMA device_memory>)                     \
    TRIMETAL_MODIFY(sub, Space, is_atomic_sum<T TRIMETAL_COMMA device_memory>)                     \
    TRIMETAL_MODIFY(max, Space, is_atomic_integer<T>)                                              \
    TRIMETAL_MODIFY(min, Space, is_atomic_integer<T>)                                              \
    TRIMETAL_MODIFY(and, Space, is_atomic_integer<T>)                                              \
    TRIMETAL_MODIFY(or, Space, is_atomic_integer<T>)                                               \
    TRIMETAL_MODIFY(xor, Space, is_atomic_integer<T>)
#define TRIMETAL_COMMA ,
TRIMETAL_ATOMICS(__global, true)
TRIMETAL_ATOMICS(__local, false)
#undef TRIMETAL_COMMA
#undef TRIMETAL_ATOMICS
#undef TRIMETAL_MODIFY
// 64 bits: minimum and maximum in device memory, and no result.
inline void atomic_max_explicit(volatile __global _atomic<ulong>*, ulong, memory_order) {}
inline void atomic_min_explicit(volatile __global _atomic<ulong>*, ulong, memory_order) {}

#elif TRIMETAL_HOST

} // namespace metal

namespace trimetal {

template <class P> using atomic_value = typename atomic_traits<pointee<P>>::value;
template <class P> METAL_FUNC atomic_value<P>* cell(const P& p, uint line) {
    TRIMETAL_COUNT(spaces[(uint)space_of<P>].atomics);
    return (atomic_value<P>*)word(p, line);
}
template <class P> using cell_value =
    enable_if_t<is_atomic_cell<atomic_value<P>>, atomic_value<P>>;
template <class P> using sum_value =
    enable_if_t<is_atomic_sum<atomic_value<P>, true>, atomic_value<P>>;
template <class P> using integer_value =
    enable_if_t<is_atomic_integer<atomic_value<P>>, atomic_value<P>>;

struct Subtract {
    template <class T> static METAL_FUNC T apply(T a, T b) {
        if constexpr (is_integer<T>) return T(uint(a) - uint(b));
        else return a - b;
    }
};

template <class T> METAL_FUNC bool same_bits(const T& a, const T& b) {
    return __builtin_memcmp(&a, &b, sizeof(T)) == 0;
}

template <class Op, class T> METAL_FUNC T modify(T* p, T operand, uint line) {
    T old;
    __atomic_load(p, &old, __ATOMIC_RELAXED);
    for (;;) {
        T next = Op::apply(old, operand);
        if (__atomic_compare_exchange(p, &old, &next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            if (same_bits(old, next)) services->pause(p, line);
            return old;
        }
    }
}

} // namespace trimetal

namespace metal {

template <class P, class T = trimetal::cell_value<P>>
METAL_FUNC T atomic_load_explicit(const P& p, memory_order TRIMETAL_LINE) {
    T value;
    T* cell = trimetal::cell(p, trimetal_line);
    __atomic_load(cell, &value, __ATOMIC_RELAXED);
    trimetal::services->pause(cell, trimetal_line);
    return value;
}
template <class P, class T = trimetal::cell_value<P>>
METAL_FUNC void atomic_store_explicit(const P& p, trimetal::not_deduced<T> value,
                                      memory_order TRIMETAL_LINE) {
    __atomic_store(trimetal::cell(p, trimetal_line), &value, __ATOMIC_RELAXED);
}
template <class P, class T = trimetal::cell_value<P>>
METAL_FUNC T atomic_exchange_explicit(const P& p, trimetal::not_deduced<T> value,
                                      memory_order TRIMETAL_LINE) {
    T old;
    T* cell = trimetal::cell(p, trimetal_line);
    __atomic_exchange(cell, &value, &old, __ATOMIC_RELAXED);
    if (trimetal::same_bits(old, value)) trimetal::services->pause(cell, trimetal_line);
    return old;
}
// Compares bits, as the hardware does: a NaN equals itself, and 0 is not -0.
template <class P, class T = trimetal::cell_value<P>>
METAL_FUNC bool atomic_compare_exchange_weak_explicit(const P& p,
                                                      trimetal::not_deduced<T>* expected,
                                                      trimetal::not_deduced<T> desired,
                                                      memory_order, memory_order TRIMETAL_LINE) {
    T* cell = trimetal::cell(p, trimetal_line);
    const bool done = __atomic_compare_exchange(cell, expected, &desired, true, __ATOMIC_RELAXED,
                                                __ATOMIC_RELAXED);
    if (!done) trimetal::services->pause(cell, trimetal_line);
    return done;
}
#define TRIMETAL_MODIFY(name, Op, value_of)                                                        \
    template <class P, class T = trimetal::value_of<P>>                                            \
    METAL_FUNC T atomic_fetch_##name##_explicit(const P& p, trimetal::not_deduced<T> operand,      \
                                                memory_order TRIMETAL_LINE) {                      \
        return trimetal::modify<trimetal::Op>(trimetal::cell(p, trimetal_line), operand,           \
                                              trimetal_line);                                      \
    }
TRIMETAL_MODIFY(add, Sum, sum_value)
TRIMETAL_MODIFY(sub, Subtract, sum_value)
TRIMETAL_MODIFY(max, Max, integer_value)
TRIMETAL_MODIFY(min, Min, integer_value)
TRIMETAL_MODIFY(and, And, integer_value)
TRIMETAL_MODIFY(or, Or, integer_value)
TRIMETAL_MODIFY(xor, Xor, integer_value)
#undef TRIMETAL_MODIFY
template <class P, class = enable_if_t<is_same_v<trimetal::atomic_value<P>, ulong>>>
METAL_FUNC void atomic_max_explicit(const P& p, ulong operand, memory_order TRIMETAL_LINE) {
    trimetal::modify<trimetal::Max>(trimetal::cell(p, trimetal_line), operand, trimetal_line);
}
template <class P, class = enable_if_t<is_same_v<trimetal::atomic_value<P>, ulong>>>
METAL_FUNC void atomic_min_explicit(const P& p, ulong operand, memory_order TRIMETAL_LINE) {
    trimetal::modify<trimetal::Min>(trimetal::cell(p, trimetal_line), operand, trimetal_line);
}

#endif

} // namespace metal

#if TRIMETAL_CUDA
#include "cuda/atomic.hpp"
#endif
