// bfloat: the upper half of a float. Every operation computes in float and rounds once.
//
// A class in both modes, because compilers disagree about their own 16-bit brain floats: to float
// it converts by itself, from anything else only where the text says so, as in Metal.
#pragma once

TRIMETAL_PROGRAM_SCOPE_BEGIN

struct bfloat {
    ushort bits;

    bfloat() = default;
#if TRIMETAL_CHECK
    bfloat(const bfloat&) = default;
    bfloat& operator=(const bfloat&) = default;
    bfloat(const __constant bfloat& other) : bits(other.bits) {}
    bfloat& operator=(const __constant bfloat& other) {
        bits = other.bits;
        return *this;
    }
    operator float() const __constant { return 0.0f; }
#endif
    template <class T, class = trimetal::enable_if_t<trimetal::is_scalar<T>>>
    TRIMETAL_INLINE explicit bfloat(T value) : bits(round((float)value)) {}
    TRIMETAL_INLINE operator float() const {
        const uint wide = (uint)bits << 16;
        float value;
        __builtin_memcpy(&value, &wide, sizeof value);
        return value;
    }

  private:
    // To nearest, ties to even; a NaN stays a (quiet) NaN.
    TRIMETAL_INLINE static ushort round(float value) {
#if TRIMETAL_CUDA
        ushort rounded;
        asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(rounded) : "f"(value));
        return rounded;
#else
        uint wide;
        __builtin_memcpy(&wide, &value, sizeof wide);
        if ((wide & 0x7fffffffu) > 0x7f800000u) return (ushort)((wide >> 16) | 0x40u);
        return (ushort)((wide + 0x7fffu + ((wide >> 16) & 1u)) >> 16);
#endif
    }
};

#define TRIMETAL_ARITHMETIC(op)                                                                    \
    TRIMETAL_INLINE bfloat operator op(bfloat a, bfloat b) {                                       \
        return bfloat((float)a op (float)b);                                                       \
    }                                                                                              \
    TRIMETAL_INLINE TRIMETAL_THREAD bfloat& operator op##=(TRIMETAL_THREAD bfloat& a, bfloat b) {  \
        a = a op b;                                                                                \
        return a;                                                                                  \
    }
TRIMETAL_ARITHMETIC(+)
TRIMETAL_ARITHMETIC(-)
TRIMETAL_ARITHMETIC(*)
#if TRIMETAL_CUDA
TRIMETAL_INLINE bfloat operator/(bfloat a, bfloat b) {
    return bfloat(trimetal::quotient((float)a, (float)b));
}
TRIMETAL_INLINE bfloat& operator/=(bfloat& a, bfloat b) { return a = a / b; }
#else
TRIMETAL_ARITHMETIC(/)
#endif
#undef TRIMETAL_ARITHMETIC

#define TRIMETAL_COMPARE(op)                                                                       \
    TRIMETAL_INLINE bool operator op(bfloat a, bfloat b) { return (float)a op (float)b; }
TRIMETAL_COMPARE(==)
TRIMETAL_COMPARE(!=)
TRIMETAL_COMPARE(<)
TRIMETAL_COMPARE(>)
TRIMETAL_COMPARE(<=)
TRIMETAL_COMPARE(>=)
#undef TRIMETAL_COMPARE

TRIMETAL_PROGRAM_SCOPE_END

namespace trimetal {
template <class T> using beside_bfloat =
    enable_if_t<is_scalar<T> && !is_same_v<plain<T>, float> && !is_same_v<plain<T>, bfloat>>;
}

TRIMETAL_PROGRAM_SCOPE_BEGIN

// Beside a float, a bfloat counts as a float; beside anything else the text must say what it means.
#define TRIMETAL_MIXED(op)                                                                         \
    template <class T, class = trimetal::beside_bfloat<T>>                                         \
    void operator op(bfloat, T) = delete;                                                          \
    template <class T, class = trimetal::beside_bfloat<T>>                                         \
    void operator op(T, bfloat) = delete;                                                          \
    TRIMETAL_INLINE auto operator op(bfloat a, float b) { return (float)a op b; }                  \
    TRIMETAL_INLINE auto operator op(float a, bfloat b) { return a op (float)b; }
TRIMETAL_MIXED(+)
TRIMETAL_MIXED(-)
TRIMETAL_MIXED(*)
TRIMETAL_MIXED(/)
TRIMETAL_MIXED(==)
TRIMETAL_MIXED(!=)
TRIMETAL_MIXED(<)
TRIMETAL_MIXED(>)
TRIMETAL_MIXED(<=)
TRIMETAL_MIXED(>=)
#undef TRIMETAL_MIXED

// Only the sign changes, of a NaN too.
TRIMETAL_INLINE bfloat operator-(bfloat a) {
    a.bits = (ushort)(a.bits ^ 0x8000u);
    return a;
}

TRIMETAL_PROGRAM_SCOPE_END
