// Lifts a function of scalars to vectors, element by element.
#pragma once

#define TRIMETAL_LIFT_1(name)                                                                      \
    template <class A, class V = metal::enable_if_t<trimetal::vector_length<A> != 0,               \
                                                    trimetal::vector_of<A>>>                       \
    METAL_FUNC V name(const A& a) {                                                                \
        const V x = a;                                                                             \
        V r;                                                                                       \
        for (int i = 0; i < trimetal::vector_length<V>; ++i) r.d[i] = name(x.d[i]);                \
        return r;                                                                                  \
    }
#define TRIMETAL_LIFT_2(name)                                                                      \
    template <class A, class B, class V = trimetal::binary_of<A, B>>                               \
    METAL_FUNC V name(const A& a, const B& b) {                                                    \
        const V x = a, y = b;                                                                      \
        V r;                                                                                       \
        for (int i = 0; i < trimetal::vector_length<V>; ++i) r.d[i] = name(x.d[i], y.d[i]);        \
        return r;                                                                                  \
    }
#define TRIMETAL_LIFT_3(name)                                                                      \
    template <class A, class B, class C,                                                           \
              class V = trimetal::binary_of<trimetal::binary_of<A, B>, C>>                         \
    METAL_FUNC V name(const A& a, const B& b, const C& c) {                                        \
        const V x = a, y = b, z = c;                                                               \
        V r;                                                                                       \
        for (int i = 0; i < trimetal::vector_length<V>; ++i)                                       \
            r.d[i] = name(x.d[i], y.d[i], z.d[i]);                                                 \
        return r;                                                                                  \
    }
// A predicate: vectors of bool.
#define TRIMETAL_LIFT_TEST(name)                                                                   \
    template <class A, class R = metal::enable_if_t<                                               \
                           trimetal::vector_length<A> != 0,                                        \
                           metal::vec<bool, trimetal::vector_length<A>>>>                          \
    METAL_FUNC R name(const A& a) {                                                                \
        const trimetal::vector_of<A> x = a;                                                        \
        R r;                                                                                       \
        for (int i = 0; i < trimetal::vector_length<A>; ++i) r.d[i] = name(x.d[i]);                \
        return r;                                                                                  \
    }
