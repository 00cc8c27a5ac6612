// Operators of vectors: two vectors of one type, or a vector and a scalar that its elements can
// hold. Comparisons give vectors of bool.
#pragma once

namespace trimetal {

// A scalar joins a vector if its kind is not above the element's: float4 * 2, never int4 * 2.0f.
template <class T> constexpr int conversion_rank =
    is_same_v<plain<T>, float> ? 3 : is_floating<plain<T>> ? 2 : 1;
template <class X, class V> constexpr bool operand_fits() {
    if constexpr (vector_length<X> != 0) return is_same_v<vector_of<X>, V>;
    else if constexpr (is_same_v<element_of<V>, bfloat>) return is_same_v<plain<X>, bfloat>;
    else if constexpr (is_same_v<element_of<V>, bool>) return is_same_v<plain<X>, bool>;
    else return is_scalar<X> && conversion_rank<X> <= conversion_rank<element_of<V>> &&
                !is_same_v<plain<X>, bfloat>;
}

// The vector type of `a op b`, if it has one.
template <class A, class B>
using wider = conditional_t<vector_length<A> != 0, vector_of<A>, vector_of<B>>;
template <class A, class B, bool Vector = (vector_length<A> != 0 || vector_length<B> != 0)>
struct binary {};
template <class A, class B> struct binary<A, B, true>
    : metal::enable_if<operand_fits<A, wider<A, B>>() && operand_fits<B, wider<A, B>>(),
                       wider<A, B>> {};
template <class A, class B> using binary_of = typename binary<A, B>::type;
template <class A, class B> using comparison_of = vec<bool, vector_length<binary_of<A, B>>>;

template <class V> constexpr bool is_arithmetic_vector = !is_same_v<element_of<V>, bool>;
template <class V> constexpr bool is_integer_vector = is_integer<element_of<V>>;
template <class V> constexpr bool is_bool_vector = is_same_v<element_of<V>, bool>;
template <class V> constexpr bool is_bit_vector = is_integer_vector<V> || is_bool_vector<V>;

} // namespace trimetal

namespace metal {

#define TRIMETAL_BINARY(op, condition)                                                             \
    template <class A, class B, class V = trimetal::binary_of<A, B>,                               \
              class = enable_if_t<trimetal::condition<V>>>                                         \
    TRIMETAL_INLINE V operator op(const A& a, const B& b) {                                        \
        const V x = a, y = b;                                                                      \
        V r;                                                                                       \
        for (int i = 0; i < trimetal::vector_length<V>; ++i)                                       \
            r.d[i] = (trimetal::element_of<V>)(x.d[i] op y.d[i]);                                  \
        return r;                                                                                  \
    }
TRIMETAL_BINARY(+, is_arithmetic_vector)
TRIMETAL_BINARY(-, is_arithmetic_vector)
TRIMETAL_BINARY(*, is_arithmetic_vector)
TRIMETAL_BINARY(/, is_arithmetic_vector)
TRIMETAL_BINARY(%, is_integer_vector)
TRIMETAL_BINARY(<<, is_integer_vector)
TRIMETAL_BINARY(>>, is_integer_vector)
TRIMETAL_BINARY(&, is_bit_vector)
TRIMETAL_BINARY(|, is_bit_vector)
TRIMETAL_BINARY(^, is_bit_vector)
TRIMETAL_BINARY(&&, is_bool_vector)
TRIMETAL_BINARY(||, is_bool_vector)
#undef TRIMETAL_BINARY

#define TRIMETAL_COMPARE(op)                                                                       \
    template <class A, class B, class R = trimetal::comparison_of<A, B>>                           \
    TRIMETAL_INLINE R operator op(const A& a, const B& b) {                                        \
        const trimetal::binary_of<A, B> x = a, y = b;                                              \
        R r;                                                                                       \
        for (int i = 0; i < trimetal::vector_length<R>; ++i) r.d[i] = x.d[i] op y.d[i];            \
        return r;                                                                                  \
    }
TRIMETAL_COMPARE(<)
TRIMETAL_COMPARE(>)
TRIMETAL_COMPARE(<=)
TRIMETAL_COMPARE(>=)
TRIMETAL_COMPARE(==)
TRIMETAL_COMPARE(!=)
#undef TRIMETAL_COMPARE

#define TRIMETAL_UNARY(op, condition, Result)                                                      \
    template <class A, class V = trimetal::vector_of<A>,                                           \
              class = enable_if_t<trimetal::vector_length<A> != 0 && trimetal::condition<V>>>      \
    TRIMETAL_INLINE Result operator op(const A& a) {                                               \
        const V x = a;                                                                             \
        Result r;                                                                                  \
        for (int i = 0; i < trimetal::vector_length<V>; ++i)                                       \
            r.d[i] = (trimetal::element_of<Result>)(op x.d[i]);                                    \
        return r;                                                                                  \
    }
TRIMETAL_UNARY(-, is_arithmetic_vector, V)
TRIMETAL_UNARY(~, is_integer_vector, V)
#define TRIMETAL_BOOLS vec<bool, trimetal::vector_length<V>>
TRIMETAL_UNARY(!, is_bit_vector, TRIMETAL_BOOLS)
#undef TRIMETAL_BOOLS
#undef TRIMETAL_UNARY

} // namespace metal
