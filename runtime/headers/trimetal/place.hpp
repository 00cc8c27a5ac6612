// What `*p` gives where accesses are counted: a place in memory, whose reading and writing count.
//
// The source rewriter puts the arguments of calls into `trimetal::read`, since templates would take
// the place itself for a value.
#pragma once

#if TRIMETAL_HOST
namespace trimetal {

template <class T, Space S> class bounded_pointer;

#if TRIMETAL_PROFILE

// The element of type T that lies `Offset` bytes behind an address.
template <class T, Space S, ulong Offset = 0> class single_place {
  public:
    TRIMETAL_INLINE explicit single_place(char* at) : at_(at) {}
    single_place(const single_place&) = default;

    TRIMETAL_INLINE operator T() const {
        count_load<S>(sizeof(T));
        return *pointer();
    }
    TRIMETAL_INLINE const single_place& operator=(const T& value) const {
        count_store<S>(sizeof(T));
        *pointer() = value;
        return *this;
    }
    TRIMETAL_INLINE const single_place& operator=(const single_place& other) const {
        return *this = (T)other;
    }
    TRIMETAL_INLINE const single_place& operator=(const single_place& other) {
        return *this = (T)other;
    }
#define TRIMETAL_ASSIGN(op)                                                                        \
    template <class B> TRIMETAL_INLINE const single_place& operator op##=(const B& b) const {      \
        return *this = (T)((T)*this op b);                                                         \
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
    TRIMETAL_INLINE bounded_pointer<T, S> operator&() const;

  protected:
    TRIMETAL_INLINE T* pointer() const { return (T*)(at_ + Offset); }

  private:
    char* at_;
};

// Of a vector: its components are places too.
template <class T, Space S> class vector_place : public single_place<T, S> {
    typedef single_place<T, S> Base;
    typedef element_of<T> E;

  public:
    union {
        char* at;
        single_place<E, S, 0> x, r;
        single_place<E, S, sizeof(E)> y, g;
        single_place<E, S, 2 * sizeof(E)> z, b;
        single_place<E, S, 3 * sizeof(E)> w, a;
    };
    TRIMETAL_INLINE explicit vector_place(char* address) : Base(address), at(address) {}
    TRIMETAL_INLINE vector_place(const vector_place& other) : Base(other), at(other.at) {}
    using Base::operator=;
    TRIMETAL_INLINE const vector_place& operator=(const vector_place& other) const {
        Base::operator=((T)other);
        return *this;
    }
    TRIMETAL_INLINE single_place<E, S> operator[](int i) const {
        return single_place<E, S>(at + i * sizeof(E));
    }
    // To be read only: a swizzle of a place cannot be assigned.
    template <int... I> TRIMETAL_INLINE const vec<E, sizeof...(I)> swizzle() const {
        T value = *this;
        return value.template swizzle<I...>();
    }
};

template <class T, Space S, ulong Offset> struct vector_traits<single_place<T, S, Offset>>
    : vector_traits<T> {};
template <class T, Space S> struct vector_traits<vector_place<T, S>> : vector_traits<T> {};
template <class T, Space S>
using place = conditional_t<vector_length<T> != 0, vector_place<T, S>, single_place<T, S>>;

template <class T> struct read_as {
    static constexpr bool is_place = false, is_scalar = false;
};
template <class T, Space S, ulong Offset> struct read_as<single_place<T, S, Offset>> {
    static constexpr bool is_place = true, is_scalar = true;
    typedef T type;
};
template <class T, Space S> struct read_as<vector_place<T, S>> {
    static constexpr bool is_place = true, is_scalar = false;
    typedef T type;
};
// The value of a place; all else as it is.
template <class T> constexpr TRIMETAL_INLINE decltype(auto) read(T&& it) {
    typedef read_as<plain<metal::remove_reference_t<T>>> Read;
    if constexpr (Read::is_place) return (typename Read::type)it;
    else return (T&&)it;
}

// Operators that take a scalar's value. The built-in ones would, but not all compilers have them of
// half, and those of a vector and a scalar are templates.
template <class A, class B>
using if_scalar_place = enable_if_t<read_as<A>::is_scalar || read_as<B>::is_scalar>;
#define TRIMETAL_BINARY(op)                                                                        \
    template <class A, class B, class = if_scalar_place<A, B>>                                     \
    TRIMETAL_INLINE auto operator op(const A& a, const B& b) {                                     \
        return read(a) op read(b);                                                                 \
    }
#define TRIMETAL_BOTH(op)                                                                          \
    TRIMETAL_BINARY(op)                                                                            \
    template <class A, class T, Space S, ulong Offset, class = enable_if_t<is_scalar<A>>>          \
    TRIMETAL_INLINE A& operator op##=(A& a, const single_place<T, S, Offset>& b) {                 \
        return a op##= (T)b;                                                                       \
    }
TRIMETAL_BOTH(+)
TRIMETAL_BOTH(-)
TRIMETAL_BOTH(*)
TRIMETAL_BOTH(/)
TRIMETAL_BOTH(%)
TRIMETAL_BOTH(&)
TRIMETAL_BOTH(|)
TRIMETAL_BOTH(^)
TRIMETAL_BOTH(<<)
TRIMETAL_BOTH(>>)
TRIMETAL_BINARY(==)
TRIMETAL_BINARY(!=)
TRIMETAL_BINARY(<)
TRIMETAL_BINARY(>)
TRIMETAL_BINARY(<=)
TRIMETAL_BINARY(>=)
#undef TRIMETAL_BOTH
#undef TRIMETAL_BINARY
#define TRIMETAL_UNARY(op)                                                                         \
    template <class T, Space S, ulong Offset>                                                      \
    TRIMETAL_INLINE auto operator op(const single_place<T, S, Offset>& a) {                        \
        return op(T) a;                                                                            \
    }
TRIMETAL_UNARY(-)
TRIMETAL_UNARY(~)
TRIMETAL_UNARY(!)
#undef TRIMETAL_UNARY

template <class T, Space S> struct reference_to {
    static constexpr bool is_counted = is_scalar<T> || vector_length<T> != 0;
    typedef conditional_t<is_counted, place<T, S>, T&> type;
    TRIMETAL_INLINE static type make(T* at) {
        static_assert(is_counted, "a profile counts accesses to scalars and vectors only");
        return type((char*)at);
    }
};
#else
template <class T, Space> struct reference_to {
    typedef T& type;
    TRIMETAL_INLINE static type make(T* at) { return *at; }
};
#endif

}  // namespace trimetal
#endif
