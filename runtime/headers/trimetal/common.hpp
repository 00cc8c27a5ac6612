// min, max, clamp and the other common functions of floating types; select, any, all; geometry.
#pragma once

namespace metal {

// Of a number and a NaN, the number: Metal's max and min of floats are fmax and fmin.
#define TRIMETAL_FLOATS(T)                                                                         \
    METAL_FUNC T max(T x, T y) { return fmax(x, y); }                                              \
    METAL_FUNC T min(T x, T y) { return fmin(x, y); }                                              \
    METAL_FUNC T max3(T x, T y, T z) { return fmax3(x, y, z); }                                    \
    METAL_FUNC T min3(T x, T y, T z) { return fmin3(x, y, z); }                                    \
    METAL_FUNC T median3(T x, T y, T z) { return fmedian3(x, y, z); }                              \
    METAL_FUNC T clamp(T x, T low, T high) { return fmin(fmax(x, low), high); }                    \
    METAL_FUNC T abs(T x) { return fabs(x); }                                                      \
    METAL_FUNC T saturate(T x) { return fmin(fmax(x, T(0)), T(1)); }                               \
    METAL_FUNC T sign(T x) { return x > T(0) ? T(1) : x < T(0) ? T(-1) : x == x ? x : T(0); }      \
    METAL_FUNC T mix(T x, T y, T a) { return x + (y - x) * a; }                                    \
    METAL_FUNC T step(T edge, T x) { return x < edge ? T(0) : T(1); }                              \
    METAL_FUNC T smoothstep(T from, T to, T x) {                                                   \
        const T t = saturate((x - from) / (to - from));                                            \
        return t * t * (T(3) - T(2) * t);                                                          \
    }
TRIMETAL_FLOATS(float)
TRIMETAL_FLOATS(half)
#undef TRIMETAL_FLOATS
TRIMETAL_LIFT_2(max)
TRIMETAL_LIFT_2(min)
TRIMETAL_LIFT_3(max3)
TRIMETAL_LIFT_3(min3)
TRIMETAL_LIFT_3(clamp)
TRIMETAL_LIFT_1(abs)
TRIMETAL_LIFT_1(saturate)
TRIMETAL_LIFT_1(sign)
TRIMETAL_LIFT_2(step)
TRIMETAL_LIFT_3(mix)

#define TRIMETAL_MIN_MAX                                                                           \
    METAL_FUNC float max(float x, float y) { return fmax(x, y); }                                  \
    METAL_FUNC float min(float x, float y) { return fmin(x, y); }                                  \
    METAL_FUNC float clamp(float x, float low, float high) { return fmin(fmax(x, low), high); }    \
    METAL_FUNC float abs(float x) { return fabs(x); }                                              \
    METAL_FUNC float saturate(float x) { return fmin(fmax(x, 0.0f), 1.0f); }                       \
    TRIMETAL_LIFT_2(max)                                                                           \
    TRIMETAL_LIFT_2(min)                                                                           \
    TRIMETAL_LIFT_3(clamp)                                                                         \
    TRIMETAL_LIFT_1(abs)                                                                           \
    TRIMETAL_LIFT_1(saturate)
namespace precise {
TRIMETAL_MIN_MAX
}
namespace fast {
TRIMETAL_MIN_MAX
}
#undef TRIMETAL_MIN_MAX

// The second value where the condition holds, as in Metal: select(a, b, c) is c ? b : a.
template <class T, class = enable_if_t<trimetal::is_scalar<T>>>
METAL_FUNC T select(T a, trimetal::not_deduced<T> b, bool condition) {
    return condition ? b : a;
}
template <class A, class B, class C, class V = trimetal::vector_of<A>,
          class = enable_if_t<trimetal::vector_length<A> != 0 &&
                              is_same_v<trimetal::vector_of<B>, V> &&
                              is_same_v<trimetal::vector_of<C>,
                                        vec<bool, trimetal::vector_length<A>>>>>
METAL_FUNC V select(const A& a, const B& b, const C& condition) {
    const V x = a, y = b;
    const trimetal::vector_of<C> c = condition;
    V r;
    for (int i = 0; i < trimetal::vector_length<V>; ++i) r.d[i] = c.d[i] ? y.d[i] : x.d[i];
    return r;
}

METAL_FUNC bool any(bool x) { return x; }
METAL_FUNC bool all(bool x) { return x; }
template <int N> METAL_FUNC bool any(const vec<bool, N>& v) {
    bool r = false;
    for (int i = 0; i < N; ++i) r = r || v.d[i];
    return r;
}
template <int N> METAL_FUNC bool all(const vec<bool, N>& v) {
    bool r = true;
    for (int i = 0; i < N; ++i) r = r && v.d[i];
    return r;
}

// Geometric functions.
template <class A, class B, class V = trimetal::binary_of<A, B>,
          class = enable_if_t<trimetal::is_floating<trimetal::element_of<V>>>>
METAL_FUNC trimetal::element_of<V> dot(const A& a, const B& b) {
    const V x = a, y = b;
    trimetal::element_of<V> r = x.d[0] * y.d[0];
    for (int i = 1; i < trimetal::vector_length<V>; ++i) r = r + x.d[i] * y.d[i];
    return r;
}
template <class T> METAL_FUNC vec<T, 3> cross(const vec<T, 3>& a, const vec<T, 3>& b) {
    return vec<T, 3>(a.d[1] * b.d[2] - a.d[2] * b.d[1], a.d[2] * b.d[0] - a.d[0] * b.d[2],
                     a.d[0] * b.d[1] - a.d[1] * b.d[0]);
}
template <class T, int N> METAL_FUNC T length_squared(const vec<T, N>& v) { return dot(v, v); }
template <class T, int N> METAL_FUNC T length(const vec<T, N>& v) { return sqrt(dot(v, v)); }
template <class T, int N> METAL_FUNC T distance(const vec<T, N>& a, const vec<T, N>& b) {
    return length(a - b);
}
template <class T, int N> METAL_FUNC vec<T, N> normalize(const vec<T, N>& v) {
    return v * rsqrt(dot(v, v));
}

} // namespace metal
