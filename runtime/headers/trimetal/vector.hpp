// metal::vec, and the swizzles of more than one component.
//
// Single components are members. The source rewriter turns `v.xyz` into `v.swizzle<0, 1, 2>()`:
// some 300 swizzles as members of every vector type would cost more time than the kernel itself.
#pragma once

namespace trimetal {

// The storage. Three components take the room of four, as in Metal.
template <class T, int N> struct components;
template <class T> struct components<T, 2> {
    union {
        struct { T x, y; };
        struct { T r, g; };
        T d[2];
    };
};
template <class T> struct components<T, 3> {
    union {
        struct { T x, y, z; };
        struct { T r, g, b; };
        T d[4];
    };
};
template <class T> struct components<T, 4> {
    union {
        struct { T x, y, z, w; };
        struct { T r, g, b, a; };
        T d[4];
    };
};

template <int First, int... Rest> constexpr bool repeats() {
    constexpr int rest[] = {Rest..., -1};
    for (int i = 0; i < (int)sizeof...(Rest); ++i)
        if (rest[i] == First) return true;
    if constexpr (sizeof...(Rest) > 1) return repeats<Rest...>();
    return false;
}

// Selected components of a vector, to be read or (without repetition) assigned.
template <class T, int... I> struct swizzled {
    typedef vec<T, sizeof...(I)> Vector;
    T* d;
    TRIMETAL_INLINE operator Vector() const;
    TRIMETAL_INLINE T operator[](int i) const { return Vector(*this).d[i]; }
    TRIMETAL_INLINE swizzled& operator=(const Vector& v) {
        static_assert(!repeats<I...>(), "a swizzle that repeats a component cannot be assigned");
        constexpr int index[] = {I...};
        for (int i = 0; i < (int)sizeof...(I); ++i) d[index[i]] = v.d[i];
        return *this;
    }
    TRIMETAL_INLINE swizzled& operator=(const swizzled& other) { return *this = Vector(other); }
#define TRIMETAL_ASSIGN(op)                                                                        \
    template <class B> TRIMETAL_INLINE swizzled& operator op##=(const B& b) {                      \
        return *this = Vector(*this) op b;                                                         \
    }
    TRIMETAL_ASSIGN(+)
    TRIMETAL_ASSIGN(-)
    TRIMETAL_ASSIGN(*)
    TRIMETAL_ASSIGN(/)
#undef TRIMETAL_ASSIGN
};
template <class T, int... I> struct vector_traits<swizzled<T, I...>> {
    static constexpr int length = sizeof...(I);
    typedef vec<T, sizeof...(I)> type;
    typedef T element;
};

// How many components a list of constructor arguments gives, and whether it is one: at least one
// vector, and all vectors of the element type.
template <class A> constexpr int part_length = vector_length<A> ? vector_length<A> : 1;
template <class T, class A>
constexpr bool part_fits = vector_length<A> ? is_same_v<element_of<A>, T> : is_scalar<A>;
template <class T, int N, class... A> struct part_list {
    static constexpr int length = (0 + ... + part_length<A>);
    static constexpr bool any_vector = (false || ... || (vector_length<A> != 0));
    static constexpr bool value =
        sizeof...(A) > 1 && length == N && any_vector && (true && ... && part_fits<T, A>);
};

} // namespace trimetal

namespace metal {

template <class T, int N>
struct alignas(sizeof(T) * (N == 3 ? 4 : N)) vec : trimetal::components<T, N> {
    using trimetal::components<T, N>::d;

    vec() = default;
    vec(const vec&) = default;
    vec& operator=(const vec&) = default;
#if TRIMETAL_CHECK
    vec(const __constant vec& other) {}
#endif
    // A scalar fills all components, by itself too: `float4 v = 0.0f`.
    TRIMETAL_INLINE vec(T all) {
        for (int i = 0; i < N; ++i) d[i] = all;
    }
    // Parameters of type T (and not deduced) let the compiler refuse narrowing between braces.
    template <int M = N, class = enable_if_t<M == 2>> TRIMETAL_INLINE vec(T x, T y) {
        d[0] = x, d[1] = y;
    }
    template <int M = N, class = enable_if_t<M == 3>> TRIMETAL_INLINE vec(T x, T y, T z) {
        d[0] = x, d[1] = y, d[2] = z;
    }
    template <int M = N, class = enable_if_t<M == 4>> TRIMETAL_INLINE vec(T x, T y, T z, T w) {
        d[0] = x, d[1] = y, d[2] = z, d[3] = w;
    }
    // Vectors and scalars one after another: `float4(v.xy, 0.0f, 1.0f)`.
    template <class... A, class = enable_if_t<trimetal::part_list<T, N, A...>::value>>
    TRIMETAL_INLINE vec(const A&... parts) {
        int next = 0;
        (append(next, parts), ...);
    }
    // Another element type converts only where the text says so.
    template <class A, class = enable_if_t<trimetal::vector_length<A> == N &&
                                           !is_same_v<trimetal::element_of<A>, T>>>
    TRIMETAL_INLINE explicit vec(const A& other) {
        const trimetal::vector_of<A> v = other;
        for (int i = 0; i < N; ++i) d[i] = (T)v.d[i];
    }

    TRIMETAL_INLINE T& operator[](int i) { return d[i]; }
    TRIMETAL_INLINE const T& operator[](int i) const { return d[i]; }
    template <int... I> TRIMETAL_INLINE trimetal::swizzled<T, I...> swizzle() {
        return trimetal::swizzled<T, I...>{d};
    }
    template <int... I> TRIMETAL_INLINE const vec<T, sizeof...(I)> swizzle() const {
        return trimetal::swizzled<T, I...>{const_cast<T*>(d)};
    }
#if TRIMETAL_CHECK
    const __constant T& operator[](int i) const __constant { return d[i]; }
    template <int... I> const vec<T, sizeof...(I)> swizzle() const __constant {
        return vec<T, sizeof...(I)>(T(0));
    }
#endif

#define TRIMETAL_ASSIGN(op)                                                                        \
    template <class B> TRIMETAL_INLINE vec& operator op##=(const B& b) {                           \
        return *this = *this op b;                                                                 \
    }
    TRIMETAL_ASSIGN(+)
    TRIMETAL_ASSIGN(-)
    TRIMETAL_ASSIGN(*)
    TRIMETAL_ASSIGN(/)
    TRIMETAL_ASSIGN(%)
    TRIMETAL_ASSIGN(&)
    TRIMETAL_ASSIGN(|)
    TRIMETAL_ASSIGN(^)
    TRIMETAL_ASSIGN(<<)
    TRIMETAL_ASSIGN(>>)
#undef TRIMETAL_ASSIGN

  private:
    template <class A> TRIMETAL_INLINE void append(TRIMETAL_THREAD int& next, const A& part) {
        if constexpr (trimetal::vector_length<A> != 0) {
            const trimetal::vector_of<A> v = part;
            for (int i = 0; i < trimetal::vector_length<A>; ++i) d[next + i] = v.d[i];
            next += trimetal::vector_length<A>;
        } else {
            d[next++] = part;
        }
    }
};

} // namespace metal

template <class T, int... I>
TRIMETAL_INLINE trimetal::swizzled<T, I...>::operator vec<T, sizeof...(I)>() const {
    constexpr int index[] = {I...};
    Vector v;
    for (int i = 0; i < (int)sizeof...(I); ++i) v.d[i] = d[index[i]];
    return v;
}
