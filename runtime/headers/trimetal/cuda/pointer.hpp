// Pointers on a GPU are plain; these say so to the functions that take pointers of any kind.
#pragma once

namespace trimetal {

template <class P> struct pointer_traits;
template <class T> struct pointer_traits<T*> { typedef T element; };
template <class T, size_t N> struct pointer_traits<T[N]> { typedef T element; };
template <class P> using pointee = plain<typename pointer_traits<P>::element>;

template <class T> METAL_FUNC T* address(T* p) { return p; }

} // namespace trimetal
