// Math functions, as Metal has them: of float and half (bfloat counts as float), and in
// metal::precise and metal::fast of float alone. All are computed precisely here; half results
// round once from float.
#pragma once

namespace trimetal {

// Of pi times x: the argument is reduced exactly before pi comes in.
METAL_FUNC float sin_pi(float x) {
    float r = x - 2.0f * __builtin_rintf(x * 0.5f);
    if (__builtin_fabsf(r) > 0.5f) r = __builtin_copysignf(1.0f, r) - r;
    return __builtin_sinf(r * 3.14159265358979323846f);
}
METAL_FUNC float cos_pi(float x) {
    const float r = __builtin_fabsf(x - 2.0f * __builtin_rintf(x * 0.5f));
    return r == 0.5f ? 0.0f : __builtin_cosf(r * 3.14159265358979323846f);
}
// Below 1 always, even where x is a tiny negative number.
METAL_FUNC float fraction(float x) {
    return __builtin_fminf(x - __builtin_floorf(x), 0x1.fffffep-1f);
}
// Of a number and a NaN, signaling or not, the number; of two zeros, the positive one.
METAL_FUNC float larger(float x, float y) {
#if TRIMETAL_CUDA
    return __builtin_fmaxf(x, y);
#else
    return x > y || y != y || (x == y && __builtin_copysignf(1.0f, y) < 0.0f) ? x : y;
#endif
}
#if !TRIMETAL_CUDA
METAL_FUNC float quotient(float x, float y) { return x / y; }
#endif
#if TRIMETAL_HOST
// Exact product; the sum rounds once to double and once more to half.
METAL_FUNC half fma_half(half x, half y, half z) {
    return (half)((double)x * (double)y + (double)z);
}
METAL_FUNC float reciprocal_root(float x) { return (float)(1.0 / __builtin_sqrt((double)x)); }
#elif TRIMETAL_CUDA
METAL_FUNC half fma_half(half x, half y, half z) {
    half r;
    asm("fma.rn.f16 %0, %1, %2, %3;" : "=h"(r.bits) : "h"(x.bits), "h"(y.bits), "h"(z.bits));
    return r;
}
METAL_FUNC float reciprocal_root(float x) { return __frsqrt_rn(x); }
#else
METAL_FUNC float reciprocal_root(float x) { return x; }
METAL_FUNC half fma_half(half x, half y, half z) { return z; }
#endif

} // namespace trimetal

namespace metal {

#define TRIMETAL_HALF(...) __VA_ARGS__
#include "math_functions.inc"
#undef TRIMETAL_HALF
#define TRIMETAL_HALF(...)
namespace precise {
#include "math_functions.inc"
}
namespace fast {
#include "math_functions.inc"
}
#undef TRIMETAL_HALF

METAL_FUNC float fma(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
METAL_FUNC half fma(half x, half y, half z) { return trimetal::fma_half(x, y, z); }
TRIMETAL_LIFT_3(fma)

METAL_FUNC float ldexp(float x, int k) { return __builtin_ldexpf(x, k); }
METAL_FUNC half ldexp(half x, int k) { return (half)__builtin_ldexpf((float)x, k); }
METAL_FUNC int ilogb(float x) { return __builtin_ilogbf(x); }
METAL_FUNC int ilogb(half x) { return __builtin_ilogbf((float)x); }

METAL_FUNC float frexp(float x, TRIMETAL_THREAD int& exponent) {
#if !TRIMETAL_CHECK
    return __builtin_frexpf(x, &exponent);
#else
    return x;
#endif
}
METAL_FUNC float modf(float x, TRIMETAL_THREAD float& whole) {
    whole = __builtin_truncf(x);
    return __builtin_copysignf(x - whole, x);
}
METAL_FUNC float sincos(float x, TRIMETAL_THREAD float& cosine) {
    cosine = __builtin_cosf(x);
    return __builtin_sinf(x);
}

// Relational functions.
#define TRIMETAL_TEST(name, value)                                                                 \
    METAL_FUNC bool name(float x) { return value; }                                                \
    METAL_FUNC bool name(half y) { const float x = (float)y; return value; }                       \
    TRIMETAL_LIFT_TEST(name)
TRIMETAL_TEST(isnan, x != x)
TRIMETAL_TEST(isinf, __builtin_fabsf(x) == INFINITY)
TRIMETAL_TEST(isfinite, __builtin_fabsf(x) < INFINITY)
TRIMETAL_TEST(signbit, __builtin_copysignf(1.0f, x) < 0.0f)
#undef TRIMETAL_TEST
METAL_FUNC bool isnormal(float x) { return isfinite(x) && __builtin_fabsf(x) >= FLT_MIN; }
METAL_FUNC bool isnormal(half x) {
    return isfinite(x) && __builtin_fabsf((float)x) >= (float)HALF_MIN;
}
TRIMETAL_LIFT_TEST(isnormal)
METAL_FUNC bool isordered(float x, float y) { return x == x && y == y; }
METAL_FUNC bool isunordered(float x, float y) { return x != x || y != y; }

} // namespace metal
