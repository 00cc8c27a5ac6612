// The type traits that MSL offers in namespace metal, and those that this library needs.
#pragma once

namespace metal {
template <bool Condition, class T = void> struct enable_if {};
template <class T> struct enable_if<true, T> { typedef T type; };
template <bool Condition, class T = void>
using enable_if_t = typename enable_if<Condition, T>::type;

template <class A, class B> struct is_same { static constexpr bool value = false; };
template <class A> struct is_same<A, A> { static constexpr bool value = true; };
template <class A, class B> constexpr bool is_same_v = is_same<A, B>::value;

template <bool Condition, class T, class F> struct conditional { typedef T type; };
template <class T, class F> struct conditional<false, T, F> { typedef F type; };
template <bool Condition, class T, class F>
using conditional_t = typename conditional<Condition, T, F>::type;

template <class T> struct remove_const { typedef T type; };
template <class T> struct remove_const<const T> { typedef T type; };
template <class T> using remove_const_t = typename remove_const<T>::type;
template <class T> struct remove_reference { typedef T type; };
template <class T> struct remove_reference<T&> { typedef T type; };
template <class T> using remove_reference_t = typename remove_reference<T>::type;

template <class T, int N> struct vec;
} // namespace metal

TRIMETAL_PROGRAM_SCOPE_BEGIN
struct bfloat;
#if TRIMETAL_CUDA
struct half;
#endif
TRIMETAL_PROGRAM_SCOPE_END

namespace trimetal {
using metal::conditional_t;
using metal::enable_if_t;
using metal::is_same_v;
using metal::vec;
#if TRIMETAL_CUDA
using metal::bfloat;
using metal::half;
#endif

// Deduction in C++ for OpenCL keeps an argument's address space in the type.
template <class T> struct without_space { typedef T type; };
#if TRIMETAL_CHECK
template <class T> struct without_space<__private T> { typedef T type; };
template <class T> struct without_space<__global T> { typedef T type; };
template <class T> struct without_space<__local T> { typedef T type; };
template <class T> struct without_space<__constant T> { typedef T type; };
template <class T> struct without_space<__generic T> { typedef T type; };
#endif
template <class T> struct without_const { typedef T type; };
template <class T> struct without_const<const T> { typedef T type; };
template <class T> struct without_const<volatile T> { typedef T type; };
template <class T> struct without_const<const volatile T> { typedef T type; };
template <class T>
using plain = typename without_const<typename without_space<T>::type>::type;

// A parameter type from which nothing is deduced: T(1) accepts what converts to T.
template <class T> struct same { typedef T type; };
template <class T> using not_deduced = typename same<T>::type;

// A copy: a value in no address space (see runtime/source/conditionals.py).
template <class T> inline T value(T v) { return v; }

template <class T> constexpr bool is_floating = false;
template <> constexpr bool is_floating<float> = true;
template <> constexpr bool is_floating<half> = true;
template <> constexpr bool is_floating<bfloat> = true;

template <class T> constexpr bool is_integer = false;
template <> constexpr bool is_integer<char> = true;
template <> constexpr bool is_integer<signed char> = true;
template <> constexpr bool is_integer<uchar> = true;
template <> constexpr bool is_integer<short> = true;
template <> constexpr bool is_integer<ushort> = true;
template <> constexpr bool is_integer<int> = true;
template <> constexpr bool is_integer<uint> = true;
template <> constexpr bool is_integer<long> = true;
template <> constexpr bool is_integer<ulong> = true;

template <class T> constexpr bool is_scalar =
    is_floating<plain<T>> || is_integer<plain<T>> || is_same_v<plain<T>, bool>;

// Vector-like: a vector or a swizzle of one; `length` is 0 of anything else.
template <class T> struct vector_traits {
    static constexpr int length = 0;
    typedef T type;
    typedef T element;
};
template <class T, int N> struct vector_traits<vec<T, N>> {
    static constexpr int length = N;
    typedef vec<T, N> type;
    typedef T element;
};
template <class T> constexpr int vector_length = vector_traits<plain<T>>::length;
template <class T> using vector_of = typename vector_traits<plain<T>>::type;
template <class T> using element_of = typename vector_traits<plain<T>>::element;
} // namespace trimetal

namespace metal {
template <class T> struct is_floating_point {
    static constexpr bool value = trimetal::is_floating<T>;
};
template <class T> constexpr bool is_floating_point_v = trimetal::is_floating<T>;
template <class T> struct is_integral {
    static constexpr bool value = trimetal::is_integer<T> || is_same_v<T, bool>;
};
template <class T> constexpr bool is_integral_v = is_integral<T>::value;
} // namespace metal
