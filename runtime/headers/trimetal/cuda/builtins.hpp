// What NVRTC lacks of GCC's builtins, in terms of CUDA's own functions. All of them are precise, as
// long as the compiler is not asked for fast math, or for Triton's accuracy (below).
#pragma once

#define __builtin_memcpy memcpy
#define __builtin_memcmp memcmp

#define TRIMETAL_UNARY(name)                                                                       \
    METAL_FUNC float __builtin_##name(float x) { return ::name(x); }
#define TRIMETAL_BINARY(name)                                                                      \
    METAL_FUNC float __builtin_##name(float x, float y) { return ::name(x, y); }
TRIMETAL_UNARY(acosf)
TRIMETAL_UNARY(acoshf)
TRIMETAL_UNARY(asinf)
TRIMETAL_UNARY(asinhf)
TRIMETAL_UNARY(atanf)
TRIMETAL_UNARY(atanhf)
TRIMETAL_UNARY(ceilf)
TRIMETAL_UNARY(cosf)
TRIMETAL_UNARY(coshf)
TRIMETAL_UNARY(fabsf)
TRIMETAL_UNARY(floorf)
TRIMETAL_UNARY(log10f)
TRIMETAL_UNARY(log2f)
TRIMETAL_UNARY(logf)
TRIMETAL_UNARY(rintf)
TRIMETAL_UNARY(roundf)
TRIMETAL_UNARY(sinf)
TRIMETAL_UNARY(sinhf)
TRIMETAL_UNARY(sqrtf)
TRIMETAL_UNARY(tanf)
TRIMETAL_UNARY(tanhf)
TRIMETAL_UNARY(truncf)
TRIMETAL_BINARY(atan2f)
TRIMETAL_BINARY(fdimf)
TRIMETAL_BINARY(fmaxf)
TRIMETAL_BINARY(fminf)
TRIMETAL_BINARY(fmodf)
TRIMETAL_BINARY(nextafterf)
TRIMETAL_BINARY(powf)
#undef TRIMETAL_UNARY
#undef TRIMETAL_BINARY
#if TRIMETAL_TRITON_ACCURACY
// As Triton has them: e^x is 2^(x * log2(e)), so that the error grows with x, and 2^x is the
// processor's, which takes denormals for zero (ElementwiseOpToLLVM.cpp, libdevice's exp2f).
METAL_FUNC float __builtin_expf(float x) { return ::__expf(x); }
METAL_FUNC float __builtin_exp2f(float x) {
    float r;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
    return r;
}
#else
METAL_FUNC float __builtin_expf(float x) { return ::expf(x); }
METAL_FUNC float __builtin_exp2f(float x) { return ::exp2f(x); }
#endif
METAL_FUNC float __builtin_fmaf(float x, float y, float z) { return ::fmaf(x, y, z); }
METAL_FUNC float __builtin_frexpf(float x, int* exponent) { return ::frexpf(x, exponent); }
METAL_FUNC float __builtin_ldexpf(float x, int k) { return ::ldexpf(x, k); }
METAL_FUNC int __builtin_ilogbf(float x) { return ::ilogbf(x); }
METAL_FUNC constexpr float __builtin_inff() { return __builtin_bit_cast(float, 0x7f800000u); }
METAL_FUNC constexpr float __builtin_nanf(const char*) {
    return __builtin_bit_cast(float, 0x7fc00000u);
}

// Rounded correctly, also where the launcher lets `/` be faster than that.
namespace trimetal {
METAL_FUNC float quotient(float x, float y) { return __fdiv_rn(x, y); }

// The bytes of one value as another's. Words stay whole: otherwise the compiler would pull those
// that hold two halves apart before the branches that give them a value.
template <class To, class From> METAL_FUNC void copy_words(To& to, const From& from) {
    if constexpr (sizeof(From) % 4 == 0) {
        uint words[sizeof(From) / 4];
        memcpy(words, &from, sizeof from);
        for (uint i = 0; i < sizeof(From) / 4; ++i) asm("" : "+r"(words[i]));
        memcpy(&to, words, sizeof to);
    } else {
        memcpy(&to, &from, sizeof to);
    }
}
} // namespace trimetal

METAL_FUNC int __builtin_clzl(ulong x) { return ::__clzll((long long)x); }
METAL_FUNC int __builtin_ctzl(ulong x) { return ::__ffsll((long long)x) - 1; }
METAL_FUNC int __builtin_popcountl(ulong x) { return ::__popcll(x); }

// The exact sum or difference, cut to the type; whether anything was cut off.
template <class T> METAL_FUNC bool __builtin_add_overflow(T x, T y, T* result) {
    if constexpr (sizeof(T) < sizeof(long)) {
        const long sum = (long)x + (long)y;
        *result = (T)sum;
        return (long)*result != sum;
    } else {
        *result = (T)((ulong)x + (ulong)y);
        return T(-1) < T(0) ? (y < T(0)) != (*result < x) : *result < x;
    }
}
template <class T> METAL_FUNC bool __builtin_sub_overflow(T x, T y, T* result) {
    if constexpr (sizeof(T) < sizeof(long)) {
        const long difference = (long)x - (long)y;
        *result = (T)difference;
        return (long)*result != difference;
    } else {
        *result = (T)((ulong)x - (ulong)y);
        return T(-1) < T(0) ? (y < T(0)) != (*result > x) : y > x;
    }
}
