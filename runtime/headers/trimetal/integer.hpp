// Integer functions, for each of the eight integer types and their vectors.
#pragma once

namespace trimetal {

// The double-width type in which a product is exact, and the unsigned type of the same width.
template <class T> struct integer_types;
#define TRIMETAL_TYPES(T, Unsigned, Wide)                                                          \
    template <> struct integer_types<T> {                                                          \
        typedef Unsigned unsigned_type;                                                            \
        typedef Wide wide_type;                                                                    \
        static constexpr bool is_signed = !is_same_v<T, Unsigned>;                                 \
    };
TRIMETAL_TYPES(char, uchar, int)
TRIMETAL_TYPES(uchar, uchar, int)
TRIMETAL_TYPES(short, ushort, int)
TRIMETAL_TYPES(ushort, ushort, uint)
TRIMETAL_TYPES(int, uint, long)
TRIMETAL_TYPES(uint, uint, ulong)
#if TRIMETAL_HOST
TRIMETAL_TYPES(long, ulong, __int128)
TRIMETAL_TYPES(ulong, ulong, unsigned __int128)
#else
TRIMETAL_TYPES(long, ulong, long)
TRIMETAL_TYPES(ulong, ulong, ulong)
#endif
#undef TRIMETAL_TYPES
template <class T> using unsigned_of = typename integer_types<T>::unsigned_type;
template <class T> using wide_of = typename integer_types<T>::wide_type;
template <class T> constexpr int bits_of = sizeof(T) * 8;

// 0 counts as many zeros as the type has bits.
template <class T> METAL_FUNC T leading_zeros(T x) {
    const ulong wide = (ulong)(unsigned_of<T>)x;
    return wide == 0 ? T(bits_of<T>) : T(__builtin_clzl(wide) - (64 - bits_of<T>));
}
template <class T> METAL_FUNC T trailing_zeros(T x) {
    const ulong wide = (ulong)(unsigned_of<T>)x;
    return wide == 0 ? T(bits_of<T>) : T(__builtin_ctzl(wide));
}
template <class T> METAL_FUNC T reversed(T x) {
    unsigned_of<T> from = (unsigned_of<T>)x, to = 0;
    for (int i = 0; i < bits_of<T>; ++i) {
        to = (unsigned_of<T>)((to << 1) | (from & 1));
        from = (unsigned_of<T>)(from >> 1);
    }
    return (T)to;
}
template <class T> METAL_FUNC T rotated(T x, T by) {
    typedef unsigned_of<T> U;
    const U u = (U)x;
    const int left = (int)((U)by % bits_of<T>);
    return left == 0 ? x : (T)(U)((U)(u << left) | (U)(u >> (bits_of<T> - left)));
}
template <class T> METAL_FUNC T high_product(T x, T y) {
#if TRIMETAL_HOST
    return (T)(((wide_of<T>)x * (wide_of<T>)y) >> bits_of<T>);
#elif TRIMETAL_CUDA
    if constexpr (is_same_v<T, long>) return (T)__mul64hi(x, y);
    else if constexpr (is_same_v<T, ulong>) return (T)__umul64hi(x, y);
    else if constexpr (is_same_v<T, int>) return __mulhi(x, y);
    else if constexpr (is_same_v<T, uint>) return __umulhi(x, y);
    else return (T)(((wide_of<T>)x * (wide_of<T>)y) >> bits_of<T>);
#else
    return x;
#endif
}
// Saturating sums and differences: what overflows ends at the type's limit.
template <class T> METAL_FUNC T saturating_sum(T x, T y) {
    T r = x;
    if (!__builtin_add_overflow(x, y, &r)) return r;
    if (integer_types<T>::is_signed && y < T(0)) return metal::numeric_limits<T>::min();
    return metal::numeric_limits<T>::max();
}
template <class T> METAL_FUNC T saturating_difference(T x, T y) {
    T r = x;
    if (!__builtin_sub_overflow(x, y, &r)) return r;
    if (integer_types<T>::is_signed && y < T(0)) return metal::numeric_limits<T>::max();
    return metal::numeric_limits<T>::min();
}

} // namespace trimetal

namespace metal {

#define TRIMETAL_INTEGER(T)                                                                        \
    METAL_FUNC T max(T x, T y) { return x > y ? x : y; }                                           \
    METAL_FUNC T min(T x, T y) { return x < y ? x : y; }                                           \
    METAL_FUNC T clamp(T x, T low, T high) { return min(max(x, low), high); }                      \
    METAL_FUNC T max3(T x, T y, T z) { return max(x, max(y, z)); }                                 \
    METAL_FUNC T min3(T x, T y, T z) { return min(x, min(y, z)); }                                 \
    METAL_FUNC T median3(T x, T y, T z) { return max(min(x, y), min(max(x, y), z)); }              \
    METAL_FUNC T abs(T x) { return x < T(0) ? T(0 - (trimetal::unsigned_of<T>)x) : x; }            \
    METAL_FUNC trimetal::unsigned_of<T> absdiff(T x, T y) {                                        \
        typedef trimetal::unsigned_of<T> U;                                                        \
        return x > y ? U((U)x - (U)y) : U((U)y - (U)x);                                            \
    }                                                                                              \
    METAL_FUNC T addsat(T x, T y) { return trimetal::saturating_sum(x, y); }                       \
    METAL_FUNC T subsat(T x, T y) { return trimetal::saturating_difference(x, y); }                \
    METAL_FUNC T hadd(T x, T y) { return T((x >> 1) + (y >> 1) + (x & y & T(1))); }                \
    METAL_FUNC T rhadd(T x, T y) { return T((x >> 1) + (y >> 1) + ((x | y) & T(1))); }             \
    METAL_FUNC T clz(T x) { return trimetal::leading_zeros(x); }                                   \
    METAL_FUNC T ctz(T x) { return trimetal::trailing_zeros(x); }                                  \
    METAL_FUNC T popcount(T x) {                                                                   \
        return T(__builtin_popcountl((ulong)(trimetal::unsigned_of<T>)x));                         \
    }                                                                                              \
    METAL_FUNC T reverse_bits(T x) { return trimetal::reversed(x); }                               \
    METAL_FUNC T rotate(T x, T by) { return trimetal::rotated(x, by); }                            \
    METAL_FUNC T mulhi(T x, T y) { return trimetal::high_product(x, y); }                          \
    METAL_FUNC T madhi(T x, T y, T z) {                                                            \
        typedef trimetal::unsigned_of<T> U;                                                        \
        return (T)(U)((U)trimetal::high_product(x, y) + (U)z);                                     \
    }
TRIMETAL_INTEGER(char)
TRIMETAL_INTEGER(uchar)
TRIMETAL_INTEGER(short)
TRIMETAL_INTEGER(ushort)
TRIMETAL_INTEGER(int)
TRIMETAL_INTEGER(uint)
TRIMETAL_INTEGER(long)
TRIMETAL_INTEGER(ulong)
#undef TRIMETAL_INTEGER
METAL_FUNC int mul24(int x, int y) { return (int)((uint)x * (uint)y); }
METAL_FUNC uint mul24(uint x, uint y) { return x * y; }
METAL_FUNC int mad24(int x, int y, int z) { return (int)((uint)x * (uint)y + (uint)z); }
METAL_FUNC uint mad24(uint x, uint y, uint z) { return x * y + z; }

#define TRIMETAL_BIT_FIELDS(T)                                                                     \
    METAL_FUNC T extract_bits(T x, uint offset, uint bits) {                                       \
        if (bits == 0u) return T(0);                                                               \
        const uint above = trimetal::bits_of<T> - offset - bits;                                   \
        return (T)((T)((trimetal::unsigned_of<T>)x << above) >> (above + offset));                 \
    }                                                                                              \
    METAL_FUNC T insert_bits(T base, T insert, uint offset, uint bits) {                           \
        typedef trimetal::unsigned_of<T> U;                                                        \
        if (bits == 0u) return base;                                                               \
        const U mask = (U)((U)((U)~U(0) >> (trimetal::bits_of<T> - bits)) << offset);              \
        return (T)(U)(((U)base & (U)~mask) | ((U)((U)insert << offset) & mask));                   \
    }
TRIMETAL_BIT_FIELDS(int)
TRIMETAL_BIT_FIELDS(uint)
TRIMETAL_BIT_FIELDS(short)
TRIMETAL_BIT_FIELDS(ushort)
#undef TRIMETAL_BIT_FIELDS

TRIMETAL_LIFT_1(clz)
TRIMETAL_LIFT_1(ctz)
TRIMETAL_LIFT_1(popcount)
TRIMETAL_LIFT_1(reverse_bits)
TRIMETAL_LIFT_2(rotate)
TRIMETAL_LIFT_2(mulhi)
TRIMETAL_LIFT_2(addsat)
TRIMETAL_LIFT_2(subsat)
TRIMETAL_LIFT_2(hadd)
TRIMETAL_LIFT_2(rhadd)
TRIMETAL_LIFT_3(madhi)
TRIMETAL_LIFT_2(mul24)
TRIMETAL_LIFT_3(mad24)

// Vectors of what has another type than the arguments.
template <class A, class B, class V = trimetal::binary_of<A, B>,
          class R = vec<trimetal::unsigned_of<trimetal::element_of<V>>, trimetal::vector_length<V>>>
METAL_FUNC R absdiff(const A& a, const B& b) {
    const V x = a, y = b;
    R r;
    for (int i = 0; i < trimetal::vector_length<V>; ++i) r.d[i] = absdiff(x.d[i], y.d[i]);
    return r;
}
template <class A, class K, class V = trimetal::vector_of<A>,
          class = enable_if_t<trimetal::vector_length<A> != 0 &&
                              is_same_v<trimetal::vector_of<K>,
                                        vec<int, trimetal::vector_length<A>>>>>
METAL_FUNC V ldexp(const A& a, const K& b) {
    const V x = a;
    const trimetal::vector_of<K> k = b;
    V r;
    for (int i = 0; i < trimetal::vector_length<V>; ++i) r.d[i] = ldexp(x.d[i], k.d[i]);
    return r;
}
template <class A, class R = enable_if_t<trimetal::vector_length<A> != 0 &&
                                             trimetal::is_floating<trimetal::element_of<A>>,
                                         vec<int, trimetal::vector_length<A>>>>
METAL_FUNC R ilogb(const A& a) {
    const trimetal::vector_of<A> x = a;
    R r;
    for (int i = 0; i < trimetal::vector_length<A>; ++i) r.d[i] = ilogb(x.d[i]);
    return r;
}

} // namespace metal
