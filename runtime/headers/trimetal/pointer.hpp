// Pointers that know the memory they may touch (host only).
//
// The source rewriter turns `threadgroup T*` into `threadgroup_pointer<T>` (and, when buffers are
// to be checked too, `device T*` into `device_pointer<T>`). They behave as the pointers they stand
// for; an access outside the array, or one that is not aligned, ends the launch with its line.
#pragma once

#if TRIMETAL_HOST
namespace trimetal {

// An integer that remembers the line where it became an index.
struct Index {
    long value;
    unsigned line;
    template <class I, class = enable_if_t<is_integer<I> || is_same_v<I, bool>>>
    TRIMETAL_INLINE Index(I i, unsigned at = __builtin_LINE()) : value((long)i), line(at) {}
};

template <class T, Space S> class bounded_pointer;
template <class T, ulong N, Space S> class bounded_row;

// What `p[i]` gives: a reference, or of an array of arrays a row that knows its own length.
template <class T, Space S> struct access {
    typedef typename reference_to<T, S>::type type;
    TRIMETAL_INLINE static type get(const bounded_pointer<T, S>& p) {
        return reference_to<T, S>::make(p.address());
    }
};
template <class U, ulong N, Space S> struct access<U[N], S> {
    typedef bounded_row<U, N, S> type;
    TRIMETAL_INLINE static type get(const bounded_pointer<U[N], S>& p) {
        p.address();
        return type(bounded_pointer<U, S>(p));
    }
};

template <class T, Space S> class bounded_pointer {
  public:
    bounded_pointer() = default;
    TRIMETAL_INLINE bounded_pointer(char* begin, ulong length, long offset, unsigned line)
        : begin_(begin), length_(length), offset_(offset), line_(line) {}
    // From `&array[i]` or `&scalar`: the array is found again by its address.
    TRIMETAL_INLINE bounded_pointer(T* raw, unsigned line = __builtin_LINE()) : line_(line) {
        locate((char*)raw);
    }
    template <class U>
    TRIMETAL_INLINE explicit bounded_pointer(U* raw, unsigned line = __builtin_LINE())
        : line_(line) {
        locate((char*)raw);
    }
    TRIMETAL_INLINE explicit bounded_pointer(ulong address, unsigned line = __builtin_LINE())
        : line_(line) {
        locate((char*)address);
    }
    template <class U>
    TRIMETAL_INLINE explicit bounded_pointer(const bounded_pointer<U, S>& p)
        : begin_(p.begin_), length_(p.length_), offset_(p.offset_), line_(p.line_) {}

    // The address to access, after the checks.
    TRIMETAL_INLINE T* address() const { return address(line_); }
    TRIMETAL_INLINE T* address(unsigned line) const {
        char* at = (char*)((ulong)begin_ + (ulong)offset_);
        const bool outside = length_ < sizeof(T) || (ulong)offset_ > length_ - sizeof(T);
        if (__builtin_expect(outside || (ulong)at % alignof(T) != 0, 0)) refuse(line);
        return (T*)at;
    }
    // Of a word of which at least one byte is inside: atomics of less than a word work on the one
    // around them, which belongs to the same allocation.
    TRIMETAL_INLINE T* word(unsigned line) const {
        char* at = (char*)((ulong)begin_ + (ulong)offset_);
        const bool before = offset_ < 0 && offset_ + (long)sizeof(T) <= 0;
        const bool outside = before || (offset_ >= 0 && (ulong)offset_ >= length_);
        if (__builtin_expect(outside || (ulong)at % alignof(T) != 0, 0)) refuse(line);
        return (T*)at;
    }
    typedef typename access<T, S>::type reference;
    TRIMETAL_INLINE reference operator[](Index i) const {
        return access<T, S>::get(*this + i);
    }
    TRIMETAL_INLINE reference operator*() const { return access<T, S>::get(*this); }
    TRIMETAL_INLINE T* operator->() const { return address(); }
    TRIMETAL_INLINE explicit operator ulong() const { return (ulong)begin_ + (ulong)offset_; }
    TRIMETAL_INLINE explicit operator bool() const { return (ulong)*this != 0; }

    TRIMETAL_INLINE bounded_pointer operator+(Index i) const {
        const ulong moved = (ulong)offset_ + (ulong)i.value * sizeof(T);
        return bounded_pointer(begin_, length_, (long)moved, i.line);
    }
    TRIMETAL_INLINE bounded_pointer operator-(Index i) const {
        const ulong moved = (ulong)offset_ - (ulong)i.value * sizeof(T);
        return bounded_pointer(begin_, length_, (long)moved, i.line);
    }
    friend TRIMETAL_INLINE bounded_pointer operator+(Index i, const bounded_pointer& p) {
        return p + i;
    }
    TRIMETAL_INLINE long operator-(const bounded_pointer& p) const {
        return ((long)(ulong)*this - (long)(ulong)p) / (long)sizeof(T);
    }
    TRIMETAL_INLINE bounded_pointer& operator+=(Index i) { return *this = *this + i; }
    TRIMETAL_INLINE bounded_pointer& operator-=(Index i) { return *this = *this - i; }
    TRIMETAL_INLINE bounded_pointer& operator++() { return *this = *this + Index(1, line_); }
    TRIMETAL_INLINE bounded_pointer& operator--() { return *this = *this - Index(1, line_); }
    TRIMETAL_INLINE bounded_pointer operator++(int) {
        const bounded_pointer before = *this;
        ++*this;
        return before;
    }
    TRIMETAL_INLINE bounded_pointer operator--(int) {
        const bounded_pointer before = *this;
        --*this;
        return before;
    }
#define TRIMETAL_COMPARE(op)                                                                       \
    TRIMETAL_INLINE bool operator op(const bounded_pointer& p) const {                             \
        return (ulong)*this op (ulong)p;                                                           \
    }
    TRIMETAL_COMPARE(==)
    TRIMETAL_COMPARE(!=)
    TRIMETAL_COMPARE(<)
    TRIMETAL_COMPARE(>)
    TRIMETAL_COMPARE(<=)
    TRIMETAL_COMPARE(>=)
#undef TRIMETAL_COMPARE

  private:
    template <class U, Space> friend class bounded_pointer;

    void locate(char* address) {
        const Extent extent = services->extent(address, S == Space::threadgroup);
        begin_ = extent.begin;
        length_ = extent.length;
        offset_ = (long)((ulong)address - (ulong)begin_);
    }
    __attribute__((noinline, cold)) void refuse(unsigned line) const {
        const OutOfRange what = {offset_, sizeof(T), length_, alignof(T), line,
                                 S == Space::threadgroup};
        services->out_of_range(what);
    }

    char* begin_;
    ulong length_;
    long offset_;
    unsigned line_;
};

template <class T, ulong N, Space S>
class bounded_row : public bounded_pointer<T, S> {
    typedef bounded_pointer<T, S> Pointer;

  public:
    TRIMETAL_INLINE explicit bounded_row(const Pointer& p) : Pointer(p) {}
    TRIMETAL_INLINE typename Pointer::reference operator[](Index i) const {
        if (__builtin_expect((ulong)i.value >= N, 0)) leave_row(i);
        return Pointer::operator[](i);
    }

  private:
    __attribute__((noinline, cold)) static void leave_row(Index i) {
        const OutOfRange what = {i.value * (long)sizeof(T), sizeof(T), N * sizeof(T),
                                 alignof(T), i.line, S == Space::threadgroup};
        services->out_of_range(what);
    }
};

template <class T> using threadgroup_pointer = bounded_pointer<T, Space::threadgroup>;
template <class T> using device_pointer = bounded_pointer<T, Space::device>;
template <class T> using constant_pointer = bounded_pointer<T, Space::constant>;

// What a library function reads memory through, whatever kind of pointer it was given.
template <class T> TRIMETAL_INLINE T* address(T* p, unsigned) { return p; }
template <class T, Space S>
TRIMETAL_INLINE T* address(const bounded_pointer<T, S>& p, unsigned line) {
    return p.address(line);
}

template <class T> TRIMETAL_INLINE T* word(T* p, unsigned) { return p; }
template <class T, Space S>
TRIMETAL_INLINE T* word(const bounded_pointer<T, S>& p, unsigned line) {
    return p.word(line);
}

template <class T> struct pointer_traits;
template <class T> struct pointer_traits<T*> {
    typedef T element;
    static constexpr Space space = Space::device;  // where accesses are not counted
};
template <class T, Space S> struct pointer_traits<bounded_pointer<T, S>> {
    typedef T element;
    static constexpr Space space = S;
};
template <class T, ulong N, Space S>
struct pointer_traits<bounded_row<T, N, S>> {
    typedef T element;
    static constexpr Space space = S;
};
template <class P> using pointee = plain<typename pointer_traits<P>::element>;
template <class P> constexpr Space space_of = pointer_traits<P>::space;

#if TRIMETAL_PROFILE
template <class T, Space S, ulong Offset>
TRIMETAL_INLINE bounded_pointer<T, S> single_place<T, S, Offset>::operator&() const {
    return bounded_pointer<T, S>(pointer());
}
#endif

// `reinterpret_cast<threadgroup T*>(p)`, which a class type cannot be the target of.
template <class To, class From> TRIMETAL_INLINE To pointer_cast(const From& p) { return To(p); }

// A threadgroup variable: `threadgroup float a[64]` becomes `auto&& a = allocate<float[64]>(line)`.
template <class T> struct variable {
    typedef reference_to<T, Space::threadgroup> Reference;
    TRIMETAL_INLINE static typename Reference::type make(char* memory, unsigned) {
        return Reference::make((T*)memory);
    }
};
template <class T, ulong N> struct variable<T[N]> {
    TRIMETAL_INLINE static threadgroup_pointer<T> make(char* memory, unsigned line) {
        return threadgroup_pointer<T>(memory, sizeof(T[N]), 0, line);
    }
};
template <class T, ulong Alignment = 1>
TRIMETAL_INLINE decltype(auto) allocate(unsigned line) {
    const ulong alignment = alignof(T) > Alignment ? alignof(T) : Alignment;
    TRIMETAL_ADD_THREADGROUP(threadgroup_bytes, sizeof(T));
    return variable<T>::make((char*)services->allocate(sizeof(T), alignment, line), line);
}

}  // namespace trimetal
#endif
