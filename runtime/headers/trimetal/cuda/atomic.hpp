// Atomics by the processor's instructions. Words of 32 bits, and of 64 for minimum and maximum.
#pragma once

namespace trimetal {

template <class P> using atomic_value = typename atomic_traits<pointee<P>>::value;
template <class P> METAL_FUNC atomic_value<P>* cell(const P& p) { return (atomic_value<P>*)p; }
template <class P> using cell_value =
    enable_if_t<is_atomic_cell<atomic_value<P>>, atomic_value<P>>;
template <class P> using sum_value =
    enable_if_t<is_atomic_sum<atomic_value<P>, true>, atomic_value<P>>;
template <class P> using integer_value =
    enable_if_t<is_atomic_integer<atomic_value<P>>, atomic_value<P>>;

// The bits of a value as the word that is exchanged.
template <class T> METAL_FUNC uint word_of(T value) {
    static_assert(sizeof(T) == 4, "the CUDA device has atomics of 32 bits");
    uint word;
    memcpy(&word, &value, sizeof word);
    return word;
}
template <class T> METAL_FUNC T value_of(uint word) {
    T value;
    memcpy(&value, &word, sizeof value);
    return value;
}
// a - b is a + -b, of floats too, to the bit.
template <class T> METAL_FUNC T subtract(T* cell, T operand) {
    if constexpr (is_integer<T>) return atomicAdd(cell, T(0u - uint(operand)));
    else return atomicAdd(cell, -operand);
}

} // namespace trimetal

namespace metal {

template <class P, class T = trimetal::cell_value<P>>
METAL_FUNC T atomic_load_explicit(const P& p, memory_order) {
    return *(const volatile T*)trimetal::cell(p);
}
template <class P, class T = trimetal::cell_value<P>>
METAL_FUNC void atomic_store_explicit(const P& p, trimetal::not_deduced<T> value, memory_order) {
    *(volatile T*)trimetal::cell(p) = value;
}
template <class P, class T = trimetal::cell_value<P>>
METAL_FUNC T atomic_exchange_explicit(const P& p, trimetal::not_deduced<T> value, memory_order) {
    return trimetal::value_of<T>(atomicExch((uint*)trimetal::cell(p), trimetal::word_of(value)));
}
// Compares bits: a NaN equals itself, and 0 is not -0.
template <class P, class T = trimetal::cell_value<P>>
METAL_FUNC bool atomic_compare_exchange_weak_explicit(const P& p,
                                                      trimetal::not_deduced<T>* expected,
                                                      trimetal::not_deduced<T> desired,
                                                      memory_order, memory_order) {
    const uint wanted = trimetal::word_of(*expected);
    const uint found = atomicCAS((uint*)trimetal::cell(p), wanted, trimetal::word_of(desired));
    *expected = trimetal::value_of<T>(found);
    return found == wanted;
}
#define TRIMETAL_MODIFY(name, value_of, modified)                                                  \
    template <class P, class T = trimetal::value_of<P>>                                            \
    METAL_FUNC T atomic_fetch_##name##_explicit(const P& p, trimetal::not_deduced<T> operand,      \
                                                memory_order) {                                    \
        T* cell = trimetal::cell(p);                                                               \
        return modified(cell, operand);                                                            \
    }
TRIMETAL_MODIFY(add, sum_value, atomicAdd)
TRIMETAL_MODIFY(sub, sum_value, trimetal::subtract)
TRIMETAL_MODIFY(max, integer_value, atomicMax)
TRIMETAL_MODIFY(min, integer_value, atomicMin)
TRIMETAL_MODIFY(and, integer_value, atomicAnd)
TRIMETAL_MODIFY(or, integer_value, atomicOr)
TRIMETAL_MODIFY(xor, integer_value, atomicXor)
#undef TRIMETAL_MODIFY
template <class P, class = enable_if_t<is_same_v<trimetal::atomic_value<P>, ulong>>>
METAL_FUNC void atomic_max_explicit(const P& p, ulong operand, memory_order) {
    atomicMax((unsigned long long*)trimetal::cell(p), (unsigned long long)operand);
}
template <class P, class = enable_if_t<is_same_v<trimetal::atomic_value<P>, ulong>>>
METAL_FUNC void atomic_min_explicit(const P& p, ulong operand, memory_order) {
    atomicMin((unsigned long long*)trimetal::cell(p), (unsigned long long)operand);
}

} // namespace metal
