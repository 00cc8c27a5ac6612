// float4, packed_half2 and the other names of vector types; the numeric constants.
#pragma once

#define TRIMETAL_VECTORS(T)                                                                        \
    typedef metal::vec<T, 2> T##2;                                                                 \
    typedef metal::vec<T, 3> T##3;                                                                 \
    typedef metal::vec<T, 4> T##4;
#define TRIMETAL_PACKED(T)                                                                         \
    typedef trimetal::packed_vec<T, 2> packed_##T##2;                                              \
    typedef trimetal::packed_vec<T, 3> packed_##T##3;                                              \
    typedef trimetal::packed_vec<T, 4> packed_##T##4;
#define TRIMETAL_BOTH(T) TRIMETAL_VECTORS(T) TRIMETAL_PACKED(T)
TRIMETAL_PROGRAM_SCOPE_BEGIN
TRIMETAL_VECTORS(bool)
TRIMETAL_BOTH(char)
TRIMETAL_BOTH(uchar)
TRIMETAL_BOTH(short)
TRIMETAL_BOTH(ushort)
TRIMETAL_BOTH(int)
TRIMETAL_BOTH(uint)
TRIMETAL_BOTH(long)
TRIMETAL_VECTORS(ulong)
TRIMETAL_BOTH(float)
TRIMETAL_BOTH(half)
TRIMETAL_BOTH(bfloat)
TRIMETAL_PROGRAM_SCOPE_END
#undef TRIMETAL_VECTORS
#undef TRIMETAL_PACKED
#undef TRIMETAL_BOTH

#undef INFINITY
#undef NAN
#define INFINITY (__builtin_inff())
#define NAN (__builtin_nanf(""))
#define HUGE_VALF INFINITY
#define MAXFLOAT FLT_MAX
#define MAXHALF HALF_MAX
#undef CHAR_BIT
#undef FLT_MAX
#undef FLT_MIN
#undef FLT_EPSILON
#undef FLT_DIG
#undef FLT_MANT_DIG
#undef HALF_MAX
#undef HALF_MIN
#undef HALF_EPSILON
#define CHAR_BIT 8
#define FLT_DIG 6
#define FLT_MANT_DIG 24
#define FLT_MAX 0x1.fffffep127f
#define FLT_MIN 0x1.0p-126f
#define FLT_EPSILON 0x1.0p-23f
#define HALF_MAX ((half)65504.0f)
#define HALF_MIN ((half)0x1.0p-14f)
#define HALF_EPSILON ((half)0x1.0p-10f)
#undef CHAR_MAX
#undef CHAR_MIN
#undef UCHAR_MAX
#undef SHRT_MAX
#undef SHRT_MIN
#undef USHRT_MAX
#undef INT_MAX
#undef INT_MIN
#undef UINT_MAX
#undef LONG_MAX
#undef LONG_MIN
#undef ULONG_MAX
#define CHAR_MAX 127
#define CHAR_MIN (-128)
#define UCHAR_MAX 255
#define SHRT_MAX 32767
#define SHRT_MIN (-32768)
#define USHRT_MAX 65535
#define INT_MAX 2147483647
#define INT_MIN (-2147483647 - 1)
#define UINT_MAX 4294967295u
#define LONG_MAX 9223372036854775807l
#define LONG_MIN (-9223372036854775807l - 1l)
#define ULONG_MAX 18446744073709551615ul
#undef M_E_H
#define M_E_F 2.71828182845904523536f
#define M_LOG2E_F 1.44269504088896340736f
#define M_LOG10E_F 0.43429448190325182765f
#define M_LN2_F 0.69314718055994530942f
#define M_LN10_F 2.30258509299404568402f
#define M_PI_F 3.14159265358979323846f
#define M_PI_2_F 1.57079632679489661923f
#define M_PI_4_F 0.78539816339744830962f
#define M_1_PI_F 0.31830988618379067154f
#define M_2_PI_F 0.63661977236758134308f
#define M_SQRT2_F 1.41421356237309504880f
#define M_SQRT1_2_F 0.70710678118654752440f

namespace metal {

template <class T> struct numeric_limits;
#define TRIMETAL_LIMITS(T, Smallest, Largest)                                                      \
    template <> struct numeric_limits<T> {                                                         \
        static constexpr T min() { return (T)(Smallest); }                                         \
        static constexpr T lowest() { return (T)(Smallest); }                                      \
        static constexpr T max() { return (T)(Largest); }                                          \
    };
TRIMETAL_LIMITS(char, CHAR_MIN, CHAR_MAX)
TRIMETAL_LIMITS(uchar, 0, UCHAR_MAX)
TRIMETAL_LIMITS(short, SHRT_MIN, SHRT_MAX)
TRIMETAL_LIMITS(ushort, 0, USHRT_MAX)
TRIMETAL_LIMITS(int, INT_MIN, INT_MAX)
TRIMETAL_LIMITS(uint, 0, UINT_MAX)
TRIMETAL_LIMITS(long, LONG_MIN, LONG_MAX)
TRIMETAL_LIMITS(ulong, 0, ULONG_MAX)
#undef TRIMETAL_LIMITS
#define TRIMETAL_LIMITS(T, Smallest, Largest, Epsilon)                                             \
    template <> struct numeric_limits<T> {                                                         \
        static constexpr T min() { return (T)(Smallest); }                                         \
        static constexpr T lowest() { return (T)(-(Largest)); }                                    \
        static constexpr T max() { return (T)(Largest); }                                          \
        static constexpr T epsilon() { return (T)(Epsilon); }                                      \
        static constexpr T infinity() { return (T)INFINITY; }                                      \
        static constexpr T quiet_NaN() { return (T)NAN; }                                          \
    };
TRIMETAL_LIMITS(float, FLT_MIN, FLT_MAX, FLT_EPSILON)
TRIMETAL_LIMITS(half, HALF_MIN, HALF_MAX, HALF_EPSILON)
#undef TRIMETAL_LIMITS

// The bits of one value seen as another type of the same size.
template <class To, class From> TRIMETAL_INLINE To as_type(const From& from) {
    const trimetal::vector_of<From> value = from;
    static_assert(sizeof(To) == sizeof(value), "as_type needs two types of one size");
    To to;
#if TRIMETAL_CUDA
    trimetal::copy_words(to, value);
#elif TRIMETAL_HOST
    __builtin_memcpy(&to, &value, sizeof to);
#endif
    return to;
}

} // namespace metal
