// packed_float3 and its kin: vectors with the alignment of one element.
#pragma once

namespace trimetal {

template <class T, int N> struct packed_components {
    union {
        struct { T x, y; };
        T d[2];
    };
};
template <class T> struct packed_components<T, 3> {
    union {
        struct { T x, y, z; };
        T d[3];
    };
};
template <class T> struct packed_components<T, 4> {
    union {
        struct { T x, y, z, w; };
        T d[4];
    };
};

template <class T, int N> struct packed_vec : packed_components<T, N> {
    using packed_components<T, N>::d;

    packed_vec() = default;
    packed_vec(const packed_vec&) = default;
    packed_vec& operator=(const packed_vec&) = default;
    TRIMETAL_INLINE packed_vec(const vec<T, N>& v) {
        for (int i = 0; i < N; ++i) d[i] = v.d[i];
    }
    template <int M = N, class = enable_if_t<M == 2>> TRIMETAL_INLINE packed_vec(T x, T y) {
        d[0] = x, d[1] = y;
    }
    template <int M = N, class = enable_if_t<M == 3>> TRIMETAL_INLINE packed_vec(T x, T y, T z) {
        d[0] = x, d[1] = y, d[2] = z;
    }
    template <int M = N, class = enable_if_t<M == 4>>
    TRIMETAL_INLINE packed_vec(T x, T y, T z, T w) {
        d[0] = x, d[1] = y, d[2] = z, d[3] = w;
    }
    TRIMETAL_INLINE operator vec<T, N>() const {
        vec<T, N> v;
        for (int i = 0; i < N; ++i) v.d[i] = d[i];
        return v;
    }
    TRIMETAL_INLINE T& operator[](int i) { return d[i]; }
    TRIMETAL_INLINE const T& operator[](int i) const { return d[i]; }
    template <int... I> TRIMETAL_INLINE swizzled<T, I...> swizzle() {
        return swizzled<T, I...>{d};
    }
    template <int... I> TRIMETAL_INLINE const vec<T, sizeof...(I)> swizzle() const {
        return swizzled<T, I...>{const_cast<T*>(d)};
    }
#if TRIMETAL_CHECK
    packed_vec(const __constant packed_vec& other) {}
    operator vec<T, N>() const __constant { return vec<T, N>(T(0)); }
    const __constant T& operator[](int i) const __constant { return d[i]; }
    template <int... I> const vec<T, sizeof...(I)> swizzle() const __constant {
        return vec<T, sizeof...(I)>(T(0));
    }
#endif
#define TRIMETAL_ASSIGN(op)                                                                        \
    template <class B> TRIMETAL_INLINE packed_vec& operator op##=(const B& b) {                    \
        return *this = packed_vec(vec<T, N>(vec<T, N>(*this) op b));                               \
    }
    TRIMETAL_ASSIGN(+)
    TRIMETAL_ASSIGN(-)
    TRIMETAL_ASSIGN(*)
    TRIMETAL_ASSIGN(/)
#undef TRIMETAL_ASSIGN
};
// In an expression a packed vector counts as the vector of its size.
template <class T, int N> struct vector_traits<packed_vec<T, N>> {
    static constexpr int length = N;
    typedef vec<T, N> type;
    typedef T element;
};

} // namespace trimetal
